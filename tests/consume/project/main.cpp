// SPDX-License-Identifier: MIT
// main.cpp: one of two units that include all of the library. Two hosts open a connection, exchange text, and close
// it, with nothing but memory that was there from the start.

#include <tcpfsm/tcpfsm.hpp>
#include <tcpfsm/version.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

const std::string_view* version_of_other();  // in other.cpp

namespace {

using namespace tcpfsm;

constexpr std::array<std::uint8_t, 5> question{'h', 'e', 'l', 'l', 'o'};

// The hosts' memory, and a packet on its way.
host_storage<2, 4096, 4096> memory[2];
std::array<std::uint8_t, 1500> packet;

// Carries packets to and fro until neither host owes one. A hundred are more than this exchange needs.
bool carry(host& from, host& to, time_point now) {
    for (int n = 0; n < 100; ++n) {
        std::size_t size = from.poll_packet(packet, now);
        host* receiver = &to;
        if (size == 0) {
            size = to.poll_packet(packet, now);
            receiver = &from;
        }
        if (size == 0) return true;
        (void)receiver->handle_packet(std::span{packet}.first(size), now);
    }
    return false;
}

// The next news.
host_event told(host& h) {
    const auto event = h.poll_event();
    return event ? *event : host_event{};
}

bool exchange() {
    time_point now{};
    host server{memory[0].config({1}), memory[0].memory()};
    host client{memory[1].config({2}), memory[1].memory()};
    if (!server.listen({.port = 80})) return false;
    const connecting c = client.connect({ipv4(192, 0, 2, 1), 80}, ipv4(192, 0, 2, 2), now);
    if (c.says != answer::ok || !carry(client, server, now)) return false;
    const host_event opened = told(client);
    const host_event accepted = told(server);
    if (opened.what != news::opened || accepted.what != news::accepted) return false;

    if (client.send(c.of, question, now).octets != question.size() || client.close(c.of, now) != answer::ok)
        return false;
    if (!carry(client, server, now)) return false;
    std::array<std::uint8_t, 8> got{};
    if (server.receive(accepted.of, got, now).octets != question.size() || got[4] != 'o') return false;
    if (server.close(accepted.of, now) != answer::ok || !carry(client, server, now)) return false;

    // The client lingers for 2 MSL, and then nothing is left to wait for.
    if (client.poll_timeout() == never) return false;
    now = client.poll_timeout() + 2 * policies::msl;
    client.handle_timeout(now);
    server.handle_timeout(now);
    return carry(client, server, now) && client.poll_timeout() == never && server.poll_timeout() == never;
}

}  // namespace

int main() {
    // What the headers define is one thing in the whole program.
    if (version_of_other() != &version) return 1;
    return exchange() ? 0 : 2;
}
