// SPDX-License-Identifier: MIT
// established.cpp: SEGMENT ARRIVES in ESTABLISHED, step by step (RFC 9293 section 3.10.7.4).

#include <support/catch.hpp>
#include <support/states.hpp>
#include <support/subject.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;
using enum tcpfsm::state;
using enum tcpfsm::signal;

struct without_5961 : policies {
    static constexpr bool rfc5961 = false;
};
struct two_ranges : policies {
    static constexpr std::size_t reassembly_ranges = 2;
};

/// RCV.NXT = 1000, RCV.WND = 500, SND.UNA = SND.NXT = 5000, the largest window of the peer's 2000.
template <class P = policies>
basic_subject<P> narrow() {
    basic_subject<P> tcp{parameters{.iss = seq{4999}, .rcv_buff = 500}};
    static_cast<void>(tcp.open_passive());
    tcp.gets("S 999:999(0) win 2000 <mss 1460>"_seg);
    tcp.emits("S. 4999:4999(0) ack 1000 win 500"_seg);
    tcp.gets(". 1000:1000(0) ack 5000 win 2000"_seg);
    tcp.tells(tell_open);
    static_cast<void>(tcp.path());
    return tcp;
}
/// RCV.NXT = 1001, RCV.WND = 0: a thousand octets are unread.
subject full() {
    subject tcp = in(established, subject{parameters{.rcv_buff = 1000}});
    tcp.gets(". 1:1001(1000) ack 1"_seg);
    tcp.advance(policies::delayed_ack);
    tcp.emits(". 1:1(0) ack 1001 win 0"_seg);
    return tcp;
}
/// With timestamps: TS.Recent = 1000.
subject stamped() {
    subject tcp = in(listen);
    tcp.gets("S 0:0(0) <mss 1460,TS val 1000 ecr 0>"_seg);
    tcp.emits("S. 0:0(0) ack 1 <mss 1460,TS val 1000 ecr 1000>"_seg);
    tcp.gets(". 1:1(0) ack 1 <TS val 1000 ecr 1000>"_seg);
    tcp.tells(tell_open);
    static_cast<void>(tcp.path());
    return tcp;
}
/// With SACK; the left edge of the peer's text is 5000, as in RFC 2018 section 7.
template <class P = policies>
basic_subject<P> sacking() {
    auto tcp = in(listen, basic_subject<P>{});
    tcp.gets("S 4999:4999(0) <mss 1460,sackOK>"_seg);
    tcp.emits("S. 0:0(0) ack 5000 <mss 1460,sackOK>"_seg);
    tcp.gets(". 5000:5000(0) ack 1"_seg);
    return tcp;
}

// --- First: the timestamps, before the sequence number (RFC 7323) ---------------------------------------

TEST_CASE("ESTABLISHED: an old timestamp is answered with an ACK, and nothing of the segment counts",
          "[RFC 7323 5.3]") {
    subject tcp = stamped();
    static_cast<void>(tcp.send(10));
    tcp.emits("P. 1:11(10) ack 1"_seg);
    const arrival got = tcp.gets("FU. 1:11(10) ack 11 win 9 urg 5 <TS val 999 ecr 1000>"_seg);
    CHECK(got.text == 0);
    CHECK(got.acked == 0);
    tcp.emits(". 11:11(0) ack 1 <TS val 1000 ecr 1000>"_seg);
    tcp.tells_nothing();
    CHECK(tcp.passes(route{established}));
    CHECK(tcp.numbers().snd.una == tcp.in_world().ours + 1);
    CHECK(tcp.numbers().snd.wnd == 65535);
}

TEST_CASE("ESTABLISHED: an old timestamp is looked at before the window", "[RFC 7323 5.3][7323-20]") {
    subject tcp = stamped();
    tcp.gets(". 100000:100010(10) ack 1 <TS val 999 ecr 1000>"_seg);
    CHECK(tcp.judged() == event::rcv_paws);
    tcp.emits(". 1:1(0) ack 1"_seg);
    tcp.gets(". 100000:100010(10) ack 1 <TS val 1000 ecr 1000>"_seg);
    CHECK(tcp.judged() == event::rcv_outside_text);
    tcp.emits(". 1:1(0) ack 1"_seg);
}

TEST_CASE("ESTABLISHED: timestamps are compared modulo 2^32", "[RFC 7323 5.2]") {
    SECTION("equal is not old") {
        subject tcp = stamped();
        CHECK(tcp.gets(". 1:11(10) ack 1 <TS val 1000 ecr 1000>"_seg).in_order == 10);
    }
    SECTION("2^31 - 1 later is newer") {
        subject tcp = stamped();
        CHECK(tcp.gets(". 1:11(10) ack 1 <TS val 2147484647 ecr 1000>"_seg).in_order == 10);
    }
    SECTION("2^31 away is not less by the definition of the RFC") {
        subject tcp = stamped();
        CHECK(tcp.gets(". 1:11(10) ack 1 <TS val 2147484648 ecr 1000>"_seg).in_order == 10);
    }
    SECTION("2^31 - 1 earlier is old") {
        subject tcp = stamped();
        CHECK(tcp.gets(". 1:11(10) ack 1 <TS val 2147484649 ecr 1000>"_seg).in_order == 0);
        CHECK(tcp.judged() == event::rcv_paws);
    }
}

TEST_CASE("ESTABLISHED: the timestamp of a reset is not looked at, nor missed",
          "[RFC 7323 5.2][RFC 7323 3.2][7323-19]") {
    SECTION("an old one") {
        subject tcp = stamped();
        tcp.gets("R 1:1(0) <TS val 1 ecr 0>"_seg);
        CHECK(tcp.passes(route{established, closed}));
    }
    SECTION("none") {
        subject tcp = stamped();
        tcp.gets("R 1:1(0)"_seg);
        CHECK(tcp.passes(route{established, closed}));
    }
    SECTION("an old one on a reset that is challenged") {
        subject tcp = stamped();
        tcp.gets("R 2:2(0) <TS val 1 ecr 0>"_seg);
        CHECK(tcp.judged() == event::rcv_rst_challenge);
        tcp.emits(". 1:1(0) ack 1 <TS val 1000 ecr 1000>"_seg);
    }
}

TEST_CASE("ESTABLISHED: after more than 24 days TS.Recent is not believed any more", "[RFC 7323 5.5][7323-22]") {
    subject tcp = stamped();
    tcp.advance(24h * 24);
    tcp.gets(". 1:11(10) ack 1 <TS val 999 ecr 1000>"_seg);
    CHECK(tcp.judged() == event::rcv_paws);
    tcp.emits(". 1:1(0) ack 1"_seg);
    tcp.advance(1s);
    CHECK(tcp.gets(". 1:11(10) ack 1 <TS val 999 ecr 1000>"_seg).in_order == 10);
    CHECK(tcp.numbers().ts.recent == tcp.in_world().peers_stamp - 1);
}

TEST_CASE("ESTABLISHED: a segment without the timestamp that was agreed is dropped, and the connection lives",
          "[RFC 7323 3.2][7323-11]") {
    subject tcp = stamped();
    tcp.drops(". 1:11(10) ack 1"_seg, event::rcv_no_timestamp);
    tcp.drops("F. 1:1(0) ack 1"_seg, event::rcv_no_timestamp);
    tcp.tells_nothing();
    CHECK(tcp.passes(route{established}));
    CHECK(tcp.gets(". 1:11(10) ack 1 <TS val 1000 ecr 1000>"_seg).in_order == 10);
}

TEST_CASE("ESTABLISHED: a timestamp that was not agreed is ignored", "[RFC 7323 3.2][7323-12]") {
    subject tcp = in(established);
    CHECK(tcp.gets(". 1:11(10) ack 1 <TS val 5000 ecr 0>"_seg).in_order == 10);
    CHECK(tcp.gets(". 11:21(10) ack 1 <TS val 1 ecr 0>"_seg).in_order == 10);
    tcp.advance(policies::delayed_ack);
    tcp.emits(". 1:1(0) ack 21 <>"_seg);
}

