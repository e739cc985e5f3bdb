// SPDX-License-Identifier: MIT
#include "transfer.hpp"

#include <tcpfsm/format.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <queue>
#include <vector>

namespace demo {

namespace {

using namespace std::chrono_literals;
using namespace tcpfsm::literals;

// --- Dice, text, and a sum of it ---------------------------------------------------------------------------

/// SplitMix64: a random number for each step.
class dice {
public:
    explicit dice(std::uint64_t seed) : state_{seed} {}
    std::uint64_t operator()() {
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
    }
    /// True in so many of a thousand cases.
    bool per_mille(unsigned n) { return (*this)() % 1000 < n; }

private:
    std::uint64_t state_;
};

/// A text that never repeats itself, made as it is needed. Both ends know it; only one sends it.
class endless_text {
public:
    explicit endless_text(std::uint64_t seed) : next_{seed} {}
    void write(std::span<std::uint8_t> to) {
        for (std::uint8_t& octet : to) {
            if (left_ == 0) word_ = next_();
            left_ = left_ == 0 ? 7 : left_ - 1;
            octet = static_cast<std::uint8_t>(word_ & 0xff);
            word_ >>= 8;
            hash_ = (hash_ ^ octet) * 0x100000001b3;  // FNV-1a
        }
    }
    [[nodiscard]] std::uint64_t hash() const { return hash_; }

private:
    dice next_;
    std::uint64_t word_ = 0;
    unsigned left_ = 0;
    std::uint64_t hash_ = 0xcbf29ce484222325;
};

// --- The link ----------------------------------------------------------------------------------------------

struct packet_on_link {
    time_point arrives{};
    std::uint64_t order = 0;
    side to{};
    std::vector<std::uint8_t> octets;
    friend bool operator<(const packet_on_link& a, const packet_on_link& b) {
        return std::pair{a.arrives, a.order} > std::pair{b.arrives, b.order};  // the earliest first
    }
};

/// 200 Mbit/s and 4 ms each way; out of a thousand packets 10 are lost, 30 come up to 2 ms late, 10 come twice.
class link {
public:
    link(std::uint64_t seed, capture& to) : dice_{seed}, capture_{to} {}

    void send(side from, std::span<const std::uint8_t> octets, time_point now) {
        ++sent;
        auto& free = free_at_[index(from)];
        free = std::max(free, now) + duration{octets.size() * 8 / 200};
        const bool is_lost = dice_.per_mille(10);
        if (sent <= captured) capture_.add(octets, now, is_lost ? "lost on the way" : "");
        if (is_lost) {
            ++lost;
            return;
        }
        const bool late = dice_.per_mille(30);
        late_ += late ? 1 : 0;
        put(from, octets, free + 4ms + (late ? duration{dice_() % 2000} : duration{}));
        if (!dice_.per_mille(10)) return;
        ++twice;
        put(from, octets, free + 4ms + duration{dice_() % 2000});
    }
    [[nodiscard]] time_point next() const { return on_way_.empty() ? never : on_way_.top().arrives; }
    [[nodiscard]] packet_on_link take() {
        packet_on_link first = on_way_.top();
        on_way_.pop();
        return first;
    }
    [[nodiscard]] std::uint64_t late() const { return late_; }

    static constexpr std::uint64_t captured = 4000;
    std::uint64_t sent = 0, lost = 0, twice = 0;

private:
    void put(side from, std::span<const std::uint8_t> octets, time_point arrives) {
        on_way_.push({arrives, sent, other(from), {octets.begin(), octets.end()}});
    }
    dice dice_;
    capture& capture_;
    std::array<time_point, 2> free_at_{};
    std::uint64_t late_ = 0;
    std::priority_queue<packet_on_link> on_way_;
};

// --- The ends ----------------------------------------------------------------------------------------------

/// Counts the rows taken, by their event: a recorder of our own.
struct row_counter {
    std::array<std::uint32_t, event_count> of{};
    constexpr void record(state, event e, state) noexcept { ++of[static_cast<std::size_t>(e)]; }
    [[nodiscard]] std::uint32_t count(event e) const { return of[static_cast<std::size_t>(e)]; }
    [[maybe_unused]] friend bool operator==(const row_counter&, const row_counter&) = default;
};
struct counted : policies {
    using recorder = row_counter;
};

constexpr std::size_t buffer_size = 1U << 20U;

/// A stream, behind an IP header.
class end {
public:
    end(side which, const four_tuple& between, link& line)
        : which_{which},
          between_{between},
          line_{line},
          memory_(2 * buffer_size),
          stream{span_buffers{std::span{memory_}.first(buffer_size), std::span{memory_}.last(buffer_size)}} {}

