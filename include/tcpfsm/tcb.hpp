// SPDX-License-Identifier: MIT
// tcb.hpp: the transmission control block: the numbers of a connection, and what follows from them.
#pragma once

#include <tcpfsm/dsack.hpp>
#include <tcpfsm/ecn.hpp>
#include <tcpfsm/fast_open.hpp>
#include <tcpfsm/pacing.hpp>
#include <tcpfsm/policies.hpp>
#include <tcpfsm/rate.hpp>
#include <tcpfsm/reassembly.hpp>
#include <tcpfsm/recovery/fast_retransmit.hpp>
#include <tcpfsm/recovery/prr.hpp>
#include <tcpfsm/recovery/rack.hpp>
#include <tcpfsm/recovery/sack_count.hpp>
#include <tcpfsm/recovery/scoreboard.hpp>
#include <tcpfsm/recovery/spurious.hpp>
#include <tcpfsm/recovery/tail_loss.hpp>
#include <tcpfsm/rto.hpp>
#include <tcpfsm/segment.hpp>
#include <tcpfsm/seq.hpp>
#include <tcpfsm/state.hpp>
#include <tcpfsm/time.hpp>
#include <tcpfsm/window_advice.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <type_traits>

// RFC 9293 section 3.3.1, under its names. What can be derived is a function, not a member.

namespace tcpfsm {

/// Send Sequence Variables (3.3.1) and what retransmission needs beside them.
struct send_sequence {
    seq una{};                  ///< oldest unacknowledged sequence number
    seq nxt{};                  ///< next sequence number to be sent
    seq again{};                ///< una <= again <= nxt: what lies from here to nxt is to be sent once more
    seq end{1};                 ///< where the user's text ends; a FIN has this number
    seq up{};                   ///< urgent pointer: one beyond the last urgent octet (MUST-62)
    seq wl1{};                  ///< segment sequence number used for last window update
    seq wl2{};                  ///< segment acknowledgment number used for last window update
    seq iss{};                  ///< initial send sequence number
    seq timed{};                ///< an ACK of this number ends the round trip that is being timed
    seq full_to{};              ///< SND.NXT when the congestion window was last full, or SND.UNA
    std::uint32_t wnd = 0;      ///< send window, scaled (REC-1)
    std::uint32_t max_wnd = 0;  ///< the largest window that the peer ever offered
    std::uint16_t mss = 0;      ///< SendMSS: what the peer takes, options included (3.7.1)
    std::uint8_t shift = 0;     ///< Snd.Wind.Shift (RFC 7323)
    std::uint8_t retries = 0;   ///< timeouts of what stands at una
    std::uint8_t probes = 0;    ///< probes of a zero window since it closed
    // Bits, not bools: compilers look at many of them at once.
    std::uint16_t synced : 1 = 0;       ///< our SYN is acknowledged
    std::uint16_t fin : 1 = 0;          ///< a FIN stands behind the text
    std::uint16_t close_waits : 1 = 0;  ///< a CLOSE waits for the text before it (3.10.4)
    std::uint16_t lost_one : 1 = 0;     ///< the segment at una is to be sent once more, now
    std::uint16_t probe : 1 = 0;        ///< a probe of the zero window is owed
    std::uint16_t tail : 1 = 0;         ///< a probe of the tail is owed
    std::uint16_t keep_alive : 1 = 0;   ///< a keep-alive probe is owed
    std::uint16_t timing : 1 = 0;       ///< a round trip is being timed (Karn: never of a retransmission)
    std::uint16_t hurry : 1 = 0;        ///< what was held back may go (override timer)
    friend constexpr bool operator==(const send_sequence&, const send_sequence&) noexcept = default;

