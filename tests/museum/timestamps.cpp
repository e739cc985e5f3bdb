// SPDX-License-Identifier: MIT
// timestamps.cpp: timestamps that somebody forged, and clocks that come to their end.

#include "exhibit.hpp"

#include <tcpfsm/rto.hpp>

#include <chrono>
#include <cstdint>

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace tcpfsm::museum;
using namespace std::chrono_literals;
using enum tcpfsm::state;
using enum tcpfsm::answer;
using enum tcpfsm::signal;

namespace {

/// ESTABLISHED, with timestamps; TS.Recent is 1000.
template <class P>
basic_subject<P> stamped(basic_subject<P> tcp) {
    static_cast<void>(tcp.open_passive());
    tcp.gets("S 0:0(0) <mss 1460,TS val 1000 ecr 0>"_seg);
    tcp.emits("S. 0:0(0) ack 1 <mss 1460,TS val 1000 ecr 1000>"_seg);
    tcp.gets(". 1:1(0) ack 1 <TS val 1000 ecr 1000>"_seg);
    hear_all(tcp);
    return tcp;
}

// --- M72: a forged timestamp poisons TS.Recent (CVE-2005-0356) -------------------------------------------

/// TS.Recent is taken from whatever passes.
struct any_timestamp : mutant {};

}  // namespace

template <>
constexpr void tcpfsm::acknowledger<recorded<any_timestamp>>::take_timestamp(const segment& seg) noexcept {
    if (!seg.options.has_timestamps) return;
    t_.ts.recent = seg.options.ts_val;
    t_.ts.recent_at = now_;
}

namespace {

template <class P>
void forged_timestamp() {
    auto tcp = stamped(basic_subject<P>{});
    tcp.gets("P. 1000:1010(10) ack 1 <TS val 2147484000 ecr 1000>"_seg);  // in the window, beyond Last.ACK.sent
    tcp.emits(". 1:1(0) ack 1 <TS val 1000 ecr 1000>"_seg);
    tcp.gets("P. -99:-89(10) ack 1 <TS val 2147484000 ecr 1000>"_seg);  // an old number, outside of the window
    tcp.emits(". 1:1(0) ack 1 <TS val 1000 ecr 1000>"_seg);
    expect(tcp.gets("P. 1:11(10) ack 1 <TS val 1001 ecr 1000>"_seg).in_order == 10, "the peer is still heard");
}

TEST_CASE("A forged timestamp does not make the segments of the peer look old", "[museum][M72][RFC 7323 4.3]") {
    forged_timestamp<policies>();
    CHECK(caught([] { forged_timestamp<any_timestamp>(); }));
}

// --- M73: idle for longer than half of the timestamp's range --------------------------------------------------

/// TS.Recent is believed for ever.
struct timeless_paws : mutant {};

}  // namespace

template <>
constexpr bool tcpfsm::fails_paws<recorded<timeless_paws>>(const tcb<recorded<timeless_paws>>& t, const segment& seg,
                                                           time_point) noexcept {
    const std::uint32_t behind = t.ts.recent - seg.options.ts_val;
    return behind != 0 && behind < 0x80000000U;
}

