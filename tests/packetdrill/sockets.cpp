// SPDX-License-Identifier: MIT
#include "sockets.hpp"

#include "notices.hpp"
#include "send_queue.hpp"
#include "sent_log.hpp"
#include "sockets_info.hpp"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>

namespace packetdrill {

using namespace std::chrono_literals;
using tcpfsm::duration;
using tcpfsm::endpoint;
using tcpfsm::forever;
using tcpfsm::ip_address;
using tcpfsm::never;
using tcpfsm::news;
using tcpfsm::state;
using tcpfsm::time_point;

/// One socket: the user's side of a connection, or of a listener.
class socket_object {
public:
    enum class phase : std::uint8_t { fresh, listening, connecting, connected, ended };

    /// What setsockopt says. A connection that is accepted has those of its listener.
    struct options {
        bool nodelay = false, cork = false, keep_alive = false, reuse = false, quick_ack = true;
        linger lingering{};
        int send_buffer = 0, receive_buffer = 0;  ///< as it was asked for, doubled; 0 if it was not
        timeval receive_time{}, send_time{};
        int user_timeout = 0, keep_idle = 7200, syn_count = 5, not_sent_low = 0, tos = 0, hops = 64, only_v6 = 0;
        int discovers = 1;          ///< IP_MTU_DISCOVER, which is only remembered
        int mss = 0;                ///< the largest that is wanted; 0 if any is
        bool zero_copy = false;     ///< MSG_ZEROCOPY counts
        bool tells_queued = false;  ///< TCP_INQ: recvmsg says how much is left to read
        int mark = 0;               ///< SO_MARK, which is only remembered
        int fast_queue = 0;         ///< fast opens that may be pending at once, at a listener
        std::vector<tcpfsm::hash_key> fast_keys{};
        bool connect_fast = false;  ///< `connect` only remembers the address, and the first text goes with the SYN
    };
    /// What a connection spends its time on, while it has text to send.
    struct limits {
        enum class by : std::uint8_t { nothing_to_send, itself, peer, buffer };
        by now = by::nothing_to_send;
        time_point since{};
        duration busy{}, peer{}, buffer{};
    };
    /// What went by on the wire.
    struct counters {
        std::uint32_t in = 0, out = 0, text_in = 0, text_out = 0, again = 0;
        std::uint64_t octets_in = 0, octets_out = 0, octets_again = 0;
        time_point text_out_at{}, text_in_at{}, ack_in_at{}, ack_out_at{};
        std::optional<tcpfsm::seq> highest{};
    };

    int domain = AF_INET;
    phase at = phase::fresh;
    bool non_blocking = false;
    bool shut_read = false, shut_write = false;
    bool peer_closed = false;
    bool told_connected = false;
    int error = 0, soft_error = 0;
    std::optional<endpoint> local{}, peer{};
    tcpfsm::handle of{};
    tcpfsm::listener_id listener{};
    std::deque<std::shared_ptr<socket_object>> accepted{};
    options opt{};
    std::string corked{};                      ///< text that waits for more,
    time_point corked_until = never;           ///< and how long
    std::optional<tcpfsm::seq> small_until{};  ///< where the last segment ended that was not full
    std::deque<std::string> records{};         ///< text that no segment of what was sent before may carry
    bool record_ends = false;                  ///< what comes next is another record
    std::optional<endpoint> promised{};        ///< `connect` said yes, and waits for text
    bool opens_fast = false;
    std::uint32_t text_of_syn = 0;  ///< acknowledged with it
    bool came_fast = false;         ///< the peer's SYN had text that was taken at once
    std::uint16_t mss_of_syn_ack = 536;
    int backlog = 0;
    int writers = 0;           ///< that wait for room
    send_queue written{};      ///< as Linux would keep it
    std::size_t own_room = 0;  ///< the size of the send buffer, if the user has said none
    bool no_space = false;     ///< somebody was turned away, and is to be told when there is room
    limits spent{};
    counters seen{};
    notices beside{};         ///< what it tells beside its text
    sent_log out{};           ///< what is measured of the segments that are out
    std::uint64_t edges = 0;  ///< news so far, for edge-triggered polls

