// SPDX-License-Identifier: MIT
// oracle.cpp: SEGMENT ARRIVES (RFC 9293 section 3.10.7), step by step.

#include "oracle.hpp"

#include <algorithm>

namespace oracle {

namespace {

/// How far b lies ahead of a, less than 2^31 either way (3.4).
std::int32_t ahead(number a, number b) { return static_cast<std::int32_t>(b - a); }
bool before(number a, number b) { return ahead(a, b) > 0; }
/// a < x =< b, going round from a.
bool within(number a, number x, number b) { return x - a - 1 < b - a; }

}  // namespace

void tcp::segment_arrives(const segment& seg, microseconds now) {
    begin();
    switch (at) {
    case state::closed: in_closed(seg); break;
    case state::listen: in_listen(seg, now); break;
    case state::syn_sent: in_syn_sent(seg, now); break;
    default: elsewhere(seg, now); break;
    }
    transmit();
}

// --- 3.10.7.1 to 3.10.7.3 ---------------------------------------------------------------------------

void tcp::in_closed(const segment& seg) {
    if (seg.rst) return because("3.10.7.1: a reset is discarded");
    because("3.10.7.1: anything else is answered by a reset");
    answer_with_reset(seg);
}

void tcp::in_listen(const segment& seg, microseconds now) {
    if (seg.rst) {
        stays(cause::reset_ignored);
        return because("3.10.7.2 first: a reset is ignored");
    }
    if (seg.acks) {
        because("3.10.7.2 second: an ACK is answered by a reset");
        return answer_with_reset(seg);
    }
    if (!seg.syn) return because("3.10.7.2 fourth: neither RST, ACK nor SYN");
    because("3.10.7.2 third: SYN");
    t.iss = t.una = t.nxt = given.iss;
    t.last = t.iss + 1;
    take_peer(seg, now);
    if (how.window_of_syn) take_window(seg, seg.seq);
    hold_of_syn(seg);
    t.passive = true;
    send_syn(true);
    move(state::syn_received, cause::syn);
}

void tcp::in_syn_sent(const segment& seg, microseconds now) {
    const bool good_ack = seg.acks && within(t.iss, seg.ack, t.nxt);
    if (seg.acks && !good_ack) {
        because("3.10.7.3 first: the ACK is not of our SYN");
        if (seg.rst) return stays(cause::reset_ignored);
        stays(cause::bad_ack);
        return answer_with_reset(seg);
    }
    if (seg.rst) {
        if (!good_ack || (!how.reset_of_syn_by_ack && seg.seq != t.rcv_nxt)) {
            because("3.10.7.3 second: a reset without an ACK of our SYN");
            return stays(cause::reset_ignored);
        }
        because("3.10.7.3 second: reset");
        tell(signal::reset);
        move(state::closed, cause::reset);
        return delete_tcb();
    }
    if (!seg.syn) return because("3.10.7.3 fifth: neither SYN nor RST");
    take_peer(seg, now);
    if (!good_ack) {
        because("3.10.7.3 fourth: SYN without an ACK of ours, simultaneous open");
        take_window(seg, seg.seq);
        t.passive = false;
        hold_of_syn(seg);
        send_syn(true);
        return move(state::syn_received, cause::syn);
    }
    said.acked += seg.ack - t.una - 1;  // the SYN is no text
    t.una = seg.ack;
    if (how.window_of_syn_ack) take_window(seg, seg.seq);
    move(state::established, cause::syn_ack);
    enter_established("3.10.7.3 fourth: our SYN is acknowledged");
    owe_ack();
    segment more = seg;
    more.syn = false;
    more.seq += 1;
    rest(seg, trimmed(more), now);
}

// --- 3.10.7.4 -------------------------------------------------------------------------------------

void tcp::elsewhere(const segment& seg, microseconds now) {
    // RFC 6191 stands before the sequence check.
    if (at == state::time_wait && time_wait_syn(seg, now)) return;
    // RFC 7323: timestamps before everything else, but never those of resets. Those of a SYN in TIME-WAIT have been
    // compared.
    const bool compared = seg.syn && at == state::time_wait;
    if (!(seg.syn && how.syn_needs_no_stamp) && lacks_stamp(seg)) return;
    if (!compared && old_stamp(seg, now)) return;
    // The FIN once more, in TIME-WAIT: the eighth step, which the first would forbid.
    const bool fin_again = seg.fin && seg.seq + seg.text == t.rcv_nxt - 1;
    if (at == state::time_wait && how.fin_again_first && fin_again && !seg.rst && !seg.syn) {
        because("3.10.7.4 eighth: the FIN again");
        stays(cause::fin_again);
        owe_ack();
        return restart_2msl(now);
    }
    // SYN-RECEIVED: the peer's SYN again, or figure 7's SYN,ACK.
    if (at == state::syn_received && seg.syn && !seg.rst && seg.seq == t.irs) {
        if (how.crossing_syn_ack && seg.acks && within(t.una, seg.ack, t.nxt)) {
            because("3.5 figure 7: the SYN,ACK of a peer that opened at the same time");
            if (lacks_stamp(seg)) return;
            segment rest_of_it = seg;
            rest_of_it.syn = false;
            rest_of_it.seq += 1;
            const segment cut = trimmed(rest_of_it);
            if (fifth(seg, cut, now)) rest(seg, cut, now);
            return;
        }
        if (how.syn_again_is_syn_ack && !seg.acks) {
            because("3.10.7.4 first: the SYN again, answered by the SYN,ACK again");
            return send_syn(true);
        }
    }
    const bool bare = seg.len() == 0 && seg.acks && !seg.rst;
    const bool crossing = bare && probed() && seg.ack == t.nxt && seg.seq + 1 == t.rcv_nxt;
    if (!acceptable(seg) && !(how.probes_cross && crossing)) {
        because("3.10.7.4 first: outside the window");
        if (seg.rst) return;
        // Text outside is most often a duplicate whose ACK was lost: always answered.
        const bool text = seg.text != 0 || seg.fin;
        if (text && !seg.syn && how.text_is_always_answered) return owe_ack();
        return challenge();
    }
    if (!how.stamp_of_good_ack) take_stamp(seg, now);
    if (seg.rst) return reset_arrived(seg, now);
    // RFC 5961 speaks of synchronized states; else a SYN before the window has been cut off.
    const bool passive = at == state::syn_received && t.passive;
    if (seg.syn && ((how.rfc5961 && !passive) || in_window(seg.seq))) return syn_arrived(seg);
    if (seg.syn && (lacks_stamp(seg) || old_stamp(seg, now))) return;  // the SYN is cut off
    const segment cut = trimmed(seg);
    if (!seg.acks) return because("3.10.7.4 fifth: no ACK");
    const bool waits = before(t.rcv_nxt, cut.seq) && !how.gap_delays_text_alone;
    if (waits) {
        because("3.10.7.4 first: held for later");
        return seventh(seg, cut);
    }
    if (fifth(seg, cut, now)) rest(seg, cut, now);
}

bool tcp::lacks_stamp(const segment& seg) {
    if (!t.stamps || seg.rst || seg.has_stamp) return false;
    because("RFC 7323 3.2: no timestamp");
    return true;
}

/// PAWS, unless TS.Recent is older than 24 days (RFC 7323 5.5).
bool tcp::old_stamp(const segment& seg, microseconds now) {
    if (!t.stamps || seg.rst || !seg.has_stamp) return false;
    if (!before(seg.stamp, t.ts_recent) || now - t.ts_recent_at > given.stamp_life) return false;
    because("RFC 7323 5.3 R1: PAWS");
    if (how.paws_within_allowance) challenge();
    if (!how.paws_within_allowance) owe_ack();
    return true;
}

bool tcp::in_window(number n) const { return n - t.rcv_nxt < t.rcv_wnd; }

/// First: the four cases of 3.4.
bool tcp::acceptable(const segment& seg) const {
    const number end = seg.seq + seg.len();
    if (seg.len() == 0 && t.rcv_wnd == 0) return seg.seq == t.rcv_nxt;
    if (seg.len() == 0) return in_window(seg.seq) || (how.ack_at_edge && !seg.rst && seg.seq == t.rcv_nxt + t.rcv_wnd);
    const auto reaches = [this, end](number from) {
        return from == t.rcv_nxt || (before(from, t.rcv_nxt) && before(t.rcv_nxt, end));
    };
    if (t.rcv_wnd == 0) {
        // "special allowance ... to accept valid ACKs, URGs, and RSTs": not of a SYN.
        if (seg.rst) return reaches(seg.seq);
        return how.zero_window_listens && reaches(seg.syn ? seg.seq + 1 : seg.seq) && !(seg.syn && end == t.rcv_nxt);
    }
    if (in_window(seg.seq) || in_window(end - 1)) return true;
    return how.around_the_window && reaches(seg.seq);
}

/// "Tailored": what lies in the window, as if it were all (3.10.7.4 first).
segment tcp::trimmed(segment seg) const {
    if (before(seg.seq, t.rcv_nxt)) {
        number old = t.rcv_nxt - seg.seq;
        if (seg.syn) {
            seg.syn = false;
            --old;
        }
        seg.seq = t.rcv_nxt;
        if (old > seg.text) seg.fin = false;
        seg.text -= std::min(old, seg.text);
    }
    const number room = t.rcv_nxt + t.rcv_wnd - seg.seq;  // the segment is acceptable: it begins in the window
    if (seg.text > room) {
        seg.text = room;
        seg.fin = false;
    }
    if (seg.fin && seg.text == room) seg.fin = false;
    return seg;
}

/// Second.
void tcp::reset_arrived(const segment& seg, microseconds now) {
    if (at == state::time_wait && how.rfc1337) return because("RFC 1337 3: a reset is ignored in TIME-WAIT");
    const bool exact = seg.seq == t.rcv_nxt;
    if (!exact && !in_window(seg.seq)) return because("3.10.7.4 second: begins outside the window");
    if (how.rfc5961 && !exact) {
        because("3.10.7.4 second: in the window, not at RCV.NXT");
        return challenge();
    }
    because("3.10.7.4 second: reset");
    switch (at) {
    case state::syn_received:
        if (t.passive) {
            move(state::listen, cause::reset);
            const number old = t.iss;
            t = {};
            given.iss = t.iss = old + given.iss_step;
            return;
        }
        if (t.reopened) {
            // 3.6.1: "returns to TIME-WAIT state if the SYN turns out to be an old duplicate".
            const tcb gone = t;
            move(state::time_wait, cause::reset_of_reopened);
            t = {};
            t.syn_acked = t.fin = t.fin_sent = true;
            t.iss = gone.iss;
            t.una = t.nxt = gone.old_nxt;
            t.last = gone.old_nxt - 1;
            t.rcv_nxt = t.rcv_up = gone.old_rcv_nxt;
            return restart_2msl(now);
        }
        tell(signal::refused);
        break;
    case state::established:
    case state::fin_wait_1:
    case state::fin_wait_2:
    case state::close_wait: tell(signal::reset); break;
    default:
        if (how.ends_are_told) tell(signal::closed);
        break;
    }
    move(state::closed, cause::reset);
    delete_tcb();
}

/// Fourth.
void tcp::syn_arrived(const segment& seg) {
    if (at == state::syn_received && t.passive && in_window(seg.seq)) {
        because("3.10.7.4 fourth: SYN in the window, passive OPEN");
        move(state::listen, cause::syn_in_window);
        const number old = t.iss;
        t = {};
        given.iss = t.iss = old + given.iss_step;
        return;
    }
    if (how.rfc5961) {
        because("3.10.7.4 fourth: challenge ACK");
        stays(cause::syn_challenged);
        return challenge();
    }
    because("3.10.7.4 fourth: SYN in the window");
    answer_with_reset(seg);
    tell(signal::reset);
    move(state::closed, cause::syn_fatal);
    delete_tcb();
}

/// MAY-2 and RFC 6191. True if the SYN has been dealt with.
bool tcp::time_wait_syn(const segment& seg, microseconds now) {
    if (!seg.syn || seg.rst || seg.acks) return false;
    const number last = t.rcv_nxt - 1;  // the number of the peer's FIN
    const bool newer = before(last, seg.seq);
    bool honour = newer;
    if (t.stamps && seg.has_stamp) honour = before(t.ts_recent, seg.stamp) || (seg.stamp == t.ts_recent && newer);
    if (!t.stamps && seg.has_stamp) honour = true;
    if (!how.reopen || !honour) {
        if (how.old_syn_challenged) return false;
        because("RFC 6191 2: dropped in silence");
        return true;
    }
    because("3.6.1 MAY-2, RFC 6191 2: a new incarnation");
    const tcb old = t;
    t = {};
    given.iss = old.nxt + given.iss_step;
    t.iss = t.una = t.nxt = given.iss;
    t.last = t.iss + 1;
    take_peer(seg, now);
    take_window(seg, seg.seq);
    t.reopened = true;
    t.old_nxt = old.nxt;
    t.old_rcv_nxt = old.rcv_nxt;
    hold_of_syn(seg);
    send_syn(true);
    move(state::syn_received, cause::syn_reopens);
    return true;
}

/// Fifth. True if the sixth step follows.
bool tcp::fifth(const segment& seg, const segment& cut, microseconds now) {
    const bool never_sent = before(t.nxt, seg.ack);
    const bool too_old = how.rfc5961 && before(seg.ack, t.una - t.max_wnd);
    const bool out_of_range = how.rfc5961 && (never_sent || too_old);
    const bool opens = within(t.una, seg.ack, t.nxt);
    if (at == state::syn_received && !opens && (how.handshake_resets || !out_of_range)) {
        because("3.10.7.4 fifth: SYN-RECEIVED, not an ACK of our SYN");
        stays(cause::bad_ack);
        answer_with_reset(seg);
        return false;
    }
    if (never_sent || too_old) {
        because(never_sent ? "3.10.7.4 fifth: acknowledges what was never sent" : "3.10.7.4 fifth, MAY-12: too old");
        challenge();
        return false;
    }
    // Everything is acknowledged in TIME-WAIT: no ACK counts.
    if (how.stamp_of_good_ack && at != state::time_wait) take_stamp(seg, now);
    switch (at) {
    case state::syn_received:
        take_window(seg, how.window_by_seq_as_sent ? seg.seq : cut.seq);
        said.acked += seg.ack - t.una - 1;
        t.una = seg.ack;
        move(state::established, cause::ack_of_syn);
        enter_established("3.10.7.4 fifth: our SYN is acknowledged");
        return true;
    case state::established:
    case state::fin_wait_2:
    case state::close_wait:
        because("3.10.7.4 fifth: ESTABLISHED");
        take_ack(seg, cut);
        return true;
    case state::fin_wait_1:
        because("3.10.7.4 fifth: FIN-WAIT-1");
        take_ack(seg, cut);
        if (all_acked()) move(state::fin_wait_2, cause::ack_of_fin);
        return true;
    case state::closing:
        because("3.10.7.4 fifth: CLOSING");
        take_ack(seg, cut);
        if (!all_acked()) return true;
        move(state::time_wait, cause::ack_of_fin);
        restart_2msl(now);
        return true;
    case state::last_ack:
        because("3.10.7.4 fifth: LAST-ACK");
        take_ack(seg, cut);
        if (!all_acked()) return true;
        if (how.ends_are_told) tell(signal::closed);
        move(state::closed, cause::ack_of_fin);
        delete_tcb();
        return false;
    default:
        because("3.10.7.4 fifth: TIME-WAIT");
        if (how.time_wait_is_quiet) return true;
        owe_ack();
        restart_2msl(now);
        return true;
    }
}

/// Sixth to eighth. `seg` as it came, `cut` what lies in the window.
void tcp::rest(const segment& seg, const segment& cut, microseconds now) {
    const bool open = at == state::established || at == state::fin_wait_1 || at == state::fin_wait_2;
    if (!open) return because("3.10.7.4 sixth to eighth: the peer has closed, ignored");
    number urgent_to = seg.seq + seg.up;
    if (seg.urg || t.urgency_held) {
        if (!seg.urg) urgent_to = t.urgent_to;
        const number consumed = t.rcv_nxt - t.unread;
        if (before(t.rcv_up, urgent_to) && before(consumed, urgent_to)) {
            because("3.10.7.4 sixth: urgent data");
            t.rcv_up = urgent_to;
            tell(signal::urgent);
        }
        t.urgency_held = false;
    }
    seventh(seg, cut);
    eighth(cut, now);
}

void tcp::seventh(const segment& seg, const segment& cut) {
    if (t.unwanted && cut.text != 0 && (at == state::fin_wait_1 || at == state::fin_wait_2)) {
        because("3.6.1 SHLD-3: text that nobody will read");
        answer_with_reset(seg);
        tell(signal::reset);
        move(state::closed, cause::unwanted_text);
        return delete_tcb();
    }
    if (t.rcv_wnd == 0 && before(t.rcv_nxt, seg.seq + seg.len())) {
        because("3.10.7.4 first, 3.8.6.1: no room, and an answer");
        return owe_ack();
    }
    const bool had_gap = t.held.count != 0;
    const number old_nxt = t.rcv_nxt;
    const bool kept = hold_text(cut);
    // Whatever is without a gap now is moved to the user.
    while (t.held.count != 0 && !before(t.rcv_nxt, t.held.all[0].left)) {
        if (before(t.rcv_nxt, t.held.all[0].right)) t.rcv_nxt = t.held.all[0].right;
        t.held.remove(0);
    }
    const number taken = t.rcv_nxt - old_nxt;
    if (taken != 0) {
        because("3.10.7.4 seventh: text in order");
        t.rcv_wnd -= taken;  // the right edge stays
        t.unread += taken;
        said.pushed = cut.psh;
        if (had_gap && how.gap_is_answered) owe_ack();  // RFC 5681 4.2: the gap is filled
        said.ack_delayed = true;
    } else if ((cut.text != 0 || cut.fin) && before(t.rcv_nxt, cut.seq)) {
        because("3.10.7.4 seventh: beyond a gap");
        said.pushed = cut.psh && kept;
        if (how.gap_is_answered) owe_ack();
    }
}

void tcp::eighth(const segment& cut, microseconds now) {
    if (at == state::closed) return;
    if (t.fin_held && before(t.fin_at, t.rcv_nxt)) {
        if (how.fin_runs_over) t.fin_held = false;
        if (!how.fin_runs_over) t.rcv_nxt = t.fin_at;  // what lies beyond a FIN is nothing
    }
    hold_fin(cut);
    if (!t.fin_held || t.rcv_nxt != t.fin_at) return;
    because("3.10.7.4 eighth: FIN");
    t.fin_held = false;
    t.rcv_nxt += 1;
    t.rcv_wnd -= 1;
    t.peer_closed = true;
    owe_ack();
    tell(signal::closing);
    switch (at) {
    case state::established: return move(state::close_wait, cause::fin);
    case state::fin_wait_1: return move(state::closing, cause::fin);  // were our FIN acknowledged: FIN-WAIT-2
    default: move(state::time_wait, cause::fin); return restart_2msl(now);
    }
}

}  // namespace oracle
