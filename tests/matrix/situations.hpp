// SPDX-License-Identifier: MIT
// situations.hpp: where the cells of the matrix begin.
#pragma once

#include "driver.hpp"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace tcpfsm::matrix {

using namespace tcpfsm::test::literals;

enum class window { open, zero };

/// A connection to which segments will arrive, and how it came there.
template <class P>
struct situation {
    std::string name;
    both<P> tcp;
};

/// All situations. The walk is compared, too. The peer offers 5000 octets; ours are 1000, or all taken.
template <class P>
[[nodiscard]] std::vector<situation<P>> situations(const world& w, window rcv, bool stamped,
                                                   const oracle::readings& how = readings_of<P>()) {
    std::vector<situation<P>> all;
    const bool zero = rcv == window::zero;
    const auto add = [&](std::string name, const both<P>& tcp) {
        all.push_back({name + (zero ? ", no receive window" : ""), tcp});
        all.back().tcp.waits(std::chrono::milliseconds{100});
    };
    const both<P> fresh{w, zero ? 0U : 1000U, stamped, how};
    const auto from = [](both<P> tcp, auto... steps) {
        (steps(tcp), ...);
        return tcp;
    };

    add("CLOSED", fresh);
    const both<P> listen = from(fresh, [](auto& t) { t.open_passive(); });
    const both<P> syn_sent = from(fresh, [](auto& t) { t.open_active(); });
    const auto syn = [](auto& t) { t.gets("S 0:0(0) win 5000 <mss 1460>"_seg); };
    const auto syn_text = [](auto& t) { t.gets("S 0:3(3) win 5000 <mss 1460>"_seg); };
    const auto syn_urg = [](auto& t) { t.gets("SU 0:3(3) win 5000 urg 4 <mss 1460>"_seg); };
    const auto syn_fin = [](auto& t) { t.gets("SF 0:3(3) win 5000 <mss 1460>"_seg); };
    const auto send = [](auto& t) { t.send(5); };
    const auto close = [](auto& t) { t.close(); };
    add("LISTEN", listen);
    add("SYN-SENT", syn_sent);
    add("SYN-SENT, text queued", from(syn_sent, send));
    add("SYN-RECEIVED, passive", from(listen, syn));
    add("SYN-RECEIVED, passive, text came with the SYN", from(listen, syn_text));
    add("SYN-RECEIVED, passive, text and FIN came with the SYN", from(listen, syn_fin));
    add("SYN-RECEIVED, passive, urgent text came with the SYN", from(listen, syn_urg));
    add("SYN-RECEIVED, passive, text and CLOSE queued", from(listen, syn, send, close));
    add("SYN-RECEIVED, active", from(syn_sent, syn));
    add("SYN-RECEIVED, active, text came with the SYN", from(syn_sent, syn_text));
    add("FIN-WAIT-1 from SYN-RECEIVED", from(listen, syn, close));

    // From here on a window is used up by text that nobody reads; a FIN takes the last number of it.
    const both<P> opened = from(
        both<P>{w, 1000, stamped, how}, [](auto& t) { t.open_active(); },
        [](auto& t) { t.gets("S. 0:0(0) ack 1 win 5000 <mss 1460>"_seg); });
    const auto fill = [zero](auto& t) {
        if (zero) t.gets(". 1:1001(1000) ack 1 win 5000"_seg);
    };
    const auto fill_but_one = [zero](auto& t) {
        if (zero) t.gets(". 1:1000(999) ack 1 win 5000"_seg);
    };
    const both<P> established = from(opened, fill);
    // Held text lies two octets beyond RCV.NXT.
    const auto gap = [](auto& t) { t.gets(". 3:6(3) ack 1 win 5000"_seg); };
    const auto gap_fin = [](auto& t) { t.gets("F. 3:6(3) ack 1 win 5000"_seg); };
    const auto either = [zero](const test::script& full, const test::script& open) {
        return [one = zero ? &full : &open](auto& t) { t.gets(*one); };
    };
    const auto ack_2 = either(". 1001:1001(0) ack 2 win 5000"_seg, ". 1:1(0) ack 2 win 5000"_seg);
    const auto ack_2_before_fin = either(". 1000:1000(0) ack 2 win 5000"_seg, ". 1:1(0) ack 2 win 5000"_seg);
    const auto fin = either("F. 1000:1000(0) ack 1 win 5000"_seg, "F. 1:1(0) ack 1 win 5000"_seg);
    const auto fin_2 = either("F. 1000:1000(0) ack 2 win 5000"_seg, "F. 1:1(0) ack 2 win 5000"_seg);
    // The window of this peer lets three octets out.
    const both<P> narrow = from(syn_sent, [](auto& t) { t.gets("S. 0:0(0) ack 1 win 3 <mss 1460>"_seg); });
    add("ESTABLISHED", established);
    add("ESTABLISHED, text in flight", from(established, send));
    add("FIN-WAIT-1", from(established, close));
    add("FIN-WAIT-1, text in flight", from(established, send, close));
    add("ESTABLISHED, text waits for the window", from(narrow, send));
    add("FIN-WAIT-1, FIN waits for the window", from(narrow, send, close));
    add("FIN-WAIT-2", from(established, close, ack_2));
    // As after a probe: one number is out, and the window is shut.
    const auto send_one = [](auto& t) { t.send(1); };
    const auto shut = either(". 1001:1001(0) ack 1 win 0"_seg, ". 1:1(0) ack 1 win 0"_seg);
    add("ESTABLISHED, an octet behind the window", from(established, send_one, shut));
    add("FIN-WAIT-1, FIN behind the window", from(established, close, shut));
    if (!zero) {
        add("ESTABLISHED, text held", from(opened, gap));
        add("ESTABLISHED, text and FIN held", from(opened, gap_fin));
        add("FIN-WAIT-1, text and FIN held", from(opened, gap_fin, send, close));
        add("FIN-WAIT-2, text and FIN held", from(opened, close, ack_2, gap_fin));
        add("FIN-WAIT-2, text held", from(opened, close, ack_2, gap));
        const auto gaps = [](auto& t) {
            for (const auto* one :
                 {&". 3:4(1) ack 1 win 5000"_seg, &". 5:6(1) ack 1 win 5000"_seg, &". 7:8(1) ack 1 win 5000"_seg,
                  &". 9:10(1) ack 1 win 5000"_seg, &". 11:12(1) ack 1 win 5000"_seg, &". 13:14(1) ack 1 win 5000"_seg,
                  &". 15:16(1) ack 1 win 5000"_seg, &". 17:18(1) ack 1 win 5000"_seg})
                t.gets(*one);
        };
        add("ESTABLISHED, as many ranges held as are remembered", from(opened, gaps));
        add("FIN-WAIT-1, as many ranges held as are remembered", from(opened, gaps, close));
        add("FIN-WAIT-2, as many ranges held as are remembered", from(opened, gaps, close, ack_2));
        const auto close_both = [](auto& t) { t.close_both(); };
        add("FIN-WAIT-1, nobody reads", from(opened, close_both));
        add("FIN-WAIT-2, nobody reads", from(opened, close_both, ack_2));
    }
    const both<P> close_wait = from(opened, fill_but_one, fin);
    add("CLOSE-WAIT", close_wait);
    add("CLOSE-WAIT, text in flight", from(close_wait, send));
    add("CLOSING", from(opened, fill_but_one, close, fin));
    add("CLOSING, text in flight", from(opened, fill_but_one, send, close, fin));
    add("LAST-ACK", from(close_wait, close));
    add("LAST-ACK, text in flight", from(close_wait, send, close));
    const both<P> time_wait = from(opened, fill_but_one, close, ack_2_before_fin, fin_2);
    add("TIME-WAIT", time_wait);
    if constexpr (P::reopen_time_wait) {
        const auto syn_again = [](auto& t) { t.gets("S 70000:70000(0) win 5000"_seg); };
        if (!zero) add("SYN-RECEIVED, reopened", from(time_wait, syn_again));
    }
    // RFC 5961 section 7: ten have been answered, and that is all for the next five seconds.
    const auto annoy = [](auto& t) {
        for (int i = 0; i < 10; ++i) t.gets(". 5000:5000(0) ack 1 win 5000"_seg);
    };
    const auto annoyed = [&](std::string name, const both<P>& tcp) {
        add(std::move(name) + ", the allowance of challenge ACKs used up", from(tcp, annoy));
    };
    annoyed("SYN-RECEIVED, passive", from(listen, syn));
    annoyed("SYN-RECEIVED, active", from(syn_sent, syn));
    annoyed("ESTABLISHED", established);
    annoyed("FIN-WAIT-1", from(established, close));
    annoyed("FIN-WAIT-2", from(established, close, ack_2));
    annoyed("CLOSE-WAIT", close_wait);
    annoyed("CLOSING", from(opened, fill_but_one, close, fin));
    annoyed("LAST-ACK", from(close_wait, close));
    annoyed("TIME-WAIT", time_wait);
    if (stamped) {
        add("ESTABLISHED, idle for 24 days", established);
        all.back().tcp.waits(std::chrono::hours{24 * 24});
        add("ESTABLISHED, idle for 25 days", established);
        all.back().tcp.waits(std::chrono::hours{24 * 25});
    }
    return all;
}

}  // namespace tcpfsm::matrix
