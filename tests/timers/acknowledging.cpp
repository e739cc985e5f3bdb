// SPDX-License-Identifier: MIT
// acknowledging.cpp: when an ACK goes (3.8.6.3), and what window it offers (3.8.6.2.2).

#include <support/states.hpp>

#include <chrono>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;
using enum tcpfsm::state;
using enum tcpfsm::answer;
using enum tcpfsm::signal;

static_assert(policies::delayed_ack < 500ms);  // MUST-40

TEST_CASE("Delayed ACK: one small segment is acknowledged after the delay",
          "[timers][3.8.6.3][SHLD-18][MUST-40][5681-23][1122-4]") {
    for (const state s : {established, fin_wait_1, fin_wait_2}) {
        subject tcp = in(s);
        tcp.gets("P. 1:101(100) ack 1"_seg);
        tcp.emits_nothing();
        tcp.advance(40ms);
        tcp.emits(s == established ? ". 1:1(0) ack 101"_seg : ". 2:2(0) ack 101"_seg);
        tcp.emits_nothing();
    }
}

TEST_CASE("Delayed ACK: the delay is counted from the first text that waits", "[timers][3.8.6.3][MUST-40]") {
    subject tcp = in(established);
    tcp.gets(". 1:101(100) ack 1"_seg);
    tcp.advance(30ms);
    tcp.gets(". 101:201(100) ack 1"_seg);
    CHECK(tcp.wakes_in(10ms));
    tcp.advance(10ms);
    tcp.emits(". 1:1(0) ack 201"_seg);
    tcp.never_wakes();
}

TEST_CASE("Delayed ACK: every second full-sized segment is acknowledged at once",
          "[timers][3.8.6.3][SHLD-19][RFC 5681 4.2][5681-23][1122-4]") {
    subject tcp = in(established);
    tcp.gets(". 1:1461(1460) ack 1"_seg);
    tcp.emits_nothing();
    tcp.gets(". 1461:2921(1460) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 2921"_seg);
    tcp.never_wakes();
    tcp.gets(". 2921:4381(1460) ack 1"_seg);
    tcp.emits_nothing();
    tcp.gets(". 4381:5841(1460) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 5841"_seg);
}

TEST_CASE("Delayed ACK: also where the peer's segments are smaller than RMSS", "[timers][3.8.6.3][SHLD-19]") {
    subject behind_tunnel = in(established);
    behind_tunnel.gets(". 1:1401(1400) ack 1"_seg);
    behind_tunnel.emits_nothing();
    behind_tunnel.gets(". 1401:2801(1400) ack 1"_seg);
    behind_tunnel.emits(". 1:1(0) ack 2801"_seg);

    subject smallest = in(established);
    smallest.gets(". 1:537(536) ack 1"_seg);
    smallest.emits_nothing();
    smallest.gets(". 537:1073(536) ack 1"_seg);
    smallest.emits(". 1:1(0) ack 1073"_seg);
}

TEST_CASE("Delayed ACK: small segments wait together", "[timers][3.8.6.3][SHLD-18]") {
    subject tcp = in(established);
    tcp.gets("P. 1:11(10) ack 1"_seg);
    tcp.gets("P. 11:21(10) ack 1"_seg);
    tcp.gets("P. 21:31(10) ack 1"_seg);
    tcp.emits_nothing();
    CHECK(tcp.wakes_in(40ms));
}

