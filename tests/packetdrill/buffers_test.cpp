// SPDX-License-Identifier: MIT
// What the Linux look keeps beside the segments: its buffers, and what it measures.

#include "send_queue.hpp"
#include "sent_log.hpp"

#include "support/catch.hpp"

#include <chrono>
#include <cstdint>
#include <vector>

namespace {

using namespace packetdrill;
using namespace tcpfsm;
using namespace std::chrono_literals;

constexpr std::uint32_t full = 1000;
/// Numbers pass 2^32 on the way.
constexpr seq first{0xffff'f000U};
constexpr time_point begin{1h};

/// A write of so many octets into buffers of `goal`.
void write(send_queue& q, std::size_t octets, std::size_t goal, bool more = false) {
    q.begin_write();
    while (octets != 0) octets -= q.append(octets, goal);
    if (!more) q.push();
}
/// Segments [from, upto) leave together. Which of them carry PSH?
std::vector<std::uint32_t> pushed(send_queue& q, std::uint32_t from, std::uint32_t upto, std::size_t most) {
    std::vector<std::uint32_t> which;
    for (std::uint32_t n = from; n < upto; ++n) {
        if (q.leaves(first + n * full, first + (n + 1) * full, n + 1 < upto, most)) which.push_back(n);
    }
    return which;
}
using list = std::vector<std::uint32_t>;

/// An ACK of all segments before `n`, with one SACK block of segments [left, right).
segment ack(std::uint32_t n, std::uint32_t left = 0, std::uint32_t right = 0) {
    segment seg{.ack = first + n * full, .ctl = ctl::ack};
    if (left == right) return seg;
    seg.options.sack_count = 1;
    seg.options.sack[0] = {first + left * full, first + right * full};
    return seg;
}
sent_log ten_are_out() {
    sent_log log;
    for (std::uint32_t n = 0; n < 10; ++n) log.sent(first + n * full, first + (n + 1) * full, begin + n * 10ms);
    return log;
}

}  // namespace

TEST_CASE("buffers: what is written fills the last one, and then another", "[packetdrill]") {
    send_queue q;
    q.begin(first);
    CHECK(q.room(full) == 0);
    CHECK(q.append(700, full) == 700);
    CHECK(q.room(full) == 300);
    CHECK(q.append(500, full) == 300);
    CHECK(q.append(200, full) == 200);
    CHECK(q.memory() == 1200 + 2 * send_queue::overhead);
    q.end_record();
    CHECK(q.room(full) == 0);
    CHECK(q.append(100, full) == 100);
    CHECK(q.memory() == 1300 + 3 * send_queue::overhead);
    CHECK(q.end() == first + 1300);
    q.acknowledge(first + 1100);
    CHECK(q.memory() == 200 + 2 * send_queue::overhead);
    q.acknowledge(first + 1300);
    CHECK(q.memory() == 0);
}

TEST_CASE("buffers: what has left is not appended to, what is left of it is", "[packetdrill]") {
    send_queue q;
    q.begin(first);
    write(q, 3 * full, 4 * full);
    CHECK(pushed(q, 0, 2, 9) == list{1});
    CHECK(q.room(4 * full) == 3 * full);
    CHECK(pushed(q, 2, 3, 9) == list{2});
    CHECK(q.room(4 * full) == 0);
}

TEST_CASE("buffers: PSH at the end of a write, and of what leaves in one piece", "[packetdrill]") {
    send_queue q;
    q.begin(first);
    SECTION("one at a time") {
        write(q, 3 * full, 8 * full);
        CHECK(pushed(q, 0, 3, 1) == list{2});
    }
    SECTION("pieces of two and four") {
        write(q, 7 * full, 8 * full);
        CHECK(pushed(q, 0, 4, 2) == list{1, 3});
        CHECK(pushed(q, 4, 7, 4) == list{6});
    }
    SECTION("no piece goes beyond a buffer") {
        write(q, 4 * full, 2 * full, true);
        CHECK(pushed(q, 0, 4, 9) == list{1, 3});
    }
    SECTION("more is to come") {
        write(q, full, 8 * full, true);
        CHECK(pushed(q, 0, 1, 9).empty());
    }
    SECTION("more has come behind the end of a write") {
        write(q, full, 8 * full);
        write(q, full, 8 * full);
        CHECK(pushed(q, 0, 2, 1) == list{1});
    }
    SECTION("more has come behind the end of a write, and more is to come") {
        write(q, full, 8 * full);
        write(q, full, 8 * full, true);
        CHECK(pushed(q, 0, 2, 1).empty());
    }
    SECTION("again, as it was cut") {
        write(q, 6 * full, 8 * full);
        CHECK(pushed(q, 0, 6, 3) == list{2, 5});
        CHECK(pushed(q, 3, 6, 9) == list{5});
        CHECK(pushed(q, 1, 4, 9) == list{2});  // [1, 3) is a piece now, and 3 is cut from the next
        CHECK(pushed(q, 0, 1, 9).empty());
        CHECK(pushed(q, 5, 6, 9) == list{5});  // the end of the write
    }
}

TEST_CASE("buffers: whoever writes much is pushed on the way", "[packetdrill]") {
    send_queue q;
    q.begin(first);
    write(q, full, 8 * full);
    CHECK_FALSE(q.push_is_due(full));
    write(q, full + 1, 8 * full, true);
    CHECK(q.push_is_due(full));
    CHECK_FALSE(q.push_is_due(full + 1));
}

/// However it is written, sent and acknowledged: no octet is counted twice or lost.
TEST_CASE("buffers: memory is the text that is not acknowledged, and so much a buffer", "[packetdrill]") {
    rc::prop("as a sum", [](const std::vector<std::uint16_t>& steps) {
        send_queue q;
        q.begin(first);
        std::uint32_t written = 0, sent = 0, acked = 0;
        for (const std::uint16_t step : steps) {
            const std::uint32_t octets = step / 4U;
            if (step % 4 == 0) {
                write(q, octets, 8 * full, octets % 2 != 0);
                written += octets;
            } else if (step % 4 == 1) {
                acked += std::min(octets, sent - acked);
                q.acknowledge(first + acked);
            } else {
                const std::uint32_t from = step % 4 == 2 || sent == acked ? sent : acked;
                const std::uint32_t n = std::min({octets, full, written - from});
                if (n == 0) continue;
                (void)q.leaves(first + from, first + from + n, false, 9);
                sent = std::max(sent, from + n);
            }
            const std::size_t text = written - acked;
            RC_ASSERT(q.end() == first + written);
            RC_ASSERT(q.memory() >= text + (text != 0 ? send_queue::overhead : 0));
            RC_ASSERT((q.memory() - text) % send_queue::overhead == 0U);
            RC_ASSERT((q.memory() - text) / send_queue::overhead <= text);
        }
    });
}

TEST_CASE("measures: how far behind others a segment came", "[packetdrill]") {
    sent_log log = ten_are_out();
    CHECK(log.reordering() == 3);
    log.heard(ack(0, 9, 10), full, true, begin);
    CHECK(log.seen() == 0);
    SECTION("by SACK, and then by an ACK of all") {
        log.heard(ack(0, 3, 4), full, true, begin);
        CHECK(log.reordering() == 7);
        CHECK(log.seen() == 1);
        log.heard(ack(10), full, true, begin);
        CHECK(log.reordering() == 10);
        CHECK(log.seen() == 2);
    }
    SECTION("and not once more when it is acknowledged") {
        log.heard(ack(0, 0, 9), full, true, begin);
        log.heard(ack(10), full, true, begin);
        CHECK(log.reordering() == 10);
        CHECK(log.seen() == 1);
    }
    SECTION("not if it was sent again") {
        log.sent(first + 3 * full, first + 4 * full, begin);
        log.heard(ack(0, 3, 4), full, true, begin);
        CHECK(log.seen() == 0);
    }
    SECTION("not if a timeout is being repaired") {
        log.heard(ack(0, 3, 4), full, false, begin);
        log.heard(ack(10), full, false, begin);
        CHECK(log.seen() == 0);
    }
    SECTION("not by an ACK of what was not sent") {
        log.heard(ack(11, 3, 4), full, true, begin);
        CHECK(log.seen() == 0);
    }
}

TEST_CASE("measures: a round trip from each ACK of what was sent once", "[packetdrill]") {
    sent_log log = ten_are_out();
    CHECK(log.srtt() == duration::zero());
    log.heard(ack(1), full, true, begin + 80ms);
    CHECK(log.srtt() == 80ms);
    log.heard(ack(2), full, true, begin + 170ms);
    CHECK(log.srtt() == 90ms);
    log.sent(first + 2 * full, first + 3 * full, begin + 170ms);
    log.heard(ack(3), full, true, begin + 200ms);
    CHECK(log.srtt() == 90ms);
    log.heard(ack(5), full, true, begin + 360ms);  // of the oldest that it acknowledges
    CHECK(log.srtt() == 120ms);
}
