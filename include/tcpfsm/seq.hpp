// SPDX-License-Identifier: MIT
// seq.hpp: a sequence number, and arithmetic modulo 2^32.
#pragma once

#include <cstdint>

// RFC 9293 section 3.4: "the actual sequence number space is finite ... all arithmetic dealing with
// sequence numbers must be performed modulo 2^32". Sequence numbers are ordered only near each other,
// so there is no <=>, no conversion to an integer and no comparison with one; `value()` is for the wire.

namespace tcpfsm {

/// A number of the 32-bit sequence space. `a < b` holds iff b lies less than 2^31 ahead of a; two
/// numbers exactly 2^31 apart are each before the other, as in the arithmetic of RFC 9293 section 3.4.
class seq {
public:
    constexpr seq() noexcept = default;
    constexpr explicit seq(std::uint32_t value) noexcept : value_{value} {}

    /// The 32 bits, for the wire and for printing.
    [[nodiscard]] constexpr std::uint32_t value() const noexcept { return value_; }

    friend constexpr bool operator==(seq, seq) noexcept = default;
    friend constexpr bool operator<(seq a, seq b) noexcept { return a.value_ - b.value_ > 0x7fffffffU; }
    friend constexpr bool operator>(seq a, seq b) noexcept { return b < a; }
    friend constexpr bool operator<=(seq a, seq b) noexcept { return a == b || a < b; }
    friend constexpr bool operator>=(seq a, seq b) noexcept { return b <= a; }

    /// The number `n` octets further on.
    friend constexpr seq operator+(seq a, std::uint32_t n) noexcept { return seq{a.value_ + n}; }
    /// The number `n` octets further back.
    friend constexpr seq operator-(seq a, std::uint32_t n) noexcept { return seq{a.value_ - n}; }
    /// How many octets lie from b up to a; right when b is not after a.
    friend constexpr std::uint32_t operator-(seq a, seq b) noexcept { return a.value_ - b.value_; }
    constexpr seq& operator+=(std::uint32_t n) noexcept { return *this = *this + n; }

    /// True iff this number is one of the `n` that begin at `first`.
    [[nodiscard]] constexpr bool in(seq first, std::uint32_t n) const noexcept { return *this - first < n; }

private:
    std::uint32_t value_ = 0;
};

/// The later of two numbers less than 2^31 apart.
[[nodiscard]] constexpr seq later(seq a, seq b) noexcept { return a < b ? b : a; }
/// The earlier of two numbers less than 2^31 apart.
[[nodiscard]] constexpr seq earlier(seq a, seq b) noexcept { return a < b ? a : b; }

static_assert(seq{0xffffffff} < seq{0} && !(seq{0} < seq{0xffffffff}));
static_assert(seq{5} - seq{0xfffffffe} == 7);
static_assert(sizeof(seq) == 4);

}  // namespace tcpfsm
