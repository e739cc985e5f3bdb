// SPDX-License-Identifier: MIT
// mutants_test.cpp: the matrix notices what is wrong with a judge, and with any cell of the table.

#include "matrix.hpp"

#include <support/catch.hpp>

#include <fmt/format.h>

#include <tcpfsm/connection.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

// One library more, whose judges and whose table can be bent while the test runs: explicit specialisations for the
// policies `bent`. Without a bug they are copies of the library's, and the matrix finds no difference.

namespace {

using namespace tcpfsm;
using namespace tcpfsm::matrix;

enum class bug {
    none,
    reset_in_window_without_challenge,
    window_begins_one_early,
    window_begins_one_late,
    window_ends_one_early,
    window_ends_one_late,
    zero_window_hears_nothing,
    window_from_both_sides_refused,
    ack_at_edge_refused,
    ack_of_crossing_probe_refused,
    ack_range_one_too_wide,
    ack_range_one_too_narrow,
    ack_of_unsent_unanswered,
    ack_not_needed,
    syn_in_window_ignored,
    syn_before_window_fatal,
    syn_of_wrong_origin,
    syn_again_challenged,
    crossing_syn_ack_refused,
    reset_of_wrong_origin,
    reset_ends_time_wait,
    reset_without_ack_of_syn,
    ack_of_iss_opens,
    text_taken_at_zero_window,
    fin_counted_when_cut_off,
    text_beyond_window_taken,
    fin_over_a_gap,
    old_ack_closes,
    urgent_pointer_moves_back,
    old_syn_reopens,
    new_syn_does_not_reopen,
    equal_stamp_is_old,
    old_stamp_is_new,
    fin_again_not_seen,
    window_moved_by_old_segment,
    window_of_old_ack,
    window_left_behind,
    window_not_scaled,
    last,
};
constexpr std::string_view bug_names[] = {
    "none",
    "a reset in the window ends the connection unchallenged",
    "the window begins one number early",
    "the window begins one number late",
    "the window ends one number early",
    "the window ends one number late",
    "at a zero window no text's ACK is heard",
    "a segment around the window is refused",
    "a bare ACK at the right edge is refused",
    "the answer to a probe that crossed the peer's own is refused",
    "the range of ACKs is one too wide",
    "the range of ACKs is one too narrow",
    "an ACK of what was never sent is taken",
    "a segment needs no ACK",
    "a SYN in the window is ignored",
    "a SYN before the window counts",
    "a SYN asks for the wrong origin",
    "the SYN again is challenged",
    "figure 7's SYN,ACK is refused",
    "a reset in SYN-RECEIVED asks for the wrong origin",
    "a reset ends TIME-WAIT",
    "a reset without an ACK of our SYN counts in SYN-SENT",
    "an ACK of the ISS opens",
    "text is taken at a zero window",
    "a FIN counts when it is cut off",
    "text beyond the window is taken",
    "a FIN counts over a gap",
    "an old ACK acknowledges the FIN",
    "the urgent pointer moves back",
    "an old SYN reopens",
    "a new SYN does not reopen",
    "an equal timestamp is old",
    "an old timestamp is new",
    "the FIN again is not seen",
    "an old segment moves the send window",
    "an old ACK moves the send window",
    "a window that comes with a new ACK on an old segment is not taken",
    "the window of a segment is not scaled",
};
static_assert(std::size(bug_names) == static_cast<std::size_t>(bug::last));

bug present = bug::none;
bool is(bug b) { return present == b; }

struct bent_table : rfc9293 {};
struct bent : policies {
    using table = bent_table;
    static constexpr bool prediction = false;
};
using bent_p = remembered<bent>;
using bent_tcb = tcb<bent_p>;

}  // namespace

/// The table, to be changed at run time.
template <>
class tcpfsm::basic_machine<bent_table> {
public:
    inline static machine_table table = compile<rfc9293>();
    [[nodiscard]] state at() const noexcept { return at_; }
    [[nodiscard]] bool in(state_set s) const noexcept { return s.contains(at_); }
    cell on(event e) noexcept {
        const cell c = table.at(at_, e);
        at_ = c.next();
        return c;
    }

private:
    state at_ = state::closed;
};

