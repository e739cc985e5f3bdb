// SPDX-License-Identifier: MIT
// fin_wait_1.cpp: SEGMENT ARRIVES in FIN-WAIT-1, step by step. Our FIN is 1 and unacknowledged; the peer's text
// would begin at 1, and its window is ours to fill: 1 to 65535.

#include "walks.hpp"

using namespace tcpfsm::test;
using namespace std::chrono_literals;
using tcpfsm::answer;
using tcpfsm::event;
using tcpfsm::parameters;
using enum tcpfsm::state;
using enum tcpfsm::signal;

// --- Before the first step: timestamps --------------------------------------------------------------

TEST_CASE("FIN-WAIT-1: an older timestamp is answered, and the segment is not looked at", "[RFC 7323 5.3]") {
    subject tcp = stamped(fin_wait_1);
    tcp.gets("F. 1:1(0) ack 2 <TS val 999 ecr 1000>"_seg);
    CHECK(tcp.judged() == event::rcv_paws);
    tcp.emits(". 2:2(0) ack 1 <TS val 1000 ecr 1000>"_seg);
    tcp.is(fin_wait_1);
    tcp.tells_nothing();
}

TEST_CASE("FIN-WAIT-1: a segment without the timestamps that were agreed is dropped", "[RFC 7323 3.2]") {
    subject tcp = stamped(fin_wait_1);
    tcp.drops("F. 1:1(0) ack 2"_seg, event::rcv_no_timestamp);
    tcp.is(fin_wait_1);
    tcp.gets("R 1:1(0)"_seg);  // a reset needs none
    tcp.is(closed);
}

// --- First: the sequence number ---------------------------------------------------------------------

TEST_CASE("FIN-WAIT-1: a segment outside the window is answered, and its ACK of our FIN does not count",
          "[3.10.7.4][3.4][LC-07]") {
    subject tcp = in(fin_wait_1);
    tcp.gets(". 65537:65537(0) ack 2"_seg);
    CHECK(tcp.judged() == event::rcv_outside);
    tcp.emits(". 2:2(0) ack 1"_seg);
    tcp.gets(". 0:0(0) ack 2"_seg);
    tcp.emits(". 2:2(0) ack 1"_seg);
    tcp.is(fin_wait_1);
    tcp.gets(". 65536:65536(0) ack 2"_seg);  // at the right edge
    tcp.is(fin_wait_2);
    tcp.emits_nothing();
}

TEST_CASE("FIN-WAIT-1: text or a FIN outside the window is answered and not taken", "[3.10.7.4][3.4]") {
    subject tcp = in(fin_wait_1);
    tcp.gets("P. -9:1(10) ack 1"_seg);
    CHECK(tcp.judged() == event::rcv_outside_text);
    tcp.emits(". 2:2(0) ack 1"_seg);
    tcp.gets("F. 65536:65536(0) ack 1"_seg);
    CHECK(tcp.judged() == event::rcv_outside_text);
    tcp.emits(". 2:2(0) ack 1"_seg);
    tcp.is(fin_wait_1);
    CHECK(tcp.conn().readable() == 0);
}

TEST_CASE("FIN-WAIT-1: what reaches over the window's edges is trimmed, and a FIN beyond it is cut off",
          "[3.10.7.4][3.4]") {
    subject tcp = in(fin_wait_1, subject{parameters{.rcv_buff = 20}});
    const auto got = tcp.gets("FP. -4:31(35) ack 1"_seg);
    CHECK(got.skip == 5);
    CHECK(got.text == 20);
    CHECK(got.in_order == 20);
    tcp.is(fin_wait_1);
    tcp.tells_nothing();
    tcp.advance(40ms);
    tcp.emits(". 2:2(0) ack 21 win 0"_seg);
}

