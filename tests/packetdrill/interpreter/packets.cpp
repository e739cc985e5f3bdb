// SPDX-License-Identifier: MIT
#include "packets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tcpfsm::drill {
namespace {

constexpr std::uint8_t protocol_tcp = 6;
constexpr std::uint8_t protocol_icmp4 = 1;
constexpr std::uint8_t protocol_icmp6 = 58;

/// Octets that grow at the end.
class writer {
public:
    writer& put8(std::uint64_t v) {
        out_.push_back(static_cast<std::uint8_t>(v & 0xffU));
        return *this;
    }
    writer& put16(std::uint64_t v) { return put8(v >> 8U).put8(v); }
    writer& put32(std::uint64_t v) { return put16(v >> 16U).put16(v); }
    writer& put(std::span<const std::uint8_t> all) {
        for (const std::uint8_t v : all) put8(v);
        return *this;
    }
    [[nodiscard]] std::size_t size() const { return out_.size(); }
    [[nodiscard]] octets& all() { return out_; }

private:
    octets out_;
};

std::uint64_t get(std::span<const std::uint8_t> from, std::size_t at, std::size_t size) {
    std::uint64_t v = 0;
    for (const std::uint8_t b : from.subspan(at, size)) v = v << 8U | b;
    return v;
}

/// The internet checksum, as RFC 1071 says it in the plainest way.
std::uint16_t checksum(std::span<const std::uint8_t> all, std::uint64_t sum = 0) {
    for (std::size_t i = 0; i < all.size(); ++i) sum += std::uint64_t{all[i]} << (i % 2 == 0 ? 8U : 0U);
    while (sum > 0xffff) sum = (sum & 0xffffU) + (sum >> 16U);
    return static_cast<std::uint16_t>(~sum & 0xffffU);
}
std::uint64_t pseudo_header(const ip_address& from, const ip_address& to, std::uint8_t protocol, std::size_t size) {
    writer w;
    w.put(from.octets()).put(to.octets()).put32(size).put32(protocol);
    return static_cast<std::uint16_t>(~checksum(w.all()));
}
void put_checksum(octets& into, std::size_t at, std::uint16_t sum) {
    into[at] = static_cast<std::uint8_t>(sum >> 8U);
    into[at + 1] = static_cast<std::uint8_t>(sum & 0xffU);
}

octets ip_packet(const ip_address& from, const ip_address& to, std::uint8_t protocol, const octets& payload,
                 const ip_fields_said& said = {}) {
    const std::uint8_t tos = said.tos.value_or(said.ecn.value_or(0));
    const std::uint8_t ttl = said.ttl.value_or(255);
    writer w;
    if (from.is_v4()) {
        w.put8(0x45).put8(tos).put16(20 + payload.size()).put32(0).put8(ttl).put8(protocol).put16(0);
        w.put(from.octets()).put(to.octets());
        put_checksum(w.all(), 10, checksum(w.all()));
    } else {
        w.put32(6U << 28U | std::uint32_t{tos} << 20U | said.flow_label.value_or(0));
        w.put16(payload.size()).put8(protocol).put8(ttl).put(from.octets()).put(to.octets());
    }
    return w.put(payload).all();
}

octets option_octets(const tcp_option& o) {
    writer w;
    w.put8(o.kind);
    if (o.kind <= 1) return w.all();
    switch (o.kind) {
    case 2: w.put8(4).put16(o.value); break;
    case 3: w.put8(3).put8(o.value); break;
    case 4: w.put8(2); break;
    case 5:
        w.put8(2 + 8 * o.blocks.size());
        for (const auto& [left, right] : o.blocks) w.put32(left).put32(right);
        break;
    case 8: w.put8(10).put32(o.value).put32(o.echo); break;
    default: w.put8(2 + o.octets.size()).put(o.octets); break;
    }
    return w.all();
}

std::vector<tcp_option> options_of(std::span<const std::uint8_t> all, place at) {
    std::vector<tcp_option> out;
    while (!all.empty()) {
        tcp_option o{.kind = all[0]};
        std::size_t size = 1;
        if (o.kind > 1) {
            if (all.size() < 2 || all[1] < 2 || all[1] > all.size())
                throw failure{at, "the stack sent an option of impossible length"};
            size = all[1];
            const auto text = all.first(size).subspan(2);
            static constexpr std::array<std::size_t, 9> sizes{0, 0, 4, 3, 2, 0, 0, 0, 10};
            if (o.kind < sizes.size() && sizes[o.kind] != 0 && sizes[o.kind] != size)
                throw failure{at, fmt::format("the stack sent an option of kind {} and length {}", o.kind, size)};
            if (o.kind == 2) o.value = static_cast<std::uint32_t>(get(text, 0, 2));
            if (o.kind == 3) o.value = text[0];
            if (o.kind == 8) {
                o.value = static_cast<std::uint32_t>(get(text, 0, 4));
                o.echo = static_cast<std::uint32_t>(get(text, 4, 4));
            }
            for (std::size_t i = 0; o.kind == 5 && i + 8 <= text.size(); i += 8) {
                o.blocks.emplace_back(static_cast<std::uint32_t>(get(text, i, 4)),
                                      static_cast<std::uint32_t>(get(text, i + 4, 4)));
            }
            if (o.kind > 8) o.octets.assign(text.begin(), text.end());
        }
        out.push_back(o);
        all = all.subspan(size);
    }
    return out;
}

// --- ICMP ----------------------------------------------------------------------------------------------

struct icmp_name {
    std::string_view name;
    int number;
};
constexpr icmp_name types4[] = {
    {"unreachable", 3}, {"source_quench", 4}, {"time_exceeded", 11}, {"parameter_problem", 12}};
constexpr icmp_name types6[] = {
    {"unreachable", 1}, {"packet_too_big", 2}, {"time_exceeded", 3}, {"parameter_problem", 4}};
constexpr icmp_name codes4[] = {{"net_unreachable", 0},  {"host_unreachable", 1},      {"protocol_unreachable", 2},
                                {"port_unreachable", 3}, {"frag_needed", 4},           {"source_route_failed", 5},
                                {"net_unknown", 6},      {"host_unknown", 7},          {"source_host_isolated", 8},
                                {"net_prohibited", 9},   {"host_prohibited", 10},      {"net_unreachable_for_tos", 11},
                                {"packet_filtered", 13}, {"precedence_violation", 14}, {"precedence_cutoff", 15}};
constexpr icmp_name codes6[] = {{"net_unreachable", 0},     {"no_route", 0},
                                {"admin_prohibited", 1},    {"not_neighbour", 2},
                                {"address_unreachable", 3}, {"port_unreachable", 4}};
constexpr icmp_name time_codes6[] = {{"exceeded_hop_limit", 0}, {"exceeded_frag_time", 1}};
constexpr icmp_name problem_codes6[] = {{"header_field", 0}, {"unknown_next_header", 1}, {"unknown_option", 2}};

std::uint8_t icmp_number(std::span<const icmp_name> names, const token& said, const char* what) {
    std::string all;
    for (const icmp_name& n : names) {
        if (n.name == said.text) return static_cast<std::uint8_t>(n.number);
        all += (all.empty() ? "" : ", ") + std::string{n.name};
    }
    throw failure{said.at, fmt::format("'{}' is no {} here; there is: {}", said.text, what, all)};
}

}  // namespace

