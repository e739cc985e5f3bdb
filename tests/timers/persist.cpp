// SPDX-License-Identifier: MIT
// persist.cpp: a window that is shut (3.8.6.1), and one that shrinks (3.8.6).

#include <support/pair.hpp>
#include <support/states.hpp>

#include <chrono>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;
using enum tcpfsm::state;
using enum tcpfsm::answer;
using enum tcpfsm::signal;

TEST_CASE("Persist: the first probe after the RTO, then doubled, one octet each",
          "[timers][3.8.6.1][MUST-36][SHLD-29][SHLD-30][1122-5]") {
    subject tcp = in(established);
    tcp.gets(". 1:1(0) ack 1 win 0"_seg);
    tcp.never_wakes();
    CHECK(tcp.send(1000) == ok);
    tcp.emits_nothing();
    for (const auto wait : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
        CHECK(tcp.wakes_in(wait));
        tcp.advance(wait);
        tcp.emits(". 1:2(1) ack 1"_seg);
        tcp.emits_nothing();
        tcp.gets(". 1:1(0) ack 1 win 0"_seg);
    }
}

TEST_CASE("Persist: never given up while the peer answers", "[timers][3.8.6.1][MUST-37][6429-1][1122-5]") {
    subject tcp = in(established);
    tcp.gets(". 1:1(0) ack 1 win 0"_seg);
    CHECK(tcp.send(1000) == ok);
    for (int i = 0; i < 200; ++i) {
        tcp.advance(tcp.conn().poll_timeout() - tcp.now());
        tcp.emits(". 1:2(1) ack 1"_seg);
        tcp.gets(". 1:1(0) ack 1 win 0"_seg);
    }
    tcp.is(established);
    tcp.tells_nothing();
    tcp.gets(". 1:1(0) ack 2 win 65535"_seg);
    tcp.emits("P. 2:1001(999) ack 1"_seg);
}

TEST_CASE("Persist: the user timeout begins anew when the window opens, since the peer was heard",
          "[timers][3.8.6.1][3.9.1]") {
    subject tcp = in(established, subject{{.user_timeout = 10s}});
    tcp.gets(". 1:1(0) ack 1 win 0"_seg);
    CHECK(tcp.send(1000) == ok);
    CHECK(tcp.loses(9s) == 3);
    tcp.gets(". 1:1(0) ack 1 win 65535"_seg);
    tcp.emits(". 1:2(1) ack 1"_seg);
    tcp.loses(9s);
    tcp.is(established);
    tcp.loses(1s);
    tcp.is(closed);
}

TEST_CASE("Persist: given up when nobody answers", "[timers][3.8.6.1][3.8.3][3.9.1]") {
    subject tcp = in(established);
    tcp.gets(". 1:1(0) ack 1 win 0"_seg);
    CHECK(tcp.send(1000) == ok);
    CHECK(tcp.loses(299s) == 9);
    tcp.is(established);
    CHECK(tcp.loses(10s) == 0);
    tcp.is(closed);
    tcp.tells(tell_timed_out);
    tcp.never_wakes();

    subject patient = in(established, subject{{.user_timeout = forever}});
    patient.gets(". 1:1(0) ack 1 win 0"_seg);
    CHECK(patient.send(1000) == ok);
    CHECK(patient.loses(std::chrono::hours{24}) > 1400);
    patient.is(established);
}

TEST_CASE("Persist: in every state in which text or FIN may wait", "[timers][3.8.6.1]") {
    subject peer_closed = in(close_wait);
    peer_closed.gets(". 2:2(0) ack 1 win 0"_seg);
    CHECK(peer_closed.send(1) == ok);
    peer_closed.advance(1s);
    peer_closed.emits("P. 1:2(1) ack 2"_seg);

    for (const state s : {fin_wait_1, closing, last_ack}) {
        subject tcp = in(s);
        tcp.gets(s == fin_wait_1 ? ". 1:1(0) ack 1 win 0"_seg : ". 2:2(0) ack 1 win 0"_seg);
        tcp.advance(1s);
        tcp.emits(s == fin_wait_1 ? "F. 1:1(0) ack 1"_seg : "F. 1:1(0) ack 2"_seg);
        CHECK(tcp.wakes_in(2s));
    }
}