    [[nodiscard]] bool is(phase p) const { return at == p; }
};
using phase = socket_object::phase;

/// One end of a pipe.
struct end_of_pipe {
    std::shared_ptr<std::string> text;
    bool writes;
};

/// An epoll set.
struct poll_set {
    struct entry {
        epoll_event wants{};
        std::uint64_t edges_told = ~std::uint64_t{0};
        bool disarmed = false;
    };
    std::map<int, entry> members{};
};

namespace {

int fail(int why) {
    errno = why;
    return -1;
}

/// An IPv4 address in the clothes of an IPv6 one is what it is.
ip_address unmapped(const in6_addr& from) {
    const ip_address as_is{std::span<const std::uint8_t, 16>{from.s6_addr}};
    if (!as_is.is_mapped()) return as_is;
    return ip_address{as_is.octets().last<4>()};
}

std::optional<endpoint> read_address(const sockaddr* address, socklen_t length) {
    if (address->sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
        sockaddr_in in{};
        std::memcpy(&in, address, sizeof in);
        std::array<std::uint8_t, 4> octets{};
        std::memcpy(octets.data(), &in.sin_addr, 4);
        return endpoint{ip_address{octets}, ntohs(in.sin_port)};
    }
    if (address->sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
        sockaddr_in6 in{};
        std::memcpy(&in, address, sizeof in);
        return endpoint{unmapped(in.sin6_addr), ntohs(in.sin6_port)};
    }
    return std::nullopt;
}

void write_address(const endpoint& from, int domain, sockaddr* address, socklen_t* length) {
    if (address == nullptr || length == nullptr) return;
    const auto octets = from.address.octets();
    if (domain == AF_INET) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_port = htons(from.port);
        std::memcpy(&in.sin_addr, octets.data(), 4);
        std::memcpy(address, &in, std::min<std::size_t>(*length, sizeof in));
        *length = sizeof in;
        return;
    }
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(from.port);
    if (from.address.is_v4()) in.sin6_addr.s6_addr[10] = in.sin6_addr.s6_addr[11] = 0xff;
    std::memcpy(in.sin6_addr.s6_addr + (from.address.is_v4() ? 12 : 0), octets.data(), octets.size());
    std::memcpy(address, &in, std::min<std::size_t>(*length, sizeof in));
    *length = sizeof in;
}

duration span_of(const timeval& t) { return std::chrono::seconds{t.tv_sec} + std::chrono::microseconds{t.tv_usec}; }

/// All pieces can be read and written, as far as one can say.
bool sound(std::span<const iovec> pieces) {
    return std::all_of(pieces.begin(), pieces.end(),
                       [](const iovec& piece) { return piece.iov_base != nullptr || piece.iov_len == 0; });
}

std::size_t size_of(std::span<const iovec> pieces) {
    std::size_t n = 0;
    for (const iovec& piece : pieces) n += piece.iov_len;
    return n;
}

/// What a user hears of an ICMP error, by RFC 1122 section 4.2.3.9 in the words of errno.
int errno_of_icmp(bool v4, std::uint8_t type, std::uint8_t code) {
    constexpr std::array v4_unreachable{
        ENETUNREACH, EHOSTUNREACH, ENOPROTOOPT,  ECONNREFUSED, EMSGSIZE,     EOPNOTSUPP,   ENETUNREACH,  EHOSTDOWN,
        ENONET,      ENETUNREACH,  EHOSTUNREACH, ENETUNREACH,  EHOSTUNREACH, EHOSTUNREACH, EHOSTUNREACH, EHOSTUNREACH};
    constexpr std::array v6_unreachable{ENETUNREACH, EACCES, EHOSTUNREACH, EHOSTUNREACH, ECONNREFUSED, EACCES, EACCES};
    const auto pick = [&](const auto& all) { return code < all.size() ? all[code] : EPROTO; };
    if (v4) return type == 3 ? pick(v4_unreachable) : type == 12 ? EPROTO : EHOSTUNREACH;
    return type == 1 ? pick(v6_unreachable) : type == 4 ? EPROTO : EHOSTUNREACH;
}

endpoint any_of(const ip_address& to) {
    constexpr std::array<std::uint8_t, 16> documentation{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    return {to.is_v4() ? tcpfsm::ipv4(192, 0, 2, 1) : ip_address{documentation}, 0};
}
constexpr int tcp_inq = 36;
/// The SYN of a fast open leaves room for all the options that there could be.
constexpr std::size_t most_options = 40;

/// Linux gives up after so many doublings of a second.
duration life_of_syn(int retries) { return duration{std::chrono::seconds{(2LL << std::clamp(retries, 0, 10)) - 1}}; }
constexpr duration life_of_text = 924600ms;

}  // namespace

sockets::sockets(const settings& how) : sockets{how, make_stack(how)} {}

sockets::sockets(const settings& how, std::unique_ptr<stack> over)
    : how_{how}, stack_{std::move(over)}, dresser_{how.look}, now_{std::chrono::seconds{1'000'000}} {}

sockets::~sockets() = default;

// --- Descriptors ---------------------------------------------------------------------------------------------

/// The number is that of a real descriptor, so that it is nobody else's, and may be closed by someone who does not
/// know that it is ours. What the system itself writes there, as sendfile() does, comes out at the other end.
int sockets::add(descriptor d) {
    int ends[2] = {};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return -1;
    d.outside = ends[1];
    open_.insert_or_assign(ends[0], std::move(d));
    return ends[0];
}

descriptor sockets::find(int fd) const {
    const auto found = open_.find(fd);
    return found == open_.end() ? descriptor{} : found->second;
}

/// Null if there is none, and errno says why.
sockets::socket_ptr sockets::find_socket(int fd) const {
    auto s = find(fd).socket;
    if (!s) errno = open_.contains(fd) ? ENOTSOCK : EBADF;
    return s;
}

sockets::socket_ptr sockets::owner_of(tcpfsm::handle h) const {
    for (const auto& [handle, owner] : owners_) {
        if (handle == h) return owner.lock();
    }
    return nullptr;
}

// --- Time, and who waits for it ------------------------------------------------------------------------------

time_point sockets::in(int milliseconds) const {
    return milliseconds < 0 ? never : now_ + std::chrono::milliseconds{milliseconds};
}

time_point sockets::next_timer() const {
    time_point first = stack_->poll_timeout();
    for (const auto& [handle, owner] : owners_) {
        if (const auto s = owner.lock()) first = std::min(first, s->corked_until);
    }
    for (const waiter* w : waiters_) {
        if (!w->woken) first = std::min(first, w->deadline);
    }
    return first;
}

/// Until `ready`, or until the deadline. Answers `ready()`.
bool sockets::wait(lock& held, time_point deadline, std::function<bool()> ready) {
    const auto me = std::this_thread::get_id();
    if (me == owner_) {
        while (!ready() && now_ < deadline) {
            const time_point next = std::min(next_timer(), deadline);
            if (next == never) break;
            advance_to(held, next);
        }
        return ready();
    }
    if (ready() || deadline <= now_) return ready();
    std::erase(running_, me);
    ran_.notify_all();
    waiter w{std::move(ready), deadline, me};
    waiters_.push_back(&w);
    wakes_.wait(held, [&] { return w.woken; });
    std::erase(waiters_, &w);
    return w.ready();
}

void sockets::wake_all() {
    for (waiter* w : waiters_) {
        if (w->woken || !(w->deadline <= now_ || w->ready())) continue;
        w->woken = true;
        running_.push_back(w->who);
        wakes_.notify_all();
    }
}

/// The clock stands until those who were woken have looked at it; a second of real time is enough for them. Then they
/// get a moment to tell what they have seen.
void sockets::let_run(lock& held) {
    if (running_.empty()) return;
    ran_.wait_for(held, 1s, [&] { return running_.empty(); });
    running_.clear();
    held.unlock();
    std::this_thread::sleep_for(1ms);
    held.lock();
}

void sockets::advance_to(lock& held, time_point then) {
    for (time_point next = next_timer(); next <= then; next = next_timer()) {
        now_ = std::max(now_, next);
        settle();
        let_run(held);
    }
    now_ = std::max(now_, then);
}

void sockets::usleep(std::uint64_t microseconds) {
    lock held{mutex_};
    take_outside(held);
    let_run(held);
    advance_to(held, now_ + duration{static_cast<std::int64_t>(microseconds)});
}

/// Every look moves the clock, so that one may look until it has moved; but the first look of a thread that was woken
/// says when it was.
std::int64_t sockets::gettimeofday() {
    lock held{mutex_};
    if (std::erase(running_, std::this_thread::get_id()) != 0) {
        ran_.notify_all();
    } else if (running_.empty()) {
        advance_to(held, now_ + duration{1});
    }
    return now_.time_since_epoch().count();
}

// --- The stack -----------------------------------------------------------------------------------------------

/// All that can be done now.
void sockets::settle() {
    for (const auto& [handle, owner] : owners_) {
        const auto s = owner.lock();
        if (!s) continue;
        keep_time(*s);
        if (s->corked_until <= now_) {
            s->written.push();
            push_corked(*s, true);
        }
    }
    for (;;) {
        if (stack_->poll_timeout() <= now_) stack_->handle_timeout(now_);
        transmit_all();
        if (next_record()) continue;
        const auto told = stack_->poll_event();
        if (!told) break;
        react(*told);
    }
    for (const auto& [handle, owner] : owners_) {
        const auto s = owner.lock();
        if (!s) continue;
        keep_time(*s);
        free_memory(*s);
    }
    wake_all();
}

/// Linux tells what a connection has waited for.
void sockets::keep_time(socket_object& s) {
    using enum socket_object::limits::by;
    auto& spent = s.spent;
    const duration passed = now_ - std::exchange(spent.since, now_);
    if (spent.now != nothing_to_send) spent.busy += passed;
    if (spent.now == peer) spent.peer += passed;
    if (spent.now == buffer) spent.buffer += passed;
    const auto v = stack_->look_at(s.of);
    spent.now = !v || !s.is(phase::connected) || queued(s) == 0 ? nothing_to_send
                : v->limited_by_peer                            ? peer
                : s.writers != 0 && v->snd.unsent() == 0        ? buffer
                                                                : itself;
}

/// Text behind the end of a record goes when all before it was sent. Nagle's algorithm is about the last one alone.
bool sockets::next_record() {
    bool any = false;
    for (const auto& [handle, owner] : owners_) {
        const auto s = owner.lock();
        const auto v = s ? stack_->look_at(handle) : std::nullopt;
        if (!v || s->records.empty() || v->snd.unsent() != 0) continue;
        const std::string text = std::move(s->records.front());
        s->records.pop_front();
        (void)stack_->send(handle, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, now_);
        any = true;
    }
    return any;
}

/// What the script has said by sysctl since.
void sockets::read_sysctls() {
    if (how_.sysctls.empty()) return;
    std::ifstream lines{how_.sysctls + "/" + std::to_string(::getpid())};
    take_sysctls(how_, lines);
    stack_->set(how_);
    if (how_.cookies_forgotten > forgotten_) servers_.clear();
    forgotten_ = how_.cookies_forgotten;
}

/// Nagle's algorithm as Linux has it: only a small segment in flight holds another one back, and none that is followed.
void sockets::choose_nagle() {
    for (const auto& [handle, owner] : owners_) {
        const auto s = owner.lock();
        const auto v = s ? stack_->look_at(handle) : std::nullopt;
        if (!v || !dresser_.keeps_buffers()) continue;
        const bool small = s->small_until && v->snd.una < *s->small_until;
        stack_->set_nagle(handle, !s->opt.nodelay && small && s->records.empty());
    }
}

void sockets::transmit_all() {
    choose_nagle();
    std::vector<std::string> burst;
    std::vector<std::uint8_t> room(65536);
    while (const std::size_t size = stack_->poll_packet(room, now_)) {
        burst.emplace_back(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(size));
        dresser_.dress(burst.back());
    }
    const auto look = [&](std::size_t i) {
        const std::string& octets = burst[i];
        return look_into({reinterpret_cast<const std::uint8_t*>(octets.data()), octets.size()});
    };
    for (std::size_t i = 0; i < burst.size(); ++i) {
        const glance here = look(i);
        const glance next = i + 1 < burst.size() ? look(i + 1) : glance{};
        const bool goes_on = next.between == here.between && next.segment.text != 0 &&
                             next.segment.seq == here.segment.seq + here.segment.text;
        if (const auto pushed = count_sent(here, goes_on)) {
            set_control(burst[i], *pushed ? tcpfsm::ctl::psh : tcpfsm::control{},
                        *pushed ? tcpfsm::control{} : tcpfsm::ctl::psh);
        }
        out_.push_back({burst[i], now_.time_since_epoch().count(), {}});
    }
}

/// Answers whether it carries PSH, if that is for the socket to say.
std::optional<bool> sockets::count_sent(const glance& at, bool goes_on) {
    for (const auto& [handle, owner] : owners_) {
        const auto s = owner.lock();
        if (!s || stack_->between(handle) != at.between) continue;
        auto& seen = s->seen;
        ++seen.out;
        seen.ack_out_at = now_;
        if (at.segment.text == 0) return {};
        const tcpfsm::seq end = at.segment.seq + at.segment.text;
        s->out.sent(at.segment.seq, end, now_);
        s->beside.left(at.segment.seq, end, now_);
        const bool again = seen.highest && at.segment.seq < *seen.highest;
        seen.highest = seen.highest ? tcpfsm::later(*seen.highest, end) : end;
        ++seen.text_out;
        seen.octets_out += at.segment.text;
        seen.text_out_at = now_;
        if (again) {
            ++seen.again;
            seen.octets_again += at.segment.text;
        }
        const auto v = stack_->look_at(handle);
        if (!v) return {};
        const bool with_syn = at.segment.has(tcpfsm::ctl::syn);
        if (!again && !with_syn && at.segment.text < v->full()) s->small_until = end;
        if (!s->written.begun()) return {};
        return s->written.leaves(at.segment.seq, end, goes_on, piece_of(*v, s->out.srtt(), again));
    }
    return {};
}

/// Segments in one piece: as much as leaves in a millisecond, and more if the round trip is short, but no less than
/// the least, and no more than half of the window, or all of it for what goes again.
std::size_t sockets::piece_of(const vitals& v, duration smoothed, bool again) const {
    constexpr std::uint64_t largest = 65215;
    const std::uint64_t full = std::max<std::uint32_t>(v.full(), 1);
    const std::uint64_t window = v.congestion_window / full;
    const duration round_trip = smoothed != duration::zero() ? smoothed : v.rtt.srtt();
    const auto srtt = static_cast<std::uint64_t>(round_trip.count());
    const std::uint64_t faster = v.congestion_window < v.threshold / 2 ? 200 : 120;
    std::uint64_t octets = srtt == 0 ? largest : window * full * faster * 10'000 / srtt / 1024;
    const std::uint64_t least = v.selective ? v.selective->min_rtt : 0;
    const std::uint64_t shortest = (least != 0 ? least : srtt) / 512;
    if (shortest < 16) octets += largest >> shortest;
    octets = std::min(octets, largest);
    const std::uint64_t most = again ? window : window / 2;
    return std::clamp<std::uint64_t>(octets / full, std::min<std::uint64_t>(how_.min_burst, most),
                                     std::max<std::uint64_t>(most, 1));
}

void sockets::react(const tcpfsm::host_event& told) {
    if (told.what == news::accepted) return adopt(told);
    const auto s = owner_of(told.of);
    if (!s) return;
    ++s->edges;
    switch (told.what) {
    case news::opened:
        s->at = phase::connected;
        s->seen.text_in_at = now_;
        apply_options(*s);
        remember_fast(*s);
        return;
    case news::soft_error: s->soft_error = icmp_error_; return;
    case news::closing: s->peer_closed = true; return;
    case news::refused:
    case news::reset:
    case news::timed_out:
    case news::unreachable:
    case news::closed: return end(*s, told.what);
    default: return;
    }
}

/// RFC 7413 4.1.3: the cookie and the MSS of this server are kept.
void sockets::remember_fast(socket_object& s) {
    const auto v = stack_->look_at(s.of);
    if (!s.opens_fast || !v || !v->opened_fast.answered) return;
    const auto& report = v->opened_fast;
    if (report.taken) s.text_of_syn = v->snd.first_text() - v->snd.iss - 1;
    remembered& it = servers_[s.peer->address];
    if (report.cookie.size != 0) it.cookie = report.cookie;
    it.mss = s.mss_of_syn_ack;
}

/// A connection came to a listener.
void sockets::adopt(const tcpfsm::host_event& told) {
    for (const auto& [id, listener] : listening_) {
        const auto parent = listener.lock();
        if (id != told.from || !parent) continue;
        auto s = std::make_shared<socket_object>();
        s->domain = parent->domain;
        s->opt = parent->opt;
        s->at = phase::connected;
        s->told_connected = true;
        s->seen.text_in_at = now_;
        s->of = told.of;
        const auto v = stack_->look_at(told.of);
        s->came_fast = v && v->came_fast && v->rcv.nxt != v->rcv.irs + 1;
        if (const auto between = stack_->between(told.of)) {
            s->local = between->local;
            s->peer = between->remote;
        }
        owners_.emplace_back(told.of, s);
        apply_options(*s);
        parent->accepted.push_back(std::move(s));
        ++parent->edges;
        return;
    }
    stack_->abort(told.of, now_);
}

void sockets::end(socket_object& s, news why) {
    const bool connecting = s.is(phase::connecting);
    s.at = phase::ended;
    switch (why) {
    case news::refused: s.error = connecting ? ECONNREFUSED : ECONNRESET; return;
    case news::reset: s.error = connecting ? ECONNREFUSED : s.peer_closed ? EPIPE : ECONNRESET; return;
    case news::timed_out: s.error = s.soft_error != 0 ? s.soft_error : ETIMEDOUT; return;
    case news::unreachable: s.error = icmp_error_; return;
    default: return;
    }
}

/// What was said before there was a connection counts from its beginning.
void sockets::apply_options(socket_object& s) {
    stack_->set_nagle(s.of, !s.opt.nodelay);
    stack_->set_keep_alive(s.of, s.opt.keep_alive ? std::chrono::seconds{s.opt.keep_idle} : forever);
    stack_->set_dscp(s.of, static_cast<std::uint8_t>(s.opt.tos >> 2));
    stack_->set_hop_limit(s.of, static_cast<std::uint8_t>(s.opt.hops));
    const duration asked = std::chrono::milliseconds{s.opt.user_timeout};
    const duration usual = s.is(phase::connected) ? life_of_text : life_of_syn(s.opt.syn_count);
    stack_->set_user_timeout(s.of, s.opt.user_timeout != 0 ? asked : usual);
}

void sockets::note_icmp(std::span<const std::uint8_t> packet) {
    const tcpfsm::packet ip = tcpfsm::parse_packet(packet);
    if (!ip || ip.payload.size() < 2 || (ip.protocol != 1 && ip.protocol != 58)) return;
    icmp_error_ = errno_of_icmp(ip.protocol == 1, ip.payload[0], ip.payload[1]);
}

int sockets::netdev_send(std::span<const std::uint8_t> octets) {
    lock held{mutex_};
    std::vector<std::uint8_t> packet{octets.begin(), octets.end()};
    dresser_.undress(packet);
    note_icmp(packet);
    const glance at = look_into(packet);
    for (const auto& [handle, owner] : owners_) {
        const auto s = owner.lock();
        if (!s || at.header == 0 || stack_->between(handle) != at.between.reversed()) continue;
        ++s->seen.in;
        s->seen.ack_in_at = now_;
        if (const auto v = stack_->look_at(handle)) {
            const bool repairs = v->selective && v->selective->now == tcpfsm::episode::timeout;
            s->out.heard(at.segment, std::max<std::uint32_t>(v->full(), 1), !repairs, now_);
        }
        if (at.segment.has(tcpfsm::ctl::syn))
            s->mss_of_syn_ack = at.segment.options.has_mss ? at.segment.options.mss : std::uint16_t{536};
        if (at.segment.text == 0) continue;
        ++s->seen.text_in;
        s->seen.octets_in += at.segment.text;
        s->seen.text_in_at = now_;
    }
    const std::size_t before = out_.size();
    stack_->handle_packet(packet, now_);
    release_corked(at);
    settle();
    for (packet_out& p : out_) {
        if (p.answers_reset == at.between) p.answers_reset.reset();
    }
    if (!at.segment.has(tcpfsm::ctl::rst)) return 0;
    for (std::size_t i = before; i < out_.size(); ++i) out_[i].answers_reset = at.between;
    return 0;
}

/// If nothing left yet, the time passes until something does. A packet of no octets says that nothing ever will.
int sockets::netdev_receive(std::span<std::uint8_t> into, std::size_t& size, long long& microseconds) {
    lock held{mutex_};
    take_outside(held);
    let_run(held);
    while (out_.empty()) {
        const time_point next = next_timer();
        if (next == never) break;
        advance_to(held, next);
    }
    microseconds = now_.time_since_epoch().count();
    size = 0;
    if (out_.empty()) return 0;
    const packet_out& first = out_.front();
    size = std::min(first.octets.size(), into.size());
    std::memcpy(into.data(), first.octets.data(), size);
    microseconds = first.left_at;
    out_.pop_front();
    return 0;
}

std::vector<std::string> sockets::left_over() {
    const lock held{mutex_};
    std::vector<std::string> all;
    for (const packet_out& p : out_) {
        if (p.answers_reset) continue;
        const glance at = look_into({reinterpret_cast<const std::uint8_t*>(p.octets.data()), p.octets.size()});
        const tcpfsm::segment& seg = at.segment;
        std::string flags;
        for (const auto& [bit, letter] :
             {std::pair{tcpfsm::ctl::fin, 'F'}, std::pair{tcpfsm::ctl::syn, 'S'}, std::pair{tcpfsm::ctl::rst, 'R'},
              std::pair{tcpfsm::ctl::psh, 'P'}, std::pair{tcpfsm::ctl::urg, 'U'}, std::pair{tcpfsm::ctl::ack, '.'}}) {
            if (seg.has(bit)) flags += letter;
        }
        all.push_back(flags + " seq " + std::to_string(seg.seq.value()) + " (" + std::to_string(seg.text) + ") ack " +
                      std::to_string(seg.ack.value()));
    }
    return all;
}

// --- Connections come and go ---------------------------------------------------------------------------------

int sockets::socket(int domain, int type, int protocol) {
    const lock held{mutex_};
    read_sysctls();
    if (domain != AF_INET && domain != AF_INET6) return fail(EAFNOSUPPORT);
    if ((type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != SOCK_STREAM) return fail(ESOCKTNOSUPPORT);
    if (protocol != 0 && protocol != IPPROTO_TCP) return fail(EPROTONOSUPPORT);
    auto s = std::make_shared<socket_object>();
    s->domain = domain;
    s->non_blocking = (type & SOCK_NONBLOCK) != 0;
    return add({.socket = std::move(s)});
}

int sockets::bind(int fd, const sockaddr* address, socklen_t length) {
    const lock held{mutex_};
    const auto s = find_socket(fd);
    if (!s) return -1;
    const auto to = read_address(address, length);
    if (!to) return fail(address->sa_family == AF_INET || address->sa_family == AF_INET6 ? EINVAL : EAFNOSUPPORT);
    if (s->domain == AF_INET && address->sa_family != AF_INET) return fail(EAFNOSUPPORT);
    if (s->local || !s->is(phase::fresh)) return fail(EINVAL);
    if (to->address.is_multicast() || to->address.is_broadcast()) return fail(EADDRNOTAVAIL);
    for (const auto& [other, d] : open_) {
        const bool same = d.socket && d.socket->local && d.socket->local->port == to->port && to->port != 0 &&
                          (d.socket->local->address == to->address || to->address.is_unspecified() ||
                           d.socket->local->address.is_unspecified());
        const bool shared = same && d.socket->opt.reuse && s->opt.reuse && !d.socket->is(phase::listening);
        if (same && !shared) return fail(EADDRINUSE);
    }
    s->local = *to;
    return 0;
}

int sockets::listen(int fd, int backlog) {
    const lock held{mutex_};
    const auto s = find_socket(fd);
    if (!s) return -1;
    if (s->is(phase::listening)) return 0;
    if (!s->is(phase::fresh)) return fail(EINVAL);
    if (!s->local) s->local = endpoint{{}, 49152};
    return start_listening(s, backlog);
}

/// Anew, if it listens already: with the options of now.
int sockets::start_listening(const socket_ptr& s, int backlog) {
    if (s->is(phase::listening)) stack_->unlisten(s->listener, now_);
    s->backlog = backlog;
    tcpfsm::listener_options options{.port = s->local->port};
    if (!s->local->address.is_unspecified()) options.address = s->local->address;
    options.backlog = static_cast<std::uint32_t>(std::max(backlog, 0)) + 1;  // one more, as BSD had it
    options.settings.user_timeout = life_of_syn(s->opt.syn_count);
    options.settings.nagle = !s->opt.nodelay;
    if (s->opt.mss != 0) options.settings.mss_most = static_cast<std::uint16_t>(s->opt.mss);
    options.settings.ecn = how_.ecn != 0 ? tcpfsm::ecn_wish::ask : tcpfsm::ecn_wish::refuse;
    options.ip = {static_cast<std::uint8_t>(s->opt.tos >> 2), static_cast<std::uint8_t>(s->opt.hops)};
    const bool by_all = (how_.fast_open & 0x400U) != 0 && s->opt.fast_queue == 0;
    const int queue = by_all ? backlog : s->opt.fast_queue;
    if ((how_.fast_open & 2U) != 0) options.fast_open = static_cast<std::uint32_t>(std::max(queue, 0));
    stack_->set_cookie_keys(options.port, s->opt.fast_keys);
    const auto id = stack_->listen(options);
    if (!id) return fail(ENOBUFS);
    s->listener = *id;
    s->at = phase::listening;
    listening_.emplace_back(*id, s);
    return 0;
}

int sockets::accept(int fd, sockaddr* address, socklen_t* length) {
    lock held{mutex_};
    const auto s = find_socket(fd);
    if (!s) return -1;
    if (!s->is(phase::listening)) return fail(EINVAL);
    const duration patience = span_of(s->opt.receive_time);
    const time_point until = s->non_blocking ? now_ : patience == 0us ? never : now_ + patience;
    if (!wait(held, until, [&] { return !s->accepted.empty() || !s->is(phase::listening); })) return fail(EAGAIN);
    if (s->accepted.empty()) return fail(EINVAL);
    auto child = s->accepted.front();
    s->accepted.pop_front();
    if (child->peer) write_address(*child->peer, child->domain, address, length);
    return add({.socket = std::move(child)});
}

/// A connection is begun, or it is said why not. With `text` by fast open, and with as much of it as the SYN may carry;
/// what that was is taken from its front.
int sockets::begin_connecting(const socket_ptr& s, const endpoint& to, std::span<const std::uint8_t>* text) {
    const bool v4 = to.address.is_v4();
    if (s->domain == AF_INET && !v4) return fail(EAFNOSUPPORT);
    endpoint from = any_of(to.address);
    if (s->local) {
        from.port = s->local->port;
        if (!s->local->address.is_unspecified()) from.address = s->local->address;
    }
    tcpfsm::parameters how{.nagle = !s->opt.nodelay};
    if (s->opt.mss != 0) how.mss_most = static_cast<std::uint16_t>(s->opt.mss);
    how.ecn = how_.ecn == 1 ? tcpfsm::ecn_wish::ask : tcpfsm::ecn_wish::refuse;
    const duration asked = std::chrono::milliseconds{s->opt.user_timeout};
    how.user_timeout = s->opt.user_timeout != 0 ? asked : life_of_syn(s->opt.syn_count);
    const remembered server = text != nullptr ? servers_[to.address] : remembered{};
    const auto begun = text != nullptr ? stack_->connect_fast(to, from, now_, server.cookie, server.mss, how)
                                       : stack_->connect(to, from, now_, how);
    if (begun.says == tcpfsm::answer::err_unspecified) return fail(ENETUNREACH);
    if (begun.says != tcpfsm::answer::ok) return fail(EADDRNOTAVAIL);
    s->of = begun.of;
    s->at = phase::connecting;
    s->error = 0;
    s->peer = to;
    s->promised.reset();
    s->opens_fast = text != nullptr;
    s->local = stack_->between(begun.of)->local;
    s->shut_read = s->shut_write = s->peer_closed = false;
    owners_.emplace_back(s->of, s);
    apply_options(*s);
    if (text != nullptr && server.cookie.size != 0) {
        const std::size_t own = s->opt.mss != 0 ? static_cast<std::size_t>(s->opt.mss) : how_.mtu - (v4 ? 40U : 60U);
        const std::size_t room = std::min<std::size_t>(own, server.mss) - most_options;
        const auto first = text->first(std::min(text->size(), room));
        (void)stack_->send(s->of, first, now_);
        *text = text->subspan(first.size());
    }
    settle();
    return 0;
}

int sockets::start_connecting(lock& held, const socket_ptr& s, const sockaddr* address, socklen_t length) {
    read_sysctls();
    const auto to = read_address(address, length);
    if (!to) return fail(address->sa_family == AF_INET || address->sa_family == AF_INET6 ? EINVAL : EAFNOSUPPORT);
    if (s->opt.connect_fast && servers_[to->address].cookie.size != 0) {
        s->promised = s->peer = to;
        ++s->edges;
        return 0;
    }
    std::span<const std::uint8_t> nothing{};
    if (begin_connecting(s, *to, s->opt.connect_fast ? &nothing : nullptr) != 0) return -1;
    if (s->non_blocking) return fail(EINPROGRESS);
    const duration patience = span_of(s->opt.send_time);
    const time_point until = patience == 0us ? never : now_ + patience;
    if (!wait(held, until, [&] { return !s->is(phase::connecting); })) return fail(EINPROGRESS);
    if (s->is(phase::connected)) {
        s->told_connected = true;
        return 0;
    }
    const int why = std::exchange(s->error, 0);
    s->at = phase::fresh;
    return fail(why != 0 ? why : ECONNABORTED);
}

int sockets::connect(int fd, const sockaddr* address, socklen_t length) {
    lock held{mutex_};
    const auto s = find_socket(fd);
    if (!s) return -1;
    if (address->sa_family == AF_UNSPEC) {
        if (s->is(phase::listening)) stack_->unlisten(s->listener, now_);
        if (s->is(phase::connecting) || s->is(phase::connected)) stack_->abort(s->of, now_);
        s->at = phase::fresh;
        s->accepted.clear();
        s->peer.reset();
        settle();
        return 0;
    }
    switch (s->at) {
    case phase::fresh: return s->promised ? fail(EISCONN) : start_connecting(held, s, address, length);
    case phase::listening: return fail(EISCONN);
    case phase::connecting:
        if (s->non_blocking) return fail(EALREADY);
        wait(held, never, [&] { return !s->is(phase::connecting); });
        [[fallthrough]];
    case phase::connected:
        if (std::exchange(s->told_connected, true)) return fail(EISCONN);
        if (s->is(phase::connected)) return 0;
        [[fallthrough]];
    case phase::ended: break;
    }
    if (s->error == 0 && s->told_connected) return fail(EISCONN);
    const int why = std::exchange(s->error, 0);
    s->at = phase::fresh;
    return fail(why != 0 ? why : ECONNABORTED);
}

int sockets::shutdown(int fd, int how) {
    const lock held{mutex_};
    const auto s = find_socket(fd);
    if (!s) return -1;
    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR) return fail(EINVAL);
    if (s->is(phase::fresh) || s->is(phase::ended)) return fail(ENOTCONN);
    const bool reads = how != SHUT_WR;
    const bool writes = how != SHUT_RD;
    if (s->is(phase::listening)) {
        if (!reads) return 0;
        stack_->unlisten(s->listener, now_);
        s->at = phase::fresh;
    } else if (s->is(phase::connecting)) {
        stack_->abort(s->of, now_);
        s->at = phase::fresh;
    } else {
        s->shut_read = s->shut_read || reads;
        if (writes && !s->shut_write) {
            push_corked(*s, true);
            stack_->close(s->of, now_);
            s->shut_write = true;
        }
    }
    ++s->edges;
    settle();
    return 0;
}

int sockets::close(int fd) {
    lock held{mutex_};
    const auto d = find(fd);
    if (!open_.contains(fd)) return fail(EBADF);
    open_.erase(fd);
    for (auto& [other, each] : open_) {
        if (each.set) each.set->members.erase(fd);
    }
    ::close(fd);
    ::close(d.outside);
    const auto& s = d.socket;
    if (!s) return 0;
    if (s->is(phase::listening)) {
        stack_->unlisten(s->listener, now_);
        for (const auto& child : s->accepted) stack_->abort(child->of, now_);
    } else if (s->is(phase::connecting) || s->is(phase::connected)) {
        const bool lingers = s->opt.lingering.l_onoff != 0;
        push_corked(*s, true);
        if (lingers && s->opt.lingering.l_linger == 0) {
            stack_->abort(s->of, now_);
        } else {
            if (lingers && readable(*s) == 0) {
                stack_->close(s->of, now_);
                settle();
                wait(held, now_ + std::chrono::seconds{s->opt.lingering.l_linger}, [&] { return queued(*s) == 0; });
            }
            stack_->release(s->of, now_);
        }
    } else if (s->is(phase::ended)) {
        stack_->release(s->of, now_);
    }
    settle();
    std::erase_if(owners_, [](const auto& each) { return each.second.expired(); });
    return 0;
}

// --- Text ----------------------------------------------------------------------------------------------------

std::size_t sockets::readable(const socket_object& s) const {
    const auto v = stack_->look_at(s.of);
    return v ? v->readable : 0;
}
/// Octets of text (and a FIN) that the peer has not acknowledged, or that wait to be sent.
std::size_t sockets::queued(const socket_object& s) const {
    const auto v = stack_->look_at(s.of);
    if (!v) return 0;
    const std::size_t fin = v->snd.fin && v->snd.una <= v->snd.end ? 1 : 0;
    std::size_t held = s.corked.size();
    for (const std::string& each : s.records) held += each.size();
    return v->snd.queued() + fin + held;
}
/// Octets that a call may write now, at least until the next look.
std::size_t sockets::send_room(const socket_object& s) const {
    const auto v = stack_->look_at(s.of);
    if (!v || !s.is(phase::connected)) return 0;
    const std::size_t held = s.corked.size();
    const std::size_t room = v->writable > held ? v->writable - held : 0;
    if (dresser_.keeps_buffers()) {
        const std::size_t rest = s.record_ends ? 0 : s.written.room(buffer_goal(*v));
        if (rest != 0) return std::min(rest, room);
        return has_memory(s, 1) ? std::min(room, buffer_goal(*v)) : 0;
    }
    if (s.opt.send_buffer == 0) return room;
    const auto most = static_cast<std::size_t>(s.opt.send_buffer);
    return std::min(room, most > queued(s) ? most - queued(s) : 0);
}
/// As large as Linux makes a buffer: what a device takes at once, whole segments, and half of the peer's window at
/// most.
std::size_t sockets::buffer_goal(const vitals& v) const {
    constexpr std::size_t largest = 65215;
    const std::size_t full = std::max<std::uint32_t>(v.full(), 1);
    const std::size_t window = v.snd.max_wnd;
    const std::size_t most = window == 0 ? largest : std::min<std::size_t>(largest, window > 536 ? window / 2 : window);
    return std::max(most / full * full, full);
}
/// Another buffer may be opened: the memory is not all taken, and not too much waits to be sent (TCP_NOTSENT_LOWAT).
/// Who asks whether it is worth it to begin again is told so when a third is free, and half of that has left.
bool sockets::has_memory(const socket_object& s, std::uint64_t parts_of_unsent) const {
    const auto v = stack_->look_at(s.of);
    if (!v) return false;
    const auto low = static_cast<std::uint32_t>(s.opt.not_sent_low);
    const std::uint64_t most = low != 0 ? low : how_.not_sent_low;
    const std::uint64_t unsent = s.written.begun() ? s.written.end() - v->snd.nxt : 0;
    return s.written.memory() < own_room(s) && unsent * parts_of_unsent < most;
}
std::size_t sockets::own_room(const socket_object& s) const {
    return s.opt.send_buffer != 0 ? static_cast<std::size_t>(s.opt.send_buffer)
                                  : std::max<std::size_t>(s.own_room, how_.send_buffer);
}
bool sockets::writable(const socket_object& s) const {
    if (!dresser_.keeps_buffers()) return send_room(s) > queued(s) / 2;
    const std::size_t taken = s.written.memory();
    return has_memory(s, 2) && own_room(s) - taken >= taken / 2;
}
/// What was acknowledged is free again. Whoever was turned away hears of it if it is enough; and the buffer grows with
/// the window, unless that is full.
void sockets::free_memory(socket_object& s) const {
    const auto v = stack_->look_at(s.of);
    if (v ? s.beside.acknowledged(v->snd.first_text(), now_) : s.beside.over()) ++s.edges;
    if (!v || !s.written.begun()) return;
    s.written.acknowledge(v->snd.first_text());
    if (s.own_room == 0) grow(s, *v);
    if (!s.no_space) return;
    if (v->snd.flight() < v->congestion_window) grow(s, *v);
    if (!writable(s)) return;
    s.no_space = false;
    ++s.edges;
}
/// Twice the window in segments, each with its headers in a power of two, and with what is kept beside it.
void sockets::grow(socket_object& s, const vitals& v) const {
    constexpr std::size_t headers = 640, beside = 256, least = 10;
    const std::size_t segment = std::bit_ceil(v.snd.mss + headers) + beside;
    const std::size_t window = std::max<std::size_t>(v.congestion_window / std::max<std::uint32_t>(v.full(), 1), least);
    s.own_room = std::max({s.own_room, how_.send_buffer, std::min(2 * window * segment, how_.send_buffer_most)});
}

ssize_t sockets::take_text(socket_object& s, std::span<const iovec> into, bool peek) {
    std::size_t taken = 0;
    auto ahead = stack_->peek(s.of);
    for (const iovec& piece : into) {
        const std::span room{static_cast<std::uint8_t*>(piece.iov_base), piece.iov_len};
        if (peek) {
            const std::size_t n = std::min(room.size(), ahead.size());
            std::copy_n(ahead.begin(), n, room.begin());
            ahead = ahead.subspan(n);
            taken += n;
        } else {
            taken += stack_->receive(s.of, room, now_).octets;
        }
    }
    return static_cast<ssize_t>(taken);
}

ssize_t sockets::receive(int fd, std::span<const iovec> into, int flags) {
    lock held{mutex_};
    const auto d = find(fd);
    if (d.pipe) {
        std::size_t n = 0;
        for (const iovec& piece : into) {
            const std::size_t m = std::min(piece.iov_len, d.pipe->text->size());
            std::memcpy(piece.iov_base, d.pipe->text->data(), m);
            d.pipe->text->erase(0, m);
            n += m;
        }
        return n != 0 ? static_cast<ssize_t>(n) : fail(EAGAIN);
    }
    const auto s = find_socket(fd);
    if (!s) return -1;
    if (s->is(phase::fresh) || s->is(phase::listening)) {
        if (s->error != 0) return fail(std::exchange(s->error, 0));
        return fail(s->promised ? EAGAIN : ENOTCONN);
    }
    if ((flags & MSG_OOB) != 0) return fail(EINVAL);
    if (!sound(into)) return fail(EFAULT);
    const std::size_t size = size_of(into);
    if (size == 0) return 0;
    const bool at_once = s->non_blocking || (flags & MSG_DONTWAIT) != 0;
    const duration patience = span_of(s->opt.receive_time);
    const time_point until = at_once ? now_ : patience == 0us ? never : now_ + patience;
    const std::size_t least = (flags & MSG_WAITALL) != 0 ? size : 1;
    const auto over = [&] { return s->peer_closed || s->shut_read || s->is(phase::ended) || s->error != 0; };
    wait(held, until, [&] { return readable(*s) >= least || over(); });
    if (readable(*s) != 0) {
        const ssize_t n = take_text(*s, into, (flags & MSG_PEEK) != 0);
        settle();
        return n;
    }
    if (s->error != 0) return fail(std::exchange(s->error, 0));
    return over() ? 0 : fail(EAGAIN);
}

ssize_t sockets::receive_message(int fd, msghdr& into, int flags) {
    if ((flags & MSG_ERRQUEUE) != 0) {
        const lock held{mutex_};
        const auto s = find_socket(fd);
        return s ? s->beside.receive(into, s->domain == AF_INET) : -1;
    }
    const ssize_t n = receive(fd, {into.msg_iov, into.msg_iovlen}, flags);
    if (n < 0) return n;
    into.msg_flags = 0;
    into.msg_namelen = 0;
    control_writer control{into};
    const lock held{mutex_};
    const auto s = find(fd).socket;
    if (!s || !s->opt.tells_queued) return n;
    const auto left = static_cast<int>(readable(*s));
    control.put(IPPROTO_TCP, tcp_inq, left == 0 && s->peer_closed ? 1 : left);  // the end is something to read
    return n;
}

/// Text that was held back for more goes as far as it fills segments, or all of it. What is left waits for as long as
/// a retransmission would, but not beside text that is in flight.
void sockets::push_corked(socket_object& s, bool all) {
    s.corked_until = never;
    const auto v = stack_->look_at(s.of);
    if (!v || s.corked.empty()) return;
    const std::size_t full = std::max<std::uint32_t>(v->full(), 1);
    const std::size_t n = all ? s.corked.size() : s.corked.size() / full * full;
    const std::span text{reinterpret_cast<const std::uint8_t*>(s.corked.data()), n};
    s.corked.erase(0, stack_->send(s.of, text, now_).octets);
    if (!s.corked.empty() && n == 0 && v->snd.flight() == 0) s.corked_until = now_ + v->rto;
}

/// MSG_MORE holds text back until the next ACK, TCP_CORK holds it longer: the clock begins when nothing is in flight.
void sockets::release_corked(const glance& at) {
    for (const auto& [handle, owner] : owners_) {
        const auto s = owner.lock();
        if (!s || s->corked.empty() || stack_->between(handle) != at.between.reversed()) continue;
        const auto v = stack_->look_at(handle);
        if (!v || !at.segment.has(tcpfsm::ctl::ack)) continue;
        if (!s->opt.cork) {
            push_corked(*s, true);
        } else if (v->snd.flight() == 0 && s->corked_until == never) {
            s->corked_until = now_ + v->rto;
        }
    }
}

/// Text is written. If Linux would push by now, what there is does not wait for the end of the call.
void sockets::note_written(socket_object& s, std::size_t octets) const {
    const auto v = stack_->look_at(s.of);
    if (!v || !dresser_.keeps_buffers()) return;
    if (!s.written.begun()) s.written.begin(v->snd.end);
    const std::size_t goal = buffer_goal(*v);
    while (octets != 0) octets -= s.written.append(octets, goal);
    if (s.written.room(goal) == 0 && s.written.push_is_due(v->snd.max_wnd / 2)) s.written.push();
}

/// Linux lends pages of the user's memory to a buffer, and no more than these to one.
constexpr std::size_t pages_of_buffer = 17;

bool sockets::lends_memory(const socket_object& s, int flags) { return s.opt.zero_copy && (flags & MSG_ZEROCOPY) != 0; }
/// A call has given text.
void sockets::note_call(socket_object& s, int flags) const {
    const auto v = stack_->look_at(s.of);
    if (!v) return;
    std::size_t waiting = s.corked.size();
    for (const std::string& each : s.records) waiting += each.size();
    s.beside.wrote(v->snd.end + static_cast<std::uint32_t>(waiting), lends_memory(s, flags));
}

/// What the system wrote to descriptors of sockets is text of theirs.
void sockets::take_outside(lock& held) {
    std::array<std::uint8_t, 4096> room{};
    for (const auto& [fd, d] : std::map{open_}) {
        if (!d.socket) continue;
        for (;;) {
            const ssize_t n = ::recv(d.outside, room.data(), room.size(), MSG_DONTWAIT);
            if (n <= 0) break;
            const iovec piece{room.data(), static_cast<std::size_t>(n)};
            (void)write_text(held, d.socket, {&piece, 1}, MSG_DONTWAIT, nullptr, 0);
        }
    }
}

ssize_t sockets::transmit(int fd, std::span<const iovec> from, int flags, const sockaddr* address, socklen_t length) {
    lock held{mutex_};
    const auto d = find(fd);
    if (d.pipe) {
        for (const iovec& piece : from) d.pipe->text->append(static_cast<const char*>(piece.iov_base), piece.iov_len);
        return static_cast<ssize_t>(size_of(from));
    }
    const auto s = find_socket(fd);
    if (!s) return -1;
    if (!sound(from)) return fail(EFAULT);
    if ((flags & MSG_OOB) != 0) return fail(EOPNOTSUPP);
    return write_text(held, s, from, flags, address, length);
}

ssize_t sockets::write_text(lock& held, const socket_ptr& s, std::span<const iovec> from, int flags,
                            const sockaddr* address, socklen_t length) {
    const bool at_once = s->non_blocking || (flags & MSG_DONTWAIT) != 0;
    const duration patience = span_of(s->opt.send_time);
    const time_point until = at_once ? now_ : patience == 0us ? never : now_ + patience;
    std::size_t sent = 0;
    if ((flags & MSG_FASTOPEN) != 0 || s->promised) {
        read_sysctls();
        if (s->is(phase::connecting)) return fail(EALREADY);
        if (s->is(phase::fresh)) {
            const auto to = s->promised          ? s->promised
                            : address != nullptr ? read_address(address, length)
                                                 : std::nullopt;
            if (!to || (how_.fast_open & 1U) == 0) return fail(EOPNOTSUPP);
            std::vector<std::uint8_t> text(size_of(from));
            std::span<const std::uint8_t> rest{text};
            if (begin_connecting(s, *to, &rest) != 0) return -1;
            sent = text.size() - rest.size();
            if (at_once && sent != 0) note_call(*s, flags);
            if (at_once) return sent != 0 ? static_cast<ssize_t>(sent) : fail(EINPROGRESS);
        }
    }
    if (s->is(phase::connecting)) wait(held, until, [&] { return !s->is(phase::connecting); });
    if (s->is(phase::connecting)) return fail(EAGAIN);
    if (s->error != 0) return fail(std::exchange(s->error, 0));
    const bool more = (flags & MSG_MORE) != 0;
    const bool holds = s->opt.cork || more;
    s->written.begin_write();
    std::size_t went = sent;  // with the SYN
    std::size_t pages = 0;
    for (const iovec& piece : from) {
        std::span rest{static_cast<const std::uint8_t*>(piece.iov_base), piece.iov_len};
        const std::size_t first = std::min(went, rest.size());
        rest = rest.subspan(first);
        went -= first;
        if (lends_memory(*s, flags) && !rest.empty() && pages++ == pages_of_buffer) {
            s->written.push();
            s->written.end_record();
            s->record_ends = true;
            pages = 1;
        }
        while (!rest.empty()) {
            // Whoever was turned away comes back when a third of the buffer is free.
            const auto some = [&] { return send_room(*s) != 0; };
            const auto enough = [&] {
                return s->error != 0 || s->shut_write || !s->is(phase::connected) || writable(*s);
            };
            if (s->error == 0 && s->is(phase::connected) && !s->shut_write && !some()) {
                if (sent != 0) {  // the rest comes later, if at all
                    s->written.push();
                    push_corked(*s, true);
                    settle();
                }
                ++s->writers;
                s->no_space = true;
                keep_time(*s);
                wait(held, until, enough);
                --s->writers;
            }
            if (s->error != 0 || s->shut_write || !s->is(phase::connected)) {
                if (sent != 0) return static_cast<ssize_t>(sent);
                const int why = std::exchange(s->error, 0);
                return fail(why != 0 ? why : EPIPE);
            }
            if (!some()) {
                if (sent == 0) return fail(EAGAIN);
                note_call(*s, flags);
                return static_cast<ssize_t>(sent);
            }
            std::size_t n = std::min(rest.size(), send_room(*s));
            note_written(*s, n);
            if (s->record_ends || !s->records.empty()) {
                if (std::exchange(s->record_ends, false)) s->records.emplace_back();
                s->records.back().append(reinterpret_cast<const char*>(rest.data()), n);
            } else if (holds || !s->corked.empty()) {
                s->corked.append(reinterpret_cast<const char*>(rest.data()), n);
            } else {
                n = stack_->send(s->of, rest.first(n), now_).octets;
            }
            rest = rest.subspan(n);
            sent += n;
            if (!rest.empty()) settle();
        }
    }
    if (!more) s->written.push();
    push_corked(*s, !holds);
    if ((flags & MSG_EOR) != 0) {
        s->record_ends = true;
        s->written.end_record();
    }
    if (sent != 0) note_call(*s, flags);
    settle();
    return static_cast<ssize_t>(sent);
}

ssize_t sockets::splice(int in_fd, int out_fd, std::size_t size, unsigned /*flags*/) {
    std::string text(std::min<std::size_t>(size, 1U << 16U), '\0');
    const iovec piece{text.data(), text.size()};
    {
        const lock held{mutex_};
        if (!find(in_fd).pipe && !find(out_fd).pipe) return fail(EINVAL);
    }
    const ssize_t n = receive(in_fd, {&piece, 1}, MSG_DONTWAIT);
    if (n <= 0) return n;
    const iovec part{text.data(), static_cast<std::size_t>(n)};
    return transmit(out_fd, {&part, 1}, 0);
}

int sockets::pipe(int fds[2]) {
    const lock held{mutex_};
    const auto text = std::make_shared<std::string>();
    fds[0] = add({.pipe = std::make_shared<end_of_pipe>(end_of_pipe{text, false})});
    fds[1] = add({.pipe = std::make_shared<end_of_pipe>(end_of_pipe{text, true})});
    return fds[0] < 0 || fds[1] < 0 ? -1 : 0;
}

// --- Settings ------------------------------------------------------------------------------------------------

int sockets::fcntl(int fd, int command, int value) {
    const lock held{mutex_};
    const auto d = find(fd);
    if (!open_.contains(fd)) return fail(EBADF);
    switch (command) {
    case F_GETFL: return O_RDWR | (d.socket && d.socket->non_blocking ? O_NONBLOCK : 0);
    case F_SETFL:
        if (d.socket) d.socket->non_blocking = (value & O_NONBLOCK) != 0;
        return 0;
    case F_GETFD: return 0;
    case F_SETFD: return 0;
    default: return fail(EINVAL);
    }
}

int sockets::ioctl(int fd, unsigned long request, int* value) {
    const lock held{mutex_};
    const auto s = find_socket(fd);
    if (!s) return -1;
    const auto v = stack_->look_at(s->of);
    switch (request) {
    case FIONBIO: s->non_blocking = *value != 0; return 0;
    case SIOCINQ:
        if (s->is(phase::listening)) return fail(EINVAL);
        *value = v ? static_cast<int>(v->readable) : 0;
        return 0;
    case SIOCOUTQ:
        if (s->is(phase::listening)) return fail(EINVAL);
        *value = static_cast<int>(queued(*s));
        return 0;
    case SIOCOUTQNSD:
        if (s->is(phase::listening)) return fail(EINVAL);
        *value = v ? static_cast<int>(v->snd.unsent() + s->corked.size()) : 0;
        return 0;
    default: return fail(ENOTTY);
    }
}

namespace {

constexpr int so_meminfo = 55;
constexpr int tcp_cc_info = 26;
constexpr int tcp_notsent_lowat = 25;
constexpr int tcp_fastopen = 23;
constexpr int tcp_fastopen_connect = 30;
constexpr int tcp_fastopen_key = 33;
constexpr int default_send_buffer = 262144;
constexpr int default_receive_buffer = 540000;

/// Copies what there is room for, and says how much that was.
template <class T>
int give(const T& what, void* value, socklen_t* length) {
    *length = std::min<socklen_t>(*length, sizeof what);
    std::memcpy(value, &what, *length);
    return 0;
}

}  // namespace

int sockets::getsockopt(int fd, int level, int name, void* value, socklen_t* length) {
    const lock held{mutex_};
    const auto s = find_socket(fd);
    if (!s) return -1;
    const auto number = [&](int n) { return give(n, value, length); };
    const auto v = stack_->look_at(s->of);
    const auto& opt = s->opt;
    if (level == SOL_SOCKET) {
        switch (name) {
        case SO_ERROR: return number(std::exchange(s->error, 0));
        case SO_LINGER: return give(opt.lingering, value, length);
        case SO_KEEPALIVE: return number(opt.keep_alive);
        case SO_REUSEADDR: return number(opt.reuse);
        case SO_SNDBUF: return number(opt.send_buffer != 0 ? opt.send_buffer : default_send_buffer);
        case SO_RCVBUF: return number(opt.receive_buffer != 0 ? opt.receive_buffer : default_receive_buffer);
        case SO_RCVTIMEO: return give(opt.receive_time, value, length);
        case SO_SNDTIMEO: return give(opt.send_time, value, length);
        case SO_TYPE: return number(SOCK_STREAM);
        case SO_DOMAIN: return number(s->domain);
        case SO_PROTOCOL: return number(IPPROTO_TCP);
        case SO_ACCEPTCONN: return number(s->is(phase::listening));
        case SO_ZEROCOPY: return number(opt.zero_copy);
        case SO_MARK: return number(opt.mark);
        case SO_TIMESTAMPING: return number(static_cast<int>(s->beside.stamping()));
        case so_meminfo: {
            std::array<std::uint32_t, 9> all{};
            all[0] = static_cast<std::uint32_t>(readable(*s));
            all[1] = static_cast<std::uint32_t>(opt.receive_buffer != 0 ? opt.receive_buffer : default_receive_buffer);
            all[3] = static_cast<std::uint32_t>(opt.send_buffer != 0 ? opt.send_buffer : default_send_buffer);
            all[5] = static_cast<std::uint32_t>(queued(*s));
            return give(all, value, length);
        }
        default: return fail(ENOPROTOOPT);
        }
    }
    if (level == IPPROTO_IP && name == IP_MTU_DISCOVER) return number(opt.discovers);
    if (level == IPPROTO_TCP) {
        switch (name) {
        case TCP_NODELAY: return number(opt.nodelay);
        case TCP_CORK: return number(opt.cork);
        case TCP_QUICKACK: return number(opt.quick_ack);
        case TCP_MAXSEG: return number(opt.mss != 0 ? opt.mss : v ? static_cast<int>(v->full()) : 536);
        case tcp_fastopen: return number(opt.fast_queue);
        case TCP_USER_TIMEOUT: return number(opt.user_timeout);
        case TCP_KEEPIDLE: return number(opt.keep_idle);
        case TCP_SYNCNT: return number(opt.syn_count);
        case tcp_notsent_lowat: return number(opt.not_sent_low);
        case tcp_inq: return number(opt.tells_queued);
        case TCP_INFO: keep_time(*s); return get_tcp_info(*s, value, length);
        case tcp_cc_info: *length = 0; return 0;  // Reno has none
        default: return fail(ENOPROTOOPT);
        }
    }
    if (level == IPPROTO_IP && name == IP_TOS) return number(opt.tos);
    if (level == IPPROTO_IP && name == IP_TTL) return number(opt.hops);
    if (level == IPPROTO_IPV6 && name == IPV6_TCLASS) return number(opt.tos);
    if (level == IPPROTO_IPV6 && name == IPV6_UNICAST_HOPS) return number(opt.hops);
    if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY) return number(opt.only_v6);
    return fail(ENOPROTOOPT);
}

