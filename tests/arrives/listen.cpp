// SPDX-License-Identifier: MIT
// listen.cpp: SEGMENT ARRIVES in LISTEN (RFC 9293 section 3.10.7.2).

#include <support/catch.hpp>
#include <support/states.hpp>
#include <support/subject.hpp>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using enum tcpfsm::state;
using enum tcpfsm::signal;

struct plain : policies {
    static constexpr bool timestamps = false;
    static constexpr bool window_scale = false;
    static constexpr bool sack = false;
};

TEST_CASE("LISTEN: a reset is ignored", "[3.10.7.2]") {
    subject tcp = in(listen);
    tcp.drops("R 0:0(0)"_seg, event::rcv_rst);
    tcp.drops("R. 0:0(0) ack 1"_seg, event::rcv_rst);
    tcp.drops("SR 0:0(0)"_seg, event::rcv_rst);
    tcp.tells_nothing();
    CHECK(tcp.passes(route{listen}));
}

TEST_CASE("LISTEN: an ACK is answered with a reset at its number, whatever else the segment carries",
          "[3.10.7.2][3.5.2]") {
    subject tcp = in(listen);
    tcp.gets(". 10:10(0) ack 55"_seg);
    tcp.emits("R 55:55(0)"_seg);
    tcp.gets("S. 10:10(0) ack 1"_seg);
    tcp.emits("R 1:1(0)"_seg);
    tcp.gets("FP. 10:20(10) ack 0"_seg);
    tcp.emits("R 0:0(0)"_seg);
    tcp.tells_nothing();
    CHECK(tcp.passes(route{listen}));
}

TEST_CASE("LISTEN: an old SYN of ours comes back as a SYN,ACK, and is reset", "[3.5.1][figure 11]") {
    subject tcp = in(listen);
    tcp.gets("S. 300:300(0) ack 91"_seg);
    tcp.emits("R 91:91(0)"_seg);
    CHECK(tcp.passes(route{listen}));
}

TEST_CASE("LISTEN: a SYN sets IRS, RCV.NXT, the ISS and the SND variables, and is answered with SYN,ACK",
          "[3.10.7.2][figure 6]") {
    subject tcp = in(listen, subject{parameters{.iss = seq{300}}});
    tcp.gets("S 100:100(0) win 4000 <mss 1460>"_seg);
    CHECK(tcp.passes(route{listen, syn_received}));
    tcp.emits("S. 300:300(0) ack 101 win 65535 <mss 1460>"_seg);
    tcp.tells_nothing();
    const auto& n = tcp.numbers();
    const seq ours = tcp.in_world().ours;
    const seq peers = tcp.in_world().peers;
    CHECK(n.rcv.irs == peers + 100);
    CHECK(n.rcv.nxt == peers + 101);
    CHECK(n.snd.iss == ours + 300);
    CHECK(n.snd.una == ours + 300);
    CHECK(n.snd.nxt == ours + 301);
    CHECK(n.snd.wnd == 4000);
}

TEST_CASE("LISTEN: SYN-RECEIVED remembers that it came from a passive OPEN", "[3.10.7.2][MUST-11]") {
    subject tcp = in(listen);
    tcp.gets("S 0:0(0) <mss 1460>"_seg);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    CHECK(tcp.numbers().came_from == listen);
}

TEST_CASE("LISTEN: a segment with none of RST, ACK and SYN is dropped", "[3.10.7.2]") {
    subject tcp = in(listen);
    tcp.drops("- 0:0(0)"_seg, event::rcv_stray);
    tcp.drops("P 5:15(10)"_seg, event::rcv_stray);
    tcp.drops("U 5:15(10) urg 3"_seg, event::rcv_stray);
    tcp.tells_nothing();
    CHECK(tcp.passes(route{listen}));
}

