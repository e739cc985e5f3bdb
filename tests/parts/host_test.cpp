// SPDX-License-Identifier: MIT
// host_test.cpp: many connections, and everyone who has no connection.

#include "support/catch.hpp"
#include "support/hosts.hpp"

#include <algorithm>
#include <set>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::literals;
using namespace tcpfsm::testing;

const endpoint server4{"192.0.2.1"_ip, 80};
const endpoint server6{"2001:db8::1"_ip, 80};
const ip_address client4 = "198.51.100.7"_ip;
const ip_address client6 = "2001:db8::7"_ip;

listener_options at_port(std::uint16_t port) {
    listener_options o;
    o.port = port;
    return o;
}
struct met {
    handle client{};
    handle server{};
};
/// Two that are connected and have heard so.
met meet(cable& c, endpoint server = server4, ip_address client = client4) {
    met m;
    m.client = c.a.host.connect(server, client, c.now).of;
    c.run();
    if (c.a.told(news::opened) != m.client) return {};
    m.server = c.b.told(news::accepted);
    return m;
}
void say(box& from, handle h, std::string_view text, time_point now) {
    CHECK(from.host.send(h, octets_of(text), now).octets == text.size());
}

}  // namespace

TEST_CASE("host: a connection from the SYN to the free slot, over IPv4 and IPv6", "[host]") {
    const bool v6 = GENERATE(false, true);
    cable c{box{1}, box{2}};
    REQUIRE(c.b.host.listen(at_port(80)));
    const met m = meet(c, v6 ? server6 : server4, v6 ? client6 : client4);
    REQUIRE(c.a.host.stream(m.client) != nullptr);
    REQUIRE(c.b.host.stream(m.server) != nullptr);
    CHECK(c.b.host.between(m.server) == c.a.host.between(m.client)->reversed());
    CHECK(c.a.host.stream(m.client)->tcp().numbers().snd.mss == (v6 ? 1440 : 1460));

    say(c.a, m.client, "GET /", c.now);
    c.run();
    CHECK(c.b.told(news::readable) == m.server);
    CHECK(c.b.read(m.server, c.now) == "GET /");
    say(c.b, m.server, "200 OK", c.now);
    CHECK(c.b.host.close(m.server, c.now) == answer::ok);
    c.run();
    CHECK(c.a.told(news::readable) == m.client);
    CHECK(c.a.told(news::closing) == m.client);
    CHECK(c.a.host.close(m.client, c.now) == answer::ok);
    c.run();
    CHECK(c.b.told(news::closing) == m.server);
    CHECK(c.b.told(news::closed) == m.server);  // TIME-WAIT is no concern of the user
    CHECK(c.a.told(news::closed) == m.client);
    CHECK(c.a.read(m.client, c.now) == "200 OK");  // the end came, and unread text with it
    CHECK(c.a.host.stream(m.client) == nullptr);
    CHECK(c.b.host.stream(m.server) == nullptr);
    c.run();
    CHECK(c.a.host.used() == 0);
    CHECK(c.b.host.used() == 1);
    c.wait(2 * brief::msl);
    CHECK(c.b.host.used() == 0);
    CHECK_FALSE(c.b.told());
    CHECK(c.b.host.poll_timeout() == never);
}

TEST_CASE("host: text that ends the handshake is told of", "[host][3.10.7.4 5]") {
    cable c{box{1}, box{2}};
    REQUIRE(c.b.host.listen(at_port(80)));
    const handle h = c.a.host.connect(server4, client4, c.now).of;
    for (const auto& p : c.a.packets(c.now)) c.b.host.handle_packet(p, c.now);
    for (const auto& p : c.b.packets(c.now)) c.a.host.handle_packet(p, c.now);
    const octet_string lost = c.a.packet(c.now);  // the third segment of the handshake
    REQUIRE(read_packet(lost).seg.text == 0);
    say(c.a, h, "GET /", c.now);
    c.run();
    const handle server = c.b.told(news::accepted);
    CHECK(c.b.told(news::readable) == server);
    CHECK(c.b.read(server, c.now) == "GET /");
}

TEST_CASE("host: stale handles are harmless", "[host]") {
    cable c{box{1, {.connections = 1}}, box{2, {.connections = 1}}};
    REQUIRE(c.b.host.listen(at_port(80)));
    const met old = meet(c);
    CHECK(c.a.host.abort(old.client, c.now) == answer::ok);
    c.run();
    CHECK(c.b.told(news::reset) == old.server);
    c.run();
    const met young = meet(c);
    REQUIRE(young.client.place == old.client.place);
    octet_string text(10);
    for (const handle h : {old.client, handle{}, handle{99, 1}}) {
        CHECK(c.a.host.send(h, text, c.now) == moved{0, answer::err_no_connection});
        CHECK(c.a.host.receive(h, text, c.now) == moved{0, answer::err_no_connection});
        CHECK(c.a.host.send_urgent(h, text, c.now).says == answer::err_no_connection);
        CHECK(c.a.host.commit(h, 3, c.now).says == answer::err_no_connection);
        CHECK(c.a.host.consume(h, 3, c.now).says == answer::err_no_connection);
        CHECK(c.a.host.reserve(h).empty());
        CHECK(c.a.host.peek(h).empty());
        CHECK(c.a.host.close(h, c.now) == answer::err_no_connection);
        CHECK(c.a.host.abort(h, c.now) == answer::err_no_connection);
        CHECK(c.a.host.release(h, c.now) == answer::err_no_connection);
        CHECK(c.a.host.accept(h, c.now) == answer::err_no_connection);
        CHECK(c.a.host.refuse(h, c.now) == answer::err_no_connection);
        CHECK(c.a.host.set_dscp(h, 1) == answer::err_no_connection);
        CHECK_FALSE(c.a.host.between(h));
    }
    say(c.a, young.client, "alive", c.now);
    c.run();
    CHECK(c.b.read(young.server, c.now) == "alive");
}

