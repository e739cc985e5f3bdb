// SPDX-License-Identifier: MIT
// sender.hpp: a sender of segments of 1000 octets, in a script that speaks of segments.
#pragma once

#include <support/states.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>

namespace tcpfsm::test {

/// ESTABLISHED after a round trip of 100 ms, with a peer that agreed to SACK. Segment n is the octets 1000 n to
/// 1000 n + 999 of the text.
template <class P = policies>
class sender : public basic_subject<P> {
public:
    using block = std::pair<std::uint32_t, std::uint32_t>;  ///< segments [first, second)
    static constexpr std::uint32_t size = 1000;
    static constexpr duration round_trip = std::chrono::milliseconds{100};

    /// `stamps`: the peer agrees to timestamps, too.
    explicit sender(std::uint32_t segments = 0, bool stamps = false, where w = where::here())
        : basic_subject<P>{parameters{.snd_buff = 10'000'000}}, stamps_{stamps} {
        static_cast<void>(this->open_active(w));
        this->emits("S 0:0(0)"_seg, w);
        this->advance(round_trip, w);
        if (stamps) {
            this->gets("S. 0:0(0) ack 1 <mss 1012,sackOK,TS val 1000 ecr 1000>"_seg, w);
        } else {
            this->gets("S. 0:0(0) ack 1 <mss 1000,sackOK>"_seg, w);
        }
        this->emits(". 1:1(0) ack 1"_seg, w);
        hear_all(*this);
        if (segments != 0) give(segments, w);
    }
    /// The user sends so many segments.
    void give(std::uint32_t segments, where w = where::here()) {
        if (this->send(segments * size, w) != answer::ok) this->fail("SEND is refused", w);
    }
    /// All that leaves now, by numbers: "0 1 2"; a part of a segment with its octets: "3:10"; "F" ends the text.
    std::string leaves(where w = where::here()) {
        std::string out;
        while (const auto t = this->polls(w)) {
            const segment& seg = t->segment;
            if (seg.len() == 0) continue;
            const std::uint32_t at = seg.seq - this->in_world().ours - 1;
            out += fmt::format("{}{}", out.empty() ? "" : " ", at / size);
            if (at % size != 0) out += fmt::format("+{}", at % size);
            if (seg.text != size) out += fmt::format(":{}", seg.text);
            if (seg.has(ctl::fin)) out += "F";
        }
        return out;
    }
    /// An ACK of all segments before `n`, with SACK blocks; a timestamp echoes what was sent `age` ago.
    void hears_ack(std::uint32_t n, std::initializer_list<block> blocks = {}, duration age = round_trip,
                   where w = where::here()) {
        segment seg{.seq = seq{1}, .ack = seq{1 + n * size}, .ctl = ctl::ack, .wnd = 65535};
        for (const block& b : blocks)
            seg.options.sack.at(seg.options.sack_count++) = {seq{1 + b.first * size}, seq{1 + b.second * size}};
        if (stamps_) {
            const auto ms = static_cast<std::uint32_t>((this->now() - this->in_world().begin).count() / 1000);
            seg.options.has_timestamps = true;
            seg.options.ts_val = 1000 + ms;
            seg.options.ts_ecr = 1000 + ms - static_cast<std::uint32_t>(age.count() / 1000);
        }
        this->hears(this->from_peer(seg), w);
    }
    /// Time passes until the next timer is due. Answers how long that was.
    duration waits(where w = where::here()) {
        const time_point before = this->now();
        this->advance(this->conn().poll_timeout() - before, w);
        return this->now() - before;
    }
    /// Octets in flight, as far as is known.
    [[nodiscard]] std::uint32_t pipe() const { return this->numbers().in_flight(); }
    /// Octets that may be.
    [[nodiscard]] std::uint32_t window() const { return this->numbers().window(); }

private:
    bool stamps_ = false;
};

}  // namespace tcpfsm::test
