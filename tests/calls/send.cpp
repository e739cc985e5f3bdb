// SPDX-License-Identifier: MIT
// send.cpp: SEND in each state (3.10.2), and text that waits for ESTABLISHED.

#include <support/states.hpp>

#include <chrono>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using enum tcpfsm::state;
using enum tcpfsm::answer;
using enum tcpfsm::signal;

using namespace std::chrono_literals;

TEST_CASE("SEND in CLOSED: there is no connection", "[calls][3.10.2]") {
    subject tcp;
    CHECK(tcp.send(100) == err_no_connection);
    tcp.is(closed);
    tcp.emits_nothing();
    tcp.never_wakes();
}

TEST_CASE("SEND in LISTEN with a remote socket: passive becomes active, and the text waits", "[calls][3.10.2]") {
    subject tcp = in(listen);
    CHECK(tcp.send(100) == ok);
    CHECK(tcp.passes(route{listen, syn_sent}));
    tcp.emits("S 0:0(0)"_seg);
    tcp.emits_nothing();
    tcp.gets("S. 0:0(0) ack 1 <mss 1460>"_seg);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    tcp.tells(tell_open);
}

TEST_CASE("SEND in LISTEN without a remote socket: refused, and LISTEN goes on", "[calls][3.10.2]") {
    subject tcp{{.remote_specified = false}};
    CHECK(tcp.open_passive() == ok);
    CHECK(tcp.send(100) == err_unspecified);
    CHECK(tcp.send(0) == err_unspecified);
    tcp.is(listen);
    tcp.emits_nothing();
}

TEST_CASE("SEND in LISTEN without room: refused, and LISTEN goes on", "[calls][3.10.2]") {
    subject tcp = in(listen, subject{{.snd_buff = 99}});
    CHECK(tcp.send(100) == err_no_resources);
    tcp.is(listen);
    CHECK(tcp.send(99) == ok);
    tcp.is(syn_sent);
}

TEST_CASE("SEND in SYN-SENT: the text goes with the ACK of the peer's SYN", "[calls][3.10.2]") {
    subject tcp = in(syn_sent);
    CHECK(tcp.send(100) == ok);
    CHECK(tcp.send(50) == ok);
    tcp.emits_nothing();
    tcp.gets("S. 0:0(0) ack 1 <mss 1460>"_seg);
    tcp.emits("P. 1:151(150) ack 1"_seg);
    tcp.emits_nothing();
}

TEST_CASE("SEND in SYN-RECEIVED: the text goes as soon as the connection is established", "[calls][3.10.2]") {
    subject tcp = in(syn_received, opened::passively);
    CHECK(tcp.send(2000) == ok);
    tcp.emits_nothing();
    tcp.gets(". 1:1(0) ack 1"_seg);
    tcp.emits(". 1:1461(1460) ack 1"_seg);
    tcp.emits_nothing();  // the rest waits (SHLD-7)
    tcp.gets(". 1:1(0) ack 1461"_seg);
    tcp.emits("P. 1461:2001(540) ack 1"_seg);
}

TEST_CASE("SEND before a simultaneous open ends: the text goes after it", "[calls][3.10.2][3.5][MUST-10]") {
    subject tcp = in(syn_sent);
    CHECK(tcp.send(10) == ok);
    tcp.gets("S 0:0(0) <mss 1460>"_seg);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    tcp.emits_nothing();
    tcp.gets("S. 0:0(0) ack 1 <mss 1460>"_seg);
    tcp.emits("P. 1:11(10) ack 1"_seg);
    tcp.is(established);
}

TEST_CASE("SEND in ESTABLISHED: segments of the peer's MSS with a piggybacked ACK, PSH on the last",
          "[calls][3.10.2][MUST-61][MUST-16][SHLD-28]") {
    subject tcp = in(established);
    CHECK(tcp.send(3500) == ok);
    tcp.emits(". 1:1461(1460) ack 1"_seg);
    tcp.emits(". 1461:2921(1460) ack 1"_seg);
    tcp.gets(". 1:101(100) ack 2921"_seg);
    tcp.emits("P. 2921:3501(580) ack 101"_seg);
    tcp.emits_nothing();
}

