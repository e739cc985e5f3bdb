// expect: ('now' is not a member of 'tcpfsm::clock'|no member named 'now' in 'tcpfsm::clock')
// SPDX-License-Identifier: MIT
// Time is an argument: the library's clock can be named, but not read.

#include <tcpfsm/time.hpp>

constexpr tcpfsm::time_point start{};

#ifdef TCPFSM_BAD_LINE
const tcpfsm::time_point now = tcpfsm::clock::now();
#endif
