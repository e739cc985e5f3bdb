// SPDX-License-Identifier: MIT
// closing.cpp: SEGMENT ARRIVES in CLOSING, step by step. Both FINs are 1; the peer's is taken, ours is unacknowledged.

#include "walks.hpp"

using namespace tcpfsm::test;
using namespace std::chrono_literals;
using tcpfsm::answer;
using tcpfsm::event;
using enum tcpfsm::state;
using enum tcpfsm::signal;

// --- Before the first step: timestamps --------------------------------------------------------------

TEST_CASE("CLOSING: an older timestamp is answered, and the segment is not looked at", "[RFC 7323 5.3]") {
    subject tcp = stamped(closing);
    tcp.gets(". 2:2(0) ack 2 <TS val 999 ecr 1000>"_seg);
    CHECK(tcp.judged() == event::rcv_paws);
    tcp.emits(". 2:2(0) ack 2 <TS val 1000 ecr 1000>"_seg);
    tcp.is(closing);
}

TEST_CASE("CLOSING: a segment without the timestamps that were agreed is dropped", "[RFC 7323 3.2]") {
    subject tcp = stamped(closing);
    tcp.drops(". 2:2(0) ack 2"_seg, event::rcv_no_timestamp);
    tcp.is(closing);
    tcp.gets("R 2:2(0)"_seg);  // a reset needs none
    tcp.is(closed);
}

// --- First: the sequence number ---------------------------------------------------------------------

TEST_CASE("CLOSING: a segment outside the window is answered, and its ACK of our FIN does not count",
          "[3.10.7.4][3.4][LC-07]") {
    subject tcp = in(closing);
    tcp.gets(". 65537:65537(0) ack 2"_seg);
    CHECK(tcp.judged() == event::rcv_outside);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.gets(". 1:1(0) ack 2"_seg);  // before the peer's FIN
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.is(closing);
    tcp.gets(". 65536:65536(0) ack 2"_seg);  // at the right edge
    tcp.is(time_wait);
}

TEST_CASE("CLOSING: text of before the FIN is answered", "[3.10.7.4][3.4]") {
    subject tcp = in(closing);
    tcp.gets("P. -9:1(10) ack 2"_seg);
    CHECK(tcp.judged() == event::rcv_outside_text);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.is(closing);
}

// --- Second: the RST bit ----------------------------------------------------------------------------

TEST_CASE("CLOSING: a reset at RCV.NXT ends the connection, and no error is told", "[3.10.7.4][UNL-05]") {
    subject tcp = in(closing);
    tcp.gets("R 2:2(0)"_seg);
    tcp.passes(route{closing, closed});
    tcp.tells(tell_closed);
    tcp.tells_nothing();
    tcp.emits_nothing();
    tcp.never_wakes();
}

TEST_CASE("CLOSING: a reset inside the window but not at RCV.NXT is challenged", "[3.10.7.4][UNL-06][UNL-07]") {
    subject tcp = in(closing);
    tcp.gets("R 3:3(0)"_seg);
    CHECK(tcp.judged() == event::rcv_rst_challenge);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.gets("R. 65535:65535(0) ack 2"_seg);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.is(closing);
}

TEST_CASE("CLOSING: a reset outside the window is dropped", "[3.10.7.4]") {
    subject tcp = in(closing);
    tcp.drops("R 65536:65536(0)"_seg, event::rcv_rst_invalid);
    tcp.drops("R 1:1(0)"_seg, event::rcv_rst_invalid);  // at the number of the peer's FIN
    tcp.is(closing);
}

TEST_CASE("CLOSING: without RFC 5961 any reset inside the window counts", "[3.10.7.4]") {
    auto tcp = in(closing, basic_subject<without_rfc5961>{});
    tcp.drops("R 65536:65536(0)"_seg, event::rcv_rst_invalid);
    tcp.gets("R 65535:65535(0)"_seg);
    tcp.is(closed);
    tcp.tells(tell_closed);
    tcp.emits_nothing();
}

// --- Fourth: the SYN bit ----------------------------------------------------------------------------

