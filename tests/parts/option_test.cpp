// SPDX-License-Identifier: MIT
// option_test.cpp: options of the header, sound, strange and hostile.

#include "wire_values.hpp"

#include <tcpfsm/option_codec.hpp>

namespace {

using namespace tcpfsm;

constexpr options with_mss(std::uint16_t mss) {
    options o;
    o.has_mss = true;
    o.mss = mss;
    return o;
}
constexpr options with_window_scale(std::uint8_t shift) {
    options o;
    o.has_window_scale = true;
    o.window_scale = shift;
    return o;
}
constexpr options with_timestamps(std::uint32_t val, std::uint32_t ecr, options o = {}) {
    o.has_timestamps = true;
    o.ts_val = val;
    o.ts_ecr = ecr;
    return o;
}
constexpr options with_sack(std::initializer_list<sack_block> blocks, options o = {}) {
    for (const auto& block : blocks) o.sack[o.sack_count++] = block;
    return o;
}
constexpr options everything_of_a_syn = [] {
    options o = with_timestamps(1000, 0, with_mss(1460));
    o.sack_permitted = true;
    o.has_window_scale = true;
    o.window_scale = 7;
    return o;
}();
constexpr options nothing{};

constexpr some_octets written(const options& o, control ctl) {
    some_octets out;
    segment seg;
    seg.ctl = ctl;
    seg.options = o;
    out.size = write_options(out.octets, seg);
    return out;
}
constexpr bool writes(const options& o, control ctl, std::span<const std::uint8_t> expected) {
    const some_octets got = written(o, ctl);
    return std::equal(got.span().begin(), got.span().end(), expected.begin(), expected.end());
}

}  // namespace

TEST_CASE("options that are understood", "[3.1][3.2][MUST-4][MUST-14]") {
    STATIC_REQUIRE(parse_options("02 04 05 b4"_hex) == with_mss(1460));
    STATIC_REQUIRE(parse_options("02 04 02 18"_hex) == with_mss(536));
    STATIC_REQUIRE(parse_options("02 04 04 c4"_hex) == with_mss(1220));
    STATIC_REQUIRE(parse_options("02 04 00 00"_hex) == with_mss(0));
    STATIC_REQUIRE(parse_options("01 03 03 07"_hex) == with_window_scale(7));
    STATIC_REQUIRE(parse_options("03 03 0f 00"_hex) == with_window_scale(15));
    STATIC_REQUIRE(parse_options("04 02 01 01"_hex)->sack_permitted);
    STATIC_REQUIRE(parse_options("01 01 08 0a 00 00 03 e8 00 00 00 00"_hex) == with_timestamps(1000, 0));
    STATIC_REQUIRE(parse_options("01 01 05 0a 00 00 15 7c 00 00 17 70"_hex) == with_sack({{seq{5500}, seq{6000}}}));
    STATIC_REQUIRE(parse_options("02 04 05 b4 04 02 08 0a 00 00 03 e8 00 00 00 00 01 03 03 07"_hex) ==
                   everything_of_a_syn);
    STATIC_REQUIRE(parse_options("02 04 05 b4 01 03 03 07 04 02 08 0a 00 00 03 e8 00 00 00 00"_hex) ==
                   everything_of_a_syn);
    STATIC_REQUIRE(parse_options(""_hex) == nothing);
}

TEST_CASE("options at any octet, and nothing after the end of the list", "[3.1][3.2][MUST-4][MUST-64]") {
    STATIC_REQUIRE(parse_options("01 02 04 05 b4 00 00 00"_hex) == with_mss(1460));
    STATIC_REQUIRE(parse_options("00 02 04 05 b4 00 00 00"_hex) == nothing);
    STATIC_REQUIRE(parse_options("00 02 00 fa"_hex) == nothing);
}

TEST_CASE("unknown options are stepped over", "[3.1][MUST-6][MUST-68][M11]") {
    STATIC_REQUIRE(parse_options("fa 04 de ad 02 04 05 b4"_hex) == with_mss(1460));
    for (const auto& unknown : {"22 07 01 02 03 04 05"_hex, "1d 10 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d"_hex}) {
        CHECK(parse_options(exactly(unknown)) == nothing);
        CHECK(parse_options(joined(unknown, "02 04 05 b4"_hex)) == with_mss(1460));
    }
}