    /// The first number of the text that is still in the send buffer.
    [[nodiscard]] constexpr seq first_text() const noexcept { return synced ? earlier(una, end) : iss + 1; }
    /// Octets in the send buffer: unacknowledged and unsent.
    [[nodiscard]] constexpr std::uint32_t queued() const noexcept { return end - first_text(); }
    /// Octets of text that were never sent.
    [[nodiscard]] constexpr std::uint32_t unsent() const noexcept {
        const seq from = syn_due() && nxt == iss ? iss + 1 : nxt;
        return from < end ? end - from : 0;
    }
    /// The SYN is to be sent, for the first time or again.
    [[nodiscard]] constexpr bool syn_due() const noexcept { return !synced && again == iss; }
    /// Not even the SYN was sent.
    [[nodiscard]] constexpr bool syn_unsent() const noexcept { return nxt == iss; }
    /// The FIN was sent.
    [[nodiscard]] constexpr bool fin_sent() const noexcept { return fin && nxt == end + 1; }
    /// FlightSize (RFC 5681), SYN and FIN counted.
    [[nodiscard]] constexpr std::uint32_t flight() const noexcept { return nxt - una; }
    /// Something of ours is unacknowledged.
    [[nodiscard]] constexpr bool outstanding() const noexcept { return una != nxt; }
    /// Text or a FIN waits for its first transmission.
    [[nodiscard]] constexpr bool waiting() const noexcept { return unsent() != 0 || (fin && !fin_sent()); }
    /// The peer's window is shut on something (3.8.6.1): persist instead of retransmitting.
    [[nodiscard]] constexpr bool shut() const noexcept { return wnd == 0 && synced && (outstanding() || waiting()); }
    /// Nothing but the octet of a probe of the shut window is unacknowledged. Whether the peer took it is unknown.
    [[nodiscard]] constexpr bool probed() const noexcept { return wnd == 0 && synced && flight() == 1; }
    /// Synchronized, and nothing is under way but new text: no end, no repair, no probe.
    [[nodiscard]] constexpr bool calm() const noexcept {
        return synced && !fin && !close_waits && !lost_one && !probe && !tail && !keep_alive && again == nxt;
    }
    /// Octets beyond `from` that the peer's window allows; 0 if it has shrunk below (MUST-34).
    [[nodiscard]] constexpr std::uint32_t usable(seq from) const noexcept {
        const seq edge = una + wnd;
        return from < edge ? edge - from : 0;
    }
};

/// Receive Sequence Variables (3.3.1).
struct receive_sequence {
    seq nxt{};                   ///< next sequence number expected
    seq edge{};                  ///< right edge of the window: the largest RCV.NXT + RCV.WND ever offered
    seq acked{};                 ///< Last.ACK.sent (RFC 7323)
    seq up{};                    ///< receive urgent pointer
    seq irs{};                   ///< initial receive sequence number
    seq fin_at{};                ///< number of the peer's FIN, if `fin_known`
    std::uint32_t user = 0;      ///< RCV.USER: octets in order that the user has not read
    std::uint32_t buff = 0;      ///< RCV.BUFF
    std::uint16_t mss = 0;       ///< RMSS: what we announced
    std::uint16_t full = 0;      ///< what seems to be a full-sized segment of the peer's
    std::uint8_t shift = 0;      ///< Rcv.Wind.Shift (RFC 7323)
    bool fin_known : 1 = false;  ///< the peer's FIN has arrived, perhaps beyond a gap
    bool unwanted : 1 = false;   ///< the user wants no more text (3.6.1)
    bool ack_now : 1 = false;    ///< an ACK is owed now
    friend constexpr bool operator==(const receive_sequence&, const receive_sequence&) noexcept = default;

