// SPDX-License-Identifier: MIT
// main.cpp: files over HTTP/1.1, with a TCP of its own on a TUN device.
#include "fetcher.hpp"
#include "server.hpp"
#include "settings.hpp"
#include "stack.hpp"

#include <fmt/core.h>

#include <cstdio>
#include <exception>
#include <string_view>
#include <vector>

namespace {

int run(const tun::settings& s) {
    if (s.what == tun::settings::task::help) {
        fmt::print("{}", tun::help_text());
        return 0;
    }
    tun::stack net{s};
    if (s.what == tun::settings::task::serve) {
        tun::server server{net, s};
        return net.run(server);
    }
    tun::fetcher fetcher{net, s};
    return net.run(fetcher);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(tun::parse_settings(std::vector<std::string_view>(argv + 1, argv + argc)));
    } catch (const tun::bad_usage& wrong) {
        fmt::print(stderr, "tcpfsm-tun: {}\nTry `tcpfsm-tun --help`.\n", wrong.what());
        return 2;
    } catch (const std::exception& failure) {
        fmt::print(stderr, "tcpfsm-tun: {}\n", failure.what());
        return 1;
    }
}
