// expect: (no match for 'operator=='|invalid operands to binary expression .'const tcpfsm::seq' and 'int')
// expect: (no match for 'operator<'|invalid operands to binary expression .'const tcpfsm::seq' and 'unsigned int')
// expect: (no match for 'operator<=>'|invalid operands to binary expression .'const tcpfsm::seq' and 'const tcpfsm::seq')
// expect: (cannot convert 'const tcpfsm::seq' to 'const unsigned int'|no viable conversion from 'const tcpfsm::seq')
// SPDX-License-Identifier: MIT
// A sequence number is not an integer, and has no total order.

#include <tcpfsm/seq.hpp>

#include <compare>

constexpr tcpfsm::seq a{7};
static_assert(a == tcpfsm::seq{7} && a < tcpfsm::seq{8});

#ifdef TCPFSM_BAD_LINE
const bool equal = a == 7;
const bool before = a < 5U;
const auto order = a <=> a;
const unsigned number = a;
#endif