TEST_CASE("LISTEN: a FIN is not processed", "[3.10.7.4]") {
    subject tcp = in(listen);
    tcp.drops("F 5:5(0)"_seg, event::rcv_stray);
    tcp.tells_nothing();
    CHECK(tcp.passes(route{listen}));
}

TEST_CASE("LISTEN: text on the SYN is kept, and neither acknowledged nor delivered before the handshake is complete",
          "[3.10.7.2][3.5][LC-09]") {
    subject tcp = in(listen);
    const arrival syn = tcp.gets("S 0:10(10) <mss 1460>"_seg);
    CHECK(syn.text == 10);
    CHECK(syn.at == 0);
    CHECK(syn.in_order == 0);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    CHECK(tcp.conn().readable() == 0);

    const arrival third = tcp.gets(". 11:11(0) ack 1"_seg);
    CHECK(third.text == 0);
    CHECK(third.in_order == 10);
    CHECK(tcp.passes(route{listen, syn_received, established}));
    CHECK(tcp.conn().readable() == 10);
    tcp.emits(". 1:1(0) ack 11"_seg);
}

TEST_CASE("LISTEN: text on the SYN that is sent again after the handshake is not taken twice", "[3.10.7.2][3.10.7.4]") {
    subject tcp = in(listen);
    tcp.gets("S 0:10(10) <mss 1460>"_seg);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    const arrival third = tcp.gets(". 1:16(15) ack 1"_seg);
    CHECK(third.in_order == 15);
    CHECK(third.at == 0);
    CHECK(third.skip == 0);
    CHECK(tcp.conn().readable() == 15);
}

TEST_CASE("LISTEN: a FIN on the SYN is processed when the handshake is complete", "[3.10.7.2][3.10.7.4]") {
    subject tcp = in(listen);
    tcp.gets("SF 0:10(10) <mss 1460>"_seg);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    tcp.tells_nothing();
    tcp.gets(". 12:12(0) ack 1"_seg);
    CHECK(tcp.passes(route{listen, syn_received, established, close_wait}));
    tcp.emits(". 1:1(0) ack 12"_seg);
    tcp.tells(tell_open);
    tcp.tells(tell_closing);
    CHECK(tcp.conn().readable() == 10);
}

TEST_CASE("LISTEN: text on the SYN is cut at the right edge of the window, and its FIN with it", "[3.10.7.2]") {
    subject tcp = in(listen, subject{parameters{.rcv_buff = 20}});
    const arrival syn = tcp.gets("SF 0:30(30) <mss 1460>"_seg);
    CHECK(syn.text == 20);
    tcp.emits("S. 0:0(0) ack 1 win 20"_seg);
    tcp.gets(". 1:1(0) ack 1"_seg);
    CHECK(tcp.passes(route{listen, syn_received, established}));
    CHECK(tcp.conn().readable() == 20);
    tcp.emits(". 1:1(0) ack 21 win 0"_seg);
}

TEST_CASE("LISTEN: options that the SYN offers are accepted on the SYN,ACK and from then on in use",
          "[3.7.1][MUST-14][RFC 7323 2.2][RFC 7323 3.2][RFC 2018 2][7323-5][7323-10]") {
    subject tcp = in(listen);
    tcp.gets("S 0:0(0) win 1000 <mss 1400,sackOK,TS val 1000 ecr 0,wscale 7>"_seg);
    tcp.emits("S. 0:0(0) ack 1 win 65535 <mss 1460,sackOK,TS val 1000 ecr 1000,wscale 0>"_seg);
    const auto& n = tcp.numbers();
    CHECK(n.snd.mss == 1400);
    CHECK(n.sack_ok);
    CHECK(n.ts.on);
    CHECK(n.scale_ok);
    CHECK(n.snd.shift == 7);
    CHECK(n.snd.wnd == 1000);  // the window of a SYN is never scaled
    tcp.gets(". 1:1(0) ack 1 win 1000 <TS val 1001 ecr 1000>"_seg);
    CHECK(n.snd.wnd == 128000);
    CHECK(n.snd.max_wnd == 128000);
}