TEST_CASE("ESTABLISHED: TS.Recent comes from a segment that reaches back to the last ACK sent, and from no other",
          "[RFC 7323 4.3][RFC 7323 5.3]") {
    SECTION("at Last.ACK.sent") {
        subject tcp = stamped();
        tcp.gets(". 1:1(0) ack 1 <TS val 1001 ecr 1000>"_seg);
        CHECK(tcp.numbers().ts.recent == tcp.in_world().peers_stamp + 1);
    }
    SECTION("beyond") {
        subject tcp = stamped();
        tcp.gets(". 2:12(10) ack 1 <TS val 1001 ecr 1000>"_seg);
        tcp.emits(". 1:1(0) ack 1 <TS val 1000 ecr 1000>"_seg);
        CHECK(tcp.numbers().ts.recent == tcp.in_world().peers_stamp);
    }
    SECTION("outside the window") {
        subject tcp = stamped();
        tcp.gets(". -9:1(10) ack 1 <TS val 5000 ecr 1000>"_seg);
        tcp.emits(". 1:1(0) ack 1 <TS val 1000 ecr 1000>"_seg);
    }
    SECTION("a reset") {
        subject tcp = stamped();
        tcp.gets("R 2:2(0) <TS val 5000 ecr 1000>"_seg);
        tcp.emits(". 1:1(0) ack 1 <TS val 1000 ecr 1000>"_seg);
    }
}

TEST_CASE("ESTABLISHED: a delayed ACK echoes the first segment that it acknowledges", "[RFC 7323 4.3][7323-17]") {
    subject tcp = stamped();
    tcp.gets(". 1:11(10) ack 1 <TS val 1001 ecr 1000>"_seg);
    tcp.gets(". 11:21(10) ack 1 <TS val 1002 ecr 1000>"_seg);
    tcp.gets(". 21:31(10) ack 1 <TS val 1003 ecr 1000>"_seg);
    tcp.advance(policies::delayed_ack);
    tcp.emits(". 1:1(0) ack 31 <TS val 1040 ecr 1001>"_seg);
}

TEST_CASE(
    "ESTABLISHED: with segments out of order the last one in order is echoed, and at last the one that fills the hole",
    "[RFC 7323 4.3]") {
    subject tcp = stamped();
    tcp.gets(". 1:11(10) ack 1 <TS val 1001 ecr 1000>"_seg);  // A
    tcp.advance(policies::delayed_ack);
    tcp.emits(". 1:1(0) ack 11 <TS val 1040 ecr 1001>"_seg);
    tcp.gets(". 21:31(10) ack 1 <TS val 1003 ecr 1000>"_seg);  // C
    tcp.emits(". 1:1(0) ack 11 <TS val 1040 ecr 1001>"_seg);
    tcp.gets(". 11:21(10) ack 1 <TS val 1002 ecr 1000>"_seg);  // B
    tcp.emits(". 1:1(0) ack 31 <TS val 1040 ecr 1002>"_seg);
    tcp.gets(". 41:51(10) ack 1 <TS val 1005 ecr 1000>"_seg);  // E
    tcp.emits(". 1:1(0) ack 31 <TS val 1040 ecr 1002>"_seg);
    tcp.gets(". 31:41(10) ack 1 <TS val 1004 ecr 1000>"_seg);  // D
    tcp.emits(". 1:1(0) ack 51 <TS val 1040 ecr 1004>"_seg);
}

