// SPDX-License-Identifier: MIT
// close.cpp: CLOSE in each state (3.10.4), of one direction and of both (3.6.1).

#include <support/states.hpp>

#include <chrono>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using enum tcpfsm::state;
using enum tcpfsm::answer;
using enum tcpfsm::signal;

using namespace std::chrono_literals;

TEST_CASE("CLOSE in CLOSED: there is no connection", "[calls][3.10.4]") {
    subject tcp;
    CHECK(tcp.close() == err_no_connection);
    CHECK(tcp.close_both() == err_no_connection);
    tcp.emits_nothing();
}

TEST_CASE("CLOSE in LISTEN and SYN-SENT: gone, without a segment", "[calls][3.10.4]") {
    for (const state s : {listen, syn_sent}) {
        subject tcp = in(s);
        CHECK(tcp.close() == ok);
        CHECK(tcp.passes(route{s, closed}));
        tcp.emits_nothing();
        tcp.never_wakes();
        tcp.tells_nothing();
    }
}

TEST_CASE("CLOSE in SYN-SENT with text that waits: gone, and the text with it", "[calls][3.10.4]") {
    subject tcp = in(syn_sent);
    CHECK(tcp.send(100) == ok);
    CHECK(tcp.close() == ok);
    tcp.is(closed);
    tcp.emits_nothing();
    tcp.never_wakes();
}

TEST_CASE("CLOSE in SYN-RECEIVED without text: a FIN, and FIN-WAIT-1", "[calls][3.10.4][figure 5]") {
    for (const opened how : {opened::actively, opened::passively}) {
        subject tcp = in(syn_received, how);
        CHECK(tcp.close() == ok);
        tcp.emits("F. 1:1(0) ack 1"_seg);
        tcp.emits_nothing();
        CHECK(tcp.passes(route{syn_received, fin_wait_1}));
        tcp.gets(". 1:1(0) ack 2"_seg);
        tcp.is(fin_wait_2);
        tcp.never_wakes();
    }
}

TEST_CASE("CLOSE in SYN-RECEIVED before the SYN,ACK has left: first the SYN,ACK, then the FIN", "[calls][3.10.4]") {
    subject tcp = in(listen);
    tcp.gets("S 0:0(0) <mss 1460>"_seg);
    tcp.leaves_unpolled();
    CHECK(tcp.close() == ok);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    tcp.emits("F. 1:1(0) ack 1"_seg);
    tcp.emits_nothing();
}

TEST_CASE("CLOSE in SYN-RECEIVED, and the SYN,ACK is lost: it goes again, then the FIN",
          "[calls][3.10.4][RFC 6298 5.4]") {
    subject tcp = in(syn_received, opened::passively);
    CHECK(tcp.close() == ok);
    tcp.emits("F. 1:1(0) ack 1"_seg);
    tcp.advance(1s);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    tcp.emits("F. 1:1(0) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 2"_seg);
    tcp.is(fin_wait_2);
    tcp.never_wakes();
}

TEST_CASE("CLOSE in SYN-RECEIVED, and the ACK of the SYN,ACK crosses the FIN: it does not go again for that",
          "[calls][3.10.4][RFC 6298 5]") {
    subject tcp = in(syn_received, opened::passively);
    CHECK(tcp.close() == ok);
    tcp.emits("F. 1:1(0) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 1"_seg);
    tcp.emits_nothing();
    tcp.is(fin_wait_1);
    tcp.advance(1s);
    tcp.emits("F. 1:1(0) ack 1"_seg);
}

TEST_CASE("CLOSE in SYN-RECEIVED behind text: it waits for ESTABLISHED", "[calls][3.10.4]") {
    subject tcp = in(syn_received);
    CHECK(tcp.send(2000) == ok);
    CHECK(tcp.close() == ok);
    tcp.emits_nothing();
    CHECK(tcp.passes(route{syn_received}));
    tcp.gets(". 1:1(0) ack 1"_seg);
    tcp.emits(". 1:1461(1460) ack 1"_seg);
    tcp.emits("FP. 1461:2001(540) ack 1"_seg);
    CHECK(tcp.passes(route{syn_received, established, fin_wait_1}));
    tcp.tells(tell_open);
}

TEST_CASE("CLOSE in ESTABLISHED: a FIN at once, and FIN-WAIT-1", "[calls][3.10.4][figure 12]") {
    subject tcp = in(established);
    CHECK(tcp.close() == ok);
    CHECK(tcp.passes(route{established, fin_wait_1}));
    tcp.emits("F. 1:1(0) ack 1"_seg);
    tcp.emits_nothing();
}

TEST_CASE("CLOSE in ESTABLISHED behind text: FIN-WAIT-1 at once, the FIN on the last segment",
          "[calls][3.10.4][MUST-61]") {
    subject tcp = in(established);
    CHECK(tcp.send(2000) == ok);
    tcp.leaves_unpolled();
    CHECK(tcp.close() == ok);
    CHECK(tcp.passes(route{established, fin_wait_1}));
    tcp.emits(". 1:1461(1460) ack 1"_seg);
    tcp.emits("FP. 1461:2001(540) ack 1"_seg);
    tcp.emits_nothing();
}