TEST_CASE("LISTEN: options that the SYN does not offer are not on the SYN,ACK",
          "[RFC 7323 2.2][RFC 2018 2][7323-2][7323-9]") {
    SECTION("none") {
        subject tcp = in(listen);
        tcp.gets("S 0:0(0)"_seg);
        tcp.emits("S. 0:0(0) ack 1 <mss 1460>"_seg);
    }
    SECTION("window scale alone") {
        subject tcp = in(listen);
        tcp.gets("S 0:0(0) <mss 1460,wscale 2>"_seg);
        tcp.emits("S. 0:0(0) ack 1 <mss 1460,wscale 0>"_seg);
        CHECK(!tcp.numbers().ts.on);
        CHECK(!tcp.numbers().sack_ok);
    }
    SECTION("SACK alone") {
        subject tcp = in(listen);
        tcp.gets("S 0:0(0) <mss 1460,sackOK>"_seg);
        tcp.emits("S. 0:0(0) ack 1 <mss 1460,sackOK>"_seg);
        CHECK(!tcp.numbers().scale_ok);
    }
    SECTION("timestamps alone") {
        subject tcp = in(listen);
        tcp.gets("S 0:0(0) <mss 1460,TS val 77 ecr 0>"_seg);
        tcp.emits("S. 0:0(0) ack 1 <mss 1460,TS val 1000 ecr 77>"_seg);
    }
}

TEST_CASE("LISTEN: options that we do not want are not accepted", "[RFC 7323 2.2][RFC 2018 2]") {
    auto tcp = in(listen, basic_subject<plain>{});
    tcp.gets("S 0:0(0) win 1000 <mss 1460,sackOK,TS val 1000 ecr 0,wscale 7>"_seg);
    tcp.emits("S. 0:0(0) ack 1 <mss 1460>"_seg);
    tcp.gets(". 1:1(0) ack 1 win 1000"_seg);
    CHECK(tcp.passes(route{listen, syn_received, established}));
    CHECK(tcp.numbers().snd.wnd == 1000);
}

TEST_CASE("LISTEN: a window scale beyond 14 counts as 14", "[RFC 7323 2.3][7323-6]") {
    subject tcp = in(listen);
    tcp.gets("S 0:0(0) <mss 1460,wscale 15>"_seg);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    CHECK(tcp.numbers().snd.shift == 14);
    tcp.gets(". 1:1(0) ack 1 win 3"_seg);
    CHECK(tcp.numbers().snd.wnd == 3U << 14U);
}

TEST_CASE("LISTEN: a large buffer is offered with a scale, but not on the SYN,ACK itself", "[RFC 7323 2.2][REC-1]") {
    SECTION("the peer can scale") {
        subject tcp = in(listen, subject{parameters{.rcv_buff = 1'000'000}});
        tcp.gets("S 0:0(0) <mss 1460,wscale 0>"_seg);
        tcp.emits("S. 0:0(0) ack 1 win 65535 <mss 1460,wscale 4>"_seg);
        CHECK(tcp.numbers().rcv.wnd() == 65535);
        tcp.gets(". 1:11(10) ack 1"_seg);
        tcp.advance(policies::delayed_ack);
        tcp.emits(". 1:1(0) ack 11 win 62499"_seg);  // 999,990 / 16, not rounded up: the buffer does not hold more
        CHECK(tcp.numbers().rcv.wnd() == 62499 * 16);
    }
    SECTION("the peer cannot") {
        subject tcp = in(listen, subject{parameters{.rcv_buff = 1'000'000}});
        tcp.gets("S 0:0(0) <mss 1460>"_seg);
        tcp.emits("S. 0:0(0) ack 1 win 65535 <mss 1460>"_seg);
        tcp.gets(". 1:11(10) ack 1"_seg);
        tcp.advance(policies::delayed_ack);
        tcp.emits(". 1:1(0) ack 11 win 65525"_seg);
        CHECK(tcp.numbers().rcv.wnd() == 65525);
    }
}

