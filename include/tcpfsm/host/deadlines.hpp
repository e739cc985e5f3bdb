// SPDX-License-Identifier: MIT
// deadlines.hpp: the earliest of many deadlines.
#pragma once

#include <tcpfsm/time.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

// A binary heap in memory of the caller: the first deadline in one step, a change in O(log n). Each member
// has at most one deadline and knows its place in the heap, so it can move without a search.

namespace tcpfsm {

/// Memory for one member.
struct deadline_cell {
    time_point when = never;  ///< the heap: a deadline, and
    std::uint32_t who = 0;    ///< whose it is
    std::uint32_t place = 0;  ///< of the member with the number of this cell: one beyond its place, 0 if it has none
};

/// The deadlines of members 0 to size of the memory less one.
class deadlines {
public:
    constexpr deadlines() noexcept = default;
    /// Nobody has a deadline yet. The memory belongs to this object as long as it lives.
    constexpr explicit deadlines(std::span<deadline_cell> memory) noexcept : cells_{memory} {
        for (deadline_cell& c : cells_) c = {};
    }

    /// The earliest deadline, `never` if there is none.
    [[nodiscard]] constexpr time_point first() const noexcept { return count_ == 0 ? never : cells_[0].when; }
    /// Whose it is; right only if there is one.
    [[nodiscard]] constexpr std::uint32_t first_member() const noexcept { return cells_[0].who; }

    /// The deadline of `member` is now `when`; `never` takes it away.
    constexpr void set(std::uint32_t member, time_point when) noexcept {
        const std::uint32_t place = cells_[member].place;
        if (place == 0) {
            if (when == never) return;
            put(count_++, when, member);
            rise(count_ - 1);
        } else if (when == never) {
            remove(place - 1);
        } else if (when != cells_[place - 1].when) {
            cells_[place - 1].when = when;
            settle(place - 1);
        }
    }

private:
    constexpr void put(std::uint32_t at, time_point when, std::uint32_t who) noexcept {
        cells_[at].when = when;
        cells_[at].who = who;
        cells_[who].place = at + 1;
    }
    constexpr void exchange(std::uint32_t a, std::uint32_t b) noexcept {
        const deadline_cell old = cells_[a];
        put(a, cells_[b].when, cells_[b].who);
        put(b, old.when, old.who);
    }
    constexpr void remove(std::uint32_t at) noexcept {
        cells_[cells_[at].who].place = 0;
        if (at == --count_) return;
        put(at, cells_[count_].when, cells_[count_].who);
        settle(at);
    }
    constexpr void settle(std::uint32_t at) noexcept {
        rise(at);
        sink(at);
    }
    constexpr void rise(std::uint32_t at) noexcept {
        for (; at != 0 && cells_[at].when < cells_[(at - 1) / 2].when; at = (at - 1) / 2) exchange(at, (at - 1) / 2);
    }
    constexpr void sink(std::uint32_t at) noexcept {
        for (;;) {
            std::uint32_t least = at;
            for (const std::uint32_t below : {2 * at + 1, 2 * at + 2}) {
                if (below < count_ && cells_[below].when < cells_[least].when) least = below;
            }
            if (least == at) return;
            exchange(at, least);
            at = least;
        }
    }

    std::span<deadline_cell> cells_{};
    std::uint32_t count_ = 0;
};

}  // namespace tcpfsm
