// SPDX-License-Identifier: MIT
// offload.hpp: packets larger than the path takes, for devices that cut them, sum them, or put them together.
#pragma once

#include <tcpfsm/ip.hpp>
#include <tcpfsm/option_codec.hpp>
#include <tcpfsm/segment.hpp>
#include <tcpfsm/wire.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

// A segment may carry more text than one packet of the path (`connection::poll_transmit` with a limit): it is written
// once, and the device makes packets of it (segmentation offload). The other way round a device puts segments together
// that follow each other, and they arrive as one. What passes between device and program beside the packet are the ten
// octets of virtio's network header (virtio 1.2, section 5.1.6), which TUN devices speak, too (IFF_VNET_HDR).

namespace tcpfsm {

/// What a device has to do with a packet, or has done.
struct offload {
    bool sum = false;           ///< the checksum is to be completed; of what arrives: nobody need look at it
    bool cut = false;           ///< the text is to be cut, or was put together
    bool cwr = false;           ///< with `cut`: CWR is set, and belongs to the first packet alone (RFC 3168 6.1.2)
    bool ipv6 = false;          ///< with `cut`
    std::uint16_t headers = 0;  ///< with `cut`: octets of IP and TCP headers
    std::uint16_t text = 0;     ///< with `cut`: octets of text in each packet, but the last
    std::uint16_t tcp_at = 0;   ///< with `sum`: where the TCP header begins

    /// Who looks at the checksum of a packet that arrived with this.
    [[nodiscard]] constexpr checksum_mode mode() const noexcept {
        return sum ? checksum_mode::trust : checksum_mode::verify;
    }
    friend constexpr bool operator==(const offload&, const offload&) noexcept = default;
};

inline constexpr std::size_t virtio_header_size = 10;

/// What the device must do with `seg`, written with `checksum_by::device`, if a packet may carry `most` octets of text.
[[nodiscard]] constexpr offload offload_of(const four_tuple& between, const segment& seg, std::uint16_t most) noexcept {
    const std::size_t ip = ip_header_size(between.local.address);
    offload out{.sum = true, .tcp_at = static_cast<std::uint16_t>(ip)};
    if (seg.text <= most) return out;
    out.cut = true;
    out.cwr = seg.has(ctl::cwr);
    out.ipv6 = between.local.address.is_v6();
    out.headers = static_cast<std::uint16_t>(ip + header_size(seg));
    out.text = most;
    return out;
}

/// The header that goes to the device before the packet: numbers in the order of this machine.
[[nodiscard]] constexpr std::array<std::uint8_t, virtio_header_size> write_virtio_header(const offload& what) noexcept {
    std::array<std::uint8_t, virtio_header_size> out{};
    const auto put = [&out](std::size_t at, std::uint16_t number) {
        const auto octets = std::bit_cast<std::array<std::uint8_t, 2>>(number);
        out[at] = octets[0];
        out[at + 1] = octets[1];
    };
    if (what.cut) {
        out[1] = static_cast<std::uint8_t>((what.ipv6 ? 4 : 1) | (what.cwr ? 0x80 : 0));
        put(2, what.headers);
        put(4, what.text);
    }
    if (what.sum) {
        out[0] = 1;
        put(6, what.tcp_at);
        put(8, 16);  // where the checksum is, in the TCP header
    }
    return out;
}

/// Reads the header that the device has put before a packet. Nothing if there are not ten octets, or if the packet was
/// put together of something else than segments of TCP.
[[nodiscard]] constexpr std::optional<offload> read_virtio_header(std::span<const std::uint8_t> octets) noexcept {
    if (octets.size() < virtio_header_size) return std::nullopt;
    const auto get = [octets](std::size_t at) {
        return std::bit_cast<std::uint16_t>(std::array<std::uint8_t, 2>{octets[at], octets[at + 1]});
    };
    const unsigned kind = octets[1] & 0x7fU;
    if (kind != 0 && kind != 1 && kind != 4) return std::nullopt;
    offload got{.sum = (octets[0] & 3U) != 0};  // it is to be completed on the way that it never took, or was verified
    if ((octets[0] & 1U) != 0) got.tcp_at = get(6);
    if (kind == 0) return got;
    got.cut = true;
    got.cwr = (octets[1] & 0x80U) != 0;
    got.ipv6 = kind == 4;
    got.headers = get(2);
    got.text = get(4);
    return got;
}

}  // namespace tcpfsm
