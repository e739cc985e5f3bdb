// SPDX-License-Identifier: MIT
// user_timeout.cpp: the user timeout option (RFC 5482).

#include <support/catch.hpp>
#include <support/states.hpp>

#include <tcpfsm/option_codec.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;
using enum tcpfsm::state;
using enum tcpfsm::signal;

struct speaking : policies {
    static constexpr bool user_timeout_option = true;
    static constexpr user_timeout_limits user_timeouts{100s, 600s};
};
using speaker = basic_subject<speaking>;
static_assert(sizeof(tcb<policies>) < sizeof(tcb<speaking>));

constexpr parameters saying(duration adv) { return {.user_timeout = adv, .user_timeout_option = true}; }

/// ESTABLISHED; the peer's SYN had this option, if it is not 0.
speaker heard(std::uint16_t field, const parameters& p = saying(300s)) {
    speaker tcp = in(listen, speaker{p});
    segment syn{.ctl = ctl::syn, .wnd = 65535};
    syn.options.has_mss = true;
    syn.options.mss = 1460;
    syn.options.has_user_timeout = field != 0;
    syn.options.user_timeout = field;
    tcp.hears(tcp.from_peer(syn));
    static_cast<void>(tcp.polls());
    tcp.gets(". 1:1(0) ack 1"_seg);
    tcp.tells(tell_open);
    return tcp;
}
duration waits(const speaker& tcp) { return tcp.numbers().given.user_timeout; }

// --- The option's octets -------------------------------------------------------------------------------------

constexpr options parsed(std::vector<std::uint8_t> octets) { return parse_options(octets).value(); }
constexpr std::uint16_t field_of(std::uint8_t high, std::uint8_t low) {
    return parsed({0x1c, 0x04, high, low}).user_timeout;
}
static_assert(user_timeout_of(field_of(0x01, 0x2c)) == 300s);
static_assert(user_timeout_of(field_of(0x80, 0x05)) == 5min);
static_assert(parsed({0x1c, 0x04, 0, 0}).has_user_timeout && user_timeout_of(field_of(0, 0)) == 0s);
static_assert(!parsed({0x1c, 0x03, 0x01}).has_user_timeout && !parsed({0x1c, 0x05, 0, 1, 1}).has_user_timeout);

static_assert(user_timeout_field(300s) == 300 && user_timeout_field(300s + 1us) == 301);
static_assert(user_timeout_field(0s) == 1 && user_timeout_field(-5s) == 1, "zero is never sent");
static_assert(user_timeout_field(32767s) == 0x7fff && user_timeout_field(32768s) == (0x8000 | 547));
static_assert(user_timeout_field(forever) == 0xffff);

TEST_CASE("User timeout option: its octets, in seconds and in minutes", "[RFC 5482 3][5482-7][5482-8]") {
    const auto octets = [](std::uint16_t field, control bits) {
        segment seg{.ctl = bits};
        seg.options.has_user_timeout = true;
        seg.options.user_timeout = field;
        std::vector<std::uint8_t> out(options_size(seg));
        CHECK(write_options(out, seg) == out.size());
        CHECK(parse_options(out)->user_timeout == field);
        return out;
    };
    CHECK(octets(user_timeout_field(300s), ctl::syn) == std::vector<std::uint8_t>{0x1c, 0x04, 0x01, 0x2c});
    CHECK(octets(user_timeout_field(300s), ctl::ack) == std::vector<std::uint8_t>{0x1c, 0x04, 0x01, 0x2c});
    CHECK(octets(user_timeout_field(100h), ctl::ack) == std::vector<std::uint8_t>{0x1c, 0x04, 0x97, 0x70});
    CHECK(octets(user_timeout_field(1us), ctl::ack) == std::vector<std::uint8_t>{0x1c, 0x04, 0x00, 0x01});
    for (std::uint32_t s = 1; s < 200'000; s += 77) {  // no less than was meant, and at most a unit more
        const duration said = user_timeout_of(user_timeout_field(std::chrono::seconds{s}));
        CHECK((said >= std::chrono::seconds{s} && said < std::chrono::seconds{s + 60}));
    }
}

