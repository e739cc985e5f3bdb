// SPDX-License-Identifier: MIT
// last_ack.cpp: SEGMENT ARRIVES in LAST-ACK, step by step. Both FINs are 1; the peer's is taken, ours is
// unacknowledged.

#include "walks.hpp"

using namespace tcpfsm::test;
using namespace std::chrono_literals;
using tcpfsm::answer;
using tcpfsm::event;
using tcpfsm::parameters;
using enum tcpfsm::state;
using enum tcpfsm::signal;

// --- Before the first step: timestamps --------------------------------------------------------------

TEST_CASE("LAST-ACK: an older timestamp is answered, and the segment is not looked at", "[RFC 7323 5.3]") {
    subject tcp = stamped(last_ack);
    tcp.gets(". 2:2(0) ack 2 <TS val 999 ecr 1000>"_seg);
    CHECK(tcp.judged() == event::rcv_paws);
    tcp.emits(". 2:2(0) ack 2 <TS val 1000 ecr 1000>"_seg);
    tcp.is(last_ack);
}

TEST_CASE("LAST-ACK: a segment without the timestamps that were agreed is dropped", "[RFC 7323 3.2]") {
    subject tcp = stamped(last_ack);
    tcp.drops(". 2:2(0) ack 2"_seg, event::rcv_no_timestamp);
    tcp.is(last_ack);
    tcp.gets("R 2:2(0)"_seg);  // a reset needs none
    tcp.is(closed);
}

// --- First: the sequence number ---------------------------------------------------------------------

TEST_CASE("LAST-ACK: a segment outside the window is answered, and its ACK of our FIN does not count",
          "[3.10.7.4][3.4][LC-07]") {
    subject tcp = in(last_ack);
    tcp.gets(". 65537:65537(0) ack 2"_seg);
    CHECK(tcp.judged() == event::rcv_outside);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.gets(". 1:1(0) ack 2"_seg);  // before the peer's FIN
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.is(last_ack);
    tcp.gets(". 65536:65536(0) ack 2"_seg);  // at the right edge
    tcp.is(closed);
}

TEST_CASE("LAST-ACK: text of before the FIN is answered", "[3.10.7.4][3.4]") {
    subject tcp = in(last_ack);
    tcp.gets("P. -9:1(10) ack 2"_seg);
    CHECK(tcp.judged() == event::rcv_outside_text);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.is(last_ack);
}

TEST_CASE("LAST-ACK: at a zero window the ACK of our FIN still counts", "[3.10.7.4][MUST-66]") {
    subject tcp{parameters{.rcv_buff = 10}};
    establish(tcp, opened::passively);
    tcp.gets("FP. 1:10(9) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 11 win 0"_seg);
    CHECK(tcp.close() == answer::ok);
    tcp.emits("F. 1:1(0) ack 11 win 0"_seg);
    tcp.gets(". 12:12(0) ack 2"_seg);
    tcp.emits(". 2:2(0) ack 11 win 0"_seg);
    tcp.is(last_ack);
    tcp.gets(". 11:11(0) ack 2"_seg);
    tcp.is(closed);
}

// --- Second: the RST bit ----------------------------------------------------------------------------

TEST_CASE("LAST-ACK: a reset at RCV.NXT ends the connection, and no error is told", "[3.10.7.4][UNL-05]") {
    subject tcp = in(last_ack);
    tcp.gets("R 2:2(0)"_seg);
    tcp.passes(route{last_ack, closed});
    tcp.tells(tell_closed);
    tcp.tells_nothing();
    tcp.emits_nothing();
    tcp.never_wakes();
}

TEST_CASE("LAST-ACK: a reset inside the window but not at RCV.NXT is challenged", "[3.10.7.4][UNL-06][UNL-07]") {
    subject tcp = in(last_ack);
    tcp.gets("R 3:3(0)"_seg);
    CHECK(tcp.judged() == event::rcv_rst_challenge);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.gets("R. 65535:65535(0) ack 2"_seg);  // a reset's ACK is not looked at
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.is(last_ack);
}

