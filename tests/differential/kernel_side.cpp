// SPDX-License-Identifier: MIT
#include <differential/kernel_side.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tcpfsm::differential {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

void must(bool done, const char* what) {
    if (!done) throw std::system_error{errno, std::generic_category(), what};
}

/// A setting of the namespace.
void set(const std::string& name, const std::string& value, bool needed = true) {
    std::ofstream file{"/proc/sys/net/ipv4/" + name};
    file << value << std::flush;
    if (!file && needed) throw not_here{"net.ipv4." + name + " cannot be set"};
}

class descriptor {
public:
    descriptor() = default;
    explicit descriptor(int fd) : fd_{fd} {}
    descriptor(descriptor&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~descriptor() {
        if (fd_ < 0) return;
        const linger at_once{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        ::close(fd_);
    }
    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] bool there() const { return fd_ >= 0; }
    /// As a user closes it.
    void close() { ::close(std::exchange(fd_, -1)); }

private:
    int fd_ = -1;
};

/// One cell while it is played.
struct player {
    explicit player(const trial& c) : what{c}, peer{c.with.timestamps} {}
    trial what;
    hand peer;
    std::uint16_t port = 0;
    descriptor listener, socket;
    std::vector<segment> heard;
};

struct address {
    sockaddr_storage octets{};
    socklen_t size = 0;
    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&octets); }
};

address at(bool v6, const char* name4, const char* name6, std::uint16_t port) {
    address a;
    if (v6) {
        auto* in6 = reinterpret_cast<sockaddr_in6*>(&a.octets);
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        ::inet_pton(AF_INET6, name6, &in6->sin6_addr);
        a.size = sizeof *in6;
    } else {
        auto* in4 = reinterpret_cast<sockaddr_in*>(&a.octets);
        in4->sin_family = AF_INET;
        in4->sin_port = htons(port);
        ::inet_pton(AF_INET, name4, &in4->sin_addr);
        a.size = sizeof *in4;
    }
    return a;
}