/// Counters as they stand in an option of accurate ECN.
constexpr options with_accecn(unsigned order, unsigned fields, std::uint32_t e0b, std::uint32_t ceb, std::uint32_t e1b,
                              options o = {}) {
    o.accecn.there = 1;
    o.accecn.order = order & 1U;
    o.accecn.fields = fields & 3U;
    o.accecn.e0b = e0b & 0xffffffU;
    o.accecn.ceb = ceb & 0xffffffU;
    o.accecn.e1b = e1b & 0xffffffU;
    return o;
}

TEST_CASE("accurate ECN: two orders, four lengths, 24 bits; what is longer or odd is padding",
          "[RFC 9768 3.2.3][9768-17]") {
    STATIC_REQUIRE(parse_options("ac 0b 00 00 01 00 00 00 00 00 01 00"_hex) == with_accecn(0, 3, 1, 0, 1));
    STATIC_REQUIRE(parse_options("ac 0b 01 02 03 04 05 06 07 08 09"_hex) ==
                   with_accecn(0, 3, 0x10203, 0x40506, 0x70809));
    STATIC_REQUIRE(parse_options("ae 0b 01 02 03 04 05 06 07 08 09"_hex) ==
                   with_accecn(1, 3, 0x70809, 0x40506, 0x10203));
    STATIC_REQUIRE(parse_options("ac 08 ff ff ff 04 05 06"_hex) == with_accecn(0, 2, 0xffffff, 0x40506, 0));
    STATIC_REQUIRE(parse_options("ae 08 ff ff ff 04 05 06"_hex) == with_accecn(1, 2, 0, 0x40506, 0xffffff));
    STATIC_REQUIRE(parse_options("ac 05 01 02 03"_hex) == with_accecn(0, 1, 0x10203, 0, 0));
    STATIC_REQUIRE(parse_options("ae 05 01 02 03"_hex) == with_accecn(1, 1, 0, 0, 0x10203));
    STATIC_REQUIRE(parse_options("ac 02"_hex) == with_accecn(0, 0, 0, 0, 0));
    STATIC_REQUIRE(parse_options("ae 02"_hex) == with_accecn(1, 0, 0, 0, 0));
    STATIC_REQUIRE(parse_options("ac 07 01 02 03 04 05"_hex) == with_accecn(0, 1, 0x10203, 0, 0));
    STATIC_REQUIRE(parse_options("ae 04 01 02"_hex) == with_accecn(1, 0, 0, 0, 0));
    STATIC_REQUIRE(parse_options("ac 0d 01 02 03 04 05 06 07 08 09 0a 0b"_hex) ==
                   with_accecn(0, 3, 0x10203, 0x40506, 0x70809));
}
TEST_CASE("accurate ECN is written behind NOPs and the other options, and not on a SYN that answers nothing",
          "[RFC 9768 3.2.3][9768-17][9768-18]") {
    constexpr options all = with_accecn(0, 3, 0x10203, 0x40506, 0x70809);
    STATIC_REQUIRE(writes(all, ctl::ack, "01 ac 0b 01 02 03 04 05 06 07 08 09"_hex));
    STATIC_REQUIRE(
        writes(with_accecn(1, 3, 0x10203, 0x40506, 0x70809), ctl::ack, "01 ae 0b 07 08 09 04 05 06 01 02 03"_hex));
    STATIC_REQUIRE(writes(with_accecn(0, 2, 0x10203, 0x40506, 9), ctl::ack, "ac 08 01 02 03 04 05 06"_hex));
    STATIC_REQUIRE(writes(with_accecn(1, 1, 9, 9, 0x10203), ctl::ack, "01 01 01 ae 05 01 02 03"_hex));
    STATIC_REQUIRE(writes(with_accecn(0, 0, 9, 9, 9), ctl::ack, "01 01 ac 02"_hex));
    STATIC_REQUIRE(writes(all, ctl::syn, ""_hex));
    STATIC_REQUIRE(writes(with_accecn(0, 3, 1, 0, 1, with_mss(536)), ctl::syn | ctl::ack,
                          "02 04 02 18 01 ac 0b 00 00 01 00 00 00 00 00 01"_hex));
    STATIC_REQUIRE(written(with_accecn(0, 3, 1, 0, 1, everything_of_a_syn), ctl::syn | ctl::ack).size == 32);
    options hostile = all;  // not what the reader ever makes
    hostile.accecn.fields = 200;
    hostile.accecn.order = 7;
    CHECK(written(hostile, ctl::ack).size == 12);
}
TEST_CASE("accurate ECN leaves two SACK blocks their room, and no more", "[RFC 9768 3.2.3.3][9768-23]") {
    for (const bool stamped : {false, true}) {
        for (std::uint8_t blocks = 0; blocks <= 4; ++blocks) {
            for (unsigned fields = 0; fields <= 3; ++fields) {
                segment seg{.ctl = ctl::ack};
                seg.options = with_accecn(0, fields, 1, 2, 3, stamped ? with_timestamps(1, 2) : options{});
                seg.options.sack_count = blocks;
                const options sent = sent_options(seg);
                CAPTURE(stamped, blocks, fields);
                CHECK(options_size(seg) <= max_options_size);
                CHECK(sent.sack_count >= std::min<unsigned>(blocks, 2));
                const bool fits = !(stamped && blocks >= 2 && fields == 3);
                CHECK((sent.accecn.there != 0) == fits);
                if (!fits) CHECK(sent.sack_count == std::min<unsigned>(blocks, 3));
                if (!stamped && fields <= 2) CHECK(sent.sack_count == std::min<unsigned>(blocks, fields == 0 ? 4 : 3));
            }
        }
    }
}

