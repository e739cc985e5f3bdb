// SPDX-License-Identifier: MIT
// stream.hpp: a connection and its octets.
#pragma once

#include <tcpfsm/connection.hpp>
#include <tcpfsm/ring.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

// RFC 9293 section 3.9.1 as a program wants it: SEND and RECEIVE with octets. The connection says where they
// belong; the stream puts them there. Text that came out of order is stored at once where it belongs, too.

namespace tcpfsm {

/// The buffers of a stream, inside it: a copy of the stream is a copy of all its octets.
template <std::size_t Send, std::size_t Receive>
struct array_buffers {
    std::array<std::uint8_t, Send> send{};
    std::array<std::uint8_t, Receive> receive{};
    friend constexpr bool operator==(const array_buffers&, const array_buffers&) noexcept = default;
};

/// The buffers of a stream, the caller's: they must outlive it and belong to it alone. A copy of the stream
/// has the same octets as the original, so only one of the two may go on.
struct span_buffers {
    std::span<std::uint8_t> send{};
    std::span<std::uint8_t> receive{};
};

/// When a segment with text carries PSH.
enum class push : std::uint8_t {
    when_empty,  ///< the segment that empties the send buffer, as MUST-61 wants it
    always,      ///< every segment with text, for peers that hold back what is not pushed
};

/// How many octets a call has moved, and the RFC's answer to it.
struct [[nodiscard]] moved {
    std::size_t octets = 0;
    answer says = answer::ok;
    friend constexpr bool operator==(const moved&, const moved&) noexcept = default;
};

/// A segment for the wire, and its text: `first`, then `second`. The text lies in the send buffer of the
/// stream; it stands there until the next call that is not a question.
struct outgoing {
    tcpfsm::segment segment{};
    std::span<const std::uint8_t> first{};
    std::span<const std::uint8_t> second{};
    std::uint32_t each = 0;  ///< the link cuts the text into segments of so many octets, see `transmit`
};

/// A connection with its octets. The calls are those of the connection; what it says about octets is done.
///
/// Text that the user has not read outlives the connection if both sides ended in order: it is delivered
/// first, then the stream says that it is closed (3.10.3). A reset, an ABORT or a timeout flushes it (3.10.5,
/// 3.10.7.4 second, 3.10.8), unless both sides had closed before.
///
/// Text beyond a gap is stored when it arrives. If the peer sends an octet twice with different values, the
/// copy that came last before the octet was in order is delivered; after that no copy changes it.
template <class Policies, class Buffers>
class basic_stream {
public:
    using connection_type = basic_connection<Policies>;

    constexpr basic_stream() noexcept = default;
    /// A closed stream with these buffers, each shorter than 2^30 octets.
    constexpr explicit basic_stream(const Buffers& buffers) noexcept : buffers_{buffers} {}

    /// It is in TIME-WAIT again, as it was left (`basic_connection::lingering`), with empty buffers.
    constexpr void resume(const lingering_numbers& n, const parameters& given) noexcept {
        connection_ = connection_type::lingering(n, fitted(given));
        (void)opened(answer::ok);
    }

    // --- User calls --------------------------------------------------------------------------------

