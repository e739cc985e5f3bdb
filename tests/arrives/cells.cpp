// SPDX-License-Identifier: MIT
// cells.cpp: every cell of the table, driven. A real connection is led into the state through the front door, the very
// event is raised by a call, a segment, a report of ICMP or a timer, and what then happens is compared with what the
// RFC says, which stands here a second time, step by step, and does not come from the table.

#include "walks.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <string_view>
#include <vector>

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace std::chrono_literals;

namespace {

using enum state;
using enum event;
using enum action;
using enum answer;
using enum tcpfsm::signal;

// --- What the RFC says ----------------------------------------------------------------------------------

/// In these states, on these events: where it leads, what is done, what is said.
struct rule {
    state_set in;
    event_set on;
    destination go_to;
    actions doing;
    saying says;
    std::string_view step;
};

constexpr state_set sync = states::synchronized;
constexpr state_set any_other = sync | syn_received;                   // 3.10.7.4
constexpr state_set receives = established | fin_wait_1 | fin_wait_2;  // the peer has not closed
constexpr state_set after_fin = close_wait | closing | last_ack | time_wait;
constexpr state_set unacked = syn_sent | syn_received | established | fin_wait_1 | close_wait | closing | last_ack;
constexpr state_set text_or_fin = established | fin_wait_1 | close_wait | closing | last_ack;
constexpr saying nothing{};

// clang-format off
constexpr rule rules[] = {
    {closed,                            open_passive,      listen,       create_tcb,                       ok,               "3.10.1"},
    {closed,                            open_active,       syn_sent,     create_tcb | snd_syn,             ok,               "3.10.1"},
    {listen,                            open_active,       syn_sent,     snd_syn,                          ok,               "3.10.1"},
    {closed | listen,                   open_unspecified,  stay,         {},                               err_unspecified,  "3.10.1"},
    {~state_set{closed},                open_passive,      stay,         {},                               err_exists,       "3.10.1"},
    {~(closed | listen),                open_active | open_unspecified,
                                                           stay,         {},                               err_exists,       "3.10.1"},
    {closed,                            send,              stay,         {},                               err_no_connection, "3.10.2"},
    {listen,                            send,              syn_sent,     snd_syn | snd_text,               ok,               "3.10.2"},
    {syn_sent | syn_received | established | close_wait,
                                        send,              stay,         snd_text,                         ok,               "3.10.2"},
    {fin_wait_1 | fin_wait_2 | closing | last_ack | time_wait,
                                        send,              stay,         {},                               err_closing,      "3.10.2"},
    {listen,                            send_unspecified,  stay,         {},                               err_unspecified,  "3.10.2"},
    {listen | syn_sent | syn_received | established | close_wait,
                                        send_no_room,      stay,         {},                               err_no_resources, "3.10.2"},
    {syn_received | close_wait,         send_after_close,  stay,         {},                               err_closing,      "3.6"},
    {receives | after_fin,              receive,           stay,         take_read,                        ok,               "3.10.3"},
    {syn_received,                      receive,           stay,         take_read,                        ok,               "RFC 7413 4.2.2"},
    {listen | syn_sent | syn_received | receives,
                                        receive_empty,     stay,         {},                               ok,               "3.10.3"},
    {after_fin,                         receive_empty,     stay,         {},                               err_closing,      "3.10.3"},
    {closed,                            receive_empty,     stay,         {},                               err_no_connection, "3.10.3"},
    {closed,                            event::close,      stay,         {},                               err_no_connection, "3.10.4"},
    {listen | syn_sent,                 event::close | close_behind_text,
                                                           closed,       delete_tcb,                       ok,               "3.10.4"},
    {syn_received | established,        event::close,      fin_wait_1,   snd_fin,                          ok,               "3.10.4"},
    {established,                       close_behind_text, fin_wait_1,   snd_fin,                          ok,               "3.10.4"},
    {close_wait,                        event::close,      last_ack,     snd_fin,                          ok,               "3.10.4"},
    {syn_received | close_wait,         close_behind_text, stay,         hold_close,                       ok,               "3.10.4"},
    {fin_wait_1 | fin_wait_2 | closing | last_ack | time_wait,
                                        event::close,      stay,         {},                               err_closing,      "3.10.4"},
    {syn_received | receives | close_wait,
                                        close_unread,      closed,       snd_rst | delete_tcb,             ok,               "3.6.1 SHLD-3"},
    {closed,                            event::abort,      stay,         {},                               err_no_connection, "3.10.5"},
    {listen | syn_sent | closing | last_ack | time_wait,
                                        event::abort,      closed,       delete_tcb,                       ok,               "3.10.5"},
    {syn_received | receives | close_wait,
                                        event::abort,      closed,       snd_rst | delete_tcb,             ok,               "3.10.5"},
    {closed,                            status,            stay,         {},                               err_no_connection, "3.10.6"},
    {~state_set{closed},                status,            stay,         {},                               ok,               "3.10.6"},

    {closed,                            rcv_stray | rcv_bad_ack,
                                                           stay,         snd_rst,                          nothing,          "3.10.7.1"},
    {listen,                            rcv_bad_ack,       stay,         snd_rst,                          nothing,          "3.10.7.2 2"},
    {listen,                            rcv_syn,           syn_received, take_syn | snd_syn,               nothing,          "3.10.7.2 3"},
    {listen,                            rcv_syn_cookie,    syn_received, take_syn | trust_peer | snd_syn,  tell_early,       "RFC 7413 4.2.2"},
    {syn_sent,                          rcv_bad_ack,       stay,         snd_rst,                          nothing,          "3.10.7.3 1"},
    {syn_sent,                          rcv_rst,           closed,       delete_tcb,                       tell_reset,       "3.10.7.3 2"},
    {syn_sent,                          rcv_syn_ack,       established,  take_syn | take_ack | snd_ack,    tell_open,        "3.10.7.3 4"},
    {syn_sent,                          rcv_syn,           syn_received, take_syn | snd_syn,               nothing,          "3.10.7.3 4"},

    {any_other,                         rcv_paws,          stay,         snd_ack,                          nothing,          "RFC 7323 5.3"},
    {any_other,                         rcv_outside | rcv_outside_text,
                                                           stay,         snd_ack,                          nothing,          "3.10.7.4 1"},
    {time_wait,                         rcv_fin_again,     stay,         snd_ack | start_2msl,             nothing,          "3.10.7.4 8"},
    {syn_received,                      rcv_syn_again,     stay,         snd_syn,                          nothing,          "3.10.7.4 1"},
    {time_wait,                         rcv_syn_reopen,    syn_received, reopen_tcb | take_syn | snd_syn,  nothing,          "3.6.1 MAY-2"},
    {syn_received,                      rcv_rst_passive,   listen,       forget_peer,                      nothing,          "3.10.7.4 2"},
    {syn_received,                      rcv_rst_reopened,  time_wait,    restore_tcb | start_2msl,         nothing,          "3.6.1 MAY-2"},
    {syn_received,                      rcv_rst,           closed,       delete_tcb,                       tell_refused,     "3.10.7.4 2"},
    {receives | close_wait,             rcv_rst,           closed,       delete_tcb,                       tell_reset,       "3.10.7.4 2"},
    {closing | last_ack | time_wait,    rcv_rst,           closed,       delete_tcb,                       tell_closed,      "3.10.7.4 2"},
    {any_other,                         rcv_rst_challenge, stay,         snd_ack,                          nothing,          "3.10.7.4 2"},
    {syn_received,                      rcv_syn_passive,   listen,       forget_peer,                      nothing,          "3.10.7.4 4"},
    {any_other,                         rcv_syn_challenge, stay,         snd_ack,                          nothing,          "3.10.7.4 4"},
    {any_other,                         rcv_syn_fatal,     closed,       snd_rst | delete_tcb,             tell_reset,       "3.10.7.4 4"},
    {syn_received,                      rcv_bad_ack,       stay,         snd_rst,                          nothing,          "3.10.7.4 5"},
    {sync,                              rcv_bad_ack,       stay,         snd_ack,                          nothing,          "3.10.7.4 5"},
    {syn_received,                      rcv_ack_of_syn,    established,  take_ack,                         tell_open,        "3.10.7.4 5"},
    {sync & ~state_set{time_wait},      rcv_ack,           stay,         take_ack,                         nothing,          "3.10.7.4 5"},
    {fin_wait_1,                        rcv_ack_of_fin,    fin_wait_2,   take_ack,                         nothing,          "3.10.7.4 5"},
    {closing,                           rcv_ack_of_fin,    time_wait,    take_ack | start_2msl,            nothing,          "3.10.7.4 5"},
    {last_ack,                          rcv_ack_of_fin,    closed,       delete_tcb,                       tell_closed,      "3.10.7.4 5"},
    {receives,                          rcv_urg,           stay,         take_urg,                         tell_urgent,      "3.10.7.4 6"},
    {receives,                          rcv_text,          stay,         take_text,                        nothing,          "3.10.7.4 7"},
    {syn_received,                      rcv_text,          stay,         take_text,                        nothing,          "RFC 7413 4.2.2"},
    {receives,                          rcv_text_early,    stay,         take_text | snd_ack,              nothing,          "3.10.7.4 7"},
    {receives,                          rcv_text_no_room | rcv_text_no_range,
                                                           stay,         snd_ack,                          nothing,          "3.10.7.4 1"},
    {fin_wait_1 | fin_wait_2,           rcv_text_unwanted, closed,       snd_rst | delete_tcb,             tell_reset,       "3.6.1 SHLD-3"},
    {established,                       rcv_fin,           close_wait,   take_fin | snd_ack,               tell_closing,     "3.10.7.4 8"},
    {fin_wait_1,                        rcv_fin,           closing,      take_fin | snd_ack,               tell_closing,     "3.10.7.4 8"},
    {fin_wait_2,                        rcv_fin,           time_wait,    take_fin | snd_ack | start_2msl,  tell_closing,     "3.10.7.4 8"},

    {~state_set{closed},                icmp_soft,         stay,         {},                               tell_soft_error,  "3.9.2.2"},
    {syn_sent | syn_received,           icmp_hard,         closed,       delete_tcb,                       tell_unreachable, "3.9.2.2"},
    {listen | sync,                     icmp_hard,         stay,         {},                               tell_soft_error,  "RFC 5461"},

    {unacked,                           timeout_user,      closed,       delete_tcb,                       tell_timed_out,   "3.10.8"},
    {unacked,                           timeout_trouble,   stay,         snd_again,                        tell_trouble,     "3.8.3"},
    {unacked,                           timeout_retransmission, stay,    snd_again,                        nothing,          "3.10.8"},
    {text_or_fin,                       timeout_reordering, stay,        snd_lost,                         nothing,          "RFC 8985 6.2"},
    {text_or_fin,                       timeout_tail_loss, stay,         snd_tail,                         nothing,          "RFC 8985 7.3"},
    {text_or_fin,                       timeout_pacing,    stay,         snd_paced,                        nothing,          "RFC 9937 5"},
    {text_or_fin,                       timeout_persist,   stay,         snd_probe,                        nothing,          "3.8.6.1"},
    {receives,                          timeout_delayed_ack, stay,       snd_ack,                          nothing,          "3.8.6.3"},
    {text_or_fin,                       timeout_override,  stay,         snd_override,                     nothing,          "3.8.6.2.1"},
    {receives | close_wait,             timeout_keep_alive, stay,        snd_keep_alive,                   nothing,          "3.8.4"},
    {receives | close_wait,             timeout_dead_peer, closed,       snd_rst | delete_tcb,             tell_timed_out,   "3.8.4"},
    {time_wait,                         timeout_time_wait, closed,       delete_tcb,                       tell_closed,      "3.10.8"},
};

/// What is dropped without a word.
struct silence {
    state_set in;
    event_set on;
    std::string_view step;
};
constexpr silence silences[] = {
    {closed | listen,                   rcv_rst,           "3.10.7.1, 3.10.7.2 1"},
    {listen,                            rcv_stray,         "3.10.7.2 4"},
    {syn_sent,                          rcv_rst_invalid | rcv_stray, "3.10.7.3 2, 5"},
    {any_other,                         rcv_rst_invalid,   "3.10.7.4 1"},
    {any_other,                         rcv_no_timestamp,  "RFC 7323 3.2"},
    {any_other,                         rcv_no_ack,        "3.10.7.4 5"},
    {time_wait,                         rcv_rst_lingering, "RFC 1337 3"},
    {time_wait,                         rcv_ack,           "3.10.7.4 5"},
    {after_fin,                         rcv_urg,           "3.10.7.4 6"},
    {after_fin,                         rcv_text_after_fin, "3.10.7.4 7, 8"},
    {states::all,                       icmp_quench,       "3.9.2.2 MUST-55"},
    {closed,                            icmp_soft | icmp_hard, "3.9.2.2"},
};

/// Cells with a row that nothing reaches: the row says what would be right.
struct unreached {
    state_set in;
    event_set on;
    std::string_view because;
};
constexpr unreached out_of_reach[] = {
    {listen,                            close_behind_text, "a SEND leaves LISTEN at once, so no text is queued there"},
    {closed | listen | fin_wait_2 | time_wait, icmp_soft | icmp_hard,
                                                           "nothing is in flight that ICMP could quote (RFC 5927 4.1)"},
    {syn_received,                      rcv_text,          "the SYN that brings the text is taken in LISTEN, a row before"},
    {fin_wait_1,                        timeout_keep_alive | timeout_dead_peer,
                                                           "our FIN is unacknowledged or waits, so no keep-alive is due"},
    {last_ack,                          timeout_override,  "CLOSE waits in CLOSE-WAIT until all text is segmentized, and a FIN is not held back"},
};
// clang-format on

template <class Lines>
const auto* find(const Lines& lines, state s, event e) {
    for (const auto& line : lines) {
        if (line.in.contains(s) && line.on.contains(e)) return &line;
    }
    return static_cast<decltype(&lines[0])>(nullptr);
}

// --- How to get there -----------------------------------------------------------------------------------

/// A connection, its clock and its world.
template <class P>
class bench {
public:
    using connection_type = basic_connection<recorded<P>>;

