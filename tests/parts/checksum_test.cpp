// SPDX-License-Identifier: MIT
// checksum_test.cpp: the internet checksum: published sums, and that cutting, copying and mending keep them.

#include "wire_values.hpp"

#include <tcpfsm/checksum.hpp>

namespace {

using namespace tcpfsm;

// The definition, word by word.
std::uint16_t plain_sum(std::span<const std::uint8_t> octets) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < octets.size(); i += 2) {
        sum += static_cast<std::uint32_t>(octets[i] << 8 | (i + 1 < octets.size() ? octets[i + 1] : 0));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return static_cast<std::uint16_t>(sum);
}

constexpr auto example = "00 01 f2 03 f4 f5 f6 f7"_hex;

}  // namespace

TEST_CASE("the example of RFC 1071", "[RFC 1071 3][3.1][MUST-2]") {
    STATIC_REQUIRE(partial_sum{example}.value() == 0xddf2);
    STATIC_REQUIRE(partial_sum{example}.checksum() == 0x220d);
    CHECK(partial_sum{exactly(example)}.value() == 0xddf2);
}

TEST_CASE("RFC 1071: cut at an odd boundary, the second half is swapped in", "[RFC 1071 3]") {
    STATIC_REQUIRE(partial_sum{"00 01 f2"_hex}.value() == 0xf201);
    STATIC_REQUIRE(partial_sum{"03 f4 f5 f6 f7"_hex}.value() == 0xf0eb);
    STATIC_REQUIRE(partial_sum{"00 01 f2"_hex}.append(partial_sum{"03 f4 f5 f6 f7"_hex}).value() == 0xddf2);
}

TEST_CASE("an odd octet counts as if a zero followed", "[3.1][MUST-2]") {
    STATIC_REQUIRE(partial_sum{"01 02 03"_hex}.value() == 0x0402);
    STATIC_REQUIRE(partial_sum{"01 02 03"_hex}.checksum() == 0xfbfd);
    STATIC_REQUIRE(partial_sum{}.checksum() == 0xffff);
    STATIC_REQUIRE(partial_sum{"ff ff"_hex}.checksum() == 0x0000);
}

TEST_CASE("RFC 1624: the mended checksum, where RFC 1141 fails", "[RFC 1624 4]") {
    STATIC_REQUIRE(updated_checksum(0xdd2f, 0x5555, 0x3285) == 0x0000);
}

TEST_CASE("the pseudo-header counts addresses, protocol and all 32 bits of the length", "[3.1][MUST-2]") {
    constexpr auto source = ipv4(192, 0, 2, 1);
    constexpr auto destination = ipv4(198, 51, 100, 2);
    STATIC_REQUIRE(pseudo_header_sum(source, destination, 6, 20) ==
                   partial_sum{"c0 00 02 01 c6 33 64 02 00 06 00 14"_hex});
    STATIC_REQUIRE(pseudo_header_sum(source, destination, 6, 0x12345) ==
                   partial_sum{"c0 00 02 01 c6 33 64 02 00 01 23 45 00 00 00 06"_hex});
}

TEST_CASE("sums at run time", "[RFC 1071][3.1][property]") {
    rc::prop("are what the definition says, at any alignment", [] {
        const auto octets = exactly(*any_octets(300));
        const auto skip = *rc::gen::inRange<std::size_t>(0, octets.size() + 1);
        const auto part = std::span{octets}.subspan(skip);
        RC_ASSERT(partial_sum{part}.value() == plain_sum(part));
    });
    rc::prop("are the same however the octets are cut", [] {
        const auto octets = *any_octets(300);
        const auto a = *rc::gen::inRange<std::size_t>(0, octets.size() + 1);
        const auto b = *rc::gen::inRange<std::size_t>(a, octets.size() + 1);
        const std::span all{octets};
        partial_sum forwards{all.first(a)};
        forwards.append(all.subspan(a, b - a)).append(all.subspan(b));
        partial_sum tail{all.subspan(a, b - a)};
        tail.append(all.subspan(b));
        RC_ASSERT(forwards == partial_sum{all});
        RC_ASSERT(partial_sum{all.first(a)}.append(tail) == partial_sum{all});
    });
    rc::prop("of a copy are those of the original, and it is a copy", [] {
        const auto octets = exactly(*any_octets(300));
        auto copy = exactly(octet_vector(octets.size(), 0xaa));
        RC_ASSERT(copy_and_sum(copy, octets) == partial_sum{octets});
        RC_ASSERT(copy == octets);
    });
    rc::prop("verify with their checksum inside, and after it was mended", [] {
        auto octets = *any_octets(100);
        octets.resize(octets.size() / 2 * 2 + 6, 1);
        octets[0] = octets[1] = 0;
        store16(octets.data(), partial_sum{octets}.checksum());
        RC_ASSERT(partial_sum{octets}.verifies());
        const auto now = *rc::gen::arbitrary<std::uint16_t>();
        const auto mended = updated_checksum(load16(octets.data()), load16(octets.data() + 4), now);
        store16(octets.data(), mended);
        store16(octets.data() + 4, now);
        RC_ASSERT(partial_sum{octets}.verifies());
    });
}

TEST_CASE("sums at every alignment and of every length", "[RFC 1071][3.1]") {
    octet_vector octets(600);
    std::uint32_t x = 1;
    for (auto& o : octets) o = static_cast<std::uint8_t>((x = x * 1103515245 + 12345) >> 16U);
    octet_vector copy(octets.size());
    std::size_t wrong = 0;
    for (std::size_t skip = 0; skip < 16; ++skip) {
        for (std::size_t size = 0; size <= octets.size() - 16; ++size) {
            const auto part = exactly(std::span{octets}.subspan(skip, size));  // a sanitizer sees a look beyond
            const std::uint16_t sum = plain_sum(part);
            wrong += partial_sum{std::span{octets}.subspan(skip, size)}.value() != sum;
            wrong += partial_sum{part}.value() != sum;
            const auto to = std::span{copy}.subspan(15 - skip, size);
            wrong += copy_and_sum(to, part).value() != sum || !same(to, part);
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("many octets of all ones do not overflow", "[RFC 1071]") {
    const octet_vector ones(1'000'003, 0xff);
    CHECK(partial_sum{ones}.value() == plain_sum(ones));
}
