// SPDX-License-Identifier: MIT
// time_wait.cpp: SEGMENT ARRIVES in TIME-WAIT, step by step. Both FINs were 1 and are acknowledged. What may reopen
// the connection, and what must not.

#include "walks.hpp"

using namespace tcpfsm::test;
using namespace std::chrono_literals;
using tcpfsm::answer;
using tcpfsm::event;
using enum tcpfsm::state;
using enum tcpfsm::signal;

// --- 2 MSL ------------------------------------------------------------------------------------------

TEST_CASE("TIME-WAIT: lasts 2 MSL, four minutes, and not an instant less", "[3.6.1][MUST-13][3.10.8]") {
    subject tcp = in(time_wait);
    tcp.wakes_in(2 * 2min);
    tcp.advance(4min - 1us);
    tcp.is(time_wait);
    tcp.tells_nothing();
    tcp.advance(1us);
    tcp.passes(route{time_wait, closed});
    tcp.tells(tell_closed);
    tcp.tells_nothing();
    tcp.emits_nothing();
    tcp.never_wakes();
}

TEST_CASE("TIME-WAIT: lasts as long after a simultaneous close", "[3.6.1][MUST-13][figure 13]") {
    subject tcp = in(closing);
    tcp.gets(". 2:2(0) ack 2"_seg);
    tcp.is(time_wait);
    tcp.wakes_in(4min);
    tcp.advance(4min);
    tcp.is(closed);
}

// --- Before the first step: timestamps --------------------------------------------------------------

TEST_CASE("TIME-WAIT: a FIN with an older timestamp is answered, and restarts nothing", "[RFC 7323 5.3]") {
    subject tcp = stamped(time_wait);
    tcp.advance(1min);
    tcp.gets("F. 1:1(0) ack 2 <TS val 999 ecr 1000>"_seg);
    CHECK(tcp.judged() == event::rcv_paws);
    tcp.emits(". 2:2(0) ack 2 <TS val 61000 ecr 1000>"_seg);
    tcp.is(time_wait);
    tcp.wakes_in(3min);
}

TEST_CASE("TIME-WAIT: a segment without the timestamps that were agreed is dropped", "[RFC 7323 3.2]") {
    subject tcp = stamped(time_wait);
    tcp.drops("F. 1:1(0) ack 2"_seg, event::rcv_no_timestamp);
    tcp.is(time_wait);
}

// --- First: the sequence number ---------------------------------------------------------------------

TEST_CASE("TIME-WAIT: a segment outside the window is answered, and restarts nothing", "[3.10.7.4][3.4][LC-07]") {
    subject tcp = in(time_wait);
    tcp.advance(1min);
    tcp.gets(". 65537:65537(0) ack 2"_seg);
    CHECK(tcp.judged() == event::rcv_outside);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.gets("P. -9:1(10) ack 2"_seg);
    CHECK(tcp.judged() == event::rcv_outside_text);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.is(time_wait);
    tcp.wakes_in(3min);
}

// --- Second: the RST bit ----------------------------------------------------------------------------

TEST_CASE("TIME-WAIT: no reset ends it too early", "[RFC 1337 3][3.10.7.4][1337-1]") {
    subject tcp = in(time_wait);
    tcp.advance(1min);
    tcp.drops("R 2:2(0)"_seg, event::rcv_rst_lingering);
    tcp.drops("R 3:3(0)"_seg, event::rcv_rst_lingering);
    tcp.drops("R. 70000:70000(0) ack 2"_seg, event::rcv_rst_lingering);
    tcp.is(time_wait);
    tcp.tells_nothing();
    tcp.wakes_in(3min);
}

TEST_CASE("TIME-WAIT: without RFC 1337 a reset at RCV.NXT ends it, one inside the window is challenged",
          "[3.10.7.4][UNL-05][UNL-06]") {
    auto tcp = in(time_wait, basic_subject<without_rfc1337>{});
    tcp.drops("R 65536:65536(0)"_seg, event::rcv_rst_invalid);
    tcp.drops("R 1:1(0)"_seg, event::rcv_rst_invalid);
    tcp.gets("R 3:3(0)"_seg);
    CHECK(tcp.judged() == event::rcv_rst_challenge);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.is(time_wait);
    tcp.gets("R 2:2(0)"_seg);
    tcp.passes(route{time_wait, closed});
    tcp.tells(tell_closed);
    tcp.tells_nothing();
    tcp.emits_nothing();
    tcp.never_wakes();
}

