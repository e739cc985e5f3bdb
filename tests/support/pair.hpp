// SPDX-License-Identifier: MIT
// pair.hpp: two connections, what lies between them, and one clock.
#pragma once

#include <support/subject.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

// Each side is a subject (subject.hpp), so all its checks hold at each step. The octets of a stream are
// modelled by their offset in it: the pair knows which offsets a segment carries, and fails if a side would
// store one at another place, calls one in order that never arrived, or frees one that the other side has
// not received in order.

namespace tcpfsm::test {

/// What a network does to one segment: when it arrives, each time that it does.
class fate {
public:
    constexpr fate() = default;
    constexpr fate(std::initializer_list<duration> delays) {
        for (const duration d : delays) delays_[size_++] = d;
    }
    [[nodiscard]] constexpr const duration* begin() const { return delays_.data(); }
    [[nodiscard]] constexpr const duration* end() const { return delays_.data() + size_; }

private:
    std::array<duration, 3> delays_{};
    std::size_t size_ = 0;
};

// A network is called with the number of each segment, the segment, which it may mark, and, if it takes it, the time.

/// A network that loses nothing but the segments with the numbers chosen; the first that crosses is 1.
struct wire_between {
    duration delay = std::chrono::milliseconds{10};
    std::vector<std::uint32_t> loses{};
    constexpr fate operator()(std::uint32_t number, const segment&) {
        return std::find(loses.begin(), loses.end(), number) == loses.end() ? fate{delay} : fate{};
    }
};

/// One segment that left a side.
struct crossing {
    bool from_a = false;
    bool lost = false;
    duration sent{};            ///< since the beginning
    tcpfsm::segment segment{};  ///< in relative numbers
};

/// The octets that one side has received, by their offsets in the stream.
class inbox {
public:
    /// False if `got` would put an octet of the text that begins at `offset` at a wrong place, or calls octets
    /// in order that never came.
    constexpr bool takes(std::uint32_t offset, const arrival& got) {
        if (got.text != 0 && offset + got.skip != in_order_ + got.at) return false;
        const std::size_t end = std::size_t{in_order_} + got.at + got.text;
        while (have_.size() < end) have_.push_back(0);
        for (std::size_t i = end - got.text; i < end; ++i) have_[i] = 1;
        if (have_.size() < std::size_t{in_order_} + got.in_order) return false;
        for (std::uint32_t i = 0; i < got.in_order; ++i) {
            if (have_[in_order_++] == 0) return false;
        }
        return true;
    }
    [[nodiscard]] constexpr std::uint32_t in_order() const { return in_order_; }

private:
    std::vector<char> have_;
    std::uint32_t in_order_ = 0;
};

/// Two connections, `a` and `b`. Numbers in scripts for `a` count from `w.ours` for a's own and from `w.peers`
/// for b's; for `b` the other way round.
template <class Network = wire_between, class Policies = policies>
class pair {
public:
    constexpr explicit pair(const world& w, const parameters& of_a = {}, const parameters& of_b = {},
                            Network between = {})
        : a{w, of_a}, b{mirrored(w), of_b}, between_{between}, begin_{w.begin} {
        a.follows_no_script();
        b.follows_no_script();
    }

    basic_subject<Policies> a;
    basic_subject<Policies> b;

