// SPDX-License-Identifier: MIT
// subject.hpp: a connection under test, driven by a script.
#pragma once

#include <support/report.hpp>
#include <support/script.hpp>
#include <support/world.hpp>

#include <fmt/format.h>

#include <tcpfsm/connection.hpp>
#include <tcpfsm/trace.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

// Numbers in a script are relative, as in packetdrill. In the peer's segments: seq from the peer's ISS, ack
// and SACK blocks from ours; in ours the other way round. Our SYN is 0, the peer's first SYN is what the script
// says, 0 most often. Timestamps count from 1000 when the script begins; 0 is 0. A reset with an ACK has no
// number of its own, and its 0 is 0.
//
// What `emits` compares: flags, numbers, text, `ack`, `urg`; `win` and options if they are written, and all
// options if any (`<>`: none). Options: what we send is the policies' choice, so a connection uses timestamps,
// SACK and scaling iff the peer's SYN in the script offers them; without `<mss ...>` the peer's MSS is 536.
//
// The subject is strict, as a caller's loop is: before each input everything owed must have been asked for with
// `emits` (see `leaves_unpolled`), and a step that fails ends the test with the script so far and the rows
// taken. At each step it goes on with a copy, and checks that the copy is equal, that polls end and do nothing
// when repeated, that a timeout before its time does nothing, and that no impossible event was raised.

namespace tcpfsm::test {

// Not constexpr: the compiler stops at the call and shows where the script fails.
inline void the_script_fails_here() {}

/// The policies `P`, with a memory of the rows taken.
template <class P>
struct recorded : P {
    using recorder = row_recorder<32>;
#ifdef TCPFSM_BROKEN
    static constexpr bool prediction = false;  // else the shortcut goes round what is broken
#endif
};

/// A connection with these policies, under test. At run time a TEST_CASE that makes one runs in all worlds.
template <class Policies = policies>
class basic_subject {
public:
    using connection_type = basic_connection<recorded<Policies>>;

    /// `given.iss` is relative, as all numbers here.
    constexpr explicit basic_subject(const parameters& given = {}) : basic_subject{pick_world(), given} {}
    constexpr explicit basic_subject(const world& w, const parameters& given = {})
        : world_{w}, given_{given}, now_{w.begin} {
        given_.iss = w.ours + given.iss.value();
        given_.timestamp_offset = w.our_stamp - milliseconds(w.begin);
        if (!std::is_constant_evaluated()) say(fmt::format("In the world \"{}\":\n", w.name));
    }

    // --- User calls -----------------------------------------------------------------------------------

    constexpr answer open_passive(where w = where::here()) {
        return call("OPEN, passive", w, [&] { return conn_.open_passive(given_, now_); });
    }
    constexpr answer open_active(where w = where::here()) {
        return call("OPEN, active", w, [&] { return conn_.open_active(given_, now_); });
    }
    constexpr answer send(std::uint32_t octets, where w = where::here()) {
        return call("SEND", w, [&] { return conn_.send(octets, now_); });
    }
    constexpr answer send_urgent(std::uint32_t octets, where w = where::here()) {
        return call("SEND, urgent", w, [&] { return conn_.send(octets, now_, true); });
    }
    constexpr answer receive(std::uint32_t octets, where w = where::here()) {
        return call("RECEIVE", w, [&] { return conn_.receive(octets, now_); });
    }
    constexpr answer close(where w = where::here()) {
        return call("CLOSE", w, [&] { return conn_.close(now_); });
    }
    constexpr answer close_both(where w = where::here()) {
        return call("CLOSE of both directions", w, [&] { return conn_.close_both(now_); });
    }
    constexpr answer abort(where w = where::here()) {
        return call("ABORT", w, [&] { return conn_.abort(now_); });
    }
    constexpr answer status(where w = where::here()) {
        return call("STATUS", w, [&] { return conn_.status(now_); });
    }
    /// A call that is not here: tcp.does("Nagle off", [](auto& c, time_point) { c.set_nagle(false); }).
    template <class F>
    constexpr void does(std::string_view what, F call_it, where w = where::here()) {
        static_cast<void>(call(what, w, [&] {
            call_it(conn_, now_);
            return answer::ok;
        }));
    }

    // --- What arrives ---------------------------------------------------------------------------------

