// SPDX-License-Identifier: MIT
// user.hpp: a program that has one `connection`, and does all that RFC 9293 leaves to those around TCP.
#pragma once

#include "ip_layer.hpp"

#include <tcpfsm/icmp.hpp>
#include <tcpfsm/isn.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string_view>
#include <vector>

namespace caller {

using tcpfsm::duration;
using tcpfsm::endpoint;
using tcpfsm::four_tuple;
using tcpfsm::ip_address;
using tcpfsm::time_point;

/// One of our addresses, the networks that it is the right one for, and how large their packets are.
struct interface {
    ip_address address{};
    unsigned prefix = 24;  ///< of the address; 0: the way to everywhere
    std::uint16_t mtu = 1500;
};

/// The secret behind initial numbers: from the system's source of randomness, anew at each start.
inline tcpfsm::hash_key draw_key() {
    std::random_device source;
    tcpfsm::hash_key key{};
    for (auto& octet : key) octet = static_cast<std::uint8_t>(source());
    return key;
}

/// What is known at the start of the program.
struct start {
    tcpfsm::hash_key key{};
    std::vector<interface> interfaces{};
    /// The time of a restart after which nobody knows which numbers were in use, or since which the key is a new one.
    std::optional<time_point> forgot_at{};
};

template <class Policies = tcpfsm::policies>
class user {
public:
    using connection = tcpfsm::basic_connection<Policies>;

    explicit user(start with) : start_{std::move(with)}, numbers_{start_.key} {}

    // --- What an application asks for --------------------------------------------------------------

    /// Active OPEN. False if there is no way to such a peer, or while we keep quiet.
    bool open(const endpoint& remote, const wishes& want, time_point now) {
        const auto local = source_for(remote.address);
        if (!local || !remote.address.is_unicast() || quiet(now)) return false;  // MUST-46, 3.4.3
        between_ = {{*local, 40000}, remote};                                    // MUST-44: before the first SYN
        wishes_ = want;
        own_route_ = !want.by.empty();
        return tcp_.open_active(numbers_for(*between_, now), now) == tcpfsm::answer::ok;
    }
    /// Passive OPEN on a port of any of our addresses.
    void listen(std::uint16_t port, const wishes& want) {
        port_ = port;
        wishes_ = want;
        own_route_ = !want.by.empty();
    }
    /// SEND: never urgent (SHLD-13).
    void send(std::string_view text, time_point now) {
        if (tcp_.send(static_cast<std::uint32_t>(text.size()), now) != tcpfsm::answer::ok) return;
        sending_.insert(sending_.end(), text.begin(), text.end());
    }
    void close(time_point now) { (void)tcp_.close(now); }
    /// The Diffserv field, and the time to live, from the next packet on.
    void set(std::uint8_t dscp, std::uint8_t ttl) { wishes_.dscp = dscp, wishes_.ttl = ttl; }
    /// Whether reports of trouble reach the application (SHLD-20).
    void set_reports(bool on) { reports_ = on; }
    /// The next thing that the application is told.
    std::optional<tcpfsm::signal> hears() {
        using enum tcpfsm::signal;
        while (const auto told = tcp_.poll_signal()) {
            const bool report = *told == tell_trouble || *told == tell_soft_error || *told == tell_urgent;
            if (reports_ || !report) return told;
        }
        return std::nullopt;
    }
    [[nodiscard]] const octets& text() const { return text_; }
    [[nodiscard]] const connection& tcp() const { return tcp_; }

    // --- What IP hands over, and takes --------------------------------------------------------------

    void arrives(std::span<const std::uint8_t> packet, time_point now) {
        const auto got = read_packet(packet);
        if (!got || !is_ours(got->ip.destination) || !got->ip.source.is_unicast()) return;  // MUST-57, MUST-63
        if (got->ip.protocol == 1) return reported(got->ip, now);
        auto seg = tcpfsm::parse_tcp(got->ip.payload, got->ip.source, got->ip.destination);  // MUST-3
        if (!seg) return;
        seg.segment.ecn = got->ip.fields.ecn();
        const four_tuple name{{got->ip.destination, seg.destination_port}, {got->ip.source, seg.source_port}};
        if (!between_ && seg.destination_port == port_) {
            if (quiet(now)) return;  // the peer asks again
            between_ = name;         // MUST-45: this address it will be
            (void)tcp_.open_passive(numbers_for(name, now), now);
        }
        if (between_ != name) return;
        // MUST-53, SHLD-24: the way back is the way here, and the newest; MUST-52: not against the user's wish.
        if (port_ != 0 && !own_route_ && got->came_by) {
            wishes_.by.assign(got->came_by->rbegin(), got->came_by->rend());
        }
        take(tcp_.handle_segment(seg.segment, now), seg.text, now);
    }
    /// The next packet that is owed, empty if there is none.
    octets owes(time_point now) {
        const auto out = tcp_.poll_transmit(now);
        if (!out) return {};
        const auto text = std::span<const std::uint8_t>{sending_}.subspan(out->at).first(out->segment.text);
        return write_packet(*between_, out->segment, text, wishes_);
    }
    void wakes(time_point now) { (void)tcp_.handle_timeout(now); }
    [[nodiscard]] time_point sleeps_until() const { return tcp_.poll_timeout(); }

private:
    /// 3.4.3: nobody knows which numbers we used less than an MSL ago.
    [[nodiscard]] bool quiet(time_point now) const {
        return start_.forgot_at && now < *start_.forgot_at + Policies::msl;
    }

