// SPDX-License-Identifier: MIT
// driver.hpp: a connection of the library and one of the oracle's, side by side, and the comparison of the two.
#pragma once

#include "oracle.hpp"

#include <support/script.hpp>
#include <support/world.hpp>

#include <fmt/format.h>

#include <tcpfsm/connection.hpp>
#include <tcpfsm/trace.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// The only file that knows both. Whatever is given to one is given to the other, the walk to a state as well as
// the segment of a cell, and what comes of it is compared as an `outcome`. Numbers are real; they are printed
// relative to the initial sequence numbers, in packetdrill's notation.

namespace tcpfsm::matrix {

using test::world;

static_assert(oracle::state_count == state_count);
static_assert(static_cast<state>(oracle::state::last_ack) == state::last_ack);

// --- From one notation to the other -----------------------------------------------------------------

[[nodiscard]] inline oracle::segment to_oracle(const segment& seg) {
    const options& opt = seg.options;
    return {.seq = seg.seq.value(),
            .ack = seg.ack.value(),
            .text = seg.text,
            .fin = seg.has(ctl::fin),
            .syn = seg.has(ctl::syn),
            .rst = seg.has(ctl::rst),
            .psh = seg.has(ctl::psh),
            .acks = seg.has(ctl::ack),
            .urg = seg.has(ctl::urg),
            .wnd = seg.wnd,
            .up = seg.up,
            .has_mss = opt.has_mss,
            .has_scale = opt.has_window_scale,
            .has_stamp = opt.has_timestamps,
            .sack_ok = opt.sack_permitted,
            .mss = opt.mss,
            .scale = opt.window_scale,
            .stamp = opt.ts_val,
            .echo = opt.ts_ecr};
}
[[nodiscard]] inline segment to_library(const oracle::segment& seg) {
    segment out{.seq = seq{seg.seq},
                .ack = seq{seg.ack},
                .text = seg.text,
                .wnd = static_cast<std::uint16_t>(seg.wnd),
                .up = static_cast<std::uint16_t>(seg.up)};
    if (seg.fin) out.ctl |= ctl::fin;
    if (seg.syn) out.ctl |= ctl::syn;
    if (seg.rst) out.ctl |= ctl::rst;
    if (seg.psh) out.ctl |= ctl::psh;
    if (seg.acks) out.ctl |= ctl::ack;
    if (seg.urg) out.ctl |= ctl::urg;
    options& opt = out.options;
    opt.has_mss = seg.has_mss;
    opt.mss = static_cast<std::uint16_t>(seg.mss);
    opt.has_window_scale = seg.has_scale;
    opt.window_scale = static_cast<std::uint8_t>(seg.scale);
    opt.has_timestamps = seg.has_stamp;
    opt.ts_val = seg.stamp;
    opt.ts_ecr = seg.echo;
    opt.sack_permitted = seg.sack_ok;
    return out;
}
[[nodiscard]] constexpr oracle::signal to_oracle(signal s) {
    switch (s) {
    case signal::tell_open: return oracle::signal::open;
    case signal::tell_urgent: return oracle::signal::urgent;
    case signal::tell_closing: return oracle::signal::closing;
    case signal::tell_refused: return oracle::signal::refused;
    case signal::tell_reset: return oracle::signal::reset;
    case signal::tell_timed_out: return oracle::signal::timed_out;
    case signal::tell_closed: return oracle::signal::closed;
    case signal::tell_soft_error: return oracle::signal::soft_error;
    default: return oracle::signal::unreachable;
    }
}
[[nodiscard]] constexpr std::string_view words(oracle::signal s) {
    constexpr std::string_view all[] = {"open",      "urgent data", "closing",     "refused",   "reset",
                                        "timed out", "closed",      "unreachable", "soft error"};
    return all[static_cast<std::size_t>(s)];
}
[[nodiscard]] constexpr std::string_view words(oracle::state s) { return name(static_cast<state>(s)); }

/// A segment with relative numbers, in packetdrill's notation.
[[nodiscard]] inline std::string to_text(const oracle::segment& real, const world& w, bool our_own) {
    segment seg = to_library(real);
    seg.seq = seq{seg.seq - (our_own ? w.ours : w.peers)};
    if (seg.has(ctl::ack)) seg.ack = seq{seg.ack - (our_own ? w.peers : w.ours)};
    return test::to_script(seg);
}

// --- What comes of an event -------------------------------------------------------------------------

/// All that is compared.
struct outcome {
    oracle::state at{};
    oracle::few<oracle::segment, 4> sent;   ///< at once
    oracle::few<oracle::segment, 4> later;  ///< within half a second (MUST-40)
    oracle::few<oracle::signal, 4> told;
    bool has_numbers = false;  ///< there is a TCB, and the peer's SYN is known
    bool deleted = false;      ///< there is none
    oracle::number iss{}, una{}, nxt{}, wnd{}, wl1{}, wl2{};
    oracle::number irs{}, rcv_nxt{}, rcv_wnd{};
    oracle::number urgent{};  ///< RCV.UP, as octets of urgent data that are unread
    oracle::number unread{};
    oracle::few<oracle::range, 10> held;
    bool fin_held = false;
    oracle::number fin_at{};
    oracle::number ts_recent{};
    oracle::microseconds time_wait_ends{};
    oracle::number acked{};
    bool pushed = false;
    friend bool operator==(const outcome&, const outcome&) = default;
};

/// The outcome in lines, with relative numbers.
[[nodiscard]] inline std::string to_text(const outcome& o, const world& w) {
    const auto ours = [&w](oracle::number n) { return static_cast<std::int32_t>(n - w.ours.value()); };
    const auto peers = [&w](oracle::number n) { return static_cast<std::int32_t>(n - w.peers.value()); };
    std::string out = fmt::format("{}", words(o.at));
    for (const auto& seg : o.sent) out += "; " + to_text(seg, w, true);
    for (const auto& seg : o.later) out += "; later " + to_text(seg, w, true);
    for (const auto s : o.told) out += fmt::format("; tells {}", words(s));
    if (o.at == oracle::state::closed && !o.deleted) out += "; numbers are left";
    if (!o.has_numbers) return out;
    out += fmt::format("\n        SND: ISS {} UNA {} NXT {} WND {} WL1 {} WL2 {}; acked {}", ours(o.iss), ours(o.una),
                       ours(o.nxt), o.wnd, peers(o.wl1), ours(o.wl2), o.acked);
    out += fmt::format("\n        RCV: IRS {} NXT {} WND {}; unread {} urgent {}{}", peers(o.irs), peers(o.rcv_nxt),
                       o.rcv_wnd, o.unread, o.urgent, o.pushed ? " pushed" : "");
    for (const auto& r : o.held) out += fmt::format("; held {}:{}", peers(r.left), peers(r.right));
    if (o.fin_held) out += fmt::format("; FIN held {}", peers(o.fin_at));
    if (o.ts_recent != 0) out += fmt::format("; TS.Recent {}", o.ts_recent);
    if (o.time_wait_ends != 0) out += fmt::format("; 2MSL {}", o.time_wait_ends - w.begin.time_since_epoch().count());
    return out;
}

// --- Side by side ------------------------------------------------------------------------------------

/// The library's policies and the oracle's readings of the same name.
template <class P>
[[nodiscard]] constexpr oracle::readings readings_of() {
    oracle::readings how;
    how.rfc5961 = P::rfc5961;
    how.rfc1337 = P::rfc1337;
    how.reopen = P::reopen_time_wait;
    return how;
}

/// The policies `P`, with a memory of the rows that one event took.
template <class P>
struct remembered : P {
    using recorder = row_recorder<8>;
};

/// One connection of each kind.
template <class P>
class both {
public:
    using connection_type = basic_connection<remembered<P>>;

