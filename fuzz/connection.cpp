// SPDX-License-Identifier: MIT
// connection.cpp: any calls, segments and times, in any order. Segments are aimed at the numbers of the connection,
// since random ones would all be dropped at the first step. What must hold after each of them is in `examine`.

#include <tcpfsm/connection.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

namespace {

using namespace tcpfsm;

void require(bool holds, int line = __builtin_LINE()) {
    if (holds) return;
    std::fprintf(stderr, "connection.cpp:%d does not hold\n", line);
    std::abort();
}

// Every row is judged as it is taken: an impossible cell is the end.
template <class Table>
struct examiner {
    void record(state from, event on, state to) noexcept {
        const cell c = basic_machine<Table>::table.at(from, on);
        require(!c.is_impossible());
        require(c.next() == to);
    }
    friend bool operator==(const examiner&, const examiner&) noexcept = default;
};
struct strict : policies {
    using recorder = examiner<rfc9293>;
    static constexpr std::size_t reassembly_ranges = 3;
};
struct lenient : strict {
    static constexpr bool rfc5961 = false;
    static constexpr bool rfc1337 = false;
    static constexpr bool text_on_syn = true;
    static constexpr mtu_discovery path_mtu = mtu_discovery::probed;
};

class input {
public:
    explicit input(std::span<const std::uint8_t> octets) noexcept : octets_{octets} {}
    [[nodiscard]] bool empty() const noexcept { return octets_.empty(); }
    std::uint32_t octet() noexcept {
        if (octets_.empty()) return 0;
        const std::uint8_t o = octets_.front();
        octets_ = octets_.subspan(1);
        return o;
    }
    std::uint32_t word() noexcept {
        const std::uint32_t high = octet();
        return high << 8U | octet();
    }
    // A number near `base`: exact, a little off, some way off, or on the other side.
    seq near(seq base) noexcept {
        const std::uint32_t how = octet();
        const std::uint32_t off = how & 7U;
        switch (how >> 4U) {
        case 0: return base + word();
        case 1: return base - word();
        case 2: return base + (word() << 16U);
        case 3: return base + 0x80000000U + off - 3;
        default: return base + off - 3;
        }
    }

private:
    std::span<const std::uint8_t> octets_;
};

template <class P>
void examine(const basic_connection<P>& c, time_point now) {
    const auto& n = c.numbers();
    require(n.snd.una <= n.snd.again && n.snd.again <= n.snd.nxt);
    require(n.snd.flight() <= n.given.snd_buff + 2);
    require(n.snd.queued() <= n.given.snd_buff);
    require(n.rcv.wnd() <= n.rcv.buff);
    require(n.rcv.user <= n.rcv.buff);
    require(n.held.size() <= P::reassembly_ranges);
    require(c.in(states::open) || c.poll_timeout() == never);
    require(c.urgent() <= 0x40000000U);
    basic_connection<P> copy = c;
    require(copy == c);
    copy.handle_timeout(now);  // whatever was due is done, so it may not be due again at once
    require(copy.poll_timeout() > now);
}

template <class P>
void poll_all(basic_connection<P>& c, time_point now) {
    std::uint32_t segments = 0;
    while (const auto out = c.poll_transmit(now)) {
        const auto& n = c.numbers();
        require(++segments < 1000);
        require(!out->segment.has(ctl::syn | ctl::rst));
        require(out->at + out->segment.text <= n.given.snd_buff);
        require(!c.in(states::synchronized) || out->segment.has(ctl::rst) || out->segment.has(ctl::ack));
    }
    require(!c.poll_transmit(now));
    while (c.poll_signal()) {
    }
}

template <class P>
void arrive(basic_connection<P>& c, input& in, time_point now) {
    const auto& n = c.numbers();
    segment seg;
    const std::uint32_t kind = in.octet();
    constexpr control kinds[] = {
        ctl::ack, ctl::ack,           ctl::ack | ctl::psh, ctl::syn, ctl::syn | ctl::ack, ctl::fin | ctl::ack,
        ctl::rst, ctl::rst | ctl::ack};
    seg.ctl = kind < 0xc0 ? kinds[kind & 7U] : control{static_cast<std::uint16_t>(in.octet())};
    seg.seq = in.near((kind & 8U) != 0 ? n.rcv.nxt : n.rcv.edge);
    seg.ack = in.near((kind & 16U) != 0 ? n.snd.una : n.snd.nxt);
    if ((kind & 32U) != 0) seg.text = in.octet() < 0x80 ? in.octet() : in.word();
    seg.wnd = static_cast<std::uint16_t>(in.octet() < 0x40 ? 0 : in.word());
    const std::uint32_t extras = in.octet();
    if ((extras & 1U) != 0) {
        seg.ctl |= ctl::urg;
        seg.up = static_cast<std::uint16_t>(in.word());
    }
    options& o = seg.options;
    o.has_timestamps = n.ts.on != ((extras & 2U) != 0);
    o.ts_val = n.ts.recent + in.octet() - 4;
    o.ts_ecr = n.stamp(now) - in.octet();
    if ((extras & 4U) != 0) {
        o.has_mss = o.has_window_scale = o.sack_permitted = o.has_timestamps = true;
        o.mss = static_cast<std::uint16_t>(in.word());
        o.window_scale = static_cast<std::uint8_t>(in.octet());
    }
    const basic_connection<P> before = c;
    const arrival got = c.handle_segment(seg, now);
    require(got.skip + got.text <= seg.text);
    require(got.text == 0 || got.at + got.text <= n.given.rcv_buff || c.in(state::closed));
    require(got.acked <= before.numbers().snd.queued());
    // A reset or an unacceptable segment may not move the window, nor take text.
    require(!got.dropped || (got.text == 0 && got.acked == 0));
}

template <class P>
void live(input in) {
    basic_connection<P> c;
    // Every life begins near one of the places where sequence numbers and clocks wrap.
    time_point now{duration{static_cast<std::int64_t>(in.octet() & 3U) * 0xffffffffLL}};
    parameters p;
    p.iss = in.near(seq{0});
    p.rcv_buff = 1 + in.word() * (in.octet() & 0x3fU);
    p.snd_buff = 1 + in.word();
    p.mss = static_cast<std::uint16_t>(in.octet() < 0x20 ? in.word() : 1460);
    p.remote_specified = in.octet() < 0x80;
    p.nagle = in.octet() < 0x80;
    if (in.octet() < 0x20) p.keep_alive = std::chrono::minutes{1};
    for (unsigned step = 0; !in.empty() && step < 400; ++step) {
        switch (in.octet() % 16) {
        case 0: static_cast<void>(c.open_passive(p, now)); break;
        case 1: static_cast<void>(c.open_active(p, now)); break;
        case 2: static_cast<void>(c.send(in.word(), now, in.octet() < 0x20)); break;
        case 3: static_cast<void>(c.receive(in.word(), now)); break;
        case 4: static_cast<void>(in.octet() < 0xe0 ? c.close(now) : c.close_both(now)); break;
        case 5:
            if (in.octet() < 0x20) static_cast<void>(c.abort(now));
            break;
        case 6: {
            const auto what = static_cast<std::uint8_t>(in.octet());
            const seq quoted = in.near(c.numbers().snd.una);
            if (what < 0xc0) {
                c.handle_icmp(static_cast<icmp_error>(what % 3), quoted, now);
            } else {
                c.handle_packet_too_big(in.word() % 2000, quoted, in.word() % 2000, now);
            }
            break;
        }
        case 7: now += duration{in.word() * 1000}; break;
        case 8:
        case 9:
            if (c.poll_timeout() != never && c.poll_timeout() > now) now = c.poll_timeout();
            c.handle_timeout(now);
            break;
        case 10: c.renew_iss(in.near(seq{0}), in.word()); break;
        default: arrive(c, in, now); break;
        }
        if (in.octet() < 0xc0) poll_all(c, now);
        examine(c, now);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    live<strict>(input{{data, size}});
    live<lenient>(input{{data, size}});
    return 0;
}
