// SPDX-License-Identifier: MIT
// format.hpp: values as text, for fmt. The one header that needs more than the standard library.
#pragma once

#include <tcpfsm/action.hpp>
#include <tcpfsm/address_text.hpp>
#include <tcpfsm/event.hpp>
#include <tcpfsm/machine.hpp>
#include <tcpfsm/option_codec.hpp>
#include <tcpfsm/perform.hpp>
#include <tcpfsm/segment.hpp>
#include <tcpfsm/seq.hpp>
#include <tcpfsm/state.hpp>
#include <tcpfsm/trace.hpp>

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

// Segments look as tcpdump and packetdrill print them, states as RFC 9293 spells them, rows as they stand in
// the table. Every value takes the width, fill and alignment of a string: `{:>12}`.

namespace tcpfsm {

/// A segment whose numbers are to be told from the initial sequence numbers: the SYN is 0, text begins at 1.
struct relative_segment {
    tcpfsm::segment segment;
    seq sender;    ///< the ISS of the segment's sender
    seq receiver;  ///< the ISS of its receiver
};

/// `seg` as people read it: relative to the ISS of its sender and, for what it acknowledges, of its receiver.
[[nodiscard]] constexpr relative_segment relative(const segment& seg, seq sender, seq receiver) noexcept {
    return {seg, sender, receiver};
}

/// True iff nothing of the segment was taken, and the connection did not move: it was dropped, answered or not.
[[nodiscard]] constexpr bool dropped(const arrival& a) noexcept {
    using enum action;
    constexpr actions answers =
        actions{snd_syn} | snd_ack | snd_challenge | snd_rst;  // they say something about the sender, not about us
    const cell c = machine::table.at(a.in, a.why);
    return a.dropped || (c.next() == a.in && (c.doing().bits() & ~answers.bits()) == 0);
}

/// Writes an address to the end of a text.
template <class Out>
Out write_address(Out out, const ip_address& address) {
    std::array<char, address_text_size> text{};
    const std::size_t size = write_text(address, text);
    return fmt::format_to(out, "{}", std::string_view{text.data(), size});
}

/// Writes the options in the order in which they stand in the header: "mss 1460,sackOK,TS val 1 ecr 0".
template <class Out>
Out write_options_text(Out out, const segment& seg, seq acked_from) {
    const options sent = sent_options(seg);
    std::string_view comma;
    const auto put = [&](std::string_view form, const auto&... values) {
        out = fmt::format_to(out, "{}", comma);
        out = fmt::format_to(out, fmt::runtime(form), values...);
        comma = ",";
    };
    if (sent.has_mss) put("mss {}", sent.mss);
    if (sent.sack_permitted) put("sackOK");
    if (sent.sack_permitted != sent.has_timestamps) put("nop,nop");
    if (sent.has_timestamps) put("TS val {} ecr {}", sent.ts_val, sent.ts_ecr);
    if (sent.has_window_scale) put("nop,wscale {}", sent.window_scale);
    const auto put_accecn = [&](const accecn_option& a) {
        if (a.there == 0) return;
        put("ECN");
        const std::uint32_t first = a.order == 0 ? a.e0b : a.e1b, ceb = a.ceb, last = a.order == 0 ? a.e1b : a.e0b;
        if (a.fields > 0) out = fmt::format_to(out, " {} {}", a.order == 0 ? "e0b" : "e1b", first);
        if (a.fields > 1) out = fmt::format_to(out, " ceb {}", ceb);
        if (a.fields > 2) out = fmt::format_to(out, " {} {}", a.order == 0 ? "e1b" : "e0b", last);
    };
    if (sent.has_user_timeout) put("uto {}{}", sent.user_timeout & 0x7fff, sent.user_timeout >> 15 != 0 ? "min" : "");
    if (sent.has_fast_open) {
        put(sent.cookie.size % 4 != 0 ? "FO" : "nop,nop,FO");
        for (std::size_t i = 0; i < sent.cookie.size; ++i)
            out = fmt::format_to(out, "{}{:02x}", i == 0 ? " " : "", sent.cookie.octets[i]);
    }
    if (sent.sack_count != 0) put("nop,nop,sack");
    for (std::size_t i = 0; i < sent.sack_count; ++i) {
        out = fmt::format_to(out, " {}:{}", sent.sack[i].left - acked_from, sent.sack[i].right - acked_from);
    }
    put_accecn(sent.accecn);
    return out;
}

}  // namespace tcpfsm