    /// `stamped`: the peer uses timestamps, and scales its windows by four.
    both(const world& w, std::uint32_t buffer, bool stamped, const oracle::readings& how)
        : world_{w}, now_{w.begin}, stamped_{stamped} {
        given_ = parameters{
            .iss = w.ours,
            .rcv_buff = buffer,
            .timestamp_offset = w.our_stamp - static_cast<std::uint32_t>(w.begin.time_since_epoch().count() / 1000)};
        rfc.how = how;
        rfc.given = {.iss = w.ours.value(), .buffer = buffer, .mss = given_.mss};
        static_assert(P::msl == std::chrono::minutes{2} && P::challenges == 10 && P::reassembly_ranges == 8);
    }

    /// A user call or a timeout: `f` for the library, `g` for the oracle.
    template <class F, class G>
    both& does(F f, G g) {
        prepare();
        f(conn, now_);
        g(rfc);
        arrival_ = {};
        return compare();
    }
    both& open_passive() {
        return does([this](auto& c, auto now) { static_cast<void>(c.open_passive(given_, now)); },
                    [](auto& o) { o.open_passive(); });
    }
    both& open_active() {
        return does([this](auto& c, auto now) { static_cast<void>(c.open_active(given_, now)); },
                    [](auto& o) { o.open_active(); });
    }
    both& send(std::uint32_t n) {
        return does([n](auto& c, auto now) { static_cast<void>(c.send(n, now)); }, [n](auto& o) { o.send(n); });
    }
    both& close() {
        return does([](auto& c, auto now) { static_cast<void>(c.close(now)); }, [](auto& o) { o.close(); });
    }
    both& close_both() {
        return does([](auto& c, auto now) { static_cast<void>(c.close_both(now)); }, [](auto& o) { o.close_both(); });
    }
    both& abort() {
        return does([](auto& c, auto now) { static_cast<void>(c.abort(now)); }, [](auto& o) { o.abort(); });
    }
    /// A hard error of ICMP about the oldest segment in flight.
    both& unreachable() {
        return does([](auto& c, auto now) { c.handle_icmp(icmp_error::hard, c.numbers().snd.una, now); },
                    [](auto& o) {
                        if (o.t.una != o.t.nxt)
                            o.hard_error();
                        else
                            o.nothing();
                    });
    }
    /// 2 MSL have passed, in TIME-WAIT.
    both& lingers_on() {
        now_ = std::max(now_, conn.poll_timeout());
        return does([](auto& c, auto now) { c.handle_timeout(now); }, [](auto& o) { o.time_wait_timeout(); });
    }
    /// A segment with relative numbers, as a script writes it.
    both& gets(const test::script& s) {
        segment seg = s.seg;
        seg.seq = world_.peers + seg.seq.value();
        seg.ack = world_.ours + seg.ack.value();
        if (stamped_) {
            seg.options.has_timestamps = true;
            seg.options.ts_val = world_.peers_stamp;
            seg.options.has_window_scale = seg.has(ctl::syn);
            seg.options.window_scale = seg.has(ctl::syn) ? 2 : 0;
        }
        return hears(to_oracle(seg));
    }
    /// A segment with real numbers.
    both& hears(const oracle::segment& seg) {
        prepare();
        rfc.segment_arrives(seg, now_.time_since_epoch().count());
        arrival_ = conn.handle_segment(to_library(seg), now_);
        return compare();
    }
    /// Time passes in which nothing is due.
    both& waits(duration d) {
        now_ += d;
        return *this;
    }

