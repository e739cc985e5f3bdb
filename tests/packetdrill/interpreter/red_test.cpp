// SPDX-License-Identifier: MIT
// red_test.cpp: a script that expects something else than what happens fails, where it should and for the right reason.
#include "run.hpp"

#include <fmt/format.h>
#include <support/catch.hpp>

#include <string>
#include <string_view>

using namespace tcpfsm::drill;

namespace {

/// Line 2 is the first event.
constexpr std::string_view right = R"(--so_flags="persona=rfc"
+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1460,sackOK,TS val 500 ecr 0>
+0 > [noecn] S. 0:0(0) ack 1 win 65535 <mss 1460,sackOK,TS val 100 ecr 500>
+.01 < . 1:1(0) ack 1 win 65535 <nop,nop,TS val 510 ecr 100>
+0 accept(3, ..., ...) = 4
+.01 < P. 1:1001(1000) ack 1 win 65535 <nop,nop,TS val 520 ecr 100>
+.04 > . 1:1(0) ack 1001 win 64535 <nop,nop,TS val 160 ecr 520>
+0 ioctl(4, SIOCINQ, [1000]) = 0
+0 poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, 0) = 1
+0 read(4, ..., 2000) = 1000
+0 recv(4, ..., 2000, MSG_DONTWAIT) = -1 EAGAIN (Resource temporarily unavailable)
+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 0
+0 write(4, ..., 500) = 500
+0 > P. 1:501(500) ack 1001 <...>
+.01 < . 1001:1001(0) ack 501 win 65535 <nop,nop,TS val 600 ecr 160>
+0...0.1 read(4, ..., 2000) = 0
+.1 < F. 1001:1001(0) ack 501 win 65535 <nop,nop,TS val 700 ecr 160>
+0 > . 501:501(0) ack 1002 <...>
+0 %{ assert tcpi_state == TCP_CLOSE_WAIT and tcpi_unacked == 0 }%
+0 close(4) = 0
+0 > F. 501:501(0) ack 1002 <...>
)";

std::string changed(std::string_view from, std::string_view to) {
    std::string out{right};
    const std::size_t at = out.find(from);
    REQUIRE(at != std::string::npos);
    REQUIRE(out.find(from, at + 1) == std::string::npos);
    return out.replace(at, from.size(), to);
}

struct change {
    std::string_view from, to;
    int line;
    std::string_view why;
};

void notices(const change& c) {
    const outcome got = play(changed(c.from, c.to), {});
    INFO(fmt::format("'{}' instead of '{}': {}:{}: {}", c.to, c.from, got.at.line, got.at.column, got.what));
    CHECK(got.is == outcome::kind::failed);
    CHECK(got.at.line == c.line);
    CHECK(got.what.find(c.why) != std::string::npos);
}

}  // namespace

TEST_CASE("The script that the others are made of passes") {
    for (const family f : {family::ipv4, family::ipv6, family::mapped}) {
        settings how;
        how.over = f;
        const outcome got = play(right, how);
        INFO(report("right.pkt", right, got));
        CHECK(got.is == outcome::kind::passed);
    }
}

TEST_CASE("A segment that is not as expected") {
    for (const change& c : {
             change{"> [noecn] S. 0:0(0) ack 1", "> S 0:0(0)", 6, "the flags differ"},
             change{"> P. 1:501(500)", "> . 1:501(500)", 17, "the flags differ"},
             change{"> . 1:1(0) ack 1001", "> . 2:2(0) ack 1001", 10, "the sequence numbers differ"},
             change{"> P. 1:501(500)", "> P. 1:500(499)", 17, "the lengths of the text differ"},
             change{"> P. 1:501(500)", "> P. 1:601(600)", 17, "the sequence numbers differ"},
             change{"ack 1001 win 64535", "ack 1000 win 64535", 10, "the acknowledgment numbers differ"},
             change{"ack 1001 win 64535", "ack 1001 win 64536", 10, "the windows differ"},
             change{"> P. 1:501(500) ack 1001", "> P. 1:501(500) ack 1001 urg 1", 17, "the urgent pointers differ"},
             change{"TS val 100 ecr 500>", "TS val 100 ecr 501>", 6, "the options differ"},
             change{"<mss 1460,sackOK,TS val 100", "<mss 1461,sackOK,TS val 100", 6, "the options differ"},
             change{"<mss 1460,sackOK,TS val 100 ecr 500>", "<mss 1460,nop,nop,TS val 100 ecr 500>", 6,
                    "the options differ"},
             change{"> P. 1:501(500) ack 1001 <...>", "> P. 1:501(500) ack 1001", 17, "the options differ"},
             change{"[noecn]", "[ect0]", 6, "the ECN field is 0x0, but expected 0x2"},
             change{"[noecn]", "[tos 0x10]", 6, "TOS is 0x0, but expected 0x10"},
             change{"[noecn]", "[ttl 7]", 6, "TTL is 0x40, but expected 0x7"},
         })
        notices(c);
}