    /// The peer's segment arrives.
    constexpr arrival gets(const script& s, where w = where::here()) { return hears(from_peer(s.seg), w); }
    /// A segment with real numbers arrives.
    constexpr arrival hears(const segment& real, where w = where::here()) {
        before_input(w);
        note("gets", real, false);
        const arrival out = conn_.handle_segment(real, now_);
        judged_ = out.why;
        after_input(w);
        return out;
    }
    /// The peer's segment arrives, is judged so, dropped, and not answered.
    constexpr void drops(const script& s, event why, where w = where::here()) {
        const arrival got = gets(s, w);
        if (got.why != why) fail("judged otherwise", w, std::string_view{name(why)});
        if (!got.dropped) fail("it was not dropped", w);
        emits_nothing(w);
    }
    /// What the last segment was judged to be.
    [[nodiscard]] constexpr event judged() const { return judged_; }
    /// ICMP reports an error about our segment with that (relative) number.
    constexpr void gets_icmp(icmp_error error, std::int32_t number, where w = where::here()) {
        const seq quoted = world_.ours + static_cast<std::uint32_t>(number);
        static_cast<void>(call("ICMP", w, [&] {
            conn_.handle_icmp(error, quoted, now_);
            return answer::ok;
        }));
    }

    // --- What leaves ----------------------------------------------------------------------------------

    /// The next segment is this one. Returns it with real numbers.
    constexpr transmit emits(const script& expected, where w = where::here()) {
        const auto out = polls(w);
        if (!out) {
            fail("nothing is emitted, where the script expects", w, expected.text);
            return {};
        }
        if (!matches(relative(out->segment, true), expected)) fail("the script expects", w, expected.text);
        return *out;
    }
    /// No segment is owed.
    constexpr void emits_nothing(where w = where::here()) {
        if (polls(w)) fail("the script expects nothing", w);
        check(w);
    }
    /// The next segment, whatever it is, with real numbers.
    constexpr std::optional<transmit> polls(where w = where::here()) {
        const auto out = conn_.poll_transmit(now_);
        if (!out) return out;
        note("emits", out->segment, true);
        const send_sequence& snd = conn_.numbers().snd;
        if (out->segment.text != 0) {
            const seq text = out->segment.seq + (out->segment.has(ctl::syn) ? 1U : 0U);
            if (text != snd.first_text() + out->at) fail("`at` does not lead to the text of the segment", w);
            if (out->at + out->segment.text > snd.queued()) fail("text that was never given to SEND", w);
        }
        check(w);
        return out;
    }
    /// The next input comes before the caller has polled.
    constexpr void leaves_unpolled() { unpolled_ = true; }
    /// Somebody else polls, and no script says what is expected (pair.hpp).
    constexpr void follows_no_script() { scripted_ = false; }

    // --- Signals --------------------------------------------------------------------------------------

    constexpr void tells(signal expected, where w = where::here()) {
        const auto told = conn_.poll_signal();
        if (!told) return fail("nothing is told, where the script expects", w, describe(expected));
        note("tells", describe(*told));
        if (*told != expected) fail("the script expects", w, describe(expected));
    }
    constexpr void tells_nothing(where w = where::here()) {
        const auto told = conn_.poll_signal();
        if (!told) return;
        note("tells", describe(*told));
        fail("the script expects that nothing is told", w);
    }

    // --- Time -----------------------------------------------------------------------------------------

    /// Time passes; timers are served exactly when they are due. What they owe at the end can be asked
    /// for; a segment owed in the middle fails the script.
    constexpr void advance(duration d, where w = where::here()) {
        before_input(w);
        const time_point end = now_ + d;
        while (conn_.poll_timeout() <= end) {
            serve(w);
            if (owes() && now_ < end) fail("a segment is owed before the end of `advance`", w);
            if (owes()) break;
            static_cast<void>(polls(w));
        }
        now_ = end;
    }
    /// Time passes, and all that is sent meanwhile is lost. Returns how many segments that were.
    constexpr unsigned loses(duration d, where w = where::here()) {
        before_input(w);
        const time_point end = now_ + d;
        unsigned lost = 0;
        while (conn_.poll_timeout() <= end) {
            serve(w);
            while (polls(w)) ++lost;
        }
        now_ = end;
        return lost;
    }
    /// The next timer is due in exactly this time. Fails the script by itself; true so that it may stand in a CHECK.
    constexpr bool wakes_in(duration d, where w = where::here()) {
        before_input(w);
        const time_point due = conn_.poll_timeout();
        if (due != after(now_, d) && !std::is_constant_evaluated()) {
            fail(due == never ? "no timer runs" : fmt::format("the next timer is due in {} us", (due - now_).count()),
                 w, fmt::format("{} us", d.count()));
        }
        if (due != after(now_, d)) fail("the next timer is due at another time", w);
        return true;
    }
    /// No timer runs.
    constexpr bool never_wakes(where w = where::here()) { return wakes_in(forever, w); }

