// SPDX-License-Identifier: MIT
#include "persona.hpp"

#include "stack_of.hpp"

#include <tcpfsm/checksum.hpp>
#include <tcpfsm/octets.hpp>
#include <tcpfsm/option_codec.hpp>
#include <tcpfsm/wire.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>
#include <vector>

// --- The looks, as policies ----------------------------------------------------------------------------------

namespace packetdrill {

using namespace std::chrono_literals;
using tcpfsm::duration;
using tcpfsm::seq;
using tcpfsm::time_point;

/// Ten segments at first, whatever their size; slow start by all that is acknowledged (RFC 3465 with no limit), as
/// long as half of the window was used in the last round; and what tail loss probes have to remember.
class linux_congestion : public reno_or_cubic {
public:
    bool probed = false;           ///< the tail was probed since something was last acknowledged
    bool probe_owed = false;       ///< a tail loss probe is to be sent
    std::uint32_t duplicates = 0;  ///< octets that duplicate ACKs told of, outside of recovery

    [[nodiscard]] constexpr std::uint32_t window() const noexcept { return reno_or_cubic::window() + more_; }
    constexpr void acked(tcpfsm::path p, std::uint32_t octets) noexcept {
        probed = false;
        octets -= std::min(octets, std::exchange(duplicates, 0));
        most_ = std::max(most_, p.flight);
        round_ += octets;
        if (window() >= threshold()) {
            reno_or_cubic::acked(p, octets);
        } else if (window() < 2 * most_) {
            more_ += octets / p.smss * p.smss;
        }
        if (round_ < most_) return;
        most_ = p.flight - std::min(p.flight, octets);
        round_ = 0;
    }
    constexpr void begin(tcpfsm::path p, bool syn_was_lost) noexcept {
        *this = {};
        reno_or_cubic::begin(p, syn_was_lost);
        if (!syn_was_lost) more_ = 10 * p.smss - reno_or_cubic::window();
    }
    constexpr void lost(tcpfsm::path p) noexcept {
        probe_owed = false;
        more_ = duplicates = 0;
        reno_or_cubic::lost(p);
    }
    constexpr void timed_out(tcpfsm::path p, bool first) noexcept {
        probed = probe_owed = false;
        more_ = duplicates = 0;
        reno_or_cubic::timed_out(p, first);
    }
    /// The sysctl of that name is off in the scripts.
    constexpr void was_idle(tcpfsm::path) noexcept {}
    friend constexpr bool operator==(const linux_congestion&, const linux_congestion&) noexcept = default;

private:
    std::uint32_t more_ = 0;   ///< of the window, beyond what New Reno or CUBIC has
    std::uint32_t most_ = 0;   ///< the largest flight of this round
    std::uint32_t round_ = 0;  ///< acknowledged in this round
};

struct linux_policies : common_policies {
    using congestion = linux_congestion;
    static constexpr std::size_t sent_ranges = 0;
    static constexpr bool undo = false;
    static constexpr tcpfsm::rto_limits rto{1s, 200ms, 120s};
    static constexpr duration delayed_ack{0};  // quick ACKs
    static constexpr tcpfsm::mtu_discovery path_mtu = tcpfsm::mtu_discovery::reported;
    static constexpr duration msl = 30s;
    static constexpr unsigned natural_shift = 8;
};

struct bsd_policies : common_policies {
    static constexpr tcpfsm::rto_limits rto{1s, 1s, 64s};
    static constexpr duration delayed_ack = 100ms;
    static constexpr duration msl = 30s;
    static constexpr unsigned natural_shift = 6;
};

}  // namespace packetdrill

