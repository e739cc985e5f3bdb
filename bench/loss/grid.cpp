// SPDX-License-Identifier: MIT
// grid.cpp: how much of a path each congestion control fills, over a grid of paths.
#include "arguments.hpp"
#include "parallel.hpp"
#include "situation.hpp"

#include <cstdio>
#include <string>
#include <vector>

namespace {

constexpr const char* help =
    "bench_loss_grid: endless transfers over simulated paths; one line of CSV for each\n"
    "  --quick           fewer paths, three seeds instead of five\n"
    "  --only <text>     only runs whose name contains it, such as new_reno/20ms/100Mbit/1%/0%\n"
    "                    (control, round trip, rate, loss, share that comes late)\n"
    "  --seeds <n>       runs with so many seeds each; one at 1000 Mbit/s, unless this is given\n"
    "  --seed <n>        the first of them (1)\n"
    "  --threads <n>     at once (2)\n"
    "  --out <file>      where the CSV goes (standard output)\n";

struct run {
    bench::situation path;
    const bench::control* by = nullptr;
    std::uint64_t seed = 1;
    bench::outcome result{};
};

void print(std::FILE* to, const std::vector<run>& runs) {
    std::fprintf(to,
                 "control,rtt_ms,rate_mbit,loss_ppm,late_ppm,also,seed,fraction,segments,again,needless,timeouts,"
                 "spurious,overflowed,dropped,lost,late\n");
    for (const run& r : runs) {
        const auto n = [](std::uint64_t v) { return static_cast<unsigned long long>(v); };
        const auto& p = r.path;
        const auto& t = r.result.tcp;
        const auto& l = r.result.link;
        std::fprintf(to, "%s,%u,%u,%u,%u,%s,%llu,%.5f,%llu,%llu,%llu,%llu,%llu,%llu,%llu,%llu,%llu\n", r.by->name,
                     p.rtt_ms, p.rate_mbit, p.loss, p.late, bench::twist_names[static_cast<std::size_t>(p.also)],
                     n(r.seed), r.result.fraction, n(t.segments), n(t.again), n(t.needless), n(t.timeouts),
                     n(t.spurious), n(l.overflowed), n(l.dropped), n(l.lost), n(l.late));
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::arguments args{argc, argv, help};
    const bool quick = args.flag("--quick");
    const std::string only = args.text("--only", "");
    const unsigned asked = args.whole("--seeds", 0);
    const unsigned first = args.whole("--seed", 1);
    const unsigned threads = args.whole("--threads", 2);
    const std::string out = args.text("--out", "");
    args.finish();

    std::vector<run> runs;
    for (const auto& by : bench::controls) {
        for (const auto& path : bench::paths(quick)) {
            if (name_of(by, path).find(only) == std::string::npos) continue;
            const unsigned usual = path.rate_mbit == 1000 ? 1 : quick ? 3 : 5;
            for (unsigned i = 0; i < (asked != 0 ? asked : usual); ++i) runs.push_back({path, &by, first + i, {}});
        }
    }
    std::FILE* to = out.empty() ? stdout : std::fopen(out.c_str(), "w");
    if (to == nullptr) args.refuse("cannot write " + out);
    bench::for_all(runs.size(), threads, "grid",
                   [&](std::size_t i) { runs[i].result = bench::transfer(runs[i].path, *runs[i].by, runs[i].seed); });
    print(to, runs);
    if (to != stdout) std::fclose(to);
    return runs.empty() ? 1 : 0;
}
