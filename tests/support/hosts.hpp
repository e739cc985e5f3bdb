// SPDX-License-Identifier: MIT
// hosts.hpp: hosts with memory of exactly the right size, and a cable of octets between two of them.
#pragma once

#include <tcpfsm/address_text.hpp>
#include <tcpfsm/host.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Memory is in vectors of their own, so that a sanitizer sees every octet too many.

namespace tcpfsm::testing {

using octet_string = std::vector<std::uint8_t>;

[[nodiscard]] inline octet_string octets_of(std::string_view text) { return {text.begin(), text.end()}; }

/// Short TIME-WAIT, so that tests see its end.
struct brief : policies {
    static constexpr duration msl = std::chrono::seconds{5};
};

/// Sizes of a host.
struct room {
    std::size_t connections = 8;
    std::uint32_t snd = 4096;
    std::uint32_t rcv = 4096;
    std::size_t listeners = 4;
    std::size_t lingering = 0;
};

/// A host and its memory, and all that was told.
class box {
public:
    using host_type = basic_host<brief>;

    explicit box(std::uint8_t key, room r = {}, host_config config = {})
        : slots_(r.connections),
          deadlines_(r.connections),
          cells_(2 * (r.connections + r.lingering)),
          octets_(r.connections * (std::size_t{r.snd} + r.rcv)),
          listeners_(r.listeners),
          lingering_(r.lingering),
          host{with(config, key, r), {slots_, deadlines_, cells_, octets_, listeners_, lingering_}} {}

private:
    static host_config with(host_config c, std::uint8_t key, room r) {
        c.secret.fill(key);
        c.snd_buff = r.snd;
        c.rcv_buff = r.rcv;
        return c;
    }
    std::vector<slot<brief>> slots_;
    std::vector<deadline_cell> deadlines_;
    std::vector<demultiplexer_cell> cells_;
    octet_string octets_;
    std::vector<listener> listeners_;
    std::vector<time_wait_cell> lingering_;

public:
    host_type host;

    /// The next packet, empty if none is owed.
    octet_string packet(time_point now) {
        octet_string out(host.config().mtu);
        out.resize(host.poll_packet(out, now));
        return out;
    }
    /// All packets that are owed.
    std::vector<octet_string> packets(time_point now) {
        std::vector<octet_string> out;
        for (octet_string p = packet(now); !p.empty(); p = packet(now)) out.push_back(p);
        return out;
    }
    /// The next news; `what` is as told, or nothing.
    std::optional<host_event> told() { return host.poll_event(); }
    /// All news, dropped.
    void hear_nothing() {
        while (host.poll_event()) {
        }
    }
    /// The next news, which must be this.
    handle told(news what) {
        const auto e = host.poll_event();
        if (!e || e->what != what) return {};
        return e->of;
    }
    std::string read(handle h, time_point now) {
        std::string out;
        for (octet_string gulp(7);;) {
            const std::size_t n = host.receive(h, gulp, now).octets;
            if (n == 0) return out;
            out.append(gulp.begin(), gulp.begin() + static_cast<std::ptrdiff_t>(n));
        }
    }
};

/// A packet written by hand: what a stranger sends.
[[nodiscard]] inline octet_string packet_of(const four_tuple& between, const segment& seg, std::string_view text = {}) {
    octet_string out(2000);
    const octet_string body = octets_of(text);
    segment whole = seg;
    whole.text = static_cast<std::uint32_t>(body.size());
    out.resize(write_packet(out, between, whole, body));
    return out;
}
/// A packet, read.
struct seen {
    segment seg{};
    four_tuple between{};
    ip_fields ip{};
    octet_string text{};
};
[[nodiscard]] inline seen read_packet(const octet_string& octets) {
    const packet p = parse_packet(octets);
    parsed t = parse_tcp(p.payload, p.source, p.destination);
    t.segment.ecn = p.fields.ecn();
    return {t.segment,
            {{p.source, t.source_port}, {p.destination, t.destination_port}},
            p.fields,
            {t.text.begin(), t.text.end()}};
}

/// Two hosts and a cable that loses nothing.
struct cable {
    box a;
    box b;
    time_point now{std::chrono::seconds{1000}};

    void run() {
        for (bool more = true; more;) {
            more = false;
            for (const auto& p : a.packets(now)) b.host.handle_packet(p, now), more = true;
            for (const auto& p : b.packets(now)) a.host.handle_packet(p, now), more = true;
        }
    }
    void wait(duration d) {
        const time_point until = now + d;
        run();
        for (;;) {
            const time_point next = std::min(a.host.poll_timeout(), b.host.poll_timeout());
            if (next > until) break;
            now = std::max(now, next);
            a.host.handle_timeout(now);
            b.host.handle_timeout(now);
            run();
        }
        now = until;
    }
};

}  // namespace tcpfsm::testing
