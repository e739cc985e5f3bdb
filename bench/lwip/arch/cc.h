/* SPDX-License-Identifier: MIT */
/* cc.h: what lwIP asks of a compiler and its C library. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#define LWIP_PLATFORM_ASSERT(x) \
    do {                        \
        fputs(x "\n", stderr);  \
        abort();                \
    } while (0)
#define LWIP_RAND() ((unsigned)rand())
