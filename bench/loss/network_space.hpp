// SPDX-License-Identifier: MIT
// network_space.hpp: network namespaces of Linux, and TUN devices in them.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>

namespace bench {

/// A machine that cannot do what is needed is no failure: the program skips, and says why.
struct impossible : std::runtime_error {
    explicit impossible(const std::string& what) : runtime_error{what + ": " + std::strerror(errno)} {}
};

inline void write_file(const char* path, const std::string& text) {
    const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
    const bool done = fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    const int why = errno;
    if (fd >= 0) ::close(fd);
    errno = why;
    if (!done) throw impossible{path};
}

/// From now on this process is alone in a network of its own. Who is not root becomes root of a user namespace first.
inline void enter_new_network() {
    if (::geteuid() == 0) {
        if (::unshare(CLONE_NEWNET) != 0) throw impossible{"a network namespace"};
        return;
    }
    const std::string uid = std::to_string(::getuid()), gid = std::to_string(::getgid());
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) throw impossible{"a user and network namespace"};
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/uid_map", "0 " + uid + " 1");
    write_file("/proc/self/gid_map", "0 " + gid + " 1");
}

/// A TUN device with an address and its network of 256. Answers the end that is this program's; the other is the
/// kernel's. Packets that the kernel has for it wait in a long queue, since losing them is the link's matter.
inline int make_tun(const char* name, const char* address) {
    const int fd = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) throw impossible{"/dev/net/tun"};
    ifreq request{};
    std::snprintf(request.ifr_name, IFNAMSIZ, "%s", name);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (::ioctl(fd, TUNSETIFF, &request) != 0) throw impossible{std::string{"the TUN device "} + name};

    const int s = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const auto set = [&](unsigned long what) {
        if (::ioctl(s, what, &request) != 0) throw impossible{std::string{"setting up "} + name};
    };
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_addr.s_addr = ::inet_addr(address);
    std::memcpy(&request.ifr_addr, &in, sizeof in);
    set(SIOCSIFADDR);
    in.sin_addr.s_addr = htonl(0xffffff00);
    std::memcpy(&request.ifr_netmask, &in, sizeof in);
    set(SIOCSIFNETMASK);
    request.ifr_qlen = 10'000;
    set(SIOCSIFTXQLEN);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    set(SIOCSIFFLAGS);
    ::close(s);
    return fd;
}

/// Whatever has no better way goes out here.
inline void route_all_to(const char* device) {
    rtentry route{};
    sockaddr_in any{};
    any.sin_family = AF_INET;
    std::memcpy(&route.rt_dst, &any, sizeof any);
    std::memcpy(&route.rt_genmask, &any, sizeof any);
    route.rt_flags = RTF_UP;
    std::string name{device};
    route.rt_dev = name.data();
    const int s = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int done = ::ioctl(s, SIOCADDRT, &route);
    ::close(s);
    if (done != 0) throw impossible{std::string{"a route to "} + device};
}

}  // namespace bench
