// SPDX-License-Identifier: MIT
// host_time_wait_property.cpp: a host that keeps TIME-WAIT in few octets, beside one that keeps whole connections.

#include "support/catch.hpp"
#include "support/hosts.hpp"

#include <algorithm>
#include <array>
#include <random>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::literals;
using namespace tcpfsm::testing;

const endpoint servers[] = {{"192.0.2.1"_ip, 80}, {"2001:db8::1"_ip, 80}};
const ip_address clients[] = {"198.51.100.7"_ip, "2001:db8::7"_ip};

/// Both get the same packets at the same times, and must send the same.
class pair_of_hosts {
public:
    explicit pair_of_hosts(std::uint64_t seed) : random_{seed} {
        for (box* b : both())
            RC_ASSERT(b->host.listen({.port = 80, .backlog = 40, .ip = {.dscp = 46, .hop_limit = 9}}));
    }
    void run() {
        for (int i = 0; i < 150; ++i) {
            wait();
            switch (random_() % 3) {
            case 0: visit(); break;
            default: disturb(); break;
            }
        }
        for (int i = 0; i < 200 && (small_.host.used() != 0 || small_.host.lingering() != 0); ++i) {
            now_ += std::chrono::seconds{30};
            wait();
        }
        RC_ASSERT(small_.host.used() == 0U);
        RC_ASSERT(small_.host.lingering() == 0U);
        RC_ASSERT(whole_.host.used() == 0U);
        RC_TAG(most_ > 2 ? "several in TIME-WAIT at once" : "few");
    }

private:
    std::array<box*, 2> both() { return {&whole_, &small_}; }
    std::uint32_t below(std::uint64_t n) { return static_cast<std::uint32_t>(random_() % n); }

    void wait() {
        now_ += std::chrono::milliseconds{below(below(6) == 0 ? 8000 : 900)};
        for (box* b : both()) {
            while (b->host.poll_timeout() <= now_) b->host.handle_timeout(now_);
        }
        answers();
        RC_ASSERT(small_.host.used() + small_.host.lingering() == whole_.host.used());
        most_ = std::max(most_, small_.host.lingering());
    }
    /// What both send, which must be the same.
    std::vector<seen> answers() {
        for (box* b : both()) {
            while (const auto e = b->host.poll_event()) {
                if (e->what == news::readable) (void)b->read(e->of, now_);
                if (e->what == news::closing) (void)b->host.close(e->of, now_);
            }
        }
        auto sent = whole_.packets(now_), by_small = small_.packets(now_);
        std::sort(sent.begin(), sent.end());  // whose turn it is may differ
        std::sort(by_small.begin(), by_small.end());
        RC_ASSERT(by_small == sent);
        std::vector<seen> out;
        for (const octet_string& p : sent) out.push_back(read_packet(p));
        return out;
    }
    std::vector<seen> give(const octet_string& p) {
        const verdict a = whole_.host.handle_packet(p, now_);
        const verdict b = small_.host.handle_packet(p, now_);
        RC_ASSERT(a.fate == b.fate);
        RC_ASSERT(a.arrival.why == b.arrival.why);
        return answers();
    }
    segment blank(control bits) {
        segment seg{.ctl = bits, .wnd = 60'000};
        seg.options.has_timestamps = true;
        seg.options.ts_val = static_cast<std::uint32_t>(now_.time_since_epoch().count() / 1000);
        return seg;
    }
    /// A whole connection, that the host closes first; over IPv4 or IPv6.
    void visit() {
        const bool v6 = below(2) != 0;
        const four_tuple from{{clients[v6], static_cast<std::uint16_t>(1 + below(20))}, servers[v6]};
        segment syn = blank(ctl::syn);
        syn.seq = seq{below(1ULL << 32U)};
        auto out = give(packet_of(from, syn));
        if (out.empty() || !out[0].seg.has(ctl::syn | ctl::ack)) return;
        segment ack = blank(ctl::ack);
        ack.seq = syn.seq + 1;
        ack.ack = out[0].seg.seq + 1;
        for (box* b : both()) {
            b->host.handle_packet(packet_of(from, ack, "hello"), now_);
            handle h{};
            while (const auto e = b->host.poll_event()) h = e->of;
            if (b->host.between(h) != from.reversed()) return;
            (void)b->read(h, now_);
            (void)b->host.send(h, octets_of("200 OK"), now_);
            (void)b->host.close(h, now_);
        }
        out = answers();
        if (out.empty()) return;
        segment fin = blank(ctl::ack | ctl::fin);
        fin.seq = ack.seq + 5;
        fin.ack = out.back().seg.seq + out.back().seg.len();
        (void)give(packet_of(from, fin));
        last_.emplace_back(from, fin);
    }
    /// Something about a connection that was.
    void disturb() {
        if (last_.empty()) return;
        const auto& [from, fin] = last_[last_.size() - 1 - below(std::min<std::size_t>(last_.size(), 6))];
        segment seg = blank(fin.ctl);
        constexpr control kinds[] = {ctl::ack | ctl::fin, ctl::ack | ctl::fin, ctl::ack, ctl::syn, ctl::rst};
        seg.ctl = kinds[below(5)];
        seg.seq = below(2) == 0 ? fin.seq : fin.seq + below(5) - 2U;
        seg.ack = below(2) == 0 ? fin.ack : fin.ack + below(5) - 2U;
        if (below(3) == 0) seg.options.ts_val -= below(20'000);
        if (seg.ctl == ctl::syn) seg.seq = fin.seq + below(70'000);
        (void)give(packet_of(from, seg, below(4) == 0 ? "text" : ""));
    }

    std::mt19937_64 random_;
    time_point now_{std::chrono::seconds{500}};
    box whole_{5, {.connections = 200}};
    box small_{5, {.connections = 200, .lingering = 200}};
    std::vector<std::pair<four_tuple, segment>> last_{};
    std::size_t most_ = 0;
};

}  // namespace

TEST_CASE("host: TIME-WAIT without slots is TIME-WAIT", "[host][property]") {
    rc::prop("the same packets, whatever comes", [](std::uint64_t seed) { pair_of_hosts{seed}.run(); });
}

TEST_CASE("host: a slot is free as soon as its connection is in TIME-WAIT, and nobody knows it", "[host]") {
    const std::size_t places = GENERATE(1U, 2U);
    cable c{box{1, {.connections = 8}}, box{2, {.connections = 2, .lingering = places}}};
    REQUIRE(c.b.host.listen({.port = 80}));
    for (unsigned i = 1; i <= 3; ++i) {
        const handle h = c.a.host.connect(servers[0], clients[0], c.now).of;
        c.run();
        const handle at = c.b.told(news::accepted);
        REQUIRE(c.b.host.close(at, c.now) == answer::ok);
        c.run();
        REQUIRE(c.a.host.close(h, c.now) == answer::ok);
        c.run();
        CHECK(c.b.host.lingering() <= places);
        c.a.hear_nothing();
        c.b.hear_nothing();
        CHECK(c.b.host.lingering() == std::min<std::size_t>(i, places));
        CHECK(c.b.host.used() == i - std::min<std::size_t>(i, places));  // the others keep theirs
        if (places == 1 && i == 2) break;
    }
    c.wait(2 * brief::msl);
    CHECK(c.b.host.lingering() == 0);
    CHECK(c.b.host.used() == 0);
    CHECK(c.b.host.poll_timeout() == never);
}
