#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""capture.py <tcpfsm-tun> [bad]: tshark reads what went over the device, and finds nothing wrong with it."""

import collections
import socket
import sys

import lab

program = lab.enter("tshark", "curl")
link = lab.BAD_LINK if sys.argv[2:] == ["bad"] else ()
octets = 2 * lab.MIB
OURS = {lab.V4.ours, lab.V6.ours}
# Wrong whoever sent it and whatever the link did.
WRONG = ("_ws.malformed", "tcp.analysis.ack_lost_segment")
# Wrong for us to send over a link that loses nothing; but on a machine that lets a side wait for too long, its timers
# send some again.
RARE = ("tcp.analysis.retransmission", "tcp.analysis.duplicate_ack")
ODD = ("tcp.analysis.out_of_order", "tcp.analysis.lost_segment", "tcp.analysis.zero_window", "tcp.analysis.zero_window_probe",
       "tcp.analysis.keep_alive", "tcp.analysis.reused_ports")
FIELDS = ("frame.number", "ip.src", "ipv6.src", "tcp.srcport", "tcp.len", "tcp.checksum", "tcp.checksum.status", "ip.checksum.status",
          *WRONG, *RARE, *ODD)


def packets(capture):
    """The TCP packets of a capture: what tshark says of each."""
    words = [word for field in FIELDS for word in ("-e", field)]
    lines = lab.run("tshark", "-n", "-r", capture, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
                    "-d", f"tcp.port=={lab.PORT},data",  # the text is random: nothing to be dissected
                    "-Y", "tcp && !icmp && !icmpv6", "-T", "fields", *words).splitlines()
    return [dict(zip(FIELDS, line.split("\t"))) for line in lines]


def kernels(each):
    return not {each["ip.src"], each["ipv6.src"]} & OURS


def none(all_of_them, wrong, what):
    found = [each["frame.number"] for each in all_of_them if wrong(each)]
    lab.check(not found, f"{len(found)} packets: {what}; the first are {found[:10]}")


with lab.folder() as root, lab.folder() as here:
    capture = f"{here}/capture.pcapng"
    lab.make_file(f"{root}/down", octets)
    lab.make_file(f"{here}/up", octets)
    with lab.Server(program, root, "--pcap", capture, *link) as server:
        for net in lab.families():
            base = f"http://{net.url}:{lab.PORT}"
            lab.curl("-o", f"{here}/down", f"{base}/down")
            lab.curl("-T", f"{here}/up", f"{base}/up")
            with socket.socket(socket.AF_INET if net is lab.V4 else socket.AF_INET6) as sock:
                lab.check(sock.connect_ex((net.ours, lab.PORT + 1)) != 0, "nobody listens there")
        lab.no_connection_left(server)
    everything = packets(capture)

lab.check(len(everything) > octets // 1500, f"only {len(everything)} packets were captured")
# The kernel writes the other zero, 0xffff, when it computes a checksum of zero for a single packet. It adds up all the
# same (RFC 1624), but tshark calls it bad. We write zero.
none(everything, lambda each: each["tcp.checksum.status"] != "1" and not (kernels(each) and each["tcp.checksum"] == "0xffff"),
     "the checksum is wrong")
none(everything, lambda each: each["ip.src"] and each["ip.checksum.status"] != "1", "the header's checksum is wrong")
for name in WRONG:
    none(everything, lambda each, name=name: each[name], name)
ours = [each for each in everything if not kernels(each)]
if not link:
    for name in ODD:
        none(ours, lambda each, name=name: each[name], name)
    for name in RARE:
        found = sum(bool(each[name]) for each in ours)
        lab.check(found <= len(ours) // 100, f"{found} of {len(ours)} packets of ours: {name}")

# Every second full-sized segment is acknowledged at least; and not many more than that.
sent = collections.Counter((each in ours, int(each["tcp.len"]) > 0) for each in everything)
print(f"{len(everything)} packets: {sent[False, True]} segments of the kernel's with text, {sent[True, False]} ACKs of ours",
      flush=True)
lab.check(sent[True, False] >= sent[False, True] // 3, "we send too few ACKs")
lab.check(sent[True, False] <= (sent[False, True] + 100) * (2 if link else 1), "we send too many ACKs")
# Of the text that we send, only the ends of answers may be small.
small = sum(0 < int(each["tcp.len"]) < 1000 for each in ours)
print(f"{sent[True, True]} segments of ours with text, {small} of them small", flush=True)
lab.check(small <= max(20, sent[True, True] // 20), "we send too many small segments")
