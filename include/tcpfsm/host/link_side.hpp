// SPDX-License-Identifier: MIT
// link_side.hpp: the side of a host that faces the link: packets and time in, packets out.
#pragma once

#include <tcpfsm/cookies.hpp>
#include <tcpfsm/host/roster.hpp>
#include <tcpfsm/host/verdict.hpp>
#include <tcpfsm/icmp.hpp>
#include <tcpfsm/ip.hpp>
#include <tcpfsm/isn.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

// RFC 9293 section 3.9.2: what comes from IP is checked, given to its connection, or answered as CLOSED and
// LISTEN answer (3.10.7.1, 3.10.7.2). What a segment asks for there is the table's to say.

namespace tcpfsm {

/// Half of `basic_host`.
template <class Policies>
class basic_link_side {
public:
    /// Resets to segments of no connection that may wait to be polled; what comes beyond is dropped.
    static constexpr std::size_t most_resets = 16;
    /// Connections that one `handle_timeout` looks at.
    static constexpr unsigned most_looks = 1024;
    /// Packets of a batch that are read before the first is given to its connection.
    static constexpr std::size_t most_ahead = 16;
    /// The least MTU: the largest headers and the least MSS that the connection goes down to.
    static constexpr std::uint16_t least_mtu = ipv6_header_size + tcp_header_size + Policies::mss_floor;

    constexpr basic_link_side(const host_config& config, const basic_host_memory<Policies>& memory) noexcept
        : config_{config}, initial_{config.secret}, roster_{config, memory} {
        if constexpr (Policies::fast_open) cookies_ = cookie_keys{config.secret};
        config_.mtu = std::max(config_.mtu, least_mtu);
    }
    basic_link_side(const basic_link_side&) = delete;
    basic_link_side& operator=(const basic_link_side&) = delete;

    /// A packet arrived: IPv4 or IPv6, header first. Answers what became of it; `describe` makes that a sentence.
    constexpr verdict handle_packet(std::span<const std::uint8_t> octets, time_point now) noexcept {
        return settle(take(read(octets), now));
    }
    /// Packets that arrived together, oldest first: the same as one `handle_packet` after the other, but what is known
    /// of their connections is fetched while others are read. Among many connections that is faster. Who polls after
    /// the batch sends one ACK a connection, however many segments came.
    constexpr void handle_batch(std::span<const std::span<const std::uint8_t>> packets, time_point now) noexcept {
        std::array<arrived, most_ahead> ahead{};
        while (!packets.empty()) {
            const std::size_t n = std::min(packets.size(), most_ahead);
            for (std::size_t i = 0; i < n; ++i) {
                ahead[i] = read(packets[i]);
                if (ahead[i].for_connection()) roster_.expect(ahead[i].hash);
            }
            for (std::size_t i = 0; i < n; ++i) {
                if (ahead[i].for_connection()) roster_.approach(ahead[i].hash);
            }
            for (std::size_t i = 0; i < n; ++i) settle(take(ahead[i], now));
            packets = packets.subspan(n);
        }
    }
    /// The next packets that are owed, each into a place of `out`, which becomes as short as the packet. Answers how
    /// many there are; if all places are used there may be more. Each place must be at least as long as the MTU.
    constexpr std::size_t poll_batch(std::span<std::span<std::uint8_t>> out, time_point now) noexcept {
        std::size_t n = 0;
        for (; n < out.size(); ++n) {
            const std::size_t size = poll_packet(out[n], now);
            if (size == 0) break;
            out[n] = out[n].first(size);
        }
        return n;
    }
    /// Writes the next packet that is owed to the front of `out`, and answers its size; 0 if none is owed, or if
    /// `out` is shorter than the MTU (then nothing is lost).
    constexpr std::size_t poll_packet(std::span<std::uint8_t> out, time_point now) noexcept {
        if (out.size() < config_.mtu) return 0;
        if (resets_waiting_ != 0) return write_reset(out);
        for (std::uint32_t i = roster_.owing(); i != nobody; i = roster_.owing()) {
            auto& s = roster_[i];
            roster_.expect_after(i);
            if (const auto seg = s.stream.poll_transmit(now)) {
                roster_.to_the_end(i);  // the connections take turns
                roster_.schedule(i);
                const ip_fields ip{static_cast<std::uint8_t>(s.ip.dscp << 2U), s.ip.hop_limit, 0};
                const std::size_t size = write_packet(out, s.between, seg->segment, seg->first, seg->second, ip);
                if (size != 0) return size;
            } else {
                roster_.owes_nothing(i);
                roster_.schedule(i);
                roster_.tidy(i);
            }
        }
        return 0;
    }
    /// When `handle_timeout` is to be called next; `never` if there is nothing to wait for. No timer of a connection
    /// expires before that. It may be too early: a deadline that has moved on is noticed when the old one comes.
    [[nodiscard]] constexpr time_point poll_timeout() const noexcept { return roster_.first_deadline(); }
    /// Time has passed. Serves the connections whose deadlines have come, but looks at no more than `most_looks`: if
    /// there are others, `poll_timeout` does not lie ahead of now.
    constexpr void handle_timeout(time_point now) noexcept {
        unsigned steps = most_looks;
        for (std::uint32_t i = roster_.take_due(now, steps); i != nobody; i = roster_.take_due(now, steps)) {
            auto& s = roster_[i];
            if (s.give_up <= now) (void)s.stream.abort(now);
            s.stream.handle_timeout(now);
            roster_.touch(i, now);
            roster_.schedule_after(i, now);
        }
    }

