// SPDX-License-Identifier: MIT
// marking.cpp: a queue that marks from a threshold on, as switches of data centres do, and who makes what of it.
#include "arguments.hpp"
#include "controls.hpp"
#include "parallel.hpp"
#include "simulation.hpp"

#include <tcpfsm/congestion/dctcp.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using bench::nanos;

constexpr const char* help =
    "bench_loss_marking: DCTCP and others where a queue marks from a threshold on; one line of CSV for each run\n"
    "  --seeds <n>       runs with so many (5)\n"
    "  --seconds <n>     of virtual time (10); the second half counts\n"
    "  --threads <n>     at once (2)\n"
    "  --out <file>      where the CSV goes (standard output)\n";

/// Marks above so many octets, a seventh of what the path holds (RFC 8257 section 3.1 leaves it to the operator); the
/// queue has room for as much as the path.
struct place {
    const char* name;
    std::uint64_t rate;
    nanos rtt;
    [[nodiscard]] std::uint64_t bdp() const {
        return rate / 8 * static_cast<std::uint64_t>(rtt.count()) / 1'000'000'000;
    }
    [[nodiscard]] std::uint64_t threshold() const { return bdp() / 7; }
};
constexpr place places[] = {{"1 Gbit/s 1 ms", 1'000'000'000, 1ms}, {"100 Mbit/s 20 ms", 100'000'000, 20ms}};

struct entrant {
    bench::control by;
    tcpfsm::ecn_wish ecn;
};
const entrant entrants[] = {{{"dctcp", bench::make_bulk<tcpfsm::dctcp>}, tcpfsm::ecn_wish::ask},
                            {{"cubic with ECN", bench::make_bulk<tcpfsm::cubic>}, tcpfsm::ecn_wish::ask},
                            {{"cubic", bench::make_bulk<tcpfsm::cubic>}, tcpfsm::ecn_wish::refuse}};

struct run {
    const place* where;
    const entrant* who;
    unsigned flows;
    std::uint64_t seed;
    double fraction = 0, jain = 0, mean_us = 0, p99_us = 0;
    std::uint64_t marked = 0, lost = 0, timeouts = 0;
};

void play(run& r, nanos lasts) {
    const place& at = *r.where;
    bench::simulation s{
        {.rate = at.rate, .delay = at.rtt / 2, .queue = at.bdp(), .mark_above = at.threshold(), .seed = r.seed}};
    bench::dice when{r.seed};
    for (unsigned i = 0; i < r.flows; ++i) {
        const nanos starts{static_cast<std::int64_t>(when.roll() % 500'000'000)};
        s.add(r.who->by.make(static_cast<std::uint32_t>(std::max<std::uint64_t>(8 * at.bdp(), 1U << 20U)), r.who->ecn),
              {.rate = at.rate, .delay = at.rtt / 2, .queue = 1U << 30U}, starts);
    }
    std::vector<std::uint64_t> before(r.flows, 0);
    std::vector<float> waits;
    s.every(100us, [&](nanos now) {
        if (now < lasts / 2) {
            for (unsigned i = 0; i < r.flows; ++i) before[i] = s.of(i).counts.delivered;
            return;
        }
        waits.push_back(static_cast<float>(s.bottleneck().octets_waiting()) * 8e6F / static_cast<float>(at.rate));
    });
    s.run(lasts);
    double sum = 0, squares = 0;
    for (unsigned i = 0; i < r.flows; ++i) {
        const auto got = static_cast<double>(s.of(i).counts.delivered - before[i]);
        sum += got, squares += got * got;
        r.timeouts += s.of(i).counts.timeouts;
    }
    r.fraction = 8 * sum / std::chrono::duration<double>(lasts / 2).count() / static_cast<double>(at.rate);
    r.jain = squares == 0 ? 0 : sum * sum / (r.flows * squares);
    for (const float w : waits) r.mean_us += static_cast<double>(w) / static_cast<double>(waits.size());
    std::sort(waits.begin(), waits.end());
    if (!waits.empty()) r.p99_us = static_cast<double>(waits[waits.size() * 99 / 100]);
    r.marked = s.bottleneck().counts().marked;
    r.lost = s.bottleneck().counts().overflowed;
}

}  // namespace

int main(int argc, char** argv) {
    bench::arguments args{argc, argv, help};
    const unsigned seeds = args.whole("--seeds", 5);
    const nanos lasts = std::chrono::seconds{args.whole("--seconds", 10)};
    const unsigned threads = args.whole("--threads", 2);
    const std::string out = args.text("--out", "");
    args.finish();
    std::FILE* to = out.empty() ? stdout : std::fopen(out.c_str(), "w");
    if (to == nullptr) args.refuse("cannot write " + out);
    std::vector<run> runs;
    for (const auto& where : places) {
        for (const unsigned flows : {1U, 8U}) {
            for (const auto& who : entrants) {
                for (unsigned seed = 1; seed <= seeds; ++seed) runs.push_back({&where, &who, flows, seed});
            }
        }
    }
    bench::for_all(runs.size(), threads, "marking", [&](std::size_t i) { play(runs[i], lasts); });
    std::fprintf(to,
                 "who,place,threshold,flows,seed,fraction,jain,wait_mean_us,wait_p99_us,marked,overflowed,timeouts\n");
    for (const run& r : runs) {
        const auto n = [](std::uint64_t v) { return static_cast<unsigned long long>(v); };
        std::fprintf(to, "%s,%s,%llu,%u,%llu,%.5f,%.4f,%.1f,%.1f,%llu,%llu,%llu\n", r.who->by.name, r.where->name,
                     n(r.where->threshold()), r.flows, n(r.seed), r.fraction, r.jain, r.mean_us, r.p99_us, n(r.marked),
                     n(r.lost), n(r.timeouts));
    }
    if (to != stdout) std::fclose(to);
}
