// SPDX-License-Identifier: MIT
// readings_test.cpp: each place where documents leave a choice is one, and the matrix sees which was made.

#include "matrix.hpp"

#include <support/catch.hpp>

#include <fmt/format.h>

#include <cstdint>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::matrix;

/// Cells in which the library does not do what these readings say.
std::uint64_t differences(const oracle::readings& how) {
    std::uint64_t sum = 0;
    for (const bool stamped : {false, true}) {
        for (const window rcv : {window::open, window::zero}) {
            for_each_cell(situations<policies>(test::worlds[4], rcv, stamped, how), stamped,
                          [&sum](const auto&, const both<policies>& tcp) {
                              sum += tcp.agree() ? 0U : 1U;
                              return true;
                          });
        }
    }
    return sum;
}

}  // namespace

TEST_CASE("each reading of the RFC, turned to the letter, differs from the library", "[3.10.7.4]") {
    CHECK(differences({}) == 0);
    for (const oracle::named_reading& reading : oracle::all_readings) {
        oracle::readings how;
        how.*reading.which = false;
        const std::uint64_t seen = differences(how);
        INFO(reading.name);
        CHECK(seen != 0);
        fmt::print("matrix: {} turned to the letter makes {} differences  [{}]\n", reading.name, seen, reading.cite);
    }
}