    void arrives(std::span<const std::uint8_t> octets, time_point now) {
        const packet p = parse_packet(octets);
        parsed got = parse_tcp(p.payload, p.source, p.destination);
        got.segment.ecn = p.fields.ecn();
        if (!p || !got) {
            ++refused;
            return;
        }
        (void)stream.handle_segment(got.segment, got.text, now);
    }
    void poll(time_point now) {
        while (const auto out = stream.poll_transmit(now)) {
            std::array<std::uint8_t, 1600> octets{};
            const std::size_t size = write_packet(octets, between_, out->segment, out->first, out->second);
            line_.send(which_, std::span{octets}.first(size), now);
            ++segments;
            const segment& seg = out->segment;
            if (seg.len() != 0 && segments > 1 && seg.seq < highest_) ++again;
            if (seg.len() != 0) highest_ = segments == 1 ? seg.seq + seg.len() : later(highest_, seg.seq + seg.len());
        }
    }

private:
    side which_;
    four_tuple between_;
    link& line_;
    std::vector<std::uint8_t> memory_;
    seq highest_{};

public:
    span_stream<counted> stream;
    std::uint64_t segments = 0, again = 0, refused = 0;
};

// --- How far it is -----------------------------------------------------------------------------------------

class progress {
public:
    progress(std::uint64_t total, const terminal& out) : total_{total}, out_{out} {}

    void show(std::uint64_t done, time_point now, std::uint64_t again) {
        const auto real = std::chrono::steady_clock::now();
        const bool due = out_.live ? real - shown_ >= 50ms : done >= next_line_;
        if (done == shown_octets_ || (!due && done != total_)) return;
        shown_octets_ = done;
        shown_ = real;
        next_line_ = done + total_ / 8;
        const std::chrono::duration<double> spent = real - began_;
        const double part = total_ == 0 ? 1.0 : static_cast<double>(done) / static_cast<double>(total_);
        const double rate = static_cast<double>(done) / 1048576.0 / std::max(spent.count(), 1e-6);
        const double left = part > 0 ? spent.count() / part - spent.count() : 0;
        const auto filled = static_cast<std::size_t>(part * bar);
        const std::string drawn = out_.good(std::string(filled, '#')) + out_.dim(std::string(bar - filled, '.'));
        fmt::print("{}  [{}] {:>4.0f} %  {:>7.1f} MiB/s  ETA {:>4.1f} s  link time {:>6.1f} s  {:>6} again{}",
                   out_.live ? "\r" : "", drawn, part * 100, rate, left,
                   std::chrono::duration<double>(now.time_since_epoch()).count(), again, out_.live ? "" : "\n");
        if (out_.live && done == total_) fmt::print("\n");
        std::fflush(stdout);
    }
    [[nodiscard]] double seconds() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
    }

private:
    static constexpr std::size_t bar = 30;
    std::uint64_t total_;
    const terminal& out_;
    std::uint64_t next_line_ = 0;
    std::uint64_t shown_octets_ = ~std::uint64_t{0};
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point shown_{};
};

/// Both ends, the link and the text.
class journey {
public:
    journey(std::uint64_t octets, std::uint64_t seed, capture& to)
        : total_{octets},
          line_{seed, to},
          client_{side::client, between, line_},
          server_{side::server, between.reversed(), line_},
          written_{seed},
          expected_{seed} {}

    void run(progress& bar) {
        (void)server_.stream.open_passive({.iss = seq{3000000000}, .mss = 1440, .default_mss = 1220}, now_);
        // The numbers wrap after 10 MiB.
        (void)client_.stream.open_active({.iss = seq{0} - (10U << 20U), .mss = 1440, .default_mss = 1220}, now_);
        while (sound_ && !finished()) {
            write();
            read();
            poll();
            bar.show(read_, now_, client_.again);
            step();
        }
        bar.show(read_, now_, client_.again);
    }

