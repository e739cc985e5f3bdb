// SPDX-License-Identifier: MIT
// retransmission.cpp: the retransmission timer (RFC 6298), and giving up (3.8.3).

#include <support/states.hpp>

#include <chrono>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;
using enum tcpfsm::state;
using enum tcpfsm::answer;
using enum tcpfsm::signal;

TEST_CASE("Retransmission: the timer starts with the first text, and stops when all is acknowledged",
          "[timers][3.8.1][MUST-18][RFC 6298 5.1][RFC 6298 5.2][6298-12]") {
    subject tcp = in(established);
    tcp.never_wakes();
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    CHECK(tcp.wakes_in(1s));
    tcp.gets(". 1:1(0) ack 101"_seg);
    tcp.never_wakes();
}

TEST_CASE("Retransmission: more text does not restart the timer", "[timers][RFC 6298 5.1][6298-12]") {
    subject tcp = in(established);
    CHECK(tcp.send(1460) == ok);
    tcp.emits("P. 1:1461(1460) ack 1"_seg);
    tcp.advance(600ms);
    CHECK(tcp.send(1460) == ok);
    tcp.emits("P. 1461:2921(1460) ack 1"_seg);
    CHECK(tcp.wakes_in(400ms));
}

TEST_CASE("Retransmission: an ACK of new text restarts the timer", "[timers][RFC 6298 5.3][6298-12][6928-5]") {
    subject tcp = in(established);
    CHECK(tcp.send(2920) == ok);
    tcp.emits(". 1:1461(1460) ack 1"_seg);
    tcp.emits("P. 1461:2921(1460) ack 1"_seg);
    tcp.advance(400ms);
    tcp.gets(". 1:1(0) ack 1461"_seg);
    CHECK(tcp.wakes_in(1s));
}

TEST_CASE("Retransmission: an ACK of nothing new does not restart the timer", "[timers][RFC 6298 5.3]") {
    subject tcp = in(established);
    CHECK(tcp.send(1460) == ok);
    tcp.emits("P. 1:1461(1460) ack 1"_seg);
    for (int i = 0; i < 9; ++i) {
        tcp.advance(100ms);
        tcp.gets(". 1:1(0) ack 1"_seg);
        if (i == 2) tcp.emits("P. 1:1461(1460) ack 1"_seg);  // the third duplicate
    }
    CHECK(tcp.wakes_in(100ms));
    tcp.advance(100ms);
    tcp.emits("P. 1:1461(1460) ack 1"_seg);
}

TEST_CASE("Retransmission: after 1, 3, 7, 15 ... seconds, at most a minute apart",
          "[timers][RFC 6298 5.4][RFC 6298 5.5][RFC 6298 5.6][6298-8][6298-13]") {
    subject tcp = in(established, subject{{.user_timeout = forever}});
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    for (const auto wait : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s, 60s}) {
        CHECK(tcp.wakes_in(wait));
        tcp.advance(wait);
        tcp.emits("P. 1:101(100) ack 1"_seg);
        tcp.emits_nothing();
    }
}

