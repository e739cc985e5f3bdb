// SPDX-License-Identifier: MIT
// deadlines_property.cpp: a timing wheel beside a plain map.

#include "support/catch.hpp"

#include <tcpfsm/host/deadlines.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

namespace {

using namespace tcpfsm;

/// What the wheel is to be: members, each with the earliest time for which it was armed.
class plain {
public:
    void arm(std::uint32_t who, time_point when) {
        if (when == never) return;
        const auto at = when_.try_emplace(who, when).first;
        at->second = std::min(at->second, when);
    }
    void disarm(std::uint32_t who) { when_.erase(who); }
    [[nodiscard]] time_point first() const {
        time_point t = never;
        for (const auto& [who, when] : when_) t = std::min(t, when);
        return t;
    }
    [[nodiscard]] bool due(std::uint32_t who, time_point now) const {
        return when_.contains(who) && when_.at(who) <= now;
    }
    [[nodiscard]] std::size_t size() const { return when_.size(); }

private:
    std::map<std::uint32_t, time_point> when_;
};

class both {
public:
    explicit both(std::uint64_t seed, std::uint32_t members)
        : random_{seed}, members_{members}, memory_(members), wheel_{memory_} {}

    /// From microseconds to years, before now as well, and just at the edges of the wheel's digits.
    duration some_time() {
        const auto scale = random_() % 52;
        const auto whole = std::int64_t{1} << scale;
        switch (random_() % 4) {
        case 0: return duration{whole};
        case 1: return duration{whole - 1};
        case 2: return duration{-static_cast<std::int64_t>(random_() % 100)};
        default: return duration{static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(whole))};
        }
    }
    void step() {
        const auto who = static_cast<std::uint32_t>(random_() % members_);
        switch (random_() % 8) {
        case 0: wheel_.disarm(who), plain_.disarm(who); break;
        case 1: wheel_.arm(who, never), plain_.arm(who, never); break;
        case 2: pass(); break;
        case 3:  // exactly when it says
            if (wheel_.first() != never) now_ = std::max(now_, wheel_.first());
            pass();
            break;
        default: {
            const time_point when = now_ + some_time();
            wheel_.arm(who, when), plain_.arm(who, when);
        }
        }
        RC_ASSERT(wheel_.first() <= plain_.first());
        if (plain_.size() == 0) RC_ASSERT(wheel_.first() == never);
    }
    /// Until nobody is left. No wake is in vain.
    void end() {
        while (plain_.size() != 0) {
            const time_point first = wheel_.first();
            RC_ASSERT(first != never);
            now_ = std::max(now_, first);
            const std::size_t before = plain_.size();
            take_all(1'000'000);
            RC_ASSERT(plain_.size() < before);
        }
        RC_ASSERT(wheel_.first() == never);
    }
    void only_arm(std::uint32_t who, duration d) { wheel_.arm(who, now_ + d), plain_.arm(who, now_ + d); }
    void set_now(time_point t) { now_ = t; }

private:
    void pass() {
        if (random_() % 2 == 0) now_ += duration{std::abs(some_time().count())} / (1 + random_() % 1000);
        take_all(1 + static_cast<unsigned>(random_() % 8));
    }
    /// In small bites: whatever is left over shows in `first`.
    void take_all(unsigned bite) {
        for (;;) {
            unsigned steps = bite;
            const std::uint32_t who = wheel_.take(now_, steps);
            if (who == nobody && (steps != 0 || wheel_.first() > now_)) break;
            if (who == nobody) continue;
            RC_ASSERT(plain_.due(who, now_));
            plain_.disarm(who);
        }
        RC_ASSERT(plain_.first() > now_);
        RC_ASSERT(wheel_.first() > now_);
    }

    std::mt19937_64 random_;
    std::uint32_t members_;
    std::vector<deadline_cell> memory_;
    deadlines wheel_;
    plain plain_;
    time_point now_{};
};

constexpr bool runs_in_the_compiler() {
    std::array<deadline_cell, 3> memory{};
    deadlines d{memory};
    constexpr auto at = [](int n) { return time_point{duration{n}}; };
    d.arm(0, at(100'000)), d.arm(1, at(40)), d.arm(2, at(4'000));
    d.arm(2, at(7'000));  // later: it stays
    unsigned steps = 100;
    const bool exact = d.first() == at(40) && d.take(at(39), steps) == nobody && d.take(at(40), steps) == 1;
    const bool next = d.first() == at(4'000) && d.take(at(5'000), steps) == 2;
    d.disarm(0);
    return exact && next && d.first() == never && d.take(never, steps) == nobody;
}
static_assert(runs_in_the_compiler());

}  // namespace

TEST_CASE("deadlines: nobody is late, nobody is taken early, nobody is lost", "[host][property]") {
    rc::prop("as a plain map", [](std::uint64_t seed) {
        std::mt19937_64 random{seed};
        both b{seed, static_cast<std::uint32_t>(1 + random() % 40)};
        b.set_now(time_point{duration{static_cast<std::int64_t>(random() >> 13U) - (std::int64_t{1} << 50U)}});
        for (int i = 0; i < 300; ++i) b.step();
    });
}

TEST_CASE("deadlines: with none removed, each wake has somebody to serve", "[host][property]") {
    rc::prop("never in vain", [](std::uint64_t seed) {
        both b{seed, 50};
        for (std::uint32_t i = 0; i < 50; ++i) b.only_arm(i, b.some_time());
        b.end();
    });
}