TEST_CASE("SEND many times little: what waits goes in segments as large as can be, whatever the calls were",
          "[calls][3.9.1.2][MAY-16][SHLD-27][SHLD-28][MUST-61]") {
    subject tcp = in(established);
    CHECK(tcp.send(10) == ok);
    tcp.emits("P. 1:11(10) ack 1"_seg);
    for (int i = 0; i < 140; ++i) {
        CHECK(tcp.send(10) == ok);
        tcp.emits_nothing();  // Nagle
    }
    for (int i = 0; i < 200; ++i) {
        CHECK(tcp.send(10) == ok);
        tcp.leaves_unpolled();
    }
    tcp.emits(". 11:1471(1460) ack 1"_seg);
    tcp.emits(". 1471:2931(1460) ack 1"_seg);
    tcp.emits_nothing();
    tcp.gets(". 1:1(0) ack 2931"_seg);
    tcp.emits("P. 2931:3411(480) ack 1"_seg);
}

TEST_CASE("SEND in CLOSE-WAIT: as in ESTABLISHED", "[calls][3.10.2][3.6]") {
    subject tcp = in(close_wait);
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 2"_seg);
    tcp.gets(". 2:2(0) ack 101"_seg);
    CHECK(tcp.passes(route{close_wait}));
    tcp.never_wakes();
}

