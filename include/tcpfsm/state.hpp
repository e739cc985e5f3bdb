// SPDX-License-Identifier: MIT
// state.hpp: the eleven states of a connection, and sets of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// RFC 9293 section 3.3.2. The sets are the groups in which the RFC itself speaks of states.

namespace tcpfsm {

/// The states of RFC 9293 section 3.3.2, in the order in which the RFC lists them, CLOSED first.
enum class state : std::uint8_t {
    closed,        ///< no connection state at all
    listen,        ///< waiting for a connection request from any remote TCP peer
    syn_sent,      ///< waiting for a matching connection request after having sent one
    syn_received,  ///< waiting for the acknowledgment of our SYN, having sent and received one
    established,   ///< an open connection; data received can be delivered to the user
    fin_wait_1,    ///< waiting for a FIN from the peer, or for an acknowledgment of ours
    fin_wait_2,    ///< our FIN is acknowledged; waiting for the peer's
    close_wait,    ///< the peer has closed; waiting for the local user to close
    closing,       ///< both have closed; waiting for the acknowledgment of our FIN
    last_ack,      ///< the peer closed first; waiting for the acknowledgment of our FIN
    time_wait,     ///< waiting until old segments have left the network (2 MSL)
};

inline constexpr std::size_t state_count = 11;

/// The RFC's spelling, such as "SYN-RECEIVED".
[[nodiscard]] constexpr std::string_view name(state s) noexcept {
    constexpr std::string_view names[state_count] = {"CLOSED",      "LISTEN",     "SYN-SENT",   "SYN-RECEIVED",
                                                     "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT",
                                                     "CLOSING",     "LAST-ACK",   "TIME-WAIT"};
    return names[static_cast<std::size_t>(s)];
}

/// A set of states. `fin_wait_1 | closing` makes one.
class state_set {
public:
    constexpr state_set() noexcept = default;
    constexpr state_set(state s) noexcept : bits_(static_cast<std::uint16_t>(1U << static_cast<unsigned>(s))) {}

    [[nodiscard]] constexpr bool contains(state s) const noexcept {
        return (bits_ >> static_cast<unsigned>(s) & 1U) != 0;
    }
    [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }
    friend constexpr bool operator==(state_set, state_set) noexcept = default;
    friend constexpr state_set operator|(state_set a, state_set b) noexcept { return from(a.bits_ | b.bits_); }
    friend constexpr state_set operator&(state_set a, state_set b) noexcept { return from(a.bits_ & b.bits_); }
    /// All states that are not in the set.
    friend constexpr state_set operator~(state_set a) noexcept { return from(~unsigned{a.bits_}); }

private:
    static constexpr state_set from(unsigned bits) noexcept {
        state_set s;
        s.bits_ = static_cast<std::uint16_t>(bits & ((1U << state_count) - 1U));
        return s;
    }
    std::uint16_t bits_ = 0;
};

/// `syn_sent | syn_received` reads as a set.
[[nodiscard]] constexpr state_set operator|(state a, state b) noexcept { return state_set{a} | state_set{b}; }

/// The groups of states that the RFC names, or that follow from its words.
namespace states {

using enum state;

/// Every state.
inline constexpr state_set all = ~state_set{};
/// "Synchronized states" of section 3.5.2, group 3: both sequence numbers are agreed.
inline constexpr state_set synchronized =
    established | fin_wait_1 | fin_wait_2 | close_wait | closing | last_ack | time_wait;
/// The states that 3.10.7.4 handles, "any other state".
inline constexpr state_set other = syn_received | synchronized;
/// States with a connection, or the wish for one: all but CLOSED.
inline constexpr state_set open = ~state_set{closed};
/// The peer may still send text (3.10.7.4, seventh).
inline constexpr state_set accepting = established | fin_wait_1 | fin_wait_2;
/// The peer's FIN has been taken (3.10.7.4, sixth to eighth: "this should not occur").
inline constexpr state_set peer_closed = close_wait | closing | last_ack | time_wait;
/// Our text and our FIN may be on their way, new or again (3.8.1).
inline constexpr state_set sending = established | close_wait | fin_wait_1 | closing | last_ack;
/// Something of ours (SYN, text or FIN) may be unacknowledged.
inline constexpr state_set retransmitting = sending | syn_sent | syn_received;
/// Our SYN is not acknowledged, and the peer's is known.
inline constexpr state_set handshaking = syn_received;
/// Everything is over, but old segments may still be on their way.
inline constexpr state_set lingering = time_wait;
/// The local user has closed.
inline constexpr state_set user_closed = fin_wait_1 | fin_wait_2 | closing | last_ack | time_wait;

}  // namespace states

}  // namespace tcpfsm
