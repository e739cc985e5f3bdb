// SPDX-License-Identifier: MIT
// probe_and_syn.cpp: what loss recovery does at its edges: the first retransmission, the timer of a probe, a lost SYN.

#include <support/catch.hpp>
#include <support/states.hpp>

#include <chrono>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;
using enum tcpfsm::state;
using enum tcpfsm::answer;

/// An RTO of 300 ms for a round trip of 100 ms, as kernels have it: no later than the probe of a lone segment.
struct soon : policies {
    static constexpr rto_limits rto{1s, 200ms, 60s, 200ms};
};
struct with_text : policies {
    static constexpr bool text_on_syn = true;
};

/// ESTABLISHED with SACK, a round trip of 100 ms, and `n` segments in flight.
template <class P = policies>
basic_subject<P> sending(std::uint32_t n) {
    auto tcp = in(listen, basic_subject<P>{});
    tcp.gets("S 0:0(0) win 65535 <mss 1460,sackOK>"_seg);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    tcp.advance(100ms);
    tcp.gets(". 1:1(0) ack 1 win 65535"_seg);
    CHECK(tcp.send(n * 1460) == ok);
    for (std::uint32_t i = 0; i < n; ++i) CHECK(tcp.polls());
    return tcp;
}

}  // namespace

TEST_CASE("Recovery: the first retransmission goes at once, however little the proportion of the first ACK allows",
          "[RFC 9937 6][9937-7]") {
    auto tcp = sending(8);
    tcp.advance(100ms);
    tcp.gets(". 1:1(0) ack 1 win 65535 <sack 1461:2921>"_seg);
    tcp.gets(". 1:1(0) ack 1 win 65535 <sack 1461:4381>"_seg);
    CHECK_FALSE(tcp.polls());
    tcp.gets(". 1:1(0) ack 1 win 65535 <sack 1461:5841>"_seg);
    tcp.emits(". 1:1461(1460) ack 1"_seg);
}

TEST_CASE("Tail loss probe: where it is due together with the retransmission timer it takes that one's place",
          "[RFC 8985 7.3][8985-10]") {
    auto tcp = sending<soon>(1);
    tcp.advance(300ms);
    CHECK(tcp.numbers().snd.tail);
    CHECK(tcp.numbers().snd.retries == 0);
    tcp.emits("P. 1:1461(1460) ack 1"_seg);
    tcp.advance(300ms - 1us);  // RFC 8985 7.3: the retransmission timer begins anew with the probe
    CHECK_FALSE(tcp.polls());
    tcp.advance(1us);
    CHECK(tcp.numbers().snd.retries == 1);
    tcp.emits("P. 1:1461(1460) ack 1"_seg);
}

TEST_CASE("Timeout: the acknowledgment that ends its recovery is one of slow start", "[RFC 5681 3.1][5681-12]") {
    auto tcp = sending<soon>(1);
    tcp.advance(300ms);
    CHECK(tcp.polls());
    tcp.advance(300ms);
    CHECK(tcp.polls());
    CHECK(tcp.numbers().congestion.window() == 1460);
    tcp.advance(100ms);
    tcp.gets(". 1:1(0) ack 1461 win 65535"_seg);
    CHECK(tcp.numbers().congestion.window() == 2 * 1460);
}

TEST_CASE("SYN: text that went with one that was lost goes at once when the next is answered", "[RFC 7413 4.2.2]") {
    basic_subject<with_text> tcp{};
    tcp.does("OPEN", [&](auto& c, time_point now) {
        CHECK(c.open_active(tcp.given(), now) == ok);
        CHECK(c.send(100, now) == ok);
    });
    tcp.emits("S 0:100(100)"_seg);
    tcp.advance(1s);
    tcp.emits("S 0:0(0)"_seg);
    tcp.gets("S. 0:0(0) ack 1 win 65535 <mss 1460,sackOK>"_seg);
    const auto first = tcp.polls();
    REQUIRE(first);
    const auto text = first->segment.text != 0 ? first : tcp.polls();
    REQUIRE(text);
    CHECK(text->segment.text == 100);
    CHECK(text->segment.seq == tcp.in_world().ours + 1);
}
