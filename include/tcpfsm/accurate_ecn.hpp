// SPDX-License-Identifier: MIT
// accurate_ecn.hpp: how many marks arrived, not only that one did: the counters of both roles, and their codes.
#pragma once

#include <tcpfsm/ecn_handshake.hpp>
#include <tcpfsm/option_codec.hpp>
#include <tcpfsm/segment.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>

// RFC 9768 section 3.2. ACE has the low three bits of a counter of marked packets; an option has octets. Both wrap, and
// ACKs get lost: the data sender works out what has become of the counters since it last heard of them.

namespace tcpfsm {

/// Packets by which the peer's counter has grown from `known`, as far as three bits tell: less than eight.
[[nodiscard]] constexpr std::uint32_t ace_growth(unsigned ace, std::uint32_t known) noexcept {
    return (ace - known) & 7U;
}
/// 3.2.2.5.2: the most that the counter may have grown by, if the acknowledgment speaks of so many packets.
[[nodiscard]] constexpr std::uint32_t safest_growth(std::uint32_t least, std::uint32_t packets) noexcept {
    return packets < 8 ? least : packets - ((packets - least) & 7U);
}
/// The least that three bits allow and that makes as many octets, in packets of `smss`.
[[nodiscard]] constexpr std::uint32_t growth_for(std::uint32_t least, std::uint32_t octets,
                                                 std::uint32_t smss) noexcept {
    const std::uint32_t packets = (octets + smss - 1) / smss;
    return packets <= least ? least : least + ((packets - least + 7) & ~7U);
}

/// The data receiver: r.cep, r.ceb, r.e0b and r.e1b.
class accurate_receiver {
public:
    /// An acceptable segment came, which was no SYN. True if it is to be acknowledged at once (3.2.2.5.1): `unacked`
    /// tells whether text waits for its ACK, that of this segment included.
    constexpr bool take(const segment& seg, bool unacked) noexcept {
        const bool marked = seg.ecn == ecn::ce;
        const bool changes = marked && !last_marked_ && seg.text != 0;
        last_marked_ = marked;
        count(seg);
        if (!marked) return false;
        ++cep_;
        if (since_ack_ < 7) ++since_ack_;
        if (changes || since_ack_ >= (unacked ? 2 : 3)) {
            bare_ = !unacked;
            return true;
        }
        return false;
    }
    /// A SYN,ACK came. A mark on it counts once, however often it comes (3.2.2.2).
    constexpr void take_syn_ack(const segment& seg) noexcept {
        count(seg);
        last_marked_ = seg.ecn == ecn::ce;
        if (last_marked_ && !syn_counted_) ++cep_;
        syn_counted_ |= last_marked_;
    }
    /// The counter, for a segment that leaves; true if it must be without SACK blocks: an ACK of ACKs.
    [[nodiscard]] constexpr unsigned ace() const noexcept { return cep_ & 7U; }
    [[nodiscard]] constexpr bool answers_acks() const noexcept { return bare_; }
    constexpr void acknowledged() noexcept {
        since_ack_ = 0;
        bare_ = false;
    }
    /// The option for `seg`, whose other options are there: every counter that has ever changed, or, if those do not
    /// fit, those that have changed since they were last told (3.2.3.3). None if there is nothing to tell, unless
    /// `all`.
    [[nodiscard]] constexpr accecn_option option(segment seg, bool all) const noexcept {
        const std::uint8_t ever =
            static_cast<std::uint8_t>((e0b_ != 1 ? e0 : 0) | (ceb_ != 0 ? ce : 0) | (e1b_ != 1 ? e1 : 0) | untold_);
        if (untold_ == 0 && !all) return {};
        for (const std::uint8_t which : {all ? every : ever, std::uint8_t{untold_}}) {
            seg.options.accecn = fields(which);
            if (const options sent = sent_options(seg); sent.accecn.there != 0) return sent.accecn;
        }
        return {};
    }
    /// Some counter has changed since it was last told.
    [[nodiscard]] constexpr bool has_news() const noexcept { return untold_ != 0; }
    /// This option leaves.
    constexpr void told(const accecn_option& opt) noexcept {
        if (opt.there != 0) untold_ = 0;
    }

    friend constexpr bool operator==(const accurate_receiver&, const accurate_receiver&) noexcept = default;

private:
    static constexpr std::uint8_t e0 = 1, ce = 2, e1 = 4, every = 7;

