// SPDX-License-Identifier: MIT
// link_side.hpp: the side of a host that faces the link: packets and time in, packets out.
#pragma once

#include <tcpfsm/host/admission.hpp>
#include <tcpfsm/host/verdict.hpp>
#include <tcpfsm/icmp.hpp>
#include <tcpfsm/ip.hpp>

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
class basic_link_side : public basic_admission<Policies> {
public:
    /// Answers in TIME-WAIT that may wait to be polled; segments that ask for more are dropped.
    static constexpr std::size_t most_answers = 16;
    /// Connections that one `handle_timeout` looks at.
    static constexpr unsigned most_looks = 1024;
    /// Packets of a batch that are read before the first is given to its connection.
    static constexpr std::size_t most_ahead = 16;
    using basic_admission<Policies>::basic_admission;

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
        if (!resets_.empty()) return write_lone(out, resets_);
        if (!answers_.empty()) return write_lone(out, answers_);
        for (std::uint32_t i = roster_.owing(); i != nobody; i = roster_.owing()) {
            auto& s = roster_[i];
            roster_.expect_after(i);
            if (const auto seg = s.stream.poll_transmit(now)) {
                roster_.to_the_end(i);  // the connections take turns
                const std::size_t size =
                    write_packet(out, s.between, seg->segment, seg->first, seg->second, fields_of(s.ip));
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
    /// expires before that, if everything that is owed has been polled. It may be too early: a deadline that has moved
    /// on is noticed when the old one comes.
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
        roster_.end_retired(now, steps);
    }

    // --- Questions ---------------------------------------------------------------------------------

    /// How many packets have ended so.
    [[nodiscard]] constexpr std::uint64_t count(fate f) const noexcept { return fates_[static_cast<std::size_t>(f)]; }
    /// What became of the last packet.
    [[nodiscard]] constexpr const verdict& last() const noexcept { return last_; }
    /// Slots in use, by connections in TIME-WAIT as well if they have one, and all slots.
    [[nodiscard]] constexpr std::size_t used() const noexcept { return roster_.used(); }
    /// Connections in TIME-WAIT that are kept without a slot.
    [[nodiscard]] constexpr std::size_t lingering() const noexcept { return roster_.retired().size(); }
    [[nodiscard]] constexpr std::size_t capacity() const noexcept { return roster_.capacity(); }
    [[nodiscard]] constexpr const host_config& config() const noexcept { return config_; }

protected:
    using admission = basic_admission<Policies>;
    using roster_type = typename admission::roster_type;
    using admission::begin;
    using admission::config_;
    using admission::filled;
    using admission::has_room;
    using admission::is_ours;
    using admission::is_peer;
    using admission::matching;
    using admission::narrow;
    using admission::resets_;
    using admission::roster_;
    using admission::take_unmatched;

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
        if (i == nobody) return take_unmatched(got.between, got.seg, now);
        return i < roster_.capacity() ? deliver(i, got.seg, now) : deliver_retired(i, got, now);
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
        // Of a connection without a slot nothing is in flight that it could be about.
        if (i == nobody || i >= roster_.capacity()) return {.fate = fate::stray_report};
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
    /// To a connection in TIME-WAIT that has no slot any more: it is one again while it judges and answers.
    constexpr verdict deliver_retired(std::uint32_t i, const arrived& from, time_point now) noexcept {
        const std::uint32_t k = roster_.retired(i);
        const segment& seg = from.seg.segment;
        const lingering_numbers numbers = roster_.retired().numbers(k, now);
        span_stream<Policies> s;
        s.resume(numbers, filled({}, from.between, now));
        if (s.would_reopen(seg)) return reopen_retired(k, from, numbers, now);
        if (answers_.full()) return {.fate = fate::resets_full};
        const arrival got = s.handle_segment(seg, {}, now);
        if (const auto out = s.poll_transmit(now))
            answers_.push_or_replace({from.between, out->segment, roster_.retired().ip(k)});
        if (s.in(state::closed)) {
            roster_.forget_retired(k);
        } else {
            if (const auto left = s.tcp().lingering()) roster_.change_retired(k, *left);
        }
        return {.fate = got.dropped ? fate::discarded : fate::delivered, .arrival = got};
    }
    /// The same, and its segment is a SYN that begins anew: it needs a slot.
    constexpr verdict reopen_retired(std::uint32_t k, const arrived& from, const lingering_numbers& numbers,
                                     time_point now) noexcept {
        const std::uint32_t place = matching(from.between.local);
        if (place == nobody) return {.fate = fate::lingering};
        if (!has_room(place)) return {.fate = fate::backlog_full};
        if (!roster_.has_seat()) return {.fate = fate::no_slot};
        roster_.forget_retired(k);
        const std::uint32_t i = roster_.seat(from.between);
        if (i == nobody) return {.fate = fate::no_slot};
        auto& s = roster_[i];
        s.stream.resume(numbers, filled(roster_.listeners()[place].options.settings, from.between, now));
        narrow(s, now);
        const arrival got = s.stream.handle_segment(from.seg.segment, from.seg.text, now);
        begin(i, place);
        roster_.touch(i, now);
        return {.fate = fate::delivered, .arrival = got};
    }
    template <std::size_t Most>
    constexpr std::size_t write_lone(std::span<std::uint8_t> out, outbox<Most>& from) noexcept {
        const lone_segment& s = from.front();
        const std::size_t size = write_packet(out, s.between, s.seg, {}, {}, fields_of(s.ip));
        from.pop();
        return size;
    }
    [[nodiscard]] static constexpr ip_fields fields_of(const ip_settings& ip) noexcept {
        return {static_cast<std::uint8_t>(ip.dscp << 2U), ip.hop_limit, 0};
    }

    outbox<most_answers> answers_{};
    std::array<std::uint64_t, fate_count> fates_{};
    verdict last_{};
};

}  // namespace tcpfsm
