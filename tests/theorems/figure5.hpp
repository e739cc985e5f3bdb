// SPDX-License-Identifier: MIT
// figure5.hpp: the arcs of RFC 9293: those of Figure 5, of its notes, and those that only the text has.
#pragma once

#include <tcpfsm/table.hpp>

#include <string_view>

// Written from the RFC, not from the table. F5: drawn in the figure. N: in its notes. TI: in the text alone.
// Actions are in the figure's own words: TCBs, timers and segments; what an arc does to numbers is left out.

namespace figure5 {

using enum tcpfsm::state;
using enum tcpfsm::event;
using enum tcpfsm::action;
using tcpfsm::actions;
using tcpfsm::event_set;
using tcpfsm::state_set;
namespace states = tcpfsm::states;

/// The actions in which the figure speaks.
inline constexpr actions words =
    create_tcb | snd_syn | snd_fin | actions{snd_ack} | snd_challenge | snd_rst | start_2msl | delete_tcb;

/// One arrow, or one and the same arrow out of several states.
struct arc {
    std::string_view id;
    state_set from;
    event_set on;
    tcpfsm::destination to;
    actions doing;
    std::string_view omitted{};  ///< why the table has no such arrow; empty if it has
};

inline constexpr tcpfsm::destination same = tcpfsm::stay;

// Figure 5 speaks of "sends RST" as an arrow to TIME-WAIT, 3.10.5 of "delete the TCB, enter CLOSED".
inline constexpr std::string_view issuer_of_rst =
    "note 3 and 3.5.2 let the end that resets linger in TIME-WAIT; 3.10.5 deletes its TCB and enters CLOSED. The table "
    "follows "
    "3.10: the peer's TCB goes too, and a new connection chooses an ISS beyond the old one's (3.4.1)";
inline constexpr std::string_view no_security =
    "3.10.7.4, third, is for multilevel security (appendix A.1), which the table leaves to others";

// clang-format off
inline constexpr arc arcs[] = {
// Drawn in Figure 5
    {"F5-01", closed,       open_passive,                   listen,       create_tcb},
    {"F5-02", closed,       open_active,                    syn_sent,     create_tcb | snd_syn},
    {"F5-03", listen,       close | close_behind_text,      closed,       delete_tcb},
    {"F5-04", listen,       rcv_syn,                        syn_received, snd_syn},
    {"F5-05", listen,       send,                           syn_sent,     snd_syn},
    {"F5-06", syn_sent,     close | close_behind_text,      closed,       delete_tcb},
    {"F5-07", syn_sent,     rcv_syn,                        syn_received, snd_syn},
    {"F5-08", syn_sent,     rcv_syn_ack,                    established,  snd_ack},
    {"F5-09", syn_received, rcv_ack_of_syn,                 established,  {}},
    {"F5-10", syn_received, close,                          fin_wait_1,   snd_fin},
    {"F5-11", syn_received, rcv_rst_passive,                listen,       {}},
    {"F5-12", established,  close | close_behind_text,      fin_wait_1,   snd_fin},
    {"F5-13", established,  rcv_fin,                        close_wait,   snd_ack},
    {"F5-14", fin_wait_1,   rcv_ack_of_fin,                 fin_wait_2,   {}},
    {"F5-15", fin_wait_1,   rcv_fin,                        closing,      snd_ack},
    {"F5-16", fin_wait_2,   rcv_fin,                        time_wait,    snd_ack | start_2msl},
    {"F5-17", closing,      rcv_ack_of_fin,                 time_wait,    start_2msl},
    {"F5-18", close_wait,   close,                          last_ack,     snd_fin},
    {"F5-19", last_ack,     rcv_ack_of_fin,                 closed,       delete_tcb},
    {"F5-20", time_wait,    timeout_time_wait,              closed,       delete_tcb},

// Note 3: whoever sends a RST, and whoever receives one
    {"N3-S1", syn_received, abort,                          time_wait,    snd_rst | start_2msl,  issuer_of_rst},
    {"N3-S2", established,  abort,                          time_wait,    snd_rst | start_2msl,  issuer_of_rst},
    {"N3-S3", fin_wait_1,   abort,                          time_wait,    snd_rst | start_2msl,  issuer_of_rst},
    {"N3-S4", fin_wait_2,   abort,                          time_wait,    snd_rst | start_2msl,  issuer_of_rst},
    {"N3-S5", close_wait,   abort,                          time_wait,    snd_rst | start_2msl,  issuer_of_rst},
    {"N3-R1", syn_sent,     rcv_rst,                        closed,       delete_tcb},
    {"N3-R2", syn_received, rcv_rst,                        closed,       delete_tcb},
    {"N3-R3", established,  rcv_rst,                        closed,       delete_tcb},
    {"N3-R4", fin_wait_1,   rcv_rst,                        closed,       delete_tcb},
    {"N3-R5", fin_wait_2,   rcv_rst,                        closed,       delete_tcb},
    {"N3-R6", close_wait,   rcv_rst,                        closed,       delete_tcb},
    {"N3-R7", closing,      rcv_rst,                        closed,       delete_tcb},
    {"N3-R8", last_ack,     rcv_rst,                        closed,       delete_tcb},
    {"N3-R9", time_wait,    rcv_rst,                        closed,       delete_tcb},
    {"N3-R10", listen,      rcv_rst,                        same,         {}},
    {"N3-R11", syn_sent,    rcv_rst_invalid,                same,         {}},

// Not in the figure. 3.10.1
    {"TI-01", listen,       open_active,                    syn_sent,     snd_syn},
// 3.10.5
    {"TI-02", listen,       abort,                          closed,       delete_tcb},
    {"TI-03", syn_sent,     abort,                          closed,       delete_tcb},
    {"TI-A1", syn_received, abort,                          closed,       snd_rst | delete_tcb},
    {"TI-A2", established,  abort,                          closed,       snd_rst | delete_tcb},
    {"TI-A3", fin_wait_1,   abort,                          closed,       snd_rst | delete_tcb},
    {"TI-A4", fin_wait_2,   abort,                          closed,       snd_rst | delete_tcb},
    {"TI-A5", close_wait,   abort,                          closed,       snd_rst | delete_tcb},
    {"TI-A6", closing,      abort,                          closed,       delete_tcb},
    {"TI-A7", last_ack,     abort,                          closed,       delete_tcb},
    {"TI-A8", time_wait,    abort,                          closed,       delete_tcb},
// 3.10.8 and 3.8.3
    {"TI-U1", syn_sent,     timeout_user,                   closed,       delete_tcb},
    {"TI-U2", syn_received, timeout_user,                   closed,       delete_tcb},
    {"TI-U3", established,  timeout_user,                   closed,       delete_tcb},
    {"TI-U4", fin_wait_1,   timeout_user,                   closed,       delete_tcb},
    {"TI-U5", fin_wait_2,   timeout_user,                   closed,       delete_tcb,
        "R2 counts what is unacknowledged (3.8.3), and here nothing of ours is; keep-alive (3.8.4) finds a peer that is gone"},
    {"TI-U6", close_wait,   timeout_user,                   closed,       delete_tcb},
    {"TI-U7", closing,      timeout_user,                   closed,       delete_tcb},
    {"TI-U8", last_ack,     timeout_user,                   closed,       delete_tcb},
// 3.10.7
    {"TI-10", syn_received, rcv_syn_passive,                listen,       {}},
    {"TI-13", syn_received, rcv_bad_ack,                    same,         snd_rst},
    {"TI-14", syn_sent,     rcv_bad_ack,                    same,         snd_rst},
    {"TI-15", time_wait,    rcv_syn_reopen,                 syn_received, snd_syn},
    {"TI-16", time_wait,    rcv_fin_again,                  same,         snd_ack | start_2msl},
    {"TI-17", syn_received, rcv_rst_reopened,               time_wait,    start_2msl},
    {"TI-19", states::synchronized, {},                     closed,       snd_rst | delete_tcb,  no_security},
    {"TI-20", states::synchronized, rcv_syn_challenge,      same,         snd_challenge},
    {"TI-21", states::synchronized, rcv_syn_fatal,          closed,       snd_rst | delete_tcb},
    {"TI-22", established,  close_unread,                   closed,       snd_rst | delete_tcb},
    {"TI-23", syn_sent | syn_received, icmp_hard,           closed,       delete_tcb},
    {"TI-23", listen | states::synchronized, icmp_hard,     closed,       delete_tcb,
        "RFC 5461: where a connection stands, a hard error is most likely stale or forged, and is told like a soft one"},
    {"TI-24", fin_wait_2,   {},                             closed,       delete_tcb,
        "a timer that some systems have and no RFC: the user may ABORT, or switch keep-alive on"},
    {"TI-25", syn_received, timeout_user,                   closed,       delete_tcb},
};

/// An arrow that one segment makes in two steps: its ACK (or SYN and ACK), then its FIN.
struct double_arc {
    std::string_view id;
    tcpfsm::state from;
    tcpfsm::event first;
    tcpfsm::event then;
    tcpfsm::state to;
    actions doing;
};
inline constexpr double_arc double_arcs[] = {
    {"N2-01", fin_wait_1,   rcv_ack_of_fin, rcv_fin, time_wait,  snd_ack | start_2msl},
    {"TI-11", syn_received, rcv_ack_of_syn, rcv_fin, close_wait, snd_ack},
    {"TI-12", syn_sent,     rcv_syn_ack,    rcv_fin, close_wait, snd_ack},
    {"TI-18", fin_wait_1,   rcv_ack_of_fin, rcv_fin, time_wait,  snd_ack | start_2msl},  // the FIN from behind a gap
};

/// Arrows of the table that have no number of their own above: the same words of the RFC, in one more state.
struct more {
    state_set from;
    event_set on;
    tcpfsm::destination to;
    actions doing;
    std::string_view because;
};
inline constexpr more beyond[] = {
    {syn_received,                         rcv_syn_fatal,     closed, snd_rst | delete_tcb,
        "3.10.7.4, fourth: a SYN-RECEIVED that came from an active OPEN is treated like the synchronized states (with TI-21)"},
    {syn_received | fin_wait_1 | fin_wait_2 | close_wait, close_unread, closed, snd_rst | delete_tcb,
        "3.6.1: a half-duplex CLOSE with text unread, in the other states that hold text (with TI-22)"},
    {listen,                               rcv_syn_cookie,    syn_received, snd_syn,
        "RFC 7413 4.2.2: the SYN of somebody who was here before (with F5-05)"},
    {fin_wait_1 | fin_wait_2,              rcv_text_unwanted, closed, snd_rst | delete_tcb,
        "3.6.1: \"or if new data is received after CLOSE is called\" (with TI-22)"},
    {established | fin_wait_1 | fin_wait_2 | close_wait, timeout_dead_peer, closed, snd_rst | delete_tcb,
        "3.8.4: keep-alive, which gives up when no probe was answered"},
};
// clang-format on

}  // namespace figure5