    /// OPEN, passive. The sizes of the buffers in `p` are overruled by what they are.
    constexpr answer open_passive(const parameters& p, time_point now) noexcept {
        return opened(connection_.open_passive(fitted(p), now));
    }
    /// OPEN, active; in LISTEN, with the parameters of the passive OPEN.
    constexpr answer open_active(const parameters& p, time_point now) noexcept {
        const bool fresh = connection_.in(state::closed);
        const answer said = connection_.open_active(fitted(p), now);
        return fresh ? opened(said) : said;
    }
    /// OPEN, active, with fast open: see `basic_connection::open_fast`.
    constexpr answer open_fast(const parameters& p, const fast_open_cookie& cookie, time_point now) noexcept
        requires(Policies::fast_open) {
        const bool fresh = connection_.in(state::closed);
        const answer said = connection_.open_fast(fitted(p), cookie, now);
        return fresh ? opened(said) : said;
    }
    /// In LISTEN: what the next peer may do; see `basic_connection::grant_fast_open`.
    constexpr void grant_fast_open(const fast_open_grant& grant) noexcept requires(Policies::fast_open) {
        connection_.grant_fast_open(grant);
    }
    /// SEND: copies as much of `text` as there is room for. The caller may reuse it at once.
    constexpr moved send(std::span<const std::uint8_t> text, time_point now) noexcept { return put(text, now, false); }
    /// SEND with the URGENT flag: all text up to the end of this one is urgent (new programs should not, SHLD-13).
    constexpr moved send_urgent(std::span<const std::uint8_t> text, time_point now) noexcept {
        return put(text, now, true);
    }
    /// SEND without a copy: write to the front of the span, then `commit`. The span is what lies in one piece,
    /// so there may be room for more after `commit`; it is the caller's until the next call that is not a question.
    [[nodiscard]] constexpr std::span<std::uint8_t> reserve() noexcept {
        return connection_.in(states::open) ? free_room(connection_.writable()).first : std::span<std::uint8_t>{};
    }
    /// The first `n` octets of `reserve()` are text; more than it had counts as all of it.
    constexpr moved commit(std::size_t n, time_point now, bool urgent = false) noexcept {
        n = std::min(n, reserve().size());
        return enqueue(n, now, urgent);
    }
    /// RECEIVE: copies as much as is there into `into`. Nothing with `ok` means: not yet. Nothing with
    /// `err_closing`: the peer has closed and everything was read.
    constexpr moved receive(std::span<std::uint8_t> into, time_point now) noexcept {
        const std::size_t n = copy_octets(into, unread_text());
        return {n, take(n, now)};
    }
    /// RECEIVE without a copy: what lies in one piece at the front; it stands until the next call that is not
    /// a question.
    [[nodiscard]] constexpr std::span<const std::uint8_t> peek() const noexcept { return unread_text().first; }
    /// The first `n` octets of `peek()`, or beyond it, have been read; more than there are counts as all.
    constexpr moved consume(std::size_t n, time_point now) noexcept {
        n = std::min(n, unread_);
        return {n, take(n, now)};
    }
    /// CLOSE: no more text from this side; what was sent still goes, and what the peer sends can be read.
    constexpr answer close(time_point now) noexcept { return connection_.close(now); }
    /// CLOSE of both directions: unread and further text of the peer resets the connection (3.6.1).
    constexpr answer close_both(time_point now) noexcept { return flushed(connection_.close_both(now)); }
    /// ABORT: the peer gets a reset; unread text is gone.
    constexpr answer abort(time_point now) noexcept { return flushed(connection_.abort(now)); }
    /// Other memory for text that arrives, apart from the old, which is the caller's again. What is there moves with
    /// it. `err_no_resources`: it cannot hold what is unread and what was offered to the peer. Then nothing moves, but
    /// no more is offered than it could hold, so that a later call will do.
    constexpr answer lend_receive(std::span<std::uint8_t> memory, time_point now) noexcept
        requires(std::same_as<Buffers, span_buffers>) {
        connection_.set_receive_buffer(as_buffer(memory.size()), now);
        if (memory.size() < std::max<std::size_t>(unread_, connection_.promised())) return answer::err_no_resources;
        const std::span<const std::uint8_t> old = buffers_.receive;
        copy_octets(memory, stretch(old, front_receive_, 0, old.size()));
        buffers_.receive = memory;
        front_receive_ = 0;
        return answer::ok;
    }
    /// Other memory for text to be sent, in the same manner. `err_no_resources`: it cannot hold what is not
    /// acknowledged or not sent. Then nothing moves, and SEND takes nothing until it could.
    constexpr answer lend_send(std::span<std::uint8_t> memory) noexcept requires(std::same_as<Buffers, span_buffers>) {
        connection_.set_send_buffer(as_buffer(memory.size()));
        const std::size_t queued = connection_.in(states::open) ? connection_.numbers().snd.queued() : 0;
        if (memory.size() < queued) return answer::err_no_resources;
        const std::span<const std::uint8_t> old = buffers_.send;
        copy_octets(memory, stretch(old, front_send_, 0, queued));
        buffers_.send = memory;
        front_send_ = 0;
        return answer::ok;
    }
    /// Which segments carry PSH.
    constexpr void set_push(push which) noexcept { push_ = which; }
    constexpr void set_user_timeout(duration d) noexcept { connection_.set_user_timeout(d); }
    /// What the peer is told of it; see `basic_connection`.
    constexpr void advertise_user_timeout(duration d) noexcept requires(Policies::user_timeout_option) {
        connection_.advertise_user_timeout(d);
    }
    /// Of the memory for text that arrives so many octets serve from now on, at most all; see `basic_connection`.
    constexpr void set_receive_buffer(std::size_t octets, time_point now) noexcept {
        connection_.set_receive_buffer(as_buffer(std::min(octets, buffers_.receive.size())), now);
    }
    constexpr void set_keep_alive(duration idle) noexcept { connection_.set_keep_alive(idle); }
    constexpr void set_nagle(bool on) noexcept { connection_.set_nagle(on); }

