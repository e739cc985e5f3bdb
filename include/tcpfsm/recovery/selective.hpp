// SPDX-License-Identifier: MIT
// recovery/selective.hpp: what an ACK means for loss where the peer agreed to SACK.
#pragma once

#include <tcpfsm/resegment.hpp>
#include <tcpfsm/segment.hpp>
#include <tcpfsm/seq.hpp>
#include <tcpfsm/tcb.hpp>
#include <tcpfsm/time.hpp>

#include <algorithm>
#include <cstdint>

// The order of things on each ACK: the scoreboard learns what was delivered (RFC 2018); a reduction that proves wrong
// is taken back (RFC 5682, 3522, 3708); recovery may end; losses are found (RFC 8985, or RFC 6675); recovery may begin;
// the congestion control hears of it, and PRR (RFC 9937) says how much may leave.

namespace tcpfsm {

/// Selective recovery of one TCB.
template <class P>
class selective {
    using range = typename selective_recovery<P>::board_type::range;
    using stretch = typename selective_recovery<P>::board_type::stretch;

public:
    constexpr selective(tcb<P>& t, time_point now) noexcept : t_{t}, s_{t.sent}, snd_{t.snd}, now_{now} {}

    /// The handshake is done. What was sent with the SYN and not taken goes again.
    constexpr void begin() noexcept {
        s_ = {};
        s_.board.begin(snd_.una, snd_.nxt, clock32(), clock32() - to_microseconds32(t_.timed_at));
        s_.rack.begin(snd_.una);
        s_.recover = snd_.una;
        s_.tail_from = now_;
        if (t_.rtt.sampled()) s_.tail.sampled();
        if (!t_.selective() || snd_.again == snd_.nxt) return;
        snd_.again = snd_.nxt;
        t_.send_again();
    }
    /// An acceptable ACK. SND.UNA has moved over `octets` of it already; `p` is the path before it did; `echo` is the
    /// round trip by its timestamp, or zero.
    constexpr void take(const segment& seg, path p, std::uint32_t octets, duration echo = {}) noexcept {
        if (octets != 0 && calm(seg)) return take_in_order(seg, p, octets, echo);
        before_ = t_.unsacked();
        s_.board.acknowledge(snd_.una, [&](const range& r, std::uint32_t n) {
            if constexpr (P::undo) {
                if (r.again && answers_before(seg, r)) t_.check.echoed(n);
            }
            deliver(seg, r, n);
        });
        const std::uint32_t held = s_.board.sacked();
        const bool duplicate = take_blocks(seg);
        measure(p, echo);
        p.una = snd_.una;
        if (octets != 0) {
            s_.duplicates = 0;
            s_.tail_from = now_;
            snd_.lost_one = false;
        } else if (s_.board.sacked() > held && s_.duplicates < 3) {
            ++s_.duplicates;
        }
        // The front cannot have arrived and not be acknowledged: the peer has thrown it away (RFC 2018 section 8).
        if (!s_.board.empty() && s_.board[0].sacked) s_.board.forget_sacks();
        if (proves_wrong(seg, octets)) take_back(p);
        const bool fast = s_.now == episode::fast;
        const bool ends = s_.now != episode::none && snd_.una >= s_.recover;
        if (ends) end(p);
        const bool of_tail = duplicate && s_.tail.ends_at(seg.options.sack[0].right);
        const bool repaired = s_.tail.acknowledged(seg.ack, of_tail, octets == 0 && !sacks(seg));
        const std::uint32_t lost = find_losses();
        respond(p, octets, lost, ends && fast, repaired);
    }
    /// The same where nothing is missing, nothing is being recovered from and nothing is doubted.
    constexpr void take_in_order(const segment& seg, path& p, std::uint32_t octets, duration echo) noexcept {
        s_.board.acknowledge(snd_.una, [&](const range& r, std::uint32_t n) { deliver(seg, r, n); });
        measure(p, echo);
        p.una = snd_.una;
        s_.duplicates = 0;
        s_.tail_from = now_;
        s_.reorder_due = never;
        snd_.lost_one = false;
        t_.congestion.acked(p, octets);
        sample(p);
    }
    /// The same where the peer did not agree to SACK: the records serve to measure rates alone.
    constexpr void take_plain(const segment& seg, const path& p) noexcept {
        s_.board.acknowledge(snd_.una, [&](const range& r, std::uint32_t n) { deliver(seg, r, n); });
        sample(p);
    }
    /// The reordering timer: more is lost, although no ACK has said so.
    constexpr void overdue() noexcept {
        before_ = t_.unsacked();
        const std::uint32_t lost = find_losses();
        if (lost == 0) return;
        if (s_.now == episode::none && !lost_a_probe(lost)) begin(t_.to_peer(now_), lost);
        s_.prr.nothing_delivered(s_.board.pipe(), snd_.mss);
        sample(t_.to_peer(now_));
    }
    /// The retransmission timer (RFC 8985 6.3): the first segment is lost, and what is overdue.
    constexpr void timed_out() noexcept {
        if (!s_.board.empty() && s_.board[0].sacked) s_.board.forget_sacks();
        std::uint32_t allowed = 0;
        if constexpr (P::rack_tlp) allowed = s_.rack.allowance(view());
        lose([&](const range& r, const stretch& where) {
            return where.left == snd_.una || clock32() - r.sent >= allowed;
        });
        s_.now = episode::timeout;
        s_.recover = snd_.nxt;
        s_.reorder_due = never;
        s_.duplicates = 0;
        s_.tail.stop();
    }

private:
    [[nodiscard]] constexpr bool calm(const segment& seg) const noexcept {
        if constexpr (P::undo) {
            if (t_.check.open()) return false;
        }
        const bool whole = s_.board.sacked() == 0 && s_.board.lost() == 0;
        return s_.now == episode::none && whole && !s_.tail.out() && !sacks(seg);
    }
    [[nodiscard]] static constexpr bool sacks(const segment& seg) noexcept { return seg.options.sack_count != 0; }

