// SPDX-License-Identifier: MIT
// syn_sent.cpp: SEGMENT ARRIVES in SYN-SENT (RFC 9293 section 3.10.7.3).

#include <support/catch.hpp>
#include <support/states.hpp>
#include <support/subject.hpp>

#include <cstdint>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using enum tcpfsm::state;
using enum tcpfsm::signal;

struct text_with_syn : policies {
    static constexpr bool text_on_syn = true;
};
struct plain : policies {
    static constexpr bool timestamps = false;
    static constexpr bool window_scale = false;
    static constexpr bool sack = false;
};

/// Our SYN has this number.
subject calling(std::uint32_t iss) {
    subject tcp{parameters{.iss = seq{iss}}};
    static_cast<void>(tcp.open_active());
    static_cast<void>(tcp.polls());
    tcp.is(syn_sent);
    static_cast<void>(tcp.path());
    return tcp;
}

TEST_CASE("SYN-SENT: our SYN offers everything that we know", "[3.7.1][MUST-14][SHLD-5]") {
    SECTION("with the defaults") {
        subject tcp;
        static_cast<void>(tcp.open_active());
        tcp.emits("S 0:0(0) win 65535 <mss 1460,sackOK,TS val 1000 ecr 0,wscale 0>"_seg);
        CHECK(tcp.numbers().snd.una == tcp.numbers().snd.iss);
        CHECK(tcp.numbers().snd.nxt == tcp.numbers().snd.iss + 1);
    }
    SECTION("as little as possible") {
        basic_subject<plain> tcp;
        static_cast<void>(tcp.open_active());
        tcp.emits("S 0:0(0) win 65535 <mss 1460>"_seg);
    }
}

TEST_CASE("SYN-SENT: an ACK of ISS, of less, or of what was never sent is answered with a reset at its number",
          "[3.10.7.3][3.5.2]") {
    subject tcp = in(syn_sent);
    tcp.gets(". 50:50(0) ack 0"_seg);
    tcp.emits("R 0:0(0)"_seg);
    tcp.gets(". 50:50(0) ack 2"_seg);
    tcp.emits("R 2:2(0)"_seg);
    tcp.gets(". 50:50(0) ack -1"_seg);
    tcp.emits("R -1:-1(0)"_seg);
    tcp.gets("S. 50:50(0) ack 0"_seg);
    tcp.emits("R 0:0(0)"_seg);
    tcp.gets("SF. 50:60(10) ack 2"_seg);
    tcp.emits("R 2:2(0)"_seg);
    tcp.tells_nothing();
    CHECK(tcp.passes(route{syn_sent}));
    CHECK(tcp.numbers().snd.una == tcp.in_world().ours);
}

TEST_CASE("SYN-SENT: nothing can acknowledge a SYN that has not left yet", "[3.10.7.3]") {
    subject tcp;
    static_cast<void>(tcp.open_active());
    tcp.leaves_unpolled();
    tcp.gets("S. 50:50(0) ack 1"_seg);
    tcp.emits("R 1:1(0)"_seg);
    tcp.leaves_unpolled();
    tcp.gets("R. 50:50(0) ack 1"_seg);
    CHECK(tcp.judged() == event::rcv_rst_invalid);
    tcp.emits("S 0:0(0)"_seg);
    tcp.gets("S. 50:50(0) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 51"_seg);
    CHECK(tcp.passes(route{closed, syn_sent, established}));
}

TEST_CASE("SYN-SENT: a reset with an unacceptable ACK is dropped", "[3.10.7.3][UNL-03][5961-2]") {
    subject tcp = in(syn_sent);
    tcp.drops("R. 0:0(0) ack 0"_seg, event::rcv_rst_invalid);
    tcp.drops("R. 0:0(0) ack 2"_seg, event::rcv_rst_invalid);
    tcp.drops("SR. 0:0(0) ack 2"_seg, event::rcv_rst_invalid);
    tcp.tells_nothing();
    CHECK(tcp.passes(route{syn_sent}));
}

TEST_CASE("SYN-SENT: a reset that acknowledges our SYN refuses the connection, wherever it stands",
          "[3.10.7.3][UNL-03][5961-2]") {
    SECTION("at 0, as an answer to a SYN is") {
        subject tcp = in(syn_sent);
        tcp.gets("R. 0:0(0) ack 1"_seg);
        tcp.emits_nothing();
        CHECK(tcp.passes(route{syn_sent, closed}));
        tcp.tells(tell_reset);
        tcp.tells_nothing();
        tcp.never_wakes();
    }
    SECTION("at another number") {
        subject tcp = in(syn_sent);
        tcp.gets("R. 123456:123456(0) ack 1"_seg);
        tcp.emits_nothing();
        CHECK(tcp.passes(route{syn_sent, closed}));
        tcp.tells(tell_reset);
    }
}

