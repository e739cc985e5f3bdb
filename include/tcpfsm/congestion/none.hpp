// SPDX-License-Identifier: MIT
// congestion/none.hpp: no congestion control.
#pragma once

#include <tcpfsm/congestion/concept.hpp>

#include <cstdint>

// For links of a laboratory, where nobody else sends and nothing queues: the peer's window alone says how much is in
// flight. RFC 9293 section 3.8.2 forbids it on the Internet.

namespace tcpfsm {

/// A window as large as a window can be, whatever happens.
struct no_congestion_control {
    [[nodiscard]] constexpr std::uint32_t window() const noexcept { return widest_window; }
    [[nodiscard]] constexpr std::uint32_t threshold() const noexcept { return widest_window; }
    constexpr void begin(const path&, bool) noexcept {}
    constexpr void acked(const path&, std::uint32_t) noexcept {}
    constexpr void lost(const path&) noexcept {}
    constexpr void marked(const path&) noexcept {}
    constexpr void duplicate(const path&) noexcept {}
    constexpr void partly_acked(const path&, std::uint32_t) noexcept {}
    constexpr void recovered(const path&) noexcept {}
    constexpr void timed_out(const path&, bool) noexcept {}
    constexpr void was_idle(const path&) noexcept {}
    constexpr void restore(const no_congestion_control&, const path&) noexcept {}
    friend constexpr bool operator==(const no_congestion_control&, const no_congestion_control&) noexcept = default;
};

static_assert(congestion_control<no_congestion_control>);

}  // namespace tcpfsm
