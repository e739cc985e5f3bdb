// SPDX-License-Identifier: MIT
// matrix_test.cpp: every segment in every state comes to what the RFC's text says.

#include "matrix.hpp"

#include <support/catch.hpp>

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::matrix;

struct without_rfc5961 : policies {
    static constexpr bool rfc5961 = false;
};
struct without_rfc1337 : policies {
    static constexpr bool rfc1337 = false;
};
struct without_reopening : policies {
    static constexpr bool reopen_time_wait = false;
};
struct without_all : policies {
    static constexpr bool rfc5961 = false;
    static constexpr bool rfc1337 = false;
    static constexpr bool reopen_time_wait = false;
};

std::uint32_t seed() {
#if CATCH_VERSION_MAJOR >= 3
    return Catch::getSeed();
#else
    return Catch::rngSeed();
#endif
}

void print(std::string_view what, const score& s) {
    fmt::print("matrix, {}: {} segments", what, s.total());
    for (std::size_t i = 0; i < state_count; ++i)
        fmt::print("{}{} {}", i == 0 ? " (" : ", ", name(static_cast<state>(i)), s.segments[i]);
    fmt::print("), {} calls and walks; {} cells of the table reached; {} differences\n", s.calls, s.reached.count(),
               s.differences);
}

/// All worlds, and a random one.
template <class... Policies>
score run_everywhere(bool stamped) {
    score all;
    for (const world& w : test::worlds) (run<Policies>(w, stamped, all), ...);
    (run<Policies>(test::random_world(seed()), stamped, all), ...);
    return all;
}

}  // namespace

TEST_CASE("every segment in every state comes to what the text of the RFC says",
          "[3.10.7.1][3.10.7.2][3.10.7.3][3.10.7.4][3.10.1][3.10.2][3.10.4][3.10.5]") {
    const score all = run_everywhere<policies, without_rfc5961>(false);
    print("without options", all);
    INFO(all.first);
    CHECK(all.differences == 0);
    for (const auto n : all.segments) CHECK(n > 10'000);
}

TEST_CASE("every segment with timestamps and scaled windows does, too, under every policy",
          "[RFC 7323 5.3][RFC 7323 2.3][RFC 6191 2][RFC 1337 3][RFC 5961 3.2][RFC 5961 4.2][3.6.1]") {
    score all = run_everywhere<policies>(true);
    for (const world& w : {test::worlds[1], test::worlds[4]}) {
        run<without_rfc5961>(w, true, all);
        run<without_rfc1337>(w, true, all);
        run<without_reopening>(w, true, all);
        run<without_all>(w, true, all);
    }
    print("with timestamps", all);
    INFO(all.first);
    CHECK(all.differences == 0);
    for (const auto n : all.segments) CHECK(n > 10'000);
}

TEST_CASE("every cell of SEGMENT ARRIVES is reached, and none that is impossible",
          "[3.10.7.1][3.10.7.2][3.10.7.3][3.10.7.4]") {
    score all;
    for (const bool stamped : {false, true}) {
        run<policies>(test::worlds[0], stamped, all);
        run<without_rfc1337>(test::worlds[0], stamped, all);
        run<without_all>(test::worlds[0], stamped, all);
    }
    int cells = 0;
    for (std::size_t i = 0; i < state_count * event_count; ++i) {
        const auto s = static_cast<state>(i / event_count);
        const auto e = static_cast<event>(i % event_count);
        if (!events(event::rcv_stray, event::rcv_fin).contains(e)) continue;
        if (cite(s, e).cite.starts_with("RFC 7413")) continue;  // RFC 9293 knows nothing of fast open
        INFO(name(s) << ", " << name(e));
        CHECK(all.reached.test(i) != machine::table.at(s, e).is_impossible());
        cells += all.reached.test(i) ? 1 : 0;
    }
    fmt::print("matrix: all {} cells of SEGMENT ARRIVES reached\n", cells);
}
