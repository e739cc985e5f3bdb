// SPDX-License-Identifier: MIT
// pacing.hpp: text leaves at a rate, not in bursts.
#pragma once

#include <tcpfsm/congestion/concept.hpp>
#include <tcpfsm/time.hpp>

#include <algorithm>
#include <cstdint>

// RFC 9002 section 7.7 says how; TCP's documents only that it is good (RFC 9937 section 5). Time is the caller's, so a
// paced segment is one that `poll_transmit` withholds until the deadline that `poll_timeout` gives.

namespace tcpfsm {

/// Octets per second at which text may leave: the congestion control's own rate, or else a window in half a round trip
/// while it doubles, and in five sixths of one after that. Zero: as fast as it likes.
template <class Congestion>
[[nodiscard]] constexpr std::uint64_t pacing_rate(const Congestion& control, const path& p) noexcept {
    if constexpr (requires { control.pacing_rate(p); }) {
        return control.pacing_rate(p);
    } else {
        if (p.srtt.count() <= 0) return 0;
        const std::uint64_t tenths = control.window() < control.threshold() ? 20 : 12;
        return control.window() * tenths * 100'000U / static_cast<std::uint64_t>(p.srtt.count());
    }
}

/// Spaces bursts of at most a quantum: what the rate gives in a millisecond, and at least a segment. No caller wakes up
/// to the microsecond: what text that waits for its time could have sent meanwhile goes as well, another quantum at the
/// most. A time without text, or without room for it, is no such debt.
class pacer {
public:
    /// Text may leave now.
    [[nodiscard]] constexpr bool open(time_point now) const noexcept { return credit_ != 0 || release_ <= now; }
    /// When it may, if not now.
    [[nodiscard]] constexpr time_point release() const noexcept { return release_; }
    /// Text is there, and waits for that time; or there is none.
    constexpr void wait(bool waits) noexcept { waits_ = waits; }
    /// Octets leave.
    constexpr void sent(std::uint32_t octets, std::uint64_t rate, std::uint32_t smss, time_point now) noexcept {
        if (rate == 0) {
            *this = {};
            return;
        }
        if (release_ <= now && (credit_ == 0 || !waits_)) {
            credit_ = quantum(rate, smss);
            if (!waits_) spare_ = 0;
            release_ = std::max(release_, now - (waits_ ? duration{take(credit_, rate) / 1000} : duration{}));
            credit_ +=
                static_cast<std::uint32_t>(static_cast<std::uint64_t>((now - release_).count()) * rate / 1'000'000U);
        }
        credit_ -= std::min(credit_, octets);
        const std::int64_t owed = take(octets, rate) - spare_;
        const std::int64_t microseconds = owed > 0 ? (owed + 999) / 1000 : 0;
        release_ += duration{microseconds};
        spare_ = static_cast<std::uint16_t>(microseconds * 1000 - owed);
        waits_ = waits_ && release_ <= now;
    }
    /// Octets of a burst.
    [[nodiscard]] static constexpr std::uint32_t quantum(std::uint64_t rate, std::uint32_t smss) noexcept {
        return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(rate / 1000, smss, 1U << 16U));
    }
    friend constexpr bool operator==(const pacer&, const pacer&) noexcept = default;

private:
    /// Nanoseconds that octets take at a rate.
    static constexpr std::int64_t take(std::uint32_t octets, std::uint64_t rate) noexcept {
        return static_cast<std::int64_t>(std::uint64_t{octets} * 1'000'000'000U / rate);
    }

    time_point release_{};      // when all that has left is paid for
    std::uint32_t credit_ = 0;  // what is left of the burst
    std::uint16_t spare_ = 0;   // nanoseconds by which `release_` is too late
    bool waits_ = false;
};

static_assert(sizeof(pacer) == 16);

}  // namespace tcpfsm
