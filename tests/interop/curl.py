#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""curl.py <tcpfsm-tun> <v4|v6> <MiB> [bad]: curl fetches a file from our server, and puts one there."""

import os
import sys

import lab

program = lab.enter("curl")
net = lab.family(sys.argv[2])
octets = int(sys.argv[3]) * lab.MIB
link = lab.BAD_LINK if sys.argv[4:] == ["bad"] else ()
where = f"{net.name}{' over a bad link' if link else ''}"

with lab.folder() as root, lab.folder() as here:
    lab.make_file(f"{root}/down", octets)
    lab.make_file(f"{here}/up", octets)
    with lab.Server(program, root, *link) as server:
        base = f"http://{net.url}:{lab.PORT}"
        seconds = lab.curl("-o", f"{here}/down", f"{base}/down")
        lab.rate(f"{where}, curl from us", octets, seconds)
        lab.check_same("download", f"{root}/down", f"{here}/down")

        seconds = lab.curl("-T", f"{here}/up", f"{base}/up")
        lab.rate(f"{where}, curl to us", octets, seconds)
        lab.check_same("upload", f"{here}/up", f"{root}/up")

        # From a pipe curl does not know the length: it sends chunks.
        with open(f"{here}/up", "rb") as source:
            lab.run("curl", "-sSf", "--globoff", "-T", "-", f"{base}/chunks", stdin=source)
        lab.check_same("upload in chunks", f"{here}/up", f"{root}/chunks")

        lab.check(not [name for name in os.listdir(root) if name.startswith(".")], "an upload left something behind")
        lab.no_connection_left(server)
        told = server.stop()
        for name in ("malformed packets", "bad checksums"):
            lab.check(told[name] == 0, f"{told[name]} {name}")
