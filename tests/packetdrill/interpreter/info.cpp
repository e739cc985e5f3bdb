// SPDX-License-Identifier: MIT
#include "info.hpp"

#include <linux/tcp.h>

#include <cstddef>
#include <cstring>

namespace tcpfsm::drill {
namespace {

struct field {
    std::string_view name;
    std::size_t offset;
    std::size_t size;
};
// NOLINTNEXTLINE(cppcoreguidelines-macro-usage)
#define FIELD(f) \
    { #f, offsetof(tcp_info, f), sizeof(tcp_info::f) }
constexpr field fields[] = {
    FIELD(tcpi_state),
    FIELD(tcpi_ca_state),
    FIELD(tcpi_retransmits),
    FIELD(tcpi_probes),
    FIELD(tcpi_backoff),
    FIELD(tcpi_options),
    FIELD(tcpi_rto),
    FIELD(tcpi_ato),
    FIELD(tcpi_snd_mss),
    FIELD(tcpi_rcv_mss),
    FIELD(tcpi_unacked),
    FIELD(tcpi_sacked),
    FIELD(tcpi_lost),
    FIELD(tcpi_retrans),
    FIELD(tcpi_last_data_sent),
    FIELD(tcpi_last_data_recv),
    FIELD(tcpi_last_ack_recv),
    FIELD(tcpi_pmtu),
    FIELD(tcpi_rcv_ssthresh),
    FIELD(tcpi_rtt),
    FIELD(tcpi_rttvar),
    FIELD(tcpi_snd_ssthresh),
    FIELD(tcpi_snd_cwnd),
    FIELD(tcpi_advmss),
    FIELD(tcpi_reordering),
    FIELD(tcpi_rcv_rtt),
    FIELD(tcpi_rcv_space),
    FIELD(tcpi_total_retrans),
    FIELD(tcpi_bytes_acked),
    FIELD(tcpi_bytes_received),
    FIELD(tcpi_segs_out),
    FIELD(tcpi_segs_in),
    FIELD(tcpi_notsent_bytes),
    FIELD(tcpi_min_rtt),
    FIELD(tcpi_data_segs_in),
    FIELD(tcpi_data_segs_out),
    FIELD(tcpi_busy_time),
    FIELD(tcpi_rwnd_limited),
    FIELD(tcpi_sndbuf_limited),
    FIELD(tcpi_delivered),
    FIELD(tcpi_bytes_sent),
    FIELD(tcpi_bytes_retrans),
    FIELD(tcpi_dsack_dups),
    FIELD(tcpi_reord_seen),
    FIELD(tcpi_snd_wnd),
};
#undef FIELD

}  // namespace

std::optional<std::int64_t> info_field(std::span<const std::uint8_t> info, std::string_view name) {
    for (const field& f : fields) {
        if (f.name != name || f.offset + f.size > info.size()) continue;
        std::uint64_t value = 0;  // of a little-endian machine, as the kernel's own
        std::memcpy(&value, info.data() + f.offset, f.size);
        return static_cast<std::int64_t>(value);
    }
    return std::nullopt;
}

}  // namespace tcpfsm::drill
