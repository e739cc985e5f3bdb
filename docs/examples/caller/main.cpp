// SPDX-License-Identifier: MIT
// main.cpp: what RFC 9293 leaves to the caller of a `connection`, done, and looked at in the octets of the packets.
//
//     caller            # all of it
//     caller <name>     # one thing

#include "first_window.hpp"
#include "user.hpp"

#include <tcpfsm/address_text.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <iterator>
#include <string_view>

namespace {

using namespace caller;
using namespace std::chrono_literals;
using tcpfsm::ipv4;
using tcpfsm::seq;
namespace ctl = tcpfsm::ctl;

int wrong = 0;

void check(bool right, const char* what, int line) {
    if (right) return;
    std::printf("main.cpp:%d: not so: %s\n", line, what);
    ++wrong;
}
// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): it names what it checks
#define CHECK(...) check((__VA_ARGS__), #__VA_ARGS__, __LINE__)

const ip_address client = ipv4(192, 0, 2, 1), server = ipv4(198, 51, 100, 1);
const ip_address r1 = ipv4(203, 0, 113, 1), r2 = ipv4(203, 0, 113, 2), r3 = ipv4(203, 0, 113, 3);
const endpoint web{server, 80};

start at(const ip_address& address, std::uint16_t mtu = 1500) { return {draw_key(), {{address, 0, mtu}}, {}}; }

// What stands in the octets of a packet, read without the library's help; zero where there is no such octet.
std::uint32_t field(const octets& p, std::size_t at, std::size_t size) {
    std::uint32_t out = 0;
    for (std::size_t i = at; i < at + size; ++i) out = out << 8U | (i < p.size() ? p[i] : 0U);
    return out;
}
ip_address address(const octets& p, std::size_t at) {
    std::array<std::uint8_t, 4> four{};
    tcpfsm::store32(four.data(), field(p, at, 4));
    return ip_address{four};
}
ip_address source(const octets& p) { return address(p, 12); }
ip_address first_hop(const octets& p) { return address(p, 16); }
std::uint32_t traffic_class(const octets& p) { return field(p, 1, 1); }
std::uint32_t time_to_live(const octets& p) { return field(p, 8, 1); }
bool may_be_fragmented(const octets& p) { return (field(p, 6, 1) & 0x40U) == 0; }
std::size_t tcp_at(const octets& p) { return (field(p, 0, 1) & 0xfU) * 4; }
std::uint32_t number(const octets& p) { return field(p, tcp_at(p) + 4, 4); }
std::uint32_t bits(const octets& p) { return field(p, tcp_at(p) + 13, 1); }
std::uint32_t urgent_pointer(const octets& p) { return field(p, tcp_at(p) + 18, 2); }
std::uint32_t announced_mss(const octets& p) { return field(p, tcp_at(p) + 22, 2); }  // the first option
std::size_t text_size(const octets& p) { return p.size() - tcp_at(p) - field(p, tcp_at(p) + 12, 1) / 16 * 4; }
constexpr std::uint32_t syn = 0x02, ack = 0x10, urg = 0x20;
/// The option that follows the IP header.
octets option(const octets& p) {
    if (tcp_at(p) <= 20) return {};
    return {p.begin() + 20, p.begin() + 20 + p[21]};
}
octets route_option(std::initializer_list<ip_address> addresses, std::uint8_t pointer) {
    octets out{131, static_cast<std::uint8_t>(3 + 4 * addresses.size()), pointer};
    for (const auto& each : addresses) out.insert(out.end(), each.octets().begin(), each.octets().end());
    return out;
}

void mend_header(octets& p) {
    tcpfsm::store16(&p[10], 0);
    tcpfsm::store16(&p[10], tcpfsm::partial_sum{std::span{p}.first(tcp_at(p))}.checksum());
}
/// The routers: each that a packet is addressed to sends it on, and leaves its own address in the route.
octets forwarded(octets p) {
    const std::size_t at = find_route(p);
    while (at != 0 && p[at + 2] <= p[at + 1]) {
        std::swap_ranges(&p[16], &p[20], &p[at + p[at + 2] - 1]);
        p[at + 2] = static_cast<std::uint8_t>(p[at + 2] + 4);
    }
    mend_header(p);
    return p;
}
/// The same with options in front of those that are there.
octets with_options(octets p, octets options) {
    options.resize((options.size() + 3) / 4 * 4, 1);
    p.insert(p.begin() + 20, options.begin(), options.end());
    p[0] = static_cast<std::uint8_t>(p[0] + options.size() / 4);
    tcpfsm::store16(&p[2], static_cast<std::uint16_t>(p.size()));
    mend_header(p);
    return p;
}
octets report(std::uint8_t type, std::uint8_t code, const octets& about, const ip_address& to) {
    const std::size_t quoted = tcp_at(about) + 8;
    octets out(28 + quoted);
    out[20] = type, out[21] = code;
    std::copy_n(about.begin(), quoted, out.begin() + 28);
    tcpfsm::store16(&out[22], tcpfsm::partial_sum{std::span{out}.subspan(20)}.checksum());
    tcpfsm::write_ip_header(out, r1, to, 1, out.size() - 20);
    return out;
}

/// Packets go to and fro until nobody owes one. All that `a` sent, and all that `b` sent.
struct traffic {
    std::vector<octets> from_a, from_b;
};
template <class A, class B>
traffic exchange(A& a, B& b, time_point now) {
    traffic seen;
    for (bool quiet = false; !quiet;) {
        quiet = true;
        for (octets p = a.owes(now); !p.empty(); p = a.owes(now)) {
            quiet = false;
            seen.from_a.push_back(p);
            b.arrives(forwarded(p), now);
        }
        for (octets p = b.owes(now); !p.empty(); p = b.owes(now)) {
            quiet = false;
            seen.from_b.push_back(p);
            a.arrives(forwarded(p), now);
        }
    }
    return seen;
}
template <class Test>
bool all(const std::vector<octets>& packets, Test test) {
    return !packets.empty() && std::all_of(packets.begin(), packets.end(), test);
}
bool is(const octets& text, std::string_view expected) {
    return std::equal(text.begin(), text.end(), expected.begin(), expected.end());
}

void source_address() {
    const ip_address near = ipv4(10, 1, 2, 3), far = ipv4(192, 0, 2, 7);
    user<> a{{draw_key(), {{far, 0}, {near, 8}}, {}}}, b{{draw_key(), {{server, 0}, {ipv4(10, 9, 9, 9), 8}}, {}}};
    b.listen(80, {});
    CHECK(a.open({ipv4(10, 9, 9, 9), 80}, {}, {}));
    const octets first = a.owes({});
    CHECK(source(first) == near && bits(first) == syn);
    a.wakes(time_point{1s});  // the SYN was lost
    auto seen = exchange(a, b, time_point{1s});
    a.send("where from?", time_point{2s});
    b.send("from here", time_point{2s});
    a.close(time_point{2s});
    const auto rest = exchange(a, b, time_point{2s});
    CHECK(is(b.text(), "where from?") && is(a.text(), "from here"));
    seen.from_a.insert(seen.from_a.end(), rest.from_a.begin(), rest.from_a.end());
    seen.from_b.insert(seen.from_b.end(), rest.from_b.begin(), rest.from_b.end());
    CHECK(all(seen.from_a, [&](const octets& p) { return source(p) == near; }));
    CHECK(all(seen.from_b, [&](const octets& p) { return source(p) == ipv4(10, 9, 9, 9); }));

    user<> none{{draw_key(), {{near, 8}}, {}}};
    CHECK(!none.open(web, {}, {}) && none.owes({}).empty());  // no way there: not a packet leaves
}

void own_route() {
    user<> a{at(client)}, b{at(server)};
    b.listen(80, {.by = {r3}});
    CHECK(a.open(web, {.by = {r1, r2}}, {}));
    const octets first = a.owes({});
    CHECK(first_hop(first) == r1 && option(first) == route_option({r2, server}, 4));
    const octets there = forwarded(first);
    CHECK(first_hop(there) == server && option(there) == route_option({r1, r2}, 12));
    b.arrives(there, {});
    const octets answer = b.owes({});
    CHECK(first_hop(answer) == r3 && option(answer) == route_option({client}, 4));  // and not back by r2 and r1
    a.arrives(forwarded(answer), {});
    a.send("text", {});
    b.send("answer", {});
    const auto seen = exchange(a, b, {});
    CHECK(is(b.text(), "text") && is(a.text(), "answer"));
    CHECK(all(seen.from_a, [&](const octets& p) { return option(p) == route_option({r2, server}, 4); }));
    CHECK(all(seen.from_b, [&](const octets& p) { return option(p) == route_option({client}, 4); }));
}

void return_route() {
    user<> a{at(client)}, b{at(server)};
    b.listen(80, {});
    CHECK(a.open(web, {.by = {r1, r2}}, {}));
    auto seen = exchange(a, b, {});
    CHECK(bits(seen.from_b[0]) == (syn | ack));
    CHECK(all(seen.from_b, [&](const octets& p) { return first_hop(p) == r2; }));
    CHECK(all(seen.from_b, [&](const octets& p) { return option(p) == route_option({r1, client}, 4); }));

    // The same connection by another route: text, and its acknowledgment.
    b.send("back by which?", {});
    CHECK(first_hop(b.owes({})) == r2);
    a.send("new way", {});
    octets text = a.owes({});
    std::copy_n(r3.octets().begin(), 4, &text[23]);  // r1, then r3, then the server
    b.arrives(forwarded(text), {});
    b.wakes(time_point{1s});
    const octets again = b.owes(time_point{1s});
    CHECK(is(b.text(), "new way"));
    CHECK(first_hop(again) == r3 && option(again) == route_option({r1, client}, 4));
    CHECK(text_size(again) == 14);

    // Behind an option that nobody knows a route is one, too.
    user<> e{at(server)}, f{at(client)};
    e.listen(80, {});
    CHECK(f.open(web, {.by = {r1}}, {}));
    e.arrives(with_options(forwarded(f.owes({})), {0x9e, 4, 0xde, 0xad}), {});
    CHECK(first_hop(e.owes({})) == r1);

    // A route that has not reached its end is none.
    user<> c{at(server)};
    c.listen(80, {});
    user<> d{at(client)};
    CHECK(d.open(web, {}, {}));
    c.arrives(with_options(d.owes({}), route_option({r1, r2}, 8)), {});
    const octets answer = c.owes({});
    CHECK(tcp_at(answer) == 20 && first_hop(answer) == client);
}

void fields() {
    user<> a{at(client)}, b{at(server)};
    b.listen(80, {.dscp = 10, .ttl = 3});
    CHECK(a.open(web, {.dscp = 46, .ttl = 7}, {}));
    // An option that nobody knows, and a timestamp that nobody wants, in front of each packet.
    const octets strange{0x9e, 4, 0xde, 0xad, 68, 8, 9, 0, 0, 0, 0, 0};
    b.arrives(with_options(a.owes({}), strange), {});
    a.arrives(with_options(b.owes({}), strange), {});
    a.send("with care", {});
    const auto seen = exchange(a, b, {});
    CHECK(is(b.text(), "with care"));
    CHECK(all(seen.from_a,
              [](const octets& p) { return traffic_class(p) == 46 << 2 && time_to_live(p) == 7 && tcp_at(p) == 20; }));
    b.send("and back", {});
    const octets back = b.owes({});
    CHECK(traffic_class(back) == 10 << 2 && time_to_live(back) == 3);

    a.arrives(back, {});

    a.set(0, 64);  // if it must be; nothing else changes it
    a.send("otherwise", {});
    const octets changed = a.owes({});
    CHECK(traffic_class(changed) == 0 && time_to_live(changed) == 64);
}

void icmp() {
    user<> a{at(client)};
    CHECK(a.open(web, {}, {}));
    const octets first = a.owes({});
    octets about = first;
    tcpfsm::store32(&about[24], number(first) + 1);  // not in flight
    a.arrives(report(3, 3, about, client), {});
    about = first;
    about[21] ^= 1U;  // another connection's
    a.arrives(report(3, 3, about, client), {});
    a.arrives(report(4, 0, first, client), {});  // Source Quench
    CHECK(a.tcp().in(tcpfsm::state::syn_sent) && !a.hears());
    a.arrives(report(3, 1, first, client), {});
    CHECK(a.tcp().in(tcpfsm::state::syn_sent) && a.hears() == tcpfsm::signal::tell_soft_error);
    a.arrives(report(3, 3, first, client), {});
    CHECK(a.tcp().in(tcpfsm::state::closed) && a.hears() == tcpfsm::signal::tell_unreachable);
}

void silence() {
    const auto restart = time_point{10min};
    const start forgetful{draw_key(), {{server, 0}}, restart};
    user<> a{at(client)}, b{forgetful}, c{forgetful};
    b.listen(80, {});
    CHECK(a.open(web, {}, restart));
    b.arrives(a.owes(restart), restart);
    CHECK(b.owes(restart).empty() && !c.open({client, 80}, {}, restart));
    const auto early = restart + tcpfsm::policies::msl - 1us, then = early + 1us;
    a.wakes(early);
    b.arrives(a.owes(early), early);
    CHECK(b.owes(early).empty() && !c.open({client, 80}, {}, early) && c.owes(early).empty());
    a.wakes(then + 1min);
    b.arrives(a.owes(then + 1min), then + 1min);
    CHECK(bits(b.owes(then + 1min)) == (syn | ack));
    CHECK(c.open({client, 80}, {}, then) && bits(c.owes(then)) == syn);
}

void secret() {
    const four_tuple name{{client, 40000}, web};
    const auto key = draw_key();
    user<> a{{key, {{client, 0}}, {}}}, b{at(client)};
    CHECK(a.open(web, {}, time_point{1h}) && b.open(web, {}, time_point{1h}));
    const octets ours = a.owes(time_point{1h}), others = b.owes(time_point{1h});
    CHECK(seq{number(ours)} == tcpfsm::isn_generator{key}(name, time_point{1h}));
    CHECK(number(ours) != number(others));
    CHECK(draw_key() != draw_key());
}

void smallest_mtu() {
    user<> a{{draw_key(), {{client, 0, 9000}, {ipv4(10, 0, 0, 1), 8, 1400}}, {}}}, b{at(server, 9000)};
    b.listen(80, {});
    CHECK(a.open(web, {}, {}));
    const octets first = a.owes({});
    CHECK(announced_mss(first) == 1400 - 40);
    CHECK(!may_be_fragmented(first));  // not to be fragmented
    b.arrives(first, {});
    exchange(a, b, {});
    static const std::array<char, 5000> much{};
    a.send({much.data(), much.size()}, {});
    b.send({much.data(), much.size()}, {});
    const auto seen = exchange(a, b, {});
    CHECK(a.text().size() == much.size() && b.text().size() == much.size());
    const auto fits = [](const octets& p) { return p.size() <= 1400 && !may_be_fragmented(p); };
    CHECK(all(seen.from_a, fits) && all(seen.from_b, fits));
}

void reports() {
    for (const bool on : {true, false}) {
        user<> a{at(client)}, b{at(server)};
        b.listen(80, {});
        a.set_reports(on);
        CHECK(a.open(web, {}, {}));
        const octets first = a.owes({});
        a.arrives(report(3, 0, first, client), {});
        CHECK((a.hears() == tcpfsm::signal::tell_soft_error) == on);
        b.arrives(first, {});
        exchange(a, b, {});
        CHECK(a.hears() == tcpfsm::signal::tell_open && !a.hears());  // that is no report of an error
    }
}

void nothing_urgent() {
    user<> a{at(client)}, b{at(server)};
    b.listen(80, {});
    CHECK(a.open(web, {}, {}));
    auto seen = exchange(a, b, {});
    a.send("in turn", {});
    b.send("like all text", {});
    const auto rest = exchange(a, b, {});
    seen.from_a.insert(seen.from_a.end(), rest.from_a.begin(), rest.from_a.end());
    seen.from_a.insert(seen.from_a.end(), rest.from_b.begin(), rest.from_b.end());
    CHECK(is(b.text(), "in turn") && is(a.text(), "like all text"));
    CHECK(all(seen.from_a, [](const octets& p) { return (bits(p) & urg) == 0 && urgent_pointer(p) == 0; }));
}

void no_peers() {
    user<> a{at(client)}, b{at(server)};
    b.listen(80, {});
    for (const ip_address& nobody : {ipv4(255, 255, 255, 255), ipv4(224, 0, 0, 1), ip_address{}}) {
        CHECK(!a.open({nobody, 80}, {}, {}) && a.owes({}).empty());
        tcpfsm::segment seg{.seq = seq{1}, .ctl = ctl::syn};
        b.arrives(write_packet({{nobody, 1}, web}, seg, {}, {}), {});
        b.arrives(write_packet({{client, 1}, {nobody, 80}}, seg, {}, {}), {});
        octets broken = write_packet({{client, 1}, web}, seg, {}, {});
        broken.back() ^= 1U;
        b.arrives(broken, {});
        CHECK(b.owes({}).empty() && b.tcp().in(tcpfsm::state::closed));
    }
}

template <class P>
std::size_t first_flight(user<P>& a, user<>& b, time_point now) {
    static const std::array<char, 40000> much{};
    b.listen(80, {});
    CHECK(a.open(web, {}, now));
    exchange(a, b, now);
    a.send({much.data(), much.size()}, now);
    std::size_t sent = 0;
    while (!a.owes(now).empty()) ++sent;
    return sent;
}

void first_window() {
    losses known;
    user<> a{at(client)}, b{at(server)};
    CHECK(first_flight(a, b, {}) == 10);
    known.watch(server, a);
    CHECK(!known.at(server));
    // Nothing of it arrived: first the tail is probed, then the timer expires.
    for (int i = 0; i < 2; ++i) a.wakes(a.sleeps_until());
    known.watch(server, a);
    CHECK(known.at(server) && !known.at(r1));

    user<modestly> again{at(client)};
    user<> c{at(server)};
    CHECK(first_flight(again, c, time_point{1min}) == 3);
}

struct lesson {
    std::string_view name;
    void (*shows)();
};
constexpr lesson lessons[] = {
    {"the source address is chosen before the first SYN, and kept", source_address},
    {"a source route of the user serves all segments, and wins over one that arrives", own_route},
    {"the reverse of a route that arrived serves after a passive OPEN, and the newest counts", return_route},
    {"Diffserv and time to live are the user's, and unknown IP options mean nothing", fields},
    {"an ICMP error goes to the connection and the number that it quotes", icmp},
    {"after a restart without memory all is quiet for one MSL", silence},
    {"the key is random, and initial numbers follow from it", secret},
    {"the smallest MTU decides the MSS, and no packet may be fragmented", smallest_mtu},
    {"reports of errors can be switched off", reports},
    {"nothing is urgent", nothing_urgent},
    {"nobody talks with addresses that no host can have, nor with damaged segments", no_peers},
    {"where the first window lost something, the next one is smaller", first_window},
};

}  // namespace

int main(int argc, char** argv) {
    int shown = 0;
    for (const lesson& each : lessons) {
        if (argc > 1 && each.name != argv[1]) continue;
        ++shown;
        const int before = wrong;
        each.shows();
        std::printf("%s: %.*s\n", wrong == before ? "ok" : "WRONG", static_cast<int>(each.name.size()),
                    each.name.data());
    }
    if (shown == 0) std::puts("there is nothing of that name");
    return wrong == 0 && shown != 0 ? 0 : 1;
}
