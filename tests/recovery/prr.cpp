// SPDX-License-Identifier: MIT
// prr.cpp: how much goes out in recovery (RFC 9937).

#include "sender.hpp"

#include <support/network.hpp>

#include <tcpfsm/recovery/prr.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;

/// One line of the figure: window and what is in flight, in segments, and what is sent: New, Retransmission, -.
std::string line(std::uint32_t window, std::uint32_t in_flight, std::string_view sends) {
    return fmt::format("{}/{}/{} ", window, in_flight, sends);
}
// RFC 9937 figure 1, from the ACK that begins recovery. Where as much is in flight as the threshold says, the figure
// sends one segment that the text of the algorithm sends an ACK later; this is the text.
constexpr std::string_view one_loss =
    "19/18/R 18/18/- 18/17/N 17/17/- 17/16/N 16/16/- 16/15/N 15/15/- 15/14/N 14/14/- "
    "14/13/N 13/13/- 13/12/N 12/12/- 12/11/N 11/11/- 10/10/- 10/9/N 10/9/N ";

// In octets half a segment may be saved for the next ACK; but the retransmission goes at once.
constexpr std::string_view in_octets =
    "19/18/R 18/18/- 17/17/- 17/16/N 16/16/- 16/15/N 15/15/- 15/14/N 14/14/- "
    "14/13/N 13/13/- 13/12/N 12/12/- 12/11/N 11/11/- 10/10/- 10/9/N 10/9/N 10/9/N ";
TEST_CASE("PRR: the figure of RFC 9937, one loss of twenty", "[recovery][RFC 9937 6][RFC 9937 8][9937-1]") {
    constexpr auto figure = [](std::uint32_t smss) {
        proportional_rate_reduction prr;
        prr.begin(20 * smss);
        std::string out;
        std::uint32_t in_flight = 19;
        for (int ack = 3; ack <= 21; ++ack) {
            --in_flight;
            prr.delivered(smss, in_flight * smss, 10 * smss, false, smss);
            const bool sends = in_flight * smss + smss <= prr.window();
            out += line(prr.window() / smss, in_flight, !sends ? "-" : ack == 3 ? "R" : "N");
            if (sends) prr.sent(smss), ++in_flight;
        }
        return out;
    };
    CHECK(figure(1) == one_loss);
    CHECK(figure(1460) == in_octets);
}

