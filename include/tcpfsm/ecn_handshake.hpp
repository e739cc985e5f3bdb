// SPDX-License-Identifier: MIT
// ecn_handshake.hpp: what two ends agree on about explicit congestion notification, by three bits of SYN and SYN,ACK.
#pragma once

#include <tcpfsm/segment.hpp>

#include <cstdint>
#include <optional>

// RFC 3168 section 6.1.1 and RFC 9768 section 3.1. The bits AE, CWR and ECE are one number here, ACE: on SYN, SYN,ACK
// and the ACK of it a code, on the other segments of accurate ECN the low bits of a counter.

namespace tcpfsm {

/// AE, CWR and ECE as one number of three bits.
[[nodiscard]] constexpr unsigned ace_of(control c) noexcept { return c.bits() >> 6U & 7U; }
[[nodiscard]] constexpr control ace_bits(unsigned ace) noexcept {
    return control{static_cast<std::uint16_t>((ace & 7U) << 6U)};
}

/// How the handshake says with which codepoint a SYN (table 2) or SYN,ACK (table 3) has arrived.
[[nodiscard]] constexpr unsigned handshake_code(ecn arrived) noexcept {
    constexpr unsigned codes[] = {0b010, 0b011, 0b100, 0b110};
    return codes[static_cast<unsigned>(arrived)];
}
/// The codepoint that the code means, if it means one.
[[nodiscard]] constexpr std::optional<ecn> handshake_meaning(unsigned ace) noexcept {
    for (const ecn e : {ecn::not_ect, ecn::ect_1, ecn::ect_0, ecn::ce}) {
        if (handshake_code(e) == ace) return e;
    }
    return std::nullopt;
}

/// How much of ECN there is: as a policy at most, in a connection what was agreed on. Each includes those before it.
enum class ecn_mode : std::uint8_t {
    off,       ///< none
    classic,   ///< RFC 3168: one sign a round trip
    accurate,  ///< RFC 9768: every mark is counted
};
/// What a connection makes of what its policies allow.
enum class ecn_wish : std::uint8_t {
    refuse,  ///< neither asks for ECN nor accepts it
    accept,  ///< accepts it if the peer asks, and does not ask
    ask,     ///< asks for it in the SYN of an active OPEN, too
};

/// RFC 3168 6.1.1: an ECN-setup SYN; RFC 9768 3.1.1: the SYN that asks for as much as there is.
inline constexpr unsigned ask_classic = 0b011, ask_accurate = 0b111;
/// RFC 3168 6.1.1: an ECN-setup SYN,ACK. That of accurate ECN is a handshake code.
inline constexpr unsigned agree_classic = 0b001;

/// What to agree on with a peer whose SYN has these bits (RFC 9768 table 2, and 3.1.3 for what it reserves).
[[nodiscard]] constexpr ecn_mode answer_to(unsigned ace, ecn_mode most) noexcept {
    if (most == ecn_mode::off || ace == 0) return ecn_mode::off;
    // RFC 3168 knows two bits alone.
    if (most == ecn_mode::classic) return (ace & ask_classic) == ask_classic ? ecn_mode::classic : ecn_mode::off;
    return ace == ask_classic ? ecn_mode::classic : ecn_mode::accurate;
}
/// What is agreed on if we asked for `asked`, and the SYN,ACK has these bits.
[[nodiscard]] constexpr ecn_mode agreed(unsigned ace, ecn_mode asked) noexcept {
    if (asked == ecn_mode::off) return ecn_mode::off;
    if (asked == ecn_mode::classic) return (ace & 0b011U) == agree_classic ? ecn_mode::classic : ecn_mode::off;
    if (ace == 0 || ace == ask_accurate) return ecn_mode::off;  // bits that come back as they were sent say nothing
    return ace == agree_classic ? ecn_mode::classic : ecn_mode::accurate;
}

}  // namespace tcpfsm
