// SPDX-License-Identifier: MIT
#include "calls.hpp"

#include "symbols.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <tcpfsm/address_text.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

namespace tcpfsm::drill {

std::int64_t number_of(const expression& e) {
    switch (e.is) {
    case expression::kind::integer: return e.number;
    case expression::kind::either: return number_of(e.parts[0]) | number_of(e.parts[1]);
    case expression::kind::word:
        if (const auto n = number_of(std::string_view{e.text})) return *n;
        throw failure{e.at, fmt::format("'{}' is no name of a number that is known here", e.text)};
    default: throw failure{e.at, "expected a number here, or a name of one"};
    }
}

namespace {

using kind = expression::kind;

sockaddr_storage to_sockaddr(const endpoint& from, bool v6_socket) {
    sockaddr_storage out{};
    const auto octets = from.address.octets();
    if (from.address.is_v4() && !v6_socket) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_port = htons(from.port);
        std::memcpy(&in.sin_addr, octets.data(), octets.size());
        std::memcpy(&out, &in, sizeof in);
        return out;
    }
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(from.port);
    std::array<std::uint8_t, 16> mapped{};
    mapped[10] = mapped[11] = 0xff;
    std::copy(octets.begin(), octets.end(), mapped.end() - static_cast<std::ptrdiff_t>(octets.size()));
    std::memcpy(&in.sin6_addr, mapped.data(), mapped.size());
    std::memcpy(&out, &in, sizeof in);
    return out;
}
socklen_t size_of(const sockaddr_storage& s) {
    if (s.ss_family == AF_INET) return sizeof(sockaddr_in);
    return s.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sa_family_t);
}
std::optional<endpoint> from_sockaddr(const sockaddr_storage& s) {
    if (s.ss_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, &s, sizeof in);
        std::array<std::uint8_t, 4> octets{};
        std::memcpy(octets.data(), &in.sin_addr, octets.size());
        return endpoint{ip_address{octets}, ntohs(in.sin_port)};
    }
    if (s.ss_family != AF_INET6) return std::nullopt;
    sockaddr_in6 in{};
    std::memcpy(&in, &s, sizeof in);
    std::array<std::uint8_t, 16> octets{};
    std::memcpy(octets.data(), &in.sin6_addr, octets.size());
    const ip_address address{octets};
    if (address.is_mapped()) return endpoint{ipv4(octets[12], octets[13], octets[14], octets[15]), ntohs(in.sin6_port)};
    return endpoint{address, ntohs(in.sin6_port)};
}

/// A call's memory: the pieces that its pointers point to.
struct memory {
    std::vector<std::vector<std::uint8_t>> buffers;
    std::vector<iovec> pieces;
    std::vector<pollfd> polled;
    std::vector<epoll_event> events;
    sockaddr_storage address{};
    socklen_t length = 0;
    msghdr message{};
    int number = 0;
    std::array<int, 2> pair{};
    std::vector<std::uint8_t> value;

    void* buffer(std::int64_t size) {
        buffers.emplace_back(static_cast<std::size_t>(std::max<std::int64_t>(size, 1)));
        return buffers.back().data();
    }
};

}  // namespace

/// Reads the arguments of one call.
class reader {
public:
    reader(caller& of, const call_line& call, place at) : of_{of}, stack_{of.stack_}, call_{call}, at_{at} {}

