// SPDX-License-Identifier: MIT
#include "clock.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>

namespace tcpfsm::drill {

microseconds script_clock::read() const {
    timeval now{};
    stack_.gettimeofday(stack_.userdata, &now, nullptr);
    return microseconds{now.tv_sec} * 1'000'000 + now.tv_usec;
}

void script_clock::wait_until(microseconds when) const {
    constexpr microseconds most = 1'000'000'000;  // usleep's argument has 32 bits
    for (microseconds left = when - now(); left > 0; left = when - now())
        stack_.usleep(stack_.userdata, static_cast<useconds_t>(std::min(left, most)));
}

blocked_call::blocked_call(std::function<long()> make, const script_clock& clock) {
    std::thread{[s = shared_, make = std::move(make), clock] {
        s->thread = gettid();
        s->entered = true;
        errno = 0;
        s->end.result = make();
        s->end.error = errno;
        s->end.at = clock.now();
        s->over = true;
    }}.detach();
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{5};
    while (!shared_->over && !sleeps() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
}

bool blocked_call::over_within(double seconds) const {
    const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>{seconds};
    // Nobody wakes the call meanwhile: if it is found asleep again and again, it will not be over.
    for (int asleep = 0; !shared_->over && asleep < 5 && std::chrono::steady_clock::now() < until;) {
        asleep = sleeps() ? asleep + 1 : 0;
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    return shared_->over;
}

/// The thread is inside of the call, and the kernel says that it sleeps.
bool blocked_call::sleeps() const {
    if (!shared_->entered) return false;
    std::ifstream stat{"/proc/self/task/" + std::to_string(shared_->thread) + "/stat"};
    std::string line;
    std::getline(stat, line);
    const std::size_t name_end = line.rfind(')');
    return name_end != std::string::npos && name_end + 2 < line.size() && line[name_end + 2] == 'S';
}

}  // namespace tcpfsm::drill
