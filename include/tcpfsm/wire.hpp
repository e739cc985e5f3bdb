// SPDX-License-Identifier: MIT
// wire.hpp: segments to octets and back.
#pragma once

#include <tcpfsm/address.hpp>
#include <tcpfsm/checksum.hpp>
#include <tcpfsm/octets.hpp>
#include <tcpfsm/option_codec.hpp>
#include <tcpfsm/segment.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

// RFC 9293 section 3.1, the header. Octets come from anyone: the reader looks at nothing outside its span,
// believes no length in it, and says in one word what is wrong. Whether numbers make sense for a connection
// is not asked here.

namespace tcpfsm {

/// Octets of the header without options.
inline constexpr std::size_t tcp_header_size = 20;
/// The number of TCP in the protocol field of IPv4 and the next-header field of IPv6.
inline constexpr std::uint8_t tcp_protocol = 6;

/// Why octets are not a segment.
enum class wire_error : std::uint8_t {
    none,
    too_short,          ///< not even a fixed header
    bad_offset,         ///< data offset less than 5, or past the end
    bad_checksum,       ///< the sum does not verify
    bad_option_length,  ///< an option of impossible length
};

/// The reason in a sentence.
[[nodiscard]] constexpr std::string_view describe(wire_error error) noexcept {
    switch (error) {
    case wire_error::none: return "sound";
    case wire_error::too_short: return "dropped: shorter than the fixed header, RFC 9293 3.1";
    case wire_error::bad_offset: return "dropped: data offset inside the fixed header or past the end, RFC 9293 3.1";
    case wire_error::bad_checksum: return "dropped: the checksum does not verify, RFC 9293 3.1 MUST-3";
    case wire_error::bad_option_length: return "dropped: illegal option length, RFC 9293 3.1 MUST-7";
    }
    return "";
}

/// Who looks at the checksum of what arrives.
enum class checksum_mode : std::uint8_t {
    verify,  ///< the reader, as RFC 9293 MUST-3 demands
    trust,   ///< someone else has done so: the network card
    defer,   ///< a copy of the text that sums: `parsed::rest`, with the sum of the text behind it, must verify
};
/// Who makes the checksum of what leaves.
enum class checksum_by : std::uint8_t {
    writer,  ///< it is there
    device,  ///< the field holds the sum of the pseudo-header, and the device adds what follows
    none,    ///< the field is zero: nobody looks, as on a link inside one machine
};

/// What stood in the octets. With an error, the fields that were read before it was found.
struct parsed {
    tcpfsm::segment segment{};
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    partial_sum rest{};                    ///< with `checksum_mode::defer`: the sum of everything but the text
    std::span<const std::uint8_t> text{};  ///< the text, in the octets that were given
    wire_error error = wire_error::none;

