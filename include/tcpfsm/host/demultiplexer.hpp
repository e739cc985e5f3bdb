// SPDX-License-Identifier: MIT
// demultiplexer.hpp: whose segment is it?
#pragma once

#include <tcpfsm/host/chain.hpp>
#include <tcpfsm/host/prefetch.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

// RFC 9293 section 3.1: a connection is found by all four of its numbers. Open addressing with linear probing in
// memory of the caller, which should be twice as large as the number of members; a member that goes leaves
// no tombstone. The hash must be keyed (isn.hpp), else a stranger could make all members meet.

namespace tcpfsm {

/// Memory for half a member.
struct demultiplexer_cell {
    std::uint32_t tag = 0;  ///< the upper half of the hash
    std::uint32_t who = nobody;
};

/// A table from hashes to members; several members may have one hash.
class demultiplexer {
public:
    constexpr demultiplexer() noexcept = default;
    /// An empty table. The memory belongs to this object as long as it lives.
    constexpr explicit demultiplexer(std::span<demultiplexer_cell> memory) noexcept : cells_{memory} {
        for (demultiplexer_cell& c : cells_) c = {};
    }

    /// The member with this hash for which `is_it(member)` holds, or `nobody`.
    template <class Predicate>
    [[nodiscard]] constexpr std::uint32_t find(std::uint64_t hash, Predicate is_it) const noexcept {
        if (cells_.empty()) return nobody;
        const std::uint32_t tag = tag_of(hash);
        for (std::size_t at = home(tag); cells_[at].who != nobody; at = next(at)) {
            if (cells_[at].tag == tag && is_it(cells_[at].who)) return cells_[at].who;
        }
        return nobody;
    }
    /// Somebody with this hash will be looked for soon.
    constexpr void expect(std::uint64_t hash) const noexcept {
        if (!cells_.empty()) prefetch(cells_[home(tag_of(hash))]);
    }
    /// Adds a member. False if the table is full: one cell always stays empty, so that a search ends.
    constexpr bool insert(std::uint64_t hash, std::uint32_t who) noexcept {
        if (count_ + 1 >= cells_.size()) return false;
        const std::uint32_t tag = tag_of(hash);
        std::size_t at = home(tag);
        while (cells_[at].who != nobody) at = next(at);
        cells_[at] = {tag, who};
        ++count_;
        return true;
    }
    /// Takes a member out. Does nothing if it is not there.
    constexpr void erase(std::uint64_t hash, std::uint32_t who) noexcept {
        if (cells_.empty()) return;
        std::size_t hole = home(tag_of(hash));
        while (cells_[hole].who != who) {
            if (cells_[hole].who == nobody) return;
            hole = next(hole);
        }
        --count_;
        // Whoever stands behind the hole and would be looked for at or before it moves up.
        for (std::size_t at = next(hole); cells_[at].who != nobody; at = next(at)) {
            if (distance(home(cells_[at].tag), at) < distance(hole, at)) continue;
            cells_[hole] = cells_[at];
            hole = at;
        }
        cells_[hole] = {};
    }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return count_; }

private:
    static constexpr std::uint32_t tag_of(std::uint64_t hash) noexcept {
        return static_cast<std::uint32_t>(hash >> 32U);
    }
    /// A place from 0 to the number of cells, by a multiplication instead of a division.
    [[nodiscard]] constexpr std::size_t home(std::uint32_t tag) const noexcept {
        return static_cast<std::size_t>(std::uint64_t{tag} * cells_.size() >> 32U);
    }
    [[nodiscard]] constexpr std::size_t next(std::size_t at) const noexcept {
        return at + 1 == cells_.size() ? 0 : at + 1;
    }
    [[nodiscard]] constexpr std::size_t distance(std::size_t from, std::size_t to) const noexcept {
        return to >= from ? to - from : to + cells_.size() - from;
    }

    std::span<demultiplexer_cell> cells_{};
    std::size_t count_ = 0;
};

}  // namespace tcpfsm