TEST_CASE("host: a port where nobody listens refuses", "[host][3.10.7.1]") {
    cable c{box{1}, box{2}};
    const handle h = c.a.host.connect(server4, client4, c.now).of;
    c.run();
    CHECK(c.a.told(news::reset) == h);
    CHECK_FALSE(c.a.told());
    c.run();
    CHECK(c.a.host.used() == 0);
    CHECK(c.b.host.last().fate == fate::answered_with_reset);
}

TEST_CASE("host: no reset in reply to a reset, nor to what asks for none", "[host][3.10.7.1][3.10.7.2]") {
    box b{1};
    const time_point now{};
    const four_tuple from{{client4, 999}, server4};
    REQUIRE(b.host.listen(at_port(81)));
    const auto sent = [&](four_tuple between, segment seg) {
        const fate f = b.host.handle_packet(packet_of(between, seg), now).fate;
        const auto out = b.packets(now);
        return std::pair{f, out.empty() ? segment{} : read_packet(out.at(0)).seg};
    };
    CHECK(sent(from, {.ctl = ctl::rst}).first == fate::stray);
    CHECK(sent(from, {.ctl = ctl::rst | ctl::ack}) == std::pair{fate::stray, segment{}});
    CHECK(sent(from, {.seq = seq{7}, .ack = seq{9}, .ctl = ctl::ack}).second ==
          segment{.seq = seq{9}, .ctl = ctl::rst});
    CHECK(sent(from, {.seq = seq{7}, .ctl = ctl::syn}).second == segment{.ack = seq{8}, .ctl = ctl::rst | ctl::ack});
    CHECK(sent(from, {.seq = seq{7}, .ctl = ctl::fin}).second == segment{.ack = seq{8}, .ctl = ctl::rst | ctl::ack});
    const four_tuple to_listener{from.local, {server4.address, 81}};
    CHECK(sent(to_listener, {.ctl = ctl::rst | ctl::syn}).first == fate::stray);
    CHECK(sent(to_listener, {.ctl = ctl::fin}) == std::pair{fate::stray, segment{}});
    CHECK(sent(to_listener, {.ack = seq{5}, .ctl = ctl::syn | ctl::ack}).second ==
          segment{.seq = seq{5}, .ctl = ctl::rst});
    CHECK(b.host.used() == 0);
}

TEST_CASE("host: addresses that nobody may have are not answered", "[host][MUST-57][MUST-63]") {
    host_config config;
    config.is_local = [](void*, const ip_address& a) { return a == server4.address || a == server6.address; };
    box b{1, {}, config};
    listener_options any = at_port(80);
    REQUIRE(b.host.listen(any));
    const segment syn{.ctl = ctl::syn};
    const auto sent = [&](const ip_address& source, const ip_address& destination) {
        const verdict v = b.host.handle_packet(packet_of({{source, 999}, {destination, 80}}, syn), time_point{});
        CHECK_FALSE(describe(v).empty());
        CHECK(b.packets(time_point{}).empty());
        CHECK(b.host.used() == 0);
        CHECK(b.host.count(v.fate) != 0);
        return v.fate;
    };
    CHECK(sent(client4, "224.0.0.1"_ip) == fate::bad_destination);
    CHECK(sent(client4, "255.255.255.255"_ip) == fate::bad_destination);
    CHECK(sent(client4, "192.0.2.255"_ip) == fate::not_for_us);
    CHECK(sent(client6, "ff02::1"_ip) == fate::bad_destination);
    CHECK(sent("224.0.0.1"_ip, server4.address) == fate::bad_source);
    CHECK(sent("255.255.255.255"_ip, server4.address) == fate::bad_source);
    CHECK(sent("0.0.0.0"_ip, server4.address) == fate::bad_source);
    CHECK(sent("ff02::1"_ip, server6.address) == fate::bad_source);
    CHECK(sent("::"_ip, server6.address) == fate::bad_source);
    CHECK(sent("::ffff:1.2.3.4"_ip, server6.address) == fate::bad_source);
    // A SYN from our own socket, to our own socket.
    b.host.handle_packet(packet_of({server4, server4}, syn), time_point{});
    CHECK(b.host.last().fate == fate::bad_source);
}

