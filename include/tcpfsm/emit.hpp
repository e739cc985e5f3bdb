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
        if (snd_.lost_one && snd_.outstanding()) return sent_before(snd_.una);
        if (snd_.again != snd_.nxt) return repair();
        return fresh();
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
        if constexpr (P::fast_open) {  // a SYN once more goes without, whatever the path had against it (RFC
                                       // 7413 4.2.1)
            if (first && !with_ack) t_.opening.write(opt);
            with_text = with_text || t_.opening.shows();
        }
        if (with_text && first && !with_ack) {
            const auto room = static_cast<std::uint32_t>(snd_.mss - options_size(seg));
            seg.text = std::min(snd_.unsent(), room);
            if (seg.text != 0) mark_urgent(seg);
        }
        seg = account(seg, first);
        if (first) snd_.timed = snd_.iss + 1;  // the text may be acknowledged later than the SYN
        return {seg, 0};
    }

    /// The text or FIN of `next()`.
    [[nodiscard]] constexpr transmit text(const stretch& s) noexcept {
        const bool first = s.from == snd_.nxt;
        if (first && !snd_.outstanding() && now_ - t_.sent_at > t_.rto()) t_.congestion.was_idle(t_.to_peer(now_));
        control bits = ctl::ack;
        if (s.fin) bits |= ctl::fin;
        if (s.text != 0 && s.from + s.text == snd_.end) bits |= ctl::psh;  // MUST-61
        segment seg = blank(s.from, bits, s.text != 0);
        seg.text = s.text;
        if (first && s.text != 0 && !snd_.shut()) t_.ecn.write_new_text(seg);
        snd_.lost_one = snd_.lost_one && s.from != snd_.una;
        snd_.probe = false;
        if (first) snd_.hurry = false;
        t_.sent_at = now_;
        return {account(seg, first), s.from - snd_.first_text()};
    }

    /// An ACK and nothing else, <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>. But if a probe, or a window that was taken back,
    /// has left SND.NXT beyond the peer's window, an ACK from there would not be heard, nor its news.
    [[nodiscard]] constexpr transmit bare_ack() noexcept {
        const bool heard = !snd_.synced || snd_.nxt <= snd_.una + snd_.wnd;
        segment seg = blank(heard ? snd_.nxt : snd_.una, ctl::ack);
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
            if (packet == 0 || snd_.retries != 0 || t_.recovery.active() || t_.recovery.duplicates() != 0) return most;
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
    /// Text that was sent before, from `from` on; its FIN only if that was sent, too.
    [[nodiscard]] constexpr std::optional<stretch> sent_before(seq from) const noexcept {
        const std::uint32_t room = snd_.usable(from);  // SHLD-16
        const std::uint32_t rest = earlier(snd_.nxt, snd_.end) - from;
        const std::uint32_t n = std::min({rest, room, full()});
        if (room == 0) return std::nullopt;
        return stretch{from, n, n == rest && n < room && snd_.fin_sent()};
    }
    /// After a retransmission timeout: everything again, as the congestion window allows.
    [[nodiscard]] constexpr std::optional<stretch> repair() const noexcept {
        const auto s = sent_before(snd_.again);
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
        const std::uint32_t room = snd_.usable(snd_.nxt);
        const std::uint32_t most = largest(std::min(unsent, room));
        const std::uint32_t n = std::min({unsent, room, most});
        const bool all = n == unsent;
        const bool fin = all && snd_.fin && !snd_.fin_sent() && n < room;
        if (n == 0) return fin ? std::optional{stretch{snd_.nxt, 0, true}} : std::nullopt;
        if (snd_.outstanding() && snd_.flight() + n > allowance()) return std::nullopt;
        if (t_.ecn.holds(now_)) return std::nullopt;
        const bool alone = !snd_.outstanding() || !t_.given.nagle;
        const bool last = fin || snd_.close_waits;  // nothing will follow that it could wait for
        const bool worth = n == most || (all && (alone || last)) || (alone && n >= snd_.max_wnd / 2) || snd_.hurry;
        return stretch{snd_.nxt, n, fin, !worth};
    }
    /// How much may be in flight: the congestion window, and two segments more on the first two duplicate
    /// ACKs (limited transmit, RFC 3042).
    [[nodiscard]] constexpr std::uint32_t allowance() const noexcept {
        const unsigned extra = t_.recovery.active() ? 0 : std::min(t_.recovery.duplicates(), 2U);
        return t_.congestion.window() + extra * snd_.mss;
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
        opt.ts_val = t_.ts.at(now_);
        opt.ts_ecr = echo;
    }

    /// SEG.WND, and with it the right edge, which moves right or not at all (SHLD-14), and by no less than
    /// is worth it (3.8.6.2.2). A scaled window that does not come out even is rounded up if the buffer
    /// holds it; else the peer sees up to one unit less, and what it was promised is still accepted.
    [[nodiscard]] constexpr std::uint16_t window(bool with_syn) noexcept {
        if (with_syn) {
            const std::uint32_t offer = std::min<std::uint32_t>(std::max(rcv_.buff, rcv_.wnd()), 0xffff);
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
        if (!first) {
            snd_.timing = false;  // Karn
        } else if (!snd_.timing) {
            snd_.timing = true;
            snd_.timed = end;
            t_.timed_at = now_;
        }
        const bool repairing = seg.seq == snd_.again;
        snd_.nxt = later(snd_.nxt, end);
        if (snd_.flight() + snd_.mss > t_.congestion.window()) snd_.full_to = snd_.nxt;
        path_takes(t_, seg, first);
        if (repairing) snd_.again = path_mended(t_, end);
        return seg;
    }

    tcb<P>& t_;
    send_sequence& snd_;
    receive_sequence& rcv_;
    time_point now_;
};

}  // namespace tcpfsm
