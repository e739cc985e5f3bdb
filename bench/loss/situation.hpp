// SPDX-License-Identifier: MIT
// situation.hpp: the paths of the grid, and what one transfer over one of them came to.
#pragma once

#include "controls.hpp"
#include "simulation.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// What else a path does, beside the losses and delays of the grid.
enum class twist : std::uint8_t { none, bursts, doubles, codel, marks };
inline constexpr const char* twist_names[] = {"none", "bursts", "doubles", "codel", "marks"};

/// One path.
struct situation {
    unsigned rtt_ms = 20;
    unsigned rate_mbit = 100;
    ppm loss = 0;
    ppm late = 0;
    twist also = twist::none;

    [[nodiscard]] std::uint64_t bdp() const { return std::uint64_t{rate_mbit} * rtt_ms * 125; }
    /// A queue of one BDP, and of no less than 32 packets.
    [[nodiscard]] std::uint64_t queue() const { return std::max<std::uint64_t>(bdp(), 32 * 1500); }
    /// Twice what can be on the way.
    [[nodiscard]] std::uint32_t buffer() const {
        const std::uint64_t most = std::max<std::uint64_t>(2 * (bdp() + queue()), 256 * 1024);
        return static_cast<std::uint32_t>(std::min<std::uint64_t>(most, 1U << 30U));
    }
    /// Ten seconds and a hundred round trips.
    [[nodiscard]] nanos lasts() const {
        return std::chrono::seconds{10} + 100 * nanos{std::chrono::milliseconds{rtt_ms}};
    }
    /// The way of the data: half of the round trip, and all that goes wrong. Late is a quarter of a round trip late.
    [[nodiscard]] link_settings forward(std::uint64_t seed) const {
        const nanos rtt = std::chrono::milliseconds{rtt_ms};
        link_settings s{.rate = std::uint64_t{rate_mbit} * 1'000'000,
                        .delay = rtt / 2,
                        .queue = queue(),
                        .loss = loss,
                        .late = late,
                        .late_by = rtt / 4,
                        .seed = seed};
        if (also == twist::bursts) s.burst = {.begins = 1'263, .ends = 125'000};  // 1 % in bursts of 8
        if (also == twist::doubles) s.twice = 10'000;
        if (also == twist::codel || also == twist::marks) s.keeps = discipline::codel;
        return s;
    }
    /// The way of the ACKs: the same rate, nothing goes wrong.
    [[nodiscard]] link_settings back() const {
        return {.rate = std::uint64_t{rate_mbit} * 1'000'000,
                .delay = nanos{std::chrono::milliseconds{rtt_ms}} / 2,
                .queue = 1U << 30U};
    }
    /// Such as "20ms/100Mbit/0.01%/1%".
    [[nodiscard]] std::string name() const {
        char text[96];
        const auto percent = [](ppm p) { return static_cast<double>(p) / 1e4; };
        std::snprintf(text, sizeof text, "%ums/%uMbit/%g%%/%g%%", rtt_ms, rate_mbit, percent(loss), percent(late));
        std::string out{text};
        if (also != twist::none) out.append("/").append(twist_names[static_cast<std::size_t>(also)]);
        return out;
    }
};

/// The paths that are tried; `quick`: a selection.
inline std::vector<situation> paths(bool quick) {
    std::vector<situation> out;
    for (const unsigned rtt : {1U, 20U, 100U, 300U}) {
        for (const unsigned rate : {10U, 100U, 1000U}) {
            for (const ppm loss : {0U, 100U, 1'000U, 10'000U, 50'000U}) {
                for (const ppm late : {0U, 10'000U, 100'000U}) {
                    if (quick && (rtt == 1 || rtt == 300) && rate == 1000) continue;
                    out.push_back({rtt, rate, loss, late});
                }
            }
        }
    }
    for (const twist t : {twist::bursts, twist::doubles, twist::codel, twist::marks}) {
        for (const unsigned rtt : {20U, 100U}) out.push_back({rtt, 100, 0, 0, t});
    }
    return out;
}

/// Such as "new_reno/20ms/100Mbit/0.01%/1%".
inline std::string name_of(const control& by, const situation& path) {
    std::string name{by.name};
    return name.append("/").append(path.name());
}

/// What became of one transfer.
struct outcome {
    flow_counts tcp{};
    link_counts link{};
    double fraction = 0;  ///< of the link's rate, that was text in order at the receiver
};

/// The simulation of one transfer, before its first event.
inline simulation prepare(const situation& path, const control& by, std::uint64_t seed) {
    simulation s{path.forward(seed)};
    const auto ecn = path.also == twist::marks ? tcpfsm::ecn_wish::ask : tcpfsm::ecn_wish::refuse;
    s.add(by.make(path.buffer(), ecn), path.back());
    return s;
}

inline outcome transfer(const situation& path, const control& by, std::uint64_t seed) {
    simulation s = prepare(path, by, seed);
    s.run(path.lasts());
    const double bits = 8.0 * static_cast<double>(s.of(0).counts.delivered);
    const double could = std::chrono::duration<double>(path.lasts()).count() * path.rate_mbit * 1e6;
    return {s.of(0).counts, s.bottleneck().counts(), bits / could};
}

}  // namespace bench
