/* SPDX-License-Identifier: MIT */
/* lwipopts.h: lwIP at its fastest: no operating system, pools instead of a heap, a checksum in vectors, and one that is
   taken with the copy; nothing that TCP does not need. */
#pragma once

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_TIMERS 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_UDP 0
#define LWIP_RAW 0
#define LWIP_ICMP 0
#define LWIP_ARP 0
#define LWIP_ETHERNET 0
#define LWIP_STATS 0
#define LWIP_NOASSERT 1
#define IP_REASSEMBLY 0
#define IP_FRAG 0

#define MEM_LIBC_MALLOC 1
#define MEM_ALIGNMENT 8
#define MEMP_NUM_TCP_PCB 6
#define MEMP_NUM_TCP_SEG 512
#define MEMP_NUM_PBUF 512
#define PBUF_POOL_SIZE 8 /* nothing here takes packets from it */
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1

#define TCP_MSS 1460
#define LWIP_WND_SCALE 1
#define TCP_RCV_SCALE 1
#define TCP_WND 65536
#define TCP_SND_BUF 65536
#define TCP_SND_QUEUELEN 400
#define TCP_SNDLOWAT 32768
#define TCP_SNDQUEUELOWAT 100

#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
uint16_t bench_sum(const void* octets, int size);
uint16_t bench_copy_and_sum(void* to, const void* from, uint16_t size);
#ifdef __cplusplus
}
#endif
#define LWIP_CHKSUM bench_sum
#define LWIP_CHKSUM_ALGORITHM 3 /* its own is still there, to be measured, too */
#define LWIP_CHECKSUM_ON_COPY 1
#define LWIP_CHKSUM_COPY bench_copy_and_sum
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1