int sockets::setsockopt(int fd, int level, int name, const void* value, socklen_t length) {
    const lock held{mutex_};
    const auto s = find_socket(fd);
    if (!s) return -1;
    auto& opt = s->opt;
    const auto take = [&](auto& into) {
        if (length < sizeof into) return fail(EINVAL);
        std::memcpy(&into, value, sizeof into);
        return 0;
    };
    if (level == SOL_SOCKET && name == SO_LINGER) return take(opt.lingering);
    if (level == SOL_SOCKET && name == SO_RCVTIMEO) return take(opt.receive_time);
    if (level == SOL_SOCKET && name == SO_SNDTIMEO) return take(opt.send_time);
    if (level == IPPROTO_TCP && name == tcp_fastopen_key) {  // one key, or one and the one before
        tcpfsm::hash_key key{};
        if (length != key.size() && length != 2 * key.size()) return fail(EINVAL);
        opt.fast_keys.clear();
        for (socklen_t at = 0; at < length; at += key.size()) {
            std::memcpy(key.data(), static_cast<const std::uint8_t*>(value) + at, key.size());
            opt.fast_keys.push_back(key);
        }
        if (s->is(phase::listening)) stack_->set_cookie_keys(s->local->port, opt.fast_keys);
        return 0;
    }
    int n = 0;
    if (level == IPPROTO_IP && length == 1) {
        n = *static_cast<const std::uint8_t*>(value);
    } else if (take(n) != 0) {
        return -1;
    }
    const auto within = [&](int least, int most, int& into) {
        if (n < least || n > most) return fail(EINVAL);
        into = n;
        return 0;
    };
    int said = 0;
    if (level == SOL_SOCKET) {
        switch (name) {
        case SO_REUSEADDR:
        case SO_REUSEPORT: opt.reuse = n != 0; return 0;
        case SO_KEEPALIVE: opt.keep_alive = n != 0; break;
        case SO_SNDBUF: opt.send_buffer = std::max(2 * n, 4608); break;  // doubled, as Linux does
        case SO_RCVBUF: opt.receive_buffer = std::max(2 * n, 2304); break;
        case SO_ZEROCOPY: return within(0, 1, said) == 0 ? (opt.zero_copy = n != 0, 0) : -1;
        case SO_MARK: opt.mark = n; return 0;
        case SO_TIMESTAMPING: {
            const auto v = stack_->look_at(s->of);
            s->beside.stamp(static_cast<unsigned>(n), v ? v->snd.first_text() : tcpfsm::seq{});
            return 0;
        }
        default: return fail(ENOPROTOOPT);
        }
    } else if (level == IPPROTO_TCP) {
        switch (name) {
        case TCP_NODELAY: opt.nodelay = n != 0; break;
        case TCP_CORK: opt.cork = n != 0; break;
        case TCP_QUICKACK: opt.quick_ack = n != 0; return 0;
        case TCP_MAXSEG:
            if (within(88, 32767, opt.mss) != 0) return -1;
            return s->is(phase::listening) ? start_listening(s, s->backlog) : 0;
        case tcp_fastopen:
            if (n < 0 || !(s->is(phase::fresh) || s->is(phase::listening))) return fail(EINVAL);
            read_sysctls();
            opt.fast_queue = n;
            return s->is(phase::listening) ? start_listening(s, s->backlog) : 0;
        case tcp_fastopen_connect:
            read_sysctls();
            if ((how_.fast_open & 1U) == 0) return fail(EOPNOTSUPP);
            if (!s->is(phase::fresh)) return fail(EINVAL);
            opt.connect_fast = n != 0;
            return 0;
        case TCP_USER_TIMEOUT: said = within(0, 0x7fffffff, opt.user_timeout); break;
        case TCP_KEEPIDLE: said = within(1, 32767, opt.keep_idle); break;
        case TCP_SYNCNT: said = within(1, 127, opt.syn_count); break;
        case tcp_inq: return within(0, 1, said) == 0 ? (opt.tells_queued = n != 0, 0) : -1;
        case tcp_notsent_lowat: opt.not_sent_low = n; return 0;
        default: return fail(ENOPROTOOPT);
        }
    } else if ((level == IPPROTO_IP && name == IP_TOS) || (level == IPPROTO_IPV6 && name == IPV6_TCLASS)) {
        opt.tos = n & 0xfc;  // ECN is TCP's own
    } else if ((level == IPPROTO_IP && name == IP_TTL) || (level == IPPROTO_IPV6 && name == IPV6_UNICAST_HOPS)) {
        said = within(1, 255, opt.hops);
    } else if (level == IPPROTO_IP && name == IP_MTU_DISCOVER) {
        return within(0, 5, opt.discovers);
    } else if (level == IPPROTO_IP && name == IP_FREEBIND) {
        return 0;  // any address may be bound
    } else if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY) {
        opt.only_v6 = n;
        return 0;
    } else {
        return fail(ENOPROTOOPT);
    }
    if (said != 0) return said;
    if (s->is(phase::connecting) || s->is(phase::connected)) {
        apply_options(*s);
        if (!opt.cork || opt.nodelay) push_corked(*s, true);
    }
    settle();
    return 0;
}