TEST_CASE("host: packets that are none", "[host]") {
    box b{1};
    const time_point now{};
    octet_string p = packet_of({{client4, 999}, server4}, {.ctl = ctl::ack}, "text");
    CHECK(b.host.handle_packet({}, now).fate == fate::bad_packet);
    for (std::size_t n = 0; n < p.size(); ++n) {
        const octet_string cut(p.begin(), p.begin() + static_cast<std::ptrdiff_t>(n));
        CHECK(b.host.handle_packet(cut, now).fate == fate::bad_packet);
    }
    for (std::size_t n = 0; n < p.size(); ++n) {
        octet_string bent = p;
        bent[n] ^= 1;
        const verdict v = b.host.handle_packet(bent, now);
        CHECK((v.fate == fate::bad_packet || v.fate == fate::bad_segment));
        CHECK_FALSE(describe(v).empty());
    }
    CHECK(b.packets(now).empty());
    octet_string udp(28);
    write_ip_header(udp, client4, server4.address, 17, 8);
    CHECK(b.host.handle_packet(udp, now).fate == fate::not_tcp);
}

TEST_CASE("host: resets that nobody fetches do not pile up", "[host]") {
    box b{1};
    const time_point now{};
    for (std::uint16_t port = 1; port <= 100; ++port) {
        b.host.handle_packet(packet_of({{client4, port}, server4}, {.ctl = ctl::ack}), now);
    }
    CHECK(b.host.count(fate::answered_with_reset) == box::host_type::most_resets);
    CHECK(b.host.count(fate::resets_full) == 100 - box::host_type::most_resets);
    const auto out = b.packets(now);
    REQUIRE(out.size() == box::host_type::most_resets);
    for (std::uint16_t i = 0; i < out.size(); ++i) CHECK(read_packet(out[i]).between.remote.port == i + 1);
}

TEST_CASE("host: poll_packet with too little room loses nothing", "[host]") {
    box a{1};
    (void)a.host.connect(server4, client4, time_point{});
    octet_string little(1499);
    CHECK(a.host.poll_packet(little, time_point{}) == 0);
    CHECK(a.packets(time_point{}).size() == 1);
}

TEST_CASE("host: invalid remote addresses, and ours", "[host][MUST-46]") {
    host_config config;
    config.is_local = [](void*, const ip_address& a) { return a == client4 || a == client6; };
    box a{1, {}, config};
    const auto tried = [&](const endpoint& remote, const ip_address& local) {
        return a.host.connect(remote, local, time_point{}).says;
    };
    CHECK(tried({"224.0.0.1"_ip, 80}, client4) == answer::err_unspecified);
    CHECK(tried({"255.255.255.255"_ip, 80}, client4) == answer::err_unspecified);
    CHECK(tried({"0.0.0.0"_ip, 80}, client4) == answer::err_unspecified);
    CHECK(tried({"ff02::1"_ip, 80}, client6) == answer::err_unspecified);
    CHECK(tried({"::ffff:1.2.3.4"_ip, 80}, client6) == answer::err_unspecified);
    CHECK(tried({server4.address, 0}, client4) == answer::err_unspecified);
    CHECK(tried(server6, client4) == answer::err_unspecified);
    CHECK(tried(server4, "10.0.0.1"_ip) == answer::err_unspecified);  // not an address of this host
    CHECK(a.host.used() == 0);
    CHECK(tried(server4, client4) == answer::ok);
}

TEST_CASE("host: ephemeral ports, each once", "[host][RFC 6056][6056-2][6056-3]") {
    host_config config;
    config.ephemeral = {50000, 50004};
    box a{1, {.connections = 10}, config};
    std::set<std::uint16_t> ports;
    for (int i = 0; i < 5; ++i) {
        const auto c = a.host.connect(server4, client4, time_point{});
        REQUIRE(c.says == answer::ok);
        ports.insert(a.host.between(c.of)->local.port);
    }
    CHECK(ports == std::set<std::uint16_t>{50000, 50001, 50002, 50003, 50004});
    CHECK(a.host.connect(server4, client4, time_point{}).says == answer::err_no_resources);
    CHECK(a.host.used() == 5);
    CHECK(a.host.connect({server4.address, 81}, client4, time_point{}).says == answer::ok);  // another four-tuple
    CHECK(a.host.connect(server4, endpoint{client4, 50000}, time_point{}).says == answer::err_exists);
    CHECK(a.host.connect(server4, endpoint{client4, 1234}, time_point{}).says == answer::ok);
}

TEST_CASE("host: when there is no slot", "[host]") {
    cable c{box{1, {.connections = 8}}, box{2, {.connections = 3}}};
    REQUIRE(c.b.host.listen(at_port(80)));
    std::vector<met> all;
    for (int i = 0; i < 3; ++i) all.push_back(meet(c));
    CHECK(c.b.host.used() == 3);
    CHECK(c.b.host.connect({client4, 99}, server4.address, c.now).says == answer::err_no_resources);
    const handle late = c.a.host.connect(server4, client4, c.now).of;
    c.run();
    CHECK(c.b.host.last().fate == fate::no_slot);
    CHECK(c.a.host.stream(late)->in(state::syn_sent));  // no reset: the SYN comes again

    SECTION("one that was closed makes room") {
        CHECK(c.b.host.abort(all[1].server, c.now) == answer::ok);
        c.run();
        c.wait(std::chrono::seconds{2});
        CHECK(c.a.host.stream(late)->in(state::established));
    }
    SECTION("the oldest in TIME-WAIT makes room") {
        for (const int i : {2, 0}) {
            const met m = all[static_cast<std::size_t>(i)];
            CHECK(c.b.host.close(m.server, c.now) == answer::ok);
            c.run();
            CHECK(c.a.host.close(m.client, c.now) == answer::ok);
            c.run();
        }
        SECTION("but not while the user has not heard of its end") {
            c.wait(std::chrono::seconds{2});
            CHECK(c.a.host.stream(late)->in(state::syn_sent));
        }
        c.a.hear_nothing();
        c.b.hear_nothing();
        CHECK(c.b.host.used() == 3);
        c.wait(std::chrono::seconds{4});
        CHECK(c.a.host.stream(late)->in(state::established));
        CHECK(c.b.told(news::accepted).place == all[2].server.place);
        say(c.a, all[1].client, "still here", c.now);
        c.run();
        CHECK(c.b.read(all[1].server, c.now) == "still here");
    }
}

