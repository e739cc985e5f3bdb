// SPDX-License-Identifier: MIT
// notices.hpp: what a Linux socket tells beside its text: the error queue, and control messages.
#pragma once

#include <tcpfsm/seq.hpp>
#include <tcpfsm/time.hpp>

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

// Two things are told of text that a user has given: that it may touch its memory again (MSG_ZEROCOPY), and when the
// last octet of a call left, or was acknowledged (SO_TIMESTAMPING). Here all text is copied when it is given, and the
// notices say so.

namespace packetdrill {

/// Appends control messages to a message, as far as there is room.
class control_writer {
public:
    explicit control_writer(msghdr& into) : into_{into}, room_{into.msg_controllen} { into_.msg_controllen = 0; }

    template <class T>
    void put(int level, int type, const T& what) {
        put(level, type, &what, sizeof what);
    }
    void put(int level, int type, const void* what, std::size_t size);

private:
    msghdr& into_;
    std::size_t room_;
};

/// The error queue of one socket, and what will go there.
class notices {
public:
    using seq = tcpfsm::seq;
    /// The bits of SO_TIMESTAMPING that count here.
    enum stamps : unsigned { on_sending = 2, told = 16, numbered = 128, on_queueing = 256, on_ack = 512 };

    /// SO_TIMESTAMPING. Octets are numbered from `first`.
    void stamp(unsigned which, seq first);
    [[nodiscard]] unsigned stamping() const { return stamping_; }
    /// A call has given text that ends at `end`.
    void wrote(seq end, bool lends_memory);
    /// Text [from, end) leaves.
    void left(seq from, seq end, tcpfsm::time_point now);
    /// All before `una` is acknowledged. Answers whether there is news.
    bool acknowledged(seq una, tcpfsm::time_point now);
    /// The connection is gone, and its text with it. Answers whether there is news.
    bool over();

    [[nodiscard]] bool empty() const { return queue_.empty(); }
    /// recvmsg with MSG_ERRQUEUE: the oldest notice. -1 and errno if there is none.
    ssize_t receive(msghdr& into, bool v4);

private:
    struct notice {
        std::uint32_t error = 0, info = 0, data = 0;
        std::uint8_t origin = 0, code = 0;
        std::optional<tcpfsm::time_point> at{};
    };
    struct loan {
        seq end{};
        std::uint32_t number = 0;
    };
    void add_stamp(std::uint32_t what, seq last, tcpfsm::time_point at);
    void give_back(std::uint32_t number);

    std::deque<notice> queue_{};
    std::deque<loan> loans_{};
    std::deque<seq> stamped_{};  ///< the last octets of calls
    unsigned stamping_ = 0;
    seq first_{};
    std::uint32_t calls_ = 0;  ///< that lent memory
};

}  // namespace packetdrill