TEST_CASE("a known kind with a length that is not its own is stepped over", "[3.1][MUST-6][M12]") {
    for (const auto& odd : {"02 02"_hex, "02 03 05"_hex, "02 06 05 b4 00 00"_hex, "03 02"_hex, "03 04 07 07"_hex,
                            "04 03 00"_hex, "08 02"_hex, "08 09 00 00 03 e8 00 00 00"_hex, "05 02"_hex,
                            "05 09 00 00 15 7c 00 00 17"_hex, "05 0b 00 00 15 7c 00 00 17 70 00"_hex}) {
        CHECK(parse_options(exactly(odd)) == nothing);
        CHECK(parse_options(joined(odd, "02 04 05 b4"_hex)) == with_mss(1460));
    }
    octet_vector five_blocks(42, 0);  // does not fit into a header, but the reader is told no limit
    five_blocks[0] = 5;
    five_blocks[1] = 42;
    CHECK(parse_options(five_blocks) == nothing);
}

TEST_CASE("every kind with a length octet that is missing, 0, 1 or past the end is refused",
          "[3.1][MUST-7][M01][M02][M03]") {
    for (unsigned kind = 2; kind < 256; ++kind) {
        for (const std::size_t before : {0U, 1U, 3U, 36U}) {
            octet_vector octets(before, 1);
            octets.push_back(static_cast<std::uint8_t>(kind));
            CAPTURE(kind, before);
            CHECK_FALSE(parse_options(exactly(octets)));
            for (const unsigned length : {0U, 1U, 5U, 40U, 255U}) {
                octet_vector more = octets;
                more.insert(more.end(), {static_cast<std::uint8_t>(length), 5, 0xb4});
                CHECK_FALSE(parse_options(exactly(more)));
            }
        }
    }
    STATIC_REQUIRE_FALSE(parse_options("02 08 05 b4"_hex));
    STATIC_REQUIRE_FALSE(parse_options("01 01 01 02"_hex));
}

TEST_CASE("a SYN is laid out as Linux does", "[3.2][MUST-4][SHLD-5][MAY-3]") {
    STATIC_REQUIRE(
        writes(everything_of_a_syn, ctl::syn, "02 04 05 b4 04 02 08 0a 00 00 03 e8 00 00 00 00 01 03 03 07"_hex));
    STATIC_REQUIRE(writes(with_timestamps(1000, 0), ctl::syn, "01 01 08 0a 00 00 03 e8 00 00 00 00"_hex));
    STATIC_REQUIRE(writes(*parse_options("04 02"_hex), ctl::syn, "04 02 01 01"_hex));
    STATIC_REQUIRE(writes(with_mss(536), ctl::syn | ctl::ack, "02 04 02 18"_hex));
    STATIC_REQUIRE(writes(with_window_scale(0), ctl::syn, "01 03 03 00"_hex));
    STATIC_REQUIRE(writes(with_sack({{seq{1}, seq{2}}}), ctl::syn, ""_hex));
}

