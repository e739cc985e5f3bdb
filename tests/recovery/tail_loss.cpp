// SPDX-License-Identifier: MIT
// tail_loss.cpp: probes of the tail (RFC 8985 section 7).

#include "sender.hpp"

#include <tcpfsm/recovery/tail_loss.hpp>

#include <chrono>
#include <cstdint>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;

TEST_CASE("TLP: after two round trips the last segment goes again, or new text if there is some",
          "[recovery][RFC 8985 7.2][RFC 8985 7.3][8985-7][8985-9]") {
    SECTION("the last segment") {
        sender tcp{5};
        CHECK(tcp.leaves() == "0 1 2 3 4");
        CHECK(tcp.waits() == 200ms);
        CHECK(tcp.leaves() == "4");
    }
    SECTION("new text, one segment beyond the window") {
        sender tcp{12};
        CHECK(tcp.leaves() == "0 1 2 3 4 5 6 7 8 9");
        CHECK(tcp.waits() == 200ms);
        CHECK(tcp.leaves() == "10");
    }
    SECTION("new text that Nagle's algorithm holds back") {
        sender tcp{1};
        CHECK(tcp.leaves() == "0");
        CHECK(tcp.send(10) == answer::ok);
        CHECK(tcp.leaves().empty());
        tcp.advance(tcp.conn().poll_timeout() - tcp.now());
        CHECK(tcp.leaves() == "1:10");
    }
    SECTION("not beyond the peer's window") {
        sender tcp{0};
        tcp.gets(". 1:1(0) ack 1 win 3000"_seg);
        tcp.give(4);
        CHECK(tcp.leaves() == "0 1 2");
        CHECK(tcp.waits() == 200ms);
        CHECK(tcp.leaves() == "2");
    }
    SECTION("the FIN") {
        sender tcp{2};
        CHECK(tcp.leaves() == "0 1");
        CHECK(tcp.close() == answer::ok);
        CHECK(tcp.leaves() == "2:0F");
        CHECK(tcp.waits() == 200ms);
        CHECK(tcp.leaves() == "1F");
    }
}

struct hurried : policies {
    static constexpr rto_limits rto{1s, 200ms, 60s};
};
TEST_CASE("TLP: a lone segment may be acknowledged late, and the timeout comes first if it is due",
          "[recovery][RFC 8985 7.2][8985-7]") {
    CHECK(tail_loss_probe::timeout(100ms, false, 200ms) == 200ms);
    CHECK(tail_loss_probe::timeout(100ms, true, 200ms) == 400ms);
    CHECK(tail_loss_probe::timeout(0ms, false, 200ms) == 1s);
    sender tcp{1};
    CHECK(tcp.leaves() == "0");
    CHECK(tcp.waits() == 400ms);
    CHECK(tcp.leaves() == "0");
    sender<hurried> hasty{1};
    CHECK(hasty.leaves() == "0");
    CHECK(hasty.waits() == 300ms);  // SRTT and four times RTTVAR
    CHECK(hasty.numbers().snd.retries == 0);
    CHECK(hasty.leaves() == "0");
}

TEST_CASE("TLP: one probe, and then the timeout, a whole RTO later, until a round trip was measured",
          "[recovery][RFC 8985 7.3][8985-8][8985-10]") {
    sender tcp{5};
    CHECK(tcp.leaves() == "0 1 2 3 4");
    CHECK(tcp.waits() == 200ms);
    CHECK(tcp.leaves() == "4");
    CHECK(tcp.waits() == 1s);
    CHECK(tcp.numbers().snd.retries == 1);
    CHECK(tcp.leaves() == "0");
    // What was sent once is acknowledged: a round trip.
    tcp.advance(100ms);
    tcp.hears_ack(5);
    tcp.give(1);
    CHECK(tcp.leaves() == "5");
    tcp.advance(100ms);
    tcp.hears_ack(6);
    tcp.give(1);
    CHECK(tcp.leaves() == "6");
    CHECK(tcp.conn().poll_timeout() - tcp.now() < 1s);
}

