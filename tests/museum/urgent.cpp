// SPDX-License-Identifier: MIT
// urgent.cpp: bugs around the urgent pointer, M15 to M21.

#include <museum/exhibit.hpp>
#include <support/catch.hpp>
#include <support/states.hpp>
#include <support/subject.hpp>

#include <tcpfsm/stream.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

// In this library the urgent pointer is a number that the user may ask about, and nothing else: no octet is
// moved, cut out or counted by it (RFC 6093).

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace tcpfsm::museum;
using enum tcpfsm::state;
using enum tcpfsm::signal;

/// How much is urgent is the pointer, less one, less what was read; whatever that gives.
struct subtracts_unchecked : mutant {};
/// The pointer of one connection is still there in the next.
struct keeps_the_pointer : mutant {};
/// Octets up to the urgent pointer are cut off the text and given elsewhere.
struct cuts_urgent_text_out : mutant {};
/// The pointer names the last urgent octet.
struct points_to_the_last : mutant {};
/// An urgent pointer beyond the text is something that must not be.
struct panics : mutant {
    struct table : rfc9293 {
        static constexpr auto rows = [] {
            auto out = std::to_array(rfc9293::rows);
            for (row& r : out) {
                if (r.on.contains(event::rcv_urg)) {
                    r.go_to = closed;
                    r.doing = delete_tcb;
                }
            }
            return out;
        }();
    };
};

}  // namespace

template <>
constexpr bool tcpfsm::moves_urgent(const tcb<recorded<subtracts_unchecked>>&, const segment& arrived) noexcept {
    return arrived.has(ctl::urg);
}
template <>
constexpr void tcpfsm::performer<recorded<subtracts_unchecked>>::perform(actions todo) noexcept {
    while (!todo.empty()) {
        const action a = todo.pop();
        perform(a);
        if ((a == action::take_urg || a == action::take_text) && why_.arrived->has(ctl::urg)) {
            rcv_.up = why_.arrived->seq + why_.arrived->up - 1U;
        }
    }
}
template <>
constexpr std::uint32_t tcpfsm::basic_connection<recorded<subtracts_unchecked>>::urgent() const noexcept {
    return tcb_.rcv.up - tcb_.rcv.unread();
}
template <>
constexpr void tcpfsm::performer<recorded<keeps_the_pointer>>::perform(actions todo) noexcept {
    while (!todo.empty()) {
        const action a = todo.pop();
        const std::uint32_t urgent = rcv_.up - rcv_.unread();
        perform(a);
        if (a == action::take_syn && why_.arrived->has(ctl::urg)) rcv_.up = rcv_.nxt + why_.arrived->up;
        const bool begins_anew = a == action::create_tcb || a == action::delete_tcb || a == action::forget_peer;
        if ((begins_anew || a == action::take_syn) && urgent != 0) rcv_.up = rcv_.unread() + urgent;
    }
}
template <>
constexpr trimmed tcpfsm::trim(const tcb<recorded<cuts_urgent_text_out>>& t, const segment& arrived) noexcept {
    trimmed out{.seg = without_syn(arrived)};
    if (out.seg.has(ctl::urg)) {
        out.skipped = arrived.up;
        out.seg.text -= out.skipped;
    }
    out.no_room = t.rcv.wnd() == 0 && out.seg.len() != 0;
    return out;
}
template <>
constexpr void tcpfsm::performer<recorded<points_to_the_last>>::perform(actions todo) noexcept {
    while (!todo.empty()) {
        const action a = todo.pop();
        perform(a);
        if (a == action::take_urg) rcv_.up = rcv_.up + 1U;
    }
}

