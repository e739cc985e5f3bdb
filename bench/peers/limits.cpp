// SPDX-License-Identifier: MIT
// limits.cpp: what no TCP can beat: its copies and its sums, and nothing else.
#include "row.hpp"

#include <tcpfsm/checksum.hpp>
#include <tcpfsm/octets.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

namespace {

using namespace bench;
using octets = std::vector<std::uint8_t>;

/// The compiler must believe that someone looks at it.
template <class T>
void look_at(const T& value) {
    asm volatile("" : : "r,m"(value) : "memory");
}

/// Text goes through `copies` copies, `summed` of them with the checksum, and is summed `sums` times beside.
struct copy_loop {
    unsigned copies = 1;
    unsigned summed = 0;
    unsigned sums = 0;
    std::vector<octets> buffers{};

    copy_loop(unsigned all, unsigned with_sum, unsigned alone) : copies{all}, summed{with_sum}, sums{alone} {
        buffers.assign(copies + 1, octets(buffer_size));
        buffers[0] = some_text(buffer_size);
    }
    std::uint64_t operator()(bool look) {
        constexpr unsigned times = 16;
        for (unsigned n = 0; n < times; ++n) {
            tcpfsm::partial_sum sum;
            for (unsigned i = 0; i < sums; ++i) look_at(sum.append(tcpfsm::partial_sum{buffers[0]}).value());
            for (unsigned i = 0; i < copies; ++i) {
                if (i < summed) {
                    look_at(tcpfsm::copy_and_sum(buffers[i + 1], buffers[i]).value());
                } else {
                    std::memcpy(buffers[i + 1].data(), buffers[i].data(), buffer_size);
                }
                look_at(buffers[i + 1].data());
            }
        }
        return look && buffers.back() != buffers.front() ? 0 : std::uint64_t{times} * buffer_size;
    }
};

/// A packet with `request_size` octets of text goes each way: made with both checksums, read, and looked through.
struct request_loop {
    static constexpr std::size_t header = 40;
    std::array<std::uint8_t, header + request_size> packet{};
    std::array<std::uint8_t, request_size> text{};
    std::uint32_t seq = 1;

    void make() {
        using namespace tcpfsm;
        std::uint8_t* to = store32(packet.data(), 0x45000000U | std::uint32_t{header + request_size});
        to = store32(to, 0x4000);
        to = store32(to, 0x40060000);
        to = store32(to, 0x0a000001);
        to = store32(to, 0x0a000002);
        store16(packet.data() + 10, partial_sum{std::span{packet}.first<20>()}.checksum());
        to = store32(to, 0x9c40244d);
        to = store32(to, seq);
        to = store32(to, seq);
        to = store32(to, 0x5018ffff);
        to = store32(to, 0);
        const partial_sum text_sum = copy_and_sum(std::span{packet}.subspan(header), text);
        partial_sum sum{std::span{packet}.subspan(12, 28)};
        sum.append(partial_sum::of(6)).append(partial_sum::of(20 + request_size)).append(text_sum);
        store16(packet.data() + 36, sum.checksum());
    }
    bool read() {
        using namespace tcpfsm;
        if (load16(packet.data()) != 0x4500 || load16(packet.data() + 2) != packet.size()) return false;
        if (!partial_sum{std::span{packet}.first<20>()}.verifies()) return false;
        partial_sum sum{std::span{packet}.subspan(12, 28)};
        sum.append(partial_sum::of(6)).append(partial_sum::of(20 + request_size));
        sum.append(copy_and_sum(text, std::span{packet}.subspan(header)));
        return sum.verifies() && load32(packet.data() + 24) == seq;
    }
    std::uint64_t operator()(bool look) {
        constexpr unsigned times = 2000;
        bool sound = true;
        for (unsigned n = 0; n < times; ++n) {
            for (unsigned way = 0; way < 2; ++way) {
                ++seq;
                make();
                look_at(packet.data());
                sound = read() && sound;
                look_at(text.data());
            }
        }
        return look && !sound ? 0 : times;
    }
};

}  // namespace

void bench::add_limits(std::vector<row>& rows) {
    const auto loop = [&](const char* name, unsigned copies, unsigned summed, unsigned sums) {
        rows.push_back({name, unit::gigabytes_per_second,
                        [l = std::make_shared<copy_loop>(copies, summed, sums)](bool look) { return (*l)(look); }});
    };
    loop("limit 1 copy", 1, 0, 0);
    loop("limit 2 copies", 2, 0, 0);
    loop("limit 4 copies", 4, 0, 0);
    loop("limit sum", 0, 0, 1);
    loop("limit copy with sum", 1, 1, 0);
    loop("limit lent", 1, 1, 1);    // summed when it leaves, and with the copy at its end
    loop("limit stream", 4, 2, 0);  // user, ring, packet, ring, user
    rows.push_back(
        {"limit rr", unit::nanoseconds, [l = std::make_shared<request_loop>()](bool look) { return (*l)(look); }});
}
