// SPDX-License-Identifier: MIT
// far_hosts.hpp: two hosts of any policies, and a link between them that takes time.
#pragma once

#include <support/hosts.hpp>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

namespace tcpfsm::testing {

[[nodiscard]] inline hash_key key_of(std::uint8_t octet) {
    hash_key key{};
    key.fill(octet);
    return key;
}

/// `Storage` is the memory of each, a `host_storage` for these policies.
template <class Policies, class Storage>
struct far_hosts {
    using storage = Storage;
    using host_type = basic_host<Policies>;
    struct flying {
        time_point arrives;
        octet_string octets;
        bool to_server;
    };

    std::unique_ptr<Storage> memory_a = std::make_unique<Storage>();
    std::unique_ptr<Storage> memory_b = std::make_unique<Storage>();
    host_type client{Storage::config(key_of(1)), memory_a->memory()};
    host_type server;
    duration away;
    std::deque<flying> link{};
    time_point now{std::chrono::seconds{1000}};
    /// Looks at each packet that leaves; false: the link swallows it.
    std::function<bool(const segment&, bool to_server)> carries = [](const segment&, bool) { return true; };

    far_hosts(const host_config& of_server, duration one_way) : server{of_server, memory_b->memory()}, away{one_way} {}

    void send_all() {
        poll(client, true);
        poll(server, false);
    }
    /// Until the next thing happens, but no further than `until`.
    bool step(time_point until) {
        send_all();
        time_point next = std::min(client.poll_timeout(), server.poll_timeout());
        if (!link.empty()) next = std::min(next, link.front().arrives);
        if (next > until) return false;
        now = std::max(now, next);
        client.handle_timeout(now);
        server.handle_timeout(now);
        while (!link.empty() && link.front().arrives <= now) {
            const flying p = link.front();
            link.pop_front();
            (p.to_server ? server : client).handle_packet(p.octets, now);
        }
        return true;
    }
    void wait(duration d) {
        const time_point until = now + d;
        while (step(until)) {
        }
        now = until;
    }

private:
    void poll(host_type& from, bool to_server) {
        for (;;) {
            octet_string out(from.config().mtu);
            out.resize(from.poll_packet(out, now));
            if (out.empty()) return;
            if (carries(read_packet(out).seg, to_server)) link.push_back({now + away, out, to_server});
        }
    }
};

}  // namespace tcpfsm::testing
