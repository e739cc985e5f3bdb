// SPDX-License-Identifier: MIT
#include "impairment.hpp"

#include <tcpfsm/ip.hpp>

namespace tun {

namespace {
constexpr unsigned most_overtakers = 5;
constexpr auto longest_wait = std::chrono::milliseconds{5};
}  // namespace

void impaired_link::pass(std::span<const std::uint8_t> packet, tcpfsm::time_point now) {
    ++passed;
    if (happens(bad_.loss)) {
        ++lost;
        return;
    }
    if (happens(bad_.mark)) packet = marked_copy(packet);
    if (happens(bad_.reorder)) {
        ++reordered;
        const unsigned overtakers = 1 + static_cast<unsigned>(random_() % most_overtakers);
        held_.push_back({{packet.begin(), packet.end()}, overtakers, now + longest_wait});
        return;
    }
    arrive_(packet);
    if (happens(bad_.duplicate)) {
        ++duplicated;
        arrive_(packet);
    }
    for (auto& each : held_) --each.overtakers;
    for (auto it = held_.begin(); it != held_.end();) {
        if (it->overtakers != 0) {
            ++it;
            continue;
        }
        arrive_(it->packet);
        it = held_.erase(it);
    }
}

std::span<const std::uint8_t> impaired_link::marked_copy(std::span<const std::uint8_t> packet) {
    const tcpfsm::packet ip = tcpfsm::parse_packet(packet);
    if (!ip || ip.fields.ecn() == tcpfsm::ecn::not_ect) return packet;
    ++marked;
    copy_.assign(packet.begin(), packet.end());
    if (ip.source.is_v6()) {
        copy_[1] |= 0x30U;
        return copy_;
    }
    copy_[1] |= 3U;
    tcpfsm::store16(&copy_[10], 0);
    const std::size_t header = std::size_t{copy_[0] & 0xfU} * 4;
    tcpfsm::store16(&copy_[10], tcpfsm::partial_sum{std::span{copy_}.first(header)}.checksum());
    return copy_;
}

void impaired_link::handle_timeout(tcpfsm::time_point now) {
    while (!held_.empty() && held_.front().until <= now) {
        arrive_(held_.front().packet);
        held_.pop_front();
    }
}

}  // namespace tun
