// SPDX-License-Identifier: MIT
// settings.hpp: the command line.
#pragma once

#include "impairment.hpp"

#include <tcpfsm/address.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tun {

/// What the program is to do.
struct settings {
    enum class task : std::uint8_t { help, serve, fetch };

    task what = task::help;
    std::string device = "tcp0";
    std::vector<tcpfsm::ip_address> addresses;
    std::uint16_t mtu = 1500;
    std::uint32_t buffer = 512 * 1024;
    impairments link;
    std::string capture;
    bool stats = false;

    std::uint16_t port = 8080;  ///< serve
    std::string root = ".";     ///< serve
    bool quiet = false;         ///< serve: no line for each request

    std::string url;     ///< fetch
    bool ecn = false;    ///< fetch: the SYN asks for ECN
    std::string output;  ///< fetch; empty is standard output
};

/// The command line is wrong; says how.
struct bad_usage : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Reads the command line, the program's name excluded. Throws `bad_usage`.
[[nodiscard]] settings parse_settings(const std::vector<std::string_view>& words);

/// What `--help` prints.
[[nodiscard]] std::string_view help_text();

/// http://192.0.2.1:8080/path or http://[2001:db8::1]/path
struct http_url {
    tcpfsm::endpoint server;
    std::string authority;
    std::string target;
};
[[nodiscard]] std::optional<http_url> parse_url(std::string_view url);

}  // namespace tun
