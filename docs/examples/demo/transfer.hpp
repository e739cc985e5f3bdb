// SPDX-License-Identifier: MIT
// transfer.hpp: a long text over a bad link.
#pragma once

#include "capture.hpp"
#include "terminal.hpp"

#include <cstdint>

namespace demo {

/// Sends `mebibytes` from one host to the other, as packets of octets with checksums, over a link that loses,
/// reorders and duplicates; shows how far it is, then what it took. True iff every octet arrived as it was.
[[nodiscard]] bool transfer(std::uint64_t mebibytes, std::uint64_t seed, const terminal& out, capture& to);

}  // namespace demo
