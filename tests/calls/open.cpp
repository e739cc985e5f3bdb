// SPDX-License-Identifier: MIT
// open.cpp: OPEN in each state (3.10.1).

#include <support/states.hpp>

#include <tuple>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using enum tcpfsm::state;
using enum tcpfsm::answer;
using enum tcpfsm::signal;

TEST_CASE("OPEN, passive: a TCB, and not a segment", "[calls][3.10.1][MUST-41]") {
    subject tcp;
    CHECK(tcp.open_passive() == ok);
    tcp.is(listen);
    tcp.emits_nothing();
    tcp.never_wakes();
    tcp.tells_nothing();
}

TEST_CASE("OPEN, active: <SEQ=ISS><CTL=SYN>, and the timer runs", "[calls][3.10.1][MUST-14][RFC 6298 2.1][6298-2]") {
    subject tcp{{.mss = 1400}};
    CHECK(tcp.open_active() == ok);
    tcp.is(syn_sent);
    tcp.emits("S 0:0(0) win 65535 <mss 1400,sackOK,TS val 1000 ecr 0,wscale 0>"_seg);
    tcp.emits_nothing();
    CHECK(tcp.numbers().snd.una == tcp.in_world().ours);
    CHECK(tcp.numbers().snd.nxt == tcp.in_world().ours + 1);
    CHECK(tcp.wakes_in(std::chrono::seconds{1}));
}

TEST_CASE("OPEN: the first window and the scale say how large the buffer is",
          "[calls][3.10.1][RFC 7323 2.2][RFC 7323 2.3][7323-1]") {
    for (const auto& [buff, wnd, shift] : {std::tuple{1U, 1U, 0U},
                                           {65535U, 65535U, 0U},
                                           {65536U, 65535U, 1U},
                                           {100'000U, 65535U, 1U},
                                           {1U << 20U, 65535U, 5U},
                                           {(1U << 30U) - (1U << 14U), 65535U, 14U}}) {
        CAPTURE(buff);
        subject tcp{{.rcv_buff = buff}};
        CHECK(tcp.open_active() == ok);
        const transmit syn = tcp.emits("S 0:0(0)"_seg);
        CHECK(syn.segment.wnd == wnd);
        CHECK(syn.segment.options.window_scale == shift);
    }
}

struct plain : policies {
    static constexpr bool timestamps = false;
    static constexpr bool window_scale = false;
    static constexpr bool sack = false;
};
TEST_CASE("OPEN: what the policies switch off is not offered", "[calls][3.10.1][RFC 7323 2.2][RFC 2018 2]") {
    basic_subject<plain> tcp{{.rcv_buff = 1U << 20U}};
    CHECK(tcp.open_active() == ok);
    tcp.emits("S 0:0(0) win 65535 <mss 1460>"_seg);
}

TEST_CASE("OPEN, active, without a remote socket: refused, and nothing is left behind", "[calls][3.10.1]") {
    subject tcp{{.remote_specified = false}};
    CHECK(tcp.open_active() == err_unspecified);
    tcp.is(closed);
    tcp.emits_nothing();
    tcp.never_wakes();
    tcp.given().remote_specified = true;
    CHECK(tcp.open_active() == ok);
    tcp.emits("S 0:0(0)"_seg);
}

TEST_CASE("OPEN, active, in LISTEN with a remote socket: passive becomes active", "[calls][3.10.1]") {
    subject tcp = in(listen);
    CHECK(tcp.open_active() == ok);
    tcp.emits("S 0:0(0)"_seg);
    CHECK(tcp.passes(route{listen, syn_sent}));
    tcp.gets("S. 0:0(0) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    tcp.is(established);
}

TEST_CASE("OPEN, active, in LISTEN without a remote socket: refused, and LISTEN goes on", "[calls][3.10.1]") {
    subject tcp{{.remote_specified = false}};
    CHECK(tcp.open_passive() == ok);
    CHECK(tcp.open_active() == err_unspecified);
    tcp.is(listen);
    tcp.emits_nothing();
    tcp.gets("S 0:0(0)"_seg);
    tcp.emits("S. 0:0(0) ack 1"_seg);
}

TEST_CASE("OPEN, active, in LISTEN: the numbers are those of the first OPEN", "[calls][3.10.1]") {
    subject tcp{{.mss = 1000}};
    CHECK(tcp.open_passive() == ok);
    tcp.given() = parameters{};
    tcp.given().iss = tcp.in_world().ours + 99;
    CHECK(tcp.open_active() == ok);
    const transmit syn = tcp.emits("S 0:0(0)"_seg);
    CHECK(syn.segment.options.mss == 1000);
}

TEST_CASE("OPEN where a connection exists: an error, and nothing changes", "[calls][3.10.1][MUST-41]") {
    for (const state s :
         {syn_sent, syn_received, established, fin_wait_1, fin_wait_2, close_wait, closing, last_ack, time_wait}) {
        subject tcp = in(s);
        const auto before = tcp.numbers();
        for (const bool specified : {true, false}) {
            tcp.given().remote_specified = specified;
            CHECK(tcp.open_active() == err_exists);
            CHECK(tcp.open_passive() == err_exists);
        }
        CHECK(tcp.numbers() == before);
        CHECK(tcp.passes(route{s}));
        tcp.emits_nothing();
        tcp.tells_nothing();
    }
    subject tcp = in(listen);
    CHECK(tcp.open_passive() == err_exists);
    CHECK(tcp.passes(route{listen}));
}

TEST_CASE("OPEN after the end: a connection may be used again", "[calls][3.10.1]") {
    for (const state s : {listen, syn_sent, syn_received, established, fin_wait_1, fin_wait_2, close_wait, closing,
                          last_ack, time_wait}) {
        subject tcp = in(s);
        CHECK(tcp.abort() == ok);
        static_cast<void>(tcp.polls());
        tcp.is(closed);
        establish(tcp, opened::actively);
        tcp.tells(tell_open);
        tcp.tells_nothing();
    }
}

TEST_CASE("renew_iss: each copy of a listener has a number and a timestamp offset of its own", "[calls][3.4.1]") {
    subject tcp = in(listen);
    tcp.does("renew_iss",
             [](auto& c, time_point) { c.renew_iss(c.numbers().snd.iss + 5000, c.numbers().ts.offset + 7); });
    tcp.gets("S 0:0(0) <mss 1460,TS val 1000 ecr 0>"_seg);
    tcp.emits("S. 5000:5000(0) ack 1 <mss 1460,TS val 1007 ecr 1000>"_seg);
    tcp.gets(". 1:1(0) ack 5001 <TS val 1000 ecr 1007>"_seg);
    tcp.is(established);
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 5001:5101(100) ack 1"_seg);
}

TEST_CASE("renew_iss: also the number of an active OPEN that follows", "[calls][3.4.1][3.10.1]") {
    subject tcp = in(listen);
    tcp.does("renew_iss", [](auto& c, time_point) { c.renew_iss(c.numbers().snd.iss - 70'000, 0); });
    CHECK(tcp.open_active() == ok);
    tcp.emits("S -70000:-70000(0)"_seg);
}

TEST_CASE("renew_iss: nothing happens outside of LISTEN", "[calls][3.4.1]") {
    for (const state s : {closed, syn_sent, syn_received, established, fin_wait_1, fin_wait_2, close_wait, closing,
                          last_ack, time_wait}) {
        subject tcp = in(s);
        const auto before = tcp.numbers();
        tcp.does("renew_iss", [](auto& c, time_point) { c.renew_iss(seq{12345}, 678); });
        CHECK(tcp.numbers() == before);
    }
}

}  // namespace
