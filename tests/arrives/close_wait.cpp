// SPDX-License-Identifier: MIT
// close_wait.cpp: SEGMENT ARRIVES in CLOSE-WAIT, step by step. The peer's FIN was 1; our text would begin at 1.

#include "walks.hpp"

using namespace tcpfsm::test;
using namespace std::chrono_literals;
using tcpfsm::answer;
using tcpfsm::event;
using tcpfsm::parameters;
using enum tcpfsm::state;
using enum tcpfsm::signal;

// --- Before the first step: timestamps --------------------------------------------------------------

TEST_CASE("CLOSE-WAIT: an older timestamp is answered, and the segment is not looked at", "[RFC 7323 5.3]") {
    subject tcp = stamped(close_wait);
    CHECK(tcp.send(10) == answer::ok);
    tcp.emits("P. 1:11(10) ack 2"_seg);
    CHECK(tcp.gets(". 2:2(0) ack 11 <TS val 999 ecr 1000>"_seg).acked == 0);
    CHECK(tcp.judged() == event::rcv_paws);
    tcp.emits(". 11:11(0) ack 2 <TS val 1000 ecr 1000>"_seg);
    tcp.is(close_wait);
}

TEST_CASE("CLOSE-WAIT: a segment without the timestamps that were agreed is dropped", "[RFC 7323 3.2]") {
    subject tcp = stamped(close_wait);
    CHECK(tcp.send(10) == answer::ok);
    tcp.emits("P. 1:11(10) ack 2"_seg);
    tcp.drops(". 2:2(0) ack 11"_seg, event::rcv_no_timestamp);
    tcp.gets("R 2:2(0)"_seg);  // a reset needs none
    tcp.is(closed);
}

// --- First: the sequence number ---------------------------------------------------------------------

TEST_CASE("CLOSE-WAIT: a segment outside the window is answered, and its ACK does not count",
          "[3.10.7.4][3.4][LC-07]") {
    subject tcp = in(close_wait);
    CHECK(tcp.send(10) == answer::ok);
    tcp.emits("P. 1:11(10) ack 2"_seg);
    CHECK(tcp.gets(". 65537:65537(0) ack 11"_seg).acked == 0);
    CHECK(tcp.judged() == event::rcv_outside);
    tcp.emits(". 11:11(0) ack 2"_seg);
    CHECK(tcp.gets(". 1:1(0) ack 11"_seg).acked == 0);  // before the FIN
    tcp.emits(". 11:11(0) ack 2"_seg);
    CHECK(tcp.gets(". 65536:65536(0) ack 11"_seg).acked == 10);  // the right edge has not moved
    tcp.emits_nothing();
    tcp.is(close_wait);
}

TEST_CASE("CLOSE-WAIT: text of before the FIN is answered", "[3.10.7.4][3.4]") {
    subject tcp = in(close_wait);
    tcp.gets("P. -9:1(10) ack 1"_seg);
    CHECK(tcp.judged() == event::rcv_outside_text);
    tcp.emits(". 1:1(0) ack 2"_seg);
    tcp.is(close_wait);
}

TEST_CASE("CLOSE-WAIT: at a zero window an ACK and a reset still count", "[3.10.7.4][MUST-66][LC-05]") {
    subject tcp{parameters{.rcv_buff = 10}};
    establish(tcp, opened::actively);
    tcp.gets("FP. 1:10(9) ack 1"_seg);
    tcp.is(close_wait);
    tcp.emits(". 1:1(0) ack 11 win 0"_seg);
    CHECK(tcp.send(10) == answer::ok);
    tcp.emits("P. 1:11(10) ack 11 win 0"_seg);
    CHECK(tcp.gets(". 11:11(0) ack 11"_seg).acked == 10);
    tcp.drops("R 12:12(0)"_seg, event::rcv_rst_invalid);
    tcp.gets("R 11:11(0)"_seg);
    tcp.is(closed);
}

// --- Second: the RST bit ----------------------------------------------------------------------------

TEST_CASE("CLOSE-WAIT: a reset at RCV.NXT ends the connection, and the user is told", "[3.10.7.4][UNL-05][MUST-12]") {
    subject tcp = in(close_wait);
    tcp.gets("R 2:2(0)"_seg);
    tcp.passes(route{close_wait, closed});
    tcp.tells(tell_reset);
    tcp.tells_nothing();
    tcp.emits_nothing();
    tcp.never_wakes();
}

TEST_CASE("CLOSE-WAIT: a reset inside the window but not at RCV.NXT is challenged", "[3.10.7.4][UNL-06][UNL-07]") {
    subject tcp = in(close_wait);
    tcp.gets("R 3:3(0)"_seg);
    CHECK(tcp.judged() == event::rcv_rst_challenge);
    tcp.emits(". 1:1(0) ack 2"_seg);
    tcp.gets("R. 65535:65535(0) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 2"_seg);
    tcp.is(close_wait);
    tcp.tells_nothing();
}

