// SPDX-License-Identifier: MIT
// accecn.cpp: accurate ECN (RFC 9768): the handshake's tables, the counters of both roles, and what is made of them.

#include <support/network.hpp>
#include <support/pair.hpp>
#include <support/states.hpp>

#include <tcpfsm/congestion/dctcp.hpp>
#include <tcpfsm/ecn.hpp>

#include <array>
#include <chrono>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;
using enum tcpfsm::state;
using enum tcpfsm::answer;
using enum tcpfsm::signal;
using enum tcpfsm::ecn_mode;

constexpr parameters asking{.snd_buff = 1'000'000, .ecn = ecn_wish::ask};
constexpr ecn codepoints[] = {ecn::not_ect, ecn::ect_1, ecn::ect_0, ecn::ce};
constexpr std::uint32_t mss = 1000;

/// NewReno, and what it was told of marks.
struct listening_reno : new_reno {
    std::uint64_t octets = 0;  ///< marked
    std::uint32_t events = 0;
    constexpr void acked(const path& p, std::uint32_t n) noexcept {
        octets += p.marked;
        new_reno::acked(p, n);
    }
    constexpr void marked(const path& p) noexcept {
        ++events;
        new_reno::marked(p);
    }
    friend constexpr bool operator==(const listening_reno&, const listening_reno&) noexcept = default;
};
struct listening : policies {
    using congestion = listening_reno;
};
using tcp_type = basic_subject<listening>;

// --- 3.1: table 2 ------------------------------------------------------------------------------------------------

constexpr ecn_mode answers[8] = {off, accurate, accurate, classic, accurate, accurate, accurate, accurate};
constexpr ecn_mode agreements[8] = {off, classic, accurate, accurate, accurate, accurate, accurate, off};
constexpr bool table_2() {
    for (unsigned ace = 0; ace < 8; ++ace) {
        if (answer_to(ace, accurate) != answers[ace] || agreed(ace, accurate) != agreements[ace]) return false;
    }
    // Whatever the two ends can do, they end up with the same, as if B had been asked for no more than A can do.
    for (const ecn_mode a : {off, classic, accurate}) {
        for (const ecn_mode b : {off, classic, accurate}) {
            const unsigned syn = a == off ? 0 : a == classic ? ask_classic : ask_accurate;
            const ecn_mode at_b = answer_to(syn, b);
            for (const ecn arrived : codepoints) {
                const unsigned answer = at_b == off ? 0 : at_b == classic ? agree_classic : handshake_code(arrived);
                if (agreed(answer, a) != at_b || at_b != std::min(a, b)) return false;
            }
        }
    }
    return true;
}
static_assert(table_2());
static_assert(handshake_code(ecn::not_ect) == 0b010 && handshake_code(ecn::ect_1) == 0b011);
static_assert(handshake_code(ecn::ect_0) == 0b100 && handshake_code(ecn::ce) == 0b110);

/// A SYN, or with ACK a SYN,ACK, with these bits.
segment syn_with(const tcp_type& tcp, unsigned ace, ecn codepoint, control more = {}) {
    segment syn{.ack = seq{1}, .ctl = ctl::syn | more | ace_bits(ace), .wnd = 65535, .ecn = codepoint};
    syn.options.has_mss = true;
    syn.options.mss = mss;
    return tcp.from_peer(syn);
}

