// SPDX-License-Identifier: MIT
// blind_attacks.cpp: segments of somebody who sees nothing and guesses, and ends that answer each other for ever.

#include "altered.hpp"
#include "exhibit.hpp"

#include <support/hosts.hpp>
#include <support/pair.hpp>

#include <tcpfsm/isn.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <vector>

using namespace tcpfsm;
using namespace tcpfsm::literals;
using namespace tcpfsm::test;
using namespace tcpfsm::museum;
using namespace std::chrono_literals;
using enum tcpfsm::state;
using enum tcpfsm::answer;
using enum tcpfsm::signal;
using tcpfsm::testing::octet_string;
using tcpfsm::testing::packet_of;
using tcpfsm::testing::read_packet;
using outcome = tcpfsm::fate;

// --- M53: a reset somewhere in the window (CVE-2004-0230) ----------------------------------------------

namespace {

/// RFC 793: a reset in the window is a reset.
struct reset_in_window : mutant {};

}  // namespace

template <>
constexpr event tcpfsm::judge_reset<recorded<reset_in_window>>(const tcb<recorded<reset_in_window>>& t,
                                                               const segment& seg, state) noexcept {
    return begins_inside(t, seg) ? event::rcv_rst : event::rcv_rst_invalid;
}

namespace {

template <class P>
void guessed_reset() {
    for (const state s : {established, fin_wait_1, fin_wait_2, close_wait, closing, last_ack}) {
        auto tcp = in(s, basic_subject<P>{});
        for (const script& guess :
             {"R 32768:32768(0)"_seg, "R 3:3(0)"_seg, "R 65000:65000(0)"_seg, "R. 32768:32768(0) ack 1"_seg}) {
            tcp.gets(guess);
            const auto out = tcp.polls();
            expect(out && out->segment.ctl == ctl::ack && out->segment.ack == tcp.numbers().rcv.nxt,
                   "a challenge that tells the number");
            tcp.is(s);
        }
        tcp.gets("R 65540:65540(0)"_seg);  // outside
        tcp.emits_nothing();
        tcp.is(s);
        const bool fin_taken = states::peer_closed.contains(s);
        tcp.gets(fin_taken ? "R 2:2(0)"_seg : "R 1:1(0)"_seg);
        tcp.is(closed);
    }
}

TEST_CASE("A reset that was guessed into the window does not end a connection", "[museum][M53][RFC 5961 3.2]") {
    guessed_reset<policies>();
    CHECK(caught([] { guessed_reset<reset_in_window>(); }));
}

// --- M54: a SYN somewhere in the window ---------------------------------------------------------------

/// RFC 793: a SYN in the window is an error, and the connection is reset.
struct syn_in_window : mutant {};

}  // namespace

template <>
constexpr std::optional<event> tcpfsm::judge_syn<recorded<syn_in_window>>(const tcb<recorded<syn_in_window>>& t,
                                                                          const segment& seg, state) noexcept {
    return acceptable(t, seg) ? event::rcv_syn_fatal : event::rcv_outside;
}

