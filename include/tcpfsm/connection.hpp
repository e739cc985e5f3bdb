// SPDX-License-Identifier: MIT
// connection.hpp: one connection, without its octets: judge, table, perform, emit.
#pragma once

#include <tcpfsm/emit.hpp>
#include <tcpfsm/judge.hpp>
#include <tcpfsm/lingering.hpp>
#include <tcpfsm/machine.hpp>
#include <tcpfsm/perform.hpp>
#include <tcpfsm/policies.hpp>
#include <tcpfsm/predict.hpp>
#include <tcpfsm/tcb.hpp>
#include <tcpfsm/timers.hpp>

#include <bit>
#include <cstdint>
#include <optional>

// All of RFC 9293 section 3.10. A connection is a value: copy it, compare it, go on with the copy. It has
// no octets, no addresses, no clock, no pointers. Every call is legal at any time and in any order.

namespace tcpfsm {

/// A report of ICMP about a segment of ours (3.9.2.2), reduced to what matters here.
enum class icmp_error : std::uint8_t {
    soft,           ///< network or host unreachable, time exceeded, parameter problem
    hard,           ///< protocol or port unreachable
    source_quench,  ///< obsolete
};

/// A TCP connection after RFC 9293, in numbers. `Policies` are choices for all connections of the type.
///
/// The loop of a caller:
///
///     conn.handle_segment(seg, now);                          // a segment arrived
///     conn.handle_timeout(now);                               // the deadline below has passed
///     while (auto out = conn.poll_transmit(now)) send(*out);  // a segment for the wire
///     time_point wake = conn.poll_timeout();                  // one deadline; `never` if no timer runs
///     while (auto told = conn.poll_signal()) react(*told);    // opened, closing, reset, timed out ...
///
/// After each call that may owe something (all but the polls), poll until nothing comes. Polling twice
/// emits once; a call too many does nothing.
template <class Policies = policies>
class basic_connection {
    // What no policy may choose.
    static_assert(congestion_control<typename Policies::congestion>);
    static_assert(Policies::delayed_ack < std::chrono::milliseconds{500}, "an ACK waits for less than 0.5 s (MUST-40)");
    static_assert(Policies::override_delay >= std::chrono::milliseconds{100} &&
                      Policies::override_delay <= std::chrono::seconds{1},
                  "the override timer is 0.1 to 1.0 s (3.8.6.2.1)");
    static_assert(Policies::rto.maximum >= std::chrono::seconds{60}, "the RTO may grow to 60 s (RFC 6298 2.5)");
    static_assert(Policies::rto.minimum <= Policies::rto.maximum);
    static_assert(Policies::user_timeouts.least <= Policies::user_timeouts.most);
    static_assert(Policies::keep_alive_probes > 1, "one lost probe is no dead connection (MUST-29)");
    static_assert(Policies::timestamp_tick >= std::chrono::milliseconds{1} &&
                      Policies::timestamp_tick <= std::chrono::seconds{1},
                  "a clock of timestamps ticks once in a millisecond to a second (RFC 7323 5.4)");
    static_assert(Policies::max_ack_delay >= duration::zero());
    static_assert(Policies::reassembly_ranges > 0 && Policies::reassembly_ranges <= 1U << 14U);
    static_assert(Policies::mss_floor > max_options_size, "a segment has room for text beside its options");

public:
    using policies_type = Policies;
    using machine_type = basic_machine<typename Policies::table>;

    // --- User calls (3.9.1, 3.10.1 to 3.10.6) ------------------------------------------------------

