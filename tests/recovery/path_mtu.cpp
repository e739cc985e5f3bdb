// SPDX-License-Identifier: MIT
// path_mtu.cpp: ICMP says that a packet was too big (RFC 1191, RFC 8201), and who is believed (RFC 5927 section 7).

#include <support/network.hpp>
#include <support/states.hpp>

#include <tcpfsm/path_mtu.hpp>

#include <chrono>
#include <set>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;
using enum tcpfsm::state;
using enum tcpfsm::answer;
using enum tcpfsm::too_big;

/// Smaller by reports alone: nothing is probed.
struct by_reports : policies {
    static constexpr mtu_discovery path_mtu = mtu_discovery::reported;
};
struct without : policies {
    static constexpr mtu_discovery path_mtu = mtu_discovery::off;
};
using reported_subject = basic_subject<by_reports>;

/// ICMP about our segment with that (relative) number, which was in a packet of `length` octets.
template <class P>
constexpr too_big report(basic_subject<P>& tcp, std::uint32_t link, std::int32_t number, std::uint32_t length = 1500,
                         where w = where::here()) {
    too_big found = fixed;
    const seq quoted = tcp.in_world().ours + static_cast<std::uint32_t>(number);
    tcp.does(
        "ICMP: too big", [&](auto& c, time_point now) { found = c.handle_packet_too_big(link, quoted, length, now); },
        w);
    return found;
}
/// Takes all that is owed, and answers how many octets of text each segment has.
template <class P>
std::vector<std::uint32_t> texts(basic_subject<P>& tcp) {
    std::vector<std::uint32_t> out;
    while (const auto sent = tcp.polls()) out.push_back(sent->segment.text);
    return out;
}
using sizes = std::vector<std::uint32_t>;

/// ESTABLISHED, with `octets` to send, in an initial window of ten segments that are all in flight.
template <class P = by_reports>
basic_subject<P> sending(std::uint32_t octets, parameters p = {}, where w = where::here()) {
    p.snd_buff = 1'000'000;
    auto tcp = in(established, basic_subject<P>{p}, opened::actively, w);
    CHECK(tcp.send(octets, w) == ok);
    CHECK(texts(tcp).size() == 10);
    return tcp;
}

// --- The value alone -----------------------------------------------------------------------------------

constexpr seq una{1000};

/// A path that has sent a packet of 1500 octets, from `una` on.
constexpr path_mtu fresh(bool ipv6 = false) {
    path_mtu p{{1500, 0xffff, ipv6 ? 1280U : 68U, ipv6 ? 1280U : 1200U, ipv6}, false, {}};
    p.sent(una, una + 1460, 1500, true);
    return p;
}
constexpr too_big told(path_mtu& p, std::uint32_t link, std::uint32_t length = 1500, seq quoted = una,
                       time_point now = {}) {
    return p.reported(link, length, quoted, una, 1460, now);
}
constexpr bool plateaus_of_1191() {
    constexpr std::uint32_t all[] = {65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68};
    for (std::size_t i = 1; i < std::size(all); ++i) {
        if (plateau_below(all[i - 1]) != all[i] || plateau_below(all[i] + 1) != all[i]) return false;
    }
    return plateau_below(0) == 68 && plateau_below(68) == 68 && plateau_below(1500) == 1492;
}
static_assert(plateaus_of_1191());

TEST_CASE("Path MTU: never below what every link carries", "[recovery][RFC 1191 3][RFC 8201 4][1191-4][8201-1]") {
    for (const std::uint32_t link : {1U, 20U, 67U, 68U, 100U}) {
        path_mtu v4 = fresh();
        CHECK(told(v4, link) == followed);
        CHECK(v4.size() == std::max(link, 68U));
    }
    for (const std::uint32_t link : {0U, 68U, 1000U, 1279U}) {
        path_mtu v6 = fresh(true);
        CHECK(told(v6, link) == too_low);
        CHECK(v6 == fresh(true));
    }
    path_mtu v6 = fresh(true);
    CHECK(told(v6, 1280) == followed);
    CHECK(v6.size() == 1280);
}

TEST_CASE("Path MTU: a router that does not say how narrow", "[recovery][RFC 1191 5][RFC 1191 7]") {
    path_mtu p = fresh();
    CHECK(told(p, 0) == followed);
    CHECK(p.size() == 1492);
    path_mtu counts_the_header_twice = fresh();
    CHECK(told(counts_the_header_twice, 0, 1520) == followed);
    CHECK(counts_the_header_twice.size() == 1492);
}