    // --- Questions ------------------------------------------------------------------------------------

    [[nodiscard]] constexpr state at() const { return conn_.at(); }
    /// Fails the script unless the connection is in this state.
    constexpr bool is(state expected, where w = where::here()) {
        if (at() != expected) fail(name(at()), w, name(expected));
        return true;
    }
    /// The states passed since the last question, the one then included.
    [[nodiscard]] constexpr route path() {
        const route passed = passed_;
        passed_ = route{at()};
        return passed;
    }
    /// Fails the script unless these are the states passed since the last question.
    constexpr bool passes(const route& expected, where w = where::here()) {
        const route passed = path();
        if (passed != expected) {
            if (std::is_constant_evaluated())
                the_script_fails_here();
            else
                fail(passed.text(), w, expected.text());
        }
        return true;
    }
    /// The connection itself, to look at.
    [[nodiscard]] constexpr const connection_type& conn() const { return conn_; }
    [[nodiscard]] constexpr const auto& numbers() const { return conn_.numbers(); }
    /// The parameters of the next OPEN, with real numbers.
    [[nodiscard]] constexpr parameters& given() { return given_; }
    [[nodiscard]] constexpr const world& in_world() const { return world_; }
    [[nodiscard]] constexpr time_point now() const { return now_; }
    /// True iff a segment is owed.
    [[nodiscard]] constexpr bool owes() const {
        connection_type twin = conn_;
        return twin.poll_transmit(now_).has_value();
    }
    /// The script so far.
    [[nodiscard]] std::string transcript() const { return {log_.begin(), log_.end()}; }

    /// Ends the test as failed, and shows the script so far.
    constexpr void fail(std::string_view what, where w = where::here(), std::string_view expected = {}) const {
        if (std::is_constant_evaluated())
            the_script_fails_here();
        else
            fail_test(fmt::format("{}{}{}\n{}", what, expected.empty() ? "" : ": ", expected, transcript()), w);
    }

    // --- Relative and real numbers --------------------------------------------------------------------

    /// The peer's segment in a script, with real numbers.
    [[nodiscard]] constexpr segment from_peer(segment seg) const {
        seg.seq += world_.peers.value();
        if (seg.has(ctl::ack)) seg.ack += world_.ours.value();
        seg.options = move(seg.options, world_.ours.value(), world_.peers_stamp - 1000, world_.our_stamp - 1000);
        return seg;
    }
    /// A real segment as a script would write it.
    [[nodiscard]] constexpr segment relative(segment seg, bool our_own) const {
        const world& w = world_;
        const seq number = our_own ? w.ours : w.peers;
        const seq other = our_own ? w.peers : w.ours;
        const bool numbered = !our_own || !seg.has(ctl::rst | ctl::ack);
        if (numbered) seg.seq = seg.seq - number.value();
        if (seg.has(ctl::ack)) seg.ack = seg.ack - other.value();
        seg.options = move(seg.options, 0U - other.value(), 1000U - (our_own ? w.our_stamp : w.peers_stamp),
                           1000U - (our_own ? w.peers_stamp : w.our_stamp));
        return seg;
    }

private:
    static constexpr world pick_world() {
        if (std::is_constant_evaluated()) return worlds[0];
        return this_world();
    }
    static constexpr std::uint32_t milliseconds(time_point t) {
        return static_cast<std::uint32_t>(t.time_since_epoch().count() / 1000);
    }
    static constexpr options move(options opt, std::uint32_t blocks, std::uint32_t val, std::uint32_t ecr) {
        for (std::size_t i = 0; i < opt.sack_count; ++i) {
            opt.sack[i].left += blocks;
            opt.sack[i].right += blocks;
        }
        if (opt.ts_val != 0) opt.ts_val += val;
        if (opt.ts_ecr != 0) opt.ts_ecr += ecr;
        return opt;
    }
    static constexpr bool matches(const segment& got, const script& expected) {
        segment want = expected.seg;
        if (!expected.has_win) want.wnd = got.wnd;
        if (!expected.has_options) want.options = got.options;
        return got == want;
    }

