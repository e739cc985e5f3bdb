// SPDX-License-Identifier: MIT
// rate.hpp: how fast the path delivers, measured by the sender alone.
#pragma once

#include <tcpfsm/seq.hpp>
#include <tcpfsm/time.hpp>

#include <algorithm>
#include <cstdint>

// draft-ietf-ccwg-bbr, "Delivery Rate Samples". Each transmission takes a stamp with it: how much was delivered
// when it left. When it is delivered itself, the difference is what the path has delivered meanwhile, and the
// time for it is the longer of two: how long the ACKs took to come, and how long the data took to leave. So
// neither ACKs that come in a bunch nor data that left in a bunch can look like bandwidth.
//
// The draft keeps instants in the record of each packet; here they are spans before the sending, which saturate
// where an instant of 32 bits would wrap. Everything is in octets, never in segments: one record may hold several
// segments that left together, and may be delivered piece by piece.

namespace tcpfsm {

/// What the record of a transmission carries: the numbers of the sender when it left.
struct send_stamp {
    std::uint32_t delivered = 0;        ///< delivered so far, modulo 2^32 (P.delivered)
    std::uint32_t lost = 0;             ///< found lost so far, modulo 2^32 (P.lost)
    std::uint32_t quiet = 0;            ///< microseconds since the last delivery (P.send_time - P.delivered_time)
    std::uint32_t sending = 0;          ///< microseconds since its flight began (P.send_time - P.first_send_time)
    std::uint32_t in_flight : 31 = 0;   ///< octets in flight, itself among them (P.tx_in_flight)
    std::uint32_t app_limited : 1 = 0;  ///< the user had left the path idle (P.is_app_limited)
    friend constexpr bool operator==(const send_stamp&, const send_stamp&) noexcept = default;
};

/// What an ACK tells about the path. What stands before `newly_acked`, but for `total`, speaks of the most recently
/// sent record that it delivered, and is zero if it delivered none, or if it was for an earlier transmission of that
/// record.
struct rate_sample {
    std::uint64_t rate = 0;             ///< octets per second (RS.delivery_rate); zero if nothing can be said
    duration interval{};                ///< the time in which `delivered` was delivered
    std::uint32_t delivered = 0;        ///< octets delivered since the record left
    std::uint64_t prior_delivered = 0;  ///< octets ever delivered before the record left
    std::uint64_t total = 0;            ///< octets ever delivered (C.delivered)
    duration rtt{};                     ///< round trip of the record; zero if it was sent more than once
    std::uint32_t tx_in_flight = 0;     ///< octets in flight when the record left, itself among them
    std::uint32_t lost = 0;             ///< octets found lost since the record left
    bool app_limited = false;           ///< the rate is the user's, not the path's
    std::uint32_t newly_acked = 0;      ///< octets that this ACK has delivered
    std::uint32_t newly_lost = 0;       ///< octets found lost since the ACK before
    std::uint32_t in_flight = 0;        ///< octets in flight after this ACK
    friend constexpr bool operator==(const rate_sample&, const rate_sample&) noexcept = default;
};

/// What is known of a record when it is found lost.
struct loss_sample {
    seq from{};                      ///< its first number
    std::uint32_t octets = 0;        ///< its size
    std::uint32_t tx_in_flight = 0;  ///< octets in flight when it left, itself among them
    std::uint32_t lost = 0;          ///< octets found lost since it left, itself among them
    std::uint64_t total = 0;         ///< octets ever delivered (C.delivered)
    bool app_limited = false;        ///< it left when the user held the rate down
    friend constexpr bool operator==(const loss_sample&, const loss_sample&) noexcept = default;
};

/// Measures the rate of one connection: `stamp` for each transmission, `taken` for each record that an ACK delivers, in
/// the order of their numbers, `missed` for each that is found lost, and `sample` when the ACK has been worked through.
class delivery_rate {
public:
    /// `octets` leave now, while `in_flight` others are in flight.
    constexpr send_stamp stamp(time_point now, std::uint32_t in_flight, std::uint32_t octets) noexcept {
        if (in_flight == 0) flight_began_ = delivered_at_ = now;
        const std::uint32_t with_these = in_flight + std::min(octets, most - std::min(in_flight, most));
        send_stamp out{static_cast<std::uint32_t>(delivered_), lost_, span(now - delivered_at_),
                       span(now - flight_began_)};
        out.in_flight = with_these & most;
        out.app_limited = app_limited() ? 1U : 0U;
        return out;
    }
    /// `octets` of a record are delivered. It left at `sent_at`; `again`: not for the first time.
    constexpr void taken(const send_stamp& s, std::uint32_t octets, time_point sent_at, bool again) noexcept {
        delivered_ += octets;
        newly_acked_ += octets;
        if (any_ && sent_at < newest_at_) return;
        any_ = true;
        again_ = again;
        newest_ = s;
        newest_at_ = sent_at;
    }
    /// The `octets` from `from` on, which left with stamp `s`, are lost.
    constexpr loss_sample missed(const send_stamp& s, seq from, std::uint32_t octets) noexcept {
        lost_ += octets;
        newly_lost_ += octets;
        return {from, octets, s.in_flight, lost_ - s.lost, delivered_, s.app_limited != 0};
    }
    /// The ACK that came now is worked through, and has left `in_flight` octets in flight.
    constexpr rate_sample sample(time_point now, std::uint32_t in_flight) noexcept {
        rate_sample out{
            .total = delivered_, .newly_acked = newly_acked_, .newly_lost = newly_lost_, .in_flight = in_flight};
        newly_acked_ = newly_lost_ = 0;
        if (delivered_ > limited_until_) limited_until_ = 0;
        if (!any_) return out;
        any_ = false;
        delivered_at_ = now;
        // Faster than any round trip: the ACK was for an earlier transmission, and this one tells nothing.
        if (again_ && min_rtt_ != forever && now - newest_at_ < min_rtt_) return out;
        flight_began_ = newest_at_;
        if (!again_) {
            out.rtt = std::max(now - newest_at_, duration{1});
            min_rtt_ = std::min(min_rtt_, out.rtt);
        }
        out.delivered = static_cast<std::uint32_t>(delivered_) - newest_.delivered;
        out.prior_delivered = delivered_ - out.delivered;
        out.tx_in_flight = newest_.in_flight;
        out.lost = lost_ - newest_.lost;
        out.app_limited = newest_.app_limited != 0;
        out.interval = std::max(now - newest_at_ + duration{newest_.quiet}, duration{newest_.sending});
        if (out.interval.count() > 0)
            out.rate = std::uint64_t{out.delivered} * 1'000'000U / static_cast<std::uint64_t>(out.interval.count());
        return out;
    }
    /// There was room to send and nothing to be sent, while `in_flight` octets were in flight: what leaves until these
    /// are delivered measures the user.
    constexpr void mark_app_limited(std::uint32_t in_flight) noexcept {
        limited_until_ = std::max<std::uint64_t>(delivered_ + in_flight, 1);
    }

