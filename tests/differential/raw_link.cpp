// SPDX-License-Identifier: MIT
#include <differential/raw_link.hpp>

#include <tcpfsm/ip.hpp>
#include <tcpfsm/wire.hpp>

#include <chrono>
#include <span>
#include <stdexcept>

#include <poll.h>

namespace tcpfsm::differential {
namespace {

constexpr std::uint16_t nobody = 1;  // a port where nobody listens

ip_address host(bool v6, std::uint8_t last) {
    if (!v6) return ipv4(10, 9, 0, last);
    return ip_address{std::array<std::uint8_t, 16>{0xfd, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last}};
}

}  // namespace

four_tuple raw_link::from_peer(std::uint16_t port) const { return {{host(v6_, 2), peer_port_}, {host(v6_, 1), port}}; }

void raw_link::send(std::uint16_t port, const segment& seg) {
    const std::size_t size = write_packet(buffer_, from_peer(port), seg, std::span{text_}.first(seg.text));
    if (size == 0 || !tun_.write(std::span{buffer_}.first(size))) throw std::runtime_error{"the kernel took no packet"};
}

void raw_link::drain(const receiver& to) {
    while (const std::size_t size = tun_.read(buffer_)) {
        const packet got = parse_packet(std::span{buffer_}.first(size));
        if (!got || got.protocol != tcp_protocol) continue;  // the kernel looks for routers, say
        const parsed tcp = parse_tcp(got.payload, got.source, got.destination);
        if (!tcp) throw std::runtime_error{"the kernel sent a segment that is not sound"};
        if (tcp.source_port == nobody) {
            answered_ = tcp.segment.seq.value();
        } else if (tcp.destination_port == peer_port_) {
            to(tcp.source_port, tcp.segment);
        }
    }
}

void raw_link::wait(const receiver& to) {
    send(nobody, {.ack = seq{++asked_}, .ctl = ctl::ack});
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{5};
    for (;;) {
        drain(to);
        if (answered_ == asked_) return;
        if (std::chrono::steady_clock::now() > end) throw std::runtime_error{"the kernel has not answered for 5 s"};
        pollfd waiting{tun_.native_handle(), POLLIN, 0};
        ::poll(&waiting, 1, 100);
    }
}

}  // namespace tcpfsm::differential
