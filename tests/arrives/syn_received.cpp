// SPDX-License-Identifier: MIT
// syn_received.cpp: SEGMENT ARRIVES in SYN-RECEIVED (RFC 9293 section 3.10.7.4), reached by a passive OPEN, by
// simultaneous open, and from TIME-WAIT.

#include <support/catch.hpp>
#include <support/states.hpp>
#include <support/subject.hpp>

#include <chrono>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;
using enum tcpfsm::state;
using enum tcpfsm::signal;

struct without_5961 : policies {
    static constexpr bool rfc5961 = false;
};

/// After a passive OPEN: IRS 0, ISS 0, the SYN,ACK is sent.
subject passive() { return in(syn_received, opened::passively); }
/// After an active OPEN that met another one.
subject active() { return in(syn_received, opened::actively); }
/// From TIME-WAIT: the old connection ended at 2 on both sides. IRS 100, ISS 65539.
template <class P = policies>
basic_subject<P> reopened() {
    auto tcp = in(time_wait, basic_subject<P>{});
    tcp.gets("S 100:100(0) <mss 1460>"_seg);
    tcp.emits("S. 65539:65539(0) ack 101"_seg);
    tcp.is(syn_received);
    static_cast<void>(tcp.path());
    return tcp;
}
/// After a passive OPEN, with timestamps: TS.Recent is 1000.
subject stamped() {
    subject tcp = in(listen);
    tcp.gets("S 0:0(0) <mss 1460,TS val 1000 ecr 0>"_seg);
    tcp.emits("S. 0:0(0) ack 1 <mss 1460,TS val 1000 ecr 1000>"_seg);
    static_cast<void>(tcp.path());
    return tcp;
}

// --- First: the sequence number -------------------------------------------------------------------------

TEST_CASE("SYN-RECEIVED: an old timestamp is answered with an ACK and dropped", "[RFC 7323 5.3]") {
    subject tcp = stamped();
    const arrival got = tcp.gets(". 1:11(10) ack 1 <TS val 999 ecr 1000>"_seg);
    CHECK(got.text == 0);
    tcp.emits(". 1:1(0) ack 1 <TS val 1000 ecr 1000>"_seg);
    CHECK(tcp.passes(route{syn_received}));
    CHECK(tcp.judged() == event::rcv_paws);
}

TEST_CASE("SYN-RECEIVED: a SYN with an old timestamp does not lead back to LISTEN", "[RFC 7323 5.3]") {
    subject tcp = stamped();
    tcp.gets("S 100:100(0) <mss 1460,TS val 999 ecr 0>"_seg);
    CHECK(tcp.judged() == event::rcv_paws);
    tcp.emits(". 1:1(0) ack 1"_seg);
    CHECK(tcp.passes(route{syn_received}));
    tcp.gets("S 100:100(0) <mss 1460,TS val 1000 ecr 0>"_seg);
    CHECK(tcp.passes(route{syn_received, listen}));
}

TEST_CASE("SYN-RECEIVED: a segment without the timestamp that was agreed is dropped", "[RFC 7323 3.2]") {
    subject tcp = stamped();
    tcp.drops(". 1:1(0) ack 1"_seg, event::rcv_no_timestamp);
    tcp.is(syn_received);
    tcp.gets(". 1:1(0) ack 1 <TS val 1000 ecr 1000>"_seg);
    tcp.is(established);
}

TEST_CASE("SYN-RECEIVED: the first and the last number of the window are inside, their neighbours are not",
          "[3.4][3.10.7.4]") {
    SECTION("RCV.NXT") {
        subject tcp = passive();
        tcp.gets(". 1:1(0) ack 1"_seg);
        tcp.is(established);
    }
    SECTION("the right edge") {
        subject tcp = passive();
        tcp.gets(". 65536:65536(0) ack 1"_seg);
        tcp.is(established);
    }
    SECTION("one beyond") {
        subject tcp = passive();
        tcp.gets(". 65537:65537(0) ack 1"_seg);
        tcp.emits(". 1:1(0) ack 1"_seg);
        tcp.is(syn_received);
    }
    SECTION("one before") {
        subject tcp = passive();
        tcp.gets(". 0:0(0) ack 1"_seg);
        tcp.emits(". 1:1(0) ack 1"_seg);
        tcp.is(syn_received);
    }
    SECTION("text that ends before RCV.NXT") {
        subject tcp = active();
        tcp.gets(". -9:1(10) ack 1"_seg);
        tcp.emits(". 1:1(0) ack 1"_seg);
        tcp.is(syn_received);
    }
}