    /// What was sent once, and delivered by this ACK, has a round trip (RFC 6298 3); else its echo may tell one. What
    /// was sent after a timeout ends the backing off (RFC 8961 section 4).
    constexpr void measure(path& p, duration echo) noexcept {
        const bool timed = p.rtt != duration::zero() || snd_.timing;
        const bool backed_off = t_.rtt.backed_off() != 0;
        p.rtt = rtt_;
        if (rtt_ != duration::zero()) s_.tail.sampled();
        if (rtt_ != duration::zero() && (backed_off ? t_.armed_at <= now_ - rtt_ : !timed)) {
            t_.rtt.sample(rtt_);
        } else if (echo != duration::zero() && !timed) {
            t_.rtt.sample(echo);
        }
    }
    /// Octets of one range have arrived.
    constexpr void deliver(const segment& seg, const range& r, std::uint32_t octets) noexcept {
        delivered_ += octets;
        const duration age{static_cast<std::int64_t>(clock32() - r.sent)};
        if (!r.again) {
            if (!r.blurred()) rtt_ = std::max(age, duration{1});
            original_ = original_ || r.end <= s_.recover;
        }
        if constexpr (P::undo) {
            if (r.lost) t_.check.cleared(octets);
        }
        s_.rack.delivered(r, r.end, clock32(), answers_before(seg, r));
        if constexpr (tcb<P>::rate_based) t_.rate.taken(r.stamp, octets, now_ - age, r.again || r.blurred());
    }
    /// The ACK's timestamp tells that it answers an earlier transmission than the last one of this range.
    [[nodiscard]] constexpr bool answers_before(const segment& seg, const range& r) const noexcept {
        if (!t_.ts.on || !seg.options.has_timestamps) return false;
        const duration age{static_cast<std::int64_t>(clock32() - r.sent)};
        return seg.options.ts_ecr - t_.stamp(now_ - age) >= 0x80000000U;
    }
    /// The SACK blocks. Answers whether the first one reports a duplicate (RFC 2883 section 4).
    constexpr bool take_blocks(const segment& seg) noexcept {
        const options& opt = seg.options;
        bool duplicate = false;
        for (std::size_t i = 0; i < opt.sack_count; ++i) {
            const sack_block b = opt.sack[i];
            if (i == 0 && is_duplicate(opt, seg.ack)) {
                duplicate = true;
                s_.rack.duplicate_seen(snd_.una, snd_.nxt);
                if constexpr (P::undo) t_.check.duplicated(b.left, b.right);
                continue;
            }
            // Wholly beyond SND.UNA and within what was sent; numbers 2^31 apart have no order, so as distances.
            const std::uint32_t left = b.left - snd_.una;
            const std::uint32_t right = b.right - snd_.una;
            if (left == 0 || left >= right || right > snd_.flight()) continue;
            s_.board.sack({b.left, b.right}, [&](const range& r, std::uint32_t n) { deliver(seg, r, n); });
        }
        return duplicate;
    }
    /// Below the ACK, or inside the second block. The range was sent not long ago, or somebody is guessing.
    [[nodiscard]] constexpr bool is_duplicate(const options& opt, seq ack) const noexcept {
        const sack_block b = opt.sack[0];
        const std::uint32_t size = b.right - b.left;
        if (size == 0 || size > snd_.max_wnd) return false;
        const std::uint32_t below = ack - b.left;
        if (below != 0 && below <= snd_.max_wnd && size <= below) return true;
        const sack_block c = opt.sack[1];
        return opt.sack_count > 1 && b.left - c.left < c.right - c.left && b.right - c.left <= c.right - c.left;
    }
    [[nodiscard]] constexpr bool proves_wrong(const segment& seg, std::uint32_t octets) noexcept {
        if constexpr (P::undo) {
            if (!t_.check.open()) return false;
            // What was forgotten may have been sent twice although something else was lost.
            const bool wrong = t_.check.all_were_wrong() && !s_.board.forgot();
            if (s_.now != episode::timeout) return wrong;
            const bool stamped = t_.ts.on && seg.options.has_timestamps && octets != 0;
            const bool first = stamped && t_.check.answers_the_first(seg.options.ts_ecr);
            return t_.check.moved(snd_.una, octets != 0, original_) || first || wrong;
        }
        return false;
    }
    /// RFC 4015: the reduction is taken back, and nothing is sent again.
    constexpr void take_back(const path& p) noexcept {
        if constexpr (P::undo) {
            s_.board.unlose();
            path after = p;  // in terms of what is in flight
            after.una = snd_.nxt - s_.board.pipe();
            after.flight = s_.board.pipe() + delivered_;
            t_.congestion.restore(t_.check.before(), after);
            if (s_.now == episode::timeout) {
                t_.rtt.was_spurious();
            } else {
                s_.rack.proved_reordering();
            }
            t_.check.close();
            s_.now = episode::none;
            snd_.lost_one = false;
        }
    }
    constexpr void end(path p) noexcept {
        if (s_.now == episode::fast) {
            p.flight = t_.congestion.threshold();  // RFC 9937: cwnd = ssthresh
            t_.congestion.recovered(p);
        }
        s_.rack.recovered();
        s_.now = episode::none;
    }
    /// Looks for losses, and when to look again although no ACK comes. Answers how many octets were found.
    constexpr std::uint32_t find_losses() noexcept {
        s_.reorder_due = never;
        if (s_.now == episode::none && s_.board.sacked() == 0 && !s_.tail.out()) return 0;
        if constexpr (P::rack_tlp) {
            const microseconds32 now = clock32();
            const std::uint32_t allowed = s_.rack.allowance(view());
            std::uint32_t wait = 0;
            const auto rest = [&](const range& r) { return s_.rack.remaining(r.sent, r.end, now, allowed); };
            const std::uint32_t lost = lose(
                [&](const range& r, const stretch&) {
                    const std::uint32_t left = rest(r);
                    if (left != recent_acknowledgment::no_hurry) wait = std::max(wait, left);
                    return left == 0;
                },
                [&](const range& r) { return rest(r) == recent_acknowledgment::no_hurry; });
            if (wait != 0) s_.reorder_due = after(now_, duration{wait});
            return lost;
        } else {
            const std::uint32_t lost = lose_by_count(s_.board, snd_.mss, [&](auto is_lost) { return lose(is_lost); });
            if (lost != 0 || s_.now != episode::none || s_.duplicates < 3) return lost;
            // RFC 6675 section 5, step (1): three ACKs with news, of however few octets.
            s_.board.split(snd_.una + snd_.mss);
            return lose([&](const range& r, const stretch& where) { return where.left == snd_.una && !r.again; });
        }
    }
    template <class F, class... Later>
    constexpr std::uint32_t lose(F is_lost, Later... is_later) noexcept {
        const auto told = [&](const range& r, const stretch& where) {
            if (!is_lost(r, where)) return false;
            if constexpr (P::undo) t_.check.suspect(where.right - where.left);
            if constexpr (tcb<P>::rate_based) {
                const auto sample = t_.rate.missed(r.stamp, where.left, where.right - where.left);
                t_.congestion.missed(t_.to_peer(now_), sample);
            }
            return true;
        };
        return s_.board.lose(told, is_later...);
    }
    constexpr void begin(path p, std::uint32_t lost) noexcept {
        if constexpr (P::undo) {
            t_.check.begin(t_.congestion, snd_.nxt, false, true);
            t_.check.suspect(lost);
        }
        s_.board.remember_all();
        p.flight = before_;
        t_.congestion.lost(p);
        t_.ecn.reduced(snd_.nxt);
        s_.prr.begin(before_);
        s_.now = episode::fast;
        s_.recover = snd_.nxt;
        s_.tail.stop();
    }
    /// What is lost is a probe of the path's MTU and nothing else: no sign of congestion (RFC 4821 7.5).
    [[nodiscard]] constexpr bool lost_a_probe([[maybe_unused]] std::uint32_t lost) noexcept {
        if constexpr (probes_path<P>) {
            const auto where = s_.board.first_lost();
            if (!where || !t_.mtu.probes_at(where->left) || where->right - where->left != lost) return false;
            t_.mtu.lost_probe(probe_pause(t_), now_);
            return true;
        }
        return false;
    }
    constexpr void respond(const path& p, std::uint32_t octets, std::uint32_t lost, bool ended,
                           bool repaired) noexcept {
        if (s_.now == episode::none && lost != 0) {
            if (!lost_a_probe(lost)) begin(p, lost);
        } else if (s_.now != episode::fast && !ended) {
            // Where packets overtake each other, a hole is no duplicate ACK: what is beyond it was delivered.
            std::uint32_t counts = octets;
            if constexpr (P::rack_tlp) {
                if (s_.rack.reordering_seen()) counts = delivered_;
            }
            if (counts != 0) t_.congestion.acked(p, counts);
            // RFC 8985 7.4: a probe has repaired what was lost; the loss remains a sign of congestion.
            if (s_.now == episode::none && repaired) {
                path after = p;
                after.flight = before_;
                t_.congestion.lost(after);
                after.flight = t_.congestion.threshold();
                t_.congestion.recovered(after);
            }
        }
        if (s_.now == episode::fast) {
            s_.prr.delivered(delivered_, s_.board.pipe(), t_.congestion.threshold(), octets != 0 && lost == 0,
                             snd_.mss);
            if (delivered_ == 0) s_.prr.nothing_delivered(s_.board.pipe(), snd_.mss);
        }
        sample(p);
    }

    /// What a rate-based control is told of each ACK that delivers or misses something.
    constexpr void sample(const path& p) noexcept {
        if constexpr (tcb<P>::rate_based) t_.congestion.delivered(p, t_.rate.sample(now_, s_.board.pipe()));
    }
    [[nodiscard]] constexpr recent_acknowledgment::view view() const noexcept {
        const bool three = s_.duplicates >= 3 || s_.board.sacked() > 2U * snd_.mss;
        return {static_cast<std::uint32_t>(t_.rtt.srtt().count()), s_.now != episode::none, three};
    }
    [[nodiscard]] constexpr microseconds32 clock32() const noexcept { return to_microseconds32(now_); }

    tcb<P>& t_;
    selective_recovery<P>& s_;
    send_sequence& snd_;
    time_point now_;
    std::uint32_t before_ = 0;     // in flight before this ACK, but for what was selectively acknowledged
    std::uint32_t delivered_ = 0;  // by this ACK
    duration rtt_{};               // of the last octets that it has delivered and that were sent once
    bool original_ = false;        // it has delivered what was sent before the last reduction, and once
};

}  // namespace tcpfsm
