// SPDX-License-Identifier: MIT
// congestion/bbr.hpp: BBR, version 3.
#pragma once

#include <tcpfsm/congestion/bbr_bounds.hpp>
#include <tcpfsm/congestion/bbr_machine.hpp>
#include <tcpfsm/congestion/bbr_model.hpp>
#include <tcpfsm/congestion/concept.hpp>
#include <tcpfsm/congestion/new_reno.hpp>
#include <tcpfsm/rate.hpp>
#include <tcpfsm/seq.hpp>
#include <tcpfsm/time.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>

// draft-ietf-ccwg-bbr: a model of the path, the largest rate that it has delivered and its shortest round trip
// (bbr_model.hpp, bbr_bounds.hpp), and phases of sending faster and slower by turns that keep the model fresh
// (bbr_machine.hpp). Here is what the sender tells it, and what it tells the sender: a pacing rate and a window.

namespace tcpfsm {

/// BBR with constants of one's own.
template <bbr_settings Settings = bbr_settings{}>
class basic_bbr : private bbr_parts::machine<Settings> {
    using machine = bbr_parts::machine<Settings>;

public:
    /// It wants `delivered` on every ACK that delivers something, `missed` for every record found lost, and pacing.
    static constexpr bool rate_based = true;

    [[nodiscard]] constexpr std::uint32_t window() const noexcept { return cwnd_; }
    /// There is no slow start threshold: Startup ends by what the path delivers.
    [[nodiscard]] constexpr std::uint32_t threshold() const noexcept { return bbr_parts::widest; }
    /// Octets per second.
    [[nodiscard]] constexpr std::uint64_t pacing_rate(const path&) const noexcept { return pacing_rate_; }
    /// Octets that may leave in one burst: those of a millisecond.
    [[nodiscard]] constexpr std::uint32_t send_quantum(const path& p) const noexcept {
        return machine::send_quantum(p.smss);
    }

    [[nodiscard]] constexpr bbr_phase phase() const noexcept { return phase_; }
    /// The largest rate that the path has delivered lately, in octets per second.
    [[nodiscard]] constexpr std::uint64_t max_bw() const noexcept { return machine::max_bw(); }
    /// The same, unless losses of the moment have lowered it.
    [[nodiscard]] constexpr std::uint64_t bw() const noexcept { return machine::bw(); }
    /// The shortest round trip lately; `forever` before the first.
    [[nodiscard]] constexpr duration min_rtt() const noexcept { return rtt_.min_rtt(); }
    /// The pipe was full at least once: Startup is over.
    [[nodiscard]] constexpr bool full_bw_reached() const noexcept { return full_bw_reached_; }
    /// What may be in flight without too much loss, as far as probing for bandwidth has found; all ones: no bound.
    [[nodiscard]] constexpr std::uint32_t inflight_longterm() const noexcept { return inflight_longterm_; }
    /// What may be in flight after losses between probes; all ones: no bound.
    [[nodiscard]] constexpr std::uint32_t inflight_shortterm() const noexcept { return now_.inflight; }

