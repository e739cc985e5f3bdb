// SPDX-License-Identifier: MIT
// world.hpp: the numbers and clocks at which every script runs.
#pragma once

#include <support/catch.hpp>

#include <tcpfsm/seq.hpp>
#include <tcpfsm/time.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

// Scripts speak of relative numbers; a world says where they begin. A test that holds in one world and
// not in another has met a wrap.

namespace tcpfsm::test {

/// Where numbers and time begin.
struct world {
    std::string_view name;
    seq ours{};                     ///< what a script calls 0 in our sequence numbers: the ISS, unless it says more
    seq peers{};                    ///< what a script calls 0 in the peer's
    time_point begin{};             ///< the time when a script begins; whole milliseconds
    std::uint32_t our_stamp = 0;    ///< our timestamp clock when a script begins (a script calls it 1000)
    std::uint32_t peers_stamp = 0;  ///< what a script calls 1000 in the peer's timestamps
};

/// An instant, rounded down to a whole millisecond.
constexpr time_point instant(std::int64_t microseconds) {
    return time_point{duration{microseconds - microseconds % 1000}};
}

inline constexpr world worlds[] = {
    {"all zero", seq{0}, seq{0}, time_point{}, 1000, 1000},
    {"numbers at 2^31 - 1, 32 bits of microseconds about to wrap", seq{0x7fff'ffff}, seq{0x7fff'ffff},
     instant((std::int64_t{1} << 32) - 1'000'000), 0x7fff'fff0, 0x7fff'fff0},
    {"numbers at 2^31, 32 bits of milliseconds about to wrap", seq{0x8000'0000}, seq{0x8000'0000},
     instant(((std::int64_t{1} << 32) * 1000) - 1'000'000), 0x8000'0000, 0x8000'0000},
    {"numbers at 2^32 - 1, timestamps about to wrap, a very large clock", seq{0xffff'ffff}, seq{0xffff'ffff},
     instant(std::int64_t{1} << 60), 0xffff'fc05, 0xffff'fc05},
    {"different numbers", seq{0xdead'beef}, seq{0x7ffe'0007}, instant(1'234'567'000'000), 0x1234'5678, 0xfedc'ba98},
};
inline constexpr std::size_t world_count = sizeof worlds / sizeof *worlds;

/// Any numbers, the same for the same seed.
constexpr world random_world(std::uint32_t seed) {
    std::uint64_t mix = seed;
    const auto next = [&mix] {
        mix = (mix ^ 0x9e37'79b9'7f4a'7c15U) * 0xbf58'476d'1ce4'e5b9U;
        return static_cast<std::uint32_t>(mix >> 31U);
    };
    return {"numbers at random (--rng-seed)", seq{next()}, seq{next()}, instant(next()), next(), next()};
}

/// Calls `script(world)` in every world; true if all answers were. For static_asserts and loops.
template <class F>
constexpr bool everywhere(F script) {
    bool good = true;
    for (const world& w : worlds) {
        if constexpr (requires { static_cast<bool>(script(w)); }) {
            good = script(w) && good;
        } else {
            script(w);
        }
    }
    return good;
}

/// The world of this run of a TEST_CASE: Catch2 runs the case once in each, and once in a random one.
inline world this_world() {
    const std::size_t i = GENERATE(Catch::Generators::range(std::size_t{0}, world_count + 1));
#if CATCH_VERSION_MAJOR >= 3
    return i < world_count ? worlds[i] : random_world(Catch::getSeed());
#else
    return i < world_count ? worlds[i] : random_world(Catch::rngSeed());
#endif
}

}  // namespace tcpfsm::test
