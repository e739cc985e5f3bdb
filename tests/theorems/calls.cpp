// SPDX-License-Identifier: MIT
// calls.cpp: every user call is answered in every state, and with the RFC's answer (3.10.1 to 3.10.6).

#include "theorem.hpp"

#include <support/catch.hpp>

#include <fmt/format.h>

#include <optional>

namespace {

using namespace theorems;

// What 3.10.1 to 3.10.6 answer, call by call and, as there, state by state. Nothing where the call cannot
// have this form: a SEND has a remote socket in every state but LISTEN, and so on.
using maybe = std::optional<answer>;
inline constexpr auto nothing = std::nullopt;

constexpr maybe answer_to_open(state at, event on) {
    if (at == state::closed || at == state::listen) {
        if (on == event::open_unspecified) return answer::err_unspecified;
        if (on == event::open_active || at == state::closed) return answer::ok;
    }
    return answer::err_exists;
}

constexpr maybe answer_to_send(state at, event on) {
    switch (at) {
    case state::closed: return on == event::send ? maybe{answer::err_no_connection} : nothing;
    case state::listen:
        if (on == event::send_unspecified) return answer::err_unspecified;
        [[fallthrough]];
    case state::syn_sent:
    case state::syn_received:
    case state::established:
    case state::close_wait:
        if (on == event::send) return answer::ok;
        if (on == event::send_no_room) return answer::err_no_resources;
        // 3.6, case 1: "no further SENDs from the user will be accepted", also while the CLOSE is queued.
        if (on == event::send_after_close && (at == state::syn_received || at == state::close_wait))
            return answer::err_closing;
        return nothing;
    default: return on == event::send ? maybe{answer::err_closing} : nothing;
    }
}

constexpr maybe answer_to_receive(state at, event on) {
    const bool text_on_hand = on == event::receive;
    if (at == state::closed) return text_on_hand ? nothing : maybe{answer::err_no_connection};
    if (at == state::listen || at == state::syn_sent) return text_on_hand ? nothing : maybe{answer::ok};
    if (at == state::syn_received) return answer::ok;  // there is text that came with a cookie (RFC 7413)
    if (text_on_hand || states::accepting.contains(at)) return answer::ok;
    return answer::err_closing;
}

constexpr maybe answer_to_close(state at, event on) {
    if (on == event::close_unread)
        return (states::handshaking | states::accepting | state::close_wait).contains(at) ? maybe{answer::ok} : nothing;
    if (at == state::closed) return on == event::close ? maybe{answer::err_no_connection} : nothing;
    if (states::user_closed.contains(at)) return on == event::close ? maybe{answer::err_closing} : nothing;
    return answer::ok;
}

constexpr maybe answer_to_abort_or_status(state at) {
    return at == state::closed ? answer::err_no_connection : answer::ok;
}

constexpr maybe answer_to(state at, event on) {
    if (on <= event::open_unspecified) return answer_to_open(at, on);
    if (on <= event::send_after_close) return answer_to_send(at, on);
    if (on <= event::receive_empty) return answer_to_receive(at, on);
    if (on <= event::close_unread) return answer_to_close(at, on);
    return answer_to_abort_or_status(at);
}

constexpr bool is_ok(const place& p) { return p.says(answer::ok); }

const theorem list[] = {
    theorem{"every call is answered in every state, and nothing but a call is",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) { return p.answers() == (p.is(calls) && p.has_row()); });
            }},
    theorem{"no call is ever dropped",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) { return !p.is(calls) || !p.what.is_dropped(); });
            }},
    theorem{"every call that can be made gets the answer that 3.10.1 to 3.10.6 give it",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    if (!p.is(calls)) return true;
                    const maybe expected = answer_to(p.at, p.on);
                    return expected ? p.says(*expected) : p.what.is_impossible();
                });
            }},
    theorem{"a call that is refused does nothing",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    return !p.answers() || is_ok(p) || (!p.moves() && p.what.doing().empty());
                });
            }},
    theorem{"in CLOSED no call but OPEN succeeds",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    return !p.in(state::closed) || !is_ok(p) || p.is(event::open_passive | event::open_active);
                });
            }},
    theorem{"RECEIVE, STATUS and a refused call never move the connection",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    return !p.is(event_set{event::receive} | event::receive_empty | event::status) || !p.moves();
                });
            }},
    theorem{"text goes to the end of the queue iff a SEND is answered with ok",
            [](const machine_table& t) {
                return every_cell(
                    t, [](const place& p) { return p.does(action::snd_text) == (p.is(event::send) && is_ok(p)); });
            }},
    theorem{"reading frees room iff there was text to read",
            [](const machine_table& t) {
                return every_cell(
                    t, [](const place& p) { return p.does(action::take_read) == (p.is(event::receive) && is_ok(p)); });
            }},
    theorem{"a CLOSE waits iff it was accepted and did not move the connection: in SYN-RECEIVED and CLOSE-WAIT, behind "
            "text",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    const bool accepted = p.is(events(event::close, event::close_unread)) && is_ok(p);
                    const bool waits = p.is(event::close_behind_text) && p.in(state::syn_received | state::close_wait);
                    return p.does(action::hold_close) == (accepted && !p.moves()) && (accepted && !p.moves()) == waits;
                });
            }},
    theorem{"a FIN is owed iff a CLOSE opens one of the ways that wait for its acknowledgment",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    const bool begins = p.is(calls) && p.moves_to(state::fin_wait_1 | state::last_ack);
                    return p.does(action::snd_fin) == begins;
                });
            }},
    theorem{"ABORT leads to CLOSED from everywhere",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) { return !p.is(event::abort) || p.to() == state::closed; });
            }},
    theorem{"ABORT resets the peer iff the peer may still expect something (3.10.5)",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    const bool expects = p.in(state::syn_received | states::accepting | state::close_wait);
                    return !p.is(event::abort) || p.does(action::snd_rst) == expects;
                });
            }},
};

}  // namespace

TEST_CASE("calls: every one is answered in every state", "[theorems][3.10.1][3.10.6]") {
    for (const auto& one : list) {
        INFO(one.sentence());
        CHECK(one.holds(rfc));
    }
    const auto n = count_cells(rfc, [](const place& p) { return p.answers(); });
    fmt::print("calls: {} cells answer; {} of them with ok\n", n, count_cells(rfc, is_ok));
    CHECK(n + count_cells(rfc, [](const place& p) { return p.is(calls) && p.what.is_impossible(); }) ==
          14 * state_count);
}
