// SPDX-License-Identifier: MIT
// host_fast_open_test.cpp: two hosts that open fast with each other (RFC 7413), over a link that takes time.

#include <support/catch.hpp>
#include <support/far_hosts.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

using namespace tcpfsm;
using namespace tcpfsm::testing;
using namespace std::chrono_literals;

namespace {

struct opens_fast : brief {
    static constexpr bool fast_open = true;
};
constexpr endpoint server4{*parse_ip("10.0.0.2"), 80};
constexpr ip_address client4 = *parse_ip("10.0.0.1");
constexpr fast_open_cookie no_cookie{};

/// Two hosts, and 50 ms between them.
struct far_apart : far_hosts<opens_fast, host_storage<8, 4096, 4096, 2, opens_fast>> {
    bool drops_syns_with_text = false;  // and the path swallows them

    explicit far_apart(std::uint32_t pending = 4, host_config config = storage::config(key_of(2)))
        : far_hosts{config, 50ms} {
        carries = [this](const segment& seg, bool) {
            return !(drops_syns_with_text && seg.has(ctl::syn) && seg.text != 0);
        };
        REQUIRE(server.listen({.port = 80, .fast_open = pending}));
    }

    /// A request of 100 octets and an answer of 200: how long until the client has the answer, and what it learns.
    struct exchange {
        duration took{};
        bool text_came_early = false;
        fast_open_report report{};
        std::uint16_t mss = 0;
    };
    exchange request(const fast_open_cookie& cookie, std::uint16_t mss) {
        const time_point begin = now;
        exchange done;
        const auto begun = client.connect_fast(server4, endpoint{client4, 0}, now, cookie, mss);
        REQUIRE(begun.says == answer::ok);
        CHECK(client.send(begun.of, octets_of(std::string(100, '?')), now).octets == 100);
        std::size_t got = 0;
        while (got < 200 && step(begin + 30s)) {
            while (const auto e = server.poll_event()) {
                if (e->what == news::accepted) done.text_came_early = server.stream(e->of)->in(state::syn_received);
                octet_string in(1000);
                if (server.receive(e->of, in, now).octets == 100)
                    CHECK(server.send(e->of, octets_of(std::string(200, '!')), now).octets == 200);
            }
            octet_string in(1000);
            while (const auto e = client.poll_event()) {
                if (e->what == news::readable) got += client.receive(e->of, in, now).octets;
            }
        }
        REQUIRE(got == 200);
        done.took = now - begin;
        done.report = client.stream(begun.of)->tcp().fast_open();
        done.mss = client.stream(begun.of)->tcp().numbers().snd.mss;
        CHECK(client.release(begun.of, now) == answer::ok);
        wait(1s);
        return done;
    }
};

TEST_CASE("Fast open, hosts: the first exchange takes two round trips, later ones one", "[host][RFC 7413 3]") {
    far_apart two;
    const auto first = two.request(no_cookie, 0);
    CHECK(first.took == 200ms);
    CHECK(!first.text_came_early);
    REQUIRE(first.report.cookie.size == 8);
    for (int i = 0; i < 3; ++i) {
        const auto later = two.request(first.report.cookie, first.mss);
        CHECK(later.took == 100ms);
        CHECK(later.text_came_early);
        CHECK(later.report.taken);
        CHECK(later.report.cookie.size == 0);  // the one that it has is good
    }
}

TEST_CASE("Fast open, hosts: no listener opens fast unless told to", "[host][RFC 7413 4][7413-1][7413-7]") {
    CHECK(listener_options{}.fast_open == 0);
    far_apart two{0};
    const auto first = two.request(no_cookie, 0);
    CHECK(first.report.cookie.size == 0);
    const auto later = two.request(fast_open_cookie{{1, 2, 3, 4, 5, 6, 7, 8}, 8}, 1460);
    CHECK(later.took == 200ms);
    CHECK(later.report == fast_open_report{.answered = true});
}

TEST_CASE("Fast open, hosts: a cookie outlives one renewal of the key, and is replaced; two it does not",
          "[host][RFC 7413 4.1.2][7413-3]") {
    far_apart two;
    const auto first = two.request(no_cookie, 0);
    two.server.renew_cookies(key_of(9));
    const auto later = two.request(first.report.cookie, 1460);
    CHECK(later.took == 100ms);
    REQUIRE(later.report.cookie.size == 8);
    CHECK(later.report.cookie != first.report.cookie);
    two.server.renew_cookies(key_of(10));
    const auto expired = two.request(first.report.cookie, 1460);
    CHECK(expired.took == 200ms);
    CHECK(expired.report.cookie.size == 8);
    CHECK(!expired.report.taken);
    CHECK(two.request(later.report.cookie, 1460).took == 100ms);
}

TEST_CASE("Fast open, hosts: a cookie is good for one address at each end, and for no other", "[7413-3]") {
    const cookie_keys keys{key_of(3)};
    const auto a = *parse_ip("10.0.0.1");
    const auto b = *parse_ip("10.0.0.2");
    const auto c = *parse_ip("10.0.0.3");
    CHECK(keys.grant(a, b).cookie.size == 8);
    CHECK(keys.grant(a, b).older.size == 0);
    CHECK(keys.grant(a, b) == keys.grant(a, b));
    CHECK(keys.grant(a, b) != keys.grant(a, c));
    CHECK(keys.grant(a, b) != keys.grant(c, b));
    CHECK(keys.grant(a, b) != cookie_keys{key_of(4)}.grant(a, b));
}

fast_open_grant everybody(void*, const four_tuple&) { return {.cookie = {{5, 5, 5, 5}, 4}}; }

TEST_CASE("Fast open, hosts: somebody else may make the cookies", "[host][RFC 7413 4.1.2]") {
    host_config config = far_apart::storage::config(key_of(2));
    config.cookie_maker = everybody;
    far_apart two{4, config};
    const auto first = two.request(no_cookie, 0);
    CHECK(first.report.cookie == everybody(nullptr, {}).cookie);
    CHECK(two.request(first.report.cookie, 1460).took == 100ms);
}

TEST_CASE("Fast open, hosts: where a path swallows SYNs with text, the SYN without it gets through, and says so",
          "[host][RFC 7413 4.2.1][7413-6]") {
    far_apart two;
    const auto first = two.request(no_cookie, 0);
    two.drops_syns_with_text = true;
    const auto later = two.request(first.report.cookie, 1460);
    CHECK(later.took == 1200ms);  // the timeout of a SYN, and an ordinary exchange
    CHECK(later.report.lost);
    CHECK(!later.report.taken);
}

TEST_CASE("Fast open, hosts: an answer larger than the window of the SYN arrives whole", "[host][RFC 7413 4.2.2]") {
    far_apart two;
    const auto first = two.request(no_cookie, 0);
    const auto begun = two.client.connect_fast(server4, endpoint{client4, 0}, two.now, first.report.cookie, 1460);
    CHECK(two.client.send(begun.of, octets_of("get"), two.now).octets == 3);
    std::string answer_got;
    std::size_t sent = 0;
    std::optional<handle> there;
    while (answer_got.size() < 50'000 && two.step(two.now + 10s)) {
        while (const auto e = two.server.poll_event()) there = e->of;
        while (there && sent < 50'000) {
            const std::string more(std::min<std::size_t>(1000, 50'000 - sent),
                                   static_cast<char>('a' + sent / 1000 % 26));
            const std::size_t n = two.server.send(*there, octets_of(more), two.now).octets;
            sent += n;
            if (n != more.size()) break;
        }
        octet_string in(5000);
        while (two.client.poll_event()) {
        }
        const std::size_t n = two.client.receive(begun.of, in, two.now).octets;
        answer_got.append(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(n));
    }
    CHECK(answer_got.size() == 50'000);
}

// --- The limit of what is pending (section 5.1) --------------------------------------------------------------

/// One server, and strangers who show cookies.
struct besieged {
    far_apart two;
    fast_open_cookie cookie;

    explicit besieged(std::uint32_t pending)
        : two{pending}, cookie{cookie_keys{key_of(2)}.grant(server4.address, client4).cookie} {}

    static four_tuple between(std::uint16_t port) { return {{client4, port}, server4}; }
    /// A SYN with the cookie and text. True iff the text was taken at once.
    bool opens(std::uint16_t port) {
        segment syn{.seq = seq{1000}, .ctl = ctl::syn, .wnd = 10'000};
        syn.options.has_fast_open = true;
        syn.options.cookie = cookie;
        two.server.handle_packet(packet_of(between(port), syn, "text"), two.now);
        octet_string out(1500);
        out.resize(two.server.poll_packet(out, two.now));
        const seen syn_ack = read_packet(out);
        last = answers[port] = syn_ack.seg;
        while (two.server.poll_event()) {
        }
        return syn_ack.seg.ack == seq{1005};
    }
    void says(std::uint16_t port, control bits) {
        const segment& to = answers[port];
        segment seg{.seq = to.ack, .ack = to.seq + 1, .ctl = bits, .wnd = 10'000};
        two.server.handle_packet(packet_of(between(port), seg), two.now);
        two.send_all();
        while (two.server.poll_event()) {
        }
    }
    segment last{};
    std::map<std::uint16_t, segment> answers{};
};

TEST_CASE("Fast open, hosts: no more than so many handshakes are pending, SYNs beyond are ordinary ones",
          "[host][RFC 7413 5.1][7413-5]") {
    besieged host{2};
    CHECK(host.opens(1));
    CHECK(host.opens(2));
    CHECK(!host.opens(3));
    CHECK(!host.last.options.has_fast_open);
    CHECK(host.last.ack == seq{1001});
    host.says(3, ctl::ack);  // an ordinary handshake makes no room
    CHECK(!host.opens(4));
}

TEST_CASE("Fast open, hosts: the end of a handshake makes room for another", "[host][RFC 7413 5.1][7413-5]") {
    besieged host{1};
    CHECK(host.opens(1));
    host.says(1, ctl::ack);
    CHECK(host.opens(2));
    CHECK(!host.opens(3));
}

TEST_CASE("Fast open, hosts: a handshake that the peer resets counts for a minute", "[host][RFC 7413 5.1][7413-5]") {
    besieged host{2};
    CHECK(host.opens(1));
    host.says(1, ctl::rst);
    CHECK(host.opens(2));
    CHECK(!host.opens(3));
    host.says(2, ctl::rst);
    host.two.now += 59s;
    CHECK(!host.opens(4));
    host.two.now += 2s;
    CHECK(host.opens(5));
    CHECK(host.opens(6));
    CHECK(!host.opens(7));
}

TEST_CASE("Fast open, hosts: what the server itself ends makes room at once", "[host][RFC 7413 5.1]") {
    besieged host{1};
    CHECK(host.opens(1));
    host.two.wait(6min);  // nobody answers the SYN,ACK
    CHECK(host.opens(2));
}

TEST_CASE("Fast open, hosts: a listener that is opened anew counts from none", "[host][RFC 7413 5.1]") {
    besieged host{0};
    const auto other = host.two.server.listen({.address = server4.address, .port = 80, .fast_open = 1});
    REQUIRE(other);
    CHECK(host.opens(1));
    CHECK(!host.opens(2));
    host.two.server.unlisten(*other, host.two.now);
    host.two.send_all();
    REQUIRE(host.two.server.listen({.address = server4.address, .port = 80, .fast_open = 1}));
    CHECK(host.opens(3));
}

TEST_CASE("Fast open, hosts: news of a fast open come in order: accepted, readable, opened", "[host][RFC 7413 4.2.2]") {
    besieged host{2};
    auto& server = host.two.server;
    segment syn{.seq = seq{1000}, .ctl = ctl::syn, .wnd = 10'000};
    syn.options.has_fast_open = true;
    syn.options.cookie = host.cookie;
    server.handle_packet(packet_of(besieged::between(1), syn, "text"), host.two.now);
    const auto first = server.poll_event();
    REQUIRE(first);
    CHECK(first->what == news::accepted);
    CHECK(server.poll_event()->what == news::readable);
    CHECK(!server.poll_event());
    octet_string out(1500);
    out.resize(server.poll_packet(out, host.two.now));
    host.last = read_packet(out).seg;
    segment ack{.seq = seq{1005}, .ack = host.last.seq + 1, .ctl = ctl::ack, .wnd = 10'000};
    server.handle_packet(packet_of(besieged::between(1), ack), host.two.now);
    CHECK(server.poll_event()->what == news::opened);
    CHECK(!server.poll_event());
    CHECK(server.stream(first->of)->readable() == 4);
}

TEST_CASE("Fast open, hosts: a deferred listener is asked first, and nothing is answered before",
          "[host][RFC 7413 4.2.2]") {
    besieged host{0};
    auto& server = host.two.server;
    REQUIRE(server.listen({.address = server4.address, .port = 80, .deferred = true, .fast_open = 2}));
    segment syn{.seq = seq{1000}, .ctl = ctl::syn, .wnd = 10'000};
    syn.options.has_fast_open = true;
    syn.options.cookie = host.cookie;
    server.handle_packet(packet_of(besieged::between(1), syn, "text"), host.two.now);
    const auto first = server.poll_event();
    REQUIRE(first);
    CHECK(first->what == news::incoming);
    octet_string out(1500);
    CHECK(server.poll_packet(out, host.two.now) == 0);
    CHECK(server.accept(first->of, host.two.now) == answer::ok);
    out.resize(server.poll_packet(out, host.two.now));
    CHECK(read_packet(out).seg.ack == seq{1005});
}

}  // namespace
