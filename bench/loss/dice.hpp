// SPDX-License-Identifier: MIT
// dice.hpp: chance that is the same for the same seed, and losses that come in bursts.
#pragma once

#include <cstdint>

namespace bench {

/// A share of all packets, in millionths: 10'000 is one percent.
using ppm = std::uint32_t;
inline constexpr ppm all = 1'000'000;

/// Numbers that look random (SplitMix64), in integers, so that every machine rolls the same.
class dice {
public:
    constexpr explicit dice(std::uint64_t seed) : state_{seed} {}

    constexpr std::uint64_t roll() {
        std::uint64_t z = state_ += 0x9e37'79b9'7f4a'7c15U;
        z = (z ^ (z >> 30U)) * 0xbf58'476d'1ce4'e5b9U;
        z = (z ^ (z >> 27U)) * 0x94d0'49bb'1331'11ebU;
        return z ^ (z >> 31U);
    }
    /// True for this share of all rolls. Nothing is rolled for a share of zero.
    constexpr bool happens(ppm share) { return share != 0 && roll() % all < share; }

private:
    std::uint64_t state_;
};

/// Losses in bursts after Gilbert and Elliott: a chain of two states, one of which loses packets. Each packet
/// first moves the chain, then is lost or not.
struct burst_settings {
    ppm begins = 0;      ///< from good to bad
    ppm ends = all;      ///< from bad to good: a burst lasts all / ends packets on average
    ppm lost_bad = all;  ///< share that is lost while the state is bad
    ppm lost_good = 0;   ///< share that is lost while it is good
};

/// The chain itself.
class bursts {
public:
    constexpr explicit bursts(const burst_settings& s) : settings_{s} {}
    constexpr bool loses(dice& d) {
        if (settings_.begins == 0 && !bad_) return d.happens(settings_.lost_good);
        bad_ = d.happens(bad_ ? all - settings_.ends : settings_.begins);
        return d.happens(bad_ ? settings_.lost_bad : settings_.lost_good);
    }
    [[nodiscard]] constexpr bool bad() const { return bad_; }

private:
    burst_settings settings_;
    bool bad_ = false;
};

}  // namespace bench
