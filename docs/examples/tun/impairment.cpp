// SPDX-License-Identifier: MIT
#include "impairment.hpp"

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

void impaired_link::handle_timeout(tcpfsm::time_point now) {
    while (!held_.empty() && held_.front().until <= now) {
        arrive_(held_.front().packet);
        held_.pop_front();
    }
}

}  // namespace tun
