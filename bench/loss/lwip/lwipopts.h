/* SPDX-License-Identifier: MIT */
/* lwipopts.h: lwIP without an operating system, with the windows and options of a server. */
#pragma once

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_TIMERS 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_UDP 0
#define LWIP_RAW 0
#define LWIP_ARP 0
#define LWIP_ETHERNET 0
#define LWIP_STATS 0
#define IP_REASSEMBLY 0
#define IP_FRAG 0

#define MEM_LIBC_MALLOC 1
#define MEMP_MEM_MALLOC 1
#define MEM_ALIGNMENT 8

#define TCP_MSS 1460
#define LWIP_WND_SCALE 1
#define TCP_RCV_SCALE 7
#define TCP_WND (4U << 20)
#define TCP_SND_BUF (16U << 20)
#define TCP_SND_QUEUELEN 60000
#define TCP_SNDLOWAT 32768
#define TCP_SNDQUEUELOWAT 1000
#define MEMP_NUM_TCP_SEG 60000
#define LWIP_TCP_TIMESTAMPS 1
#define LWIP_TCP_SACK_OUT 1
