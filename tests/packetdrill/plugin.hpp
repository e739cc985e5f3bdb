// SPDX-License-Identifier: MIT
// plugin.hpp: the table that packetdrill asks for, over a host of one's own.
#pragma once

#include "interface.hpp"
#include "persona.hpp"

#include <memory>

namespace packetdrill {

/// Fills in the table, as `packetdrill_interface_init` does.
void begin(packetdrill_interface* ifc, const settings& how, std::unique_ptr<stack> over);

}  // namespace packetdrill
