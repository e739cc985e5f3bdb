// SPDX-License-Identifier: MIT
// matrix.hpp: the run through all cells.
#pragma once

#include "segments.hpp"
#include "situations.hpp"

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tcpfsm::matrix {

/// A cell: where, and what happens: a segment, a call, or nothing more than the walk.
template <class P>
struct cell_of_matrix {
    const situation<P>& at;
    const oracle::segment* arrives = nullptr;
    std::string_view call;
};

/// Calls `f(cell, connections after it)` for each cell of these situations, the walk, the calls, the segments, until
/// it answers false.
template <class P, class F>
void for_each_cell(const std::vector<situation<P>>& all, bool stamped, F f) {
    bool going_on = true;
    for (const situation<P>& at : all) {
        const auto call = [&](std::string_view name, auto make) {
            if (!going_on) return;
            both<P> tcp = at.tcp;
            make(tcp);
            going_on = f(cell_of_matrix<P>{at, nullptr, name}, tcp);
        };
        call("the walk", [](both<P>&) {});
        if (!at.tcp.agree()) continue;
        call("OPEN, passive", [](both<P>& t) { t.open_passive(); });
        call("OPEN, active", [](both<P>& t) { t.open_active(); });
        call("SEND", [](both<P>& t) { t.send(5); });
        call("CLOSE", [](both<P>& t) { t.close(); });
        call("CLOSE of both directions", [](both<P>& t) { t.close_both(); });
        call("ABORT", [](both<P>& t) { t.abort(); });
        call("ICMP, hard error", [](both<P>& t) { t.unreachable(); });
        if (at.tcp.rfc.at == oracle::state::time_wait) call("2 MSL", [](both<P>& t) { t.lingers_on(); });
        const world& w = at.tcp.in_world();
        const oracle::number tempting = at.tcp.rfc.at == oracle::state::closed ? w.ours.value() : at.tcp.rfc.t.nxt;
        for_each_segment(grid_for(at.tcp.rfc, w, stamped), tempting, [&](const oracle::segment& seg) {
            if (!going_on) return;
            both<P> tcp = at.tcp;
            tcp.hears(seg);
            going_on = f(cell_of_matrix<P>{at, &seg, {}}, tcp);
        });
    }
}

/// The cell in words: the state, the segment, both outcomes, both citations.
template <class P>
[[nodiscard]] std::string describe(const cell_of_matrix<P>& cell, const both<P>& tcp) {
    const world& w = tcp.in_world();
    const std::string what = cell.arrives != nullptr ? to_text(*cell.arrives, w, false) : std::string{cell.call};
    std::string oracle_says;
    for (const char* cite : tcp.report.cites) oracle_says += fmt::format("{}{}", oracle_says.empty() ? "" : ", ", cite);
    std::string library_says;
    for (const taken_row& row : tcp.rows()) {
        const citation c = cite(row.from, row.on);
        library_says += fmt::format("{}{} in {} [{}{}{}]", library_says.empty() ? "" : ", ", name(row.on),
                                    name(row.from), c.cite, c.because.empty() ? "" : ": ", c.because);
    }
    return fmt::format("{} <- {}   ({})\n    RFC:     {}\n      {}\n    library: {}\n      {}\n", cell.at.name, what,
                       w.name, oracle_says, to_text(tcp.oracle_says(), w), library_says,
                       to_text(tcp.library_says(), w));
}

/// What a run found.
struct score {
    std::array<std::uint64_t, state_count> segments{};  ///< cells with a segment, by state
    std::uint64_t calls = 0;                            ///< cells with a call, and walks
    std::uint64_t differences = 0;
    std::string first;                               ///< the first few differences, in words
    std::bitset<state_count * event_count> reached;  ///< cells of the library's table

    [[nodiscard]] std::uint64_t total() const {
        std::uint64_t sum = 0;
        for (const auto n : segments) sum += n;
        return sum;
    }
    template <class P>
    void add(const cell_of_matrix<P>& cell, const both<P>& tcp) {
        ++(cell.arrives != nullptr ? segments[static_cast<std::size_t>(cell.at.tcp.rfc.at)] : calls);
        for (const taken_row& row : tcp.rows())
            reached.set(static_cast<std::size_t>(row.from) * event_count + static_cast<std::size_t>(row.on));
        if (!tcp.agree() && ++differences <= 5) first += describe(cell, tcp) + "\n";
    }
};

/// Both windows of one policy in one world.
template <class P>
void run(const world& w, bool stamped, score& out) {
    for (const window rcv : {window::open, window::zero}) {
        for_each_cell(situations<P>(w, rcv, stamped), stamped, [&out](const auto& cell, const both<P>& tcp) {
            out.add(cell, tcp);
            return true;
        });
    }
}

}  // namespace tcpfsm::matrix
