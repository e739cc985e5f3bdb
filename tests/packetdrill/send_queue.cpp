// SPDX-License-Identifier: MIT
#include "send_queue.hpp"

#include <algorithm>
#include <utility>

namespace packetdrill {

void send_queue::begin(seq first) {
    *this = {};
    end_ = pushed_ = sent_ = first;
    begun_ = true;
}

std::size_t send_queue::room(std::size_t goal) const {
    if (buffers_.empty() || buffers_.back().closed || buffers_.back().end <= sent_) return 0;
    const std::size_t held = buffers_.back().end - buffers_.back().begin;
    return held < goal ? goal - held : 0;
}

std::size_t send_queue::append(std::size_t octets, std::size_t goal) {
    if (room(goal) == 0) buffers_.push_back({end_, end_});
    buffer& last = buffers_.back();
    const std::size_t n = std::min(octets, goal - (last.end - last.begin));
    if (std::exchange(fresh_write_, false)) last.pushed = false;
    last.end += static_cast<std::uint32_t>(n);
    end_ = last.end;
    return n;
}

void send_queue::push() {
    if (!buffers_.empty()) buffers_.back().pushed = true;
    pushed_ = end_;
}

bool send_queue::push_is_due(std::uint32_t half_of_window) const { return end_ - pushed_ > half_of_window; }

void send_queue::end_record() {
    if (!buffers_.empty()) buffers_.back().closed = true;
}

std::size_t send_queue::memory() const {
    return buffers_.empty() ? 0 : end_ - buffers_.front().begin + buffers_.size() * overhead;
}

/// The buffer that holds this octet; the number of buffers if none does.
std::size_t send_queue::find(seq at) const {
    const auto found =
        std::find_if(buffers_.begin(), buffers_.end(), [&](const buffer& b) { return b.begin <= at && at < b.end; });
    return static_cast<std::size_t>(found - buffers_.begin());
}

/// The end of a write stays with the second part.
void send_queue::cut(std::size_t which, seq at) {
    buffer first = buffers_[which];
    if (at <= first.begin || first.end <= at) return;
    buffers_[which].begin = at;
    first.end = at;
    first.pushed = first.closed = false;
    buffers_.insert(buffers_.begin() + static_cast<std::ptrdiff_t>(which), first);
}

bool send_queue::leaves(seq from, seq end, bool goes_on, std::size_t most) {
    if (leaving_.segments == 0 || leaving_.next != from) {
        leaving_.segments = 0;
        if (const std::size_t at = find(from); at != buffers_.size()) cut(at, from);
    }
    const std::size_t here = find(end - 1);
    if (here == buffers_.size()) return false;
    ++leaving_.segments;
    leaving_.next = end;
    sent_ = tcpfsm::later(sent_, end);
    const bool whole = buffers_[here].end == end;
    if (goes_on && !whole && leaving_.segments < most) return false;
    const bool pushed = leaving_.segments > 1 || (whole && buffers_[here].pushed);
    cut(here, end);
    leaving_ = {};
    return pushed;
}

void send_queue::acknowledge(seq una) {
    while (!buffers_.empty() && buffers_.front().end <= una) buffers_.pop_front();
    if (!buffers_.empty()) buffers_.front().begin = tcpfsm::later(buffers_.front().begin, una);
}

}  // namespace packetdrill
