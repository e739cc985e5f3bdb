// SPDX-License-Identifier: MIT
// ladder.hpp: a story as lines of text: two columns, and arrows between them.
#pragma once

#include "story.hpp"
#include "terminal.hpp"

#include <string>
#include <vector>

namespace demo {

/// The whole story, with its title and what came of the expectations.
[[nodiscard]] std::string ladder(const story& told, const terminal& out);

/// How each flight is drawn: true for an arrow in one piece. An arrow is broken if something of the other
/// side, or a segment that overtakes it, happens while it is on its way.
[[nodiscard]] std::vector<bool> whole_arrows(const story& told);

/// "12.345": seconds since the beginning of the story, with milliseconds.
[[nodiscard]] std::string seconds(time_point t);

}  // namespace demo