TEST_CASE("AccECN: every SYN, with every codepoint, gets the answer of table 2",
          "[recovery][RFC 9768 3.1][9768-1][9768-6][9768-26]") {
    for (unsigned ace = 0; ace < 8; ++ace) {
        for (const ecn codepoint : codepoints) {
            auto tcp = in(listen, tcp_type{});
            tcp.hears(syn_with(tcp, ace, codepoint));
            const auto out = tcp.polls();
            REQUIRE(out);
            const unsigned expected = answers[ace] == off       ? 0
                                      : answers[ace] == classic ? agree_classic
                                                                : handshake_code(codepoint);
            CHECK(ace_of(out->segment.ctl) == expected);
            CHECK(out->segment.ecn == ecn::not_ect);
            CHECK((out->segment.options.accecn.there != 0) == (answers[ace] == accurate));
            CHECK(tcp.numbers().ecn.mode() == answers[ace]);
        }
    }
}
TEST_CASE("AccECN: every SYN,ACK, with every codepoint, leads to the mode of table 2, and to the ACK of table 3",
          "[recovery][RFC 9768 3.1][RFC 9768 3.2.2.1][9768-1][9768-6][9768-26][9768-29]") {
    for (unsigned ace = 0; ace < 8; ++ace) {
        for (const ecn codepoint : codepoints) {
            tcp_type tcp{asking};
            CHECK(tcp.open_active() == ok);
            tcp.emits("SAWE 0:0(0)"_seg);
            CHECK(tcp.numbers().ecn.mode() == off);
            tcp.hears(syn_with(tcp, ace, codepoint, ctl::ack));
            CHECK(tcp.numbers().ecn.mode() == agreements[ace]);
            tcp.leaves_unpolled();
            CHECK(tcp.send(100) == ok);
            // The pure ACK goes before the text.
            if (agreements[ace] == accurate) {
                const auto out = tcp.polls();
                REQUIRE(out);
                CHECK(out->segment.text == 0);
                CHECK(ace_of(out->segment.ctl) == handshake_code(codepoint));
            }
            const auto text = tcp.polls();
            REQUIRE(text);
            CHECK(text->segment.text == 100);
            const unsigned counter = codepoint == ecn::ce ? 6 : 5;
            CHECK(ace_of(text->segment.ctl) == (agreements[ace] == accurate ? counter : 0));
            // Our SYN was not capable. A peer that has seen it otherwise shows that somebody changes codepoints.
            const bool capable = ace == 0b001 || ace == 0b010 || ace == 0b101;
            CHECK(text->segment.ecn == (capable ? ecn::ect_0 : ecn::not_ect));
            CHECK(tcp.numbers().congestion.events == (agreements[ace] == accurate && ace == 0b110 ? 1 : 0));
        }
    }
}
TEST_CASE("AccECN: what the ACK of the SYN,ACK says, by table 4",
          "[recovery][RFC 9768 3.2.2.1][9768-7][9768-10][9768-29]") {
    for (unsigned ace = 0; ace < 8; ++ace) {
        auto tcp = in(listen, tcp_type{asking});
        tcp.gets("SAWE 0:0(0) <mss 1000>"_seg);
        tcp.emits("SW. 0:0(0) ack 1"_seg);
        tcp.hears(tcp.from_peer({.seq = seq{1}, .ack = seq{1}, .ctl = ctl::ack | ace_bits(ace), .wnd = 65535}));
        tcp.is(established);
        CHECK(tcp.numbers().congestion.events == (ace == 0b110 ? 1 : 0));
        CHECK(tcp.send(mss) == ok);
        const auto text = tcp.polls();
        REQUIRE(text);
        const bool capable = ace == 0b001 || ace == 0b010 || ace == 0b101 || ace == 0b111;
        CHECK(text->segment.ecn == (capable ? ecn::ect_0 : ecn::not_ect));
        CHECK(ace_of(text->segment.ctl) == 5);  // we go on counting for the peer
        // The peer counts from 5, or from 6; a further mark is one mark.
        const unsigned begin = ace == 0b110 ? 6 : 5;
        tcp.hears(
            tcp.from_peer({.seq = seq{1}, .ack = seq{1 + mss}, .ctl = ctl::ack | ace_bits(begin + 1), .wnd = 65535}));
        CHECK(tcp.numbers().congestion.octets == (ace == 0 ? 0U : mss));
    }
}
TEST_CASE("AccECN: text that comes instead of the pure ACK has the counter", "[recovery][RFC 9768 3.2.2.1][9768-7]") {
    auto tcp = in(listen, tcp_type{asking});
    tcp.gets("SAWE 0:0(0) <mss 1000>"_seg);
    tcp.emits("SW. 0:0(0) ack 1"_seg);
    tcp.gets("[ect0] PAWE. 1:101(100) ack 1"_seg);  // 7: two marks by now, which no code would say
    CHECK(tcp.numbers().congestion.events == 1);
    CHECK(tcp.send(100) == ok);
    tcp.emits("[ect0] PAE. 1:101(100) ack 101 <ECN e0b 101>"_seg);
}

// --- 3.1.4, 3.1.5: more than one SYN or SYN,ACK ------------------------------------------------------------------

