// SPDX-License-Identifier: MIT
// rate.cpp: samples of the delivery rate, beside the definitions of draft-ietf-ccwg-bbr.

#include "support/catch.hpp"

#include <tcpfsm/rate.hpp>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

using namespace std::chrono_literals;
using tcpfsm::delivery_rate;
using tcpfsm::duration;
using tcpfsm::rate_sample;
using tcpfsm::send_stamp;
using tcpfsm::seq;
using tcpfsm::time_point;

namespace {

constexpr time_point at(duration d) { return time_point{d}; }

/// One record delivered alone.
constexpr rate_sample ack(delivery_rate& r, const send_stamp& s, duration sent, duration now, bool again = false) {
    r.taken(s, 1000, at(sent), again);
    return r.sample(at(now), 0);
}

// The flight begins now: its first record measures itself.
constexpr bool measures_the_first() {
    delivery_rate r;
    const send_stamp a = r.stamp(at(1s), 0, 1000);
    const rate_sample s = ack(r, a, 1s, 1100ms);
    return s.rate == 10'000 && s.interval == 100ms && s.delivered == 1000 && s.prior_delivered == 0 &&
           s.total == 1000 && s.rtt == 100ms && s.tx_in_flight == 1000 && s.newly_acked == 1000 && !s.app_limited;
}
static_assert(measures_the_first());

// Four records, 10 ms apart, and the fifth on the ACK of the first: it measures from that ACK on.
constexpr bool measures_a_round() {
    delivery_rate r;
    const send_stamp a = r.stamp(at(0ms), 0, 1000);
    const send_stamp b = r.stamp(at(10ms), 1000, 1000);
    const send_stamp c = r.stamp(at(20ms), 2000, 1000);
    const send_stamp d = r.stamp(at(30ms), 3000, 1000);
    if (ack(r, a, 0ms, 100ms).rate != 10'000) return false;
    const send_stamp e = r.stamp(at(105ms), 3000, 1000);
    if (ack(r, b, 10ms, 110ms).rate != 2000 * 1000 / 110) return false;
    if (ack(r, c, 20ms, 120ms).delivered != 3000) return false;
    ack(r, d, 30ms, 130ms);
    const rate_sample s = ack(r, e, 105ms, 205ms);
    // From the ACK at 100 to the ACK at 205 four records were delivered; they left between 0 and 105.
    return s.delivered == 4000 && s.prior_delivered == 1000 && s.interval == 105ms && s.rate == 38'095 &&
           s.rtt == 100ms && s.tx_in_flight == 4000;
}
static_assert(measures_a_round());

// ACKs that come in a bunch are not bandwidth: what counts is how long the data took to leave.
constexpr bool bunched_acks_are_not_bandwidth() {
    delivery_rate r;
    const send_stamp a = r.stamp(at(0ms), 0, 1000);
    ack(r, a, 0ms, 20ms);
    const send_stamp b = r.stamp(at(30ms), 0, 1000);
    const send_stamp c = r.stamp(at(60ms), 1000, 1000);
    r.taken(b, 1000, at(30ms), false);
    r.taken(c, 1000, at(60ms), false);
    const rate_sample s = r.sample(at(62ms), 0);  // c itself came back after 2 ms
    return s.delivered == 2000 && s.interval == 32ms;
}
static_assert(bunched_acks_are_not_bandwidth());
constexpr bool a_slow_departure_counts() {
    delivery_rate r;
    const send_stamp a = r.stamp(at(0ms), 0, 1000);
    const send_stamp b = r.stamp(at(40ms), 1000, 1000);
    if (ack(r, a, 0ms, 90ms).interval != 90ms) return false;
    const send_stamp c = r.stamp(at(95ms), 1000, 1000);
    r.taken(b, 1000, at(40ms), false);
    r.taken(c, 1000, at(95ms), false);
    const rate_sample s = r.sample(at(96ms), 0);       // 6 ms after the ACK before
    return s.delivered == 2000 && s.interval == 95ms;  // from 0 to 95 they left
}
static_assert(a_slow_departure_counts());

// The ACK of what was sent twice may be for the first transmission: no round trip, and no rate faster than one.
constexpr bool the_ack_of_a_repetition() {
    delivery_rate r;
    ack(r, r.stamp(at(0ms), 0, 1000), 0ms, 50ms);
    const send_stamp again = r.stamp(at(100ms), 0, 1000);
    rate_sample s = ack(r, again, 100ms, 101ms, true);
    if (s.rate != 0 || s.rtt != 0ms || s.delivered != 0 || s.newly_acked != 1000) return false;
    const send_stamp later = r.stamp(at(200ms), 0, 1000);
    s = ack(r, later, 200ms, 260ms, true);
    return s.rate == 1000 * 1000 / 60 && s.rtt == 0ms;
}
static_assert(the_ack_of_a_repetition());

// What was left idle is known, until what was in flight then is delivered.
constexpr bool an_idle_user_is_seen() {
    delivery_rate r;
    const send_stamp a = r.stamp(at(0ms), 0, 1000);
    r.mark_app_limited(1000);
    const send_stamp b = r.stamp(at(10ms), 1000, 1000);
    if (ack(r, a, 0ms, 50ms).app_limited || !r.app_limited()) return false;
    const send_stamp c = r.stamp(at(55ms), 1000, 1000);
    if (!ack(r, b, 10ms, 60ms).app_limited || r.app_limited()) return false;
    const send_stamp d = r.stamp(at(61ms), 1000, 1000);
    return ack(r, c, 55ms, 105ms).app_limited && !ack(r, d, 61ms, 111ms).app_limited;
}
static_assert(an_idle_user_is_seen());

// What was lost since a record left, and what was in flight with it.
constexpr bool losses_are_counted_from_the_departure() {
    delivery_rate r;
    const send_stamp a = r.stamp(at(0ms), 0, 1000);
    const send_stamp b = r.stamp(at(0ms), 1000, 3000);
    const tcpfsm::loss_sample lost = r.missed(a, seq{7}, 1000);
    if (lost != tcpfsm::loss_sample{seq{7}, 1000, 1000, 1000, 0, false}) return false;
    const send_stamp c = r.stamp(at(1ms), 3000, 500);
    r.missed(b, seq{1007}, 2000);
    r.taken(c, 500, at(1ms), false);
    const rate_sample s = r.sample(at(9ms), 0);
    return s.lost == 2000 && s.newly_lost == 3000 && s.tx_in_flight == 3500 && r.sample(at(10ms), 0).newly_lost == 0;
}
static_assert(losses_are_counted_from_the_departure());

// An ACK that delivers nothing says nothing of the rate.
static_assert([] {
    delivery_rate r;
    (void)r.stamp(at(0ms), 0, 1000);
    return r.sample(at(5ms), 1000) == rate_sample{.in_flight = 1000};
}());

// Two hours of silence are longer than 32 bits of microseconds: the rate that they give is small, not wrapped.
static_assert([] {
    delivery_rate r;
    ack(r, r.stamp(at(0ms), 0, 1000), 0ms, 1ms);
    (void)r.stamp(at(2ms), 0, 1000);
    const send_stamp late = r.stamp(at(2h), 1000, 1000);
    return ack(r, late, 2h, 2h + 1ms).rate == 0;
}());

/// The draft's section 4.1.2, word by word: instants in the packets, and no compact numbers.
struct oracle {
    struct packet {
        std::uint64_t delivered, lost, in_flight;
        time_point delivered_time, first_send_time, send_time;
        bool app_limited;
        bool again = false;
    };
    std::uint64_t delivered = 0, lost = 0, app_limited = 0;
    time_point delivered_time{}, first_send_time{}, began{};
    std::optional<packet> newest;

    packet sent(time_point now, std::uint64_t inflight, std::uint64_t octets) {
        if (inflight == 0) first_send_time = delivered_time = now;
        return {delivered, lost, inflight + octets, delivered_time, first_send_time, now, app_limited != 0};
    }
    void acked(const packet& p, std::uint64_t octets, time_point now) {
        delivered += octets;
        delivered_time = now;
        if (!newest) began = first_send_time;
        if (!newest || p.send_time >= first_send_time) {
            newest = p;
            first_send_time = p.send_time;
        }
    }
    rate_sample generate(time_point now, duration min_rtt) {
        rate_sample rs;
        if (app_limited != 0 && delivered > app_limited) app_limited = 0;
        rs.total = delivered;
        if (!newest) return rs;
        // Ours, not the draft's: a repetition that is back sooner than anything ever was tells nothing at all.
        if (newest->again && min_rtt.count() != 0 && now - newest->send_time < min_rtt) {
            first_send_time = began;
            newest.reset();
            return rs;
        }
        rs.interval = std::max(newest->send_time - newest->first_send_time, now - newest->delivered_time);
        rs.delivered = static_cast<std::uint32_t>(delivered - newest->delivered);
        rs.prior_delivered = newest->delivered;
        rs.tx_in_flight = static_cast<std::uint32_t>(newest->in_flight);
        rs.lost = static_cast<std::uint32_t>(lost - newest->lost);
        rs.app_limited = newest->app_limited;
        if (rs.interval.count() != 0)
            rs.rate = std::uint64_t{rs.delivered} * 1'000'000 / static_cast<std::uint64_t>(rs.interval.count());
        newest.reset();
        return rs;
    }
};

}  // namespace

TEST_CASE("every sample is what the draft's definitions give", "[bbr-1][bbr-2][bbr-3]") {
    rc::prop("any order of sending, delivery, loss and idleness", [] {
        struct sent {
            send_stamp stamp;
            oracle::packet packet;
            std::uint32_t octets;
            bool again;
        };
        delivery_rate rate;
        oracle draft;
        std::deque<sent> flight;
        std::uint32_t in_flight = 0;
        duration min_rtt = tcpfsm::forever;
        time_point now{duration{*rc::gen::inRange<std::int64_t>(-1'000'000'000, 1'000'000'000)}};
        const int steps = *rc::gen::inRange(1, 120);
        for (int i = 0; i < steps; ++i) {
            now += duration{*rc::gen::element(0, 1, 50, 1'000, 20'000, 3'000'000)};
            switch (*rc::gen::inRange(0, 6)) {
            case 0:
            case 1: {
                const auto octets = *rc::gen::inRange<std::uint32_t>(1, 70'000);
                flight.push_back({rate.stamp(now, in_flight, octets), draft.sent(now, in_flight, octets), octets,
                                  *rc::gen::arbitrary<bool>()});
                flight.back().packet.again = flight.back().again;
                in_flight += octets;
                break;
            }
            case 2: {
                if (flight.empty()) break;
                const auto n = *rc::gen::inRange<std::size_t>(0, flight.size());
                const auto octets = flight[n].octets;
                const auto told = rate.missed(flight[n].stamp, seq{5}, octets);
                draft.lost += octets;
                RC_ASSERT(told.lost == draft.lost - flight[n].packet.lost);
                RC_ASSERT(told.tx_in_flight == flight[n].packet.in_flight);
                in_flight -= octets;
                flight.erase(flight.begin() + static_cast<std::ptrdiff_t>(n));
                break;
            }
            case 3:
                rate.mark_app_limited(in_flight);
                draft.app_limited = std::max<std::uint64_t>(draft.delivered + in_flight, 1);
                break;
            default: {
                duration rtt{};
                std::uint32_t newly = 0;
                const bool part = *rc::gen::arbitrary<bool>();
                const auto percent = *rc::gen::inRange(0, 101);
                const auto before = draft.newest;
                time_point newest_at = time_point::min();
                for (auto i2 = flight.begin(); i2 != flight.end();) {
                    if (*rc::gen::inRange(0, 100) >= percent) {
                        ++i2;
                        continue;
                    }
                    // A record of several segments may be delivered in part.
                    const std::uint32_t octets = part ? (i2->octets + 1) / 2 : i2->octets;
                    rate.taken(i2->stamp, octets, i2->packet.send_time, i2->again);
                    draft.acked(i2->packet, octets, now);
                    if (i2->packet.send_time >= newest_at) {
                        newest_at = i2->packet.send_time;
                        rtt = i2->again ? duration{} : std::max(now - newest_at, duration{1});
                    }
                    newly += octets;
                    in_flight -= octets;
                    i2->octets -= octets;
                    i2 = i2->octets == 0 ? flight.erase(i2) : i2 + 1;
                }
                RC_ASSERT(!before);
                if (rtt.count() != 0) min_rtt = std::min(min_rtt, rtt);
                rate_sample want = draft.generate(now, min_rtt == tcpfsm::forever ? duration{} : min_rtt);
                rate_sample got = rate.sample(now, in_flight);
                want.rtt = rtt;
                want.newly_acked = newly;
                want.in_flight = in_flight;
                got.newly_lost = 0;
                RC_ASSERT(got == want);
                break;
            }
            }
            RC_ASSERT(rate.delivered() == draft.delivered);
            RC_ASSERT(rate.app_limited() == (draft.app_limited != 0));
        }
    });
}

TEST_CASE("numbers beyond 32 bits: samples go on as before", "[rate]") {
    delivery_rate rate;
    time_point now = at(1s);
    for (std::uint64_t sent = 0; sent < 3ULL << 32U; sent += 1U << 30U) {
        const send_stamp first = rate.stamp(now, 0, 1U << 29U);
        (void)rate.missed(first, seq{0}, 1U << 29U);
        const send_stamp second = rate.stamp(now, 0, 1U << 30U);
        rate.taken(second, 1U << 30U, now, false);
        now += 1s;
        const rate_sample s = rate.sample(now, 0);
        CHECK(s.rate == 1U << 30U);
        CHECK(s.prior_delivered == sent);
        CHECK(s.total == sent + (1U << 30U));
        CHECK(s.lost == 0);
        CHECK(rate.missed(second, seq{0}, 1).lost == 1);
    }
}

TEST_CASE("a link that gathers ACKs does not look faster than it is", "[bbr-1]") {
    // A record of 1000 octets each millisecond, and ACKs that arrive together every `bunch`.
    rc::prop("no sample beats the rate at which the data left", [] {
        const duration bunch{*rc::gen::inRange(1, 60) * 1000};
        const duration rtt{*rc::gen::inRange(1, 50) * 1000};
        struct record {
            send_stamp stamp;
            time_point at;
        };
        delivery_rate rate;
        std::deque<record> flight;
        for (time_point now = at(1s); now < at(3s); now += 1ms) {
            if (now.time_since_epoch() % bunch == duration{}) {
                while (!flight.empty() && flight.front().at + rtt <= now) {
                    rate.taken(flight.front().stamp, 1000, flight.front().at, false);
                    flight.pop_front();
                }
                RC_ASSERT(rate.sample(now, static_cast<std::uint32_t>(flight.size() * 1000)).rate <= 1'000'000);
            }
            flight.push_back({rate.stamp(now, static_cast<std::uint32_t>(flight.size() * 1000), 1000), now});
        }
    });
}
