// SPDX-License-Identifier: MIT
// lingering.hpp: what matters of a connection in TIME-WAIT.
#pragma once

#include <tcpfsm/policies.hpp>
#include <tcpfsm/seq.hpp>
#include <tcpfsm/tcb.hpp>
#include <tcpfsm/time.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

// Once both FINs are acknowledged and everything was read, few numbers decide what the connection says to a segment:
// the next ones of both sides, the window, the timestamps, the challenges. Who has many such connections keeps those,
// and makes a connection of them again when a segment comes.

namespace tcpfsm {

/// A connection in TIME-WAIT, in numbers.
struct lingering_numbers {
    seq snd_nxt{};
    seq rcv_nxt{};
    std::uint32_t max_wnd = 0;  ///< SND: the largest window that the peer ever offered
    std::uint32_t wnd = 0;      ///< RCV.WND
    std::uint8_t shift = 0;     ///< Rcv.Wind.Shift
    bool rounds_up = false;     ///< there is room for one unit of the window more than come out even
    bool urgent = false;        ///< RCV.UP stands beyond the FIN
    bool sack_ok = false;
    bool stamped = false;           ///< timestamps were agreed on, and
    std::uint32_t ts_recent = 0;    ///< TS.Recent
    std::uint8_t challenges = 0;    ///< challenge ACKs since
    time_point challenges_since{};  ///< then
    time_point ends{};              ///< when TIME-WAIT is over
    friend constexpr bool operator==(const lingering_numbers&, const lingering_numbers&) noexcept = default;
};

/// These numbers of a TCB in TIME-WAIT; nothing if others matter, too: something is unread or owed, or TS.Recent is so
/// old that its age counts (RFC 7323 5.5). A D-SACK that the limit of challenge ACKs has held back is forgotten.
template <class P>
[[nodiscard]] constexpr std::optional<lingering_numbers> lingering_of(const tcb<P>& t) noexcept {
    const receive_sequence& rcv = t.rcv;
    if constexpr (P::user_timeout_option) {
        if (t.timeouts.owed()) return std::nullopt;
    }
    const bool owes = rcv.ack_now || t.snd.keep_alive || t.snd.outstanding();
    const bool unread = rcv.user != 0 || !t.held.empty();
    const bool plain_urgent = rcv.up == rcv.nxt || rcv.up == rcv.nxt - 1;
    const bool aged = t.ts.on && t.time_wait_ends - t.ts.recent_at > std::chrono::hours{24 * 23};
    if (owes || unread || !plain_urgent || aged) return std::nullopt;
    const std::uint32_t even = rcv.wnd() >> rcv.shift << rcv.shift;
    const bool challenged = t.challenges_since + P::challenge_period > t.time_wait_ends - 2 * P::msl;
    const bool rounds_up = even != rcv.wnd() && rcv.nxt + (even + (1U << rcv.shift)) <= rcv.limit();
    // The next ACK would offer more than that: then it depends on the buffer.
    const bool opens = rcv.opening() >= std::max<std::uint32_t>(rcv.worth(), 1);
    const std::uint32_t units = (even >> rcv.shift) + (rounds_up ? 1U : 0U);
    if (opens && (rcv.limit() - rcv.nxt) >> rcv.shift > units) return std::nullopt;
    return lingering_numbers{.snd_nxt = t.snd.nxt,
                             .rcv_nxt = rcv.nxt,
                             .max_wnd = t.snd.max_wnd,
                             .wnd = rcv.wnd(),
                             .shift = rcv.shift,
                             .rounds_up = rounds_up,
                             .urgent = rcv.up == rcv.nxt,
                             .sack_ok = t.sack_ok,
                             .stamped = t.ts.on,
                             .ts_recent = t.ts.recent,
                             // What was counted before TIME-WAIT began does not count any more.
                             .challenges = challenged ? t.challenges : std::uint8_t{0},
                             .challenges_since = t.challenges_since,
                             .ends = t.time_wait_ends};
}

/// The TCB of such a connection. `given` counts if it is reopened.
template <class P>
[[nodiscard]] constexpr tcb<P> as_tcb(const lingering_numbers& n, const parameters& given) noexcept {
    tcb<P> t{};
    t.given = given;
    t.snd.una = t.snd.nxt = t.snd.again = t.snd.end = t.snd.up = t.snd.full_to = n.snd_nxt;
    t.snd.max_wnd = n.max_wnd;
    t.snd.synced = true;
    t.rcv.nxt = t.rcv.acked = n.rcv_nxt;
    t.rcv.edge = n.rcv_nxt + n.wnd;
    t.rcv.up = n.urgent ? n.rcv_nxt : n.rcv_nxt - 1;
    t.rcv.fin_known = true;
    t.rcv.fin_at = n.rcv_nxt - 1;
    t.rcv.shift = n.shift;
    const std::uint32_t even = n.wnd >> n.shift << n.shift;
    t.rcv.buff = n.rounds_up ? even + (1U << n.shift) : n.wnd;
    t.rcv.mss = 0xffff;  // no room that opens is worth an ACK
    t.sack_ok = n.sack_ok;
    t.ts = {.offset = given.timestamp_offset, .recent = n.ts_recent, .recent_at = n.ends - 2 * P::msl, .on = n.stamped};
    t.challenges = n.challenges;
    t.challenges_since = n.challenges_since;
    t.time_wait_ends = n.ends;
    return t;
}

}  // namespace tcpfsm