    constexpr void begin(const path& p, bool syn_was_lost) noexcept {
        *this = basic_bbr{};
        initial_cwnd_ = cwnd_ = syn_was_lost ? p.smss : new_reno::initial_window(p.smss);
        rtt_.begin(p.now, p.srtt);
        aggregation_.restart(p.now);
        const duration srtt = p.srtt.count() > 0 ? p.srtt : duration{std::chrono::milliseconds{1}};
        const std::uint64_t nominal = std::uint64_t{cwnd_} * 1'000'000U / static_cast<std::uint64_t>(srtt.count());
        pacing_rate_ = std::max<std::uint64_t>(bbr_parts::scaled(nominal, pacing_gain()), 1);
        // The waits between probes should differ between connections, and need no more: the number of the first octet
        // tells connections apart.
        dice_ = (p.una.value() ^ 0x9e3779b9U) | 1U;
    }
    /// An ACK has delivered something: the model, the phase, and what follows from them.
    constexpr void delivered(const path& p, rate_sample s) noexcept {
        s.rate = std::min(s.rate, bbr_parts::fastest);
        s.app_limited = s.app_limited || s.prior_delivered < limited_until_;
        total_ = s.total;
        now_.update(s);
        update_congestion_signals(s);
        aggregation_.update(p.now, bw(), s.newly_acked, cwnd_, rounds_.count(), full_bw_reached_ ? 5 : 1);
        if (rounds_.started() && !s.app_limited) pipe_.round(s.rate);
        full_bw_reached_ = full_bw_reached_ || pipe_.full();
        check_startup_done(p, s);
        update_probe_bw(p, s);
        rtt_.update(p.now, s.rtt);
        check_probe_rtt(p, s);
        now_.advance(s);
        set_pacing_rate(pacing_gain());
        if (timed_out_ && recover_ <= p.una) end_recovery();
        set_cwnd(p, s);
    }
    /// A record was found lost.
    constexpr void missed(const path& p, const loss_sample& l) noexcept {
        const bool too_much = too_much_lost(p, l.lost, l.tx_in_flight);
        if (!too_much && l.lost <= expected_loss(p, l.tx_in_flight)) return;
        if (!now_.loss_in_round) now_.round_delivered = l.total;
        now_.loss_in_round = true;
        save();
        if (l.from != lost_until_ && lost_ranges_ < 0xff) ++lost_ranges_;
        lost_until_ = l.from + l.octets;
        if (!bw_probe_samples_ || !too_much) return;
        // How much of this record could be in flight before the losses became too many.
        const std::uint32_t before = l.tx_in_flight - std::min(l.octets, l.tx_in_flight);
        const std::uint32_t lost_before = l.lost - std::min(l.octets, l.lost);
        const auto allowed = bbr_parts::scaled(before, Settings.loss_threshold);
        const auto prefix =
            allowed > lost_before ? (allowed - lost_before) * 1000 / (1000 - Settings.loss_threshold) : 0;
        inflight_too_high(p, before + static_cast<std::uint32_t>(prefix), l.app_limited);
    }
    constexpr void acked(const path&, std::uint32_t) noexcept {}
    /// Fast recovery begins. What is lost is told by `missed`; the window is kept for afterwards.
    constexpr void lost(const path&) noexcept {
        save();
        recovering_ = true;
    }
    /// Congestion was told by ECN. The draft leaves the response open and demands that there be one. A probe ends, and
    /// what the path holds without a queue is the bound; in CRUISE it is that of a round with losses, and no rate that
    /// was delivered speaks against it. Drain and DOWN are a response themselves.
    constexpr void marked(const path& p) noexcept {
        if (phase_ == bbr_phase::startup) {
            leave_startup();
        } else if (bw_probe_samples_ || phase_ == bbr_phase::refill) {
            inflight_too_high(p, target_inflight(), false);
        } else if (phase_ == bbr_phase::cruise || phase_ == bbr_phase::probe_rtt) {
            now_.lower(max_bw(), cwnd_, Settings.beta, 0, 0);
        }
        bound_cwnd(p);
    }
    /// Recovery without SACK: one loss a round trip is all that can be seen.
    constexpr void duplicate(const path&) noexcept { selective_ = false; }
    constexpr void partly_acked(const path&, std::uint32_t) noexcept { selective_ = false; }
    constexpr void recovered(const path& p) noexcept {
        end_recovery();
        bound_cwnd(p);
    }
    /// One segment goes, and the window comes back with what is delivered.
    constexpr void timed_out(const path& p, bool) noexcept {
        save();
        save_cwnd();
        recovering_ = timed_out_ = true;
        recover_ = p.nxt;
        cwnd_ = p.smss;
    }
    /// The user had left the path empty: back to its rate at once, without a burst.
    constexpr void was_idle(const path& p) noexcept {
        idle_restart_ = true;
        aggregation_.restart(p.now);
        if (in_probe_bw()) set_pacing_rate(1000);
        if (phase_ == bbr_phase::probe_rtt) check_probe_rtt_done(p);
    }
    /// Nothing was lost: the bounds and the phase of before. They are kept here and not taken from the value of before,
    /// since a loss moves both as soon as it is found.
    constexpr void restore(const basic_bbr&, const path& p) noexcept {
        end_recovery();
        now_.loss_in_round = false;
        pipe_.reset();
        now_.bw = std::max(now_.bw, undo_bw_);
        now_.inflight = std::max(now_.inflight, undo_inflight_);
        inflight_longterm_ = std::max(inflight_longterm_, undo_longterm_);
        if (undo_ == undo::startup) full_bw_reached_ = false;
        if (phase_ != bbr_phase::probe_rtt) {
            if (undo_ == undo::startup) phase_ = bbr_phase::startup;
            if (undo_ == undo::up && phase_ != bbr_phase::up) start_refill();
        }
        undo_ = undo::nothing;
        bound_cwnd(p);
    }

