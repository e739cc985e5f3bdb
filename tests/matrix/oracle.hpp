// SPDX-License-Identifier: MIT
// oracle.hpp: RFC 9293 section 3.10 once more, written as the RFC reads, to judge the library by.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

// One big step for each event: `switch` over states, numbers changed on the spot, segments made at once. It is
// slow, plain, and knows nothing of the library: not its table, its judges or its types. Every branch cites its
// step. Where the RFC leaves a choice or contradicts itself, the choice has a name in `readings`, and both ways
// are programmed; docs/design.md gives the reasons. All the rest is the RFC.

namespace oracle {

using number = std::uint32_t;  ///< a sequence number; arithmetic is modulo 2^32 (3.4)
using microseconds = std::int64_t;

enum class state {
    closed,
    listen,
    syn_sent,
    syn_received,
    established,
    fin_wait_1,
    fin_wait_2,
    close_wait,
    closing,
    last_ack,
    time_wait
};
inline constexpr std::size_t state_count = 11;

/// A segment (3.1, 3.3.1). A window is as on the wire.
struct segment {
    number seq = 0, ack = 0;
    number text = 0;
    bool fin = false, syn = false, rst = false, psh = false, acks = false, urg = false;
    number wnd = 0, up = 0;
    bool has_mss = false, has_scale = false, has_stamp = false, sack_ok = false;
    number mss = 0, scale = 0, stamp = 0, echo = 0;
    /// SEG.LEN: text, SYN and FIN.
    [[nodiscard]] number len() const { return text + (syn ? 1U : 0U) + (fin ? 1U : 0U); }
    friend bool operator==(const segment&, const segment&) = default;
};

/// What the documents leave open. `true` is what this project does, `false` the letter, or the other document.
struct readings {
    // Policies of the library
    bool rfc5961 = true;  ///< RFC 5961 3.2, 4.2 and MAY-12: challenge ACKs and the range of ACKs
    bool rfc1337 = true;  ///< RFC 1337 F1: resets are ignored in TIME-WAIT; false: 3.10.7.4 second
    bool reopen = true;   ///< MAY-2 and RFC 6191: a SYN may reopen a connection in TIME-WAIT
    // Places where the RFC contradicts itself, or leaves a choice
    bool issuer_of_reset_goes = true;      ///< 3.10.5: CLOSED; false: TIME-WAIT (3.5.2, figure 5 note 3)
    bool reset_of_syn_by_ack = true;       ///< RFC 5961 3.2 tests the ACK alone; false: SEQ = RCV.NXT, too (3.10.7.3)
    bool crossing_syn_ack = true;          ///< figure 7: the SYN,ACK at RCV.NXT - 1 opens; false: the first step's ACK
    bool around_the_window = true;         ///< a segment beyond both edges is trimmed; false: 3.4, four cases
    bool ack_at_edge = true;               ///< a bare ACK at RCV.NXT + RCV.WND; false: outside the window
    bool zero_window_listens = true;       ///< MUST-66: ACK, URG of text at a zero window count; false: only an ACK
    bool window_of_syn_ack = true;         ///< RFC 1122 4.2.2.20 (c); false: 3.10.7.3 sets SND.WND elsewhere alone
    bool window_of_syn = true;             ///< SND.WND of a SYN in LISTEN, as in SYN-SENT; false: 3.10.7.2 is silent
    bool window_by_seq_as_sent = true;     ///< SND.WL1 is SEG.SEQ as it came; false: of the trimmed segment
    bool window_of_new_ack = true;         ///< whatever acknowledges more sets SND.WND; false: not if SEG.SEQ < SND.WL1
    bool no_ack_no_wl2 = true;             ///< a SYN without ACK sets SND.WL2 to the ISS; false: to its SEG.ACK
    bool syn_needs_no_stamp = true;        ///< RFC 5961 4.2: every SYN is challenged; false: silence (RFC 7323 3.2)
    bool stamp_of_good_ack = true;         ///< TS.Recent of segments whose ACK counts; false: in the window (7323 R3)
    bool syn_again_is_syn_ack = true;      ///< the peer's SYN again is answered by the SYN,ACK; false: by an ACK
    bool handshake_resets = true;          ///< fifth step in SYN-RECEIVED: a reset; false: MAY-12's ACK out of range
    bool time_wait_is_quiet = true;        ///< TIME-WAIT answers the FIN again; false: fifth step, everything
    bool fin_again_first = true;           ///< the FIN again restarts 2 MSL (eighth); false: the first step stops it
    bool old_syn_challenged = true;        ///< a SYN that does not reopen: challenge ACK; false: silence (RFC 6191)
    bool urgency_of_syn_forgotten = true;  ///< URG on a SYN is dropped; false: queued (3.10.7.2 third)
    bool fin_runs_over = true;             ///< text beyond a FIN seen before counts, that FIN does not; false: the FIN
    bool gap_delays_text_alone = true;     ///< ACK and URG of what waits beyond a gap count; false: all is held
    bool gap_is_answered = true;           ///< RFC 5681 4.2: an ACK at once; false: MAY-13, none
    bool paws_within_allowance = true;     ///< old timestamps are challenged; false: always answered (RFC 7323 5.3 R1)
    bool text_is_always_answered = true;   ///< text outside the window; false: within the allowance (RFC 5961 7)
    bool queued_close_first = true;        ///< CLOSE before the FIN that comes with our SYN's ACK; false: after it
    bool ack_before_probe = true;          ///< an ACK bears SND.UNA while a probe alone is out; false: SND.NXT
    bool probes_cross = true;              ///< the answer to a probe counts at RCV.NXT - 1, too; false: outside
    bool ends_are_told = true;             ///< the user hears that LAST-ACK and the like ended; false: no signal
    friend bool operator==(const readings&, const readings&) = default;
};

/// The readings by name, and where they stand.
struct named_reading {
    bool readings::*which;
    const char* name;
    const char* cite;
};
inline constexpr named_reading all_readings[] = {
    {&readings::rfc5961, "rfc5961", "RFC 5961 3.2, 4.2, 5.2"},
    {&readings::rfc1337, "rfc1337", "RFC 1337 3"},
    {&readings::reopen, "reopen", "3.6.1 MAY-2, RFC 6191 2"},
    {&readings::issuer_of_reset_goes, "issuer_of_reset_goes", "3.10.5, 3.5.2"},
    {&readings::reset_of_syn_by_ack, "reset_of_syn_by_ack", "3.10.7.3 second, RFC 5961 3.2"},
    {&readings::crossing_syn_ack, "crossing_syn_ack", "3.5 figure 7, MUST-10"},
    {&readings::around_the_window, "around_the_window", "3.4, 3.10.7.4 first"},
    {&readings::ack_at_edge, "ack_at_edge", "3.4, 3.10.7.4 first"},
    {&readings::zero_window_listens, "zero_window_listens", "3.10.7.4 first, MUST-66"},
    {&readings::window_of_syn_ack, "window_of_syn_ack", "3.10.7.3 fourth, RFC 1122 4.2.2.20"},
    {&readings::window_of_syn, "window_of_syn", "3.10.7.2 third"},
    {&readings::window_by_seq_as_sent, "window_by_seq_as_sent", "3.10.7.4 first, fifth"},
    {&readings::window_of_new_ack, "window_of_new_ack", "3.10.7.4 fifth"},
    {&readings::no_ack_no_wl2, "no_ack_no_wl2", "3.10.7.3 fourth"},
    {&readings::syn_needs_no_stamp, "syn_needs_no_stamp", "RFC 7323 3.2, RFC 5961 4.2"},
    {&readings::stamp_of_good_ack, "stamp_of_good_ack", "RFC 7323 5.3 R3"},
    {&readings::syn_again_is_syn_ack, "syn_again_is_syn_ack", "3.10.7.4 first"},
    {&readings::handshake_resets, "handshake_resets", "3.10.7.4 fifth, MAY-12"},
    {&readings::time_wait_is_quiet, "time_wait_is_quiet", "3.10.7.4 fifth"},
    {&readings::fin_again_first, "fin_again_first", "3.10.7.4 eighth"},
    {&readings::old_syn_challenged, "old_syn_challenged", "3.10.7.4 fourth, RFC 6191 2"},
    {&readings::urgency_of_syn_forgotten, "urgency_of_syn_forgotten", "3.10.7.2 third"},
    {&readings::fin_runs_over, "fin_runs_over", "3.10.7.4 eighth"},
    {&readings::gap_delays_text_alone, "gap_delays_text_alone", "3.10.7.4 first, SHLD-31"},
    {&readings::gap_is_answered, "gap_is_answered", "3.10.7.4 seventh, MAY-13"},
    {&readings::paws_within_allowance, "paws_within_allowance", "RFC 7323 5.3 R1, RFC 5961 7"},
    {&readings::text_is_always_answered, "text_is_always_answered", "3.10.7.4 first, RFC 5961 7"},
    {&readings::queued_close_first, "queued_close_first", "3.10.4"},
    {&readings::ack_before_probe, "ack_before_probe", "3.4, A.2"},
    {&readings::probes_cross, "probes_cross", "3.10.7.4 first, A.2"},
    {&readings::ends_are_told, "ends_are_told", "3.10.7.4 second, fifth"},
};

/// What OPEN was given, and what the implementation has chosen where any number is right.
struct settings {
    number iss = 0;
    number buffer = 1000;      ///< RCV.BUFF
    number mss = 1460;         ///< announced
    number stamp = 0;          ///< the timestamp clock stands still: an event takes no time
    number iss_step = 65537;   ///< a new incarnation's ISS lies so far beyond the old numbers (MAY-2: beyond)
    unsigned challenges = 10;  ///< RFC 5961 section 7
    std::size_t ranges = 8;    ///< held beyond gaps (SHLD-31); more text is answered, and lost
    microseconds two_msl = 240'000'000;
    microseconds stamp_life = microseconds{24} * 24 * 3600 * 1'000'000;
};

/// What is told to the user without a question (3.9.1.8, 3.10).
enum class signal { open, urgent, closing, refused, reset, timed_out, closed, unreachable, soft_error };

/// Why a connection moves, or stays and says something: the labels of figure 5, and of the text.
enum class cause {
    open_passive,
    open_active,
    send,
    close,
    abort,
    close_unread,
    syn,
    syn_ack,
    ack_of_syn,
    ack_of_fin,
    fin,
    reset,
    syn_in_window,
    syn_fatal,
    syn_reopens,
    reset_of_reopened,
    unwanted_text,
    reset_ignored,
    bad_ack,
    fin_again,
    syn_challenged,
    time_wait_over,
    user_timeout,
    hard_error,
};

struct range {
    number left = 0, right = 0;
    friend bool operator==(const range&, const range&) = default;
};

/// At most `N` of something.
template <class T, std::size_t N>
struct few {
    std::array<T, N> all{};
    std::size_t count = 0;
    /// What is one too many is lost.
    void add(const T& what) {
        if (count < N) all[count++] = what;
    }
    void remove(std::size_t i) {
        for (; i + 1 < count; ++i) all[i] = all[i + 1];
        all[--count] = T{};
    }
    [[nodiscard]] const T* begin() const { return all.data(); }
    [[nodiscard]] const T* end() const { return all.data() + count; }
    friend bool operator==(const few&, const few&) = default;
};

/// The TCB (3.3.1).
struct tcb {
    number iss = 0, una = 0, nxt = 0, wnd = 0, wl1 = 0, wl2 = 0;
    number max_wnd = 0;  ///< MAX.SND.WND (RFC 5961 5.2)
    number last = 0;     ///< where the text that SEND has given ends; a FIN has this number
    number snd_scale = 0;
    bool scales = false, sacks = false;  ///< the peer's SYN offers window scaling, permits SACK
    bool syn_acked = false;              ///< our SYN
    bool fin = false;                    ///< CLOSE: a FIN stands behind the text
    bool fin_sent = false;
    bool close_waits = false;  ///< CLOSE was queued (3.10.4)
    bool unwanted = false;     ///< CLOSE was half-duplex: no more is read (3.6.1)
    number irs = 0, rcv_nxt = 0, rcv_wnd = 0, rcv_up = 0;
    number unread = 0;      ///< RCV.USER
    few<range, 10> held;    ///< text beyond a gap, from left to right (SHLD-31)
    bool fin_held = false;  ///< a FIN beyond a gap, at fin_at
    number fin_at = 0;
    bool peer_closed = false;   ///< the peer's FIN has been taken
    bool urgency_held = false;  ///< URG of a SYN
    number urgent_to = 0;
    bool passive = false;   ///< SYN-RECEIVED came from LISTEN (MUST-11)
    bool reopened = false;  ///< SYN-RECEIVED came from TIME-WAIT (MAY-2)
    number old_nxt = 0, old_rcv_nxt = 0;
    bool stamps = false;  ///< Snd.TS.OK (RFC 7323)
    number ts_recent = 0, last_ack_sent = 0;
    microseconds ts_recent_at = 0;
    microseconds time_wait_ends = 0;
    unsigned challenges = 0;  ///< sent in this period
};

/// What one event came to.
struct report {
    struct move {
        state from{}, to{};
        oracle::cause cause{};
    };
    few<segment, 3> sent;      ///< at once
    bool ack_delayed = false;  ///< an ACK within 0.5 s (MUST-40)
    few<signal, 4> told;
    few<move, 4> moves;
    few<const char*, 12> cites;  ///< the branches gone
    number acked = 0;            ///< octets of text that SEND had given, now acknowledged
    bool pushed = false;         ///< text with PSH was taken (MAY-17)
};

/// One TCP connection.
class tcp {
public:
    readings how;
    settings given;
    state at = state::closed;
    tcb t;
    report said;  ///< about the last event

