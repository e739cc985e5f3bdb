// SPDX-License-Identifier: MIT
// mss_clamp_test.cpp: the MSS of SYNs that pass by is lowered, and the checksum mended.

#include "wire_values.hpp"

#include <tcpfsm/address_text.hpp>
#include <tcpfsm/mss_clamp.hpp>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::literals;

constexpr four_tuple between4{{"192.0.2.1"_ip, 1234}, {"198.51.100.7"_ip, 80}};
constexpr four_tuple between6{{"2001:db8::1"_ip, 1234}, {"2001:db8:1::7"_ip, 80}};

/// A TCP segment with these options, from the first octet of the header on; its checksum is right.
octet_vector segment_with(const octet_vector& options, std::uint8_t flags = 0x02, std::size_t text = 0) {
    const std::size_t header = (tcp_header_size + options.size() + 3) / 4 * 4;
    octet_vector out(header + text, 0);
    for (std::size_t i = 0; i < 12; ++i) out[i] = static_cast<std::uint8_t>(17 * i + 3);
    out[12] = static_cast<std::uint8_t>(header / 4 << 4);
    out[13] = flags;
    std::copy(options.begin(), options.end(), out.begin() + tcp_header_size);
    for (std::size_t i = 0; i < text; ++i) out[header + i] = static_cast<std::uint8_t>(i);
    store16(&out[16], partial_sum{out}.checksum());
    return out;
}
/// The checksum as if the segment had been written so from the beginning.
std::uint16_t computed(octet_vector segment) {
    store16(&segment[16], 0);
    return partial_sum{segment}.checksum();
}

TEST_CASE("clamp_mss: every MSS, at even and odd places, with the checksum that a new sum gives", "[RFC 1624][3.7.1]") {
    for (const std::size_t padding : {0U, 1U, 2U, 3U}) {
        octet_vector options(padding, 1);  // NOP
        options.insert(options.end(), {2, 4, 0, 0, 4, 2, 3, 3, 7});
        const octet_vector blank = segment_with(options);
        for (const std::uint16_t clamp : std::initializer_list<std::uint16_t>{0, 1, 88, 255, 256, 536, 1220, 1360, 1460,
                                                                              8960, 32767, 32768, 65534, 65535}) {
            bool right = true;
            for (std::uint32_t mss = 0; mss <= 0xffff; ++mss) {
                octet_vector segment = blank;
                std::uint8_t* const field = &segment[tcp_header_size + padding + 2];
                store16(field, static_cast<std::uint16_t>(mss));
                store16(&segment[16], computed(segment));
                const bool changed = clamp_mss(segment, clamp);
                right = right && changed == (mss > clamp) && load16(field) == std::min<std::uint32_t>(mss, clamp) &&
                        load16(&segment[16]) == computed(segment);
            }
            CAPTURE(padding, clamp);
            CHECK(right);
        }
    }
}

TEST_CASE("clamp_mss: nothing else in the segment changes", "[RFC 1624]") {
    rc::prop("octets beside the MSS and the checksum stand", [] {
        octet_vector segment = segment_with({1, 2, 4, 0x23, 0x28, 4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 3, 3, 7},
                                            *rc::gen::arbitrary<bool>() ? 0x02 : 0x12, *rc::gen::inRange(0U, 100U));
        const octet_vector before = segment;
        RC_ASSERT(clamp_mss(segment, 1360));
        for (std::size_t i = 0; i < segment.size(); ++i) {
            const bool mss = i == 23 || i == 24;
            const bool sum = i == 16 || i == 17;
            if (!mss && !sum) RC_ASSERT(segment[i] == before[i]);
        }
        RC_ASSERT(load16(&segment[23]) == 1360);
        RC_ASSERT(load16(&segment[16]) == computed(segment));
        RC_ASSERT(!clamp_mss(segment, 1360));
    });
}

