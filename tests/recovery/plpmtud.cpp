// SPDX-License-Identifier: MIT
// plpmtud.cpp: probes find how large a packet may be, and timeouts that large ones are swallowed (RFC 4821, RFC 8899).

#include <support/network.hpp>
#include <support/states.hpp>

#include <tcpfsm/path_mtu.hpp>

#include <algorithm>
#include <chrono>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;
using enum tcpfsm::state;
using enum tcpfsm::answer;

/// Begins with the base, and probes.
struct prober : policies {
    static constexpr mtu_discovery path_mtu = mtu_discovery::probed;
};
using probing_subject = basic_subject<prober>;

constexpr std::uint32_t base = 1200;
constexpr std::uint32_t small = base - 40;  ///< the text of a segment before anything is known

/// A path of up to `largest` octets, of which the base is known.
constexpr path_mtu unknown(std::uint32_t largest = 1500) { return {{largest, 0xffff, 68, base, false}, true, {}}; }

/// A probe of the size that is due leaves; answers the size.
std::uint32_t probe(path_mtu& p, time_point now) {
    const std::uint32_t size = p.wants_probe(now);
    if (size != 0) p.sent(seq{1}, seq{1 + size}, size, true);
    return size;
}
/// It is lost as often as it takes to be believed.
void refuse(path_mtu& p, std::uint32_t size, time_point& now) {
    for (unsigned i = 0; i < path_mtu::max_probes; ++i) {
        if (i != 0) CHECK(probe(p, now) == size);
        CHECK(p.probes_at(seq{1}));
        p.lost_probe(1s, now);
        CHECK(p.wants_probe(now) == 0);  // not at once
        now += 1s;
    }
}

TEST_CASE("Probes: the largest first, then halfway between what arrives and what does not",
          "[recovery][RFC 4821 7.3][4821-7][8899-1]") {
    for (std::uint32_t mtu = base; mtu <= 1500; ++mtu) {
        path_mtu p = unknown();
        time_point now{};
        unsigned tries = 0;
        CHECK(p.wants_probe(now) == 1500);
        while (const std::uint32_t size = probe(p, now)) {
            CHECK(size > p.size());
            CHECK(p.wants_probe(now) == 0);  // one at a time
            REQUIRE(++tries < 12);
            if (size <= mtu) {
                CHECK(p.acknowledged(seq{1 + size}, true, now));
                CHECK(p.size() == size);
            } else {
                refuse(p, size, now);
            }
        }
        CHECK(p.size() <= mtu);
        CHECK(p.size() + path_mtu::close_enough > mtu);
        // The search is over, and begins anew ten minutes later.
        CHECK(p.wants_probe(now + 9min) == 0);
        if (p.size() == 1500) continue;
        now += 10min;
        p.acknowledged(seq{5000}, true, now);
        CHECK(p.wants_probe(now) == (p.size() + path_mtu::close_enough <= 1500 ? 1500 : 0));
        CHECK(p.size() <= mtu);
    }
}

TEST_CASE("Probes: no sequence of losses and ACKs leaves the range", "[recovery][properties][4821-7]") {
    rc::prop("the MTU lies between the floor and the limit", [] {
        const std::uint32_t largest = *rc::gen::inRange(1200U, 9001U);
        path_mtu p = unknown(largest);
        time_point now{};
        for (int i = *rc::gen::inRange(1, 80); i != 0; --i) {
            const std::uint32_t before = p.size();
            const std::uint32_t wanted = p.wants_probe(now);
            RC_ASSERT(wanted == 0 || (before < wanted && wanted <= largest));
            const auto at = seq{1} + *rc::gen::inRange(0U, 3000U);
            switch (*rc::gen::inRange(0, 6)) {
            case 0: p.sent(at, at + 1000, wanted != 0 ? wanted : before, true); break;
            case 1: p.sent(at, at + 1000, before, false); break;
            case 2: p.acknowledged(at, true, now); break;
            case 3: p.lost_probe(1s, now); break;
            case 4: p.reported(*rc::gen::inRange(0U, 10000U), 1500, at, seq{1}, 3000, now); break;
            default: p.swallowed(before, now);
            }
            RC_ASSERT(68 <= p.size());
            RC_ASSERT(p.size() <= largest);
            now += *rc::gen::inRange(0, 400) * 1s;
        }
    });
}

