// SPDX-License-Identifier: MIT
// rack.cpp: loss told by time (RFC 8985 section 6).

#include "sender.hpp"

#include <tcpfsm/recovery/rack.hpp>

#include <chrono>
#include <cstdint>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;

TEST_CASE("RACK: the example of RFC 8985 9.1, where P1 and P3 of three are lost",
          "[recovery][RFC 8985 9.1][8985-4][RFC 8985 6.2]") {
    sender tcp;
    tcp.give(1);
    CHECK(tcp.leaves() == "0");
    tcp.advance(30ms);
    tcp.give(1);
    CHECK(tcp.leaves() == "1");
    tcp.advance(30ms);
    tcp.give(1);
    CHECK(tcp.leaves() == "2");
    tcp.advance(70ms);
    tcp.hears_ack(0, {{1, 2}});  // at 130 ms
    CHECK(tcp.leaves() == "0");  // older than 100 + 25 ms
    tcp.advance(100ms);
    tcp.hears_ack(2);
    CHECK(tcp.leaves() == "2");
    tcp.advance(100ms);
    tcp.hears_ack(3);
    CHECK(tcp.never_wakes());
}

TEST_CASE("RACK: what comes within a quarter of the least round trip was late, and not lost",
          "[recovery][RFC 8985 6.2][8985-4][8985-6]") {
    sender tcp{3};
    CHECK(tcp.leaves() == "0 1 2");
    tcp.advance(100ms);
    tcp.hears_ack(0, {{1, 2}});
    CHECK(tcp.leaves().empty());
    CHECK(tcp.wakes_in(25ms));
    SECTION("late") {
        tcp.advance(24ms);
        tcp.hears_ack(2);
        CHECK(tcp.leaves().empty());
        CHECK(tcp.numbers().sent.rack.reordering_seen());
        CHECK(tcp.numbers().congestion.window() >= 10'000);
    }
    SECTION("lost, and no ACK says so") {
        tcp.advance(25ms);
        CHECK(tcp.leaves() == "0");
        tcp.advance(99ms);
        CHECK(tcp.leaves().empty());
    }
}

TEST_CASE("RACK: three segments beyond a gap tell of a loss at once, until reordering was seen",
          "[recovery][RFC 8985 6.2][8985-4]") {
    sender tcp{5};
    CHECK(tcp.leaves() == "0 1 2 3 4");
    tcp.advance(100ms);
    SECTION("never seen") {
        tcp.hears_ack(0, {{1, 3}});
        CHECK(tcp.leaves().empty());
        tcp.hears_ack(0, {{1, 4}});
        CHECK(tcp.leaves() == "0");
    }
    SECTION("one by one") {
        tcp.hears_ack(0, {{1, 2}});
        tcp.hears_ack(0, {{1, 3}});
        CHECK(tcp.leaves().empty());
        tcp.hears_ack(0, {{1, 4}});
        CHECK(tcp.leaves() == "0");
    }
    SECTION("seen") {
        tcp.hears_ack(0, {{1, 2}});
        tcp.hears_ack(5);
        tcp.give(5);
        CHECK(tcp.leaves() == "5 6 7 8 9");
        tcp.advance(100ms);
        tcp.hears_ack(5, {{6, 10}});
        CHECK(tcp.leaves().empty());
        CHECK(tcp.wakes_in(25ms));
        tcp.advance(25ms);
        CHECK(tcp.leaves() == "5");
    }
}

TEST_CASE("RACK: what was sent again and is lost again is found without a timeout",
          "[recovery][RFC 8985 6.2][RFC 8985 9.1]") {
    sender tcp{10};
    CHECK(tcp.leaves() == "0 1 2 3 4 5 6 7 8 9");
    tcp.advance(100ms);
    tcp.give(10);
    tcp.hears_ack(0, {{1, 5}});
    CHECK(tcp.leaves() == "0");
    tcp.hears_ack(0, {{1, 10}});
    CHECK(tcp.leaves() == "10 11 12 13");
    tcp.advance(99ms);
    CHECK(tcp.leaves().empty());
    tcp.advance(1ms);
    tcp.hears_ack(0, {{1, 11}});  // 10 was sent after 0, and has come
    CHECK(tcp.leaves().substr(0, 1) == "0");
    tcp.advance(100ms);
    tcp.hears_ack(14);
    CHECK_FALSE(tcp.numbers().recovering());
}

TEST_CASE("RACK: an ACK of the first transmission says nothing of the second", "[recovery][RFC 8985 6.2]") {
    // By the round trip, which is less than the least, or by the timestamp.
    for (const bool stamps : {false, true}) {
        sender tcp{4, stamps};
        CHECK(tcp.leaves() == "0 1 2 3");
        tcp.advance(100ms);
        tcp.hears_ack(0, {{1, 4}});
        CHECK(tcp.leaves() == "0");
        tcp.give(4);
        CHECK(tcp.leaves() == "4");
        tcp.advance(30ms);
        tcp.hears_ack(4, {}, 130ms);  // the first 0 was late
        CHECK(tcp.numbers().sent.rack.rtt() == 100'000);
        CHECK(tcp.numbers().sent.board.lost() == 0);
        CHECK(tcp.leaves() == (stamps ? "5 6" : "5"));  // the timestamp tells that nothing was lost
    }
}

TEST_CASE("RACK: D-SACKs widen the reordering window, up to the smoothed round trip; sixteen recoveries narrow it",
          "[recovery][RFC 8985 6.2][8985-3][8985-4]") {
    const auto range = [](microseconds32 sent) { return sent_range<no_stamp>{.sent = sent}; };
    constexpr recent_acknowledgment::view view{.srtt = 90'000, .recovering = false, .three_have_arrived = false};
    for (const seq una : {seq{1}, seq{0x7fff'ffff}, seq{0xffff'ffff}}) {
        for (const microseconds32 start : {0U, 0x7fff'ff00U, 0xffff'ff00U}) {
            recent_acknowledgment rack;
            rack.begin(una);
            CHECK(rack.window(view) == 0);
            rack.delivered(range(start), una + 1, start + 80'000, false);
            CHECK(rack.window(view) == 20'000);
            for (const std::uint32_t wide : {40'000U, 60'000U, 80'000U, 90'000U, 90'000U}) {
                const seq at = una + wide;
                rack.duplicate_seen(at, at + 10);
                CHECK(rack.window(view) == wide);
                rack.duplicate_seen(at + 9, at + 20);  // the same round
                CHECK(rack.window(view) == wide);
                rack.duplicate_seen(at + 9, at + 20);
            }
            for (int i = 0; i < 15; ++i) rack.recovered();
            CHECK(rack.window(view) == 90'000);
            rack.recovered();
            CHECK(rack.window(view) == 20'000);
            // None where there was no reordering, in recovery or after three segments.
            CHECK(rack.window({.srtt = 90'000, .recovering = true}) == 0);
            CHECK(rack.window({.srtt = 90'000, .three_have_arrived = true}) == 0);
            rack.delivered(range(start), una + 3, start + 80'000, false);
            rack.delivered(range(start), una + 2, start + 80'000, false);
            CHECK(rack.reordering_seen());
            CHECK(rack.window({.srtt = 90'000, .recovering = true}) == 20'000);
            CHECK(rack.window({.srtt = 90'000, .three_have_arrived = true}) == 20'000);
            CHECK(rack.window({.srtt = 5'000}) == 5'000);
        }
    }
}

TEST_CASE("RACK: the least round trip is that of the last while", "[recovery][RFC 8985 6.2][8985-5]") {
    for (const microseconds32 start : {1U, 0x7fff'ff00U, 0xff00'0000U}) {
        recent_minimum least;
        CHECK_FALSE(least.known());
        least.take(300, start);
        least.take(100, start + 1'000'000);
        least.take(200, start + 2'000'000);
        CHECK(least.value() == 100);
        least.take(200, start + 9'000'000);
        CHECK(least.value() == 100);
        // It is forgotten, twenty seconds later at the latest.
        for (std::uint32_t s = 10; s <= 30; ++s) least.take(200, start + s * 1'000'000);
        CHECK(least.value() == 200);
        least.take(250, start + 300'000'000);
        CHECK(least.value() == 250);
    }
}

TEST_CASE("RACK: times are finer than a quarter of the round trip", "[recovery][RFC 8985 5.1][8985-2]") {
    // Microseconds: a segment 40 us after another, on a path of 100 us.
    CHECK(to_microseconds32(time_point{duration{40}}) - to_microseconds32(time_point{}) == 40);
    recent_acknowledgment rack;
    rack.begin(seq{0});
    rack.delivered(sent_range<no_stamp>{.sent = 40}, seq{2}, 140, false);
    constexpr recent_acknowledgment::view view{.srtt = 100};
    CHECK(rack.remaining(0, seq{1}, 140, rack.allowance(view)) == 0);
    CHECK(rack.remaining(16, seq{1}, 140, rack.allowance(view)) == 1);
    CHECK(rack.remaining(40, seq{3}, 140, rack.allowance(view)) == recent_acknowledgment::no_hurry);
}

TEST_CASE("RACK: after a timeout what was sent a moment ago is not lost", "[recovery][RFC 8985 6.3]") {
    sender tcp{2};
    CHECK(tcp.leaves() == "0 1");
    tcp.advance(100ms);
    tcp.hears_ack(2);
    tcp.give(1);
    CHECK(tcp.leaves() == "2");
    CHECK(tcp.waits() == 400ms);  // the tail is probed
    CHECK(tcp.leaves() == "2");
    tcp.advance(950ms);
    tcp.give(2);
    CHECK(tcp.leaves() == "3 4");
    CHECK(tcp.waits() == 50ms);
    CHECK(tcp.leaves() == "2");
    CHECK(tcp.numbers().sent.board.lost() == 0);
    tcp.advance(50ms);
    tcp.hears_ack(5);
    CHECK(tcp.leaves().empty());
}

TEST_CASE("RACK: where packets overtake each other, what arrives beyond a hole lets the window grow",
          "[recovery][5681-16]") {
    sender<> tcp{100};
    CHECK(tcp.leaves() == "0 1 2 3 4 5 6 7 8 9");
    tcp.advance(100ms);
    const auto grows = [&](std::uint32_t ack, std::initializer_list<sender<>::block> blocks) {
        const std::uint32_t before = tcp.window();
        tcp.hears_ack(ack, blocks);
        static_cast<void>(tcp.leaves());
        return tcp.window() - before;
    };
    CHECK(grows(0, {{1, 2}}) == 0);  // it may be the first of three duplicates
    CHECK(grows(2, {}) == 1000);     // it was not: the first came late
    CHECK(grows(2, {{3, 4}}) == 1000);
    CHECK(grows(2, {{3, 5}}) == 1000);
    CHECK(grows(2, {{3, 5}}) == 0);  // nothing new
    CHECK(grows(5, {}) == 1000);     // two of the three were counted
}

TEST_CASE("Round trip: after a retransmission what was sent once tells of it", "[recovery][6298-9][6298-10]") {
    sender<> tcp{10};
    CHECK(tcp.leaves() == "0 1 2 3 4 5 6 7 8 9");
    tcp.advance(100ms);
    tcp.hears_ack(0, {{1, 4}});
    CHECK(tcp.leaves() == "0");
    CHECK(tcp.numbers().rtt.srtt() == 100ms);
    tcp.advance(40ms);
    tcp.hears_ack(0, {{1, 5}});
    CHECK(tcp.numbers().rtt.srtt() == 105ms);
    tcp.advance(60ms);
    tcp.hears_ack(5);  // number 0 was sent twice
    CHECK(tcp.numbers().rtt.srtt() == 105ms);
}

/// Fifty segments leave evenly, 2 ms apart. Two ACKs tell that number `late` was overtaken, and it comes 20 ms late:
/// within a quarter of the round trip.
template <class P>
void late_segment(std::uint32_t late) {
    CAPTURE(late, P::sent_ranges);
    sender<P> tcp;
    for (std::uint32_t n = 0; n < 50;) {  // until the window is large enough
        tcp.give(tcp.window() / 1000);
        while (tcp.polls()) {
        }
        tcp.advance(100ms);
        for (const std::uint32_t end = tcp.numbers().snd.flight() / 1000 + n; n < end;) tcp.hears_ack(++n);
    }
    const std::uint32_t first = (tcp.numbers().snd.nxt - tcp.in_world().ours) / 1000;
    for (std::uint32_t i = 0; i < 50; ++i) {
        tcp.give(1);
        CHECK(tcp.leaves() == std::to_string(first + i));
        if (i != 49) tcp.advance(2ms);
    }
    tcp.advance(2ms);
    for (std::uint32_t i = 0; i < 50; ++i) {  // what was sent at 2 i ms comes at 100 + 2 i ms
        if (i < late) tcp.hears_ack(first + i + 1);
        if (i >= late + 4 && i < late + 6) tcp.hears_ack(first + late, {{first + late + 4, first + i + 1}});
        if (i >= late + 10) tcp.hears_ack(first + i + 1);
        CHECK(tcp.leaves().empty());
        tcp.advance(2ms);
    }
    CHECK(tcp.leaves().empty());
}
struct with_few_ranges : policies {
    static constexpr std::size_t sent_ranges = 8;
};
struct with_many_ranges : policies {
    static constexpr std::size_t sent_ranges = 128;
};
TEST_CASE("RACK: reordering is borne, however few the ranges that remember times", "[recovery][RFC 8985 6.2][8985-4]") {
    for (std::uint32_t late = 0; late < 40; late += 3) {
        late_segment<with_many_ranges>(late);
        late_segment<policies>(late);
        late_segment<with_few_ranges>(late);
    }
}

TEST_CASE("Recovery: the blocks of an ACK that was overtaken count, and its number does not",
          "[recovery][RFC 2018 5][3.10.7.4]") {
    sender tcp{10};
    CHECK(tcp.leaves() == "0 1 2 3 4 5 6 7 8 9");
    tcp.advance(100ms);
    tcp.hears_ack(2, {{4, 5}});
    CHECK(tcp.numbers().sent.board.sacked() == 1000);
    const seq una = tcp.numbers().snd.una;
    tcp.hears_ack(1, {{3, 4}, {6, 8}});
    CHECK(tcp.numbers().snd.una == una);
    CHECK(tcp.numbers().sent.board.sacked() == 4000);
    tcp.advance(25ms);  // ACKs came in another order, as what they acknowledge may have
    CHECK(tcp.leaves() == "2");
    tcp.advance(100ms);
    tcp.hears_ack(5, {{6, 8}});
    CHECK(tcp.leaves() == "5");  // neither 6 nor 7
}

}  // namespace