TEST_CASE("Path MTU: what was never sent, or has arrived, makes a report doubtful",
          "[recovery][RFC 5927 7.2][5927-3][5927-4]") {
    path_mtu p = fresh();
    CHECK(told(p, 1600) == no_news);
    CHECK(told(p, 1500) == no_news);
    CHECK(told(p, 1400, 1500, una - 1) == not_in_flight);
    CHECK(told(p, 1400, 1500, una + 1460) == not_in_flight);
    CHECK(p == fresh());

    path_mtu small{{1500, 0xffff, 68, 1200, false}, false, {}};
    small.sent(una, una + 100, 140, true);
    CHECK(told(small, 576) == never_sent);
    CHECK(small.size() == 1500);

    CHECK_FALSE(p.acknowledged(una + 1460, false, {}));  // maxsizeacked is 1500
    CHECK(told(p, 576) == deferred);
    CHECK(p.size() == 1500);
    SECTION("it has arrived after all") {
        CHECK_FALSE(p.acknowledged(una + 1, false, {}));
        CHECK_FALSE(p.timed_out(una + 1, 1500, {}));
        CHECK(p.size() == 1500);
    }
    SECTION("another segment times out") {
        CHECK_FALSE(p.timed_out(una - 1460, 1460, {}));
        CHECK(p.size() == 1500);
    }
    SECTION("it times out") {
        CHECK(p.timed_out(una, 1500, {}));
        CHECK(p.size() == 576);
    }
    SECTION("of several reports the one about the earliest segment waits") {
        CHECK(p.reported(1006, 1500, una + 10, una, 1460, {}) == deferred);
        CHECK(p.timed_out(una, 1500, {}));
        CHECK(p.size() == 576);
    }
}

TEST_CASE("Path MTU: an ACK of what was sent twice does not say that a large packet arrived",
          "[recovery][RFC 5927 7.2][5927-3]") {
    path_mtu p = fresh();
    p.sent(una, una + 500, 540, false);
    CHECK_FALSE(p.acknowledged(una + 1460, false, {}));
    p.sent(una + 1460, una + 2920, 1500, true);
    CHECK(p.reported(1400, 1500, una + 1460, una + 1460, 1460, {}) == followed);
}

TEST_CASE("Path MTU: a timeout that takes little off a report does not undo it", "[recovery][RFC 1191 6.3]") {
    path_mtu p{{1500, 0xffff, 128, 1200, false}, false, {}};
    p.sent(una, una + 1460, 1500, true);
    CHECK(told(p, 133) == followed);
    CHECK(p.swallowed(133, {}));
    CHECK(p.size() == 128);
    CHECK_FALSE(p.acknowledged(una + 1, false, {}));
    CHECK(p.size() == 128);
    CHECK(p.wants_probe({}) == 0);
    CHECK(p.acknowledged(una + 1, false, time_point{path_mtu::raise_after}));
}

TEST_CASE("Path MTU: no sequence of reports, ACKs and timeouts raises it, or takes it below the floor",
          "[recovery][properties][1191-4][1191-5][8899-2]") {
    rc::prop("a report never raises the MTU", [](bool ipv6) {
        const std::uint32_t least = ipv6 ? 1280 : 128;
        path_mtu p{{*rc::gen::inRange(1281U, 9001U), 0xffff, least, 1280, ipv6}, false, {}};
        time_point now{};
        for (int i = *rc::gen::inRange(1, 60); i != 0; --i) {
            const std::uint32_t before = p.size();
            const auto at = una + *rc::gen::inRange(0U, 3000U);
            switch (*rc::gen::inRange(0, 4)) {
            case 0: p.sent(at, at + 1000, *rc::gen::inRange(100U, before + 1), *rc::gen::arbitrary<bool>()); break;
            case 1: {
                const too_big found =
                    p.reported(*rc::gen::inRange(0U, 100U) * *rc::gen::inRange(0U, 100U),
                               *rc::gen::arbitrary<std::uint16_t>(), una, una, *rc::gen::inRange(0U, 3000U), now);
                RC_ASSERT(found != fixed);
                RC_ASSERT((found == followed ? p.size() < before : p.size() == before));
                break;
            }
            case 2: p.acknowledged(at, false, now); break;
            default:
                p.timed_out(at, before, now);
                if (*rc::gen::arbitrary<bool>()) p.swallowed(before, now);
            }
            RC_ASSERT(p.size() <= before);
            RC_ASSERT(p.size() >= least);
            now += *rc::gen::inRange(0, 3) * 1s;
        }
    });
}

