#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fifty.py <tcpfsm-tun>: fifty curls at once, half of them to put files; IPv4 and IPv6 mixed."""

import subprocess
import time

import lab

program = lab.enter("curl")
CLIENTS = 50
octets = lab.MIB

with lab.folder() as root, lab.folder() as here:
    lab.make_file(f"{root}/down", octets)
    lab.make_file(f"{here}/up", octets)
    with lab.Server(program, root) as server:
        begin = time.monotonic()
        curls = []
        families = lab.families()
        for i in range(CLIENTS):
            base = f"http://{families[i // 2 % len(families)].url}:{lab.PORT}"
            what = ["-o", f"{here}/{i}", f"{base}/down"] if i % 2 == 0 else ["-T", f"{here}/up", f"{base}/{i}"]
            curls.append(subprocess.Popen(["curl", "-sSf", "--globoff", *what], stderr=subprocess.PIPE, text=True))
        for i, each in enumerate(curls):
            _, said = each.communicate(timeout=60)
            lab.check(each.returncode == 0, f"curl {i} ended with {each.returncode}: {said}")
        lab.rate(f"{CLIENTS} curls", CLIENTS * octets, time.monotonic() - begin)
        for i in range(CLIENTS):
            if i % 2 == 0:
                lab.check_same(f"download {i}", f"{root}/down", f"{here}/{i}")
            else:
                lab.check_same(f"upload {i}", f"{here}/up", f"{root}/{i}")
        lab.no_connection_left(server)
        told = server.stop()
        lab.check(told["connections opened"] >= CLIENTS, f"{told['connections opened']} connections were opened")
