// SPDX-License-Identifier: MIT
// link_test.cpp: the simulated link of bench/loss does what it says, or nothing measured with it means anything.

#include "support/catch.hpp"

#include "../../bench/loss/link.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <vector>

using namespace std::chrono_literals;
using bench::codepoint;
using bench::nanos;

namespace {

using line = bench::link<int>;

struct seen {
    int what;
    nanos at;
    codepoint ecn;
    friend bool operator==(const seen&, const seen&) = default;
};
/// Everything that arrives until then, each thing at its own time.
std::vector<seen> arrivals(line& l, nanos until = 1h) {
    std::vector<seen> out;
    for (nanos at = l.next(); at <= until; at = l.next()) {
        while (const auto p = l.arrive(at)) {
            CHECK(p->due == at);
            out.push_back({p->what, p->due, p->ecn});
        }
    }
    return out;
}

}  // namespace

TEST_CASE("link: each packet takes its size over the rate, then the delay", "[bench]") {
    line l{{.rate = 12'000'000, .delay = 7ms}};
    for (int i = 0; i < 3; ++i) CHECK(l.offer(i, 1500, codepoint::not_ect, 0ns));
    CHECK(l.octets_waiting() == 3000);
    CHECK(arrivals(l) == std::vector<seen>{{0, 8ms, {}}, {1, 9ms, {}}, {2, 10ms, {}}});
    // A link that was idle starts when the packet comes.
    CHECK(l.offer(3, 1500, codepoint::not_ect, 50ms));
    CHECK(arrivals(l) == std::vector<seen>{{3, 58ms, {}}});
    CHECK(l.counts().carried == 6000);
}

TEST_CASE("link: a rate that does not come out even is exact in the long run", "[bench]") {
    line l{{.rate = 7'000'000, .queue = 1U << 30U}};
    constexpr int packets = 70'000;  // of 40 octets: 45 714.28... ns each, 3.2 s together
    for (int i = 0; i < packets; ++i) CHECK(l.offer(i, 40, codepoint::not_ect, 0ns));
    const auto all = arrivals(l);
    REQUIRE(all.size() == packets);
    CHECK(all.back().at == 3200ms);
}

TEST_CASE("link: drop tail counts the octets that wait", "[bench]") {
    line l{{.rate = 8'000'000, .queue = 2500}};
    CHECK(l.offer(0, 1000, codepoint::not_ect, 0ns));  // on the wire
    CHECK(l.offer(1, 1000, codepoint::not_ect, 0ns));
    CHECK(l.offer(2, 1500, codepoint::not_ect, 0ns));
    CHECK_FALSE(l.offer(3, 1, codepoint::not_ect, 0ns));
    CHECK(l.offer(4, 1000, codepoint::not_ect, 1ms));  // the first has left, the second is on the wire
    CHECK_FALSE(l.offer(5, 1, codepoint::not_ect, 1ms));
    CHECK(arrivals(l).size() == 4);
    CHECK(l.counts().overflowed == 2);
}

TEST_CASE("link: marks what finds a long queue and carries ECT, and nothing else", "[bench]") {
    line l{{.rate = 8'000'000, .mark_above = 1000}};
    for (const codepoint c :
         {codepoint::ect_0, codepoint::ect_0, codepoint::ect_0, codepoint::not_ect, codepoint::ect_1})
        CHECK(l.offer(0, 1000, c, 0ns));
    const auto all = arrivals(l);
    std::vector<codepoint> told;
    for (const seen& s : all) told.push_back(s.ecn);
    // One is on the wire, two find at most 1000 octets.
    CHECK(told == std::vector{codepoint::ect_0, codepoint::ect_0, codepoint::ect_0, codepoint::not_ect, codepoint::ce});
    CHECK(l.counts().marked == 1);
}

