// SPDX-License-Identifier: MIT
// segment.hpp: a segment as numbers, without its octets.
#pragma once

#include <tcpfsm/seq.hpp>

#include <array>
#include <cstdint>

// RFC 9293 section 3.1 (the header) and 3.3.1 ("Current Segment Variables"). The core speaks of text by
// its length alone; wire.hpp turns this struct into octets and back.

namespace tcpfsm {

/// The control bits of RFC 9293 section 3.1, at their places in the thirteenth octet of the header
/// (and AE of RFC 9768, the last bit of the twelfth, above them).
class control {
public:
    constexpr control() noexcept = default;
    constexpr explicit control(std::uint16_t bits) noexcept : bits_{bits} {}

    /// True iff all bits of `c` are set here.
    [[nodiscard]] constexpr bool has(control c) const noexcept { return (bits_ & c.bits_) == c.bits_; }
    /// True iff any bit of `c` is set here.
    [[nodiscard]] constexpr bool any(control c) const noexcept { return (bits_ & c.bits_) != 0; }
    [[nodiscard]] constexpr std::uint16_t bits() const noexcept { return bits_; }
    [[nodiscard]] constexpr control without(control c) const noexcept {
        return control{static_cast<std::uint16_t>(bits_ & ~unsigned{c.bits_})};
    }
    friend constexpr bool operator==(control, control) noexcept = default;
    friend constexpr control operator|(control a, control b) noexcept {
        return control{static_cast<std::uint16_t>(a.bits_ | b.bits_)};
    }
    constexpr control& operator|=(control c) noexcept { return *this = *this | c; }

private:
    std::uint16_t bits_ = 0;
};

/// The control bits by name: `ctl::syn | ctl::ack`.
namespace ctl {
inline constexpr control fin{0x01};  ///< no more data from the sender
inline constexpr control syn{0x02};  ///< synchronize sequence numbers
inline constexpr control rst{0x04};  ///< reset the connection
inline constexpr control psh{0x08};  ///< push function
inline constexpr control ack{0x10};  ///< the acknowledgment field is significant
inline constexpr control urg{0x20};  ///< the urgent pointer field is significant
inline constexpr control ece{0x40};  ///< ECN echo (RFC 3168)
inline constexpr control cwr{0x80};  ///< congestion window reduced (RFC 3168)
inline constexpr control ae{0x100};  ///< accurate ECN (RFC 9768)
}  // namespace ctl

/// The codepoint of ECN, at its place in the last two bits of the former type of service or traffic class (RFC 3168
/// section 5). It belongs to IP, and travels with the segment.
enum class ecn : std::uint8_t {
    not_ect = 0,  ///< the transport is not capable of ECN
    ect_1 = 1,    ///< capable; for experiments (RFC 8311)
    ect_0 = 2,    ///< capable
    ce = 3,       ///< capable, and congestion was experienced on the way
};

/// One block of the SACK option (RFC 2018): octets [left, right) have arrived.
struct sack_block {
    seq left;
    seq right;
    friend constexpr bool operator==(const sack_block&, const sack_block&) noexcept = default;
};

/// The option of accurate ECN (RFC 9768 section 3.2.3), kind 172 or 174: how many octets arrived with each codepoint,
/// the low 24 bits. The order and the number of fields say which of the three are there.
struct accecn_option {
    std::uint32_t e0b : 24 = 0;    ///< EE0B: with ECT(0)
    std::uint32_t there : 8 = 0;   ///< 1 iff the option is there
    std::uint32_t ceb : 24 = 0;    ///< ECEB: with CE
    std::uint32_t order : 8 = 0;   ///< 0: EE0B, ECEB, EE1B (kind 172); 1: EE1B, ECEB, EE0B (kind 174)
    std::uint32_t e1b : 24 = 0;    ///< EE1B: with ECT(1)
    std::uint32_t fields : 8 = 0;  ///< so many of them, from the first, 0 to 3

