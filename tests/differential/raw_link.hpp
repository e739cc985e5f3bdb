// SPDX-License-Identifier: MIT
// raw_link.hpp: the raw end of a TUN device, by ports.
#pragma once

#include <tun_device.hpp>

#include <tcpfsm/address.hpp>
#include <tcpfsm/segment.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tcpfsm::differential {

/// Writes segments into the kernel and reads what it sends, for many ports at once.
class raw_link {
public:
    /// What the kernel sent from `port`.
    using receiver = std::function<void(std::uint16_t port, const segment&)>;

    explicit raw_link(const std::string& device) : tun_{device} {}

    /// Chooses the protocol of all that follows.
    void use(bool v6) { v6_ = v6; }
    [[nodiscard]] bool v6() const { return v6_; }
    /// A segment to the kernel's `port`.
    void send(std::uint16_t port, const segment& seg);
    /// Reads all that waits.
    void drain(const receiver& to);
    /// Returns when the kernel has dealt with all that was sent before. A segment to a port where nobody listens
    /// is answered by a reset, and packets on one queue stay in order.
    void wait(const receiver& to);

    /// The port from which all segments come. Another one makes connections of other names.
    [[nodiscard]] std::uint16_t peer_port() const { return peer_port_; }
    void change_peer_port() { ++peer_port_; }

private:
    [[nodiscard]] four_tuple from_peer(std::uint16_t port) const;

    tun::tun_device tun_;
    bool v6_ = false;
    std::uint16_t peer_port_ = 7;
    std::uint32_t asked_ = 0;
    std::uint32_t answered_ = 0;
    std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(70000);
    std::vector<std::uint8_t> text_ = std::vector<std::uint8_t>(66000, std::uint8_t{'x'});
};

}  // namespace tcpfsm::differential
