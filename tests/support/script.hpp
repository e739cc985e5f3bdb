// SPDX-License-Identifier: MIT
// script.hpp: segments in packetdrill's and tcpdump's notation, read by the compiler.
#pragma once

#include <fmt/format.h>

#include <tcpfsm/segment.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// "S. 0:0(0) ack 1 win 1000 <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>"_seg
//
//   [ect0]    the codepoint of ECN, first: ect0, ect1 or ce; if it is not written, not ECN-capable
//   flags     S F R P . U E W A (AE), in any order; `.` is ACK, `-` stands for none
//   a:b(n)    from a up to b, n octets of text; SYN and FIN are not counted. A mistake does not compile
//   ack n     with `.`, and only with it;  win n;  urg n: with U, and only with it
//   <...>     options, in any order; `<>` says that there are none
//
// Of the options, `ECN e0b 1 ceb 0 e1b 1` is that of accurate ECN, cut off anywhere (kind 172); with e1b first, and e0b
// last, it is kind 174.
//
// A number may be negative: -1 lies one before 0. What is not written is not compared when a segment is
// expected; when the peer sends it, the window is 65535 and there are no options.

namespace tcpfsm::test {

/// A segment as written in a script: numbers are relative (see subject.hpp), and some may be missing.
struct script {
    segment seg{.wnd = 65535};
    bool has_win = false;      ///< `win` was written
    bool has_options = false;  ///< `<...>` was written
    std::string_view text;     ///< as written
};

// Never defined: the compiler stops at the call and shows the sentence.
void flags_are_S_F_R_P_dot_U_E_W_A_or_a_dash();
void a_number_is_missing();
void the_sequence_numbers_are_written_as_1_colon_11_and_10_in_parentheses();
void the_end_is_not_the_beginning_plus_the_length();
void the_words_are_ack_win_urg_or_options_in_angle_brackets();
void ack_n_and_the_dot_come_together();
void urg_n_and_the_U_come_together();
void an_option_is_mss_wscale_sackOK_TS_val_ecr_sack_ECN_uto_FO_nop_or_eol();
void the_codepoint_is_ect0_ect1_or_ce();

/// Reads one script.
class script_reader {
public:
    constexpr explicit script_reader(std::string_view text) : rest_{text} { out_.text = text; }

