// SPDX-License-Identifier: MIT
// persona.hpp: a host of the library with the look of one operating system, chosen at run time.
#pragma once

#include <tcpfsm/host.hpp>

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Scripts expect the look of the system that they were written for: the order of options, first windows, how soon
// an ACK goes. Where the library has a policy for it, that is the persona; where it has none, the persona's own
// policy type specialises the member function that decides, or the octets are rewritten as they leave.

namespace packetdrill {

/// What --so_flags may say.
struct settings {
    enum class persona : std::uint8_t { linux_look, bsd_look, rfc_look };
    persona look = persona::linux_look;
    std::uint16_t mtu = 1500;
    std::optional<unsigned> wscale{};  ///< the shift that is offered; nothing for the persona's own
    bool rfc5961 = true;
    bool rfc1337 = false;
    bool sack = true;
    bool timestamps = true;
    unsigned ecn = 0;    ///< classic ECN: 1 asked for and accepted, 2 accepted
    bool cubic = false;  ///< instead of New Reno
    bool shrinks_when_idle = false;
    /// The bits of tcp_fastopen: 1 at the client, 2 at the server, 0x200 no cookie needed, 0x400 by all listeners.
    unsigned fast_open = 1;
    tcpfsm::hash_key fast_open_key{};          ///< of listeners without one of their own
    unsigned cookies_forgotten = 0;            ///< so often the script has set tcp_fastopen_cookies to 0
    unsigned min_burst = 2;                    ///< segments that Linux sends in one piece, and pushes, at least
    std::size_t send_buffer = 256U << 10U;     ///< what a user may write, if it says nothing else,
    std::size_t send_buffer_most = 4U << 20U;  ///< and what that grows to
    std::uint32_t not_sent_low = 0xffff'ffff;  ///< more text than this does not wait to be sent
    bool strict_end = false;                   ///< a segment that no line of the script took is a failure
    std::string sysctls{};                     ///< a folder with a file named after this process, of lines "name value"
};

/// What a script has said by sysctl, in the order of its lines; names that are not known are passed over.
void take_sysctls(settings& s, std::istream& lines);

/// Reads "name=value,name=value". Nothing if a word is unknown or impossible; then `why` says which.
[[nodiscard]] std::optional<settings> parse_flags(std::string_view flags, std::string& why);

/// The numbers of a connection that anybody asks for.
struct vitals {
    tcpfsm::state at = tcpfsm::state::closed;
    tcpfsm::send_sequence snd{};
    tcpfsm::receive_sequence rcv{};
    tcpfsm::round_trip rtt{};
    tcpfsm::fast_retransmit recovery{};
    tcpfsm::duration rto{};
    std::uint32_t congestion_window = 0;
    std::uint32_t threshold = 0;
    std::size_t readable = 0;
    std::size_t writable = 0;
    bool sack_ok = false;
    bool scale_ok = false;
    bool timestamps_on = false;
    bool limited_by_peer = false;  ///< there is text to send, and no room in the peer's window alone
    tcpfsm::fast_open_report opened_fast{};
    bool came_fast = false;  ///< text of its SYN was taken at once
    /// Of the scoreboard, in octets.
    struct selective_part {
        tcpfsm::episode now{};
        std::uint32_t sacked = 0, lost = 0, again = 0;
        std::uint32_t min_rtt = 0;
    };
    std::optional<selective_part> selective{};

    /// Octets of text in a full-sized segment.
    [[nodiscard]] std::uint32_t full() const { return snd.mss - (timestamps_on ? 12U : 0U); }
};

/// A host with some look, without its type. The calls are those of `tcpfsm::basic_host`.
class stack {
public:
    stack() = default;
    stack(const stack&) = delete;
    stack& operator=(const stack&) = delete;
    virtual ~stack() = default;

    /// Other settings for connections that begin from now on.
    virtual void set(const settings& how) = 0;
    virtual void handle_packet(std::span<const std::uint8_t> octets, tcpfsm::time_point now) = 0;
    virtual std::size_t poll_packet(std::span<std::uint8_t> out, tcpfsm::time_point now) = 0;
    virtual void handle_timeout(tcpfsm::time_point now) = 0;
    [[nodiscard]] virtual tcpfsm::time_point poll_timeout() const = 0;
    virtual std::optional<tcpfsm::host_event> poll_event() = 0;

