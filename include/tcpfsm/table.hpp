// SPDX-License-Identifier: MIT
// table.hpp: the machine. (state, event) -> (next state, actions, what is said), row by row.
#pragma once

#include <tcpfsm/action.hpp>
#include <tcpfsm/event.hpp>
#include <tcpfsm/state.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

// All of RFC 9293 section 3.10 that moves a connection or decides what it owes. The rows are the single
// source: the cells that run, the diagrams, the tables in docs/, the trace and its citations come from
// here. There are no guards: a condition is a judgement, and a judgement is an event (event.hpp).

namespace tcpfsm {

/// Where a row leads: to a state, or nowhere (`stay`).
class destination {
public:
    constexpr destination(state s) noexcept : state_{s}, moves_{true} {}
    constexpr destination() noexcept = default;
    [[nodiscard]] constexpr bool moves() const noexcept { return moves_; }
    [[nodiscard]] constexpr state from(state s) const noexcept { return moves_ ? state_ : s; }

private:
    state state_ = state::closed;
    bool moves_ = false;
};

/// The state does not change.
inline constexpr destination stay{};

/// One line of the table: in these states, on these events.
struct row {
    state_set in;
    event_set on;
    destination go_to;
    actions doing;
    std::string_view cite;  ///< section of RFC 9293, or "RFC nnnn section"
    saying says{};
};

/// Cells in which the RFC says, or lets us say: drop it, and no reply.
struct drop {
    state_set in;
    event_set on;
    std::string_view cite;
    std::string_view because;
};

/// Cells that no judge can raise. The fuzzers and the properties assert that none does.
struct excluded {
    state_set in;
    event_set on;
    std::string_view because;
};

/// RFC 9293, the table.
struct rfc9293 {
    using enum state;
    using enum event;
    using enum action;
    using enum answer;
    using enum signal;