    prepared_call read() {
        const std::string_view name = call_.name;
        auto& s = stack_;
        prepared_call out;
        const auto m = std::make_shared<memory>();
        void* const u = s.userdata;
        if (name == "socket") {
            need(3);
            const int domain = is_ellipsis(0) ? of_.known_.domain : integer(0);
            const int type = integer(1);
            const int protocol = integer(2);
            out.makes_descriptor = true;
            out.make = [=, &s] { return long{s.socket(u, domain, type, protocol)}; };
        } else if (name == "bind" || name == "connect") {
            need(3);
            const bool binds = name == "bind";
            const int fd = descriptor(0);
            m->address = address(1, binds ? of_.known_.local : of_.known_.remote);
            m->length = is_ellipsis(2) ? size_of(m->address) : static_cast<socklen_t>(integer(2));
            out.make = [=, &s] {
                const auto* to = reinterpret_cast<const sockaddr*>(&m->address);
                return long{binds ? s.bind(u, fd, to, m->length) : s.connect(u, fd, to, m->length)};
            };
        } else if (name == "listen" || name == "shutdown") {
            need(2);
            const int fd = descriptor(0);
            const int how = integer(1);
            const auto f = name == "listen" ? s.listen : s.shutdown;
            out.make = [=] { return long{f(u, fd, how)}; };
        } else if (name == "accept") {
            need(3);
            need_ellipsis(1);
            need_ellipsis(2);
            const int fd = descriptor(0);
            m->length = sizeof m->address;
            out.makes_descriptor = true;
            out.make = [=, &s] { return long{s.accept(u, fd, reinterpret_cast<sockaddr*>(&m->address), &m->length)}; };
            out.peer = [m] { return from_sockaddr(m->address); };
        } else if (name == "close") {
            need(1);
            const int fd = descriptor(0);
            out.closes = integer(0);
            out.make = [=, &s] { return long{s.close(u, fd)}; };
        } else if (name == "epoll_create") {
            need(1);
            const int size = integer(0);
            out.makes_descriptor = true;
            out.make = [=, &s] { return long{s.epoll_create(u, size)}; };
        } else if (!transfers(out, m) && !messages(out, m) && !options(out, m) && !readiness(out, m)) {
            throw failure{at_, fmt::format("the call '{}' is not known here", name)};
        }
        return out;
    }

private:
    using shared = std::shared_ptr<memory>;

    // --- read and write ----------------------------------------------------------------------------

