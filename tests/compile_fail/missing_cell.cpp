// expect: no_row_names_this_cell
// SPDX-License-Identifier: MIT
// A table is total: a cell that no row, no dropped and no impossible line names does not compile.

#include <tcpfsm/machine.hpp>

#include <algorithm>
#include <array>
#include <iterator>

struct dialect : tcpfsm::rfc9293 {
    static constexpr auto rows = [] {
        std::array<tcpfsm::row, std::size(rfc9293::rows)> out{};
        std::ranges::copy(rfc9293::rows, out.begin());
#ifdef TCPFSM_BAD_LINE
        for (tcpfsm::row& r : out) {
            // CLOSING would not know what to do once its FIN is acknowledged.
            if (r.in == closing && r.on == rcv_ack_of_fin) r = {};
        }
#endif
        return out;
    }();
};

constexpr tcpfsm::machine_table table = tcpfsm::compile<dialect>();
static_assert(table.at(tcpfsm::state::closing, tcpfsm::event::rcv_ack_of_fin).next() == tcpfsm::state::time_wait);
