// SPDX-License-Identifier: MIT
// recovery/spurious.hpp: was there a loss at all?
#pragma once

#include <tcpfsm/seq.hpp>

#include <algorithm>
#include <cstdint>

// After a reduction three things may show that nothing was lost: F-RTO (RFC 5682: what was sent before a timeout and
// not again is acknowledged after it), Eifel (RFC 3522: the ACK answers the first transmission, by its timestamp), and
// D-SACK (RFC 3708: everything that was sent again came twice). Then the congestion control is put back to what it was
// before (RFC 4015): it is a value, so that is kept.

namespace tcpfsm {

/// What was before a reduction, and the search for proof that it was wrong.
template <class Congestion>
class spurious_check {
public:
    /// A reduction follows. `nxt`: SND.NXT. A second timeout for the same octets keeps what was before the first.
    constexpr void begin(const Congestion& before, seq nxt, bool by_timeout, bool anew) noexcept {
        if (anew) {
            before_ = before;
            suspected_ = echoed_ = twice_ = 0;
            stamped_ = moved_ = false;
        }
        open_ = true;
        new_text_ = 0;
        until_ = nxt;
        // RFC 5682 2.1 step 1: not if a timeout was being recovered from, which could mislead.
        step_ = by_timeout && anew ? step::one : step::none;
    }
    /// Octets were found lost.
    constexpr void suspect(std::uint32_t octets) noexcept { suspected_ += open_ ? octets : 0; }
    /// Octets that were found lost have arrived before they could be sent again.
    constexpr void cleared(std::uint32_t octets) noexcept { suspected_ -= std::min(suspected_, octets); }
    /// Octets that were sent again have arrived, and the ACK echoes an older timestamp: they had not been lost.
    constexpr void echoed(std::uint32_t octets) noexcept { echoed_ += octets; }
    /// [left, right) came twice (D-SACK). If it was not sent again, the network has repeated it.
    constexpr void duplicated(seq left, seq right) noexcept {
        if (stamped_ && again_from_ <= left && right <= again_to_) twice_ += right - left;
    }
    /// True iff nothing that was found lost had been, as far as it was sent again.
    [[nodiscard]] constexpr bool all_were_wrong() const noexcept {
        return open_ && std::max(echoed_, twice_) >= suspected_;
    }
    /// [from, end) is sent again, under the timestamp `now`.
    constexpr void resent(seq from, seq end, std::uint32_t now) noexcept {
        if (!open_) return;
        if (step_ == step::two) step_ = step::none;  // 2.1 step 2 (b): there was no new text to send
        if (step_ == step::one && !stamped_) first_end_ = end;
        again_from_ = stamped_ ? earlier(again_from_, from) : from;
        again_to_ = stamped_ ? later(again_to_, end) : end;
        if (!stamped_) stamp_ = now;
        stamped_ = true;
    }

    /// Eifel: true iff this ACK of new octets, the first since something was sent again, echoes an older timestamp.
    constexpr bool answers_the_first(std::uint32_t ts_ecr) noexcept {
        if (!open_ || !stamped_ || moved_) return false;
        moved_ = true;
        return ts_ecr - stamp_ >= 0x80000000U;
    }
    /// F-RTO: an ACK has moved SND.UNA to `una`, or (with SACK) told of new octets. `original`: some of them were sent
    /// before the timeout, and not again. True iff that proves the timeout spurious.
    constexpr bool moved(seq una, bool advanced, bool original) noexcept {
        if (step_ == step::one) {
            if (!advanced) return false;
            const bool goes_on = stamped_ && una >= first_end_ && una < until_;
            step_ = goes_on ? step::two : step::none;
            return false;
        }
        if (step_ != step::two) return false;
        step_ = step::none;
        return original;
    }
    /// Without SACK a duplicate ACK ends F-RTO: it may be the answer to what was sent again.
    constexpr void duplicate() noexcept { step_ = step::none; }
    /// RFC 5682 2.1 step 2 (b): new text goes before what is to be sent again.
    [[nodiscard]] constexpr bool wants_new_text() const noexcept { return step_ == step::two; }
    /// Two segments of it, whatever the window.
    [[nodiscard]] constexpr bool new_text_left() const noexcept { return wants_new_text() && new_text_ < 2; }
    [[nodiscard]] constexpr bool new_text_sent() const noexcept { return new_text_ != 0; }
    constexpr void sent_new() noexcept {
        if (wants_new_text()) ++new_text_;
    }
    /// A reduction may still prove wrong.
    [[nodiscard]] constexpr bool open() const noexcept { return open_; }
    [[nodiscard]] constexpr const Congestion& before() const noexcept { return before_; }
    /// The search is over.
    constexpr void close() noexcept {
        open_ = stamped_ = moved_ = false;
        step_ = step::none;
    }

    friend constexpr bool operator==(const spurious_check&, const spurious_check&) noexcept = default;

private:
    enum class step : std::uint8_t { none, one, two };

    Congestion before_{};
    seq until_{};                  // SND.NXT at the reduction
    seq first_end_{};              // where the first retransmission ends
    seq again_from_{};             // what was sent again lies from here ...
    seq again_to_{};               // ... to here
    std::uint32_t stamp_ = 0;      // TSval of the first retransmission
    std::uint32_t suspected_ = 0;  // octets found lost, less those that came before they were sent again
    std::uint32_t echoed_ = 0;
    std::uint32_t twice_ = 0;
    step step_ = step::none;
    bool open_ = false;
    bool stamped_ = false;       // something was sent again
    bool moved_ = false;         // something was acknowledged after that
    std::uint8_t new_text_ = 0;  // segments of new text sent in step 2
};

}  // namespace tcpfsm