TEST_CASE("link: what is late is overtaken, and comes by so much later", "[bench]") {
    line l{{.rate = 0, .delay = 10ms, .late = 300'000, .late_by = 5ms, .seed = 7}};
    for (int i = 0; i < 10'000; ++i) CHECK(l.offer(i, 100, codepoint::not_ect, i * 1ms));
    const auto all = arrivals(l);
    REQUIRE(all.size() == 10'000);
    CHECK(std::is_sorted(all.begin(), all.end(), [](auto& a, auto& b) { return a.at < b.at; }));
    int late = 0;
    for (const seen& s : all) {
        const nanos way = s.at - s.what * 1ms;
        CHECK((way == 10ms || way == 15ms));
        late += way == 15ms ? 1 : 0;
    }
    CHECK(std::abs(late - 3000) < 200);
    CHECK(static_cast<std::uint64_t>(late) == l.counts().late);
}

TEST_CASE("link: loses and doubles the share that was asked for", "[bench]") {
    line l{{.rate = 0, .loss = 50'000, .twice = 20'000, .seed = 3}};
    for (int i = 0; i < 100'000; ++i) CHECK(l.offer(i, 100, codepoint::not_ect, i * 1us));
    std::map<int, int> copies;
    for (const seen& s : arrivals(l)) ++copies[s.what];
    const auto twice = std::count_if(copies.begin(), copies.end(), [](auto& c) { return c.second == 2; });
    CHECK(std::abs(100'000 - static_cast<int>(copies.size()) - 5000) < 300);
    CHECK(std::abs(twice - 1900) < 200);
    CHECK(l.counts().lost == 100'000 - copies.size());
}

TEST_CASE("link: losses after Gilbert and Elliott come as often and as long as the chain says", "[bench]") {
    // Stationary: bad in begins / (begins + ends) = 1/51 of all packets; bursts of 1 / ends = 5 packets.
    bench::bursts chain{{.begins = 4'000, .ends = 200'000, .lost_bad = bench::all, .lost_good = 0}};
    bench::dice d{11};
    int lost = 0, runs = 0;
    bool before = false;
    constexpr int packets = 2'000'000;
    for (int i = 0; i < packets; ++i) {
        const bool now = chain.loses(d);
        lost += now ? 1 : 0;
        runs += now && !before ? 1 : 0;
        before = now;
    }
    CHECK(std::abs(lost - packets / 51) < packets / 51 / 20);
    CHECK(std::abs(static_cast<double>(lost) / runs - 5.0) < 0.25);
}

TEST_CASE("link: the same seed has the same bad luck, whenever one looks", "[bench]") {
    const auto run = [](std::uint64_t seed, bool looks) {
        line l{{.rate = 10'000'000,
                .delay = 3ms,
                .queue = 20'000,
                .keeps = bench::discipline::codel,
                .loss = 20'000,
                .burst = {.begins = 10'000, .ends = 300'000},
                .late = 50'000,
                .late_by = 4ms,
                .twice = 10'000,
                .seed = seed}};
        bench::dice when{99};
        nanos now{};
        std::vector<seen> out;
        for (int i = 0; i < 3000; ++i) {
            now += nanos{when.roll() % 2'000'000};
            (void)l.offer(i, 1500, codepoint::not_ect, now);
            while (looks) {
                const auto p = l.arrive(now);
                if (!p) break;
                out.push_back({p->what, p->due, p->ecn});
            }
        }
        for (const seen& s : arrivals(l)) out.push_back(s);
        return out;
    };
    CHECK(run(1, false) == run(1, true));
    CHECK(run(1, false) != run(2, false));
}

namespace {

/// A queue that is never empty, whose packets have waited for as long as one says.
struct long_queue {
    struct packet {
        nanos entered{};
        int number = 0;
    };
    nanos now{}, waited{};
    bool ecn = false;
    int next = 0;
    std::vector<int> hit{};

    bool pop(packet& p) {
        p = {now - waited, next++};
        return true;
    }
    [[nodiscard]] static std::uint64_t octets() { return 100'000; }
    bool mark(packet& p) {
        if (ecn) hit.push_back(p.number);
        return ecn;
    }
    void drop(packet&& p) { hit.push_back(p.number); }
};

/// When CoDel acts on a queue in which everything waits for so long, served once in a millisecond.
std::vector<int> acts(nanos waited, bool ecn, int milliseconds) {
    bench::codel c;
    long_queue q{.waited = waited, .ecn = ecn};
    std::vector<int> when;
    for (int ms = 0; ms < milliseconds; ++ms) {
        q.now = ms * 1ms;
        long_queue::packet p;
        const std::size_t before = q.hit.size();
        CHECK(c.dequeue(q, p, q.now));
        for (std::size_t i = before; i < q.hit.size(); ++i) when.push_back(ms);
    }
    return when;
}

}  // namespace

TEST_CASE("CoDel: an interval above the target, then at the square roots of the control law", "[bench][RFC 8289]") {
    CHECK(acts(4ms, false, 5000).empty());
    // first_above_time = 100 ms; then drop_next = t + interval / sqrt(count), which the next millisecond serves.
    std::vector<int> expected{100};
    double next = 100 + 100 / std::sqrt(1.0);
    for (int count = 2; next < 1000; ++count) {
        expected.push_back(static_cast<int>(std::ceil(next - 1e-3)));
        next += 100 / std::sqrt(count);
    }
    CHECK(acts(6ms, false, 1000) == expected);
    CHECK(acts(6ms, true, 1000) == expected);
}

TEST_CASE("CoDel: a queue that has become short is left alone at once", "[bench][RFC 8289]") {
    bench::codel c;
    long_queue q{.waited = 6ms};
    long_queue::packet p;
    for (int ms = 0; ms <= 300; ++ms) q.now = ms * 1ms, (void)c.dequeue(q, p, q.now);
    const std::size_t before = q.hit.size();
    CHECK(before > 2);
    q.waited = 4ms;
    for (int ms = 301; ms < 1000; ++ms) q.now = ms * 1ms, (void)c.dequeue(q, p, q.now);
    CHECK(q.hit.size() == before);
    CHECK_FALSE(c.dropping());
    // Soon after, it goes on at about the rate at which it left off: not one interval apart again.
    q.waited = 6ms;
    for (int ms = 1000; ms <= 1101; ++ms) q.now = ms * 1ms, (void)c.dequeue(q, p, q.now);
    CHECK(q.hit.size() == before + 1);
    const std::size_t again = q.hit.size();
    for (int ms = 1102; ms <= 1190; ++ms) q.now = ms * 1ms, (void)c.dequeue(q, p, q.now);
    CHECK(q.hit.size() > again);
}

TEST_CASE("link: with CoDel a standing queue shrinks towards the target", "[bench][RFC 8289]") {
    // 12 Mbit/s: a packet of 1500 octets in a millisecond. It is offered two percent more than it carries.
    line l{{.rate = 12'000'000, .queue = 1U << 20U, .keeps = bench::discipline::codel}};
    nanos now{};
    std::array<std::uint64_t, 2> waiting{};
    for (int i = 0; i < 60'000; ++i) {
        now += 980us;
        CHECK(l.offer(i, 1500, codepoint::not_ect, now));
        while (l.arrive(now)) {
        }
        if (i == 5000) waiting[0] = l.octets_waiting();
    }
    waiting[1] = l.octets_waiting();
    CHECK(l.counts().dropped > 500);
    CHECK(waiting[1] < 60 * 1500);  // without CoDel: 1200 packets
    CHECK(waiting[1] <= waiting[0]);
}
