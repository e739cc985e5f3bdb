// SPDX-License-Identifier: MIT
// reports.cpp: what a connection tells its congestion control, and what comes of it.

#include <support/states.hpp>

#include <tcpfsm/congestion/cubic.hpp>
#include <tcpfsm/congestion/new_reno.hpp>
#include <tcpfsm/congestion/none.hpp>

#include <chrono>
#include <cstdint>
#include <deque>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;
using enum tcpfsm::state;
using enum tcpfsm::answer;

/// Remembers what it was told last.
struct listening : new_reno {
    path last{};
    constexpr void acked(const path& p, std::uint32_t octets) noexcept {
        last = p;
        new_reno::acked(p, octets);
    }
    friend constexpr bool operator==(const listening&, const listening&) noexcept = default;
};
template <class Control>
struct with : policies {
    using congestion = Control;
};

/// ESTABLISHED, with timestamps; full-sized segments have 988 octets.
template <class Control>
basic_subject<with<Control>> ready() {
    basic_subject<with<Control>> tcp{{.snd_buff = 100'000'000}};
    CHECK(tcp.open_active() == ok);
    CHECK(tcp.polls());
    tcp.advance(50ms);
    tcp.gets("S. 0:0(0) ack 1 win 65535 <mss 1000,TS val 1000 ecr 1000,wscale 14>"_seg);
    CHECK(tcp.polls());
    return tcp;
}
/// What has left and is not acknowledged: where it ends, and its timestamp.
struct sent {
    seq end;
    std::uint32_t stamp;
};
template <class Control>
void leave(basic_subject<with<Control>>& tcp, std::deque<sent>& flight) {
    while (const auto out = tcp.polls()) {
        flight.push_back({out->segment.seq + out->segment.text, out->segment.options.ts_val});
    }
}
template <class Control>
void acks(basic_subject<with<Control>>& tcp, const sent& s) {
    segment seg{.seq = tcp.in_world().peers + 1, .ack = s.end, .ctl = ctl::ack, .wnd = 65535};
    seg.options.has_timestamps = true;
    seg.options.ts_val = tcp.in_world().peers_stamp;
    seg.options.ts_ecr = s.stamp;
    tcp.hears(seg);
}

}  // namespace

TEST_CASE("congestion control: told of flight, time, and round trip, with each acknowledgment", "[congestion]") {
    auto tcp = ready<listening>();
    std::deque<sent> flight;
    const seq first = tcp.in_world().ours + 1;
    CHECK(tcp.send(10 * 988) == ok);
    leave(tcp, flight);
    REQUIRE(flight.size() == 10);
    tcp.advance(100ms);
    acks(tcp, flight[0]);
    const path one = tcp.numbers().congestion.last;
    CHECK(one.smss == 1000);
    CHECK(one.flight == 10 * 988);
    CHECK(one.rtt == 100ms);
    CHECK(one.srtt == 56'250us);  // 50 ms of the SYN, and an eighth of the difference
    CHECK(one.una == first + 988);
    CHECK(one.nxt == first + 10 * 988);
    CHECK(one.limited);
    tcp.advance(20ms);
    acks(tcp, flight[4]);  // five at once; the timestamp tells the round trip of the fifth
    const path five = tcp.numbers().congestion.last;
    CHECK(five.now - one.now == 20ms);
    CHECK(five.flight == 9 * 988);
    CHECK(five.rtt == 120ms);
    CHECK(five.una == first + 5 * 988);
    CHECK(five.limited);
    acks(tcp, flight[9]);
    CHECK(tcp.send(988) == ok);
    flight.clear();
    leave(tcp, flight);
    REQUIRE(flight.size() == 1);
    tcp.advance(100ms);
    acks(tcp, flight[0]);
    CHECK_FALSE(tcp.numbers().congestion.last.limited);
}

TEST_CASE("congestion control: HyStart++ ends slow start on a connection whose round trip grows, before any loss",
          "[congestion][9406-1]") {
    auto tcp = ready<cubic>();
    std::deque<sent> flight;
    CHECK(tcp.send(20'000'000) == ok);
    for (int round = 0; round < 12; ++round) {
        leave(tcp, flight);
        const std::uint32_t threshold = tcp.numbers().congestion.threshold();
        CAPTURE(round, threshold);
        if (round < 4) CHECK(threshold == 1U << 30U);
        if (round == 11) CHECK(threshold < 1'000'000);
        tcp.advance(round < 4 ? 50ms : 80ms);
        for (auto n = flight.size(); n != 0; --n) {
            acks(tcp, flight.front());
            flight.pop_front();
            leave(tcp, flight);
        }
    }
}

TEST_CASE("congestion control: without any, the peer's window alone says how much is in flight", "[congestion]") {
    auto tcp = ready<no_congestion_control>();
    std::deque<sent> flight;
    CHECK(tcp.send(1'000'000) == ok);
    leave(tcp, flight);
    CHECK(flight.size() == 65535 / 988);  // until a segment without SYN tells of the scaled window
    acks(tcp, flight[0]);
    leave(tcp, flight);
    CHECK(flight.size() == 1'000'000 / 988);  // Nagle keeps the rest
}