TEST_CASE("SYN-SENT: a reset without an ACK is dropped", "[3.10.7.3]") {
    subject tcp = in(syn_sent);
    tcp.drops("R 0:0(0)"_seg, event::rcv_rst_invalid);
    tcp.drops("SR 0:0(0)"_seg, event::rcv_rst_invalid);
    tcp.tells_nothing();
    CHECK(tcp.passes(route{syn_sent}));
}

TEST_CASE("SYN-SENT: SYN,ACK opens the connection and is acknowledged", "[3.10.7.3][figure 6]") {
    subject tcp = in(syn_sent);
    tcp.gets("S. 300:300(0) ack 1 win 5000 <mss 1460>"_seg);
    CHECK(tcp.passes(route{syn_sent, established}));
    tcp.emits(". 1:1(0) ack 301"_seg);
    tcp.emits_nothing();
    tcp.tells(tell_open);
    tcp.tells_nothing();
    tcp.never_wakes();
    const auto& n = tcp.numbers();
    const world& w = tcp.in_world();
    CHECK(n.rcv.irs == w.peers + 300);
    CHECK(n.rcv.nxt == w.peers + 301);
    CHECK(n.snd.una == w.ours + 1);
    CHECK(n.snd.nxt == w.ours + 1);
}

TEST_CASE("SYN-SENT: SYN,ACK sets SND.WND, SND.WL1 and SND.WL2", "[3.10.7.3][RFC 1122 4.2.2.20]") {
    subject tcp = in(syn_sent);
    tcp.gets("S. 300:300(0) ack 1 win 5000 <mss 1460,wscale 3>"_seg);
    tcp.emits(". 1:1(0) ack 301"_seg);
    CHECK(tcp.numbers().snd.wnd == 5000);  // not scaled
    CHECK(tcp.numbers().snd.wl1 == tcp.in_world().peers + 300);
    CHECK(tcp.numbers().snd.wl2 == tcp.in_world().ours + 1);
    tcp.gets(". 301:301(0) ack 1 win 5000"_seg);
    CHECK(tcp.numbers().snd.wnd == 40000);
}

TEST_CASE("SYN-SENT: the ACK of the SYN,ACK carries the text that was queued", "[3.10.7.3][UNL-04]") {
    subject tcp = in(syn_sent);
    static_cast<void>(tcp.send(10));
    tcp.emits_nothing();
    tcp.gets("S. 0:0(0) ack 1 <mss 1460>"_seg);
    tcp.emits("P. 1:11(10) ack 1"_seg);
    tcp.emits_nothing();
}

TEST_CASE("SYN-SENT: text and FIN of the SYN,ACK are taken at once, from the sixth step on", "[3.10.7.3]") {
    SECTION("text") {
        subject tcp = in(syn_sent);
        const arrival got = tcp.gets("SP. 0:10(10) ack 1 <mss 1460>"_seg);
        CHECK(got.text == 10);
        CHECK(got.at == 0);
        CHECK(got.in_order == 10);
        CHECK(got.push);
        CHECK(tcp.passes(route{syn_sent, established}));
        tcp.emits(". 1:1(0) ack 11"_seg);
        tcp.emits_nothing();
    }
    SECTION("FIN") {
        subject tcp = in(syn_sent);
        tcp.gets("SF. 0:0(0) ack 1 <mss 1460>"_seg);
        CHECK(tcp.passes(route{syn_sent, established, close_wait}));
        tcp.emits(". 1:1(0) ack 2"_seg);
        tcp.tells(tell_open);
        tcp.tells(tell_closing);
    }
    SECTION("both") {
        subject tcp = in(syn_sent);
        CHECK(tcp.gets("SF. 0:10(10) ack 1 <mss 1460>"_seg).in_order == 10);
        CHECK(tcp.passes(route{syn_sent, established, close_wait}));
        tcp.emits(". 1:1(0) ack 12"_seg);
    }
    SECTION("URG") {
        subject tcp = in(syn_sent);
        tcp.gets("SU. 0:10(10) ack 1 urg 5 <mss 1460>"_seg);
        tcp.emits(". 1:1(0) ack 11"_seg);
        tcp.tells(tell_open);
        tcp.tells(tell_urgent);
        CHECK(tcp.numbers().rcv.up == tcp.in_world().peers + 5);  // SEG.SEQ, which is the SYN's, and 5
        CHECK(tcp.conn().urgent() == 4);
    }
}

