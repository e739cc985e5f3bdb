// SPDX-License-Identifier: MIT
// congestion/new_reno.hpp: slow start, congestion avoidance and NewReno's window in recovery.
#pragma once

#include <tcpfsm/congestion/concept.hpp>

#include <algorithm>
#include <cstdint>

// RFC 5681 sections 3.1 and 3.2 with the byte counting it recommends, RFC 6582 section 3.2 for the window
// during fast recovery, RFC 6928 for the initial window. In octets, without division by anything that
// came from the peer.

namespace tcpfsm {

/// Reno's congestion window with NewReno's response to partial acknowledgments.
class new_reno {
public:
    [[nodiscard]] constexpr std::uint32_t window() const noexcept { return cwnd_; }
    [[nodiscard]] constexpr std::uint32_t threshold() const noexcept { return ssthresh_; }

    /// RFC 6928: ten segments, and one after the loss of a SYN.
    constexpr void begin(path p, bool syn_was_lost) noexcept {
        cwnd_ = syn_was_lost ? p.smss : initial_window(p.smss);
        ssthresh_ = highest;
        counted_ = 0;
    }
    /// RFC 5681 3.1. A window that was not half used is not tried, so it does not grow.
    constexpr void acked(path p, std::uint32_t octets) noexcept {
        if (p.flight < cwnd_ / 2) return;
        if (cwnd_ < ssthresh_) {
            grow(std::min(octets, p.smss));
            return;
        }
        counted_ += octets;
        if (counted_ < cwnd_) return;
        counted_ = std::min(counted_ - cwnd_, cwnd_);
        grow(p.smss);
    }
    /// RFC 5681 3.2 step 2 and 3: half of what was in flight, and the three segments that left.
    constexpr void lost(path p) noexcept {
        ssthresh_ = half(p);
        cwnd_ = ssthresh_ + 3 * p.smss;
        counted_ = 0;
    }
    /// RFC 5681 3.2 step 4: another segment has left the network.
    constexpr void duplicate(path p) noexcept { grow(p.smss); }
    /// RFC 6582 3.2 step 3, partial acknowledgment: deflate by what was acknowledged, less one segment.
    constexpr void partly_acked(path p, std::uint32_t octets) noexcept {
        cwnd_ = cwnd_ > octets ? cwnd_ - octets : 0;
        if (octets >= p.smss) grow(p.smss);
        cwnd_ = std::max(cwnd_, p.smss);
    }
    /// RFC 6582 3.2 step 3, full acknowledgment, the form that cannot burst.
    constexpr void recovered(path p) noexcept { cwnd_ = std::min(ssthresh_, std::max(p.flight, p.smss) + p.smss); }
    /// RFC 5681 equation 4 for the first timeout of a segment; one segment is sent again.
    constexpr void timed_out(path p, bool first) noexcept {
        if (first) ssthresh_ = half(p);
        cwnd_ = p.smss;
        counted_ = 0;
    }
    /// RFC 5681 4.1: back to the restart window.
    constexpr void was_idle(path p) noexcept { cwnd_ = std::min(cwnd_, initial_window(p.smss)); }

    /// RFC 6928 section 2.
    [[nodiscard]] static constexpr std::uint32_t initial_window(std::uint32_t smss) noexcept {
        return std::min(10 * smss, std::max(2 * smss, std::uint32_t{14600}));
    }

    friend constexpr bool operator==(const new_reno&, const new_reno&) noexcept = default;

private:
    static constexpr std::uint32_t highest = 1U << 30U;  // the largest window that can be offered (RFC 7323 2.3)
    static constexpr std::uint32_t half(path p) noexcept { return std::max(p.flight / 2, 2 * p.smss); }
    constexpr void grow(std::uint32_t octets) noexcept { cwnd_ = std::min(cwnd_ + octets, highest); }

    std::uint32_t cwnd_ = 0;
    std::uint32_t ssthresh_ = highest;
    std::uint32_t counted_ = 0;
};

static_assert(congestion_control<new_reno>);

}  // namespace tcpfsm
