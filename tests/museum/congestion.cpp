// SPDX-License-Identifier: MIT
// congestion.cpp: the eighteen problems of RFC 2525, and two ways to make a sender go too fast.

#include "altered.hpp"
#include "exhibit.hpp"

#include <support/pair.hpp>

#include <tcpfsm/option_codec.hpp>

#include <chrono>
#include <cstdint>

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace tcpfsm::museum;
using namespace std::chrono_literals;
using enum tcpfsm::state;
using enum tcpfsm::answer;
using enum tcpfsm::signal;

namespace {

constexpr std::uint32_t mss = 1460;

/// How many segments leave now.
template <class P>
unsigned bursts(basic_subject<P>& tcp, where w = where::here()) {
    unsigned n = 0;
    while (tcp.polls(w)) ++n;
    return n;
}
/// The peer acknowledges so many octets in all.
template <class P>
void acks(basic_subject<P>& tcp, std::uint32_t octets, where w = where::here()) {
    tcp.hears(tcp.from_peer({.seq = seq{1}, .ack = seq{1 + octets}, .ctl = ctl::ack, .wnd = 65535}), w);
}
/// ESTABLISHED with `n` full segments of text to send.
template <class P>
basic_subject<P> sending(std::uint32_t n, where w = where::here()) {
    auto tcp = in(established, basic_subject<P>{{.snd_buff = 1'000'000}}, opened::actively, w);
    expect(tcp.send(n * mss, w) == ok, "text to send", w);
    return tcp;
}

// --- 2.1: no initial slow start ----------------------------------------------------------------------

struct all_at_once : mutant {
    struct congestion : new_reno {
        [[nodiscard]] constexpr std::uint32_t window() const noexcept { return 1U << 30U; }
    };
};

template <class P>
void first_burst() {
    auto tcp = sending<P>(40);
    expect(bursts(tcp) == 10, "the initial window of RFC 6928");
    acks(tcp, mss);
    expect(bursts(tcp) == 2, "and from there one more for each");
}

TEST_CASE("A connection does not begin with all that the peer's window allows", "[museum][M84][RFC 2525 2.1]") {
    first_burst<policies>();
    CHECK(caught([] { first_burst<all_at_once>(); }));
}

// --- 2.2: no slow start after a retransmission timeout -----------------------------------------------

/// F-RTO would look first whether anything was lost.
struct conventional : mutant {
    static constexpr bool undo = false;
};
struct undaunted : conventional {
    struct congestion : new_reno {
        constexpr void timed_out(path, bool) noexcept {}
    };
};

template <class P>
void burst_after_a_timeout() {
    auto tcp = sending<P>(40);
    expect(bursts(tcp) == 10, "ten are lost");
    tcp.advance(1s);
    tcp.emits(". 1:1461(1460) ack 1"_seg);
    acks(tcp, mss);
    tcp.emits(". 1461:2921(1460) ack 1"_seg);
    tcp.emits(". 2921:4381(1460) ack 1"_seg);
    tcp.emits_nothing();
    expect(tcp.numbers().congestion.threshold() == 5 * mss, "half of what was in flight");
}

TEST_CASE("After a retransmission timeout a sender does not go on as before", "[museum][M84][RFC 2525 2.2]") {
    burst_after_a_timeout<conventional>();
    CHECK(caught([] { burst_after_a_timeout<undaunted>(); }));
}

// --- 2.3: cwnd stays as it was found if the peer says no MSS -----------------------------------------

struct uninitialised : mutant {
    struct congestion : new_reno {
        bool begun = false;
        constexpr void begin(path p, bool syn_was_lost) noexcept {
            begun = p.smss != 536;
            new_reno::begin(p, syn_was_lost);
        }
        [[nodiscard]] constexpr std::uint32_t window() const noexcept {
            return begun ? new_reno::window() : 0x3fff'c000;
        }
    };
};

template <class P>
void peer_without_an_mss() {
    basic_subject<P> tcp;
    static_cast<void>(tcp.open_active());
    tcp.emits("S 0:0(0)"_seg);
    tcp.gets("S. 0:0(0) ack 1 <>"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    expect(tcp.send(50'000) == ok, "much text");
    tcp.emits(". 1:537(536) ack 1"_seg);
    expect(bursts(tcp) == 9, "ten segments in all");
}

TEST_CASE("The congestion window is not left as it was found when the peer says no MSS",
          "[museum][M84][RFC 2525 2.3]") {
    peer_without_an_mss<policies>();
    CHECK(caught([] { peer_without_an_mss<uninitialised>(); }));
}

// --- 2.4: a retransmission that carries other octets -------------------------------------------------

/// The text is looked for where it stood before anything was acknowledged.
struct other_octets : mutant {};

}  // namespace

template <>
constexpr auto tcpfsm::emitter<recorded<other_octets>>::text(const stretch& s) noexcept -> std::optional<transmit> {
    std::optional<transmit> out{std::in_place};
    write_header(out->segment, s.from, ctl::ack | ctl::psh);
    out->segment.text = out->each = s.text;
    out->at = s.from - (snd_.iss + 1);
    account(*out, s.from == snd_.nxt, snd_.mss);
    return out;
}

namespace {

template <class P>
void retransmitted_octets() {
    auto tcp = in(established, basic_subject<P>{});
    tcp.does("Nagle off", [](auto& c, time_point) { c.set_nagle(false); });
    expect(tcp.send(100) == ok, "text");
    expect(tcp.emits("P. 1:101(100) ack 1"_seg).at == 0, "from the front");
    expect(tcp.send(100) == ok, "more");
    expect(tcp.emits("P. 101:201(100) ack 1"_seg).at == 100, "behind it");
    expect(tcp.gets(". 1:1(0) ack 51"_seg).acked == 50, "half of the first");
    tcp.advance(1s);
    expect(tcp.emits("P. 51:201(150) ack 1"_seg).at == 0, "what stands at the front now");
}

TEST_CASE("A retransmission does not carry other octets under the same numbers", "[museum][M84][RFC 2525 2.4]") {
    retransmitted_octets<policies>();
    CHECK(caught([] { retransmitted_octets<other_octets>(); }));
}

// --- 2.5: text beyond a gap is thrown away -----------------------------------------------------------

struct no_reassembly : mutant {
    using table = altered<[] {
        return row{states::accepting, event::rcv_text_early, stay, action::snd_ack, "a mutant"};
    }>;
};

template <class P>
void text_beyond_a_gap() {
    auto tcp = in(established, basic_subject<P>{});
    tcp.gets("P. 101:201(100) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    expect(tcp.gets("P. 1:101(100) ack 1"_seg).in_order == 200, "all of it");
    tcp.emits(". 1:1(0) ack 201"_seg);
}

TEST_CASE("Text beyond a gap does not have to be sent again", "[museum][M84][RFC 2525 2.5][SHLD-31]") {
    text_beyond_a_gap<policies>();
    CHECK(caught([] { text_beyond_a_gap<no_reassembly>(); }));
}

// --- 2.6: a constant more in congestion avoidance ----------------------------------------------------

class extra_constant : public new_reno {
public:
    constexpr void acked(path p, std::uint32_t octets) noexcept {
        new_reno::acked(p, octets);
        extra_ += p.smss / 8;
    }
    [[nodiscard]] constexpr std::uint32_t window() const noexcept { return new_reno::window() + extra_; }

private:
    std::uint32_t extra_ = 0;
};

template <class C>
void congestion_avoidance() {
    for (const std::uint32_t smss : {88U, 536U, 1460U, 9000U}) {
        C congestion;
        congestion.begin({smss, 0}, false);
        congestion.lost({smss, 40 * smss});
        congestion.recovered({smss, 40 * smss});
        for (int round_trip = 0; round_trip < 100; ++round_trip) {
            const std::uint32_t before = congestion.window();
            for (std::uint32_t n = 0; n < before; n += smss) congestion.acked({smss, before}, smss);
            expect(congestion.window() <= before + smss, "one segment more in a round trip");
        }
        expect(congestion.window() > 100 * smss, "and not much less");
    }
}

TEST_CASE("Congestion avoidance does not grow by more than a segment in a round trip", "[museum][M84][RFC 2525 2.6]") {
    congestion_avoidance<new_reno>();
    CHECK(caught([] { congestion_avoidance<extra_constant>(); }));
}

// --- 2.7: the first RTO is too short -----------------------------------------------------------------

struct hasty : mutant {
    static constexpr rto_limits rto{200ms, 200ms, 60s};
};

template <class P>
void first_timeout() {
    basic_subject<P> tcp;
    static_cast<void>(tcp.open_active());
    tcp.emits("S 0:0(0)"_seg);
    tcp.wakes_in(1s);
    tcp.advance(900ms);  // a long way
    tcp.gets("S. 0:0(0) ack 1 <mss 1460>"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    tcp.emits_nothing();
}

TEST_CASE("A SYN is not sent again before a second has passed", "[museum][M84][RFC 2525 2.7][RFC 6298 2.1]") {
    first_timeout<policies>();
    CHECK(caught([] { first_timeout<hasty>(); }));
}

// --- 2.8: the window stays inflated after a loss was repaired ----------------------------------------

struct inflated : mutant {
    struct congestion : new_reno {
        constexpr void recovered(path) noexcept {}
    };
};

template <class P>
void end_of_recovery() {
    auto tcp = sending<P>(40);
    expect(bursts(tcp) == 10, "ten");
    for (int i = 0; i < 11; ++i) {
        acks(tcp, 0);
        bursts(tcp);
    }
    expect(tcp.numbers().congestion.window() > tcp.numbers().congestion.threshold(), "inflated by duplicates");
    const std::uint32_t all = tcp.numbers().snd.nxt - (tcp.in_world().ours + 1);
    acks(tcp, all);
    expect(tcp.numbers().congestion.window() <= tcp.numbers().congestion.threshold(), "and deflated");
    expect(bursts(tcp) <= 5, "half of what it was at most");
}

TEST_CASE("The window does not stay inflated when a loss was repaired", "[museum][M84][RFC 2525 2.8][RFC 6582 3.2]") {
    end_of_recovery<policies>();
    CHECK(caught([] { end_of_recovery<inflated>(); }));
}

// --- 2.9: keep-alive gives up too early --------------------------------------------------------------

struct impatient : mutant {
    static constexpr duration keep_alive_interval = 500ms;
};

template <class P>
void dead_peer() {
    auto tcp = in(established, basic_subject<P>{{.keep_alive = 2h}});
    tcp.advance(2h);
    for (int i = 0; i < 9; ++i) {
        tcp.emits(". 0:0(0) ack 1"_seg);
        tcp.is(established);
        tcp.wakes_in(75s);
        tcp.advance(75s);
    }
    tcp.emits("R 1:1(0)"_seg);
    tcp.is(closed);
    tcp.tells(tell_timed_out);
}

TEST_CASE("Keep-alive does not give a peer up that is away for ten minutes", "[museum][M84][RFC 2525 2.9][MUST-29]") {
    dead_peer<policies>();
    CHECK(caught([] { dead_peer<impatient>(); }));
}

// --- 2.10: the RTO is not backed off -----------------------------------------------------------------

struct insistent : mutant {};

}  // namespace

template <>
constexpr void tcpfsm::performer<recorded<insistent>>::snd_again() noexcept {
    ++snd_.retries;
    t_.armed_at = why_.now;
    snd_.again = snd_.una;
}

namespace {

template <class P>
void no_answer() {
    auto tcp = in(established, basic_subject<P>{});
    expect(tcp.send(100) == ok, "text");
    tcp.emits("P. 1:101(100) ack 1"_seg);
    for (const duration wait : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
        tcp.wakes_in(wait);
        tcp.advance(wait);
        tcp.emits("P. 1:101(100) ack 1"_seg);
    }
}

TEST_CASE("Retransmissions do not follow each other as fast as the first one",
          "[museum][M84][RFC 2525 2.10][RFC 6298 5.5]") {
    no_answer<policies>();
    CHECK(caught([] { no_answer<insistent>(); }));
}

// --- 2.11: keep-alives in too short an interval ------------------------------------------------------

/// An answered probe is followed by the next as if it had not been answered.
struct nagging : mutant {};

}  // namespace

template <>
constexpr void tcpfsm::performer<recorded<nagging>>::perform(actions todo) noexcept {
    while (!todo.empty()) {
        const action a = todo.pop();
        const std::uint8_t before = t_.keep_alives;
        perform(a);
        if (a == action::take_ack) t_.keep_alives = before;
    }
}

namespace {

template <class P>
void idle_peer() {
    auto by_default = in(established, basic_subject<P>{});
    by_default.never_wakes();
    auto tcp = in(established, basic_subject<P>{{.keep_alive = 2h}});
    for (int i = 0; i < 20; ++i) {
        tcp.wakes_in(2h);
        tcp.advance(2h);
        tcp.emits(". 0:0(0) ack 1"_seg);
        tcp.gets(". 1:1(0) ack 1"_seg);
        tcp.emits_nothing();
    }
}

TEST_CASE("A peer that answers is not asked more often than every two hours",
          "[museum][M84][RFC 2525 2.11][MUST-25][MUST-28]") {
    idle_peer<policies>();
    CHECK(caught([] { idle_peer<nagging>(); }));
}

// --- 2.12: a probe is taken into one free octet, and the window becomes negative ---------------------

struct one_octet_more : mutant {};

}  // namespace

template <>
constexpr trimmed tcpfsm::trim<recorded<one_octet_more>>(const tcb<recorded<one_octet_more>>& t,
                                                         const segment& arrived) noexcept {
    trimmed out{.seg = arrived};
    const std::uint32_t free = t.rcv.buff - t.rcv.user;
    out.seg.text = std::min(out.seg.text, free);
    return out;
}

namespace {

template <class P>
void probe_into_one_octet() {
    auto tcp = in(established, basic_subject<P>{{.rcv_buff = 1000}});
    tcp.gets("P. 1:1001(1000) ack 1"_seg);
    tcp.advance(40ms);
    tcp.emits(". 1:1(0) ack 1001 win 0"_seg);
    expect(tcp.receive(1) == ok, "one octet is free now, and not worth a window");
    tcp.emits_nothing();
    for (int i = 0; i < 3; ++i) {
        tcp.gets(". 1001:1002(1) ack 1"_seg);
        tcp.emits(". 1:1(0) ack 1001 win 0"_seg);
    }
    expect(tcp.receive(999) == ok, "all is read");
    tcp.emits(". 1:1(0) ack 1001 win 1000"_seg);
    expect(tcp.gets("P. 1001:2001(1000) ack 1"_seg).in_order == 1000, "and all that fits is taken");
}

TEST_CASE("A window probe does not make the window negative", "[museum][M84][RFC 2525 2.12]") {
    probe_into_one_octet<policies>();
    CHECK(caught([] { probe_into_one_octet<one_octet_more>(); }));
}

// --- 2.13: ACKs of more than two segments ------------------------------------------------------------

struct stretching : mutant {};

}  // namespace

template <>
constexpr void tcpfsm::performer<recorded<stretching>>::perform(actions todo) noexcept {
    while (!todo.empty()) {
        const action a = todo.pop();
        perform(a);
        if (a != action::take_text) continue;
        rcv_.ack_now = false;
        t_.ack_due = after(why_.now, policies::delayed_ack);
    }
}

namespace {

template <class P>
void every_second_segment() {
    auto tcp = in(established, basic_subject<P>{});
    tcp.gets(". 1:1461(1460) ack 1"_seg);
    tcp.emits_nothing();
    tcp.gets(". 1461:2921(1460) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 2921"_seg);
    tcp.gets(". 2921:4381(1460) ack 1"_seg);
    tcp.emits_nothing();
    tcp.gets(". 4381:5841(1460) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 5841"_seg);
}

TEST_CASE("An ACK does not wait for more than two full segments", "[museum][M84][RFC 2525 2.13][SHLD-19]") {
    every_second_segment<policies>();
    CHECK(caught([] { every_second_segment<stretching>(); }));
}

// --- 2.14: a timeout sends several segments ----------------------------------------------------------

struct sends_all_again : mutant {};

}  // namespace

template <>
constexpr auto tcpfsm::next_segment<recorded<sends_all_again>>::repair() const noexcept -> std::optional<stretch> {
    return sent_before(snd_.again, snd_.nxt);
}

namespace {

template <class P>
void one_retransmission() {
    auto tcp = sending<P>(10);
    expect(bursts(tcp) == 10, "ten are lost");
    for (const duration wait : {1s, 2s}) {
        tcp.advance(wait);
        tcp.emits(". 1:1461(1460) ack 1"_seg);
        tcp.emits_nothing();
    }
}

TEST_CASE("A retransmission timeout does not send more than one segment", "[museum][M84][RFC 2525 2.14]") {
    one_retransmission<policies>();
    CHECK(caught([] { one_retransmission<sends_all_again>(); }));
}

// --- 2.15: the FIN waits behind small text -----------------------------------------------------------

struct fin_waits : mutant {};

}  // namespace

template <>
constexpr auto tcpfsm::next_segment<recorded<fin_waits>>::fresh() const noexcept -> std::optional<stretch> {
    const std::uint32_t n = std::min({snd_.unsent(), snd_.usable(snd_.nxt), full()});
    if (n == 0) return snd_.fin && !snd_.fin_sent() ? std::optional{stretch{snd_.nxt, 0, true}} : std::nullopt;
    return stretch{snd_.nxt, n, false, snd_.outstanding() && n < full()};  // Nagle, whatever the user wants
}

namespace {

template <class P>
void fin_behind_small_text() {
    auto tcp = in(established, basic_subject<P>{});
    expect(tcp.send(100) == ok, "text");
    tcp.emits("P. 1:101(100) ack 1"_seg);
    expect(tcp.send(50) == ok, "little more");
    tcp.emits_nothing();
    expect(tcp.close() == ok, "and no more after it");
    tcp.emits("FP. 101:151(50) ack 1"_seg);
    tcp.is(fin_wait_1);
}

TEST_CASE("A FIN does not wait until small text before it is acknowledged", "[museum][M84][RFC 2525 2.15]") {
    fin_behind_small_text<policies>();
    CHECK(caught([] { fin_behind_small_text<fin_waits>(); }));
}

// --- 2.16: no reset for text after a half-duplex CLOSE -----------------------------------------------

struct takes_in_vain : mutant {
    using table = altered<[] {
        return row{fin_wait_1 | fin_wait_2, event::rcv_text_unwanted, stay, action::take_text | action::snd_ack,
                   "a mutant"};
    }>;
};

template <class P>
void text_after_a_close_of_both() {
    for (const bool acked : {false, true}) {
        auto tcp = in(established, basic_subject<P>{});
        expect(tcp.close_both() == ok, "nothing is unread");
        tcp.emits("F. 1:1(0) ack 1"_seg);
        if (acked) tcp.gets(". 1:1(0) ack 2"_seg);
        tcp.gets("P. 1:101(100) ack 2"_seg);
        tcp.emits("R 2:2(0)"_seg);
        tcp.is(closed);
        tcp.emits_nothing();
    }
}

TEST_CASE("Text that arrives after the user has stopped reading is not taken as if he had not",
          "[museum][M84][RFC 2525 2.16][3.6.1]") {
    text_after_a_close_of_both<policies>();
    CHECK(caught([] { text_after_a_close_of_both<takes_in_vain>(); }));
}

// --- 2.17: no reset for a CLOSE with unread text -----------------------------------------------------

struct quiet_loss : mutant {
    using table =
        altered<[] { return row{established, event::close_unread, fin_wait_1, action::snd_fin, "a mutant", ok}; }>;
};

template <class P>
void peer_learns_of_unread_text() {
    everywhere([](const world& w) {
        test::pair<wire_between, P> both{w};
        static_cast<void>(both.b.open_passive());
        static_cast<void>(both.a.open_active());
        both.drive_until_quiet();
        both.a.tells(tell_open);
        static_cast<void>(both.a.send(100));
        both.drive_until_quiet();
        expect(both.received_by_b().in_order() == 100, "it has arrived");
        static_cast<void>(both.b.close_both());
        both.drive(1s);
        both.a.is(closed);
        both.a.tells(tell_reset);
        both.a.tells_nothing();
    });
}

TEST_CASE("A sender is not left to believe that its text was read", "[museum][M84][RFC 2525 2.17][3.6.1]") {
    peer_learns_of_unread_text<policies>();
    CHECK(caught([] { peer_learns_of_unread_text<quiet_loss>(); }));
}

// --- 2.18: options are not counted in the MSS --------------------------------------------------------

struct too_large : mutant {};

}  // namespace

template <>
constexpr std::uint32_t tcpfsm::next_segment<recorded<too_large>>::full() const noexcept {
    return snd_.mss;
}

namespace {

template <class P>
void options_and_text() {
    basic_subject<P> tcp;
    static_cast<void>(tcp.open_passive());
    tcp.gets("S 0:0(0) <mss 1460,sackOK,TS val 1000 ecr 0>"_seg);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 1 <TS val 1000 ecr 1000>"_seg);
    expect(tcp.send(6 * 1448) == ok, "text");
    tcp.emits(". 1:1449(1448) ack 1"_seg);
    while (const auto out = tcp.polls())
        expect(out->segment.text + options_size(out->segment) <= mss, "timestamps are counted");
    tcp.gets(". 101:201(100) ack 8689 <TS val 1000 ecr 1000>"_seg);
    tcp.emits(". 8689:8689(0) ack 1"_seg);
    expect(tcp.send(10'000) == ok, "more, while there is a gap in what the peer sent");
    while (const auto out = tcp.polls()) {
        expect(out->segment.options.sack_count == 1, "of which the peer is told");
        expect(out->segment.text + options_size(out->segment) <= mss, "and these octets are counted, too");
    }
}

TEST_CASE("A segment with options is not larger than the MSS", "[museum][M84][RFC 2525 2.18][MUST-16]") {
    options_and_text<policies>();
    CHECK(caught([] { options_and_text<too_large>(); }));
}

// --- ACK division, and ACKs of what was never sent (VU#102014) ---------------------------------------

struct counts_acks : mutant {
    struct congestion : new_reno {
        constexpr void acked(path p, std::uint32_t) noexcept { new_reno::acked(p, p.smss); }
    };
};

template <class P>
void divided_acks() {
    auto tcp = sending<P>(40);
    expect(bursts(tcp) == 10, "ten");
    for (std::uint32_t octets = 10; octets <= mss; octets += 10) {
        acks(tcp, octets);
        bursts(tcp);
    }
    expect(tcp.numbers().congestion.window() <= 11 * mss, "a segment was acknowledged, in however many ACKs");
}

TEST_CASE("An ACK for every few octets does not open the window faster", "[museum][M84][ACK division][RFC 3465]") {
    divided_acks<policies>();
    CHECK(caught([] { divided_acks<counts_acks>(); }));
}

struct credulous : mutant {
    using table = altered<[] {
        return row{established, event::rcv_bad_ack, stay, action::take_ack | action::snd_challenge, "a mutant"};
    }>;
};

template <class P>
void optimistic_acks() {
    auto tcp = sending<P>(40);
    expect(bursts(tcp) == 10, "ten");
    for (const std::uint32_t octets : {10 * mss + 1, 20 * mss, 40 * mss, 0x7fff'ffffU}) {
        acks(tcp, octets);
        tcp.emits(". 14601:14601(0) ack 1"_seg);
        tcp.emits_nothing();
        expect(tcp.numbers().congestion.window() == 10 * mss, "nothing was acknowledged");
        expect(tcp.numbers().snd.una == tcp.in_world().ours + 1, "nothing at all");
    }
    acks(tcp, 10 * mss);
    expect(bursts(tcp) == 11, "what was sent counts");
}

TEST_CASE("An ACK of what was never sent does not open the window", "[museum][M84][optimistic ACK][3.10.7.4]") {
    optimistic_acks<policies>();
    CHECK(caught([] { optimistic_acks<credulous>(); }));
}

}  // namespace
