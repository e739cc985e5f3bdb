#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""differential.py <test_differential> [arguments]: runs it in a network of its own, or skips."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
import lab

program = lab.enter("tc")
lab.run("tc", "qdisc", "replace", "dev", lab.DEVICE, "root", "noqueue")  # what the kernel sends comes in its order
# Every ACK at once, and no text again: what comes is a reply.
timing = ("quickack", "1", "rto_min", "5s")
lab.run("ip", "route", "add", f"{lab.V4.ours}/32", "dev", lab.DEVICE, "src", lab.V4.kernel, *timing)
if os.path.exists("/proc/net/if_inet6"):
    lab.run("ip", "-6", "route", "add", f"{lab.V6.ours}/128", "dev", lab.DEVICE, *timing)
sys.stdout.flush()
os.execv(program, [program, lab.DEVICE, *sys.argv[2:]])
