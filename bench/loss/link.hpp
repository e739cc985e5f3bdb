// SPDX-License-Identifier: MIT
// link.hpp: one direction of a link, in a time that the caller gives: rate, delay, queue, and all that goes wrong.
#pragma once

#include "codel.hpp"
#include "dice.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

// A packet waits in the queue, is put on the wire at the rate of the link, and then, on the wire, may be lost, late
// or doubled: what is lost has used the link. The same packets at the same times with the same seed have the same
// fate. Time may be virtual or real; it must not run backwards.

namespace bench {

/// The ECN field of an IP header (RFC 3168 section 5).
enum class codepoint : std::uint8_t { not_ect = 0, ect_1 = 1, ect_0 = 2, ce = 3 };

enum class discipline : std::uint8_t { drop_tail, codel };

struct link_settings {
    std::uint64_t rate = 100'000'000;  ///< bits in a second; 0: as fast as you like
    nanos delay{};                     ///< from the end of the wire's beginning to its end
    std::uint64_t queue = 256 * 1024;  ///< octets that may wait, whatever the discipline
    discipline keeps = discipline::drop_tail;
    codel_settings codel{};
    std::uint64_t mark_above = ~std::uint64_t{0};  ///< CE for packets with ECT that find more octets waiting
    ppm loss = 0;
    burst_settings burst{};
    ppm late = 0;  ///< share that comes late, and may be overtaken
    nanos late_by{};
    nanos jitter{};  ///< each packet comes up to so much later, in order
    ppm twice = 0;   ///< share that comes twice
    std::uint64_t seed = 1;
};

/// What became of the packets.
struct link_counts {
    std::uint64_t offered = 0, overflowed = 0, dropped = 0, marked = 0, lost = 0, late = 0, twice = 0, carried = 0;
};

/// Something on its way.
template <class Payload>
struct parcel {
    Payload what{};
    std::uint32_t size = 0;  ///< octets on the wire
    codepoint ecn = codepoint::not_ect;
    nanos entered{};  ///< when it came to the queue
    nanos due{};      ///< when it arrives at the other end
};

template <class Payload>
class link {
public:
    using parcel_type = parcel<Payload>;
    static constexpr nanos never = nanos::max();

    explicit link(const link_settings& s) : settings_{s}, dice_{s.seed}, bursts_{s.burst}, codel_{s.codel} {}

    /// Gives the link a packet; false if the queue was full.
    bool offer(Payload what, std::uint32_t size, codepoint ecn, nanos now) {
        run(now);
        ++counts_.offered;
        parcel_type p{std::move(what), size, ecn, now, {}};
        if (!busy_) {
            busy_until_ = now;
            begin(std::move(p));
            return true;
        }
        if (waiting_octets_ + size > settings_.queue) {
            ++counts_.overflowed;
            return false;
        }
        if (waiting_octets_ > settings_.mark_above) (void)mark(p);
        waiting_octets_ += size;
        waiting_.push_back(std::move(p));
        return true;
    }
    /// The next packet that has arrived by now.
    std::optional<parcel_type> arrive(nanos now) {
        run(now);
        const nanos in_order = on_way_.empty() ? never : on_way_.front().due;
        const nanos out_of_order = late_.empty() ? never : late_.top().due;
        if (std::min(in_order, out_of_order) > now) return std::nullopt;
        if (in_order <= out_of_order) {
            std::optional<parcel_type> first{std::move(on_way_.front())};
            on_way_.pop_front();
            return first;
        }
        std::optional<parcel_type> first{late_.top()};
        late_.pop();
        return first;
    }
    /// When `arrive` should be called next: then or later a packet arrives, never before.
    [[nodiscard]] nanos next() const {
        nanos first = busy_ ? busy_until_ + settings_.delay : never;
        if (!on_way_.empty()) first = std::min(first, on_way_.front().due);
        if (!late_.empty()) first = std::min(first, late_.top().due);
        return first;
    }
    /// True iff `wanted` is true of a packet that waits or is on its way. What waits may still be lost.
    template <class Wanted>
    [[nodiscard]] bool carries(Wanted wanted) const {
        const auto of = [&](const parcel_type& p) { return wanted(p.what); };
        return (busy_ && of(sending_)) || std::any_of(waiting_.begin(), waiting_.end(), of) ||
               std::any_of(on_way_.begin(), on_way_.end(), of) || late_.any_of(of);
    }