TEST_CASE("behind an end of the option list there is nothing but zeros, if there is one", "[3.1][MUST-69]") {
    const options sacks = with_sack({{seq{1}, seq{2}}, {seq{3}, seq{4}}});
    for (const control ctl : {ctl::syn, ctl::syn | ctl::ack, control{ctl::ack}}) {
        for (unsigned set = 0; set < 32; ++set) {
            options o = (set & 1U) != 0 ? sacks : options{};
            if ((set & 2U) != 0) o = with_timestamps(0x01020304, 0x05060708, o);
            o.has_mss = (set & 4U) != 0;
            o.mss = 0x0505;
            o.has_window_scale = (set & 8U) != 0;
            o.window_scale = 7;
            o.sack_permitted = (set & 16U) != 0;
            const some_octets got = written(o, ctl);
            CAPTURE(set, ctl.bits());
            CHECK(got.size % 4 == 0);
            std::size_t at = 0;
            while (at < got.size && got.octets[at] != 0)
                at += got.octets[at] == 1 ? std::size_t{1} : got.octets[at + 1];
            REQUIRE(at <= got.size);
            CHECK(std::all_of(got.octets.begin() + static_cast<std::ptrdiff_t>(at),
                              got.octets.begin() + static_cast<std::ptrdiff_t>(got.size),
                              [](auto octet) { return octet == 0; }));
        }
    }
}

TEST_CASE("without SYN neither MSS nor window scale nor SACK-permitted is written", "[3.2][MUST-65][M14][2018-1]") {
    STATIC_REQUIRE(writes(everything_of_a_syn, ctl::ack, "01 01 08 0a 00 00 03 e8 00 00 00 00"_hex));
    STATIC_REQUIRE(writes(with_mss(1460), ctl::ack, ""_hex));
    STATIC_REQUIRE(writes(with_window_scale(7), ctl::fin, ""_hex));
}

TEST_CASE("as many SACK blocks as fit", "[RFC 2018 3]") {
    constexpr options four = with_sack({{seq{5500}, seq{6000}}, {seq{3}, seq{4}}, {seq{5}, seq{6}}, {seq{7}, seq{8}}});
    STATIC_REQUIRE(writes(with_sack({{seq{5500}, seq{6000}}}), ctl::ack, "01 01 05 0a 00 00 15 7c 00 00 17 70"_hex));
    STATIC_REQUIRE(written(four, ctl::ack).size == 36);
    STATIC_REQUIRE(written(four, ctl::ack).octets[3] == 0x22);
    STATIC_REQUIRE(written(with_timestamps(1, 2, four), ctl::ack).size == 40);
    STATIC_REQUIRE(written(with_timestamps(1, 2, four), ctl::ack).octets[15] == 0x1a);
    CHECK(parse_options(written(four, ctl::ack)) == four);
}

TEST_CASE("options, there and back", "[3.1][3.7.1][property]") {
    rc::prop("what is written is what `sent_options` says, and `options_size` octets long", [] {
        const segment seg = any_segment(0);
        octet_vector out(max_options_size, 0xaa);
        const std::size_t size = write_options(out, seg);
        RC_ASSERT(size == options_size(seg));
        RC_ASSERT(size % 4 == 0U);
        RC_ASSERT(size <= max_options_size);
        RC_ASSERT(parse_options(exactly(std::span{out}.first(size))) == sent_options(seg));
        RC_ASSERT(sent_options(as_sent(seg)) == sent_options(seg));
        for (std::size_t i = size; i < out.size(); ++i) RC_ASSERT(out[i] == 0xaa);
    });
    rc::prop("any octets are options or refused, and nothing outside is read", [] {
        const auto octets = exactly(*any_octets(max_options_size));
        if (const auto got = parse_options(octets)) RC_ASSERT(got->sack_count <= 4);
    });
}