TEST_CASE("host: the backlog", "[host]") {
    cable c{box{1}, box{2}};
    listener_options o = at_port(80);
    o.backlog = 2;
    REQUIRE(c.b.host.listen(o));
    std::vector<handle> tried;
    for (int i = 0; i < 3; ++i) tried.push_back(c.a.host.connect(server4, client4, c.now).of);
    c.run();
    CHECK(c.b.host.count(fate::backlog_full) == 1);
    CHECK(c.b.host.used() == 2);
    const handle first = c.b.told(news::accepted);  // one is told: there is room for one more
    CHECK(c.b.host.stream(first) != nullptr);
    c.wait(std::chrono::seconds{2});
    CHECK(
        std::all_of(tried.begin(), tried.end(), [&](handle h) { return c.a.host.stream(h)->in(state::established); }));

    SECTION("those that nobody was told of go with their listener") {
        CHECK(c.b.host.listen(at_port(81)) != std::nullopt);
        c.b.host.unlisten({0, 1}, c.now);
        c.run();
        CHECK(c.b.host.used() == 1);
        CHECK_FALSE(c.b.told());
        CHECK(c.b.host.stream(first)->in(state::established));
        const handle late = c.a.host.connect(server4, client4, c.now).of;
        c.run();
        CHECK(c.a.host.stream(late)->in(state::closed));
    }
}

TEST_CASE("host: half-open children go back to nothing", "[host][3.10.7.4 2]") {
    box b{1};
    const time_point now{std::chrono::seconds{1}};
    listener_options o = at_port(80);
    o.backlog = 1;
    REQUIRE(b.host.listen(o));
    const four_tuple from{{client4, 999}, server4};
    for (int i = 0; i < 3; ++i) {
        CHECK(b.host.handle_packet(packet_of(from, {.seq = seq{100}, .ctl = ctl::syn, .wnd = 1000}), now).fate ==
              fate::opening);
        const auto syn_ack = b.packets(now);
        REQUIRE(syn_ack.size() == 1);
        CHECK(read_packet(syn_ack[0]).seg.has(ctl::syn | ctl::ack));
        CHECK(b.host.used() == 1);
        b.host.handle_packet(packet_of(from, {.seq = seq{101}, .ctl = ctl::rst}), now);
        CHECK(b.packets(now).empty());
        CHECK(b.host.used() == 0);
        CHECK_FALSE(b.told());
    }
    SECTION("and those that never answer, too") {
        b.host.handle_packet(packet_of(from, {.seq = seq{100}, .ctl = ctl::syn, .wnd = 1000}), now);
        for (time_point t = now; t != never && b.host.used() != 0; t = b.host.poll_timeout()) {
            b.host.handle_timeout(t);
            (void)b.packets(t);
        }
        CHECK(b.host.used() == 0);
        CHECK_FALSE(b.told());
    }
}

TEST_CASE("host: deferred accept", "[host]") {
    cable c{box{1}, box{2}};
    listener_options o = at_port(80);
    o.deferred = true;
    const auto id = c.b.host.listen(o);
    REQUIRE(id);
    const handle client = c.a.host.connect(server4, client4, c.now).of;
    c.run();
    c.wait(std::chrono::seconds{4});  // the SYN comes more than once, and nobody answers
    const auto e = c.b.told();
    REQUIRE(e);
    CHECK(e->what == news::incoming);
    CHECK(e->from == *id);
    CHECK(c.b.host.between(e->of)->remote == c.a.host.between(client)->local);
    CHECK_FALSE(c.b.told());
    CHECK(c.a.host.stream(client)->in(state::syn_sent));

    SECTION("accepted") {
        CHECK(c.b.host.accept(e->of, c.now) == answer::ok);
        CHECK(c.b.host.accept(e->of, c.now) == answer::err_exists);
        CHECK(c.b.host.refuse(e->of, c.now) == answer::err_exists);
        c.run();
        CHECK(c.b.told(news::opened) == e->of);
        CHECK(c.a.told(news::opened) == client);
    }
    SECTION("refused") {
        const bool by_release = GENERATE(false, true);
        CHECK((by_release ? c.b.host.release(e->of, c.now) : c.b.host.refuse(e->of, c.now)) == answer::ok);
        CHECK(c.b.host.used() == 0);
        CHECK(c.b.host.stream(e->of) == nullptr);
        c.run();
        CHECK(c.a.told(news::reset) == client);
    }
    SECTION("the peer thinks better of it") {
        const auto between = *c.a.host.between(client);
        const seq next = c.b.host.stream(e->of)->tcp().numbers().rcv.nxt;
        c.b.host.handle_packet(packet_of(between, {.seq = next, .ctl = ctl::rst}), c.now);
        CHECK(c.b.told(news::reset) == e->of);
        CHECK(c.b.host.stream(e->of) == nullptr);
        (void)c.b.packets(c.now);
        CHECK(c.b.host.used() == 0);
    }
}

