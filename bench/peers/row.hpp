// SPDX-License-Identifier: MIT
// row.hpp: one thing that is measured.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace bench {

/// What the figures of a row are.
enum class unit : std::uint8_t {
    gigabytes_per_second,  ///< of text that came out at the far end; more is better
    nanoseconds,           ///< for each thing that was done; less is better
};

/// One thing that is measured.
struct row {
    std::string name;
    unit in = unit::gigabytes_per_second;
    /// Does some of the work, some hundred microseconds of it, and answers how many octets or things it did. With
    /// `true` it looks at every octet, and answers 0 if one is wrong.
    std::function<std::uint64_t(bool look)> work;
    /// Why it cannot be measured here; empty if it can.
    std::string skipped{};
    /// Not all of the work is this thread's own, so the clock on the wall counts, and not the time that it ran.
    bool by_wall = false;
};

/// What the median of `row` against that of `beside` should be. Without `beside`, the figure itself.
struct target {
    std::string name;
    std::string row;
    std::string beside{};
    double value = 0;
    bool at_least = true;  ///< else at most
};

/// The buffers of every row, and the pieces in which text goes to them.
inline constexpr std::size_t buffer_size = 65536;
/// Octets of a request, and of a response.
inline constexpr std::size_t request_size = 64;

/// Text that can be told from other text: nothing in it comes again at another place.
inline std::vector<std::uint8_t> some_text(std::size_t size) {
    std::vector<std::uint8_t> out(size);
    std::uint32_t x = 2463534242;
    for (auto& octet : out) {
        x ^= x << 13U;
        x ^= x >> 17U;
        x ^= x << 5U;
        octet = static_cast<std::uint8_t>(x >> 11U);
    }
    return out;
}

void add_limits(std::vector<row>& rows);
void add_ours(std::vector<row>& rows);
void add_lwip(std::vector<row>& rows);
void add_kernel(std::vector<row>& rows);

}  // namespace bench
