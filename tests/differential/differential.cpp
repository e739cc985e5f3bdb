// SPDX-License-Identifier: MIT
// differential: each kind of segment, in each state, given to the kernel's TCP and to ours.

#include <differential/kernel_side.hpp>
#include <differential/known.hpp>
#include <differential/our_side.hpp>
#include <differential/trials.hpp>

#include <tcpfsm/format.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/utsname.h>

namespace tcpfsm::differential {
namespace {

// --- What is tried ----------------------------------------------------------------------------------

/// Which trials of the whole grid.
struct group {
    std::string_view name;
    setting with;
    bool shut = false;             ///< SEG.WND is zero
    stamp stamped = stamp::fresh;  ///< the last segment's timestamp
    state_set in = states::all;    ///< walks to these states
    std::vector<amount> texts{amount::none, amount::one, amount::three, amount::over};
    std::vector<reach> reaches{reach::ancient, reach::old, reach::una, reach::between, reach::nxt, reach::beyond};
};

std::vector<group> groups() {
    const std::vector some{amount::none, amount::three};
    const std::vector few{reach::una, reach::nxt, reach::beyond};
    const std::vector next{reach::nxt};
    const setting plain{.rfc1337 = true};
    const setting v6{.v6 = true, .rfc1337 = true};
    const setting stamped{.timestamps = true, .rfc1337 = true};
    return {
        {.name = "IPv4", .with = plain},
        {.name = "IPv4, TIME-WAIT without RFC 1337", .with = {}, .in = state::time_wait},
        {.name = "IPv4, the segment shuts the window", .with = plain, .shut = true, .texts = some, .reaches = few},
        {.name = "IPv6", .with = v6, .texts = some, .reaches = few},
        {.name = "timestamps", .with = stamped, .texts = some, .reaches = few},
        {.name = "timestamps, the last one old",
         .with = stamped,
         .stamped = stamp::stale,
         .texts = some,
         .reaches = next},
        {.name = "timestamps, the last one missing",
         .with = stamped,
         .stamped = stamp::missing,
         .texts = some,
         .reaches = next},
    };
}

/// True iff another trial is the same segment.
bool is_repeated(const walk& w, control bits, place at, reach ack) {
    const bool no_window = (state::closed | state::listen | state::syn_sent).contains(w.to);
    if (no_window && at != place::edge && at != place::far_left) return true;
    if (w.window_shut && (at == place::middle || at == place::last)) return true;
    if (!bits.has(ctl::ack)) return ack != reach::nxt;
    if ((state::closed | state::listen).contains(w.to)) return ack != reach::nxt;
    return (ack == reach::between && w.in_flight < 2) || (ack == reach::una && w.in_flight == 0);
}

std::vector<trial> trials(const group& g) {
    std::vector<trial> all;
    for (const walk& w : walks()) {
        if (!g.in.contains(w.to) || (g.with.v6 && w.window_shut)) continue;
        for (const control bits : kinds) {
            for (const amount text : g.texts) {
                for (const place at : places) {
                    for (const reach ack : g.reaches) {
                        if (is_repeated(w, bits, at, ack)) continue;
                        all.push_back({&w, g.with, bits, text, at, ack, g.shut, g.stamped});
                    }
                }
            }
        }
    }
    return all;
}

// --- Ours, and ours with a fault --------------------------------------------------------------------

struct without_rfc1337 : policies {
    static constexpr bool rfc1337 = false;
};

/// The rows, with one changed.
template <auto Change>
struct changed_rows : rfc9293 {
    static constexpr auto rows = [] {
        auto all = std::to_array(rfc9293::rows);
        for (row& r : all) Change(r);
        return all;
    }();
};
constexpr auto no_ack_of_a_fin = [](row& r) {
    if (r.in.contains(state::established) && r.on.contains(event::rcv_fin)) r.doing = action::take_fin;
};
constexpr auto silence_outside = [](row& r) {
    if (r.on.contains(event::rcv_outside)) r.doing = {};
};
struct fin_unanswered : policies {
    using table = changed_rows<no_ack_of_a_fin>;
};
struct silent_outside : policies {
    using table = changed_rows<silence_outside>;
};
struct without_rfc5961 : policies {
    static constexpr bool rfc5961 = false;
};
struct without_reopening : policies {
    static constexpr bool reopen_time_wait = false;
};
struct any_reset : policies {};      // takes a reset wherever it lies
struct acks_unheeded : policies {};  // does not see that its FIN was acknowledged

}  // namespace
}  // namespace tcpfsm::differential

template <>
constexpr tcpfsm::event tcpfsm::judge_reset<tcpfsm::differential::any_reset>(const tcb<differential::any_reset>&,
                                                                             const segment&, state at) noexcept {
    return states::handshaking.contains(at) ? event::rcv_rst_invalid : event::rcv_rst;
}
template <>
constexpr tcpfsm::event tcpfsm::judge_ack<tcpfsm::differential::acks_unheeded>(const tcb<differential::acks_unheeded>&,
                                                                               const segment&, state at) noexcept {
    return states::handshaking.contains(at) ? event::rcv_ack_of_syn : event::rcv_ack;
}

