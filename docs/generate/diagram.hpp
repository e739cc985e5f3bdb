// SPDX-License-Identifier: MIT
// diagram.hpp: the moving cells as a picture that is laid out like Figure 5 of RFC 9293, and as Mermaid.
#pragma once

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

// --- Where it is drawn: the figure decides ---------------------------------------------------------------

struct point {
    double x, y;
};
/// Left, middle and right column, and the rows of the figure, in points, downwards.
inline constexpr double left = 200, middle = 500, right = 800, bottom = 1200;
inline constexpr double half_width = 62, half_height = 20;

inline point position(state s) {
    switch (s) {
    case state::closed: return {middle, 40};
    case state::listen: return {middle, 170};
    case state::syn_sent: return {right, 310};
    case state::syn_received: return {left, 310};
    case state::established: return {middle, 440};
    case state::fin_wait_1: return {left, 570};
    case state::close_wait: return {right, 570};
    case state::fin_wait_2: return {left, 710};
    case state::closing: return {middle, 710};
    case state::last_ack: return {right, 710};
    case state::time_wait: return {middle, 850};
    }
    return {};
}
inline constexpr point closed_again{right, 850};  // the figure has CLOSED twice

/// The course of an arrow as Bezier curves (a first point, then three for each), its label's middle.
struct route {
    state from;
    state to;
    std::vector<point> course;
    point label;
};
inline const std::vector<route>& routes() {
    using enum state;
    constexpr double l = left, m = middle, r = right, w = half_width, h = half_height;
    static const std::vector<route> all = {
        {closed, listen, {{m - 24, 40 + h}, {m - 24, 80}, {m - 24, 120}, {m - 24, 170 - h}}, {m - 76, 105}},
        {listen, closed, {{m + 24, 170 - h}, {m + 24, 120}, {m + 24, 80}, {m + 24, 40 + h}}, {m + 68, 105}},
        {closed, syn_sent, {{m + w, 32}, {r - 20, 32}, {r + 24, 120}, {r + 24, 310 - h}}, {r + 84, 130}},
        {syn_sent, closed, {{r - 24, 310 - h}, {r - 24, 160}, {r - 80, 52}, {m + w, 50}}, {r - 108, 136}},
        {listen, syn_received, {{m - w, 178}, {l + 130, 178}, {l + 34, 210}, {l + 34, 310 - h}}, {m - 168, 216}},
        {syn_received, listen, {{l - 24, 310 - h}, {l - 24, 200}, {l + 80, 158}, {m - w, 162}}, {l + 24, 164}},
        {listen, syn_sent, {{m + w, 178}, {r - 130, 178}, {r - 44, 210}, {r - 44, 310 - h}}, {m + 150, 218}},
        {syn_sent, syn_received, {{r - w, 310}, {m + 100, 310}, {m - 100, 310}, {l + w, 310}}, {m, 290}},
        {syn_received, established, {{l + 34, 310 + h}, {l + 34, 400}, {l + 120, 434}, {m - w, 434}}, {m - 180, 385}},
        {syn_sent, established, {{r - 34, 310 + h}, {r - 34, 400}, {r - 120, 434}, {m + w, 434}}, {m + 180, 385}},
        {syn_received, fin_wait_1, {{l - 24, 310 + h}, {l - 24, 400}, {l - 24, 480}, {l - 24, 570 - h}}, {l - 58, 440}},
        {established, fin_wait_1, {{m - w, 448}, {l + 120, 448}, {l + 34, 480}, {l + 34, 570 - h}}, {m - 168, 490}},
        {established, close_wait, {{m + w, 448}, {r - 120, 448}, {r - 34, 480}, {r - 34, 570 - h}}, {m + 168, 490}},
        {fin_wait_1, fin_wait_2, {{l - 24, 570 + h}, {l - 24, 620}, {l - 24, 660}, {l - 24, 710 - h}}, {l - 78, 640}},
        {fin_wait_1, closing, {{l + w, 570}, {m - 60, 570}, {m, 620}, {m, 710 - h}}, {m - 88, 622}},
        {fin_wait_2, time_wait, {{l, 710 + h}, {l, 800}, {l + 90, 844}, {m - w, 844}}, {l + 138, 790}},
        {closing, time_wait, {{m, 710 + h}, {m, 760}, {m, 800}, {m, 850 - h}}, {m + 58, 780}},
        {close_wait, last_ack, {{r, 570 + h}, {r, 620}, {r, 660}, {r, 710 - h}}, {r + 36, 640}},
        {last_ack, closed, {{r, 710 + h}, {r, 760}, {r, 800}, {r, 850 - h}}, {r + 58, 780}},
        {time_wait, closed, {{m + w, 850}, {m + 110, 850}, {r - 110, 850}, {r - w, 850}}, {(m + r) / 2, 830}},
        {time_wait,
         syn_received,
         {{m - 12, 850 + h},
          {m - 12, 920},
          {m - 60, 938},
          {m - 120, 938},
          {l, 938},
          {l - 150, 938},
          {l - 150, 800},
          {l - 150, 700},
          {l - 150, 480},
          {l - 150, 400},
          {l - 150, 330},
          {l - 130, 304},
          {l - w, 304}},
         {m - 170, 961}},
        {syn_received,
         time_wait,
         {{l - w, 318},
          {l - 128, 318},
          {l - 128, 420},
          {l - 128, 500},
          {l - 128, 600},
          {l - 128, 680},
          {l - 128, 760},
          {l - 128, 880},
          {l - 60, 890},
          {l + 60, 890},
          {l + 140, 890},
          {m - 90, 890},
          {m - w - 2, 862}},
         {m - 170, 912}},
    };
    return all;
}

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

// --- Graphviz ----------------------------------------------------------------------------------------------

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
