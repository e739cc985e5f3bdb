// SPDX-License-Identifier: MIT
// predict.hpp: what nearly all segments of an open connection are.
#pragma once

#include <tcpfsm/acknowledge.hpp>
#include <tcpfsm/arrival.hpp>
#include <tcpfsm/segment.hpp>
#include <tcpfsm/tcb.hpp>

#include <algorithm>
#include <cstdint>
#include <type_traits>

// Header prediction: in ESTABLISHED, the next text in order, or an ACK, while nothing else is going on. All that the
// judges look at is looked at here at once, and if it is as expected they would have found `rcv_ack`, and `rcv_text`
// if there is text. The state stays, so the row is known: this does what it says. Nothing else does without the judges.

namespace tcpfsm {

/// Whether these policies ever take the shortcut. A program may make `prediction` a variable of its own.
template <class P>
[[nodiscard]] constexpr bool may_predict() noexcept {
    if constexpr (requires { typename std::bool_constant<P::prediction>; }) {
        return P::prediction;
    } else {
        return true;
    }
}

/// The shortcut for one TCB.
template <class P>
class predicted {
public:
    constexpr predicted(tcb<P>& t, time_point now) noexcept : t_{t}, now_{now} {}

    /// The segment is such a one. The state is ESTABLISHED.
    [[nodiscard]] constexpr bool fits(const segment& seg) const noexcept {
        const send_sequence& snd = t_.snd;
        const receive_sequence& rcv = t_.rcv;
        if (seg.ctl.without(ctl::psh) != ctl::ack || seg.seq != rcv.nxt || seg.ack - snd.una > snd.flight())
            return false;
        if (seg.wnd == 0 || snd.wnd == 0 || seg.text > rcv.wnd() || rcv.fin_known) return false;
        if (!snd.synced || snd.close_waits || !t_.held.empty() || t_.ecn.mode() != ecn_mode::off) return false;
        if constexpr (P::user_timeout_option) {
            if (t_.given.user_timeout_option) return false;
        }
        if (!t_.ts.on) return true;
        return seg.options.has_timestamps && seg.options.ts_val - t_.ts.recent < 0x8000'0000U;
    }
    /// Takes its ACK, and its text.
    constexpr void take(const segment& seg, arrival& out) noexcept {
        out.why = event::rcv_ack;
        out.judgements = 1;
        if (seg.ack == t_.snd.una && !t_.snd.outstanding() && seg.options.sack_count == 0) {
            take_nothing_new(seg);
        } else {
            acknowledger<P>{t_, out, now_}.take(seg);
        }
        if (seg.text != 0) take_text(seg, out);
    }

private:
    /// The ACK of a segment from a peer to whom nothing was sent.
    constexpr void take_nothing_new(const segment& seg) noexcept {
        send_sequence& snd = t_.snd;
        t_.heard_at = now_;
        t_.keep_alives = 0;
        if (t_.ts.on && t_.rcv.acked >= seg.seq) {
            t_.ts.recent = seg.options.ts_val;
            t_.ts.recent_at = now_;
        }
        if (snd.wl1 > seg.seq || (snd.wl1 == seg.seq && snd.wl2 > seg.ack)) return;
        snd.wnd = std::uint32_t{seg.wnd} << snd.shift;
        snd.max_wnd = std::max(snd.max_wnd, snd.wnd);
        snd.wl1 = seg.seq;
        snd.wl2 = seg.ack;
    }
    constexpr void take_text(const segment& seg, arrival& out) noexcept {
        receive_sequence& rcv = t_.rcv;
        out.why = event::rcv_text;
        out.judgements = 2;
        out.push = seg.has(ctl::psh);
        out.text = out.in_order = seg.text;
        rcv.full = std::max(rcv.full, static_cast<std::uint16_t>(std::min<std::uint32_t>(seg.text, rcv.mss)));
        rcv.nxt += seg.text;
        rcv.user += seg.text;
        rcv.up = later(rcv.up, rcv.unread());
        watch_window(t_, seg, now_);
        acknowledge_text(t_, false, now_);
    }

    tcb<P>& t_;
    time_point now_;
};

}  // namespace tcpfsm
