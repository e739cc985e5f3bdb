// SPDX-License-Identifier: MIT
// small_segments.cpp: when little text is sent (3.8.6.2.1), and Nagle's algorithm (3.7.4).

#include <support/states.hpp>

#include <chrono>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;
using enum tcpfsm::state;
using enum tcpfsm::answer;
using enum tcpfsm::signal;

/// ESTABLISHED with a peer of this MSS that has offered `most`, and offers `now`.
subject facing(std::uint16_t mss, std::uint16_t most, std::uint16_t offers, bool nagle = true,
               where w = where::here()) {
    subject tcp{{.mss = mss, .nagle = nagle}};
    CHECK(tcp.open_active(w) == ok);
    tcp.emits("S 0:0(0)"_seg, w);
    segment syn{.ack = seq{1}, .ctl = ctl::syn | ctl::ack, .wnd = most};
    syn.options.has_mss = true;
    syn.options.mss = mss;
    tcp.hears(tcp.from_peer(syn), w);
    tcp.emits(". 1:1(0) ack 1"_seg, w);
    tcp.hears(tcp.from_peer({.seq = seq{1}, .ack = seq{1}, .ctl = ctl::ack, .wnd = offers}), w);
    return tcp;
}

TEST_CASE("Small segments: a full one always goes", "[timers][3.8.6.2.1][MUST-38][1122-2]") {
    subject tcp = facing(1000, 4000, 1500);
    CHECK(tcp.send(1200) == ok);
    tcp.emits(". 1:1001(1000) ack 1"_seg);
    tcp.emits_nothing();
    CHECK(tcp.wakes_in(1s));
}

TEST_CASE("Small segments: less than half of the largest window, and not all: held until the override timer",
          "[timers][3.8.6.2.1][MUST-38][MUST-60][1122-2]") {
    subject tcp = facing(1000, 4000, 600);
    CHECK(tcp.send(1200) == ok);
    tcp.emits_nothing();
    static_assert(100ms <= policies::override_delay && policies::override_delay <= 1s);
    CHECK(tcp.wakes_in(policies::override_delay));
    tcp.advance(policies::override_delay);
    tcp.emits(". 1:601(600) ack 1"_seg);
    tcp.emits_nothing();
    CHECK(tcp.wakes_in(1s));
    tcp.gets(". 1:1(0) ack 601 win 600"_seg);
    tcp.emits("P. 601:1201(600) ack 1"_seg);  // all of it
}

TEST_CASE("Small segments: the override timer is counted from when the text was first held", "[timers][3.8.6.2.1]") {
    subject tcp = facing(1000, 4000, 600);
    CHECK(tcp.send(1200) == ok);
    tcp.emits_nothing();
    tcp.advance(150ms);
    CHECK(tcp.send(100) == ok);
    tcp.gets(". 1:1(0) ack 1 win 500"_seg);
    tcp.emits_nothing();
    CHECK(tcp.wakes_in(50ms));
    tcp.advance(50ms);
    tcp.emits(". 1:501(500) ack 1"_seg);
}

TEST_CASE("Small segments: half of the largest window goes", "[timers][3.8.6.2.1][MUST-38][1122-2]") {
    subject tcp = facing(4000, 4000, 2000);
    CHECK(tcp.send(2500) == ok);
    tcp.emits(". 1:2001(2000) ack 1"_seg);

    subject less = facing(4000, 4000, 1999);
    CHECK(less.send(2500) == ok);
    less.emits_nothing();
    less.advance(100ms);
    less.gets(". 1:1(0) ack 1 win 2500"_seg);  // the window opens before the timer is due
    less.emits("P. 1:2501(2500) ack 1"_seg);
    CHECK(less.wakes_in(1s));
    less.gets(". 1:1(0) ack 2501"_seg);
    less.never_wakes();
}

