// SPDX-License-Identifier: MIT
// exchanges.hpp: the lessons.
#pragma once

#include "play.hpp"

#include <span>
#include <string_view>

namespace demo {

/// One lesson: what it shows, and the script.
struct exchange {
    std::string_view name;
    std::string_view title;
    std::string_view cites;
    std::string_view lesson;
    void (*act)(play&);
    any_connection connection{};  ///< both ends are one of these
    bool relative = false;
};

/// All of them, in an order to read.
[[nodiscard]] std::span<const exchange> exchanges();
/// Plays one, between two hosts that no other has.
[[nodiscard]] story perform(const exchange& what, const four_tuple& between);

}  // namespace demo
