// SPDX-License-Identifier: MIT
// clock.hpp: the script's time, and the one call that may be waiting while it passes.
#pragma once

#include "../interface.hpp"
#include "syntax.hpp"

#include <atomic>
#include <functional>
#include <memory>

namespace tcpfsm::drill {

/// The clock of the stack, from zero. It moves only when the stack is called.
class script_clock {
public:
    explicit script_clock(packetdrill_interface& stack) : stack_{stack}, zero_{read()} {}
    [[nodiscard]] microseconds now() const { return read() - zero_; }
    /// The same for a time that the stack has stamped a packet with.
    [[nodiscard]] microseconds from_stack(long long stamp) const { return stamp - zero_; }
    /// Lets the time pass.
    void wait_until(microseconds when) const;

private:
    [[nodiscard]] microseconds read() const;
    packetdrill_interface& stack_;
    microseconds zero_;
};

/// A call in a thread of its own, as packetdrill makes the calls that block. The stack's clock stands while the thread
/// is between waking and having looked at it, so nothing here is a matter of luck.
class blocked_call {
public:
    struct ending {
        long result = 0;
        int error = 0;
        microseconds at = 0;
    };

    /// Begins the call, and returns when it sleeps or is over.
    blocked_call(std::function<long()> make, const script_clock& clock);
    /// True iff it is over, after waiting for at most so long in the time of this machine.
    [[nodiscard]] bool over_within(double seconds) const;
    /// After `over_within`.
    [[nodiscard]] ending result() const { return shared_->end; }

private:
    struct state {
        std::atomic<int> thread = 0;
        std::atomic<bool> entered = false;
        std::atomic<bool> over = false;
        ending end{};
    };
    [[nodiscard]] bool sleeps() const;
    std::shared_ptr<state> shared_ = std::make_shared<state>();  // outlived by a call that never returns
};

}  // namespace tcpfsm::drill
