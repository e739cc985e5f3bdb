// SPDX-License-Identifier: MIT
#include "options.hpp"

#include "exchanges.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>

namespace demo {

namespace {

bool known(std::string_view name) {
    return std::any_of(exchanges().begin(), exchanges().end(), [&](const exchange& e) { return e.name == name; });
}

/// How many letters must change to make one word of the other (Levenshtein).
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({changed, diagonal + 1, row[j] + 1});
        }
    }
    return row.back();
}

std::string unknown(std::string_view name) {
    const auto nearer = [&](const exchange& a, const exchange& b) {
        return distance(name, a.name) < distance(name, b.name);
    };
    const exchange& nearest = *std::min_element(exchanges().begin(), exchanges().end(), nearer);
    return fmt::format("no exchange is called \"{}\"; the nearest name is \"{}\", and --list shows them all", name,
                       nearest.name);
}

}  // namespace

bool wishes::wants(std::string_view exchange) const {
    return only.empty() || std::find(only.begin(), only.end(), exchange) != only.end();
}

reading read_options(int count, const char* const* words) {
    reading got;
    wishes& w = got.wanted;
    const auto complain = [&got](std::string what) {
        if (got.complaint.empty()) got.complaint = std::move(what);
    };
    for (int i = 1; i < count; ++i) {
        const std::string_view word = words[i];
        const auto value = [&]() -> std::string {
            if (i + 1 < count) return words[++i];
            complain(fmt::format("{} needs a value", word));
            return {};
        };
        const auto number = [&](std::uint64_t most) {
            const std::string text = value();
            std::uint64_t n = 0;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
            if (error != std::errc{} || end != text.data() + text.size() || n > most) {
                complain(fmt::format("{} needs a number up to {}, not \"{}\"", word, most, text));
            }
            return n;
        };
        if (word == "--help" || word == "-h") {
            w.help = true;
        } else if (word == "--list") {
            w.list = true;
        } else if (word == "--plain") {
            w.plain = true;
        } else if (word == "--no-transfer") {
            w.transfer = false;
        } else if (word == "--only") {
            w.only.push_back(value());
            if (!known(w.only.back())) complain(unknown(w.only.back()));
        } else if (word == "--seed") {
            w.seed = number(UINT64_MAX);
        } else if (word == "--size") {
            w.mebibytes = number(65536);
        } else if (word == "--pcap") {
            w.pcap = value();
        } else if (word == "--svg") {
            w.svg = value();
        } else {
            complain(fmt::format("\"{}\" is no option; --help shows them all", word));
        }
    }
    return got;
}

std::string help() {
    return R"(usage: demo [options]

Plays the exchanges of RFC 9293 between two connections of tcpfsm, as ladders: time, both states, the
segments as tcpdump writes them, and for each of them the row of the table that was taken, with its
place in the RFC. Then sends 64 MiB over a link that loses, reorders and duplicates, and compares every
octet. Time is simulated; neither a network nor any privilege is needed.

What is shown is also checked. The exit status is 0 if all went as expected, 1 if anything did not (it
says what), 2 if the command line makes no sense.

  --list           names and titles of the exchanges
  --only NAME      play this exchange alone, without the transfer; may be given several times
  --no-transfer    play the exchanges alone
  --size MIB       send so many MiB (64)
  --seed N         what the link's dice begin with (9293)
  --pcap FILE      write everything sent (of the transfer: its beginning) as a capture file for Wireshark;
                   without --only it is written in any case, beside this program as tcpfsm-demo.pcapng
  --svg FILE       draw the exchanges that are played as a picture
  --plain          neither colours nor a line that is written over; so it is, too, if the output is no
                   terminal, and without colours if NO_COLOR is set
  --help           this text

For example:

  demo --only handshake --only simultaneous-close
  demo --only lost-fin --svg lost-fin.svg
  demo --size 1024 --seed 7
)";
}

std::string list() {
    std::string out;
    for (const exchange& e : exchanges()) {
        fmt::format_to(std::back_inserter(out), "{:<20}{}  ({})\n", e.name, e.title, e.cites);
    }
    return out;
}

}  // namespace demo