    constexpr void count(const segment& seg) noexcept {
        if (seg.text == 0) return;
        switch (seg.ecn) {
        case ecn::not_ect: return;
        case ecn::ect_0: e0b_ += seg.text, untold_ |= e0; return;
        case ecn::ce: ceb_ += seg.text, untold_ |= ce; return;
        case ecn::ect_1: e1b_ += seg.text, untold_ |= e1; return;
        }
    }
    /// The shortest option with these counters.
    [[nodiscard]] constexpr accecn_option fields(std::uint8_t which) const noexcept {
        accecn_option opt;
        opt.there = 1;
        opt.order = (which & e1) != 0 && (which & e0) == 0 ? 1U : 0U;
        const std::uint8_t last = opt.order == 0 ? e1 : e0;
        opt.fields = (which & last) != 0 ? 3U : (which & ce) != 0 ? 2U : which != 0 ? 1U : 0U;
        opt.e0b = e0b_ & 0xffffffU;
        opt.ceb = ceb_ & 0xffffffU;
        opt.e1b = e1b_ & 0xffffffU;
        return opt;
    }

    std::uint32_t e0b_ = 1;  // 3.2.1: zero would look as if somebody had cleared it
    std::uint32_t ceb_ = 0;
    std::uint32_t e1b_ = 1;
    std::uint8_t cep_ = 5;
    std::uint8_t since_ack_ : 3 = 0;  // marks since the last ACK
    std::uint8_t untold_ : 3 = 0;     // octet counters that have changed since they were told
    bool last_marked_ : 1 = false;
    bool syn_counted_ : 1 = false;
    bool bare_ : 1 = false;
};

/// The data sender: s.cep and s.ceb, and whether what the peer says can be believed.
class accurate_sender {
public:
    /// What one acknowledgment tells.
    struct growth {
        std::uint32_t packets = 0;
        std::uint32_t octets = 0;
        bool mangled = false;  ///< it cannot be true: no more ECT (3.2.3.2.5)
    };

    /// The ACK of our SYN,ACK said so: table 4. Answers what it means; a zero, that the peer may not count at all.
    constexpr std::optional<ecn> take_code(unsigned ace) noexcept {
        if (ace == 0) deaf_ = true;
        if (ace == handshake_code(ecn::ce)) ++cep_;
        return handshake_meaning(ace);
    }
    /// An acknowledgment, no older than the last, of `acked` octets in packets of at most `smss`, of `flight` in all.
    /// `lately`: marks were told of this very window. Without the option the counter is taken for wrapped if it may be;
    /// but a counter that stands still in a window without marks is taken at its word.
    constexpr growth take(const segment& seg, std::uint32_t acked, std::uint32_t smss, std::uint32_t flight,
                          bool lately) noexcept {
        const unsigned ace = ace_of(seg.ctl);
        const accecn_option& opt = seg.options.accecn;
        test(ace, opt);
        if (deaf_) return {};
        const std::uint32_t least = ace_growth(ace, cep_);
        growth out;
        if (options_ && opt.there != 0 && opt.has_ceb()) {
            const std::uint32_t told = (opt.ceb - ceb_) & 0xffffffU;
            out.packets = growth_for(least, told, smss);
            out.octets = std::min(told - std::min(told, guessed_), flight);
            // Marked octets without a marked packet, in all ACKs since the last option: somebody changes the bits.
            out.mangled = told != 0 && least == 0 && !grew_;
            ceb_ = opt.ceb;
            guessed_ = 0;
            grew_ = false;
        } else {
            const std::uint32_t packets = (acked + smss - 1) / smss;
            out.packets = least == 0 && !lately ? 0 : safest_growth(least, packets);
            out.octets = std::min(out.packets * smss, flight);
            guessed_ += out.octets;
            grew_ = grew_ || out.packets != 0;
        }
        cep_ += out.packets;
        return out;
    }
    /// The peer's counter is not to be followed, nor ECT to be sent: it was zero where it cannot be.
    [[nodiscard]] constexpr bool deaf() const noexcept { return deaf_; }

    friend constexpr bool operator==(const accurate_sender&, const accurate_sender&) noexcept = default;

private:
    /// 3.2.2.4 and 3.2.3.2.4: counters begin above zero, so a zero at first was made by somebody on the way.
    constexpr void test(unsigned ace, const accecn_option& opt) noexcept {
        if (!heard_ && ace == 0) deaf_ = true;
        heard_ = true;
        if (opt.there == 0 || opt.fields == 0) return;
        if (!heard_option_ && ((opt.has_e0b() && opt.e0b == 0) || (opt.has_e1b() && opt.e1b == 0))) options_ = false;
        heard_option_ = true;
    }

    std::uint32_t cep_ = 5;
    std::uint32_t ceb_ = 0;      // the low 24 bits
    std::uint32_t guessed_ = 0;  // octets reported since the last option, from packets alone
    bool grew_ : 1 = false;      // marked packets since the last option
    bool heard_ : 1 = false;
    bool heard_option_ : 1 = false;
    bool options_ : 1 = true;
    bool deaf_ : 1 = false;
};

}  // namespace tcpfsm