// Where Linux differs from the RFCs, or does more than they ask for.
namespace tcpfsm {

using packetdrill::linux_policies;

/// Linux: SRTT + max(4 * RTTVAR, 200 ms).
constexpr duration timeout_of(const tcb<linux_policies>& t) noexcept {
    rto_limits limits = linux_policies::rto;
    limits.minimum = t.rtt.sampled() ? t.rtt.srtt() + limits.minimum : limits.initial;
    return t.rtt.rto(limits);
}
/// When a tail loss probe goes, counted from where the retransmission timer began: two round trips after the last
/// text, and 2 ms, or 200 ms if only one segment is in flight, but not later than the timeout, which it replaces.
/// Nothing if none is to go.
constexpr std::optional<duration> probe_time_of(const tcb<linux_policies>& t) noexcept {
    using namespace std::chrono_literals;
    const bool in_flight = t.snd.synced && t.snd.outstanding() && !t.snd.shut();
    if (!t.sack_ok || !t.rtt.sampled() || !in_flight || t.snd.retries != 0) return std::nullopt;
    if (t.recovery.active() || t.congestion.probed) return std::nullopt;
    const duration wait = 2 * t.rtt.srtt() + (t.snd.flight() <= t.snd.mss ? 200ms : 2ms);
    return std::min(std::max(t.armed_at, t.sent_at) - t.armed_at + wait, timeout_of(t));
}

/// The retransmission timer is the earlier one of both.
template <>
constexpr duration tcb<linux_policies>::rto() const noexcept {
    return probe_time_of(*this).value_or(timeout_of(*this));
}
template <>
constexpr void performer<linux_policies>::snd_again() noexcept {
    const bool probes = probe_time_of(t_).has_value();
    t_.armed_at = why_.now;
    if (probes) {
        t_.congestion.probed = t_.congestion.probe_owed = true;
        return;
    }
    t_.congestion.timed_out(t_.to_peer(why_.now), snd_.retries == 0);
    if (snd_.retries < 0xff) ++snd_.retries;
    t_.recovery.timed_out(snd_.nxt);
    t_.rtt.back_off();
    snd_.again = snd_.una;
    snd_.lost_one = false;
    snd_.timing = false;
    path_timed_out(t_, earlier(snd_.nxt, snd_.end) - snd_.una, why_.now);
}

/// Linux gives the reset of a connection the ACK and both timestamps.
template <>
constexpr void performer<linux_policies>::snd_rst() noexcept {
    if (why_.arrived != nullptr) {
        const segment seg = reset_for(*why_.arrived);
        reset_ = {seg.seq, seg.ack, seg.options.ts_val, seg.options.ts_ecr, seg.ctl, seg.options.has_timestamps};
    } else {
        reset_ = {snd_.nxt, rcv_.nxt, t_.ts.on ? t_.stamp(why_.now) : 0, t_.ts.recent, ctl::rst | ctl::ack, t_.ts.on};
    }
}

/// Linux drops an ACK of what was never sent without an answer.
template <>
constexpr void performer<linux_policies>::snd_challenge() noexcept {
    const bool synchronized = snd_.synced && why_.arrived != nullptr;
    if (synchronized && !why_.arrived->has(ctl::rst) && !why_.arrived->has(ctl::syn) && snd_.nxt < why_.arrived->ack)
        return;
    if (t_.challenges == 0 || why_.now - t_.challenges_since >= linux_policies::challenge_period) {
        t_.challenges_since = why_.now;
        t_.challenges = 0;
    }
    if (t_.challenges >= linux_policies::challenges) return;
    ++t_.challenges;
    snd_ack();
}

/// Linux counts what duplicate ACKs tell of when they come, not once more when it is acknowledged.
template <>
constexpr void acknowledger<linux_policies>::heed(fast_retransmit::finding f, std::uint32_t octets,
                                                  path before) noexcept {
    using enum fast_retransmit::finding;
    if (f == none && octets == 0) {
        if (t_.recovery.duplicates() != 0) t_.congestion.duplicates += before.smss;
    } else if (f == none) {
        t_.congestion.acked(before, octets);
    } else if (f == duplicate) {
        t_.congestion.duplicate(before);
    } else if (f == full) {
        t_.congestion.recovered(t_.to_peer(now_));
    } else {
        if (f == loss) {
            before.flight = t_.recovery.known() - snd_.una;  // without limited transmit
            t_.congestion.lost(before);
        } else {
            t_.congestion.partly_acked(before, octets);
        }
        snd_.lost_one = true;
    }
}

/// A probe of a zero window has no text, and the last acknowledged number.
template <>
constexpr emitter<linux_policies>::stretch emitter<linux_policies>::probe() const noexcept {
    return {snd_.una - 1, 0, false};
}

/// A tail loss probe is one segment of new text whatever the congestion window says, or the last one again.
template <>
constexpr std::optional<emitter<linux_policies>::stretch> emitter<linux_policies>::next() const noexcept {
    if (snd_.shut()) return snd_.probe ? std::optional{probe()} : std::nullopt;
    if (t_.congestion.probe_owed) {
        t_.congestion.probe_owed = false;
        const std::uint32_t fresh_text = std::min({snd_.unsent(), snd_.usable(snd_.nxt), full()});
        if (fresh_text != 0) return stretch{snd_.nxt, fresh_text, false};
        const std::uint32_t fin = snd_.fin_sent() ? 1 : 0;
        const std::uint32_t rest = snd_.flight() - fin;
        const std::uint32_t last = rest % full() != 0 ? rest % full() : std::min(rest, full());
        return stretch{snd_.nxt - fin - (fin != 0 ? 0 : last), fin != 0 ? 0 : last, fin != 0};
    }
    if (snd_.lost_one && snd_.outstanding()) return sent_before(snd_.una, snd_.nxt);
    if (snd_.again != snd_.nxt) return repair();
    return fresh();
}

}  // namespace tcpfsm

