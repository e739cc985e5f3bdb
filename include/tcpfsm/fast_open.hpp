// SPDX-License-Identifier: MIT
// fast_open.hpp: text on the SYN, for who shows a cookie that the server has given before.
#pragma once

#include <tcpfsm/option_codec.hpp>
#include <tcpfsm/segment.hpp>

// RFC 7413 sections 4.1.3 and 4.2. A client asks for a cookie with its first SYN; a later SYN shows it and carries
// text, which the server may take at once, and answer before the handshake is done: the cookie has shown that the
// client is where it says. The text may reach the server's user twice, as any SYN may: who cannot bear that does not
// open, or listen, so. The cookies are the caller's: a client keeps them by the server's address, with the MSS that the
// server announced and with what has failed; a server makes them of the client's address (cookies.hpp).

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

/// What a listening connection may do for the next peer.
struct fast_open_grant {
    fast_open_cookie cookie{};  ///< the peer's: shown by it, its text counts; given to it, if it asks or shows another
    fast_open_cookie older{};   ///< one that it may have been given before, and that counts as well
    bool without_cookie = false;  ///< text counts whoever sends it: where nobody can lie about its address
    friend constexpr bool operator==(const fast_open_grant&, const fast_open_grant&) noexcept = default;
};

/// Either end's part of one handshake.
class fast_opening {
public:
    constexpr fast_opening() noexcept = default;
    /// A client: the first SYN shows this cookie; one of no octets, or of a number that no cookie has, asks for one.
    constexpr explicit fast_opening(const fast_open_cookie& cookie) noexcept : asks_{true} {
        if (may_be_cookie(cookie.size)) shown_ = cookie;
    }
    /// A listener.
    constexpr explicit fast_opening(const fast_open_grant& grant) noexcept
        : shown_{grant.cookie}, older_{grant.older}, grants_{true}, without_cookie_{grant.without_cookie} {}

    // --- The client --------------------------------------------------------------------------------

    /// Text may go with the first SYN.
    [[nodiscard]] constexpr bool shows() const noexcept { return asks_ && shown_.size != 0; }
    /// Writes the option for the first SYN, or the first SYN,ACK.
    constexpr void write(options& opt) const noexcept {
        opt.has_fast_open = asks_;
        opt.cookie = asks_ ? shown_ : fast_open_cookie{};
    }
    /// The SYN,ACK has come; `lost`: our SYN went twice; `taken`: more than the SYN is acknowledged.
    constexpr void answered(const options& opt, bool lost, bool taken) noexcept {
        if (!asks_) return;
        report_ = {true, lost, taken, opt.has_fast_open ? opt.cookie : fast_open_cookie{}};
    }
    [[nodiscard]] constexpr const fast_open_report& report() const noexcept { return report_; }

    // --- The server --------------------------------------------------------------------------------

    /// This SYN's text counts at once.
    [[nodiscard]] constexpr bool takes(const segment& syn) const noexcept {
        const fast_open_cookie& seen = syn.options.cookie;
        const bool shown = grants_ && syn.options.has_fast_open && seen.size != 0 && (seen == shown_ || seen == older_);
        return shown || (without_cookie_ && syn.text != 0);
    }
    /// The SYN has come: whether the SYN,ACK gives a cookie.
    constexpr void asked(const options& opt) noexcept {
        if (grants_) asks_ = opt.has_fast_open && shown_.size != 0 && opt.cookie != shown_;
    }
    /// Its text has counted.
    constexpr void trust() noexcept { trusts_ = true; }
    /// The FastOpened flag: text goes both ways before our SYN is acknowledged.
    [[nodiscard]] constexpr bool trusts() const noexcept { return trusts_; }

    friend constexpr bool operator==(const fast_opening&, const fast_opening&) noexcept = default;

private:
    fast_open_cookie shown_{};
    fast_open_cookie older_{};
    bool asks_ = false;  // or gives
    bool grants_ = false;
    bool without_cookie_ = false;
    bool trusts_ = false;
    fast_open_report report_{};
};

/// Nobody opens so.
struct no_fast_opening {
    [[nodiscard]] static constexpr bool trusts() noexcept { return false; }
    friend constexpr bool operator==(const no_fast_opening&, const no_fast_opening&) noexcept = default;
};

}  // namespace tcpfsm