namespace tcpfsm::differential {
namespace {

using player = outcome (*)(const trial&, std::uint32_t window, std::chrono::milliseconds quiet);

outcome play_ours(const trial& t, std::uint32_t window, std::chrono::milliseconds quiet) {
    return t.with.rfc1337 ? our_side<policies>::play(t, window, quiet)
                          : our_side<without_rfc1337>::play(t, window, quiet);
}

struct mutant {
    std::string_view name;
    player play;
};
constexpr mutant mutants[] = {
    {"a FIN is not acknowledged", our_side<fin_unanswered>::play},
    {"an ACK outside the window is not answered", our_side<silent_outside>::play},
    {"no RFC 5961", our_side<without_rfc5961>::play},
    {"TIME-WAIT is never reopened", our_side<without_reopening>::play},
    {"any reset ends a connection", our_side<any_reset>::play},
    {"the ACK of a FIN is an ACK like any other", our_side<acks_unheeded>::play},
};

// --- What is said about it --------------------------------------------------------------------------

std::string notation(const segment& seg, seq sender, seq receiver) {
    const bool bare = seg.has(ctl::rst | ctl::ack);  // such a reset has no number of its own
    return fmt::format("{}", relative(seg, bare && seg.seq == seq{} ? seq{} : sender, receiver));
}

std::string story(const outcome& o) {
    std::string text;
    for (const segment& seg : o.heard) {
        const bool anew = seg.has(ctl::syn) && seg.seq != o.peer.their_iss();
        text += fmt::format("+0 > {}  ", notation(seg, anew ? seg.seq : o.peer.their_iss(), o.peer.iss()));
    }
    if (o.heard.empty()) text = "nothing  ";
    text += fmt::format("// {}", o.at);
    if (o.counted) text += fmt::format(", {} more acknowledged, {} more taken", o.acked, o.taken);
    for (const reply& r : o.answer) {
        text += fmt::format("; then asked, {}: SND.NXT {:+}, RCV.NXT {:+}", r.bits, static_cast<std::int32_t>(r.seq),
                            static_cast<std::int32_t>(r.ack));
    }
    return text;
}

void print(const difference& d) {
    fmt::print("// {}{}{}\n+0 < {}\n    kernel: {}\n    ours:   {}\n    judged: {}\n", d.what.way->name,
               d.what.with.v6 ? ", IPv6" : "", d.what.with.rfc1337 ? "" : ", without RFC 1337",
               notation(d.kernel.sent, d.kernel.peer.iss(), d.kernel.peer.their_iss()), story(d.kernel), story(d.ours),
               d.ours.judged);
}

/// Counts, and says what no rule explains.
class account {
public:
    explicit account(bool examples) : examples_{examples}, uses_(known().size()) {}

    void take(const difference& d) {
        count& here = counts_[d.what.way];
        ++here.trials;
        if (same(d.kernel, d.ours)) {
            ++here.equal;
            return;
        }
        const auto all = known();
        const auto found = std::find_if(all.begin(), all.end(), [&](const rule& r) { return r.explains(d); });
        if (found == all.end()) {
            if (unexplained_++ < shown) print(d);
            return;
        }
        auto& uses = uses_[static_cast<std::size_t>(found - all.begin())];
        if (uses++ == 0 && examples_) {
            fmt::print("// {} ({})\n", found->name, found->clause);
            print(d);
        }
    }
    /// The walk led somewhere else.
    void not_walked(const difference& d) {
        if (unexplained_++ < shown) {
            fmt::print("// {}: the kernel is in {} with a window of {}, ours in {} with {}\n", d.what.way->name,
                       d.kernel.walked_to, d.kernel.window, d.ours.walked_to, d.ours.window);
        }
    }

