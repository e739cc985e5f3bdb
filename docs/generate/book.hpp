// SPDX-License-Identifier: MIT
// book.hpp: table.md, the rows as a reader with the RFC beside it wants them.
#pragma once

#include "words.hpp"

#include <iterator>

namespace docs {

/// Where an event is processed in a state: the heading under which the row stands in table.hpp.
inline std::string_view heading(state s, event e) {
    struct chapter {
        event last;
        std::string_view title;
    };
    static constexpr chapter before_segments[] = {
        {event::open_unspecified, "3.10.1 OPEN"}, {event::send_after_close, "3.10.2 SEND"},
        {event::receive_empty, "3.10.3 RECEIVE"}, {event::close_unread, "3.10.4 CLOSE"},
        {event::abort, "3.10.5 ABORT"},           {event::status, "3.10.6 STATUS"},
    };
    static constexpr chapter other_states[] = {
        {event::rcv_stray, "3.10.7.4 SEGMENT ARRIVES in any other state"},
        {event::rcv_no_ack, "3.10.7.4 Fifth, check the ACK field"},
        {event::rcv_no_timestamp, "3.10.7.4 First, check the sequence number"},
        {event::rcv_rst_lingering, "3.10.7.4 Second, check the RST bit"},
        {event::rcv_syn_fatal, "3.10.7.4 Fourth, check the SYN bit"},
        {event::rcv_syn_reopen, "3.10.7.4 First, check the sequence number"},
        {event::rcv_ack_of_fin, "3.10.7.4 Fifth, check the ACK field"},
        {event::rcv_fin_again, "3.10.7.4 First, check the sequence number"},
        {event::rcv_urg, "3.10.7.4 Sixth, check the URG bit"},
        {event::rcv_text_after_fin, "3.10.7.4 Seventh, process the segment text"},
        {event::rcv_fin, "3.10.7.4 Eighth, check the FIN bit"},
        {event::icmp_quench, "3.9.2.2 ICMP"},
        {event::timeout_time_wait, "3.10.8 Timeouts"},
    };
    for (const chapter& c : before_segments) {
        if (e <= c.last) return c.title;
    }
    const bool segment = e <= event::rcv_fin;
    if (segment && s == state::closed) return "3.10.7.1 SEGMENT ARRIVES in CLOSED";
    if (segment && s == state::listen) return "3.10.7.2 SEGMENT ARRIVES in LISTEN";
    if (segment && s == state::syn_sent) return "3.10.7.3 SEGMENT ARRIVES in SYN-SENT";
    if (e == event::rcv_syn_again) return "3.10.7.4 First, check the sequence number";
    for (const chapter& c : other_states) {
        if (e <= c.last) return c.title;
    }
    return {};
}

inline std::string event_lines(event_set on) {
    std::vector<std::string> lines;
    each_event(on, [&](event e) { lines.push_back(fmt::format("`{}` {}", name(e), describe(e).says)); });
    return join(lines, "<br>");
}

inline std::string doing(actions a) {
    std::vector<std::string> parts;
    while (!a.empty()) parts.push_back(fmt::format("`{}`", name(a.pop())));
    return join(parts, " ");
}

/// The first state and event of a line.
template <class Line>
std::string_view heading_of(const Line& line) {
    std::string_view title;
    each_state(line.in, [&](state s) {
        each_event(line.on, [&](event e) {
            if (title.empty()) title = heading(s, e);
        });
    });
    return title;
}

/// One letter or two for a column of the matrix.
inline std::string_view short_name(state s) {
    static constexpr std::string_view names[state_count] = {"CLOSED", "LISTEN", "SENT",    "RCVD", "ESTAB", "FW-1",
                                                            "FW-2",   "CW",     "CLOSING", "LACK", "TW"};
    return names[static_cast<std::size_t>(s)];
}

inline std::string matrix_cell(state s, event e) {
    const cell c = table.at(s, e);
    if (c.is_impossible()) return {};
    if (c.is_dropped()) return "–";
    if (c.next() != s) return fmt::format("**{}**", short_name(c.next()));
    const saying says = c.says();
    if (says.is_answer() && says.as_answer() != answer::ok) return "err";
    if (says.is_answer()) return "ok";
    return c.doing().empty() ? "tell" : "•";
}

inline std::string matrix() {
    std::string out = "| event |";
    std::string rule = "|---|";
    each_state(states::all, [&](state s) {
        out += fmt::format(" {} |", short_name(s));
        rule += ":-:|";
    });
    out += "\n" + rule + "\n";
    each_event(all_events, [&](event e) {
        out += fmt::format("| `{}` |", name(e));
        each_state(states::all, [&](state s) { out += fmt::format(" {} |", matrix_cell(s, e)); });
        out += "\n";
    });
    return out;
}

struct census {
    std::size_t named = 0, moving = 0, dropped = 0, impossible = 0;
};
inline census count() {
    census n;
    each_state(states::all, [&](state s) {
        each_event(all_events, [&](event e) {
            const cell c = table.at(s, e);
            if (c.is_impossible()) {
                ++n.impossible;
            } else if (c.is_dropped()) {
                ++n.dropped;
            } else {
                ++n.named;
                n.moving += c.next() != s ? 1U : 0U;
            }
        });
    });
    return n;
}

inline std::string rows_by_section() {
    std::string out;
    std::string_view title;
    for (const row& r : rfc9293::rows) {
        if (const auto next = heading_of(r); next != title) {
            title = next;
            out += fmt::format(
                "\n### {}\n\n| in | on | goes to | does | says | RFC 9293 |\n|---|---|---|---|---|---|\n", title);
        }
        const std::string to = r.go_to.moves() ? fmt::format("**{}**", name(r.go_to.from(state::closed))) : "";
        out += fmt::format("| {} | {} | {} | {} | {} | {} |\n", words(r.in), event_lines(r.on), to, doing(r.doing),
                           words(r.says), r.cite);
    }
    return out;
}

inline std::string book() {
    const census n = count();
    std::string out = fmt::format(
        "# The table\n\n"
        "Generated from [table.hpp](../include/tcpfsm/table.hpp): change the rows, then run\n"
        "`cmake --build build/test --target regenerate_docs`.\n\n"
        "{} rows name {} of the {} cells (state × event); {} of them move the connection. {} cells are dropped, "
        "because the\n"
        "RFC says so or allows it; {} cannot come up. No cell is left out, and none is named twice: either would not "
        "compile.\n\n"
        "![The state machine](state-machine.svg)\n\n"
        "The same as [Graphviz](state-machine.dot) and as [Mermaid](state-machine.mermaid). It is laid out as Figure 5 "
        "of\n"
        "RFC 9293 is, with every arrow that the table has.\n\n"
        "## Rows\n\n"
        "An empty *goes to* stays. Actions are executed from left to right. *Says* is the answer to a call, or, in "
        "quotation\n"
        "marks, what the user is told without having asked.\n",
        std::size(rfc9293::rows), n.named, state_count * event_count, n.moving, n.dropped, n.impossible);
    out += rows_by_section();
    out +=
        "\n## Dropped\n\nNothing happens, and nothing is sent.\n\n| in | on | because | RFC 9293 "
        "|\n|---|---|---|---|\n";
    for (const drop& d : rfc9293::dropped) {
        out += fmt::format("| {} | {} | {} | {} |\n", words(d.in), event_lines(d.on), d.because, d.cite);
    }
    out +=
        "\n## Impossible\n\nNo judge raises these events in these states. The tests and the fuzzers assert that none "
        "does.\n\n"
        "| in | on | because |\n|---|---|---|\n";
    for (const excluded& x : rfc9293::impossible) {
        out += fmt::format("| {} | {} | {} |\n", words(x.in), event_lines(x.on), x.because);
    }
    out +=
        "\n## At a glance\n\n"
        "**STATE**: goes there. •: does something and stays. ok, err: the answer to a call that moves nothing. tell: "
        "the user\n"
        "is told. –: dropped. Empty: impossible.\n\n";
    return out + matrix();
}

}  // namespace docs