    /// True iff the octets are a segment.
    [[nodiscard]] constexpr explicit operator bool() const noexcept { return error == wire_error::none; }
};

/// Reads a segment into `got`, which is empty; `behind` octets of text follow elsewhere.
constexpr wire_error read_tcp(parsed& got, std::span<const std::uint8_t> octets, std::size_t behind,
                              const ip_address& source, const ip_address& destination, checksum_mode mode) noexcept {
    if (octets.size() < tcp_header_size) return wire_error::too_short;
    const std::uint8_t* at = octets.data();
    const std::size_t header_size = std::size_t{at[12]} / 16 * 4;
    if (header_size < tcp_header_size || header_size > octets.size()) return wire_error::bad_offset;
    const auto text = octets.subspan(header_size);
    if (mode != checksum_mode::trust) {
        std::uint64_t total = pseudo_header_total(source, destination, tcp_protocol, octets.size() + behind);
        total += header_total(octets.first(header_size));
        partial_sum sum = partial_sum::of_total(total);
        if (mode == checksum_mode::defer) {
            got.rest = sum;
        } else if (!sum.append(text).verifies()) {
            return wire_error::bad_checksum;
        }
    }

    got.source_port = load16(at);
    got.destination_port = load16(at + 2);
    got.segment.seq = seq{load32(at + 4)};
    got.segment.ack = seq{load32(at + 8)};
    got.segment.ctl = control{static_cast<std::uint16_t>(load16(at + 12) & 0x1ff)};  // reserved bits are ignored
    got.segment.wnd = load16(at + 14);
    got.segment.up = load16(at + 18);
    got.text = text;
    got.segment.text = static_cast<std::uint32_t>(text.size() + behind);
    const bool sound = read_options(got.segment.options, octets.first(header_size).subspan(tcp_header_size));
    return sound ? wire_error::none : wire_error::bad_option_length;
}

/// Reads the octets of one segment, header and text, as they stand between two addresses. With `behind` octets of
/// text elsewhere, as devices lend them, these are the others; only `defer` and `trust` can be for such a one.
[[nodiscard]] constexpr parsed parse_tcp(std::span<const std::uint8_t> octets, const ip_address& source,
                                         const ip_address& destination, checksum_mode mode = checksum_mode::verify,
                                         std::size_t behind = 0) noexcept {
    parsed got;
    got.error = read_tcp(got, octets, behind, source, destination, mode);
    return got;
}

/// Octets of the header that `seg` will have, options included.
[[nodiscard]] constexpr std::size_t header_size(const segment& seg) noexcept {
    return tcp_header_size + options_size(seg);
}

/// Writes the header of `seg` from `between.local` to `between.remote`, with a checksum that covers the
/// `seg.text` octets of text whose sum is `text`; they are not touched. Answers the size of the header, or 0
/// if `out` is too small for it.
constexpr std::size_t write_tcp_header(std::span<std::uint8_t> out, const four_tuple& between, const segment& seg,
                                       partial_sum text = {}, checksum_by by = checksum_by::writer) noexcept {
    const std::size_t size = header_size(seg);
    if (out.size() < size) return 0;
    const auto ports = std::uint32_t{between.local.port} << 16 | between.remote.port;
    const auto bits = static_cast<std::uint32_t>(size / 4 << 12 | (seg.ctl.bits() & 0x1ffU));
    const std::uint32_t bits_and_window = bits << 16 | seg.wnd;
    std::uint8_t* to = store32(out.data(), ports);
    to = store32(to, seg.seq.value());
    to = store32(to, seg.ack.value());
    to = store32(to, bits_and_window);
    if (size != tcp_header_size) write_options(out.subspan(tcp_header_size), seg);

    std::uint32_t checksum = 0;
    if (by != checksum_by::none) {
        const auto& [from, towards] = between;
        std::uint64_t total = pseudo_header_total(from.address, towards.address, tcp_protocol, size + seg.text);
        if (by == checksum_by::device) {
            checksum = partial_sum::of_total(total).value();
        } else {
            // The numbers are at hand; what was just written in halves is slow to read in wholes.
            total += std::uint64_t{ports} + seg.seq.value() + seg.ack.value() + bits_and_window + seg.up;
            total += header_total(out.first(size).subspan(tcp_header_size));
            total += text.value();
            checksum = partial_sum::of_total(total).checksum();
        }
    }
    store32(to, checksum << 16 | seg.up);
    return size;
}

/// Writes `seg` with its text, which may lie in two pieces as ring buffers have it: header, options, and the
/// text with its sum taken on the way. Answers the size of all, or 0 if it does not fit into `out` or if the
/// pieces are not `seg.text` octets long.
constexpr std::size_t write_tcp(std::span<std::uint8_t> out, const four_tuple& between, const segment& seg,
                                std::span<const std::uint8_t> text = {}, std::span<const std::uint8_t> more = {},
                                checksum_by by = checksum_by::writer) noexcept {
    const std::size_t header = header_size(seg);
    if (text.size() + more.size() != seg.text || out.size() < header || out.size() - header < seg.text) return 0;
    const auto room = out.subspan(header);
    partial_sum sum;
    if (by == checksum_by::writer) {
        sum = copy_and_sum(room, text);
        if (!more.empty()) sum.append(copy_and_sum(room.subspan(text.size()), more));
    } else {
        std::copy(more.begin(), more.end(), std::copy(text.begin(), text.end(), room.begin()));
    }
    return write_tcp_header(out, between, seg, sum, by) + seg.text;
}

}  // namespace tcpfsm
