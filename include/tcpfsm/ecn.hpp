// SPDX-License-Identifier: MIT
// ecn.hpp: explicit congestion notification: marks that are echoed, and marks that are answered.
#pragma once

#include <tcpfsm/accurate_ecn.hpp>
#include <tcpfsm/ecn_handshake.hpp>
#include <tcpfsm/segment.hpp>
#include <tcpfsm/seq.hpp>
#include <tcpfsm/time.hpp>

#include <algorithm>
#include <cstdint>
#include <type_traits>

// RFC 3168 with RFC 8311, and RFC 9768 over accurate_ecn.hpp. A router marks packets whose senders say that they will
// listen (ECT), instead of dropping them. The data receiver echoes the marks: classic ECN until it hears that the
// window was reduced, accurate ECN by counting. The data sender answers once a window, as to a loss, and sends nothing
// again.

namespace tcpfsm {

/// What an acceptable segment means to ECN.
struct ecn_report {
    std::uint32_t marked = 0;  ///< octets of ours that were marked, as far as is known
    bool congested = false;    ///< some were
    bool ack_now = false;      ///< it is to be acknowledged at once
};
/// The numbers that this depends on, before the segment's ACK is taken.
struct ecn_view {
    seq una{};
    seq nxt{};
    std::uint32_t smss = 1;
    bool synced = false;   ///< our SYN is acknowledged
    bool newer = false;    ///< the segment is known not to be older than the last: by its ACK, or by its timestamp
    bool unacked = false;  ///< text waits for its ACK, that of the segment included
};

/// ECN of one connection, both roles. A connection begins with a new one, and enters TIME-WAIT with a new one.
template <ecn_mode Most>
class ecn_endpoint {
public:
    // --- The handshake -----------------------------------------------------------------------------

    /// The bits of our SYN. Those that are not answered are sent without, classic ones at once, accurate ones the
    /// third time.
    [[nodiscard]] constexpr control ask(ecn_wish wish) noexcept {
        if (wish != ecn_wish::ask) return {};
        asked_ = true;
        plain_ = plain_ || timeouts_ > (Most == ecn_mode::accurate ? 1 : 0);
        return plain_ ? control{} : ace_bits(Most == ecn_mode::accurate ? ask_accurate : ask_classic);
    }
    /// The peer's first SYN or SYN,ACK. `crosses`: a SYN of ours is on its way.
    constexpr void take_syn(const segment& seg, ecn_wish wish, bool crosses) noexcept {
        const unsigned ace = ace_of(seg.ctl);
        const bool answer = seg.has(ctl::ack);
        if (answer || crosses) {
            // A peer that has seen a SYN without ECN will not begin with it.
            mode_ = !asked_ ? ecn_mode::off : answer ? agreed(ace, Most) : answer_to(ace, Most);
        } else {
            mode_ = wish == ecn_wish::refuse ? ecn_mode::off : answer_to(ace, Most);
        }
        client_ = answer;
        silent_ = plain_ && !(answer && mode_ == ecn_mode::accurate);
        syn_arrived_ = seg.ecn;
        timeouts_ = 0;
        optionless_ = false;
        if constexpr (Most == ecn_mode::accurate) {
            if (!answer || mode_ != ecn_mode::accurate) return;
            receiver_.take_syn_ack(seg);
            pure_due_ = greets_ = true;
        }
    }
    /// The SYN that our SYN,ACK will answer: the first, or the same once more. What was agreed on does not change.
    constexpr void answer_syn(const segment& seg) noexcept {
        syn_arrived_ = seg.ecn;
        silent_ = silent_ || ace_of(seg.ctl) == 0;
        optionless_ = answered_;
        answered_ = true;
    }
    /// True iff a SYN asks for another kind of ECN than that which was agreed on by the one before (RFC 9768 3.1.5).
    [[nodiscard]] constexpr bool contradicted_by(const segment& syn) const noexcept {
        if (Most != ecn_mode::accurate || mode_ == ecn_mode::off || ace_of(syn.ctl) == 0) return false;
        return answer_to(ace_of(syn.ctl), Most) != mode_;
    }
    /// The peer's SYN,ACK once more, and an ACK for it is owed.
    constexpr void take_syn_ack_again(const segment& seg) noexcept {
        if constexpr (Most == ecn_mode::accurate) {
            if (!client_ || mode_ != ecn_mode::accurate || !handshake_meaning(ace_of(seg.ctl))) return;
            syn_arrived_ = seg.ecn;
            receiver_.take_syn_ack(seg);
            pure_due_ = true;
        }
    }
    /// The SYN,ACK gets its bits, and the first one an option to see whether options pass.
    constexpr void write_syn_ack(segment& seg) noexcept {
        if (mode_ == ecn_mode::classic) seg.ctl |= ace_bits(agree_classic);
        if constexpr (Most == ecn_mode::accurate) {
            if (mode_ != ecn_mode::accurate) return;
            silent_ = silent_ || timeouts_ > 1;
            if (timeouts_ > 1) return;
            seg.ctl |= ace_bits(handshake_code(syn_arrived_));
            if (timeouts_ == 0 && !optionless_) seg.options.accecn = receiver_.option(seg, true);
        }
    }