    bool transfers(prepared_call& out, const shared& m) {
        auto& s = stack_;
        void* const u = s.userdata;
        const std::string_view name = call_.name;
        const bool plain = name == "read" || name == "write";
        const bool flagged = name == "recv" || name == "send";
        const bool addressed = name == "recvfrom" || name == "sendto";
        const bool in = name == "read" || name == "recv" || name == "recvfrom";
        if (!plain && !flagged && !addressed) return false;
        need(plain ? 3 : flagged ? 4 : 6);
        const int fd = descriptor(0);
        need_ellipsis(1);
        const std::int64_t size = number_of(argument(2));
        if (size < 0 || size > most) throw failure{argument(2).at, "this is no size for a buffer"};
        void* const buffer = m->buffer(size);
        const auto n = static_cast<std::size_t>(size);
        const int flags = plain ? 0 : integer(3);
        if (addressed && !in && !is_null(4)) m->address = address(4, of_.known_.remote);
        if (addressed) m->length = is_null(4) ? 0 : in ? socklen_t{sizeof m->address} : size_of(m->address);
        const bool named = addressed && !is_null(4);
        out.make = [=, &s]() -> long {
            auto* where = named ? reinterpret_cast<sockaddr*>(&m->address) : nullptr;
            if (plain) return in ? s.read(u, fd, buffer, n) : s.write(u, fd, buffer, n);
            if (flagged) return in ? s.recv(u, fd, buffer, n, flags) : s.send(u, fd, buffer, n, flags);
            if (in) return s.recvfrom(u, fd, buffer, n, flags, where, where == nullptr ? nullptr : &m->length);
            return s.sendto(u, fd, buffer, n, flags, where, m->length);
        };
        if (in) out.compare = [m, this_at = at_](long got) { zeros(*m, got, this_at); };
        return true;
    }
    bool messages(prepared_call& out, const shared& m) {
        auto& s = stack_;
        void* const u = s.userdata;
        const std::string_view name = call_.name;
        const bool vector = name == "readv" || name == "writev";
        const bool message = name == "recvmsg" || name == "sendmsg";
        if (!vector && !message) return false;
        const bool in = name == "readv" || name == "recvmsg";
        need(3);
        const int fd = descriptor(0);
        const int last = integer(2);
        if (vector) {
            pieces(argument(1), *m);
            if (last != static_cast<int>(m->pieces.size()))
                throw failure{argument(2).at, "so many pieces are not there"};
            out.make = [=, &s]() -> long {
                return in ? s.readv(u, fd, m->pieces.data(), last) : s.writev(u, fd, m->pieces.data(), last);
            };
            if (in) out.compare = [m, this_at = at_](long got) { zeros(*m, got, this_at); };
            return true;
        }
        const expression& given = structure(1);
        int flags = 0;
        for (const expression& f : given.parts) {
            if (f.is == kind::field && f.text == "msg_iov") {
                pieces(f.parts[0], *m);
                const bool counted = f.parts.size() == 2 && f.parts[1].is != kind::ellipsis;
                if (counted && number_of(f.parts[1]) != static_cast<std::int64_t>(m->pieces.size()))
                    throw failure{f.parts[1].at, "so many pieces are not there"};
            } else if (f.is == kind::field && f.text == "msg_flags") {
                flags = static_cast<int>(number_of(f.parts[0]));
            } else if (f.is == kind::field && f.text == "msg_name") {
                if (f.parts[0].is != kind::ellipsis) throw failure{f.parts[0].at, "only ... is understood here"};
            } else {
                throw failure{f.at, "expected msg_name(...)=..., msg_iov(n)=[...] or msg_flags=n"};
            }
        }
        m->message.msg_iov = m->pieces.data();
        m->message.msg_iovlen = m->pieces.size();
        m->message.msg_flags = flags;
        out.make = [=, &s]() -> long {
            return in ? s.recvmsg(u, fd, &m->message, last) : s.sendmsg(u, fd, &m->message, last);
        };
        if (in) {
            out.compare = [m, flags, this_at = at_](long got) {
                zeros(*m, got, this_at);
                same("msg_flags", flags, m->message.msg_flags, this_at);
            };
        }
        return true;
    }

    // --- Options -----------------------------------------------------------------------------------