TEST_CASE("SYN-RECEIVED: a reset outside the window is dropped", "[3.10.7.4]") {
    for (auto make : {passive, active}) {
        subject tcp = make();
        tcp.drops("R 0:0(0)"_seg, event::rcv_rst_invalid);
        tcp.drops("R 65536:65536(0)"_seg, event::rcv_rst_invalid);
        tcp.drops("R. 0:0(0) ack 1"_seg, event::rcv_rst_invalid);
        tcp.tells_nothing();
        CHECK(tcp.passes(route{syn_received}));
    }
}

TEST_CASE("SYN-RECEIVED: the peer's SYN once more brings our SYN,ACK once more", "[3.10.7.4][3.8.1]") {
    for (auto make : {passive, active}) {
        subject tcp = make();
        tcp.gets("S 0:0(0) <mss 1460>"_seg);
        tcp.emits("S. 0:0(0) ack 1 <mss 1460>"_seg);
        tcp.emits_nothing();
        CHECK(tcp.passes(route{syn_received}));
        tcp.gets(". 1:1(0) ack 1"_seg);
        CHECK(tcp.passes(route{syn_received, established}));
    }
    auto tcp = reopened();
    tcp.gets("S 100:100(0) <mss 1460>"_seg);
    tcp.emits("S. 65539:65539(0) ack 101"_seg);
    tcp.is(syn_received);
}

TEST_CASE("SYN-RECEIVED: the SYN,ACK of a simultaneous open establishes the connection", "[MUST-10][figure 7][LC-14]") {
    subject tcp{parameters{.iss = seq{100}}};
    static_cast<void>(tcp.open_active());
    tcp.emits("S 100:100(0)"_seg);
    tcp.gets("S 300:300(0) win 5000 <mss 1460,wscale 3>"_seg);
    tcp.emits("S. 100:100(0) ack 301"_seg);
    tcp.gets("S. 300:300(0) ack 101 win 6000 <mss 1460,wscale 3>"_seg);
    CHECK(tcp.passes(route{closed, syn_sent, syn_received, established}));
    tcp.emits_nothing();
    tcp.tells(tell_open);
    CHECK(tcp.numbers().snd.wnd == 6000);  // of a segment with SYN: not scaled
    CHECK(tcp.numbers().snd.una == tcp.in_world().ours + 101);
}

TEST_CASE("SYN-RECEIVED: text on the SYN,ACK of a simultaneous open is taken", "[MUST-10][3.10.7.4]") {
    subject tcp = active();
    CHECK(tcp.gets("SF. 0:10(10) ack 1 <mss 1460>"_seg).in_order == 10);
    CHECK(tcp.passes(route{syn_received, established, close_wait}));
    tcp.emits(". 1:1(0) ack 12"_seg);
}

// --- Second: the RST bit --------------------------------------------------------------------------------

TEST_CASE("SYN-RECEIVED: a reset inside the window but not at RCV.NXT is challenged",
          "[3.10.7.4][RFC 5961 3.2][UNL-06][UNL-07]") {
    for (auto make : {passive, active}) {
        subject tcp = make();
        tcp.gets("R 2:2(0)"_seg);
        tcp.emits(". 1:1(0) ack 1"_seg);
        tcp.gets("R. 65535:65535(0) ack 1"_seg);
        tcp.emits(". 1:1(0) ack 1"_seg);
        tcp.tells_nothing();
        CHECK(tcp.passes(route{syn_received}));
    }
}

TEST_CASE("SYN-RECEIVED: after a passive OPEN a reset leads back to LISTEN, and the user is not told",
          "[3.10.7.4][MUST-11][UNL-05]") {
    subject tcp = passive();
    tcp.gets("R 1:1(0)"_seg);
    tcp.emits_nothing();
    CHECK(tcp.passes(route{syn_received, listen}));
    tcp.tells_nothing();
    tcp.never_wakes();
}