descriptor new_socket(const setting& with, std::uint16_t port) {
    descriptor fd{::socket(with.v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    must(fd.there(), "socket");
    const int on = 1;
    const int small = 4096;  // so that a segment can be larger than the window
    must(::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0, "SO_REUSEADDR");
    must(::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small) == 0, "SO_RCVBUF");
    const address here = at(with.v6, "10.9.0.1", "fd00:9::1", port);
    must(::bind(fd.get(), here.get(), here.size) == 0, "bind");
    return fd;
}

void take(player& p, const step& s, raw_link& wire) {
    using enum step::what;
    if (s.is != listens && s.is != hears && !p.socket.there() && p.listener.there()) {
        p.socket = descriptor{::accept4(p.listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
        must(p.socket.there(), "accept");
    }
    switch (s.is) {
    case listens:
        p.listener = new_socket(p.what.with, p.port);
        must(::listen(p.listener.get(), 4) == 0, "listen");
        break;
    case connects: {
        p.socket = new_socket(p.what.with, p.port);
        const address there = at(p.what.with.v6, "10.9.0.2", "fd00:9::2", wire.peer_port());
        must(::connect(p.socket.get(), there.get(), there.size) == 0 || errno == EINPROGRESS, "connect");
        break;
    }
    case sends: must(::send(p.socket.get(), "0123456789", 10, MSG_NOSIGNAL) == 10, "send"); break;
    case shuts: must(::shutdown(p.socket.get(), SHUT_WR) == 0, "shutdown"); break;
    case releases: p.socket.close(); break;
    case hears: wire.send(p.port, said(s, p.peer)); break;
    case fills:
        if (p.peer.their_window() != 0) wire.send(p.port, p.peer.speaks(s.bits, p.peer.their_window(), s.ack));
        break;
    }
}

/// A line of /proc/net/tcp.
struct line {
    state at = state::closed;
    std::uint32_t unacked = 0;  ///< SND.UNA to the end of what the user has sent; not of requests and TIME-WAIT
    std::uint32_t unread = 0;
    bool whole = false;  ///< it is a socket, and so the two are known
};

state as_state(unsigned number) {
    using enum state;
    constexpr std::array names{closed, established, syn_sent, syn_received, fin_wait_1, fin_wait_2,  time_wait,
                               closed, close_wait,  last_ack, listen,       closing,    syn_received};
    return number < names.size() ? names[number] : closed;
}

std::uint16_t port_of(const std::string& endpoint) {
    return static_cast<std::uint16_t>(std::stoul(endpoint.substr(endpoint.find(':') + 1), nullptr, 16));
}

/// The kernel's listeners and its connections with this peer, by their port; a connection hides its listener.
std::map<std::uint16_t, line> all_lines(bool v6, std::uint16_t peer_port) {
    std::map<std::uint16_t, line> all;
    std::ifstream file{v6 ? "/proc/net/tcp6" : "/proc/net/tcp"};
    std::string text;
    std::getline(file, text);
    while (std::getline(file, text)) {
        std::istringstream words{text};
        std::string number, local, remote, st, queues, timer, retransmits, uid, timeout, inode;
        words >> number >> local >> remote >> st >> queues >> timer >> retransmits >> uid >> timeout >> inode;
        line found{.at = as_state(static_cast<unsigned>(std::stoul(st, nullptr, 16)))};
        if (found.at != state::listen && port_of(remote) != peer_port) continue;
        found.unacked = static_cast<std::uint32_t>(std::stoul(queues.substr(0, 8), nullptr, 16));
        found.unread = static_cast<std::uint32_t>(std::stoul(queues.substr(9), nullptr, 16));
        // Timer 3 is that of TIME-WAIT; a request has neither inode nor queues.
        const bool request = found.at == state::syn_received && inode == "0";
        found.whole = found.at != state::listen && timer.substr(0, 2) != "03" && !request;
        if (request) found.unacked = 1;
        const auto [old, is_new] = all.try_emplace(port_of(local), found);
        if (!is_new && old->second.at == state::listen) old->second = found;
    }
    return all;
}

line line_at(const std::map<std::uint16_t, line>& all, std::uint16_t port) {
    const auto found = all.find(port);
    return found == all.end() ? line{} : found->second;
}

/// Takes all walks, step by step.
void follow_walks(std::vector<player>& players, raw_link& wire, const raw_link::receiver& hear) {
    bool more = true;
    for (std::size_t i = 0; more; ++i) {
        more = false;
        for (player& p : players) {
            if (i >= p.what.way->steps.size()) continue;
            take(p, p.what.way->steps[i], wire);
            wire.drain(hear);
            more = true;
        }
        wire.wait(hear);
    }
}

/// Sends each its segment.
template <class Segment>
void say(const std::vector<player>& players, raw_link& wire, const raw_link::receiver& hear, Segment what) {
    for (std::size_t i = 0; i < players.size(); ++i) {
        wire.send(players[i].port, what(i));
        wire.drain(hear);
    }
    wire.wait(hear);
}

/// What the kernel's lines tell.
void compare(outcome& o, const line& before, const line& after) {
    o.walked_to = before.at;
    o.at = after.at;
    // A listener stays when its connection goes; it is the state of what never was one.
    constexpr state_set request = state::listen | state::syn_received;
    if (after.at == state::listen && !request.contains(before.at)) o.at = state::closed;
    o.counted = after.whole && after.at != state::closed;
    if (!o.counted) return;
    o.acked = before.unacked - after.unacked;
    o.taken = after.unread - before.unread;
}

}  // namespace

kernel_side::kernel_side(raw_link& wire) : wire_{wire} {
    for (const auto& [name, value] :
         std::initializer_list<std::pair<const char*, const char*>>{{"tcp_sack", "0"},
                                                                    {"tcp_window_scaling", "0"},
                                                                    {"tcp_ecn", "0"},
                                                                    {"tcp_fastopen", "0"},
                                                                    {"tcp_syncookies", "0"},
                                                                    {"tcp_invalid_ratelimit", "0"},
                                                                    {"tcp_early_retrans", "0"},
                                                                    {"tcp_no_metrics_save", "1"},
                                                                    {"tcp_moderate_rcvbuf", "0"},
                                                                    {"tcp_tw_reuse", "0"},
                                                                    {"tcp_congestion_control", "reno"}}) {
        set(name, value);
    }
    set("tcp_challenge_ack_limit", "2147483647", false);  // older kernels have one for the whole machine
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = std::min<rlim_t>(files.rlim_max, 4 * most);
    ::setrlimit(RLIMIT_NOFILE, &files);
}

std::vector<outcome> kernel_side::play(std::span<const trial> cells) {
    const setting with = cells.front().with;
    wire_.use(with.v6);
    set("tcp_timestamps", with.timestamps ? "1" : "0");
    set("tcp_rfc1337", with.rfc1337 ? "1" : "0");
    if (0xffffU - next_port_ < cells.size()) {  // connections in TIME-WAIT keep their names
        next_port_ = first_port;
        wire_.change_peer_port();
    }

    std::vector<player> players;
    players.reserve(cells.size());
    std::map<std::uint16_t, player*> by_port;
    for (const trial& c : cells) {
        player& p = players.emplace_back(c);
        p.port = next_port_++;
        by_port[p.port] = &p;
    }
    const raw_link::receiver hear = [&](std::uint16_t port, const segment& seg) {
        const auto found = by_port.find(port);
        if (found == by_port.end()) return;
        found->second->heard.push_back(seg);
        found->second->peer.hears(seg);
    };

    const auto begin = steady_clock::now();
    follow_walks(players, wire_, hear);
    const auto before = all_lines(with.v6, wire_.peer_port());
    std::vector<outcome> out;
    for (player& p : players) {
        outcome& o = out.emplace_back(outcome{.window = p.peer.their_window(), .peer = p.peer});
        o.sent = ending(p.what, p.peer);
        p.heard.clear();
    }
    say(players, wire_, hear, [&](std::size_t i) { return out[i].sent; });
    std::this_thread::sleep_for(quiet);
    wire_.wait(hear);
    const auto after = all_lines(with.v6, wire_.peer_port());
    for (std::size_t i = 0; i < players.size(); ++i) out[i].heard = std::exchange(players[i].heard, {});
    say(players, wire_, hear, [&](std::size_t i) { return question(players[i].what, out[i].peer); });
    const bool in_time = steady_clock::now() - begin < milliseconds{950};  // then SYNs are sent again

    for (std::size_t i = 0; i < players.size(); ++i) {
        out[i].replies = out[i].told(out[i].heard);
        out[i].answer = out[i].told(players[i].heard);
        compare(out[i], line_at(before, players[i].port), line_at(after, players[i].port));
    }
    by_port.clear();  // what the sockets say when they go is nobody's
    players.clear();
    wire_.wait(hear);
    return in_time ? out : std::vector<outcome>{};
}

}  // namespace tcpfsm::differential
