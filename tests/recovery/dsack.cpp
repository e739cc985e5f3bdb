// SPDX-License-Identifier: MIT
// dsack.cpp: SACK blocks about what came twice (RFC 2883), before the others (RFC 2018).

#include <support/catch.hpp>
#include <support/states.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <tuple>
#include <vector>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;
using enum tcpfsm::state;
using enum tcpfsm::event;

struct without_dsack : policies {
    static constexpr bool dsack = false;
};
struct without_sack : policies {
    static constexpr bool sack = false;
};
// A policy that is off takes no room.
static_assert(sizeof(tcb<without_dsack>) < sizeof(tcb<policies>));
static_assert(sizeof(tcb<without_sack>) < sizeof(tcb<without_dsack>));

/// ESTABLISHED with SACK; the peer's text begins at 1, and 999 octets of it have come.
template <class P = policies>
basic_subject<P> sacking() {
    auto tcp = in(listen, basic_subject<P>{});
    tcp.gets("S 0:0(0) <mss 1460,sackOK>"_seg);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    tcp.gets(". 1:1000(999) ack 1"_seg);
    tcp.advance(policies::delayed_ack);
    tcp.emits(". 1:1(0) ack 1000 <>"_seg);
    return tcp;
}
/// The same with timestamps.
subject stamped() {
    subject tcp = in(listen);
    tcp.gets("S 0:0(0) <mss 1460,sackOK,TS val 1000 ecr 0>"_seg);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    tcp.gets(". 1:1000(999) ack 1 <TS val 1000 ecr 1000>"_seg);
    tcp.advance(policies::delayed_ack);
    tcp.emits(". 1:1(0) ack 1000"_seg);
    return tcp;
}
/// Text in order, acknowledged in time.
template <class P>
void takes(basic_subject<P>& tcp, const script& text, const script& ack, where w = where::here()) {
    tcp.gets(text, w);
    if (!tcp.owes()) tcp.advance(policies::delayed_ack, w);
    tcp.emits(ack, w);
}

// --- The examples of RFC 2883; what they lose on the way back is seen here, too ----------------------------

TEST_CASE("D-SACK: a segment below RCV.NXT comes again", "[RFC 2883 4.1.1][2883-1]") {
    auto tcp = sacking();
    takes(tcp, ". 1000:3000(2000) ack 1"_seg, ". 1:1(0) ack 3000 <>"_seg);
    takes(tcp, ". 3000:3500(500) ack 1"_seg, ". 1:1(0) ack 3500 <>"_seg);
    takes(tcp, ". 3500:4000(500) ack 1"_seg, ". 1:1(0) ack 4000 <>"_seg);
    tcp.gets(". 3000:3500(500) ack 1"_seg);
    CHECK(tcp.judged() == rcv_outside_text);
    tcp.emits(". 1:1(0) ack 4000 <sack 3000:3500>"_seg);
}

TEST_CASE("D-SACK: the duplicate goes before what waits beyond a gap", "[RFC 2883 4.1.2][2883-1]") {
    auto tcp = sacking();
    takes(tcp, ". 1000:4000(3000) ack 1"_seg, ". 1:1(0) ack 4000 <>"_seg);
    takes(tcp, ". 4500:5000(500) ack 1"_seg, ". 1:1(0) ack 4000 <sack 4500:5000>"_seg);
    takes(tcp, ". 3000:3500(500) ack 1"_seg, ". 1:1(0) ack 4000 <sack 3000:3500 4500:5000>"_seg);
}

TEST_CASE("D-SACK: a duplicate that lies in a range that waits is followed by that range", "[RFC 2883 4.1.3][2883-1]") {
    auto tcp = sacking();
    takes(tcp, ". 1000:4000(3000) ack 1"_seg, ". 1:1(0) ack 4000 <>"_seg);
    takes(tcp, ". 4500:5000(500) ack 1"_seg, ". 1:1(0) ack 4000 <sack 4500:5000>"_seg);
    takes(tcp, ". 5000:5500(500) ack 1"_seg, ". 1:1(0) ack 4000 <sack 4500:5500>"_seg);
    takes(tcp, ". 5000:5500(500) ack 1"_seg, ". 1:1(0) ack 4000 <sack 5000:5500 4500:5500>"_seg);
}

