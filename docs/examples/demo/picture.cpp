// SPDX-License-Identifier: MIT
#include "picture.hpp"

#include "ladder.hpp"

#include <tcpfsm/format.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

namespace demo {

namespace {

using namespace std::chrono_literals;

// --- Where things are, in pixels -----------------------------------------------------------------------------

constexpr double width = 1480;
constexpr double bar_width = 104;
constexpr double left_bar = 372;                       // left edge of the client's bar
constexpr double right_bar = width - 372 - bar_width;  // left edge of the server's
constexpr double left_edge = left_bar + bar_width;     // where its arrows begin
constexpr double right_edge = right_bar;
constexpr double line_height = 16;
constexpr double header = 96;
constexpr double footer = 44;
constexpr double lost_fall = 32;  // how far a lost segment would have come down

constexpr std::string_view style = R"(
  text { font-family: "DejaVu Sans", "Segoe UI", "Helvetica Neue", Arial, sans-serif; font-size: 11px; fill: #24292f;
         paint-order: stroke; stroke: #ffffff; stroke-width: 4px; stroke-linejoin: round }
  .title { font-size: 20px; font-weight: bold }
  .cites { font-size: 13px; fill: #8b949e }
  .lesson { font-size: 12.5px; fill: #57606a }
  .host { font-size: 13px; font-weight: bold; fill: #57606a }
  .state { font-size: 10.5px; font-weight: bold; fill: #ffffff; letter-spacing: .2px; stroke: none }
  .event { font-weight: bold }
  .doing { fill: #57606a }
  .cite { fill: #0969da; font-size: 10px }
  .told { fill: #1a7f37; font-style: italic }
  .time { fill: #8b949e; font-size: 10px }
  .note { fill: #9a6700; font-style: italic; font-size: 11.5px }
  .segment { font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: 10px }
  .instant { stroke: #eaeef2; stroke-width: 1 }
  .arrow { stroke: #424a53; stroke-width: 1.5; fill: none; marker-end: url(#head) }
  .strange { stroke: #cf222e; marker-end: url(#red-head) }
  .lost { stroke: #cf222e; stroke-width: 1.5; stroke-dasharray: 5 3; fill: none }
  .cross { stroke: #cf222e; stroke-width: 2.2; stroke-linecap: round }
  .tear { stroke: #ffffff; stroke-width: 4; fill: none }
  .red { fill: #cf222e }
)";

std::string_view colour_of(state s) {
    switch (s) {
    case state::closed: return "#afb8c1";
    case state::listen: return "#768390";
    case state::syn_sent: return "#d4a72c";
    case state::syn_received: return "#bc7a00";
    case state::established: return "#2da44e";
    case state::fin_wait_1: return "#54aeff";
    case state::fin_wait_2: return "#218bff";
    case state::close_wait: return "#1b7c83";
    case state::last_ack: return "#3192aa";
    case state::closing: return "#6f5ce0";
    case state::time_wait: return "#a475f9";
    }
    return "#000000";
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '<') {
            out += "&lt;";
        } else if (c == '>') {
            out += "&gt;";
        } else if (c == '&') {
            out += "&amp;";
        } else {
            out += c;
        }
    }
    return out;
}

/// "2 h later".
std::string pause(duration d) {
    const auto whole = std::chrono::duration<double>(d).count();
    if (whole < 100) return fmt::format("{:.3g} s later", whole);
    if (whole < 6000) return fmt::format("{:.2g} min later", whole / 60);
    return fmt::format("{:.2g} h later", whole / 3600);
}

/// One line of text; `content` is SVG already, `more` further attributes.
std::string line_of_text(std::string_view kind, double x, double y, std::string_view anchor, std::string_view content,
                         std::string_view more = "") {
    return fmt::format("<text class='{}' x='{:.1f}' y='{:.1f}' text-anchor='{}'{}>{}</text>\n", kind, x, y, anchor,
                       more, content);
}

/// The text in lines of at most so many characters.
std::vector<std::string> wrapped(std::string text, std::size_t most) {
    std::vector<std::string> lines;
    while (text.size() > most) {
        const std::size_t cut = text.rfind(' ', most);
        lines.push_back(text.substr(0, cut));
        text.erase(0, cut + 1);
    }
    lines.push_back(text);
    return lines;
}

// --- One story -----------------------------------------------------------------------------------------------

class panel {
public:
    panel(const story& told, double top) : told_{told}, top_{top}, y_{top + header} {
        departs_.resize(told.flights.size());
        arrives_.resize(told.flights.size());
        cursor_[0] = cursor_[1] = y_ + 2 * line_height;
        for (const side s : both) bars_[index(s)].push_back({y_, state::closed});
        for (const happening& h : told.happenings) place(h);
        bottom_ = std::max(cursor_[0], cursor_[1]) + 8;
        for (std::size_t i = 0; i < told.flights.size(); ++i) bottom_ = std::max(bottom_, way_of(i).y2);
    }
    [[nodiscard]] double bottom() const { return bottom_ + footer; }

    [[nodiscard]] std::string text() const {
        const double centre = (left_edge + right_edge) / 2;
        std::string out = line_of_text("title", centre, top_ + 30, "middle", escaped(told_.title));
        const std::vector<std::string> lesson = wrapped(told_.lesson, 130);
        for (std::size_t i = 0; i < lesson.size(); ++i) {
            std::string words = escaped(lesson[i]);
            if (i + 1 == lesson.size())
                words += fmt::format(" <tspan class='cites'>({})</tspan>", escaped(told_.cites));
            out += line_of_text("lesson", centre, top_ + 51 + 16 * static_cast<double>(i), "middle", words);
        }
        for (const side s : both) {
            out += line_of_text("host", bar_of(s) + bar_width / 2, top_ + header - 8, "middle",
                                s == side::client ? "client" : "server");
        }
        out += below_;
        for (const side s : both) draw_bar(out, s);
        out += marks_;
        const std::vector<bool> whole = whole_arrows(told_);
        for (std::size_t i = 0; i < told_.flights.size(); ++i) draw_arrow(out, i);
        for (std::size_t i = 0; i < told_.flights.size(); ++i) draw_label(out, i, whole[i]);
        return out + above_;
    }

private:
    struct stretch {
        double from;
        state in;
    };
    [[nodiscard]] static double bar_of(side s) { return s == side::client ? left_bar : right_bar; }
    [[nodiscard]] static double edge_of(side s) { return s == side::client ? left_edge : right_edge; }

    void place(const happening& h) {
        if (h.when != last_ || first_) begin_instant(h.when);
        double& y = cursor_[index(h.who)];
        if (h.what == happening::kind::departs) {
            departs_[h.flight] = y - 4 + 3 * departing_[index(h.who)]++;
        } else if (h.what == happening::kind::arrives) {
            arrives_[h.flight] = y - 6;
        } else if (h.what == happening::kind::note) {
            note(h);
        } else {
            const double x = h.who == side::client ? left_bar - 10 : right_bar + bar_width + 10;
            const std::string_view anchor = h.who == side::client ? "end" : "start";
            const bool row = h.what == happening::kind::row;
            above_ += line_of_text(row ? "row" : "told", x, y, anchor, row ? words(h.row) : escaped(h.text));
            if (row) enters(h.who, h.row.to, y - 12);
            const auto because = row ? cite(h.row.from, h.row.on).because : std::string_view{};
            if (!because.empty()) above_ += line_of_text("doing", x, y += line_height - 2, anchor, escaped(because));
            y += line_height;
            departing_[index(h.who)] = 0;
        }
    }
    void note(const happening& h) {
        const double y = std::max(cursor_[0], cursor_[1]) + 8;
        above_ += line_of_text("note", (left_edge + right_edge) / 2, y, "middle", escaped(h.text));
        for (const side s : both) enters(s, h.states[index(s)], y - 12);
        cursor_[0] = cursor_[1] = y + line_height + 6;
    }
    void enters(side s, state to, double y) {
        if (to != bars_[index(s)].back().in) bars_[index(s)].push_back({y, to});
    }
    /// The row as it stands in the table: event, citation, actions.
    [[nodiscard]] static std::string words(const taken_row& row) {
        const auto where = cite(row.from, row.on);
        const cell c = machine::table.at(row.from, row.on);
        std::string out =
            fmt::format("<tspan class='event'>{}</tspan><tspan class='cite' dx='6'>{}</tspan>", row.on, where.cite);
        const std::string doing = c.is_dropped() ? "dropped" : c.doing().empty() ? "" : fmt::format("{}", c.doing());
        if (!doing.empty()) out += fmt::format("<tspan class='doing' dx='6'>{}</tspan>", escaped(doing));
        return out;
    }

    /// Both sides go on from here.
    void begin_instant(time_point when) {
        const double before = std::max(cursor_[0], cursor_[1]);
        double y = before;
        if (!first_) {
            const double ms = std::chrono::duration<double, std::milli>(when - last_).count();
            y += std::clamp(ms * 3.2, 20.0, 46.0) - 6;
            if (when - last_ >= 500ms) {
                y += 14;
                const double between = (before + y) / 2;
                marks_ += line_of_text("time", right_edge - 16, between - 8, "end", pause(when - last_));
                for (const side s : both) tear(bar_of(s), between - 12);
            }
        }
        first_ = false;
        last_ = when;
        cursor_[0] = cursor_[1] = y;
        departing_[0] = departing_[1] = 0;
        below_ +=
            fmt::format("<line class='instant' x1='62' y1='{0:.1f}' x2='{1:.1f}' y2='{0:.1f}'/>\n", y - 6, width - 20);
        below_ += line_of_text(
            "time", 54, y - 2, "end",
            when.time_since_epoch() < 1000s ? seconds(when) + " s" : fmt::format("{} s", when.time_since_epoch() / 1s));
    }
    /// The time line is torn where time was left out.
    void tear(double x, double y) {
        marks_ += fmt::format("<path class='tear' d='M{:.1f} {:.1f} q13 -7 26 0 t26 0 t26 0 t26 0'/>\n", x, y);
    }

    void draw_bar(std::string& out, side s) const {
        const auto& bar = bars_[index(s)];
        for (std::size_t i = 0; i < bar.size(); ++i) {
            const double end = i + 1 < bar.size() ? bar[i + 1].from : bottom_;
            const double height = end - bar[i].from;
            if (height < 1) continue;
            out += fmt::format("<rect x='{:.1f}' y='{:.1f}' width='{:.1f}' height='{:.1f}' fill='{}'/>\n", bar_of(s),
                               bar[i].from, bar_width, height + 0.5, colour_of(bar[i].in));
            if (height < 12) continue;
            out += line_of_text("state", bar_of(s) + bar_width / 2, bar[i].from + 12, "middle", name(bar[i].in));
        }
    }
    /// Where a flight is drawn: from (x1, y1) to (x2, y2).
    struct way {
        double x1, y1, x2, y2;
        [[nodiscard]] std::pair<double, double> at(double part) const {
            return {x1 + (x2 - x1) * part, y1 + (y2 - y1) * part};
        }
    };
    [[nodiscard]] way way_of(std::size_t i) const {
        const flight& f = told_.flights[i];
        const double y2 = arrives_[i] == 0 ? departs_[i] + lost_fall : arrives_[i];
        return {edge_of(f.from), departs_[i], edge_of(other(f.from)), y2};
    }
    void draw_arrow(std::string& out, std::size_t i) const {
        const flight& f = told_.flights[i];
        const way w = way_of(i);
        const auto [x, y] = w.at(f.lost ? 0.68 : 1.0);
        const std::string_view kind = f.lost ? "lost" : f.remark.empty() ? "arrow" : "arrow strange";
        out +=
            fmt::format("<line class='{}' x1='{:.1f}' y1='{:.1f}' x2='{:.1f}' y2='{:.1f}'/>\n", kind, w.x1, w.y1, x, y);
        if (f.lost)
            out += fmt::format("<path class='cross' d='M{:.1f} {:.1f} l12 12 m0 -12 l-12 12'/>\n", x - 6, y - 6);
    }
    void draw_label(std::string& out, std::size_t i, bool whole) const {
        const flight& f = told_.flights[i];
        const way w = way_of(i);
        std::string label = told_.notation(f, whole && !f.lost);
        if (label.size() > 76) label = told_.notation(f, false) + " <...>";
        if (!f.remark.empty()) label += fmt::format("  ({})", f.remark);
        // The label of an arrow that crosses others keeps to the side from which it comes, or where it is alone.
        const bool slow = f.arrives - f.sent > 20ms;
        const auto [x, y] = w.at(f.lost ? 0.36 : whole ? 0.5 : slow ? 0.78 : 0.27);
        const double slope = std::atan2(w.y2 - w.y1, std::abs(w.x2 - w.x1)) * 180 / std::numbers::pi;
        const std::string turn =
            fmt::format(" transform='rotate({:.2f} {:.1f} {:.1f})'", w.x2 > w.x1 ? slope : -slope, x, y);
        const bool red = f.lost || !f.remark.empty();
        out += line_of_text(red ? "segment red" : "segment", x, y - 5, "middle", escaped(label), turn);
    }

    const story& told_;
    double top_;
    double y_;
    double bottom_ = 0;
    double cursor_[2];
    int departing_[2] = {0, 0};
    bool first_ = true;
    time_point last_{};
    std::vector<double> departs_;
    std::vector<double> arrives_;
    std::vector<stretch> bars_[2];
    std::string below_;
    std::string marks_;
    std::string above_;
};

}  // namespace

std::string picture(std::span<const story> stories) {
    std::string body;
    double y = 10;
    for (const story& told : stories) {
        const panel p{told, y};
        body += p.text();
        y = p.bottom();
    }
    return fmt::format(R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}">
<style>{2}</style>
<defs>
  <marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 1 L10 5 L0 9 z" fill="#424a53"/></marker>
  <marker id="red-head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 1 L10 5 L0 9 z" fill="#cf222e"/></marker>
</defs>
<rect width="100%" height="100%" fill="#ffffff"/>
{3}</svg>
)",
                       width, std::ceil(y), style, body);
}

}  // namespace demo
