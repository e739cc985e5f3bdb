// SPDX-License-Identifier: MIT
// resegment.hpp: what the MTU of the path is to a connection: the size of its segments, and what goes again.
#pragma once

#include <tcpfsm/option_codec.hpp>
#include <tcpfsm/path_mtu.hpp>
#include <tcpfsm/segment.hpp>
#include <tcpfsm/tcb.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>

// RFC 1191 section 6.4, RFC 8201 section 5.4, RFC 5681 section 3.1 (the window), RFC 4821 sections 7.4 to 7.7 (probes).
// Segments are made from numbers when they leave, so nothing has to be cut anew: they are smaller from now on.

namespace tcpfsm {

/// True iff the policy follows the MTU of the path at all.
template <class P>
inline constexpr bool follows_path = P::path_mtu != mtu_discovery::off;
/// True iff it sends probes.
template <class P>
inline constexpr bool probes_path = P::path_mtu >= mtu_discovery::black_holes;

/// Octets of headers in a packet, without options.
template <class P>
[[nodiscard]] constexpr std::uint32_t headers(const tcb<P>& t) noexcept {
    return t.given.ipv6 ? 60 : 40;
}
/// SND.MSS says what the peer takes and our link carries: the path may do less.
template <class P>
constexpr void begin_path(tcb<P>& t, time_point now) noexcept {
    if constexpr (follows_path<P>) {
        const std::uint32_t least = t.given.ipv6 ? 1280U : 68U;
        t.mtu = path_mtu{{.largest = std::min(t.snd.mss + headers(t), 0xffffU),
                          .known = t.given.known_mtu,
                          .least = std::max(least, P::mss_floor + headers(t)),
                          .base = t.given.ipv6 ? 1280U : 1200U,
                          .ipv6 = t.given.ipv6},
                         P::path_mtu == mtu_discovery::probed,
                         now};
        t.snd.mss = static_cast<std::uint16_t>(t.mtu.size() - headers(t));
    }
}

/// The MTU of the path has changed. As many segments as before may be in flight if it fell (RFC 5681 3.1); the window
/// does not grow with it (RFC 4821 7.6). Neither is a sign of congestion.
template <class P>
constexpr void resegment(tcb<P>& t, time_point now) noexcept {
    const std::uint32_t before = t.snd.mss;
    t.snd.mss = static_cast<std::uint16_t>(t.mtu.size() - headers(t));
    if constexpr (requires { t.congestion.resegmented(t.to_peer(now), before); }) {
        if (t.snd.mss < before) t.congestion.resegmented(t.to_peer(now), before);
    }
}

/// The octets of the probe go again in segments of the present size, and nothing else does.
template <class P>
constexpr void again_the_probe(tcb<P>& t) noexcept {
    const seq from = later(t.snd.una, t.mtu.mend_probe());
    if constexpr (tcb<P>::remembers) {
        if (t.selective()) {
            t.sent.board.lose([&](const auto&, const auto& where) { return where.left == from; });
            return;
        }
    }
    t.snd.again = from;
    t.snd.timing = false;
    t.recovery.timed_out(t.snd.nxt);
}

/// All from `quoted` on goes again. Answers where that begins.
template <class P>
constexpr seq again_from(tcb<P>& t, seq quoted) noexcept {
    send_sequence& snd = t.snd;
    if constexpr (tcb<P>::remembers) {
        if (t.selective()) {
            t.sent.board.lose([&](const auto&, const auto& where) { return quoted < where.right; });
            const auto first = t.sent.board.first_lost();
            return first ? first->left : snd.nxt;
        }
    }
    snd.again = snd.again == snd.nxt ? quoted : earlier(snd.again, quoted);
    t.recovery.timed_out(snd.nxt);  // duplicates of what goes again without need are no loss (RFC 6582 3.2)
    return snd.again;
}

/// ICMP says that a packet of ours was too big (see `basic_connection::handle_packet_too_big`).
template <class P>
constexpr too_big take_too_big(tcb<P>& t, std::uint32_t link, std::uint32_t length, seq quoted,
                               time_point now) noexcept {
    if constexpr (follows_path<P>) {
        send_sequence& snd = t.snd;
        const too_big found = t.mtu.reported(link, length, quoted, snd.una, snd.flight(), now);
        if (found == too_big::probe_refused) {
            again_the_probe(t);
        } else if (found == too_big::followed) {
            resegment(t, now);
            snd.timing = false;
            t.mtu.mend_from(again_from(t, quoted));
        }
        return found;
    } else {
        return too_big::fixed;
    }
}

/// RFC 4821 7.6.1: how long no probe leaves after one was lost, a round trip for each segment in flight.
template <class P>
[[nodiscard]] constexpr duration probe_pause(const tcb<P>& t) noexcept {
    // The power of two below SMSS: more segments, not less.
    const auto about_mss = static_cast<unsigned>(std::bit_width(std::uint32_t{t.snd.mss})) - 1U;
    return t.rtt.srtt() * std::max<std::int64_t>(t.snd.flight() >> about_mss, 1);
}
/// Fast retransmit finds the segment at SND.UNA lost. True if that is a probe, and so no sign of congestion (RFC 4821
/// 7.5): it goes again.
template <class P>
[[nodiscard]] constexpr bool was_probe(tcb<P>& t, time_point now) noexcept {
    if constexpr (probes_path<P>) {
        if (!t.mtu.probes_at(t.snd.una)) return false;
        again_the_probe(t);
        t.mtu.lost_probe(probe_pause(t), now);
        return true;
    } else {
        return false;
    }
}

/// SND.UNA has moved.
template <class P>
constexpr void path_carried(tcb<P>& t, time_point now) noexcept {
    if constexpr (follows_path<P>) {
        if (t.mtu.acknowledged(t.snd.una, probes_path<P>, now)) resegment(t, now);
    }
}
/// The segment [from, end) leaves, with text, in a packet of this size.
template <class P>
constexpr void path_takes(tcb<P>& t, seq from, seq end, std::uint32_t packet, bool first) noexcept {
    if constexpr (follows_path<P>) t.mtu.sent(from, end, packet, first);
}
/// Text up to `end` went again. Answers where that goes on.
template <class P>
[[nodiscard]] constexpr seq path_mended(tcb<P>& t, seq end) noexcept {
    if constexpr (probes_path<P>) return t.mtu.mended(end, t.snd.nxt);
    return end;
}
/// The segment at SND.UNA has timed out, for the `retries`-th time.
template <class P>
constexpr void path_timed_out(tcb<P>& t, std::uint32_t text, time_point now) noexcept {
    if constexpr (follows_path<P>) {
        const std::uint32_t packet = std::min(headers(t) + text, t.mtu.size());
        t.mtu.mend_all();
        if constexpr (probes_path<P>) {
            if (t.mtu.probes_at(t.snd.una)) t.mtu.lost_probe(5 * probe_pause(t), now);  // RFC 4821 7.6.3
            t.mtu.forget_probe();
        }
        bool fell = t.mtu.timed_out(t.snd.una, packet, now);
        if constexpr (probes_path<P>) {
            const bool often = t.snd.retries >= P::black_hole_timeouts;
            const bool sure = t.snd.retries >= 2 * P::black_hole_timeouts;
            fell = (!fell && often && t.mtu.swallowed(packet, now, sure)) || fell;
        }
        if (fell) resegment(t, now);
    }
}

}  // namespace tcpfsm
