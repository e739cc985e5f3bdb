// SPDX-License-Identifier: MIT
// sack.cpp: bugs of senders that believe SACK blocks, M12 and M22 to M39.

#include <museum/exhibit.hpp>
#include <support/catch.hpp>
#include <support/states.hpp>
#include <support/subject.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

// Most of these senders have no scoreboard: a block tells whether an ACK is a duplicate, and nothing else. Those that
// have one are in scoreboard.cpp. A mutant does more with a block. It keeps what it needs in its congestion control,
// and marks what would have been its end with `broken`.

namespace {

/// Requests for memory in this program.
std::size_t allocations = 0;

}  // namespace

// Not inline: GCC would see `free` behind a `new`, and warn.
[[gnu::noinline]] void* operator new(std::size_t size) {
    ++allocations;
    if (void* const p = std::malloc(size == 0 ? 1 : size)) return p;
    throw std::bad_alloc{};
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    ++allocations;
    return std::malloc(size == 0 ? 1 : size);
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace tcpfsm::museum;
using namespace std::chrono_literals;
using enum tcpfsm::state;
using enum tcpfsm::signal;

// --- The mutants ------------------------------------------------------------------------------------------

/// Without a scoreboard blocks tell of duplicates, and of nothing else.
struct by_duplicates : mutant {
    static constexpr std::size_t sent_ranges = 0;
};

/// Any block makes an ACK a duplicate.
struct believes_any_block : by_duplicates {};
/// Compares the ends of a block as if they were numbers.
struct compares_plainly : by_duplicates {};

/// One hole, and the end of what was ever SACKed. The end of a block is checked against the window; its beginning
/// is not. (The sum is signed, so a beginning 2^31 away is on both sides of everything.)
struct hole_list : by_duplicates {
    struct congestion : new_reno {
        sack_block hole{};
        seq last{};
        bool has_hole = false;
        bool broken = false;
        friend constexpr bool operator==(const congestion&, const congestion&) noexcept = default;
    };
};
/// Counts the segments of one SACKed stretch in 16 bits.
struct counts_in_16_bits : by_duplicates {
    struct congestion : new_reno {
        std::uint16_t segments = 0;
        bool broken = false;
        [[maybe_unused]] friend constexpr bool operator==(const congestion&, const congestion&) noexcept = default;
    };
};
/// Keeps every block, sorted, by walking over all of them.
struct keeps_every_block : by_duplicates {
    struct congestion : new_reno {
        std::vector<sack_block> blocks;
        [[maybe_unused]] friend bool operator==(const congestion&, const congestion&) noexcept = default;
    };
};
/// What was SACKed once is never sent again.
struct trusts_marks : by_duplicates {
    struct congestion : new_reno {
        sack_block mark{};
        friend constexpr bool operator==(const congestion&, const congestion&) noexcept = default;
    };
};
/// What is SACKed has arrived, so its octets may go.
struct frees_what_is_sacked : by_duplicates {};

/// True if what the policy keeps of SACK blocks has come to its end.
template <class C>
constexpr bool broken(const C& congestion) {
    if constexpr (requires { congestion.broken; }) return congestion.broken;
    return false;
}

}  // namespace