std::size_t size_of(const tcp_option& o) { return option_octets(o).size(); }

octets to_octets(const tcp_line& seg, const ip_fields_said& ip, const four_tuple& between) {
    writer options;
    for (const tcp_option& o : seg.options) options.put(option_octets(o));
    writer w;
    w.put16(between.remote.port).put16(between.local.port).put32(seg.seq).put32(seg.ack);
    w.put16((5 + options.size() / 4) << 12U | seg.flags).put16(seg.win.value_or(0)).put16(0).put16(seg.urgent);
    w.put(options.all());
    w.all().resize(w.size() + seg.text);
    const auto sum = pseudo_header(between.remote.address, between.local.address, protocol_tcp, w.size());
    put_checksum(w.all(), 16, checksum(w.all(), sum));
    return ip_packet(between.remote.address, between.local.address, protocol_tcp, w.all(), ip);
}

octets to_octets(const icmp_line& message, const four_tuple& between) {
    const bool v4 = between.local.address.is_v4();
    const std::uint8_t type =
        v4 ? icmp_number(types4, message.type, "type of ICMP") : icmp_number(types6, message.type, "type of ICMPv6");
    std::uint8_t code = 0;
    if (message.code && v4) {
        code = icmp_number(codes4, *message.code, "code of ICMP");
    } else if (message.code) {
        const std::span<const icmp_name> names = type == 1   ? std::span<const icmp_name>{codes6}
                                                 : type == 3 ? std::span<const icmp_name>{time_codes6}
                                                             : std::span<const icmp_name>{problem_codes6};
        code = icmp_number(names, *message.code, "code of this type of ICMPv6");
    }
    writer front;  // the first octets of the segment, in a packet that is as long as the script says
    front.put16(between.local.port).put16(between.remote.port).put32(message.seq);
    octets quoted = ip_packet(between.local.address, between.remote.address, protocol_tcp, front.all());
    const std::size_t length = 20 + message.text + (v4 ? 20 : 0);
    put_checksum(quoted, v4 ? 2 : 4, static_cast<std::uint16_t>(length));

    writer w;
    w.put8(type).put8(code).put16(0).put32(message.mtu).put(quoted);
    const ip_address& router = between.remote.address;
    const std::uint8_t protocol = v4 ? protocol_icmp4 : protocol_icmp6;
    const std::uint64_t sum = v4 ? 0 : pseudo_header(router, between.local.address, protocol, w.size());
    put_checksum(w.all(), 2, checksum(w.all(), sum));
    return ip_packet(router, between.local.address, protocol, w.all());
}

