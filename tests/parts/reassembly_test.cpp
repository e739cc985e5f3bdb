// SPDX-License-Identifier: MIT
// reassembly_test.cpp: ranges beyond a gap, against a set of octets.

#include "support/catch.hpp"

#include <tcpfsm/reassembly.hpp>

#include <set>
#include <vector>

using tcpfsm::reassembly;
using tcpfsm::sack_block;
using tcpfsm::seq;

namespace {

constexpr sack_block at(seq base, std::uint32_t left, std::uint32_t right) { return {base + left, base + right}; }

// RFC 2018 section 7, case 3, at any place of the sequence space: left edge 5000, 500-octet segments, the
// second, fourth, sixth and eighth lost.
constexpr bool rfc2018_case_3(seq base) {
    reassembly<8> r;
    seq next = r.drain(base + 5500);
    r.insert(at(base, 6000, 6500));
    if (r[0] != at(base, 6000, 6500)) return false;
    r.insert(at(base, 7000, 7500));
    if (r[0] != at(base, 7000, 7500) || r[1] != at(base, 6000, 6500)) return false;
    r.insert(at(base, 8000, 8500));
    if (r[0] != at(base, 8000, 8500) || r[1] != at(base, 7000, 7500) || r[2] != at(base, 6000, 6500)) return false;
    r.insert(at(base, 6500, 7000));  // the fourth segment: one range from two
    if (r.size() != 2 || r[0] != at(base, 6000, 7500) || r[1] != at(base, 8000, 8500)) return false;
    r.insert(at(base, 5500, 6000));  // the second
    next = r.drain(next);
    return next == base + 7500 && r.size() == 1 && r[0] == at(base, 8000, 8500);
}
static_assert(rfc2018_case_3(seq{0}) && rfc2018_case_3(seq{0xffffe000}) && rfc2018_case_3(seq{0x7fffe000}));

constexpr bool refuses_one_range_too_many() {
    reassembly<2> r;
    r.insert(at(seq{0}, 10, 11));
    r.insert(at(seq{0}, 20, 21));
    const reassembly<2> before = r;
    r.insert(at(seq{0}, 30, 31));
    return r == before && !r.takes(at(seq{0}, 30, 31)) && r.takes(at(seq{0}, 21, 30));
}
static_assert(refuses_one_range_too_many());

}  // namespace

TEST_CASE("reassembly: equals a set of octets", "[3.10.7.4][SHLD-31]") {
    rc::prop("whatever arrives in whatever order", [](std::uint32_t iss,
                                                      const std::vector<std::pair<std::uint8_t, std::uint8_t>>& raw) {
        const seq base{iss};
        reassembly<4> held;
        std::set<std::uint32_t> model;  // octets held, counted from base
        std::uint32_t next = 0;
        for (const auto& [from, length] : raw) {
            const std::uint32_t left = next + from % 40U;
            const std::uint32_t right = left + 1 + length % 20U;
            const sack_block block = at(base, left, right);
            const bool takes = held.takes(block);
            held.insert(block);
            if (takes) {
                for (std::uint32_t i = left; i < right; ++i) model.insert(i);
            }
            while (model.count(next) != 0) model.erase(next++);
            RC_ASSERT(held.drain(base + next) == base + next);  // nothing that waits begins at RCV.NXT any more

            std::set<std::uint32_t> octets;
            for (std::size_t i = 0; i < held.size(); ++i) {
                RC_ASSERT(held[i].left < held[i].right);
                for (seq s = held[i].left; s != held[i].right; s += 1) {
                    RC_ASSERT(octets.insert(s - base).second);  // ranges do not overlap
                }
            }
            RC_ASSERT(octets == model);
        }
    });
}
