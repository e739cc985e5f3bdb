// SPDX-License-Identifier: MIT
// windows.cpp: buffers that change while a connection lives, and advice about them (3.8.6.2.2, RFC 7323 2).

#include <support/catch.hpp>
#include <support/network.hpp>
#include <support/states.hpp>

#include <tcpfsm/stream.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;
using enum tcpfsm::state;
using enum tcpfsm::answer;

struct advised : policies {
    static constexpr bool window_advice = true;
};
// What nobody asks for takes no room.
static_assert(sizeof(tcb<policies>) < sizeof(tcb<advised>));
static_assert(send_buffer_for(1000) == 2000 && send_buffer_for(0xffff'ffff) == largest_buffer);

constexpr auto receive_buffer(std::uint32_t octets) {
    return [octets](auto& c, time_point now) { c.set_receive_buffer(octets, now); };
}
constexpr auto send_buffer(std::uint32_t octets) {
    return [octets](auto& c, time_point) { c.set_send_buffer(octets); };
}
constexpr auto reads(std::uint32_t octets) {
    return [octets](auto& c, time_point now) { static_cast<void>(c.receive(octets, now)); };
}
/// ESTABLISHED with a window of 8000.
subject of_8000() {
    subject tcp = in(established, subject{{.rcv_buff = 8000}});
    CHECK(tcp.numbers().rcv.wnd() == 8000);
    return tcp;
}

// --- The receive buffer ------------------------------------------------------------------------------------

TEST_CASE("Receive buffer: more room is offered at once, if it is worth a segment", "[3.8.6.2.2][MUST-39]") {
    subject tcp = of_8000();
    SECTION("two segments") {
        tcp.does("10920", receive_buffer(8000 + 2920));
        tcp.emits(". 1:1(0) ack 1 win 10920"_seg);
    }
    SECTION("less waits for the next ACK, and then for a segment") {
        tcp.does("9459", receive_buffer(8000 + 1459));
        tcp.gets("P. 1:2(1) ack 1"_seg);
        tcp.advance(policies::delayed_ack);
        tcp.emits(". 1:1(0) ack 2 win 7999"_seg);
        tcp.does("the user reads", reads(1));
        tcp.gets("P. 2:3(1) ack 1"_seg);
        tcp.advance(policies::delayed_ack);
        tcp.emits(". 1:1(0) ack 3 win 9458"_seg);
    }
    SECTION("at a shut window a segment is enough") {
        tcp.gets(". 1:8001(8000) ack 1"_seg);
        tcp.emits(". 1:1(0) ack 8001 win 0"_seg);
        tcp.does("9460", receive_buffer(8000 + 1460));
        tcp.emits(". 1:1(0) ack 8001 win 1460"_seg);
    }
}

TEST_CASE("Receive buffer: what was offered is not taken back, and is used up before more is offered",
          "[3.8.6.2.1][SHLD-14]") {
    subject tcp = of_8000();
    tcp.does("3000", receive_buffer(3000));
    tcp.emits_nothing();
    CHECK(tcp.conn().promised() == 8000);
    tcp.gets("P. 1:1001(1000) ack 1"_seg);
    tcp.advance(policies::delayed_ack);
    tcp.emits(". 1:1(0) ack 1001 win 7000"_seg);
    tcp.does("the user reads", reads(1000));
    CHECK(tcp.conn().promised() == 7000);
    CHECK(tcp.gets(". 1001:8001(7000) ack 1"_seg).in_order == 7000);
    tcp.emits(". 1:1(0) ack 8001 win 0"_seg);
    tcp.does("the user reads", reads(4000));
    tcp.emits_nothing();
    tcp.does("the user reads", reads(1500));  // 1500 are unread, 1500 are free: half of the buffer
    tcp.emits(". 1:1(0) ack 8001 win 1500"_seg);
    CHECK(tcp.conn().promised() == 3000);
}

TEST_CASE("Receive buffer: none at all shuts the window, and any opens it again", "[3.8.6.1]") {
    subject tcp = of_8000();
    tcp.does("none", receive_buffer(0));
    tcp.gets(". 1:8001(8000) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 8001 win 0"_seg);
    tcp.does("the user reads", reads(8000));
    tcp.emits_nothing();
    tcp.gets(". 8001:8002(1) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 8001 win 0"_seg);
    tcp.does("one octet", receive_buffer(1));
    tcp.emits(". 1:1(0) ack 8001 win 1"_seg);
    CHECK(tcp.gets(". 8001:8002(1) ack 1"_seg).in_order == 1);
}

TEST_CASE("Receive buffer: smaller between our SYN and the peer's, it still takes what the SYN offered",
          "[3.8.6.2.1][SHLD-14]") {
    subject tcp = in(syn_sent, subject{{.rcv_buff = 8000}});
    tcp.does("1000", receive_buffer(1000));
    SECTION("answered") {
        CHECK(tcp.gets("S. 0:3000(3000) ack 1 <mss 1460>"_seg).in_order == 3000);
        tcp.emits(". 1:1(0) ack 3001 win 5000"_seg);
    }
    SECTION("crossed") {
        tcp.gets("S 0:0(0) <mss 1460>"_seg);
        tcp.emits("S. 0:0(0) ack 1 win 8000"_seg);
        CHECK(tcp.gets(". 1:5001(5000) ack 1"_seg).in_order == 5000);
        tcp.emits(". 1:1(0) ack 5001 win 3000"_seg);
    }
}

TEST_CASE("Receive buffer: a SYN,ACK that goes again offers no less", "[3.8.6.2.1][SHLD-14]") {
    subject tcp = in(syn_received, subject{{.rcv_buff = 8000}}, opened::passively);
    tcp.does("1000", receive_buffer(1000));
    tcp.advance(1s);
    tcp.emits("S. 0:0(0) ack 1 win 8000"_seg);
    CHECK(tcp.gets(". 1:5001(5000) ack 1"_seg).in_order == 5000);
}

TEST_CASE("Receive buffer: before the first SYN it is as if OPEN had said it", "[RFC 7323 2.2]") {
    subject tcp = in(listen);
    tcp.does("a million", receive_buffer(1'000'000));
    tcp.gets("S 0:0(0) <mss 1460,wscale 0>"_seg);
    tcp.emits("S. 0:0(0) ack 1 win 65535 <mss 1460,nop,wscale 4>"_seg);
    tcp.gets(". 1:1001(1000) ack 1"_seg);
    tcp.advance(policies::delayed_ack);
    tcp.emits(". 1:1(0) ack 1001 win 62437"_seg);  // 999'000 in units of 16, of which the last is not whole
}

TEST_CASE("Receive buffer: the window scale is for the largest that it will be, and bounds it", "[RFC 7323 2.3]") {
    const auto grown = [](std::uint32_t first, std::uint32_t most, std::uint32_t later) {
        subject tcp = in(listen, subject{{.rcv_buff = first, .rcv_buff_most = most}});
        tcp.gets("S 0:0(0) <mss 1460,wscale 0>"_seg);
        const std::uint8_t shift = tcp.polls()->segment.options.window_scale;
        tcp.gets(". 1:1(0) ack 1"_seg);
        tcp.does("more", receive_buffer(later));
        while (tcp.polls()) {
        }
        return std::pair{shift, tcp.numbers().rcv.wnd()};
    };
    CHECK(grown(65535, 0, 1'000'000) == std::pair{std::uint8_t{0}, 65535U});
    CHECK(grown(65535, 1'000'000, 1'000'000) == std::pair{std::uint8_t{4}, 1'000'000U});
    CHECK(grown(65535, 1'000'000, 9'000'000) == std::pair{std::uint8_t{4}, 0xffffU << 4U});
    CHECK(grown(65536, 1U << 30U, 1U << 30U) == std::pair{std::uint8_t{14}, largest_buffer});
    CHECK(grown(8192, 1U << 30U, 1U << 30U) == std::pair{std::uint8_t{11}, 0xffffU << 11U});  // a fourth of 8192
    CHECK(grown(3, 1U << 30U, 3).first == 0);
}

// --- The send buffer ---------------------------------------------------------------------------------------

TEST_CASE("Send buffer: more takes more at once, less takes nothing until so much has gone", "[3.10.2]") {
    subject tcp = in(established, subject{{.snd_buff = 3000}});
    CHECK(tcp.send(3000) == ok);
    tcp.emits(". 1:1461(1460) ack 1"_seg);
    tcp.emits(". 1461:2921(1460) ack 1"_seg);
    CHECK(tcp.send(1) == err_no_resources);
    tcp.does("3001", send_buffer(3001));
    CHECK(tcp.conn().writable() == 1);
    CHECK(tcp.send(1) == ok);
    tcp.does("1000", send_buffer(1000));
    tcp.gets(". 1:1(0) ack 1461"_seg);
    tcp.emits_nothing();
    CHECK(tcp.conn().writable() == 0);
    CHECK(tcp.gets(". 1:1(0) ack 2921"_seg).acked == 1460);
    tcp.emits("P. 2921:3002(81) ack 1"_seg);
    CHECK(tcp.conn().writable() == 919);
}

// --- Whatever the sizes ------------------------------------------------------------------------------------

/// A stream from one connection to another whose buffers change all the time.
struct moving_buffers {
    static constexpr std::uint32_t total = 60'000;
    basic_connection<advised> a{}, b{};
    time_point now{};
    struct flying {
        time_point arrives;
        bool to_a;
        segment seg;
    };
    std::vector<flying> air{};
    std::uint32_t written = 0, read = 0, promised_before = 0, buffer = 5000;
    bool good = true;

    explicit moving_buffers(std::uint32_t most) {
        static_cast<void>(b.open_passive({.iss = seq{1}, .rcv_buff = 5000, .rcv_buff_most = most}, now));
        static_cast<void>(a.open_active({.iss = seq{2}, .snd_buff = 5000}, now));
    }
    void polls(dice& d, std::uint32_t loss) {
        const auto all = [&](auto& from, bool to_a) {
            while (const auto out = from.poll_transmit(now)) {
                if (!d.percent(loss)) air.push_back({now + 10ms + duration{d.below(5000)}, to_a, out->segment});
            }
        };
        all(a, false);
        all(b, true);
    }
    void users() {
        const std::uint32_t n = std::min(a.writable(), total - written);
        if (a.may_send() && n != 0 && a.send(n, now) == ok) written += n;
        const std::uint32_t m = b.readable();
        if (m != 0 && b.receive(m, now) == ok) read += m;
    }
    /// What is promised never grows beyond the buffer, and a smaller buffer makes no more promises.
    void set_receive(std::uint32_t n) {
        const std::uint32_t before = b.promised();
        b.set_receive_buffer(n, now);
        good = good && b.promised() == before;
        buffer = n;
    }
    void check() {
        good = good && b.promised() <= std::max(buffer, promised_before);
        promised_before = b.promised();
    }
    void next() {
        const auto first = std::min_element(air.begin(), air.end(),
                                            [](const flying& x, const flying& y) { return x.arrives < y.arrives; });
        const time_point timer = std::min(a.poll_timeout(), b.poll_timeout());
        if (first != air.end() && first->arrives <= timer) {
            const flying f = *first;
            air.erase(first);
            now = std::max(now, f.arrives);
            (f.to_a ? a : b).handle_segment(f.seg, now);
        } else if (timer != never) {
            now = std::max(now, timer);
            a.handle_timeout(now);
            b.handle_timeout(now);
        }
    }
};

TEST_CASE("Buffers: no sizes in any order stall or lose anything", "[SHLD-14][3.8.6.2]") {
    rc::prop("all octets arrive, and no more is promised than there is room for", [](std::uint32_t seed) {
        dice d{seed};
        const std::uint32_t most = d.below(2) == 0 ? 0 : 1U << (16 + d.below(15));
        const std::uint32_t loss = d.below(3) == 0 ? 5 : 0;
        moving_buffers net{most};
        std::uint32_t steps = 0;
        const std::uint32_t quiet_after = 20 + d.below(400);
        while (net.read < moving_buffers::total) {
            RC_ASSERT(++steps < 60'000);
            const std::uint32_t unit = 1U << net.b.numbers().rcv.shift;
            if (steps < quiet_after && d.below(3) == 0) {
                net.set_receive(d.below(5) == 0 ? 0 : d.below(1U << (1 + d.below(17))));
                net.a.set_send_buffer(d.below(1U << (1 + d.below(17))));
            } else if (steps == quiet_after) {  // from now on there is some room for good
                net.set_receive(2 * unit + d.below(3000));
                net.a.set_send_buffer(1 + d.below(3000));
            }
            net.polls(d, loss);
            net.users();
            net.polls(d, loss);
            net.check();
            RC_ASSERT(net.good);
            net.next();
            net.check();
        }
        RC_ASSERT(net.now < time_point{2h});
        RC_ASSERT(net.a.at() == established && net.b.at() == established);
    });
}

TEST_CASE("Stream: other memory in the middle of a transfer, octet by octet", "[stream][SHLD-14]") {
    rc::prop("what is read is what was written", [](std::uint32_t seed) {
        dice d{seed};
        std::vector<std::vector<std::uint8_t>> memory;  // what was ever lent, so that a use after return is seen
        const auto lend = [&memory](std::size_t n) {
            memory.emplace_back(n, std::uint8_t{0xaa});
            return std::span<std::uint8_t>{memory.back()};
        };
        memory.reserve(2000);
        span_stream<> a{{lend(1000), lend(1)}}, b{{lend(1), lend(1000)}};
        std::size_t a_room = 1000, b_room = 1000;
        time_point now{};
        static_cast<void>(b.open_passive({.iss = seq{9}}, now));
        static_cast<void>(a.open_active({.iss = seq{7}, .user_timeout = forever}, now));
        std::uint8_t next_in = 0, next_out = 0;
        std::size_t got = 0;
        struct kept {
            segment seg;
            std::vector<std::uint8_t> text;
        };
        std::deque<kept> to_a, to_b;
        const auto collect = [&](auto& from, auto& into) {
            while (const auto out = from.poll_transmit(now)) {
                std::vector<std::uint8_t> text(out->first.begin(), out->first.end());
                text.insert(text.end(), out->second.begin(), out->second.end());
                if (d.below(4) != 0) {
                    into.push_back({out->segment, text});
                } else if (d.below(2) == 0) {
                    into.push_front({out->segment, text});  // overtakes; else lost
                }
            }
        };
        for (int round = 0; round < 20'000 && got < 5000; ++round) {
            const bool last = memory.size() > 1900;  // from now on there is some room for good
            if (memory.size() < 1998 && (last ? std::min(a_room, b_room) < 500 : d.below(10) == 0)) {
                const std::size_t n = last ? 1000 : 1 + d.below(2000);
                const bool fits = a.lend_send(lend(n)) == ok;
                RC_ASSERT(fits == (n >= a.tcp().numbers().snd.queued()) || !a.in(states::open));
                if (fits) a_room = n;
                const std::size_t m = last ? 1000 : 1 + d.below(2000);
                const std::size_t must = b.tcp().promised();
                const answer said = b.lend_receive(lend(m), now);
                RC_ASSERT((said == ok) == (m >= must));
                if (said == ok) b_room = m;
            }
            std::vector<std::uint8_t> text(d.below(300));
            for (auto& octet : text) octet = next_out++;
            const auto sent = a.send(text, now);
            next_out = static_cast<std::uint8_t>(next_out - (text.size() - sent.octets));
            collect(a, to_b);
            collect(b, to_a);
            if (!to_b.empty()) b.handle_segment(to_b.front().seg, to_b.front().text, now), to_b.pop_front();
            if (!to_a.empty()) a.handle_segment(to_a.front().seg, to_a.front().text, now), to_a.pop_front();
            RC_ASSERT(b.tcp().promised() <= b_room && a.tcp().numbers().snd.queued() <= a_room);
            std::vector<std::uint8_t> into(d.below(2) == 0 ? 0 : d.below(400));
            const auto read = b.receive(into, now);
            for (std::size_t i = 0; i < read.octets; ++i) RC_ASSERT(into[i] == next_in++);
            got += read.octets;
            if (to_a.empty() && to_b.empty()) {
                const time_point wake = std::min(a.poll_timeout(), b.poll_timeout());
                if (wake != never) now = std::max(now, wake), a.handle_timeout(now), b.handle_timeout(now);
            }
        }
        if (got < 5000)
            fmt::print(
                "{} {} rooms {} {} wnd {} edge-nxt {} buff {} user {} queued {} lent {} now {} a to {} b to {}\n",
                name(a.at()), name(b.at()), a_room, b_room, a.tcp().numbers().snd.wnd, b.tcp().numbers().rcv.wnd(),
                b.tcp().numbers().rcv.buff, b.tcp().numbers().rcv.user, a.tcp().numbers().snd.queued(), memory.size(),
                now.time_since_epoch().count(), a.poll_timeout().time_since_epoch().count(),
                b.poll_timeout().time_since_epoch().count());
        RC_ASSERT(got >= 5000U);
    });
}

// --- Advice ------------------------------------------------------------------------------------------------

TEST_CASE("Window watch: the round trip is what a window takes, and only less counts", "[parts]") {
    window_watch w;
    w.offered(seq{1000}, time_point{0ms});
    w.offered(seq{2000}, time_point{50ms});  // the first is still waited for
    w.arrived(seq{999}, time_point{90ms});
    CHECK(w.rtt() == 0ms);
    w.arrived(seq{1000}, time_point{120ms});
    CHECK(w.rtt() == 120ms);
    w.offered(seq{3000}, time_point{200ms});
    w.arrived(seq{3000}, time_point{900ms});
    CHECK(w.rtt() == 120ms);
    w.offered(seq{4000}, time_point{900ms});
    w.arrived(seq{4500}, time_point{1s});
    CHECK(w.rtt() == 100ms);
}

TEST_CASE("Window watch: timestamps tell the round trip, the first that echoes each, and a late one hardly",
          "[parts]") {
    window_watch w;
    w.echoed(1, 100ms);
    CHECK(w.rtt() == 100ms);
    w.echoed(1, 180ms);
    CHECK(w.rtt() == 100ms);
    w.echoed(2, 10s);
    CHECK(w.rtt() == 112500us);
    w.echoed(3, 90ms);
    CHECK(w.rtt() == 90ms);
    w.echoed(4, 0ms);  // a clock of milliseconds has not moved
    CHECK(w.rtt() == 1us);
}

TEST_CASE("Window watch: twice what the user took in a round trip, and two segments", "[parts]") {
    window_watch w;
    w.taken(seq{0xffff'ff00}, 1000, time_point{0ms});
    CHECK(w.advice() == 0);  // no round trip is known
    w.echoed(1, 100ms);
    w.taken(seq{0xffff'ff00}, 1000, time_point{0ms});
    w.taken(seq{0xffff'fff0}, 1000, time_point{99ms});
    CHECK(w.advice() == 0);
    w.taken(seq{0x1000}, 1000, time_point{100ms});
    CHECK(w.advice() == 2 * 0x1100 + 2000);
    w.taken(seq{0x1001}, 1000, time_point{200ms});
    CHECK(w.advice() == 2 * 0x1100 + 2000);  // less is no reason for less
    w.taken(seq{0x7000'0000}, 1000, time_point{300ms});
    CHECK(w.advice() == largest_buffer);
}

/// Octets per second of a transfer over `rate` octets per second and `rtt`, its users as fast as can be, after the
/// first ten seconds.
struct long_path {
    duration rtt = 100ms;
    std::uint64_t rate = 10'000'000;
    bool follow = false;
    bool stamps = true;

    std::uint64_t goodput = 0;
    std::uint32_t receive_buffer = 0, send_buffer = 0;

    void run() {
        basic_connection<advised> a, b;
        time_point now{};
        static_cast<void>(b.open_passive({.rcv_buff = 65535, .rcv_buff_most = 16U << 20U}, now));
        static_cast<void>(a.open_active({.snd_buff = 65535}, now));
        struct flying {
            time_point arrives;
            segment seg;
        };
        std::deque<flying> to_a, to_b;
        std::int64_t free_at_ns = 0;
        std::uint64_t read = 0, read_at_ten = 0;
        const time_point ten{10s}, end{20s};
        while (now < end) {
            if (a.may_send() && a.writable() != 0) static_cast<void>(a.send(a.writable(), now));
            if (b.readable() != 0) read += b.readable(), static_cast<void>(b.receive(b.readable(), now));
            if (now < ten) read_at_ten = read;
            if (follow) {
                if (b.receive_advice() > b.numbers().rcv.buff) b.set_receive_buffer(b.receive_advice(), now);
                if (a.send_advice() > a.numbers().given.snd_buff) a.set_send_buffer(a.send_advice());
            }
            while (const auto out = a.poll_transmit(now)) {
                segment seg = out->segment;
                if (!stamps && seg.has(ctl::syn)) seg.options.has_timestamps = false;
                const std::int64_t now_ns = now.time_since_epoch().count() * 1000;
                free_at_ns = std::max(free_at_ns, now_ns) +
                             static_cast<std::int64_t>((seg.text + 40U) * 1'000'000'000ULL / rate);
                if (free_at_ns - now_ns > 200'000'000) continue;  // the queue is full
                to_b.push_back({time_point{duration{free_at_ns / 1000}} + rtt / 2, seg});
            }
            while (const auto out = b.poll_transmit(now)) to_a.push_back({now + rtt / 2, out->segment});
            time_point next = std::min({a.poll_timeout(), b.poll_timeout(), end});
            if (!to_a.empty()) next = std::min(next, to_a.front().arrives);
            if (!to_b.empty()) next = std::min(next, to_b.front().arrives);
            now = std::max(now, next);
            a.handle_timeout(now);
            b.handle_timeout(now);
            if (!to_a.empty() && to_a.front().arrives <= now) {
                a.handle_segment(to_a.front().seg, now);
                to_a.pop_front();
            }
            if (!to_b.empty() && to_b.front().arrives <= now) {
                b.handle_segment(to_b.front().seg, now);
                to_b.pop_front();
            }
        }
        goodput = (read - read_at_ten) / 10;
        receive_buffer = b.numbers().rcv.buff;
        send_buffer = a.numbers().given.snd_buff;
    }
};

TEST_CASE("Advice: who follows it fills a long path, and its buffers grow no further than that takes",
          "[3.8.6][RFC 7323 2]") {
    const bool stamps = GENERATE(true, false);
    long_path fixed{.stamps = stamps};
    fixed.run();
    long_path followed{.follow = true, .stamps = stamps};
    followed.run();
    const std::uint64_t product = fixed.rate / 10;  // of rate and round trip: a million octets
    INFO("octets per second: " << fixed.goodput << " with 65535 octets, " << followed.goodput << " with "
                               << followed.receive_buffer << " to receive and " << followed.send_buffer << " to send");
    CHECK(fixed.goodput <= 65535 * 10);
    CHECK(fixed.goodput > 65535 * 9);
    CHECK(followed.goodput > fixed.rate * 9 / 10);
    CHECK(followed.receive_buffer > product);
    CHECK(followed.receive_buffer < 8 * product);  // with the queue, three products are on their way
}

}  // namespace
