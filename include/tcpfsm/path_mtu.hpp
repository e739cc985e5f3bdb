// SPDX-License-Identifier: MIT
// path_mtu.hpp: how large a packet may be on its way to the peer.
#pragma once

#include <tcpfsm/seq.hpp>
#include <tcpfsm/time.hpp>
#include <tcpfsm/too_big.hpp>

#include <algorithm>
#include <cstdint>

// RFC 1191 and RFC 8201 (a router says that a packet was too big), RFC 5927 section 7 (whom to believe, and when),
// RFC 4821 with the words of RFC 8899 (probes, and links that swallow packets without a word). Sizes are those of IP
// packets, headers included. A value without timers: what is due by time is looked at when an ACK or a timeout comes.

namespace tcpfsm {

/// How the MTU of the path is found.
enum class mtu_discovery : std::uint8_t {
    off,          ///< it is what the caller says; no word of ICMP changes it
    reported,     ///< ICMP lowers it (RFC 1191, RFC 8201)
    black_holes,  ///< so do timeouts of large segments, and probes raise it again (RFC 4821)
    probed,       ///< as before, but it begins low, and probes find how large it is
};

/// What a path is taken for before anything is known.
struct path_limits {
    std::uint32_t largest = 0;  ///< what our link carries and the peer takes
    std::uint32_t known = 0;    ///< what was found out before; at least `largest` if nothing was
    std::uint32_t least = 0;    ///< never go below
    std::uint32_t base = 0;     ///< nearly every path carries this (RFC 8899 BASE_PLPMTU)
    bool ipv6 = false;
};

/// The MTU of one path, and what is known about larger ones.
class path_mtu {
public:
    static constexpr duration raise_after = std::chrono::minutes{10};  ///< RFC 1191 6.3, RFC 8899 PMTU_RAISE_TIMER
    static constexpr unsigned max_probes = 3;                          ///< RFC 8899 MAX_PROBES
    static constexpr std::uint32_t close_enough = 8;                   ///< a search for less than this is over

    constexpr path_mtu() noexcept = default;
    /// `low`: begin at the base, and let probes find the rest.
    constexpr path_mtu(const path_limits& p, bool low, time_point now) noexcept
        : limit_{p.largest},
          mtu_{std::min(p.largest, std::max(p.known, p.least))},
          least_{std::min(p.least, p.largest)},
          base_{p.base},
          next_{mtu_ < limit_ ? after(now, raise_after) : now},
          ipv6_{p.ipv6} {
        high_ = mtu_;
        if (low && p.known >= p.largest) mtu_ = std::min(mtu_, base_);
        sent_ = acked_ = least_;
    }

    /// The largest packet to send.
    [[nodiscard]] constexpr std::uint32_t size() const noexcept { return mtu_; }
    /// A probe is on its way, and begins at `from`.
    [[nodiscard]] constexpr bool probes_at(seq from) const noexcept { return probe_ != 0 && probe_from_ == from; }
    /// What is to go again from `from` on must wait until the first segment of the new size is acknowledged (RFC 1191
    /// 6.4, RFC 8201 5.4).
    [[nodiscard]] constexpr bool holds(seq from) const noexcept { return first_alone_ && from != again_from_; }
    /// The size that a probe should have now (RFC 4821 7.3); 0 if none is due. First the largest, which is most often
    /// right, then halfway between what arrives and what does not.
    [[nodiscard]] constexpr std::uint32_t wants_probe(time_point now) const noexcept {
        if (probe_ != 0 || !searching() || now < next_) return 0;
        return boldly_ ? high_ : mtu_ + (high_ - mtu_ + 1) / 2;
    }

    // --- What happens ------------------------------------------------------------------------------

