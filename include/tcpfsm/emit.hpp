// SPDX-License-Identifier: MIT
// emit.hpp: what is owed becomes a segment.
#pragma once

#include <tcpfsm/option_codec.hpp>
#include <tcpfsm/perform.hpp>
#include <tcpfsm/resegment.hpp>
#include <tcpfsm/segment.hpp>
#include <tcpfsm/tcb.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>

// RFC 9293 sections 3.7.1, 3.7.4, 3.8.1, 3.8.6: how much goes out, and with which numbers. Segments are
// made from the numbers alone, never taken from a queue, so a retransmission is the same octets under the
// same sequence numbers, with the acknowledgment and window of now.

namespace tcpfsm {

/// A segment to be sent, and where its text lies: `segment.text` octets of the send buffer, beginning `at`
/// octets after its front. The front of the send buffer is the oldest octet not yet acknowledged.
struct transmit {
    tcpfsm::segment segment;
    std::uint32_t at = 0;
    friend constexpr bool operator==(const transmit&, const transmit&) noexcept = default;
};

/// Makes segments of one TCB.
template <class P>
class emitter {
public:
    constexpr emitter(tcb<P>& t, time_point now) noexcept : t_{t}, snd_{t.snd}, rcv_{t.rcv}, now_{now} {}

    /// The stretch of sequence space that the next segment with text or FIN will carry.
    struct stretch {
        seq from{};
        std::uint32_t text = 0;
        bool fin = false;
        bool held_back = false;  ///< there is text, but silly windows or Nagle keep it (then no other member counts)
    };

