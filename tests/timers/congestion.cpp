// SPDX-License-Identifier: MIT
// congestion.cpp: the congestion window as the peer sees it (3.8.2, RFC 5681, 6582, 3042, 6928).

#include <support/states.hpp>

#include <chrono>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;
using enum tcpfsm::state;
using enum tcpfsm::answer;
using enum tcpfsm::signal;

constexpr std::uint32_t mss = 1460;

/// How many segments leave now.
unsigned bursts(subject& tcp) {
    unsigned n = 0;
    while (tcp.polls()) ++n;
    return n;
}
/// The peer acknowledges everything up to the end of segment `n`.
template <class P>
void acks(basic_subject<P>& tcp, std::uint32_t n, where w = where::here()) {
    tcp.hears(tcp.from_peer({.seq = seq{1}, .ack = seq{1 + n * mss}, .ctl = ctl::ack, .wnd = 65535}), w);
}
/// The next segment is the `n`-th, counted from 0.
void emits_segment(subject& tcp, std::uint32_t n, where w = where::here()) {
    const auto out = tcp.polls(w);
    REQUIRE(out);
    CHECK(out->segment.seq == tcp.in_world().ours + 1 + n * mss);
    CHECK(out->segment.text == mss);
}
/// ESTABLISHED with `n` segments of text to send.
template <class P = policies>
basic_subject<P> sending(std::uint32_t n, where w = where::here()) {
    auto tcp = in(established, basic_subject<P>{{.snd_buff = 1'000'000}}, opened::actively, w);
    CHECK(tcp.send(n * mss, w) == ok);
    return tcp;
}

/// Three segments, whatever happens.
struct three_segments {
    std::uint32_t smss = 0;
    [[nodiscard]] constexpr std::uint32_t window() const noexcept { return 3 * smss; }
    [[nodiscard]] constexpr std::uint32_t threshold() const noexcept { return 3 * smss; }
    constexpr void begin(path p, bool) noexcept { smss = p.smss; }
    constexpr void acked(path, std::uint32_t) noexcept {}
    constexpr void lost(path) noexcept {}
    constexpr void duplicate(path) noexcept {}
    constexpr void partly_acked(path, std::uint32_t) noexcept {}
    constexpr void recovered(path) noexcept {}
    constexpr void timed_out(path, bool) noexcept {}
    constexpr void was_idle(path) noexcept {}
    constexpr void marked(path) noexcept {}
    constexpr void restore(const three_segments&, path) noexcept {}
    friend constexpr bool operator==(const three_segments&, const three_segments&) noexcept = default;
};
struct with_three_segments : policies {
    using congestion = three_segments;
};

TEST_CASE("Another congestion control says how much may be in flight", "[timers][3.8.2][MAY-18]") {
    auto tcp = in(established, basic_subject<with_three_segments>{});
    CHECK(tcp.send(20 * mss) == ok);
    for (std::uint32_t n = 1; n < 10; ++n) {
        while (tcp.polls()) {
        }
        CHECK(tcp.numbers().snd.flight() == 3 * mss);
        tcp.hears(tcp.from_peer({.seq = seq{1}, .ack = seq{1 + n * mss}, .ctl = ctl::ack, .wnd = 65535}));
    }
}

TEST_CASE("Initial window: ten segments", "[timers][3.8.2][MUST-19][RFC 6928 2][5681-1][5681-4]") {
    subject tcp = sending(30);
    CHECK(bursts(tcp) == 10);
    CHECK(tcp.numbers().congestion.window() == 14600);
}

/// F-RTO looks at no window for two segments, and may take a reduction back.
struct takes_nothing_back : policies {
    static constexpr bool undo = false;
};

