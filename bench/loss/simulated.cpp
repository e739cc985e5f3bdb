// SPDX-License-Identifier: MIT
// simulated.cpp: our senders on the paths of the comparison with others, in virtual time.
#include "arguments.hpp"
#include "controls.hpp"
#include "four_paths.hpp"
#include "simulation.hpp"

#include <chrono>
#include <cstdio>
#include <string>

namespace {

constexpr const char* help =
    "bench_loss_simulated: 100 Mbit/s, 20 ms, 256 KiB of drop tail, with and without losses; one line of CSV a run\n"
    "  --runs <n>        seeds (7)\n"
    "  --seconds <n>     of virtual time (10)\n"
    "  --out <file>      where the CSV goes (standard output)\n";

/// The kernel reads on the other side of the relay: ACKs that only tell of more text beyond a gap wait for a
/// millisecond, timers of a process are served late, and so are packets.
constexpr bench::host_habits of_a_kernel{.compresses = std::chrono::milliseconds{1},
                                         .wakes_late = std::chrono::microseconds{100}};
constexpr bench::nanos of_a_relay = std::chrono::microseconds{100};

void play(std::FILE* to, const bench::control& by, const bench::named_path& path, std::uint64_t seed, unsigned seconds,
          bool as_in_real_time) {
    bench::link_settings there = bench::way_there(path, seed), back = bench::way_back();
    if (as_in_real_time) there.jitter = back.jitter = of_a_relay;
    bench::simulation s{there};
    s.add(by.make(4U << 20U, tcpfsm::ecn_wish::refuse), back, {}, as_in_real_time ? of_a_kernel : bench::host_habits{});
    s.run(std::chrono::seconds{seconds});
    const auto& c = s.of(0).counts;
    const auto n = [](std::uint64_t v) { return static_cast<unsigned long long>(v); };
    std::fprintf(to, "tcpfsm %s %s,%s,%llu,%.5f,%llu,%llu,%llu,%llu\n", by.name,
                 as_in_real_time ? "simulated relay" : "simulated", path.name, n(seed),
                 8.0 * static_cast<double>(c.delivered) / seconds / static_cast<double>(bench::path_rate),
                 n(c.timeouts), n(c.spurious), n(c.again), n(c.needless));
}

}  // namespace

int main(int argc, char** argv) {
    bench::arguments args{argc, argv, help};
    const unsigned runs = args.whole("--runs", 7);
    const unsigned seconds = args.whole("--seconds", 10);
    const std::string out = args.text("--out", "");
    args.finish();
    std::FILE* to = out.empty() ? stdout : std::fopen(out.c_str(), "w");
    if (to == nullptr) args.refuse("cannot write " + out);
    std::fprintf(to, "who,path,run,fraction,timeouts,spurious,again,needless\n");
    for (const bool as_in_real_time : {false, true}) {
        for (const auto& by : bench::controls) {
            for (const auto& path : bench::four_paths) {
                for (unsigned run = 1; run <= runs; ++run) play(to, by, path, run, seconds, as_in_real_time);
            }
        }
    }
    if (to != stdout) std::fclose(to);
}