    // 3.10.1 to 3.10.5, as far as connections move by them
    void open_passive();
    void open_active();
    void send(number octets);
    void close();
    void close_both();
    void abort();
    // 3.10.7
    void segment_arrives(const segment& seg, microseconds now);
    // 3.10.8 and 3.9.2.2
    void nothing() { begin(); }
    void delayed_ack_timeout();
    void time_wait_timeout();
    void user_timeout();
    void hard_error();

private:
    void in_closed(const segment& seg);
    void in_listen(const segment& seg, microseconds now);
    void in_syn_sent(const segment& seg, microseconds now);
    void elsewhere(const segment& seg, microseconds now);
    [[nodiscard]] bool lacks_stamp(const segment& seg);
    [[nodiscard]] bool old_stamp(const segment& seg, microseconds now);
    [[nodiscard]] bool acceptable(const segment& seg) const;
    [[nodiscard]] bool in_window(number n) const;
    [[nodiscard]] segment trimmed(segment seg) const;
    void take_stamp(const segment& seg, microseconds now);
    void reset_arrived(const segment& seg, microseconds now);
    void syn_arrived(const segment& seg);
    bool time_wait_syn(const segment& seg, microseconds now);
    bool fifth(const segment& seg, const segment& cut, microseconds now);
    void rest(const segment& seg, const segment& cut, microseconds now);
    void seventh(const segment& seg, const segment& cut);
    void eighth(const segment& cut, microseconds now);

