// SPDX-License-Identifier: MIT
// recovery/prr.hpp: how much goes out in recovery, for what arrives.
#pragma once

#include <algorithm>
#include <cstdint>

// RFC 9937 section 6, under its names: the window falls to ssthresh over one round trip, in proportion to what the
// ACKs say was delivered; below ssthresh it climbs no faster than in slow start.

namespace tcpfsm {

/// Proportional rate reduction. Octets.
class proportional_rate_reduction {
public:
    /// Recovery begins. `recover_fs`: what was in flight before the ACK that told of the loss, less what had been
    /// selectively acknowledged.
    constexpr void begin(std::uint32_t recover_fs) noexcept { *this = proportional_rate_reduction{recover_fs}; }
    /// An ACK has delivered so much. `in_flight` is what is left of it; `safe`: it moved SND.UNA and tells of no
    /// further loss.
    constexpr void delivered(std::uint32_t octets, std::uint32_t in_flight, std::uint32_t ssthresh, bool safe,
                             std::uint32_t smss) noexcept {
        if (octets == 0) return;
        delivered_ += octets;
        std::uint64_t send = 0;
        if (in_flight > ssthresh) {
            const std::uint64_t share = (delivered_ * ssthresh + recover_fs_ - 1) / recover_fs_;
            send = share > out_ ? share - out_ : 0;
        } else {
            send = std::max<std::uint64_t>(delivered_ > out_ ? delivered_ - out_ : 0, octets);
            if (safe) send += smss;
            send = std::min<std::uint64_t>(ssthresh - in_flight, send);
        }
        if (out_ == 0 && send < smss) send = smss;  // the first retransmission does not wait
        window_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(in_flight + send, 1U << 30U));
    }
    /// Losses were found although nothing arrived: one segment may go.
    constexpr void nothing_delivered(std::uint32_t in_flight, std::uint32_t smss) noexcept {
        if (out_ == 0) window_ = std::max(window_, in_flight + smss);
    }
    constexpr void sent(std::uint32_t octets) noexcept { out_ += octets; }
    /// What may be in flight.
    [[nodiscard]] constexpr std::uint32_t window() const noexcept { return window_; }

    constexpr proportional_rate_reduction() noexcept = default;
    friend constexpr bool operator==(const proportional_rate_reduction&,
                                     const proportional_rate_reduction&) noexcept = default;

private:
    constexpr explicit proportional_rate_reduction(std::uint32_t recover_fs) noexcept
        : recover_fs_{std::max<std::uint32_t>(recover_fs, 1)} {}

    std::uint64_t delivered_ = 0;
    std::uint64_t out_ = 0;
    std::uint32_t recover_fs_ = 1;
    std::uint32_t window_ = 0;
};

}  // namespace tcpfsm