TEST_CASE("CLOSING: a SYN is challenged, whatever its number", "[3.10.7.4][UNL-08][UNL-09]") {
    subject tcp = in(closing);
    tcp.gets("S 2:2(0)"_seg);
    CHECK(tcp.judged() == event::rcv_syn_challenge);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.gets("S. 900000:900000(0) ack 2"_seg);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.is(closing);
}

TEST_CASE("CLOSING: without RFC 5961 a SYN inside the window resets, one outside is answered", "[3.10.7.4][3.5.2]") {
    auto tcp = in(closing, basic_subject<without_rfc5961>{});
    tcp.gets("S 65536:65536(0)"_seg);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.is(closing);
    tcp.gets("SF 2:12(10)"_seg);
    CHECK(tcp.judged() == event::rcv_syn_fatal);
    tcp.is(closed);
    tcp.emits("R. 0:0(0) ack 14"_seg);  // SYN, text and FIN are counted
    tcp.emits_nothing();
    tcp.tells(tell_reset);
}

// --- Fifth: the ACK field ---------------------------------------------------------------------------

TEST_CASE("CLOSING: a segment without an ACK is dropped", "[3.10.7.4]") {
    subject tcp = in(closing);
    tcp.drops("P 2:12(10)"_seg, event::rcv_no_ack);
    tcp.is(closing);
}

TEST_CASE("CLOSING: an ACK of what was not sent is answered, and is not the ACK of our FIN", "[3.10.7.4]") {
    subject tcp = in(closing);
    tcp.gets(". 2:2(0) ack 3"_seg);
    CHECK(tcp.judged() == event::rcv_bad_ack);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.is(closing);
}

TEST_CASE("CLOSING: an ACK older than the largest window is answered", "[3.10.7.4][MAY-12][UNL-10][UNL-11]") {
    subject tcp = in(closing);
    tcp.gets(". 2:2(0) ack -65535"_seg);  // SND.UNA - MAX.SND.WND is -65534
    CHECK(tcp.judged() == event::rcv_bad_ack);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.gets(". 2:2(0) ack -65534"_seg);
    CHECK(tcp.judged() == event::rcv_ack);
    tcp.emits_nothing();
    tcp.is(closing);
}

TEST_CASE("CLOSING: the ACK of our FIN leads to TIME-WAIT, and starts its timer alone",
          "[3.10.7.4][MUST-13][figure 13]") {
    subject tcp = in(closing);
    const auto got = tcp.gets(". 2:2(0) ack 2"_seg);
    CHECK(got.why == event::rcv_ack_of_fin);
    CHECK(got.acked == 0);
    tcp.passes(route{closing, time_wait});
    tcp.emits_nothing();
    tcp.tells_nothing();
    tcp.wakes_in(4min);
}

TEST_CASE("CLOSING: an ACK that does not cover our FIN changes nothing", "[3.10.7.4]") {
    subject tcp = in(closing);
    tcp.gets(". 2:2(0) ack 1"_seg);
    CHECK(tcp.judged() == event::rcv_ack);
    tcp.is(closing);
    tcp.emits_nothing();
    tcp.wakes_in(1s);  // our FIN is still unacknowledged
}

TEST_CASE("CLOSING: an ACK of our text but not of our FIN is taken, and leads nowhere", "[3.10.7.4]") {
    subject tcp = in(established);
    CHECK(tcp.send(10) == answer::ok);
    tcp.emits("P. 1:11(10) ack 1"_seg);
    CHECK(tcp.close() == answer::ok);
    tcp.emits("F. 11:11(0) ack 1"_seg);
    tcp.gets("F. 1:1(0) ack 1"_seg);
    tcp.emits(". 12:12(0) ack 2"_seg);
    tcp.is(closing);
    CHECK(tcp.gets(". 2:2(0) ack 11"_seg).acked == 10);
    tcp.is(closing);
    CHECK(tcp.gets(". 2:2(0) ack 12"_seg).acked == 0);
    tcp.is(time_wait);
}

