// SPDX-License-Identifier: MIT
// cookies.hpp: what a server gives clients to show in later SYNs, made of their addresses.
#pragma once

#include <tcpfsm/address.hpp>
#include <tcpfsm/fast_open.hpp>
#include <tcpfsm/isn.hpp>

#include <cstddef>
#include <cstdint>

// RFC 7413 section 4.1.2. A cookie is a keyed hash of both addresses: nobody can make one for an address at which he
// does not receive, and the server remembers nothing of any client. It expires with its key, which the caller renews
// from time to time; cookies of the key before count until the next time.

namespace tcpfsm {

/// The keys of a server's cookies.
class cookie_keys {
public:
    constexpr cookie_keys() noexcept = default;
    constexpr explicit cookie_keys(const hash_key& key) noexcept : now_{key} {}

    /// Cookies are made with this key from now on. Those of the present one still count, those before it do not.
    constexpr void renew(const hash_key& key) noexcept {
        before_ = now_;
        now_ = key;
        renewed_ = true;
    }
    /// What a listener grants a client at `remote`.
    [[nodiscard]] constexpr fast_open_grant grant(const ip_address& local, const ip_address& remote) const noexcept {
        fast_open_grant out{.cookie = make(now_, local, remote)};
        if (renewed_) out.older = make(before_, local, remote);
        return out;
    }

private:
    [[nodiscard]] static constexpr fast_open_cookie make(const hash_key& key, const ip_address& local,
                                                         const ip_address& remote) noexcept {
        std::uint64_t rest = hash_input{}.add(local).add(remote).add(std::uint8_t{4}).hash(key);
        fast_open_cookie cookie{.size = sizeof rest};
        for (std::size_t i = 0; i < cookie.size; ++i, rest >>= 8U)
            cookie.octets[i] = static_cast<std::uint8_t>(rest & 0xffU);
        return cookie;
    }

    hash_key now_{};
    hash_key before_{};
    bool renewed_ = false;
};

}  // namespace tcpfsm
