// SPDX-License-Identifier: MIT
// trace.cpp: how window, threshold, flight and queue move during one transfer.
#include "arguments.hpp"
#include "parallel.hpp"
#include "situation.hpp"

#include <cstdio>
#include <string>
#include <vector>

namespace {

constexpr const char* help =
    "bench_loss_trace: one line of CSV for each sample of a transfer's numbers\n"
    "  --only <text>     runs of the full grid whose name contains it, such as new_reno/20ms/100Mbit/1%/0%;\n"
    "                    without it, those that the report shows\n"
    "  --seed <n>        (1)\n"
    "  --seconds <n>     how long (as in the grid)\n"
    "  --out <file>      where the CSV goes (standard output)\n";

/// What the report shows: a clean path, some with losses, one with reordering, a long one.
const std::vector<bench::situation> shown{{100, 100, 0, 0},     {20, 100, 10'000, 0},
                                          {20, 100, 0, 10'000}, {100, 100, 100, 0},
                                          {20, 100, 50'000, 0}, {20, 100, 0, 0, bench::twist::codel}};

void trace(std::FILE* to, const bench::control& by, const bench::situation& path, std::uint64_t seed,
           bench::nanos lasts) {
    bench::simulation s = bench::prepare(path, by, seed);
    std::uint64_t delivered = 0;
    // Some 500 samples, and no two within a round trip's tenth.
    const bench::nanos period = std::max<bench::nanos>(lasts / 500, std::chrono::microseconds{path.rtt_ms * 100});
    s.every(period, [&](bench::nanos now) {
        const auto look = s.of(0).look();
        const auto& counts = s.of(0).counts;
        const double seconds = std::chrono::duration<double>(now).count();
        std::fprintf(
            to, "%s,%s,%.4f,%u,%u,%u,%llu,%lld,%.4f,%llu\n", by.name, path.name().c_str(), seconds, look.window,
            look.threshold, look.flight, static_cast<unsigned long long>(s.bottleneck().octets_waiting()),
            static_cast<long long>(look.srtt.count()),
            static_cast<double>(counts.delivered - delivered) * 8 / std::chrono::duration<double>(period).count() / 1e6,
            static_cast<unsigned long long>(counts.timeouts));
        delivered = counts.delivered;
    });
    s.run(lasts);
}

}  // namespace

int main(int argc, char** argv) {
    bench::arguments args{argc, argv, help};
    const std::string only = args.text("--only", "");
    const std::uint64_t seed = args.whole("--seed", 1);
    const unsigned seconds = args.whole("--seconds", 0);
    const std::string out = args.text("--out", "");
    args.finish();

    std::FILE* to = out.empty() ? stdout : std::fopen(out.c_str(), "w");
    if (to == nullptr) args.refuse("cannot write " + out);
    std::fprintf(to, "control,path,seconds,window,threshold,flight,queue,srtt_us,mbit_per_s,timeouts\n");
    bool any = false;
    for (const auto& by : bench::controls) {
        for (const auto& path : only.empty() ? shown : bench::paths(false)) {
            if (name_of(by, path).find(only) == std::string::npos) continue;
            trace(to, by, path, seed, seconds == 0 ? path.lasts() : bench::nanos{std::chrono::seconds{seconds}});
            any = true;
        }
    }
    if (to != stdout) std::fclose(to);
    return any ? 0 : 1;
}
