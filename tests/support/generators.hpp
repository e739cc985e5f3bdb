// SPDX-License-Identifier: MIT
// generators.hpp: worlds, parameters, segments that aim at edges, and sequences of everything a caller can do.
#pragma once

#include <support/catch.hpp>
#include <support/network.hpp>
#include <support/subject.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <ostream>

namespace tcpfsm::test {

/// Runs a body in a property: a script that goes wrong in it fails the property.
template <class F>
void in_property(F body) {
    const mismatches_are_thrown here;
    try {
        body();
    } catch (const mismatch& m) {
        RC_FAIL(m.what);
    }
}

/// A world of world.hpp, or any other.
inline rc::Gen<world> any_world() {
    return rc::gen::oneOf(
        rc::gen::map(rc::gen::inRange<std::size_t>(0, world_count), [](std::size_t i) { return worlds[i]; }),
        rc::gen::map(rc::gen::arbitrary<std::uint32_t>(), [](std::uint32_t n) { return random_world(n); }));
}

/// Parameters of an OPEN, sensible or not.
inline rc::Gen<parameters> any_parameters() {
    return rc::gen::exec([] {
        using rc::gen::element;
        parameters p;
        p.rcv_buff = *element<std::uint32_t>(65535, 65535, 1, 2, 100, 1460, 4096, 65536, 1'000'000);
        p.snd_buff = *element<std::uint32_t>(65535, 65535, 1, 100, 4096, 1'000'000);
        p.mss = *element<std::uint16_t>(1460, 1460, 536, 100, 9000);
        p.default_mss = *element<std::uint16_t>(536, 1220);
        p.user_timeout = *element(duration{std::chrono::minutes{5}}, duration{std::chrono::seconds{1}}, duration{1},
                                  duration{forever});
        p.keep_alive = *element(duration{forever}, duration{std::chrono::seconds{10}});
        p.nagle = *rc::gen::arbitrary<bool>();
        p.remote_specified = *element(true, true, false);
        return p;
    });
}

/// A number near an edge of the connection: `from` says which, `offset` how far.
struct aim {
    std::uint8_t from = 0;
    std::uint32_t offset = 0;

    template <class P>
    [[nodiscard]] constexpr seq at_peer(const tcb<P>& t) const {
        const std::array edges{t.rcv.nxt, t.rcv.edge, t.rcv.irs, t.rcv.fin_at, t.rcv.acked, t.rcv.up};
        return edges[from % edges.size()] + offset;
    }
    template <class P>
    [[nodiscard]] constexpr seq at_ours(const tcb<P>& t) const {
        const std::array edges{t.snd.una, t.snd.nxt, t.snd.iss, t.snd.end, t.snd.una - t.snd.max_wnd, t.snd.wl2};
        return edges[from % edges.size()] + offset;
    }
};

/// Within 2 of an edge, or of the other side of the circle; sometimes anywhere.
inline rc::Gen<aim> any_aim() {
    return rc::gen::exec([] {
        aim a;
        a.from = *rc::gen::weightedElement<std::uint8_t>({{6, 0}, {3, 1}, {1, 2}, {1, 3}, {1, 4}, {1, 5}});
        const auto near = *rc::gen::weightedOneOf<int>({{3, rc::gen::just(0)}, {2, rc::gen::inRange(-2, 3)}});
        const auto base =
            *rc::gen::weightedElement<std::uint32_t>({{12, 0}, {1, 0x8000'0000}, {1, 536}, {1, 0xffff'0000}});
        a.offset = base + static_cast<std::uint32_t>(near);
        return a;
    });
}

/// A segment that is aimed when it arrives.
struct aimed_segment {
    segment seg{};
    aim number{};
    aim ack{};
    bool stamped_well = true;  ///< a timestamp near TS.Recent, where one is carried

