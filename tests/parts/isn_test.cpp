// SPDX-License-Identifier: MIT
// isn_test.cpp: SipHash by its published vectors, and the numbers that hang on it.

#include "wire_values.hpp"

#include <tcpfsm/address_text.hpp>
#include <tcpfsm/isn.hpp>

#include <set>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::literals;

constexpr hash_key key = [] {
    hash_key k{};
    for (std::size_t i = 0; i < k.size(); ++i) k[i] = static_cast<std::uint8_t>(i);
    return k;
}();
constexpr four_tuple v4{{"192.0.2.1"_ip, 49152}, {"198.51.100.2"_ip, 80}};
constexpr four_tuple v6{{"2001:db8::1"_ip, 49152}, {"2001:db8::2"_ip, 80}};
constexpr time_point at(std::int64_t microseconds) { return time_point{duration{microseconds}}; }

constexpr std::uint64_t hash_of_counting(std::size_t size) {
    std::array<std::uint8_t, 64> octets{};
    for (std::size_t i = 0; i < size; ++i) octets[i] = static_cast<std::uint8_t>(i);
    return siphash(key, std::span{octets}.first(size));
}

}  // namespace

TEST_CASE("SipHash-2-4: the vectors of its authors", "[RFC 6528][siphash]") {
    STATIC_REQUIRE(hash_of_counting(0) == 0x726fdb47dd0e0e31);
    STATIC_REQUIRE(hash_of_counting(1) == 0x74f839c593dc67fd);
    STATIC_REQUIRE(hash_of_counting(2) == 0x0d6c8009d9a94f5a);
    STATIC_REQUIRE(hash_of_counting(3) == 0x85676696d7fb7e2d);
    STATIC_REQUIRE(hash_of_counting(4) == 0xcf2794e0277187b7);
    STATIC_REQUIRE(hash_of_counting(5) == 0x18765564cd99a68d);
    STATIC_REQUIRE(hash_of_counting(6) == 0xcbc9466e58fee3ce);
    STATIC_REQUIRE(hash_of_counting(7) == 0xab0200f58b01d137);
    STATIC_REQUIRE(hash_of_counting(8) == 0x93f5f5799a932462);
    STATIC_REQUIRE(hash_of_counting(9) == 0x9e0082df0ba9e4b0);
    STATIC_REQUIRE(hash_of_counting(10) == 0x7a5dbbc594ddb9f3);
    STATIC_REQUIRE(hash_of_counting(11) == 0xf4b32f46226bada7);
    STATIC_REQUIRE(hash_of_counting(12) == 0x751e8fbc860ee5fb);
    STATIC_REQUIRE(hash_of_counting(13) == 0x14ea5627c0843d90);
    STATIC_REQUIRE(hash_of_counting(14) == 0xf723ca908e7af2ee);
    STATIC_REQUIRE(hash_of_counting(15) == 0xa129ca6149be45e5);
    STATIC_REQUIRE(hash_of_counting(16) == 0x3f2acc7f57c29bdb);
    STATIC_REQUIRE(hash_of_counting(31) == 0x32d892fad841c342);
    STATIC_REQUIRE(hash_of_counting(32) == 0x7127512f72f27cce);
    STATIC_REQUIRE(hash_of_counting(36) == 0x314dffbe0815a3b4);
    STATIC_REQUIRE(hash_of_counting(63) == 0x958a324ceb064572);
}

