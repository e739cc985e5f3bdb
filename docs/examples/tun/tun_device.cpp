// SPDX-License-Identifier: MIT
#include "tun_device.hpp"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace tun {
namespace {

[[noreturn]] void give_up(const std::string& what) { throw std::system_error{errno, std::generic_category(), what}; }

int open_device() {
    const int fd = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0) return fd;
    if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
        give_up("/dev/net/tun: this kernel or container has no TUN devices");
    give_up("/dev/net/tun");
}

}  // namespace

tun_device::tun_device(const std::string& name) : fd_{open_device()} {
    ifreq request{};
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    if (::ioctl(fd_, TUNSETIFF, &request) < 0) {
        const int why = errno;
        ::close(fd_);
        errno = why;
        if (why == EPERM) give_up("interface " + name + ": it takes root or CAP_NET_ADMIN (try `unshare -rn`)");
        give_up("interface " + name);
    }
    name_ = request.ifr_name;
}

tun_device::~tun_device() { ::close(fd_); }

std::size_t tun_device::read(std::span<std::uint8_t> into) const {
    const ssize_t size = ::read(fd_, into.data(), into.size());
    if (size >= 0) return static_cast<std::size_t>(size);
    if (errno == EAGAIN || errno == EINTR) return 0;
    give_up("reading from " + name_);
}

bool tun_device::write(std::span<const std::uint8_t> packet) const {
    return ::write(fd_, packet.data(), packet.size()) == static_cast<ssize_t>(packet.size());
}

}  // namespace tun