TEST_CASE("AccECN: the SYN asks twice, and then no more; the first SYN,ACK decides",
          "[recovery][RFC 9768 3.1.4.1][9768-2][9768-4]") {
    tcp_type tcp{asking};
    CHECK(tcp.open_active() == ok);
    tcp.emits("SAWE 0:0(0)"_seg);
    tcp.advance(1s);
    tcp.emits("SAWE 0:0(0)"_seg);
    tcp.advance(2s);
    tcp.emits("S 0:0(0)"_seg);
    tcp.advance(4s);
    tcp.emits("S 0:0(0)"_seg);
    SECTION("it agrees: all as if nothing was lost") {
        tcp.gets("SW. 0:0(0) ack 1 <mss 1000>"_seg);
        tcp.emits("W. 1:1(0) ack 1 <ECN e0b 1 ceb 0 e1b 1>"_seg);
        CHECK(tcp.send(100) == ok);
        tcp.emits("[ect0] PAE. 1:101(100) ack 1 <ECN e0b 1 ceb 0 e1b 1>"_seg);
        tcp.gets("S. 0:0(0) ack 1 <mss 1000>"_seg);  // the answer to a later SYN
        tcp.emits("AE. 101:101(0) ack 1"_seg);
        CHECK(tcp.numbers().ecn.mode() == accurate);
    }
    SECTION("it agrees to classic ECN: a SYN without was sent, so nothing is capable") {
        tcp.gets("SE. 0:0(0) ack 1 <mss 1000>"_seg);
        tcp.emits(". 1:1(0) ack 1"_seg);
        CHECK(tcp.send(100) == ok);
        tcp.emits("P. 1:101(100) ack 1"_seg);
    }
    SECTION("it does not agree") {
        tcp.gets("S. 0:0(0) ack 1 <mss 1000>"_seg);
        tcp.emits(". 1:1(0) ack 1"_seg);
        tcp.gets("SW. 0:0(0) ack 1 <mss 1000>"_seg);
        tcp.emits(". 1:1(0) ack 1"_seg);
        CHECK(tcp.numbers().ecn.mode() == off);
    }
}
TEST_CASE("AccECN: the SYN,ACK goes again without the option, then without agreeing; the mode stays",
          "[recovery][RFC 9768 3.1.4.2][RFC 9768 3.2.3.2.2][9768-5][9768-8][9768-10][9768-20]") {
    auto tcp = in(listen, tcp_type{});
    tcp.gets("SAWE 0:0(0) <mss 1000>"_seg);
    tcp.emits("SW. 0:0(0) ack 1 <mss 1460,ECN e0b 1 ceb 0 e1b 1>"_seg);
    tcp.advance(1s);
    tcp.emits("SW. 0:0(0) ack 1 <mss 1460>"_seg);
    tcp.advance(2s);
    tcp.emits("S. 0:0(0) ack 1 <mss 1460>"_seg);
    tcp.gets("W. 1:1(0) ack 1"_seg);
    tcp.is(established);
    // It still counts for the peer, without options, but sends nothing as capable.
    tcp.gets("[ce] PAE. 1:101(100) ack 1"_seg);
    tcp.emits("AW. 1:1(0) ack 101 <>"_seg);
    CHECK(tcp.send(100) == ok);
    tcp.emits("PAW. 1:101(100) ack 101"_seg);
}
TEST_CASE("AccECN: a SYN that comes again is answered for its own codepoint, and without the option",
          "[recovery][RFC 9768 3.1.5][9768-2][9768-6][9768-8][9768-20]") {
    auto tcp = in(listen, tcp_type{});
    tcp.gets("SAWE 0:0(0) <mss 1000>"_seg);
    tcp.emits("SW. 0:0(0) ack 1"_seg);
    SECTION("it asks, too") {
        tcp.gets("[ce] SAWE 0:0(0) <mss 1000>"_seg);
        tcp.emits("SAW. 0:0(0) ack 1 <mss 1460>"_seg);
        tcp.gets("W. 1:1(0) ack 1"_seg);
        CHECK(tcp.send(100) == ok);
        tcp.emits("[ect0] PAE. 1:101(100) ack 1"_seg);  // 5: a mark on a SYN is no mark of the counter
    }
    SECTION("it asks no more: the answer is as before, but nothing is sent as capable") {
        tcp.gets("S 0:0(0) <mss 1000>"_seg);
        tcp.emits("SW. 0:0(0) ack 1 <mss 1460>"_seg);
        tcp.gets("W. 1:1(0) ack 1"_seg);
        CHECK(tcp.send(100) == ok);
        tcp.emits("PAE. 1:101(100) ack 1"_seg);
    }
}
TEST_CASE("AccECN: a listener that was asked for nothing stays at that", "[recovery][RFC 9768 3.1.5][9768-2]") {
    auto tcp = in(listen, tcp_type{});
    tcp.gets("S 0:0(0) <mss 1000>"_seg);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    for (const script& syn : {"SAWE 0:0(0) <mss 1000>"_seg, "SWE 0:0(0) <mss 1000>"_seg}) {
        tcp.gets(syn);
        tcp.emits("S. 0:0(0) ack 1"_seg);
    }
}
TEST_CASE("AccECN: a peer that asks for both kinds in one handshake is reset", "[recovery][RFC 9768 3.1.5][9768-3]") {
    const script kinds[] = {"SAWE 0:0(0) <mss 1000>"_seg, "SWE 0:0(0) <mss 1000>"_seg};
    for (const int first : {0, 1}) {
        auto tcp = in(listen, tcp_type{});
        tcp.gets(kinds[first]);
        CHECK(tcp.polls());
        tcp.gets(kinds[1 - first]);
        CHECK(tcp.judged() == event::rcv_syn_fatal);
        tcp.emits("R. 0:0(0) ack 1"_seg);
        tcp.is(closed);
    }
}
TEST_CASE("AccECN: a SYN,ACK that comes again is acknowledged for its own codepoint, and counts one mark at most",
          "[recovery][RFC 9768 3.2.2.1][RFC 9768 3.2.2.2][9768-6][9768-11]") {
    tcp_type tcp{asking};
    CHECK(tcp.open_active() == ok);
    tcp.emits("SAWE 0:0(0)"_seg);
    tcp.gets("SW. 0:0(0) ack 1 <mss 1000>"_seg);
    tcp.emits("W. 1:1(0) ack 1"_seg);
    for (int i = 0; i < 2; ++i) {
        tcp.gets("[ce] SW. 0:0(0) ack 1 <mss 1000>"_seg);
        tcp.emits("AW. 1:1(0) ack 1"_seg);
    }
    tcp.gets("SW. 0:0(0) ack 1 <mss 1000>"_seg);
    tcp.emits("W. 1:1(0) ack 1"_seg);
    CHECK(tcp.send(100) == ok);
    tcp.emits("[ect0] PAW. 1:101(100) ack 1"_seg);  // 6
}
TEST_CASE("AccECN: simultaneous open, as if each had listened", "[recovery][RFC 9768 3.1.2][9768-27][9768-1]") {
    tcp_type tcp{asking};
    CHECK(tcp.open_active() == ok);
    tcp.emits("SAWE 0:0(0)"_seg);
    SECTION("both ask") {
        tcp.gets("[ect0] SAWE 0:0(0) <mss 1000>"_seg);
        tcp.emits("SA. 0:0(0) ack 1"_seg);
        tcp.gets("[ce] SW. 0:0(0) ack 1 <mss 1000>"_seg);
        tcp.is(established);
        CHECK(tcp.send(100) == ok);
        tcp.emits("[ect0] PAW. 1:101(100) ack 1"_seg);
    }
    SECTION("the peer asks for classic ECN") {
        tcp.gets("SWE 0:0(0) <mss 1000>"_seg);
        tcp.emits("SE. 0:0(0) ack 1"_seg);
        tcp.gets("SE. 0:0(0) ack 1 <mss 1000>"_seg);
        CHECK(tcp.send(100) == ok);
        tcp.emits("[ect0] P. 1:101(100) ack 1"_seg);
    }
    SECTION("the peer asks for nothing") {
        tcp.gets("S 0:0(0) <mss 1000>"_seg);
        tcp.emits("S. 0:0(0) ack 1"_seg);
    }
    SECTION("the peer's SYN,ACK does not agree: nothing is sent as capable") {
        tcp.gets("SAWE 0:0(0) <mss 1000>"_seg);
        tcp.emits("SW. 0:0(0) ack 1"_seg);
        tcp.gets("S. 0:0(0) ack 1 <mss 1000>"_seg);
        CHECK(tcp.send(100) == ok);
        tcp.emits("PAE. 1:101(100) ack 1"_seg);
    }
}

