// SPDX-License-Identifier: MIT
// symbols.hpp: the system's names for numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tcpfsm::drill {

/// What a name such as SOCK_STREAM or ECONNRESET stands for.
[[nodiscard]] std::optional<std::int64_t> number_of(std::string_view name);
/// The name of an error: "EAGAIN", or its number if it has none here.
[[nodiscard]] std::string error_name(int error);
/// What code in scripts compares fields of TCP_INFO with: the kernel's states, and states of recovery.
[[nodiscard]] std::optional<std::int64_t> info_number_of(std::string_view name);

}  // namespace tcpfsm::drill
