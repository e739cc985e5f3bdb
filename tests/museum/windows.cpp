// SPDX-License-Identifier: MIT
// windows.cpp: windows that shut, shrink and never open, and what became of those who waited.

#include "altered.hpp"
#include "exhibit.hpp"

#include <support/pair.hpp>

#include <chrono>

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace tcpfsm::museum;
using namespace std::chrono_literals;
using enum tcpfsm::state;
using enum tcpfsm::answer;
using enum tcpfsm::signal;

// --- M40: a peer that keeps its window shut for ever (CVE-2008-4609) -----------------------------------

namespace {

/// ABORT waits for the text that is queued, as CLOSE does.
struct polite_abort : mutant {
    using table = altered<[] { return row{established, event::abort, fin_wait_1, action::snd_fin, "a mutant", ok}; }>;
};
/// The user timeout begins again with each probe, answered or not.
struct endless_patience : mutant {};

}  // namespace

template <>
constexpr void tcpfsm::performer<recorded<endless_patience>>::perform(actions todo) noexcept {
    while (!todo.empty()) {
        const action a = todo.pop();
        perform(a);
        if (a == action::snd_probe) t_.stalled_since = why_.now;
    }
}

namespace {

template <class P>
void window_shut_for_ever() {
    auto tcp = in(established, basic_subject<P>{});
    tcp.gets(". 1:1(0) ack 1 win 0"_seg);
    expect(tcp.send(1000) == ok, "text waits for the window");
    duration waited{};
    for (int i = 0; i < 100; ++i) {
        const duration wait = tcp.conn().poll_timeout() - tcp.now();
        expect(wait >= std::min<duration>(waited * 2, 60s), "an attacker is sent ever fewer probes");
        waited = wait;
        tcp.advance(wait);
        tcp.emits(". 1:2(1) ack 1"_seg);
        tcp.gets(". 1:1(0) ack 1 win 0"_seg);
        expect(tcp.numbers().snd.shut() && tcp.numbers().snd.queued() == 1000,
               "the caller sees that he is kept waiting");
    }
    tcp.is(established);  // MUST-37
    auto silent = tcp;

    expect(tcp.abort() == ok, "the caller has had enough");
    tcp.emits("R 2:2(0)"_seg);
    tcp.is(closed);
    tcp.never_wakes();
    expect(tcp.numbers().snd.queued() == 0, "nothing is kept");

    silent.loses(5min);
    silent.is(closed);
    silent.tells(tell_timed_out);
    silent.never_wakes();
}

TEST_CASE("A peer that keeps its window shut cannot hold a connection against the will of its user",
          "[museum][M40][3.8.6.1][MUST-37]") {
    window_shut_for_ever<policies>();
    CHECK(caught([] { window_shut_for_ever<polite_abort>(); }));
    CHECK(caught([] { window_shut_for_ever<endless_patience>(); }));
}

// --- M42: LAST-ACK with a shut window (CVE-2015-5358) ---------------------------------------------------

/// Once the user has closed, the user timeout does not come any more while there is something to probe for.
struct stuck_in_last_ack : mutant {};

}  // namespace

template <>
constexpr void tcpfsm::performer<recorded<stuck_in_last_ack>>::perform(actions todo) noexcept {
    while (!todo.empty()) {
        const action a = todo.pop();
        perform(a);
        if (a == action::snd_probe && snd_.fin) t_.stalled_since = why_.now;
    }
}

namespace {

template <class P>
void last_ack_with_a_shut_window() {
    auto tcp = in(close_wait, basic_subject<P>{});
    expect(tcp.send(1000) == ok, "text,");
    tcp.emits("P. 1:1001(1000) ack 2"_seg);
    expect(tcp.close() == ok, "and a CLOSE behind it");
    tcp.emits("F. 1001:1001(0) ack 2"_seg);
    tcp.is(last_ack);
    tcp.gets(". 2:2(0) ack 1 win 0"_seg);
    for (int i = 0; i < 20; ++i) {
        tcp.advance(tcp.conn().poll_timeout() - tcp.now());
        tcp.emits(". 1:2(1) ack 2"_seg);
        tcp.gets(". 2:2(0) ack 1 win 0"_seg);
    }
    auto silent = tcp;
    expect(tcp.abort() == ok, "the caller has had enough");
    tcp.is(closed);
    tcp.never_wakes();

    silent.loses(5min);
    silent.is(closed);
    silent.tells(tell_timed_out);
    silent.never_wakes();
}

TEST_CASE("LAST-ACK does not last for ever when the peer shuts its window and goes away",
          "[museum][M42][3.10.8][3.8.6.1]") {
    last_ack_with_a_shut_window<policies>();
    CHECK(caught([] { last_ack_with_a_shut_window<stuck_in_last_ack>(); }));
}

// --- M43: a divisor that a disconnect makes zero (CVE-2017-14106) ---------------------------------------

/// The window is a multiple of what we announced as MSS, by division.
struct window_in_segments : mutant {};

}  // namespace

