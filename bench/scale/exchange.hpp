// SPDX-License-Identifier: MIT
// exchange.hpp: what is timed: requests and their responses, and whole connections.
#pragma once

#include "crowd.hpp"

#include <random>

namespace bench {

[[nodiscard]] inline double nanoseconds() {
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// The program behind the host: it answers each request with as many octets, and closes if it is told to.
template <class Policies>
void serve(crowd<Policies>& c, bool close) {
    std::array<std::uint8_t, text_size> text;
    while (const auto told = c.host.poll_event()) {
        if (told->what != news::readable) continue;
        const std::size_t n = c.host.receive(told->of, text, c.now).octets;
        (void)c.host.send(told->of, std::span{text}.first(n), c.now);
        if (close) (void)c.host.close(told->of, c.now);
    }
}

/// Requests from random ones of a crowd of established connections.
template <class Policies>
class requests {
public:
    explicit requests(std::uint32_t connections) : crowd_{connections}, peers_(connections) {
        establish(crowd_, peers_, 0);
        crowd_.now += std::chrono::seconds{2};
        crowd_.host.handle_timeout(crowd_.now);
    }
    [[nodiscard]] std::uint32_t connections() const { return static_cast<std::uint32_t>(peers_.size()); }

    /// Nanoseconds a request, each served before the next one is looked at.
    double one_by_one(std::size_t blocks) {
        double spent = 0;
        for (std::size_t b = 0; b < blocks; ++b) {
            ask(1);
            const double begin = nanoseconds();
            for (std::size_t i = 0; i < block; ++i) {
                (void)crowd_.host.handle_packet(to_[i], crowd_.now);
                serve(crowd_, false);
                drain(crowd_, from_);
            }
            crowd_.host.handle_timeout(crowd_.now);
            spent += nanoseconds() - begin;
            check();
        }
        return spent / static_cast<double>(blocks * block);
    }

    /// The same, but so many are looked at together, if there are as many connections.
    double in_batches(std::size_t blocks) {
        const std::size_t together = std::min<std::size_t>(batch, peers_.size());
        std::array<std::span<const std::uint8_t>, batch> in;
        std::array<std::span<std::uint8_t>, batch + 1> out;  // one more than is owed: then it is known to be all
        double spent = 0;
        for (std::size_t b = 0; b < blocks; ++b) {
            ask(together);
            const double begin = nanoseconds();
            for (std::size_t i = 0; i < block; i += together) {
                for (std::size_t k = 0; k < together; ++k) in[k] = to_[i + k];
                crowd_.host.handle_batch(std::span{in}.first(together), crowd_.now);
                serve(crowd_, false);
                for (std::size_t k = 0; k <= together; ++k) out[k] = from_.place(k);
                const std::size_t n = crowd_.host.poll_batch(std::span{out}.first(together + 1), crowd_.now);
                for (std::size_t k = 0; k < n; ++k) from_.add(out[k].size());
            }
            crowd_.host.handle_timeout(crowd_.now);
            spent += nanoseconds() - begin;
            check();
        }
        return spent / static_cast<double>(blocks * block);
    }

private:
    static constexpr std::size_t block = 256;
    static constexpr std::size_t batch = 32;

    /// A block of requests, of which `apart` in a row come from different peers.
    void ask(std::size_t apart) {
        to_.clear(), from_.clear();
        crowd_.now += duration{16};
        for (std::size_t i = 0; i < block; ++i) {
            const auto before = std::span{who_}.subspan(i - i % apart, i % apart);
            do {
                who_[i] = static_cast<std::uint32_t>(random_() % peers_.size());
            } while (std::find(before.begin(), before.end(), who_[i]) != before.end());
            peer& p = peers_[who_[i]];
            write(to_, who_[i], p, ctl::ack | ctl::psh, crowd_.now, text_size);
            p.next += text_size;
            p.expects += text_size;  // the response, which the next request acknowledges
        }
    }
    void check() {
        require(from_.size() == block, "a request was not answered by one packet");
        for (std::size_t i = 0; i < block; ++i) {
            const packet ip = parse_packet(from_[i]);
            const parsed got = parse_tcp(ip.payload, ip.source, ip.destination);
            require(got && got.text.size() == text_size && got.text[0] == 'r', "a response is wrong");
            require(
                four_tuple{{ip.source, got.source_port}, {ip.destination, got.destination_port}} == name_of(who_[i]),
                "a response went elsewhere");
            peers_[who_[i]].echo = got.segment.options.ts_val;
        }
    }

    crowd<Policies> crowd_;
    std::vector<peer> peers_;
    std::mt19937_64 random_{1};
    std::array<std::uint32_t, block> who_{};
    wire to_{block};
    wire from_{block + 1};
};

/// Connections that come, ask, are answered and closed, before so many others in TIME-WAIT.
template <class Policies>
class visits {
public:
    explicit visits(std::uint32_t lingering) : crowd_{4 * block, lingering + 4 * block}, lingering_{lingering} {
        while (visited_ < lingering) (void)round();
    }
    /// Nanoseconds a connection.
    double run(std::size_t rounds) {
        double spent = 0;
        for (std::size_t r = 0; r < rounds; ++r) spent += round();
        return spent / static_cast<double>(rounds * block);
    }
    /// How many are in TIME-WAIT.
    [[nodiscard]] std::size_t lingering() const { return crowd_.host.lingering(); }
    [[nodiscard]] std::size_t bytes() const { return crowd_.bytes(); }

private:
    static constexpr std::size_t block = 256;

    double round() {
        std::array<peer, block> peers{};
        const std::uint32_t first = visited_ % 2'000'000'000U;
        visited_ += block;
        double spent = 0;
        const auto timed = [&](std::size_t answers, bool serves) {
            from_.clear();
            const double begin = nanoseconds();
            give(crowd_, to_);
            if (serves) serve(crowd_, true);
            drain(crowd_, from_);
            spent += nanoseconds() - begin;
            require(from_.size() == answers, "a visitor was not answered as expected");
            to_.clear();
        };
        to_.clear();
        for (std::uint32_t i = 0; i < block; ++i) {
            peers[i].next = seq{(first + i) * 7919U};
            write(to_, first + i, peers[i], ctl::syn, crowd_.now);
            peers[i].next += 1;
        }
        timed(block, false);
        for (std::uint32_t i = 0; i < block; ++i) {
            (void)read(from_[i], peers[i], ctl::syn | ctl::ack);
            write(to_, first + i, peers[i], ctl::ack | ctl::psh, crowd_.now, text_size);
            peers[i].next += text_size;
        }
        timed(block, true);
        for (std::uint32_t i = 0; i < block; ++i) {
            (void)read(from_[i], peers[i], ctl::ack | ctl::fin);
            write(to_, first + i, peers[i], ctl::ack | ctl::fin, crowd_.now);
        }
        timed(block, false);
        // As many leave TIME-WAIT as have come.
        const auto all = std::max<std::int64_t>(lingering_, block);
        crowd_.now += duration{2 * duration{Policies::msl}.count() * static_cast<std::int64_t>(block) / all + 1};
        const double begin = nanoseconds();
        serve(crowd_, false);
        while (crowd_.host.poll_timeout() <= crowd_.now) crowd_.host.handle_timeout(crowd_.now);
        return spent + (nanoseconds() - begin);
    }

    crowd<Policies> crowd_;
    std::uint32_t lingering_;
    std::uint32_t visited_ = 0;
    wire to_{block};
    wire from_{block + 1};
};

}  // namespace bench
