// SPDX-License-Identifier: MIT
// fin_wait_2.cpp: SEGMENT ARRIVES in FIN-WAIT-2, step by step. Our FIN was 1 and is acknowledged; the peer's text
// would begin at 1.

#include "walks.hpp"

using namespace tcpfsm::test;
using namespace std::chrono_literals;
using tcpfsm::answer;
using tcpfsm::event;
using tcpfsm::parameters;
using enum tcpfsm::state;
using enum tcpfsm::signal;

// --- Before the first step: timestamps --------------------------------------------------------------

TEST_CASE("FIN-WAIT-2: an older timestamp is answered, and the segment is not looked at", "[RFC 7323 5.3]") {
    subject tcp = stamped(fin_wait_2);
    tcp.gets("F. 1:1(0) ack 2 <TS val 999 ecr 1000>"_seg);
    CHECK(tcp.judged() == event::rcv_paws);
    tcp.emits(". 2:2(0) ack 1 <TS val 1000 ecr 1000>"_seg);
    tcp.is(fin_wait_2);
    tcp.tells_nothing();
}

TEST_CASE("FIN-WAIT-2: after 24 days of silence an older timestamp proves nothing", "[RFC 7323 5.5][7323-22]") {
    subject tcp = stamped(fin_wait_2);
    tcp.advance(std::chrono::hours{24 * 24} + 1us);
    tcp.gets("F. 1:1(0) ack 2 <TS val 999 ecr 1000>"_seg);
    tcp.is(time_wait);
    tcp.emits(". 2:2(0) ack 2"_seg);
}

TEST_CASE("FIN-WAIT-2: a segment without the timestamps that were agreed is dropped", "[RFC 7323 3.2]") {
    subject tcp = stamped(fin_wait_2);
    tcp.drops("F. 1:1(0) ack 2"_seg, event::rcv_no_timestamp);
    tcp.is(fin_wait_2);
    tcp.gets("R 1:1(0)"_seg);  // a reset needs none
    tcp.is(closed);
}

// --- First: the sequence number ---------------------------------------------------------------------

TEST_CASE("FIN-WAIT-2: a segment outside the window is answered", "[3.10.7.4][3.4][LC-07]") {
    subject tcp = in(fin_wait_2);
    tcp.gets(". 65537:65537(0) ack 2"_seg);
    CHECK(tcp.judged() == event::rcv_outside);
    tcp.emits(". 2:2(0) ack 1"_seg);
    tcp.gets(". 0:0(0) ack 2"_seg);  // so looks a keep-alive of the peer's
    tcp.emits(". 2:2(0) ack 1"_seg);
    tcp.gets(". 65536:65536(0) ack 2"_seg);  // at the right edge
    tcp.emits_nothing();
    tcp.is(fin_wait_2);
}

TEST_CASE("FIN-WAIT-2: text or a FIN outside the window is answered and not taken", "[3.10.7.4][3.4]") {
    subject tcp = in(fin_wait_2);
    tcp.gets("P. -9:1(10) ack 2"_seg);
    CHECK(tcp.judged() == event::rcv_outside_text);
    tcp.emits(". 2:2(0) ack 1"_seg);
    tcp.gets("F. 65536:65536(0) ack 2"_seg);
    CHECK(tcp.judged() == event::rcv_outside_text);
    tcp.emits(". 2:2(0) ack 1"_seg);
    tcp.is(fin_wait_2);
    CHECK(tcp.conn().readable() == 0);
}

TEST_CASE("FIN-WAIT-2: a FIN for which the window has no room waits until the user has read",
          "[3.10.7.4][3.4][LC-05]") {
    subject tcp = in(fin_wait_2, subject{parameters{.rcv_buff = 10}});
    CHECK(tcp.gets("FP. 1:11(10) ack 2"_seg).in_order == 10);
    tcp.is(fin_wait_2);
    tcp.advance(40ms);
    tcp.emits(". 2:2(0) ack 11 win 0"_seg);
    tcp.gets("F. 11:11(0) ack 2"_seg);
    CHECK(tcp.judged() == event::rcv_text_no_room);
    tcp.emits(". 2:2(0) ack 11 win 0"_seg);
    tcp.tells_nothing();
    CHECK(tcp.receive(10) == answer::ok);
    tcp.emits(". 2:2(0) ack 11 win 10"_seg);
    tcp.gets("F. 11:11(0) ack 2"_seg);
    tcp.is(time_wait);
    tcp.tells(tell_closing);
    tcp.emits(". 2:2(0) ack 12"_seg);
}

