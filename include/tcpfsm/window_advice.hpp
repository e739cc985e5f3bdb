// SPDX-License-Identifier: MIT
// window_advice.hpp: how large buffers would have to be, so that they do not limit a connection.
#pragma once

#include <tcpfsm/seq.hpp>
#include <tcpfsm/time.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>

// A window of W octets carries W octets in a round trip. What a path could carry is unknown, but what did arrive in the
// last round trip is not: if the user took N octets in it, a buffer of 2N leaves room for a sender in slow start, which
// doubles (dynamic right-sizing, Fisk and Feng 2001). Where the buffer was the limit, N is its size, and the advice
// grows; where it was not, it stays. The receiver has no round trips of its own to time, so it takes what timestamps
// echo, or the time in which one whole window arrives. Advice is a number: the caller has the memory, and says
// `set_receive_buffer`.

namespace tcpfsm {

/// The most that any buffer is advised to hold, which is what a window can offer (RFC 7323 2.3).
inline constexpr std::uint32_t largest_buffer = (std::uint32_t{1} << 30U) - (std::uint32_t{1} << 14U);

/// A send buffer of so many octets does not limit a sender with this congestion window: one window is in flight, one
/// more waits to follow it.
[[nodiscard]] constexpr std::uint32_t send_buffer_for(std::uint32_t congestion_window) noexcept {
    return congestion_window < largest_buffer / 2 ? 2 * congestion_window : largest_buffer;
}

/// Watches what arrives and what the user takes.
class window_watch {
public:
    /// We offer a window up to `edge`, further than before.
    constexpr void offered(seq edge, time_point now) noexcept {
        if (timing_) return;
        window_end_ = edge;
        offered_at_ = now;
        timing_ = true;
    }
    /// Text in order has arrived up to `nxt`: the last octet of a window could not come sooner than a round trip after
    /// it was offered. One that comes later says nothing.
    constexpr void arrived(seq nxt, time_point now) noexcept {
        if (!timing_ || nxt < window_end_) return;
        timing_ = false;
        const duration round = std::max(now - offered_at_, duration{1});
        rtt_ = rtt_ == duration{0} ? round : std::min(rtt_, round);
    }
    /// Text in order echoes the timestamp `ecr`, sent `round` ago. Only the first that echoes it tells of the path, and
    /// even that may have waited for the peer's user.
    constexpr void echoed(std::uint32_t ecr, duration round) noexcept {
        if (ecr == last_echo_) return;
        last_echo_ = ecr;
        round = std::max(round, duration{1});
        const bool sooner = rtt_ == duration{0} || round < rtt_;
        rtt_ = sooner ? round : rtt_ + (std::min(round, 2 * rtt_) - rtt_) / 8;
    }
    /// The user has taken all text before `unread`; `mss` is what a full-sized segment carries.
    constexpr void taken(seq unread, std::uint32_t mss, time_point now) noexcept {
        if (rtt_ == duration{0}) return;
        if (counting_ && now - round_since_ < rtt_) return;
        if (counting_) {
            const std::uint32_t octets = std::min(unread - round_from_, largest_buffer / 2);
            advice_ = std::max(advice_, std::min(2 * octets + 2 * mss, largest_buffer));
        }
        round_from_ = unread;
        round_since_ = now;
        counting_ = true;
    }
    /// A receive buffer of so many octets would not have been the limit until now. Zero: nothing is known yet.
    [[nodiscard]] constexpr std::uint32_t advice() const noexcept { return advice_; }
    /// The round trip as the receiver sees it; zero: nothing is known yet.
    [[nodiscard]] constexpr duration rtt() const noexcept { return rtt_; }
    friend constexpr bool operator==(const window_watch&, const window_watch&) noexcept = default;

private:
    duration rtt_{};
    time_point offered_at_{};   ///< when the window up to `window_end_` was offered
    time_point round_since_{};  ///< since when octets are counted, from `round_from_` on
    seq window_end_{};
    seq round_from_{};
    std::uint32_t last_echo_ = 0;
    std::uint32_t advice_ = 0;
    bool timing_ = false;
    bool counting_ = false;
};

/// Nobody asks for advice.
struct no_window_watch {
    constexpr void offered(seq, time_point) noexcept {}
    constexpr void arrived(seq, time_point) noexcept {}
    constexpr void echoed(std::uint32_t, duration) noexcept {}
    constexpr void taken(seq, std::uint32_t, time_point) noexcept {}
    friend constexpr bool operator==(const no_window_watch&, const no_window_watch&) noexcept = default;
};

}  // namespace tcpfsm
