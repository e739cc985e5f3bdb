#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ecn.py <tcpfsm-tun> <v4|v6>: ECN with the kernel, over a link that marks: who asks, who answers, and what marks do."""

import os
import socket
import subprocess
import sys

import lab

program = lab.enter("tshark", "curl")
net = lab.family(sys.argv[2])
OCTETS = 2 * lab.MIB
MARKS = ("--mark", "2%")
NOT_ECT, ECT_0, CE = "0", "2", "3"
IP = "ip" if net is lab.V4 else "ipv6"
ECN = "ip.dsfield.ecn" if net is lab.V4 else "ipv6.tclass.ecn"
FIELDS = (f"{IP}.src", ECN, "tcp.flags", "tcp.len")


def kernel_ecn(mode):
    """False if this kernel has no such mode."""
    try:
        with open("/proc/sys/net/ipv4/tcp_ecn", "w", encoding="ascii") as out:
            out.write(str(mode))
        return True
    except OSError:
        return False


class Packet:
    """A TCP packet of a capture. `ace`: AE, CWR and ECE as one number."""

    def __init__(self, line):
        source, self.ecn, flags, length = line.split("\t")
        flags = int(flags, 16)
        self.ours, self.text = source == net.ours, int(length)
        self.syn, self.ack, self.ace = flags & 2 != 0, flags & 16 != 0, flags >> 6 & 7


def packets(capture):
    words = [word for field in FIELDS for word in ("-e", field)]
    lines = lab.run("tshark", "-n", "-r", capture, "-Y", f"tcp && {IP}", "-T", "fields", *words).splitlines()
    return [Packet(line) for line in lines]


def handshake(all_of_them):
    """The bits of the SYN and of the SYN,ACK."""
    syn = next(p for p in all_of_them if p.syn and not p.ack)
    answer = next(p for p in all_of_them if p.syn and p.ack)
    lab.check(syn.ecn == answer.ecn == NOT_ECT, "SYN and SYN,ACK are not sent as capable")
    return syn.ace, answer.ace


def sane(all_of_them):
    text = [p for p in all_of_them if p.ours and p.text]
    lab.check(sum(p.ecn in (ECT_0, CE) for p in text) > len(text) * 0.9, "our text is capable of ECN")
    lab.check(all(p.ecn == NOT_ECT for p in all_of_them if p.ours and not p.text), "our ACKs are not")
    lab.check(any(p.ecn == CE for p in text), "the link has marked some")


def serve(what, check):
    """The kernel gets a file from us, and gives us one."""
    with lab.folder() as root, lab.folder() as here:
        lab.make_file(f"{root}/down", OCTETS)
        lab.make_file(f"{here}/up", OCTETS)
        url = f"http://{net.url}:{lab.PORT}"
        with lab.Server(program, root, "--pcap", f"{here}/pcap", *MARKS) as server:
            lab.curl("-o", f"{here}/down", f"{url}/down")
            lab.check_same(f"{what}, down", f"{root}/down", f"{here}/down")
            down = server.stats()
            lab.curl("-T", f"{here}/up", f"{url}/up")
            lab.check_same(f"{what}, up", f"{here}/up", f"{root}/up")
            lab.no_connection_left(server)
            up = server.stats()
        for way, counted in (("out", down), ("in", up)):
            lab.check(counted[f"packets {way}, marked"] > 0, f"{what}: packets {way} were marked: {counted}")
        check(packets(f"{here}/pcap"))
        print(f"{net.name}, {what}: of {up['packets out']} packets out {up['packets out, marked']} were marked, "
              f"of {up['packets in']} in {up['packets in, marked']}", flush=True)


def classic(seen):
    lab.check(handshake(seen) == (0b011, 0b001), f"ECN-setup SYN and SYN,ACK: {handshake(seen)}")
    sane(seen)
    lab.check(any(not p.ours and p.ace & 1 for p in seen if not p.syn), "the kernel echoes marks")
    lab.check(any(p.ours and p.text and p.ace & 2 for p in seen if not p.syn), "we tell that the window was reduced")
    lab.check(any(p.ours and p.ace & 1 for p in seen if not p.syn), "we echo marks")
    lab.check(any(not p.ours and p.ace & 2 for p in seen if not p.syn), "the kernel tells that it has reduced its window")


def accurate(seen):
    lab.check(handshake(seen) == (0b111, 0b010), f"the handshake of accurate ECN: {handshake(seen)}")
    sane(seen)
    for ours in (False, True):
        counts = {p.ace for p in seen if p.ours is ours and not p.syn}
        lab.check(len(counts) == 8, f"the counter of {'ours' if ours else 'the kernel'} wraps: {counts}")


def answers():
    try:
        socket.create_connection((net.kernel, 80), timeout=1).close()
        return True
    except OSError:
        return False


def fetch(what, expected):
    """We open to a server of the kernel's, and ask."""
    with lab.folder() as root, lab.folder() as here:
        lab.make_file(f"{root}/file", OCTETS)
        peer = subprocess.Popen([sys.executable, "-m", "http.server", "--protocol", "HTTP/1.1", "--bind", net.kernel, "--directory", root, "80"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            lab.until(answers, 10, "the server answers")
            lab.run(program, "fetch", f"http://{net.peer}/file", "--tun", lab.DEVICE, "--address", net.ours, "--ecn",
                    "--pcap", f"{here}/pcap", "--output", f"{here}/file", *MARKS)
        finally:
            peer.kill()
        lab.check_same(what, f"{root}/file", f"{here}/file")
        seen = packets(f"{here}/pcap")
        lab.check(handshake(seen) == expected, f"{what}: {handshake(seen)}")
        print(f"{net.name}, {what}: agreed by {expected}", flush=True)


kernel_ecn(1)
serve("the kernel asks for classic ECN", classic)
fetch("we ask a kernel that has classic ECN", (0b111, 0b001))
kernel_ecn(0)
fetch("we ask a kernel that has no ECN", (0b111, 0b000))
if kernel_ecn(3):
    serve("the kernel asks for accurate ECN", accurate)
    fetch("we ask a kernel that has accurate ECN", (0b111, 0b010))
else:
    print(f"{os.uname().release} has no accurate ECN", flush=True)
