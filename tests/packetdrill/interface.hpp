// SPDX-License-Identifier: MIT
// interface.hpp: what packetdrill's --so_filename asks a stack for: a table of socket calls, a device and a clock.
#pragma once

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>

// packetdrill loads a library, looks up `packetdrill_interface_init` and has it fill in this table, in this order.
// Each call takes `userdata` first, returns what the POSIX call of its name returns, and sets errno if that is -1.
// No member may stay null: packetdrill does not look before it calls. The stack has no other input: its
// configuration is `flags`, which is the string of --so_flags as it stands, or null.

extern "C" {

/// The stack as packetdrill sees it.
struct packetdrill_interface {
    void* userdata;
    void (*free)(void* self);

    int (*socket)(void* self, int domain, int type, int protocol);
    int (*bind)(void* self, int fd, const sockaddr* address, socklen_t length);
    int (*listen)(void* self, int fd, int backlog);
    int (*accept)(void* self, int fd, sockaddr* address, socklen_t* length);
    int (*connect)(void* self, int fd, const sockaddr* address, socklen_t length);

    ssize_t (*read)(void* self, int fd, void* into, std::size_t size);
    ssize_t (*readv)(void* self, int fd, const iovec* pieces, int count);
    ssize_t (*recv)(void* self, int fd, void* into, std::size_t size, int flags);
    ssize_t (*recvfrom)(void* self, int fd, void* into, std::size_t size, int flags, sockaddr* from, socklen_t* length);
    ssize_t (*recvmsg)(void* self, int fd, msghdr* message, int flags);

    ssize_t (*write)(void* self, int fd, const void* text, std::size_t size);
    ssize_t (*writev)(void* self, int fd, const iovec* pieces, int count);
    ssize_t (*send)(void* self, int fd, const void* text, std::size_t size, int flags);
    ssize_t (*sendto)(void* self, int fd, const void* text, std::size_t size, int flags, const sockaddr* to,
                      socklen_t length);
    ssize_t (*sendmsg)(void* self, int fd, const msghdr* message, int flags);

    int (*fcntl)(void* self, int fd, int command, ...);            ///< none or one int more
    int (*ioctl)(void* self, int fd, unsigned long request, ...);  ///< none or one int* more, to be written
    int (*close)(void* self, int fd);
    int (*shutdown)(void* self, int fd, int how);
    int (*getsockopt)(void* self, int fd, int level, int name, void* value, socklen_t* length);
    int (*setsockopt)(void* self, int fd, int level, int name, const void* value, socklen_t length);
    int (*poll)(void* self, pollfd* fds, nfds_t count, int milliseconds);

    /// An IP packet for the stack; the link layer is not there.
    int (*netdev_send)(void* self, const void* packet, std::size_t size);
    /// The next IP packet of the stack's, and when it left, in microseconds of `gettimeofday`. There is no way to
    /// say "none" but a packet of no octets.
    int (*netdev_receive)(void* self, void* packet, std::size_t* size, long long* microseconds);
    int (*usleep)(void* self, useconds_t microseconds);
    int (*gettimeofday)(void* self, timeval* now, struct timezone* zone);

    int (*epoll_create)(void* self, int size);
    int (*epoll_ctl)(void* self, int set, int operation, int fd, epoll_event* event);
    int (*epoll_wait)(void* self, int set, epoll_event* events, int count, int milliseconds);
    int (*pipe)(void* self, int fds[2]);
    int (*splice)(void* self, int in, loff_t* in_offset, int out, loff_t* out_offset, std::size_t size, unsigned flags);
};

/// Fills in `ifc`, which is all zeros. There is no way to refuse but to say why and to exit.
void packetdrill_interface_init(const char* flags, packetdrill_interface* ifc);

}  // extern "C"
