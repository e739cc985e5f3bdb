// SPDX-License-Identifier: MIT
// seq_test.cpp: arithmetic modulo 2^32, at the edges where it goes wrong.

#include <support/catch.hpp>

#include <tcpfsm/seq.hpp>

#include <array>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace {

using tcpfsm::seq;

constexpr std::uint32_t half = 0x8000'0000;

// Numbers near 0, 2^31 and 2^32, and any others.
rc::Gen<std::uint32_t> edgy() {
    const auto near = rc::gen::map(
        rc::gen::pair(rc::gen::element<std::uint32_t>(0, half, 0x4000'0000, 0xc000'0000), rc::gen::inRange(-3, 4)),
        [](std::pair<std::uint32_t, int> p) { return p.first + static_cast<std::uint32_t>(p.second); });
    return rc::gen::oneOf(near, rc::gen::arbitrary<std::uint32_t>());
}

rc::Gen<seq> any_seq() {
    return rc::gen::map(edgy(), [](std::uint32_t n) { return seq{n}; });
}

// A distance that comparison can see: 1 to 2^31 - 1.
rc::Gen<std::uint32_t> ahead() {
    return rc::gen::suchThat(edgy(), [](std::uint32_t n) { return n != 0 && n < half; });
}

}  // namespace

TEST_CASE("a sequence number is four octets, and nothing converts to it or from it by itself", "[3.4][seq]") {
    STATIC_REQUIRE(sizeof(seq) == 4);
    STATIC_REQUIRE(std::is_trivially_copyable_v<seq>);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<std::uint32_t, seq>);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<seq, std::uint32_t>);
    STATIC_REQUIRE(seq{} == seq{0});
}

TEST_CASE("before and after, across the wrap", "[3.4][seq][LC-03]") {
    struct line {
        std::uint32_t a, b;
        bool before;
    };
    const auto lines = std::to_array<line>({
        {0xffff'ffff, 0x0000'0000, true},
        {0x0000'0000, 0xffff'ffff, false},
        {0x7fff'ffff, 0x8000'0000, true},
        {0x8000'0000, 0x7fff'ffff, false},
        {0x0000'0000, 0x7fff'ffff, true},
        {0x0000'0000, 0x0000'0000, false},
        // Exactly half the space apart: each is before the other.
        {0x0000'0000, 0x8000'0000, true},
        {0x8000'0000, 0x0000'0000, true},
        {0x0000'0000, 0x8000'0001, false},
    });
    for (const auto& [a, b, before] : lines) {
        CAPTURE(a, b);
        CHECK((seq{a} < seq{b}) == before);
    }
}

TEST_CASE("order holds between numbers less than 2^31 apart, wherever they lie", "[3.4][seq][LC-03][property]") {
    rc::prop("what lies ahead is after", [] {
        const auto a = *any_seq();
        const auto b = a + *ahead();
        RC_ASSERT(a < b);
        RC_ASSERT(a <= b);
        RC_ASSERT(b > a);
        RC_ASSERT(b >= a);
        RC_ASSERT(a != b);
        RC_ASSERT_FALSE(b < a);
        RC_ASSERT_FALSE(b <= a);
    });
    rc::prop("no number is before itself", [] {
        const auto a = *any_seq();
        RC_ASSERT_FALSE(a < a);
        RC_ASSERT(a <= a);
        RC_ASSERT(a >= a);
    });
    rc::prop("each is before the other at 2^31 exactly", [] {
        const auto a = *any_seq();
        RC_ASSERT(a < a + half);
        RC_ASSERT(a + half < a);
    });
    rc::prop("shifting both changes nothing", [] {
        const auto a = *any_seq();
        const auto b = *any_seq();
        const auto n = *edgy();
        RC_ASSERT((a < b) == (a + n < b + n));
    });
    rc::prop("three in a row, all within 2^31, are in order", [] {
        const auto a = *any_seq();
        const auto near = *rc::gen::inRange<std::uint32_t>(1, half / 2);
        const auto far = near + *rc::gen::inRange<std::uint32_t>(1, half / 2);
        RC_ASSERT(a < a + near);
        RC_ASSERT(a + near < a + far);
        RC_ASSERT(a < a + far);
    });
}

TEST_CASE("distances add up modulo 2^32", "[3.4][seq][property][LC-03]") {
    rc::prop("there and back", [] {
        const auto a = *any_seq();
        const auto n = *edgy();
        RC_ASSERT((a + n) - a == n);
        RC_ASSERT((a + n) - n == a);
        RC_ASSERT((a - n) + n == a);
        RC_ASSERT((a + n).value() == a.value() + n);
    });
    rc::prop("+= is +", [] {
        const auto a = *any_seq();
        const auto n = *edgy();
        auto moved = a;
        moved += n;
        RC_ASSERT(moved == a + n);
    });
}

TEST_CASE("later and earlier choose one each", "[3.4][seq][property]") {
    rc::prop("of two less than 2^31 apart, in either order", [] {
        const auto a = *any_seq();
        const auto b = a + *ahead();
        RC_ASSERT(tcpfsm::later(a, b) == b);
        RC_ASSERT(tcpfsm::later(b, a) == b);
        RC_ASSERT(tcpfsm::earlier(a, b) == a);
        RC_ASSERT(tcpfsm::earlier(b, a) == a);
    });
}

TEST_CASE("a number is in a range iff it is one of its octets", "[3.4][seq][property]") {
    CHECK(seq{0}.in(seq{0xffff'ffff}, 2));
    CHECK_FALSE(seq{1}.in(seq{0xffff'ffff}, 2));
    CHECK_FALSE(seq{7}.in(seq{7}, 0));
    rc::prop("the edges of a range, wherever it lies", [] {
        const auto first = *any_seq();
        const auto n = *ahead();
        RC_ASSERT(first.in(first, n));
        RC_ASSERT((first + (n - 1)).in(first, n));
        RC_ASSERT_FALSE((first + n).in(first, n));
        RC_ASSERT_FALSE((first - 1).in(first, n));
        RC_ASSERT_FALSE(first.in(first, 0));
    });
}
