// SPDX-License-Identifier: MIT
// codel.hpp: CoDel, which drops or marks as long as packets wait for too long.
#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>
#include <utility>

// RFC 8289 section 5, with its names. A queue gives
//     bool pop(Packet&)              the packet in front; false if there is none
//     std::uint64_t octets() const   what waits behind it
//     bool mark(Packet&)             true if it carries ECN, and is marked now; else it is dropped
//     void drop(Packet&&)

namespace bench {

using nanos = std::chrono::nanoseconds;

struct codel_settings {
    nanos target = std::chrono::milliseconds{5};
    nanos interval = std::chrono::milliseconds{100};
    std::uint32_t max_packet = 1500;
};

class codel {
public:
    explicit codel(const codel_settings& s = {}) : settings_{s} {}

    /// The next packet to be sent; false if none is left.
    template <class Queue, class Packet>
    bool dequeue(Queue& q, Packet& p, nanos now) {
        bool there = pop(q, p, now);
        if (dropping_) {
            if (!ok_to_drop_) dropping_ = false;
            while (there && dropping_ && now >= drop_next_) {
                ++count_;
                const bool marked = q.mark(p);
                if (!marked) {
                    q.drop(std::move(p));
                    there = pop(q, p, now);
                }
                if (!ok_to_drop_) {
                    dropping_ = false;
                } else {
                    drop_next_ = control_law(drop_next_, count_);
                }
                if (marked) break;
            }
        } else if (there && ok_to_drop_) {
            if (!q.mark(p)) {
                q.drop(std::move(p));
                there = pop(q, p, now);
            }
            dropping_ = true;
            // If the last episode was not long ago, go on at about its rate.
            const std::uint32_t delta = count_ - last_count_;
            count_ = delta > 1 && now - drop_next_ < 16 * settings_.interval ? delta : 1;
            drop_next_ = control_law(now, count_);
            last_count_ = count_;
        }
        return there;
    }

    [[nodiscard]] nanos control_law(nanos t, std::uint32_t count) const {
        return t + nanos{std::llround(static_cast<double>(settings_.interval.count()) / std::sqrt(count))};
    }
    [[nodiscard]] bool dropping() const { return dropping_; }

private:
    /// dodequeue() of the RFC: takes one, and sees whether packets have waited too long for an interval.
    template <class Queue, class Packet>
    bool pop(Queue& q, Packet& p, nanos now) {
        ok_to_drop_ = false;
        if (!q.pop(p)) {
            above_ = false;
            return false;
        }
        if (now - p.entered < settings_.target || q.octets() <= settings_.max_packet) {
            above_ = false;
        } else if (!above_) {
            above_ = true;
            first_above_time_ = now + settings_.interval;
        } else {
            ok_to_drop_ = now >= first_above_time_;
        }
        return true;
    }

    codel_settings settings_;
    nanos first_above_time_{};
    nanos drop_next_{};
    std::uint32_t count_ = 0;
    std::uint32_t last_count_ = 0;
    bool above_ = false;
    bool dropping_ = false;
    bool ok_to_drop_ = false;
};

}  // namespace bench