    friend constexpr bool operator==(const basic_bbr&, const basic_bbr&) noexcept = default;

private:
    using machine::bdp_multiple, machine::bw_probe_samples_, machine::check_probe_rtt, machine::check_probe_rtt_done,
        machine::check_startup_done, machine::cwnd_, machine::cwnd_gain, machine::dice_, machine::expected_loss,
        machine::learn_background, machine::full_bw_reached_, machine::idle_restart_, machine::in_probe_bw,
        machine::inflight_longterm_, machine::inflight_too_high, machine::inflight_with_headroom, machine::give_way,
        machine::initial_cwnd_, machine::recent_, machine::leave_startup, machine::limited_until_,
        machine::lost_ranges_, machine::max_bw_, machine::now_, machine::pacing_gain, machine::pacing_rate_,
        machine::phase_, machine::pipe_, machine::probe_rtt_cwnd, machine::probing_bw, machine::quantized,
        machine::recovering_, machine::restore_cwnd, machine::rounds_, machine::rounds_since_probe_, machine::rtt_,
        machine::save_cwnd, machine::selective_, machine::start_refill, machine::target_inflight,
        machine::too_much_lost, machine::total_, machine::undo_, machine::update_probe_bw;
    using typename machine::undo;

    constexpr void update_congestion_signals(const rate_sample& s) noexcept {
        rounds_.update(s);
        recent_.update(s.rtt, rounds_.started());
        if (rounds_.started() && rounds_since_probe_ != bbr_parts::unbounded) ++rounds_since_probe_;
        if (s.rate > 0 && (s.rate >= max_bw() || !s.app_limited)) max_bw_.update(s.rate);
        if (!now_.round_started) return;
        learn_background(s);
        if (now_.loss_in_round && !probing_bw()) give_way();
        if (!now_.loss_in_round && !recovering_) saved_ = false;
        now_.loss_in_round = false;
    }
    /// 1 % below what the gain makes of the bandwidth. While the pipe was never full, the rate does not fall.
    constexpr void set_pacing_rate(std::uint32_t gain) noexcept {
        const std::uint64_t rate = bbr_parts::scaled(bw(), gain) * 99 / 100;
        if (rate > (full_bw_reached_ ? 0 : pacing_rate_)) pacing_rate_ = rate;
    }
    constexpr void set_cwnd(const path& p, const rate_sample& s) noexcept {
        const std::uint64_t wanted = std::uint64_t{bdp_multiple(cwnd_gain())} + aggregation_.extra();
        const auto most = quantized(p, static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, bbr_parts::widest)));
        const std::uint64_t more = std::uint64_t{cwnd_} + s.newly_acked;
        std::uint64_t cwnd = cwnd_;
        if (full_bw_reached_) {
            cwnd = std::min<std::uint64_t>(more, most);
        } else if (cwnd_ < most || s.total < initial_cwnd_) {
            cwnd = more;
        }
        cwnd_ = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(cwnd, 4 * p.smss, bbr_parts::widest));
        bound_cwnd(p);
    }
    constexpr void bound_cwnd(const path& p) noexcept {
        if (phase_ == bbr_phase::probe_rtt) cwnd_ = std::min(cwnd_, probe_rtt_cwnd(p));
        std::uint32_t bound = bbr_parts::unbounded;
        if (phase_ == bbr_phase::probe_rtt || phase_ == bbr_phase::cruise) {
            bound = inflight_with_headroom(p);
        } else if (in_probe_bw()) {
            bound = inflight_longterm_;
        }
        cwnd_ = std::min(cwnd_, std::max(std::min(bound, now_.inflight), 4 * p.smss));
    }
    /// Keeps what the losses may turn out to have changed without need. Once an episode: it is as long as the recovery.
    constexpr void save() noexcept {
        if (saved_) return;
        saved_ = true;
        save_cwnd();
        undo_ = undo::nothing;
        undo_bw_ = now_.bw;
        undo_inflight_ = now_.inflight;
        undo_longterm_ = inflight_longterm_;
    }
    constexpr void end_recovery() noexcept {
        recovering_ = timed_out_ = saved_ = false;
        restore_cwnd();
    }

    bbr_parts::ack_aggregation aggregation_;
    std::uint64_t undo_bw_ = 0;
    std::uint32_t undo_inflight_ = 0;
    std::uint32_t undo_longterm_ = 0;
    seq recover_{};     // SND.NXT at the timeout
    seq lost_until_{};  // the end of what was last found lost
    bool saved_ = false;
    bool timed_out_ = false;
};

/// BBR with the draft's constants, and losses told from congestion by whether there is a queue; see `random_loss`.
using bbr = basic_bbr<>;

static_assert(congestion_control<bbr>);

}  // namespace tcpfsm
