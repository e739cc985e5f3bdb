// SPDX-License-Identifier: MIT
// cubic.cpp: CUBIC (RFC 9438): its curve, its traces, and its average on a path that loses.

#include <support/catch.hpp>

#include <tcpfsm/congestion/cubic.hpp>
#include <tcpfsm/congestion/new_reno.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>

using namespace tcpfsm;
using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t mss = 1460;

/// Segments, with three digits after the point.
constexpr std::int64_t thousandths(std::uint32_t octets) { return std::int64_t{octets} * 1000 / mss; }
constexpr bool near(std::int64_t a, std::int64_t b, std::int64_t margin) { return a - b <= margin && b - a <= margin; }

// 4.2: W_cubic(t) = 0.4 (t - K)^3 + W_max, K = cbrt((W_max - cwnd) / 0.4), after a loss at W_max. In milliseconds and
// thousandths of a segment; K is a multiple of 1/1024 s, which is worth a tenth of a segment where the curve is steep.
struct point {
    std::int64_t at;
    std::int64_t segments;
};
template <std::size_t N>
constexpr bool leads_through(std::uint32_t w_max, std::int64_t k, const point (&points)[N]) {
    const auto curve = cubic_curve::through(w_max * 7 / 10 * mss, w_max * mss, mss);
    if (!near(curve.k * 1'000'000 / 1024, k, 1000)) return false;
    for (const point p : points) {
        const std::uint32_t octets = curve.at(std::chrono::milliseconds{p.at}, mss);
        if (!near(thousandths(octets), p.segments, p.segments / 1000 + (p.at > 5000 ? 80 : 5))) return false;
    }
    return true;
}
constexpr point after_10[] = {{0, 7'000},     {500, 8'762},   {1000, 9'649},   {1957, 10'000},
                              {2000, 10'000}, {3000, 10'453}, {4000, 13'409},  {5000, 21'266},
                              {6000, 36'426}, {8000, 98'252}, {10000, 218'087}};
constexpr point after_50[] = {{0, 35'000},    {500, 40'768},  {1000, 44'828},  {2000, 49'022},
                              {3000, 49'983}, {3347, 50'000}, {4000, 50'111},  {5000, 51'806},
                              {6000, 57'468}, {8000, 90'292}, {10000, 167'782}};
constexpr point after_100[] = {{0, 70'000},     {500, 79'456},   {1000, 86'681},  {2000, 95'640},
                               {3000, 99'279},  {4000, 99'996},  {4217, 100'000}, {5000, 100'192},
                               {6000, 102'267}, {8000, 121'653}, {10000, 177'354}};
constexpr point after_1000[] = {{0, 700'000},    {500, 746'853},    {1000, 788'555},   {2000, 857'705},
                                {3000, 909'849}, {4000, 947'388},   {5000, 972'721},   {6000, 988'249},
                                {8000, 999'488}, {9086, 1'000'000}, {10000, 1'000'306}};
static_assert(leads_through(10, 1'957'434, after_10));
static_assert(leads_through(50, 3'347'165, after_50));
static_assert(leads_through(100, 4'217'163, after_100));
static_assert(leads_through(1000, 9'085'603, after_1000));
// 4.7: 80 segments after a loss at 100 aim at 68, from 56.
static_assert(near(cubic_curve::through(56 * mss, 68 * mss, mss).k * 1'000'000 / 1024, 3'107'233, 1000));
// 4.8: a curve that begins flat.
constexpr auto flat = cubic_curve::through(35 * mss, 35 * mss, mss);
static_assert(flat.k == 0 && near(thousandths(flat.at(1s, mss)), 35'400, 2) &&
              near(thousandths(flat.at(2s, mss)), 38'200, 2) && near(thousandths(flat.at(5s, mss)), 85'000, 2));

// Whatever the numbers are: between 0 and 2^30, and never falling.
constexpr bool bounded() {
    for (const std::uint32_t smss : {1U, 88U, 1460U, 65535U}) {
        for (const std::uint32_t origin : {0U, 1U, 65535U, 1U << 30U}) {
            const auto curve = cubic_curve::through(origin / 2, origin, smss);
            std::uint32_t before = curve.at(-1s, smss);
            for (const duration t : {duration{0}, duration{1}, duration{1s}, duration{1h}, duration{10000h}, forever}) {
                const std::uint32_t now = curve.at(t, smss);
                if (now < before || now > 1U << 30U) return false;
                before = now;
            }
            if (before < origin) return false;
        }
    }
    return true;
}
static_assert(bounded());

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
        CHECK(got > 0.9 * expected);
        CHECK(got < 1.1 * expected);
    }
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
        p.now += std::max(duration{1}, p.srtt / std::max(1U, c.window() / mss));
    }
    /// Slow start, or as much of the curve as it takes.
    void grow_to(std::uint32_t segments) {
        for (int i = 0; i < 1'000'000 && c.window() < segments * mss; ++i) acknowledge();
    }
    void lose() {
        p.flight = c.window();
        c.lost(p);
        p.flight = c.threshold();
        c.recovered(p);
    }
    void run(duration d) {
        const time_point end = p.now + d;
        while (p.now < end) acknowledge();
    }
    [[nodiscard]] double segments() const { return static_cast<double>(c.window()) / mss; }
};

/// After a loss at `w_max` segments: where the window is after so many round trips, as thousandths of a segment. One
/// acknowledgment a segment, spread evenly.
constexpr std::int64_t window_after(std::uint32_t w_max, duration rtt, int rounds) {
    cubic c;
    path p{.smss = mss, .flight = w_max * mss, .srtt = rtt};
    c.begin(p, false);
    while (c.window() < w_max * mss) c.acked(p, mss);
    c.lost(p);
    c.recovered(p);
    time_point now{};
    for (int r = 0; r < rounds; ++r) {
        const std::uint32_t segments = c.window() / mss;
        for (std::uint32_t i = 0; i < segments; ++i) {
            p.now = now + rtt * i / segments;
            p.flight = c.window();
            c.acked(p, mss);
        }
        now += rtt;
    }
    return thousandths(c.window());
}
static_assert(near(window_after(100, 100ms, 1), 72'023, 30) && near(window_after(100, 10ms, 1), 70'528, 30));
static_assert(near(window_after(20, 50ms, 1), 14'520, 30) && near(window_after(20, 50ms, 10), 19'120, 100));

struct trace {
    std::uint32_t w_max;
    duration rtt;
    std::int64_t segments[7];  ///< thousandths, after 1, 2, 3, 5, 10, 20 and 30 round trips
};

}  // namespace

TEST_CASE("cubic: window by window, near its plateau, beside Reno, and beyond",
          "[congestion][9438-2][9438-3][9438-4][9438-14]") {
    for (const trace& t : {trace{100, 100ms, {72'023, 73'997, 75'868, 79'372, 86'621, 95'605, 99'263}},
                           trace{100, 10ms, {70'528, 71'051, 71'578, 72'628, 75'249, 80'484, 85'740}},
                           trace{20, 50ms, {14'520, 15'023, 15'543, 16'566, 19'120, 28'051, 37'725}}}) {
        int i = 0;
        for (const int rounds : {1, 2, 3, 5, 10, 20, 30}) {
            INFO(t.w_max << " segments, " << t.rtt.count() << " us, " << rounds << " round trips");
            const std::int64_t got = window_after(t.w_max, t.rtt, rounds);
            const std::int64_t expected = t.segments[i++];
            CAPTURE(got, expected);
            CHECK(near(got, expected, expected / 1000));
        }
    }
}

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

TEST_CASE("cubic: after an idle time slow start leads to the threshold, and no further at once",
          "[congestion][5681-22]") {
    flow f{70, 10ms};
    f.run(1s);  // far beyond the threshold, as Reno would be
    REQUIRE(f.segments() > 130);
    f.p.now += 10s;
    f.c.was_idle(f.p);
    CHECK(f.c.window() == 10 * mss);
    while (f.c.window() < f.c.threshold()) f.acknowledge();
    for (int i = 0; i < 70; ++i) f.acknowledge();
    CHECK(f.segments() < 73);
    f.run(1s);
    CHECK(f.segments() > 100);
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

TEST_CASE("cubic: a mark leaves seven tenths, down to one segment, and two as the threshold",
          "[congestion][9438-6][9438-8]") {
    cubic c;
    path p{.smss = mss, .flight = 100 * mss};
    c.begin(p, false);
    c.marked(p);
    CHECK(c.window() == 70 * mss);
    CHECK(c.threshold() == 70 * mss);
    p.flight = mss;
    c.marked(p);
    CHECK(c.window() == mss);
    CHECK(c.threshold() == 2 * mss);
}

TEST_CASE("cubic: whatever the curve says, by no more than half in a round trip", "[congestion][9438-4]") {
    flow f{70};
    f.run(2s);
    f.p.srtt = 10s;  // the curve is far ahead
    const std::uint32_t before = f.c.window();
    for (std::uint32_t octets = 0; octets < before; octets += mss) {
        const std::uint32_t cwnd = f.c.window();
        f.p.flight = cwnd;
        f.c.acked(f.p, mss);
        CHECK(f.c.window() - cwnd <= mss / 2 + 1);
        CHECK(f.c.window() - cwnd >= mss / 2 - 1);
    }
}

TEST_CASE("cubic: a loss that was none gives back the window, and the curve that it was on", "[congestion][9438-12]") {
    flow f{70};
    f.run(2s);
    flow g = f;
    g.p.flight = g.c.window();
    g.c.lost(g.p);
    CHECK(g.c.window() < f.c.window());
    g.c.restore(f.c, g.p);
    CHECK(g.c == f.c);
    f.run(3s);
    g.run(3s);
    CHECK(g.c == f.c);
}

TEST_CASE("cubic: a window that has outgrown what it was before a loss is not taken back", "[congestion][9438-12]") {
    flow f{70};
    const cubic before = f.c;
    f.lose();
    f.run(20s);
    const cubic later = f.c;
    REQUIRE(later.window() > before.window());
    f.c.restore(before, f.p);
    CHECK(f.c == later);
}

TEST_CASE("cubic: after a timeout that was none slow start leads back to the curve, without a burst",
          "[congestion][9438-11]") {
    flow f{70};
    f.run(2s);
    const cubic before = f.c;
    f.p.flight = f.c.window();
    f.c.timed_out(f.p, true);
    f.p.nxt = f.p.una + f.p.flight;
    f.p.una += 3 * mss;  // three segments of the flight are acknowledged, and nothing was lost
    const std::uint32_t flight = f.p.flight - 3 * mss;
    f.c.restore(before, f.p);
    CHECK(f.c.window() == flight + 3 * mss);
    CHECK(f.c.threshold() == before.window());
    for (int i = 0; i < 200; ++i) f.acknowledge();
    CHECK(f.c.window() > before.window());
}

TEST_CASE("cubic: never below Reno's window with the same decrease", "[congestion][9438-2]") {
    rc::prop("round by round, whatever the round trip is", [] {
        const auto segments = *rc::gen::inRange<std::uint32_t>(10, 1000);
        const duration rtt{*rc::gen::inRange<int>(100, 500'000)};
        flow f{segments, rtt};
        const std::uint32_t prior = segments * 10 / 7 * mss;
        double reno = f.segments();
        for (int round = 0; round < 60; ++round) {
            const std::uint32_t window = f.c.window();
            for (std::uint32_t octets = 0; octets < window; octets += mss) f.acknowledge();
            reno += reno * mss < prior ? 9.0 / 17 : 1;
            RC_ASSERT(f.segments() > reno * 0.98 - 2);
        }
    });
}
