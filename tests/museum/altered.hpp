// SPDX-License-Identifier: MIT
// altered.hpp: the table with one row that is wrong.
#pragma once

#include <tcpfsm/table.hpp>

#include <array>
#include <cstddef>
#include <iterator>

namespace tcpfsm::museum {

/// The table of RFC 9293, but that the cells of the row `Bug()` follow it:
///
///     struct m : policies {
///         using table = altered<[] { return row{state::last_ack, event::rcv_ack, state::closed, ...}; }>;
///     };
template <auto Bug>
struct altered : rfc9293 {
private:
    static constexpr row bug = Bug();
    static constexpr event_set on_else(event_set on) {
        event_set rest;
        for (std::size_t e = 0; e < event_count; ++e) {
            if (on.contains(static_cast<event>(e)) && !bug.on.contains(static_cast<event>(e)))
                rest = rest | static_cast<event>(e);
        }
        return rest;
    }
    /// The lines without the cells of the bug: each elsewhere, and there on other events.
    template <class Line, std::size_t N>
    static constexpr std::array<Line, 2 * N + 1> without(const Line (&lines)[N]) {
        std::array<Line, 2 * N + 1> out{};
        std::size_t n = 0;
        for (Line line : lines) {
            const state_set in = line.in;
            line.in = in & ~bug.in;
            out[n++] = line;
            line.in = in & bug.in;
            line.on = on_else(line.on);
            out[n++] = line;
        }
        return out;
    }

public:
    static constexpr auto rows = [] {
        auto all = without(rfc9293::rows);
        all.back() = bug;
        return all;
    }();
    static constexpr auto dropped = without(rfc9293::dropped);
};

}  // namespace tcpfsm::museum
