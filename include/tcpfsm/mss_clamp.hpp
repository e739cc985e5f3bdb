// SPDX-License-Identifier: MIT
// mss_clamp.hpp: lowers the MSS in SYNs that pass by, for routers, tunnels and proxies.
#pragma once

#include <tcpfsm/checksum.hpp>
#include <tcpfsm/ip.hpp>
#include <tcpfsm/octets.hpp>
#include <tcpfsm/wire.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

// Who puts headers of his own around packets (a tunnel, PPPoE) has a link that is narrower than the ends believe, and
// some paths swallow the reports of that. A smaller MSS in both SYNs keeps the segments small from the beginning (RFC
// 9293 section 3.7.1). The checksum is mended without looking at the rest (RFC 1624).

namespace tcpfsm {

/// Lowers the MSS option of a SYN to `mss`; it is never raised, and none is added. `segment` begins with the TCP
/// header. True if something was changed; a segment that is not sound, or no SYN, stays as it is.
constexpr bool clamp_mss(std::span<std::uint8_t> segment, std::uint16_t mss) noexcept {
    if (segment.size() < tcp_header_size) return false;
    const std::size_t header = std::size_t{segment[12]} / 16 * 4;
    const bool syn = (segment[13] & 0x02U) != 0;
    if (!syn || header < tcp_header_size || header > segment.size()) return false;
    bool changed = false;
    for (std::size_t at = tcp_header_size; at < header;) {
        const auto kind = static_cast<option_kind>(segment[at]);
        if (kind == option_kind::end) break;
        if (kind == option_kind::no_operation) {
            ++at;
            continue;
        }
        if (header - at < 2 || segment[at + 1] < 2 || segment[at + 1] > header - at) break;  // guesswork from here on
        if (kind == option_kind::mss && segment[at + 1] == 4 && load16(&segment[at + 2]) > mss) {
            // At an odd place each octet is in the other half of its word (RFC 1071 section 2, B).
            const bool odd = at % 2 != 0;
            const auto word = [odd](std::uint16_t w) {
                return odd ? static_cast<std::uint16_t>((w << 8 | w >> 8) & 0xffff) : w;
            };
            const std::uint16_t before = load16(&segment[at + 2]);
            store16(&segment[16], updated_checksum(load16(&segment[16]), word(before), word(mss)));
            store16(&segment[at + 2], mss);
            changed = true;
        }
        at += segment[at + 1];
    }
    return changed;
}

/// The same for a packet, IPv4 or IPv6, that is to cross a link of this MTU: the MSS becomes what the link carries
/// beside headers without options. Packets without TCP, and fragments, stay as they are.
constexpr bool clamp_mss_of_packet(std::span<std::uint8_t> octets, std::uint16_t link_mtu) noexcept {
    const packet p = parse_packet(octets);
    if (!p || p.protocol != tcp_protocol) return false;
    const std::size_t headers = ip_header_size(p.source) + tcp_header_size;
    const auto mss = static_cast<std::uint16_t>(std::max<std::size_t>(link_mtu, headers + 1) - headers);
    const auto before = static_cast<std::size_t>(p.payload.data() - octets.data());
    return clamp_mss(octets.subspan(before, p.payload.size()), mss);
}

}  // namespace tcpfsm
