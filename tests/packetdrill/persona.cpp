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
#include <cstdlib>
#include <istream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

// --- The looks, as policies ----------------------------------------------------------------------------------

namespace packetdrill {

using namespace std::chrono_literals;
using tcpfsm::duration;
using tcpfsm::seq;
using tcpfsm::time_point;

/// Slow start by all that is acknowledged (RFC 3465 with no limit), as long as half of the window was used in the last
/// round, and by what arrives when it does: not once more when it is acknowledged.
struct unlimited_slow_start : tcpfsm::standard_slow_start {
    [[nodiscard]] constexpr std::uint32_t growth(const tcpfsm::path&, std::uint32_t octets) const noexcept {
        return octets;
    }
};
using linux_reno_or_cubic =
    either<tcpfsm::basic_new_reno<unlimited_slow_start>, tcpfsm::basic_cubic<tcpfsm::paced_hystart_plus_plus>>;
class linux_congestion : public linux_reno_or_cubic {
public:
    static inline bool shrinks_when_idle = false;
    std::uint32_t early = 0;  ///< octets that have arrived beyond a gap, outside of recovery

    constexpr void acked(tcpfsm::path p, std::uint32_t octets) noexcept {
        octets -= std::min(octets, std::exchange(early, 0));
        most_ = std::max(most_, p.flight);
        round_ += octets;
        const bool tried = p.limited || window() < 2 * most_;
        if (window() >= threshold()) {
            linux_reno_or_cubic::acked(p, octets);
        } else if (tried) {
            p.limited = true;
            linux_reno_or_cubic::acked(p, octets);
        }
        if (round_ < most_) return;
        most_ = p.flight - std::min(p.flight, octets);
        round_ = 0;
    }
    constexpr void begin(tcpfsm::path p, bool syn_was_lost) noexcept {
        *this = {};
        linux_reno_or_cubic::begin(p, syn_was_lost);
    }
    constexpr void lost(tcpfsm::path p) noexcept {
        early = 0;
        p.flight = window();  // as RFC 9438 4.6 knows of some
        linux_reno_or_cubic::lost(p);
    }
    constexpr void timed_out(tcpfsm::path p, bool first) noexcept {
        early = 0;
        p.flight = window();
        linux_reno_or_cubic::timed_out(p, first);
    }
    constexpr void marked(tcpfsm::path p) noexcept {
        p.flight = window();
        linux_reno_or_cubic::marked(p);
    }
    void was_idle(tcpfsm::path p) noexcept {
        if (shrinks_when_idle) linux_reno_or_cubic::was_idle(p);
    }
    friend constexpr bool operator==(const linux_congestion&, const linux_congestion&) noexcept = default;

private:
    std::uint32_t most_ = 0;   ///< the largest flight of this round
    std::uint32_t round_ = 0;  ///< acknowledged in this round
};

struct linux_policies : common_policies {
    static constexpr bool prediction = false;  // what is specialised below is to be asked
    using congestion = linux_congestion;
    static constexpr tcpfsm::rto_limits rto{1s, 200ms, 120s, 200ms};
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

/// Linux tells of a window that a reader has opened when it is twice as large as the one that the peer knows.
template <>
constexpr void performer<linux_policies>::take_read() noexcept {
    rcv_.user -= std::min(why_.octets, rcv_.user);
    rcv_.up = later(rcv_.up, rcv_.unread());
    t_.watch.taken(rcv_.unread(), rcv_.full, why_.now);
    if (t_.early() && rcv_.wnd() >= rcv_.mss) return;
    if (rcv_.opening() >= std::max({rcv_.wnd(), rcv_.worth(), 1U})) snd_ack();
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

/// As the library does, but what this ACK tells of without moving SND.UNA counts for the window at once.
template <>
constexpr void acknowledger<linux_policies>::take_again(const segment& seg, std::uint32_t window) noexcept {
    if (t_.selective()) {
        const std::uint32_t before = t_.sent.board.sacked();
        selective<linux_policies>{t_, now_}.take(seg, told(), 0);
        const std::uint32_t after = t_.sent.board.sacked();
        if (!t_.recovering() && after > before) t_.congestion.early += after - before;
        return;
    }
    if (seg.len() != 0 || window != snd_.wnd || window == 0) return;
    t_.check.duplicate();
    const auto found = t_.recovery.duplicate(snd_.una, snd_.nxt, false);
    if (found == fast_retransmit::finding::none && t_.recovery.duplicates() != 0) t_.congestion.early += snd_.mss;
    heed(found, 0, told());
}

/// The tail is the last segment as it was sent: a FIN alone, or what is left behind full ones.
template <>
constexpr std::optional<next_segment<linux_policies>::stretch> next_segment<linux_policies>::tail() const noexcept {
    if (auto s = fresh()) {
        s->held_back = false;
        return s;
    }
    if (snd_.fin_sent()) return stretch{snd_.nxt - 1, 0, true};
    const std::uint32_t rest = snd_.flight() % full();
    return sent_before(snd_.nxt - (rest != 0 ? rest : std::min(snd_.flight(), full())), snd_.nxt);
}

/// A probe of a zero window has no text, and the last acknowledged number.
template <>
constexpr next_segment<linux_policies>::stretch next_segment<linux_policies>::probe() const noexcept {
    return {snd_.una - 1, 0, false};
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
    if (name == "ecn") {
        const auto n = number(value, 0, 2);
        s.ecn = n.value_or(0);
        return n ? std::string{} : what("ECN is 0, 1 or 2");
    }
    if (name == "fast_open") {
        const auto n = number(value, 0, 0xffff);
        s.fast_open = n.value_or(0);
        return n ? std::string{} : what("the bits of tcp_fastopen are a number");
    }
    if (name == "sysctls") {
        s.sysctls = value;
        return {};
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
void order_options(std::span<std::uint8_t> out, const tcpfsm::options& opt, settings::persona look, bool experimental) {
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
    const auto put_fast_open = [&] {
        if (!opt.has_fast_open) return;
        if (experimental) {
            put(254, 4U + opt.cookie.size, 0xf9, 0x89);
        } else {
            put(34, 2U + opt.cookie.size);
        }
        to.insert(to.end(), opt.cookie.octets.begin(), opt.cookie.octets.begin() + opt.cookie.size);
        while (to.size() % 4 != 0) put(1);
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
    put_fast_open();
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

namespace {

/// "00112233-...": four words, each with its last octet first.
tcpfsm::hash_key key_of(const std::string& words) {
    tcpfsm::hash_key key{};
    std::istringstream from{words};
    std::string word;
    for (std::size_t i = 0; i < key.size() && std::getline(from, word, '-'); i += 4) {
        std::uint32_t n = static_cast<std::uint32_t>(std::strtoul(word.c_str(), nullptr, 16));
        for (std::size_t j = i; j < i + 4; ++j, n >>= 8U) key[j] = static_cast<std::uint8_t>(n & 0xffU);
    }
    return key;
}

}  // namespace

void take_sysctls(settings& s, std::istream& lines) {
    std::string name;
    std::string value;
    s.cookies_forgotten = 0;
    while (lines >> name && std::getline(lines >> std::ws, value)) {
        const auto n = static_cast<unsigned>(std::strtoul(value.c_str(), nullptr, 0));
        if (name == "tcp_timestamps") s.timestamps = n != 0;
        if (name == "tcp_sack") s.sack = n != 0;
        if (name == "tcp_window_scaling") s.wscale = n != 0 ? std::nullopt : std::optional{0U};
        if (name == "tcp_rfc1337") s.rfc1337 = n != 0;
        if (name == "tcp_ecn") s.ecn = n;
        if (name == "tcp_congestion_control") s.cubic = value == "cubic";
        if (name == "tcp_slow_start_after_idle") s.shrinks_when_idle = n != 0;
        if (name == "tcp_min_tso_segs") s.min_burst = n;
        if (name == "tcp_notsent_lowat") s.not_sent_low = n;
        if (name == "tcp_wmem") {
            std::istringstream three{value};
            std::size_t least = 0;
            three >> least >> s.send_buffer >> s.send_buffer_most;
        }
        if (name == "tcp_fastopen") s.fast_open = n;
        if (name == "tcp_fastopen_cookies" && n == 0) ++s.cookies_forgotten;
        if (name == "tcp_fastopen_key") s.fast_open_key = key_of(value);
    }
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

void set_control(std::string& packet, tcpfsm::control set, tcpfsm::control clear) {
    const glance at = look_into(octets_of(std::as_const(packet)));
    if (at.header == 0) return;
    auto& octet = octets_of(packet)[at.header + 13];
    octet = static_cast<std::uint8_t>((octet | set.bits()) & ~clear.bits());
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
        const bool experimental = experimental_ == at.between.reversed();
        order_options(octets_of(packet).subspan(options, at.text_at - options), seg.options, look_, experimental);
        sum_up(packet, at);
    }
}

void dresser::undress(std::vector<std::uint8_t>& packet) {
    const glance at = look_into(packet);
    if (at.header == 0 || !at.segment.has(tcpfsm::ctl::syn)) return;
    experimental_.reset();
    for (std::size_t i = at.header + tcpfsm::tcp_header_size; i < at.text_at;) {
        const std::uint8_t kind = packet[i];
        const std::size_t length = kind == 0 ? at.text_at - i : kind == 1 ? 1 : packet[i + 1];
        if (kind == 254 && length >= 4 && packet[i + 2] == 0xf9 && packet[i + 3] == 0x89) {
            packet[i] = packet[i + 1] = 1;
            packet[i + 2] = 34;
            packet[i + 3] = static_cast<std::uint8_t>(length - 2);
            std::string octets{packet.begin(), packet.end()};
            sum_up(octets, at);
            packet.assign(octets.begin(), octets.end());
            experimental_ = at.between;
            return;
        }
        i += length;
    }
}

}  // namespace packetdrill
