// SPDX-License-Identifier: MIT
// next_segment.hpp: how much may be sent now, and what of it.
#pragma once

#include <tcpfsm/dsack.hpp>
#include <tcpfsm/option_codec.hpp>
#include <tcpfsm/resegment.hpp>
#include <tcpfsm/segment.hpp>
#include <tcpfsm/seq.hpp>
#include <tcpfsm/tcb.hpp>
#include <tcpfsm/time.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>

// RFC 9293 sections 3.7.1, 3.7.4, 3.8.1, 3.8.6: a repair, a probe, or new text, as the windows allow. Nothing is
// changed here; emit.hpp makes the segment.

namespace tcpfsm {

/// Finds what one TCB is to send next.
template <class P>
class next_segment {
public:
    /// `most`: octets of text that the caller's link takes at once, if that is more than one segment.
    constexpr next_segment(tcb<P>& t, time_point now, std::uint32_t most) noexcept
        : t_{t}, snd_{t.snd}, rcv_{t.rcv}, now_{now}, most_{most} {}

    /// The stretch of sequence space that the next segment with text or FIN will carry.
    struct stretch {
        seq from{};
        std::uint32_t text = 0;
        bool fin = false;
        bool held_back = false;  ///< there is text, but silly windows or Nagle keep it (then no other member counts)
        std::uint32_t each = 0;  ///< several segments of this size, the last of which may be smaller; 0: it is one
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
    /// Nothing can leave but new text and an ACK: no handshake, no end, no repair, no probe.
    [[nodiscard]] constexpr bool calm() const noexcept {
        if constexpr (tcb<P>::paced || (tcb<P>::remembers && !P::rack_tlp)) return false;
        if constexpr (tcb<P>::remembers) {
            if (t_.sent.board.lost() != 0) return false;
        }
        return snd_.calm();
    }
    /// What `next()` would find where all is calm, if that is a full-sized segment, several, or all that there is and
    /// nothing outstanding, without options but timestamps; else nothing.
    [[nodiscard]] constexpr std::optional<stretch> next_if_calm() const noexcept {
        if constexpr (P::undo) {
            if (t_.check.wants_new_text()) return std::nullopt;
        }
        if constexpr (probes_path<P>) {
            if (t_.mtu.wants_probe(now_) != 0) return std::nullopt;
        }
        if (snd_.nxt < snd_.up || t_.ecn.mode() != ecn_mode::off || !plain()) return std::nullopt;
        const std::uint32_t unsent = snd_.end - snd_.nxt;
        const std::uint32_t room = snd_.usable(snd_.nxt);
        const std::uint32_t full = snd_.mss - (t_.ts.on ? 12U : 0U);
        const std::uint32_t n = std::min(unsent, full);
        if (n > room || (snd_.outstanding() && (n < full || t_.in_flight() + n > allowance()))) return std::nullopt;
        if (most_ <= n || n < full) return stretch{snd_.nxt, n};
        return stretch{snd_.nxt, several(n, std::min(unsent, room)), false, false, n};
    }

protected:
    /// Segments bear no options now but timestamps.
    [[nodiscard]] constexpr bool plain() const noexcept {
        if constexpr (P::user_timeout_option) {
            if (t_.timeouts.owed()) return false;
        }
        const bool no_blocks = !t_.sack_ok || (t_.held.empty() && t_.duplicate.owed() == sack_block{});
        return no_blocks && t_.ecn.quiet();
    }
    /// Octets of text in a full-sized segment: the MSS less the options it will carry (MUST-16).
    [[nodiscard]] constexpr std::uint32_t full() const noexcept {
        if (plain()) return snd_.mss - (t_.ts.on ? 12U : 0U);
        segment seg{.ctl = ctl::ack};
        add_options(seg.options);
        seg.options.accecn = t_.ecn.option(seg, true);
        return static_cast<std::uint32_t>(snd_.mss - options_size(seg));
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

    tcb<P>& t_;
    send_sequence& snd_;
    receive_sequence& rcv_;
    time_point now_;
    std::uint32_t most_;

private:
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
        std::uint32_t n = std::min({unsent, room, most});
        const std::uint32_t each = n == most ? n : 0;
        if (each != 0 && most_ > most) n = several(most, std::min(unsent, room));
        const bool all = n == unsent;
        const bool fin = all && snd_.fin && !snd_.fin_sent() && n < room;
        if (n == 0) return fin ? std::optional{stretch{snd_.nxt, 0, true}} : std::nullopt;
        if (snd_.outstanding() && t_.in_flight() + n > allowance()) return std::nullopt;
        if (t_.ecn.holds(now_)) return std::nullopt;
        const bool first = !snd_.outstanding() || (t_.early() && snd_.nxt == snd_.iss + 1);
        const bool alone = first || !t_.given.nagle;
        const bool last = fin || snd_.close_waits;  // nothing will follow that it could wait for
        const bool worth = n >= most || (all && (alone || last)) || (alone && n >= snd_.max_wnd / 2) || snd_.hurry;
        return stretch{snd_.nxt, n, fin, !worth, n > most ? each : 0};
    }
    /// How much of `waiting` octets of new text may go as segments of `each` at once: as many full-sized ones as there
    /// is room for, and a smaller one behind them if nothing keeps that. But one by one while each counts by itself.
    [[nodiscard]] constexpr std::uint32_t several(std::uint32_t each, std::uint32_t waiting) const noexcept {
        bool counts = !plain() || snd_.tail || t_.early() || snd_.up > snd_.nxt || t_.ecn.reduces();
        if constexpr (P::undo) counts = counts || t_.check.wants_new_text();
        if (counts || each != full()) return each;  // not full(): a probe of the path's MTU
        std::uint32_t most = std::min(waiting, most_);
        if constexpr (tcb<P>::paced) {
            const std::uint64_t rate = pacing_rate(t_.congestion, t_.to_peer(now_));
            if (rate != 0) most = static_cast<std::uint32_t>(std::min<std::uint64_t>(most, pacer::quantum(rate, each)));
        }
        const std::uint32_t window = allowance();
        const std::uint32_t flight = t_.in_flight();
        most = std::min(most, window > flight ? window - flight : 0);
        const bool rest = most == snd_.unsent() && (!t_.given.nagle || snd_.fin || snd_.close_waits);
        return std::max(each, rest ? most : most - most % each);
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
};

}  // namespace tcpfsm
