// SPDX-License-Identifier: MIT
// user_timeout.hpp: two ends that tell each other how long they wait.
#pragma once

#include <tcpfsm/time.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>

// RFC 5482. Each end advertises how long it would like unacknowledged text to be waited for (ADV_UTO); who hears it may
// wait as long. Nobody must: it is advice, it may be lost, and it is bounded from both sides, since a peer that could
// say what it likes could have us wait for days, or give up at once.

namespace tcpfsm {

/// L_LIMIT and U_LIMIT (RFC 5482 section 3.1).
struct user_timeout_limits {
    duration least{};
    duration most{};
};

/// The option's 16 bits: seconds, or minutes if the first bit is set; rounded up, and as much as they can say. Never
/// zero, which is reserved.
[[nodiscard]] constexpr std::uint16_t user_timeout_field(duration d) noexcept {
    constexpr std::int64_t most = 0x7fff;
    constexpr std::int64_t second = 1'000'000;
    const std::int64_t us = std::max<std::int64_t>(d.count(), 1);
    const std::int64_t seconds = (us - 1) / second + 1;
    if (seconds <= most) return static_cast<std::uint16_t>(seconds);
    return static_cast<std::uint16_t>(0x8000 | std::min((seconds - 1) / 60 + 1, most));
}
/// What they say; zero for the reserved value.
[[nodiscard]] constexpr duration user_timeout_of(std::uint16_t field) noexcept {
    const std::int64_t n = field & 0x7fff;
    return (field & 0x8000) != 0 ? duration{std::chrono::minutes{n}} : duration{std::chrono::seconds{n}};
}

/// "USER_TIMEOUT = min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT))" (RFC 5482 section 3.1), and more than the present
/// retransmission timeout, unless the upper limit is less than that.
[[nodiscard]] constexpr duration adopted_user_timeout(duration adv, duration remote, const user_timeout_limits& limits,
                                                      duration rto) noexcept {
    const duration least = std::max(limits.least, rto + std::chrono::seconds{1});
    return std::min(limits.most, std::max({adv, remote, least}));
}

/// What an end has said and heard.
class user_timeout_exchange {
public:
    /// OPEN: ADV_UTO is what this end would wait.
    constexpr void begin(duration adv) noexcept { *this = user_timeout_exchange{adv}; }
    /// ADV_UTO has changed; it is to be told again (section 3.1: whenever a new value is used).
    constexpr void advertise(duration adv) noexcept {
        adv_ = adv;
        owed_ = true;
    }
    /// The peer's option, on a SYN or later. Zero is reserved, and ignored.
    constexpr void heard(std::uint16_t field) noexcept {
        if ((field & 0x7fff) != 0) remote_ = field;
    }
    /// A segment that is no SYN has carried it; nobody knows whether it arrives, and it does not matter.
    constexpr void told() noexcept { owed_ = false; }

    [[nodiscard]] constexpr duration adv() const noexcept { return adv_; }
    /// REMOTE_UTO; zero if none was heard.
    [[nodiscard]] constexpr duration remote() const noexcept { return user_timeout_of(remote_); }
    /// The next segment that is no SYN is to carry the option (section 3.2).
    [[nodiscard]] constexpr bool owed() const noexcept { return owed_; }
    friend constexpr bool operator==(const user_timeout_exchange&, const user_timeout_exchange&) noexcept = default;

    constexpr user_timeout_exchange() noexcept = default;

private:
    constexpr explicit user_timeout_exchange(duration adv) noexcept : adv_{adv}, owed_{true} {}

    duration adv_{};
    std::uint16_t remote_ = 0;
    bool owed_ = false;
};

/// The option is not spoken.
struct no_user_timeout_exchange {
    friend constexpr bool operator==(const no_user_timeout_exchange&,
                                     const no_user_timeout_exchange&) noexcept = default;
};

}  // namespace tcpfsm
