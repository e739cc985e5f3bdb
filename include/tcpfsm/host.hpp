// SPDX-License-Identifier: MIT
// host.hpp: many connections behind one link: packets in, packets out.
#pragma once

#include <tcpfsm/host/link_side.hpp>
#include <tcpfsm/isn.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

// RFC 9293 section 3.9: TCP between its users and IP. No sockets, no clock, no memory of its own: packets
// come in as octets and go out as octets, time is an argument, all memory is handed over at construction.

namespace tcpfsm {

/// The handle of a connection that `connect` began, or why there is none.
struct [[nodiscard]] connecting {
    handle of{};
    answer says = answer::ok;
};

/// A TCP host. The loop of a caller:
///
///     host.handle_packet(octets, now);                                 // a packet arrived
///     host.handle_timeout(now);                                        // the deadline below has passed
///     while (auto n = host.poll_packet(out, now)) link.send(out, n);   // a packet for the wire
///     while (auto told = host.poll_event()) react(*told);              // accepted, readable, closed ...
///     time_point wake = host.poll_timeout();                           // one deadline for all
///
/// After each call that is not a question, poll packets and events until nothing comes; a reaction is a call,
/// too. Every call is legal at any time. A stale handle does nothing.
///
/// Octets given to a call are the caller's again when it returns. Octets that a call answers with belong to
/// the host; they stand until the next call that is not a question.
///
/// The end of a connection is the last news about it. From then on its handle is stale, unless there is text
/// to be read: then it becomes stale with the last octet, or by `release`. TIME-WAIT is no concern of the user:
/// he is told `closed` when it begins.
template <class Policies = policies>
class basic_host : public basic_link_side<Policies> {
    using link_side = basic_link_side<Policies>;
    using roster_type = typename link_side::roster_type;
    using link_side::config_;
    using link_side::dismiss;
    using link_side::filled;
    using link_side::roster_;

public:
    using stream_type = span_stream<Policies>;

    /// The memory is the host's until the host is gone.
    constexpr basic_host(const host_config& config, const basic_host_memory<Policies>& memory) noexcept
        : link_side{config, memory} {}

    // The link: handle_packet, poll_packet, poll_timeout, handle_timeout, and what became of packets.

    // --- Connections come and go -------------------------------------------------------------------

    /// OPEN, passive. Nothing if there is no memory for one more listener. Of several listeners that a SYN fits,
    /// the one with address and port wins over the one with the port alone, and that over a predicate.
    constexpr std::optional<listener_id> listen(const listener_options& options) noexcept {
        const auto all = roster_.listeners();
        for (std::uint32_t i = 0; i < all.size(); ++i) {
            if (all[i].open) continue;
            all[i].options = options;
            all[i].waiting = all[i].early = all[i].refused = 0;
            all[i].open = true;
            return listener_id{i, all[i].generation};
        }
        return std::nullopt;
    }
    /// The listener is gone, and with it, by a reset, all connections that the user has not been told of, or not
    /// answered. Looks at all slots.
    constexpr void unlisten(listener_id id, time_point now) noexcept {
        const auto all = roster_.listeners();
        if (id.place >= all.size() || all[id.place].generation != id.generation || !all[id.place].open) return;
        for (std::uint32_t i = 0; i < roster_.capacity(); ++i) {
            if (roster_[i].in_backlog && roster_[i].from == id) dismiss(i, now);
        }
        all[id.place].open = false;
        ++all[id.place].generation;
    }
    /// OPEN, active, from `local`; if its port is 0, from a free one (RFC 6056). News: `opened`, or an end.
    /// `err_unspecified`: no host can have such addresses (MUST-46). `err_exists`: this four-tuple is in use.
    /// `err_no_resources`: no port or no slot is free.
    constexpr connecting connect(const endpoint& remote, const endpoint& local, time_point now,
                                 parameters settings = {}) noexcept {
        return connect_by(remote, local, now, settings,
                          [now](auto& stream, const parameters& p) { return stream.open_active(p, now); });
    }
    /// The same from an address, any port.
    constexpr connecting connect(const endpoint& remote, const ip_address& local, time_point now) noexcept {
        return connect(remote, endpoint{local, 0}, now);
    }
    /// The same with fast open (RFC 7413): the SYN asks for a cookie, or shows the one that this server gave last time,
    /// with the MSS that it announced then (0: none is known). What is sent before the next poll goes with the SYN.
    /// What came of it: `stream(h)->tcp().fast_open()`, once it is open.
    constexpr connecting connect_fast(const endpoint& remote, const endpoint& local, time_point now,
                                      const fast_open_cookie& cookie, std::uint16_t mss,
                                      parameters settings = {}) noexcept requires(Policies::fast_open) {
        return connect_by(remote, local, now, settings, [&](auto& stream, parameters p) {
            if (mss != 0) p.default_mss = std::min(mss, p.mss);
            return stream.open_fast(p, cookie, now);
        });
    }
    /// Cookies of fast open are made with this key from now on: 128 random bits. Those made with the one before still
    /// count, until the next time (RFC 7413 section 4.1.2: a server that renews it from time to time bounds how long a
    /// stolen cookie is good for).
    constexpr void renew_cookies(const hash_key& key) noexcept requires(Policies::fast_open) {
        this->cookies_.renew(key);
    }
    /// After `incoming`: the SYN is answered. News: `opened`, or an end.
    constexpr answer accept(handle h, time_point now) noexcept {
        const std::uint32_t i = roster_.find(h);
        if (i == nobody) return answer::err_no_connection;
        if (!roster_[i].undecided) return answer::err_exists;
        roster_[i].undecided = false;
        roster_.leave_backlog(i);
        roster_.touch(i, now);
        return answer::ok;
    }
    /// After `incoming`: the SYN is answered with a reset; the handle is stale.
    constexpr answer refuse(handle h, time_point now) noexcept {
        const std::uint32_t i = roster_.find(h);
        if (i == nobody) return answer::err_no_connection;
        if (!roster_[i].undecided) return answer::err_exists;
        dismiss(i, now);
        return answer::ok;
    }

