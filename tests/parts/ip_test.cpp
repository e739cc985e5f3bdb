// SPDX-License-Identifier: MIT
// ip_test.cpp: packets of IPv4 and IPv6, and what ICMP says about them.

#include "wire_values.hpp"

#include <tcpfsm/address_text.hpp>
#include <tcpfsm/icmp.hpp>
#include <tcpfsm/ip.hpp>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::literals;

constexpr four_tuple v4{{"192.0.2.1"_ip, 49152}, {"198.51.100.2"_ip, 80}};
constexpr four_tuple v6{{"2001:db8::1"_ip, 49152}, {"2001:db8::2"_ip, 80}};

octet_vector written(const four_tuple& between, const segment& seg, const octet_vector& text = {},
                     ip_fields fields = {}) {
    octet_vector out(100 + text.size(), 0xaa);
    out.resize(write_packet(out, between, seg, text, {}, fields));
    return exactly(out);
}

// An IPv6 packet from `v6.local` to `v6.remote`, whose first header is of kind `next`.
octet_vector ipv6_packet(std::uint8_t next, std::span<const std::uint8_t> payload) {
    octet_vector out(ipv6_header_size, 0);
    REQUIRE(write_ip_header(out, v6.local.address, v6.remote.address, next, payload.size()) == ipv6_header_size);
    return joined(out, payload);
}

void sign_ipv4(octet_vector& octets) {
    store16(&octets[10], 0);
    store16(&octets[10], partial_sum{std::span{octets}.first(std::size_t{octets[0] & 0xfU} * 4)}.checksum());
}

ip_error refusal(octet_vector octets) { return parse_packet(exactly(octets)).error; }

}  // namespace

TEST_CASE("IPv4 header, octet by octet", "[RFC 791 3.1][MUST-49]") {
    const auto header = [] {
        std::array<std::uint8_t, 20> out{};
        (void)write_ip_header(out, v4.local.address, v4.remote.address, 6, 20, {0x0b, 63, 0x1234});
        return out;
    }();
    CHECK(same(header, "45 0b 00 28 12 34 40 00 3f 06 3d 5a c0 00 02 01 c6 33 64 02"_hex));
    CHECK(partial_sum{header}.verifies());
}

TEST_CASE("IPv6 header, octet by octet", "[RFC 8200 3][MUST-49]") {
    const auto header = [] {
        std::array<std::uint8_t, 40> out{};
        (void)write_ip_header(out, v6.local.address, v6.remote.address, 6, 20, {0xab, 63, 0});
        return out;
    }();
    CHECK(same(header,
               "6a b0 00 00 00 14 06 3f 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01 "
               "20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 02"_hex));
}

TEST_CASE("the codepoint of ECN stands in the last two bits beside DSCP, in both versions", "[RFC 3168 5]") {
    const ecn codepoints[] = {ecn::not_ect, ecn::ect_1, ecn::ect_0, ecn::ce};
    for (unsigned i = 0; i < 4; ++i) {
        segment seg;
        seg.ecn = codepoints[i];
        const auto four = written(v4, seg, {}, {.dscp_ecn = 46 << 2 | 3});
        const auto six = written(v6, seg, {}, {.dscp_ecn = 46 << 2 | 3});
        CHECK(four[1] == (46U << 2U | i));
        CHECK((load16(six.data()) >> 4U & 0xffU) == (46U << 2U | i));
        CHECK(parse_packet(four).fields.ecn() == codepoints[i]);
        CHECK(parse_packet(six).fields.ecn() == codepoints[i]);
    }
}

TEST_CASE("every truncation of a packet is refused", "[RFC 791][RFC 8200][M05][M07]") {
    for (const auto& between : {v4, v6}) {
        segment seg;
        seg.text = 5;
        const auto whole = written(between, seg, octet_vector(5, 'x'));
        for (std::size_t size = 0; size < whole.size(); ++size) {
            const auto part = exactly(std::span{whole}.first(size));
            const auto got = parse_packet(part);
            CAPTURE(size);
            CHECK_FALSE(got);
            CHECK(describe(got.error).find("RFC") != std::string_view::npos);
        }
    }
}

TEST_CASE("octets behind the end of a packet are cut off", "[RFC 791][RFC 8200][M07]") {
    for (const auto& between : {v4, v6}) {
        const auto got_octets = joined(written(between, {}), octet_vector(26, 0xee));
        const auto got = parse_packet(got_octets);
        REQUIRE(got);
        CHECK(got.payload.size() == 20);
        CHECK(parse_tcp(got.payload, got.source, got.destination));
    }
}