    // --- Inputs ------------------------------------------------------------------------------------

    /// SEGMENT ARRIVES, with its text, which is copied. A SYN that would reopen a connection in TIME-WAIT is
    /// let drop while there is unread text of the old one; the peer repeats it.
    constexpr arrival handle_segment(const segment& seg, std::span<const std::uint8_t> text, time_point now) noexcept {
        return arrived(seg, {text, {}}, std::nullopt, now);
    }
    /// The same with text in two pieces.
    constexpr arrival handle_segment(const segment& seg, std::span<const std::uint8_t> text,
                                     std::span<const std::uint8_t> more, time_point now) noexcept {
        return arrived(seg, {text, more}, std::nullopt, now);
    }
    /// The same, if nobody has looked at the checksum: `rest` is the sum of all but the text (`parsed::rest`), and the
    /// text, in one or two pieces, is summed while it is copied. Nothing if it does not verify: then there was no
    /// segment. It is copied before it is verified only to where nothing stands that anybody may ever read.
    constexpr std::optional<arrival> handle_unverified(const segment& seg, partial_sum rest,
                                                       pieces<const std::uint8_t> text, time_point now) noexcept {
        const auto place = blank_place(seg, text.size());
        rest.append(place ? copy_and_sum(receive_ring(unread_ + *place, text.size()), text) : sum_of(text));
        if (!rest.verifies()) return std::nullopt;
        return arrived(seg, text, place, now);
    }
    /// Time has passed.
    constexpr event_set handle_timeout(time_point now) noexcept {
        const state before = connection_.at();
        const event_set served = connection_.handle_timeout(now);
        flush_if_lost(before);
        return served;
    }
    /// ICMP reports an error about a segment of ours that began at `quoted`.
    constexpr event handle_icmp(icmp_error error, seq quoted, time_point now) noexcept {
        const state before = connection_.at();
        const event judged = connection_.handle_icmp(error, quoted, now);
        flush_if_lost(before);
        return judged;
    }
    /// ICMP reports that a packet of ours was too big; see `basic_connection`.
    constexpr too_big handle_packet_too_big(std::uint32_t link, seq quoted, std::uint32_t length,
                                            time_point now) noexcept {
        return connection_.handle_packet_too_big(link, quoted, length, now);
    }

    // --- Polls -------------------------------------------------------------------------------------

