// SPDX-License-Identifier: MIT
// connection_property.cpp: what holds for a connection whatever happens.

#include <support/catch.hpp>
#include <support/generators.hpp>
#include <support/network.hpp>
#include <support/states.hpp>

#include <cstdint>
#include <vector>

// The subject itself asserts at each step that a copy is equal and can go on, that polling twice emits once and
// ends, that calls too many change nothing, and that no impossible event is raised. See support/subject.hpp.

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;

/// The choices that the RFCs leave open, the other way round.
struct contrary : policies {
    static constexpr bool rfc5961 = false;
    static constexpr bool rfc1337 = false;
    static constexpr bool reopen_time_wait = false;
    static constexpr bool timestamps = false;
    static constexpr bool window_scale = false;
    static constexpr bool sack = false;
    static constexpr bool text_on_syn = true;
    static constexpr std::size_t reassembly_ranges = 1;
};

/// What the numbers of any connection satisfy between two calls.
template <class P>
void check_numbers(const basic_subject<P>& tcp) {
    const auto& t = tcp.numbers();
    const auto must = [&](bool holds, const char* what) {
        if (!holds) tcp.fail(what);
    };
    if (tcp.at() == state::closed) {
        must(t.snd == send_sequence{} && t.rcv == receive_sequence{} && t.held.empty(), "CLOSED, and a TCB is left");
        must(tcp.conn().poll_timeout() == never, "CLOSED, and a timer runs");
        must(tcp.conn().readable() == 0, "CLOSED, and text can be read");
        return;
    }
    must(t.snd.una <= t.snd.again && t.snd.again <= t.snd.nxt, "SND.UNA <= again <= SND.NXT");
    must(t.snd.nxt <= t.snd.end + 1, "SND.NXT lies beyond all that could be sent");
    must(t.snd.queued() <= t.given.snd_buff, "more text is queued than the buffer holds");
    // A CLOSE in SYN-RECEIVED leads to FIN-WAIT-1 before our SYN is acknowledged (3.10.4), and a FIN on to CLOSING.
    const auto agreed =
        state::established | state::fin_wait_2 | state_set{state::close_wait} | state::last_ack | state::time_wait;
    must(!tcp.conn().in(agreed) || t.snd.synced, "our SYN is not acknowledged");
    must(t.rcv.user <= t.given.rcv_buff || t.given.rcv_buff < 65535, "more text is taken than the buffer holds");
    must(t.rcv.acked <= t.rcv.nxt, "more is acknowledged than has arrived");
    must(t.rcv.nxt <= t.rcv.edge + 1, "RCV.NXT lies beyond the window");
    must(t.rcv.wnd() <= (1U << 30U) || t.rcv.nxt == t.rcv.edge + 1, "a window of more than 2^30");
    must(t.congestion.window() <= (1U << 30U), "a congestion window of more than 2^30");
    must(tcp.at() != state::time_wait || tcp.conn().poll_timeout() != never, "TIME-WAIT without an end");
    must(!tcp.conn().in(states::sending) || !t.snd.outstanding() || tcp.conn().poll_timeout() != never,
         "something is unacknowledged, and no timer runs");
    for (std::size_t i = 0; i < t.held.size(); ++i) {
        must(t.rcv.nxt <= t.held[i].left && t.held[i].left < t.held[i].right, "text is held before RCV.NXT");
    }
}

/// What any segment that leaves satisfies.
template <class P>
void check_segment(const basic_subject<P>& tcp, const segment& seg) {
    const auto must = [&](bool holds, const char* what) {
        if (!holds) tcp.fail(what);
    };
    const auto& t = tcp.numbers();
    must(!seg.has(ctl::syn | ctl::fin) && !seg.has(ctl::syn | ctl::rst), "SYN with FIN or RST");
    must(seg.has(ctl::ack) || seg.ack == seq{}, "an acknowledgment number without ACK");
    must(seg.has(ctl::urg) || seg.up == 0, "an urgent pointer without URG");
    must(!seg.has(ctl::rst) || seg.len() == 0, "a reset with text");
    must(seg.has(ctl::syn) || seg.has(ctl::rst) || seg.has(ctl::ack), "neither SYN nor RST nor ACK");
    const std::uint32_t most = t.mtu.probes_at(seg.seq) ? t.given.mss : t.snd.mss;  // a probe of the path's MTU
    must(seg.text == 0 || seg.text + options_size(seg) <= most, "text and options exceed the MSS");
    must(!seg.has(ctl::ack) || seg.has(ctl::rst) || seg.ack == t.rcv.nxt, "it does not acknowledge RCV.NXT");
    must(seg.has(ctl::syn) || seg.has(ctl::rst) || seg.text + (seg.has(ctl::fin) ? 1U : 0U) <= 1 ||
             seg.seq + seg.len() <= t.snd.una + t.snd.wnd,
         "it exceeds the window of the peer");
}