template <>
constexpr void tcpfsm::acknowledger<recorded<believes_any_block>>::take_again(const segment& seg,
                                                                              std::uint32_t) noexcept {
    if (seg.options.sack_count != 0) heed(t_.recovery.duplicate(snd_.una, snd_.nxt, true), 0, t_.to_peer(now_));
}
template <>
constexpr void tcpfsm::acknowledger<recorded<compares_plainly>>::take_again(const segment& seg,
                                                                            std::uint32_t) noexcept {
    const sack_block block = seg.options.sack[0];
    const bool more = snd_.una.value() < block.left.value() && block.right.value() <= snd_.nxt.value();
    if (more) heed(t_.recovery.duplicate(snd_.una, snd_.nxt, true), 0, t_.to_peer(now_));
}
template <>
constexpr void tcpfsm::acknowledger<recorded<hole_list>>::take_again(const segment& seg, std::uint32_t) noexcept {
    auto& list = t_.congestion;
    for (std::size_t i = 0; i < seg.options.sack_count; ++i) {
        const sack_block block = seg.options.sack[i];
        if (block.right <= snd_.una || snd_.nxt < block.right) continue;
        if (!list.has_hole && list.last == seq{}) {
            list.hole = {snd_.una, block.left};
            list.has_hole = true;
            list.last = block.right;
            continue;
        }
        if (list.has_hole && block.left <= list.hole.left && list.hole.right <= block.right) list.has_hole = false;
        if (list.last < block.left) {
            if (!list.has_hole) list.broken = true;  // the hole before the new one is looked up
            list.last = block.right;
        }
    }
}
template <>
constexpr void tcpfsm::acknowledger<recorded<counts_in_16_bits>>::take_again(const segment& seg,
                                                                             std::uint32_t) noexcept {
    if (seg.options.sack_count == 0) return;
    const std::uint32_t segments = (seg.options.sack[0].right - seg.options.sack[0].left) / snd_.mss;
    const auto before = t_.congestion.segments;
    t_.congestion.segments = static_cast<std::uint16_t>(segments);
    if (t_.congestion.segments < before) t_.congestion.broken = true;  // fewer after joining than before
    heed(t_.recovery.duplicate(snd_.una, snd_.nxt, true), 0, t_.to_peer(now_));
}
template <>
constexpr void tcpfsm::acknowledger<recorded<keeps_every_block>>::take_again(const segment& seg,
                                                                             std::uint32_t) noexcept {
    for (std::size_t i = 0; i < seg.options.sack_count; ++i) t_.congestion.blocks.push_back(seg.options.sack[i]);
}
template <>
constexpr void tcpfsm::performer<recorded<trusts_marks>>::perform(actions todo) noexcept {
    while (!todo.empty()) {
        const action a = todo.pop();
        perform(a);
        if (a != action::take_ack) continue;
        sack_block& mark = t_.congestion.mark;
        if (why_.arrived->options.sack_count != 0) mark = why_.arrived->options.sack[0];
        if (snd_.again.in(mark.left, mark.right - mark.left)) snd_.again = mark.right;
    }
}
template <>
constexpr void tcpfsm::acknowledger<recorded<frees_what_is_sacked>>::take_again(const segment& seg,
                                                                                std::uint32_t) noexcept {
    if (seg.options.sack_count == 0) return;
    out_.acked += seg.options.sack[0].right - seg.options.sack[0].left;
    heed(t_.recovery.duplicate(snd_.una, snd_.nxt, true), 0, t_.to_peer(now_));
}