TEST_CASE("ESTABLISHED: text that waited beyond a gap is not tested again when newer timestamps have come",
          "[RFC 7323 5.3][7323-20]") {
    subject tcp = stamped();
    tcp.gets(". 11:21(10) ack 1 <TS val 1001 ecr 1000>"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    CHECK(tcp.gets(". 1:11(10) ack 1 <TS val 1002 ecr 1000>"_seg).in_order == 20);
    tcp.emits(". 1:1(0) ack 21 <TS val 1000 ecr 1002>"_seg);
}

// --- First: the sequence number -------------------------------------------------------------------------

TEST_CASE("ESTABLISHED: the four cases of the acceptability test, at the borders of the window", "[3.4][3.10.7.4]") {
    const subject start = narrow();  // 1000 to 1499
    static constexpr struct {
        std::uint32_t from, text;
        bool good;
    } rows[] = {
        {1000, 0, true},   {1499, 0, true},   {1500, 0, true},  {1501, 0, false}, {999, 0, false},
        {900, 100, false}, {900, 101, true},  {1499, 1, true},  {1500, 1, false}, {999, 1, false},
        {1000, 500, true}, {1000, 501, true}, {900, 700, true},
    };
    for (const auto& r : rows) {
        CAPTURE(r.from, r.text);
        subject tcp = start;
        tcp.hears({.seq = tcp.in_world().peers + r.from,
                   .ack = tcp.in_world().ours + 5000,
                   .text = r.text,
                   .ctl = ctl::ack,
                   .wnd = 77});
        if (r.good) {
            CHECK(tcp.judged() != event::rcv_outside);
            CHECK(tcp.judged() != event::rcv_outside_text);
        } else {
            tcp.emits(". 5000:5000(0) ack 1000"_seg);
            CHECK(tcp.numbers().rcv.nxt == tcp.in_world().peers + 1000);
        }
    }
}

TEST_CASE("ESTABLISHED: an unacceptable segment is answered with an ACK, and nothing of it counts",
          "[3.10.7.4][LC-07]") {
    subject tcp = in(established);
    static_cast<void>(tcp.send(10));
    tcp.emits("P. 1:11(10) ack 1"_seg);
    const arrival got = tcp.gets("FU. -9:0(9) ack 11 win 7 urg 5000"_seg);
    CHECK(got.acked == 0);
    tcp.emits(". 11:11(0) ack 1"_seg);
    tcp.gets(". 70000:70000(0) ack 11 win 7"_seg);
    tcp.emits(". 11:11(0) ack 1"_seg);
    tcp.tells_nothing();
    CHECK(tcp.passes(route{established}));
    CHECK(tcp.numbers().snd.una == tcp.in_world().ours + 1);
    CHECK(tcp.numbers().snd.wnd == 65535);
}

TEST_CASE("ESTABLISHED: an unacceptable reset is dropped", "[3.10.7.4][RFC 5961 3.2][5961-1]") {
    subject tcp = narrow();
    tcp.drops("R 1500:1500(0)"_seg, event::rcv_rst_invalid);
    tcp.drops("R 999:999(0)"_seg, event::rcv_rst_invalid);
    tcp.drops("R. 999:999(0) ack 5000"_seg, event::rcv_rst_invalid);
    tcp.drops("SR 2000:2000(0)"_seg, event::rcv_rst_invalid);
    tcp.tells_nothing();
    CHECK(tcp.passes(route{established}));
}

TEST_CASE("ESTABLISHED: text is cut at the left edge of the window", "[3.10.7.4]") {
    subject tcp = in(established);
    tcp.gets(". 1:101(100) ack 1"_seg);
    const arrival got = tcp.gets(". 51:151(100) ack 1"_seg);
    CHECK(got.skip == 50);
    CHECK(got.text == 50);
    CHECK(got.at == 0);
    CHECK(got.in_order == 50);
    CHECK(tcp.conn().readable() == 150);
    tcp.advance(policies::delayed_ack);
    tcp.emits(". 1:1(0) ack 151"_seg);
}

TEST_CASE("ESTABLISHED: a FIN behind old text is new", "[3.10.7.4]") {
    subject tcp = in(established);
    tcp.gets(". 1:101(100) ack 1"_seg);
    const arrival got = tcp.gets("F. 51:101(50) ack 1"_seg);
    CHECK(got.text == 0);
    CHECK(got.in_order == 0);
    tcp.emits(". 1:1(0) ack 102"_seg);
    CHECK(tcp.passes(route{established, close_wait}));
}

TEST_CASE("ESTABLISHED: text is cut at the right edge of the window, and the FIN with it", "[3.10.7.4]") {
    SECTION("text beyond the window") {
        subject tcp = narrow();
        const arrival got = tcp.gets("F. 1000:1600(600) ack 5000"_seg);
        CHECK(got.skip == 0);
        CHECK(got.text == 500);
        CHECK(got.in_order == 500);
        CHECK(tcp.passes(route{established}));
        tcp.advance(policies::delayed_ack);
        tcp.emits(". 5000:5000(0) ack 1500 win 0"_seg);
    }
    SECTION("the FIN alone is beyond the window, and comes again when there is room") {
        subject tcp = narrow();
        CHECK(tcp.gets("F. 1000:1500(500) ack 5000"_seg).in_order == 500);
        CHECK(tcp.passes(route{established}));
        tcp.advance(policies::delayed_ack);
        tcp.emits(". 5000:5000(0) ack 1500 win 0"_seg);
        static_cast<void>(tcp.receive(500));
        tcp.emits(". 5000:5000(0) ack 1500 win 500"_seg);
        tcp.gets("F. 1000:1500(500) ack 5000"_seg);
        tcp.emits(". 5000:5000(0) ack 1501"_seg);
        CHECK(tcp.passes(route{established, close_wait}));
    }
    SECTION("the FIN is the last number of the window") {
        subject tcp = narrow();
        CHECK(tcp.gets("F. 1000:1499(499) ack 5000"_seg).in_order == 499);
        tcp.emits(". 5000:5000(0) ack 1500"_seg);
        CHECK(tcp.passes(route{established, close_wait}));
    }
    SECTION("beyond a gap") {
        subject tcp = narrow();
        const arrival got = tcp.gets("F. 1400:1600(200) ack 5000"_seg);
        CHECK(got.at == 400);
        CHECK(got.text == 100);
        tcp.emits(". 5000:5000(0) ack 1000"_seg);
        CHECK(tcp.gets(". 1000:1400(400) ack 5000"_seg).in_order == 500);
        tcp.emits(". 5000:5000(0) ack 1500 win 0"_seg);
        CHECK(tcp.passes(route{established}));
    }
}

TEST_CASE("ESTABLISHED: a segment that covers the window from both sides is cut on both", "[3.4][3.10.7.4]") {
    subject tcp = narrow();
    const arrival got = tcp.gets("F. 900:1600(700) ack 5000"_seg);
    CHECK(got.skip == 100);
    CHECK(got.text == 500);
    CHECK(got.at == 0);
    CHECK(got.in_order == 500);
    CHECK(tcp.passes(route{established}));
}

// --- First: a window of zero ----------------------------------------------------------------------------

TEST_CASE("ESTABLISHED: at a zero window text is not taken, but answered", "[3.4][3.8.6.1][LC-05]") {
    subject tcp = full();
    const arrival got = tcp.gets(". 1001:1011(10) ack 1"_seg);
    CHECK(got.text == 0);
    CHECK(got.in_order == 0);
    tcp.emits(". 1:1(0) ack 1001 win 0"_seg);
    tcp.gets(". 1002:1012(10) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 1001 win 0"_seg);
    CHECK(tcp.conn().readable() == 1000);
}

TEST_CASE("ESTABLISHED: at a zero window the ACK of a segment counts, with and without text",
          "[3.4][3.10.7.4][MUST-66]") {
    subject tcp = full();
    static_cast<void>(tcp.send(20));
    tcp.emits("P. 1:21(20) ack 1001 win 0"_seg);
    CHECK(tcp.gets(". 1001:1001(0) ack 6 win 900"_seg).acked == 5);
    CHECK(tcp.numbers().snd.wnd == 900);
    tcp.emits_nothing();
    CHECK(tcp.gets(". 1001:1011(10) ack 11 win 800"_seg).acked == 5);
    CHECK(tcp.numbers().snd.wnd == 800);
    tcp.emits(". 21:21(0) ack 1001 win 0"_seg);
    CHECK(tcp.gets(". 991:1011(20) ack 21"_seg).acked == 10);
    tcp.emits(". 21:21(0) ack 1001 win 0"_seg);
}

TEST_CASE("ESTABLISHED: at a zero window an ACK that does not stand at RCV.NXT is outside", "[3.4]") {
    subject tcp = full();
    tcp.gets(". 1002:1002(0) ack 1 win 5"_seg);
    tcp.emits(". 1:1(0) ack 1001 win 0"_seg);
    tcp.gets(". 1000:1000(0) ack 1 win 5"_seg);
    tcp.emits(". 1:1(0) ack 1001 win 0"_seg);
    CHECK(tcp.numbers().snd.wnd == 65535);
}

TEST_CASE("ESTABLISHED: at a zero window a reset at RCV.NXT counts, and no other", "[3.4][3.10.7.4][MUST-66][UNL-05]") {
    subject tcp = full();
    tcp.drops("R 1002:1002(0)"_seg, event::rcv_rst_invalid);
    tcp.drops("R 1000:1000(0)"_seg, event::rcv_rst_invalid);
    tcp.gets("R 1001:1001(0)"_seg);
    tcp.emits_nothing();
    CHECK(tcp.passes(route{established, closed}));
    tcp.tells(tell_reset);
}

TEST_CASE("ESTABLISHED: at a zero window URG is heeded, with and without text", "[3.4][3.10.7.4][MUST-66]") {
    subject tcp = full();
    tcp.gets("U. 1001:1001(0) ack 1 urg 5"_seg);
    tcp.emits_nothing();
    tcp.tells(tell_urgent);
    CHECK(tcp.conn().urgent() == 1005);
    tcp.gets("U. 1001:1011(10) ack 1 urg 10"_seg);
    tcp.emits(". 1:1(0) ack 1001 win 0"_seg);
    tcp.tells(tell_urgent);
    CHECK(tcp.conn().urgent() == 1010);
}

TEST_CASE("ESTABLISHED: at a zero window a FIN waits for room", "[3.4][3.10.7.4]") {
    subject tcp = full();
    tcp.gets("F. 1001:1001(0) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 1001 win 0"_seg);
    tcp.tells_nothing();
    CHECK(tcp.passes(route{established}));
    static_cast<void>(tcp.receive(1000));
    tcp.emits(". 1:1(0) ack 1001 win 1000"_seg);
    tcp.gets("F. 1001:1001(0) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 1002"_seg);
    CHECK(tcp.passes(route{established, close_wait}));
}

TEST_CASE("ESTABLISHED: at a zero window a SYN is challenged", "[3.10.7.4][UNL-08]") {
    subject tcp = full();
    tcp.gets("S 1001:1001(0)"_seg);
    tcp.emits(". 1:1(0) ack 1001 win 0"_seg);
    CHECK(tcp.passes(route{established}));
}

// --- Second: the RST bit --------------------------------------------------------------------------------

TEST_CASE("ESTABLISHED: a reset at RCV.NXT ends the connection, and the user is told",
          "[3.10.7.4][RFC 5961 3.2][UNL-05][5961-1]") {
    subject tcp = narrow();
    static_cast<void>(tcp.send(10));
    tcp.emits("P. 5000:5010(10) ack 1000"_seg);
    tcp.gets("R 1000:1000(0)"_seg);
    tcp.emits_nothing();
    CHECK(tcp.passes(route{established, closed}));
    tcp.tells(tell_reset);
    tcp.tells_nothing();
    tcp.never_wakes();
    CHECK(tcp.send(1) == answer::err_no_connection);
}

TEST_CASE("ESTABLISHED: the ACK field and the text of a reset do not matter", "[3.10.7.4][3.5.3][SHLD-2]") {
    subject tcp = narrow();
    tcp.gets("R. 1000:1020(20) ack 123456"_seg);
    tcp.emits_nothing();
    CHECK(tcp.passes(route{established, closed}));
}

TEST_CASE("ESTABLISHED: a reset elsewhere in the window is challenged, and the answer to that ends the connection",
          "[3.10.7.4][RFC 5961 3.2][UNL-06][UNL-07][5961-1]") {
    subject tcp = narrow();
    tcp.gets("R 1001:1001(0)"_seg);
    tcp.emits(". 5000:5000(0) ack 1000"_seg);
    tcp.gets("R 1499:1499(0)"_seg);
    tcp.emits(". 5000:5000(0) ack 1000"_seg);
    tcp.tells_nothing();
    CHECK(tcp.passes(route{established}));
    tcp.gets("R 1000:1000(0)"_seg);
    CHECK(tcp.passes(route{established, closed}));
}

TEST_CASE("ESTABLISHED: a reset at RCV.NXT counts while text waits beyond the gap", "[3.10.7.4][RFC 5961 3.2]") {
    subject tcp = narrow();
    tcp.gets(". 1010:1020(10) ack 5000"_seg);
    tcp.emits(". 5000:5000(0) ack 1000"_seg);
    tcp.gets("R 1020:1020(0)"_seg);
    tcp.emits(". 5000:5000(0) ack 1000"_seg);
    tcp.gets("R 1000:1000(0)"_seg);
    CHECK(tcp.passes(route{established, closed}));
}

TEST_CASE("ESTABLISHED: without RFC 5961 a reset anywhere in the window ends the connection", "[3.10.7.4]") {
    SECTION("the last number") {
        auto tcp = narrow<without_5961>();
        tcp.gets("R 1499:1499(0)"_seg);
        tcp.emits_nothing();
        CHECK(tcp.passes(route{established, closed}));
        tcp.tells(tell_reset);
    }
    SECTION("outside") {
        auto tcp = narrow<without_5961>();
        tcp.drops("R 1500:1500(0)"_seg, event::rcv_rst_invalid);
        tcp.drops("R 999:999(0)"_seg, event::rcv_rst_invalid);
        CHECK(tcp.passes(route{established}));
    }
}

TEST_CASE("ESTABLISHED: the eleventh challenge ACK in five seconds is not sent", "[RFC 5961 7][5961-6]") {
    subject tcp = narrow();
    for (unsigned i = 0; i < 10; ++i) {
        tcp.gets("R 1001:1001(0)"_seg);
        tcp.emits(". 5000:5000(0) ack 1000"_seg);
        tcp.advance(100ms);
    }
    tcp.gets("R 1001:1001(0)"_seg);
    tcp.emits_nothing();
    tcp.gets("S 1200:1200(0)"_seg);
    tcp.emits_nothing();
    tcp.gets(". 1000:1000(0) ack 5001"_seg);
    tcp.emits_nothing();
    tcp.gets(". 999:999(0) ack 5000"_seg);
    tcp.emits_nothing();
    CHECK(tcp.passes(route{established}));
    tcp.advance(3999ms);
    tcp.gets("R 1001:1001(0)"_seg);
    tcp.emits_nothing();
    tcp.advance(1ms);  // five seconds since the first
    for (unsigned i = 0; i < 10; ++i) {
        tcp.gets("R 1001:1001(0)"_seg);
        tcp.emits(". 5000:5000(0) ack 1000"_seg);
    }
    tcp.gets("R 1001:1001(0)"_seg);
    tcp.emits_nothing();
}

TEST_CASE("ESTABLISHED: text is answered even when no challenge ACK may be sent", "[RFC 5961 7][RFC 5961 10]") {
    subject tcp = narrow();
    for (unsigned i = 0; i < 10; ++i) {
        tcp.gets("S 1200:1200(0)"_seg);
        tcp.emits(". 5000:5000(0) ack 1000"_seg);
    }
    for (unsigned i = 0; i < 20; ++i) {
        tcp.gets(". 990:1000(10) ack 5000"_seg);  // a duplicate
        tcp.emits(". 5000:5000(0) ack 1000"_seg);
        tcp.gets(". 1010:1020(10) ack 5000"_seg);  // beyond a gap
        tcp.emits(". 5000:5000(0) ack 1000"_seg);
    }
    tcp.gets("F. 1020:1020(0) ack 5000"_seg);
    tcp.emits(". 5000:5000(0) ack 1000"_seg);
    CHECK(tcp.gets(". 1000:1010(10) ack 5000"_seg).in_order == 20);
    tcp.emits(". 5000:5000(0) ack 1021"_seg);
}

TEST_CASE("ESTABLISHED: challenge ACKs are counted for each connection of its own", "[RFC 5961 7][5961-6]") {
    subject one = narrow();
    subject other = one;
    for (unsigned i = 0; i < 11; ++i) {
        one.gets("R 1001:1001(0)"_seg);
        static_cast<void>(one.polls());
    }
    one.gets("R 1001:1001(0)"_seg);
    one.emits_nothing();
    other.gets("R 1001:1001(0)"_seg);
    other.emits(". 5000:5000(0) ack 1000"_seg);
}

// --- Fourth: the SYN bit --------------------------------------------------------------------------------

TEST_CASE("ESTABLISHED: a SYN is challenged, wherever it stands",
          "[3.10.7.4][RFC 5961 4.2][UNL-08][UNL-09][5961-3][5961-5]") {
    subject tcp = narrow();
    tcp.gets("S 1000:1000(0)"_seg);
    tcp.emits(". 5000:5000(0) ack 1000"_seg);
    tcp.gets("S 1200:1200(0)"_seg);
    tcp.emits(". 5000:5000(0) ack 1000"_seg);
    tcp.gets("S 900000:900000(0)"_seg);
    tcp.emits(". 5000:5000(0) ack 1000"_seg);
    tcp.gets("S 999:999(0)"_seg);
    tcp.emits(". 5000:5000(0) ack 1000"_seg);
    const arrival got = tcp.gets("SFU. 999:1009(10) ack 5000 win 9 urg 5"_seg);
    CHECK(got.text == 0);
    tcp.emits(". 5000:5000(0) ack 1000"_seg);
    tcp.tells_nothing();
    CHECK(tcp.passes(route{established}));
    CHECK(tcp.numbers().snd.wnd == 2000);
}

TEST_CASE("ESTABLISHED: a peer that has started again learns of the half-open connection and resets it",
          "[3.5.1][figure 9][UNL-08][5961-3]") {
    subject tcp = in(listen, subject{parameters{.iss = seq{299}}});
    tcp.gets("S 99:99(0) <mss 1460>"_seg);
    tcp.emits("S. 299:299(0) ack 100"_seg);
    tcp.gets(". 100:100(0) ack 300"_seg);
    tcp.gets("S 400:400(0)"_seg);
    tcp.emits(". 300:300(0) ack 100"_seg);
    tcp.gets("R 100:100(0)"_seg);
    CHECK(tcp.passes(route{listen, syn_received, established, closed}));
}

TEST_CASE("ESTABLISHED: the peer's SYN,ACK once more is answered with an ACK", "[3.10.7.4][3.8.1]") {
    subject tcp = in(established);
    tcp.gets("S. 0:0(0) ack 1 <mss 1460>"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    CHECK(tcp.passes(route{established}));
}

TEST_CASE("ESTABLISHED: without RFC 5961 a SYN in the window resets the connection", "[3.10.7.4]") {
    SECTION("without ACK") {
        auto tcp = narrow<without_5961>();
        tcp.gets("S 1200:1210(10)"_seg);
        tcp.emits("R. 0:0(0) ack 1211"_seg);
        CHECK(tcp.passes(route{established, closed}));
        tcp.tells(tell_reset);
        tcp.tells_nothing();
    }
    SECTION("with ACK") {
        auto tcp = narrow<without_5961>();
        tcp.gets("S. 1200:1200(0) ack 5000"_seg);
        tcp.emits("R 5000:5000(0)"_seg);
        CHECK(tcp.passes(route{established, closed}));
    }
    SECTION("outside the window it is answered with an ACK") {
        auto tcp = narrow<without_5961>();
        tcp.gets("S 1500:1500(0)"_seg);
        tcp.emits(". 5000:5000(0) ack 1000"_seg);
        tcp.gets("S 999:999(0)"_seg);
        tcp.emits(". 5000:5000(0) ack 1000"_seg);
        CHECK(tcp.passes(route{established}));
    }
    SECTION("before the window it is cut off, and the text behind it counts") {
        auto tcp = narrow<without_5961>();
        CHECK(tcp.gets("S. 999:1009(10) ack 5000"_seg).in_order == 10);
        tcp.drops("S 999:1019(20)"_seg, event::rcv_no_ack);
        CHECK(tcp.passes(route{established}));
    }
}

// --- Fifth: the ACK field -------------------------------------------------------------------------------

TEST_CASE("ESTABLISHED: a segment without ACK is dropped", "[3.10.7.4]") {
    subject tcp = in(established);
    tcp.drops("- 1:11(10)"_seg, event::rcv_no_ack);
    tcp.drops("F 1:1(0)"_seg, event::rcv_no_ack);
    tcp.drops("UP 1:11(10) urg 3"_seg, event::rcv_no_ack);
    tcp.tells_nothing();
    CHECK(tcp.passes(route{established}));
    CHECK(tcp.conn().readable() == 0);
}

TEST_CASE("ESTABLISHED: an ACK is believed from SND.UNA - MAX.SND.WND on, and its segment is processed",
          "[3.10.7.4][MAY-12][RFC 5961 5.2][UNL-10]") {
    subject tcp = narrow();
    const arrival got = tcp.gets(". 1000:1010(10) ack 3000"_seg);
    CHECK(got.in_order == 10);
    CHECK(got.acked == 0);
    CHECK(tcp.numbers().snd.una == tcp.in_world().ours + 5000);
}

TEST_CASE("ESTABLISHED: an ACK of less is answered with an ACK, and its segment dropped",
          "[3.10.7.4][MAY-12][RFC 5961 5.2][UNL-11][5961-4]") {
    subject tcp = narrow();
    const arrival got = tcp.gets("FU. 1000:1010(10) ack 2999 urg 5"_seg);
    CHECK(got.text == 0);
    tcp.emits(". 5000:5000(0) ack 1000"_seg);
    tcp.tells_nothing();
    CHECK(tcp.passes(route{established}));
}

TEST_CASE("ESTABLISHED: without RFC 5961 an ACK of less is a duplicate like others", "[3.10.7.4]") {
    auto tcp = narrow<without_5961>();
    CHECK(tcp.gets(". 1000:1010(10) ack 2999"_seg).in_order == 10);
}

TEST_CASE("ESTABLISHED: an ACK of what was not sent is answered with an ACK, and its segment dropped",
          "[3.10.7.4][UNL-11][5961-4]") {
    SECTION("by default") {
        subject tcp = narrow();
        CHECK(tcp.gets("FU. 1000:1010(10) ack 5001 win 7 urg 5"_seg).text == 0);
        tcp.emits(". 5000:5000(0) ack 1000"_seg);
        tcp.tells_nothing();
        CHECK(tcp.passes(route{established}));
        CHECK(tcp.numbers().snd.wnd == 2000);
        CHECK(tcp.numbers().snd.una == tcp.in_world().ours + 5000);
    }
    SECTION("without RFC 5961") {
        auto tcp = narrow<without_5961>();
        CHECK(tcp.gets(". 1000:1010(10) ack 5001"_seg).text == 0);
        tcp.emits(". 5000:5000(0) ack 1000"_seg);
    }
    SECTION("text that waits to be sent was not sent") {
        subject tcp = in(established);
        tcp.gets(". 1:1(0) ack 1 win 0"_seg);
        static_cast<void>(tcp.send(10));
        CHECK(tcp.gets(". 1:1(0) ack 2"_seg).acked == 0);
        tcp.emits(". 1:1(0) ack 1"_seg);
    }
}

TEST_CASE("ESTABLISHED: a new ACK moves SND.UNA and frees what it covers, part of a segment, too", "[3.10.7.4]") {
    subject tcp = in(established);
    static_cast<void>(tcp.send(10));
    tcp.emits("P. 1:11(10) ack 1"_seg);
    CHECK(tcp.gets(". 1:1(0) ack 4"_seg).acked == 3);
    CHECK(tcp.numbers().snd.una == tcp.in_world().ours + 4);
    CHECK(tcp.gets(". 1:1(0) ack 11"_seg).acked == 7);
    CHECK(tcp.numbers().snd.una == tcp.in_world().ours + 11);
    CHECK(tcp.conn().writable() == 65535);
    tcp.emits_nothing();
    tcp.never_wakes();
}

TEST_CASE("ESTABLISHED: the rest of a segment that was acknowledged in part goes again by itself",
          "[3.10.7.4][3.8.1]") {
    subject tcp = in(established);
    static_cast<void>(tcp.send(10));
    tcp.emits("P. 1:11(10) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 4"_seg);
    tcp.advance(1s);
    tcp.emits("P. 4:11(7) ack 1"_seg);
}

TEST_CASE("ESTABLISHED: an old ACK is ignored, and its text is taken", "[3.10.7.4]") {
    subject tcp = in(established);
    static_cast<void>(tcp.send(10));
    tcp.emits("P. 1:11(10) ack 1"_seg);
    tcp.gets(". 1:11(10) ack 11"_seg);
    const arrival got = tcp.gets(". 11:21(10) ack 5 win 3"_seg);
    CHECK(got.acked == 0);
    CHECK(got.in_order == 10);
    CHECK(tcp.numbers().snd.una == tcp.in_world().ours + 11);
    CHECK(tcp.numbers().snd.wnd == 65535);  // SEG.ACK < SND.UNA moves no window, although WL1 < SEG.SEQ
}

TEST_CASE("ESTABLISHED: the third duplicate ACK brings the segment once more", "[3.8.2][RFC 5681 3.2][5681-15]") {
    subject tcp = in(established);
    static_cast<void>(tcp.send(4 * 1460));
    tcp.emits(". 1:1461(1460) ack 1"_seg);
    tcp.emits(". 1461:2921(1460) ack 1"_seg);
    tcp.emits(". 2921:4381(1460) ack 1"_seg);
    tcp.emits("P. 4381:5841(1460) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 1"_seg);
    tcp.emits_nothing();
    tcp.gets(". 1:1(0) ack 1"_seg);
    tcp.emits(". 1:1461(1460) ack 1"_seg);
    tcp.emits_nothing();
}

TEST_CASE("ESTABLISHED: the window is taken from a segment that is not older than the last one that moved it",
          "[3.10.7.4]") {
    subject tcp = in(established);
    const auto& snd = tcp.numbers().snd;
    const world w = tcp.in_world();
    static_cast<void>(tcp.send(10));
    tcp.emits("P. 1:11(10) ack 1"_seg);
    tcp.gets(". 1:11(10) ack 1 win 1000"_seg);  // WL1 < SEG.SEQ
    CHECK(snd.wnd == 1000);
    CHECK(snd.wl1 == w.peers + 1);
    CHECK(snd.wl2 == w.ours + 1);
    tcp.gets(". 11:11(0) ack 6 win 2000"_seg);  // WL1 < SEG.SEQ, a newer ACK
    CHECK(snd.wnd == 2000);
    CHECK(snd.wl1 == w.peers + 11);
    CHECK(snd.wl2 == w.ours + 6);
    tcp.gets(". 11:11(0) ack 6 win 2500"_seg);  // WL1 = SEG.SEQ and WL2 = SEG.ACK
    CHECK(snd.wnd == 2500);
    tcp.gets(". 11:11(0) ack 11 win 3000"_seg);  // WL1 = SEG.SEQ and WL2 < SEG.ACK
    CHECK(snd.wnd == 3000);
    CHECK(snd.wl2 == w.ours + 11);
    tcp.gets(". 11:11(0) ack 6 win 4"_seg);  // SEG.ACK < SND.UNA
    CHECK(snd.wnd == 3000);
    tcp.gets(". 1:21(20) ack 11 win 4"_seg);  // SEG.SEQ < WL1
    CHECK(snd.wnd == 3000);
    CHECK(snd.wl1 == w.peers + 11);
}

TEST_CASE("ESTABLISHED: an older segment with a newer ACK moves SND.UNA, and the right edge no further than it says",
          "[3.10.7.4]") {
    subject tcp = in(established);
    static_cast<void>(tcp.send(10));
    tcp.emits("P. 1:11(10) ack 1"_seg);
    tcp.gets(". 1:11(10) ack 1 win 1000"_seg);
    tcp.gets(". 11:11(0) ack 1 win 2000"_seg);
    CHECK(tcp.gets(". 1:21(20) ack 11 win 3"_seg).acked == 10);  // sent again, and later than all before
    CHECK(tcp.numbers().snd.wnd == 3);
    CHECK(tcp.numbers().snd.wl1 == tcp.in_world().peers + 1);
    CHECK(tcp.numbers().snd.una == tcp.in_world().ours + 11);
}

TEST_CASE("ESTABLISHED: the largest window ever offered is remembered", "[3.8.6.2.1][RFC 5961 5.2][UNL-10]") {
    subject tcp = narrow();
    tcp.gets(". 1000:1000(0) ack 5000 win 3000"_seg);
    tcp.gets(". 1000:1000(0) ack 5000 win 10"_seg);
    CHECK(tcp.numbers().snd.wnd == 10);
    CHECK(tcp.numbers().snd.max_wnd == 3000);
}

TEST_CASE("ESTABLISHED: a window that opens lets text go", "[3.10.7.4]") {
    subject tcp = in(established);
    tcp.gets(". 1:1(0) ack 1 win 0"_seg);
    static_cast<void>(tcp.send(10));
    tcp.emits_nothing();
    tcp.gets(". 1:1(0) ack 1 win 1000"_seg);
    tcp.emits("P. 1:11(10) ack 1"_seg);
}

TEST_CASE("ESTABLISHED: a window beyond 32767 is as large as it says", "[3.1][MUST-1]") {
    for (const std::uint16_t window : {std::uint16_t{0x7fff}, std::uint16_t{0x8000}, std::uint16_t{0xffff}}) {
        subject tcp = in(established, subject{{.snd_buff = 200'000}});
        tcp.hears(tcp.from_peer({.seq = seq{1}, .ack = seq{1}, .ctl = ctl::ack, .wnd = window}));
        CHECK(tcp.numbers().snd.wnd == window);
        static_cast<void>(tcp.send(1460));
        tcp.emits("P. 1:1461(1460) ack 1"_seg);
    }
}

TEST_CASE("ESTABLISHED: a window scale without SYN says nothing", "[RFC 7323 2.2][7323-3]") {
    subject tcp = in(listen);
    tcp.gets("S 0:0(0) <mss 1460,wscale 2>"_seg);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 1 win 1000 <wscale 5>"_seg);
    tcp.gets(". 1:1(0) ack 1 win 1000"_seg);
    CHECK(tcp.numbers().snd.wnd == 4000);
}

TEST_CASE("ESTABLISHED: the window is scaled if both have agreed", "[RFC 7323 2.3][7323-6][REC-1]") {
    subject tcp = in(listen);
    tcp.gets("S 0:0(0) win 65535 <mss 1460,wscale 14>"_seg);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 1 win 65535"_seg);
    CHECK(tcp.numbers().snd.wnd == std::uint32_t{65535} << 14U);
    tcp.gets(". 1:1(0) ack 1 win 1"_seg);
    CHECK(tcp.numbers().snd.wnd == 16384);
}

// --- Sixth: the URG bit ---------------------------------------------------------------------------------

TEST_CASE("ESTABLISHED: the urgent pointer stands one beyond the last urgent octet",
          "[3.8.5][MUST-30][MUST-62][6093-1]") {
    subject tcp = narrow();
    tcp.gets("U. 1000:1010(10) ack 5000 urg 5"_seg);
    tcp.tells(tell_urgent);
    tcp.tells_nothing();
    CHECK(tcp.numbers().rcv.up == tcp.in_world().peers + 1005);  // up to and with 1004
    CHECK(tcp.conn().urgent() == 5);
    CHECK(tcp.conn().readable() == 10);
}

TEST_CASE("ESTABLISHED: urgent data may be of any length, and announced before it comes", "[3.8.5][MUST-31][6093-2]") {
    subject tcp = in(established);
    tcp.gets("U. 1:1(0) ack 1 urg 65535"_seg);
    tcp.tells(tell_urgent);
    CHECK(tcp.conn().urgent() == 65535);
    CHECK(tcp.conn().readable() == 0);
    tcp.gets("U. 1001:1011(10) ack 1 urg 65535"_seg);  // beyond a gap, its pointer counts
    tcp.emits(". 1:1(0) ack 1"_seg);
    CHECK(tcp.conn().urgent() == 66535);
}

TEST_CASE("ESTABLISHED: each advance of the urgent pointer is told, the same pointer is not told twice",
          "[3.8.5][MUST-32]") {
    subject tcp = in(established);
    tcp.gets("U. 1:11(10) ack 1 urg 20"_seg);
    tcp.tells(tell_urgent);
    tcp.gets("U. 11:21(10) ack 1 urg 10"_seg);
    tcp.tells_nothing();
    tcp.gets("U. 21:31(10) ack 1 urg 5"_seg);
    tcp.tells(tell_urgent);
    CHECK(tcp.conn().urgent() == 25);
}

TEST_CASE("ESTABLISHED: the urgent pointer does not move back", "[3.10.7.4]") {
    subject tcp = in(established);
    tcp.gets("U. 1:11(10) ack 1 urg 100"_seg);
    tcp.tells(tell_urgent);
    tcp.gets("U. 11:21(10) ack 1 urg 5"_seg);
    tcp.tells_nothing();
    CHECK(tcp.numbers().rcv.up == tcp.in_world().peers + 101);
}

TEST_CASE("ESTABLISHED: the user can learn how much urgent data remains", "[3.8.5][MUST-33]") {
    subject tcp = in(established);
    tcp.gets("U. 1:11(10) ack 1 urg 15"_seg);
    CHECK(tcp.conn().urgent() == 15);
    static_cast<void>(tcp.receive(4));
    CHECK(tcp.conn().urgent() == 11);
    static_cast<void>(tcp.receive(6));
    CHECK(tcp.conn().urgent() == 5);
    tcp.gets(". 11:21(10) ack 1"_seg);
    CHECK(tcp.conn().urgent() == 5);
    static_cast<void>(tcp.receive(10));
    CHECK(tcp.conn().urgent() == 0);
}

TEST_CASE("ESTABLISHED: an urgent pointer into text that was read is no news", "[3.10.7.4]") {
    subject tcp = in(established);
    tcp.gets(". 1:11(10) ack 1"_seg);
    static_cast<void>(tcp.receive(10));
    tcp.gets("U. 1:21(20) ack 1 urg 5"_seg);
    tcp.tells_nothing();
    CHECK(tcp.conn().urgent() == 0);
    tcp.gets("U. 1:31(30) ack 1 urg 15"_seg);  // counted from SEG.SEQ, not from what is left of the text
    tcp.tells(tell_urgent);
    CHECK(tcp.conn().urgent() == 5);
}

TEST_CASE("ESTABLISHED: the urgent pointer says nothing without URG", "[3.1][LC-02]") {
    subject tcp = in(established);
    segment seg = tcp.from_peer("P. 1:11(10) ack 1"_seg.seg);
    seg.up = 5;
    tcp.hears(seg);
    tcp.tells_nothing();
    CHECK(tcp.conn().urgent() == 0);
}

// --- Seventh: the text ----------------------------------------------------------------------------------

TEST_CASE("ESTABLISHED: text in order is delivered, and its ACK may wait", "[3.10.7.4][3.8.6.3][SHLD-18][MUST-40]") {
    subject tcp = in(established, subject{parameters{.rcv_buff = 4000}});
    const arrival got = tcp.gets(". 1:101(100) ack 1"_seg);
    CHECK(got.skip == 0);
    CHECK(got.text == 100);
    CHECK(got.at == 0);
    CHECK(got.in_order == 100);
    CHECK_FALSE(got.push);
    CHECK(tcp.conn().readable() == 100);
    CHECK(tcp.numbers().rcv.nxt == tcp.in_world().peers + 101);
    tcp.emits_nothing();
    tcp.wakes_in(policies::delayed_ack);
    static_assert(policies::delayed_ack < 500ms);
    tcp.advance(policies::delayed_ack);
    tcp.emits(". 1:1(0) ack 101 win 3900"_seg);  // RCV.NXT + RCV.WND stays
    tcp.never_wakes();
}

TEST_CASE("ESTABLISHED: every second full-sized segment is acknowledged at once", "[3.8.6.3][SHLD-19]") {
    subject tcp = in(established);
    for (unsigned i = 0; i < 3; ++i) {
        segment seg = tcp.from_peer(". 1:1461(1460) ack 1"_seg.seg);
        seg.seq += i * 2920;
        tcp.hears(seg);
        tcp.emits_nothing();
        seg.seq += 1460;
        tcp.hears(seg);
        const auto ack = tcp.polls();
        REQUIRE(ack);
        CHECK(ack->segment.ack == seg.seq + 1460);
        tcp.emits_nothing();
    }
}

TEST_CASE("ESTABLISHED: one ACK answers all segments that came together", "[3.10.7.4][MUST-58]") {
    subject tcp = in(established);
    tcp.gets(". 1:1461(1460) ack 1"_seg);
    for (const script& more :
         {". 1461:2921(1460) ack 1"_seg, ". 2921:4381(1460) ack 1"_seg, ". 4381:5841(1460) ack 1"_seg}) {
        tcp.gets(more);
        tcp.leaves_unpolled();
    }
    tcp.gets("P. 5841:5851(10) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 5851"_seg);
    tcp.emits_nothing();
    tcp.never_wakes();
}

TEST_CASE("ESTABLISHED: text of ours carries the ACK, and so does all that follows", "[3.10.7.4][3.8][LC-04]") {
    subject tcp = in(established);
    tcp.gets(". 1:101(100) ack 1"_seg);
    static_cast<void>(tcp.send(10));
    tcp.emits("P. 1:11(10) ack 101"_seg);
    tcp.emits_nothing();
    tcp.gets(". 101:201(100) ack 1"_seg);
    tcp.advance(policies::delayed_ack);
    tcp.emits(". 11:11(0) ack 201"_seg);
    tcp.gets(". 201:301(100) ack 1"_seg);
    static_cast<void>(tcp.close());
    tcp.emits("F. 11:11(0) ack 301"_seg);
    tcp.gets(". 301:401(100) ack 1"_seg);
    tcp.advance(policies::delayed_ack);
    tcp.emits(". 12:12(0) ack 401"_seg);
    tcp.gets(". 401:501(100) ack 1"_seg);
    tcp.advance(tcp.conn().poll_timeout() - tcp.now());
    tcp.emits(". 12:12(0) ack 501"_seg);
    tcp.advance(tcp.conn().poll_timeout() - tcp.now() - 10ms);
    tcp.gets(". 501:601(100) ack 1"_seg);
    tcp.advance(10ms);
    tcp.emits("FP. 1:11(10) ack 601"_seg);  // what goes again acknowledges what has come since
}

TEST_CASE("ESTABLISHED: PSH is passed up", "[3.9.1.3][MAY-17]") {
    subject tcp = in(established);
    CHECK(tcp.gets("P. 1:11(10) ack 1"_seg).push);
    CHECK_FALSE(tcp.gets(". 11:21(10) ack 1"_seg).push);
}

TEST_CASE("ESTABLISHED: text beyond a gap is kept and answered at once",
          "[3.10.7.4][SHLD-31][MAY-13][RFC 5681 4.2][2018-2][5681-13]") {
    subject tcp = in(established);
    const arrival got = tcp.gets("P. 11:21(10) ack 1"_seg);
    CHECK(got.text == 10);
    CHECK(got.at == 10);
    CHECK(got.in_order == 0);
    tcp.emits(". 1:1(0) ack 1 <>"_seg);
    tcp.emits_nothing();
    CHECK(tcp.conn().readable() == 0);
}

TEST_CASE("ESTABLISHED: a gap that is filled brings one ACK of all, at once", "[3.10.7.4][MUST-59][5681-14]") {
    subject tcp = in(established);
    tcp.gets(". 11:21(10) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    tcp.gets(". 31:41(10) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    const arrival first = tcp.gets(". 1:11(10) ack 1"_seg);
    CHECK(first.text == 10);
    CHECK(first.in_order == 20);
    tcp.emits(". 1:1(0) ack 21"_seg);
    tcp.emits_nothing();
    const arrival last = tcp.gets(". 21:31(10) ack 1"_seg);
    CHECK(last.in_order == 20);
    tcp.emits(". 1:1(0) ack 41"_seg);
    tcp.emits_nothing();
    tcp.never_wakes();
    CHECK(tcp.conn().readable() == 40);
}

TEST_CASE("ESTABLISHED: text that overlaps what waits beyond the gap is joined with it", "[3.10.7.4][SHLD-31]") {
    SECTION("it covers all") {
        subject tcp = in(established);
        tcp.gets(". 11:21(10) ack 1"_seg);
        tcp.emits(". 1:1(0) ack 1"_seg);
        CHECK(tcp.gets(". 1:31(30) ack 1"_seg).in_order == 30);
        tcp.emits(". 1:1(0) ack 31"_seg);
    }
    SECTION("it reaches into it") {
        subject tcp = in(established);
        tcp.gets(". 11:21(10) ack 1"_seg);
        tcp.emits(". 1:1(0) ack 1"_seg);
        CHECK(tcp.gets(". 1:15(14) ack 1"_seg).in_order == 20);
        tcp.emits(". 1:1(0) ack 21"_seg);
    }
}

TEST_CASE("ESTABLISHED: text beyond one gap more than can be remembered is not taken, but answered",
          "[3.10.7.4][SHLD-31][2018-9]") {
    auto tcp = in(established, basic_subject<two_ranges>{});
    tcp.gets(". 11:21(10) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    tcp.gets(". 31:41(10) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    CHECK(tcp.gets(". 51:61(10) ack 1"_seg).text == 0);
    CHECK(tcp.judged() == event::rcv_text_no_range);
    tcp.emits(". 1:1(0) ack 1"_seg);
    CHECK(tcp.gets(". 41:51(10) ack 1"_seg).text == 10);  // it widens a range
    tcp.emits(". 1:1(0) ack 1"_seg);
    CHECK(tcp.gets(". 1:11(10) ack 1"_seg).in_order == 20);  // text in order is always taken
    tcp.emits(". 1:1(0) ack 21"_seg);
    CHECK(tcp.gets(". 21:31(10) ack 1"_seg).in_order == 30);
    tcp.emits(". 1:1(0) ack 51"_seg);
}

TEST_CASE("ESTABLISHED: text in order is taken even if no range more can be remembered", "[3.10.7.4]") {
    auto tcp = in(established, basic_subject<two_ranges>{});
    tcp.gets(". 21:31(10) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    tcp.gets(". 41:51(10) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    CHECK(tcp.gets(". 1:11(10) ack 1"_seg).in_order == 10);
    tcp.emits(". 1:1(0) ack 11"_seg);
    CHECK(tcp.gets(". 11:41(30) ack 1"_seg).in_order == 40);
    tcp.emits(". 1:1(0) ack 51"_seg);
}

TEST_CASE("ESTABLISHED: the first segment of eight is lost, and the SACK block grows", "[RFC 2018 7][2018-5]") {
    subject tcp = sacking();
    tcp.gets(". 5500:6000(500) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 5000 <sack 5500:6000>"_seg);
    tcp.gets(". 6000:6500(500) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 5000 <sack 5500:6500>"_seg);
    tcp.gets(". 6500:7000(500) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 5000 <sack 5500:7000>"_seg);
    tcp.gets(". 7000:7500(500) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 5000 <sack 5500:7500>"_seg);
    tcp.gets(". 7500:8000(500) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 5000 <sack 5500:8000>"_seg);
    tcp.gets(". 8000:8500(500) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 5000 <sack 5500:8500>"_seg);
    tcp.gets(". 8500:9000(500) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 5000 <sack 5500:9000>"_seg);
    CHECK(tcp.gets(". 5000:5500(500) ack 1"_seg).in_order == 4000);
    tcp.emits(". 1:1(0) ack 9000 <>"_seg);
}

TEST_CASE("ESTABLISHED: every second segment is lost, and the newest SACK block comes first",
          "[RFC 2018 4][RFC 2018 7][2018-6][2018-7]") {
    subject tcp = sacking();
    tcp.gets(". 5000:5500(500) ack 1"_seg);
    tcp.advance(policies::delayed_ack);
    tcp.emits(". 1:1(0) ack 5500 <>"_seg);
    tcp.gets(". 6000:6500(500) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 5500 <sack 6000:6500>"_seg);
    tcp.gets(". 7000:7500(500) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 5500 <sack 7000:7500 6000:6500>"_seg);
    tcp.gets(". 8000:8500(500) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 5500 <sack 8000:8500 7000:7500 6000:6500>"_seg);
    tcp.gets(". 6500:7000(500) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 5500 <sack 6000:7500 8000:8500>"_seg);
    tcp.gets(". 5500:6000(500) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 7500 <sack 8000:8500>"_seg);
}

TEST_CASE("ESTABLISHED: text that comes twice beyond a gap leads the SACK blocks", "[RFC 2018 4][2018-6]") {
    subject tcp = sacking();
    tcp.gets(". 6000:6500(500) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 5000 <sack 6000:6500>"_seg);
    tcp.gets(". 7000:7500(500) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 5000 <sack 7000:7500 6000:6500>"_seg);
    tcp.gets(". 6000:6500(500) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 5000 <sack 6000:6500 6000:6500 7000:7500>"_seg);  // as a duplicate, then as what waits
}

TEST_CASE("ESTABLISHED: four SACK blocks fit, three beside timestamps", "[RFC 2018 3][2018-7]") {
    SECTION("four") {
        subject tcp = sacking();
        for (const script& s : {". 5010:5020(10) ack 1"_seg, ". 5030:5040(10) ack 1"_seg, ". 5050:5060(10) ack 1"_seg,
                                ". 5070:5080(10) ack 1"_seg}) {
            tcp.gets(s);
            static_cast<void>(tcp.polls());
        }
        tcp.gets(". 5090:5100(10) ack 1"_seg);
        tcp.emits(". 1:1(0) ack 5000 <sack 5090:5100 5070:5080 5050:5060 5030:5040>"_seg);
    }
    SECTION("three") {
        subject tcp = in(listen);
        tcp.gets("S 0:0(0) <mss 1460,sackOK,TS val 1000 ecr 0>"_seg);
        tcp.emits("S. 0:0(0) ack 1"_seg);
        for (const script& s :
             {". 11:21(10) ack 1 <TS val 1000 ecr 1000>"_seg, ". 31:41(10) ack 1 <TS val 1000 ecr 1000>"_seg,
              ". 51:61(10) ack 1 <TS val 1000 ecr 1000>"_seg}) {
            tcp.gets(s);
            static_cast<void>(tcp.polls());
        }
        tcp.gets(". 71:81(10) ack 1 <TS val 1000 ecr 1000>"_seg);
        tcp.emits(". 1:1(0) ack 1 <TS val 1000 ecr 1000,sack 71:81 51:61 31:41>"_seg);
    }
}

TEST_CASE("ESTABLISHED: as long as there is a gap, all that goes carries SACK blocks", "[RFC 2018 4][2018-3]") {
    subject tcp = sacking();
    tcp.gets(". 5500:6000(500) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 5000 <sack 5500:6000>"_seg);
    static_cast<void>(tcp.send(10));
    tcp.emits("P. 1:11(10) ack 5000 <sack 5500:6000>"_seg);
    tcp.advance(200'002us);  // a probe of the tail
    tcp.emits("P. 1:11(10) ack 5000 <sack 5500:6000>"_seg);
    static_cast<void>(tcp.close());
    tcp.emits("F. 11:11(0) ack 5000 <sack 5500:6000>"_seg);
    tcp.gets(". 5000:5000(0) ack 12"_seg);
    tcp.does("keep-alive", [](auto& c, time_point) { c.set_keep_alive(2h); });
    tcp.advance(2h);
    tcp.emits(". 11:11(0) ack 5000 <sack 5500:6000>"_seg);
    tcp.gets(". 5000:5500(500) ack 12"_seg);
    tcp.emits(". 12:12(0) ack 6000 <>"_seg);
}

TEST_CASE("ESTABLISHED: text that SACK blocks tell of stays in the send buffer, and goes again if they are taken back",
          "[RFC 2018 8][2018-8]") {
    subject tcp = sacking();
    static_cast<void>(tcp.send(2920));
    tcp.emits(". 1:1461(1460) ack 5000"_seg);
    tcp.emits("P. 1461:2921(1460) ack 5000"_seg);
    const auto room = tcp.conn().writable();
    CHECK(tcp.gets(". 5000:5000(0) ack 1 <sack 1461:2921>"_seg).acked == 0);
    CHECK(tcp.conn().writable() == room);
    tcp.advance(1us);  // that was the round trip
    tcp.emits(". 1:1461(1460) ack 5000"_seg);
    CHECK(tcp.gets(". 5000:5000(0) ack 1461"_seg).acked == 1460);  // and tells of the rest no more
    tcp.emits("P. 1461:2921(1460) ack 5000"_seg);
}

TEST_CASE("ESTABLISHED: SACK blocks go with text of ours, too", "[RFC 2018 4][2018-4]") {
    subject tcp = sacking();
    tcp.gets(". 5500:6000(500) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 5000 <sack 5500:6000>"_seg);
    static_cast<void>(tcp.send(10));
    tcp.emits("P. 1:11(10) ack 5000 <sack 5500:6000>"_seg);
}

// --- Eighth: the FIN bit --------------------------------------------------------------------------------

TEST_CASE("ESTABLISHED: a FIN in order is acknowledged at once, the user is told, and CLOSE-WAIT is entered",
          "[3.10.7.4][figure 12][MUST-12]") {
    subject tcp = in(established);
    tcp.gets("F. 1:1(0) ack 1"_seg);
    CHECK(tcp.passes(route{established, close_wait}));
    tcp.emits(". 1:1(0) ack 2"_seg);
    tcp.emits_nothing();
    tcp.tells(tell_closing);
    tcp.tells_nothing();
    CHECK(tcp.numbers().rcv.nxt == tcp.in_world().peers + 2);
}

TEST_CASE("ESTABLISHED: a FIN behind text comes after the text", "[3.10.7.4]") {
    subject tcp = in(established);
    const arrival got = tcp.gets("FP. 1:11(10) ack 1"_seg);
    CHECK(got.in_order == 10);
    CHECK(got.push);
    CHECK(tcp.passes(route{established, close_wait}));
    tcp.emits(". 1:1(0) ack 12"_seg);
    tcp.tells(tell_closing);
    CHECK(tcp.conn().readable() == 10);
}

TEST_CASE("ESTABLISHED: a FIN beyond a gap waits until the gap is filled, and one ACK answers all",
          "[3.10.7.4][SHLD-31][MUST-59]") {
    SECTION("behind text") {
        subject tcp = in(established);
        tcp.gets("F. 11:21(10) ack 1"_seg);
        tcp.emits(". 1:1(0) ack 1"_seg);
        tcp.tells_nothing();
        CHECK(tcp.passes(route{established}));
        CHECK(tcp.gets(". 1:11(10) ack 1"_seg).in_order == 20);
        CHECK(tcp.passes(route{established, close_wait}));
        tcp.emits(". 1:1(0) ack 22"_seg);
        tcp.emits_nothing();
        tcp.tells(tell_closing);
    }
    SECTION("alone") {
        subject tcp = in(established);
        tcp.gets("F. 11:11(0) ack 1"_seg);
        tcp.emits(". 1:1(0) ack 1"_seg);
        CHECK(tcp.passes(route{established}));
        CHECK(tcp.gets(". 1:11(10) ack 1"_seg).in_order == 10);
        CHECK(tcp.passes(route{established, close_wait}));
        tcp.emits(". 1:1(0) ack 12"_seg);
        tcp.emits_nothing();
    }
}

TEST_CASE("ESTABLISHED: one segment acknowledges, moves the window, is urgent, has text and the FIN", "[3.10.7.4]") {
    subject tcp = in(established);
    static_cast<void>(tcp.send(10));
    tcp.emits("P. 1:11(10) ack 1"_seg);
    const arrival got = tcp.gets("FPU. 1:11(10) ack 11 win 500 urg 3"_seg);
    CHECK(got.acked == 10);
    CHECK(got.in_order == 10);
    CHECK(tcp.numbers().snd.wnd == 500);
    CHECK(tcp.passes(route{established, close_wait}));
    tcp.emits(". 11:11(0) ack 12"_seg);
    tcp.emits_nothing();
    tcp.tells(tell_urgent);
    tcp.tells(tell_closing);
    CHECK(tcp.conn().urgent() == 3);
}

TEST_CASE("ESTABLISHED: the FIN does not count as urgent data that was read", "[3.8.5][MUST-33]") {
    subject tcp = in(established);
    tcp.gets("FU. 1:11(10) ack 1 urg 10"_seg);
    tcp.emits(". 1:1(0) ack 12"_seg);
    CHECK(tcp.conn().urgent() == 10);
    static_cast<void>(tcp.receive(4));
    CHECK(tcp.conn().urgent() == 6);
    static_cast<void>(tcp.receive(6));
    CHECK(tcp.conn().urgent() == 0);
}

}  // namespace