namespace packetdrill {
namespace {

// --- Flags ---------------------------------------------------------------------------------------------------

std::optional<unsigned> number(std::string_view text, unsigned least, unsigned most) {
    unsigned n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc{} || end != text.data() + text.size() || n < least || n > most) return std::nullopt;
    return n;
}

/// One "name=value"; the sentence that says why not, or nothing.
std::string set_flag(settings& s, std::string_view name, std::string_view value) {
    const auto what = [&](std::string_view why) {
        return std::string{name}.append("=").append(value).append(": ").append(why);
    };
    if (name == "persona") {
        if (value != "linux" && value != "bsd" && value != "rfc") return what("a persona is linux, bsd or rfc");
        using enum settings::persona;
        s.look = value == "linux" ? linux_look : value == "bsd" ? bsd_look : rfc_look;
        return {};
    }
    if (name == "mtu") {
        const auto n = number(value, 148, 65535);
        if (!n) return what("an MTU is a number from 148 to 65535");
        s.mtu = static_cast<std::uint16_t>(*n);
        return {};
    }
    if (name == "wscale") {
        s.wscale = number(value, 0, 14);
        return s.wscale ? std::string{} : what("a window scale is a number from 0 to 14");
    }
    if (name == "cc") {
        s.cubic = value == "cubic";
        return s.cubic || value == "reno" ? std::string{} : what("cc is reno or cubic");
    }
    const auto on = number(value, 0, 1);
    const auto set = [&](bool& flag) {
        if (!on) return what("a switch is 0 or 1");
        flag = *on != 0;
        return std::string{};
    };
    if (name == "rfc5961") return set(s.rfc5961);
    if (name == "rfc1337") return set(s.rfc1337);
    if (name == "sack") return set(s.sack);
    if (name == "timestamps") return set(s.timestamps);
    if (name == "strict_end") return set(s.strict_end);
    if (name == "ecn") return set(s.ecn);
    return what("there is no such flag");
}

// --- What leaves ---------------------------------------------------------------------------------------------

std::span<const std::uint8_t> octets_of(const std::string& packet) {
    return {reinterpret_cast<const std::uint8_t*>(packet.data()), packet.size()};
}
std::span<std::uint8_t> octets_of(std::string& packet) {
    return {reinterpret_cast<std::uint8_t*>(packet.data()), packet.size()};
}

/// The TCP checksum, anew.
void sum_up(std::string& packet, const glance& at) {
    const auto tcp = octets_of(packet).subspan(at.header);
    tcpfsm::store16(&tcp[16], 0);
    auto sum = tcpfsm::pseudo_header_sum(at.between.local.address, at.between.remote.address, tcpfsm::tcp_protocol,
                                         tcp.size());
    tcpfsm::store16(&tcp[16], sum.append(std::span<const std::uint8_t>{tcp}).checksum());
}

/// Linux puts NOPs before an option; BSD aligns window scale and timestamps by NOPs, and fills up with EOL.
void order_options(std::span<std::uint8_t> out, const tcpfsm::options& opt, settings::persona look) {
    std::vector<std::uint8_t> to;
    const auto put = [&to](auto... octets) { (to.push_back(static_cast<std::uint8_t>(octets)), ...); };
    const auto put_sack_permitted = [&] {
        if (opt.sack_permitted) put(4, 2);
    };
    const auto put_timestamps = [&] {
        if (!opt.has_timestamps) return;
        while (to.size() % 4 != 2) put(1);
        put(8, 10);
        for (const std::uint32_t value : {opt.ts_val, opt.ts_ecr}) {
            put(value >> 24U, value >> 16U & 0xffU, value >> 8U & 0xffU, value & 0xffU);
        }
    };
    const auto put_window_scale = [&] {
        if (opt.has_window_scale) put(1, 3, 3, opt.window_scale);
    };
    if (opt.has_mss) put(2, 4, opt.mss >> 8U, opt.mss & 0xffU);
    if (look == settings::persona::linux_look) {
        if (opt.sack_permitted && !opt.has_timestamps) put(1, 1);
        put_sack_permitted();
        put_timestamps();
        put_window_scale();
    } else {
        put_window_scale();
        put_sack_permitted();
        put_timestamps();
    }
    to.resize(out.size(), 0);
    std::copy(to.begin(), to.end(), out.begin());
}

}  // namespace