    /// OPEN, passive: wait for any peer, or for a known one if `p.remote_specified`.
    constexpr answer open_passive(const parameters& p, time_point now) noexcept {
        return open(event::open_passive, p, now);
    }
    /// OPEN, active. From LISTEN it turns the passive OPEN into an active one, and `p` is not used.
    constexpr answer open_active(const parameters& p, time_point now) noexcept {
        const bool specified = machine_.in(state::listen) ? tcb_.given.remote_specified : p.remote_specified;
        return open(specified ? event::open_active : event::open_unspecified, p, now);
    }
    /// OPEN, active, with fast open (RFC 7413): asks the server for a cookie, or shows the one it gave, and then text
    /// that SEND has before the SYN is polled goes with it: as much as `p.default_mss` allows, which may be the MSS
    /// that the server announced last time. Only for text that may arrive twice (section 6.3.3).
    constexpr answer open_fast(const parameters& p, const fast_open_cookie& cookie, time_point now) noexcept
        requires(Policies::fast_open) {
        const bool fresh = machine_.in(state::closed);
        const answer said = open_active(p, now);
        if (fresh && said == answer::ok) tcb_.opening = fast_opening{cookie};
        return said;
    }
    /// SEND: `octets` more stand at the end of the caller's send buffer. `urgent` marks all text up to
    /// their end as urgent (new programs should not, SHLD-13).
    constexpr answer send(std::uint32_t octets, time_point now, bool urgent = false) noexcept {
        return call(judge_send(octets), {.now = now, .octets = octets, .urgent = urgent});
    }
    /// RECEIVE: the caller has read `octets` of the text in order, which frees room for more. More than
    /// `readable()` counts as all of it.
    constexpr answer receive(std::uint32_t octets, time_point now) noexcept {
        return call(readable() != 0 ? event::receive : event::receive_empty, {.now = now, .octets = octets});
    }
    /// CLOSE: no more text from this side. Text already sent or queued still goes; text of the peer is
    /// still received.
    constexpr answer close(time_point now) noexcept { return call(judge_close(), {.now = now}); }
    /// CLOSE of both directions (3.6.1 MAY-1): as `close`, but received text that is unread, and text that
    /// still arrives, resets the connection, so that the peer learns that it was lost (SHLD-3).
    constexpr answer close_both(time_point now) noexcept {
        constexpr state_set readers = states::handshaking | states::accepting | state::close_wait;
        if (machine_.in(readers) && readable() != 0) return call(event::close_unread, {.now = now});
        tcb_.rcv.unwanted = machine_.in(states::other | state::syn_sent);
        return close(now);
    }
    /// ABORT: the peer gets a reset, the connection is gone.
    constexpr answer abort(time_point now) noexcept { return call(event::abort, {.now = now}); }
    /// STATUS: the answer; the numbers are at `numbers()`.
    constexpr answer status(time_point now) noexcept { return call(event::status, {.now = now}); }

    // --- Inputs (3.10.7, 3.9.2.2, 3.10.8) ----------------------------------------------------------

    /// SEGMENT ARRIVES. The segment is for this connection and its checksum was right. Store what the
    /// result says before the next call: `text` octets after leaving out `skip`, `at` octets beyond the end
    /// of the text in order; then `in_order` more octets are in order. Free `acked` octets at the front of
    /// the send buffer.
    constexpr arrival handle_segment(const segment& seg, time_point now) noexcept {
        arrival out{.in = at()};
        if constexpr (has_shortcut) {
            predicted<Policies> expected{tcb_, now};
            if (Policies::prediction && machine_.in(state_set{state::established}) && expected.fits(seg)) {
                recorder_.record(at(), event::rcv_ack, at());
                if (seg.text != 0) recorder_.record(at(), event::rcv_text, at());
                expected.take(seg, out);
                return out;
            }
        }
        cause why{.arrived = &seg, .now = now, .out = &out};
        const bool was_shut = tcb_.snd.shut();
        [[maybe_unused]] const duration waits = tcb_.given.user_timeout;
        if (machine_.in(state::closed)) {
            raise(judge_closed(seg), why);
        } else if (machine_.in(state::listen)) {
            raise(judge_listen(tcb_, seg), why);
            if (tcb_.opening.trusts()) take_early(why);
        } else if (machine_.in(state::syn_sent)) {
            raise(judge_syn_sent(tcb_, seg), why);
            if (machine_.in(states::synchronized)) take_rest(why);
        } else if (const auto end = judge_arrival(tcb_, seg, at(), now)) {
            constexpr event_set duplicates = event::rcv_outside_text | event::rcv_fin_again | event::rcv_paws;
            if (duplicates.contains(*end)) note_duplicate(seg);
            raise(*end, why);
        } else {
            raise(judge_ack(tcb_, seg, at()), why);
            if (machine_.in(states::open)) take_rest(why);
        }
        if constexpr (Policies::user_timeout_option) {
            if (waits != tcb_.given.user_timeout && machine_.in(states::synchronized)) tell(signal::tell_user_timeout);
        }
        settle(was_shut, now);
        return out;
    }
    /// Time has passed. Serves every timer that is due; does nothing if none is. Answers what was due, to be
    /// cited like a judgement.
    constexpr event_set handle_timeout(time_point now) noexcept {
        const bool was_shut = tcb_.snd.shut();
        event_set served;
        for (const timer which : all_timers) {
            const time_point when = due(tcb_, which, at());
            if (when > now || when == never) continue;
            const cause why{.now = now};
            const event e = judge_timeout(tcb_, which);
            if (e == event::timeout_retransmission && tcb_.snd.retries + 1U == Policies::r1)
                raise(event::timeout_trouble, why);
            raise(e, why);
            served = served | e;
        }
        settle(was_shut, now);
        return served;
    }
    /// ICMP reports an error about a segment of ours that began at `quoted`. A quotation of what is not in
    /// flight is ignored (RFC 5927 4.1). Answers what the report was judged to be.
    constexpr event handle_icmp(icmp_error error, seq quoted, time_point now) noexcept {
        const bool ours = quoted.in(tcb_.snd.una, tcb_.snd.flight());
        event e = event::icmp_quench;
        if (ours && error == icmp_error::soft) e = event::icmp_soft;
        if (ours && error == icmp_error::hard) e = event::icmp_hard;
        raise(e, {.now = now});
        return e;
    }
    /// ICMP reports that a packet of ours was too big for a link of this MTU, 0 if the router does not say: the one
    /// with the segment that began at `quoted`; `length` is its total length, by its own word. Answers what the report
    /// was good for. Our packets must not be fragmented on their way (DF), else there are no reports.
    constexpr too_big handle_packet_too_big(std::uint32_t link, seq quoted, std::uint32_t length,
                                            time_point now) noexcept {
        return take_too_big(tcb_, link, length, quoted, now);
    }

