// SPDX-License-Identifier: MIT
// arrival.hpp: what the caller is told about a segment that it gave.
#pragma once

#include <tcpfsm/event.hpp>
#include <tcpfsm/state.hpp>

#include <cstdint>

namespace tcpfsm {

/// What the caller has to do with the octets of a segment, and what the segment was judged to be.
struct arrival {
    state in = state::closed;      ///< the state in which the last judgement was made
    event why = event::rcv_stray;  ///< the last judgement: what the segment turned out to be
    bool dropped = false;          ///< true iff nothing of the segment counted
    std::uint8_t judgements = 0;   ///< how many judgements were made: one for each row taken, at most five
    bool push = false;             ///< the text taken was pushed (MAY-17)
    std::uint32_t acked = 0;       ///< so many octets at the front of the send buffer are acknowledged: free them
    std::uint32_t skip = 0;        ///< of the segment's text, leave out so many octets,
    std::uint32_t text = 0;        ///< then store so many
    std::uint32_t at = 0;          ///< so far beyond the end of the text in order, before the call
    std::uint32_t in_order = 0;    ///< then so many octets more are in order, and may be read
    friend constexpr bool operator==(const arrival&, const arrival&) noexcept = default;
};

}  // namespace tcpfsm
