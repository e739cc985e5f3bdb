// SPDX-License-Identifier: MIT
#include "ladder.hpp"

#include <tcpfsm/format.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace demo {

namespace {

constexpr std::size_t middle = 88;  // columns between the two states
constexpr std::size_t half = middle / 2;

std::string_view colour_of(state s) {
    using namespace states;
    if (state_set{state::closed}.contains(s)) return "90";
    if (state_set{state::established}.contains(s)) return "1;32";
    if (lingering.contains(s)) return "35";
    if ((user_closed | state::close_wait).contains(s)) return "34";
    return "33";
}

class drawing {
public:
    drawing(const story& told, const terminal& out) : told_{told}, out_{out}, whole_{whole_arrows(told)} {}

    std::string text() {
        fmt::format_to(to(), "{}  {}\n", out_.bold(told_.title), out_.dim(fmt::format("({})", told_.cites)));
        fmt::format_to(to(), "{}\n\n", told_.lesson);
        fmt::format_to(to(), "{}\n",
                       out_.dim(fmt::format("{:>10}  {:<12}  {:<{}}  {}", "seconds", "client", "", middle, "server")));
        for (const happening& h : told_.happenings) draw(h);
        for (const std::string& d : told_.deviations) fmt::format_to(to(), "  {} {}\n", out_.bad("DEVIATION"), d);
        return std::move(text_);
    }

private:
    std::back_insert_iterator<std::string> to() { return std::back_inserter(text_); }

    void draw(const happening& h) {
        switch (h.what) {
        case happening::kind::departs: return departs(h);
        case happening::kind::arrives: return arrives(h);
        case happening::kind::row: return line(h, aside(h, words(h.row)), "2");
        case happening::kind::told: return line(h, aside(h, h.text), "36");
        case happening::kind::note:
            return line(h, fmt::format("{:^{}}", fmt::format("( {} )", h.text), middle), "3;33");
        }
    }
    void departs(const happening& h) {
        const flight& f = told_.flights[h.flight];
        if (f.lost) return line(h, lost(f), "31");
        if (whole_[h.flight]) return line(h, arrow(f.from, label(f, middle), middle, true), colour(f));
        broken_.push_back(h.flight);
        const std::string first = arrow(f.from, label(f, half), half - 1, false);
        line(h,
             f.from == side::client ? fmt::format("{}\\{:<{}}", first, "", half)
                                    : fmt::format("{:<{}}/{}", "", half, first),
             colour(f));
    }
    void arrives(const happening& h) {
        const flight& f = told_.flights[h.flight];
        if (whole_[h.flight]) return;
        cross(h.flight);
        const std::string last = arrow(f.from, label(f, half), half - 1, true);
        line(h,
             f.from == side::client ? fmt::format("{:<{}}\\{}", "", half, last)
                                    : fmt::format("{}/{:<{}}", last, "", half),
             colour(f));
    }

    /// Before the first of two segments arrives that are on their way to each other, they meet.
    void cross(std::size_t arriving) {
        const side from = told_.flights[arriving].from;
        const bool fresh = std::erase(broken_, arriving) != 0;
        const auto met = std::erase_if(broken_, [&](std::size_t i) { return told_.flights[i].from != from; });
        if (fresh && met != 0) fmt::format_to(to(), "{:<26}{:<{}}X\n", "", "", half);
    }

    [[nodiscard]] static std::string_view colour(const flight& f) { return f.remark.empty() ? "0" : "31"; }
    /// The segment, with its options if they fit.
    [[nodiscard]] std::string label(const flight& f, std::size_t room) const {
        const std::string remark = f.remark.empty() ? "" : fmt::format("  ({})", f.remark);
        std::string all = told_.notation(f) + remark;
        if (all.size() + 6 > room) all = told_.notation(f, false) + remark;
        return all.substr(0, room - 6);
    }
    [[nodiscard]] static std::string arrow(side from, std::string_view label, std::size_t width, bool head) {
        const std::string shaft = fmt::format("{:-^{}}", fmt::format(" {} ", label), width - (head ? 1 : 0));
        if (!head) return shaft;
        return from == side::client ? shaft + ">" : "<" + shaft;
    }
    [[nodiscard]] std::string lost(const flight& f) const {
        const std::string what = fmt::format(" {} ", label(f, middle - 12));
        const std::size_t shaft = std::max(what.size() + 6, middle * 3 / 4);
        if (f.from == side::client) return fmt::format("{:-^{}}x  lost", what, shaft);
        return fmt::format("{:>{}}", fmt::format("lost  x{:-^{}}", what, shaft), middle);
    }