    constexpr script read() {
        segment& seg = out_.seg;
        seg.ecn = codepoint();
        seg.ctl = flags();
        blanks();
        seg.seq = number();
        if (!takes(":")) the_sequence_numbers_are_written_as_1_colon_11_and_10_in_parentheses();
        const seq end = number();
        if (!takes("(")) the_sequence_numbers_are_written_as_1_colon_11_and_10_in_parentheses();
        seg.text = number().value();
        if (!takes(")")) the_sequence_numbers_are_written_as_1_colon_11_and_10_in_parentheses();
        if (end != seg.seq + seg.text) the_end_is_not_the_beginning_plus_the_length();
        bool acks = false;
        bool urgent = false;
        for (blanks(); !rest_.empty(); blanks()) {
            if (takes("ack ")) {
                acks = true;
                seg.ack = number();
            } else if (takes("win ")) {
                out_.has_win = true;
                seg.wnd = static_cast<std::uint16_t>(number().value());
            } else if (takes("urg ")) {
                urgent = true;
                seg.up = static_cast<std::uint16_t>(number().value());
            } else if (takes("<")) {
                out_.has_options = true;
                while (!takes(">")) option();
            } else {
                the_words_are_ack_win_urg_or_options_in_angle_brackets();
            }
        }
        if (acks != seg.has(ctl::ack)) ack_n_and_the_dot_come_together();
        if (urgent != seg.has(ctl::urg)) urg_n_and_the_U_come_together();
        return out_;
    }

private:
    constexpr void blanks() {
        while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
    }
    constexpr bool takes(std::string_view word) {
        if (rest_.substr(0, word.size()) != word) return false;
        rest_.remove_prefix(word.size());
        return true;
    }
    constexpr ecn codepoint() {
        ecn out = ecn::not_ect;
        if (!takes("[")) return out;
        if (takes("ect0]")) {
            out = ecn::ect_0;
        } else if (takes("ect1]")) {
            out = ecn::ect_1;
        } else if (takes("ce]")) {
            out = ecn::ce;
        } else {
            the_codepoint_is_ect0_ect1_or_ce();
        }
        blanks();
        return out;
    }
    constexpr control flags() {
        control out;
        for (; !rest_.empty() && rest_.front() != ' '; rest_.remove_prefix(1)) {
            switch (rest_.front()) {
            case 'S': out |= ctl::syn; break;
            case 'F': out |= ctl::fin; break;
            case 'R': out |= ctl::rst; break;
            case 'P': out |= ctl::psh; break;
            case '.': out |= ctl::ack; break;
            case 'U': out |= ctl::urg; break;
            case 'E': out |= ctl::ece; break;
            case 'W': out |= ctl::cwr; break;
            case 'A': out |= ctl::ae; break;
            case '-': break;
            default: flags_are_S_F_R_P_dot_U_E_W_A_or_a_dash();
            }
        }
        return out;
    }
    constexpr seq number() {
        const bool negative = takes("-");
        if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') a_number_is_missing();
        std::uint32_t n = 0;
        for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; rest_.remove_prefix(1)) {
            n = n * 10 + static_cast<std::uint32_t>(rest_.front() - '0');
        }
        return negative ? seq{} - n : seq{n};
    }
    [[nodiscard]] constexpr std::optional<unsigned> hex() const {
        constexpr std::string_view digits = "0123456789abcdef";
        const std::size_t at = rest_.empty() ? digits.npos : digits.find(rest_.front());
        return at == digits.npos ? std::nullopt : std::optional{static_cast<unsigned>(at)};
    }
    constexpr void option() {
        options& opt = out_.seg.options;
        if (takes("mss ")) {
            opt.has_mss = true;
            opt.mss = static_cast<std::uint16_t>(number().value());
        } else if (takes("wscale ")) {
            opt.has_window_scale = true;
            opt.window_scale = static_cast<std::uint8_t>(number().value());
        } else if (takes("sackOK")) {
            opt.sack_permitted = true;
        } else if (takes("TS val ")) {
            opt.has_timestamps = true;
            opt.ts_val = number().value();
            if (!takes(" ecr ")) an_option_is_mss_wscale_sackOK_TS_val_ecr_sack_ECN_uto_FO_nop_or_eol();
            opt.ts_ecr = number().value();
        } else if (takes("ECN")) {
            accurate_ecn(opt.accecn);
        } else if (takes("uto ")) {
            opt.has_user_timeout = true;
            opt.user_timeout = static_cast<std::uint16_t>(number().value());
            if (takes("min")) opt.user_timeout = static_cast<std::uint16_t>(opt.user_timeout | 0x8000U);
        } else if (takes("FO")) {
            opt.has_fast_open = true;
            for (takes(" "); hex(); ++opt.cookie.size) {
                const unsigned first = *hex();
                rest_.remove_prefix(1);
                opt.cookie.octets.at(opt.cookie.size) = static_cast<std::uint8_t>(first << 4U | hex().value());
                rest_.remove_prefix(1);
            }
        } else if (takes("sack")) {
            while (takes(" ")) {
                sack_block& block = opt.sack.at(opt.sack_count++);
                block.left = number();
                if (!takes(":")) an_option_is_mss_wscale_sackOK_TS_val_ecr_sack_ECN_uto_FO_nop_or_eol();
                block.right = number();
            }
        } else if (!takes("nop") && !takes("eol")) {
            an_option_is_mss_wscale_sackOK_TS_val_ecr_sack_ECN_uto_FO_nop_or_eol();
        }
        takes(",");
        blanks();
    }

    constexpr void accurate_ecn(accecn_option& opt) {
        opt.there = 1;
        const auto field = [&](std::string_view name) {
            if (!takes(name)) return std::uint32_t{0};
            ++opt.fields;
            return number().value() & 0xffffffU;
        };
        opt.order = rest_.substr(0, 4) == " e1b" ? 1U : 0U;
        if (opt.order == 0) {
            opt.e0b = field(" e0b ") & 0xffffffU;
            opt.ceb = field(" ceb ") & 0xffffffU;
            opt.e1b = field(" e1b ") & 0xffffffU;
        } else {
            opt.e1b = field(" e1b ") & 0xffffffU;
            opt.ceb = field(" ceb ") & 0xffffffU;
            opt.e0b = field(" e0b ") & 0xffffffU;
        }
    }

