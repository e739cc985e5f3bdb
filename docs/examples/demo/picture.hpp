// SPDX-License-Identifier: MIT
// picture.hpp: stories as a picture.
#pragma once

#include "story.hpp"

#include <span>
#include <string>

namespace demo {

/// An SVG file with the stories below each other: two time lines, coloured by state, slanted arrows between
/// them, and the rows taken beside them.
[[nodiscard]] std::string picture(std::span<const story> stories);

}  // namespace demo
