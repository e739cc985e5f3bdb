// expect: two_rows_name_the_same_cell
// SPDX-License-Identifier: MIT
// A table is deterministic: a second row for a cell does not compile.

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
            // Any ACK would move FIN-WAIT-1 on, and `rcv_ack` has a row there already.
            if (r.in == fin_wait_1 && r.on == rcv_ack_of_fin) r.on = rcv_ack_of_fin | rcv_ack;
        }
#endif
        return out;
    }();
};

constexpr tcpfsm::machine_table table = tcpfsm::compile<dialect>();
static_assert(table.cells == tcpfsm::compile<tcpfsm::rfc9293>().cells);