TEST_CASE("CLOSE-WAIT: a reset outside the window is dropped", "[3.10.7.4]") {
    subject tcp = in(close_wait);
    tcp.drops("R 65536:65536(0)"_seg, event::rcv_rst_invalid);
    tcp.drops("R 1:1(0)"_seg, event::rcv_rst_invalid);  // at the number of the peer's FIN
    tcp.is(close_wait);
}

TEST_CASE("CLOSE-WAIT: without RFC 5961 any reset inside the window counts", "[3.10.7.4]") {
    auto tcp = in(close_wait, basic_subject<without_rfc5961>{});
    tcp.drops("R 65536:65536(0)"_seg, event::rcv_rst_invalid);
    tcp.gets("R 65535:65535(0)"_seg);
    tcp.is(closed);
    tcp.tells(tell_reset);
    tcp.emits_nothing();
}

// --- Fourth: the SYN bit ----------------------------------------------------------------------------

TEST_CASE("CLOSE-WAIT: a SYN is challenged, whatever its number", "[3.10.7.4][UNL-08][UNL-09]") {
    subject tcp = in(close_wait);
    tcp.gets("S 2:2(0)"_seg);
    CHECK(tcp.judged() == event::rcv_syn_challenge);
    tcp.emits(". 1:1(0) ack 2"_seg);
    tcp.gets("S. 900000:900000(0) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 2"_seg);
    tcp.is(close_wait);
    tcp.tells_nothing();
}

TEST_CASE("CLOSE-WAIT: without RFC 5961 a SYN inside the window resets, one outside is answered", "[3.10.7.4][3.5.2]") {
    auto tcp = in(close_wait, basic_subject<without_rfc5961>{});
    tcp.gets("S 65536:65536(0)"_seg);
    tcp.emits(". 1:1(0) ack 2"_seg);
    tcp.is(close_wait);
    tcp.gets("S. 2:12(10) ack 1"_seg);
    CHECK(tcp.judged() == event::rcv_syn_fatal);
    tcp.is(closed);
    tcp.emits("R 1:1(0)"_seg);
    tcp.emits_nothing();
    tcp.tells(tell_reset);
}

// --- Fifth: the ACK field ---------------------------------------------------------------------------

TEST_CASE("CLOSE-WAIT: a segment without an ACK is dropped", "[3.10.7.4]") {
    subject tcp = in(close_wait);
    tcp.drops("P 2:12(10)"_seg, event::rcv_no_ack);
    tcp.is(close_wait);
}

TEST_CASE("CLOSE-WAIT: an ACK of what was not sent is answered", "[3.10.7.4]") {
    subject tcp = in(close_wait);
    CHECK(tcp.send(10) == answer::ok);
    tcp.emits("P. 1:11(10) ack 2"_seg);
    CHECK(tcp.gets(". 2:2(0) ack 12"_seg).acked == 0);
    CHECK(tcp.judged() == event::rcv_bad_ack);
    tcp.emits(". 11:11(0) ack 2"_seg);
    tcp.is(close_wait);
}

TEST_CASE("CLOSE-WAIT: an ACK older than the largest window is answered", "[3.10.7.4][MAY-12][UNL-10][UNL-11]") {
    subject tcp = in(close_wait);
    tcp.gets(". 2:2(0) ack -65535"_seg);  // SND.UNA - MAX.SND.WND is -65534
    CHECK(tcp.judged() == event::rcv_bad_ack);
    tcp.emits(". 1:1(0) ack 2"_seg);
    tcp.gets(". 2:2(0) ack -65534"_seg);
    CHECK(tcp.judged() == event::rcv_ack);
    tcp.emits_nothing();
    tcp.is(close_wait);
}

TEST_CASE("CLOSE-WAIT: our text is acknowledged, partly and wholly", "[3.10.7.4]") {
    subject tcp = in(close_wait);
    CHECK(tcp.send(20) == answer::ok);
    tcp.emits("P. 1:21(20) ack 2"_seg);
    CHECK(tcp.gets(". 2:2(0) ack 11"_seg).acked == 10);
    tcp.wakes_in(1s);
    CHECK(tcp.gets(". 2:2(0) ack 11"_seg).acked == 0);
    CHECK(tcp.gets(". 2:2(0) ack 21"_seg).acked == 10);
    tcp.is(close_wait);
    tcp.never_wakes();
    tcp.emits_nothing();
}

