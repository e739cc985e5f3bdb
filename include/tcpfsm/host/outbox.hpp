// SPDX-License-Identifier: MIT
// outbox.hpp: segments that no slot owes.
#pragma once

#include <tcpfsm/address.hpp>
#include <tcpfsm/host/listener.hpp>
#include <tcpfsm/segment.hpp>

#include <array>
#include <cstddef>

namespace tcpfsm {

/// A segment, and who sends it to whom.
struct lone_segment {
    four_tuple between{};
    segment seg{};
    ip_settings ip{};
};

/// At most `Most` of them, first in, first out.
template <std::size_t Most>
class outbox {
public:
    [[nodiscard]] constexpr bool empty() const noexcept { return count_ == 0; }
    [[nodiscard]] constexpr bool full() const noexcept { return count_ == Most; }
    [[nodiscard]] constexpr const lone_segment& front() const noexcept { return waiting_[first_]; }
    /// Adds one at the end; there must be room.
    constexpr void push(const lone_segment& s) noexcept { waiting_[(first_ + count_++) % Most] = s; }
    /// The same, but it takes the place of one of this connection that has not left.
    constexpr void push_or_replace(const lone_segment& s) noexcept {
        for (std::size_t i = 0; i < count_; ++i) {
            lone_segment& w = waiting_[(first_ + i) % Most];
            if (w.between == s.between) {
                w = s;
                return;
            }
        }
        push(s);
    }
    constexpr void pop() noexcept {
        first_ = (first_ + 1) % Most;
        --count_;
    }

private:
    std::array<lone_segment, Most> waiting_{};
    std::size_t first_ = 0;
    std::size_t count_ = 0;
};

}  // namespace tcpfsm
