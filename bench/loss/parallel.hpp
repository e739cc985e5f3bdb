// SPDX-License-Identifier: MIT
// parallel.hpp: many independent runs on several cores, and how far they are.
#pragma once

#include <unistd.h>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <thread>
#include <vector>

namespace bench {

/// Calls `run(i)` for each i below `n`, on so many threads. Says on stderr how far it is: where that is a terminal,
/// in one line.
template <class Run>
void for_all(std::size_t n, unsigned threads, const char* what, Run run) {
    std::atomic<std::size_t> next{0}, done{0};
    const auto work = [&] {
        for (std::size_t i = next++; i < n; i = next++) {
            run(i);
            ++done;
        }
    };
    std::vector<std::thread> workers;
    for (unsigned i = 0; i < (threads == 0 ? 1 : threads); ++i) workers.emplace_back(work);

    using namespace std::chrono_literals;
    const bool live = ::isatty(2) != 0;
    const auto began = std::chrono::steady_clock::now();
    std::size_t told = 0;
    while (true) {
        const std::size_t now = done;
        const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - began;
        if (live || now == n || now >= told + (n + 9) / 10) {
            const double left = now == 0 ? 0 : spent.count() / static_cast<double>(now) * static_cast<double>(n - now);
            std::fprintf(stderr, "%s%s: %zu of %zu, %.0f s, about %.0f s left  %s", live ? "\r" : "", what, now, n,
                         spent.count(), left, live ? "" : "\n");
            std::fflush(stderr);
            told = now;
        }
        if (now == n) break;
        std::this_thread::sleep_for(100ms);
    }
    if (live) std::fprintf(stderr, "\n");
    for (auto& w : workers) w.join();
}

}  // namespace bench