    [[nodiscard]] std::uint64_t octets_waiting() const { return waiting_octets_; }
    [[nodiscard]] const link_counts& counts() const { return counts_; }

private:
    struct later {
        bool operator()(const parcel_type& a, const parcel_type& b) const { return a.due > b.due; }
    };
    struct late_queue : std::priority_queue<parcel_type, std::vector<parcel_type>, later> {
        template <class Wanted>
        [[nodiscard]] bool any_of(Wanted of) const {
            return std::any_of(this->c.begin(), this->c.end(), of);
        }
    };
    /// What CoDel sees of the link.
    struct queue_view {
        link& of;
        bool pop(parcel_type& p) {
            if (of.waiting_.empty()) return false;
            p = std::move(of.waiting_.front());
            of.waiting_.pop_front();
            of.waiting_octets_ -= p.size;
            return true;
        }
        [[nodiscard]] std::uint64_t octets() const { return of.waiting_octets_; }
        bool mark(parcel_type& p) { return of.mark(p); }
        void drop(parcel_type&&) { ++of.counts_.dropped; }
    };

    /// All that has happened by now. What happened in between does not depend on when one looks.
    void run(nanos now) {
        while (busy_ && busy_until_ <= now) {
            end(std::move(sending_));
            busy_ = false;
            parcel_type next;
            queue_view q{*this};
            if (settings_.keeps == discipline::codel ? codel_.dequeue(q, next, busy_until_) : q.pop(next))
                begin(std::move(next));
        }
    }
    /// The first bit goes on the wire at `busy_until_`. What a division leaves over goes into the next one.
    void begin(parcel_type&& p) {
        busy_ = true;
        if (settings_.rate != 0) {
            fraction_ += std::uint64_t{p.size} * 8 * 1'000'000'000;
            busy_until_ += nanos{fraction_ / settings_.rate};
            fraction_ %= settings_.rate;
        }
        sending_ = std::move(p);
    }
    /// The last bit is on the wire.
    void end(parcel_type&& p) {
        counts_.carried += p.size;
        const bool lost = dice_.happens(settings_.loss);
        if (bursts_.loses(dice_) || lost) {
            ++counts_.lost;
            return;
        }
        p.due = busy_until_ + settings_.delay;
        if (settings_.jitter != nanos{}) {
            p.due +=
                nanos{static_cast<std::int64_t>(dice_.roll() % static_cast<std::uint64_t>(settings_.jitter.count()))};
            if (!on_way_.empty()) p.due = std::max(p.due, on_way_.back().due);
        }
        if (dice_.happens(settings_.twice)) {
            ++counts_.twice;
            on_way_.push_back(p);
        }
        if (dice_.happens(settings_.late)) {
            ++counts_.late;
            p.due += settings_.late_by;
            late_.push(std::move(p));
        } else {
            on_way_.push_back(std::move(p));
        }
    }
    bool mark(parcel_type& p) {
        if (p.ecn == codepoint::not_ect) return false;
        counts_.marked += p.ecn != codepoint::ce ? 1U : 0U;
        p.ecn = codepoint::ce;
        return true;
    }

    link_settings settings_;
    dice dice_;
    bursts bursts_;
    codel codel_;
    std::deque<parcel_type> waiting_;
    std::uint64_t waiting_octets_ = 0;
    parcel_type sending_{};
    bool busy_ = false;
    nanos busy_until_{};
    std::uint64_t fraction_ = 0;
    std::deque<parcel_type> on_way_;
    late_queue late_;
    link_counts counts_;
};

}  // namespace bench
