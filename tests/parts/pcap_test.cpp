// SPDX-License-Identifier: MIT
// pcap_test.cpp: capture files, octet by octet.

#include "wire_values.hpp"

#include <tcpfsm/pcap.hpp>

namespace {

using namespace tcpfsm;

constexpr time_point noon{duration{0x0006'2b5f'1234'5678}};

}  // namespace

TEST_CASE("a capture file begins with a section and an interface of raw IP", "[pcapng]") {
    constexpr auto header = [] {
        std::array<std::uint8_t, pcap_header_size> out{};
        (void)write_pcap_header(out);
        return out;
    }();
    CHECK(same(header,
               "0a 0d 0d 0a 1c 00 00 00 4d 3c 2b 1a 01 00 00 00 ff ff ff ff ff ff ff ff 1c 00 00 00 "
               "01 00 00 00 14 00 00 00 65 00 00 00 00 00 00 00 14 00 00 00"_hex));
    octet_vector small(pcap_header_size - 1, 0);
    CHECK(write_pcap_header(small) == 0);
}

TEST_CASE("a packet is padded to four octets", "[pcapng]") {
    octet_vector out(100, 0xaa);
    const auto size = write_pcap_packet(out, "45 01 02 03 04"_hex, noon);
    CHECK(size == pcap_packet_size(5));
    CHECK(same(std::span{out}.first(size),
               "06 00 00 00 28 00 00 00 00 00 00 00 5f 2b 06 00 78 56 34 12 "
               "05 00 00 00 05 00 00 00 45 01 02 03 04 00 00 00 28 00 00 00"_hex));
}

TEST_CASE("a packet may carry a comment", "[pcapng]") {
    octet_vector out(100, 0xaa);
    const auto size = write_pcap_packet(out, "45"_hex, time_point{duration{-5}}, "3.10.7.4");
    CHECK(size == pcap_packet_size(1, 8));
    CHECK(same(std::span{out}.first(size),
               "06 00 00 00 34 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00 00 "
               "01 00 00 00 45 00 00 00 01 00 08 00 33 2e 31 30 2e 37 2e 34 00 00 00 00 "
               "34 00 00 00"_hex));
}

TEST_CASE("what does not fit into a capture buffer is not written", "[pcapng][property]") {
    rc::prop("and what fits takes as much as was said", [] {
        const auto packet = *any_octets(60);
        const auto comment = *rc::gen::arbitrary<std::string>();
        const auto size = pcap_packet_size(packet.size(), comment.size());
        octet_vector out(*rc::gen::inRange<std::size_t>(0, 2 * size), 0);
        RC_ASSERT(size % 4 == 0U);
        RC_ASSERT(write_pcap_packet(out, packet, noon, comment) == (out.size() < size ? 0 : size));
    });
}
