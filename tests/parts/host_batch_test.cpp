// SPDX-License-Identifier: MIT
// host_batch_test.cpp: packets that arrive together.

#include "support/catch.hpp"
#include "support/hosts.hpp"

#include <array>
#include <random>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::literals;
using namespace tcpfsm::testing;

const endpoint server{"192.0.2.1"_ip, 80};
const ip_address client = "198.51.100.7"_ip;

void give_together(box& b, const std::vector<octet_string>& packets, time_point now) {
    const std::vector<std::span<const std::uint8_t>> views{packets.begin(), packets.end()};
    b.host.handle_batch(views, now);
}
/// All that is owed, in batches of `places`.
std::vector<octet_string> together(box& b, std::size_t places, time_point now) {
    std::vector<octet_string> out;
    std::vector<octet_string> memory(places, octet_string(b.host.config().mtu));
    for (;;) {
        std::vector<std::span<std::uint8_t>> views{memory.begin(), memory.end()};
        const std::size_t n = b.host.poll_batch(views, now);
        for (std::size_t i = 0; i < n; ++i) out.emplace_back(views[i].begin(), views[i].end());
        if (n < places) return out;
    }
}

/// Two pairs of hosts that are given the same: one packet by packet, the other in batches.
struct twins {
    cable single{box{1, {.connections = 40}}, box{2, {.connections = 40}}};
    cable many{box{1, {.connections = 40}}, box{2, {.connections = 40}}};

    twins() {
        for (cable* c : {&single, &many}) REQUIRE(c->b.host.listen({.port = 80, .backlog = 40}));
    }
};

}  // namespace

TEST_CASE("host: a batch does what its packets do one by one", "[host]") {
    twins t;
    std::mt19937_64 random{7};
    const time_point now = t.single.now;
    std::vector<octet_string> packets;
    for (std::uint16_t port = 1; port <= 50; ++port) {  // more than are read ahead, and than there are slots
        const four_tuple from{{client, port}, server};
        packets.push_back(packet_of(from, {.seq = seq{100}, .ctl = ctl::syn, .wnd = 1000}));
        packets.push_back(packet_of(from, {.seq = seq{100}, .ctl = ctl::rst}));                 // outside the window
        packets.push_back(packet_of(from, {.seq = seq{105}, .ack = seq{5}, .ctl = ctl::ack}));  // a bad ACK
    }
    for (int i = 0; i < 20; ++i) {  // and some that are no packets
        octet_string bent = packets[random() % packets.size()];
        bent[random() % bent.size()] ^= 0x10;
        packets.push_back(bent);
    }
    packets.push_back({});
    std::shuffle(packets.begin(), packets.end(), random);

    for (const octet_string& p : packets) t.single.b.host.handle_packet(p, now);
    give_together(t.many.b, packets, now);
    for (std::size_t f = 0; f < fate_count; ++f) {
        INFO(describe(static_cast<fate>(f)));
        CHECK(t.single.b.host.count(static_cast<fate>(f)) == t.many.b.host.count(static_cast<fate>(f)));
    }
    CHECK(t.single.b.host.count(fate::opening) > 30);
    CHECK(t.single.b.host.count(fate::bad_packet) + t.single.b.host.count(fate::bad_segment) > 10);
    const auto expected = t.single.b.packets(now);
    CHECK(expected.size() > 40);
    CHECK(together(t.many.b, 7, now) == expected);
}

TEST_CASE("host: after a batch each connection sends one ACK, and tells of the room that was read", "[host][MUST-59]") {
    cable c{box{1}, box{2}};
    REQUIRE(c.b.host.listen({.port = 80}));
    std::array<handle, 2> from{}, at{};
    for (std::size_t i = 0; i < 2; ++i) {
        from[i] = c.a.host.connect(server, client, c.now).of;
        c.run();
        at[i] = c.b.told(news::accepted);
        REQUIRE(c.a.told(news::opened) == from[i]);
    }
    std::vector<octet_string> packets;
    for (const char letter : {'a', 'b', 'c', 'd'}) {
        for (const handle h : from) {
            CHECK(c.a.host.send(h, octets_of(std::string(1000, letter)), c.now).octets == 1000);
            for (auto& p : c.a.packets(c.now)) packets.push_back(p);
        }
    }
    REQUIRE(packets.size() >= 6);
    give_together(c.b, packets, c.now);
    const auto acks = together(c.b, 4, c.now);
    REQUIRE(acks.size() == 2);
    for (const octet_string& p : acks) {
        const segment seg = read_packet(p).seg;
        CHECK(seg.text == 0);
        CHECK(seg.wnd + 3U * 1000 <= 4096);  // nothing has been read
    }
    // What is read opens the window at once, not with the next batch.
    octet_string all(4096);
    CHECK(c.b.host.receive(at[0], all, c.now).octets >= 3000);
    const auto told = together(c.b, 4, c.now);
    REQUIRE(told.size() == 1);
    CHECK(read_packet(told[0]).seg.wnd == 4096);
}

TEST_CASE("host: poll_batch fills the places that there are, and no more", "[host]") {
    box a{1, {.connections = 5}};
    const time_point now{};
    for (int i = 0; i < 5; ++i) REQUIRE(a.host.connect(server, client, now).says == answer::ok);
    octet_string first(1500), second(1500), little(1499);
    std::array<std::span<std::uint8_t>, 2> two{first, second};
    CHECK(a.host.poll_batch(two, now) == 2);
    CHECK(parse_packet(two[0]).error == ip_error::none);
    CHECK(two[0].data() == first.data());
    CHECK(two[1].size() < 100);
    std::array<std::span<std::uint8_t>, 2> too_little{first, little};
    CHECK(a.host.poll_batch(too_little, now) == 1);  // the second place is too small: nothing is lost
    CHECK(together(a, 3, now).size() == 2);
    CHECK(a.host.poll_batch({}, now) == 0);
}