    // --- One connection ----------------------------------------------------------------------------

    /// SEND: as much as there is room for. If that is less than all, `writable` tells of more room.
    constexpr moved send(handle h, std::span<const std::uint8_t> text, time_point now) noexcept {
        return with(h, now, [&](auto& s) {
            const moved done = s.stream.send(text, now);
            s.send_stalled = done.octets < text.size();
            return done;
        });
    }
    constexpr moved send_urgent(handle h, std::span<const std::uint8_t> text, time_point now) noexcept {
        return with(h, now, [&](auto& s) {
            const moved done = s.stream.send_urgent(text, now);
            s.send_stalled = done.octets < text.size();
            return done;
        });
    }
    /// SEND without a copy: see `basic_stream::reserve`. An empty span asks for the news `writable`.
    [[nodiscard]] constexpr std::span<std::uint8_t> reserve(handle h) noexcept {
        const std::uint32_t i = roster_.find(h);
        if (i == nobody) return {};
        const auto room = roster_[i].stream.reserve();
        roster_[i].send_stalled = room.empty();
        return room;
    }
    constexpr moved commit(handle h, std::size_t n, time_point now) noexcept {
        return with(h, now, [&](auto& s) { return s.stream.commit(n, now); });
    }
    /// RECEIVE: as much as is there. Nothing with `ok`: not yet; with `err_closing`: the peer has closed, and
    /// everything was read.
    constexpr moved receive(handle h, std::span<std::uint8_t> into, time_point now) noexcept {
        return with(h, now, [&](auto& s) { return s.stream.receive(into, now); });
    }
    /// RECEIVE without a copy: see `basic_stream::peek`.
    [[nodiscard]] constexpr std::span<const std::uint8_t> peek(handle h) const noexcept {
        const auto* s = stream(h);
        return s == nullptr ? std::span<const std::uint8_t>{} : s->peek();
    }
    constexpr moved consume(handle h, std::size_t n, time_point now) noexcept {
        return with(h, now, [&](auto& s) { return s.stream.consume(n, now); });
    }
    /// CLOSE: no more text from this side; text of the peer can still be read. Before `opened` the connection is
    /// given up, and queued text with it (3.10.4).
    constexpr answer close(handle h, time_point now) noexcept {
        return with(h, now, [&](auto& s) { return moved{0, s.stream.close(now)}; }).says;
    }
    /// The peer gets a reset; the handle is stale.
    constexpr answer abort(handle h, time_point now) noexcept {
        const std::uint32_t i = roster_.find(h);
        if (i == nobody) return answer::err_no_connection;
        dismiss(i, now);
        return answer::ok;
    }
    /// The user wants to hear no more; the handle is stale. Text already sent still goes; unread text, and text
    /// that still arrives, resets the connection (3.6.1), and so does a peer that does not close in time.
    constexpr answer release(handle h, time_point now) noexcept {
        const std::uint32_t i = roster_.find(h);
        if (i == nobody) return answer::err_no_connection;
        if (roster_[i].undecided) return refuse(h, now);
        (void)roster_[i].stream.close_both(now);
        (void)roster_[i].stream.consume(roster_[i].stream.readable(),
                                        now);  // nobody will read what both have closed over
        roster_.let_go(i);
        roster_.touch(i, now);
        return answer::ok;
    }

    // --- News, questions, settings -----------------------------------------------------------------

