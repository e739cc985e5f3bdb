// SPDX-License-Identifier: MIT
// listener.hpp: who may come in.
#pragma once

#include <tcpfsm/address.hpp>
#include <tcpfsm/policies.hpp>
#include <tcpfsm/time.hpp>

#include <cstdint>
#include <optional>

// RFC 9293 section 3.9.1.1, passive OPEN, with the local addresses of MUST-43 to MUST-45. A listener is a
// rule and numbers; the connections that come of it are the host's.

namespace tcpfsm {

/// The settings of one connection that go into IP headers.
struct ip_settings {
    std::uint8_t dscp = 0;        ///< six bits (MUST-48)
    std::uint8_t hop_limit = 64;  ///< or time to live (MUST-49)
    friend constexpr bool operator==(const ip_settings&, const ip_settings&) noexcept = default;
};

/// How a listener takes connections.
struct listener_options {
    /// The address to listen on; nothing for every local address.
    std::optional<ip_address> address{};
    /// The port to listen on; not looked at if there is a `wants`.
    std::uint16_t port = 0;
    /// If given, decides for each SYN by its local end, whatever the port. Transparent proxies say yes to all.
    /// It must be quick, change nothing in the host, and be valid together with `context` until `unlisten`.
    bool (*wants)(void* context, const endpoint& local) = nullptr;
    void* context = nullptr;
    /// Connections that have come and that the user has not been told of, or has not answered; at least 1.
    std::uint32_t backlog = 16;
    /// The user is told of each SYN, and says `accept` or `refuse`; before that nothing is sent.
    bool deferred = false;
    /// Fast open (RFC 7413), if the policy has it: clients get cookies, and text of a SYN that shows one is taken at
    /// once. At most so many connections may wait for the end of their handshake then; SYNs beyond are ordinary ones.
    /// Only for text that may arrive twice (section 6.3.3). 0: no fast open.
    std::uint32_t fast_open = 0;
    /// Nagle, timeouts: of each connection. ISS, MSS, and buffer sizes in it are filled in by the host.
    parameters settings{};
    ip_settings ip{};
};

/// Names a listener. One that was closed, or never was, matches nothing.
struct listener_id {
    std::uint32_t place = 0;
    std::uint32_t generation = 0;
    friend constexpr bool operator==(const listener_id&, const listener_id&) noexcept = default;
};

/// Memory for one listener.
struct listener {
    listener_options options{};
    std::uint32_t generation = 1;
    std::uint32_t waiting = 0;   ///< of the backlog
    std::uint32_t early = 0;     ///< PendingFastOpenRequests (RFC 7413 section 5.1), with
    std::uint32_t refused = 0;   ///< so many that the peer has ended, and that count
    time_point refused_until{};  ///< until then
    bool open = false;

    /// How well a SYN to `local` fits: 0 not at all, then a predicate, a port, an address and port.
    [[nodiscard]] constexpr unsigned fits(const endpoint& local) const noexcept {
        if (!open || (options.address && *options.address != local.address)) return 0;
        if (options.wants != nullptr) return options.wants(options.context, local) ? 1U : 0U;
        if (options.port != local.port) return 0;
        return options.address ? 3U : 2U;
    }
};

}  // namespace tcpfsm
