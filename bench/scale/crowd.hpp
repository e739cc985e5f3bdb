// SPDX-License-Identifier: MIT
// crowd.hpp: one host with room for many connections, and peers who are four numbers each.
#pragma once

#include <tcpfsm/host.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include <sys/mman.h>

namespace bench {

using namespace tcpfsm;

/// What must hold, or the figures mean nothing.
inline void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "bench_scale: %s\n", what);
    std::exit(1);
}

/// Memory in large pages if the system has them, given back as soon as it is not used any more.
template <class T>
class pages {
public:
    explicit pages(std::size_t n) : size_{n} {
        if (n == 0) return;
        void* at = ::mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        require(at != MAP_FAILED, "no memory");
        (void)::madvise(at, bytes(), MADV_HUGEPAGE);
        at_ = static_cast<T*>(at);
        std::uninitialized_value_construct_n(at_, n);
    }
    pages(const pages&) = delete;
    pages& operator=(const pages&) = delete;
    ~pages() {
        if (at_ != nullptr) ::munmap(at_, bytes());
    }
    [[nodiscard]] std::size_t bytes() const { return size_ * sizeof(T); }
    operator std::span<T>() { return {at_, size_}; }

private:
    std::size_t size_;
    T* at_ = nullptr;
};

/// The far end of one connection, as far as its packets need it.
struct peer {
    seq next{};              ///< what it sends next
    seq expects{};           ///< what it expects next
    std::uint32_t echo = 0;  ///< the last timestamp it got
};

inline constexpr std::size_t text_size = 64;
inline constexpr std::size_t room = 256;  ///< for a packet of such text
inline constexpr std::uint32_t buffer = 256;

