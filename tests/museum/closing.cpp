// SPDX-License-Identifier: MIT
// closing.cpp: the end of connections: who forgot a FIN, who ended too early, and who never did.

#include "altered.hpp"
#include "exhibit.hpp"

#include <array>
#include <chrono>

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace tcpfsm::museum;
using namespace std::chrono_literals;
using enum tcpfsm::state;
using enum tcpfsm::answer;
using enum tcpfsm::signal;

namespace {

// --- M78: TIME-WAIT is assassinated (RFC 1337) -------------------------------------------------------------

/// A reset ends TIME-WAIT.
struct mortal : mutant {
    static constexpr bool rfc1337 = false;
};

template <class P>
void assassination() {
    auto tcp = in(time_wait, basic_subject<P>{});
    tcp.advance(1min);
    tcp.gets("P. -9:1(10) ack 1"_seg);  // an old duplicate
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.gets("R 2:2(0)"_seg);  // the peer has forgotten the connection
    tcp.emits_nothing();
    tcp.is(time_wait);
    tcp.wakes_in(3min);
}

TEST_CASE("An old duplicate and the reset that it provokes do not end TIME-WAIT", "[museum][M78][RFC 1337 3]") {
    assassination<policies>();
    CHECK(caught([] { assassination<mortal>(); }));

    auto by_choice = in(time_wait, basic_subject<mortal>{});  // as RFC 9293 has it, and then only by the exact number
    by_choice.gets("R 3:3(0)"_seg);
    by_choice.emits(". 2:2(0) ack 2"_seg);
    by_choice.is(time_wait);
    by_choice.gets("R 2:2(0)"_seg);
    by_choice.is(closed);
}

// --- M79: LAST-ACK ends on any ACK --------------------------------------------------------------------------------

/// Once the FIN is sent, each ACK is the ACK of it.
struct any_last_ack : mutant {};

}  // namespace

template <>
constexpr event tcpfsm::judge_ack<recorded<any_last_ack>>(const tcb<recorded<any_last_ack>>& t, const segment&,
                                                          state) noexcept {
    return t.snd.fin_sent() && t.snd.outstanding() ? event::rcv_ack_of_fin : event::rcv_ack;
}

namespace {

template <class P>
void ack_of_something_else() {
    auto tcp = in(close_wait, basic_subject<P>{});
    expect(tcp.send(100) == ok, "text");
    tcp.emits("P. 1:101(100) ack 2"_seg);
    expect(tcp.close() == ok, "and a FIN");
    tcp.emits("F. 101:101(0) ack 2"_seg);
    for (const script& ack : {". 2:2(0) ack 1"_seg, ". 2:2(0) ack 51"_seg, ". 2:2(0) ack 101"_seg}) {
        tcp.gets(ack);
        tcp.is(last_ack);
        tcp.tells_nothing();
    }
    tcp.advance(1s);
    tcp.emits("F. 101:101(0) ack 2"_seg);  // it is still wanted
    tcp.gets(". 2:2(0) ack 102"_seg);
    tcp.is(closed);
    tcp.tells(tell_closed);
}

TEST_CASE("LAST-ACK does not end before the FIN is acknowledged", "[museum][M79][3.10.7.4]") {
    ack_of_something_else<policies>();
    CHECK(caught([] { ack_of_something_else<any_last_ack>(); }));
}

// --- M81: FINs in every state ---------------------------------------------------------------------------------------

/// Figure 5 from our CLOSE or the peer's FIN on, not as states but as what has happened.
struct closing_model {
    bool fin_sent = false;
    bool fin_acked = false;
    bool fin_taken = false;
    bool peer_first = false;  ///< the peer's FIN came before our CLOSE

