// SPDX-License-Identifier: MIT
// arcs.hpp: figure 5 of RFC 9293, its notes, and the moves that only the text knows.
#pragma once

#include "oracle.hpp"

namespace oracle {

/// What leaves with a move.
enum class reply { none, syn, syn_ack, ack, fin, rst };

/// One arrow.
struct arc {
    const char* id;
    state from, to;
    cause by;
    oracle::reply reply;
    const char* cite;
    bool readings::*letter = nullptr;  ///< made only if this reading is turned to the letter
};

inline constexpr arc all_arcs[] = {
    // clang-format off
    // The arrows of figure 5
    {"F5-01", state::closed,       state::listen,       cause::open_passive,   reply::none,    "figure 5"},
    {"F5-02", state::closed,       state::syn_sent,     cause::open_active,    reply::syn,     "figure 5"},
    {"F5-03", state::listen,       state::closed,       cause::close,          reply::none,    "figure 5"},
    {"F5-04", state::listen,       state::syn_received, cause::syn,            reply::syn_ack, "figure 5"},
    {"F5-05", state::listen,       state::syn_sent,     cause::send,           reply::syn,     "figure 5"},
    {"F5-06", state::syn_sent,     state::closed,       cause::close,          reply::none,    "figure 5"},
    {"F5-07", state::syn_sent,     state::syn_received, cause::syn,            reply::syn_ack, "figure 5"},
    {"F5-08", state::syn_sent,     state::established,  cause::syn_ack,        reply::ack,     "figure 5"},
    {"F5-09", state::syn_received, state::established,  cause::ack_of_syn,     reply::none,    "figure 5"},
    {"F5-10", state::syn_received, state::fin_wait_1,   cause::close,          reply::fin,     "figure 5"},
    {"F5-11", state::syn_received, state::listen,       cause::reset,          reply::none,    "figure 5, note 1"},
    {"F5-12", state::established,  state::fin_wait_1,   cause::close,          reply::fin,     "figure 5"},
    {"F5-13", state::established,  state::close_wait,   cause::fin,            reply::ack,     "figure 5"},
    {"F5-14", state::fin_wait_1,   state::fin_wait_2,   cause::ack_of_fin,     reply::none,    "figure 5"},
    {"F5-15", state::fin_wait_1,   state::closing,      cause::fin,            reply::ack,     "figure 5"},
    {"F5-16", state::fin_wait_2,   state::time_wait,    cause::fin,            reply::ack,     "figure 5"},
    {"F5-17", state::closing,      state::time_wait,    cause::ack_of_fin,     reply::none,    "figure 5"},
    {"F5-18", state::close_wait,   state::last_ack,     cause::close,          reply::fin,     "figure 5"},
    {"F5-19", state::last_ack,     state::closed,       cause::ack_of_fin,     reply::none,    "figure 5"},
    {"F5-20", state::time_wait,    state::closed,       cause::time_wait_over, reply::none,    "figure 5"},
    // Note 3: who sends a reset lingers. 3.10.5 says otherwise, and is followed
    {"N3-S1", state::syn_received, state::time_wait,    cause::abort,          reply::rst,     "note 3", &readings::issuer_of_reset_goes},
    {"N3-S2", state::established,  state::time_wait,    cause::abort,          reply::rst,     "note 3", &readings::issuer_of_reset_goes},
    {"N3-S3", state::fin_wait_1,   state::time_wait,    cause::abort,          reply::rst,     "note 3", &readings::issuer_of_reset_goes},
    {"N3-S4", state::fin_wait_2,   state::time_wait,    cause::abort,          reply::rst,     "note 3", &readings::issuer_of_reset_goes},
    {"N3-S5", state::close_wait,   state::time_wait,    cause::abort,          reply::rst,     "note 3", &readings::issuer_of_reset_goes},
    // Note 3: who gets one
    {"N3-R1", state::syn_sent,     state::closed,       cause::reset,          reply::none,    "3.10.7.3 second"},
    {"N3-R2", state::syn_received, state::closed,       cause::reset,          reply::none,    "3.10.7.4 second"},
    {"N3-R3", state::established,  state::closed,       cause::reset,          reply::none,    "3.10.7.4 second"},
    {"N3-R4", state::fin_wait_1,   state::closed,       cause::reset,          reply::none,    "3.10.7.4 second"},
    {"N3-R5", state::fin_wait_2,   state::closed,       cause::reset,          reply::none,    "3.10.7.4 second"},
    {"N3-R6", state::close_wait,   state::closed,       cause::reset,          reply::none,    "3.10.7.4 second"},
    {"N3-R7", state::closing,      state::closed,       cause::reset,          reply::none,    "3.10.7.4 second"},
    {"N3-R8", state::last_ack,     state::closed,       cause::reset,          reply::none,    "3.10.7.4 second"},
    {"N3-R9", state::time_wait,    state::closed,       cause::reset,          reply::none,    "3.10.7.4 second", &readings::rfc1337},
    {"N3-R10", state::listen,      state::listen,       cause::reset_ignored,  reply::none,    "3.10.7.2 first"},
    {"N3-R11", state::syn_sent,    state::syn_sent,     cause::reset_ignored,  reply::none,    "3.10.7.3 first, second"},
    // In the text alone
    {"TI-01", state::listen,       state::syn_sent,     cause::open_active,    reply::syn,     "3.10.1"},
    {"TI-02", state::listen,       state::closed,       cause::abort,          reply::none,    "3.10.5"},
    {"TI-03", state::syn_sent,     state::closed,       cause::abort,          reply::none,    "3.10.5"},
    {"TI-A1", state::syn_received, state::closed,       cause::abort,          reply::rst,     "3.10.5"},
    {"TI-A2", state::established,  state::closed,       cause::abort,          reply::rst,     "3.10.5"},
    {"TI-A3", state::fin_wait_1,   state::closed,       cause::abort,          reply::rst,     "3.10.5"},
    {"TI-A4", state::fin_wait_2,   state::closed,       cause::abort,          reply::rst,     "3.10.5"},
    {"TI-A5", state::close_wait,   state::closed,       cause::abort,          reply::rst,     "3.10.5"},
    {"TI-A6", state::closing,      state::closed,       cause::abort,          reply::none,    "3.10.5"},
    {"TI-A7", state::last_ack,     state::closed,       cause::abort,          reply::none,    "3.10.5"},
    {"TI-A8", state::time_wait,    state::closed,       cause::abort,          reply::none,    "3.10.5"},
    {"TI-U1", state::syn_sent,     state::closed,       cause::user_timeout,   reply::none,    "3.10.8, 3.8.3"},
    {"TI-U2", state::syn_received, state::closed,       cause::user_timeout,   reply::none,    "3.10.8, 3.8.3"},
    {"TI-U3", state::established,  state::closed,       cause::user_timeout,   reply::none,    "3.10.8, 3.8.3"},
    {"TI-U4", state::fin_wait_1,   state::closed,       cause::user_timeout,   reply::none,    "3.10.8, 3.8.3"},
    {"TI-U5", state::fin_wait_2,   state::closed,       cause::user_timeout,   reply::none,    "3.10.8, 3.8.3"},
    {"TI-U6", state::close_wait,   state::closed,       cause::user_timeout,   reply::none,    "3.10.8, 3.8.3"},
    {"TI-U7", state::closing,      state::closed,       cause::user_timeout,   reply::none,    "3.10.8, 3.8.3"},
    {"TI-U8", state::last_ack,     state::closed,       cause::user_timeout,   reply::none,    "3.10.8, 3.8.3"},
    {"TI-10", state::syn_received, state::listen,       cause::syn_in_window,  reply::none,    "3.10.7.4 fourth"},
    {"TI-13", state::syn_received, state::syn_received, cause::bad_ack,        reply::rst,     "3.10.7.4 fifth"},
    {"TI-14", state::syn_sent,     state::syn_sent,     cause::bad_ack,        reply::rst,     "3.10.7.3 first"},
    {"TI-15", state::time_wait,    state::syn_received, cause::syn_reopens,    reply::syn_ack, "3.6.1 MAY-2, RFC 6191"},
    {"TI-16", state::time_wait,    state::time_wait,    cause::fin_again,      reply::ack,     "3.10.7.4 fifth, eighth"},
    {"TI-17", state::syn_received, state::time_wait,    cause::reset_of_reopened, reply::none, "3.6.1 MAY-2"},
    // Any synchronized state
    {"TI-20", state::syn_received, state::syn_received, cause::syn_challenged, reply::ack,     "3.10.7.4 fourth"},
    {"TI-20", state::established,  state::established,  cause::syn_challenged, reply::ack,     "3.10.7.4 fourth"},
    {"TI-20", state::fin_wait_1,   state::fin_wait_1,   cause::syn_challenged, reply::ack,     "3.10.7.4 fourth"},
    {"TI-20", state::fin_wait_2,   state::fin_wait_2,   cause::syn_challenged, reply::ack,     "3.10.7.4 fourth"},
    {"TI-20", state::close_wait,   state::close_wait,   cause::syn_challenged, reply::ack,     "3.10.7.4 fourth"},
    {"TI-20", state::closing,      state::closing,      cause::syn_challenged, reply::ack,     "3.10.7.4 fourth"},
    {"TI-20", state::last_ack,     state::last_ack,     cause::syn_challenged, reply::ack,     "3.10.7.4 fourth"},
    {"TI-20", state::time_wait,    state::time_wait,    cause::syn_challenged, reply::ack,     "3.10.7.4 fourth"},
    {"TI-21", state::syn_received, state::closed,       cause::syn_fatal,      reply::rst,     "3.10.7.4 fourth", &readings::rfc5961},
    {"TI-21", state::established,  state::closed,       cause::syn_fatal,      reply::rst,     "3.10.7.4 fourth", &readings::rfc5961},
    {"TI-21", state::fin_wait_1,   state::closed,       cause::syn_fatal,      reply::rst,     "3.10.7.4 fourth", &readings::rfc5961},
    {"TI-21", state::fin_wait_2,   state::closed,       cause::syn_fatal,      reply::rst,     "3.10.7.4 fourth", &readings::rfc5961},
    {"TI-21", state::close_wait,   state::closed,       cause::syn_fatal,      reply::rst,     "3.10.7.4 fourth", &readings::rfc5961},
    {"TI-21", state::closing,      state::closed,       cause::syn_fatal,      reply::rst,     "3.10.7.4 fourth", &readings::rfc5961},
    {"TI-21", state::last_ack,     state::closed,       cause::syn_fatal,      reply::rst,     "3.10.7.4 fourth", &readings::rfc5961},
    {"TI-21", state::time_wait,    state::closed,       cause::syn_fatal,      reply::rst,     "3.10.7.4 fourth", &readings::rfc5961},
    {"TI-22", state::established,  state::closed,       cause::close_unread,   reply::rst,     "3.6.1 SHLD-3"},
    {"TI-22", state::close_wait,   state::closed,       cause::close_unread,   reply::rst,     "3.6.1 SHLD-3"},
    {"TI-22", state::fin_wait_1,   state::closed,       cause::close_unread,   reply::rst,     "3.6.1 SHLD-3"},
    {"TI-22", state::fin_wait_2,   state::closed,       cause::close_unread,   reply::rst,     "3.6.1 SHLD-3"},
    {"TI-22", state::fin_wait_1,   state::closed,       cause::unwanted_text,  reply::rst,     "3.6.1 SHLD-3"},
    {"TI-22", state::fin_wait_2,   state::closed,       cause::unwanted_text,  reply::rst,     "3.6.1 SHLD-3"},
    {"TI-23", state::syn_sent,     state::closed,       cause::hard_error,     reply::none,    "3.9.2.2 SHLD-26"},
    {"TI-23", state::syn_received, state::closed,       cause::hard_error,     reply::none,    "3.9.2.2 SHLD-26"},
    // clang-format on
};
// Left out: security and compartment (TI-19, a choice of docs/design.md), a timer for FIN-WAIT-2 (TI-24, which is
// not in the RFC), and R2 of a passive child (TI-25), which is TI-U2.

/// Moves that one segment makes in two steps.
struct double_arc {
    const char* id;
    state from, through, to;
    bool carries_fin;  ///< the segment itself has the FIN; false: it waited beyond a gap
    const char* cite;
};
inline constexpr double_arc double_arcs[] = {
    {"N2-01", state::fin_wait_1, state::fin_wait_2, state::time_wait, true, "figure 5, note 2"},
    {"TI-11", state::syn_received, state::established, state::close_wait, true, "3.10.7.4 fifth, eighth"},
    {"TI-12", state::syn_sent, state::established, state::close_wait, true, "3.10.7.3 fourth, 3.10.7.4 eighth"},
    {"TI-18", state::fin_wait_1, state::fin_wait_2, state::time_wait, false, "SHLD-31, MUST-59"},
};

}  // namespace oracle