template <>
constexpr std::uint16_t tcpfsm::emitter<recorded<window_in_segments>>::window(bool) noexcept {
    const std::uint32_t offer = (rcv_.limit() - rcv_.nxt) / rcv_.mss * rcv_.mss;
    rcv_.edge = rcv_.nxt + offer;
    return static_cast<std::uint16_t>(offer);
}

namespace {

template <class P>
constexpr bool sizes_of_zero(const world& w) {
    basic_subject<P> tcp{w, {.rcv_buff = 100, .mss = 0}};
    establish(tcp, opened::actively);
    tcp.gets("P. 1:101(100) ack 1"_seg);
    expect(tcp.receive(100) == ok, "read");
    while (tcp.polls()) {
    }
    expect(tcp.abort() == ok, "disconnected");
    tcp.emits("R 1:1(0)"_seg);
    expect(tcp.receive(1) == err_no_connection && tcp.send(1) == err_no_connection && tcp.close() == err_no_connection,
           "nothing is left that could be asked for");
    tcp.emits_nothing();
    return true;
}
/// A division by zero is no constant expression, so the compiler can tell.
template <auto Script>
concept runs_in_the_compiler = requires {
    typename std::bool_constant<Script()>;
};
template <class P>
void divides_by_no_size() {
    expect(runs_in_the_compiler<[] { return everywhere(sizes_of_zero<P>); }>, "something undefined happened");
}

TEST_CASE("No size that is zero is ever divided by, not after a disconnect either", "[museum][M43][3.10.5]") {
    divides_by_no_size<policies>();
    CHECK(caught([] { divides_by_no_size<window_in_segments>(); }));
}

// --- M45: a window that shrinks below what was sent ------------------------------------------------------

/// SND.UNA + SND.WND - SND.NXT, unsigned.
struct negative_room : mutant {};

}  // namespace

template <>
constexpr auto tcpfsm::next_segment<recorded<negative_room>>::fresh() const noexcept -> std::optional<stretch> {
    const std::uint32_t room = snd_.una + snd_.wnd - snd_.nxt;
    const std::uint32_t n = std::min({snd_.unsent(), room, full()});
    return n == 0 ? std::nullopt : std::optional{stretch{snd_.nxt, n}};
}

namespace {

template <class P>
void shrinking_window() {
    auto tcp = in(established, basic_subject<P>{});
    tcp.gets(". 1:1(0) ack 1 win 10220"_seg);
    expect(tcp.send(12000) == ok, "more than fits");
    for (int i = 0; i < 6; ++i) tcp.polls();
    tcp.emits(". 8761:10221(1460) ack 1"_seg);
    tcp.emits_nothing();
    tcp.gets(". 1:1(0) ack 1 win 1000"_seg);
    tcp.emits_nothing();
    expect(tcp.send(5000) == ok, "more yet");
    tcp.emits_nothing();
    expect(tcp.numbers().snd.nxt == tcp.in_world().ours + 10221, "SND.NXT stays");
    tcp.advance(1s);
    tcp.emits(". 1:1001(1000) ack 1"_seg);
    tcp.emits_nothing();
    tcp.gets(". 1:1(0) ack 10221 win 1500"_seg);  // an ACK beyond the shrunken window counts
    tcp.emits(". 10221:11681(1460) ack 1"_seg);
    tcp.emits_nothing();
}

TEST_CASE("A window that shrinks below what was sent does not become a huge one",
          "[museum][M45][3.8.6][MUST-34][SHLD-15]") {
    shrinking_window<policies>();
    CHECK(caught([] { shrinking_window<negative_room>(); }));
}

// --- M46: the update that opens the window is lost ---------------------------------------------------------

/// The persist timer runs, and sends nothing.
struct mute_persist : mutant {};

}  // namespace

template <>
constexpr void tcpfsm::performer<recorded<mute_persist>>::snd_probe() noexcept {
    t_.armed_at = why_.now;
}

