// SPDX-License-Identifier: MIT
// The demo: the exchanges of RFC 9293 as ladders, a transfer over a bad link, a capture of both. All checked.
#include "capture.hpp"
#include "exchanges.hpp"
#include "ladder.hpp"
#include "options.hpp"
#include "picture.hpp"
#include "terminal.hpp"
#include "transfer.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

namespace {

using namespace demo;
using namespace tcpfsm::literals;

bool stdout_is_a_terminal() {
#if __has_include(<unistd.h>)
    return isatty(1) == 1;
#else
    return false;
#endif
}

/// Where the capture goes: nowhere, if the name is empty.
std::string capture_file(const wishes& w, const char* program) {
    if (w.pcap) return *w.pcap;
    if (!w.only.empty()) return {};
    return (std::filesystem::path{program}.parent_path() / "tcpfsm-demo.pcapng").string();
}

/// Every exchange has a port of its own, so that a capture keeps them apart. They are IPv4, as their MSS of 1460 says;
/// the transfer is IPv6.
four_tuple between(std::size_t number) {
    return {{"192.0.2.1"_ip, static_cast<std::uint16_t>(49152 + number)}, {"192.0.2.2"_ip, 9293}};
}

int run(const wishes& w, const char* program) {
    terminal out;
    out.live = stdout_is_a_terminal() && !w.plain;
    out.colours = out.live && std::getenv("NO_COLOR") == nullptr;
    const std::string file = capture_file(w, program);
    capture captured{file};

    std::vector<story> played;
    std::size_t expectations = 0;
    std::size_t deviations = 0;
    for (std::size_t i = 0; i < exchanges().size(); ++i) {
        if (!w.wants(exchanges()[i].name)) continue;
        const story& told = played.emplace_back(perform(exchanges()[i], between(i)));
        fmt::print("{}\n", ladder(told, out));
        captured.add(told);
        expectations += told.expectations;
        deviations += told.deviations.size();
    }
    bool sound = deviations == 0;
    if (w.transfer && w.only.empty()) {
        sound = transfer(w.mebibytes, w.seed, out, captured) && sound;
        fmt::print("\n");
    }
    fmt::print("{} exchange{}, {} expectations: {}\n", played.size(), played.size() == 1 ? "" : "s", expectations,
               deviations == 0 ? out.good("all met") : out.bad(fmt::format("{} NOT met", deviations)));
    if (!file.empty()) {
        if (!captured.good()) {
            fmt::print(stderr, "demo: {} cannot be written\n", file);
            sound = false;
        } else {
            fmt::print("{} packets are in {}\n", captured.packets(), file);
        }
    }
    if (w.svg) {
        std::ofstream svg{*w.svg};
        svg << picture(played) << std::flush;
        if (svg) {
            fmt::print("the picture is in {}\n", *w.svg);
        } else {
            fmt::print(stderr, "demo: {} cannot be written\n", *w.svg);
            sound = false;
        }
    }
    return sound ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
    const auto [wanted, complaint] = read_options(count, words);
    if (wanted.help) {
        fmt::print("{}", help());
        return 0;
    }
    if (!complaint.empty()) {
        fmt::print(stderr, "demo: {}\n", complaint);
        return 2;
    }
    if (wanted.list) {
        fmt::print("{}", list());
        return 0;
    }
    return run(wanted, words[0]);
}
