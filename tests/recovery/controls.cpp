// SPDX-License-Identifier: MIT
// controls.cpp: what holds for every congestion control, whatever it is told.

#include <support/catch.hpp>

#include <tcpfsm/congestion/abe.hpp>
#include <tcpfsm/congestion/cubic.hpp>
#include <tcpfsm/congestion/dctcp.hpp>
#include <tcpfsm/congestion/new_reno.hpp>
#include <tcpfsm/congestion/none.hpp>
#include <tcpfsm/congestion/validated.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

using namespace tcpfsm;
using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t highest = 1U << 30U;

/// A report, from five numbers.
struct told {
    std::uint8_t what;
    std::uint32_t octets;
    std::uint32_t flight;
    std::uint32_t time;
    bool limited;
};

template <class Control>
void obeys_limits(std::uint32_t smss, const std::vector<told>& reports) {
    Control c;
    Control before;
    path p{.smss = smss, .una = seq{0xffff0000}, .nxt = seq{0xffff0000}};
    c.begin(p, false);
    before = c;
    for (const told& t : reports) {
        p.now += std::chrono::microseconds{t.time};
        p.srtt = std::chrono::microseconds{t.time / 2};
        p.rtt = std::chrono::microseconds{t.time / 3};
        p.flight = t.flight % (highest + 1);
        p.una += t.octets % highest;
        p.nxt = p.una + p.flight;
        p.marked = t.octets / 2;
        p.limited = t.limited;
        const std::uint32_t window = c.window();
        switch (t.what % 12) {
        case 0:
            before = c;
            c.lost(p);
            break;
        case 1: c.duplicate(p); break;
        case 2: c.partly_acked(p, t.octets); break;
        case 3: c.recovered(p); break;
        case 4:
            before = c;
            c.timed_out(p, t.limited);
            break;
        case 5: c.was_idle(p); break;
        case 6: c.marked(p); break;
        case 7: c.restore(before, p); break;
        case 8: c.begin(p, t.limited); break;
        default:
            c.acked(p, t.octets);
            RC_ASSERT(c.window() >= window || p.now - time_point{} > 5min);
            break;
        }
        RC_ASSERT(c.window() >= smss);
        RC_ASSERT(c.window() <= highest);
        RC_ASSERT(c.threshold() <= highest);
        RC_ASSERT(c.threshold() >= 2 * smss);
    }
}

template <class Control>
void check_limits(const char* name) {
    rc::prop(name, [] {
        const auto smss = *rc::gen::element<std::uint32_t>(88, 536, 1460, 8960, 65535);
        const auto reports = *rc::gen::container<std::vector<told>>(rc::gen::construct<told>(
            rc::gen::arbitrary<std::uint8_t>(),
            rc::gen::oneOf(rc::gen::inRange<std::uint32_t>(0, 100'000), rc::gen::arbitrary<std::uint32_t>()),
            rc::gen::oneOf(rc::gen::inRange<std::uint32_t>(0, 1'000'000), rc::gen::arbitrary<std::uint32_t>()),
            rc::gen::oneOf(rc::gen::inRange<std::uint32_t>(0, 300'000), rc::gen::arbitrary<std::uint32_t>()),
            rc::gen::arbitrary<bool>()));
        obeys_limits<Control>(smss, reports);
    });
}

}  // namespace

TEST_CASE("congestion controls: never below one segment, never above 2^30, and no ACK takes anything away",
          "[congestion]") {
    check_limits<new_reno>("NewReno");
    check_limits<basic_new_reno<paced_hystart_plus_plus>>("NewReno with HyStart++, paced");
    check_limits<cubic>("CUBIC");
    check_limits<abe<new_reno>>("NewReno with ABE");
    check_limits<abe<cubic>>("CUBIC with ABE");
    check_limits<dctcp>("DCTCP");
    check_limits<validated<new_reno>>("NewReno, validated");
    check_limits<validated<abe<cubic>>>("CUBIC, validated, with ABE");
}

TEST_CASE("no congestion control: the window is as large as can be, whatever happens", "[congestion]") {
    no_congestion_control c;
    const path p{.smss = 1460, .flight = 14600};
    c.begin(p, true);
    c.lost(p);
    c.timed_out(p, true);
    c.marked(p);
    c.was_idle(p);
    CHECK(c.window() == highest);
    CHECK(c.threshold() == highest);
}

TEST_CASE("Reno: a loss that was none leads back to where the window was, without a burst",
          "[congestion][RFC 4015 3]") {
    new_reno c;
    path p{.smss = 1000};
    c.begin(p, false);
    p.flight = 40'000;
    c.lost(p);
    p.flight = 20'000;
    c.recovered(p);
    const new_reno before = c;
    REQUIRE(before.window() == 20'000);
    c.timed_out(p, true);
    p.una = seq{5000};
    p.nxt = seq{20'000};  // five segments of twenty are acknowledged
    auto few = c;
    few.restore(before, p);
    CHECK(few.window() == 15'000 + 5000);
    CHECK(few.threshold() == 20'000);
    p.una = seq{19'000};  // nineteen: more than the first window, which is as much as may go at once
    c.restore(before, p);
    CHECK(c.window() == 1000 + 10'000);
    CHECK(c.threshold() == 20'000);
}
