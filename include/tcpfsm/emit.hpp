// SPDX-License-Identifier: MIT
// emit.hpp: what is owed becomes a segment.
#pragma once

#include <tcpfsm/next_segment.hpp>
#include <tcpfsm/option_codec.hpp>
#include <tcpfsm/pacing.hpp>
#include <tcpfsm/resegment.hpp>
#include <tcpfsm/segment.hpp>
#include <tcpfsm/tcb.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>

// RFC 9293 sections 3.1, 3.8.1 and 3.8.6.2.2: with which numbers a segment leaves, and what that changes. Segments are
// made from the numbers alone, never taken from a queue, so a retransmission is the same octets under the
// same sequence numbers, with the acknowledgment and window of now.

namespace tcpfsm {

/// A segment to be sent, and where its text lies: `segment.text` octets of the send buffer, beginning `at`
/// octets after its front. The front of the send buffer is the oldest octet not yet acknowledged.
struct transmit {
    tcpfsm::segment segment;
    std::uint32_t at = 0;
    /// The link is to cut the text into segments of so many octets, the last of which may have less and alone bears FIN
    /// and PSH: `segment.text`, unless the caller takes more at once.
    std::uint32_t each = 0;
    friend constexpr bool operator==(const transmit&, const transmit&) noexcept = default;
};

/// Makes segments of one TCB.
template <class P>
class emitter : public next_segment<P> {
    using base = next_segment<P>;
    using base::add_options;
    using base::advertise;
    using base::full;
    using base::now_;
    using base::rcv_;
    using base::snd_;
    using base::stamp;
    using base::t_;

public:
    using typename base::stretch;

    /// `most`: see `next_segment`.
    constexpr emitter(tcb<P>& t, time_point now, std::uint32_t most = 0) noexcept : base{t, now, most} {}

    /// Nothing can be sent. If the congestion window has room, there is nothing, or the peer has none: rates that are
    /// measured now are theirs.
    constexpr void note_idle() noexcept {
        t_.pace_due = never;
        if constexpr (tcb<P>::paced) t_.pace.wait(false);
        if constexpr (tcb<P>::rate_based) {
            const bool room = t_.in_flight() + snd_.mss <= t_.window();
            if (room && t_.sent.board.lost() == 0) t_.rate.mark_app_limited(t_.in_flight());
        }
    }
    /// Pacing: text may leave now, or at `pace_due`.
    [[nodiscard]] constexpr bool on_pace() noexcept {
        if constexpr (tcb<P>::paced) {
            if (t_.early()) return true;  // no timer would end the pause
            const bool open = t_.pace.open(now_);
            if (!open) t_.pace.wait(true);
            t_.pace_due = open ? never : t_.pace.release();
            return open || snd_.probe || snd_.tail;
        } else {
            return true;
        }
    }

    /// The SYN, with the ACK of the peer's if that is known (3.10.1, 3.10.7.2, 3.10.7.3).
    [[nodiscard]] constexpr std::optional<transmit> syn(bool with_ack) noexcept {
        std::optional<transmit> out{std::in_place};
        segment& seg = out->segment;
        write_header(seg, snd_.iss, with_ack ? ctl::syn | ctl::ack : ctl::syn);
        options& opt = seg.options;
        opt.has_mss = true;
        opt.mss = t_.given.mss;
        opt.has_window_scale = with_ack ? t_.scale_ok : P::window_scale;
        opt.window_scale = opt.has_window_scale ? rcv_.shift : std::uint8_t{0};
        opt.sack_permitted = with_ack ? t_.sack_ok : P::sack;
        if (!with_ack && P::timestamps) stamp(opt, 0);
        if (with_ack) {
            t_.ecn.write_syn_ack(seg);
        } else {
            seg.ctl |= t_.ecn.ask(t_.given.ecn);
        }
        if constexpr (P::user_timeout_option) advertise(opt);
        const bool first = snd_.nxt == snd_.iss;
        bool with_text = P::text_on_syn;
        if constexpr (P::fast_open) {  // a SYN once more goes without, whatever the path had against it (RFC 7413 4.2)
            if (first) t_.opening.write(opt);
            with_text = with_text || t_.opening.shows();
        }
        if (with_text && first && !with_ack) {
            const auto room = static_cast<std::uint32_t>(snd_.mss - options_size(seg));
            seg.text = std::min(snd_.unsent(), room);
            if (seg.text != 0) mark_urgent(seg);
        }
        out->each = seg.text;
        account(*out, first, headers(t_) + static_cast<std::uint32_t>(options_size(seg)) + seg.text);
        if (first) snd_.timed = snd_.iss + 1;  // the text may be acknowledged later than the SYN
        // What went after a SYN,ACK is not sent again with it.
        if (t_.opening.trusts()) snd_.again = snd_.nxt;
        return out;
    }

