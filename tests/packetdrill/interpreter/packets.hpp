// SPDX-License-Identifier: MIT
// packets.hpp: the lines of a script as octets, and octets as lines of a script.
#pragma once

#include "syntax.hpp"

#include <tcpfsm/address.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

// None of the library's own code for headers is used here: a mistake in it would not see itself.

namespace tcpfsm::drill {

using octets = std::vector<std::uint8_t>;

/// A packet of the stack's, taken apart.
struct seen_packet {
    four_tuple between;  ///< as the stack sees it: `local` sent it
    tcp_line tcp{};      ///< with the numbers of the wire
    std::uint8_t tos = 0;
    std::uint8_t ttl = 0;
    std::uint32_t flow_label = 0;
    octets text{};
};

/// The octets of a segment; its numbers are those of the wire. The text is zeros.
[[nodiscard]] octets to_octets(const tcp_line& seg, const ip_fields_said& ip, const four_tuple& between);
/// The octets of an ICMP message to `between.local` about a segment of its own; its number is that of the wire.
[[nodiscard]] octets to_octets(const icmp_line& message, const four_tuple& between);
/// Takes a packet apart; throws `failure` if a header or a checksum is wrong.
[[nodiscard]] seen_packet from_octets(std::span<const std::uint8_t> packet, place at);

/// The segment in the notation of scripts. A window or options that do not count are left out.
[[nodiscard]] std::string to_text(const tcp_line& seg);

}  // namespace tcpfsm::drill