TEST_CASE("FIN-WAIT-1: at a zero window an ACK and a reset still count, text and FIN do not",
          "[3.10.7.4][MUST-66][LC-05]") {
    subject tcp = in(fin_wait_1, subject{parameters{.rcv_buff = 10}});
    tcp.gets("P. 1:11(10) ack 1"_seg);
    tcp.advance(40ms);
    tcp.emits(". 2:2(0) ack 11 win 0"_seg);
    tcp.gets("FP. 11:21(10) ack 1"_seg);
    CHECK(tcp.judged() == event::rcv_text_no_room);
    tcp.emits(". 2:2(0) ack 11 win 0"_seg);
    tcp.drops("R 12:12(0)"_seg, event::rcv_rst_invalid);
    tcp.gets(". 11:11(0) ack 2"_seg);
    tcp.is(fin_wait_2);
    tcp.gets("R 11:11(0)"_seg);
    tcp.is(closed);
    tcp.tells(tell_reset);
}

// --- Second: the RST bit ----------------------------------------------------------------------------

TEST_CASE("FIN-WAIT-1: a reset at RCV.NXT ends the connection, and the user is told", "[3.10.7.4][UNL-05][MUST-12]") {
    subject tcp = in(fin_wait_1);
    tcp.gets("R 1:1(0)"_seg);
    tcp.passes(route{fin_wait_1, closed});
    tcp.tells(tell_reset);
    tcp.tells_nothing();
    tcp.emits_nothing();
    tcp.never_wakes();
}

TEST_CASE("FIN-WAIT-1: a reset may carry text", "[3.5.3][SHLD-2]") {
    subject tcp = in(fin_wait_1);
    const auto got = tcp.gets("R. 1:21(20) ack 2"_seg);
    CHECK(got.text == 0);
    tcp.is(closed);
    tcp.tells(tell_reset);
}

TEST_CASE("FIN-WAIT-1: a reset inside the window but not at RCV.NXT is challenged", "[3.10.7.4][UNL-06][UNL-07]") {
    subject tcp = in(fin_wait_1);
    tcp.gets("R 2:2(0)"_seg);
    CHECK(tcp.judged() == event::rcv_rst_challenge);
    tcp.emits(". 2:2(0) ack 1"_seg);
    tcp.gets("R. 65535:65535(0) ack 2"_seg);
    tcp.emits(". 2:2(0) ack 1"_seg);
    tcp.is(fin_wait_1);
    tcp.tells_nothing();
}

TEST_CASE("FIN-WAIT-1: a reset outside the window is dropped", "[3.10.7.4]") {
    subject tcp = in(fin_wait_1);
    tcp.drops("R 65536:65536(0)"_seg, event::rcv_rst_invalid);
    tcp.drops("R 0:0(0)"_seg, event::rcv_rst_invalid);
    tcp.is(fin_wait_1);
}

TEST_CASE("FIN-WAIT-1: without RFC 5961 any reset inside the window counts", "[3.10.7.4]") {
    auto tcp = in(fin_wait_1, basic_subject<without_rfc5961>{});
    tcp.drops("R 65536:65536(0)"_seg, event::rcv_rst_invalid);
    tcp.gets("R 65535:65535(0)"_seg);
    tcp.is(closed);
    tcp.tells(tell_reset);
    tcp.emits_nothing();
}

// --- Fourth: the SYN bit ----------------------------------------------------------------------------

TEST_CASE("FIN-WAIT-1: a SYN is challenged, whatever its number", "[3.10.7.4][UNL-08][UNL-09]") {
    subject tcp = in(fin_wait_1);
    tcp.gets("S 1:1(0)"_seg);
    CHECK(tcp.judged() == event::rcv_syn_challenge);
    tcp.emits(". 2:2(0) ack 1"_seg);
    tcp.gets("S. 900000:900000(0) ack 2"_seg);
    tcp.emits(". 2:2(0) ack 1"_seg);
    tcp.gets("S 0:0(0)"_seg);  // the first one, once more
    tcp.emits(". 2:2(0) ack 1"_seg);
    tcp.is(fin_wait_1);
    tcp.tells_nothing();
}

