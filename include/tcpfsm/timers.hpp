// SPDX-License-Identifier: MIT
// timers.hpp: the ten timers, and when each is due.
#pragma once

#include <tcpfsm/event.hpp>
#include <tcpfsm/state.hpp>
#include <tcpfsm/tcb.hpp>
#include <tcpfsm/time.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>

// RFC 9293 section 3.10.8 and 3.8. A timer is not an object that must be stopped in time: whether it runs
// follows from the numbers. Retransmission runs iff something is unacknowledged, persist iff the window is
// shut on something; one deadline for the caller is the earliest of them.

namespace tcpfsm {

/// The timers, in the order in which they are served when several are due.
enum class timer : std::uint8_t {
    user,
    reordering,
    tail_loss,
    retransmission,
    pacing,
    persist,
    delayed_ack,
    override,
    keep_alive,
    time_wait
};

inline constexpr timer all_timers[] = {timer::user,       timer::reordering, timer::tail_loss,   timer::retransmission,
                                       timer::pacing,     timer::persist,    timer::delayed_ack, timer::override,
                                       timer::keep_alive, timer::time_wait};

/// RFC 8985 7.2: when the tail is to be probed: not in recovery, not if SACK has told of a gap, and no later than the
/// retransmission timer would expire.
template <class P>
[[nodiscard]] constexpr time_point tail_due(const tcb<P>& t) noexcept {
    if constexpr (tcb<P>::remembers && P::rack_tlp) {
        const send_sequence& snd = t.snd;
        const bool calm = t.sent.now == episode::none && t.sent.board.sacked() == 0;
        if (!t.selective() || !snd.outstanding() || snd.shut() || !calm || !t.sent.tail.may_go() || snd.tail)
            return never;
        const bool alone = snd.flight() <= snd.mss;
        const duration wait = tail_loss_probe::timeout(t.rtt.srtt(), alone, P::max_ack_delay);
        return std::min(after(t.sent.tail_from, wait), after(t.armed_at, t.rto()));
    } else {
        return never;
    }
}

/// When the timer is due; `never` if it does not run.
template <class P>
[[nodiscard]] constexpr time_point due(const tcb<P>& t, timer which, state at) noexcept {
    const send_sequence& snd = t.snd;
    switch (which) {
    case timer::user: return snd.outstanding() || snd.shut() ? after(t.stalled_since, t.given.user_timeout) : never;
    case timer::retransmission: return snd.outstanding() && !snd.shut() ? after(t.armed_at, t.rto()) : never;
    case timer::reordering:
        if constexpr (tcb<P>::remembers) return snd.outstanding() ? t.sent.reorder_due : never;
        return never;
    case timer::tail_loss: return states::sending.contains(at) ? tail_due(t) : never;
    case timer::pacing: return states::sending.contains(at) ? t.pace_due : never;
    case timer::persist: {
        if (!snd.shut()) return never;
        duration wait = t.rto();  // SHLD-29, and SHLD-30: doubled with each probe
        for (unsigned i = 0; i < snd.probes && wait < P::rto.maximum; ++i) wait *= 2;
        return after(t.armed_at, std::min(wait, P::rto.maximum));
    }
    case timer::delayed_ack: return states::accepting.contains(at) ? t.ack_due : never;
    case timer::override: {
        if (!states::sending.contains(at)) return never;
        return snd.waiting() ? std::min(t.override_due, t.ecn.held_until()) : t.override_due;
    }
    case timer::keep_alive: {
        constexpr state_set waits = states::accepting | state::close_wait;
        if (t.given.keep_alive == forever || !waits.contains(at) || snd.outstanding() || snd.waiting()) return never;
        return after(t.heard_at, t.keep_alives == 0 ? t.keep_alive_idle() : P::keep_alive_interval);
    }
    case timer::time_wait: return states::lingering.contains(at) ? t.time_wait_ends : never;
    }
    return never;
}

/// What it means that the timer is due.
template <class P>
[[nodiscard]] constexpr event judge_timeout(const tcb<P>& t, timer which) noexcept {
    switch (which) {
    case timer::user: return event::timeout_user;
    case timer::retransmission: return event::timeout_retransmission;
    case timer::reordering: return event::timeout_reordering;
    case timer::tail_loss: return event::timeout_tail_loss;
    case timer::pacing: return event::timeout_pacing;
    case timer::persist: return event::timeout_persist;
    case timer::delayed_ack: return event::timeout_delayed_ack;
    case timer::override: return event::timeout_override;
    case timer::keep_alive:  // MUST-29: one probe without an answer proves nothing
        return t.keep_alives < P::keep_alive_probes ? event::timeout_keep_alive : event::timeout_dead_peer;
    case timer::time_wait: return event::timeout_time_wait;
    }
    return event::timeout_user;
}

/// The earliest deadline of all; `never` if no timer runs.
template <class P>
[[nodiscard]] constexpr time_point next_due(const tcb<P>& t, state at) noexcept {
    return [&]<std::size_t... I>(std::index_sequence<I...>) { return std::min({due(t, all_timers[I], at)...}); }
    (std::make_index_sequence<std::size(all_timers)>{});
}

}  // namespace tcpfsm
