// SPDX-License-Identifier: MIT
// simulation_test.cpp: what the simulation of bench/loss counts, where one can know it beforehand.

#include "support/catch.hpp"

#include "../../bench/loss/simulation.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

using namespace std::chrono_literals;
using bench::nanos;

namespace {

using flow = bench::bulk<bench::server<tcpfsm::new_reno>>;

bench::simulation one_flow(const bench::link_settings& there, std::uint32_t buffer = 1U << 20U,
                           const bench::link_settings& back = {.delay = 10ms, .queue = 1U << 24U}) {
    bench::simulation s{there};
    s.add(std::make_unique<flow>(buffer, tcpfsm::ecn_wish::refuse), back);
    return s;
}

}  // namespace

TEST_CASE("simulation: without loss and with room, the link is full but for its headers", "[bench]") {
    auto s = one_flow({.rate = 10'000'000, .delay = 10ms, .queue = 1U << 24U}, 1U << 18U);
    s.run(3s);
    const std::uint64_t before = s.of(0).counts.delivered;
    s.run(13s);
    // 1448 of 1500 octets are text.
    const double rate = static_cast<double>(s.of(0).counts.delivered - before) * 8 / 10;
    CHECK(std::abs(rate / (10e6 * 1448 / 1500) - 1) < 0.001);
    CHECK(s.of(0).counts.again == 0);
    CHECK(s.of(0).counts.timeouts == 0);
}

TEST_CASE("simulation: a window that is smaller than the path sends itself once in a round trip", "[bench]") {
    auto s = one_flow({.rate = 1'000'000'000, .delay = 90ms, .queue = 1U << 24U}, 45 * 1448);
    s.run(2s);
    const std::uint64_t before = s.of(0).counts.delivered;
    s.run(22s);
    // 100 ms, and less than 2 ms for putting a window on the wire; ACKs are not delayed.
    const double windows = static_cast<double>(s.of(0).counts.delivered - before) / (45 * 1448);
    CHECK(windows <= 200);
    CHECK(windows > 190);
}

TEST_CASE("simulation: a timeout is spurious if what it waits for is on its way, and not if it was lost", "[bench]") {
    auto late = one_flow({.rate = 10'000'000, .delay = 2s});  // the first RTO is one second
    late.run(3s);
    CHECK(late.of(0).counts.timeouts == 1);
    CHECK(late.of(0).counts.spurious == 1);

    auto lost = one_flow({.rate = 10'000'000, .delay = 10ms, .loss = bench::all});
    lost.run(8s);  // after 1, 3 and 7 seconds
    CHECK(lost.of(0).counts.timeouts == 3);
    CHECK(lost.of(0).counts.spurious == 0);

    // It has arrived, and the ACK is on its way.
    auto answered = one_flow({.rate = 10'000'000, .delay = 10ms}, 1U << 20U, {.delay = 2s});
    answered.run(2s);
    CHECK(answered.of(0).counts.timeouts == 1);
    CHECK(answered.of(0).counts.spurious == 1);
}

TEST_CASE("simulation: what comes to a receiver that has it is needless", "[bench]") {
    auto clean = one_flow({.rate = 10'000'000, .delay = 10ms, .queue = 1U << 24U}, 1U << 17U);
    clean.run(5s);
    CHECK(clean.of(0).counts.needless == 0);

    // Nothing is lost: whatever was sent again was sent in vain. Some of it is still on its way.
    auto late =
        one_flow({.rate = 10'000'000, .delay = 10ms, .queue = 1U << 24U, .late = 50'000, .late_by = 30ms}, 1U << 17U);
    late.run(5s);
    CHECK(late.of(0).counts.again > 0);
    CHECK(late.of(0).counts.needless <= late.of(0).counts.again);
    CHECK(late.of(0).counts.needless + 100 > late.of(0).counts.again);

    // What the link doubles arrives twice.
    auto twice = one_flow({.rate = 10'000'000, .delay = 10ms, .queue = 1U << 24U, .twice = 100'000}, 1U << 17U);
    twice.run(5s);
    const auto doubled = twice.bottleneck().counts().twice;
    CHECK(doubled > 100);
    CHECK(twice.of(0).counts.needless + 50 > doubled);
}

TEST_CASE("simulation: the same seed comes to the same", "[bench]") {
    const auto run = [](std::uint64_t seed) {
        auto s =
            one_flow({.rate = 10'000'000, .delay = 10ms, .loss = 10'000, .late = 10'000, .late_by = 5ms, .seed = seed});
        s.run(5s);
        return s.of(0).counts;
    };
    const bench::flow_counts a = run(1), b = run(1), c = run(2);
    CHECK(a.delivered == b.delivered);
    CHECK(a.segments == b.segments);
    CHECK(a.needless == b.needless);
    CHECK(a.segments != c.segments);
}

TEST_CASE("simulation: with ECN a queue that marks loses nothing, and the sender slows down", "[bench]") {
    bench::simulation s{{.rate = 10'000'000, .delay = 10ms, .queue = 1U << 24U, .mark_above = 30'000}};
    s.add(std::make_unique<flow>(1U << 20U, tcpfsm::ecn_wish::ask), {.delay = 10ms, .queue = 1U << 24U});
    std::uint64_t longest = 0;
    s.run(2s);
    s.every(10ms, [&](nanos) { longest = std::max(longest, s.bottleneck().octets_waiting()); });
    s.run(20s);
    CHECK(s.bottleneck().counts().marked > 3);
    CHECK(s.of(0).counts.again == 0);
    CHECK(longest < 60'000);  // else the whole buffer would wait there
    CHECK(s.of(0).counts.delivered > 20'000'000);
}

TEST_CASE("simulation: flows begin when they are told to, and share what there is", "[bench]") {
    bench::simulation s{{.rate = 10'000'000, .delay = 1ms, .queue = 1U << 24U}};
    for (int i = 0; i < 2; ++i)
        s.add(std::make_unique<flow>(1U << 16U, tcpfsm::ecn_wish::refuse), {.delay = 9ms, .queue = 1U << 24U}, i * 5s);
    s.run(5s);
    CHECK(s.of(0).counts.delivered > 5'000'000);
    CHECK(s.of(1).counts.delivered == 0);
    const std::uint64_t before = s.of(0).counts.delivered;
    s.run(15s);
    // Equal windows, equal round trips, and a queue that loses nothing: equal shares.
    const auto first = static_cast<double>(s.of(0).counts.delivered - before);
    const auto second = static_cast<double>(s.of(1).counts.delivered);
    CHECK(std::abs(first / second - 1) < 0.05);
}
