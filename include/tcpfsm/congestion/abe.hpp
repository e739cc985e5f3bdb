// SPDX-License-Identifier: MIT
// congestion/abe.hpp: a mark is answered with less than a loss.
#pragma once

#include <tcpfsm/congestion/concept.hpp>
#include <tcpfsm/congestion/cubic.hpp>
#include <tcpfsm/congestion/new_reno.hpp>

#include <cstdint>

// RFC 8511, "alternative backoff with ECN": a queue that marks is a short one, so who halves at a mark leaves the link
// idle. Four fifths of the flight are left by Reno, and 0.85 of it by CUBIC. A loss is answered as ever.

namespace tcpfsm {

/// A control of Reno's family (it has `beta_ecn`), with RFC 8511 for marks.
template <congestion_control Control>
class abe : public Control {
public:
    constexpr void marked(const path& p) noexcept { Control::marked(p, Control::beta_ecn.of(p.flight)); }
    friend constexpr bool operator==(const abe&, const abe&) noexcept = default;
};

static_assert(congestion_control<abe<new_reno>> && congestion_control<abe<cubic>>);
static_assert(sizeof(abe<new_reno>) == sizeof(new_reno) && sizeof(abe<cubic>) == sizeof(cubic));

}  // namespace tcpfsm
