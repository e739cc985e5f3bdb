// SPDX-License-Identifier: MIT
// congestion/slow_start.hpp: how slow start grows the window, and when it ends by itself.
#pragma once

#include <tcpfsm/congestion/concept.hpp>
#include <tcpfsm/seq.hpp>
#include <tcpfsm/time.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>

// RFC 5681 section 3.1 and RFC 9406 (HyStart++). A slow start is a value that a congestion control holds: it says
// by how much the window may grow, and whether slow start is over before anything was lost.

namespace tcpfsm {

// clang-format off
/// A model of this concept can be the slow start of `basic_new_reno` and `basic_cubic`.
template <class S>
concept slow_start_policy = std::regular<S> && requires(S s, path p, std::uint32_t octets) {
    s.begin(p);                                                    ///< a connection begins
    { s.growth(p, octets) } noexcept -> std::same_as<std::uint32_t>;  ///< new octets were acknowledged in slow start
    { s.over() } noexcept -> std::same_as<bool>;                   ///< congestion avoidance is to begin
    s.stop();                                                      ///< a loss: the initial slow start is over
};
// clang-format on

/// RFC 5681: one segment for each acknowledgment, however much it acknowledges, until something is lost.
struct standard_slow_start {
    constexpr void begin(const path&) noexcept {}
    [[nodiscard]] constexpr std::uint32_t growth(const path& p, std::uint32_t octets) const noexcept {
        return std::min(octets, p.smss);
    }
    [[nodiscard]] constexpr bool over() const noexcept { return false; }
    constexpr void stop() noexcept {}
    friend constexpr bool operator==(const standard_slow_start&, const standard_slow_start&) noexcept = default;
};

/// RFC 9406: a round trip that grows is a queue that fills. The window then grows by a quarter for five rounds
/// (conservative slow start, CSS), and slow start is over unless the round trip has shrunk again. `SegmentsAtOnce` (L)
/// is how many segments one acknowledgment may add: eight, but all that it acknowledges if what is sent is paced.
template <std::uint32_t SegmentsAtOnce>
class basic_hystart_plus_plus {
public:
    constexpr void begin(const path& p) noexcept {
        *this = {};
        round_ends_ = p.nxt;
        active_ = true;
    }
    [[nodiscard]] constexpr std::uint32_t growth(const path& p, std::uint32_t octets) noexcept {
        if (!active_) return standard_slow_start{}.growth(p, octets);
        const std::uint32_t most = SegmentsAtOnce == 0 ? octets : std::min(octets, SegmentsAtOnce * p.smss);
        if (p.rtt > duration::zero()) {
            this_round_ = std::min(this_round_, p.rtt);
            if (samples_ < enough_samples) ++samples_;
        }
        judge_round();
        const std::uint32_t grown = conservative() ? most / divisor : most;
        if (round_ends_ <= p.una) end_round(p);
        return grown;
    }
    [[nodiscard]] constexpr bool over() const noexcept { return rounds_ >= css_rounds; }
    /// RFC 9406 4.3: the algorithm is for the initial slow start alone.
    constexpr void stop() noexcept { *this = {}; }
    /// True while the window grows slowly because the round trip has grown.
    [[nodiscard]] constexpr bool conservative() const noexcept { return baseline_ != forever; }

    friend constexpr bool operator==(const basic_hystart_plus_plus&, const basic_hystart_plus_plus&) noexcept = default;

private:
    static constexpr duration least_threshold = std::chrono::milliseconds{4};
    static constexpr duration largest_threshold = std::chrono::milliseconds{16};
    static constexpr int threshold_divisor = 8;
    static constexpr std::uint8_t enough_samples = 8;
    static constexpr std::uint32_t divisor = 4;
    static constexpr std::uint8_t css_rounds = 5;

    constexpr void judge_round() noexcept {
        if (samples_ < enough_samples) return;
        if (conservative()) {
            if (this_round_ < baseline_) {  // it was no queue
                baseline_ = forever;
                rounds_ = 0;
            }
        } else if (last_round_ != forever) {
            const duration grown = std::clamp(last_round_ / threshold_divisor, least_threshold, largest_threshold);
            if (this_round_ >= last_round_ + grown) baseline_ = this_round_;
        }
    }
    constexpr void end_round(const path& p) noexcept {
        if (conservative()) ++rounds_;
        last_round_ = this_round_;
        this_round_ = forever;
        samples_ = 0;
        round_ends_ = p.nxt;
    }

    duration last_round_ = forever;  // the smallest round trip of the last round
    duration this_round_ = forever;
    duration baseline_ = forever;  // CSS: the smallest round trip when it began
    seq round_ends_{};             // the round ends when this is acknowledged
    std::uint8_t samples_ = 0;
    std::uint8_t rounds_ = 0;  // of CSS that have ended
    bool active_ = false;
};

using hystart_plus_plus = basic_hystart_plus_plus<8>;
using paced_hystart_plus_plus = basic_hystart_plus_plus<0>;

static_assert(slow_start_policy<standard_slow_start> && slow_start_policy<hystart_plus_plus>);

}  // namespace tcpfsm
