// SPDX-License-Identifier: MIT
// time_wait_property.cpp: a connection in TIME-WAIT and its 48 octets, beside each other.

#include "support/catch.hpp"
#include "support/hosts.hpp"

#include <array>
#include <memory>
#include <random>
#include <vector>

namespace {

using namespace tcpfsm;
using namespace tcpfsm::literals;
using namespace tcpfsm::testing;

struct mortal : policies {  // a reset ends TIME-WAIT
    static constexpr bool rfc1337 = false;
};
struct literal : policies {  // RFC 9293 without RFC 5961, and no way back from TIME-WAIT
    static constexpr bool rfc5961 = false;
    static constexpr bool reopen_time_wait = false;
};

const four_tuple names[] = {{{"192.0.2.1"_ip, 80}, {"198.51.100.7"_ip, 999}},
                            {{"2001:db8::1"_ip, 80}, {"2001:db8::7"_ip, 999}}};

template <class P>
class exhibit {
public:
    explicit exhibit(std::uint64_t seed) : random_{seed} {}

    std::uint32_t below(std::uint64_t n) { return static_cast<std::uint32_t>(random_() % n); }

    /// From a SYN to TIME-WAIT, with text both ways. Everything is read and polled.
    void live() {
        given_.iss = seq{below(1ULL << 32U)};
        given_.rcv_buff = 1 + below(below(2) == 0 ? 3000 : 3'000'000);
        given_.mss = static_cast<std::uint16_t>(500 + below(1000));
        given_.timestamp_offset = below(1000);
        now_ += std::chrono::seconds{100};
        RC_ASSERT(whole_.open_passive(given_, now_) == answer::ok);
        segment syn = blank(ctl::syn);
        syn.options.has_timestamps = stamped_ = below(2) != 0;
        syn.options.has_window_scale = below(2) != 0;
        syn.options.window_scale = static_cast<std::uint8_t>(below(16));
        syn.options.sack_permitted = below(2) != 0;
        give(syn);
        peer_ += 1;
        give(blank(ctl::ack));
        for (std::uint32_t n = below(4); n != 0; --n) {
            (void)whole_.send(1 + below(100), now_);
            drain();
            segment text = blank(ctl::ack);
            text.text = std::min(below(2000), whole_.numbers().rcv.wnd());
            give(text);
            peer_ += text.text;
            if (below(2) == 0) (void)whole_.receive(whole_.readable(), now_);
            if (below(4) == 0) give(blank(ctl::syn | ctl::ack));  // a challenge
            drain();
        }
        (void)whole_.close(now_);
        drain();
        if (below(2) == 0) (void)whole_.receive(whole_.readable(), now_);
        give(blank(ctl::ack | ctl::fin));
        peer_ += 1;
        (void)whole_.receive(whole_.readable(), now_);
        drain();
        often_ = below(2) == 0;
    }
    [[nodiscard]] bool lingers() const { return whole_.in(states::lingering); }

