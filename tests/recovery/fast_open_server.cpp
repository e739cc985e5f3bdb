// SPDX-License-Identifier: MIT
// fast_open_server.cpp: the server's half of fast open (RFC 7413 section 4.2.2), one connection.

#include <support/catch.hpp>
#include <support/states.hpp>

#include <tcpfsm/congestion/bbr.hpp>
#include <tcpfsm/cookies.hpp>

#include <chrono>
#include <cstdint>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;
using enum tcpfsm::state;
using enum tcpfsm::answer;

struct fast : policies {
    static constexpr bool fast_open = true;
    static constexpr bool timestamps = false;
};
using server = basic_subject<fast>;

constexpr fast_open_cookie eight{{1, 2, 3, 4, 5, 6, 7, 8}, 8};
constexpr fast_open_cookie four{{10, 11, 12, 13}, 4};

/// LISTEN, with leave to take these cookies.
template <class Subject = server>
Subject listening(const fast_open_grant& grant, const parameters& given = {}) {
    Subject tcp{given};
    CHECK(tcp.open_passive() == ok);
    tcp.does("fast open", [&](auto& c, time_point) { c.grant_fast_open(grant); });
    return tcp;
}
/// SYN-RECEIVED, with 100 octets of a SYN that showed its cookie; the SYN,ACK has been sent.
template <class Subject = server>
Subject opened_by_cookie(const parameters& given = {}) {
    auto tcp = listening<Subject>({.cookie = eight}, given);
    CHECK(tcp.gets("S 0:100(100) win 65535 <mss 1000,FO 0102030405060708>"_seg).in_order == 100);
    tcp.emits("S. 0:0(0) ack 101 <mss 1460>"_seg);
    tcp.tells(signal::tell_early);
    tcp.is(syn_received);
    return tcp;
}

// --- Cookies -------------------------------------------------------------------------------------------------

TEST_CASE("Fast open, server: a SYN that asks for a cookie gets one, and is otherwise an ordinary SYN",
          "[RFC 7413 4.1.2][RFC 7413 4.2.2]") {
    server tcp = listening({.cookie = eight});
    CHECK(tcp.gets("S 0:100(100) <mss 1000,FO>"_seg).in_order == 0);
    tcp.emits("S. 0:0(0) ack 1 <mss 1460,FO 0102030405060708>"_seg);
    tcp.tells_nothing();
    CHECK(tcp.gets(". 101:101(0) ack 1"_seg).in_order == 100);  // the text of any SYN waits for the handshake
    tcp.emits(". 1:1(0) ack 101"_seg);
    tcp.tells(signal::tell_open);
}

TEST_CASE("Fast open, server: with its cookie the text counts at once, and is acknowledged with the SYN",
          "[RFC 7413 4.2.2]") {
    server tcp = opened_by_cookie();
    CHECK(tcp.conn().readable() == 100);
    CHECK(tcp.receive(100) == ok);
    CHECK(tcp.conn().readable() == 0);
    tcp.tells_nothing();
    tcp.gets(". 101:101(0) ack 1"_seg);
    tcp.emits_nothing();
    tcp.tells(signal::tell_open);
    tcp.passes(route{closed, listen, syn_received, established});
}

TEST_CASE("Fast open, server: what shows another cookie is an ordinary SYN, and is given the right one",
          "[RFC 7413 4.2.2]") {
    for (const script& syn :
         {"S 0:100(100) <mss 1000,FO 0102030405060709>"_seg, "S 0:100(100) <mss 1000,FO 01020304>"_seg,
          "S 0:100(100) <mss 1000,FO 0102030405060708090a>"_seg, "S 0:100(100) <mss 1000,FO 0a0b0c0e>"_seg}) {
        server tcp = listening({.cookie = eight, .older = four});
        CHECK(tcp.gets(syn).in_order == 0);
        tcp.emits("S. 0:0(0) ack 1 <mss 1460,FO 0102030405060708>"_seg);
        tcp.tells_nothing();
    }
}

TEST_CASE("Fast open, server: a cookie made with the key before this one counts, and is replaced",
          "[RFC 7413 4.1.2][7413-3]") {
    server tcp = listening({.cookie = eight, .older = four});
    CHECK(tcp.gets("S 0:100(100) <mss 1000,FO 0a0b0c0d>"_seg).in_order == 100);
    tcp.emits("S. 0:0(0) ack 101 <mss 1460,FO 0102030405060708>"_seg);
    tcp.tells(signal::tell_early);
}

