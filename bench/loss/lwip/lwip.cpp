// SPDX-License-Identifier: MIT
// lwip.cpp: lwIP sends over the simulated link, in virtual time; our connection reads.
#include "../arguments.hpp"
#include "../flow.hpp"
#include "../four_paths.hpp"
#include "../situation.hpp"

#include <tcpfsm/address_text.hpp>
#include <tcpfsm/ip.hpp>
#include <tcpfsm/wire.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

extern "C" {
#include <lwip/init.h>
#include <lwip/ip.h>
#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/sys.h>
#include <lwip/tcp.h>
}

namespace {

using namespace std::chrono_literals;
using namespace tcpfsm::literals;
using bench::nanos;
using octets = std::vector<std::uint8_t>;

constexpr const char* help =
    "bench_loss_lwip: lwIP over simulated paths, in virtual time; one line of CSV a run\n"
    "  --runs <n>        seeds on the paths of the comparison with others (7)\n"
    "  --seconds <n>     of virtual time on each of these (10)\n"
    "  --out <file>      where their CSV goes (standard output)\n"
    "  --grid <file>     where the CSV of the paths of the grid up to 100 Mbit/s goes (nowhere)\n"
    "  --seeds <n>       on each of these (3)\n";

nanos now{};
bench::link<octets>* forward = nullptr;

/// lwIP has something for the wire.
err_t transmit(netif*, pbuf* p, const ip4_addr_t*) {
    octets copy(p->tot_len);
    pbuf_copy_partial(p, copy.data(), p->tot_len, 0);
    const auto size = static_cast<std::uint32_t>(copy.size());
    (void)forward->offer(std::move(copy), size, {}, now);
    return ERR_OK;
}
err_t set_up(netif* n) {
    n->output = transmit;
    n->mtu = 1500;
    n->flags |= NETIF_FLAG_UP | NETIF_FLAG_LINK_UP;
    return ERR_OK;
}
/// As much as there is room for.
void fill(tcp_pcb* pcb) {
    static const octets zeros(32768);
    while (pcb->snd_buf >= zeros.size() && pcb->snd_queuelen + 100 < TCP_SND_QUEUELEN) {
        if (tcp_write(pcb, zeros.data(), static_cast<u16_t>(zeros.size()), 0) != ERR_OK) break;
    }
    tcp_output(pcb);
}

class transfer {
public:
    transfer(const bench::link_settings& there, const bench::link_settings& back, std::uint32_t buffer)
        : there_{there}, back_{back} {
        forward = &there_;
        (void)reader_.open_passive({.iss = tcpfsm::seq{1}, .rcv_buff = buffer}, at());
        pcb_ = tcp_new();
        tcp_nagle_disable(pcb_);
        ip_addr_t peer;
        IP_ADDR4(&peer, 10, 0, 0, 2);
        tcp_arg(pcb_, this);
        tcp_err(pcb_, [](void* self, err_t why) {
            std::fprintf(stderr, "lwIP gave up: %d\n", why);
            static_cast<transfer*>(self)->pcb_ = nullptr;
        });
        tcp_sent(pcb_, [](void*, tcp_pcb* pcb, u16_t) -> err_t { return fill(pcb), ERR_OK; });
        tcp_connect(pcb_, &peer, 9293, [](void*, tcp_pcb* pcb, err_t) -> err_t { return fill(pcb), ERR_OK; });
    }
    ~transfer() {
        if (pcb_ == nullptr) return;
        tcp_err(pcb_, nullptr);
        tcp_abort(pcb_);
    }
    transfer(const transfer&) = delete;
    transfer& operator=(const transfer&) = delete;

