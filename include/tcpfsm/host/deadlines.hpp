// SPDX-License-Identifier: MIT
// deadlines.hpp: who is to be looked at when: a timing wheel.
#pragma once

#include <tcpfsm/host/chain.hpp>
#include <tcpfsm/host/prefetch.hpp>
#include <tcpfsm/time.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

// A hierarchical timing wheel in memory of the caller. A deadline lies in the bucket of the highest digit (of six
// bits) in which it differs from the time that the wheel has reached, so adding and removing take a few steps, however
// many there are; a member moves to a finer bucket at most once a digit. A bucket knows the earliest deadline that came
// into it, so a wheel with few members wakes nobody early; after a removal that may be earlier than needed, once.
//
// Deadlines are armed, not set: a member is looked at no later than armed. A deadline that moves on, as those of TCP do
// with every segment, is left where it is; who takes the member out looks up the real one, and arms it anew.

namespace tcpfsm {

/// Memory for one member.
struct deadline_cell {
    time_point when = never;  ///< when it is to be looked at
    std::uint32_t before = nobody;
    std::uint32_t behind = nobody;
};
static_assert(sizeof(deadline_cell) == 16);

/// The deadlines of members 0 to size of the memory less one.
class deadlines {
public:
    constexpr deadlines() noexcept { begin(); }
    /// Nobody has a deadline yet. The memory belongs to this object as long as it lives.
    constexpr explicit deadlines(std::span<deadline_cell> memory) noexcept : cells_{memory} {
        for (deadline_cell& c : cells_) c = {};
        begin();
    }

    /// No deadline is earlier than this, and unless some were removed or moved on, one is just this; `never` if there
    /// is none.
    [[nodiscard]] constexpr time_point first() const noexcept {
        const std::uint32_t b = first_bucket();
        const time_point other = b == nobody ? never : buckets_[b].when;
        return is_empty(due) ? other : std::min(buckets_[due].when, other);
    }
    /// `member` is looked at when this time has come, or before, if it was armed for earlier. `never` changes nothing.
    constexpr void arm(std::uint32_t member, time_point when) noexcept {
        deadline_cell& c = cells_[member];
        if (when >= c.when) return;
        if (c.when != never) unlink(member);
        c.when = when;
        place(member);
    }
    /// `member` will be armed soon.
    constexpr void expect(std::uint32_t member) const noexcept { prefetch(cells_[member]); }
    /// `member` has no deadline any more.
    constexpr void disarm(std::uint32_t member) noexcept {
        if (cells_[member].when == never) return;
        unlink(member);
        cells_[member] = {};
    }
    /// Takes out a member whose time has come; `nobody` if there is none, or if the `steps` are used up: each member
    /// that is looked at is one. If some were left over, `first()` says so.
    constexpr std::uint32_t take(time_point now, unsigned& steps) noexcept {
        for (;;) {
            if (is_empty(due) && !open_bucket(now)) return nobody;
            if (steps == 0) return nobody;
            --steps;
            const std::uint32_t member = head(due).behind;
            unlink(member);
            if (cells_[member].when <= now) {
                cells_[member] = {};
                return member;
            }
            place(member);
        }
    }

private:
    static constexpr unsigned digit = 6;
    static constexpr unsigned levels = 7;  // 50 days; what lies beyond shares one bucket
    static constexpr std::uint32_t beyond = levels << digit;
    static constexpr std::uint32_t due = beyond + 1;  // a bucket that is being emptied

    constexpr void begin() noexcept {
        for (std::uint32_t b = 0; b <= due; ++b) close(b);
    }
    /// A bucket is a ring through the cells of its members and one of its own, which is numbered behind them.
    [[nodiscard]] constexpr std::uint32_t ring(std::uint32_t bucket) const noexcept {
        return static_cast<std::uint32_t>(cells_.size()) + bucket;
    }
    [[nodiscard]] constexpr deadline_cell& at(std::uint32_t place) noexcept {
        return place < cells_.size() ? cells_[place] : buckets_[place - cells_.size()];
    }
    [[nodiscard]] constexpr deadline_cell& head(std::uint32_t bucket) noexcept { return buckets_[bucket]; }
    [[nodiscard]] constexpr bool is_empty(std::uint32_t bucket) const noexcept {
        return buckets_[bucket].behind == ring(bucket);
    }
    constexpr void close(std::uint32_t bucket) noexcept { buckets_[bucket] = {never, ring(bucket), ring(bucket)}; }

    /// The bucket for a time, seen from the time that was reached.
    [[nodiscard]] constexpr std::uint32_t bucket_of(time_point when) const noexcept {
        const auto there = static_cast<std::uint64_t>(std::max(when, reached_).time_since_epoch().count());
        const auto here = static_cast<std::uint64_t>(reached_.time_since_epoch().count());
        const auto level = (static_cast<unsigned>(std::bit_width((there ^ here) | 1U)) - 1U) / digit;
        if (level >= levels) return beyond;
        return level << digit | static_cast<std::uint32_t>(there >> level * digit & 63U);
    }
    constexpr void place(std::uint32_t member) noexcept {
        const std::uint32_t b = bucket_of(cells_[member].when);
        deadline_cell& h = head(b);
        h.when = std::min(h.when, cells_[member].when);
        cells_[member].before = h.before;
        cells_[member].behind = ring(b);
        at(h.before).behind = member;
        h.before = member;
        if (b < beyond) {
            filled_[b >> digit] |= std::uint64_t{1} << (b & 63U);
            filled_levels_ |= 1U << (b >> digit);
        }
    }
    constexpr void unlink(std::uint32_t member) noexcept {
        const deadline_cell c = cells_[member];
        at(c.before).behind = c.behind;
        at(c.behind).before = c.before;
        if (c.before == c.behind) note_empty(static_cast<std::uint32_t>(c.before - cells_.size()));
    }
    /// Only the last member of a bucket has the bucket on both sides.
    constexpr void note_empty(std::uint32_t bucket) noexcept {
        close(bucket);
        if (bucket >= beyond) return;
        std::uint64_t& level = filled_[bucket >> digit];
        level &= ~(std::uint64_t{1} << (bucket & 63U));
        if (level == 0) filled_levels_ &= ~(1U << (bucket >> digit));
    }
    /// Whatever lies on a finer level is earlier, since it shares more digits with the time that was reached.
    [[nodiscard]] constexpr std::uint32_t first_bucket() const noexcept {
        if (filled_levels_ == 0) return is_empty(beyond) ? nobody : beyond;
        const auto level = static_cast<unsigned>(std::countr_zero(filled_levels_));
        return level << digit | static_cast<std::uint32_t>(std::countr_zero(filled_[level]));
    }
    /// The members of the first bucket are to be looked at, if its time has come.
    constexpr bool open_bucket(time_point now) noexcept {
        const std::uint32_t b = first_bucket();
        if (b == nobody) {
            if (now != never) reached_ = std::max(reached_, now);
            return false;
        }
        const deadline_cell h = head(b);
        if (h.when > now) return false;
        reached_ = std::max(reached_, h.when);
        buckets_[due] = h;
        at(h.before).behind = at(h.behind).before = ring(due);
        note_empty(b);
        return true;
    }

    std::span<deadline_cell> cells_{};
    std::array<deadline_cell, due + 1> buckets_{};
    std::array<std::uint64_t, levels> filled_{};
    std::uint32_t filled_levels_ = 0;
    time_point reached_{};
};

}  // namespace tcpfsm