    /// The text or FIN of `next()`.
    [[nodiscard]] constexpr std::optional<transmit> text(const stretch& s) noexcept { return write<false>(s); }
    /// That of `next_if_calm()`.
    [[nodiscard]] constexpr std::optional<transmit> text_if_calm(const stretch& s) noexcept { return write<true>(s); }

    /// An ACK and nothing else, <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>. But behind a probe that was not taken it would
    /// not be heard, nor its news.
    [[nodiscard]] constexpr std::optional<transmit> bare_ack() noexcept {
        std::optional<transmit> out{std::in_place};
        write_header(out->segment, snd_.probed() ? snd_.una : snd_.nxt, ctl::ack);
        t_.ecn.write_pure(out->segment);
        return out;
    }
    /// A keep-alive probe (3.8.4): below SND.NXT, so that the peer must answer, and without text (SHLD-12).
    [[nodiscard]] constexpr std::optional<transmit> keep_alive() noexcept {
        snd_.keep_alive = false;
        std::optional<transmit> out{std::in_place};
        write_header(out->segment, snd_.nxt - 1, ctl::ack);
        return out;
    }

private:
    template <bool Calm>
    [[nodiscard]] constexpr std::optional<transmit> write(const stretch& s) noexcept {
        const bool first = Calm || s.from == snd_.nxt;
        if (first && !snd_.outstanding() && was_idle()) t_.congestion.was_idle(t_.to_peer(now_));
        control bits = ctl::ack;
        if (!Calm && s.fin) bits |= ctl::fin;
        if (s.text != 0 && s.from + s.text == snd_.end) bits |= ctl::psh;  // MUST-61
        std::optional<transmit> out{std::in_place};
        segment& seg = out->segment;
        out->each = s.each != 0 ? s.each : s.text;
        const std::uint32_t options = Calm ? (t_.ts.on ? 12U : 0U) : snd_.mss - full();
        const std::uint32_t packet = headers(t_) + options + out->each;
        if constexpr (Calm) {
            seg.seq = s.from;
            seg.ctl = bits;
            seg.wnd = window(false);
            acknowledge(seg);
            if (t_.ts.on) stamp(seg.options, t_.ts.recent);
        } else {
            write_header(seg, s.from, bits, s.text != 0);
        }
        seg.text = s.text;
        if constexpr (!Calm) {
            if (first && s.text != 0 && !snd_.shut() && !t_.early()) t_.ecn.write_new_text(seg);
            snd_.lost_one = snd_.lost_one && s.from != snd_.una;
            snd_.probe = false;
        }
        if (first) snd_.hurry = false;
        t_.sent_at = now_;
        out->at = s.from - snd_.first_text();
        account(*out, first, packet);
        remember(seg, first);
        return out;
    }

    /// Nothing was sent for longer than the RTO (RFC 5681 4.1); to a control that rules by rates, for however short.
    [[nodiscard]] constexpr bool was_idle() const noexcept {
        if constexpr (tcb<P>::rate_based) {
            if (t_.rate.app_limited()) return true;
        }
        return now_ - t_.sent_at > t_.rto();
    }
    constexpr void acknowledge(segment& seg) noexcept {
        seg.ack = rcv_.acked = rcv_.nxt;
        rcv_.ack_now = false;
        t_.ack_due = never;
    }
    /// Gives an empty segment the acknowledgment, window, urgent pointer and options of now. It pays the debt of an
    /// ACK.
    constexpr void write_header(segment& seg, seq number, control bits, bool text = false) noexcept {
        seg.seq = number;
        seg.ctl = bits;
        seg.wnd = window(bits.has(ctl::syn));
        if (bits.has(ctl::ack)) {
            acknowledge(seg);
            add_options(seg.options);
            if (!bits.has(ctl::syn)) {
                seg.options.accecn = t_.ecn.option(seg, text);
                if (!t_.ecn.no_sack()) t_.duplicate.told();
                t_.ecn.write(seg, text);
                if constexpr (P::user_timeout_option) t_.timeouts.told();
            }
        }
        if (snd_.synced) mark_urgent(seg);
    }
    /// Urgent octets lie ahead (3.8.5). A distance that 16 bits cannot say is the largest that they can.
    constexpr void mark_urgent(segment& seg) const noexcept {
        if (snd_.up <= later(seg.seq, snd_.una)) return;
        seg.ctl |= ctl::urg;
        seg.up = static_cast<std::uint16_t>(std::min<std::uint32_t>(snd_.up - seg.seq, 0xffff));
    }