TEST_CASE("Fast open, server: nothing counts, and no cookie is given, unless the listener says so",
          "[RFC 7413 4][7413-1][7413-7]") {
    for (const script& syn : {"S 0:100(100) <mss 1000,FO>"_seg, "S 0:100(100) <mss 1000,FO 0102030405060708>"_seg}) {
        server tcp;
        CHECK(tcp.open_passive() == ok);
        CHECK(tcp.gets(syn).in_order == 0);
        tcp.emits("S. 0:0(0) ack 1 <mss 1460>"_seg);
        tcp.tells_nothing();
    }
    server tcp = listening({.older = four});  // no cookie to give, and one to take
    tcp.gets("S 0:100(100) <mss 1000,FO>"_seg);
    tcp.emits("S. 0:0(0) ack 1 <mss 1460>"_seg);
}

TEST_CASE("Fast open, server: where addresses can be believed, no cookie is needed, and none is asked for",
          "[RFC 7413 4.2.2]") {
    server tcp = listening({.without_cookie = true});
    CHECK(tcp.gets("S 0:100(100) <mss 1000>"_seg).in_order == 100);
    tcp.emits("S. 0:0(0) ack 101 <mss 1460>"_seg);
    server empty = listening({.without_cookie = true});
    empty.gets("S 0:0(0) <mss 1000>"_seg);
    empty.emits("S. 0:0(0) ack 1 <mss 1460>"_seg);
    empty.tells_nothing();
}

TEST_CASE("Fast open, server: leave is for the next peer alone, and is given in LISTEN alone", "[RFC 7413 4.2.2]") {
    server tcp = listening({.cookie = eight});
    tcp.gets("S 0:0(0) <mss 1000>"_seg);
    tcp.emits("S. 0:0(0) ack 1 <mss 1460>"_seg);
    tcp.gets("R 1:1(0)"_seg);
    tcp.is(listen);
    CHECK(tcp.gets("S 0:100(100) <mss 1000,FO 0102030405060708>"_seg).in_order == 0);
    const auto before = tcp.numbers();
    static_cast<void>(tcp.polls());
    tcp.does("fast open", [&](auto& c, time_point) { c.grant_fast_open({.cookie = four}); });
    CHECK(tcp.numbers().opening == before.opening);
}

TEST_CASE("Fast open, server: a client that meets another client's SYN gives nobody's cookie away",
          "[RFC 7413 4.2.2]") {
    server tcp;
    tcp.does("OPEN, fast", [&](auto& c, time_point now) { CHECK(c.open_fast(tcp.given(), eight, now) == ok); });
    tcp.emits("S 0:0(0) <mss 1460,sackOK,nop,wscale 0,FO 0102030405060708>"_seg);
    tcp.gets("S 0:100(100) <mss 1000,FO 0102030405060708>"_seg);
    CHECK(tcp.conn().readable() == 0);
    tcp.emits("S. 0:0(0) ack 1 <mss 1460>"_seg);
}

// --- SEND before the ACK of the SYN,ACK ----------------------------------------------------------------------

TEST_CASE("Fast open, server: an answer goes behind the SYN,ACK, although that is not acknowledged",
          "[RFC 7413 4.2.2][7413-9]") {
    server tcp = opened_by_cookie();
    CHECK(tcp.send(50) == ok);  // Nagle waits for text, not for a SYN
    tcp.emits("P. 1:51(50) ack 101"_seg);
    CHECK(tcp.send(50) == ok);
    tcp.emits_nothing();
    CHECK(tcp.gets(". 101:101(0) ack 1"_seg).acked == 0);
    tcp.is(established);
    tcp.emits_nothing();  // neither what is on its way, once more, nor what Nagle holds
    CHECK(tcp.gets(". 101:101(0) ack 51"_seg).acked == 50);
    tcp.emits("P. 51:101(50) ack 101"_seg);
}

TEST_CASE("Fast open, server: one ACK may acknowledge the SYN and the answer", "[RFC 7413 4.2.2]") {
    server tcp = opened_by_cookie();
    CHECK(tcp.send(50) == ok);
    tcp.emits("P. 1:51(50) ack 101"_seg);
    CHECK(tcp.gets("P. 101:201(100) ack 51"_seg).acked == 50);
    tcp.is(established);
    CHECK(tcp.conn().readable() == 200);
}

