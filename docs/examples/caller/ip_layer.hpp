// SPDX-License-Identifier: MIT
// ip_layer.hpp: what a caller's IP does that the library's does not: IPv4 options, and source routes above all.
#pragma once

#include <tcpfsm/ip.hpp>
#include <tcpfsm/tcpfsm.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace caller {

using octets = std::vector<std::uint8_t>;

/// The routers that a packet passes, in their order.
using route = std::vector<tcpfsm::ip_address>;

/// What the user wants of the packets of one connection (RFC 9293 3.9.1.9, 3.9.2).
struct wishes {
    std::uint8_t dscp = 0;
    std::uint8_t ttl = 64;
    route by{};  ///< loose source route; empty: none
};

inline constexpr std::uint8_t loose_source_route = 131;
inline constexpr std::uint8_t strict_source_route = 137;

/// A packet that arrived, with the route that it came, if it came by one and has reached the end of it.
struct received {
    tcpfsm::packet ip{};
    std::optional<route> came_by{};
};

inline tcpfsm::ip_address address_at(std::span<const std::uint8_t> packet, std::size_t at) {
    return tcpfsm::ip_address{packet.subspan(at).first<4>()};
}

/// Where the source route option of a packet lies, 0 if there is none. All other options are stepped over,
/// known or not (MUST-50); `parse_packet` has found the header sound.
inline std::size_t find_route(std::span<const std::uint8_t> packet) {
    const std::size_t end = std::size_t{packet[0] & 0xfU} * 4;
    for (std::size_t at = tcpfsm::ipv4_header_size; at < end && packet[at] != 0;) {
        if (packet[at] == 1) {
            ++at;
            continue;
        }
        if (end - at < 2 || packet[at + 1] < 2 || packet[at + 1] > end - at) return 0;
        const bool routed = packet[at] == loose_source_route || packet[at] == strict_source_route;
        if (routed && packet[at + 1] >= 7 && packet[at + 1] % 4 == 3) return at;
        at += packet[at + 1];
    }
    return 0;
}

inline std::optional<received> read_packet(std::span<const std::uint8_t> packet) {
    received got{.ip = tcpfsm::parse_packet(packet)};
    if (!got.ip) return std::nullopt;
    if (packet[0] >> 4 == 4) {
        const std::size_t at = find_route(packet);
        const bool complete = at != 0 && packet[at + 2] > packet[at + 1];  // the pointer has passed the end
        if (complete) {
            got.came_by.emplace();
            for (std::size_t i = 3; i < packet[at + 1]; i += 4) got.came_by->push_back(address_at(packet, at + i));
        }
    }
    return got;
}

/// A segment as an IPv4 packet. With a source route the packet goes to the first router, and the option tells the
/// others and where it ends; the checksum of TCP is that of the ends.
inline octets write_packet(const tcpfsm::four_tuple& between, const tcpfsm::segment& seg,
                           std::span<const std::uint8_t> text, const wishes& want) {
    octets out(tcpfsm::ipv4_header_size + 60 + 60 + text.size());
    std::size_t header = tcpfsm::ipv4_header_size;
    tcpfsm::ip_address next = between.remote.address;
    if (!want.by.empty()) {
        next = want.by.front();
        route rest{want.by.begin() + 1, want.by.end()};
        rest.push_back(between.remote.address);
        const std::size_t size = 3 + 4 * rest.size();
        out[header] = loose_source_route;
        out[header + 1] = static_cast<std::uint8_t>(size);
        out[header + 2] = 4;
        for (std::size_t i = 0; i < rest.size(); ++i) {
            std::copy_n(rest[i].octets().begin(), 4, &out[header + 3 + 4 * i]);
        }
        header += size + 1;  // the end of the list makes it a multiple of four
    }
    const std::size_t tcp = tcpfsm::write_tcp(std::span{out}.subspan(header), between, seg, text);
    const auto dscp_ecn = static_cast<std::uint8_t>(unsigned{want.dscp} << 2U | static_cast<unsigned>(seg.ecn));
    const tcpfsm::ip_fields fields{dscp_ecn, want.ttl, 0};
    tcpfsm::write_ip_header(out, between.local.address, next, tcpfsm::tcp_protocol, header - 20 + tcp, fields);
    out[0] = static_cast<std::uint8_t>(0x40 | header / 4);
    tcpfsm::store16(&out[10], 0);
    tcpfsm::store16(&out[10], tcpfsm::partial_sum{std::span{out}.first(header)}.checksum());
    out.resize(header + tcp);
    return out;
}

}  // namespace caller