    /// RCV.WND.
    [[nodiscard]] constexpr std::uint32_t wnd() const noexcept { return edge - nxt; }
    /// Where the window could end if all free room were offered, as far as 16 scaled bits can say it.
    [[nodiscard]] constexpr seq limit() const noexcept {
        return nxt + std::min(buff > user ? buff - user : 0, std::uint32_t{0xffff} << shift);
    }
    /// The first number of the text that the user has not read. The peer's FIN, once taken, is no text.
    [[nodiscard]] constexpr seq unread() const noexcept {
        const bool fin_taken = fin_known && nxt == fin_at + 1;
        return nxt - user - (fin_taken ? 1U : 0U);
    }
    /// How far the right edge could move; 0 if the buffer was made smaller than what was offered.
    [[nodiscard]] constexpr std::uint32_t opening() const noexcept { return opening(limit()); }
    [[nodiscard]] constexpr std::uint32_t opening(seq most) const noexcept { return edge < most ? most - edge : 0; }
    /// Remembers where the peer's FIN stands, if this segment shows it.
    constexpr void note_fin(const extent& seg) noexcept {
        const seq at = seg.seq + seg.text;
        if (!seg.has(ctl::fin) || at < nxt) return;
        fin_known = true;
        fin_at = at;
    }
    /// Chooses Rcv.Wind.Shift so that a window of `most` octets can be offered, and `buff` is four units at least.
    constexpr void choose_shift(std::uint32_t most) noexcept {
        most = std::max(buff, most);
        shift = 0;
        while (shift < max_shift && most >> shift > 0xffff && buff >> shift >= 8) ++shift;
    }
    static constexpr std::uint8_t max_shift = 14;  ///< RFC 7323 2.3
    /// Receiver's SWS avoidance (3.8.6.2.2): the right edge moves by at least so much.
    [[nodiscard]] constexpr std::uint32_t worth() const noexcept { return std::min<std::uint32_t>(buff / 2, mss); }
};

/// The timestamps of a connection (RFC 7323).
struct timestamp_clock {
    std::uint32_t offset = 0;  ///< secret of this connection
    std::uint32_t recent = 0;  ///< TS.Recent
    time_point recent_at{};    ///< when TS.Recent was taken
    bool on = false;           ///< Snd.TS.OK: both SYNs carried the option

    /// TSval, with a clock that ticks so often.
    [[nodiscard]] constexpr std::uint32_t at(time_point now, duration tick) const noexcept {
        return static_cast<std::uint32_t>(now.time_since_epoch().count() / tick.count()) + offset;
    }
    friend constexpr bool operator==(const timestamp_clock&, const timestamp_clock&) noexcept = default;
};

/// What a reopened connection must remember to go back to TIME-WAIT (3.6.1 MAY-2).
struct incarnation {
    seq snd_nxt{};
    seq rcv_nxt{};
    friend constexpr bool operator==(const incarnation&, const incarnation&) noexcept = default;
};

/// Whether a reduction is being recovered from, and how it came about.
enum class episode : std::uint8_t { none, fast, timeout };

/// True iff this congestion control rules by rates (congestion/concept.hpp).
template <class Congestion>
inline constexpr bool is_rate_based = [] {
    if constexpr (requires { Congestion::rate_based; }) return Congestion::rate_based;
    return false;
}();

/// What is remembered of transmissions, and of recovery where the peer agreed to SACK.
template <class P>
struct selective_recovery {
    using stamp = std::conditional_t<is_rate_based<typename P::congestion>, send_stamp, no_stamp>;
    using board_type = scoreboard<P::sent_ranges, stamp>;

    board_type board;
    [[no_unique_address]] std::conditional_t<P::rack_tlp, recent_acknowledgment, no_recent_acknowledgment> rack;
    [[no_unique_address]] std::conditional_t<P::rack_tlp, tail_loss_probe, no_tail_loss_probe> tail;
    proportional_rate_reduction prr;
    time_point reorder_due = never;  ///< when to look for losses although no ACK has come
    time_point tail_from{};          ///< when new text was last sent, or some acknowledged
    seq recover{};                   ///< SND.NXT when the present recovery began
    episode now = episode::none;
    std::uint8_t duplicates = 0;  ///< ACKs in a row that brought news of octets beyond a gap alone; three are many
    friend constexpr bool operator==(const selective_recovery&, const selective_recovery&) noexcept = default;
};

/// Stands for a part that a policy has switched off. Each has a type of its own, so that none takes an octet.
template <int Which>
struct absent {
    friend constexpr bool operator==(const absent&, const absent&) noexcept = default;
};
template <bool Present, class T, int Which>
using present_if = std::conditional_t<Present, T, absent<Which>>;

/// Everything that DELETE TCB deletes. No octets, no addresses, no pointers.
template <class Policies>
struct tcb {
    /// There is a scoreboard.
    static constexpr bool remembers = may_sack<Policies>() && Policies::sent_ranges != 0;
    static constexpr bool rate_based = is_rate_based<typename Policies::congestion>;
    static constexpr bool paced = Policies::pacing || rate_based;
    static_assert(!rate_based || remembers, "a control that rules by rates needs the scoreboard");

