// SPDX-License-Identifier: MIT
// ip.hpp: just enough of IPv4 and IPv6 to carry segments over a raw link.
#pragma once

#include <tcpfsm/address.hpp>
#include <tcpfsm/checksum.hpp>
#include <tcpfsm/octets.hpp>
#include <tcpfsm/wire.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

// RFC 791, RFC 8200, and RFC 9293 section 3.9.2. For hosts at a TUN device or in a simulator, without an IP
// stack of their own. No reassembly: fragments are refused, and what is sent must not be fragmented (DF).
// IP options and extension headers are stepped over (RFC 9293 MUST-50), source routes not followed.

namespace tcpfsm {

/// Why octets are not a packet that we take.
enum class ip_error : std::uint8_t {
    none,
    too_short,            ///< not even a fixed header
    bad_version,          ///< neither 4 nor 6
    bad_header_length,    ///< IPv4 IHL less than 5, or past the end
    bad_total_length,     ///< says that it is longer than what came, or shorter than its header
    bad_header_checksum,  ///< the IPv4 header does not verify
    fragment,             ///< a piece of a packet
    bad_extension,        ///< an IPv6 extension header past the end, out of place, or to be refused if not understood
    source_routed,        ///< an IPv6 routing header that wants the packet forwarded
};

/// The reason in a sentence.
[[nodiscard]] constexpr std::string_view describe(ip_error error) noexcept {
    switch (error) {
    case ip_error::none: return "sound";
    case ip_error::too_short: return "dropped: shorter than the fixed header, RFC 791 3.1, RFC 8200 3";
    case ip_error::bad_version: return "dropped: version neither 4 nor 6, RFC 791 3.1, RFC 8200 3";
    case ip_error::bad_header_length: return "dropped: header length less than five words or past the end, RFC 791 3.1";
    case ip_error::bad_total_length:
        return "dropped: length field does not agree with what came, RFC 791 3.1, RFC 8200 3";
    case ip_error::bad_header_checksum: return "dropped: header checksum does not verify, RFC 1122 3.2.1.2";
    case ip_error::fragment: return "dropped: a fragment, and there is no reassembly here, RFC 791 3.2, RFC 8200 4.5";
    case ip_error::bad_extension: return "dropped: extension header not acceptable, RFC 8200 4";
    case ip_error::source_routed: return "dropped: a route with segments left, RFC 8200 4.4, RFC 5095";
    }
    return "";
}

/// The parts of an IP header that a sender chooses, beside the addresses.
struct ip_fields {
    std::uint8_t dscp_ecn = 0;  ///< the former type of service, or traffic class: DSCP above two bits of ECN (RFC 3168)
    std::uint8_t hop_limit = 64;  ///< time to live (RFC 9293 MUST-49: configurable)
    std::uint16_t id = 0;         ///< IPv4 identification: free, since nothing is fragmented (RFC 6864)

    /// The last two bits.
    [[nodiscard]] constexpr tcpfsm::ecn ecn() const noexcept { return static_cast<tcpfsm::ecn>(dscp_ecn & 3U); }
    friend constexpr bool operator==(const ip_fields&, const ip_fields&) noexcept = default;
};

/// What stood in a packet. With an error only that means anything.
struct packet {
    ip_address source{};
    ip_address destination{};
    ip_fields fields{};
    std::uint8_t protocol = 0;                ///< of the payload: 6 is TCP, 1 ICMP, 58 ICMPv6
    std::span<const std::uint8_t> payload{};  ///< behind all headers, in the octets that were given
    ip_error error = ip_error::none;

