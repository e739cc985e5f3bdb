// SPDX-License-Identifier: MIT
// stream_test.cpp: octets go in at one end and come out at the other, and nothing else does.

#include "support/catch.hpp"

#include <tcpfsm/stream.hpp>

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace tcpfsm;

constexpr time_point start{std::chrono::seconds{1}};

/// Text as octets.
constexpr std::vector<std::uint8_t> octets(std::string_view text) {
    std::vector<std::uint8_t> out;
    for (const char c : text) out.push_back(static_cast<std::uint8_t>(c));
    return out;
}
/// All that can be read, as text, in gulps of three.
template <class Stream>
constexpr std::string read_all(Stream& s, time_point now) {
    std::string out;
    std::array<std::uint8_t, 3> gulp{};
    while (const std::size_t n = s.receive(gulp, now).octets) {
        for (std::size_t i = 0; i < n; ++i) out.push_back(static_cast<char>(gulp[i]));
    }
    return out;
}
/// A segment with its text, out of the stream.
struct kept {
    segment seg{};
    std::vector<std::uint8_t> text{};
};
template <class Stream>
constexpr std::vector<kept> all_owed(Stream& from, time_point now) {
    std::vector<kept> out;
    while (const auto o = from.poll_transmit(now)) {
        kept k{o->segment, {o->first.begin(), o->first.end()}};
        k.text.insert(k.text.end(), o->second.begin(), o->second.end());
        out.push_back(k);
    }
    return out;
}
/// Two streams, and a wire that loses nothing.
template <class A, class B = A>
struct duo {
    A a{};
    B b{};
    time_point now = start;

    constexpr void run() {
        for (bool more = true; more;) {
            more = false;
            for (const kept& k : all_owed(a, now)) b.handle_segment(k.seg, k.text, now), more = true;
            for (const kept& k : all_owed(b, now)) a.handle_segment(k.seg, k.text, now), more = true;
        }
    }
    constexpr void wait(duration d) {
        const time_point until = now + d;
        run();
        while (std::min(a.poll_timeout(), b.poll_timeout()) <= until) {
            now = std::max(now, std::min(a.poll_timeout(), b.poll_timeout()));
            a.handle_timeout(now);
            b.handle_timeout(now);
            run();
        }
        now = until;
    }
    constexpr void open(parameters p = {}) {
        p.iss = seq{0xfffffff0};
        (void)b.open_passive(p, now);
        p.iss = seq{0x7ffffff0};
        (void)a.open_active(p, now);
        run();
    }
};
template <class Stream>
constexpr std::size_t say(Stream& s, std::string_view text, time_point now) {
    return s.send(octets(text), now).octets;
}

using small = array_stream<7, 5>;

constexpr std::string through_small_rings() {
    duo<small> d;
    d.open();
    std::string got;
    std::string_view text = "the quick brown fox jumps over the lazy dog";
    while (!text.empty()) {
        text.remove_prefix(say(d.a, text, d.now));
        d.wait(std::chrono::seconds{2});
        got += read_all(d.b, d.now);
        d.run();
    }
    d.wait(std::chrono::seconds{2});
    return got + read_all(d.b, d.now);
}

}  // namespace

TEST_CASE("ring: a stretch lies in one piece or two, and never outside", "[ring]") {
    std::array<std::uint8_t, 5> memory{};
    for (std::size_t front = 0; front < 5; ++front) {
        for (std::size_t at = 0; at < 7; ++at) {
            for (std::size_t n = 0; n < 9; ++n) {
                const auto got = stretch(std::span<std::uint8_t>{memory}, front, at, n);
                CHECK(got.size() == (at >= 5 ? 0 : std::min(n, 5 - at)));
                std::size_t i = 0;
                for (auto& o : got.first) CHECK(&o == &memory[(front + at + i++) % 5]);
                for (auto& o : got.second) CHECK(&o == &memory[(front + at + i++) % 5]);
            }
        }
        for (std::size_t n = 0; n <= 5; ++n) CHECK(moved_on(front, n, 5) == (front + n) % 5);
    }
    CHECK(stretch(std::span<std::uint8_t>{}, 0, 0, 3).size() == 0);
}

TEST_CASE("stream: an exchange in the compiler, through rings of seven and five octets", "[stream]") {
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
    STATIC_REQUIRE(through_small_rings() == "the quick brown fox jumps over the lazy dog");
#endif
    CHECK(through_small_rings() == "the quick brown fox jumps over the lazy dog");
}

