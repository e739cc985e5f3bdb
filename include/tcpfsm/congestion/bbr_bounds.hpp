// SPDX-License-Identifier: MIT
// congestion/bbr_bounds.hpp: how much BBR wants in flight, and what losses have to say to it.
#pragma once

#include <tcpfsm/congestion/bbr_model.hpp>
#include <tcpfsm/congestion/concept.hpp>
#include <tcpfsm/rate.hpp>
#include <tcpfsm/time.hpp>

#include <algorithm>
#include <cstdint>

// draft-ietf-ccwg-bbr, "Computing BBR.max_inflight" and IsInflightTooHigh of "Updating the Model Upon Packet Loss".

namespace tcpfsm {

/// BBR.state: Startup, Drain, the four phases of ProbeBW, ProbeRTT.
enum class bbr_phase : std::uint8_t { startup, drain, down, cruise, refill, up, probe_rtt };

namespace bbr_parts {

/// The model of the path as a whole, and the volumes of data that follow from it.
template <bbr_settings Settings>
class bounds {
    static_assert(Settings.loss_threshold < 1000 && Settings.beta <= 1000 && Settings.headroom <= 1000);
    static_assert(Settings.random_loss < 1000);

protected:
    [[nodiscard]] constexpr std::uint64_t max_bw() const noexcept { return max_bw_.max(); }
    [[nodiscard]] constexpr std::uint64_t bw() const noexcept { return std::min(max_bw(), now_.bw); }
    [[nodiscard]] constexpr bool in_probe_bw() const noexcept {
        return bbr_phase::down <= phase_ && phase_ <= bbr_phase::up;
    }
    [[nodiscard]] constexpr bool probing_bw() const noexcept {
        return phase_ == bbr_phase::startup || phase_ == bbr_phase::refill || phase_ == bbr_phase::up;
    }
    [[nodiscard]] constexpr std::uint32_t send_quantum(std::uint32_t smss) const noexcept {
        return std::max(static_cast<std::uint32_t>(std::min<std::uint64_t>(pacing_rate_ / 1000, 65536)), 2 * smss);
    }
    [[nodiscard]] constexpr std::uint32_t bdp_multiple(std::uint32_t gain) const noexcept {
        if (!rtt_.known()) return initial_cwnd_;
        return static_cast<std::uint32_t>(scaled(carried(bw(), rtt_.min_rtt()), gain));  // at most 2.25 * 2^30
    }
    [[nodiscard]] constexpr std::uint32_t quantized(const path& p, std::uint32_t inflight) const noexcept {
        inflight = std::max({std::min(inflight, widest), 3 * send_quantum(p.smss), 4 * p.smss});
        return phase_ == bbr_phase::up ? inflight + 2 * p.smss : inflight;
    }
    [[nodiscard]] constexpr std::uint32_t target_inflight() const noexcept {
        return std::min(bdp_multiple(1000), cwnd_);
    }
    [[nodiscard]] constexpr std::uint32_t inflight_with_headroom(const path& p) const noexcept {
        if (inflight_longterm_ == unbounded) return unbounded;
        const auto room = std::max(p.smss, static_cast<std::uint32_t>(scaled(inflight_longterm_, Settings.headroom)));
        return std::max(inflight_longterm_ - std::min(room, inflight_longterm_), 4 * p.smss);
    }
    [[nodiscard]] constexpr std::uint32_t probe_rtt_cwnd(const path& p) const noexcept {
        return std::max(bdp_multiple(500), 4 * p.smss);
    }

    /// A queue stands before the bottleneck, or else losses are not told from congestion.
    [[nodiscard]] constexpr bool queued() const noexcept {
        return Settings.random_loss == 0 || !rtt_.known() || recent_.shortest() > rtt_.min_rtt() + rtt_.min_rtt() / 16;
    }
    /// What of `of` octets the path loses without congestion. While there is no queue that is all that it may; with
    /// one, what it lost in rounds without, and half as much again, and four segments, for chance.
    [[nodiscard]] constexpr std::uint64_t expected_loss(const path& p, std::uint32_t of) const noexcept {
        if (!queued()) return std::uint64_t{of} * Settings.random_loss / 1000 + 3 * p.smss;
        return background_ == 0 ? 0 : std::uint64_t{of} * background_ * 3 / 32'000 + 4 * p.smss;
    }
    [[nodiscard]] constexpr bool too_much_lost(const path& p, std::uint32_t lost, std::uint32_t of) const noexcept {
        if (!selective_ && lost > 0) return true;
        const std::uint64_t congested = queued() ? std::uint64_t{of} * Settings.loss_threshold : 0;
        return std::uint64_t{lost} * 1000 > expected_loss(p, of) * 1000 + congested;
    }
    /// A round of CRUISE without a queue shows what the path loses by itself: an average of some eight of them.
    constexpr void learn_background(const rate_sample& s) noexcept {
        if (Settings.random_loss == 0 || queued() || phase_ != bbr_phase::cruise || s.tx_in_flight == 0) return;
        const auto share = std::min<std::uint64_t>(std::uint64_t{s.lost} * 1000 / s.tx_in_flight, Settings.random_loss);
        background_ = static_cast<std::uint16_t>(background_ - background_ / 8 + share * 2);
    }

    constexpr void save_cwnd() noexcept {
        const bool modulated = recovering_ || phase_ == bbr_phase::probe_rtt;
        prior_cwnd_ = modulated ? std::max(prior_cwnd_, cwnd_) : cwnd_;
    }
    constexpr void restore_cwnd() noexcept { cwnd_ = std::max(cwnd_, prior_cwnd_); }

    friend constexpr bool operator==(const bounds&, const bounds&) noexcept = default;

    // The path.
    bandwidth_filter max_bw_;
    short_term now_;
    shortest_round_trip rtt_;
    round_trips_of_round recent_;
    std::uint16_t background_ = 0;  // what is lost without a queue, in 16,000ths
    round_counter rounds_;
    full_pipe pipe_;
    std::uint64_t total_ = 0;          // C.delivered
    std::uint64_t limited_until_ = 0;  // what left before so much was delivered measures ProbeRTT
    std::uint32_t inflight_longterm_ = unbounded;
    bool full_bw_reached_ = false;
    bbr_phase phase_ = bbr_phase::startup;

    // The sender.
    std::uint64_t pacing_rate_ = 0;
    std::uint32_t cwnd_ = 0;
    std::uint32_t initial_cwnd_ = 0;
    std::uint32_t prior_cwnd_ = 0;
    bool recovering_ = false;
    bool selective_ = true;
    std::uint8_t lost_ranges_ = 0;  // in this round
};

}  // namespace bbr_parts
}  // namespace tcpfsm
