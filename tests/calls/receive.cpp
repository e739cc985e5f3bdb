// SPDX-License-Identifier: MIT
// receive.cpp: RECEIVE in each state (3.10.3), and urgent data that arrives (3.8.5).

#include <support/states.hpp>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using enum tcpfsm::state;
using enum tcpfsm::answer;
using enum tcpfsm::signal;

TEST_CASE("RECEIVE in CLOSED: there is no connection", "[calls][3.10.3]") {
    subject tcp;
    CHECK(tcp.receive(100) == err_no_connection);
    CHECK(tcp.receive(0) == err_no_connection);
    tcp.emits_nothing();
}

TEST_CASE("RECEIVE before there is text: it waits, and nothing changes", "[calls][3.10.3]") {
    for (const state s : {listen, syn_sent, syn_received, established, fin_wait_1, fin_wait_2}) {
        subject tcp = in(s);
        const auto before = tcp.numbers();
        CHECK(tcp.receive(100) == ok);
        CHECK(tcp.receive(0) == ok);
        CHECK(tcp.numbers() == before);
        CHECK(tcp.passes(route{s}));
        tcp.emits_nothing();
        CHECK(tcp.conn().readable() == 0);
    }
}

TEST_CASE("RECEIVE: text in order can be read, in pieces, and no more than there is", "[calls][3.10.3]") {
    for (const state s : {established, fin_wait_1, fin_wait_2}) {
        subject tcp = in(s);
        const arrival got = tcp.gets("P. 1:101(100) ack 1"_seg);
        CHECK(got.in_order == 100);
        CHECK(got.push);
        CHECK(tcp.conn().readable() == 100);
        CHECK(tcp.receive(30) == ok);
        CHECK(tcp.conn().readable() == 70);
        CHECK(tcp.receive(0xffff'ffff) == ok);
        CHECK(tcp.conn().readable() == 0);
        CHECK(tcp.receive(1) == ok);
        tcp.is(s);
    }
}

TEST_CASE("RECEIVE: text beyond a gap cannot be read", "[calls][3.10.3]") {
    subject tcp = in(established);
    tcp.gets(". 101:201(100) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    CHECK(tcp.conn().readable() == 0);
    CHECK(tcp.receive(100) == ok);
    const arrival got = tcp.gets(". 1:101(100) ack 1"_seg);
    CHECK(got.in_order == 200);
    tcp.emits(". 1:1(0) ack 201"_seg);
    CHECK(tcp.conn().readable() == 200);
}

TEST_CASE("RECEIVE in CLOSE-WAIT: what is on hand first, then connection closing", "[calls][3.10.3][3.6]") {
    subject tcp = in(established);
    tcp.gets("FP. 1:101(100) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 102"_seg);
    tcp.is(close_wait);
    CHECK(tcp.receive(60) == ok);
    CHECK(tcp.receive(0) == ok);
    CHECK(tcp.receive(60) == ok);
    CHECK(tcp.receive(60) == err_closing);
    CHECK(tcp.receive(0) == err_closing);
    tcp.emits_nothing();
}

TEST_CASE("RECEIVE in CLOSING, LAST-ACK and TIME-WAIT: what is on hand first, too", "[calls][3.10.3][3.6]") {
    subject closes_too = in(fin_wait_1);
    closes_too.gets("F. 1:101(100) ack 1"_seg);
    closes_too.emits(". 2:2(0) ack 102"_seg);
    closes_too.is(closing);
    CHECK(closes_too.receive(99) == ok);
    CHECK(closes_too.receive(99) == ok);
    CHECK(closes_too.receive(99) == err_closing);

    subject last = in(established);
    last.gets("F. 1:101(100) ack 1"_seg);
    last.emits(". 1:1(0) ack 102"_seg);
    CHECK(last.close() == ok);
    last.emits("F. 1:1(0) ack 102"_seg);
    last.is(last_ack);
    CHECK(last.receive(99) == ok);
    CHECK(last.receive(99) == ok);
    CHECK(last.receive(99) == err_closing);

    subject waits = in(fin_wait_2);
    waits.gets("F. 1:101(100) ack 2"_seg);
    waits.emits(". 2:2(0) ack 102"_seg);
    waits.is(time_wait);
    CHECK(waits.receive(99) == ok);
    CHECK(waits.receive(99) == ok);
    CHECK(waits.receive(99) == err_closing);
}

TEST_CASE("RECEIVE after the peer's FIN and without text: connection closing", "[calls][3.10.3]") {
    for (const state s : {close_wait, closing, last_ack, time_wait}) {
        subject tcp = in(s);
        CHECK(tcp.receive(100) == err_closing);
        CHECK(tcp.passes(route{s}));
        tcp.emits_nothing();
    }
}

TEST_CASE("RECEIVE after the user's CLOSE: the peer may still send", "[calls][3.6]") {
    for (const state s : {fin_wait_1, fin_wait_2}) {
        subject tcp = in(s);
        tcp.gets(". 1:2921(2920) ack 1"_seg);
        tcp.emits(". 2:2(0) ack 2921"_seg);
        CHECK(tcp.receive(2920) == ok);
        CHECK(tcp.conn().readable() == 0);
        tcp.is(s);
    }
}

TEST_CASE("RECEIVE: an ACK is not owed for reading alone", "[calls][3.8.6.2.2][MUST-39]") {
    subject tcp = in(established);
    tcp.gets("P. 1:1001(1000) ack 1"_seg);
    CHECK(tcp.receive(1000) == ok);
    tcp.emits_nothing();
    tcp.advance(std::chrono::milliseconds{40});
    tcp.emits(". 1:1(0) ack 1001 win 64535"_seg);  // the right edge waits for a segment's worth
}

// --- Urgent data --------------------------------------------------------------------------------------

TEST_CASE("Urgent data: the user is told at once, and how much there is to read",
          "[calls][3.8.5][MUST-31][MUST-32][MUST-33]") {
    subject tcp = in(established);
    CHECK(tcp.conn().urgent() == 0);
    tcp.gets("UP. 1:101(100) ack 1 urg 50"_seg);
    tcp.tells(tell_urgent);
    CHECK(tcp.conn().urgent() == 50);
    CHECK(tcp.receive(20) == ok);
    CHECK(tcp.conn().urgent() == 30);
    CHECK(tcp.receive(30) == ok);
    CHECK(tcp.conn().urgent() == 0);
    CHECK(tcp.conn().readable() == 50);
    tcp.tells_nothing();
}

TEST_CASE("Urgent data: the pointer may lie beyond what has arrived", "[calls][3.8.5][MUST-31][MUST-32]") {
    subject tcp = in(established);
    tcp.gets("U. 1:101(100) ack 1 urg 60000"_seg);
    tcp.tells(tell_urgent);
    CHECK(tcp.conn().urgent() == 60000);
    CHECK(tcp.receive(100) == ok);
    CHECK(tcp.conn().urgent() == 59900);
}

TEST_CASE("Urgent data: known before it can be taken, at a window of zero", "[calls][3.8.5][MUST-66]") {
    subject tcp = in(established, subject{{.rcv_buff = 100}});
    tcp.gets(". 1:101(100) ack 1"_seg);
    tcp.advance(std::chrono::milliseconds{40});
    tcp.emits(". 1:1(0) ack 101 win 0"_seg);
    tcp.gets("U. 101:102(1) ack 1 urg 1"_seg);
    tcp.emits(". 1:1(0) ack 101 win 0"_seg);
    tcp.tells(tell_urgent);
    CHECK(tcp.conn().urgent() == 101);
}

TEST_CASE("Urgent data: more of it is told again, the same or less is not",
          "[calls][3.8.5][MUST-32][MUST-47][UNL-02]") {
    subject tcp = in(established);
    tcp.gets("U. 1:101(100) ack 1 urg 200"_seg);
    tcp.tells(tell_urgent);
    tcp.gets("U. 101:201(100) ack 1 urg 100"_seg);
    tcp.tells_nothing();
    tcp.gets("U. 201:301(100) ack 1 urg 100"_seg);
    tcp.tells(tell_urgent);
    CHECK(tcp.conn().urgent() == 300);
}

}  // namespace
