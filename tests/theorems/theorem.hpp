// SPDX-License-Identifier: MIT
// theorem.hpp: a fact about the table that the compiler proves, and that tests may ask of other tables.
#pragma once

#include <tcpfsm/machine.hpp>

#include <cstddef>
#include <string_view>
#include <vector>

// A theorem is a sentence and a predicate over tables. To write one down is to prove it for RFC 9293: its
// constructor holds a static_assert. At run time the same predicates are asked of mutants (mutation.cpp).

namespace theorems {

using namespace tcpfsm;  // NOLINT: a test reads as the RFC does

/// The table that all theorems are about.
inline constexpr machine_table rfc = compile<rfc9293>();

/// A cell, and where it stands.
struct place {
    state at;
    event on;
    cell what;

    [[nodiscard]] constexpr state to() const { return what.next(); }
    [[nodiscard]] constexpr bool moves() const { return to() != at; }
    [[nodiscard]] constexpr bool moves_to(state_set s) const { return moves() && s.contains(to()); }
    [[nodiscard]] constexpr bool in(state_set s) const { return s.contains(at); }
    [[nodiscard]] constexpr bool is(event_set e) const { return e.contains(on); }
    /// A row names it: it can come up, and something is done about it, be it nothing.
    [[nodiscard]] constexpr bool has_row() const { return !what.is_dropped() && !what.is_impossible(); }
    [[nodiscard]] constexpr bool does(action a) const { return what.doing().contains(a); }
    /// At least one of these actions.
    [[nodiscard]] constexpr bool does_any(actions a) const { return (what.doing().bits() & a.bits()) != 0; }
    [[nodiscard]] constexpr bool says(saying s) const { return what.says() == s; }
    [[nodiscard]] constexpr bool signals() const { return what.says().is_signal(); }
    [[nodiscard]] constexpr bool answers() const { return what.says().is_answer(); }
};

/// True iff `holds` is true of all cells.
template <class Predicate>
[[nodiscard]] constexpr bool every_cell(const machine_table& t, Predicate holds) {
    for (std::size_t s = 0; s < state_count; ++s) {
        for (std::size_t e = 0; e < event_count; ++e) {
            if (!holds(place{static_cast<state>(s), static_cast<event>(e), t.cells[s][e]})) return false;
        }
    }
    return true;
}

/// How many cells `holds` is true of.
template <class Predicate>
[[nodiscard]] constexpr std::size_t count_cells(const machine_table& t, Predicate holds) {
    std::size_t n = 0;
    (void)every_cell(t, [&](const place& p) {
        if (holds(p)) ++n;
        return true;
    });
    return n;
}

// The three kinds of events of section 3.10, and the reports of ICMP.
inline constexpr event_set calls = events(event::open_passive, event::status);
inline constexpr event_set arrivals = events(event::rcv_stray, event::rcv_fin);
inline constexpr event_set reports = events(event::icmp_soft, event::icmp_quench);
inline constexpr event_set timeouts = events(event::timeout_user, event::timeout_time_wait);
inline constexpr event_set resets = events(event::rcv_rst, event::rcv_rst_lingering);

/// A sentence that is true of the table.
class theorem {
public:
    using predicate = bool (*)(const machine_table&);

    /// `Holds` is a lambda without captures. It is proved here, for RFC 9293.
    template <class Holds>
    theorem(std::string_view sentence, Holds) : sentence_{sentence}, holds_{Holds{}} {
        static_assert(Holds{}(rfc), "a theorem does not hold: it ends where this is required from");
        all().push_back(*this);
    }

    [[nodiscard]] std::string_view sentence() const { return sentence_; }
    [[nodiscard]] bool holds(const machine_table& t) const { return holds_(t); }

    /// All theorems of the program.
    static std::vector<theorem>& all() {
        static std::vector<theorem> list;
        return list;
    }

private:
    std::string_view sentence_;
    predicate holds_;
};

}  // namespace theorems