    // --- Questions ---------------------------------------------------------------------------------

    /// How many packets have ended so.
    [[nodiscard]] constexpr std::uint64_t count(fate f) const noexcept { return fates_[static_cast<std::size_t>(f)]; }
    /// What became of the last packet.
    [[nodiscard]] constexpr const verdict& last() const noexcept { return last_; }
    /// Slots in use, those in TIME-WAIT included, and all slots.
    [[nodiscard]] constexpr std::size_t used() const noexcept { return roster_.used(); }
    [[nodiscard]] constexpr std::size_t capacity() const noexcept { return roster_.capacity(); }
    [[nodiscard]] constexpr const host_config& config() const noexcept { return config_; }

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
        if (resets_waiting_ == most_resets) return false;
        resets_[(first_reset_ + resets_waiting_++) % most_resets] = {between, reset_for(to)};
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

    host_config config_;
    isn_generator initial_;
    [[no_unique_address]] present_if<Policies::fast_open, cookie_keys, 4> cookies_{};
    roster_type roster_;

private:
    /// A packet, read.
    struct arrived {
        packet ip{};
        parsed seg{};
        four_tuple between{};
        std::uint64_t hash = 0;
        verdict refused{.fate = fate::opening};  ///< what became of it, if it goes no further

        [[nodiscard]] constexpr bool goes_on() const noexcept { return refused.fate == fate::opening; }
        [[nodiscard]] constexpr bool for_connection() const noexcept {
            return goes_on() && ip.protocol == tcp_protocol;
        }
    };
    [[nodiscard]] constexpr arrived read(std::span<const std::uint8_t> octets) const noexcept {
        arrived got;
        got.refused = read_into(got, octets);
        return got;
    }
    [[nodiscard]] constexpr verdict read_into(arrived& got, std::span<const std::uint8_t> octets) const noexcept {
        const packet& p = got.ip = parse_packet(octets);
        if (!p) return {.fate = fate::bad_packet, .ip_error = p.error};
        if (!p.destination.is_unicast()) return {.fate = fate::bad_destination};
        if (!is_ours(p.destination)) return {.fate = fate::not_for_us};
        if (!is_peer(p.source)) return {.fate = fate::bad_source};
        if (p.protocol != tcp_protocol) return got.refused;
        parsed& seg = got.seg = parse_tcp(p.payload, p.source, p.destination, config_.checksum);
        seg.segment.ecn = p.fields.ecn();
        if (!seg) return {.fate = fate::bad_segment, .wire_error = seg.error};
        got.between = {{p.destination, seg.destination_port}, {p.source, seg.source_port}};
        if (got.between.local == got.between.remote) return {.fate = fate::bad_source};
        got.hash = roster_.hash_of(got.between);
        return got.refused;
    }
    constexpr verdict take(const arrived& got, time_point now) noexcept {
        if (!got.goes_on()) return got.refused;
        if (!got.for_connection()) return take_icmp(got.ip, now);
        const std::uint32_t i = roster_.find(got.between, got.hash);
        return i == nobody ? take_unmatched(got.between, got.seg, now) : deliver(i, got.seg, now);
    }
    /// Counts, and remembers the last.
    constexpr const verdict& settle(const verdict& v) noexcept {
        ++fates_[static_cast<std::size_t>(v.fate)];
        return last_ = v;
    }
    constexpr verdict take_icmp(const packet& p, time_point now) noexcept {
        const icmp_report got = parse_icmp_error(p);
        if (got.kind == icmp_kind::none) return {.fate = fate::not_tcp};
        const std::uint32_t i = roster_.find(got.between);
        if (i == nobody) return {.fate = fate::stray_report};
        if (got.kind == icmp_kind::packet_too_big) return take_too_big(i, got, now);
        constexpr auto translated = [](icmp_kind kind) {
            if (kind == icmp_kind::hard) return icmp_error::hard;
            return kind == icmp_kind::soft ? icmp_error::soft : icmp_error::source_quench;
        };
        roster_[i].stream.handle_icmp(translated(got.kind), got.sequence, now);
        roster_.ended_by_peer(i, now);
        roster_.touch(i, now);
        return {.fate = fate::reported};
    }
    constexpr verdict take_too_big(std::uint32_t i, const icmp_report& got, time_point now) noexcept {
        const too_big found = roster_[i].stream.handle_packet_too_big(got.mtu, got.sequence, got.quoted_length, now);
        roster_.touch(i, now);
        const bool heard = found == too_big::followed || found == too_big::probe_refused;
        const fate f = heard                        ? fate::path_narrowed
                       : found == too_big::deferred ? fate::too_big_waits
                                                    : fate::too_big_ignored;
        return {.fate = f, .too_big = found};
    }
    constexpr verdict deliver(std::uint32_t i, const parsed& seg, time_point now) noexcept {
        auto& s = roster_[i];
        const bool reopens = s.stream.would_reopen(seg.segment);
        const std::uint32_t place = reopens ? matching(s.between.local) : nobody;
        const bool somebody_s = s.known != roster_type::audience::none || s.stream.readable() != 0;
        if (reopens && (somebody_s || place == nobody)) return {.fate = fate::lingering};
        if (reopens && !has_room(place)) return {.fate = fate::backlog_full};
        const arrival got = s.stream.handle_segment(seg.segment, seg.text, now);
        if (reopens) begin(i, place);
        roster_.ended_by_peer(i, now);
        roster_.touch(i, now);  // the user may hear of the connection by this very segment
        if (got.in_order != 0) roster_.tell(i, news::readable);
        if (got.acked != 0 && s.send_stalled) {
            s.send_stalled = false;
            roster_.tell(i, news::writable);
        }
        return {.fate = got.dropped ? fate::discarded : fate::delivered, .arrival = got};
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
    constexpr std::size_t write_reset(std::span<std::uint8_t> out) noexcept {
        const lone_reset& r = resets_[first_reset_];
        first_reset_ = (first_reset_ + 1) % most_resets;
        --resets_waiting_;
        return write_packet(out, r.between, r.reset);
    }

    /// A reset that no connection owes.
    struct lone_reset {
        four_tuple between{};
        segment reset{};
    };
    std::array<lone_reset, most_resets> resets_{};
    std::size_t first_reset_ = 0;
    std::size_t resets_waiting_ = 0;
    std::array<std::uint64_t, fate_count> fates_{};
    verdict last_{};
};

}  // namespace tcpfsm
