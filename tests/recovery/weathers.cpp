// SPDX-License-Identifier: MIT
// weathers.cpp: whole connections over networks that lose, repeat, reorder and spoil, with all that recovery may be
// made of.

#include "invariants.hpp"

#include <support/network.hpp>
#include <support/pair.hpp>

#include <tcpfsm/congestion/bbr.hpp>
#include <tcpfsm/congestion/cubic.hpp>
#include <tcpfsm/congestion/dctcp.hpp>

#include <chrono>
#include <cstdint>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;
using enum tcpfsm::answer;

struct in_few_ranges : policies {
    static constexpr std::size_t sent_ranges = 8;
};
struct in_many_ranges : policies {
    static constexpr std::size_t sent_ranges = 256;
    using congestion = cubic;
};
struct by_count : policies {
    static constexpr bool rack_tlp = false;
};
struct by_count_in_few_ranges : by_count {
    static constexpr std::size_t sent_ranges = 8;
    static constexpr bool undo = false;
};
struct never_undone : policies {
    static constexpr bool undo = false;
};
struct on_pace : policies {
    static constexpr bool pacing = true;
    using congestion = cubic;
};
struct with_bbr : policies {
    using congestion = bbr;
};
struct with_dctcp : policies {
    using congestion = dctcp;
};
struct with_slow_stamps : policies {
    static constexpr duration timestamp_tick = 100ms;
};
struct without_stamps : policies {
    static constexpr bool timestamps = false;
};
struct hurried : policies {
    static constexpr rto_limits rto{1s, 50ms, 60s};
};
struct without_records : policies {
    static constexpr std::size_t sent_ranges = 0;
};
struct without_sack : policies {
    static constexpr bool sack = false;
    static constexpr bool undo = false;
};
struct that_probes : policies {
    static constexpr mtu_discovery path_mtu = mtu_discovery::probed;
};

/// A network, and what it does beside losing.
struct climate {
    weather of{};
    duration within{};         ///< all is over by then
    std::uint32_t mtu = 1500;  ///< what is larger is swallowed
    std::uint32_t spoilt = 0;  ///< chance in percent that the bits of ECN change, all that are not of a SYN
    std::uint32_t octets = 100'000;
};

// Losses at random in both directions cost timeouts, and those back off: hence minutes.
constexpr climate climates[] = {
    {.of = {.loss = 5}, .within = 1min},
    {.of = {.loss = 20, .spares_after = 60}, .within = 10min},
    {.of = {.loss = 30}, .within = 40min, .octets = 60'000},
    {.of = {.spread = 12ms}, .within = 20s},
    {.of = {.spread = 100ms}, .within = 1min},
    {.of = {.loss = 3, .repeat = 10, .spread = 3ms}, .within = 1min, .spoilt = 10},
    {.of = {.loss = 10, .repeat = 5, .spread = 60ms}, .within = 5min, .spoilt = 50},
    {.of = {.loss = 2}, .within = 3min, .mtu = 1280},
    {.of = {.loss = 5, .repeat = 2, .spread = 5ms}, .within = 10min, .mtu = 700, .octets = 40'000},
};

/// A network of this climate.
struct elements {
    climate here;
    network loses;
    dice chance;

    fate operator()(std::uint32_t number, segment& seg) {
        if (chance.percent(here.spoilt)) {
            seg.ecn = static_cast<ecn>(chance.below(4));
            if (!seg.has(ctl::syn)) seg.ctl = seg.ctl.without(ace_bits(7)) | ace_bits(chance.below(8));
        }
        return 40 + options_size(seg) + seg.text > here.mtu ? fate{} : loses(number, seg);
    }
};

/// Both sides send, and close when they have; all arrives in time, and then nothing more is ever said.
template <class P>
void all_arrives() {
    for (const climate& c : climates) {
        for (std::uint64_t seed = 1; seed <= 2; ++seed) {
            CAPTURE(c.of.loss, c.of.repeat, c.of.spread.count(), c.mtu, seed);
            const parameters given{
                .snd_buff = 1'000'000, .user_timeout = forever, .ecn = seed == 1 ? ecn_wish::ask : ecn_wish::accept};
            pair<elements, P> two{this_world(), given, given, elements{c, network{seed, c.of}, dice{seed}}};
            REQUIRE(two.b.open_passive() == ok);
            REQUIRE(two.a.open_active() == ok);
            REQUIRE(two.a.send(c.octets) == ok);
            const std::uint32_t back = c.octets / 10;
            bool answered = false;
            const auto reads = [](auto& side) {
                const std::uint32_t got = side.numbers().rcv.user;
                if (got != 0) REQUIRE(side.receive(got) == ok);
            };
            const time_point begin = two.a.now();
            while (two.a.at() != state::time_wait || two.b.at() != state::closed) {
                REQUIRE(two.a.now() - begin < c.within);
                REQUIRE(two.step());
                recovery_holds(two.a);
                recovery_holds(two.b);
                reads(two.a);
                reads(two.b);
                if (two.a.at() == state::established && !two.a.numbers().snd.close_waits) REQUIRE(two.a.close() == ok);
                if (two.b.at() == state::close_wait && !answered) {
                    answered = true;
                    REQUIRE(two.b.send(back) == ok);
                    REQUIRE(two.b.close() == ok);
                }
            }
            CHECK(two.received_by_b().in_order() == c.octets);
            CHECK(two.received_by_a().in_order() == back);
            CHECK(two.finish(100));
            CHECK(two.a.at() == state::closed);
        }
    }
}

TEST_CASE("Bad weather: all arrives, and in time", "[recovery][properties]") {
    SECTION("the defaults") { all_arrives<policies>(); }
    SECTION("8 ranges") { all_arrives<in_few_ranges>(); }
    SECTION("256 ranges, CUBIC") { all_arrives<in_many_ranges>(); }
    SECTION("RFC 6675") { all_arrives<by_count>(); }
    SECTION("RFC 6675 in 8 ranges, nothing undone") { all_arrives<by_count_in_few_ranges>(); }
    SECTION("RACK, nothing undone") { all_arrives<never_undone>(); }
    SECTION("CUBIC, paced") { all_arrives<on_pace>(); }
    SECTION("BBR") { all_arrives<with_bbr>(); }
    SECTION("DCTCP") { all_arrives<with_dctcp>(); }
    SECTION("timestamps that tick slowly") { all_arrives<with_slow_stamps>(); }
    SECTION("no timestamps") { all_arrives<without_stamps>(); }
    SECTION("timeouts of 50 ms") { all_arrives<hurried>(); }
    SECTION("no scoreboard") { all_arrives<without_records>(); }
    SECTION("no SACK, nothing undone") { all_arrives<without_sack>(); }
    SECTION("probes of the path's MTU") { all_arrives<that_probes>(); }
}

}  // namespace