TEST_CASE("CLOSE-WAIT: an ACK opens the window for the text that waits", "[3.10.7.4]") {
    subject tcp;
    CHECK(tcp.open_active() == answer::ok);
    tcp.emits("S 0:0(0)"_seg);
    tcp.gets("SF. 0:0(0) ack 1 win 10 <mss 1460>"_seg);
    tcp.emits(". 1:1(0) ack 2"_seg);
    tcp.is(close_wait);
    CHECK(tcp.send(20) == answer::ok);
    tcp.emits(". 1:11(10) ack 2"_seg);
    tcp.emits_nothing();
    tcp.gets(". 2:2(0) ack 11 win 10"_seg);
    tcp.emits("P. 11:21(10) ack 2"_seg);
}

TEST_CASE("CLOSE-WAIT: a CLOSE that waits behind text takes its turn when an ACK makes room", "[3.10.7.4][3.10.4]") {
    subject tcp;
    CHECK(tcp.open_active() == answer::ok);
    tcp.emits("S 0:0(0)"_seg);
    tcp.gets("SF. 0:0(0) ack 1 win 10 <mss 1460>"_seg);
    tcp.emits(". 1:1(0) ack 2"_seg);
    CHECK(tcp.send(20) == answer::ok);
    tcp.emits(". 1:11(10) ack 2"_seg);
    CHECK(tcp.close() == answer::ok);
    tcp.is(close_wait);
    tcp.gets(". 2:2(0) ack 11 win 1000"_seg);
    tcp.emits("FP. 11:21(10) ack 2"_seg);
    tcp.is(last_ack);
}

// --- Sixth to eighth: URG, text and FIN are ignored --------------------------------------------------

TEST_CASE("CLOSE-WAIT: an urgent pointer after the FIN is ignored", "[3.10.7.4]") {
    subject tcp = in(close_wait);
    tcp.gets("U. 2:2(0) ack 1 urg 10"_seg);
    CHECK(tcp.judged() == event::rcv_urg);
    tcp.emits_nothing();
    tcp.tells_nothing();
    CHECK(tcp.conn().urgent() == 0);
    tcp.is(close_wait);
}

TEST_CASE("CLOSE-WAIT: text after the FIN is ignored, its ACK is not", "[3.10.7.4]") {
    subject tcp = in(close_wait);
    CHECK(tcp.send(10) == answer::ok);
    tcp.emits("P. 1:11(10) ack 2"_seg);
    const auto got = tcp.gets("P. 2:12(10) ack 11"_seg);
    CHECK(got.why == event::rcv_text_after_fin);
    CHECK(got.acked == 10);
    CHECK(got.text == 0);
    CHECK(got.in_order == 0);
    tcp.emits_nothing();
    CHECK(tcp.conn().readable() == 0);
    tcp.is(close_wait);
    tcp.gets(". 2:2(0) ack 11"_seg);
    CHECK(tcp.judged() == event::rcv_ack);  // RCV.NXT has not moved
}

TEST_CASE("CLOSE-WAIT: the peer's FIN once more is acknowledged once more", "[3.10.7.4]") {
    subject tcp = in(close_wait);
    tcp.gets("F. 1:1(0) ack 1"_seg);
    CHECK(tcp.judged() == event::rcv_outside_text);
    tcp.emits(". 1:1(0) ack 2"_seg);
    tcp.gets("FP. -9:1(10) ack 1"_seg);  // with the text before it
    tcp.emits(". 1:1(0) ack 2"_seg);
    tcp.emits_nothing();
    tcp.is(close_wait);
    tcp.tells_nothing();
}

TEST_CASE("CLOSE-WAIT: a second FIN behind the first one is ignored", "[3.10.7.4]") {
    subject tcp = in(close_wait);
    tcp.gets("F. 2:2(0) ack 1"_seg);
    tcp.emits_nothing();
    tcp.is(close_wait);
    tcp.tells_nothing();
    CHECK(tcp.send(10) == answer::ok);
    tcp.emits("P. 1:11(10) ack 2"_seg);
}

// --- CLOSE of both directions --------------------------------------------------------------------------

TEST_CASE("CLOSE-WAIT: a CLOSE of both directions over unread text resets, without it ends in order",
          "[3.6.1][MAY-1][SHLD-3]") {
    subject tcp = in(established);
    tcp.gets("FP. 1:11(10) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 12"_seg);
    SECTION("unread") {
        CHECK(tcp.receive(9) == answer::ok);
        CHECK(tcp.close_both() == answer::ok);
        tcp.passes(route{established, close_wait, closed});
        tcp.emits("R 1:1(0)"_seg);
        tcp.emits_nothing();
    }
    SECTION("read") {
        CHECK(tcp.receive(10) == answer::ok);
        CHECK(tcp.close_both() == answer::ok);
        tcp.passes(route{established, close_wait, last_ack});
        tcp.emits("F. 1:1(0) ack 12"_seg);
    }
}