TEST_CASE("Small segments: half of the largest window, with text outstanding, waits for Nagle only",
          "[timers][3.8.6.2.1][3.7.4]") {
    for (const bool nagle : {true, false}) {
        subject tcp = facing(4000, 4000, 4000, nagle);
        CHECK(tcp.send(1000) == ok);
        tcp.emits("P. 1:1001(1000) ack 1"_seg);
        CHECK(tcp.send(3500) == ok);
        if (!nagle) tcp.emits(". 1001:4001(3000) ack 1"_seg);
        tcp.emits_nothing();
    }
}

TEST_CASE("Small segments: all that there is goes, if nothing is outstanding", "[timers][3.8.6.2.1][3.7.4][1122-2]") {
    subject tcp = facing(1000, 5000, 5000);
    CHECK(tcp.send(200) == ok);
    tcp.emits("P. 1:201(200) ack 1"_seg);
    CHECK(tcp.send(1) == ok);
    tcp.emits_nothing();
    CHECK(tcp.wakes_in(1s));  // no override timer: the ACK will come
    tcp.gets(". 1:1(0) ack 201 win 5000"_seg);
    tcp.emits("P. 201:202(1) ack 1"_seg);
}

TEST_CASE("Nagle: small text waits until all is acknowledged, or until there is a full segment",
          "[timers][3.7.4][SHLD-7][MAY-16][SHLD-27][1122-1]") {
    subject tcp = in(established);
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    CHECK(tcp.send(700) == ok);
    tcp.emits_nothing();
    CHECK(tcp.send(759) == ok);
    tcp.emits_nothing();
    CHECK(tcp.send(1) == ok);
    tcp.emits("P. 101:1561(1460) ack 1"_seg);
    CHECK(tcp.send(10) == ok);
    tcp.gets(". 1:1(0) ack 101"_seg);
    tcp.emits_nothing();  // not all
    tcp.gets(". 1:1(0) ack 1561"_seg);
    tcp.emits("P. 1561:1571(10) ack 1"_seg);
}

TEST_CASE("Nagle off: small text goes at once", "[timers][3.7.4][MUST-17][1122-1]") {
    subject tcp = in(established, subject{{.nagle = false}});
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    CHECK(tcp.send(1) == ok);
    tcp.emits("P. 101:102(1) ack 1"_seg);
    CHECK(tcp.send(2000) == ok);
    tcp.emits(". 102:1562(1460) ack 1"_seg);
    tcp.emits("P. 1562:2102(540) ack 1"_seg);
}

TEST_CASE("Nagle switched off: what was held goes, and switched on again it holds", "[timers][3.7.4][MUST-17]") {
    subject tcp = in(established);
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    CHECK(tcp.send(50) == ok);
    tcp.emits_nothing();
    tcp.does("Nagle off", [](auto& c, time_point) { c.set_nagle(false); });
    tcp.emits("P. 101:151(50) ack 1"_seg);
    tcp.does("Nagle on", [](auto& c, time_point) { c.set_nagle(true); });
    CHECK(tcp.send(50) == ok);
    tcp.emits_nothing();
}

TEST_CASE("Nagle: a FIN is not held back, and takes the text along", "[timers][3.7.4][3.10.4]") {
    for (const state s : {established, close_wait}) {
        subject tcp = in(s);
        CHECK(tcp.send(100) == ok);
        CHECK(tcp.polls());
        CHECK(tcp.send(10) == ok);
        tcp.emits_nothing();
        CHECK(tcp.close() == ok);
        tcp.emits(s == established ? "FP. 101:111(10) ack 1"_seg : "FP. 101:111(10) ack 2"_seg);
    }
}

TEST_CASE("Nagle: the outstanding segment is lost, and what waits goes behind its repair",
          "[timers][3.7.4][RFC 6298 5.4]") {
    subject tcp = in(established);
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    CHECK(tcp.send(50) == ok);
    tcp.advance(1s);
    CHECK(tcp.owes());
    const transmit again = *tcp.polls();
    CHECK(again.at == 0);
    tcp.gets(". 1:1(0) ack 101"_seg);
    tcp.emits("P. 101:151(50) ack 1"_seg);
}

}  // namespace
