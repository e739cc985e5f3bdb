// SPDX-License-Identifier: MIT
// options.hpp: the command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace demo {

/// What to do.
struct wishes {
    bool help = false;
    bool list = false;
    bool plain = false;
    std::vector<std::string> only;  ///< names of exchanges; none means all, and the transfer
    bool transfer = true;
    std::uint64_t seed = 9293;
    std::uint64_t mebibytes = 64;
    std::optional<std::string> pcap;
    std::optional<std::string> svg;

    [[nodiscard]] bool wants(std::string_view exchange) const;
};

/// Reads the command line; the second is a complaint, if it makes no sense.
struct reading {
    wishes wanted;
    std::string complaint;
};
[[nodiscard]] reading read_options(int count, const char* const* words);

/// The text of --help.
[[nodiscard]] std::string help();
/// The text of --list.
[[nodiscard]] std::string list();

}  // namespace demo