namespace {

template <class P>
void lost_window_update() {
    auto tcp = in(established, basic_subject<P>{});
    tcp.gets(". 1:1(0) ack 1 win 0"_seg);
    expect(tcp.send(1000) == ok, "text waits");
    tcp.emits_nothing();
    tcp.advance(1s);  // ". 1:1(0) ack 1 win 5000" got lost meanwhile
    tcp.emits(". 1:2(1) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 2 win 5000"_seg);
    tcp.emits("P. 2:1001(999) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 1001 win 5000"_seg);
    tcp.never_wakes();
}

TEST_CASE("A lost window update does not stop a connection", "[museum][M46][3.8.6.1][MUST-36]") {
    lost_window_update<policies>();
    CHECK(caught([] { lost_window_update<mute_persist>(); }));
}

// --- M47: both windows shut ------------------------------------------------------------------------------

/// An ACK bears SND.NXT, which a probe has moved beyond the shut window of the peer. So no ACK is heard, and each is
/// answered with another one.
struct ack_beyond_the_window : mutant {};

}  // namespace

template <>
constexpr auto tcpfsm::emitter<recorded<ack_beyond_the_window>>::bare_ack() noexcept -> std::optional<transmit> {
    std::optional<transmit> out{std::in_place};
    write_header(out->segment, snd_.nxt, ctl::ack);
    return out;
}

namespace {

template <class P>
void both_windows_shut() {
    everywhere([](const world& w) {
        test::pair<wire_between, P> both{w, {.rcv_buff = 3000}, {.rcv_buff = 3000}};
        static_cast<void>(both.b.open_passive());
        static_cast<void>(both.a.open_active());
        both.drive_until_quiet();
        static_cast<void>(both.a.send(9000));
        static_cast<void>(both.b.send(9000));
        both.drive(500ms);
        expect(both.a.numbers().snd.shut() && both.b.numbers().snd.shut(), "both are shut");
        const std::size_t before = both.log().size();
        both.drive(70s);
        const std::size_t crossed = both.log().size() - before;
        const auto probes = static_cast<std::size_t>(
            std::count_if(both.log().begin(), both.log().end(), [](const crossing& c) { return c.segment.text == 1; }));
        expect(probes >= 2 * 5 && probes <= 2 * 6, "probes after 1, 2, 4 ... seconds, of both sides");
        expect(crossed <= 2 * probes, "and an answer to each");
        static_cast<void>(both.a.receive(3000));
        both.drive(100ms);
        expect(both.received_by_a().in_order() >= 5000, "the first window that opens is heard of at once");
    });
}

TEST_CASE("Two ends with shut windows do not answer each other for ever, nor are they deaf", "[museum][M47][3.8.6.1]") {
    both_windows_shut<policies>();
    CHECK(caught([] { both_windows_shut<ack_beyond_the_window>(); }));
}

// --- M48: an old segment and the window -----------------------------------------------------------------

/// Every acceptable segment sets the window.
struct any_window : mutant {};
/// WL1 and WL2 begin at zero instead of at the handshake.
struct forgotten_wl1 : mutant {};

}  // namespace

template <>
constexpr void tcpfsm::performer<recorded<any_window>>::perform(actions todo) noexcept {
    while (!todo.empty()) {
        const action a = todo.pop();
        perform(a);
        if (a == action::take_ack) snd_.wnd = why_.arrived->wnd;
    }
}
template <>
constexpr void tcpfsm::performer<recorded<forgotten_wl1>>::perform(actions todo) noexcept {
    while (!todo.empty()) {
        const action a = todo.pop();
        const bool in_handshake = !snd_.synced;
        perform(a);
        if (in_handshake) snd_.wl1 = snd_.wl2 = seq{};
    }
}

namespace {

template <class P>
void old_segment_with_a_window() {
    for (const opened how : {opened::actively, opened::passively}) {
        everywhere([how](const world& w) {
            auto tcp = in(established, basic_subject<P>{w}, how);
            tcp.gets(". 1:1(0) ack 1 win 1000"_seg);
            expect(tcp.numbers().snd.wnd == 1000, "the first window after the handshake counts");
            tcp.gets(". 101:201(100) ack 1 win 3000"_seg);
            tcp.emits(". 1:1(0) ack 1"_seg);
            tcp.gets(". 1:101(100) ack 1 win 100"_seg);  // was sent before it
            tcp.emits(". 1:1(0) ack 201"_seg);
            expect(tcp.send(1460) == ok, "one segment");
            tcp.emits("P. 1:1461(1460) ack 201"_seg);
        });
    }
}

TEST_CASE("A segment that was overtaken does not bring back the window of its time", "[museum][M48][3.10.7.4][3.3.1]") {
    old_segment_with_a_window<policies>();
    CHECK(caught([] { old_segment_with_a_window<any_window>(); }));
    CHECK(caught([] { old_segment_with_a_window<forgotten_wl1>(); }));
}

// --- M49: the window of a SYN is not scaled -----------------------------------------------------------------

/// The shift is applied to every window.
struct scaled_syn_window : mutant {};

}  // namespace

