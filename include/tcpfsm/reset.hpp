// SPDX-License-Identifier: MIT
// reset.hpp: the resets of RFC 9293 section 3.5.2.
#pragma once

#include <tcpfsm/segment.hpp>
#include <tcpfsm/seq.hpp>

#include <cstdint>

namespace tcpfsm {

/// The reset for a segment that matches nothing: 3.10.7.1 and 3.5.2 group 1, without any connection. The
/// segment must not be a reset itself.
[[nodiscard]] constexpr segment reset_for(const segment& seg) noexcept {
    segment out;
    if (seg.has(ctl::ack)) {
        out.seq = seg.ack;
        out.ctl = ctl::rst;
    } else {
        out.ack = seg.seq + seg.len();
        out.ctl = ctl::rst | ctl::ack;
    }
    // RFC 7323 3.2: a reset in reply to a segment with timestamps echoes them, and its own TSval is zero.
    out.options.has_timestamps = seg.options.has_timestamps;
    out.options.ts_ecr = seg.options.ts_val;
    return out;
}

/// A reset that is owed (3.5.2). It outlives the TCB.
struct reset_debt {
    tcpfsm::seq seq{}, ack{};
    std::uint32_t ts_val = 0;
    std::uint32_t ts_ecr = 0;
    control ctl{};  ///< none: no reset is owed
    bool stamped = false;
    friend constexpr bool operator==(const reset_debt&, const reset_debt&) noexcept = default;
};

/// The reset that is owed, as a segment.
[[nodiscard]] constexpr segment as_segment(const reset_debt& r) noexcept {
    segment seg{.seq = r.seq, .ack = r.ack, .ctl = r.ctl};
    seg.options.has_timestamps = r.stamped;
    seg.options.ts_val = r.ts_val;
    seg.options.ts_ecr = r.ts_ecr;
    return seg;
}

}  // namespace tcpfsm