TEST_CASE("LAST-ACK: a reset outside the window is dropped", "[3.10.7.4]") {
    subject tcp = in(last_ack);
    tcp.drops("R 65536:65536(0)"_seg, event::rcv_rst_invalid);
    tcp.drops("R 1:1(0)"_seg, event::rcv_rst_invalid);  // at the number of the peer's FIN
    tcp.is(last_ack);
}

TEST_CASE("LAST-ACK: without RFC 5961 any reset inside the window counts", "[3.10.7.4]") {
    auto tcp = in(last_ack, basic_subject<without_rfc5961>{});
    tcp.drops("R 65536:65536(0)"_seg, event::rcv_rst_invalid);
    tcp.gets("R 65535:65535(0)"_seg);
    tcp.is(closed);
    tcp.tells(tell_closed);
    tcp.emits_nothing();
}

// --- Fourth: the SYN bit ----------------------------------------------------------------------------

TEST_CASE("LAST-ACK: a SYN is challenged, whatever its number", "[3.10.7.4][UNL-08][UNL-09]") {
    subject tcp = in(last_ack);
    tcp.gets("S 2:2(0)"_seg);
    CHECK(tcp.judged() == event::rcv_syn_challenge);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.gets("S. 900000:900000(0) ack 2"_seg);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.is(last_ack);
}

TEST_CASE("LAST-ACK: without RFC 5961 a SYN inside the window resets, one outside is answered", "[3.10.7.4][3.5.2]") {
    auto tcp = in(last_ack, basic_subject<without_rfc5961>{});
    tcp.gets("S 65536:65536(0)"_seg);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.is(last_ack);
    tcp.gets("S 2:2(0)"_seg);
    CHECK(tcp.judged() == event::rcv_syn_fatal);
    tcp.is(closed);
    tcp.emits("R. 0:0(0) ack 3"_seg);
    tcp.emits_nothing();
    tcp.tells(tell_reset);
}

// --- Fifth: the ACK field ---------------------------------------------------------------------------

TEST_CASE("LAST-ACK: a segment without an ACK is dropped", "[3.10.7.4]") {
    subject tcp = in(last_ack);
    tcp.drops("P 2:12(10)"_seg, event::rcv_no_ack);
    tcp.is(last_ack);
}

TEST_CASE("LAST-ACK: an ACK of what was not sent is answered, and is not the ACK of our FIN", "[3.10.7.4]") {
    subject tcp = in(last_ack);
    tcp.gets(". 2:2(0) ack 3"_seg);
    CHECK(tcp.judged() == event::rcv_bad_ack);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.is(last_ack);
}

TEST_CASE("LAST-ACK: an ACK older than the largest window is answered", "[3.10.7.4][MAY-12][UNL-10][UNL-11]") {
    subject tcp = in(last_ack);
    tcp.gets(". 2:2(0) ack -65535"_seg);  // SND.UNA - MAX.SND.WND is -65534
    CHECK(tcp.judged() == event::rcv_bad_ack);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.gets(". 2:2(0) ack -65534"_seg);
    CHECK(tcp.judged() == event::rcv_ack);
    tcp.emits_nothing();
    tcp.is(last_ack);
}

TEST_CASE("LAST-ACK: the ACK of our FIN ends the connection", "[3.10.7.4][3.6][figure 12]") {
    subject tcp = in(last_ack);
    const auto got = tcp.gets(". 2:2(0) ack 2"_seg);
    CHECK(got.why == event::rcv_ack_of_fin);
    CHECK(got.acked == 0);
    tcp.passes(route{last_ack, closed});
    tcp.emits_nothing();
    tcp.tells(tell_closed);
    tcp.tells_nothing();
    tcp.never_wakes();
}

TEST_CASE("LAST-ACK: an ACK that is not of our FIN does not end the connection", "[3.10.7.4]") {
    subject tcp = in(last_ack);
    tcp.gets(". 2:2(0) ack 1"_seg);
    CHECK(tcp.judged() == event::rcv_ack);
    tcp.gets(". 2:2(0) ack 0"_seg);
    CHECK(tcp.judged() == event::rcv_ack);
    tcp.is(last_ack);
    tcp.emits_nothing();
    tcp.tells_nothing();
    tcp.wakes_in(1s);  // our FIN is still unacknowledged
}

