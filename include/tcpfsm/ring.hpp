// SPDX-License-Identifier: MIT
// ring.hpp: octets in a circle: where they lie, not the octets themselves.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

// A ring is two positions over memory that someone else holds and passes in with each call. So an owner of
// an array can be copied as a value, and an owner of a span can lend memory of any size. No power of two is
// needed; nothing here divides. Whatever the arguments, no octet outside the memory is touched.

namespace tcpfsm {

/// A stretch of a ring: one piece, or two where it runs over the end of the memory.
template <class Octet>
struct pieces {
    std::span<Octet> first{};
    std::span<Octet> second{};
    [[nodiscard]] constexpr std::size_t size() const noexcept { return first.size() + second.size(); }
};

/// The `n` octets that begin `at` octets after `front`; fewer if the memory is smaller.
template <class Octet>
[[nodiscard]] constexpr pieces<Octet> stretch(std::span<Octet> memory, std::size_t front, std::size_t at,
                                              std::size_t n) noexcept {
    if (front >= memory.size() || at >= memory.size()) return {};
    n = std::min(n, memory.size() - at);
    const std::size_t room_behind = memory.size() - front;
    const std::size_t from = at < room_behind ? front + at : at - room_behind;
    const std::size_t before_end = std::min(n, memory.size() - from);
    return {memory.subspan(from, before_end), memory.first(n - before_end)};
}

/// The front, moved on by `n` octets, at most once around.
[[nodiscard]] constexpr std::size_t moved_on(std::size_t front, std::size_t n, std::size_t memory) noexcept {
    const std::size_t room_behind = memory - front;
    return n < room_behind ? front + n : n - room_behind;
}

/// Copies `from` to the front of `to`; as much as both have.
constexpr std::size_t copy_octets(std::span<std::uint8_t> to, std::span<const std::uint8_t> from) noexcept {
    const std::size_t n = std::min(to.size(), from.size());
    std::copy_n(from.begin(), n, to.begin());
    return n;
}
/// The same into a ring.
constexpr std::size_t copy_octets(pieces<std::uint8_t> to, std::span<const std::uint8_t> from) noexcept {
    const std::size_t n = copy_octets(to.first, from);
    return n + copy_octets(to.second, from.subspan(n));
}
/// The same out of a ring.
constexpr std::size_t copy_octets(std::span<std::uint8_t> to, pieces<const std::uint8_t> from) noexcept {
    const std::size_t n = copy_octets(to, from.first);
    return n + copy_octets(to.subspan(n), from.second);
}

}  // namespace tcpfsm
