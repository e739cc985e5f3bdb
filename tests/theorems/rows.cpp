// SPDX-License-Identifier: MIT
// rows.cpp: the form of the table: total, deterministic, cited, small; and names that can be relied upon.

#include "theorem.hpp"

#include <support/catch.hpp>

#include <fmt/format.h>

#include <iterator>

namespace {

using namespace theorems;

// --- Total and deterministic ----------------------------------------------------------------------

/// How many of these lines name the cell.
template <class Lines>
constexpr std::size_t names(const Lines& lines, state s, event e) {
    std::size_t n = 0;
    for (const auto& line : lines) n += line.in.contains(s) && line.on.contains(e) ? 1U : 0U;
    return n;
}

/// Every cell is named by exactly one line: no gap, no contradiction. (compile() says the same while it fills.)
constexpr bool each_cell_is_named_once() {
    return every_cell(rfc, [](const place& p) {
        return names(rfc9293::rows, p.at, p.on) + names(rfc9293::dropped, p.at, p.on) +
                   names(rfc9293::impossible, p.at, p.on) ==
               1;
    });
}
static_assert(each_cell_is_named_once(), "the table is total and deterministic");

/// Every line names at least one cell of its own. (Since no cell is named twice, no line repeats another.)
template <class Lines>
constexpr bool every_line_is_used(const Lines& lines) {
    for (const auto& line : lines) {
        if (count_cells(rfc, [&](const place& p) { return p.in(line.in) && p.is(line.on); }) == 0) return false;
    }
    return true;
}
static_assert(every_line_is_used(rfc9293::rows), "every row is used");
static_assert(every_line_is_used(rfc9293::dropped), "every line of what is dropped is used");
static_assert(every_line_is_used(rfc9293::impossible), "every line of what is impossible is used");

/// A row that names several states says the same of all of them: what is stored is what was written.
constexpr bool compiled_as_written() {
    for (const row& r : rfc9293::rows) {
        const bool same = every_cell(rfc, [&](const place& p) {
            return !p.in(r.in) || !p.is(r.on) || p.what == cell{r.go_to.from(p.at), r.doing, r.says};
        });
        if (!same) return false;
    }
    return true;
}
static_assert(compiled_as_written(), "a cell holds what its row says, and loses nothing in its four octets");

/// No row is a decoration: it moves, does or says something.
constexpr bool every_row_does_something() {
    for (const row& r : rfc9293::rows) {
        if (!r.go_to.moves() && r.doing.empty() && r.says == saying{}) return false;
    }
    return true;
}
static_assert(every_row_does_something(), "every row moves, does or says something");

/// A row that is written with a destination moves: `stay` is spelt `stay`.
constexpr bool every_destination_is_elsewhere() {
    for (const row& r : rfc9293::rows) {
        if (r.go_to.moves() && r.in.contains(r.go_to.from(state::closed))) return false;
    }
    return true;
}
static_assert(every_destination_is_elsewhere(), "no row leads to the state that it starts in");

// --- Cited ------------------------------------------------------------------------------------------

constexpr bool cites(std::string_view c) { return c.starts_with("3.") || c.starts_with("RFC "); }

template <class Lines>
constexpr bool all_cite(const Lines& lines) {
    for (const auto& line : lines) {
        if (!cites(line.cite)) return false;
    }
    return true;
}
static_assert(all_cite(rfc9293::rows), "every row cites a section of RFC 9293, or another RFC");
static_assert(all_cite(rfc9293::dropped), "so does every line of what is dropped");

template <class Lines>
constexpr bool all_give_reasons(const Lines& lines) {
    for (const auto& line : lines) {
        if (line.because.empty()) return false;
    }
    return true;
}
static_assert(all_give_reasons(rfc9293::dropped), "whatever is dropped is dropped for a reason");
static_assert(all_give_reasons(rfc9293::impossible), "whatever is impossible is impossible for a reason");

static_assert(every_cell(rfc,
                         [](const place& p) {
                             const citation c = cite(p.at, p.on);
                             return p.what.is_impossible() ? c.cite == "impossible" && !c.because.empty()
                                                           : cites(c.cite);
                         }),
              "cite() finds a citation or a reason for every cell");

// --- Small --------------------------------------------------------------------------------------------

static_assert(sizeof(cell) == 8, "a cell takes eight octets");
static_assert(sizeof(machine) == 1, "a machine takes one");
static_assert(sizeof(machine_table) == 8 * state_count * event_count, "the table is its cells and nothing more");
static_assert(sizeof(machine_table) < 2 * 4096, "the table fits two pages");

// --- Named --------------------------------------------------------------------------------------------

template <class Enum, std::size_t Count>
constexpr bool names_are_unique() {
    for (std::size_t i = 0; i < Count; ++i) {
        if (name(static_cast<Enum>(i)).empty()) return false;
        for (std::size_t j = 0; j < i; ++j) {
            if (name(static_cast<Enum>(i)) == name(static_cast<Enum>(j))) return false;
        }
    }
    return true;
}
template <class Enum, std::size_t Count>
constexpr bool words_are_unique() {
    const auto words = [](std::size_t i) {
        if constexpr (std::is_same_v<Enum, event>) {
            return describe(static_cast<event>(i)).says;
        } else {
            return describe(static_cast<Enum>(i));
        }
    };
    for (std::size_t i = 0; i < Count; ++i) {
        if (words(i).empty()) return false;
        for (std::size_t j = 0; j < i; ++j) {
            if (words(i) == words(j)) return false;
        }
    }
    return true;
}
static_assert(names_are_unique<state, state_count>(), "every state has a name of its own");
static_assert(names_are_unique<event, event_count>(), "every event has a name of its own");
static_assert(names_are_unique<action, action_count>(), "every action has a name of its own");
static_assert(words_are_unique<event, event_count>(), "every event has words of its own");
static_assert(words_are_unique<answer, answer_count>(), "every answer has words of its own");
static_assert(words_are_unique<signal, signal_count>(), "every signal has words of its own");
static_assert(name(state::closed) == "CLOSED" && name(state::syn_received) == "SYN-RECEIVED" &&
                  name(state::time_wait) == "TIME-WAIT",
              "states are spelt as in the RFC");
static_assert(name(event::open_passive) == "open_passive" && name(event::rcv_ack_of_fin) == "rcv_ack_of_fin" &&
                  name(event::timeout_time_wait) == "timeout_time_wait",
              "the names of events have not slipped against the enumeration");
static_assert(name(action::create_tcb) == "create_tcb" && name(action::snd_syn) == "snd_syn" &&
                  name(action::delete_tcb) == "delete_tcb",
              "nor have those of actions");

/// Every action is in use, and every state and event has a row.
constexpr bool every_action_is_used() {
    for (std::size_t a = 0; a < action_count; ++a) {
        if (count_cells(rfc, [&](const place& p) { return p.does(static_cast<action>(a)); }) == 0) return false;
    }
    return true;
}
static_assert(every_action_is_used(), "every action is in use");

constexpr bool every_event_means_something() {
    for (std::size_t e = 0; e < event_count; ++e) {
        if (count_cells(rfc, [&](const place& p) { return p.is(static_cast<event>(e)) && !p.what.is_impossible(); }) ==
            0)
            return false;
    }
    return true;
}
static_assert(every_event_means_something(), "every event can come up somewhere");

// --- Moved by nothing else ----------------------------------------------------------------------------

constexpr bool machine_follows_the_table() {
    return every_cell(rfc, [](const place& p) {
        machine tcp;  // walked to the place by the shortest way, breadth first
        machine at_place[state_count];
        bool known[state_count] = {true};
        for (std::size_t round = 0; round < state_count; ++round) {
            for (std::size_t s = 0; s < state_count; ++s) {
                for (std::size_t e = 0; known[s] && e < event_count; ++e) {
                    tcp = at_place[s];
                    (void)tcp.on(static_cast<event>(e));
                    const auto reached = static_cast<std::size_t>(tcp.at());
                    if (!known[reached]) at_place[reached] = tcp;
                    known[reached] = true;
                }
            }
            if (known[static_cast<std::size_t>(p.at)]) break;
        }
        tcp = at_place[static_cast<std::size_t>(p.at)];
        return tcp.at() == p.at && tcp.on_hold(p.on) == p.what && tcp.on(p.on) == p.what && tcp.at() == p.to();
    });
}

}  // namespace

TEST_CASE("rows: total, deterministic, cited, small", "[theorems][3.10]") {
    CHECK(machine_follows_the_table());
    const auto n = [](auto holds) { return count_cells(rfc, holds); };
    const auto with_row = n([](const place& p) { return p.has_row(); });
    const auto dropped = n([](const place& p) { return p.what.is_dropped(); });
    const auto impossible = n([](const place& p) { return p.what.is_impossible(); });
    fmt::print("rows: {} rows name {} of {} cells; {} cells are dropped, {} are impossible\n", std::size(rfc9293::rows),
               with_row, state_count * event_count, dropped, impossible);
    CHECK(with_row + dropped + impossible == state_count * event_count);
    CHECK(each_cell_is_named_once());
}
