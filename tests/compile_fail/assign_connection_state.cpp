// expect: ('.*machine_' is private|'machine_' is a private member of 'tcpfsm::basic_connection)
// expect: ('.*tcb_' is private|'tcb_' is a private member of 'tcpfsm::basic_connection)
// expect: (passing 'const tcpfsm::send_sequence' as 'this' argument discards qualifiers|no viable overloaded '=')
// SPDX-License-Identifier: MIT
// A connection's state and numbers are moved by calls, segments and time alone.

#include <tcpfsm/connection.hpp>

constexpr tcpfsm::state fresh(const tcpfsm::connection& tcp) { return tcp.at(); }
static_assert(fresh(tcpfsm::connection{}) == tcpfsm::state::closed);

#ifdef TCPFSM_BAD_LINE
void poke(tcpfsm::connection& tcp) {
    tcp.machine_ = {};
    tcp.tcb_ = {};
    tcp.numbers().snd = {};
}
#endif
