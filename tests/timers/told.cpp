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
