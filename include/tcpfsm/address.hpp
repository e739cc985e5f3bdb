// SPDX-License-Identifier: MIT
// address.hpp: who speaks to whom. Internet addresses, endpoints, and the four numbers that name a connection.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>

// RFC 9293 section 3.3.1: a connection is named by "local and remote IP addresses and port numbers".
// Values without text: address_text.hpp reads and writes "192.0.2.1" and "2001:db8::1".

namespace tcpfsm {

/// The two internet protocols; the value is the version number in the first octet of a packet.
enum class ip_family : std::uint8_t { v4 = 4, v6 = 6 };

/// An IPv4 or IPv6 address. The default is 0.0.0.0, "unspecified".
class ip_address {
public:
    constexpr ip_address() noexcept = default;
    /// An IPv4 address, the octets as they stand in a packet.
    constexpr explicit ip_address(std::span<const std::uint8_t, 4> octets) noexcept : family_{ip_family::v4} {
        std::copy(octets.begin(), octets.end(), octets_.begin());
    }
    /// An IPv6 address, the octets as they stand in a packet.
    constexpr explicit ip_address(std::span<const std::uint8_t, 16> octets) noexcept : family_{ip_family::v6} {
        std::copy(octets.begin(), octets.end(), octets_.begin());
    }

    [[nodiscard]] constexpr ip_family family() const noexcept { return family_; }
    [[nodiscard]] constexpr bool is_v4() const noexcept { return family_ == ip_family::v4; }
    [[nodiscard]] constexpr bool is_v6() const noexcept { return family_ == ip_family::v6; }
    /// The four or sixteen octets, in network order; valid as long as this object.
    [[nodiscard]] constexpr std::span<const std::uint8_t> octets() const noexcept {
        return std::span{octets_}.first(is_v4() ? 4 : 16);
    }

    /// 0.0.0.0 or :: .
    [[nodiscard]] constexpr bool is_unspecified() const noexcept { return octets_ == decltype(octets_){}; }
    /// 224.0.0.0/4 (RFC 1112) or ff00::/8 (RFC 4291): no peer of a TCP connection (RFC 9293 MUST-46, 57, 63).
    [[nodiscard]] constexpr bool is_multicast() const noexcept {
        return is_v4() ? octets_[0] >> 4 == 0xe : octets_[0] == 0xff;
    }
    /// 255.255.255.255. Broadcast addresses of a subnet look like any other; only its hosts know them.
    [[nodiscard]] constexpr bool is_broadcast() const noexcept {
        return is_v4() && std::all_of(octets_.begin(), octets_.begin() + 4, [](auto octet) { return octet == 0xff; });
    }
    /// 127.0.0.0/8 or ::1 .
    [[nodiscard]] constexpr bool is_loopback() const noexcept {
        if (is_v4()) return octets_[0] == 127;
        return octets_[15] == 1 && std::all_of(octets_.begin(), octets_.end() - 1, is_zero);
    }
    /// ::ffff:0:0/96, an IPv4 address in the clothes of an IPv6 one (RFC 4291 section 2.5.5.2); never on the wire.
    [[nodiscard]] constexpr bool is_mapped() const noexcept {
        return is_v6() && octets_[10] == 0xff && octets_[11] == 0xff &&
               std::all_of(octets_.begin(), octets_.begin() + 10, is_zero);
    }
    /// True iff a single host may have it: neither unspecified, nor multicast, nor broadcast (RFC 9293 3.9.2.3).
    [[nodiscard]] constexpr bool is_unicast() const noexcept {
        return !is_unspecified() && !is_multicast() && !is_broadcast();
    }

    friend constexpr bool operator==(const ip_address&, const ip_address&) noexcept = default;
    friend constexpr std::strong_ordering operator<=>(const ip_address&, const ip_address&) noexcept = default;

private:
    static constexpr bool is_zero(std::uint8_t octet) noexcept { return octet == 0; }

    ip_family family_ = ip_family::v4;
    std::array<std::uint8_t, 16> octets_{};  // of IPv4 the first four; the others stay zero, so == needs no cases
};

/// The IPv4 address a.b.c.d .
[[nodiscard]] constexpr ip_address ipv4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) noexcept {
    return ip_address{std::array{a, b, c, d}};
}

/// One end of a connection: "<network address, port>".
struct endpoint {
    ip_address address{};
    std::uint16_t port = 0;
    friend constexpr bool operator==(const endpoint&, const endpoint&) noexcept = default;
    friend constexpr std::strong_ordering operator<=>(const endpoint&, const endpoint&) noexcept = default;
};

/// Both ends of a connection, seen from here: its name.
struct four_tuple {
    endpoint local{};
    endpoint remote{};
    /// The same connection as the peer names it.
    [[nodiscard]] constexpr four_tuple reversed() const noexcept { return {remote, local}; }
    friend constexpr bool operator==(const four_tuple&, const four_tuple&) noexcept = default;
    friend constexpr std::strong_ordering operator<=>(const four_tuple&, const four_tuple&) noexcept = default;
};

static_assert(sizeof(ip_address) == 17 && sizeof(four_tuple) == 40);
static_assert(ipv4(255, 255, 255, 255).is_broadcast() && ipv4(224, 0, 0, 1).is_multicast());
static_assert(ipv4(127, 0, 0, 1).is_loopback() && ip_address{}.is_unspecified());

}  // namespace tcpfsm