TEST_CASE("SYN-SENT: an ACK of a part of the text on our SYN is acceptable, and the rest goes again at once",
          "[3.10.7.3]") {
    const auto sent = [] {
        basic_subject<text_with_syn> tcp = in(listen, basic_subject<text_with_syn>{});
        static_cast<void>(tcp.send(10));
        tcp.emits("S 0:10(10)"_seg);
        static_cast<void>(tcp.path());
        return tcp;
    };
    SECTION("the SYN alone") {
        auto tcp = sent();
        CHECK(tcp.gets("S. 0:0(0) ack 1 <mss 1460>"_seg).acked == 0);
        CHECK(tcp.passes(route{syn_sent, established}));
        tcp.emits("P. 1:11(10) ack 1"_seg);
    }
    SECTION("five octets") {
        auto tcp = sent();
        CHECK(tcp.gets("S. 0:0(0) ack 6 <mss 1460>"_seg).acked == 5);
        CHECK(tcp.passes(route{syn_sent, established}));
        tcp.emits("P. 6:11(5) ack 1"_seg);
    }
    SECTION("all") {
        auto tcp = sent();
        CHECK(tcp.gets("S. 0:0(0) ack 11 <mss 1460>"_seg).acked == 10);
        CHECK(tcp.passes(route{syn_sent, established}));
        tcp.emits(". 11:11(0) ack 1"_seg);
    }
    SECTION("more than all") {
        auto tcp = sent();
        tcp.gets("S. 0:0(0) ack 12 <mss 1460>"_seg);
        tcp.emits("R 12:12(0)"_seg);
        CHECK(tcp.passes(route{syn_sent}));
    }
}

TEST_CASE("SYN-SENT: a SYN without an ACK leads to SYN-RECEIVED and is answered with SYN,ACK",
          "[3.10.7.3][MUST-10][figure 7]") {
    subject tcp = calling(100);
    tcp.gets("S 300:300(0) win 5000 <mss 1460,wscale 3>"_seg);
    CHECK(tcp.passes(route{syn_sent, syn_received}));
    tcp.emits("S. 100:100(0) ack 301 win 65535 <mss 1460,wscale 0>"_seg);
    tcp.emits_nothing();
    tcp.tells_nothing();
    const auto& n = tcp.numbers();
    const world& w = tcp.in_world();
    CHECK(n.snd.wnd == 5000);
    CHECK(n.snd.wl1 == w.peers + 300);
    CHECK(n.snd.una == w.ours + 100);
    CHECK(n.snd.nxt == w.ours + 101);
    CHECK(n.came_from == syn_sent);  // MUST-11
}

TEST_CASE("SYN-SENT: text and FIN of the peer's SYN in a simultaneous open wait until ESTABLISHED",
          "[3.10.7.3][MUST-10]") {
    subject tcp = in(syn_sent);
    const arrival syn = tcp.gets("SF 0:10(10) <mss 1460>"_seg);
    CHECK(syn.text == 10);
    CHECK(syn.in_order == 0);
    CHECK(tcp.passes(route{syn_sent, syn_received}));
    tcp.emits("S. 0:0(0) ack 1"_seg);
    CHECK(tcp.conn().readable() == 0);
    CHECK(tcp.gets(". 12:12(0) ack 1"_seg).in_order == 10);
    CHECK(tcp.passes(route{syn_received, established, close_wait}));
    tcp.emits(". 1:1(0) ack 12"_seg);
}

TEST_CASE("SYN-SENT: neither SYN nor RST is dropped, even if it acknowledges our SYN", "[3.10.7.3]") {
    subject tcp = in(syn_sent);
    tcp.drops(". 1:1(0) ack 1"_seg, event::rcv_stray);
    tcp.drops("P. 1:11(10) ack 1"_seg, event::rcv_stray);
    tcp.drops("- 1:11(10)"_seg, event::rcv_stray);
    tcp.tells_nothing();
    CHECK(tcp.passes(route{syn_sent}));
    CHECK(tcp.numbers().snd.una == tcp.in_world().ours);
}

TEST_CASE("SYN-SENT: a FIN is not processed", "[3.10.7.4]") {
    subject tcp = in(syn_sent);
    tcp.drops("F. 1:1(0) ack 1"_seg, event::rcv_stray);
    tcp.drops("F 1:1(0)"_seg, event::rcv_stray);
    tcp.tells_nothing();
    CHECK(tcp.passes(route{syn_sent}));
}