struct by_count : policies {
    static constexpr bool rack_tlp = false;
};
/// A sender with a window of twenty segments, all of which are in flight: those from 10 to 29.
template <class P>
sender<P> with_twenty_in_flight() {
    sender<P> tcp{10};
    while (tcp.polls()) {
    }
    tcp.advance(100ms);
    tcp.give(100);
    for (std::uint32_t n = 1; n <= 10; ++n) {
        tcp.hears_ack(n);
        while (tcp.polls()) {
        }
    }
    CHECK(tcp.window() == 20'000);
    CHECK(tcp.pipe() == 20'000);
    tcp.advance(100ms);
    return tcp;
}
/// The same lines, from a connection, for ACKs that tell of segments from `first` to `last`. Those before are lost.
template <class P>
std::string figure(std::uint32_t first, std::uint32_t last) {
    sender<P> tcp = with_twenty_in_flight<P>();
    std::string out;
    for (std::uint32_t n = first; n <= last; ++n) {
        tcp.hears_ack(10, {{10 + first, 11 + n}});
        const std::string before = fmt::format("{}/{}/", tcp.window() / 1000, tcp.pipe() / 1000);
        const seq nxt = tcp.numbers().snd.nxt;
        const std::string left = tcp.leaves();
        out += before + (left.empty() ? "-" : tcp.numbers().snd.nxt != nxt ? "N" : "R") + " ";
        CHECK(left.find(' ') == left.npos);
    }
    return out;
}
TEST_CASE("PRR: the figure of RFC 9937, as connections show it", "[recovery][RFC 9937 8][9937-1][9937-2][8985-14]") {
    const std::string begin = "20/19/N 20/19/N ";
    SECTION("one loss, by time") { CHECK(figure<policies>(1, 21) == begin + std::string{in_octets}); }
    SECTION("one loss, by count") { CHECK(figure<by_count>(1, 21) == begin + std::string{in_octets}); }
    SECTION("15 losses, by time") { CHECK(figure<policies>(15, 19) == begin + "5/4/R 5/4/R 5/4/R "); }
    SECTION("15 losses, by count") { CHECK(figure<by_count>(15, 19) == begin + "5/4/R 5/4/R 5/4/R "); }
}

TEST_CASE("PRR: the end of recovery leaves the window at the threshold", "[recovery][RFC 9937 6][9937-1]") {
    sender tcp = with_twenty_in_flight<policies>();
    for (std::uint32_t n = 1; n < 20; ++n) {
        tcp.hears_ack(10, {{11, 11 + n}});
        static_cast<void>(tcp.leaves());
    }
    tcp.advance(100ms);
    const seq recover = tcp.numbers().sent.recover;
    tcp.hears_ack((recover - tcp.in_world().ours - 1) / 1000);
    CHECK_FALSE(tcp.numbers().recovering());
    CHECK(tcp.numbers().congestion.window() == 10'000);
    CHECK(tcp.window() == 10'000);
    static_cast<void>(tcp.leaves());
    // And the next episode counts anew.
    const std::uint32_t una = (tcp.numbers().snd.una - tcp.in_world().ours - 1) / 1000;
    tcp.advance(100ms);
    tcp.hears_ack(una, {{una + 1, una + 4}});
    CHECK(tcp.leaves() == std::to_string(una));
    CHECK(tcp.window() == 7'500);  // 6 are in flight, and 3 of 10 were delivered
}

TEST_CASE(
    "PRR: never more goes out than arrives while there is more in flight than ssthresh, and after one round trip "
    "that is what is left",
    "[recovery][RFC 9937 6][9937-1][8985-14]") {
    for (std::uint32_t seed = 0; seed < 300; ++seed) {
        dice random{seed};
        CAPTURE(seed);
        const std::uint32_t smss = 1 + random.below(3000);
        const std::uint32_t fs = (2 + random.below(200)) * smss;
        const std::uint32_t ssthresh = std::max(fs / (1 + random.below(4)) * 1, 2 * smss);
        proportional_rate_reduction prr;
        prr.begin(fs);
        std::uint32_t in_flight = fs;
        std::uint64_t delivered = 0;
        std::uint64_t out = 0;
        for (int i = 0; i < 500; ++i) {
            const std::uint32_t n = std::min(random.below(3 * smss), in_flight);
            in_flight -= n;
            delivered += n;
            const bool reduces = in_flight > ssthresh;
            prr.delivered(n, in_flight, ssthresh, random.percent(50), smss);
            if (n != 0) CHECK(prr.window() >= in_flight);
            if (n != 0) CHECK(prr.window() <= std::max({ssthresh, in_flight + n + smss, in_flight + smss}));
            while (in_flight + smss <= prr.window()) {
                in_flight += smss;
                out += smss;
                prr.sent(smss);
            }
            // In proportion, rounded up, and one segment that is forced.
            if (reduces) CHECK(out <= delivered * ssthresh / fs + 1 + smss);
        }
    }
}

TEST_CASE("PRR: at the ends of its numbers", "[recovery][RFC 9937 6]") {
    proportional_rate_reduction prr;
    prr.begin(0);  // nothing was in flight: it does not divide by that
    prr.delivered(1, 0, 1, true, 1);
    CHECK(prr.window() >= 1);
    prr.begin(1U << 30U);
    for (int i = 0; i < 10'000; ++i) {
        prr.delivered(1U << 30U, 1U << 30U, 1U << 29U, false, 65'535);
        CHECK(prr.window() <= 1U << 30U);
        prr.sent(1U << 30U);
    }
}

}  // namespace
