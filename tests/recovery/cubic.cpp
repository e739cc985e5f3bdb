// SPDX-License-Identifier: MIT
// cubic.cpp: CUBIC (RFC 9438) and HyStart++ (RFC 9406), on paths that lose and queue as the RFCs' examples do.

#include "support/catch.hpp"

#include <tcpfsm/congestion/cubic.hpp>
#include <tcpfsm/congestion/new_reno.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdint>

using namespace tcpfsm;
using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t mss = 1500;

// 4.2: the curve begins where it is put, is flat at its origin after K = cbrt((W_max - cwnd) / C) seconds, and goes on
// beyond.
constexpr auto curve = cubic_curve::through(70 * mss, 100 * mss, mss);
static_assert(curve.k == 4318, "cbrt(30 / 0.4) = 4.217 s, in 1/1024 s");
static_assert(curve.at(0s, mss) / mss == 70 || curve.at(0s, mss) / mss == 69);
static_assert(curve.at(4217ms, mss) == 100 * mss);
static_assert(curve.at(8434ms, mss) / mss == 129 || curve.at(8434ms, mss) / mss == 130);
static_assert(curve.at(forever, mss) <= std::uint32_t{1} << 30U && curve.at(-1s, mss) == curve.at(0s, mss));

/// One flow alone on a path that loses every `every`-th segment and never queues. The average window, in segments.
template <class Control>
double average_window(duration rtt, std::uint64_t every, double begin_at, std::uint64_t losses) {
    Control c;
    time_point now{};
    path p{.smss = mss, .flight = 0, .now = now, .srtt = rtt};
    c.begin(p, false);
    // To where it will be, at once: slow start, then a loss.
    while (c.window() < begin_at * mss) {
        p.flight = c.window();
        c.acked(p, mss);
    }
    std::uint64_t until_loss = every;
    double area = 0;
    double time = 0;
    for (std::uint64_t seen = 0; seen < losses;) {
        const std::uint32_t segments = std::max(1U, c.window() / mss);
        for (std::uint32_t i = 0; i < segments; ++i) {
            p.now = now + rtt * i / segments;
            p.flight = c.window();
            if (--until_loss == 0) {
                until_loss = every;
                ++seen;
                c.lost(p);
                p.flight = c.threshold() + 10 * mss;
                c.recovered(p);
                break;
            }
            c.acked(p, mss);
        }
        now += rtt;
        if (seen * 2 < losses) continue;
        area += static_cast<double>(c.window()) / mss;
        time += 1;
    }
    return area / time;
}

}  // namespace