/// "4294967295".
template <>
struct fmt::formatter<tcpfsm::seq> : fmt::formatter<std::uint32_t> {
    template <class Context>
    auto format(tcpfsm::seq number, Context& context) const {
        return formatter<std::uint32_t>::format(number.value(), context);
    }
};

/// "SYN-RECEIVED".
template <>
struct fmt::formatter<tcpfsm::state> : fmt::formatter<fmt::string_view> {
    template <class Context>
    auto format(tcpfsm::state s, Context& context) const {
        return formatter<fmt::string_view>::format(tcpfsm::name(s), context);
    }
};

/// "rcv_ack_of_fin".
template <>
struct fmt::formatter<tcpfsm::event> : fmt::formatter<fmt::string_view> {
    template <class Context>
    auto format(tcpfsm::event e, Context& context) const {
        return formatter<fmt::string_view>::format(tcpfsm::name(e), context);
    }
};

/// "take_fin".
template <>
struct fmt::formatter<tcpfsm::action> : fmt::formatter<fmt::string_view> {
    template <class Context>
    auto format(tcpfsm::action a, Context& context) const {
        return formatter<fmt::string_view>::format(tcpfsm::name(a), context);
    }
};

/// "error: connection closing".
template <>
struct fmt::formatter<tcpfsm::answer> : fmt::formatter<fmt::string_view> {
    template <class Context>
    auto format(tcpfsm::answer a, Context& context) const {
        return formatter<fmt::string_view>::format(tcpfsm::describe(a), context);
    }
};

/// "connection reset".
template <>
struct fmt::formatter<tcpfsm::signal> : fmt::formatter<fmt::string_view> {
    template <class Context>
    auto format(tcpfsm::signal s, Context& context) const {
        return formatter<fmt::string_view>::format(tcpfsm::describe(s), context);
    }
};

namespace tcpfsm {

/// A formatter for values that are put together piece by piece, and padded as a whole. `Derived` has a
/// `write(out, value)`.
template <class Derived>
struct pieces_formatter : fmt::formatter<fmt::string_view> {
    template <class T, class Context>
    auto format(const T& value, Context& context) const {
        fmt::memory_buffer text;
        Derived::write(std::back_inserter(text), value);
        return fmt::formatter<fmt::string_view>::format({text.data(), text.size()}, context);
    }
};

}  // namespace tcpfsm

/// "take_fin | snd_ack", "-" if there is nothing to do.
template <>
struct fmt::formatter<tcpfsm::actions> : tcpfsm::pieces_formatter<fmt::formatter<tcpfsm::actions>> {
    template <class Out>
    static Out write(Out out, tcpfsm::actions todo) {
        if (todo.empty()) return fmt::format_to(out, "-");
        out = fmt::format_to(out, "{}", todo.pop());
        while (!todo.empty()) out = fmt::format_to(out, " | {}", todo.pop());
        return out;
    }
};

/// tcpdump's letters: "S.", "P.", "R"; "none" if no bit is set.
template <>
struct fmt::formatter<tcpfsm::control> : tcpfsm::pieces_formatter<fmt::formatter<tcpfsm::control>> {
    template <class Out>
    static Out write(Out out, tcpfsm::control bits) {
        if (bits == tcpfsm::control{}) return fmt::format_to(out, "none");
        constexpr std::string_view letters = "FSRP.UEWe";
        for (std::size_t i = 0; i < letters.size(); ++i) {
            if ((bits.bits() >> i & 1U) != 0) *out++ = letters[i];
        }
        return out;
    }
};

