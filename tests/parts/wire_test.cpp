// SPDX-License-Identifier: MIT
// wire_test.cpp: segments to octets and back; what is refused, and why.

#include "wire_values.hpp"

#include <tcpfsm/address_text.hpp>
#include <tcpfsm/wire.hpp>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::literals;

constexpr four_tuple v4{{"192.0.2.1"_ip, 49152}, {"198.51.100.2"_ip, 80}};
constexpr four_tuple v6{{"2001:db8::1"_ip, 49152}, {"2001:db8::2"_ip, 80}};

constexpr segment syn_with(std::uint16_t mss) {
    segment seg;
    seg.seq = seq{0x12345678};
    seg.ctl = ctl::syn;
    seg.wnd = 65535;
    seg.options.has_mss = true;
    seg.options.mss = mss;
    seg.options.sack_permitted = true;
    seg.options.has_timestamps = true;
    seg.options.ts_val = 1000;
    seg.options.has_window_scale = true;
    seg.options.window_scale = 7;
    return seg;
}
constexpr segment hello = [] {
    segment seg;
    seg.seq = seq{0x12345679};
    seg.ack = seq{0xa0b0c0d1};
    seg.ctl = ctl::psh | ctl::ack;
    seg.wnd = 512;
    seg.text = 5;
    return seg;
}();

constexpr some_octets written(const four_tuple& between, const segment& seg, std::span<const std::uint8_t> text = {}) {
    some_octets out;
    out.size = write_tcp(out.octets, between, seg, text);
    return out;
}
constexpr bool writes(const four_tuple& between, const segment& seg, std::span<const std::uint8_t> text,
                      std::span<const std::uint8_t> expected) {
    const some_octets got = written(between, seg, text);
    return std::equal(got.span().begin(), got.span().end(), expected.begin(), expected.end());
}
constexpr parsed read(const four_tuple& between, std::span<const std::uint8_t> octets,
                      checksum_mode mode = checksum_mode::verify) {
    return parse_tcp(octets, between.local.address, between.remote.address, mode);
}
constexpr bool reads(const four_tuple& between, const segment& seg, std::span<const std::uint8_t> octets) {
    const parsed got = read(between, octets);
    return got && got.segment == seg && got.source_port == between.local.port &&
           got.destination_port == between.remote.port && got.text.size() == seg.text;
}

constexpr auto syn_v4 =
    "c0 00 00 50 12 34 56 78 00 00 00 00 a0 02 ff ff 2e e4 00 00 "
    "02 04 05 b4 04 02 08 0a 00 00 03 e8 00 00 00 00 01 03 03 07"_hex;
constexpr auto syn_v6 =
    "c0 00 00 50 12 34 56 78 00 00 00 00 a0 02 ff ff bf ba 00 00 "
    "02 04 05 a0 04 02 08 0a 00 00 03 e8 00 00 00 00 01 03 03 07"_hex;
constexpr auto hello_v4 = "c0 00 00 50 12 34 56 79 a0 b0 c0 d1 50 18 02 00 f3 3d 00 00 68 65 6c 6c 6f"_hex;

// Mends the checksum after a test has spoilt something else.
void sign(octet_vector& octets, const four_tuple& between) {
    store16(&octets[16], 0);
    store16(&octets[16], pseudo_header_sum(between.local.address, between.remote.address, tcp_protocol, octets.size())
                             .append(octets)
                             .checksum());
}

}  // namespace

TEST_CASE("a SYN over IPv4 and over IPv6, octet by octet", "[3.1][MUST-2][MUST-3][SHLD-5]") {
    STATIC_REQUIRE(writes(v4, syn_with(1460), {}, syn_v4));
    STATIC_REQUIRE(writes(v6, syn_with(1440), {}, syn_v6));
    STATIC_REQUIRE(reads(v4, syn_with(1460), syn_v4));
    STATIC_REQUIRE(reads(v6, syn_with(1440), syn_v6));
    CHECK(reads(v4, syn_with(1460), exactly(syn_v4)));
    CHECK(same(written(v6, syn_with(1440)), syn_v6));
}