    /// A segment with text from `from` up to `end` leaves in a packet of this size. One larger than the MTU is a probe.
    constexpr void sent(seq from, seq end, std::uint32_t packet, bool first) noexcept {
        sent_ = std::max(sent_, packet);
        if (!first) {  // an ACK of what was sent twice does not say how large it was
            if (sized_ != 0 && from < sized_end_) sized_ = 0;
            if (probe_ != 0 && from < probe_end_ && probe_from_ < end) probe_ = 0;
            return;
        }
        if (packet > mtu_) {
            probe_ = packet;
            probe_from_ = from;
            probe_end_ = end;
        }
        if (sized_ == 0 && packet > acked_) {
            sized_ = packet;
            sized_end_ = end;
        }
    }
    /// Everything below `una` has arrived. True if the MTU has grown: by a probe, or, if there are none, because it is
    /// so long ago that it fell.
    constexpr bool acknowledged(seq una, bool probing, time_point now) noexcept {
        first_alone_ = false;
        if (claimed_ != 0 && quoted_ < una) claimed_ = 0;
        if (sized_ != 0 && sized_end_ <= una) {
            acked_ = std::max(acked_, sized_);
            sized_ = 0;
        }
        if (probe_ != 0 && probe_end_ <= una) {
            mtu_ = acked_ = probe_;
            probe_ = 0;
            boldly_ = false;
            next_size(now, duration{});
            return true;
        }
        if (searching() || high_ == limit_ || now < next_) return false;
        high_ = limit_;
        boldly_ = true;
        failures_ = 0;
        if (!probing) mtu_ = limit_;
        return !probing;
    }
    /// ICMP: the packet of `length` octets, by its own word, with the segment that began at `quoted`, was too big for
    /// a link of this MTU; 0 if the router does not say.
    constexpr too_big reported(std::uint32_t link, std::uint32_t length, seq quoted, seq una, std::uint32_t flight,
                               time_point now) noexcept {
        if (!quoted.in(una, flight)) return too_big::not_in_flight;
        // Old routers count the header twice (RFC 1191 section 5), so no packet counts as larger than they were.
        if (link == 0 && !ipv6_) link = plateau_below(std::min(length, sent_));
        if (ipv6_ && link < 1280) return too_big::too_low;
        link = std::max(link, least_);
        if (probe_ != 0 && quoted.in(probe_from_, probe_end_ - probe_from_) && mtu_ <= link && link < probe_) {
            high_ = link;
            boldly_ = true;
            next_size(now, duration{});
            probe_ = 0;
            return too_big::probe_refused;
        }
        if (link >= mtu_) return too_big::no_news;
        if (link >= sent_) return too_big::never_sent;
        if (link < acked_) {
            if (claimed_ == 0 || quoted <= quoted_) {
                claimed_ = link;
                quoted_ = quoted;
            }
            return too_big::deferred;
        }
        fall(link, link, now);
        return too_big::followed;
    }
    /// The segment at `una`, in a packet of this size, has timed out. True if a report that was deferred is believed.
    constexpr bool timed_out(seq una, std::uint32_t packet, time_point now) noexcept {
        if (claimed_ == 0 || !quoted_.in(una, packet)) return false;
        fall(claimed_, claimed_, now);
        return true;
    }
    /// It has timed out so often that larger packets may be swallowed (RFC 4821 7.7, RFC 2923): the base, then half,
    /// but below the base no less than has arrived, unless it is `sure`: a path that loses whatever is sent would look
    /// ever narrower. True if that is less than before.
    constexpr bool swallowed(std::uint32_t packet, time_point now, bool sure = false) noexcept {
        carried_ = std::max(carried_, acked_);
        const std::uint32_t fine = sure ? 0 : std::min(carried_, base_);
        const std::uint32_t less = std::max({mtu_ > base_ ? base_ : mtu_ / 2, least_, fine});
        if (packet <= less || mtu_ <= less) return false;
        const std::uint32_t top = std::max(high_, mtu_);
        fall(less, top, now);
        if (!searching()) return true;
        // Perhaps it was not the size: that is worth one probe as large as before.
        next_ = now;
        boldly_ = true;
        failures_ = max_probes - 1;
        return true;
    }
    /// The probe is lost. After so many the size is given up; no probe leaves in the meantime.
    constexpr void lost_probe(duration pause, time_point now) noexcept {
        if (probe_ == 0) return;
        const std::uint32_t size = probe_;
        probe_ = 0;
        next_ = after(now, pause);
        if (++failures_ < max_probes) return;
        high_ = size - 1;
        boldly_ = false;
        next_size(now, pause);
    }
    /// Something else was lost with it, so that its loss says nothing.
    constexpr void forget_probe() noexcept { probe_ = 0; }

