// SPDX-License-Identifier: MIT
// dctcp.cpp: DCTCP (RFC 8257), window by window.

#include <support/catch.hpp>

#include <tcpfsm/congestion/dctcp.hpp>

#include <cmath>
#include <cstdint>

using namespace tcpfsm;

namespace {

constexpr std::uint32_t mss = 1000;

/// A sender in congestion avoidance whose segments are acknowledged one by one. Sequence numbers pass 2^32.
struct sender {
    dctcp c;
    path p{.smss = mss, .una = seq{0xffff0000}, .nxt = seq{0xffff0000}};

    constexpr explicit sender(std::uint32_t segments) {
        c.begin(p, false);
        p.flight = 2 * segments * mss;
        c.lost(p);
        p.flight = c.threshold();
        c.recovered(p);
        p.nxt += c.window();
        acknowledge(0);  // the window that was empty ends
    }
    constexpr void acknowledge(std::uint32_t marked) {
        p.una += mss;
        p.nxt += mss;
        p.flight = c.window();
        p.marked = marked;
        c.acked(p, mss);
    }
    /// All that is in flight now; every `every`-th segment is marked, and the first one is answered.
    constexpr void window(std::uint32_t every, bool answered = true) {
        const seq end = p.nxt;
        bool told = !answered;
        for (std::uint32_t i = 1; p.una < end; ++i) {
            const bool mark = every != 0 && i % every == 0;
            acknowledge(mark ? mss : 0);
            if (mark && !told) c.marked(p);
            told = told || mark;
        }
    }
    [[nodiscard]] double alpha() const { return static_cast<double>(c.alpha()) / dctcp::one; }
};

constexpr bool first_mark_halves() {
    sender s{40};
    const std::uint32_t before = s.c.window();
    s.p.flight = before;
    s.c.marked(s.p);
    // alpha is 1 at first, and 15/16 after the one window without marks that the constructor ends
    return s.c.window() == before - before * 15 / 32 && s.c.threshold() == s.c.window();
}
static_assert(first_mark_halves());

}  // namespace

TEST_CASE("dctcp: alpha begins as one, and is the share of marked octets, by a sixteenth in each window",
          "[congestion][8257-1][8257-2]") {
    CHECK(dctcp{}.alpha() == dctcp::one);
    for (const std::uint32_t every : {0U, 1U, 2U, 10U}) {
        INFO("every " << every);
        sender s{100};
        double alpha = s.alpha();
        CHECK(alpha == Approx(15.0 / 16));
        for (int i = 0; i < 60; ++i) {
            s.window(every, false);
            alpha += ((every == 0 ? 0 : 1.0 / every) - alpha) / 16;
            CHECK(s.alpha() == Approx(alpha).margin(0.06));  // what is counted lags by a segment a window
        }
        CHECK(s.alpha() == Approx(every == 0 ? 0 : 1.0 / every).margin(0.03));
    }
}

TEST_CASE("dctcp: a window with marks falls by half of alpha, so few marks cost little", "[congestion][8257-3]") {
    CHECK(first_mark_halves());
    sender s{100};
    for (int i = 0; i < 200; ++i) s.window(0);
    CHECK(s.alpha() < 0.0001);
    const std::uint32_t before = s.c.window();
    s.c.marked(s.p);
    CHECK(s.c.window() > before - mss);
    for (int i = 0; i < 200; ++i) s.window(20, false);
    CHECK(s.alpha() == Approx(0.05).margin(0.005));
    const std::uint32_t full = s.c.window();
    s.c.marked(s.p);
    CHECK(s.c.window() == Approx(full * 0.975).epsilon(0.003));
    CHECK(s.c.threshold() == s.c.window());
}

TEST_CASE("dctcp: where one switch marks from some queue on, the window stays near it", "[congestion][8257-3]") {
    constexpr std::uint32_t marks_from = 60 * mss;
    sender s{30};
    std::uint32_t least = ~0U;
    std::uint32_t most = 0;
    for (int i = 0; i < 400; ++i) {
        s.window(s.c.window() > marks_from ? 1 : 0);
        if (i < 200) continue;
        least = std::min(least, s.c.window());
        most = std::max(most, s.c.window());
    }
    CHECK(most < 63 * mss);
    CHECK(least > 40 * mss);  // Reno would fall to 30
}

TEST_CASE("dctcp: a loss, and a timeout, are answered as by Reno", "[congestion][8257-4]") {
    sender s{100};
    for (int i = 0; i < 200; ++i) s.window(0);
    sender t = s;
    s.p.flight = 100 * mss;
    s.c.lost(s.p);
    CHECK(s.c.threshold() == 50 * mss);
    t.p.flight = 100 * mss;
    t.c.timed_out(t.p, true);
    CHECK(t.c.threshold() == 50 * mss);
    CHECK(t.c.window() == mss);
}