TEST_CASE("User timeout option: beside timestamps it takes the room of a SACK block", "[RFC 5482 3]") {
    segment seg{.ctl = ctl::ack};
    seg.options.has_user_timeout = seg.options.has_timestamps = true;
    seg.options.sack_count = 4;
    CHECK(sent_options(seg).sack_count == 2);
    CHECK(options_size(seg) == 36);
    seg.options.has_timestamps = false;
    CHECK(sent_options(seg).sack_count == 4);
    CHECK(options_size(seg) == 40);
}

// --- What is adopted -------------------------------------------------------------------------------------------

constexpr user_timeout_limits limits{100s, 600s};
static_assert(adopted_user_timeout(300s, 1200s, limits, 1s) == 600s);
static_assert(adopted_user_timeout(30s, 20s, limits, 1s) == 100s);
static_assert(adopted_user_timeout(300s, 200s, limits, 1s) == 300s);
static_assert(adopted_user_timeout(200s, 300s, limits, 1s) == 300s);
static_assert(adopted_user_timeout(30s, 20s, {10s, 600s}, 60s) == 61s, "more than the RTO");

TEST_CASE("User timeout option: the longer of both, between the limits", "[RFC 5482 3.1][5482-4]") {
    CHECK(waits(heard(400)) == 400s);
    CHECK(waits(heard(200)) == 300s);
    CHECK(waits(heard(0x8000 | 20)) == 600s);
    CHECK(waits(heard(20, saying(30s))) == 100s);
}

TEST_CASE("User timeout option: what was adopted is how long the connection waits", "[RFC 5482 3.1][3.9.1]") {
    speaker tcp = heard(400);
    tcp.tells(tell_user_timeout);
    CHECK(tcp.send(10) == answer::ok);
    static_cast<void>(tcp.polls());
    tcp.loses(399s);
    tcp.is(established);
    tcp.loses(1s);
    tcp.is(closed);
}

TEST_CASE("User timeout option: a value that the user set is not changed", "[RFC 5482 3.1][5482-1]") {
    parameters p = saying(300s);
    p.user_timeout_changeable = false;
    CHECK(waits(heard(400, p)) == 300s);
    speaker tcp = heard(0);
    tcp.does("200 s", [](auto& c, time_point) { c.set_user_timeout(200s); });
    tcp.gets(". 1:1(0) ack 1 <uto 500>"_seg);
    CHECK(waits(tcp) == 200s);
    tcp.tells_nothing();
}

TEST_CASE("User timeout option: the user is told when it changes, and only then", "[RFC 5482 3.1][5482-1]") {
    speaker tcp = heard(400);
    tcp.tells(tell_user_timeout);
    tcp.gets(". 1:1(0) ack 1 <uto 400>"_seg);
    tcp.tells_nothing();
    tcp.gets(". 1:1(0) ack 1 <uto 8min>"_seg);
    tcp.tells(tell_user_timeout);
    CHECK(waits(tcp) == 480s);
    tcp.gets(". 1:1(0) ack 1"_seg);
    tcp.tells_nothing();
    CHECK(waits(tcp) == 480s);
}

TEST_CASE("User timeout option: zero says nothing", "[RFC 5482 3][5482-8]") {
    speaker tcp = heard(0);
    tcp.gets(". 1:1(0) ack 1 <uto 0>"_seg);
    tcp.gets(". 1:1(0) ack 1 <uto 0min>"_seg);
    CHECK(waits(tcp) == 300s);
    tcp.gets(". 1:1(0) ack 1 <uto 400>"_seg);
    tcp.gets(". 1:1(0) ack 1 <uto 0>"_seg);
    CHECK(waits(tcp) == 400s);
}

TEST_CASE("User timeout option: before the handshake is done, OPEN's value holds", "[RFC 5482 3.3][5482-6]") {
    speaker tcp = in(listen, speaker{saying(300s)});
    tcp.gets("S 0:0(0) <mss 1460,uto 500>"_seg);
    tcp.emits("S. 0:0(0) ack 1 <mss 1460,uto 300>"_seg);
    CHECK(waits(tcp) == 300s);
    tcp.tells_nothing();
    tcp.gets(". 1:1(0) ack 1"_seg);
    CHECK(waits(tcp) == 500s);
    tcp.tells(tell_open);
    tcp.tells(tell_user_timeout);
    SECTION("and again after the connection was reopened") {
        CHECK(tcp.close() == answer::ok);
        tcp.emits("F. 1:1(0) ack 1"_seg);
        tcp.gets("F. 1:1(0) ack 2"_seg);
        tcp.emits(". 2:2(0) ack 2"_seg);
        tcp.gets("S 9:9(0) <mss 1460>"_seg);
        tcp.is(syn_received);
        CHECK(waits(tcp) == 300s);
        static_cast<void>(tcp.polls());
    }
}

