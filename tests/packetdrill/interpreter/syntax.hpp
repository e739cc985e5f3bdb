// SPDX-License-Identifier: MIT
// syntax.hpp: what a script says.
#pragma once

#include "lexer.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tcpfsm::drill {

/// Microseconds of the script's clock.
using microseconds = std::int64_t;

/// When an event is to happen.
struct event_time {
    enum class kind : std::uint8_t {
        absolute,        ///< 1.5
        relative,        ///< +.5
        any,             ///< *
        absolute_range,  ///< 1.0~1.2
        relative_range,  ///< +.1~+.2
    };
    kind is = kind::absolute;
    microseconds from = 0;
    microseconds to = 0;  ///< of a range
};

/// What stands in a call.
struct expression {
    enum class kind : std::uint8_t {
        ellipsis,   ///< ...
        integer,    ///< 1000
        word,       ///< SOCK_STREAM
        string,     ///< "reno"
        either,     ///< a | b
        array,      ///< [a, b]
        structure,  ///< {a, name = b, name(c) = d}
        field,      ///< name = b, name(c) = d: the value, and perhaps what stands in parentheses
        call,       ///< htons(80)
    };
    kind is = kind::ellipsis;
    place at;
    std::int64_t number = 0;
    std::string text{};
    std::vector<expression> parts{};
};

/// One option of a TCP header.
struct tcp_option {
    std::uint8_t kind = 0;
    std::uint32_t value = 0;                                        ///< MSS, shift count or TS val
    std::uint32_t echo = 0;                                         ///< TS ecr
    std::vector<std::pair<std::uint32_t, std::uint32_t>> blocks{};  ///< of SACK
    std::vector<std::uint8_t> octets{};                             ///< of an option that is only carried
    friend bool operator==(const tcp_option&, const tcp_option&) = default;
};

/// Octets that an option takes.
[[nodiscard]] std::size_t size_of(const tcp_option& o);

/// What a script says about the IP header: nothing of it must be there.
struct ip_fields_said {
    std::optional<std::uint8_t> tos{};
    std::optional<std::uint8_t> ecn{};  ///< the two bits alone
    bool ect_any = false;               ///< ECT(0) or ECT(1)
    std::optional<std::uint8_t> ttl{};
    std::optional<std::uint32_t> flow_label{};
};

/// A TCP segment, in the script's numbers.
struct tcp_line {
    std::uint16_t flags = 0;  ///< as in the header
    std::uint32_t seq = 0;
    std::uint32_t ack = 0;
    std::uint32_t text = 0;
    std::optional<std::uint16_t> win{};
    std::uint16_t urgent = 0;
    bool any_options = false;  ///< <...>
    std::vector<tcp_option> options{};
};

/// An ICMP or ICMPv6 message about a segment that the stack has sent.
struct icmp_line {
    token type;
    std::optional<token> code{};
    std::uint32_t mtu = 0;
    std::uint32_t seq = 0;  ///< of the segment that it quotes
    std::uint32_t text = 0;
};

/// A packet that the script sends (`<`) or wants to see (`>`).
struct packet_line {
    bool inbound = false;
    ip_fields_said ip{};
    std::variant<tcp_line, icmp_line> what{};
};

/// A system call, and what it must return.
struct call_line {
    std::string_view name;
    std::vector<expression> arguments{};
    expression result{};
    std::optional<token> error{};         ///< EAGAIN
    std::optional<microseconds> until{};  ///< the call blocks up to this time
};

/// Comparisons of fields of TCP_INFO.
struct assertion {
    place at;
    std::string_view field;
    std::string_view comparison;
    token with;
};
struct code_line {
    std::vector<assertion> all{};
};

/// One line of the script.
struct script_event {
    place at;
    std::string_view text;  ///< as written
    event_time time;
    std::variant<packet_line, call_line, code_line> what;
};

/// `--name=value`.
struct script_option {
    place at;
    std::string name;
    std::string value;
};

/// A script. It points into the text that it was read from.
struct script {
    std::vector<script_option> options{};
    std::vector<script_event> events{};
};

/// Reads a script; throws `failure`.
[[nodiscard]] script parse(std::string_view text);

}  // namespace tcpfsm::drill