    bench(const world& w, state at, event e) : world_{w}, now_{w.begin}, event_{e} {
        walk(at);
        prepare(at);
        drain();
        while (c.poll_signal()) {
        }
    }

    connection_type c;
    arrival got{};
    std::optional<segment> arrived;  ///< the segment that raised the event, if one did
    std::optional<answer> told;      ///< the answer, if a call did

    [[nodiscard]] time_point now() const { return now_; }
    [[nodiscard]] const auto& snd() const { return c.numbers().snd; }
    [[nodiscard]] const auto& rcv() const { return c.numbers().rcv; }

    /// Raises the event.
    void fire(state at) {
        parameters p = given();
        switch (event_) {
        case open_passive: told = c.open_passive(p, now_); return;
        case open_unspecified: p.remote_specified = false; [[fallthrough]];
        case open_active: told = c.open_active(p, now_); return;
        case send:
        case send_unspecified:
        case send_after_close: told = c.send(10, now_); return;
        case send_no_room: told = c.send(p.snd_buff + 1, now_); return;
        case receive:
        case receive_empty: told = c.receive(10, now_); return;
        case event::close:
        case close_behind_text: told = c.close(now_); return;
        case close_unread: told = c.close_both(now_); return;
        case event::abort: told = c.abort(now_); return;
        case status: told = c.status(now_); return;
        case icmp_soft: c.handle_icmp(icmp_error::soft, snd().una, now_); return;
        case icmp_hard: c.handle_icmp(icmp_error::hard, snd().una, now_); return;
        case icmp_quench: c.handle_icmp(icmp_error::source_quench, snd().una, now_); return;
        default: break;
        }
        if (event_ >= timeout_user) return wait();
        arrived = stimulus(at);
        got = c.handle_segment(*arrived, now_);
    }
    /// Everything that is owed.
    std::vector<segment> drain() {
        std::vector<segment> out;
        while (const auto next = c.poll_transmit(now_)) out.push_back(next->segment);
        return out;
    }
    /// A segment of the peer's that fits: what we expect next, and an ACK of all that we sent.
    [[nodiscard]] segment peer(control bits, std::uint32_t text = 0) const {
        segment seg{.seq = rcv().nxt, .text = text, .ctl = bits, .wnd = 60000};
        if (bits.has(ctl::ack)) seg.ack = snd().nxt;
        if (c.numbers().ts.on) stamp(seg);
        return seg;
    }
    /// As `peer`, with an ACK that says nothing new.
    [[nodiscard]] segment old_ack(std::uint32_t text) const {
        segment seg = peer(ctl::ack, text);
        seg.ack = snd().una;
        return seg;
    }
    void hears(const segment& seg) { c.handle_segment(seg, now_); }

private:
    [[nodiscard]] bool one_of(event_set events) const { return events.contains(event_); }
    [[nodiscard]] parameters given() const {
        parameters p{.iss = world_.ours};
        if (event_ == rcv_text_no_room) p.rcv_buff = 10;
        p.remote_specified = !one_of(open_unspecified | send_unspecified);
        return p;
    }
    void stamp(segment& seg) const {
        seg.options.has_timestamps = true;
        seg.options.ts_val = world_.peers_stamp;
    }
    [[nodiscard]] segment syn(control bits) const {
        segment seg{.seq = world_.peers, .ctl = bits, .wnd = 65535};
        if (bits.has(ctl::ack)) seg.ack = snd().nxt;
        if (one_of(rcv_paws | rcv_no_timestamp)) stamp(seg);
        seg.options.sack_permitted = one_of(timeout_reordering | timeout_tail_loss);
        return seg;
    }
    void wait() {
        now_ = c.poll_timeout();
        c.handle_timeout(now_);
    }
    /// The shortest way to the state; some events want more on the way.
    void walk(state to) {
        if (to == closed) return;
        parameters p = given();
        if (event_ == open_unspecified && to != listen) p.remote_specified = true;
        const bool with_text = to == syn_received && one_of(receive | close_unread);
        const bool passively = one_of(rcv_rst_passive | rcv_syn_passive) || with_text;
        if (to == listen || (to == syn_received && passively)) {
            REQUIRE(c.open_passive(p, now_) == ok);
        } else {
            REQUIRE(c.open_active(p, now_) == ok);
            drain();
        }
        grant();
        if (to == listen || to == syn_sent) return;
        if (with_text) return hears_and_answers(opening(10));
        if (event_ == timeout_pacing) now_ += 100ms;  // no pace without a round trip
        if (to == syn_received && event_ != rcv_rst_reopened) return hears_and_answers(syn(ctl::syn));
        hears_and_answers(syn(ctl::syn | ctl::ack));
        if (one_of(receive | close_unread | rcv_text_no_room)) text_is_read_later();
        const bool peer_first = to == close_wait || to == last_ack;
        if (event_ == timeout_override && !peer_first) narrow();
        if (to == established) return;
        if (peer_first) {
            hears_and_answers(peer(ctl::fin | ctl::ack));
            if (one_of(close_behind_text | send_after_close | timeout_override)) narrow();
            if (to == last_ack && event_ == timeout_pacing) leave_the_fin_alone();
            if (to == last_ack && event_ == timeout_reordering) REQUIRE(c.send(10, now_) == ok);
            if (to == last_ack) REQUIRE(c.close(now_) == ok);
            drain();
            return;
        }
        if (event_ == timeout_reordering) REQUIRE(c.send(10, now_) == ok);
        if (event_ == timeout_pacing) REQUIRE(c.send(4000, now_) == ok);
        REQUIRE((event_ == rcv_text_unwanted ? c.close_both(now_) : c.close(now_)) == ok);
        drain();
        if (to == fin_wait_1) return;
        if (to == closing) {
            segment fin = peer(ctl::fin | ctl::ack);
            fin.ack = snd().una;
            if (event_ == timeout_override) fin.wnd = 10;
            return hears_and_answers(fin);
        }
        hears_and_answers(peer(ctl::ack));
        if (to == fin_wait_2) return;
        hears_and_answers(peer(ctl::fin | ctl::ack));
        if (to == time_wait) return;
        segment again = syn(ctl::syn);  // SYN-RECEIVED, reopened
        again.seq = rcv().nxt + 100000;
        hears_and_answers(again);
    }
    void grant() {
        if constexpr (P::fast_open) c.grant_fast_open({.cookie = cookie});
    }
    /// A SYN that shows the cookie.
    [[nodiscard]] segment opening(std::uint32_t text) const {
        segment seg = syn(ctl::syn);
        seg.text = text;
        seg.options.has_fast_open = true;
        seg.options.cookie = cookie;
        return seg;
    }
    void hears_and_answers(const segment& seg) {
        hears(seg);
        drain();
    }
    void text_is_read_later() {
        hears(peer(ctl::ack | ctl::psh, 10));
        wait();
        drain();
    }
    /// The peer's window shrinks so far that text is held back.
    void narrow() {
        segment seg = peer(ctl::ack);
        seg.wnd = 10;
        hears_and_answers(seg);
        REQUIRE(c.send(20, now_) == ok);
        drain();
    }
    /// The peer's window has room for the text and not for the FIN.
    void leave_the_fin_alone() {
        segment seg = peer(ctl::ack);
        seg.wnd = 536;
        hears_and_answers(seg);
        REQUIRE(c.send(536, now_) == ok);
    }
    /// What the event wants beside the state.
    void prepare(state at) {
        const bool may_send = at == established || at == close_wait;
        if (event_ == timeout_persist) {
            segment seg = old_ack(0);
            seg.wnd = 0;
            hears_and_answers(seg);
        }
        if (may_send && one_of(timeout_user | timeout_trouble | timeout_retransmission | timeout_persist | icmp_soft |
                               icmp_hard | rcv_ack)) {
            REQUIRE(c.send(10, now_) == ok);
            drain();
        }
        if (may_send && one_of(timeout_reordering | timeout_tail_loss)) REQUIRE(c.send(10, now_) == ok);
        if (may_send && event_ == timeout_pacing) REQUIRE(c.send(4000, now_) == ok);
        drain();
        if (at == last_ack && event_ == timeout_pacing) hears_and_answers(old_ack(0));
        if (event_ == timeout_reordering) {
            segment seg = old_ack(0);
            seg.options.sack_count = 1;
            seg.options.sack[0] = {snd().una + 5, snd().nxt};
            hears(seg);
        }
        if (at == time_wait) now_ += 1min;  // so that a new 2 MSL differs from the old one
        if (event_ == timeout_user) c.set_user_timeout(100ms);
        if (event_ == timeout_trouble) waits_for(P::r1 - 1);
        if (one_of(timeout_keep_alive | timeout_dead_peer)) c.set_keep_alive(1min);
        if (event_ == timeout_dead_peer) waits_for(P::keep_alive_probes);
        if (event_ == timeout_delayed_ack) hears(old_ack(10));
        if (event_ == close_behind_text && at == established) narrow();
        const bool queues = at == syn_sent || at == syn_received;
        if (queues && one_of(close_behind_text | send_after_close)) REQUIRE(c.send(10, now_) == ok);
        if (event_ == send_after_close) REQUIRE(c.close(now_) == ok);
        for (std::uint32_t i = 0; event_ == rcv_text_no_range && i < P::reassembly_ranges; ++i) {
            segment seg = old_ack(10);
            seg.seq += 20 * i + 10;
            hears_and_answers(seg);
        }
    }
    void waits_for(unsigned timeouts) {
        for (unsigned i = 0; i < timeouts; ++i) {
            wait();
            drain();
        }
    }
    /// A segment that means just this.
    [[nodiscard]] segment stimulus(state at) const {
        constexpr state_set no_numbers = closed | listen | syn_sent;
        segment seg = peer(ctl::ack);
        seg.wnd = 50000;  // a window update, so no duplicate ACK
        if (no_numbers.contains(at)) seg.seq = world_.peers;
        if (sync.contains(at) && event_ != rcv_ack_of_fin) seg.ack = snd().una;
        switch (event_) {
        case rcv_stray:
            seg.ctl = at == syn_sent ? ctl::ack : ctl::psh;
            seg.text = 10;
            break;
        case rcv_bad_ack: seg.ack = at == syn_sent ? snd().iss : snd().nxt + 1; break;
        case rcv_no_ack: seg.ctl = {}; break;
        case rcv_outside: seg.seq = seg.seq - 1; break;
        case rcv_outside_text:
            seg.seq = seg.seq - 10;
            seg.text = 5;
            break;
        case rcv_paws: seg.options.ts_val -= 1; break;
        case rcv_no_timestamp: seg.options = {}; break;
        case rcv_rst: seg.ctl = at == syn_sent ? ctl::rst | ctl::ack : ctl::rst; break;
        case rcv_rst_passive:
        case rcv_rst_reopened: seg.ctl = ctl::rst; break;
        case rcv_rst_challenge:
            seg.ctl = ctl::rst;
            seg.seq += 1;
            break;
        case rcv_rst_invalid:
            seg.ctl = ctl::rst;
            seg.seq = seg.seq - 1;
            break;
        case rcv_rst_lingering: seg.ctl = ctl::rst; break;
        case rcv_syn: seg.ctl = ctl::syn; break;
        case rcv_syn_cookie: return opening(0);
        case rcv_syn_ack: seg.ctl = ctl::syn | ctl::ack; break;
        case rcv_syn_again:
            seg.ctl = ctl::syn;
            seg.seq = rcv().irs;
            break;
        case rcv_syn_passive: seg.ctl = ctl::syn; break;
        case rcv_syn_challenge:
        case rcv_syn_fatal: seg.ctl = ctl::syn | ctl::ack; break;
        case rcv_syn_reopen:
            seg.ctl = ctl::syn;
            seg.seq += 100000;
            break;
        case rcv_ack: seg.ack = at == established || at == close_wait ? snd().nxt : snd().una; break;
        case rcv_fin_again:
            seg.ctl |= ctl::fin;
            seg.seq = seg.seq - 1;
            break;
        case rcv_urg:
            seg.ctl |= ctl::urg;
            seg.up = 10;
            break;
        case rcv_text:
        case rcv_text_no_room:
        case rcv_text_unwanted:
        case rcv_text_after_fin: seg.text = 10; break;
        case rcv_text_early:
            seg.text = 10;
            seg.seq += 10;
            break;
        case rcv_text_no_range:
            seg.text = 5;
            seg.seq += 20 * P::reassembly_ranges + 10;
            break;
        case rcv_fin: seg.ctl |= ctl::fin; break;
        default: break;  // rcv_ack_of_syn, rcv_ack_of_fin
        }
        return seg;
    }

