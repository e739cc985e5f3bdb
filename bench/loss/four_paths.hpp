// SPDX-License-Identifier: MIT
// four_paths.hpp: the paths on which TCPs of others are measured beside ours, simulated and through the relay.
#pragma once

#include "link.hpp"

#include <chrono>
#include <cstdint>

namespace bench {

/// 100 Mbit/s, 20 ms there and back, 256 KiB of drop tail; what goes wrong goes wrong on the way of the data.
struct named_path {
    const char* name;
    ppm loss;
    ppm late;
};
inline constexpr named_path four_paths[] = {
    {"clean", 0, 0}, {"loss1", 10'000, 0}, {"loss5", 50'000, 0}, {"late5", 0, 50'000}};

inline constexpr std::uint64_t path_rate = 100'000'000;
inline constexpr nanos path_delay = std::chrono::milliseconds{10};

inline link_settings way_there(const named_path& p, std::uint64_t seed) {
    return {.rate = path_rate,
            .delay = path_delay,
            .queue = 256 * 1024,
            .loss = p.loss,
            .late = p.late,
            .late_by = std::chrono::milliseconds{5},
            .seed = seed};
}
inline link_settings way_back() { return {.rate = path_rate, .delay = path_delay, .queue = 1U << 24U}; }

}  // namespace bench
