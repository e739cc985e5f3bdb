// SPDX-License-Identifier: MIT
// lwip.cpp: lwIP, both ends in one instance, over an interface that gives back what it gets.
#include "../row.hpp"

#include <tcpfsm/checksum.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

extern "C" {
#include <lwip/init.h>
#include <lwip/ip.h>
#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/sys.h>
#include <lwip/tcp.h>
std::uint16_t lwip_standard_chksum(const void* octets, int size);
}

namespace {

using namespace bench;
using octets = std::vector<std::uint8_t>;

std::uint32_t now = 0;
bool own_sums = false;   ///< lwIP's own checksum, as it comes
bool no_sums = false;    ///< nobody looks at checksums, so none is taken with a copy, either
bool in_pieces = false;  ///< a packet is its header, and a reference to the text; else one copy

/// A sum as lwIP wants it: the words as the machine reads them.
std::uint16_t as_read(tcpfsm::partial_sum sum) {
    const std::uint16_t value = sum.value();
    std::array<std::uint8_t, 2> in_order{static_cast<std::uint8_t>(value >> 8U), static_cast<std::uint8_t>(value)};
    std::uint16_t out = 0;
    std::memcpy(&out, in_order.data(), 2);
    return out;
}

/// What is on its way.
std::array<pbuf*, 1024> queue{};
std::size_t first = 0;
std::size_t last = 0;

/// A packet for the other end. lwIP keeps its own for retransmission and writes into what it reads, so the header at
/// least must be another's.
err_t transmit(netif*, pbuf* p, const ip4_addr_t*) {
    pbuf* out = nullptr;
    if (in_pieces) {
        out = pbuf_alloc(PBUF_RAW, p->len, PBUF_RAM);
        std::memcpy(out->payload, p->payload, p->len);
        for (const pbuf* part = p->next; part != nullptr; part = part->next) {
            pbuf* text = pbuf_alloc_reference(part->payload, part->len, PBUF_ROM);
            pbuf_cat(out, text);
        }
    } else {
        out = pbuf_alloc(PBUF_RAW, p->tot_len, PBUF_RAM);
        pbuf_copy_partial(p, out->payload, p->tot_len, 0);
    }
    queue[last++ % queue.size()] = out;
    return ERR_OK;
}
err_t set_up(netif* n) {
    n->output = transmit;
    n->mtu = 1500;
    n->flags |= NETIF_FLAG_UP | NETIF_FLAG_LINK_UP;
    return ERR_OK;
}
netif wire{};
ip_addr_t self;

/// Everything that is on its way arrives.
void settle() {
    while (first != last) ip_input(queue[first++ % queue.size()], &wire);
}
void pass_time() {
    now += 250;
    tcp_tmr();
    settle();
}

struct way {
    bool copied = true;  ///< by the calls that copy; else by reference, and the reader alone copies
    bool sums = true;    ///< checksums, made and verified
    bool own = false;    ///< by lwIP's own function
};
void go(const way& by) {
    own_sums = by.own;
    no_sums = !by.sums;
    in_pieces = !by.copied;
    netif_set_default(&wire);
    NETIF_SET_CHECKSUM_CTRL(&wire, by.sums ? NETIF_CHECKSUM_ENABLE_ALL : NETIF_CHECKSUM_DISABLE_ALL);
}

/// A connection from here to here, alone in lwIP as long as it lives. `b` is made by a listener.
struct two_ends {
    tcp_pcb* listener = nullptr;
    tcp_pcb* a = nullptr;
    tcp_pcb* b = nullptr;
    void* whose;
    tcp_recv_fn hears_b;

    two_ends(void* work, tcp_recv_fn hears) : whose{work}, hears_b{hears} {
        listener = tcp_new();
        tcp_bind(listener, &self, 9293);
        listener = tcp_listen(listener);
        tcp_arg(listener, this);
        tcp_accept(listener, [](void* arg, tcp_pcb* pcb, err_t) -> err_t {
            auto* me = static_cast<two_ends*>(arg);
            me->b = pcb;
            tcp_nagle_disable(pcb);
            tcp_arg(pcb, me->whose);
            tcp_recv(pcb, me->hears_b);
            return ERR_OK;
        });
    }
    two_ends(const two_ends&) = delete;
    two_ends& operator=(const two_ends&) = delete;
    ~two_ends() { tcp_close(listener); }

    void open(tcp_recv_fn hears_a) {
        a = tcp_new();
        tcp_nagle_disable(a);
        tcp_arg(a, whose);
        tcp_recv(a, hears_a);
        tcp_connect(a, &self, 9293, [](void*, tcp_pcb*, err_t) -> err_t { return ERR_OK; });
        settle();
    }
    void drop() {
        tcp_abort(a);
        settle();
    }
};

/// Text in one direction.
struct bulk {
    way by;
    octets source = some_text(buffer_size);
    octets sink = octets(buffer_size);
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    bool looks = false;
    bool sound = true;

