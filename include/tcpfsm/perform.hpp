// SPDX-License-Identifier: MIT
// perform.hpp: what the actions of a row do to the numbers of a connection.
#pragma once

#include <tcpfsm/action.hpp>
#include <tcpfsm/judge.hpp>
#include <tcpfsm/segment.hpp>
#include <tcpfsm/tcb.hpp>

#include <algorithm>
#include <cstdint>

// One function an action, under the action's name. They change numbers and make debts; nothing is sent
// here, and nothing here looks at the state.

namespace tcpfsm {

/// What the caller has to do with the octets of a segment, and what the segment was judged to be.
struct arrival {
    state in = state::closed;         ///< the state in which the last judgement was made
    event why = event::rcv_stray;     ///< the last judgement: what the segment turned out to be
    bool dropped = false;             ///< true iff nothing of the segment counted
    std::uint8_t judgements = 0;      ///< how many judgements were made: one for each row taken, at most five
    bool push = false;                ///< the text taken was pushed (MAY-17)
    std::uint32_t acked = 0;          ///< so many octets at the front of the send buffer are acknowledged: free them
    std::uint32_t skip = 0;           ///< of the segment's text, leave out so many octets,
    std::uint32_t text = 0;           ///< then store so many
    std::uint32_t at = 0;             ///< so far beyond the end of the text in order, before the call
    std::uint32_t in_order = 0;       ///< then so many octets more are in order, and may be read
    friend constexpr bool operator==(const arrival&, const arrival&) noexcept = default;
};

/// A reset that is owed (3.5.2). It outlives the TCB.
struct reset_debt {
    tcpfsm::seq seq{}, ack{};
    std::uint32_t ts_val = 0;
    std::uint32_t ts_ecr = 0;
    control ctl{};  ///< none: no reset is owed
    bool stamped = false;
    friend constexpr bool operator==(const reset_debt&, const reset_debt&) noexcept = default;
};

/// What an action may need beside the TCB.
struct cause {
    const segment* arrived = nullptr;  ///< the segment as it arrived, if one did
    const trimmed* cut = nullptr;      ///< what of it lies in the window, once that is known
    time_point now{};
    std::uint32_t octets = 0;          ///< of a SEND or RECEIVE
    bool urgent = false;               ///< of a SEND
    arrival* out = nullptr;            ///< where the caller is told what to do with octets
};

/// The reset for a segment that matches nothing: 3.10.7.1 and 3.5.2 group 1, without any connection. The
/// segment must not be a reset itself.
[[nodiscard]] constexpr segment reset_for(const segment& seg) noexcept {
    segment out;
    if (seg.has(ctl::ack)) {
        out.seq = seg.ack;
        out.ctl = ctl::rst;
    } else {
        out.ack = seg.seq + seg.len();
        out.ctl = ctl::rst | ctl::ack;
    }
    // RFC 7323 3.2: a reset in reply to a segment with timestamps echoes them, and its own TSval is zero.
    out.options.has_timestamps = seg.options.has_timestamps;
    out.options.ts_ecr = seg.options.ts_val;
    return out;
}

/// The effects of the actions on one TCB.
template <class P>
class performer {
public:
    constexpr performer(tcb<P>& t, reset_debt& reset, const cause& why) noexcept
        : t_{t}, snd_{t.snd}, rcv_{t.rcv}, reset_{reset}, why_{why} {}

    /// Does all of `todo`, in the order of the enumeration.
    constexpr void perform(actions todo) noexcept {
        while (!todo.empty()) perform(todo.pop());
    }

private:
    constexpr void perform(action a) noexcept {
        switch (a) {
        case action::create_tcb: return create_tcb();
        case action::reopen_tcb: return reopen_tcb();
        case action::restore_tcb: return restore_tcb();
        case action::forget_peer: return forget_peer();
        case action::take_syn: return take_syn(*why_.arrived);
        case action::take_ack: return take_ack(*why_.arrived);
        case action::take_urg: rcv_.up = why_.arrived->seq + why_.arrived->up; return;
        case action::take_text: return take_text(*why_.cut);
        case action::take_fin: rcv_.nxt += 1; return;
        case action::take_read: return take_read();
        case action::hold_close: snd_.close_waits = true; return;
        case action::snd_syn: snd_.again = snd_.una; return;
        case action::snd_text: return snd_text();
        case action::snd_fin: snd_.fin = true; return;
        case action::snd_again: return snd_again();
        case action::snd_probe: return snd_probe();
        case action::snd_override: snd_.hurry = true; t_.override_due = never; return;
        case action::snd_keep_alive: return snd_keep_alive();
        case action::snd_ack: return snd_ack();
        case action::snd_challenge: return snd_challenge();
        case action::snd_rst: return snd_rst();
        case action::start_2msl: t_.time_wait_ends = after(why_.now, 2 * P::msl); return;
        case action::delete_tcb: t_ = {}; return;
        }
    }

