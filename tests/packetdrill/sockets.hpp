// SPDX-License-Identifier: MIT
// sockets.hpp: BSD sockets over a host, with a clock that moves only when it is told to.
#pragma once

#include "interface.hpp"
#include "persona.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// Two threads come in: the one that made the object, and one that makes the calls that may block. A call that would
// block on the first lets the time pass until it need not. On the other it sleeps until something that happens lets
// it go on; and until it has gone on, and has looked at the clock, the clock stands.

namespace packetdrill {

class socket_object;
struct end_of_pipe;
struct poll_set;

/// What a descriptor names: one of the three.
struct descriptor {
    std::shared_ptr<socket_object> socket{};
    std::shared_ptr<end_of_pipe> pipe{};
    std::shared_ptr<poll_set> set{};
    int outside = -1;  ///< what the system writes to the descriptor comes out here
};

/// The calls of `packetdrill_interface`, under their names. -1 means that errno says why.
class sockets {
public:
    explicit sockets(const settings& how);
    /// Over a host of the caller's.
    sockets(const settings& how, std::unique_ptr<stack> over);
    ~sockets();
    sockets(const sockets&) = delete;
    sockets& operator=(const sockets&) = delete;

    int socket(int domain, int type, int protocol);
    int bind(int fd, const sockaddr* address, socklen_t length);
    int listen(int fd, int backlog);
    int accept(int fd, sockaddr* address, socklen_t* length);
    int connect(int fd, const sockaddr* address, socklen_t length);

    /// read, readv, recv and recvfrom.
    ssize_t receive(int fd, std::span<const iovec> into, int flags);
    /// recvmsg, with control messages and the error queue.
    ssize_t receive_message(int fd, msghdr& into, int flags);
    /// write, writev, send, sendto and sendmsg.
    ssize_t transmit(int fd, std::span<const iovec> from, int flags, const sockaddr* address = nullptr,
                     socklen_t length = 0);
    ssize_t splice(int in, int out, std::size_t size, unsigned flags);

    int fcntl(int fd, int command, int value);
    int ioctl(int fd, unsigned long request, int* value);
    int close(int fd);
    int shutdown(int fd, int how);
    int getsockopt(int fd, int level, int name, void* value, socklen_t* length);
    int setsockopt(int fd, int level, int name, const void* value, socklen_t length);

    int poll(std::span<pollfd> fds, int milliseconds);
    int epoll_create();
    int epoll_ctl(int set, int operation, int fd, const epoll_event* event);
    int epoll_wait(int set, std::span<epoll_event> events, int milliseconds);
    int pipe(int fds[2]);

    int netdev_send(std::span<const std::uint8_t> octets);
    int netdev_receive(std::span<std::uint8_t> into, std::size_t& size, long long& microseconds);
    void usleep(std::uint64_t microseconds);
    [[nodiscard]] std::int64_t gettimeofday();

    /// Packets that left the stack and that nobody has received, each in a line of words. What answers the reset
    /// that ends a script is none of them.
    [[nodiscard]] std::vector<std::string> left_over();

private:
    using lock = std::unique_lock<std::mutex>;
    using socket_ptr = std::shared_ptr<socket_object>;
    struct packet_out {
        std::string octets;
        std::int64_t left_at;
        /// It answers the last packet that came on this connection, a reset: that is how packetdrill cleans up.
        std::optional<tcpfsm::four_tuple> answers_reset;
    };
    struct waiter {
        std::function<bool()> ready;
        tcpfsm::time_point deadline;
        std::thread::id who;
        bool woken = false;
    };

    // Descriptors.
    int add(descriptor d);
    [[nodiscard]] descriptor find(int fd) const;
    [[nodiscard]] socket_ptr find_socket(int fd) const;
    [[nodiscard]] socket_ptr owner_of(tcpfsm::handle h) const;

    // Time, and who waits for it.
    bool wait(lock& held, tcpfsm::time_point deadline, std::function<bool()> ready);
    void wake_all();
    void let_run(lock& held);
    void advance_to(lock& held, tcpfsm::time_point then);
    [[nodiscard]] tcpfsm::time_point next_timer() const;
    [[nodiscard]] tcpfsm::time_point in(int milliseconds) const;

    // The stack.
    void settle();
    void react(const tcpfsm::host_event& told);
    void transmit_all();
    std::optional<bool> count_sent(const glance& at, bool goes_on);
    [[nodiscard]] std::size_t piece_of(const vitals& v, tcpfsm::duration smoothed, bool again) const;
    void keep_time(socket_object& s);
    bool next_record();
    void choose_nagle();
    void read_sysctls();
    void note_icmp(std::span<const std::uint8_t> packet);
    void end(socket_object& s, tcpfsm::news why);
    void adopt(const tcpfsm::host_event& told);
    void apply_options(socket_object& s);
    void push_corked(socket_object& s, bool all);
    void release_corked(const glance& at);
    [[nodiscard]] std::size_t send_room(const socket_object& s) const;
    [[nodiscard]] std::size_t buffer_goal(const vitals& v) const;
    [[nodiscard]] bool has_memory(const socket_object& s, std::uint64_t parts_of_unsent) const;
    [[nodiscard]] std::size_t own_room(const socket_object& s) const;
    [[nodiscard]] bool writable(const socket_object& s) const;
    void free_memory(socket_object& s) const;
    void grow(socket_object& s, const vitals& v) const;
    void note_written(socket_object& s, std::size_t octets) const;
    void note_call(socket_object& s, int flags) const;
    void take_outside(lock& held);
    ssize_t write_text(lock& held, const socket_ptr& s, std::span<const iovec> from, int flags, const sockaddr* address,
                       socklen_t length);
    [[nodiscard]] static bool lends_memory(const socket_object& s, int flags);
    [[nodiscard]] std::size_t readable(const socket_object& s) const;
    [[nodiscard]] std::size_t queued(const socket_object& s) const;
    [[nodiscard]] short events_of(const socket_object& s) const;
    [[nodiscard]] short events_of(int fd) const;
    int start_listening(const socket_ptr& s, int backlog);
    int begin_connecting(const socket_ptr& s, const tcpfsm::endpoint& to, std::span<const std::uint8_t>* text);
    void remember_fast(socket_object& s);
    int start_connecting(lock& held, const socket_ptr& s, const sockaddr* address, socklen_t length);
    ssize_t take_text(socket_object& s, std::span<const iovec> into, bool peek);
    int get_tcp_info(const socket_object& s, void* value, socklen_t* length) const;
    int collect(poll_set& set, std::span<epoll_event> events, bool consume);

    settings how_;
    std::unique_ptr<stack> stack_;
    dresser dresser_;
    std::thread::id owner_ = std::this_thread::get_id();
    mutable std::mutex mutex_;
    std::condition_variable wakes_, ran_;
    std::deque<waiter*> waiters_;
    std::vector<std::thread::id> running_;  ///< woken, and not seen since
    tcpfsm::time_point now_;
    std::map<int, descriptor> open_;
    std::vector<std::pair<tcpfsm::handle, std::weak_ptr<socket_object>>> owners_;
    std::vector<std::pair<tcpfsm::listener_id, std::weak_ptr<socket_object>>> listening_;
    std::deque<packet_out> out_;
    int icmp_error_ = 0;
    /// What is known of a server that was opened fast.
    struct remembered {
        tcpfsm::fast_open_cookie cookie{};
        std::uint16_t mss = 1460;
    };
    std::map<tcpfsm::ip_address, remembered> servers_;
    unsigned forgotten_ = 0;  ///< how often the script has wanted that
};

}  // namespace packetdrill
