// SPDX-License-Identifier: MIT
// congestion/bbr_model.hpp: what BBR believes about the path.
#pragma once

#include <tcpfsm/congestion/concept.hpp>
#include <tcpfsm/rate.hpp>
#include <tcpfsm/time.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>

// draft-ietf-ccwg-bbr, "Updating Network Path Model Parameters": each estimator for itself, under the draft's names.
// Rates are octets per second, gains and shares are in thousandths, and what the draft calls Infinity is `unbounded`.

namespace tcpfsm {

/// The constants of the draft that a program may choose otherwise: `basic_bbr<settings>`.
struct bbr_settings {
    std::uint32_t loss_threshold = 20;  ///< BBR.LossThresh: 2 % of a round may be lost while bandwidth is probed
    std::uint32_t beta = 700;           ///< BBR.Beta: how far one lossy round may lower a bound
    std::uint32_t headroom = 150;       ///< BBR.Headroom: the share of inflight_longterm that is left to others
    /// Losses while no queue stands before the bottleneck are not its doing: so much of a round may be lost then, and
    /// what was lost then is expected with a queue, too. The draft takes every loss for congestion: 0.
    std::uint32_t random_loss = 200;
    friend constexpr bool operator==(const bbr_settings&, const bbr_settings&) noexcept = default;
};

namespace bbr_parts {

inline constexpr std::uint32_t unbounded = 0xffffffff;
inline constexpr std::uint64_t unbounded_rate = ~std::uint64_t{0};
inline constexpr std::uint32_t widest = widest_window;
/// A rate that no path has: its product with a window fits in 64 bits.
inline constexpr std::uint64_t fastest = std::uint64_t{1} << 40U;

/// `value` times a gain in thousandths.
[[nodiscard]] constexpr std::uint64_t scaled(std::uint64_t value, std::uint32_t gain) noexcept {
    return value * gain / 1000;
}
/// Octets that go in `d` at `rate`, up to the widest window.
[[nodiscard]] constexpr std::uint32_t carried(std::uint64_t rate, duration d) noexcept {
    constexpr duration longest{std::int64_t{1} << 23};
    const auto us = static_cast<std::uint64_t>(std::clamp(d, duration{}, longest).count());
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(std::min(rate, fastest) * us / 1'000'000U, widest));
}

/// BBR.max_bw_filter: the largest rate of this ProbeBW cycle and the one before.
class bandwidth_filter {
public:
    constexpr void update(std::uint64_t rate) noexcept { now_ = std::max(now_, rate); }
    /// The next cycle begins. One that has seen nothing does not count.
    constexpr void advance() noexcept {
        if (now_ == 0) return;
        before_ = now_;
        now_ = 0;
    }
    [[nodiscard]] constexpr std::uint64_t max() const noexcept { return std::max(before_, now_); }
    friend constexpr bool operator==(const bandwidth_filter&, const bandwidth_filter&) noexcept = default;

private:
    std::uint64_t before_ = 0;
    std::uint64_t now_ = 0;
};

/// BBR.round_count: a round trip lasts until something is delivered that left after it began.
class round_counter {
public:
    constexpr void begin(std::uint64_t delivered) noexcept { next_delivered_ = delivered; }
    constexpr void update(const rate_sample& s) noexcept {
        started_ = s.prior_delivered >= next_delivered_;
        if (!started_) return;
        begin(s.total);
        ++count_;
    }
    [[nodiscard]] constexpr bool started() const noexcept { return started_; }
    [[nodiscard]] constexpr std::uint32_t count() const noexcept { return count_; }
    friend constexpr bool operator==(const round_counter&, const round_counter&) noexcept = default;

private:
    std::uint64_t next_delivered_ = 0;
    std::uint32_t count_ = 0;
    bool started_ = false;
};

/// BBR.extra_acked: how much more than expected arrives at once, where ACKs or data come in bunches. The largest of
/// the last rounds: of two halves of a window, the older is forgotten when the newer is full.
class ack_aggregation {
public:
    constexpr void restart(time_point now) noexcept { since_ = now; }
    constexpr void update(time_point now, std::uint64_t bw, std::uint32_t newly_acked, std::uint32_t cwnd,
                          std::uint32_t round, std::uint32_t half_window) noexcept {
        std::uint32_t expected = carried(bw, now - since_);
        if (delivered_ <= expected) {
            delivered_ = 0;
            since_ = now;
            expected = 0;
        }
        delivered_ = std::min<std::uint64_t>(delivered_ + newly_acked, unbounded);
        if (round - half_began_ >= half_window) {
            half_began_ = round;
            before_ = now_;
            now_ = 0;
        }
        now_ = std::max(now_, static_cast<std::uint32_t>(std::min<std::uint64_t>(delivered_ - expected, cwnd)));
    }
    [[nodiscard]] constexpr std::uint32_t extra() const noexcept { return std::max(before_, now_); }
    friend constexpr bool operator==(const ack_aggregation&, const ack_aggregation&) noexcept = default;

private:
    time_point since_{};
    std::uint64_t delivered_ = 0;
    std::uint32_t half_began_ = 0;
    std::uint32_t before_ = 0;
    std::uint32_t now_ = 0;
};

/// BBR.min_rtt, the shortest round trip of some ten seconds, and BBR.probe_rtt_min_delay, of some five: when the latter
/// is old, it is time to drain the queue and look again.
class shortest_round_trip {
public:
    static constexpr duration filter_length = std::chrono::seconds{10};
    static constexpr duration probe_interval = std::chrono::seconds{5};

