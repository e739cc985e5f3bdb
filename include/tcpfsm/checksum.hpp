// SPDX-License-Identifier: MIT
// checksum.hpp: the internet checksum, in pieces.
#pragma once

#include <tcpfsm/address.hpp>
#include <tcpfsm/octets.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

// RFC 1071 (computing it), RFC 1624 (mending it), RFC 9293 section 3.1 (the pseudo-header; MUST-2, MUST-3).
// A sum of a part knows whether the part had an odd number of octets, so parts cut anywhere can be put
// together: the text of a segment is summed while it is copied, or long before, and never looked at again.

namespace tcpfsm {

/// The one's complement sum of some octets, which others may follow. Equal sums of equally long (or
/// differently cut) octets compare equal.
class partial_sum {
public:
    /// The sum of no octets.
    constexpr partial_sum() noexcept = default;
    /// The sum of `octets`.
    constexpr explicit partial_sum(std::span<const std::uint8_t> octets) noexcept;
    /// The sum of two octets, a 16-bit number in network order.
    [[nodiscard]] static constexpr partial_sum of(std::uint16_t number) noexcept { return {number, false}; }
    /// The sum of numbers of 32 bits in network order, as many as one likes, that were added up without a carry lost.
    [[nodiscard]] static constexpr partial_sum of_total(std::uint64_t total) noexcept { return {fold(total), false}; }

    /// The octets of `next` follow those summed so far.
    constexpr partial_sum& append(partial_sum next) noexcept {
        // RFC 1071 section 2 (B): after an odd octet every octet of `next` is in the other half of its word.
        const unsigned sum = sum_ + (odd_ ? unsigned{swapped(next.sum_)} : unsigned{next.sum_});
        sum_ = static_cast<std::uint16_t>((sum & 0xffff) + (sum >> 16));
        odd_ = odd_ != next.odd_;
        return *this;
    }
    constexpr partial_sum& append(std::span<const std::uint8_t> octets) noexcept { return append(partial_sum{octets}); }

    /// The sum in 16 bits; an odd octet at the end counts as if a zero followed it (RFC 9293 section 3.1).
    [[nodiscard]] constexpr std::uint16_t value() const noexcept { return sum_; }
    /// What goes into the checksum field: "the 16-bit ones' complement of the ones' complement sum".
    [[nodiscard]] constexpr std::uint16_t checksum() const noexcept {
        return static_cast<std::uint16_t>(~sum_ & 0xffff);
    }
    /// True iff octets that contain their own checksum are sound.
    [[nodiscard]] constexpr bool verifies() const noexcept { return sum_ == 0xffff; }

    friend constexpr bool operator==(partial_sum, partial_sum) noexcept = default;

private:
    constexpr partial_sum(std::uint16_t sum, bool odd) noexcept : sum_{sum}, odd_{odd} {}

    static constexpr std::uint16_t swapped(std::uint16_t word) noexcept {
        return static_cast<std::uint16_t>((word << 8 | word >> 8) & 0xffff);
    }
    /// Adds the carries back in, until none is left. Only a sum of nothing but zeros becomes zero.
    static constexpr std::uint16_t fold(std::uint64_t sum) noexcept {
        sum = (sum & 0xffffffff) + (sum >> 32);
        sum = (sum & 0xffffffff) + (sum >> 32);
        sum = (sum & 0xffff) + (sum >> 16);
        return static_cast<std::uint16_t>((sum & 0xffff) + (sum >> 16));
    }
    /// One's complement sum of 64-bit words: the carry comes back in at the other end.
    static constexpr std::uint64_t sum_of(std::uint64_t a, std::uint64_t b) noexcept {
        return a + b + (a + b < b ? 1 : 0);
    }
    static partial_sum run(const std::uint8_t* from, std::size_t size) noexcept;

