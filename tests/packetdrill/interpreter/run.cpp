// SPDX-License-Identifier: MIT
#include "run.hpp"

#include "calls.hpp"
#include "clock.hpp"
#include "flow.hpp"
#include "info.hpp"
#include "packets.hpp"
#include "symbols.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <tcpfsm/address_text.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>

namespace tcpfsm::drill {
namespace {

constexpr std::uint16_t flag_fin = 0x01;
constexpr std::uint16_t flag_psh = 0x08;
constexpr std::uint16_t flag_cwr = 0x80;

constexpr std::uint16_t service_port = 8080;  // where scripts bind, and where they connect to
constexpr std::uint16_t first_peer_port = 40001;

double in_seconds(microseconds t) { return static_cast<double>(t) / 1e6; }

/// Numbers in options of a script.
template <class Number>
Number number_in(const script_option& o) {
    Number n{};
    const char* last = o.value.data() + o.value.size();
    if (std::from_chars(o.value.data(), last, n).ptr != last || o.value.empty())
        throw failure{o.at, "expected a whole number here"};
    return n;
}

/// What a script says about its run before its first event, and who speaks.
struct scene {
    settings how;
    addresses known;
    std::string flags;
    bool strict_end = true;
    std::string unsuited;  ///< why it is not to be played so
};

/// The MTU leaves the same MSS in both versions of IP, so that one script serves both.
std::uint32_t mtu_for(std::uint32_t mtu_of_ipv4, family f) { return mtu_of_ipv4 + (f == family::ipv6 ? 20U : 0U); }

scene set(const script& s, const settings& given) {
    scene out{.how = given, .known = {}, .flags = given.so_flags, .strict_end = true, .unsuited = {}};
    std::uint32_t mtu = 1500;
    const bool v6 = given.over == family::ipv6;
    out.known.domain = given.over == family::ipv4 ? AF_INET : AF_INET6;
    out.known.local = {*parse_ip(v6 ? "fd3d:a0b:17d6::1" : "192.168.0.1"), service_port};
    out.known.remote = {*parse_ip(v6 ? "2001:db8::1" : "192.0.2.1"), service_port};
    const auto add = [&out](std::string_view flag) {
        out.flags += out.flags.empty() || flag.empty() ? "" : ",";
        out.flags += flag;
    };
    for (const script_option& o : s.options) {
        const auto address = [&o] {
            const auto got = parse_ip(o.value);
            if (!got) throw failure{o.at, "this is no address"};
            return *got;
        };
        if (o.name == "ip_version") {
            const std::string_view wanted = o.value == "ipv4-mapped-ipv6" ? "mapped" : std::string_view{o.value};
            if (!family_of(wanted)) throw failure{o.at, "an IP version is ipv4, ipv6 or ipv4-mapped-ipv6"};
            if (family_of(wanted) != given.over) out.unsuited = fmt::format("this script is about {}", wanted);
        } else if (o.name == "tolerance_usecs") {
            out.how.tolerance = number_in<microseconds>(o);
        } else if (o.name == "tolerance_percent") {
            out.how.tolerance_percent = number_in<int>(o);
        } else if (o.name == "mtu") {
            mtu = number_in<std::uint32_t>(o);
        } else if (o.name == "so_flags") {
            add(o.value);
        } else if (o.name == "strict_segments") {
            out.how.strict_segments = true;
        } else if (o.name == "tcp_ts_tick_usecs") {
            out.how.ts_tick = number_in<microseconds>(o);
        } else if (o.name == "local_ip") {
            out.known.local.address = address();
        } else if (o.name == "remote_ip") {
            out.known.remote.address = address();
        } else if (o.name == "bind_port") {
            out.known.local.port = number_in<std::uint16_t>(o);
        } else if (o.name == "connect_port") {
            out.known.remote.port = number_in<std::uint16_t>(o);
        } else {
            throw failure{o.at, fmt::format("the option --{} is not known here", o.name)};
        }
    }
    if (out.flags.find("mtu=") == std::string::npos) add(fmt::format("mtu={}", mtu_for(mtu, given.over)));
    if (out.flags.find("strict_end=0") != std::string::npos) out.strict_end = false;
    return out;
}

class player {
public:
    player(const script& s, scene where) : script_{s}, scene_{std::move(where)} {}
    player(const player&) = delete;
    player& operator=(const player&) = delete;
    /// A call that never returned keeps the stack.
    ~player() {
        if (!blocked_ || blocked_->over_within(0)) stack_.free(stack_.userdata);
    }

