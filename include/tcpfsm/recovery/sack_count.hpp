// SPDX-License-Identifier: MIT
// recovery/sack_count.hpp: loss told by how much has arrived beyond it.
#pragma once

#include <tcpfsm/recovery/scoreboard.hpp>

#include <cstddef>
#include <cstdint>

// RFC 6675 section 4, IsLost(): three blocks, or more than two segments' octets, were selectively acknowledged beyond.
// (Step (1) of section 5, three duplicate ACKs, is in selective.hpp, rules 3 and 4 of NextSeg in emit.hpp.)
// It needs no clock, and cannot tell that what was sent again is lost again: that is left to the timeout.

namespace tcpfsm {

/// Gives `lose(is_lost)` the test of what RFC 6675 takes for lost, of what was sent once. Answers what that answers:
/// how many octets are lost.
template <class Board, class Lose>
constexpr std::uint32_t lose_by_count(const Board& board, std::uint32_t smss, Lose&& lose) noexcept {
    constexpr std::uint32_t dup_thresh = 3;
    std::uint32_t blocks = 0;
    for (std::size_t i = 0; i < board.size(); ++i) blocks += board[i].sacked ? 1U : 0U;
    std::uint32_t octets = board.sacked();
    if (blocks < dup_thresh && octets <= (dup_thresh - 1) * smss) return 0;
    // Seen from the left, what lies beyond becomes less with each block that was passed.
    std::size_t next = 0;
    seq left = board.begin();
    return lose([&](const auto& r, const auto& where) {
        for (; next < board.size() && board[next].end < where.right; ++next) {
            if (board[next].sacked) --blocks, octets -= board[next].end - left;
            left = board[next].end;
        }
        return !r.again && (blocks >= dup_thresh || octets > (dup_thresh - 1) * smss);
    });
}

}  // namespace tcpfsm