// --- 3.2: the data receiver --------------------------------------------------------------------------------------

/// ESTABLISHED after a passive OPEN, with these options in the peer's SYN.
tcp_type receiver(const script& syn = "SAWE 0:0(0) <mss 1000>"_seg, where w = where::here()) {
    auto tcp = in(listen, tcp_type{asking}, opened::actively, w);
    tcp.gets(syn, w);
    tcp.emits("SW. 0:0(0) ack 1"_seg, w);
    segment ack{.seq = seq{1}, .ack = seq{1}, .ctl = ctl::ack | ctl::cwr, .wnd = 65535};
    ack.options.has_timestamps = syn.seg.options.has_timestamps;
    ack.options.ts_val = ack.options.ts_ecr = 1000;
    tcp.hears(tcp.from_peer(ack), w);
    hear_all(tcp);
    return tcp;
}

TEST_CASE("AccECN: a first mark is acknowledged at once, then every second; each ACK has the counters of now",
          "[recovery][RFC 9768 3.2][RFC 9768 3.2.2.5.1][9768-11][9768-12][9768-14][9768-15][9768-24]") {
    auto tcp = receiver();
    tcp.gets("[ect0] AE. 1:101(100) ack 1"_seg);
    tcp.emits_nothing();
    tcp.gets("[ce] AE. 101:201(100) ack 1"_seg);
    tcp.emits("AW. 1:1(0) ack 201 <ECN e0b 101 ceb 100>"_seg);
    tcp.gets("[ce] AE. 201:301(100) ack 1"_seg);
    tcp.emits_nothing();
    tcp.gets("[ce] AE. 301:401(100) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 401 <ECN e0b 101 ceb 300>"_seg);  // 5 + 3 is 0 in three bits
    tcp.gets("[ect1] AE. 401:501(100) ack 1"_seg);
    tcp.emits_nothing();
    tcp.gets("[ce] AE. 501:601(100) ack 1"_seg);
    tcp.emits("E. 1:1(0) ack 601 <ECN e0b 101 ceb 400 e1b 101>"_seg);
    tcp.gets("AE. 601:701(100) ack 1"_seg);
    tcp.advance(40ms);
    tcp.emits("E. 1:1(0) ack 701 <>"_seg);  // no counter has changed
    CHECK(tcp.send(100) == ok);
    tcp.emits("[ect0] PE. 1:101(100) ack 701 <>"_seg);
}
TEST_CASE("AccECN: marks on ACKs count, and every third is acknowledged, without SACK blocks",
          "[recovery][RFC 9768 3.2.2.5.1][9768-11][9768-15][9768-16]") {
    auto tcp = receiver("SAWE 0:0(0) <mss 1000,sackOK>"_seg);
    tcp.gets("[ect0] AE. 101:201(100) ack 1"_seg);
    tcp.emits("AE. 1:1(0) ack 1 <sack 101:201,ECN e0b 101>"_seg);
    tcp.gets("[ce] AE. 1:1(0) ack 1"_seg);
    tcp.gets("[ce] AE. 1:1(0) ack 1"_seg);
    tcp.emits_nothing();
    tcp.gets("[ce] AE. 1:1(0) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 1 <>"_seg);
    tcp.gets("[ce] AE. 201:301(100) ack 1"_seg);  // text beyond the gap: an ordinary duplicate ACK
    tcp.emits("E. 1:1(0) ack 1 <sack 101:301,ECN e0b 101 ceb 100>"_seg);
}
TEST_CASE("AccECN: what is not acceptable is not counted", "[recovery][RFC 9768 3.2][9768-11]") {
    auto tcp = receiver();
    tcp.gets("[ect0] AE. 1:101(100) ack 1"_seg);
    tcp.advance(40ms);
    tcp.emits("AE. 1:1(0) ack 101 <ECN e0b 101>"_seg);
    tcp.gets("[ce] AE. 1:101(100) ack 1"_seg);
    tcp.emits("AE. 1:1(0) ack 101 <>"_seg);
    tcp.gets("[ce] AE. 101:201(100) ack 70000"_seg);
    tcp.emits("AE. 1:1(0) ack 101 <>"_seg);
}
TEST_CASE("AccECN: two SACK blocks come before the option, a third and what has not changed give way",
          "[recovery][RFC 9768 3.2.3.3][9768-23][9768-24]") {
    auto tcp = receiver("SAWE 0:0(0) <mss 1000,sackOK,TS val 1000 ecr 0>"_seg);
    const auto early = [&](ecn codepoint, std::uint32_t from) {
        segment seg{.seq = seq{from},
                    .ack = seq{1},
                    .text = 100,
                    .ctl = ctl::ack | ace_bits(5),
                    .wnd = 65535,
                    .ecn = codepoint};
        seg.options.has_timestamps = true;
        seg.options.ts_val = seg.options.ts_ecr = 1000;
        tcp.hears(tcp.from_peer(seg));
        const auto out = tcp.polls();
        REQUIRE(out);
        segment sent = tcp.relative(out->segment, true);
        sent.options = sent_options(sent);
        CHECK(options_size(sent) <= max_options_size);
        return sent.options;
    };
    auto opt = early(ecn::ect_0, 1001);
    CHECK((opt.sack_count == 1 && opt.accecn.fields == 1 && opt.accecn.e0b == 101));
    opt = early(ecn::ce, 2001);
    CHECK((opt.sack_count == 2 && opt.accecn.fields == 2 && opt.accecn.ceb == 100));
    opt = early(ecn::ect_0, 3001);
    CHECK((opt.sack_count == 2 && opt.accecn.fields == 2 && opt.accecn.e0b == 201));
    // All three counters would take twelve octets; the one that has changed takes eight.
    opt = early(ecn::ect_1, 4001);
    CHECK((opt.sack_count == 2 && opt.accecn.order == 1 && opt.accecn.fields == 1 && opt.accecn.e1b == 101));
    opt = early(ecn::not_ect, 5001);
    CHECK((opt.sack_count == 3 && opt.accecn.there == 0));
}
TEST_CASE("AccECN: SACK blocks and D-SACK go with it", "[recovery][RFC 9768 3.1.1][9768-28]") {
    auto tcp = receiver("SAWE 0:0(0) <mss 1000,sackOK>"_seg);
    tcp.gets("[ect0] AE. 1:101(100) ack 1"_seg);
    tcp.advance(40ms);
    tcp.emits("AE. 1:1(0) ack 101"_seg);
    tcp.gets("AE. 1:101(100) ack 1"_seg);
    tcp.emits("AE. 1:1(0) ack 101 <sack 1:101>"_seg);
}
TEST_CASE("AccECN: options on the SYN are not looked at, those of the handshake are sent",
          "[recovery][RFC 9768 3.2.3.2.1][9768-18][9768-19][9768-20]") {
    auto tcp = in(listen, tcp_type{asking});
    tcp.gets("SAWE 0:0(0) <mss 1000,ECN e0b 0 ceb 7 e1b 0>"_seg);
    tcp.emits("SW. 0:0(0) ack 1 <mss 1460,ECN e0b 1 ceb 0 e1b 1>"_seg);
    tcp.gets("W. 1:1(0) ack 1 <ECN e0b 1 ceb 0 e1b 1>"_seg);
    CHECK(tcp.send(1000) == ok);
    tcp.emits("[ect0] PAE. 1:1001(1000) ack 1"_seg);
    tcp.gets("AW. 1:1(0) ack 1001 <ECN e0b 1 ceb 400>"_seg);
    CHECK(tcp.numbers().congestion.octets == 400);

    tcp_type client{asking};
    CHECK(client.open_active() == ok);
    const auto syn = client.emits("SAWE 0:0(0)"_seg);
    CHECK(syn.segment.options.accecn.there == 0);
    client.gets("SW. 0:0(0) ack 1 <mss 1000>"_seg);
    client.emits("W. 1:1(0) ack 1 <ECN e0b 1 ceb 0 e1b 1>"_seg);
    CHECK(client.send(200) == ok);
    client.emits("[ect0] PAE. 1:201(200) ack 1 <ECN e0b 1 ceb 0 e1b 1>"_seg);
    SECTION("the first text is acknowledged") {
        client.gets("AE. 1:1(0) ack 201"_seg);
        CHECK(client.send(100) == ok);
        client.emits("[ect0] PAE. 201:301(100) ack 1 <>"_seg);
    }
    SECTION("it is lost: no options any more") {
        client.advance(1s);
        client.emits("PAE. 1:201(200) ack 1 <>"_seg);
        client.gets("[ce] AE. 1:101(100) ack 201"_seg);
        client.emits("AW. 201:201(0) ack 101 <>"_seg);
    }
}