    /// SEG.WND, and with it the right edge, which moves right or not at all (SHLD-14), and by no less than
    /// is worth it (3.8.6.2.2). A scaled window that does not come out even is rounded up if the buffer
    /// holds it; else the peer sees up to one unit less, and what it was promised is still accepted.
    [[nodiscard]] constexpr std::uint16_t window(bool with_syn) noexcept {
        if (with_syn) {
            const std::uint32_t room = rcv_.buff > rcv_.user ? rcv_.buff - rcv_.user : 0;
            const std::uint32_t offer = std::min<std::uint32_t>(std::max(room, rcv_.wnd()), 0xffff);
            rcv_.edge = later(rcv_.edge, rcv_.nxt + offer);
            return static_cast<std::uint16_t>(offer);
        }
        const seq limit = rcv_.limit();
        const bool open = rcv_.opening(limit) >= std::max<std::uint32_t>(rcv_.worth(), 1);
        const std::uint32_t offer = open ? limit - rcv_.nxt : rcv_.wnd();
        std::uint32_t field = offer >> rcv_.shift;
        if (field << rcv_.shift < rcv_.wnd() && rcv_.nxt + ((field + 1) << rcv_.shift) <= limit) ++field;
        field = std::min<std::uint32_t>(field, 0xffff);
        const seq before = rcv_.edge;
        rcv_.edge = later(rcv_.edge, rcv_.nxt + (field << rcv_.shift));
        if (rcv_.edge != before) t_.watch.offered(rcv_.edge, now_);
        return static_cast<std::uint16_t>(field);
    }

    /// What sending this, in packets of this size, changes: SND.NXT, the repair, the round trip that is timed, the
    /// timer.
    constexpr void account(const transmit& sent, bool first, std::uint32_t packet) noexcept {
        const segment& seg = sent.segment;
        const seq end = seg.seq + seg.len();
        const seq first_end = sent.each < seg.text ? seg.seq + sent.each : end;
        if (!snd_.outstanding()) t_.armed_at = t_.stalled_since = now_;
        // As RFC 6675 section 6 advises: what is sent again has a round trip of its own before it.
        if (!first && seg.seq == snd_.una && t_.selective()) t_.armed_at = now_;
        if (!first) {
            snd_.timing = false;  // Karn
        } else if (!snd_.timing) {
            snd_.timing = true;
            snd_.timed = first_end;
            t_.timed_at = now_;
        }
        const bool repairing = seg.seq == snd_.again;
        snd_.nxt = later(snd_.nxt, end);
        if (seg.text != 0) path_takes(t_, seg.seq, first_end, packet, first);
        if (repairing) snd_.again = path_mended(t_, end);
    }

    /// What loss detection, pacing and proofs of spurious retransmission keep of a transmission.
    constexpr void remember(const segment& seg, bool first) noexcept {
        const seq end = seg.seq + seg.len();
        if constexpr (tcb<P>::remembers) {
            if (t_.selective() || (tcb<P>::rate_based && snd_.synced)) {
                auto& sent = t_.sent;
                typename selective_recovery<P>::stamp mark{};
                if constexpr (tcb<P>::rate_based) mark = t_.rate.stamp(now_, t_.in_flight(), seg.len());
                const auto grain = static_cast<std::uint32_t>(t_.rtt.srtt().count() * 4) / P::sent_ranges;
                sent.board.sent(seg.seq, end, to_microseconds32(now_), static_cast<std::uint32_t>(grain), mark);
                if (sent.now == episode::fast) sent.prr.sent(seg.len());
                if (first) sent.tail_from = now_;
                if (snd_.tail) {
                    sent.tail.sent(snd_.nxt, !first);
                    t_.armed_at = now_;  // RFC 8985 7.3
                }
            }
        }
        if (t_.in_flight() + snd_.mss > t_.window()) snd_.full_to = snd_.nxt;
        snd_.tail = false;
        if constexpr (P::undo) {
            if (first) {
                t_.check.sent_new();
            } else {
                t_.check.resent(seg.seq, end, t_.stamp(now_));
            }
        }
        if constexpr (tcb<P>::paced) {
            t_.pace.sent(seg.len(), pacing_rate(t_.congestion, t_.to_peer(now_)), snd_.mss, now_);
        }
    }
};

}  // namespace tcpfsm