TEST_CASE("A segment that comes too early, too late, never, or unasked for") {
    for (const change& c : {
             change{"+.04 >", "+.06 >", 10, "this was sent at 0.060"},
             change{"+.04 >", "+.02 >", 10, "expected at 0.040"},
             change{"+.04 >", "+.001~+.02 >", 10, "expected from 0.021"},
             // Nothing comes that could match, and no timer runs.
             change{"+0 ioctl(4, SIOCINQ, [1000]) = 0", "+0 > . 1:1(0) ack 1001 <...>", 11, "no timer runs"},
             // The ACK that nobody asked for is met by the next line that expects something ...
             change{"+.04 > . 1:1(0) ack 1001 win 64535 <nop,nop,TS val 160 ecr 520>",
                    "+.04 getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 0", 17, "the flags differ"},
             // ... and at the end by none.
             change{"+0 > F. 501:501(0) ack 1002 <...>\n", "", 23, "what no line expects"},
         })
        notices(c);
}

TEST_CASE("A call that does not return what is expected") {
    for (const change& c : {
             change{"2000) = 1000", "2000) = 999", 13, "'read' returned 1000, but expected 999"},
             change{"= -1 EAGAIN", "= -1 ENOTCONN", 14, "'recv' failed with EAGAIN, but expected ENOTCONN"},
             change{"2000, MSG_DONTWAIT) = -1 EAGAIN", "2000, MSG_DONTWAIT) = 5 EAGAIN", 14, "returned -1 EAGAIN"},
             change{"[0], [4]) = 0", "[ECONNRESET], [4]) = 0", 15, "expected the value ECONNRESET, but got 0"},
             change{"[0], [4]) = 0", "[0], [8]) = 0", 15, "expected the length 8, but got 4"},
             change{"[1000]) = 0", "[1001]) = 0", 11, "expected the number 1001, but got 1000"},
             change{"revents=POLLIN", "revents=POLLIN|POLLHUP", 12, "expected revents 0x11, but got 0x1"},
             change{"listen(3, 1) = 0", "listen(3, 1) = -1 EINVAL (Invalid)", 4, "returned 0, but expected -1 EINVAL"},
             change{"tcpi_state == TCP_CLOSE_WAIT", "tcpi_state == TCP_ESTABLISHED", 22,
                    "tcpi_state is 8, but expected == TCP_ESTABLISHED"},
             change{"tcpi_unacked == 0", "tcpi_unacked > 0", 22, "tcpi_unacked is 0, but expected > 0"},
         })
        notices(c);
}

TEST_CASE("A call that sleeps for another time than expected") {
    for (const change& c : {
             change{"+0...0.1 read", "+0...0.05 read", 19, "still blocks at 0.17"},
             change{"+0...0.1 read", "+0...0.2 read", 19, "but expected at 0.27"},
             change{"+0...0.1 read(4, ..., 2000) = 0", "+0...0.1 read(4, ..., 2000) = 10", 19,
                    "returned 0, but expected 10"},
         })
        notices(c);
}

TEST_CASE("A call that never returns") {
    constexpr std::string_view script = R"(
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0...0.1 accept(3, ..., ...) = 4
)";
    const outcome got = play(script, {});
    CHECK(got.is == outcome::kind::failed);
    CHECK(got.at.line == 5);
    CHECK(got.what.find("this call still blocks") != std::string::npos);
}

TEST_CASE("A script that cannot be meant so") {
    for (const change& c : {
             change{"< . 1:1(0) ack 1 win 65535 <nop,nop,TS val 510 ecr 100>",
                    "< . 1:1(0) ack 1 win 65535 <nop,nop,TS val 510 ecr 77>", 7, "echoes TS val 77"},
             change{"accept(3", "accept(9", 8, "the script has no descriptor 9"},
             change{"+0 listen(3, 1) = 0\n", "", 4, "neither listens nor connects"},
             change{"+.01 < . 1:1(0)", "0 < . 1:1(0)", 7, "before the line above"},
         })
        notices(c);
}