template <>
bool tcpfsm::begins_inside<bent_p>(const bent_tcb& t, const segment& seg) noexcept {
    const std::uint32_t n = std::max<std::uint32_t>(t.rcv.wnd(), 1);
    if (is(bug::window_begins_one_early)) return seg.seq.in(t.rcv.nxt - 1, n + 1);
    if (is(bug::window_begins_one_late)) return seg.seq.in(t.rcv.nxt + 1, n - 1);
    if (is(bug::window_ends_one_early)) return seg.seq.in(t.rcv.nxt, n - 1);
    if (is(bug::window_ends_one_late)) return seg.seq.in(t.rcv.nxt, n + 1);
    return seg.seq.in(t.rcv.nxt, n);
}
template <>
bool tcpfsm::acceptable<bent_p>(const bent_tcb& t, const segment& seg) noexcept {
    if (is(bug::zero_window_hears_nothing) && t.rcv.wnd() == 0 && seg.len() != 0) return false;
    const bool around = seg.seq < t.rcv.nxt && !(seg.seq + seg.len() - 1).in(t.rcv.nxt, t.rcv.wnd());
    if (is(bug::window_from_both_sides_refused) && t.rcv.wnd() != 0 && around) return false;
    const bool at_edge = seg.len() == 0 && seg.seq == t.rcv.nxt + t.rcv.wnd() && !is(bug::ack_at_edge_refused);
    return begins_inside(t, seg) || at_edge || t.rcv.nxt.in(seg.seq, seg.len());
}
template <>
bool tcpfsm::opened_passively<bent_p>(const bent_tcb& t) noexcept {
    return state_set{state::listen}.contains(t.came_from) != is(bug::reset_of_wrong_origin);
}
template <>
bool tcpfsm::acks_our_syn<bent_p>(const bent_tcb& t, const segment& seg) noexcept {
    if (is(bug::ack_of_iss_opens) && seg.has(ctl::ack) && seg.ack == t.snd.una) return true;
    return seg.has(ctl::ack) && seg.ack.in(t.snd.una + 1, t.snd.flight());
}
template <>
event tcpfsm::judge_syn_sent<bent_p>(const bent_tcb& t, const segment& seg) noexcept {
    const bool acks = seg.has(ctl::ack);
    const bool acceptable = acks && seg.ack.in(t.snd.iss + 1, t.snd.flight());
    const bool counts = acceptable || (is(bug::reset_without_ack_of_syn) && !acks);
    if (seg.has(ctl::rst)) return counts ? event::rcv_rst : event::rcv_rst_invalid;
    if (acks && !acceptable) return event::rcv_bad_ack;
    if (!seg.has(ctl::syn)) return event::rcv_stray;
    return acks ? event::rcv_syn_ack : event::rcv_syn;
}
template <>
bool tcpfsm::may_reopen<bent_p>(const bent_tcb& t, const segment& seg) noexcept {
    if (is(bug::old_syn_reopens)) return true;
    if (is(bug::new_syn_does_not_reopen)) return false;
    const bool newer = seg.seq > t.rcv.nxt - 1;
    if (!seg.options.has_timestamps) return newer;
    if (!t.ts.on) return true;
    const std::uint32_t ahead = seg.options.ts_val - t.ts.recent;
    return ahead == 0 ? newer : ahead < 0x80000000U;
}
template <>
event tcpfsm::judge_reset<bent_p>(const bent_tcb& t, const segment& seg, state at) noexcept {
    if (states::lingering.contains(at) && !is(bug::reset_ends_time_wait)) return event::rcv_rst_lingering;
    if (!begins_inside(t, seg)) return event::rcv_rst_invalid;
    if (seg.seq != t.rcv.nxt && !is(bug::reset_in_window_without_challenge)) return event::rcv_rst_challenge;
    if (!states::handshaking.contains(at)) return event::rcv_rst;
    if (states::lingering.contains(t.came_from)) return event::rcv_rst_reopened;
    return opened_passively(t) ? event::rcv_rst_passive : event::rcv_rst;
}
template <>
std::optional<event> tcpfsm::judge_syn<bent_p>(const bent_tcb& t, const segment& seg, state at) noexcept {
    if (states::lingering.contains(at) && !seg.has(ctl::ack) && may_reopen(t, seg)) return event::rcv_syn_reopen;
    if (is(bug::syn_in_window_ignored)) return std::nullopt;
    if (states::handshaking.contains(at) && seg.seq == t.rcv.irs) {
        if (!seg.has(ctl::ack) && !is(bug::syn_again_challenged)) return event::rcv_syn_again;
        if (acks_our_syn(t, seg) && !is(bug::crossing_syn_ack_refused)) return std::nullopt;
    }
    const bool passive = states::handshaking.contains(at) && opened_passively(t) != is(bug::syn_of_wrong_origin);
    if (!passive) return event::rcv_syn_challenge;
    if (seg.seq.in(t.rcv.nxt, t.rcv.wnd())) return event::rcv_syn_passive;
    if (is(bug::syn_before_window_fatal) && acceptable(t, seg)) return event::rcv_syn_passive;
    if (seg.seq < t.rcv.nxt && acceptable(t, seg)) return std::nullopt;
    return event::rcv_outside;
}
template <>
bool tcpfsm::fails_paws<bent_p>(const bent_tcb& t, const segment& seg, time_point now) noexcept {
    const std::uint32_t behind = t.ts.recent - seg.options.ts_val;
    if (is(bug::equal_stamp_is_old) && behind == 0) return true;
    if (is(bug::old_stamp_is_new)) return false;
    return behind != 0 && behind < 0x80000000U && now - t.ts.recent_at <= std::chrono::hours{24 * 24};
}
template <>
std::optional<event> tcpfsm::judge_arrival<bent_p>(const bent_tcb& t, const segment& seg, state at,
                                                   time_point now) noexcept {
    if (seg.has(ctl::rst)) return judge_reset(t, seg, at);
    if (seg.has(ctl::syn)) {
        const bool stale = t.ts.on && seg.options.has_timestamps && fails_paws(t, seg, now);
        if (stale && !states::lingering.contains(at)) return event::rcv_paws;
        if (const auto e = judge_syn(t, seg, at)) return e;
        return judge_arrival(t, without_syn(seg), at, now);
    }
    if (t.ts.on && !seg.options.has_timestamps) return event::rcv_no_timestamp;
    if (t.ts.on && fails_paws(t, seg, now)) return event::rcv_paws;
    const bool again = states::lingering.contains(at) && seg.has(ctl::fin) && seg.seq + seg.len() == t.rcv.nxt;
    if (again && !is(bug::fin_again_not_seen)) return event::rcv_fin_again;
    if (!acceptable(t, seg) && (is(bug::ack_of_crossing_probe_refused) || !acks_crossing_probe(t, seg))) {
        return seg.len() == 0 ? event::rcv_outside : event::rcv_outside_text;
    }
    if (!seg.has(ctl::ack) && !is(bug::ack_not_needed)) return event::rcv_no_ack;
    if (states::handshaking.contains(at)) {
        if (!acks_our_syn(t, seg)) return event::rcv_bad_ack;
        return std::nullopt;
    }
    if (seg.ack > t.snd.nxt && !is(bug::ack_of_unsent_unanswered)) return event::rcv_bad_ack;
    seq oldest = t.snd.una - t.snd.max_wnd;
    if (is(bug::ack_range_one_too_wide)) oldest = oldest - 1;
    if (is(bug::ack_range_one_too_narrow)) oldest = oldest + 1;
    if (seg.ack < oldest) return event::rcv_bad_ack;
    return std::nullopt;
}
template <>
event tcpfsm::judge_ack<bent_p>(const bent_tcb& t, const segment& seg, state at) noexcept {
    if (states::handshaking.contains(at)) return event::rcv_ack_of_syn;
    const bool whole = seg.ack == t.snd.nxt || is(bug::old_ack_closes);
    return t.snd.fin_sent() && t.snd.outstanding() && whole ? event::rcv_ack_of_fin : event::rcv_ack;
}
template <>
trimmed tcpfsm::trim<bent_p>(const bent_tcb& t, const segment& arrived) noexcept {
    trimmed out{.seg = without_syn(arrived)};
    extent& seg = out.seg;
    if (seg.seq < t.rcv.nxt) {
        out.skipped = std::min(t.rcv.nxt - seg.seq, seg.text);
        seg.seq += out.skipped;
        seg.text -= out.skipped;
    }
    const std::uint32_t ahead = seg.seq - t.rcv.nxt;
    std::uint32_t room = t.rcv.wnd() > ahead ? t.rcv.wnd() - ahead : 0;
    if (is(bug::text_taken_at_zero_window) && t.rcv.wnd() == 0) room = 1;
    if (is(bug::text_beyond_window_taken)) ++room;
    out.no_room = room == 0 && seg.len() != 0;
    if (seg.len() > room) {
        if (!is(bug::fin_counted_when_cut_off)) seg.ctl = seg.ctl.without(ctl::fin);
        seg.text = std::min(seg.text, room);
    }
    return out;
}
template <>
bool tcpfsm::moves_urgent<bent_p>(const bent_tcb& t, const segment& arrived) noexcept {
    if (is(bug::urgent_pointer_moves_back)) return arrived.has(ctl::urg);
    return arrived.has(ctl::urg) && arrived.seq + arrived.up > t.rcv.up;
}
template <>
bool tcpfsm::reaches_fin<bent_p>(const bent_tcb& t) noexcept {
    return t.rcv.fin_known && (t.rcv.fin_at == t.rcv.nxt || is(bug::fin_over_a_gap));
}
template <>
constexpr void tcpfsm::acknowledger<bent_p>::take(const segment& seg) noexcept {
    const bool advances = snd_.una < seg.ack && !is(bug::window_left_behind);
    const unsigned shift = seg.has(ctl::syn) || is(bug::window_not_scaled) ? 0U : snd_.shift;
    const std::uint32_t window = std::uint32_t{seg.wnd} << shift;
    t_.heard_at = now_;
    take_timestamp(seg);
    if (snd_.una < seg.ack) {
        advance(seg);
    } else if (seg.ack == snd_.una && snd_.outstanding()) {
        take_again(seg, window);
    }
    const bool newer = snd_.wl1 < seg.seq || (snd_.wl1 == seg.seq && snd_.wl2 <= seg.ack);
    const bool moves =
        (snd_.una <= seg.ack || is(bug::window_of_old_ack)) && (newer || is(bug::window_moved_by_old_segment));
    if (moves || advances) {
        snd_.wnd = window;
        snd_.max_wnd = std::max(snd_.max_wnd, window);
        snd_.wl1 = seg.seq;
        snd_.wl2 = seg.ack;
    }
    if (snd_.wnd == 0) t_.stalled_since = now_;
}

