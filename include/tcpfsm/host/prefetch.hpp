// SPDX-License-Identifier: MIT
// prefetch.hpp: a hint to the processor.
#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

namespace tcpfsm {

/// What begins at `at` will be needed soon. Does nothing where the compiler has no word for that.
template <class T>
constexpr void prefetch([[maybe_unused]] const T& at) noexcept {
    if (std::is_constant_evaluated()) return;
#if defined(__has_builtin)
#if __has_builtin(__builtin_prefetch)
    constexpr std::size_t line = 64;
    constexpr std::size_t most = 1024;
    const char* const from = reinterpret_cast<const char*>(&at);
    for (std::size_t i = 0; i < std::min(sizeof(T), most); i += line) __builtin_prefetch(from + i);
#endif
#endif
}

}  // namespace tcpfsm