seen_packet from_octets(std::span<const std::uint8_t> packet, place at) {
    const auto need = [at](bool fine, const char* otherwise) {
        if (!fine) throw failure{at, fmt::format("the stack sent a packet that is not sound: {}", otherwise)};
    };
    seen_packet out;
    need(!packet.empty(), "it is empty");
    const bool v4 = packet[0] >> 4U == 4;
    const std::size_t header = v4 ? 20 : 40;
    need(v4 || packet[0] >> 4U == 6, "the IP version is neither 4 nor 6");
    need(packet.size() >= header + 20, "it is too short");
    ip_address from;
    ip_address to;
    if (v4) {
        need(packet[0] == 0x45, "there are IP options");
        need(get(packet, 2, 2) == packet.size(), "the total length is wrong");
        need(checksum(packet.first(header)) == 0, "the checksum of the IP header is wrong");
        need(packet[9] == protocol_tcp, "it is no TCP");
        out.tos = packet[1];
        out.ttl = packet[8];
        from = ip_address{packet.subspan<12, 4>()};
        to = ip_address{packet.subspan<16, 4>()};
    } else {
        need(get(packet, 4, 2) + header == packet.size(), "the payload length is wrong");
        need(packet[6] == protocol_tcp, "it is no TCP");
        out.tos = static_cast<std::uint8_t>(get(packet, 0, 2) >> 4U & 0xffU);
        out.ttl = packet[7];
        out.flow_label = static_cast<std::uint32_t>(get(packet, 0, 4) & 0xfffffU);
        from = ip_address{packet.subspan<8, 16>()};
        to = ip_address{packet.subspan<24, 16>()};
    }
    const auto tcp = packet.subspan(header);
    need(checksum(tcp, pseudo_header(from, to, protocol_tcp, tcp.size())) == 0, "the checksum of TCP is wrong");
    const std::size_t offset = std::size_t{tcp[12]} / 16 * 4;
    need(offset >= 20 && offset <= tcp.size(), "the data offset is wrong");
    need((tcp[12] & 0x0eU) == 0, "a reserved bit is set");

    out.between = {{from, static_cast<std::uint16_t>(get(tcp, 0, 2))},
                   {to, static_cast<std::uint16_t>(get(tcp, 2, 2))}};
    out.tcp.seq = static_cast<std::uint32_t>(get(tcp, 4, 4));
    out.tcp.ack = static_cast<std::uint32_t>(get(tcp, 8, 4));
    out.tcp.flags = static_cast<std::uint16_t>(get(tcp, 12, 2) & 0x1ffU);
    out.tcp.win = static_cast<std::uint16_t>(get(tcp, 14, 2));
    out.tcp.urgent = static_cast<std::uint16_t>(get(tcp, 18, 2));
    out.tcp.options = options_of(tcp.first(offset).subspan(20), at);
    out.text.assign(tcp.begin() + static_cast<std::ptrdiff_t>(offset), tcp.end());
    out.tcp.text = static_cast<std::uint32_t>(out.text.size());
    return out;
}

std::string to_text(const tcp_line& seg) {
    static constexpr std::pair<unsigned, char> letters[] = {{0x02, 'S'}, {0x01, 'F'},  {0x04, 'R'},
                                                            {0x08, 'P'}, {0x20, 'U'},  {0x40, 'E'},
                                                            {0x80, 'W'}, {0x100, 'A'}, {0x10, '.'}};
    std::string out;
    for (const auto& [bit, letter] : letters) {
        if ((seg.flags & bit) != 0) out += letter;
    }
    if (out.empty()) out = "-";
    const auto n = [](std::uint32_t v) { return static_cast<std::int32_t>(v); };
    out += fmt::format(" {}:{}({})", n(seg.seq), n(seg.seq + seg.text), seg.text);
    if ((seg.flags & 0x10U) != 0) out += fmt::format(" ack {}", n(seg.ack));
    if (seg.win) out += fmt::format(" win {}", *seg.win);
    if (seg.urgent != 0) out += fmt::format(" urg {}", seg.urgent);
    if (seg.any_options) return out + " <...>";
    std::string list;
    for (const tcp_option& o : seg.options) {
        list += list.empty() ? "" : ",";
        switch (o.kind) {
        case 0: list += "eol"; break;
        case 1: list += "nop"; break;
        case 2: list += fmt::format("mss {}", o.value); break;
        case 3: list += fmt::format("wscale {}", o.value); break;
        case 4: list += "sackOK"; break;
        case 5:
            list += "sack";
            for (const auto& [left, right] : o.blocks) list += fmt::format(" {}:{}", n(left), n(right));
            break;
        case 8: list += fmt::format("TS val {} ecr {}", o.value, o.echo); break;
        default: list += fmt::format("kind {} of {} octets", o.kind, o.octets.size() + 2); break;
        }
    }
    return list.empty() ? out : out + " <" + list + ">";
}

}  // namespace tcpfsm::drill