    outcome play() {
        outcome out;
        try {
            for (const script_event& e : script_.events) event(e);
            finish_blocked(true);
            out.lasted = clock_.now();
            if (scene_.strict_end) end();
        } catch (const failure& f) {
            out.is = outcome::kind::failed;
            out.at = f.at;
            out.what = f.what();
        }
        out.trace = std::move(trace_);
        return out;
    }

private:
    // --- Events and their time ---------------------------------------------------------------------

    void event(const script_event& e) {
        event_ = &e;
        const packet_line* packet = std::get_if<packet_line>(&e.what);
        const bool inbound = packet != nullptr && packet->inbound;
        // Two inbound packets in a row are as far apart as the script says; else what counts is when the last event
        // was over.
        const microseconds base = inbound && last_was_inbound_ ? due_ : clock_.now();
        offset_ = base;
        const microseconds last = due_;
        due_ = e.time.from;
        due_end_ = e.time.to;
        switch (e.time.is) {
        case event_time::kind::relative: due_ += base; break;
        case event_time::kind::relative_range:
            due_ += base;
            due_end_ += base;
            break;
        case event_time::kind::any: due_ = base; break;
        default: break;
        }
        if (due_ < last && e.time.is == event_time::kind::absolute && !first_)
            throw failure{e.at, fmt::format("this is to happen at {:.6f}, before the line above it", in_seconds(due_))};
        first_ = false;
        const double apart = static_cast<double>(due_ - last) * scene_.how.tolerance_percent / 100;
        allowed_ = std::max(scene_.how.tolerance, static_cast<microseconds>(apart));

        if (packet != nullptr && !inbound) {
            expect(e, *packet);
        } else {
            clock_.wait_until(due_);
            check_time(e, clock_.now(), "this happened");
            finish_blocked(false);
            if (packet != nullptr) {
                inject(e, *packet);
            } else if (const auto* call = std::get_if<call_line>(&e.what)) {
                make(e, *call);
            } else {
                check(e, std::get<code_line>(e.what));
            }
        }
        last_was_inbound_ = inbound;
    }
    void check_time(const script_event& e, microseconds at, const char* what) const {
        microseconds until = due_;
        switch (e.time.is) {
        case event_time::kind::any: return;
        case event_time::kind::absolute_range:
        case event_time::kind::relative_range: until = due_end_; break;
        default: break;
        }
        if (at >= due_ - allowed_ && at <= until + allowed_) return;
        const bool range = until != due_;
        throw failure{e.at,
                      fmt::format("{} at {:.6f}, but expected {}{:.6f}{} (give or take {:.6f})", what, in_seconds(at),
                                  range ? "from " : "at ", in_seconds(due_),
                                  range ? fmt::format(" to {:.6f}", in_seconds(until)) : "", in_seconds(allowed_))};
    }
    void note(microseconds at, const std::string& what) {
        trace_.push_back(fmt::format("{:12.6f}  {}", in_seconds(at), what));
    }

    // --- Packets -----------------------------------------------------------------------------------

    void inject(const script_event& e, const packet_line& packet) {
        using stage = flow::stage;
        if (flow_.at() == stage::fresh)
            throw failure{e.at, "the socket neither listens nor connects, so this packet would have no addresses"};
        if (flow_.at() == stage::connecting)
            throw failure{e.at, "the stack has sent no SYN yet, so its port is not known"};
        if (flow_.at() != stage::known) {
            four_tuple between{scene_.known.local, scene_.known.remote};
            between.remote.port = next_peer_port_++;
            flow_.is(between);
        }
        octets out;
        if (const auto* seg = std::get_if<tcp_line>(&packet.what)) {
            note(clock_.now(), "< " + to_text(*seg));
            out = to_octets(flow_.to_wire(*seg, scene_.how.peer_isn, e.at), packet.ip, flow_.between());
        } else {
            const auto& message = std::get<icmp_line>(packet.what);
            note(clock_.now(), fmt::format("< icmp {}", message.type.text));
            out = to_octets(flow_.to_wire(message), flow_.between());
        }
        if (stack_.netdev_send(stack_.userdata, out.data(), out.size()) != 0)
            throw failure{e.at, "the stack did not take this packet"};
    }

