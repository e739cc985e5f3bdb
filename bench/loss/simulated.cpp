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

double fraction(const bench::control& by, const bench::named_path& path, std::uint64_t seed, unsigned seconds) {
    bench::simulation s{bench::way_there(path, seed)};
    s.add(by.make(4U << 20U, tcpfsm::ecn_wish::refuse), bench::way_back());
    s.run(std::chrono::seconds{seconds});
    return 8.0 * static_cast<double>(s.of(0).counts.delivered) / seconds / static_cast<double>(bench::path_rate);
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
    std::fprintf(to, "who,path,run,fraction\n");
    for (const auto& by : bench::controls) {
        for (const auto& path : bench::four_paths) {
            for (unsigned run = 1; run <= runs; ++run)
                std::fprintf(to, "tcpfsm %s simulated,%s,%u,%.5f\n", by.name, path.name, run,
                             fraction(by, path, run, seconds));
        }
    }
    if (to != stdout) std::fclose(to);
}