    // clang-format off
    static constexpr row rows[] = {
//   in state                         on event                 go to         doing                                       cite            saying
// 3.10.1  OPEN
    {closed,                          open_passive,            listen,       create_tcb,                                 "3.10.1",       ok},
    {closed,                          open_active,             syn_sent,     create_tcb | snd_syn,                       "3.10.1",       ok},
    {listen,                          open_active,             syn_sent,     snd_syn,                                    "3.10.1",       ok},
    {closed | listen,                 open_unspecified,        stay,         {},                                         "3.10.1",       err_unspecified},
    {~state_set{closed},              open_passive,            stay,         {},                                         "3.10.1",       err_exists},
    {~(closed | listen),              open_active,             stay,         {},                                         "3.10.1",       err_exists},
    {~(closed | listen),              open_unspecified,        stay,         {},                                         "3.10.1",       err_exists},
// 3.10.2  SEND
    {listen,                          send,                    syn_sent,     snd_syn | snd_text,                         "3.10.2",       ok},
    {syn_sent | syn_received,         send,                    stay,         snd_text,                                   "3.10.2",       ok},
    {established | close_wait,        send,                    stay,         snd_text,                                   "3.10.2",       ok},
    {listen,                          send_unspecified,        stay,         {},                                         "3.10.2",       err_unspecified},
    {listen | syn_sent | syn_received | established | close_wait,
                                      send_no_room,            stay,         {},                                         "3.10.2",       err_no_resources},
    {syn_received | close_wait,       send_after_close,        stay,         {},                                         "3.6 case 1",   err_closing},
    {states::user_closed,             send,                    stay,         {},                                         "3.10.2",       err_closing},
    {closed,                          send,                    stay,         {},                                         "3.10.2",       err_no_connection},
// 3.10.3  RECEIVE
    {states::accepting | states::peer_closed,
                                      receive,                 stay,         take_read,                                  "3.10.3",       ok},
    {syn_received,                    receive,                 stay,         take_read,                                  "RFC 7413 4.2.2", ok},
    {listen | syn_sent | syn_received | states::accepting,
                                      receive_empty,           stay,         {},                                         "3.10.3",       ok},
    {states::peer_closed,             receive_empty,           stay,         {},                                         "3.10.3",       err_closing},
    {closed,                          receive_empty,           stay,         {},                                         "3.10.3",       err_no_connection},
// 3.10.4  CLOSE
    {listen | syn_sent,               close | close_behind_text, closed,     delete_tcb,                                 "3.10.4",       ok},
    {syn_received | established,      close,                   fin_wait_1,   snd_fin,                                    "3.10.4",       ok},
    {established,                     close_behind_text,       fin_wait_1,   snd_fin,                                    "3.10.4",       ok},
    {close_wait,                      close,                   last_ack,     snd_fin,                                    "3.10.4",       ok},
    {syn_received | close_wait,       close_behind_text,       stay,         hold_close,                                 "3.10.4",       ok},
    {syn_received | states::accepting | close_wait,
                                      close_unread,            closed,       snd_rst | delete_tcb,                       "3.6.1",        ok},
    {states::user_closed,             close,                   stay,         {},                                         "3.10.4",       err_closing},
    {closed,                          close,                   stay,         {},                                         "3.10.4",       err_no_connection},
// 3.10.5  ABORT
    {listen | syn_sent,               abort,                   closed,       delete_tcb,                                 "3.10.5",       ok},
    {syn_received | established | fin_wait_1 | fin_wait_2 | close_wait,
                                      abort,                   closed,       snd_rst | delete_tcb,                       "3.10.5",       ok},
    {closing | last_ack | time_wait,  abort,                   closed,       delete_tcb,                                 "3.10.5",       ok},
    {closed,                          abort,                   stay,         {},                                         "3.10.5",       err_no_connection},
// 3.10.6  STATUS
    {states::open,                    status,                  stay,         {},                                         "3.10.6",       ok},
    {closed,                          status,                  stay,         {},                                         "3.10.6",       err_no_connection},

// 3.10.7.1  SEGMENT ARRIVES in CLOSED
    {closed,                          rcv_bad_ack | rcv_stray, stay,         snd_rst,                                    "3.10.7.1"},
// 3.10.7.2  SEGMENT ARRIVES in LISTEN
    {listen,                          rcv_bad_ack,             stay,         snd_rst,                                    "3.10.7.2 2"},
    {listen,                          rcv_syn,                 syn_received, take_syn | snd_syn,                         "3.10.7.2 3"},
    {listen,                          rcv_syn_cookie,          syn_received, take_syn | trust_peer | snd_syn,            "RFC 7413 4.2.2", tell_early},
// 3.10.7.3  SEGMENT ARRIVES in SYN-SENT
    {syn_sent,                        rcv_bad_ack,             stay,         snd_rst,                                    "3.10.7.3 1"},
    {syn_sent,                        rcv_rst,                 closed,       delete_tcb,                                 "3.10.7.3 2",   tell_reset},
    {syn_sent,                        rcv_syn_ack,             established,  take_syn | take_ack | snd_ack,              "3.10.7.3 4",   tell_open},
    {syn_sent,                        rcv_syn,                 syn_received, take_syn | snd_syn,                         "3.10.7.3 4"},
// 3.10.7.4  SEGMENT ARRIVES in any other state, step by step. First: the sequence number
    {states::other,                   rcv_paws,                stay,         snd_challenge,                              "RFC 7323 5.3 R1"},
    {states::other,                   rcv_outside_text,        stay,         snd_ack,                                    "3.10.7.4 1"},
    {states::other,                   rcv_outside,             stay,         snd_challenge,                              "3.10.7.4 1"},
    {time_wait,                       rcv_fin_again,           stay,         snd_ack | start_2msl,                       "3.10.7.4 8"},
    {syn_received,                    rcv_syn_again,           stay,         snd_syn,                                    "3.10.7.4 1"},
    {time_wait,                       rcv_syn_reopen,          syn_received, reopen_tcb | take_syn | snd_syn,            "3.6.1 MAY-2"},
// Second: the RST bit
    {syn_received,                    rcv_rst_passive,         listen,       forget_peer,                                "3.10.7.4 2"},
    {syn_received,                    rcv_rst_reopened,        time_wait,    restore_tcb | start_2msl,                   "3.6.1 MAY-2"},
    {syn_received,                    rcv_rst,                 closed,       delete_tcb,                                 "3.10.7.4 2",   tell_refused},
    {states::accepting | close_wait,  rcv_rst,                 closed,       delete_tcb,                                 "3.10.7.4 2",   tell_reset},
    {closing | last_ack | time_wait,  rcv_rst,                 closed,       delete_tcb,                                 "3.10.7.4 2",   tell_closed},
    {states::other,                   rcv_rst_challenge,       stay,         snd_challenge,                              "3.10.7.4 2"},
// Fourth: the SYN bit
    {syn_received,                    rcv_syn_passive,         listen,       forget_peer,                                "3.10.7.4 4"},
    {states::other,                   rcv_syn_challenge,       stay,         snd_challenge,                              "3.10.7.4 4"},
    {states::other,                   rcv_syn_fatal,           closed,       snd_rst | delete_tcb,                       "3.10.7.4 4",   tell_reset},
// Fifth: the ACK field
    {syn_received,                    rcv_bad_ack,             stay,         snd_rst,                                    "3.10.7.4 5"},
    {states::synchronized,            rcv_bad_ack,             stay,         snd_challenge,                              "3.10.7.4 5"},
    {syn_received,                    rcv_ack_of_syn,          established,  take_ack,                                   "3.10.7.4 5",   tell_open},
    {established | fin_wait_1 | fin_wait_2 | close_wait | closing | last_ack,
                                      rcv_ack,                 stay,         take_ack,                                   "3.10.7.4 5"},
    {fin_wait_1,                      rcv_ack_of_fin,          fin_wait_2,   take_ack,                                   "3.10.7.4 5"},
    {closing,                         rcv_ack_of_fin,          time_wait,    take_ack | start_2msl,                      "3.10.7.4 5"},
    {last_ack,                        rcv_ack_of_fin,          closed,       take_ack | delete_tcb,                      "3.10.7.4 5",   tell_closed},
// Sixth: the URG bit
    {states::accepting,               rcv_urg,                 stay,         take_urg,                                   "3.10.7.4 6",   tell_urgent},
// Seventh: the text
    {states::accepting,               rcv_text,                stay,         take_text,                                  "3.10.7.4 7"},
    {syn_received,                    rcv_text,                stay,         take_text,                                  "RFC 7413 4.2.2"},
    {states::accepting,               rcv_text_early,          stay,         take_text | snd_ack,                        "3.10.7.4 7"},
    {states::accepting,               rcv_text_no_room,        stay,         snd_ack,                                    "3.10.7.4 7"},
    {states::accepting,               rcv_text_no_range,       stay,         snd_ack,                                    "3.10.7.4 7"},
    {fin_wait_1 | fin_wait_2,         rcv_text_unwanted,       closed,       snd_rst | delete_tcb,                       "3.6.1",        tell_reset},
// Eighth: the FIN bit
    {established,                     rcv_fin,                 close_wait,   take_fin | snd_ack,                         "3.10.7.4 8",   tell_closing},
    {fin_wait_1,                      rcv_fin,                 closing,      take_fin | snd_ack,                         "3.10.7.4 8",   tell_closing},
    {fin_wait_2,                      rcv_fin,                 time_wait,    take_fin | snd_ack | start_2msl,            "3.10.7.4 8",   tell_closing},

// 3.9.2.2  ICMP
    {states::open,                    icmp_soft,               stay,         {},                                         "3.9.2.2",      tell_soft_error},
    {syn_sent | syn_received,         icmp_hard,               closed,       delete_tcb,                                 "3.9.2.2",      tell_unreachable},
    {listen | states::synchronized,   icmp_hard,               stay,         {},                                         "RFC 5461 4.1", tell_soft_error},

// 3.10.8  Timeouts
    {states::retransmitting,          timeout_user,            closed,       delete_tcb,                                 "3.10.8",       tell_timed_out},
    {states::retransmitting,          timeout_trouble,         stay,         {},                                         "3.8.3 R1",     tell_trouble},
    {states::retransmitting,          timeout_retransmission,  stay,         snd_again,                                  "3.10.8"},
    {states::sending,                 timeout_reordering,      stay,         snd_lost,                                   "RFC 8985 6.2"},
    {states::sending,                 timeout_tail_loss,       stay,         snd_tail,                                   "RFC 8985 7.3"},
    {states::sending,                 timeout_pacing,          stay,         snd_paced,                                  "RFC 9937 5"},
    {states::sending,                 timeout_persist,         stay,         snd_probe,                                  "3.8.6.1"},
    {states::accepting,               timeout_delayed_ack,     stay,         snd_ack,                                    "3.8.6.3"},
    {states::sending,                 timeout_override,        stay,         snd_override,                               "3.8.6.2.1"},
    {established | fin_wait_1 | fin_wait_2 | close_wait,
                                      timeout_keep_alive,      stay,         snd_keep_alive,                             "3.8.4"},
    {established | fin_wait_1 | fin_wait_2 | close_wait,
                                      timeout_dead_peer,       closed,       snd_rst | delete_tcb,                       "3.8.4",        tell_timed_out},
    {time_wait,                       timeout_time_wait,       closed,       delete_tcb,                                 "3.10.8",       tell_closed},
    };

