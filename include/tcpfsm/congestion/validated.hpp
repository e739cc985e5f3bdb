// SPDX-License-Identifier: MIT
// congestion/validated.hpp: a window that was not used lately is kept, but not trusted.
#pragma once

#include <tcpfsm/congestion/concept.hpp>
#include <tcpfsm/congestion/cubic.hpp>
#include <tcpfsm/congestion/new_reno.hpp>
#include <tcpfsm/seq.hpp>
#include <tcpfsm/time.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>

// RFC 7661, for applications that send in bursts: "pipeACK" is how much the path has lately carried in a round trip. As
// long as it is less than half of the window, the window is not validated: it does not grow, and an idle time does not
// take it back to the restart window either, as RFC 5681 section 4.1 would; but a loss leaves no more than a share of
// what was really in flight, and after five minutes the window is halved.

namespace tcpfsm {

/// A control of Reno's family, with RFC 7661 in place of the restart window. It goes outside of others:
/// `validated<abe<cubic>>`.
template <congestion_control Control>
class validated : public Control {
public:
    constexpr void begin(const path& p, bool syn_was_lost) noexcept {
        *this = {};
        Control::begin(p, syn_was_lost);
        forget(p);
    }
    /// 4.2 to 4.4.
    constexpr void acked(path p, std::uint32_t octets) noexcept {
        measure(p, octets);
        p.limited = p.limited || proven();
        if (p.limited) since_ = p.now;
        give_up_unused(p);
        Control::acked(p, octets);
    }
    /// 4.4.2: at most a share of what the path was seen to carry.
    constexpr void lost(path p) noexcept {
        p.flight = carried(p);
        Control::lost(p);
        forget(p);
    }
    constexpr void marked(path p) noexcept {
        p.flight = carried(p);
        Control::marked(p);
        forget(p);
    }
    constexpr void timed_out(const path& p, bool first) noexcept {
        Control::timed_out(p, first);
        forget(p);
    }
    /// The window stays, and the time does not count for a curve.
    constexpr void was_idle(const path& p) noexcept {
        if constexpr (requires { this->leave_out(p.now); }) this->leave_out(p.now);
        give_up_unused(p);
    }
    /// pipeACK; as large as can be while it is not known.
    [[nodiscard]] constexpr std::uint32_t pipe() const noexcept { return std::max(most_, most_before_); }

    friend constexpr bool operator==(const validated&, const validated&) noexcept = default;

private:
    static constexpr std::uint32_t unknown = ~std::uint32_t{0};
    static constexpr duration least_period = std::chrono::seconds{1};
    static constexpr duration trusted_for = std::chrono::minutes{5};  // the non-validated phase

    [[nodiscard]] constexpr bool proven() const noexcept { return pipe() >= this->window() / 2; }
    [[nodiscard]] constexpr std::uint32_t carried(const path& p) const noexcept {
        return proven() ? p.flight : std::max(pipe(), p.flight);
    }
    /// 4.2: the most of what one round trip has acknowledged, within one to two sampling periods.
    constexpr void measure(const path& p, std::uint32_t octets) noexcept {
        if (round_ends_ < p.una) {
            most_ = std::max(most_, round_);
            round_ = 0;
            round_ends_ = p.nxt;
        }
        round_ += std::min(octets, unknown - round_);
        const duration period = std::max(p.srtt * 3, least_period);
        if (p.now - period_began_ < period) return;
        most_before_ = p.now - period_began_ < 2 * period ? most_ : 0;
        most_ = 0;
        period_began_ = p.now;
    }
    /// 4.4.3.
    constexpr void give_up_unused(const path& p) noexcept {
        while (p.now - since_ >= trusted_for) {
            const std::uint32_t cwnd = this->window();
            const std::uint32_t least = std::min(cwnd, this->initial_window(p.smss));
            this->set(std::max(cwnd / 2, least), std::max(this->threshold(), fraction{3, 4}.of(cwnd)));
            since_ = cwnd > least ? since_ + trusted_for : p.now;
        }
    }
    constexpr void forget(const path& p) noexcept {
        most_before_ = unknown;
        most_ = round_ = 0;
        round_ends_ = p.nxt;
        period_began_ = since_ = p.now;
    }

    time_point since_{};  // when the window was last proven, or last halved
    time_point period_began_{};
    std::uint32_t most_ = 0;               // of the samples of this period
    std::uint32_t most_before_ = unknown;  // and of the one before
    std::uint32_t round_ = 0;              // acknowledged in this round trip
    seq round_ends_{};
};

static_assert(congestion_control<validated<new_reno>> && congestion_control<validated<cubic>>);

}  // namespace tcpfsm
