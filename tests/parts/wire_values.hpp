// SPDX-License-Identifier: MIT
// wire_values.hpp: octets as one writes them in a table of vectors, and segments made at random.
#pragma once

#include <support/catch.hpp>

#include <tcpfsm/address.hpp>
#include <tcpfsm/octets.hpp>
#include <tcpfsm/option_codec.hpp>
#include <tcpfsm/segment.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

using octet_vector = std::vector<std::uint8_t>;

/// A few octets that the compiler can hold.
struct some_octets {
    std::array<std::uint8_t, 128> octets{};
    std::size_t size = 0;
    constexpr operator std::span<const std::uint8_t>() const { return std::span{octets}.first(size); }
    constexpr std::span<const std::uint8_t> span() const { return *this; }
};

/// `"02 04 05 b4"_hex`; blanks do not matter.
constexpr some_octets operator""_hex(const char* text, std::size_t size) {
    some_octets out;
    std::size_t digits = 0;
    for (const char c : std::string_view{text, size}) {
        if (c == ' ') continue;
        const int value = c <= '9' ? c - '0' : c - 'a' + 10;
        std::uint8_t& octet = out.octets[digits++ / 2];
        octet = static_cast<std::uint8_t>(octet << 4 | value);
    }
    out.size = digits / 2;
    return out;
}

/// A copy on the heap that ends where the octets end, so that a sanitizer sees a look beyond.
inline octet_vector exactly(std::span<const std::uint8_t> octets) {
    octet_vector copy(octets.begin(), octets.end());
    copy.shrink_to_fit();
    return copy;
}

inline octet_vector joined(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
    octet_vector out(a.begin(), a.end());
    out.insert(out.end(), b.begin(), b.end());
    return out;
}

inline bool same(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

inline rc::Gen<octet_vector> any_octets(std::size_t most) {
    return rc::gen::mapcat(rc::gen::inRange<std::size_t>(0, most + 1), [](std::size_t size) {
        return rc::gen::container<octet_vector>(size, rc::gen::arbitrary<std::uint8_t>());
    });
}

inline tcpfsm::ip_address any_address(bool v4) {
    const auto octets = *rc::gen::container<std::array<std::uint8_t, 16>>(rc::gen::arbitrary<std::uint8_t>());
    return v4 ? tcpfsm::ip_address{std::span{octets}.first<4>()} : tcpfsm::ip_address{octets};
}

/// Two ends of one family.
inline tcpfsm::four_tuple any_tuple() {
    const bool v4 = *rc::gen::arbitrary<bool>();
    const auto port = rc::gen::arbitrary<std::uint16_t>();
    return {{any_address(v4), *port}, {any_address(v4), *port}};
}

/// A segment with `text` octets of text and any options: more than a header can hold, and of the wrong kind.
inline tcpfsm::segment any_segment(std::size_t text) {
    const auto flag = rc::gen::arbitrary<bool>();
    const auto number = rc::gen::arbitrary<std::uint32_t>();
    const auto half = rc::gen::arbitrary<std::uint16_t>();
    tcpfsm::segment seg;
    seg.seq = tcpfsm::seq{*number};
    seg.ack = tcpfsm::seq{*number};
    seg.text = static_cast<std::uint32_t>(text);
    seg.ctl = tcpfsm::control{*rc::gen::inRange<std::uint16_t>(0, 0x200)};
    seg.wnd = *half;
    seg.up = *half;
    seg.options.has_mss = *flag;
    seg.options.mss = *half;
    seg.options.has_window_scale = *flag;
    seg.options.window_scale = *rc::gen::arbitrary<std::uint8_t>();
    seg.options.sack_permitted = *flag;
    seg.options.has_timestamps = *flag;
    seg.options.ts_val = *number;
    seg.options.ts_ecr = *number;
    seg.options.sack_count = *rc::gen::inRange<std::uint8_t>(0, 5);
    for (auto& block : seg.options.sack) block = {tcpfsm::seq{*number}, tcpfsm::seq{*number}};
    seg.options.accecn.there = *flag ? 1U : 0U;
    seg.options.accecn.order = *flag ? 1U : 0U;
    seg.options.accecn.fields = *rc::gen::inRange<std::uint8_t>(0, 4);
    seg.options.accecn.e0b = *number & 0xffffffU;
    seg.options.accecn.ceb = *number & 0xffffffU;
    seg.options.accecn.e1b = *number & 0xffffffU;
    return seg;
}

/// `seg` as it will be seen at the other end.
inline tcpfsm::segment as_sent(tcpfsm::segment seg) {
    seg.options = tcpfsm::sent_options(seg);
    return seg;
}