    [[nodiscard]] constexpr bool has_e0b() const noexcept { return fields > (order == 0 ? 0U : 2U); }
    [[nodiscard]] constexpr bool has_ceb() const noexcept { return fields > 1; }
    [[nodiscard]] constexpr bool has_e1b() const noexcept { return fields > (order == 0 ? 2U : 0U); }
    friend constexpr bool operator==(const accecn_option&, const accecn_option&) noexcept = default;
};

/// What a server has given a client to show in a later SYN (RFC 7413): 4 to 16 octets, an even number; none asks for
/// one.
struct fast_open_cookie {
    std::array<std::uint8_t, 16> octets{};
    std::uint8_t size = 0;
    friend constexpr bool operator==(const fast_open_cookie&, const fast_open_cookie&) noexcept = default;
};

/// The options that the library understands, as values. What is absent is zero.
struct options {
    std::uint16_t mss = 0;          ///< kind 2: maximum segment size; valid iff `has_mss`
    bool has_mss = false;           ///< kind 2 is there
    bool has_window_scale = false;  ///< kind 3 is there (RFC 7323)
    std::uint8_t window_scale = 0;  ///< kind 3: shift count as on the wire, may exceed 14
    bool sack_permitted = false;    ///< kind 4 (RFC 2018)
    bool has_timestamps = false;    ///< kind 8 is there (RFC 7323)
    std::uint8_t sack_count = 0;    ///< kind 5: number of valid blocks in `sack`, 0 to 4
    std::uint32_t ts_val = 0;       ///< kind 8: TSval
    std::uint32_t ts_ecr = 0;       ///< kind 8: TSecr
    std::array<sack_block, 4> sack{};
    accecn_option accecn{};          ///< kinds 172 and 174 (RFC 9768)
    bool has_user_timeout = false;   ///< kind 28 is there (RFC 5482)
    bool has_fast_open = false;      ///< kind 34 is there (RFC 7413)
    std::uint16_t user_timeout = 0;  ///< kind 28: as on the wire; the first bit says minutes
    fast_open_cookie cookie{};       ///< kind 34
    friend constexpr bool operator==(const options&, const options&) noexcept = default;
};

/// A segment, as RFC 9293 section 3.3.1 names its variables. `text` is the number of octets of data;
/// the octets themselves stay with the caller.
struct segment {
    tcpfsm::seq seq{};       ///< SEG.SEQ: of the first octet, or of the SYN
    tcpfsm::seq ack{};       ///< SEG.ACK; meaningful iff control bit ACK
    std::uint32_t text = 0;  ///< octets of data
    control ctl{};           ///< control bits
    std::uint16_t wnd = 0;   ///< SEG.WND as on the wire, not scaled
    std::uint16_t up = 0;    ///< SEG.UP: urgent pointer, meaningful iff control bit URG
    tcpfsm::ecn ecn{};       ///< of the IP header that carries it
    tcpfsm::options options{};

    /// SEG.LEN: octets of sequence space, "counting SYN and FIN" (3.3.1).
    [[nodiscard]] constexpr std::uint32_t len() const noexcept {
        return text + (has(ctl::syn) ? 1U : 0U) + (has(ctl::fin) ? 1U : 0U);
    }
    /// True iff all of these control bits are set.
    [[nodiscard]] constexpr bool has(control c) const noexcept { return ctl.has(c); }
    friend constexpr bool operator==(const segment&, const segment&) noexcept = default;
};

/// What a segment takes of the sequence space: its text between its SYN and its FIN.
struct extent {
    tcpfsm::seq seq{};       ///< of the first octet, or of the SYN
    std::uint32_t text = 0;  ///< octets of data
    control ctl{};           ///< control bits, those that take no number included

    constexpr extent() noexcept = default;
    constexpr extent(const segment& s) noexcept : seq{s.seq}, text{s.text}, ctl{s.ctl} {}

    [[nodiscard]] constexpr std::uint32_t len() const noexcept {
        return text + (has(ctl::syn) ? 1U : 0U) + (has(ctl::fin) ? 1U : 0U);
    }
    [[nodiscard]] constexpr bool has(control c) const noexcept { return ctl.has(c); }
    /// As if its SYN had been taken.
    [[nodiscard]] constexpr extent without_syn() const noexcept {
        extent rest = *this;
        if (has(ctl::syn)) rest.seq += 1;
        rest.ctl = ctl.without(ctl::syn);
        return rest;
    }
};

}  // namespace tcpfsm