    constexpr void begin(time_point now, duration srtt) noexcept {
        if (srtt.count() > 0) min_rtt_ = srtt;
        min_rtt_at_ = recent_at_ = now;
    }
    constexpr void update(time_point now, duration rtt) noexcept {
        expired_ = now - recent_at_ > probe_interval;
        if (rtt.count() > 0 && (rtt < recent_ || expired_)) {
            recent_ = rtt;
            recent_at_ = now;
        }
        if (recent_ < min_rtt_ || now - min_rtt_at_ > filter_length) {
            min_rtt_ = recent_;
            min_rtt_at_ = recent_at_;
        }
    }
    /// The queue was drained: the next time in five seconds.
    constexpr void probed(time_point now) noexcept { recent_at_ = now; }

    [[nodiscard]] constexpr bool known() const noexcept { return min_rtt_ != forever; }
    [[nodiscard]] constexpr duration min_rtt() const noexcept { return min_rtt_; }
    [[nodiscard]] constexpr bool expired() const noexcept { return expired_; }
    friend constexpr bool operator==(const shortest_round_trip&, const shortest_round_trip&) noexcept = default;

private:
    duration min_rtt_ = forever;
    duration recent_ = forever;  // BBR.probe_rtt_min_delay
    time_point min_rtt_at_{};
    time_point recent_at_{};  // BBR.probe_rtt_min_stamp
    bool expired_ = false;
};

/// The shortest round trip of the last round and of this one: a queue that stands is in each of them, but not what a
/// burst, a late wake-up or an ACK that waited for others has added to some.
class round_trips_of_round {
public:
    constexpr void update(duration rtt, bool round_started) noexcept {
        if (round_started && now_ != forever) {
            before_ = now_;
            now_ = forever;
        }
        if (rtt.count() > 0) now_ = std::min(now_, rtt);
    }
    /// Zero before there were two rounds.
    [[nodiscard]] constexpr duration shortest() const noexcept { return std::min(before_, now_); }
    friend constexpr bool operator==(const round_trips_of_round&, const round_trips_of_round&) noexcept = default;

private:
    duration before_{};
    duration now_ = forever;
};

/// BBR.full_bw: the pipe is full when three rounds of sending faster bring less than a quarter more.
class full_pipe {
public:
    /// Looks anew, for what exceeds `rate`.
    constexpr void reset(std::uint64_t rate = 0) noexcept { *this = full_pipe{rate}; }
    /// A round that the user has not held down delivered at `rate`.
    constexpr void round(std::uint64_t rate) noexcept {
        if (full_) return;
        if (rate >= scaled(rate_, 1250)) {
            reset(rate);
            return;
        }
        full_ = ++count_ == 3;
    }
    constexpr void declare() noexcept { full_ = true; }
    [[nodiscard]] constexpr bool full() const noexcept { return full_; }
    constexpr full_pipe() noexcept = default;
    friend constexpr bool operator==(const full_pipe&, const full_pipe&) noexcept = default;

private:
    constexpr explicit full_pipe(std::uint64_t rate) noexcept : rate_{rate} {}
    std::uint64_t rate_ = 0;
    std::uint8_t count_ = 0;
    bool full_ = false;
};

/// The model of the moment: what the last round has delivered, and the bounds that losses have lowered since bandwidth
/// was last probed (BBR.bw_latest, BBR.inflight_latest, BBR.bw_shortterm, BBR.inflight_shortterm).
struct short_term {
    std::uint64_t bw_latest = 0;
    std::uint64_t bw = unbounded_rate;
    std::uint64_t round_delivered = 0;  // BBR.loss_round_delivered
    std::uint32_t inflight_latest = 0;
    std::uint32_t inflight = unbounded;
    bool round_started = false;  // BBR.loss_round_start
    bool loss_in_round = false;

    /// Near the start of an ACK's processing.
    constexpr void update(const rate_sample& s) noexcept {
        bw_latest = std::max(bw_latest, s.rate);
        inflight_latest = std::max(inflight_latest, s.delivered);
        round_started = s.prior_delivered >= round_delivered;
        if (round_started) round_delivered = s.total;
    }
    /// Near its end.
    constexpr void advance(const rate_sample& s) noexcept {
        if (!round_started) return;
        bw_latest = s.rate;
        inflight_latest = s.delivered;
    }
    /// Lower what one round with losses may lower: not below what was delivered, at `rate`, and `octets` in the round.
    constexpr void lower(std::uint64_t max_bw, std::uint32_t cwnd, std::uint32_t beta, std::uint64_t rate,
                         std::uint32_t octets) noexcept {
        if (bw == unbounded_rate) bw = max_bw;
        if (inflight == unbounded) inflight = cwnd;
        bw = std::max(rate, scaled(bw, beta));
        inflight = std::max(octets, static_cast<std::uint32_t>(scaled(inflight, beta)));
    }
    constexpr void forget_signals() noexcept {
        loss_in_round = false;
        bw_latest = 0;
        inflight_latest = 0;
    }
    constexpr void forget_bounds() noexcept {
        bw = unbounded_rate;
        inflight = unbounded;
    }
    friend constexpr bool operator==(const short_term&, const short_term&) noexcept = default;
};

}  // namespace bbr_parts
}  // namespace tcpfsm
