// SPDX-License-Identifier: MIT
// hystart.cpp: HyStart++ (RFC 9406), on a link whose queue fills, and round by round.

#include <support/catch.hpp>

#include <tcpfsm/congestion/cubic.hpp>
#include <tcpfsm/congestion/new_reno.hpp>
#include <tcpfsm/congestion/slow_start.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>

using namespace tcpfsm;
using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t mss = 1500;

/// Rounds of eight acknowledgments, each of which measures a round trip. Sequence numbers pass 2^32.
template <class SlowStart>
struct rounds {
    SlowStart s{};
    path p{.smss = mss, .una = seq{0xfffffff4}, .nxt = seq{0xfffffffc}};
    std::uint32_t last = 0;  ///< what the last acknowledgment adds to the window

    constexpr rounds() { s.begin(p); }
    constexpr void round(duration rtt, std::uint32_t octets = mss) {
        for (int i = 0; i < 8; ++i) acknowledge(rtt, octets);
    }
    constexpr void acknowledge(duration rtt, std::uint32_t octets = mss) {
        p.una += 1;
        p.nxt += 1;
        p.rtt = rtt;
        last = s.growth(p, octets);
    }
};

constexpr bool slows_down(duration last_round, duration this_round, std::uint32_t samples = 8) {
    rounds<hystart_plus_plus> r;
    r.round(last_round);
    for (std::uint32_t i = 0; i < samples; ++i) r.acknowledge(this_round);
    return r.s.conservative();
}

// 4.3: an eighth of the round trip, between 4 and 16 ms.
static_assert(!slows_down(10ms, 13999us) && slows_down(10ms, 14ms));
static_assert(!slows_down(32ms, 35999us) && slows_down(32ms, 36ms));
static_assert(!slows_down(40ms, 44999us) && slows_down(40ms, 45ms));
static_assert(!slows_down(100ms, 112400us) && slows_down(100ms, 112500us));
static_assert(!slows_down(128ms, 143999us) && slows_down(128ms, 144ms));
static_assert(!slows_down(400ms, 415999us) && slows_down(400ms, 416ms));
static_assert(!slows_down(100ms, 200ms, 7) && slows_down(100ms, 200ms, 8));

/// What an acknowledgment of twenty segments adds, before and after the round trip has grown.
template <class SlowStart>
constexpr bool adds(std::uint32_t before, std::uint32_t after) {
    rounds<SlowStart> r;
    r.round(100ms, 20 * mss);
    const bool fast = r.last == before * mss && !r.s.conservative();
    r.round(150ms, 20 * mss);
    return fast && r.s.conservative() && r.last == after * mss;
}
static_assert(adds<hystart_plus_plus>(8, 2) && adds<paced_hystart_plus_plus>(20, 5));

/// In how many rounds of a round trip that has grown slow start is over, the one in which it grew counted.
constexpr int rounds_until_over() {
    rounds<hystart_plus_plus> r;
    r.round(100ms);
    int n = 0;
    for (; n < 20 && !r.s.over(); ++n) r.round(150ms);
    return n;
}
static_assert(rounds_until_over() == 5);

}  // namespace

TEST_CASE("hystart++: the round trip must grow by an eighth, between 4 and 16 ms", "[congestion][9406-1][9406-5]") {
    CHECK(!slows_down(10ms, 13999us));
    CHECK(slows_down(10ms, 14ms));
    CHECK(!slows_down(100ms, 112400us));
    CHECK(slows_down(100ms, 112500us));
    CHECK(!slows_down(400ms, 415999us));
    CHECK(slows_down(400ms, 416ms));
    CHECK(!slows_down(100ms, 200ms, 7));
    CHECK(rounds_until_over() == 5);
}

TEST_CASE("hystart++: eight segments an acknowledgment, two once the round trip has grown, whatever paces takes all",
          "[congestion][9406-2][9406-3]") {
    CHECK(adds<hystart_plus_plus>(8, 2));
    CHECK(adds<paced_hystart_plus_plus>(20, 5));
}

TEST_CASE("hystart++: growth in octets is not more than the window that is left below the threshold", "[congestion]") {
    basic_new_reno<hystart_plus_plus> c;
    path p{.smss = mss, .flight = 40 * mss};
    c.begin(p, false);
    c.timed_out(p, true);
    CHECK(c.threshold() == 20 * mss);
    for (int i = 0; i < 19; ++i) c.acked(p, mss - 1);
    CHECK(c.window() == 20 * mss - 19);
    c.acked(p, 8 * mss);
    CHECK(c.window() == 20 * mss);
}

