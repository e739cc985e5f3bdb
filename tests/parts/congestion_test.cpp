// SPDX-License-Identifier: MIT
// congestion_test.cpp: the windows of RFC 5681, 6582 and 6928, and recovery by duplicate ACKs.

#include "support/catch.hpp"

#include <tcpfsm/congestion/new_reno.hpp>
#include <tcpfsm/recovery/fast_retransmit.hpp>

#include <array>

using tcpfsm::fast_retransmit;
using tcpfsm::new_reno;
using tcpfsm::path;
using tcpfsm::seq;
using finding = tcpfsm::fast_retransmit::finding;

namespace {

// RFC 6928 section 2.
static_assert(new_reno::initial_window(512) == 5120 && new_reno::initial_window(536) == 5360);
static_assert(new_reno::initial_window(1095) == 10950 && new_reno::initial_window(1220) == 12200);
static_assert(new_reno::initial_window(1448) == 14480 && new_reno::initial_window(1460) == 14600);
static_assert(new_reno::initial_window(2191) == 14600 && new_reno::initial_window(4312) == 14600);
static_assert(new_reno::initial_window(8960) == 17920);

constexpr new_reno begun(std::uint32_t smss, bool syn_lost = false) {
    new_reno c;
    c.begin({smss, 0}, syn_lost);
    return c;
}
static_assert(begun(1000).window() == 10000 && begun(1000, true).window() == 1000,
              "one segment after the loss of a SYN");

// Slow start: at most one segment an ACK, however much it acknowledges.
constexpr std::uint32_t after_ack(std::uint32_t octets, std::uint32_t flight) {
    new_reno c = begun(1000);
    c.acked({.smss = 1000, .flight = flight, .limited = false}, octets);
    return c.window();
}
static_assert(after_ack(300, 10000) == 10300 && after_ack(1000, 10000) == 11000 && after_ack(5000, 10000) == 11000);
static_assert(after_ack(1000, 4999) == 10000, "a window that is not used is not tried");

// Fast retransmit and recovery, with FlightSize 10000.
constexpr bool recovers() {
    new_reno c = begun(1000);
    c.lost({1000, 10000});
    if (c.threshold() != 5000 || c.window() != 8000) return false;
    c.duplicate({1000, 10000});
    if (c.window() != 9000) return false;
    c.partly_acked({1000, 10000}, 3000);
    if (c.window() != 9000 - 3000 + 1000) return false;
    c.recovered({1000, 2000});
    return c.window() == 3000;  // min(ssthresh, max(FlightSize, SMSS) + SMSS)
}
static_assert(recovers());

// What was counted towards another segment outlives a loss, but makes no more than that one.
constexpr bool counts_on() {
    new_reno c = begun(1000);
    c.lost({1000, 40000});
    c.recovered({1000, 40000});
    for (int i = 0; i < 19; ++i) c.acked({1000, 20000}, 1000);
    c.lost({1000, 20000});
    c.recovered({1000, 20000});
    if (c.window() != 10000) return false;
    c.acked({1000, 10000}, 1000);
    if (c.window() != 11000) return false;
    for (int i = 0; i < 9; ++i) c.acked({1000, 11000}, 1000);
    return c.window() == 11000;
}
static_assert(counts_on());

constexpr std::uint32_t threshold_after_loss(std::uint32_t flight) {
    new_reno c = begun(1000);
    c.lost({1000, flight});
    return c.threshold();
}
static_assert(threshold_after_loss(3000) == 2000, "never below two segments");

constexpr bool times_out() {
    new_reno c = begun(1000);
    c.timed_out({1000, 10000}, true);
    if (c.window() != 1000 || c.threshold() != 5000) return false;
    c.timed_out({1000, 1000}, false);  // the same segment again: ssthresh stays (RFC 5681 3.1)
    return c.threshold() == 5000;
}
static_assert(times_out());

// Duplicate ACKs of a connection whose first text, from ISS + 1, is lost.
constexpr bool third_duplicate_tells_loss() {
    fast_retransmit r;
    const seq iss{0xfffffff0};
    r.begin(iss);
    const seq una = iss + 1;
    return r.duplicate(una, una + 5000) == finding::none && r.duplicate(una, una + 5000) == finding::none &&
           r.duplicate(una, una + 5000) == finding::loss && r.duplicate(una, una + 5000) == finding::duplicate &&
           r.advanced(una + 1000) == finding::partial && r.first_partial() && !r.first_partial() &&
           r.advanced(una + 5000) == finding::full && !r.active();
}
static_assert(third_duplicate_tells_loss());

// RFC 6582 3.2: duplicates for what was sent before the timeout do not start another recovery.
constexpr bool a_timeout_ends_recovery() {
    fast_retransmit r;
    r.begin(seq{0});
    r.timed_out(seq{5001});
    for (int i = 0; i < 10; ++i) {
        if (r.duplicate(seq{2001}, seq{6001}) != finding::none) return false;
    }
    return !r.active();
}
static_assert(a_timeout_ends_recovery());

}  // namespace

TEST_CASE("congestion avoidance: one segment for each window acknowledged", "[RFC 5681][MUST-19][5681-9]") {
    new_reno c = begun(1000);
    c.lost({1000, 20000});
    c.recovered({1000, 20000});
    REQUIRE(c.window() == c.threshold());
    const std::uint32_t before = c.window();
    for (std::uint32_t sent = 0; sent < before; sent += 1000) c.acked({1000, before}, 1000);
    CHECK(c.window() == before + 1000);
}

TEST_CASE("congestion window: never wraps, never below one segment", "[RFC 5681][MUST-19]") {
    rc::prop("whatever is reported in whatever order",
             [](const std::vector<std::pair<std::uint8_t, std::uint32_t>>& reports) {
                 new_reno c = begun(1460);
                 for (const auto& [what, octets] : reports) {
                     const path p{1460, octets % (1U << 30U)};
                     switch (what % 8) {
                     case 0: c.lost(p); break;
                     case 1: c.duplicate(p); break;
                     case 2: c.partly_acked(p, octets); break;
                     case 3: c.recovered(p); break;
                     case 4: c.timed_out(p, octets % 2 == 0); break;
                     case 5: c.was_idle(p); break;
                     default: c.acked(p, octets); break;
                     }
                     RC_ASSERT(c.window() >= 1460U);
                     RC_ASSERT(c.window() <= 1U << 30U);
                 }
             });
}

TEST_CASE("duplicate ACKs: seventy thousand are one loss", "[RFC 5681]") {
    fast_retransmit r;
    r.begin(seq{0});
    unsigned losses = 0;
    for (int i = 0; i < 70'000; ++i) losses += r.duplicate(seq{1}, seq{10'001}) == finding::loss ? 1U : 0U;
    CHECK(losses == 1);
}