TEST_CASE("SYN-SENT: options on the SYN,ACK are in use from then on, those that are missing are not",
          "[3.7.1][MUST-15][RFC 7323 2.2][RFC 7323 3.2][RFC 2018 2]") {
    SECTION("all") {
        subject tcp = in(syn_sent);
        tcp.gets("S. 0:0(0) ack 1 win 1000 <mss 1400,sackOK,TS val 2000 ecr 1000,wscale 2>"_seg);
        tcp.emits(". 1:1(0) ack 1 <TS val 1000 ecr 2000>"_seg);
        CHECK(tcp.numbers().snd.mss == 1400);
        CHECK(tcp.numbers().snd.shift == 2);
        CHECK(tcp.numbers().sack_ok);
        static_cast<void>(tcp.send(2000));
        tcp.emits(". 1:1001(1000) ack 1 <TS val 1000 ecr 2000>"_seg);  // SYN windows are not scaled
        tcp.emits_nothing();
    }
    SECTION("none") {
        subject tcp = in(syn_sent);
        tcp.gets("S. 0:0(0) ack 1 win 1000"_seg);
        tcp.emits(". 1:1(0) ack 1 <>"_seg);
        CHECK(tcp.numbers().snd.mss == 536);
        CHECK(tcp.numbers().snd.shift == 0);
        CHECK(!tcp.numbers().sack_ok);
        CHECK(!tcp.numbers().ts.on);
    }
    SECTION("what was not offered is not in use, whatever the SYN,ACK says") {
        auto tcp = in(syn_sent, basic_subject<plain>{});
        tcp.gets("S. 0:0(0) ack 1 win 1000 <mss 1400,sackOK,TS val 2000 ecr 1000,wscale 2>"_seg);
        tcp.emits(". 1:1(0) ack 1 <>"_seg);
        CHECK(tcp.numbers().snd.shift == 0);
        CHECK(!tcp.numbers().sack_ok);
        CHECK(!tcp.numbers().ts.on);
    }
}

TEST_CASE("SYN-SENT: a receive buffer that was offered with a scale is not scaled if the peer does not scale",
          "[RFC 7323 2.2][7323-2]") {
    subject tcp = in(syn_sent, subject{parameters{.rcv_buff = 1'000'000}});
    tcp.gets("S. 0:0(0) ack 1 <mss 1460>"_seg);
    tcp.emits(". 1:1(0) ack 1 win 65535"_seg);
    CHECK(tcp.numbers().rcv.wnd() == 65535);
}

TEST_CASE("SYN-SENT: a reset answers with the timestamp of the segment that it refuses", "[RFC 7323 5.2][7323-18]") {
    subject tcp = in(syn_sent);
    tcp.gets(". 50:50(0) ack 7 <TS val 5000 ecr 6000>"_seg);
    tcp.emits("R 7:7(0) <TS val 0 ecr 5000>"_seg);
}

TEST_CASE("SYN-SENT: the SYN echoes nothing, and all that follows echoes the peer", "[RFC 7323 3.2][7323-8]") {
    subject tcp;
    static_cast<void>(tcp.open_active());
    tcp.emits("S 0:0(0) <mss 1460,sackOK,TS val 1000 ecr 0,wscale 0>"_seg);
    tcp.gets("S. 0:0(0) ack 1 <mss 1460,TS val 2000 ecr 1000>"_seg);
    tcp.emits(". 1:1(0) ack 1 <TS val 1000 ecr 2000>"_seg);
    static_cast<void>(tcp.send(10));
    tcp.emits("P. 1:11(10) ack 1 <TS val 1000 ecr 2000>"_seg);
}

TEST_CASE("SYN-SENT: in a simultaneous open both SYN,ACKs carry timestamps", "[RFC 7323 3.2][figure 7][7323-13]") {
    subject tcp;
    static_cast<void>(tcp.open_active());
    tcp.emits("S 0:0(0)"_seg);
    tcp.gets("S 0:0(0) <mss 1460,TS val 2000 ecr 0>"_seg);
    tcp.emits("S. 0:0(0) ack 1 <mss 1460,TS val 1000 ecr 2000>"_seg);
    tcp.gets("S. 0:0(0) ack 1 <mss 1460,TS val 2000 ecr 1000>"_seg);
    tcp.is(established);
    static_cast<void>(tcp.send(10));
    tcp.emits("P. 1:11(10) ack 1 <TS val 1000 ecr 2000>"_seg);
}

TEST_CASE("SYN-SENT: a half-open peer answers with an ACK, is reset, and our SYN comes again", "[3.5.1][figure 9]") {
    subject tcp = calling(400);
    tcp.gets(". 300:300(0) ack 100"_seg);
    tcp.emits("R 100:100(0)"_seg);
    tcp.advance(std::chrono::seconds{1});
    tcp.emits("S 400:400(0)"_seg);
    CHECK(tcp.passes(route{syn_sent}));
}

}  // namespace
