// SPDX-License-Identifier: MIT
// relay.cpp: the kernel's congestion controls and ours, in real time, through the link that is simulated elsewhere.
#include "arguments.hpp"
#include "four_paths.hpp"
#include "link.hpp"
#include "network_space.hpp"
#include "senders.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

// Two network namespaces, each with a TUN device; this program lies between them and passes packets on when the
// link says so. In one a process sends for ever, in the other one reads: always the kernel.
//
//     kernel that sends  -------------------- wire - relay - wire -- kernel that reads
//     our host -- TUN -- kernel that routes -/

namespace {

using namespace std::chrono_literals;
using bench::nanos;

constexpr const char* help =
    "bench_loss_relay: transfers through a link emulated in real time, over TUN devices; one line of CSV a run\n"
    "It takes root, or user namespaces; where it cannot run, it says why, and exits with 77.\n"
    "  --only <text>     only runs whose name contains it, such as Linux cubic/loss1 or tcpfsm new_reno/clean\n"
    "  --runs <n>        of each (7)\n"
    "  --seconds <n>     from the handshake on (8)\n"
    "  --out <file>      where the CSV goes (standard output)\n"
    "  --trace <file>    where windows over time of our senders go (nowhere)\n";

struct sender {
    std::string name;
    void (*ours)(int device, bench::board&, std::FILE* trace, const char* names);  ///< null: the kernel
    const char* kernels;
};

const std::vector<sender> senders{
    {"Linux reno", nullptr, "reno"},
    {"Linux cubic", nullptr, "cubic"},
    {"Linux bbr", nullptr, "bbr"},
    {"tcpfsm new_reno", bench::send_by_host<tcpfsm::new_reno>, nullptr},
    {"tcpfsm cubic", bench::send_by_host<tcpfsm::cubic>, nullptr},
    {"tcpfsm cubic_paced", bench::send_by_host<tcpfsm::basic_cubic<tcpfsm::paced_hystart_plus_plus>, true>, nullptr},
    {"tcpfsm bbr", bench::send_by_host<tcpfsm::bbr>, nullptr},
};

/// What one run came to, and how late the relay itself was.
struct result {
    double fraction = 0;
    double late_mean_us = 0, late_p99_us = 0, late_max_us = 0;
    bench::link_counts link{};
    bool done = false;
};

template <class Task>
pid_t start(Task task) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    try {
        task();
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        std::_Exit(1);
    }
    std::_Exit(0);
}

/// One direction: from a device, through the link, to another.
class direction {
    using packet = std::vector<std::uint8_t>;

public:
    direction(int from, int to, const bench::link_settings& s) : from_{from}, to_{to}, line_{s} {}
    void pass(nanos began) {
        packet p;
        for (int i = 0; i < 64; ++i) {
            p.resize(2048);
            const ssize_t n = ::read(from_, p.data(), p.size());
            if (n <= 0) break;
            p.resize(static_cast<std::size_t>(n));
            if (p[0] >> 4U != 4) continue;  // not what is measured: IPv6 looking for routers
            (void)line_.offer(p, static_cast<std::uint32_t>(n), {}, now(began));
        }
        while (auto out = line_.arrive(now(began))) {
            (void)!::write(to_, out->what.data(), out->what.size());
            late.push_back(static_cast<float>((now(began) - out->due).count()) / 1000);
        }
    }
    [[nodiscard]] nanos next() const { return line_.next(); }
    [[nodiscard]] const bench::link<packet>& line() const { return line_; }
    static nanos now(nanos began) { return nanos{bench::steady_now()} - began; }

    std::vector<float> late{};  ///< microseconds between what the link said and what was done

private:
    int from_, to_;
    bench::link<packet> line_;
};