TEST_CASE("FIN-WAIT-2: at a zero window a reset counts at RCV.NXT alone", "[3.10.7.4][MUST-66]") {
    subject tcp = in(fin_wait_2, subject{parameters{.rcv_buff = 10}});
    tcp.gets("P. 1:11(10) ack 2"_seg);
    tcp.advance(40ms);
    tcp.emits(". 2:2(0) ack 11 win 0"_seg);
    tcp.drops("R 12:12(0)"_seg, event::rcv_rst_invalid);
    tcp.gets("U. 11:11(0) ack 2 urg 5"_seg);  // and so does an urgent pointer
    tcp.tells(tell_urgent);
    tcp.gets("R 11:11(0)"_seg);
    tcp.is(closed);
    tcp.tells(tell_reset);
}

// --- Second: the RST bit ----------------------------------------------------------------------------

TEST_CASE("FIN-WAIT-2: a reset at RCV.NXT ends the connection, and the user is told", "[3.10.7.4][UNL-05][MUST-12]") {
    subject tcp = in(fin_wait_2);
    tcp.gets("R 1:1(0)"_seg);
    tcp.passes(route{fin_wait_2, closed});
    tcp.tells(tell_reset);
    tcp.tells_nothing();
    tcp.emits_nothing();
    tcp.never_wakes();
}

TEST_CASE("FIN-WAIT-2: a reset inside the window but not at RCV.NXT is challenged", "[3.10.7.4][UNL-06][UNL-07]") {
    subject tcp = in(fin_wait_2);
    tcp.gets("R 2:2(0)"_seg);
    CHECK(tcp.judged() == event::rcv_rst_challenge);
    tcp.emits(". 2:2(0) ack 1"_seg);
    tcp.gets("R. 65535:65535(0) ack 2"_seg);
    tcp.emits(". 2:2(0) ack 1"_seg);
    tcp.is(fin_wait_2);
    tcp.tells_nothing();
}

TEST_CASE("FIN-WAIT-2: a reset outside the window is dropped", "[3.10.7.4]") {
    subject tcp = in(fin_wait_2);
    tcp.drops("R 65536:65536(0)"_seg, event::rcv_rst_invalid);
    tcp.drops("R 0:0(0)"_seg, event::rcv_rst_invalid);
    tcp.is(fin_wait_2);
}

TEST_CASE("FIN-WAIT-2: without RFC 5961 any reset inside the window counts", "[3.10.7.4]") {
    auto tcp = in(fin_wait_2, basic_subject<without_rfc5961>{});
    tcp.drops("R 65536:65536(0)"_seg, event::rcv_rst_invalid);
    tcp.gets("R 65535:65535(0)"_seg);
    tcp.is(closed);
    tcp.tells(tell_reset);
    tcp.emits_nothing();
}

// --- Fourth: the SYN bit ----------------------------------------------------------------------------

TEST_CASE("FIN-WAIT-2: a SYN is challenged, whatever its number", "[3.10.7.4][UNL-08][UNL-09]") {
    subject tcp = in(fin_wait_2);
    tcp.gets("S 1:1(0)"_seg);
    CHECK(tcp.judged() == event::rcv_syn_challenge);
    tcp.emits(". 2:2(0) ack 1"_seg);
    tcp.gets("S. 900000:900000(0) ack 2"_seg);
    tcp.emits(". 2:2(0) ack 1"_seg);
    tcp.gets("SF 1:1(0)"_seg);
    tcp.emits(". 2:2(0) ack 1"_seg);
    tcp.is(fin_wait_2);
    tcp.tells_nothing();
}

TEST_CASE("FIN-WAIT-2: without RFC 5961 a SYN inside the window resets, one outside is answered", "[3.10.7.4][3.5.2]") {
    auto tcp = in(fin_wait_2, basic_subject<without_rfc5961>{});
    tcp.gets("S 65536:65536(0)"_seg);
    tcp.emits(". 2:2(0) ack 1"_seg);
    tcp.is(fin_wait_2);
    tcp.gets("S 1:1(0)"_seg);
    CHECK(tcp.judged() == event::rcv_syn_fatal);
    tcp.is(closed);
    tcp.emits("R. 0:0(0) ack 2"_seg);  // it had no ACK: <SEQ=0><ACK=SEG.SEQ+SEG.LEN>
    tcp.emits_nothing();
    tcp.tells(tell_reset);
}

