// SPDX-License-Identifier: MIT
#include <differential/known.hpp>

#include <algorithm>
#include <cstdint>

// A rule names the cells it is about, and what both sides do there; only what fits in all of that is explained. The
// conditions are written with the kernel's notions: it looks first at whether a segment touches the window.

namespace tcpfsm::differential {
namespace {

using enum state;
using D = const difference&;

// --- The segment ------------------------------------------------------------------------------------

/// SEG.SEQ, told from RCV.NXT.
std::int64_t first(D d) { return static_cast<std::int32_t>(d.kernel.sent.seq - d.kernel.peer.base()); }
/// The number behind its last.
std::int64_t end(D d) { return first(d) + d.kernel.sent.len(); }
std::int64_t window(D d) { return d.kernel.window; }
bool has(D d, control c) { return d.what.bits.has(c); }
bool has_none_of(D d, control c) { return !d.what.bits.any(c); }
bool acks(D d, reach r) { return has(d, ctl::ack) && d.what.ack == r; }
bool has_bad_ack(D d) { return acks(d, reach::ancient) || acks(d, reach::beyond); }
bool has_text(D d) { return d.kernel.sent.text != 0; }
bool is_bare(D d) { return d.kernel.sent.len() == 0; }
bool is_stale(D d) { return d.what.with.timestamps && d.what.stamped == stamp::stale; }

bool begins_inside(D d) { return first(d) >= 0 && first(d) < std::max<std::int64_t>(window(d), 1); }
/// Ends at RCV.NXT.
bool beside_left(D d) { return first(d) < 0 && end(d) == 0; }
/// Begins at RCV.NXT + RCV.WND.
bool beside_right(D d) { return first(d) == window(d) && window(d) != 0; }
bool beside(D d) { return beside_left(d) || beside_right(d); }
/// Begins where it may, and ends beyond the right edge.
bool overflows(D d) { return first(d) <= window(d) && end(d) > window(d); }

// --- The walk ---------------------------------------------------------------------------------------

bool in(D d, state_set s) { return s.contains(d.what.way->to); }
bool passive(D d) { return d.what.way->steps.front().is == step::what::listens; }
/// The kernel has no socket yet, only a request.
bool is_request(D d) { return in(d, syn_received) && passive(d); }
bool both_open(D d) { return in(d, syn_received) && !passive(d); }
/// The user has closed both directions, and the kernel keeps it where it keeps those in TIME-WAIT.
bool is_orphan(D d) { return in(d, fin_wait_2) && d.what.way->released; }
/// Nothing of ours has been acknowledged but, perhaps, the SYN of a passive OPEN.
bool nothing_acked(D d) { return passive(d) || d.what.way->steps.at(1).bits == ctl::syn; }
constexpr state_set closing_down = close_wait | closing | last_ack;

// --- What came of it --------------------------------------------------------------------------------

bool stays(const outcome& o) { return o.at == o.walked_to && o.acked == 0 && o.taken == 0; }
bool is_silent(const outcome& o) { return o.replies.empty(); }
bool sends(const outcome& o, control bits) { return o.replies.size() == 1 && o.replies.front().bits == bits; }
/// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, and nothing else.
bool answers(const outcome& o) { return stays(o) && o.replies == std::vector{reply{.bits = ctl::ack}}; }
bool ignores(const outcome& o) { return stays(o) && is_silent(o); }
bool resets(const outcome& o) { return sends(o, ctl::rst) || sends(o, ctl::rst | ctl::ack); }
bool ends(const outcome& o) { return o.at == closed && is_silent(o); }
bool ends_with_reset(const outcome& o) { return o.at == closed && resets(o); }
bool begins(const outcome& o) { return o.at == syn_received && sends(o, ctl::syn | ctl::ack); }

constexpr rule rules[] = {
    // In LISTEN and SYN-SENT.
    {"SYN with FIN", "LISTEN: drops it", "SYN-RECEIVED; the FIN waits for the handshake", "3.10.7.2 third", false,
     [](D d) {
         return in(d, listen | time_wait) && has(d, ctl::syn | ctl::fin) && is_silent(d.kernel) &&
                (d.kernel.at == listen || d.kernel.at == closed) && begins(d.ours);
     }},
    {"SYN once more", "SYN-SENT: a bad ACK, even on a reset, makes it repeat the SYN at once", "the timer repeats it",
     "3.10.7.3 first, 3.10.8", true,
     [](D d) {
         const auto& all = d.kernel.replies;
         return in(d, syn_sent) && has(d, ctl::ack) && !acks(d, reach::nxt) && stays(d.kernel) && stays(d.ours) &&
                !all.empty() && all.back().bits == ctl::syn && !all.back().anew &&
                std::equal(all.begin(), all.end() - 1, d.ours.replies.begin(), d.ours.replies.end());
     }},
    {"Text on a SYN,ACK", "SYN-SENT: drops it", "takes it", "3.10.7.3 fourth", false,
     [](D d) {
         return in(d, syn_sent) && d.what.bits == (ctl::syn | ctl::ack) && has_text(d) && d.kernel.at == established &&
                d.ours.at == established && d.kernel.taken == 0 && d.ours.taken != 0 && d.ours.acked == d.kernel.acked;
     }},
    {"Text on a SYN", "LISTEN: drops it", "keeps it until the handshake is done", "3.10.7.2 third", false,
     [](D d) {
         const auto& steps = d.what.way->steps;
         const bool on_syn =
             std::any_of(steps.begin(), steps.end(), [](const step& s) { return s.bits.has(ctl::syn) && s.text != 0; });
         return on_syn && acks(d, reach::nxt) && has_none_of(d, ctl::syn | ctl::rst) &&
                (first(d) > 0 || !overflows(d)) && end(d) >= 0 && (!beside_right(d) || is_bare(d)) &&
                d.ours.at == established && d.ours.taken >= 3 &&
                (d.kernel.taken != d.ours.taken || d.kernel.at != d.ours.at) && d.kernel.acked == d.ours.acked;
     }},
    // In SYN-RECEIVED.
    {"Bad ACK first", "SYN-RECEIVED, passive: a bad ACK is reset before anything else is looked at",
     "sequence number, SYN, ACK, in this order", "3.10.7.4", false,
     [](D d) {
         return is_request(d) && has(d, ctl::ack) && !acks(d, reach::nxt) && has_none_of(d, ctl::rst) &&
                d.kernel.at == syn_received && sends(d.kernel, ctl::rst) &&
                (answers(d.ours) || (has(d, ctl::syn) && d.ours.at == listen && is_silent(d.ours)));
     }},
    {"SYN in the window", "SYN-RECEIVED, passive: back to LISTEN, with a reset", "back to LISTEN, and no more",
     "3.10.7.4 fourth", false,
     [](D d) {
         return is_request(d) && has(d, ctl::syn) && has_none_of(d, ctl::rst) && begins_inside(d) &&
                d.kernel.at == listen && resets(d.kernel) && d.ours.at == listen && is_silent(d.ours);
     }},
    {"SYN,ACK after a SYN", "SYN-RECEIVED: its number is outside the window, so an ACK answers; its text is dropped",
     "ESTABLISHED, as figure 7 needs it", "3.10.7.4 first, MUST-10", true,
     [](D d) {
         return in(d, syn_received) && d.what.bits == (ctl::syn | ctl::ack) && acks(d, reach::nxt) && first(d) == -1 &&
                d.ours.at == established && sends(d.kernel, ctl::ack) && d.kernel.taken == 0;
     }},
    {"SYN again", "SYN-RECEIVED, both opened: an ACK", "SYN,ACK again", "3.10.7.4 first", true,
     [](D d) {
         return both_open(d) && has(d, ctl::syn) && has_none_of(d, ctl::ack | ctl::rst) && first(d) == -1 &&
                answers(d.kernel) && stays(d.ours) && sends(d.ours, ctl::syn | ctl::ack);
     }},
    {"ACK of the ISS", "SYN-RECEIVED, both opened: leads to ESTABLISHED, although the SYN is not acknowledged",
     "a reset", "3.10.7.4 fifth", false,
     [](D d) {
         constexpr state_set opened = established | close_wait;
         return both_open(d) && acks(d, reach::una) && has_none_of(d, ctl::syn | ctl::rst) &&
                opened.contains(d.kernel.at) && d.kernel.acked == 0 &&
                (beside(d) && !is_bare(d) ? answers(d.ours) : stays(d.ours) && sends(d.ours, ctl::rst));
     }},
    // Both directions are closed.
    {"Orphan: reset",
     "FIN-WAIT-2, both directions closed: a reset that touches the window ends it, others are answered",
     "at RCV.NXT it ends it, in the window it is challenged, else dropped", "3.10.7.4 second", false,
     [](D d) {
         const bool touches = end(d) >= 0 && first(d) <= window(d);
         return is_orphan(d) && has(d, ctl::rst) && ((touches && ends(d.kernel)) || answers(d.kernel)) &&
                (answers(d.ours) || ignores(d.ours));
     }},
    {"Orphan: SYN", "FIN-WAIT-2, both directions closed: a SYN in the window ends it, with a reset", "challenge ACK",
     "3.10.7.4 fourth", false,
     [](D d) {
         return is_orphan(d) && has(d, ctl::syn) && has_none_of(d, ctl::rst) && ends_with_reset(d.kernel) &&
                answers(d.ours);
     }},
    {"Orphan: ACK", "FIN-WAIT-2, both directions closed: the ACK is not looked at",
     "a bad ACK makes the segment void, and is challenged", "3.10.7.4 fifth", false,
     [](D d) {
         return is_orphan(d) && has_bad_ack(d) && has_none_of(d, ctl::syn | ctl::rst) && answers(d.ours) &&
                (ignores(d.kernel) || ends_with_reset(d.kernel) || d.kernel.at == time_wait);
     }},
    {"Orphan: silence", "FIN-WAIT-2, both directions closed: drops an old SYN", "answered by an ACK", "3.10.7.4 first",
     false,
     [](D d) {
         const bool old_syn = has(d, ctl::syn) && has_none_of(d, ctl::ack | ctl::rst) && first(d) < 0;
         return is_orphan(d) && old_syn && ignores(d.kernel) && answers(d.ours);
     }},
    {"FIN beyond a gap", "FIN-WAIT-1 and 2, both directions closed: a reset, as if text had come",
     "waits for what is missing", "3.6.1 SHLD-3", true,
     [](D d) {
         return d.what.way->released && has(d, ctl::fin | ctl::ack) && has_none_of(d, ctl::syn | ctl::rst) &&
                !has_text(d) && first(d) > 0 && ends_with_reset(d.kernel) && sends(d.ours, ctl::ack) &&
                d.ours.taken == 0 && d.ours.at != closed;
     }},
    {"Text at the right edge", "FIN-WAIT-1, both directions closed: a reset, as for text in the window",
     "answered by an ACK", "3.10.7.4 first", false,
     [](D d) {
         return d.what.way->released && beside_right(d) && has_text(d) && ends_with_reset(d.kernel) && answers(d.ours);
     }},
    // The peer's FIN has been taken.
    {"Reset at the FIN", "CLOSE-WAIT, CLOSING, LAST-ACK: one at RCV.NXT - 1 ends the connection", "drops it",
     "3.10.7.4 second", false,
     [](D d) {
         return in(d, closing_down) && has(d, ctl::rst) && first(d) == -1 && ends(d.kernel) && ignores(d.ours);
     }},
    {"Text over the FIN",
     "CLOSE-WAIT, CLOSING, LAST-ACK: text from before RCV.NXT to beyond it ends the connection, with a reset",
     "ignores the text", "3.10.7.4 seventh", false,
     [](D d) {
         return in(d, closing_down) && has_text(d) && first(d) < 0 && end(d) > 0 &&
                has_none_of(d, ctl::syn | ctl::rst) && ends_with_reset(d.kernel) && is_silent(d.ours) &&
                d.ours.taken == 0;
     }},
    {"A second FIN", "CLOSE-WAIT, CLOSING, LAST-ACK: behind text that was the first FIN, it is taken once more",
     "ignores it", "3.10.7.4 eighth", false,
     [](D d) {
         return in(d, closing_down) && has(d, ctl::fin) && first(d) < 0 && end(d) == 1 && d.kernel.taken == 1 &&
                d.kernel.at == d.kernel.walked_to && is_silent(d.ours) && d.ours.taken == 0 &&
                d.ours.acked == d.kernel.acked;
     }},
    // In TIME-WAIT.
    {"SYN at RCV.NXT", "TIME-WAIT: does not reopen", "reopens: that number was never used", "3.6.1 MAY-2", false,
     [](D d) {
         return in(d, time_wait) && has(d, ctl::syn) && has_none_of(d, ctl::ack | ctl::rst) && first(d) == 0 &&
                answers(d.kernel) && begins(d.ours);
     }},
    {"SYN 2^31 away", "TIME-WAIT: a number exactly 2^31 from RCV.NXT is a later one", "an earlier one: challenge ACK",
     "3.4", true,
     [](D d) {
         return in(d, time_wait) && has(d, ctl::syn) && has_none_of(d, ctl::ack | ctl::rst) &&
                d.what.at == place::far_left && (begins(d.kernel) || (has(d, ctl::fin) && ends(d.kernel))) &&
                answers(d.ours);
     }},
    {"More than the FIN", "TIME-WAIT: answers whatever lies in the window beyond RCV.NXT", "ignores it",
     "3.10.7.4 fifth to eighth", true,
     [](D d) {
         return in(d, time_wait) && has_none_of(d, ctl::syn | ctl::rst) &&
                (first(d) < window(d) || (beside_right(d) && is_bare(d))) &&
                (first(d) > 0 || (end(d) > 0 && d.kernel.sent.len() != 0)) && answers(d.kernel) && ignores(d.ours);
     }},
    {"Bad ACK in TIME-WAIT", "the ACK is not looked at", "challenge ACK", "3.10.7.4 fifth", true,
     [](D d) {
         return in(d, time_wait) && has_bad_ack(d) && has_none_of(d, ctl::syn | ctl::rst) && ignores(d.kernel) &&
                answers(d.ours);
     }},
    {"Reset in TIME-WAIT", "without RFC 1337: in the window, but not at RCV.NXT, it is dropped", "challenge ACK",
     "3.10.7.4 second", false,
     [](D d) {
         return in(d, time_wait) && !d.what.with.rfc1337 && has(d, ctl::rst) && first(d) > 0 && begins_inside(d) &&
                ignores(d.kernel) && answers(d.ours);
     }},
    // Timestamps.
    {"No timestamp", "segments without the timestamps that were agreed on are taken", "dropped, but for resets",
     "RFC 7323 3.2", false,
     [](D d) {
         return d.what.with.timestamps && d.what.stamped == stamp::missing && has_none_of(d, ctl::rst) &&
                (has_none_of(d, ctl::syn) || (in(d, syn_received) && first(d) == -1)) && ignores(d.ours);
     }},
    {"Old timestamp, empty", "dropped if it lies left of RCV.NXT or says nothing new", "answered by an ACK",
     "RFC 7323 5.3 R1", false,
     [](D d) {
         return in(d, states::other) && is_stale(d) && d.kernel.sent.len() == 0 && has(d, ctl::ack) && first(d) <= 0 &&
                ignores(d.kernel) && answers(d.ours);
     }},
    {"Old timestamp, reset", "SYN-RECEIVED, passive, and FIN-WAIT-2, both directions closed: void",
     "resets are not judged by their timestamps", "RFC 7323 5.3 R1", false,
     [](D d) {
         return (is_request(d) || is_orphan(d)) && is_stale(d) && has(d, ctl::rst) && begins_inside(d) &&
                (ignores(d.kernel) || answers(d.kernel)) && !ignores(d.ours);
     }},
    // The receive window.
    {"Reset over the left edge", "a reset that begins outside the window and touches it is challenged", "dropped",
     "3.10.7.4 second", false,
     [](D d) {
         return in(d, states::other) && has(d, ctl::rst) && !begins_inside(d) && end(d) >= 0 && first(d) <= window(d) &&
                answers(d.kernel) && ignores(d.ours);
     }},
    {"Reset over the right edge", "a reset whose text ends beyond the window is dropped",
     "what counts is where it begins", "3.10.7.4 second, MUST-66", false,
     [](D d) {
         return in(d, states::other) && has(d, ctl::rst) && begins_inside(d) && overflows(d) && ignores(d.kernel) &&
                (first(d) == 0 ? ends(d.ours) : answers(d.ours));
     }},
    {"No ACK bit", "a segment with neither ACK, SYN nor RST is dropped unseen",
     "answered if it lies outside the window, or its timestamp is old", "3.10.7.4 first", false,
     [](D d) {
         return in(d, states::other) && has_none_of(d, ctl::ack | ctl::syn | ctl::rst) &&
                (!begins_inside(d) || is_stale(d)) && ignores(d.kernel) && answers(d.ours);
     }},
    {"Beside the window",
     "one with text that ends at RCV.NXT, or begins at RCV.NXT + RCV.WND, is inside: its ACK counts",
     "outside; answered by an ACK", "3.4, 3.10.7.4 first", false,
     [](D d) {
         return in(d, states::other) && beside(d) && has(d, ctl::ack) && has_none_of(d, ctl::syn | ctl::rst) &&
                answers(d.ours) && d.kernel.taken == 0 && (d.kernel.at != closed || in(d, last_ack));
     }},
    {"Shut below SND.NXT", "if the peer shuts its window on what is in flight, ACKs have the number of its right edge",
     "they have SND.NXT", "3.10.7.4", false,
     [](D d) {
         const auto lowered = [edge = d.ours.acked - d.kernel.peer.in_flight()](std::vector<reply> replies) {
             for (reply& r : replies) r.seq = edge;
             return replies;
         };
         return d.what.shut && in(d, states::other) && d.kernel.at == d.ours.at && d.kernel.acked == d.ours.acked &&
                d.kernel.taken == d.ours.taken && d.kernel.replies == lowered(d.ours.replies) &&
                d.kernel.answer == lowered(d.ours.answer);
     }},
    {"Text over the right edge, taken", "text in order is taken whole, and a FIN with it, if nothing is unread",
     "cut off at the edge", "3.10.7.4 first", false,
     [](D d) {
         return overflows(d) && first(d) <= 0 && has_none_of(d, ctl::syn | ctl::rst) && d.ours.taken == window(d) &&
                (!d.kernel.counted || d.kernel.taken == end(d)) && sends(d.kernel, ctl::ack) &&
                d.kernel.replies.front().ack == end(d);
     }},
    {"Text over the right edge, void", "if something is unread, the segment is void, its ACK as well, and answered",
     "cut off at the edge; the rest counts", "3.10.7.4 first", false,
     [](D d) {
         return overflows(d) && has(d, ctl::ack) && has_none_of(d, ctl::syn | ctl::rst) && answers(d.kernel) &&
                !answers(d.ours) && d.ours.taken <= window(d);
     }},
    // The acknowledgment.
    {"Old ACK", "may lie as far below SND.UNA as text was acknowledged", "as far as the peer's window was large",
     "RFC 5961 5.2", true,
     [](D d) {
         return in(d, states::synchronized) && acks(d, reach::old) && nothing_acked(d) && answers(d.kernel) &&
                !answers(d.ours);
     }},
    {"Old ACK on text", "ESTABLISHED: text in order may be taken before its ACK is found too old",
     "the segment is void, and answered", "RFC 5961 5.2", false,
     [](D d) {
         return in(d, established) && (acks(d, reach::ancient) || acks(d, reach::old)) && first(d) == 0 &&
                has_text(d) && d.what.bits.without(ctl::psh) == ctl::ack && d.kernel.taken == d.kernel.sent.text &&
                d.kernel.at == established && answers(d.ours);
     }},
};

}  // namespace

std::span<const rule> known() { return rules; }

bool same(const outcome& a, const outcome& b) {
    if (a.replies != b.replies || a.at != b.at) return false;
    if (a.counted && b.counted && (a.acked != b.acked || a.taken != b.taken)) return false;
    return !states::synchronized.contains(a.at) || a.answer == b.answer;
}

}  // namespace tcpfsm::differential
