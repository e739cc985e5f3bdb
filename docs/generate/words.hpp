// SPDX-License-Identifier: MIT
// words.hpp: states, events and actions in the words of RFC 9293's Figure 5.
#pragma once

#include <tcpfsm/table.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>
#include <vector>

namespace docs {

using namespace tcpfsm;

inline constexpr machine_table table = compile<rfc9293>();

/// Calls `visit(state)` for each state of the set, in the RFC's order.
template <class Visit>
void each_state(state_set in, Visit visit) {
    for (std::size_t s = 0; s < state_count; ++s) {
        if (in.contains(static_cast<state>(s))) visit(static_cast<state>(s));
    }
}
/// Calls `visit(event)` for each event of the set.
template <class Visit>
void each_event(event_set on, Visit visit) {
    for (std::size_t e = 0; e < event_count; ++e) {
        if (on.contains(static_cast<event>(e))) visit(static_cast<event>(e));
    }
}
inline const event_set all_events = events(event{}, static_cast<event>(event_count - 1));

inline std::string join(const std::vector<std::string>& parts, std::string_view between) {
    return fmt::format("{}", fmt::join(parts, between));
}

inline std::string listed(state_set in) {
    std::vector<std::string> names;
    each_state(in, [&](state s) { names.emplace_back(name(s)); });
    return join(names, ", ");
}

/// "every state but CLOSED", "SYN-SENT, SYN-RECEIVED".
inline std::string words(state_set in) {
    if (in == states::all) return "every state";
    if (in == states::synchronized) return "the synchronized states";
    if (in == states::other) return "SYN-RECEIVED and the synchronized states";
    std::size_t n = 0;
    each_state(in, [&](state) { ++n; });
    return n > 7 ? "every state but " + listed(~in) : listed(in);
}

/// "snd_syn" as "snd SYN".
inline std::string words(action a) {
    std::string text{name(a)};
    std::ranges::replace(text, '_', ' ');
    const auto cut = text.find(' ') + 1;
    const std::string last = text.substr(cut);
    for (const std::string_view upper : {"tcb", "syn", "fin", "rst", "ack", "2msl", "urg"}) {
        if (last == upper) {
            std::ranges::transform(last, text.begin() + static_cast<std::ptrdiff_t>(cut),
                                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
        }
    }
    return text;
}

/// The actions that a figure shows: TCBs, timers and segments. What happens to numbers is left out, as in the RFC.
inline std::string figure_words(actions doing, state to) {
    std::vector<std::string> parts;
    while (!doing.empty()) {
        const action a = doing.pop();
        if (name(a).starts_with("take_") || a == action::snd_text || a == action::trust_peer) continue;
        parts.push_back(a == action::snd_syn && to == state::syn_received ? "snd SYN,ACK" : words(a));
    }
    return join(parts, ", ");
}

/// The event as Figure 5 would write it on an arrow.
inline std::string figure_words(event e) {
    switch (e) {
    case event::open_passive: return "passive OPEN";
    case event::open_active: return "active OPEN";
    case event::close_behind_text: return "CLOSE";
    case event::close_unread: return "CLOSE, text unread";
    case event::rcv_rst: return "rcv RST";
    case event::rcv_rst_passive: return "rcv RST (note 1)";
    case event::rcv_rst_reopened: return "rcv RST (note 2)";
    case event::rcv_syn: return "rcv SYN";
    case event::rcv_syn_cookie: return "rcv SYN, cookie";
    case event::rcv_syn_ack: return "rcv SYN,ACK";
    case event::rcv_syn_passive: return "rcv SYN (note 1)";
    case event::rcv_syn_fatal: return "rcv SYN, without RFC 5961";
    case event::rcv_syn_reopen: return "rcv new SYN";
    case event::rcv_ack_of_syn: return "rcv ACK of SYN";
    case event::rcv_ack_of_fin: return "rcv ACK of FIN";
    case event::rcv_text_unwanted: return "rcv text, half-duplex CLOSE";
    case event::rcv_fin: return "rcv FIN";
    case event::icmp_hard: return "ICMP hard error";
    case event::timeout_user: return "user timeout, R2";
    case event::timeout_dead_peer: return "keep-alive unanswered";
    case event::timeout_time_wait: return "timeout 2MSL";
    default: return std::string{describe(e).says};
    }
}

/// What a cell says, in the RFC's words.
inline std::string words(saying says) {
    if (says.is_answer()) return std::string{describe(says.as_answer())};
    if (says.is_signal()) return fmt::format("\"{}\"", describe(says.as_signal()));
    return {};
}

}  // namespace docs
