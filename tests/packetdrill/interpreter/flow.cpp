// SPDX-License-Identifier: MIT
#include "flow.hpp"

#include <fmt/format.h>

namespace tcpfsm::drill {
namespace {

constexpr std::uint16_t syn = 0x02;
constexpr std::uint16_t ack = 0x10;

const tcp_option* timestamps_of(const tcp_line& seg) {
    for (const tcp_option& o : seg.options) {
        if (o.kind == 8) return &o;
    }
    return nullptr;
}

}  // namespace

tcp_line flow::to_wire(tcp_line seg, std::uint32_t peer_isn, place at) const {
    seg.seq += peer_isn;
    const std::uint32_t ahead = isn_ahead_.value_or(0);
    if ((seg.flags & ack) != 0) seg.ack += ahead;
    for (tcp_option& o : seg.options) {
        for (auto& [left, right] : o.blocks) {
            left += ahead;
            right += ahead;
        }
        if (o.kind != 8 || (seg.flags & ack) == 0) continue;
        const auto live = live_stamps_.find(o.echo);
        if (live != live_stamps_.end()) {
            o.echo = live->second;
        } else if (o.echo != 0) {
            throw failure{at, fmt::format("this segment echoes TS val {}, which the script has seen nowhere", o.echo)};
        }
    }
    return seg;
}

icmp_line flow::to_wire(icmp_line message) const {
    message.seq += isn_ahead_.value_or(0);
    return message;
}

tcp_line flow::to_script(tcp_line seg, const tcp_line& expected, std::uint32_t peer_isn) {
    if ((seg.flags & syn) != 0 && !isn_ahead_) isn_ahead_ = seg.seq - expected.seq;
    seg.seq -= isn_ahead_.value_or(0);
    if ((seg.flags & ack) != 0) seg.ack -= peer_isn;
    const tcp_option* said = timestamps_of(expected);
    for (tcp_option& o : seg.options) {
        for (auto& [left, right] : o.blocks) {
            left -= peer_isn;
            right -= peer_isn;
        }
        if (o.kind != 8 || said == nullptr) continue;
        if (!first_stamp_) first_stamp_ = stamps{said->value, o.value};
        live_stamps_[said->value] = o.value;
        o.value = said->value;
    }
    return seg;
}

std::int64_t flow::stamp_error(const tcp_line& wire, const tcp_line& expected) const {
    const tcp_option* live = timestamps_of(wire);
    const tcp_option* said = timestamps_of(expected);
    if (live == nullptr || said == nullptr || !first_stamp_) return 0;
    const std::uint32_t passed = live->value - first_stamp_->live;
    const std::uint32_t wanted = said->value - first_stamp_->script;
    return static_cast<std::int32_t>(passed - wanted);
}

}  // namespace tcpfsm::drill