    /// The next packet of the connection under test.
    seen_packet receive(const script_event& e, microseconds& at) {
        for (;;) {
            std::size_t size = buffer_.size();
            long long stamp = 0;
            if (stack_.netdev_receive(stack_.userdata, buffer_.data(), &size, &stamp) != 0) continue;
            finish_blocked(false);
            if (size == 0)
                throw failure{e.at, "the stack has nothing to send, and no timer runs that could change that"};
            at = clock_.from_stack(stamp);
            seen_packet seen = from_octets({buffer_.data(), size}, e.at);
            const bool ours = flow_.at() == flow::stage::connecting ? seen.between.remote == scene_.known.remote
                                                                    : seen.between == flow_.between();
            if (ours) return seen;
            note(at, "  (of another connection)  " + to_text(seen.tcp));
        }
    }
    void expect(const script_event& e, const packet_line& packet) {
        if (flow_.at() != flow::stage::known && flow_.at() != flow::stage::connecting)
            throw failure{e.at, "there is no connection yet that this packet could belong to"};
        tcp_line wanted = std::get<tcp_line>(packet.what);
        const std::uint32_t end = wanted.seq + wanted.text;
        std::optional<std::uint32_t> piece;
        for (;;) {
            microseconds at = 0;
            const seen_packet seen = receive(e, at);
            if (flow_.at() == flow::stage::connecting) flow_.is(seen.between);
            tcp_line got = flow_.to_script(seen.tcp, wanted, scene_.how.peer_isn);
            note(at, "> " + to_text(got));
            // A line may stand for several segments; flags that only the last one has, and the length, are its own.
            const bool part = !scene_.how.strict_segments && got.text != 0 && got.text < end - wanted.seq &&
                              got.seq == wanted.seq && (!piece || *piece == got.text);
            tcp_line whole = got;
            if (part) {
                constexpr std::uint16_t of_last = flag_fin | flag_psh | flag_cwr;
                whole.flags = static_cast<std::uint16_t>((got.flags & ~of_last) | (wanted.flags & of_last));
                whole.text = wanted.text;
            } else if (piece) {
                whole.flags = static_cast<std::uint16_t>((got.flags & ~flag_cwr) | (wanted.flags & flag_cwr));
            }
            compare(e, packet, wanted, whole, got, seen, at);
            if (!part) return check_time(e, at, "this was sent");
            piece = got.text;
            wanted.seq += got.text;
            wanted.text = end - wanted.seq;
        }
    }
    void compare(const script_event& e, const packet_line& packet, const tcp_line& wanted, tcp_line whole,
                 const tcp_line& got, const seen_packet& seen, microseconds at) const {
        const auto differs = [&](const std::string& what) -> failure {
            tcp_line shown = got;
            if (!wanted.win) shown.win.reset();
            return {e.at, fmt::format("{}\n    expected {:12.6f}  > {}\n    actual   {:12.6f}  > {}", what,
                                      in_seconds(due_), to_text(wanted), in_seconds(at), to_text(shown))};
        };
        if (whole.flags != wanted.flags) throw differs("the flags differ");
        if (whole.seq != wanted.seq) throw differs("the sequence numbers differ");
        if (whole.text != wanted.text) throw differs("the lengths of the text differ");
        if ((wanted.flags & 0x10U) != 0 && whole.ack != wanted.ack) throw differs("the acknowledgment numbers differ");
        if ((wanted.flags & 0x10U) == 0 && whole.ack != 0) throw differs("a number is acknowledged without the flag");
        if (wanted.win && whole.win != wanted.win) throw differs("the windows differ");
        if (whole.urgent != wanted.urgent) throw differs("the urgent pointers differ");
        if (!wanted.any_options && whole.options != wanted.options) throw differs("the options differ");
        if (scene_.how.ts_tick) {
            const std::int64_t off = flow_.stamp_error(seen.tcp, wanted) * *scene_.how.ts_tick;
            if (std::abs(off) > allowed_ + *scene_.how.ts_tick)
                throw differs(fmt::format("TS val is off by {:.6f} s", in_seconds(off)));
        }
        for (const std::uint8_t octet : seen.text) {
            if (octet != 0) throw differs("the text is not what was written: octets that are not zero");
        }
        const ip_fields_said& ip = packet.ip;
        const unsigned ecn = seen.tos & 3U;
        const auto ip_differs = [&](const char* what, unsigned want, unsigned have) {
            return differs(fmt::format("{} is {:#x}, but expected {:#x}", what, have, want));
        };
        if (ip.tos && *ip.tos != seen.tos) throw ip_differs("TOS", *ip.tos, seen.tos);
        if (ip.ecn && *ip.ecn != ecn) throw ip_differs("the ECN field", *ip.ecn, ecn);
        if (ip.ect_any && ecn != 1 && ecn != 2) throw ip_differs("the ECN field", 2, ecn);
        if (ip.ttl && *ip.ttl != seen.ttl) throw ip_differs("TTL", *ip.ttl, seen.ttl);
        if (ip.flow_label && *ip.flow_label != seen.flow_label)
            throw ip_differs("the flow label", *ip.flow_label, seen.flow_label);
    }