TEST_CASE("initial sequence numbers: examples", "[3.4.1][RFC 6528 3][SHLD-1][MUST-8][6528-1]") {
    constexpr isn_generator initial{key};
    STATIC_REQUIRE(initial(v4, at(0)) == seq{0x7b680742});
    STATIC_REQUIRE(initial(v4, at(4'000'000)) == seq{0x7b774982});
    STATIC_REQUIRE(initial(v4, at(17'179'869'180)) == seq{0x7b680741});
    STATIC_REQUIRE(initial(v6, at(0)) == seq{0x37c7a07a});
    STATIC_REQUIRE(initial(v4, at(3)) == seq{0x7b680742});
    STATIC_REQUIRE(initial(v4, at(-1)) == seq{0x7b680741});  // the clock does not stand still at the epoch
    STATIC_REQUIRE(initial(v4, at(-4)) == seq{0x7b680741});
}

TEST_CASE("initial sequence numbers of one pair of ends rise with time", "[3.4.1][MUST-8][MUST-9][property]") {
    const isn_generator initial{key};
    rc::prop("by one every four microseconds, before the caller's epoch as after it", [&] {
        const four_tuple between = any_tuple();
        const auto begin = *rc::gen::inRange<std::int64_t>(-1'000'000'000'000, 1'000'000'000'000);
        const auto later = *rc::gen::inRange<std::int64_t>(0, 4 * 0x7fff'ffffLL);
        const auto first = initial(between, at(begin));
        const auto second = initial(between, at(begin + later));
        RC_ASSERT(second - first >= static_cast<std::uint32_t>(later / 4));
        RC_ASSERT(second - first <= static_cast<std::uint32_t>(later / 4 + 1));
    });
    rc::prop("and those of another pair, or under another key, are somewhere else", [&] {
        const four_tuple a = any_tuple();
        const four_tuple other_ends = any_tuple();
        four_tuple b = a;  // but for one of its parts
        switch (*rc::gen::inRange(0, 4)) {
        case 0: b.local.address = other_ends.local.address; break;
        case 1: b.local.port = other_ends.local.port; break;
        case 2: b.remote.address = other_ends.remote.address; break;
        default: b.remote.port = other_ends.remote.port; break;
        }
        RC_PRE(a != b);
        RC_ASSERT(initial(a, at(0)) != initial(b, at(0)));
        hash_key other = key;
        other[*rc::gen::inRange<std::size_t>(0, 16)] ^= 1;
        RC_ASSERT(isn_generator{other}(a, at(0)) != initial(a, at(0)));
    });
}

TEST_CASE("one key, many uses: none tells another", "[RFC 7323 5.4][isn][7323-23]") {
    constexpr auto isn = isn_generator{key}(v4, at(0)).value();
    STATIC_REQUIRE(timestamp_offset(key, v4) != isn);
    STATIC_REQUIRE(static_cast<std::uint32_t>(table_hash(key, v4)) != isn);
    STATIC_REQUIRE(timestamp_offset(key, v4) != static_cast<std::uint32_t>(table_hash(key, v4)));
    STATIC_REQUIRE(timestamp_offset(key, v4) != timestamp_offset(key, v4.reversed()));
}

TEST_CASE("ephemeral ports", "[RFC 6056 3.3.3][RFC 6056 3.3.4][6056-1]") {
    const auto ports = [](const endpoint& remote, port_range range, std::uint32_t first) {
        std::set<std::uint16_t> seen;
        for (std::uint32_t i = 0; i < range.size(); ++i) {
            seen.insert(ephemeral_port(key, v4.local.address, remote, first + i, range));
        }
        return seen;
    };
    const auto all = ports(v4.remote, {}, 7);
    CHECK(all.size() == 16384);
    CHECK(*all.begin() == 49152U);
    CHECK(*all.rbegin() == 65535U);
    CHECK(ports(v4.remote, {1024, 1033}, 0xffff'fff0).size() == 10);
    CHECK(ports(v4.remote, {5, 5}, 3) == std::set<std::uint16_t>{5});
    CHECK(ports(v4.remote, {9, 5}, 3) == std::set<std::uint16_t>{9});  // a range of nothing has its first
    CHECK(ports(v4.remote, {0, 65535}, 3).size() == 65536);
    const auto port = ephemeral_port(key, v4.local.address, v4.remote, 0);
    CHECK(ephemeral_port(key, v4.local.address, v4.remote, 1) == (port == 65535 ? 49152 : port + 1));
    CHECK(ephemeral_port(key, v4.local.address, {v4.remote.address, 443}, 0) != port);
    for (const std::size_t counters : {std::size_t{0}, std::size_t{1}}) {
        CHECK(ephemeral_counter(key, v4.local.address, v4.remote, counters) == 0);
    }
    CHECK(ephemeral_counter(key, v4.local.address, v4.remote, 10) < 10);
}
