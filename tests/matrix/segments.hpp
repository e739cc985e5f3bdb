// SPDX-License-Identifier: MIT
// segments.hpp: the segments of the matrix.
#pragma once

#include "driver.hpp"

#include <algorithm>
#include <initializer_list>
#include <vector>

namespace tcpfsm::matrix {

struct flags {
    const char* words;
    bool fin, syn, rst, psh, ack, urg;
};
inline constexpr flags all_flags[] = {
    // clang-format off
    //          FIN    SYN    RST    PSH    ACK    URG
    {"none",    false, false, false, false, false, false},
    {"ACK",     false, false, false, false, true,  false},
    {"SYN",     false, true,  false, false, false, false},
    {"SYN ACK", false, true,  false, false, true,  false},
    {"FIN",     true,  false, false, false, false, false},
    {"FIN ACK", true,  false, false, false, true,  false},
    {"RST",     false, false, true,  false, false, false},
    {"RST ACK", false, false, true,  false, true,  false},
    {"SYN FIN", true,  true,  false, false, false, false},
    {"SYN FIN ACK", true, true,  false, false, true,  false},
    {"SYN RST", false, true,  true,  false, false, false},
    {"URG ACK", false, false, false, false, true,  true},
    {"PSH ACK", false, false, false, true,  true,  false},
    {"all",     true,  true,  true,  true,  true,  true},
    // clang-format on
};

/// Which numbers a run goes through.
struct grid {
    std::vector<oracle::number> texts, seqs, acks;
    std::vector<oracle::number> stamps{};  ///< TSval, beside none
    bool stamped = false;
    bool urgent = false;  ///< the pointer before, at and behind the end of the text, instead of one
};

/// The numbers without those that are there twice.
[[nodiscard]] inline std::vector<oracle::number> unique(std::initializer_list<oracle::number> all) {
    std::vector<oracle::number> out;
    for (const auto n : all) {
        if (std::find(out.begin(), out.end(), n) == out.end()) out.push_back(n);
    }
    return out;
}

/// The numbers that matter where this connection is, real ones.
[[nodiscard]] inline grid grid_for(const oracle::tcp& rfc, const world& w, bool stamped) {
    const oracle::tcb& t = rfc.t;
    const bool known = rfc.at >= oracle::state::syn_received;
    const bool closed = rfc.at == oracle::state::closed;
    const oracle::number nxt = known ? t.rcv_nxt : w.peers.value() + 1;
    const oracle::number wnd = known ? t.rcv_wnd : rfc.given.buffer;
    const oracle::number una = closed ? w.ours.value() + 1 : t.una;
    const oracle::number snd = closed ? w.ours.value() + 9 : t.nxt;
    const oracle::number max = t.max_wnd;
    if (!stamped) {
        return {.texts = unique({0, 1, 3, wnd + 2}),
                .seqs = unique({nxt - 1, nxt - 0x8000'0000U, nxt - 3, nxt, nxt + 1, nxt + wnd / 2, nxt + wnd - 1,
                                nxt + wnd, nxt + wnd + 0x2000'0000U}),
                .acks = unique(
                    {una - max - 1, una - max, una - 1, una, una + (snd - una) / 2, snd, snd + 1, snd + 0x4000'0000U})};
    }
    const oracle::number stamp = w.peers_stamp;
    return {.texts = unique({0, 3, wnd + 2}),
            .seqs = unique({nxt - 1, nxt - 4, nxt, nxt + 1, nxt + wnd - 1, nxt + wnd}),
            .acks = unique({una - max - 1, una, snd, snd + 1}),
            .stamps = unique({stamp - 0x7fff'ffffU, stamp - 1, stamp, stamp + 1}),
            .stamped = true,
            .urgent = true};
}

/// Calls `f(segment)` for every segment of the grid. Without its bit the ACK field means nothing: then it has one
/// value, the most tempting one, and so has the urgent pointer.
template <class F>
void for_each_segment(const grid& all, oracle::number tempting, F f) {
    const auto one = [&](oracle::segment seg) {
        if (!all.stamped) return f(seg);
        f(seg);
        seg.has_stamp = true;
        for (const oracle::number stamp : all.stamps) {
            seg.stamp = stamp;
            f(seg);
        }
    };
    for (const flags& fl : all_flags) {
        // PSH shuts the window of the peer.
        oracle::segment seg{.ack = tempting,
                            .fin = fl.fin,
                            .syn = fl.syn,
                            .rst = fl.rst,
                            .psh = fl.psh,
                            .acks = fl.ack,
                            .urg = fl.urg,
                            .wnd = fl.psh && !fl.fin ? 0U : 4000U,
                            .up = 7};
        for (const oracle::number text : all.texts) {
            seg.text = text;
            for (const oracle::number seq : all.seqs) {
                seg.seq = seq;
                for (const oracle::number ack : fl.ack ? all.acks : std::vector{tempting}) {
                    seg.ack = ack;
                    seg.up = fl.urg ? text + 1 : 7;
                    one(seg);
                    if (!fl.urg || !all.urgent) continue;
                    for (const oracle::number up : unique({0, text, text + 600})) {
                        seg.up = up;
                        one(seg);
                    }
                }
            }
        }
    }
}

}  // namespace tcpfsm::matrix