/// The name of the `i`-th connection, seen from the host.
[[nodiscard]] constexpr four_tuple name_of(std::uint32_t i) {
    const std::uint32_t host = i / 60'000;
    return {{ipv4(192, 0, 2, 1), 80},
            {ipv4(10, static_cast<std::uint8_t>(host >> 16U), static_cast<std::uint8_t>(host >> 8U),
                  static_cast<std::uint8_t>(host)),
             static_cast<std::uint16_t>(1024 + i % 60'000)}};
}

/// Packets on their way to the host or from it.
class wire {
public:
    explicit wire(std::size_t most) : octets_(most * room), sizes_(most) {}
    void clear() { count_ = 0; }
    [[nodiscard]] std::size_t size() const { return count_; }
    /// For the packet after `ahead` others that will be added.
    [[nodiscard]] std::span<std::uint8_t> place(std::size_t ahead = 0) {
        require(count_ + ahead < sizes_.size(), "more packets than were expected");
        return std::span{octets_}.subspan((count_ + ahead) * room, room);
    }
    void add(std::size_t n) {
        require(n != 0, "a packet did not fit");
        sizes_[count_++] = n;
    }
    [[nodiscard]] std::span<const std::uint8_t> operator[](std::size_t i) const {
        return std::span{octets_}.subspan(i * room, sizes_[i]);
    }

private:
    std::vector<std::uint8_t> octets_;
    std::vector<std::size_t> sizes_;
    std::size_t count_ = 0;
};

/// A host and its memory; it listens on port 80.
template <class Policies>
class crowd {
public:
    explicit crowd(std::size_t connections, std::size_t lingering = 0)
        : slots_{connections},
          deadlines_{connections},
          cells_{2 * (connections + lingering)},
          octets_{connections * 2 * std::size_t{buffer}},
          listeners_{1},
          lingering_{lingering},
          host{config(), {slots_, deadlines_, cells_, octets_, listeners_, lingering_}} {
        listener_options o;
        o.port = 80;
        o.backlog = 1U << 20U;
        require(host.listen(o).has_value(), "no listener");
    }
    [[nodiscard]] std::size_t bytes() const {
        return slots_.bytes() + deadlines_.bytes() + cells_.bytes() + octets_.bytes() + listeners_.bytes() +
               lingering_.bytes();
    }
    [[nodiscard]] std::size_t buffer_bytes() const { return octets_.bytes(); }

private:
    static host_config config() {
        host_config c{.mtu = room, .snd_buff = buffer, .rcv_buff = buffer};
        for (std::size_t i = 0; i < c.secret.size(); ++i) c.secret[i] = static_cast<std::uint8_t>(17 * i + 3);
        return c;
    }
    pages<slot<Policies>> slots_;
    pages<deadline_cell> deadlines_;
    pages<demultiplexer_cell> cells_;
    pages<std::uint8_t> octets_;
    pages<listener> listeners_;
    pages<time_wait_cell> lingering_;

public:
    basic_host<Policies> host;
    time_point now{std::chrono::hours{1}};
};

/// The packet of a peer: the acknowledgment and timestamps are those of now.
inline void write(wire& to, std::uint32_t who, const peer& p, control bits, time_point now, std::size_t text = 0) {
    static constexpr std::array<std::uint8_t, text_size> letters{'r', 'e', 'q'};
    segment seg{.seq = p.next, .ctl = bits, .wnd = 0xffff};
    if (bits.has(ctl::ack)) seg.ack = p.expects;
    seg.text = static_cast<std::uint32_t>(text);
    options& opt = seg.options;
    opt.has_timestamps = true;
    opt.ts_val = static_cast<std::uint32_t>(now.time_since_epoch().count() / 1000);
    opt.ts_ecr = p.echo;
    if (bits.has(ctl::syn)) {
        opt.has_mss = opt.has_window_scale = opt.sack_permitted = true;
        opt.mss = 1460;
        opt.window_scale = 7;
    }
    to.add(write_packet(to.place(), name_of(who).reversed(), seg, std::span{letters}.first(text)));
}
/// The peer takes a packet: it must be the next.
inline segment read(std::span<const std::uint8_t> octets, peer& p, control bits) {
    const packet ip = parse_packet(octets);
    const parsed got = parse_tcp(ip.payload, ip.source, ip.destination);
    require(static_cast<bool>(got) && got.segment.has(bits), "a packet that was not expected");
    if (got.segment.has(ctl::syn)) p.expects = got.segment.seq;
    require(got.segment.seq == p.expects, "a sequence number that was not expected");
    p.expects += got.segment.len();
    p.echo = got.segment.options.ts_val;
    return got.segment;
}

/// Everything that the host owes.
template <class Policies>
void drain(crowd<Policies>& c, wire& from) {
    while (const std::size_t n = c.host.poll_packet(from.place(), c.now)) from.add(n);
}
template <class Policies>
void give(crowd<Policies>& c, const wire& to) {
    for (std::size_t i = 0; i < to.size(); ++i) (void)c.host.handle_packet(to[i], c.now);
}

/// The handshakes of `peers`, who are the connections from `first` on.
template <class Policies>
void establish(crowd<Policies>& c, std::span<peer> peers, std::uint32_t first) {
    constexpr std::size_t some = 256;
    wire to{some}, from{some + 1};
    for (std::size_t at = 0; at < peers.size(); at += some) {
        const auto part = peers.subspan(at, std::min(some, peers.size() - at));
        const auto who = static_cast<std::uint32_t>(first + at);
        to.clear(), from.clear();
        for (std::uint32_t i = 0; i < part.size(); ++i) {
            part[i] = {.next = seq{i * 7919U}};
            write(to, who + i, part[i], ctl::syn, c.now);
            part[i].next += 1;
        }
        give(c, to), drain(c, from);
        require(from.size() == part.size(), "a SYN was not answered");
        to.clear();
        for (std::uint32_t i = 0; i < part.size(); ++i) {
            (void)read(from[i], part[i], ctl::syn | ctl::ack);
            write(to, who + i, part[i], ctl::ack, c.now);
        }
        from.clear();
        give(c, to), drain(c, from);
        require(from.size() == 0, "an ACK was answered");
        while (c.host.poll_event()) {
        }
        c.now += duration{10};
    }
}

}  // namespace bench
