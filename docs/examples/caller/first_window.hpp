// SPDX-License-Identifier: MIT
// first_window.hpp: who begins with ten segments watches what they do (RFC 6928).
#pragma once

#include "user.hpp"

#include <algorithm>
#include <cstdint>
#include <set>

namespace caller {

/// RFC 3390's first window, for paths on which ten segments were too many.
struct modest : tcpfsm::new_reno {
    constexpr void begin(tcpfsm::path p, bool syn_was_lost) noexcept {
        tcpfsm::new_reno::begin(p, syn_was_lost);
        most_ = std::min<std::uint32_t>(4 * p.smss, std::max<std::uint32_t>(2 * p.smss, 4380));
    }
    constexpr void acked(tcpfsm::path p, std::uint32_t n) noexcept {
        most_ = std::min(most_ + std::min(n, p.smss), 1U << 30U);
        tcpfsm::new_reno::acked(p, n);
    }
    [[nodiscard]] constexpr std::uint32_t window() const noexcept {
        return std::min(most_, tcpfsm::new_reno::window());
    }
    friend constexpr bool operator==(const modest&, const modest&) noexcept = default;

private:
    std::uint32_t most_ = 0;
};
struct modestly : tcpfsm::policies {
    using congestion = modest;
};
/// Who lost something of the first window: remembered by address.
class losses {
public:
    template <class P>
    void watch(const ip_address& peer, const user<P>& who) {
        if (who.tcp().numbers().snd.retries != 0) lost_.insert(peer);
    }
    [[nodiscard]] bool at(const ip_address& peer) const { return lost_.contains(peer); }

private:
    std::set<ip_address> lost_;
};

}  // namespace caller
