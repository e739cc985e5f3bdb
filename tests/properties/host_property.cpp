// SPDX-License-Identifier: MIT
// host_property.cpp: two hosts, a wire that does what it likes, and texts that arrive all the same.

#include "support/catch.hpp"
#include "support/hosts.hpp"

#include <array>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <tuple>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::literals;
using namespace tcpfsm::testing;

const std::array servers{endpoint{"192.0.2.1"_ip, 80}, endpoint{"2001:db8::1"_ip, 80}};
const std::array clients{"198.51.100.7"_ip, "2001:db8::7"_ip};

/// How often in 256 the wire does what to a packet.
struct weather {
    unsigned loses = 0;
    unsigned doubles = 0;
    unsigned delays = 0;
    unsigned bends = 0;
};
struct flight {
    time_point lands{};
    std::uint64_t order = 0;
    bool to_server = false;
    octet_string octets{};
    friend bool operator<(const flight& a, const flight& b) {
        return std::tie(a.lands, a.order) < std::tie(b.lands, b.order);
    }
};

/// What one side of a connection has to say, and has heard.
struct talk {
    octet_string says{};
    std::size_t said = 0;
    octet_string heard{};
    bool peer_closed = false;
    bool ended = false;
    news end = news::closed;
};

class world {
public:
    world(std::uint64_t seed, weather w, std::size_t connections, room r)
        : random_{seed}, weather_{w}, many_{connections}, least_{std::min(r.snd, r.rcv)} {
        r.connections = connections;
        boxes_.emplace_back(std::make_unique<box>(std::uint8_t{1}, r));
        r.connections = connections + 1;
        boxes_.emplace_back(std::make_unique<box>(std::uint8_t{2}, r));
        listener_options o;
        o.port = 80;
        o.backlog = 4;
        o.deferred = dice(128);
        o.settings = patient();
        RC_ASSERT(boxes_[1]->host.listen(o));
    }

