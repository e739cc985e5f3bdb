// SPDX-License-Identifier: MIT
// states.hpp: the eleven states, each walked to through the front door.
#pragma once

#include <support/subject.hpp>

#include <tcpfsm/state.hpp>

// The shortest exchange to each state, in script numbers. The peer's SYN is 0 and announces an MSS of 1460 and
// nothing else; its text would begin at 1, and so would ours. Our FIN, where one was sent, is 1, and so is
// the peer's. Nothing is owed, and nothing is left to be told.

namespace tcpfsm::test {

/// Who opened.
enum class opened { actively, passively };

/// Says that all is told; for walks to where a test begins.
template <class P>
constexpr void hear_all(basic_subject<P>& tcp) {
    tcp.does("the user has heard all signals", [](auto& c, time_point) {
        while (c.poll_signal()) {
        }
    });
}

/// Walks a closed subject to ESTABLISHED.
template <class P>
constexpr void establish(basic_subject<P>& tcp, opened how, where w = where::here()) {
    if (how == opened::actively) {
        static_cast<void>(tcp.open_active(w));
        tcp.emits("S 0:0(0)"_seg, w);
        tcp.gets("S. 0:0(0) ack 1 <mss 1460>"_seg, w);
        tcp.emits(". 1:1(0) ack 1"_seg, w);
    } else {
        static_cast<void>(tcp.open_passive(w));
        tcp.gets("S 0:0(0) <mss 1460>"_seg, w);
        tcp.emits("S. 0:0(0) ack 1"_seg, w);
        tcp.gets(". 1:1(0) ack 1"_seg, w);
    }
}

/// Walks a closed subject to `s`.
template <class P>
constexpr void walk(basic_subject<P>& tcp, state s, opened how, where w = where::here()) {
    switch (s) {
    case state::closed: break;
    case state::listen: static_cast<void>(tcp.open_passive(w)); break;
    case state::syn_sent:
        static_cast<void>(tcp.open_active(w));
        tcp.emits("S 0:0(0)"_seg, w);
        break;
    case state::syn_received:
        if (how == opened::actively) {
            walk(tcp, state::syn_sent, how, w);
        } else {
            walk(tcp, state::listen, how, w);
        }
        tcp.gets("S 0:0(0) <mss 1460>"_seg, w);
        tcp.emits("S. 0:0(0) ack 1"_seg, w);
        break;
    case state::established: establish(tcp, how, w); break;
    case state::fin_wait_1:
        establish(tcp, how, w);
        static_cast<void>(tcp.close(w));
        tcp.emits("F. 1:1(0) ack 1"_seg, w);
        break;
    case state::fin_wait_2:
        walk(tcp, state::fin_wait_1, how, w);
        tcp.gets(". 1:1(0) ack 2"_seg, w);
        break;
    case state::close_wait:
        establish(tcp, how, w);
        tcp.gets("F. 1:1(0) ack 1"_seg, w);
        tcp.emits(". 1:1(0) ack 2"_seg, w);
        break;
    case state::closing:
        walk(tcp, state::fin_wait_1, how, w);
        tcp.gets("F. 1:1(0) ack 1"_seg, w);
        tcp.emits(". 2:2(0) ack 2"_seg, w);
        break;
    case state::last_ack:
        walk(tcp, state::close_wait, how, w);
        static_cast<void>(tcp.close(w));
        tcp.emits("F. 1:1(0) ack 2"_seg, w);
        break;
    case state::time_wait:
        walk(tcp, state::fin_wait_2, how, w);
        tcp.gets("F. 1:1(0) ack 2"_seg, w);
        tcp.emits(". 2:2(0) ack 2"_seg, w);
        break;
    }
}

/// `tcp`, which must be closed, after the walk to `s`: in(state::fin_wait_1, subject{parameters{...}}).
template <class P>
[[nodiscard]] constexpr basic_subject<P> in(state s, basic_subject<P> tcp, opened how = opened::actively,
                                            where w = where::here()) {
    walk(tcp, s, how, w);
    tcp.is(s, w);
    hear_all(tcp);
    static_cast<void>(tcp.path());
    return tcp;
}
/// A subject in state `s`.
[[nodiscard]] constexpr subject in(state s, opened how = opened::actively, where w = where::here()) {
    return in(s, subject{}, how, w);
}

}  // namespace tcpfsm::test
