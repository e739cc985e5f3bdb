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

/// One block of the SACK option (RFC 2018): octets [left, right) have arrived.
struct sack_block {
    seq left;
    seq right;
    friend constexpr bool operator==(const sack_block&, const sack_block&) noexcept = default;
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
    tcpfsm::options options{};

    /// SEG.LEN: octets of sequence space, "counting SYN and FIN" (3.3.1).
    [[nodiscard]] constexpr std::uint32_t len() const noexcept {
        return text + (has(ctl::syn) ? 1U : 0U) + (has(ctl::fin) ? 1U : 0U);
    }
    /// True iff all of these control bits are set.
    [[nodiscard]] constexpr bool has(control c) const noexcept { return ctl.has(c); }
    friend constexpr bool operator==(const segment&, const segment&) noexcept = default;
};

}  // namespace tcpfsm