    /// The next segment that is owed, with its text, or nothing; `most`: see `basic_connection`.
    constexpr std::optional<outgoing> poll_transmit(time_point now, std::uint32_t most = 0) noexcept {
        const auto owed = connection_.poll_transmit(now, most);
        if (!owed) return std::nullopt;
        outgoing out{.segment = owed->segment};
        if (out.segment.text == 0) return out;
        if (push_ == push::always) out.segment.ctl |= ctl::psh;
        const auto text =
            stretch(std::span<const std::uint8_t>{buffers_.send}, front_send_, owed->at, out.segment.text);
        out.first = text.first;
        out.second = text.second;
        out.each = owed->each;
        return out;
    }
    [[nodiscard]] constexpr time_point poll_timeout() const noexcept { return connection_.poll_timeout(); }
    constexpr std::optional<signal> poll_signal() noexcept { return connection_.poll_signal(); }

    // --- Questions ---------------------------------------------------------------------------------

    [[nodiscard]] constexpr state at() const noexcept { return connection_.at(); }
    [[nodiscard]] constexpr bool in(state_set s) const noexcept { return connection_.in(s); }
    /// Octets that can be read now, in whatever state.
    [[nodiscard]] constexpr std::size_t readable() const noexcept { return unread_; }
    /// Octets that `send` would take now.
    [[nodiscard]] constexpr std::size_t writable() const noexcept {
        return connection_.may_send() ? connection_.writable() : 0;
    }
    /// True iff this segment would begin a new incarnation of a connection in TIME-WAIT (3.6.1 MAY-2).
    [[nodiscard]] constexpr bool would_reopen(const segment& seg) const noexcept {
        if (!connection_.in(states::lingering) || !seg.has(ctl::syn) || seg.has(ctl::rst)) return false;
        return judge_syn(connection_.numbers(), seg, connection_.at()) == event::rcv_syn_reopen;
    }
    /// The connection: its numbers and its other questions.
    [[nodiscard]] constexpr const connection_type& tcp() const noexcept { return connection_; }

