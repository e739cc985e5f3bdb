// SPDX-License-Identifier: MIT
// reassembly.cpp: bugs of those who keep what comes beyond a gap, M28 to M37.

#include <museum/exhibit.hpp>
#include <support/catch.hpp>
#include <support/states.hpp>
#include <support/subject.hpp>

#include <tcpfsm/stream.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace tcpfsm::museum;
using enum tcpfsm::state;
using enum tcpfsm::signal;

// --- Work and memory, counted -----------------------------------------------------------------------------

/// Comparisons of two ranges, or steps over one segment that is kept.
std::uint64_t steps = 0;
/// What a connection remembers of text beyond a gap, in ranges or segments.
std::size_t most_kept = 0;

/// The library's own reassembly, whose comparisons are counted. The number of ranges only makes it a type apart.
struct counted : mutant {
    static constexpr std::size_t reassembly_ranges = 9;
};
/// Keeps every segment, and joins neighbours by walking over all of them.
struct keeps_every_segment : mutant {
    static constexpr std::size_t reassembly_ranges = 199;
};
/// Compares numbers of the sequence space as if they were numbers.
struct compares_plainly : mutant {
    static constexpr std::size_t reassembly_ranges = 7;
};

/// What `keeps_every_segment` has instead.
class all_segments {
public:
    [[nodiscard]] bool empty() const noexcept { return kept_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return kept_.size(); }
    [[nodiscard]] const sack_block& operator[](std::size_t i) const noexcept { return kept_[i]; }
    [[nodiscard]] bool takes(sack_block) const noexcept { return true; }
    void insert(sack_block r) noexcept {
        steps += kept_.size();
        kept_.insert(kept_.begin(), r);
        most_kept = std::max(most_kept, kept_.size());
    }
    seq drain(seq next) noexcept {
        for (bool again = true; again;) {
            again = false;
            for (std::size_t i = 0; i < kept_.size(); ++i) {
                if (next < kept_[i].left) continue;
                again = again || next < kept_[i].right;
                next = later(next, kept_[i].right);
            }
        }
        std::erase_if(kept_, [&](sack_block b) { return b.left <= next; });
        return next;
    }
    [[nodiscard]] bool waits_at(seq next) const noexcept {
        steps += kept_.size();
        return std::any_of(kept_.begin(), kept_.end(), [&](sack_block b) { return b.left <= next; });
    }
    [[maybe_unused]] friend bool operator==(const all_segments&, const all_segments&) noexcept = default;

private:
    std::vector<sack_block> kept_;
};

}  // namespace

template <>
constexpr bool tcpfsm::reassembly<counted::reassembly_ranges>::touch(sack_block a, sack_block b) noexcept {
    if (!std::is_constant_evaluated()) ++steps;
    return a.left <= b.right && b.left <= a.right;
}
template <>
constexpr bool tcpfsm::reassembly<compares_plainly::reassembly_ranges>::touch(sack_block a, sack_block b) noexcept {
    return a.left.value() <= b.right.value() && b.left.value() <= a.right.value();
}
template <>
class tcpfsm::reassembly<keeps_every_segment::reassembly_ranges> : public all_segments {};

