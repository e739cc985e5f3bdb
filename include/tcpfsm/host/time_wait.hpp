// SPDX-License-Identifier: MIT
// time_wait.hpp: connections in TIME-WAIT that nobody knows, 48 octets each.
#pragma once

#include <tcpfsm/address.hpp>
#include <tcpfsm/host/chain.hpp>
#include <tcpfsm/host/listener.hpp>
#include <tcpfsm/lingering.hpp>
#include <tcpfsm/octets.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

// In memory of the caller, in the order in which they end. What is sent in TIME-WAIT is an answer, and goes where the
// segment came from: so an address is needed only to be recognized. IPv4's stand here; of IPv6's it is 64 bits of the
// keyed hash under which the table of connections knows them, beside both ports. Nobody without the key can find two
// names with one hash, and that it happens by chance need not be feared.

namespace tcpfsm {

/// Memory for one connection in TIME-WAIT.
struct time_wait_cell {
    std::array<std::uint8_t, 8> name{};  ///< both addresses of IPv4, local first; or the hash
    std::uint16_t local_port = 0;
    std::uint16_t remote_port = 0;
    seq snd_nxt{};
    seq rcv_nxt{};
    std::uint32_t wnd = 0;
    std::uint32_t ts_recent = 0;
    std::uint32_t ends = 0;             ///< the low bits, in microseconds
    std::uint32_t challenges : 4 = 0;   ///< and
    std::uint32_t challenged : 28 = 0;  ///< the low bits of since when, in microseconds
    std::uint16_t max_wnd = 0;          ///< the largest window of the peer, times two to the power of
    std::uint16_t max_shift : 4 = 0;    ///< this
    std::uint16_t shift : 4 = 0;
    std::uint16_t v6 : 1 = 0;
    std::uint16_t rounds_up : 1 = 0;
    std::uint16_t urgent : 1 = 0;
    std::uint16_t sack_ok : 1 = 0;
    std::uint16_t stamped : 1 = 0;
    std::uint16_t dscp_high : 3 = 0;
    std::uint32_t before : 29 = 0;  ///< who ends before it
    std::uint32_t dscp_low : 3 = 0;
    std::uint32_t behind : 24 = 0;  ///< who ends after it, or the next that is free
    std::uint32_t hop_limit : 8 = 0;
};
static_assert(sizeof(time_wait_cell) <= 48);

/// The connections in TIME-WAIT that are kept so.
class time_waits {
public:
    /// As many as their numbers can say.
    static constexpr std::size_t most = (1U << 24U) - 1;

    constexpr time_waits() noexcept = default;
    /// None yet. The memory belongs to this object as long as it lives.
    constexpr explicit time_waits(std::span<time_wait_cell> memory) noexcept
        : all_{memory.first(std::min(memory.size(), most))} {
        for (std::size_t k = all_.size(); k-- != 0;) release(static_cast<std::uint32_t>(k));
    }

    [[nodiscard]] constexpr std::size_t size() const noexcept { return count_; }
    [[nodiscard]] constexpr std::size_t capacity() const noexcept { return all_.size(); }
    /// Who ends first, or `nobody`; and when, or `never`.
    [[nodiscard]] constexpr std::uint32_t first() const noexcept { return count_ == 0 ? nobody : first_; }
    [[nodiscard]] constexpr time_point first_end() const noexcept {
        return count_ == 0 ? never : ends_of(all_[first_]);
    }

    /// Keeps a connection. `nobody` if there is no place, or if a number does not fit. If others are kept that end
    /// later than this one would, it ends with the last of them.
    constexpr std::uint32_t add(const four_tuple& between, std::uint64_t hash, const ip_settings& ip,
                                const lingering_numbers& n) noexcept {
        if (free_ == none || !fits(n)) return nobody;
        const std::uint32_t k = free_;
        time_wait_cell& w = all_[k];
        free_ = w.behind;
        w = {};
        w.v6 = between.local.address.is_v6() ? 1 : 0;
        w.name = name_of(between, hash);
        w.local_port = between.local.port;
        w.remote_port = between.remote.port;
        w.dscp_low = ip.dscp & 7U;
        w.dscp_high = static_cast<std::uint16_t>(ip.dscp >> 3U & 7U);
        w.hop_limit = ip.hop_limit;
        write(w, n);
        append(k, n.ends);
        return k;
    }
    /// The numbers of one that is kept have changed.
    constexpr void change(std::uint32_t k, const lingering_numbers& n) noexcept {
        if (!fits(n)) return;
        const bool restarted = n.ends != ends_of(all_[k]);
        write(all_[k], n);
        if (!restarted) return;
        unlink(k);
        append(k, n.ends);
    }
    constexpr void remove(std::uint32_t k) noexcept {
        unlink(k);
        release(k);
    }

