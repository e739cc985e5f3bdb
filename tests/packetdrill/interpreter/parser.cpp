// SPDX-License-Identifier: MIT
// parser.cpp: words become the lines of a script. What is not understood is an error, never passed over.
#include "syntax.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace tcpfsm::drill {
namespace {

using kind = token::kind;

class parser {
public:
    explicit parser(std::string_view text) : words_{words_of(text)} {}

    script read() {
        script out;
        while (now().is == kind::option) out.options.push_back(option());
        while (now().is == kind::command) command();
        while (now().is != kind::end) {
            if (now().is == kind::command) {  // behind the last event, too
                command();
            } else {
                event(out);
            }
        }
        if (out.events.empty()) throw failure{now().at, "there is no event in this script"};
        return out;
    }

private:
    // --- Words -------------------------------------------------------------------------------------

    [[nodiscard]] const token& now() const { return words_[at_]; }
    [[nodiscard]] const token& behind() const { return words_[std::min(at_ + 1, words_.size() - 1)]; }
    token take() {
        const token t = now();
        if (at_ + 1 < words_.size()) ++at_;
        return t;
    }
    bool takes(std::string_view s) {
        if (!(now() == s)) return false;
        take();
        return true;
    }
    [[noreturn]] void wrong(const std::string& what) const { throw failure{now().at, what}; }
    void need(std::string_view s) {
        if (!takes(s)) wrong(fmt::format("expected '{}' here", s));
    }
    std::int64_t integer(std::int64_t least, std::int64_t most, const char* what) {
        if (now().is != kind::integer) wrong(fmt::format("expected a number here: {}", what));
        const place at = now().at;
        const std::int64_t n = value_of(take());
        if (n < least || n > most) throw failure{at, fmt::format("{} must lie between {} and {}", what, least, most)};
        return n;
    }
    static std::int64_t value_of(const token& t) {
        const bool hex = t.text.starts_with("0x");
        const std::string_view digits = hex ? t.text.substr(2) : t.text;
        std::int64_t n = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n, hex ? 16 : 10);
        if (error != std::errc{} || end != digits.data() + digits.size()) throw failure{t.at, "this is no number"};
        return n;
    }
    std::uint32_t number(const char* what) {
        return static_cast<std::uint32_t>(integer(0, std::numeric_limits<std::uint32_t>::max(), what));
    }
    microseconds seconds() {
        if (now().is != kind::decimal && now().is != kind::integer) wrong("expected a time in seconds here");
        return std::llround(std::stod(std::string{take().text}) * 1e6);
    }

    // --- Before the events -------------------------------------------------------------------------

    /// The value reaches to the end of the line, or stands in quotes.
    script_option option() {
        script_option out;
        const token name = take();
        out.at = name.at;
        out.name = name.text;
        if (!takes("=")) return out;
        if (now().is == kind::string) {
            out.value = take().text;
            return out;
        }
        while (now().is != kind::end && now().at.line == name.at.line) out.value += take().text;
        return out;
    }
    /// Commands change the system that packetdrill runs on, and there is none here. `true` changes nothing.
    void command() {
        std::string_view said = now().text;
        while (!said.empty() && said.front() == ' ') said.remove_prefix(1);
        while (!said.empty() && said.back() == ' ') said.remove_suffix(1);
        if (said != "true" && said != ":" && !said.empty())
            wrong(fmt::format("commands are not run here: `{}` (only `true` is let pass)", said));
        take();
    }

    // --- Events ------------------------------------------------------------------------------------

    void event(script& out) {
        const std::size_t first = at_;
        script_event e;
        e.at = now().at;
        e.time = time();
        if (now().is == kind::command) return command();
        const bool certain = e.time.is == event_time::kind::absolute || e.time.is == event_time::kind::relative;
        if (now() == "<" || now() == ">") {
            const place at = now().at;
            e.what = packet();
            if (!certain && std::get<packet_line>(e.what).inbound)
                throw failure{at, "'*' and ranges of time are for outbound packets only"};
        } else if (!certain) {
            wrong("'*' and ranges of time are for outbound packets only");
        } else if (now().is == kind::code) {
            e.what = code();
        } else {
            e.what = call();
        }
        const char* begin = words_[first].text.data();
        const char* end = words_[at_ - 1].text.data() + words_[at_ - 1].text.size();
        e.text = {begin, static_cast<std::size_t>(end - begin)};
        if (words_[at_ - 1].is == kind::code) e.text = {begin, e.text.size() + 2};
        out.events.push_back(std::move(e));
    }
    event_time time() {
        event_time out;
        if (takes("*")) {
            out.is = event_time::kind::any;
            return out;
        }
        const bool relative = takes("+");
        out.is = relative ? event_time::kind::relative : event_time::kind::absolute;
        const place at = now().at;
        out.from = seconds();
        if (takes("~")) {
            out.is = relative ? event_time::kind::relative_range : event_time::kind::absolute_range;
            if (relative) need("+");
            out.to = seconds();
            if (out.to < out.from) throw failure{at, "this range of time ends before it begins"};
        }
        return out;
    }

