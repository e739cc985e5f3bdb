// SPDX-License-Identifier: MIT
// policies.hpp: what a program may choose, with defaults that need no thought.
#pragma once

#include <tcpfsm/congestion/new_reno.hpp>
#include <tcpfsm/ecn_handshake.hpp>
#include <tcpfsm/path_mtu.hpp>
#include <tcpfsm/rto.hpp>
#include <tcpfsm/seq.hpp>
#include <tcpfsm/table.hpp>
#include <tcpfsm/time.hpp>
#include <tcpfsm/user_timeout.hpp>

#include <cstddef>
#include <cstdint>

// Choices that hold for all connections of a type are compile-time values here: derive from `policies`,
// name what differs, and give the result to `basic_connection`. Numbers of one connection are
// `parameters`, given to OPEN.

namespace tcpfsm {

/// Remembers nothing of the rows that were taken. See trace.hpp for one that does.
struct no_recorder {
    constexpr void record(state, event, state) noexcept {}
    friend constexpr bool operator==(const no_recorder&, const no_recorder&) noexcept = default;
};

/// The defaults: the RFCs' recommendations.
struct policies {
    using table = rfc9293;         ///< the rows; a mutant or a dialect replaces it
    using congestion = new_reno;   ///< a model of `congestion_control`
    using recorder = no_recorder;  ///< told of every row taken; a value with `record(state, event, state)`

    /// RFC 5961: challenge ACKs for resets and SYNs that could be blind attacks, and its ACK range (MAY-12).
    static constexpr bool rfc5961 = true;
    /// RFC 5961 section 7: so many challenge ACKs ...
    static constexpr unsigned challenges = 10;
    /// ... in so long a time, for each connection of its own, so that nothing leaks between connections.
    static constexpr duration challenge_period = std::chrono::seconds{5};
    /// RFC 1337: a reset does not end TIME-WAIT.
    static constexpr bool rfc1337 = true;
    /// MAY-2 and RFC 6191: a new SYN may reopen a connection in TIME-WAIT.
    static constexpr bool reopen_time_wait = true;
    /// MSL, "arbitrarily defined to be 2 minutes" (3.4.2). TIME-WAIT lasts twice as long.
    static constexpr duration msl = std::chrono::minutes{2};

    /// Offer timestamps (RFC 7323).
    static constexpr bool timestamps = true;
    /// How often their clock ticks, a millisecond to a second. A peer refuses text that was overtaken by a
    /// retransmission whose timestamp is newer (PAWS): a slow clock makes that rare, a fast one tells sooner that a
    /// retransmission was spurious.
    static constexpr duration timestamp_tick = std::chrono::milliseconds{1};
    /// Offer window scaling (RFC 7323).
    static constexpr bool window_scale = true;
    /// Offer and send selective acknowledgments (RFC 2018).
    static constexpr bool sack = true;
    /// Tell of text that came twice (RFC 2883). Not without `sack`.
    static constexpr bool dsack = true;
    /// The most of ECN that connections agree to (RFC 3168, RFC 9768); whether one asks for it is its
    /// `parameters::ecn`.
    static constexpr ecn_mode ecn = ecn_mode::accurate;
    /// Send text with the SYN as soon as there is some, instead of after the handshake.
    static constexpr bool text_on_syn = false;
    /// Watch how large a receive buffer would not be the limit, for `receive_advice()`.
    static constexpr bool window_advice = false;
    /// Let `open_fast` ask for cookies, and show them with text (RFC 7413).
    static constexpr bool fast_open = false;
    /// Speak the user timeout option (RFC 5482) where `parameters::user_timeout_option` says so.
    static constexpr bool user_timeout_option = false;
    /// What a peer may have us wait: at least (L_LIMIT), and at most (U_LIMIT).
    static constexpr user_timeout_limits user_timeouts{std::chrono::seconds{100}, std::chrono::hours{1}};
    /// Ranges beyond a gap that are remembered.
    static constexpr std::size_t reassembly_ranges = 8;
    /// Ranges of what was sent that are remembered (recovery/scoreboard.hpp), a power of two. With fewer than a flight
    /// has losses some octets are sent once too often. Zero: no scoreboard; three duplicate ACKs tell of a loss.
    static constexpr std::size_t sent_ranges = 32;
    /// Loss is told by time (RACK-TLP, RFC 8985); else by what has arrived beyond it (RFC 6675).
    static constexpr bool rack_tlp = true;
    /// A reduction that proves wrong is taken back (F-RTO, Eifel, D-SACK: RFC 5682, 3522, 3708, 4015).
    static constexpr bool undo = true;
    /// What a peer may take to answer a lone segment (RFC 8985 7.2).
    static constexpr duration max_ack_delay = std::chrono::milliseconds{200};
    /// Text leaves at the rate of the congestion control instead of in bursts. One that rules by rates is always paced.
    static constexpr bool pacing = false;