// --- Fourth: the SYN bit ----------------------------------------------------------------------------

TEST_CASE("TIME-WAIT: a SYN with an ACK is challenged, whatever its number", "[3.10.7.4][UNL-08][UNL-09]") {
    subject tcp = in(time_wait);
    tcp.gets("S. 900000:900000(0) ack 2"_seg);
    CHECK(tcp.judged() == event::rcv_syn_challenge);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.is(time_wait);
}

TEST_CASE("TIME-WAIT: where a SYN may not reopen, it is challenged", "[3.10.7.4][UNL-08][UNL-09][6191-3]") {
    auto tcp = in(time_wait, basic_subject<without_reopening>{});
    tcp.advance(1min);
    tcp.gets("S 900000:900000(0) <mss 1460,TS val 1000000 ecr 0>"_seg);
    CHECK(tcp.judged() == event::rcv_syn_challenge);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.is(time_wait);
    tcp.wakes_in(3min);
}

TEST_CASE("TIME-WAIT: without RFC 5961 a SYN that may not reopen resets inside the window, and is answered outside",
          "[3.10.7.4][3.5.2]") {
    auto tcp = in(time_wait, basic_subject<without_rfc5961>{});
    tcp.gets("S 1:1(0)"_seg);  // at the number of the peer's FIN: old
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.is(time_wait);
    tcp.gets("S. 2:2(0) ack 2"_seg);
    CHECK(tcp.judged() == event::rcv_syn_fatal);
    tcp.is(closed);
    tcp.emits("R 2:2(0)"_seg);
    tcp.emits_nothing();
}

// RFC 6191 section 2, with the peer's FIN at 1 and its last timestamp 1000. What is refused gets a challenge ACK
// (docs/design.md), so that a peer whose SYN is not answered learns why.

// RFC 6191 section 2, with the peer's FIN at 1 and its last timestamp 1000. A SYN that is refused gets a challenge ACK
// (docs/design.md), so that the peer learns why it is not answered.

namespace {

/// True iff the SYN reopens `old`, a copy of which it meets; else it is challenged, and the copy lingers on.
bool reopens(const subject& old, const script& syn) {
    subject tcp = old;
    tcp.gets(syn);
    if (tcp.at() == time_wait) {
        tcp.emits(". 2:2(0) ack 2"_seg);
        tcp.emits_nothing();
        tcp.wakes_in(4min);
        return false;
    }
    tcp.passes(route{time_wait, syn_received});
    const auto out = tcp.polls();
    REQUIRE(out.has_value());
    const auto answer = tcp.relative(out->segment, true);
    CHECK(answer.has(tcpfsm::ctl::syn | tcpfsm::ctl::ack));
    CHECK(answer.seq > tcpfsm::seq{2});  // MAY-2: beyond all that the old connection sent
    CHECK(answer.ack == syn.seg.seq + 1);
    tcp.emits_nothing();
    tcp.tells_nothing();
    return true;
}

}  // namespace

TEST_CASE("TIME-WAIT: which SYN reopens a connection that used timestamps", "[RFC 6191 2][SHLD-4][MAY-2][6191-1]") {
    const subject old = stamped(time_wait);
    CHECK(reopens(old, "S -999:-999(0) <mss 1460,TS val 1001 ecr 0>"_seg));       // a later timestamp
    CHECK(reopens(old, "S 2:2(0) <mss 1460,TS val 1000 ecr 0>"_seg));             // the same one, and a later number
    CHECK_FALSE(reopens(old, "S 1:1(0) <mss 1460,TS val 1000 ecr 0>"_seg));       // the same one, and the FIN's number
    CHECK_FALSE(reopens(old, "S 1001:1001(0) <mss 1460,TS val 999 ecr 0>"_seg));  // an earlier timestamp
    CHECK(reopens(old, "S 2:2(0) <mss 1460>"_seg));                               // none, and a later number
    CHECK_FALSE(reopens(old, "S 1:1(0) <mss 1460>"_seg));                         // none, and the FIN's number
}

