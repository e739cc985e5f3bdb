// SPDX-License-Identifier: MIT
// keep_alive.cpp: keep-alive (3.8.4), TIME-WAIT (3.10.8), and timers that come together.

#include <support/states.hpp>

#include <chrono>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;
using enum tcpfsm::state;
using enum tcpfsm::answer;
using enum tcpfsm::signal;

const auto two_hours = 2h;

template <class P>
void keeps_alive(basic_subject<P>& tcp, duration idle) {
    tcp.does("keep-alive", [=](auto& c, time_point) { c.set_keep_alive(idle); });
}

TEST_CASE("Keep-alive: off by default, and an idle connection lives for ever",
          "[timers][3.8.4][MUST-25][MUST-28][1122-6]") {
    CHECK(parameters{}.keep_alive >= two_hours);
    for (const state s : {established, fin_wait_2, close_wait}) {
        subject tcp = in(s);
        tcp.never_wakes();
        tcp.advance(24h * 365);
        tcp.is(s);
        CHECK(tcp.receive(1) == (s == close_wait ? err_closing : ok));
    }
}

TEST_CASE("Keep-alive: after two idle hours a probe below SND.NXT, without text",
          "[timers][3.8.4][MUST-24][MUST-26][SHLD-12][MAY-5][MAY-6][1122-6]") {
    for (const state s : {established, close_wait}) {
        subject tcp = in(s, subject{{.keep_alive = two_hours}});
        CHECK(tcp.wakes_in(2h));
        tcp.advance(2h);
        tcp.emits(s == established ? ". 0:0(0) ack 1"_seg : ". 0:0(0) ack 2"_seg);
        tcp.emits_nothing();
        tcp.gets(s == established ? ". 1:1(0) ack 1"_seg : ". 2:2(0) ack 1"_seg);
        tcp.emits_nothing();
        CHECK(tcp.wakes_in(2h));
    }
    subject half = in(fin_wait_2, subject{{.keep_alive = two_hours}});
    half.advance(2h);
    half.emits(". 1:1(0) ack 1"_seg);
    half.gets(". 1:1(0) ack 2"_seg);
    CHECK(half.wakes_in(2h));
}

TEST_CASE("Keep-alive: it can be switched on and off", "[timers][3.8.4][MUST-24][MUST-27]") {
    subject tcp = in(established);
    keeps_alive(tcp, 3h);
    CHECK(tcp.wakes_in(3h));
    keeps_alive(tcp, forever);
    tcp.never_wakes();
}

TEST_CASE("Keep-alive: whatever the peer sends puts it off", "[timers][3.8.4][MUST-26]") {
    subject tcp = in(established, subject{{.keep_alive = two_hours}});
    tcp.advance(1h);
    tcp.gets("P. 1:101(100) ack 1"_seg);
    tcp.advance(40ms);
    tcp.emits(". 1:1(0) ack 101"_seg);
    CHECK(tcp.wakes_in(2h - 40ms));
}

TEST_CASE("Keep-alive: one probe without an answer proves nothing", "[timers][3.8.4][MUST-29][1122-6]") {
    subject tcp = in(established, subject{{.keep_alive = two_hours}});
    tcp.advance(2h);
    tcp.emits(". 0:0(0) ack 1"_seg);
    tcp.advance(policies::keep_alive_interval);
    tcp.emits(". 0:0(0) ack 1"_seg);
    tcp.is(established);
    tcp.gets(". 1:1(0) ack 1"_seg);
    tcp.tells_nothing();
    CHECK(tcp.wakes_in(2h));
    tcp.advance(2h);
    tcp.emits(". 0:0(0) ack 1"_seg);
}

TEST_CASE("Keep-alive: a peer that answers none is dead: a reset, and timed out", "[timers][3.8.4][MUST-29]") {
    for (const state s : {established, fin_wait_2, close_wait}) {
        subject tcp = in(s, subject{{.keep_alive = two_hours}});
        const duration all = 2h + policies::keep_alive_interval * policies::keep_alive_probes;
        CHECK(tcp.loses(all - 1us) == policies::keep_alive_probes);
        tcp.is(s);
        tcp.tells_nothing();
        tcp.advance(1us);
        tcp.emits(s == fin_wait_2 ? "R 2:2(0)"_seg : "R 1:1(0)"_seg);
        tcp.emits_nothing();
        tcp.tells(tell_timed_out);
        tcp.tells_nothing();
        CHECK(tcp.passes(route{s, closed}));
        tcp.never_wakes();
    }
}

TEST_CASE("Keep-alive: not while something is outstanding, or waits for a window", "[timers][3.8.4][MUST-26]") {
    subject tcp = in(established, subject{{.user_timeout = forever, .keep_alive = 1ms}});
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    CHECK(tcp.wakes_in(1s));
    tcp.gets(". 1:1(0) ack 101 win 0"_seg);
    CHECK(tcp.wakes_in(1ms));
    CHECK(tcp.send(100) == ok);
    CHECK(tcp.wakes_in(1s));
    tcp.advance(1s);
    tcp.emits(". 101:102(1) ack 1"_seg);
}

TEST_CASE("Keep-alive: only in the states that wait for the peer", "[timers][3.8.4]") {
    for (const state s : {listen, time_wait}) {
        subject tcp = in(s, subject{{.keep_alive = 1ms}});
        if (s == listen) tcp.never_wakes();
        if (s == time_wait) CHECK(tcp.wakes_in(4min));
    }
    for (const state s : {syn_sent, syn_received, fin_wait_1, closing, last_ack}) {
        subject tcp = in(s, subject{{.keep_alive = 1ms}});
        CHECK(tcp.wakes_in(1s));
    }
}

