// SPDX-License-Identifier: MIT
// congestion/new_reno.hpp: slow start, congestion avoidance and NewReno's window in recovery.
#pragma once

#include <tcpfsm/congestion/concept.hpp>
#include <tcpfsm/congestion/slow_start.hpp>

#include <algorithm>
#include <cstdint>

// RFC 5681 sections 3.1 and 3.2 with the byte counting it recommends, RFC 6582 section 3.2 for the window
// during fast recovery, RFC 6928 for the initial window. In octets, without division by anything that
// came from the peer.

namespace tcpfsm {

/// A share of something.
struct fraction {
    std::uint32_t above;
    std::uint32_t below;
    [[nodiscard]] constexpr std::uint32_t of(std::uint32_t octets) const noexcept {
        return static_cast<std::uint32_t>(std::uint64_t{octets} * above / below);
    }
};

/// A congestion window, and what all controls of Reno's family do with it: begin, recover, start anew.
class reno_window {
public:
    [[nodiscard]] constexpr std::uint32_t window() const noexcept { return cwnd_; }
    [[nodiscard]] constexpr std::uint32_t threshold() const noexcept { return ssthresh_; }

    /// RFC 4015 section 3: slow start leads back to where the window was, without a burst.
    constexpr void restore(const reno_window& before, const path& p) noexcept {
        const std::uint32_t flight = std::min(p.nxt - p.una, highest);
        const std::uint32_t acked = p.flight > flight ? p.flight - flight : 0;
        cwnd_ = std::clamp(flight + std::min(acked, initial_window(p.smss)), p.smss, highest);
        ssthresh_ = std::max(before.cwnd_, before.ssthresh_);
    }
    /// RFC 5681 3.2 step 4: another segment has left the network.
    constexpr void duplicate(const path& p) noexcept { grow(p.smss); }
    /// RFC 6582 3.2 step 3, partial acknowledgment: deflate by what was acknowledged, less one segment.
    constexpr void partly_acked(const path& p, std::uint32_t octets) noexcept {
        cwnd_ = cwnd_ > octets ? cwnd_ - octets : 0;
        if (octets >= p.smss) grow(p.smss);
        cwnd_ = std::max(cwnd_, p.smss);
    }
    /// RFC 6582 3.2 step 3, full acknowledgment, the form that cannot burst.
    constexpr void recovered(const path& p) noexcept {
        cwnd_ = std::min(ssthresh_, std::max(p.flight, p.smss) + p.smss);
    }
    /// RFC 5681 4.1: back to the restart window.
    constexpr void was_idle(const path& p) noexcept { cwnd_ = std::min(cwnd_, initial_window(p.smss)); }
    /// RFC 5681 3.1: segments are smaller than `before`, and no more of them may be in flight.
    constexpr void resegmented(const path& p, std::uint32_t before) noexcept {
        cwnd_ = scaled_window(cwnd_, p.smss, before);
    }

    /// RFC 6928 section 2.
    [[nodiscard]] static constexpr std::uint32_t initial_window(std::uint32_t smss) noexcept {
        return std::min(10 * smss, std::max(2 * smss, std::uint32_t{14600}));
    }

    friend constexpr bool operator==(const reno_window&, const reno_window&) noexcept = default;

protected:
    constexpr reno_window() noexcept = default;

    static constexpr std::uint32_t highest = widest_window;

