// SPDX-License-Identifier: MIT
// congestion/concept.hpp: what a congestion control is asked, and told.
#pragma once

#include <tcpfsm/seq.hpp>
#include <tcpfsm/time.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>

// RFC 9293 section 3.8.2 and RFC 5681: a window of octets, and what moves it. A congestion control is a
// value that sees numbers only; loss detection (recovery/) decides what is lost and tells it.

namespace tcpfsm {

/// The largest window that can be offered (RFC 7323 2.3), so none need be larger.
inline constexpr std::uint32_t widest_window = 1U << 30U;

/// The sender's numbers at the moment of a report, in octets.
struct path {
    std::uint32_t smss = 1;    ///< sender maximum segment size, without options; at least 1
    std::uint32_t flight = 0;  ///< FlightSize: sent and not yet acknowledged, before this report
    time_point now{};          ///< the time of the report
    duration srtt{};           ///< the smoothed round trip; zero before the first sample
    duration rtt{};            ///< the round trip that this report has measured; zero if it has measured none
    seq una{};                 ///< SND.UNA, after this report
    seq nxt{};                 ///< SND.NXT
    std::uint32_t marked = 0;  ///< octets of this report that met congestion on their way: ECE, or counted (AccECN)
    bool limited = true;       ///< the window was full within the last round trip; else it may not grow
    friend constexpr bool operator==(const path&, const path&) noexcept = default;
};

/// A window of as many segments of `smss` as it was of larger ones, and at least one.
[[nodiscard]] constexpr std::uint32_t scaled_window(std::uint32_t window, std::uint32_t smss,
                                                    std::uint32_t before) noexcept {
    if (before <= smss) return window;
    return std::max(static_cast<std::uint32_t>(std::uint64_t{window} * smss / before), smss);
}

// clang-format off
/// A model of this concept can stand in `policies::congestion`.
template <class C>
concept congestion_control = std::regular<C> &&
    requires(C c, const C k, const C before, path p, std::uint32_t octets, bool flag) {
    { k.window() } noexcept -> std::same_as<std::uint32_t>;  ///< how much may be in flight
    { k.threshold() } noexcept -> std::same_as<std::uint32_t>;  ///< ssthresh, for those who look
    c.begin(p, flag);              ///< the handshake is done; flag: the SYN or SYN,ACK was lost
    c.acked(p, octets);            ///< new octets were acknowledged, outside of recovery
    c.lost(p);                     ///< fast recovery begins: congestion, told by a loss
    c.marked(p);                   ///< congestion, told by ECN: at most once a window; nothing is retransmitted
    c.duplicate(p);                ///< one more duplicate ACK during recovery without SACK
    c.partly_acked(p, octets);     ///< a partial ACK during recovery without SACK
    c.recovered(p);                ///< recovery ends
    c.timed_out(p, flag);          ///< retransmission timeout; flag: the first for this segment
    c.was_idle(p);                 ///< nothing was sent for longer than the RTO
    c.restore(before, p);          ///< the last loss or timeout was none; `before`: the control as it was before it
};
// clang-format on

// A control may have more, which is used where it is found:
//
//     static constexpr bool rate_based = true;    it rules by rates: then `c.delivered(p, sample)` is called for every
//                                                 ACK that delivers octets, SACKed ones and those of recovery too, and
//                                                 the window in recovery is its own
//     c.missed(p, loss)                           of each record that is found lost, before `lost` or `timed_out`, what
//                                                 `delivery_rate::missed` says of it
//     k.pacing_rate(p) -> std::uint64_t           octets a second, 0 for as fast as the window allows; without it
//                                                 a paced connection takes 2 * window() / srtt in slow start, and
//                                                 1.2 * window() / srtt after
//     c.resegmented(p, before)                    SMSS fell from `before` to p.smss with the MTU of the path: as many
//                                                 segments as before may be in flight (RFC 5681 3.1)
//
// With SACK, proportional rate reduction takes the window from what it is to `threshold()` while recovery lasts; then
// `recovered(p)` makes them equal. Without, the window in recovery is NewReno's, by `duplicate` and `partly_acked`.

}  // namespace tcpfsm
