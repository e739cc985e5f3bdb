// SPDX-License-Identifier: MIT
// fast_open.hpp: text on the SYN, for a server that has given a cookie before; the client's half.
#pragma once

#include <tcpfsm/option_codec.hpp>
#include <tcpfsm/segment.hpp>

// RFC 7413 sections 4.1.3 and 4.2. A client asks for a cookie with its first SYN; a later SYN shows it and carries
// text, which the server may take at once. The cookies are the caller's to keep, by the server's address, with the MSS
// that the server announced and with what has failed. The text may reach the server's user twice, as any SYN may: who
// cannot bear that does not open so.

namespace tcpfsm {

/// What came of a SYN with the option. The caller keeps `cookie`, if there is one, in place of what it showed; if the
/// SYN was lost, or came back without its text and without a cookie, it is better to open in the old way for a while.
struct fast_open_report {
    bool answered = false;      ///< the SYN,ACK has come
    bool lost = false;          ///< after a repetition of the SYN, which has neither text nor cookie
    bool taken = false;         ///< the server has taken text of the SYN
    fast_open_cookie cookie{};  ///< a new cookie; of no octets if there is none
    friend constexpr bool operator==(const fast_open_report&, const fast_open_report&) noexcept = default;
};

/// The client's part of one handshake.
class fast_opening {
public:
    constexpr fast_opening() noexcept = default;
    /// The first SYN shows this cookie; one of no octets, or of a number that no cookie has, asks for one.
    constexpr explicit fast_opening(const fast_open_cookie& cookie) noexcept : asks_{true} {
        if (may_be_cookie(cookie.size)) shown_ = cookie;
    }

    /// Text may go with the first SYN.
    [[nodiscard]] constexpr bool shows() const noexcept { return shown_.size != 0; }
    /// Writes the option for the first SYN.
    constexpr void write(options& opt) const noexcept {
        opt.has_fast_open = asks_;
        opt.cookie = shown_;
    }
    /// The SYN,ACK has come; `lost`: our SYN went twice; `taken`: more than the SYN is acknowledged.
    constexpr void answered(const options& opt, bool lost, bool taken) noexcept {
        if (!asks_) return;
        report_ = {true, lost, taken, opt.has_fast_open ? opt.cookie : fast_open_cookie{}};
    }
    [[nodiscard]] constexpr const fast_open_report& report() const noexcept { return report_; }
    friend constexpr bool operator==(const fast_opening&, const fast_opening&) noexcept = default;

private:
    fast_open_cookie shown_{};
    bool asks_ = false;
    fast_open_report report_{};
};

/// Nobody opens so.
struct no_fast_opening {
    friend constexpr bool operator==(const no_fast_opening&, const no_fast_opening&) noexcept = default;
};

}  // namespace tcpfsm
