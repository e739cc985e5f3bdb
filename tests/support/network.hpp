// SPDX-License-Identifier: MIT
// network.hpp: a network that loses, delays, reorders and repeats, the same way for the same seed.
#pragma once

#include <support/pair.hpp>

#include <cstdint>

namespace tcpfsm::test {

/// How bad a network is. Chances are in percent.
struct weather {
    std::uint32_t loss = 0;
    std::uint32_t repeat = 0;
    duration least = std::chrono::milliseconds{10};  ///< the shortest way
    duration spread = std::chrono::milliseconds{0};  ///< up to so much longer, so that segments overtake
    std::uint32_t spares_after = 1'000'000;          ///< nothing is lost any more after so many segments
};

/// Numbers that look random, the same for the same seed (splitmix64).
class dice {
public:
    constexpr explicit dice(std::uint64_t seed) : state_{seed} {}
    constexpr std::uint64_t roll() {
        std::uint64_t z = (state_ += 0x9e37'79b9'7f4a'7c15U);
        z = (z ^ (z >> 30U)) * 0xbf58'476d'1ce4'e5b9U;
        z = (z ^ (z >> 27U)) * 0x94d0'49bb'1331'11ebU;
        return z ^ (z >> 31U);
    }
    /// One of 0 to `n` - 1.
    constexpr std::uint32_t below(std::uint32_t n) { return n == 0 ? 0 : static_cast<std::uint32_t>(roll() % n); }
    constexpr bool percent(std::uint32_t chance) { return below(100) < chance; }

private:
    std::uint64_t state_;
};

/// A network for `pair`.
class network {
public:
    constexpr network(std::uint64_t seed, const weather& w) : dice_{seed}, weather_{w} {}
    constexpr fate operator()(std::uint32_t number, const segment&) {
        const bool kind = number > weather_.spares_after;
        if (!kind && dice_.percent(weather_.loss)) return {};
        if (dice_.percent(weather_.repeat)) return {delay(), delay()};
        return {delay()};
    }

private:
    constexpr duration delay() {
        return weather_.least + duration{dice_.below(static_cast<std::uint32_t>(weather_.spread.count()) + 1)};
    }
    dice dice_;
    weather weather_;
};

}  // namespace tcpfsm::test