    template <class P>
    [[nodiscard]] constexpr segment at(const tcb<P>& t) const {
        segment out = seg;
        out.seq = number.at_peer(t);
        out.ack = ack.at_ours(t);
        if (stamped_well) out.options.ts_val += t.ts.recent;
        return out;
    }
};

inline rc::Gen<aimed_segment> any_segment() {
    return rc::gen::exec([] {
        using rc::gen::element;
        aimed_segment out;
        segment& seg = out.seg;
        seg.ctl = *rc::gen::weightedOneOf<control>(
            {{8, element(ctl::ack, ctl::ack | ctl::psh, ctl::ack | ctl::fin, ctl::syn, ctl::syn | ctl::ack, ctl::rst,
                         ctl::rst | ctl::ack, ctl::ack | ctl::urg)},
             {2, rc::gen::map(rc::gen::inRange<std::uint16_t>(0, 0x200), [](std::uint16_t b) { return control{b}; })}});
        seg.text = *rc::gen::weightedElement<std::uint32_t>({{6, 0}, {2, 1}, {2, 536}, {2, 1460}, {1, 2}, {1, 65535}});
        seg.wnd = *element<std::uint16_t>(65535, 65535, 1000, 1, 0);
        seg.up = *element<std::uint16_t>(0, 1, 2, 1000, 65535);
        out.number = *any_aim();
        out.ack = *any_aim();
        options& opt = seg.options;
        if (seg.has(ctl::syn)) {
            opt.has_mss = *rc::gen::arbitrary<bool>();
            opt.mss = *element<std::uint16_t>(1460, 0, 1, 536, 65535);
            opt.has_window_scale = *rc::gen::arbitrary<bool>();
            opt.window_scale = *element<std::uint8_t>(0, 7, 14, 15, 255);
            opt.sack_permitted = *rc::gen::arbitrary<bool>();
        }
        opt.has_timestamps = *rc::gen::arbitrary<bool>();
        out.stamped_well = *element(true, true, true, false);
        opt.ts_val = *element<std::uint32_t>(0, 1, 0xffff'ffff, 0x8000'0000);
        opt.ts_ecr = *element<std::uint32_t>(0, 1, 0xffff'ffff);
        return out;
    });
}

/// One thing that a caller can do.
struct operation {
    enum class kind : std::uint8_t {
        segment,
        peer_continues,
        open_passive,
        open_active,
        send,
        send_urgent,
        receive,
        close,
        close_both,
        abort,
        status,
        icmp,
        time,
        due,
        poll,
        settings,
        renew_iss
    };
    kind what = kind::poll;
    aimed_segment arrives{};
    std::uint32_t amount = 0;
    bool polls = true;  ///< and then polls, until nothing comes
};

inline rc::Gen<operation> any_operation() {
    return rc::gen::exec([] {
        using enum operation::kind;
        operation o;
        o.what = *rc::gen::weightedElement<operation::kind>({{12, segment},
                                                             {14, peer_continues},
                                                             {2, open_passive},
                                                             {3, open_active},
                                                             {5, send},
                                                             {1, send_urgent},
                                                             {4, receive},
                                                             {2, close},
                                                             {1, close_both},
                                                             {1, abort},
                                                             {1, status},
                                                             {1, icmp},
                                                             {3, time},
                                                             {4, due},
                                                             {2, poll},
                                                             {1, settings},
                                                             {1, renew_iss}});
        o.arrives = *any_segment();
        o.amount =
            *rc::gen::oneOf(rc::gen::element<std::uint32_t>(0, 1, 100, 1460, 5000, 65535, 0x7fff'ffff, 0xffff'ffff),
                            rc::gen::inRange<std::uint32_t>(0, 20000));
        o.polls = *rc::gen::weightedElement<bool>({{4, true}, {1, false}});
        return o;
    });
}

/// A segment such as a peer that is in order would send next: so that sequences get on.
template <class P>
constexpr segment of_a_good_peer(const tcb<P>& t, state at, const aimed_segment& a) {
    segment seg{.seq = t.rcv.nxt, .ack = t.snd.nxt, .wnd = a.seg.wnd};
    const bool knows_us = !state_set{state::listen | state::closed}.contains(at);
    if (knows_us) seg.ctl |= ctl::ack;
    if (!states::other.contains(at) || at == state::syn_received) {
        seg.options = a.seg.options;
        if (at != state::syn_received) seg.ctl |= ctl::syn;
    } else {
        seg.text = a.seg.text;
        if (a.seg.has(ctl::fin)) seg.ctl |= ctl::fin;
    }
    seg.options.has_timestamps = states::other.contains(at) ? t.ts.on : a.seg.options.has_timestamps;
    seg.options.ts_val = t.ts.recent;
    return seg;
}

/// Does it.
template <class P>
void perform(basic_subject<P>& tcp, const operation& o) {
    using enum operation::kind;
    if (o.polls) {
        while (tcp.polls()) {
        }
    }
    const auto& t = tcp.numbers();
    switch (o.what) {
    case segment: tcp.hears(o.arrives.at(t)); break;
    case peer_continues: tcp.hears(of_a_good_peer(t, tcp.at(), o.arrives)); break;
    case open_passive: static_cast<void>(tcp.open_passive()); break;
    case open_active: static_cast<void>(tcp.open_active()); break;
    case send: static_cast<void>(tcp.send(o.amount)); break;
    case send_urgent: static_cast<void>(tcp.send_urgent(o.amount)); break;
    case receive: static_cast<void>(tcp.receive(o.amount)); break;
    case close: static_cast<void>(tcp.close()); break;
    case close_both: static_cast<void>(tcp.close_both()); break;
    case abort: static_cast<void>(tcp.abort()); break;
    case status: static_cast<void>(tcp.status()); break;
    case icmp:
        tcp.does("ICMP", [&](auto& c, time_point now) {
            const seq quoted = o.arrives.ack.at_ours(c.numbers());
            if (o.amount % 4 == 3) {
                c.handle_packet_too_big(o.amount / 4 % 2000, quoted, o.amount % 1501, now);
            } else {
                c.handle_icmp(static_cast<icmp_error>(o.amount % 4), quoted, now);
            }
        });
        break;
    case time: tcp.loses(duration{std::min<std::uint32_t>(o.amount, 100'000'000)}); break;
    case due: {
        const time_point wake = tcp.conn().poll_timeout();
        if (wake != never && wake > tcp.now()) tcp.loses(wake - tcp.now());
        break;
    }
    case poll: static_cast<void>(tcp.polls()); break;
    case settings:
        tcp.does("settings", [&](auto& c, time_point) {
            c.set_nagle(o.amount % 2 == 0);
            c.set_keep_alive(o.amount % 3 == 0 ? forever : duration{o.amount});
            c.set_user_timeout(o.amount % 5 == 0 ? duration{1 + std::int64_t{o.amount}} : forever);
        });
        break;
    case renew_iss: tcp.does("a new ISS", [&](auto& c, time_point) { c.renew_iss(seq{o.amount}, o.amount); }); break;
    }
}

inline std::ostream& operator<<(std::ostream& out, const world& w) { return out << "world \"" << w.name << '"'; }
inline std::ostream& operator<<(std::ostream& out, const operation& o) {
    return out << fmt::format("operation {} amount {} segment {} aimed at {}+{}, {}+{}{}", static_cast<int>(o.what),
                              o.amount, to_script(o.arrives.seg), o.arrives.number.from,
                              static_cast<std::int32_t>(o.arrives.number.offset), o.arrives.ack.from,
                              static_cast<std::int32_t>(o.arrives.ack.offset), o.polls ? "" : ", unpolled");
}

}  // namespace tcpfsm::test

namespace tcpfsm {
// RapidCheck looks where the type is at home.
inline std::ostream& operator<<(std::ostream& out, const parameters& p) {
    return out << fmt::format(
               "rcv_buff {} snd_buff {} mss {} user_timeout {} us keep_alive {} us nagle {} remote_specified {}",
               p.rcv_buff, p.snd_buff, p.mss, p.user_timeout.count(), p.keep_alive.count(), p.nagle,
               p.remote_specified);
}
}  // namespace tcpfsm