TEST_CASE("D-SACK: of a segment that is new in part, the part below RCV.NXT", "[RFC 2883 4.2.1][2883-2]") {
    auto tcp = sacking();
    takes(tcp, ". 1000:1500(500) ack 1"_seg, ". 1:1(0) ack 1500 <>"_seg);
    takes(tcp, ". 2000:2500(500) ack 1"_seg, ". 1:1(0) ack 1500 <sack 2000:2500>"_seg);
    takes(tcp, ". 1000:2000(1000) ack 1"_seg, ". 1:1(0) ack 2500 <sack 1000:1500>"_seg);
}

TEST_CASE("D-SACK: of two stretches that came again with one segment, the first", "[RFC 2883 4.2.2][2883-2]") {
    auto tcp = sacking();
    takes(tcp, ". 1000:1500(500) ack 1"_seg, ". 1:1(0) ack 1500 <>"_seg);
    takes(tcp, ". 2000:2500(500) ack 1"_seg, ". 1:1(0) ack 1500 <sack 2000:2500>"_seg);
    takes(tcp, ". 3000:3500(500) ack 1"_seg, ". 1:1(0) ack 1500 <sack 3000:3500 2000:2500>"_seg);
    takes(tcp, ". 1000:2500(1500) ack 1"_seg, ". 1:1(0) ack 2500 <sack 1000:1500 3000:3500>"_seg);
}

// The figure prints 2000-2499 for the third segment; then it would touch the second, and its own blocks would be
// others. What they tell is 2500-2999.
TEST_CASE("D-SACK: of two stretches that wait, the first, then the range that is now around it",
          "[RFC 2883 4.2.3][2883-2]") {
    auto tcp = sacking();
    takes(tcp, ". 3500:4000(500) ack 1"_seg, ". 1:1(0) ack 1000 <sack 3500:4000>"_seg);
    takes(tcp, ". 1500:2000(500) ack 1"_seg, ". 1:1(0) ack 1000 <sack 1500:2000 3500:4000>"_seg);
    takes(tcp, ". 2500:3000(500) ack 1"_seg, ". 1:1(0) ack 1000 <sack 2500:3000 1500:2000 3500:4000>"_seg);
    takes(tcp, ". 1500:3000(1500) ack 1"_seg, ". 1:1(0) ack 1000 <sack 1500:2000 1500:3000 3500:4000>"_seg);
}

// --- What the examples do not show ---------------------------------------------------------------------------

