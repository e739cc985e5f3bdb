// SPDX-License-Identifier: MIT
// acknowledge.hpp: what an acceptable acknowledgment changes at the sender.
#pragma once

#include <tcpfsm/arrival.hpp>
#include <tcpfsm/recovery/selective.hpp>
#include <tcpfsm/resegment.hpp>
#include <tcpfsm/segment.hpp>
#include <tcpfsm/tcb.hpp>

#include <algorithm>
#include <cstdint>

// RFC 9293 section 3.10.7.4, fifth: SND.UNA, the send window, the round-trip time (RFC 6298, RFC 7323) and
// what loss detection and congestion control make of it (RFC 5681, RFC 6582).

namespace tcpfsm {

/// Takes the ACK of a segment that the judges found acceptable.
template <class P>
class acknowledger {
public:
    constexpr acknowledger(tcb<P>& t, arrival& out, time_point now) noexcept
        : t_{t}, snd_{t.snd}, rcv_{t.rcv}, out_{out}, now_{now} {}

    /// 3.10.7.4, fifth.
    constexpr void take(const segment& seg) noexcept {
        const bool advances = snd_.una < seg.ack;
        const std::uint32_t window = std::uint32_t{seg.wnd} << (seg.has(ctl::syn) ? 0U : snd_.shift);
        t_.heard_at = now_;
        t_.keep_alives = 0;
        const std::uint32_t flight = snd_.flight();
        const ecn_report marks = t_.ecn.take(seg, ecn_view_of(seg));
        marked_ = marks.marked;
        take_timestamp(seg);
        if (advances) {
            advance(seg);
        } else if ((seg.ack == snd_.una && snd_.outstanding()) || (t_.selective() && seg.options.sack_count != 0)) {
            // D-SACKs have something to say when all is acknowledged, too, and blocks on an ACK that was overtaken.
            take_again(seg, window);
        }
        if (marks.congested) answer_marks(flight, seg.ack);
        if (marks.ack_now) rcv_.ack_now = true;
        // What acknowledges more was sent later, whatever its number: without its window, the one before would move
        // along with SND.UNA, and end where the peer has offered nothing.
        const bool newer = snd_.wl1 < seg.seq || (snd_.wl1 == seg.seq && snd_.wl2 <= seg.ack);
        if ((snd_.una <= seg.ack && newer) || advances) {
            snd_.wnd = window;
            snd_.max_wnd = std::max(snd_.max_wnd, window);
            snd_.wl1 = seg.seq;
            snd_.wl2 = seg.ack;
        }
        if constexpr (P::user_timeout_option) take_user_timeout(seg.options);
        // MUST-37: as long as the peer answers probes, it may keep its window shut.
        if (snd_.wnd == 0) t_.stalled_since = now_;
    }

private:
    /// RFC 7323 4.3 and 5.3 R3. The segment has passed the window test.
    constexpr void take_timestamp(const segment& seg) noexcept {
        if (!t_.ts.on || !seg.options.has_timestamps || rcv_.acked < seg.seq) return;
        t_.ts.recent = seg.options.ts_val;
        t_.ts.recent_at = now_;
    }
    [[nodiscard]] constexpr ecn_view ecn_view_of(const segment& seg) const noexcept {
        const bool stamped = t_.ts.on && seg.options.has_timestamps;
        const bool newer = snd_.una < seg.ack || (stamped && seq{t_.ts.recent} < seq{seg.options.ts_val});
        return {.una = snd_.una,
                .nxt = snd_.nxt,
                .smss = snd_.mss,
                .synced = snd_.synced != 0,
                .newer = newer,
                .unacked = rcv_.nxt != rcv_.acked || seg.text != 0};
    }
    /// RFC 3168 6.1.2: once a window the same as for a loss, with nothing sent again. At a window of one segment, new
    /// text waits for as long as the retransmission timer.
    constexpr void answer_marks(std::uint32_t flight, seq ack) noexcept {
        if (t_.congestion.window() <= snd_.mss) {
            t_.armed_at = now_;
            t_.ecn.hold(after(now_, t_.rto()));
        }
        if (!t_.ecn.answers(ack)) return;
        path p = told();
        p.flight = flight;
        t_.congestion.marked(p);
        t_.ecn.reduced(snd_.nxt);
    }
    /// RFC 5482 3.1 and 3.3, in the states that are synchronized: earlier ones wait as they would without it.
    constexpr void take_user_timeout(const options& opt) noexcept {
        if (!t_.given.user_timeout_option) return;
        if (opt.has_user_timeout) t_.timeouts.heard(opt.user_timeout);
        if (!t_.given.user_timeout_changeable || t_.timeouts.remote() == duration{0}) return;
        t_.given.user_timeout =
            adopted_user_timeout(t_.timeouts.adv(), t_.timeouts.remote(), P::user_timeouts, t_.rto());
    }
    /// SND.UNA stays: a duplicate, or a window update. RFC 5681 section 2 tells them apart by the window; RFC 6675
    /// section 2 by what SACK blocks say, if there are any.
    constexpr void take_again(const segment& seg, std::uint32_t window) noexcept {
        if constexpr (tcb<P>::remembers) {
            if (t_.selective()) return selective<P>{t_, now_}.take(seg, told(), 0);
        }
        const bool sacks = t_.sack_ok && seg.options.sack_count != 0;
        const bool told_more = sacks && t_.recovery.tells_more(seg.options, snd_.una, snd_.nxt);
        const bool same = !sacks && seg.len() == 0 && window == snd_.wnd && window != 0;
        if (!told_more && !same) return;
        if constexpr (P::undo) t_.check.duplicate();
        heed(t_.recovery.duplicate(snd_.una, snd_.nxt, told_more), 0, told());
    }
    /// The numbers before this report, and what it says of marks.
    [[nodiscard]] constexpr path told() const noexcept {
        path before = t_.to_peer(now_);
        before.marked = marked_;
        return before;
    }
    /// SND.UNA moves.
    constexpr void advance(const segment& seg) noexcept {
        path before = told();
        const seq first = snd_.first_text();
        const bool syn_was_lost = t_.rtt.backed_off() != 0;
        before.rtt = measure(seg);
        before.srtt = t_.rtt.srtt();
        before.una = snd_.una = seg.ack;
        snd_.again = later(snd_.again, snd_.una);
        snd_.up = later(snd_.up, snd_.una);
        snd_.full_to = later(snd_.full_to, snd_.una);
        t_.stalled_since = now_;
        snd_.retries = 0;
        if (!snd_.synced) {
            snd_.synced = true;
            // Text that went with the SYN and was not taken goes again at once; what went later has its timer.
            const bool with_syn = !snd_.fin_sent() && !t_.opening.trusts();
            if (with_syn || (syn_was_lost && t_.opening.trusts())) snd_.again = snd_.una;
            if (syn_was_lost) t_.rtt.restart_after_syn_loss();
            t_.congestion.begin(t_.to_peer(now_), syn_was_lost);
            t_.recovery.begin(snd_.iss);
            if constexpr (P::undo) t_.check.close();  // a SYN that was lost is no reduction to take back
            if constexpr (tcb<P>::remembers) selective<P>{t_, now_}.begin();
        }
        const std::uint32_t octets = snd_.first_text() - first;
        out_.acked += octets;
        path_carried(t_, now_);
        if constexpr (tcb<P>::remembers) {
            if (t_.selective()) {
                t_.armed_at = now_;  // RFC 6298 5.3
                return selective<P>{t_, now_}.take(seg, before, octets, echo_);
            }
        }
        if constexpr (tcb<P>::rate_based) selective<P>{t_, now_}.take_plain(seg, before);
        if constexpr (P::undo) {
            if (was_spurious(seg)) return take_back(before.flight);
        }
        const auto finding = t_.recovery.advanced(snd_.una);
        // RFC 6298 5.3, but RFC 6582 3.2: only the first partial ACK of a recovery restarts the timer.
        if (finding != fast_retransmit::finding::partial || t_.recovery.first_partial()) t_.armed_at = now_;
        heed(finding, octets, before);
    }
    /// RFC 6298 3 (Karn) and RFC 7323 4: one round trip is timed at a time; after a retransmission the
    /// timestamps tell which transmission was acknowledged, unless there are records, which tell better. Answers what
    /// this very ACK tells of the round trip, or zero.
    constexpr duration measure(const segment& seg) noexcept {
        if (snd_.timing && snd_.timed <= seg.ack) {
            snd_.timing = false;
            t_.rtt.sample(now_ - t_.timed_at);
            return now_ - t_.timed_at;
        }
        const auto age = t_.echo_age(seg.options, now_);
        if (!age || answers_earlier(seg.options.ts_ecr)) return {};
        if (t_.selective()) {
            echo_ = *age;
            return {};
        }
        if (!snd_.timing) t_.rtt.sample(*age);
        return *age;
    }
    /// What a timer has sent again is acknowledged, with an echo from before that. The peer answers a duplicate with
    /// the timestamp of what came before it (RFC 7323 5.3, R2 and R3), so if no more than an ACK was lost, the echo
    /// would make a round trip of the timeout, and from then on each timeout longer than the last.
    [[nodiscard]] constexpr bool answers_earlier(std::uint32_t ts_ecr) const noexcept {
        bool again = snd_.retries != 0;
        if constexpr (tcb<P>::remembers) again = again || (t_.selective() && t_.sent.tail.repeats());
        return again && seq{ts_ecr} < seq{t_.stamp(t_.armed_at)};
    }
    /// RFC 5682 and RFC 3522 without SACK: what was sent again had not been lost.
    [[nodiscard]] constexpr bool was_spurious(const segment& seg) noexcept {
        const bool stamped = t_.ts.on && seg.options.has_timestamps;
        const bool echo = stamped && t_.check.answers_the_first(seg.options.ts_ecr);
        return t_.check.moved(snd_.una, true, true) || echo;
    }
    /// RFC 4015: the reduction is taken back, and nothing is sent again.
    constexpr void take_back(std::uint32_t flight) noexcept {
        if (!t_.recovery.active()) t_.rtt.was_spurious();
        path after = t_.to_peer(now_);
        after.flight = flight;
        t_.congestion.restore(t_.check.before(), after);
        t_.recovery.begin(snd_.una);
        t_.check.close();
        snd_.again = snd_.nxt;
        snd_.lost_one = false;
        t_.armed_at = now_;
    }
    /// What an ACK means for recovery and the congestion window.
    constexpr void heed(fast_retransmit::finding f, std::uint32_t octets, path before) noexcept {
        using enum fast_retransmit::finding;
        switch (f) {
        case none:
            if (octets != 0) t_.congestion.acked(before, octets);
            return;
        case duplicate: t_.congestion.duplicate(before); return;
        case loss:
            if (was_probe(t_, now_)) return;
            before.flight = t_.recovery.known() - snd_.una;  // without limited transmit (RFC 5681 3.2, step 2)
            if constexpr (P::undo) t_.check.begin(t_.congestion, snd_.nxt, false, true);
            t_.congestion.lost(before);
            t_.ecn.reduced(snd_.nxt);
            snd_.lost_one = true;
            return;
        case partial:
            t_.congestion.partly_acked(before, octets);
            snd_.lost_one = true;
            return;
        case full: t_.congestion.recovered(t_.to_peer(now_)); return;
        }
    }

    tcb<P>& t_;
    send_sequence& snd_;
    receive_sequence& rcv_;
    arrival& out_;
    time_point now_;
    std::uint32_t marked_ = 0;
    duration echo_{};  // where there are records: the round trip by the timestamp, or zero
};

}  // namespace tcpfsm