TEST_CASE("TLP: not in recovery, nor where SACK has told of a gap", "[recovery][RFC 8985 7.2][8985-8]") {
    sender tcp{5};
    CHECK(tcp.leaves() == "0 1 2 3 4");
    tcp.advance(100ms);
    tcp.hears_ack(0, {{1, 2}});
    CHECK(tcp.waits() == 25ms);  // the reordering timer
    CHECK(tcp.leaves() == "0");
    CHECK(tcp.numbers().recovering());
    CHECK(tcp.waits() >= 900ms);
    CHECK(tcp.numbers().snd.retries == 1);
}

TEST_CASE("TLP: the probe's ACK tells of losses, and they are repaired without a timeout",
          "[recovery][RFC 8985 7.1][8985-9]") {
    sender tcp{5};
    CHECK(tcp.leaves() == "0 1 2 3 4");
    tcp.advance(100ms);
    tcp.hears_ack(2);
    CHECK(tcp.waits() == 200ms);
    CHECK(tcp.leaves() == "4");
    tcp.advance(100ms);
    tcp.hears_ack(2, {{4, 5}});
    CHECK(tcp.leaves() == "2");
    CHECK(tcp.numbers().snd.retries == 0);
}

TEST_CASE("TLP: a loss that the probe alone has repaired is answered all the same",
          "[recovery][RFC 8985 7.4][8985-11]") {
    sender tcp{10};
    CHECK(tcp.leaves() == "0 1 2 3 4 5 6 7 8 9");
    tcp.advance(100ms);
    tcp.hears_ack(9);
    const std::uint32_t before = tcp.window();
    CHECK(tcp.waits() == 400ms);
    CHECK(tcp.leaves() == "9");
    tcp.advance(100ms);
    const auto more = [&] {
        tcp.give(1);
        CHECK(tcp.leaves() == "10");
        tcp.advance(100ms);
    };
    SECTION("the last segment was lost") {
        tcp.hears_ack(10);
        more();
        tcp.hears_ack(11);
        CHECK(tcp.window() < before);
        CHECK(tcp.window() == 2'000);
    }
    SECTION("it had arrived, and D-SACK says so") {
        tcp.hears_ack(10);
        tcp.hears_ack(10, {{9, 10}});
        more();
        tcp.hears_ack(11);
        CHECK(tcp.window() >= before);
    }
    SECTION("something else had arrived twice, and D-SACK says so") {
        tcp.hears_ack(10);
        tcp.hears_ack(10, {{3, 4}});
        more();
        tcp.hears_ack(11);
        CHECK(tcp.window() == 2'000);
    }
    SECTION("it had arrived, and a duplicate without blocks says so") {
        tcp.hears_ack(10);
        tcp.give(1);
        CHECK(tcp.leaves() == "10");
        tcp.hears_ack(10);
        tcp.advance(100ms);
        tcp.hears_ack(11);
        CHECK(tcp.window() >= before);
    }
    SECTION("the probe was new text") {
        sender other{12};
        CHECK(other.leaves() == "0 1 2 3 4 5 6 7 8 9");
        CHECK(other.waits() == 200ms);
        CHECK(other.leaves() == "10");
        other.advance(100ms);
        other.hears_ack(11);
        CHECK(other.leaves() == "11");
        other.advance(100ms);
        other.hears_ack(12);
        CHECK(other.window() >= 10'000);
    }
}

struct by_count : policies {
    static constexpr bool rack_tlp = false;
};
static_assert(sizeof(tcb<by_count>) < sizeof(tcb<policies>));
TEST_CASE("TLP: without a round trip there is none, and RFC 6675 has none",
          "[recovery][RFC 8985 7.2][8985-8][8985-1]") {
    sender<by_count> counting{5};
    CHECK(counting.leaves() == "0 1 2 3 4");
    CHECK(counting.waits() == 1s);
    CHECK(counting.numbers().snd.retries == 1);
    auto plain = in(state::established, subject{});  // a peer without SACK
    CHECK(plain.send(1460) == answer::ok);
    plain.emits("P. 1:1461(1460) ack 1"_seg);
    CHECK(plain.wakes_in(1s));
}

}  // namespace
