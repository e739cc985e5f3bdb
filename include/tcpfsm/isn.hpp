// SPDX-License-Identifier: MIT
// isn.hpp: numbers that the peer must not guess, from one secret key.
#pragma once

#include <tcpfsm/address.hpp>
#include <tcpfsm/octets.hpp>
#include <tcpfsm/seq.hpp>
#include <tcpfsm/time.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

// RFC 9293 section 3.4.1 and RFC 6528 (initial sequence numbers), RFC 7323 section 5.4 (timestamp offsets),
// RFC 6056 (ephemeral ports). The library has no randomness of its own: the caller brings 128 random bits,
// once a boot, and keeps them to himself. The keyed function is SipHash-2-4.

namespace tcpfsm {

/// The secret: 16 octets that nobody else knows.
using hash_key = std::array<std::uint8_t, 16>;

/// SipHash-2-4 (Aumasson and Bernstein, 2012): a pseudorandom function, fast on short inputs.
[[nodiscard]] constexpr std::uint64_t siphash(const hash_key& key, std::span<const std::uint8_t> octets) noexcept;

/// The input convention of everything below: addresses and ports in network order, local before remote, and
/// for all uses but the first an octet that tells the uses apart.
class hash_input {
public:
    constexpr hash_input& add(const ip_address& address) noexcept {
        for (const std::uint8_t octet : address.octets()) add(octet);
        return *this;
    }
    constexpr hash_input& add(std::uint16_t port) noexcept {
        store16(octets_.data() + size_, port);
        size_ += 2;
        return *this;
    }
    constexpr hash_input& add(std::uint8_t octet) noexcept {
        octets_[size_++] = octet;
        return *this;
    }
    [[nodiscard]] constexpr std::uint64_t hash(const hash_key& key) const noexcept {
        return siphash(key, std::span{octets_}.first(size_));
    }

private:
    std::array<std::uint8_t, 16 + 16 + 2 + 2 + 1> octets_{};
    std::size_t size_ = 0;
};

/// All of a connection's name.
[[nodiscard]] constexpr hash_input name_of(const four_tuple& between) noexcept {
    return hash_input{}
        .add(between.local.address)
        .add(between.remote.address)
        .add(between.local.port)
        .add(between.remote.port);
}

/// RFC 9293 section 3.4.1: "ISN = M + F(localip, localport, remoteip, remoteport, secretkey)" (SHLD-1).
class isn_generator {
public:
    constexpr explicit isn_generator(const hash_key& key) noexcept : key_{key} {}

    /// The number for a connection that begins now. M is a clock of 4 microseconds (MUST-8), so numbers of the
    /// same two ends rise; F hides them from everyone else (MUST-9).
    [[nodiscard]] constexpr seq operator()(const four_tuple& between, time_point now) const noexcept {
        const std::int64_t ticks = now.time_since_epoch().count() >> 2;
        return seq{static_cast<std::uint32_t>(name_of(between).hash(key_))} + static_cast<std::uint32_t>(ticks);
    }

private:
    hash_key key_;
};

/// Where to look for a connection in a table; without the key nobody can make two meet on purpose.
[[nodiscard]] constexpr std::uint64_t table_hash(const hash_key& key, const four_tuple& between) noexcept {
    return name_of(between).add(std::uint8_t{1}).hash(key);
}

/// What to add to the timestamp clock of a connection, so that it tells nothing about the uptime or about
/// other connections (RFC 7323 section 5.4); the same for every incarnation, so PAWS works across them.
[[nodiscard]] constexpr std::uint32_t timestamp_offset(const hash_key& key, const four_tuple& between) noexcept {
    return static_cast<std::uint32_t>(name_of(between).add(std::uint8_t{2}).hash(key));
}

/// Ports to choose from; both ends belong to it. The default is IANA's dynamic range (RFC 6335 section 6).
struct port_range {
    std::uint16_t first = 49152;
    std::uint16_t last = 65535;
    [[nodiscard]] constexpr std::uint32_t size() const noexcept { return last >= first ? last - first + 1U : 1U; }
};

/// RFC 6056 section 3.3.3, algorithm 3: a port to connect from, different places to begin for different
/// peers, and one further for every step of `counter`. If the port is taken, try the next number: `size()` of
/// them try every port once.
[[nodiscard]] constexpr std::uint16_t ephemeral_port(const hash_key& key, const ip_address& local,
                                                     const endpoint& remote, std::uint32_t counter,
                                                     port_range range = {}) noexcept {
    const std::uint64_t offset =
        hash_input{}.add(local).add(remote.address).add(remote.port).add(std::uint8_t{3}).hash(key);
    const std::uint64_t place = (offset & 0xffffffff) + counter;
    return static_cast<std::uint16_t>(range.first + place % range.size());
}

/// RFC 6056 section 3.3.4, algorithm 4: which of the caller's `counters` counters (at least one) to use for a
/// peer, so that one peer cannot watch the connections to others.
[[nodiscard]] constexpr std::size_t ephemeral_counter(const hash_key& key, const ip_address& local,
                                                      const endpoint& remote, std::size_t counters) noexcept {
    const std::uint64_t hash =
        hash_input{}.add(local).add(remote.address).add(remote.port).add(std::uint8_t{4}).hash(key);
    return counters == 0 ? 0 : static_cast<std::size_t>(hash % counters);
}

/// The four words of SipHash's state.
struct siphash_state {
    std::uint64_t v0, v1, v2, v3;

    constexpr void round() noexcept {
        v0 += v1, v2 += v3;
        v1 = std::rotl(v1, 13) ^ v0, v3 = std::rotl(v3, 16) ^ v2;
        v0 = std::rotl(v0, 32);
        v2 += v1, v0 += v3;
        v1 = std::rotl(v1, 17) ^ v2, v3 = std::rotl(v3, 21) ^ v0;
        v2 = std::rotl(v2, 32);
    }
    constexpr void compress(std::uint64_t word) noexcept {
        v3 ^= word;
        round(), round();
        v0 ^= word;
    }
};

constexpr std::uint64_t siphash(const hash_key& key, std::span<const std::uint8_t> octets) noexcept {
    const auto little_endian = [](std::span<const std::uint8_t> from) {
        std::uint64_t word = 0;
        for (std::size_t i = from.size(); i-- != 0;) word = word << 8 | from[i];
        return word;
    };
    const std::uint64_t k0 = little_endian(std::span{key}.first<8>());
    const std::uint64_t k1 = little_endian(std::span{key}.last<8>());
    siphash_state state{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,  // "somepseudorandomlygeneratedbytes"
                        k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573};
    const std::uint64_t size = octets.size();
    for (; octets.size() >= 8; octets = octets.subspan(8)) state.compress(little_endian(octets.first(8)));
    state.compress(little_endian(octets) | size << 56);
    state.v2 ^= 0xff;
    for (int i = 0; i < 4; ++i) state.round();
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

}  // namespace tcpfsm