namespace {

template <class P>
void guessed_syn() {
    auto tcp = in(established, basic_subject<P>{});
    for (const script& guess : {"S 6:6(0)"_seg, "S 1:1(0)"_seg, "S. 6:6(0) ack 1"_seg, "S 0:0(0)"_seg,
                                "S -99:-99(0)"_seg, "S 70000:70000(0)"_seg}) {
        tcp.gets(guess);
        tcp.emits(". 1:1(0) ack 1"_seg);
        tcp.emits_nothing();
        tcp.is(established);
    }
    tcp.tells_nothing();
}

TEST_CASE("A SYN that was guessed into the window does not end a connection", "[museum][M54][RFC 5961 4.2]") {
    guessed_syn<policies>();
    CHECK(caught([] { guessed_syn<syn_in_window>(); }));
}

// --- M55: text with a guessed acknowledgment ------------------------------------------------------------

/// RFC 793: half of all acknowledgment numbers are old ones, and their text is taken.
struct any_old_ack : mutant {
    static constexpr bool rfc5961 = false;
};

template <class P>
void injected_text() {
    const auto takes = [](const script& s) {
        auto tcp = in(established, basic_subject<P>{});
        tcp.gets(". 1:1(0) ack 1 win 2000"_seg);  // the largest window was that of the SYN,ACK
        const arrival got = tcp.gets(s);
        if (got.text == 0) tcp.emits(". 1:1(0) ack 1"_seg);
        return got.text != 0;
    };
    expect(!takes(". 1:11(10) ack -2147483646"_seg), "SND.UNA - 2^31 + 1");
    expect(!takes(". 1:11(10) ack -65535"_seg), "SND.UNA - MAX.SND.WND - 1");
    expect(takes(". 1:11(10) ack -65534"_seg), "SND.UNA - MAX.SND.WND");
    expect(takes(". 1:11(10) ack 1"_seg), "SND.NXT");
    expect(!takes(". 1:11(10) ack 2"_seg), "SND.NXT + 1");
}

TEST_CASE("Text with a guessed acknowledgment is not delivered", "[museum][M55][RFC 5961 5.2]") {
    injected_text<policies>();
    CHECK(caught([] { injected_text<any_old_ack>(); }));
}

// --- M56: a count of challenge ACKs that all connections share (CVE-2016-5696) -------------------------------

/// The allowance is the host's.
struct shared_allowance : mutant {
    static inline unsigned used = 0;
    static bool has_one_more() { return used++ < challenges; }
};

}  // namespace

template <>
constexpr void tcpfsm::performer<recorded<shared_allowance>>::snd_challenge() noexcept {
    if (std::is_constant_evaluated()) {
        snd_ack();
    } else if (shared_allowance::has_one_more()) {
        snd_ack();
    }
}

