// SPDX-License-Identifier: MIT
// two_steps.cpp: the table takes a segment in steps (its ACK, then its FIN). Figure 5 draws one arrow for both.

#include "theorem.hpp"

#include <support/catch.hpp>

#include <fmt/format.h>

#include <iterator>

namespace {

using namespace theorems;

/// A segment in order, as far as it matters to the figure.
struct arrived {
    bool acks;  ///< what we are waiting to have acknowledged: our SYN or our FIN
    bool fin;
};

/// One step: the words of the figure and of its note 2, for one segment as a whole. Written without the table.
///   "Note 2: The figure omits a transition from FIN-WAIT-1 to TIME-WAIT if a FIN is received and the local FIN is
///   also acknowledged."
constexpr state in_one_step(state at, arrived a) {
    switch (at) {
    case state::syn_sent:                         // (a SYN of the peer's, with or without the ACK of ours)
        if (!a.acks) return state::syn_received;  // what else it carries waits (3.10.7.3, fourth)
        return a.fin ? state::close_wait : state::established;
    case state::syn_received:  // an acceptable segment acknowledges our SYN, or is refused
        if (!a.acks) return state::syn_received;
        return a.fin ? state::close_wait : state::established;
    case state::established: return a.fin ? state::close_wait : state::established;
    case state::fin_wait_1:
        if (a.acks && a.fin) return state::time_wait;
        if (a.acks) return state::fin_wait_2;
        return a.fin ? state::closing : state::fin_wait_1;
    case state::fin_wait_2: return a.fin ? state::time_wait : state::fin_wait_2;
    case state::close_wait: return state::close_wait;
    case state::closing: return a.acks ? state::time_wait : state::closing;
    case state::last_ack: return a.acks ? state::closed : state::last_ack;
    default: return at;
    }
}

/// The first step: the ACK, as it is judged in this state (3.10.7.3 and the fifth check of 3.10.7.4).
constexpr event judged_ack(state at, bool acks) {
    switch (at) {
    case state::syn_sent: return acks ? event::rcv_syn_ack : event::rcv_syn;
    case state::syn_received: return acks ? event::rcv_ack_of_syn : event::rcv_bad_ack;
    case state::fin_wait_1:
    case state::closing:
    case state::last_ack: return acks ? event::rcv_ack_of_fin : event::rcv_ack;
    default: return event::rcv_ack;  // nothing of ours but text can be unacknowledged
    }
}

/// The second: the FIN, new or known. Before the connection is synchronized, and after it is gone, there is none.
constexpr state take_fin(const machine_table& t, state at) {
    if (states::accepting.contains(at)) return t.at(at, event::rcv_fin).next();
    if (states::peer_closed.contains(at)) return t.at(at, event::rcv_text_after_fin).next();
    return at;
}

constexpr state in_two_steps(const machine_table& t, state at, arrived a) {
    const state after_ack = t.at(at, judged_ack(at, a.acks)).next();
    return a.fin ? take_fin(t, after_ack) : after_ack;
}

constexpr arrived segments[] = {{false, false}, {false, true}, {true, false}, {true, true}};

constexpr bool agree(const machine_table& t, state_set in) {
    for (std::size_t s = 0; s < state_count; ++s) {
        const auto at = static_cast<state>(s);
        if (!in.contains(at)) continue;
        for (const arrived& a : segments) {
            if (in_two_steps(t, at, a) != in_one_step(at, a)) return false;
        }
    }
    return true;
}

const theorem list[] = {
    theorem{"in every synchronized state, ACK and then FIN lead where the figure leads in one step",
            [](const machine_table& t) { return agree(t, states::synchronized); }},
    theorem{"and so they do in SYN-SENT and SYN-RECEIVED: a FIN may come with the end of the handshake",
            [](const machine_table& t) { return agree(t, state::syn_sent | state::syn_received); }},
    theorem{"the two steps are never seen apart: the ACK that leads on owes nothing that the FIN would have changed",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    if (!p.is(event::rcv_ack_of_fin | event::rcv_ack_of_syn) || !p.has_row()) return true;
                    constexpr actions quiet = action::take_ack | action::start_2msl | actions{action::delete_tcb};
                    return (p.what.doing().bits() & ~quiet.bits()) == 0;
                });
            }},
    theorem{"a FIN in FIN-WAIT-1 goes to CLOSING or TIME-WAIT according to whether ours was acknowledged before, not "
            "to its "
            "flags",
            [](const machine_table& t) {
                return in_two_steps(t, state::fin_wait_1, {.acks = false, .fin = true}) == state::closing &&
                       in_two_steps(t, state::fin_wait_1, {.acks = true, .fin = true}) == state::time_wait;
            }},
};

}  // namespace

TEST_CASE("two steps: ACK, then FIN, is the figure's one step", "[theorems][figure 5 note 2]") {
    for (const auto& one : list) {
        INFO(one.sentence());
        CHECK(one.holds(rfc));
    }
    fmt::print("two steps: {} states x {} segments\n", state_count - 2, std::size(segments));
}