TEST_CASE("stream: in memory of the caller", "[stream]") {
    std::array<std::uint8_t, 10> a_send{}, a_receive{}, b_send{}, b_receive{};
    duo<span_stream<>> d{span_stream<>{{a_send, a_receive}}, span_stream<>{{b_send, b_receive}}};
    d.open();
    CHECK(say(d.a, "0123456789abc", d.now) == 10);
    d.wait(std::chrono::seconds{1});
    CHECK(std::string(b_receive.begin(), b_receive.end()) == "0123456789");
    CHECK(say(d.b, "back", d.now) == 4);
    d.run();
    CHECK(read_all(d.a, d.now) == "back");
    CHECK(read_all(d.b, d.now) == "0123456789");
}

TEST_CASE("stream: without memory nothing goes, and nothing breaks", "[stream]") {
    duo<span_stream<>> d;
    d.open();
    CHECK(d.a.in(state::established));
    CHECK(d.a.send(octets("x"), d.now) == moved{0, answer::err_no_resources});
    CHECK(d.a.reserve().empty());
    CHECK(d.a.commit(5, d.now).octets == 0);
    CHECK(d.a.peek().empty());
    d.wait(std::chrono::minutes{5});
    (void)d.a.abort(d.now);
    d.run();
    CHECK(d.b.in(state::closed));
}

TEST_CASE("stream: a copy is another stream", "[stream]") {
    duo<array_stream<64, 64>> d;
    d.open();
    say(d.a, "common, ", d.now);
    d.run();
    auto fork = d;
    CHECK(fork.a == d.a);
    say(d.a, "this", d.now);
    say(fork.a, "that", fork.now);
    d.wait(std::chrono::seconds{1});
    fork.wait(std::chrono::seconds{1});
    CHECK(read_all(d.b, d.now) == "common, this");
    CHECK(read_all(fork.b, d.now) == "common, that");
}

TEST_CASE("stream: text without a copy", "[stream]") {
    duo<array_stream<8, 8>> d;
    d.open();
    CHECK(d.a.reserve().size() == 8);
    copy_octets(d.a.reserve(), octets("abcdef"));
    CHECK(d.a.commit(6, d.now) == moved{6, answer::ok});
    CHECK(d.a.reserve().size() == 2);
    d.wait(std::chrono::seconds{1});
    REQUIRE(d.b.peek().size() == 6);
    CHECK(d.b.consume(5, d.now).octets == 5);
    CHECK(d.a.reserve().size() == 2);  // up to the end of the memory; the rest after the next commit
    copy_octets(d.a.reserve(), octets("gh"));
    CHECK(d.a.commit(100, d.now).octets == 2);
    CHECK(d.a.reserve().size() == 6);
    copy_octets(d.a.reserve(), octets("ijk"));
    CHECK(d.a.commit(3, d.now).octets == 3);
    d.wait(std::chrono::seconds{2});
    CHECK(d.b.peek().size() == 3);  // "fgh", then around the end
    CHECK(d.b.consume(100, d.now).octets == 6);
    CHECK(d.b.readable() == 0);
    CHECK(std::string(d.b.peek().begin(), d.b.peek().end()).empty());
}

TEST_CASE("stream: text out of order waits in its place", "[stream][SHLD-31]") {
    duo<array_stream<100, 100>> d;
    parameters p;
    p.mss = 88 + 10;
    p.nagle = false;
    d.open(p);
    for (const auto piece : {"one ", "two ", "three "}) {
        say(d.a, piece, d.now);
    }
    auto lines = all_owed(d.a, d.now);
    REQUIRE(lines.size() == 1);  // as they were all queued, one segment took them
    std::vector<kept> segments;
    for (std::uint32_t i = 0; i < 14; ++i) {
        kept one{lines[0].seg, {lines[0].text[i]}};
        one.seg.seq += i;
        one.seg.text = 1;
        segments.push_back(one);
    }
    for (std::size_t i = segments.size(); i-- != 1;) {
        CHECK(d.b.handle_segment(segments[i].seg, segments[i].text, d.now).in_order == 0);
    }
    CHECK(d.b.readable() == 0);
    CHECK(d.b.handle_segment(segments[0].seg, segments[0].text, d.now).in_order == 14);
    CHECK(read_all(d.b, d.now) == "one two three ");
}

TEST_CASE("stream: of two copies of an octet the last before delivery counts", "[stream]") {
    duo<array_stream<100, 100>> d;
    d.open();
    say(d.a, "abcd", d.now);
    const kept line = all_owed(d.a, d.now).at(0);
    kept early = line;
    early.seg.seq += 2;
    early.seg.text = 2;
    d.b.handle_segment(early.seg, octets("XY"), d.now);
    d.b.handle_segment(early.seg, octets("cd"), d.now);
    d.b.handle_segment(line.seg, octets("abcZ"), d.now);  // overlaps what waits: the last copy again
    CHECK(d.b.readable() == 4);
    d.b.handle_segment(line.seg, octets("!!!!"), d.now);  // too late
    CHECK(read_all(d.b, d.now) == "abcZ");
}