namespace {

constexpr world here = test::worlds[4];

/// CLOSED has nothing to delete; no ACK leaves before the peer's SYN is known; a SYN,ACK is one.
bool changes_nothing(cell c, action more) {
    if (more == action::delete_tcb) return c.next() == state::closed;
    if (more == action::snd_ack) return !states::other.contains(c.next()) || c.doing().contains(action::snd_syn);
    return false;
}

/// True iff the matrix finds a difference.
bool noticed() {
    bool difference = false;
    for (const bool stamped : {false, true}) {
        for (const window rcv : {window::open, window::zero}) {
            for_each_cell(situations<bent>(here, rcv, stamped), stamped, [&](const auto&, const both<bent>& tcp) {
                difference = difference || !tcp.agree();
                return !difference;
            });
        }
    }
    return difference;
}

/// Some segments of the matrix that take each cell of the table, and where they arrive.
class sample {
public:
    sample() {
        for (const bool stamped : {false, true}) {
            for (const window rcv : {window::open, window::zero}) {
                places_.push_back(situations<bent>(here, rcv, stamped));
                for_each_cell(places_.back(), stamped, [this](const auto& cell, const both<bent>& tcp) {
                    if (cell.arrives == nullptr) return true;
                    for (const taken_row& row : tcp.rows()) keep(row, {&cell.at.tcp, *cell.arrives});
                    return true;
                });
            }
        }
    }
    [[nodiscard]] bool reaches(state s, event e) const { return !kept_[place(s, e)].empty(); }
    /// True iff one of the segments that take this cell now comes to something else than the oracle says.
    [[nodiscard]] bool notices(state s, event e) const {
        return std::any_of(kept_[place(s, e)].begin(), kept_[place(s, e)].end(), [](const one& o) {
            both<bent> tcp = *o.at;
            tcp.hears(o.seg);
            return !tcp.agree();
        });
    }

private:
    struct one {
        const both<bent>* at;
        oracle::segment seg;
    };
    static std::size_t place(state s, event e) {
        return static_cast<std::size_t>(s) * event_count + static_cast<std::size_t>(e);
    }
    /// The first ones of each situation, and of the later ones fewer and fewer.
    void keep(const taken_row& row, const one& o) {
        const std::size_t i = place(row.from, row.on);
        if (last_[i] != o.at) seen_[i] = 0;
        last_[i] = o.at;
        const std::uint64_t n = ++seen_[i];
        if ((n & (n - 1)) == 0 || n % 101 == 0) kept_[i].push_back(o);
    }

