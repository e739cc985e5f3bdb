// SPDX-License-Identifier: MIT
// sent_log.hpp: what Linux measures of segments that are out, and shows to its users.
#pragma once

#include <tcpfsm/segment.hpp>
#include <tcpfsm/seq.hpp>
#include <tcpfsm/time.hpp>

#include <cstdint>
#include <deque>
#include <optional>

// Two measures that the library does without: the degree of reordering, in segments, which RFC 8985 replaces by time;
// and a round trip from each ACK, where RFC 6298 is content with one a window. Both are read from what goes by.

namespace packetdrill {

/// The segments of one connection that are not acknowledged.
class sent_log {
public:
    using seq = tcpfsm::seq;

    void sent(seq from, seq end, tcpfsm::time_point now);
    /// An ACK has come. `full`: octets in a full-sized segment. `counts`: what comes late counts as reordered, as it
    /// does unless a timeout is being repaired.
    void heard(const tcpfsm::segment& seg, std::uint32_t full, bool counts, tcpfsm::time_point now);

    /// As many segments as one came behind others that had left later; three at least.
    [[nodiscard]] std::uint32_t reordering() const { return reordering_; }
    /// How often that was seen.
    [[nodiscard]] std::uint32_t seen() const { return seen_; }
    /// Smoothed over a sample from each ACK; zero before the first one.
    [[nodiscard]] tcpfsm::duration srtt() const { return srtt_; }

private:
    struct entry {
        seq begin{};
        seq end{};
        tcpfsm::time_point at{};
        bool again = false;
        bool sacked = false;
    };
    [[nodiscard]] seq highest_sacked() const;
    void came_late(seq low, std::uint32_t full);

    std::deque<entry> out_{};
    seq una_{};
    tcpfsm::duration srtt_{};
    std::uint32_t reordering_ = 3;
    std::uint32_t seen_ = 0;
};

}  // namespace packetdrill
