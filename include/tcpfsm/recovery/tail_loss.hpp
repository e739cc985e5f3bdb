// SPDX-License-Identifier: MIT
// recovery/tail_loss.hpp: a probe for losses that nothing behind them would tell of.
#pragma once

#include <tcpfsm/seq.hpp>
#include <tcpfsm/time.hpp>

#include <chrono>
#include <cstdint>

// RFC 8985 section 7: when ACKs stop although text is in flight, the last segment, or a new one, is sent long before
// the retransmission timeout, so that its acknowledgment tells what is missing.

namespace tcpfsm {

/// TLP: one probe at a time, and none without a round trip that was measured since the last.
class tail_loss_probe {
public:
    /// A round trip was measured.
    constexpr void sampled() noexcept { allowed_ = true; }
    /// 7.2: two round trips; if one segment alone is in flight its ACK may be delayed. A second if none was measured.
    [[nodiscard]] static constexpr duration timeout(duration srtt, bool alone, duration max_ack_delay) noexcept {
        if (srtt == duration::zero()) return std::chrono::seconds{1};
        return srtt * 2 + (alone ? max_ack_delay : duration::zero());
    }
    /// 7.3: a probe may be sent.
    [[nodiscard]] constexpr bool may_go() const noexcept { return allowed_ && !out_; }
    /// The probe was sent. `again`: it was no new text.
    constexpr void sent(seq nxt, bool again) noexcept {
        out_ = true;
        again_ = again;
        end_ = nxt;
        allowed_ = false;
    }
    /// 7.4.2: true iff this ACK shows that the probe has repaired a loss, to which nobody has responded yet.
    /// `duplicate`: it has a D-SACK for the probe. `bare`: it moves nothing and has no SACK blocks at all.
    constexpr bool acknowledged(seq ack, bool duplicate, bool bare) noexcept {
        if (!out_ || ack < end_) return false;
        const bool repaired = again_ && !duplicate && ack > end_;
        if (!again_ || duplicate || ack > end_ || bare) out_ = false;
        return repaired;
    }
    /// Recovery begins.
    constexpr void stop() noexcept { out_ = false; }
    [[nodiscard]] constexpr bool out() const noexcept { return out_; }
    /// A D-SACK up to here is one for the probe; its FIN, if it had one, may or may not be counted.
    [[nodiscard]] constexpr bool ends_at(seq right) const noexcept {
        return out_ && (right == end_ || right == end_ - 1);
    }
    /// A probe is on its way that was sent before.
    [[nodiscard]] constexpr bool repeats() const noexcept { return out_ && again_; }

    friend constexpr bool operator==(const tail_loss_probe&, const tail_loss_probe&) noexcept = default;

private:
    seq end_{};
    bool out_ = false;
    bool again_ = false;
    bool allowed_ = false;
};

/// Where no tail is probed.
struct no_tail_loss_probe {
    constexpr void sampled() noexcept {}
    constexpr void sent(seq, bool) noexcept {}
    constexpr bool acknowledged(seq, bool, bool) noexcept { return false; }
    constexpr void stop() noexcept {}
    [[nodiscard]] constexpr bool out() const noexcept { return false; }
    [[nodiscard]] constexpr bool ends_at(seq) const noexcept { return false; }
    [[nodiscard]] constexpr bool repeats() const noexcept { return false; }
    friend constexpr bool operator==(const no_tail_loss_probe&, const no_tail_loss_probe&) noexcept = default;
};

}  // namespace tcpfsm
