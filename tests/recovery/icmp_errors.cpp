// SPDX-License-Identifier: MIT
// icmp_errors.cpp: messages of ICMP and ICMPv6 as a host gets them: which end a connection, which make its packets
// smaller, and which are nobody's business (3.9.2.2, RFC 5461, RFC 5927, RFC 1191, RFC 8201).

#include <support/catch.hpp>
#include <support/hosts.hpp>

#include <tcpfsm/octets.hpp>

#include <chrono>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::literals;
using namespace tcpfsm::testing;
using namespace std::chrono_literals;

const endpoint client4{"10.0.0.1"_ip, 0};
const endpoint server4{"10.0.0.2"_ip, 80};
const endpoint client6{"2001:db8::1"_ip, 0};
const endpoint server6{"2001:db8::2"_ip, 80};

/// A message of ICMP or ICMPv6 about the packet `about`, whose sender gets it.
octet_string icmp(const octet_string& about, std::uint8_t type, std::uint8_t code, std::uint32_t mtu = 0) {
    const packet p = parse_packet(about);
    const bool v4 = p.source.is_v4();
    const ip_address router = v4 ? "10.0.0.254"_ip : "2001:db8::ffff"_ip;
    octet_string message{type, code, 0, 0, 0, 0, 0, 0};
    store32(&message[4], mtu);
    message.insert(message.end(), about.begin(), about.begin() + (v4 ? 28 : 48));
    const std::uint8_t protocol = v4 ? 1 : 58;
    partial_sum sum = v4 ? partial_sum{} : pseudo_header_sum(router, p.source, protocol, message.size());
    store16(&message[2], sum.append(partial_sum{message}).checksum());
    octet_string out(ip_header_size(router));
    write_ip_header(out, router, p.source, protocol, message.size());
    out.insert(out.end(), message.begin(), message.end());
    return out;
}
/// The number that is quoted becomes another.
octet_string about_another(octet_string about, std::uint32_t away) {
    std::uint8_t* const sequence = &about[ip_header_size(parse_packet(about).source) + 4];
    store32(sequence, load32(sequence) + away);
    return about;
}