TEST_CASE("Persist: a FIN alone is probed for", "[timers][3.8.6.1]") {
    subject tcp = in(established);
    tcp.gets(". 1:1(0) ack 1 win 0"_seg);
    CHECK(tcp.close() == ok);
    tcp.emits_nothing();
    tcp.is(fin_wait_1);
    CHECK(tcp.wakes_in(1s));
    tcp.advance(1s);
    tcp.emits("F. 1:1(0) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 1 win 0"_seg);
    tcp.advance(2s);
    tcp.emits("F. 1:1(0) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 1 win 1000"_seg);
    tcp.emits("F. 1:1(0) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 2 win 1000"_seg);
    tcp.is(fin_wait_2);
    tcp.never_wakes();
}

TEST_CASE("Persist: an octet that was taken counts once, and the next probe carries the next", "[timers][3.8.6.1]") {
    subject tcp = in(established);
    tcp.gets(". 1:1(0) ack 1 win 0"_seg);
    CHECK(tcp.send(1000) == ok);
    tcp.advance(1s);
    const transmit first = tcp.emits(". 1:2(1) ack 1"_seg);
    CHECK(first.at == 0);
    CHECK(tcp.gets(". 1:1(0) ack 2 win 0"_seg).acked == 1);
    tcp.emits_nothing();
    tcp.advance(tcp.conn().poll_timeout() - tcp.now());
    const transmit second = tcp.emits(". 2:3(1) ack 1"_seg);
    CHECK(second.at == 0);
    CHECK(tcp.gets(". 1:1(0) ack 3 win 1460"_seg).acked == 1);
    tcp.emits("P. 3:1001(998) ack 1"_seg);
}

TEST_CASE("Persist: an octet that was not taken goes again as soon as the window opens", "[timers][3.8.6.1]") {
    subject tcp = in(established);
    tcp.gets(". 1:1(0) ack 1 win 0"_seg);
    CHECK(tcp.send(1461) == ok);
    tcp.advance(1s);
    tcp.emits(". 1:2(1) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 1 win 4000"_seg);
    tcp.emits(". 1:2(1) ack 1"_seg);
    tcp.emits("P. 2:1462(1460) ack 1"_seg);
    tcp.emits_nothing();
    CHECK(tcp.wakes_in(1s));  // retransmission again, as if the window had never been shut
    tcp.gets(". 1:1(0) ack 1462 win 4000"_seg);
    tcp.never_wakes();
}

TEST_CASE("Persist: the update that opens the window is lost, and the answer to a probe tells",
          "[timers][3.8.6.1][MUST-36]") {
    subject tcp = in(established);
    tcp.gets(". 1:1(0) ack 1 win 0"_seg);
    CHECK(tcp.send(1461) == ok);
    CHECK(tcp.loses(3s) == 2);
    tcp.gets(". 1:1(0) ack 2 win 8000"_seg);
    tcp.emits("P. 2:1462(1460) ack 1"_seg);
}

TEST_CASE("Persist: what is told while a probe waits for its answer lies inside of the peer's window",
          "[timers][3.8.6.1][LC-14]") {
    subject tcp = in(established);
    tcp.gets(". 1:1(0) ack 1 win 0"_seg);
    CHECK(tcp.send(1000) == ok);
    tcp.advance(1s);
    tcp.emits(". 1:2(1) ack 1"_seg);
    tcp.gets(". 1:101(100) ack 1 win 0"_seg);
    tcp.advance(40ms);
    tcp.emits(". 1:1(0) ack 101"_seg);  // not 2: the peer, whose window is shut, would not listen
    tcp.gets(". 101:101(0) ack 2 win 65535"_seg);
    tcp.emits("P. 2:1001(999) ack 101"_seg);
}

