// SPDX-License-Identifier: MIT
// without_lwip.cpp: where no source tree of lwIP was named.
#include "row.hpp"

void bench::add_lwip(std::vector<row>& rows) {
    rows.push_back({"lwip", unit::gigabytes_per_second, {}, "-DTCPFSM_LWIP=<its source tree> takes it in"});
}
