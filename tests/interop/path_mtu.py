#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""path_mtu.py <tcpfsm-tun> <v4|v6>: a router with a narrow link lies between our server and curl.

The kernel is the router: it forwards between the TUN device and a pair of virtual Ethernet devices, whose other end is in
a namespace of its own. Both ends believe in 1500 octets, and the link between carries less, so that the router must say so.
"""

import contextlib
import os
import re
import subprocess
import sys
import threading

import lab

program = lab.enter("curl", "ip", "nsenter", "unshare", "sysctl")
net = lab.family(sys.argv[2])
v6 = net is lab.V6
FAR = {"router": "fd00:8::1", "peer": "fd00:8::2", "bits": 64} if v6 else {
    "router": "10.8.0.1", "peer": "10.8.0.2", "bits": 24}
IP = ("ip", "-6") if v6 else ("ip",)
WIDE, NARROW, NARROWER = 1500, 1400, 1280


@contextlib.contextmanager
def far_side():
    """A namespace behind the router. Answers the words that run a command there."""
    # It says how /proc calls it, which shows the processes of the machine; `ip` goes by our own numbers.
    says = "read pid rest < /proc/self/stat; echo $pid; exec sleep 1000"
    sleeper = subprocess.Popen(["unshare", "--net", "sh", "-c", says], stdout=subprocess.PIPE, text=True)
    try:
        there = ("nsenter", f"--net=/proc/{int(sleeper.stdout.readline())}/ns/net")
        try:
            lab.run("ip", "link", "add", "far0", "type", "veth", "peer", "name", "near0")
            lab.run("ip", "link", "set", "near0", "netns", str(sleeper.pid))
            lab.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1" if v6 else "net.ipv4.ip_forward=1")
        except subprocess.CalledProcessError as error:
            lab.skip(f"no router can be made here: {error.stderr.strip()}")
        quiet = ("nodad",) if v6 else ()
        lab.run(*IP, "addr", "add", f"{FAR['router']}/{FAR['bits']}", "dev", "far0", *quiet)
        lab.run("ip", "link", "set", "far0", "up")
        lab.run(*there, *IP, "addr", "add", f"{FAR['peer']}/{FAR['bits']}", "dev", "near0", *quiet)
        lab.run(*there, "ip", "link", "set", "near0", "up")
        lab.run(*there, *IP, "route", "add", "default", "via", FAR["router"])
        yield there
    finally:
        sleeper.kill()
        sleeper.wait()


def width(mtu):
    """The link carries this much from the router on. What comes back is small."""
    lab.run("ip", "link", "set", "far0", "mtu", str(mtu))


def fetch(there, name, into, *limits):
    lab.run(*there, "curl", "-sSf", "--globoff", "--noproxy", "*", *limits, "-o", into,
            f"http://{net.url}:{lab.PORT}/{name}")


with lab.folder() as root, lab.folder() as here, far_side() as there:
    lab.make_file(f"{root}/file", 16 * lab.MIB)  # more than the kernel takes before curl reads
    with lab.Server(program, root) as server:
        fetch(there, "file", f"{here}/wide")
        lab.check_same("wide", f"{root}/file", f"{here}/wide")
        lab.check(server.stats()["path MTU lowered"] == 0, "the router spoke although the link is wide")

        # Narrow from the beginning: the first packets are too large, and nothing so large has arrived yet.
        width(NARROW)
        fetch(there, "file", f"{here}/narrow")
        lab.check_same("narrow", f"{root}/file", f"{here}/narrow")
        told = server.stats()
        lab.check(told["path MTU lowered"] == 1, f"lowered {told['path MTU lowered']} times")
        lab.check(told["path MTU waits"] == 0, "a report about the first packets was not believed at once")

        # Narrower in the middle: large packets have arrived, so the report waits for a timeout.
        width(WIDE)
        slow = threading.Thread(target=fetch, args=(there, "file", f"{here}/narrower", "--limit-rate", "4M"))
        slow.start()
        lab.until(lambda: os.path.exists(f"{here}/narrower") and os.path.getsize(f"{here}/narrower") > lab.MIB, 20,
                  "a part has arrived")
        width(NARROWER)
        slow.join(60)
        lab.check_same("narrower", f"{root}/file", f"{here}/narrower")
        told = server.stats()
        lab.check(told["path MTU waits"] >= 1, "no report had to wait")
        print(re.sub(r"\s+", " ", f"lowered {told['path MTU lowered']}, waited {told['path MTU waits']}, "
                                  f"in vain {told['path MTU told in vain']}"), flush=True)
        lab.check(told["malformed packets"] == 0, "malformed packets")

    # A router that drops what is too large without a word.
    try:
        lab.run(*IP, "rule", "add", "ipproto", "ipv6-icmp" if v6 else "icmp", "to", net.ours, "blackhole")
    except subprocess.CalledProcessError as error:
        print(f"no black hole can be made here: {error.stderr.strip()}", flush=True)
    else:
        with lab.Server(program, root) as server:
            fetch(there, "file", f"{here}/swallowed")
            lab.check_same("swallowed", f"{root}/file", f"{here}/swallowed")
            told = server.stats()
            lab.check(told["path MTU lowered"] + told["path MTU waits"] == 0, "the router was heard")
            print("all arrives although nobody says what is too large", flush=True)
