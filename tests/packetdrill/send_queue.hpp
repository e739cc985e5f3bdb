// SPDX-License-Identifier: MIT
// send_queue.hpp: the buffers in which Linux keeps what a user has written.
#pragma once

#include <tcpfsm/seq.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>

// Segments have no buffers here, but Linux shows its own in three ways: which segments carry PSH, how much a user may
// write, and what never leaves in one piece. So this keeps what they would be: a write fills the last one or opens
// another; what leaves together is cut off as a piece of its own; what is acknowledged goes.

namespace packetdrill {

/// The buffers of one connection, from the oldest text that is not acknowledged to the newest.
class send_queue {
public:
    using seq = tcpfsm::seq;
    /// What Linux counts for a buffer besides its text.
    static constexpr std::size_t overhead = 896;

    [[nodiscard]] bool begun() const { return begun_; }
    /// There is no text yet; the first octet has this number.
    void begin(seq first);

    // --- What the user writes.

    /// A call begins. What it appends to a buffer was not the end of a write.
    void begin_write() { fresh_write_ = true; }
    /// How many octets fit into the last buffer if none is larger than `goal`; 0 if the next one must be opened.
    [[nodiscard]] std::size_t room(std::size_t goal) const;
    /// As many octets as fit into the last buffer, or into a new one. Answers how many.
    std::size_t append(std::size_t octets, std::size_t goal);
    /// What is there now is the end of a write.
    void push();
    /// So much was written since the last push that it is time for one.
    [[nodiscard]] bool push_is_due(std::uint32_t half_of_window) const;
    /// The last buffer is full, whatever fits: a record ends.
    void end_record();
    [[nodiscard]] std::size_t memory() const;
    /// One beyond the last octet that was written.
    [[nodiscard]] seq end() const { return end_; }

    // --- What happens to it.

    /// A segment leaves, with text [from, end). `goes_on`: the next one that leaves begins where it ends. `most`:
    /// segments that leave in one piece. Answers whether it carries PSH: at the end of a piece of several, and of a
    /// write.
    bool leaves(seq from, seq end, bool goes_on, std::size_t most);
    void acknowledge(seq una);

private:
    struct buffer {
        seq begin{};
        seq end{};
        bool pushed = false;  ///< it ends with the end of a write
        bool closed = false;  ///< nothing is appended
    };
    /// The piece that is leaving.
    struct piece {
        seq next{};
        std::size_t segments = 0;
    };
    [[nodiscard]] std::size_t find(seq at) const;
    void cut(std::size_t which, seq at);

    std::deque<buffer> buffers_{};
    piece leaving_{};
    seq end_{};
    seq pushed_{};
    seq sent_{};
    bool begun_ = false;
    bool fresh_write_ = false;
};

}  // namespace packetdrill