TEST_CASE("text of odd length", "[3.1][MUST-2]") {
    STATIC_REQUIRE(writes(v4, hello, "68 65 6c 6c 6f"_hex, hello_v4));
    STATIC_REQUIRE(reads(v4, hello, hello_v4));
    CHECK(same(read(v4, hello_v4).text, "68 65 6c 6c 6f"_hex));
}

TEST_CASE("a checksum of zero is a checksum", "[3.1][MUST-2][MUST-3]") {
    constexpr four_tuple between{{"192.0.2.1"_ip, 1}, {"198.51.100.2"_ip, 2}};
    constexpr auto octets = "00 01 00 02 00 00 c3 9a 00 00 00 00 50 10 00 00 00 00 00 00"_hex;
    constexpr segment ack = [] {
        segment seg;
        seg.seq = seq{50074};
        seg.ctl = ctl::ack;
        return seg;
    }();
    STATIC_REQUIRE(writes(between, ack, {}, octets));
    STATIC_REQUIRE(reads(between, ack, octets));
}

TEST_CASE("control bits stand where RFC 9293, 3168 and 9768 put them", "[3.1][LC-01]") {
    const auto bits = [](control c) {
        segment seg;
        seg.ctl = c;
        const auto octets = written(v4, seg);
        return load16(&octets.octets[12]) & 0xfff;
    };
    CHECK(bits(ctl::syn) == 0x002);
    CHECK(bits(ctl::syn | ctl::ack) == 0x012);
    CHECK(bits(ctl::syn | ctl::ece | ctl::cwr) == 0x0c2);
    CHECK(bits(ctl::syn | ctl::ack | ctl::ece) == 0x052);
    CHECK(bits(ctl::syn | ctl::ece | ctl::cwr | ctl::ae) == 0x1c2);
    CHECK(bits(ctl::rst) == 0x004);
    CHECK(bits(ctl::rst | ctl::ack) == 0x014);
    CHECK(bits(ctl::fin | ctl::ack) == 0x011);
    CHECK(bits(ctl::urg | ctl::psh) == 0x028);
    CHECK(bits(control{0xffff}) == 0x1ff);  // "must be zero in generated segments"
}

TEST_CASE("reserved bits are ignored", "[3.1][LC-01]") {
    auto octets = exactly(hello_v4);
    octets[12] |= 0x0e;
    sign(octets, v4);
    CHECK(reads(v4, hello, octets));
}

TEST_CASE("the window is unsigned", "[3.1][MUST-1]") {
    segment seg;
    seg.wnd = 0x8000;
    CHECK(read(v4, written(v4, seg)).segment.wnd == 0x8000U);
}

TEST_CASE("options are read on every segment", "[3.1][MUST-5]") {
    for (const control ctl :
         {ctl::syn, ctl::ack, ctl::psh | ctl::ack, ctl::fin | ctl::ack, ctl::rst, ctl::urg | ctl::ack}) {
        octet_vector octets = joined(hello_v4.span().first(20), "02 04 05 b4 01 01 08 0a 00 00 03 e8 00 00 00 07"_hex);
        octets[12] = 0x90;
        octets[13] = static_cast<std::uint8_t>(ctl.bits());
        sign(octets, v4);
        const auto got = read(v4, exactly(octets));
        CAPTURE(ctl.bits());
        REQUIRE(got);
        CHECK(got.segment.options.mss == 1460);
        CHECK(got.segment.options.ts_val == 1000);
        CHECK(got.segment.options.ts_ecr == 7);
    }
}

TEST_CASE("less than a header is refused", "[3.1][M05][M06]") {
    for (std::size_t size = 0; size < tcp_header_size; ++size) {
        CHECK(read(v4, exactly(syn_v4.span().first(size))).error == wire_error::too_short);
        CHECK(read(v4, exactly(octet_vector(size, 0xff)), checksum_mode::trust).error == wire_error::too_short);
    }
}

