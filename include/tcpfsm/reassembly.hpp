// SPDX-License-Identifier: MIT
// reassembly.hpp: which octets beyond a gap have arrived.
#pragma once

#include <tcpfsm/segment.hpp>
#include <tcpfsm/seq.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

// RFC 9293 SHLD-31: segments beyond a gap are kept. Only ranges are kept here; the octets are the
// caller's. The ranges lie in the order of their last change, newest first: that is the order in which
// RFC 2018 section 4 wants them reported. At most `Cap` ranges are remembered; text that would need one
// more is refused and not acknowledged, so the cap costs speed, never correctness, and no work here
// grows beyond `Cap` steps whatever the peer sends.

namespace tcpfsm {

/// Ranges of the sequence space that wait for a gap to close.
template <std::size_t Cap>
class reassembly {
public:
    [[nodiscard]] constexpr bool empty() const noexcept { return count_ == 0; }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return count_; }
    /// The `i`-th range, newest first; right for i < size().
    [[nodiscard]] constexpr const sack_block& operator[](std::size_t i) const noexcept { return ranges_[i]; }

    /// True iff `insert` would succeed.
    [[nodiscard]] constexpr bool takes(sack_block r) const noexcept {
        if (count_ < Cap) return true;
        for (std::size_t i = 0; i < count_; ++i) {
            if (touch(ranges_[i], r)) return true;
        }
        return false;
    }
    /// Adds a range that is not empty, merged with all that it touches, as the newest. Does nothing if
    /// there is no room for one more.
    constexpr void insert(sack_block r) noexcept {
        if (!takes(r)) return;
        std::size_t kept = 0;
        for (std::size_t i = 0; i < count_; ++i) {
            if (touch(ranges_[i], r)) {
                r = {earlier(r.left, ranges_[i].left), later(r.right, ranges_[i].right)};
            } else {
                ranges_[kept++] = ranges_[i];
            }
        }
        for (std::size_t i = kept; i > 0; --i) ranges_[i] = ranges_[i - 1];
        ranges_[0] = r;
        shrink(kept + 1);
    }
    /// The octets before `next` have arrived: forgets the ranges that this reaches, and returns the end
    /// of what is now without a gap.
    constexpr seq drain(seq next) noexcept {
        for (bool again = true; again;) {
            again = false;
            std::size_t kept = 0;
            for (std::size_t i = 0; i < count_; ++i) {
                if (ranges_[i].left <= next) {
                    again = again || next < ranges_[i].right;
                    next = later(next, ranges_[i].right);
                } else {
                    ranges_[kept++] = ranges_[i];
                }
            }
            shrink(kept);
        }
        return next;
    }
    /// True iff a range begins at `next` or before: `drain` would move.
    [[nodiscard]] constexpr bool waits_at(seq next) const noexcept {
        for (std::size_t i = 0; i < count_; ++i) {
            if (ranges_[i].left <= next) return true;
        }
        return false;
    }

    friend constexpr bool operator==(const reassembly&, const reassembly&) noexcept = default;

private:
    static constexpr bool touch(sack_block a, sack_block b) noexcept { return a.left <= b.right && b.left <= a.right; }
    // Unused places are zero, so that two reassemblies with equal ranges are equal.
    constexpr void shrink(std::size_t n) noexcept {
        for (std::size_t i = n; i < count_; ++i) ranges_[i] = {};
        count_ = static_cast<std::uint16_t>(n);
    }

    std::array<sack_block, Cap> ranges_{};
    std::uint16_t count_ = 0;
};

}  // namespace tcpfsm
