// SPDX-License-Identifier: MIT
// abort.cpp: ABORT and STATUS in each state (3.10.5, 3.10.6).

#include <support/states.hpp>

#include <chrono>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using enum tcpfsm::state;
using enum tcpfsm::answer;
using enum tcpfsm::signal;

TEST_CASE("ABORT in CLOSED: there is no connection", "[calls][3.10.5]") {
    subject tcp;
    CHECK(tcp.abort() == err_no_connection);
    tcp.emits_nothing();
}

TEST_CASE("ABORT in LISTEN and SYN-SENT: gone, without a segment", "[calls][3.10.5]") {
    for (const state s : {listen, syn_sent}) {
        subject tcp = in(s);
        CHECK(tcp.abort() == ok);
        CHECK(tcp.passes(route{s, closed}));
        tcp.emits_nothing();
        tcp.never_wakes();
        tcp.tells_nothing();
    }
}

TEST_CASE("ABORT in SYN-SENT with text that waits: gone, without a segment", "[calls][3.10.5]") {
    subject tcp = in(syn_sent);
    CHECK(tcp.send(100) == ok);
    CHECK(tcp.abort() == ok);
    tcp.emits_nothing();
    tcp.never_wakes();
}

TEST_CASE("ABORT before the SYN has left: it does not leave any more", "[calls][3.10.5]") {
    subject tcp;
    CHECK(tcp.open_active() == ok);
    tcp.leaves_unpolled();
    CHECK(tcp.abort() == ok);
    tcp.emits_nothing();
}

TEST_CASE("ABORT in SYN-RECEIVED, ESTABLISHED, CLOSE-WAIT: <SEQ=SND.NXT><CTL=RST>", "[calls][3.10.5][3.5.2]") {
    for (const state s : {syn_received, established, close_wait}) {
        for (const opened how : {opened::actively, opened::passively}) {
            subject tcp = in(s, how);
            CHECK(tcp.abort() == ok);
            tcp.emits("R 1:1(0) win 0 <>"_seg);
            tcp.emits_nothing();
            CHECK(tcp.passes(route{s, closed}));
            tcp.never_wakes();
            tcp.tells_nothing();
        }
    }
}

TEST_CASE("ABORT in FIN-WAIT-1 and FIN-WAIT-2: the reset stands behind the FIN", "[calls][3.10.5]") {
    for (const state s : {fin_wait_1, fin_wait_2}) {
        subject tcp = in(s);
        CHECK(tcp.abort() == ok);
        tcp.emits("R 2:2(0)"_seg);
        tcp.emits_nothing();
        CHECK(tcp.passes(route{s, closed}));
    }
}

TEST_CASE("ABORT in CLOSING, LAST-ACK and TIME-WAIT: gone, without a reset", "[calls][3.10.5]") {
    for (const state s : {closing, last_ack, time_wait}) {
        subject tcp = in(s);
        CHECK(tcp.abort() == ok);
        CHECK(tcp.passes(route{s, closed}));
        tcp.emits_nothing();
        tcp.never_wakes();
        tcp.tells_nothing();
    }
}

TEST_CASE("ABORT: text is thrown away, sent or not, and the reset stands behind what was sent", "[calls][3.10.5]") {
    subject tcp = in(established);
    tcp.gets(". 1:1(0) ack 1 win 1460"_seg);
    CHECK(tcp.send(3000) == ok);
    tcp.emits(". 1:1461(1460) ack 1"_seg);
    CHECK(tcp.abort() == ok);
    tcp.emits("R 1461:1461(0)"_seg);
    tcp.emits_nothing();
    tcp.never_wakes();
}

TEST_CASE("ABORT while text goes again: the reset still stands at SND.NXT", "[calls][3.10.5]") {
    subject tcp = in(established);
    CHECK(tcp.send(2920) == ok);
    tcp.emits(". 1:1461(1460) ack 1"_seg);
    tcp.emits("P. 1461:2921(1460) ack 1"_seg);
    tcp.advance(std::chrono::seconds{1});
    tcp.emits(". 1:1461(1460) ack 1"_seg);
    CHECK(tcp.abort() == ok);
    tcp.emits("R 2921:2921(0)"_seg);
}

TEST_CASE("ABORT while the window is shut and probed for: gone at once", "[calls][3.10.5][3.8.6.1][6429-2]") {
    subject tcp = in(established);
    CHECK(tcp.send(10) == ok);
    tcp.emits("P. 1:11(10) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 11 win 0"_seg);
    CHECK(tcp.send(10) == ok);
    for (int i = 0; i < 5; ++i) {
        tcp.advance(tcp.conn().poll_timeout() - tcp.now());
        tcp.emits(". 11:12(1) ack 1"_seg);
        tcp.gets(". 1:1(0) ack 11 win 0"_seg);
    }
    CHECK(tcp.abort() == ok);
    tcp.is(closed);
    tcp.emits("R 12:12(0)"_seg);
    tcp.never_wakes();
}