TEST_CASE("cubic: the average window is the RFC's for deterministic loss", "[congestion][9438-2][9438-4][9438-14]") {
    struct row {
        double rtt;
        double p;
    };
    for (const row r : {row{0.1, 1e-3}, row{0.1, 1e-4}, row{0.1, 1e-5}, row{0.1, 1e-6}, row{0.01, 1e-3},
                        row{0.01, 1e-4}, row{0.01, 1e-5}, row{0.01, 1e-6}}) {
        // Equation 5 with C = 0.4 and beta = 0.7, and Reno's 1.22 / sqrt(p) where that is more.
        const double expected = std::max(1.054 * std::pow(r.rtt, 0.75) / std::pow(r.p, 0.75), 1.2247 / std::sqrt(r.p));
        const auto every = static_cast<std::uint64_t>(1 / r.p + 0.5);
        const double got = average_window<basic_cubic<standard_slow_start>>(
            duration{static_cast<std::int64_t>(r.rtt * 1e6)}, every, expected, 40);
        INFO(fmt::format("rtt {} p {:.0e}: {:.0f} segments, the RFC's model says {:.0f}", r.rtt, r.p, got, expected));
        CHECK(got > 0.85 * expected);
        CHECK(got < 1.15 * expected);
    }
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
    hystart_plus_plus s;
    path p{.smss = mss, .flight = 100 * mss, .rtt = 50ms};
    s.begin(p);
    s.stop();
    for (int i = 0; i < 100; ++i) {
        p.rtt += 20ms;
        p.una = p.nxt;
        p.nxt += 10 * mss;
        CHECK(s.growth(p, mss) == mss);
    }
    CHECK_FALSE(s.over());
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

namespace {

/// A window of CUBIC, each of its segments acknowledged at its time.
struct flow {
    cubic c;
    path p{.smss = mss};

    /// In congestion avoidance, with `segments`: after a loss with so many in flight that they are left.
    explicit flow(std::uint32_t segments, duration rtt = 100ms) {
        p.srtt = rtt;
        c.begin(p, false);
        grow_to(segments * 10 / 7);
        lose();
    }
    void acknowledge() {
        p.flight = c.window();
        c.acked(p, mss);
    }
    /// Slow start, or as much of the curve as it takes.
    void grow_to(std::uint32_t segments) {
        for (int i = 0; i < 1'000'000 && c.window() < segments * mss; ++i) {
            acknowledge();
            p.now += p.srtt / std::max(1U, c.window() / mss);
        }
    }
    void lose() {
        p.flight = c.window();
        c.lost(p);
        p.flight = c.threshold();
        c.recovered(p);
    }
    void run(duration d) {
        const time_point end = p.now + d;
        while (p.now < end) {
            acknowledge();
            p.now += p.srtt / std::max(1U, c.window() / mss);
        }
    }
    [[nodiscard]] double segments() const { return static_cast<double>(c.window()) / mss; }
};

}  // namespace

TEST_CASE("cubic: a loss leaves seven tenths, of window and threshold, at once", "[congestion][9438-5][9438-6]") {
    cubic c;
    path p{.smss = mss, .flight = 100 * mss};
    c.begin(p, false);
    c.lost(p);
    CHECK(c.threshold() == 70 * mss);
    CHECK(c.window() == 73 * mss);  // and what the three duplicates have taken off the network
    c.recovered(p);
    CHECK(c.window() == 70 * mss);
}

TEST_CASE("cubic: time in which the window is not used is no time, and does not enlarge it",
          "[congestion][9438-1][9438-7][9438-15]") {
    flow busy{70};
    flow lazy{70};
    busy.run(2s);
    lazy.run(2s);
    const std::uint32_t before = lazy.c.window();
    for (int i = 0; i < 100; ++i) {
        lazy.p.flight = mss;
        lazy.p.limited = false;
        lazy.p.now += 100ms;
        lazy.c.acked(lazy.p, mss);
    }
    CHECK(lazy.c.window() == before);
    lazy.p.limited = true;
    busy.run(1s);
    lazy.run(1s);
    CHECK(lazy.segments() == Approx(busy.segments()).margin(1));
}

TEST_CASE("cubic: as Reno with its decrease, nine seventeenths of a segment a round trip, then a whole one",
          "[congestion][9438-2][9438-3]") {
    flow f{70, 10ms};  // so short a round trip is in the Reno-friendly region
    f.run(500ms);
    CHECK(f.segments() == Approx(70 + 50 * 9.0 / 17).margin(1));
    f.run(500ms);  // 100, where the loss was, 57 round trips after it; then by one
    CHECK(f.segments() == Approx(100 + 43).margin(2));
}

TEST_CASE("cubic: who loses before it is back aims lower", "[congestion][9438-9]") {
    flow f{70, 300ms};  // 100 when it lost
    f.grow_to(80);
    f.lose();  // at 80: the curve is now flat at 68, and not at 80
    f.run(3900ms);
    CHECK(f.segments() > 66);
    CHECK(f.segments() < 70);
}

TEST_CASE("cubic: after a timeout slow start leads to the threshold, and the curve begins there",
          "[congestion][9438-10][9438-13]") {
    flow f{700};
    f.run(1s);
    f.p.flight = f.c.window();
    f.c.timed_out(f.p, true);
    CHECK(f.c.window() == mss);
    const std::uint32_t threshold = f.c.threshold();
    CHECK(threshold > 400 * mss);
    std::uint32_t acks = 0;
    for (; f.c.window() < threshold; ++acks) f.acknowledge();
    CHECK(acks <= threshold / mss);
    f.run(1s);
    CHECK(f.segments() < static_cast<double>(threshold) / mss + 15);
}
