// SPDX-License-Identifier: MIT
// congestion/dctcp.hpp: the window falls by as much as was marked.
#pragma once

#include <tcpfsm/congestion/concept.hpp>
#include <tcpfsm/congestion/new_reno.hpp>
#include <tcpfsm/congestion/slow_start.hpp>
#include <tcpfsm/seq.hpp>

#include <algorithm>
#include <cstdint>

// RFC 8257, for data centres whose switches mark from a shallow threshold on: `alpha` is the share of the octets that
// were marked, averaged over the windows, and a window with marks falls by half of that share. Growth, losses and
// timeouts are Reno's. What a recovery acknowledges is not counted: the loss was answered.

namespace tcpfsm {

/// Reno, but for marks.
template <slow_start_policy SlowStart = standard_slow_start>
class basic_dctcp : public basic_new_reno<SlowStart> {
    using reno = basic_new_reno<SlowStart>;

public:
    constexpr void begin(const path& p, bool syn_was_lost) noexcept {
        *this = {};
        reno::begin(p, syn_was_lost);
        window_ends_ = p.una;
    }
    constexpr void acked(const path& p, std::uint32_t octets) noexcept {
        count(p, octets);
        reno::acked(p, octets);
    }
    /// 3.3, the ninth step: by alpha / 2.
    constexpr void marked(const path& p) noexcept {
        const std::uint64_t off = std::uint64_t{reno::window()} * alpha_ / (2 * one);
        reno::marked(p, reno::window() - static_cast<std::uint32_t>(off));
    }
    /// The share of marked octets, of `one`.
    [[nodiscard]] constexpr std::uint32_t alpha() const noexcept { return alpha_; }
    static constexpr std::uint32_t one = 1U << 20U;

    friend constexpr bool operator==(const basic_dctcp&, const basic_dctcp&) noexcept = default;

private:
    static constexpr std::uint32_t gain = 16;  // g = 1/16 (section 4.2)

    /// 3.3, the first to the eighth step.
    constexpr void count(const path& p, std::uint32_t octets) noexcept {
        acked_ += octets;
        marked_ += std::min(p.marked, octets);
        if (p.una <= window_ends_ || acked_ == 0) return;
        const auto share = static_cast<std::uint32_t>(marked_ * one / acked_);
        alpha_ = alpha_ - alpha_ / gain + share / gain;
        window_ends_ = p.nxt;
        acked_ = marked_ = 0;
    }

    std::uint64_t acked_ = 0;   // octets since the window began
    std::uint64_t marked_ = 0;  // of these
    std::uint32_t alpha_ = one;
    seq window_ends_{};
};

using dctcp = basic_dctcp<>;

static_assert(congestion_control<dctcp>);

}  // namespace tcpfsm