template <class P>
void any_order_is_harmless() {
    const world w = *any_world();
    const parameters given = *any_parameters();
    const auto operations = *rc::gen::container<std::vector<operation>>(any_operation());
    in_property([&] {
        basic_subject<P> tcp{w, given};
        tcp.follows_no_script();
        for (const operation& o : operations) {
            perform(tcp, o);
            check_numbers(tcp);
            const std::uint32_t most = 8 + tcp.numbers().snd.queued() / 16;
            std::uint32_t emitted = 0;
            auto polled = tcp;  // what would be sent now
            while (const auto out = polled.polls()) {
                check_segment(polled, out->segment);
                check_numbers(polled);
                if (++emitted > most) polled.fail("more segments than there is text");
            }
        }
        for (int i = 0; i < 10; ++i) {  // signals end
            tcp.does("a signal is heard", [](auto& c, time_point) { c.poll_signal(); });
        }
        tcp.tells_nothing();
    });
}

template <class P>
void two_runs_are_one() {
    const world w = *any_world();
    const parameters given = *any_parameters();
    const auto before = *rc::gen::container<std::vector<operation>>(any_operation());
    const auto after = *rc::gen::container<std::vector<operation>>(any_operation());
    in_property([&] {
        basic_subject<P> one{w, given};
        one.follows_no_script();
        for (const operation& o : before) perform(one, o);
        basic_subject<P> other = one;
        for (const operation& o : after) {
            perform(one, o);
            perform(other, o);
            if (!(one.conn() == other.conn())) one.fail("a copy goes another way");
        }
        if (one.transcript() != other.transcript()) one.fail("a copy emits something else");
    });
}

/// The shortcut on and off.
template <class P>
struct switchable : P {
    static inline bool prediction = true;
};

/// The same with other parts: no records, no options, advice.
struct lean : policies {
    using congestion = basic_new_reno<hystart_plus_plus>;
    static constexpr bool timestamps = false;
    static constexpr bool sack = false;
    static constexpr bool undo = false;
    static constexpr bool window_advice = true;
    static constexpr bool user_timeout_option = true;
    static constexpr auto path_mtu = mtu_discovery::off;
};

template <class P>
void the_shortcut_leads_to_the_same() {
    using policy = switchable<P>;
    const world w = *any_world();
    const parameters given = *any_parameters();
    const auto operations = *rc::gen::container<std::vector<operation>>(any_operation());
    in_property([&] {
        basic_subject<policy> one{w, given};
        one.follows_no_script();
        basic_subject<policy> other = one;
        for (const operation& o : operations) {
            policy::prediction = true;
            perform(one, o);
            policy::prediction = false;
            perform(other, o);
            if (!(one.conn() == other.conn())) one.fail("the shortcut leads to other numbers");
        }
        if (one.transcript() != other.transcript()) one.fail("the shortcut emits something else");
    });
}

