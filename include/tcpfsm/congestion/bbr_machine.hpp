// SPDX-License-Identifier: MIT
// congestion/bbr_machine.hpp: the phases of BBR.
#pragma once

#include <tcpfsm/congestion/bbr_bounds.hpp>
#include <tcpfsm/congestion/bbr_model.hpp>
#include <tcpfsm/congestion/concept.hpp>
#include <tcpfsm/rate.hpp>
#include <tcpfsm/time.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>

// draft-ietf-ccwg-bbr, "State Machine Operation", function by function beside the draft's pseudocode. The gains are no
// variables: they follow from the phase, as the draft's table of control behavior has them.

namespace tcpfsm::bbr_parts {

/// The phases, and what leads from one to the next.
template <bbr_settings Settings>
class machine : protected bounds<Settings> {
protected:
    using base = bounds<Settings>;
    using base::bdp_multiple, base::cwnd_, base::full_bw_reached_, base::in_probe_bw, base::inflight_longterm_,
        base::inflight_with_headroom, base::initial_cwnd_, base::limited_until_, base::lost_ranges_, base::max_bw,
        base::max_bw_, base::now_, base::phase_, base::pipe_, base::probe_rtt_cwnd, base::background_, base::quantized,
        base::recovering_, base::restore_cwnd, base::rounds_, base::rtt_, base::save_cwnd, base::selective_,
        base::target_inflight, base::too_much_lost, base::total_;

    /// BBR.ack_phase: what the ACKs of the moment tell of the last probe.
    enum class acks : std::uint8_t { idle, refilling, starting, feedback, stopping };
    /// BBR.undo_state: the phase that a loss has ended.
    enum class undo : std::uint8_t { nothing, startup, up };

    [[nodiscard]] constexpr std::uint32_t pacing_gain() const noexcept {
        switch (phase_) {
        case bbr_phase::startup: return 2770;
        case bbr_phase::drain: return 500;
        case bbr_phase::down: return 900;
        case bbr_phase::up: return 1250;
        default: return 1000;
        }
    }
    [[nodiscard]] constexpr std::uint32_t cwnd_gain() const noexcept {
        if (phase_ == bbr_phase::probe_rtt) return 500;
        return phase_ == bbr_phase::up ? 2250 : 2000;
    }

    // Startup and Drain.
    constexpr void check_startup_done(const path& p, const rate_sample& s) noexcept {
        if (now_.round_started) {
            const bool often = !selective_ || lost_ranges_ >= 6;
            if (phase_ == bbr_phase::startup && recovering_ && often && too_much_lost(p, s.lost, s.tx_in_flight)) {
                leave_startup();
                undo_ = undo::startup;
            }
            lost_ranges_ = 0;
        }
        if (phase_ == bbr_phase::startup && full_bw_reached_) enter_drain();
        if (phase_ != bbr_phase::drain) return;
        const bool drained = s.in_flight <= quantized(p, bdp_multiple(1000));
        if (drained || rounds_.count() - phase_began_ > 3) start_down(p);
    }
    /// More is lost, or marked, than a pipe that is not yet full would.
    constexpr void leave_startup() noexcept {
        full_bw_reached_ = true;
        pipe_.declare();
        inflight_longterm_ = std::max(bdp_multiple(1000), now_.inflight_latest);
        enter_drain();
    }
    constexpr void enter_drain() noexcept {
        phase_ = bbr_phase::drain;
        phase_began_ = rounds_.count();
    }