TEST_CASE("Congestion window: new text only as far as it allows, and it grows by no more than was acknowledged",
          "[timers][RFC 5681 3.1][RFC 5681 3.2][5681-2]") {
    auto tcp = sending<takes_nothing_back>(600);
    std::uint32_t acked = 0;
    std::uint32_t random = 9293;
    const auto sends = [&] {
        for (;;) {
            const seq next = tcp.numbers().snd.nxt;
            if (!tcp.polls()) return;
            const bool anew = tcp.numbers().snd.nxt != next;
            // Two more by limited transmit (RFC 3042).
            if (anew) CHECK(tcp.numbers().snd.flight() <= tcp.numbers().congestion.window() + 2 * mss);
        }
    };
    sends();
    for (int i = 0; i < 400; ++i) {
        random = random * 1664525 + 1013904223;
        const std::uint32_t flight = tcp.numbers().snd.flight() / mss;
        const bool again = (random >> 16U & 3U) == 0;
        const std::uint32_t n = again || flight == 0 ? 0 : 1 + (random >> 20U) % flight;
        const std::uint32_t before = tcp.numbers().congestion.window();
        acks(tcp, acked += n);
        CHECK(tcp.numbers().congestion.window() <= before + mss);
        sends();
        if (random >> 28U == 0 && tcp.numbers().snd.outstanding()) {
            tcp.advance(tcp.conn().poll_timeout() - tcp.now());
            CHECK(tcp.numbers().congestion.window() == mss);
            sends();
        }
    }
}

TEST_CASE("Fast recovery: several losses of one window halve it once, a lost retransmission halves it again",
          "[timers][RFC 5681 4.3][RFC 6582 3.2][5681-25]") {
    subject tcp = sending(100);
    CHECK(bursts(tcp) == 10);
    for (int i = 0; i < 3; ++i) {
        acks(tcp, 0);
        bursts(tcp);
    }
    const std::uint32_t half = tcp.numbers().congestion.threshold();
    CHECK(half == 5 * mss);
    for (const std::uint32_t partial : {2U, 5U, 7U}) {
        acks(tcp, partial);
        bursts(tcp);
        CHECK(tcp.numbers().congestion.threshold() == half);
    }
    const std::uint32_t flight = tcp.numbers().snd.flight();
    tcp.advance(tcp.conn().poll_timeout() - tcp.now());  // what went again was lost
    CHECK(bursts(tcp) == 1);
    CHECK(tcp.numbers().congestion.threshold() == std::max(flight / 2, 2 * mss));
}

TEST_CASE("Initial window: the ACK of the SYN does not make it larger", "[timers][RFC 5681 3.1][5681-5]") {
    for (const opened how : {opened::actively, opened::passively}) {
        const subject tcp = in(established, how);
        CHECK(tcp.numbers().congestion.window() == 14600);
    }
}

TEST_CASE("Slow start: each ACK brings at most one segment more than it acknowledges",
          "[timers][3.8.2][MUST-19][RFC 5681 3.1][5681-3]") {
    subject tcp = sending(100);
    CHECK(bursts(tcp) == 10);
    acks(tcp, 1);
    CHECK(bursts(tcp) == 2);
    acks(tcp, 3);
    CHECK(bursts(tcp) == 3);  // N is 2 segments, and counts as one
    acks(tcp, 4);
    CHECK(bursts(tcp) == 2);
}

TEST_CASE("Limited transmit: one new segment for each of the first two duplicate ACKs",
          "[timers][RFC 3042 2][RFC 5681 3.2][5681-16]") {
    subject tcp = sending(30);
    CHECK(bursts(tcp) == 10);
    acks(tcp, 0);
    emits_segment(tcp, 10);
    tcp.emits_nothing();
    acks(tcp, 0);
    emits_segment(tcp, 11);
    tcp.emits_nothing();
    CHECK(tcp.numbers().congestion.window() == 14600);
}

TEST_CASE("Fast retransmit: the third duplicate ACK brings the lost segment again, and half the window",
          "[timers][3.8.2][MUST-19][RFC 5681 3.2][5681-15][5681-17][5681-18][6582-2]") {
    subject tcp = sending(30);
    CHECK(bursts(tcp) == 10);
    acks(tcp, 0);
    CHECK(bursts(tcp) == 1);
    acks(tcp, 0);
    CHECK(bursts(tcp) == 1);
    acks(tcp, 0);
    emits_segment(tcp, 0);
    tcp.emits_nothing();
    CHECK(tcp.numbers().congestion.threshold() == 7300);  // what limited transmit sent does not count
    CHECK(tcp.numbers().congestion.window() == 7300 + 3 * mss);
}