    /// Segments around the edges, and time; both must say and do the same.
    void compare() {
        std::array<time_wait_cell, 3> memory{};
        time_waits kept{memory};
        const four_tuple& name = names[below(2)];
        const std::uint64_t hash = random_();
        const ip_settings ip{static_cast<std::uint8_t>(below(64)), static_cast<std::uint8_t>(below(256))};
        auto numbers = whole_.lingering();
        RC_PRE(numbers.has_value());
        const std::uint32_t k = kept.add(name, hash, ip, *numbers);
        RC_ASSERT(k != nobody);
        RC_ASSERT(kept.is(k, name, hash));
        RC_ASSERT(kept.hash(k, [&](const four_tuple& of) { return of == name ? hash : 0; }) == hash);
        RC_ASSERT(kept.ip(k) == ip);
        for (int step = 0; step < 30; ++step) {
            now_ += std::chrono::microseconds{below(often_ ? 300'000 : below(8) == 0 ? 30'000'000 : 3'000'000)};
            RC_ASSERT(kept.first_end() == whole_.poll_timeout());
            if (kept.first_end() <= now_) {
                (void)whole_.handle_timeout(now_);
                RC_ASSERT(whole_.in(state::closed));
                return;
            }
            auto small = basic_connection<P>::lingering(kept.numbers(k, now_), given_);
            RC_ASSERT(small.in(states::lingering));
            const segment seg = some_segment();
            const arrival a = whole_.handle_segment(seg, now_);
            const arrival b = small.handle_segment(seg, now_);
            RC_ASSERT(a.why == b.why);
            RC_ASSERT(a.dropped == b.dropped);
            RC_ASSERT(a.judgements == b.judgements);
            RC_ASSERT(whole_.at() == small.at());
            const auto from_whole = whole_.poll_transmit(now_), from_small = small.poll_transmit(now_);
            RC_ASSERT(from_whole == from_small);
            RC_ASSERT(!whole_.poll_transmit(now_) && !small.poll_transmit(now_));
            RC_ASSERT(whole_.poll_signal() == small.poll_signal());
            RC_ASSERT(whole_.poll_timeout() == small.poll_timeout());
            // A D-SACK that was held back is the one thing that may differ.
            if (!lingers() || whole_.numbers().duplicate.owed() != sack_block{}) return;
            numbers = small.lingering();
            RC_ASSERT(numbers.has_value());
            kept.change(k, *numbers);
        }
    }

private:
    segment blank(control bits) {
        segment seg{.seq = peer_, .ctl = bits};
        if (bits.has(ctl::ack)) seg.ack = whole_.numbers().snd.nxt;
        seg.wnd = static_cast<std::uint16_t>(1 + below(0xffff));
        seg.options.has_timestamps = stamped_;
        seg.options.ts_val = clock_ += below(3);
        return seg;
    }
    segment some_segment() {
        constexpr control kinds[] = {ctl::ack,
                                     ctl::ack | ctl::fin,
                                     ctl::ack | ctl::fin,
                                     ctl::syn,
                                     ctl::rst,
                                     ctl::rst | ctl::ack,
                                     ctl::syn | ctl::ack,
                                     ctl::ack | ctl::urg,
                                     ctl::fin,
                                     control{}};
        const auto near = [this](seq at) { return at + below(5) - 2U; };
        const tcb<P>& t = whole_.numbers();
        segment seg{.ctl = below(10) == 0 ? control{static_cast<std::uint16_t>(below(64))} : kinds[below(10)]};
        const seq places[] = {t.rcv.nxt, t.rcv.nxt, t.rcv.edge, t.rcv.nxt - below(3000), seq{below(1ULL << 32U)}};
        seg.seq = near(places[below(5)]);
        const seq acks[] = {t.snd.nxt, t.snd.nxt, t.snd.nxt - t.snd.max_wnd, seq{below(1ULL << 32U)}};
        seg.ack = near(acks[below(4)]);
        if (seg.has(ctl::fin) && below(2) == 0) {  // the FIN again, as it was
            seg.seq = t.rcv.nxt - 1;
            seg.ack = t.snd.nxt;
        } else if (below(3) == 0) {
            seg.text = below(2000);
        }
        seg.wnd = static_cast<std::uint16_t>(below(0x10000));
        seg.up = static_cast<std::uint16_t>(below(4));
        seg.options.has_timestamps = below(8) == 0 ? !stamped_ : stamped_;
        seg.options.ts_val = clock_ + below(5) - 2U;
        seg.options.ts_ecr = below(1000);
        return seg;
    }
    void give(const segment& seg) {
        now_ += std::chrono::milliseconds{below(50)};
        (void)whole_.handle_segment(seg, now_);
        drain();
    }
    void drain() {
        while (whole_.poll_transmit(now_)) {
        }
        while (whole_.poll_signal()) {
        }
    }

    std::mt19937_64 random_;
    parameters given_{};
    basic_connection<P> whole_{};
    time_point now_{};
    seq peer_{0x7ffffff0};
    std::uint32_t clock_ = 0xfffffff0;
    bool stamped_ = false;
    bool often_ = false;
};

template <class P>
void same_answers() {
    rc::prop("after every segment", [](std::uint64_t seed) {
        exhibit<P> e{seed};
        e.live();
        RC_PRE(e.lingers());
        e.compare();
    });
}

}  // namespace

TEST_CASE("TIME-WAIT in 48 octets: the same judgements, answers and deadlines",
          "[host][property][3.10.7.4 8][RFC 1337][RFC 6191]") {
    same_answers<policies>();
}
TEST_CASE("TIME-WAIT in 48 octets: the same where a reset ends it", "[host][property]") { same_answers<mortal>(); }
TEST_CASE("TIME-WAIT in 48 octets: the same without RFC 5961 and without reopening", "[host][property]") {
    same_answers<literal>();
}
