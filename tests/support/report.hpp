// SPDX-License-Identifier: MIT
// report.hpp: how a script fails: in the compiler, in a test, or as expected of a mutant.
#pragma once

#include <support/catch.hpp>

#include <tcpfsm/action.hpp>
#include <tcpfsm/event.hpp>
#include <tcpfsm/state.hpp>

#include <array>
#include <cstddef>
#include <ostream>
#include <string>

namespace tcpfsm::test {

/// A line of a test.
struct where {
    const char* file;
    int line;
    static constexpr where here(const char* f = __builtin_FILE(), int l = __builtin_LINE()) { return {f, l}; }
};

/// Thrown instead of a failure inside `fails`.
struct mismatch {
    std::string what;
};
inline bool& a_mismatch_is_expected() {
    static bool expected = false;
    return expected;
}

/// As long as it lives, a script that goes wrong throws a `mismatch`.
struct mismatches_are_thrown {
    mismatches_are_thrown() { a_mismatch_is_expected() = true; }
    ~mismatches_are_thrown() { a_mismatch_is_expected() = before; }
    mismatches_are_thrown(const mismatches_are_thrown&) = delete;
    mismatches_are_thrown& operator=(const mismatches_are_thrown&) = delete;
    bool before = a_mismatch_is_expected();
};

/// Ends the test as failed, at that line.
inline void fail_test(const std::string& message, where w) {
    if (a_mismatch_is_expected()) throw mismatch{message};
    Catch::AssertionHandler handler{"script", Catch::SourceLineInfo{w.file, static_cast<std::size_t>(w.line)},
                                    Catch::StringRef{}, Catch::ResultDisposition::Normal};
    handler.handleMessage(Catch::ResultWas::ExplicitFailure, std::string{message});
    handler.complete();
}

/// True iff a script in `body` goes wrong, as it must with a mutant: CHECK(fails([] { ... })).
template <class F>
bool fails(F body) {
    const mismatches_are_thrown here;
    try {
        body();
    } catch (const mismatch&) {
        return true;
    }
    return false;
}

/// States passed one after another: route{fin_wait_1, fin_wait_2, time_wait}.
class route {
public:
    template <class... S>
    constexpr explicit route(state first, S... more) : states_{first, more...}, size_{1 + sizeof...(more)} {}
    constexpr void then(state s) {
        if (size_ < states_.size()) states_[size_++] = s;
    }
    [[nodiscard]] constexpr state back() const { return states_[size_ - 1]; }
    friend constexpr bool operator==(const route&, const route&) = default;
    [[nodiscard]] std::string text() const {
        std::string out;
        for (std::size_t i = 0; i < size_; ++i) out += (i == 0 ? "" : " -> ") + std::string{name(states_[i])};
        return out;
    }

private:
    std::array<state, 24> states_{};
    std::size_t size_ = 0;
};

}  // namespace tcpfsm::test

namespace Catch {
template <>
struct StringMaker<tcpfsm::state> {
    static std::string convert(tcpfsm::state s) { return std::string{tcpfsm::name(s)}; }
};
template <>
struct StringMaker<tcpfsm::event> {
    static std::string convert(tcpfsm::event e) { return std::string{tcpfsm::name(e)}; }
};
template <>
struct StringMaker<tcpfsm::answer> {
    static std::string convert(tcpfsm::answer a) { return std::string{tcpfsm::describe(a)}; }
};
template <>
struct StringMaker<tcpfsm::signal> {
    static std::string convert(tcpfsm::signal s) { return std::string{tcpfsm::describe(s)}; }
};
template <>
struct StringMaker<tcpfsm::test::route> {
    static std::string convert(const tcpfsm::test::route& r) { return r.text(); }
};
}  // namespace Catch