TEST_CASE("SEND without room: insufficient resources, and nothing of it is taken", "[calls][3.10.2]") {
    for (const state s : {syn_sent, syn_received, established, close_wait}) {
        subject tcp = in(s, subject{{.snd_buff = 1000}});
        CHECK(tcp.conn().writable() == 1000);
        CHECK(tcp.send(1001) == err_no_resources);
        CHECK(tcp.conn().writable() == 1000);
        tcp.emits_nothing();
        CHECK(tcp.send(1000) == ok);
        CHECK(tcp.conn().writable() == 0);
        while (tcp.polls()) {
        }
        CHECK(tcp.conn().writable() == 0);
        CHECK(tcp.send(1) == err_no_resources);
        CHECK(tcp.send(0xffff'ffff) == err_no_resources);
    }
}

TEST_CASE("SEND: an ACK makes room again, octet by octet", "[calls][3.10.2]") {
    subject tcp = in(established, subject{{.snd_buff = 1000}});
    CHECK(tcp.send(1000) == ok);
    tcp.emits("P. 1:1001(1000) ack 1"_seg);
    CHECK(tcp.gets(". 1:1(0) ack 301"_seg).acked == 300);
    CHECK(tcp.conn().writable() == 300);
    CHECK(tcp.send(301) == err_no_resources);
    CHECK(tcp.send(300) == ok);
    CHECK(tcp.conn().writable() == 0);
}

TEST_CASE("SEND after the user has closed: connection closing", "[calls][3.10.2][3.6]") {
    for (const state s : {fin_wait_1, fin_wait_2, closing, last_ack, time_wait}) {
        subject tcp = in(s);
        const auto before = tcp.numbers();
        CHECK(tcp.send(100) == err_closing);
        CHECK(tcp.send(0xffff'ffff) == err_closing);
        CHECK(tcp.send_urgent(1) == err_closing);
        CHECK(tcp.numbers() == before);
        CHECK(tcp.passes(route{s}));
        tcp.emits_nothing();
    }
}

TEST_CASE("SEND behind a CLOSE that waits in SYN-RECEIVED: connection closing", "[calls][3.6][3.10.2]") {
    subject tcp = in(syn_received);
    CHECK(tcp.send(100) == ok);
    CHECK(tcp.close() == ok);
    tcp.is(syn_received);
    CHECK(tcp.send(1) == err_closing);
    CHECK_FALSE(tcp.conn().may_send());
    tcp.gets(". 1:1(0) ack 1"_seg);
    tcp.emits("FP. 1:101(100) ack 1"_seg);
    CHECK(tcp.passes(route{syn_received, established, fin_wait_1}));
}

TEST_CASE("SEND behind a CLOSE that waits in CLOSE-WAIT: connection closing", "[calls][3.6][3.10.2]") {
    subject tcp = in(close_wait);
    CHECK(tcp.send(2000) == ok);
    tcp.leaves_unpolled();
    CHECK(tcp.close() == ok);
    tcp.is(close_wait);
    tcp.leaves_unpolled();
    CHECK(tcp.send(1) == err_closing);
    tcp.leaves_unpolled();
    CHECK(tcp.send(0xffff'ffff) == err_closing);
    CHECK_FALSE(tcp.conn().may_send());
}

TEST_CASE("SEND of no octets: nothing to send", "[calls][3.10.2]") {
    for (const state s : {syn_sent, syn_received, established, close_wait}) {
        subject tcp = in(s);
        CHECK(tcp.send(0) == ok);
        tcp.emits_nothing();
        CHECK(tcp.conn().writable() == 65535);
    }
}

TEST_CASE("SEND beyond the peer's window: the rest stays in the buffer", "[calls][3.10.2][3.8.6][5681-1]") {
    subject tcp = in(established);
    tcp.gets(". 1:1(0) ack 1 win 2000"_seg);
    CHECK(tcp.send(5000) == ok);
    tcp.emits(". 1:1461(1460) ack 1"_seg);
    tcp.emits_nothing();  // 540 octets of window are a silly segment (MUST-38)
    tcp.gets(". 1:1(0) ack 1461 win 4000"_seg);
    tcp.emits(". 1461:2921(1460) ack 1"_seg);
    tcp.emits(". 2921:4381(1460) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 4381 win 4000"_seg);
    tcp.emits("P. 4381:5001(620) ack 1"_seg);
}

TEST_CASE("SEND: the send MSS is the smaller of both, and 536 without the option", "[calls][3.7.1][MUST-15][MUST-16]") {
    subject unsaid;
    CHECK(unsaid.open_active() == ok);
    unsaid.emits("S 0:0(0)"_seg);
    unsaid.gets("S. 0:0(0) ack 1"_seg);
    unsaid.emits(". 1:1(0) ack 1"_seg);
    CHECK(unsaid.send(1000) == ok);
    unsaid.emits(". 1:537(536) ack 1"_seg);

    subject narrow = in(established, subject{{.mss = 1000}});
    CHECK(narrow.send(1500) == ok);
    narrow.emits(". 1:1001(1000) ack 1"_seg);
}

TEST_CASE("SEND: options take their place out of the MSS", "[calls][3.7.1][MUST-16][RFC 7323 3.2][6691-2]") {
    subject tcp;
    CHECK(tcp.open_active() == ok);
    tcp.emits("S 0:0(0)"_seg);
    tcp.gets("S. 0:0(0) ack 1 <mss 1460,TS val 1000 ecr 1000>"_seg);
    tcp.emits(". 1:1(0) ack 1 <TS val 1000 ecr 1000>"_seg);
    CHECK(tcp.send(2000) == ok);
    tcp.emits(". 1:1449(1448) ack 1 <TS val 1000 ecr 1000>"_seg);
}

TEST_CASE("SEND: the user timeout may be set with it", "[calls][3.9.1.2]") {
    subject tcp = in(established);
    tcp.does("user timeout of 700 ms", [](auto& c, time_point) { c.set_user_timeout(700ms); });
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    CHECK(tcp.wakes_in(700ms));
    tcp.advance(700ms);
    tcp.is(closed);
    tcp.tells(tell_timed_out);
}

// --- Urgent data (3.8.5) ------------------------------------------------------------------------------

TEST_CASE("SEND, urgent: URG, and the pointer one beyond the last urgent octet",
          "[calls][3.8.5][3.10.2][MUST-30][MUST-62][6093-1][6093-4]") {
    subject tcp = in(established);
    CHECK(tcp.send_urgent(5) == ok);
    tcp.emits("UP. 1:6(5) ack 1 urg 5"_seg);
    tcp.emits_nothing();
}

TEST_CASE("SEND, urgent: URG as long as urgent octets lie ahead, on every segment",
          "[calls][3.8.5][MUST-31][MUST-62]") {
    subject tcp = in(established);
    CHECK(tcp.send(1000) == ok);
    tcp.leaves_unpolled();
    CHECK(tcp.send_urgent(2000) == ok);
    tcp.leaves_unpolled();
    CHECK(tcp.send(1500) == ok);
    tcp.emits("U. 1:1461(1460) ack 1 urg 3000"_seg);
    tcp.emits("U. 1461:2921(1460) ack 1 urg 1540"_seg);
    tcp.emits("U. 2921:4381(1460) ack 1 urg 80"_seg);
    tcp.gets(". 1:1(0) ack 4381"_seg);
    tcp.emits("P. 4381:4501(120) ack 1"_seg);  // no urgent octet any more
}

TEST_CASE("SEND, urgent: more urgent data moves the pointer on", "[calls][3.8.5][MUST-31]") {
    subject tcp = in(established, subject{{.nagle = false}});
    CHECK(tcp.send_urgent(10) == ok);
    tcp.emits("UP. 1:11(10) ack 1 urg 10"_seg);
    CHECK(tcp.send_urgent(10) == ok);
    tcp.emits("UP. 11:21(10) ack 1 urg 10"_seg);
}

TEST_CASE("SEND, urgent: a retransmission is urgent, too", "[calls][3.8.5][RFC 6298 5.4]") {
    subject tcp = in(established);
    CHECK(tcp.send_urgent(5) == ok);
    tcp.emits("UP. 1:6(5) ack 1 urg 5"_seg);
    tcp.advance(1s);
    tcp.emits("UP. 1:6(5) ack 1 urg 5"_seg);
}

TEST_CASE("SEND, urgent: octets that were acknowledged are not urgent any more", "[calls][3.8.5]") {
    subject tcp = in(established);
    CHECK(tcp.send_urgent(5) == ok);
    tcp.emits("UP. 1:6(5) ack 1 urg 5"_seg);
    tcp.gets(". 1:1(0) ack 6"_seg);
    CHECK(tcp.send(5) == ok);
    tcp.emits("P. 6:11(5) ack 1"_seg);
}

TEST_CASE("SEND, urgent: behind a window that is shut, an ACK already says that there is some",
          "[calls][3.8.5][3.8.6.1]") {
    subject tcp = in(established);
    tcp.gets(". 1:1(0) ack 1 win 0"_seg);
    CHECK(tcp.send_urgent(5) == ok);
    tcp.emits_nothing();
    tcp.gets("P. 1:101(100) ack 1 win 0"_seg);
    tcp.advance(40ms);
    tcp.emits("U. 1:1(0) ack 101 urg 5"_seg);
}

TEST_CASE("SEND, urgent: a pointer that 16 bits cannot say is the largest, and comes nearer",
          "[calls][3.8.5][MUST-62]") {
    subject tcp{{.snd_buff = 200'000}};
    CHECK(tcp.open_active() == ok);
    tcp.emits("S 0:0(0)"_seg);
    tcp.gets("S. 0:0(0) ack 1 <mss 1460>"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    CHECK(tcp.send(65534) == ok);
    tcp.leaves_unpolled();
    CHECK(tcp.send_urgent(2) == ok);
    const transmit first = tcp.emits("U. 1:1461(1460) ack 1 urg 65535"_seg);
    CHECK(first.at == 0);
    tcp.emits("U. 1461:2921(1460) ack 1 urg 64076"_seg);
}

TEST_CASE("SEND, urgent, before ESTABLISHED: urgent on the segments that carry it, not on the SYN",
          "[calls][3.8.5][3.10.2]") {
    subject tcp = in(listen);
    CHECK(tcp.send_urgent(5) == ok);
    tcp.emits("S 0:0(0)"_seg);
    tcp.gets("S. 0:0(0) ack 1"_seg);
    tcp.emits("UP. 1:6(5) ack 1 urg 5"_seg);
}

TEST_CASE("SEND, urgent: a FIN behind it is none", "[calls][3.8.5]") {
    subject tcp = in(established);
    CHECK(tcp.send_urgent(5) == ok);
    tcp.leaves_unpolled();
    CHECK(tcp.close() == ok);
    tcp.emits("FUP. 1:6(5) ack 1 urg 5"_seg);
}

// --- Text with the SYN --------------------------------------------------------------------------------

struct eager : policies {
    static constexpr bool text_on_syn = true;
};
using eager_subject = basic_subject<eager>;

TEST_CASE("Text on the SYN: it goes with it, as much as the default MSS holds", "[calls][3.10.1][3.10.2][MUST-15]") {
    eager_subject tcp;
    CHECK(tcp.open_passive() == ok);
    CHECK(tcp.send(100) == ok);
    const transmit syn = tcp.emits("S 0:100(100)"_seg);
    CHECK(syn.at == 0);
    tcp.gets("S. 0:0(0) ack 101 <mss 1460>"_seg);
    CHECK(tcp.conn().writable() == 65535);
    tcp.emits(". 101:101(0) ack 1"_seg);
    tcp.is(established);
    tcp.never_wakes();

    eager_subject more;
    CHECK(more.open_passive() == ok);
    CHECK(more.send(1000) == ok);
    const transmit full = *more.polls();
    CHECK(full.segment.has(ctl::syn));
    CHECK(full.segment.text == 536 - 20);  // mss 4, sackOK 2, timestamps 10, wscale 3, and one of padding
}

TEST_CASE("Text on the SYN: a SYN,ACK that acknowledges the SYN alone brings the text again at once",
          "[calls][3.10.7.3]") {
    eager_subject tcp;
    CHECK(tcp.open_passive() == ok);
    CHECK(tcp.send(100) == ok);
    tcp.emits("S 0:100(100)"_seg);
    CHECK(tcp.gets("S. 0:0(0) ack 1 <mss 1460>"_seg).acked == 0);
    tcp.is(established);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    tcp.emits_nothing();
    CHECK(tcp.gets(". 1:1(0) ack 101"_seg).acked == 100);
    tcp.never_wakes();
}

TEST_CASE("Text on the SYN: a SYN,ACK may acknowledge part of it", "[calls][3.10.7.3]") {
    eager_subject tcp;
    CHECK(tcp.open_passive() == ok);
    CHECK(tcp.send(100) == ok);
    tcp.emits("S 0:100(100)"_seg);
    CHECK(tcp.gets("S. 0:0(0) ack 41 <mss 1460>"_seg).acked == 40);
    const transmit rest = tcp.emits("P. 41:101(60) ack 1"_seg);
    CHECK(rest.at == 0);
}

TEST_CASE("Text on the SYN: a SYN that goes again goes without it", "[calls][3.10.2][RFC 6298 5.4]") {
    eager_subject tcp;
    CHECK(tcp.open_passive() == ok);
    CHECK(tcp.send(100) == ok);
    tcp.emits("S 0:100(100)"_seg);
    tcp.advance(1s);
    tcp.emits("S 0:0(0)"_seg);
    tcp.gets("S. 0:0(0) ack 1 <mss 1460>"_seg);
    tcp.emits("P. 1:101(100) ack 1"_seg);
}

TEST_CASE("Text on the SYN: none without a SEND before it leaves, and none on a SYN,ACK", "[calls][3.10.2]") {
    eager_subject tcp;
    CHECK(tcp.open_active() == ok);
    tcp.emits("S 0:0(0)"_seg);
    CHECK(tcp.send(100) == ok);
    tcp.emits_nothing();
    tcp.gets("S 0:0(0) <mss 1460>"_seg);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    tcp.gets("S. 0:0(0) ack 1 <mss 1460>"_seg);
    tcp.emits("P. 1:101(100) ack 1"_seg);
}

TEST_CASE("Text on the SYN that is urgent: URG goes with it", "[calls][3.10.2][3.8.5]") {
    eager_subject tcp;
    CHECK(tcp.open_passive() == ok);
    CHECK(tcp.send_urgent(100) == ok);
    tcp.emits("SU 0:100(100) urg 101"_seg);
    tcp.gets("S. 0:0(0) ack 1 <mss 1460>"_seg);
    tcp.emits("UP. 1:101(100) ack 1 urg 100"_seg);
}

}  // namespace