namespace {

template <class P>
void urgent_pointer_0() {
    auto tcp = in(established, basic_subject<P>{});
    tcp.gets("PU. 1:11(10) ack 1 urg 0"_seg);
    expect(tcp.conn().urgent() == 0, "nothing is urgent if the pointer is 0");
    expect(tcp.conn().readable() == 10, "ten octets can be read");
    static_cast<void>(tcp.receive(10));
    expect(tcp.conn().urgent() == 0 && tcp.conn().readable() == 0, "nothing is left");
    tcp.gets("PU. 11:21(10) ack 1 urg 0"_seg);
    expect(tcp.conn().urgent() == 0, "nothing is urgent the second time");
    tcp.advance(P::delayed_ack);
    tcp.emits(". 1:1(0) ack 21"_seg);
}
TEST_CASE("An urgent pointer of 0 does not make 2^32 - 1 octets urgent", "[M15]") {
    urgent_pointer_0<policies>();
    CHECK(caught([] { urgent_pointer_0<subtracts_unchecked>(); }));
}

/// With URG on the SYN of a peer that then gives up; the next peer has sent nothing urgent.
template <class P>
void urgent_syn_in_listen() {
    auto tcp = in(listen, basic_subject<P>{});
    tcp.gets("SU 0:0(0) urg 500 <mss 1460>"_seg);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    tcp.gets("R 1:1(0)"_seg);
    tcp.is(listen);
    tcp.gets("S 5000:5000(0) <mss 1460>"_seg);
    const auto answer = tcp.polls();
    expect(answer.has_value(), "the next SYN is answered");
    segment ack = tcp.from_peer(". 5001:5001(0) ack 0"_seg.seg);
    ack.ack = answer->segment.seq + 1;
    tcp.hears(ack);
    tcp.is(established);
    expect(tcp.conn().urgent() == 0, "the pointer of another connection");
}
/// URG on the SYNs of both kinds of active opening.
template <class P>
void urgent_syn_in_syn_sent() {
    {
        auto tcp = in(syn_sent, basic_subject<P>{});
        tcp.gets("SU 0:0(0) urg 500 <mss 1460>"_seg);
        tcp.emits("S. 0:0(0) ack 1"_seg);
        tcp.gets("S. 0:0(0) ack 1 <mss 1460>"_seg);
        tcp.is(established);
        expect(tcp.conn().urgent() == 0, "the pointer of a SYN without an acknowledgment");
    }
    {
        // The SYN,ACK is where text may begin, so its pointer counts, and counts from there.
        auto tcp = in(syn_sent, basic_subject<P>{});
        tcp.gets("SU. 0:0(0) ack 1 urg 6 <mss 1460>"_seg);
        tcp.emits(". 1:1(0) ack 1"_seg);
        expect(tcp.conn().urgent() == 5 && tcp.conn().readable() == 0, "five octets are urgent, and none has come");
        tcp.gets("P. 1:11(10) ack 1"_seg);
        static_cast<void>(tcp.receive(10));
        expect(tcp.conn().urgent() == 0, "all that was urgent was read");
    }
}
/// A connection that ends with urgent octets unread, and the next one in its place.
template <class P>
void urgent_text_of_the_last_connection() {
    auto tcp = in(established, basic_subject<P>{});
    tcp.gets("PU. 1:11(10) ack 1 urg 700"_seg);
    expect(tcp.conn().urgent() == 700, "seven hundred octets are urgent");
    tcp.gets("R. 11:11(0) ack 1"_seg);
    tcp.is(closed);
    tcp = in(established, std::move(tcp));
    expect(tcp.conn().urgent() == 0, "the pointer of the last connection");
}
TEST_CASE("No urgent pointer is carried into a connection from its handshake or from another", "[M16]") {
    SECTION("from LISTEN") {
        urgent_syn_in_listen<policies>();
        CHECK(caught([] { urgent_syn_in_listen<keeps_the_pointer>(); }));
    }
    SECTION("from SYN-SENT") {
        urgent_syn_in_syn_sent<policies>();
        CHECK(caught([] { urgent_syn_in_syn_sent<keeps_the_pointer>(); }));
    }
    SECTION("from the last connection") {
        urgent_text_of_the_last_connection<policies>();
        CHECK(caught([] { urgent_text_of_the_last_connection<keeps_the_pointer>(); }));
    }
}

/// With octets: one that came, and a pointer 65535 beyond it.
template <class P>
void urgent_beyond_the_text() {
    auto tcp = in(established, basic_subject<P>{});
    const arrival got = tcp.gets("U. 1:2(1) ack 1 urg 65535"_seg);
    expect(got.text == 1 && got.skip == 0 && got.at == 0 && got.in_order == 1, "one octet came, and is stored");
    expect(tcp.conn().readable() == 1 && tcp.conn().urgent() == 65535, "one to be read, and more urgent ones to come");
    static_cast<void>(tcp.receive(1));
    expect(tcp.conn().urgent() == 65534, "the pointer stands");

    std::vector<std::uint8_t> out(1), in(16, 0xee);
    basic_stream<recorded<P>, span_buffers> stream{span_buffers{out, in}};
    const world& w = tcp.in_world();
    static_cast<void>(stream.open_passive({.iss = w.ours}, w.begin));
    static_cast<void>(stream.handle_segment(tcp.from_peer("S 0:0(0)"_seg.seg), {}, w.begin));
    static_cast<void>(stream.poll_transmit(w.begin));
    const std::vector<std::uint8_t> text{'x'};
    static_cast<void>(stream.handle_segment(tcp.from_peer("U. 1:2(1) ack 1 urg 65535"_seg.seg), text, w.begin));
    std::vector<std::uint8_t> read(16);
    expect(stream.receive(read, w.begin).octets == 1 && read[0] == 'x', "one octet is read");
    expect(std::count(in.begin(), in.end(), 0xee) == 15, "one octet is written");
}
TEST_CASE("An urgent pointer beyond the segment moves no octet", "[M18]") {
    urgent_beyond_the_text<policies>();
    CHECK(caught([] { urgent_beyond_the_text<cuts_urgent_text_out>(); }));
}

template <class P>
void no_panic(const script& strange) {
    auto tcp = in(established, basic_subject<P>{});
    tcp.gets(strange);
    tcp.is(established);
    static_cast<void>(tcp.polls());
    static_cast<void>(tcp.send(10));
    tcp.emits("P. 1:11(10) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 11"_seg);
    tcp.is(established);
    expect(tcp.numbers().snd.una == tcp.in_world().ours + 11, "the connection goes on");
}
TEST_CASE("No urgent pointer ends a connection", "[M19]") {
    SECTION("no text") {
        no_panic<policies>("U. 1:1(0) ack 1 urg 65535"_seg);
        CHECK(caught([] { no_panic<panics>("U. 1:1(0) ack 1 urg 65535"_seg); }));
    }
    SECTION("beyond a gap") {
        no_panic<policies>("U. 2:3(1) ack 1 urg 65535"_seg);
        CHECK(caught([] { no_panic<panics>("U. 2:3(1) ack 1 urg 65535"_seg); }));
    }
    SECTION("one octet, in every state that takes text") {
        for (const state s : {established, fin_wait_1, fin_wait_2}) {
            auto tcp = in(s);
            const seq una = tcp.numbers().snd.una;
            tcp.hears([&] {
                segment seg = tcp.from_peer("U. 1:2(1) ack 0 urg 65535"_seg.seg);
                seg.ack = una;
                return seg;
            }());
            CHECK(tcp.at() == s);
            CHECK(tcp.conn().urgent() == 65535);
        }
    }
}

/// The one rule: the pointer is one beyond the last urgent octet.
template <class P>
void meaning_of_the_pointer() {
    for (const std::uint32_t up : {9U, 10U, 11U}) {
        auto tcp = in(established, basic_subject<P>{});
        segment seg = tcp.from_peer("PU. 1:11(10) ack 1 urg 0"_seg.seg);
        seg.up = static_cast<std::uint16_t>(up);
        tcp.hears(seg);
        tcp.tells(tell_urgent);
        expect(tcp.conn().urgent() == up, "the pointer counts octets, the last urgent one included");
        static_cast<void>(tcp.receive(9));
        expect(tcp.conn().urgent() == up - 9, "as many remain");
        static_cast<void>(tcp.receive(1));
        expect(tcp.conn().urgent() == (up == 11 ? 1 : 0), "as many are to come");
    }
    auto tcp = in(established, basic_subject<P>{});
    static_cast<void>(tcp.send_urgent(10));
    tcp.emits("PU. 1:11(10) ack 1 urg 10"_seg);  // the sender's rule is the same
}
TEST_CASE("The urgent pointer has one meaning, one beyond the last urgent octet", "[M21][RFC 6093 2.1]") {
    meaning_of_the_pointer<policies>();
    CHECK(caught([] { meaning_of_the_pointer<points_to_the_last>(); }));
}

}  // namespace
