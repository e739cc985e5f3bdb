// SPDX-License-Identifier: MIT
// plugin.cpp: the table that packetdrill asks for, over sockets.hpp.
#include "plugin.hpp"

#include "interface.hpp"
#include "sockets.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace {

using packetdrill::settings;
using packetdrill::sockets;

/// One script's stack.
struct guest {
    settings how;
    sockets calls;
};

sockets& of(void* self) { return static_cast<guest*>(self)->calls; }

[[noreturn]] void refuse(const std::string& why) {
    std::fprintf(stderr, "tcpfsm: --so_flags: %s\n", why.c_str());
    std::exit(1);
}

/// The last call of a script that passed. What nobody has received by then is told, and under `strict_end` a failure.
void end_of_script(void* self) {
    const std::unique_ptr<guest> it{static_cast<guest*>(self)};
    if (!it->how.strict_end) return;
    const auto rest = it->calls.left_over();
    if (rest.empty()) return;
    for (const auto& line : rest)
        std::fprintf(stderr, "tcpfsm: unexpected at the end of the script: %s\n", line.c_str());
    std::exit(1);
}

std::span<const iovec> all(const iovec* pieces, int count) { return {pieces, static_cast<std::size_t>(count)}; }
ssize_t receive(void* self, int fd, void* into, std::size_t size, int flags) {
    const iovec piece{into, size};
    return of(self).receive(fd, {&piece, 1}, flags);
}
ssize_t transmit(void* self, int fd, const void* text, std::size_t size, int flags) {
    const iovec piece{const_cast<void*>(text), size};
    return of(self).transmit(fd, {&piece, 1}, flags);
}

int do_fcntl(void* self, int fd, int command, ...) {
    std::va_list more;
    va_start(more, command);
    const int value = command == F_SETFL || command == F_SETFD ? va_arg(more, int) : 0;
    va_end(more);
    return of(self).fcntl(fd, command, value);
}
int do_ioctl(void* self, int fd, unsigned long request, ...) {
    std::va_list more;
    va_start(more, request);
    int* const value = va_arg(more, int*);
    va_end(more);
    return of(self).ioctl(fd, request, value);
}
ssize_t do_recvmsg(void* self, int fd, msghdr* message, int flags) {
    return of(self).receive_message(fd, *message, flags);
}
ssize_t do_recvfrom(void* self, int fd, void* into, std::size_t size, int flags, sockaddr*, socklen_t* length) {
    if (length != nullptr) *length = 0;
    return receive(self, fd, into, size, flags);
}

}  // namespace

extern "C" void packetdrill_interface_init(const char* words, packetdrill_interface* ifc) {
    std::string why;
    const auto how = packetdrill::parse_flags(words != nullptr ? words : "", why);
    if (!how) refuse(why);
    // packetdrill locks all memory, for its clock's sake. This clock is not a real one, and the buffers are large.
    ::munlockall();
    packetdrill::begin(ifc, *how, packetdrill::make_stack(*how));
}

void packetdrill::begin(packetdrill_interface* ifc, const settings& how, std::unique_ptr<stack> over) {
    *ifc = {};
    ifc->userdata = new guest{how, {how, std::move(over)}};
    ifc->free = end_of_script;

    ifc->socket = [](void* self, int domain, int type, int protocol) {
        return of(self).socket(domain, type, protocol);
    };
    ifc->bind = [](void* self, int fd, const sockaddr* a, socklen_t n) { return of(self).bind(fd, a, n); };
    ifc->listen = [](void* self, int fd, int backlog) { return of(self).listen(fd, backlog); };
    ifc->accept = [](void* self, int fd, sockaddr* a, socklen_t* n) { return of(self).accept(fd, a, n); };
    ifc->connect = [](void* self, int fd, const sockaddr* a, socklen_t n) { return of(self).connect(fd, a, n); };

    ifc->read = [](void* self, int fd, void* into, std::size_t n) { return receive(self, fd, into, n, 0); };
    ifc->readv = [](void* self, int fd, const iovec* v, int n) { return of(self).receive(fd, all(v, n), 0); };
    ifc->recv = receive;
    ifc->recvfrom = do_recvfrom;
    ifc->recvmsg = do_recvmsg;
    ifc->write = [](void* self, int fd, const void* text, std::size_t n) { return transmit(self, fd, text, n, 0); };
    ifc->writev = [](void* self, int fd, const iovec* v, int n) { return of(self).transmit(fd, all(v, n), 0); };
    ifc->send = transmit;
    ifc->sendto = [](void* self, int fd, const void* text, std::size_t n, int flags, const sockaddr* to, socklen_t m) {
        const iovec piece{const_cast<void*>(text), n};
        return of(self).transmit(fd, {&piece, 1}, flags, to, m);
    };
    ifc->sendmsg = [](void* self, int fd, const msghdr* m, int flags) {
        return of(self).transmit(fd, {m->msg_iov, m->msg_iovlen}, flags, static_cast<const sockaddr*>(m->msg_name),
                                 m->msg_namelen);
    };

    ifc->fcntl = do_fcntl;
    ifc->ioctl = do_ioctl;
    ifc->close = [](void* self, int fd) { return of(self).close(fd); };
    ifc->shutdown = [](void* self, int fd, int way) { return of(self).shutdown(fd, way); };
    ifc->getsockopt = [](void* self, int fd, int level, int name, void* value, socklen_t* n) {
        return of(self).getsockopt(fd, level, name, value, n);
    };
    ifc->setsockopt = [](void* self, int fd, int level, int name, const void* value, socklen_t n) {
        return of(self).setsockopt(fd, level, name, value, n);
    };
    ifc->poll = [](void* self, pollfd* fds, nfds_t n, int ms) { return of(self).poll({fds, n}, ms); };

    ifc->netdev_send = [](void* self, const void* packet, std::size_t size) {
        return of(self).netdev_send({static_cast<const std::uint8_t*>(packet), size});
    };
    ifc->netdev_receive = [](void* self, void* packet, std::size_t* size, long long* microseconds) {
        return of(self).netdev_receive({static_cast<std::uint8_t*>(packet), *size}, *size, *microseconds);
    };
    ifc->usleep = [](void* self, useconds_t microseconds) {
        of(self).usleep(microseconds);
        return 0;
    };
    ifc->gettimeofday = [](void* self, timeval* now, struct timezone*) {
        const std::int64_t us = of(self).gettimeofday();
        *now = {us / 1'000'000, us % 1'000'000};
        return 0;
    };

    ifc->epoll_create = [](void* self, int size) {
        if (size > 0) return of(self).epoll_create();
        errno = EINVAL;
        return -1;
    };
    ifc->epoll_ctl = [](void* self, int set, int operation, int fd, epoll_event* event) {
        return of(self).epoll_ctl(set, operation, fd, event);
    };
    ifc->epoll_wait = [](void* self, int set, epoll_event* events, int count, int ms) {
        return of(self).epoll_wait(set, {events, static_cast<std::size_t>(std::max(count, 0))}, ms);
    };
    ifc->pipe = [](void* self, int fds[2]) { return of(self).pipe(fds); };
    ifc->splice = [](void* self, int in, loff_t*, int out, loff_t*, std::size_t size, unsigned flags) {
        return static_cast<int>(of(self).splice(in, out, size, flags));
    };
}