// --- Fifth: the ACK field ---------------------------------------------------------------------------

TEST_CASE("FIN-WAIT-2: a segment without an ACK is dropped, and so is its FIN", "[3.10.7.4]") {
    subject tcp = in(fin_wait_2);
    tcp.drops("FP 1:11(10)"_seg, event::rcv_no_ack);
    tcp.is(fin_wait_2);
    CHECK(tcp.conn().readable() == 0);
}

TEST_CASE("FIN-WAIT-2: an ACK of what was not sent is answered, and the segment is dropped", "[3.10.7.4]") {
    subject tcp = in(fin_wait_2);
    tcp.gets("FP. 1:11(10) ack 3"_seg);
    CHECK(tcp.judged() == event::rcv_bad_ack);
    tcp.emits(". 2:2(0) ack 1"_seg);
    tcp.is(fin_wait_2);
    CHECK(tcp.conn().readable() == 0);
}

TEST_CASE("FIN-WAIT-2: an ACK older than the largest window is answered, and the segment is dropped",
          "[3.10.7.4][MAY-12][UNL-10][UNL-11]") {
    subject tcp = in(fin_wait_2);
    tcp.gets("P. 1:11(10) ack -65534"_seg);  // SND.UNA - MAX.SND.WND is -65533
    CHECK(tcp.judged() == event::rcv_bad_ack);
    tcp.emits(". 2:2(0) ack 1"_seg);
    CHECK(tcp.gets("P. 1:11(10) ack -65533"_seg).in_order == 10);
    tcp.is(fin_wait_2);
    tcp.advance(40ms);
    tcp.emits(". 2:2(0) ack 11"_seg);
}

TEST_CASE("FIN-WAIT-2: an ACK of everything, once more, means nothing", "[3.10.7.4]") {
    subject tcp = in(fin_wait_2);
    tcp.gets(". 1:1(0) ack 2"_seg);
    CHECK(tcp.judged() == event::rcv_ack);
    tcp.gets(". 1:1(0) ack 1"_seg);
    CHECK(tcp.judged() == event::rcv_ack);
    tcp.is(fin_wait_2);
    tcp.emits_nothing();
    tcp.tells_nothing();
    tcp.never_wakes();
}

// --- Sixth: the URG bit -----------------------------------------------------------------------------

TEST_CASE("FIN-WAIT-2: urgent data of the peer is told, each time that the pointer moves on",
          "[3.10.7.4][MUST-30][MUST-32]") {
    subject tcp = in(fin_wait_2);
    tcp.gets("PU. 1:11(10) ack 2 urg 20"_seg);
    tcp.tells(tell_urgent);
    CHECK(tcp.conn().urgent() == 20);
    tcp.gets("PU. 11:21(10) ack 2 urg 10"_seg);
    tcp.tells_nothing();
    tcp.gets("PU. 21:31(10) ack 2 urg 11"_seg);
    tcp.tells(tell_urgent);
    tcp.advance(40ms);
    tcp.emits(". 2:2(0) ack 31"_seg);
}

// --- Seventh: the text ------------------------------------------------------------------------------

TEST_CASE("FIN-WAIT-2: the other direction is still open for as long as the peer likes", "[3.10.7.4][3.6][SHLD-18]") {
    subject tcp = in(fin_wait_2);
    CHECK(tcp.gets("P. 1:11(10) ack 2"_seg).in_order == 10);
    CHECK(tcp.conn().may_receive());
    tcp.advance(40ms);
    tcp.emits(". 2:2(0) ack 11"_seg);
    tcp.never_wakes();
    tcp.advance(std::chrono::hours{100});
    CHECK(tcp.gets("P. 11:21(10) ack 2"_seg).in_order == 10);
    tcp.advance(40ms);
    tcp.emits(". 2:2(0) ack 21"_seg);
    CHECK(tcp.receive(20) == answer::ok);
    tcp.is(fin_wait_2);
}

TEST_CASE("FIN-WAIT-2: every second full-sized segment is acknowledged at once", "[3.10.7.4][SHLD-19]") {
    subject tcp = in(fin_wait_2);
    tcp.gets(". 1:1461(1460) ack 2"_seg);
    tcp.emits_nothing();
    tcp.gets(". 1461:2921(1460) ack 2"_seg);
    tcp.emits(". 2:2(0) ack 2921"_seg);
}

