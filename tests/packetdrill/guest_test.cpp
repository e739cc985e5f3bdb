// SPDX-License-Identifier: MIT
// The guest by itself: flags, errors, calls that block, and two guests with different looks on one wire.

#include "guest.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

using namespace packetdrill;
using namespace tcpfsm;

TEST_CASE("flags that are unknown or impossible are refused with a reason", "[packetdrill]") {
    const auto refused = [](const std::string& words) {
        std::string why;
        return !parse_flags(words, why) && !why.empty();
    };
    CHECK(flags("").look == settings::persona::linux_look);
    CHECK(
        flags("persona=bsd,mtu=576,wscale=3,rfc5961=0,rfc1337=1,sack=0,timestamps=0,ecn=0,cc=reno,strict_end=1").mtu ==
        576);
    CHECK(flags("cc=cubic").cubic);
    CHECK(flags("ecn=1").ecn);
    for (const char* words : {"persona=vms", "mtu=12", "mtu=70000", "mtu=1500x", "wscale=15", "sack=2", "ecn=3",
                              "cc=vegas", "color=1", "sack", "=1"}) {
        CAPTURE(words);
        CHECK(refused(words));
    }
}

TEST_CASE("a SYN looks like that of its system", "[packetdrill]") {
    const auto syn = [](const std::string& words) {
        sockets net{flags(words)};
        const int fd = net.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        const auto to = at_port(80);
        CHECK(error_of(net.connect(fd, as_address(to), sizeof to)) == EINPROGRESS);
        const std::string packet = next_packet(net);
        const glance at = look(packet);
        std::string kinds;
        for (std::size_t i = at.header + 20; i < packet.size();) {
            const auto kind = static_cast<unsigned char>(packet[i]);
            kinds += std::to_string(kind) + " ";
            i += kind < 2 ? 1 : static_cast<unsigned char>(packet[i + 1]);
        }
        CHECK(net.close(fd) == 0);
        return kinds;
    };
    CHECK(syn("persona=linux") == "2 4 8 1 3 ");
    CHECK(syn("persona=linux,timestamps=0") == "2 1 1 4 1 3 ");
    CHECK(syn("persona=linux,sack=0") == "2 1 1 8 1 3 ");
    CHECK(syn("persona=bsd") == "2 1 3 4 8 ");
    CHECK(syn("persona=bsd,timestamps=0,wscale=0") == "2 4 0 0 ");
    CHECK(syn("persona=bsd,sack=0") == "2 1 3 1 1 8 ");
}

TEST_CASE("calls in the wrong place say why", "[packetdrill]") {
    sockets net{flags("")};
    const int fd = net.socket(AF_INET, SOCK_STREAM, 0);
    const auto here = at_port(8080);
    char octet = 0;
    const iovec one{&octet, 1};
    const iovec nowhere{nullptr, 1};
    int value = 0;
    CHECK(error_of(net.socket(AF_UNIX, SOCK_STREAM, 0)) == EAFNOSUPPORT);
    CHECK(error_of(net.socket(AF_INET, SOCK_DGRAM, 0)) == ESOCKTNOSUPPORT);
    CHECK(error_of(net.close(-1)) == EBADF);
    CHECK(error_of(net.receive(fd, {&one, 1}, 0)) == ENOTCONN);
    CHECK(error_of(net.transmit(fd, {&one, 1}, 0)) == EPIPE);
    CHECK(error_of(net.transmit(fd, {&nowhere, 1}, 0)) == EFAULT);
    CHECK(error_of(net.shutdown(fd, SHUT_WR)) == ENOTCONN);
    CHECK(error_of(net.accept(fd, nullptr, nullptr)) == EINVAL);
    CHECK(error_of(net.setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, 1)) == EINVAL);
    CHECK(error_of(net.setsockopt(fd, SOL_SOCKET, 9999, &value, sizeof value)) == ENOPROTOOPT);
    CHECK(net.bind(fd, as_address(here), sizeof here) == 0);
    CHECK(error_of(net.bind(fd, as_address(here), sizeof here)) == EINVAL);
    CHECK(net.listen(fd, 1) == 0);
    CHECK(error_of(net.connect(fd, as_address(here), sizeof here)) == EISCONN);
    const int other = net.socket(AF_INET, SOCK_STREAM, 0);
    CHECK(error_of(net.bind(other, as_address(here), sizeof here)) == EADDRINUSE);
    CHECK(net.fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    CHECK(error_of(net.accept(fd, nullptr, nullptr)) == EAGAIN);
    CHECK(net.close(other) == 0);
    CHECK(net.close(fd) == 0);
}

