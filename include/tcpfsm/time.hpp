// SPDX-License-Identifier: MIT
// time.hpp: time as an argument. A clock type that nobody can read.
#pragma once

#include <chrono>
#include <cstdint>

// The library never asks what time it is. The caller says so with each input; what matters is only that
// the time never runs backwards. 64 bits of microseconds last 292,000 years, so no clock of ours wraps.

namespace tcpfsm {

/// The library's notion of time: microseconds since an instant that the caller chooses. It has no
/// `now()`, on purpose: a program that tries to read it does not compile.
struct clock {
    using rep = std::int64_t;
    using period = std::micro;
    using duration = std::chrono::duration<rep, period>;
    using time_point = std::chrono::time_point<clock>;
    static constexpr bool is_steady = true;
};

/// A span of time, in microseconds.
using duration = clock::duration;
/// An instant, counted from the caller's own epoch.
using time_point = clock::time_point;

/// The deadline of a timer that is not armed.
inline constexpr time_point never = time_point::max();
/// A span without end: "no limit" where a setting is a duration.
inline constexpr duration forever = duration::max();

/// `t + d`, or `never` if that lies beyond the end of time. `d` is not negative.
[[nodiscard]] constexpr time_point after(time_point t, duration d) noexcept { return t > never - d ? never : t + d; }

}  // namespace tcpfsm
