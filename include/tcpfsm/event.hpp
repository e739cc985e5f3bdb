// SPDX-License-Identifier: MIT
// event.hpp: what can happen to a connection: calls, judgements on a segment, timeouts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// RFC 9293 section 3.10 processes three kinds of events: user calls, arriving segments and timeouts. A
// segment is not an event by its flags: "ACK" may mean ten things. An event is what the segment was
// *judged* to mean in the light of the connection's numbers, so that the table needs no conditions:
// every condition is a judgement, and every judgement has a name.

namespace tcpfsm {

/// Everything the table knows, in the order of RFC 9293 section 3.10.
enum class event : std::uint8_t {
    // 3.10.1 to 3.10.6: user calls
    open_passive,       ///< OPEN, passive
    open_active,        ///< OPEN, active, remote socket specified
    open_unspecified,   ///< OPEN, active, remote socket not specified
    send,               ///< SEND with room for its text
    send_unspecified,   ///< SEND on a LISTEN whose remote socket is not specified
    send_no_room,       ///< SEND of more than the send buffer can take
    send_after_close,   ///< SEND behind a CLOSE that still waits for its turn
    receive,            ///< RECEIVE with text on hand
    receive_empty,      ///< RECEIVE without text on hand
    close,              ///< CLOSE with nothing left to segmentize
    close_behind_text,  ///< CLOSE while earlier SENDs wait to be segmentized
    close_unread,       ///< half-duplex CLOSE with received text unread (3.6.1)
    abort,              ///< ABORT
    status,             ///< STATUS

    // 3.10.7: SEGMENT ARRIVES. What an acknowledgment, a reset or a SYN was judged to be
    rcv_stray,           ///< none of RST, SYN, or an ACK that means something here
    rcv_bad_ack,         ///< acknowledges what was never sent, or too long ago
    rcv_no_ack,          ///< neither RST nor ACK in a state that needs one of them
    rcv_outside,         ///< no text, and outside the receive window
    rcv_outside_text,    ///< text or FIN wholly outside the receive window, most often a duplicate
    rcv_paws,            ///< an older timestamp than the last one (RFC 7323 PAWS)
    rcv_no_timestamp,    ///< no timestamp although timestamps were agreed (RFC 7323)
    rcv_rst,             ///< a reset that counts
    rcv_rst_passive,     ///< a reset that counts, SYN-RECEIVED having come from a passive OPEN
    rcv_rst_reopened,    ///< a reset that counts, SYN-RECEIVED having come from TIME-WAIT
    rcv_rst_challenge,   ///< a reset inside the window, but not at RCV.NXT (RFC 5961)
    rcv_rst_invalid,     ///< a reset outside the window, or one that does not answer our SYN
    rcv_rst_lingering,   ///< a reset in TIME-WAIT, under the policy of RFC 1337
    rcv_syn,             ///< a SYN that asks for a connection, without an ACK of ours
    rcv_syn_cookie,      ///< the same, with a cookie that we have given its sender (RFC 7413)
    rcv_syn_ack,         ///< a SYN with an acknowledgment of our SYN
    rcv_syn_again,       ///< the peer's SYN once more
    rcv_syn_passive,     ///< a new SYN in SYN-RECEIVED that came from a passive OPEN
    rcv_syn_challenge,   ///< a SYN in a synchronized state (RFC 5961)
    rcv_syn_fatal,       ///< a SYN inside the window, without RFC 5961
    rcv_syn_reopen,      ///< a SYN that may reopen a connection in TIME-WAIT
    rcv_ack_of_syn,      ///< acknowledges our SYN in SYN-RECEIVED
    rcv_ack,             ///< an acceptable acknowledgment, new or not, that does not reach our FIN
    rcv_ack_of_fin,      ///< acknowledges our FIN
    rcv_fin_again,       ///< the peer's FIN once more, in TIME-WAIT
    rcv_urg,             ///< an urgent pointer
    rcv_text,            ///< text that begins at RCV.NXT
    rcv_text_early,      ///< text (or FIN) inside the window, beyond a gap
    rcv_text_no_room,    ///< text at a zero window
    rcv_text_no_range,   ///< text beyond one gap more than can be remembered
    rcv_text_unwanted,   ///< text after a half-duplex CLOSE (3.6.1)
    rcv_text_after_fin,  ///< text or FIN after the peer's FIN
    rcv_fin,             ///< the peer's FIN, and all text before it has been taken

    // 3.9.2.2: reports of ICMP
    icmp_soft,    ///< a soft error: unreachable for now
    icmp_hard,    ///< a hard error: protocol or port unreachable
    icmp_quench,  ///< Source Quench, or an error that does not match what we sent