TEST_CASE("CLOSE in ESTABLISHED behind text that Nagle holds back: it goes, with the FIN", "[calls][3.10.4][3.7.4]") {
    subject tcp = in(established);
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    CHECK(tcp.send(100) == ok);
    tcp.emits_nothing();
    CHECK(tcp.close() == ok);
    tcp.emits("FP. 101:201(100) ack 1"_seg);
}

TEST_CASE("CLOSE in ESTABLISHED with text outstanding: a FIN alone goes at once", "[calls][3.10.4][3.7.4]") {
    subject tcp = in(established);
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    CHECK(tcp.close() == ok);
    tcp.emits("F. 101:101(0) ack 1"_seg);
}

TEST_CASE("CLOSE in ESTABLISHED behind text: the FIN waits for the window that the text has filled",
          "[calls][3.10.4][3.8.6]") {
    subject tcp = in(established);
    tcp.gets(". 1:1(0) ack 1 win 1000"_seg);
    CHECK(tcp.send(1000) == ok);
    tcp.leaves_unpolled();
    CHECK(tcp.close() == ok);
    tcp.emits("P. 1:1001(1000) ack 1"_seg);
    tcp.emits_nothing();
    tcp.is(fin_wait_1);
    tcp.gets(". 1:1(0) ack 1001 win 1000"_seg);
    tcp.emits("F. 1001:1001(0) ack 1"_seg);
}

TEST_CASE("CLOSE in FIN-WAIT-1 and FIN-WAIT-2: connection closing, and never a second FIN", "[calls][3.10.4]") {
    for (const state s : {fin_wait_1, fin_wait_2}) {
        subject tcp = in(s);
        const auto before = tcp.numbers();
        CHECK(tcp.close() == err_closing);
        CHECK(tcp.numbers() == before);
        CHECK(tcp.passes(route{s}));
        tcp.emits_nothing();
    }
}

TEST_CASE("CLOSE in CLOSE-WAIT: a FIN, and LAST-ACK", "[calls][3.10.4][figure 12]") {
    subject tcp = in(close_wait);
    CHECK(tcp.close() == ok);
    tcp.emits("F. 1:1(0) ack 2"_seg);
    tcp.emits_nothing();
    CHECK(tcp.passes(route{close_wait, last_ack}));
}

TEST_CASE("CLOSE in CLOSE-WAIT behind text: it waits, and its FIN goes on the last segment", "[calls][3.10.4]") {
    subject tcp = in(close_wait);
    CHECK(tcp.send(2000) == ok);
    tcp.leaves_unpolled();
    CHECK(tcp.close() == ok);
    CHECK(tcp.passes(route{close_wait}));
    tcp.emits(". 1:1461(1460) ack 2"_seg);
    tcp.is(close_wait);
    tcp.emits("FP. 1461:2001(540) ack 2"_seg);
    tcp.is(last_ack);
    tcp.gets(". 2:2(0) ack 2002"_seg);
    tcp.is(closed);
    tcp.tells(tell_closed);
}

TEST_CASE("CLOSE in CLOSE-WAIT behind more text than the window takes: LAST-ACK with the last of it",
          "[calls][3.10.4]") {
    subject tcp = in(close_wait);
    tcp.gets(". 2:2(0) ack 1 win 1460"_seg);
    CHECK(tcp.send(2920) == ok);
    tcp.leaves_unpolled();
    CHECK(tcp.close() == ok);
    tcp.emits(". 1:1461(1460) ack 2"_seg);
    tcp.emits_nothing();
    tcp.is(close_wait);
    tcp.gets(". 2:2(0) ack 1461 win 1460"_seg);
    tcp.emits("P. 1461:2921(1460) ack 2"_seg);
    tcp.emits_nothing();  // the window has no room for the FIN
    tcp.is(last_ack);
    tcp.gets(". 2:2(0) ack 2921 win 1460"_seg);
    tcp.emits("F. 2921:2921(0) ack 2"_seg);
}

TEST_CASE("CLOSE in CLOSE-WAIT behind a window that is shut: probed for, and then closed", "[calls][3.10.4][3.8.6.1]") {
    subject tcp = in(close_wait);
    tcp.gets(". 2:2(0) ack 1 win 0"_seg);
    CHECK(tcp.send(1) == ok);
    CHECK(tcp.close() == ok);
    tcp.emits_nothing();
    tcp.is(close_wait);
    tcp.advance(1s);
    tcp.emits("P. 1:2(1) ack 2"_seg);
    tcp.gets(". 2:2(0) ack 2 win 1000"_seg);
    tcp.emits("F. 2:2(0) ack 2"_seg);
    tcp.is(last_ack);
}