    void run() {
        for (std::size_t i = 0; i < many_; ++i) begin(i);
        for (int step = 0; step < 200'000 && !over(); ++step) {
            for (const bool server : {false, true}) use(server);
            for (const bool server : {false, true}) fetch(server);
            advance();
        }
        RC_ASSERT(over());
    }
    void check() {
        RC_ASSERT(talks_[1].size() == many_);
        for (auto& [port, client] : talks_[0]) {
            RC_ASSERT(talks_[1].contains(port));
            talk& server = talks_[1][port];
            RC_ASSERT(client.end == news::closed);
            RC_ASSERT(server.end == news::closed);
            RC_ASSERT(client.heard == server.says);
            RC_ASSERT(server.heard == client.says);
        }
        for (auto& b : boxes_) {
            RC_ASSERT(b->host.used() == 0U);
            RC_ASSERT(b->host.poll_timeout() == never);
        }
        for (auto& [h, port] : names_[0]) RC_ASSERT(boxes_[0]->host.stream(h) == nullptr);
    }

private:
    /// Seven losses in a row, a minute apart, are bad luck and no reason to give up.
    static parameters patient() { return {.user_timeout = forever}; }
    bool dice(unsigned in_256) { return random_() % 256 < in_256; }
    octet_string some_text() {
        octet_string out(random_() % std::min<std::size_t>(dice(64) ? 50'000 : 5'000, 100 * least_));
        for (auto& o : out) o = static_cast<std::uint8_t>(random_());
        return out;
    }
    void begin(std::size_t i) {
        const auto got = boxes_[0]->host.connect(servers[i % 2], endpoint{clients[i % 2], 0}, now_, patient());
        RC_ASSERT(got.says == answer::ok);
        know(false, got.of);
    }
    /// A connection is known by the client's port and the family.
    void know(bool server, handle h) {
        const auto between = boxes_[server]->host.between(h);
        RC_ASSERT(between);
        const endpoint& client = server ? between->remote : between->local;
        const std::uint32_t port = client.port + (client.address.is_v6() ? 0x10000U : 0U);
        // An old duplicate of the SYN, late enough, begins a ghost of the connection (figure 8), which the user of
        // a deferred listener hears of. It ends by a reset of the peer's.
        if (!talks_[server].emplace(port, talk{.says = some_text()}).second) return;
        names_[server].emplace_back(h, port);
    }
    /// The program of a user: says all it has to say, hears all there is to hear, closes when it has said all.
    void use(bool server) {
        auto& host = boxes_[server]->host;
        while (const auto e = host.poll_event()) {
            if (e->what == news::incoming) (void)host.accept(e->of, now_);
            if (e->what == news::accepted || e->what == news::incoming) know(server, e->of);
            for (auto& [h, port] : names_[server]) {
                if (h != e->of || !is_end(e->what)) continue;
                talks_[server][port].ended = true;
                talks_[server][port].end = e->what;
            }
        }
        for (auto& [h, port] : names_[server]) act(host, h, talks_[server][port]);
    }
    void act(box::host_type& host, handle h, talk& t) {
        octet_string gulp(1 + random_() % 3000);
        if (!dice(40)) {
            gulp.resize(host.receive(h, gulp, now_).octets);
            t.heard.insert(t.heard.end(), gulp.begin(), gulp.end());
        }
        const auto* s = host.stream(h);
        if (s == nullptr || t.ended) return;
        const std::span<const std::uint8_t> rest = std::span{t.says}.subspan(t.said);
        if (rest.empty()) {
            // A CLOSE in SYN-SENT would give up, and all queued text with it (3.10.4).
            if (!s->in(state::syn_sent)) (void)host.close(h, now_);
        } else if (dice(128)) {
            t.said += host.send(h, rest.first(std::min<std::size_t>(rest.size(), 1 + random_() % 4000)), now_).octets;
        } else {
            const auto room = host.reserve(h);
            t.said += host.commit(h, copy_octets(room, rest), now_).octets;
        }
    }
    void fetch(bool server) {
        for (const octet_string& p : boxes_[server]->packets(now_)) {
            RC_ASSERT(p.size() <= 1500U);
            if (dice(weather_.loses)) continue;
            launch(!server, p);
            if (dice(weather_.doubles)) launch(!server, p);
        }
    }
    void launch(bool to_server, octet_string p) {
        if (dice(weather_.bends)) p[random_() % p.size()] ^= static_cast<std::uint8_t>(1U << random_() % 8);
        auto flies = std::chrono::milliseconds{10};
        if (dice(weather_.delays)) flies += std::chrono::milliseconds{random_() % 500};
        wire_.insert({now_ + flies, launched_++, to_server, std::move(p)});
    }
    /// The next thing happens: a packet lands, or a deadline passes.
    void advance() {
        nobody_sleeps_too_long();
        const time_point due = std::min(boxes_[0]->host.poll_timeout(), boxes_[1]->host.poll_timeout());
        const time_point lands = wire_.empty() ? never : wire_.begin()->lands;
        const time_point user = after(now_, std::chrono::milliseconds{50});
        now_ = std::max(now_, std::min({due, lands, all_ended() ? never : user}));
        if (now_ == never) return;
        for (auto& b : boxes_) {
            b->host.handle_timeout(now_);
            RC_ASSERT(b->host.poll_timeout() > now_);
        }
        while (!wire_.empty() && wire_.begin()->lands <= now_) {
            const flight f = *wire_.begin();
            wire_.erase(wire_.begin());
            land(f);
        }
    }
    /// The one deadline of the host is no later than that of any connection.
    void nobody_sleeps_too_long() {
        for (const bool server : {false, true}) {
            for (const auto& [h, port] : names_[server]) {
                const auto* s = boxes_[server]->host.stream(h);
                if (s != nullptr) RC_ASSERT(boxes_[server]->host.poll_timeout() <= s->poll_timeout());
            }
        }
    }
    void land(const flight& f) {
        auto& to = *boxes_[f.to_server];
        const verdict v = to.host.handle_packet(f.octets, now_);
        RC_ASSERT(!describe(v).empty());
        const packet p = parse_packet(f.octets);
        if (p && parse_tcp(p.payload, p.source, p.destination).segment.has(ctl::rst)) {
            RC_ASSERT(v.fate != fate::answered_with_reset);
        }
    }
    bool all_ended() const {
        const auto ended = [](const auto& t) { return t.second.ended; };
        return talks_[1].size() == many_ && std::all_of(talks_[0].begin(), talks_[0].end(), ended) &&
               std::all_of(talks_[1].begin(), talks_[1].end(), ended);
    }
    bool over() const {
        return all_ended() && wire_.empty() && boxes_[0]->host.used() == 0 && boxes_[1]->host.used() == 0;
    }

    std::mt19937_64 random_;
    weather weather_;
    std::size_t many_;
    std::size_t least_;  ///< the smallest buffer
    time_point now_{std::chrono::seconds{100}};
    std::vector<std::unique_ptr<box>> boxes_;
    std::array<std::vector<std::pair<handle, std::uint32_t>>, 2> names_;
    std::array<std::map<std::uint32_t, talk>, 2> talks_;
    std::set<flight> wire_;
    std::uint64_t launched_ = 0;
};