/// "S. 0:0(0) ack 1 win 1000 <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>", relative to two ISS.
template <>
struct fmt::formatter<tcpfsm::relative_segment> : tcpfsm::pieces_formatter<fmt::formatter<tcpfsm::relative_segment>> {
    template <class Out>
    static Out write(Out out, const tcpfsm::relative_segment& what) {
        const tcpfsm::segment& seg = what.segment;
        const tcpfsm::seq first{seg.seq - what.sender};
        constexpr std::string_view codepoints[] = {"", "[ect1] ", "[ect0] ", "[ce] "};
        out = fmt::format_to(out, "{}", codepoints[static_cast<std::size_t>(seg.ecn)]);
        out = fmt::format_to(out, "{} {}:{}({})", seg.ctl, first, first + seg.text, seg.text);
        if (seg.has(tcpfsm::ctl::ack)) out = fmt::format_to(out, " ack {}", seg.ack - what.receiver);
        out = fmt::format_to(out, " win {}", seg.wnd);
        if (seg.has(tcpfsm::ctl::urg)) out = fmt::format_to(out, " urg {}", seg.up);
        if (tcpfsm::options_size(seg) == 0) return out;
        out = fmt::format_to(out, " <");
        out = tcpfsm::write_options_text(out, seg, what.receiver);
        return fmt::format_to(out, ">");
    }
};

/// The same with the numbers of the wire.
template <>
struct fmt::formatter<tcpfsm::segment> : tcpfsm::pieces_formatter<fmt::formatter<tcpfsm::segment>> {
    template <class Out>
    static Out write(Out out, const tcpfsm::segment& seg) {
        return fmt::formatter<tcpfsm::relative_segment>::write(out, {seg, {}, {}});
    }
};

/// "text in order (3.10.7.4 7)", "dropped: sequence number outside the window (3.10.7.4 1)".
template <>
struct fmt::formatter<tcpfsm::arrival> : tcpfsm::pieces_formatter<fmt::formatter<tcpfsm::arrival>> {
    template <class Out>
    static Out write(Out out, const tcpfsm::arrival& a) {
        const auto where = tcpfsm::cite(a.in, a.why);
        return fmt::format_to(out, "{}{} ({})", tcpfsm::dropped(a) ? "dropped: " : "", tcpfsm::describe(a.why).says,
                              where.cite);
    }
};

/// "FIN-WAIT-1 -> FIN-WAIT-2 on rcv_ack_of_fin: take_ack (3.10.7.4 5)".
template <>
struct fmt::formatter<tcpfsm::taken_row> : tcpfsm::pieces_formatter<fmt::formatter<tcpfsm::taken_row>> {
    template <class Out>
    static Out write(Out out, const tcpfsm::taken_row& r) {
        const auto where = tcpfsm::cite(r.from, r.on);
        const auto doing = tcpfsm::machine::table.at(r.from, r.on).doing();
        out = fmt::format_to(out, "{}", r.from);
        if (r.to != r.from) out = fmt::format_to(out, " -> {}", r.to);
        return fmt::format_to(out, " on {}: {} ({})", r.on, doing, where.cite);
    }
};

/// "192.0.2.1", "2001:db8::1".
template <>
struct fmt::formatter<tcpfsm::ip_address> : tcpfsm::pieces_formatter<fmt::formatter<tcpfsm::ip_address>> {
    template <class Out>
    static Out write(Out out, const tcpfsm::ip_address& address) {
        return tcpfsm::write_address(out, address);
    }
};

/// "192.0.2.1:80", "[2001:db8::1]:80" (RFC 5952 section 6).
template <>
struct fmt::formatter<tcpfsm::endpoint> : tcpfsm::pieces_formatter<fmt::formatter<tcpfsm::endpoint>> {
    template <class Out>
    static Out write(Out out, const tcpfsm::endpoint& e) {
        return e.address.is_v4() ? fmt::format_to(out, "{}:{}", e.address, e.port)
                                 : fmt::format_to(out, "[{}]:{}", e.address, e.port);
    }
};

/// "192.0.2.1:49152 > 192.0.2.2:80", as tcpdump has it.
template <>
struct fmt::formatter<tcpfsm::four_tuple> : tcpfsm::pieces_formatter<fmt::formatter<tcpfsm::four_tuple>> {
    template <class Out>
    static Out write(Out out, const tcpfsm::four_tuple& between) {
        return fmt::format_to(out, "{} > {}", between.local, between.remote);
    }
};
