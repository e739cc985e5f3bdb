// SPDX-License-Identifier: MIT
// run.hpp: plays a script against a stack.
#pragma once

#include "../interface.hpp"
#include "syntax.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tcpfsm::drill {

/// The three ways in which a script can be played.
enum class family : std::uint8_t { ipv4, ipv6, mapped };
[[nodiscard]] std::string_view name(family f);
[[nodiscard]] std::optional<family> family_of(std::string_view name);

/// How a script is played, as far as it says nothing else itself.
struct settings {
    family over = family::ipv4;
    std::string so_flags{};                 ///< for the stack, before those of the script
    std::uint32_t peer_isn = 0;             ///< added to the sequence numbers of the script's side
    microseconds tolerance = 4000;          ///< of time
    double tolerance_percent = 12.5;        ///< of the time since the last event
    bool strict_segments = false;           ///< one line is one segment
    std::optional<microseconds> ts_tick{};  ///< TS val is compared, with so long a tick
    /// Fills in the stack.
    std::function<void(const char* flags, packetdrill_interface& stack)> begin =
        [](const char* flags, packetdrill_interface& stack) { packetdrill_interface_init(flags, &stack); };
};

/// How it went.
struct outcome {
    enum class kind : std::uint8_t { passed, failed, skipped };
    kind is = kind::passed;
    place at{};                        ///< of what went wrong
    std::string what{};                ///< why it failed, or was skipped
    std::vector<std::string> trace{};  ///< what happened, with times
    microseconds lasted = 0;           ///< on the clock of the stack
};

/// Plays the script that stands in `text`.
[[nodiscard]] outcome play(std::string_view text, const settings& how);

/// The report of a failure: where, what, the line with a caret, and what happened before.
[[nodiscard]] std::string report(std::string_view file, std::string_view text, const outcome& of);

}  // namespace tcpfsm::drill