    static constexpr drop dropped[] = {
    {closed,                          rcv_rst,                                           "3.10.7.1",      "a reset is never answered"},
    {listen,                          rcv_rst,                                           "3.10.7.2 1",    "nothing has been sent that it could be about"},
    {listen,                          rcv_stray,                                         "3.10.7.2 4",    "neither a SYN nor an answer to anything"},
    {syn_sent,                        rcv_rst_invalid,                                   "3.10.7.3 2",    "it does not acknowledge our SYN"},
    {syn_sent,                        rcv_stray,                                         "3.10.7.3 5",    "neither a SYN nor a reset"},
    {states::other,                   rcv_rst_invalid,                                   "3.10.7.4 1",    "a reset outside the window is never answered"},
    {states::other,                   rcv_no_timestamp,                                  "RFC 7323 3.2",  "every segment but a reset must carry a timestamp here"},
    {states::other,                   rcv_no_ack,                                        "3.10.7.4 5",    "every segment but a SYN must carry an ACK here"},
    {time_wait,                       rcv_rst_lingering,                                 "RFC 1337 3",    "old segments could end TIME-WAIT too early"},
    {time_wait,                       rcv_ack,                                           "3.10.7.4 5",    "everything was acknowledged; an answer could go on for ever"},
    {states::peer_closed,             rcv_urg,                                           "3.10.7.4 6",    "the peer has sent its FIN"},
    {states::peer_closed,             rcv_text_after_fin,                                "3.10.7.4 7",    "the peer has sent its FIN"},
    {states::all,                     icmp_quench,                                       "3.9.2.2",       "source quench is not listened to, nor a quotation of what was not sent"},
    {closed,                          icmp_soft | icmp_hard,                             "3.9.2.2",       "there is no connection that it could be about"},
    };

