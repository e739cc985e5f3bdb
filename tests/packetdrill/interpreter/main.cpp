// SPDX-License-Identifier: MIT
// main.cpp: plays packetdrill scripts against the library, without packetdrill.
#include "run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace tcpfsm::drill;
namespace fs = std::filesystem;

constexpr std::string_view help = R"(usage: interpreter [options] <script or folder>...

Plays packetdrill scripts against tcpfsm, through the plugin that packetdrill itself would load.

  --ip <families>     of ipv4, ipv6, mapped, with commas between; all three if not given
  --so-flags <flags>  for the plugin, before those of the scripts
  --peer-isn <n>      is added to the sequence numbers of the script's side; 0 if not given
  --verbose           every packet and call with its time, of scripts that pass, too
  --help              this

Exit code: 0 if all passed, 1 if one failed, 2 if this could not be understood.
)";

struct wishes {
    std::vector<family> families{family::ipv4, family::ipv6, family::mapped};
    settings how{};
    bool verbose = false;
    std::vector<fs::path> scripts{};
};

void add_scripts(std::vector<fs::path>& to, const fs::path& from) {
    if (!fs::exists(from)) throw std::invalid_argument{fmt::format("there is no '{}'", from.string())};
    if (!fs::is_directory(from)) return to.push_back(from);
    std::vector<fs::path> found;
    for (const auto& entry : fs::recursive_directory_iterator{from}) {
        if (entry.path().extension() == ".pkt") found.push_back(entry.path());
    }
    if (found.empty()) throw std::invalid_argument{fmt::format("there is no script in '{}'", from.string())};
    std::sort(found.begin(), found.end());
    to.insert(to.end(), found.begin(), found.end());
}

std::vector<family> families_in(std::string_view list) {
    std::vector<family> out;
    while (!list.empty()) {
        const std::string_view word = list.substr(0, list.find(','));
        const auto f = family_of(word);
        if (!f) throw std::invalid_argument{fmt::format("'{}' is none of ipv4, ipv6 and mapped", word)};
        out.push_back(*f);
        list.remove_prefix(std::min(list.size(), word.size() + 1));
    }
    return out;
}

wishes read(const std::vector<std::string_view>& words) {
    wishes out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const auto value = [&] {
            if (++i == words.size()) throw std::invalid_argument{fmt::format("{} needs a value", words[i - 1])};
            return words[i];
        };
        if (words[i] == "--verbose") {
            out.verbose = true;
        } else if (words[i] == "--ip") {
            out.families = families_in(value());
        } else if (words[i] == "--so-flags") {
            out.how.so_flags = value();
        } else if (words[i] == "--peer-isn") {
            const std::string_view n = value();
            if (std::from_chars(n.data(), n.data() + n.size(), out.how.peer_isn).ptr != n.data() + n.size())
                throw std::invalid_argument{"--peer-isn needs a number of 32 bits"};
        } else if (words[i].starts_with("--")) {
            throw std::invalid_argument{fmt::format("there is no option {}", words[i])};
        } else {
            add_scripts(out.scripts, words[i]);
        }
    }
    if (out.scripts.empty()) throw std::invalid_argument{"which scripts?"};
    return out;
}

std::string_view word_for(outcome::kind k) {
    return k == outcome::kind::passed ? "pass" : k == outcome::kind::failed ? "FAIL" : "skip";
}

int run(const wishes& wanted) {
    std::map<outcome::kind, int> counts;
    std::string failures;
    std::size_t width = 6;
    for (const auto& path : wanted.scripts) width = std::max(width, path.string().size());
    fmt::print("{:{}}", "script", width);
    for (const family f : wanted.families) fmt::print("  {:6}", name(f));
    fmt::print("  seconds\n");
    for (const auto& path : wanted.scripts) {
        std::ifstream in{path};
        const std::string text{std::istreambuf_iterator<char>{in}, {}};
        std::string row = fmt::format("{:{}}", path.string(), width);
        std::string told;
        double lasted = 0;
        for (const family f : wanted.families) {
            settings how = wanted.how;
            how.over = f;
            const outcome got = play(text, how);
            ++counts[got.is];
            row += fmt::format("  {:6}", word_for(got.is));
            lasted = std::max(lasted, static_cast<double>(got.lasted) / 1e6);
            if (got.is == outcome::kind::failed)
                failures += fmt::format("\nFAIL {} ", name(f)) + report(path.string(), text, got);
            if (!wanted.verbose || got.is != outcome::kind::passed) continue;
            told += fmt::format("  {}\n", name(f));
            for (const std::string& line : got.trace) told += "    " + line + "\n";
        }
        fmt::print("{}  {:7.3f}\n{}", row, lasted, told);
    }
    fmt::print("{}\n{} passed, {} failed, {} skipped\n", failures, counts[outcome::kind::passed],
               counts[outcome::kind::failed], counts[outcome::kind::skipped]);
    return counts[outcome::kind::failed] == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const std::vector<std::string_view> words(argv + 1, argv + argc);
        if (std::find(words.begin(), words.end(), "--help") != words.end()) {
            fmt::print("{}", help);
            return 0;
        }
        return run(read(words));
    } catch (const std::exception& e) {
        fmt::print(stderr, "interpreter: {} (see --help)\n", e.what());
        return 2;
    }
}