    // --- Packets -----------------------------------------------------------------------------------

    packet_line packet() {
        packet_line out;
        const place at = now().at;
        out.inbound = take() == "<";
        if (now() == "[" || now() == "(") out.ip = ip_fields(out.inbound);
        if (now() == "icmp") {
            if (!out.inbound) wrong("the stack sends no ICMP that could be expected");
            out.what = icmp();
            return out;
        }
        for (const std::string_view other : {"udp", "ipv4", "ipv6", "gre", "mpls", "encap"}) {
            if (now() == other) wrong(fmt::format("'{}' packets are not understood here", other));
        }
        out.what = tcp(out.inbound);
        if (out.inbound && !std::get<tcp_line>(out.what).win)
            throw failure{at, "an inbound segment needs its window: win <number>"};
        if (std::get<tcp_line>(out.what).text > 65535 - 60) throw failure{at, "this is longer than a packet can be"};
        if (out.inbound && std::get<tcp_line>(out.what).any_options)
            throw failure{at, "<...> is for outbound segments: what options is this one to carry?"};
        return out;
    }
    ip_fields_said ip_fields(bool inbound) {
        ip_fields_said out;
        const std::string_view close = take() == "[" ? "]" : ")";
        do {
            if (takes("noecn")) {
                out.ecn = std::uint8_t{0};
            } else if (takes("ect0")) {
                out.ecn = std::uint8_t{2};
            } else if (takes("ect1")) {
                out.ecn = std::uint8_t{1};
            } else if (takes("ce")) {
                out.ecn = std::uint8_t{3};
            } else if (now() == "ect01") {
                if (inbound) wrong("ect01 is for outbound packets: which of the two is this one to carry?");
                take();
                out.ect_any = true;
            } else if (takes("tos")) {
                out.tos = static_cast<std::uint8_t>(integer(0, 255, "TOS"));
            } else if (takes("ttl")) {
                out.ttl = static_cast<std::uint8_t>(integer(0, 255, "TTL"));
            } else if (takes("flowlabel")) {
                out.flow_label = static_cast<std::uint32_t>(integer(0, 0xfffff, "the flow label"));
            } else {
                wrong("expected noecn, ect0, ect1, ect01, ce, tos, ttl or flowlabel here");
            }
        } while (takes(","));
        need(close);
        return out;
    }
    tcp_line tcp(bool inbound) {
        tcp_line out;
        const place at = now().at;
        out.flags = flags();
        range(out.seq, out.text);
        if (takes("ack")) {
            if ((out.flags & 0x10U) == 0) wrong("a number is acknowledged, but there is no '.' among the flags");
            out.ack = number("the acknowledgment number");
        } else if ((out.flags & 0x10U) != 0) {
            wrong("there is a '.' among the flags, so expected 'ack <number>' here");
        }
        if (takes("win")) out.win = static_cast<std::uint16_t>(integer(0, 0xffff, "the window"));
        if (takes("urg")) out.urgent = static_cast<std::uint16_t>(integer(0, 0xffff, "the urgent pointer"));
        if (!takes("<")) return out;  // the next line would begin with its time
        if (now().is == kind::ellipsis) {
            out.any_options = true;
            take();
        } else if (!(now() == ">")) {
            do out.options.push_back(tcp_option_of(inbound));
            while (takes(","));
        }
        need(">");
        std::size_t size = 0;
        for (const tcp_option& o : out.options) size += size_of(o);
        if (size % 4 != 0)
            throw failure{at, fmt::format("the options take {} octets; pad them to a multiple of four", size)};
        if (size > 40) throw failure{at, fmt::format("the options take {} octets; there is room for 40", size)};
        return out;
    }
    std::uint16_t flags() {
        std::uint16_t out = 0;
        const place at = now().at;
        if (takes("-")) return 0;
        const auto set = [&](char c) {
            static constexpr std::string_view letters = "FSRP.UEWA";  // from the lowest bit up
            const std::size_t bit = letters.find(c);
            if (bit == std::string_view::npos)
                throw failure{at, fmt::format("'{}' is no flag: they are S F R P . U E W A, or '-' for none", c)};
            if ((out & 1U << bit) != 0) throw failure{at, fmt::format("the flag '{}' stands here twice", c)};
            out = static_cast<std::uint16_t>(out | 1U << bit);
        };
        if (now().is == kind::word) {
            for (const char c : take().text) set(c);
            if (now() == ".") set(take().text.front());
            return out;
        }
        if (!(now() == ".")) wrong("expected flags here: S F R P . U E W A, or '-' for none");
        set(take().text.front());
        return out;
    }
    void range(std::uint32_t& from, std::uint32_t& size) {
        from = number("the sequence number");
        need(":");
        const place at = now().at;
        const std::uint32_t to = number("the sequence number behind the text");
        need("(");
        size = static_cast<std::uint32_t>(integer(0, 65535, "the length of the text"));
        need(")");
        if (from + size != to)
            throw failure{at, fmt::format("{} and {} octets make {}, not {}", from, size, from + size, to)};
    }
    tcp_option tcp_option_of(bool inbound) {
        tcp_option out;
        if (takes("eol")) return out;
        if (takes("nop")) {
            out.kind = 1;
        } else if (takes("mss")) {
            out.kind = 2;
            out.value = static_cast<std::uint32_t>(integer(0, 0xffff, "the MSS"));
        } else if (takes("wscale")) {
            out.kind = 3;
            out.value = static_cast<std::uint32_t>(integer(0, 255, "the shift count"));
        } else if (takes("sackOK")) {
            out.kind = 4;
        } else if (takes("sack")) {
            out.kind = 5;
            while (now().is == kind::integer) {
                const std::uint32_t left = number("the left edge");
                need(":");
                out.blocks.emplace_back(left, number("the right edge"));
            }
            if (out.blocks.empty() || out.blocks.size() > 4) wrong("one to four blocks belong to a SACK option");
        } else if (takes("TS")) {
            out.kind = 8;
            need("val");
            out.value = number("TS val");
            need("ecr");
            out.echo = number("TS ecr");
        } else if (now() == "md5" || now() == "FO" || now() == "FOEXP") {
            const bool md5 = now() == "md5";
            const bool experiment = now() == "FOEXP";
            if (!inbound && now() != "FO") wrong("this option is never sent by the stack");
            take();
            out.kind = md5 ? 19 : experiment ? 254 : 34;
            if (experiment) out.octets = {0xf9, 0x89};
            if (now().is == kind::word || now().is == kind::integer) hex_octets(out.octets);
            if (md5 && out.octets.size() != 16) wrong("an MD5 digest has sixteen octets");
        } else {
            wrong("expected an option here: mss, wscale, sackOK, TS val ecr, sack, nop, eol, md5, FO or FOEXP");
        }
        return out;
    }
    void hex_octets(std::vector<std::uint8_t>& into) {
        const token t = take();
        const auto bad = [&] { return failure{t.at, "expected octets here, two hex digits each"}; };
        if (t.text.size() % 2 != 0) throw bad();
        for (std::size_t i = 0; i < t.text.size(); i += 2) {
            std::uint8_t octet = 0;
            const char* from = t.text.data() + i;
            if (std::from_chars(from, from + 2, octet, 16).ptr != from + 2) throw bad();
            into.push_back(octet);
        }
    }
    icmp_line icmp() {
        icmp_line out;
        take();
        if (now().is != kind::word) wrong("expected the type of the ICMP message here");
        out.type = take();
        if (now().is == kind::word && !(now() == "mtu")) out.code = take();
        if (takes("mtu")) out.mtu = number("the MTU");
        need("[");
        range(out.seq, out.text);
        need("]");
        return out;
    }

