// SPDX-License-Identifier: MIT
// unverified_test.cpp: text that is summed while it is copied: what does not verify has never been there.

#include "support/catch.hpp"

#include <tcpfsm/ring.hpp>
#include <tcpfsm/stream.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <optional>
#include <vector>

namespace {

using namespace tcpfsm;
using octets = std::vector<std::uint8_t>;

constexpr time_point start{std::chrono::seconds{1}};
constexpr std::size_t memory = 64;

/// A stream that has opened with a peer whose first octet of text is number 1001.
struct reader {
    octets send_ring = octets(memory), receive_ring = octets(memory);
    span_stream<> s{span_buffers{send_ring, receive_ring}};

    reader() {
        (void)s.open_passive({.iss = seq{1}, .nagle = false}, start);
        s.handle_segment({.seq = seq{1000}, .ctl = ctl::syn, .wnd = 60000}, {}, start);
        (void)s.poll_transmit(start);
        s.handle_segment({.seq = seq{1001}, .ack = seq{2}, .ctl = ctl::ack, .wnd = 60000}, {}, start);
    }
    reader(const reader&) = delete;
    octets read(std::size_t most) {
        octets out(most);
        out.resize(s.receive(out, start).octets);
        return out;
    }
};
segment at(std::uint32_t offset, std::size_t size) {
    return {.seq = seq{1001 + offset},
            .ack = seq{2},
            .text = static_cast<std::uint32_t>(size),
            .ctl = ctl::ack,
            .wnd = 60000};
}
pieces<const std::uint8_t> cut(std::span<const std::uint8_t> text, std::size_t where) {
    return {text.first(where), text.subspan(where)};
}
/// What a header must sum to, so that this text behind it verifies.
partial_sum before(std::span<const std::uint8_t> text) { return partial_sum::of(partial_sum{text}.checksum()); }

}  // namespace

TEST_CASE("stream: text is verified by the copy", "[stream][MUST-3]") {
    reader r;
    const octets text{'h', 'e', 'l', 'l', 'o'};
    const auto got = r.s.handle_unverified(at(0, 5), before(text), cut(text, 2), start);
    REQUIRE(got);
    CHECK(got->in_order == 5);
    CHECK(r.read(10) == text);
}

TEST_CASE("stream: of text that does not verify nothing is left", "[stream][MUST-3]") {
    reader r;
    const octets good{'h', 'e', 'l', 'l', 'o'};
    const octets bad{'h', 'e', 'l', 'l', 'O'};
    SECTION("not in order") {
        const auto numbers = r.s.tcp();
        CHECK(!r.s.handle_unverified(at(0, 5), before(good), cut(bad, 5), start));
        CHECK(r.s.tcp() == numbers);
        CHECK(r.s.readable() == 0);
        CHECK(!r.s.poll_transmit(start));
    }
    SECTION("over text that waits beyond a gap") {
        REQUIRE(r.s.handle_unverified(at(2, 3), before(std::span{good}.subspan(2)), {std::span{good}.subspan(2), {}},
                                      start));
        CHECK(!r.s.handle_unverified(at(0, 5), before(good), cut(bad, 5), start));
        CHECK(!r.s.handle_unverified(at(4, 1), before(std::span{good}.subspan(4)), {std::span{bad}.subspan(4), {}},
                                     start));
        REQUIRE(
            r.s.handle_unverified(at(0, 2), before(std::span{good}.first(2)), {std::span{good}.first(2), {}}, start));
        CHECK(r.read(10) == good);
    }
    SECTION("over text that was not read") {
        REQUIRE(r.s.handle_unverified(at(0, 5), before(good), cut(good, 5), start));
        CHECK(!r.s.handle_unverified(at(0, 5), before(good), cut(bad, 5), start));
        CHECK(r.read(10) == good);
    }
}

TEST_CASE("stream: what is verified late is what was verified before", "[stream][MUST-3][property]") {
    rc::prop("whatever arrives, in whatever order, sound or not", [] {
        reader late, early;
        for (std::size_t step = 0; step < 60; ++step) {
            const auto back = *rc::gen::inRange<std::uint32_t>(0, 12);
            const auto ahead = *rc::gen::inRange<std::uint32_t>(0, 40);
            const auto size = *rc::gen::inRange<std::size_t>(0, 70);
            // Numbers by their place in the stream, so that what goes wrong is seen; sometimes somebody lies.
            const std::uint32_t from = std::max(early.s.tcp().numbers().rcv.nxt - seq{1001} + ahead, back) - back;
            octets text(size);
            std::iota(text.begin(), text.end(), static_cast<std::uint8_t>(from));
            if (size != 0 && *rc::gen::inRange(0, 8) == 0) text[*rc::gen::inRange<std::size_t>(0, size)] ^= 0x80;
            const partial_sum rest = before(text);
            const segment seg = at(from, size);
            const octets sound = text;
            const bool spoilt = size != 0 && *rc::gen::inRange(0, 3) == 0;
            if (spoilt) text[*rc::gen::inRange<std::size_t>(0, size)] ^= 0x10;

            const auto where = *rc::gen::inRange<std::size_t>(0, size + 1);
            const auto got = late.s.handle_unverified(seg, rest, cut(text, where), start);
            RC_ASSERT(got.has_value() != spoilt);
            if (got) RC_ASSERT(*got == early.s.handle_segment(seg, sound, start));
            RC_ASSERT(late.s.tcp() == early.s.tcp());
            if (*rc::gen::inRange(0, 3) == 0) {
                const auto some = *rc::gen::inRange<std::size_t>(0, 30);
                RC_ASSERT(late.read(some) == early.read(some));
            }
        }
        RC_ASSERT(late.read(memory) == early.read(memory));
    });
}

TEST_CASE("ring: octets in pieces are copied and summed like octets in one", "[ring][property]") {
    rc::prop("wherever both are cut", [] {
        const auto text = *rc::gen::container<octets>(rc::gen::arbitrary<std::uint8_t>());
        octets to(text.size()), again(text.size());
        const auto a = *rc::gen::inRange<std::size_t>(0, text.size() + 1);
        const auto b = *rc::gen::inRange<std::size_t>(0, text.size() + 1);
        const auto into = [&](octets& o) {
            return pieces<std::uint8_t>{std::span{o}.first(b), std::span{o}.subspan(b)};
        };
        RC_ASSERT(copy_and_sum(into(to), cut(text, a)) == partial_sum{text});
        RC_ASSERT(copy_octets(into(again), cut(text, a)) == text.size());
        RC_ASSERT(sum_of(cut(text, a)) == partial_sum{text});
        RC_ASSERT(to == text && again == text);
    });
}
