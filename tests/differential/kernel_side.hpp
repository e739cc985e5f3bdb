// SPDX-License-Identifier: MIT
// kernel_side.hpp: cells played against the kernel's sockets, many at once.
#pragma once

#include <differential/raw_link.hpp>
#include <differential/trials.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

namespace tcpfsm::differential {

/// The reason why it cannot be played here.
struct not_here : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// What the kernel makes of cells.
class kernel_side {
public:
    explicit kernel_side(raw_link& wire);
    /// All cells have the same setting. Each gets a socket and a port of its own.
    [[nodiscard]] std::vector<outcome> play(std::span<const trial> cells);

    static constexpr std::size_t most = 800;  ///< cells that are played at once
    /// So long after a segment nothing more is expected: delayed ACKs take 40 ms, retransmissions a second.
    static constexpr std::chrono::milliseconds quiet{60};

private:
    raw_link& wire_;
    static constexpr std::uint16_t first_port = 1024;
    std::uint16_t next_port_ = first_port;
};

}  // namespace tcpfsm::differential