    template <class F>
    constexpr answer call(std::string_view what, where w, F make) {
        before_input(w);
        note("calls", what);
        const answer a = make();
        if (a != answer::ok) note("  told", describe(a));
        after_input(w);
        return a;
    }
    constexpr void serve(where w) {
        now_ = std::max(now_, conn_.poll_timeout());
        note("waits", "until a timer is due");
        conn_.handle_timeout(now_);
        after_input(w);
        connection_type twin = conn_;
        for (int i = 0; i < most_polls && twin.poll_transmit(now_); ++i) {
        }
        if (twin.poll_timeout() <= now_) fail("a timer that was served and polled is still due", w);
    }
    /// The caller's loop: poll until nothing comes. A script that has not asked for what comes is wrong.
    constexpr void before_input(where w) {
        if (scripted_ && !unpolled_ && polls(w)) fail("the script does not expect this segment", w);
        unpolled_ = false;
    }
    constexpr void after_input(where w) {
        const auto& rows = conn_.recorder();
        bool impossible = false;
        for (auto r = rows.since(rows_); r != rows.end(); ++r) {
            if (r->to != r->from) passed_.then(r->to);
            impossible = impossible || connection_type::machine_type::table.at(r->from, r->on).is_impossible();
            if (std::is_constant_evaluated()) continue;
            const citation c = cite<typename Policies::table>(r->from, r->on);
            say(fmt::format("{:>14}{}, {} -> {}  [{}] {}\n", "", name(r->from), name(r->on), name(r->to), c.cite,
                            c.because));
        }
        rows_ = rows.total();
        if (impossible) fail("an event was raised that the table calls impossible", w);
        check(w);
    }
    /// A copy is equal, and the script goes on with it; calls too many do nothing.
    constexpr void check(where w) {
        connection_type twin = conn_;
        if (!(twin == conn_)) fail("a copy is not equal", w);
        conn_ = twin;
        if (std::is_constant_evaluated()) return;
        check_timeout_too_early(twin, w);
        int polled = 0;
        while (twin.poll_transmit(now_)) {
            if (++polled == most_polls) return fail("polling does not end", w);
        }
        connection_type quiet = twin;
        if (twin.poll_transmit(now_) || !(twin == quiet)) fail("a poll too many emits or changes something", w);
        check_timeout_too_early(twin, w);
        while (twin.poll_signal()) {
        }
        quiet = twin;
        if (twin.poll_signal() || !(twin == quiet)) fail("a signal is told twice", w);
    }
    constexpr void check_timeout_too_early(const connection_type& c, where w) {
        if (c.poll_timeout() <= now_) return;
        connection_type twin = c;
        twin.handle_timeout(now_);
        if (!(twin == c)) fail("a timeout before its time changes something", w);
    }

    constexpr void note(std::string_view verb, std::string_view what) {
        if (std::is_constant_evaluated()) return;
        const duration since = now_ - world_.begin;
        say(fmt::format("{:>+12.6f}  {:6} {}\n", std::chrono::duration<double>(since).count(), verb, what));
    }
    constexpr void note(std::string_view verb, const segment& real, bool our_own) {
        if (!std::is_constant_evaluated()) note(verb, to_script(relative(real, our_own)));
    }
    void say(const std::string& line) { log_.insert(log_.end(), line.begin(), line.end()); }

    static constexpr int most_polls = 100'000;

    world world_;
    parameters given_;
    time_point now_;
    connection_type conn_{};
    route passed_{state::closed};
    event judged_ = event::rcv_stray;
    std::uint64_t rows_ = 0;
    bool unpolled_ = false;
    bool scripted_ = true;
    std::vector<char> log_;
};

/// A connection with the default policies, under test.
using subject = basic_subject<>;

}  // namespace tcpfsm::test
