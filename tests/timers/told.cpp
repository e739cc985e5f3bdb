// SPDX-License-Identifier: MIT
// told.cpp: every input says what happened, and where the RFC says so.

#include <support/states.hpp>

using namespace tcpfsm;
using namespace tcpfsm::test;

TEST_CASE("Timeouts: the call says which were due, and they are cited", "[timers][3.10.8]") {
    connection c;
    time_point now{};
    CHECK(c.handle_timeout(now).empty());
    REQUIRE(c.open_active({}, now) == answer::ok);
    REQUIRE(c.poll_transmit(now));
    CHECK(c.handle_timeout(c.poll_timeout() - duration{1}).empty());
    now = c.poll_timeout();
    CHECK(c.handle_timeout(now) == event_set{event::timeout_retransmission});
    CHECK(cite(state::syn_sent, event::timeout_retransmission).cite == "3.10.8");
    CHECK(c.handle_timeout(now).empty());
    CHECK(c.handle_timeout(now + std::chrono::minutes{6}) == event_set{event::timeout_user});
    CHECK(c.in(state::closed));
}

TEST_CASE("Timeouts: `never`, which poll_timeout answers when no timer runs, is no time at which one is due",
          "[timers][3.10.8]") {
    for (const state s : {state::closed, state::listen, state::established, state::close_wait, state::fin_wait_2}) {
        INFO(name(s));
        auto c = in(s).conn();
        const auto before = c;
        REQUIRE(c.poll_timeout() == never);
        CHECK(c.handle_timeout(c.poll_timeout()).empty());
        CHECK(c == before);
    }
}

TEST_CASE("Soft errors wait for the user: ICMP, R1, urgent data", "[timers][3.9.1.8][MUST-47][UNL-02][SHLD-25]") {
    subject tcp = in(state::established);
    static_cast<void>(tcp.send(10));
    tcp.emits("P. 1:11(10) ack 1"_seg);
    tcp.gets_icmp(icmp_error::soft, 1);
    CHECK(tcp.loses(std::chrono::seconds{7}) == 3);
    tcp.gets("U. 1:1(0) ack 1 urg 5"_seg);
    tcp.emits_nothing();
    tcp.is(state::established);
    tcp.tells(signal::tell_urgent);
    tcp.tells(signal::tell_trouble);
    tcp.tells(signal::tell_soft_error);
    tcp.tells_nothing();
}

TEST_CASE("ICMP: a soft error is told and ends no connection", "[timers][3.9.2.2][MUST-56][SHLD-25]") {
    for (const state s : {state::syn_sent, state::syn_received, state::established, state::fin_wait_1,
                          state::close_wait, state::closing, state::last_ack}) {
        subject tcp = in(s);
        if (s == state::established || s == state::close_wait) {
            static_cast<void>(tcp.send(10));
            CHECK(tcp.polls());
        }
        const auto oldest = static_cast<std::int32_t>(tcp.numbers().snd.una - tcp.in_world().ours);
        for (int i = 0; i < 3; ++i) {
            tcp.gets_icmp(icmp_error::soft, oldest);
            tcp.emits_nothing();
            tcp.is(s);
            tcp.tells(signal::tell_soft_error);
            tcp.tells_nothing();
        }
    }
}

TEST_CASE("ICMP: a hard error ends a connection that is being opened", "[timers][3.9.2.2][SHLD-26]") {
    for (const state s : {state::syn_sent, state::syn_received}) {
        subject tcp = in(s);
        tcp.gets_icmp(icmp_error::hard, 0);
        tcp.is(state::closed);
        tcp.emits_nothing();
        tcp.tells(signal::tell_unreachable);
        tcp.tells_nothing();
    }
}

TEST_CASE("ICMP: what is quoted must be in flight", "[timers][3.9.2.2][RFC 5927 4][5927-1][5927-2]") {
    for (const std::int32_t elsewhere : {-70000, 0, 10, 31, 32, 70000}) {
        subject tcp = in(state::established);
        static_cast<void>(tcp.send(10));
        tcp.emits("P. 1:11(10) ack 1"_seg);
        tcp.gets(". 1:1(0) ack 11"_seg);
        static_cast<void>(tcp.send(20));
        tcp.emits("P. 11:31(20) ack 1"_seg);
        tcp.gets_icmp(icmp_error::soft, elsewhere);
        tcp.tells_nothing();
        for (const std::int32_t inside : {11, 30}) {
            tcp.gets_icmp(icmp_error::soft, inside);
            tcp.tells(signal::tell_soft_error);
        }
    }
}

TEST_CASE("ICMP: source quench changes nothing", "[timers][3.9.2.2][MUST-55]") {
    subject tcp = in(state::established);
    static_cast<void>(tcp.send(10));
    tcp.emits("P. 1:11(10) ack 1"_seg);
    const auto before = tcp.numbers();
    tcp.gets_icmp(icmp_error::source_quench, 1);
    CHECK(tcp.numbers() == before);
    tcp.emits_nothing();
    tcp.tells_nothing();
}

TEST_CASE("ICMP: the call says what the report was judged to be", "[timers][3.9.2.2][MUST-54][MUST-55][5927-2]") {
    connection c;
    const time_point now{};
    const seq iss{7};
    REQUIRE(c.open_active({.iss = iss}, now) == answer::ok);
    CHECK(c.handle_icmp(icmp_error::hard, iss, now) == event::icmp_quench);  // nothing has been sent yet
    REQUIRE(c.poll_transmit(now));
    CHECK(c.handle_icmp(icmp_error::source_quench, iss, now) == event::icmp_quench);
    CHECK(c.handle_icmp(icmp_error::soft, iss, now) == event::icmp_soft);
    CHECK(c.handle_icmp(icmp_error::hard, iss + 1, now) == event::icmp_quench);  // beyond what was sent
    CHECK(c.in(state::syn_sent));
    CHECK(c.handle_icmp(icmp_error::hard, iss, now) == event::icmp_hard);
    CHECK(c.in(state::closed));
}
