// SPDX-License-Identifier: MIT
// lifetime.cpp: how a connection comes to be, how it ends, and that it always can.

#include "theorem.hpp"

#include <support/catch.hpp>

#include <fmt/format.h>

namespace {

using namespace theorems;

/// All states that can be reached from `begin` over moving cells on these events.
constexpr state_set reachable(const machine_table& t, state_set begin, event_set by) {
    state_set seen = begin;
    for (std::size_t round = 0; round < state_count; ++round) {
        (void)every_cell(t, [&](const place& p) {
            if (p.in(seen) && p.is(by)) seen = seen | p.to();
            return true;
        });
    }
    return seen;
}

/// True iff from every one of these states CLOSED can be reached on these events.
constexpr bool can_end(const machine_table& t, state_set from, event_set by) {
    for (std::size_t s = 0; s < state_count; ++s) {
        const auto one = static_cast<state>(s);
        if (from.contains(one) && !reachable(t, one, by).contains(state::closed)) return false;
    }
    return true;
}

constexpr event_set everything = calls | arrivals | reports | timeouts;

const theorem list[] = {
    theorem{"every state can be reached from CLOSED",
            [](const machine_table& t) { return reachable(t, state::closed, everything) == states::all; }},
    theorem{"every state can be reached from CLOSED without a reset, an ABORT or an error",
            [](const machine_table& t) {
                constexpr event_set orderly = event_set{event::open_passive} | event::open_active | event::close |
                                              event::rcv_syn | event::rcv_syn_ack | event::rcv_ack_of_syn |
                                              event::rcv_ack_of_fin | event::rcv_fin;
                return reachable(t, state::closed, orderly) == states::all;
            }},
    theorem{"CLOSED can be reached from every state",
            [](const machine_table& t) { return can_end(t, states::all, everything); }},
    theorem{"the user can end every connection without the peer's help",
            [](const machine_table& t) { return can_end(t, states::all, calls); }},
    theorem{"the peer and the clock can end every connection but a LISTEN, without the user's help",
            [](const machine_table& t) {
                return can_end(t, states::open & ~state_set{state::listen}, arrivals | timeouts);
            }},
    theorem{"the clock alone can end every connection but a LISTEN (in FIN-WAIT-2 that takes keep-alive)",
            [](const machine_table& t) { return can_end(t, states::open & ~state_set{state::listen}, timeouts); }},
    theorem{"a LISTEN waits for ever: no segment, no report of ICMP and no clock takes it to CLOSED",
            [](const machine_table& t) {
                return every_cell(
                    t, [](const place& p) { return !p.in(state::listen) || p.is(calls) || p.to() != state::closed; });
            }},
    theorem{"an OPEN is the only way out of CLOSED",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    return !p.in(state::closed) || !p.moves() || p.is(event::open_passive | event::open_active);
                });
            }},
    theorem{"a TCB is created iff CLOSED is left",
            [](const machine_table& t) {
                return every_cell(
                    t, [](const place& p) { return p.does(action::create_tcb) == (p.in(state::closed) && p.moves()); });
            }},
    theorem{"a TCB is deleted iff CLOSED is entered: none outlives its connection, and none goes before its time",
            [](const machine_table& t) {
                return every_cell(
                    t, [](const place& p) { return p.does(action::delete_tcb) == p.moves_to(state::closed); });
            }},
    theorem{"nothing that happens in CLOSED and stays there touches a TCB or starts a timer: at most a reset is owed",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    if (!p.in(state::closed) || p.moves()) return true;
                    return p.what.doing().empty() || p.what.doing() == action::snd_rst;
                });
            }},
    theorem{"whoever is told of an end is told in the row that ends it, and every end without a call is told",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    constexpr auto ends = [](const place& q) {
                        return q.says(signal::tell_refused) || q.says(signal::tell_reset) ||
                               q.says(signal::tell_timed_out) || q.says(signal::tell_unreachable) ||
                               q.says(signal::tell_closed);
                    };
                    return ends(p) == (!p.is(calls) && p.moves_to(state::closed));
                });
            }},
    theorem{"2MSL starts with every entry into TIME-WAIT, and again with the peer's FIN; never otherwise",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    const bool again = p.in(state::time_wait) && p.is(event::rcv_fin_again);
                    return p.does(action::start_2msl) == (p.moves_to(state::time_wait) || again);
                });
            }},
    theorem{"TIME-WAIT is entered only when both FINs are known, or when a reopened connection falls back",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    if (!p.moves_to(state::time_wait)) return true;
                    return (p.in(state::fin_wait_2) && p.is(event::rcv_fin)) ||
                           (p.in(state::closing) && p.is(event::rcv_ack_of_fin)) ||
                           (p.in(state::syn_received) && p.is(event::rcv_rst_reopened));
                });
            }},
    theorem{"TIME-WAIT is left by 2 MSL, an ABORT, a new SYN, and, without RFC 1337 or RFC 5961, a reset or a SYN",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    if (!p.in(state::time_wait) || !p.moves()) return true;
                    return p.is(event_set{event::timeout_time_wait} | event::abort | event::rcv_syn_reopen |
                                event::rcv_rst | event::rcv_syn_fatal);
                });
            }},
    theorem{"a SYN is owed iff an end enters the handshake, or the peer asks again: none is ever owed to a "
            "synchronized peer",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    const bool again = p.in(state::syn_received) && p.is(event::rcv_syn_again);
                    const bool enters = p.moves_to(state::syn_sent | state::syn_received);
                    return p.does(action::snd_syn) == (enters || again);
                });
            }},
    theorem{"the handshake is never re-entered but by a new incarnation from TIME-WAIT",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    if (!p.in(states::synchronized) || (states::synchronized | state::closed).contains(p.to()))
                        return true;
                    return p.in(state::time_wait) && p.to() == state::syn_received && p.is(event::rcv_syn_reopen);
                });
            }},
    theorem{"a new incarnation begins iff TIME-WAIT becomes SYN-RECEIVED, and the old one is restored iff it goes back",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    return p.does(action::reopen_tcb) == (p.in(state::time_wait) && p.moves_to(state::syn_received)) &&
                           p.does(action::restore_tcb) == (p.in(state::syn_received) && p.moves_to(state::time_wait));
                });
            }},
    theorem{"the peer is forgotten iff SYN-RECEIVED goes back to LISTEN",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    return p.does(action::forget_peer) == (p.in(state::syn_received) && p.moves_to(state::listen));
                });
            }},
    theorem{"only SYN-RECEIVED goes back to LISTEN, and only CLOSED goes forward to it",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    return !p.moves_to(state::listen) || p.in(state::closed | state::syn_received);
                });
            }},
    theorem{"the user is told \"open\" iff ESTABLISHED is entered, and that happens only when a SYN of ours is "
            "acknowledged",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    const bool enters = p.moves_to(state::established);
                    return p.says(signal::tell_open) == enters &&
                           (!enters || p.is(event::rcv_syn_ack | event::rcv_ack_of_syn));
                });
            }},
    theorem{"once the user has closed, no path leads back to where text may be sent, but over a new incarnation",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    if (!p.in(states::user_closed) || p.is(event::rcv_syn_reopen)) return true;
                    return (states::user_closed | state::closed).contains(p.to());
                });
            }},
    theorem{"once the peer has closed, no path leads back to where its text is taken, but over a new incarnation",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    if (!p.in(states::peer_closed) || p.is(event::rcv_syn_reopen)) return true;
                    return (states::peer_closed | state::closed).contains(p.to());
                });
            }},
};

}  // namespace

TEST_CASE("lifetime: every connection begins with an OPEN and can end", "[theorems][3.3.2]") {
    for (const auto& one : list) {
        INFO(one.sentence());
        CHECK(one.holds(rfc));
    }
    fmt::print("lifetime: {} cells move; {} of them enter CLOSED\n",
               count_cells(rfc, [](const place& p) { return p.moves(); }),
               count_cells(rfc, [](const place& p) { return p.moves_to(state::closed); }));
}
