// SPDX-License-Identifier: MIT
// flow.hpp: one endless transfer: a connection that sends as much as it may, and one that reads at once.
#pragma once

#include "link.hpp"

#include <tcpfsm/connection.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>

// Real connections, and only their numbers: no octet is copied, so that a simulated hour takes seconds.

namespace bench {

enum class side : std::uint8_t { sender, receiver };

/// What a flow did so far.
struct flow_counts {
    std::uint64_t delivered = 0;  ///< octets of text in order at the receiver
    std::uint64_t segments = 0;   ///< segments with text, all transmissions
    std::uint64_t again = 0;      ///< of these, not for the first time
    std::uint64_t needless = 0;   ///< of these, came to a receiver that had every octet of them
    std::uint64_t timeouts = 0;   ///< retransmission timeouts
    std::uint64_t spurious = 0;   ///< of these, although the first octet missing had arrived or was on its way
};

/// The sender's numbers at one moment, in octets.
struct flow_look {
    std::uint32_t window = 0, threshold = 0, flight = 0;
    std::chrono::microseconds srtt{};
};

/// A segment between the ends of a flow.
struct passing {
    tcpfsm::segment seg{};
    std::uint32_t flow = 0;
};

/// A flow of any policies. Time is the simulation's.
class flow {
public:
    virtual ~flow() = default;
    virtual void open(nanos now) = 0;
    virtual void take(side at, const tcpfsm::segment& seg, codepoint ecn, nanos now) = 0;
    /// The next segment that `at` sends; false if there is none.
    virtual bool poll(side at, tcpfsm::segment& out, codepoint& ecn, nanos now) = 0;
    [[nodiscard]] virtual nanos due(side at) const = 0;
    /// True if the sender's retransmission timer has expired.
    virtual bool time_out(side at, nanos now) = 0;
    /// The first octet that the sender waits for, and whether the receiver has it.
    [[nodiscard]] virtual tcpfsm::seq waits_for() const = 0;
    [[nodiscard]] virtual bool has_arrived(tcpfsm::seq octet) const = 0;
    [[nodiscard]] virtual flow_look look() const = 0;

    flow_counts counts{};
};

/// What a server chooses. All figures of the report are with these.
template <class Control, bool Paced = false>
struct server : tcpfsm::policies {
    using congestion = Control;
    static constexpr bool pacing = Paced;
    /// Gaps that a receiver can remember: as many as a slow start leaves that overflows a gigabit and 100 ms.
    static constexpr std::size_t reassembly_ranges = 8192;
    /// And ranges of what was sent: where text is paced, each segment may be one.
    static constexpr std::size_t sent_ranges = 32768;
    /// Text that comes late is seldom refused for its timestamp.
    static constexpr tcpfsm::duration timestamp_tick = std::chrono::milliseconds{50};
    /// The minimum, also of what is added to the round trip, is a kernel's, a fifth of the RFC's: on short round trips
    /// one second would be all that one sees.
    static constexpr tcpfsm::rto_limits rto{std::chrono::seconds{1}, std::chrono::milliseconds{200},
                                            std::chrono::seconds{60}, std::chrono::milliseconds{200}};
};

template <class Policies>
class bulk final : public flow {
public:
    explicit bulk(std::uint32_t buffer, tcpfsm::ecn_wish ecn = tcpfsm::ecn_wish::refuse) {
        given_.ecn = ecn;
        given_.snd_buff = given_.rcv_buff = std::min(buffer, (1U << 30U) - (1U << 14U));
        given_.user_timeout = tcpfsm::forever;
    }
    void open(nanos now) override {
        given_.iss = tcpfsm::seq{0x8000'0000};
        (void)receiver_.open_passive(given_, at(now));
        given_.iss = tcpfsm::seq{0xffff'0000};  // wraps soon
        (void)sender_.open_active(given_, at(now));
    }
    void take(side which, const tcpfsm::segment& arrived, codepoint ecn, nanos now) override {
        tcpfsm::segment seg = arrived;
        seg.ecn = static_cast<tcpfsm::ecn>(ecn);
        if (which == side::sender) {
            (void)sender_.handle_segment(seg, at(now));
            write(now);
            return;
        }
        if (seg.text != 0 && had_all(seg)) ++counts.needless;
        counts.delivered += receiver_.handle_segment(seg, at(now)).in_order;
        if (receiver_.readable() != 0) (void)receiver_.receive(receiver_.readable(), at(now));
    }
    bool poll(side which, tcpfsm::segment& out, codepoint& ecn, nanos now) override {
        auto owed = (which == side::sender ? sender_ : receiver_).poll_transmit(at(now));
        if (!owed) return false;
        out = owed->segment;
        ecn = static_cast<codepoint>(out.ecn);
        if (which == side::sender && out.text != 0) {
            ++counts.segments;
            if (counts.segments == 1) sent_ = out.seq;
            if (out.seq < sent_) ++counts.again;
            sent_ = tcpfsm::later(sent_, out.seq + out.text);
        }
        return true;
    }
    [[nodiscard]] nanos due(side which) const override {
        const auto t = (which == side::sender ? sender_ : receiver_).poll_timeout();
        return t == tcpfsm::never ? nanos::max() : nanos{t.time_since_epoch()};
    }
    bool time_out(side which, nanos now) override {
        const auto served = (which == side::sender ? sender_ : receiver_).handle_timeout(at(now));
        if (which == side::receiver) return false;
        write(now);
        return served.contains(tcpfsm::event::timeout_retransmission);
    }
    [[nodiscard]] tcpfsm::seq waits_for() const override { return sender_.numbers().snd.una; }
    [[nodiscard]] bool has_arrived(tcpfsm::seq octet) const override {
        return !receiver_.in(tcpfsm::state::listen) && octet < receiver_.numbers().rcv.nxt;
    }
    /// The sender's numbers, all of them.
    [[nodiscard]] const tcpfsm::tcb<Policies>& sender() const { return sender_.numbers(); }
    [[nodiscard]] flow_look look() const override {
        const auto& t = sender_.numbers();
        return {t.congestion.window(), t.congestion.threshold(), t.in_flight(), t.rtt.srtt()};
    }

private:
    using connection = tcpfsm::basic_connection<Policies>;
    [[nodiscard]] static tcpfsm::time_point at(nanos now) {
        return tcpfsm::time_point{std::chrono::duration_cast<tcpfsm::duration>(now)};
    }
    void write(nanos now) {
        if (sender_.in(tcpfsm::states::sending) && sender_.writable() != 0)
            (void)sender_.send(sender_.writable(), at(now));
    }
    [[nodiscard]] bool had_all(const tcpfsm::segment& seg) const {
        const auto& t = receiver_.numbers();
        const tcpfsm::seq end = seg.seq + seg.text;
        if (end <= t.rcv.nxt) return true;
        for (std::size_t i = 0; i < t.held.size(); ++i) {
            if (t.held[i].left <= seg.seq && end <= t.held[i].right) return true;
        }
        return false;
    }

    tcpfsm::parameters given_;
    connection sender_;
    connection receiver_;
    tcpfsm::seq sent_{};
};

}  // namespace bench