    /// What it took, and whether it was right.
    bool report(const terminal& out, double real) {
        const double link_time = std::chrono::duration<double>(now_.time_since_epoch()).count();
        const auto& rows = client_.stream.tcp().recorder();
        fmt::print("  link      {} packets: {} lost, {} late, {} twice\n", line_.sent, line_.lost, line_.late(),
                   line_.twice);
        fmt::print("  client    {} segments, {} of them again ({} after a timeout); {}\n", client_.segments,
                   client_.again, rows.count(event::timeout_retransmission), client_.stream.at());
        fmt::print("  server    {} segments; {} with text beyond a gap, {} duplicates; {}\n", server_.segments,
                   server_.stream.tcp().recorder().count(event::rcv_text_early),
                   server_.stream.tcp().recorder().count(event::rcv_outside_text), server_.stream.at());
        fmt::print("  time      {:.1f} s on the link ({:.1f} Mbit/s), {:.2f} s of yours ({:.0f} ns a packet)\n",
                   link_time, static_cast<double>(total_) * 8e-6 / link_time, real,
                   real * 1e9 / static_cast<double>(line_.sent));
        fmt::print("  text      {} octets, hash {:016x} sent, {:016x} received\n", read_, written_.hash(),
                   received_hash_);
        const bool ended = server_.stream.at() == state::closed && client_.stream.in(state::time_wait | state::closed);
        const bool right = sound_ && read_ == total_ && written_.hash() == received_hash_ && ended &&
                           client_.refused == 0 && server_.refused == 0;
        if (right) {
            fmt::print("  {}\n", out.good("every octet arrived, once and in order"));
        } else {
            fmt::print(
                "  {} expected {} octets with hash {:016x}, both ends closed and no bad packet; got {} octets, {}, {}, "
                "{} bad\n",
                out.bad("DEVIATION"), total_, written_.hash(), read_, client_.stream.at(), server_.stream.at(),
                client_.refused + server_.refused);
        }
        return right;
    }

private:
    [[nodiscard]] bool finished() const {
        return server_.stream.at() == state::closed && client_.stream.in(state::time_wait | state::closed);
    }
    void write() {
        while (total_ != given_) {
            const auto room = client_.stream.reserve();
            const std::size_t n = std::min<std::uint64_t>(room.size(), total_ - given_);
            if (n == 0) return;
            written_.write(room.first(n));
            given_ += client_.stream.commit(n, now_).octets;
        }
        if (!closed_ && client_.stream.in(state::established)) closed_ = client_.stream.close(now_) == answer::ok;
    }
    void read() {
        while (true) {
            const auto text = server_.stream.peek();
            if (text.empty()) break;
            scratch_.resize(text.size());
            expected_.write(scratch_);
            sound_ = sound_ && std::memcmp(text.data(), scratch_.data(), text.size()) == 0;
            for (const std::uint8_t octet : text) received_hash_ = (received_hash_ ^ octet) * 0x100000001b3;
            read_ += text.size();
            (void)server_.stream.consume(text.size(), now_);
        }
        if (server_.stream.in(state::close_wait)) (void)server_.stream.close(now_);
    }
    void poll() {
        client_.poll(now_);
        server_.poll(now_);
    }
    void step() {
        // A connection that does not get on in a day of its own time never will.
        if (now_.time_since_epoch() > 24h) sound_ = false;
        const time_point wake = std::min(client_.stream.poll_timeout(), server_.stream.poll_timeout());
        const time_point next = std::min(wake, line_.next());
        if (next == never) {
            sound_ = finished();
            return;
        }
        now_ = std::max(now_, next);
        if (line_.next() <= now_) {
            const packet_on_link p = line_.take();
            (p.to == side::client ? client_ : server_).arrives(p.octets, now_);
        } else {
            client_.stream.handle_timeout(now_);
            server_.stream.handle_timeout(now_);
        }
    }

    static constexpr four_tuple between{{"2001:db8::1"_ip, 49999}, {"2001:db8::2"_ip, 9293}};
    std::uint64_t total_;
    link line_;
    end client_;
    end server_;
    endless_text written_;
    endless_text expected_;
    time_point now_{};
    std::uint64_t given_ = 0, read_ = 0;
    std::uint64_t received_hash_ = 0xcbf29ce484222325;
    std::vector<std::uint8_t> scratch_;
    bool closed_ = false;
    bool sound_ = true;
};

}  // namespace

bool transfer(std::uint64_t mebibytes, std::uint64_t seed, const terminal& out, capture& to) {
    fmt::print("{}  {}\n", out.bold(fmt::format("{} MiB over a bad link", mebibytes)),
               out.dim(fmt::format("(200 Mbit/s, 8 ms there and back; 1 % lost, 3 % late, 1 % twice; seed {})", seed)));
    const std::uint64_t octets = mebibytes << 20U;
    progress bar{octets, out};
    journey trip{octets, seed, to};
    trip.run(bar);
    return trip.report(out, bar.seconds());
}

}  // namespace demo
