// SPDX-License-Identifier: MIT
// compressor.hpp: a receiver that sends fewer ACKs while text is missing, as kernels do.
#pragma once

#include "link.hpp"

#include <tcpfsm/segment.hpp>
#include <tcpfsm/seq.hpp>

#include <cstdint>
#include <optional>

namespace bench {

/// What the hosts of a simulation do that ideal ones do not. Nothing, unless asked for.
struct host_habits {
    nanos compresses{};  ///< ACKs that only tell of more text beyond a gap wait so long, and the last speaks for all
    nanos wakes_late{};  ///< a timer of the sender is served up to so much late
};

/// Holds back ACKs. The first three that repeat a number go at once, so that losses are noticed; so does what moves
/// the number, or reports a duplicate; of the others the last one goes when its time has come, or at the 45th.
class ack_compressor {
public:
    explicit ack_compressor(nanos wait = {}) : wait_{wait} {}

    /// True if this segment goes now. If not, it will be answered by `release`.
    bool passes(const tcpfsm::segment& seg, nanos now) {
        if (wait_ == nanos{}) return true;
        const bool bare = seg.text == 0 && seg.ctl == tcpfsm::control{tcpfsm::ctl::ack};
        const auto& opt = seg.options;
        const bool repeats = bare && opt.sack_count != 0 && opt.sack[0].left > seg.ack && seg.ack == last_;
        if (!repeats) {
            last_ = seg.ack;
            times_ = 0;
            held_.reset();
            return true;
        }
        if (times_ < 3) {
            ++times_;
            return true;
        }
        if (!held_) {
            due_ = now + wait_;
            count_ = 0;
        }
        held_ = seg;
        if (++count_ > most) due_ = now;
        return false;
    }
    /// What has waited long enough.
    std::optional<tcpfsm::segment> release(nanos now) {
        if (next() > now) return std::nullopt;
        const auto out = held_;
        held_.reset();
        return out;
    }
    [[nodiscard]] nanos next() const { return held_ ? due_ : nanos::max(); }

private:
    static constexpr unsigned most = 44;
    nanos wait_;
    nanos due_{};
    std::optional<tcpfsm::segment> held_;
    tcpfsm::seq last_{};
    unsigned times_ = 0;
    unsigned count_ = 0;
};

}  // namespace bench