// --- 3.2.2.5.2: the data sender ----------------------------------------------------------------------------------

/// Up to seven marks at once are told exactly, from wherever the counter stands. When more packets than that are
/// acknowledged, the safest case is never below what was, is possible, and agrees with the three bits.
constexpr bool decodes_every_wrap() {
    for (std::uint32_t known = 0; known < 16; ++known) {
        for (std::uint32_t packets = 0; packets <= 40; ++packets) {
            for (std::uint32_t marked = 0; marked <= packets; ++marked) {
                const std::uint32_t least = ace_growth((known + marked) & 7U, known);
                const std::uint32_t most = safest_growth(least, packets);
                if (packets < 8 && most != marked) return false;
                if (most < marked || most > packets || (most - marked) % 8 != 0) return false;
                // The octets tell which of the possible cases it was.
                for (const std::uint32_t size : {1U, 500U, 1000U}) {
                    const std::uint32_t likely = growth_for(least, marked * size, 1000);
                    if ((likely - marked) % 8 != 0 || likely > marked) return false;
                    if (size == 1000 && likely != marked) return false;
                }
            }
        }
    }
    return true;
}
static_assert(decodes_every_wrap());

/// ESTABLISHED after a passive OPEN, with `n` segments to send.
tcp_type sender(std::uint32_t n, where w = where::here()) {
    auto tcp = receiver("SAWE 0:0(0) <mss 1000>"_seg, w);
    if (n != 0) CHECK(tcp.send(n * mss, w) == ok);
    return tcp;
}
unsigned all_are(tcp_type& tcp, ecn codepoint) {
    unsigned n = 0;
    for (; const auto out = tcp.polls(); ++n) CHECK(out->segment.ecn == codepoint);
    return n;
}
/// The peer acknowledges `n` octets, and has counted so many marks, and so many marked octets if it says so.
void acks(tcp_type& tcp, std::uint32_t n, std::uint32_t cep, std::optional<std::uint32_t> ceb = {},
          where w = where::here()) {
    segment ack{.seq = seq{1}, .ack = seq{1 + n}, .ctl = ctl::ack | ace_bits(5 + cep), .wnd = 65535};
    if (ceb) {
        ack.options.accecn.there = 1;
        ack.options.accecn.fields = 2;
        ack.options.accecn.e0b = 1;
        ack.options.accecn.ceb = *ceb & 0xffffffU;
    }
    tcp.leaves_unpolled();
    tcp.hears(tcp.from_peer(ack), w);
}

