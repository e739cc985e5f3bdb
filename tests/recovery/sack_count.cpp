// SPDX-License-Identifier: MIT
// sack_count.cpp: loss told by what has arrived beyond it (RFC 6675), where RACK is switched off.

#include "sender.hpp"

#include <chrono>
#include <cstdint>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;

struct by_count : policies {
    static constexpr bool rack_tlp = false;
};
using counting = sender<by_count>;

/// Ten segments are on their way, and a round trip has passed.
counting ten(std::uint32_t more = 0) {
    counting tcp{10};
    CHECK(tcp.leaves() == "0 1 2 3 4 5 6 7 8 9");
    tcp.advance(100ms);
    if (more != 0) tcp.give(more);
    CHECK(tcp.leaves().empty());
    return tcp;
}

TEST_CASE("RFC 6675: lost is what has three blocks beyond it, or more than two segments",
          "[recovery][RFC 6675 4][6675-2]") {
    SECTION("three blocks") {
        auto tcp = ten();
        tcp.hears_ack(0, {{1, 2}, {3, 4}});
        CHECK(tcp.leaves().empty());
        tcp.hears_ack(0, {{5, 6}, {3, 4}, {1, 2}});
        CHECK(tcp.leaves().substr(0, 1) == "0");
        CHECK(tcp.numbers().sent.now == episode::fast);
    }
    SECTION("octets: two segments are not enough, one octet more is") {
        auto tcp = ten();
        tcp.hears_ack(0, {{1, 3}});
        CHECK(tcp.leaves().empty());
        tcp.gets(". 1:1(0) ack 1 <sack 1001:3002>"_seg);
        CHECK(tcp.leaves() == "0");
    }
    SECTION("what lies above the third block from the right is not lost") {
        auto tcp = ten();
        tcp.hears_ack(0, {{5, 6}, {3, 4}, {1, 2}});
        CHECK(tcp.numbers().sent.board.lost() == 1000);
        CHECK(tcp.pipe() == 6000);  // 2, 4, 6, 7, 8, 9
    }
    SECTION("a retransmission is not found lost: that takes the timer") {
        auto tcp = ten();
        tcp.hears_ack(0, {{1, 4}});
        CHECK(tcp.leaves() == "0");
        tcp.hears_ack(0, {{1, 10}});
        CHECK(tcp.leaves().empty());
        CHECK(tcp.numbers().sent.board.lost() == 0);
        tcp.advance(tcp.conn().poll_timeout() - tcp.now());
        CHECK(tcp.numbers().snd.retries == 1);
        CHECK(tcp.leaves() == "0");
    }
}

TEST_CASE("RFC 6675: three ACKs with news are enough, of however few octets", "[recovery][RFC 6675 5][6675-3]") {
    counting tcp{0};
    tcp.does("Nagle off", [](auto& c, time_point) { c.set_nagle(false); });
    tcp.give(3);
    CHECK(tcp.leaves() == "0 1 2");
    for (int i = 0; i < 3; ++i) {
        CHECK(tcp.send(10) == answer::ok);
        CHECK_FALSE(tcp.leaves().empty());
    }
    tcp.advance(100ms);
    tcp.gets(". 1:1(0) ack 1 <sack 3001:3011>"_seg);
    CHECK(tcp.leaves().empty());
    SECTION("the same news does not count") {
        tcp.gets(". 1:1(0) ack 1 <sack 3001:3011>"_seg);
        tcp.gets(". 1:1(0) ack 1 <sack 3001:3011>"_seg);
        CHECK(tcp.leaves().empty());
    }
    tcp.gets(". 1:1(0) ack 1 <sack 3001:3021>"_seg);
    CHECK(tcp.leaves().empty());
    SECTION("an ACK of new text begins the count anew") {
        tcp.gets(". 1:1(0) ack 1001 <sack 3001:3021>"_seg);
        tcp.gets(". 1:1(0) ack 1001 <sack 3001:3031>"_seg);
        CHECK(tcp.leaves().empty());
        return;
    }
    tcp.gets(". 1:1(0) ack 1 <sack 3001:3031>"_seg);
    CHECK(tcp.numbers().sent.now == episode::fast);
    CHECK(tcp.leaves().substr(0, 1) == "0");
    CHECK(tcp.numbers().sent.board.lost() == 0);  // one segment; nothing says that the others are lost
}