// --- The connection ------------------------------------------------------------------------------------

TEST_CASE("Path MTU: one segment of the new size goes at once, the rest when it has arrived",
          "[recovery][RFC 1191 6.4][RFC 8201 5.4][1191-1][1191-2][1191-6]") {
    auto tcp = sending(20 * 1460);
    tcp.advance(20ms);
    CHECK(report(tcp, 1400, 1) == followed);
    tcp.emits(". 1:1361(1360) ack 1"_seg);
    tcp.emits_nothing();
    // The same router about the other nine.
    for (std::int32_t n = 1; n < 10; ++n) {
        CHECK(report(tcp, 1400, 1 + n * 1460) == no_news);
        tcp.emits_nothing();
    }
    tcp.gets(". 1:1(0) ack 1361"_seg);
    tcp.emits(". 1361:2721(1360) ack 1"_seg);
    const sizes rest = texts(tcp);
    CHECK(rest.size() == 10);  // nine beside it, as before, and one more for the ACK
    for (const std::uint32_t n : rest) CHECK(n <= 1360);
    CHECK(tcp.conn().path_mtu() == 1400);
}

TEST_CASE("Path MTU: the octets of options come off each segment", "[recovery][3.7.1][MUST-16][1191-1]") {
    auto tcp = basic_subject<by_reports>{{.snd_buff = 1'000'000}};
    CHECK(tcp.open_active() == ok);
    tcp.polls();
    tcp.gets("S. 0:0(0) ack 1 <mss 1460,TS val 1000 ecr 1000>"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    CHECK(tcp.send(100'000) == ok);
    CHECK(texts(tcp).front() == 1448);
    CHECK(report(tcp, 1400, 1) == followed);
    CHECK(texts(tcp) == sizes{1348});
}

TEST_CASE("Path MTU: no more segments may be in flight than before, and it is no congestion",
          "[recovery][RFC 5681 3.1][RFC 8201 5.4][5681-7]") {
    auto tcp = sending(20 * 1460);
    const auto before = tcp.numbers().congestion;
    CHECK(before.window() == 14600);
    CHECK(report(tcp, 780, 1) == followed);
    CHECK(tcp.numbers().congestion.window() == 10 * 740);
    CHECK(tcp.numbers().congestion.threshold() == before.threshold());
    tcp.emits(". 1:741(740) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 741"_seg);
    CHECK(texts(tcp).size() == 10 + 1);  // one more for the ACK
}

TEST_CASE("Path MTU: a report that quotes nothing in flight changes nothing",
          "[recovery][RFC 5927 4.1][5927-1][8201-2]") {
    auto tcp = sending(10 * 1460);
    const auto before = tcp.numbers();
    for (const std::int32_t number : {0, -1, -1000, 14601, 20000, 0x7fff'0000}) {
        for (const std::uint32_t link : {0U, 68U, 576U, 1400U}) {
            CHECK(report(tcp, link, number) == not_in_flight);
            CHECK(tcp.numbers() == before);
        }
    }
    for (const state s :
         {closed, listen, syn_sent, syn_received, fin_wait_1, fin_wait_2, close_wait, closing, last_ack, time_wait}) {
        auto idle = in(s, reported_subject{});
        const auto quiet = idle.numbers();
        const too_big found = report(idle, 300, 0);
        CHECK((found == not_in_flight || found == never_sent));
        CHECK(idle.numbers() == quiet);
    }
}

TEST_CASE("Path MTU: large packets have arrived, so the quoted one must time out",
          "[recovery][RFC 5927 7.2][5927-3][5927-5]") {
    auto tcp = sending(40 * 1460);
    tcp.gets(". 1:1(0) ack 14601"_seg);
    texts(tcp);
    tcp.advance(10ms);
    CHECK(report(tcp, 576, 14601) == deferred);
    tcp.emits_nothing();
    CHECK(tcp.conn().path_mtu() == 1500);
    SECTION("it does: the path has become narrower") {
        tcp.advance(990ms);
        tcp.emits(". 14601:15137(536) ack 1"_seg);
        CHECK(tcp.conn().path_mtu() == 576);
    }
    SECTION("it arrives: somebody has guessed") {
        tcp.gets(". 1:1(0) ack 16061"_seg);
        texts(tcp);
        tcp.advance(1000ms);
        tcp.emits(". 16061:17521(1460) ack 1"_seg);
        CHECK(tcp.conn().path_mtu() == 1500);
        CHECK(report(tcp, 1006, 16061) == deferred);  // the next report waits for its own segment
        tcp.advance(2000ms);
        tcp.emits(". 16061:17027(966) ack 1"_seg);
    }
}

TEST_CASE("Path MTU: a second, narrower link is believed as fast as the first", "[recovery][RFC 1191 3][1191-2]") {
    auto tcp = sending(20 * 1460);
    CHECK(report(tcp, 1400, 1) == followed);
    tcp.emits(". 1:1361(1360) ack 1"_seg);
    CHECK(report(tcp, 1006, 1, 1400) == followed);
    tcp.emits(". 1:967(966) ack 1"_seg);
    tcp.emits_nothing();
    tcp.gets(". 1:1(0) ack 967"_seg);
    for (const std::uint32_t n : texts(tcp)) CHECK(n <= 966);
}

TEST_CASE("Path MTU: nobody acknowledges the segment of the new size, and the timer goes on",
          "[recovery][RFC 6298 5][1191-6]") {
    auto tcp = sending(20 * 1460);
    tcp.advance(100ms);
    CHECK(report(tcp, 1400, 1) == followed);
    tcp.emits(". 1:1361(1360) ack 1"_seg);
    tcp.advance(900ms);
    tcp.emits(". 1:1361(1360) ack 1"_seg);
    tcp.emits_nothing();
    tcp.gets(". 1:1(0) ack 1361"_seg);
    CHECK(texts(tcp) == sizes{1360, 1360});
}

TEST_CASE("Path MTU: a larger one is tried after ten minutes, not before", "[recovery][RFC 1191 6.3][1191-3][8201-3]") {
    auto tcp = sending(10 * 1460, {.nagle = false});
    CHECK(report(tcp, 1400, 1) == followed);
    texts(tcp);
    std::uint32_t sent = 14600;
    tcp.gets(". 1:1(0) ack 14601"_seg);
    texts(tcp);
    const auto one_more = [&] {
        CHECK(tcp.send(1460) == ok);
        const sizes out = texts(tcp);
        sent += 1460;
        tcp.hears(tcp.from_peer({.seq = seq{1}, .ack = seq{1 + sent}, .ctl = ctl::ack, .wnd = 65535}));
        texts(tcp);
        return out;
    };
    tcp.advance(9min + 59s);
    CHECK(one_more() == sizes{1360, 100});
    CHECK(tcp.conn().path_mtu() == 1400);
    tcp.advance(1s);
    CHECK(one_more() == sizes{1360, 100});  // its ACK is where the time is looked at
    CHECK(tcp.conn().path_mtu() == 1500);
    CHECK(one_more() == sizes{1460});
    SECTION("the path is as narrow as ever") {
        CHECK(tcp.send(1460) == ok);
        texts(tcp);
        CHECK(report(tcp, 1400, static_cast<std::int32_t>(1 + sent)) == deferred);
    }
}

TEST_CASE("Path MTU: what is remembered of a path is where the next connection begins",
          "[recovery][RFC 1191 6.3][1191-7]") {
    reported_subject tcp = in(established, reported_subject{{.known_mtu = 1400}});
    CHECK(tcp.conn().path_mtu() == 1400);
    CHECK(tcp.send(5000) == ok);
    CHECK(texts(tcp).front() == 1360);
    CHECK(report(tcp, 1450, 1) == no_news);
    reported_subject wide = in(established, reported_subject{{.known_mtu = 9000}});
    CHECK(wide.conn().path_mtu() == 1500);
    reported_subject odd = in(established, reported_subject{{.known_mtu = 1}});
    CHECK(odd.conn().path_mtu() == 128);
}

TEST_CASE("Path MTU: IPv6 has larger headers and a larger floor", "[recovery][RFC 8201 4][8201-1]") {
    auto tcp = in(established, reported_subject{{.snd_buff = 1'000'000, .mss = 1440, .ipv6 = true}});
    CHECK(tcp.send(14400) == ok);
    CHECK(texts(tcp).size() == 10);
    CHECK(tcp.conn().path_mtu() == 1500);
    CHECK(report(tcp, 1000, 1) == too_low);
    CHECK(report(tcp, 0, 1) == too_low);
    CHECK(report(tcp, 1400, 1) == followed);
    CHECK(texts(tcp) == sizes{1340});
    CHECK(report(tcp, 1280, 1) == followed);
    CHECK(texts(tcp) == sizes{1220});
}

TEST_CASE("Path MTU: a policy that does not look for it has no octet of it", "[recovery]") {
    auto tcp = sending<without>(14600);
    CHECK(report(tcp, 576, 1) == fixed);
    tcp.emits_nothing();
    CHECK(tcp.numbers().snd.mss == 1460);
    static_assert(std::is_empty_v<decltype(tcp.numbers().mtu)>);
}

TEST_CASE("Path MTU: what became of a report is said in words", "[recovery]") {
    std::set<std::string_view> words;
    for (std::size_t i = 0; i < too_big_count; ++i) words.insert(describe(static_cast<too_big>(i)));
    CHECK(words.size() == too_big_count);
}

// --- All text arrives ----------------------------------------------------------------------------------

/// A link whose MTU changes.
struct changing_link {
    const std::uint32_t* mtu;
    dice* chance;
    std::uint32_t loss;
    [[nodiscard]] static std::uint32_t packet(const segment& seg) {
        return 40 + static_cast<std::uint32_t>(options_size(seg)) + seg.text;
    }
    fate operator()(std::uint32_t, const segment& seg) const {
        return packet(seg) > *mtu || chance->percent(loss) ? fate{} : fate{10ms};
    }
};
/// Sends 300 kB from a to b while the MTU of the link changes. True if all arrived.
template <class P>
bool all_arrives(std::uint64_t seed, bool routers_speak, std::uint32_t loss, duration limit) {
    dice chance{seed};
    std::uint32_t mtu = 1500;
    pair<changing_link, P> p{random_world(static_cast<std::uint32_t>(seed)),
                             {.snd_buff = 400'000, .user_timeout = forever},
                             {.rcv_buff = 400'000, .user_timeout = forever},
                             {&mtu, &chance, loss}};
    CHECK(p.b.open_passive() == ok);
    CHECK(p.a.open_active() == ok);
    CHECK(p.a.send(300'000) == ok);
    std::size_t seen = 0;
    time_point next_change = p.a.now() + 50ms;
    const time_point end = p.a.now() + limit;
    while (p.received_by_b().in_order() < 300'000 && p.a.now() < end && p.step()) {
        for (; seen < p.log().size(); ++seen) {
            const crossing c = p.log()[seen];
            if (!routers_speak || !c.lost || !c.from_a || changing_link::packet(c.segment) <= mtu) continue;
            const std::uint32_t says = chance.percent(20) ? 0 : mtu;
            report(p.a, says, static_cast<std::int32_t>(c.segment.seq.value()), changing_link::packet(c.segment));
        }
        if (p.a.now() >= next_change) {
            mtu = chance.percent(40) ? 1500 : 300 + chance.below(1200);
            next_change = p.a.now() + chance.below(2000) * 1ms;
        }
        if (p.received_by_b().in_order() > 200'000) mtu = 576;  // changes must end for a black hole to be found
    }
    return p.received_by_b().in_order() == 300'000;
}

TEST_CASE("Path MTU: all text arrives over a link whose MTU changes, if routers speak",
          "[recovery][properties][1191-2][LC-13][7323-24]") {
    for (std::uint64_t seed = 1; seed <= 15; ++seed) {
        CAPTURE(seed);
        CHECK(all_arrives<by_reports>(seed, true, 0, 1h));
        CHECK(all_arrives<policies>(seed, true, 1, 1h));
    }
}

TEST_CASE("Path MTU: all text arrives over a link that swallows what is too large",
          "[recovery][properties][LC-13][4821-9]") {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        CAPTURE(seed);
        CHECK(all_arrives<policies>(seed, false, 0, 24h));
        CHECK_FALSE(all_arrives<by_reports>(seed, false, 0, 1h));  // the link does swallow
    }
}

}  // namespace