TEST_CASE("Fast open, server: before the handshake is done the initial window leaves, and no more",
          "[RFC 7413 4.2.2][7413-8][7413-9]") {
    server tcp = opened_by_cookie({.snd_buff = 100'000});
    CHECK(tcp.send(50'000) == ok);
    for (int i = 0; i < 10; ++i) CHECK(tcp.polls()->segment.text == 1000);
    tcp.emits_nothing();
    tcp.gets(". 101:101(0) ack 1"_seg);
    tcp.emits_nothing();  // the ACK of a SYN opens no window (RFC 5681 3.1)
    tcp.gets(". 101:101(0) ack 2001"_seg);
    unsigned sent = 0;
    while (tcp.polls()) ++sent;
    CHECK(sent == 3);  // two have left the network, and the window has grown by one
}

TEST_CASE("Fast open, server: the peer's window, as its SYN says it, holds", "[RFC 7413 4.2.2][7413-9]") {
    server tcp = listening({.cookie = eight});
    tcp.gets("S 0:100(100) win 1500 <mss 1000,sackOK,nop,wscale 7,FO 0102030405060708>"_seg);
    tcp.emits("S. 0:0(0) ack 101"_seg);
    CHECK(tcp.send(5000) == ok);
    CHECK(tcp.polls()->segment.text == 1000);
    tcp.emits_nothing();
    server exact = listening({.cookie = eight});
    exact.gets("S 0:100(100) win 2000 <mss 1000,FO 0102030405060708>"_seg);
    exact.emits("S. 0:0(0) ack 101"_seg);
    CHECK(exact.send(5000) == ok);
    exact.emits(". 1:1001(1000) ack 101"_seg);
    exact.emits(". 1001:2001(1000) ack 101"_seg);
    exact.emits_nothing();
    server shut = listening({.cookie = eight});
    shut.gets("S 0:100(100) win 0 <mss 1000,FO 0102030405060708>"_seg);
    shut.emits("S. 0:0(0) ack 101"_seg);
    CHECK(shut.send(100) == ok);
    shut.emits_nothing();
    shut.gets(". 101:101(0) ack 1 win 1000"_seg);
    shut.emits("P. 1:101(100) ack 101"_seg);
}

TEST_CASE("Fast open, server: CLOSE behind the answer sends the FIN with it", "[RFC 7413 4.2.2]") {
    server tcp = opened_by_cookie();
    CHECK(tcp.receive(100) == ok);
    tcp.leaves_unpolled();
    CHECK(tcp.send(50) == ok);
    tcp.leaves_unpolled();
    CHECK(tcp.close() == ok);
    tcp.emits("FP. 1:51(50) ack 101"_seg);
    tcp.is(fin_wait_1);
    tcp.gets(". 101:101(0) ack 1"_seg);
    tcp.emits_nothing();
    tcp.gets("F. 101:101(0) ack 52"_seg);
    tcp.emits(". 52:52(0) ack 102"_seg);
    tcp.is(time_wait);
}

TEST_CASE("Fast open, server: CLOSE of both directions with the SYN's text unread resets", "[RFC 7413 4.2.2]") {
    server tcp = opened_by_cookie();
    CHECK(tcp.close_both() == ok);
    tcp.emits("R 1:1(0)"_seg);
    tcp.is(closed);
}

// --- What is lost, and what comes twice ----------------------------------------------------------------------

TEST_CASE("Fast open, server: a SYN,ACK that is lost goes again alone, without option and text, then one segment",
          "[RFC 7413 4.2.2][7413-6]") {
    server tcp = listening({.cookie = eight, .older = four});
    tcp.gets("S 0:100(100) <mss 1000,FO 0a0b0c0d>"_seg);
    tcp.emits("S. 0:0(0) ack 101 <mss 1460,FO 0102030405060708>"_seg);
    CHECK(tcp.send(2500) == ok);
    for (int i = 0; i < 2; ++i) CHECK(tcp.polls()->segment.text == 1000);
    CHECK(tcp.polls() == std::nullopt);
    tcp.advance(1s);
    tcp.emits("S. 0:0(0) ack 101 <mss 1460>"_seg);
    tcp.emits_nothing();
    tcp.leaves_unpolled();
    CHECK(tcp.send(10) == ok);
    tcp.emits_nothing();
    tcp.gets(". 101:101(0) ack 1"_seg);
    tcp.is(established);
    tcp.emits(". 1:1001(1000) ack 101"_seg);
    tcp.emits_nothing();  // RFC 5681 3.1: one segment after the loss of a SYN
    tcp.gets(". 101:101(0) ack 1001"_seg);
    tcp.emits(". 1001:2001(1000) ack 101"_seg);
}

TEST_CASE("Fast open, server: once a SYN,ACK was lost nothing new follows it, although there would be room",
          "[RFC 7413 4.2.2][7413-6]") {
    server tcp = opened_by_cookie({.nagle = false});
    CHECK(tcp.send(50) == ok);
    tcp.emits("P. 1:51(50) ack 101"_seg);
    tcp.advance(1s);
    tcp.emits("S. 0:0(0) ack 101 <mss 1460>"_seg);
    CHECK(tcp.send(50) == ok);
    tcp.emits_nothing();
    tcp.gets(". 101:101(0) ack 1"_seg);
    tcp.emits(". 1:51(50) ack 101"_seg);
}

TEST_CASE("Fast open, server: the same SYN once more is answered by the SYN,ACK alone, and its text counts once",
          "[RFC 7413 4.2.2]") {
    for (const script& again : {"S 0:100(100) <mss 1000,FO 0102030405060708>"_seg, "S 0:0(0) <mss 1000>"_seg,
                                "S 0:100(100) <mss 1000>"_seg}) {
        server tcp = opened_by_cookie();
        CHECK(tcp.send(50) == ok);
        tcp.emits("P. 1:51(50) ack 101"_seg);
        CHECK(tcp.gets(again).in_order == 0);
        tcp.emits("S. 0:0(0) ack 101 <mss 1460>"_seg);
        tcp.emits_nothing();
        tcp.tells_nothing();
        CHECK(tcp.conn().readable() == 100);
        tcp.gets(". 101:101(0) ack 1"_seg);
        tcp.emits_nothing();
    }
}

TEST_CASE("Fast open, server: a SYN without text that overtook the one with it makes an ordinary connection",
          "[RFC 7413 4.2.2]") {
    server tcp = listening({.cookie = eight});
    tcp.gets("S 0:0(0) <mss 1000>"_seg);
    tcp.emits("S. 0:0(0) ack 1 <mss 1460>"_seg);
    CHECK(tcp.gets("S 0:100(100) <mss 1000,FO 0102030405060708>"_seg).in_order == 0);
    tcp.emits("S. 0:0(0) ack 1 <mss 1460>"_seg);
    tcp.tells_nothing();
    CHECK(tcp.gets("P. 1:101(100) ack 1"_seg).in_order == 100);
}

TEST_CASE("Fast open, server: an answer that is lost goes again when its time has come", "[RFC 7413 4.2.2]") {
    server tcp = opened_by_cookie();
    CHECK(tcp.send(50) == ok);
    tcp.emits("P. 1:51(50) ack 101"_seg);
    tcp.advance(100ms);
    tcp.gets(". 101:101(0) ack 1"_seg);
    tcp.emits_nothing();
    tcp.advance(1s);
    tcp.emits("P. 1:51(50) ack 101"_seg);
}

TEST_CASE("Fast open, server: with SACK no round trip is read from text whose ACK came right behind the handshake's",
          "[RFC 7413 4.2.2]") {
    server tcp = listening({.cookie = eight});
    tcp.gets("S 0:100(100) <mss 1000,sackOK,FO 0102030405060708>"_seg);
    tcp.emits("S. 0:0(0) ack 101"_seg);
    CHECK(tcp.send(50) == ok);
    tcp.emits("P. 1:51(50) ack 101"_seg);
    tcp.advance(200ms);
    tcp.gets(". 101:101(0) ack 1"_seg);
    tcp.emits_nothing();
    tcp.advance(1ms);
    tcp.gets(". 101:101(0) ack 51"_seg);
    CHECK(tcp.numbers().sent.rack.min_rtt() == 0);
    CHECK(tcp.numbers().rtt.srtt() == 200ms);
}

TEST_CASE("Fast open, server: a FIN behind the text waits until our SYN is acknowledged", "[RFC 7413 4.2.2]") {
    server tcp = listening({.cookie = eight});
    CHECK(tcp.gets("FS 0:100(100) <mss 1000,FO 0102030405060708>"_seg).in_order == 100);
    tcp.emits("S. 0:0(0) ack 101"_seg);  // "MUST acknowledge the entire data sequence"
    tcp.tells(signal::tell_early);
    tcp.gets(". 102:102(0) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 102"_seg);
    tcp.is(close_wait);
}

TEST_CASE("Fast open, server: more text than there is room for is taken as far as it fits", "[RFC 7413 4.2.2]") {
    for (const std::uint32_t room : {0U, 60U}) {
        server tcp = listening({.cookie = eight}, {.rcv_buff = room});
        CHECK(tcp.gets("S 0:100(100) <mss 1000,FO 0102030405060708>"_seg).in_order == room);
        const auto out = tcp.polls();
        REQUIRE(out);
        CHECK(out->segment.ack == tcp.in_world().peers + 1 + room);
        CHECK(out->segment.has(ctl::syn | ctl::ack));
        CHECK(out->segment.wnd == 0);  // none is left
        CHECK((tcp.receive(room) == ok && tcp.conn().readable() == 0));
        if (room != 0) tcp.emits(". 1:1(0) ack 61 win 60"_seg);
    }
}

TEST_CASE("Fast open, server: the SYN,ACK offers what the text has left of the buffer, and reading is no news",
          "[RFC 7413 4.2.2][SHLD-14]") {
    server tcp = listening({.cookie = eight}, {.rcv_buff = 4000});
    CHECK(tcp.gets("S 0:2400(2400) win 65535 <mss 1000,FO 0102030405060708>"_seg).in_order == 2400);
    tcp.emits("S. 0:0(0) ack 2401 win 1600"_seg);
    CHECK(tcp.receive(2400) == ok);
    tcp.emits_nothing();
    tcp.gets(". 2401:2401(0) ack 1"_seg);
    CHECK(tcp.send(10) == ok);
    tcp.emits("P. 1:11(10) ack 2401 win 4000"_seg);
}

TEST_CASE("Fast open, server: a cookie without text opens as well, and the server may speak first",
          "[RFC 7413 4.2.2]") {
    server tcp = listening({.cookie = eight});
    tcp.gets("S 0:0(0) <mss 1000,FO 0102030405060708>"_seg);
    tcp.emits("S. 0:0(0) ack 1 <mss 1460>"_seg);
    tcp.tells(signal::tell_early);
    CHECK(tcp.send(50) == ok);
    tcp.emits("P. 1:51(50) ack 1"_seg);
}

// --- The end before the handshake ----------------------------------------------------------------------------

TEST_CASE("Fast open, server: a connection that the user knows of does not fall back to LISTEN when it is reset",
          "[RFC 7413 4.2.2]") {
    server tcp = opened_by_cookie();
    tcp.gets("R 101:101(0)"_seg);
    tcp.tells(signal::tell_refused);
    tcp.is(closed);
}

TEST_CASE("Fast open, server: a SYN in the window is challenged, as on any connection that the user knows of",
          "[RFC 7413 4.2.2][RFC 5961 4.2]") {
    server tcp = opened_by_cookie();
    tcp.gets("S 150:150(0)"_seg);
    tcp.emits(". 1:1(0) ack 101"_seg);
    tcp.is(syn_received);
}

TEST_CASE("Fast open, server: whoever does not answer the SYN,ACK is given up", "[RFC 7413 4.2.2]") {
    server tcp = opened_by_cookie({.user_timeout = 5s});
    CHECK(tcp.send(50) == ok);
    tcp.emits("P. 1:51(50) ack 101"_seg);
    CHECK(tcp.loses(10s) == 2);  // SYN,ACKs after one second and after three
    tcp.tells(signal::tell_timed_out);
    tcp.is(closed);
}

// --- With other policies -------------------------------------------------------------------------------------

struct fast_and_paced : policies {
    static constexpr bool fast_open = true;
    static constexpr bool timestamps = false;
    using congestion = bbr;
};

TEST_CASE("Fast open, server: a control that paces does not hold text back before the handshake, where no timer runs",
          "[RFC 7413 4.2.2]") {
    auto tcp = opened_by_cookie<basic_subject<fast_and_paced>>();
    CHECK(tcp.send(4000) == ok);
    for (int i = 0; i < 4; ++i) CHECK(tcp.polls()->segment.text == 1000);
    tcp.gets(". 101:101(0) ack 1"_seg);
    tcp.gets(". 101:101(0) ack 4001"_seg);
    CHECK(!tcp.numbers().snd.outstanding());
}

TEST_CASE("Fast open, server: before the handshake is done nothing is sent as capable of ECN", "[RFC 3168 6.1.1]") {
    server tcp = listening({.cookie = eight});
    tcp.gets("SEW 0:100(100) <mss 1000,FO 0102030405060708>"_seg);
    const auto syn_ack = tcp.polls();
    REQUIRE(syn_ack);
    REQUIRE(syn_ack->segment.has(ctl::ece));
    CHECK(tcp.send(50) == ok);
    const auto early = tcp.polls();
    REQUIRE(early);
    CHECK(early->segment.ecn == ecn::not_ect);
    tcp.gets(". 101:101(0) ack 51"_seg);
    CHECK(tcp.send(50) == ok);
    const auto later = tcp.polls();
    REQUIRE(later);
    CHECK(later->segment.ecn == ecn::ect_0);
}

}  // namespace