    parameters given;  ///< what OPEN was told
    send_sequence snd;
    receive_sequence rcv;
    timestamp_clock ts;
    reassembly<Policies::reassembly_ranges> held;  ///< text beyond a gap
    [[no_unique_address]] std::conditional_t<tells_duplicates<Policies>(), duplicate_debt, no_duplicate_debt>
        duplicate;  ///< text that came twice, until the peer is told
    [[no_unique_address]] std::conditional_t<Policies::window_advice, window_watch, no_window_watch>
        watch;  ///< what receive buffer would do
    [[no_unique_address]] std::conditional_t<Policies::fast_open, fast_opening, no_fast_opening>
        opening;  ///< the cookie that the SYN shows
    [[no_unique_address]] std::conditional_t<Policies::user_timeout_option, user_timeout_exchange,
                                             no_user_timeout_exchange>
        timeouts;  ///< what both sides say of their user timeouts
    typename Policies::congestion congestion;
    fast_retransmit recovery;  ///< where the peer did not agree to SACK, or nothing is remembered
    [[no_unique_address]] present_if<remembers, selective_recovery<Policies>, 0> sent;
    [[no_unique_address]] present_if<Policies::undo, spurious_check<typename Policies::congestion>, 1> check;
    [[no_unique_address]] present_if<rate_based, delivery_rate, 2> rate;
    [[no_unique_address]] present_if<paced, pacer, 3> pace;
    round_trip rtt;
    [[no_unique_address]] std::conditional_t<Policies::path_mtu == mtu_discovery::off, no_path_mtu, path_mtu> mtu;
    [[no_unique_address]] ecn_endpoint<Policies::ecn> ecn;
    incarnation old;

    time_point timed_at{};            ///< when `snd.timed` was sent
    time_point armed_at{};            ///< when the retransmission or persist timer was started
    time_point stalled_since{};       ///< since when nothing was acknowledged
    time_point heard_at{};            ///< when the peer was last heard, or last probed by keep-alive
    time_point sent_at{};             ///< when text was last sent
    time_point ack_due = never;       ///< when a delayed ACK must go
    time_point override_due = never;  ///< when held-back text may go
    time_point pace_due = never;      ///< when paced text may go
    time_point time_wait_ends{};      ///< when TIME-WAIT ends
    time_point challenges_since{};    ///< begin of the period in which challenge ACKs are counted
    state came_from = state::closed;  ///< the state before the present one (MUST-11)
    std::uint8_t challenges = 0;      ///< challenge ACKs in this period
    std::uint8_t keep_alives = 0;     ///< keep-alive probes without an answer
    bool sack_ok : 1 = false;         ///< both SYNs permitted SACK
    bool scale_ok : 1 = false;        ///< both SYNs carried a window scale

    friend constexpr bool operator==(const tcb&, const tcb&) noexcept = default;

