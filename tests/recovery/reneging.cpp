// SPDX-License-Identifier: MIT
// reneging.cpp: receivers that throw away what they have told of, or tell what is not so (RFC 2018 section 8).

#include "invariants.hpp"
#include "sender.hpp"

#include <support/network.hpp>

#include <tcpfsm/congestion/bbr.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;

struct by_count : policies {
    static constexpr bool rack_tlp = false;
};
struct in_few_ranges : policies {
    static constexpr std::size_t sent_ranges = 8;
};
struct with_bbr : policies {
    using congestion = bbr;
};

/// What a receiver says in its blocks.
enum class says : std::uint8_t {
    truth,     ///< what has arrived, but it throws it away at once
    crumbs,    ///< single octets, here and there
    anything,  ///< blocks above SND.NXT, below SND.UNA, inverted, overlapping, 2^31 away
};

/// A receiver that keeps nothing beyond a gap, and the path to it: 50 ms each way, and `loss` in a hundred segments.
template <class P>
class faithless {
public:
    faithless(says what, std::uint64_t seed, std::uint32_t loss) : what_{what}, dice_{seed}, loss_{loss} {}

    /// Until all of the text is acknowledged. Answers how many octets of it were sent.
    std::uint32_t takes(sender<P>& tcp, std::uint32_t octets) {
        std::uint32_t sent = 0;
        while (tcp.numbers().snd.una != tcp.in_world().ours + 1 + octets) {
            while (const auto out = tcp.polls()) {
                const segment& seg = out->segment;
                if (seg.text == 0) continue;
                sent += seg.text;
                if (!dice_.percent(loss_))
                    way_.push_back({tcp.now() + 100ms, seg.seq - tcp.in_world().ours - 1, seg.text});
            }
            recovery_holds(tcp);
            const time_point next = tcp.conn().poll_timeout();
            if (way_.empty() || next < way_.front().at) {
                if (next == never) tcp.fail("nothing will ever happen");
                tcp.advance(next - tcp.now());
                continue;
            }
            const arriving first = way_.front();
            way_.pop_front();
            if (tcp.now() < first.at) {
                tcp.advance(first.at - tcp.now());
                tcp.leaves_unpolled();
            }
            if (first.from <= got_) got_ = std::max(got_, first.from + first.text);
            answer_to(tcp, first);
            recovery_holds(tcp);
        }
        return sent;
    }

private:
    struct arriving {
        time_point at{};  ///< when its ACK is back
        std::uint32_t from = 0;
        std::uint32_t text = 0;
    };
    void answer_to(sender<P>& tcp, const arriving& a) {
        segment seg{.seq = seq{1}, .ack = seq{1 + got_}, .ctl = ctl::ack, .wnd = 65535};
        const auto block = [&](seq left, seq right) {
            if (seg.options.sack_count < 4) seg.options.sack.at(seg.options.sack_count++) = {left, right};
        };
        const std::uint32_t una = tcp.numbers().snd.una - tcp.in_world().ours;
        const std::uint32_t nxt = tcp.numbers().snd.nxt - tcp.in_world().ours;
        const std::uint32_t flight = nxt - una;
        switch (what_) {
        case says::truth:
            if (a.from > got_) block(seq{1 + a.from}, seq{1 + a.from + a.text});
            break;
        case says::crumbs:
            for (int i = 0; i < 4; ++i) {
                const seq at = seq{una + 1 + dice_.below(flight)};
                block(at, at + 1);
            }
            break;
        case says::anything:
            for (int i = 0; i < 4; ++i) {
                const std::uint32_t n = dice_.below(3 * flight + 10);
                switch (dice_.below(6)) {
                case 0: block(seq{nxt + n}, seq{nxt + n + 1 + dice_.below(5000)}); break;
                case 1: block(seq{una - n - 1}, seq{una - n - 1 + dice_.below(5000)}); break;
                case 2: block(seq{una + n + 500}, seq{una + n}); break;
                case 3: block(seq{una} + 0x8000'0000U + n, seq{una} + 0x8000'0000U + 2 * n); break;
                case 4: block(seq{una + n}, seq{una + n} + 0x8000'0000U); break;
                default: block(seq{una + n / 4}, seq{una + n / 2}); break;
                }
            }
            break;
        }
        tcp.hears(tcp.from_peer(seg));
    }

    says what_;
    dice dice_;
    std::uint32_t loss_;
    std::uint32_t got_ = 0;
    std::deque<arriving> way_;
};

template <class P>
void all_arrives(says what) {
    constexpr std::uint32_t segments = 150;
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
        CAPTURE(seed);
        sender<P> tcp{segments};
        tcp.follows_no_script();
        const time_point begin = tcp.now();
        const std::uint32_t sent = faithless<P>{what, seed, 8}.takes(tcp, segments * 1000);
        CHECK(sent < 8 * segments * 1000);
        CHECK(tcp.now() - begin < 2h);
        CHECK(tcp.never_wakes());
    }
}
template <class P>
void whatever_it_says() {
    SECTION("it throws away what it has told of") { all_arrives<P>(says::truth); }
    SECTION("it tells of single octets that never came") { all_arrives<P>(says::crumbs); }
    SECTION("it tells anything") { all_arrives<P>(says::anything); }
}