TEST_CASE("IPv4 headers that lie", "[RFC 791][RFC 1122 3.2.1.2][M07]") {
    const auto whole = written(v4, {});
    const auto with = [&](std::size_t at, unsigned value) {
        auto octets = whole;
        octets[at] = static_cast<std::uint8_t>(value);
        sign_ipv4(octets);
        return octets;
    };
    CHECK(refusal(with(8, 1)) == ip_error::none);
    CHECK(refusal(with(0, 0x55)) == ip_error::bad_version);
    CHECK(refusal(with(3, 41)) == ip_error::bad_total_length);
    CHECK(refusal(with(3, 19)) == ip_error::bad_total_length);
    CHECK(refusal(with(2, 255)) == ip_error::bad_total_length);
    CHECK(refusal(with(6, 0x20)) == ip_error::fragment);  // more fragments
    CHECK(refusal(with(7, 0x01)) == ip_error::fragment);  // not the first
    CHECK(refusal(with(6, 0x00)) == ip_error::none);      // may be fragmented, but was not
    for (unsigned words = 0; words < 16; ++words) {
        auto octets = whole;
        octets[0] = static_cast<std::uint8_t>(0x40 | words);
        if (words >= 5 && words * 4 <= octets.size()) sign_ipv4(octets);
        const bool possible = words >= 5 && words <= 10;
        CHECK(refusal(octets) == (possible ? ip_error::none : ip_error::bad_header_length));
    }
    auto spoilt = whole;
    spoilt[8] ^= 1;
    CHECK(refusal(spoilt) == ip_error::bad_header_checksum);
}

TEST_CASE("IPv4 options are stepped over", "[3.9.2][MUST-50]") {
    auto octets = written(v4, {});
    octets.insert(octets.begin() + 20, {0x94, 0x04, 0x00, 0x00});  // router alert
    octets[0] = 0x46;
    octets[3] = 44;
    sign_ipv4(octets);
    const auto copy = exactly(octets);
    const auto got = parse_packet(copy);
    REQUIRE(got);
    CHECK(parse_tcp(got.payload, got.source, got.destination));
}

TEST_CASE("IPv6 extension headers are stepped over, within bounds", "[RFC 8200 4][MUST-50]") {
    const auto packet = written(v6, {});
    const auto tcp = exactly(std::span{packet}.subspan(ipv6_header_size));
    const auto reads = [&](std::uint8_t next, std::span<const std::uint8_t> headers) {
        const auto octets = exactly(ipv6_packet(next, joined(headers, tcp)));
        const auto got = parse_packet(octets);
        if (got && got.protocol == tcp_protocol) {
            CHECK(parse_tcp(got.payload, got.source, got.destination));
        }
        return got.error;
    };
    constexpr auto padding = "06 00 01 04 00 00 00 00"_hex;
    CHECK(reads(0, padding) == ip_error::none);
    CHECK(reads(60, padding) == ip_error::none);
    CHECK(reads(60, "06 01 01 0c 00 00 00 00 00 00 00 00 00 00 00 00"_hex) == ip_error::none);
    CHECK(reads(0, "3c 00 05 02 00 00 00 00 2b 00 01 04 00 00 00 00 06 00 00 00 00 00 00 00"_hex) == ip_error::none);
    CHECK(reads(44, "06 ff 00 06 12 34 56 78"_hex) == ip_error::none);  // an atomic fragment
    CHECK(reads(44, "06 00 00 01 12 34 56 78"_hex) == ip_error::fragment);
    CHECK(reads(44, "06 00 00 08 12 34 56 78"_hex) == ip_error::fragment);
    CHECK(reads(43, "06 00 00 01 00 00 00 00"_hex) == ip_error::source_routed);
    CHECK(reads(60, "00 00 01 04 00 00 00 00 06 00 01 04 00 00 00 00"_hex) ==
          ip_error::bad_extension);                                              // hop-by-hop late
    CHECK(reads(60, "06 00 41 04 00 00 00 00"_hex) == ip_error::bad_extension);  // an option that says "discard"
    CHECK(reads(0, "06 00 c2 04 00 01 00 00"_hex) == ip_error::bad_extension);   // jumbo payload
    CHECK(reads(60, "06 00 01 05 00 00 00 00"_hex) == ip_error::bad_extension);  // an option past the end
    CHECK(reads(60, "06 00 01 03 00 00 00 01"_hex) == ip_error::bad_extension);  // no room for its length
    CHECK(reads(60, "06 ff 01 04 00 00 00 00"_hex) == ip_error::bad_extension);  // a header past the end
    CHECK(reads(59, ""_hex) == ip_error::none);                                  // no next header: not TCP
    for (std::size_t size = 0; size < 8; ++size) {
        CHECK(refusal(ipv6_packet(60, padding.span().first(size))) == ip_error::bad_extension);
    }
}

