// SPDX-License-Identifier: MIT
// scale.cpp: what a request and a connection cost a host that has many others.

#include "scale/exchange.hpp"

#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

namespace {

using namespace bench;

constexpr const char* help =
    "bench_scale [--quick] [--lean] [--only requests|visits|idle]\n"
    "  requests: 64 octets and an answer of 64, whole packets, at a random one of so many connections\n"
    "  visits:   a connection, opened, asked, answered, closed, among so many in TIME-WAIT\n"
    "  idle:     the memory of connections that are established and have nothing to say\n"
    "  --quick   at most 100,000 connections, and fewer rounds\n"
    "  --lean    a connection that remembers less: 4 ranges beyond a gap, 8 of what was sent, no undoing\n"
    "Prints: ratio NAME VALUE TARGET ok|miss. A ratio compares medians of rounds that took turns.\n";

struct lean : policies {
    static constexpr std::size_t reassembly_ranges = 4;
    static constexpr std::size_t sent_ranges = 8;
    static constexpr bool undo = false;
};

struct wishes {
    bool quick = false;
    bool lean = false;
    std::string_view only{};
    [[nodiscard]] bool wants(std::string_view part) const { return only.empty() || only == part; }
};

double median(std::vector<double> v) {
    std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
    return v[v.size() / 2];
}
double least(const std::vector<double>& v) { return *std::min_element(v.begin(), v.end()); }

void print_ratio(const std::string& name, double value, double target, bool at_most) {
    const bool ok = at_most ? value <= target : value >= target;
    std::printf("ratio %-24s %8.2f %8.2f %s\n", name.c_str(), value, target, ok ? "ok" : "miss");
    std::fflush(stdout);
}

struct step {
    std::uint32_t connections;
    double target;
};

template <class P>
void measure_requests(const wishes& w) {
    std::vector<step> steps{{1, 1}, {1'000, 1.5}, {10'000, 2}, {100'000, 4}, {1'000'000, 5}};
    if (w.quick) steps.pop_back();
    std::vector<std::unique_ptr<requests<P>>> all;
    for (const step& s : steps) {
        std::fprintf(stderr, "requests: %u connections\n", s.connections);
        all.push_back(std::make_unique<requests<P>>(s.connections));
    }
    const std::size_t rounds = w.quick ? 5 : 15, blocks = w.quick ? 40 : 100;
    std::vector<std::vector<double>> single(steps.size()), batched(steps.size());
    for (auto& a : all) (void)a->one_by_one(2 * blocks);
    for (std::size_t r = 0; r < rounds; ++r) {
        for (std::size_t i = 0; i < all.size(); ++i) single[i].push_back(all[i]->one_by_one(blocks));
        for (std::size_t i = 0; i < all.size(); ++i) batched[i].push_back(all[i]->in_batches(blocks));
    }
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const std::string n = std::to_string(steps[i].connections);
        std::printf("request %9u connections %8.0f ns (least %.0f), in batches %.0f ns (least %.0f)\n",
                    steps[i].connections, median(single[i]), least(single[i]), median(batched[i]), least(batched[i]));
        if (i == 0) continue;
        print_ratio("request_" + n, median(single[i]) / median(single[0]), steps[i].target, true);
        print_ratio("request_batch_" + n, median(batched[i]) / median(single[0]), steps[i].target, true);
    }
}

template <class P>
void measure_visits(const wishes& w) {
    std::vector<step> steps{{0, 1}, {10'000, 0.8}, {1'000'000, 0.5}};
    if (w.quick) steps.pop_back();
    std::vector<std::unique_ptr<visits<P>>> all;
    for (const step& s : steps) {
        std::fprintf(stderr, "visits: %u in TIME-WAIT\n", s.connections);
        all.push_back(std::make_unique<visits<P>>(s.connections));
    }
    const std::size_t rounds = w.quick ? 5 : 15;
    std::vector<std::vector<double>> costs(steps.size());
    for (auto& a : all) (void)a->run(40);
    for (std::size_t r = 0; r < rounds; ++r) {
        for (std::size_t i = 0; i < all.size(); ++i) costs[i].push_back(all[i]->run(40));
    }
    const double alone = median(costs[0]);
    for (std::size_t i = 0; i < steps.size(); ++i) {
        std::printf("visit   %9zu lingering   %8.0f ns (least %.0f), %.0f a second; %.1f MB in all\n",
                    all[i]->lingering(), median(costs[i]), least(costs[i]), 1e9 / median(costs[i]),
                    static_cast<double>(all[i]->bytes()) / 1e6);
        if (i != 0)
            print_ratio("visits_" + std::to_string(steps[i].connections), alone / median(costs[i]), steps[i].target,
                        false);
    }
}

/// Octets of this process that are in memory.
double resident() {
    std::FILE* f = std::fopen("/proc/self/statm", "r");
    require(f != nullptr, "no /proc/self/statm");
    unsigned long all = 0, here = 0;
    require(std::fscanf(f, "%lu %lu", &all, &here) == 2, "/proc/self/statm cannot be read");
    std::fclose(f);
    return static_cast<double>(here) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

template <class P>
void measure_idle(const wishes& w) {
    const std::uint32_t n = w.quick ? 100'000 : 1'000'000;
    std::fprintf(stderr, "idle: %u connections\n", n);
    const double before = resident();
    double here = 0, lent = 0, buffers = 0;
    {
        crowd<P> c{n};
        {
            std::vector<peer> peers(n);
            establish(c, peers, 0);
        }
        here = resident() - before;
        lent = static_cast<double>(c.bytes());
        buffers = static_cast<double>(c.buffer_bytes());
    }
    std::printf("idle    %9u connections %8.0f octets each: connection %zu, slot %zu, buffers %.0f; resident %.0f\n", n,
                lent / n, sizeof(basic_connection<P>), sizeof(slot<P>), buffers / n, here / n);
    print_ratio("idle_octets", lent / n, 512, true);
    print_ratio("idle_octets_resident", here / n, 512, true);
}

template <class P>
void measure(const wishes& w) {
    if (w.wants("idle")) measure_idle<P>(w);
    if (w.wants("requests")) measure_requests<P>(w);
    if (w.wants("visits")) measure_visits<P>(w);
}

}  // namespace

int main(int count, char** words) {
    wishes w;
    for (int i = 1; i < count; ++i) {
        const std::string_view word{words[i]};
        if (word == "--quick") {
            w.quick = true;
        } else if (word == "--lean") {
            w.lean = true;
        } else if (word == "--only" && i + 1 < count) {
            w.only = words[++i];
        } else {
            std::fputs(help, word == "--help" ? stdout : stderr);
            return word == "--help" ? 0 : 1;
        }
    }
    w.lean ? measure<lean>(w) : measure<policies>(w);
}