void texts_arrive(weather worst) {
    // Resized: from the first case on numbers of all sizes.
    const auto up_to = [](unsigned most) { return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0U, most + 1)); };
    const weather w{up_to(worst.loses), up_to(worst.doubles), up_to(worst.delays), up_to(worst.bends)};
    const std::size_t connections = 1 + up_to(29);
    const std::uint32_t snd = 1 + up_to(20'000);
    const std::uint32_t rcv = 2 + up_to(20'000);
    world both{*rc::gen::arbitrary<std::uint64_t>(), w, connections, {.snd = snd, .rcv = rcv}};
    both.run();
    both.check();
}

}  // namespace

TEST_CASE("two hosts: on a quiet wire all texts arrive", "[host][property]") {
    rc::prop("in order, once, complete; then all slots are free", [] { texts_arrive({}); });
}

TEST_CASE("two hosts: on a bad wire all texts arrive", "[host][property]") {
    rc::prop("in order, once, complete; then all slots are free",
             [] { texts_arrive({.loses = 25, .doubles = 60, .delays = 100, .bends = 25}); });
}

TEST_CASE("a host: whatever octets come, it stays sane", "[host][property]") {
    rc::prop("packets of random numbers for its connections and for others", [](std::uint64_t seed) {
        std::mt19937_64 random{seed};
        const auto below = [&](std::uint64_t n) { return random() % n; };
        box b{3, {.connections = 4, .snd = 100, .rcv = 100}};
        listener_options o;
        o.port = 80;
        o.deferred = below(2) != 0;
        (void)b.host.listen(o);
        time_point now{};
        std::vector<handle> handles;
        for (int i = 0; i < 300; ++i) {
            now += std::chrono::milliseconds{below(below(10) == 0 ? 20'000 : 50)};
            const auto v6 = below(2) != 0;
            const endpoint peer{clients[v6], static_cast<std::uint16_t>(1 + below(6))};
            segment seg{.ctl = control{static_cast<std::uint16_t>(below(64))}};
            seg.wnd = static_cast<std::uint16_t>(below(2) * below(70000));
            for (const handle h : handles) {  // numbers that hit
                const auto* s = b.host.stream(h);
                if (s == nullptr || b.host.between(h)->remote != peer) continue;
                const auto& t = s->tcp().numbers();
                seg.seq = t.rcv.nxt + static_cast<std::uint32_t>(below(5)) - 1;
                seg.ack = t.snd.nxt - static_cast<std::uint32_t>(below(2));
            }
            const std::string text(below(120), 'x');
            b.host.handle_packet(packet_of({peer, servers[v6]}, seg, text), now);
            if (below(3) == 0) b.host.handle_timeout(now);
            if (below(3) != 0) {
                for (const auto& p : b.packets(now)) {
                    RC_ASSERT(parse_packet(p).error == ip_error::none);
                    const seen out = read_packet(p);
                    RC_ASSERT(out.seg.text <= 100U);
                }
            }
            while (const auto e = b.host.poll_event()) {
                if (e->what == news::incoming && below(4) != 0) (void)b.host.accept(e->of, now);
                handles.push_back(e->of);
            }
            if (below(10) == 0) {
                const auto c = b.host.connect(peer, servers[v6].address, now);
                if (c.says == answer::ok) handles.push_back(c.of);
            }
            if (handles.empty()) continue;
            const handle h = handles[below(handles.size())];
            octet_string some(below(200));
            switch (below(8)) {
            case 0: (void)b.host.send(h, some, now); break;
            case 1: (void)b.host.receive(h, some, now); break;
            case 2: (void)b.host.commit(h, below(100), now); break;
            case 3: (void)b.host.close(h, now); break;
            case 4: (void)b.host.abort(h, now); break;
            case 5: (void)b.host.release(h, now); break;
            case 6: (void)b.host.consume(h, below(100), now); break;
            default: (void)b.host.refuse(h, now); break;
            }
        }
        // Everyone goes home: no slot is lost.
        for (const handle h : handles) (void)b.host.abort(h, now);
        b.host.unlisten({0, 1}, now);
        for (int i = 0; i < 100 && b.host.used() != 0; ++i) {
            b.hear_nothing();
            (void)b.packets(now);
            now = std::max(now, b.host.poll_timeout() == never ? now : b.host.poll_timeout());
            b.host.handle_timeout(now);
        }
        RC_ASSERT(b.host.used() == 0U);
    });
}