TEST_CASE("what does not fit into a packet is not written", "[RFC 791][RFC 8200]") {
    octet_vector out(70'000, 0);
    const octet_vector text(65'536, 'x');
    const auto size_of = [&](const four_tuple& between, std::uint32_t length) {
        segment seg;
        seg.text = length;
        return write_packet(out, between, seg, std::span{text}.first(length));
    };
    CHECK(size_of(v4, 65'495) == 65'535);
    CHECK(size_of(v4, 65'496) == 0);
    CHECK(size_of(v6, 65'515) == 65'575);
    CHECK(size_of(v6, 65'516) == 0);
    CHECK(size_of({v4.local, v6.remote}, 0) == 0);
    for (std::size_t size = 0; size < 40; ++size) {
        octet_vector small(size, 0);
        CHECK(write_packet(small, v4, {}) == 0);
        CHECK(write_packet(small, v6, {}) == 0);
    }
}

TEST_CASE("packets, there and back", "[RFC 791][RFC 8200][property]") {
    rc::prop("with all fields", [] {
        const auto text = *any_octets(100);
        const four_tuple between = any_tuple();
        segment seg = any_segment(text.size());
        seg.ecn = *rc::gen::element(ecn::not_ect, ecn::ect_1, ecn::ect_0, ecn::ce);
        ip_fields fields{*rc::gen::arbitrary<std::uint8_t>(), *rc::gen::arbitrary<std::uint8_t>(), 0};
        if (between.local.address.is_v4()) fields.id = *rc::gen::arbitrary<std::uint16_t>();
        const auto octets = written(between, seg, text, fields);
        const auto got = parse_packet(octets);
        RC_ASSERT(got.error == ip_error::none);
        RC_ASSERT(got.source == between.local.address);
        RC_ASSERT(got.destination == between.remote.address);
        RC_ASSERT(got.fields.ecn() == seg.ecn);
        fields.dscp_ecn = static_cast<std::uint8_t>((fields.dscp_ecn & 0xfcU) | (got.fields.dscp_ecn & 3U));
        RC_ASSERT(got.fields == fields);
        RC_ASSERT(got.protocol == tcp_protocol);
        auto tcp = parse_tcp(got.payload, got.source, got.destination);
        tcp.segment.ecn = got.fields.ecn();
        RC_ASSERT(tcp.error == wire_error::none);
        RC_ASSERT(tcp.segment == as_sent(seg));
        RC_ASSERT(same(tcp.text, text));
    });
    rc::prop("any octets are a packet or refused, and nothing outside is read", [] {
        auto octets = *any_octets(120);
        if (!octets.empty()) octets[0] = static_cast<std::uint8_t>((octets[0] & 0xf) | *rc::gen::element(0x40, 0x60));
        if (octets.size() >= ipv6_header_size && octets[0] >> 4 == 6) {
            store16(&octets[4], static_cast<std::uint16_t>(octets.size() - ipv6_header_size));
            octets[6] = *rc::gen::element<std::uint8_t>(0, 6, 43, 44, 58, 60);
        }
        const auto copy = exactly(octets);
        (void)parse_icmp_error(parse_packet(copy));
    });
}

namespace {

// The message that a router sends about the first octets of `about`, `quoted` of them.
octet_vector icmp(std::uint8_t type, std::uint8_t code, std::uint32_t rest, const octet_vector& about,
                  std::size_t quoted = 1000) {
    const auto sent = parse_packet(about);
    const bool is_v4 = about[0] >> 4 == 4;
    const ip_address router = is_v4 ? "203.0.113.1"_ip : "2001:db8:ffff::1"_ip;
    const std::uint8_t protocol = is_v4 ? 1 : 58;
    octet_vector message{type, code, 0, 0, 0, 0, 0, 0};
    store32(&message[4], rest);
    message = joined(message, std::span{about}.first(std::min(quoted, about.size())));
    partial_sum sum = is_v4 ? partial_sum{} : pseudo_header_sum(router, sent.source, protocol, message.size());
    store16(&message[2], sum.append(message).checksum());
    octet_vector header(ip_header_size(router), 0);
    REQUIRE(write_ip_header(header, router, sent.source, protocol, message.size()) == header.size());
    return exactly(joined(header, message));
}

using numbers = std::initializer_list<std::uint8_t>;

icmp_kind kind_of(const octet_vector& octets) { return parse_icmp_error(parse_packet(octets)).kind; }

octet_vector sent_by(const four_tuple& between) {
    segment seg;
    seg.seq = seq{0xdeadbeef};
    seg.ctl = ctl::ack;
    seg.text = 1460;
    return written(between, seg, octet_vector(1460, 'x'));
}

}  // namespace

TEST_CASE("ICMP: which errors are soft and which hard", "[3.9.2.2][MUST-55][MUST-56][SHLD-26]") {
    const auto about = sent_by(v4);
    using enum icmp_kind;
    for (const std::uint8_t code : numbers{0, 1, 5}) CHECK(kind_of(icmp(3, code, 0, about)) == soft);
    for (const std::uint8_t code : numbers{2, 3}) CHECK(kind_of(icmp(3, code, 0, about)) == hard);
    for (const std::uint8_t code : numbers{9, 10, 13}) CHECK(kind_of(icmp(3, code, 0, about)) == soft);
    for (const std::uint8_t code : numbers{0, 1}) CHECK(kind_of(icmp(11, code, 0, about)) == soft);
    CHECK(kind_of(icmp(12, 0, 0, about)) == soft);
    CHECK(kind_of(icmp(3, 4, 1400, about)) == packet_too_big);
    CHECK(kind_of(icmp(4, 0, 0, about)) == source_quench);
    for (const std::uint8_t type : numbers{0, 5, 8, 13}) CHECK(kind_of(icmp(type, 0, 0, about)) == none);
}

TEST_CASE("ICMPv6: which errors are soft and which hard", "[3.9.2.2][MUST-56][SHLD-26]") {
    const auto about = sent_by(v6);
    using enum icmp_kind;
    for (const std::uint8_t code : numbers{0, 3}) CHECK(kind_of(icmp(1, code, 0, about)) == soft);
    for (const std::uint8_t code : numbers{1, 4}) CHECK(kind_of(icmp(1, code, 0, about)) == hard);
    for (const std::uint8_t code : numbers{0, 1}) CHECK(kind_of(icmp(3, code, 0, about)) == soft);
    for (const std::uint8_t code : numbers{0, 1, 2}) CHECK(kind_of(icmp(4, code, 0, about)) == soft);
    CHECK(kind_of(icmp(2, 0, 1280, about)) == packet_too_big);
    for (const std::uint8_t type : numbers{128, 129, 135}) CHECK(kind_of(icmp(type, 0, 0, about)) == none);
}

TEST_CASE("an ICMP error names the connection, the segment and the next hop's MTU", "[3.9.2.2][RFC 1191 4][RFC 8201]") {
    for (const auto& between : {v4, v6}) {
        const bool is_v4 = between.local.address.is_v4();
        const auto about = sent_by(between);
        const std::uint32_t mtu = is_v4 ? 1400 : 0x10500;
        const auto octets = is_v4 ? icmp(3, 4, mtu, about, 28) : icmp(2, 0, mtu, about, 48);
        const auto got = parse_icmp_error(parse_packet(octets));
        CHECK(got.kind == icmp_kind::packet_too_big);
        CHECK(got.between == between);
        CHECK(got.sequence == seq{0xdeadbeef});
        CHECK(got.mtu == mtu);
        CHECK(got.quoted_length == (is_v4 ? 1500U : 1520U));
    }
    CHECK(parse_icmp_error(parse_packet(icmp(3, 3, 1400, sent_by(v4)))).mtu == 0);
}

TEST_CASE("an ICMP message that does not hold water is none", "[3.9.2.2][RFC 5927 4]") {
    for (const auto& between : {v4, v6}) {
        const bool is_v4 = between.local.address.is_v4();
        const auto about = sent_by(between);
        const std::uint8_t type = is_v4 ? 3 : 1;
        const std::size_t enough = is_v4 ? 28 : 48;
        const auto good = icmp(type, 3, 0, about, enough);
        REQUIRE(kind_of(good) != icmp_kind::none);
        for (std::size_t size = 0; size < enough; ++size) {
            CHECK(kind_of(icmp(type, 3, 0, about, size)) == icmp_kind::none);
        }
        const std::size_t icmp_at = is_v4 ? 20 : 40;
        for (std::size_t bit = 8 * icmp_at; bit < 8 * good.size(); ++bit) {
            auto spoilt = good;
            spoilt[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
            CHECK(kind_of(exactly(spoilt)) == icmp_kind::none);
        }
        auto udp = about;
        udp[is_v4 ? 9 : 6] = 17;
        CHECK(kind_of(icmp(type, 3, 0, udp)) == icmp_kind::none);
    }
    // About a packet of somebody else: the quote names a source that is not the receiver.
    auto octets = icmp(3, 3, 0, sent_by(v4));
    octets[19] = 77;
    sign_ipv4(octets);
    CHECK(kind_of(octets) == icmp_kind::none);
}