    /// Begins with what OPEN was told, which stands in `given`.
    constexpr void create_tcb() noexcept {
        const parameters given = t_.given;
        t_ = {};
        t_.given = given;
        snd_.iss = snd_.una = snd_.nxt = snd_.again = snd_.up = given.iss;
        snd_.end = given.iss + 1;
        snd_.mss = given.default_mss;
        rcv_.buff = given.rcv_buff;
        rcv_.mss = given.mss;
        rcv_.full = default_full;
        t_.ts.offset = given.timestamp_offset;
        if (P::window_scale) {
            while (rcv_.shift < max_shift && rcv_.buff >> rcv_.shift > 0xffff) ++rcv_.shift;
        }
        t_.heard_at = why_.now;
    }
    /// 3.6.1: the new ISS lies beyond all numbers of the old incarnation, and beyond its window.
    constexpr void reopen_tcb() noexcept {
        const incarnation old{snd_.nxt, rcv_.nxt};
        t_.given.iss = snd_.nxt + far;
        create_tcb();
        t_.old = old;
    }
    /// Everything of the old incarnation was acknowledged, so two numbers are all that is left of it.
    constexpr void restore_tcb() noexcept {
        const incarnation old = t_.old;
        create_tcb();
        snd_.una = snd_.nxt = snd_.again = snd_.end = snd_.up = old.snd_nxt;
        snd_.synced = true;
        rcv_.nxt = rcv_.edge = rcv_.acked = rcv_.up = old.rcv_nxt;
    }
    /// Back to LISTEN. The next peer gets other numbers than the last one has seen.
    constexpr void forget_peer() noexcept {
        t_.given.iss = snd_.iss + far;
        create_tcb();
    }

    /// 3.10.7.2 third and 3.10.7.3 fourth, with the options of RFC 9293 3.7.1, 7323 and 2018.
    constexpr void take_syn(const segment& seg) noexcept {
        const options& opt = seg.options;
        rcv_.irs = seg.seq;
        rcv_.nxt = rcv_.up = rcv_.acked = seg.seq + 1;
        rcv_.edge = rcv_.nxt + std::min<std::uint32_t>(rcv_.buff, 0xffff);  // as the SYN says it, unscaled
        snd_.wnd = snd_.max_wnd = seg.wnd;                                  // not scaled (7323 2.2)
        snd_.wl1 = seg.seq;
        snd_.wl2 = seg.has(ctl::ack) ? seg.ack : snd_.iss;
        snd_.mss = std::max(std::min(opt.has_mss ? opt.mss : t_.given.default_mss, t_.given.mss), P::mss_floor);
        t_.scale_ok = P::window_scale && opt.has_window_scale;
        snd_.shift = t_.scale_ok ? std::min(opt.window_scale, max_shift) : std::uint8_t{0};
        if (!t_.scale_ok) rcv_.shift = 0;
        t_.sack_ok = P::sack && opt.sack_permitted;
        t_.ts.on = P::timestamps && opt.has_timestamps;
        t_.ts.recent = opt.ts_val;
        t_.ts.recent_at = t_.heard_at = why_.now;
        // Text and FIN of the SYN wait until the handshake has shown that the SYN is not an old one. What
        // comes with the acknowledgment of our SYN need not wait: the later steps take it.
        if (seg.has(ctl::ack)) return;
        const trimmed cut = trim(t_, seg);
        rcv_.note_fin(cut.seg);
        if (cut.seg.text != 0) hold(cut);
    }

