// SPDX-License-Identifier: MIT
// recovery/fast_retransmit.hpp: loss told by duplicate acknowledgments.
#pragma once

#include <tcpfsm/segment.hpp>
#include <tcpfsm/seq.hpp>

#include <cstdint>

// RFC 5681 section 3.2 and RFC 6582: three duplicate ACKs mean a loss; then each partial acknowledgment
// names the next one. What the window does meanwhile is the congestion control's matter. Where the peer sends
// SACK blocks, they say what a duplicate is (RFC 6675 section 2): such a peer may move its window with every ACK.

namespace tcpfsm {

/// Counts duplicate ACKs and knows where recovery ends.
class fast_retransmit {
public:
    /// What an acknowledgment means for recovery.
    enum class finding : std::uint8_t {
        none,       ///< nothing beyond what it says
        duplicate,  ///< one more during recovery
        loss,       ///< the third: the segment at SND.UNA is lost
        partial,    ///< a partial acknowledgment: the segment now at SND.UNA is lost too
        full,       ///< recovery is over
    };

    /// A connection begins. Unlike RFC 6582 3.2 step 1, `recover` starts one below the ISS: read
    /// literally, the loss of the first segment could not be repaired by fast retransmit.
    constexpr void begin(seq iss) noexcept { *this = fast_retransmit{iss}; }
    /// RFC 6675 section 2: these blocks tell of octets between `una` and `nxt` that the last ones did not tell of.
    /// The first block is what has just arrived (RFC 2018 section 4), or a duplicate (RFC 2883).
    constexpr bool tells_more(const options& opt, seq una, seq nxt) noexcept {
        if (opt.sack_count == 0) return false;
        const sack_block first = opt.sack[0];
        const bool in_flight = first.left != una && covers({una, nxt}, first, una) && first.left != first.right;
        const bool again = opt.sack_count > 1 && covers(opt.sack[1], first, una);
        if (!in_flight || again || covers(told_, first, una)) return false;
        told_ = first;
        return true;
    }
    /// A duplicate ACK (RFC 5681 section 2) for `una`, with `nxt` the next number to be sent. One that tells more
    /// is not about what was sent again without need, so it counts as soon as all is acknowledged that was in
    /// flight when loss was last found (RFC 6675 section 5.1); else the first octet beyond must be, too.
    constexpr finding duplicate(seq una, seq nxt, bool told_more = false) noexcept {
        if (count_ == 0) known_ = nxt;
        if (count_ < 0xff) ++count_;
        if (active_) return finding::duplicate;
        if (count_ != 3 || una < recover_ || (una == recover_ && !told_more)) return finding::none;
        active_ = true;
        first_partial_ = true;
        recover_ = nxt;
        return finding::loss;
    }
    /// An ACK of new octets, up to `una`.
    constexpr finding advanced(seq una) noexcept {
        count_ = 0;
        if (!active_) {
            recover_ = later(recover_, una - 1);  // never 2^31 behind
            return finding::none;
        }
        if (una < recover_) return finding::partial;
        active_ = false;
        return finding::full;
    }
    /// The retransmission timer expired: no fast retransmit for what was sent before (RFC 6582 3.2 step 4).
    constexpr void timed_out(seq nxt) noexcept {
        active_ = false;
        count_ = 0;
        recover_ = nxt;
    }
    /// True exactly once in each recovery: RFC 6582 resets the retransmission timer for the first
    /// partial acknowledgment alone.
    constexpr bool first_partial() noexcept {
        const bool first = first_partial_;
        first_partial_ = false;
        return first;
    }

    [[nodiscard]] constexpr bool active() const noexcept { return active_; }
    /// SND.NXT when the first duplicate ACK came: what limited transmit has sent since then lies beyond.
    [[nodiscard]] constexpr seq known() const noexcept { return known_; }
    /// Duplicate ACKs seen so far, for limited transmit (RFC 3042).
    [[nodiscard]] constexpr unsigned duplicates() const noexcept { return count_; }

    constexpr fast_retransmit() noexcept = default;
    friend constexpr bool operator==(const fast_retransmit&, const fast_retransmit&) noexcept = default;

private:
    constexpr explicit fast_retransmit(seq iss) noexcept : recover_{iss} {}
    /// In distances from `from`: a block may have any two numbers, and numbers 2^31 apart have no order.
    static constexpr bool covers(sack_block all, sack_block part, seq from) noexcept {
        const bool in_order = part.left - from <= part.right - from;
        return in_order && all.left - from <= part.left - from && part.right - from <= all.right - from;
    }

    seq recover_{};  // one beyond the highest number sent when loss was last found
    seq known_{};
    sack_block told_{};  // the newest of what the peer has beyond a gap
    std::uint8_t count_ = 0;
    bool active_ = false;
    bool first_partial_ = false;
};

}  // namespace tcpfsm