    virtual std::optional<tcpfsm::listener_id> listen(const tcpfsm::listener_options& options) = 0;
    virtual void unlisten(tcpfsm::listener_id id, tcpfsm::time_point now) = 0;
    /// The keys of the cookies that the listener at this port gives, the newest first; none for those of `set`.
    virtual void set_cookie_keys(std::uint16_t port, std::vector<tcpfsm::hash_key> keys) = 0;
    virtual tcpfsm::connecting connect(const tcpfsm::endpoint& remote, const tcpfsm::endpoint& local,
                                       tcpfsm::time_point now, const tcpfsm::parameters& how) = 0;
    virtual tcpfsm::connecting connect_fast(const tcpfsm::endpoint& remote, const tcpfsm::endpoint& local,
                                            tcpfsm::time_point now, const tcpfsm::fast_open_cookie& cookie,
                                            std::uint16_t mss, const tcpfsm::parameters& how) = 0;
    virtual tcpfsm::moved send(tcpfsm::handle h, std::span<const std::uint8_t> text, tcpfsm::time_point now) = 0;
    virtual tcpfsm::moved receive(tcpfsm::handle h, std::span<std::uint8_t> into, tcpfsm::time_point now) = 0;
    [[nodiscard]] virtual std::span<const std::uint8_t> peek(tcpfsm::handle h) const = 0;
    virtual void close(tcpfsm::handle h, tcpfsm::time_point now) = 0;
    virtual void abort(tcpfsm::handle h, tcpfsm::time_point now) = 0;
    virtual void release(tcpfsm::handle h, tcpfsm::time_point now) = 0;
    virtual void set_nagle(tcpfsm::handle h, bool on) = 0;
    virtual void set_keep_alive(tcpfsm::handle h, tcpfsm::duration idle) = 0;
    virtual void set_user_timeout(tcpfsm::handle h, tcpfsm::duration d) = 0;
    virtual void set_dscp(tcpfsm::handle h, std::uint8_t six_bits) = 0;
    virtual void set_hop_limit(tcpfsm::handle h, std::uint8_t hops) = 0;

    /// Nothing if the handle is stale.
    [[nodiscard]] virtual std::optional<vitals> look_at(tcpfsm::handle h) const = 0;
    [[nodiscard]] virtual std::optional<tcpfsm::four_tuple> between(tcpfsm::handle h) const = 0;
};

/// A host with this look. There is one at a time: what flags say about all connections is kept for the type.
[[nodiscard]] std::unique_ptr<stack> make_stack(const settings& how);

/// The packets that left in one go, in their order, get the look of the persona: the order of options, resets without
/// timestamps, PSH.
class dresser {
public:
    explicit dresser(settings::persona look) : look_{look} {}
    /// One packet, as the host wrote it.
    void dress(std::string& packet) const;
    /// Linux keeps what is written in buffers, and that shows: see send_queue.hpp.
    [[nodiscard]] bool keeps_buffers() const { return look_ == settings::persona::linux_look; }
    /// A SYN with the option that fast open had before it got a number of its own (254, 0xf989) gets the real one, and
    /// its answer the old one.
    void undress(std::vector<std::uint8_t>& packet);

private:
    settings::persona look_;
    std::optional<tcpfsm::four_tuple> experimental_{};  ///< whose SYN, the last of all, had the old option
};

/// Where the TCP header stands in a packet of the host's, and what it says; all zeros if it is none.
struct glance {
    std::size_t header = 0;  ///< offset of the TCP header; 0 if the packet is not TCP
    std::size_t text_at = 0;
    tcpfsm::segment segment{};
    tcpfsm::four_tuple between{};
};
[[nodiscard]] glance look_into(std::span<const std::uint8_t> packet);
/// Sets, then clears control bits in a TCP packet, and sets its checksum anew.
void set_control(std::string& packet, tcpfsm::control set, tcpfsm::control clear = {});

}  // namespace packetdrill
