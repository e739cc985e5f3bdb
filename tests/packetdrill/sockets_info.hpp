// SPDX-License-Identifier: MIT
// sockets_info.hpp: what getsockopt says of a connection, in the layout of Linux 6.18.
#pragma once

#include <cstddef>
#include <cstdint>

namespace packetdrill {

/// TCP_INFO. The system's headers may be older than the program that asks, so it is declared here.
struct tcp_info_linux {
    std::uint8_t state, ca_state, retransmits, probes, backoff, options;
    std::uint8_t wscales;  ///< what the peer shifts by in the lower half, our shift in the upper
    std::uint8_t bits;
    std::uint32_t rto, ato, snd_mss, rcv_mss;
    std::uint32_t unacked, sacked, lost, retrans, fackets;
    std::uint32_t last_data_sent, last_ack_sent, last_data_recv, last_ack_recv;
    std::uint32_t pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering;
    std::uint32_t rcv_rtt, rcv_space, total_retrans;
    std::uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
    std::uint32_t segs_out, segs_in, notsent_bytes, min_rtt, data_segs_in, data_segs_out;
    std::uint64_t delivery_rate, busy_time, rwnd_limited, sndbuf_limited;
    std::uint32_t delivered, delivered_ce;
    std::uint64_t bytes_sent, bytes_retrans;
    std::uint32_t dsack_dups, reord_seen, rcv_ooopack, snd_wnd, rcv_wnd, rehash;
    std::uint16_t total_rto, total_rto_recoveries;
    std::uint32_t total_rto_time;
    std::uint32_t ecn[8];
};
static_assert(sizeof(tcp_info_linux) == 280 && offsetof(tcp_info_linux, pacing_rate) == 104);

}  // namespace packetdrill