TEST_CASE("SYN-RECEIVED: back in LISTEN the next peer finds nothing of the last one", "[3.10.7.4][MUST-11]") {
    subject tcp = in(listen);
    tcp.gets("SF 0:10(10) win 77 <mss 500,sackOK,TS val 1000 ecr 0,wscale 5>"_seg);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    tcp.gets("R 1:1(0)"_seg);
    tcp.is(listen);
    tcp.gets("S 5000:5000(0) win 88"_seg);
    const auto answer = tcp.polls();
    REQUIRE(answer);
    CHECK(answer->segment.has(ctl::syn | ctl::ack));
    CHECK(answer->segment.ack == tcp.in_world().peers + 5001);
    CHECK(answer->segment.seq != tcp.in_world().ours);  // what acknowledges the old SYN,ACK does not acknowledge this
    CHECK(!answer->segment.options.has_timestamps);
    CHECK(!answer->segment.options.sack_permitted);
    CHECK(!answer->segment.options.has_window_scale);
    CHECK(tcp.numbers().snd.wnd == 88);
    CHECK(tcp.numbers().snd.mss == 536);
    segment third{.seq = tcp.in_world().peers + 5001, .ack = answer->segment.seq + 1, .ctl = ctl::ack, .wnd = 88};
    tcp.hears(third);
    tcp.is(established);
    CHECK(tcp.conn().readable() == 0);
}

TEST_CASE("SYN-RECEIVED: after an active OPEN a reset refuses the connection", "[3.10.7.4][MUST-11][UNL-05]") {
    subject tcp = active();
    tcp.gets("R 1:1(0)"_seg);
    tcp.emits_nothing();
    CHECK(tcp.passes(route{syn_received, closed}));
    tcp.tells(tell_refused);
    tcp.tells_nothing();
    tcp.never_wakes();
}

TEST_CASE("SYN-RECEIVED: a passive OPEN that SEND made active is refused by a reset", "[3.10.7.4][MUST-11]") {
    subject tcp = in(listen);
    static_cast<void>(tcp.send(10));
    tcp.emits("S 0:0(0)"_seg);
    tcp.gets("S 0:0(0) <mss 1460>"_seg);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    tcp.gets("R 1:1(0)"_seg);
    CHECK(tcp.passes(route{listen, syn_sent, syn_received, closed}));
    tcp.tells(tell_refused);
}

TEST_CASE("SYN-RECEIVED: reopened from TIME-WAIT, a reset shows that the SYN was old, and leads back to TIME-WAIT",
          "[3.6.1][MAY-2]") {
    auto tcp = reopened();
    tcp.gets("R 101:101(0)"_seg);
    tcp.emits_nothing();
    CHECK(tcp.passes(route{syn_received, time_wait}));
    tcp.tells_nothing();
    tcp.wakes_in(4min);
    tcp.gets("F. 1:1(0) ack 2"_seg);  // the old peer's FIN once more
    tcp.emits(". 2:2(0) ack 2"_seg);
}

TEST_CASE("SYN-RECEIVED: without RFC 5961 a reset anywhere in the window counts", "[3.10.7.4]") {
    SECTION("after a passive OPEN") {
        auto tcp = in(syn_received, basic_subject<without_5961>{}, opened::passively);
        tcp.gets("R 65535:65535(0)"_seg);
        tcp.emits_nothing();
        CHECK(tcp.passes(route{syn_received, listen}));
    }
    SECTION("after an active OPEN") {
        auto tcp = in(syn_received, basic_subject<without_5961>{}, opened::actively);
        tcp.gets("R 500:500(0)"_seg);
        tcp.emits_nothing();
        CHECK(tcp.passes(route{syn_received, closed}));
        tcp.tells(tell_refused);
    }
    SECTION("reopened") {
        auto tcp = reopened<without_5961>();
        tcp.gets("R 500:500(0)"_seg);
        tcp.emits_nothing();
        CHECK(tcp.passes(route{syn_received, time_wait}));
    }
    SECTION("but not outside") {
        auto tcp = in(syn_received, basic_subject<without_5961>{}, opened::passively);
        tcp.drops("R 65536:65536(0)"_seg, event::rcv_rst_invalid);
        tcp.is(syn_received);
    }
}