    void run(netif& wire, nanos until) {
        nanos tick = now;
        while (now < until) {
            const auto due = reader_.poll_timeout();
            const nanos reader = due == tcpfsm::never ? nanos::max() : nanos{due.time_since_epoch()};
            now = std::max(now, std::min({there_.next(), back_.next(), reader, tick}));
            if (tick <= now) {
                tcp_tmr();
                tick += nanos{std::chrono::milliseconds{TCP_TMR_INTERVAL}};
            }
            while (const auto p = there_.arrive(now)) read(p->what);
            reader_.handle_timeout(at());
            answer();
            while (const auto p = back_.arrive(now)) {
                pbuf* in = pbuf_alloc(PBUF_RAW, static_cast<u16_t>(p->what.size()), PBUF_RAM);
                pbuf_take(in, p->what.data(), static_cast<u16_t>(p->what.size()));
                ip_input(in, &wire);
            }
        }
    }
    [[nodiscard]] std::uint64_t delivered() const { return delivered_; }

private:
    static tcpfsm::time_point at() { return tcpfsm::time_point{std::chrono::duration_cast<tcpfsm::duration>(now)}; }
    void read(const octets& packet) {
        const tcpfsm::packet p = tcpfsm::parse_packet(packet);
        const tcpfsm::parsed t = tcpfsm::parse_tcp(p.payload, p.source, p.destination);
        if (!t) return;
        between_ = {{p.destination, t.destination_port}, {p.source, t.source_port}};
        delivered_ += reader_.handle_segment(t.segment, at()).in_order;
        if (reader_.readable() != 0) (void)reader_.receive(reader_.readable(), at());
        answer();
    }
    void answer() {
        while (const auto out = reader_.poll_transmit(at())) {
            std::array<std::uint8_t, 1500> packet{};
            const std::size_t size = tcpfsm::write_packet(packet, between_, out->segment, {});
            (void)back_.offer(octets(packet.data(), packet.data() + size), static_cast<std::uint32_t>(size), {}, now);
        }
    }

    bench::link<octets> there_, back_;
    tcpfsm::basic_connection<bench::server<tcpfsm::new_reno>> reader_;
    tcpfsm::four_tuple between_{};
    tcp_pcb* pcb_;
    std::uint64_t delivered_ = 0;
};

}  // namespace

extern "C" u32_t sys_now(void) { return static_cast<u32_t>(now.count() / 1'000'000); }

int main(int argc, char** argv) {
    bench::arguments args{argc, argv, help};
    const unsigned runs = args.whole("--runs", 7);
    const unsigned seconds = args.whole("--seconds", 10);
    const std::string out = args.text("--out", "");
    const std::string grid = args.text("--grid", "");
    const unsigned seeds = args.whole("--seeds", 3);
    args.finish();
    std::FILE* to = out.empty() ? stdout : std::fopen(out.c_str(), "w");
    std::FILE* also = grid.empty() ? nullptr : std::fopen(grid.c_str(), "w");
    if (to == nullptr || (also == nullptr && !grid.empty())) args.refuse("cannot write " + out + " or " + grid);
    lwip_init();
    netif wire{};
    ip4_addr_t self, mask, gateway;
    IP4_ADDR(&self, 10, 0, 0, 1);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&gateway, 0, 0, 0, 0);
    netif_add(&wire, &self, &mask, &gateway, nullptr, set_up, ip_input);
    netif_set_default(&wire);
    std::fprintf(to, "who,path,run,fraction\n");
    const auto share = [&](transfer&& t, nanos lasts, std::uint64_t rate) {
        t.run(wire, now + lasts);
        const double seconds_of = std::chrono::duration<double>(lasts).count();
        now += 1s;
        return 8.0 * static_cast<double>(t.delivered()) / seconds_of / static_cast<double>(rate);
    };
    for (const auto& path : bench::four_paths) {
        for (unsigned run = 1; run <= runs; ++run)
            std::fprintf(to, "lwIP %s,%s,%u,%.5f\n", LWIP_VERSION_STRING, path.name, run,
                         share({bench::way_there(path, run), bench::way_back(), 4U << 20U},
                               std::chrono::seconds{seconds}, bench::path_rate));
    }
    if (also != nullptr) {
        std::fprintf(also, "control,rtt_ms,rate_mbit,loss_ppm,late_ppm,seed,fraction\n");
        for (const auto& path : bench::paths(false)) {
            if (path.rate_mbit > 100 || path.also != bench::twist::none) continue;
            for (unsigned seed = 1; seed <= seeds; ++seed)
                std::fprintf(also, "lwIP %s,%u,%u,%u,%u,%u,%.5f\n", LWIP_VERSION_STRING, path.rtt_ms, path.rate_mbit,
                             path.loss, path.late, seed,
                             share({path.forward(seed), path.back(), path.buffer()}, path.lasts(),
                                   std::uint64_t{path.rate_mbit} * 1'000'000));
        }
        std::fclose(also);
    }
    if (to != stdout) std::fclose(to);
}
