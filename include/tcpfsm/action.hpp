// SPDX-License-Identifier: MIT
// action.hpp: what a row does: effects on numbers, debts, answers and signals.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

// An action is one bit, and the order of the enumeration is the order of execution: first the numbers
// change, then debts are made (segments that are owed and will leave when polled), then the TCB may go.

namespace tcpfsm {

/// One thing to do. `take_` is an effect of the segment, `snd_` a debt, `start_` a timer.
enum class action : std::uint8_t {
    create_tcb,      ///< begin a connection with the numbers that OPEN was given
    reopen_tcb,      ///< begin a new incarnation, with an ISS beyond all that the old one sent (3.6.1)
    restore_tcb,     ///< go back to the old incarnation: the SYN was an old duplicate (3.6.1)
    forget_peer,     ///< go back to what a passive OPEN had created
    take_syn,        ///< IRS, RCV.NXT, SND.WND and the options of a SYN
    trust_peer,      ///< text goes both ways before our SYN is acknowledged (RFC 7413)
    take_ack,        ///< SND.UNA, SND.WND, round-trip time, congestion window
    take_urg,        ///< RCV.UP
    take_text,       ///< text goes to the user and an ACK is owed within 500 ms, or it waits behind a gap
    take_fin,        ///< RCV.NXT moves over the FIN
    take_read,       ///< the user has read: the receive window may open
    hold_close,      ///< the CLOSE waits until earlier SENDs are segmentized
    snd_syn,         ///< owe a SYN (with an ACK if the peer's SYN is known)
    snd_text,        ///< the user's text stands behind all earlier text
    snd_fin,         ///< owe a FIN, behind all text
    snd_again,       ///< owe everything from SND.UNA on once more
    snd_lost,        ///< owe what was overtaken and has not arrived
    snd_tail,        ///< owe a probe of the tail: new text, or the last segment once more
    snd_paced,       ///< owe text that was withheld by pacing
    snd_probe,       ///< owe one octet to a zero window
    snd_override,    ///< owe text that was held back, however little
    snd_keep_alive,  ///< owe a segment below SND.NXT that the peer must answer
    snd_ack,         ///< owe an ACK now
    snd_challenge,   ///< owe an ACK now, within the connection's allowance (RFC 5961)
    snd_rst,         ///< owe a reset: the one that the segment asks for (3.5.2), or <SEQ=SND.NXT><CTL=RST>
    start_2msl,      ///< start or restart the time-wait timer, and stop all others
    delete_tcb,      ///< forget the connection; what is owed is still sent
};

inline constexpr std::size_t action_count = static_cast<std::size_t>(action::delete_tcb) + 1;

/// The action's name, as it stands in the table.
[[nodiscard]] constexpr std::string_view name(action a) noexcept {
    constexpr std::string_view names[action_count] = {
        "create_tcb",     "reopen_tcb", "restore_tcb",   "forget_peer", "take_syn",   "trust_peer", "take_ack",
        "take_urg",       "take_text",  "take_fin",      "take_read",   "hold_close", "snd_syn",    "snd_text",
        "snd_fin",        "snd_again",  "snd_lost",      "snd_tail",    "snd_paced",  "snd_probe",  "snd_override",
        "snd_keep_alive", "snd_ack",    "snd_challenge", "snd_rst",     "start_2msl", "delete_tcb"};
    return names[static_cast<std::size_t>(a)];
}

/// A set of actions: `take_fin | snd_ack`. Iterates in the order of execution.
class actions {
public:
    constexpr actions() noexcept = default;
    constexpr actions(action a) noexcept : bits_{std::uint32_t{1} << static_cast<unsigned>(a)} {}
    constexpr explicit actions(std::uint32_t bits) noexcept : bits_{bits} {}

    [[nodiscard]] constexpr bool contains(action a) const noexcept {
        return (bits_ >> static_cast<unsigned>(a) & 1U) != 0;
    }
    [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }
    [[nodiscard]] constexpr std::uint32_t bits() const noexcept { return bits_; }
    friend constexpr bool operator==(actions, actions) noexcept = default;
    friend constexpr actions operator|(actions a, actions b) noexcept { return actions{a.bits_ | b.bits_}; }

