// SPDX-License-Identifier: MIT
// mutation.cpp: the theorems pin the table down. Whatever is changed in it, some theorem notices.

#include "theorem.hpp"

#include <support/catch.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace {

using namespace theorems;

bool noticed(const machine_table& mutant) {
    return std::ranges::any_of(theorem::all(), [&](const theorem& one) { return !one.holds(mutant); });
}

constexpr cell& at(machine_table& t, const place& p) {
    return t.cells[static_cast<std::size_t>(p.at)][static_cast<std::size_t>(p.on)];
}

std::string told(const place& p) { return fmt::format("{} on {}", name(p.at), name(p.on)); }

/// Calls `visit` with every cell that has a row.
template <class Visit>
void each_named_cell(Visit visit) {
    (void)every_cell(rfc, [&](const place& p) {
        if (p.has_row()) visit(p);
        return true;
    });
}

/// Mutants that no theorem tells from the table, and how many there were.
struct verdict {
    std::size_t tried = 0;
    std::vector<std::string> unnoticed;

    void judge(const machine_table& mutant, const std::string& what) {
        ++tried;
        if (!noticed(mutant)) unnoticed.push_back(what);
    }
    void report(std::string_view kind) const {
        fmt::print("mutation: {:4} mutants {}: {} unnoticed\n", tried, kind, unnoticed.size());
        for (const auto& one : unnoticed) {
            INFO(kind << ": " << one);
            CHECK(one.empty());
        }
        CHECK(tried != 0);
    }
};

}  // namespace

TEST_CASE("mutation: the table itself passes", "[theorems]") {
    CHECK_FALSE(theorem::all().empty());
    CHECK_FALSE(noticed(rfc));
}

TEST_CASE("mutation: no row can be taken away unnoticed", "[theorems]") {
    for (const saying hole : {saying::dropped(), saying::impossible()}) {
        verdict rows;
        for (const row& r : rfc9293::rows) {
            machine_table mutant = rfc;
            std::string what;
            each_named_cell([&](const place& p) {
                if (!p.in(r.in) || !p.is(r.on)) return;
                at(mutant, p) = cell{p.at, {}, hole};
                if (what.empty()) what = told(p);
            });
            rows.judge(mutant, what);
        }
        rows.report(hole == saying::dropped() ? "with one row dropped" : "with one row impossible");
    }
}

TEST_CASE("mutation: no cell can be taken away unnoticed", "[theorems]") {
    verdict cells;
    each_named_cell([&](const place& p) {
        machine_table mutant = rfc;
        at(mutant, p) = cell{p.at, {}, saying::dropped()};
        cells.judge(mutant, told(p));
    });
    cells.report("with one cell dropped");
}

TEST_CASE("mutation: no cell can lead elsewhere unnoticed", "[theorems]") {
    verdict ways;
    each_named_cell([&](const place& p) {
        for (std::size_t s = 0; s < state_count; ++s) {
            const auto other = static_cast<state>(s);
            if (other == p.to()) continue;
            machine_table mutant = rfc;
            at(mutant, p) = cell{other, p.what.doing(), p.what.says()};
            ways.judge(mutant, fmt::format("{} to {}", told(p), name(other)));
        }
    });
    ways.report("with one cell leading elsewhere");
}

TEST_CASE("mutation: no cell can do more or less unnoticed", "[theorems]") {
    verdict deeds;
    each_named_cell([&](const place& p) {
        for (std::size_t a = 0; a < action_count; ++a) {
            machine_table mutant = rfc;
            at(mutant, p) = cell{p.to(), actions{p.what.doing().bits() ^ (1U << a)}, p.what.says()};
            deeds.judge(mutant, fmt::format("{}, {} {}", told(p), p.does(static_cast<action>(a)) ? "without" : "with",
                                            name(static_cast<action>(a))));
        }
    });
    deeds.report("with one action more or less");
}

TEST_CASE("mutation: no cell can say anything else unnoticed", "[theorems]") {
    verdict words;
    each_named_cell([&](const place& p) {
        for (unsigned code = 0; code < saying::first_signal + signal_count; ++code) {
            const saying other = saying::from_code(code);
            if (p.says(other)) continue;
            machine_table mutant = rfc;
            at(mutant, p) = cell{p.to(), p.what.doing(), other};
            words.judge(mutant, fmt::format("{} says {}", told(p), code));
        }
    });
    words.report("with another answer or signal");
}

TEST_CASE("mutation: nothing can come of a dropped or impossible cell unnoticed", "[theorems]") {
    verdict holes;
    (void)every_cell(rfc, [&](const place& p) {
        if (p.has_row()) return true;
        for (std::size_t s = 0; s < state_count; ++s) {
            const auto other = static_cast<state>(s);
            if (other == p.at) continue;
            machine_table mutant = rfc;
            at(mutant, p) = cell{other, {}, p.what.says()};
            holes.judge(mutant, fmt::format("{} to {}", told(p), name(other)));
        }
        for (std::size_t a = 0; a < action_count; ++a) {
            machine_table mutant = rfc;
            at(mutant, p) = cell{p.to(), static_cast<action>(a), {}};
            holes.judge(mutant, fmt::format("{} with {}", told(p), name(static_cast<action>(a))));
        }
        return true;
    });
    holes.report("with a row where there was none");
}
