// SPDX-License-Identifier: MIT
// icmp.hpp: what a router says about a segment of ours.
#pragma once

#include <tcpfsm/ip.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

// RFC 9293 section 3.9.2.2: which ICMP and ICMPv6 messages are errors for TCP, and how bad. They quote the
// beginning of the segment that caused them, and that names the connection (MUST-54). Anyone can send such
// a message: compare `sequence` with what is in flight before believing it (RFC 5927).

namespace tcpfsm {

/// What an ICMP message means to TCP.
enum class icmp_kind : std::uint8_t {
    none,            ///< no error, or not about a segment of TCP
    soft,            ///< may pass: tell the user, never abort (MUST-56)
    hard,            ///< "TCP implementations SHOULD abort the connection" (SHLD-26)
    packet_too_big,  ///< a link on the path is narrower: path MTU discovery (RFC 1191, RFC 8201)
    source_quench,   ///< "MUST silently discard" (MUST-55, RFC 6633)
};

/// An ICMP error and the segment that it quotes.
struct icmp_report {
    icmp_kind kind = icmp_kind::none;
    four_tuple between{};   ///< of the quoted segment; `local` sent it
    seq sequence{};         ///< SEG.SEQ of the quoted segment
    std::uint32_t mtu = 0;  ///< of the next hop, if too big; 0 if an old router does not say (RFC 1191 section 5)
    std::uint16_t quoted_length = 0;  ///< total length of the quoted packet, by its own word
    friend constexpr bool operator==(const icmp_report&, const icmp_report&) noexcept = default;
};

/// The kind of an ICMP message of IPv4 (RFC 792). Codes of "unreachable" that came after RFC 9293's list of
/// soft and hard ones are administrative; a rule of today may be gone tomorrow, so they are soft.
[[nodiscard]] constexpr icmp_kind icmp4_kind(std::uint8_t type, std::uint8_t code) noexcept {
    switch (type) {
    case 3: return code == 4 ? icmp_kind::packet_too_big : code == 2 || code == 3 ? icmp_kind::hard : icmp_kind::soft;
    case 4: return icmp_kind::source_quench;
    case 11:
    case 12: return icmp_kind::soft;
    default: return icmp_kind::none;
    }
}

/// The kind of an ICMPv6 message (RFC 4443).
[[nodiscard]] constexpr icmp_kind icmp6_kind(std::uint8_t type, std::uint8_t code) noexcept {
    switch (type) {
    case 1: return code == 1 || code == 4 ? icmp_kind::hard : icmp_kind::soft;
    case 2: return icmp_kind::packet_too_big;
    case 3:
    case 4: return icmp_kind::soft;
    default: return icmp_kind::none;
    }
}

/// The front of a packet as an ICMP message quotes it: cut anywhere, so its length is not held against it.
[[nodiscard]] constexpr packet parse_quoted(std::span<const std::uint8_t> octets) noexcept {
    packet got;
    got.error = ip_error::too_short;
    const bool v4 = !octets.empty() && octets[0] >> 4 == 4;
    if (octets.size() < (v4 ? ipv4_header_size : ipv6_header_size)) return got;
    if (!v4) {
        got.error = octets[0] >> 4 == 6 ? ip_error::none : ip_error::bad_version;
        got.source = ip_address{octets.subspan<8, 16>()};
        got.destination = ip_address{octets.subspan<24, 16>()};
        got.protocol = octets[6];
        got.payload = octets.subspan(ipv6_header_size);
        if (got) skip_extensions(got);
        return got;
    }
    const std::size_t header = std::size_t{octets[0] & 0xfU} * 4;
    got.error = header < ipv4_header_size || header > octets.size() ? ip_error::bad_header_length : ip_error::none;
    if (!got) return got;
    if ((load16(&octets[6]) & 0x1fff) != 0) got.error = ip_error::fragment;  // ports are in the first one
    got.source = ip_address{octets.subspan<12, 4>()};
    got.destination = ip_address{octets.subspan<16, 4>()};
    got.protocol = octets[9];
    got.payload = octets.subspan(header);
    return got;
}

/// Reads an ICMP or ICMPv6 error out of a packet. Everything else, damaged messages, and quotes of packets
/// that the receiver cannot have sent have the kind `none`.
[[nodiscard]] constexpr icmp_report parse_icmp_error(const packet& from) noexcept {
    const bool v4 = from.source.is_v4();
    const auto message = from.payload;
    if (!from || from.protocol != (v4 ? 1 : 58) || message.size() < 8) return {};
    const icmp_kind kind = v4 ? icmp4_kind(message[0], message[1]) : icmp6_kind(message[0], message[1]);
    // Only ICMPv6 has a pseudo-header (RFC 4443 section 2.3).
    partial_sum sum = v4 ? partial_sum{} : pseudo_header_sum(from.source, from.destination, 58, message.size());
    if (kind == icmp_kind::none || !sum.append(message).verifies()) return {};

    const auto quote = message.subspan(8);
    const packet quoted = parse_quoted(quote);
    if (!quoted || quoted.protocol != tcp_protocol || quoted.payload.size() < 8) return {};
    if (quoted.source != from.destination) return {};  // RFC 5927 section 4: it must be about a packet of ours

    icmp_report got;
    got.kind = kind;
    got.between.local = {quoted.source, load16(&quoted.payload[0])};
    got.between.remote = {quoted.destination, load16(&quoted.payload[2])};
    got.sequence = seq{load32(&quoted.payload[4])};
    if (kind == icmp_kind::packet_too_big) got.mtu = v4 ? load16(&message[6]) : load32(&message[4]);
    const std::size_t length = v4 ? std::size_t{load16(&quote[2])} : load16(&quote[4]) + ipv6_header_size;
    got.quoted_length = static_cast<std::uint16_t>(length < 0xffff ? length : 0xffff);
    return got;
}

}  // namespace tcpfsm