    /// What happened to a connection, or nothing. The connections take turns.
    constexpr std::optional<host_event> poll_event() noexcept {
        const auto e = roster_.next_news();
        if (e && is_end(e->what)) roster_.tidy(e->of.place);
        return e;
    }
    /// The connection with its numbers and questions; null if the handle is stale.
    [[nodiscard]] constexpr const stream_type* stream(handle h) const noexcept {
        const std::uint32_t i = roster_.find(h);
        return i == nobody ? nullptr : &roster_[i].stream;
    }
    /// Who is connected.
    [[nodiscard]] constexpr std::optional<four_tuple> between(handle h) const noexcept {
        const std::uint32_t i = roster_.find(h);
        return i == nobody ? std::nullopt : std::optional{roster_[i].between};
    }
    constexpr answer set_dscp(handle h, std::uint8_t six_bits) noexcept {
        return set(h, [&](auto& s) { s.ip.dscp = six_bits & 0x3fU; });
    }
    constexpr answer set_hop_limit(handle h, std::uint8_t hops) noexcept {
        return set(h, [&](auto& s) { s.ip.hop_limit = hops; });
    }
    constexpr answer set_nagle(handle h, bool on) noexcept {
        return set(h, [&](auto& s) { s.stream.set_nagle(on); });
    }
    constexpr answer set_push(handle h, push which) noexcept {
        return set(h, [&](auto& s) { s.stream.set_push(which); });
    }
    /// Idle time before keep-alive probes; `forever` sends none.
    constexpr answer set_keep_alive(handle h, duration idle) noexcept {
        return set(h, [&](auto& s) { s.stream.set_keep_alive(idle); });
    }
    /// `forever` never gives up.
    constexpr answer set_user_timeout(handle h, duration d) noexcept {
        return set(h, [&](auto& s) { s.stream.set_user_timeout(d); });
    }
    /// The peer is told so with the next segment (RFC 5482).
    constexpr answer advertise_user_timeout(handle h, duration d) noexcept requires(Policies::user_timeout_option) {
        return set(h, [&](auto& s) { s.stream.advertise_user_timeout(d); });
    }

private:
    template <class Open>
    constexpr connecting connect_by(const endpoint& remote, const endpoint& local, time_point now, parameters settings,
                                    Open open) noexcept {
        if (!may_connect(remote, local)) return {.says = answer::err_unspecified};
        four_tuple between{local, remote};
        if (local.port == 0 && !choose_port(between)) return {.says = answer::err_no_resources};
        if (roster_.find(between) != nobody) return {.says = answer::err_exists};
        const std::uint32_t i = roster_.seat(between);
        if (i == nobody) return {.says = answer::err_no_resources};
        settings.remote_specified = true;
        const answer said = open(roster_[i].stream, filled(settings, between, now));
        this->narrow(roster_[i], now);
        roster_[i].known = roster_type::audience::user;
        roster_.touch(i, now);
        return {roster_.handle_of(i), said};
    }
    /// A call about octets, and what follows from it.
    template <class Call>
    constexpr moved with(handle h, time_point now, Call call) noexcept {
        const std::uint32_t i = roster_.find(h);
        if (i == nobody) return {0, answer::err_no_connection};
        const moved done = call(roster_[i]);
        follow_advice(roster_[i], now);
        roster_.touch(i, now);
        roster_.tidy(i);
        return done;
    }
    /// The receive buffer grows as the connection advises (window_advice.hpp), as far as its memory reaches.
    constexpr void follow_advice([[maybe_unused]] slot<Policies>& s, [[maybe_unused]] time_point now) const noexcept {
        if constexpr (Policies::window_advice) {
            const auto& tcp = s.stream.tcp();
            const std::uint32_t wanted = std::min(tcp.receive_advice(), config_.rcv_buff);
            if (config_.rcv_first != 0 && wanted > tcp.numbers().given.rcv_buff)
                s.stream.set_receive_buffer(wanted, now);
        }
    }
    template <class Change>
    constexpr answer set(handle h, Change change) noexcept {
        const std::uint32_t i = roster_.find(h);
        if (i == nobody) return answer::err_no_connection;
        change(roster_[i]);
        roster_.schedule(i);
        return answer::ok;
    }
    [[nodiscard]] constexpr bool may_connect(const endpoint& remote, const endpoint& local) const noexcept {
        return link_side::is_peer(remote.address) && remote.port != 0 && link_side::is_peer(local.address) &&
               this->is_ours(local.address) && remote.address.family() == local.address.family() && remote != local;
    }
    /// RFC 6056 section 3.3.4, with one of `counters_` for the peer; a port whose four-tuple is in use is passed over.
    [[nodiscard]] constexpr bool choose_port(four_tuple& between) noexcept {
        const hash_key& secret = config_.secret;
        const port_range range = config_.ephemeral;
        const ip_address& local = between.local.address;
        std::uint32_t& counter = counters_[ephemeral_counter(secret, local, between.remote, counters_.size())];
        for (std::uint32_t tries = range.size(); tries != 0; --tries) {
            between.local.port = ephemeral_port(secret, local, between.remote, counter++, range);
            if (between.local != between.remote && roster_.find(between) == nobody) return true;
        }
        return false;
    }

    std::array<std::uint32_t, 16> counters_{};
};

/// A host with the defaults, and its memory.
using host = basic_host<>;
using host_memory = basic_host_memory<policies>;

}  // namespace tcpfsm