    // 3.10.8 and 3.8: timeouts
    timeout_user,            ///< nothing was acknowledged for as long as the user allows (R2)
    timeout_trouble,         ///< R1: several retransmissions without an answer
    timeout_retransmission,  ///< the retransmission timeout
    timeout_reordering,      ///< what was overtaken should have arrived by now (RFC 8985)
    timeout_tail_loss,       ///< no ACK for two round trips: time to probe for a loss at the tail (RFC 8985)
    timeout_pacing,          ///< text that was paced may leave
    timeout_persist,         ///< time to probe a zero window
    timeout_delayed_ack,     ///< an acknowledgment was delayed long enough
    timeout_override,        ///< text was held back against silly windows long enough
    timeout_keep_alive,      ///< time for a keep-alive probe
    timeout_dead_peer,       ///< no keep-alive probe was answered
    timeout_time_wait,       ///< 2 MSL have passed
};

inline constexpr std::size_t event_count = static_cast<std::size_t>(event::timeout_time_wait) + 1;

/// The event's name, and what happened in words that stand alone in a trace.
struct event_text {
    std::string_view name;
    std::string_view says;
};

/// The words for each event, in the order of the enumeration.
inline constexpr event_text event_texts[event_count] = {
    {"open_passive", "OPEN, passive"},
    {"open_active", "OPEN, active"},
    {"open_unspecified", "OPEN, active, without a remote socket"},
    {"send", "SEND"},
    {"send_unspecified", "SEND without a remote socket"},
    {"send_no_room", "SEND of more than the send buffer can take"},
    {"send_after_close", "SEND after CLOSE"},
    {"receive", "RECEIVE"},
    {"receive_empty", "RECEIVE with nothing on hand"},
    {"close", "CLOSE"},
    {"close_behind_text", "CLOSE behind text that is still to be sent"},
    {"close_unread", "CLOSE of both directions with received text unread"},
    {"abort", "ABORT"},
    {"status", "STATUS"},
    {"rcv_stray", "neither RST nor SYN nor an ACK that means anything here"},
    {"rcv_bad_ack", "acknowledges something never sent, or sent too long ago"},
    {"rcv_no_ack", "no ACK bit"},
    {"rcv_outside", "sequence number outside the window"},
    {"rcv_outside_text", "text outside the window, most likely a duplicate"},
    {"rcv_paws", "timestamp older than the last one"},
    {"rcv_no_timestamp", "timestamps were agreed, and this segment has none"},
    {"rcv_rst", "reset"},
    {"rcv_rst_passive", "reset of a connection that was opened passively"},
    {"rcv_rst_reopened", "reset of a connection reopened from TIME-WAIT"},
    {"rcv_rst_challenge", "reset inside the window but not at RCV.NXT"},
    {"rcv_rst_invalid", "reset that proves no knowledge of this connection"},
    {"rcv_rst_lingering", "reset in TIME-WAIT"},
    {"rcv_syn", "SYN"},
    {"rcv_syn_cookie", "SYN with a cookie of ours"},
    {"rcv_syn_ack", "SYN with the acknowledgment of our SYN"},
    {"rcv_syn_again", "the same SYN again"},
    {"rcv_syn_passive", "another SYN before the handshake ended"},
    {"rcv_syn_challenge", "SYN on a synchronized connection"},
    {"rcv_syn_fatal", "SYN inside the window"},
    {"rcv_syn_reopen", "SYN that may reopen the connection"},
    {"rcv_ack_of_syn", "acknowledgment of our SYN"},
    {"rcv_ack", "acknowledgment"},
    {"rcv_ack_of_fin", "acknowledgment of our FIN"},
    {"rcv_fin_again", "the peer's FIN again"},
    {"rcv_urg", "urgent pointer"},
    {"rcv_text", "text in order"},
    {"rcv_text_early", "text beyond a gap"},
    {"rcv_text_no_room", "text at a zero window"},
    {"rcv_text_no_range", "text beyond one gap too many"},
    {"rcv_text_unwanted", "text after the user stopped reading"},
    {"rcv_text_after_fin", "text after the peer's FIN"},
    {"rcv_fin", "the peer's FIN"},
    {"icmp_soft", "ICMP: unreachable for now"},
    {"icmp_hard", "ICMP: protocol or port unreachable"},
    {"icmp_quench", "ICMP: source quench, or not about anything in flight"},
    {"timeout_user", "user timeout"},
    {"timeout_trouble", "several retransmissions without an answer"},
    {"timeout_retransmission", "retransmission timeout"},
    {"timeout_reordering", "what was overtaken should have arrived"},
    {"timeout_tail_loss", "time to probe for a loss at the tail"},
    {"timeout_pacing", "paced text may leave"},
    {"timeout_persist", "time to probe the zero window"},
    {"timeout_delayed_ack", "the delayed acknowledgment is due"},
    {"timeout_override", "text was held back long enough"},
    {"timeout_keep_alive", "keep-alive"},
    {"timeout_dead_peer", "no keep-alive probe was answered"},
    {"timeout_time_wait", "2 MSL have passed"},
};

/// The words for an event.
[[nodiscard]] constexpr const event_text& describe(event e) noexcept {
    return event_texts[static_cast<std::size_t>(e)];
}

/// The event's name, as it stands in the table: "rcv_ack_of_fin".
[[nodiscard]] constexpr std::string_view name(event e) noexcept { return describe(e).name; }

/// A set of events. `rcv_text | rcv_fin` makes one.
class event_set {
public:
    constexpr event_set() noexcept = default;
    constexpr event_set(event e) noexcept : bits_{std::uint64_t{1} << static_cast<unsigned>(e)} {}

    [[nodiscard]] constexpr bool contains(event e) const noexcept {
        return (bits_ >> static_cast<unsigned>(e) & 1U) != 0;
    }
    [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }
    friend constexpr bool operator==(event_set, event_set) noexcept = default;
    friend constexpr event_set operator|(event_set a, event_set b) noexcept {
        a.bits_ |= b.bits_;
        return a;
    }

private:
    std::uint64_t bits_ = 0;
};
static_assert(event_count <= 64);

/// `rcv_text | rcv_fin` reads as a set.
[[nodiscard]] constexpr event_set operator|(event a, event b) noexcept { return event_set{a} | event_set{b}; }

/// All events from `first` to `last`, both included, in the order of the enumeration.
[[nodiscard]] constexpr event_set events(event first, event last) noexcept {
    event_set s;
    for (auto i = static_cast<unsigned>(first); i <= static_cast<unsigned>(last); ++i) s = s | static_cast<event>(i);
    return s;
}

}  // namespace tcpfsm