    static constexpr excluded impossible[] = {
    {~state_set{listen},              send_unspecified,                                  "only LISTEN may lack a remote socket"},
    {closed | states::user_closed,    send_no_room,                                      "these states take no text at all"},
    {~(syn_received | close_wait),    send_after_close,                                  "a CLOSE waits in these two states alone"},
    {closed | listen | syn_sent,      receive,                                           "no text has been delivered yet"},
    {closed | states::user_closed,    close_behind_text,                                 "the second CLOSE finds no text that it could wait for"},
    {~(syn_received | states::accepting | close_wait), close_unread,                     "such a CLOSE is refused here, whatever is unread"},
    {~(closed | listen | syn_sent),   rcv_stray,                                         "3.10.7.4 has a name for each segment"},
    {closed | listen | syn_sent,      rcv_no_ack | rcv_outside | rcv_outside_text | rcv_paws | rcv_no_timestamp
                                      | rcv_rst_challenge | rcv_syn_challenge | rcv_syn_fatal | rcv_ack,
                                                                                         "there is no window yet"},
    {closed | listen,                 rcv_rst_invalid,                                   "every reset is dropped here as it is"},
    {~state_set{syn_received},        rcv_rst_passive | rcv_rst_reopened | rcv_syn_passive | rcv_syn_again | rcv_ack_of_syn,
                                                                                         "judged in SYN-RECEIVED alone"},
    {~(listen | syn_sent),            rcv_syn,                                           "a SYN means something else here"},
    {~state_set{listen},              rcv_syn_cookie,                                    "a cookie is for whoever listens"},
    {~state_set{syn_sent},            rcv_syn_ack,                                       "a SYN means something else here"},
    {~state_set{time_wait},           rcv_rst_lingering | rcv_syn_reopen | rcv_fin_again, "judged in TIME-WAIT alone"},
    {syn_received,                    rcv_ack,                                           "an acceptable ACK in SYN-RECEIVED is rcv_ack_of_syn"},
    {~(fin_wait_1 | closing | last_ack), rcv_ack_of_fin,                                 "no FIN of ours is unacknowledged"},
    {closed | listen | syn_sent | syn_received, rcv_urg | rcv_text_after_fin,            "the ACK comes first, and leads on"},
    {~states::accepting,              rcv_text_early | rcv_text_no_room | rcv_text_no_range | rcv_fin,
                                                                                         "text and FIN wait until the ACK has led on, and end with the FIN"},
    {~(syn_received | states::accepting), rcv_text,                                      "the same, but for text that came with a cookie"},
    {states::accepting,               rcv_text_after_fin,                                "the FIN has not been taken"},
    {~(fin_wait_1 | fin_wait_2),      rcv_text_unwanted,                                 "a half-duplex CLOSE leads to FIN-WAIT-1"},
    {closed | listen | fin_wait_2 | time_wait, timeout_user | timeout_trouble | timeout_retransmission,
                                                                                         "nothing of ours is unacknowledged"},
    {~states::sending,                timeout_reordering | timeout_tail_loss | timeout_pacing | timeout_persist | timeout_override,
                                                                                         "no text or FIN waits for its ACK or a window"},
    {~states::accepting,              timeout_delayed_ack,                               "no text was taken"},
    {~(established | fin_wait_1 | fin_wait_2 | close_wait), timeout_keep_alive | timeout_dead_peer,
                                                                                         "keep-alive waits for the peer in these states alone"},
    {~state_set{time_wait},           timeout_time_wait,                                 "started on entry to TIME-WAIT"},
    };
    // clang-format on
};

/// One compiled entry: next state, what is said, and the actions.
class cell {
public:
    constexpr cell() noexcept = default;
    constexpr cell(state next, actions doing, saying says) noexcept : doing_{doing}, next_{next}, says_{says} {}

