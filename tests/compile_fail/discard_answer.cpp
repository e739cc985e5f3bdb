// expect: ignoring return(ed)? value of
// SPDX-License-Identifier: MIT
// An answer to a call is not to be overlooked: a refused SEND is a SEND that was not made.

#include <tcpfsm/connection.hpp>

#ifdef __clang__
#pragma clang diagnostic error "-Wunused-result"
#else
#pragma GCC diagnostic error "-Wunused-result"
#endif

tcpfsm::answer asked(tcpfsm::connection& tcp) { return tcp.send(100, tcpfsm::time_point{}); }

#ifdef TCPFSM_BAD_LINE
void overlooked(tcpfsm::connection& tcp) { tcp.send(100, tcpfsm::time_point{}); }
#endif
