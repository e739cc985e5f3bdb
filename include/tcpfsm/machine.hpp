// SPDX-License-Identifier: MIT
// machine.hpp: the one owner of a state, with one mutator.
#pragma once

#include <tcpfsm/table.hpp>

// RFC 9293 section 3.3.2 as a class. Nothing else in the library holds a state that can change; nothing
// but a row of the table changes this one.

namespace tcpfsm {

/// A state, moved by `Table` alone. Usable without the rest of the library: judge your own segments,
/// raise the events, do what the returned cell says.
template <class Table = rfc9293>
class basic_machine {
public:
    /// The compiled table, one for all machines of this type.
    static constexpr machine_table table = compile<Table>();

    /// The present state; CLOSED for a new machine.
    [[nodiscard]] constexpr state at() const noexcept { return at_; }
    /// True iff the present state is one of `s`.
    [[nodiscard]] constexpr bool in(state_set s) const noexcept { return s.contains(at_); }
    /// What `e` would do here.
    [[nodiscard]] constexpr cell on_hold(event e) const noexcept { return table.at(at_, e); }
    /// Takes the row for `e`: moves, and returns what is to be done. An event that is dropped or
    /// impossible here changes nothing.
    constexpr cell on(event e) noexcept {
        const cell c = table.at(at_, e);
        at_ = c.next();
        return c;
    }

    friend constexpr bool operator==(const basic_machine&, const basic_machine&) noexcept = default;

private:
    state at_ = state::closed;
};

/// The machine of RFC 9293.
using machine = basic_machine<>;

static_assert(sizeof(machine) == 1);

}  // namespace tcpfsm