TEST_CASE("Keep-alive: the peer's probe is answered", "[timers][3.8.4][3.10.7.4]") {
    subject tcp = in(established);
    tcp.gets(". 0:0(0) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    tcp.gets(". 0:1(1) ack 1"_seg);  // with an octet of garbage (MAY-6)
    tcp.emits(". 1:1(0) ack 1"_seg);
    CHECK(tcp.conn().readable() == 0);
}

// --- TIME-WAIT ----------------------------------------------------------------------------------------

TEST_CASE("TIME-WAIT: two MSL, then the connection is gone", "[timers][3.10.8][MUST-13]") {
    static_assert(policies::msl == 2min);
    subject tcp = in(time_wait);
    CHECK(tcp.wakes_in(4min));
    tcp.advance(4min - 1us);
    tcp.is(time_wait);
    tcp.advance(1us);
    CHECK(tcp.passes(route{time_wait, closed}));
    tcp.tells(tell_closed);
    tcp.tells_nothing();
    tcp.emits_nothing();
    tcp.never_wakes();
}

TEST_CASE("TIME-WAIT: the peer's FIN again begins it again, an ACK does not", "[timers][3.10.7.4][MUST-13]") {
    subject tcp = in(time_wait);
    tcp.advance(1min);
    tcp.drops(". 2:2(0) ack 2"_seg, event::rcv_ack);
    CHECK(tcp.wakes_in(3min));
    tcp.gets("F. 1:1(0) ack 2"_seg);
    tcp.emits(". 2:2(0) ack 2"_seg);
    CHECK(tcp.wakes_in(4min));
}

TEST_CASE("TIME-WAIT: out of CLOSING it lasts as long", "[timers][3.10.7.4][MUST-13]") {
    subject tcp = in(closing);
    tcp.advance(500ms);
    tcp.gets(". 2:2(0) ack 2"_seg);
    tcp.is(time_wait);
    CHECK(tcp.wakes_in(4min));
}

struct hasty : policies {
    static constexpr duration msl = 1s;
};
TEST_CASE("TIME-WAIT: the MSL is the policy's", "[timers][3.4.2]") {
    basic_subject<hasty> tcp = in(time_wait, basic_subject<hasty>{});
    CHECK(tcp.wakes_in(2s));
}

// --- No timer, several timers, late timers ------------------------------------------------------------

TEST_CASE("No timer runs where nothing can become due", "[timers][3.10.8]") {
    for (const state s : {closed, listen, established, fin_wait_2, close_wait}) {
        CAPTURE(s);
        subject tcp = in(s);
        tcp.never_wakes();
        tcp.does("time, without a timer", [](auto& c, time_point now) { c.handle_timeout(now + 24h); });
        tcp.is(s);
        tcp.emits_nothing();
    }
}

struct slow_acks : policies {
    static constexpr duration delayed_ack = 400ms;
    static constexpr rto_limits rto{400ms, 400ms, 60s};
};
TEST_CASE("Two timers at once: a retransmission carries the ACK that was delayed", "[timers][3.10.8][3.8.6.3]") {
    basic_subject<slow_acks> tcp = in(established, basic_subject<slow_acks>{});
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    tcp.gets(". 1:51(50) ack 1"_seg);
    CHECK(tcp.wakes_in(400ms));
    tcp.advance(400ms);
    tcp.emits("P. 1:101(100) ack 51"_seg);
    tcp.emits_nothing();
    CHECK(tcp.wakes_in(800ms));
}

TEST_CASE("Two timers at once: the user timeout comes before a retransmission", "[timers][3.10.8]") {
    subject tcp = in(established, subject{{.user_timeout = 3s}});
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    CHECK(tcp.loses(2999ms) == 1);
    tcp.advance(1ms);
    tcp.emits_nothing();
    tcp.is(closed);
    tcp.tells(tell_timed_out);
    tcp.never_wakes();
}

TEST_CASE("A caller that comes late: each timer is served once, and starts from now",
          "[timers][3.10.8][RFC 6298 5.6]") {
    subject tcp = in(established);
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    auto late = tcp.conn();
    const time_point then = tcp.now() + 100s;
    late.handle_timeout(then);
    CHECK(late.poll_timeout() == then + 2s);
    CHECK(late.poll_transmit(then));
    CHECK_FALSE(late.poll_transmit(then));
    CHECK_FALSE(late.poll_signal());
    late.handle_timeout(then + 1000s);
    CHECK(late.in(closed));
    CHECK(late.poll_signal() == tell_timed_out);
    CHECK(late.poll_timeout() == never);
}

TEST_CASE("A caller that comes late in TIME-WAIT: the connection is gone", "[timers][3.10.8]") {
    subject tcp = in(time_wait);
    auto late = tcp.conn();
    late.handle_timeout(tcp.now() + 24h * 365);
    CHECK(late.in(closed));
    CHECK(late.poll_timeout() == never);
}

TEST_CASE("A timeout before its time does nothing", "[timers][3.10.8]") {
    for (const state s : {syn_sent, syn_received, fin_wait_1, closing, last_ack, time_wait}) {
        subject tcp = in(s);
        auto early = tcp.conn();
        early.handle_timeout(early.poll_timeout() - 1us);
        CHECK(early == tcp.conn());
        early.handle_timeout(early.poll_timeout());
        CHECK_FALSE(early == tcp.conn());
    }
}

}  // namespace
