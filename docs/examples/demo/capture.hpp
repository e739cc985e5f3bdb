// SPDX-License-Identifier: MIT
// capture.hpp: everything that was sent, as a file that Wireshark opens.
#pragma once

#include "story.hpp"

#include <fstream>
#include <span>
#include <string>
#include <string_view>

namespace demo {

/// A capture file. Packets begin with their IP header; each may carry a comment.
class capture {
public:
    /// Nothing is written under an empty name.
    explicit capture(const std::string& file);

    /// One segment, seen where it is sent.
    void add(const four_tuple& between, const segment& seg, std::span<const std::uint8_t> text, time_point when,
             std::string_view comment = {});
    /// The octets of a packet.
    void add(std::span<const std::uint8_t> packet, time_point when, std::string_view comment = {});
    /// All of a story; the comments say what became of the segments. The next one begins a minute later.
    void add(const story& told);

    [[nodiscard]] std::size_t packets() const { return packets_; }
    /// False if the file could not be written.
    [[nodiscard]] bool good();

private:
    bool wanted_;
    std::ofstream file_;
    std::size_t packets_ = 0;
    time_point epoch_;  // what the zero of the present story is
};

}  // namespace demo