TEST_CASE("what nobody has received is left over, but for the answer to the last reset", "[packetdrill]") {
    sockets net{flags("")};
    const int fd = door_of(net);
    give(net, {.seq = seq{100}, .ctl = ctl::syn, .wnd = 65535});
    CHECK(net.left_over().size() == 1);
    const glance syn_ack = look(next_packet(net));
    CHECK(net.left_over().empty());
    give(net, {.seq = seq{101}, .ack = syn_ack.segment.seq + 1, .ctl = ctl::ack, .wnd = 65535});
    // A reset that does not begin at RCV.NXT is answered (RFC 5961).
    const segment reset{.seq = seq{200}, .ack = syn_ack.segment.seq + 1, .ctl = ctl::rst | ctl::ack};
    give(net, reset);
    CHECK(net.left_over().empty());
    give(net, reset);
    CHECK(net.left_over().size() == 1);
    CHECK(net.close(fd) == 0);
}

TEST_CASE("a call that blocks returns when it may, in virtual time", "[packetdrill]") {
    sockets net{flags("")};
    const int fd = door_of(net);
    const std::int64_t begun = net.gettimeofday();
    pollfd waiting{fd, POLLIN, 0};
    // The owner of the clock lets the time pass ...
    CHECK(net.poll({&waiting, 1}, 500) == 0);
    CHECK(net.gettimeofday() - begun >= 500'000);
    // ... anyone else waits for him, and sees the time at which he was woken.
    int said = -2;
    std::int64_t returned = 0;
    std::thread other{[&] {
        said = net.accept(fd, nullptr, nullptr);
        returned = net.gettimeofday();
    }};
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
    net.usleep(1'000'000);
    give(net, {.seq = seq{100}, .ctl = ctl::syn, .wnd = 65535});
    const glance syn_ack = look(next_packet(net));
    const std::int64_t woken = net.gettimeofday();
    give(net, {.seq = seq{101}, .ack = syn_ack.segment.seq + 1, .ctl = ctl::ack, .wnd = 65535});
    net.usleep(1'000'000);
    other.join();
    CHECK(said >= 0);
    CHECK(returned == woken);
    CHECK(net.close(said) == 0);
    CHECK(net.close(fd) == 0);
}

TEST_CASE("two guests talk, whatever they look like", "[packetdrill]") {
    for (const auto& [one, two] : {std::pair{"persona=linux", "persona=bsd"}, std::pair{"persona=bsd", "persona=linux"},
                                   std::pair{"persona=linux,mtu=576", "persona=linux,sack=0,timestamps=0"}}) {
        CAPTURE(one, two);
        sockets server{flags(one)};
        sockets client{flags(two)};
        const int door = door_of(server);
        REQUIRE(server.fcntl(door, F_SETFL, O_NONBLOCK) == 0);
        std::string text(300'000, '\0');
        for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7919 >> 3U);
        std::string answer;
        std::atomic<bool> over = false;
        // The client's calls block; it looks at its clock after each, as packetdrill does.
        std::thread user{[&] {
            const int fd = client.socket(AF_INET, SOCK_STREAM, 0);
            const auto to = at_port(8080);
            const int small = 20'000;
            bool fine = client.setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0;
            fine = fine && client.connect(fd, as_address(to), sizeof to) == 0;
            (void)client.gettimeofday();
            fine = fine && write(client, fd, text) == static_cast<ssize_t>(text.size());
            (void)client.gettimeofday();
            fine = fine && client.shutdown(fd, SHUT_WR) == 0;
            const std::string got = read(client, fd, 100);
            (void)client.gettimeofday();
            answer = fine && read(client, fd, 100).empty() ? got : "a call failed";
            (void)client.gettimeofday();
            client.close(fd);
            over = true;
        }};
        std::string arrived;
        int fd = -1;
        bool closed = false;
        // A millisecond for both a round. Where nothing moves, the client's thread gets some real time, too.
        const auto exchange = [&] {
            bool moved = false;
            for (; !server.left_over().empty(); moved = true) give(client, next_packet(server));
            for (; !client.left_over().empty(); moved = true) give(server, next_packet(client));
            server.usleep(1000);
            client.usleep(1000);
            if (!moved) std::this_thread::sleep_for(std::chrono::microseconds{50});
        };
        const auto begun = std::chrono::steady_clock::now();
        while (!over && std::chrono::steady_clock::now() - begun < std::chrono::minutes{1}) {
            exchange();
            if (fd < 0) fd = server.accept(door, nullptr, nullptr);
            if (fd < 0 || closed) continue;
            server.fcntl(fd, F_SETFL, O_NONBLOCK);
            arrived += read(server, fd, 100'000);
            if (arrived.size() < text.size()) continue;
            write(server, fd, "thanks");
            closed = server.close(fd) == 0;
        }
        if (!over) {
            user.detach();  // nobody would wake it any more
            FAIL("the client still waits: " << arrived.size() << " octets have arrived");
        }
        user.join();
        CHECK(closed);
        CHECK(arrived == text);
        CHECK(answer == "thanks");
        server.close(door);
    }
}
