// SPDX-License-Identifier: MIT
// instructions.cpp: does one thing again and again, for who counts its instructions, and prints how often.
#include "../../bench/peers/exchanges.hpp"

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

using namespace bench::ours;

/// How often it was done in so many pieces of work; 0 if something went wrong.
template <class Work>
std::uint64_t repeat(Work work, unsigned pieces) {
    std::uint64_t done = 0;
    for (unsigned i = 0; i < pieces; ++i) {
        const std::uint64_t now = work(true);
        if (now == 0) return 0;
        done += now;
    }
    return done;
}
std::uint64_t done_of(std::string_view what, unsigned pieces) {
    if (what == "segment") return repeat(numbers<policies>{1}, pieces);
    if (what == "segment_lean") return repeat(numbers<lean>{1}, pieces);
    if (what == "request") return repeat(request_response<policies>{}, pieces);
    if (what == "open_to_close") return repeat(open_to_close<policies>{}, pieces);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::uint64_t done = argc == 3 ? done_of(argv[1], static_cast<unsigned>(std::atoi(argv[2]))) : 0;
    std::printf("%llu\n", static_cast<unsigned long long>(done));
    return done != 0 ? 0 : 1;
}