TEST_CASE("CLOSE in CLOSE-WAIT behind text that Nagle holds back: it goes, with the FIN", "[calls][3.10.4][3.7.4]") {
    subject tcp = in(close_wait);
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 2"_seg);
    CHECK(tcp.send(100) == ok);
    tcp.emits_nothing();
    CHECK(tcp.close() == ok);
    tcp.emits("FP. 101:201(100) ack 2"_seg);
    tcp.is(last_ack);
}

TEST_CASE("CLOSE in CLOSING, LAST-ACK and TIME-WAIT: connection closing", "[calls][3.10.4]") {
    for (const state s : {closing, last_ack, time_wait}) {
        subject tcp = in(s);
        CHECK(tcp.close() == err_closing);
        CHECK(tcp.close_both() == err_closing);
        CHECK(tcp.passes(route{s}));
        tcp.emits_nothing();
    }
}

TEST_CASE("CLOSE: text of the peer is still taken, delivered and acknowledged", "[calls][3.6]") {
    subject tcp = in(fin_wait_2);
    const arrival got = tcp.gets("P. 1:1461(1460) ack 2"_seg);
    CHECK(got.in_order == 1460);
    tcp.gets("F. 1461:2921(1460) ack 2"_seg);
    tcp.emits(". 2:2(0) ack 2922"_seg);
    CHECK(tcp.conn().readable() == 2920);
    tcp.is(time_wait);
}

// --- Both directions (3.6.1) --------------------------------------------------------------------------

TEST_CASE("CLOSE of both directions with text unread: the peer is told that it was lost",
          "[calls][3.6.1][MAY-1][SHLD-3]") {
    for (const state s : {established, fin_wait_1, fin_wait_2}) {
        subject tcp = in(s);
        tcp.gets("P. 1:101(100) ack 1"_seg);
        CHECK(tcp.receive(99) == ok);
        CHECK(tcp.close_both() == ok);
        tcp.emits(s == established ? "R 1:1(0)"_seg : "R 2:2(0)"_seg);
        tcp.emits_nothing();
        CHECK(tcp.passes(route{s, closed}));
        tcp.never_wakes();
    }
    subject tcp = in(established);
    tcp.gets("F. 1:101(100) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 102"_seg);
    CHECK(tcp.close_both() == ok);
    tcp.emits("R 1:1(0)"_seg);
    CHECK(tcp.passes(route{established, close_wait, closed}));
}

TEST_CASE("CLOSE of both directions with all text read: an ordinary CLOSE", "[calls][3.6.1][MAY-1]") {
    subject tcp = in(established);
    tcp.gets("P. 1:101(100) ack 1"_seg);
    CHECK(tcp.receive(100) == ok);
    CHECK(tcp.close_both() == ok);
    tcp.emits("F. 1:1(0) ack 101"_seg);
    tcp.gets("F. 101:101(0) ack 2"_seg);
    tcp.emits(". 2:2(0) ack 102"_seg);
    CHECK(tcp.passes(route{established, fin_wait_1, fin_wait_2, time_wait}));
}

TEST_CASE("CLOSE of both directions: text that arrives afterwards resets", "[calls][3.6.1][MAY-1][SHLD-3]") {
    subject tcp = in(established);
    CHECK(tcp.close_both() == ok);
    tcp.emits("F. 1:1(0) ack 1"_seg);
    tcp.gets("P. 1:101(100) ack 2"_seg);
    tcp.emits("R 2:2(0)"_seg);
    tcp.is(closed);
    hear_all(tcp);
    tcp.never_wakes();
}

TEST_CASE("CLOSE of both directions after a CLOSE: text that arrives then resets, too",
          "[calls][3.6.1][MAY-1][SHLD-3]") {
    for (const state s : {fin_wait_1, fin_wait_2}) {
        subject tcp = in(s);
        CHECK(tcp.close_both() == err_closing);
        tcp.is(s);
        tcp.gets("P. 1:101(100) ack 2"_seg);
        tcp.emits("R 2:2(0)"_seg);
        tcp.is(closed);
    }
}

TEST_CASE("CLOSE of both directions in SYN-RECEIVED: text that came with the SYN is not wanted either",
          "[calls][3.6.1][SHLD-3]") {
    subject tcp = in(listen);
    tcp.gets("S 0:10(10) <mss 1460>"_seg);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    CHECK(tcp.close_both() == ok);
    tcp.emits("F. 1:1(0) ack 1"_seg);
    tcp.gets(". 11:11(0) ack 2"_seg);
    tcp.emits("R 2:2(0)"_seg);
    tcp.is(closed);
}

TEST_CASE("CLOSE of both directions: a FIN that arrives is no text", "[calls][3.6.1]") {
    subject tcp = in(established);
    CHECK(tcp.close_both() == ok);
    tcp.emits("F. 1:1(0) ack 1"_seg);
    tcp.gets("F. 1:1(0) ack 1"_seg);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.is(closing);
}

}  // namespace
