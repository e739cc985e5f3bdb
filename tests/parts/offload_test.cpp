// SPDX-License-Identifier: MIT
// offload_test.cpp: one large packet, and a device that makes small ones of it: the same octets as without the device.

#include "wire_values.hpp"

#include <tcpfsm/offload.hpp>
#include <tcpfsm/stream.hpp>

#include <algorithm>
#include <bit>

namespace {

using namespace tcpfsm;

std::uint16_t native16(std::span<const std::uint8_t> octets) {
    return std::bit_cast<std::uint16_t>(std::array<std::uint8_t, 2>{octets[0], octets[1]});
}
/// A device, after the words of virtio: it knows nothing but the ten octets and the packet.
std::vector<octet_vector> cut_up(std::span<const std::uint8_t> ten, std::span<const std::uint8_t> packet) {
    std::vector<octet_vector> out;
    const auto finish = [&](octet_vector one) {
        if ((ten[0] & 1U) != 0) {
            const std::size_t from = native16(ten.subspan(6)), at = from + native16(ten.subspan(8));
            store16(&one[at], partial_sum{std::span{one}.subspan(from)}.checksum());
        }
        out.push_back(std::move(one));
    };
    if (ten[1] == 0) {
        finish({packet.begin(), packet.end()});
        return out;
    }
    const std::size_t headers = native16(ten.subspan(2)), most = native16(ten.subspan(4)),
                      tcp = native16(ten.subspan(6));
    const bool v6 = (ten[1] & 0x7f) == 4;
    for (std::size_t at = headers; at < packet.size(); at += most) {
        const std::size_t text = std::min(most, packet.size() - at);
        const bool first = at == headers, last = at + text == packet.size();
        octet_vector one = joined(packet.first(headers), packet.subspan(at, text));
        store16(&one[v6 ? 4 : 2], static_cast<std::uint16_t>(one.size() - (v6 ? 40U : 0U)));
        if (!v6) {
            store16(&one[10], 0);
            store16(&one[10], partial_sum{std::span{one}.first(tcp)}.checksum());
        }
        store32(&one[tcp + 4], static_cast<std::uint32_t>(load32(&one[tcp + 4]) + at - headers));
        if (!last) one[tcp + 13] &= 0xf6;                           // neither FIN nor PSH
        if (!first && (ten[1] & 0x80) != 0) one[tcp + 13] &= 0x7f;  // nor CWR
        // The sum of the pseudo-header has the length of the whole: as long as this one now.
        partial_sum sum = partial_sum::of(load16(&one[tcp + 16]));
        sum.append(partial_sum::of(static_cast<std::uint16_t>(~(packet.size() - tcp))));
        store16(&one[tcp + 16], sum.append(partial_sum::of(static_cast<std::uint16_t>(one.size() - tcp))).value());
        finish(std::move(one));
    }
    return out;
}

}  // namespace

TEST_CASE("offload: the ten octets of virtio, one by one", "[offload]") {
    const four_tuple v4{{ipv4(10, 0, 0, 1), 1}, {ipv4(10, 0, 0, 2), 2}};
    segment seg{.text = 5000, .ctl = ctl::ack | ctl::cwr};
    seg.options.has_timestamps = true;
    const auto ten = write_virtio_header(offload_of(v4, seg, 1448));
    CHECK(ten[0] == 1);
    CHECK(ten[1] == 0x81);
    CHECK(native16(std::span{ten}.subspan(2)) == 52);
    CHECK(native16(std::span{ten}.subspan(4)) == 1448);
    CHECK(native16(std::span{ten}.subspan(6)) == 20);
    CHECK(native16(std::span{ten}.subspan(8)) == 16);
    seg.text = 1448;
    CHECK(write_virtio_header(offload_of(v4, seg, 1448))[1] == 0);
}

