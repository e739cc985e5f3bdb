// SPDX-License-Identifier: MIT
// recovery/scoreboard.hpp: what was sent and is not yet acknowledged, and what became of it.
#pragma once

#include <tcpfsm/seq.hpp>
#include <tcpfsm/time.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

// RFC 2018 section 5, RFC 6675 section 3 and RFC 8985 section 5.2 want to know of each segment when it was sent, and
// whether it was selectively acknowledged, found lost, or sent again. Segments that share all this share a range, so a
// few ranges tell of many segments. What cannot be remembered is forgotten to the safe side: it is sent once too often.

namespace tcpfsm {

/// A time as transmission records hold it: microseconds, modulo 2^32. Differences of up to half an hour have a sign.
using microseconds32 = std::uint32_t;
[[nodiscard]] constexpr microseconds32 to_microseconds32(time_point t) noexcept {
    return static_cast<microseconds32>(t.time_since_epoch().count());
}

/// Octets that were sent at one time and met one fate. A range begins where the one before it ends.
template <class Stamp>
struct sent_range {
    seq end{};                    ///< one beyond its last number
    microseconds32 sent = 0;      ///< when the last of it was last sent
    bool sacked : 1 = false;      ///< selectively acknowledged
    bool lost : 1 = false;        ///< found lost, and not sent again since
    bool again : 1 = false;       ///< sent more than once
    std::uint32_t blur : 28 = 0;  ///< so much earlier some of it may have been sent
    [[no_unique_address]] Stamp stamp{};
    friend constexpr bool operator==(const sent_range&, const sent_range&) noexcept = default;

    /// Neither arrived nor lost, as far as is known.
    [[nodiscard]] constexpr bool in_flight() const noexcept { return !sacked && !lost; }
    /// No round trip can be read from it.
    [[nodiscard]] constexpr bool blurred() const noexcept { return blur != 0; }
    /// When the first of it was last sent.
    [[nodiscard]] constexpr microseconds32 first_sent() const noexcept { return sent - blur; }
    /// How long it would take to send both, and what is then remembered.
    [[nodiscard]] constexpr std::uint32_t span(const sent_range& o) const noexcept {
        return later_time(sent, o.sent) - earlier_time(first_sent(), o.first_sent());
    }
    constexpr void share_time(const sent_range& o) noexcept {
        const std::uint32_t both = span(o);
        if (later_time(sent, o.sent) != sent) sent = o.sent, stamp = o.stamp;
        blur = std::min(both, 0xfff'ffffU) & 0xfff'ffffU;
    }
    [[nodiscard]] constexpr bool alike(const sent_range& o) const noexcept {
        return sacked == o.sacked && lost == o.lost && again == o.again;
    }

private:
    static constexpr microseconds32 later_time(microseconds32 a, microseconds32 b) noexcept {
        return a - b < 0x8000'0000U ? a : b;
    }
    static constexpr microseconds32 earlier_time(microseconds32 a, microseconds32 b) noexcept {
        return a - b < 0x8000'0000U ? b : a;
    }
};

/// Nothing more than that (see rate.hpp for a stamp that says more).
struct no_stamp {
    friend constexpr bool operator==(const no_stamp&, const no_stamp&) noexcept = default;
};

/// [SND.UNA, SND.NXT) in at most `N` ranges.
template <std::size_t N, class Stamp = no_stamp>
class scoreboard {
    static_assert(N >= 8 && N <= 1U << 15U && (N & (N - 1)) == 0, "a power of two, and room for some holes");

public:
    using range = sent_range<Stamp>;
    /// [left, right)
    struct stretch {
        seq left{};
        seq right{};
        friend constexpr bool operator==(const stretch&, const stretch&) noexcept = default;
    };

