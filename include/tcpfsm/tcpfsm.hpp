// SPDX-License-Identifier: MIT
// tcpfsm.hpp: everything but format.hpp, in reading order.
#pragma once

// clang-format off
// The vocabulary.
#include <tcpfsm/version.hpp>
#include <tcpfsm/seq.hpp>
#include <tcpfsm/time.hpp>
#include <tcpfsm/segment.hpp>

// The machine.
#include <tcpfsm/state.hpp>
#include <tcpfsm/event.hpp>
#include <tcpfsm/action.hpp>
#include <tcpfsm/table.hpp>
#include <tcpfsm/machine.hpp>

// The connection.
#include <tcpfsm/rto.hpp>
#include <tcpfsm/rate.hpp>
#include <tcpfsm/reassembly.hpp>
#include <tcpfsm/recovery/fast_retransmit.hpp>
#include <tcpfsm/recovery/scoreboard.hpp>
#include <tcpfsm/recovery/rack.hpp>
#include <tcpfsm/recovery/tail_loss.hpp>
#include <tcpfsm/recovery/sack_count.hpp>
#include <tcpfsm/recovery/prr.hpp>
#include <tcpfsm/recovery/spurious.hpp>
#include <tcpfsm/congestion/concept.hpp>
#include <tcpfsm/congestion/slow_start.hpp>
#include <tcpfsm/congestion/new_reno.hpp>
#include <tcpfsm/congestion/cubic.hpp>
#include <tcpfsm/congestion/abe.hpp>
#include <tcpfsm/congestion/dctcp.hpp>
#include <tcpfsm/congestion/validated.hpp>
#include <tcpfsm/congestion/none.hpp>
#include <tcpfsm/congestion/bbr.hpp>
#include <tcpfsm/pacing.hpp>
#include <tcpfsm/too_big.hpp>
#include <tcpfsm/path_mtu.hpp>
#include <tcpfsm/option_codec.hpp>
#include <tcpfsm/ecn_handshake.hpp>
#include <tcpfsm/accurate_ecn.hpp>
#include <tcpfsm/ecn.hpp>
#include <tcpfsm/policies.hpp>
#include <tcpfsm/tcb.hpp>
#include <tcpfsm/judge.hpp>
#include <tcpfsm/arrival.hpp>
#include <tcpfsm/reset.hpp>
#include <tcpfsm/resegment.hpp>
#include <tcpfsm/recovery/selective.hpp>
#include <tcpfsm/acknowledge.hpp>
#include <tcpfsm/perform.hpp>
#include <tcpfsm/next_segment.hpp>
#include <tcpfsm/emit.hpp>
#include <tcpfsm/timers.hpp>
#include <tcpfsm/predict.hpp>
#include <tcpfsm/connection.hpp>
#include <tcpfsm/trace.hpp>

// The connection with its octets.
#include <tcpfsm/ring.hpp>
#include <tcpfsm/stream.hpp>

// The wire.
#include <tcpfsm/address.hpp>
#include <tcpfsm/address_text.hpp>
#include <tcpfsm/checksum.hpp>
#include <tcpfsm/wire.hpp>
#include <tcpfsm/ip.hpp>
#include <tcpfsm/offload.hpp>
#include <tcpfsm/icmp.hpp>
#include <tcpfsm/mss_clamp.hpp>
#include <tcpfsm/isn.hpp>
#include <tcpfsm/cookies.hpp>
#include <tcpfsm/pcap.hpp>

// The host.
#include <tcpfsm/host/chain.hpp>
#include <tcpfsm/host/deadlines.hpp>
#include <tcpfsm/host/demultiplexer.hpp>
#include <tcpfsm/host/listener.hpp>
#include <tcpfsm/host/slot.hpp>
#include <tcpfsm/host/roster.hpp>
#include <tcpfsm/host/verdict.hpp>
#include <tcpfsm/host/link_side.hpp>
#include <tcpfsm/host.hpp>
// clang-format on
