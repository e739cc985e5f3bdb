// SPDX-License-Identifier: MIT
// trials.hpp: the walks, what is sent at their end, and what came of it.
#pragma once

#include <differential/hand.hpp>

#include <tcpfsm/arrival.hpp>
#include <tcpfsm/segment.hpp>
#include <tcpfsm/state.hpp>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tcpfsm::differential {

/// One step of a walk: a call of the user's, or a segment of the peer's.
struct step {
    enum class what : std::uint8_t {
        listens,
        connects,
        sends,     ///< ten octets
        shuts,     ///< CLOSE: no more text from this side
        releases,  ///< CLOSE of both directions
        hears,     ///< the peer's next in order
        fills,     ///< text of the peer's that fills the window
    };
    what is;
    control bits{};
    reach ack = reach::nxt;
    std::uint32_t text = 0;  ///< octets of text in the segment
    std::uint32_t gap = 0;   ///< so many octets before it are lost
    bool shut = false;       ///< SEG.WND is zero
};

/// The segment of a step.
[[nodiscard]] inline segment said(const step& s, hand& peer) {
    peer.loses(s.gap);
    return peer.speaks(s.bits, s.text, s.ack, s.shut ? std::uint16_t{0} : hand::window);
}

/// The way to a state.
struct walk {
    std::string_view name;
    state to;
    std::vector<step> steps;
    int in_flight = 0;         ///< numbers of ours that are not acknowledged at the end: none, one, or more
    bool released = false;     ///< the user has gone
    bool window_shut = false;  ///< RCV.WND is zero
};

/// The walks. Where one begins with a passive OPEN, the listener stays.
[[nodiscard]] inline const std::vector<walk>& walks() {
    using enum step::what;
    using enum state;
    const auto join = [](std::vector<step> a, std::initializer_list<step> b) {
        a.insert(a.end(), b.begin(), b.end());
        return a;
    };
    static const std::vector<walk> all = [&] {
        const step syn{hears, ctl::syn};
        const step syn_ack{hears, ctl::syn | ctl::ack};
        const step ack{hears, ctl::ack};
        const step fin{hears, ctl::fin | ctl::ack};
        const step early_fin{hears, ctl::fin | ctl::ack, reach::una};
        const step text{sends};
        const step in_order{hears, ctl::ack, reach::nxt, 100};
        const step early{hears, ctl::ack, reach::nxt, 10, 10};
        const step early_end{hears, ctl::fin | ctl::ack, reach::nxt, 10, 10};
        const step shutting{hears, ctl::syn | ctl::ack, reach::nxt, 0, 0, true};
        const std::vector<step> active{{connects}, syn_ack};
        const std::vector<step> passive{{listens}, syn, ack};
        const auto full = [&](std::vector<step> to) {
            to.insert(to.end(), 24, step{fills, ctl::ack});
            return to;
        };
        return std::vector<walk>{
            {"CLOSED", closed, {}},
            {"LISTEN", listen, {{listens}}},
            {"SYN-SENT", syn_sent, {{connects}}, 1},
            {"SYN-RECEIVED, passive", syn_received, {{listens}, syn}, 1},
            {"SYN-RECEIVED, text on the SYN", syn_received, {{listens}, {hears, ctl::syn, reach::nxt, 3}}, 1},
            {"SYN-RECEIVED, both open", syn_received, {{connects}, syn}, 1},
            {"ESTABLISHED, active", established, active},
            {"ESTABLISHED, passive", established, passive},
            {"ESTABLISHED, text in flight", established, join(active, {text}), 10},
            {"ESTABLISHED, window shut", established, full(active), 0, false, true},
            {"ESTABLISHED, text unread", established, join(active, {in_order})},
            {"ESTABLISHED, text beyond a gap", established, join(active, {early})},
            {"ESTABLISHED, FIN beyond a gap", established, join(active, {early_end})},
            {"ESTABLISHED, text waits", established, {{connects}, shutting, text}, 1},
            {"FIN-WAIT-1", fin_wait_1, join(active, {{shuts}}), 1},
            {"FIN-WAIT-1, text in flight", fin_wait_1, join(active, {text, {shuts}}), 11},
            {"FIN-WAIT-1, SYN in flight", fin_wait_1, {{connects}, syn, {releases}}, 2, true},
            {"FIN-WAIT-1, released", fin_wait_1, join(active, {{releases}}), 1, true},
            {"FIN-WAIT-2", fin_wait_2, join(passive, {{shuts}, ack})},
            {"FIN-WAIT-2, window shut", fin_wait_2, full(join(active, {{shuts}, ack})), 0, false, true},
            {"FIN-WAIT-2, released", fin_wait_2, join(active, {{releases}, ack}), 0, true},
            {"CLOSE-WAIT", close_wait, join(active, {fin})},
            {"CLOSE-WAIT, text in flight", close_wait, join(passive, {fin, text}), 10},
            {"CLOSING", closing, join(active, {{shuts}, early_fin}), 1},
            {"LAST-ACK", last_ack, join(active, {fin, {shuts}}), 1},
            {"TIME-WAIT", time_wait, join(passive, {{shuts}, ack, fin})},
        };
    }();
    return all;
}