namespace {

/// A flow in slow start on a link of this many octets a round trip: what exceeds them waits in a queue, and each
/// acknowledgment tells how long.
struct link_ahead {
    std::uint32_t octets;
    duration rtt;
    duration jitter{};

    /// The most by which one round of slow start makes the window grow once it is twice what the link holds.
    template <class Control>
    double growth_beyond(Control& c) const {
        path p{.smss = mss, .flight = 0, .srtt = rtt};
        c.begin(p, false);
        seq una{1000};
        double most = 0;
        while (c.window() < c.threshold() && c.window() < 16 * octets) {
            const std::uint32_t segments = c.window() / mss;
            const std::uint32_t flight = segments * mss;
            for (std::uint32_t i = 1; i <= segments; ++i) {
                const std::int64_t over = std::int64_t{c.window()} - octets;  // acknowledgments clock what is sent
                const duration queued = rtt * std::max<std::int64_t>(over, 0) / octets;
                p.rtt = rtt + queued + jitter * (i % 3);
                p.flight = flight;
                una += mss;
                p.una = una;
                p.nxt = una + flight;
                p.now += p.rtt / segments;
                c.acked(p, mss);
            }
            if (flight > 2 * octets) most = std::max(most, static_cast<double>(c.window()) / flight);
        }
        return most;
    }
};

}  // namespace

TEST_CASE("hystart++: slow start grows by a quarter once a queue fills, and ends by itself",
          "[congestion][9406-1][9406-2]") {
    for (const duration rtt : {duration{20ms}, duration{100ms}, duration{300ms}}) {
        for (const std::uint32_t segments : {100U, 1000U, 8000U}) {
            INFO(segments << " segments, " << rtt.count() << " us");
            const link_ahead link{segments * mss, rtt, 100us};
            basic_cubic<hystart_plus_plus> mindful;
            basic_cubic<standard_slow_start> blind;
            CHECK(link.growth_beyond(mindful) < 1.3);
            CHECK(mindful.window() >= mindful.threshold());
            CHECK(mindful.window() < 8 * link.octets);
            CHECK(link.growth_beyond(blind) > 1.9);
        }
    }
}

TEST_CASE("hystart++: a round trip that grows once and shrinks again does not end slow start", "[congestion][9406-1]") {
    basic_new_reno<hystart_plus_plus> c;
    path p{.smss = mss, .flight = 0, .srtt = 50ms};
    c.begin(p, false);
    for (int round = 0; round < 8; ++round) {
        const std::uint32_t segments = c.window() / mss;
        for (std::uint32_t i = 0; i < segments; ++i) {
            p.rtt = round == 3 ? 90ms : 50ms;
            p.flight = c.window();
            p.una += mss;
            p.nxt = p.una + c.window();
            c.acked(p, mss);
        }
    }
    CHECK(c.window() < c.threshold());
    CHECK(c.window() > 500 * mss);
}

TEST_CASE("hystart++ is for the initial slow start alone", "[congestion][9406-4]") {
    rounds<hystart_plus_plus> r;
    r.round(50ms);
    r.s.stop();
    for (duration rtt = 50ms; rtt < 1s; rtt += 50ms) {
        r.round(rtt, 8 * mss);
        CHECK(r.last == mss);
        CHECK_FALSE(r.s.conservative());
    }
    CHECK_FALSE(r.s.over());
}

TEST_CASE("hystart++: seven round trips are not enough to tell", "[congestion][9406-5]") {
    hystart_plus_plus s;
    path p{.smss = mss, .flight = 100 * mss, .rtt = 50ms, .nxt = seq{8}};
    s.begin(p);
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 7; ++i) {
            p.una += 1;
            CHECK(s.growth(p, mss) == mss);
        }
        p.una = p.nxt;  // the eighth of a round measures nothing
        p.nxt += 8;
        const duration rtt = p.rtt;
        p.rtt = {};
        CHECK(s.growth(p, mss) == mss);
        p.rtt = rtt + 30ms;
    }
    CHECK_FALSE(s.conservative());
}