int sockets::get_tcp_info(const socket_object& s, void* value, socklen_t* length) const {
    // The numbers of Linux, in the order of the library's states.
    constexpr std::array<std::uint8_t, tcpfsm::state_count> numbers{7, 10, 2, 3, 1, 4, 5, 8, 11, 9, 6};
    constexpr std::uint8_t open = 0, disorder = 1, recovery = 3, loss = 4;
    tcp_info_linux info{};
    info.state = s.is(phase::listening) ? 10 : 7;
    info.options = s.text_of_syn != 0 || s.came_fast ? 32 : 0;
    if (const auto v = stack_->look_at(s.of)) {
        const auto micros = [](duration d) { return static_cast<std::uint32_t>(d.count()); };
        const auto millis_since = [&](time_point t) { return static_cast<std::uint32_t>((now_ - t) / 1ms); };
        const std::uint32_t full = std::max<std::uint32_t>(v->full(), 1);
        const auto packets = [&](std::uint32_t octets) { return (octets + full - 1) / full; };
        constexpr std::uint32_t no_threshold = 0x7fffffff;
        info.state = numbers[static_cast<std::size_t>(v->at)];
        info.ca_state = v->recovery.active() ? recovery : v->snd.retries != 0 ? loss : open;
        if (info.ca_state == open && v->recovery.duplicates() != 0) info.ca_state = disorder;
        if (v->selective) {
            const auto& part = *v->selective;
            constexpr std::array<std::uint8_t, 3> of_episode{open, recovery, loss};
            info.ca_state = of_episode[static_cast<std::size_t>(part.now)];
            if (info.ca_state == open && part.sacked != 0) info.ca_state = disorder;
            info.sacked = packets(part.sacked);
            // What was sent again is lost until it is acknowledged; a probe of the tail is none.
            info.lost = packets(part.lost + (part.now == tcpfsm::episode::none ? 0 : part.again));
            info.retrans = packets(part.again);
            info.min_rtt = part.min_rtt;
        }
        info.retransmits = v->snd.retries;
        info.probes = v->snd.probes;
        info.backoff = static_cast<std::uint8_t>(v->rtt.backed_off());
        info.options = static_cast<std::uint8_t>(info.options | (v->timestamps_on ? 1 : 0) | (v->sack_ok ? 2 : 0) |
                                                 (v->scale_ok ? 4 : 0));
        info.wscales = static_cast<std::uint8_t>(v->snd.shift | v->rcv.shift << 4);
        info.rto = micros(v->rto);
        info.snd_mss = full;
        info.rcv_mss = v->rcv.full;
        info.unacked = packets(v->snd.flight());
        info.last_data_sent = millis_since(s.seen.text_out_at);
        info.last_ack_sent = millis_since(s.seen.ack_out_at);
        info.last_data_recv = millis_since(s.seen.text_in_at);
        info.last_ack_recv = millis_since(s.seen.ack_in_at);
        info.pmtu = how_.mtu;
        info.rtt = micros(v->rtt.srtt());
        info.rttvar = micros(v->rtt.rttvar());
        info.snd_ssthresh = v->threshold >= 1U << 30U ? no_threshold : v->threshold / v->snd.mss;
        info.snd_cwnd = v->congestion_window / v->snd.mss;
        info.advmss = v->rcv.mss - (v->timestamps_on ? 12U : 0U);
        info.reordering = s.out.reordering();
        info.reord_seen = s.out.seen();
        info.total_retrans = s.seen.again;
        info.bytes_acked = v->snd.first_text() - v->snd.iss - 1;
        info.bytes_received = v->rcv.nxt - v->rcv.irs - 1;
        info.delivered =
            v->snd.synced ? 1 + packets(v->snd.first_text() - v->snd.iss - 1 - s.text_of_syn) + info.sacked : 0;
        info.busy_time = static_cast<std::uint64_t>(s.spent.busy.count());
        info.rwnd_limited = static_cast<std::uint64_t>(s.spent.peer.count());
        info.sndbuf_limited = static_cast<std::uint64_t>(s.spent.buffer.count());
        info.segs_out = s.seen.out;
        info.segs_in = s.seen.in;
        info.notsent_bytes = v->snd.unsent() + static_cast<std::uint32_t>(s.corked.size());
        info.data_segs_in = s.seen.text_in;
        info.data_segs_out = s.seen.text_out;
        info.bytes_sent = s.seen.octets_out;
        info.bytes_retrans = s.seen.octets_again;
        info.snd_wnd = v->snd.wnd;
        info.rcv_wnd = v->rcv.wnd();
    }
    return give(info, value, length);
}