TEST_CASE("offload: what a device has put before a packet", "[offload]") {
    octet_vector ten(virtio_header_size);
    CHECK(read_virtio_header(ten) == offload{});
    CHECK(read_virtio_header(ten)->mode() == checksum_mode::verify);
    CHECK(!read_virtio_header(std::span{ten}.first(9)));
    ten[0] = 2;  // verified
    CHECK(read_virtio_header(ten)->mode() == checksum_mode::trust);
    ten[0] = 1;  // it came from this machine, and nobody has completed it
    CHECK(read_virtio_header(ten)->mode() == checksum_mode::trust);
    ten[1] = 3;  // UDP
    CHECK(!read_virtio_header(ten));
    ten[1] = 0x84;
    CHECK((read_virtio_header(ten)->cut && read_virtio_header(ten)->ipv6 && read_virtio_header(ten)->cwr));
}

TEST_CASE("offload: one large packet is many small ones", "[offload][MUST-2][property]") {
    rc::prop("that are sound, and carry the same text", [] {
        const four_tuple between = any_tuple();
        const auto text = *any_octets(3000);
        const auto most = *rc::gen::inRange<std::uint16_t>(1, 1500);
        segment seg = any_segment(text.size());
        seg.ctl = control{static_cast<std::uint16_t>(seg.ctl.bits() & ~unsigned{ctl::syn.bits()})};
        octet_vector packet(4000);
        const std::size_t size = write_packet(packet, between, seg, text, {}, {}, checksum_by::device);
        RC_ASSERT(size != 0);
        const offload what = offload_of(between, seg, most);
        const auto ten = write_virtio_header(what);
        RC_ASSERT(read_virtio_header(ten) == what);

        octet_vector got;
        const auto small = cut_up(ten, std::span{packet}.first(size));
        RC_ASSERT(small.size() == std::max<std::size_t>((text.size() + most - 1) / most, 1));
        for (const auto& one : small) {
            const tcpfsm::packet p = parse_packet(one);
            RC_ASSERT(p);
            const parsed tcp = parse_tcp(p.payload, p.source, p.destination);
            RC_ASSERT(tcp);
            RC_ASSERT(tcp.text.size() <= most);
            RC_ASSERT(tcp.segment.seq == seg.seq + static_cast<std::uint32_t>(got.size()));
            RC_ASSERT(tcp.segment.has(ctl::fin) == (seg.has(ctl::fin) && &one == &small.back()));
            RC_ASSERT(tcp.segment.has(ctl::cwr) == (seg.has(ctl::cwr) && &one == &small.front()));
            got.insert(got.end(), tcp.text.begin(), tcp.text.end());
        }
        RC_ASSERT(got == text);
    });
}

TEST_CASE("offload: a packet of 64 KiB that was put together is one arrival", "[offload]") {
    constexpr time_point now{std::chrono::seconds{1}};
    const four_tuple between{{ipv4(10, 0, 0, 1), 1}, {ipv4(10, 0, 0, 2), 2}};
    octet_vector send_ring(100), receive_ring(70000);
    span_stream<> s{span_buffers{send_ring, receive_ring}};
    (void)s.open_passive({.iss = seq{1}}, now);
    segment syn{.seq = seq{1000}, .ctl = ctl::syn, .wnd = 60000};
    syn.options.has_window_scale = true;
    s.handle_segment(syn, {}, now);
    (void)s.poll_transmit(now);
    s.handle_segment({.seq = seq{1001}, .ack = seq{2}, .ctl = ctl::ack, .wnd = 60000}, {}, now);

    octet_vector text(65000);
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<std::uint8_t>(i * i >> 5U);
    octet_vector packet(65535);
    const segment all{.seq = seq{1001}, .ack = seq{2}, .text = 65000, .ctl = ctl::ack, .wnd = 60000};
    packet.resize(write_packet(packet, between, all, text));
    const tcpfsm::packet p = parse_packet(packet);
    REQUIRE(p);
    const parsed seg = parse_tcp(p.payload, p.source, p.destination, checksum_mode::defer);
    const auto got = s.handle_unverified(seg.segment, seg.rest, {seg.text, {}}, now);
    REQUIRE(got);
    CHECK(got->in_order == 65000);
    const auto ack = s.poll_transmit(now);
    REQUIRE(ack);
    CHECK(ack->segment.ack == seq{1001 + 65000});
    CHECK(!s.poll_transmit(now));
    octet_vector heard(text.size());
    CHECK(s.receive(heard, now).octets == heard.size());
    CHECK(heard == text);
}