    bool options(prepared_call& out, const shared& m) {
        auto& s = stack_;
        void* const u = s.userdata;
        const std::string_view name = call_.name;
        if (name == "fcntl") {
            if (call_.arguments.size() != 2) need(3);
            const int fd = descriptor(0);
            const int command = integer(1);
            const bool plain = call_.arguments.size() == 2;
            const int value = plain ? 0 : integer(2);
            out.make = [=, &s] { return long{plain ? s.fcntl(u, fd, command) : s.fcntl(u, fd, command, value)}; };
        } else if (name == "ioctl") {
            need(3);
            const int fd = descriptor(0);
            const auto request = static_cast<unsigned long>(number_of(argument(1)));
            const std::int64_t wanted = number_of(only(2));
            const place where = argument(2).at;
            m->number = -1;
            out.make = [=, &s] { return long{s.ioctl(u, fd, request, &m->number)}; };
            out.compare = [=](long) { same("the number", wanted, m->number, where); };
        } else if (name == "setsockopt") {
            need(5);
            const int fd = descriptor(0);
            const int level = integer(1);
            const int option = integer(2);
            m->value = option_value(3);
            const auto length = static_cast<socklen_t>(integer(4));
            if (length > m->value.size()) throw failure{argument(4).at, "the value is not so long"};
            out.make = [=, &s] { return long{s.setsockopt(u, fd, level, option, m->value.data(), length)}; };
        } else if (name == "getsockopt") {
            need(5);
            const int fd = descriptor(0);
            const int level = integer(1);
            const int option = integer(2);
            const std::vector<std::uint8_t> wanted = option_value(3);
            const place where = argument(3).at;
            m->length = static_cast<socklen_t>(number_of(only(4)));
            m->value.resize(std::max<std::size_t>(m->length, 256));
            const socklen_t length = m->length;
            const bool text = argument(3).is == kind::string || only(3).is == kind::string;
            out.make = [=, &s] { return long{s.getsockopt(u, fd, level, option, m->value.data(), &m->length)}; };
            out.compare = [=](long) {
                same("the length", length, m->length, where);
                const std::size_t n = std::min(wanted.size(), std::size_t{m->length});
                if (std::equal(wanted.begin(), wanted.begin() + static_cast<std::ptrdiff_t>(n), m->value.begin()))
                    return;
                if (text) {
                    const std::string got{reinterpret_cast<const char*>(m->value.data()), m->length};
                    throw failure{where, fmt::format("expected this value, but got '{}'", got.c_str())};
                }
                std::int32_t want = 0;
                std::int32_t got = 0;
                std::memcpy(&want, wanted.data(), std::min(sizeof want, wanted.size()));
                std::memcpy(&got, m->value.data(), sizeof got);
                const bool error = option == SO_ERROR && level == SOL_SOCKET;
                const auto show = [error](int n_) { return error && n_ != 0 ? error_name(n_) : std::to_string(n_); };
                throw failure{where, fmt::format("expected the value {}, but got {}", show(want), show(got))};
            };
        } else {
            return false;
        }
        return true;
    }
    /// A number, a string, {onoff=1, linger=0}, or one of them in brackets.
    [[nodiscard]] std::vector<std::uint8_t> option_value(std::size_t i) {
        const expression& e = only(i);
        std::vector<std::uint8_t> out;
        const auto put = [&out](std::int64_t n) {
            const auto v = static_cast<std::uint32_t>(n & 0xffffffff);
            std::array<std::uint8_t, 4> octets{};
            std::memcpy(octets.data(), &v, sizeof v);
            out.insert(out.end(), octets.begin(), octets.end());
        };
        if (e.is == kind::string) {
            out.assign(e.text.begin(), e.text.end());
            out.push_back(0);
        } else if (e.is == kind::structure) {
            linger given{};
            for (const expression& f : e.parts) {
                if (f.is != kind::field || (f.text != "onoff" && f.text != "linger"))
                    throw failure{f.at, "expected {onoff=n, linger=n}"};
                (f.text == "onoff" ? given.l_onoff : given.l_linger) = static_cast<int>(number_of(f.parts[0]));
            }
            put(given.l_onoff);
            put(given.l_linger);
        } else {
            put(number_of(e));
        }
        return out;
    }

    // --- poll and epoll ----------------------------------------------------------------------------