    [[nodiscard]] constexpr state next() const noexcept { return next_; }
    [[nodiscard]] constexpr saying says() const noexcept { return says_; }
    [[nodiscard]] constexpr actions doing() const noexcept { return doing_; }
    [[nodiscard]] constexpr bool is_dropped() const noexcept { return says() == saying::dropped(); }
    [[nodiscard]] constexpr bool is_impossible() const noexcept { return says() == saying::impossible(); }
    friend constexpr bool operator==(cell, cell) noexcept = default;

private:
    actions doing_;
    state next_ = state::closed;
    saying says_;
};
static_assert(sizeof(cell) == 8 && action_count <= 32);

/// The dense form of a table: one cell for every state and event.
struct machine_table {
    std::array<std::array<cell, event_count>, state_count> cells{};

    [[nodiscard]] constexpr cell at(state s, event e) const noexcept {
        return cells[static_cast<std::size_t>(s)][static_cast<std::size_t>(e)];
    }
};

// Never defined: the compiler stops at the call and shows the sentence and the cell.
void two_rows_name_the_same_cell(state in, event on);
void no_row_names_this_cell(state in, event on);

/// Compiles the rows of `Table` (its members `rows`, `dropped` and `impossible`). A cell that two rows
/// name, or that none names, does not compile.
template <class Table>
[[nodiscard]] consteval machine_table compile() {
    machine_table out{};
    bool named[state_count][event_count]{};
    const auto fill = [&](state_set in, event_set on, auto make) {
        for (std::size_t s = 0; s < state_count; ++s) {
            for (std::size_t e = 0; e < event_count; ++e) {
                const auto here = static_cast<state>(s);
                const auto what = static_cast<event>(e);
                if (!in.contains(here) || !on.contains(what)) continue;
                if (named[s][e]) two_rows_name_the_same_cell(here, what);
                named[s][e] = true;
                out.cells[s][e] = make(here);
            }
        }
    };
    for (const row& r : Table::rows) {
        fill(r.in, r.on, [&](state s) { return cell{r.go_to.from(s), r.doing, r.says}; });
    }
    for (const drop& d : Table::dropped) {
        fill(d.in, d.on, [](state s) { return cell{s, {}, saying::dropped()}; });
    }
    for (const excluded& x : Table::impossible) {
        fill(x.in, x.on, [](state s) { return cell{s, {}, saying::impossible()}; });
    }
    for (std::size_t s = 0; s < state_count; ++s) {
        for (std::size_t e = 0; e < event_count; ++e) {
            if (!named[s][e]) no_row_names_this_cell(static_cast<state>(s), static_cast<event>(e));
        }
    }
    return out;
}

/// What stands in the table for a cell: where the RFC says so, and for a dropped one why. Searches the
/// rows; meant for traces and documents.
struct citation {
    std::string_view cite;
    std::string_view because;
};
template <class Table = rfc9293>
[[nodiscard]] constexpr citation cite(state s, event e) noexcept {
    for (const row& r : Table::rows) {
        if (r.in.contains(s) && r.on.contains(e)) return {r.cite, {}};
    }
    for (const drop& d : Table::dropped) {
        if (d.in.contains(s) && d.on.contains(e)) return {d.cite, d.because};
    }
    for (const excluded& x : Table::impossible) {
        if (x.in.contains(s) && x.on.contains(e)) return {"impossible", x.because};
    }
    return {};
}

}  // namespace tcpfsm
