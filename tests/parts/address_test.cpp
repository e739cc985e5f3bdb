// SPDX-License-Identifier: MIT
// address_test.cpp: addresses as values and as text.

#include "wire_values.hpp"

#include <tcpfsm/address_text.hpp>

#include <string>
#include <type_traits>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::literals;

std::string text(const ip_address& address) {
    std::array<char, address_text_size> out{};
    return {out.data(), write_text(address, out)};
}

}  // namespace

TEST_CASE("addresses are regular values", "[address]") {
    STATIC_REQUIRE(std::is_trivially_copyable_v<four_tuple>);
    STATIC_REQUIRE(ip_address{} == "0.0.0.0"_ip);
    STATIC_REQUIRE("0.0.0.0"_ip != "::"_ip);
    STATIC_REQUIRE("192.0.2.1"_ip < "192.0.2.2"_ip);
    STATIC_REQUIRE("192.0.2.1"_ip.octets().size() == 4);
    STATIC_REQUIRE("2001:db8::1"_ip.octets().size() == 16);
    constexpr four_tuple between{{"192.0.2.1"_ip, 1}, {"192.0.2.2"_ip, 2}};
    STATIC_REQUIRE(between.reversed().reversed() == between);
    STATIC_REQUIRE(between.reversed() != between);
}

TEST_CASE("who may be a peer", "[3.9.2.3][MUST-46][MUST-57][MUST-63]") {
    STATIC_REQUIRE("224.0.0.1"_ip.is_multicast());
    STATIC_REQUIRE("239.255.255.255"_ip.is_multicast());
    STATIC_REQUIRE_FALSE("240.0.0.1"_ip.is_multicast());
    STATIC_REQUIRE("ff02::1"_ip.is_multicast());
    STATIC_REQUIRE_FALSE("fe80::1"_ip.is_multicast());
    STATIC_REQUIRE("255.255.255.255"_ip.is_broadcast());
    STATIC_REQUIRE_FALSE("255.255.255.254"_ip.is_broadcast());
    STATIC_REQUIRE("::"_ip.is_unspecified());
    STATIC_REQUIRE("127.8.9.1"_ip.is_loopback());
    STATIC_REQUIRE("::1"_ip.is_loopback());
    STATIC_REQUIRE_FALSE("1::1"_ip.is_loopback());
    STATIC_REQUIRE("::ffff:10.0.0.1"_ip.is_mapped());
    STATIC_REQUIRE_FALSE("::fffe:10.0.0.1"_ip.is_mapped());
    for (const auto& address : {"0.0.0.0"_ip, "255.255.255.255"_ip, "224.1.2.3"_ip, "::"_ip, "ff0e::1"_ip}) {
        CHECK_FALSE(address.is_unicast());
    }
    CHECK("192.0.2.255"_ip.is_unicast());
}

TEST_CASE("IPv6 text is that of RFC 5952", "[RFC 5952 4]") {
    const auto pairs = std::to_array<std::array<const char*, 2>>({
        {"2001:0db8:0000:0000:0000:0000:0002:0001", "2001:db8::2:1"},
        {"2001:DB8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"0:0:0:0:0:0:0:0", "::"},
        {"0:0:0:0:0:0:0:1", "::1"},
        {"1:0:0:0:0:0:0:0", "1::"},
        {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"::ffff:c000:0201", "::ffff:192.0.2.1"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"0:0:0:0:0:ffff:255.255.255.255", "::ffff:255.255.255.255"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    });
    for (const auto& [written, canonical] : pairs) {
        CAPTURE(written);
        REQUIRE(parse_ip(written));
        CHECK(text(*parse_ip(written)) == canonical);
    }
}

TEST_CASE("what is no address", "[address]") {
    const auto texts = std::to_array<const char*>({
        "",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "01.2.3.4",
        "1.2.3.04",
        "1.2.3.",
        ".1.2.3",
        "1..2.3",
        "1.2.3.4 ",
        " 1.2.3.4",
        "1.2.3.-4",
        "0x1.2.3.4",
        ":",
        ":::",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8:",
        ":1:2:3:4:5:6:7:8",
        "1::2::3",
        "1:2:3:4::5:6:7:8",
        "12345::",
        "g::",
        "1:2:3:4:5:6:7:1.2.3.4",
        "::1.2.3",
        "::1.2.3.4:5",
        "::1.2.3.256",
        "fe80::1%0",
        "[::1]",
        "::1 ",
        "1:",
        "::1:",
    });
    for (const char* text : texts) {
        CAPTURE(text);
        CHECK_FALSE(parse_ip(text));
    }
}

TEST_CASE("text and back", "[address][property]") {
    rc::prop("is the same address", [] {
        auto octets = *rc::gen::container<std::array<std::uint8_t, 16>>(
            rc::gen::oneOf(rc::gen::just<std::uint8_t>(0), rc::gen::arbitrary<std::uint8_t>()));
        const bool v4 = *rc::gen::arbitrary<bool>();
        const auto address = v4 ? ip_address{std::span{octets}.first<4>()} : ip_address{octets};
        RC_ASSERT(parse_ip(text(address)) == address);
    });
    rc::prop("any characters are an address or not, and nothing worse", [] {
        const auto any = *rc::gen::container<std::string>(rc::gen::elementOf(std::string{"0129afF:.:.: %x"}));
        if (const auto address = parse_ip(any)) RC_ASSERT(parse_ip(text(*address)) == address);
    });
}
