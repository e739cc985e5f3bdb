#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""closing.py <tcpfsm-tun> <v4|v6>: every order in which two ends can close, against the kernel."""

import ctypes
import socket
import struct
import sys
import time

import lab

program = lab.enter("ss")
net = lab.family(sys.argv[2])
TEXT = b"a file of ours\n"
SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27


def connected():
    return socket.create_connection((net.ours, lab.PORT), timeout=10)


def ask(sock, *fields):
    sock.sendall("\r\n".join(["GET /file HTTP/1.1", f"Host: {net.url}", *fields, "", ""]).encode())


def answered(sock):
    got = b""
    while not got.endswith(TEXT):
        more = sock.recv(65536)
        lab.check(more, f"the connection ended after {got!r}")
        got += more
    lab.check(got.startswith(b"HTTP/1.1 200 "), f"answered {got!r}")


def ended(sock):
    lab.check(sock.recv(1) == b"", "there is more")


def deaf(sock):
    """The kernel drops all segments that arrive for this socket, until `hear`."""
    program_of_one = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # BPF: return 0
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(program_of_one)))


def hear(sock):
    sock.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)


def kernel_is_in(state):
    states = [each for each in lab.kernel_states() if each != "TIME-WAIT"]  # of earlier connections
    lab.check(states == [state], f"the kernel is in {states}")


def kernel_closes_first():
    with connected() as sock:
        ask(sock)
        answered(sock)
    return {"TIME-WAIT"}, 0


def kernel_shuts_down_and_waits():
    with connected() as sock:
        ask(sock)
        answered(sock)
        sock.shutdown(socket.SHUT_WR)
        ended(sock)
    return {"TIME-WAIT"}, 0


def kernel_closes_without_a_word():
    connected().close()
    return {"TIME-WAIT"}, 0


def request_and_end_in_one():
    """The peer says all that it has to say, and closes; the answer still comes."""
    with connected() as sock:
        ask(sock)
        sock.shutdown(socket.SHUT_WR)
        answered(sock)
        ended(sock)
    return {"TIME-WAIT"}, 0


def we_close_first():
    with connected() as sock:
        ask(sock, "Connection: close")
        answered(sock)
        ended(sock)
    return set(), 1


def we_close_and_the_kernel_takes_its_time():
    with connected() as sock:
        ask(sock, "Connection: close")
        answered(sock)
        ended(sock)
        time.sleep(0.5)
        kernel_is_in("CLOSE-WAIT")
    return set(), 1


def both_close_at_once():
    """Each end sends its FIN before it has seen the other's."""
    with connected() as sock:
        deaf(sock)
        ask(sock, "Connection: close")
        time.sleep(0.1)  # the answer and our FIN are sent, and are not heard
        sock.shutdown(socket.SHUT_WR)
        time.sleep(0.1)
        kernel_is_in("FIN-WAIT-1")
        lab.check(server.stats()["in CLOSING"] == 1, "we are in CLOSING")
        hear(sock)
        answered(sock)
        ended(sock)
    return {"TIME-WAIT"}, 1


def kernel_resets():
    with connected() as sock:
        ask(sock)
        answered(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return set(), 0


def nobody_listens():
    try:
        socket.create_connection((net.ours, lab.PORT + 1), timeout=5).close()
    except ConnectionRefusedError:
        return set(), 0
    raise AssertionError("a port without a listener took a connection")


with lab.folder() as root:
    with open(f"{root}/file", "wb") as out:
        out.write(TEXT)
    for order in (kernel_closes_first, kernel_shuts_down_and_waits, kernel_closes_without_a_word, request_and_end_in_one,
                  we_close_first, we_close_and_the_kernel_takes_its_time, both_close_at_once, kernel_resets,
                  nobody_listens):
        name = order.__name__.replace("_", " ")
        old = len(lab.kernel_states())
        with lab.Server(program, root) as server:
            kernel, ours = order()
            lab.no_connection_left(server)
            slots = server.stats()["slots in use"]
            lab.check(slots == ours, f"{name}: {slots} of ours in TIME-WAIT")
            new = len(lab.kernel_states()) - old
            lab.check(new == len(kernel), f"{name}: {new} of the kernel's in TIME-WAIT")
        print(f"{net.name}, {name}: ok", flush=True)