TEST_CASE("stream: what was received outlives an end in order", "[stream][3.10.3]") {
    duo<array_stream<100, 100>> d;
    d.open();
    SECTION("in TIME-WAIT, and after it") {
        (void)d.a.close(d.now);
        d.run();
        say(d.b, "farewell", d.now);
        (void)d.b.close(d.now);
        d.run();
        REQUIRE(d.a.in(state::time_wait));
        SECTION("read at once") { CHECK(read_all(d.a, d.now) == "farewell"); }
        SECTION("read late") {
            d.wait(std::chrono::minutes{5});
            REQUIRE(d.a.in(state::closed));
            CHECK(d.a.receive({}, d.now).says == answer::ok);
            CHECK(read_all(d.a, d.now) == "farewell");
            CHECK(d.a.receive({}, d.now).says == answer::err_no_connection);
        }
        SECTION("thrown away") {
            (void)d.a.abort(d.now);
            CHECK(d.a.readable() == 0);
        }
    }
    SECTION("after LAST-ACK") {
        say(d.b, "farewell", d.now);
        (void)d.b.close(d.now);
        d.run();
        (void)d.a.close(d.now);
        d.run();
        REQUIRE(d.a.in(state::closed));
        CHECK(read_all(d.a, d.now) == "farewell");
    }
}

TEST_CASE("stream: a reset, an ABORT and a timeout flush", "[stream][3.10.5][3.10.7.4 2][3.10.8]") {
    duo<array_stream<100, 100>> d;
    d.open();
    say(d.b, "unread", d.now);
    d.run();
    REQUIRE(d.a.readable() == 6);
    SECTION("a reset") {
        (void)d.b.abort(d.now);
        d.run();
    }
    SECTION("an ABORT") { (void)d.a.abort(d.now); }
    SECTION("a CLOSE of both directions") { (void)d.a.close_both(d.now); }
    SECTION("a user timeout") {
        say(d.a, "anyone?", d.now);
        for (int i = 0; i < 100 && !d.a.in(state::closed); ++i) {
            (void)all_owed(d.a, d.now);
            d.now = d.a.poll_timeout();
            d.a.handle_timeout(d.now);
        }
    }
    CHECK(d.a.in(state::closed));
    CHECK(d.a.readable() == 0);
    CHECK(d.a.peek().empty());
    CHECK(d.a.receive({}, d.now).says == answer::err_no_connection);
}

TEST_CASE("stream: a connection is not reopened over unread text", "[stream][3.6.1][MAY-2]") {
    duo<array_stream<100, 100>> d;
    d.open();
    (void)d.a.close(d.now);
    d.run();
    say(d.b, "old", d.now);
    (void)d.b.close(d.now);
    d.run();
    REQUIRE(d.a.in(state::time_wait));
    d.now += std::chrono::seconds{1};
    parameters p;
    p.iss = seq{0xfffffff0} + 100'000;
    REQUIRE(d.b.open_active(p, d.now) == answer::ok);
    d.run();
    CHECK(d.a.in(state::time_wait));
    CHECK(read_all(d.a, d.now) == "old");
    d.wait(std::chrono::seconds{2});  // the SYN comes once more
    CHECK(d.a.in(state::established));
    say(d.b, "new", d.now);
    d.run();
    CHECK(read_all(d.a, d.now) == "new");
}

TEST_CASE("stream: a child that goes back to LISTEN begins anew", "[stream][3.10.7.4 2]") {
    array_stream<100, 100> s;
    parameters p;
    p.iss = seq{100};
    (void)s.open_passive(p, start);
    segment syn{.seq = seq{1000}, .text = 3, .ctl = ctl::syn, .wnd = 1000};
    s.handle_segment(syn, octets("old"), start);
    CHECK(s.send(octets("queued"), start).octets == 6);
    (void)all_owed(s, start);
    s.handle_segment(segment{.seq = seq{1001}, .ctl = ctl::rst}, {}, start);
    REQUIRE(s.in(state::listen));
    syn.seq = seq{5000};
    s.handle_segment(syn, octets("new"), start);
    const auto owed = all_owed(s, start);
    REQUIRE(owed.size() == 1);
    s.handle_segment({.seq = seq{5001}, .ack = owed[0].seg.seq + 1, .ctl = ctl::ack, .wnd = 1000}, {}, start);
    CHECK(read_all(s, start) == "new");
    say(s, "answer", start);
    CHECK(all_owed(s, start).at(0).text == octets("answer"));
}