TEST_CASE("host: which listener it is", "[host][MUST-43]") {
    cable c{box{1}, box{2}};
    std::uint16_t wanted = 7000;
    listener_options proxy;
    proxy.wants = [](void* context, const endpoint& local) {
        return local.port >= *static_cast<std::uint16_t*>(context);
    };
    proxy.context = &wanted;
    listener_options exact = at_port(7000);
    exact.address = server4.address;
    const auto by_predicate = c.b.host.listen(proxy);
    const auto by_port = c.b.host.listen(at_port(7000));
    const auto by_address = c.b.host.listen(exact);
    const auto from = [&](const endpoint& server, const ip_address& client) -> std::optional<listener_id> {
        const handle h = c.a.host.connect(server, client, c.now).of;
        c.run();
        const auto e = c.b.told();
        c.a.hear_nothing();
        (void)c.a.host.abort(h, c.now);
        c.run();
        c.b.hear_nothing();
        return e ? std::optional{e->from} : std::nullopt;
    };
    CHECK(from({server4.address, 7000}, client4) == by_address);
    CHECK(from({"10.1.1.1"_ip, 7000}, client4) == by_port);
    CHECK(from({server6.address, 7000}, client6) == by_port);
    CHECK(from({"10.1.1.1"_ip, 7001}, client4) == by_predicate);
    CHECK(from({"2001:db8::99"_ip, 65535}, client6) == by_predicate);
    CHECK(from({server4.address, 6999}, client4) == std::nullopt);
    CHECK(c.b.host.listen(at_port(1)) != std::nullopt);
    CHECK(c.b.host.listen(at_port(2)) == std::nullopt);  // memory for four
}

TEST_CASE("host: ICMP errors find their connection", "[host][3.9.2.2][MUST-54][MUST-47][UNL-02][SHLD-25]") {
    cable c{box{1}, box{2}};
    REQUIRE(c.b.host.listen(at_port(80)));
    const auto report = [&](const octet_string& about, std::uint8_t type, std::uint8_t code) {
        octet_string icmp{type, code, 0, 0, 0, 0, 0, 0};
        icmp.insert(icmp.end(), about.begin(), about.begin() + 28);
        store16(&icmp[2], partial_sum{icmp}.checksum());
        octet_string out(20 + icmp.size());
        write_ip_header(std::span{out}.first(20), "10.0.0.1"_ip, client4, 1, icmp.size());
        std::copy(icmp.begin(), icmp.end(), out.begin() + 20);
        return out;
    };
    const handle h = c.a.host.connect(server4, client4, c.now).of;
    const octet_string syn = c.a.packet(c.now);
    SECTION("hard, while the SYN is in flight") {
        CHECK(c.a.host.handle_packet(report(syn, 3, 3), c.now).fate == fate::reported);
        CHECK(c.a.told(news::unreachable) == h);
        CHECK(c.a.packets(c.now).empty());
        CHECK(c.a.host.used() == 0);
    }
    SECTION("soft") {
        CHECK(c.a.host.handle_packet(report(syn, 3, 1), c.now).fate == fate::reported);
        CHECK(c.a.told(news::soft_error) == h);
        c.b.host.handle_packet(syn, c.now);
        c.run();
        CHECK(c.a.told(news::opened) == h);
    }
    SECTION("about others") {
        octet_string other = syn;
        other[21] ^= 1;  // the port
        CHECK(c.a.host.handle_packet(report(other, 3, 3), c.now).fate == fate::stray_report);
        CHECK(c.a.host.handle_packet(report(syn, 3, 4), c.now).fate == fate::too_big_ignored);
        CHECK(c.a.host.handle_packet(report(syn, 8, 0), c.now).fate == fate::not_tcp);
        CHECK(c.a.host.stream(h)->in(state::syn_sent));
    }
}

TEST_CASE("host: writable is told to whom it was refused", "[host]") {
    cable c{box{1, {.snd = 1000}}, box{2}};
    REQUIRE(c.b.host.listen(at_port(80)));
    const met m = meet(c);
    CHECK(c.a.host.send(m.client, octet_string(400), c.now).octets == 400);
    c.wait(std::chrono::seconds{1});
    CHECK_FALSE(c.a.told());
    CHECK(c.a.host.send(m.client, octet_string(1400), c.now).octets == 1000);
    CHECK(c.a.host.send(m.client, octet_string(1), c.now) == moved{0, answer::err_no_resources});
    c.wait(std::chrono::seconds{1});
    CHECK(c.a.told(news::writable) == m.client);
    CHECK_FALSE(c.a.told());
    CHECK(c.a.host.reserve(m.client).size() == 600);
}

