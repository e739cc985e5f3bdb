// SPDX-License-Identifier: MIT
// chain.hpp: a queue through the elements of somebody else's array.
#pragma once

#include <cstdint>
#include <span>

// Each element has a `link` for every chain that it may be part of, so being in a chain costs no memory
// beyond the array, and every operation takes a few steps whatever the length.

namespace tcpfsm {

/// No element.
inline constexpr std::uint32_t nobody = 0xffffffff;

/// The neighbours of an element in one chain.
struct link {
    std::uint32_t before = nobody;
    std::uint32_t behind = nobody;
    bool in = false;
};

/// First in, first out. `Link` is the member of the element that belongs to this chain.
template <auto Link>
class chain {
public:
    /// The element that has waited longest, or `nobody`.
    [[nodiscard]] constexpr std::uint32_t first() const noexcept { return first_; }
    [[nodiscard]] constexpr bool empty() const noexcept { return first_ == nobody; }

    /// Element `i` is in the chain.
    template <class Element>
    [[nodiscard]] constexpr bool has(std::span<Element> all, std::uint32_t i) const noexcept {
        return (all[i].*Link).in;
    }
    /// Puts element `i` at the end. Does nothing if it is in the chain.
    template <class Element>
    constexpr void push(std::span<Element> all, std::uint32_t i) noexcept {
        link& own = all[i].*Link;
        if (own.in) return;
        own = {last_, nobody, true};
        (last_ == nobody ? first_ : (all[last_].*Link).behind) = i;
        last_ = i;
    }
    /// Takes element `i` out, wherever it is. Does nothing if it is not in the chain.
    template <class Element>
    constexpr void remove(std::span<Element> all, std::uint32_t i) noexcept {
        link& own = all[i].*Link;
        if (!own.in) return;
        (own.before == nobody ? first_ : (all[own.before].*Link).behind) = own.behind;
        (own.behind == nobody ? last_ : (all[own.behind].*Link).before) = own.before;
        own = {};
    }

private:
    std::uint32_t first_ = nobody;
    std::uint32_t last_ = nobody;
};

}  // namespace tcpfsm
