// SPDX-License-Identifier: MIT
// option_codec.hpp: the options of a header, to octets and back; and how many octets they will take.
#pragma once

#include <tcpfsm/octets.hpp>
#include <tcpfsm/segment.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

// RFC 9293 section 3.1 (format, EOL, NOP, MSS), RFC 7323 (window scale, timestamps), RFC 2018 (SACK), RFC
// 9768 (accurate ECN). What a segment may carry is decided here once (`sent_options`), so that the size which the core
// subtracts from the MSS (3.7.1) and the octets on the wire cannot differ.

namespace tcpfsm {

/// Option kinds, as IANA numbers them.
enum class option_kind : std::uint8_t {
    end = 0,             ///< end of option list: no length octet, nothing after it counts
    no_operation = 1,    ///< between options, no length octet
    mss = 2,             ///< maximum segment size, length 4
    window_scale = 3,    ///< length 3
    sack_permitted = 4,  ///< length 2
    sack = 5,            ///< length 2 + 8n
    timestamps = 8,      ///< length 10
    user_timeout = 28,   ///< length 4 (RFC 5482)
    fast_open = 34,      ///< length 2, or 6 to 18 and even (RFC 7413)
    accecn0 = 172,       ///< length 2 + 3n: EE0B, ECEB, EE1B (RFC 9768)
    accecn1 = 174,       ///< the same with EE1B first
};

/// The data offset is four bits wide: 60 octets of header, 20 of them fixed.
inline constexpr std::size_t max_options_size = 40;

/// NOP, NOP, timestamps of ten octets: what most segments begin their options with, and end (RFC 7323 appendix A).
inline constexpr std::uint32_t timestamps_alone = 0x0101080a;

/// A cookie may have so many octets (RFC 7413 section 4.1.1), or none.
[[nodiscard]] constexpr bool may_be_cookie(std::size_t octets) noexcept {
    return octets == 0 || (octets % 2 == 0 && octets >= 4 && octets <= 16);
}

/// Octets of the fast open option with this cookie, padded.
[[nodiscard]] constexpr std::size_t fast_open_size(const fast_open_cookie& cookie) noexcept {
    return (2U + cookie.size + 3U) / 4U * 4U;
}

/// Octets of the option of accurate ECN, with its padding.
[[nodiscard]] constexpr std::size_t accecn_size(const accecn_option& opt) noexcept {
    return opt.there == 0 ? 0 : (2 + std::size_t{3} * opt.fields + 3) / 4 * 4;
}
/// Octets that these options take, padding included, if all of them go.
[[nodiscard]] constexpr std::size_t size_of(const options& sent) noexcept {
    std::size_t size = accecn_size(sent.accecn);
    if (sent.has_mss) size += 4;
    if (sent.has_timestamps) size += 12;  // SACK-permitted hides in the padding
    if (sent.sack_permitted && !sent.has_timestamps) size += 4;
    if (sent.has_window_scale) size += 4;
    if (sent.has_fast_open) size += fast_open_size(sent.cookie);
    if (sent.has_user_timeout) size += 4;
    if (sent.sack_count != 0) size += 4 + std::size_t{8} * sent.sack_count;
    return size;
}
/// What the wire would carry of it: no field beyond the third, and none that is not there.
[[nodiscard]] constexpr accecn_option carried(const accecn_option& opt) noexcept {
    accecn_option sent;
    if (opt.there == 0) return sent;
    sent.there = 1;
    sent.order = opt.order == 0 ? 0U : 1U;
    sent.fields = opt.fields > 3 ? 3U : opt.fields;
    sent.e0b = sent.has_e0b() ? opt.e0b : 0U;
    sent.ceb = sent.has_ceb() ? opt.ceb : 0U;
    sent.e1b = sent.has_e1b() ? opt.e1b : 0U;
    return sent;
}

/// True iff nothing but timestamps is there, as in most segments.
[[nodiscard]] constexpr bool timestamps_at_most(const options& opt) noexcept {
    // Without a branch: as a rule none of them is there.
    const unsigned of_syn = unsigned{opt.has_mss} | unsigned{opt.has_window_scale} | unsigned{opt.sack_permitted};
    const unsigned others = unsigned{opt.has_fast_open} | unsigned{opt.has_user_timeout} | opt.sack_count;
    return (of_syn | others | opt.accecn.there) == 0;
}

/// The options of `seg` that go on the wire. MSS, window scale, SACK-permitted and fast open only with SYN
/// (MUST-65, RFC 7323 2.2, RFC 2018 2, RFC 7413 2); a user timeout gives way to a cookie that leaves no room. SACK
/// blocks only without it, and only as many as fit beside the others. Accurate ECN not on the first SYN, and only
/// beside two SACK blocks, if there are two (RFC 9768 3.2.3.2.1, 3.2.3.3); more give way.
[[nodiscard]] constexpr options sent_options(const segment& seg) noexcept {
    options sent;
    sent.has_timestamps = seg.options.has_timestamps;
    if (sent.has_timestamps) {
        sent.ts_val = seg.options.ts_val;
        sent.ts_ecr = seg.options.ts_ecr;
    }
    const bool syn = seg.has(ctl::syn);
    if (syn) {
        sent.has_mss = seg.options.has_mss;
        if (sent.has_mss) sent.mss = seg.options.mss;
        sent.has_window_scale = seg.options.has_window_scale;
        if (sent.has_window_scale) sent.window_scale = seg.options.window_scale;
        sent.sack_permitted = seg.options.sack_permitted;
        sent.has_fast_open = seg.options.has_fast_open && may_be_cookie(seg.options.cookie.size);
        if (sent.has_fast_open) sent.cookie = seg.options.cookie;
    }
    if (seg.options.has_user_timeout && size_of(sent) + 4 <= max_options_size) {
        sent.has_user_timeout = true;
        sent.user_timeout = seg.options.user_timeout;
    }
    const std::size_t blocks = syn ? 0 : std::min<std::size_t>(seg.options.sack_count, sent.sack.size());
    std::size_t room = max_options_size - size_of(sent);
    if (seg.options.accecn.there != 0 && (!syn || seg.has(ctl::ack))) {
        const accecn_option opt = carried(seg.options.accecn);
        const std::size_t first_two = blocks == 0 ? 0 : 4 + 8 * std::min<std::size_t>(blocks, 2);
        if (first_two + accecn_size(opt) <= room) {
            sent.accecn = opt;
            room -= accecn_size(opt);
        }
    }
    if (blocks != 0 && room >= 12) {
        sent.sack_count = static_cast<std::uint8_t>(std::min(blocks, (room - 4) / 8));
        std::copy_n(seg.options.sack.begin(), sent.sack_count, sent.sack.begin());
    }
    return sent;
}

/// Octets of options that the header of `seg` will carry, padding included: a multiple of 4, at most 40.
[[nodiscard]] constexpr std::size_t options_size(const segment& seg) noexcept {
    if (timestamps_at_most(seg.options)) return seg.options.has_timestamps ? 12 : 0;
    return size_of(sent_options(seg));
}

/// Writes the option of accurate ECN, with NOPs before it.
constexpr std::uint8_t* write_accecn(std::uint8_t* to, const accecn_option& opt) noexcept {
    const std::size_t size = 2 + std::size_t{3} * opt.fields;
    for (std::size_t i = size; i < accecn_size(opt); ++i) *to++ = std::uint8_t{1};
    *to++ = static_cast<std::uint8_t>(opt.order == 0 ? option_kind::accecn0 : option_kind::accecn1);
    *to++ = static_cast<std::uint8_t>(size);
    const std::uint32_t in_order[] = {opt.order == 0 ? opt.e0b : opt.e1b, opt.ceb, opt.order == 0 ? opt.e1b : opt.e0b};
    for (std::size_t i = 0; i < opt.fields; ++i) {
        *to++ = static_cast<std::uint8_t>(in_order[i] >> 16U);
        to = store16(to, static_cast<std::uint16_t>(in_order[i] & 0xffffU));
    }
    return to;
}
/// Reads it: as many whole fields as there are, and what else its length may bring is padding (RFC 9768 3.2.3).
[[nodiscard]] constexpr accecn_option read_accecn(option_kind kind, std::span<const std::uint8_t> text) noexcept {
    accecn_option got;
    got.there = 1;
    got.order = kind == option_kind::accecn0 ? 0U : 1U;
    got.fields = static_cast<std::uint8_t>(std::min<std::size_t>(text.size() / 3, 3));
    const auto field = [&](std::size_t i) -> std::uint32_t {
        return i < got.fields ? (std::uint32_t{text[3 * i]} << 16U | load16(text.data() + 3 * i + 1)) & 0xffffffU : 0U;
    };
    got.e0b = field(got.order == 0 ? 0 : 2) & 0xffffffU;
    got.ceb = field(1) & 0xffffffU;
    got.e1b = field(got.order == 0 ? 2 : 0) & 0xffffffU;
    return got;
}

/// Writes the options of `seg` and answers how many octets they took: `options_size(seg)`, which must fit.
///
/// On a SYN: MSS, SACK-permitted and timestamps, NOP and window scale, fast open; else NOP NOP timestamps, NOP NOP
/// SACK; before these the user timeout; last, behind NOPs, accurate ECN. All are aligned to four octets, so nothing is
/// left to pad (MUST-69).
constexpr std::size_t write_options(std::span<std::uint8_t> out, const segment& seg) noexcept {
    std::uint8_t* to = out.data();
    if (timestamps_at_most(seg.options)) {
        if (!seg.options.has_timestamps) return 0;
        to = store32(to, timestamps_alone);
        store32(store32(to, seg.options.ts_val), seg.options.ts_ecr);
        return 12;
    }
    const options sent = sent_options(seg);
    const auto put = [&to](auto... octets) { ((*to++ = static_cast<std::uint8_t>(octets)), ...); };
    using enum option_kind;
    if (sent.has_mss) {
        put(mss, 4);
        to = store16(to, sent.mss);
    }
    if (sent.sack_permitted) put(option_kind::sack_permitted, 2);
    if (sent.sack_permitted != sent.has_timestamps) put(no_operation, no_operation);
    if (sent.has_timestamps) {
        put(timestamps, 10);
        to = store32(store32(to, sent.ts_val), sent.ts_ecr);
    }
    if (sent.has_window_scale) put(no_operation, option_kind::window_scale, 3, sent.window_scale);
    if (sent.has_user_timeout) put(option_kind::user_timeout, 4, sent.user_timeout >> 8, sent.user_timeout & 0xff);
    if (sent.has_fast_open) {
        if (sent.cookie.size % 4 == 0) put(no_operation, no_operation);
        put(fast_open, 2 + sent.cookie.size);
        to = std::copy_n(sent.cookie.octets.begin(), sent.cookie.size, to);
    }
    if (sent.sack_count != 0) {
        put(no_operation, no_operation, option_kind::sack, 2 + 8 * sent.sack_count);
        for (std::size_t i = 0; i < sent.sack_count; ++i) {
            to = store32(store32(to, sent.sack[i].left.value()), sent.sack[i].right.value());
        }
    }
    if (sent.accecn.there != 0) to = write_accecn(to, sent.accecn);
    return static_cast<std::size_t>(to - out.data());
}

/// Takes one option into `got`, if its kind is known and its length is right for that kind; else it is as if
/// it were not there (MUST-6). `text` is what follows the length octet.
constexpr void take_option(options& got, option_kind kind, std::span<const std::uint8_t> text) noexcept {
    switch (kind) {
    case option_kind::mss:
        if (text.size() != 2) return;
        got.has_mss = true;
        got.mss = load16(text.data());
        return;
    case option_kind::window_scale:
        if (text.size() != 1) return;
        got.has_window_scale = true;
        got.window_scale = text[0];
        return;
    case option_kind::sack_permitted: got.sack_permitted |= text.empty(); return;
    case option_kind::timestamps:
        if (text.size() != 8) return;
        got.has_timestamps = true;
        got.ts_val = load32(text.data());
        got.ts_ecr = load32(text.data() + 4);
        return;
    case option_kind::sack:
        if (text.size() % 8 != 0 || text.empty() || text.size() > 8 * got.sack.size()) return;
        got.sack = {};
        got.sack_count = static_cast<std::uint8_t>(text.size() / 8);
        for (std::size_t i = 0; i < got.sack_count; ++i) {
            got.sack[i] = {seq{load32(text.data() + 8 * i)}, seq{load32(text.data() + 8 * i + 4)}};
        }
        return;
    case option_kind::accecn0:
    case option_kind::accecn1: got.accecn = read_accecn(kind, text); return;
    case option_kind::user_timeout:
        got.has_user_timeout |= text.size() == 2;
        if (text.size() == 2) got.user_timeout = load16(text.data());
        return;
    case option_kind::fast_open:
        if (!may_be_cookie(text.size())) return;
        got.has_fast_open = true;
        got.cookie = {};
        got.cookie.size = static_cast<std::uint8_t>(text.size());
        std::copy_n(text.begin(), text.size(), got.cookie.octets.begin());
        return;
    default: return;
    }
}

/// Reads the octets between the fixed header and the text into `got`, which is empty. False if a length octet is
/// missing, is less than two, or leads past the end (MUST-7): then all that follows is guesswork. Takes at most one
/// step an octet; of an option that comes twice the last one counts.
constexpr bool read_options(options& got, std::span<const std::uint8_t> octets) noexcept {
    if (octets.size() == 12 && load32(octets.data()) == timestamps_alone) {
        got.has_timestamps = true;
        got.ts_val = load32(octets.data() + 4);
        got.ts_ecr = load32(octets.data() + 8);
        return true;
    }
    while (!octets.empty()) {
        const auto kind = static_cast<option_kind>(octets[0]);
        if (kind == option_kind::end) break;
        std::size_t length = 1;
        if (kind != option_kind::no_operation) {  // every other option has a length octet (MUST-68)
            if (octets.size() < 2 || octets[1] < 2 || octets[1] > octets.size()) return false;
            length = octets[1];
            take_option(got, kind, octets.first(length).subspan(2));
        }
        octets = octets.subspan(length);
    }
    return true;
}

/// The same as a value; nothing if it would be false.
[[nodiscard]] constexpr std::optional<options> parse_options(std::span<const std::uint8_t> octets) noexcept {
    options got;
    if (!read_options(got, octets)) return std::nullopt;
    return got;
}

}  // namespace tcpfsm
