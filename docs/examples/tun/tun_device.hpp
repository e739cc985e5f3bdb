// SPDX-License-Identifier: MIT
// tun_device.hpp: a network interface of the kernel whose other end is this program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace tun {

/// A TUN device: what the kernel routes to it comes out of `read`, what is given to `write` arrives in the
/// kernel. Packets begin with their IP header.
class tun_device {
public:
    /// Opens the interface `name`, or makes it. Throws a `std::system_error` that says what to do about it.
    explicit tun_device(const std::string& name);
    ~tun_device();
    tun_device(const tun_device&) = delete;
    tun_device& operator=(const tun_device&) = delete;

    /// The file descriptor, non-blocking; it stays with this object.
    [[nodiscard]] int native_handle() const noexcept { return fd_; }
    /// The interface's name, as the kernel completed it.
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    /// The next packet that waits, or 0 if none does.
    std::size_t read(std::span<std::uint8_t> into) const;
    /// Hands one packet to the kernel; false if it did not take it (the interface is down, say).
    bool write(std::span<const std::uint8_t> packet) const;

private:
    int fd_;
    std::string name_;
};

}  // namespace tun
