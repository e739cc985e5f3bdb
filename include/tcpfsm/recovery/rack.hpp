// SPDX-License-Identifier: MIT
// recovery/rack.hpp: loss told by time: what was sent well before something that has arrived is lost.
#pragma once

#include <tcpfsm/recovery/scoreboard.hpp>
#include <tcpfsm/seq.hpp>

#include <algorithm>
#include <cstdint>

// RFC 8985 section 6, under its names. Times are microseconds. The scoreboard has the transmission records.

namespace tcpfsm {

/// The least of the values of the last while: of the present period and the one before it.
class recent_minimum {
public:
    constexpr void take(std::uint32_t value, microseconds32 now) noexcept {
        if (now - since_ >= period) {
            before_ = now - since_ >= 2 * period ? none : least_;
            least_ = none;
            since_ = now;
        }
        least_ = std::min(least_, value);
    }
    /// `none` before the first value.
    [[nodiscard]] constexpr std::uint32_t value() const noexcept { return std::min(least_, before_); }
    [[nodiscard]] constexpr bool known() const noexcept { return value() != none; }
    friend constexpr bool operator==(const recent_minimum&, const recent_minimum&) noexcept = default;

    static constexpr std::uint32_t none = 0xffff'ffffU;

private:
    static constexpr std::uint32_t period = 10'000'000;  // 10 s; a minimum is at most twice as old
    microseconds32 since_ = 0;
    std::uint32_t least_ = none;
    std::uint32_t before_ = none;
};

/// RACK: which transmission, of all that have arrived, was the most recent one, and how late another may be.
class recent_acknowledgment {
public:
    /// What detection looks at beside the ranges.
    struct view {
        std::uint32_t srtt = 0;           ///< microseconds; 0 if unknown
        bool recovering = false;          ///< in fast recovery, or in recovery from a timeout
        bool three_have_arrived = false;  ///< three segments beyond a gap (DupThresh)
    };
    constexpr void begin(seq una) noexcept {
        *this = {};
        fack_ = una;
    }
    /// 6.2 steps 1 to 3 for one range that an ACK has delivered, up to `end`. `echo_too_old`: the ACK's timestamp tells
    /// that it answers an earlier transmission.
    template <class Range>
    constexpr void delivered(const Range& r, seq end, microseconds32 now, bool echo_too_old) noexcept {
        if (end < fack_ && !r.again) reordering_seen_ = true;
        fack_ = later(fack_, end);
        const std::uint32_t rtt = std::max<std::uint32_t>(now - r.first_sent(), 1);  // rather too long
        if (r.again && (echo_too_old || rtt < min_rtt_.value())) return;
        if (!r.again && !r.blurred()) min_rtt_.take(rtt, now);
        rtt_ = rtt;
        if (known_ && !later_sent(r.sent, end, xmit_, end_)) return;
        known_ = true;
        xmit_ = r.sent;
        end_ = end;
    }
    /// 6.2 step 4, first half: at most once a round trip an ACK with a D-SACK widens the reordering window.
    constexpr void duplicate_seen(seq una, seq nxt) noexcept {
        if (in_round_ && una >= round_) in_round_ = false;
        if (in_round_) return;
        in_round_ = true;
        round_ = nxt;
        if (wide_ < 0xff) ++wide_;
        persist_ = 16;
    }
    /// A recovery was spurious: what was taken for lost had been overtaken. Read literally, step 3 never sees a segment
    /// that is always sent again before it arrives.
    constexpr void proved_reordering() noexcept { reordering_seen_ = true; }
    /// Recovery has ended.
    constexpr void recovered() noexcept {
        if (persist_ != 0 && --persist_ == 0) wide_ = 1;
    }
    /// 6.2 step 4, second half: RACK.reo_wnd.
    [[nodiscard]] constexpr std::uint32_t window(const view& v) const noexcept {
        if (!reordering_seen_ && (v.recovering || v.three_have_arrived)) return 0;
        if (!min_rtt_.known()) return 0;
        const std::uint64_t wide = std::uint64_t{wide_} * min_rtt_.value() / 4;
        return static_cast<std::uint32_t>(std::min<std::uint64_t>(wide, v.srtt));
    }
    /// How old a transmission may be before it is lost, if something that was sent later has arrived.
    [[nodiscard]] constexpr std::uint32_t allowance(const view& v) const noexcept {
        return std::min(rtt_ + window(v), longest);
    }
    /// 6.2 step 5 for what was sent up to `end`: how long it may still take to arrive. Zero: it is lost.
    [[nodiscard]] constexpr std::uint32_t remaining(microseconds32 sent, seq end, microseconds32 now,
                                                    std::uint32_t allowed) const noexcept {
        if (!known_ || !later_sent(xmit_, end_, sent, end)) return no_hurry;
        const std::uint32_t age = now - sent;
        return age >= allowed ? 0 : allowed - age;
    }
    /// Nothing that has arrived was sent later.
    static constexpr std::uint32_t no_hurry = 0xffff'ffffU;

    [[nodiscard]] constexpr bool reordering_seen() const noexcept { return reordering_seen_; }
    /// RACK.rtt: the round trip of what was delivered last; 0 if unknown.
    [[nodiscard]] constexpr std::uint32_t rtt() const noexcept { return rtt_; }
    /// RACK.min_RTT; 0 if unknown.
    [[nodiscard]] constexpr std::uint32_t min_rtt() const noexcept { return min_rtt_.known() ? min_rtt_.value() : 0; }
    friend constexpr bool operator==(const recent_acknowledgment&, const recent_acknowledgment&) noexcept = default;

private:
    /// RACK_sent_after(): of two that were sent at the same time, the one with the higher number is the later.
    static constexpr bool later_sent(microseconds32 a, seq a_end, microseconds32 b, seq b_end) noexcept {
        const std::uint32_t ahead = a - b;
        return ahead == 0 ? a_end > b_end : ahead < 0x80000000U;
    }
    static constexpr std::uint32_t longest = 1U << 30U;  // 18 minutes: the sign of differences stays clear

    recent_minimum min_rtt_;
    microseconds32 xmit_ = 0;
    std::uint32_t rtt_ = 0;
    seq end_{};
    seq fack_{};
    seq round_{};
    std::uint8_t wide_ = 1;     // reo_wnd_mult
    std::uint8_t persist_ = 0;  // reo_wnd_persist: recoveries until it is 1 again
    bool known_ = false;
    bool reordering_seen_ = false;
    bool in_round_ = false;
};

/// Where losses are told by count.
struct no_recent_acknowledgment {
    constexpr void begin(seq) noexcept {}
    template <class Range>
    constexpr void delivered(const Range&, seq, microseconds32, bool) noexcept {}
    constexpr void duplicate_seen(seq, seq) noexcept {}
    constexpr void proved_reordering() noexcept {}
    constexpr void recovered() noexcept {}
    friend constexpr bool operator==(const no_recent_acknowledgment&,
                                     const no_recent_acknowledgment&) noexcept = default;
};

}  // namespace tcpfsm