// --- The connection ------------------------------------------------------------------------------------

/// Takes all that is owed, and answers the packets' sizes.
template <class P>
std::vector<std::uint32_t> packets(basic_subject<P>& tcp) {
    std::vector<std::uint32_t> out;
    while (const auto sent = tcp.polls()) out.push_back(sent->segment.text + 40);
    return out;
}
using sizes = std::vector<std::uint32_t>;
template <class P>
void acks(basic_subject<P>& tcp, std::uint32_t octets, where w = where::here()) {
    tcp.hears(tcp.from_peer({.seq = seq{1}, .ack = seq{1 + octets}, .ctl = ctl::ack, .wnd = 65535}), w);
}
template <class P = prober>
basic_subject<P> ready(where w = where::here()) {
    return in(established, basic_subject<P>{parameters{.snd_buff = 1'000'000}}, opened::actively, w);
}
/// A first flight: a probe of 1500 octets, then eight of the base.
probing_subject probing(where w = where::here()) {
    probing_subject tcp = ready(w);
    CHECK(tcp.send(200'000, w) == ok);
    const sizes sent = packets(tcp);
    CHECK(std::count(sent.begin(), sent.end(), 1500U) == 1);
    CHECK(sent.front() == 1500);
    CHECK(sent.size() == 9);
    return tcp;
}

TEST_CASE("Probes: a probe is text that is sent anyway, and its size counts all headers",
          "[recovery][RFC 4821 7.4][4821-5]") {
    probing_subject tcp = probing();
    CHECK(tcp.conn().path_mtu() == base);
    const std::uint32_t window = tcp.numbers().congestion.window();
    CHECK(window == 10 * small);
    acks(tcp, 1460);
    CHECK(tcp.conn().path_mtu() == 1500);
    CHECK(tcp.numbers().snd.mss == 1460);
    CHECK(tcp.numbers().congestion.window() <= window + 1460);
    for (const std::uint32_t size : packets(tcp)) CHECK(size == 1500);
}

TEST_CASE("Probes: a larger MTU does not make the window larger", "[recovery][RFC 4821 7.6][4821-3]") {
    path_mtu p = unknown();
    CHECK(probe(p, {}) == 1500);
    // As the connection does it, beside the growth that the same ACK would bring.
    tcb<prober> t;
    t.snd.mss = small;
    t.congestion.begin(t.to_peer({}), false);
    t.mtu = p;
    const std::uint32_t window = t.congestion.window();
    t.snd.una = seq{1501};
    path_carried(t, {});
    CHECK(t.snd.mss == 1460);
    CHECK(t.congestion.window() == window);
}

TEST_CASE("Probes: the loss of a probe is no congestion, and its octets go again at once",
          "[recovery][RFC 4821 7.5][4821-1][4821-2]") {
    probing_subject tcp = probing();
    const std::uint32_t window = tcp.numbers().congestion.window();
    const std::uint32_t threshold = tcp.numbers().congestion.threshold();
    for (int i = 0; i < 2; ++i) {
        acks(tcp, 0);
        packets(tcp);
    }
    acks(tcp, 0);
    tcp.emits(". 1:1161(1160) ack 1"_seg);
    const auto rest = tcp.polls();
    REQUIRE(rest);
    CHECK(rest->segment.seq == tcp.in_world().ours + 1161);
    CHECK(rest->segment.text >= 300);
    tcp.emits_nothing();
    CHECK(tcp.numbers().congestion.window() == window);
    CHECK(tcp.numbers().congestion.threshold() == threshold);
    CHECK(tcp.conn().path_mtu() == base);
    // All of it has arrived. It takes a while until the next probe.
    acks(tcp, tcp.numbers().snd.nxt - tcp.in_world().ours - 1);
    CHECK(tcp.numbers().congestion.window() >= window);
    CHECK(tcp.numbers().congestion.threshold() == threshold);
    for (const std::uint32_t size : packets(tcp)) CHECK(size == base);
}

TEST_CASE("Probes: other losses are answered as ever", "[recovery][RFC 4821 7.5][4821-2]") {
    probing_subject tcp = probing();
    acks(tcp, 1460);  // the probe has arrived, what follows it has not
    packets(tcp);
    const std::uint32_t flight = tcp.numbers().snd.flight();
    for (int i = 0; i < 3; ++i) {
        acks(tcp, 1460);
        packets(tcp);
    }
    CHECK(tcp.numbers().congestion.threshold() <= flight / 2 + 1460);
}

TEST_CASE("Probes: none without enough text, enough window, or while something is missing",
          "[recovery][RFC 4821 7.4][4821-10]") {
    constexpr std::uint32_t enough = 1460 + 3 * small;
    SECTION("text") {
        probing_subject tcp = ready();
        CHECK(tcp.send(enough - 1) == ok);
        for (const std::uint32_t size : packets(tcp)) CHECK(size <= base);
        probing_subject more = ready();
        CHECK(more.send(enough) == ok);
        CHECK(packets(more).front() == 1500);
    }
    SECTION("the peer's window") {
        probing_subject tcp = ready();
        tcp.gets(". 1:1(0) ack 1 win 4939"_seg);
        CHECK(tcp.send(100'000) == ok);
        for (const std::uint32_t size : packets(tcp)) CHECK(size <= base);
        probing_subject more = ready();
        more.gets(". 1:1(0) ack 1 win 4940"_seg);
        CHECK(more.send(100'000) == ok);
        CHECK(packets(more).front() == 1500);
    }
    SECTION("the congestion window: a timeout has made it one segment") {
        probing_subject tcp = ready();
        CHECK(tcp.send(2 * small) == ok);
        packets(tcp);
        tcp.advance(1s);
        tcp.emits(". 1:1161(1160) ack 1"_seg);
        CHECK(tcp.send(100'000) == ok);
        acks(tcp, 2 * small);
        for (const std::uint32_t size : packets(tcp)) CHECK(size == base);
    }
    SECTION("duplicates tell of a loss") {
        probing_subject tcp = ready();
        CHECK(tcp.send(3 * small) == ok);
        packets(tcp);
        acks(tcp, 0);
        CHECK(tcp.send(100'000) == ok);
        for (const std::uint32_t size : packets(tcp)) CHECK(size == base);
    }
}

TEST_CASE("Probes: a timeout ends one, and it takes five times as long until the next",
          "[recovery][RFC 4821 7.6.3][4821-11]") {
    // Round trips of 100 ms; the window has about ten segments, and up to 16 round trips pass until the next probe.
    probing_subject tcp = ready();
    CHECK(tcp.send(2 * small) == ok);
    packets(tcp);
    tcp.advance(100ms);
    acks(tcp, 2 * small);
    CHECK(tcp.send(900'000) == ok);
    CHECK(packets(tcp).front() == 1500);
    const auto acks_all = [&] { acks(tcp, tcp.numbers().snd.nxt - tcp.in_world().ours - 1); };
    SECTION("told by duplicates") {
        for (int i = 0; i < 3; ++i) {
            acks(tcp, 2 * small);
            packets(tcp);
        }
        std::uint32_t trips = 0;
        for (std::uint32_t largest = 0; largest <= base; ++trips) {
            REQUIRE(trips < 20);
            tcp.advance(tcp.numbers().rtt.srtt());
            acks_all();
            for (const std::uint32_t size : packets(tcp)) largest = std::max(largest, size);
        }
        CHECK(trips >= 10);
    }
    SECTION("told by the timer, which leaves a window of one segment") {
        tcp.advance(tcp.conn().poll_timeout() - tcp.now());
        packets(tcp);
        CHECK(tcp.numbers().congestion.window() == small);
        CHECK(tcp.numbers().mtu.wants_probe(tcp.now() + 49 * tcp.numbers().rtt.srtt()) == 0);
        CHECK(tcp.numbers().mtu.wants_probe(tcp.now() + 81 * tcp.numbers().rtt.srtt()) == 1500);
        acks_all();  // late, or in two segments: nobody knows
        CHECK(tcp.conn().path_mtu() == base);
    }
}

TEST_CASE("Probes: a report about the probe lowers what is tried, not what is sent",
          "[recovery][RFC 4821 7.4][RFC 8899 4.6.1][8899-3]") {
    probing_subject tcp = probing();
    too_big found = too_big::fixed;
    const auto report = [&](std::uint32_t link, std::uint32_t number) {
        tcp.does("ICMP: too big", [&](auto& c, time_point now) {
            found = c.handle_packet_too_big(link, tcp.in_world().ours + number, 1500, now);
        });
    };
    report(1400, 1);
    CHECK(found == too_big::probe_refused);
    CHECK(tcp.conn().path_mtu() == base);
    tcp.emits(". 1:1161(1160) ack 1"_seg);
    CHECK(packets(tcp).size() == 1);  // the rest of the probe
    SECTION("what lies before the probe does not go again") {
        probing_subject behind = ready();
        CHECK(behind.send(2 * small) == ok);
        packets(behind);
        CHECK(behind.send(5000) == ok);
        CHECK(packets(behind).front() == 1500);
        behind.does("ICMP: too big", [&](auto& c, time_point now) {
            found = c.handle_packet_too_big(1400, behind.in_world().ours + 1 + 2 * small, 1500, now);
        });
        CHECK(found == too_big::probe_refused);
        behind.emits(". 2321:3481(1160) ack 1"_seg);
        CHECK(packets(behind).size() == 1);
    }
    // What the router said is tried, and nothing larger.
    const std::uint32_t flight = tcp.numbers().snd.flight();
    acks(tcp, flight);
    const sizes next = packets(tcp);
    CHECK(next.front() == 1400);
    CHECK(*std::max_element(next.begin(), next.end()) == 1400);
}

TEST_CASE("Black hole: large segments time out three times, and smaller ones go",
          "[recovery][RFC 4821 7.7][RFC 2923 2.1][4821-9]") {
    subject tcp = ready<policies>();
    CHECK(tcp.send(14600) == ok);
    for (const std::uint32_t size : packets(tcp)) CHECK(size == 1500);
    tcp.advance(1s);
    tcp.emits(". 1:1461(1460) ack 1"_seg);
    tcp.advance(2s);
    tcp.emits(". 1:1461(1460) ack 1"_seg);
    tcp.advance(4s);
    tcp.emits(". 1:1161(1160) ack 1"_seg);
    tcp.advance(8s);
    tcp.emits(". 1:561(560) ack 1"_seg);
    tcp.advance(16s);
    tcp.emits(". 1:261(260) ack 1"_seg);
    tcp.advance(32s);
    tcp.emits(". 1:111(110) ack 1"_seg);
    tcp.advance(60s);
    tcp.emits(". 1:89(88) ack 1"_seg);
    tcp.advance(60s);
    tcp.emits(". 1:89(88) ack 1"_seg);
    CHECK(tcp.conn().path_mtu() == 128);
}

TEST_CASE("Black hole: small segments that time out say nothing about large ones", "[recovery][RFC 4821 7.7][4821-9]") {
    subject tcp = ready<policies>();
    CHECK(tcp.send(1000) == ok);
    packets(tcp);
    tcp.loses(100s);
    CHECK(tcp.conn().path_mtu() == 1500);
}

TEST_CASE("Black hole: if it was none, one probe is enough to be back", "[recovery][RFC 4821 7.7][4821-9]") {
    subject tcp = ready<policies>();
    CHECK(tcp.send(200'000) == ok);
    packets(tcp);
    tcp.loses(40s);
    CHECK(tcp.conn().path_mtu() < base);
    // The peer is back: it acknowledges whatever comes.
    std::uint32_t largest = 0;
    for (int i = 0; i < 40 && largest < 1500; ++i) {
        acks(tcp, tcp.numbers().snd.nxt - tcp.in_world().ours - 1);
        for (const std::uint32_t size : packets(tcp)) largest = std::max(largest, size);
    }
    CHECK(largest == 1500);
    acks(tcp, tcp.numbers().snd.nxt - tcp.in_world().ours - 1);
    CHECK(tcp.conn().path_mtu() == 1500);
}

TEST_CASE("Black hole: where packets have arrived, timeouts mean losses of another kind, below the base, for a while",
          "[recovery][RFC 4821 7.7][RFC 8899 3][4821-9]") {
    subject tcp = ready<policies>();
    CHECK(tcp.send(200'000) == ok);
    packets(tcp);
    SECTION("large ones") {
        acks(tcp, 1460);
        packets(tcp);
        tcp.loses(31s);
        CHECK(tcp.numbers().snd.retries == 5);
        CHECK(tcp.conn().path_mtu() == base);
        tcp.loses(32s);  // twice as often: it is the size after all
        CHECK(tcp.conn().path_mtu() == base / 2);
    }
    SECTION("smaller ones") {
        tcp.loses(1s + 2s + 4s + 8s);
        CHECK(tcp.conn().path_mtu() == base / 2);
        acks(tcp, tcp.numbers().snd.nxt - tcp.in_world().ours - 1);
        CHECK_FALSE(packets(tcp).empty());
        acks(tcp, tcp.numbers().snd.nxt - tcp.in_world().ours - 1);
        packets(tcp);
        const std::uint32_t carried = tcp.conn().path_mtu();
        CHECK(carried >= base / 2);
        tcp.loses(31s);
        CHECK(tcp.numbers().snd.retries == 5);
        CHECK(tcp.conn().path_mtu() == std::min(carried, base));
        // A router knows better.
        tcp.does("ICMP: too big", [&](auto& c, time_point now) {
            CHECK(c.handle_packet_too_big(300, c.numbers().snd.una, 1500, now) == too_big::deferred);
        });
        tcp.loses(200s);
        CHECK(tcp.conn().path_mtu() < 300);
    }
}

TEST_CASE("Black hole: IPv6 does not go below what every link carries", "[recovery][RFC 8201 4][8201-1][4821-9]") {
    subject tcp = in(established, subject{{.snd_buff = 1'000'000, .mss = 1440, .ipv6 = true}});
    CHECK(tcp.send(14400) == ok);
    packets(tcp);
    tcp.loses(200s);
    CHECK(tcp.conn().path_mtu() == 1280);
}

// --- A search from end to end --------------------------------------------------------------------------

/// A link that swallows what is larger than `mtu`, and loses some of the rest.
struct swallowing_link {
    std::uint32_t mtu;
    std::uint32_t loss;
    dice chance;
    fate operator()(std::uint32_t number, const segment& seg) {
        const std::uint32_t packet = 40 + static_cast<std::uint32_t>(options_size(seg)) + seg.text;
        return packet > mtu || (number > 2 && chance.percent(loss)) ? fate{} : fate{10ms};
    }
};

/// A window that stays full, as that of a long transfer does.
struct narrow_window : new_reno {
    [[nodiscard]] constexpr std::uint32_t window() const noexcept { return std::min(new_reno::window(), 12'000U); }
    friend constexpr bool operator==(const narrow_window&, const narrow_window&) noexcept = default;
};
struct narrow_prober : prober {
    using congestion = narrow_window;
};

TEST_CASE("Probes: the search finds what the path carries, whatever it is",
          "[recovery][properties][RFC 4821 7.3][4821-1][4821-7][LC-13]") {
    for (std::uint32_t mtu = 1200; mtu <= 1500; mtu += 50) {
        CAPTURE(mtu);
        pair<swallowing_link, narrow_prober> p{
            worlds[0], {.snd_buff = 8'000'000}, {.rcv_buff = 8'000'000}, swallowing_link{mtu, 0, dice{mtu}}};
        CHECK(p.b.open_passive() == ok);
        CHECK(p.a.open_active() == ok);
        CHECK(p.a.send(6'000'000) == ok);
        p.drive(2min);
        CHECK(p.received_by_b().in_order() == 6'000'000);
        CHECK(p.a.conn().path_mtu() <= mtu);
        CHECK(p.a.conn().path_mtu() + path_mtu::close_enough > mtu);
        // No timeout: the loss of a probe was told by what followed it. Nor was it congestion.
        CHECK(p.a.numbers().rtt.backed_off() == 0);
        CHECK(p.a.numbers().congestion.threshold() == widest_window);
    }
}

TEST_CASE("Probes: all text arrives, with losses of other kinds, too", "[recovery][properties]") {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        CAPTURE(seed);
        dice d{seed};
        const std::uint32_t mtu = 1200 + d.below(301);
        pair<swallowing_link, prober> p{random_world(static_cast<std::uint32_t>(seed)),
                                        {.snd_buff = 400'000, .user_timeout = forever},
                                        {.rcv_buff = 400'000, .user_timeout = forever},
                                        swallowing_link{mtu, 2, d}};
        CHECK(p.b.open_passive() == ok);
        CHECK(p.a.open_active() == ok);
        CHECK(p.a.send(300'000) == ok);
        p.drive(20min);
        CHECK(p.received_by_b().in_order() == 300'000);
        CHECK(p.a.conn().path_mtu() <= mtu);
    }
}

}  // namespace