TEST_CASE("Fast recovery: each further duplicate ACK is one segment that has left the network",
          "[timers][RFC 5681 3.2][5681-19][5681-20]") {
    subject tcp = sending(30);
    CHECK(bursts(tcp) == 10);
    for (int i = 0; i < 3; ++i) {
        acks(tcp, 0);
        static_cast<void>(bursts(tcp));
    }
    // 12 are in flight, and the window is 8.
    for (int i = 0; i < 4; ++i) {
        acks(tcp, 0);
        tcp.emits_nothing();
    }
    acks(tcp, 0);
    emits_segment(tcp, 12);
    tcp.emits_nothing();
    acks(tcp, 0);
    emits_segment(tcp, 13);
}

TEST_CASE("Fast recovery: a partial ACK names the next loss, a full one ends it",
          "[timers][RFC 6582 3.2][5681-21][6582-4][6582-5]") {
    subject tcp = sending(30);
    CHECK(bursts(tcp) == 10);
    for (int i = 0; i < 3; ++i) {
        acks(tcp, 0);
        static_cast<void>(bursts(tcp));
    }
    acks(tcp, 4);
    emits_segment(tcp, 4);
    tcp.emits_nothing();
    acks(tcp, 7);
    emits_segment(tcp, 7);
    acks(tcp, 12);
    CHECK(tcp.numbers().congestion.window() == 2 * mss);  // min(ssthresh, max(FlightSize, SMSS) + SMSS)
    emits_segment(tcp, 12);
    emits_segment(tcp, 13);
    tcp.emits_nothing();
}

TEST_CASE("Fast recovery: only the first partial ACK restarts the timer", "[timers][RFC 6582 3.2][6582-6]") {
    subject tcp = sending(10);
    CHECK(bursts(tcp) == 10);
    tcp.advance(100ms);
    for (int i = 0; i < 3; ++i) acks(tcp, 0);
    emits_segment(tcp, 0);
    CHECK(tcp.wakes_in(900ms));
    tcp.advance(100ms);
    acks(tcp, 2);
    emits_segment(tcp, 2);
    CHECK(tcp.wakes_in(1s));
    tcp.advance(100ms);
    acks(tcp, 4);
    emits_segment(tcp, 4);
    CHECK(tcp.wakes_in(900ms));
}

TEST_CASE("Fast retransmit: once in a recovery, however many duplicates come", "[timers][RFC 5681 3.2][RFC 6582 3.2]") {
    subject tcp = sending(10);
    CHECK(bursts(tcp) == 10);
    unsigned sent = 0;
    for (int i = 0; i < 300; ++i) {
        acks(tcp, 0);
        sent += bursts(tcp);
    }
    CHECK(sent == 1);
}

TEST_CASE("Fast retransmit: a window update, and an ACK with text, are no duplicates", "[timers][RFC 5681 2]") {
    subject tcp = sending(10);
    CHECK(bursts(tcp) == 10);
    for (const auto* update :
         {&". 1:1(0) ack 1 win 65000"_seg, &". 1:1(0) ack 1 win 64000"_seg, &". 1:1(0) ack 1 win 63000"_seg}) {
        tcp.gets(*update);
        tcp.emits_nothing();
    }
    tcp.gets(". 1:101(100) ack 1 win 63000"_seg);
    tcp.gets(". 101:201(100) ack 1 win 63000"_seg);
    tcp.gets(". 201:301(100) ack 1 win 63000"_seg);
    tcp.emits_nothing();
    CHECK(tcp.numbers().congestion.window() == 14600);
}

TEST_CASE("Fast retransmit: two duplicates and an ACK of new text begin the count again", "[timers][RFC 5681 3.2]") {
    subject tcp = sending(10);
    CHECK(bursts(tcp) == 10);
    acks(tcp, 0);
    acks(tcp, 0);
    acks(tcp, 1);
    acks(tcp, 1);
    acks(tcp, 1);
    tcp.emits_nothing();
    acks(tcp, 1);
    emits_segment(tcp, 1);
}

