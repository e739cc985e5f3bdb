// SPDX-License-Identifier: MIT
// rto.hpp: round-trip time and the retransmission timeout.
#pragma once

#include <tcpfsm/time.hpp>

#include <algorithm>
#include <cstdint>

// RFC 6298, in 32-bit integers: SRTT is kept times 8 and RTTVAR times 4, in microseconds, so that both
// divisions of section 2.3 are shifts. Which round trips may be sampled (Karn) is the caller's matter.

namespace tcpfsm {

/// Limits of the retransmission timeout (RFC 6298 sections 2 and 5).
struct rto_limits {
    duration initial;  ///< before the first sample
    duration minimum;  ///< (2.4) at least one second, says the RFC
    duration maximum;  ///< (2.5) at least 60 seconds
    /// (2.3) G, the least allowance for the variance. On a steady path that decays to nothing, and a late ACK meets a
    /// timer that expires at the very round trip: kernels take 200 ms.
    duration granularity = std::chrono::microseconds{1};
};

/// SRTT, RTTVAR and the backed-off RTO of one connection.
class round_trip {
public:
    /// Takes a round-trip time (2.2, 2.3). Ends the backing off (section 5, note under 5.7).
    constexpr void sample(duration r) noexcept {
        const auto us = static_cast<std::uint32_t>(std::clamp<std::int64_t>(r.count(), 1, longest));
        if (srtt8_ == 0) {
            srtt8_ = us << 3U;
            rttvar4_ = us << 1U;
        } else if (spurious_) {  // RFC 4015 section 3: what delayed the ACKs may do so again
            srtt8_ = std::max(srtt8_, 8 * us);
            rttvar4_ = std::max(rttvar4_, 2 * us);
        } else {
            const std::uint32_t srtt = srtt8_ >> 3U;
            const std::uint32_t error = srtt < us ? us - srtt : srtt - us;
            rttvar4_ += error - (rttvar4_ >> 2U);  // RTTVAR before SRTT (2.3)
            srtt8_ += us - srtt;
        }
        backoff_ = 0;
        syn_lost_ = spurious_ = false;
    }
    /// The last timeout was none: nothing was lost, but late.
    constexpr void was_spurious() noexcept { spurious_ = true; }
    /// The timer has expired: double the timeout (5.5).
    constexpr void back_off() noexcept {
        if (backoff_ < 31) ++backoff_;
    }
    /// The SYN was lost, and data begins: three seconds until a round trip of text was sampled (5.7).
    constexpr void restart_after_syn_loss() noexcept {
        backoff_ = 0;
        syn_lost_ = true;
    }

    /// True once a sample was taken.
    [[nodiscard]] constexpr bool sampled() const noexcept { return srtt8_ != 0; }
    /// SRTT, or zero before the first sample.
    [[nodiscard]] constexpr duration srtt() const noexcept { return duration{srtt8_ >> 3U}; }
    /// RTTVAR, or zero before the first sample.
    [[nodiscard]] constexpr duration rttvar() const noexcept { return duration{rttvar4_ >> 2U}; }
    /// How often the timer has expired since the last sample.
    [[nodiscard]] constexpr unsigned backed_off() const noexcept { return backoff_; }
    /// RTO, doubled `backed_off()` times and clamped.
    [[nodiscard]] constexpr duration rto(const rto_limits& limits) const noexcept {
        duration base = limits.initial;
        if (sampled()) base = duration{srtt8_ >> 3U} + std::max(limits.granularity, duration{rttvar4_});
        if (syn_lost_) base = std::max(base, duration{std::chrono::seconds{3}});
        base = std::clamp(base, limits.minimum, limits.maximum);
        for (unsigned i = 0; i < backoff_ && base < limits.maximum; ++i) base *= 2;
        return std::min(base, limits.maximum);
    }

    friend constexpr bool operator==(const round_trip&, const round_trip&) noexcept = default;

private:
    static constexpr std::int64_t longest = 1 << 28;  // 268 s: eight times as much still fits 32 bits
    std::uint32_t srtt8_ = 0;
    std::uint32_t rttvar4_ = 0;
    std::uint8_t backoff_ = 0;
    bool syn_lost_ = false;
    bool spurious_ = false;
};

}  // namespace tcpfsm
