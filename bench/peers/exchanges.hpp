// SPDX-License-Identifier: MIT
// exchanges.hpp: what two ends of tcpfsm do with each other while they are measured.
#pragma once

#include "row.hpp"

#include <tcpfsm/connection.hpp>
#include <tcpfsm/ip.hpp>
#include <tcpfsm/stream.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bench::ours {

using namespace tcpfsm;
using octets = std::vector<std::uint8_t>;

/// Nothing but RFC 9293 with the congestion control that it demands.
struct lean : policies {
    static constexpr bool timestamps = false;
    static constexpr bool sack = false;
    static constexpr bool dsack = false;
    static constexpr std::size_t sent_ranges = 0;
    static constexpr bool rack_tlp = false;
    static constexpr bool undo = false;
    static constexpr ecn_mode ecn = ecn_mode::off;
    static constexpr mtu_discovery path_mtu = mtu_discovery::off;
};

inline constexpr four_tuple forward{{ipv4(10, 0, 0, 1), 40000}, {ipv4(10, 0, 0, 2), 9293}};
inline constexpr four_tuple backward = forward.reversed();
inline constexpr std::uint64_t piece = 32 * buffer_size;

/// How text gets from one end to the other.
struct carriage {
    bool copied = true;      ///< in a packet; else the octets stay where they are, and only headers are written
    bool summed = true;      ///< with checksums
    std::uint32_t most = 0;  ///< octets of text that the link takes at once; it cuts them, or puts them together
};

/// Two streams with memory of their own.
template <class Policies>
struct two_ends {
    using stream = span_stream<Policies>;
    std::array<octets, 4> rings;
    octets packet = octets(65600);
    stream a, b;
    time_point now{std::chrono::seconds{1}};
    std::uint32_t iss = 1;

    two_ends() { rings.fill(octets(buffer_size)); }

    /// Both begin anew; the SYN is not yet on its way.
    void renew() {
        a = stream{span_buffers{rings[0], rings[1]}};
        b = stream{span_buffers{rings[2], rings[3]}};
        iss += 1'000'000;
        parameters p{.iss = seq{iss}};
        (void)b.open_passive(p, now);
        p.iss = seq{iss + 500'000};
        (void)a.open_active(p, now);
    }
    /// One segment, if there is one that is owed.
    bool pass(const carriage& by, stream& from, stream& to, const four_tuple& between) {
        const auto out = from.poll_transmit(now, by.most);
        if (!out) return false;
        const ip_address& source = between.local.address;
        const ip_address& destination = between.remote.address;
        const auto mode = by.summed ? checksum_mode::defer : checksum_mode::trust;
        const auto made_by = by.summed ? checksum_by::writer : checksum_by::none;
        if (by.copied) {
            const std::size_t size = write_packet(packet, between, out->segment, out->first, out->second, {}, made_by);
            const tcpfsm::packet p = parse_packet(std::span{packet}.first(size));
            const parsed seg = parse_tcp(p.payload, p.source, p.destination, mode);
            if (seg) hear(by, to, seg, {seg.text, {}});
            return true;
        }
        const pieces<const std::uint8_t> text{out->first, out->second};
        const auto room = std::span{packet}.subspan(ip_header_size(source));
        const partial_sum sum = by.summed ? sum_of(text) : partial_sum{};
        const std::size_t header = write_tcp_header(room, between, out->segment, sum, made_by);
        write_ip_header(packet, source, destination, tcp_protocol, header + text.size());
        const parsed seg = parse_tcp(room.first(header), source, destination, mode, text.size());
        if (seg) hear(by, to, seg, text);
        return true;
    }
    void hear(const carriage& by, stream& to, const parsed& seg, pieces<const std::uint8_t> text) {
        if (by.summed) {
            (void)to.handle_unverified(seg.segment, seg.rest, text, now);
        } else {
            to.handle_segment(seg.segment, text.first, text.second, now);
        }
    }
    bool there(const carriage& by) { return pass(by, a, b, forward); }
    bool back(const carriage& by) { return pass(by, b, a, backward); }
    /// All that is owed; each arrival is answered before the next, as it comes from an interface.
    void settle(const carriage& by) {
        for (bool more = true; more;) {
            more = false;
            while (there(by)) {
                more = true;
                while (back(by)) {
                }
            }
            while (back(by)) more = true;
        }
    }
    void pass_time() {
        now += std::chrono::milliseconds{50};
        a.handle_timeout(now);
        b.handle_timeout(now);
    }
};

/// Text in one direction, without end.
template <class Policies>
struct bulk {
    two_ends<Policies> ends;
    carriage by;
    bool lent = false;  ///< the user writes into the ring and reads from it
    octets source = some_text(buffer_size);
    octets sink = octets(buffer_size);
    std::uint64_t sent = 0;
    std::uint64_t received = 0;

