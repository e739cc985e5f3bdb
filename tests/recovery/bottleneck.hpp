// SPDX-License-Identifier: MIT
// bottleneck.hpp: a link with a rate, a queue and losses, and senders of which nothing exists but their congestion
// control: segments without numbers, ACKs that name what they acknowledge, time that jumps from event to event.
#pragma once

#include <tcpfsm/congestion/concept.hpp>
#include <tcpfsm/rate.hpp>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <set>
#include <vector>

namespace bottleneck {

using tcpfsm::duration;
using tcpfsm::path;
using tcpfsm::seq;
using tcpfsm::time_point;
using namespace std::chrono_literals;

/// What lies between the senders and their peers.
struct line {
    std::uint64_t rate = 12'500'000;  ///< octets per second
    duration rtt = 20ms;              ///< of the empty path
    std::uint32_t buffer = 256 << 10;
    std::uint32_t loss = 0;    ///< segments of a thousand that are lost before the queue
    duration bunch = 0ms;      ///< ACKs arrive together, once in so long
    duration delayed = 0ms;    ///< of two segments the first is acknowledged with the second, or after so long
    std::uint32_t marks = 0;   ///< segments that find more octets than this in the queue are marked; zero: none
    std::uint32_t tokens = 0;  ///< a policer instead of a queue: what exceeds the rate by so many octets is dropped
};

/// One sender, with a control that is `rate_based`.
template <class Control>
struct sender {
    struct record {
        std::uint64_t id;      // in the order of sending
        std::uint64_t number;  // which segment it is
        time_point at;
        tcpfsm::send_stamp stamp;
        bool again;
    };
    struct ack {
        time_point at;
        std::uint64_t id;
        bool marked = false;
        bool waits = false;
    };

    Control control{};
    tcpfsm::delivery_rate rate{};
    std::uint32_t smss = 1448;
    std::uint64_t app_rate = 0;  ///< what the user writes, octets per second; zero: all the time
    time_point starts{};
    time_point stops = tcpfsm::never;  ///< the user writes nothing from then on
    std::deque<record> flight{};
    std::deque<ack> acks{};
    std::deque<std::uint64_t> again{};  // segments to be sent once more
    std::set<std::uint64_t> open{};     // segments that nobody has acknowledged
    std::uint64_t next_id = 1, next_number = 0, recover = 0, marked_until = 0;
    std::int64_t next_send_ns = 0;
    time_point full_at{}, armed_at{}, sent_at{};
    duration srtt{}, rto = 1s;
    bool recovering = false, begun = false;
    std::uint64_t written_before = 0;

    // What a test looks at.
    std::uint64_t delivered = 0, sent = 0, lost = 0, timeouts = 0, marks = 0;

    [[nodiscard]] std::uint32_t in_flight() const { return static_cast<std::uint32_t>(flight.size()) * smss; }
    [[nodiscard]] std::uint64_t una() const { return open.empty() ? next_number : *open.begin(); }
    [[nodiscard]] path to_peer(time_point now, duration rtt = {}) const {
        path p;
        p.smss = smss;
        p.flight = static_cast<std::uint32_t>((next_number - una()) * smss);
        p.now = now;
        p.srtt = srtt;
        p.rtt = rtt;
        p.una = seq{static_cast<std::uint32_t>(una() * smss)};
        p.nxt = seq{static_cast<std::uint32_t>(next_number * smss)};
        p.limited = now - full_at <= srtt;
        return p;
    }
    /// When the user has the next segment; `never` if there will be none.
    [[nodiscard]] time_point text_at(time_point now) const {
        if (!again.empty()) return now;
        time_point at = std::max(now, starts);
        if (app_rate != 0) {
            const auto us = static_cast<std::int64_t>((next_number - written_before + 1) * smss * 1'000'000 / app_rate);
            at = std::max(at, starts + duration{us});
        }
        return at < stops ? at : tcpfsm::never;
    }
    [[nodiscard]] bool idle(time_point now) const { return text_at(now) > now && in_flight() < control.window(); }
};

/// The link and its senders.
template <class Control>
class network {
public:
    explicit network(line l, std::size_t senders = 1, std::uint32_t seed = 1) : link_{l}, dice_{seed | 1U} {
        flows.resize(senders);
        // ISNs tell the connections apart.
        for (std::size_t i = 0; i < senders; ++i) flows[i].next_number = roll();
        for (auto& f : flows) f.written_before = f.next_number;
    }
    std::vector<sender<Control>> flows;
    /// Told after every ACK.
    std::function<void(time_point, sender<Control>&, const tcpfsm::rate_sample&)> watch = [](auto, auto&, auto&) {};