TEST_CASE("RFC 6675: what is lost goes first, then new text, then what may be lost, then the end once",
          "[recovery][RFC 6675 4][6675-4]") {
    const auto lets = [](counting& tcp, std::uint32_t ack, std::initializer_list<counting::block> blocks) {
        tcp.hears_ack(ack, blocks);
        return tcp.leaves();
    };
    SECTION("rule 2: new text, and what may be lost is left alone") {
        auto tcp = ten(20);
        CHECK(lets(tcp, 0, {{2, 5}}) == "0");
        CHECK(lets(tcp, 0, {{2, 6}, {7, 8}}) == "1");  // now lost as well; 6 is not
        CHECK(lets(tcp, 0, {{2, 6}, {7, 9}}) == "10");
        CHECK(lets(tcp, 0, {{2, 6}, {7, 10}}) == "6 11");  // rule 1: three segments beyond it
    }
    SECTION("rule 3: no new text") {
        auto tcp = ten();
        CHECK(lets(tcp, 0, {{1, 5}}) == "0");
        CHECK(lets(tcp, 0, {{1, 5}, {6, 7}}).empty());  // PRR: half of what arrives
        CHECK(lets(tcp, 0, {{1, 5}, {6, 8}}) == "5");
    }
    SECTION("rule 3: the peer has no room for new text") {
        auto tcp = ten(20);
        tcp.gets(". 1:1(0) ack 1 win 10000 <sack 1001:5001>"_seg);
        CHECK(tcp.leaves() == "0");
        tcp.gets(". 1:1(0) ack 1 win 10000 <sack 6001:8001 1001:5001>"_seg);
        CHECK(tcp.leaves() == "5");
    }
    SECTION("rule 4: the last segment, once") {
        auto tcp = ten();
        CHECK(lets(tcp, 0, {{1, 7}}) == "0");
        CHECK(lets(tcp, 7, {}) == "9");
        CHECK(lets(tcp, 8, {}).empty());
        // Its ACK tells what is missing.
        CHECK(tcp.numbers().sent.now == episode::fast);
    }
    SECTION("rule 4: not while what was sent again is on its way") {
        auto tcp = ten();
        CHECK(lets(tcp, 0, {{1, 4}}) == "0");
        CHECK(lets(tcp, 0, {{1, 7}}).empty());
    }
    SECTION("rule 4: its FIN, too") {
        counting tcp{10};
        tcp.leaves_unpolled();
        CHECK(tcp.close() == answer::ok);
        CHECK(tcp.leaves() == "0 1 2 3 4 5 6 7 8 9F");
        tcp.advance(100ms);
        CHECK(lets(tcp, 0, {{1, 7}}) == "0");
        CHECK(lets(tcp, 7, {}) == "9F");
    }
}

TEST_CASE("RFC 6675: the window is half of what was in flight, and recovery ends where it began",
          "[recovery][RFC 6675 5][6675-5]") {
    auto tcp = ten(40);
    tcp.hears_ack(0, {{1, 2}});
    CHECK(tcp.leaves() == "10");  // limited transmit
    tcp.hears_ack(0, {{1, 3}});
    CHECK(tcp.leaves() == "11");
    tcp.hears_ack(0, {{1, 4}});
    CHECK(tcp.leaves() == "0");
    CHECK(tcp.numbers().congestion.threshold() == 5000);  // without what limited transmit has sent
    tcp.advance(100ms);
    tcp.hears_ack(10);
    CHECK(tcp.numbers().sent.now == episode::fast);  // the two are not acknowledged
    while (tcp.polls()) {
    }
    tcp.hears_ack(12);
    CHECK(tcp.numbers().sent.now == episode::none);
    CHECK(tcp.window() == 5000);
}

TEST_CASE(
    "RFC 6675: after a timeout SACK still tells what need not go, and no recovery begins for what was sent before",
    "[recovery][RFC 6675 5.1][6675-6]") {
    auto tcp = ten();
    tcp.hears_ack(0, {{3, 5}});
    CHECK(tcp.leaves().empty());
    CHECK(tcp.waits() == 900ms);
    CHECK(tcp.leaves() == "0");
    tcp.advance(100ms);
    tcp.hears_ack(1, {{3, 5}});
    CHECK(tcp.leaves() == "1 2");
    tcp.advance(100ms);
    tcp.hears_ack(5, {});
    const auto threshold = tcp.numbers().congestion.threshold();
    CHECK(tcp.leaves().substr(0, 1) == "5");
    tcp.hears_ack(5, {{6, 10}});
    CHECK(tcp.numbers().sent.now == episode::timeout);
    CHECK(tcp.numbers().congestion.threshold() == threshold);
}

}  // namespace