TEST_CASE("LAST-ACK: an ACK of our text but not of our FIN is taken, and does not end the connection", "[3.10.7.4]") {
    subject tcp = in(close_wait);
    CHECK(tcp.send(10) == answer::ok);
    tcp.emits("P. 1:11(10) ack 2"_seg);
    CHECK(tcp.close() == answer::ok);
    tcp.emits("F. 11:11(0) ack 2"_seg);
    CHECK(tcp.gets(". 2:2(0) ack 5"_seg).acked == 4);
    tcp.is(last_ack);
    CHECK(tcp.gets(". 2:2(0) ack 11"_seg).acked == 6);
    tcp.is(last_ack);
    tcp.emits_nothing();
    CHECK(tcp.gets(". 2:2(0) ack 12"_seg).acked == 0);
    tcp.is(closed);
    tcp.tells(tell_closed);
}

TEST_CASE("LAST-ACK: while the FIN waits for the window, an ACK of everything sent does not end the connection",
          "[3.10.7.4][3.10.4]") {
    subject tcp;
    CHECK(tcp.open_active() == answer::ok);
    tcp.emits("S 0:0(0)"_seg);
    tcp.gets("SF. 0:0(0) ack 1 win 10 <mss 1460>"_seg);
    tcp.emits(". 1:1(0) ack 2"_seg);
    CHECK(tcp.send(10) == answer::ok);
    tcp.emits("P. 1:11(10) ack 2"_seg);
    CHECK(tcp.close() == answer::ok);
    tcp.emits_nothing();
    tcp.is(last_ack);
    CHECK(tcp.gets(". 2:2(0) ack 11 win 0"_seg).why == event::rcv_ack);
    tcp.is(last_ack);
    tcp.gets(". 2:2(0) ack 11 win 10"_seg);
    tcp.is(last_ack);
    tcp.emits("F. 11:11(0) ack 2"_seg);
    tcp.gets(". 2:2(0) ack 12"_seg);
    tcp.is(closed);
}

// --- Sixth to eighth: URG, text and FIN are ignored --------------------------------------------------

TEST_CASE("LAST-ACK: an urgent pointer after the FIN is ignored", "[3.10.7.4]") {
    subject tcp = in(last_ack);
    tcp.gets("U. 2:2(0) ack 1 urg 10"_seg);
    CHECK(tcp.judged() == event::rcv_urg);
    tcp.emits_nothing();
    tcp.tells_nothing();
    CHECK(tcp.conn().urgent() == 0);
    tcp.is(last_ack);
}

TEST_CASE("LAST-ACK: text after the FIN is ignored, its ACK of our FIN is not", "[3.10.7.4]") {
    subject tcp = in(last_ack);
    CHECK(tcp.gets("P. 2:12(10) ack 1"_seg).text == 0);
    CHECK(tcp.judged() == event::rcv_text_after_fin);
    tcp.emits_nothing();
    tcp.is(last_ack);
    const auto got = tcp.gets("FP. 2:12(10) ack 2"_seg);
    CHECK(got.text == 0);
    CHECK(got.in_order == 0);
    tcp.is(closed);
    tcp.emits_nothing();
}

TEST_CASE("LAST-ACK: the peer's FIN once more is acknowledged once more", "[3.10.7.4][3.6]") {
    subject tcp = in(last_ack);
    tcp.gets("F. 1:1(0) ack 1"_seg);
    CHECK(tcp.judged() == event::rcv_outside_text);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.emits_nothing();
    tcp.is(last_ack);
    tcp.tells_nothing();
}

TEST_CASE("LAST-ACK: text on hand can be read until the end", "[3.10.3][3.6]") {
    subject tcp = in(established);
    tcp.gets("FP. 1:11(10) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 12"_seg);
    CHECK(tcp.close() == answer::ok);
    tcp.emits("F. 1:1(0) ack 12"_seg);
    tcp.is(last_ack);
    CHECK(tcp.receive(10) == answer::ok);
    CHECK(tcp.receive(1) == answer::err_closing);
}