    /// 3.10.7.4, fifth.
    constexpr void take_ack(const segment& seg) noexcept {
        const bool in_handshake = !snd_.synced;
        const std::uint32_t window = std::uint32_t{seg.wnd} << (seg.has(ctl::syn) ? 0U : snd_.shift);
        t_.heard_at = why_.now;
        t_.keep_alives = 0;
        take_timestamp(seg);
        if (snd_.una < seg.ack) {
            advance(seg);
        } else if (seg.ack == snd_.una && seg.len() == 0 && window == snd_.wnd && window != 0 && snd_.outstanding()) {
            heed(t_.recovery.duplicate(snd_.una, snd_.nxt), 0, t_.to_peer());
        }
        const bool newer = snd_.wl1 < seg.seq || (snd_.wl1 == seg.seq && snd_.wl2 <= seg.ack);
        if ((snd_.una <= seg.ack && newer) || in_handshake) {
            snd_.wnd = window;
            snd_.max_wnd = std::max(snd_.max_wnd, window);
            snd_.wl1 = seg.seq;
            snd_.wl2 = seg.ack;
        }
        // MUST-37: as long as the peer answers probes, it may keep its window shut.
        if (snd_.wnd == 0) t_.stalled_since = why_.now;
    }
    /// RFC 7323 4.3 and 5.3 R3. The segment has passed the window test.
    constexpr void take_timestamp(const segment& seg) noexcept {
        if (!t_.ts.on || !seg.options.has_timestamps || rcv_.acked < seg.seq) return;
        t_.ts.recent = seg.options.ts_val;
        t_.ts.recent_at = why_.now;
    }
    /// SND.UNA moves.
    constexpr void advance(const segment& seg) noexcept {
        const path before = t_.to_peer();
        const seq first = snd_.first_text();
        const bool syn_was_lost = t_.rtt.backed_off() != 0;
        measure(seg);
        snd_.una = seg.ack;
        snd_.again = later(snd_.again, snd_.una);
        snd_.up = later(snd_.up, snd_.una);
        t_.stalled_since = why_.now;
        if (!snd_.synced) {
            snd_.synced = true;
            snd_.again = snd_.una;  // text that went with the SYN and was not taken goes again at once
            if (syn_was_lost) t_.rtt.restart_after_syn_loss();
            t_.congestion.begin(t_.to_peer(), syn_was_lost);
            t_.recovery.begin(snd_.iss);
        }
        const std::uint32_t octets = snd_.first_text() - first;
        why_.out->acked += octets;
        const auto finding = t_.recovery.advanced(snd_.una);
        // RFC 6298 5.3, but RFC 6582 3.2: only the first partial ACK of a recovery restarts the timer.
        if (finding != fast_retransmit::finding::partial || t_.recovery.first_partial()) t_.armed_at = why_.now;
        heed(finding, octets, before);
    }
    /// RFC 6298 3 (Karn) and RFC 7323 4: one round trip is timed at a time; after a retransmission the
    /// timestamps tell which transmission was acknowledged.
    constexpr void measure(const segment& seg) noexcept {
        if (snd_.timing) {
            if (seg.ack < snd_.timed) return;
            snd_.timing = false;
            t_.rtt.sample(why_.now - t_.timed_at);
        } else if (t_.ts.on && seg.options.has_timestamps && seg.options.ts_ecr != 0) {
            const std::uint32_t ms = t_.ts.at(why_.now) - seg.options.ts_ecr;
            if (ms < 0x10000000U) t_.rtt.sample(std::chrono::milliseconds{ms});
        }
    }
    /// What an ACK means for recovery and the congestion window.
    constexpr void heed(fast_retransmit::finding f, std::uint32_t octets, path before) noexcept {
        using enum fast_retransmit::finding;
        switch (f) {
        case none:
            if (octets != 0) t_.congestion.acked(before, octets);
            return;
        case duplicate: t_.congestion.duplicate(before); return;
        case loss:
            t_.congestion.lost(before);
            snd_.lost_one = true;
            return;
        case partial:
            t_.congestion.partly_acked(before, octets);
            snd_.lost_one = true;
            return;
        case full: t_.congestion.recovered(t_.to_peer()); return;
        }
    }

