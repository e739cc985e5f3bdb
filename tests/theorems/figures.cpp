// SPDX-License-Identifier: MIT
// figures.cpp: the exchanges that RFC 9293 draws, with its numbers, line by line, run by the compiler.

#include <support/states.hpp>

#include <chrono>

// A line of a figure is a segment that one side emits and the other hears, in the RFC's own numbers; below it
// stand the states that the RFC prints at both margins. "..." in a figure (a segment still on its way) is a
// segment kept aside. The figures hold wherever zero lies: every one runs in all worlds of world.hpp. TCP
// options, which the figures do not show, are those of the default policies.

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using enum tcpfsm::state;

/// TCP peers A and B of a figure, whose numbers count from zero.
struct figure {
    constexpr figure(const world& w, std::uint32_t iss_of_a, std::uint32_t iss_of_b)
        : A{w, {.iss = seq{iss_of_a}}}, B{swapped(w), {.iss = seq{iss_of_b}}} {}

    subject A;
    subject B;

    /// A --> B.
    constexpr void right(const script& s) { B.hears(A.emits(s).segment); }
    /// A <-- B.
    constexpr void left(const script& s) { A.hears(B.emits(s).segment); }
    constexpr void states(state of_a, state of_b) {
        A.is(of_a);
        B.is(of_b);
    }
    /// Nothing more crosses.
    constexpr void end() {
        A.emits_nothing();
        B.emits_nothing();
    }
    constexpr void wait(duration d) {
        A.advance(d);
        B.advance(d);
    }

private:
    static constexpr world swapped(world w) {
        std::swap(w.ours, w.peers);
        std::swap(w.our_stamp, w.peers_stamp);
        return w;
    }
};

constexpr void done(answer a) {
    if (a != answer::ok) the_script_fails_here();
}

// Figure 6: Basic Three-Way Handshake for Connection Synchronization
constexpr void handshake(figure& f) {
    done(f.B.open_passive());
    f.states(closed, listen);  // 1
    done(f.A.open_active());
    f.right("S 100:100(0)"_seg);  // 2
    f.states(syn_sent, syn_received);
    f.left("S. 300:300(0) ack 101"_seg);  // 3
    f.states(established, syn_received);
    f.right(". 101:101(0) ack 301"_seg);  // 4
    f.states(established, established);
}
constexpr bool figure_6(const world& w) {
    figure f{w, 100, 300};
    handshake(f);
    // 5: "the sequence number of the segment in line 5 is the same as in line 4 because the ACK does not
    // occupy sequence number space". The figure's data has no length; here it has 10 octets.
    done(f.A.send(10));
    f.right("P. 101:111(10) ack 301"_seg);
    f.states(established, established);
    f.A.tells(signal::tell_open);
    f.B.tells(signal::tell_open);
    return f.B.numbers().rcv.user == 10;
}
static_assert(everywhere(figure_6));

// Figure 7: Simultaneous Connection Synchronization. Lines 2 to 6 are four segments, and no more.
constexpr bool figure_7(const world& w) {
    figure f{w, 100, 300};
    f.states(closed, closed);  // 1
    done(f.A.open_active());
    const auto line_2 = f.A.emits("S 100:100(0)"_seg);  // 2: ...
    f.states(syn_sent, closed);
    done(f.B.open_active());
    f.left("S 300:300(0)"_seg);  // 3
    f.states(syn_received, syn_sent);
    f.B.hears(line_2.segment);  // 4: ... arrives
    f.states(syn_received, syn_received);
    const auto line_5 = f.A.emits("S. 100:100(0) ack 301"_seg);  // 5: ...
    f.left("S. 300:300(0) ack 101"_seg);                         // 6
    f.states(established, syn_received);
    // 7: "... <SEQ=100><ACK=301><CTL=SYN,ACK> --> ESTABLISHED". By the letter of 3.10.7.4, first, the number 100
    // lies before B's RCV.NXT of 101, and the segment would be answered with an ACK instead.
    f.B.hears(line_5.segment);
    f.states(established, established);
    f.end();
    return f.A.numbers().snd.nxt == f.B.numbers().rcv.nxt && f.B.numbers().snd.nxt == f.A.numbers().rcv.nxt;
}
static_assert(everywhere(figure_7));

// Figure 8: Recovery from Old Duplicate SYN
constexpr bool figure_8(const world& w) {
    figure f{w, 100, 300};
    done(f.B.open_passive());
    f.states(closed, listen);  // 1
    done(f.A.open_active());
    const auto line_2 = f.A.emits("S 100:100(0)"_seg);  // 2: ...
    f.B.gets("S 90:90(0)"_seg);                         // 3: (duplicate)
    f.states(syn_sent, syn_received);
    f.left("S. 300:300(0) ack 91"_seg);  // 4
    f.states(syn_sent, syn_received);
    f.right("R 91:91(0)"_seg);  // 5
    f.states(syn_sent, listen);
    f.A.emits_nothing();
    // B chooses a new ISS for the next SYN: 400 in the figure, which a server gives with `renew_iss`.
    f.B.does("ISS 400", [&](auto& b, time_point) { b.renew_iss(f.B.in_world().ours + 400, 0); });
    f.B.hears(line_2.segment);  // 6: ... arrives
    f.states(syn_sent, syn_received);
    f.left("S. 400:400(0) ack 101"_seg);  // 7
    f.states(established, syn_received);
    f.right(". 101:101(0) ack 401"_seg);  // 8
    f.states(established, established);
    f.end();
    return true;
}
static_assert(everywhere(figure_8));