TEST_CASE("TIME-WAIT: which SYN reopens a connection that used no timestamps", "[RFC 6191 2][SHLD-4][MAY-2][6191-2]") {
    const subject old = in(time_wait);
    CHECK(reopens(old, "S -4998:-4998(0) <mss 1460,TS val 7 ecr 0>"_seg));  // new timestamps
    CHECK(reopens(old, "S 2:2(0) <mss 1460>"_seg));                         // none, and a later number
    CHECK_FALSE(reopens(old, "S 0:0(0) <mss 1460>"_seg));                   // none, and an earlier number
    CHECK_FALSE(reopens(old, "S 1:1(0) <mss 1460>"_seg));                   // none, and the FIN's number
    CHECK_FALSE(reopens(old, "S -2147483646:-2147483646(0)"_seg));          // 2^31 - 1 before the FIN's number
}

TEST_CASE("TIME-WAIT: the new incarnation is a connection like any other", "[3.6.1][MAY-2]") {
    subject tcp = in(time_wait);
    tcp.advance(1min);
    tcp.gets("S 70000:70000(0) <mss 1460>"_seg);
    tcp.emits("S. 65539:65539(0) ack 70001 win 65535 <mss 1460>"_seg);  // 65,537 beyond SND.NXT
    tcp.wakes_in(1s);                                                   // 2 MSL is stopped, our SYN is unacknowledged
    tcp.gets(". 70001:70001(0) ack 65540"_seg);
    tcp.passes(route{time_wait, syn_received, established});
    tcp.tells(tell_open);
    tcp.never_wakes();
    CHECK(tcp.gets("P. 70001:70011(10) ack 65540"_seg).in_order == 10);
    CHECK(tcp.send(10) == answer::ok);
    tcp.emits("P. 65540:65550(10) ack 70011"_seg);
}

TEST_CASE("TIME-WAIT: if the SYN was an old duplicate, its reset leads back, and 2 MSL begins again",
          "[3.6.1][MAY-2]") {
    subject tcp = in(time_wait);
    tcp.advance(1min);
    tcp.gets("S 70000:70000(0) <mss 1460>"_seg);
    tcp.emits("S. 65539:65539(0) ack 70001"_seg);
    tcp.drops("R 2:2(0)"_seg, event::rcv_rst_invalid);  // about the old connection
    tcp.gets("R 70002:70002(0)"_seg);                   // in the window, not at RCV.NXT
    tcp.emits(". 65540:65540(0) ack 70001"_seg);
    tcp.gets("R 70001:70001(0)"_seg);
    CHECK(tcp.judged() == event::rcv_rst_reopened);
    tcp.passes(route{time_wait, syn_received, time_wait});
    tcp.emits_nothing();
    tcp.tells_nothing();
    tcp.wakes_in(4min);
    tcp.gets("F. 1:1(0) ack 2"_seg);  // the old numbers count again
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.drops(". 2:2(0) ack 2"_seg, event::rcv_ack);
    tcp.advance(4min);
    tcp.is(closed);
    tcp.tells(tell_closed);
}

TEST_CASE("TIME-WAIT: without RFC 1337, too, the reset of an old duplicate SYN leads back to TIME-WAIT",
          "[3.6.1][MAY-2]") {
    auto tcp = in(time_wait, basic_subject<without_rfc1337>{});
    tcp.gets("S 70000:70000(0) <mss 1460>"_seg);
    tcp.emits("S. 65539:65539(0) ack 70001"_seg);
    tcp.gets("R 70001:70001(0)"_seg);
    tcp.is(time_wait);
    tcp.gets("R 2:2(0)"_seg);
    tcp.is(closed);
}

