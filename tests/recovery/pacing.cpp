// SPDX-License-Identifier: MIT
// pacing.cpp: text that leaves at a rate.

#include "sender.hpp"

#include <tcpfsm/congestion/bbr.hpp>
#include <tcpfsm/congestion/cubic.hpp>
#include <tcpfsm/pacing.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;

struct paced_reno : policies {
    static constexpr bool pacing = true;
};
struct paced_cubic : paced_reno {
    using congestion = cubic;
};
struct with_bbr : policies {
    using congestion = bbr;
};

constexpr time_point at(duration d) { return time_point{d}; }

// --- The arithmetic ------------------------------------------------------------------------------------

constexpr bool a_segment_costs_its_time() {
    pacer p;
    bool good = p.open(at(5s));
    p.sent(1000, 100'000, 1000, at(5s));  // less than a segment in a millisecond: one is the quantum
    good = good && !p.open(at(5s)) && p.release() == at(5s + 10ms);
    good = good && !p.open(at(5s + 10ms - 1us)) && p.open(at(5s + 10ms));
    p.sent(500, 100'000, 1000, at(5s + 10ms));
    good = good && p.open(at(5s + 10ms));  // half of the quantum is left
    p.sent(1000, 100'000, 1000, at(5s + 10ms));
    good = good && !p.open(at(5s + 10ms)) && p.release() == at(5s + 25ms);
    p.sent(1000, 100'000, 1000, at(9s));  // what was not used meanwhile is gone
    return good && p.release() == at(9s + 10ms);
}
static_assert(a_segment_costs_its_time());

constexpr bool a_quantum_is_a_millisecond() {
    pacer p;
    unsigned n = 0;
    for (; p.open(at(1s)); ++n) p.sent(1000, 10'000'000, 1000, at(1s));
    pacer fast;
    unsigned most = 0;
    for (; fast.open(at(1s)); ++most) fast.sent(1000, 10'000'000'000U, 1000, at(1s));
    return n == 10 && p.release() == at(1s + 1ms) && most == 66;  // 65,536 octets at most
}
static_assert(a_quantum_is_a_millisecond());

constexpr bool no_rate_is_no_limit() {
    pacer p;
    p.sent(1000, 1, 1000, at(1s));
    p.sent(1000, 0, 1000, at(1s));
    return p.open(at(1s)) && p == pacer{};
}
static_assert(no_rate_is_no_limit());

constexpr bool the_rate_is_a_window_in_a_round_trip() {
    new_reno c;
    path p{.smss = 1000};
    c.begin(p, false);
    const bool none = pacing_rate(c, p) == 0;  // no round trip is known
    p.srtt = 100ms;
    const bool doubles = pacing_rate(c, p) == 200'000;  // 10,000 octets in 50 ms
    p.flight = 10'000;
    c.lost(p);
    p.flight = c.threshold();
    c.recovered(p);
    return none && doubles && pacing_rate(c, p) == c.window() * 12;
}
static_assert(the_rate_is_a_window_in_a_round_trip());

TEST_CASE("Pacing: the rate is a window in half of a round trip while it doubles, then in five sixths of one",
          "[recovery][9002-1]") {
    CHECK(the_rate_is_a_window_in_a_round_trip());
}

TEST_CASE("Pacing: however it is asked, no more leaves than the rate and a quantum allow", "[recovery][properties]") {
    rc::prop("over any stretch of time", [] {
        const std::uint64_t rate = *rc::gen::inRange<std::uint64_t>(1, 3'000'000'000U);
        const std::uint32_t smss = *rc::gen::inRange(88U, 9001U);
        const std::uint64_t quantum = std::clamp<std::uint64_t>(rate / 1000, smss, 65536);
        pacer p;
        time_point now = at(1s);
        const time_point begin = now;
        std::uint64_t sum = 0;
        for (int i = *rc::gen::inRange(1, 200); i != 0; --i) {
            now += duration{*rc::gen::inRange(0, 3000)};
            if (!p.open(now)) {
                RC_ASSERT(p.release() > now);
                if (*rc::gen::inRange(0, 2) == 0) continue;
                now = p.release();
                RC_ASSERT(p.open(now));
            }
            const std::uint32_t octets = *rc::gen::inRange(1U, smss + 1);
            const auto earned = static_cast<std::uint64_t>((now - begin).count()) * rate / 1'000'000;
            RC_ASSERT(sum <= earned + quantum + smss);
            p.sent(octets, rate, smss, now);
            sum += octets;
        }
    });
}

// --- The connection ------------------------------------------------------------------------------------

/// One segment that left.
struct departure {
    time_point at{};
    std::uint32_t octets = 0;
    std::uint64_t rate = 0;
};

/// A transfer, with each segment's ACK a round trip behind it, and every `loses`-th segment lost.
template <class P>
std::vector<departure> transfer(std::uint32_t segments, std::uint32_t loses) {
    sender<P> tcp{segments};
    tcp.follows_no_script();
    std::vector<departure> out;
    std::deque<std::pair<time_point, std::uint32_t>> acks;  // when, and which segment has arrived
    std::vector<char> have(segments);
    std::uint32_t next = 0;
    while (next < segments) {
        while (const auto t = tcp.polls()) {
            if (t->segment.text == 0) continue;
            const auto& n = tcp.numbers();
            out.push_back({tcp.now(), t->segment.text, pacing_rate(n.congestion, n.to_peer(tcp.now()))});
            const std::uint32_t number = (t->segment.seq - tcp.in_world().ours - 1) / 1000;
            if (loses == 0 || out.size() % loses != 0) acks.push_back({tcp.now() + 100ms, number});
        }
        const auto& n = tcp.numbers();
        const time_point due = tcp.conn().poll_timeout();
        const bool room = n.snd.unsent() >= 1000 && n.snd.usable(n.snd.nxt) >= 1000 &&
                          n.in_flight() + 1000 <= n.window() && !n.recovering();
        if (room) {
            // It is the rate alone that holds text back, and the deadline says until when.
            if (n.pace_due == never || due > n.pace_due) tcp.fail("nobody says when text may leave");
        }
        if (acks.empty() || due < acks.front().first) {
            if (due == never) tcp.fail("nothing will ever happen");
            const bool paced = due == n.pace_due;
            tcp.advance(due - tcp.now());
            if (paced && !tcp.owes()) tcp.fail("the time has come, and nothing leaves");
            continue;
        }
        if (tcp.now() < acks.front().first) tcp.advance(acks.front().first - tcp.now());
        tcp.leaves_unpolled();
        const std::uint32_t arrived = acks.front().second;
        acks.pop_front();
        have.at(arrived) = 1;
        while (next < segments && have.at(next) != 0) ++next;
        std::uint32_t end = arrived + 1;
        while (end < segments && have.at(end) != 0) ++end;
        if (arrived < next) {
            tcp.hears_ack(next);
        } else {
            tcp.hears_ack(next, {{arrived, end}});
        }
    }
    return out;
}

template <class P>
void leaves_on_pace() {
    for (const std::uint32_t loses : {0U, 23U}) {
        const auto all = transfer<P>(300, loses);
        CHECK(all.size() >= 300);
        for (std::size_t i = 0; i < all.size(); ++i) {
            std::uint64_t rate = 0;
            std::uint64_t octets = 0;
            for (std::size_t k = i; k < all.size() && all[k].at - all[i].at < 1s; ++k) {
                rate = std::max(rate, all[k].rate);
                const auto earned = static_cast<std::uint64_t>((all[k].at - all[i].at).count()) * rate / 1'000'000;
                const std::uint64_t quantum = std::clamp<std::uint64_t>(rate / 1000, 1000, 65536);
                if (octets > earned + quantum + 1000) {
                    CAPTURE(i, k, octets, earned, quantum, loses);
                    FAIL("more has left than the rate permits");
                }
                octets += all[k].octets;
            }
        }
    }
}

TEST_CASE("Pacing: a connection sends no faster than its rate, names the next departure, and does not stall",
          "[recovery][properties][9002-1]") {
    SECTION("NewReno") { leaves_on_pace<paced_reno>(); }
    SECTION("CUBIC") { leaves_on_pace<paced_cubic>(); }
    SECTION("BBR") { leaves_on_pace<with_bbr>(); }
}

TEST_CASE("A rate that the peer's window or the user holds down does not measure the path", "[recovery][bbr-2]") {
    sender<with_bbr> tcp{100};
    const auto all_leaves = [&] {
        while (true) {
            tcp.leaves_unpolled();
            while (tcp.polls()) {
            }
            if (tcp.numbers().pace_due == never) break;
            tcp.advance(tcp.numbers().pace_due - tcp.now());
        }
    };
    const auto limited = [&] { return tcp.numbers().rate.app_limited(); };
    all_leaves();
    tcp.advance(100ms);
    SECTION("the peer has room for some, and not for a segment more") {
        tcp.gets(". 1:1(0) ack 10001 win 2500"_seg);
        all_leaves();
        CHECK(tcp.numbers().snd.flight() == 2000);
        CHECK(limited());
    }
    SECTION("it has room for full segments alone") {
        tcp.gets(". 1:1(0) ack 10001 win 3000"_seg);
        all_leaves();
        CHECK(tcp.numbers().snd.flight() == 3000);
        CHECK(limited());
    }
    SECTION("it has enough") {
        tcp.gets(". 1:1(0) ack 10001 win 65535"_seg);
        all_leaves();
        CHECK(!limited());
    }
    SECTION("what it had not room for goes when it has, and tells the path again") {
        tcp.gets(". 1:1(0) ack 10001 win 3000"_seg);
        all_leaves();
        tcp.advance(100ms);
        tcp.gets(". 1:1(0) ack 13001 win 65535"_seg);
        all_leaves();
        tcp.advance(100ms);
        tcp.gets(". 1:1(0) ack 23001 win 65535"_seg);
        CHECK(!limited());
    }
}

TEST_CASE("Pacing: ACKs, the FIN and the peer's window are as they are without it", "[recovery][9002-1]") {
    sender<paced_reno> tcp{3};
    CHECK(tcp.leaves() == "0");
    CHECK(tcp.waits() == 5ms);  // ten segments in 50 ms
    CHECK(tcp.leaves() == "1");
    SECTION("an ACK does not wait, and does not count") {
        tcp.gets("P. 1:11(10) ack 1"_seg);
        tcp.gets("P. 11:21(10) ack 1"_seg);
        tcp.advance(5ms);
        CHECK(tcp.leaves() == "2");
    }
    SECTION("the FIN goes with the last text") {
        tcp.leaves_unpolled();
        CHECK(tcp.close() == answer::ok);
        CHECK(tcp.leaves().empty());
        CHECK(tcp.waits() == 5ms);
        CHECK(tcp.leaves() == "2F");
    }
    SECTION("a shut window: no text at its time, and at once when it opens") {
        tcp.gets(". 1:1(0) ack 2001 win 0"_seg);
        tcp.advance(5ms);
        CHECK(tcp.leaves().empty());
        tcp.advance(100ms);
        tcp.gets(". 1:1(0) ack 2001 win 65535"_seg);
        CHECK(tcp.leaves() == "2");
    }
}

}  // namespace
