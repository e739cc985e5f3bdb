// SPDX-License-Identifier: MIT
// limited_transmit.cpp: new text on the first two duplicate ACKs (RFC 3042).

#include "sender.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;

struct plain : policies {
    static constexpr bool sack = false;
};
struct without_records : policies {  // SACK tells what a duplicate is, and no more
    static constexpr std::size_t sent_ranges = 0;
};
struct by_count : policies {
    static constexpr bool rack_tlp = false;
};

/// A full window is on its way, there is more, and a round trip has passed.
template <class P>
sender<P> ten(std::uint32_t more = 10) {
    sender<P> tcp{10};
    CHECK(tcp.leaves() == "0 1 2 3 4 5 6 7 8 9");
    tcp.advance(100ms);
    if (more != 0) tcp.give(more);
    CHECK(tcp.leaves().empty());
    return tcp;
}

TEST_CASE("Limited transmit: two duplicates, two new segments, and the third is another matter",
          "[recovery][RFC 3042 2][3042-1][3042-2]") {
    auto tcp = ten<plain>();
    const std::uint32_t window = tcp.window();
    SECTION("one after the other") {
        tcp.hears_ack(0);
        CHECK(tcp.leaves() == "10");
        tcp.hears_ack(0);
        CHECK(tcp.leaves() == "11");
    }
    SECTION("together") {
        tcp.hears_ack(0);
        tcp.leaves_unpolled();
        tcp.hears_ack(0);
        CHECK(tcp.leaves() == "10 11");
    }
    CHECK(tcp.window() == window);
    tcp.hears_ack(0);
    CHECK(tcp.leaves() == "0");
    CHECK(tcp.numbers().congestion.threshold() == window / 2);
}

TEST_CASE("Limited transmit: not beyond the peer's window, and nothing without new text",
          "[recovery][RFC 3042 2][3042-1]") {
    SECTION("the peer's window") {
        sender<plain> tcp;
        tcp.gets(". 1:1(0) ack 1 win 11000"_seg);
        tcp.give(20);
        CHECK(tcp.leaves() == "0 1 2 3 4 5 6 7 8 9");
        tcp.gets(". 1:1(0) ack 1 win 11000"_seg);
        CHECK(tcp.leaves() == "10");
        tcp.gets(". 1:1(0) ack 1 win 11000"_seg);
        CHECK(tcp.leaves().empty());
    }
    SECTION("no new text") {
        auto tcp = ten<plain>(0);
        tcp.hears_ack(0);
        tcp.hears_ack(0);
        CHECK(tcp.leaves().empty());
    }
    SECTION("the FIN is new") {
        sender<plain> tcp{10};
        tcp.leaves_unpolled();
        CHECK(tcp.close() == answer::ok);
        CHECK(tcp.leaves() == "0 1 2 3 4 5 6 7 8 9F");
        tcp.hears_ack(0);
        CHECK(tcp.leaves().empty());
    }
}

TEST_CASE("Limited transmit: an ACK of new text ends it, and the window counts again",
          "[recovery][RFC 3042 2][3042-2]") {
    auto tcp = ten<plain>();
    tcp.hears_ack(0);
    CHECK(tcp.leaves() == "10");
    tcp.hears_ack(1);  // it was reordering: eleven may be in flight, and ten are
    CHECK(tcp.window() == 11'000);
    CHECK(tcp.leaves() == "11");
    CHECK(tcp.numbers().snd.flight() == 11'000);
    tcp.hears_ack(1);
    CHECK(tcp.leaves() == "12");
}

template <class P>
void only_for_news() {
    auto tcp = ten<P>();
    tcp.hears_ack(0, {{1, 2}});
    CHECK(tcp.leaves() == "10");
    tcp.hears_ack(0, {{1, 2}});
    CHECK(tcp.leaves().empty());
    tcp.hears_ack(0, {{1, 3}});
    CHECK(tcp.leaves() == "11");
    CHECK(tcp.numbers().congestion.window() == 10'000);
}
TEST_CASE("Limited transmit: with SACK, only for blocks that tell of more", "[recovery][RFC 3042 2][3042-3]") {
    SECTION("RACK") { only_for_news<policies>(); }
    SECTION("RFC 6675") { only_for_news<by_count>(); }
    SECTION("no records") { only_for_news<without_records>(); }
    SECTION("no blocks at all") {
        auto tcp = ten<policies>();
        tcp.hears_ack(0);
        tcp.hears_ack(0);
        CHECK(tcp.leaves().empty());
    }
}

}  // namespace
