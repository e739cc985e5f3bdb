// expect: (no match for 'operator\|'|invalid operands to binary expression .'tcpfsm::state' and 'tcpfsm::event')
// expect: (could not convert|no viable conversion|no matching constructor|cannot convert)
// SPDX-License-Identifier: MIT
// The columns of a row cannot be mixed up: states, events and actions make sets of their own kind alone.

#include <tcpfsm/table.hpp>

constexpr tcpfsm::row right{tcpfsm::state::closing, tcpfsm::event::rcv_ack_of_fin, tcpfsm::state::time_wait,
                            tcpfsm::action::take_ack | tcpfsm::action::start_2msl, "3.10.7.4 5"};
static_assert(right.go_to.from(tcpfsm::state::closing) == tcpfsm::state::time_wait);

#ifdef TCPFSM_BAD_LINE
constexpr auto mixed = tcpfsm::state::closing | tcpfsm::event::rcv_fin;
constexpr tcpfsm::row swapped{
    tcpfsm::event::rcv_ack_of_fin, tcpfsm::state::closing, tcpfsm::state::time_wait, {}, "3.10.7.4 5"};
#endif
