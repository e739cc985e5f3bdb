// SPDX-License-Identifier: MIT
// fairness.cpp: how flows share a bottleneck.
#include "arguments.hpp"
#include "controls.hpp"
#include "parallel.hpp"
#include "simulation.hpp"

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using bench::nanos;

constexpr const char* help =
    "bench_loss_fairness: flows that share 100 Mbit/s; one line of CSV for each run\n"
    "  --quick           fewer flows, shorter, three seeds instead of five\n"
    "  --only <text>     only runs whose name contains it, such as share/new_reno/8 (what is tried, by whom, flows)\n"
    "  --seeds <n>       runs with so many seeds each\n"
    "  --threads <n>     at once (2)\n"
    "  --out <file>      where the CSV goes (standard output)\n"
    "  --series <file>   where the rates of flows that join one after the other go (nowhere)\n";

constexpr std::uint64_t rate = 100'000'000;
constexpr std::uint64_t bdp = rate / 8 * 40 / 1000;  // of 40 ms

/// One flow of a run.
struct member {
    const bench::control* by;
    unsigned rtt_ms;
    nanos starts;
};

/// One run: who takes part, and the stretch of time in which rates are compared.
struct run {
    std::string what, by;
    std::vector<member> members;
    bench::discipline keeps = bench::discipline::drop_tail;
    nanos from{}, until{};
    std::uint64_t seed = 1;
    std::vector<double> shares{};  ///< Mbit/s of each member
    double settled = -1;           ///< seconds from the last beginning until the shares stay alike
    std::vector<std::vector<double>> series{};

    [[nodiscard]] std::string name() const {
        return std::string{what}.append("/").append(by).append("/").append(std::to_string(members.size()));
    }
};

/// Jain's index: 1 if all have the same, 1/n if one has all.
double jain(const std::vector<double>& x) {
    double sum = 0, squares = 0;
    for (const double v : x) sum += v, squares += v * v;
    return squares == 0 ? 0 : sum * sum / (static_cast<double>(x.size()) * squares);
}

constexpr nanos step = 500ms;