    // --- Calls -------------------------------------------------------------------------------------

    call_line call() {
        call_line out;
        if (now().is == kind::ellipsis) {
            take();
            out.until = seconds();
        }
        if (now().is != kind::word) wrong("expected a packet (< or >), a call or %{ code }% here");
        out.name = take().text;
        need("(");
        if (!(now() == ")")) {
            do out.arguments.push_back(either());
            while (takes(","));
        }
        need(")");
        need("=");
        out.result = either();
        if (now().is == kind::word && behind() == "(") out.error = take();
        if (takes("(")) {  // a note
            while (!(now() == ")")) {
                if (now().is == kind::end) wrong("this note has no end");
                take();
            }
            take();
        }
        return out;
    }
    expression either() {
        expression left = single();
        while (now() == "|") {
            expression both{.is = expression::kind::either, .at = take().at};
            both.parts.push_back(std::move(left));
            both.parts.push_back(single());
            left = std::move(both);
        }
        return left;
    }
    expression single() {
        expression out{.at = now().at};
        if (now().is == kind::ellipsis) {
            take();
        } else if (now().is == kind::integer || now() == "-") {
            const bool negative = takes("-");
            if (now().is != kind::integer) wrong("expected a number behind '-'");
            out.is = expression::kind::integer;
            out.number = value_of(take()) * (negative ? -1 : 1);
        } else if (now().is == kind::string) {
            out.is = expression::kind::string;
            out.text = take().text;
        } else if (takes("[")) {
            out.is = expression::kind::array;
            list(out, "]");
        } else if (takes("{")) {
            out.is = expression::kind::structure;
            list(out, "}");
        } else if (now().is == kind::word) {
            out.is = expression::kind::word;
            out.text = take().text;
            if (takes("(")) {
                out.is = expression::kind::call;
                list(out, ")");
            }
        } else {
            wrong("expected a value here");
        }
        return out;
    }
    void list(expression& into, std::string_view close) {
        if (takes(close)) return;
        do into.parts.push_back(element());
        while (takes(","));
        need(close);
    }
    /// A value, or one with a name.
    expression element() {
        expression first = either();
        const bool named = first.is == expression::kind::word || first.is == expression::kind::call;
        if (!named || !takes("=")) return first;
        expression out{.is = expression::kind::field, .at = first.at, .text = first.text};
        out.parts.push_back(either());
        for (expression& count : first.parts) out.parts.push_back(std::move(count));
        return out;
    }

