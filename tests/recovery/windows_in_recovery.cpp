// SPDX-License-Identifier: MIT
// windows_in_recovery.cpp: losses, while the peer's window shuts or shrinks, and losses of the FIN.

#include "invariants.hpp"
#include "sender.hpp"

#include <chrono>
#include <cstdint>
#include <initializer_list>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;

struct by_count : policies {
    static constexpr bool rack_tlp = false;
};

/// An ACK as in `sender`, that offers this window.
template <class P>
std::string hears(sender<P>& tcp, std::uint32_t n, std::uint16_t window,
                  std::initializer_list<typename sender<P>::block> blocks = {}, where w = where::here()) {
    segment seg{.seq = seq{1}, .ack = seq{1 + n * 1000}, .ctl = ctl::ack, .wnd = window};
    for (const auto& b : blocks)
        seg.options.sack.at(seg.options.sack_count++) = {seq{1 + b.first * 1000}, seq{1 + b.second * 1000}};
    tcp.hears(tcp.from_peer(seg), w);
    recovery_holds(tcp);
    return tcp.leaves(w);
}

template <class P>
void shut() {
    sender<P> tcp{12};
    CHECK(tcp.leaves() == "0 1 2 3 4 5 6 7 8 9");
    tcp.advance(100ms);
    CHECK(hears(tcp, 0, 0, {{1, 5}}).empty());
    CHECK(tcp.numbers().recovering());
    SECTION("it opens before a probe: the loss is repaired at once") {
        tcp.advance(300ms);
        CHECK(hears(tcp, 0, 20'000, {{1, 5}}) == "0");
    }
    SECTION("probes: the first octet, and no timeout counts") {
        CHECK(tcp.waits() == 1s);
        CHECK(tcp.leaves() == "0:1");
        CHECK(tcp.waits() == 2s);
        CHECK(tcp.leaves() == "0:1");
        CHECK(tcp.numbers().snd.retries == 0);
        SECTION("they are refused") {
            CHECK(hears(tcp, 0, 0, {{1, 5}}).empty());
            CHECK(hears(tcp, 0, 20'000, {{1, 5}}).substr(0, 1) == "0");
        }
        SECTION("their octet is taken") {
            tcp.gets(". 1:1(0) ack 2 win 0 <sack 1001:5001>"_seg);
            CHECK(tcp.leaves().empty());
            tcp.gets(". 1:1(0) ack 2 win 20000 <sack 1001:5001>"_seg);
            CHECK(tcp.leaves().substr(0, 7) == "0+1:999");
        }
    }
    while (tcp.polls()) {
    }
    CHECK(hears(tcp, 10, 20'000) == "10 11");
    CHECK(hears(tcp, 12, 20'000).empty());
    CHECK(tcp.never_wakes());
}
TEST_CASE("A window that shuts in recovery: probes, and the repair goes on when it opens",
          "[recovery][RFC 9293 3.8.6.1][RFC 6675 4][MUST-36]") {
    SECTION("RACK") { shut<policies>(); }
    SECTION("RFC 6675") { shut<by_count>(); }
}

template <class P>
void shrunk() {
    sender<P> tcp{12};
    CHECK(tcp.leaves() == "0 1 2 3 4 5 6 7 8 9");
    tcp.advance(100ms);
    SECTION("what lies within it is repaired, the rest waits") {
        CHECK(hears(tcp, 0, 3500, {{1, 3}, {4, 6}, {7, 10}}) == "0 3:500");  // as far as it reaches
        CHECK(tcp.numbers().sent.board.lost() == 1500);
        CHECK(hears(tcp, 3, 500, {{4, 6}, {7, 10}}).empty());
        CHECK(hears(tcp, 3, 3000, {{4, 6}, {7, 10}}) == "3+500:500");
        CHECK(hears(tcp, 6, 0, {{7, 10}}).empty());
        CHECK(hears(tcp, 6, 1000, {{7, 10}}) == "6");
    }
    SECTION("a timeout repeats no more than fits") {
        CHECK(hears(tcp, 2, 500).empty());
        while (tcp.numbers().snd.retries == 0) tcp.advance(tcp.conn().poll_timeout() - tcp.now());
        CHECK(tcp.leaves() == "2:500");
    }
    CHECK(hears(tcp, 10, 20'000) == "10 11");
}
TEST_CASE("A window that shrinks over losses: repairs stay within it", "[recovery][3.8.6][SHLD-16][MUST-34]") {
    SECTION("RACK") { shrunk<policies>(); }
    SECTION("RFC 6675") { shrunk<by_count>(); }
}

template <class P>
void lost_fin() {
    sender<P> tcp{8};
    tcp.leaves_unpolled();
    CHECK(tcp.close() == answer::ok);
    CHECK(tcp.leaves() == "0 1 2 3 4 5 6 7F");
    tcp.is(state::fin_wait_1);
    tcp.advance(100ms);
    SECTION("behind a loss, and SACK tells of it") {
        tcp.gets(". 1:1(0) ack 1 <sack 1001:8002>"_seg);
        CHECK(tcp.leaves() == "0");
        tcp.is(state::fin_wait_1);
    }
    SECTION("with the text before it: both go again, in one segment") {
        tcp.gets(". 1:1(0) ack 1 <sack 1001:7001>"_seg);
        CHECK(tcp.leaves() == "0");
        tcp.hears_ack(7);
        CHECK(tcp.leaves().empty() == P::rack_tlp);  // RFC 6675 rescues it
        while (tcp.numbers().snd.retries == 0) {
            tcp.advance(tcp.conn().poll_timeout() - tcp.now());
            if (tcp.owes()) break;
        }
        CHECK(tcp.leaves() == "7F");
    }
    SECTION("its text arrived, and not the FIN: they are one segment no more") {
        tcp.hears_ack(8);
        tcp.is(state::fin_wait_1);
        while (!tcp.owes()) tcp.advance(tcp.conn().poll_timeout() - tcp.now());
        CHECK(tcp.leaves() == "8:0F");
    }
    tcp.gets(". 1:1(0) ack 8002"_seg);
    tcp.is(state::fin_wait_2);
    CHECK(tcp.leaves().empty());
    CHECK(tcp.never_wakes());
}
TEST_CASE("A FIN among losses goes again with its text, and its ACK leads on", "[recovery][3.10.7.4][RFC 6675 4]") {
    SECTION("RACK") { lost_fin<policies>(); }
    SECTION("RFC 6675") { lost_fin<by_count>(); }
}

TEST_CASE("A FIN that is lost alone: a probe of the tail brings it, without a timeout", "[recovery][RFC 8985 7.3]") {
    sender tcp{2};
    CHECK(tcp.leaves() == "0 1");
    CHECK(tcp.close() == answer::ok);
    CHECK(tcp.leaves() == "2:0F");
    tcp.advance(100ms);
    tcp.hears_ack(2);
    tcp.advance(tcp.conn().poll_timeout() - tcp.now());
    CHECK(tcp.numbers().snd.retries == 0);
    CHECK(tcp.leaves() == "2:0F");
    tcp.gets(". 1:1(0) ack 2002"_seg);
    tcp.is(state::fin_wait_2);
}

}  // namespace