    bulk(const carriage& how, bool in_place) : by{how}, lent{in_place} {
        ends.renew();
        ends.settle(by);
    }
    void send(bool look) {
        const std::size_t at = sent % buffer_size;
        if (!lent) {
            sent += ends.a.send(std::span{source}.subspan(at), ends.now).octets;
            return;
        }
        const auto room = ends.a.reserve();
        if (look) {
            for (std::size_t i = 0; i < room.size(); ++i) room[i] = source[(at + i) % buffer_size];
        }
        sent += ends.a.commit(room.size(), ends.now).octets;
    }
    bool receive(bool look) {
        const std::size_t at = received % buffer_size;
        std::span<const std::uint8_t> got = ends.b.peek();
        if (!lent) {
            const auto to = std::span{sink}.subspan(at);
            got = to.first(ends.b.receive(to, ends.now).octets);
        }
        bool sound = true;
        for (std::size_t i = 0; look && i < got.size(); ++i) sound = sound && got[i] == source[(at + i) % buffer_size];
        if (lent) (void)ends.b.consume(got.size(), ends.now);
        received += got.size();
        return sound;
    }
    std::uint64_t operator()(bool look) {
        const std::uint64_t begin = received;
        bool sound = true;
        while (received - begin < piece) {
            const std::uint64_t before = received;
            send(look);
            while (ends.there(by)) {
                while (ends.back(by)) {
                }
            }
            while (ends.b.readable() != 0) sound = receive(look) && sound;
            while (ends.back(by)) {
            }
            ends.now += std::chrono::microseconds{10};
            if (received == before) ends.pass_time();
        }
        return sound ? received - begin : 0;
    }
};

/// Text in one direction between two connections, without octets; counts segments with text.
template <class Policies>
struct numbers {
    basic_connection<Policies> a, b;
    time_point now{std::chrono::seconds{1}};
    unsigned batch = 1;  ///< so many segments arrive before the reader is asked for an ACK

    explicit numbers(unsigned segments) : batch{segments} {
        (void)b.open_passive({.iss = seq{1}, .rcv_buff = buffer_size, .snd_buff = buffer_size}, now);
        (void)a.open_active({.iss = seq{1}, .rcv_buff = buffer_size, .snd_buff = buffer_size}, now);
        for (unsigned i = 0; i < 3; ++i) {
            while (const auto out = a.poll_transmit(now)) b.handle_segment(out->segment, now);
            answer();
        }
    }
    void answer() {
        while (const auto out = b.poll_transmit(now)) a.handle_segment(out->segment, now);
    }
    std::uint64_t operator()(bool look) {
        std::uint64_t segments = 0;
        std::uint64_t in_order = 0;
        std::uint64_t text = 0;
        while (segments < 2000) {
            const std::uint64_t before = segments;
            (void)a.send(a.writable(), now);
            while (const auto out = a.poll_transmit(now)) {
                in_order += b.handle_segment(out->segment, now).in_order;
                text += out->segment.text;
                if (++segments % batch == 0) answer();
            }
            (void)b.receive(b.readable(), now);
            answer();
            now += std::chrono::microseconds{10};
            if (segments != before) continue;
            now += std::chrono::milliseconds{50};
            a.handle_timeout(now);
            b.handle_timeout(now);
        }
        return look && in_order != text ? 0 : segments;
    }
};

/// A request there, the same octets back.
template <class Policies>
struct request_response {
    two_ends<Policies> ends;
    carriage by;
    octets source = some_text(request_size);
    octets sink = octets(request_size);

    request_response() {
        ends.renew();
        ends.settle(by);
    }
    bool exchange() {
        std::array<std::uint8_t, request_size> heard{};
        (void)ends.a.send(source, ends.now);
        while (ends.there(by)) {
        }
        const std::size_t asked = ends.b.receive(heard, ends.now).octets;
        (void)ends.b.send(std::span{heard}.first(asked), ends.now);
        while (ends.back(by)) {
        }
        const std::size_t answered = ends.a.receive(sink, ends.now).octets;
        ends.now += std::chrono::microseconds{1};
        return answered == request_size;
    }
    std::uint64_t operator()(bool look) {
        constexpr unsigned times = 2000;
        bool sound = true;
        for (unsigned i = 0; i < times; ++i) {
            if (look) std::fill(sink.begin(), sink.end(), std::uint8_t{0});
            sound = exchange() && sound;
            if (look) sound = sound && sink == source;
        }
        return look && !sound ? 0 : times;
    }
};

/// A connection for one request and one response, from the SYN to CLOSED and TIME-WAIT.
template <class Policies>
struct open_to_close : request_response<Policies> {
    using request_response<Policies>::ends;
    using request_response<Policies>::by;

    std::uint64_t operator()(bool look) {
        constexpr unsigned times = 500;
        bool sound = true;
        for (unsigned i = 0; i < times; ++i) {
            if (look) std::fill(this->sink.begin(), this->sink.end(), std::uint8_t{0});
            ends.renew();
            ends.settle(by);
            const bool answered = this->exchange();
            (void)ends.a.close(ends.now);
            while (ends.there(by)) {
            }
            (void)ends.b.close(ends.now);
            ends.settle(by);
            sound = sound && answered && ends.a.in(state::time_wait) && ends.b.in(state::closed);
            if (look) sound = sound && this->sink == this->source;
        }
        return sound ? times : 0;
    }
};

}  // namespace bench::ours