TEST_CASE("TIME-WAIT: a new SYN may reopen it again after it was reopened in vain", "[3.6.1][MAY-2]") {
    subject tcp = in(time_wait);
    tcp.gets("S 70000:70000(0) <mss 1460>"_seg);
    tcp.emits("S. 65539:65539(0) ack 70001"_seg);
    tcp.gets("R 70001:70001(0)"_seg);
    tcp.is(time_wait);
    tcp.gets("S 80000:80000(0) <mss 1460>"_seg);
    tcp.is(syn_received);
    tcp.emits("S. 65539:65539(0) ack 80001"_seg);
    tcp.gets(". 80001:80001(0) ack 65540"_seg);
    tcp.is(established);
}

// --- Fifth: the ACK field ---------------------------------------------------------------------------

TEST_CASE("TIME-WAIT: a segment without an ACK is dropped", "[3.10.7.4]") {
    subject tcp = in(time_wait);
    tcp.drops("P 2:12(10)"_seg, event::rcv_no_ack);
    tcp.is(time_wait);
}

TEST_CASE("TIME-WAIT: an ACK of what was not sent, or too old, is answered", "[3.10.7.4][MAY-12][UNL-10][UNL-11]") {
    subject tcp = in(time_wait);
    tcp.gets(". 2:2(0) ack 3"_seg);
    CHECK(tcp.judged() == event::rcv_bad_ack);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.gets(". 2:2(0) ack -65534"_seg);  // SND.UNA - MAX.SND.WND is -65533
    CHECK(tcp.judged() == event::rcv_bad_ack);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.drops(". 2:2(0) ack -65533"_seg, event::rcv_ack);
    tcp.is(time_wait);
}

TEST_CASE("TIME-WAIT: an ACK is not answered, lest two such ends answer each other for ever", "[3.10.7.4][LC-14]") {
    subject tcp = in(time_wait);
    tcp.advance(1min);
    tcp.drops(". 2:2(0) ack 2"_seg, event::rcv_ack);
    tcp.drops(". 2:2(0) ack 1"_seg, event::rcv_ack);
    tcp.is(time_wait);
    tcp.wakes_in(3min);
}

// --- Sixth to eighth: URG and text are ignored, the FIN restarts 2 MSL --------------------------------

TEST_CASE("TIME-WAIT: an urgent pointer and text after the FIN are ignored", "[3.10.7.4]") {
    subject tcp = in(time_wait);
    tcp.advance(1min);
    const auto got = tcp.gets("PU. 2:12(10) ack 2 urg 10"_seg);
    CHECK(got.why == event::rcv_text_after_fin);
    CHECK(got.dropped);
    CHECK(got.text == 0);
    CHECK(got.in_order == 0);
    tcp.emits_nothing();
    tcp.tells_nothing();
    tcp.is(time_wait);
    tcp.wakes_in(3min);
}

TEST_CASE("TIME-WAIT: the peer's FIN once more is acknowledged, and 2 MSL begins again", "[3.10.7.4][3.6.1][MUST-13]") {
    subject tcp = in(time_wait);
    tcp.advance(3min);
    tcp.gets("F. 1:1(0) ack 2"_seg);
    CHECK(tcp.judged() == event::rcv_fin_again);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.emits_nothing();
    tcp.tells_nothing();
    tcp.wakes_in(4min);
    tcp.advance(3min);
    tcp.is(time_wait);
    tcp.gets("FP. -9:1(10) ack 2"_seg);  // with the text before it
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.wakes_in(4min);
    tcp.advance(4min);
    tcp.is(closed);
}

TEST_CASE("TIME-WAIT: the peer's FIN once more is always answered, it needs no allowance", "[3.10.7.4]") {
    subject tcp = in(time_wait);
    for (int i = 0; i < 20; ++i) {
        tcp.gets("F. 1:1(0) ack 2"_seg);
        tcp.emits(". 2:2(0) ack 2"_seg);
    }
    tcp.is(time_wait);
}

TEST_CASE("TIME-WAIT: text on hand can be read until the end", "[3.10.3][3.6]") {
    subject tcp = in(fin_wait_2);
    tcp.gets("FP. 1:11(10) ack 2"_seg);
    tcp.emits(". 2:2(0) ack 12"_seg);
    tcp.is(time_wait);
    CHECK(tcp.receive(6) == answer::ok);
    CHECK(tcp.receive(6) == answer::ok);
    CHECK(tcp.receive(1) == answer::err_closing);
    tcp.is(time_wait);
}
