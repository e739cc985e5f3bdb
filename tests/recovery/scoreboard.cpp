// SPDX-License-Identifier: MIT
// scoreboard.cpp: what is remembered of octets in flight, beside a model that remembers all of it.

#include <support/catch.hpp>
#include <support/network.hpp>

#include <tcpfsm/recovery/scoreboard.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;

/// What became of one octet.
enum class fate_of : std::uint8_t { flying, sacked, lost };
struct octet {
    fate_of fate = fate_of::flying;
    microseconds32 sent = 0;
    bool again = false;
};
constexpr fate_of fate_in(const sent_range<no_stamp>& r) {
    return r.sacked ? fate_of::sacked : r.lost ? fate_of::lost : fate_of::flying;
}

/// What went wrong, by name.
enum class wrong : std::uint8_t {
    nothing,
    edges,        // it does not lie where what is outstanding lies
    disorder,     // ranges that are empty, or overlap
    sums,         // sacked(), lost() or pipe() are not what the ranges say
    too_many,     // more ranges than there is room for
    not_exact,    // with room enough: not what the model says
    never_came,   // called arrived, and was not
    not_missing,  // called lost, and is neither lost nor arrived
    too_old,      // called older than it is
    first_lost,   // not the first octets that are lost
    told          // told another number of octets than were news
};