TEST_CASE("host: ECN passes from the IP header to TCP and back, over IPv4 and IPv6", "[host][RFC 3168 5][SHLD-8]") {
    const bool v6 = GENERATE(false, true);
    cable c{box{1}, box{2}};
    REQUIRE(c.b.host.listen(at_port(80)));
    const endpoint from{v6 ? client6 : client4, 0};
    const handle client = c.a.host.connect(v6 ? server6 : server4, from, c.now, parameters{.ecn = ecn_wish::ask}).of;
    c.run();
    const handle server = c.b.told(news::accepted);
    say(c.a, client, "x", c.now);
    octet_string text = c.a.packet(c.now);
    REQUIRE(read_packet(text).seg.ecn == ecn::ect_0);
    // A router marks it.
    if (v6) {
        text[1] = static_cast<std::uint8_t>(text[1] | 0x30U);
    } else {
        text[1] = static_cast<std::uint8_t>(text[1] | 3U);
        store16(&text[10], 0);
        store16(&text[10], partial_sum{std::span{text}.first(20)}.checksum());
    }
    CHECK(c.b.host.handle_packet(text, c.now).fate == fate::delivered);
    CHECK(c.b.read(server, c.now) == "x");
    const auto ack = read_packet(c.b.packet(c.now));
    CHECK(ack.seg.ecn == ecn::not_ect);
    CHECK(ace_of(ack.seg.ctl) == 6);
    CHECK(ack.seg.options.accecn.ceb == 1);
}

TEST_CASE("host: settings that go into packets", "[host][MUST-48][MUST-49][SHLD-21][SHLD-22]") {
    cable c{box{1}, box{2}};
    listener_options o = at_port(80);
    o.ip = {.dscp = 46, .hop_limit = 7};
    REQUIRE(c.b.host.listen(o));
    const met m = meet(c);
    say(c.b, m.server, "x", c.now);
    const auto from_server = read_packet(c.b.packet(c.now));
    CHECK(from_server.ip.dscp_ecn == 46 << 2);
    CHECK(from_server.ip.hop_limit == 7);
    CHECK(c.a.host.set_dscp(m.client, 0xff) == answer::ok);
    CHECK(c.a.host.set_hop_limit(m.client, 1) == answer::ok);
    CHECK(c.a.host.set_push(m.client, push::always) == answer::ok);
    CHECK(c.a.host.set_nagle(m.client, false) == answer::ok);
    say(c.a, m.client, "x", c.now);
    const auto from_client = read_packet(c.a.packet(c.now));
    CHECK(from_client.ip.dscp_ecn == 0x3f << 2);  // six bits
    CHECK(from_client.ip.hop_limit == 1);
    c.wait(std::chrono::seconds{9});
    CHECK(c.a.host.set_keep_alive(m.client, std::chrono::hours{2}) == answer::ok);
    CHECK(c.a.host.poll_timeout() >= c.now + std::chrono::hours{1});  // the deadline is known at once
    CHECK(c.a.host.poll_timeout() != never);
    CHECK(c.a.host.set_user_timeout(m.client, std::chrono::seconds{1}) == answer::ok);
}

TEST_CASE("host: a listener takes SYNs while other connections to its port are half open", "[host][3.9.1.1][MUST-42]") {
    box b{1};
    const time_point now{};
    REQUIRE(b.host.listen(at_port(80)));
    const segment syn{.ctl = ctl::syn};
    for (const std::uint16_t port : {std::uint16_t{1001}, std::uint16_t{1002}, std::uint16_t{1003}}) {
        CHECK(b.host.handle_packet(packet_of({{client4, port}, server4}, syn), now).fate == fate::opening);
    }
    CHECK(b.packets(now).size() == 3);
    CHECK(b.host.connect({client4, 9}, {server4.address, 81}, now).says == answer::ok);  // SYN-SENT
    CHECK(b.host.listen(at_port(81)));
    CHECK(b.host.handle_packet(packet_of({{client4, 1001}, {server4.address, 81}}, syn), now).fate == fate::opening);
    CHECK(b.host.used() == 5);
}

TEST_CASE("host: a connection keeps the local address that it began with", "[host][3.9.1.1][MUST-45][MUST-43]") {
    cable c{box{1}, box{2}};
    REQUIRE(c.b.host.listen(at_port(80)));
    const ip_address second = "192.0.2.200"_ip;
    const met first = meet(c);
    const met other = meet(c, {second, 80}, "198.51.100.8"_ip);
    const auto all_from = [&](box& from, handle h, const endpoint& local, const endpoint& remote) {
        say(from, h, "text", c.now);
        const auto out = from.packets(c.now);
        REQUIRE(out.size() == 1);
        CHECK(read_packet(out[0]).between == four_tuple{local, remote});
    };
    for (const auto& m : {first, other}) {
        const four_tuple between = *c.a.host.between(m.client);
        all_from(c.a, m.client, between.local, between.remote);
        all_from(c.b, m.server, between.remote, between.local);
    }
    CHECK(c.a.host.between(other.client)->local.address == "198.51.100.8"_ip);
    CHECK(c.b.host.between(other.server)->local.address == second);
}

