// SPDX-License-Identifier: MIT
// pacer.cpp: how much leaves, and when, at a rate.

#include "support/catch.hpp"

#include <tcpfsm/pacing.hpp>

#include <chrono>
#include <cstdint>

using namespace std::chrono_literals;
using tcpfsm::duration;
using tcpfsm::pacer;
using tcpfsm::time_point;

namespace {

constexpr std::uint32_t smss = 1000;
constexpr std::uint64_t rate = 4'000'000;  // octets a second: a quantum of four segments, 250 us for each

/// All that may leave now, of text that never ends; then it waits.
constexpr std::uint32_t burst(pacer& p, time_point now, std::uint64_t at = rate) {
    std::uint32_t octets = 0;
    for (; p.open(now); octets += smss) p.sent(smss, at, smss, now);
    p.wait(true);
    return octets;
}
/// Whether a second carries so much, but for the last burst, if each wake-up is so late.
constexpr bool carries(std::uint64_t expected, duration late, std::uint64_t at = rate) {
    pacer p;
    std::uint64_t octets = 0;
    for (time_point now{1s}; now < time_point{2s}; now = p.release() + late) octets += burst(p, now, at);
    return octets >= expected - 8 * smss && octets <= expected + 8 * smss;
}

constexpr time_point begin{10s};

constexpr bool a_quantum_then_its_time() {
    pacer p;
    return burst(p, begin) == 4 * smss && p.release() == begin + 1ms && !p.open(begin + 999us) && p.open(begin + 1ms);
}
static_assert(a_quantum_then_its_time());

// What a caller was late is made up for.
constexpr bool late(duration by, std::uint32_t octets, duration next) {
    pacer p;
    (void)burst(p, begin);
    return burst(p, begin + 1ms + by) == octets && p.release() == begin + 1ms + next;
}
static_assert(late(0us, 4 * smss, 1ms));
static_assert(late(500us, 6 * smss, 1500us), "what the time allowed");
static_assert(late(1ms, 8 * smss, 2ms), "and another quantum if it is time for both");
static_assert(late(7ms, 8 * smss, 8ms), "but no third for the rest");
static_assert(carries(rate, 0us) && carries(rate, 700us) && carries(rate, 1ms));
static_assert(carries(rate / 2, 3ms), "later than that, it costs");

// At a low rate a quantum is a segment, and lasts for longer than a millisecond.
static_assert(carries(100'000, 0us, 100'000) && carries(100'000, 9ms, 100'000) && carries(50'000, 30ms, 100'000));

// A time without text, or without room for it, is none of waiting.
constexpr bool nothing_to_send_is_no_debt() {
    pacer p;
    (void)burst(p, begin);
    p.wait(false);
    const time_point later = begin + 5ms;
    return burst(p, later) == 4 * smss && p.release() == later + 1ms;
}
static_assert(nothing_to_send_is_no_debt());

// 8 us and a third for each segment: no third is lost.
constexpr bool exact() {
    pacer p;
    for (int i = 0; i < 3000; ++i) p.sent(smss, 120'000'000, smss, begin);
    return p.release() - begin <= 25'000us && p.release() - begin >= 24'999us;
}
static_assert(exact());

constexpr bool as_fast_as_it_likes() {
    pacer p;
    (void)burst(p, begin);
    p.sent(smss, 0, smss, begin);
    return p == pacer{} && p.open(begin);
}
static_assert(as_fast_as_it_likes());

}  // namespace

TEST_CASE("Pacing: a quantum at a time, and what a caller was late is made up for, but not a pause",
          "[recovery][9002-1]") {
    CHECK(a_quantum_then_its_time());
    CHECK(late(500us, 6 * smss, 1500us));
    CHECK(late(7ms, 8 * smss, 8ms));
    CHECK(carries(rate, 700us));
    CHECK(carries(50'000, 30ms, 100'000));
    CHECK(nothing_to_send_is_no_debt());
    CHECK(exact());
}

TEST_CASE("Pacing: whatever the wake-ups, no more than the rate and two quanta", "[recovery][9002-1]") {
    rc::prop("no stretch of time has more", [](const std::vector<std::uint16_t>& waits, std::uint32_t r) {
        const std::uint64_t at = 1000 + r % 200'000'000;
        const std::uint64_t quantum = std::clamp<std::uint64_t>(at / 1000, smss, 1U << 16U) + smss;
        pacer p;
        time_point now = begin;
        std::uint64_t octets = 0;
        for (const std::uint16_t wait : waits) {
            now += duration{wait};
            octets += burst(p, now, at);
            const auto since = static_cast<std::uint64_t>((now - begin).count());
            RC_ASSERT(octets <= at * since / 1'000'000 + 2 * quantum);
        }
    });
}
