// SPDX-License-Identifier: MIT
// terminal.hpp: colours, where somebody sees them.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace demo {

/// What stdout is.
struct terminal {
    bool colours = false;  ///< paint
    bool live = false;     ///< a line may be written over

    /// The text in a colour of the terminal (SGR code), or as it is.
    [[nodiscard]] std::string paint(std::string_view code, std::string_view text) const {
        if (!colours || text.empty()) return std::string{text};
        return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
    }
    [[nodiscard]] std::string bold(std::string_view text) const { return paint("1", text); }
    [[nodiscard]] std::string dim(std::string_view text) const { return paint("2", text); }
    [[nodiscard]] std::string good(std::string_view text) const { return paint("32", text); }
    [[nodiscard]] std::string bad(std::string_view text) const { return paint("1;31", text); }
    [[nodiscard]] std::string warm(std::string_view text) const { return paint("33", text); }
};

}  // namespace demo
