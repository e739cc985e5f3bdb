// SPDX-License-Identifier: MIT
// bbr.cpp: BBR's estimators and phases, by hand: a path that delivers what it is told to, round by round.

#include "support/catch.hpp"

#include <tcpfsm/congestion/bbr.hpp>

#include <algorithm>
#include <cstdint>

using namespace std::chrono_literals;
using tcpfsm::bbr;
using tcpfsm::bbr_phase;
using tcpfsm::duration;
using tcpfsm::loss_sample;
using tcpfsm::path;
using tcpfsm::rate_sample;
using tcpfsm::seq;
using tcpfsm::time_point;
namespace parts = tcpfsm::bbr_parts;

namespace {

/// As the draft has it: every loss is congestion.
using strict = tcpfsm::basic_bbr<tcpfsm::bbr_settings{.random_loss = 0}>;

static_assert(tcpfsm::congestion_control<bbr> && tcpfsm::congestion_control<strict>);
static_assert(bbr::rate_based);

constexpr time_point at(duration d) { return time_point{d}; }

static_assert(parts::carried(12'500'000, 20ms) == 250'000);
static_assert(parts::carried(~0ULL, tcpfsm::forever) == parts::widest && parts::carried(5, duration{-7}) == 0);

/// A connection whose ACKs come once a round trip.
template <class Control = strict>
struct by_hand {
    static constexpr std::uint32_t smss = 1000;
    Control c{};
    path p{.smss = smss, .srtt = 20ms, .una = seq{1}, .nxt = seq{1}};
    std::uint64_t delivered = 0;
    std::uint32_t in_flight = 0;

    constexpr by_hand() {
        p.now = at(1s);
        c.begin(p, false);
    }
    constexpr rate_sample sample(std::uint64_t rate, duration rtt = 20ms) {
        const auto octets = parts::carried(rate, rtt);
        rate_sample s;
        s.rate = rate;
        s.interval = s.rtt = rtt;
        s.delivered = s.newly_acked = octets;
        s.prior_delivered = delivered;
        s.total = delivered += octets;
        s.tx_in_flight = octets;
        s.in_flight = in_flight;
        p.una += octets;
        p.nxt = p.una + 2 * octets;
        p.now += rtt;
        p.rtt = rtt;
        return s;
    }
    constexpr void round(std::uint64_t rate, duration rtt = 20ms) { c.delivered(p, sample(rate, rtt)); }
    constexpr void limited_round(std::uint64_t rate) {
        rate_sample s = sample(rate);
        s.app_limited = true;
        c.delivered(p, s);
    }
    /// `n` segments, every second one of those that left, are found lost; what they were among: `tx_in_flight`.
    constexpr void lose(std::uint32_t n, std::uint32_t tx_in_flight) {
        for (std::uint32_t i = 1; i <= n; ++i)
            c.missed(p, {p.una + 2 * i * smss, smss, tx_in_flight, i * smss, delivered, false});
        c.lost(p);
    }
    /// A round in which `lost` octets of `delivered` ones' flight were lost.
    constexpr void lossy_round(std::uint64_t rate, std::uint32_t lost, duration rtt = 20ms) {
        rate_sample s = sample(rate, rtt);
        s.lost = lost;
        c.delivered(p, s);
    }
    constexpr void until(bbr_phase phase, std::uint64_t rate) {
        for (int i = 0; i < 1000 && c.phase() != phase; ++i) round(rate);
    }
};
constexpr std::uint64_t rate = 5'000'000;  // 100 segments of 1000 in 20 ms
constexpr std::uint32_t bdp = 100'000;

constexpr bool startup_ends_by_losses(std::uint32_t places, std::uint32_t lost) {
    by_hand<> h;
    for (std::uint64_t r = rate / 8; r <= rate; r *= 2) h.round(r);
    h.in_flight = 3 * bdp;
    h.lose(places, bdp);
    h.lossy_round(rate * 2, lost);
    return h.c.phase() == bbr_phase::drain && h.c.full_bw_reached() && h.c.inflight_longterm() == 2 * bdp;
}
template <class Control>
constexpr bool heeds(duration rtt, std::uint32_t lost) {
    by_hand<Control> h;
    h.until(bbr_phase::cruise, rate);
    for (int i = 0; i < 2; ++i) h.round(rate);
    for (int i = 0; i < 2; ++i) h.round(rate, rtt);
    h.lose(lost, bdp);
    h.round(rate * 9 / 10, rtt);
    return h.c.inflight_shortterm() != parts::unbounded;
}

}  // namespace

// The largest of this cycle and the one before; a cycle that has seen nothing is none.
TEST_CASE("the bandwidth is the largest rate of this cycle and the one before", "[bbr-14]") {
    constexpr auto shows = [] {
        parts::bandwidth_filter f;
        f.update(500);
        f.update(300);
        f.advance();
        f.update(400);
        if (f.max() != 500) return false;
        f.advance();
        if (f.max() != 400) return false;
        f.advance();
        return f.max() == 400;
    };
    static_assert(shows());
    CHECK(shows());
}

// A round is over when something is delivered that left after it began.
TEST_CASE("a round is over when something is delivered that left after it began", "[bbr-13]") {
    constexpr auto shows = [] {
        parts::round_counter r;
        r.update({.prior_delivered = 0, .total = 1000});
        if (!r.started() || r.count() != 1) return false;
        r.update({.prior_delivered = 0, .total = 2000});
        r.update({.prior_delivered = 999, .total = 3000});
        if (r.started() || r.count() != 1) return false;
        r.update({.prior_delivered = 1000, .total = 4000});
        return r.started() && r.count() == 2;
    };
    static_assert(shows());
    CHECK(shows());
}

// Three rounds without a quarter more; a quarter more begins anew.
TEST_CASE("three rounds without a quarter more fill the pipe", "[bbr-5]") {
    constexpr auto shows = [] {
        parts::full_pipe f;
        f.round(1000);
        f.round(1249);
        f.round(1249);
        f.round(1250);
        f.round(1250);
        f.round(1500);
        if (f.full()) return false;
        f.round(1561);
        if (!f.full()) return false;
        f.reset(100);
        return !f.full();
    };
    static_assert(shows());
    CHECK(shows());
}

// What arrives beyond the rate, within the last rounds.
TEST_CASE("what arrives beyond the rate is remembered for ten rounds", "[bbr-16]") {
    constexpr auto shows = [] {
        parts::ack_aggregation a;
        a.restart(at(0ms));
        a.update(at(10ms), 1'000'000, 15'000, 100'000, 1, 5);  // 10,000 were expected
        if (a.extra() != 15'000) return false;                 // nothing was delivered yet: the interval begins now
        a.update(at(12ms), 1'000'000, 15'000, 100'000, 2, 5);  // 30,000 within 2 ms, which are good for 2,000
        if (a.extra() != 28'000) return false;
        a.update(at(100ms), 1'000'000, 1'000, 100'000, 7, 5);  // slower than the rate: over; the first half as well
        if (a.extra() != 28'000) return false;
        a.update(at(200ms), 1'000'000, 1'000, 100'000, 12, 5);
        return a.extra() == 1'000;
    };
    static_assert(shows());
    CHECK(shows());
}

TEST_CASE("what arrives beyond the rate counts up to a window", "[bbr-16]") {
    constexpr auto shows = [] {
        parts::ack_aggregation a;
        a.update(at(0ms), 1'000'000, 15'000, 9'000, 1, 5);
        return a.extra() == 9'000;  // a window at most
    };
    static_assert(shows());
    CHECK(shows());
}

// Two windows over the round trips: five seconds until it must be looked for, ten until it is forgotten.
TEST_CASE("the shortest round trip is looked for after five seconds and forgotten after ten", "[bbr-11][bbr-15]") {
    constexpr auto shows = [] {
        parts::shortest_round_trip m;
        m.begin(at(0s), 0ms);
        if (m.known()) return false;
        m.update(at(1s), 30ms);
        m.update(at(2s), 20ms);
        m.update(at(7s), 25ms);
        if (m.min_rtt() != 20ms || m.expired()) return false;
        m.update(at(7001ms), 25ms);  // the recent one is taken anew, the other is remembered
        if (m.min_rtt() != 20ms || !m.expired()) return false;
        m.update(at(12s), 26ms);
        if (m.min_rtt() != 20ms) return false;
        m.update(at(12001ms), 26ms);  // ten seconds after it was measured
        return m.min_rtt() == 26ms || m.min_rtt() == 25ms;
    };
    static_assert(shows());
    CHECK(shows());
}

// The bounds of the moment: what was delivered, and no lower than Beta.
TEST_CASE("a lossy round lowers the bounds to what was delivered, and to seven tenths at most", "[bbr-17]") {
    constexpr auto shows = [] {
        parts::short_term t;
        t.update({.rate = 600, .delivered = 4000, .prior_delivered = 0, .total = 1000});
        t.lower(1000, 10'000, 700, t.bw_latest, t.inflight_latest);
        if (t.bw != 700 || t.inflight != 7000) return false;
        t.lower(1000, 10'000, 700, t.bw_latest, t.inflight_latest);
        if (t.bw != 600 || t.inflight != 4900) return false;
        t.forget_bounds();
        return t.bw == parts::unbounded_rate && t.inflight == parts::unbounded;
    };
    static_assert(shows());
    CHECK(shows());
}

// The first window, and the first rate: 2.77 times the window in a round trip, or in a millisecond.
TEST_CASE("the first rate is 2.77 times the first window in a round trip", "[bbr-4]") {
    constexpr auto shows = [] {
        const by_hand<> h;
        return h.c.window() == 10'000 && h.c.pacing_rate(h.p) == 500'000 * 277 / 100 &&
               h.c.phase() == bbr_phase::startup;
    };
    static_assert(shows());
    CHECK(shows());
}

TEST_CASE("after the loss of a SYN the first window is one segment", "[bbr-4]") {
    constexpr auto shows = [] {
        bbr c;
        c.begin({.smss = 1000}, true);
        return c.window() == 1000 && c.pacing_rate({}) == 2'770'000;
    };
    static_assert(shows());
    CHECK(shows());
}

// Startup: twice the bandwidth in flight, and it ends when three rounds have brought no more.
TEST_CASE("Startup ends when three rounds have brought no more", "[bbr-4][bbr-5][bbr-7][bbr-20]") {
    constexpr auto shows = [] {
        by_hand<> h;
        for (std::uint64_t r = rate / 8; r <= rate; r *= 2) h.round(r);
        if (h.c.phase() != bbr_phase::startup || h.c.pacing_rate(h.p) != rate * 277 / 100 * 99 / 100) return false;
        h.in_flight = 2 * bdp;
        h.round(rate);
        h.round(rate);
        if (h.c.full_bw_reached() || h.c.phase() != bbr_phase::startup) return false;
        h.round(rate);
        return h.c.full_bw_reached() && h.c.phase() == bbr_phase::drain &&
               h.c.pacing_rate(h.p) == rate / 2 * 99 / 100 && h.c.max_bw() == rate && h.c.min_rtt() == 20ms;
    };
    static_assert(shows());
    CHECK(shows());
}

// Rounds that the user holds down say nothing; and the rate never falls meanwhile.
TEST_CASE("rounds that the user holds down say nothing, and the rate does not fall meanwhile",
          "[bbr-5][bbr-14][bbr-20]") {
    constexpr auto shows = [] {
        by_hand<> h;
        const auto first = h.c.pacing_rate(h.p);
        h.round(rate / 100);
        if (h.c.pacing_rate(h.p) != first) return false;
        h.round(rate);
        const auto before = h.c.pacing_rate(h.p);
        for (int i = 0; i < 50; ++i) h.limited_round(rate / 5);
        if (h.c.phase() != bbr_phase::startup || h.c.max_bw() != rate || h.c.pacing_rate(h.p) != before) return false;
        h.limited_round(2 * rate);  // more than the path was thought to hold
        return h.c.max_bw() == 2 * rate;
    };
    static_assert(shows());
    CHECK(shows());
}

TEST_CASE("Startup ends by losses: a round of recovery, more than 2 % of it, in six places", "[bbr-6]") {
    static_assert(startup_ends_by_losses(6, 4001) && !startup_ends_by_losses(5, 4001));
    CHECK(startup_ends_by_losses(6, 4001));
    CHECK(!startup_ends_by_losses(5, 4001));
    CHECK(!startup_ends_by_losses(6, 4000));  // 2 % of the 200,000 that were in flight
}

// Without SACK one loss is all that can be seen.
TEST_CASE("Startup ends by one loss where SACK is missing", "[bbr-6]") {
    constexpr auto shows = [] {
        by_hand<> h;
        h.round(rate);
        h.lose(1, bdp);
        h.c.duplicate(h.p);
        h.lossy_round(rate, 1000);
        return h.c.full_bw_reached();
    };
    static_assert(shows());
    CHECK(shows());
}

// Drain: until what is in flight fits, or three rounds.
TEST_CASE("Drain lasts until what is in flight fits", "[bbr-7]") {
    constexpr auto shows = [] {
        by_hand<> h;
        h.in_flight = bdp + 1;
        h.until(bbr_phase::drain, rate);
        h.round(rate);
        if (h.c.phase() != bbr_phase::drain) return false;
        h.in_flight = bdp;
        h.round(rate);
        return h.c.phase() == bbr_phase::cruise;  // ProbeBW begins with DOWN, for which there is no need
    };
    static_assert(shows());
    CHECK(shows());
}

TEST_CASE("Drain lasts three rounds at most", "[bbr-7]") {
    constexpr auto shows = [] {
        by_hand<> h;
        h.in_flight = 2 * bdp;
        h.until(bbr_phase::drain, rate);
        for (int i = 0; i < 3; ++i) h.round(rate);
        if (h.c.phase() != bbr_phase::drain) return false;
        h.round(rate);
        return h.c.phase() == bbr_phase::down;
    };
    static_assert(shows());
    CHECK(shows());
}

// ProbeBW: slower by a tenth until the queue is gone, then at the rate of the path, then a round to fill the pipe, then
// a quarter faster; the window is twice what the path holds, and 2.25 times while it is probed.
TEST_CASE("the rates and windows of DOWN, CRUISE, REFILL and UP", "[bbr-8][bbr-10][bbr-20][bbr-21]") {
    constexpr auto shows = [] {
        by_hand<> h;
        h.in_flight = bdp + 1;
        h.until(bbr_phase::down, rate);
        if (h.c.pacing_rate(h.p) != rate * 9 / 10 * 99 / 100) return false;
        h.round(rate);
        if (h.c.phase() != bbr_phase::down) return false;
        h.in_flight = bdp;
        h.round(rate);
        if (h.c.phase() != bbr_phase::cruise || h.c.pacing_rate(h.p) != rate * 99 / 100) return false;
        if (h.c.window() != 3 * bdp) return false;  // each round came as one ACK: a whole round more
        h.until(bbr_phase::refill, rate);
        if (h.c.pacing_rate(h.p) != rate * 99 / 100) return false;
        h.round(rate);
        if (h.c.phase() != bbr_phase::up || h.c.pacing_rate(h.p) != rate * 5 / 4 * 99 / 100) return false;
        return h.c.window() == 325'000 + 2000;
    };
    static_assert(shows());
    CHECK(shows());
}

// It probes after two to three seconds, or after as many rounds as there are segments in flight, 63 at most.
TEST_CASE("a probe comes after 63 rounds at most", "[bbr-9]") {
    constexpr auto shows = [] {
        by_hand<> h;
        h.until(bbr_phase::cruise, rate);
        const time_point from = h.p.now;
        h.until(bbr_phase::refill, rate);
        const auto rounds = (h.p.now - from) / 20ms;
        return 60 <= rounds && rounds <= 63;
    };
    static_assert(shows());
    CHECK(shows());
}

TEST_CASE("a probe comes after as many rounds as there are segments in flight", "[bbr-9]") {
    constexpr auto shows = [] {
        by_hand<> h;
        h.until(bbr_phase::cruise, rate / 10);  // ten segments
        const time_point from = h.p.now;
        h.until(bbr_phase::refill, rate / 10);
        const auto rounds = (h.p.now - from) / 20ms;
        return 7 <= rounds && rounds <= 10;
    };
    static_assert(shows());
    CHECK(shows());
}

TEST_CASE("a probe comes after two to three seconds", "[bbr-9]") {
    constexpr auto shows = [] {
        by_hand<> h;
        while (h.c.phase() != bbr_phase::cruise) h.round(rate, 100ms);
        const time_point from = h.p.now;
        while (h.c.phase() != bbr_phase::refill) h.round(rate, 100ms);
        return 1800ms <= h.p.now - from && h.p.now - from <= 3100ms;
    };
    static_assert(shows());
    CHECK(shows());
}

// A probe ends when three rounds have brought no more.
TEST_CASE("a probe ends when three rounds have brought no more", "[bbr-10]") {
    constexpr auto shows = [] {
        by_hand<> h;
        h.until(bbr_phase::up, rate);
        h.round(rate);
        h.round(rate);
        if (h.c.phase() != bbr_phase::up) return false;
        h.round(rate);
        return h.c.phase() == bbr_phase::down && h.c.inflight_longterm() == parts::unbounded;
    };
    static_assert(shows());
    CHECK(shows());
}

// Or when more than 2 % of what was in flight is lost: where that was is the bound from now on.
TEST_CASE("a probe ends where more than 2 % of what was in flight is lost", "[bbr-18]") {
    constexpr auto shows = [] {
        by_hand<> h;
        h.until(bbr_phase::up, rate);
        h.lose(2, bdp);
        if (h.c.phase() != bbr_phase::up || h.c.inflight_longterm() != parts::unbounded) return false;
        h.c.missed(h.p, {h.p.una, 10'000, 150'000, 10'000, h.delivered, false});
        // Of these 10,000 octets beyond 140,000, 2,857 could be lost before that was 2 % of all that was in flight.
        return h.c.phase() == bbr_phase::down && h.c.inflight_longterm() == 142'857;
    };
    static_assert(shows());
    CHECK(shows());
}

// Not below 70 % of what the path holds, and not if the user held the rate down.
TEST_CASE("a probe takes no more than three tenths from what the path holds", "[bbr-18]") {
    constexpr auto shows = [] {
        by_hand<> h;
        h.until(bbr_phase::up, rate);
        h.c.missed(h.p, {h.p.una, 1000, 20'000, 2'000, h.delivered, false});
        return h.c.phase() == bbr_phase::down && h.c.inflight_longterm() == 70'000;
    };
    static_assert(shows());
    CHECK(shows());
}

TEST_CASE("a probe that the user held down lowers no bound", "[bbr-18]") {
    constexpr auto shows = [] {
        by_hand<> h;
        h.until(bbr_phase::up, rate);
        h.c.missed(h.p, {h.p.una, 1000, 20'000, 2'000, h.delivered, true});
        return h.c.phase() == bbr_phase::down && h.c.inflight_longterm() == parts::unbounded;
    };
    static_assert(shows());
    CHECK(shows());
}

// Then a bit of room is left to others, and the next probe turns back where the last went too far; if that does no
// harm, another follows at once, which stays there and raises the bound: by one segment a round, two, four.
TEST_CASE("after a probe that went too far: room for others, a cautious probe, and one that raises the bound",
          "[bbr-8][bbr-19]") {
    constexpr auto shows = [] {
        by_hand<> h;
        h.until(bbr_phase::up, rate);
        h.c.missed(h.p, {h.p.una, 10'000, 150'000, 10'000, h.delivered, false});
        h.c.recovered(h.p);
        h.in_flight = bdp;
        h.until(bbr_phase::cruise, rate);
        const std::uint32_t bound = 142'857;
        if (h.c.window() != bound - bound * 15 / 100) return false;
        h.until(bbr_phase::up, rate);
        if (h.c.window() != bound) return false;
        h.in_flight = bound;
        h.round(rate);
        if (h.c.phase() != bbr_phase::down) return false;
        h.round(rate);
        if (h.c.phase() != bbr_phase::refill) return false;
        h.round(rate);
        if (h.c.phase() != bbr_phase::up) return false;
        // One for a window, then one for half of one, then for a quarter; a round delivers 100 of the window's 142.
        for (const std::uint32_t more : {0U, 2'000U, 6'000U}) {
            h.round(rate);
            if (h.c.inflight_longterm() != bound + more || h.c.window() != bound + more) return false;
        }
        return h.c.phase() == bbr_phase::up;
    };
    static_assert(shows());
    CHECK(shows());
}

// Between the probes a round with a loss lowers what may be in flight and the rate to what was delivered, and not by
// more than to 70 %; the next probe forgets it.
TEST_CASE("between the probes a lossy round lowers rate and window, and the next probe forgets it", "[bbr-17]") {
    constexpr auto shows = [] {
        by_hand<> h;
        h.until(bbr_phase::cruise, rate);
        h.round(rate);
        h.lose(1, bdp);
        h.round(rate * 8 / 10);
        h.round(rate * 8 / 10);
        if (h.c.bw() != rate * 8 / 10 && h.c.bw() != rate) return false;
        h.lose(1, bdp);
        h.round(rate / 10);
        h.lose(1, bdp);
        h.round(rate / 10);
        if (h.c.bw() != rate * 56 / 100 || h.c.max_bw() != rate) return false;
        h.until(bbr_phase::refill, rate);
        return h.c.bw() == rate && h.c.inflight_shortterm() == parts::unbounded;
    };
    static_assert(shows());
    CHECK(shows());
}

TEST_CASE("losses without a queue are not congestion, up to a fifth of a round", "[bbr-25]") {
    static_assert(!heeds<bbr>(20ms, 1) && heeds<bbr>(22ms, 1));
    CHECK(heeds<strict>(20ms, 1));
    CHECK(!heeds<bbr>(20ms, 1));
    CHECK(!heeds<bbr>(20ms, 23));
    CHECK(heeds<bbr>(20ms, 24));
    // A sixteenth more than the shortest round trip is a queue.
    CHECK(!heeds<bbr>(21250us, 1));
    CHECK(heeds<bbr>(21251us, 1));
}

TEST_CASE("a queue stands if no round trip of this round or the last was short", "[bbr-25]") {
    constexpr auto shows = [] {
        parts::round_trips_of_round r;
        r.update(20ms, true);
        if (r.shortest() != 0ms) return false;  // nothing is known before there were two rounds
        r.update(25ms, true);
        r.update(30ms, false);
        if (r.shortest() != 20ms) return false;
        r.update(27ms, true);
        if (r.shortest() != 25ms) return false;
        r.update(21ms, false);
        if (r.shortest() != 21ms) return false;
        // A round of retransmissions alone tells nothing.
        r.update(0ms, true);
        r.update(0ms, true);
        return r.shortest() == 21ms;
    };
    static_assert(shows());
    CHECK(shows());
}

/// The rate after losses in DOWN, or so many rounds later, while `share` thousandths of the bandwidth are delivered
/// through a queue. The path loses `background` octets of `bdp` by itself.
template <class Control>
constexpr std::uint64_t after_losses(int rounds, std::uint64_t share, std::uint32_t background = 0) {
    by_hand<Control> h;
    const auto until = [&](bbr_phase phase) {
        while (h.c.phase() != phase) h.lossy_round(rate, background);
    };
    until(bbr_phase::cruise);
    until(bbr_phase::up);
    h.in_flight = 2 * bdp;
    until(bbr_phase::down);
    h.in_flight = rounds == 0 ? 2 * bdp : 0;
    for (int i = 0; i < std::max(rounds, 3); ++i) h.lossy_round(rate * share / 1000, background, 25ms);
    h.lose(30, bdp);
    h.round(rate * share / 1000, 25ms);
    return h.c.bw();
}
constexpr bool about(std::uint64_t a, std::uint64_t b) { return a + 10 >= b && a <= b + 10; }

TEST_CASE(
    "a lossy round lowers the rate to what the path delivers, not to what DOWN sends, nor by what it always loses",
    "[bbr-25]") {
    static_assert(after_losses<bbr>(0, 900) == rate && after_losses<bbr>(3, 900) == rate * 9 / 10);
    CHECK(after_losses<bbr>(0, 900) == rate);
    CHECK(about(after_losses<bbr>(0, 810), rate * 9 / 10));
    CHECK(after_losses<bbr>(3, 900) == rate * 9 / 10);
    CHECK(after_losses<bbr>(3, 950, bdp / 20) == rate);
    CHECK(after_losses<strict>(0, 900) == rate * 9 / 10);
}

TEST_CASE("what a path loses without a queue is expected with one, half as much again, and four segments", "[bbr-25]") {
    // 5 % are lost in rounds without a queue; then there is one, and so many segments of 100 are lost.
    constexpr auto heeded = [](std::uint32_t lost) {
        by_hand<bbr> h;
        h.until(bbr_phase::cruise, rate);
        for (int i = 0; i < 40; ++i) h.lossy_round(rate, bdp / 20);
        for (int i = 0; i < 2; ++i) h.lossy_round(rate, bdp / 16, 25ms);  // as large a share of a larger flight
        h.lose(lost, bdp);
        h.round(rate, 25ms);
        return h.c.inflight_shortterm() != parts::unbounded;
    };
    static_assert(!heeded(11) && heeded(13));
    CHECK(!heeded(11));
    CHECK(heeded(13));
}

// ProbeRTT: after five seconds without a shorter round trip, for 200 ms and a round of half of what the path holds.
TEST_CASE("ProbeRTT: 200 ms and a round of half of what the path holds, after five seconds", "[bbr-11]") {
    constexpr auto shows = [] {
        by_hand<> h;
        h.until(bbr_phase::cruise, rate);
        h.in_flight = bdp;
        while (h.p.now < at(6s) + 40ms) {
            if (h.c.phase() == bbr_phase::probe_rtt) return false;
            h.round(rate);
        }
        h.round(rate);
        if (h.c.phase() != bbr_phase::probe_rtt || h.c.window() != bdp / 2) return false;
        const auto before = h.c.max_bw();
        h.round(rate / 2);
        h.in_flight = bdp / 2;
        h.round(rate / 2);
        const time_point from = h.p.now;
        while (h.c.phase() == bbr_phase::probe_rtt) {
            if (h.c.window() != bdp / 2) return false;
            h.round(rate / 2);
        }
        if (h.p.now - from <= 200ms || h.p.now - from > 240ms) return false;
        // Back at once, with the rate of before: what was measured with half a window does not count.
        if (h.c.phase() != bbr_phase::cruise || h.c.max_bw() != before || h.c.window() <= bdp) return false;
        // Nor does it end a cycle: what was measured before it is remembered until after the next probe.
        h.round(rate / 2);
        h.until(bbr_phase::up, rate * 9 / 10);
        h.until(bbr_phase::cruise, rate * 9 / 10);
        h.round(rate * 9 / 10);
        return h.c.max_bw() == before;
    };
    static_assert(shows());
    CHECK(shows());
}

// A pause has drained the queue as well.
TEST_CASE("after a pause there is no ProbeRTT", "[bbr-12]") {
    constexpr auto shows = [] {
        by_hand<> h;
        h.until(bbr_phase::cruise, rate);
        h.p.now += 6s;
        h.in_flight = 0;
        h.c.was_idle(h.p);
        h.round(rate);
        return h.c.phase() != bbr_phase::probe_rtt;
    };
    static_assert(shows());
    CHECK(shows());
}

// From Startup it goes back to Startup.
TEST_CASE("from Startup, ProbeRTT goes back to Startup", "[bbr-11]") {
    constexpr auto shows = [] {
        by_hand<> h;
        h.round(rate);
        for (int i = 0; i < 260 && h.c.phase() != bbr_phase::probe_rtt; ++i) h.limited_round(rate / 2);
        if (h.c.phase() != bbr_phase::probe_rtt) return false;
        for (int i = 0; i < 20; ++i) h.limited_round(rate / 2);
        return h.c.phase() == bbr_phase::startup;
    };
    static_assert(shows());
    CHECK(shows());
}

// After a timeout one segment, and the window of before as soon as all of then is acknowledged.
TEST_CASE("after a timeout one segment, and the window of before when all of then is acknowledged", "[bbr-22]") {
    constexpr auto shows = [] {
        by_hand<> h;
        h.until(bbr_phase::cruise, rate);
        const auto before = h.c.window();
        h.p.nxt = h.p.una + 50'000;
        h.c.timed_out(h.p, true);
        if (h.c.window() != 1000) return false;
        h.c.timed_out(h.p, false);
        const seq end = h.p.nxt;
        rate_sample s = h.sample(rate / 10);
        h.c.delivered(h.p, s);
        if (h.c.window() != 11'000) return false;
        while (h.p.una < end) h.round(rate / 10);
        return h.c.window() >= before;
    };
    static_assert(shows());
    CHECK(shows());
}

// What turns out to have been no loss is undone: bounds, phase, window.
TEST_CASE("what was no loss is undone: a probe that it ended", "[bbr-23]") {
    constexpr auto shows = [] {
        by_hand<> h;
        h.until(bbr_phase::up, rate);
        const strict before = h.c;
        h.c.missed(h.p, {h.p.una, 10'000, 150'000, 10'000, h.delivered, false});
        h.c.lost(h.p);
        h.round(rate / 2);
        if (h.c.inflight_longterm() == parts::unbounded || h.c.phase() == bbr_phase::up) return false;
        h.c.restore(before, h.p);
        return h.c.inflight_longterm() == parts::unbounded && h.c.inflight_shortterm() == parts::unbounded &&
               h.c.phase() == bbr_phase::refill && h.c.window() >= before.window();
    };
    static_assert(shows());
    CHECK(shows());
}

TEST_CASE("what was no loss is undone: the end of Startup", "[bbr-23]") {
    constexpr auto shows = [] {
        by_hand<> h;
        for (std::uint64_t r = rate / 8; r <= rate; r *= 2) h.round(r);
        const strict before = h.c;
        h.in_flight = 3 * bdp;
        h.lose(6, bdp);
        h.lossy_round(rate * 2, bdp / 2);
        if (h.c.phase() != bbr_phase::drain) return false;
        h.c.restore(before, h.p);
        return h.c.phase() == bbr_phase::startup && !h.c.full_bw_reached() &&
               h.c.inflight_longterm() == parts::unbounded;
    };
    static_assert(shows());
    CHECK(shows());
}

// The bounds of then, also after several rounds of losses.
TEST_CASE("what was no loss is undone after several rounds, too", "[bbr-23]") {
    constexpr auto shows = [] {
        by_hand<> h;
        h.until(bbr_phase::cruise, rate);
        const strict before = h.c;
        for (int i = 0; i < 5; ++i) {
            h.lose(1, bdp);
            h.round(rate / 3);
        }
        if (h.c.bw() >= rate) return false;
        h.c.restore(before, h.p);
        return h.c.bw() == rate && h.c.inflight_shortterm() == parts::unbounded && h.c.window() >= before.window();
    };
    static_assert(shows());
    CHECK(shows());
}

// Marks count as losses, and there is a response in every phase.
TEST_CASE("a mark ends Startup", "[bbr-24]") {
    constexpr auto shows = [] {
        by_hand<> h;
        for (std::uint64_t r = rate / 8; r <= rate; r *= 2) h.round(r);
        h.c.marked(h.p);
        return h.c.phase() == bbr_phase::drain && h.c.inflight_longterm() == bdp;
    };
    static_assert(shows());
    CHECK(shows());
}

TEST_CASE("a mark ends a probe", "[bbr-24]") {
    constexpr auto shows = [] {
        by_hand<> h;
        h.until(bbr_phase::up, rate);
        h.c.marked(h.p);
        return h.c.phase() == bbr_phase::down && h.c.inflight_longterm() == bdp && h.c.window() == bdp;
    };
    static_assert(shows());
    CHECK(shows());
}

TEST_CASE("a mark between probes lowers rate and window by three tenths", "[bbr-24]") {
    constexpr auto shows = [] {
        by_hand<> h;
        h.until(bbr_phase::cruise, rate);
        const auto before = h.c.window();
        h.c.marked(h.p);
        return h.c.bw() == rate * 7 / 10 && h.c.window() == before * 7 / 10;
    };
    static_assert(shows());
    CHECK(shows());
}
