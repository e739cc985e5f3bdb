// SPDX-License-Identifier: MIT
// flow.hpp: the connection under test: the script's numbers, and those of the wire.
#pragma once

#include "packets.hpp"

#include <tcpfsm/address.hpp>

#include <cstdint>
#include <map>
#include <optional>

// The stack chooses its initial sequence number, its ports and its timestamps; a script says 0, 8080 and 100. There
// is one connection under test at a time: the one of the socket that was made, or began to listen or to connect, last.

namespace tcpfsm::drill {

/// One connection.
class flow {
public:
    enum class stage : std::uint8_t {
        nothing,     ///< no socket was made
        fresh,       ///< a socket that neither listens nor connects
        listening,   ///< the next inbound packet names the connection
        connecting,  ///< the next outbound packet to `remote` does
        known,
    };

    [[nodiscard]] stage at() const { return stage_; }
    [[nodiscard]] const four_tuple& between() const { return between_; }
    void is_fresh() { *this = flow{stage::fresh}; }
    void listens() { *this = flow{stage::listening}; }
    void connects() { *this = flow{stage::connecting}; }
    /// The connection has these addresses from now on.
    void is(const four_tuple& between) {
        between_ = between;
        stage_ = stage::known;
    }
    flow() = default;

    /// An inbound segment as it goes to the wire; throws `failure` if it echoes a timestamp that was never sent.
    [[nodiscard]] tcp_line to_wire(tcp_line seg, std::uint32_t peer_isn, place at) const;
    /// An inbound ICMP message as it goes to the wire.
    [[nodiscard]] icmp_line to_wire(icmp_line message) const;
    /// An outbound segment in the script's numbers. A SYN says which number the stack begins with, and `expected` which
    /// one the script means by it; in the same way for the timestamps.
    [[nodiscard]] tcp_line to_script(tcp_line seg, const tcp_line& expected, std::uint32_t peer_isn);
    /// How many ticks the timestamp clock of the stack is off from what the script says.
    [[nodiscard]] std::int64_t stamp_error(const tcp_line& wire, const tcp_line& expected) const;

private:
    explicit flow(stage s) : stage_{s} {}
    struct stamps {
        std::uint32_t script = 0;
        std::uint32_t live = 0;
    };

    stage stage_ = stage::nothing;
    four_tuple between_{};
    std::optional<std::uint32_t> isn_ahead_{};              ///< of the stack: on the wire, less in the script
    std::map<std::uint32_t, std::uint32_t> live_stamps_{};  ///< what the stack sent, by what the script said of it
    std::optional<stamps> first_stamp_{};
};

}  // namespace tcpfsm::drill