    [[nodiscard]] constexpr bool is(std::uint32_t k, const four_tuple& between, std::uint64_t hash) const noexcept {
        const time_wait_cell& w = all_[k];
        return w.local_port == between.local.port && w.remote_port == between.remote.port &&
               (w.v6 != 0) == between.local.address.is_v6() && w.name == name_of(between, hash);
    }
    /// Under which hash it is known; `of(between)` says that of a name.
    template <class Hash>
    [[nodiscard]] constexpr std::uint64_t hash(std::uint32_t k, Hash of) const noexcept {
        const time_wait_cell& w = all_[k];
        if (w.v6 != 0) return std::uint64_t{load32(w.name.data())} << 32U | load32(w.name.data() + 4);
        const auto v4 = [&w](std::size_t at) {
            return ipv4(w.name[at], w.name[at + 1], w.name[at + 2], w.name[at + 3]);
        };
        return of(four_tuple{{v4(0), w.local_port}, {v4(4), w.remote_port}});
    }
    [[nodiscard]] constexpr ip_settings ip(std::uint32_t k) const noexcept {
        const time_wait_cell& w = all_[k];
        return {static_cast<std::uint8_t>(w.dscp_high << 3U | w.dscp_low), static_cast<std::uint8_t>(w.hop_limit)};
    }
    [[nodiscard]] constexpr lingering_numbers numbers(std::uint32_t k, time_point now) const noexcept {
        const time_wait_cell& w = all_[k];
        return {.snd_nxt = w.snd_nxt,
                .rcv_nxt = w.rcv_nxt,
                .max_wnd = std::uint32_t{w.max_wnd} << w.max_shift,
                .wnd = w.wnd,
                .shift = static_cast<std::uint8_t>(w.shift),
                .rounds_up = w.rounds_up != 0,
                .urgent = w.urgent != 0,
                .sack_ok = w.sack_ok != 0,
                .stamped = w.stamped != 0,
                .ts_recent = w.ts_recent,
                .challenges = static_cast<std::uint8_t>(w.challenges),
                .challenges_since = now - duration{(low(now) - w.challenged) & 0xfffffffU},
                .ends = ends_of(w)};
    }

private:
    static constexpr std::uint32_t none = most;

    [[nodiscard]] static constexpr std::uint32_t low(time_point t) noexcept {
        return static_cast<std::uint32_t>(static_cast<std::uint64_t>(t.time_since_epoch().count()));
    }
    [[nodiscard]] static constexpr std::array<std::uint8_t, 8> name_of(const four_tuple& between,
                                                                       std::uint64_t hash) noexcept {
        std::array<std::uint8_t, 8> out{};
        if (between.local.address.is_v6()) {
            store32(store32(out.data(), static_cast<std::uint32_t>(hash >> 32U)), static_cast<std::uint32_t>(hash));
        } else {
            std::copy_n(between.local.address.octets().begin(), 4, out.begin());
            std::copy_n(between.remote.address.octets().begin(), 4, out.begin() + 4);
        }
        return out;
    }
    /// Windows come as 16 bits, some of them scaled.
    [[nodiscard]] static constexpr unsigned scale_of(std::uint32_t wnd) noexcept {
        unsigned e = 0;
        while (wnd >> e > 0xffff) ++e;
        return e;
    }
    [[nodiscard]] static constexpr bool fits(const lingering_numbers& n) noexcept {
        const unsigned e = scale_of(n.max_wnd);
        return e < 16 && n.max_wnd >> e << e == n.max_wnd && n.challenges < 16 && n.shift < 16;
    }
    static constexpr void write(time_wait_cell& w, const lingering_numbers& n) noexcept {
        const unsigned e = scale_of(n.max_wnd);
        w.snd_nxt = n.snd_nxt;
        w.rcv_nxt = n.rcv_nxt;
        w.max_wnd = static_cast<std::uint16_t>(n.max_wnd >> e);
        w.max_shift = static_cast<std::uint16_t>(e & 15U);
        w.wnd = n.wnd;
        w.shift = static_cast<std::uint16_t>(n.shift & 15U);
        w.rounds_up = n.rounds_up ? 1 : 0;
        w.urgent = n.urgent ? 1 : 0;
        w.sack_ok = n.sack_ok ? 1 : 0;
        w.stamped = n.stamped ? 1 : 0;
        w.ts_recent = n.ts_recent;
        w.challenges = n.challenges & 15U;
        w.challenged = low(n.challenges_since) & 0xfffffffU;
    }

    /// None ends before `reached_`, nor much later.
    [[nodiscard]] constexpr time_point ends_of(const time_wait_cell& w) const noexcept {
        return reached_ + duration{w.ends - low(reached_)};
    }
    constexpr void append(std::uint32_t k, time_point ends) noexcept {
        if (count_ == 0) reached_ = ends;
        ends = count_ == 0 ? ends : std::max(ends, ends_of(all_[last_]));
        time_wait_cell& w = all_[k];
        w.ends = low(ends);
        w.before = last_ & 0x1fffffffU;
        w.behind = none;
        if (count_++ == 0) {
            first_ = k;
        } else {
            all_[last_].behind = k & none;
        }
        last_ = k;
    }
    constexpr void unlink(std::uint32_t k) noexcept {
        const time_wait_cell& w = all_[k];
        if (k == first_) {
            if (count_ > 1) reached_ = ends_of(all_[w.behind]);
            first_ = w.behind;
        } else {
            all_[w.before].behind = w.behind;
        }
        if (k == last_) {
            last_ = w.before;
        } else {
            all_[w.behind].before = w.before;
        }
        --count_;
    }
    constexpr void release(std::uint32_t k) noexcept {
        all_[k].behind = free_ & none;
        free_ = k;
    }

    std::span<time_wait_cell> all_{};
    time_point reached_{};
    std::size_t count_ = 0;
    std::uint32_t first_ = 0;
    std::uint32_t last_ = 0;
    std::uint32_t free_ = none;
};

}  // namespace tcpfsm