TEST_CASE("User timeout option: where it is not spoken it is ignored, and not sent", "[RFC 5482 3.2][5482-3]") {
    const auto silent = [](auto tcp) {
        tcp.gets("S 0:0(0) <mss 1460,uto 400>"_seg);
        tcp.emits("S. 0:0(0) ack 1 <mss 1460>"_seg);
        tcp.gets(". 1:1(0) ack 1 <uto 400>"_seg);
        tcp.is(established);
        CHECK(tcp.numbers().given.user_timeout == 5min);
        tcp.tells(tell_open);
        tcp.tells_nothing();
    };
    silent(in(listen, speaker{}));  // by the policy, but not enabled
    silent(in(listen));
}

// --- When it is sent -------------------------------------------------------------------------------------------

TEST_CASE("User timeout option: on the SYN, each time, and on the first segment behind it",
          "[RFC 5482 3.2][5482-2][5482-5]") {
    speaker tcp{saying(300s)};
    CHECK(tcp.open_active() == answer::ok);
    const auto syn = tcp.polls();
    CHECK((syn && syn->segment.options.has_user_timeout && syn->segment.options.user_timeout == 300));
    tcp.advance(1s);
    const auto again = tcp.polls();
    CHECK((again && again->segment.options.has_user_timeout));
    tcp.gets("S. 0:0(0) ack 1 <mss 1460>"_seg);
    tcp.emits(". 1:1(0) ack 1 <uto 300>"_seg);
    CHECK(tcp.send(2000) == answer::ok);
    tcp.emits(". 1:1461(1460) ack 1 <>"_seg);
    tcp.emits_nothing();  // one segment after the loss of a SYN
}

TEST_CASE("User timeout option: again whenever a new value is used", "[RFC 5482 3.2][5482-2]") {
    speaker tcp = heard(0);
    CHECK(tcp.send(10) == answer::ok);
    tcp.emits("P. 1:11(10) ack 1 <uto 300>"_seg);
    tcp.does("20 hours", [](auto& c, time_point) { c.advertise_user_timeout(20h); });
    CHECK(waits(tcp) == 300s);
    tcp.gets(". 1:1(0) ack 11"_seg);
    CHECK(tcp.send(2000) == answer::ok);
    tcp.emits(". 11:1467(1456) ack 1 <uto 1200min>"_seg);
    tcp.gets(". 1:1(0) ack 1467"_seg);
    tcp.emits("P. 1467:2011(544) ack 1 <>"_seg);
}

TEST_CASE("User timeout option: keep-alive waits longer than an adopted user timeout", "[RFC 5482 4.2][5482-9]") {
    parameters p = saying(300s);
    p.keep_alive = 120s;
    SECTION("adopted") {
        speaker tcp = heard(400, p);
        CHECK(tcp.wakes_in(401s));
        tcp.advance(401s);
        tcp.emits(". 0:0(0) ack 1"_seg);
    }
    SECTION("nothing was heard") {
        speaker tcp = heard(0, p);
        CHECK(tcp.wakes_in(120s));
    }
}

TEST_CASE("User timeout option: whatever the peer says, the wait lies between the limits", "[RFC 5482 5][5482-4]") {
    rc::prop("for each value", [](std::uint16_t field, std::uint32_t adv) {
        basic_connection<speaking> tcp;
        static_cast<void>(tcp.open_passive(saying(duration{adv}), {}));
        segment syn{.ctl = ctl::syn, .wnd = 1000};
        syn.options.has_user_timeout = true;
        syn.options.user_timeout = field;
        tcp.handle_segment(syn, {});
        static_cast<void>(tcp.poll_transmit({}));
        tcp.handle_segment({.seq = seq{1}, .ack = seq{1}, .ctl = ctl::ack, .wnd = 1000}, {});
        const duration w = tcp.numbers().given.user_timeout;
        if ((field & 0x7fff) != 0) RC_ASSERT(w >= 100s && w <= 600s);
    });
}

}  // namespace
