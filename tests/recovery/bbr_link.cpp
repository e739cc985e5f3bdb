// SPDX-License-Identifier: MIT
// bbr_link.cpp: what BBR makes of a link.

#include "support/catch.hpp"

#include "bottleneck.hpp"

#include <tcpfsm/congestion/bbr.hpp>

#include <algorithm>
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

constexpr time_point at(duration d) { return time_point{d}; }

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

TEST_CASE("a policer instead of a queue: its rate, and losses that stay bounded", "[bbr]") {
    for (const std::uint32_t tokens : {15'000U, 100'000U, 1'000'000U}) {
        line l;
        l.rate = 1'250'000;
        l.tokens = tokens;
        network<bbr> n{l};
        n.run_for(10s);
        auto& f = n.flows.front();
        const auto sent = f.sent, lost = f.lost;
        CHECK(goodput(n, 0s, 20s).front() > 0.93 * static_cast<double>(l.rate));
        CHECK(f.lost - lost < (f.sent - sent) / 10);
        CHECK(f.control.max_bw() < l.rate * 115 / 100);
    }
}

TEST_CASE("ACKs for every second segment, or late", "[bbr]") {
    for (const std::uint64_t wire : {100'000ULL, 1'000'000ULL, 12'500'000ULL})
        for (const duration rtt : {duration{2ms}, duration{20ms}, duration{100ms}}) {
            line l;
            l.rate = wire;
            l.rtt = rtt;
            l.delayed = 40ms;
            network<bbr> n{l};
            const double got = goodput(n, 3s, 12s).front();
            CAPTURE(wire, rtt.count(), got);
            CHECK(got > 0.92 * static_cast<double>(l.rate));
            CHECK(n.flows.front().timeouts == 0);
        }
}

TEST_CASE("a queue that marks: hardly a loss, and most of the rate", "[bbr]") {
    for (const std::uint32_t mark : {30'000U, 60'000U, 120'000U})
        for (const std::size_t senders : {std::size_t{1}, std::size_t{2}}) {
            line l;
            l.marks = mark;
            network<bbr> n{l, senders};
            const auto got = goodput(n, 2s, 18s);
            CAPTURE(mark, senders, got, n.dropped);
            CHECK(std::accumulate(got.begin(), got.end(), 0.0) > 0.8 * static_cast<double>(l.rate));
            CHECK(jain(got) > 0.9);
            CHECK(n.queue_sum / n.queue_seen < mark);
            CHECK(n.dropped < 20);
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