/// Two hosts; the client has begun to connect.
struct scene {
    explicit scene(bool v4, host_config config = {})
        : c{box{1, {.snd = 65535, .rcv = 65535}, config}, box{2, {.snd = 65535, .rcv = 65535}, config}} {
        listener_options at_80;
        at_80.port = 80;
        static_cast<void>(c.b.host.listen(at_80));
        client = c.a.host.connect(v4 ? server4 : server6, v4 ? client4.address : client6.address, c.now).of;
    }
    /// The client's first packets are on their way, and it was told that the connection is open.
    std::vector<octet_string> flight() {
        c.run();
        c.a.hear_nothing();
        const octet_string text(20'000);
        CHECK(c.a.host.send(client, text, c.now).octets == text.size());
        return c.a.packets(c.now);
    }
    std::uint32_t mtu() { return c.a.host.stream(client)->tcp().path_mtu(); }
    cable c;
    handle client{};
};

/// What a message means: to a connection that opens, and to one that is open.
struct meaning {
    std::uint8_t type;
    std::uint8_t code;
    std::optional<news> opening;
    std::optional<news> open;
};
constexpr auto soft = news::soft_error;
constexpr auto ends = news::unreachable;
constexpr auto nothing = std::nullopt;
constexpr meaning of_v4[] = {
    {3, 0, soft, soft},       {3, 1, soft, soft},       {3, 2, ends, soft},       {3, 3, ends, soft},
    {3, 5, soft, soft},       {3, 9, soft, soft},       {3, 10, soft, soft},      {3, 13, soft, soft},
    {11, 0, soft, soft},      {11, 1, soft, soft},      {12, 0, soft, soft},      {3, 4, nothing, nothing},
    {4, 0, nothing, nothing}, {5, 1, nothing, nothing}, {0, 0, nothing, nothing}, {8, 0, nothing, nothing}};
constexpr meaning of_v6[] = {{1, 0, soft, soft},       {1, 1, ends, soft},        {1, 3, soft, soft},
                             {1, 4, ends, soft},       {3, 0, soft, soft},        {3, 1, soft, soft},
                             {4, 0, soft, soft},       {4, 1, soft, soft},        {4, 2, soft, soft},
                             {2, 0, nothing, nothing}, {128, 0, nothing, nothing}};

TEST_CASE("ICMP: soft errors are told, hard ones end what is not yet open, and nothing else",
          "[recovery][3.9.2.2][RFC 5461 2][RFC 5461 4][SHLD-25][SHLD-26][MUST-56][5461-1][5461-3]") {
    for (const bool v4 : {true, false}) {
        const std::span<const meaning> all = v4 ? std::span<const meaning>{of_v4} : of_v6;
        for (const meaning& m : all) {
            CAPTURE(v4, int{m.type}, int{m.code});
            scene opening{v4};
            const octet_string syn = opening.c.a.packet(opening.c.now);
            opening.c.a.host.handle_packet(icmp(syn, m.type, m.code, 1400), opening.c.now);
            const auto told = opening.c.a.told();
            CHECK((told ? std::optional{told->what} : nothing) == m.opening);
            CHECK((opening.c.a.host.stream(opening.client) == nullptr) == (m.opening == ends));

            scene open{v4};
            const octet_string first = open.flight().front();
            open.c.a.host.handle_packet(icmp(first, m.type, m.code, 1400), open.c.now);
            const auto told_later = open.c.a.told();
            CHECK((told_later ? std::optional{told_later->what} : nothing) == m.open);
            REQUIRE(open.c.a.host.stream(open.client) != nullptr);
            CHECK(open.c.a.host.stream(open.client)->in(state::established));
        }
    }
}

TEST_CASE("ICMP: who does not know what is in flight has no effect, whatever he sends",
          "[recovery][RFC 5927 4.1][5927-1][5927-2][8201-2]") {
    for (const bool v4 : {true, false}) {
        const std::span<const meaning> all = v4 ? std::span<const meaning>{of_v4} : of_v6;
        scene s{v4};
        const octet_string first = s.flight().front();
        const std::uint32_t flight = s.c.a.host.stream(s.client)->tcp().numbers().snd.flight();
        const auto before = s.c.a.host.stream(s.client)->tcp();
        for (const meaning& m : all) {
            for (const std::uint32_t away : {0U - 1U, 0U - 65536U, flight, flight + 1, 0x8000'0000U}) {
                for (const std::uint32_t mtu : {0U, 68U, 576U, 1280U, 1400U}) {
                    s.c.a.host.handle_packet(icmp(about_another(first, away), m.type, m.code, mtu), s.c.now);
                    CHECK(s.c.a.host.stream(s.client)->tcp().numbers() == before.numbers());
                    CHECK_FALSE(s.c.a.told());
                    CHECK(s.c.a.packets(s.c.now).empty());
                }
            }
        }
    }
}

TEST_CASE("ICMP: packet too big makes the packets of its connection smaller, and of no other",
          "[recovery][host][RFC 1191 3][RFC 8201 4][1191-1][LC-13]") {
    for (const bool v4 : {true, false}) {
        scene s{v4};
        const handle second =
            s.c.a.host.connect(v4 ? server4 : server6, v4 ? client4.address : client6.address, s.c.now).of;
        const auto sent = s.flight();
        for (const octet_string& p : sent) CHECK(p.size() <= 1500);
        CHECK(sent.front().size() == 1500);
        const auto too_big = [&](const octet_string& about, std::uint32_t mtu) {
            return s.c.a.host.handle_packet(v4 ? icmp(about, 3, 4, mtu) : icmp(about, 2, 0, mtu), s.c.now);
        };
        const verdict v = too_big(sent.front(), 1400);
        CHECK(v.fate == fate::path_narrowed);
        CHECK(v.too_big == too_big::followed);
        CHECK(describe(v) == describe(too_big::followed));
        const auto again = s.c.a.packets(s.c.now);
        REQUIRE(again.size() == 1);
        CHECK(again.front().size() == 1400);
        CHECK(s.mtu() == 1400);
        CHECK(s.c.a.host.stream(second)->tcp().path_mtu() == 1500);
        // About the rest of the flight there is nothing new.
        const verdict v2 = too_big(sent[1], 1400);
        CHECK(v2.fate == fate::too_big_ignored);
        CHECK(describe(v2) == describe(too_big::no_news));
        CHECK(s.c.a.host.count(fate::path_narrowed) == 1);
        CHECK(s.c.a.host.count(fate::too_big_ignored) == 1);
        // What is open for long has had large packets acknowledged, so the report waits.
        for (const auto& p : again) s.c.b.host.handle_packet(p, s.c.now);
        s.c.wait(500ms);
        const octet_string more(20'000);
        static_cast<void>(s.c.a.host.send(s.client, more, s.c.now));
        const auto later = s.c.a.packets(s.c.now);
        const verdict v3 = too_big(later.front(), v4 ? 576 : 1280);
        CHECK(v3.fate == fate::too_big_waits);
        CHECK(s.c.a.packets(s.c.now).empty());
        CHECK(s.mtu() == 1400);
        const auto next = [&] {  // a host may wake for nothing
            std::vector<octet_string> packets;
            for (int wakes = 0; wakes < 10 && packets.empty(); ++wakes) {
                s.c.now = s.c.a.host.poll_timeout();
                s.c.a.host.handle_timeout(s.c.now);
                packets = s.c.a.packets(s.c.now);
            }
            return packets;
        };
        CHECK_FALSE(next().empty());  // a probe of the tail
        CHECK(s.mtu() == 1400);
        const auto smaller = next();  // the timeout
        CHECK(s.mtu() == (v4 ? 576 : 1280));
        REQUIRE_FALSE(smaller.empty());
        CHECK(smaller.front().size() == s.mtu());
        s.c.wait(10s);
        CHECK(s.c.a.host.stream(s.client)->tcp().numbers().snd.queued() == 0);
    }
}

TEST_CASE("ICMP: every packet of IPv4 forbids fragments, of data, of probes and of resets",
          "[recovery][host][RFC 1191 3][1191-8][7323-24]") {
    scene s{true};
    const auto df = [](const octet_string& p) { return (load16(&p[6]) & 0x4000U) != 0; };
    CHECK(df(s.c.a.packet(s.c.now)));
    for (const octet_string& p : s.flight()) CHECK(df(p));
    const octet_string stranger = packet_of({{"10.0.0.1"_ip, 7}, {"10.0.0.2"_ip, 9}}, {.ctl = ctl::ack}, "");
    CHECK(s.c.b.host.handle_packet(stranger, s.c.now).fate == fate::answered_with_reset);
    CHECK(df(s.c.b.packet(s.c.now)));
}

TEST_CASE("ICMP: what a caller remembers of a path is where a connection begins, on both sides",
          "[recovery][host][RFC 1191 6.3][1191-7][4821-4]") {
    const host_config remembers{.known_mtu = [](void*, const ip_address& peer) -> std::uint16_t {
        return peer == "10.0.0.2"_ip ? 1400 : peer == "10.0.0.1"_ip ? 1300 : 0xffff;
    }};
    scene s{true, remembers};
    CHECK(s.flight().front().size() == 1400);
    const handle child = s.c.b.told(news::accepted);
    CHECK(s.c.b.host.stream(child)->tcp().path_mtu() == 1300);
    scene six{false, remembers};
    CHECK(six.flight().front().size() == 1500);
}

}  // namespace