    // ProbeBW.
    constexpr void start_down(const path& p) noexcept {
        now_.forget_signals();
        acked_per_increase_ = unbounded;
        rounds_since_probe_ = roll(2);
        probe_wait_ = std::chrono::seconds{2} + duration{roll(1'000'000)};
        cycle_began_ = p.now;
        acks_ = acks::stopping;
        rounds_.begin(total_);
        phase_ = bbr_phase::down;
    }
    constexpr void start_cruise() noexcept {
        phase_ = bbr_phase::cruise;
        phase_began_ = rounds_.count();
    }
    constexpr void start_refill() noexcept {
        now_.forget_bounds();
        probe_up_rounds_ = 0;
        probe_up_acked_ = 0;
        probe_precautionary_ = false;
        acks_ = acks::refilling;
        rounds_.begin(total_);
        phase_ = bbr_phase::refill;
    }
    constexpr void start_up(const path& p, const rate_sample& s) noexcept {
        acks_ = acks::starting;
        rounds_.begin(total_);
        pipe_.reset(s.rate);
        phase_ = bbr_phase::up;
        raise_slope(p);
    }
    constexpr void update_probe_bw(const path& p, const rate_sample& s) noexcept {
        if (!full_bw_reached_ || adapt_long_term_model(p, s)) return;
        switch (phase_) {
        case bbr_phase::down:
            if (time_to_probe(p)) {
                start_refill();
            } else if (s.in_flight <= inflight_with_headroom(p) && s.in_flight <= cruising(p)) {
                start_cruise();
            }
            return;
        case bbr_phase::cruise:
            if (time_to_probe(p)) start_refill();
            return;
        case bbr_phase::refill:
            if (!rounds_.started()) return;
            bw_probe_samples_ = true;
            start_up(p, s);
            return;
        case bbr_phase::up:
            if (!time_to_go_down(p, s)) return;
            probe_too_high_ = false;
            start_down(p);
            return;
        default: return;
        }
    }
    /// Two to three seconds, or as many rounds as Reno would need to grow by what is in flight, 63 at most.
    [[nodiscard]] constexpr bool time_to_probe(const path& p) const noexcept {
        if (p.now - cycle_began_ > probe_wait_) return true;
        return rounds_since_probe_ >= std::min(target_inflight() / std::max(p.smss, 1U), 63U);
    }
    [[nodiscard]] constexpr std::uint32_t cruising(const path& p) const noexcept {
        const std::uint32_t bdp = rtt_.known() ? carried(max_bw(), rtt_.min_rtt()) : initial_cwnd_;
        return quantized(p, bdp);
    }
    constexpr bool time_to_go_down(const path& p, const rate_sample& s) noexcept {
        if (probe_too_high_ && s.in_flight >= inflight_longterm_) {
            probe_precautionary_ = true;
            return true;
        }
        if (p.limited && cwnd_ >= inflight_longterm_) {
            pipe_.reset(s.rate);  // the bound holds the rate down, not the path
            return false;
        }
        return pipe_.full();
    }
    constexpr bool adapt_long_term_model(const path& p, const rate_sample& s) noexcept {
        if (rounds_.started() && acks_ == acks::starting) acks_ = acks::feedback;
        if (rounds_.started() && acks_ == acks::stopping) {
            bw_probe_samples_ = false;
            acks_ = acks::idle;
            if (in_probe_bw() && !s.app_limited) max_bw_.advance();
            if (in_probe_bw() && probe_precautionary_ && !probe_too_high_) {
                start_refill();
                return true;
            }
        }
        if (too_much_lost(p, s.lost, s.tx_in_flight) || inflight_longterm_ == unbounded) return false;
        inflight_longterm_ = std::max(inflight_longterm_, s.tx_in_flight);
        if (phase_ == bbr_phase::up) raise_inflight_longterm(p, s);
        return false;
    }
    /// By one segment a round, then two, four, and so on, spread over the round.
    constexpr void raise_slope(const path& p) noexcept {
        acked_per_increase_ = std::max({cwnd_ >> probe_up_rounds_, p.smss, 1U});
        if (probe_up_rounds_ < 30) ++probe_up_rounds_;
    }
    constexpr void raise_inflight_longterm(const path& p, const rate_sample& s) noexcept {
        if (!p.limited || cwnd_ < inflight_longterm_) return;
        const std::uint64_t acked = std::uint64_t{probe_up_acked_} + s.newly_acked;
        const std::uint64_t longer = inflight_longterm_ + acked / acked_per_increase_ * p.smss;
        probe_up_acked_ = static_cast<std::uint32_t>(acked % acked_per_increase_);
        inflight_longterm_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(longer, widest));
        if (rounds_.started()) raise_slope(p);
    }