TEST_CASE("FIN-WAIT-1: the eleventh challenge in five seconds is not sent", "[RFC 5961 7]") {
    subject tcp = in(fin_wait_1);
    for (int i = 0; i < 10; ++i) {
        tcp.gets("S 1:1(0)"_seg);
        tcp.emits(". 2:2(0) ack 1"_seg);
    }
    tcp.gets("S 1:1(0)"_seg);
    tcp.emits_nothing();
    tcp.gets("R 2:2(0)"_seg);
    tcp.emits_nothing();
    CHECK(tcp.loses(5s) != 0);  // our FIN, again
    tcp.gets("S 1:1(0)"_seg);
    tcp.emits(". 2:2(0) ack 1"_seg);
}

TEST_CASE("FIN-WAIT-1: without RFC 5961 a SYN inside the window resets, one outside is answered", "[3.10.7.4][3.5.2]") {
    auto tcp = in(fin_wait_1, basic_subject<without_rfc5961>{});
    tcp.gets("S 65536:65536(0)"_seg);
    tcp.emits(". 2:2(0) ack 1"_seg);
    tcp.is(fin_wait_1);
    tcp.gets("S. 1:1(0) ack 2"_seg);
    CHECK(tcp.judged() == event::rcv_syn_fatal);
    tcp.is(closed);
    tcp.emits("R 2:2(0)"_seg);
    tcp.emits_nothing();
    tcp.tells(tell_reset);
}

// --- Fifth: the ACK field ---------------------------------------------------------------------------

TEST_CASE("FIN-WAIT-1: a segment without an ACK is dropped, and so is its FIN", "[3.10.7.4]") {
    subject tcp = in(fin_wait_1);
    tcp.drops("FP 1:11(10)"_seg, event::rcv_no_ack);
    tcp.is(fin_wait_1);
    CHECK(tcp.conn().readable() == 0);
}

TEST_CASE("FIN-WAIT-1: an ACK of what was not sent is answered, and the segment is dropped", "[3.10.7.4]") {
    subject tcp = in(fin_wait_1);
    tcp.gets("FP. 1:11(10) ack 3"_seg);
    CHECK(tcp.judged() == event::rcv_bad_ack);
    tcp.emits(". 2:2(0) ack 1"_seg);
    tcp.is(fin_wait_1);
    CHECK(tcp.conn().readable() == 0);
}

TEST_CASE("FIN-WAIT-1: an ACK older than the largest window is answered, and the segment is dropped",
          "[3.10.7.4][MAY-12][UNL-10][UNL-11]") {
    subject tcp = in(fin_wait_1);
    tcp.gets("P. 1:11(10) ack -65535"_seg);  // SND.UNA - MAX.SND.WND is -65534
    CHECK(tcp.judged() == event::rcv_bad_ack);
    tcp.emits(". 2:2(0) ack 1"_seg);
    CHECK(tcp.gets("P. 1:11(10) ack -65534"_seg).in_order == 10);
    tcp.is(fin_wait_1);
    tcp.advance(40ms);
    tcp.emits(". 2:2(0) ack 11"_seg);
}

TEST_CASE("FIN-WAIT-1: without RFC 5961 no ACK is too old", "[3.10.7.4]") {
    auto tcp = in(fin_wait_1, basic_subject<without_rfc5961>{});
    CHECK(tcp.gets("P. 1:11(10) ack -65535"_seg).in_order == 10);
    tcp.is(fin_wait_1);
}

TEST_CASE("FIN-WAIT-1: the ACK of our FIN leads to FIN-WAIT-2, and no timer runs any more",
          "[3.10.7.4][figure 5][figure 12]") {
    subject tcp = in(fin_wait_1);
    const auto got = tcp.gets(". 1:1(0) ack 2"_seg);
    CHECK(got.why == event::rcv_ack_of_fin);
    CHECK(got.acked == 0);  // a FIN is no octet of the send buffer
    tcp.passes(route{fin_wait_1, fin_wait_2});
    tcp.emits_nothing();
    tcp.tells_nothing();
    tcp.never_wakes();
}