std::optional<settings> parse_flags(std::string_view flags, std::string& why) {
    settings s;
    while (!flags.empty()) {
        const std::string_view word = flags.substr(0, flags.find(','));
        flags.remove_prefix(std::min(flags.size(), word.size() + 1));
        if (word.empty()) continue;
        const std::size_t equals = word.find('=');
        if (equals == std::string_view::npos) {
            why = std::string{word}.append(": a flag is name=value");
            return std::nullopt;
        }
        why = set_flag(s, word.substr(0, equals), word.substr(equals + 1));
        if (!why.empty()) return std::nullopt;
    }
    return s;
}

std::unique_ptr<stack> make_stack(const settings& how) {
    if (how.look == settings::persona::linux_look) return std::make_unique<basic_stack<linux_policies>>(how);
    if (how.look == settings::persona::rfc_look) return std::make_unique<basic_stack<rfc_policies>>(how);
    return std::make_unique<basic_stack<bsd_policies>>(how);
}

glance look_into(std::span<const std::uint8_t> packet) {
    glance got;
    const tcpfsm::packet ip = tcpfsm::parse_packet(packet);
    if (!ip || ip.protocol != tcpfsm::tcp_protocol) return got;
    const auto tcp = tcpfsm::parse_tcp(ip.payload, ip.source, ip.destination, tcpfsm::checksum_mode::trust);
    if (!tcp) return got;
    got.header = static_cast<std::size_t>(ip.payload.data() - packet.data());
    got.text_at = static_cast<std::size_t>(tcp.text.data() - packet.data());
    got.segment = tcp.segment;
    got.between = {{ip.source, tcp.source_port}, {ip.destination, tcp.destination_port}};
    return got;
}

void set_control(std::string& packet, tcpfsm::control bits) {
    const glance at = look_into(octets_of(std::as_const(packet)));
    if (at.header == 0) return;
    auto& octet = octets_of(packet)[at.header + 13];
    octet = static_cast<std::uint8_t>(octet | bits.bits());
    sum_up(packet, at);
}

void dresser::dress(std::string& packet) const {
    if (look_ == settings::persona::rfc_look) return;
    glance at = look_into(octets_of(std::as_const(packet)));
    if (at.header == 0) return;
    tcpfsm::segment& seg = at.segment;
    if (seg.has(tcpfsm::ctl::rst) && seg.options.has_timestamps && seg.options.ts_val == 0) {
        // A reset by no connection has no options in either system.
        seg.options = {};
        std::string bare(tcpfsm::ip_header_size(at.between.local.address) + tcpfsm::tcp_header_size, '\0');
        tcpfsm::write_packet(octets_of(bare), at.between, seg);
        packet = bare;
    } else if (seg.has(tcpfsm::ctl::syn)) {
        const std::size_t options = at.header + tcpfsm::tcp_header_size;
        order_options(octets_of(packet).subspan(options, at.text_at - options), seg.options, look_);
        sum_up(packet, at);
    }
}

}  // namespace packetdrill