namespace {

template <class P>
unsigned challenges_of_a_hundred(basic_subject<P>& tcp) {
    unsigned n = 0;
    for (int i = 0; i < 100; ++i) {
        tcp.gets("R 100:100(0)"_seg);
        while (tcp.polls()) ++n;
    }
    return n;
}
/// Who can count challenge ACKs on a connection of his own learns nothing about another. The allowance need not be
/// random for that: it is each connection's own.
template <class P>
void counting_challenges() {
    auto victim = in(established, basic_subject<P>{});
    auto attackers_own = victim;
    expect(challenges_of_a_hundred(victim) == policies::challenges, "as many as are allowed");
    expect(challenges_of_a_hundred(attackers_own) == policies::challenges, "and as many here, whatever went on there");
    for (auto* tcp : {&victim, &attackers_own}) {
        tcp->advance(policies::challenge_period - 1us);
        expect(challenges_of_a_hundred(*tcp) == 0, "all used up");
        tcp->advance(1us);
        expect(challenges_of_a_hundred(*tcp) == policies::challenges, "a new period");
    }
}

TEST_CASE("Challenge ACKs on one connection tell nothing about another", "[museum][M56][RFC 5961 7]") {
    counting_challenges<policies>();
    CHECK(caught([] {
        shared_allowance::used = 0;
        counting_challenges<shared_allowance>();
    }));
}

// --- M58: the throttle and honest retransmissions ----------------------------------------------------------

/// Whatever lies outside of the window is answered within the allowance of challenge ACKs alone.
struct throttled_text : mutant {
    using table = altered<[] {
        return row{states::other, event::rcv_outside_text, stay, action::snd_challenge, "a mutant"};
    }>;
};

template <class P>
void retransmitted_text() {
    auto tcp = in(established, basic_subject<P>{});
    tcp.gets("P. 1:101(100) ack 1"_seg);
    tcp.advance(40ms);
    tcp.emits(". 1:1(0) ack 101"_seg);  // and all ACKs but the last are lost
    for (int i = 0; i < 100; ++i) {
        tcp.advance(10ms);
        tcp.gets("P. 1:101(100) ack 1"_seg);
        tcp.emits(". 1:1(0) ack 101"_seg);
        tcp.emits_nothing();
    }
}

TEST_CASE("An ACK of text that arrives again is never throttled", "[museum][M58][RFC 5961 7][3.10.7.4]") {
    retransmitted_text<policies>();
    CHECK(caught([] { retransmitted_text<throttled_text>(); }));
}

// --- M59: half-open ends that answer each other -------------------------------------------------------------

/// A reset is answered with a reset.
struct reset_of_a_reset : mutant {
    using table = altered<[] { return row{closed, event::rcv_rst, stay, action::snd_rst, "a mutant"}; }>;
};
/// An ACK that does not fit is answered with the SYN once more.
struct stubborn_syn : mutant {
    using table = altered<[] { return row{syn_sent, event::rcv_bad_ack, stay, action::snd_syn, "a mutant"}; }>;
};

/// What both owe crosses until nobody owes anything. How many segments that were.
template <class P>
unsigned cross(basic_subject<P>& a, basic_subject<P>& b) {
    unsigned crossed = 0;
    for (bool more = true; more;) {
        more = false;
        while (const auto out = a.polls()) b.hears(out->segment), more = true, ++crossed;
        while (const auto out = b.polls()) a.hears(out->segment), more = true, ++crossed;
        expect(crossed <= 50, "there is no end of it");
    }
    return crossed;
}
template <class P>
void half_open() {
    everywhere([](const world& w) {
        world mirrored = w;
        std::swap(mirrored.ours, mirrored.peers);
        std::swap(mirrored.our_stamp, mirrored.peers_stamp);
        auto old = in(established, basic_subject<P>{w});
        basic_subject<P> crashed{mirrored, {.iss = seq{500'000}}};
        old.follows_no_script();
        crashed.follows_no_script();
        {
            auto a = old;
            auto b = crashed;
            static_cast<void>(a.send(100));
            expect(cross(a, b) == 2, "text, RST (figure 10)");
            a.tells(tell_reset);
        }
        {
            auto a = old;
            auto b = crashed;
            static_cast<void>(b.open_active());
            expect(cross(a, b) == 3, "SYN, challenge ACK, RST (figure 9)");
            a.is(closed);
            b.is(syn_sent);
            b.advance(1s);
            expect(cross(a, b) == 2, "SYN, RST");
            b.is(closed);
        }
        auto a = crashed;
        auto b = crashed;
        for (const script& stray : {"R 7:7(0)"_seg, "R. 7:7(0) ack 9"_seg}) {
            a.gets(stray);
            expect(cross(a, b) == 0, "a reset is never answered");
        }
        a.gets(". 7:7(0) ack 9"_seg);
        expect(cross(a, b) == 1, "RST");
    });
}

TEST_CASE("Two ends of which one has forgotten the other do not answer each other for ever",
          "[museum][M59][3.5.1][figure 9][figure 10]") {
    half_open<policies>();
    CHECK(caught([] { half_open<reset_of_a_reset>(); }));
    CHECK(caught([] { half_open<stubborn_syn>(); }));
}

// --- M60: LAND, a SYN from a socket to itself (CVE-1999-0016) --------------------------------------------

/// Where a segment comes from is not looked at.
struct talks_to_itself : mutant {};
/// Every segment that does not fit is answered.
struct answers_all : mutant {};

}  // namespace

template <>
constexpr bool tcpfsm::basic_admission<talks_to_itself>::is_peer(const ip_address&) noexcept {
    return true;
}
template <>
constexpr verdict tcpfsm::basic_link_side<talks_to_itself>::read_into(
    arrived& got, std::span<const std::uint8_t> octets) const noexcept {
    got.ip = parse_packet(octets);
    got.seg = parse_tcp(got.ip.payload, got.ip.source, got.ip.destination, config_.checksum);
    got.between = {{got.ip.destination, got.seg.destination_port}, {got.ip.source, got.seg.source_port}};
    got.hash = roster_.hash_of(got.between);
    return got.refused;
}
template <>
constexpr void tcpfsm::performer<recorded<answers_all>>::snd_challenge() noexcept {
    snd_ack();
}

namespace {

/// A host with four slots that listens on port 80, four SYNs at a time or fewer.
template <class P>
class lone_host {
    using storage = host_storage<4, 4096, 4096, 2, P>;
    std::unique_ptr<storage> memory_ = std::make_unique<storage>();

public:
    explicit lone_host(std::uint32_t backlog) {
        listener_options options;
        options.port = 80;
        options.backlog = backlog;
        expect(host.listen(options).has_value(), "it listens");
    }
    basic_host<P> host{storage::config({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}), memory_->memory()};

    std::vector<segment> segments(time_point now) {
        std::vector<segment> out;
        octet_string room(host.config().mtu);
        while (const std::size_t n = host.poll_packet(room, now)) {
            out.push_back(read_packet({room.begin(), room.begin() + static_cast<std::ptrdiff_t>(n)}).seg);
        }
        return out;
    }
    outcome takes(const four_tuple& between, const segment& seg, time_point now) {
        return host.handle_packet(packet_of(between.reversed(), seg), now).fate;
    }
};
const endpoint server{"192.0.2.1"_ip, 80};
const endpoint elsewhere{"203.0.113.5"_ip, 443};
const ip_address client = "198.51.100.7"_ip;

template <class P>
void land_on_a_host() {
    everywhere([](const world& w) {
        lone_host<P> victim{4};
        expect(victim.takes({server, server}, {.seq = w.peers, .ctl = ctl::syn}, w.begin) == outcome::bad_source,
               "nobody is his own peer");
        expect(victim.host.used() == 0 && victim.segments(w.begin).empty(), "nothing begins, and nothing is sent");
        expect(victim.host.connect(server, server, w.begin).says == err_unspecified, "nor does it connect so");
    });
}
/// All that the connection sends comes back to it.
template <class P>
void land_on_a_connection() {
    everywhere([](const world& w) {
        for (const bool active : {false, true}) {
            basic_subject<P> tcp{w};
            tcp.follows_no_script();
            static_cast<void>(active ? tcp.open_active() : tcp.open_passive());
            if (!active) tcp.gets("S 0:0(0)"_seg);
            unsigned crossed = 0;
            for (const time_point end = w.begin + 10min;;) {
                while (const auto out = tcp.polls()) {
                    tcp.hears(out->segment);
                    expect(++crossed <= 200, "it talks to itself for ever");
                }
                if (tcp.conn().poll_timeout() > end) break;
                tcp.advance(tcp.conn().poll_timeout() - tcp.now());
            }
        }
    });
}

TEST_CASE("A SYN from a socket to itself begins nothing", "[museum][M60][MUST-63][LAND]") {
    land_on_a_host<policies>();
    CHECK(caught([] { land_on_a_host<talks_to_itself>(); }));
}
TEST_CASE("A connection that hears itself does not talk for ever", "[museum][M60][LAND]") {
    land_on_a_connection<policies>();
    CHECK(caught([] { land_on_a_connection<answers_all>(); }));
}

// --- M62: the war of ACKs after a simultaneous open ------------------------------------------------------------

/// The SYN,ACK that answers ours is the peer's SYN once more, and is answered as that.
struct syn_ack_again : mutant {};

}  // namespace

template <>
constexpr std::optional<event> tcpfsm::judge_syn<recorded<syn_ack_again>>(const tcb<recorded<syn_ack_again>>& t,
                                                                          const segment& seg, state at) noexcept {
    const bool again = states::handshaking.contains(at) && seg.seq == t.rcv.irs;
    return again ? event::rcv_syn_again : event::rcv_syn_challenge;
}

namespace {

template <class P>
void simultaneous_open() {
    everywhere([](const world& w) {
        test::pair<wire_between, P> both{w};
        static_cast<void>(both.a.open_active());
        static_cast<void>(both.b.open_active());
        both.drive(10s);
        both.a.is(established);
        both.b.is(established);
        expect(both.log().size() == 4, "two SYNs, two SYN,ACKs (figure 7)");
    });
}

TEST_CASE("Two ends that open at the same time do not wage a war of ACKs", "[museum][M62][MUST-10][figure 7]") {
    simultaneous_open<policies>();
    CHECK(caught([] { simultaneous_open<syn_ack_again>(); }));
}

// --- M63: the war of ACKs after a simultaneous close -----------------------------------------------------------

/// A FIN that comes again is answered with our own again; its number lies outside of the peer's window, too.
struct fin_for_a_fin : mutant {
    using table = altered<[] { return row{closing, event::rcv_outside_text, stay, action::snd_again, "a mutant"}; }>;
};

template <class P>
void simultaneous_close() {
    everywhere([](const world& w) {
        // Six and seven acknowledge the FINs that have crossed.
        test::pair<wire_between, P> both{w, {}, {}, {.loses = {6, 7}}};
        static_cast<void>(both.b.open_passive());
        static_cast<void>(both.a.open_active());
        both.drive_until_quiet();
        static_cast<void>(both.a.close());
        static_cast<void>(both.b.close());
        both.drive(100ms);  // before the tail is probed
        both.a.is(closing);
        both.b.is(closing);
        both.drive(20s);
        both.a.is(time_wait);
        both.b.is(time_wait);
        expect(both.log().size() == 11, "each FIN again, and its ACK again");
        expect(both.finish(100), "and that was all");
        both.a.is(closed);
        both.b.is(closed);
    });
}

TEST_CASE("Two ends that close at the same time do not wage a war of ACKs", "[museum][M63][3.6][figure 13]") {
    simultaneous_close<policies>();
    CHECK(caught([] { simultaneous_close<fin_for_a_fin>(); }));
}

// --- M65: a flood of SYNs (CVE-1999-0116) -----------------------------------------------------------------------

/// As many SYNs as there are slots.
struct no_backlog : mutant {};

}  // namespace

template <>
constexpr bool tcpfsm::basic_admission<no_backlog>::has_room(std::uint32_t) noexcept {
    return true;
}

namespace {

/// There are no SYN cookies: while the flood lasts, the listener takes nobody. What it must not take is the rest.
template <class P>
void flood() {
    everywhere([](const world& w) {
        lone_host<P> victim{3};
        time_point now = w.begin;
        const auto syn_from = [&](unsigned n) {
            const auto port = static_cast<std::uint16_t>(1024 + n);
            return victim.takes({server, {client, port}}, {.seq = w.peers + n, .ctl = ctl::syn}, now);
        };
        for (unsigned n = 0; n < 1000; ++n) {
            expect(syn_from(n) == (n < 3 ? outcome::opening : outcome::backlog_full), "three wait, and no more");
        }
        expect(victim.segments(now).size() == 3, "nor is anybody else answered");
        expect(victim.host.used() == 3, "one slot is free");
        expect(victim.host.connect(elsewhere, server.address, now).says == ok, "and can be used");
        expect(victim.segments(now).size() == 1, "it connects");
        // They never answer, and are given up.
        for (now += 6min; victim.host.poll_timeout() <= now;) {
            victim.host.handle_timeout(victim.host.poll_timeout());
            static_cast<void>(victim.segments(now));
        }
        expect(victim.host.used() == 1, "all but the user's own");
        expect(syn_from(5000) == outcome::opening, "the next honest SYN is answered");
    });
}

TEST_CASE("A flood of SYNs does not take more than the backlog of its listener", "[museum][M65]") {
    flood<policies>();
    CHECK(caught([] { flood<no_backlog>(); }));
}

// --- M66: initial sequence numbers that can be guessed (CVE-1999-0077, CVE-2020-27213) ------------------------

/// A clock and no secret.
struct clock_alone {
    explicit clock_alone(const hash_key&) {}
    seq operator()(const four_tuple&, time_point now) const {
        return seq{static_cast<std::uint32_t>(now.time_since_epoch().count() >> 2)};
    }
};
/// So much more with each connection.
struct steps {
    explicit steps(const hash_key&) {}
    mutable seq next{6510};
    seq operator()(const four_tuple&, time_point) const { return next += 64'000; }
};
/// The secret is the same in every machine.
struct same_secret : isn_generator {
    explicit same_secret(const hash_key&) : isn_generator{hash_key{}} {}
};
/// Random for each connection, without a clock: the next incarnation may begin below the last one.
struct no_clock : isn_generator {
    using isn_generator::isn_generator;
    seq operator()(const four_tuple& between, time_point now) const {
        const auto n = static_cast<std::uint16_t>(now.time_since_epoch().count() / 1000);
        return isn_generator::operator()({between.local, {between.remote.address, n}}, time_point{});
    }
};

constexpr hash_key key_of(std::uint8_t first) { return {first, 7, 1, 8, 2, 8, 1, 8, 2, 8, 4, 5, 9, 0, 4, 5}; }

/// A guess that is wrong by less than a window of 65536 hits. By chance a guess does so with probability 2^17 / 2^32;
/// a thousand guesses have 0.03 hits to expect. Keys, times and ends are fixed, so each run counts the same.
class guesses {
public:
    void guess(seq guessed, seq is) { hits_ += guessed.in(is - 0xffff, 0x1ffff) ? 1U : 0U; }
    [[nodiscard]] unsigned hits() const { return hits_; }

private:
    unsigned hits_ = 0;
};

template <class Isn>
void guessed_isn() {
    everywhere([](const world& w) {
        const Isn isn{key_of(3)};
        const four_tuple own{server, {client, 5555}};
        seq last = isn(own, w.begin);
        for (int i = 1; i <= 1000; ++i) {  // MUST-8: one every four microseconds
            const seq next = isn(own, w.begin + i * 1ms);
            expect(next - last == 250, "of the same ends each lies beyond the last");
            last = next;
        }
        guesses same;
        guesses as_before;
        guesses other_key;
        std::array<unsigned, 16> places{};
        const Isn other{key_of(4)};
        seq before = isn({server, {client, 1023}}, w.begin);
        std::uint32_t step = 0;
        for (unsigned i = 0; i < 1000; ++i) {
            const time_point now = w.begin + i * 1ms;
            const four_tuple victim{server, {client, static_cast<std::uint16_t>(1024 + i)}};
            const seq is = isn(victim, now);
            same.guess(before + 250, is);
            as_before.guess(before + step, is);
            other_key.guess(other(victim, now), is);
            ++places[is.value() >> 28U];
            step = is - before;
            before = is;
        }
        expect(same.hits() <= 3, "the last number, a little later, is no guess at the next");
        expect(as_before.hits() <= 3, "nor is it one step further");
        expect(other_key.hits() <= 3, "nor what another machine would say");
        // 62.5 to expect in each sixteenth, with a standard deviation of 7.7; the bounds are five of them away.
        for (const unsigned n : places) expect(n >= 24 && n <= 101, "they lie everywhere");
    });
}
static_assert(!std::is_default_constructible_v<isn_generator>, "there is no secret by default");

TEST_CASE("Initial sequence numbers of one connection tell nothing about those of another",
          "[museum][M66][3.4.1][RFC 6528 3]") {
    guessed_isn<isn_generator>();
    CHECK(caught([] { guessed_isn<clock_alone>(); }));
    CHECK(caught([] { guessed_isn<steps>(); }));
    CHECK(caught([] { guessed_isn<same_secret>(); }));
    CHECK(caught([] { guessed_isn<no_clock>(); }));
}

// --- M67: a SYN that asks for ECN ----------------------------------------------------------------------------------

/// Bits that were reserved once are an error.
struct refuses_ecn : mutant {};

}  // namespace

template <>
constexpr void tcpfsm::performer<recorded<refuses_ecn>>::take_syn(const segment& seg) noexcept {
    if (seg.ctl.any(ctl::ece | ctl::cwr)) snd_rst();
}

namespace {

template <class P>
void syn_with_ecn() {
    struct exchange {
        ecn_wish wish;
        script syn, syn_ack;
    };
    for (const exchange& e : {exchange{ecn_wish::refuse, "SEW 0:0(0) <mss 1460>"_seg, "S. 0:0(0) ack 1"_seg},
                              exchange{ecn_wish::refuse, "SEWA 0:0(0) <mss 1460>"_seg, "S. 0:0(0) ack 1"_seg},
                              exchange{ecn_wish::accept, "SEW 0:0(0) <mss 1460>"_seg, "SE. 0:0(0) ack 1"_seg},
                              exchange{ecn_wish::accept, "SEWA 0:0(0) <mss 1460>"_seg, "SW. 0:0(0) ack 1"_seg}}) {
        auto tcp = in(listen, basic_subject<P>{parameters{.ecn = e.wish}});
        tcp.gets(e.syn);
        tcp.emits(e.syn_ack);
        tcp.gets(". 1:1(0) ack 1"_seg);
        tcp.is(established);
    }
}

TEST_CASE("A SYN that asks for ECN is not refused", "[museum][M67][RFC 3168 6.1.1]") {
    syn_with_ecn<policies>();
    CHECK(caught([] { syn_with_ecn<refuses_ecn>(); }));
}

// --- M68: resets with wrong numbers ----------------------------------------------------------------------------------

/// SYN and FIN are not counted.
struct counts_text_alone : mutant {};
/// What has no ACK is answered without one.
struct reset_without_ack : mutant {};

}  // namespace

template <>
constexpr void tcpfsm::performer<recorded<counts_text_alone>>::snd_rst() noexcept {
    const segment& seg = *why_.arrived;
    if (seg.has(ctl::ack)) {
        reset_ = {seg.ack, {}, 0, 0, ctl::rst, false};
    } else {
        reset_ = {{}, seg.seq + seg.text, 0, 0, ctl::rst | ctl::ack, false};
    }
}
template <>
constexpr void tcpfsm::performer<recorded<reset_without_ack>>::snd_rst() noexcept {
    reset_ = {why_.arrived->ack, {}, 0, 0, ctl::rst, false};
}

namespace {

template <class P>
void numbers_of_a_reset() {
    basic_subject<P> nobody_here;
    nobody_here.gets("S 100:100(0)"_seg);
    nobody_here.emits("R. 0:0(0) ack 101"_seg);
    nobody_here.gets("SF 100:100(0)"_seg);
    nobody_here.emits("R. 0:0(0) ack 102"_seg);
    nobody_here.gets("P 100:110(10)"_seg);
    nobody_here.emits("R. 0:0(0) ack 110"_seg);
    nobody_here.gets("FP 100:110(10)"_seg);
    nobody_here.emits("R. 0:0(0) ack 111"_seg);
    nobody_here.gets("FP. 100:110(10) ack 77"_seg);
    nobody_here.emits("R 77:77(0)"_seg);
    nobody_here.gets("S. 100:100(0) ack 77"_seg);
    nobody_here.emits("R 77:77(0)"_seg);
    auto listener = in(listen, basic_subject<P>{});
    listener.gets(". 100:100(0) ack 77"_seg);
    listener.emits("R 77:77(0)"_seg);
}

TEST_CASE("A reset does not bear numbers that its receiver cannot believe", "[museum][M68][3.5.2][3.10.7.1]") {
    numbers_of_a_reset<policies>();
    CHECK(caught([] { numbers_of_a_reset<counts_text_alone>(); }));
    CHECK(caught([] { numbers_of_a_reset<reset_without_ack>(); }));
}

// --- M69: a SYN that comes twice
// --------------------------------------------------------------------------------------

/// It is an error.
struct refuses_again : mutant {
    using table = altered<[] { return row{syn_received, event::rcv_syn_again, stay, action::snd_rst, "a mutant"}; }>;
};

template <class P>
void syn_twice() {
    for (const opened how : {opened::actively, opened::passively}) {
        auto tcp = in(syn_received, basic_subject<P>{}, how);
        tcp.gets("S 0:0(0) <mss 1460>"_seg);
        tcp.emits("S. 0:0(0) ack 1"_seg);
        tcp.emits_nothing();
        tcp.gets(". 1:1(0) ack 1"_seg);
        tcp.is(established);
    }
}

TEST_CASE("A SYN that comes twice is not answered with a reset", "[museum][M69][3.10.7.4]") {
    syn_twice<policies>();
    CHECK(caught([] { syn_twice<refuses_again>(); }));
}

// --- M70: a SYN while the last connection is being released (CVE-2026-5590)
// -------------------------------------------

/// The name of a connection that is gone is the name of the next one in its place.
struct reused_names : mutant {};

}  // namespace

template <>
constexpr void tcpfsm::basic_lobby<reused_names>::let_go(std::uint32_t i) noexcept {
    slots_[i].known = audience::none;
    slots_[i].news = 0;
    telling_.remove(slots_, i);
}
template <>
constexpr void tcpfsm::basic_roster<reused_names>::vacate(std::uint32_t i) noexcept {
    unseat(i);
    leave_backlog(i);
    deadlines_.disarm(i);
    owing_.remove(slots_, i);
    telling_.remove(slots_, i);
    lingering_.remove(slots_, i);
    slots_[i].known = audience::none;
    free_.push(slots_, i);
    --used_;
}

namespace {

template <class P>
void syn_during_teardown() {
    everywhere([](const world& w) {
        lone_host<P> victim{4};
        const four_tuple between{server, {client, 5555}};
        time_point now = w.begin;
        const auto opens = [&](seq number) {
            expect(victim.takes(between, {.seq = number, .ctl = ctl::syn, .wnd = 9000}, now) == outcome::opening,
                   "a SYN");
            const auto answers = victim.segments(now);
            const segment& syn_ack = answers.back();
            expect(syn_ack.has(ctl::syn | ctl::ack) && syn_ack.ack == number + 1, "is answered");
            static_cast<void>(
                victim.takes(between, {.seq = number + 1, .ack = syn_ack.seq + 1, .ctl = ctl::ack, .wnd = 9000}, now));
            const auto told = victim.host.poll_event();
            expect(told && told->what == news::accepted, "and accepted");
            return std::pair{told->of, answers.size()};
        };
        const octet_string text(10);
        std::vector<handle> all_gone;
        for (unsigned i = 0; i < 20; ++i) {  // each place is used more than once
            all_gone.push_back(opens(w.peers + 100'000 * i).first);
            expect(victim.host.send(all_gone.back(), text, now).octets == 10, "a connection with text");
            expect(victim.host.abort(all_gone.back(), now) == ok, "is given up");
            const auto [fresh, answers] = opens(w.peers + 100'000 * i + 50'000);  // before its reset is polled
            expect(answers == 2, "the reset of the old one, the SYN,ACK of the new one");
            for (const handle gone : all_gone) {
                expect(victim.host.stream(gone) == nullptr, "the old name names nothing");
                expect(victim.host.send(gone, text, now).says == err_no_connection, "and sends nothing");
                expect(victim.host.abort(gone, now) == err_no_connection, "and ends nothing");
            }
            expect(victim.host.stream(fresh)->in(established), "least of all the new one");
            expect(victim.segments(now).empty(), "which has nothing to say");
            expect(victim.host.abort(fresh, now) == ok, "and goes, too");
            all_gone.push_back(fresh);
            expect(victim.segments(now).size() == 1 && victim.host.used() == 0, "and leaves nothing");
            now += 1s;
        }
    });
}

TEST_CASE("The handle of a connection that is gone does not lead to the next one in its place", "[museum][M70]") {
    syn_during_teardown<policies>();
    CHECK(caught([] { syn_during_teardown<reused_names>(); }));
}

}  // namespace