TEST_CASE("every truncation is refused", "[3.1][MUST-3][M03][M05][M06]") {
    for (const auto& whole : {syn_v4, hello_v4}) {
        for (std::size_t size = 0; size < whole.size; ++size) {
            CAPTURE(size);
            CHECK_FALSE(read(v4, exactly(whole.span().first(size))));
        }
    }
}

TEST_CASE("a data offset inside the fixed header or past the end is refused", "[3.1][M04]") {
    for (const std::size_t size : {20U, 21U, 24U, 40U, 59U, 60U, 61U}) {
        for (unsigned offset = 0; offset < 16; ++offset) {
            octet_vector octets(size, 0);
            octets[12] = static_cast<std::uint8_t>(offset << 4);
            sign(octets, v4);
            CAPTURE(size, offset);
            const auto got = read(v4, exactly(octets));
            if (offset < 5 || offset * 4 > size) {
                CHECK(got.error == wire_error::bad_offset);
            } else {
                REQUIRE(got);
                CHECK(got.text.size() == size - offset * 4);
            }
        }
    }
}

TEST_CASE("one wrong bit anywhere is refused", "[3.1][MUST-3]") {
    for (std::size_t bit = 0; bit < 8 * hello_v4.size; ++bit) {
        auto octets = exactly(hello_v4);
        octets[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        CAPTURE(bit);
        CHECK_FALSE(read(v4, octets));
    }
    CHECK(read({v4.remote, v6.remote}, hello_v4).error == wire_error::bad_checksum);
}

TEST_CASE("a checksum that someone else has verified is not looked at", "[3.1]") {
    auto octets = exactly(hello_v4);
    octets[16] ^= 1;
    CHECK(read(v4, octets).error == wire_error::bad_checksum);
    CHECK(read(v4, octets, checksum_mode::trust));
}

TEST_CASE("an option of impossible length makes the segment refused, but says whose it was",
          "[3.1][MUST-7][M01][M02]") {
    for (unsigned kind = 2; kind < 256; ++kind) {
        for (const unsigned length : {0U, 1U, 5U, 40U, 255U}) {
            octet_vector octets = joined(hello_v4.span().first(20), "00 00 01 01"_hex);
            octets[12] = 0x60;
            octets[20] = static_cast<std::uint8_t>(kind);
            octets[21] = static_cast<std::uint8_t>(length);
            sign(octets, v4);
            CAPTURE(kind, length);
            const auto got = read(v4, exactly(octets));
            CHECK(got.error == wire_error::bad_option_length);
            CHECK(got.segment.seq == hello.seq);
            CHECK(got.source_port == 49152U);
        }
    }
}

TEST_CASE("every refusal says why and where that is written", "[3.1]") {
    for (const auto error :
         {wire_error::too_short, wire_error::bad_offset, wire_error::bad_checksum, wire_error::bad_option_length}) {
        CHECK(describe(error).find("RFC 9293 3.1") != std::string_view::npos);
    }
}

TEST_CASE("a segment that does not fit is not written", "[3.1]") {
    octet_vector out(hello_v4.size, 0);
    const octet_vector text{'h', 'e', 'l', 'l', 'o'};
    for (std::size_t size = 0; size < hello_v4.size; ++size) {
        octet_vector small(size, 0);
        CHECK(write_tcp(small, v4, hello, text) == 0);
    }
    CHECK(write_tcp(out, v4, hello, text) == hello_v4.size);
    CHECK(write_tcp(out, v4, hello, std::span{text}.first(4)) == 0);
    CHECK(write_tcp(out, v4, hello, text, text) == 0);
}

TEST_CASE("segments, there and back", "[3.1][MUST-2][MUST-3][property]") {
    rc::prop("with text in one or two pieces", [] {
        const auto text = *any_octets(200);
        const auto cut = *rc::gen::inRange<std::size_t>(0, text.size() + 1);
        const four_tuple between = any_tuple();
        const segment seg = any_segment(text.size());

        octet_vector out(header_size(seg) + text.size(), 0xaa);
        RC_ASSERT(write_tcp(out, between, seg, std::span{text}.first(cut), std::span{text}.subspan(cut)) == out.size());
        const auto got = read(between, exactly(out));
        RC_ASSERT(got.error == wire_error::none);
        RC_ASSERT(got.segment == as_sent(seg));
        RC_ASSERT(got.source_port == between.local.port);
        RC_ASSERT(got.destination_port == between.remote.port);

        octet_vector again(out.size(), 0x55);
        RC_ASSERT(write_tcp(again, between, seg, text) == out.size());
        RC_ASSERT(again == out);
    });
    rc::prop("the header alone, with a sum of the text taken before, is the same header", [] {
        const auto text = *any_octets(200);
        const four_tuple between = any_tuple();
        const segment seg = any_segment(text.size());
        octet_vector whole(header_size(seg) + text.size(), 0);
        octet_vector header(header_size(seg), 0);
        RC_ASSERT(write_tcp(whole, between, seg, text) == whole.size());
        RC_ASSERT(write_tcp_header(header, between, seg, partial_sum{text}) == header.size());
        RC_ASSERT(same(header, std::span{whole}.first(header.size())));
    });
    rc::prop("any octets are a segment or refused, and nothing outside is read", [] {
        const auto octets = exactly(*any_octets(100));
        const auto got = read(v4, octets, checksum_mode::trust);
        if (!got) return;
        const segment sent = as_sent(got.segment);
        octet_vector out(header_size(sent) + sent.text, 0);
        RC_ASSERT(write_tcp(out, v4, sent, got.text) == out.size());
        RC_ASSERT(read(v4, exactly(out)).segment == sent);
    });
}

TEST_CASE("checksums that others make or look at", "[3.1][MUST-2][MUST-3]") {
    constexpr std::array<std::uint8_t, 5> text{'h', 'e', 'l', 'l', 'o'};
    const auto whole = written(v4, hello, text);
    octet_vector out(whole.size, 0xaa);
    SECTION("a device adds the rest to the sum of the pseudo-header") {
        REQUIRE(write_tcp(out, v4, hello, text, {}, checksum_by::device) == out.size());
        CHECK(load16(&out[16]) ==
              pseudo_header_sum(v4.local.address, v4.remote.address, tcp_protocol, out.size()).value());
        store16(&out[16], partial_sum{out}.checksum());  // what a device does
        CHECK(same(out, whole));
    }
    SECTION("nobody: all is there but the checksum") {
        REQUIRE(write_tcp(out, v4, hello, text, {}, checksum_by::none) == out.size());
        CHECK(load16(&out[16]) == 0);
        sign(out, v4);
        CHECK(same(out, whole));
    }
}

TEST_CASE("a copy of the text that sums verifies the segment", "[3.1][MUST-3][property]") {
    rc::prop("what is deferred is what would have been verified, wherever the text lies", [] {
        const auto text = *any_octets(200);
        const four_tuple between = any_tuple();
        const segment seg = any_segment(text.size());
        octet_vector octets(header_size(seg) + text.size(), 0);
        RC_ASSERT(write_tcp(octets, between, seg, text) == octets.size());
        const auto spoilt = *rc::gen::inRange<std::size_t>(0, octets.size());
        if (spoilt != 12) octets[spoilt] ^= *rc::gen::arbitrary<std::uint8_t>();  // not the size of the header
        const auto all = exactly(octets);

        const parsed checked = read(between, all);
        parsed late = read(between, all, checksum_mode::defer);
        RC_ASSERT(partial_sum{late.rest}.append(late.text).verifies() == (checked.error != wire_error::bad_checksum));
        if (!checked || !late) return;
        RC_ASSERT(late.segment == checked.segment);
        RC_ASSERT(late.source_port == checked.source_port && late.destination_port == checked.destination_port);

        const auto header = exactly(std::span{all}.first(all.size() - late.text.size()));
        const parsed apart =
            parse_tcp(header, between.local.address, between.remote.address, checksum_mode::defer, late.text.size());
        RC_ASSERT(apart.segment == checked.segment);
        RC_ASSERT(apart.rest == late.rest);
        RC_ASSERT(apart.text.empty());
    });
}
