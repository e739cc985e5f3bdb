// SPDX-License-Identifier: MIT
// cases.cpp: a test program tells ctest its cases, each with its tags as labels.
//
// With TCPFSM_CTEST_FILE in the environment it writes a script for ctest there and runs nothing; TCPFSM_CTEST_FOLDER is
// the folder of the tests, and TCPFSM_CTEST_PROGRAM what runs one. The script that comes with Catch2 2 knows no tags.
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include <support/catch.hpp>

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

#if __has_include(<catch2/catch_test_macros.hpp>)
using listener_base = Catch::EventListenerBase;
constexpr std::string_view run_one = "";
const Catch::TestCaseInfo& info(const Catch::TestCaseHandle& one) { return one.getTestCaseInfo(); }
std::string text(const Catch::Tag& tag) { return std::string{tag.original}; }
#else
using listener_base = Catch::TestEventListenerBase;
// A name that matches no case is a failure; Catch2 3 says so by itself.
constexpr std::string_view run_one = " --warn NoTests";
const Catch::TestCaseInfo& info(const Catch::TestCase& one) { return one; }
std::string text(const std::string& tag) { return tag; }
#endif

// One argument of CMake, whatever is in it.
std::string quoted(std::string_view what) { return "[==[" + std::string{what} + "]==]"; }

// The name as Catch2 wants it when it is to run that case alone.
std::string wanted(std::string_view name) {
    std::string out;
    for (const char c : name) {
        if (c == ',' || c == '[' || c == ']') {
            out += '\\';
        }
        out += c;
    }
    return out;
}

void describe(std::ostream& script, const Catch::TestCaseInfo& test, const std::string& folder, const char* program) {
    const std::string name = quoted(folder + '/' + test.name);
    script << "add_test(" << name << ' ' << quoted(program) << ' ' << quoted(wanted(test.name)) << run_one << ")\n"
           << "set_tests_properties(" << name << " PROPERTIES TIMEOUT 300 LABELS ";
    std::string labels = folder;
    for (const auto& each : test.tags) {
        const std::string tag = text(each);
        if (tag != folder && tag.front() != '!') {  // [!throws] and the like are meant for Catch2
            labels += ';' + tag;
        }
    }
    script << quoted(labels) << ")\n";
}

struct lister : listener_base {
    using listener_base::listener_base;

    void testRunStarting(const Catch::TestRunInfo&) override {
        const char* file = std::getenv("TCPFSM_CTEST_FILE");
        const char* folder = std::getenv("TCPFSM_CTEST_FOLDER");
        const char* program = std::getenv("TCPFSM_CTEST_PROGRAM");
        if (file == nullptr || folder == nullptr || program == nullptr) {
            return;
        }
        std::ofstream script{file};
        for (const auto& one : Catch::getRegistryHub().getTestCaseRegistry().getAllTests()) {
            if (!info(one).isHidden()) {
                describe(script, info(one), folder, program);
            }
        }
        script.close();
        std::exit(script ? EXIT_SUCCESS : EXIT_FAILURE);
    }
};

}  // namespace

CATCH_REGISTER_LISTENER(lister)