TEST_CASE("AccECN: marks reduce the window once in a window, and CWR is not sent",
          "[recovery][RFC 9768 3.1.5][RFC 3168 6.1.2][9768-9][SHLD-8]") {
    auto tcp = sender(60);
    CHECK(all_are(tcp, ecn::ect_0) == 10);
    acks(tcp, 1 * mss, 1);
    CHECK(tcp.numbers().congestion.window() == 5 * mss);
    acks(tcp, 2 * mss, 2);
    acks(tcp, 5 * mss, 2);
    CHECK(tcp.numbers().congestion.events == 1);
    CHECK(tcp.numbers().congestion.octets == 2 * mss);
    acks(tcp, 6 * mss, 2);
    for (unsigned n = 0; const auto out = tcp.polls(); ++n) {
        CHECK(ace_of(out->segment.ctl) == 5);
        CHECK(n < 3);
    }
    acks(tcp, 11 * mss, 3);
    CHECK(tcp.numbers().congestion.events == 2);
}
TEST_CASE("AccECN: without the option, marks are packets; with it, octets, and none is counted twice",
          "[recovery][RFC 9768 3.2.3.1][9768-13][9768-17]") {
    auto tcp = sender(60);
    CHECK(all_are(tcp, ecn::ect_0) == 10);
    acks(tcp, 4 * mss, 2);
    CHECK(tcp.numbers().congestion.octets == 2 * mss);
    acks(tcp, 6 * mss, 3, 2 * mss + 300);  // of which 2000 are known
    CHECK(tcp.numbers().congestion.octets == 2 * mss + 300);
    acks(tcp, 7 * mss, 3, 2 * mss + 300);
    CHECK(tcp.numbers().congestion.octets == 2 * mss + 300);
}
TEST_CASE("AccECN: an ACK of many packets: the counter stands still, wraps, or has wrapped as the option says",
          "[recovery][RFC 9768 3.2.2.5.2][9768-13]") {
    SECTION("it stands still in a window without marks: there were none") {
        auto tcp = sender(60);
        CHECK(all_are(tcp, ecn::ect_0) == 10);
        acks(tcp, 10 * mss, 0);
        CHECK(tcp.numbers().congestion.events == 0);
    }
    SECTION("it has moved: as much as may be") {
        auto tcp = sender(60);
        CHECK(all_are(tcp, ecn::ect_0) == 10);
        acks(tcp, 10 * mss, 1);
        CHECK(tcp.numbers().congestion.octets == 9 * mss);
        acks(tcp, 10 * mss, 1);
        CHECK(tcp.numbers().congestion.events == 1);
    }
    SECTION("the option knows better") {
        for (const std::uint32_t marks : {1U, 9U}) {
            auto tcp = sender(60);
            CHECK(all_are(tcp, ecn::ect_0) == 10);
            acks(tcp, 10 * mss, marks, marks * mss);
            CHECK(tcp.numbers().congestion.octets == marks * mss);
        }
    }
}
TEST_CASE("AccECN: an ACK that may be older than the last tells nothing", "[recovery][RFC 9768 3.2.2.2][9768-25]") {
    auto tcp = sender(60);
    CHECK(all_are(tcp, ecn::ect_0) == 10);
    acks(tcp, 4 * mss, 2);
    CHECK(tcp.numbers().congestion.octets == 2 * mss);
    acks(tcp, 2 * mss, 1);
    acks(tcp, 4 * mss, 1);
    acks(tcp, 5 * mss, 2);
    CHECK(tcp.numbers().congestion.octets == 2 * mss);
    CHECK(tcp.numbers().congestion.events == 1);
}
TEST_CASE("AccECN: a counter that is zero at first was cleared by somebody: nothing is sent as capable",
          "[recovery][RFC 9768 3.2.2.4][9768-21]") {
    auto tcp = sender(60);
    CHECK(all_are(tcp, ecn::ect_0) == 10);
    acks(tcp, 2 * mss, 3);  // 5 + 3 is 0
    CHECK(tcp.numbers().congestion.events == 0);
    CHECK(all_are(tcp, ecn::not_ect) > 0);
    // Not so later.
    auto other = sender(60);
    CHECK(all_are(other, ecn::ect_0) == 10);
    acks(other, 2 * mss, 0);
    CHECK(all_are(other, ecn::ect_0) > 0);
    acks(other, 4 * mss, 3);
    CHECK(other.numbers().congestion.events == 1);
}
TEST_CASE("AccECN: an option whose counters are zero at first is not believed, then or later",
          "[recovery][RFC 9768 3.2.3.2.4][9768-21]") {
    for (const bool cleared : {false, true}) {
        auto tcp = sender(60);
        CHECK(all_are(tcp, ecn::ect_0) == 10);
        segment ack{.seq = seq{1}, .ack = seq{1 + mss}, .ctl = ctl::ack | ace_bits(5), .wnd = 65535};
        ack.options.accecn.there = 1;
        ack.options.accecn.fields = 1;
        ack.options.accecn.e0b = cleared ? 0U : 1U;
        tcp.hears(tcp.from_peer(ack));
        CHECK(all_are(tcp, ecn::ect_0) > 0);
        acks(tcp, 2 * mss, 1, 10);
        CHECK(tcp.numbers().congestion.octets == (cleared ? mss : 10));
    }
}
TEST_CASE("AccECN: marked octets without a marked packet are somebody's invention: nothing is sent as capable",
          "[recovery][RFC 9768 3.2.3.2.5][9768-22]") {
    auto tcp = sender(60);
    CHECK(all_are(tcp, ecn::ect_0) == 10);
    acks(tcp, 1 * mss, 1);
    acks(tcp, 2 * mss, 1, 600);  // the packet was told by the ACK before
    acks(tcp, 6 * mss, 1, 600);
    CHECK(all_are(tcp, ecn::ect_0) > 0);
    acks(tcp, 7 * mss, 1, 1200);
    CHECK(all_are(tcp, ecn::not_ect) > 0);
}
TEST_CASE("AccECN: octet counters are followed across 2^24", "[recovery][RFC 9768 3.2.3.1][9768-17]") {
    accurate_receiver theirs;
    accurate_sender ours;
    dice chance{5};
    std::uint64_t told = 0;
    std::uint64_t marked = 0;
    for (int ack = 0; ack < 80'000; ++ack) {
        for (std::uint32_t i = chance.below(4); i != 0; --i) {
            segment data{.text = 1 + chance.below(1460), .ecn = codepoints[chance.below(4)]};
            if (data.ecn == ecn::ce) marked += data.text;
            static_cast<void>(theirs.take(data, true));
        }
        segment seg{.ctl = ctl::ack | ace_bits(theirs.ace())};
        seg.options.accecn = theirs.option(seg, false);
        theirs.told(seg.options.accecn);
        told += ours.take(sent_options(seg).accecn.there != 0 ? seg : segment{.ctl = seg.ctl}, 3 * 1460, 1460,
                          1'000'000, true)
                    .octets;
    }
    CHECK(marked > 1U << 24U);
    CHECK(told == marked);
}
TEST_CASE("AccECN: in TIME-WAIT nothing is left of it", "[recovery][RFC 9768 3.1.2][3168-16]") {
    auto tcp = sender(0);
    CHECK(tcp.close() == ok);
    tcp.emits("FAE. 1:1(0) ack 1"_seg);
    tcp.gets("FAE. 1:1(0) ack 2"_seg);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.gets("S 100:100(0) <mss 1000>"_seg);
    const auto answer = tcp.polls();
    REQUIRE(answer);
    CHECK(ace_of(answer->segment.ctl) == 0);
}