TEST_CASE("LISTEN: a SYN without an MSS stands for the default of its IP version", "[3.7.1][MUST-15]") {
    SECTION("IPv4") {
        subject tcp = in(listen);
        tcp.gets("S 0:0(0)"_seg);
        tcp.emits("S. 0:0(0) ack 1 <mss 1460>"_seg);
        CHECK(tcp.numbers().snd.mss == 536);
    }
    SECTION("IPv6") {
        subject tcp = in(listen, subject{parameters{.mss = 1440, .default_mss = 1220}});
        tcp.gets("S 0:0(0)"_seg);
        tcp.emits("S. 0:0(0) ack 1 <mss 1440>"_seg);
        CHECK(tcp.numbers().snd.mss == 1220);
    }
}

TEST_CASE("LISTEN: the peer's MSS bounds ours from above, and a silly one is not believed", "[3.7.1][MUST-16]") {
    SECTION("smaller") {
        subject tcp = in(listen);
        tcp.gets("S 0:0(0) <mss 1000>"_seg);
        tcp.emits("S. 0:0(0) ack 1"_seg);
        CHECK(tcp.numbers().snd.mss == 1000);
    }
    SECTION("larger than what we can send") {
        subject tcp = in(listen);
        tcp.gets("S 0:0(0) <mss 9000>"_seg);
        tcp.emits("S. 0:0(0) ack 1"_seg);
        CHECK(tcp.numbers().snd.mss == 1460);
    }
    SECTION("silly") {
        subject tcp = in(listen);
        tcp.gets("S 0:0(0) <mss 1>"_seg);
        tcp.emits("S. 0:0(0) ack 1"_seg);
        CHECK(tcp.numbers().snd.mss == policies::mss_floor);
    }
    SECTION("none at all") {
        subject tcp = in(listen);
        tcp.gets("S 0:0(0) <mss 0>"_seg);
        tcp.emits("S. 0:0(0) ack 1"_seg);
        CHECK(tcp.numbers().snd.mss == policies::mss_floor);
    }
}

TEST_CASE("LISTEN: a copy of the listener takes the SYN, and the listener stays", "[3.9.1.1]") {
    subject listener = in(listen);
    subject child = listener;
    child.gets("S 0:0(0) <mss 1460>"_seg);
    child.emits("S. 0:0(0) ack 1"_seg);
    listener.emits_nothing();
    CHECK(listener.passes(route{listen}));
    listener.gets("S 500:500(0) <mss 1460>"_seg);
    listener.emits("S. 0:0(0) ack 501"_seg);
    child.gets(". 1:1(0) ack 1"_seg);
    child.is(established);
    listener.is(syn_received);
}

TEST_CASE("LISTEN: a copy of the listener can be given an ISS of its own", "[3.4.1]") {
    subject tcp = in(listen);
    const seq iss = tcp.in_world().ours + 7000;
    tcp.does("a new ISS", [&](auto& c, time_point) { c.renew_iss(iss, tcp.numbers().ts.offset); });
    tcp.gets("S 0:0(0) <mss 1460>"_seg);
    tcp.emits("S. 7000:7000(0) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 7001"_seg);
    tcp.is(established);
}

TEST_CASE("LISTEN: a SYN for a passive OPEN with an unknown remote socket makes the connection, too", "[3.10.7.2]") {
    subject tcp = in(listen, subject{parameters{.remote_specified = false}});
    tcp.gets("S 0:0(0) <mss 1460>"_seg);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 1"_seg);
    CHECK(tcp.passes(route{listen, syn_received, established}));
}

TEST_CASE("LISTEN: waits for ever", "[3.10.7.2]") { CHECK(in(listen).never_wakes()); }

}  // namespace
