// expect: an ACK waits for less than 0.5 s
// SPDX-License-Identifier: MIT
// No policy may delay an ACK for half a second (MUST-40).

#include <tcpfsm/connection.hpp>

struct patient : tcpfsm::policies {
#ifdef TCPFSM_BAD_LINE
    static constexpr tcpfsm::duration delayed_ack = std::chrono::milliseconds{500};
#else
    static constexpr tcpfsm::duration delayed_ack = std::chrono::milliseconds{499};
#endif
};

int main() { return sizeof(tcpfsm::basic_connection<patient>) == 0 ? 1 : 0; }