    // --- What arrives ------------------------------------------------------------------------------

    /// An acceptable segment: what it carried, and what it says of what we have sent.
    constexpr ecn_report take(const segment& seg, const ecn_view& v) noexcept {
        ecn_report out;
        if (mode_ == ecn_mode::off) return out;
        point_ = v.synced ? later(point_, v.una - 1) : v.una - 1;
        const std::uint32_t acked = v.una < seg.ack ? seg.ack - v.una : 0;
        if (mode_ == ecn_mode::classic) {
            if (seg.has(ctl::syn)) return out;
            if (seg.has(ctl::cwr)) echo_ = false;
            if (seg.ecn == ecn::ce && seg.text != 0) echo_ = true;
            out.congested = seg.has(ctl::ece) && v.una <= seg.ack;
            if (out.congested) out.marked = acked;
        } else if constexpr (Most == ecn_mode::accurate) {
            if (seg.has(ctl::syn)) {
                out.congested = answer_of_syn(seg);
                return out;
            }
            out.ack_now = receiver_.take(seg, v.unacked);
            if (!v.synced && seg.len() == 0 && seg.options.sack_count == 0) {
                const auto arrived = sender_.take_code(ace_of(seg.ctl));
                silent_ = silent_ || sender_.deaf() || (arrived && *arrived != ecn::not_ect);
                out.congested = arrived == ecn::ce;
            } else if (v.newer) {
                const auto told = sender_.take(seg, acked, v.smss, v.nxt - v.una, v.una < point_);
                silent_ = silent_ || sender_.deaf() || told.mangled;
                out.congested = told.packets != 0;
                out.marked = told.octets;
            }
        }
        return out;
    }

    // --- The sender ----------------------------------------------------------------------------------

    /// True iff marks that an ACK of `ack` reports are to be answered: at most once in a window of data.
    [[nodiscard]] constexpr bool answers(seq ack) const noexcept { return point_ < ack; }
    /// The congestion window was reduced, for whatever reason; new text will begin at `nxt`.
    constexpr void reduced(seq nxt) noexcept {
        point_ = nxt;
        cwr_due_ = mode_ == ecn_mode::classic;
    }
    /// The next new text tells that the window was reduced.
    [[nodiscard]] constexpr bool reduces() const noexcept { return cwr_due_; }
    /// Marks came at a window of one segment: new text waits until then (RFC 3168 6.1.2).
    constexpr void hold(time_point until) noexcept { held_until_ = until; }
    [[nodiscard]] constexpr bool holds(time_point now) const noexcept {
        return held_until_ != never && now < held_until_;
    }
    [[nodiscard]] constexpr time_point held_until() const noexcept { return held_until_; }
    constexpr void release() noexcept { held_until_ = never; }
    /// The retransmission timer expired; `nothing_acked`: no text of ours was ever acknowledged.
    constexpr void timed_out(bool nothing_acked) noexcept {
        if (timeouts_ < 2) ++timeouts_;
        optionless_ = optionless_ || nothing_acked;
    }

    // --- What leaves ---------------------------------------------------------------------------------

    /// A segment without SYN, its other options complete, gets echo and option. `text`: it will carry some.
    constexpr void write(segment& seg, bool text) noexcept {
        if (mode_ == ecn_mode::classic && echo_) seg.ctl |= ctl::ece;
        if constexpr (Most == ecn_mode::accurate) {
            if (mode_ != ecn_mode::accurate) return;
            seg.ctl |= ace_bits(receiver_.ace());
            receiver_.told(seg.options.accecn);
            receiver_.acknowledged();
            greets_ = greets_ && !text;
        }
    }
    /// The option that it will have.
    [[nodiscard]] constexpr accecn_option option(const segment& seg, bool text) const noexcept {
        if constexpr (Most == ecn_mode::accurate) {
            if (mode_ == ecn_mode::accurate && !optionless_)
                return receiver_.option(seg, greets_ && (text || pure_due_));
        }
        return {};
    }
    /// There will be none.
    [[nodiscard]] constexpr bool quiet() const noexcept {
        if constexpr (Most == ecn_mode::accurate) {
            return mode_ != ecn_mode::accurate || optionless_ || (!greets_ && !receiver_.has_news());
        }
        return true;
    }
    /// A pure ACK goes first, without SACK blocks: it says how the SYN,ACK arrived.
    [[nodiscard]] constexpr bool pure_due() const noexcept { return pure_due_; }
    [[nodiscard]] constexpr bool no_sack() const noexcept {
        if constexpr (Most == ecn_mode::accurate) return pure_due_ || receiver_.answers_acks();
        return false;
    }
    constexpr void write_pure(segment& seg) noexcept {
        if (!pure_due_) return;
        pure_due_ = false;
        seg.ctl = seg.ctl.without(ace_bits(7)) | ace_bits(handshake_code(syn_arrived_));
    }
    /// New text. Nothing else is ever sent as capable of ECN, nor tells that the window was reduced.
    constexpr void write_new_text(segment& seg) noexcept {
        if (mode_ == ecn_mode::off) return;
        if (!silent_) seg.ecn = ecn::ect_0;
        if (cwr_due_) seg.ctl |= ctl::cwr;
        cwr_due_ = false;
        held_until_ = never;
    }