    /// "rcv_fin: ESTABLISHED -> CLOSE-WAIT (3.10.7.4 8) take_fin | snd_ack".
    [[nodiscard]] static std::string words(const taken_row& r) {
        const auto where = cite(r.from, r.on);
        const cell c = machine::table.at(r.from, r.on);
        const std::string moves = r.from == r.to ? fmt::format("{}", r.from) : fmt::format("{} -> {}", r.from, r.to);
        if (c.is_dropped()) return fmt::format("{}: dropped, {} ({})", r.on, where.because, where.cite);
        return fmt::format("{}: {} ({}) {}", r.on, moves, where.cite,
                           c.doing().empty() ? "" : fmt::format("{}", c.doing()));
    }
    /// Beside the one whose matter it is.
    [[nodiscard]] static std::string aside(const happening& h, std::string what) {
        while (what.ends_with(' ')) what.pop_back();
        return h.who == side::client ? fmt::format("{:<{}}", what, middle) : fmt::format("{:>{}}", what, middle);
    }
    void line(const happening& h, const std::string& what, std::string_view code) {
        const auto column = [&](side s) {
            return out_.paint(colour_of(h.states[index(s)]), fmt::format("{:<12}", h.states[index(s)]));
        };
        std::string text = fmt::format("{}  {}  {}  {}", out_.dim(fmt::format("{:>10}", time(h))), column(side::client),
                                       out_.paint(code, fmt::format("{:<{}}", what, middle)), column(side::server));
        while (text.ends_with(' ')) text.pop_back();
        fmt::format_to(to(), "{}\n", text);
    }
    /// The time, once for each instant.
    std::string time(const happening& h) {
        if (last_ == h.when) return "";
        last_ = h.when;
        return seconds(h.when);
    }

    const story& told_;
    const terminal& out_;
    std::vector<bool> whole_;
    std::string text_;
    std::optional<time_point> last_;
    std::vector<std::size_t> broken_;  // arrows that wait for the one that they cross
};

}  // namespace

std::string seconds(time_point t) {
    return fmt::format("{:.3f}", std::chrono::duration<double>(t.time_since_epoch()).count());
}

std::vector<bool> whole_arrows(const story& told) {
    std::vector<bool> whole(told.flights.size(), true);
    const auto& all = told.happenings;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].what != happening::kind::departs) continue;
        const std::size_t mine = all[i].flight;
        if (told.flights[mine].lost) continue;
        for (std::size_t j = i + 1; j < all.size(); ++j) {
            const happening& h = all[j];
            if (h.what == happening::kind::arrives && h.flight == mine) break;
            if (h.what != happening::kind::departs && h.what != happening::kind::arrives) continue;
            const bool opposite = told.flights[h.flight].from != told.flights[mine].from;
            const bool overtakes = h.what == happening::kind::arrives && h.flight > mine;
            if (opposite || overtakes) whole[mine] = false;
        }
    }
    // An arrow looks crossed only if both are broken; one that is merely slow lets the others pass.
    for (std::size_t i = 0; i < whole.size(); ++i) {
        const flight& slow = told.flights[i];
        if (whole[i] || slow.lost) continue;
        for (std::size_t j = i + 1; j < whole.size() && told.flights[j].sent < slow.arrives; ++j) {
            const flight& f = told.flights[j];
            if (f.from != slow.from && !f.lost && slow.arrives - f.arrives < f.arrives - f.sent) whole[j] = false;
        }
    }
    return whole;
}

std::string ladder(const story& told, const terminal& out) { return drawing{told, out}.text(); }

}  // namespace demo