namespace {

/// Eight segments of 1000 octets are in flight to a peer that permits SACK: SND.UNA = 1, SND.NXT = 8001.
template <class P>
basic_subject<P> eight_in_flight(basic_subject<P> tcp) {
    tcp = in(listen, std::move(tcp));
    tcp.gets("S 0:0(0) <mss 1000,sackOK>"_seg);
    tcp.emits("S. 0:0(0) ack 1 <mss 1460,sackOK>"_seg);
    tcp.gets(". 1:1(0) ack 1"_seg);
    tcp.tells(tell_open);
    static_cast<void>(tcp.send(8000));
    for (int i = 0; i < 8; ++i) expect(tcp.polls()->segment.text == 1000, "a whole segment");
    return tcp;
}

// --- M12, M27: blocks that tell of nothing ----------------------------------------------------------------

template <class P>
void blocks_of_nothing() {
    auto tcp = eight_in_flight(basic_subject<P>{});
    for (int i = 0; i < 2; ++i) {
        tcp.gets(". 1:1(0) ack 1 <sack 3001:2001>"_seg);  // ends before it begins
        tcp.emits_nothing();
        tcp.gets(". 1:1(0) ack 1 <sack 2001:2001>"_seg);  // nothing
        tcp.emits_nothing();
        tcp.gets(". 1:1(0) ack 1 <sack -1000:1>"_seg);  // below SND.UNA: a duplicate (RFC 2883)
        tcp.emits_nothing();
        tcp.gets(". 1:1(0) ack 1 <sack 7001:8002>"_seg);  // never sent
        tcp.emits_nothing();
    }
    expect(tcp.numbers().recovery.duplicates() == 0, "a block of nothing counts");
    expect(tcp.numbers().congestion.window() == 10'000, "cwnd moved");
}
TEST_CASE("SACK blocks that are upside down, empty, old or never sent tell nothing", "[M12]") {
    blocks_of_nothing<by_duplicates>();
    CHECK(caught([] { blocks_of_nothing<believes_any_block>(); }));
}

template <class P>
void block_from_far_away() {
    auto tcp = eight_in_flight(basic_subject<P>{});
    tcp.gets(". 1:1(0) ack 1 <sack 1001:2001>"_seg);        // one hole: 1 to 1001
    tcp.gets(". 1:1(0) ack 1 <sack 2147484149:3001>"_seg);  // begins 2^31 + 500 after SND.UNA
    expect(!broken(tcp.numbers().congestion), "the only hole is taken away, and then looked up");
    tcp.emits_nothing();
    expect(tcp.numbers().recovery.duplicates() == 1, "it counts as a duplicate");
    tcp.gets(". 1:1(0) ack 8001"_seg);
    expect(!tcp.numbers().snd.outstanding(), "all is acknowledged");
}
/// A block that begins at any distance from SND.UNA, and is not wholly in flight, changes nothing at all.
template <class P>
void blocks_from_everywhere() {
    const auto tcp = eight_in_flight(basic_subject<P>{});
    auto conn = tcp.conn();
    const auto before = conn.numbers();
    const seq una = before.snd.una;
    segment ack = tcp.from_peer(". 1:1(0) ack 1 <sack 1:1>"_seg.seg);
    const auto hears = [&](std::uint32_t left, std::uint32_t right) {
        if (0 < left && left < right && right <= 8000) return;
        ack.options.sack[0] = {una + left, una + right};
        static_cast<void>(conn.handle_segment(ack, tcp.now()));
        expect(conn.numbers() == before, "a block that is not in flight changes something");
    };
    const auto from = [&](std::uint32_t k) {
        hears(k, 4000);      // its end is in flight
        hears(k, k + 1000);  // it is as long as a segment
        hears(4000, k);      // its beginning is in flight
    };
    for (std::uint32_t k = 0; k < 0x1'0000; ++k) from(k * 0x1'0001U);
    for (unsigned bit = 0; bit < 32; ++bit) {
        for (std::uint32_t near = 0; near < 16; ++near) {
            from((1U << bit) + near - 8);
            from(0U - (1U << bit) + near - 8);
        }
    }
}
TEST_CASE("A SACK block that begins 2^31 away is on no side of anything", "[M27]") {
    block_from_far_away<by_duplicates>();
    CHECK(caught([] { block_from_far_away<hole_list>(); }));
    blocks_from_everywhere<by_duplicates>();
    CHECK(caught([] { blocks_from_everywhere<believes_any_block>(); }));
    CHECK(caught([] { blocks_from_everywhere<hole_list>(); }));
}

// --- M28: the sender's side -------------------------------------------------------------------------------

template <class P>
void duplicates_across_the_wraps() {
    everywhere([](world w) {
        for (const std::uint32_t wrap : {0U, 0x8000'0000U}) {
            for (const std::uint32_t before : {1U, 1001U, 1501U, 2501U, 3001U, 3501U, 8001U}) {
                w.ours = seq{wrap - before};
                auto tcp = eight_in_flight(basic_subject<P>{w});
                tcp.gets(". 1:1(0) ack 1 <sack 1001:2001>"_seg);
                tcp.gets(". 1:1(0) ack 1 <sack 1001:3001>"_seg);
                tcp.gets(". 1:1(0) ack 1 <sack 1001:4001>"_seg);
                tcp.emits(". 1:1001(1000) ack 1"_seg);
            }
        }
    });
}
TEST_CASE("SACK blocks tell of a loss in the upper half of the numbers, too", "[M28]") {
    duplicates_across_the_wraps<by_duplicates>();
    CHECK(caught([] { duplicates_across_the_wraps<compares_plainly>(); }));
}

// --- M22, M23: what a flood of blocks costs ---------------------------------------------------------------

/// A sender with as much in flight as `octets`, in segments of the smallest size, in slow start until then. It is
/// no subject: the subject's own checks would outweigh what is counted here.
template <class P>
struct sender {
    basic_connection<recorded<P>> conn;
    world w;
    std::uint32_t mss = policies::mss_floor;

    explicit sender(const world& at, std::uint32_t octets) : w{at} {
        static_cast<void>(conn.open_passive({.iss = w.ours, .snd_buff = 1U << 24U}, w.begin));
        hears("S 0:0(0) <mss 48,sackOK,wscale 9>"_seg.seg);
        polls();
        hears(". 1:1(0) ack 1"_seg.seg);
        for (std::uint32_t una = 0; conn.numbers().snd.flight() < octets;) {
            static_cast<void>(conn.send(conn.writable(), w.begin));
            polls();
            if (conn.numbers().snd.flight() >= octets) break;
            const std::uint32_t end = conn.numbers().snd.nxt - (w.ours + 1);
            while (una != end) {
                una += std::min(2 * mss, end - una);
                acks(una);
                polls();
            }
        }
    }
    arrival hears(segment seg) {
        seg.seq += w.peers.value();
        seg.ack += w.ours.value();
        return conn.handle_segment(seg, w.begin);
    }
    arrival acks(std::uint32_t octets) {
        return hears({.seq = seq{1}, .ack = seq{1 + octets}, .ctl = ctl::ack, .wnd = 65535});
    }
    /// A duplicate with these blocks, as distances from SND.UNA.
    template <class... Blocks>
    void sacks(Blocks... blocks) {
        const seq una = conn.numbers().snd.una;
        segment seg{.seq = w.peers + 1, .ack = una, .ctl = ctl::ack, .wnd = 65535};
        ((seg.options.sack[seg.options.sack_count++] = {una + blocks.left.value(), una + blocks.right.value()}), ...);
        static_cast<void>(conn.handle_segment(seg, w.begin));
    }
    /// Takes what is owed; answers how many segments stood at SND.UNA.
    unsigned polls() {
        unsigned again = 0;
        while (const auto out = conn.poll_transmit(w.begin))
            again += out->segment.seq == conn.numbers().snd.una ? 1 : 0;
        return again;
    }
};
constexpr sack_block block(std::uint32_t left, std::uint32_t right) { return {seq{left}, seq{right}}; }

template <class P>
void panic_of_counters() {
    everywhere([](const world& w) {
        constexpr std::uint32_t segments = 70'000;
        sender<P> tcp{w, segments * policies::mss_floor};
        const std::uint32_t flight = tcp.conn.numbers().snd.flight();
        expect(flight / policies::mss_floor >= segments, "more segments are in flight than 16 bits can count");
        unsigned again = 0;
        const std::uint32_t step = flight / 70 / tcp.mss * tcp.mss;
        for (std::uint32_t end = 2 * step; end <= flight; end += step) {
            tcp.sacks(block(tcp.mss, end));  // one stretch that grows
            again += tcp.polls();
            expect(!broken(tcp.conn.numbers().congestion), "a count of segments has come round");
        }
        expect(again == 1, "one loss, one retransmission");
        const std::uint32_t queued = tcp.conn.numbers().snd.queued();
        const std::uint32_t sent = tcp.conn.numbers().snd.flight();
        const arrival got = tcp.acks(tcp.conn.numbers().snd.nxt - (w.ours + 1));
        expect(got.acked == sent && tcp.conn.numbers().snd.queued() == queued - sent, "all that was sent is freed");
    });
}
TEST_CASE("More SACKed segments than 16 bits can count are no reason to panic", "[M22]") {
    panic_of_counters<by_duplicates>();
    CHECK(caught([] { panic_of_counters<counts_in_16_bits>(); }));
}

template <class P>
void fragments() {
    everywhere([](const world& w) {
        sender<P> tcp{w, 1'000'000};
        const std::size_t before = allocations;
        unsigned again = 0;
        for (std::uint32_t i = 0; i < 100'000; ++i) {
            // Every second octet, from both ends and the middle.
            const std::uint32_t at = 100 + 2 * (i * 4 % 200'000);
            tcp.sacks(block(at, at + 1), block(at + 500'000, at + 500'001), block(at + 3, at + 4), block(2, 3));
            again += tcp.polls();
            expect(allocations == before, "memory is asked for, for what a peer says");
        }
        expect(again <= 1, "one loss, one retransmission");
        expect(std::is_trivially_copyable_v<basic_connection<P>>, "a connection owns memory elsewhere");
    });
}
TEST_CASE("SACK blocks that tear the queue to pieces leave no pieces", "[M23]") {
    fragments<by_duplicates>();
    fragments<policies>();
    CHECK(caught([] { fragments<keeps_every_block>(); }));
}

// --- M39: reneging ----------------------------------------------------------------------------------------

template <class P>
void reneging() {
    auto tcp = eight_in_flight(basic_subject<P>{});
    std::uint32_t freed = 0;
    freed += tcp.gets(". 1:1(0) ack 1 <sack 1001:2001>"_seg).acked;
    freed += tcp.gets(". 1:1(0) ack 1 <sack 1001:5001>"_seg).acked;
    freed += tcp.gets(". 1:1(0) ack 1 <sack 1001:8001>"_seg).acked;
    expect(freed == 0 && tcp.numbers().snd.queued() == 8000, "what is SACKed is kept");
    tcp.emits(". 1:1001(1000) ack 1"_seg);
    tcp.advance(1s);
    tcp.emits(". 1:1001(1000) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 1001"_seg);  // all that was SACKed is gone again
    tcp.emits(". 1001:2001(1000) ack 1"_seg);
    tcp.emits(". 2001:3001(1000) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 3001"_seg);
    tcp.emits(". 3001:4001(1000) ack 1"_seg);
    tcp.emits(". 4001:5001(1000) ack 1"_seg);
    tcp.emits(". 5001:6001(1000) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 6001"_seg);
    tcp.emits(". 6001:7001(1000) ack 1"_seg);
    tcp.emits("P. 7001:8001(1000) ack 1"_seg);
    expect(tcp.gets(". 1:1(0) ack 8001"_seg).acked == 2000, "the last octets are freed by their acknowledgment");
}
TEST_CASE("What was SACKed is kept, and sent again after a timeout if it was thrown away", "[M39]") {
    reneging<by_duplicates>();
    CHECK(caught([] { reneging<trusts_marks>(); }));
    CHECK(caught([] { reneging<frees_what_is_sacked>(); }));
}

}  // namespace