TEST_CASE("What is not understood is an error with its place") {
    struct mistake {
        std::string_view text;
        int line, column;
        std::string_view why;
    };
    for (const mistake& m : {
             mistake{"+0 frobnicate(3) = 0", 1, 1, "the call 'frobnicate' is not known here"},
             mistake{"+0 > Q. 0:0(0) ack 1", 1, 6, "'Q' is no flag"},
             mistake{"+0 > SS 0:0(0)", 1, 6, "stands here twice"},
             mistake{"+0 < . 1:1(0) win 5", 1, 15, "expected 'ack <number>'"},
             mistake{"+0 < S 0:0(0) ack 1 win 5", 1, 19, "no '.' among the flags"},
             mistake{"+0 < S 0:0(0)", 1, 4, "needs its window"},
             mistake{"+0 > P. 1:100(100) ack 1", 1, 11, "1 and 100 octets make 101, not 100"},
             mistake{"+0 > S 0:0(0) <mss 1460,foo>", 1, 25, "expected an option here"},
             mistake{"+0 > S 0:0(0) <sackOK>", 1, 6, "pad them to a multiple of four"},
             mistake{"+0 > S 0:0(0) <mss 70000>", 1, 20, "the MSS must lie between 0 and 65535"},
             mistake{"+0 < S 0:0(0) win 5 <...>", 1, 4, "is for outbound segments"},
             mistake{"* < S 0:0(0) win 5", 1, 3, "for outbound packets only"},
             mistake{"+0 < udp (10)", 1, 6, "'udp' packets are not understood"},
             mistake{"0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ...) = 0", 2, 1, "takes 3 arguments"},
             mistake{"0 socket(..., SOCK_FOO, IPPROTO_TCP) = 3", 1, 15, "'SOCK_FOO' is no name"},
             mistake{"0 socket(..., SOCK_STREAM IPPROTO_TCP) = 3", 1, 27, "expected ')' here"},
             mistake{"0 socket(..., SOCK_STREAM, IPPROTO_TCP)", 1, 40, "expected '=' here"},
             mistake{"0 socket(..., 99, IPPROTO_TCP) = -1 EFOO (x)", 1, 37, "'EFOO' is no error"},
             mistake{"`sysctl -q net.ipv4.tcp_sack=0`\n+0 close(3) = 0", 1, 1, "commands are not run here"},
             mistake{"+0 %{ print(tcpi_state) }%", 1, 7, "no Python is run here"},
             mistake{"+0 %{ assert tcpi_state = 1 }%", 1, 25, "expected == or != here"},
             mistake{"--frob=1\n+0 close(3) = 0", 1, 1, "the option --frob is not known"},
             mistake{"--tolerance_usecs=x\n+0 close(3) = 0", 1, 1, "expected a whole number"},
             mistake{"/* no end", 1, 1, "this comment has no end"},
             mistake{"// nothing\n", 2, 1, "there is no event"},
             mistake{"1 < S 0:0(0) win 5\n.5 < S 0:0(0) win 5", 2, 1, "before the line above"},
             mistake{"+0 < S 0:0(0) win 5\n+0 < icmp unreachable nonsense [0:0(0)]", 2, 23, "'nonsense' is no code"},
         }) {
        const outcome got = play(m.text, {});
        INFO(fmt::format("{}\n{}:{}: {}", m.text, got.at.line, got.at.column, got.what));
        CHECK(got.is == outcome::kind::failed);
        CHECK(got.at.line == m.line);
        CHECK(got.at.column == m.column);
        CHECK(got.what.find(m.why) != std::string::npos);
    }
}

TEST_CASE("The report shows the line, a caret, both segments, and what happened before") {
    const std::string text = changed("ack 1001 win 64535", "ack 1001 win 1");
    const std::string said = report("a.pkt", text, play(text, {}));
    INFO(said);
    for (const std::string_view part :
         {"a.pkt:10: the windows differ\n", "> . 1:1(0) ack 1001 win 1 <nop,nop,TS val 160 ecr 520>\n",
          "> . 1:1(0) ack 1001 win 64535 <nop,nop,TS val 160 ecr 520>\n", "\n    +.04 > . 1:1(0)", "\n    ^\n",
          "    0.020", "  < P. 1:1001(1000) ack 1 win 65535 <nop,nop,TS val 520 ecr 100>\n"})
        CHECK(said.find(part) != std::string::npos);
}

TEST_CASE("A line may stand for several segments, unless it must not") {
    constexpr std::string_view script = R"(
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.01 < . 1:1(0) ack 1 win 65535
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 3000) = 3000
+0 > P. 1:3001(3000) ack 1
)";
    settings how;
    how.so_flags = "persona=rfc";
    CHECK(play(script, how).is == outcome::kind::passed);
    how.strict_segments = true;
    CHECK(play(script, how).what.find("the flags differ") != std::string::npos);
}

TEST_CASE("Numbers of the peer may begin anywhere") {
    for (const std::uint32_t isn : {0x7fffffffU, 0x80000000U, 0xffffffffU, 0xfffffc00U}) {
        settings how;
        how.peer_isn = isn;
        CHECK(play(right, how).is == outcome::kind::passed);
    }
}
