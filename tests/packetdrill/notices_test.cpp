// SPDX-License-Identifier: MIT
// What a socket of the Linux look tells beside its text: the error queue, control messages, room to write.

#include "guest.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <time.h>  // NOLINT

#include <fcntl.h>
#include <linux/errqueue.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace packetdrill;

/// A connection that a peer at 4000 has opened, over IPv4, with segments of 1000 octets at most.
class connected {
public:
    explicit connected(std::uint16_t window = 65535, const std::string& words = "") : net{flags(words)} {
        const int door = door_of(net);
        segment syn{.seq = seq{100}, .ctl = ctl::syn, .wnd = window};
        syn.options.has_mss = true;
        syn.options.mss = 1000;
        give(net, syn);
        ours_ = look(next_packet(net)).segment.seq + 1;
        window_ = window;
        acks(0);
        fd = net.accept(door, nullptr, nullptr);
        REQUIRE(fd >= 0);
        REQUIRE(net.fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    }
    /// The peer acknowledges so many octets.
    void acks(std::uint32_t octets) {
        give(net, {.seq = theirs_, .ack = ours_ + octets, .ctl = ctl::ack, .wnd = window_});
    }
    /// The peer sends so much text, and its end.
    void speaks(std::uint32_t octets, control ends = {}) {
        segment seg{.seq = theirs_, .ack = ours_, .ctl = ctl::ack | ends, .wnd = window_};
        seg.text = octets;
        give(net, seg);
        theirs_ += octets + (ends.has(ctl::fin) ? 1U : 0U);
    }
    ssize_t sends(std::size_t octets, int how = 0) {
        const std::string text(octets, 'x');
        const iovec piece{const_cast<char*>(text.data()), text.size()};
        return net.transmit(fd, {&piece, 1}, how);
    }
    void sets(int level, int name, int value) { REQUIRE(net.setsockopt(fd, level, name, &value, sizeof value) == 0); }
    /// All that has left by now: octets of text, with a P for PSH.
    std::string leaves() {
        std::string out;
        while (!net.left_over().empty()) {
            const glance at = look(next_packet(net));
            out += (out.empty() ? "" : " ") + std::to_string(at.segment.text) + (at.segment.has(ctl::psh) ? "P" : "");
        }
        return out;
    }
    short polls(short wants) {
        pollfd one{fd, wants, 0};
        net.poll({&one, 1}, 0);
        return one.revents;
    }

    sockets net;
    int fd = -1;

private:
    seq ours_{};
    seq theirs_{101};
    std::uint16_t window_ = 0;
};

/// One message with its control messages.
struct message {
    ssize_t said = -1;
    int flags = 0;
    std::optional<sock_extended_err> error{};
    std::optional<std::int64_t> at{};  ///< microseconds
    std::optional<int> queued{};
};
message hear(connected& c, int flags, std::size_t size = 0, std::size_t room = 512) {
    std::string text(size, '\0');
    std::vector<char> control(room);
    iovec piece{text.data(), text.size()};
    msghdr m{};
    m.msg_iov = &piece;
    m.msg_iovlen = 1;
    m.msg_control = control.data();
    m.msg_controllen = control.size();
    message got;
    got.said = c.net.receive_message(c.fd, m, flags);
    if (got.said < 0) return got;
    got.flags = m.msg_flags;
    for (cmsghdr* each = CMSG_FIRSTHDR(&m); each != nullptr; each = CMSG_NXTHDR(&m, each)) {
        const auto take = [&](auto& into) { std::memcpy(&into.emplace(), CMSG_DATA(each), sizeof *into); };
        if (each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_RECVERR) take(got.error);
        if (each->cmsg_level == IPPROTO_TCP) take(got.queued);
        if (each->cmsg_level == SOL_SOCKET && each->cmsg_type == SO_TIMESTAMPING) {
            std::array<timespec, 3> three{};
            std::memcpy(&three, CMSG_DATA(each), sizeof three);
            got.at = three[0].tv_sec * 1'000'000 + three[0].tv_nsec / 1000;
        }
    }
    return got;
}
/// Which calls the next notice gives their memory back: "0-2"; or nothing.
std::string returned(connected& c) {
    const message m = hear(c, MSG_ERRQUEUE);
    if (m.said < 0) return errno == EAGAIN ? "" : "failed";
    if (!m.error || m.error->ee_origin != SO_EE_ORIGIN_ZEROCOPY || m.flags != MSG_ERRQUEUE) return "something else";
    CHECK(m.error->ee_code == SO_EE_CODE_ZEROCOPY_COPIED);
    return std::to_string(m.error->ee_info) + "-" + std::to_string(m.error->ee_data);
}

}  // namespace

TEST_CASE("memory that was lent comes back when its text is acknowledged", "[packetdrill]") {
    connected c;
    c.sets(SOL_SOCKET, SO_ZEROCOPY, 1);
    CHECK(c.sends(1000, MSG_ZEROCOPY) == 1000);
    CHECK(c.sends(500) == 500);  // lends nothing
    CHECK(c.sends(1000, MSG_ZEROCOPY) == 1000);
    CHECK(c.sends(1000, MSG_ZEROCOPY) == 1000);
    CHECK(returned(c).empty());
    c.acks(999);
    CHECK((c.polls(POLLIN) & POLLERR) == 0);
    c.acks(1000);
    CHECK((c.polls(POLLIN) & POLLERR) != 0);
    CHECK(returned(c) == "0-0");
    CHECK((c.polls(POLLIN) & POLLERR) == 0);
    c.acks(2500);
    c.acks(3500);
    CHECK(returned(c) == "1-2");
    CHECK(returned(c).empty());
    SECTION("or when the connection is gone") {
        CHECK(c.sends(10, MSG_ZEROCOPY) == 10);
        c.speaks(0, ctl::rst);
        CHECK(returned(c) == "3-3");
    }
    SECTION("and is not lent if nobody has said so") {
        c.sets(SOL_SOCKET, SO_ZEROCOPY, 0);
        CHECK(c.sends(10, MSG_ZEROCOPY) == 10);
        c.acks(3510);
        CHECK(returned(c).empty());
    }
}