    bool readiness(prepared_call& out, const shared& m) {
        auto& s = stack_;
        void* const u = s.userdata;
        const std::string_view name = call_.name;
        if (name == "poll") {
            need(3);
            std::vector<short> wanted;
            for (const expression& e : array(0)) {
                pollfd p{};
                p.fd = descriptor_of(field(e, "fd"));
                p.events = static_cast<short>(number_of(field(e, "events")));
                const expression* back = find(e, "revents");
                wanted.push_back(back == nullptr ? short{0} : static_cast<short>(number_of(*back)));
                p.revents = static_cast<short>(~wanted.back());  // so that it must be written
                m->polled.push_back(p);
            }
            if (number_of(argument(1)) != static_cast<std::int64_t>(m->polled.size()))
                throw failure{argument(1).at, "so many descriptors are not there"};
            const int wait = integer(2);
            out.make = [=, &s] { return long{s.poll(u, m->polled.data(), m->polled.size(), wait)}; };
            out.compare = [=, this_at = argument(0).at](long) {
                for (std::size_t i = 0; i < wanted.size(); ++i)
                    same_bits("revents", wanted[i], m->polled[i].revents, this_at);
            };
        } else if (name == "epoll_ctl") {
            need(4);
            const int set = descriptor(0);
            const int operation = integer(1);
            const int fd = descriptor(2);
            m->events.push_back(event_of(argument(3)));
            out.make = [=, &s] { return long{s.epoll_ctl(u, set, operation, fd, m->events.data())}; };
        } else if (name == "epoll_wait") {
            need(4);
            const int set = descriptor(0);
            std::vector<epoll_event> wanted;
            if (argument(1).is == kind::array) {
                for (const expression& e : array(1)) wanted.push_back(event_of(e));
            } else if (!is_ellipsis(1)) {
                wanted.push_back(event_of(argument(1)));
            }
            const int most_events = integer(2);
            const int wait = integer(3);
            m->events.resize(static_cast<std::size_t>(std::max(most_events, 1)));
            out.make = [=, &s] { return long{s.epoll_wait(u, set, m->events.data(), most_events, wait)}; };
            out.compare = [=, this_at = argument(1).at](long got) {
                const std::size_t n = std::min(wanted.size(), static_cast<std::size_t>(std::max(got, 0L)));
                for (std::size_t i = 0; i < n; ++i) {
                    same_bits("events", wanted[i].events, m->events[i].events, this_at);
                    same("the data", static_cast<std::int64_t>(wanted[i].data.u64),
                         static_cast<std::int64_t>(m->events[i].data.u64), this_at);
                }
            };
        } else if (name == "pipe") {
            need(1);
            out.make = [=, &s] { return long{s.pipe(u, m->pair.data())}; };
            const auto& both = array(0);
            if (both.size() != 2) throw failure{argument(0).at, "a pipe has two ends"};
            out.compare = [this, m, a = number_of(both[0]), b = number_of(both[1])](long) {
                of_.remember(a, m->pair[0]);
                of_.remember(b, m->pair[1]);
            };
        } else {
            return false;
        }
        return true;
    }
    [[nodiscard]] epoll_event event_of(const expression& e) {
        epoll_event out{};
        out.events = static_cast<std::uint32_t>(number_of(field(e, "events")));
        if (const expression* fd = find(e, "fd")) {
            out.data.u64 = static_cast<std::uint64_t>(number_of(*fd));  // a name, in the script's own numbers
        } else {
            for (const char* other : {"ptr", "u32", "u64"}) {
                if (const expression* data = find(e, other))
                    out.data.u64 = static_cast<std::uint64_t>(number_of(*data));
            }
        }
        return out;
    }

    // --- Arguments ---------------------------------------------------------------------------------

