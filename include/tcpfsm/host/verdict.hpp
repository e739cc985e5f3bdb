// SPDX-License-Identifier: MIT
// verdict.hpp: what became of a packet, in words.
#pragma once

#include <tcpfsm/event.hpp>
#include <tcpfsm/ip.hpp>
#include <tcpfsm/perform.hpp>
#include <tcpfsm/table.hpp>
#include <tcpfsm/too_big.hpp>
#include <tcpfsm/wire.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

// Every packet ends somewhere, and says where. The host counts the fates; the last one can be read.

namespace tcpfsm {

/// Where a packet ended.
enum class fate : std::uint8_t {
    delivered,            ///< to a connection, which took it
    discarded,            ///< by its connection: see `arrival`
    opening,              ///< a SYN began a connection
    answered_with_reset,  ///< it belongs to no connection
    reported,             ///< an ICMP error went to its connection
    bad_packet,           ///< see `ip_error`
    bad_segment,          ///< see `wire_error`
    not_tcp,              ///< another protocol, or an ICMP message that is no error of TCP's
    not_for_us,           ///< the destination is not an address of this host
    bad_destination,      ///< multicast or broadcast (MUST-57)
    bad_source,           ///< multicast, broadcast, unspecified, our own socket (MUST-63)
    stray,                ///< belongs to no connection, and asks for no answer
    stray_report,         ///< an ICMP error about no connection of ours
    path_narrowed,        ///< ICMP says that a packet was too big: its connection sends smaller ones
    too_big_waits,        ///< the same, and its connection waits whether the segment times out
    too_big_ignored,      ///< the same, but not believed, or no news: see `too_big`
    backlog_full,         ///< a SYN; the user does not keep up
    no_slot,              ///< a SYN; there is no room for one more connection
    lingering,            ///< a SYN for a connection in TIME-WAIT that cannot be reopened now
    resets_full,          ///< it belongs to no connection; too many resets wait to be sent already
};
inline constexpr std::size_t fate_count = static_cast<std::size_t>(fate::resets_full) + 1;

/// What became of a packet, and why.
struct verdict {
    tcpfsm::fate fate = fate::delivered;
    tcpfsm::ip_error ip_error = tcpfsm::ip_error::none;
    tcpfsm::wire_error wire_error = tcpfsm::wire_error::none;
    tcpfsm::arrival arrival{};                         ///< what its connection said, if it reached one
    tcpfsm::too_big too_big = tcpfsm::too_big::fixed;  ///< and what it made of such a report
};

/// The fate in a sentence.
[[nodiscard]] constexpr std::string_view describe(fate f) noexcept {
    constexpr std::string_view texts[fate_count] = {
        "delivered to its connection",
        "dropped by its connection",
        "a connection begins",
        "answered with a reset: no such connection, RFC 9293 3.10.7.1",
        "an ICMP error, told to its connection, RFC 9293 3.9.2.2",
        "dropped: not a sound packet",
        "dropped: not a sound segment",
        "dropped: neither TCP nor an ICMP error about TCP",
        "dropped: not an address of this host",
        "dropped: to a multicast or broadcast address, RFC 9293 3.9.2.3 MUST-57",
        "dropped: from an address that no peer can have, RFC 9293 3.9.2.3 MUST-63",
        "dropped: belongs to no connection, and is never answered, RFC 9293 3.10.7.1, 3.10.7.2",
        "dropped: an ICMP error about no connection here, RFC 5927 4.1",
        "an ICMP error: packet too big, and its connection sends smaller ones, RFC 9293 3.7.2",
        "an ICMP error: packet too big, believed if the segment times out, RFC 5927 7.2",
        "dropped: ICMP says packet too big, and is not believed, or says nothing new",
        "dropped: the backlog of the listener is full",
        "dropped: no slot for one more connection",
        "dropped: a SYN for a connection in TIME-WAIT that is not to be reopened, RFC 9293 3.6.1",
        "dropped: too many resets wait to be sent",
    };
    return texts[static_cast<std::size_t>(f)];
}
/// The most precise sentence for what became of a packet.
[[nodiscard]] constexpr std::string_view describe(const verdict& v) noexcept {
    if (v.fate == fate::bad_packet) return describe(v.ip_error);
    if (v.fate == fate::bad_segment) return describe(v.wire_error);
    if (v.fate >= fate::path_narrowed && v.fate <= fate::too_big_ignored) return describe(v.too_big);
    if (v.fate == fate::discarded) return cite<>(v.arrival.in, v.arrival.why).because;
    return describe(v.fate);
}

}  // namespace tcpfsm
