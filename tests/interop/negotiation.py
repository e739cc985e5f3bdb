#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""negotiation.py <tcpfsm-tun> <v4|v6>: what the kernel understood of our SYN: `ss -ti`."""

import re
import socket
import sys

import lab

program = lab.enter("ss")
net = lab.family(sys.argv[2])


def switch(name, on):
    with open(f"/proc/sys/net/ipv4/{name}", "w", encoding="ascii") as out:
        out.write(str(int(on)))


def said(**kernel):
    """`ss -ti` for a connection that the kernel opens with these settings."""
    for name in ("tcp_window_scaling", "tcp_timestamps", "tcp_sack"):
        switch(name, kernel.get(name.removeprefix("tcp_"), True))
    with socket.create_connection((net.ours, lab.PORT), timeout=10) as sock:
        sock.sendall(b"GET /file HTTP/1.1\r\nHost: us\r\n\r\n")
        lab.check(b"200 OK" in sock.recv(65536), "the file is served")
        return run_ss()


def run_ss():
    return lab.run("ss", "-Htino", "state", "established")


with lab.folder() as root:
    with open(f"{root}/file", "wb") as out:
        out.write(b"text")
    with lab.Server(program, root) as server:
        told = said()
        print(told, flush=True)
        scale = re.search(r" wscale:(\d+),(\d+)", told)
        lab.check(scale and int(scale[1]) >= 2, "a window scale of ours that covers 256 KiB")
        lab.check(re.search(r"\sts\s", told), "timestamps")
        lab.check(re.search(r"\ssack\s", told), "SACK")
        mss = 1500 - (40 if net is lab.V4 else 60) - 12
        lab.check(f" mss:{mss} " in told, f"an MSS of {mss} beside timestamps")

        lab.check("wscale" not in said(window_scaling=False), "no window scale if the kernel offers none")
        lab.check(not re.search(r"\sts\s", said(timestamps=False)), "no timestamps if the kernel offers none")
        lab.check(not re.search(r"\ssack\s", said(sack=False)), "no SACK if the kernel offers none")
        bare = said(window_scaling=False, timestamps=False, sack=False)
        lab.check(f" mss:{mss + 12} " in bare, "the MSS alone")
