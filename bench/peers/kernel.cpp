// SPDX-License-Identifier: MIT
// kernel.cpp: the kernel between two of its sockets, over loopback and over a veth pair, in namespaces of its own.
#include "row.hpp"

#include "../loss/network_space.hpp"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>
#include <utility>

namespace {

using namespace bench;
using octets = std::vector<std::uint8_t>;

/// A descriptor of a file that closes itself.
class file {
public:
    explicit file(int fd = -1) : fd_{fd} {}
    file(file&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
    file& operator=(file&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~file() {
        if (fd_ >= 0) ::close(fd_);
    }
    operator int() const { return fd_; }

private:
    int fd_;
};

file new_socket() {
    file s{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (s < 0) throw impossible{"a socket"};
    const int on = 1;
    (void)::setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return s;
}
/// Sets up an interface of the present namespace: MTU 1500, up, and whether it leaves cutting and sums to the device.
void set_up(const char* name, bool offload) {
    ifreq request{};
    std::snprintf(request.ifr_name, IFNAMSIZ, "%s", name);
    const file s{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    const auto set = [&](unsigned long what) {
        if (::ioctl(s, what, &request) != 0) throw impossible{std::string{"setting up "} + name};
    };
    request.ifr_mtu = 1500;
    set(SIOCSIFMTU);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    set(SIOCSIFFLAGS);
    // What cannot be switched (sums on loopback) stays as it is.
    constexpr std::array<std::uint32_t, 5> features{ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO, ETHTOOL_STXCSUM,
                                                    ETHTOOL_SRXCSUM};
    for (const std::uint32_t feature : features) {
        ethtool_value wish{feature, offload ? 1U : 0U};
        request.ifr_data = reinterpret_cast<char*>(&wish);
        (void)::ioctl(s, SIOCETHTOOL, &request);
    }
}
void give_address(const char* name, const char* address) {
    const std::string command = std::string{"ip address add "} + address + "/24 dev " + name + " 2>/dev/null";
    if (std::system(command.c_str()) != 0) throw impossible{"an address by `ip`"};
}
file this_network() { return file{::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)}; }
void enter(int network) {
    if (::setns(network, CLONE_NEWNET) != 0) throw impossible{"a way back into a namespace"};
}

/// A listening socket, and the way to connections to it. The process ends up in the namespace of who connects.
struct ends {
    file network_a, network_b;
    file listener;
    sockaddr_in address{};

    ends(bool veth, bool offload) {
        enter_new_network();
        network_b = this_network();
        if (veth) {
            enter_new_network();
            network_a = this_network();
            const std::string there = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(int{network_b});
            const std::string command =
                "ip link add peer_a type veth peer name peer_b 2>/dev/null && "
                "ip link set peer_b netns " +
                there + " 2>/dev/null";
            if (std::system(command.c_str()) != 0) throw impossible{"a veth pair by `ip`"};
            enter(network_b);
            set_up("peer_b", offload);
            give_address("peer_b", "192.0.2.2");
            enter(network_a);
            set_up("peer_a", offload);
            give_address("peer_a", "192.0.2.1");
            enter(network_b);
        } else {
            network_a = this_network();
            set_up("lo", offload);
        }
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = ::inet_addr(veth ? "192.0.2.2" : "127.0.0.1");
        address.sin_port = htons(9293);
        listener = new_socket();
        const bool listens =
            ::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 && ::listen(listener, 8) == 0;
        if (!listens) throw impossible{"a listening socket"};
        enter(network_a);
    }
    /// Sockets that are made from now on are on the side of who connects.
    void stand_here() { enter(network_a); }
    std::pair<file, file> connect() {
        file a = new_socket();
        if (::connect(a, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) throw impossible{"a connection"};
        file b{::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)};
        if (b < 0) throw impossible{"a connection"};
        const int on = 1;
        (void)::setsockopt(b, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        return {std::move(a), std::move(b)};
    }
};

struct bulk {
    std::shared_ptr<ends> path;
    std::pair<file, file> sockets;
    octets source = some_text(buffer_size);
    octets sink = octets(buffer_size);
    std::uint64_t sent = 0;
    std::uint64_t received = 0;

    explicit bulk(std::shared_ptr<ends> between) : path{std::move(between)}, sockets{path->connect()} {}
    std::uint64_t operator()(bool look) {
        const std::uint64_t begin = received;
        bool sound = true;
        while (received - begin < 32 * buffer_size) {
            const std::size_t from = sent % buffer_size;
            const auto n = ::send(sockets.first, source.data() + from, buffer_size - from, MSG_DONTWAIT);
            if (n > 0) sent += static_cast<std::uint64_t>(n);
            bool moved = n > 0;
            for (;;) {
                const std::size_t at = received % buffer_size;
                const auto got = ::recv(sockets.second, sink.data() + at, buffer_size - at, MSG_DONTWAIT);
                if (got <= 0) break;
                moved = true;
                const auto size = static_cast<std::size_t>(got);
                if (look) sound = sound && std::equal(&sink[at], &sink[at] + size, &source[at]);
                received += size;
            }
            if (moved) continue;
            pollfd waits{sockets.second, POLLIN, 0};
            if (::poll(&waits, 1, 1000) <= 0) throw std::runtime_error{"the kernel moves nothing"};
        }
        return sound ? received - begin : 0;
    }
};

/// All of `text`, however long it takes.
bool receive_all(int from, octets& text) {
    return ::recv(from, text.data(), text.size(), MSG_WAITALL) == static_cast<ssize_t>(text.size());
}
bool exchange(const std::pair<file, file>& sockets, const octets& source, octets& sink) {
    std::fill(sink.begin(), sink.end(), std::uint8_t{0});
    const auto size = static_cast<ssize_t>(request_size);
    return ::send(sockets.first, source.data(), request_size, 0) == size && receive_all(sockets.second, sink) &&
           ::send(sockets.second, sink.data(), request_size, 0) == size && receive_all(sockets.first, sink) &&
           sink == source;
}
struct requests {
    std::shared_ptr<ends> path;
    std::pair<file, file> sockets;
    octets source = some_text(request_size);
    octets sink = octets(request_size);

    explicit requests(std::shared_ptr<ends> between) : path{std::move(between)}, sockets{path->connect()} {}
    std::uint64_t operator()(bool) {
        constexpr unsigned times = 100;
        for (unsigned i = 0; i < times; ++i) {
            if (!exchange(sockets, source, sink)) return 0;
        }
        return times;
    }
};
struct open_to_close {
    std::shared_ptr<ends> path;
    octets source = some_text(request_size);
    octets sink = octets(request_size);

    explicit open_to_close(std::shared_ptr<ends> between) : path{std::move(between)} {}
    std::uint64_t operator()(bool) {
        constexpr unsigned times = 20;
        path->stand_here();
        for (unsigned i = 0; i < times; ++i) {
            const auto sockets = path->connect();
            if (!exchange(sockets, source, sink)) return 0;
        }
        return times;
    }
};

}  // namespace

void bench::add_kernel(std::vector<row>& rows) {
    for (const bool veth : {false, true}) {
        for (const bool offload : {false, true}) {
            const std::string name = std::string{"kernel "} + (veth ? "veth" : "lo") + (offload ? ", offload" : "");
            std::shared_ptr<ends> path;
            std::string why;
            try {
                path = std::make_shared<ends>(veth, offload);
            } catch (const impossible& reason) {
                why = reason.what();
            }
            const auto add = [&]<class Work>(const char* what, unit in, Work*) {
                row r{name + what, in, {}, why, true};
                if (path) path->stand_here();
                if (path) r.work = [w = std::make_shared<Work>(path)](bool look) { return (*w)(look); };
                rows.push_back(std::move(r));
            };
            add(" bulk", unit::gigabytes_per_second, static_cast<bulk*>(nullptr));
            if (offload) continue;
            add(" rr", unit::nanoseconds, static_cast<requests*>(nullptr));
            add(" open..close", unit::nanoseconds, static_cast<open_to_close*>(nullptr));
        }
    }
}
