// SPDX-License-Identifier: MIT
#include <catch.hpp>

#include <tcpfsm/recovery/fast_retransmit.hpp>

using namespace tcpfsm;
using finding = fast_retransmit::finding;

namespace {

constexpr seq una{1000}, nxt{9000};

options blocks(sack_block first, sack_block second = {}) {
    options opt;
    opt.sack = {first, second};
    opt.sack_count = second == sack_block{} ? 1 : 2;
    return opt;
}
sack_block block(std::uint32_t left, std::uint32_t right) { return {seq{left}, seq{right}}; }

}  // namespace

TEST_CASE("Fast retransmit: a SACK block counts when it tells of more than the last one", "[RFC 6675 2][6675-1]") {
    fast_retransmit recovery;
    recovery.begin(una - 1);
    CHECK_FALSE(recovery.tells_more(options{}, una, nxt));
    CHECK(recovery.tells_more(blocks(block(2000, 3000)), una, nxt));
    CHECK_FALSE(recovery.tells_more(blocks(block(2000, 3000)), una, nxt));  // a window update, say
    CHECK(recovery.tells_more(blocks(block(2000, 4000)), una, nxt));
    CHECK_FALSE(recovery.tells_more(blocks(block(2000, 3000)), una, nxt));  // it was overtaken
    CHECK(recovery.tells_more(blocks(block(5000, 6000), block(2000, 4000)), una, nxt));
}

TEST_CASE("Fast retransmit: a block about what is not in flight is not believed", "[RFC 6675 2][RFC 2883][2883-3]") {
    fast_retransmit recovery;
    recovery.begin(una - 1);
    CHECK_FALSE(recovery.tells_more(blocks(block(500, 800)), una, nxt));                       // a duplicate, below
    CHECK_FALSE(recovery.tells_more(blocks(block(2000, 3000), block(2000, 4000)), una, nxt));  // a duplicate, above
    CHECK_FALSE(recovery.tells_more(blocks(block(8000, 9001)), una, nxt));                     // never sent
}

TEST_CASE("Fast retransmit: a block is judged by its distance from SND.UNA, wherever that lies", "[RFC 6675 2]") {
    constexpr std::uint32_t bases[] = {0, 0x3fff'f000, 0x7fff'f000, 0x7fff'fff0, 0xbfff'f000, 0xffff'f000, 0xffff'fff0};
    for (const std::uint32_t base : bases) {
        const auto tells = [base](std::uint32_t left, std::uint32_t right) {
            fast_retransmit recovery;
            recovery.begin(una - 1 + base);
            return recovery.tells_more(blocks(block(base + left, base + right)), una + base, nxt + base);
        };
        CAPTURE(base);
        CHECK(tells(1001, 9000));
        for (std::uint32_t left = 1001; left < 9000; left += 7) REQUIRE(tells(left, left + 1));
        CHECK_FALSE(tells(2000, 2000));  // nothing
        CHECK_FALSE(tells(3000, 2000));  // ends before it begins
        for (std::uint32_t k = 0; k < 32; ++k) {
            CHECK_FALSE(tells(1000 - (1U << k), 2000));  // begins before SND.UNA
            if (k >= 10) CHECK_FALSE(tells(1000 + (1U << k), 2000));
        }
    }
}

TEST_CASE("Fast retransmit: after a timeout, what tells more counts one octet earlier",
          "[RFC 6582 3.2][RFC 6675 5.1]") {
    fast_retransmit recovery;
    recovery.begin(una - 1);
    recovery.timed_out(nxt);
    const bool told_more = GENERATE(false, true);
    CHECK(recovery.advanced(nxt) == finding::none);
    CHECK(recovery.duplicate(nxt, nxt + 8000, told_more) == finding::none);
    CHECK(recovery.duplicate(nxt, nxt + 8000, told_more) == finding::none);
    CHECK(recovery.duplicate(nxt, nxt + 8000, told_more) == (told_more ? finding::loss : finding::none));
}
