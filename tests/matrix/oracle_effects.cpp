// SPDX-License-Identifier: MIT
// oracle_effects.cpp: what the steps of the oracle share, its user calls and its timeouts.

#include "oracle.hpp"

#include <algorithm>

namespace oracle {

namespace {

bool before(number a, number b) { return static_cast<std::int32_t>(b - a) > 0; }

}  // namespace

void tcp::begin() {
    said = {};
    ack_owed_ = false;
}

void tcp::move(state to, cause why) {
    said.moves.add({at, to, why});
    at = to;
}

// --- Numbers --------------------------------------------------------------------------------------

void tcp::delete_tcb() {
    t = {};
    ack_owed_ = false;
    said.ack_delayed = false;
}

/// IRS, RCV.NXT, RCV.WND and the options of a SYN.
void tcp::take_peer(const segment& seg, microseconds now) {
    t.irs = seg.seq;
    t.rcv_nxt = t.rcv_up = seg.seq + 1;
    t.rcv_wnd = std::min<number>(given.buffer, 65535);
    t.stamps = seg.has_stamp;  // we always offer, and always answer
    if (seg.has_stamp) t.ts_recent = seg.stamp;
    t.ts_recent_at = now;
    t.scales = seg.has_scale;
    t.sacks = seg.sack_ok;
    t.snd_scale = seg.has_scale ? std::min<number>(seg.scale, 14) : 0;
}

/// SND.WND, WL1 and WL2. The window of a SYN is never scaled (RFC 7323 2.2).
void tcp::take_window(const segment& seg, number from) {
    t.wnd = seg.wnd << (seg.syn ? 0 : t.snd_scale);
    t.wl1 = from;
    t.wl2 = seg.acks || !how.no_ack_no_wl2 ? seg.ack : t.iss;
    t.max_wnd = std::max(t.max_wnd, t.wnd);
}

/// RFC 7323 5.3 R3.
void tcp::take_stamp(const segment& seg, microseconds now) {
    if (!t.stamps || seg.rst || !seg.has_stamp || before(t.last_ack_sent, seg.seq)) return;
    t.ts_recent = seg.stamp;
    t.ts_recent_at = now;
}

/// Text and FIN of a SYN wait at RCV.NXT; URG, by the letter, too (3.10.7.2 third, 3.10.7.3 fourth).
void tcp::hold_of_syn(const segment& seg) {
    segment more = seg;
    more.syn = false;
    more.seq += 1;
    const segment cut = trimmed(more);
    hold_text(cut);
    hold_fin(cut);
    if (!seg.urg || how.urgency_of_syn_forgotten) return;
    t.urgency_held = true;
    t.urgent_to = seg.seq + seg.up;
}

/// A FIN counts where it stands, unless text has run over that number.
void tcp::hold_fin(const segment& cut) {
    if (!cut.fin || before(cut.seq + cut.text, t.rcv_nxt)) return;
    t.fin_held = true;
    t.fin_at = cut.seq + cut.text;
}

/// What lies in the window waits until all before it is there, too. False if there is no room to remember it.
bool tcp::hold_text(const segment& cut) {
    if (cut.text == 0) return true;
    range all{cut.seq, cut.seq + cut.text};
    few<range, 10> others;
    for (const range& r : t.held) {
        if (before(all.right, r.left) || before(r.right, all.left)) {
            others.add(r);
            continue;
        }
        if (before(r.left, all.left)) all.left = r.left;
        if (before(all.right, r.right)) all.right = r.right;
    }
    if (others.count >= given.ranges && cut.seq != t.rcv_nxt) return false;
    t.held = {};
    for (const range& r : others) {
        if (before(r.left, all.left)) t.held.add(r);
    }
    t.held.add(all);
    for (const range& r : others) {
        if (before(all.left, r.left)) t.held.add(r);
    }
    return true;
}

/// SND.UNA and SND.WND, as ESTABLISHED does it (fifth).
void tcp::take_ack(const segment& seg, const segment& cut) {
    const bool more = before(t.una, seg.ack);
    if (more) {
        const number had = t.syn_acked ? t.una : t.iss + 1;
        const number reached = before(t.last, seg.ack) ? t.last : seg.ack;  // the FIN is no text
        if (before(had, reached)) said.acked += reached - had;
        t.una = seg.ack;
        t.syn_acked = true;
    }
    const bool old = before(seg.ack, t.una);  // SND.UNA =< SEG.ACK =< SND.NXT
    const number from = how.window_by_seq_as_sent ? seg.seq : cut.seq;
    const bool fresh = before(t.wl1, from) || (t.wl1 == from && !before(seg.ack, t.wl2));
    if ((!old && fresh) || (more && how.window_of_new_ack)) take_window(seg, from);
}

void tcp::enter_established(const char* cite) {
    because(cite);
    t.syn_acked = true;
    tell(signal::open);
    if (!t.close_waits || !how.queued_close_first) return;
    because("3.10.4: the CLOSE that was queued");
    t.close_waits = false;
    t.fin = true;
    move(state::fin_wait_1, cause::close);
}

// --- Segments -------------------------------------------------------------------------------------

void tcp::challenge() {
    // RFC 5961 section 7: so many, and no more.
    if (t.challenges >= given.challenges) return because("RFC 5961 7: the allowance is used up");
    ++t.challenges;
    owe_ack();
}

/// 3.5.2, and RFC 7323 3.2 for its timestamps.
void tcp::answer_with_reset(const segment& seg) {
    segment out;
    out.rst = true;
    if (seg.acks) {
        out.seq = seg.ack;
    } else {
        out.acks = true;
        out.ack = seg.seq + seg.len();
    }
    out.has_stamp = seg.has_stamp;
    out.echo = seg.stamp;
    said.sent.add(out);
}

segment tcp::made(number seq, bool with_ack) const {
    segment out;
    out.seq = seq;
    out.acks = with_ack;
    if (with_ack) {
        out.ack = t.rcv_nxt;
        out.wnd = t.rcv_wnd;
    }
    out.has_stamp = t.stamps;
    if (t.stamps) {
        out.stamp = given.stamp;
        out.echo = with_ack ? t.ts_recent : 0;
    }
    return out;
}

void tcp::send_now(segment seg) {
    if (seg.acks) {
        t.last_ack_sent = seg.ack;
        ack_owed_ = false;
        said.ack_delayed = false;
    }
    if (before(t.nxt, seg.seq + seg.len())) t.nxt = seg.seq + seg.len();
    said.sent.add(seg);
}

/// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>. But behind a probe of its shut window the peer takes nothing.
void tcp::send_ack() { send_now(made(how.ack_before_probe && probed() ? t.una : t.nxt, true)); }

/// The SYN with the options that we offer, or the SYN,ACK with those that the peer has offered, too.
void tcp::send_syn(bool with_ack) {
    segment out = made(t.iss, with_ack);
    out.syn = true;
    out.wnd = std::min<number>(given.buffer, 65535);
    out.has_mss = true;
    out.mss = given.mss;
    out.has_scale = !with_ack || t.scales;
    out.has_stamp = !with_ack || t.stamps;
    out.stamp = out.has_stamp ? given.stamp : 0;
    out.sack_ok = !with_ack || t.sacks;
    send_now(out);
}

/// 3.8.1 and 3.8.6: text and FIN that may go; else the ACK that is owed.
void tcp::transmit() {
    if (at == state::established && t.close_waits) {
        t.close_waits = false;
        t.fin = true;
        move(state::fin_wait_1, cause::close);
    }
    const bool sends = at == state::established || at == state::close_wait || at == state::fin_wait_1 ||
                       at == state::closing || at == state::last_ack;
    if (sends) {
        const number edge = t.una + t.wnd;
        const number room = before(t.nxt, edge) ? edge - t.nxt : 0;
        const number unsent = before(t.nxt, t.last) ? t.last - t.nxt : 0;
        const number text = std::min(unsent, room);
        if (at == state::close_wait && t.close_waits && text == unsent) {
            because("3.10.4: the CLOSE that was queued");
            t.close_waits = false;
            t.fin = true;
            move(state::last_ack, cause::close);
        }
        const bool fin = t.fin && !t.fin_sent && text == unsent && text < room;
        const bool nagle = t.una != t.nxt && text != 0 && !fin;  // 3.7.4: what is small waits for an ACK
        if ((text != 0 || fin) && !nagle) {
            segment out = made(t.nxt, true);
            out.text = text;
            out.psh = text != 0 && text == unsent;  // MUST-61
            out.fin = fin;
            t.fin_sent = t.fin_sent || fin;
            send_now(out);
        }
    }
    if (ack_owed_) send_ack();
}

// --- User calls (3.10.1 to 3.10.5) ------------------------------------------------------------------

void tcp::open_passive() {
    begin();
    if (at != state::closed) return because("3.10.1: connection already exists");
    because("3.10.1: OPEN, passive");
    t = {};
    t.iss = t.una = t.nxt = given.iss;
    t.last = t.iss + 1;
    move(state::listen, cause::open_passive);
}

void tcp::open_active() {
    begin();
    if (at != state::closed && at != state::listen) return because("3.10.1: connection already exists");
    because("3.10.1: OPEN, active");
    t = {};
    t.iss = t.una = t.nxt = given.iss;
    t.last = t.iss + 1;
    move(state::syn_sent, cause::open_active);
    send_syn(false);
}

void tcp::send(number octets) {
    begin();
    switch (at) {
    case state::listen:
        because("3.10.2: SEND makes a passive OPEN active");
        t = {};
        t.iss = t.una = t.nxt = given.iss;
        t.last = t.iss + 1 + octets;
        move(state::syn_sent, cause::send);
        return send_syn(false);
    case state::syn_sent:
    case state::syn_received:
    case state::established:
    case state::close_wait:
        if (t.close_waits) return because("3.6 case 1: connection closing");
        because("3.10.2: SEND");
        t.last += octets;
        return transmit();
    default: return because("3.10.2: no SEND here");
    }
}

void tcp::close() {
    begin();
    const bool pending = before(t.una == t.iss && !t.syn_acked ? t.iss + 1 : t.nxt, t.last);
    switch (at) {
    case state::listen:
    case state::syn_sent:
        because("3.10.4: nothing to end in order");
        move(state::closed, cause::close);
        return delete_tcb();
    case state::syn_received:
        because("3.10.4: SYN-RECEIVED");
        if (pending) {
            t.close_waits = true;
            return;
        }
        t.fin = true;
        move(state::fin_wait_1, cause::close);
        return transmit();
    case state::established:
        because("3.10.4: ESTABLISHED");
        t.fin = true;
        move(state::fin_wait_1, cause::close);
        return transmit();
    case state::close_wait:
        because("3.10.4: CLOSE-WAIT");
        if (pending) {
            t.close_waits = true;
            return transmit();
        }
        t.fin = true;
        move(state::last_ack, cause::close);
        return transmit();
    default: return because("3.10.4: no connection, or closing");
    }
}

void tcp::close_both() {
    const bool reads =
        at == state::established || at == state::fin_wait_1 || at == state::fin_wait_2 || at == state::close_wait;
    if (reads && t.unread != 0) {
        begin();
        because("3.6.1 SHLD-3: text is unread");
        segment out = made(t.nxt, false);
        out.rst = true;
        said.sent.add(out);
        move(state::closed, cause::close_unread);
        return delete_tcb();
    }
    close();
    t.unwanted = true;
}

void tcp::abort() {
    begin();
    switch (at) {
    case state::closed: return because("3.10.5: connection does not exist");
    case state::listen:
    case state::syn_sent:
    case state::closing:
    case state::last_ack:
    case state::time_wait:
        because("3.10.5: nobody to reset");
        move(state::closed, cause::abort);
        return delete_tcb();
    default: {
        because("3.10.5: ABORT");
        segment out = made(t.nxt, false);
        out.rst = true;
        said.sent.add(out);
        // 3.5.2 and note 3 of figure 5 let the issuer linger.
        move(how.issuer_of_reset_goes ? state::closed : state::time_wait, cause::abort);
        return delete_tcb();
    }
    }
}

// --- Timeouts (3.10.8), ICMP (3.9.2.2) -------------------------------------------------------------

void tcp::delayed_ack_timeout() {
    const bool due = said.ack_delayed;
    begin();
    if (due) send_ack();
}

void tcp::time_wait_timeout() {
    begin();
    if (at != state::time_wait) return;
    because("3.10.8: TIME-WAIT is over");
    if (how.ends_are_told) tell(signal::closed);
    move(state::closed, cause::time_wait_over);
    delete_tcb();
}

void tcp::user_timeout() {
    begin();
    if (at == state::closed || at == state::listen || at == state::time_wait) return;
    because("3.10.8: user timeout");
    tell(signal::timed_out);
    move(state::closed, cause::user_timeout);
    delete_tcb();
}

void tcp::hard_error() {
    begin();
    if (at != state::syn_sent && at != state::syn_received) {
        because("RFC 5461 4.1: soft elsewhere");
        return tell(signal::soft_error);
    }
    because("3.9.2.2: hard error");
    tell(signal::unreachable);
    move(state::closed, cause::hard_error);
    delete_tcb();
}

}  // namespace oracle