TEST_CASE("CLOSING: text and FIN that still waited for the window go out, and are acknowledged", "[3.10.7.4][3.10.4]") {
    subject tcp;
    CHECK(tcp.open_active() == answer::ok);
    tcp.emits("S 0:0(0)"_seg);
    tcp.gets("S. 0:0(0) ack 1 win 10 <mss 1460>"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    CHECK(tcp.send(20) == answer::ok);
    tcp.emits(". 1:11(10) ack 1"_seg);
    CHECK(tcp.close() == answer::ok);
    tcp.gets("F. 1:1(0) ack 1 win 10"_seg);
    tcp.emits(". 11:11(0) ack 2"_seg);
    tcp.is(closing);
    CHECK(tcp.gets(". 2:2(0) ack 11 win 1000"_seg).why == event::rcv_ack);  // all that was sent, but no FIN was
    tcp.is(closing);
    tcp.emits("FP. 11:21(10) ack 2"_seg);
    tcp.gets(". 2:2(0) ack 22"_seg);
    tcp.is(time_wait);
}

// --- Sixth to eighth: URG, text and FIN are ignored --------------------------------------------------

TEST_CASE("CLOSING: an urgent pointer after the FIN is ignored", "[3.10.7.4]") {
    subject tcp = in(closing);
    tcp.gets("U. 2:2(0) ack 1 urg 10"_seg);
    CHECK(tcp.judged() == event::rcv_urg);
    tcp.emits_nothing();
    tcp.tells_nothing();
    CHECK(tcp.conn().urgent() == 0);
    tcp.is(closing);
}

TEST_CASE("CLOSING: text after the FIN is ignored, its ACK of our FIN is not", "[3.10.7.4]") {
    subject tcp = in(closing);
    const auto got = tcp.gets("P. 2:12(10) ack 2"_seg);
    CHECK(got.text == 0);
    CHECK(got.in_order == 0);
    CHECK(tcp.conn().readable() == 0);
    tcp.passes(route{closing, time_wait});
    tcp.emits_nothing();
}

TEST_CASE("CLOSING: the peer's FIN once more is acknowledged once more", "[3.10.7.4][3.6]") {
    subject tcp = in(closing);
    tcp.gets("F. 1:1(0) ack 1"_seg);
    CHECK(tcp.judged() == event::rcv_outside_text);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.emits_nothing();
    tcp.is(closing);
    tcp.tells_nothing();
}

TEST_CASE("CLOSING: the peer's FIN once more, now with the ACK of ours, is only answered", "[3.10.7.4]") {
    subject tcp = in(closing);
    tcp.gets("F. 1:1(0) ack 2"_seg);  // the first step ends it
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.is(closing);
    tcp.gets(". 2:2(0) ack 2"_seg);
    tcp.is(time_wait);
}

// --- Both ends together ---------------------------------------------------------------------------------

namespace {

/// The other end of the same connection: what is ours there is the peer's here.
world seen_from_the_peer(world w) {
    std::swap(w.ours, w.peers);
    std::swap(w.our_stamp, w.peers_stamp);
    return w;
}

}  // namespace

TEST_CASE("CLOSING: two ends close at once, pass the same states, and come to rest", "[3.6][figure 13][LC-14]") {
    const world here = this_world();
    subject a = in(established, subject{here}, opened::actively);
    subject b = in(established, subject{seen_from_the_peer(here)}, opened::passively);
    CHECK(a.close() == answer::ok);
    CHECK(b.close() == answer::ok);
    const auto fin_of_a = a.emits("F. 1:1(0) ack 1"_seg).segment;
    const auto fin_of_b = b.emits("F. 1:1(0) ack 1"_seg).segment;
    a.hears(fin_of_b);
    b.hears(fin_of_a);
    const auto ack_of_a = a.emits(". 2:2(0) ack 2"_seg).segment;
    const auto ack_of_b = b.emits(". 2:2(0) ack 2"_seg).segment;
    a.hears(ack_of_b);
    b.hears(ack_of_a);
    a.passes(route{established, fin_wait_1, closing, time_wait});
    b.passes(route{established, fin_wait_1, closing, time_wait});
    a.emits_nothing();
    b.emits_nothing();
    a.hears(ack_of_b);  // a copy that was late: no war of ACKs begins
    a.emits_nothing();
    a.advance(4min);
    b.advance(4min);
    a.is(closed);
    b.is(closed);
}
