// SPDX-License-Identifier: MIT
// spurious.cpp: reductions that were for nothing (RFC 5682, RFC 3522, RFC 3708), and how they are taken back (RFC
// 4015).

#include "sender.hpp"

#include <chrono>
#include <cstdint>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;

struct never_undone : policies {
    static constexpr bool undo = false;
};
struct without_probes : policies {  // so that a timeout is the first thing to happen
    static constexpr bool rack_tlp = false;
};
struct plain : policies {
    static constexpr bool sack = false;
};

/// Five segments of ten octets thousand are on their way, and the timer has expired.
template <class P>
sender<P> after_timeout(bool stamps = false) {
    sender<P> tcp{30, stamps};
    CHECK(tcp.leaves() == "0 1 2 3 4 5 6 7 8 9");
    CHECK(tcp.waits() == 1s);
    CHECK(tcp.leaves() == "0");
    CHECK(tcp.numbers().congestion.window() == tcp.numbers().snd.mss);
    return tcp;
}

template <class P>
void f_rto() {
    SECTION("nothing was lost") {
        auto tcp = after_timeout<P>();
        tcp.hears_ack(2);
        CHECK(tcp.leaves() == "10 11");  // step 2 (b): new text
        tcp.hears_ack(3);
        CHECK_FALSE(tcp.numbers().recovering());
        CHECK(tcp.numbers().congestion.threshold() >= 10'000);  // RFC 4015: pipe_prev
        CHECK(tcp.leaves().substr(0, 2) == "12");               // and nothing is sent again
    }
    SECTION("the first segment was lost, and all that followed it") {
        auto tcp = after_timeout<P>();
        tcp.advance(100ms);
        tcp.hears_ack(1);
        CHECK(tcp.leaves() == "10 11");
        tcp.advance(100ms);
        if (P::sack) {
            tcp.hears_ack(1, {{10, 11}});
        } else {
            tcp.hears_ack(1);
        }
        CHECK(tcp.numbers().congestion.threshold() == 5'000);
        CHECK(tcp.leaves().substr(0, 1) == "1");
    }
    SECTION("a duplicate comes first") {
        auto tcp = after_timeout<P>();
        if (P::sack) {
            tcp.hears_ack(0, {{9, 10}});
        } else {
            tcp.hears_ack(0);
        }
        CHECK(tcp.leaves().empty());
        tcp.hears_ack(1);
        static_cast<void>(tcp.leaves());
        tcp.hears_ack(2);
        if (!P::sack) CHECK(tcp.numbers().congestion.threshold() == 5'000);
    }
    SECTION("all is acknowledged at once: nobody knows") {
        auto tcp = after_timeout<P>();
        tcp.hears_ack(10);
        CHECK(tcp.numbers().congestion.threshold() == 5'000);
    }
    SECTION("a second timeout") {
        auto tcp = after_timeout<P>();
        CHECK(tcp.waits() == 2s);
        CHECK(tcp.leaves() == "0");
        tcp.hears_ack(2);
        CHECK(tcp.leaves().substr(0, 2) != "10");
        CHECK(tcp.numbers().congestion.threshold() == 5'000);
    }
}
TEST_CASE("F-RTO with SACK", "[recovery][RFC 5682 3.1][5682-1][5682-5]") { f_rto<without_probes>(); }
TEST_CASE("F-RTO without SACK", "[recovery][RFC 5682 2.1][5682-1]") { f_rto<plain>(); }

TEST_CASE("F-RTO: not for a timeout in a fast recovery", "[recovery][RFC 5682 2.1][5682-2]") {
    sender<plain> tcp{30};
    CHECK(tcp.leaves() == "0 1 2 3 4 5 6 7 8 9");
    tcp.advance(100ms);
    for (int i = 0; i < 3; ++i) {
        tcp.hears_ack(0);
        CHECK_FALSE(tcp.leaves().empty());
    }
    CHECK(tcp.waits() == 900ms);
    CHECK(tcp.leaves() == "0");
    tcp.hears_ack(2);
    CHECK(tcp.leaves().substr(0, 1) == "2");
}

TEST_CASE("F-RTO: what is neither an ACK of new text nor a duplicate says nothing",
          "[recovery][RFC 5682 2.1][5682-3]") {
    auto tcp = after_timeout<plain>();
    tcp.hears_ack(2);
    CHECK(tcp.leaves() == "10 11");
    tcp.gets("P. 1:11(10) ack 2001"_seg);
    tcp.gets(". 11:11(0) ack 3001"_seg);
    CHECK_FALSE(tcp.numbers().recovering());
    CHECK(tcp.numbers().congestion.threshold() >= 10'000);
    CHECK(tcp.leaves().substr(0, 2) == "12");
}

TEST_CASE("Eifel: an ACK that echoes an older timestamp answers the first transmission",
          "[recovery][RFC 3522 3.2][RFC 4015 3]") {
    SECTION("spurious") {
        auto tcp = after_timeout<without_probes>(true);
        tcp.advance(10ms);
        const duration srtt = tcp.numbers().rtt.srtt();
        tcp.hears_ack(1, {}, 1010ms);
        CHECK_FALSE(tcp.numbers().recovering());
        CHECK(tcp.numbers().congestion.threshold() >= 10'000);
        CHECK(tcp.leaves() == "10 11");
        // RFC 4015 section 3: the timeout learns from it.
        CHECK(tcp.numbers().rtt.srtt() >= srtt);
        CHECK(tcp.numbers().rto() > 1s);
    }
    SECTION("genuine") {
        auto tcp = after_timeout<without_probes>(true);
        tcp.advance(100ms);
        tcp.hears_ack(1, {}, 100ms);
        CHECK(tcp.numbers().recovering());
        CHECK(tcp.numbers().congestion.threshold() <= 5'060);
    }
}

/// Segment 0 was late, and is taken for lost.
template <class P>
sender<P> overtaken(bool stamps) {
    sender<P> tcp{10, stamps};
    CHECK(tcp.leaves() == "0 1 2 3 4 5 6 7 8 9");
    tcp.advance(100ms);
    tcp.hears_ack(0, {{1, 5}});
    CHECK(tcp.leaves() == "0");
    CHECK(tcp.numbers().recovering());
    CHECK(tcp.numbers().congestion.threshold() < 6'000);
    return tcp;
}
TEST_CASE("D-SACK: what was sent again came twice, so the reduction is taken back, once",
          "[recovery][RFC 3708 2][RFC 4015 3][3708-1]") {
    auto tcp = overtaken<policies>(false);
    tcp.advance(50ms);
    tcp.hears_ack(10);
    CHECK(tcp.numbers().congestion.threshold() == 5'000);
    tcp.hears_ack(10, {{0, 1}});
    CHECK(tcp.numbers().congestion.threshold() >= 10'000);
    const auto once = tcp.numbers().congestion;
    tcp.hears_ack(10, {{0, 1}});
    tcp.hears_ack(10, {{0, 1}});
    CHECK(tcp.numbers().congestion == once);
}
TEST_CASE("D-SACK: not all that was sent again came twice, so the reduction stays", "[recovery][RFC 3708 2][3708-1]") {
    sender tcp{10};
    CHECK(tcp.leaves() == "0 1 2 3 4 5 6 7 8 9");
    tcp.advance(100ms);
    tcp.hears_ack(0, {{2, 6}});
    CHECK(tcp.leaves() == "0");
    tcp.hears_ack(0, {{2, 10}});
    CHECK(tcp.leaves() == "1");
    tcp.advance(100ms);
    tcp.hears_ack(10);
    tcp.hears_ack(10, {{0, 1}});
    CHECK(tcp.numbers().congestion.threshold() == 5'000);
}
TEST_CASE("D-SACK: what the network has repeated proves nothing, since it was not sent again",
          "[recovery][RFC 3708 2][3708-2]") {
    auto tcp = overtaken<policies>(false);
    SECTION("behind what was sent again") {
        tcp.hears_ack(0, {{3, 4}, {1, 5}});
        CHECK(tcp.numbers().recovering());
        tcp.advance(50ms);
        tcp.hears_ack(10);
    }
    SECTION("together with it") {
        tcp.advance(50ms);
        tcp.hears_ack(10, {{0, 2}});
    }
    CHECK(tcp.numbers().congestion.threshold() == 5'000);
    // The same for what was sent again.
    tcp.hears_ack(10, {{0, 1}});
    CHECK(tcp.numbers().congestion.threshold() >= 10'000);
}
TEST_CASE("Eifel in fast recovery: the ACK of the late segment takes the reduction back", "[recovery][RFC 3522 3.2]") {
    auto tcp = overtaken<policies>(true);
    tcp.advance(10ms);
    tcp.hears_ack(5, {}, 110ms);
    CHECK_FALSE(tcp.numbers().recovering());
    CHECK(tcp.numbers().congestion.threshold() >= 10'000);
    auto other = overtaken<never_undone>(true);
    other.advance(10ms);
    other.hears_ack(5, {}, 110ms);
    CHECK(other.numbers().recovering());
}

}  // namespace
