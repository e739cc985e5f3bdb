// SPDX-License-Identifier: MIT
// invariants.hpp: what holds of loss recovery between any two calls.
#pragma once

#include <cstddef>
#include <type_traits>

namespace tcpfsm::test {

/// Fails the script of this subject if something does not.
template <class Side>
constexpr void recovery_holds(const Side& side) {
    const auto& t = side.numbers();
    using tcb_type = std::remove_cvref_t<decltype(t)>;
    if (!t.snd.synced) return;
    if (t.window() == 0) side.fail("the window is zero");
    if (t.in_flight() > t.snd.flight()) side.fail("more is in flight than was sent");
    if constexpr (tcb_type::remembers) {
        if (!t.selective()) return;
        const auto& board = t.sent.board;
        if (board.begin() != t.snd.una || board.end() != t.snd.nxt) side.fail("the scoreboard lies elsewhere");
        if (board.sacked() + board.lost() + board.pipe() != t.snd.flight()) side.fail("the sums are wrong");
        if (!board.empty() && board[0].sacked) side.fail("what is missing first has arrived");
    }
}

}  // namespace tcpfsm::test