namespace {

template <class P>
void long_idle() {
    auto tcp = stamped(basic_subject<P>{});
    auto earlier = tcp;
    earlier.advance(23 * 24h);
    earlier.gets("P. 1:11(10) ack 1 <TS val 999 ecr 1000>"_seg);
    earlier.emits(". 1:1(0) ack 1"_seg);
    expect(earlier.judged() == event::rcv_paws, "not yet");

    tcp.advance(25 * 24h);
    // The peer's clock has gone on by 2,160,000,000 ms, which is more than 2^31.
    expect(tcp.gets("P. 1:11(10) ack 1 <TS val 2160001000 ecr 1000>"_seg).in_order == 10, "text after a long time");
    tcp.advance(40ms);
    tcp.emits(". 1:1(0) ack 11"_seg);
    expect(tcp.gets("P. 11:21(10) ack 1 <TS val 2160001001 ecr 1000>"_seg).in_order == 10, "and more of it");
    tcp.gets("P. 21:31(10) ack 1 <TS val 2160001000 ecr 1000>"_seg);
    expect(tcp.judged() == event::rcv_paws, "the new TS.Recent counts");
    tcp.emits(". 1:1(0) ack 21"_seg);
}

TEST_CASE("A connection that was idle for 24 days is not deaf afterwards", "[museum][M73][RFC 7323 5.5]") {
    long_idle<policies>();
    CHECK(caught([] { long_idle<timeless_paws>(); }));
}

// --- M75: 32 bits of milliseconds come to their end after 49.7 days -----------------------------------------------

/// The clock stops at its largest number.
struct clock_that_stops : mutant {};

}  // namespace

template <>
constexpr time_point tcpfsm::next_due<recorded<clock_that_stops>>(const tcb<recorded<clock_that_stops>>& t,
                                                                  state at) noexcept {
    time_point first = never;
    for (const timer which : all_timers) first = std::min(first, due(t, which, at));
    const std::int64_t ms = first.time_since_epoch().count() / 1000;
    return ms > 0xffff'ffff ? never : first;
}

namespace {

template <class P>
void life_at_the_end_of_a_clock() {
    constexpr std::int64_t second = 1'000'000;
    for (const std::int64_t wrap : {std::int64_t{1} << 31, std::int64_t{1} << 32, (std::int64_t{1} << 31) * 1000,
                                    (std::int64_t{1} << 32) * 1000}) {
        for (const std::int64_t before : {std::int64_t{1000}, second / 2, 5 * second / 2, 180 * second}) {
            const world w{"a clock that is about to wrap", seq{1}, seq{2}, instant(wrap - before), 1000, 1000};
            auto tcp = stamped(basic_subject<P>{w});
            expect(tcp.send(100) == ok, "text");
            tcp.emits("P. 1:101(100) ack 1 <TS val 1000 ecr 1000>"_seg);
            tcp.wakes_in(1s);
            tcp.advance(1s);
            tcp.emits("P. 1:101(100) ack 1 <TS val 2000 ecr 1000>"_seg);
            tcp.wakes_in(2s);
            tcp.advance(500ms);
            tcp.gets("P. 1:11(10) ack 101 <TS val 2500 ecr 2000>"_seg);
            tcp.wakes_in(40ms);
            tcp.advance(40ms);
            tcp.emits(". 101:101(0) ack 11 <TS val 2540 ecr 2500>"_seg);
            expect(tcp.numbers().rtt.srtt() < 501ms, "no round trip of 49 days");
            expect(tcp.close() == ok, "and an end");
            tcp.emits("F. 101:101(0) ack 11"_seg);
            tcp.gets("F. 11:11(0) ack 102 <TS val 2540 ecr 2540>"_seg);
            tcp.emits(". 102:102(0) ack 12"_seg);
            tcp.is(time_wait);
            tcp.wakes_in(4min);
            tcp.advance(4min);
            tcp.is(closed);
        }
    }
}

TEST_CASE("Timers do not stop when a 32-bit clock would have come to its end", "[museum][M75]") {
    life_at_the_end_of_a_clock<policies>();
    CHECK(caught([] { life_at_the_end_of_a_clock<clock_that_stops>(); }));
}

// --- M76: round trips of nothing, of eternity, and of nobody knows which segment -------------------------------------

/// Whatever was acknowledged, the time since it was last sent is a round trip.
struct no_karn : mutant {};

}  // namespace

template <>
constexpr duration tcpfsm::acknowledger<recorded<no_karn>>::measure(const segment&) noexcept {
    t_.rtt.sample(now_ - t_.timed_at);
    return now_ - t_.timed_at;
}