TEST_CASE("FIN-WAIT-2: text beyond a gap is kept and answered at once", "[3.10.7.4][SHLD-31][MAY-13][MUST-59]") {
    subject tcp = in(fin_wait_2);
    const auto got = tcp.gets("P. 11:21(10) ack 2"_seg);
    CHECK(got.at == 10);
    CHECK(got.in_order == 0);
    tcp.emits(". 2:2(0) ack 1"_seg);
    CHECK(tcp.gets("P. 1:11(10) ack 2"_seg).in_order == 20);
    tcp.emits(". 2:2(0) ack 21"_seg);
    tcp.emits_nothing();
}

TEST_CASE("FIN-WAIT-2: text after a CLOSE of both directions is answered with a reset", "[3.6.1][MAY-1][SHLD-3]") {
    subject tcp = in(established);
    CHECK(tcp.close_both() == answer::ok);
    tcp.emits("F. 1:1(0) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 2"_seg);
    tcp.is(fin_wait_2);
    tcp.gets("P. 1:11(10) ack 2"_seg);
    CHECK(tcp.judged() == event::rcv_text_unwanted);
    tcp.is(closed);
    tcp.emits("R 2:2(0)"_seg);
    tcp.emits_nothing();
    tcp.tells(tell_reset);
}

TEST_CASE("FIN-WAIT-2: a CLOSE of both directions over unread text resets at once", "[3.6.1][MAY-1][SHLD-3]") {
    subject tcp = in(fin_wait_2);
    tcp.gets("P. 1:11(10) ack 2"_seg);
    CHECK(tcp.close_both() == answer::ok);
    tcp.passes(route{fin_wait_2, closed});
    tcp.emits("R 2:2(0)"_seg);
    tcp.emits_nothing();
    tcp.never_wakes();
}

// --- Eighth: the FIN bit ----------------------------------------------------------------------------

TEST_CASE("FIN-WAIT-2: the peer's FIN leads to TIME-WAIT", "[3.10.7.4][MUST-13][figure 5][figure 12]") {
    subject tcp = in(fin_wait_2);
    tcp.gets("F. 1:1(0) ack 2"_seg);
    CHECK(tcp.judged() == event::rcv_fin);
    tcp.passes(route{fin_wait_2, time_wait});
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.emits_nothing();
    tcp.tells(tell_closing);
    tcp.tells_nothing();
    tcp.wakes_in(4min);  // 2 MSL, and no other timer
}

TEST_CASE("FIN-WAIT-2: the last text and the FIN in one segment", "[3.10.7.4]") {
    subject tcp = in(fin_wait_2);
    CHECK(tcp.gets("FP. 1:11(10) ack 2"_seg).in_order == 10);
    tcp.is(time_wait);
    tcp.emits(". 2:2(0) ack 12"_seg);
    tcp.emits_nothing();
    CHECK(tcp.receive(10) == answer::ok);
    CHECK(tcp.receive(1) == answer::err_closing);
}

TEST_CASE("FIN-WAIT-2: a FIN beyond a gap waits until the gap is filled", "[3.10.7.4][SHLD-31]") {
    subject tcp = in(fin_wait_2);
    tcp.gets("FP. 11:21(10) ack 2"_seg);
    CHECK(tcp.judged() == event::rcv_text_early);
    tcp.emits(". 2:2(0) ack 1"_seg);
    tcp.is(fin_wait_2);
    tcp.tells_nothing();
    CHECK(tcp.gets("P. 1:11(10) ack 2"_seg).in_order == 20);
    tcp.passes(route{fin_wait_2, time_wait});
    tcp.emits(". 2:2(0) ack 22"_seg);
    tcp.tells(tell_closing);
}

TEST_CASE("FIN-WAIT-2: a FIN alone beyond a gap waits as well, and sent again it changes nothing",
          "[3.10.7.4][SHLD-31]") {
    subject tcp = in(fin_wait_2);
    for (int i = 0; i < 2; ++i) {
        tcp.gets("F. 11:11(0) ack 2"_seg);
        tcp.emits(". 2:2(0) ack 1"_seg);
        tcp.is(fin_wait_2);
    }
    CHECK(tcp.gets("P. 1:11(10) ack 2"_seg).in_order == 10);
    tcp.is(time_wait);
    tcp.emits(". 2:2(0) ack 12"_seg);
}