TEST_CASE("Retransmission: the timeout follows the round trips",
          "[timers][RFC 6298 2.2][RFC 6298 2.3][MUST-18][6298-3][6298-5][6298-6]") {
    subject tcp;
    CHECK(tcp.open_active() == ok);
    tcp.emits("S 0:0(0)"_seg);
    tcp.advance(800ms);
    tcp.gets("S. 0:0(0) ack 1 <mss 1460>"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    CHECK(tcp.wakes_in(2400ms));  // 800 + 4 * 400
    tcp.advance(800ms);
    tcp.gets(". 1:1(0) ack 101"_seg);
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 101:201(100) ack 1"_seg);
    CHECK(tcp.wakes_in(2s));  // 800 + 4 * 300
}

TEST_CASE("Retransmission: the SYN, the SYN,ACK and the FIN go again as they were", "[timers][3.8.1][RFC 6298 5.4]") {
    subject opening = in(syn_sent);
    opening.advance(1s);
    opening.emits("S 0:0(0)"_seg);
    opening.advance(2s);
    opening.emits("S 0:0(0)"_seg);

    subject answering = in(syn_received, opened::passively);
    answering.advance(1s);
    answering.emits("S. 0:0(0) ack 1"_seg);
    answering.is(syn_received);

    subject closing_first = in(fin_wait_1);
    closing_first.advance(1s);
    closing_first.emits("F. 1:1(0) ack 1"_seg);

    subject both = in(closing);
    both.advance(1s);
    both.emits("F. 1:1(0) ack 2"_seg);
    both.is(closing);

    subject last = in(last_ack);
    last.advance(1s);
    last.emits("F. 1:1(0) ack 2"_seg);
    last.advance(2s);
    last.emits("F. 1:1(0) ack 2"_seg);
}

TEST_CASE("Retransmission: the SYN with the same options, and the clock of now",
          "[timers][RFC 6298 5.4][RFC 7323 3.2][7323-14][7323-21]") {
    subject tcp;
    CHECK(tcp.open_active() == ok);
    tcp.emits("S 0:0(0) win 65535 <mss 1460,sackOK,TS val 1000 ecr 0,wscale 0>"_seg);
    tcp.advance(1s);
    tcp.emits("S 0:0(0) win 65535 <mss 1460,sackOK,TS val 2000 ecr 0,wscale 0>"_seg);
}

TEST_CASE("Retransmission: text and FIN in one segment go again in one segment", "[timers][3.8.1][RFC 6298 5.4]") {
    subject tcp = in(established);
    CHECK(tcp.send(100) == ok);
    tcp.leaves_unpolled();
    CHECK(tcp.close() == ok);
    tcp.emits("FP. 1:101(100) ack 1"_seg);
    tcp.advance(1s);
    tcp.emits("FP. 1:101(100) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 101"_seg);
    tcp.is(fin_wait_1);
    tcp.emits_nothing();
    CHECK(tcp.wakes_in(2s));
    tcp.advance(2s);
    tcp.emits("F. 101:101(0) ack 1"_seg);  // 3.8.1: what was acknowledged does not go again
}

TEST_CASE("Retransmission: the acknowledgment and the window are those of now", "[timers][3.8.1]") {
    subject tcp = in(established);
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    tcp.gets("P. 1:1001(1000) ack 1"_seg);
    tcp.advance(40ms);
    tcp.emits(". 101:101(0) ack 1001"_seg);
    tcp.advance(960ms);
    tcp.emits("P. 1:101(100) ack 1001 win 64535"_seg);
}

TEST_CASE("Retransmission: only the earliest segment at first, then as its ACKs come",
          "[timers][RFC 6298 5.4][RFC 5681 3.1]") {
    subject tcp = in(established);
    CHECK(tcp.send(7300) == ok);
    while (tcp.polls()) {
    }
    tcp.advance(1s);
    tcp.emits(". 1:1461(1460) ack 1"_seg);
    tcp.emits_nothing();
    tcp.gets(". 1:1(0) ack 1461"_seg);
    tcp.emits(". 1461:2921(1460) ack 1"_seg);
    tcp.emits(". 2921:4381(1460) ack 1"_seg);
    tcp.emits_nothing();
    tcp.gets(". 1:1(0) ack 7301"_seg);  // the rest had arrived
    tcp.emits_nothing();
    tcp.never_wakes();
}

TEST_CASE("Retransmission: a full ACK after a timeout leaves nothing behind", "[timers][RFC 6298 5.2]") {
    subject tcp = in(established);
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    tcp.advance(1s);
    tcp.leaves_unpolled();
    tcp.gets(". 1:1(0) ack 101"_seg);  // it comes before the retransmission has left
    tcp.emits_nothing();
    tcp.never_wakes();
}

TEST_CASE("Retransmission: no round trip is taken from it, and the timeout stays doubled (Karn)",
          "[timers][RFC 6298 3][RFC 6298 5.5][MUST-18][6298-9]") {
    subject tcp = in(established);
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    tcp.advance(1s);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    tcp.advance(100ms);
    const auto before = tcp.numbers().rtt;
    tcp.gets(". 1:1(0) ack 101"_seg);
    CHECK(tcp.numbers().rtt == before);
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 101:201(100) ack 1"_seg);
    CHECK(tcp.wakes_in(2s));
    tcp.advance(100ms);
    tcp.gets(". 1:1(0) ack 201"_seg);  // a round trip that can be taken
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 201:301(100) ack 1"_seg);
    CHECK(tcp.wakes_in(1s));
}

TEST_CASE("Retransmission: timestamps tell which of two was acknowledged",
          "[timers][RFC 6298 3][RFC 7323 4.1][6298-9]") {
    subject tcp;
    CHECK(tcp.open_active() == ok);
    tcp.emits("S 0:0(0)"_seg);
    tcp.gets("S. 0:0(0) ack 1 <mss 1460,TS val 1000 ecr 1000>"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 1 <TS val 1000 ecr 1000>"_seg);
    tcp.advance(1s);
    tcp.emits("P. 1:101(100) ack 1 <TS val 2000 ecr 1000>"_seg);
    tcp.advance(100ms);
    tcp.gets(". 1:1(0) ack 101 <TS val 2100 ecr 2000>"_seg);
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 101:201(100) ack 1"_seg);
    CHECK(tcp.wakes_in(1s));  // not doubled any more
}

TEST_CASE("Retransmission: an echo from before it times no round trip: perhaps only an ACK was lost",
          "[timers][RFC 6298 3][RFC 7323 5.3][6298-9]") {
    subject tcp;
    CHECK(tcp.open_active() == ok);
    tcp.emits("S 0:0(0)"_seg);
    tcp.gets("S. 0:0(0) ack 1 <mss 1460,TS val 1000 ecr 1000>"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 1 <TS val 1000 ecr 1000>"_seg);
    tcp.advance(1s);
    tcp.emits("P. 1:101(100) ack 1 <TS val 2000 ecr 1000>"_seg);
    tcp.advance(2s);
    tcp.emits("P. 1:101(100) ack 1 <TS val 4000 ecr 1000>"_seg);
    tcp.advance(100ms);
    const auto before = tcp.numbers().rtt;
    tcp.gets(". 1:1(0) ack 101 <TS val 4100 ecr 2000>"_seg);
    CHECK(tcp.numbers().rtt == before);
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 101:201(100) ack 1"_seg);
    CHECK(tcp.wakes_in(4s));  // doubled until a round trip can be taken
    tcp.advance(100ms);
    tcp.gets(". 1:1(0) ack 201 <TS val 4200 ecr 4100>"_seg);
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 201:301(100) ack 1"_seg);
    CHECK(tcp.wakes_in(1s));
}

TEST_CASE("Retransmission: a SYN that was lost means three seconds and a window of one segment",
          "[timers][RFC 6298 5.7][RFC 5681 3.1][RFC 6928 2][6298-14][5681-6][6928-2]") {
    subject active = in(syn_sent);
    active.advance(1s);
    active.emits("S 0:0(0)"_seg);
    active.gets("S. 0:0(0) ack 1 <mss 1460>"_seg);
    active.emits(". 1:1(0) ack 1"_seg);
    CHECK(active.send(5000) == ok);
    active.emits(". 1:1461(1460) ack 1"_seg);
    active.emits_nothing();
    CHECK(active.wakes_in(3s));
    active.gets(". 1:1(0) ack 1461"_seg);
    active.emits(". 1461:2921(1460) ack 1"_seg);
    active.emits(". 2921:4381(1460) ack 1"_seg);
    CHECK(active.wakes_in(1s));

    subject passive = in(syn_received, opened::passively);
    passive.advance(1s);
    passive.emits("S. 0:0(0) ack 1"_seg);
    passive.gets(". 1:1(0) ack 1"_seg);
    CHECK(passive.send(5000) == ok);
    passive.emits(". 1:1461(1460) ack 1"_seg);
    passive.emits_nothing();
    CHECK(passive.wakes_in(3s));
}

TEST_CASE("Retransmission: never before the RTO of the algorithm, whatever the round trips and losses were",
          "[timers][RFC 6298 2][RFC 6298 5][MUST-18][6298-1][6298-11]") {
    subject tcp = in(established, subject{{.user_timeout = forever}});
    double srtt = static_cast<double>(tcp.numbers().rtt.srtt().count());
    double rttvar = static_cast<double>(tcp.numbers().rtt.rttvar().count());
    double backed_off = 1;
    std::uint32_t acked = 1;
    const auto rto = [&] { return std::min(std::max(srtt + std::max(1.0, 4 * rttvar), 1e6) * backed_off, 60e6); };
    const auto least = [&] { return duration{static_cast<std::int64_t>(rto() * 0.999)}; };
    for (std::uint32_t i = 0; i < 120; ++i) {
        const duration trip = 1ms * (1 + i * i * 37 % 2500);
        const bool lost = i % 7 == 3 || i % 11 == 5;
        CHECK(tcp.send(100) == ok);
        CHECK(tcp.polls());
        if (lost) {
            for (std::uint32_t again = 0; again <= i % 3; ++again) {
                CHECK(tcp.conn().poll_timeout() - tcp.now() >= least());
                tcp.advance(tcp.conn().poll_timeout() - tcp.now());
                CHECK(tcp.polls());
                backed_off *= 2;
            }
            tcp.advance(1ms);
        } else {
            CHECK(tcp.conn().poll_timeout() - tcp.now() >= least());
            const duration taken = std::min<duration>(trip, least() - 1ms);
            tcp.advance(taken);
            const auto r = static_cast<double>(taken.count());
            rttvar = 0.75 * rttvar + 0.25 * std::abs(srtt - r);
            srtt = 0.875 * srtt + 0.125 * r;
            backed_off = 1;
        }
        acked += 100;
        tcp.hears(tcp.from_peer({.seq = seq{1}, .ack = seq{acked}, .ctl = ctl::ack, .wnd = 65535}));
    }
}

TEST_CASE("Retransmission: after small round trips the timeout is still a second", "[timers][RFC 6298 2.4][6298-7]") {
    subject tcp = in(established);
    for (std::uint32_t i = 0; i < 20; ++i) {
        CHECK(tcp.send(100) == ok);
        CHECK(tcp.polls());
        CHECK(tcp.wakes_in(1s));
        tcp.advance(100ms);
        tcp.hears(tcp.from_peer({.seq = seq{1}, .ack = seq{101 + 100 * i}, .ctl = ctl::ack, .wnd = 65535}));
    }
}

TEST_CASE("Retransmission: every round trip without a loss is sampled", "[timers][RFC 6298 3][6298-10]") {
    subject tcp = in(established);
    for (std::uint32_t i = 0; i < 10; ++i) {
        CHECK(tcp.send(100) == ok);
        CHECK(tcp.polls());
        const duration before = tcp.numbers().rtt.srtt();
        tcp.advance(100ms + 50ms * i);
        tcp.hears(tcp.from_peer({.seq = seq{1}, .ack = seq{101 + 100 * i}, .ctl = ctl::ack, .wnd = 65535}));
        CHECK(tcp.numbers().rtt.srtt() > before);
    }
}

TEST_CASE("Retransmission: an ACK that acknowledges nothing new is no sample, whatever it echoes",
          "[timers][RFC 7323 4.1][7323-15]") {
    subject tcp;
    CHECK(tcp.open_active() == ok);
    tcp.emits("S 0:0(0)"_seg);
    tcp.gets("S. 0:0(0) ack 1 <mss 1460,TS val 1000 ecr 1000>"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    tcp.advance(500ms);
    const auto before = tcp.numbers().rtt;
    tcp.gets("P. 1:11(10) ack 1 <TS val 1001 ecr 1000>"_seg);
    tcp.gets(". 11:11(0) ack 1 <TS val 1002 ecr 1400>"_seg);
    CHECK(tcp.numbers().rtt == before);
}

// --- R1, R2 and the user timeout (3.8.3) --------------------------------------------------------------

TEST_CASE("R1: the user is told at the third retransmission, once",
          "[timers][3.8.3][MUST-20][SHLD-9][SHLD-10][MUST-47][UNL-02][1122-7]") {
    for (const state s : {syn_sent, syn_received, fin_wait_1, closing, last_ack}) {
        subject tcp = in(s);
        CHECK(tcp.loses(6999ms) == 2);
        tcp.tells_nothing();
        CHECK(tcp.loses(1ms) == 1);
        tcp.tells(tell_trouble);
        CHECK(tcp.loses(100s) != 0);
        tcp.tells_nothing();
        tcp.is(s);
    }
}

TEST_CASE("R1: retransmissions of another segment do not count", "[timers][3.8.3][MUST-20]") {
    subject tcp = in(established);
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    CHECK(tcp.loses(3s) == 2);
    tcp.gets(". 1:1(0) ack 101"_seg);
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 101:201(100) ack 1"_seg);
    CHECK(tcp.loses(4s + 8s) == 2);
    tcp.tells_nothing();
    CHECK(tcp.loses(16s) == 1);
    tcp.tells(tell_trouble);
    tcp.gets(". 1:1(0) ack 201"_seg);
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 201:301(100) ack 1"_seg);
    CHECK(tcp.loses(32s + 60s) == 2);
    tcp.tells_nothing();
    CHECK(tcp.loses(60s) == 1);
    tcp.tells(tell_trouble);
}

TEST_CASE("R2: a SYN is tried for at least three minutes", "[timers][3.8.3][MUST-22][MUST-23][UNL-01][1122-7]") {
    for (const state s : {syn_sent, syn_received}) {
        subject tcp = in(s);
        CHECK(tcp.loses(180s) >= 7);
        tcp.is(s);
        tcp.tells(tell_trouble);
        CHECK(tcp.loses(120s) != 0);
        tcp.is(closed);
        tcp.tells(tell_timed_out);
        tcp.tells_nothing();
        tcp.never_wakes();
        tcp.emits_nothing();
    }
}

TEST_CASE("R2: text and FIN are tried for at least 100 s, then the connection is gone",
          "[timers][3.8.3][3.10.8][MUST-20][SHLD-11][LC-11][1122-7]") {
    for (const state s : {established, close_wait, fin_wait_1, closing, last_ack}) {
        subject tcp = in(s);
        if (s == established || s == close_wait) {
            CHECK(tcp.send(100) == ok);
            CHECK(tcp.polls());
        }
        CHECK(tcp.loses(299s) >= 8);
        tcp.is(s);
        tcp.tells(tell_trouble);
        CHECK(tcp.loses(1s) == 0);
        CHECK(tcp.passes(route{s, closed}));
        tcp.tells(tell_timed_out);
        tcp.tells_nothing();
        tcp.never_wakes();
    }
}

TEST_CASE("User timeout: one connection may have its own, and may change it", "[timers][3.8.3][3.9.1][MUST-21]") {
    subject given = in(established, subject{{.user_timeout = 2500ms}});
    CHECK(given.send(100) == ok);
    given.emits("P. 1:101(100) ack 1"_seg);
    CHECK(given.loses(2499ms) == 1);
    given.is(established);
    CHECK(given.loses(1ms) == 0);
    given.is(closed);
    given.tells(tell_timed_out);

    subject shortened = in(established);
    CHECK(shortened.send(100) == ok);
    shortened.emits("P. 1:101(100) ack 1"_seg);
    CHECK(shortened.loses(10s) == 3);
    shortened.does("user timeout of 12 s", [](auto& c, time_point) { c.set_user_timeout(12s); });
    CHECK(shortened.wakes_in(2s));
    CHECK(shortened.loses(2s) == 0);
    shortened.is(closed);
}

TEST_CASE("User timeout: `forever` never gives up", "[timers][3.8.3][MUST-21]") {
    subject tcp = in(established, subject{{.user_timeout = forever}});
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    CHECK(tcp.loses(std::chrono::hours{24}) > 1400);
    tcp.is(established);
    tcp.gets(". 1:1(0) ack 101"_seg);
    tcp.never_wakes();
}

TEST_CASE("User timeout: it is counted from the last progress", "[timers][3.8.3][3.9.1]") {
    subject tcp = in(established, subject{{.mss = 88, .user_timeout = 10s}});
    CHECK(tcp.send(176) == ok);
    tcp.emits(". 1:89(88) ack 1"_seg);
    tcp.emits("P. 89:177(88) ack 1"_seg);
    CHECK(tcp.loses(9s) == 3);
    tcp.gets(". 1:1(0) ack 89"_seg);
    tcp.emits("P. 89:177(88) ack 1"_seg);
    CHECK(tcp.loses(9s) != 0);
    tcp.is(established);
    CHECK(tcp.loses(1s) == 0);
    tcp.is(closed);
}

TEST_CASE("User timeout: idleness is not counted", "[timers][3.9.1]") {
    subject tcp = in(established);
    tcp.advance(std::chrono::hours{24 * 30});
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    CHECK(tcp.wakes_in(1s));
    tcp.advance(1s);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    tcp.is(established);
}

TEST_CASE("User timeout: it ends a connection that was opened passively, too, before it is established",
          "[timers][3.8.3][3.10.8]") {
    subject tcp = in(syn_received, opened::passively);
    CHECK(tcp.loses(300s) != 0);
    CHECK(tcp.passes(route{syn_received, closed}));
}

}  // namespace