TEST_CASE("FIN-WAIT-1: an ACK that says nothing new changes no state", "[3.10.7.4]") {
    subject tcp = in(fin_wait_1);
    tcp.gets(". 1:1(0) ack 1"_seg);
    CHECK(tcp.judged() == event::rcv_ack);
    tcp.gets(". 1:1(0) ack 0"_seg);
    CHECK(tcp.judged() == event::rcv_ack);
    tcp.is(fin_wait_1);
    tcp.emits_nothing();
    tcp.wakes_in(1s);  // our FIN is still unacknowledged
}

TEST_CASE("FIN-WAIT-1: an ACK of all text but not of the FIN is not the ACK of the FIN", "[3.10.7.4]") {
    subject tcp = in(established);
    CHECK(tcp.send(10) == answer::ok);
    tcp.emits("P. 1:11(10) ack 1"_seg);
    CHECK(tcp.close() == answer::ok);
    tcp.emits("F. 11:11(0) ack 1"_seg);
    const auto got = tcp.gets(". 1:1(0) ack 11"_seg);
    CHECK(got.why == event::rcv_ack);
    CHECK(got.acked == 10);
    tcp.is(fin_wait_1);
    CHECK(tcp.gets(". 1:1(0) ack 12"_seg).acked == 0);
    tcp.is(fin_wait_2);
}

TEST_CASE("FIN-WAIT-1: one ACK takes the last text and the FIN", "[3.10.7.4]") {
    subject tcp = in(established);
    CHECK(tcp.send(10) == answer::ok);
    tcp.emits("P. 1:11(10) ack 1"_seg);
    CHECK(tcp.close() == answer::ok);
    tcp.emits("F. 11:11(0) ack 1"_seg);
    CHECK(tcp.gets(". 1:1(0) ack 12"_seg).acked == 10);
    tcp.is(fin_wait_2);
    tcp.never_wakes();
}

