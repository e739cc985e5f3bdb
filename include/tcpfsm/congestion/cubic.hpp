// SPDX-License-Identifier: MIT
// congestion/cubic.hpp: a window that grows by the cube of the time since the last loss.
#pragma once

#include <tcpfsm/congestion/concept.hpp>
#include <tcpfsm/congestion/new_reno.hpp>
#include <tcpfsm/congestion/slow_start.hpp>
#include <tcpfsm/time.hpp>

#include <algorithm>
#include <cstdint>

// RFC 9438, in integers. Windows are octets; the cubic is computed in units of 1/1024 s, so that C = 0.4 segments per
// cubed second becomes 2 * SMSS * t^3 / (5 * 2^30) octets. Window and time are clamped where the products would leave
// 64 bits.

namespace tcpfsm {

/// The largest integer whose cube is not more than `x`.
[[nodiscard]] constexpr std::uint32_t cube_root(std::uint64_t x) noexcept {
    std::uint64_t root = 0;
    for (int shift = 63; shift >= 0; shift -= 3) {
        root <<= 1U;
        const std::uint64_t next = 3 * root * (root + 1) + 1;  // (root + 1)^3 - root^3
        if ((x >> static_cast<unsigned>(shift)) >= next) {
            x -= next << static_cast<unsigned>(shift);
            ++root;
        }
    }
    return static_cast<std::uint32_t>(root);
}
static_assert(cube_root(0) == 0 && cube_root(7) == 1 && cube_root(8) == 2 && cube_root(26) == 2 && cube_root(27) == 3);
static_assert(cube_root(~std::uint64_t{0}) == 2642245);

/// The cubic of RFC 9438 section 4.2.
struct cubic_curve {
    std::uint32_t origin = 0;  ///< W_max, octets: where the curve is flat
    std::int64_t k = 0;        ///< K, 1/1024 s: when it gets there

    /// The curve that is at `window` when it begins, and flat at `origin`.
    [[nodiscard]] static constexpr cubic_curve through(std::uint32_t window, std::uint32_t origin,
                                                       std::uint32_t smss) noexcept {
        if (window >= origin) return {window, 0};
        return {origin, cube_root(((std::uint64_t{origin - window} * 5) << 29U) / smss)};
    }
    /// Octets at this time after its begin; between 0 and 2^30.
    [[nodiscard]] constexpr std::uint32_t at(duration since, std::uint32_t smss) const noexcept {
        const std::int64_t ticks = std::clamp<std::int64_t>(since.count(), 0, std::int64_t{1} << 40) * 1024 / 1'000'000;
        const std::int64_t away = std::clamp<std::int64_t>(ticks - k, -longest, longest);
        const std::int64_t cube = away * away * away / 1024;  // 2^-20 s^3
        const std::int64_t octets = origin + cube * 2 * smss / 5 / (1 << 20);
        return static_cast<std::uint32_t>(std::clamp<std::int64_t>(octets, 0, highest_window));
    }

    static constexpr std::int64_t longest = 1 << 18;  // 256 s
    static constexpr std::int64_t highest_window = widest_window;
    friend constexpr bool operator==(const cubic_curve&, const cubic_curve&) noexcept = default;
};

/// CUBIC, with Reno's window in recovery.
template <slow_start_policy SlowStart = hystart_plus_plus>
class basic_cubic : public reno_window {
public:
    static constexpr fraction beta{7, 10};       ///< 4.6: what a loss, or a mark, leaves of the flight
    static constexpr fraction beta_ecn{17, 20};  ///< what a mark leaves by RFC 8511