    /// What leaves now measures the user (C.app_limited).
    [[nodiscard]] constexpr bool app_limited() const noexcept { return limited_until_ != 0; }
    /// Octets ever delivered (C.delivered).
    [[nodiscard]] constexpr std::uint64_t delivered() const noexcept { return delivered_; }

    friend constexpr bool operator==(const delivery_rate&, const delivery_rate&) noexcept = default;

private:
    static constexpr std::uint32_t most = 0x7fffffff;
    static constexpr std::uint32_t span(duration d) noexcept {
        return static_cast<std::uint32_t>(std::clamp<duration::rep>(d.count(), 0, 0xffffffff));
    }

    std::uint64_t delivered_ = 0;
    std::uint64_t limited_until_ = 0;  // zero: the user does not hold the rate down
    time_point delivered_at_{};        // of the last delivery, or of the first sending after all was delivered
    time_point flight_began_{};        // when the newest record left that is delivered (C.first_send_time)
    duration min_rtt_ = forever;       // of all round trips
    std::uint32_t lost_ = 0;           // modulo 2^32

    // What the ACK that is being worked through has delivered, and its most recently sent record.
    std::uint32_t newly_acked_ = 0;
    std::uint32_t newly_lost_ = 0;
    time_point newest_at_{};
    send_stamp newest_{};
    bool any_ = false;
    bool again_ = false;
};

static_assert(sizeof(send_stamp) == 20);

}  // namespace tcpfsm
