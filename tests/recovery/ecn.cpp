// SPDX-License-Identifier: MIT
// ecn.cpp: classic ECN (RFC 3168, RFC 8311): what is agreed on, what is marked as capable, and what marks do.

#include <support/pair.hpp>
#include <support/states.hpp>

#include <tcpfsm/ecn.hpp>

#include <chrono>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;
using enum tcpfsm::state;
using enum tcpfsm::answer;

struct classic : policies {
    static constexpr ecn_mode ecn = ecn_mode::classic;
};
struct without : policies {
    static constexpr ecn_mode ecn = ecn_mode::off;
};
constexpr parameters asking{.snd_buff = 1'000'000, .ecn = ecn_wish::ask};
constexpr parameters accepting{.snd_buff = 1'000'000};
constexpr parameters refusing{.ecn = ecn_wish::refuse};

// --- 6.1.1: every SYN and every SYN,ACK --------------------------------------------------------------------------

/// An ECN-setup SYN has ECE and CWR, an ECN-setup SYN,ACK has ECE and not CWR; AE was reserved then.
constexpr bool setup_syn(unsigned ace) { return (ace & 3U) == 3; }
constexpr bool setup_syn_ack(unsigned ace) { return (ace & 3U) == 1; }

constexpr bool classic_negotiation() {
    for (unsigned ace = 0; ace < 8; ++ace) {
        if ((answer_to(ace, ecn_mode::classic) == ecn_mode::classic) != setup_syn(ace)) return false;
        if ((agreed(ace, ecn_mode::classic) == ecn_mode::classic) != setup_syn_ack(ace)) return false;
        if (answer_to(ace, ecn_mode::off) != ecn_mode::off || agreed(ace, ecn_mode::off) != ecn_mode::off) return false;
    }
    return true;
}
static_assert(classic_negotiation());

/// A SYN with these bits.
template <class P>
segment syn_with(const basic_subject<P>& tcp, unsigned ace, control more = {}) {
    segment syn{.ack = seq{1}, .ctl = ctl::syn | more | ace_bits(ace), .wnd = 65535};
    syn.options.has_mss = true;
    syn.options.mss = 1460;
    return tcp.from_peer(syn);
}
template <class P>
void answers_every_syn(bool agrees) {
    for (unsigned ace = 0; ace < 8; ++ace) {
        auto tcp = in(listen, basic_subject<P>{});
        tcp.hears(syn_with(tcp, ace));
        if (agrees && setup_syn(ace)) {
            tcp.emits("SE. 0:0(0) ack 1"_seg);
        } else {
            tcp.emits("S. 0:0(0) ack 1"_seg);
        }
    }
}

TEST_CASE("ECN: of all SYNs, those with ECE and CWR are answered by ECE alone, and others by neither",
          "[recovery][RFC 3168 6.1.1][3168-1][3168-5][SHLD-8]") {
    answers_every_syn<classic>(true);
    answers_every_syn<without>(false);
}
TEST_CASE("ECN: who refuses it answers every SYN with neither flag, and opens with neither",
          "[recovery][RFC 3168 6.1.1][3168-5]") {
    for (unsigned ace = 0; ace < 8; ++ace) {
        auto tcp = in(listen, basic_subject<classic>{refusing});
        tcp.hears(syn_with(tcp, ace));
        tcp.emits("S. 0:0(0) ack 1"_seg);
    }
    for (const parameters& p : {refusing, accepting}) {
        basic_subject<classic> tcp{p};
        CHECK(tcp.open_active() == ok);
        tcp.emits("S 0:0(0)"_seg);
    }
    basic_subject<without> tcp{asking};
    CHECK(tcp.open_active() == ok);
    tcp.emits("S 0:0(0)"_seg);
}
TEST_CASE("ECN: of all SYN,ACKs, those with ECE and without CWR agree",
          "[recovery][RFC 3168 6.1.1][3168-2][3168-5][3168-6][3168-8]") {
    for (unsigned ace = 0; ace < 8; ++ace) {
        basic_subject<classic> tcp{asking};
        CHECK(tcp.open_active() == ok);
        tcp.emits("SEW 0:0(0)"_seg);
        tcp.hears(syn_with(tcp, ace, ctl::ack));
        tcp.emits(". 1:1(0) ack 1"_seg);
        CHECK(tcp.send(100) == ok);
        if (setup_syn_ack(ace)) {
            tcp.emits("[ect0] P. 1:101(100) ack 1"_seg);
        } else {
            tcp.emits("P. 1:101(100) ack 1"_seg);
        }
    }
}