// --- End to end --------------------------------------------------------------------------------------------------

/// Marks what is capable, loses, and may clear bits or options, by chance.
struct path_between {
    dice chance;
    std::uint32_t marks = 0;
    std::uint32_t loses = 0;
    bool strips = false;
    std::uint64_t* octets = nullptr;  ///< of text that were marked, and were not lost
    fate operator()(std::uint32_t, segment& seg) {
        if (strips) seg.options.accecn = {};
        if (chance.percent(loses)) return {};
        if (seg.ecn != ecn::not_ect && chance.percent(marks)) {
            seg.ecn = ecn::ce;
            *octets += seg.text;
        }
        return {10ms};
    }
};

/// A bottleneck of ten megabit a second, both ways ten milliseconds long, that marks what finds more than so much
/// waiting.
struct bottleneck {
    duration marks_above;
    std::uint64_t* marks = nullptr;
    time_point free{};  ///< when all that waits is gone
    fate operator()(std::uint32_t, segment& seg, time_point now) {
        if (seg.text == 0) return {10ms};
        if (seg.ecn != ecn::not_ect && free > now + marks_above) {
            seg.ecn = ecn::ce;
            ++*marks;
        }
        free = std::max(free, now) + 1200us;
        return {free - now + 10ms};
    }
};
template <class Control, ecn_mode Mode>
struct with : policies {
    using congestion = Control;
    static constexpr ecn_mode ecn = Mode;
};
/// How long a megabyte takes.
template <class P>
duration megabyte(duration marks_above) {
    constexpr std::uint32_t octets = 1'000'000;
    parameters large = asking;
    large.snd_buff = large.rcv_buff = 2 * octets;
    std::uint64_t marks = 0;
    pair<bottleneck, P> both{worlds[4], large, large, bottleneck{marks_above, &marks}};
    CHECK(both.b.open_passive() == ok);
    CHECK(both.a.open_active() == ok);
    CHECK(both.a.send(octets) == ok);
    while (both.received_by_b().in_order() < octets && both.step()) {
    }
    CHECK(both.a.numbers().ecn.mode() == P::ecn);
    CHECK(marks != 0);
    std::uint64_t sent = 0;
    for (const crossing& c : both.log()) sent += c.from_a ? c.segment.text : 0;
    CHECK(sent == octets);
    return both.a.now() - worlds[4].begin;
}

