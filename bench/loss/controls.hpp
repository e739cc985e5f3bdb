// SPDX-License-Identifier: MIT
// controls.hpp: the congestion controls that are compared.
#pragma once

#include "flow.hpp"

#include <tcpfsm/congestion/bbr.hpp>
#include <tcpfsm/congestion/cubic.hpp>
#include <tcpfsm/congestion/new_reno.hpp>

#include <cstdint>
#include <memory>

namespace bench {

/// A congestion control by name, and how a flow that uses it is made.
struct control {
    const char* name;
    std::unique_ptr<flow> (*make)(std::uint32_t buffer, tcpfsm::ecn_wish ecn);
};

template <class Control, bool Paced = false>
std::unique_ptr<flow> make_bulk(std::uint32_t buffer, tcpfsm::ecn_wish ecn) {
    return std::make_unique<bulk<server<Control, Paced>>>(buffer, ecn);
}

inline constexpr control controls[] = {
    {"new_reno", make_bulk<tcpfsm::new_reno>},
    {"cubic", make_bulk<tcpfsm::cubic>},
    {"cubic_paced", make_bulk<tcpfsm::basic_cubic<tcpfsm::paced_hystart_plus_plus>, true>},
    {"bbr", make_bulk<tcpfsm::bbr>},
};

}  // namespace bench