    friend constexpr bool operator==(const basic_stream&, const basic_stream&) noexcept requires
        requires(const Buffers& b) {
        b == b;
    }
    = default;

private:
    /// The connection's numbers allow windows up to 2^30 less one unit of the largest scale.
    [[nodiscard]] static constexpr std::uint32_t as_buffer(std::size_t octets) noexcept {
        return static_cast<std::uint32_t>(std::min<std::size_t>(octets, largest_buffer));
    }
    [[nodiscard]] constexpr parameters fitted(parameters p) const noexcept {
        p.snd_buff = as_buffer(buffers_.send.size());
        p.rcv_buff = as_buffer(buffers_.receive.size());
        return p;
    }
    /// Where the text of `seg` belongs, counted from the end of the text in order, if all of it fits there and none of
    /// it has arrived before.
    [[nodiscard]] constexpr std::optional<std::size_t> blank_place(const segment& seg, std::size_t n) const noexcept {
        const auto& t = connection_.numbers();
        if (n == 0 || n != seg.text || seg.has(ctl::syn) || !connection_.may_receive()) return std::nullopt;
        const std::size_t at = seg.seq - t.rcv.nxt;  // huge, if it begins before
        const std::size_t room = buffers_.receive.size() - unread_;
        if (at > room || n > room - at) return std::nullopt;
        for (std::size_t i = 0; i < t.held.size(); ++i) {
            if (t.held[i].left < seg.seq + seg.text && seg.seq < t.held[i].right) return std::nullopt;
        }
        return at;
    }
    /// The text may have been copied already, to this place behind the text in order.
    constexpr arrival arrived(const segment& seg, pieces<const std::uint8_t> text, std::optional<std::size_t> there,
                              time_point now) noexcept {
        if (unread_ != 0 && would_reopen(seg)) {
            return {.in = connection_.at(), .why = event::rcv_syn_reopen, .dropped = true};
        }
        const state before = connection_.at();
        const arrival got = connection_.handle_segment(seg, now);
        const bool in_place = there && got.skip == 0 && got.at == *there;
        if (got.text != 0 && !in_place) copy_octets(receive_ring(unread_ + got.at, got.text), text.without(got.skip));
        unread_ = std::min(unread_ + got.in_order, buffers_.receive.size());
        front_send_ =
            moved_on(front_send_, std::min<std::size_t>(got.acked, buffers_.send.size()), buffers_.send.size());
        flush_if_lost(before);
        return got;
    }
    /// A new connection begins with empty buffers.
    constexpr answer opened(answer said) noexcept {
        if (said == answer::ok) unread_ = front_send_ = front_receive_ = 0;
        return said;
    }
    constexpr moved put(std::span<const std::uint8_t> text, time_point now, bool urgent) noexcept {
        const std::size_t room = connection_.in(states::open) ? connection_.writable() : 0;
        // With no room at all the whole is offered, so that the connection can say why not.
        const std::size_t n = room != 0 ? std::min(text.size(), room) : std::min<std::size_t>(text.size(), 1);
        const auto to = free_room(n);
        const moved done = enqueue(n, now, urgent);
        if (done.says == answer::ok) copy_octets(to, text.first(n));
        return done;
    }
    constexpr moved enqueue(std::size_t n, time_point now, bool urgent) noexcept {
        const answer said = connection_.send(static_cast<std::uint32_t>(n), now, urgent);
        return {said == answer::ok ? n : 0, said};
    }
    /// The connection that took a call may have ended by it, with text unread.
    constexpr answer flushed(answer said) noexcept {
        if (said == answer::ok && connection_.in(state::closed)) unread_ = 0;
        return said;
    }
    constexpr answer take(std::size_t n, time_point now) noexcept {
        front_receive_ = moved_on(front_receive_, n, buffers_.receive.size());
        unread_ -= n;
        const answer said = connection_.receive(static_cast<std::uint32_t>(n), now);
        return n != 0 || unread_ != 0 ? answer::ok : said;  // text may outlive the connection that brought it
    }
    /// What an end out of order leaves of unread text: nothing.
    constexpr void flush_if_lost(state before) noexcept {
        constexpr state_set both_have_closed = states::user_closed & states::peer_closed;
        const bool ended = before != connection_.at() && connection_.in(state::closed | state::listen);
        if (ended && !both_have_closed.contains(before)) unread_ = 0;
    }
    [[nodiscard]] constexpr pieces<std::uint8_t> free_room(std::size_t n) noexcept {
        if (!connection_.in(states::open)) return {};
        return stretch(std::span<std::uint8_t>{buffers_.send}, front_send_, connection_.numbers().snd.queued(), n);
    }
    [[nodiscard]] constexpr pieces<std::uint8_t> receive_ring(std::size_t at, std::size_t n) noexcept {
        return stretch(std::span<std::uint8_t>{buffers_.receive}, front_receive_, at, n);
    }
    [[nodiscard]] constexpr pieces<const std::uint8_t> unread_text() const noexcept {
        return stretch(std::span<const std::uint8_t>{buffers_.receive}, front_receive_, 0, unread_);
    }

    connection_type connection_;
    std::size_t front_send_ = 0;     ///< where the oldest octet not yet acknowledged lies
    std::size_t front_receive_ = 0;  ///< where the oldest octet not yet read lies
    std::size_t unread_ = 0;         ///< octets in order and not read; they may outlive the connection
    push push_ = push::when_empty;
    Buffers buffers_{};
};

/// A stream with its octets inside.
template <std::size_t Send, std::size_t Receive, class Policies = policies>
using array_stream = basic_stream<Policies, array_buffers<Send, Receive>>;

/// A stream in memory of the caller.
template <class Policies = policies>
using span_stream = basic_stream<Policies, span_buffers>;

}  // namespace tcpfsm