    /// True iff all outcomes so far were the same.
    [[nodiscard]] bool agree() const { return agree_; }
    [[nodiscard]] const outcome& library_says() const { return library_; }
    [[nodiscard]] const outcome& oracle_says() const { return expected_; }
    [[nodiscard]] const arrival& judged() const { return arrival_; }
    [[nodiscard]] const world& in_world() const { return world_; }
    /// The rows that the library took on the last event, and on the timeouts up to now.
    struct row_range {
        row_recorder<8>::iterator first, last;
        [[nodiscard]] auto begin() const { return first; }
        [[nodiscard]] auto end() const { return last; }
    };
    [[nodiscard]] row_range rows() const { return {conn.recorder().since(rows_before_), conn.recorder().end()}; }

    connection_type conn;
    oracle::tcp rfc;
    oracle::report report;  ///< the oracle's, about the last event

private:
    void prepare() {
        rows_before_ = conn.recorder().total();
        rfc.given.stamp = stamp();
    }
    [[nodiscard]] std::uint32_t stamp() const {
        return world_.our_stamp + static_cast<std::uint32_t>((now_ - world_.begin) / std::chrono::milliseconds{1});
    }
    both& compare() {
        report = rfc.said;
        library_ = {};
        expected_ = {};
        drain(library_.sent);
        while (const auto told = conn.poll_signal()) library_.told.add(to_oracle(*told));
        for (const auto& seg : report.sent) expected_.sent.add(seg);
        for (const auto told : report.told) expected_.told.add(told);
        std::sort(expected_.told.all.begin(), expected_.told.all.begin() + std::ptrdiff_t(expected_.told.count));
        std::sort(library_.told.all.begin(), library_.told.all.begin() + std::ptrdiff_t(library_.told.count));
        numbers_of_library();
        numbers_of_oracle();
        // An ACK that waits, and what comes within half a second in any other way.
        const time_point limit = now_ + std::chrono::milliseconds{500};
        for (int served = 0; served < 3 && conn.poll_timeout() < limit; ++served) {
            now_ = std::max(now_, conn.poll_timeout());
            conn.handle_timeout(now_);
            drain(library_.later);
        }
        rfc.given.stamp = stamp();
        rfc.delayed_ack_timeout();
        for (const auto& seg : rfc.said.sent) expected_.later.add(seg);
        agree_ = agree_ && library_ == expected_;
        return *this;
    }
    /// A broken connection may never be done.
    void drain(oracle::few<oracle::segment, 4>& into) {
        for (int polled = 0; polled < 5; ++polled) {
            const auto out = conn.poll_transmit(now_);
            if (!out) return;
            into.add(to_oracle(out->segment));
        }
    }
    void numbers_of_library() {
        outcome& o = library_;
        o.at = static_cast<oracle::state>(conn.at());
        o.acked = arrival_.acked;
        o.pushed = arrival_.push;
        o.unread = conn.readable();
        const auto& t = conn.numbers();
        o.deleted = t == tcb<remembered<P>>{};
        if (!conn.in(state::closed)) o.iss = t.snd.iss.value();
        if (!conn.in(states::other)) return;
        o.has_numbers = true;
        o.una = t.snd.una.value();
        o.nxt = t.snd.nxt.value();
        o.wnd = t.snd.wnd;
        o.wl1 = t.snd.wl1.value();
        o.wl2 = t.snd.wl2.value();
        o.irs = t.rcv.irs.value();
        o.rcv_nxt = t.rcv.nxt.value();
        o.rcv_wnd = t.rcv.wnd();
        o.urgent = conn.urgent();
        for (std::size_t i = 0; i < t.held.size(); ++i) o.held.add({t.held[i].left.value(), t.held[i].right.value()});
        std::sort(o.held.all.begin(), o.held.all.begin() + std::ptrdiff_t(o.held.count),
                  [&](const auto& a, const auto& b) { return a.left - o.rcv_nxt < b.left - o.rcv_nxt; });
        o.fin_held = t.rcv.fin_known && t.rcv.nxt <= t.rcv.fin_at;
        if (o.fin_held) o.fin_at = t.rcv.fin_at.value();
        if (t.ts.on) o.ts_recent = t.ts.recent;
        if (conn.at() == state::time_wait) o.time_wait_ends = t.time_wait_ends.time_since_epoch().count();
    }
    void numbers_of_oracle() {
        outcome& o = expected_;
        const oracle::tcb& t = rfc.t;
        o.at = rfc.at;
        o.acked = report.acked;
        o.pushed = report.pushed;
        o.unread = t.unread;
        o.deleted = rfc.at == oracle::state::closed;
        if (rfc.at != oracle::state::closed) o.iss = t.iss;
        if (rfc.at < oracle::state::syn_received) return;
        o.has_numbers = true;
        o.una = t.una;
        o.nxt = t.nxt;
        o.wnd = t.wnd;
        o.wl1 = t.wl1;
        o.wl2 = t.wl2;
        o.irs = t.irs;
        o.rcv_nxt = t.rcv_nxt;
        o.rcv_wnd = t.rcv_wnd;
        const oracle::number ahead = t.rcv_up - (t.rcv_nxt - t.unread - (t.peer_closed ? 1U : 0U));
        o.urgent = ahead < 0x8000'0000U ? ahead : 0;
        o.held = t.held;
        o.fin_held = t.fin_held;
        if (t.fin_held) o.fin_at = t.fin_at;
        if (t.stamps) o.ts_recent = t.ts_recent;
        if (rfc.at == oracle::state::time_wait) o.time_wait_ends = t.time_wait_ends;
    }

    world world_;
    parameters given_;
    time_point now_;
    bool stamped_;
    arrival arrival_;
    outcome library_, expected_;
    std::uint64_t rows_before_ = 0;
    bool agree_ = true;
};

}  // namespace tcpfsm::matrix