TEST_CASE("host: the MSS that it announces leaves room for both headers, and the default is the IP version's",
          "[host][3.7.1][MUST-15][MUST-67][SHLD-5][6691-1]") {
    for (const std::uint16_t mtu : {std::uint16_t{1280}, std::uint16_t{1500}, std::uint16_t{9000}}) {
        host_config config;
        config.mtu = mtu;
        cable c{box{1, {}, config}, box{2, {}, config}};
        REQUIRE(c.b.host.listen(at_port(80)));
        for (const bool v6 : {false, true}) {
            const handle h = c.a.host.connect(v6 ? server6 : server4, v6 ? client6 : client4, c.now).of;
            const octet_string syn = c.a.packet(c.now);
            CHECK(read_packet(syn).seg.options.has_mss);
            CHECK(read_packet(syn).seg.options.mss == mtu - (v6 ? 60 : 40));
            c.b.host.handle_packet(syn, c.now);
            const octet_string answer = c.b.packet(c.now);
            CHECK(read_packet(answer).seg.options.has_mss);
            CHECK(read_packet(answer).seg.options.mss == mtu - (v6 ? 60 : 40));
            const four_tuple from{{v6 ? client6 : client4, 77}, v6 ? server6 : server4};
            c.b.host.handle_packet(packet_of(from, {.ctl = ctl::syn}), c.now);  // no MSS option
            const auto mute = read_packet(c.b.packet(c.now));
            c.b.host.handle_packet(
                packet_of(from, {.seq = seq{1}, .ack = mute.seg.seq + 1, .ctl = ctl::ack, .wnd = 9999}), c.now);
            const handle there = c.b.told(news::accepted);
            REQUIRE(c.b.host.stream(there) != nullptr);
            CHECK(c.b.host.stream(there)->tcp().numbers().snd.mss == (v6 ? 1220 : 536));
            CHECK(c.a.host.abort(h, c.now) == answer::ok);
        }
    }
}

TEST_CASE("host: release forgets, the connection ends by itself", "[host][3.6.1]") {
    cable c{box{1}, box{2}};
    REQUIRE(c.b.host.listen(at_port(80)));
    const met m = meet(c);
    say(c.a, m.client, "last words", c.now);
    CHECK(c.a.host.release(m.client, c.now) == answer::ok);
    CHECK(c.a.host.stream(m.client) == nullptr);
    c.run();
    CHECK(c.b.read(m.server, c.now) == "last words");
    CHECK(c.b.told(news::readable) == m.server);
    CHECK(c.b.told(news::closing) == m.server);
    SECTION("the peer closes") {
        CHECK(c.b.host.close(m.server, c.now) == answer::ok);
        c.wait(3 * brief::msl);
        CHECK(c.b.told(news::closed) == m.server);
    }
    SECTION("the peer goes on talking") {
        say(c.b, m.server, "what?", c.now);
        c.run();
        CHECK(c.b.told(news::reset) == m.server);
    }
    SECTION("the peer does nothing") {
        c.wait(std::chrono::seconds{59});
        CHECK(c.a.host.used() == 1);
        c.wait(std::chrono::seconds{2});
        CHECK(c.b.told(news::reset) == m.server);
    }
    c.run();
    CHECK_FALSE(c.a.told());
    CHECK(c.a.host.used() == 0);
    CHECK(c.b.host.used() == 0);
}

TEST_CASE("host: a connection in TIME-WAIT is reopened by its peer", "[host][3.6.1][MAY-2]") {
    cable c{box{1}, box{2}};
    const auto id = c.b.host.listen(at_port(80));
    const endpoint here{client4, 4321};
    const auto open = [&] {
        const handle h = c.a.host.connect(server4, here, c.now).of;
        c.run();
        (void)c.a.told(news::opened);
        return met{h, c.b.told(news::accepted)};
    };
    const met old = open();
    CHECK(c.b.host.close(old.server, c.now) == answer::ok);
    c.run();
    CHECK(c.a.host.close(old.client, c.now) == answer::ok);
    c.run();
    c.a.hear_nothing();
    c.run();
    CHECK(c.a.host.used() == 0);
    c.now += std::chrono::seconds{1};

    SECTION("not before the user has heard of the end") {
        const handle h = c.a.host.connect(server4, here, c.now).of;
        c.run();
        CHECK(c.b.host.last().fate == fate::lingering);
        c.b.hear_nothing();
        c.wait(std::chrono::seconds{2});
        CHECK(c.a.host.stream(h)->in(state::established));
    }
    SECTION("as a new connection with a new handle") {
        c.b.hear_nothing();
        const met young = open();
        REQUIRE(c.b.host.stream(young.server) != nullptr);
        CHECK(young.server != old.server);
        CHECK(c.b.host.stream(old.server) == nullptr);
        CHECK(c.b.host.used() == 1);
        say(c.a, young.client, "again", c.now);
        c.run();
        CHECK(c.b.read(young.server, c.now) == "again");
    }
    SECTION("not if nobody listens any more") {
        c.b.hear_nothing();
        c.b.host.unlisten(*id, c.now);
        (void)c.a.host.connect(server4, here, c.now);
        c.run();
        CHECK(c.b.host.last().fate == fate::lingering);
    }
}