    /// Takes the earliest action out of the set, which must not be empty.
    constexpr action pop() noexcept {
        const auto first = static_cast<action>(std::countr_zero(bits_));
        bits_ &= bits_ - 1;
        return first;
    }

private:
    std::uint32_t bits_ = 0;
};

/// `take_fin | snd_ack` reads as a set.
[[nodiscard]] constexpr actions operator|(action a, action b) noexcept { return actions{a} | actions{b}; }

// clang-format off
/// The RFC's answers to a user call (section 3.10).
enum class [[nodiscard]] answer : std::uint8_t {
    ok,                  ///< done, or queued
    err_no_connection,   ///< "error: connection does not exist"
    err_exists,          ///< "error: connection already exists"
    err_unspecified,     ///< "error: remote socket unspecified"
    err_no_resources,    ///< "error: insufficient resources"
    err_closing,         ///< "error: connection closing"
};
// clang-format on

inline constexpr std::size_t answer_count = static_cast<std::size_t>(answer::err_closing) + 1;

/// The RFC's words for an answer.
[[nodiscard]] constexpr std::string_view describe(answer a) noexcept {
    constexpr std::string_view texts[answer_count] = {"ok",
                                                      "error: connection does not exist",
                                                      "error: connection already exists",
                                                      "error: remote socket unspecified",
                                                      "error: insufficient resources",
                                                      "error: connection closing"};
    return texts[static_cast<std::size_t>(a)];
}

/// What the user is told without having asked (section 3.9.1.8 and 3.10). Told in this order when
/// several are pending.
enum class signal : std::uint8_t {
    tell_early,         ///< a connection has come whose text may be read before it is established (RFC 7413)
    tell_open,          ///< the connection is established
    tell_urgent,        ///< there is urgent data, or more of it (MUST-32)
    tell_trouble,       ///< R1: a segment was retransmitted several times without an answer (SHLD-9)
    tell_soft_error,    ///< ICMP reported a soft error (SHLD-25)
    tell_user_timeout,  ///< the peer's user timeout has changed ours (RFC 5482)
    tell_closing,       ///< the peer has closed: "connection closing"
    tell_refused,       ///< "connection refused"
    tell_reset,         ///< "connection reset"
    tell_timed_out,     ///< "connection aborted due to user timeout"
    tell_unreachable,   ///< ICMP reported a hard error
    tell_closed,        ///< both directions ended in order; the connection is gone
};

inline constexpr std::size_t signal_count = static_cast<std::size_t>(signal::tell_closed) + 1;

/// The RFC's words for a signal, or plain ones where it has none.
[[nodiscard]] constexpr std::string_view describe(signal s) noexcept {
    constexpr std::string_view texts[signal_count] = {"text before the connection is open",
                                                      "connection open",
                                                      "urgent data",
                                                      "no answer to several retransmissions",
                                                      "soft error",
                                                      "user timeout changed",
                                                      "connection closing",
                                                      "connection refused",
                                                      "connection reset",
                                                      "connection aborted due to user timeout",
                                                      "destination unreachable",
                                                      "connection closed"};
    return texts[static_cast<std::size_t>(s)];
}

/// The last column of a row: an answer to the caller, a signal to the user, or nothing. Two more values
/// mark cells that no row names (`dropped`) and cells that cannot come up (`impossible`).
class saying {
public:
    constexpr saying() noexcept = default;
    constexpr saying(answer a) noexcept : code_{static_cast<std::uint8_t>(first_answer + static_cast<unsigned>(a))} {}
    constexpr saying(signal s) noexcept : code_{static_cast<std::uint8_t>(first_signal + static_cast<unsigned>(s))} {}
    static constexpr saying from_code(std::uint32_t c) noexcept {
        saying s;
        s.code_ = static_cast<std::uint8_t>(c);
        return s;
    }
    static constexpr saying dropped() noexcept { return from_code(1); }
    static constexpr saying impossible() noexcept { return from_code(2); }

    [[nodiscard]] constexpr std::uint32_t code() const noexcept { return code_; }
    [[nodiscard]] constexpr bool is_answer() const noexcept { return code_ >= first_answer && code_ < first_signal; }
    [[nodiscard]] constexpr bool is_signal() const noexcept { return code_ >= first_signal; }
    /// Right only if `is_answer()`.
    [[nodiscard]] constexpr answer as_answer() const noexcept { return static_cast<answer>(code_ - first_answer); }
    /// Right only if `is_signal()`.
    [[nodiscard]] constexpr signal as_signal() const noexcept { return static_cast<signal>(code_ - first_signal); }
    friend constexpr bool operator==(saying, saying) noexcept = default;

    static constexpr unsigned first_answer = 3;
    static constexpr unsigned first_signal = first_answer + answer_count;

private:
    std::uint8_t code_ = 0;
};

}  // namespace tcpfsm