TEST_CASE("FIN-WAIT-1: while the FIN waits for the window, an ACK of everything sent is not the ACK of the FIN",
          "[3.10.7.4][3.10.4]") {
    subject tcp;
    CHECK(tcp.open_active() == answer::ok);
    tcp.emits("S 0:0(0)"_seg);
    tcp.gets("S. 0:0(0) ack 1 win 10 <mss 1460>"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    CHECK(tcp.send(20) == answer::ok);
    tcp.emits(". 1:11(10) ack 1"_seg);
    CHECK(tcp.close() == answer::ok);
    tcp.is(fin_wait_1);
    tcp.emits_nothing();
    CHECK(tcp.gets(". 1:1(0) ack 11 win 10"_seg).why == event::rcv_ack);
    tcp.is(fin_wait_1);
    tcp.emits("P. 11:21(10) ack 1"_seg);  // the window holds the text, not the FIN
    tcp.emits_nothing();
    CHECK(tcp.gets(". 1:1(0) ack 21 win 10"_seg).why == event::rcv_ack);
    tcp.is(fin_wait_1);
    tcp.emits("F. 21:21(0) ack 1"_seg);
    CHECK(tcp.gets(". 1:1(0) ack 22 win 10"_seg).why == event::rcv_ack_of_fin);
    tcp.is(fin_wait_2);
}

TEST_CASE("FIN-WAIT-1: a newer segment moves the send window, an older one does not", "[3.10.7.4]") {
    subject tcp = in(fin_wait_1);
    tcp.gets("P. 1:11(10) ack 1 win 500"_seg);
    CHECK(tcp.numbers().snd.wnd == 500);
    tcp.gets(". 11:11(0) ack 1 win 600"_seg);
    CHECK(tcp.numbers().snd.wnd == 600);
    tcp.gets(". 11:11(0) ack 1 win 700"_seg);  // SND.WL1 is 11 still
    CHECK(tcp.numbers().snd.wnd == 700);
    tcp.gets("P. 1:12(11) ack 1 win 900"_seg);  // begins before SND.WL1
    CHECK(tcp.numbers().snd.wnd == 700);
    tcp.gets(". 12:12(0) ack 0 win 900"_seg);  // its ACK lies below SND.UNA
    CHECK(tcp.numbers().snd.wnd == 700);
    tcp.advance(40ms);
    tcp.emits(". 2:2(0) ack 12"_seg);
}

// --- Sixth: the URG bit -----------------------------------------------------------------------------

TEST_CASE("FIN-WAIT-1: urgent data of the peer is told, each time that the pointer moves on",
          "[3.10.7.4][MUST-30][MUST-32]") {
    subject tcp = in(fin_wait_1);
    tcp.gets("PU. 1:11(10) ack 1 urg 20"_seg);
    tcp.tells(tell_urgent);
    CHECK(tcp.conn().urgent() == 20);
    tcp.gets("PU. 11:21(10) ack 1 urg 10"_seg);
    tcp.tells_nothing();
    tcp.gets("PU. 21:31(10) ack 1 urg 5"_seg);
    tcp.tells(tell_urgent);
    CHECK(tcp.conn().urgent() == 25);
    tcp.is(fin_wait_1);
    tcp.advance(40ms);
    tcp.emits(". 2:2(0) ack 31"_seg);
}

// --- Seventh: the text ------------------------------------------------------------------------------

TEST_CASE("FIN-WAIT-1: the other direction is still open, and text in order is taken", "[3.10.7.4][3.6][SHLD-18]") {
    subject tcp = in(fin_wait_1);
    const auto got = tcp.gets("P. 1:11(10) ack 1"_seg);
    CHECK(got.text == 10);
    CHECK(got.in_order == 10);
    CHECK(got.push);
    CHECK(tcp.conn().may_receive());
    tcp.emits_nothing();
    tcp.advance(40ms);
    tcp.emits(". 2:2(0) ack 11"_seg);
    CHECK(tcp.receive(10) == answer::ok);
    tcp.is(fin_wait_1);
}

TEST_CASE("FIN-WAIT-1: one segment acknowledges our FIN and brings text, which FIN-WAIT-2 takes", "[3.10.7.4]") {
    subject tcp = in(fin_wait_1);
    CHECK(tcp.gets("P. 1:11(10) ack 2"_seg).in_order == 10);
    tcp.passes(route{fin_wait_1, fin_wait_2});
    tcp.advance(40ms);
    tcp.emits(". 2:2(0) ack 11"_seg);
}

TEST_CASE("FIN-WAIT-1: text beyond a gap is kept and answered at once", "[3.10.7.4][SHLD-31][MAY-13][MUST-59]") {
    subject tcp = in(fin_wait_1);
    const auto got = tcp.gets("P. 11:21(10) ack 1"_seg);
    CHECK(got.at == 10);
    CHECK(got.in_order == 0);
    tcp.emits(". 2:2(0) ack 1"_seg);
    CHECK(tcp.gets("P. 1:11(10) ack 1"_seg).in_order == 20);
    tcp.emits(". 2:2(0) ack 21"_seg);
    tcp.emits_nothing();
}

TEST_CASE("FIN-WAIT-1: text after a CLOSE of both directions is answered with a reset", "[3.6.1][MAY-1][SHLD-3]") {
    subject tcp = in(established);
    CHECK(tcp.close_both() == answer::ok);
    tcp.emits("F. 1:1(0) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 1"_seg);
    tcp.is(fin_wait_1);
    tcp.gets("P. 1:11(10) ack 1"_seg);
    CHECK(tcp.judged() == event::rcv_text_unwanted);
    tcp.is(closed);
    tcp.emits("R 1:1(0)"_seg);
    tcp.emits_nothing();
    tcp.tells(tell_reset);
}

TEST_CASE("FIN-WAIT-1: text beyond a gap after a CLOSE of both directions is lost text as well", "[3.6.1][SHLD-3]") {
    subject tcp = in(established);
    CHECK(tcp.close_both() == answer::ok);
    tcp.emits("F. 1:1(0) ack 1"_seg);
    tcp.gets("P. 11:21(10) ack 1"_seg);
    tcp.is(closed);
    tcp.emits("R 1:1(0)"_seg);
}

TEST_CASE("FIN-WAIT-1: a CLOSE of both directions over unread text resets at once", "[3.6.1][MAY-1][SHLD-3]") {
    subject tcp = in(established);
    tcp.gets("P. 1:11(10) ack 1"_seg);
    CHECK(tcp.close_both() == answer::ok);
    tcp.passes(route{established, closed});
    tcp.emits("R 1:1(0)"_seg);
    tcp.emits_nothing();
}

TEST_CASE("FIN-WAIT-1: a CLOSE of both directions that loses no text ends in order", "[3.6.1][MAY-1]") {
    subject tcp = in(established);
    CHECK(tcp.close_both() == answer::ok);
    tcp.emits("F. 1:1(0) ack 1"_seg);
    tcp.gets("F. 1:1(0) ack 2"_seg);
    tcp.passes(route{established, fin_wait_1, fin_wait_2, time_wait});
    tcp.emits(". 2:2(0) ack 2"_seg);
}

// --- Eighth: the FIN bit ----------------------------------------------------------------------------

TEST_CASE("FIN-WAIT-1: a FIN that does not acknowledge ours leads to CLOSING", "[3.10.7.4][figure 13][MUST-12]") {
    subject tcp = in(fin_wait_1);
    tcp.gets("F. 1:1(0) ack 1"_seg);
    CHECK(tcp.judged() == event::rcv_fin);
    tcp.passes(route{fin_wait_1, closing});
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.emits_nothing();
    tcp.tells(tell_closing);
    tcp.tells_nothing();
    tcp.wakes_in(1s);  // our FIN is still unacknowledged
}

TEST_CASE("FIN-WAIT-1: one segment acknowledges our FIN and carries the peer's", "[3.10.7.4][figure 5 note 2]") {
    subject tcp = in(fin_wait_1);
    tcp.gets("F. 1:1(0) ack 2 win 1000"_seg);
    tcp.passes(route{fin_wait_1, fin_wait_2, time_wait});
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.emits_nothing();
    tcp.tells(tell_closing);
    tcp.tells_nothing();
    tcp.wakes_in(4min);  // 2 MSL, and no other timer
}

TEST_CASE("FIN-WAIT-1: one segment acknowledges our FIN and brings the last text and the FIN",
          "[3.10.7.4][figure 5 note 2]") {
    subject tcp = in(fin_wait_1);
    CHECK(tcp.gets("FP. 1:11(10) ack 2"_seg).in_order == 10);
    tcp.passes(route{fin_wait_1, fin_wait_2, time_wait});
    tcp.emits(". 2:2(0) ack 12"_seg);
    tcp.tells(tell_closing);
    CHECK(tcp.receive(10) == answer::ok);
}

TEST_CASE("FIN-WAIT-1: a FIN beyond a gap waits until the gap is filled", "[3.10.7.4][SHLD-31]") {
    subject tcp = in(fin_wait_1);
    tcp.gets("FP. 11:21(10) ack 1"_seg);
    CHECK(tcp.judged() == event::rcv_text_early);
    tcp.is(fin_wait_1);
    tcp.emits(". 2:2(0) ack 1"_seg);
    tcp.tells_nothing();
    CHECK(tcp.gets("P. 1:11(10) ack 1"_seg).in_order == 20);
    tcp.passes(route{fin_wait_1, closing});
    tcp.emits(". 2:2(0) ack 22"_seg);
    tcp.tells(tell_closing);
}

TEST_CASE("FIN-WAIT-1: what fills the gap before a FIN may acknowledge ours", "[3.10.7.4][SHLD-31]") {
    subject tcp = in(fin_wait_1);
    tcp.gets("F. 11:11(0) ack 1"_seg);  // a FIN alone
    tcp.emits(". 2:2(0) ack 1"_seg);
    tcp.is(fin_wait_1);
    CHECK(tcp.gets("P. 1:11(10) ack 2"_seg).in_order == 10);
    tcp.passes(route{fin_wait_1, fin_wait_2, time_wait});
    tcp.emits(". 2:2(0) ack 12"_seg);
}

// --- CLOSE in SYN-RECEIVED: our SYN is unacknowledged, too --------------------------------------------

TEST_CASE("FIN-WAIT-1: after CLOSE in SYN-RECEIVED an ACK of our SYN is not the ACK of our FIN", "[3.10.4][3.10.7.4]") {
    subject tcp = in(syn_received, opened::passively);
    CHECK(tcp.close() == answer::ok);
    tcp.emits("F. 1:1(0) ack 1"_seg);
    tcp.passes(route{syn_received, fin_wait_1});
    CHECK(tcp.gets(". 1:1(0) ack 1"_seg).acked == 0);
    tcp.is(fin_wait_1);
    tcp.emits_nothing();
    tcp.gets(". 1:1(0) ack 2"_seg);
    tcp.is(fin_wait_2);
    tcp.never_wakes();
}

TEST_CASE("FIN-WAIT-1: after CLOSE in SYN-RECEIVED an ACK from before our SYN does not set the send window",
          "[3.10.4][3.10.7.4]") {
    subject tcp = in(syn_received, opened::passively);
    CHECK(tcp.close() == answer::ok);
    tcp.emits("F. 1:1(0) ack 1"_seg);
    tcp.gets(". 1:1(0) ack -5 win 7"_seg);
    CHECK(tcp.numbers().snd.wnd == 65535);
    CHECK(tcp.numbers().snd.wl2 == tcp.in_world().ours);
    tcp.gets(". 1:1(0) ack 1 win 7"_seg);
    CHECK(tcp.numbers().snd.wnd == 7);
}

TEST_CASE("FIN-WAIT-1: after CLOSE in SYN-RECEIVED one ACK takes SYN and FIN", "[3.10.4][3.10.7.4]") {
    subject tcp = in(syn_received, opened::actively);
    CHECK(tcp.close() == answer::ok);
    tcp.emits("F. 1:1(0) ack 1"_seg);
    tcp.gets("F. 1:1(0) ack 2"_seg);
    tcp.passes(route{syn_received, fin_wait_1, fin_wait_2, time_wait});
    tcp.emits(". 2:2(0) ack 2"_seg);
}

TEST_CASE("FIN-WAIT-1: after CLOSE in SYN-RECEIVED the SYN goes again before the FIN", "[3.10.4][3.10.8]") {
    subject tcp = in(syn_received, opened::passively);
    CHECK(tcp.close() == answer::ok);
    tcp.emits("F. 1:1(0) ack 1"_seg);
    tcp.gets("S 0:0(0) <mss 1460>"_seg);  // the peer has seen neither
    tcp.emits(". 2:2(0) ack 1"_seg);
    tcp.advance(1s);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    tcp.emits("F. 1:1(0) ack 1"_seg);
    tcp.gets("F. 1:1(0) ack 1"_seg);
    tcp.is(closing);
    tcp.emits(". 2:2(0) ack 2"_seg);
}

TEST_CASE("FIN-WAIT-1: after CLOSE in SYN-RECEIVED a reset ends the connection, whoever opened it", "[3.10.7.4]") {
    subject tcp = in(syn_received, opened::passively);
    CHECK(tcp.close() == answer::ok);
    tcp.emits("F. 1:1(0) ack 1"_seg);
    tcp.gets("R 1:1(0)"_seg);
    tcp.is(closed);
    tcp.tells(tell_reset);
}