TEST_CASE("D-SACK: a duplicate is told once", "[RFC 2883 4][2883-1]") {
    auto tcp = sacking();
    takes(tcp, ". 1500:2000(500) ack 1"_seg, ". 1:1(0) ack 1000 <sack 1500:2000>"_seg);
    takes(tcp, ". 500:900(400) ack 1"_seg, ". 1:1(0) ack 1000 <sack 500:900 1500:2000>"_seg);
    CHECK(tcp.conn().numbers().duplicate == duplicate_debt{});
    static_cast<void>(tcp.send(10));
    tcp.emits("P. 1:11(10) ack 1000 <sack 1500:2000>"_seg);
    tcp.advance(200'002us);  // a probe of the tail
    tcp.emits("P. 1:11(10) ack 1000 <sack 1500:2000>"_seg);
}

TEST_CASE("D-SACK: a duplicate that comes twice more is told twice", "[RFC 2883 4][2883-1]") {
    auto tcp = sacking();
    takes(tcp, ". 500:900(400) ack 1"_seg, ". 1:1(0) ack 1000 <sack 500:900>"_seg);
    takes(tcp, ". 500:900(400) ack 1"_seg, ". 1:1(0) ack 1000 <sack 500:900>"_seg);
}

TEST_CASE("D-SACK: text of ours tells it as an ACK would", "[RFC 2883 4][2883-1]") {
    auto tcp = sacking();
    tcp.gets(". 500:900(400) ack 1"_seg);
    tcp.leaves_unpolled();
    static_cast<void>(tcp.send(10));
    tcp.emits("P. 1:11(10) ack 1000 <sack 500:900>"_seg);
}

TEST_CASE("D-SACK: the option takes its room from the text, and only then", "[3.7.1][MUST-16][RFC 2883 4]") {
    auto tcp = sacking();
    tcp.gets(". 500:900(400) ack 1"_seg);
    tcp.leaves_unpolled();
    static_cast<void>(tcp.send(5000));
    tcp.emits(". 1:1449(1448) ack 1000 <sack 500:900>"_seg);
    tcp.emits(". 1449:2909(1460) ack 1000 <>"_seg);
}

TEST_CASE("D-SACK: of a segment that is old in part and in order, the ACK is not hurried", "[RFC 2883 4][2883-2]") {
    auto tcp = sacking();
    CHECK(tcp.gets(". 900:1100(200) ack 1"_seg).in_order == 100);
    tcp.emits_nothing();
    tcp.advance(policies::delayed_ack);
    tcp.emits(". 1:1(0) ack 1100 <sack 900:1000>"_seg);
}

TEST_CASE("D-SACK: four blocks, three beside timestamps, the duplicate among them", "[RFC 2883 4][2018-7][2883-1]") {
    SECTION("four") {
        auto tcp = sacking();
        for (const script& s : {". 1010:1020(10) ack 1"_seg, ". 1030:1040(10) ack 1"_seg, ". 1050:1060(10) ack 1"_seg,
                                ". 1070:1080(10) ack 1"_seg}) {
            tcp.gets(s);
            static_cast<void>(tcp.polls());
        }
        takes(tcp, ". 500:900(400) ack 1"_seg, ". 1:1(0) ack 1000 <sack 500:900 1070:1080 1050:1060 1030:1040>"_seg);
        takes(tcp, ". 1032:1036(4) ack 1"_seg, ". 1:1(0) ack 1000 <sack 1032:1036 1030:1040 1070:1080 1050:1060>"_seg);
    }
    SECTION("three") {
        subject tcp = stamped();
        for (const script& s :
             {". 1010:1020(10) ack 1 <TS val 1000 ecr 1000>"_seg, ". 1030:1040(10) ack 1 <TS val 1000 ecr 1000>"_seg,
              ". 1050:1060(10) ack 1 <TS val 1000 ecr 1000>"_seg}) {
            tcp.gets(s);
            static_cast<void>(tcp.polls());
        }
        tcp.gets(". 500:900(400) ack 1 <TS val 1000 ecr 1000>"_seg);
        tcp.emits(". 1:1(0) ack 1000 <TS val 1040 ecr 1000,sack 500:900 1050:1060 1030:1040>"_seg);
    }
}

TEST_CASE("D-SACK: a segment overtaken by its own retransmission, which PAWS refuses", "[RFC 2883 5][2883-1]") {
    subject tcp = stamped();
    tcp.gets(". 1000:1500(500) ack 1 <TS val 1300 ecr 1040>"_seg);
    tcp.advance(policies::delayed_ack);
    tcp.emits(". 1:1(0) ack 1500"_seg);
    tcp.gets(". 1000:1500(500) ack 1 <TS val 1050 ecr 1040>"_seg);
    CHECK(tcp.judged() == rcv_paws);
    tcp.emits(". 1:1(0) ack 1500 <TS val 1080 ecr 1300,sack 1000:1500>"_seg);
}

TEST_CASE("D-SACK: what PAWS refuses does not make the range around it the newest, and that range comes second still",
          "[RFC 2883 4][2883-1]") {
    subject tcp = stamped();
    for (const script& s :
         {". 1500:2000(500) ack 1 <TS val 1300 ecr 1040>"_seg, ". 2500:3000(500) ack 1 <TS val 1300 ecr 1040>"_seg}) {
        tcp.gets(s);
        static_cast<void>(tcp.polls());
    }
    tcp.gets(". 1000:1100(100) ack 1 <TS val 1400 ecr 1040>"_seg);
    tcp.emits(". 1:1(0) ack 1100 <TS val 1040 ecr 1400,sack 2500:3000 1500:2000>"_seg);
    tcp.gets(". 1500:1800(300) ack 1 <TS val 1300 ecr 1040>"_seg);
    CHECK(tcp.judged() == rcv_paws);
    tcp.emits(". 1:1(0) ack 1100 <TS val 1040 ecr 1400,sack 1500:1800 1500:2000 2500:3000>"_seg);
}

TEST_CASE("D-SACK: the peer's FIN comes again", "[RFC 2883 4][2883-1]") {
    auto tcp = sacking();
    tcp.gets("F. 1000:1100(100) ack 1"_seg);
    tcp.emits(". 1:1(0) ack 1101 <>"_seg);
    takes(tcp, "F. 1000:1100(100) ack 1"_seg, ". 1:1(0) ack 1101 <sack 1000:1101>"_seg);
    SECTION("in CLOSE-WAIT") {
        tcp.is(close_wait);
        takes(tcp, "F. 1100:1100(0) ack 1"_seg, ". 1:1(0) ack 1101 <sack 1100:1101>"_seg);
    }
    SECTION("in LAST-ACK") {
        static_cast<void>(tcp.close());
        tcp.emits("F. 1:1(0) ack 1101 <>"_seg);
        takes(tcp, "F. 1100:1100(0) ack 1"_seg, ". 2:2(0) ack 1101 <sack 1100:1101>"_seg);
    }
}

TEST_CASE("D-SACK: the peer's FIN comes again in TIME-WAIT", "[RFC 2883 4][2883-1]") {
    auto tcp = sacking();
    static_cast<void>(tcp.close());
    tcp.emits("F. 1:1(0) ack 1000"_seg);
    tcp.gets("F. 1000:1000(0) ack 2"_seg);
    tcp.emits(". 2:2(0) ack 1001 <>"_seg);
    tcp.is(time_wait);
    takes(tcp, "F. 1000:1000(0) ack 2"_seg, ". 2:2(0) ack 1001 <sack 1000:1001>"_seg);
}

TEST_CASE("D-SACK: a FIN that waits beyond a gap is no duplicate when its text comes again", "[RFC 2883 4][2883-2]") {
    auto tcp = sacking();
    takes(tcp, "F. 1500:2000(500) ack 1"_seg, ". 1:1(0) ack 1000 <sack 1500:2000>"_seg);
    takes(tcp, "F. 1500:2000(500) ack 1"_seg, ". 1:1(0) ack 1000 <sack 1500:2000 1500:2000>"_seg);
    CHECK(tcp.gets(". 1000:1500(500) ack 1"_seg).in_order == 1000);
    tcp.emits(". 1:1(0) ack 2001 <>"_seg);
}

TEST_CASE("D-SACK: a keep-alive probe with an octet of the last text is a duplicate, one without is not",
          "[RFC 2883 4][3.8.4]") {
    auto tcp = sacking();
    takes(tcp, ". 999:1000(1) ack 1"_seg, ". 1:1(0) ack 1000 <sack 999:1000>"_seg);
    takes(tcp, ". 999:999(0) ack 1"_seg, ". 1:1(0) ack 1000 <>"_seg);
}

TEST_CASE("D-SACK: text beyond the window is no duplicate", "[RFC 2883 4]") {
    auto tcp = sacking();
    tcp.gets(". 70000:70010(10) ack 1"_seg);
    CHECK(tcp.judged() == rcv_outside_text);
    tcp.emits(". 1:1(0) ack 1000 <>"_seg);
}

TEST_CASE("D-SACK: at a shut window, the part that the peer has sent before", "[RFC 2883 4][2883-2][MUST-66]") {
    subject tcp = in(listen, subject{{.rcv_buff = 1000}});
    tcp.gets("S 0:0(0) <mss 1460,sackOK>"_seg);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    tcp.gets(". 1:1001(1000) ack 1"_seg);
    tcp.advance(policies::delayed_ack);
    tcp.emits(". 1:1(0) ack 1001 win 0 <>"_seg);
    takes(tcp, ". 901:1002(101) ack 1"_seg, ". 1:1(0) ack 1001 win 0 <sack 901:1001>"_seg);
}

TEST_CASE("D-SACK: text of the SYN waits for the handshake untold, and is a duplicate when it comes again",
          "[RFC 2883 4][3.10.7.2]") {
    subject tcp = in(listen);
    tcp.gets("S 0:100(100) <mss 1460,sackOK>"_seg);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    SECTION("a challenge ACK before the handshake has ended does not tell of it") {
        tcp.gets(". 70000:70000(0) ack 1"_seg);
        tcp.emits(". 1:1(0) ack 1 <>"_seg);
    }
    SECTION("once more behind the handshake") {
        CHECK(tcp.gets(". 1:101(100) ack 1"_seg).in_order == 100);
        tcp.emits(". 1:1(0) ack 101 <sack 1:101>"_seg);
    }
    SECTION("not once more") {
        CHECK(tcp.gets(". 101:201(100) ack 1"_seg).in_order == 200);
        tcp.emits(". 1:1(0) ack 201 <>"_seg);
    }
}

TEST_CASE("D-SACK: a peer that did not permit SACK is told nothing", "[RFC 2018 2][2018-2]") {
    subject tcp = in(established);
    tcp.gets(". 1:101(100) ack 1"_seg);
    tcp.advance(policies::delayed_ack);
    tcp.emits(". 1:1(0) ack 101 <>"_seg);
    takes(tcp, ". 1:101(100) ack 1"_seg, ". 1:1(0) ack 101 <>"_seg);
}

TEST_CASE("D-SACK: a policy switches it off, and leaves the blocks of RFC 2018", "[RFC 2883 4][2018-6]") {
    auto tcp = sacking<without_dsack>();
    takes(tcp, ". 1500:2000(500) ack 1"_seg, ". 1:1(0) ack 1000 <sack 1500:2000>"_seg);
    takes(tcp, ". 2500:3000(500) ack 1"_seg, ". 1:1(0) ack 1000 <sack 2500:3000 1500:2000>"_seg);
    takes(tcp, ". 500:900(400) ack 1"_seg, ". 1:1(0) ack 1000 <sack 2500:3000 1500:2000>"_seg);
    takes(tcp, ". 1500:2000(500) ack 1"_seg, ". 1:1(0) ack 1000 <sack 1500:2000 2500:3000>"_seg);
}

// --- For whatever arrives ---------------------------------------------------------------------------------

TEST_CASE("D-SACK: blocks against a set of octets", "[2018-6][2018-7][2018-9][2883-1][2883-2]") {
    rc::prop("whatever arrives in whatever order", [](std::uint32_t number,
                                                      const std::vector<std::tuple<std::uint8_t, std::uint8_t>>& raw) {
        basic_connection<policies> tcp;
        const parameters given{.iss = seq{number * 7U}, .rcv_buff = 60000};
        time_point now{};
        static_cast<void>(tcp.open_passive(given, now));
        segment syn{.seq = seq{number}, .ctl = ctl::syn, .wnd = 1000};
        syn.options.sack_permitted = true;
        tcp.handle_segment(syn, now);
        static_cast<void>(tcp.poll_transmit(now));
        tcp.handle_segment({.seq = seq{number} + 1, .ack = given.iss + 1, .ctl = ctl::ack, .wnd = 1000}, now);

        const seq base = seq{number} + 1;
        std::set<std::uint32_t> have;  // octets, counted from `base`
        const auto all_of = [&](sack_block b) {
            for (seq s = b.left; s != b.right; s += 1) {
                if (have.count(s - base) == 0) return false;
            }
            return b.left != b.right;
        };
        std::uint32_t next = 0;
        for (const auto& [from, length] : raw) {
            const std::uint32_t back = std::min<std::uint32_t>(next, 60);
            const std::uint32_t left = next - back + from % 120U;
            const std::uint32_t right = left + 1 + length % 20U;
            std::vector<std::uint32_t> again;
            for (std::uint32_t i = left; i < right; ++i) {
                if (have.count(i) != 0) again.push_back(i);
            }
            const arrival got = tcp.handle_segment(
                {.seq = base + left, .ack = given.iss + 1, .text = right - left, .ctl = ctl::ack, .wnd = 1000}, now);
            for (std::uint32_t i = left + got.skip; i < left + got.skip + got.text; ++i) have.insert(i);
            while (have.count(next) != 0) ++next;

            auto told = tcp.poll_transmit(now);
            if (!told) {
                tcp.handle_timeout(now += policies::delayed_ack);
                told = tcp.poll_transmit(now);
            }
            RC_ASSERT(told);
            const options& opt = told->segment.options;
            RC_ASSERT(told->segment.ack == base + next);
            std::size_t i = 0;
            if (!again.empty()) {  // the first stretch that came again, once
                std::uint32_t end = again.front();
                for (const std::uint32_t octet : again) end += octet == end ? 1U : 0U;
                const sack_block duplicate{base + again.front(), base + end};
                RC_ASSERT(opt.sack_count > 0);
                RC_ASSERT(opt.sack[0] == duplicate);
                i = 1;
                if (end > next) {  // and the range around it
                    RC_ASSERT(opt.sack_count > 1);
                    RC_ASSERT(opt.sack[1].left <= duplicate.left && duplicate.right <= opt.sack[1].right);
                }
            } else if (got.text != 0 && left > next) {
                RC_ASSERT(opt.sack[0].left <= base + left && base + right <= opt.sack[0].right);
            }
            // The others are whole ranges that wait, each once, and there are as many as fit.
            const std::size_t others = opt.sack_count - i;
            std::set<std::uint32_t> seen;
            for (; i < opt.sack_count; ++i) {
                const sack_block b = opt.sack[i];
                RC_ASSERT(base + next < b.left && all_of(b));
                RC_ASSERT(have.count(b.left - base - 1) == 0 && have.count(b.right - base) == 0);
                RC_ASSERT(seen.insert(b.left.value()).second);
            }
            RC_ASSERT(others == std::min<std::size_t>(tcp.numbers().held.size(), again.empty() ? 4 : 3));
        }
    });
}

}  // namespace
