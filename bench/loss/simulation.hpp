// SPDX-License-Identifier: MIT
// simulation.hpp: flows that share one bottleneck, event by event.
#pragma once

#include "compressor.hpp"
#include "flow.hpp"
#include "link.hpp"

#include <tcpfsm/option_codec.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <stdexcept>
#include <utility>
#include <vector>

namespace bench {

/// Many senders, one link to all receivers, and a way back for each flow of its own.
class simulation {
public:
    explicit simulation(const link_settings& bottleneck) : forward_{bottleneck} { scheduled_.push_back(never); }

    /// A flow that begins at `starts`. Flows with other round trips differ in their way back.
    void add(std::unique_ptr<flow> f, const link_settings& back, nanos starts = {}, const host_habits& habits = {}) {
        flows_.push_back({std::move(f), link<passing>{back}, starts, ack_compressor{habits.compresses}, habits});
        scheduled_.resize(1 + 3 * flows_.size(), never);
        const std::size_t i = flows_.size() - 1;
        wake(timer_of(i, side::sender), starts);
    }
    /// Has `look` called so often, from now on.
    void every(nanos period, std::function<void(nanos)> look) {
        period_ = period;
        look_ = std::move(look);
        next_look_ = now_;
    }
    /// Lets time pass.
    void run(nanos until) {
        while (!heap_.empty() && heap_.top().at <= until) {
            const event e = heap_.top();
            heap_.pop();
            if (scheduled_[e.source] != e.at) continue;  // something was due earlier
            scheduled_[e.source] = never;
            while (look_ && next_look_ <= e.at) {
                look_(next_look_);
                next_look_ += period_;
            }
            if (e.at == now_ && ++at_once_ > 10'000'000) throw std::runtime_error{"a timer is due for ever"};
            if (e.at != now_) at_once_ = 0;
            now_ = e.at;
            serve(e.source);
        }
        now_ = until;
    }

    [[nodiscard]] const link<passing>& bottleneck() const { return forward_; }
    [[nodiscard]] const flow& of(std::size_t i) const { return *flows_[i].tcp; }
    [[nodiscard]] std::size_t flows() const { return flows_.size(); }
    [[nodiscard]] nanos now() const { return now_; }

private:
    static constexpr nanos never = nanos::max();
    struct seat {
        std::unique_ptr<flow> tcp;
        link<passing> back;
        nanos starts;
        ack_compressor acks;
        host_habits habits;
        bool open = false;
    };
    struct event {
        nanos at;
        std::uint64_t order;  // what was scheduled first goes first
        std::size_t source;
        friend bool operator<(const event& a, const event& b) {
            return std::pair{a.at, a.order} > std::pair{b.at, b.order};
        }
    };
    // Sources of events: the bottleneck, and for each flow its way back and the timers of its ends.
    static std::size_t back_of(std::size_t i) { return 1 + 3 * i; }
    static std::size_t timer_of(std::size_t i, side at) { return 2 + 3 * i + (at == side::sender ? 0 : 1); }

    /// A source that is due later than it was is looked at too early, and asked again.
    void wake(std::size_t source, nanos at) {
        if (at >= scheduled_[source]) return;
        scheduled_[source] = at;
        heap_.push({at, order_++, source});
    }
    void serve(std::size_t source) {
        if (source == 0) {
            while (const auto p = forward_.arrive(now_)) take(p->what.flow, side::receiver, p->what.seg, p->ecn);
            return wake(0, forward_.next());
        }
        const std::size_t i = (source - 1) / 3;
        seat& s = flows_[i];
        if (source == back_of(i)) {
            while (const auto p = s.back.arrive(now_)) take(i, side::sender, p->what.seg, p->ecn);
            return wake(source, s.back.next());
        }
        const side at = source == timer_of(i, side::sender) ? side::sender : side::receiver;
        if (!s.open) {
            s.open = true;
            s.tcp->open(now_);
        } else if (s.tcp->due(at) <= now_) {
            const tcpfsm::seq first = s.tcp->waits_for();
            if (s.tcp->time_out(at, now_)) count_timeout(i, first);
        }
        send(i, at);
    }
    void take(std::size_t i, side at, const tcpfsm::segment& seg, codepoint ecn) {
        flows_[i].tcp->take(at, seg, ecn, now_);
        send(i, at);
    }
    /// All that this end has to send, and when it wants to be asked next.
    void send(std::size_t i, side at) {
        seat& s = flows_[i];
        passing p{{}, static_cast<std::uint32_t>(i)};
        codepoint ecn{};
        const auto offer = [&] {
            const auto size = static_cast<std::uint32_t>(headers + tcpfsm::options_size(p.seg) + p.seg.text);
            (void)(at == side::sender ? forward_ : s.back).offer(p, size, ecn, now_);
        };
        while (s.tcp->poll(at, p.seg, ecn, now_)) {
            if (at == side::sender || s.acks.passes(p.seg, now_)) offer();
        }
        nanos due = s.tcp->due(at);
        if (at == side::sender) {
            if (due != never && s.habits.wakes_late != nanos{})
                due += nanos{static_cast<std::int64_t>(lateness_.roll() %
                                                       static_cast<std::uint64_t>(s.habits.wakes_late.count()))};
            wake(0, forward_.next());
        } else {
            if (const auto waited = s.acks.release(now_)) p.seg = *waited, offer();
            due = std::min(due, s.acks.next());
            wake(back_of(i), s.back.next());
        }
        wake(timer_of(i, at), std::max(now_, due));
    }
    void count_timeout(std::size_t i, tcpfsm::seq first) {
        flow& f = *flows_[i].tcp;
        ++f.counts.timeouts;
        const auto holds_it = [&](const passing& p) { return p.flow == i && first.in(p.seg.seq, p.seg.len()); };
        if (f.has_arrived(first) || forward_.carries(holds_it)) ++f.counts.spurious;
    }

    static constexpr std::size_t headers = 20 + 20;  // IPv4 and TCP, without options
    link<passing> forward_;
    dice lateness_{9293};
    std::vector<seat> flows_;
    std::vector<nanos> scheduled_;
    std::priority_queue<event> heap_;
    std::uint64_t order_ = 0;
    std::uint64_t at_once_ = 0;
    nanos now_{};
    nanos period_{};
    nanos next_look_{};
    std::function<void(nanos)> look_;
};

}  // namespace bench
