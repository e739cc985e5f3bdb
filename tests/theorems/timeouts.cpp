// SPDX-License-Identifier: MIT
// timeouts.cpp: which clock may run where, and what the network's reports can do (3.10.8, 3.8, 3.9.2.2).

#include "theorem.hpp"

#include <support/catch.hpp>

#include <fmt/format.h>

namespace {

using namespace theorems;

/// Something of ours may be unacknowledged: all but the states that have sent nothing, or are done.
inline constexpr state_set unacknowledged =
    ~(state::closed | state::listen | state_set{state::fin_wait_2} | state::time_wait);
/// Text or a FIN of ours may wait for the peer's window.
inline constexpr state_set unsent = unacknowledged & ~(state::syn_sent | state::syn_received);
/// The connection may be idle while the peer owes us something: its FIN, or its silence.
inline constexpr state_set idle =
    state::established | state::fin_wait_1 | state_set{state::fin_wait_2} | state::close_wait;

/// `e` does `a` in the states of `in`, and cannot come up anywhere else.
constexpr bool runs_in(const machine_table& t, event e, state_set in, actions a, state_set leads_to) {
    return every_cell(t, [&](const place& p) {
        if (!p.is(e)) return true;
        if (!p.in(in)) return p.what.is_impossible();
        return p.what.doing() == a && (leads_to.empty() ? !p.moves() : leads_to.contains(p.to()));
    });
}

const theorem list[] = {
    theorem{"retransmission: where something may be unacknowledged, and it moves nothing",
            [](const machine_table& t) {
                return runs_in(t, event::timeout_retransmission, unacknowledged, action::snd_again, {});
            }},
    theorem{"R1: where something may be unacknowledged, and it only tells the user",
            [](const machine_table& t) { return runs_in(t, event::timeout_trouble, unacknowledged, {}, {}); }},
    theorem{"user timeout and R2: where something may be unacknowledged, and the TCB goes without a reset",
            [](const machine_table& t) {
                return runs_in(t, event::timeout_user, unacknowledged, action::delete_tcb, state::closed);
            }},
    theorem{"reordering: where text or a FIN may be unacknowledged, and what is overdue goes",
            [](const machine_table& t) { return runs_in(t, event::timeout_reordering, unsent, action::snd_lost, {}); }},
    theorem{"tail loss: where text or a FIN may be unacknowledged, and one probe goes",
            [](const machine_table& t) { return runs_in(t, event::timeout_tail_loss, unsent, action::snd_tail, {}); }},
    theorem{"pacing: where text or a FIN may wait for its turn",
            [](const machine_table& t) { return runs_in(t, event::timeout_pacing, unsent, action::snd_paced, {}); }},
    theorem{"persist: where text or a FIN may wait for a window, one probe, and it never gives up by itself (MUST-37)",
            [](const machine_table& t) { return runs_in(t, event::timeout_persist, unsent, action::snd_probe, {}); }},
    theorem{
        "override: where text or a FIN may wait for a window, and a little text goes",
        [](const machine_table& t) { return runs_in(t, event::timeout_override, unsent, action::snd_override, {}); }},
    theorem{"delayed ACK: where text is taken",
            [](const machine_table& t) {
                return runs_in(t, event::timeout_delayed_ack, states::accepting, action::snd_ack, {});
            }},
    theorem{
        "keep-alive: where the peer owes something, and a probe moves nothing (MUST-26)",
        [](const machine_table& t) { return runs_in(t, event::timeout_keep_alive, idle, action::snd_keep_alive, {}); }},
    theorem{"dead peer: where keep-alive runs, and the peer is told in case that it lives",
            [](const machine_table& t) {
                return runs_in(t, event::timeout_dead_peer, idle, action::snd_rst | action::delete_tcb, state::closed);
            }},
    theorem{"2 MSL: in TIME-WAIT alone, and then the connection is gone",
            [](const machine_table& t) {
                return runs_in(t, event::timeout_time_wait, state::time_wait, action::delete_tcb, state::closed);
            }},
    theorem{"no clock runs in CLOSED or LISTEN",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    return !p.in(state::closed | state::listen) || !p.is(timeouts) || p.what.is_impossible();
                });
            }},
    theorem{"a clock can run in every other state, so none is left alone",
            [](const machine_table& t) {
                for (std::size_t s = static_cast<std::size_t>(state::syn_sent); s < state_count; ++s) {
                    const auto here = static_cast<state>(s);
                    if (count_cells(t, [&](const place& p) { return p.in(here) && p.is(timeouts) && p.has_row(); }) ==
                        0)
                        return false;
                }
                return true;
            }},
    theorem{"what goes again, probes or reminds does so for a timeout alone",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    constexpr actions reminders = action::snd_again | actions{action::snd_lost} | action::snd_tail |
                                                  action::snd_paced | action::snd_probe | action::snd_override |
                                                  action::snd_keep_alive;
                    return !p.does_any(reminders) || p.is(timeouts);
                });
            }},
    theorem{"\"aborted due to user timeout\" iff time ends a connection before its time",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    const bool given_up =
                        p.is(timeouts) && p.moves_to(state::closed) && !p.is(event::timeout_time_wait);
                    return p.says(signal::tell_timed_out) == given_up;
                });
            }},
    theorem{"R1 is told to the user (SHLD-9), and nothing else is called trouble",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    return p.says(signal::tell_trouble) == (p.is(event::timeout_trouble) && p.in(unacknowledged));
                });
            }},
    theorem{"no timeout is dropped: a clock that runs means something",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) { return !p.is(timeouts) || !p.what.is_dropped(); });
            }},

    theorem{"no report of ICMP makes us send anything: it could be forged",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    return !p.is(reports) || p.what.doing() == (p.moves() ? actions{action::delete_tcb} : actions{});
                });
            }},
    theorem{"a hard error ends a handshake and nothing else (SHLD-26 as RFC 5461 tempers it)",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    const bool ends = p.is(event::icmp_hard) && p.in(state::syn_sent | state::syn_received);
                    return !p.is(reports) || (p.moves() == ends && p.says(signal::tell_unreachable) == ends &&
                                              (!ends || p.to() == state::closed));
                });
            }},
    theorem{"every other error is passed on to the user where there is a connection (SHLD-25), and source quench is "
            "discarded "
            "(MUST-55)",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    const bool told =
                        p.in(states::open) && (p.is(event::icmp_soft) || (p.is(event::icmp_hard) && !p.moves()));
                    return p.says(signal::tell_soft_error) == told &&
                           (!p.is(reports) || p.what.is_dropped() == (!told && !p.moves()));
                });
            }},
    theorem{"no row tells that the user timeout has changed: a number of the peer's changes it (RFC 5482), no event",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) { return !p.says(signal::tell_user_timeout); });
            }},
};

}  // namespace

TEST_CASE("timeouts: which clock may run where", "[theorems][3.10.8][3.9.2.2]") {
    for (const auto& one : list) {
        INFO(one.sentence());
        CHECK(one.holds(rfc));
    }
    fmt::print("timeouts: {} cells can come up, {} cannot\n",
               count_cells(rfc, [](const place& p) { return p.is(timeouts) && p.has_row(); }),
               count_cells(rfc, [](const place& p) { return p.is(timeouts) && p.what.is_impossible(); }));
}