    /// What may be sent now: a repair, a probe, or new text. Nothing if neither is owed and allowed.
    [[nodiscard]] constexpr std::optional<stretch> next() const noexcept {
        if (snd_.shut()) return snd_.probe ? std::optional{probe()} : std::nullopt;
        // Once a SYN,ACK of fast open had to go again, nothing follows it before it is acknowledged.
        if (t_.early() && snd_.retries != 0) return std::nullopt;
        if (snd_.lost_one && snd_.outstanding()) return front();
        if constexpr (P::undo) {
            // F-RTO: new text first, and then nothing until its fate is known.
            if (t_.check.wants_new_text()) {
                const auto s = t_.check.new_text_left() ? fresh() : std::nullopt;
                if (s || t_.check.new_text_sent()) return s;
            }
        }
        if constexpr (tcb<P>::remembers) {
            if (t_.selective() && t_.sent.board.lost() != 0) return lost();
        }
        if (snd_.again != snd_.nxt) return repair();
        if (snd_.tail && snd_.outstanding()) return tail();
        const auto s = fresh();
        if constexpr (tcb<P>::remembers && !P::rack_tlp) {
            if (!s) return doubtful();
        }
        return s;
    }
    /// Nothing can be sent. If there is nothing, rates that are measured now are the user's.
    constexpr void note_idle() noexcept {
        t_.pace_due = never;
        if constexpr (tcb<P>::paced) t_.pace.wait(false);
        if constexpr (tcb<P>::rate_based) {
            const bool room = t_.in_flight() + snd_.mss <= t_.window();
            if (room && !snd_.waiting() && t_.sent.board.lost() == 0) t_.rate.mark_app_limited(t_.in_flight());
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
    [[nodiscard]] constexpr transmit syn(bool with_ack) noexcept {
        segment seg = blank(snd_.iss, with_ack ? ctl::syn | ctl::ack : ctl::syn);
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
        seg = account(seg, first);
        if (first) snd_.timed = snd_.iss + 1;  // the text may be acknowledged later than the SYN
        // What went after a SYN,ACK is not sent again with it.
        if (t_.opening.trusts()) snd_.again = snd_.nxt;
        return {seg, 0};
    }

    /// The text or FIN of `next()`.
    [[nodiscard]] constexpr transmit text(const stretch& s) noexcept {
        const bool first = s.from == snd_.nxt;
        if (first && !snd_.outstanding() && was_idle()) t_.congestion.was_idle(t_.to_peer(now_));
        control bits = ctl::ack;
        if (s.fin) bits |= ctl::fin;
        if (s.text != 0 && s.from + s.text == snd_.end) bits |= ctl::psh;  // MUST-61
        segment seg = blank(s.from, bits, s.text != 0);
        seg.text = s.text;
        if (first && s.text != 0 && !snd_.shut() && !t_.early()) t_.ecn.write_new_text(seg);
        snd_.lost_one = snd_.lost_one && s.from != snd_.una;
        snd_.probe = false;
        if (first) snd_.hurry = false;
        t_.sent_at = now_;
        const transmit out{account(seg, first), s.from - snd_.first_text()};
        remember(out.segment, first);
        return out;
    }

    /// An ACK and nothing else, <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>. But behind a probe that was not taken it would
    /// not be heard, nor its news.
    [[nodiscard]] constexpr transmit bare_ack() noexcept {
        segment seg = blank(snd_.probed() ? snd_.una : snd_.nxt, ctl::ack);
        t_.ecn.write_pure(seg);
        return {seg, 0};
    }
    /// A keep-alive probe (3.8.4): below SND.NXT, so that the peer must answer, and without text (SHLD-12).
    [[nodiscard]] constexpr transmit keep_alive() noexcept {
        snd_.keep_alive = false;
        return {blank(snd_.nxt - 1, ctl::ack), 0};
    }

private:
    /// Octets of text in a full-sized segment: the MSS less the options it will carry (MUST-16).
    [[nodiscard]] constexpr std::uint32_t full() const noexcept {
        segment seg{.ctl = ctl::ack};
        add_options(seg.options);
        seg.options.accecn = t_.ecn.option(seg, true);
        return static_cast<std::uint32_t>(snd_.mss - options_size(seg));
    }
    /// The same, or a probe of the path's MTU, if it is time for one (RFC 4821 7.4): nothing may be missing, and three
    /// segments more must be there, and have room, to tell of its loss.
    [[nodiscard]] constexpr std::uint32_t largest(std::uint32_t waiting) const noexcept {
        const std::uint32_t most = full();
        if constexpr (probes_path<P>) {
            const std::uint32_t packet = t_.mtu.wants_probe(now_);
            const bool whole = t_.in_flight() == snd_.flight() && t_.recovery.duplicates() == 0;
            if (packet == 0 || t_.recovering() || !whole) return most;
            const std::uint32_t text = most + (packet - t_.mtu.size());
            if (std::min(waiting, t_.congestion.window()) >= text + 3 * most) return text;
        }
        return most;
    }
    [[nodiscard]] constexpr stretch probe() const noexcept {
        const seq from = snd_.outstanding() ? snd_.una : snd_.nxt;
        const bool text = from < snd_.end;
        return {from, text ? 1U : 0U, !text};
    }
    /// Text that was sent before, in [from, upto); its FIN only if that was sent, too.
    [[nodiscard]] constexpr std::optional<stretch> sent_before(seq from, seq upto) const noexcept {
        const std::uint32_t room = snd_.usable(from);  // SHLD-16
        const std::uint32_t rest = earlier(upto, snd_.end) - from;
        const std::uint32_t n = std::min({rest, room, full()});
        if (room == 0) return std::nullopt;
        return stretch{from, n, n == rest && n < room && upto == snd_.nxt && snd_.fin_sent()};
    }
    /// What stands at SND.UNA, whatever the window.
    [[nodiscard]] constexpr std::optional<stretch> front() const noexcept {
        if constexpr (tcb<P>::remembers) {
            const auto where = t_.selective() ? t_.sent.board.first_lost() : std::nullopt;
            if (where) return sent_before(where->left, where->right);
        }
        return sent_before(snd_.una, snd_.nxt);
    }
    /// The same, if there is room for it in flight.
    [[nodiscard]] constexpr std::optional<stretch> in_window(const std::optional<stretch>& s) const noexcept {
        return s && t_.in_flight() + s->text <= t_.window() ? s : std::nullopt;
    }
    /// What is known to be lost, as far as there is room in flight.
    [[nodiscard]] constexpr std::optional<stretch> lost() const noexcept {
        const auto where = t_.sent.board.first_lost();
        if constexpr (follows_path<P>) {
            if (t_.mtu.holds(where->left)) return std::nullopt;
        }
        return in_window(sent_before(where->left, where->right));
    }
    /// RFC 6675 section 4, NextSeg, rules 3 and 4: recovery has room, and there is no new text, or the peer has no
    /// room.
    [[nodiscard]] constexpr std::optional<stretch> doubtful() const noexcept {
        if (!t_.selective() || t_.sent.now != episode::fast) return std::nullopt;
        if (snd_.waiting() && snd_.usable(snd_.nxt) != 0) return std::nullopt;
        const auto where = t_.sent.board.doubtful(full() + (snd_.fin_sent() ? 1U : 0U));
        return where ? in_window(sent_before(where->left, where->right)) : std::nullopt;
    }
    /// RFC 8985 7.3: new text if there is any and the peer has room, else the last segment once more.
    [[nodiscard]] constexpr std::optional<stretch> tail() const noexcept {
        if (auto s = fresh()) {
            s->held_back = false;
            return s;
        }
        const seq end = earlier(snd_.nxt, snd_.end);
        return sent_before(end - std::min(end - snd_.una, full()), snd_.nxt);
    }
    /// After a retransmission timeout without a scoreboard: everything again, as the congestion window allows.
    [[nodiscard]] constexpr std::optional<stretch> repair() const noexcept {
        const auto s = sent_before(snd_.again, snd_.nxt);
        if constexpr (follows_path<P>) {
            if (t_.mtu.holds(snd_.again)) return std::nullopt;
        }
        if (!s || (snd_.again != snd_.una && snd_.again - snd_.una + s->text > t_.congestion.window()))
            return std::nullopt;
        return s;
    }
    /// New text: the congestion window, Nagle's algorithm (3.7.4) and the sender's rules against silly
    /// windows (3.8.6.2.1).
    [[nodiscard]] constexpr std::optional<stretch> fresh() const noexcept {
        const std::uint32_t unsent = snd_.unsent();
        const std::uint32_t room = snd_.usable(t_.early() ? snd_.nxt - 1 : snd_.nxt);  // no SYN stands in a window
        const std::uint32_t most = largest(std::min(unsent, room));
        const std::uint32_t n = std::min({unsent, room, most});
        const bool all = n == unsent;
        const bool fin = all && snd_.fin && !snd_.fin_sent() && n < room;
        if (n == 0) return fin ? std::optional{stretch{snd_.nxt, 0, true}} : std::nullopt;
        if (snd_.outstanding() && t_.in_flight() + n > allowance()) return std::nullopt;
        if (t_.ecn.holds(now_)) return std::nullopt;
        const bool first = !snd_.outstanding() || (t_.early() && snd_.nxt == snd_.iss + 1);
        const bool alone = first || !t_.given.nagle;
        const bool last = fin || snd_.close_waits;  // nothing will follow that it could wait for
        const bool worth = n == most || (all && (alone || last)) || (alone && n >= snd_.max_wnd / 2) || snd_.hurry;
        return stretch{snd_.nxt, n, fin, !worth};
    }
    /// How much may be in flight: the window, and two segments more on the first two duplicate ACKs (limited transmit,
    /// RFC 3042). F-RTO and a probe of the tail look at no window but the peer's.
    [[nodiscard]] constexpr std::uint32_t allowance() const noexcept {
        constexpr std::uint32_t all = 0xffff'ffffU;
        if constexpr (P::undo) {
            if (t_.check.new_text_left()) return all;
        }
        if (snd_.tail) return all;
        if (t_.selective()) return t_.window();
        if (t_.early()) return t_.window() + 1;  // the SYN is no text
        const unsigned extra = t_.recovery.active() ? 0 : std::min(t_.recovery.duplicates(), 2U);
        return t_.congestion.window() + extra * snd_.mss;
    }

    /// Nothing was sent for longer than the RTO (RFC 5681 4.1); to a control that rules by rates, for however short.
    [[nodiscard]] constexpr bool was_idle() const noexcept {
        if constexpr (tcb<P>::rate_based) {
            if (t_.rate.app_limited()) return true;
        }
        return now_ - t_.sent_at > t_.rto();
    }
    /// A segment with the acknowledgment, window, urgent pointer and options of now. It pays the debt of an ACK.
    [[nodiscard]] constexpr segment blank(seq number, control bits, bool text = false) noexcept {
        segment seg{.seq = number, .ctl = bits};
        seg.wnd = window(bits.has(ctl::syn));
        if (bits.has(ctl::ack)) {
            seg.ack = rcv_.nxt;
            rcv_.acked = rcv_.nxt;
            rcv_.ack_now = false;
            t_.ack_due = never;
            add_options(seg.options);
            if (!bits.has(ctl::syn)) {
                seg.options.accecn = t_.ecn.option(seg, text);
                if (!t_.ecn.no_sack()) t_.duplicate.told();
                t_.ecn.write(seg, text);
                if constexpr (P::user_timeout_option) t_.timeouts.told();
            }
        }
        if (snd_.synced) mark_urgent(seg);
        return seg;
    }
    /// Urgent octets lie ahead (3.8.5). A distance that 16 bits cannot say is the largest that they can.
    constexpr void mark_urgent(segment& seg) const noexcept {
        if (snd_.up <= later(seg.seq, snd_.una)) return;
        seg.ctl |= ctl::urg;
        seg.up = static_cast<std::uint16_t>(std::min<std::uint32_t>(snd_.up - seg.seq, 0xffff));
    }
    constexpr void add_options(options& opt) const noexcept {
        if (t_.ts.on) stamp(opt, t_.ts.recent);
        if constexpr (P::user_timeout_option) {
            if (t_.timeouts.owed()) advertise(opt);
        }
        if (!t_.sack_ok) return;
        if (t_.ecn.no_sack()) return;
        write_blocks(opt, t_.ts.on ? 3 : 4, t_.duplicate.owed(), rcv_.nxt, t_.held);
    }
    constexpr void advertise(options& opt) const noexcept {
        opt.has_user_timeout = t_.given.user_timeout_option;
        opt.user_timeout = opt.has_user_timeout ? user_timeout_field(t_.timeouts.adv()) : std::uint16_t{0};
    }
    constexpr void stamp(options& opt, std::uint32_t echo) const noexcept {
        opt.has_timestamps = true;
        opt.ts_val = t_.stamp(now_);
        opt.ts_ecr = echo;
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
        const bool open = rcv_.opening() >= std::max<std::uint32_t>(rcv_.worth(), 1);
        const std::uint32_t offer = open ? rcv_.limit() - rcv_.nxt : rcv_.wnd();
        std::uint32_t field = offer >> rcv_.shift;
        if (field << rcv_.shift < rcv_.wnd() && rcv_.nxt + ((field + 1) << rcv_.shift) <= rcv_.limit()) ++field;
        field = std::min<std::uint32_t>(field, 0xffff);
        const seq before = rcv_.edge;
        rcv_.edge = later(rcv_.edge, rcv_.nxt + (field << rcv_.shift));
        if (rcv_.edge != before) t_.watch.offered(rcv_.edge, now_);
        return static_cast<std::uint16_t>(field);
    }

    /// What sending this segment changes: SND.NXT, the repair, the round trip that is timed, the timer.
    [[nodiscard]] constexpr segment account(const segment& seg, bool first) noexcept {
        const seq end = seg.seq + seg.len();
        if (!snd_.outstanding()) t_.armed_at = t_.stalled_since = now_;
        // As RFC 6675 section 6 advises: what is sent again has a round trip of its own before it.
        if (!first && seg.seq == snd_.una && t_.selective()) t_.armed_at = now_;
        if (!first) {
            snd_.timing = false;  // Karn
        } else if (!snd_.timing) {
            snd_.timing = true;
            snd_.timed = end;
            t_.timed_at = now_;
        }
        const bool repairing = seg.seq == snd_.again;
        snd_.nxt = later(snd_.nxt, end);
        path_takes(t_, seg, first);
        if (repairing) snd_.again = path_mended(t_, end);
        return seg;
    }

    /// What loss detection, pacing and proofs of spurious retransmission keep of a transmission.
    constexpr void remember(const segment& seg, bool first) noexcept {
        const seq end = seg.seq + seg.len();
        if constexpr (tcb<P>::remembers) {
            if (t_.selective() || (tcb<P>::rate_based && snd_.synced)) {
                auto& sent = t_.sent;
                typename selective_recovery<P>::stamp stamp{};
                if constexpr (tcb<P>::rate_based) stamp = t_.rate.stamp(now_, t_.in_flight(), seg.len());
                const auto grain = static_cast<std::uint32_t>(t_.rtt.srtt().count() * 4) / P::sent_ranges;
                sent.board.sent(seg.seq, end, to_microseconds32(now_), static_cast<std::uint32_t>(grain), stamp);
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

    tcb<P>& t_;
    send_sequence& snd_;
    receive_sequence& rcv_;
    time_point now_;
};

}  // namespace tcpfsm
