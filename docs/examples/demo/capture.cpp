// SPDX-License-Identifier: MIT
#include "capture.hpp"

#include <tcpfsm/format.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

namespace demo {

namespace {

// The day on which RFC 9293 was published.
constexpr time_point published{std::chrono::sys_days{std::chrono::year{2022} / 8 / 18}.time_since_epoch()};

/// What the peer made of it.
std::string fate(const story& told, std::size_t number) {
    const flight& f = told.flights[number];
    std::string out = f.remark;
    const auto add = [&out](std::string_view what) {
        fmt::format_to(std::back_inserter(out), "{}{}", out.empty() ? "" : "; ", what);
    };
    if (f.lost) add("lost on the way");
    for (const happening& h : told.happenings) {
        if (h.flight != number) continue;
        if (h.what == happening::kind::row) add(fmt::format("{}", h.row));
        if (h.what == happening::kind::told) add(h.text);
    }
    return out;
}

}  // namespace

capture::capture(const std::string& file) : wanted_{!file.empty()}, epoch_{published} {
    if (!wanted_) return;
    file_.open(file, std::ios::binary);
    std::array<std::uint8_t, pcap_header_size> header{};
    write_pcap_header(header);
    file_.write(reinterpret_cast<const char*>(header.data()), header.size());
}

void capture::add(std::span<const std::uint8_t> packet, time_point when, std::string_view comment) {
    if (!wanted_) return;
    std::vector<std::uint8_t> record(pcap_packet_size(packet.size(), comment.size()));
    write_pcap_packet(record, packet, epoch_ + when.time_since_epoch(), comment);
    file_.write(reinterpret_cast<const char*>(record.data()), static_cast<std::streamsize>(record.size()));
    ++packets_;
}

void capture::add(const four_tuple& between, const segment& seg, std::span<const std::uint8_t> text, time_point when,
                  std::string_view comment) {
    std::vector<std::uint8_t> packet(ip_header_size(between.local.address) + header_size(seg) + seg.text);
    write_packet(packet, between, seg, text);
    add(packet, when, comment);
}

void capture::add(const story& told) {
    for (std::size_t i = 0; i < told.flights.size(); ++i) {
        const flight& f = told.flights[i];
        const four_tuple between = f.from == side::client ? told.between : told.between.reversed();
        add(between, f.segment, f.text, f.sent, fate(told, i));
    }
    const duration length = told.happenings.empty() ? duration{} : told.happenings.back().when.time_since_epoch();
    epoch_ += length + std::chrono::minutes{1};
}

bool capture::good() {
    file_.flush();
    return !wanted_ || file_.good();
}

}  // namespace demo
