// SPDX-License-Identifier: MIT
// rto_test.cpp: RFC 6298 against numbers computed from its formulas.

#include "support/catch.hpp"

#include <tcpfsm/rto.hpp>

#include <array>

using namespace std::chrono_literals;
using tcpfsm::duration;
using tcpfsm::round_trip;
using tcpfsm::rto_limits;

namespace {

constexpr rto_limits rfc{1s, 1s, 60s};
constexpr rto_limits bare{1s, 1us, 3600s};  // shows the raw value

struct row {
    duration sample, srtt, rttvar, rto;
};

// Every sample in turn gives these SRTT, RTTVAR and raw RTO; values that are not whole microseconds are cut.
template <std::size_t N>
constexpr bool follows(const std::array<row, N>& rows) {
    round_trip t;
    for (const row& r : rows) {
        t.sample(r.sample);
        const auto near = [](duration a, duration b) { return a - b <= 2us && b - a <= 2us; };
        if (!near(t.srtt(), r.srtt) || !near(t.rttvar(), r.rttvar) || !near(t.rto(bare), r.rto)) return false;
    }
    return true;
}

static_assert(follows(std::to_array<row>({{100ms, 100ms, 50ms, 300ms},
                                          {100ms, 100ms, 37500us, 250ms},
                                          {100ms, 100ms, 28125us, 212500us},
                                          {100ms, 100ms, 21094us, 184375us}})),
              "a steady round trip");
static_assert(follows(std::to_array<row>({{100ms, 100ms, 50ms, 300ms},
                                          {200ms, 112500us, 62500us, 362500us},
                                          {100ms, 110938us, 50ms, 310938us},
                                          {50ms, 103320us, 52734us, 314258us}})),
              "a varying round trip");
static_assert(follows(std::to_array<row>(
                  {{1s, 1s, 500ms, 3s}, {3s, 1250ms, 875ms, 4750ms}, {500ms, 1156250us, 843750us, 4531250us}})),
              "a long round trip");

constexpr duration after_samples(std::initializer_list<duration> samples, unsigned timeouts) {
    round_trip t;
    for (const duration d : samples) t.sample(d);
    for (unsigned i = 0; i < timeouts; ++i) t.back_off();
    return t.rto(rfc);
}

static_assert(after_samples({}, 0) == 1s, "(2.1) before the first sample");
static_assert(after_samples({100ms}, 0) == 1s, "(2.4) at least a second");
static_assert(after_samples({}, 1) == 2s && after_samples({}, 2) == 4s && after_samples({}, 5) == 32s, "(5.5) doubled");
static_assert(after_samples({}, 6) == 60s && after_samples({}, 60) == 60s, "(2.5) at most a minute, however often");
static_assert(after_samples({duration::max()}, 31) == 60s && after_samples({duration{-5}}, 0) == 1s,
              "no sample does harm");

constexpr bool a_sample_ends_backing_off() {
    round_trip t;
    t.back_off();
    t.back_off();
    t.sample(400ms);
    return t.rto(rfc) == 1200ms && t.backed_off() == 0;
}
static_assert(a_sample_ends_backing_off());

constexpr bool a_lost_syn_means_three_seconds() {
    round_trip t;
    t.back_off();
    t.restart_after_syn_loss();
    const bool three = t.rto(rfc) == 3s;
    t.sample(100ms);
    return three && t.rto(rfc) == 1s;
}
static_assert(a_lost_syn_means_three_seconds());

constexpr bool so_it_does_if_timestamps_gave_a_sample() {
    round_trip t;
    t.back_off();
    t.sample(100ms);
    t.restart_after_syn_loss();
    return t.rto(rfc) == 3s && t.srtt() == 100ms;
}
static_assert(so_it_does_if_timestamps_gave_a_sample());

}  // namespace

TEST_CASE("RTO: expiries of an unanswered segment lie at 1, 3, 7, 15, 31, 63, 123 s", "[RFC 6298][MUST-18][6298-13]") {
    round_trip t;
    duration at{};
    const std::array<duration, 8> expected{1s, 3s, 7s, 15s, 31s, 63s, 123s, 183s};
    for (const duration e : expected) {
        at += t.rto(rfc);
        CHECK(at == e);
        t.back_off();
    }
}

TEST_CASE("RTO: the deviation is that from the SRTT before the sample", "[RFC 6298 2.3][6298-4][6298-5]") {
    round_trip t;
    t.sample(100ms);
    t.sample(900ms);
    CHECK(t.srtt() == 200ms);
    CHECK(t.rttvar() == 237500us);  // 3/4 of 50 ms and 1/4 of 800 ms
    CHECK(t.rto(bare) == 1150ms);
}

TEST_CASE("RTO: any sequence of samples stays within what the samples were", "[RFC 6298]") {
    rc::prop("SRTT lies between the least and the greatest sample", [](const std::vector<std::uint32_t>& raw) {
        round_trip t;
        duration least = duration::max();
        duration most{};
        for (const std::uint32_t r : raw) {
            const duration d{1 + r % (1U << 28U)};
            least = std::min(least, d);
            most = std::max(most, d);
            t.sample(d);
            RC_ASSERT(t.srtt() >= least - 1us);
            RC_ASSERT(t.srtt() <= most);
            RC_ASSERT(t.rto(bare) >= t.srtt());
        }
    });
}