TEST_CASE("Timeout: one segment, and half of what was in flight as the threshold",
          "[timers][3.8.2][MUST-19][RFC 5681 3.1][5681-8][5681-11][5681-12]") {
    subject tcp = sending(30);
    CHECK(bursts(tcp) == 10);
    tcp.advance(1s);
    emits_segment(tcp, 0);
    tcp.emits_nothing();
    CHECK(tcp.numbers().congestion.window() == mss);
    CHECK(tcp.numbers().congestion.threshold() == 7300);
    tcp.advance(2s);
    emits_segment(tcp, 0);
    tcp.emits_nothing();
    CHECK(tcp.numbers().congestion.threshold() == 7300);  // the same segment does not halve it again
}

TEST_CASE("Timeout: another segment that times out halves again", "[timers][RFC 5681 3.1]") {
    subject tcp = sending(10);
    CHECK(bursts(tcp) == 10);
    tcp.advance(1s);
    emits_segment(tcp, 0);
    acks(tcp, 10);
    CHECK(tcp.numbers().congestion.threshold() == 7300);
    CHECK(tcp.send(2 * mss) == ok);
    CHECK(bursts(tcp) == 2);
    tcp.advance(2s);
    emits_segment(tcp, 10);
    CHECK(tcp.numbers().congestion.threshold() == 2 * mss);
}

TEST_CASE("Timeout: duplicates of what went before it do not begin a fast retransmit",
          "[timers][RFC 6582 3.2][6582-3][6582-7]") {
    subject tcp = sending(10);
    CHECK(bursts(tcp) == 10);
    tcp.advance(1s);
    emits_segment(tcp, 0);
    for (int i = 0; i < 5; ++i) {
        acks(tcp, 0);
        tcp.emits_nothing();
    }
}

TEST_CASE("Congestion avoidance: one segment more in each round trip", "[timers][RFC 5681 3.1][5681-3][5681-9]") {
    subject tcp = sending(200);
    CHECK(bursts(tcp) == 10);
    tcp.advance(1s);
    emits_segment(tcp, 0);
    acks(tcp, 10);
    std::uint32_t acked = 10;
    std::uint32_t flight = bursts(tcp);
    CHECK(flight == 2);
    std::uint32_t longest = 2;
    for (int round = 0; round < 6; ++round) {
        std::uint32_t sent = 0;
        for (std::uint32_t i = 0; i < flight; ++i) {
            acks(tcp, ++acked);
            sent += bursts(tcp);
        }
        CHECK(sent <= (longest < 5 ? 2 * flight : flight + 1));
        CHECK(sent >= flight);
        longest = flight = sent;
    }
    CHECK(flight >= 7);
}

TEST_CASE("Idle: after more than an RTO the window is no larger than at the start",
          "[timers][RFC 5681 4.1][RFC 6928 2][5681-22]") {
    subject tcp = sending(30);
    std::uint32_t sent = bursts(tcp);
    for (std::uint32_t n = 1; n <= 30; ++n) {
        acks(tcp, n);
        sent += bursts(tcp);
    }
    CHECK(sent == 30);
    CHECK(tcp.numbers().congestion.window() > 20 * mss);
    auto soon = tcp;
    soon.advance(900ms);
    CHECK(soon.send(40 * mss) == ok);
    CHECK(bursts(soon) > 20);
    tcp.advance(1001ms);
    CHECK(tcp.send(40 * mss) == ok);
    CHECK(bursts(tcp) == 10);
}

TEST_CASE("A window that the sender does not fill does not grow", "[timers][RFC 5681 3.1]") {
    subject tcp = sending(1);
    for (std::uint32_t n = 1; n < 50; ++n) {
        CHECK(bursts(tcp) == 1);
        acks(tcp, n);
        CHECK(tcp.send(mss) == ok);
    }
    CHECK(tcp.numbers().congestion.window() == 14600);
}

}  // namespace
