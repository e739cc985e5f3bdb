// SPDX-License-Identifier: MIT
// octets.hpp: numbers in network order, whatever the machine's own.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

// The same on every machine, at any alignment and in the compiler; at run time each of these is one load or store and a
// byte swap. Stores say so in so many words: of single octets that are stored side by side compilers make what they
// like, and a number that was stored in parts is slow to load as a whole. The caller has checked that the octets are
// there.

namespace tcpfsm {

/// The 16-bit number whose first octet is at `from`.
[[nodiscard]] constexpr std::uint16_t load16(const std::uint8_t* from) noexcept {
    return static_cast<std::uint16_t>(unsigned{from[0]} << 8 | unsigned{from[1]});
}

/// The 32-bit number whose first octet is at `from`.
[[nodiscard]] constexpr std::uint32_t load32(const std::uint8_t* from) noexcept {
    return std::uint32_t{from[0]} << 24 | std::uint32_t{from[1]} << 16 | std::uint32_t{from[2]} << 8 | from[3];
}

/// The number whose octets, as this machine has them, are those of `value` in network order.
[[nodiscard]] constexpr std::uint32_t network_order(std::uint32_t value) noexcept {
    if (std::endian::native == std::endian::big) return value;
    return value << 24 | (value & 0xff00) << 8 | (value >> 8 & 0xff00) | value >> 24;
}

/// Writes two octets; answers the place behind them.
constexpr std::uint8_t* store16(std::uint8_t* to, std::uint16_t value) noexcept {
    if (std::is_constant_evaluated()) {
        to[0] = static_cast<std::uint8_t>(value >> 8);
        to[1] = static_cast<std::uint8_t>(value & 0xff);
    } else {
        const auto in_order = static_cast<std::uint16_t>(
            std::endian::native == std::endian::big ? value : (value << 8 | value >> 8) & 0xffff);
        std::memcpy(to, &in_order, 2);
    }
    return to + 2;
}

/// Writes four octets; answers the place behind them.
constexpr std::uint8_t* store32(std::uint8_t* to, std::uint32_t value) noexcept {
    if (std::is_constant_evaluated()) {
        store16(store16(to, static_cast<std::uint16_t>(value >> 16)), static_cast<std::uint16_t>(value & 0xffff));
    } else {
        const std::uint32_t in_order = network_order(value);
        std::memcpy(to, &in_order, 4);
    }
    return to + 4;
}

}  // namespace tcpfsm