    /// Begins anew with what is outstanding, and has been for up to `since` microseconds.
    constexpr void begin(seq una, seq nxt, microseconds32 now, std::uint32_t since = 0) noexcept {
        *this = {};
        begin_ = touched_ = una;
        if (una != nxt) push({.end = nxt, .sent = now, .blur = std::min(since, 0xfff'ffffU) & 0xfff'ffffU});
    }
    /// [from, end) is sent: new octets behind all others, or old ones again. New ones join the last range if that was
    /// sent at the same time, or, as ranges become scarce, if all of it was no more than `grain` before.
    constexpr void sent(seq from, seq end, microseconds32 now, std::uint32_t grain, const Stamp& stamp = {}) noexcept {
        if (from == end) return;
        make_room();
        if (from != this->end()) return resent({from, end}, now, stamp);
        if (count_ != 0) {
            range& last = at(count_ - 1U);
            const std::uint32_t apart = now - last.first_sent();
            if (last.in_flight() && !last.again && apart <= (count_ < N / 2 ? 0 : grain)) {
                last.end = end;
                last.share_time({.sent = now, .stamp = stamp});
                return;
            }
        }
        push({.end = end, .sent = now, .stamp = stamp});
    }
    /// Everything below `una` has arrived. `take(range, octets)` is told of what was not known to have.
    template <class F>
    constexpr void acknowledge(seq una, F&& take) noexcept {
        while (count_ != 0 && begin_ < una) {
            range& front = at(0);
            const seq upto = earlier(front.end, una);
            const std::uint32_t octets = upto - begin_;
            if (front.sacked) sacked_ -= octets;
            if (front.lost) lost_ -= octets;
            if (!front.sacked) {
                range part = front;
                part.end = upto;
                take(part, octets);
            }
            begin_ = upto;
            if (front.end == upto) pop();
        }
        begin_ = una;
        touched_ = later(touched_, una);
    }
    /// [left, right), which lies within what is outstanding, has arrived. `take` as above.
    template <class F>
    constexpr void sack(stretch block, F&& take) noexcept {
        make_room();
        touched_ = later(touched_, block.right);
        const std::size_t first = cut(block.left);
        const std::size_t last = cut(block.right);
        for (std::size_t i = first; i < last; ++i) {
            range& r = at(i);
            if (r.sacked) continue;
            const std::uint32_t octets = r.end - left_of(i);
            take(r, octets);
            if (r.lost) lost_ -= octets;
            sacked_ += octets;
            r.lost = false;
            r.sacked = true;
        }
        for (std::size_t i = last; i-- > first;) join(i);
        if (first != 0) join(first - 1);
    }
    /// Every range in flight for which `is_lost(range, where)` is lost. Answers how many octets that are. Beyond all
    /// that has arrived or was sent again, ranges lie in the order of their time: the first that `is_later` ends the
    /// search.
    template <class F, class G>
    constexpr std::uint32_t lose(F&& is_lost, G&& is_later) noexcept {
        std::uint32_t octets = 0;
        seq left = begin_;
        for (std::size_t i = 0; i < count_; ++i) {
            range& r = at(i);
            if (left >= touched_ && is_later(static_cast<const range&>(r))) break;
            if (r.in_flight() && is_lost(static_cast<const range&>(r), stretch{left, r.end})) {
                r.lost = true;
                octets += r.end - left;
            }
            left = r.end;
        }
        lost_ += octets;
        return octets;
    }
    template <class F>
    constexpr std::uint32_t lose(F&& is_lost) noexcept {
        return lose(is_lost, [](const range&) { return false; });
    }
    /// From here on a range ends at `where`, if that lies in one.
    constexpr void split(seq where) noexcept {
        make_room();
        cut(where);
    }
    /// What was thought lost and was not sent again is in flight after all.
    constexpr void unlose() noexcept {
        for (std::size_t i = 0; i < count_; ++i) at(i).lost = false;
        lost_ = 0;
    }
    /// The peer has thrown away what it had beyond a gap (RFC 2018 section 8).
    constexpr void forget_sacks() noexcept {
        for (std::size_t i = 0; i < count_; ++i) {
            at(i).again = at(i).again || at(i).sacked;  // when it was sent is not known any more
            at(i).sacked = false;
        }
        sacked_ = 0;
    }

    /// The first octets that are lost and wait to be sent again.
    [[nodiscard]] constexpr std::optional<stretch> first_lost() const noexcept {
        if (lost_ == 0) return std::nullopt;
        seq left = begin_;
        std::size_t i = 0;
        for (; !at(i).lost; ++i) left = at(i).end;
        seq right = at(i).end;
        for (++i; i < count_ && at(i).lost; ++i) right = at(i).end;
        return stretch{left, right};
    }
    /// What may be lost although nothing says so: octets that were sent once and lie below some that have arrived; or,
    /// if nothing has, and the first were sent once, the last `most`.
    [[nodiscard]] constexpr std::optional<stretch> doubtful(std::uint32_t most) const noexcept {
        std::optional<stretch> first;
        seq left = begin_;
        for (std::size_t i = 0; i < count_; left = at(i++).end) {
            if (at(i).sacked && first) return first;
            if (!first && at(i).in_flight() && !at(i).again) first = stretch{left, at(i).end};
        }
        if (!first || first->left != begin_ || at(count_ - 1U).again) return std::nullopt;
        return stretch{later(left_of(count_ - 1U), end() - most), end()};
    }
    /// Octets that were selectively acknowledged.
    [[nodiscard]] constexpr std::uint32_t sacked() const noexcept { return sacked_; }
    /// Octets that are lost and were not sent again.
    [[nodiscard]] constexpr std::uint32_t lost() const noexcept { return lost_; }
    /// Octets in flight, as far as is known: RFC 6675's pipe.
    [[nodiscard]] constexpr std::uint32_t pipe() const noexcept { return end() - begin_ - sacked_ - lost_; }
    /// Something has arrived, or was lost, that is not remembered as such; until `remember_all`.
    [[nodiscard]] constexpr bool forgot() const noexcept { return forgot_; }
    constexpr void remember_all() noexcept { forgot_ = false; }
    [[nodiscard]] constexpr bool empty() const noexcept { return count_ == 0; }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return count_; }
    [[nodiscard]] constexpr const range& operator[](std::size_t i) const noexcept { return at(i); }
    /// Where the first range begins, and the last one ends.
    [[nodiscard]] constexpr seq begin() const noexcept { return begin_; }
    [[nodiscard]] constexpr seq end() const noexcept { return count_ == 0 ? begin_ : at(count_ - 1U).end; }