namespace {

/// A connection that has just opened in this world, with a buffer of `room` octets, so many that the window is
/// scaled. It is no subject: the subject's own checks would outweigh what is counted here.
template <class P>
struct victim {
    basic_connection<P> conn;
    world w;
    explicit victim(const world& at, std::uint32_t room) : w{at} {
        static_cast<void>(conn.open_passive({.iss = w.ours, .rcv_buff = room}, w.begin));
        hears("S 0:0(0) <mss 1460,sackOK,wscale 7>"_seg.seg);
        polls();
        hears(". 1:1(0) ack 1"_seg.seg);
        polls();
        // The scaled window is offered with the next ACK.
        hears("P. 1:2(1) ack 1"_seg.seg);
        static_cast<void>(conn.receive(1, w.begin));
        polls();
        expect(conn.numbers().rcv.wnd() >= room - (1U << 14U), "the whole buffer is offered");
        steps = 0;
        most_kept = 0;
    }
    arrival hears(segment seg) {
        seg.seq += w.peers.value();
        seg.ack += w.ours.value();
        const arrival out = conn.handle_segment(seg, w.begin);
        most_kept = std::max(most_kept, conn.numbers().held.size());
        return out;
    }
    /// Takes what is owed; answers how many segments that is.
    unsigned polls() {
        unsigned n = 0;
        while (conn.poll_transmit(w.begin)) ++n;
        return n;
    }
    /// One octet arrives, as number `at` of the text.
    arrival octet(std::uint32_t at) {
        return hears({.seq = seq{at}, .ack = seq{1}, .text = 1, .ctl = ctl::ack, .wnd = 65535});
    }
};

constexpr std::uint32_t hostile = 100'000;

/// Every segment of `order(i)`, i below 10^5, is one octet of text, `order` never filling a gap: each takes a
/// bounded number of steps, no more ranges are held than the policy allows, and each is answered at most once.
/// Then the text arrives in order, and nothing has broken.
template <class P, class Order>
void crumbs(Order order) {
    everywhere([&](const world& w) {
        victim<P> v{w, 1U << 22U};
        const seq next = v.conn.numbers().rcv.nxt;
        for (std::uint32_t i = 0; i < hostile; ++i) {
            const std::uint64_t before = steps;
            v.octet(order(i));
            expect(steps - before <= 4 * policies::reassembly_ranges + 4, "the work for a segment grows");
            expect(most_kept <= policies::reassembly_ranges + 1, "the memory for what came too early grows");
            expect(v.polls() <= 1, "more than one answer");
        }
        expect(v.conn.numbers().rcv.nxt == next, "no gap was filled");
        for (std::uint32_t at = 2; at < 2 + 1000;) {
            const arrival got = v.hears({.seq = seq{at}, .ack = seq{1}, .text = 100, .ctl = ctl::ack, .wnd = 65535});
            expect(got.in_order >= 100 - got.skip, "text in order is taken whatever came before");
            at += 100;
        }
    });
}

TEST_CASE("Tiny segments out of order do not make the next one dearer", "[M29]") {
    constexpr auto alternating = [](std::uint32_t i) { return i % 2 == 0 ? 4 + 2 * i : 400'004 - 2 * i; };
    crumbs<counted>(alternating);
    CHECK(caught([&] { crumbs<keeps_every_segment>(alternating); }));
}

TEST_CASE("Every second octet, in any order, costs no more than a few ranges", "[M30]") {
    // 48271 generates the numbers modulo a prime, so this is a permutation of them.
    constexpr auto shuffled = [](std::uint32_t i) {
        return 4 + 2 * static_cast<std::uint32_t>((std::uint64_t{i} + 1) * 48'271 % 100'003);
    };
    crumbs<counted>(shuffled);
    CHECK(caught([&] { crumbs<keeps_every_segment>(shuffled); }));
}

template <class P>
void gap_never_filled() {
    everywhere([](const world& w) {
        victim<P> v{w, 1U << 20U};
        for (std::uint32_t i = 0; i < hostile; ++i) {
            const std::uint32_t at = 4 + 10 * i;
            const arrival got = v.octet(at);
            expect(most_kept <= policies::reassembly_ranges, "memory grows with the number of segments");
            expect(got.text == 0 || got.at + got.text <= 1U << 20U, "text is stored beyond the buffer");
            v.polls();
        }
        // What is remembered is in the connection itself, however many segments came.
        expect(std::is_trivially_copyable_v<basic_connection<P>>, "a connection owns memory elsewhere");
    });
}
TEST_CASE("A gap that is never filled does not eat the memory", "[M31]") {
    gap_never_filled<policies>();
    CHECK(caught([] { gap_never_filled<keeps_every_segment>(); }));
}

// --- M28, M37: the wrap -----------------------------------------------------------------------------------

/// Makes SACK blocks from numbers that fit into 31 bits.
struct signed_blocks : mutant {};

}  // namespace

template <>
constexpr void tcpfsm::next_segment<recorded<signed_blocks>>::add_options(options& opt) const noexcept {
    if (!t_.sack_ok || t_.held.empty()) return;
    opt.sack_count = 1;
    opt.sack[0] = {seq{t_.held[0].left.value() & 0x7fffffffU}, seq{t_.held[0].right.value() & 0x7fffffffU}};
}

namespace {

/// All worlds, and those where the text beyond the gap lies across 2^31 and 2^32.
template <class F>
void across_all_wraps(F exhibit) {
    everywhere(exhibit);
    for (const std::uint32_t wrap : {0U, 0x8000'0000U}) {
        for (const std::uint32_t before : {1U, 10U, 11U, 15U, 20U, 21U, 30U, 35U, 40U}) {
            world w = worlds[4];
            w.name = "numbers that wrap within the script";
            w.ours = w.peers = seq{wrap - before};
            exhibit(w);
        }
    }
}

template <class P>
void early_text_is_reported(const world& w) {
    auto tcp = in(listen, basic_subject<P>{w});
    tcp.gets("S 0:0(0) <mss 1460,sackOK>"_seg);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 1"_seg);
    tcp.gets(". 11:21(10) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 1 <sack 11:21>"_seg);
    tcp.gets(". 31:41(10) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 1 <sack 31:41 11:21>"_seg);
    expect(tcp.gets(". 1:11(10) ack 1"_seg).in_order == 20, "the gap is closed");
    tcp.emits(". 1:1(0) ack 21 <sack 31:41>"_seg);
}
TEST_CASE("Text out of order is reported right in the upper half of the numbers, too", "[M28]") {
    across_all_wraps([](const world& w) { early_text_is_reported<policies>(w); });
    CHECK(caught([] { across_all_wraps([](const world& w) { early_text_is_reported<signed_blocks>(w); }); }));
}

template <class P>
void queue_across_the_wrap(const world& w) {
    auto tcp = in(established, basic_subject<P>{w});
    const auto takes = [&](const script& s, std::uint32_t in_order, std::size_t ranges) {
        const arrival got = tcp.gets(s);
        expect(got.in_order == in_order, "as much is in order");
        expect(tcp.numbers().held.size() == ranges, "as many pieces wait");
        if (tcp.owes()) tcp.polls();
    };
    takes(". 11:16(5) ack 1"_seg, 0, 1);
    takes(". 31:41(10) ack 1"_seg, 0, 2);
    takes(". 16:21(5) ack 1"_seg, 0, 2);   // touches the first behind
    takes(". 26:31(5) ack 1"_seg, 0, 2);   // touches the second before
    takes(". 21:26(5) ack 1"_seg, 0, 1);   // joins both
    takes(". 15:30(15) ack 1"_seg, 0, 1);  // inside
    takes(". 1:11(10) ack 1"_seg, 40, 0);
}
TEST_CASE("What waits across 2^32 stays one queue", "[M37]") {
    across_all_wraps([](const world& w) { queue_across_the_wrap<policies>(w); });
    CHECK(caught([] { across_all_wraps([](const world& w) { queue_across_the_wrap<compares_plainly>(w); }); }));
}

// --- M33, M34: overlap ------------------------------------------------------------------------------------

/// Cuts off the front what has been received, and forgets to say that the text begins later.
struct forgets_to_skip : mutant {};
/// Text that runs into what waits is cut there; text that begins in it is not.
struct first_and_last_win : mutant {};

}  // namespace

template <>
constexpr trimmed tcpfsm::trim(const tcb<recorded<forgets_to_skip>>& t, const segment& arrived) noexcept {
    trimmed out{.seg = without_syn(arrived)};
    if (out.seg.seq < t.rcv.nxt) {
        out.seg.text -= std::min(t.rcv.nxt - out.seg.seq, out.seg.text);
        out.seg.seq = t.rcv.nxt;
    }
    return out;
}
template <>
constexpr trimmed tcpfsm::trim(const tcb<recorded<first_and_last_win>>& t, const segment& arrived) noexcept {
    trimmed out{.seg = without_syn(arrived)};
    extent& seg = out.seg;
    if (seg.seq < t.rcv.nxt) {
        out.skipped = std::min(t.rcv.nxt - seg.seq, seg.text);
        seg.seq += out.skipped;
        seg.text -= out.skipped;
    }
    for (std::size_t i = 0; i < t.held.size(); ++i) {
        const seq left = t.held[i].left;
        if (seg.seq < left && left < seg.seq + seg.text) seg.text = left - seg.seq;
    }
    return out;
}

namespace {

/// A stream that has just opened, and the text that it delivers.
template <class P>
class reader {
public:
    explicit reader(const world& w) : w_{w}, tcp_{w}, stream_{span_buffers{out_, in_}} {
        static_cast<void>(stream_.open_passive({.iss = w.ours}, w.begin));
        hears("S 0:0(0)"_seg, {});
        hears(". 1:1(0) ack 1"_seg, {});
    }
    arrival hears(const script& s, std::string_view text) { return hears(s.seg, text); }
    arrival hears(const segment& seg, std::string_view text) {
        const std::vector<std::uint8_t> octets{text.begin(), text.end()};  // exactly, for the sanitizer
        expect(octets.size() == seg.text, "the script says how long its text is");
        const arrival got = stream_.handle_segment(tcp_.from_peer(seg), octets, w_.begin);
        while (stream_.poll_transmit(w_.begin)) {
        }
        return got;
    }
    std::string reads() {
        std::vector<std::uint8_t> to(100);
        to.resize(stream_.receive(to, w_.begin).octets);
        return {to.begin(), to.end()};
    }

private:
    world w_;
    basic_subject<P> tcp_;
    std::vector<std::uint8_t> out_ = std::vector<std::uint8_t>(64), in_ = std::vector<std::uint8_t>(64);
    basic_stream<recorded<P>, span_buffers> stream_;
};

/// Pieces of "abcdefghijklmnopqrst" that overlap at the head, at the tail, over all and inside.
template <class P>
void overlaps(const world& w) {
    const auto both = [&](auto first, auto second) {
        reader<P> tcp{w};
        first(tcp);
        second(tcp);
        tcp.hears(". 1:5(4) ack 1"_seg, "abcd");
        tcp.hears(". 5:21(16) ack 1"_seg, "efghijklmnopqrst");
        expect(tcp.reads() == "abcdefghijklmnopqrst", "the text as it was sent");
    };
    const auto middle = [](auto& tcp) { tcp.hears(". 9:14(5) ack 1"_seg, "ijklm"); };
    const auto head = [](auto& tcp) { tcp.hears(". 6:11(5) ack 1"_seg, "fghij"); };
    const auto tail = [](auto& tcp) { tcp.hears(". 12:17(5) ack 1"_seg, "lmnop"); };
    const auto cover = [](auto& tcp) { tcp.hears(". 7:18(11) ack 1"_seg, "ghijklmnopq"); };
    const auto inside = [](auto& tcp) { tcp.hears(". 10:12(2) ack 1"_seg, "jk"); };
    const auto taken = [](auto& tcp) { tcp.hears(". 1:3(2) ack 1"_seg, "ab"); };
    both(middle, head);
    both(middle, tail);
    both(middle, cover);
    both(middle, inside);
    both(middle, taken);  // then "abcd" overlaps at its head what is in order
}
TEST_CASE("Segments that overlap at the head, the tail, over all or inside leave the text whole", "[M33]") {
    across_all_wraps([](const world& w) { overlaps<policies>(w); });
    CHECK(caught([] { everywhere([](const world& w) { overlaps<forgets_to_skip>(w); }); }));
}
TEST_CASE("Whatever overlaps in whatever order, the text is that of the model", "[M33]") {
    const std::string text = "abcdefghijklmnopqrstuvwxyz0123456789";
    rc::prop("equal to a map of octets", [&](const std::vector<std::pair<std::uint8_t, std::uint8_t>>& pieces,
                                             std::uint32_t ours, std::uint32_t peers) {
        world w = worlds[4];
        w.ours = seq{ours};
        w.peers = seq{peers};
        reader<policies> tcp{w};
        std::string got;
        std::uint64_t seen = 0;
        for (const auto& [from, length] : pieces) {
            const std::size_t at = from % text.size();
            const std::size_t n = std::min<std::size_t>(1 + length % 12, text.size() - at);
            const segment seg{.seq = seq{static_cast<std::uint32_t>(1 + at)},
                              .ack = seq{1},
                              .text = static_cast<std::uint32_t>(n),
                              .ctl = ctl::ack,
                              .wnd = 65535};
            if (tcp.hears(seg, std::string_view{text}.substr(at, n)).text != 0)
                seen |= ((std::uint64_t{1} << n) - 1) << at;
            got += tcp.reads();
        }
        std::size_t in_order = 0;
        while ((seen >> in_order & 1U) != 0) ++in_order;
        RC_ASSERT(got == text.substr(0, in_order));
    });
}

template <class P>
void different_bytes(const world& w) {
    {
        reader<P> tcp{w};
        tcp.hears(". 11:15(4) ack 1"_seg, "BBBB");
        tcp.hears(". 9:15(6) ack 1"_seg, "AAAAAA");
        tcp.hears(". 1:9(8) ack 1"_seg, "........");
        expect(tcp.reads() == "........AAAAAA", "before it is in order, the copy that came last counts");
        tcp.hears(". 13:17(4) ack 1"_seg, "CCCC");
        expect(tcp.reads() == "CC", "what was delivered is not delivered again");
    }
    {
        reader<P> tcp{w};
        tcp.hears(". 9:13(4) ack 1"_seg, "BBBB");
        tcp.hears(". 11:17(6) ack 1"_seg, "AAAAAA");
        tcp.hears(". 1:9(8) ack 1"_seg, "........");
        tcp.hears(". 1:9(8) ack 1"_seg, "CCCCCCCC");
        expect(tcp.reads() == "........BBAAAAAA", "the same rule at the tail, and none after it is in order");
    }
}
TEST_CASE("Of two different copies of an octet one rule decides, wherever they overlap", "[M34]") {
    across_all_wraps([](const world& w) { different_bytes<policies>(w); });
    CHECK(caught([] { everywhere([](const world& w) { different_bytes<first_and_last_win>(w); }); }));
}

// --- M35: longer than the window --------------------------------------------------------------------------

/// Cuts text at the edge of the window, and believes the FIN behind it.
struct believes_a_cut_fin : mutant {};
/// Cuts nothing at the edge of the window.
struct has_no_edge : mutant {};

}  // namespace

template <>
constexpr trimmed tcpfsm::trim(const tcb<recorded<believes_a_cut_fin>>& t, const segment& arrived) noexcept {
    trimmed out{.seg = without_syn(arrived)};
    const std::uint32_t room = t.rcv.wnd() - (out.seg.seq - t.rcv.nxt);
    out.seg.text = std::min(out.seg.text, room);
    return out;
}
template <>
constexpr trimmed tcpfsm::trim(const tcb<recorded<has_no_edge>>&, const segment& arrived) noexcept {
    return {.seg = without_syn(arrived)};
}

namespace {

template <class P>
void beyond_the_window() {
    auto tcp = in(listen, basic_subject<P>{parameters{.rcv_buff = 500}});
    tcp.gets("S 0:0(0) <mss 1460,sackOK>"_seg);
    tcp.emits("S. 0:0(0) ack 1 win 500"_seg);
    tcp.gets(". 1:1(0) ack 1"_seg);
    const arrival got = tcp.gets("F. 401:901(500) ack 1"_seg);
    expect(got.at == 400 && got.text == 100 && got.in_order == 0, "only what the window holds is stored");
    tcp.emits(". 1:1(0) ack 1 <sack 401:501>"_seg);
    expect(tcp.gets("P. 1:401(400) ack 1"_seg).in_order == 500, "all of the window is in order");
    tcp.emits(". 1:1(0) ack 501 win 0"_seg);
    tcp.is(established);
    expect(tcp.conn().readable() == 500, "the FIN that was cut off is forgotten");
}
TEST_CASE("Text beyond a gap ends at the window, and a FIN that is cut off is forgotten", "[M35]") {
    beyond_the_window<policies>();
    CHECK(caught([] { beyond_the_window<believes_a_cut_fin>(); }));
    CHECK(caught([] { beyond_the_window<has_no_edge>(); }));
}

}  // namespace