TEST_CASE("Delayed ACK: at once for text beyond a gap, and for what fills it",
          "[timers][3.8.6.3][MAY-13][RFC 5681 4.2][5681-13][5681-14]") {
    subject tcp = in(established);
    tcp.gets(". 101:201(100) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    tcp.gets(". 301:401(100) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    tcp.gets(". 1:51(50) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 51"_seg);  // the gap was filled in part
    tcp.gets(". 51:101(50) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 201"_seg);
    tcp.gets(". 201:301(100) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 401"_seg);
    tcp.never_wakes();
    tcp.gets(". 401:501(100) ack 1"_seg);
    tcp.emits_nothing();  // no gap any more
}

TEST_CASE("Delayed ACK: old text and a FIN are acknowledged at once", "[timers][3.8.6.3][3.10.7.4]") {
    subject old = in(established);
    old.gets(". 1:101(100) ack 1"_seg);
    old.advance(40ms);
    old.emits(". 1:1(0) ack 101"_seg);
    for (int i = 0; i < 30; ++i) {
        old.gets(". 1:101(100) ack 1"_seg);  // however often: text is no challenge
        old.emits(". 1:1(0) ack 101"_seg);
        old.emits_nothing();
    }
    subject ends = in(established);
    ends.gets("FP. 1:101(100) ack 1"_seg);
    ends.emits(". 1:1(0) ack 102"_seg);
    ends.never_wakes();
}

TEST_CASE("Delayed ACK: it goes with text, if there is some", "[timers][3.8.6.3][3.7.4]") {
    subject tcp = in(established);
    tcp.gets("P. 1:101(100) ack 1"_seg);
    tcp.advance(20ms);
    CHECK(tcp.send(50) == ok);
    tcp.emits("P. 1:51(50) ack 101"_seg);
    tcp.emits_nothing();
    CHECK(tcp.wakes_in(1s));  // retransmission alone
    tcp.gets(". 101:101(0) ack 51"_seg);
    tcp.never_wakes();
}

TEST_CASE("Delayed ACK: at most one for a segment, and none for an ACK", "[timers][3.8.6.3][RFC 5681 4.2][5681-24]") {
    subject tcp = in(established);
    for (int i = 0; i < 5; ++i) {
        tcp.gets(". 1:1(0) ack 1"_seg);
        tcp.emits_nothing();
    }
    tcp.gets(". 101:201(100) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    tcp.emits_nothing();
    tcp.never_wakes();
}

struct lazy : policies {
    static constexpr duration delayed_ack = 499ms;
};
TEST_CASE("Delayed ACK: the delay is the policy's", "[timers][3.8.6.3][MUST-40]") {
    basic_subject<lazy> tcp = in(established, basic_subject<lazy>{});
    tcp.gets("P. 1:101(100) ack 1"_seg);
    CHECK(tcp.wakes_in(499ms));
}

// --- The window offered -------------------------------------------------------------------------------

TEST_CASE("Window: it opens by a segment or by half the buffer, not by less", "[timers][3.8.6.2.2][MUST-39][1122-3]") {
    subject large = in(established, subject{{.rcv_buff = 8000}});
    large.gets(". 1:1461(1460) ack 1"_seg);
    large.gets(". 1461:2921(1460) ack 1"_seg);
    large.emits(". 1:1(0) ack 2921 win 5080"_seg);
    large.gets(". 2921:4381(1460) ack 1"_seg);
    large.gets(". 4381:5841(1460) ack 1"_seg);
    large.emits(". 1:1(0) ack 5841 win 2160"_seg);
    large.gets(". 5841:8001(2160) ack 1"_seg);
    large.advance(40ms);
    large.emits(". 1:1(0) ack 8001 win 0"_seg);
    CHECK(large.receive(1459) == ok);
    large.emits_nothing();
    large.never_wakes();
    CHECK(large.receive(1) == ok);
    large.emits(". 1:1(0) ack 8001 win 1460"_seg);

    subject small = in(established, subject{{.rcv_buff = 2000}});
    small.gets(". 1:2001(2000) ack 1"_seg);
    small.advance(40ms);
    small.emits(". 1:1(0) ack 2001 win 0"_seg);
    CHECK(small.receive(999) == ok);
    small.emits_nothing();
    CHECK(small.receive(1) == ok);
    small.emits(". 1:1(0) ack 2001 win 1000"_seg);

    subject tiny = in(established, subject{{.rcv_buff = 1}});
    tiny.gets(". 1:2(1) ack 1"_seg);
    tiny.advance(40ms);
    tiny.emits(". 1:1(0) ack 2 win 0"_seg);
    CHECK(tiny.receive(1) == ok);
    tiny.emits(". 1:1(0) ack 2 win 1"_seg);
}

TEST_CASE("Window: an ACK that goes anyway does not open it by less than a segment either",
          "[timers][3.8.6.2.2][MUST-39]") {
    subject tcp = in(established, subject{{.rcv_buff = 8000}});
    tcp.gets("P. 1:1001(1000) ack 1"_seg);
    CHECK(tcp.receive(1000) == ok);
    tcp.advance(40ms);
    tcp.emits(". 1:1(0) ack 1001 win 7000"_seg);
    tcp.gets("P. 1001:1501(500) ack 1"_seg);
    CHECK(tcp.receive(500) == ok);
    tcp.advance(40ms);
    tcp.emits(". 1:1(0) ack 1501 win 8000"_seg);  // 1500 octets of room were not offered
}

TEST_CASE("Window: an update is not put behind the delayed ACK", "[timers][3.8.6.2.2][3.8.6.3]") {
    subject tcp = in(established);
    tcp.gets(". 1:1461(1460) ack 1"_seg);
    tcp.gets(". 1461:2921(1460) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 2921 win 62615"_seg);
    tcp.gets(". 2921:3021(100) ack 1"_seg);
    CHECK(tcp.receive(2920) == ok);
    tcp.emits(". 1:1(0) ack 3021 win 65435"_seg);
    tcp.never_wakes();
}

TEST_CASE("Window: reading little by little does not make an ACK each time", "[timers][3.8.6.2.2]") {
    subject tcp = in(established);
    for (std::uint32_t i = 0; i < 4; ++i) {
        tcp.hears(
            tcp.from_peer({.seq = seq{1 + i * 1460}, .ack = seq{1}, .text = 1460, .ctl = ctl::ack, .wnd = 65535}));
        static_cast<void>(tcp.polls());
    }
    int acks = 0;
    for (int i = 0; i < 584; ++i) {
        CHECK(tcp.receive(10) == ok);
        while (tcp.polls()) ++acks;
    }
    CHECK(acks == 2);
}

TEST_CASE("Window: a buffer that 16 bits cannot say makes no flood of ACKs", "[timers][3.8.6.2.2][RFC 7323 2.2]") {
    subject tcp = in(established, subject{{.rcv_buff = 1'000'000}});
    tcp.gets(". 1:1461(1460) ack 1"_seg);
    tcp.gets(". 1461:2921(1460) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 2921 win 65535"_seg);
    for (int i = 0; i < 292; ++i) {
        CHECK(tcp.receive(10) == ok);
        tcp.emits_nothing();
    }
    tcp.never_wakes();
}

TEST_CASE("Window: the right edge never moves left", "[timers][3.8.6][SHLD-14][LC-10]") {
    subject tcp = in(established, subject{{.rcv_buff = 10'000}});
    std::uint32_t sent = 1;
    std::uint32_t edge = 10'001;
    for (const std::uint32_t n : {1460U, 1460U, 1U, 1459U, 700U, 1460U, 3U, 1460U, 1460U, 537U}) {
        tcp.hears(tcp.from_peer({.seq = seq{sent}, .ack = seq{1}, .text = n, .ctl = ctl::ack, .wnd = 65535}));
        sent += n;
        while (const auto out = tcp.polls()) {
            const std::uint32_t seen = out->segment.ack - tcp.in_world().peers + out->segment.wnd;
            CHECK(seen >= edge);
            CHECK((seen == edge || seen - edge >= 1460));
            edge = seen;
        }
        CHECK(tcp.receive(n / 3) == ok);
        while (const auto out = tcp.polls()) {
            const std::uint32_t seen = out->segment.ack - tcp.in_world().peers + out->segment.wnd;
            CHECK(seen - edge >= 1460);
            edge = seen;
        }
    }
}

TEST_CASE("Window, scaled by 2^7: the right edge as the peer sees it never moves left while the user reads",
          "[timers][3.8.6][SHLD-14][LC-10][RFC 7323 2.4]") {
    subject tcp{{.rcv_buff = 8'000'001}};
    CHECK(tcp.open_passive() == ok);
    tcp.gets("S 0:0(0) <mss 1460,wscale 0>"_seg);
    tcp.emits("S. 0:0(0) ack 1 win 65535 <mss 1460,wscale 7>"_seg);
    tcp.gets(". 1:1(0) ack 1"_seg);
    std::uint32_t sent = 1;
    std::uint32_t edge = 65'536;
    for (std::uint32_t i = 0; i < 200; ++i) {
        const std::uint32_t n = 1 + i * 37 % 1460;
        tcp.hears(tcp.from_peer({.seq = seq{sent}, .ack = seq{1}, .text = n, .ctl = ctl::ack, .wnd = 65535}));
        sent += n;
        tcp.leaves_unpolled();
        CHECK(tcp.receive(n) == ok);
        if (!tcp.owes()) tcp.advance(40ms);
        const auto out = tcp.polls();
        REQUIRE(out);
        const std::uint32_t seen = out->segment.ack - tcp.in_world().peers + (std::uint32_t{out->segment.wnd} << 7U);
        CHECK(seen >= edge);
        CHECK(seen <= sent + 8'000'001);  // no more than the buffer holds
        edge = seen;
    }
}

TEST_CASE("Window, scaled by 2^7: what was promised is accepted, although a later ACK could not say it",
          "[timers][3.8.6][RFC 7323 2.4][7323-7]") {
    subject tcp{{.rcv_buff = 65536 * 64 + 40}};
    CHECK(tcp.open_passive() == ok);
    tcp.gets("S 0:0(0) <mss 1460,wscale 0>"_seg);
    tcp.emits("S. 0:0(0) ack 1 win 65535 <mss 1460,wscale 7>"_seg);
    tcp.gets(". 1:1(0) ack 1"_seg);
    tcp.gets(". 1:41(40) ack 1"_seg);
    tcp.advance(40ms);
    const transmit first = *tcp.polls();
    const std::uint32_t promised = 41 + (std::uint32_t{first.segment.wnd} << 7U);
    tcp.gets(". 41:46(5) ack 1"_seg);
    tcp.advance(40ms);
    const transmit second = *tcp.polls();
    const std::uint32_t said = 46 + (std::uint32_t{second.segment.wnd} << 7U);
    CHECK(said < promised);
    CHECK(said + 128 > promised);
    const arrival last =
        tcp.hears(tcp.from_peer({.seq = seq{promised - 1}, .ack = seq{1}, .text = 1, .ctl = ctl::ack, .wnd = 65535}));
    CHECK(last.text == 1);
    tcp.leaves_unpolled();
    const arrival beyond =
        tcp.hears(tcp.from_peer({.seq = seq{promised + 128}, .ack = seq{1}, .text = 1, .ctl = ctl::ack, .wnd = 65535}));
    CHECK(beyond.text == 0);
}

TEST_CASE("Window: on the SYN it is not scaled, after it it is", "[timers][RFC 7323 2.2][RFC 7323 2.3][7323-4]") {
    subject tcp{{.rcv_buff = 100'000}};
    CHECK(tcp.open_passive() == ok);
    tcp.gets("S 0:0(0) win 1000 <mss 1460,wscale 3>"_seg);
    tcp.emits("S. 0:0(0) ack 1 win 65535 <mss 1460,wscale 1>"_seg);
    CHECK(tcp.numbers().snd.wnd == 1000);
    tcp.gets(". 1:1(0) ack 1 win 1000"_seg);
    CHECK(tcp.numbers().snd.wnd == 8000);
    tcp.gets(". 1:11(10) ack 1 win 1000"_seg);
    tcp.advance(40ms);
    tcp.emits(". 1:1(0) ack 11 win 49995"_seg);
}

}  // namespace
