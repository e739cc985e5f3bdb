// SPDX-License-Identifier: MIT
// known.hpp: where the kernel does otherwise, and what decides.
#pragma once

#include <differential/trials.hpp>

#include <span>
#include <string_view>

namespace tcpfsm::differential {

/// A trial that came out in two ways.
struct difference {
    const trial& what;
    const outcome& kernel;
    const outcome& ours;
};

/// One way in which the kernel differs from us, wherever it shows.
struct rule {
    std::string_view name;
    std::string_view kernel;  ///< what the kernel does
    std::string_view ours;    ///< what we do
    std::string_view clause;  ///< what decides
    bool choice;              ///< RFC 9293 leaves it open, or contradicts itself
    bool (*explains)(const difference&);
};

/// The rules; the first that explains a difference counts.
[[nodiscard]] std::span<const rule> known();

/// True iff both came to the same.
[[nodiscard]] bool same(const outcome& a, const outcome& b);

}  // namespace tcpfsm::differential