    // --- What goes again ---------------------------------------------------------------------------

    /// The packet at `from`, and all behind it, was too big: one segment first.
    constexpr void mend_from(seq from) noexcept {
        first_alone_ = true;
        again_from_ = from;
        probe_only_ = false;
    }
    /// No more than the probe. Answers where that begins.
    constexpr seq mend_probe() noexcept {
        probe_only_ = true;
        again_to_ = probe_end_;
        return probe_from_;
    }
    /// All of it, as after any timeout.
    constexpr void mend_all() noexcept { first_alone_ = probe_only_ = false; }
    /// Text up to `end` went again: where to go on, with `nxt` for nowhere.
    constexpr seq mended(seq end, seq nxt) noexcept {
        if (!probe_only_ || end < again_to_) return end;
        probe_only_ = false;
        return nxt;
    }

    friend constexpr bool operator==(const path_mtu&, const path_mtu&) noexcept = default;

private:
    [[nodiscard]] constexpr bool searching() const noexcept { return high_ >= mtu_ + close_enough; }
    constexpr void next_size(time_point now, duration pause) noexcept {
        failures_ = 0;
        next_ = after(now, searching() ? pause : raise_after);
    }
    /// What is known about sizes above is forgotten, so that another, narrower link is believed at once.
    constexpr void fall(std::uint32_t to, std::uint32_t high, time_point now) noexcept {
        mtu_ = to;
        high_ = high;
        if (high < carried_) carried_ = 0;
        sent_ = acked_ = least_;
        claimed_ = sized_ = probe_ = 0;
        next_ = after(now, raise_after);
    }

    std::uint32_t limit_ = 0;    // the largest that makes sense
    std::uint32_t mtu_ = 0;      // and search_low
    std::uint32_t high_ = 0;     // search_high
    std::uint32_t least_ = 0;    // never less
    std::uint32_t base_ = 0;     // nearly every path carries it
    std::uint32_t sent_ = 0;     // maxsizesent of RFC 5927
    std::uint32_t acked_ = 0;    // maxsizeacked
    std::uint32_t carried_ = 0;  // the same, whatever was guessed since
    std::uint32_t sized_ = 0;    // a packet larger than `acked_` is on its way, and ends at `sized_end_`; 0 if none
    std::uint32_t claimed_ = 0;  // a report that waits for its segment at `quoted_` to time out; 0 if none
    std::uint32_t probe_ = 0;    // the size of the probe in flight; 0 if none
    seq sized_end_{};
    seq quoted_{};
    seq probe_from_{};
    seq probe_end_{};
    seq again_from_{};
    seq again_to_{};
    time_point next_{};          // no larger size is tried before
    std::uint8_t failures_ = 0;  // probes of this size that were lost
    bool boldly_ = true;         // the next probe is the largest
    bool ipv6_ = false;
    bool first_alone_ = false;  // what goes again waits for the segment at `again_from_`
    bool probe_only_ = false;   // what goes again ends at `again_to_`
};

/// A path whose MTU nobody looks for.
struct no_path_mtu {
    friend constexpr bool operator==(const no_path_mtu&, const no_path_mtu&) noexcept = default;
};

}  // namespace tcpfsm