    /// The numbers that the congestion control is told.
    [[nodiscard]] constexpr path to_peer(time_point now) const noexcept {
        return {.smss = snd.mss,
                .flight = snd.flight(),
                .now = now,
                .srtt = rtt.srtt(),
                .una = snd.una,
                .nxt = snd.nxt,
                .limited = snd.una < snd.full_to};
    }
    /// Text goes both ways although our SYN is not acknowledged (RFC 7413).
    [[nodiscard]] constexpr bool early() const noexcept { return opening.trusts() && !snd.synced; }
    /// The user timeout option is spoken on this connection.
    [[nodiscard]] constexpr bool speaks_user_timeout() const noexcept {
        return Policies::user_timeout_option && given.user_timeout_option;
    }
    /// Idle time before keep-alive probes: longer than an adopted user timeout (RFC 5482 section 4.2).
    [[nodiscard]] constexpr duration keep_alive_idle() const noexcept {
        if constexpr (Policies::user_timeout_option) {
            const bool adopted = given.user_timeout_option && timeouts.remote() != duration{0};
            if (adopted && given.keep_alive <= given.user_timeout) return given.user_timeout + std::chrono::seconds{1};
        }
        return given.keep_alive;
    }
    /// TSval.
    [[nodiscard]] constexpr std::uint32_t stamp(time_point now) const noexcept {
        return ts.at(now, Policies::timestamp_tick);
    }
    /// How long ago the timestamp left that these options echo; nothing if they echo none, or one that is too old.
    [[nodiscard]] constexpr std::optional<duration> echo_age(const options& opt, time_point now) const noexcept {
        if (!ts.on || !opt.has_timestamps || opt.ts_ecr == 0) return std::nullopt;
        const std::uint32_t ticks = stamp(now) - opt.ts_ecr;
        if (ticks >= 0x100000U) return std::nullopt;
        return ticks * Policies::timestamp_tick;
    }
    /// Losses are told, and repaired, one by one.
    [[nodiscard]] constexpr bool selective() const noexcept { return remembers && sack_ok && snd.synced; }
    /// Octets in flight: all that were sent and not acknowledged, but for those that SACK has told of, and those that
    /// are known to be lost.
    [[nodiscard]] constexpr std::uint32_t in_flight() const noexcept {
        if constexpr (remembers) {
            if (selective()) return sent.board.pipe();
        }
        return snd.flight();
    }
    /// Octets that were sent and not acknowledged at all.
    [[nodiscard]] constexpr std::uint32_t unsacked() const noexcept {
        if constexpr (remembers) {
            if (selective()) return sent.board.pipe() + sent.board.lost();
        }
        return snd.flight();
    }
    /// A loss is being recovered from.
    [[nodiscard]] constexpr bool recovering() const noexcept {
        if constexpr (remembers) {
            if (selective()) return sent.now != episode::none;
        }
        return recovery.active() || snd.retries != 0;
    }
    /// How many octets may be in flight.
    [[nodiscard]] constexpr std::uint32_t window() const noexcept {
        if constexpr (remembers && !rate_based) {
            if (sent.now == episode::fast) return sent.prr.window();
        }
        return congestion.window();
    }
    /// Everything that is outstanding is to be sent once more.
    constexpr void send_again() noexcept {
        if constexpr (remembers) {
            if (selective()) {
                sent.board.lose([](const auto&, const auto&) { return true; });
                return;
            }
        }
        snd.again = snd.una;
    }
    /// The present retransmission timeout, backed off.
    [[nodiscard]] constexpr duration rto() const noexcept { return rtt.rto(Policies::rto); }
};

/// Text was taken, up to RCV.NXT: the receiver's round trip, for advice about its buffer.
template <class P>
constexpr void watch_window(tcb<P>& t, const segment& seg, time_point now) noexcept {
    if constexpr (P::window_advice) {
        if (!t.ts.on) return t.watch.arrived(t.rcv.nxt, now);
        if (const auto age = t.echo_age(seg.options, now)) t.watch.echoed(seg.options.ts_ecr, *age);
    }
}
/// An ACK of it is owed: at once for every second full-sized segment, and while there is a gap (SHLD-19, RFC 5681 4.2).
template <class P>
constexpr void acknowledge_text(tcb<P>& t, bool gaps, time_point now) noexcept {
    t.rcv.ack_now = t.rcv.ack_now || gaps || t.rcv.nxt - t.rcv.acked >= 2U * t.rcv.full;
    t.ack_due = t.rcv.ack_now ? never : std::min(t.ack_due, after(now, P::delayed_ack));
}

}  // namespace tcpfsm