    explicit bulk(const way& how) : by{how} {}
    static err_t hears(void* arg, tcp_pcb* pcb, pbuf* p, err_t) {
        return static_cast<bulk*>(arg)->hear(pcb, p), ERR_OK;
    }
    void hear(tcp_pcb* pcb, pbuf* p) {
        if (p == nullptr) return;
        for (const pbuf* part = p; part != nullptr; part = part->next) {
            const auto* text = static_cast<const std::uint8_t*>(part->payload);
            for (std::size_t done = 0; done < part->len;) {
                const std::size_t at = received % buffer_size;
                const std::size_t n = std::min<std::size_t>(part->len - done, buffer_size - at);
                std::memcpy(sink.data() + at, text + done, n);
                if (looks) sound = sound && std::memcmp(sink.data() + at, source.data() + at, n) == 0;
                done += n;
                received += n;
            }
        }
        tcp_recved(pcb, p->tot_len);
        pbuf_free(p);
    }
    std::uint64_t operator()(bool look) {
        go(by);
        looks = look;
        sound = true;
        two_ends ends{this, hears};
        ends.open(nullptr);
        const std::uint64_t begin = received = sent;
        while (received - begin < 32 * buffer_size) {
            const std::uint64_t before = received;
            for (std::size_t room = tcp_sndbuf(ends.a); room != 0; room = tcp_sndbuf(ends.a)) {
                const std::size_t at = sent % buffer_size;
                const auto n = static_cast<u16_t>(std::min({room, buffer_size - at, std::size_t{32768}}));
                if (tcp_write(ends.a, source.data() + at, n, by.copied ? TCP_WRITE_FLAG_COPY : 0) != ERR_OK) break;
                sent += n;
            }
            tcp_output(ends.a);
            settle();
            if (received == before) pass_time();
        }
        ends.drop();
        return sound ? received - begin : 0;
    }
};

/// A request there, the same octets back.
struct request_response {
    octets source = some_text(request_size);
    octets sink = octets(request_size);
    unsigned answered = 0;

    static err_t hears_b(void*, tcp_pcb* pcb, pbuf* p, err_t) {
        if (p == nullptr) return tcp_close(pcb);
        std::array<std::uint8_t, request_size> heard{};
        pbuf_copy_partial(p, heard.data(), request_size, 0);
        tcp_recved(pcb, p->tot_len);
        pbuf_free(p);
        return tcp_write(pcb, heard.data(), request_size, TCP_WRITE_FLAG_COPY);
    }
    static err_t hears_a(void* arg, tcp_pcb* pcb, pbuf* p, err_t) {
        if (p == nullptr) return ERR_OK;
        auto* me = static_cast<request_response*>(arg);
        pbuf_copy_partial(p, me->sink.data(), request_size, 0);
        tcp_recved(pcb, p->tot_len);
        pbuf_free(p);
        ++me->answered;
        return ERR_OK;
    }
    bool exchange(tcp_pcb* a, bool look) {
        if (look) std::fill(sink.begin(), sink.end(), std::uint8_t{0});
        const unsigned before = answered;
        tcp_write(a, source.data(), request_size, TCP_WRITE_FLAG_COPY);
        tcp_output(a);
        settle();
        return answered == before + 1 && (!look || sink == source);
    }
};
struct requests : request_response {
    std::uint64_t operator()(bool look) {
        go({});
        two_ends ends{this, hears_b};
        ends.open(hears_a);
        constexpr unsigned times = 2000;
        bool sound = true;
        for (unsigned i = 0; i < times; ++i) sound = exchange(ends.a, look) && sound;
        ends.drop();
        return sound ? times : 0;
    }
};
struct open_to_close : request_response {
    std::uint64_t operator()(bool look) {
        go({});
        two_ends ends{this, hears_b};
        constexpr unsigned times = 500;
        bool sound = true;
        for (unsigned i = 0; i < times; ++i) {
            ends.open(hears_a);
            sound = exchange(ends.a, look) && sound;
            tcp_close(ends.a);
            settle();
            sound = sound && ends.a->state == TIME_WAIT && tcp_active_pcbs == nullptr;
        }
        return sound ? times : 0;
    }
};

template <class Work, class... Given>
row made(const char* name, unit in, const Given&... given) {
    return {name, in, [w = std::make_shared<Work>(given...)](bool look) { return (*w)(look); }};
}

}  // namespace

extern "C" u32_t sys_now(void) { return now; }
extern "C" std::uint16_t bench_sum(const void* octets, int size) {
    if (own_sums) return lwip_standard_chksum(octets, size);
    const auto* from = static_cast<const std::uint8_t*>(octets);
    return as_read(tcpfsm::partial_sum{std::span{from, static_cast<std::size_t>(size)}});
}
extern "C" std::uint16_t bench_copy_and_sum(void* to, const void* from, std::uint16_t size) {
    if (own_sums || no_sums) {
        std::memcpy(to, from, size);
        return no_sums ? std::uint16_t{0} : lwip_standard_chksum(to, size);
    }
    return as_read(tcpfsm::copy_and_sum(std::span{static_cast<std::uint8_t*>(to), size},
                                        std::span{static_cast<const std::uint8_t*>(from), size}));
}

void bench::add_lwip(std::vector<row>& rows) {
    lwip_init();
    ip4_addr_t address, mask, gateway;
    IP4_ADDR(&address, 10, 0, 0, 1);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&gateway, 0, 0, 0, 0);
    netif_add(&wire, &address, &mask, &gateway, nullptr, set_up, ip_input);
    ip_addr_copy_from_ip4(self, address);
    constexpr unit gb = unit::gigabytes_per_second;
    rows.push_back(made<bulk>("lwip bulk", gb, way{}));
    rows.push_back(made<bulk>("lwip bulk, its own checksum", gb, way{.own = true}));
    rows.push_back(made<bulk>("lwip bulk, by reference", gb, way{.copied = false}));
    rows.push_back(made<bulk>("lwip bulk, no sums", gb, way{.sums = false}));
    rows.push_back(made<bulk>("lwip bulk, by reference, no sums", gb, way{.copied = false, .sums = false}));
    rows.push_back(made<requests>("lwip rr", unit::nanoseconds));
    rows.push_back(made<open_to_close>("lwip open..close", unit::nanoseconds));
}