    /// True iff the octets are a packet that we take.
    [[nodiscard]] constexpr explicit operator bool() const noexcept { return error == ip_error::none; }
};

inline constexpr std::size_t ipv4_header_size = 20;
inline constexpr std::size_t ipv6_header_size = 40;

/// True iff every option of a hop-by-hop or destination options header is whole, and those that we do not
/// know (all but padding) may be stepped over: their first two bits are 00 (RFC 8200 section 4.2).
[[nodiscard]] constexpr bool may_skip_options(std::span<const std::uint8_t> options) noexcept {
    while (!options.empty()) {
        std::size_t size = 1;
        if (options[0] != 0) {
            if (options.size() < 2 || options.size() - 2 < options[1] || options[0] >> 6 != 0) return false;
            size = std::size_t{2} + options[1];
        }
        options = options.subspan(size);
    }
    return true;
}

/// Steps over the IPv6 extension headers at the front of `got.payload`. Each is at least eight octets long,
/// so there are at most as many steps as the packet has eights.
constexpr void skip_extensions(packet& got) noexcept {
    enum : std::uint8_t { hop_by_hop = 0, routing = 43, fragment = 44, destination = 60 };
    for (bool first = true;; first = false) {
        const std::uint8_t kind = got.protocol;
        const auto rest = got.payload;
        if (kind != hop_by_hop && kind != routing && kind != fragment && kind != destination) return;
        // The length is counted in eights beyond the first; in the fragment header that octet is reserved.
        const std::size_t size = rest.size() < 8 || kind == fragment ? 8 : 8 + std::size_t{8} * rest[1];
        const bool has_options = kind == hop_by_hop || kind == destination;
        const bool sound = rest.size() >= size && (kind != hop_by_hop || first) &&
                           (!has_options || may_skip_options(rest.first(size).subspan(2)));
        if (!sound) {
            got.error = ip_error::bad_extension;
        } else if (kind == routing && rest[3] != 0) {
            got.error = ip_error::source_routed;
        } else if (kind == fragment && (load16(&rest[2]) & 0xfff9) != 0) {  // a fragment that is all is none (RFC 6946)
            got.error = ip_error::fragment;
        }
        if (!got) return;
        got.protocol = rest[0];
        got.payload = rest.subspan(size);
    }
}

/// Reads a packet of IPv4 into `got`, which is empty.
constexpr ip_error read_ipv4(packet& got, std::span<const std::uint8_t> octets) noexcept {
    if (octets.size() < ipv4_header_size) return ip_error::too_short;
    const std::size_t header = std::size_t{octets[0] & 0xfU} * 4;
    const std::size_t total = load16(&octets[2]);
    if (header < ipv4_header_size || header > octets.size()) return ip_error::bad_header_length;
    if (total < header || total > octets.size()) return ip_error::bad_total_length;
    if (!partial_sum::of_total(header_total(octets.first(header))).verifies()) return ip_error::bad_header_checksum;
    if ((load16(&octets[6]) & 0x3fff) != 0) return ip_error::fragment;  // more fragments, or an offset
    got.source = ip_address{octets.subspan<12, 4>()};
    got.destination = ip_address{octets.subspan<16, 4>()};
    got.fields = {octets[1], octets[8], load16(&octets[4])};
    got.protocol = octets[9];
    got.payload = octets.first(total).subspan(header);  // a link may have padded a short frame
    return ip_error::none;
}
[[nodiscard]] constexpr packet parse_ipv4(std::span<const std::uint8_t> octets) noexcept {
    packet got;
    got.error = read_ipv4(got, octets);
    return got;
}

[[nodiscard]] constexpr packet parse_ipv6(std::span<const std::uint8_t> octets) noexcept {
    packet got;
    got.error = ip_error::too_short;
    if (octets.size() < ipv6_header_size) return got;
    const std::size_t length = load16(&octets[4]);
    got.error = ip_error::bad_total_length;
    if (length > octets.size() - ipv6_header_size) return got;
    got.error = ip_error::none;
    got.source = ip_address{octets.subspan<8, 16>()};
    got.destination = ip_address{octets.subspan<24, 16>()};
    got.fields = {static_cast<std::uint8_t>(load16(octets.data()) >> 4 & 0xff), octets[7], 0};
    got.protocol = octets[6];
    got.payload = octets.subspan(ipv6_header_size, length);
    skip_extensions(got);
    return got;
}

/// Reads one packet, header first; octets behind its end are cut off.
[[nodiscard]] constexpr packet parse_packet(std::span<const std::uint8_t> octets) noexcept {
    if (!octets.empty() && octets[0] >> 4 == 4) return parse_ipv4(octets);
    if (!octets.empty() && octets[0] >> 4 == 6) return parse_ipv6(octets);
    packet got;
    got.error = octets.empty() ? ip_error::too_short : ip_error::bad_version;
    return got;
}

/// Octets of the IP header between such addresses.
[[nodiscard]] constexpr std::size_t ip_header_size(const ip_address& address) noexcept {
    return address.is_v4() ? ipv4_header_size : ipv6_header_size;
}

/// Writes the IP header before a payload of `payload_size` octets. Answers its size, or 0 if `out` is too
/// small, if the addresses are of two families, or if the payload is too long for IP.
constexpr std::size_t write_ip_header(std::span<std::uint8_t> out, const ip_address& source,
                                      const ip_address& destination, std::uint8_t protocol, std::size_t payload_size,
                                      ip_fields fields = {}) noexcept {
    const std::size_t size = ip_header_size(source);
    const std::size_t most = source.is_v4() ? 0xffff - ipv4_header_size : 0xffff;
    if (source.family() != destination.family() || out.size() < size || payload_size > most) return 0;
    std::uint8_t* to = out.data();
    if (source.is_v4()) {
        const auto kind_and_length =
            static_cast<std::uint32_t>((0x4500U | fields.dscp_ecn) << 16 | (size + payload_size));
        const auto id_and_bits = std::uint32_t{fields.id} << 16 | 0x4000U;  // don't fragment: RFC 1191 needs to know
        const auto life = static_cast<std::uint32_t>(fields.hop_limit << 8 | protocol);
        const std::uint32_t from = load32(source.octets().data()), towards = load32(destination.octets().data());
        const auto sum = partial_sum::of_total(std::uint64_t{kind_and_length} + id_and_bits + life + from + towards);
        to = store32(store32(to, kind_and_length), id_and_bits);
        to = store32(to, life << 16 | sum.checksum());
        store32(store32(to, from), towards);
        return size;
    }
    to = store32(to, 6U << 28 | std::uint32_t{fields.dscp_ecn} << 20);  // flow label 0
    to = store16(to, static_cast<std::uint16_t>(payload_size));
    to = store16(to, static_cast<std::uint16_t>(protocol << 8 | fields.hop_limit));
    for (const ip_address* address : {&source, &destination}) to = std::copy_n(address->octets().begin(), 16, to);
    return size;
}

/// Writes `seg` with its text (in one or two pieces) as a packet from `between.local` to `between.remote`.
/// The codepoint of ECN is that of the segment. Answers the size of all, or 0 if it does not fit.
constexpr std::size_t write_packet(std::span<std::uint8_t> out, const four_tuple& between, const segment& seg,
                                   std::span<const std::uint8_t> text = {}, std::span<const std::uint8_t> more = {},
                                   ip_fields fields = {}, checksum_by by = checksum_by::writer) noexcept {
    const std::size_t size = ip_header_size(between.local.address);
    if (out.size() < size) return 0;
    fields.dscp_ecn = static_cast<std::uint8_t>((fields.dscp_ecn & ~3U) | static_cast<unsigned>(seg.ecn));
    const std::size_t tcp = write_tcp(out.subspan(size), between, seg, text, more, by);
    if (tcp == 0) return 0;
    if (write_ip_header(out, between.local.address, between.remote.address, tcp_protocol, tcp, fields) == 0) return 0;
    return size + tcp;
}

}  // namespace tcpfsm