    std::vector<std::vector<situation<bent>>> places_;
    std::array<std::vector<one>, state_count * event_count> kept_;
    std::array<const both<bent>*, state_count * event_count> last_{};
    std::array<std::uint64_t, state_count * event_count> seen_{};
};

}  // namespace

TEST_CASE("the matrix notices every bug that a judge may have", "[3.10.7.4]") {
    present = bug::none;
    CHECK_FALSE(noticed());
    int count = 0;
    for (int i = 1; i < static_cast<int>(bug::last); ++i) {
        present = static_cast<bug>(i);
        INFO(bug_names[i]);
        const bool seen = noticed();
        CHECK(seen);
        count += seen ? 1 : 0;
    }
    present = bug::none;
    fmt::print("matrix: {} bugs of judges noticed, of {}\n", count, static_cast<int>(bug::last) - 1);
}

TEST_CASE("the matrix notices every change to a cell of SEGMENT ARRIVES", "[3.10.7.1][3.10.7.2][3.10.7.3][3.10.7.4]") {
    present = bug::none;
    machine_table& table = basic_machine<bent_table>::table;
    const machine_table original = table;
    const sample all;
    int changes = 0;
    int cells = 0;
    const auto change = [&](state s, event e, cell into, std::string_view what) {
        table.cells[static_cast<std::size_t>(s)][static_cast<std::size_t>(e)] = into;
        INFO(name(s) << ", " << name(e) << ": " << what);
        ++changes;
        CHECK(all.notices(s, e));
        table = original;
    };
    for (std::size_t i = 0; i < state_count * event_count; ++i) {
        const auto s = static_cast<state>(i / event_count);
        const auto e = static_cast<event>(i % event_count);
        const cell c = original.at(s, e);
        if (!events(event::rcv_stray, event::rcv_fin).contains(e) || !all.reaches(s, e)) continue;
        CHECK_FALSE(all.notices(s, e));
        CHECK_FALSE(c.is_impossible());
        ++cells;
        const saying says = c.is_dropped() ? saying{} : c.says();
        for (std::size_t i_to = 0; i_to < state_count; ++i_to) {
            const auto to = static_cast<state>(i_to);
            if (to != c.next()) change(s, e, cell{to, c.doing(), says}, fmt::format("to {}", name(to)));
        }
        for (actions left = c.doing(); !left.empty();) {
            const action a = left.pop();
            // A SYN that is not yet sent is owed by the numbers alone (SND.NXT = ISS).
            if (a == action::snd_syn && (s == state::listen || s == state::time_wait)) continue;
            const actions others{c.doing().bits() & ~actions{a}.bits()};
            change(s, e, cell{c.next(), others, says}, fmt::format("without {}", name(a)));
        }
        for (const action a : {action::snd_ack, action::snd_rst, action::delete_tcb}) {
            if (c.doing().contains(a) || changes_nothing(c, a)) continue;
            change(s, e, cell{c.next(), c.doing() | a, says}, fmt::format("with {}", name(a)));
        }
        if (c.says().is_signal()) change(s, e, cell{c.next(), c.doing(), {}}, "nothing is told");
    }
    fmt::print("matrix: {} changes to {} cells of SEGMENT ARRIVES noticed\n", changes, cells);
}