TEST_CASE("host: initial numbers of the same two ends rise", "[host][SHLD-1][RFC 6528]") {
    box a{1};
    time_point now{};
    std::vector<seq> numbers;
    for (int i = 0; i < 3; ++i) {
        const handle h = a.host.connect(server4, endpoint{client4, 4321}, now).of;
        numbers.push_back(a.host.stream(h)->tcp().numbers().snd.iss);
        CHECK(a.host.abort(h, now) == answer::ok);
        (void)a.packets(now);
        now += std::chrono::seconds{4};
    }
    CHECK(numbers[1] - numbers[0] == 1'000'000);
    CHECK(numbers[2] - numbers[1] == 1'000'000);
}

TEST_CASE("host: memory that is too small, and none at all", "[host]") {
    const std::size_t octets = GENERATE(0U, 99U, 100U, 250U);
    std::vector<slot<policies>> slots(4);
    std::vector<deadline_cell> deadlines(4);
    std::vector<demultiplexer_cell> cells(8);
    octet_string memory(octets);
    std::vector<listener> listeners(1);
    host_config config;
    config.snd_buff = 60;
    config.rcv_buff = 40;
    host h{config, {slots, deadlines, cells, memory, listeners}};
    CHECK(h.capacity() == octets / 100);
    for (std::size_t i = 0; i < 5; ++i) {
        const answer said = h.connect(server4, client4, time_point{}).says;
        CHECK((said == answer::ok) == (i < octets / 100));
    }
    host nothing{config, {}};
    CHECK(nothing.listen({}) == std::nullopt);
    CHECK(nothing.connect(server4, client4, time_point{}).says == answer::err_no_resources);
    CHECK(nothing.handle_packet(packet_of({{client4, 9}, server4}, {.ctl = ctl::ack}), time_point{}).fate ==
          fate::answered_with_reset);
}

TEST_CASE("host: connections that have much to send take turns", "[host]") {
    cable c{box{1, {.connections = 4, .snd = 60000, .rcv = 60000}},
            box{2, {.connections = 4, .snd = 60000, .rcv = 60000}}};
    REQUIRE(c.b.host.listen(at_port(80)));
    std::vector<met> all;
    for (int i = 0; i < 3; ++i) all.push_back(meet(c));
    for (const met& m : all) CHECK(c.a.host.send(m.client, octet_string(10000), c.now).octets == 10000);
    std::vector<std::uint16_t> ports;
    for (int i = 0; i < 6; ++i) ports.push_back(read_packet(c.a.packet(c.now)).between.local.port);
    CHECK(std::set<std::uint16_t>(ports.begin(), ports.begin() + 3).size() == 3);
    CHECK(std::equal(ports.begin(), ports.begin() + 3, ports.begin() + 3));
}

TEST_CASE("host: an MSS of the user's is announced, and more is not sent, but none beyond the MTU", "[host][3.7.1]") {
    for (const std::uint16_t most : {std::uint16_t{1100}, std::uint16_t{9000}}) {
        const std::uint16_t expected = std::min(most, std::uint16_t{1460});
        cable c{box{1}, box{2}};
        listener_options options = at_port(80);
        options.settings.mss_most = most;
        REQUIRE(c.b.host.listen(options));
        const handle h = c.a.host.connect(server4, endpoint{client4, 0}, c.now, {.mss_most = most}).of;
        const octet_string syn = c.a.packet(c.now);
        CHECK(read_packet(syn).seg.options.mss == expected);
        c.b.host.handle_packet(syn, c.now);
        const octet_string answer = c.b.packet(c.now);
        CHECK(read_packet(answer).seg.options.mss == expected);
        c.a.host.handle_packet(answer, c.now);
        CHECK(c.a.host.stream(h)->tcp().numbers().snd.mss == expected);
    }
}

namespace {

struct opens_fast : brief {
    static constexpr bool fast_open = true;
};

}  // namespace

TEST_CASE("host: with a cookie text goes with the SYN, as much as the MSS of last time allows",
          "[host][RFC 7413 4.2.1]") {
    std::vector<slot<opens_fast>> slots(1);
    std::vector<deadline_cell> deadlines(1);
    std::vector<demultiplexer_cell> cells(2);
    octet_string octets(8192);
    std::vector<listener> listeners(1);
    host_config config;
    config.snd_buff = config.rcv_buff = 4096;
    basic_host<opens_fast> host{config, {slots, deadlines, cells, octets, listeners}};
    const fast_open_cookie cookie{{1, 2, 3, 4}, 4};
    const time_point now{std::chrono::seconds{1}};
    const auto begun = host.connect_fast(server4, endpoint{client4, 0}, now, cookie, 940);
    REQUIRE(begun.says == answer::ok);
    CHECK(host.send(begun.of, octets_of(std::string(2000, 'x')), now).octets == 2000);
    octet_string out(config.mtu);
    out.resize(host.poll_packet(out, now));
    const auto syn = read_packet(out);
    CHECK(syn.seg.has(ctl::syn));
    CHECK(syn.seg.options.cookie == cookie);
    CHECK(syn.seg.text > 800);
    CHECK(syn.seg.text < 940);
}