    void report() const {
        fmt::print("\n{:<32}{:>8}{:>8}{:>10}\n", "walk", "cells", "equal", "different");
        count sum;
        for (const walk& w : walks()) {
            const auto found = counts_.find(&w);
            if (found == counts_.end()) continue;
            const count& c = found->second;
            fmt::print("{:<32}{:>8}{:>8}{:>10}\n", w.name, c.trials, c.equal, c.trials - c.equal);
            sum.trials += c.trials;
            sum.equal += c.equal;
        }
        fmt::print("{:<32}{:>8}{:>8}{:>10}\n\n{:<40}{:>8}  {}\n", "all", sum.trials, sum.equal, sum.trials - sum.equal,
                   "rule", "cells", "decided by");
        for (std::size_t i = 0; i < uses_.size(); ++i) {
            const rule& r = known()[i];
            fmt::print("{:<40}{:>8}  {}{}\n", r.name, uses_[i], r.choice ? "choice: " : "", r.clause);
        }
        fmt::print("without a rule: {}\n", unexplained_);
    }
    [[nodiscard]] std::size_t unexplained() const { return unexplained_; }
    [[nodiscard]] std::size_t unused() const {
        return static_cast<std::size_t>(std::count(uses_.begin(), uses_.end(), std::size_t{0}));
    }

private:
    static constexpr std::size_t shown = 40;
    struct count {
        std::size_t trials = 0;
        std::size_t equal = 0;
    };
    bool examples_;
    std::map<const walk*, count> counts_;
    std::vector<std::size_t> uses_;
    std::size_t unexplained_ = 0;
};

/// The table of docs/design.md.
void print_table() {
    fmt::print("| difference | Linux | here | decided by |\n|---|---|---|---|\n");
    for (const rule& r : known()) {
        fmt::print("| {} | {} | {} | {}{} |\n", r.name, r.kernel, r.ours, r.clause, r.choice ? " (choice)" : "");
    }
}

// --- The test ---------------------------------------------------------------------------------------

constexpr std::string_view known_kernel = "6.18.";  ///< the kernel that the rules were made with

std::vector<outcome> play_kernel(kernel_side& kernel, std::span<const trial> all) {
    std::vector<outcome> out;
    std::size_t at_once = kernel_side::most;
    while (out.size() < all.size()) {
        const auto part = all.subspan(out.size(), std::min(at_once, all.size() - out.size()));
        auto got = kernel.play(part);
        if (got.empty()) {  // the machine is too slow to play so many before timers get in the way
            at_once /= 2;
            if (at_once == 0) throw not_here{"this machine is too slow"};
            continue;
        }
        std::move(got.begin(), got.end(), std::back_inserter(out));
    }
    return out;
}

int run(const std::string& device, bool examples) {
    raw_link wire{device};
    kernel_side kernel{wire};
    account all{examples};
    for (const group& g : groups()) {
        if (g.with.v6 && !std::filesystem::exists("/proc/net/tcp6")) {
            fmt::print("{}: the kernel has no IPv6\n", g.name);
            continue;
        }
        const auto grid = trials(g);
        const auto theirs = play_kernel(kernel, grid);
        for (std::size_t i = 0; i < grid.size(); ++i) {
            const outcome& k = theirs[i];
            const outcome o = play_ours(grid[i], k.window, kernel_side::quiet);
            const bool there = k.walked_to == grid[i].way->to && o.walked_to == grid[i].way->to;
            if (there && k.window == o.window) {
                all.take({grid[i], k, o});
            } else {
                all.not_walked({grid[i], k, o});
            }
        }
        fmt::print("{}: {} cells\n", g.name, grid.size());
    }
    all.report();
    if (all.unused() != 0) fmt::print("rules that explain nothing: {}\n", all.unused());
    if (all.unexplained() == 0 && all.unused() == 0) return 0;

    utsname system{};
    ::uname(&system);
    if (std::string_view{system.release}.starts_with(known_kernel)) return 1;
    fmt::print("SKIP: the rules are those of Linux {}x, and this is {}\n", known_kernel, system.release);
    return 77;
}

/// Each mutant against what the kernel does: it must come out otherwise somewhere, and no rule may explain that.
int run_mutants(const std::string& device) {
    raw_link wire{device};
    kernel_side kernel{wire};
    group g = groups().front();
    g.texts = {amount::none, amount::three};
    const auto grid = trials(g);
    const auto theirs = play_kernel(kernel, grid);
    int missed = 0;
    for (const mutant& m : mutants) {
        std::size_t caught = 0;
        for (std::size_t i = 0; i < grid.size(); ++i) {
            const outcome o = m.play(grid[i], theirs[i].window, kernel_side::quiet);
            const difference d{grid[i], theirs[i], o};
            const auto explains = [&](const rule& r) { return r.explains(d); };
            if (o.walked_to == grid[i].way->to && !same(theirs[i], o) && std::ranges::none_of(known(), explains))
                ++caught;
        }
        fmt::print("{:<48}{:>6} differences without a rule\n", m.name, caught);
        if (caught == 0) ++missed;
    }
    return missed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace tcpfsm::differential

int main(int argc, char** argv) {
    using namespace tcpfsm::differential;
    const std::vector<std::string_view> words(argv + 1, argv + argc);
    try {
        if (words.size() == 1 && words[0] == "--table") {
            print_table();
            return 0;
        }
        if (words.empty() || words.size() > 2 || words[0].starts_with('-')) {
            fmt::print("usage: {} --table | <TUN device> [--examples | --mutants]\n", argv[0]);
            return 2;
        }
        const std::string device{words[0]};
        const std::string_view mode = words.size() == 2 ? words[1] : "";
        return mode == "--mutants" ? run_mutants(device) : run(device, mode == "--examples");
    } catch (const not_here& reason) {
        fmt::print("SKIP: {}\n", reason.what());
        return 77;
    } catch (const std::exception& error) {
        fmt::print("{}\n", error.what());
        return 1;
    }
}