TEST_CASE("SYN-RECEIVED: an old duplicate SYN is found out by a reset, and the right one is served",
          "[3.5][figure 8][MUST-11]") {
    subject tcp = in(listen, subject{parameters{.iss = seq{300}}});
    tcp.gets("S 90:90(0) <mss 1460>"_seg);
    tcp.emits("S. 300:300(0) ack 91"_seg);
    tcp.gets("R 91:91(0)"_seg);
    CHECK(tcp.passes(route{listen, syn_received, listen}));
    tcp.gets("S 100:100(0) <mss 1460>"_seg);
    CHECK(tcp.polls()->segment.ack == tcp.in_world().peers + 101);
    CHECK(tcp.passes(route{listen, syn_received}));
}

// --- Fourth: the SYN bit --------------------------------------------------------------------------------

TEST_CASE("SYN-RECEIVED: after a passive OPEN another SYN in the window leads back to LISTEN, without an answer",
          "[3.10.7.4][MUST-11]") {
    subject tcp = passive();
    tcp.gets("S 100:100(0) <mss 1460>"_seg);
    tcp.emits_nothing();
    tcp.tells_nothing();
    CHECK(tcp.passes(route{syn_received, listen}));
    tcp.gets("S 100:100(0) <mss 1460>"_seg);
    CHECK(tcp.polls()->segment.ack == tcp.in_world().peers + 101);
    CHECK(tcp.passes(route{listen, syn_received}));
}