namespace {

template <class P>
void odd_round_trips() {
    auto at_once = in(established, basic_subject<P>{});
    expect(at_once.send(100) == ok, "text");
    at_once.emits("P. 1:101(100) ack 1"_seg);
    at_once.gets(". 1:1(0) ack 101"_seg);
    expect(at_once.send(100) == ok, "more");
    at_once.emits("P. 101:201(100) ack 1"_seg);
    at_once.wakes_in(1s);

    auto late = stamped(basic_subject<P>{});
    expect(late.send(100) == ok, "text");
    late.emits("P. 1:101(100) ack 1"_seg);
    expect(late.loses(200s) != 0, "of which other copies are lost");
    late.gets(". 1:1(0) ack 101 <TS val 201000 ecr 1000>"_seg);  // this one was late
    expect(late.send(100) == ok, "more");
    late.emits("P. 101:201(100) ack 1"_seg);
    late.wakes_in(60s);
    late.gets(". 1:1(0) ack 201 <TS val 201000 ecr 900000>"_seg);  // from the future
    expect(late.send(100) == ok, "and more");
    late.emits("P. 201:301(100) ack 1"_seg);
    late.wakes_in(1s);  // sent once, and timed by our own clock

    auto ambiguous = in(established, basic_subject<P>{});
    expect(ambiguous.send(100) == ok, "text");
    ambiguous.emits("P. 1:101(100) ack 1"_seg);
    ambiguous.advance(1s);
    ambiguous.emits("P. 1:101(100) ack 1"_seg);
    ambiguous.gets(". 1:1(0) ack 101"_seg);  // of which of them?
    expect(ambiguous.send(100) == ok, "more");
    ambiguous.emits("P. 101:201(100) ack 1"_seg);
    ambiguous.wakes_in(2s);  // still backed off
    ambiguous.advance(100ms);
    ambiguous.gets(". 1:1(0) ack 201"_seg);
    expect(ambiguous.send(100) == ok, "and more");
    ambiguous.emits("P. 201:301(100) ack 1"_seg);
    ambiguous.wakes_in(1s);  // a clean sample ends it
}

/// 32 bits of microseconds, as they come.
class truncating {
public:
    constexpr void sample(duration r) noexcept { srtt_ = static_cast<std::uint32_t>(r.count()); }
    constexpr void back_off() noexcept { srtt_ *= 2; }
    [[nodiscard]] constexpr duration rto(const rto_limits& limits) const noexcept {
        return std::max(duration{srtt_}, limits.minimum);
    }

private:
    std::uint32_t srtt_ = 0;
};

template <class RoundTrip>
void odd_samples() {
    constexpr rto_limits limits{1s, 1ms, 60s};
    const auto within = [&](duration r) {
        RoundTrip rtt;
        rtt.sample(r);
        for (int i = 0; i < 100; ++i) {
            expect(rtt.rto(limits) >= limits.minimum && rtt.rto(limits) <= limits.maximum, "an RTO within its limits");
            if (r >= 60s) expect(rtt.rto(limits) == limits.maximum, "a very long round trip, and a long timeout");
            rtt.back_off();
        }
        rtt.sample(2ms);
        expect(rtt.rto(limits) < 61s, "the next sample ends the backing off");
    };
    for (const duration r : {duration{0}, duration{1}, duration{1ms}, duration{60s}, duration{72min},
                             duration{50 * 24h}, duration{(std::int64_t{1} << 32) + 5}, forever}) {
        within(r);
    }
}

TEST_CASE("No round trip makes the retransmission timeout zero or endless", "[museum][M76][RFC 6298 2][RFC 6298 5]") {
    odd_samples<round_trip>();
    CHECK(caught([] { odd_samples<truncating>(); }));
}
TEST_CASE("A round trip of nobody knows which transmission is not believed", "[museum][M76][RFC 6298 3][Karn]") {
    odd_round_trips<policies>();
    CHECK(caught([] { odd_round_trips<no_karn>(); }));
}

}  // namespace
