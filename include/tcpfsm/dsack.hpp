// SPDX-License-Identifier: MIT
// dsack.hpp: what the receiver says in its SACK blocks, duplicates included.
#pragma once

#include <tcpfsm/reassembly.hpp>
#include <tcpfsm/segment.hpp>
#include <tcpfsm/seq.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

// RFC 2018 section 4: the ranges that wait beyond a gap, newest first. RFC 2883 section 4: octets that came a second
// time go before them, once; a sender learns from it which of its retransmissions nobody needed. If they lie in a
// range that waits, that range comes second, so that the sender can tell the two meanings apart.

namespace tcpfsm {

/// The first stretch of `got` that had come before: what lies below `next`, or what lies in a waiting range. Empty
/// if all of it is new.
template <std::size_t Cap>
[[nodiscard]] constexpr sack_block first_duplicate(sack_block got, seq next, const reassembly<Cap>& held) noexcept {
    if (got.left < next) return {got.left, earlier(got.right, next)};
    sack_block first{got.right, got.right};
    for (std::size_t i = 0; i < held.size(); ++i) {
        const sack_block common{later(got.left, held[i].left), earlier(got.right, held[i].right)};
        if (common.left < common.right && common.left < first.left) first = common;
    }
    return first;
}

/// The duplicate that the next ACK tells of. One that comes before the last was told takes its place: an ACK tells
/// of what caused it.
class duplicate_debt {
public:
    /// [left, right) arrives, before it is taken; `next` is RCV.NXT.
    template <std::size_t Cap>
    constexpr void note(sack_block got, seq next, const reassembly<Cap>& held) noexcept {
        const sack_block again = first_duplicate(got, next, held);
        if (again.left != again.right) owed_ = again;
    }
    /// The block to tell, empty if there is none.
    [[nodiscard]] constexpr sack_block owed() const noexcept { return owed_; }
    /// It was told (RFC 2883 section 4: once).
    constexpr void told() noexcept { owed_ = {}; }
    friend constexpr bool operator==(const duplicate_debt&, const duplicate_debt&) noexcept = default;

private:
    sack_block owed_{};
};

/// Duplicates are not told.
struct no_duplicate_debt {
    template <std::size_t Cap>
    constexpr void note(sack_block, seq, const reassembly<Cap>&) noexcept {}
    [[nodiscard]] static constexpr sack_block owed() noexcept { return {}; }
    constexpr void told() noexcept {}
    friend constexpr bool operator==(const no_duplicate_debt&, const no_duplicate_debt&) noexcept = default;
};

/// Whether these policies ever agree to SACK. A program may make `sack` a variable of its own.
template <class P>
[[nodiscard]] constexpr bool may_sack() noexcept {
    if constexpr (requires { typename std::bool_constant<P::sack>; }) {
        return P::sack;
    } else {
        return true;
    }
}
/// Whether they ever tell of duplicates.
template <class P>
[[nodiscard]] constexpr bool tells_duplicates() noexcept {
    return may_sack<P>() && P::dsack;
}

/// Writes the blocks of an ACK of `next`, as many as there is room for. A range that begins at `next` is no news: it
/// came with a SYN and waits for the handshake.
template <std::size_t Cap>
constexpr void write_blocks(options& opt, std::size_t room, sack_block duplicate, seq next,
                            const reassembly<Cap>& held) noexcept {
    std::size_t n = 0;
    const auto put = [&](sack_block b) {
        if (n < room) opt.sack[n++] = b;
    };
    std::size_t around = Cap;  // the range that the duplicate lies in
    if (duplicate.left != duplicate.right) {
        put(duplicate);
        for (std::size_t i = 0; i < held.size(); ++i) {
            if (held[i].left <= duplicate.left && duplicate.right <= held[i].right) around = i;
        }
        if (around != Cap) put(held[around]);
    }
    for (std::size_t i = 0; i < held.size() && n < room; ++i) {
        if (i != around && next < held[i].left) put(held[i]);
    }
    opt.sack_count = static_cast<std::uint8_t>(n);
}

}  // namespace tcpfsm
