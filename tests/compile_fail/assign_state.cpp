// expect: ('tcpfsm::state tcpfsm::basic_machine.*::at_' is private|'at_' is a private member of 'tcpfsm::basic_machine)
// expect: (lvalue required as left operand|expression is not assignable)
// expect: (no match for 'operator=' .operand types are 'tcpfsm::machine'|no viable overloaded '=')
// SPDX-License-Identifier: MIT
// The state of a machine is moved by the table alone: it can be read, and not assigned.

#include <tcpfsm/machine.hpp>

constexpr bool opens() {
    tcpfsm::machine tcp;
    tcp.on(tcpfsm::event::open_passive);
    return tcp.at() == tcpfsm::state::listen;
}
static_assert(opens());

#ifdef TCPFSM_BAD_LINE
void poke(tcpfsm::machine& tcp) {
    tcp.at_ = tcpfsm::state::established;
    tcp.at() = tcpfsm::state::established;
    tcp = tcpfsm::state::established;
}
#endif
