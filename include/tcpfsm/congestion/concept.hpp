// SPDX-License-Identifier: MIT
// congestion/concept.hpp: what a congestion control is asked, and told.
#pragma once

#include <concepts>
#include <cstdint>

// RFC 9293 section 3.8.2 and RFC 5681: a window of octets, and what moves it. A congestion control is a
// value that sees numbers only; loss detection (recovery/) decides what is lost and tells it.

namespace tcpfsm {

/// The sender's numbers at the moment of a report, in octets.
struct path {
    std::uint32_t smss;    ///< sender maximum segment size, without options; at least 1
    std::uint32_t flight;  ///< FlightSize: sent and not yet acknowledged, before this report
};

// clang-format off
/// A model of this concept can stand in `policies::congestion`.
template <class C>
concept congestion_control = std::regular<C> && requires(C c, const C k, path p, std::uint32_t octets, bool flag) {
    { k.window() } noexcept -> std::same_as<std::uint32_t>;  ///< how much may be in flight
    { k.threshold() } noexcept -> std::same_as<std::uint32_t>;  ///< ssthresh, for those who look
    c.begin(p, flag);              ///< the handshake is done; flag: the SYN or SYN,ACK was lost
    c.acked(p, octets);            ///< new octets were acknowledged, outside of recovery
    c.lost(p);                     ///< fast retransmit begins
    c.duplicate(p);                ///< one more duplicate ACK during recovery
    c.partly_acked(p, octets);     ///< a partial ACK during recovery
    c.recovered(p);                ///< recovery ends with a full ACK
    c.timed_out(p, flag);          ///< retransmission timeout; flag: the first for this segment
    c.was_idle(p);                 ///< nothing was sent for longer than the RTO
};
// clang-format on

}  // namespace tcpfsm
