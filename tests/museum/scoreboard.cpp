// SPDX-License-Identifier: MIT
// scoreboard.cpp: bugs of senders that remember what became of their segments, M25, M26, M32, M38 and M77.

#include <museum/exhibit.hpp>
#include <recovery/sender.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace tcpfsm::museum;
using namespace std::chrono_literals;

// --- The mutants ------------------------------------------------------------------------------------------

// The scoreboard is a template over its size, so a mutant has a size of its own.

/// Never makes room.
struct splits_without_end : mutant {
    static constexpr std::size_t sent_ranges = 128;
};
/// Forgets a range, and not what it had said of it.
struct leaves_sums_behind : mutant {
    static constexpr std::size_t sent_ranges = 512;
};
/// Looks at no block.
struct deaf_to_blocks : mutant {};

/// A control of its own, so that the search for proof is one of its own.
struct other_reno : new_reno {
    friend constexpr bool operator==(const other_reno&, const other_reno&) noexcept = default;
};
/// Goes on looking for proof when it has taken a reduction back.
struct undoes_twice : mutant {
    using congestion = other_reno;
};

}  // namespace

template <>
constexpr void tcpfsm::scoreboard<128>::make_room() noexcept {}
template <>
constexpr void tcpfsm::scoreboard<512>::forget_one() noexcept {
    forgot_ = true;
    erase_keeping_end(0);
}
template <>
constexpr bool tcpfsm::selective<recorded<deaf_to_blocks>>::take_blocks(const segment&) noexcept {
    return false;
}
template <>
constexpr void tcpfsm::spurious_check<other_reno>::close() noexcept {}

namespace {

// --- M25, M26, M32: holes in what was sent ------------------------------------------------------------------

/// Ten segments in flight, of which every second octet is told of, each in an ACK of its own.
template <class P>
void holes() {
    sender<P> tcp{10};
    expect(tcp.leaves() == "0 1 2 3 4 5 6 7 8 9", "ten segments are on their way");
    tcp.advance(100ms);
    for (std::uint32_t at = 2; at < 10'000; at += 2) {
        segment seg{.seq = seq{1}, .ack = seq{1}, .ctl = ctl::ack, .wnd = 65535};
        seg.options.sack_count = 1;
        seg.options.sack[0] = {seq{at}, seq{at + 1}};
        tcp.hears(tcp.from_peer(seg));
        const auto& board = tcp.numbers().sent.board;
        expect(board.size() <= P::sent_ranges, "there are more ranges than there is room for");
        std::uint32_t sacked = 0;
        seq left = board.begin();
        for (std::size_t i = 0; i < board.size(); ++i) {
            expect(left < board[i].end, "the ranges are in disorder");
            if (board[i].sacked) sacked += board[i].end - left;
            left = board[i].end;
        }
        expect(left == tcp.numbers().snd.nxt, "the ranges do not end where the last one was sent");
        expect(sacked == board.sacked(), "a sum tells of a range that is forgotten");
        while (tcp.polls()) {
        }
    }
    tcp.hears_ack(10);
    expect(tcp.numbers().sent.board.empty(), "something is left of what was acknowledged");
    expect(tcp.never_wakes(), "a timer is left");
}
TEST_CASE("SACK blocks that split every range do not make more ranges than there is room for", "[M25][M26]") {
    holes<policies>();
    CHECK(caught([] { holes<splits_without_end>(); }));
}
TEST_CASE("A range that is forgotten leaves nothing behind that tells of it", "[M32]") {
    holes<policies>();
    CHECK(caught([] { holes<leaves_sums_behind>(); }));
}

// --- M38: what was SACKed goes no more --------------------------------------------------------------------

template <class P>
void spares_what_was_sacked() {
    sender<P> tcp{10};
    expect(tcp.leaves() == "0 1 2 3 4 5 6 7 8 9", "ten segments are on their way");
    tcp.advance(100ms);
    tcp.hears_ack(0, {{1, 3}, {4, 6}, {7, 10}});
    std::string again = tcp.leaves();
    for (int i = 0; i < 2; ++i) {  // even after timeouts
        tcp.advance(tcp.conn().poll_timeout() - tcp.now());
        again += " " + tcp.leaves();
    }
    tcp.hears_ack(1, {{1, 3}, {4, 6}, {7, 10}});
    again += " " + tcp.leaves();
    for (const char number : {'1', '2', '4', '5', '7', '8', '9'})
        expect(again.find(number) == std::string::npos, "what was SACKed goes again");
    expect(again.find('3') != std::string::npos, "what is missing goes again");
}
TEST_CASE("What was SACKed does not go again, whatever else is lost", "[M38]") {
    spares_what_was_sacked<policies>();
    CHECK(caught([] { spares_what_was_sacked<deaf_to_blocks>(); }));
}

// --- M77: a reduction is taken back once ------------------------------------------------------------------

/// Segment 0 is overtaken by more than a quarter of a round trip, and the ACK of it echoes its first transmission.
template <class P>
void takes_back_once() {
    sender<P> tcp{10, true};
    expect(tcp.leaves() == "0 1 2 3 4 5 6 7 8 9", "ten segments are on their way");
    tcp.advance(100ms);
    const std::uint32_t before = tcp.numbers().congestion.window();
    tcp.hears_ack(0, {{1, 5}});
    expect(tcp.leaves() == "0", "it is taken for lost");
    expect(tcp.numbers().congestion.threshold() < before, "the window is reduced");
    tcp.advance(50ms);
    tcp.hears_ack(5, {}, 150ms);
    expect(!tcp.numbers().recovering(), "recovery is over");
    expect(tcp.numbers().congestion.threshold() >= before, "the reduction is taken back");
    tcp.advance(50ms);
    tcp.hears_ack(10, {}, 200ms);
    const auto once = tcp.numbers().congestion;
    tcp.hears_ack(10, {{0, 1}}, 150ms);  // D-SACK says the same
    tcp.hears_ack(10, {{0, 1}}, 150ms);
    expect(tcp.numbers().congestion == once, "it is taken back a second time");
}
TEST_CASE("A reduction that was for nothing is taken back, and once", "[M77]") {
    takes_back_once<policies>();
    CHECK(caught([] { takes_back_once<undoes_twice>(); }));
}

}  // namespace