TEST_CASE("clamp_mss: no SYN, no option, no sound segment: no change", "[3.1]") {
    const octet_vector mss{2, 4, 0x23, 0x28};
    const auto stays = [](octet_vector segment) {
        const octet_vector before = exactly(segment);
        octet_vector copy = before;
        return !clamp_mss(copy, 1000) && copy == before;
    };
    CHECK(stays(segment_with(mss, 0x10)));
    CHECK(stays(segment_with(mss, 0x04)));
    CHECK(stays(segment_with({})));
    CHECK(stays(segment_with({1, 1, 1, 1})));
    CHECK(stays(segment_with({0, 2, 4, 0x23, 0x28})));      // behind the end of the list
    CHECK(stays(segment_with({2, 3, 0x23, 0x28})));         // MSS of a wrong length
    CHECK(stays(segment_with({5, 0, 2, 4, 0x23, 0x28})));   // a length that leads nowhere
    CHECK(stays(segment_with({5, 41, 2, 4, 0x23, 0x28})));  // or past the end
    CHECK(stays(segment_with({1, 1, 1, 2})));               // cut off
    octet_vector long_header = segment_with(mss);
    long_header[12] = 0x70;
    CHECK(stays(long_header));
    octet_vector short_header = segment_with(mss);
    short_header[12] = 0x40;
    CHECK(stays(short_header));
    for (std::size_t size = 0; size < 24; ++size) {
        octet_vector cut = segment_with(mss);
        cut.resize(size);
        CHECK(stays(cut));
    }
}

TEST_CASE("clamp_mss: any octets, and no look beyond them", "[properties]") {
    rc::prop("whatever comes, a sum that was right stays right", [](octet_vector octets) {
        octet_vector segment = exactly(octets);
        if (segment.size() >= tcp_header_size) {
            if (*rc::gen::arbitrary<bool>()) segment[13] |= 0x02;
            store16(&segment[16], computed(segment));
        }
        clamp_mss(segment, *rc::gen::arbitrary<std::uint16_t>());
        RC_ASSERT(segment.size() == octets.size());
        if (segment.size() >= tcp_header_size) {
            // 0 and 0xffff are the same to whoever adds.
            RC_ASSERT((partial_sum{segment}.verifies() || partial_sum{segment}.value() == 0));
        }
        octet_vector packet = exactly(octets);
        clamp_mss_of_packet(packet, 1280);
        RC_ASSERT(packet.size() == octets.size());
    });
}

TEST_CASE("clamp_mss_of_packet: what a link carries beside headers of either family", "[3.7.1]") {
    for (const bool v4 : {true, false}) {
        const four_tuple& between = v4 ? between4 : between6;
        segment syn{.seq = seq{7}, .ctl = ctl::syn, .wnd = 1000};
        syn.options.has_mss = true;
        syn.options.mss = v4 ? 1460 : 1440;
        syn.options.has_timestamps = true;
        syn.options.sack_permitted = true;
        octet_vector out(200);
        out.resize(write_packet(out, between, syn));
        const octet_vector before = out;

        CHECK_FALSE(clamp_mss_of_packet(out, 1500));
        CHECK(out == before);
        CHECK(clamp_mss_of_packet(out, 1400));
        const packet p = parse_packet(out);
        REQUIRE(p);
        const parsed seg = parse_tcp(p.payload, p.source, p.destination);  // verifies the checksum
        REQUIRE(seg);
        CHECK(seg.segment.options.mss == (v4 ? 1360 : 1340));
        syn.options.mss = seg.segment.options.mss;
        CHECK(seg.segment == syn);

        octet_vector other = before;
        CHECK(clamp_mss_of_packet(other, 0));  // not sensible, and not undefined
        octet_vector cut = before;
        cut.pop_back();
        CHECK_FALSE(clamp_mss_of_packet(cut, 1400));
    }
    octet_vector datagram(40);
    datagram.resize(write_ip_header(datagram, between4.local.address, between4.remote.address, 17, 20) + 20);
    const octet_vector before = datagram;
    CHECK_FALSE(clamp_mss_of_packet(datagram, 576));
    CHECK(datagram == before);
}

}  // namespace