    // --- Calls -------------------------------------------------------------------------------------

    void make(const script_event& e, const call_line& call) {
        if (blocked_) throw failure{e.at, "the call before this one still blocks; one may block at a time"};
        note(clock_.now(), std::string{e.text});
        prepared_call ready = caller_.prepare(call, e.at);
        if (call.name == "socket") flow_.is_fresh();
        if (call.name == "listen" && flow_.at() == flow::stage::fresh) flow_.listens();
        if (call.name == "connect" && flow_.at() != flow::stage::known) flow_.connects();
        if (call.until) {
            blocked_event_ = &e;
            blocked_until_ = *call.until + (e.time.is == event_time::kind::relative ? offset_ : 0);
            blocked_allowed_ =
                std::max(scene_.how.tolerance, static_cast<microseconds>(static_cast<double>(blocked_until_ - due_) *
                                                                         scene_.how.tolerance_percent / 100));
            prepared_ = ready;
            blocked_.emplace(ready.make, clock_);
            return;
        }
        errno = 0;
        const long result = ready.make();
        const int error = errno;
        conclude(e, call, ready, result, error);
    }
    /// A call that blocked is over: looks at its result. It must be over if its time is up, or if `now`.
    void finish_blocked(bool now) {
        if (!blocked_) return;
        const script_event& e = *blocked_event_;
        const bool late = clock_.now() > blocked_until_ + blocked_allowed_;
        const bool due = now || clock_.now() >= blocked_until_ - blocked_allowed_;
        if (!blocked_->over_within(due ? 1.0 : 0.0)) {
            if (late || now)
                throw failure{e.at, fmt::format("this call still blocks at {:.6f}", in_seconds(clock_.now()))};
            return;
        }
        const blocked_call::ending end = blocked_->result();
        blocked_.reset();
        note(end.at, fmt::format("{} is over", std::get<call_line>(e.what).name));
        conclude(e, std::get<call_line>(e.what), prepared_, end.result, end.error);
        if (std::abs(end.at - blocked_until_) > blocked_allowed_)
            throw failure{e.at,
                          fmt::format("this call was over at {:.6f}, but expected at {:.6f} (give or take {:.6f})",
                                      in_seconds(end.at), in_seconds(blocked_until_), in_seconds(blocked_allowed_))};
    }
    void conclude(const script_event& e, const call_line& call, const prepared_call& ready, long result, int error) {
        const auto said = [error](long n) {
            return n == -1 ? fmt::format("-1 {}", error_name(error)) : std::to_string(n);
        };
        const std::int64_t wanted = call.result.is == expression::kind::ellipsis ? result : number_of(call.result);
        const bool both_descriptors = ready.makes_descriptor && result >= 0 && wanted >= 0;
        if (result != wanted && !both_descriptors) {
            const std::string want = std::to_string(wanted) + (call.error ? " " + std::string{call.error->text} : "");
            throw failure{call.result.at,
                          fmt::format("'{}' returned {}, but expected {}", call.name, said(result), want)};
        }
        if (call.error && result == -1) {
            const auto number = drill::number_of(call.error->text);
            if (!number || call.error->text.front() != 'E')
                throw failure{call.error->at, fmt::format("'{}' is no error that is known here", call.error->text)};
            if (error != *number)
                throw failure{call.error->at, fmt::format("'{}' failed with {}, but expected {}", call.name,
                                                          error_name(error), call.error->text)};
        }
        if (result < 0) return;
        ready.compare(result);
        if (ready.makes_descriptor) caller_.remember(wanted, result);
        if (ready.closes) caller_.forget(*ready.closes);
        if (call.name == "connect" || call.name == "accept")
            under_test_ = call.name == "accept" ? wanted : number_of(call.arguments[0]);
        if (call.name == "socket") under_test_ = wanted;
        if (call.name != "accept") return;
        const auto peer = ready.peer();
        if (flow_.at() == flow::stage::known && peer != flow_.between().remote)
            throw failure{e.at, "'accept' named another peer than the one that has connected"};
    }

    // --- Code --------------------------------------------------------------------------------------