TEST_CASE("Reneging: all text arrives, and is not sent for ever", "[recovery][properties][RFC 2018 8][2018-8]") {
    SECTION("RACK") { whatever_it_says<policies>(); }
    SECTION("RFC 6675") { whatever_it_says<by_count>(); }
    SECTION("8 ranges") { whatever_it_says<in_few_ranges>(); }
    SECTION("BBR") { whatever_it_says<with_bbr>(); }
}

TEST_CASE("SACK blocks that cannot be change nothing", "[recovery][RFC 2018 5][RFC 6675 5]") {
    sender tcp{10};
    CHECK(tcp.leaves() == "0 1 2 3 4 5 6 7 8 9");
    tcp.advance(100ms);
    tcp.hears_ack(2, {{3, 4}});
    const auto board = tcp.numbers().sent.board;
    const seq una = seq{2001};
    const seq nxt = seq{10'001};
    const sack_block impossible[] = {
        {nxt, nxt + 1000},                         // above what was sent
        {nxt - 1000, nxt + 1},                     // partly so
        {una, una + 1000},                         // from SND.UNA: it would have been acknowledged
        {una - 1, una + 1000},                     // across it
        {una - 1000, una - 500},                   // below it; a duplicate, perhaps
        {una + 3000, una + 2000},                  // inverted
        {una + 2000, una + 2000},                  // empty
        {una + 1000, una + 1000 + 0x8000'0000U},   // 2^31 long
        {una + 0x8000'0000U, una + 0x8000'1000U},  // 2^31 away
        {una + 0x8000'0000U, una + 1000},          // from there to here
        {nxt + 0x7fff'ffffU, nxt + 0x8000'0001U},  // on the far side
    };
    for (const sack_block& b : impossible) {
        segment seg{.seq = seq{1}, .ack = una, .ctl = ctl::ack, .wnd = 65535};
        seg.options.sack_count = 1;
        seg.options.sack[0] = b;
        tcp.hears(tcp.from_peer(seg));
        CHECK((tcp.numbers().sent.board == board));
        CHECK(tcp.leaves().empty());
        recovery_holds(tcp);
    }
}

TEST_CASE("SACK: thousands of small blocks take no more room than there is, and are sent once too often at most",
          "[recovery][RFC 2018 5]") {
    sender tcp{10};
    CHECK(tcp.leaves() == "0 1 2 3 4 5 6 7 8 9");
    tcp.advance(100ms);
    for (std::uint32_t at = 1; at + 1 < 10'000; at += 2) {
        segment seg{.seq = seq{1}, .ack = seq{1}, .ctl = ctl::ack, .wnd = 65535};
        seg.options.sack_count = 1;
        seg.options.sack[0] = {seq{1 + at}, seq{2 + at}};
        tcp.hears(tcp.from_peer(seg));
        const auto& board = tcp.numbers().sent.board;
        CHECK(board.size() <= policies::sent_ranges);
        CHECK(board.sacked() <= (at + 1) / 2);  // what is forgotten is forgotten to the safe side
        recovery_holds(tcp);
        while (tcp.polls()) {
        }
    }
    CHECK(tcp.numbers().snd.flight() == 10'000);
    tcp.hears_ack(10);
    CHECK(tcp.never_wakes());
}

}  // namespace