    // --- Polls -------------------------------------------------------------------------------------

    /// The next segment that is owed, or nothing. Emission is from state: what is not polled is not lost,
    /// and is not sent twice. If the link cuts text into segments by itself, it says how many octets it takes at once:
    /// `most`, with headers no more than an IP packet may have. Then one answer may stand for several segments.
    constexpr std::optional<transmit> poll_transmit(time_point now, std::uint32_t most = 0) noexcept {
        if (reset_.ctl != control{}) {
            const segment seg = as_segment(reset_);
            reset_ = {};
            return transmit{.segment = seg};
        }
        emitter<Policies> emit{tcb_, now, most};
        if (Policies::prediction && machine_.in(states::sending) && emit.calm()) {
            if (tcb_.snd.nxt == tcb_.snd.end) {
                tcb_.override_due = never;
                return tcb_.rcv.ack_now ? emit.bare_ack() : std::nullopt;
            }
            if (const auto next = emit.next_if_calm()) {
                tcb_.override_due = never;
                return emit.text_if_calm(*next);
            }
        }
        return poll_the_long_way(now, most);
    }
    /// When `handle_timeout` is to be called next; `never` if no timer runs. Any other call may change it.
    [[nodiscard]] constexpr time_point poll_timeout() const noexcept { return next_due(tcb_, at()); }
    /// The next thing to tell the user, or nothing.
    constexpr std::optional<signal> poll_signal() noexcept {
        if (signals_ == 0) return std::nullopt;
        const auto first = static_cast<signal>(std::countr_zero(signals_));
        signals_ = static_cast<std::uint16_t>(signals_ & (signals_ - 1U));
        return first;
    }

    // --- TIME-WAIT in few octets --------------------------------------------------------------------

    /// In TIME-WAIT: all that matters; nothing in other states, or if there is more (lingering.hpp).
    [[nodiscard]] constexpr std::optional<lingering_numbers> lingering() const noexcept {
        if (!machine_.in(states::lingering) || reset_.ctl != control{} || signals_ != 0) return std::nullopt;
        return lingering_of(tcb_);
    }
    /// A connection with these numbers. Its machine takes the rows that lead to TIME-WAIT. `given` is for the
    /// connection that it becomes if it is reopened, but for the timestamp offset, which is that of now.
    [[nodiscard]] static constexpr basic_connection lingering(const lingering_numbers& n,
                                                              const parameters& given) noexcept {
        basic_connection c;
        for (const event e :
             {event::open_active, event::rcv_syn_ack, event::close, event::rcv_ack_of_fin, event::rcv_fin})
            (void)c.machine_.on(e);
        c.tcb_ = as_tcb<Policies>(n, given);
        return c;
    }

    // --- Questions and settings --------------------------------------------------------------------