    [[nodiscard]] constexpr state at() const {
        if (!fin_sent) return close_wait;
        if (!fin_taken) return fin_acked ? fin_wait_2 : fin_wait_1;
        if (!fin_acked) return peer_first ? last_ack : closing;
        return peer_first ? closed : time_wait;
    }
};
enum class step { fin, fin_and_ack_of_fin, fin_and_old_ack, ack_of_fin, close };
constexpr std::array steps{step::fin, step::fin_and_ack_of_fin, step::fin_and_old_ack, step::ack_of_fin, step::close};

constexpr void go(closing_model& m, step s) {
    const bool fin = s == step::fin || s == step::fin_and_ack_of_fin || s == step::fin_and_old_ack;
    const bool acks_fin = s == step::fin_and_ack_of_fin || s == step::ack_of_fin;
    if (s == step::close) {
        m.fin_sent = true;
    } else if (s == step::fin) {
        // A segment without ACK does nothing.
    } else if (fin && m.fin_taken) {
        // Its number lies outside of the window: it is answered, and nothing of it counts.
    } else if (acks_fin && !m.fin_sent) {
        // It acknowledges what was never sent.
    } else {
        m.fin_acked = m.fin_acked || acks_fin;
        m.fin_taken = m.fin_taken || fin;
    }
}
template <class P>
void go(basic_subject<P>& tcp, step s, bool peer_sent_fin) {
    switch (s) {
    case step::fin: tcp.gets("F 1:1(0)"_seg); break;
    case step::fin_and_ack_of_fin: tcp.gets("F. 1:1(0) ack 2"_seg); break;
    case step::fin_and_old_ack: tcp.gets("F. 1:1(0) ack 1"_seg); break;
    case step::ack_of_fin: tcp.gets(peer_sent_fin ? ". 2:2(0) ack 2"_seg : ". 1:1(0) ack 2"_seg); break;
    case step::close: static_cast<void>(tcp.close()); break;
    }
    while (tcp.polls()) {
    }
}
template <class P>
void go_everywhere(const basic_subject<P>& tcp, const closing_model& m, int depth) {
    for (const step s : steps) {
        if (m.at() == closed) return;
        auto next = tcp;
        auto model = m;
        go(next, s, m.fin_taken);
        go(model, s);
        next.is(model.at());
        if (depth > 1) go_everywhere(next, model, depth - 1);
    }
}
template <class P>
void all_ways_to_close() {
    constexpr closing_model begins[] = {
        {true, false, false, false}, {true, true, false, false}, {true, false, true, false},
        {false, false, true, true},  {true, false, true, true},  {true, true, true, false},
    };
    for (const closing_model& m : begins) go_everywhere(in(m.at(), basic_subject<P>{}), m, 3);
}

struct fin_ends_fin_wait_1 : mutant {
    using table = altered<[] {
        return row{fin_wait_1, event::rcv_fin, time_wait, action::take_fin | action::snd_ack | action::start_2msl,
                   "a mutant", tell_closing};
    }>;
};
struct no_time_wait : mutant {
    using table = altered<[] {
        return row{fin_wait_2, event::rcv_fin, closed, action::take_fin | action::snd_ack | action::delete_tcb,
                   "a mutant", tell_closed};
    }>;
};
struct closing_just_ends : mutant {
    using table = altered<[] {
        return row{closing,    event::rcv_ack_of_fin, closed, action::take_ack | action::delete_tcb, "a mutant",
                   tell_closed};
    }>;
};
struct ack_of_anything : mutant {
    using table = altered<[] { return row{fin_wait_1, event::rcv_ack, fin_wait_2, action::take_ack, "a mutant"}; }>;
};

TEST_CASE("No FIN and no ACK of one leads where figure 5 does not", "[museum][M81][figure 5]") {
    all_ways_to_close<policies>();
    CHECK(caught([] { all_ways_to_close<fin_ends_fin_wait_1>(); }));
    CHECK(caught([] { all_ways_to_close<no_time_wait>(); }));
    CHECK(caught([] { all_ways_to_close<closing_just_ends>(); }));
    CHECK(caught([] { all_ways_to_close<ack_of_anything>(); }));
    CHECK(caught([] { all_ways_to_close<any_last_ack>(); }));
}

// --- M82: TIME-WAIT is deaf
// ----------------------------------------------------------------------------------------------

struct deaf_to_fins : mutant {
    using table = altered<[] { return row{time_wait, event::rcv_fin_again, stay, {}, "a mutant"}; }>;
};
struct deaf_to_syns : mutant {
    using table = altered<[] {
        return row{time_wait, event::rcv_syn_reopen | event::rcv_syn_challenge, stay, {}, "a mutant"};
    }>;
};

template <class P>
void knocking_at_time_wait() {
    auto tcp = in(time_wait, basic_subject<P>{});
    tcp.advance(1min);
    tcp.wakes_in(3min);
    tcp.gets("F. 1:1(0) ack 2"_seg);
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.wakes_in(4min);
    tcp.gets("S 1:1(0) <mss 1460>"_seg);  // an old one
    tcp.emits(". 2:2(0) ack 2"_seg);
    tcp.is(time_wait);
    tcp.gets("S 100:100(0) <mss 1460>"_seg);
    tcp.emits("S. 65539:65539(0) ack 101"_seg);
    tcp.gets(". 101:101(0) ack 65540"_seg);
    tcp.is(established);
}

TEST_CASE("TIME-WAIT is not deaf to a FIN that comes again, nor to a new SYN",
          "[museum][M82][3.10.7.4][MAY-2][MUST-13]") {
    knocking_at_time_wait<policies>();
    CHECK(caught([] { knocking_at_time_wait<deaf_to_fins>(); }));
    CHECK(caught([] { knocking_at_time_wait<deaf_to_syns>(); }));
}

// --- M83: a CLOSE that throws received text away
// ------------------------------------------------------------------------

/// The peer gets a FIN, and believes that all was read.
struct quiet_loss : mutant {
    using table =
        altered<[] { return row{established, event::close_unread, fin_wait_1, action::snd_fin, "a mutant", ok}; }>;
};

template <class P>
void close_with_unread_text() {
    auto tcp = in(established, basic_subject<P>{});
    tcp.gets("P. 1:101(100) ack 1"_seg);
    auto draining = tcp;
    expect(tcp.close_both() == ok, "nobody will read it");
    tcp.emits("R 1:1(0)"_seg);
    tcp.is(closed);
    tcp.emits_nothing();

    expect(draining.close() == ok, "it will still be read");
    draining.emits("F. 1:1(0) ack 101"_seg);
    expect(draining.receive(100) == ok, "as here");
    draining.is(fin_wait_1);
}

TEST_CASE("Text that nobody will read is not thrown away without a word to the peer",
          "[museum][M83][3.6.1][RFC 2525 2.17]") {
    close_with_unread_text<policies>();
    CHECK(caught([] { close_with_unread_text<quiet_loss>(); }));
}

}  // namespace
