// SPDX-License-Identifier: MIT
// slot.hpp: one place for a connection in a host, and what the host and its user say to each other.
#pragma once

#include <tcpfsm/host/chain.hpp>
#include <tcpfsm/host/deadlines.hpp>
#include <tcpfsm/host/demultiplexer.hpp>
#include <tcpfsm/host/listener.hpp>
#include <tcpfsm/host/time_wait.hpp>
#include <tcpfsm/isn.hpp>
#include <tcpfsm/stream.hpp>
#include <tcpfsm/wire.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace tcpfsm {

/// Names a connection of a host. It is a number, free to copy; once the connection is gone it names nothing,
/// for ever: every call with it answers `err_no_connection` and does nothing.
struct handle {
    std::uint32_t place = nobody;
    std::uint32_t generation = 0;
    friend constexpr bool operator==(const handle&, const handle&) noexcept = default;
};

/// What the user of a host is told, in this order when several are pending for one connection.
enum class news : std::uint8_t {
    incoming,      ///< a SYN came to a deferred listener: say `accept` or `refuse`
    accepted,      ///< a connection came to a listener and is established; with fast open, `opened` may follow
    opened,        ///< what `connect` or `accept` began is established
    urgent,        ///< there is urgent data, or more of it (MUST-32)
    trouble,       ///< several retransmissions without an answer (SHLD-9)
    soft_error,    ///< ICMP reported a soft error (SHLD-25)
    user_timeout,  ///< the peer's user timeout has changed ours (RFC 5482)
    readable,      ///< text has arrived since this was last told
    writable,      ///< there is room again after `send` took less than it was given
    closing,       ///< the peer has closed: after the text that is there, no more comes
    refused,       ///< the end: the peer refused
    reset,         ///< the end: the peer reset the connection
    timed_out,     ///< the end: no answer for too long
    unreachable,   ///< the end: ICMP reported a hard error
    closed,        ///< the end: both sides have closed, and all text of ours has arrived
};
inline constexpr std::size_t news_count = static_cast<std::size_t>(news::closed) + 1;

/// The name, such as "readable".
[[nodiscard]] constexpr std::string_view name(news n) noexcept {
    constexpr std::string_view names[news_count] = {"incoming",   "accepted",     "opened",    "urgent",      "trouble",
                                                    "soft error", "user timeout", "readable",  "writable",    "closing",
                                                    "refused",    "reset",        "timed out", "unreachable", "closed"};
    return names[static_cast<std::size_t>(n)];
}
/// True iff nothing is told about the connection after this.
[[nodiscard]] constexpr bool is_end(news n) noexcept { return n >= news::refused; }

/// Something happened to a connection.
struct host_event {
    handle of{};
    news what = news::closed;
    listener_id from{};  ///< the listener through which it came, if it did
};

/// Numbers of a host.
struct host_config {
    /// 128 random bits, once a boot, kept secret: initial sequence numbers, ports and the table of connections
    /// hang on them (RFC 6528, RFC 6056, RFC 7323 5.4).
    hash_key secret{};
    /// Largest IP packet to send; the MSS follows from it (3.7.1). At least 148.
    std::uint16_t mtu = 1500;
    /// Octets of the send and the receive buffer of each connection.
    std::uint32_t snd_buff = 65536;
    std::uint32_t rcv_buff = 65536;
    /// Octets of the receive buffer that serve at first; more, up to all, as `policies::window_advice` finds them of
    /// use, so that a peer fills no more of the network than it needs. 0: all at once.
    std::uint32_t rcv_first = 0;
    /// Ports that `connect` chooses from.
    port_range ephemeral{};
    /// True iff an address is one of this host; null: every unicast address is. It keeps out broadcast
    /// addresses of subnets, too (MUST-57).
    bool (*is_local)(void* context, const ip_address& address) = nullptr;
    /// The MTU of the path to a peer, if it is remembered, else 65535; null: nothing is. What a connection has found
    /// out is `stream(h)->tcp().path_mtu()`.
    std::uint16_t (*known_mtu)(void* context, const ip_address& peer) = nullptr;
    /// What listeners with fast open grant a client, if not cookies made with `secret` (cookies.hpp).
    fast_open_grant (*cookie_maker)(void* context, const four_tuple& between) = nullptr;
    void* context = nullptr;
    /// Whether checksums of segments that arrive are looked at.
    checksum_mode checksum = checksum_mode::verify;
    /// A connection that was released, and whose peer does not close, is reset after so long in FIN-WAIT-2.
    duration orphan_timeout = std::chrono::minutes{1};
};

/// One place for a connection. Its members are the host's.
template <class Policies>
struct slot {
    /// Who knows that the connection is there.
    enum class audience : std::uint8_t {
        none,     ///< nobody: half open, or let go
        offered,  ///< news of its existence wait to be polled
        user,     ///< the user has a handle
    };

    span_stream<Policies> stream{};
    four_tuple between{};
    std::uint64_t hash = 0;
    time_point give_up = never;  ///< when a connection without a user is reset
    listener_id from{};
    std::uint32_t generation = 1;
    link owes{};             ///< in the chain of those that may owe segments
    link tells{};            ///< in the chain of those with news
    link waits{};            ///< in the chain of free slots, or of those in TIME-WAIT
    std::uint16_t news = 0;  ///< one bit for each
    audience known = audience::none;
    ip_settings ip{};
    bool seated : 1 = false;        ///< the table of connections knows it
    bool in_backlog : 1 = false;    ///< it counts in the backlog of its listener
    bool early : 1 = false;         ///< it counts as a pending fast open of its listener
    bool undecided : 1 = false;     ///< deferred: nothing is sent
    bool send_stalled : 1 = false;  ///< `send` took less than it was given
    bool ended : 1 = false;         ///< the last news are pending or told
    bool told_end : 1 = false;      ///< the last news are told
};

/// The memory of a host. It must outlive the host and belongs to it alone: as many connections as there are
/// slots, or as `octets` has room for their buffers. Best with as many deadlines as slots and twice as many cells as
/// slots and `lingering` together; with fewer there is room for fewer connections. A connection in TIME-WAIT that
/// nobody knows any more moves from its slot to `lingering`, if there is room.
template <class Policies>
struct basic_host_memory {
    std::span<slot<Policies>> slots{};
    std::span<deadline_cell> deadlines{};
    std::span<demultiplexer_cell> cells{};
    std::span<std::uint8_t> octets{};
    std::span<listener> listeners{};
    std::span<time_wait_cell> lingering{};
};

/// Such memory as one object, for `Connections` connections with buffers of these sizes, and `Lingering` more in
/// TIME-WAIT. Large: not for the stack.
template <std::size_t Connections, std::size_t Send, std::size_t Receive, std::size_t Listeners = 8,
          class Policies = policies, std::size_t Lingering = 0>
struct host_storage {
    std::array<slot<Policies>, Connections> slots{};
    std::array<deadline_cell, Connections> deadlines{};
    std::array<demultiplexer_cell, 2 * (Connections + Lingering)> cells{};
    std::array<std::uint8_t, Connections*(Send + Receive)> octets{};
    std::array<listener, Listeners> listeners{};
    std::array<time_wait_cell, Lingering> lingering{};

    [[nodiscard]] constexpr basic_host_memory<Policies> memory() noexcept {
        return {slots, deadlines, cells, octets, listeners, lingering};
    }
    /// A configuration whose buffers are those of this memory, and the rest by default.
    [[nodiscard]] static constexpr host_config config(const hash_key& secret) noexcept {
        return {.secret = secret, .snd_buff = Send, .rcv_buff = Receive};
    }
};

}  // namespace tcpfsm