template <>
constexpr void tcpfsm::performer<recorded<scaled_syn_window>>::perform(actions todo) noexcept {
    while (!todo.empty()) {
        const action a = todo.pop();
        perform(a);
        if (a == action::take_syn) snd_.wnd <<= snd_.shift;
        if (a == action::take_ack && why_.arrived->has(ctl::syn)) snd_.wnd <<= snd_.shift;
    }
}

namespace {

template <class P>
void window_of_a_syn() {
    basic_subject<P> tcp;
    static_cast<void>(tcp.open_active());
    tcp.emits("S 0:0(0)"_seg);
    tcp.gets("S. 0:0(0) ack 1 win 1000 <mss 1460,wscale 7>"_seg);
    tcp.emits(". 1:1(0) ack 1"_seg);
    expect(tcp.send(5000) == ok, "more than the window");
    tcp.emits(". 1:1001(1000) ack 1"_seg);
    tcp.emits_nothing();
    tcp.gets(". 1:1(0) ack 1001 win 10"_seg);  // 1280: now it is scaled
    tcp.emits(". 1001:2281(1280) ack 1"_seg);
    tcp.emits_nothing();
}

TEST_CASE("The window of a SYN is not scaled", "[museum][M49][RFC 7323 2.2]") {
    window_of_a_syn<policies>();
    CHECK(caught([] { window_of_a_syn<scaled_syn_window>(); }));
}

// --- M51: nothing but a FIN behind a shut window -----------------------------------------------------------

/// A FIN is nothing that a window could be probed for.
struct fin_is_nothing : mutant {};

}  // namespace

template <>
constexpr void tcpfsm::performer<recorded<fin_is_nothing>>::snd_probe() noexcept {
    snd_.probe = snd_.unsent() != 0;
    ++snd_.probes;
    t_.armed_at = why_.now;
}

namespace {

template <class P>
void fin_behind_a_shut_window() {
    auto tcp = in(established, basic_subject<P>{});
    tcp.gets(". 1:1(0) ack 1 win 0"_seg);
    expect(tcp.close() == ok, "nothing but a FIN is left to send");
    tcp.emits_nothing();
    tcp.advance(1s);
    tcp.emits("F. 1:1(0) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 1 win 0"_seg);
    tcp.advance(2s);
    tcp.emits("F. 1:1(0) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 2 win 0"_seg);
    tcp.is(fin_wait_2);
    tcp.never_wakes();
}

TEST_CASE("A FIN alone does not wait for ever behind a shut window", "[museum][M51][3.8.6.1]") {
    fin_behind_a_shut_window<policies>();
    CHECK(caught([] { fin_behind_a_shut_window<fin_is_nothing>(); }));
}

// --- M52: a congestion window that grows without end -----------------------------------------------------

/// No bound: 32 bits wrap.
class unbounded {
public:
    constexpr void begin(path p, bool) noexcept { cwnd_ = p.smss; }
    constexpr void lost(path p) noexcept { cwnd_ = p.flight / 2; }
    constexpr void acked(path p, std::uint32_t) noexcept { cwnd_ += p.smss; }
    [[nodiscard]] constexpr std::uint32_t window() const noexcept { return cwnd_; }

private:
    std::uint32_t cwnd_ = 0;
};

template <class C>
void endless_growth() {
    for (const std::uint32_t smss : {1460U, 9000U, 65535U}) {
        for (const bool avoiding : {false, true}) {
            C congestion;
            congestion.begin({smss, 0}, false);
            if (avoiding) congestion.lost({smss, 1U << 30U});
            std::uint32_t before = congestion.window();
            for (std::uint64_t grown = 0; grown < std::uint64_t{5} << 30U; grown += smss) {
                congestion.acked({smss, before}, avoiding ? before : smss);
                expect(congestion.window() >= before, "the window fell, and nothing was lost");
                before = congestion.window();
            }
            expect(before >= 1U << 30U, "it grew as far as a window can");
        }
    }
}

TEST_CASE("A congestion window that grows for ever does not wrap", "[museum][M52][RFC 5681 3.1]") {
    endless_growth<new_reno>();
    CHECK(caught([] { endless_growth<unbounded>(); }));
}

}  // namespace
