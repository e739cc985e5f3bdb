// SPDX-License-Identifier: MIT
// arcs_test.cpp: the oracle moves as figure 5 and the text say, and in no other way.

#include "arcs.hpp"
#include "matrix.hpp"

#include <support/catch.hpp>

#include <fmt/format.h>

#include <cstddef>
#include <iterator>
#include <set>
#include <string>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::matrix;
using oracle::all_arcs;
using oracle::cause;
using oracle::double_arcs;

oracle::reply reply_of(const oracle::report& said) {
    if (said.sent.count == 0) return oracle::reply::none;
    const oracle::segment& seg = said.sent.all[0];
    if (seg.rst) return oracle::reply::rst;
    if (seg.fin) return oracle::reply::fin;
    if (seg.syn) return seg.acks ? oracle::reply::syn_ack : oracle::reply::syn;
    return oracle::reply::ack;
}

/// All moves that the oracle makes, and which arcs they are.
struct atlas {
    std::set<std::size_t> made;         ///< places in all_arcs
    std::set<std::size_t> made_double;  ///< places in double_arcs
    std::set<std::string> unknown;      ///< moves that are no arc

    void note(const oracle::report& said, bool fin_arrived, const oracle::readings& how) {
        const auto& moves = said.moves;
        for (std::size_t i = 0; i < moves.count; ++i) {
            const auto& m = moves.all[i];
            bool found = false;
            for (std::size_t k = 0; k < std::size(all_arcs); ++k) {
                const oracle::arc& a = all_arcs[k];
                if (a.from != m.from || a.to != m.to || a.by != m.cause) continue;
                if (a.letter != nullptr && how.*a.letter) continue;
                found = true;
                if (moves.count == 1 && !said.ack_delayed && reply_of(said) == a.reply) made.insert(k);
            }
            if (!found) {
                unknown.insert(fmt::format("{} -> {} ({})", words(m.from), words(m.to), static_cast<int>(m.cause)));
            }
        }
        if (moves.count != 2) return;
        for (std::size_t k = 0; k < std::size(double_arcs); ++k) {
            const oracle::double_arc& a = double_arcs[k];
            if (a.from == moves.all[0].from && a.through == moves.all[0].to && a.through == moves.all[1].from &&
                a.to == moves.all[1].to && a.carries_fin == fin_arrived)
                made_double.insert(k);
        }
    }
};

/// Through the whole matrix with these readings; the timeouts beside it.
void travel(atlas& all, const oracle::readings& how) {
    for (const bool stamped : {false, true}) {
        for (const window rcv : {window::open, window::zero}) {
            const auto where = situations<policies>(test::worlds[4], rcv, stamped, how);
            for_each_cell(where, stamped, [&](const auto& cell, const both<policies>& after) {
                all.note(after.report, cell.arrives != nullptr && cell.arrives->fin, how);
                return true;
            });
            for (const auto& at : where) {
                for (auto call :
                     {&oracle::tcp::user_timeout, &oracle::tcp::time_wait_timeout, &oracle::tcp::hard_error}) {
                    oracle::tcp rfc = at.tcp.rfc;
                    (rfc.*call)();
                    all.note(rfc.said, false, how);
                }
            }
        }
    }
}

}  // namespace

TEST_CASE("the oracle makes every move of figure 5, of its notes and of the text, and no other", "[figure 5]") {
    atlas all;
    travel(all, {});
    for (bool oracle::readings::*letter :
         {&oracle::readings::issuer_of_reset_goes, &oracle::readings::rfc1337, &oracle::readings::rfc5961}) {
        oracle::readings how;
        how.*letter = false;
        travel(all, how);
    }
    for (std::size_t k = 0; k < std::size(all_arcs); ++k) {
        INFO(all_arcs[k].id << ": " << words(all_arcs[k].from) << " to " << words(all_arcs[k].to));
        CHECK(all.made.count(k) == 1);
    }
    for (std::size_t k = 0; k < std::size(double_arcs); ++k) {
        INFO(double_arcs[k].id);
        CHECK(all.made_double.count(k) == 1);
    }
    for (const std::string& m : all.unknown) {
        INFO("the oracle moves " << m << ", and no arc does");
        CHECK(false);
    }
    fmt::print("matrix: {} arcs and {} double ones made by the oracle, {} moves that are none\n", all.made.size(),
               all.made_double.size(), all.unknown.size());
}