// --- Polls ---------------------------------------------------------------------------------------------------

short sockets::events_of(const socket_object& s) const {
    int events = 0;
    if (s.is(phase::listening)) return s.accepted.empty() ? short{0} : short{POLLIN | POLLRDNORM};
    const bool over = (s.is(phase::fresh) && !s.promised) || s.is(phase::ended);
    const bool no_more_in = s.peer_closed || s.shut_read || s.is(phase::ended);
    const bool no_more_out = s.shut_write || s.is(phase::ended);
    if (over || (no_more_in && no_more_out)) events |= POLLHUP;
    if (no_more_in) events |= POLLIN | POLLRDNORM | POLLRDHUP;
    if (!s.is(phase::connecting)) {
        if (readable(s) != 0) events |= POLLIN | POLLRDNORM;
        if (no_more_out || over || s.promised || writable(s)) events |= POLLOUT | POLLWRNORM;
    }
    if (s.error != 0 || !s.beside.empty()) events |= POLLERR;
    return static_cast<short>(events);
}
short sockets::events_of(int fd) const {
    const auto d = find(fd);
    if (d.socket) return events_of(*d.socket);
    if (d.pipe && d.pipe->writes) return POLLOUT | POLLWRNORM;
    if (d.pipe && !d.pipe->text->empty()) return POLLIN | POLLRDNORM;
    return open_.contains(fd) ? short{0} : short{POLLNVAL};
}