    void need(std::size_t n) const {
        if (call_.arguments.size() != n) throw failure{at_, fmt::format("'{}' takes {} arguments here", call_.name, n)};
    }
    [[nodiscard]] const expression& argument(std::size_t i) const { return call_.arguments[i]; }
    [[nodiscard]] bool is_ellipsis(std::size_t i) const { return argument(i).is == kind::ellipsis; }
    [[nodiscard]] bool is_null(std::size_t i) const {
        return (argument(i).is == kind::integer && argument(i).number == 0) || argument(i).text == "NULL";
    }
    void need_ellipsis(std::size_t i) const {
        if (!is_ellipsis(i)) throw failure{argument(i).at, "only ... is understood here"};
    }
    [[nodiscard]] int integer(std::size_t i) const { return static_cast<int>(number_of(argument(i))); }
    [[nodiscard]] int descriptor(std::size_t i) const { return descriptor_of(argument(i)); }
    [[nodiscard]] int descriptor_of(const expression& e) const { return of_.live(number_of(e), e.at); }
    [[nodiscard]] const std::vector<expression>& array(std::size_t i) const {
        if (argument(i).is != kind::array) throw failure{argument(i).at, "expected [ ... ] here"};
        return argument(i).parts;
    }
    [[nodiscard]] const expression& structure(std::size_t i) const {
        if (argument(i).is != kind::structure) throw failure{argument(i).at, "expected { ... } here"};
        return argument(i);
    }
    /// The value itself, or the one in [ ].
    [[nodiscard]] const expression& only(std::size_t i) const {
        const expression& e = argument(i);
        if (e.is != kind::array) return e;
        if (e.parts.size() != 1) throw failure{e.at, "expected one value in [ ] here"};
        return e.parts[0];
    }
    [[nodiscard]] static const expression* find(const expression& in, std::string_view name) {
        for (const expression& f : in.parts) {
            if (f.is == kind::field && f.text == name) return &f.parts[0];
        }
        return nullptr;
    }
    [[nodiscard]] static const expression& field(const expression& in, std::string_view name) {
        const expression* found = find(in, name);
        if (found == nullptr) throw failure{in.at, fmt::format("expected {{ {} = ... }} here", name)};
        return *found;
    }
    void pieces(const expression& from, memory& m) const {
        if (from.is != kind::array) throw failure{from.at, "expected [{..., size}, ...] here"};
        for (const expression& e : from.parts) {
            if (e.is != kind::structure || e.parts.size() != 2 || e.parts[0].is != kind::ellipsis)
                throw failure{e.at, "expected {..., size} here"};
            const std::int64_t size = number_of(e.parts[1]);
            if (size < 0 || size > most) throw failure{e.parts[1].at, "this is no size for a buffer"};
            void* const buffer = m.buffer(size);
            m.pieces.push_back({buffer, static_cast<std::size_t>(size)});
        }
    }
    /// `...`, {sa_family = AF_UNSPEC, ...}, or an address in full.
    [[nodiscard]] sockaddr_storage address(std::size_t i, const endpoint& otherwise) const {
        if (is_ellipsis(i)) return to_sockaddr(otherwise, of_.known_.domain == AF_INET6);
        const expression& e = structure(i);
        const std::int64_t family = number_of(field(e, "sa_family"));
        if (family == AF_UNSPEC) return sockaddr_storage{};
        const auto inside = [&](const char* name, std::string_view function) -> const expression& {
            const expression& f = field(e, name);
            if (f.is != kind::call || f.text != function || f.parts.size() != 1)
                throw failure{f.at, fmt::format("expected {}(...) here", function)};
            return f.parts[0];
        };
        endpoint to;
        const expression& text = inside("sin_addr", "inet_addr");
        const auto parsed = parse_ip(text.text);
        if (!parsed) throw failure{text.at, "this is no address"};
        to.address = *parsed;
        to.port = static_cast<std::uint16_t>(number_of(inside("sin_port", "htons")));
        return to_sockaddr(to, family == AF_INET6);
    }

    // --- What came back ----------------------------------------------------------------------------

    static void same(const char* what, std::int64_t wanted, std::int64_t got, place at) {
        if (wanted != got) throw failure{at, fmt::format("expected {} {}, but got {}", what, wanted, got)};
    }
    static void same_bits(const char* what, std::int64_t wanted, std::int64_t got, place at) {
        if (wanted != got) throw failure{at, fmt::format("expected {} {:#x}, but got {:#x}", what, wanted, got)};
    }
    /// The text of scripts is zeros.
    static void zeros(const memory& m, long got, place at) {
        long seen = 0;
        for (const auto& buffer : m.buffers) {
            for (const std::uint8_t octet : buffer) {
                if (seen++ >= got) return;
                if (octet != 0) throw failure{at, fmt::format("octet {} of the text that was read is not zero", seen)};
            }
        }
    }

    static constexpr std::int64_t most = 1 << 28;
    caller& of_;
    packetdrill_interface& stack_;
    const call_line& call_;
    place at_;
};

prepared_call caller::prepare(const call_line& call, place at) { return reader{*this, call, at}.read(); }

int caller::live(std::int64_t fd, place at) const {
    const auto found = descriptors_.find(fd);
    if (found == descriptors_.end()) throw failure{at, fmt::format("the script has no descriptor {}", fd)};
    return found->second;
}

}  // namespace tcpfsm::drill