/// Both namespaces, both processes, and the relay between them. Runs in a process of its own.
void run(const sender& who, const bench::named_path& path, std::uint64_t seed, unsigned seconds, std::FILE* trace,
         bench::board& b, result& out) {
    bench::enter_new_network();
    const int left = bench::make_tun("wire", bench::left_address);
    bench::route_all_to("wire");
    const int device = who.ours == nullptr ? -1 : bench::make_tun("host", bench::router_address);
    if (who.ours != nullptr) bench::write_file("/proc/sys/net/ipv4/ip_forward", "1");
    const pid_t sends = start([&] {
        while (!b.listening) ::usleep(1000);
        if (who.ours != nullptr) {
            who.ours(device, b, trace, (who.name + "," + path.name).c_str());
        } else {
            bench::send_by_kernel(who.kernels, b);
        }
    });
    if (::unshare(CLONE_NEWNET) != 0) throw bench::impossible{"a second network namespace"};
    const int right = bench::make_tun("wire", bench::right_address);
    bench::route_all_to("wire");
    const pid_t reads = start([&] { bench::read_for_ever(b); });

    // The relay must not wait for others. Without the right to say so it does without.
    const sched_param first{.sched_priority = 10};
    (void)::sched_setscheduler(0, SCHED_RR, &first);
    ::prctl(PR_SET_TIMERSLACK, 1);
    const nanos began{bench::steady_now()};
    direction there{left, right, bench::way_there(path, seed)};
    direction back{right, left, bench::way_back()};
    const std::int64_t lasts = std::chrono::nanoseconds{std::chrono::seconds{seconds}}.count();
    while (true) {
        there.pass(began);
        back.pass(began);
        b.queue = there.line().octets_waiting();
        const std::int64_t now = bench::steady_now();
        if (b.opened != 0 && now - b.opened >= lasts) break;
        if (now - began.count() > lasts + 20'000'000'000) throw std::runtime_error{who.name + ": no connection"};
        pollfd ready[2] = {{left, POLLIN, 0}, {right, POLLIN, 0}};
        const nanos next = std::min({there.next(), back.next(), direction::now(began) + 50ms});
        const std::int64_t wait = std::max<std::int64_t>((next - direction::now(began)).count(), 0);
        const timespec spec{0, wait};
        ::ppoll(ready, 2, &spec, nullptr);
    }
    const double took = static_cast<double>(bench::steady_now() - b.opened) / 1e9;
    out.fraction = 8.0 * static_cast<double>(b.received) / took / static_cast<double>(bench::path_rate);
    std::sort(there.late.begin(), there.late.end());
    double sum = 0;
    for (const float v : there.late) sum += static_cast<double>(v);
    if (!there.late.empty()) {
        out.late_mean_us = sum / static_cast<double>(there.late.size());
        out.late_p99_us = static_cast<double>(there.late[there.late.size() * 99 / 100]);
        out.late_max_us = static_cast<double>(there.late.back());
    }
    out.link = there.line().counts();
    out.done = true;
    for (const pid_t child : {sends, reads}) {
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
    }
}

template <class T>
T& shared() {
    void* at = ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) throw bench::impossible{"shared memory"};
    return *new (at) T;
}

double load() {
    double now[1] = {0};
    (void)::getloadavg(now, 1);
    return now[0];
}

}  // namespace

int main(int argc, char** argv) {
    bench::arguments args{argc, argv, help};
    const std::string only = args.text("--only", "");
    const unsigned runs = args.whole("--runs", 7);
    const unsigned seconds = args.whole("--seconds", 8);
    const std::string out = args.text("--out", "");
    const std::string trace = args.text("--trace", "");
    args.finish();

    // What cannot work at all is told once, before anything is written.
    const pid_t trial = start([] {
        bench::enter_new_network();
        (void)bench::make_tun("wire", bench::left_address);
    });
    int status = 0;
    ::waitpid(trial, &status, 0);
    if (status != 0) {
        std::fprintf(stderr, "SKIP: no comparison in real time, for the reason above\n");
        return 77;
    }
    std::FILE* to = out.empty() ? stdout : std::fopen(out.c_str(), "w");
    std::FILE* also = trace.empty() ? nullptr : std::fopen(trace.c_str(), "w");
    if (to == nullptr || (also == nullptr && !trace.empty())) args.refuse("cannot write " + out + " or " + trace);
    std::fprintf(to, "who,path,run,fraction,relay_mean_us,relay_p99_us,relay_max_us,load,carried,overflowed\n");
    if (also != nullptr) {
        std::fprintf(also,
                     "control,path,seconds,window,threshold,flight,queue,srtt_us,mbit_per_s,timeouts,"
                     "phase,bw,max_bw,min_rtt_us,shortterm,longterm,peer_room\n");
        std::fflush(also);
    }
    // One of each, then the next of each: what else the machine does meanwhile meets all of them.
    for (unsigned i = 1; i <= runs; ++i) {
        for (const auto& path : bench::four_paths) {
            for (const auto& who : senders) {
                const std::string name = who.name + "/" + path.name;
                if (name.find(only) == std::string::npos) continue;
                const double before = load();
                auto& b = shared<bench::board>();
                auto& r = shared<result>();
                const pid_t child = start([&] { run(who, path, i, seconds, also, b, r); });
                ::waitpid(child, nullptr, 0);
                std::fprintf(stderr, "relay: %s, run %u of %u: ", name.c_str(), i, runs);
                if (!r.done) {
                    std::fprintf(stderr, "not done\n");
                    continue;
                }
                std::fprintf(stderr, "%.3f; the relay was late by %.0f us, 1 %% of the time by %.0f us; load %.2f\n",
                             r.fraction, r.late_mean_us, r.late_p99_us, before);
                std::fprintf(
                    to, "%s,%s,%u,%.5f,%.1f,%.1f,%.1f,%.2f,%.5f,%llu\n", who.name.c_str(), path.name, i, r.fraction,
                    r.late_mean_us, r.late_p99_us, r.late_max_us, before,
                    8.0 * static_cast<double>(r.link.carried) / seconds / static_cast<double>(bench::path_rate),
                    static_cast<unsigned long long>(r.link.overflowed));
                std::fflush(to);
                ::munmap(&b, sizeof b);
                ::munmap(&r, sizeof r);
            }
        }
    }
    if (also != nullptr) std::fclose(also);
    if (to != stdout) std::fclose(to);
    return 0;
}
