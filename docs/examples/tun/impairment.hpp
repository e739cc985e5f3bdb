// SPDX-License-Identifier: MIT
// impairment.hpp: a link that loses, overtakes, doubles and marks packets, the same ones for the same seed.
#pragma once

#include <tcpfsm/time.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <random>
#include <span>
#include <vector>

namespace tun {

/// How bad the link is: the part of all packets, 0 to 1, to which each happens.
struct impairments {
    double loss = 0;       ///< never arrives
    double reorder = 0;    ///< is overtaken by the next few
    double duplicate = 0;  ///< arrives twice
    double mark = 0;       ///< met congestion, if it is capable of ECN
    std::uint64_t seed = 1;
};

/// One direction of a link.
class impaired_link {
public:
    using sink = std::function<void(std::span<const std::uint8_t>)>;

    /// Packets that survive go to `arrive`.
    impaired_link(const impairments& how_bad, sink arrive)
        : bad_{how_bad}, random_{how_bad.seed}, arrive_{std::move(arrive)} {}

    /// A packet enters.
    void pass(std::span<const std::uint8_t> packet, tcpfsm::time_point now);
    /// When a packet that waits to be overtaken goes anyhow.
    [[nodiscard]] tcpfsm::time_point poll_timeout() const {
        return held_.empty() ? tcpfsm::never : held_.front().until;
    }
    void handle_timeout(tcpfsm::time_point now);

    std::uint64_t passed = 0, lost = 0, reordered = 0, duplicated = 0, marked = 0;

private:
    struct late {
        std::vector<std::uint8_t> packet;
        unsigned overtakers;  ///< so many are still to go by
        tcpfsm::time_point until;
    };
    /// The packet with CE, if it is capable of ECN.
    std::span<const std::uint8_t> marked_copy(std::span<const std::uint8_t> packet);
    bool happens(double part) { return part > 0 && std::uniform_real_distribution<>{}(random_) < part; }

    impairments bad_;
    std::mt19937_64 random_;
    sink arrive_;
    std::deque<late> held_;
    std::vector<std::uint8_t> copy_;
};

}  // namespace tun
