// SPDX-License-Identifier: MIT
// senders.hpp: processes that send for ever, by the kernel's TCP and by ours, and one that reads.
#pragma once

#include "controls.hpp"
#include "network_space.hpp"

#include <tcpfsm/address_text.hpp>
#include <tcpfsm/host.hpp>

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/prctl.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

namespace bench {

inline constexpr std::uint16_t port = 9293;
inline constexpr const char* left_address = "10.77.1.1";    // of the kernel that sends
inline constexpr const char* right_address = "10.77.2.1";   // of the kernel that reads
inline constexpr const char* router_address = "10.77.3.2";  // of the kernel between our host and the relay
inline constexpr const char* host_address = "10.77.3.1";    // of our host

/// What the processes of a run know of each other.
struct board {
    std::atomic<bool> listening{false};
    std::atomic<std::int64_t> opened{0};     ///< when the connection was there, in nanoseconds of the steady clock
    std::atomic<std::uint64_t> received{0};  ///< octets that the reader has read
    std::atomic<std::uint64_t> queue{0};     ///< octets that wait before the link
};
inline std::int64_t steady_now() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}
inline sockaddr_in socket_address(const char* text) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    out.sin_addr.s_addr = ::inet_addr(text);
    return out;
}

/// The kernel reads, and counts.
inline void read_for_ever(board& b) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in self = socket_address(right_address);
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&self), sizeof self) != 0) throw impossible{"bind"};
    if (::listen(listener, 1) != 0) throw impossible{"listen"};
    b.listening = true;
    const int s = ::accept(listener, nullptr, nullptr);
    std::vector<char> into(1U << 18U);
    for (ssize_t n = 0; (n = ::read(s, into.data(), into.size())) > 0;) b.received += static_cast<std::uint64_t>(n);
}

/// The kernel sends, with a congestion control by its name.
inline void send_by_kernel(const char* congestion, board& b) {
    const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, congestion, static_cast<socklen_t>(std::strlen(congestion))) != 0)
        throw impossible{std::string{"the kernel's "} + congestion};
    const sockaddr_in peer = socket_address(right_address);
    if (::connect(s, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) != 0) throw impossible{"connect"};
    b.opened = steady_now();
    const std::vector<char> text(1U << 16U);
    while (::write(s, text.data(), text.size()) > 0) {
    }
}

/// The numbers of a sender, every ten milliseconds: what follows the names in the CSV of bench_loss_trace.
class recorder {
public:
    recorder(std::FILE* to, const board& b) : to_{to}, board_{b} {}
    /// `timeouts`: none are counted here.
    template <class Policies>
    void look(const tcpfsm::tcb<Policies>& t, const char* names) {
        constexpr std::int64_t period = 10'000'000;
        const std::int64_t now = steady_now();
        if (to_ == nullptr || board_.opened == 0 || now < next_) return;
        const std::uint64_t received = board_.received;
        const double rate = static_cast<double>(received - before_) * 8e3 / static_cast<double>(now - next_ + period);
        const auto& c = t.congestion;
        std::fprintf(to_, "%s,%.4f,%u,%u,%u,%llu,%lld,%.4f,0", names, static_cast<double>(now - board_.opened) / 1e9,
                     c.window(), c.threshold(), t.in_flight(), static_cast<unsigned long long>(board_.queue.load()),
                     static_cast<long long>(t.rtt.srtt().count()), rate);
        if constexpr (requires { c.max_bw(); })
            std::fprintf(to_, ",%u,%.3f,%.3f,%lld,%u,%u,%u", static_cast<unsigned>(c.phase()),
                         static_cast<double>(c.bw()) * 8e-6, static_cast<double>(c.max_bw()) * 8e-6,
                         static_cast<long long>(c.min_rtt().count()), c.inflight_shortterm(), c.inflight_longterm(),
                         t.snd.usable(t.snd.nxt));
        std::fprintf(to_, "\n");
        std::fflush(to_);
        before_ = received;
        next_ = now + period;
    }

private:
    std::FILE* to_;
    const board& board_;
    std::int64_t next_ = 0;
    std::uint64_t before_ = 0;
};

/// Our host sends, on a TUN device; the kernel behind it routes its packets to the relay.
template <class Control, bool Paced = false>
void send_by_host(int device, board& b, std::FILE* trace, const char* names) {
    recorder seen{trace, b};
    using policies = server<Control, Paced>;
    constexpr std::size_t buffer = 4U << 20U;
    std::vector<tcpfsm::slot<policies>> slots(1);
    std::vector<tcpfsm::deadline_cell> deadlines(1);
    std::vector<tcpfsm::demultiplexer_cell> cells(2);
    std::vector<tcpfsm::listener> listeners(1);
    std::vector<std::uint8_t> octets(2 * buffer);
    tcpfsm::hash_key secret{};
    secret[0] = static_cast<std::uint8_t>(::getpid());
    tcpfsm::basic_host<policies> host{{.secret = secret, .snd_buff = buffer, .rcv_buff = buffer},
                                      {slots, deadlines, cells, octets, listeners}};
    const auto now = [] { return tcpfsm::time_point{tcpfsm::duration{steady_now() / 1000}}; };
    const auto self = tcpfsm::parse_ip(host_address), peer = tcpfsm::parse_ip(right_address);
    const auto tcp = host.connect({*peer, port}, *self, now()).of;
    std::array<std::uint8_t, 2048> packet{};
    // The kernel's TCP does not wait for its turn on a busy machine; neither may ours.
    const sched_param first{.sched_priority = 5};
    (void)::sched_setscheduler(0, SCHED_RR, &first);
    ::prctl(PR_SET_TIMERSLACK, 1);
    while (true) {
        for (int i = 0; i < 64; ++i) {
            const ssize_t n = ::read(device, packet.data(), packet.size());
            if (n <= 0) break;
            (void)host.handle_packet(std::span{packet}.first(static_cast<std::size_t>(n)), now());
        }
        host.handle_timeout(now());
        while (const auto told = host.poll_event()) {
            if (told->what == tcpfsm::news::opened) b.opened = steady_now();
            if (tcpfsm::is_end(told->what)) return;
        }
        for (auto room = host.reserve(tcp); !room.empty(); room = host.reserve(tcp)) {
            if (host.commit(tcp, room.size(), now()).octets == 0) break;
        }
        while (const std::size_t n = host.poll_packet(packet, now())) (void)!::write(device, packet.data(), n);
        if (const auto* stream = host.stream(tcp)) seen.look(stream->tcp().numbers(), names);
        pollfd ready{device, POLLIN, 0};
        const auto due = host.poll_timeout();
        const std::int64_t wait =
            due == tcpfsm::never ? 1'000'000'000 : due.time_since_epoch().count() * 1000 - steady_now();
        const timespec spec{wait > 0 ? wait / 1'000'000'000 : 0, wait > 0 ? wait % 1'000'000'000 : 0};
        ::ppoll(&ready, 1, &spec, nullptr);
    }
}

}  // namespace bench
