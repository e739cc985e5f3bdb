// SPDX-License-Identifier: MIT
// back_off.cpp: what ends the doubling of the timeout, where SACK tells of text (RFC 6298 5.5, RFC 8961 section 4).

#include "sender.hpp"

#include <tcpfsm/recovery/prr.hpp>

#include <chrono>
#include <cstdint>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;

struct plainly : policies {  // a timeout is the first thing to happen, and nothing is taken back
    static constexpr bool rack_tlp = false;
    static constexpr bool undo = false;
};

TEST_CASE("Backing off ends when SACK tells of what was sent after the timeout, and once",
          "[recovery][RFC 6298 5.5][RFC 8961 4][6298-9]") {
    sender<plainly> tcp{5};
    CHECK(tcp.leaves() == "0 1 2 3 4");
    CHECK(tcp.waits() == 1s);
    CHECK(tcp.leaves() == "0");
    CHECK(tcp.waits() == 2s);
    CHECK(tcp.leaves() == "0");
    const auto rtt = tcp.numbers().rtt;
    SECTION("not for what was sent before") {
        tcp.advance(100ms);
        tcp.hears_ack(0, {{1, 2}});
        CHECK(tcp.numbers().rtt == rtt);
    }
    SECTION("nor for what was sent twice (Karn)") {
        tcp.advance(100ms);
        tcp.hears_ack(1);
        CHECK(tcp.leaves() == "1 2");
        tcp.advance(100ms);
        tcp.hears_ack(1, {{2, 3}});
        CHECK(tcp.numbers().rtt == rtt);
    }
    SECTION("new text") {
        tcp.advance(100ms);
        tcp.hears_ack(5);
        tcp.give(2);
        CHECK(tcp.leaves() == "5 6");
        CHECK(tcp.numbers().rtt == rtt);
        tcp.advance(100ms);
        tcp.hears_ack(5, {{6, 7}});
        CHECK(tcp.numbers().rtt.backed_off() == 0);
        CHECK(tcp.numbers().rto() == 1s);
    }
}

TEST_CASE("Tail loss probe: an echo from before it times no round trip", "[recovery][RFC 8985 7.3][6298-9]") {
    sender tcp{1, true};
    CHECK(tcp.leaves() == "0");
    CHECK(tcp.waits() == 400ms);
    CHECK(tcp.leaves() == "0");
    tcp.advance(100ms);
    const auto rtt = tcp.numbers().rtt;
    SECTION("the ACK of the first was lost") {
        tcp.hears_ack(1, {{0, 1}}, 500ms);
        CHECK(tcp.numbers().rtt == rtt);
    }
    SECTION("the first was lost") {
        tcp.hears_ack(1, {}, 100ms);
        CHECK(tcp.numbers().rtt.rttvar() < rtt.rttvar());
    }
}

TEST_CASE("PRR: where recovery begins with an ACK that delivers nothing, one segment may go",
          "[recovery][RFC 9937 6]") {
    proportional_rate_reduction prr;
    prr.begin(10'000);
    prr.delivered(0, 5'000, 5'000, false, 1'000);
    prr.nothing_delivered(5'000, 1'000);
    CHECK(prr.window() == 6'000);
}

}  // namespace
