// SPDX-License-Identifier: MIT
// fast_open.cpp: the client's half of fast open (RFC 7413).

#include <support/catch.hpp>
#include <support/states.hpp>

#include <tcpfsm/option_codec.hpp>

#include <chrono>
#include <cstdint>
#include <vector>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;
using enum tcpfsm::state;
using enum tcpfsm::answer;

struct fast : policies {
    static constexpr bool fast_open = true;
    static constexpr bool timestamps = false;
};
using client = basic_subject<fast>;
static_assert(!policies::fast_open, "off by default");
static_assert(sizeof(tcb<policies>) < sizeof(tcb<fast>));

constexpr fast_open_cookie eight{{1, 2, 3, 4, 5, 6, 7, 8}, 8};
constexpr parameters server_takes_1460{.default_mss = 1460};

/// SYN-SENT, with the SYN still to be polled.
client opening(const fast_open_cookie& cookie, std::uint32_t text = 0) {
    client tcp{server_takes_1460};
    tcp.does("OPEN, fast", [&](auto& c, time_point now) {
        CHECK(c.open_fast(tcp.given(), cookie, now) == ok);
        if (text != 0) CHECK(c.send(text, now) == ok);
    });
    return tcp;
}

// --- The option's octets -------------------------------------------------------------------------------------

constexpr options parsed(std::vector<std::uint8_t> octets) { return parse_options(octets).value(); }
static_assert(parsed({0x22, 2, 1, 1}).has_fast_open && parsed({0x22, 2, 1, 1}).cookie.size == 0);
static_assert(parsed({0x22, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1}).cookie == eight);

TEST_CASE("Fast open: cookies have 4 to 16 octets, an even number; other options are as if they were not there",
          "[RFC 7413 2][RFC 7413 4.1.1][7413-2]") {
    for (std::uint8_t length = 2; length <= 40; ++length) {
        std::vector<std::uint8_t> octets(length, std::uint8_t{7});
        octets[0] = 0x22;
        octets[1] = length;
        const bool good = length == 2 || (length >= 6 && length <= 18 && length % 2 == 0);
        const auto got = parse_options(octets);
        REQUIRE(got);
        CHECK(got->has_fast_open == good);
        CHECK(got->cookie.size == (good ? length - 2 : 0));
    }
}

TEST_CASE("Fast open: each cookie is written aligned, and read again", "[RFC 7413 4.1.1]") {
    for (unsigned size = 0; size < 256; ++size) {
        segment syn{.ctl = ctl::syn};
        syn.options = {
            .mss = 1460, .has_mss = true, .has_window_scale = true, .sack_permitted = true, .has_timestamps = true};
        syn.options.has_user_timeout = syn.options.has_fast_open = true;
        syn.options.cookie.size = static_cast<std::uint8_t>(size);
        for (auto& octet : syn.options.cookie.octets) octet = static_cast<std::uint8_t>(size + 9);
        std::vector<std::uint8_t> out(options_size(syn));
        CHECK((out.size() % 4 == 0 && out.size() <= max_options_size));
        CHECK(write_options(out, syn) == out.size());
        const auto got = parse_options(out);
        REQUIRE(got);
        CHECK(got->has_fast_open == may_be_cookie(size));
        CHECK(got->cookie.size == (may_be_cookie(size) ? size : 0));
        CHECK(got->has_user_timeout == !(may_be_cookie(size) && size > 14));
    }
}

TEST_CASE("Fast open: the option stands on SYNs alone", "[RFC 7413 2][7413-2]") {
    segment ack{.ctl = ctl::ack};
    ack.options.has_fast_open = true;
    CHECK(options_size(ack) == 0);
    client tcp = opening(eight);
    static_cast<void>(tcp.polls());
    tcp.gets("S. 0:0(0) ack 1 <mss 1460>"_seg);
    tcp.emits(". 1:1(0) ack 1 <>"_seg);
    tcp.gets(". 1:1(0) ack 1 <FO 0a0b0c0d>"_seg);
    CHECK(tcp.conn().fast_open().cookie.size == 0);
}

// --- The client ----------------------------------------------------------------------------------------------

