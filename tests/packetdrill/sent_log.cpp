// SPDX-License-Identifier: MIT
#include "sent_log.hpp"

#include <algorithm>

namespace packetdrill {

void sent_log::sent(seq from, seq end, tcpfsm::time_point now) {
    if (out_.empty()) una_ = from;
    if (out_.empty() || out_.back().end <= from) {
        out_.push_back({from, end, now});
        return;
    }
    for (entry& e : out_) {
        if (e.begin < end && from < e.end) e.again = true;
    }
    if (out_.back().end < end) out_.push_back({out_.back().end, end, now});
}

/// Where the highest segment ends that was selectively acknowledged; else the oldest that is out begins.
sent_log::seq sent_log::highest_sacked() const {
    const auto found = std::find_if(out_.rbegin(), out_.rend(), [](const entry& e) { return e.sacked; });
    return found != out_.rend() ? found->end : una_;
}

void sent_log::came_late(seq low, std::uint32_t full) {
    constexpr std::uint32_t most = 300;
    const seq high = highest_sacked();
    if (high <= low) return;
    const std::uint32_t behind = (high - low + full - 1) / full;
    reordering_ = std::max(reordering_, std::min(behind, most));
    ++seen_;
}

void sent_log::heard(const tcpfsm::segment& seg, std::uint32_t full, bool counts, tcpfsm::time_point now) {
    if (out_.empty() || !seg.has(tcpfsm::ctl::ack) || out_.back().end < seg.ack) return;
    const seq before = highest_sacked();
    const seq none = out_.back().end;
    const auto sacked = [&](const entry& e) {
        const auto* const blocks = seg.options.sack.data();
        return std::any_of(blocks, blocks + seg.options.sack_count,
                           [&](const tcpfsm::sack_block& b) { return b.left <= e.begin && e.end <= b.right; });
    };
    seq high = before;
    seq low = none;
    for (entry& e : out_) {
        if (e.sacked || !sacked(e)) continue;
        e.sacked = true;
        if (!e.again && e.begin < high) low = tcpfsm::earlier(low, e.begin);
        high = tcpfsm::later(high, e.end);
    }
    if (counts) came_late(low, full);
    low = none;
    std::optional<tcpfsm::time_point> oldest;
    for (; !out_.empty() && out_.front().end <= seg.ack; out_.pop_front()) {
        const entry& e = out_.front();
        if (e.again) continue;
        if (!oldest) oldest = e.at;
        if (!e.sacked) low = tcpfsm::earlier(low, e.begin);
    }
    una_ = tcpfsm::later(una_, seg.ack);
    if (counts && low < before) came_late(low, full);
    if (oldest) srtt_ = srtt_ == tcpfsm::duration::zero() ? now - *oldest : srtt_ + (now - *oldest - srtt_) / 8;
}

}  // namespace packetdrill