    /// Takes what both owe, then lets the next thing happen: a segment arrives, or a timer is due. False if
    /// there is none.
    constexpr bool step(where w = where::here()) {
        collect(w);
        const time_point next = when_next();
        if (next == never) return false;
        const auto first = std::min_element(in_flight_.begin(), in_flight_.end(), sooner);
        if (first == in_flight_.end() || first->arrives > next) {
            pass_until(next, w);
            collect(w);
            return true;
        }
        const moving m = *first;
        in_flight_.erase(first);
        move_clock(a, next, w);
        move_clock(b, next, w);
        collect(w);
        deliver(m, w);
        collect(w);
        return true;
    }
    /// Steps as long as something happens within `limit`; then the clock stands at its end.
    constexpr void drive(duration limit, where w = where::here()) {
        const time_point end = a.now() + limit;
        for (collect(w); when_next() <= end; step(w)) {
        }
        pass_until(end, w);
    }
    /// Steps until nothing is in flight and nothing is acknowledged late; TIME-WAIT need not end. True unless it
    /// lasts longer than `limit`.
    constexpr bool drive_until_quiet(duration limit = std::chrono::minutes{1}, where w = where::here()) {
        const time_point end = a.now() + limit;
        while (!quiet(w)) {
            if (when_next() > end) return when_next() == never;
            step(w);
        }
        return true;
    }
    /// Steps until nothing can ever happen again. False if that takes more than `most` steps.
    constexpr bool finish(std::uint32_t most = 1'000'000, where w = where::here()) {
        for (std::uint32_t i = 0; i < most; ++i) {
            if (!step(w)) return true;
        }
        return false;
    }
    /// Everything that crossed.
    [[nodiscard]] constexpr const std::vector<crossing>& log() const { return log_; }
    [[nodiscard]] constexpr const inbox& received_by_a() const { return at_a_.received; }
    [[nodiscard]] constexpr const inbox& received_by_b() const { return at_b_.received; }
    /// The log as text, in a's numbers.
    [[nodiscard]] std::string transcript() const {
        std::string out;
        for (const crossing& c : log_) {
            out += fmt::format("{:>+12.6f}  {} {}{}\n", std::chrono::duration<double>(c.sent).count(),
                               c.from_a ? "a -> b" : "b -> a", to_script(c.segment), c.lost ? "   (lost)" : "");
        }
        return out;
    }

private:
    struct moving {
        time_point arrives{};
        std::uint32_t number = 0;  // of two that arrive together, the one that left first
        bool to_a = false;
        tcpfsm::segment segment{};
        std::uint32_t offset = 0;
    };
    struct end_of_stream {
        inbox received;
        std::uint32_t freed = 0;
    };
    static constexpr bool sooner(const moving& x, const moving& y) {
        return x.arrives != y.arrives ? x.arrives < y.arrives : x.number < y.number;
    }
    static constexpr world mirrored(world w) {
        std::swap(w.ours, w.peers);
        std::swap(w.our_stamp, w.peers_stamp);
        return w;
    }
    [[nodiscard]] constexpr time_point when_next() const {
        time_point next = std::min(a.conn().poll_timeout(), b.conn().poll_timeout());
        for (const moving& m : in_flight_) next = std::min(next, m.arrives);
        return next;
    }
    constexpr bool quiet(where w) {
        collect(w);
        const auto calm = [](const auto& side) {
            const send_sequence& snd = side.numbers().snd;
            return !snd.outstanding() && !snd.waiting() && side.numbers().ack_due == never;
        };
        return in_flight_.empty() && calm(a) && calm(b);
    }
    static constexpr void move_clock(basic_subject<Policies>& side, time_point t, where w) {
        if (side.now() < t) side.advance(t - side.now(), w);
    }
    constexpr void pass_until(time_point t, where w) {
        a.advance(t - a.now(), w);
        collect(a, true, w);
        b.advance(t - b.now(), w);
        collect(b, false, w);
    }
    constexpr fate cross(segment& seg, time_point now) {
        if constexpr (requires { between_(sent_, seg, now); }) {
            return between_(sent_, seg, now);
        } else {
            return between_(sent_, seg);
        }
    }
    constexpr void collect(where w) {
        collect(a, true, w);
        collect(b, false, w);
    }
    constexpr void collect(basic_subject<Policies>& from, bool from_a, where w) {
        while (auto out = from.polls(w)) {
            ++sent_;
            const fate f = cross(out->segment, from.now());
            log_.push_back({from_a, f.begin() == f.end(), from.now() - begin_, a.relative(out->segment, from_a)});
            const std::uint32_t offset = (from_a ? at_a_ : at_b_).freed + out->at;
            for (const duration d : f) in_flight_.push_back({from.now() + d, sent_, !from_a, out->segment, offset});
        }
    }
    constexpr void deliver(const moving& m, where w) {
        auto& to = m.to_a ? a : b;
        end_of_stream& here = m.to_a ? at_a_ : at_b_;
        const end_of_stream& there = m.to_a ? at_b_ : at_a_;
        const arrival got = to.hears(m.segment, w);
        if (!here.received.takes(m.offset, got)) to.fail("octets at a wrong place, or octets that never came", w);
        here.freed += got.acked;
        if (here.freed > there.received.in_order()) to.fail("octets are freed that the other side does not have", w);
    }

    Network between_;
    time_point begin_;
    std::vector<moving> in_flight_;
    std::vector<crossing> log_;
    end_of_stream at_a_;
    end_of_stream at_b_;
    std::uint32_t sent_ = 0;
};

}  // namespace tcpfsm::test
