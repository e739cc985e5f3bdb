// SPDX-License-Identifier: MIT
// perform.hpp: what the actions of a row do to the numbers of a connection.
#pragma once

#include <tcpfsm/acknowledge.hpp>
#include <tcpfsm/action.hpp>
#include <tcpfsm/arrival.hpp>
#include <tcpfsm/judge.hpp>
#include <tcpfsm/recovery/selective.hpp>
#include <tcpfsm/resegment.hpp>
#include <tcpfsm/reset.hpp>
#include <tcpfsm/segment.hpp>
#include <tcpfsm/tcb.hpp>

#include <algorithm>
#include <cstdint>

// One function an action, under the action's name. They change numbers and make debts; nothing is sent
// here, and nothing here looks at the state.

namespace tcpfsm {

/// What an action may need beside the TCB.
struct cause {
    const segment* arrived = nullptr;  ///< the segment as it arrived, if one did
    const trimmed* cut = nullptr;      ///< what of it lies in the window, once that is known
    time_point now{};
    std::uint32_t octets = 0;  ///< of a SEND or RECEIVE
    bool urgent = false;       ///< of a SEND
    arrival* out = nullptr;    ///< where the caller is told what to do with octets
};

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
        // clang-format off
        switch (a) {
        case action::create_tcb: return create_tcb();
        case action::reopen_tcb: return reopen_tcb();
        case action::restore_tcb: return restore_tcb();
        case action::forget_peer: return forget_peer();
        case action::take_syn: return take_syn(*why_.arrived);
        case action::trust_peer: return trust_peer();
        case action::take_ack: return acknowledger<P>{t_, *why_.out, why_.now}.take(*why_.arrived);
        case action::take_urg: rcv_.up = why_.arrived->seq + why_.arrived->up; return;
        case action::take_text: return take_text(*why_.cut);
        case action::take_fin: rcv_.nxt += 1; return;
        case action::take_read: return take_read();
        case action::hold_close: snd_.close_waits = true; return;
        case action::snd_syn: return snd_syn();
        case action::snd_text: return snd_text();
        case action::snd_fin: snd_.fin = true; return;
        case action::snd_again: return snd_again();
        case action::snd_lost: return snd_lost();
        case action::snd_tail: snd_.tail = true; t_.armed_at = why_.now; return;
        case action::snd_paced: t_.pace_due = never; return;
        case action::snd_probe: return snd_probe();
        case action::snd_override: snd_.hurry = true; t_.override_due = never; t_.ecn.release(); return;
        case action::snd_keep_alive: return snd_keep_alive();
        case action::snd_ack: return snd_ack();
        case action::snd_challenge: return snd_challenge();
        case action::snd_rst: return snd_rst();
        case action::start_2msl: return start_2msl();
        case action::delete_tcb: t_ = {}; return;
        }
        // clang-format on
    }

    /// Begins with what OPEN was told, which stands in `given`.
    constexpr void create_tcb() noexcept {
        const parameters given = t_.given;
        t_ = {};
        t_.given = given;
        snd_.iss = snd_.una = snd_.nxt = snd_.again = snd_.up = snd_.full_to = given.iss;
        snd_.end = given.iss + 1;
        snd_.mss = given.default_mss;
        begin_path(t_, why_.now);
        rcv_.buff = given.rcv_buff;
        rcv_.mss = given.mss;
        rcv_.full = default_full;
        t_.ts.offset = given.timestamp_offset;
        if (P::window_scale) rcv_.choose_shift(given.rcv_buff_most);
        if constexpr (P::user_timeout_option) t_.timeouts.begin(given.user_timeout);
        t_.heard_at = why_.now;
    }
    /// 3.6.1: the new ISS lies beyond all numbers of the old incarnation, and beyond its window.
    constexpr void reopen_tcb() noexcept {
        const incarnation old{snd_.nxt, rcv_.nxt};
        t_.given.iss = snd_.nxt + far;
        if constexpr (P::user_timeout_option) t_.given.user_timeout = t_.timeouts.adv();
        create_tcb();
        t_.old = old;
    }
    /// Everything of the old incarnation was acknowledged, so two numbers are all that is left of it.
    constexpr void restore_tcb() noexcept {
        const incarnation old = t_.old;
        create_tcb();
        snd_.una = snd_.nxt = snd_.again = snd_.end = snd_.up = snd_.full_to = old.snd_nxt;
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
        const std::uint32_t offered = rcv_.wnd();  // by our SYN, if it went before
        rcv_.irs = seg.seq;
        rcv_.nxt = rcv_.up = rcv_.acked = seg.seq + 1;
        // As our SYN says it, unscaled.
        rcv_.edge = rcv_.nxt + (offered != 0 ? offered : std::min<std::uint32_t>(rcv_.buff, 0xffff));
        snd_.wnd = snd_.max_wnd = seg.wnd;  // not scaled (7323 2.2)
        snd_.wl1 = seg.seq;
        snd_.wl2 = seg.has(ctl::ack) ? seg.ack : snd_.iss;
        snd_.mss = std::max(std::min(opt.has_mss ? opt.mss : t_.given.default_mss, t_.given.mss), P::mss_floor);
        begin_path(t_, why_.now);
        t_.scale_ok = P::window_scale && opt.has_window_scale;
        snd_.shift = t_.scale_ok ? std::min(opt.window_scale, max_shift) : std::uint8_t{0};
        if (!t_.scale_ok) rcv_.shift = 0;
        t_.sack_ok = P::sack && opt.sack_permitted;
        t_.ts.on = P::timestamps && opt.has_timestamps;
        if constexpr (P::fast_open) {
            if (seg.has(ctl::ack)) t_.opening.answered(opt, t_.rtt.backed_off() != 0, seg.ack != snd_.iss + 1);
            if (!seg.has(ctl::ack)) t_.opening.asked(opt);
        }
        if constexpr (P::user_timeout_option) {
            if (opt.has_user_timeout) t_.timeouts.heard(opt.user_timeout);
        }
        t_.ts.recent = opt.ts_val;
        t_.ts.recent_at = t_.heard_at = why_.now;
        t_.ecn.take_syn(seg, t_.given.ecn, snd_.nxt != snd_.iss);
        // What comes with the acknowledgment of our SYN need not wait: the later steps take it.
        if (!seg.has(ctl::ack)) keep_rest(seg);
    }
    /// Text and FIN of the SYN wait until the handshake has shown that the SYN is not an old one.
    constexpr void keep_rest(const segment& syn) noexcept {
        const trimmed cut = trim(t_, syn);
        rcv_.note_fin(cut.seg);
        if (cut.seg.text != 0) hold(cut);
    }

    /// RFC 7413 4.2.2: the first window may leave before our SYN is acknowledged.
    constexpr void trust_peer() noexcept {
        if constexpr (P::fast_open) t_.opening.trust();
        t_.congestion.begin(t_.to_peer(why_.now), false);
    }

    /// 3.10.7.4, seventh. In order or not: the octets go where the caller is told.
    constexpr void take_text(const trimmed& cut) noexcept {
        const bool gaps = !t_.held.empty();
        const seq before = rcv_.nxt;
        seq next = before;
        if (cut.seg.text != 0) {
            hold(cut);
            if (cut.seg.seq == next) next += cut.seg.text;  // taken even if no range more can be remembered
            const auto full = static_cast<std::uint16_t>(std::min<std::uint32_t>(cut.seg.text, rcv_.mss));
            rcv_.full = std::max(rcv_.full, full);
        }
        rcv_.nxt = t_.held.drain(next);
        if (rcv_.fin_at < rcv_.nxt) rcv_.fin_known = false;  // the text runs over it: it must be seen again
        const std::uint32_t fresh = rcv_.nxt - before;
        rcv_.user += fresh;
        rcv_.up = later(rcv_.up, rcv_.unread());
        why_.out->in_order += fresh;
        why_.out->push = cut.seg.has(ctl::psh);
        if (fresh != 0) watch_window(t_, *why_.arrived, why_.now);
        acknowledge_text(t_, gaps, why_.now);
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
        rcv_.up = later(rcv_.up, rcv_.unread());
        t_.watch.taken(rcv_.unread(), rcv_.full, why_.now);
        if (t_.early() && rcv_.wnd() >= rcv_.mss) return;  // what the SYN,ACK offers will do until it is answered
        const std::uint32_t least =
            rcv_.wnd() < rcv_.mss ? rcv_.worth() : std::min<std::uint32_t>(rcv_.buff / 2, 2U * rcv_.mss);
        if (rcv_.opening() >= std::max<std::uint32_t>(least, 1)) snd_ack();
    }

    constexpr void snd_syn() noexcept {
        snd_.again = snd_.una;
        if (why_.arrived != nullptr) t_.ecn.answer_syn(*why_.arrived);
    }
    constexpr void snd_text() noexcept {
        snd_.end += why_.octets;
        if (why_.urgent) snd_.up = snd_.end;
    }
    /// RFC 6298 5.4 to 5.6 and RFC 5681 3.1.
    constexpr void snd_again() noexcept {
        path p = t_.to_peer(why_.now);
        p.flight = t_.unsacked();
        if constexpr (P::undo) t_.check.begin(t_.congestion, snd_.nxt, true, snd_.synced && !t_.recovering());
        t_.congestion.timed_out(p, snd_.retries == 0);
        if (snd_.retries < 0xff) ++snd_.retries;
        t_.ecn.timed_out(!snd_.synced || snd_.una == snd_.iss + 1);
        t_.ecn.reduced(snd_.nxt);
        t_.recovery.timed_out(snd_.nxt);
        t_.rtt.back_off();
        t_.armed_at = why_.now;
        snd_.timing = false;
        snd_.lost_one = t_.selective();
        snd_.tail = false;
        path_timed_out(t_, earlier(snd_.nxt, snd_.end) - snd_.una, why_.now);
        if constexpr (tcb<P>::remembers) {
            if (t_.selective()) return selective<P>{t_, why_.now}.timed_out();
        }
        snd_.again = snd_.una;
    }
    /// RFC 8985 6.2.
    constexpr void snd_lost() noexcept {
        if constexpr (tcb<P>::remembers) selective<P>{t_, why_.now}.overdue();
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
        const bool syn_ack = why_.arrived->has(ctl::syn | ctl::ack) && why_.arrived->seq == rcv_.irs;
        if (syn_ack) t_.ecn.take_syn_ack_again(*why_.arrived);
        snd_ack();
    }
    /// RFC 3168 6.1.1: what was agreed about ECN does not hold in TIME-WAIT.
    constexpr void start_2msl() noexcept {
        t_.time_wait_ends = after(why_.now, 2 * P::msl);
        t_.ecn = {};
    }
    /// 3.5.2: in the segment's own terms if there is one, else <SEQ=SND.NXT><CTL=RST> (3.10.5).
    constexpr void snd_rst() noexcept {
        if (why_.arrived != nullptr) {
            const segment seg = reset_for(*why_.arrived);
            reset_ = {seg.seq, seg.ack, seg.options.ts_val, seg.options.ts_ecr, seg.ctl, seg.options.has_timestamps};
        } else {
            reset_ = {snd_.nxt, {}, t_.ts.on ? t_.stamp(why_.now) : 0, 0, ctl::rst, t_.ts.on};
        }
    }

    static constexpr std::uint8_t max_shift = receive_sequence::max_shift;
    static constexpr std::uint16_t default_full = 536;  // until a larger segment was seen
    static constexpr std::uint32_t far = 0x10000 + 1;   // beyond any window that was not scaled

    tcb<P>& t_;
    send_sequence& snd_;
    receive_sequence& rcv_;
    reset_debt& reset_;
    const cause& why_;
};

}  // namespace tcpfsm