    /// The present state.
    [[nodiscard]] constexpr state at() const noexcept { return machine_.at(); }
    /// True iff the present state is one of these.
    [[nodiscard]] constexpr bool in(state_set s) const noexcept { return machine_.in(s); }
    /// The largest packet that is sent: what was found out about the path, to be remembered for the next connection to
    /// the same place (`parameters::known_mtu`).
    [[nodiscard]] constexpr std::uint32_t path_mtu() const noexcept { return tcb_.snd.mss + headers(tcb_); }
    /// Octets in order that the user has not read.
    [[nodiscard]] constexpr std::uint32_t readable() const noexcept { return tcb_.rcv.user; }
    /// Octets that SEND would still take; 0 where it takes none at all.
    [[nodiscard]] constexpr std::uint32_t writable() const noexcept {
        if (machine_.in(state::closed | states::user_closed) || tcb_.snd.close_waits) return 0;
        if (machine_.in(state::listen) && !tcb_.given.remote_specified) return 0;
        const std::uint32_t queued = tcb_.snd.queued();
        return tcb_.given.snd_buff > queued ? tcb_.given.snd_buff - queued : 0;
    }
    /// Octets of urgent data that the user has not read (MUST-33).
    [[nodiscard]] constexpr std::uint32_t urgent() const noexcept {
        const seq read = tcb_.rcv.unread();
        return read < tcb_.rcv.up ? tcb_.rcv.up - read : 0;
    }
    /// True iff the peer may still send text.
    [[nodiscard]] constexpr bool may_receive() const noexcept { return machine_.in(states::accepting); }
    /// True iff SEND would take text now, or queue it for later, without opening a connection first.
    [[nodiscard]] constexpr bool may_send() const noexcept {
        constexpr state_set senders =
            state::syn_sent | state::syn_received | state_set{state::established} | state::close_wait;
        return machine_.in(senders) && !tcb_.snd.close_waits;
    }
    /// The TCB: all numbers, to look at.
    [[nodiscard]] constexpr const tcb<Policies>& numbers() const noexcept { return tcb_; }
    /// The rows taken, as far as the policy's recorder remembers them.
    [[nodiscard]] constexpr const typename Policies::recorder& recorder() const noexcept { return recorder_; }

    /// In LISTEN: the ISS of the next connection. A server copies its listening connection for each SYN and
    /// gives every copy a number of its own (3.4.1). Does nothing in other states.
    constexpr void renew_iss(seq iss, std::uint32_t timestamp_offset) noexcept {
        if (!machine_.in(state::listen)) return;
        tcb_.snd.iss = tcb_.snd.una = tcb_.snd.nxt = tcb_.snd.again = tcb_.snd.up = tcb_.given.iss = iss;
        tcb_.snd.end = iss + 1;
        tcb_.ts.offset = tcb_.given.timestamp_offset = timestamp_offset;
    }
    /// In LISTEN: what the next peer may do (RFC 7413). The cookies are one peer's, so who listens for all gives each
    /// copy its own, as with `renew_iss`. Does nothing in other states.
    constexpr void grant_fast_open(const fast_open_grant& grant) noexcept requires(Policies::fast_open) {
        if (machine_.in(state::listen)) tcb_.opening = fast_opening{grant};
    }
    /// The user timeout, and R2 (MUST-21); `forever` never gives up. The peer does not change it any more; if the
    /// option is spoken, it is told with the next segment (RFC 5482).
    constexpr void set_user_timeout(duration d) noexcept {
        tcb_.given.user_timeout = d;
        tcb_.given.user_timeout_changeable = false;
        if constexpr (Policies::user_timeout_option) tcb_.timeouts.advertise(d);
    }
    /// ADV_UTO: what the peer is told with the next segment, if the option is spoken (RFC 5482); the connection itself
    /// may wait longer, if the peer says so, and shorter where `policies::user_timeouts` does.
    constexpr void advertise_user_timeout(duration d) noexcept requires(Policies::user_timeout_option) {
        tcb_.timeouts.advertise(d);
    }
    /// Idle time before keep-alive probes; `forever` sends none (MUST-24, MUST-27).
    constexpr void set_keep_alive(duration idle) noexcept { tcb_.given.keep_alive = idle; }
    /// The receive buffer holds `octets` from now on, at most 2^30 - 2^14. More room is offered as soon as it is worth
    /// a segment (3.8.6.2.2), as far as the window scale reaches (see `parameters::rcv_buff_most`). Room that was
    /// offered is not taken back (SHLD-14): the buffer must hold `promised()` octets until the peer has used it up.
    /// Less than two units of the window scale may shut the window.
    constexpr void set_receive_buffer(std::uint32_t octets, time_point now) noexcept {
        tcb_.given.rcv_buff = tcb_.rcv.buff = std::min(octets, largest_buffer);
        const bool unheard = machine_.in(state::listen) || (machine_.in(state::syn_sent) && tcb_.snd.syn_unsent());
        if (Policies::window_scale && unheard) tcb_.rcv.choose_shift(tcb_.given.rcv_buff_most);
        if (machine_.in(states::accepting)) raise(event::receive, {.now = now});  // it makes room, as reading does
    }
    /// The send buffer holds `octets` from now on, at most 2^30. If more is in it, SEND waits until that has gone.
    constexpr void set_send_buffer(std::uint32_t octets) noexcept {
        tcb_.given.snd_buff = std::min(octets, std::uint32_t{1} << 30U);
    }
    /// Octets that the receive buffer must hold, whatever it was set to: unread ones, and those offered to the peer.
    [[nodiscard]] constexpr std::uint32_t promised() const noexcept { return tcb_.rcv.user + tcb_.rcv.wnd(); }
    /// A receive buffer of so many octets would not be the limit (window_advice.hpp); zero: not known yet. It never
    /// grows less. The caller follows by `set_receive_buffer`, as far as he likes.
    [[nodiscard]] constexpr std::uint32_t receive_advice() const noexcept requires(Policies::window_advice) {
        return tcb_.watch.advice();
    }
    /// A send buffer of so many octets is not the limit at present: the caller follows by `set_send_buffer`.
    [[nodiscard]] constexpr std::uint32_t send_advice() const noexcept {
        return send_buffer_for(tcb_.congestion.window());
    }
    /// What came of `open_fast`: to be asked when the connection is open, and kept for the next.
    [[nodiscard]] constexpr const fast_open_report& fast_open() const noexcept requires(Policies::fast_open) {
        return tcb_.opening.report();
    }
    /// Nagle's algorithm, on or off (MUST-17).
    constexpr void set_nagle(bool on) noexcept { tcb_.given.nagle = on; }