int sockets::poll(std::span<pollfd> fds, int milliseconds) {
    lock held{mutex_};
    const auto look = [&] {
        int n = 0;
        for (pollfd& each : fds) {
            const short wanted = static_cast<short>(each.events | POLLERR | POLLHUP | POLLNVAL);
            each.revents = static_cast<short>(each.fd < 0 ? 0 : events_of(each.fd) & wanted);
            if (each.revents != 0) ++n;
        }
        return n;
    };
    wait(held, in(milliseconds), [&] { return look() != 0; });
    return look();
}

int sockets::epoll_create() {
    const lock held{mutex_};
    return add({.set = std::make_shared<poll_set>()});
}

int sockets::epoll_ctl(int set, int operation, int fd, const epoll_event* event) {
    const lock held{mutex_};
    const auto d = find(set);
    if (!open_.contains(set) || !open_.contains(fd)) return fail(EBADF);
    if (!d.set || set == fd) return fail(EINVAL);
    auto& members = d.set->members;
    const bool there = members.contains(fd);
    switch (operation) {
    case EPOLL_CTL_ADD:
        if (there) return fail(EEXIST);
        members[fd] = {.wants = *event};
        return 0;
    case EPOLL_CTL_MOD:
        if (!there) return fail(ENOENT);
        members[fd] = {.wants = *event};
        return 0;
    case EPOLL_CTL_DEL:
        if (!there) return fail(ENOENT);
        members.erase(fd);
        return 0;
    default: return fail(EINVAL);
    }
}

