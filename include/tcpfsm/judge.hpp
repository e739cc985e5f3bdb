// SPDX-License-Identifier: MIT
// judge.hpp: what a segment means here. The only place that looks at a segment to decide.
#pragma once

#include <tcpfsm/event.hpp>
#include <tcpfsm/segment.hpp>
#include <tcpfsm/state.hpp>
#include <tcpfsm/tcb.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

// RFC 9293 section 3.10.7, in its order, with RFC 5961, RFC 7323 (PAWS), RFC 6191 and RFC 1337 where they
// belong. A judge reads numbers and answers with an event; it changes nothing.

namespace tcpfsm {

/// 3.10.7.1: SEGMENT ARRIVES in CLOSED.
[[nodiscard]] constexpr event judge_closed(const segment& seg) noexcept {
    if (seg.has(ctl::rst)) return event::rcv_rst;
    return seg.has(ctl::ack) ? event::rcv_bad_ack : event::rcv_stray;
}

/// 3.10.7.2: SEGMENT ARRIVES in LISTEN.
[[nodiscard]] constexpr event judge_listen(const segment& seg) noexcept {
    if (seg.has(ctl::rst)) return event::rcv_rst;
    if (seg.has(ctl::ack)) return event::rcv_bad_ack;
    return seg.has(ctl::syn) ? event::rcv_syn : event::rcv_stray;
}

/// The same with what the connection may grant: a SYN that shows a cookie (RFC 7413 4.2.2).
template <class P>
[[nodiscard]] constexpr event judge_listen(const tcb<P>& t, const segment& seg) noexcept {
    const event e = judge_listen(seg);
    if constexpr (P::fast_open) {
        if (e == event::rcv_syn && t.opening.takes(seg)) return event::rcv_syn_cookie;
    }
    return e;
}

/// 3.10.7.3: SEGMENT ARRIVES in SYN-SENT. A reset counts if it acknowledges our SYN (RFC 5961 3.2): the
/// RCV.NXT that RFC 9293 wants it to match does not exist yet.
template <class P>
[[nodiscard]] constexpr event judge_syn_sent(const tcb<P>& t, const segment& seg) noexcept {
    const bool acks = seg.has(ctl::ack);
    // ISS < SEG.ACK =< SND.NXT. As a range it is empty before the SYN has left, even for a number 2^31 away.
    const bool acceptable = acks && seg.ack.in(t.snd.iss + 1, t.snd.flight());
    if (seg.has(ctl::rst)) return acceptable ? event::rcv_rst : event::rcv_rst_invalid;
    if (acks && !acceptable) return event::rcv_bad_ack;
    if (!seg.has(ctl::syn)) return event::rcv_stray;
    return acks ? event::rcv_syn_ack : event::rcv_syn;
}

/// True iff the acknowledgment moves SYN-RECEIVED on (3.10.7.4, fifth).
template <class P>
[[nodiscard]] constexpr bool acks_our_syn(const tcb<P>& t, const segment& seg) noexcept {
    return seg.has(ctl::ack) && seg.ack.in(t.snd.una + 1, t.snd.flight());
}

/// SEG.SEQ lies in the receive window; a window of zero has room for RCV.NXT alone.
template <class P>
[[nodiscard]] constexpr bool begins_inside(const tcb<P>& t, const segment& seg) noexcept {
    return seg.seq.in(t.rcv.nxt, std::max<std::uint32_t>(t.rcv.wnd(), 1));
}

/// The test of 3.4 and 3.10.7.4, first, with three allowances: a segment that covers the window from both
/// sides is acceptable, at a zero window so is one that reaches RCV.NXT, for its ACK, URG or RST (MUST-66), and a
/// bare ACK may stand at the right edge: a peer that has filled the window sends all its ACKs from there.
template <class P>
[[nodiscard]] constexpr bool acceptable(const tcb<P>& t, const segment& seg) noexcept {
    const bool at_edge = seg.len() == 0 && seg.seq == t.rcv.nxt + t.rcv.wnd();
    return begins_inside(t, seg) || at_edge || t.rcv.nxt.in(seg.seq, seg.len());
}

/// Appendix A.2: probes have crossed, and the peer says that it took ours, but from before its own, since it does not
/// know yet that we took that. If this were refused, the two would refuse each other for ever.
template <class P>
[[nodiscard]] constexpr bool acks_crossing_probe(const tcb<P>& t, const segment& seg) noexcept {
    const bool one_early = seg.len() == 0 && seg.seq + 1 == t.rcv.nxt;
    return one_early && t.snd.probed() && seg.has(ctl::ack) && seg.ack == t.snd.nxt;
}

/// RFC 6191 section 2, and MAY-2 where no timestamps are in use.
template <class P>
[[nodiscard]] constexpr bool may_reopen(const tcb<P>& t, const segment& seg) noexcept {
    const bool newer = seg.seq > t.rcv.nxt - 1;  // beyond the number of the peer's FIN
    const bool stamped = P::timestamps && seg.options.has_timestamps;
    if (!stamped) return newer;
    if (!t.ts.on) return true;
    const std::uint32_t ahead = seg.options.ts_val - t.ts.recent;
    return ahead == 0 ? newer : ahead < 0x80000000U;
}

/// MUST-11: SYN-RECEIVED came from a passive OPEN. But once its text has counted (RFC 7413) the user knows of it.
template <class P>
[[nodiscard]] constexpr bool opened_passively(const tcb<P>& t) noexcept {
    return state_set{state::listen}.contains(t.came_from) && !t.opening.trusts();
}

/// 3.10.7.4, second: a reset. Timestamps are not looked at (RFC 7323 5.2).
template <class P>
[[nodiscard]] constexpr event judge_reset(const tcb<P>& t, const segment& seg, state at) noexcept {
    if (P::rfc1337 && states::lingering.contains(at)) return event::rcv_rst_lingering;
    if (!begins_inside(t, seg)) return event::rcv_rst_invalid;
    if (P::rfc5961 && seg.seq != t.rcv.nxt) return event::rcv_rst_challenge;
    if (!states::handshaking.contains(at)) return event::rcv_rst;
    if (states::lingering.contains(t.came_from)) return event::rcv_rst_reopened;
    return opened_passively(t) ? event::rcv_rst_passive : event::rcv_rst;
}

/// 3.10.7.4, fourth, taken before the window test would cut the SYN off: a SYN in a state that has seen
/// one. Nothing if the segment is to be treated as if its SYN were not there.
template <class P>
[[nodiscard]] constexpr std::optional<event> judge_syn(const tcb<P>& t, const segment& seg, state at) noexcept {
    if (states::lingering.contains(at) && !seg.has(ctl::ack) && P::reopen_time_wait && may_reopen(t, seg)) {
        return event::rcv_syn_reopen;
    }
    if (states::handshaking.contains(at)) {
        if (seg.seq == t.rcv.irs) {
            // The peer's SYN once more. With the ACK of ours it is the other half of a simultaneous open
            // (figure 7), although the literal window test would refuse it.
            if (!seg.has(ctl::ack)) {
                // RFC 9768 3.1.5: nobody could tell which kind of ECN its sender means.
                return t.ecn.contradicted_by(seg) ? event::rcv_syn_fatal : event::rcv_syn_again;
            }
            if (acks_our_syn(t, seg)) return std::nullopt;
        }
    }
    const bool passive = states::handshaking.contains(at) && opened_passively(t);
    if (P::rfc5961 && !passive) return event::rcv_syn_challenge;
    if (seg.seq.in(t.rcv.nxt, t.rcv.wnd())) return passive ? event::rcv_syn_passive : event::rcv_syn_fatal;
    // A SYN before the window is cut off, and what is left of its segment goes on.
    if (seg.seq < t.rcv.nxt && acceptable(t, seg)) return std::nullopt;
    return event::rcv_outside;
}

/// The segment as if its SYN had been taken.
[[nodiscard]] constexpr segment without_syn(segment seg) noexcept {
    if (!seg.has(ctl::syn)) return seg;
    seg.ctl = seg.ctl.without(ctl::syn);
    seg.seq += 1;
    return seg;
}

/// RFC 7323 section 5.3, R1, with the 24 days of 5.5.
template <class P>
[[nodiscard]] constexpr bool fails_paws(const tcb<P>& t, const segment& seg, time_point now) noexcept {
    const std::uint32_t behind = t.ts.recent - seg.options.ts_val;
    return behind != 0 && behind < 0x80000000U && now - t.ts.recent_at <= std::chrono::hours{24 * 24};
}

/// 3.10.7.4, from the first step to the beginning of the fifth: everything that ends the processing of a
/// segment before its ACK is taken. Nothing if the segment goes on.
template <class P>
[[nodiscard]] constexpr std::optional<event> judge_arrival(const tcb<P>& t, const segment& seg, state at,
                                                           time_point now) noexcept {
    if (seg.has(ctl::rst)) return judge_reset(t, seg, at);
    if (seg.has(ctl::syn)) {
        // In TIME-WAIT RFC 6191 compares the timestamps.
        const bool stale = t.ts.on && seg.options.has_timestamps && fails_paws(t, seg, now);
        if (stale && !states::lingering.contains(at)) return event::rcv_paws;
        if (const auto e = judge_syn(t, seg, at)) return e;
        return judge_arrival(t, without_syn(seg), at, now);
    }
    if (t.ts.on) {
        if (!seg.options.has_timestamps) return event::rcv_no_timestamp;
        if (fails_paws(t, seg, now)) return event::rcv_paws;
    }
    if (states::lingering.contains(at) && seg.has(ctl::fin) && seg.seq + seg.len() == t.rcv.nxt)
        return event::rcv_fin_again;
    if (!acceptable(t, seg) && !acks_crossing_probe(t, seg)) {
        return seg.len() == 0 ? event::rcv_outside : event::rcv_outside_text;
    }
    if (!seg.has(ctl::ack)) return event::rcv_no_ack;
    if (states::handshaking.contains(at)) {
        if (!acks_our_syn(t, seg)) return event::rcv_bad_ack;
        return std::nullopt;
    }
    if (seg.ack > t.snd.nxt) return event::rcv_bad_ack;
    if (P::rfc5961 && seg.ack < t.snd.una - t.snd.max_wnd) return event::rcv_bad_ack;
    return std::nullopt;
}

/// 3.10.7.4, fifth: an acceptable ACK.
template <class P>
[[nodiscard]] constexpr event judge_ack(const tcb<P>& t, const segment& seg, state at) noexcept {
    if (states::handshaking.contains(at)) return event::rcv_ack_of_syn;
    const bool reaches_fin = t.snd.fin_sent() && t.snd.outstanding() && seg.ack == t.snd.nxt;
    return reaches_fin ? event::rcv_ack_of_fin : event::rcv_ack;
}

/// What of a segment lies inside the receive window (3.10.7.4, first: "trimmed"), its SYN taken. A FIN that
/// is cut off is forgotten.
struct trimmed {
    extent seg;                 ///< what is left
    std::uint32_t skipped = 0;  ///< octets of text cut off at the front
    bool no_room = false;       ///< new text or a FIN, and a zero window
};
template <class P>
[[nodiscard]] constexpr trimmed trim(const tcb<P>& t, const segment& arrived) noexcept {
    trimmed out{.seg = extent{arrived}.without_syn()};
    extent& seg = out.seg;
    if (seg.seq < t.rcv.nxt) {
        out.skipped = std::min(t.rcv.nxt - seg.seq, seg.text);
        seg.seq += out.skipped;
        seg.text -= out.skipped;
    }
    const std::uint32_t ahead = seg.seq - t.rcv.nxt;
    const std::uint32_t room = t.rcv.wnd() > ahead ? t.rcv.wnd() - ahead : 0;
    out.no_room = room == 0 && seg.len() != 0;
    if (seg.len() > room) {
        seg.ctl = seg.ctl.without(ctl::fin);
        seg.text = std::min(seg.text, room);
    }
    return out;
}

/// 3.10.7.4, sixth: true iff the urgent pointer, one beyond the last urgent octet (MUST-62), moves on.
template <class P>
[[nodiscard]] constexpr bool moves_urgent(const tcb<P>& t, const segment& arrived) noexcept {
    return arrived.has(ctl::urg) && arrived.seq + arrived.up > t.rcv.up;
}

/// 3.10.7.4, seventh: what becomes of the text, and of a FIN beyond a gap. Text that came with the SYN
/// waits at RCV.NXT and is taken here as well. Nothing if there is nothing to take.
template <class P>
[[nodiscard]] constexpr std::optional<event> judge_text(const tcb<P>& t, const trimmed& cut, state at) noexcept {
    const extent& seg = cut.seg;
    if (seg.len() == 0 && !cut.no_room && !t.held.waits_at(t.rcv.nxt)) return std::nullopt;
    if (states::peer_closed.contains(at)) return event::rcv_text_after_fin;
    if (cut.no_room) return event::rcv_text_no_room;
    if (t.rcv.unwanted && (seg.text != 0 || t.held.waits_at(t.rcv.nxt))) return event::rcv_text_unwanted;
    if (seg.seq == t.rcv.nxt) {
        if (seg.text == 0 && !t.held.waits_at(t.rcv.nxt)) return std::nullopt;
        return event::rcv_text;
    }
    if (seg.text != 0 && !t.held.takes({seg.seq, seg.seq + seg.text})) return event::rcv_text_no_range;
    return event::rcv_text_early;
}

/// 3.10.7.4, eighth: true iff all text before the peer's FIN has been taken.
template <class P>
[[nodiscard]] constexpr bool reaches_fin(const tcb<P>& t) noexcept {
    return t.rcv.fin_known && t.rcv.fin_at == t.rcv.nxt;
}

}  // namespace tcpfsm
