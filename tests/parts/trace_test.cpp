// SPDX-License-Identifier: MIT

#include <support/catch.hpp>

#include <tcpfsm/connection.hpp>
#include <tcpfsm/trace.hpp>

#include <algorithm>
#include <vector>

namespace {

using namespace tcpfsm;
using enum state;

struct traced : policies {
    using recorder = row_recorder<4>;
};

template <class Rows>
std::vector<event> events_of(Rows from, Rows to) {
    std::vector<event> out;
    for (; from != to; ++from) out.push_back(from->on);
    return out;
}

TEST_CASE("a connection remembers the rows that it took", "[trace]") {
    constexpr auto after_calls = [] {
        basic_connection<traced> conn;
        (void)conn.open_passive({}, {});
        (void)conn.open_active({}, {});
        (void)conn.close({});
        return conn.recorder();
    };
    static_assert(after_calls().total() == 3);
    const auto rows = after_calls();
    CHECK(rows.size() == 3);
    CHECK(rows[0] == taken_row{closed, event::open_passive, listen});
    CHECK(rows[1] == taken_row{listen, event::open_active, syn_sent});
    CHECK(rows.back() == taken_row{syn_sent, event::close, closed});
}

TEST_CASE("the oldest rows are forgotten first, and counted all the same", "[trace]") {
    row_recorder<3> rows;
    CHECK(rows.empty());
    CHECK(rows.begin() == rows.end());
    for (int i = 0; i < 5; ++i) rows.record(closed, static_cast<event>(i), closed);
    CHECK(rows.total() == 5);
    CHECK(rows.size() == 3);
    const std::vector<event> last{static_cast<event>(2), static_cast<event>(3), static_cast<event>(4)};
    CHECK(events_of(rows.begin(), rows.end()) == last);
    CHECK(std::count_if(rows.begin(), rows.end(), [](const taken_row& r) { return r.from == closed; }) == 3);
}

TEST_CASE("what was taken since then", "[trace]") {
    row_recorder<3> rows;
    rows.record(closed, event::open_passive, listen);
    const auto before = rows.total();
    CHECK(rows.since(before) == rows.end());
    rows.record(listen, event::rcv_syn, syn_received);
    CHECK(events_of(rows.since(before), rows.end()) == std::vector{event::rcv_syn});
    for (int i = 0; i < 5; ++i) rows.record(syn_received, event::rcv_syn_again, syn_received);
    CHECK(rows.since(before) == rows.begin());
}

TEST_CASE("a recorder is a value", "[trace]") {
    row_recorder<2> a;
    row_recorder<2> b;
    CHECK(a == b);
    a.record(closed, event::open_passive, listen);
    CHECK_FALSE(a == b);
    b = a;
    CHECK(a == b);
    b.clear();
    CHECK(b == row_recorder<2>{});
}

}  // namespace
