// SPDX-License-Identifier: MIT
// figure5.cpp: the arrows of the table are the arrows of Figure 5 and of the text around it, one by one.

#include "figure5.hpp"

#include "theorem.hpp"

#include <support/catch.hpp>

#include <fmt/format.h>

#include <iterator>

namespace {

using namespace theorems;

/// What the figure would write on the arrow.
constexpr actions in_words(actions a) { return actions{a.bits() & figure5::words.bits()}; }

constexpr bool is(const place& p, const auto& arrow) {
    return p.in(arrow.from) && p.is(arrow.on) && p.to() == arrow.to.from(p.at) &&
           in_words(p.what.doing()) == arrow.doing;
}

/// True iff the arrow is in the table, out of all its states and on all its events, with just its actions.
constexpr bool has(const machine_table& t, const auto& arrow) {
    return every_cell(t, [&](const place& p) { return !p.in(arrow.from) || !p.is(arrow.on) || is(p, arrow); });
}

constexpr bool every_arc(const machine_table& t, std::string_view family) {
    for (const auto& a : figure5::arcs) {
        if (a.id.starts_with(family) && a.omitted.empty() && !has(t, a)) return false;
    }
    return true;
}

constexpr bool drawn(const place& p) {
    for (const auto& a : figure5::arcs) {
        if (a.omitted.empty() && is(p, a)) return true;
    }
    return false;
}
constexpr bool known(const place& p) {
    for (const auto& a : figure5::beyond) {
        if (is(p, a)) return true;
    }
    return drawn(p);
}

/// An omission is real: the table does not have the arrow after all.
constexpr bool truly_omitted(const machine_table& t) {
    for (const auto& a : figure5::arcs) {
        const bool found = !every_cell(t, [&](const place& p) { return !is(p, a); });
        if (!a.omitted.empty() && found) return false;
    }
    return true;
}

constexpr std::size_t count(std::string_view family) {
    std::size_t n = 0;
    for (std::size_t i = 0; i < std::size(figure5::arcs); ++i) {
        const auto id = figure5::arcs[i].id;
        if (id.starts_with(family) && (i == 0 || figure5::arcs[i - 1].id != id)) ++n;  // an id in two parts counts once
    }
    for (const auto& a : figure5::double_arcs) n += a.id.starts_with(family) ? 1U : 0U;
    return n;
}
static_assert(count("F5-") == 20, "Figure 5 has twenty arrows");
static_assert(count("N") == 17, "its notes have seventeen");
static_assert(count("TI-") == 35, "the text has thirty-five more");

const theorem list[] = {
    theorem{
        "every arrow of Figure 5 is in the table, with just the segments, TCBs and timers that the figure writes on it",
        [](const machine_table& t) { return every_arc(t, "F5-"); }},
    theorem{"every arrow of its notes is in the table, but those with a reason",
            [](const machine_table& t) { return every_arc(t, "N"); }},
    theorem{"every arrow that only the text has is in the table, but those with a reason",
            [](const machine_table& t) { return every_arc(t, "TI-"); }},
    theorem{
        "the arrows that one segment makes with its ACK and its FIN are two arrows of the table, one after the other",
        [](const machine_table& t) {
            for (const auto& a : figure5::double_arcs) {
                const cell first = t.at(a.from, a.first);
                const cell then = t.at(first.next(), a.then);
                if (then.next() != a.to || in_words(first.doing() | then.doing()) != a.doing) return false;
            }
            return true;
        }},
    theorem{
        "the table has no other arrow: every cell that moves is an arrow of the RFC",
        [](const machine_table& t) { return every_cell(t, [](const place& p) { return !p.moves() || known(p); }); }},
    theorem{"an arrow that is said to be omitted is not there",
            [](const machine_table& t) { return truly_omitted(t); }},
    theorem{"what the list has beyond the figure's arcs is in the table too, and is needed there",
            [](const machine_table& t) {
                for (const auto& a : figure5::beyond) {
                    const bool needed =
                        every_cell(t, [&](const place& p) { return !p.in(a.from) || !p.is(a.on) || !drawn(p); });
                    if (!has(t, a) || !needed) return false;
                }
                return true;
            }},
};

}  // namespace

TEST_CASE("figure 5: the arrows of the table are those of the RFC", "[theorems][figure 5]") {
    for (const auto& one : list) {
        INFO(one.sentence());
        CHECK(one.holds(rfc));
    }
    // At run time the broken arrow has a name.
    for (const auto& a : figure5::arcs) {
        INFO(a.id << ' ' << a.omitted);
        CHECK(a.omitted.empty() == (has(rfc, a) && a.on != event_set{}));
    }
    std::size_t omitted = 0;
    for (const auto& a : figure5::arcs) omitted += a.omitted.empty() ? 0U : 1U;
    fmt::print(
        "figure 5: {} arrows of the figure, {} of its notes, {} of the text; {} omitted with a reason; {} cells move\n",
        count("F5-"), count("N"), count("TI-"), omitted, count_cells(rfc, [](const place& p) { return p.moves(); }));
}