    /// 3.10.7.4, seventh. In order or not: the octets go where the caller is told.
    constexpr void take_text(const trimmed& cut) noexcept {
        const bool gaps = !t_.held.empty();
        const seq before = rcv_.nxt;
        if (cut.seg.text != 0) {
            hold(cut);
            const auto full = static_cast<std::uint16_t>(std::min<std::uint32_t>(cut.seg.text, rcv_.mss));
            rcv_.full = std::max(rcv_.full, full);
        }
        rcv_.nxt = t_.held.drain(rcv_.nxt);
        const std::uint32_t fresh = rcv_.nxt - before;
        rcv_.user += fresh;
        rcv_.up = later(rcv_.up, rcv_.nxt - rcv_.user);
        why_.out->in_order += fresh;
        why_.out->push = cut.seg.has(ctl::psh);
        // SHLD-19 and RFC 5681 4.2: every second full-sized segment, and at once while there is a gap.
        if (gaps || rcv_.nxt - rcv_.acked >= 2U * rcv_.full) {
            snd_ack();
        } else {
            t_.ack_due = std::min(t_.ack_due, after(why_.now, P::delayed_ack));
        }
    }
    constexpr void hold(const trimmed& cut) noexcept {
        why_.out->skip = cut.skipped;
        why_.out->text = cut.seg.text;
        why_.out->at = cut.seg.seq - rcv_.nxt;
        t_.held.insert({cut.seg.seq, cut.seg.seq + cut.seg.text});
    }
    /// 3.10.3 and 3.8.6.2.2. A window that was nearly shut is worth an ACK as soon as it may open by a
    /// segment; else two segments (the ACKs of new text tell the rest).
    constexpr void take_read() noexcept {
        rcv_.user -= std::min(why_.octets, rcv_.user);
        rcv_.up = later(rcv_.up, rcv_.nxt - rcv_.user);
        const std::uint32_t least = rcv_.wnd() < rcv_.mss ? rcv_.worth() : std::min<std::uint32_t>(rcv_.buff / 2, 2U * rcv_.mss);
        if (rcv_.opening() >= std::max<std::uint32_t>(least, 1)) snd_ack();
    }

    constexpr void snd_text() noexcept {
        snd_.end += why_.octets;
        if (why_.urgent) snd_.up = snd_.end;
    }
    /// RFC 6298 5.4 to 5.6 and RFC 5681 3.1.
    constexpr void snd_again() noexcept {
        t_.congestion.timed_out(t_.to_peer(), t_.rtt.backed_off() == 0);
        t_.recovery.timed_out(snd_.nxt);
        t_.rtt.back_off();
        t_.armed_at = why_.now;
        snd_.again = snd_.una;
        snd_.lost_one = false;
        snd_.timing = false;
    }
    constexpr void snd_probe() noexcept {
        snd_.probe = true;
        if (snd_.probes < 0xff) ++snd_.probes;
        t_.armed_at = why_.now;
    }
    constexpr void snd_keep_alive() noexcept {
        snd_.keep_alive = true;
        ++t_.keep_alives;
        t_.heard_at = why_.now;
    }

    constexpr void snd_ack() noexcept {
        rcv_.ack_now = true;
        t_.ack_due = never;
    }
    /// RFC 5961 section 7, counted for each connection of its own.
    constexpr void snd_challenge() noexcept {
        if (t_.challenges == 0 || why_.now - t_.challenges_since >= P::challenge_period) {
            t_.challenges_since = why_.now;
            t_.challenges = 0;
        }
        if (t_.challenges >= P::challenges) return;
        ++t_.challenges;
        snd_ack();
    }
    /// 3.5.2: in the segment's own terms if there is one, else <SEQ=SND.NXT><CTL=RST> (3.10.5).
    constexpr void snd_rst() noexcept {
        if (why_.arrived != nullptr) {
            const segment seg = reset_for(*why_.arrived);
            reset_ = {seg.seq, seg.ack, seg.options.ts_val, seg.options.ts_ecr, seg.ctl, seg.options.has_timestamps};
        } else {
            reset_ = {snd_.nxt, {}, t_.ts.at(why_.now), 0, ctl::rst, t_.ts.on};
        }
    }

    static constexpr std::uint8_t max_shift = 14;          // RFC 7323 2.3
    static constexpr std::uint16_t default_full = 536;     // until a larger segment was seen
    static constexpr std::uint32_t far = 0x10000 + 1;      // beyond any window that was not scaled

    tcb<P>& t_;
    send_sequence& snd_;
    receive_sequence& rcv_;
    reset_debt& reset_;
    const cause& why_;
};

}  // namespace tcpfsm
