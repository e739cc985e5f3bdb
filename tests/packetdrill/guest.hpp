// SPDX-License-Identifier: MIT
// guest.hpp: calls of a guest's sockets, and packets for it, in few words.
#pragma once

#include "sockets.hpp"

#include "support/catch.hpp"

#include <netinet/in.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

namespace packetdrill {

using namespace tcpfsm;

inline settings flags(const std::string& words) {
    std::string why;
    return parse_flags(words, why).value();
}

inline sockaddr_in at_port(std::uint16_t port) {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    a.sin_addr.s_addr = htonl(0xc0000202);  // 192.0.2.2
    return a;
}
inline const sockaddr* as_address(const sockaddr_in& a) { return reinterpret_cast<const sockaddr*>(&a); }

inline std::string next_packet(sockets& from) {
    std::string octets(65536, '\0');
    std::size_t size = 0;
    long long at = 0;
    from.netdev_receive({reinterpret_cast<std::uint8_t*>(octets.data()), octets.size()}, size, at);
    return octets.substr(0, size);
}
inline void give(sockets& to, const std::string& packet) {
    to.netdev_send({reinterpret_cast<const std::uint8_t*>(packet.data()), packet.size()});
}
inline glance look(const std::string& packet) {
    return look_into({reinterpret_cast<const std::uint8_t*>(packet.data()), packet.size()});
}
inline void give(sockets& to, const segment& seg) {
    std::string packet(1500, '\0');
    const four_tuple between{{ipv4(192, 0, 2, 9), 4000}, {ipv4(192, 0, 2, 2), 8080}};
    const std::vector<std::uint8_t> text(seg.text);
    packet.resize(write_packet({reinterpret_cast<std::uint8_t*>(packet.data()), packet.size()}, between, seg, text));
    give(to, packet);
}

inline int door_of(sockets& net) {
    const int fd = net.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    const auto here = at_port(8080);
    REQUIRE(net.bind(fd, as_address(here), sizeof here) == 0);
    REQUIRE(net.listen(fd, 1) == 0);
    return fd;
}
inline ssize_t write(sockets& net, int fd, const std::string& text) {
    const iovec piece{const_cast<char*>(text.data()), text.size()};
    return net.transmit(fd, {&piece, 1}, 0);
}
inline std::string read(sockets& net, int fd, std::size_t size) {
    std::string text(size, '\0');
    const iovec piece{text.data(), text.size()};
    const ssize_t n = net.receive(fd, {&piece, 1}, 0);
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return text;
}

/// What a call said, as packetdrill would compare it.
inline int error_of(long said) { return said == -1 ? errno : 0; }

}  // namespace packetdrill
