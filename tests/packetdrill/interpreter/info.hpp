// SPDX-License-Identifier: MIT
// info.hpp: the fields of TCP_INFO by name.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace tcpfsm::drill {

/// Octets of TCP_INFO that are asked for.
inline constexpr std::size_t info_size = 280;
/// A field such as tcpi_state of what getsockopt(TCP_INFO) answered; nothing if there is none of this name.
[[nodiscard]] std::optional<std::int64_t> info_field(std::span<const std::uint8_t> info, std::string_view name);

}  // namespace tcpfsm::drill
