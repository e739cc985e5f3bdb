// SPDX-License-Identifier: MIT
// closed.cpp: SEGMENT ARRIVES in CLOSED (RFC 9293 section 3.10.7.1).

#include <support/catch.hpp>
#include <support/states.hpp>
#include <support/subject.hpp>

#include <type_traits>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using enum tcpfsm::state;

/// Nothing is remembered: the TCB is as it was before anything.
template <class P>
bool knows_nothing(const basic_subject<P>& tcp) {
    return tcp.at() == closed && tcp.numbers() == std::remove_cvref_t<decltype(tcp.numbers())>{};
}

TEST_CASE("CLOSED: a reset is dropped and never answered", "[3.10.7.1]") {
    subject tcp;
    tcp.drops("R 5:5(0)"_seg, event::rcv_rst);
    tcp.drops("R. 5:5(0) ack 9"_seg, event::rcv_rst);
    tcp.drops("R 5:15(10)"_seg, event::rcv_rst);
    tcp.drops("SR 5:5(0)"_seg, event::rcv_rst);
    tcp.drops("FR. 5:5(0) ack 0"_seg, event::rcv_rst);
    tcp.tells_nothing();
    CHECK(knows_nothing(tcp));
}

TEST_CASE("CLOSED: a segment without ACK is answered with a reset that acknowledges all of it",
          "[3.10.7.1][3.5.2][LC-06]") {
    subject tcp;
    tcp.gets("S 90:90(0)"_seg);
    tcp.emits("R. 0:0(0) ack 91 win 0 <>"_seg);
    tcp.gets("- 1000:1010(10)"_seg);
    tcp.emits("R. 0:0(0) ack 1010"_seg);
    tcp.gets("F 7:7(0)"_seg);
    tcp.emits("R. 0:0(0) ack 8"_seg);
    tcp.gets("SFPU 20:30(10) urg 5"_seg);
    tcp.emits("R. 0:0(0) ack 32"_seg);
    tcp.gets("- 5:5(0)"_seg);
    tcp.emits("R. 0:0(0) ack 5"_seg);
    tcp.tells_nothing();
    CHECK(knows_nothing(tcp));
}

TEST_CASE("CLOSED: a segment with an ACK is answered with a reset at the number that it acknowledges",
          "[3.10.7.1][3.5.2][LC-06]") {
    subject tcp;
    tcp.gets(". 7:7(0) ack 5000"_seg);
    tcp.emits("R 5000:5000(0) win 0 <>"_seg);
    tcp.gets("S. 7:7(0) ack 1"_seg);
    tcp.emits("R 1:1(0)"_seg);
    tcp.gets("FP. 7:17(10) ack -1"_seg);
    tcp.emits("R -1:-1(0)"_seg);
    tcp.tells_nothing();
    CHECK(knows_nothing(tcp));
}

TEST_CASE("CLOSED: text is discarded", "[3.10.7.1]") {
    subject tcp;
    const arrival got = tcp.gets("P. 7:17(10) ack 1"_seg);
    tcp.emits("R 1:1(0)"_seg);
    CHECK(got.text == 0);
    CHECK(got.in_order == 0);
    CHECK(tcp.conn().readable() == 0);
}

TEST_CASE("CLOSED: a FIN is not processed", "[3.10.7.4]") {
    subject tcp;
    tcp.gets("F. 7:7(0) ack 1"_seg);
    tcp.emits("R 1:1(0)"_seg);
    tcp.tells_nothing();
    CHECK(tcp.passes(route{closed}));
}

TEST_CASE("CLOSED: the reset echoes the timestamp of the segment, and has none if that has none",
          "[RFC 7323 5.2][7323-18]") {
    subject tcp;
    tcp.gets("S 0:0(0) <mss 1460,TS val 1234 ecr 0>"_seg);
    tcp.emits("R. 0:0(0) ack 1 <TS val 0 ecr 1234>"_seg);
    tcp.gets(". 1:1(0) ack 8 <TS val 1235 ecr 900>"_seg);
    tcp.emits("R 8:8(0) <TS val 0 ecr 1235>"_seg);
    tcp.gets("S 0:0(0) <mss 1460,sackOK,wscale 3>"_seg);
    tcp.emits("R. 0:0(0) ack 1 <>"_seg);
}

TEST_CASE("CLOSED: a connection that was aborted answers as if it had never been", "[3.10.7.1][figure 10]") {
    subject tcp = in(established);
    static_cast<void>(tcp.abort());
    tcp.emits("R 1:1(0)"_seg);
    tcp.gets(". 1:11(10) ack 1"_seg);
    tcp.emits("R 1:1(0)"_seg);
    tcp.never_wakes();
}

}  // namespace