TEST_CASE("stream: what is pushed", "[stream][MUST-61]") {
    duo<array_stream<4000, 4000>> d;
    parameters p;
    p.mss = 1000;
    p.nagle = false;
    d.open(p);
    const bool always = GENERATE(false, true);
    d.a.set_push(always ? push::always : push::when_empty);
    (void)d.a.send(std::vector<std::uint8_t>(2500), d.now);
    const auto sent = all_owed(d.a, d.now);
    REQUIRE(sent.size() == 3);
    CHECK(sent[0].seg.has(ctl::psh) == always);
    CHECK(sent[1].seg.has(ctl::psh) == always);
    CHECK(sent[2].seg.has(ctl::psh));
}

TEST_CASE("stream: urgent text", "[stream][MUST-30][MUST-62]") {
    duo<array_stream<100, 100>> d;
    d.open();
    CHECK(d.a.send_urgent(octets("now!"), d.now).octets == 4);
    const auto sent = all_owed(d.a, d.now);
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].seg.has(ctl::urg));
    CHECK(sent[0].seg.up == 4);
    d.b.handle_segment(sent[0].seg, sent[0].text, d.now);
    CHECK(d.b.tcp().urgent() == 4);
    CHECK(read_all(d.b, d.now) == "now!");
    CHECK(d.b.tcp().urgent() == 0);
}

TEST_CASE("stream: every call is answered in every state", "[stream][3.10.2][3.10.3]") {
    duo<array_stream<10, 10>> d;
    CHECK(d.a.send(octets("x"), d.now) == moved{0, answer::err_no_connection});
    CHECK(d.a.receive({}, d.now) == moved{0, answer::err_no_connection});
    CHECK(d.a.writable() == 0);
    d.open();
    CHECK(d.a.send(octets("0123456789ABC"), d.now) == moved{10, answer::ok});
    CHECK(d.a.send(octets("x"), d.now) == moved{0, answer::err_no_resources});
    CHECK(d.a.send({}, d.now) == moved{0, answer::ok});
    CHECK(d.a.receive({}, d.now) == moved{0, answer::ok});
    (void)d.a.close(d.now);
    CHECK(d.a.send(octets("x"), d.now) == moved{0, answer::err_closing});
    d.wait(std::chrono::seconds{1});
    CHECK(read_all(d.b, d.now) == "0123456789");
    d.wait(std::chrono::seconds{1});
    CHECK(d.b.receive({}, d.now) == moved{0, answer::err_closing});
    CHECK(d.b.send(octets("still"), d.now).octets == 5);
    d.run();
    CHECK(read_all(d.a, d.now) == "still");
}

TEST_CASE("stream: lies about the text change nothing outside the rings", "[stream]") {
    duo<array_stream<10, 10>> d;
    d.open();
    say(d.a, "0123456789", d.now);
    const kept line = all_owed(d.a, d.now).at(0);
    d.b.handle_segment(line.seg, octets("01"), d.now);  // shorter than the segment says
    CHECK(d.b.readable() == 10);
    d.b.handle_segment(line.seg, octets("012345678901234567890123456789"), d.now);  // longer
    CHECK(d.b.readable() == 10);
}

TEST_CASE("stream: rings of any size, random calls: what comes out is what went in", "[stream][property]") {
    rc::prop("in order, once, complete", [] {
        const auto memory = *rc::gen::container<std::array<std::size_t, 4>>(rc::gen::inRange<std::size_t>(1, 300));
        std::array<std::vector<std::uint8_t>, 4> rings;
        for (std::size_t i = 0; i < 4; ++i) rings[i].resize(memory[i]);
        duo<span_stream<>> d{span_stream<>{{rings[0], rings[1]}}, span_stream<>{{rings[2], rings[3]}}};
        d.open();
        std::vector<std::uint8_t> in, out;
        std::uint8_t next = 0;
        const auto steps = *rc::gen::container<std::vector<std::uint8_t>>(rc::gen::arbitrary<std::uint8_t>());
        for (const std::uint8_t step : steps) {
            std::vector<std::uint8_t> text(step);
            for (auto& o : text) o = next++;
            if (step % 2 == 0) {
                const std::size_t n = d.a.send(text, d.now).octets;
                in.insert(in.end(), text.begin(), text.begin() + static_cast<std::ptrdiff_t>(n));
                next = static_cast<std::uint8_t>(next - (text.size() - n));
            } else {
                next = static_cast<std::uint8_t>(next - text.size());
                const std::size_t n = d.b.receive(text, d.now).octets;
                out.insert(out.end(), text.begin(), text.begin() + static_cast<std::ptrdiff_t>(n));
            }
            if (step % 5 == 0) d.wait(std::chrono::milliseconds{step});
        }
        (void)d.a.close(d.now);
        for (int i = 0; i < 1000 && !d.b.in(state::close_wait); ++i) {
            d.wait(std::chrono::milliseconds{500});
            for (const char c : read_all(d.b, d.now)) out.push_back(static_cast<std::uint8_t>(c));
        }
        RC_ASSERT(d.b.in(state::close_wait));
        RC_ASSERT(in == out);
    });
}