TEST_CASE("Persist: a window update is heard at once although both windows were shut and probed",
          "[timers][3.8.6.1][LC-14]") {
    everywhere([](const world& w) {
        test::pair<> both{w, {.rcv_buff = 3000}, {.rcv_buff = 3000}};
        static_cast<void>(both.b.open_passive());
        static_cast<void>(both.a.open_active());
        both.drive_until_quiet();
        static_cast<void>(both.a.send(9000));
        static_cast<void>(both.b.send(9000));
        both.drive(70s);
        CHECK(both.received_by_a().in_order() == 3000);
        CHECK(both.log().size() < 40);  // the handshake, three segments each way, and probes with their answers
        static_cast<void>(both.a.receive(3000));
        both.drive(100ms);
        CHECK(both.received_by_a().in_order() >= 5000);
    });
}

TEST_CASE("Persist: probes that cross are both taken, and each end hears that its own was",
          "[timers][3.8.6.1][LC-14]") {
    subject tcp = in(established);
    tcp.gets(". 1:1(0) ack 1 win 0"_seg);
    CHECK(tcp.send(1000) == ok);
    tcp.advance(1s);
    tcp.emits(". 1:2(1) ack 1"_seg);
    CHECK(tcp.gets(". 1:2(1) ack 1 win 0"_seg).text == 1);
    tcp.advance(40ms);
    tcp.emits(". 1:1(0) ack 2"_seg);
    tcp.gets(". 1:1(0) ack 1 win 900"_seg);  // nothing new
    CHECK(tcp.judged() == event::rcv_outside);
    tcp.emits(". 1:1(0) ack 2"_seg);
    CHECK(tcp.gets(". 1:1(0) ack 2 win 8000"_seg).acked == 1);  // the peer does not know yet that we have its octet
    tcp.emits("P. 2:1001(999) ack 2"_seg);
}

TEST_CASE("Persist: where the window seems to have been taken back an ACK still bears SND.NXT",
          "[timers][3.8.6.1][LC-14]") {
    subject tcp = in(established);
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 1 win 0"_seg);  // sent before, and late: the peer has 1:101 by now, and refuses 1
    tcp.gets("P. 1:11(10) ack 1 win 0"_seg);
    tcp.advance(40ms);
    tcp.emits(". 101:101(0) ack 11"_seg);
}

TEST_CASE("Persist: a window that shuts on text in flight stops the retransmission", "[timers][3.8.6.1]") {
    subject tcp = in(established);
    CHECK(tcp.send(1000) == ok);
    tcp.emits("P. 1:1001(1000) ack 1"_seg);
    tcp.advance(500ms);
    tcp.gets(". 1:1(0) ack 1 win 0"_seg);
    CHECK(tcp.wakes_in(1s));
    tcp.advance(1s);
    tcp.emits(". 1:2(1) ack 1"_seg);
    CHECK(tcp.wakes_in(2s));
    tcp.gets(". 1:1(0) ack 1001 win 0"_seg);  // it was only slow
    tcp.never_wakes();
}

TEST_CASE("Persist: with nothing to send a shut window starts no timer", "[timers][3.8.6.1]") {
    for (const state s : {established, fin_wait_2, close_wait}) {
        subject tcp = in(s);
        tcp.gets(s == fin_wait_2   ? ". 1:1(0) ack 2 win 0"_seg
                 : s == close_wait ? ". 2:2(0) ack 1 win 0"_seg
                                   : ". 1:1(0) ack 1 win 0"_seg);
        tcp.never_wakes();
    }
}

