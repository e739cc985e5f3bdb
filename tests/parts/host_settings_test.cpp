// SPDX-License-Identifier: MIT
// host_settings_test.cpp: what a host hands on to its connections: advice about buffers, user timeouts.

#include <support/catch.hpp>
#include <support/far_hosts.hpp>

#include <chrono>
#include <cstdint>
#include <string>

using namespace tcpfsm;
using namespace tcpfsm::testing;
using namespace std::chrono_literals;

namespace {

struct talkative : brief {
    static constexpr bool window_advice = true;
    static constexpr bool user_timeout_option = true;
};
constexpr std::uint32_t room = 128 * 1024;
constexpr endpoint server4{*parse_ip("10.0.0.2"), 80};
constexpr ip_address client4 = *parse_ip("10.0.0.1");

/// Two hosts, 20 ms between them, and one connection.
struct two : far_hosts<talkative, host_storage<2, room, room, 1, talkative>> {
    handle here{}, there{};
    segment last{};             ///< of the server's
    std::uint32_t largest = 0;  ///< window that the server has offered

    explicit two(std::uint32_t first) : far_hosts{with(storage::config(key_of(2)), first), 20ms} {
        carries = [this](const segment& seg, bool to_server) {
            if (to_server) return true;
            last = seg;
            const auto* s = server.stream(there);
            if (s != nullptr) largest = std::max(largest, s->tcp().numbers().rcv.wnd());
            return true;
        };
        REQUIRE(server.listen({.port = 80, .settings = {.user_timeout_option = true}}));
        here = client.connect(server4, endpoint{client4, 0}, now, {.user_timeout_option = true}).of;
        wait(1s);
        while (const auto e = server.poll_event()) there = e->of;
        REQUIRE(server.stream(there) != nullptr);
    }
    static host_config with(host_config c, std::uint32_t first) {
        c.rcv_first = first;
        return c;
    }
    /// How long a million octets take that are read as they arrive.
    duration sends_a_million() {
        const time_point begin = now;
        std::size_t sent = 0;
        std::size_t got = 0;
        const octet_string text(10'000, 'x');
        octet_string in(room);
        while (got < 1'000'000) {
            while (sent < 1'000'000) {
                const std::size_t n = client.send(here, text, now).octets;
                sent += n;
                if (n != text.size()) break;
            }
            REQUIRE(step(begin + 10min));
            got += server.receive(there, in, now).octets;
        }
        return now - begin;
    }
};

TEST_CASE("host: the receive buffer grows as it is of use, as far as its memory reaches", "[host][3.8.6]") {
    two small{8192};
    CHECK(small.largest <= 8192);
    const duration grows = small.sends_a_million();
    CHECK(small.largest > room / 2);
    CHECK(small.largest <= room);
    const duration whole = two{0}.sends_a_million();
    CHECK(grows > whole);
    CHECK(grows < 3 * whole);  // with 8192 octets all the time it is 1000000 / 8192 round trips
    CHECK(3 * whole < 1'000'000 / 8192 * 40ms);
}

TEST_CASE("host: what is not read does not make the buffer grow", "[host][3.8.6]") {
    two small{8192};
    CHECK(small.client.send(small.here, octet_string(50'000, 'x'), small.now).octets == 50'000);
    small.wait(2s);
    CHECK(small.largest <= 8192);
    CHECK(small.server.stream(small.there)->readable() <= 8192);
}

TEST_CASE("host: a peer is told of a user timeout, by host and by stream", "[host][RFC 5482 3.2][5482-2]") {
    two t{0};
    t.wait(1s);
    for (int i = 0; i < 2; ++i) {  // the first segment of each end has it
        CHECK(t.server.send(t.there, octets_of("once"), t.now).octets == 4);
        t.wait(1s);
    }
    CHECK(!t.last.options.has_user_timeout);
    CHECK(t.server.advertise_user_timeout(t.there, 400s) == answer::ok);
    CHECK(t.server.send(t.there, octets_of("more"), t.now).octets == 4);
    t.wait(1s);
    CHECK(t.last.options.has_user_timeout);
    CHECK(t.last.options.user_timeout == 400);
    CHECK(t.client.stream(t.here)->tcp().numbers().given.user_timeout == 400s);
    CHECK(t.server.advertise_user_timeout(handle{}, 400s) == answer::err_no_connection);
}

}  // namespace
