// SPDX-License-Identifier: MIT
// ring.hpp: octets in a circle: where they lie, not the octets themselves.
#pragma once

#include <tcpfsm/checksum.hpp>

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
    [[nodiscard]] constexpr bool empty() const noexcept { return first.empty() && second.empty(); }
    /// All but the first `n` octets; none if there are no more.
    [[nodiscard]] constexpr pieces without(std::size_t n) const noexcept {
        if (n < first.size()) return {first.subspan(n), second};
        return {second.subspan(std::min(n - first.size(), second.size())), {}};
    }
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
/// The same out of a ring, into one, or both.
constexpr std::size_t copy_octets(pieces<std::uint8_t> to, pieces<const std::uint8_t> from) noexcept {
    if (from.second.empty() && from.first.size() <= to.first.size()) return copy_octets(to.first, from.first);
    std::size_t copied = 0;
    while (!to.empty() && !from.empty()) {  // at most three times
        const std::size_t n = copy_octets(to.first, from.first);
        copied += n;
        to = to.without(n);
        from = from.without(n);
    }
    return copied;
}
constexpr std::size_t copy_octets(pieces<std::uint8_t> to, std::span<const std::uint8_t> from) noexcept {
    return copy_octets(to, pieces<const std::uint8_t>{from, {}});
}
constexpr std::size_t copy_octets(std::span<std::uint8_t> to, pieces<const std::uint8_t> from) noexcept {
    return copy_octets(pieces<std::uint8_t>{to, {}}, from);
}

/// The sum of octets in a ring.
[[nodiscard]] constexpr partial_sum sum_of(pieces<const std::uint8_t> octets) noexcept {
    return partial_sum{octets.first}.append(octets.second);
}
/// Copies `from` to `to`, which must be as long and apart from it, and answers the sum.
constexpr partial_sum copy_and_sum(pieces<std::uint8_t> to, pieces<const std::uint8_t> from) noexcept {
    if (to.second.empty() && from.second.empty()) return copy_and_sum(to.first, from.first);
    partial_sum sum;
    while (!to.empty() && !from.empty()) {
        const std::size_t n = std::min(to.first.size(), from.first.size());
        sum.append(copy_and_sum(to.first.first(n), from.first.first(n)));
        to = to.without(n);
        from = from.without(n);
    }
    return sum;
}

}  // namespace tcpfsm
