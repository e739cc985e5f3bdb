// SPDX-License-Identifier: MIT
// hand.hpp: the peer, played by hand: it knows what it has heard, and speaks in numbers that follow from that.
#pragma once

#include <tcpfsm/segment.hpp>
#include <tcpfsm/seq.hpp>

#include <algorithm>
#include <cstdint>

// The same hand plays against the kernel and against ours. It reads nothing but segments, so that a walk is the
// same script for both, whatever initial numbers and windows they choose.

namespace tcpfsm::differential {

/// Where a sequence number lies, seen from the receive window of the one under test.
enum class place : std::uint8_t {
    far_left,  ///< RCV.NXT - 2^31
    left,      ///< RCV.NXT - 1
    edge,      ///< RCV.NXT
    middle,
    last,     ///< the last number inside
    outside,  ///< the first number beyond
    far,      ///< RCV.NXT + 2^30
};
/// Where an acknowledgment lies, seen from the numbers that the one under test has sent.
enum class reach : std::uint8_t {
    ancient,  ///< one more than the largest window below SND.UNA
    old,      ///< SND.UNA - 1
    una,      ///< SND.UNA
    between,  ///< in the middle of what is in flight
    nxt,      ///< SND.NXT
    beyond,   ///< SND.NXT + 1
};
/// How much text a segment has.
enum class amount : std::uint8_t {
    none,
    one,
    three,
    over,  ///< one octet more than the window
};
/// What its timestamp is, where both use them.
enum class stamp : std::uint8_t { fresh, stale, missing };

/// The peer of one connection.
class hand {
public:
    explicit hand(bool stamped) : stamped_{stamped} {}

    /// A segment came from the one under test.
    void hears(const segment& seg) {
        if (seg.has(ctl::rst)) return;
        if (seg.has(ctl::syn) && !met_) {
            met_ = true;
            their_iss_ = una_ = their_nxt_ = seg.seq;
        }
        if (!met_) return;
        their_nxt_ = later(their_nxt_, seg.seq + seg.len());
        if (seg.options.has_timestamps) echo_ = seg.options.ts_val;
        if (!seg.has(ctl::ack)) return;
        if (!heard_) expected_ = edge_ = seg.ack;
        heard_ = true;
        expected_ = later(expected_, seg.ack);
        edge_ = later(edge_, seg.ack + seg.wnd);
    }

    /// The next octets are lost on the way.
    void loses(std::uint32_t octets) { nxt_ += octets; }
    /// The next segment in order, as a peer that does nothing wrong would send it.
    segment speaks(control bits, std::uint32_t text, reach ack, std::uint16_t wnd = window) {
        segment seg{.seq = nxt_, .text = text, .ctl = bits, .wnd = wnd};
        max_wnd_ = std::max(max_wnd_, std::uint32_t{wnd});
        if (bits.has(ctl::ack)) {
            seg.ack = number(ack);
            una_ = later(una_, seg.ack);
        }
        if (bits.has(ctl::syn)) {
            seg.options.has_mss = true;
            seg.options.mss = 1460;
        }
        if (stamped_) stamps(seg, stamp::fresh);
        nxt_ = seg.seq + seg.len();
        return seg;
    }
    /// Puts a timestamp on a segment, or leaves it out.
    void stamps(segment& seg, stamp what) {
        if (what == stamp::missing) return;
        seg.options.has_timestamps = true;
        seg.options.ts_val = what == stamp::fresh ? ++clock_ : clock_ - 1000;
        seg.options.ts_ecr = seg.has(ctl::ack) ? echo_ : 0;
    }

    [[nodiscard]] seq number(place p) const {
        switch (p) {
        case place::far_left: return base() - 0x80000000U;
        case place::left: return base() - 1;
        case place::edge: return base();
        case place::middle: return base() + their_window() / 2;
        case place::last: return base() + their_window() - 1;
        case place::outside: return base() + std::max(their_window(), 1U);
        case place::far: return base() + 0x40000000U;
        }
        return base();
    }
    [[nodiscard]] seq number(reach r) const {
        switch (r) {
        case reach::ancient: return una_ - max_wnd_ - 1;
        case reach::old: return una_ - 1;
        case reach::una: return una_;
        case reach::between: return una_ + (their_nxt_ - una_) / 2;
        case reach::nxt: return their_nxt_;
        case reach::beyond: return their_nxt_ + 1;
        }
        return una_;
    }
    [[nodiscard]] std::uint32_t number(amount n) const {
        switch (n) {
        case amount::none: return 0;
        case amount::one: return 1;
        case amount::three: return 3;
        case amount::over: return heard_ ? their_window() + 1 : 5000;
        }
        return 0;
    }

    /// The window that the one under test has offered, as far as it is still open.
    [[nodiscard]] std::uint32_t their_window() const { return heard_ ? edge_ - expected_ : 0; }
    /// What the one under test expects: its RCV.NXT, or our ISS.
    [[nodiscard]] seq base() const { return heard_ ? expected_ : iss_; }
    [[nodiscard]] std::uint32_t in_flight() const { return their_nxt_ - una_; }
    [[nodiscard]] seq their_nxt() const { return their_nxt_; }
    [[nodiscard]] seq their_iss() const { return their_iss_; }
    [[nodiscard]] seq iss() const { return iss_; }
    [[nodiscard]] bool met() const { return met_; }

    static constexpr std::uint16_t window = 4000;  ///< what this peer offers

private:
    seq iss_{0xfffffff0U};  // the numbers of a walk wrap around
    seq nxt_ = iss_;
    seq their_iss_{70000};  // as long as nothing was heard, it acknowledges something that nobody sent
    seq their_nxt_ = their_iss_;
    seq una_ = their_iss_;
    seq expected_, edge_;
    std::uint32_t max_wnd_ = 0;
    std::uint32_t clock_ = 500000;
    std::uint32_t echo_ = 0;
    bool met_ = false;
    bool heard_ = false;
    bool stamped_;
};

}  // namespace tcpfsm::differential