    // ProbeRTT.
    constexpr void check_probe_rtt(const path& p, const rate_sample& s) noexcept {
        if (phase_ != bbr_phase::probe_rtt && rtt_.expired() && !idle_restart_) {
            save_cwnd();
            phase_ = bbr_phase::probe_rtt;
            probe_rtt_ends_ = never;
            acks_ = acks::stopping;
            rounds_.begin(total_);
        }
        if (phase_ == bbr_phase::probe_rtt) handle_probe_rtt(p, s);
        if (s.delivered > 0) idle_restart_ = false;
    }
    constexpr void handle_probe_rtt(const path& p, const rate_sample& s) noexcept {
        limited_until_ = s.total + s.in_flight + 1;  // what leaves now measures this window, not the path
        if (probe_rtt_ends_ == never) {
            if (s.in_flight > probe_rtt_cwnd(p)) return;
            probe_rtt_ends_ = after(p.now, std::chrono::milliseconds{200});
            probe_rtt_round_ = rounds_.count();
            rounds_.begin(total_);
        } else if (rounds_.count() != probe_rtt_round_) {
            check_probe_rtt_done(p);
        }
    }
    constexpr void check_probe_rtt_done(const path& p) noexcept {
        if (p.now <= probe_rtt_ends_) return;
        rtt_.probed(p.now);
        restore_cwnd();
        now_.forget_bounds();
        phase_ = bbr_phase::startup;
        if (!full_bw_reached_) return;
        start_down(p);
        start_cruise();  // the queue is drained already
    }

    // Losses.

    /// What the path would have delivered, had DOWN not held it down, and but for what the path loses by itself. The
    /// draft takes what was delivered as it is.
    [[nodiscard]] constexpr std::uint64_t undisturbed(std::uint64_t delivered) const noexcept {
        if (Settings.random_loss == 0) return delivered;
        const bool from_down = phase_ == bbr_phase::cruise && rounds_.count() - phase_began_ <= 1;
        const std::uint32_t gain = from_down ? 900 : std::min(pacing_gain(), 1000U);
        return delivered * 16'000 / (16'000U - background_) * 1000 / gain;
    }
    /// A round between the probes had losses.
    constexpr void give_way() noexcept {
        const std::uint64_t octets = std::min<std::uint64_t>(undisturbed(now_.inflight_latest), widest);
        now_.lower(max_bw(), cwnd_, Settings.beta, undisturbed(now_.bw_latest), static_cast<std::uint32_t>(octets));
    }
    constexpr void inflight_too_high(const path& p, std::uint32_t inflight, bool app_limited) noexcept {
        probe_too_high_ = true;
        bw_probe_samples_ = false;  // once a probe
        if (!app_limited) {
            const auto bound = static_cast<std::uint32_t>(scaled(target_inflight(), Settings.beta));
            inflight_longterm_ = std::max(inflight, bound);
        }
        if (phase_ != bbr_phase::up) return;
        undo_ = undo::up;
        start_down(p);
    }
    /// A number below `n`, from a small generator (xorshift) that `begin` has seeded: nothing here is secret.
    constexpr std::uint32_t roll(std::uint32_t n) noexcept {
        dice_ ^= dice_ << 13U;
        dice_ ^= dice_ >> 17U;
        dice_ ^= dice_ << 5U;
        return static_cast<std::uint32_t>((std::uint64_t{dice_} * n) >> 32U);
    }
    friend constexpr bool operator==(const machine&, const machine&) noexcept = default;

    // The phase.
    acks acks_ = acks::idle;
    undo undo_ = undo::nothing;
    bool bw_probe_samples_ = false;     // BBR.is_bw_probe_sample
    bool probe_too_high_ = false;       // BBR.prev_probe_too_high
    bool probe_precautionary_ = false;  // BBR.prev_probe_precautionary
    bool idle_restart_ = false;
    std::uint8_t probe_up_rounds_ = 0;
    std::uint32_t phase_began_ = 0;  // Drain and CRUISE: in which round
    std::uint32_t rounds_since_probe_ = 0;
    std::uint32_t probe_up_acked_ = 0;
    std::uint32_t acked_per_increase_ = unbounded;
    std::uint32_t dice_ = 1;
    std::uint32_t probe_rtt_round_ = 0;
    time_point probe_rtt_ends_ = never;
    time_point cycle_began_{};
    duration probe_wait_{};
};

}  // namespace tcpfsm::bbr_parts