/// The same for a whole exchange, in which most segments take it.
template <class P>
void transfers_are_the_same() {
    using policy = switchable<P>;
    const world w = *any_world();
    const auto seed = *rc::gen::arbitrary<std::uint64_t>();
    const weather how{.loss = *rc::gen::element<std::uint32_t>(0, 0, 3),
                      .repeat = *rc::gen::element<std::uint32_t>(0, 3),
                      .least = std::chrono::microseconds{*rc::gen::element(10, 1000, 50'000)},
                      .spread = std::chrono::microseconds{*rc::gen::element(0, 0, 1000, 50'000)},
                      .spares_after = 1000};
    const auto octets = *rc::gen::inRange<std::uint32_t>(1, 200'000);
    const auto back = *rc::gen::element<std::uint32_t>(0, 100, 50'000);
    in_property([&] {
        pair<network, policy> one{w, {}, {}, network{seed, how}};
        pair<network, policy> other = one;
        const auto run = [&](auto& p) {
            constexpr state_set open = state::established | state::close_wait;
            dice d{seed};
            std::uint32_t there = octets, here = back;
            static_cast<void>(p.b.open_passive());
            static_cast<void>(p.a.open_active());
            for (int steps = 0; steps < 20'000 && p.step();) {
                ++steps;
                for (auto* side : {&p.a, &p.b}) {
                    std::uint32_t& left = side == &p.a ? there : here;
                    if (d.percent(70) && side->conn().readable() != 0)
                        static_cast<void>(side->receive(1 + d.below(side->conn().readable())));
                    const std::uint32_t n = std::min({left, side->conn().writable(), 1 + d.below(30'000)});
                    if (side->conn().in(open) && n != 0 && side->send(n) == answer::ok) left -= n;
                    if (side->conn().in(open) && left == 0 && d.percent(10)) static_cast<void>(side->close());
                }
            }
        };
        policy::prediction = true;
        run(one);
        policy::prediction = false;
        run(other);
        if (!(one.a.conn() == other.a.conn()) || !(one.b.conn() == other.b.conn()))
            one.a.fail("the shortcut leads to other numbers");
        if (one.transcript() != other.transcript()) one.a.fail("the shortcut emits something else");
    });
}

/// All that is owed, by a link that takes `most` octets of text at once and cuts them.
template <class P>
std::vector<segment> all_owed(basic_connection<P>& tcp, time_point now, std::uint32_t most) {
    std::vector<segment> all;
    while (const auto out = tcp.poll_transmit(now, most)) {
        segment whole = out->segment;
        for (; whole.text > out->each; whole.seq += out->each, whole.text -= out->each) {
            segment part = whole;
            part.text = out->each;
            part.ctl = whole.ctl.without(ctl::fin | ctl::psh);
            all.push_back(part);
        }
        all.push_back(whole);
    }
    return all;
}

template <class P>
void several_at_once_are_as_good() {
    const world w = *any_world();
    const parameters given = *any_parameters();
    const auto operations = *rc::gen::container<std::vector<operation>>(any_operation());
    const auto most = *rc::gen::inRange<std::uint32_t>(1, 65'000);
    const auto text = *rc::gen::inRange<std::uint32_t>(0, 40'000);
    const bool closes = *rc::gen::arbitrary<bool>();
    std::size_t fewer = 0;
    in_property([&] {
        basic_subject<P> tcp{w, given};
        tcp.follows_no_script();
        for (const operation& o : operations) {
            perform(tcp, o);
            auto one_by_one = tcp.conn();
            if (one_by_one.may_send()) {
                static_cast<void>(one_by_one.send(std::min(text, one_by_one.writable()), tcp.now()));
                if (closes) static_cast<void>(one_by_one.close(tcp.now()));
            }
            auto together = one_by_one, first = one_by_one;
            if (const auto out = first.poll_transmit(tcp.now(), most)) fewer += out->segment.text > out->each ? 1U : 0U;
            const auto expected = all_owed(one_by_one, tcp.now(), 0);
            if (all_owed(together, tcp.now(), most) != expected) tcp.fail("other segments leave");
            if (!(together == one_by_one)) tcp.fail("the numbers differ afterwards");
        }
    });
    RC_CLASSIFY(fewer != 0, "several at once");
}

/// One end of a stream, and what its user wants to do.
struct user {
    std::uint32_t to_send = 0;
    bool closes = true;
    [[nodiscard]] bool wants() const { return to_send != 0 || closes; }
};

/// The user of one end does something, or nothing.
template <class P>
void acts(basic_subject<P>& tcp, user& u, dice& d) {
    if (d.percent(50) && tcp.conn().readable() != 0) static_cast<void>(tcp.receive(1 + d.below(tcp.conn().readable())));
    if (!tcp.conn().may_send() || !tcp.conn().in(state::established | state::close_wait)) return;
    if (u.to_send != 0) {
        const std::uint32_t n = std::min({u.to_send, tcp.conn().writable(), 1 + d.below(5000)});
        if (n != 0 && d.percent(60) && tcp.send(n) == answer::ok) u.to_send -= n;
    } else if (u.closes && d.percent(20) && tcp.close() == answer::ok) {
        u.closes = false;
    }
}

template <class P>
void arrives_once_and_in_order() {
    const world w = *any_world();
    const auto seed = *rc::gen::arbitrary<std::uint64_t>();
    const bool both_open = *rc::gen::element(false, false, true);
    const weather how{.loss = *rc::gen::inRange<std::uint32_t>(0, 40),
                      .repeat = *rc::gen::inRange<std::uint32_t>(0, 40),
                      .least = std::chrono::microseconds{*rc::gen::element(10, 1000, 50'000)},
                      .spread = std::chrono::microseconds{*rc::gen::element(0, 1000, 100'000, 900'000)},
                      .spares_after = 1000};
    const auto sizes = rc::gen::element<std::uint32_t>(0, 1, 1000, 20'000, 100'000);
    parameters of_a = *any_parameters(), of_b = *any_parameters();
    for (parameters* p : {&of_a, &of_b}) {
        p->user_timeout = forever;
        if (how.loss != 0) p->keep_alive = forever;  // enough lost answers in a row end a connection
        p->remote_specified = true;
        p->rcv_buff = std::max<std::uint32_t>(p->rcv_buff, 100);
        p->snd_buff = std::max<std::uint32_t>(p->snd_buff, 100);
    }
    // Not more than some fifty windows, each of which may take a second.
    const auto worth = [](std::uint32_t octets, const parameters& from, const parameters& to) {
        return std::min({octets, 50 * from.snd_buff, 50 * to.rcv_buff});
    };
    const user first{.to_send = worth(*sizes, of_a, of_b)}, second{.to_send = worth(*sizes, of_b, of_a)};
    RC_TAG(std::string{both_open ? "simultaneous open" : "client and server"});
    in_property([&] {
        pair<network, P> p{w, of_a, of_b, network{seed, how}};
        dice d{seed ^ 1U};
        user a = first, b = second;
        static_cast<void>(both_open ? p.b.open_active() : p.b.open_passive());
        static_cast<void>(p.a.open_active());
        int steps = 0;
        while (p.step() || a.wants() || b.wants()) {
            acts(p.a, a, d);
            acts(p.b, b, d);
            check_numbers(p.a);
            check_numbers(p.b);
            if (++steps > 50'000) p.a.fail("it does not end:\n" + p.transcript());
        }
        p.a.is(state::closed);
        p.b.is(state::closed);
        if (p.received_by_b().in_order() != first.to_send) p.b.fail("not all octets of a have arrived");
        if (p.received_by_a().in_order() != second.to_send) p.a.fail("not all octets of b have arrived");
        for (auto* side : {&p.a, &p.b}) {
            bool well = false;
            side->does("what was told at the end", [&](auto& c, time_point) {
                while (const auto told = c.poll_signal()) well = *told == signal::tell_closed;
            });
            if (!well) side->fail("it did not end in order");
        }
    });
}

}  // namespace

TEST_CASE("any order of calls is harmless", "[connection][3.10]") {
    rc::prop("with the defaults", any_order_is_harmless<policies>);
    rc::prop("with all choices made the other way", any_order_is_harmless<contrary>);
}

TEST_CASE("a copy behaves as the original", "[connection]") {
    rc::prop("with the defaults", two_runs_are_one<policies>);
}

TEST_CASE("the shortcut for what nearly all segments are leads where the long way does", "[connection][3.10]") {
    rc::prop("whatever happens", the_shortcut_leads_to_the_same<policies>);
    rc::prop("whatever happens, with few parts", the_shortcut_leads_to_the_same<lean>);
    rc::prop("in whole exchanges", transfers_are_the_same<policies>);
    rc::prop("in whole exchanges, with few parts", transfers_are_the_same<lean>);
}

TEST_CASE("segments that the link cuts are those that leave one by one", "[connection][3.7.1]") {
    rc::prop("with the defaults", several_at_once_are_as_good<policies>);
    rc::prop("with all choices made the other way", several_at_once_are_as_good<contrary>);
}

TEST_CASE("octets arrive once and in order, and both ends close, whatever the network does",
          "[connection][3.10][3.8]") {
    rc::prop("with the defaults", arrives_once_and_in_order<policies>);
    rc::prop("with all choices made the other way", arrives_once_and_in_order<contrary>);
}
