// SPDX-License-Identifier: MIT
// diagram.hpp: the moving cells as a picture that is laid out like Figure 5 of RFC 9293, and as Mermaid.
#pragma once

#include "layout.hpp"
#include "words.hpp"

#include <cmath>
#include <cstdlib>
#include <iterator>

namespace docs {

// --- What is drawn: the table decides ------------------------------------------------------------------

/// All events that lead from one state to another.
struct arrow {
    state from;
    state to;
    event_set on;
};

/// Figure 5 draws these four into CLOSED; all others into CLOSED are listed below the picture.
inline bool drawn_into_closed(state from, event e) {
    const event_set close = event::close | event::close_behind_text;
    return ((state::listen | state::syn_sent).contains(from) && close.contains(e)) ||
           (from == state::last_ack && e == event::rcv_ack_of_fin) ||
           (from == state::time_wait && e == event::timeout_time_wait);
}

inline std::vector<arrow> arrows() {
    std::vector<arrow> all;
    each_state(states::all, [&](state from) {
        each_event(all_events, [&](event e) {
            const state to = table.at(from, e).next();
            if (to == from || (to == state::closed && !drawn_into_closed(from, e))) return;
            const auto known = std::ranges::find_if(all, [&](const arrow& a) { return a.from == from && a.to == to; });
            if (known == all.end()) {
                all.push_back({from, to, e});
            } else {
                known->on = known->on | e;
            }
        });
    });
    return all;
}

/// The two lines on an arrow: events, actions. The figure's "x" (nothing is sent) is left out.
inline std::vector<std::string> event_words(const arrow& a) {
    std::vector<std::string> lines;
    each_event(a.on, [&](event e) {
        std::string text = figure_words(e);
        if (std::ranges::find(lines, text) == lines.end()) lines.push_back(std::move(text));
    });
    return lines;
}
inline std::string action_words(const arrow& a) {
    std::string text;
    each_event(a.on, [&](event e) {
        if (text.empty()) text = figure_words(table.at(a.from, e).doing(), a.to);
    });
    return text;
}

/// The ways into CLOSED that are not drawn, by event.
struct ending {
    event on;
    state_set from;
    actions doing;  ///< in all of these states
};
inline std::vector<ending> endings() {
    std::vector<ending> all;
    each_event(all_events, [&](event e) {
        each_state(states::open, [&](state from) {
            const cell c = table.at(from, e);
            if (c.next() != state::closed || drawn_into_closed(from, e)) return;
            const auto known =
                std::ranges::find_if(all, [&](const ending& x) { return x.on == e && x.doing == c.doing(); });
            if (known == all.end()) {
                all.push_back({e, from, c.doing()});
            } else {
                known->from = known->from | from;
            }
        });
    });
    return all;
}

// --- Graphviz ----------------------------------------------------------------------------------------------

inline std::string_view kind(const arrow& a) {
    using enum state;
    struct pair {
        state from, to;
        bool operator==(const pair&) const = default;
    };
    static constexpr pair client[] = {{closed, syn_sent},       {syn_sent, established}, {established, fin_wait_1},
                                      {fin_wait_1, fin_wait_2}, {fin_wait_2, time_wait}, {time_wait, closed}};
    static constexpr pair server[] = {{closed, listen},          {listen, syn_received}, {syn_received, established},
                                      {established, close_wait}, {close_wait, last_ack}, {last_ack, closed}};
    const pair here{a.from, a.to};
    if (std::ranges::find(client, here) != std::end(client)) return "client";
    if (std::ranges::find(server, here) != std::end(server)) return "server";
    return "other";
}

inline std::string at(point p) { return fmt::format("{:.1f},{:.1f}", p.x, bottom - p.y); }

/// Graphviz wants the tip of the arrow first, and the curve to end where the arrowhead begins.
inline std::string spline(std::vector<point> course, double head) {
    const point tip = course.back();
    const point before = course[course.size() - 2];
    const double length = std::hypot(tip.x - before.x, tip.y - before.y);
    course.back() = {tip.x - (tip.x - before.x) / length * head, tip.y - (tip.y - before.y) / length * head};
    std::string out = "e," + at(tip);
    for (const point& p : course) out += " " + at(p);
    return out;
}

inline std::string label(const arrow& a) {
    const std::string above = join(event_words(a), "<br/>");
    const std::string below = action_words(a);
    std::string out =
        R"(<<table border="0" cellborder="0" cellspacing="0" cellpadding="1"><tr><td>)" + above + "</td></tr>";
    if (!below.empty()) out += "<hr/><tr><td><i>" + below + "</i></td></tr>";
    return out + "</table>>";
}

inline std::string node(std::string_view id, state s, point p) {
    return fmt::format("    \"{}\" [label=\"{}\" pos=\"{}\" class=\"{}\"]\n", id, name(s), at(p),
                       states::synchronized.contains(s) ? "synchronized" : "state");
}

inline std::string legend() {
    std::string out = R"(<<table border="0" cellborder="0" cellspacing="0" cellpadding="2">)"
                      R"(<tr><td align="left" colspan="3"><b>Also to CLOSED, TCB deleted</b></td></tr>)";
    for (const ending& x : endings()) {
        const bool resets = x.doing.contains(action::snd_rst);
        out += fmt::format(
            R"(<tr><td align="left">{}</td><td align="left"><i>{}</i></td><td align="left">from {}</td></tr>)",
            figure_words(x.on), resets ? "snd RST" : " ", words(x.from));
    }
    return out + "</table>>";
}

inline std::string graphviz() {
    std::string out =
        "// Generated from the rows of tcpfsm/table.hpp. Draw it with: dot -Tsvg state-machine.dot\n"
        "digraph tcp {\n"
        "    graph [layout=nop2 bgcolor=\"#ffffff\" fontname=\"Helvetica,Arial,sans-serif\" pad=0.25]\n"
        "    node [shape=box style=\"rounded,filled\" fixedsize=true width=1.72 height=0.56 penwidth=1.4 "
        "color=\"#334155\"\n"
        "          fillcolor=\"#f1f5f9\" fontcolor=\"#0f172a\" fontname=\"Helvetica-Bold,Arial,sans-serif\" "
        "fontsize=13]\n"
        "    edge [fontname=\"Helvetica,Arial,sans-serif\" fontsize=11 fontcolor=\"#334155\" arrowsize=0.8]\n\n";
    each_state(states::all, [&](state s) { out += node(name(s), s, position(s)); });
    out += node("CLOSED again", state::closed, closed_again) + "\n";
    for (const arrow& a : arrows()) {
        const auto way =
            std::ranges::find_if(routes(), [&](const route& x) { return x.from == a.from && x.to == a.to; });
        if (way == routes().end()) {
            fmt::print(stderr, "diagram.hpp has no course for {} to {}\n", name(a.from), name(a.to));
            std::exit(1);
        }
        const bool again = a.to == state::closed && states::synchronized.contains(a.from);
        const std::string_view style = kind(a);
        const std::string_view look = style == "client"   ? "penwidth=3 color=\"#047857\""
                                      : style == "server" ? "penwidth=2.4 style=dashed color=\"#1d4ed8\""
                                                          : "penwidth=1 color=\"#64748b\"";
        out += fmt::format("    \"{}\" -> \"{}\" [class=\"{}\" {}\n        label={}\n        lp=\"{}\" pos=\"{}\"]\n",
                           name(a.from), again ? "CLOSED again" : name(a.to), style, look, label(a), at(way->label),
                           spline(way->course, style == "other" ? 8 : 10));
    }
    out += fmt::format(
        "\n    legend [shape=plain style=\"\" fixedsize=false fontname=\"Helvetica,Arial,sans-serif\" fontsize=11 "
        "fontcolor=\"#334155\"\n        class=\"legend\" pos=\"{}\" label={}]\n",
        at({middle - 70, 1080}), legend());
    out += fmt::format(
        "    key [shape=plain style=\"\" fixedsize=false fontname=\"Helvetica,Arial,sans-serif\" fontsize=11 "
        "fontcolor=\"#334155\"\n"
        "        class=\"legend\" pos=\"{}\" label=<<table border=\"0\" cellborder=\"0\" cellspacing=\"0\" "
        "cellpadding=\"2\">"
        "<tr><td align=\"left\"><font color=\"#047857\"><b>thick</b></font>: the way of a client</td></tr>"
        "<tr><td align=\"left\"><font color=\"#1d4ed8\"><b>dashed</b></font>: the way of a server</td></tr>"
        "<tr><td align=\"left\">thin: the rest</td></tr>"
        "<tr><td align=\"left\">note 1: opened passively</td></tr>"
        "<tr><td align=\"left\">note 2: reopened from TIME-WAIT</td></tr>"
        "</table>>]\n}}\n",
        at({right + 30, 960}));
    return out;
}

// --- Mermaid -----------------------------------------------------------------------------------------------

inline std::string identifier(state s) {
    std::string id{name(s)};
    std::ranges::replace(id, '-', '_');
    return id;
}

inline std::string mermaid() {
    std::string out = "%% Generated from the rows of tcpfsm/table.hpp.\nstateDiagram-v2\n";
    each_state(states::all, [&](state s) { out += fmt::format("    {}: {}\n", identifier(s), name(s)); });
    out += "    [*] --> CLOSED\n";
    for (const arrow& a : arrows()) {
        const std::string below = action_words(a);
        out += fmt::format("    {} --> {}: {}{}{}\n", identifier(a.from), identifier(a.to),
                           join(event_words(a), " or "), below.empty() ? "" : " / ", below);
    }
    out += "    note right of CLOSED\n        Also to CLOSED, TCB deleted:\n";
    for (const ending& x : endings()) {
        out += fmt::format("        {}{} from {}\n", figure_words(x.on),
                           x.doing.contains(action::snd_rst) ? " (snd RST)" : "", words(x.from));
    }
    return out + "    end note\n";
}

}  // namespace docs