/// A scoreboard of `N` ranges and the model beside it, under the same random inputs.
template <std::size_t N>
class beside {
public:
    constexpr beside(std::uint32_t seed, seq first, std::uint32_t most)
        : dice_{seed}, una_{first}, now_{0xffff'ff00U + seed % 512}, most_{most} {
        board_.begin(first, first, now_);
    }
    /// So many steps; what went wrong first.
    constexpr wrong run(unsigned steps) {
        for (; steps != 0; --steps) {
            ++now_;
            if (const wrong w = step(); w != wrong::nothing) return w;
            if (const wrong w = check(); w != wrong::nothing) return w;
        }
        return wrong::nothing;
    }
    [[nodiscard]] constexpr bool forgot() const { return forgot_; }

private:
    [[nodiscard]] constexpr std::uint32_t flight() const { return static_cast<std::uint32_t>(model_.size()); }
    constexpr std::pair<std::uint32_t, std::uint32_t> some_of(std::uint32_t least) {
        const std::uint32_t left = least + dice_.below(flight() - least);
        return {left, left + 1 + dice_.below(std::min(flight() - left, 4U))};
    }
    [[nodiscard]] constexpr std::uint32_t news(std::uint32_t left, std::uint32_t right) const {
        std::uint32_t n = 0;
        for (std::uint32_t i = left; i < right; ++i) n += model_[i].fate != fate_of::sacked ? 1 : 0;
        return n;
    }
    constexpr wrong step() {
        const std::uint32_t kind = dice_.below(100);
        if (flight() < 2 || (kind < 35 && flight() < most_)) {
            const std::uint32_t n = 1 + dice_.below(std::min(most_ - std::min(most_ - 1, flight()), 5U));
            board_.sent(una_ + flight(), una_ + flight() + n, now_, dice_.below(3));
            model_.resize(model_.size() + n, octet{.sent = now_});
        } else if (kind < 60) {
            const auto [left, right] = some_of(1);
            std::uint32_t told = 0;
            board_.sack({una_ + left, una_ + right}, [&](const auto&, std::uint32_t n) { told += n; });
            const std::uint32_t expected = news(left, right);
            if (told < expected || (!forgot_ && !board_.forgot() && told != expected)) return wrong::told;
            for (std::uint32_t i = left; i < right; ++i) model_[i].fate = fate_of::sacked;
        } else if (kind < 75) {
            const microseconds32 before = now_ - dice_.below(20);
            const auto old = [&](microseconds32 sent) { return before - sent < 0x8000'0000U; };
            board_.lose([&](const auto& r, const auto&) { return old(r.sent); });
            for (octet& o : model_) {
                if (o.fate == fate_of::flying && old(o.sent)) o.fate = fate_of::lost;
            }
        } else if (kind < 85) {
            auto [left, right] = some_of(0);
            if (const auto lost = board_.first_lost()) {
                left = lost->left - una_;
                right = lost->right - una_;
            }
            board_.sent(una_ + left, una_ + right, now_, 0);
            for (std::uint32_t i = left; i < right; ++i) model_[i] = {fate_of::flying, now_, true};
        } else if (kind < 97) {
            const std::uint32_t n = dice_.below(std::min(flight(), 12U) + 1);
            std::uint32_t told = 0;
            board_.acknowledge(una_ + n, [&](const auto&, std::uint32_t k) { told += k; });
            const std::uint32_t expected = news(0, n);
            if (told < expected || (!forgot_ && !board_.forgot() && told != expected)) return wrong::told;
            model_.erase(model_.begin(), model_.begin() + n);
            una_ += n;
        } else if (kind < 98) {
            board_.forget_sacks();
            for (octet& o : model_) o.fate = o.fate == fate_of::sacked ? fate_of::flying : o.fate;
            vague_ = true;
        } else {
            board_.unlose();
            for (octet& o : model_) o.fate = o.fate == fate_of::lost ? fate_of::flying : o.fate;
        }
        return wrong::nothing;
    }
    constexpr wrong check() {
        forgot_ = forgot_ || board_.forgot();
        if (board_.begin() != una_ || board_.end() != una_ + flight()) return wrong::edges;
        if (board_.size() > N) return wrong::too_many;
        const bool exact = N > 2 * most_ + 2;
        std::array<std::uint32_t, 3> sums{};
        std::uint32_t at = 0;
        for (std::size_t i = 0; i < board_.size(); ++i) {
            const auto& r = board_[i];
            const std::uint32_t end = r.end - una_;
            if (end <= at || end > flight() || (r.sacked && r.lost)) return wrong::disorder;
            sums[static_cast<std::size_t>(fate_in(r))] += end - at;
            for (; at < end; ++at) {
                const octet& o = model_[at];
                if (exact && !vague_ && o.fate != fate_in(r)) return wrong::not_exact;
                if (exact && !vague_ && !r.sacked && (o.sent != r.sent || o.again != r.again)) return wrong::not_exact;
                if (r.sacked && o.fate != fate_of::sacked) return wrong::never_came;
                if (r.lost && o.fate == fate_of::flying && !vague_) return wrong::not_missing;
                if (o.fate != fate_of::sacked && !vague_ && r.sent - o.sent >= 0x8000'0000U) return wrong::too_old;
            }
        }
        if (at != flight()) return wrong::disorder;
        if (board_.sacked() != sums[1] || board_.lost() != sums[2] || board_.pipe() != sums[0]) return wrong::sums;
        return check_first_lost(exact && !vague_);
    }
    [[nodiscard]] constexpr wrong check_first_lost(bool exact) const {
        const auto first = board_.first_lost();
        if (first.has_value() != (board_.lost() != 0)) return wrong::first_lost;
        if (!exact || !first) return wrong::nothing;
        std::uint32_t left = 0;
        while (left < flight() && model_[left].fate != fate_of::lost) ++left;
        std::uint32_t right = left;
        while (right < flight() && model_[right].fate == fate_of::lost) ++right;
        return first->left == una_ + left && first->right == una_ + right ? wrong::nothing : wrong::first_lost;
    }

    dice dice_;
    scoreboard<N> board_;
    std::vector<octet> model_;
    seq una_;
    microseconds32 now_;
    std::uint32_t most_;
    bool forgot_ = false;
    bool vague_ = false;  // SACKs were forgotten: of those octets it is not known when they were sent
};
constexpr seq near[] = {seq{}, seq{0xffff'ffe0}, seq{0x7fff'ffe0}, seq{0x8000'0000}, seq{0x3fff'fff0}};

TEST_CASE("Scoreboard: with ranges enough it says of each octet what became of it", "[recovery][6675-1][2018-8]") {
    static_assert(beside<64>{1, seq{0xffff'ffe0}, 24}.run(100) == wrong::nothing);
    for (const seq first : near) {
        for (std::uint32_t seed = 0; seed < 200; ++seed) {
            CAPTURE(first.value(), seed);
            beside<64> b{seed, first, 24};
            REQUIRE(b.run(400) == wrong::nothing);
            REQUIRE_FALSE(b.forgot());
        }
    }
}

template <std::size_t N>
void few(std::uint32_t most) {
    unsigned forgot = 0;
    for (const seq first : near) {
        for (std::uint32_t seed = 0; seed < 40; ++seed) {
            CAPTURE(N, first.value(), seed);
            beside<N> b{seed, first, most};
            REQUIRE(b.run(40 * N) == wrong::nothing);
            forgot += b.forgot() ? 1 : 0;
        }
    }
    CHECK(forgot > 100);  // it was tried
}
TEST_CASE("Scoreboard: with too few ranges it forgets what has arrived, and never says it of what has not",
          "[recovery][6675-1][2018-8]") {
    static_assert(beside<8>{3, seq{0x7fff'ffe0}, 60}.run(100) == wrong::nothing);
    few<8>(60);
    few<16>(100);
    few<64>(300);
}

}  // namespace
