// SPDX-License-Identifier: MIT
// window_validation.cpp: a window that is not used tells nothing of the path (RFC 5681 4.1, RFC 7661, RFC 9438 5.8).

#include <support/catch.hpp>
#include <support/states.hpp>

#include <tcpfsm/congestion/cubic.hpp>
#include <tcpfsm/congestion/new_reno.hpp>
#include <tcpfsm/congestion/validated.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;
using enum tcpfsm::state;
using enum tcpfsm::answer;

constexpr std::uint32_t mss = 1460;

struct with_cubic : policies {
    using congestion = cubic;
};

/// All that may leave now.
template <class P>
unsigned leave(basic_subject<P>& tcp) {
    unsigned n = 0;
    while (tcp.polls()) ++n;
    return n;
}
template <class P>
void acks(basic_subject<P>& tcp, std::uint32_t segments, std::uint32_t window = 65535) {
    tcp.hears(tcp.from_peer(
        {.seq = seq{1}, .ack = seq{1 + segments * mss}, .ctl = ctl::ack, .wnd = static_cast<std::uint16_t>(window)}));
}
template <class P = policies>
basic_subject<P> sending(std::uint32_t segments) {
    auto tcp = in(established, basic_subject<P>{{.snd_buff = 1'000'000}}, opened::actively);
    CHECK(tcp.send(segments * mss) == ok);
    return tcp;
}

/// A sender that sends so many segments in a round trip, without a connection around it.
template <class Control>
struct sender {
    Control c;
    path p{.smss = mss, .srtt = 100ms};

    sender() { c.begin(p, false); }
    void round(std::uint32_t segments) {
        p.flight = segments * mss;
        p.nxt = p.una + p.flight;
        p.limited = p.flight + mss > c.window();
        for (; p.flight != 0; p.flight -= mss) {
            p.una += mss;
            c.acked(p, mss);
        }
        p.now += p.srtt;
    }
    void rounds(int n, std::uint32_t segments) {
        for (int i = 0; i < n; ++i) round(segments);
    }
    /// As large a window as so many segments, all of it used.
    void open_to(std::uint32_t segments) {
        while (c.window() < segments * mss) round(c.window() / mss);
    }
    [[nodiscard]] std::uint32_t segments() const { return c.window() / mss; }
};

}  // namespace

TEST_CASE("window validation: every ACK of a window that was full makes it larger, though nothing waits any more",
          "[congestion][5681-3]") {
    subject tcp = sending(10);
    CHECK(leave(tcp) == 10);
    for (std::uint32_t n = 1; n <= 10; ++n) acks(tcp, n);
    CHECK(tcp.numbers().congestion.window() == 20 * mss);
}

TEST_CASE("window validation: slow start takes the window to twice what was in flight, and not further",
          "[congestion][9438-15]") {
    subject tcp = sending(7);
    CHECK(leave(tcp) == 7);
    std::uint32_t acked = 0;
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 7; ++i) acks(tcp, ++acked);
        CHECK(tcp.send(7 * mss) == ok);
        CHECK(leave(tcp) == 7);
    }
    CHECK(tcp.numbers().congestion.window() > 10 * mss);
    CHECK(tcp.numbers().congestion.window() <= 15 * mss);
}

TEST_CASE("window validation: what the peer's window holds back does not make the congestion window larger",
          "[congestion][9438-15]") {
    subject tcp = sending(200);
    CHECK(leave(tcp) == 10);
    acks(tcp, 10, 4 * mss);
    const std::uint32_t window = tcp.numbers().congestion.window();
    for (std::uint32_t n = 14; n <= 190; n += 4) {
        CHECK(leave(tcp) == 4);
        acks(tcp, n, 4 * mss);
    }
    CHECK(tcp.numbers().congestion.window() == window);
}