// An established pair whose next numbers are A's 100 and B's 300, as figures 9 to 13 have them.
constexpr figure established_at_100_and_300(const world& w) {
    figure f{w, 99, 299};
    done(f.B.open_passive());
    done(f.A.open_active());
    f.right("S 99:99(0)"_seg);
    f.left("S. 299:299(0) ack 100"_seg);
    f.right(". 100:100(0) ack 300"_seg);
    f.states(established, established);
    f.A.tells(signal::tell_open);
    f.B.tells(signal::tell_open);
    return f;
}

// Figure 9: Half-Open Connection Discovery
constexpr bool figure_9(const world& w) {
    figure f = established_at_100_and_300(w);
    f.A = subject{w, {.iss = seq{400}}};  // 1: (CRASH)
    f.states(closed, established);        // 2, in which "(send 300,receive 100)" are B's next numbers
    done(f.A.open_active());
    f.right("S 400:400(0)"_seg);  // 3
    f.states(syn_sent, established);
    f.left(". 300:300(0) ack 100"_seg);  // 4: (!!)
    f.states(syn_sent, established);
    f.right("R 100:100(0)"_seg);  // 5: (Abort!!)
    f.states(syn_sent, closed);   // 6
    f.B.tells(signal::tell_reset);
    // 7: the SYN again, which finds nobody; the text lets B open again first, as in figure 6.
    f.wait(std::chrono::seconds{1});
    done(f.B.open_passive());
    f.right("S 400:400(0)"_seg);
    f.states(syn_sent, syn_received);
    return true;
}
static_assert(everywhere(figure_9));

// Figure 10: Active Side Causes Half-Open Connection Discovery
constexpr bool figure_10(const world& w) {
    figure f = established_at_100_and_300(w);
    f.A = subject{w, {.iss = seq{400}}};  // 1: (CRASH)
    done(f.B.send(10));
    f.left("P. 300:310(10) ack 100"_seg);  // 2: "<DATA=10>"
    f.states(closed, established);
    f.right("R 100:100(0)"_seg);  // 3: (ABORT!!)
    f.states(closed, closed);
    f.B.tells(signal::tell_reset);
    f.end();
    return true;
}
static_assert(everywhere(figure_10));

// Figure 11: Old Duplicate SYN Initiates a Reset on Two Passive Sockets. X is 7000 and Z is 90.
constexpr bool figure_11(const world& w) {
    figure f{w, 100, 7000};
    done(f.A.open_passive());
    done(f.B.open_passive());
    f.states(listen, listen);    // 1
    f.B.gets("S 90:90(0)"_seg);  // 2: an old duplicate of A's
    f.states(listen, syn_received);
    f.left("S. 7000:7000(0) ack 91"_seg);  // 3
    f.states(listen, syn_received);
    f.right("R 91:91(0)"_seg);  // 4: (return to LISTEN!)
    f.states(listen, listen);   // 5
    f.A.tells_nothing();
    f.B.tells_nothing();
    f.end();
    return true;
}
static_assert(everywhere(figure_11));

// Figure 12: Normal Close Sequence
constexpr bool figure_12(const world& w) {
    figure f = established_at_100_and_300(w);  // 1
    done(f.A.close());                         // 2: (Close)
    f.states(fin_wait_1, established);
    f.right("F. 100:100(0) ack 300"_seg);
    f.states(fin_wait_1, close_wait);
    f.left(". 300:300(0) ack 101"_seg);  // 3
    f.states(fin_wait_2, close_wait);
    done(f.B.close());  // 4: (Close)
    f.states(fin_wait_2, last_ack);
    f.left("F. 300:300(0) ack 101"_seg);
    f.states(time_wait, last_ack);
    f.right(". 101:101(0) ack 301"_seg);  // 5
    f.states(time_wait, closed);
    f.A.wakes_in(2 * policies::msl);
    f.A.advance(2 * policies::msl);  // 6: (2 MSL)
    f.states(closed, closed);
    f.A.tells(signal::tell_closing);
    f.A.tells(signal::tell_closed);
    f.B.tells(signal::tell_closing);
    f.B.tells(signal::tell_closed);
    f.end();
    return f.A.never_wakes() && f.B.never_wakes();
}
static_assert(everywhere(figure_12));

// Figure 13: Simultaneous Close Sequence. (There is no figure 14: what RFC 793 drew there is this one.)
constexpr bool figure_13(const world& w) {
    figure f = established_at_100_and_300(w);  // 1
    done(f.A.close());                         // 2: (Close) at both
    done(f.B.close());
    const auto fin_of_a = f.A.emits("F. 100:100(0) ack 300"_seg);
    const auto fin_of_b = f.B.emits("F. 300:300(0) ack 100"_seg);
    f.states(fin_wait_1, fin_wait_1);
    f.A.hears(fin_of_b.segment);
    f.B.hears(fin_of_a.segment);
    f.states(closing, closing);
    const auto ack_of_a = f.A.emits(". 101:101(0) ack 301"_seg);  // 3
    const auto ack_of_b = f.B.emits(". 301:301(0) ack 101"_seg);
    f.states(closing, closing);
    f.A.hears(ack_of_b.segment);
    f.B.hears(ack_of_a.segment);
    f.states(time_wait, time_wait);
    f.end();
    f.wait(2 * policies::msl);  // (2 MSL)
    f.states(closed, closed);
    return true;
}
static_assert(everywhere(figure_13));

}  // namespace
