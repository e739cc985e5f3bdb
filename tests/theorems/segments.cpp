// SPDX-License-Identifier: MIT
// segments.cpp: what an arriving segment does, in the order of 3.10.7: who is acknowledged, challenged, reset.

#include "theorem.hpp"

#include <support/catch.hpp>

#include <fmt/format.h>

namespace {

using namespace theorems;

inline constexpr state_set unsynchronized = ~states::synchronized;

/// A FIN of ours may be on its way, unacknowledged.
inline constexpr state_set fin_unacknowledged = state::fin_wait_1 | state::closing | state_set{state::last_ack};

const theorem list[] = {
    // Resets.
    theorem{"a reset is never answered: no row for one owes any segment but a challenge ACK",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    constexpr actions segments =
                        action::snd_rst | action::snd_syn | action::snd_fin | actions{action::snd_ack};
                    return !p.is(resets) || !p.does_any(segments);
                });
            }},
    theorem{"a reset inside the window but not at RCV.NXT changes nothing and is challenged (RFC 5961)",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    if (!p.is(event::rcv_rst_challenge) || !p.in(states::other)) return true;
                    return !p.moves() && p.what.doing() == action::snd_challenge;
                });
            }},
    theorem{"a reset that counts ends every connection; only SYN-RECEIVED may fall back to where it came from",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    if (p.is(event::rcv_rst) && !p.in(state::closed | state::listen)) return p.to() == state::closed;
                    if (!p.is(resets) || !p.moves()) return true;
                    return p.in(state::syn_received) &&
                           p.to() == (p.is(event::rcv_rst_passive) ? state::listen : state::time_wait);
                });
            }},
    theorem{
        "a reset is owed iff a call or a dead peer tears the connection down, or a segment shows that the peer errs "
        "(3.5.2)",
        [](const machine_table& t) {
            return every_cell(t, [](const place& p) {
                constexpr state_set expecting = states::accepting | state::close_wait;
                const bool torn = (p.is(event::abort) && p.in(expecting | state::syn_received)) ||
                                  (p.is(event::timeout_dead_peer) && p.in(expecting)) ||
                                  (p.is(event::close_unread) && p.in(expecting | state::syn_received)) ||
                                  (p.is(event::rcv_text_unwanted) && p.in(state::fin_wait_1 | state::fin_wait_2));
                const bool group1 = p.in(state::closed) && p.is(event::rcv_stray | event::rcv_bad_ack);
                const bool group2 = p.in(unsynchronized) && p.is(event::rcv_bad_ack);
                const bool without_rfc5961 = p.in(states::other) && p.is(event::rcv_syn_fatal);
                return p.does(action::snd_rst) == (torn || group1 || group2 || without_rfc5961);
            });
        }},
    theorem{"no segment without a reset, a SYN or text after a CLOSE makes a synchronized state answer with a reset "
            "(3.5.2, "
            "group 3)",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    if (!p.in(states::synchronized) || !p.is(arrivals) || !p.does(action::snd_rst)) return true;
                    return p.is(event::rcv_syn_fatal | event::rcv_text_unwanted);
                });
            }},

    // SYNs.
    theorem{"a SYN is taken where there was none before: in LISTEN, in SYN-SENT, and by a new incarnation",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    const bool first = (p.in(state::listen | state::syn_sent) && p.is(event::rcv_syn)) ||
                                       (p.in(state::listen) && p.is(event::rcv_syn_cookie)) ||
                                       (p.in(state::syn_sent) && p.is(event::rcv_syn_ack)) ||
                                       (p.in(state::time_wait) && p.is(event::rcv_syn_reopen));
                    return p.does(action::take_syn) == first;
                });
            }},
    theorem{"a blind SYN cannot move a synchronized connection: with RFC 5961 it earns one ACK",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    if (!p.is(event::rcv_syn_challenge) || !p.in(states::other)) return true;
                    return !p.moves() && p.what.doing() == action::snd_challenge;
                });
            }},

    // ACKs.
    theorem{"an acknowledgment is taken in every state that has sent something, TIME-WAIT having nothing left to be "
            "acknowledged",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    const bool any = p.is(event::rcv_ack) && p.in(states::synchronized & ~state_set{state::time_wait});
                    const bool of_syn = (p.is(event::rcv_syn_ack) && p.in(state::syn_sent)) ||
                                        (p.is(event::rcv_ack_of_syn) && p.in(state::syn_received));
                    const bool of_fin = p.is(event::rcv_ack_of_fin) && p.in(fin_unacknowledged);
                    return p.does(action::take_ack) == (any || of_syn || of_fin);
                });
            }},
    theorem{"a plain acknowledgment moves nothing; only one of our SYN or our FIN does",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    if (p.is(event::rcv_ack)) return !p.moves();
                    if (p.is(event::rcv_ack_of_fin) && p.in(fin_unacknowledged)) return p.moves();
                    return !p.is(event::rcv_ack_of_syn) || !p.in(state::syn_received) || p.moves();
                });
            }},
    theorem{"an acknowledgment is never answered: two ends cannot acknowledge each other for ever",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    constexpr actions acks = action::snd_ack | action::snd_challenge;
                    return !p.is(event_set{event::rcv_ack} | event::rcv_ack_of_syn | event::rcv_ack_of_fin) ||
                           !p.does_any(acks);
                });
            }},
    theorem{"what cannot be believed is answered within the connection's allowance",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    const bool unbelievable =
                        p.in(states::other) && p.is(event::rcv_outside | event::rcv_paws | event::rcv_rst_challenge |
                                                    event::rcv_syn_challenge);
                    const bool bad_ack = p.in(states::synchronized) && p.is(event::rcv_bad_ack);
                    return p.does(action::snd_challenge) == (unbelievable || bad_ack);
                });
            }},
    theorem{
        "an ACK is owed at once iff a SYN or FIN was taken, text was lost, came twice or found no room, or a delay is "
        "over",
        [](const machine_table& t) {
            return every_cell(t, [](const place& p) {
                const bool taken = (p.is(event::rcv_syn_ack) && p.in(state::syn_sent)) ||
                                   (p.is(event::rcv_fin) && p.in(states::accepting));
                const bool twice = (p.is(event::rcv_outside_text) && p.in(states::other)) ||
                                   (p.is(event::rcv_fin_again) && p.in(state::time_wait));
                const bool lost = p.in(states::accepting) && p.is(event_set{event::rcv_text_early} |
                                                                  event::rcv_text_no_room | event::rcv_text_no_range);
                const bool late = p.in(states::accepting) && p.is(event::timeout_delayed_ack);
                return p.does(action::snd_ack) == (taken || twice || lost || late);
            });
        }},
    theorem{"a segment that is refused changes nothing but what is owed",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    constexpr event_set refused = event_set{event::rcv_bad_ack} | event::rcv_outside |
                                                  event::rcv_outside_text | event::rcv_paws | event::rcv_rst_challenge |
                                                  event::rcv_syn_challenge | event::rcv_text_no_room |
                                                  event::rcv_text_no_range;
                    constexpr actions replies = action::snd_ack | action::snd_challenge | actions{action::snd_rst};
                    return !p.is(refused) ||
                           (!p.moves() && !p.signals() && (p.what.doing().bits() & ~replies.bits()) == 0);
                });
            }},

    // Text, the urgent pointer, the FIN.
    theorem{"text is taken iff the peer may still send some, or has sent it with a cookie",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    const bool open = p.is(event::rcv_text | event::rcv_text_early) && p.in(states::accepting);
                    const bool early = p.is(event::rcv_text) && p.in(state::syn_received);
                    return p.does(action::take_text) == (open || early);
                });
            }},
    theorem{"a cookie counts in LISTEN alone, leads where a SYN leads, and the user is told of it (RFC 7413)",
            [](const machine_table& t) {
                return every_cell(t, [&](const place& p) {
                    const bool shown = p.in(state::listen) && p.is(event::rcv_syn_cookie);
                    if (p.does(action::trust_peer) != shown || p.says(signal::tell_early) != shown) return false;
                    const cell without = t.at(state::listen, event::rcv_syn);
                    return !shown ||
                           (p.to() == without.next() && p.what.doing() == (without.doing() | action::trust_peer));
                });
            }},
    theorem{"an urgent pointer counts iff the peer may still send text",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    return p.does(action::take_urg) == (p.is(event::rcv_urg) && p.in(states::accepting));
                });
            }},
    theorem{
        "a FIN is taken once: from states that take text into states that do not, acknowledged, and told to the user",
        [](const machine_table& t) {
            return every_cell(t, [](const place& p) {
                const bool taken = p.is(event::rcv_fin) && p.in(states::accepting);
                return p.does(action::take_fin) == taken && p.says(signal::tell_closing) == taken &&
                       (!taken || (states::peer_closed.contains(p.to()) && p.does(action::snd_ack)));
            });
        }},
    theorem{"text alone never moves a connection, unless nobody is left to read it",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    if (!p.is(events(event::rcv_text, event::rcv_text_after_fin)) || !p.moves()) return true;
                    return p.is(event::rcv_text_unwanted) && p.in(state::fin_wait_1 | state::fin_wait_2);
                });
            }},

    // What the user is told.
    theorem{"\"connection refused\" iff a reset answers an active OPEN in SYN-RECEIVED",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    return p.says(signal::tell_refused) == (p.in(state::syn_received) && p.is(event::rcv_rst));
                });
            }},
    theorem{"\"connection reset\" iff a reset, a fatal SYN or unwanted text ends a connection that the user still "
            "counts on",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    const bool by_reset =
                        p.is(event::rcv_rst) && p.in(state::syn_sent | states::accepting | state::close_wait);
                    const bool by_syn = p.is(event::rcv_syn_fatal) && p.in(states::other);
                    const bool by_text = p.is(event::rcv_text_unwanted) && p.in(state::fin_wait_1 | state::fin_wait_2);
                    return p.says(signal::tell_reset) == (by_reset || by_syn || by_text);
                });
            }},
    theorem{"\"connection closed\" iff an end follows after both sides have closed",
            [](const machine_table& t) {
                return every_cell(t, [](const place& p) {
                    const bool both = p.in(states::user_closed & states::peer_closed);
                    const bool torn = p.is(calls | timeouts) && !p.is(event::timeout_time_wait);
                    return p.says(signal::tell_closed) ==
                           (both && p.moves_to(state::closed) && !torn && !p.is(event::rcv_syn_fatal));
                });
            }},
    theorem{"every urgent pointer that counts is told to the user (MUST-32)",
            [](const machine_table& t) {
                return every_cell(
                    t, [](const place& p) { return p.says(signal::tell_urgent) == p.does(action::take_urg); });
            }},

    // What is dropped.
    theorem{
        "a segment falls in silence only where the RFC wants it: resets without proof, old ones, and what says nothing "
        "new",
        [](const machine_table& t) {
            return every_cell(t, [](const place& p) {
                const bool reset = (p.is(event::rcv_rst) && p.in(state::closed | state::listen)) ||
                                   (p.is(event::rcv_rst_invalid) && p.in(states::other | state::syn_sent)) ||
                                   (p.is(event::rcv_rst_lingering) && p.in(state::time_wait));
                const bool means_nothing = p.is(event::rcv_stray) && p.in(state::listen | state::syn_sent);
                const bool lacks = p.is(event::rcv_no_ack | event::rcv_no_timestamp) && p.in(states::other);
                const bool late = (p.is(event::rcv_urg | event::rcv_text_after_fin) && p.in(states::peer_closed)) ||
                                  (p.is(event::rcv_ack) && p.in(state::time_wait));
                return !p.is(arrivals) || p.what.is_dropped() == (reset || means_nothing || lacks || late);
            });
        }},
    theorem{"a cell that is dropped or impossible neither moves nor does anything",
            [](const machine_table& t) {
                return every_cell(t,
                                  [](const place& p) { return p.has_row() || (!p.moves() && p.what.doing().empty()); });
            }},
};

}  // namespace

TEST_CASE("segments: who is acknowledged, challenged and reset", "[theorems][3.10.7]") {
    for (const auto& one : list) {
        INFO(one.sentence());
        CHECK(one.holds(rfc));
    }
    const auto count = [](action a) {
        return count_cells(rfc, [a](const place& p) { return p.is(arrivals) && p.does(a); });
    };
    fmt::print("segments: {} cells acknowledge, {} challenge, {} reset; {} are dropped\n", count(action::snd_ack),
               count(action::snd_challenge), count(action::snd_rst),
               count_cells(rfc, [](const place& p) { return p.is(arrivals) && p.what.is_dropped(); }));
}
