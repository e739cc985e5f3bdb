// SPDX-License-Identifier: MIT
// octets.hpp: numbers in network order, whatever the machine's own.
#pragma once

#include <cstdint>

// Shifts instead of casts: the same on every machine, at any alignment and in the compiler; at run time
// each of these is one load or store and a byte swap. The caller has checked that the octets are there.

namespace tcpfsm {

/// The 16-bit number whose first octet is at `from`.
[[nodiscard]] constexpr std::uint16_t load16(const std::uint8_t* from) noexcept {
    return static_cast<std::uint16_t>(unsigned{from[0]} << 8 | unsigned{from[1]});
}

/// The 32-bit number whose first octet is at `from`.
[[nodiscard]] constexpr std::uint32_t load32(const std::uint8_t* from) noexcept {
    return std::uint32_t{from[0]} << 24 | std::uint32_t{from[1]} << 16 | std::uint32_t{from[2]} << 8 | from[3];
}

/// Writes two octets; answers the place behind them.
constexpr std::uint8_t* store16(std::uint8_t* to, std::uint16_t value) noexcept {
    to[0] = static_cast<std::uint8_t>(value >> 8);
    to[1] = static_cast<std::uint8_t>(value & 0xff);
    return to + 2;
}

/// Writes four octets; answers the place behind them.
constexpr std::uint8_t* store32(std::uint8_t* to, std::uint32_t value) noexcept {
    return store16(store16(to, static_cast<std::uint16_t>(value >> 16)), static_cast<std::uint16_t>(value & 0xffff));
}

}  // namespace tcpfsm
