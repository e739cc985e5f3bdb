// SPDX-License-Identifier: MIT
// bbr.cpp: BBR's estimators, its phases, and what it makes of a link.

#include "support/catch.hpp"

#include "bottleneck.hpp"

#include <tcpfsm/congestion/bbr.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <numeric>
#include <vector>

using namespace std::chrono_literals;
using bottleneck::line;
using bottleneck::network;
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

// ---- the estimators

constexpr time_point at(duration d) { return time_point{d}; }

static_assert(parts::carried(12'500'000, 20ms) == 250'000);
static_assert(parts::carried(~0ULL, tcpfsm::forever) == parts::widest && parts::carried(5, duration{-7}) == 0);

// The largest of this cycle and the one before; a cycle that has seen nothing is none.
static_assert([] {
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
}());

// A round is over when something is delivered that left after it began.
static_assert([] {
    parts::round_counter r;
    r.update({.prior_delivered = 0, .total = 1000});
    if (!r.started() || r.count() != 1) return false;
    r.update({.prior_delivered = 0, .total = 2000});
    r.update({.prior_delivered = 999, .total = 3000});
    if (r.started() || r.count() != 1) return false;
    r.update({.prior_delivered = 1000, .total = 4000});
    return r.started() && r.count() == 2;
}());

// Three rounds without a quarter more; a quarter more begins anew.
static_assert([] {
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
}());

// What arrives beyond the rate, within the last rounds.
static_assert([] {
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
}());
static_assert([] {
    parts::ack_aggregation a;
    a.update(at(0ms), 1'000'000, 15'000, 9'000, 1, 5);
    return a.extra() == 9'000;  // a window at most
}());

// Two windows over the round trips: five seconds until it must be looked for, ten until it is forgotten.
static_assert([] {
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
}());

// The bounds of the moment: what was delivered, and no lower than Beta.
static_assert([] {
    parts::short_term t;
    t.update({.rate = 600, .delivered = 4000, .prior_delivered = 0, .total = 1000});
    t.lower(1000, 10'000, 700);
    if (t.bw != 700 || t.inflight != 7000) return false;
    t.lower(1000, 10'000, 700);
    if (t.bw != 600 || t.inflight != 4900) return false;
    t.forget_bounds();
    return t.bw == parts::unbounded_rate && t.inflight == parts::unbounded;
}());

// ---- by hand: a path that delivers what it is told to, round by round

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
    constexpr void lossy_round(std::uint64_t rate, std::uint32_t lost) {
        rate_sample s = sample(rate);
        s.lost = lost;
        c.delivered(p, s);
    }
    constexpr void until(bbr_phase phase, std::uint64_t rate) {
        for (int i = 0; i < 1000 && c.phase() != phase; ++i) round(rate);
    }
};
constexpr std::uint64_t rate = 5'000'000;  // 100 segments of 1000 in 20 ms
constexpr std::uint32_t bdp = 100'000;

// The first window, and the first rate: 2.77 times the window in a round trip, or in a millisecond.
static_assert([] {
    const by_hand<> h;
    return h.c.window() == 10'000 && h.c.pacing_rate(h.p) == 500'000 * 277 / 100 && h.c.phase() == bbr_phase::startup;
}());
static_assert([] {
    bbr c;
    c.begin({.smss = 1000}, true);
    return c.window() == 1000 && c.pacing_rate({}) == 2'770'000;
}());

// Startup: twice the bandwidth in flight, and it ends when three rounds have brought no more.
static_assert([] {
    by_hand<> h;
    for (std::uint64_t r = rate / 8; r <= rate; r *= 2) h.round(r);
    if (h.c.phase() != bbr_phase::startup || h.c.pacing_rate(h.p) != rate * 277 / 100 * 99 / 100) return false;
    h.in_flight = 2 * bdp;
    h.round(rate);
    h.round(rate);
    if (h.c.full_bw_reached() || h.c.phase() != bbr_phase::startup) return false;
    h.round(rate);
    return h.c.full_bw_reached() && h.c.phase() == bbr_phase::drain && h.c.pacing_rate(h.p) == rate / 2 * 99 / 100 &&
           h.c.max_bw() == rate && h.c.min_rtt() == 20ms;
}());
// Rounds that the user holds down say nothing; and the rate never falls meanwhile.
static_assert([] {
    by_hand<> h;
    h.round(rate);
    const auto before = h.c.pacing_rate(h.p);
    for (int i = 0; i < 50; ++i) h.limited_round(rate / 5);
    return h.c.phase() == bbr_phase::startup && h.c.max_bw() == rate && h.c.pacing_rate(h.p) == before;
}());
// Or by losses: a round of recovery, more than 2 % of it, in six places.
constexpr bool startup_ends_by_losses(std::uint32_t places, std::uint32_t lost) {
    by_hand<> h;
    for (std::uint64_t r = rate / 8; r <= rate; r *= 2) h.round(r);
    h.in_flight = 3 * bdp;
    h.lose(places, bdp);
    h.lossy_round(rate * 2, lost);
    return h.c.phase() == bbr_phase::drain && h.c.full_bw_reached() && h.c.inflight_longterm() == 2 * bdp;
}
static_assert(startup_ends_by_losses(6, 4001), "2 % of the 200,000 that were in flight");
static_assert(!startup_ends_by_losses(5, 4001));
static_assert(!startup_ends_by_losses(6, 4000));
// Without SACK one loss is all that can be seen.
static_assert([] {
    by_hand<> h;
    h.round(rate);
    h.lose(1, bdp);
    h.c.duplicate(h.p);
    h.lossy_round(rate, 1000);
    return h.c.full_bw_reached();
}());

// Drain: until what is in flight fits, or three rounds.
static_assert([] {
    by_hand<> h;
    h.in_flight = bdp + 1;
    h.until(bbr_phase::drain, rate);
    h.round(rate);
    if (h.c.phase() != bbr_phase::drain) return false;
    h.in_flight = bdp;
    h.round(rate);
    return h.c.phase() == bbr_phase::cruise;  // ProbeBW begins with DOWN, for which there is no need
}());
static_assert([] {
    by_hand<> h;
    h.in_flight = 2 * bdp;
    h.until(bbr_phase::drain, rate);
    for (int i = 0; i < 3; ++i) h.round(rate);
    if (h.c.phase() != bbr_phase::drain) return false;
    h.round(rate);
    return h.c.phase() == bbr_phase::down;
}());

// ProbeBW: slower by a tenth until the queue is gone, then at the rate of the path, then a round to fill the pipe, then
// a quarter faster; the window is twice what the path holds, and 2.25 times while it is probed.
static_assert([] {
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
}());
// It probes after two to three seconds, or after as many rounds as there are segments in flight, 63 at most.
static_assert([] {
    by_hand<> h;
    h.until(bbr_phase::cruise, rate);
    const time_point from = h.p.now;
    h.until(bbr_phase::refill, rate);
    const auto rounds = (h.p.now - from) / 20ms;
    return 60 <= rounds && rounds <= 63;
}());
static_assert([] {
    by_hand<> h;
    h.until(bbr_phase::cruise, rate / 10);  // ten segments
    const time_point from = h.p.now;
    h.until(bbr_phase::refill, rate / 10);
    const auto rounds = (h.p.now - from) / 20ms;
    return 7 <= rounds && rounds <= 10;
}());
static_assert([] {
    by_hand<> h;
    while (h.c.phase() != bbr_phase::cruise) h.round(rate, 100ms);
    const time_point from = h.p.now;
    while (h.c.phase() != bbr_phase::refill) h.round(rate, 100ms);
    return 1800ms <= h.p.now - from && h.p.now - from <= 3100ms;
}());

// A probe ends when three rounds have brought no more.
static_assert([] {
    by_hand<> h;
    h.until(bbr_phase::up, rate);
    h.round(rate);
    h.round(rate);
    if (h.c.phase() != bbr_phase::up) return false;
    h.round(rate);
    return h.c.phase() == bbr_phase::down && h.c.inflight_longterm() == parts::unbounded;
}());
// Or when more than 2 % of what was in flight is lost: where that was is the bound from now on.
static_assert([] {
    by_hand<> h;
    h.until(bbr_phase::up, rate);
    h.lose(2, bdp);
    if (h.c.phase() != bbr_phase::up || h.c.inflight_longterm() != parts::unbounded) return false;
    h.c.missed(h.p, {h.p.una, 10'000, 150'000, 10'000, h.delivered, false});
    // Of these 10,000 octets beyond 140,000, 2,857 could be lost before that was 2 % of all that was in flight.
    return h.c.phase() == bbr_phase::down && h.c.inflight_longterm() == 142'857;
}());
// Not below 70 % of what the path holds, and not if the user held the rate down.
static_assert([] {
    by_hand<> h;
    h.until(bbr_phase::up, rate);
    h.c.missed(h.p, {h.p.una, 1000, 20'000, 2'000, h.delivered, false});
    return h.c.phase() == bbr_phase::down && h.c.inflight_longterm() == 70'000;
}());
static_assert([] {
    by_hand<> h;
    h.until(bbr_phase::up, rate);
    h.c.missed(h.p, {h.p.una, 1000, 20'000, 2'000, h.delivered, true});
    return h.c.phase() == bbr_phase::down && h.c.inflight_longterm() == parts::unbounded;
}());
// Then a bit of room is left to others, and the next probe turns back where the last went too far; if that does no
// harm, another follows at once, which stays there and raises the bound: by one segment a round, two, four.
static_assert([] {
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
}());

// Between the probes a round with a loss lowers what may be in flight and the rate to what was delivered, and not by
// more than to 70 %; the next probe forgets it.
static_assert([] {
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
}());

// Losses without a queue are not congestion, up to a fifth of a round; with a queue each is.
template <class Control>
constexpr bool heeds(duration rtt, std::uint32_t lost) {
    by_hand<Control> h;
    h.until(bbr_phase::cruise, rate);
    h.round(rate);
    h.round(rate, rtt);
    h.lose(lost, bdp);
    h.round(rate * 9 / 10, rtt);
    return h.c.inflight_shortterm() != parts::unbounded;
}
static_assert(heeds<strict>(20ms, 1) && !heeds<bbr>(20ms, 1) && !heeds<bbr>(20ms, 23) && heeds<bbr>(20ms, 24));
static_assert(!heeds<bbr>(21250us, 1) && heeds<bbr>(21251us, 1), "a sixteenth more than the shortest");

// ProbeRTT: after five seconds without a shorter round trip, for 200 ms and a round of half of what the path holds.
static_assert([] {
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
    return h.c.phase() == bbr_phase::cruise && h.c.max_bw() == before && h.c.window() > bdp;
}());
// A pause has drained the queue as well.
static_assert([] {
    by_hand<> h;
    h.until(bbr_phase::cruise, rate);
    h.p.now += 6s;
    h.in_flight = 0;
    h.c.was_idle(h.p);
    h.round(rate);
    return h.c.phase() != bbr_phase::probe_rtt;
}());
// From Startup it goes back to Startup.
static_assert([] {
    by_hand<> h;
    h.round(rate);
    for (int i = 0; i < 260 && h.c.phase() != bbr_phase::probe_rtt; ++i) h.limited_round(rate / 2);
    if (h.c.phase() != bbr_phase::probe_rtt) return false;
    for (int i = 0; i < 20; ++i) h.limited_round(rate / 2);
    return h.c.phase() == bbr_phase::startup;
}());

// After a timeout one segment, and the window of before as soon as all of then is acknowledged.
static_assert([] {
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
}());

// What turns out to have been no loss is undone: bounds, phase, window.
static_assert([] {
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
}());
static_assert([] {
    by_hand<> h;
    for (std::uint64_t r = rate / 8; r <= rate; r *= 2) h.round(r);
    const strict before = h.c;
    h.in_flight = 3 * bdp;
    h.lose(6, bdp);
    h.lossy_round(rate * 2, bdp / 2);
    if (h.c.phase() != bbr_phase::drain) return false;
    h.c.restore(before, h.p);
    return h.c.phase() == bbr_phase::startup && !h.c.full_bw_reached() && h.c.inflight_longterm() == parts::unbounded;
}());
// The bounds of then, also after several rounds of losses.
static_assert([] {
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
}());

// Marks count as losses, and there is a response in every phase.
static_assert([] {
    by_hand<> h;
    for (std::uint64_t r = rate / 8; r <= rate; r *= 2) h.round(r);
    h.c.marked(h.p);
    return h.c.phase() == bbr_phase::drain && h.c.inflight_longterm() == bdp;
}());
static_assert([] {
    by_hand<> h;
    h.until(bbr_phase::up, rate);
    h.c.marked(h.p);
    return h.c.phase() == bbr_phase::down && h.c.inflight_longterm() == 70'000 && h.c.window() == 70'000;
}());
static_assert([] {
    by_hand<> h;
    h.until(bbr_phase::cruise, rate);
    const auto before = h.c.window();
    h.c.marked(h.p);
    return h.c.bw() == rate * 7 / 10 && h.c.window() == before * 7 / 10;
}());

// ---- on a link

using phases = std::map<bbr_phase, duration>;

/// How long the first sender was in which phase, and how often in ProbeRTT.
template <class Control>
struct diary {
    phases spent{};
    std::vector<time_point> probed_rtt{};
    std::vector<bbr_phase> order{};
    time_point last{};

    explicit diary(network<Control>& n) {
        n.watch = [this, &n](time_point now, auto& f, const rate_sample&) {
            if (&f != &n.flows.front()) return;
            if (order.empty() || order.back() != f.control.phase()) {
                order.push_back(f.control.phase());
                if (order.back() == bbr_phase::probe_rtt) probed_rtt.push_back(now);
            }
            spent[order.back()] += now - last;
            last = now;
        };
    }
};

/// Octets per second that arrive at the peer of each sender, once `settle` has passed.
template <class Control>
std::vector<double> goodput(network<Control>& n, duration settle, duration measured) {
    n.run_for(settle);
    std::vector<double> out;
    for (const auto& f : n.flows) out.push_back(static_cast<double>(f.delivered));
    n.look_away();
    n.run_for(measured);
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = (static_cast<double>(n.flows[i].delivered) - out[i]) * 1e6 / static_cast<double>(measured.count());
    return out;
}
double jain(const std::vector<double>& x) {
    const double sum = std::accumulate(x.begin(), x.end(), 0.0);
    const double squares = std::inner_product(x.begin(), x.end(), x.begin(), 0.0);
    return sum * sum / (static_cast<double>(x.size()) * squares);
}
line any_line() {
    line l;
    l.rate = *rc::gen::inRange<std::uint64_t>(100'000, 4'000'000);
    l.rtt = duration{*rc::gen::inRange(2'000, 100'000)};
    l.buffer = parts::carried(l.rate, l.rtt) * *rc::gen::inRange<std::uint32_t>(4, 16) / 4 + 30'000;
    return l;
}

}  // namespace

TEST_CASE("BBR finds the rate of a link and its round trip, and leaves the queue short", "[bbr]") {
    rc::prop("any link with a queue of at least what is in flight", [] {
        const line l = any_line();
        network<bbr> n{l, 1, *rc::gen::arbitrary<std::uint32_t>()};
        const double got = goodput(n, 2s, 6s).front();
        const bbr& c = n.flows.front().control;
        const auto wire = static_cast<double>(l.rate);
        RC_ASSERT(got > 0.93 * wire);
        RC_ASSERT(static_cast<double>(c.max_bw()) > 0.97 * wire);
        RC_ASSERT(static_cast<double>(c.max_bw()) < 1.03 * wire);
        RC_ASSERT(c.min_rtt() >= l.rtt);
        RC_ASSERT(c.min_rtt() < l.rtt + 3ms + duration{2LL * 1448 * 1'000'000 / static_cast<std::int64_t>(l.rate)});
        // A queue of an eighth of the path, or of a few segments, on average.
        const double average = static_cast<double>(n.queue_sum) / static_cast<double>(n.queue_seen);
        RC_ASSERT(average < static_cast<double>(parts::carried(l.rate, l.rtt)) / 8 + 10 * 1448);
        RC_ASSERT(n.flows.front().timeouts == 0);
    });
}

TEST_CASE("the phases follow each other as in the draft's diagram, and ProbeRTT comes every five seconds", "[bbr]") {
    network<bbr> n{line{}};
    diary d{n};
    n.run_for(31s);
    using enum bbr_phase;
    const std::vector<bbr_phase> first{startup, drain, cruise, refill, up, down, cruise, refill, up, down};
    REQUIRE(d.order.size() > 60);
    CHECK(std::vector<bbr_phase>(d.order.begin(), d.order.begin() + 10) == first);
    // Where DOWN finds nothing to drain, it is over within the same ACK.
    const std::map<bbr_phase, std::vector<bbr_phase>> arcs{
        {startup, {drain, probe_rtt}}, {drain, {down, cruise, probe_rtt}}, {down, {cruise, refill, probe_rtt}},
        {cruise, {refill, probe_rtt}}, {refill, {up, probe_rtt}},          {up, {down, probe_rtt}},
        {probe_rtt, {cruise, startup}}};
    for (std::size_t i = 1; i < d.order.size(); ++i) {
        const auto& to = arcs.at(d.order[i - 1]);
        CHECK(std::find(to.begin(), to.end(), d.order[i]) != to.end());
    }
    REQUIRE(d.probed_rtt.size() == 5);
    for (std::size_t i = 1; i < d.probed_rtt.size(); ++i) {
        const duration between = d.probed_rtt[i] - d.probed_rtt[i - 1];
        CHECK(between > 5s);
        CHECK(between < 5500ms);
    }
    CHECK(d.spent[probe_rtt] > 5 * 200ms);
    CHECK(d.spent[probe_rtt] < 5 * 280ms);
    CHECK(d.spent[cruise] > 15s);
}

TEST_CASE("random losses, up to one segment in ten, cost little more than themselves", "[bbr]") {
    for (const std::uint32_t loss : {1U, 5U, 10U, 20U, 50U, 100U})
        for (const std::uint32_t seed : {3U, 77U, 1234567U}) {
            line l;
            l.loss = loss;
            network<bbr> n{l, 1, seed};
            const double got = goodput(n, 2s, 18s).front();
            CAPTURE(loss, seed, got);
            CHECK(got > 0.88 * static_cast<double>(l.rate) * (1000 - loss) / 1000);
            CHECK(n.flows.front().timeouts == 0);
        }
}

TEST_CASE("the draft to the letter gives way to random losses, too", "[bbr]") {
    line l;
    l.loss = 50;
    network<strict> n{l, 1, 3};
    CHECK(goodput(n, 2s, 18s).front() < 0.2 * static_cast<double>(l.rate));
    l.loss = 1;
    network<strict> m{l, 1, 3};
    CHECK(goodput(m, 2s, 18s).front() > 0.85 * static_cast<double>(l.rate));
}

TEST_CASE("a queue far shorter than the path: few losses, and most of the rate", "[bbr]") {
    for (const std::uint32_t buffer : {20'000U, 40'000U, 80'000U}) {
        line l;
        l.buffer = buffer;
        network<bbr> n{l};
        const double got = goodput(n, 2s, 18s).front();
        const auto& f = n.flows.front();
        CAPTURE(buffer, got, f.lost);
        CHECK(got > 0.88 * static_cast<double>(l.rate));
        CHECK(f.lost < f.sent / 50);
    }
}

TEST_CASE("ACKs that come in bunches do not hold it up", "[bbr]") {
    for (const duration bunch : {duration{2ms}, duration{10ms}, duration{30ms}}) {
        line l;
        l.bunch = bunch;
        network<bbr> n{l};
        const double got = goodput(n, 2s, 10s).front();
        CAPTURE(bunch.count(), got);
        CHECK(got > 0.9 * static_cast<double>(l.rate));
        CHECK(static_cast<double>(n.flows.front().control.max_bw()) < 1.1 * static_cast<double>(l.rate));
    }
}

TEST_CASE("two senders share a link, and four", "[bbr]") {
    for (const std::size_t senders : {std::size_t{2}, std::size_t{4}})
        for (const std::uint32_t seed : {1U, 5U, 99U}) {
            network<bbr> n{line{}, senders, seed};
            for (std::size_t i = 1; i < senders; ++i) n.flows[i].starts = at(i * 500ms);
            const auto got = goodput(n, 10s, 50s);
            CAPTURE(senders, seed, got);
            CHECK(std::accumulate(got.begin(), got.end(), 0.0) > 0.93 * static_cast<double>(line{}.rate));
            CHECK(jain(got) > 0.9);
        }
}

TEST_CASE("a link becomes ten times as fast, and slow again", "[bbr]") {
    line l;
    l.rate = 1'250'000;
    network<bbr> n{l};
    n.run_for(4s);
    n.path_between().rate = 12'500'000;
    n.run_for(4s);
    CHECK(n.flows.front().control.max_bw() > 12'000'000);
    n.path_between().rate = 1'250'000;
    n.run_for(12s);  // two cycles; the queue has made their rounds long
    CHECK(n.flows.front().control.max_bw() < 1'300'000);
    CHECK(goodput(n, 1s, 5s).front() > 0.9 * 1'250'000);
}

TEST_CASE("a path that holds less than one segment: four are in flight, at its rate", "[bbr]") {
    line l;
    l.rate = 20'000;
    l.rtt = 10ms;
    network<bbr> n{l};
    const double got = goodput(n, 10s, 30s).front();
    const auto& f = n.flows.front();
    CHECK(got > 0.9 * 20'000);
    CHECK(f.control.window() >= 4 * f.smss);
    CHECK(n.queue_max <= 12 * f.smss);
}

TEST_CASE("a user who writes slowly is not taken for the path", "[bbr]") {
    network<bbr> n{line{}};
    n.run_for(3s);
    const auto before = n.flows.front().control.max_bw();
    auto& f = n.flows.front();
    f.app_rate = 500'000;
    f.starts = n.now();
    f.written_before = f.next_number;
    n.run_for(20s);
    CHECK(f.control.max_bw() > before * 95 / 100);
    CHECK(f.control.phase() != bbr_phase::startup);
    // And one who always did leaves it in Startup, where it may still find out.
    network<bbr> m{line{}};
    m.flows.front().app_rate = 500'000;
    m.run_for(4s);
    CHECK(m.flows.front().control.phase() == bbr_phase::startup);
}

TEST_CASE("a pause of six seconds: no ProbeRTT after it, and the rate of before at once", "[bbr]") {
    network<bbr> n{line{}};
    n.run_for(4s);
    auto& f = n.flows.front();
    f.stops = n.now();
    n.run_for(6s);
    REQUIRE(f.flight.empty());
    f.stops = tcpfsm::never;
    diary d{n};
    CHECK(goodput(n, 40ms, 400ms).front() > 0.9 * static_cast<double>(line{}.rate));
    CHECK(d.probed_rtt.empty());
}

TEST_CASE("whatever it is told: a window and a rate, the same for the same, and no overflow", "[bbr]") {
    rc::prop("reports without sense", [] {
        const auto u32 = [] { return *rc::gen::element(0U, 1U, 999U, 1448U, 70'000U, 1U << 30U, ~0U); };
        const auto u64 = [] { return *rc::gen::element<std::uint64_t>(0, 1, 1448, 12'500'000, 1ULL << 40U, ~0ULL); };
        const auto time = [] {
            return duration{*rc::gen::element<std::int64_t>(0, 1, 50, 20'000, 7'000'000, 4'000'000'000'000)};
        };
        bbr a;
        path p;
        p.now = time_point{duration{*rc::gen::element<std::int64_t>(-9'000'000'000'000, 0, 9'000'000'000'000)}};
        p.smss = *rc::gen::element(1U, 88U, 1448U, 65'495U);
        p.srtt = time();
        a.begin(p, *rc::gen::arbitrary<bool>());
        bbr b = a;
        bbr before = a;
        const int steps = *rc::gen::inRange(1, 200);
        for (int i = 0; i < steps; ++i) {
            p.now += time();
            p.flight = u32();
            p.srtt = time();
            p.rtt = time();
            p.una = seq{u32()};
            p.nxt = seq{u32()};
            p.limited = *rc::gen::arbitrary<bool>();
            const int what = *rc::gen::inRange(0, 14);
            const rate_sample s{u64(), time(), u32(), u64(), u64(), time(), u32(), u32(), *rc::gen::arbitrary<bool>(),
                                u32(), u32(),  u32()};
            const loss_sample l{seq{u32()}, u32(), u32(), u32(), u64(), *rc::gen::arbitrary<bool>()};
            const auto octets = u32();
            for (bbr* c : {&a, &b}) {
                switch (what) {
                case 0: c->acked(p, octets); break;
                case 1: c->lost(p); break;
                case 2: c->marked(p); break;
                case 3: c->duplicate(p); break;
                case 4: c->partly_acked(p, octets); break;
                case 5: c->recovered(p); break;
                case 6: c->timed_out(p, octets == 0); break;
                case 7: c->was_idle(p); break;
                case 8: c->restore(before, p); break;
                case 9: c->missed(p, l); break;
                default:
                    c->delivered(p, s);
                    RC_ASSERT(c->window() >= 4 * p.smss);
                    break;
                }
                RC_ASSERT(c->window() >= p.smss);
                RC_ASSERT(c->window() <= parts::widest);
                RC_ASSERT(c->pacing_rate(p) > 0);
                RC_ASSERT(c->send_quantum(p) >= 2 * p.smss);
            }
            RC_ASSERT(a == b);
            if (*rc::gen::inRange(0, 9) == 0) before = a;
        }
    });
}

TEST_CASE("the same link and the same start: the same to the last octet; another start: another", "[bbr]") {
    const auto run = [](std::uint32_t seed) {
        network<bbr> n{line{.loss = 10}, 2, seed};
        n.run_for(5s);
        return n;
    };
    const auto a = run(5), b = run(5), c = run(6);
    for (std::size_t i = 0; i < 2; ++i) {
        CHECK(a.flows[i].control == b.flows[i].control);
        CHECK(a.flows[i].delivered == b.flows[i].delivered);
        CHECK(a.flows[i].control != c.flows[i].control);
    }
}
