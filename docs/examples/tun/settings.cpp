// SPDX-License-Identifier: MIT
#include "settings.hpp"

#include <tcpfsm/address_text.hpp>

#include <charconv>
#include <functional>
#include <map>

namespace tun {
namespace {

template <class Number>
std::optional<Number> number(std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// The value of an option, between two bounds.
template <class Number>
Number number(std::string_view option, std::string_view text, Number least, Number most) {
    const auto value = number<Number>(text);
    if (!value || *value < least || *value > most) {
        throw bad_usage{std::string{option} + ": \"" + std::string{text} + "\" is no number from " +
                        std::to_string(least) + " to " + std::to_string(most)};
    }
    return *value;
}

/// "3%" or "0.03"
double part(std::string_view option, std::string_view text) {
    const bool percent = text.ends_with('%');
    if (percent) text.remove_suffix(1);
    return number<double>(option, text, 0, percent ? 100 : 1) / (percent ? 100 : 1);
}

tcpfsm::ip_address address(std::string_view option, std::string_view text) {
    const auto got = tcpfsm::parse_ip(text);
    if (!got || !got->is_unicast()) {
        throw bad_usage{std::string{option} + ": \"" + std::string{text} + "\" is no address that a host may have"};
    }
    return *got;
}

}  // namespace

settings parse_settings(const std::vector<std::string_view>& words) {
    settings s;
    std::string_view option;  // the one that is being read
    const std::map<std::string_view, std::function<void(std::string_view)>> valued{
        {"--tun", [&](auto v) { s.device = v; }},
        {"--address", [&](auto v) { s.addresses.push_back(address(option, v)); }},
        {"--mtu", [&](auto v) { s.mtu = number<std::uint16_t>(option, v, 576, 9000); }},
        {"--buffer", [&](auto v) { s.buffer = number<std::uint32_t>(option, v, 4, 8192) * 1024; }},
        {"--port", [&](auto v) { s.port = number<std::uint16_t>(option, v, 1, 65535); }},
        {"--root", [&](auto v) { s.root = v; }},
        {"--output", [&](auto v) { s.output = v; }},
        {"--pcap", [&](auto v) { s.capture = v; }},
        {"--loss", [&](auto v) { s.link.loss = part(option, v); }},
        {"--reorder", [&](auto v) { s.link.reorder = part(option, v); }},
        {"--duplicate", [&](auto v) { s.link.duplicate = part(option, v); }},
        {"--mark", [&](auto v) { s.link.mark = part(option, v); }},
        {"--seed", [&](auto v) { s.link.seed = number<std::uint64_t>(option, v, 0, ~std::uint64_t{0}); }},
    };
    std::vector<std::string_view> plain;
    for (auto word = words.begin(); word != words.end(); ++word) {
        option = *word;
        if (option == "--help" || option == "-h") return {};
        if (option == "--stats") {
            s.stats = true;
        } else if (option == "--quiet") {
            s.quiet = true;
        } else if (option == "--ecn") {
            s.ecn = true;
        } else if (const auto found = valued.find(option); found != valued.end()) {
            if (++word == words.end()) throw bad_usage{std::string{option} + " wants a value"};
            found->second(*word);
        } else if (option.starts_with("-")) {
            throw bad_usage{"there is no option " + std::string{option}};
        } else {
            plain.push_back(option);
        }
    }
    if (plain.empty()) throw bad_usage{"say what to do: serve or fetch"};
    if (s.device.empty() || s.device.size() > 15) throw bad_usage{"--tun: a name of 1 to 15 characters"};
    if (s.addresses.empty()) s.addresses = {tcpfsm::ipv4(10, 9, 0, 2), *tcpfsm::parse_ip("fd00:9::2")};
    if (plain[0] == "serve" && plain.size() == 1) {
        s.what = settings::task::serve;
    } else if (plain[0] == "fetch" && plain.size() == 2) {
        s.what = settings::task::fetch;
        s.url = plain[1];
        if (!parse_url(s.url))
            throw bad_usage{"\"" + s.url + "\" is not like http://192.0.2.1:8080/file or http://[2001:db8::1]/file"};
    } else {
        throw bad_usage{"either `serve`, or `fetch` and one URL"};
    }
    return s;
}

std::string_view help_text() {
    return R"(tcpfsm-tun: files over HTTP/1.1, with a TCP of its own on a TUN device

  tcpfsm-tun serve [options]        answer GET, HEAD, PUT and POST for the files of a directory
  tcpfsm-tun fetch URL [options]    get one file; the URL has a numeric address

The stack
  --tun NAME          the interface, made if it is not there                      (tcp0)
  --address ADDRESS   an address of the stack, not of the kernel; may come twice  (10.9.0.2 and fd00:9::2)
  --mtu OCTETS        the largest packet, as set for the interface                (1500)
  --buffer KIB        of each connection, for each direction                      (512)
  --pcap FILE         write every packet that goes in or out, for Wireshark
  --stats             print what was counted at the end

A bad link, for packets in both directions. P is a part (0.01) or percentage (1%)
  --loss P, --reorder P, --duplicate P
  --mark P            of those that are capable of ECN
  --seed N            other packets for another number                            (1)

serve
  --root DIRECTORY    the files; nothing outside it is shown or written           (.)
  --port PORT                                                                     (8080)
  --quiet             no line for each request

fetch
  --output FILE       instead of standard output
  --ecn               ask for ECN, which is otherwise accepted and not asked for

By hand, as root or under `unshare -rn`:
  ip tuntap add tcp0 mode tun && ip addr add 10.9.0.1/24 dev tcp0 && ip link set tcp0 up
  tcpfsm-tun serve --root . & curl http://10.9.0.2:8080/README.md
)";
}

std::optional<http_url> parse_url(std::string_view url) {
    constexpr std::string_view scheme = "http://";
    if (!url.starts_with(scheme)) return std::nullopt;
    url.remove_prefix(scheme.size());
    const auto slash = url.find('/');
    http_url got{{{}, 80}, std::string{url.substr(0, slash)}, slash == url.npos ? "/" : std::string{url.substr(slash)}};
    std::string_view host = url.substr(0, slash);
    const bool bracketed = host.starts_with('[');
    const auto colon = host.find(':', bracketed ? host.find(']') : 0);
    if (colon != host.npos) {
        const auto port = number<std::uint16_t>(host.substr(colon + 1));
        if (!port || *port == 0) return std::nullopt;
        got.server.port = *port;
        host = host.substr(0, colon);
    }
    if (bracketed) {
        if (!host.ends_with(']')) return std::nullopt;
        host = host.substr(1, host.size() - 2);
    }
    const auto server = tcpfsm::parse_ip(host);
    const bool sound = got.target.find_first_of(" \r\n\t") == got.target.npos;
    if (!server || server->is_v6() != bracketed || !sound) return std::nullopt;
    got.server.address = *server;
    return got;
}

}  // namespace tun