    static constexpr fast_open_cookie cookie{{1, 2, 3, 4}, 4};

    world world_;
    time_point now_;
    event event_;
};

// --- What is compared -------------------------------------------------------------------------------------

/// 3.10.7.4, sixth to eighth: the ACK of the same segment was taken before.
constexpr bool follows_an_ack(event e) {
    constexpr event_set later = rcv_urg | rcv_text | rcv_text_early | rcv_text_no_room | rcv_text_no_range |
                                rcv_text_unwanted | rcv_text_after_fin | rcv_fin;
    return later.contains(e);
}

/// The rows that should have been taken, and no others.
std::vector<taken_row> rows_expected(state s, event e, state next) {
    std::vector<taken_row> rows;
    if (follows_an_ack(e)) rows.push_back({s, rcv_ack, s});
    rows.push_back({s, e, next});
    if (e == timeout_trouble) rows.push_back({s, timeout_retransmission, s});
    return rows;
}

template <class P>
void check_rows(const bench<P>& b, std::uint64_t before, state s, event e, state next) {
    const auto& rec = b.c.recorder();
    const std::vector<taken_row> rows(rec.since(before), rec.end());
    for (const taken_row& r : rows) UNSCOPED_INFO(name(r.from) << ", " << name(r.on) << " -> " << name(r.to));
    CHECK(rows == rows_expected(s, e, next));
}

/// Each action can be seen from outside: in the numbers, or in what is owed.
template <class P>
void check_numbers(const bench<P>& before, const bench<P>& b, actions doing) {
    const auto& was = before.snd();
    const segment seg = b.arrived.value_or(segment{});
    while (!doing.empty()) {
        const action a = doing.pop();
        INFO("action " << name(a));
        switch (a) {
        case create_tcb: CHECK((b.snd().una == b.snd().iss && b.snd().end == b.snd().iss + 1)); break;
        case reopen_tcb: CHECK((b.snd().iss > was.nxt && b.snd().una == b.snd().iss)); break;
        case restore_tcb: CHECK((b.snd().una == b.snd().nxt && b.snd().nxt + 65537 == was.iss)); break;
        case forget_peer: CHECK((b.snd().iss > was.nxt && b.snd().una == b.snd().iss && b.rcv().nxt == seq{})); break;
        case take_syn: CHECK((b.rcv().irs == seg.seq && b.rcv().nxt == seg.seq + 1 && b.snd().wnd == seg.wnd)); break;
        case trust_peer: CHECK(b.c.numbers().early()); break;
        case take_ack:
            CHECK((b.snd().una == later(was.una, seg.ack) && b.snd().wnd == seg.wnd && b.snd().wl1 == seg.seq));
            break;
        case take_urg: CHECK(b.rcv().up == seg.seq + seg.up); break;
        case take_text:
            CHECK(b.got.text == seg.text);
            CHECK(b.got.at == seg.seq - before.rcv().nxt);
            CHECK(b.rcv().nxt == (b.got.at == 0 ? seg.seq + seg.text : before.rcv().nxt));
            CHECK(b.c.readable() == b.got.in_order);
            break;
        case take_fin: CHECK(b.rcv().nxt == seg.seq + seg.text + 1); break;
        case take_read: CHECK((before.c.readable() == 10 && b.c.readable() == 0)); break;
        case hold_close: CHECK(b.snd().close_waits); break;
        case snd_text: CHECK(b.snd().queued() == was.queued() + 10); break;
        case start_2msl: CHECK(b.c.poll_timeout() == b.now() + 4min); break;
        case delete_tcb:
            CHECK(b.c.numbers() == typename bench<P>::connection_type{}.numbers());
            CHECK(b.c.poll_timeout() == never);
            break;
        default: break;  // a debt
        }
    }
}

/// 3.5.2 and 3.10.5: the reset that answers this segment, or none at all.
segment reset_expected(const std::optional<segment>& arrived, seq snd_nxt) {
    if (!arrived) return {.seq = snd_nxt, .ctl = ctl::rst};
    if (arrived->has(ctl::ack)) return {.seq = arrived->ack, .ctl = ctl::rst};
    return {.ack = arrived->seq + arrived->len(), .ctl = ctl::rst | ctl::ack};
}

template <class P>
bool sends_a_fin_at_last(bench<P> b, const std::vector<segment>& out) {
    const auto has_fin = [](const segment& seg) { return seg.has(ctl::fin); };
    if (std::any_of(out.begin(), out.end(), has_fin)) return true;
    b.hears(b.peer(ctl::ack));  // the window opens
    const auto more = b.drain();
    return std::any_of(more.begin(), more.end(), has_fin);
}

/// What leaves is what the actions owe, and nothing else.
template <class P>
void check_emitted(const bench<P>& before, bench<P>& b, actions doing) {
    const auto out = b.drain();
    for (const segment& seg : out) UNSCOPED_INFO("emits " << to_script(seg));
    const auto one = [&out](auto test) {
        CHECK(out.size() == 1);
        if (out.size() == 1) CHECK(test(out[0]));
    };
    const send_sequence& was = before.snd();
    const auto& snd = b.snd();
    const auto& rcv = b.rcv();
    if (doing.contains(snd_rst)) {
        const segment expected = reset_expected(b.arrived, was.nxt);
        one([&](const segment& s) {
            return s.seq == expected.seq && s.ack == expected.ack && s.ctl == expected.ctl && s.text == 0;
        });
    } else if (doing.contains(snd_syn)) {
        const bool knows = doing.contains(take_syn) || before.c.at() == syn_received;
        one([&](const segment& s) {
            return s.seq == snd.iss && s.text == 0 && snd.nxt == snd.iss + 1 &&
                   s.ctl == (knows ? ctl::syn | ctl::ack : ctl::syn) && (!knows || s.ack == rcv.nxt);
        });
    } else if (doing.contains(snd_ack)) {
        one([&](const segment& s) { return s.seq == snd.nxt && s.ack == rcv.nxt && s.ctl == ctl::ack && s.text == 0; });
    } else if (doing.contains(snd_fin)) {
        CHECK(sends_a_fin_at_last(b, out));
    } else if (doing.contains(snd_text) && (b.c.in(established | close_wait))) {
        one([&](const segment& s) { return s.seq == was.nxt && s.text == 10 && s.ack == rcv.nxt; });
    } else if (doing.contains(snd_again)) {
        one([&](const segment& s) { return s.seq == was.una && s.len() == was.nxt - was.una && snd.nxt == was.nxt; });
    } else if (doing.contains(snd_lost)) {
        one([&](const segment& s) { return s.seq == was.una && s.len() == 5 && snd.nxt == was.nxt; });
    } else if (doing.contains(snd_tail)) {
        one([&](const segment& s) { return s.seq == was.una && s.len() == was.nxt - was.una && snd.nxt == was.nxt; });
    } else if (doing.contains(snd_paced)) {
        one([&](const segment& s) { return s.seq == was.nxt && s.len() != 0; });
    } else if (doing.contains(snd_probe)) {
        one([&](const segment& s) { return s.seq == was.una && s.len() == 1; });
    } else if (doing.contains(snd_override)) {
        one([&](const segment& s) { return s.seq == was.nxt && s.text == 10; });
    } else if (doing.contains(snd_keep_alive)) {
        one([&](const segment& s) { return s.seq == snd.nxt - 1 && s.len() == 0 && s.ctl == ctl::ack; });
    } else {
        CHECK(out.empty());
    }
}

template <class P>
void check_said(bench<P>& b, saying says) {
    if (b.told) {
        REQUIRE(says.is_answer());
        CHECK(*b.told == says.as_answer());
    }
    const auto told = b.c.poll_signal();
    CHECK(told.has_value() == says.is_signal());
    if (told && says.is_signal()) CHECK(*told == says.as_signal());
    CHECK_FALSE(b.c.poll_signal().has_value());
}

/// Drives one cell and compares all of it.
template <class P>
void drive(const world& w, state s, event e) {
    bench<P> b{w, s, e};
    REQUIRE(b.c.at() == s);
    const bench<P> before = b;
    const std::uint64_t rows = b.c.recorder().total();
    b.fire(s);
    if (const rule* r = find(rules, s, e)) {
        INFO("as " << r->step << " says");
        check_rows(b, rows, s, e, r->go_to.from(s));
        CHECK(b.c.at() == r->go_to.from(s));
        check_numbers(before, b, r->doing);
        check_said(b, r->says);
        check_emitted(before, b, r->doing);
        return;
    }
    const silence* quiet = find(silences, s, e);
    REQUIRE(quiet != nullptr);
    INFO("dropped, as " << quiet->step << " says");
    check_rows(b, rows, s, e, s);
    bench<P> other = before;  // without it
    if (follows_an_ack(e)) {
        segment bare = other.old_ack(0);
        bare.wnd = b.arrived->wnd;
        other.hears(bare);
    }
    CHECK(b.c.numbers() == other.c.numbers());
    CHECK(b.c.at() == s);
    check_said(b, nothing);
    CHECK(b.drain().empty());
}

struct with_fast_open : policies {
    static constexpr bool fast_open = true;
};
struct with_pacing : policies {
    static constexpr bool pacing = true;
};

void drive_in_its_policies(const world& w, state s, event e) {
    constexpr event_set resets = rcv_rst | rcv_rst_challenge | rcv_rst_invalid;
    if (e == rcv_syn_fatal) return drive<without_rfc5961>(w, s, e);
    if (s == time_wait && resets.contains(e)) return drive<without_rfc1337>(w, s, e);
    if (e == timeout_pacing) return drive<with_pacing>(w, s, e);
    constexpr event_set on_unread = receive | close_unread;
    if (e == rcv_syn_cookie || (s == syn_received && on_unread.contains(e))) return drive<with_fast_open>(w, s, e);
    drive<policies>(w, s, e);
}

/// Drives all cells of these events; a cell that has a row and is neither driven nor listed is a failure.
void drive_all(event_set events, std::string_view what) {
    constexpr auto table = compile<rfc9293>();
    int driven = 0;
    int dropped = 0;
    int listed = 0;
    for (std::size_t i = 0; i < state_count * event_count; ++i) {
        const auto s = static_cast<state>(i % state_count);
        const auto e = static_cast<event>(i / state_count);
        const cell c = table.at(s, e);
        if (!events.contains(e)) continue;
        INFO(name(s) << ", " << name(e) << "   [" << cite(s, e).cite << "]");
        const bool said = find(rules, s, e) != nullptr || find(silences, s, e) != nullptr;
        CHECK(c.is_impossible() != said);
        if (c.is_impossible() || !said) continue;
        CHECK(c.is_dropped() == (find(silences, s, e) != nullptr));
        if (find(out_of_reach, s, e) != nullptr) {
            ++listed;
            continue;
        }
        for (const world& w : worlds) {
            INFO("in the world \"" << w.name << '"');
            drive_in_its_policies(w, s, e);
        }
        ++(c.is_dropped() ? dropped : driven);
    }
    fmt::print("{}: {} cells driven, {} dropped ones driven, {} out of reach\n", what, driven, dropped, listed);
}

}  // namespace

TEST_CASE("cells: every user call in every state does what its row says",
          "[3.10.1][3.10.2][3.10.3][3.10.4][3.10.5][3.10.6]") {
    drive_all(events(open_passive, status), "user calls");
}

TEST_CASE("cells: every judgement on a segment in every state does what its row says",
          "[3.10.7.1][3.10.7.2][3.10.7.3][3.10.7.4]") {
    drive_all(events(rcv_stray, rcv_fin), "segments");
}

TEST_CASE("cells: every report of ICMP in every state does what its row says", "[3.9.2.2][5461-1]") {
    drive_all(events(icmp_soft, icmp_quench), "ICMP");
}

TEST_CASE("cells: every timeout in every state does what its row says", "[3.10.8][3.8]") {
    drive_all(events(timeout_user, timeout_time_wait), "timeouts");
}
