// SPDX-License-Identifier: MIT
// bbr_connection.cpp: whole connections with BBR over the simulated paths of bench/loss.

#include "support/catch.hpp"

#include "../../bench/loss/flow.hpp"
#include "../../bench/loss/four_paths.hpp"
#include "../../bench/loss/simulation.hpp"

#include <tcpfsm/congestion/bbr.hpp>

#include <chrono>
#include <cstdint>
#include <memory>

using namespace std::chrono_literals;

namespace {

using flow = bench::bulk<bench::server<tcpfsm::bbr>>;

bench::simulation transfer(const bench::named_path& path, std::uint64_t seed) {
    bench::simulation s{bench::way_there(path, seed)};
    s.add(std::make_unique<flow>(4U << 20U), bench::way_back());
    s.run(10s);
    return s;
}

/// After ten seconds: more than this share of the link was used, and no timer was needed.
void keeps_busy(const bench::simulation& s, double want) {
    const auto& counts = s.of(0).counts;
    const double share = static_cast<double>(counts.delivered) * 8 / 10 / static_cast<double>(bench::path_rate);
    CAPTURE(share, counts.needless);
    CHECK(share > want);
    CHECK(counts.timeouts == 0);
}

}  // namespace

TEST_CASE("BBR keeps 100 Mbit/s busy, whatever the path loses or delays", "[bbr]") {
    // Shares of the link, headers among them: text alone could have 0.965, less what is lost.
    for (const auto& path : bench::four_paths) {
        const double want = path.loss >= 50'000 ? 0.82 : path.late != 0 ? 0.86 : path.loss != 0 ? 0.88 : 0.92;
        for (const std::uint64_t seed : {1U, 2U, 3U}) {
            const bench::simulation s = transfer(path, seed);
            CAPTURE(path.name, seed);
            keeps_busy(s, want);
        }
    }
}

TEST_CASE("BBR keeps it busy where ACKs wait for each other, and everything comes a little late", "[bbr]") {
    // As a kernel reads, through a relay: up to a millisecond of ACKs in one.
    for (const auto& path : bench::four_paths) {
        const double want = path.loss >= 50'000 ? 0.83 : path.late != 0 ? 0.92 : path.loss != 0 ? 0.91 : 0.92;
        for (const std::uint64_t seed : {1U, 2U, 3U}) {
            bench::link_settings there = bench::way_there(path, seed), back = bench::way_back();
            there.jitter = back.jitter = 100us;
            bench::simulation s{there};
            s.add(std::make_unique<flow>(4U << 20U), back, {}, {.compresses = 1ms, .wakes_late = 100us});
            s.run(10s);
            CAPTURE(path.name, seed);
            keeps_busy(s, want);
        }
    }
}

TEST_CASE("what BBR believes of a path that loses is what the path is", "[bbr]") {
    // Records that were taken together must not tell of round trips that nobody has made, nor of rates.
    for (const auto& path : bench::four_paths) {
        bench::simulation s{bench::way_there(path, 1)};
        auto tcp = std::make_unique<flow>(4U << 20U);
        const flow& f = *tcp;
        s.add(std::move(tcp), bench::way_back());
        for (int i = 1; i <= 100; ++i) {
            s.run(i * 100ms);
            const auto& c = f.sender().congestion;
            CAPTURE(path.name, i);
            CHECK(c.min_rtt() >= 20ms);
            CHECK(c.max_bw() < 12'500'000 * 105 / 100);
        }
    }
}