    [[nodiscard]] bool is_ours(const ip_address& address) const {
        return std::any_of(start_.interfaces.begin(), start_.interfaces.end(),
                           [&](const interface& each) { return each.address == address; });
    }
    /// The address of the interface that reaches a peer by the longest prefix.
    [[nodiscard]] std::optional<ip_address> source_for(const ip_address& remote) const {
        const auto bits = [](const ip_address& a) { return tcpfsm::load32(a.octets().data()); };
        const interface* best = nullptr;
        for (const interface& each : start_.interfaces) {
            const std::uint32_t mask = each.prefix == 0 ? 0 : ~std::uint32_t{0} << (32 - each.prefix);
            if (((bits(each.address) ^ bits(remote)) & mask) != 0) continue;
            if (best == nullptr || best->prefix < each.prefix) best = &each;
        }
        return best == nullptr ? std::nullopt : std::optional{best->address};
    }
    /// The routing may change, and with it the interface: the smallest MTU decides the MSS (SHLD-6, MUST-67).
    [[nodiscard]] tcpfsm::parameters numbers_for(const four_tuple& between, time_point now) const {
        std::uint16_t mtu = 0xffff;
        for (const interface& each : start_.interfaces) mtu = std::min(mtu, each.mtu);
        tcpfsm::parameters p;
        p.iss = numbers_(between, now);
        p.timestamp_offset = tcpfsm::timestamp_offset(start_.key, between);
        // A listener gets a route with any segment, and the option takes up to 40 octets of every packet (MUST-16).
        const std::size_t route_size = own_route_ || port_ != 0 ? 40 : 0;
        p.mss = static_cast<std::uint16_t>(mtu - tcpfsm::ipv4_header_size - route_size - tcpfsm::tcp_header_size);
        return p;
    }
    void take(const tcpfsm::arrival& got, std::span<const std::uint8_t> text, time_point now) {
        sending_.erase(sending_.begin(), sending_.begin() + static_cast<std::ptrdiff_t>(got.acked));
        if (got.text != 0) {
            const std::size_t at = text_.size() + got.at;
            if (beyond_.size() < at + got.text) beyond_.resize(at + got.text);
            const auto piece = text.subspan(got.skip).first(got.text);
            std::copy(piece.begin(), piece.end(), beyond_.begin() + static_cast<std::ptrdiff_t>(at));
        }
        const std::size_t end = text_.size() + got.in_order;
        text_.insert(text_.end(), beyond_.begin() + static_cast<std::ptrdiff_t>(text_.size()),
                     beyond_.begin() + static_cast<std::ptrdiff_t>(end));
        if (got.in_order != 0) (void)tcp_.receive(got.in_order, now);
    }
    /// MUST-54: the quotation says which connection it is, and which of its segments.
    void reported(const tcpfsm::packet& message, time_point now) {
        const tcpfsm::icmp_report got = tcpfsm::parse_icmp_error(message);
        if (!between_ || got.between != *between_) return;
        using enum tcpfsm::icmp_kind;
        if (got.kind == soft) (void)tcp_.handle_icmp(tcpfsm::icmp_error::soft, got.sequence, now);
        if (got.kind == hard) (void)tcp_.handle_icmp(tcpfsm::icmp_error::hard, got.sequence, now);
        if (got.kind == source_quench) (void)tcp_.handle_icmp(tcpfsm::icmp_error::source_quench, got.sequence, now);
        if (got.kind == packet_too_big) tcp_.handle_packet_too_big(got.mtu, got.sequence, got.quoted_length, now);
    }

    start start_;
    tcpfsm::isn_generator numbers_;
    connection tcp_;
    std::optional<four_tuple> between_;
    std::uint16_t port_ = 0;
    wishes wishes_;
    bool own_route_ = false;
    bool reports_ = true;
    octets sending_;  // from the oldest octet that is not acknowledged on
    octets text_;     // in order
    octets beyond_;   // the same, and what waits behind a gap
};

}  // namespace caller
