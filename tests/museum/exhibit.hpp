// SPDX-License-Identifier: MIT
// exhibit.hpp: what all exhibits of the museum share.
#pragma once

#include <support/states.hpp>
#include <support/subject.hpp>

#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

// An exhibit is a bug that some TCP once had. It is one script with its assertions, written once as a template over
// the policies (or over the parser): it holds for ours, and the same script must go wrong for a mutant that has the
// bug. Otherwise it would prove nothing. The tag of a case, [M27], is its number in docs/museum.md.
//
// A mutant is made through the library's own seams:
//
//   a row             struct m : mutant { using table = ...; }, with a table that derives from rfc9293
//   a judge           template <> constexpr event tcpfsm::judge_text<recorded<m>>(...) noexcept { ... }
//   before or after   template <> constexpr void tcpfsm::performer<recorded<m>>::perform(actions todo) noexcept {
//   an action             while (!todo.empty()) { const action a = todo.pop(); perform(a); /* the bug */ }
//                     }
//   any member        of acknowledger, emitter, performer, reassembly: an explicit specialisation, as above
//   memory of its own a congestion control that derives from new_reno, with members more

namespace tcpfsm::museum {

using test::where;

/// What mutants derive from: no shortcut, which would go round the judge or the action that is altered.
struct mutant : policies {
    static constexpr bool prediction = false;
};

/// Fails the exhibit unless this holds. In the compiler, too.
constexpr void expect(bool holds, std::string_view what, where w = where::here()) {
    if (holds) return;
    if (std::is_constant_evaluated()) {
        test::the_script_fails_here();
    } else {
        test::fail_test(std::string{what}, w);
    }
}

/// True iff the exhibit fails with its mutant: CHECK(caught([] { exhibit<mutant>(); })). With TCPFSM_CENSUS in the
/// environment each mutant is reported once, for the census.
template <class F>
bool caught(F exhibit, where w = where::here()) {
    static std::set<std::pair<std::string_view, int>> known;
    if (!test::fails(exhibit)) return false;
    if (std::getenv("TCPFSM_CENSUS") != nullptr && known.emplace(w.file, w.line).second) {
        std::printf("caught in: %s\n", Catch::getResultCapture().getCurrentTestName().c_str());
    }
    return true;
}

}  // namespace tcpfsm::museum