    std::string_view rest_;
    script out_;
};

/// The letters of a literal.
template <std::size_t N>
struct letters {
    consteval letters(const char (&text)[N]) {
        for (std::size_t i = 0; i < N; ++i) c[i] = text[i];
    }
    char c[N]{};
};
/// A literal, and the script that it holds.
template <letters Text>
inline constexpr auto text_of = Text;
template <letters Text>
inline constexpr script script_of = script_reader{{text_of<Text>.c, sizeof Text.c - 1}}.read();

inline namespace literals {
template <letters Text>
[[nodiscard]] constexpr const script& operator""_seg() {
    return script_of<Text>;
}
}  // namespace literals

/// The segment in the notation of `_seg`. A window or options that a script did not write are left out.
[[nodiscard]] inline std::string to_script(const segment& seg, bool with_win = true, bool with_options = true) {
    static constexpr struct {
        control bit;
        char letter;
    } letters[] = {{ctl::syn, 'S'}, {ctl::fin, 'F'}, {ctl::rst, 'R'}, {ctl::psh, 'P'}, {ctl::urg, 'U'},
                   {ctl::ece, 'E'}, {ctl::cwr, 'W'}, {ctl::ae, 'A'},  {ctl::ack, '.'}};
    const auto n = [](seq s) { return static_cast<std::int32_t>(s.value()); };
    std::string out;
    constexpr std::string_view codepoints[] = {"", "[ect1] ", "[ect0] ", "[ce] "};
    out += codepoints[static_cast<std::size_t>(seg.ecn)];
    const std::size_t before = out.size();
    for (const auto& l : letters) {
        if (seg.has(l.bit)) out += l.letter;
    }
    if (out.size() == before) out += '-';
    out += fmt::format(" {}:{}({})", n(seg.seq), n(seg.seq + seg.text), seg.text);
    if (seg.has(ctl::ack)) out += fmt::format(" ack {}", n(seg.ack));
    if (with_win) out += fmt::format(" win {}", seg.wnd);
    if (seg.has(ctl::urg)) out += fmt::format(" urg {}", seg.up);
    const options& opt = seg.options;
    std::string list;
    if (opt.has_mss) list += fmt::format(",mss {}", opt.mss);
    if (opt.sack_permitted) list += ",sackOK";
    if (opt.has_timestamps) list += fmt::format(",TS val {} ecr {}", opt.ts_val, opt.ts_ecr);
    if (opt.has_window_scale) list += fmt::format(",wscale {}", opt.window_scale);
    if (opt.has_user_timeout)
        list += fmt::format(",uto {}{}", opt.user_timeout & 0x7fffU, opt.user_timeout >> 15U != 0 ? "min" : "");
    if (opt.has_fast_open) list += opt.cookie.size != 0 ? ",FO " : ",FO";
    for (std::size_t i = 0; i < opt.cookie.size; ++i) list += fmt::format("{:02x}", opt.cookie.octets[i]);
    if (opt.sack_count != 0) list += ",sack";
    for (std::size_t i = 0; i < opt.sack_count; ++i)
        list += fmt::format(" {}:{}", n(opt.sack[i].left), n(opt.sack[i].right));
    if (const accecn_option& a = opt.accecn; a.there != 0) {
        list += ",ECN";
        const std::uint32_t e0b = a.e0b, ceb = a.ceb, e1b = a.e1b;
        if (a.order == 0 && a.has_e0b()) list += fmt::format(" e0b {}", e0b);
        if (a.order != 0 && a.has_e1b()) list += fmt::format(" e1b {}", e1b);
        if (a.has_ceb()) list += fmt::format(" ceb {}", ceb);
        if (a.order == 0 && a.has_e1b()) list += fmt::format(" e1b {}", e1b);
        if (a.order != 0 && a.has_e0b()) list += fmt::format(" e0b {}", e0b);
    }
    if (with_options && !list.empty()) out += fmt::format(" <{}>", list.substr(1));
    return out;
}

static_assert("S. 0:0(0) ack 1 win 9 <mss 5,nop,wscale 7>"_seg.seg.options.window_scale == 7);
static_assert("F. -1:9(10) ack 1"_seg.seg.len() == 11);

}  // namespace tcpfsm::test
