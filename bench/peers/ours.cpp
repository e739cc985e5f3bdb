// SPDX-License-Identifier: MIT
// ours.cpp: tcpfsm, both ends in one place.
#include "exchanges.hpp"

#include <memory>

namespace {

using namespace bench::ours;
using bench::unit;

template <class Work, class... Given>
bench::row made(const char* name, unit in, const Given&... given) {
    return {name, in, [w = std::make_shared<Work>(given...)](bool look) { return (*w)(look); }};
}

}  // namespace

void bench::add_ours(std::vector<row>& rows) {
    constexpr unit gb = unit::gigabytes_per_second;
    constexpr unit ns = unit::nanoseconds;
    constexpr carriage packets{};
    constexpr carriage packets_trusted{.summed = false};
    constexpr carriage spans{.copied = false};
    constexpr carriage spans_trusted{.copied = false, .summed = false};
    constexpr std::uint32_t most = 65535 - 120;  // of an IP packet, less the largest headers
    constexpr carriage large{.copied = false, .most = most};
    constexpr carriage large_trusted{.copied = false, .summed = false, .most = most};
    rows.push_back(made<numbers<policies>>("tcpfsm numbers", ns, 1U));
    rows.push_back(made<numbers<policies>>("tcpfsm numbers, batches of 16", ns, 16U));
    rows.push_back(made<numbers<lean>>("tcpfsm numbers, lean", ns, 1U));
    rows.push_back(made<bulk<policies>>("tcpfsm stream", gb, packets, false));
    rows.push_back(made<bulk<policies>>("tcpfsm stream, no sums", gb, packets_trusted, false));
    rows.push_back(made<bulk<policies>>("tcpfsm lent", gb, spans, true));
    rows.push_back(made<bulk<lean>>("tcpfsm lent, lean", gb, spans, true));
    rows.push_back(made<bulk<policies>>("tcpfsm lent, no sums", gb, spans_trusted, true));
    rows.push_back(made<bulk<policies>>("tcpfsm super", gb, large, true));
    rows.push_back(made<bulk<policies>>("tcpfsm super, no sums", gb, large_trusted, true));
    rows.push_back(made<request_response<policies>>("tcpfsm rr", ns));
    rows.push_back(made<request_response<lean>>("tcpfsm rr, lean", ns));
    rows.push_back(made<open_to_close<policies>>("tcpfsm open..close", ns));
    rows.push_back(made<open_to_close<lean>>("tcpfsm open..close, lean", ns));
}
