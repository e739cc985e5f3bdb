// SPDX-License-Identifier: MIT
// abe.cpp: alternative backoff with ECN (RFC 8511).

#include <support/catch.hpp>

#include <tcpfsm/congestion/abe.hpp>

#include <cstdint>

using namespace tcpfsm;

namespace {

constexpr path flight_of(std::uint32_t segments) { return {.smss = 1000, .flight = segments * 1000}; }

template <class Control>
constexpr Control begun() {
    Control c;
    c.begin(flight_of(0), false);
    return c;
}
/// What a mark leaves of so many segments, in octets: window and threshold.
template <class Control>
constexpr bool mark_leaves(std::uint32_t segments, std::uint32_t window, std::uint32_t threshold) {
    auto c = begun<Control>();
    c.marked(flight_of(segments));
    return c.window() == window && c.threshold() == threshold;
}
template <class Control>
constexpr bool loss_leaves(std::uint32_t segments, std::uint32_t threshold) {
    auto c = begun<Control>();
    c.lost(flight_of(segments));
    return c.threshold() == threshold;
}

}  // namespace

TEST_CASE("abe: a mark leaves four fifths by Reno, and 85 of a hundred by CUBIC", "[congestion][8511-1]") {
    STATIC_REQUIRE(mark_leaves<new_reno>(100, 50'000, 50'000));
    STATIC_REQUIRE(mark_leaves<cubic>(100, 70'000, 70'000));
    CHECK(mark_leaves<abe<new_reno>>(100, 80'000, 80'000));
    CHECK(mark_leaves<abe<cubic>>(100, 85'000, 85'000));
    CHECK(mark_leaves<abe<new_reno>>(1, 1000, 2000));
    CHECK(mark_leaves<abe<cubic>>(1, 1000, 2000));
}

TEST_CASE("abe: a loss, and a timeout, leave what they always leave", "[congestion][8511-2]") {
    CHECK(loss_leaves<abe<new_reno>>(100, 50'000));
    CHECK(loss_leaves<abe<cubic>>(100, 70'000));
    auto c = begun<abe<new_reno>>();
    c.timed_out(flight_of(100), true);
    CHECK(c.window() == 1000);
    CHECK(c.threshold() == 50'000);
}

TEST_CASE("abe: a mark ends the slow start that HyStart++ watches", "[congestion][9406-4]") {
    auto c = begun<abe<basic_new_reno<hystart_plus_plus>>>();
    c.marked(flight_of(100));
    c.timed_out(flight_of(100), true);
    c.acked(flight_of(100), 8000);
    CHECK(c.window() == 2000);  // one segment an acknowledgment, not eight
}