    void check(const script_event& e, const code_line& code) {
        note(clock_.now(), std::string{e.text});
        std::array<std::uint8_t, info_size> info{};
        auto length = static_cast<socklen_t>(info.size());
        if (!caller_.knows(under_test_)) throw failure{e.at, "there is no open socket to ask for TCP_INFO"};
        const int fd = caller_.live(under_test_, e.at);
        if (stack_.getsockopt(stack_.userdata, fd, SOL_TCP, TCP_INFO, info.data(), &length) != 0)
            throw failure{e.at, fmt::format("getsockopt(TCP_INFO) failed with {}", error_name(errno))};
        for (const assertion& a : code.all) {
            const auto value = info_field(
                std::span<const std::uint8_t>{info}.first(std::min<std::size_t>(length, info.size())), a.field);
            if (!value) throw failure{a.at, fmt::format("TCP_INFO has no field '{}' here", a.field)};
            const std::int64_t with = number_with(a.with);
            const bool holds = a.comparison == "=="   ? *value == with
                               : a.comparison == "!=" ? *value != with
                               : a.comparison == "<=" ? *value <= with
                               : a.comparison == ">=" ? *value >= with
                               : a.comparison == "<"  ? *value < with
                                                      : *value > with;
            if (!holds)
                throw failure{a.at,
                              fmt::format("{} is {}, but expected {} {}", a.field, *value, a.comparison, a.with.text)};
        }
    }
    static std::int64_t number_with(const token& t) {
        if (const auto named = info_number_of(t.text)) return *named;
        std::int64_t n = 0;
        const char* end = t.text.data() + t.text.size();
        if (std::from_chars(t.text.data(), end, n).ptr != end)
            throw failure{t.at, fmt::format("'{}' is neither a number nor a name that is known here", t.text)};
        return n;
    }

    // --- Begin and end -----------------------------------------------------------------------------

    packetdrill_interface& begun() {
        scene_.how.begin(scene_.flags.c_str(), stack_);
        return stack_;
    }

    /// What the stack has sent, and no line expected, is one segment too many.
    void end() {
        const place at = event_->at;
        const microseconds now = clock_.now();
        for (;;) {
            std::size_t size = buffer_.size();
            long long stamp = 0;
            if (stack_.netdev_receive(stack_.userdata, buffer_.data(), &size, &stamp) != 0 || size == 0) return;
            if (clock_.from_stack(stamp) > now) return;  // it was not there yet
            const seen_packet seen = from_octets({buffer_.data(), size}, at);
            if (seen.between != flow_.between()) continue;
            const tcp_line got = flow_.to_script(seen.tcp, {}, scene_.how.peer_isn);
            throw failure{
                at, fmt::format("after this line the stack had sent what no line expects:\n    actual   {:12.6f}  > {}",
                                in_seconds(clock_.from_stack(stamp)), to_text(got))};
        }
    }

    const script& script_;
    scene scene_;
    packetdrill_interface stack_{};
    script_clock clock_{begun()};
    caller caller_{stack_, scene_.known};
    flow flow_;
    std::vector<std::string> trace_;
    std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(65536);
    std::uint16_t next_peer_port_ = first_peer_port;
    std::int64_t under_test_ = -1;

    const script_event* event_ = nullptr;
    microseconds due_ = 0;
    microseconds due_end_ = 0;
    microseconds offset_ = 0;
    microseconds allowed_ = 0;
    bool last_was_inbound_ = false;
    bool first_ = true;

    std::optional<blocked_call> blocked_;
    const script_event* blocked_event_ = nullptr;
    microseconds blocked_until_ = 0;
    microseconds blocked_allowed_ = 0;
    prepared_call prepared_{};
};

}  // namespace

std::string_view name(family f) { return f == family::ipv4 ? "ipv4" : f == family::ipv6 ? "ipv6" : "mapped"; }
std::optional<family> family_of(std::string_view name_) {
    for (const family f : {family::ipv4, family::ipv6, family::mapped}) {
        if (name(f) == name_) return f;
    }
    return std::nullopt;
}

outcome play(std::string_view text, const settings& how) {
    try {
        const script s = parse(text);
        scene where = set(s, how);
        if (!where.unsuited.empty()) {
            outcome skipped;
            skipped.is = outcome::kind::skipped;
            skipped.what = where.unsuited;
            return skipped;
        }
        return player{s, std::move(where)}.play();
    } catch (const failure& f) {
        outcome broken;
        broken.is = outcome::kind::failed;
        broken.at = f.at;
        broken.what = f.what();
        return broken;
    }
}

std::string report(std::string_view file, std::string_view text, const outcome& of) {
    std::string out = fmt::format("{}:{}: {}\n{}", file, of.at.line, of.what, pointed_at(text, of.at));
    if (of.trace.empty()) return out;
    out += "  until then:\n";
    for (const std::string& line : of.trace) out += "    " + line + "\n";
    return out;
}

}  // namespace tcpfsm::drill
