// SPDX-License-Identifier: MIT
// host.cpp: any packets, calls and times at a host with few places. Segments are aimed at what the host sent last; what
// it sends must be sound, and it must come to rest.

#include <tcpfsm/host.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

namespace {

using namespace tcpfsm;

void require(bool holds, int line = __builtin_LINE()) {
    if (holds) return;
    std::fprintf(stderr, "host.cpp:%d does not hold\n", line);
    std::abort();
}

class input {
public:
    explicit input(std::span<const std::uint8_t> octets) noexcept : octets_{octets} {}
    [[nodiscard]] bool empty() const noexcept { return octets_.empty(); }
    std::uint8_t octet() noexcept {
        if (octets_.empty()) return 0;
        const std::uint8_t o = octets_.front();
        octets_ = octets_.subspan(1);
        return o;
    }
    std::uint16_t word() noexcept {
        const unsigned high = octet();
        return static_cast<std::uint16_t>(high << 8U | octet());
    }
    std::span<const std::uint8_t> take(std::size_t n) noexcept {
        const auto taken = octets_.first(n < octets_.size() ? n : octets_.size());
        octets_ = octets_.subspan(taken.size());
        return taken;
    }

private:
    std::span<const std::uint8_t> octets_;
};

constexpr ip_address own[] = {ipv4(10, 0, 0, 1), ip_address{std::array<std::uint8_t, 16>{0xfd, 15, 1}}};
constexpr ip_address peers[] = {ipv4(10, 0, 0, 2), ipv4(255, 255, 255, 255),
                                ip_address{std::array<std::uint8_t, 16>{0xfd, 15, 2}},
                                ip_address{std::array<std::uint8_t, 16>{0xff, 15, 2}}};

using storage = host_storage<4, 300, 500, 3>;

class world {
public:
    explicit world(input& in) : in_{in}, host_{config(), storage_->memory()} {
        (void)host_.listen({.port = 80, .backlog = 2});
        (void)host_.listen({.port = 81, .backlog = 2, .deferred = true});
        (void)host_.listen({.wants = [](void*, const endpoint& e) { return e.port > 0xff00; }});
    }

    void step() {
        const std::uint8_t what = in_.octet();
        handle h = handles_.empty() ? handle{} : handles_[in_.octet() % handles_.size()];
        switch (what % 16) {
        case 0: {  // octets as they are, in memory of their own so that a look outside is seen
            const auto raw = in_.take(in_.octet());
            const std::vector<std::uint8_t> own_copy(raw.begin(), raw.end());
            (void)host_.handle_packet(own_copy, now_);
            break;
        }
        case 1: keep(host_.connect({peers[in_.octet() % 4], in_.octet()}, own[in_.octet() % 2], now_).of); break;
        case 2: (void)host_.accept(h, now_); break;
        case 3: (void)host_.refuse(h, now_); break;
        case 4: (void)host_.send(h, in_.take(in_.octet()), now_); break;
        case 5: {
            std::array<std::uint8_t, 64> got;
            (void)host_.receive(h, std::span{got}.first(in_.octet() % 65), now_);
            break;
        }
        case 6: (void)host_.close(h, now_); break;
        case 7: (void)host_.release(h, now_); break;
        case 8:
            if (in_.octet() < 0x20) (void)host_.abort(h, now_);
            break;
        case 9:
            now_ += duration{std::int64_t{in_.word()} * 10'000};
            host_.handle_timeout(now_);
            break;
        case 10:
            if (host_.poll_timeout() != never && host_.poll_timeout() > now_) now_ = host_.poll_timeout();
            host_.handle_timeout(now_);
            break;
        default: arrive(); break;
        }
        drain();
    }

private:
    static host_config config() {
        host_config c = storage::config({1, 2, 3});
        c.is_local = [](void*, const ip_address& a) { return a == own[0] || a == own[1]; };
        return c;
    }
    void keep(handle h) {
        if (handles_.size() < 16) handles_.push_back(h);
    }
    // A segment with right checksums: about the last one that the host sent, or to a port of its own choice.
    void arrive() {
        segment seg = last_;
        const std::uint8_t how = in_.octet();
        four_tuple between = last_between_;
        if (how < 0x30) {
            between = {{own[in_.octet() % 2], static_cast<std::uint16_t>(80 + in_.octet() % 4)},
                       {peers[in_.octet() % 4], in_.octet()}};
        }
        constexpr control kinds[] = {
            ctl::ack, ctl::ack,           ctl::ack | ctl::psh, ctl::syn, ctl::syn | ctl::ack, ctl::fin | ctl::ack,
            ctl::rst, ctl::rst | ctl::ack};
        segment out;
        out.ctl = how < 0xe0 ? kinds[how & 7U] : control{in_.octet()};
        out.seq = seg.ack + static_cast<std::uint32_t>(in_.octet() % 4U) - (in_.octet() < 0x20 ? in_.word() : 0U);
        out.ack = seg.seq + seg.len() - (in_.octet() < 0x20 ? in_.word() : 0U);
        out.wnd = in_.octet() < 0x20 ? 0 : in_.word();
        out.options.has_timestamps = seg.options.has_timestamps || in_.octet() < 0x20;
        out.options.ts_val = seg.options.ts_ecr + 1;
        out.options.ts_ecr = seg.options.ts_val;
        const auto text = in_.take(in_.octet() % 64);
        out.text = static_cast<std::uint32_t>(text.size());
        std::array<std::uint8_t, 300> packet;
        if (between.local.address.family() != between.remote.address.family()) return;
        const std::size_t size = write_packet(packet, between.reversed(), out, text, {}, {});
        const std::vector<std::uint8_t> exact(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(size));
        const verdict v = host_.handle_packet(exact, now_);
        require(!describe(v).empty());
    }
    void drain() {
        std::array<std::uint8_t, 1500> packet;
        unsigned packets = 0;
        while (const std::size_t size = host_.poll_packet(packet, now_)) {
            require(++packets < 500);
            const auto ip = parse_packet(std::span{packet}.first(size));
            require(ip.error == ip_error::none);
            const auto tcp = parse_tcp(ip.payload, ip.source, ip.destination);
            require(tcp.error == wire_error::none);
            require(ip.destination.is_unicast());  // nothing is said to everybody (MUST-57)
            last_ = tcp.segment;
            last_between_ = {{ip.source, tcp.source_port}, {ip.destination, tcp.destination_port}};
        }
        unsigned told = 0;
        while (const auto e = host_.poll_event()) {
            require(++told < 100);
            keep(e->of);
        }
        host_.handle_timeout(now_);
        require(packets > 0 || host_.poll_timeout() > now_);
    }

    input& in_;
    std::unique_ptr<storage> storage_ = std::make_unique<storage>();
    host host_;
    time_point now_{};
    std::vector<handle> handles_;
    segment last_{};
    four_tuple last_between_{{own[0], 80}, {peers[0], 5}};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    input in{{data, size}};
    world w{in};
    for (unsigned steps = 0; !in.empty() && steps < 300; ++steps) w.step();
    return 0;
}