    void because(const char* cite) { said.cites.add(cite); }
    void begin();
    void move(state to, cause why);
    void stays(cause why) { said.moves.add({at, at, why}); }
    void tell(signal s) { said.told.add(s); }
    void delete_tcb();
    void take_peer(const segment& seg, microseconds now);
    void take_window(const segment& seg, number from);
    bool hold_text(const segment& cut);
    void hold_fin(const segment& cut);
    void hold_of_syn(const segment& seg);
    void take_ack(const segment& seg, const segment& cut);
    void enter_established(const char* cite);
    void restart_2msl(microseconds now) { t.time_wait_ends = now + given.two_msl; }
    /// The octet of a probe of the peer's shut window is out, and nothing else.
    [[nodiscard]] bool probed() const { return t.syn_acked && t.wnd == 0 && t.nxt == t.una + 1; }
    [[nodiscard]] bool all_acked() const { return t.fin_sent && t.una == t.nxt; }

    void owe_ack() { ack_owed_ = true; }
    void challenge();
    void answer_with_reset(const segment& seg);
    [[nodiscard]] segment made(number seq, bool with_ack) const;
    void send_now(segment seg);
    void send_ack();
    void send_syn(bool with_ack);
    void transmit();

    bool ack_owed_ = false;
};

}  // namespace oracle