    // --- Code --------------------------------------------------------------------------------------

    /// `assert tcpi_state == TCP_ESTABLISHED and tcpi_unacked <= 3, a message`, one or more lines of it.
    code_line code() {
        const token whole = take();
        parser inner{whole};
        code_line out;
        while (inner.now().is != kind::end) {
            if (!inner.takes("assert"))
                inner.wrong("no Python is run here: only 'assert tcpi_<field> <comparison> <number>' is understood");
            do out.all.push_back(inner.comparison());
            while (inner.takes("and"));
            if (inner.takes(",")) inner.skip_line();
            inner.takes(";");
        }
        if (out.all.empty()) throw failure{whole.at, "there is nothing to assert in this code"};
        return out;
    }
    explicit parser(const token& code) : words_{words_of(code.text)} {
        for (token& t : words_) {
            t.at.column += t.at.line == 1 ? code.at.column + 1 : 0;
            t.at.line += code.at.line - 1;
        }
    }
    assertion comparison() {
        assertion out{.at = now().at, .field = now().text, .comparison = {}, .with = {}};
        if (now().is != kind::word || !out.field.starts_with("tcpi_")) wrong("expected a field of TCP_INFO: tcpi_...");
        take();
        const token sign = now();
        if (!(sign == "=" || sign == "!" || sign == "<" || sign == ">")) wrong("expected == != < <= > or >= here");
        take();
        const bool two = now() == "=" && now().text.data() == sign.text.data() + 1;
        if (two) take();
        out.comparison = {sign.text.data(), two ? 2U : 1U};
        if (out.comparison == "=" || out.comparison == "!") throw failure{sign.at, "expected == or != here"};
        if (now().is != kind::integer && now().is != kind::word) wrong("expected a number or its name here");
        out.with = take();
        return out;
    }
    void skip_line() {
        const int line = now().at.line;
        while (now().is != kind::end && now().at.line == line) take();
    }

    std::vector<token> words_;
    std::size_t at_ = 0;
};

}  // namespace

script parse(std::string_view text) { return parser{text}.read(); }

}  // namespace tcpfsm::drill