TEST_CASE("Persist: two ends with shut windows do not answer each other for ever", "[timers][3.8.6.1][LC-05][LC-14]") {
    subject tcp = in(established, subject{{.rcv_buff = 100}});
    tcp.gets(". 1:101(100) ack 1 win 0"_seg);
    CHECK(tcp.send(1000) == ok);
    tcp.advance(40ms);
    tcp.emits(". 1:1(0) ack 101 win 0"_seg);
    tcp.gets(". 101:102(1) ack 1 win 0"_seg);
    tcp.emits(". 1:1(0) ack 101 win 0"_seg);  // a probe is answered,
    tcp.gets(". 101:101(0) ack 1 win 0"_seg);
    tcp.emits_nothing();  // an answer is not
    tcp.advance(1s - 40ms);
    tcp.emits(". 1:2(1) ack 101 win 0"_seg);
    tcp.emits_nothing();
}

TEST_CASE("Persist: the peer's probe with an octet is answered at once, taken or not",
          "[timers][3.8.6.1][LC-05][MAY-8]") {
    subject tcp = in(established, subject{{.rcv_buff = 100}});
    tcp.gets(". 1:101(100) ack 1"_seg);
    tcp.advance(40ms);
    tcp.emits(". 1:1(0) ack 101 win 0"_seg);
    for (int i = 0; i < 20; ++i) {
        CHECK(tcp.gets(". 101:102(1) ack 1"_seg).text == 0);
        tcp.emits(". 1:1(0) ack 101 win 0"_seg);
    }
}

// --- A window that shrinks (3.8.6) --------------------------------------------------------------------

TEST_CASE("A window that shrinks below what was sent: no new text, and the rest is not negative",
          "[timers][3.8.6][MUST-34][SHLD-15]") {
    subject tcp = in(established);
    CHECK(tcp.send(299) == ok);
    tcp.emits("P. 1:300(299) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 100 win 50"_seg);  // SND.UNA 100, SND.WND 50, SND.NXT 300
    tcp.emits_nothing();
    CHECK(tcp.send(5000) == ok);
    tcp.emits_nothing();
}

TEST_CASE("A window that shrinks: what lies inside goes again, and only that",
          "[timers][3.8.6][SHLD-16][SHLD-17][MAY-7]") {
    subject tcp = in(established);
    CHECK(tcp.send(299) == ok);
    tcp.emits("P. 1:300(299) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 100 win 50"_seg);
    tcp.advance(1s);
    tcp.emits(". 100:150(50) ack 1"_seg);
    tcp.emits_nothing();
    tcp.gets(". 1:1(0) ack 150 win 1000"_seg);
    tcp.emits("P. 150:300(150) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 300 win 1000"_seg);
    tcp.never_wakes();
}

TEST_CASE("A window that shrinks to nothing: probed for, not timed out",
          "[timers][3.8.6][3.8.6.1][MUST-35][MUST-37][SHLD-17]") {
    subject tcp = in(established);
    CHECK(tcp.send(1000) == ok);
    tcp.emits("P. 1:1001(1000) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 500 win 0"_seg);
    for (int i = 0; i < 20; ++i) {
        tcp.advance(tcp.conn().poll_timeout() - tcp.now());
        tcp.emits(". 500:501(1) ack 1"_seg);
        tcp.gets(". 1:1(0) ack 500 win 0"_seg);
    }
    tcp.is(established);
    tcp.gets(". 1:1(0) ack 500 win 1000"_seg);
    tcp.emits("P. 500:1001(501) ack 1"_seg);
}

TEST_CASE("A window that shrinks: an ACK beyond it is still taken", "[timers][3.8.6][MUST-34]") {
    subject tcp = in(established);
    CHECK(tcp.send(1000) == ok);
    tcp.emits("P. 1:1001(1000) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 1 win 100"_seg);
    CHECK(tcp.gets(". 1:1(0) ack 1001 win 100"_seg).acked == 1000);
    tcp.never_wakes();
}

}  // namespace