    /// What was agreed on.
    [[nodiscard]] constexpr ecn_mode mode() const noexcept { return mode_; }
    /// True iff new text is sent as capable of ECN.
    [[nodiscard]] constexpr bool capable() const noexcept { return mode_ != ecn_mode::off && !silent_; }

    friend constexpr bool operator==(const ecn_endpoint&, const ecn_endpoint&) noexcept = default;

private:
    struct none {
        friend constexpr bool operator==(const none&, const none&) noexcept = default;
    };
    static constexpr bool counts = Most == ecn_mode::accurate;

    /// A SYN,ACK says how our SYN arrived, which was not capable of ECN: anything else was made on the way. True if it
    /// was marked. The counters do not know of it (3.2.2.2).
    constexpr bool answer_of_syn(const segment& seg) noexcept {
        const auto arrived = handshake_meaning(ace_of(seg.ctl));
        silent_ = silent_ || (arrived && *arrived != ecn::not_ect) || (!client_ && ace_of(seg.ctl) == 0);
        if constexpr (counts) {
            if (!client_) receiver_.take_syn_ack(seg);
        }
        return arrived == ecn::ce;
    }

    time_point held_until_ = never;
    seq point_{};  // marks up to here were answered, or are answered no more
    [[no_unique_address]] std::conditional_t<counts, accurate_receiver, none> receiver_;
    [[no_unique_address]] std::conditional_t<counts, accurate_sender, none> sender_;
    ecn_mode mode_ = ecn_mode::off;
    ecn syn_arrived_ = ecn::not_ect;  // the codepoint of the peer's last SYN or SYN,ACK
    std::uint8_t timeouts_ : 2 = 0;   // of a SYN
    bool asked_ : 1 = false;          // a SYN of ours asked
    bool plain_ : 1 = false;          // a SYN of ours asked no more
    bool answered_ : 1 = false;       // a SYN of the peer's was answered
    bool client_ : 1 = false;         // the peer's SYN,ACK came first
    bool silent_ : 1 = false;         // ECT is not sent, although there is ECN
    bool echo_ : 1 = false;           // classic: ECE until CWR
    bool cwr_due_ : 1 = false;        // classic: CWR on the next new text
    bool pure_due_ : 1 = false;       // accurate: the ACK of a SYN,ACK is owed
    bool greets_ : 1 = false;         // accurate: an option goes on the first text, to see whether it passes
    bool optionless_ : 1 = false;     // accurate: no options, since one may have been why a segment was lost
};

/// No ECN, in no octets.
template <>
class ecn_endpoint<ecn_mode::off> {
public:
    // clang-format off
    [[nodiscard]] constexpr control ask(ecn_wish) const noexcept { return {}; }
    constexpr void take_syn(const segment&, ecn_wish, bool) const noexcept {}
    constexpr void answer_syn(const segment&) const noexcept {}
    [[nodiscard]] constexpr bool contradicted_by(const segment&) const noexcept { return false; }
    constexpr void take_syn_ack_again(const segment&) const noexcept {}
    constexpr void write_syn_ack(segment&) const noexcept {}
    constexpr ecn_report take(const segment&, const ecn_view&) const noexcept { return {}; }
    [[nodiscard]] constexpr bool answers(seq) const noexcept { return false; }
    constexpr void reduced(seq) const noexcept {}
    [[nodiscard]] constexpr bool reduces() const noexcept { return false; }
    [[nodiscard]] constexpr bool quiet() const noexcept { return true; }
    constexpr void hold(time_point) const noexcept {}
    [[nodiscard]] constexpr bool holds(time_point) const noexcept { return false; }
    [[nodiscard]] constexpr time_point held_until() const noexcept { return never; }
    constexpr void release() const noexcept {}
    constexpr void timed_out(bool) const noexcept {}
    constexpr void write(segment&, bool) const noexcept {}
    [[nodiscard]] constexpr accecn_option option(const segment&, bool) const noexcept { return {}; }
    [[nodiscard]] constexpr bool pure_due() const noexcept { return false; }
    [[nodiscard]] constexpr bool no_sack() const noexcept { return false; }
    constexpr void write_pure(segment&) const noexcept {}
    constexpr void write_new_text(segment&) const noexcept {}
    [[nodiscard]] constexpr ecn_mode mode() const noexcept { return ecn_mode::off; }
    [[nodiscard]] constexpr bool capable() const noexcept { return false; }
    // clang-format on
    friend constexpr bool operator==(const ecn_endpoint&, const ecn_endpoint&) noexcept = default;
};
static_assert(std::is_empty_v<ecn_endpoint<ecn_mode::off>>);

}  // namespace tcpfsm