TEST_CASE("AccECN: a queue that marks keeps a sender from filling it; DCTCP gives up less than NewReno",
          "[recovery][RFC 3168 6.1.2][RFC 8257][SHLD-8]") {
    // The path holds some seventeen segments.
    const duration reno_classic = megabyte<with<new_reno, classic>>(5ms);
    const duration reno = megabyte<with<new_reno, accurate>>(5ms);
    const duration dctcp_classic = megabyte<with<dctcp, classic>>(5ms);
    const duration exact = megabyte<with<dctcp, accurate>>(5ms);
    INFO(fmt::format("us: NewReno {} classic, {} accurate; DCTCP {} classic, {} accurate", reno_classic.count(),
                     reno.count(), dctcp_classic.count(), exact.count()));
    constexpr duration at_least = 690 * 1200us;
    CHECK(exact >= at_least);
    CHECK(exact < at_least * 13 / 10);
    CHECK(exact < reno);
    CHECK(std::max(reno, reno_classic) < at_least * 3 / 2);
    CHECK(exact < dctcp_classic);
}

TEST_CASE("AccECN: every marked octet is told, whatever is lost on the way",
          "[recovery][RFC 9768 3.2][9768-11][9768-13][9768-17]") {
    constexpr std::uint32_t octets = 300'000;
    struct weather {
        std::uint32_t marks, loses;
        bool strips;
    };
    for (const weather w : {weather{0, 0, false}, weather{10, 0, false}, weather{10, 0, true}, weather{10, 3, false},
                            weather{100, 0, false}}) {
        std::uint64_t marked = 0;
        pair<path_between, listening> both{
            worlds[4], asking, {}, path_between{dice{w.marks + w.loses}, w.marks, w.loses, w.strips, &marked}};
        CHECK(both.b.open_passive() == ok);
        CHECK(both.a.open_active() == ok);
        CHECK(both.a.send(octets) == ok);
        std::uint32_t read = 0;
        while (both.received_by_b().in_order() < octets && both.step()) {
            const std::uint32_t more = both.received_by_b().in_order() - read;
            if (more != 0) CHECK(both.b.receive(more) == ok);
            read += more;
        }
        CHECK(both.drive_until_quiet());
        const auto& told = both.a.numbers().congestion;
        INFO(fmt::format("{} % marked, {} % lost: {} octets marked, {} told", w.marks, w.loses, marked, told.octets));
        CHECK((told.events != 0) == (w.marks != 0));
        // Text that is told of while it waits behind a loss is told by an ACK that acknowledges nothing.
        CHECK(told.octets <= marked + (w.strips ? marked / 64 : 0));  // by packets, each taken for a full one
        if (w.loses == 0) CHECK(told.octets >= marked);
    }
}

}  // namespace