    /// Take a shortcut where all goes as it nearly always does (predict.hpp). It changes nothing but the time it takes.
    static constexpr bool prediction = true;

    /// RFC 6298: one second before the first sample, and at least, and at most a minute.
    static constexpr rto_limits rto{std::chrono::seconds{1}, std::chrono::seconds{1}, std::chrono::seconds{60}};
    /// R1 of 3.8.3: retransmissions after which the user is told (SHLD-10).
    static constexpr unsigned r1 = 3;
    /// Delay of an ACK that nothing hurries: below 500 ms (MUST-40).
    static constexpr duration delayed_ack = std::chrono::milliseconds{40};
    /// Override timer against silly windows, 0.1 to 1.0 s (3.8.6.2.1).
    static constexpr duration override_delay = std::chrono::milliseconds{200};
    /// Time between keep-alive probes that nobody answers, and how many are sent (3.8.4).
    static constexpr duration keep_alive_interval = std::chrono::seconds{75};
    static constexpr unsigned keep_alive_probes = 9;
    /// The send MSS is never believed to be less: a peer cannot make us send one octet at a time.
    static constexpr std::uint16_t mss_floor = 88;

    /// How the MTU of the path is found: by ICMP, and by probes once a path swallows large packets without a word.
    static constexpr mtu_discovery path_mtu = mtu_discovery::black_holes;
    /// A path may be such a one after so many timeouts of one large segment (RFC 4821 7.7).
    static constexpr unsigned black_hole_timeouts = 3;
};

/// The numbers of one connection, given to OPEN.
struct parameters {
    /// Initial send sequence number: from isn.hpp, or a random number of the caller's (3.4.1).
    seq iss{};
    /// Octets that the receive buffer can hold; the largest window ever offered. At most 2^30 - 2^14.
    std::uint32_t rcv_buff = 65535;
    /// What `set_receive_buffer` may make of it later: the window scale, which the SYN says once and for all, is chosen
    /// for it. But a unit of the scale is at most a fourth of `rcv_buff`, so that the first window is no less than
    /// that.
    std::uint32_t rcv_buff_most = 0;
    /// Octets that the send buffer can hold: sent and unacknowledged, and not yet sent. At most 2^30.
    std::uint32_t snd_buff = 65535;
    /// MSS to announce, and the largest text to send, options included: the MTU less 40 (IPv4) or 60 (IPv6).
    std::uint16_t mss = 1460;
    /// With a host, which knows the MTU: the largest MSS that the user wants.
    std::uint16_t mss_most = 0xffff;
    /// What the peer takes if it announces nothing: 536 (IPv4) or 1220 (IPv6) (MUST-15).
    std::uint16_t default_mss = 536;
    /// The path is one of IPv6: headers of 60 octets, and an MTU of at least 1280.
    bool ipv6 = false;
    /// What is remembered of the path's MTU, from a connection to the same place (RFC 1191 6.3): `path_mtu()` of that.
    std::uint16_t known_mtu = 0xffff;
    /// Added to the millisecond clock of timestamps: secret, one for each pair of hosts (RFC 7323 5.4).
    std::uint32_t timestamp_offset = 0;
    /// User timeout, and R2 of 3.8.3: unacknowledged for so long, and the connection is given up.
    /// `forever` never gives up. Less than three minutes shortens the life of a SYN, too (MUST-23).
    duration user_timeout = std::chrono::minutes{5};
    /// Tell the peer so, and heed what it tells (RFC 5482, ENABLED), if the policy speaks the option.
    bool user_timeout_option = false;
    /// The peer may change it (CHANGEABLE). False for a program that means the number above; `set_user_timeout` does.
    bool user_timeout_changeable = true;
    /// Idle time before keep-alive probes; `forever` sends none, and is the default (MUST-25). At least two
    /// hours is proper (MUST-28).
    duration keep_alive = forever;
    /// Hold back small segments while others are unacknowledged (SHLD-7); false switches Nagle off (MUST-17).
    bool nagle = true;
    /// False for a passive OPEN whose remote socket is not known: SEND and an active OPEN are refused then.
    bool remote_specified = true;
    /// Whether ECN is asked for, or only accepted. Some paths lose SYNs that ask, and the timeout costs a second.
    ecn_wish ecn = ecn_wish::accept;

    friend constexpr bool operator==(const parameters&, const parameters&) noexcept = default;
};

}  // namespace tcpfsm