TEST_CASE("the last octet of a call has times: queued, sent, acknowledged", "[packetdrill]") {
    connected c;
    const auto next = [&] {
        const message m = hear(c, MSG_ERRQUEUE);
        if (m.said < 0) return std::string{};
        REQUIRE((m.error && m.error->ee_origin == SO_EE_ORIGIN_TIMESTAMPING && m.error->ee_errno == ENOMSG));
        CHECK(m.flags == (MSG_ERRQUEUE | MSG_TRUNC));
        constexpr std::array names{"sent", "queued", "acknowledged"};
        return std::string{names.at(m.error->ee_info)} + " " + std::to_string(m.error->ee_data) +
               (m.at ? " " + std::to_string(c.net.gettimeofday() - *m.at >= 10'000) : "");
    };
    c.sets(SOL_SOCKET, SO_TIMESTAMPING, 2 | 16 | 128 | 256 | 512);
    CHECK(c.sends(2500) == 2500);
    c.net.usleep(10'000);
    c.acks(2499);
    CHECK(next() == "queued 2499 1");
    CHECK(next() == "sent 2499 1");
    CHECK(next().empty());
    c.acks(2500);
    CHECK(next() == "acknowledged 2499 0");
    CHECK(next().empty());
    c.sets(SOL_SOCKET, SO_TIMESTAMPING, 512);  // the time is not told, nor which
    CHECK(c.sends(10) == 10);
    c.acks(2510);
    CHECK(next() == "acknowledged 0");
    c.sets(SOL_SOCKET, SO_TIMESTAMPING, 0);
    CHECK(c.sends(10) == 10);
    c.acks(2520);
    CHECK(next().empty());
}

TEST_CASE("recvmsg says how much is left to read, if it is asked", "[packetdrill]") {
    connected c;
    c.speaks(1000);
    CHECK_FALSE(hear(c, 0, 100).queued);
    c.sets(IPPROTO_TCP, TCP_INQ, 1);
    CHECK(hear(c, 0, 100).queued == 800);
    CHECK(hear(c, 0, 800).queued == 0);
    c.speaks(10, ctl::fin);
    CHECK(hear(c, 0, 3).queued == 7);
    CHECK(hear(c, 0, 7).queued == 1);  // the end
    CHECK(hear(c, 0, 7).said == 0);
    const message cut = hear(c, 0, 1, 4);
    CHECK((cut.flags & MSG_CTRUNC) != 0);
    CHECK_FALSE(cut.queued);
}

TEST_CASE("what the system writes to the descriptor leaves as text", "[packetdrill]") {
    connected c;
    const int file = ::memfd_create("text", MFD_CLOEXEC);
    REQUIRE(file >= 0);
    REQUIRE(::ftruncate(file, 1200) == 0);
    CHECK(::sendfile(c.fd, file, nullptr, 1200) == 1200);
    CHECK(look(next_packet(c.net)).segment.text == 1000);
    c.acks(1000);
    CHECK(c.leaves() == "200P");
    ::close(file);
}

TEST_CASE("a buffer takes what it has memory for, and says when there is enough again", "[packetdrill]") {
    connected c;
    c.sets(SOL_SOCKET, SO_SNDBUF, 10'000);  // doubled
    const ssize_t taken = c.sends(60'000);
    CHECK(taken >= 20'000);  // the last buffer is filled
    CHECK(taken < 60'000);
    CHECK(c.sends(1) == -1);
    CHECK(errno == EAGAIN);
    CHECK(c.polls(POLLOUT) == 0);
    // A third must be free, and what is counted beside the text is no text.
    std::uint32_t acked = 0;
    while (c.polls(POLLOUT) == 0 && acked < 60'000) c.acks(acked += 1000);
    const auto left = static_cast<std::size_t>(taken) - acked;
    CHECK(left < 20'000 / 2);
    CHECK(left > 20'000 / 4);
    c.sets(IPPROTO_TCP, TCP_NOTSENT_LOWAT, 1);
    while (c.polls(POLLOUT) == 0 && acked < 60'000) c.acks(acked += 1000);
    CHECK(c.sends(60'000) > 0);
}

TEST_CASE("no more text than was said waits to be sent", "[packetdrill]") {
    connected c;
    c.sets(IPPROTO_TCP, TCP_NOTSENT_LOWAT, 4000);
    // A first window of ten segments, and what fits beside: the buffer in which it ends is filled.
    const ssize_t taken = c.sends(100'000);
    CHECK(taken >= 14'000);
    CHECK(taken <= 10'000 + 4000 + 32'000);
    CHECK(c.polls(POLLOUT) == 0);
    auto acked = static_cast<std::uint32_t>(0);
    while (c.polls(POLLOUT) == 0 && acked < 100'000) c.acks(acked += 1000);
    int unsent = 0;
    REQUIRE(c.net.ioctl(c.fd, 0x894B, &unsent) == 0);  // SIOCOUTQNSD
    CHECK(unsent < 2000);
}