void play(run& r) {
    bench::simulation s{{.rate = rate, .delay = 1ms, .queue = bdp, .keeps = r.keeps, .seed = r.seed}};
    bench::dice when{r.seed};
    for (const member& m : r.members) {
        // No two begin at the very same time, or drop tail would decide by the order of their names.
        const nanos starts = m.starts + nanos{when.roll() % 1'000'000'000};
        s.add(m.by->make(static_cast<std::uint32_t>(8 * bdp), tcpfsm::ecn_wish::refuse),
              {.rate = rate, .delay = std::chrono::milliseconds{m.rtt_ms} - 1ms, .queue = 1U << 30U}, starts);
    }
    std::vector<std::uint64_t> before(r.members.size(), 0);
    const double scale = 8e-6 / std::chrono::duration<double>(step).count();
    s.every(step, [&](nanos) {
        std::vector<double> now;
        for (std::size_t i = 0; i < r.members.size(); ++i) {
            const std::uint64_t octets = s.of(i).counts.delivered;
            now.push_back(static_cast<double>(octets - before[i]) * scale);
            before[i] = octets;
        }
        r.series.push_back(std::move(now));
    });
    s.run(r.until);
    r.shares.assign(r.members.size(), 0);
    const auto first = static_cast<std::size_t>(r.from / step);
    for (std::size_t k = first; k < r.series.size(); ++k) {
        for (std::size_t i = 0; i < r.shares.size(); ++i)
            r.shares[i] += r.series[k][i] / static_cast<double>(r.series.size() - first);
    }
    // Settled: over two seconds, the index is 0.9 or better for the first time after the last has begun.
    const auto joined = static_cast<std::size_t>(r.members.back().starts / step);
    for (std::size_t k = joined + 4; k < r.series.size() && r.settled < 0; ++k) {
        std::vector<double> mean(r.members.size(), 0);
        for (std::size_t j = k - 3; j <= k; ++j) {
            for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += r.series[j][i];
        }
        if (jain(mean) >= 0.9)
            r.settled = static_cast<double>(k - joined) * std::chrono::duration<double>(step).count();
    }
}

std::vector<run> all_runs(bool quick, unsigned seeds) {
    std::vector<run> out;
    const nanos until = quick ? 60s : 120s;
    const auto add = [&](run r) {
        r.until = until;
        r.from = std::max(r.from, until / 2);
        for (unsigned i = 1; i <= seeds; ++i) {
            r.seed = i;
            out.push_back(r);
        }
    };
    for (const auto& by : bench::controls) {
        for (const unsigned n : {2U, 8U, 64U}) {
            const std::vector<member> same(n, {&by, 40, 0s});
            add({"share", by.name, same});
            add({"share codel", by.name, same, bench::discipline::codel});
        }
        add({"round trips", by.name, {{&by, 20, 0s}, {&by, 100, 0s}}});
        add({"join", by.name, {{&by, 40, 0s}, {&by, 40, 20s}}});
    }
    for (const auto& a : bench::controls) {
        for (const auto& b : bench::controls) {
            if (&a >= &b) continue;
            for (const unsigned n : {2U, 8U}) {
                run r{"together", std::string{a.name} + " and " + b.name, {}};
                for (unsigned i = 0; i < n; ++i) r.members.push_back({i % 2 == 0 ? &a : &b, 40, 0s});
                add(std::move(r));
            }
        }
    }
    return out;
}

void print(std::FILE* to, const std::vector<run>& runs) {
    std::fprintf(to, "what,by,flows,seed,jain,total_mbit,even,odd,settled_s\n");
    for (const run& r : runs) {
        double total = 0, part[2] = {0, 0};
        for (std::size_t i = 0; i < r.shares.size(); ++i) total += r.shares[i], part[i % 2] += r.shares[i];
        std::fprintf(to, "%s,%s,%zu,%llu,%.4f,%.3f,%.3f,%.3f,%.1f\n", r.what.c_str(), r.by.c_str(), r.members.size(),
                     static_cast<unsigned long long>(r.seed), jain(r.shares), total, part[0], part[1], r.settled);
    }
}

void print_series(std::FILE* to, const std::vector<run>& runs) {
    std::fprintf(to, "by,seed,seconds,first_mbit,second_mbit\n");
    for (const run& r : runs) {
        for (std::size_t k = 0; r.what == "join" && k < r.series.size(); ++k)
            std::fprintf(to, "%s,%llu,%.1f,%.3f,%.3f\n", r.by.c_str(), static_cast<unsigned long long>(r.seed),
                         static_cast<double>(k) * std::chrono::duration<double>(step).count(), r.series[k][0],
                         r.series[k][1]);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::arguments args{argc, argv, help};
    const bool quick = args.flag("--quick");
    const std::string only = args.text("--only", "");
    const unsigned seeds = args.whole("--seeds", quick ? 3 : 5);
    const unsigned threads = args.whole("--threads", 2);
    const std::string out = args.text("--out", "");
    const std::string series = args.text("--series", "");
    args.finish();

    std::vector<run> runs = all_runs(quick, seeds);
    std::erase_if(runs, [&](const run& r) { return r.name().find(only) == std::string::npos; });
    std::FILE* to = out.empty() ? stdout : std::fopen(out.c_str(), "w");
    std::FILE* also = series.empty() ? nullptr : std::fopen(series.c_str(), "w");
    if (to == nullptr || (also == nullptr && !series.empty())) args.refuse("cannot write " + out + " or " + series);
    bench::for_all(runs.size(), threads, "fairness", [&](std::size_t i) { play(runs[i]); });
    print(to, runs);
    if (also != nullptr) print_series(also, runs), std::fclose(also);
    if (to != stdout) std::fclose(to);
    return runs.empty() ? 1 : 0;
}