    friend constexpr bool operator==(const basic_connection&, const basic_connection&) noexcept = default;

private:
    /// The shortcut does what two rows say; a table that says something else has none.
    static constexpr bool has_shortcut = [] {
        if constexpr (may_predict<Policies>()) {
            constexpr auto same = [](event e) {
                return machine_type::table.at(state::established, e) == machine::table.at(state::established, e);
            };
            return same(event::rcv_ack) && same(event::rcv_text);
        }
        return false;
    }();

    /// The one place where an event meets the table.
    constexpr cell raise(event e, const cause& why) noexcept {
        const state before = at();
        const cell c = machine_.on(e);
        recorder_.record(before, e, at());
        if (why.out != nullptr) {
            why.out->in = before;
            why.out->why = e;
            if (why.out->judgements++ == 0) why.out->dropped = c.is_dropped();
        }
        performer<Policies>{tcb_, reset_, why}.perform(c.doing());
        if (before != at() && machine_.in(states::open)) tcb_.came_from = before;
        if (c.says().is_signal()) tell(c.says().as_signal());
        return c;
    }
    constexpr void tell(signal s) noexcept {
        signals_ = static_cast<std::uint16_t>(signals_ | 1U << static_cast<unsigned>(s));
    }
    /// A user call: raises the event and gives the table's answer.
    constexpr answer call(event e, const cause& why) noexcept {
        const bool was_shut = tcb_.snd.shut();
        const cell c = raise(e, why);
        settle(was_shut, why.now);
        return c.says().as_answer();
    }
    constexpr answer open(event e, const parameters& p, time_point now) noexcept {
        if (machine_.in(state::closed)) tcb_.given = p;
        return call(e, {.now = now});
    }
    /// What is owed, when more may be than new text or an ACK.
    constexpr std::optional<transmit> poll_the_long_way(time_point now, std::uint32_t most) noexcept {
        emitter<Policies> emit{tcb_, now, most};
        if (machine_.in(states::retransmitting) && tcb_.snd.syn_due()) return emit.syn(!machine_.in(state::syn_sent));
        if (tcb_.rcv.ack_now && tcb_.ecn.pure_due()) return emit.bare_ack();
        if (text_may_leave()) {
            if (tcb_.snd.close_waits && tcb_.snd.unsent() == 0) end_wait(now);
            auto next = emit.next();
            const bool held_back = next && next->held_back;
            if (!next || held_back) emit.note_idle();
            const bool leaves = next && !held_back && emit.on_pace();
            if (leaves) {
                // The CLOSE that waited has its turn as soon as this segment takes the last text (3.10.4).
                if (tcb_.snd.close_waits && next->from + next->text == tcb_.snd.end) {
                    end_wait(now);
                    next = emit.next();
                }
                tcb_.override_due = never;
                return emit.text(*next);
            }
            hold_back(held_back && !tcb_.snd.outstanding(), now);
        }
        if (tcb_.snd.keep_alive) return emit.keep_alive();
        if (tcb_.rcv.ack_now && machine_.in(states::other)) return emit.bare_ack();
        return std::nullopt;
    }
    [[nodiscard]] constexpr event judge_send(std::uint32_t octets) const noexcept {
        if (tcb_.snd.close_waits) return event::send_after_close;
        if (machine_.in(state::listen) && !tcb_.given.remote_specified) return event::send_unspecified;
        if (machine_.in(state::closed) || machine_.in(states::user_closed)) return event::send;
        return octets > writable() ? event::send_no_room : event::send;
    }
    [[nodiscard]] constexpr event judge_close() const noexcept {
        const bool behind = !machine_.in(states::user_closed) && tcb_.snd.unsent() != 0;
        return behind ? event::close_behind_text : event::close;
    }
    /// 3.10.7.4, sixth to eighth: URG, text and FIN, after the ACK has led on.
    constexpr void take_rest(cause why) noexcept {
        if (tcb_.snd.close_waits && machine_.in(state::established)) end_wait(why.now);
        const trimmed cut = trim(tcb_, *why.arrived);
        why.cut = &cut;
        if (machine_.in(states::accepting)) note_duplicate(extent{*why.arrived}.without_syn());
        if (moves_urgent(tcb_, *why.arrived)) raise(event::rcv_urg, why);
        if (const auto e = judge_text(tcb_, cut, at())) raise(*e, why);
        if (!machine_.in(states::accepting)) return;
        tcb_.rcv.note_fin(cut.seg);
        if (reaches_fin(tcb_)) raise(event::rcv_fin, why);
    }
    /// RFC 7413 4.2.2: text of a SYN that showed a cookie. A FIN behind it waits until our SYN is acknowledged.
    constexpr void take_early(cause why) noexcept {
        if (!tcb_.held.waits_at(tcb_.rcv.nxt)) return;
        const trimmed cut = trim(tcb_, *why.arrived);
        why.cut = &cut;
        raise(event::rcv_text, why);
    }
    /// Nothing of the handshake stands in the way of text.
    [[nodiscard]] constexpr bool text_may_leave() const noexcept {
        return machine_.in(states::sending) || (machine_.in(states::handshaking) && tcb_.opening.trusts());
    }
    /// Of this segment, what came before is to be told (RFC 2883).
    constexpr void note_duplicate(const extent& seg) noexcept {
        if (tcb_.sack_ok) tcb_.duplicate.note({seg.seq, seg.seq + seg.len()}, tcb_.rcv.nxt, tcb_.held);
    }
    /// The CLOSE that waited is processed now.
    constexpr void end_wait(time_point now) noexcept {
        tcb_.snd.close_waits = false;
        raise(machine_.in(state::established) ? judge_close() : event::close, {.now = now});
    }
    /// Arms the override timer while text is held back with nothing in flight that would be answered.
    constexpr void hold_back(bool held, time_point now) noexcept {
        if (!held) {
            tcb_.override_due = never;
        } else if (tcb_.override_due == never) {
            tcb_.override_due = after(now, Policies::override_delay);
        }
    }
    /// The send window has shut or opened (3.8.6.1): the persist timer begins, or what was probed goes again.
    constexpr void settle(bool was_shut, time_point now) noexcept {
        send_sequence& snd = tcb_.snd;
        if (!snd.synced || snd.shut() == was_shut) return;  // not synchronized: the TCB may be gone by now
        tcb_.armed_at = now;
        if (was_shut || !snd.outstanding()) tcb_.stalled_since = now;
        if (was_shut && snd.probes != 0) tcb_.send_again();
        snd.probes = 0;
        snd.probe = false;
    }

    machine_type machine_;
    std::uint16_t signals_ = 0;
    reset_debt reset_;
    tcb<Policies> tcb_;
    [[no_unique_address]] typename Policies::recorder recorder_;
};

/// A connection with the defaults.
using connection = basic_connection<>;

}  // namespace tcpfsm