/// What is ready. With `consume`, edges count as told and one-shots are disarmed.
int sockets::collect(poll_set& set, std::span<epoll_event> events, bool consume) {
    std::size_t n = 0;
    for (auto& [fd, member] : set.members) {
        if (n == events.size()) break;
        const std::uint32_t always = EPOLLERR | EPOLLHUP;
        const auto ready = static_cast<std::uint32_t>(static_cast<unsigned short>(events_of(fd)));
        const std::uint32_t shown = ready & (member.wants.events | always);
        const auto s = find(fd).socket;
        const std::uint64_t edges = s ? s->edges : 0;
        const bool stale = (member.wants.events & EPOLLET) != 0 && member.edges_told == edges;
        if (shown == 0 || member.disarmed || stale) continue;
        if (consume) {
            member.edges_told = edges;
            member.disarmed = (member.wants.events & EPOLLONESHOT) != 0;
        }
        events[n++] = {.events = shown, .data = member.wants.data};
    }
    return static_cast<int>(n);
}

int sockets::epoll_wait(int set, std::span<epoll_event> events, int milliseconds) {
    lock held{mutex_};
    const auto d = find(set);
    if (!open_.contains(set)) return fail(EBADF);
    if (!d.set || events.empty()) return fail(EINVAL);
    std::vector<epoll_event> found(events.size());
    wait(held, in(milliseconds), [&] { return collect(*d.set, found, false) != 0; });
    return collect(*d.set, events, true);
}

}  // namespace packetdrill