TEST_CASE("ABORT with timestamps: they go with the reset", "[calls][3.10.5][RFC 7323 3.2][7323-10]") {
    subject tcp;
    CHECK(tcp.open_active() == ok);
    tcp.emits("S 0:0(0)"_seg);
    tcp.gets("S. 0:0(0) ack 1 <mss 1460,TS val 1000 ecr 1000>"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    tcp.advance(std::chrono::milliseconds{50});
    CHECK(tcp.abort() == ok);
    const transmit out = *tcp.polls();
    CHECK(out.segment.has(ctl::rst));
    CHECK_FALSE(out.segment.has(ctl::ack));
    CHECK(out.segment.options.has_timestamps);
    CHECK(out.segment.options.ts_val == tcp.in_world().our_stamp + 50);
}

TEST_CASE("ABORT: what arrives afterwards is answered as in CLOSED", "[calls][3.10.5][3.10.7.1][LC-08]") {
    subject tcp = in(established);
    CHECK(tcp.abort() == ok);
    tcp.emits("R 1:1(0)"_seg);
    tcp.gets("P. 1:101(100) ack 1"_seg);
    tcp.emits("R 1:1(0)"_seg);
    tcp.drops("R 1:1(0)"_seg, event::rcv_rst);
}

TEST_CASE("STATUS: the state, and nothing changes", "[calls][3.10.6]") {
    for (const state s : {listen, syn_sent, syn_received, established, fin_wait_1, fin_wait_2, close_wait, closing,
                          last_ack, time_wait}) {
        subject tcp = in(s);
        const auto before = tcp.numbers();
        CHECK(tcp.status() == ok);
        CHECK(tcp.at() == s);
        CHECK(tcp.numbers() == before);
        tcp.emits_nothing();
        tcp.tells_nothing();
    }
    subject tcp;
    CHECK(tcp.status() == err_no_connection);
}

// --- What can be asked at any time --------------------------------------------------------------------

TEST_CASE("may_send and may_receive, in every state", "[calls][3.10.2][3.10.3]") {
    const state_set senders = syn_sent | syn_received | state_set{established} | close_wait;
    const state_set receivers = established | fin_wait_1 | state_set{fin_wait_2};
    for (const state s : {closed, listen, syn_sent, syn_received, established, fin_wait_1, fin_wait_2, close_wait,
                          closing, last_ack, time_wait}) {
        CAPTURE(s);
        const subject tcp = in(s);
        CHECK(tcp.conn().may_send() == senders.contains(s));
        CHECK(tcp.conn().may_receive() == receivers.contains(s));
    }
}

TEST_CASE("readable, writable and urgent, in every state: nothing to read, and SEND takes as much as it says",
          "[calls][3.10.2][3.10.3]") {
    for (const state s : {closed, listen, syn_sent, syn_received, established, fin_wait_1, fin_wait_2, close_wait,
                          closing, last_ack, time_wait}) {
        CAPTURE(s);
        subject tcp = in(s, subject{{.snd_buff = 5000}});
        CHECK(tcp.conn().readable() == 0);
        CHECK(tcp.conn().urgent() == 0);
        const bool takes = tcp.conn().may_send() || s == listen;
        CHECK((tcp.conn().writable() == 5000) == takes);
        CHECK((tcp.conn().writable() == 0) == !takes);
        CHECK((tcp.send(tcp.conn().writable()) == ok) == takes);
    }
}

TEST_CASE("writable: what is behind a CLOSE that waits is not taken", "[calls][3.10.2][3.6]") {
    for (const state s : {syn_received, close_wait}) {
        subject tcp = in(s);
        CHECK(tcp.send(100) == ok);
        tcp.leaves_unpolled();
        CHECK(tcp.close() == ok);
        CHECK_FALSE(tcp.conn().may_send());
        CHECK(tcp.conn().writable() == 0);
    }
}

TEST_CASE("After the end: nothing to read, to write or to wait for", "[calls][3.10.5]") {
    for (const state s : {listen, syn_sent, syn_received, established, fin_wait_1, fin_wait_2, close_wait, closing,
                          last_ack, time_wait}) {
        subject tcp = in(s);
        CHECK(tcp.abort() == ok);
        static_cast<void>(tcp.polls());
        CHECK(tcp.conn().readable() == 0);
        CHECK(tcp.conn().writable() == 0);
        CHECK(tcp.conn().urgent() == 0);
        CHECK_FALSE(tcp.conn().may_send());
        CHECK_FALSE(tcp.conn().may_receive());
    }
}

}  // namespace