TEST_CASE("Fast open: without a cookie the SYN asks for one, and carries no text", "[RFC 7413 4.1.2][7413-4]") {
    client tcp = opening({}, 100);
    tcp.emits("S 0:0(0) <mss 1460,sackOK,nop,wscale 0,FO>"_seg);
    CHECK(!tcp.conn().fast_open().answered);
    tcp.gets("S. 0:0(0) ack 1 <mss 1460,FO 0102030405060708>"_seg);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    CHECK(tcp.conn().fast_open() == fast_open_report{.answered = true, .cookie = eight});
}

TEST_CASE("Fast open: with the cookie the SYN carries text, and the server takes it", "[RFC 7413 4.2.1]") {
    client tcp = opening(eight, 100);
    tcp.emits("S 0:100(100) <mss 1460,sackOK,nop,wscale 0,FO 0102030405060708>"_seg);
    tcp.is(syn_sent);
    CHECK(tcp.numbers().snd.nxt == tcp.in_world().ours + 101);
    CHECK(tcp.gets("S. 0:0(0) ack 101 <mss 1460>"_seg).acked == 100);
    tcp.emits(". 101:101(0) ack 1"_seg);
    CHECK(tcp.conn().fast_open() == fast_open_report{.answered = true, .taken = true});
}

TEST_CASE("Fast open: if the server acknowledges the SYN alone, the text goes again at once, with the ACK",
          "[RFC 7413 4.2.1]") {
    client tcp = opening(eight, 100);
    tcp.emits("S 0:100(100)"_seg);
    tcp.gets("S. 0:0(0) ack 1 <mss 1460,FO 0a0b0c0d>"_seg);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    CHECK(tcp.conn().fast_open() ==
          fast_open_report{.answered = true, .cookie = fast_open_cookie{{10, 11, 12, 13}, 4}});
}

TEST_CASE("Fast open: a SYN once more has neither text nor cookie", "[RFC 7413 4.2.1][7413-6]") {
    client tcp = opening(eight, 100);
    tcp.emits("S 0:100(100)"_seg);
    tcp.advance(1s);
    tcp.emits("S 0:0(0) <mss 1460,sackOK,nop,wscale 0>"_seg);
    tcp.gets("S. 0:0(0) ack 1 <mss 1460>"_seg);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    CHECK(tcp.conn().fast_open() == fast_open_report{.answered = true, .lost = true});
}

TEST_CASE(
    "Fast open: the SYN carries no more than the MSS that is known, options included, and the window opens as ever",
    "[RFC 7413 4.2.1][7413-8]") {
    client tcp = opening(eight, 20'000);
    const auto syn = tcp.polls();
    REQUIRE(syn);
    CHECK(syn->segment.text + options_size(syn->segment) == 1460);
    CHECK(!tcp.polls());
    const std::uint32_t acked = syn->segment.text;
    tcp.hears(tcp.from_peer(
        {.ack = seq{1 + acked}, .ctl = ctl::syn | ctl::ack, .wnd = 65535, .options = {.mss = 1460, .has_mss = true}}));
    unsigned sent = 0;
    while (tcp.polls()) ++sent;
    CHECK(sent == 10);  // RFC 6928, as after any handshake
}

TEST_CASE("Fast open: only who asks for it by open_fast gets it", "[RFC 7413 4][7413-1]") {
    client tcp{server_takes_1460};
    CHECK(tcp.open_active() == ok);
    tcp.leaves_unpolled();
    CHECK(tcp.send(100) == ok);
    tcp.emits("S 0:0(0) <mss 1460,sackOK,nop,wscale 0>"_seg);
    tcp.gets("S. 0:0(0) ack 1 <mss 1460,FO 0102030405060708>"_seg);
    tcp.emits("P. 1:101(100) ack 1"_seg);
    CHECK(tcp.conn().fast_open() == fast_open_report{});
}

TEST_CASE("Fast open: a listener takes no text before the handshake is done, and hands out no cookies",
          "[RFC 7413 4][7413-1]") {
    client tcp = in(listen, client{});
    CHECK(tcp.gets("S 0:100(100) <mss 1460,FO 0102030405060708>"_seg).in_order == 0);
    tcp.emits("S. 0:0(0) ack 1 <mss 1460>"_seg);
    CHECK(tcp.gets(". 101:101(0) ack 1"_seg).in_order == 100);
    tcp.emits(". 1:1(0) ack 101"_seg);
}

}  // namespace
