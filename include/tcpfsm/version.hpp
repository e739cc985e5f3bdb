// SPDX-License-Identifier: MIT
// version.hpp: which tcpfsm this is.
#pragma once

#include <string_view>

// The only macros of the library, so that a program can choose by #if. The build system reads them here.
// Versions follow semver.org: before 1.0.0, a minor version may break what came before it.

#define TCPFSM_VERSION_MAJOR 0
#define TCPFSM_VERSION_MINOR 1
#define TCPFSM_VERSION_PATCH 0

namespace tcpfsm {

/// The same version, for printing.
inline constexpr std::string_view version = "0.1.0";

}  // namespace tcpfsm