TEST_CASE("SYN-RECEIVED: after a passive OPEN another SYN outside the window is answered with an ACK", "[3.10.7.4]") {
    subject tcp = passive();
    tcp.gets("S 70000:70000(0) <mss 1460>"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    tcp.gets("S -5:-5(0) <mss 1460>"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    CHECK(tcp.passes(route{syn_received}));
}

TEST_CASE("SYN-RECEIVED: after a passive OPEN a SYN before the window is cut off, and the rest of its segment counts",
          "[3.10.7.4]") {
    subject tcp = passive();
    tcp.gets("S. 0:10(10) ack -7"_seg);  // not an ACK of our SYN
    tcp.emits("R -7:-7(0)"_seg);
    tcp.drops("S -3:10(13)"_seg, event::rcv_no_ack);
    CHECK(tcp.passes(route{syn_received}));
    CHECK(tcp.gets("S. -3:10(13) ack 1"_seg).in_order == 10);
    CHECK(tcp.passes(route{syn_received, established}));
    tcp.advance(policies::delayed_ack);
    tcp.emits(". 1:1(0) ack 11"_seg);
}

TEST_CASE("SYN-RECEIVED: no SYN is inside a zero window", "[3.10.7.4][3.4]") {
    subject tcp = in(syn_received, subject{parameters{.rcv_buff = 0}}, opened::passively);
    tcp.gets("S 1:1(0)"_seg);
    tcp.emits(". 1:1(0) ack 1 win 0"_seg);
    CHECK(tcp.passes(route{syn_received}));
}

TEST_CASE("SYN-RECEIVED: after an active OPEN another SYN is challenged", "[3.10.7.4][RFC 5961 4.2][UNL-08]") {
    for (auto make : {active, reopened<policies>}) {
        subject tcp = make();
        const bool again = tcp.numbers().snd.iss != tcp.in_world().ours;
        for (const script& syn : {"S 200:200(0) <mss 1460>"_seg, "S 70000:70000(0)"_seg, "S. 200:200(0) ack 1"_seg}) {
            tcp.gets(syn);
            if (again) {
                tcp.emits(". 65540:65540(0) ack 101"_seg);
            } else {
                tcp.emits(". 1:1(0) ack 1"_seg);
            }
        }
        tcp.tells_nothing();
        CHECK(tcp.passes(route{syn_received}));
    }
}

TEST_CASE("SYN-RECEIVED: without RFC 5961, after an active OPEN, another SYN in the window resets the connection",
          "[3.10.7.4]") {
    SECTION("in the window") {
        auto tcp = in(syn_received, basic_subject<without_5961>{}, opened::actively);
        tcp.gets("S 200:200(0)"_seg);
        tcp.emits("R. 0:0(0) ack 201"_seg);
        CHECK(tcp.passes(route{syn_received, closed}));
        tcp.tells(tell_reset);
    }
    SECTION("outside") {
        auto tcp = in(syn_received, basic_subject<without_5961>{}, opened::actively);
        tcp.gets("S 70000:70000(0)"_seg);
        tcp.emits(". 1:1(0) ack 1"_seg);
        CHECK(tcp.passes(route{syn_received}));
    }
}

// --- Fifth: the ACK field -------------------------------------------------------------------------------

TEST_CASE("SYN-RECEIVED: a segment without ACK is dropped", "[3.10.7.4]") {
    subject tcp = passive();
    tcp.drops("- 1:11(10)"_seg, event::rcv_no_ack);
    tcp.drops("F 1:1(0)"_seg, event::rcv_no_ack);
    tcp.drops("UP 1:11(10) urg 3"_seg, event::rcv_no_ack);
    tcp.tells_nothing();
    CHECK(tcp.passes(route{syn_received}));
    CHECK(tcp.conn().readable() == 0);
}

TEST_CASE("SYN-RECEIVED: the ACK of our SYN establishes the connection and sets SND.UNA, SND.WND, WL1 and WL2",
          "[3.10.7.4][figure 6]") {
    for (auto make : {passive, active}) {
        subject tcp = make();
        tcp.gets(". 1:1(0) ack 1 win 4321"_seg);
        tcp.emits_nothing();
        CHECK(tcp.passes(route{syn_received, established}));
        tcp.tells(tell_open);
        tcp.tells_nothing();
        tcp.never_wakes();
        const auto& n = tcp.numbers();
        CHECK(n.snd.una == tcp.in_world().ours + 1);
        CHECK(n.snd.wnd == 4321);
        CHECK(n.snd.wl1 == tcp.in_world().peers + 1);
        CHECK(n.snd.wl2 == tcp.in_world().ours + 1);
    }
}

TEST_CASE("SYN-RECEIVED: a reopened connection opens like any other", "[3.6.1][MAY-2][RFC 6191 2]") {
    auto tcp = reopened();
    tcp.gets(". 101:111(10) ack 65540 win 500"_seg);
    CHECK(tcp.passes(route{syn_received, established}));
    tcp.tells(tell_open);
    CHECK(tcp.conn().readable() == 10);
    CHECK(tcp.numbers().snd.wnd == 500);
}

TEST_CASE("SYN-RECEIVED: the window of the third segment is scaled", "[RFC 7323 2.3]") {
    subject tcp = in(listen);
    tcp.gets("S 0:0(0) win 9 <mss 1460,wscale 2>"_seg);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    CHECK(tcp.numbers().snd.wnd == 9);
    tcp.gets(". 1:1(0) ack 1 win 1000"_seg);
    CHECK(tcp.numbers().snd.wnd == 4000);
}

TEST_CASE("SYN-RECEIVED: an ACK that is not of our SYN is answered with a reset at its number, and dropped",
          "[3.10.7.4][3.5.2]") {
    for (auto make : {passive, active}) {
        subject tcp = make();
        tcp.gets(". 1:1(0) ack 0"_seg);
        tcp.emits("R 0:0(0)"_seg);
        tcp.gets("FP. 1:11(10) ack 2"_seg);
        tcp.emits("R 2:2(0)"_seg);
        tcp.gets(". 1:1(0) ack -70000"_seg);
        tcp.emits("R -70000:-70000(0)"_seg);
        tcp.tells_nothing();
        CHECK(tcp.passes(route{syn_received}));
        CHECK(tcp.conn().readable() == 0);
        tcp.gets(". 1:1(0) ack 1"_seg);
        CHECK(tcp.passes(route{syn_received, established}));
    }
}

TEST_CASE("SYN-RECEIVED: an ACK of the incarnation before does not open a reopened connection",
          "[3.6.1][MAY-2][RFC 1337]") {
    auto tcp = reopened();
    tcp.gets(". 101:101(0) ack 2"_seg);
    tcp.emits("R 2:2(0)"_seg);
    tcp.is(syn_received);
}

TEST_CASE("SYN-RECEIVED: what was queued by SEND and CLOSE is released by the ACK of our SYN", "[3.10.2][3.10.4]") {
    SECTION("SEND") {
        subject tcp = passive();
        static_cast<void>(tcp.send(10));
        tcp.emits_nothing();
        tcp.gets(". 1:1(0) ack 1"_seg);
        tcp.emits("P. 1:11(10) ack 1"_seg);
    }
    SECTION("SEND and CLOSE") {
        subject tcp = passive();
        static_cast<void>(tcp.send(10));
        static_cast<void>(tcp.close());
        tcp.emits_nothing();
        tcp.gets(". 1:1(0) ack 1"_seg);
        CHECK(tcp.passes(route{syn_received, established, fin_wait_1}));
        tcp.emits("FP. 1:11(10) ack 1"_seg);
    }
}

// --- Sixth to eighth: URG, text, FIN --------------------------------------------------------------------

TEST_CASE("SYN-RECEIVED: text on the ACK of our SYN is taken", "[3.10.7.4]") {
    subject tcp = passive();
    const arrival got = tcp.gets("P. 1:11(10) ack 1"_seg);
    CHECK(got.text == 10);
    CHECK(got.in_order == 10);
    CHECK(got.push);
    CHECK(tcp.passes(route{syn_received, established}));
    tcp.advance(policies::delayed_ack);
    tcp.emits(". 1:1(0) ack 11"_seg);
}

TEST_CASE("SYN-RECEIVED: text beyond a gap is held, and its ACK counts", "[3.10.7.4][SHLD-31]") {
    subject tcp = passive();
    const arrival got = tcp.gets(". 11:21(10) ack 1"_seg);
    CHECK(got.at == 10);
    CHECK(got.in_order == 0);
    tcp.emits(". 1:1(0) ack 1"_seg);
    CHECK(tcp.passes(route{syn_received, established}));
    CHECK(tcp.gets(". 1:11(10) ack 1"_seg).in_order == 20);
    tcp.emits(". 1:1(0) ack 21"_seg);
}

TEST_CASE("SYN-RECEIVED: text that runs over a FIN leaves nothing behind that looks like urgent data", "[3.10.7.4]") {
    subject tcp = in(listen);
    tcp.gets("S 0:3(3) <mss 1460>"_seg);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    tcp.gets("F. 2:3(1) ack 1"_seg);  // at 3, where the third octet of the SYN's text stands
    tcp.emits(". 1:1(0) ack 4"_seg);
    tcp.is(established);
    CHECK(tcp.conn().urgent() == 0);
    tcp.gets("F. 4:4(0) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 5"_seg);
    tcp.is(close_wait);
}

TEST_CASE("SYN-RECEIVED: URG on the ACK of our SYN is heeded", "[3.10.7.4][MUST-30]") {
    subject tcp = passive();
    tcp.gets("U. 1:11(10) ack 1 urg 4"_seg);
    tcp.tells(tell_open);
    tcp.tells(tell_urgent);
    CHECK(tcp.numbers().rcv.up == tcp.in_world().peers + 5);
}

TEST_CASE("SYN-RECEIVED: a FIN on the ACK of our SYN leads to CLOSE-WAIT", "[3.10.7.4]") {
    for (auto make : {passive, active}) {
        subject tcp = make();
        tcp.gets("F. 1:11(10) ack 1"_seg);
        CHECK(tcp.passes(route{syn_received, established, close_wait}));
        tcp.emits(". 1:1(0) ack 12"_seg);
        tcp.tells(tell_open);
        tcp.tells(tell_closing);
        tcp.tells_nothing();
    }
}

TEST_CASE("SYN-RECEIVED: a FIN with an ACK that is not of our SYN is not taken", "[3.10.7.4]") {
    subject tcp = passive();
    tcp.gets("F. 1:1(0) ack 0"_seg);
    tcp.emits("R 0:0(0)"_seg);
    tcp.tells_nothing();
    CHECK(tcp.passes(route{syn_received}));
    CHECK(tcp.numbers().rcv.nxt == tcp.in_world().peers + 1);
}

}  // namespace
