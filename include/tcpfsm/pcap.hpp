// SPDX-License-Identifier: MIT
// pcap.hpp: capture files that Wireshark opens, without a library for them.
#pragma once

#include <tcpfsm/time.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

// The pcapng format (IETF draft-ietf-opsawg-pcapng). It keeps time in microseconds as we do, and a packet can
// carry a comment: the row of the table that answered it stands beside it on the screen. Packets begin with
// their IP header (LINKTYPE_RAW). Numbers are little-endian whatever the machine, so equal runs make equal files.

namespace tcpfsm {

/// Puts the pieces of a block behind each other, if they fit.
class block_writer {
public:
    constexpr explicit block_writer(std::span<std::uint8_t> out) noexcept : out_{out} {}

    constexpr block_writer& number(std::uint64_t value, std::size_t octets) noexcept {
        for (; octets != 0; --octets, value >>= 8) put(static_cast<std::uint8_t>(value & 0xff));
        return *this;
    }
    constexpr block_writer& text(std::string_view characters) noexcept {
        for (const char c : characters) put(static_cast<std::uint8_t>(c));
        return pad();
    }
    constexpr block_writer& octets(std::span<const std::uint8_t> octets) noexcept {
        for (const std::uint8_t octet : octets) put(octet);
        return pad();
    }
    /// How much was written, or 0 if it was too much.
    [[nodiscard]] constexpr std::size_t size() const noexcept { return fits_ ? size_ : 0; }

private:
    constexpr void put(std::uint8_t octet) noexcept {
        fits_ = fits_ && size_ < out_.size();
        if (fits_) out_[size_++] = octet;
    }
    constexpr block_writer& pad() noexcept {
        while (fits_ && size_ % 4 != 0) put(0);
        return *this;
    }
    std::span<std::uint8_t> out_;
    std::size_t size_ = 0;
    bool fits_ = true;
};

/// Octets of the beginning of a file.
inline constexpr std::size_t pcap_header_size = 28 + 20;

/// Writes the beginning of a file: a section with one interface. Answers its size, or 0 if it does not fit.
constexpr std::size_t write_pcap_header(std::span<std::uint8_t> out) noexcept {
    block_writer to{out};
    to.number(0x0a0d0d0a, 4).number(28, 4);              // section header block, its length
    to.number(0x1a2b3c4d, 4).number(1, 2).number(0, 2);  // byte order, version 1.0
    to.number(~std::uint64_t{0}, 8).number(28, 4);       // length of the section: not known
    constexpr std::uint16_t raw_ip = 101;                // LINKTYPE_RAW
    to.number(1, 4).number(20, 4);                       // interface description block, its length
    to.number(raw_ip, 2).number(0, 2);
    to.number(0, 4).number(20, 4);  // packets of any size
    return to.size();
}

/// Octets that `write_pcap_packet` will write.
[[nodiscard]] constexpr std::size_t pcap_packet_size(std::size_t packet_size, std::size_t comment_size = 0) noexcept {
    const auto padded = [](std::size_t size) { return (size + 3) / 4 * 4; };
    return 32 + padded(packet_size) +
           (comment_size == 0 ? 0 : 4 + padded(std::min<std::size_t>(comment_size, 0xffff)) + 4);
}

/// Writes one packet as it was at `when`, with an optional comment in UTF-8. Answers the size of the record, or
/// 0 if it does not fit. Files know no time before their epoch: an earlier one is written as the epoch itself.
constexpr std::size_t write_pcap_packet(std::span<std::uint8_t> out, std::span<const std::uint8_t> packet,
                                        time_point when, std::string_view comment = {}) noexcept {
    comment = comment.substr(0, 0xffff);
    const std::size_t size = pcap_packet_size(packet.size(), comment.size());
    if (out.size() < size) return 0;
    const auto time = static_cast<std::uint64_t>(std::max<std::int64_t>(when.time_since_epoch().count(), 0));
    block_writer to{out};
    to.number(6, 4).number(size, 4).number(0, 4);  // enhanced packet block, its length, of interface 0
    to.number(time >> 32, 4).number(time, 4);
    to.number(packet.size(), 4).number(packet.size(), 4).octets(packet);
    if (!comment.empty()) to.number(1, 2).number(comment.size(), 2).text(comment).number(0, 4);
    to.number(size, 4);
    return to.size();
}

}  // namespace tcpfsm