    [[nodiscard]] line& path_between() { return link_; }
    [[nodiscard]] time_point now() const { return now_; }
    /// Octets that wait for the link.
    [[nodiscard]] std::uint64_t queue() const {
        const std::int64_t ahead = free_ns_ - ns(now_);
        return ahead <= 0 ? 0 : static_cast<std::uint64_t>(ahead) * link_.rate / 1'000'000'000U;
    }
    std::uint64_t dropped = 0, events = 0;
    std::uint64_t queue_sum = 0, queue_seen = 0, queue_max = 0;
    void look_away() { queue_sum = queue_seen = queue_max = 0; }

    void run_for(duration d) {
        const time_point end = now_ + d;
        for (;;) {
            sender<Control>* who = nullptr;
            time_point when = end;
            for (auto& f : flows) {
                const time_point t = due(f);
                if (t < when) {
                    when = t;
                    who = &f;
                }
            }
            if (who == nullptr) break;
            now_ = std::max(now_, when);
            ++events;
            serve(*who);
        }
        now_ = end;
    }

private:
    static std::int64_t ns(time_point t) { return t.time_since_epoch().count() * 1000; }
    std::uint32_t roll() {
        dice_ ^= dice_ << 13U;
        dice_ ^= dice_ >> 17U;
        return dice_ ^= dice_ << 5U;
    }
    time_point send_due(const sender<Control>& f) const {
        if (f.in_flight() + f.smss > f.control.window() && !f.flight.empty()) return tcpfsm::never;
        const time_point paced{duration{(f.next_send_ns + 999) / 1000}};
        return std::max(paced, f.text_at(now_));
    }
    time_point due(const sender<Control>& f) const {
        time_point t = f.begun ? send_due(f) : f.starts;
        if (!f.acks.empty()) t = std::min(t, f.acks.front().at);
        if (!f.flight.empty()) t = std::min(t, f.armed_at + f.rto);
        return t;
    }
    void serve(sender<Control>& f) {
        if (!f.begun) {
            f.begun = true;
            f.srtt = link_.rtt;  // the handshake has measured it
            f.full_at = now_;
            f.control.begin(f.to_peer(now_, f.srtt), false);
        } else if (!f.acks.empty() && f.acks.front().at <= now_) {
            take_acks(f);
        } else if (!f.flight.empty() && f.armed_at + f.rto <= now_) {
            time_out(f);
        } else {
            send(f);
        }
        if (f.begun && f.text_at(now_) <= now_ && f.in_flight() + f.smss > f.control.window()) f.full_at = now_;
    }
    void send(sender<Control>& f) {
        if (f.flight.empty() && f.rate.app_limited()) f.control.was_idle(f.to_peer(now_));
        const bool again = !f.again.empty();
        const std::uint64_t number = again ? f.again.front() : f.next_number++;
        if (again) f.again.pop_front();
        f.open.insert(number);
        if (f.flight.empty()) f.armed_at = now_;
        f.flight.push_back({f.next_id, number, now_, f.rate.stamp(now_, f.in_flight(), f.smss), again});
        f.sent += f.smss;
        f.sent_at = now_;
        const std::uint64_t rate = f.control.pacing_rate(f.to_peer(now_));
        const std::int64_t gap = rate == 0 ? 0 : static_cast<std::int64_t>(f.smss * 1'000'000'000ULL / rate);
        f.next_send_ns = std::max(f.next_send_ns, ns(now_)) + gap;
        cross(f, f.next_id++);
        if (f.idle(now_)) f.rate.mark_app_limited(f.in_flight());
    }
    void cross(sender<Control>& f, std::uint64_t id) {
        if (roll() % 1000 < link_.loss) return;
        if (link_.tokens != 0) return police(f, id);
        const std::uint64_t waiting = queue();
        queue_sum += waiting;
        ++queue_seen;
        queue_max = std::max(queue_max, waiting);
        if (waiting + f.smss > link_.buffer) {
            ++dropped;
            return;
        }
        free_ns_ = std::max(free_ns_, ns(now_)) + static_cast<std::int64_t>(f.smss * 1'000'000'000ULL / link_.rate);
        time_point back = time_point{duration{free_ns_ / 1000}} + link_.rtt;
        if (link_.bunch.count() != 0) back += link_.bunch - back.time_since_epoch() % link_.bunch;
        const bool second = !f.acks.empty() && f.acks.back().waits;
        if (second) {
            f.acks.back().at = back;
            f.acks.back().waits = false;
        } else if (!f.acks.empty()) {
            back = std::max(back, f.acks.back().at);
        }
        const bool waits = link_.delayed.count() != 0 && !second;
        f.acks.push_back({waits ? back + link_.delayed : back, id, link_.marks != 0 && waiting > link_.marks, waits});
    }
    void police(sender<Control>& f, std::uint64_t id) {
        const std::int64_t bucket = static_cast<std::int64_t>(link_.tokens * 1'000'000'000ULL / link_.rate);
        const std::int64_t full = std::max(free_ns_, ns(now_) - bucket);
        const std::int64_t used = full + static_cast<std::int64_t>(f.smss * 1'000'000'000ULL / link_.rate);
        if (used > ns(now_)) {
            ++dropped;
            return;
        }
        free_ns_ = used;
        f.acks.push_back({now_ + link_.rtt, id});
    }
    void take_acks(sender<Control>& f) {
        if (f.idle(now_)) f.rate.mark_app_limited(f.in_flight());
        duration rtt{};
        std::uint64_t newest = 0;
        bool marked = false;
        // Of those in flight, the ones named are delivered, and the ones three before them are lost.
        while (!f.acks.empty() && f.acks.front().at <= now_) {
            const std::uint64_t id = f.acks.front().id;
            marked = marked || f.acks.front().marked;
            f.acks.pop_front();
            const auto i = std::find_if(f.flight.begin(), f.flight.end(), [&](const auto& r) { return r.id == id; });
            if (i == f.flight.end()) continue;
            f.rate.taken(i->stamp, f.smss, i->at, i->again);
            if (!i->again) rtt = now_ - i->at;
            if (f.open.erase(i->number) != 0) f.delivered += f.smss;
            newest = id;
            f.flight.erase(i);
        }
        if (newest == 0) return;
        bool any = false;
        while (!f.flight.empty() && f.flight.front().id + 3 <= newest) {
            miss(f, f.flight.front());
            f.flight.pop_front();
            any = true;
        }
        if (any && !f.recovering) {
            f.recovering = true;
            f.recover = f.next_number;
            f.control.lost(f.to_peer(now_));
        }
        f.armed_at = now_;
        if (rtt.count() != 0) {
            f.srtt = f.srtt.count() == 0 ? rtt : (7 * f.srtt + rtt) / 8;
            f.rto = std::max<duration>(2 * f.srtt, 200ms);
        }
        const path p = f.to_peer(now_, rtt);
        if (marked && f.una() >= f.marked_until) {
            f.marked_until = f.next_number;  // once a window
            ++f.marks;
            f.control.marked(p);
        }
        const auto sample = f.rate.sample(now_, f.in_flight());
        f.control.delivered(p, sample);
        if (f.recovering && f.una() >= f.recover) {
            f.recovering = false;
            f.control.recovered(p);
        }
        watch(now_, f, sample);
    }
    void miss(sender<Control>& f, const typename sender<Control>::record& r) {
        f.lost += f.smss;
        f.control.missed(f.to_peer(now_),
                         f.rate.missed(r.stamp, seq{static_cast<std::uint32_t>(r.number * f.smss)}, f.smss));
        f.again.push_back(r.number);
    }
    void time_out(sender<Control>& f) {
        ++f.timeouts;
        f.control.timed_out(f.to_peer(now_), true);
        for (const auto& r : f.flight) miss(f, r);
        f.flight.clear();
        f.recovering = false;
        f.armed_at = now_;
        f.rto *= 2;
    }

    line link_;
    std::uint32_t dice_;
    time_point now_{};
    std::int64_t free_ns_ = 0;
};

}  // namespace bottleneck
