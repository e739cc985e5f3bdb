// SPDX-License-Identifier: MIT
// walks.hpp: what the files of the closing states share: policies that differ, and connections with timestamps.
#pragma once

#include <support/states.hpp>

#include <tcpfsm/policies.hpp>

namespace tcpfsm::test {

/// RFC 793's rules for resets and SYNs, without RFC 5961.
struct without_rfc5961 : policies {
    static constexpr bool rfc5961 = false;
};
/// A reset ends TIME-WAIT (3.10.7.4, second).
struct without_rfc1337 : policies {
    static constexpr bool rfc1337 = false;
};
/// A SYN does not reopen a connection (MAY-2 not used).
struct without_reopening : policies {
    static constexpr bool reopen_time_wait = false;
};

/// As `in`, with timestamps (RFC 7323): TS.Recent is 1000, and no time has passed.
[[nodiscard]] inline subject stamped(state s, where w = where::here()) {
    subject tcp;
    static_cast<void>(tcp.open_active(w));
    tcp.emits("S 0:0(0)"_seg, w);
    tcp.gets("S. 0:0(0) ack 1 <mss 1460,TS val 1000 ecr 1000>"_seg, w);
    tcp.emits(". 1:1(0) ack 1 <TS val 1000 ecr 1000>"_seg, w);
    constexpr state_set close_first = state::fin_wait_1 | state::fin_wait_2 | state::closing | state::time_wait;
    if (close_first.contains(s)) {
        static_cast<void>(tcp.close(w));
        tcp.emits("F. 1:1(0) ack 1"_seg, w);
        if (s == state::fin_wait_2 || s == state::time_wait) tcp.gets(". 1:1(0) ack 2 <TS val 1000 ecr 1000>"_seg, w);
        if (s == state::closing) tcp.gets("F. 1:1(0) ack 1 <TS val 1000 ecr 1000>"_seg, w);
        if (s == state::time_wait) tcp.gets("F. 1:1(0) ack 2 <TS val 1000 ecr 1000>"_seg, w);
        if (s == state::closing || s == state::time_wait) tcp.emits(". 2:2(0) ack 2"_seg, w);
    } else if (s != state::established) {
        tcp.gets("F. 1:1(0) ack 1 <TS val 1000 ecr 1000>"_seg, w);
        tcp.emits(". 1:1(0) ack 2"_seg, w);
        if (s == state::last_ack) {
            static_cast<void>(tcp.close(w));
            tcp.emits("F. 1:1(0) ack 2"_seg, w);
        }
    }
    tcp.is(s, w);
    hear_all(tcp);
    static_cast<void>(tcp.path());
    return tcp;
}

}  // namespace tcpfsm::test