TEST_CASE("window validation: in congestion avoidance only a full window grows", "[congestion][9438-7][9438-15]") {
    auto tcp = sending<with_cubic>(10);
    CHECK(leave(tcp) == 10);
    tcp.advance(1s);  // timeout
    CHECK(leave(tcp) == 1);
    CHECK(tcp.numbers().congestion.threshold() == 7 * mss);
    acks(tcp, 10);
    std::uint32_t acked = 10;
    const auto fill = [&](std::uint32_t segments) {
        CHECK(tcp.send(segments * mss) == ok);
        CHECK(leave(tcp) == segments);
        tcp.advance(100ms);
        for (std::uint32_t i = 0; i < segments; ++i) acks(tcp, ++acked);
        return tcp.numbers().congestion.window();
    };
    while (tcp.numbers().congestion.window() < 7 * mss) fill(tcp.numbers().congestion.window() / mss);
    std::uint32_t window = tcp.numbers().congestion.window();
    CHECK(window < 8 * mss);
    for (int i = 0; i < 30; ++i) CHECK(fill(5) == window);
    for (int i = 0; i < 5; ++i) window = fill(window / mss);
    CHECK(window > 9 * mss);
}

TEST_CASE("window validation by RFC 7661: an idle time leaves the window, which the next losses hardly need",
          "[congestion][7661-1]") {
    sender<new_reno> plain;
    sender<validated<new_reno>> kept;
    plain.open_to(100);
    kept.open_to(100);
    CHECK(kept.c.window() == plain.c.window());
    const std::uint32_t before = kept.segments();
    for (auto* p : {&plain.p, &kept.p}) p->now += 10s;
    plain.c.was_idle(plain.p);
    kept.c.was_idle(kept.p);
    CHECK(plain.segments() == 10);
    CHECK(kept.segments() == before);
    kept.rounds(100, 5);
    CHECK(kept.segments() == before);
}

TEST_CASE("window validation by RFC 7661: a window of which half is used grows, of which less does not",
          "[congestion][7661-2]") {
    sender<validated<new_reno>> s;
    s.open_to(60);
    s.p.flight = 120 * mss;
    s.c.lost(s.p);
    s.p.flight = 60 * mss;
    s.c.recovered(s.p);
    CHECK(s.segments() == 60);
    s.rounds(20, 20);  // the path has carried no more than this for two seconds
    const std::uint32_t window = s.c.window();
    CHECK(s.segments() < 75);
    s.rounds(50, 20);
    CHECK(s.c.window() == window);
    s.rounds(50, s.segments() / 2 + 1);
    CHECK(s.c.window() > window);
}

TEST_CASE("window validation by RFC 7661: a loss, and a mark, leave half of what the path was seen to carry",
          "[congestion][7661-3]") {
    sender<validated<new_reno>> s;
    s.open_to(100);
    s.rounds(40, 20);
    CHECK(s.c.pipe() == 20 * mss);
    s.p.flight = 4 * mss;  // of a burst that has just begun
    auto marked = s;
    s.c.lost(s.p);
    CHECK(s.c.threshold() == 10 * mss);
    marked.c.marked(marked.p);
    CHECK(marked.c.window() == 10 * mss);
    s.p.flight = 30 * mss;  // unknown again, until the path has carried something
    s.c.lost(s.p);
    CHECK(s.c.threshold() == 15 * mss);
}

TEST_CASE("window validation by RFC 7661: what is not used for five minutes is halved, down to the first window",
          "[congestion][7661-4]") {
    sender<validated<cubic>> s;
    s.open_to(100);
    s.rounds(40, 5);
    const std::uint32_t full = s.c.window();
    s.rounds(2900, 5);
    CHECK(s.c.window() == full);
    s.rounds(200, 5);
    CHECK(s.c.window() == full / 2);
    CHECK(s.c.threshold() >= full / 4 * 3);
    s.p.now += 20min;
    s.c.was_idle(s.p);
    CHECK(s.segments() == 10);
    s.p.now += 1000h;
    s.c.was_idle(s.p);
    CHECK(s.segments() == 10);
}
