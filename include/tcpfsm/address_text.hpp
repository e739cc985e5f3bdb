// SPDX-License-Identifier: MIT
// address_text.hpp: internet addresses as people write them.
#pragma once

#include <tcpfsm/address.hpp>
#include <tcpfsm/octets.hpp>

#include <optional>
#include <string_view>

// IPv4 in dotted decimal, IPv6 in the one form that RFC 5952 recommends. Reading is strict: four decimal
// numbers without leading zeros (which some would take for octal), no zones, nothing around the address.

namespace tcpfsm {

/// Room enough for any address as text.
inline constexpr std::size_t address_text_size = 46;

/// Writes `address` as text, without a zero at the end, and answers how many characters that took.
constexpr std::size_t write_text(const ip_address& address, std::span<char, address_text_size> out) noexcept;
/// The address that `text` spells, if it is one.
[[nodiscard]] constexpr std::optional<ip_address> parse_ip(std::string_view text) noexcept;

namespace literals {
/// `"192.0.2.1"_ip`; what is no address does not compile.
consteval ip_address operator""_ip(const char* text, std::size_t size) noexcept { return *parse_ip({text, size}); }
}  // namespace literals

/// Puts characters one behind the other.
class address_writer {
public:
    constexpr explicit address_writer(std::span<char, address_text_size> out) noexcept : out_{out} {}
    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }

    constexpr void put(char c) noexcept { out_[size_++] = c; }
    constexpr void number(unsigned value, unsigned base) noexcept {
        if (value >= base) number(value / base, base);
        put("0123456789abcdef"[value % base]);
    }
    constexpr void dotted(std::span<const std::uint8_t> octets) noexcept {
        for (std::size_t i = 0; i < 4; ++i) {
            if (i != 0) put('.');
            number(octets[i], 10);
        }
    }
    /// RFC 5952 section 4.2: "::" for the first of the longest runs of two or more zero groups.
    constexpr void groups(std::span<const std::uint8_t> octets) noexcept {
        const auto group = [&](std::size_t i) { return unsigned{load16(octets.data() + 2 * i)}; };
        std::size_t begin = 8;
        std::size_t length = 1;
        for (std::size_t i = 0; i < 8; ++i) {
            std::size_t run = 0;
            while (i + run < 8 && group(i + run) == 0) ++run;
            if (run > length) begin = i, length = run;
        }
        for (std::size_t i = 0; i < 8; ++i) {
            if (i == begin) {
                put(':'), put(':');
                i += length - 1;
                continue;
            }
            if (i != 0 && i != begin + length) put(':');
            number(group(i), 16);
        }
    }

private:
    std::span<char, address_text_size> out_;
    std::size_t size_ = 0;
};

constexpr std::size_t write_text(const ip_address& address, std::span<char, address_text_size> out) noexcept {
    address_writer to{out};
    if (address.is_v4()) {
        to.dotted(address.octets());
    } else if (address.is_mapped()) {  // RFC 5952 section 5
        for (const char c : std::string_view{"::ffff:"}) to.put(c);
        to.dotted(address.octets().subspan(12));
    } else {
        to.groups(address.octets());
    }
    return to.size();
}

/// Takes an address from the front of a text, piece by piece.
class address_reader {
public:
    constexpr explicit address_reader(std::string_view text) noexcept : text_{text} {}
    [[nodiscard]] constexpr bool done() const noexcept { return text_.empty(); }

    /// Takes `what` if the text begins with it.
    constexpr bool take(std::string_view what) noexcept {
        if (!text_.starts_with(what)) return false;
        text_.remove_prefix(what.size());
        return true;
    }
    /// Takes one to `most` digits.
    constexpr std::optional<unsigned> number(unsigned base, std::size_t most) noexcept {
        unsigned value = 0;
        std::size_t count = 0;
        for (; count < most && count < text_.size() && digit(text_[count]) < base; ++count) {
            value = value * base + digit(text_[count]);
        }
        if (count == 0) return std::nullopt;
        text_.remove_prefix(count);
        return value;
    }
    /// Takes "a.b.c.d"; puts back all of it if it is none.
    constexpr bool dotted(std::span<std::uint8_t, 4> out) noexcept {
        const std::string_view before = text_;
        for (std::size_t i = 0; i < 4; ++i) {
            const bool apart = i == 0 || take(".");
            const auto value = number(10, text_.starts_with('0') ? 1 : 3);
            if (!apart || !value || *value > 255) {
                text_ = before;
                return false;
            }
            out[i] = static_cast<std::uint8_t>(*value);
        }
        return true;
    }

private:
    static constexpr unsigned digit(char c) noexcept {
        if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
        if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
        if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
        return 99;
    }
    std::string_view text_;
};

/// RFC 4291 section 2.2: eight groups, "::" for some of them once, dotted decimal for the last two.
[[nodiscard]] constexpr std::optional<ip_address> parse_ipv6(address_reader from) noexcept {
    std::array<std::uint8_t, 16> out{};
    std::size_t size = 0;
    std::optional<std::size_t> gap;
    if (from.take("::")) gap = 0;
    while (!from.done()) {
        if (size <= 12 && from.dotted(std::span{out}.subspan(size).first<4>())) {
            size += 4;
            break;
        }
        const auto group = size < 16 ? from.number(16, 4) : std::nullopt;
        if (!group) return std::nullopt;
        store16(out.data() + size, static_cast<std::uint16_t>(*group));
        size += 2;
        if (from.done()) break;
        if (!gap && from.take("::")) {
            gap = size;
        } else if (!from.take(":") || from.done()) {
            return std::nullopt;
        }
    }
    if (!from.done() || gap.has_value() == (size == 16)) return std::nullopt;
    if (gap) {  // what was read behind the gap belongs at the end
        std::rotate(out.begin() + static_cast<std::ptrdiff_t>(*gap), out.begin() + static_cast<std::ptrdiff_t>(size),
                    out.end());
    }
    return ip_address{out};
}

constexpr std::optional<ip_address> parse_ip(std::string_view text) noexcept {
    address_reader from{text};
    if (text.find(':') != std::string_view::npos) return parse_ipv6(from);
    std::array<std::uint8_t, 4> out{};
    if (!from.dotted(out) || !from.done()) return std::nullopt;
    return ip_address{out};
}

static_assert(parse_ip("192.0.2.1") == ipv4(192, 0, 2, 1));
static_assert(parse_ip("::ffff:192.0.2.1")->is_mapped() && parse_ip("::1")->is_loopback());

}  // namespace tcpfsm
