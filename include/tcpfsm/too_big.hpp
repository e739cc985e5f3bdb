// SPDX-License-Identifier: MIT
// too_big.hpp: a report that a packet was too big, and what it was good for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// "Fragmentation needed and DF set" of RFC 1191, "packet too big" of RFC 8201. Anybody can send one, so each is weighed
// (RFC 5927 section 7; path_mtu.hpp), and whoever wonders why it had no effect gets a sentence.

namespace tcpfsm {

/// What became of a report that a packet was too big.
enum class too_big : std::uint8_t {
    followed,       ///< segments are smaller from now on
    probe_refused,  ///< the packet was a probe; sizes from there on are not tried again for a while
    deferred,       ///< believed if the quoted segment times out
    not_in_flight,  ///< quotes no number that is in flight
    too_low,        ///< less than every link of IPv6 carries
    never_sent,     ///< nothing so large was sent since the MTU last fell
    no_news,        ///< not less than the present MTU
    fixed,          ///< the MTU of the connection does not change
};
inline constexpr std::size_t too_big_count = static_cast<std::size_t>(too_big::fixed) + 1;

/// The same in a sentence.
[[nodiscard]] constexpr std::string_view describe(too_big t) noexcept {
    constexpr std::string_view texts[too_big_count] = {
        "the path is narrower: smaller segments from now on, RFC 1191 3, RFC 8201 4",
        "a probe was too big: the MTU stays as it was, RFC 4821 7.4",
        "waits: packets as large have arrived, so the quoted segment must time out first, RFC 5927 7.2",
        "ignored: quotes a number that is not in flight, RFC 5927 4.1",
        "ignored: every link of IPv6 carries 1280 octets, RFC 8201 4",
        "ignored: no packet so large was sent, RFC 5927 7.2",
        "ignored: not less than the MTU of the path, which ICMP never raises, RFC 1191 3",
        "ignored: the MTU is fixed",
    };
    return texts[static_cast<std::size_t>(t)];
}

/// RFC 1191 section 7: the largest MTU in use below `length`, for routers that do not say theirs.
[[nodiscard]] constexpr std::uint32_t plateau_below(std::uint32_t length) noexcept {
    constexpr std::uint32_t plateaus[] = {65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296};
    for (const std::uint32_t p : plateaus) {
        if (p < length) return p;
    }
    return 68;
}

}  // namespace tcpfsm
