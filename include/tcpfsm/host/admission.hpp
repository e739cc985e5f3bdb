// SPDX-License-Identifier: MIT
// admission.hpp: segments of no connection: who gets a connection, who a reset.
#pragma once

#include <tcpfsm/cookies.hpp>
#include <tcpfsm/host/outbox.hpp>
#include <tcpfsm/host/roster.hpp>
#include <tcpfsm/host/verdict.hpp>
#include <tcpfsm/isn.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

// RFC 9293 sections 3.10.7.1 and 3.10.7.2: to a segment that matches nothing the host is a TCP in LISTEN or in CLOSED.
// What such a segment asks for is the table's to say.

namespace tcpfsm {

/// The part of `basic_link_side` that begins and ends connections.
template <class Policies>
class basic_admission {
public:
    /// Resets to segments of no connection that may wait to be polled; what comes beyond is dropped.
    static constexpr std::size_t most_resets = 16;
    /// The least MTU: the largest headers and the least MSS that the connection goes down to.
    static constexpr std::uint16_t least_mtu = ipv6_header_size + tcp_header_size + Policies::mss_floor;

    constexpr basic_admission(const host_config& config, const basic_host_memory<Policies>& memory) noexcept
        : config_{config}, initial_{config.secret}, roster_{config, memory} {
        if constexpr (Policies::fast_open) cookies_ = cookie_keys{config.secret};
        config_.mtu = std::max(config_.mtu, least_mtu);
    }
    basic_admission(const basic_admission&) = delete;
    basic_admission& operator=(const basic_admission&) = delete;

protected:
    using roster_type = basic_roster<Policies>;
    using machine_type = basic_machine<typename Policies::table>;

    /// What the host knows of a connection that begins.
    [[nodiscard]] constexpr parameters filled(parameters p, const four_tuple& between, time_point now) const noexcept {
        const bool v4 = between.local.address.is_v4();
        p.iss = initial_(between, now);
        p.timestamp_offset = timestamp_offset(config_.secret, between);
        const auto fits = config_.mtu - ip_header_size(between.local.address) - tcp_header_size;
        p.mss = std::min(static_cast<std::uint16_t>(fits), p.mss_most);
        p.default_mss = v4 ? 536 : 1220;  // MUST-15
        p.ipv6 = !v4;
        p.rcv_buff_most = std::max(p.rcv_buff_most, config_.rcv_buff);
        if (config_.known_mtu != nullptr) p.known_mtu = config_.known_mtu(config_.context, between.remote.address);
        return p;
    }
    /// A connection that begins offers no more than `rcv_first`.
    constexpr void narrow(slot<Policies>& s, time_point now) const noexcept {
        if (config_.rcv_first != 0) s.stream.set_receive_buffer(config_.rcv_first, now);
    }
    [[nodiscard]] constexpr bool is_ours(const ip_address& address) const noexcept {
        return config_.is_local == nullptr || config_.is_local(config_.context, address);
    }
    /// A peer may have it (MUST-46, MUST-63).
    [[nodiscard]] static constexpr bool is_peer(const ip_address& address) noexcept {
        return address.is_unicast() && !address.is_mapped();
    }
    /// A reset is owed outside of any connection. False if too many are.
    constexpr bool owe_reset(const four_tuple& between, const segment& to) noexcept {
        if (resets_.full()) return false;
        resets_.push({between, reset_for(to), {}});
        return true;
    }
    /// The connection ends with a reset, and nobody knows it any more.
    constexpr void dismiss(std::uint32_t i, time_point now) noexcept {
        auto& s = roster_[i];
        roster_.leave_backlog(i);
        roster_.let_go(i);
        if (s.undecided) {
            const auto& t = s.stream.tcp().numbers();
            segment syn{.seq = t.rcv.irs, .ctl = ctl::syn};
            syn.options.has_timestamps = t.ts.on;
            syn.options.ts_val = t.ts.recent;
            owe_reset(s.between, syn);
            roster_.vacate(i);
            return;
        }
        (void)s.stream.abort(now);
        roster_.touch(i, now);
    }
    /// The host is, to a segment of no connection, a TCP in LISTEN or in CLOSED.
    constexpr verdict take_unmatched(const four_tuple& between, const parsed& seg, time_point now) noexcept {
        const std::uint32_t place = matching(between.local);
        const bool listens = place != nobody;
        const event e = listens ? judge_listen(seg.segment) : judge_closed(seg.segment);
        const cell c = machine_type::table.at(listens ? state::listen : state::closed, e);
        if (c.doing().contains(action::take_syn)) return {.fate = admit(place, between, seg, now)};
        if (!c.doing().contains(action::snd_rst)) return {.fate = fate::stray};
        return {.fate = owe_reset(between, seg.segment) ? fate::answered_with_reset : fate::resets_full};
    }
    constexpr fate admit(std::uint32_t place, const four_tuple& between, const parsed& seg, time_point now) noexcept {
        if (!has_room(place)) return fate::backlog_full;
        const std::uint32_t i = roster_.seat(between);
        if (i == nobody) return fate::no_slot;
        auto& s = roster_[i];
        // The listening connection, as it is for this peer (3.4.1), takes the SYN.
        (void)s.stream.open_passive(filled(roster_.listeners()[place].options.settings, between, now), now);
        narrow(s, now);
        if constexpr (Policies::fast_open) {
            if (roster_.may_open_early(place, now)) s.stream.grant_fast_open(granted(between));
        }
        const arrival got = s.stream.handle_segment(seg.segment, seg.text, now);
        begin(i, place);
        if (s.stream.tcp().numbers().early()) roster_.join_early(i);
        roster_.touch(i, now);
        if (got.in_order != 0) roster_.tell(i, news::readable);
        return fate::opening;
    }
    [[nodiscard]] constexpr fast_open_grant granted(const four_tuple& between) const noexcept {
        if (config_.cookie_maker != nullptr) return config_.cookie_maker(config_.context, between);
        return cookies_.grant(between.local.address, between.remote.address);
    }
    /// A connection in SYN-RECEIVED is now the listener's.
    constexpr void begin(std::uint32_t i, std::uint32_t place) noexcept {
        const listener& l = roster_.listeners()[place];
        auto& s = roster_[i];
        s.ip = l.options.ip;
        s.ended = s.told_end = false;
        roster_.join_backlog(i, {place, l.generation});
        if (!l.options.deferred) return;
        s.undecided = true;
        roster_.offer(i, news::incoming);
    }
    [[nodiscard]] constexpr bool has_room(std::uint32_t place) noexcept {
        const listener& l = roster_.listeners()[place];
        return l.waiting < std::max<std::uint32_t>(l.options.backlog, 1);
    }
    /// The listener that fits best, or `nobody`.
    [[nodiscard]] constexpr std::uint32_t matching(const endpoint& local) noexcept {
        const auto all = roster_.listeners();
        unsigned most = 0;
        std::uint32_t best = nobody;
        for (std::uint32_t i = 0; i < all.size(); ++i) {
            const unsigned fit = all[i].fits(local);
            if (fit <= most) continue;
            most = fit;
            best = i;
        }
        return best;
    }

    host_config config_;
    isn_generator initial_;
    [[no_unique_address]] present_if<Policies::fast_open, cookie_keys, 4> cookies_{};
    roster_type roster_;
    outbox<most_resets> resets_{};
};

}  // namespace tcpfsm