    /// RFC 6928: ten segments, and one after the loss of a SYN.
    constexpr void begin(const path& p, bool syn_was_lost) noexcept {
        cwnd_ = syn_was_lost ? p.smss : initial_window(p.smss);
        ssthresh_ = highest;
    }
    /// RFC 5681 3.2 step 2 and 3, with what is to be left of the flight: and the three segments that left.
    constexpr void lost(const path& p, std::uint32_t left) noexcept {
        reduce(p, left);
        cwnd_ = std::min(ssthresh_ + 3 * p.smss, highest);
    }
    /// RFC 3168 6.1.2: a mark is answered as a loss is, but nothing is sent again, and one segment may be all.
    constexpr void marked(const path& p, std::uint32_t left) noexcept {
        reduce(p, left);
        cwnd_ = std::clamp(left, p.smss, highest);
    }
    /// RFC 5681 equation 4 for the first timeout of a segment; one segment is sent again.
    constexpr void timed_out(const path& p, bool first, std::uint32_t left) noexcept {
        if (first) reduce(p, left);
        cwnd_ = p.smss;
    }
    /// For those who derive and know better.
    constexpr void set(std::uint32_t cwnd, std::uint32_t ssthresh) noexcept {
        cwnd_ = cwnd;
        ssthresh_ = ssthresh;
    }
    constexpr void grow(std::uint32_t octets) noexcept { cwnd_ = std::min(cwnd_ + std::min(octets, highest), highest); }
    /// Slow start: up to the threshold, and not beyond.
    constexpr void climb(std::uint32_t octets) noexcept { cwnd_ += std::min(octets, ssthresh_ - cwnd_); }
    /// A window that was not tried does not grow, nor by an ACK that tells of marks (RFC 3168 6.1.2). Slow start may
    /// take it to twice what was in flight.
    [[nodiscard]] constexpr bool used(const path& p) const noexcept {
        if (p.marked != 0) return false;
        return p.limited || (in_slow_start() && p.flight >= cwnd_ / 2);
    }
    [[nodiscard]] constexpr bool in_slow_start() const noexcept { return cwnd_ < ssthresh_; }
    constexpr void end_slow_start() noexcept { ssthresh_ = cwnd_; }

private:
    constexpr void reduce(const path& p, std::uint32_t left) noexcept {
        ssthresh_ = std::clamp(left, 2 * p.smss, highest);
    }

    std::uint32_t cwnd_ = 0;
    std::uint32_t ssthresh_ = highest;
};

/// Reno's congestion window with NewReno's response to partial acknowledgments.
template <slow_start_policy SlowStart = standard_slow_start>
class basic_new_reno : public reno_window {
public:
    static constexpr fraction beta{1, 2};      ///< what a loss, or a mark, leaves of the flight
    static constexpr fraction beta_ecn{4, 5};  ///< what a mark leaves by RFC 8511

    constexpr void begin(const path& p, bool syn_was_lost) noexcept {
        reno_window::begin(p, syn_was_lost);
        slow_start_.begin(p);
        counted_ = 0;
    }
    /// RFC 5681 3.1.
    constexpr void acked(const path& p, std::uint32_t octets) noexcept {
        if (!used(p)) return;
        if (in_slow_start()) {
            climb(slow_start_.growth(p, octets));
            if (slow_start_.over()) end_slow_start();
            return;
        }
        counted_ += octets;
        if (counted_ < window()) return;
        counted_ = std::min(counted_ - window(), window());
        grow(p.smss);
    }
    /// RFC 5681 3.2 step 2 and 3: half of what was in flight, and the three segments that left. What was counted
    /// towards one segment more is kept: recovery takes the round trip in which nothing is counted.
    constexpr void lost(const path& p) noexcept {
        reno_window::lost(p, beta.of(p.flight));
        slow_start_.stop();
        counted_ = std::min(counted_, threshold());
    }
    constexpr void marked(const path& p) noexcept { marked(p, beta.of(p.flight)); }
    constexpr void timed_out(const path& p, bool first) noexcept {
        reno_window::timed_out(p, first, beta.of(p.flight));
        slow_start_.stop();
        counted_ = 0;
    }

    friend constexpr bool operator==(const basic_new_reno&, const basic_new_reno&) noexcept = default;

protected:
    constexpr void marked(const path& p, std::uint32_t left) noexcept {
        reno_window::marked(p, left);
        slow_start_.stop();
        counted_ = 0;
    }

private:
    std::uint32_t counted_ = 0;
    [[no_unique_address]] SlowStart slow_start_;
};

using new_reno = basic_new_reno<>;

static_assert(congestion_control<new_reno> && congestion_control<basic_new_reno<hystart_plus_plus>>);
static_assert(sizeof(new_reno) == 12);

}  // namespace tcpfsm