/// What the namespace is set to, and ours with it.
struct setting {
    bool v6 = false;
    bool timestamps = false;
    bool rfc1337 = false;
};

/// A cell: the segment at the end of a walk.
struct trial {
    const walk* way;
    setting with;
    control bits;
    amount text;
    place at;
    reach ack = reach::nxt;
    bool shut = false;  ///< SEG.WND is zero
    stamp stamped = stamp::fresh;
};

/// Every place.
inline constexpr place places[] = {place::far_left, place::left,    place::edge, place::middle,
                                   place::last,     place::outside, place::far};

/// The kinds of segments.
inline constexpr control kinds[] = {
    control{},
    ctl::ack,
    ctl::syn,
    ctl::syn | ctl::ack,
    ctl::fin,
    ctl::fin | ctl::ack,
    ctl::rst,
    ctl::rst | ctl::ack,
    ctl::syn | ctl::fin,
    ctl::syn | ctl::rst,
    ctl::urg | ctl::ack,
    ctl::psh | ctl::ack,
    ctl::fin | ctl::syn | ctl::rst | ctl::psh | ctl::ack | ctl::urg,
};

/// One reply, told from SND.NXT and RCV.NXT before it.
struct reply {
    control bits;           ///< without PSH
    std::uint32_t seq = 0;  ///< from SND.NXT; 0 if `anew`
    std::uint32_t ack = 0;  ///< from RCV.NXT
    std::uint32_t text = 0;
    bool anew = false;  ///< a SYN with an ISS that was not known before
    friend bool operator==(const reply&, const reply&) = default;
};

/// What became of it.
struct outcome {
    state walked_to = state::closed;
    std::uint32_t window = 0;      ///< RCV.WND before
    hand peer{false};              ///< as it was before
    segment sent{};                ///< the segment at the end
    std::vector<segment> heard{};  ///< what came back
    std::vector<reply> replies{};  ///< the same, as they are compared
    std::vector<reply> answer{};   ///< then it is asked for its numbers, and says this
    state at = state::closed;      ///< where it led
    bool counted = false;          ///< the next two are known
    std::uint32_t acked = 0;       ///< how far SND.UNA moved
    std::uint32_t taken = 0;       ///< how much text (and FIN) RCV.NXT passed
    arrival judged{};              ///< what we think of the segment; the kernel does not tell

    /// Segments as replies, told from what was known before.
    [[nodiscard]] std::vector<reply> told(const std::vector<segment>& all) const {
        std::vector<reply> out;
        for (const segment& seg : all) {
            reply r{.bits = seg.ctl.without(ctl::psh), .text = seg.text};
            r.anew = seg.has(ctl::syn) && (!peer.met() || seg.seq != peer.their_iss());
            const bool bare = seg.has(ctl::rst | ctl::ack) && seg.seq == tcpfsm::seq{};  // it has no number of its own
            if (!r.anew && !bare) r.seq = seg.seq - peer.their_nxt();
            if (seg.has(ctl::ack)) r.ack = seg.ack - peer.base();
            out.push_back(r);
        }
        return out;
    }
};

/// The segment of a cell, in the numbers of its walk.
[[nodiscard]] inline segment ending(const trial& c, hand& peer) {
    segment seg{.seq = peer.number(c.at), .text = peer.number(c.text), .ctl = c.bits};
    seg.wnd = c.shut ? std::uint16_t{0} : hand::window;
    if (seg.has(ctl::ack)) seg.ack = peer.number(c.ack);
    if (seg.has(ctl::urg)) seg.up = 1;
    if (seg.has(ctl::syn)) {
        seg.options.has_mss = true;
        seg.options.mss = 1460;
    }
    if (c.with.timestamps) peer.stamps(seg, c.stamped);
    return seg;
}

/// A segment from long ago. A synchronized connection answers it with SND.NXT and RCV.NXT.
[[nodiscard]] inline segment question(const trial& c, hand& peer) {
    segment seg{.seq = peer.base() - 5000, .ack = peer.their_nxt(), .text = 1, .ctl = ctl::ack, .wnd = hand::window};
    if (c.with.timestamps) peer.stamps(seg, stamp::fresh);
    return seg;
}

}  // namespace tcpfsm::differential
