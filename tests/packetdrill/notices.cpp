// SPDX-License-Identifier: MIT
#include "notices.hpp"

// The kernel's header wants those of the C library before it.
#include <netinet/in.h>
#include <time.h>  // NOLINT

#include <linux/errqueue.h>

#include <cerrno>
#include <cstring>

namespace packetdrill {

void control_writer::put(int level, int type, const void* what, std::size_t size) {
    const std::size_t used = into_.msg_controllen;
    if (into_.msg_control == nullptr || room_ - used < CMSG_SPACE(size)) {
        into_.msg_flags |= MSG_CTRUNC;
        return;
    }
    cmsghdr header{};
    header.cmsg_len = CMSG_LEN(size);
    header.cmsg_level = level;
    header.cmsg_type = type;
    auto* const at = static_cast<std::uint8_t*>(into_.msg_control) + used;
    std::memset(at, 0, CMSG_SPACE(size));
    std::memcpy(at, &header, sizeof header);
    std::memcpy(at + CMSG_LEN(0), what, size);
    into_.msg_controllen = used + CMSG_SPACE(size);
}

void notices::stamp(unsigned which, seq first) {
    if ((which & numbered) != 0 && (stamping_ & numbered) == 0) first_ = first;
    stamping_ = which;
}

void notices::wrote(seq end, bool lends_memory) {
    if (lends_memory) loans_.push_back({end, calls_++});
    if ((stamping_ & (on_queueing | on_sending | on_ack)) != 0) stamped_.push_back(end - 1);
}

void notices::add_stamp(std::uint32_t what, seq last, tcpfsm::time_point at) {
    const std::uint32_t number = (stamping_ & numbered) != 0 ? last - first_ : 0;
    queue_.push_back({.error = ENOMSG, .info = what, .data = number, .origin = SO_EE_ORIGIN_TIMESTAMPING, .at = at});
}

void notices::left(seq from, seq end, tcpfsm::time_point now) {
    for (const seq last : stamped_) {
        if (last < from || end <= last) continue;
        if ((stamping_ & on_queueing) != 0) add_stamp(SCM_TSTAMP_SCHED, last, now);
        if ((stamping_ & on_sending) != 0) add_stamp(SCM_TSTAMP_SND, last, now);
    }
}

/// Calls that follow each other are told of in one notice.
void notices::give_back(std::uint32_t number) {
    notice* const last = queue_.empty() ? nullptr : &queue_.back();
    if (last != nullptr && last->origin == SO_EE_ORIGIN_ZEROCOPY && last->data + 1 == number) {
        last->data = number;
        return;
    }
    queue_.push_back(
        {.info = number, .data = number, .origin = SO_EE_ORIGIN_ZEROCOPY, .code = SO_EE_CODE_ZEROCOPY_COPIED});
}

bool notices::acknowledged(seq una, tcpfsm::time_point now) {
    bool news = false;
    for (; !stamped_.empty() && stamped_.front() < una; stamped_.pop_front(), news = true) {
        if ((stamping_ & on_ack) != 0) add_stamp(SCM_TSTAMP_ACK, stamped_.front(), now);
    }
    for (; !loans_.empty() && loans_.front().end <= una; loans_.pop_front(), news = true) {
        give_back(loans_.front().number);
    }
    return news;
}

bool notices::over() {
    const bool news = !loans_.empty();
    for (const loan& each : loans_) give_back(each.number);
    loans_.clear();
    stamped_.clear();
    return news;
}

ssize_t notices::receive(msghdr& into, bool v4) {
    if (queue_.empty()) {
        errno = EAGAIN;
        return -1;
    }
    control_writer control{into};
    into.msg_namelen = 0;
    const notice first = queue_.front();
    queue_.pop_front();
    into.msg_flags = MSG_ERRQUEUE;
    if (first.at) {
        into.msg_flags |= MSG_TRUNC;  // Linux would give the packet itself, too
        timespec three[3]{};
        const auto us = first.at->time_since_epoch().count();
        three[0].tv_sec = us / 1'000'000;
        three[0].tv_nsec = us % 1'000'000 * 1000;
        if ((stamping_ & told) != 0) control.put(SOL_SOCKET, SO_TIMESTAMPING, three);
    }
    sock_extended_err error{};
    error.ee_errno = first.error;
    error.ee_origin = first.origin;
    error.ee_code = first.code;
    error.ee_info = first.info;
    error.ee_data = first.data;
    if (v4) {
        const struct {
            sock_extended_err of;
            sockaddr_in offender;
        } both{error, {}};
        control.put(IPPROTO_IP, IP_RECVERR, both);
    } else {
        const struct {
            sock_extended_err of;
            sockaddr_in6 offender;
        } both{error, {}};
        control.put(IPPROTO_IPV6, IPV6_RECVERR, both);
    }
    return 0;
}

}  // namespace packetdrill
