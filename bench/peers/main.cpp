// SPDX-License-Identifier: MIT
// main.cpp: what TCP costs: the limit of the machine, tcpfsm, lwIP and the kernel, side by side in one run.
#include "row.hpp"

#include "../loss/arguments.hpp"

#include <sched.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace {

using bench::row;
using bench::target;
using bench::unit;

constexpr const char* help =
    "bench_peers: the same work done by copy loops, by tcpfsm, by lwIP and by the kernel, on one core\n"
    "  --rounds <n>   the rows take turns so many times (5)\n"
    "  --slice <ms>   how long a row works in each round (40)\n"
    "  --only <text>  only rows whose name has it\n"
    "  --cpu <n>      the core (the one that it runs on)\n"
    "  --out <file>   the figures as CSV, too\n"
    "  --list         only names the rows\n"
    "What counts is the time that the program ran, but for the kernel, whose work is not all the program's.\n"
    "Every row first moves its octets once and looks at each. The lines `ratio` at the end compare medians of what "
    "the\n"
    "rounds gave: NAME VALUE TARGET ok|miss. It exits with 1 if octets were wrong; a miss is no error.\n";

/// What is wanted. A limit does the copies and the sums of its row, and no TCP.
const std::vector<target> targets{
    {"lent/limit", "tcpfsm lent", "limit lent", 0.60},
    {"lent/lwip", "tcpfsm lent", "lwip best", 2.0},
    {"stream/limit", "tcpfsm stream", "limit stream", 0.80},
    {"super/limit", "tcpfsm super", "limit lent", 0.90},
    {"numbers", "tcpfsm numbers", "", 40, false},
    {"rr/floor", "tcpfsm rr", "limit rr", 1.4, false},
    {"open..close", "tcpfsm open..close", "", 350, false},
    {"open..close/lwip", "tcpfsm open..close", "lwip open..close", 0.52, false},
};

using figures = std::vector<double>;

std::chrono::nanoseconds clock_of(const row& r) {
    timespec t{};
    ::clock_gettime(r.by_wall ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID, &t);
    return std::chrono::seconds{t.tv_sec} + std::chrono::nanoseconds{t.tv_nsec};
}
/// Works for so long, and answers GB/s or nanoseconds a thing.
double measure(const row& r, std::chrono::nanoseconds slice) {
    const auto begin = clock_of(r);
    std::uint64_t done = 0;
    std::chrono::nanoseconds spent{};
    do {
        done += r.work(false);
        spent = clock_of(r) - begin;
    } while (spent < slice);
    const auto ns = static_cast<double>(spent.count());
    return r.in == unit::nanoseconds ? ns / static_cast<double>(done) : static_cast<double>(done) / ns;
}
double median(figures f) {
    std::sort(f.begin(), f.end());
    const std::size_t half = f.size() / 2;
    return f.size() % 2 != 0 ? f[half] : (f[half - 1] + f[half]) / 2;
}
/// The best of lwIP's ways to move text.
void add_best(std::map<std::string, figures>& all) {
    figures best;
    for (const auto& [name, f] : all) {
        const bool bulk = name.starts_with("lwip bulk") && name.find("no sums") == std::string::npos;
        if (bulk && (best.empty() || median(f) > median(best))) best = f;
    }
    if (!best.empty()) all["lwip best"] = best;
}
/// What rounds have in common is left out: each is compared with its own round.
std::optional<double> value_of(const target& t, const std::map<std::string, figures>& all) {
    const auto mine = all.find(t.row);
    const auto other = all.find(t.beside);
    if (mine == all.end() || (other == all.end() && !t.beside.empty())) return std::nullopt;
    figures f = mine->second;
    if (!t.beside.empty()) {
        for (std::size_t i = 0; i < f.size(); ++i) f[i] /= other->second[i];
    }
    return median(f);
}
int pin(int cpu) {
    if (cpu < 0) cpu = ::sched_getcpu();
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<std::size_t>(cpu), &one);
    return ::sched_setaffinity(0, sizeof one, &one) == 0 ? cpu : -1;
}

}  // namespace

int main(int argc, char** argv) {
    bench::arguments args{argc, argv, help};
    const unsigned rounds = std::max(1U, args.whole("--rounds", 5));
    const std::chrono::milliseconds slice{args.whole("--slice", 40)};
    const std::string only = args.text("--only", "");
    const std::string cpu = args.text("--cpu", "-1");
    const std::string out = args.text("--out", "");
    const bool list = args.flag("--list");
    args.finish();
    std::FILE* csv = out.empty() ? nullptr : std::fopen(out.c_str(), "w");
    if (!out.empty() && csv == nullptr) args.refuse("cannot write " + out);

    const int pinned = pin(std::atoi(cpu.c_str()));
    if (pinned < 0) std::fprintf(stderr, "not pinned to a core: the figures will be wild\n");
    std::vector<row> rows;
    bench::add_limits(rows);
    bench::add_ours(rows);
    bench::add_lwip(rows);
    bench::add_kernel(rows);
    std::erase_if(rows, [&](const row& r) { return r.name.find(only) == std::string::npos; });
    if (list) {
        for (const row& r : rows) std::printf("%s\n", r.name.c_str());
        return 0;
    }

    bool sound = true;
    for (row& r : rows) {
        if (!r.skipped.empty() || r.work(true) != 0) continue;
        std::fprintf(stderr, "%s: wrong octets\n", r.name.c_str());
        r.skipped = "it moves wrong octets";
        sound = false;
    }
    std::map<std::string, figures> all;
    for (unsigned round = 0; round < rounds; ++round) {
        std::fprintf(stderr, "round %u of %u\n", round + 1, rounds);
        for (const row& r : rows) {
            if (r.skipped.empty()) all[r.name].push_back(measure(r, slice));
        }
    }

    std::printf("core %d, %u rounds, buffers of %zu octets, MSS 1460\n", pinned, rounds, bench::buffer_size);
    if (csv != nullptr) std::fprintf(csv, "row,unit,median,min,max\n");
    for (const row& r : rows) {
        if (!r.skipped.empty()) {
            std::printf("%-34s skipped: %s\n", r.name.c_str(), r.skipped.c_str());
            continue;
        }
        const figures& f = all[r.name];
        const auto [least, most] = std::minmax_element(f.begin(), f.end());
        const char* in = r.in == unit::nanoseconds ? "ns" : "GB/s";
        std::printf("%-34s %9.2f %-4s  (%.2f to %.2f)\n", r.name.c_str(), median(f), in, *least, *most);
        if (csv != nullptr) std::fprintf(csv, "%s,%s,%.3f,%.3f,%.3f\n", r.name.c_str(), in, median(f), *least, *most);
    }
    add_best(all);
    for (const target& t : targets) {
        const auto value = value_of(t, all);
        const char* than = t.at_least ? ">=" : "<=";
        if (!value) {
            std::printf("ratio %s - %s%.2f skipped\n", t.name.c_str(), than, t.value);
            continue;
        }
        const bool ok = t.at_least ? *value >= t.value : *value <= t.value;
        std::printf("ratio %s %.2f %s%.2f %s\n", t.name.c_str(), *value, than, t.value, ok ? "ok" : "miss");
        if (csv != nullptr)
            std::fprintf(csv, "ratio %s,,%.3f,%.3f,%s\n", t.name.c_str(), *value, t.value, ok ? "ok" : "miss");
    }
    if (csv != nullptr) std::fclose(csv);
    return sound ? 0 : 1;
}
