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
        const address there = at(p.what.with.v6, "10.9.0.2", "fd00:9::2", raw_link::peer_port);
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

/// The kernel's connections and listeners by their port; a connection hides its listener.
std::map<std::uint16_t, line> all_lines(bool v6) {
    std::map<std::uint16_t, line> all;
    std::ifstream file{v6 ? "/proc/net/tcp6" : "/proc/net/tcp"};
    std::string text;
    std::getline(file, text);
    while (std::getline(file, text)) {
        std::istringstream words{text};
        std::string number, local, remote, st, queues, timer, retransmits, uid, timeout, inode;
        words >> number >> local >> remote >> st >> queues >> timer >> retransmits >> uid >> timeout >> inode;
        const auto port = static_cast<std::uint16_t>(std::stoul(local.substr(local.find(':') + 1), nullptr, 16));
        line found{.at = as_state(static_cast<unsigned>(std::stoul(st, nullptr, 16)))};
        found.unacked = static_cast<std::uint32_t>(std::stoul(queues.substr(0, 8), nullptr, 16));
        found.unread = static_cast<std::uint32_t>(std::stoul(queues.substr(9), nullptr, 16));
        // Timer 3 is that of TIME-WAIT; a request has neither inode nor queues.
        const bool request = found.at == state::syn_received && inode == "0";
        found.whole = found.at != state::listen && timer.substr(0, 2) != "03" && !request;
        if (request) found.unacked = 1;
        const auto [old, is_new] = all.try_emplace(port, found);
        if (!is_new && old->second.at == state::listen) old->second = found;
    }
    return all;
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

    std::vector<player> players;
    players.reserve(cells.size());
    std::map<std::uint16_t, player*> by_port;
    for (const trial& c : cells) {
        player& p = players.emplace_back(c);
        p.port = next_port_;
        next_port_ = next_port_ == 0xffff ? std::uint16_t{1024} : static_cast<std::uint16_t>(next_port_ + 1);
        by_port[p.port] = &p;
    }
    const raw_link::receiver hear = [&](std::uint16_t port, const segment& seg) {
        const auto found = by_port.find(port);
        if (found == by_port.end()) return;
        found->second->heard.push_back(seg);
        found->second->peer.hears(seg);
    };

    const auto begin = steady_clock::now();
    bool more = true;
    for (std::size_t i = 0; more; ++i) {
        more = false;
        for (player& p : players) {
            if (i >= p.what.way->steps.size()) continue;
            take(p, p.what.way->steps[i], wire_);
            wire_.drain(hear);
            more = true;
        }
        wire_.wait(hear);
    }
    auto lines = all_lines(with.v6);
    std::vector<outcome> out;
    std::vector<line> before;
    for (player& p : players) {
        before.push_back(lines[p.port]);
        outcome o{.walked_to = before.back().at, .window = p.peer.their_window(), .peer = p.peer};
        o.sent = ending(p.what, p.peer);
        p.heard.clear();
        out.push_back(o);
    }
    for (std::size_t i = 0; i < players.size(); ++i) {
        wire_.send(players[i].port, out[i].sent);
        wire_.drain(hear);
    }
    wire_.wait(hear);
    std::this_thread::sleep_for(quiet);
    wire_.wait(hear);
    lines = all_lines(with.v6);
    for (std::size_t i = 0; i < players.size(); ++i) {
        out[i].heard = std::exchange(players[i].heard, {});
        wire_.send(players[i].port, question(players[i].what, out[i].peer));
        wire_.drain(hear);
    }
    wire_.wait(hear);
    if (steady_clock::now() - begin > milliseconds{950}) return {};  // SYNs are about to be sent again
    for (std::size_t i = 0; i < players.size(); ++i) {
        const line now = lines[players[i].port];
        outcome& o = out[i];
        o.replies = o.told(o.heard);
        o.answer = o.told(players[i].heard);
        o.at = now.at;
        // A listener stays when its connection goes; it is the state of what never was one.
        constexpr state_set request = state::listen | state::syn_received;
        if (now.at == state::listen && !request.contains(o.walked_to)) o.at = state::closed;
        o.counted = now.whole && now.at != state::closed;
        if (!o.counted) continue;
        o.acked = before[i].unacked - now.unacked;
        o.taken = now.unread - before[i].unread;
    }
    by_port.clear();  // what the sockets say when they go is nobody's
    players.clear();
    wire_.wait(hear);
    return out;
}

}  // namespace tcpfsm::differential