    std::uint16_t sum_ = 0;
    bool odd_ = false;
};

/// The sum in the machine's own order, put right at the end: "the sum of 16-bit integers can be computed in either byte
/// order" (RFC 1071 section 2 (B)). Blocks go by words of 32 bits, added up in 64, where no carry can be lost: the
/// compiler knows how many there are, and takes them in vectors, even at -O2. What remains goes by words of 64 bits.
inline partial_sum partial_sum::run(const std::uint8_t* from, std::size_t size) noexcept {
    constexpr std::size_t block = 128;
    const auto word = []<class Word>(Word octets, const std::uint8_t* at) {
        std::memcpy(&octets, at, sizeof octets);
        return std::uint64_t{octets};
    };
    std::uint64_t a = 0;
    std::uint64_t b = 0;  // two sums that do not wait for each other
    std::size_t at = 0;
    for (; size - at >= block; at += block) {
        const std::uint8_t* const octets = from + at;
        for (unsigned i = 0; i < block; i += 4) a += word(std::uint32_t{}, octets + i);
    }
    for (; size - at >= 16; at += 16) {
        a = sum_of(a, word(std::uint64_t{}, from + at));
        b = sum_of(b, word(std::uint64_t{}, from + at + 8));
    }
    const auto rest = [&]<class Word>(Word zero) {
        if (size - at < sizeof zero) return;
        a = sum_of(a, word(zero, from + at));
        at += sizeof zero;
    };
    rest(std::uint64_t{});
    rest(std::uint32_t{});
    rest(std::uint16_t{});
    if (at != size) b = sum_of(b, std::uint64_t{from[at]} << (std::endian::native == std::endian::little ? 0 : 8));
    const std::uint16_t folded = fold(sum_of(a, b));
    return {std::endian::native == std::endian::little ? swapped(folded) : folded, size % 2 != 0};
}

constexpr partial_sum::partial_sum(std::span<const std::uint8_t> octets) noexcept {
    if (!std::is_constant_evaluated()) {
        *this = run(octets.data(), octets.size());
        return;
    }
    std::uint64_t sum = 0;  // memcpy is not for the compiler's own use: there octet by octet
    for (std::size_t i = 0; i < octets.size(); ++i) sum += std::uint64_t{octets[i]} << (i % 2 == 0 ? 8 : 0);
    *this = {fold(sum), octets.size() % 2 != 0};
}

/// Copies `from` to the front of `to`, which must be as long and apart from it, and answers the sum. Each piece is
/// summed, and copied while the nearest cache still holds it, so memory is read once.
constexpr partial_sum copy_and_sum(std::span<std::uint8_t> to, std::span<const std::uint8_t> from) noexcept {
    constexpr std::size_t piece_size = 2048;
    partial_sum sum;
    for (; from.size() > piece_size; from = from.subspan(piece_size), to = to.subspan(piece_size)) {
        sum.append(partial_sum{from.first(piece_size)});
        std::copy_n(from.begin(), piece_size, to.begin());
    }
    sum.append(partial_sum{from});
    std::copy(from.begin(), from.end(), to.begin());
    return sum;
}

/// The numbers of the pseudo-header added up, for `partial_sum::of_total`: RFC 9293 section 3.1 for IPv4, RFC 8200
/// section 8.1 for IPv6. Their layouts differ, but the words in them are the same, and a sum does not care for the
/// order.
[[nodiscard]] constexpr std::uint64_t pseudo_header_total(const ip_address& source, const ip_address& destination,
                                                          std::uint8_t protocol, std::size_t length) noexcept {
    const std::uint8_t* const a = source.octets().data();
    const std::uint8_t* const b = destination.octets().data();
    std::uint64_t total = static_cast<std::uint32_t>(length);
    total += protocol;
    total += std::uint64_t{load32(a)} + load32(b);
    if (source.is_v4()) return total;
    for (std::size_t at = 4; at < 16; at += 4) total += std::uint64_t{load32(a + at)} + load32(b + at);
    return total;
}
/// Its sum.
[[nodiscard]] constexpr partial_sum pseudo_header_sum(const ip_address& source, const ip_address& destination,
                                                      std::uint8_t protocol, std::size_t length) noexcept {
    return partial_sum::of_total(pseudo_header_total(source, destination, protocol, length));
}
/// The words of a header added up, whose length is a multiple of four.
[[nodiscard]] constexpr std::uint64_t header_total(std::span<const std::uint8_t> header) noexcept {
    std::uint64_t total = 0;
    for (std::size_t at = 0; at + 4 <= header.size(); at += 4) total += load32(header.data() + at);
    return total;
}

/// The checksum after one 16-bit word under it changed from `before` to `now`, without looking at the others.
/// RFC 1624 equation 3: HC' = ~(~HC + ~m + m'); the older RFC 1141 gets zero wrong.
[[nodiscard]] constexpr std::uint16_t updated_checksum(std::uint16_t checksum, std::uint16_t before,
                                                       std::uint16_t now) noexcept {
    const auto inverse = [](std::uint16_t word) { return partial_sum::of(static_cast<std::uint16_t>(~word & 0xffff)); };
    return inverse(checksum).append(inverse(before)).append(partial_sum::of(now)).checksum();
}

static_assert(updated_checksum(0xdd2f, 0x5555, 0x3285) == 0);  // RFC 1624 section 4
static_assert(sizeof(partial_sum) == 4 && std::is_trivially_copyable_v<partial_sum>);

}  // namespace tcpfsm