    constexpr void begin(const path& p, bool syn_was_lost) noexcept {
        *this = {};
        reno_window::begin(p, syn_was_lost);
        slow_start_.begin(p);
    }
    /// RFC 9438 4.2 to 4.5.
    constexpr void acked(const path& p, std::uint32_t octets) noexcept {
        if (!used(p)) return leave_out(p.now);
        heard_ = p.now;
        if (in_slow_start()) {
            avoiding_ = false;
            climb(slow_start_.growth(p, octets));
            if (!slow_start_.over()) return;
            end_slow_start();
            prior_ = window();
            flat_ = true;
        }
        if (!avoiding_) begin_avoidance(p);
        avoid(p, octets);
    }
    /// 4.6 and 4.7.
    constexpr void lost(const path& p) noexcept {
        reduce();
        reno_window::lost(p, beta.of(p.flight));
    }
    constexpr void marked(const path& p) noexcept { marked(p, beta.of(p.flight)); }
    /// 4.8: afterwards the curve begins where slow start ends.
    constexpr void timed_out(const path& p, bool first) noexcept {
        if (first) reduce();
        reno_window::timed_out(p, first, beta.of(p.flight));
        flat_ = true;
        avoiding_ = false;
    }
    /// 4.9: all as it was, if the window is still below. After a timeout slow start leads there (RFC 4015 section 3).
    constexpr void restore(const basic_cubic& before, const path& p) noexcept {
        if (window() >= before.window()) return;
        const bool after_timeout = in_slow_start();
        *this = before;
        if (after_timeout) reno_window::restore(before, p);
    }
    /// The curve is one of segments: it begins anew where the window is, and leads to as many as before.
    constexpr void resegmented(const path& p, std::uint32_t before) noexcept {
        reno_window::resegmented(p, before);
        curve_.origin = scaled_window(curve_.origin, p.smss, before);
        prior_ = scaled_window(prior_, p.smss, before);
        avoiding_ = false;
    }
    /// An idle time does not count, either; and from the restart window another curve begins.
    constexpr void was_idle(const path& p) noexcept {
        const std::uint32_t kept = window();
        reno_window::was_idle(p);
        leave_out(p.now);
        avoiding_ = avoiding_ && window() == kept;
    }

    friend constexpr bool operator==(const basic_cubic&, const basic_cubic&) noexcept = default;

protected:
    constexpr void marked(const path& p, std::uint32_t left) noexcept {
        reduce();
        reno_window::marked(p, left);
    }
    /// 4.2: the time since the last report does not count, since the window was not tried.
    constexpr void leave_out(time_point now) noexcept {
        if (avoiding_) epoch_ += now - heard_;
        heard_ = now;
    }

private:
    static constexpr fraction convergence{17, 20};  // (1 + beta) / 2

    constexpr void reduce() noexcept {
        // 4.7, fast convergence: who loses before it is back makes room for others.
        curve_.origin = window() < curve_.origin ? convergence.of(window()) : window();
        prior_ = window();
        avoiding_ = flat_ = false;
        slow_start_.stop();
    }
    constexpr void begin_avoidance(const path& p) noexcept {
        curve_ = cubic_curve::through(window(), flat_ ? window() : curve_.origin, p.smss);
        friendly_ = window();
        epoch_ = p.now;
        friendly_rest_ = rest_ = 0;
        avoiding_ = true;
        flat_ = false;
    }
    constexpr void avoid(const path& p, std::uint32_t octets) noexcept {
        const std::uint32_t cwnd = window();
        // 4.3: what Reno would have with this decrease: alpha = 3 (1 - beta) / (1 + beta) = 9/17, and 1 once it is
        // back.
        const std::uint64_t slope = friendly_ < prior_ ? 9 : 17;
        friendly_rest_ += slope * p.smss * octets / 17;
        friendly_ += static_cast<std::uint32_t>(std::min<std::uint64_t>(friendly_rest_ / cwnd, highest));
        friendly_ = std::min(friendly_, highest);
        friendly_rest_ %= cwnd;
        const duration since = p.now - epoch_;
        if (curve_.at(since, p.smss) < friendly_) {
            if (friendly_ > cwnd) grow(friendly_ - cwnd);
            return;
        }
        // 4.4 and 4.5: by (target - cwnd) / cwnd for each segment acknowledged.
        const std::uint32_t ahead = curve_.at(since + p.srtt, p.smss);
        const std::uint32_t target = std::clamp(ahead, cwnd, cwnd + cwnd / 2);
        rest_ += std::uint64_t{target - cwnd} * octets;
        grow(static_cast<std::uint32_t>(std::min<std::uint64_t>(rest_ / cwnd, cwnd / 2)));
        rest_ %= cwnd;
    }

    cubic_curve curve_{};
    time_point epoch_{};      // when this congestion avoidance began, without the time that did not count
    time_point heard_{};      // the last report
    std::uint64_t rest_ = 0;  // of the division by cwnd
    std::uint64_t friendly_rest_ = 0;
    std::uint32_t friendly_ = 0;  // W_est
    std::uint32_t prior_ = 0;     // cwnd_prior
    bool avoiding_ = false;
    bool flat_ = false;  // the next avoidance begins at its own origin
    [[no_unique_address]] SlowStart slow_start_;
};

using cubic = basic_cubic<>;

static_assert(congestion_control<cubic> && congestion_control<basic_cubic<standard_slow_start>>);

}  // namespace tcpfsm