/// ESTABLISHED, with ECN.
template <class P = classic>
basic_subject<P> agreed_actively(parameters p = asking) {
    basic_subject<P> tcp{p};
    CHECK(tcp.open_active() == ok);
    tcp.emits("SEW 0:0(0)"_seg);
    tcp.gets("SE. 0:0(0) ack 1 <mss 1000>"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    hear_all(tcp);
    return tcp;
}
template <class P = classic>
basic_subject<P> agreed_passively() {
    auto tcp = in(listen, basic_subject<P>{accepting});
    tcp.gets("SEW 0:0(0) <mss 1000>"_seg);
    tcp.emits("SE. 0:0(0) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 1"_seg);
    hear_all(tcp);
    return tcp;
}

TEST_CASE("ECN: a SYN that is not answered goes again without, and then nothing is sent as capable",
          "[recovery][RFC 3168 6.1.1.1][3168-7][3168-2]") {
    basic_subject<classic> tcp{asking};
    CHECK(tcp.open_active() == ok);
    tcp.emits("SEW 0:0(0)"_seg);
    tcp.advance(1s);
    tcp.emits("S 0:0(0)"_seg);
    tcp.advance(2s);
    tcp.emits("S 0:0(0)"_seg);
    SECTION("the answer to the first agrees: marks are echoed, but text is not capable") {
        tcp.gets("SE. 0:0(0) ack 1 <mss 1000>"_seg);
        tcp.emits(". 1:1(0) ack 1"_seg);
        CHECK(tcp.send(100) == ok);
        tcp.emits("P. 1:101(100) ack 1"_seg);
        tcp.gets("[ce] . 1:1001(1000) ack 101"_seg);
        tcp.gets("[ect0] . 1001:2001(1000) ack 101"_seg);
        tcp.emits("E. 101:101(0) ack 2001"_seg);
    }
    SECTION("the answer to a later one does not") {
        tcp.gets("S. 0:0(0) ack 1 <mss 1000>"_seg);
        tcp.emits(". 1:1(0) ack 1"_seg);
        CHECK(tcp.send(100) == ok);
        tcp.emits("P. 1:101(100) ack 1"_seg);
    }
}
TEST_CASE("ECN: the listener whose peer asks no more sends nothing as capable", "[recovery][RFC 3168 6.1.1][3168-2]") {
    auto tcp = in(listen, basic_subject<classic>{});
    tcp.gets("SEW 0:0(0) <mss 1000>"_seg);
    tcp.emits("SE. 0:0(0) ack 1"_seg);
    tcp.gets("S 0:0(0) <mss 1000>"_seg);
    tcp.emits("SE. 0:0(0) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 1"_seg);
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 1"_seg);
}
TEST_CASE("ECN: simultaneous open", "[recovery][RFC 3168 6.1.1][3168-1]") {
    basic_subject<classic> tcp{asking};
    CHECK(tcp.open_active() == ok);
    tcp.emits("SEW 0:0(0)"_seg);
    SECTION("both ask") {
        tcp.gets("SEW 0:0(0) <mss 1000>"_seg);
        tcp.emits("SE. 0:0(0) ack 1"_seg);
        tcp.gets("SE. 0:0(0) ack 1"_seg);
        CHECK(tcp.send(100) == ok);
        tcp.emits("[ect0] P. 1:101(100) ack 1"_seg);
    }
    SECTION("the peer does not") {
        tcp.gets("S 0:0(0) <mss 1000>"_seg);
        tcp.emits("S. 0:0(0) ack 1"_seg);
        tcp.gets("S. 0:0(0) ack 1"_seg);
        CHECK(tcp.send(100) == ok);
        tcp.emits("P. 1:101(100) ack 1"_seg);
    }
}
TEST_CASE("ECN: who has opened without asking does not begin when SYNs cross", "[recovery][RFC 3168 6.1.1][3168-2]") {
    basic_subject<classic> tcp{accepting};
    CHECK(tcp.open_active() == ok);
    tcp.emits("S 0:0(0)"_seg);
    tcp.gets("SEW 0:0(0) <mss 1000>"_seg);
    tcp.emits("S. 0:0(0) ack 1"_seg);
}

// --- 6.1.3: the receiver -----------------------------------------------------------------------------------------

TEST_CASE("ECN: a mark is echoed by every ACK until CWR, and a mark on that segment begins anew",
          "[recovery][RFC 3168 6.1.3][3168-4]") {
    auto tcp = agreed_passively();
    tcp.gets("[ect0] . 1:1001(1000) ack 1"_seg);
    tcp.gets("[ect0] . 1001:2001(1000) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 2001"_seg);
    tcp.gets("[ce] . 2001:3001(1000) ack 1"_seg);
    tcp.gets("[ect0] . 3001:4001(1000) ack 1"_seg);
    tcp.emits("E. 1:1(0) ack 4001"_seg);
    CHECK(tcp.send(100) == ok);
    tcp.emits("[ect0] PE. 1:101(100) ack 4001"_seg);
    tcp.gets("[ect0] . 4001:5001(1000) ack 101"_seg);
    tcp.gets("[ect0] . 5001:6001(1000) ack 101"_seg);
    tcp.emits("E. 101:101(0) ack 6001"_seg);
    tcp.gets("[ect0] W. 6001:7001(1000) ack 101"_seg);
    tcp.gets("[ect0] . 7001:8001(1000) ack 101"_seg);
    tcp.emits(". 101:101(0) ack 8001"_seg);
    tcp.gets("[ce] W. 8001:9001(1000) ack 101"_seg);
    tcp.gets("[ect0] . 9001:10001(1000) ack 101"_seg);
    tcp.emits("E. 101:101(0) ack 10001"_seg);
}
TEST_CASE("ECN: without agreement marks are not echoed, and text that is capable of it agrees to nothing",
          "[recovery][RFC 3168 6.1.1][3168-15]") {
    auto tcp = in(established, basic_subject<classic>{}, opened::passively);
    tcp.gets("[ect0] . 1:1001(1000) ack 1"_seg);
    tcp.gets("[ce] . 1001:2001(1000) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 2001"_seg);
    CHECK(tcp.send(100) == ok);
    tcp.emits("P. 1:101(100) ack 2001"_seg);
    tcp.gets("E. 2001:2001(0) ack 101"_seg);
    CHECK(tcp.numbers().congestion.window() == 14600);
}
TEST_CASE("ECN: a mark outside the window is not echoed", "[recovery][RFC 3168 6.1.5][3168-13]") {
    auto tcp = agreed_passively();
    tcp.gets("[ect0] . 1:1001(1000) ack 1"_seg);
    tcp.gets("[ect0] . 1001:2001(1000) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 2001"_seg);
    tcp.gets("[ce] . 1:1001(1000) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 2001"_seg);
    tcp.gets("[ce] . 200000:201000(1000) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 2001"_seg);
}
TEST_CASE("ECN: a mark on a probe of the window is echoed", "[recovery][RFC 3168 6.1.6][3168-14]") {
    auto p = accepting;
    p.rcv_buff = 2000;
    auto tcp = in(listen, basic_subject<classic>{p});
    tcp.gets("SEW 0:0(0) <mss 1000>"_seg);
    tcp.emits("SE. 0:0(0) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 1"_seg);
    tcp.gets("[ect0] . 1:1001(1000) ack 1"_seg);
    tcp.gets("[ect0] . 1001:2001(1000) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 2001 win 0"_seg);
    tcp.gets("[ce] . 2001:2002(1) ack 1"_seg);
    tcp.emits("E. 1:1(0) ack 2001 win 0"_seg);
}

// --- 6.1.2: the sender -------------------------------------------------------------------------------------------

constexpr std::uint32_t mss = 1000;

/// The peer acknowledges the first `n` octets, with ECE or without.
template <class P>
void acks(basic_subject<P>& tcp, std::uint32_t n, control more = {}, where w = where::here()) {
    tcp.hears(tcp.from_peer({.seq = seq{1}, .ack = seq{1 + n}, .ctl = ctl::ack | more, .wnd = 65535}), w);
}
/// Takes all that is owed; every segment must have this codepoint. Answers how many there were.
template <class P>
unsigned all_are(basic_subject<P>& tcp, ecn codepoint) {
    unsigned n = 0;
    for (; const auto out = tcp.polls(); ++n) CHECK(out->segment.ecn == codepoint);
    return n;
}

TEST_CASE("ECN: a mark halves the window once, nothing is sent again, and CWR goes on the next new text alone",
          "[recovery][RFC 3168 6.1.2][3168-3][3168-9][3168-11]") {
    auto tcp = agreed_actively();
    CHECK(tcp.send(60 * mss) == ok);
    CHECK(all_are(tcp, ecn::ect_0) == 10);
    CHECK(tcp.numbers().congestion.window() == 10 * mss);
    acks(tcp, mss, ctl::ece);
    CHECK(tcp.numbers().congestion.window() == 5 * mss);
    CHECK(tcp.numbers().congestion.threshold() == 5 * mss);
    tcp.emits_nothing();
    // The rest of that window tells of the same congestion. The window neither shrinks nor grows by it.
    for (std::uint32_t n = 2; n <= 5; ++n) acks(tcp, n * mss, ctl::ece);
    CHECK(tcp.numbers().congestion.window() == 5 * mss);
    tcp.emits_nothing();
    acks(tcp, 6 * mss, ctl::ece);
    tcp.emits("[ect0] W. 10001:11001(1000) ack 1"_seg);
    acks(tcp, 8 * mss);
    tcp.emits("[ect0] . 11001:12001(1000) ack 1"_seg);
    tcp.emits("[ect0] . 12001:13001(1000) ack 1"_seg);
    acks(tcp, 10 * mss, ctl::ece);
    CHECK(tcp.numbers().congestion.window() == 5 * mss);
    CHECK(all_are(tcp, ecn::ect_0) == 2);
    // This one is about text that left after the window was reduced.
    acks(tcp, 11 * mss, ctl::ece);
    CHECK(tcp.numbers().congestion.window() == 2500);
}
TEST_CASE("ECN: an ACK with ECE does not make the window grow", "[recovery][RFC 3168 6.1.2][3168-9]") {
    for (const control bits : {control{}, ctl::ece}) {
        auto tcp = agreed_actively();
        CHECK(tcp.send(60 * mss) == ok);
        CHECK(all_are(tcp, ecn::ect_0) == 10);
        acks(tcp, mss, ctl::ece);
        for (std::uint32_t n = 2; n <= 9; ++n) {
            acks(tcp, n * mss, bits);
            static_cast<void>(all_are(tcp, ecn::ect_0));
        }
        CHECK((tcp.numbers().congestion.window() == 5 * mss) == (bits == ctl::ece));
    }
}
TEST_CASE("ECN: loss and mark in one window are one congestion; what is sent again is not capable, and has no CWR",
          "[recovery][RFC 3168 6.1.2][RFC 3168 6.1.5][3168-11][3168-13]") {
    auto tcp = agreed_actively();
    CHECK(tcp.send(60 * mss) == ok);
    CHECK(all_are(tcp, ecn::ect_0) == 10);
    acks(tcp, 0);
    CHECK(all_are(tcp, ecn::ect_0) == 1);
    acks(tcp, 0);
    CHECK(all_are(tcp, ecn::ect_0) == 1);
    acks(tcp, 0, ctl::ece);
    tcp.emits(". 1:1001(1000) ack 1"_seg);
    const std::uint32_t threshold = tcp.numbers().congestion.threshold();
    CHECK(threshold <= 6 * mss);
    acks(tcp, 12 * mss, ctl::ece);
    CHECK(tcp.numbers().congestion.threshold() == threshold);
    tcp.emits("[ect0] W. 12001:13001(1000) ack 1"_seg);
    CHECK(all_are(tcp, ecn::ect_0) > 0);
}
TEST_CASE("ECN: after a timeout the first new text tells that the window was reduced",
          "[recovery][RFC 3168 6.1.2][3168-3][3168-11][3168-13]") {
    auto tcp = agreed_actively();
    CHECK(tcp.send(3 * mss) == ok);
    CHECK(all_are(tcp, ecn::ect_0) == 3);
    tcp.advance(1s);
    tcp.emits(". 1:1001(1000) ack 1"_seg);
    acks(tcp, 3 * mss);
    CHECK(tcp.send(2 * mss) == ok);
    tcp.emits("[ect0] W. 3001:4001(1000) ack 1"_seg);
    tcp.emits("[ect0] P. 4001:5001(1000) ack 1"_seg);
}
TEST_CASE("ECN: at a window of one segment a mark stops new text for as long as the retransmission timer",
          "[recovery][RFC 3168 6.1.2][3168-10]") {
    auto tcp = agreed_actively();
    CHECK(tcp.send(60 * mss) == ok);
    CHECK(all_are(tcp, ecn::ect_0) == 10);
    tcp.advance(1s);
    tcp.emits(". 1:1001(1000) ack 1"_seg);
    CHECK(tcp.numbers().congestion.window() == mss);
    acks(tcp, 10 * mss, ctl::ece);
    CHECK(tcp.numbers().congestion.window() == mss);
    tcp.emits_nothing();
    const duration rto = tcp.numbers().rto();
    CHECK(tcp.wakes_in(rto));
    tcp.advance(rto - 1ms);
    tcp.emits_nothing();
    tcp.advance(1ms);
    tcp.emits("[ect0] W. 10001:11001(1000) ack 1"_seg);
    acks(tcp, 11 * mss);
    CHECK(all_are(tcp, ecn::ect_0) != 0);
}
TEST_CASE("ECN: at a window of one segment a mark begins the retransmission timer anew",
          "[recovery][RFC 3168 6.1.2][3168-10]") {
    auto tcp = agreed_actively();
    CHECK(tcp.send(60 * mss) == ok);
    CHECK(all_are(tcp, ecn::ect_0) == 10);
    tcp.advance(1s);
    tcp.emits(". 1:1001(1000) ack 1"_seg);
    tcp.advance(500ms);
    acks(tcp, 0, ctl::ece);  // tells of nothing new, but of a mark
    CHECK(tcp.wakes_in(tcp.numbers().rto()));
}
TEST_CASE("ECN: SYN, ACK, FIN, reset and probes are not capable, and without CWR",
          "[recovery][RFC 3168 6.1.1][RFC 3168 6.1.4][RFC 3168 6.1.6][3168-6][3168-12][3168-14]") {
    auto tcp = agreed_actively();  // whose SYN and ACK are compared there
    SECTION("FIN and reset") {
        CHECK(tcp.close() == ok);
        tcp.emits("F. 1:1(0) ack 1"_seg);
        tcp.gets("[ce] . 1:1001(1000) ack 2"_seg);
        tcp.gets("[ect0] . 1001:2001(1000) ack 2"_seg);
        tcp.emits("E. 2:2(0) ack 2001"_seg);
        CHECK(tcp.abort() == ok);
        tcp.emits("R 2:2(0)"_seg);
    }
    SECTION("a probe of the window, though it is new text, and CWR is due") {
        CHECK(tcp.send(60 * mss) == ok);
        CHECK(all_are(tcp, ecn::ect_0) == 10);
        tcp.gets("E. 1:1(0) ack 10001 win 0"_seg);
        tcp.advance(tcp.numbers().rto());
        tcp.emits(". 10001:10002(1) ack 1"_seg);
        tcp.gets(". 1:1(0) ack 10002 win 60000"_seg);
        tcp.emits("[ect0] W. 10002:11002(1000) ack 1"_seg);
        CHECK(all_are(tcp, ecn::ect_0) == 4);
    }
    SECTION("keep-alive") {
        tcp.does("keep-alive", [](auto& c, time_point) { c.set_keep_alive(2h); });
        tcp.advance(2h);
        tcp.emits(". 0:0(0) ack 1"_seg);
    }
}
TEST_CASE("ECN: what was agreed on ends with the connection, and a reopened one agrees anew",
          "[recovery][RFC 3168 6.1.1][3168-16]") {
    auto tcp = agreed_actively();
    CHECK(tcp.close() == ok);
    tcp.emits("F. 1:1(0) ack 1"_seg);
    tcp.gets("[ce] P. 1:101(100) ack 2"_seg);
    CHECK(tcp.numbers().ecn.mode() == ecn_mode::classic);
    tcp.gets("F. 101:101(0) ack 2"_seg);
    tcp.is(time_wait);
    CHECK(tcp.numbers().ecn.mode() == ecn_mode::off);
    tcp.emits(". 2:2(0) ack 102"_seg);
    tcp.gets("S 1000:1000(0) <mss 1000>"_seg);
    tcp.is(syn_received);
    const auto answer = tcp.polls();
    REQUIRE(answer);
    CHECK(answer->segment.ctl == (ctl::syn | ctl::ack));
}

// --- End to end --------------------------------------------------------------------------------------------------

/// Marks what is capable by chance, and loses nothing.
class marking {
public:
    marking(std::uint64_t seed, std::uint32_t chance) : seed_{seed}, chance_{chance} {}
    fate operator()(std::uint32_t number, segment& seg) const {
        const std::uint64_t mix = (seed_ + number) * 0x9e37'79b9'7f4a'7c15U;
        if (seg.ecn != ecn::not_ect && (mix >> 33U) % 100 < chance_) seg.ecn = ecn::ce;
        return {10ms};
    }

private:
    std::uint64_t seed_;
    std::uint32_t chance_;
};

TEST_CASE("ECN: a path that marks slows a transfer down as one that loses, and nothing is sent twice",
          "[recovery][RFC 3168 6.1.2][SHLD-8]") {
    constexpr std::uint32_t octets = 400'000;
    std::size_t crossings[2]{};
    for (const std::uint32_t chance : {0U, 5U}) {
        pair<marking, classic> both{worlds[4], asking, {}, marking{7, chance}};
        CHECK(both.b.open_passive() == ok);
        CHECK(both.a.open_active() == ok);
        CHECK(both.a.send(octets) == ok);
        std::uint32_t read = 0;
        while (both.received_by_b().in_order() < octets && both.step()) {
            const std::uint32_t more = both.received_by_b().in_order() - read;
            if (more != 0) CHECK(both.b.receive(more) == ok);
            read += more;
        }
        CHECK(both.received_by_b().in_order() == octets);
        std::uint64_t sent = 0;
        bool cwr = false;
        for (const crossing& c : both.log()) {
            if (!c.from_a) continue;
            sent += c.segment.text;
            cwr = cwr || (c.segment.text != 0 && c.segment.has(ctl::cwr));
        }
        CHECK(sent == octets);
        CHECK(cwr == (chance != 0));
        const duration took = both.log().back().sent;
        crossings[chance != 0] = static_cast<std::size_t>(took.count());
    }
    CHECK(crossings[1] > crossings[0]);
}

}  // namespace
