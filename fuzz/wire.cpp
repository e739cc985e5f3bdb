// SPDX-License-Identifier: MIT
// wire.cpp: any octets as a segment and as a packet. What is taken must come back the same when written and
// read again; what is refused must be refused without a look outside.

#include <tcpfsm/icmp.hpp>
#include <tcpfsm/ip.hpp>
#include <tcpfsm/wire.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

namespace {

using namespace tcpfsm;

void require(bool holds) {
    if (!holds) std::abort();
}

constexpr std::size_t most = 1 << 17;

// Writes what was read, cutting the text in two, and reads it again.
void there_and_back(const parsed& got, const ip_address& source, const ip_address& destination) {
    segment seg = got.segment;
    seg.options = sent_options(seg);
    const four_tuple between{{source, got.source_port}, {destination, got.destination_port}};
    const std::size_t size = header_size(seg) + got.text.size();
    if (size > 0xffff) return;

    const auto out = std::make_unique<std::uint8_t[]>(size);
    const std::span octets{out.get(), size};
    const std::size_t cut = got.text.size() / 2;
    require(write_tcp(octets, between, seg, got.text.first(cut), got.text.subspan(cut)) == size);

    const parsed again = parse_tcp(octets, source, destination);
    require(again.error == wire_error::none);
    require(again.segment == seg);
    require(again.source_port == got.source_port && again.destination_port == got.destination_port);
    require(std::equal(again.text.begin(), again.text.end(), got.text.begin(), got.text.end()));
}

void as_segment(std::span<const std::uint8_t> octets) {
    const ip_address source = ipv4(192, 0, 2, 1);
    const ip_address destination = ipv4(198, 51, 100, 2);
    (void)parse_tcp(octets, source, destination);
    const parsed got = parse_tcp(octets, source, destination, checksum_mode::trust);
    require(!describe(got.error).empty());
    if (got) there_and_back(got, source, destination);
}

void as_packet(std::span<const std::uint8_t> octets) {
    const packet got = parse_packet(octets);
    require(!describe(got.error).empty());
    if (!got) return;
    const icmp_report about = parse_icmp_error(got);
    require(about.kind == icmp_kind::none || about.between.local.address == got.destination);

    const std::size_t header = ip_header_size(got.source);
    const auto out = std::make_unique<std::uint8_t[]>(header + got.payload.size());
    const std::span octets_again{out.get(), header + got.payload.size()};
    const std::size_t written =
        write_ip_header(octets_again, got.source, got.destination, got.protocol, got.payload.size(), got.fields);
    require(written == header);
    std::copy(got.payload.begin(), got.payload.end(), octets_again.begin() + static_cast<std::ptrdiff_t>(header));
    const packet again = parse_packet(octets_again);
    require(again.error == ip_error::none || got.source.is_v6());  // a payload that looks like an extension header
    if (again)
        require(again.source == got.source && again.destination == got.destination && again.fields == got.fields);

    if (got.protocol != tcp_protocol) return;
    const parsed tcp = parse_tcp(got.payload, got.source, got.destination, checksum_mode::trust);
    if (tcp) there_and_back(tcp, got.source, got.destination);
}

// Fuzzers do not find checksums; packets are also tried with the right ones put in.
void mend(std::span<std::uint8_t> octets) {
    if (octets.size() < ipv4_header_size || octets[0] >> 4 != 4) return;
    const std::size_t header = std::size_t{octets[0] & 0xfU} * 4;
    if (header < ipv4_header_size || header > octets.size()) return;
    store16(&octets[10], 0);
    store16(&octets[10], partial_sum{octets.first(header)}.checksum());
}

void mend_icmp(std::span<std::uint8_t> octets) {
    const packet got = parse_packet(octets);
    if (!got || got.payload.size() < 4 || (got.protocol != 1 && got.protocol != 58)) return;
    const auto at = static_cast<std::size_t>(got.payload.data() - octets.data());
    const auto message = octets.subspan(at, got.payload.size());
    store16(&message[2], 0);
    partial_sum sum =
        got.protocol == 1 ? partial_sum{} : pseudo_header_sum(got.source, got.destination, 58, message.size());
    store16(&message[2], sum.append(message).checksum());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > most) return 0;
    const std::span<const std::uint8_t> octets{data, size};
    as_segment(octets);
    as_packet(octets);
    const auto copy = std::make_unique<std::uint8_t[]>(size);
    std::copy(octets.begin(), octets.end(), copy.get());
    const std::span mended{copy.get(), size};
    mend(mended);
    mend_icmp(mended);
    as_packet(mended);
    return 0;
}