    friend constexpr bool operator==(const scoreboard& a, const scoreboard& b) noexcept {
        if (a.count_ != b.count_ || a.begin_ != b.begin_) return false;
        for (std::size_t i = 0; i < a.count_; ++i) {
            if (!(a.at(i) == b.at(i))) return false;
        }
        return true;
    }

private:
    [[nodiscard]] constexpr range& at(std::size_t i) noexcept { return ring_[(first_ + i) % N]; }
    [[nodiscard]] constexpr const range& at(std::size_t i) const noexcept { return ring_[(first_ + i) % N]; }
    [[nodiscard]] constexpr seq left_of(std::size_t i) const noexcept { return i == 0 ? begin_ : at(i - 1).end; }
    constexpr void push(const range& r) noexcept { at(count_++) = r; }
    constexpr void pop() noexcept {
        first_ = static_cast<std::uint16_t>((first_ + 1U) % N);
        --count_;
    }
    /// The index of the range that begins at `where`, after cutting one in two if need be. There is room.
    constexpr std::size_t cut(seq where) noexcept {
        std::size_t i = 0;
        for (std::size_t beyond = count_; i < beyond;) {
            const std::size_t middle = (i + beyond) / 2;
            if (at(middle).end <= where) {
                i = middle + 1;
            } else {
                beyond = middle;
            }
        }
        if (i == count_ || left_of(i) == where) return i;
        if (i < count_ / 2U) {  // the shorter side moves
            first_ = static_cast<std::uint16_t>((first_ + N - 1) % N);
            ++count_;
            for (std::size_t k = 0; k <= i; ++k) at(k) = at(k + 1);
        } else {
            for (std::size_t k = count_++; k > i; --k) at(k) = at(k - 1);
        }
        at(i).end = where;
        return i + 1;
    }
    constexpr void erase(std::size_t i) noexcept {
        if (i >= count_ / 2U) {
            for (std::size_t k = i + 1; k < count_; ++k) at(k - 1) = at(k);
            --count_;
        } else {
            for (std::size_t k = i; k > 0; --k) at(k) = at(k - 1);
            pop();
        }
    }
    /// Joins range `i` with the next one if both have arrived: when they were sent no longer matters.
    constexpr void join(std::size_t i) noexcept {
        if (i + 1 < count_ && at(i).sacked && at(i + 1).sacked) erase_keeping_end(i);
    }
    constexpr void erase_keeping_end(std::size_t i) noexcept {
        at(i).end = at(i + 1).end;
        erase(i + 1);
    }
    constexpr void resent(stretch what, microseconds32 now, const Stamp& stamp) noexcept {
        touched_ = later(touched_, what.right);
        const std::size_t first = cut(what.left);
        const std::size_t last = cut(what.right);
        if (first == last) return;
        for (std::size_t i = first; i < last; ++i) {
            if (at(i).lost) lost_ -= at(i).end - left_of(i);
            if (at(i).sacked) sacked_ -= at(i).end - left_of(i);
        }
        at(first) = {.end = what.right, .sent = now, .again = true, .stamp = stamp};
        for (std::size_t i = last; i-- > first + 1;) erase(i);
    }
    /// Leaves room for two cuts. First by taking together what differs in its time alone: the pair that was sent with
    /// the least time between, as if any of it might have been sent first or last. Then by forgetting.
    constexpr void make_room() noexcept {
        while (count_ + 2U > N) {
            if (!take_together()) forget_one();
        }
    }
    constexpr bool take_together() noexcept {
        std::size_t best = N;
        std::uint32_t least = 0;
        for (std::size_t i = 0; i + 1 < count_; ++i) {
            if (!at(i).alike(at(i + 1))) continue;
            const std::uint32_t apart = at(i).span(at(i + 1));
            if (best == N || apart < least) best = i, least = apart;
        }
        if (best == N) return false;
        at(best).share_time(at(best + 1));
        erase_keeping_end(best);
        return true;
    }
    /// The smallest range joins the one before it, whatever that is. It does so as a lost one only if it was lost, and
    /// as one that has arrived only if it had.
    constexpr void forget_one() noexcept {
        forgot_ = true;
        std::size_t best = 1;
        for (std::size_t i = 2; i < count_; ++i) {
            if (at(i).end - left_of(i) < at(best).end - left_of(best)) best = i;
        }
        range& a = at(best - 1);
        const range& b = at(best);
        const std::uint32_t first = a.end - left_of(best - 1);
        const std::uint32_t second = b.end - a.end;
        if (a.sacked) sacked_ -= first;
        if (b.sacked) sacked_ -= second;
        if (a.lost) lost_ -= first;
        if (b.lost) lost_ -= second;
        // What is left of both: in flight, or lost if neither is in flight.
        const bool lost = (a.lost || b.lost) && !a.in_flight() && !b.in_flight();
        a.sacked = false;
        a.lost = lost;
        a.again = true;
        a.share_time(b);
        if (lost) lost_ += first + second;
        touched_ = later(touched_, b.end);
        erase_keeping_end(best - 1);
    }

    std::array<range, N> ring_{};
    seq begin_{};
    seq touched_{};  // nothing beyond has arrived or was sent again
    std::uint32_t sacked_ = 0;
    std::uint32_t lost_ = 0;
    std::uint16_t first_ = 0;
    std::uint16_t count_ = 0;
    bool forgot_ = false;
};

}  // namespace tcpfsm
