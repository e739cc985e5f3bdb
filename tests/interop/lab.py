# SPDX-License-Identifier: MIT
"""A network of two hosts in a namespace of its own: the kernel's TCP, and ours behind a TUN device.

A script calls `enter()` first. It runs the script once more in new namespaces (network and processes), so that
whatever it leaves behind is gone when it ends, and scripts may run side by side. What a machine cannot do is
skipped: exit code 77, with the reason.
"""

import contextlib
import functools
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import types

V4 = types.SimpleNamespace(name="IPv4", kernel="10.9.0.1", ours="10.9.0.2", url="10.9.0.2", peer="10.9.0.1")
V6 = types.SimpleNamespace(name="IPv6", kernel="fd00:9::1", ours="fd00:9::2", url="[fd00:9::2]", peer="[fd00:9::1]")
FAMILIES = {"v4": V4, "v6": V6}
PORT = 8080
DEVICE = "tcp0"
# What a transfer over a bad link has to stand, in each direction.
BAD_LINK = ("--loss", "1%", "--reorder", "3%", "--duplicate", "1%")
MIB = 1 << 20


def skip(reason):
    print(f"SKIP: {reason}", flush=True)
    sys.exit(77)


def need(*programs):
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for program in programs:
        if not shutil.which(program):
            skip(f"{program} is not installed")


def run(*command, **more):
    return subprocess.run(command, check=True, text=True, capture_output=True, **more).stdout


def enter(*programs):
    """Continues in namespaces of its own, or skips. Answers the program under test."""
    if len(sys.argv) < 2:
        sys.exit(f"usage: {sys.argv[0]} <tcpfsm-tun> [arguments]")
    if not sys.argv[1]:
        skip("docs/examples/tun is not built: apt-get install libasio-dev")
    need("ip", "unshare", "ss", *programs)
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        skip("/dev/net/tun is not there, or not ours to open")
    if os.environ.get("TCPFSM_LAB") != "inside":
        unshare = ["unshare", "--net", "--pid", "--fork", "--kill-child"]
        if os.geteuid() != 0:
            unshare.insert(1, "-r")
        tried = subprocess.run([*unshare, "true"], text=True, capture_output=True)
        if tried.returncode != 0:
            skip(f"no namespaces: {tried.stderr.strip()}")
        os.environ["TCPFSM_LAB"] = "inside"
        os.execvp(unshare[0], [*unshare, sys.executable, *sys.argv])
    try:
        run("ip", "link", "set", "lo", "up")
        run("ip", "tuntap", "add", DEVICE, "mode", "tun")
        run("ip", "addr", "add", f"{V4.kernel}/24", "dev", DEVICE)
        run("ip", "link", "set", DEVICE, "txqueuelen", "10000", "up")  # else 500 packets that wait are too many
    except subprocess.CalledProcessError as error:
        skip(f"no TUN device can be made here: {error.stderr.strip()}")
    with contextlib.suppress(subprocess.CalledProcessError):
        run("ip", "-6", "addr", "add", f"{V6.kernel}/64", "dev", DEVICE, "nodad")
    return os.path.abspath(sys.argv[1])


def family(name):
    if name == "v6" and not os.path.exists("/proc/net/if_inet6"):
        skip("the kernel has no IPv6")
    return FAMILIES[name]


def families():
    return [V4, V6] if os.path.exists("/proc/net/if_inet6") else [V4]


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="tcpfsm-") as path:
        os.chmod(path, 0o755)
        yield path


def make_file(path, octets):
    with open(path, "wb") as out:
        for _ in range(octets // MIB):
            out.write(os.urandom(MIB))
        out.write(os.urandom(octets % MIB))
    return sha256(path)


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(functools.partial(file.read, MIB), b""):
            digest.update(block)
    return digest.hexdigest()


def check_same(what, left, right):
    check(os.path.exists(right), f"{what}: nothing arrived")
    check(sha256(left) == sha256(right), f"{what}: SHA-256 differs, {os.path.getsize(left)} and {os.path.getsize(right)} octets")


def check(condition, sentence):
    if not condition:
        raise AssertionError(sentence)


def rate(what, octets, seconds):
    print(f"{what}: {octets / MIB:.0f} MiB in {seconds:.2f} s, {octets / 1e6 / seconds:.1f} MB/s", flush=True)


def until(condition, seconds, sentence):
    """Waits until the condition holds, and answers what it answered."""
    end = time.monotonic() + seconds
    while True:
        got = condition()
        if got:
            return got
        check(time.monotonic() < end, f"not within {seconds} s: {sentence}")
        time.sleep(0.02)


class Server:
    """`tcpfsm-tun serve`, from the beginning to the end of a `with`."""

    def __init__(self, program, root, *arguments):
        self.log = tempfile.NamedTemporaryFile(prefix="tcpfsm-log-")
        self.process = subprocess.Popen(
            [program, "serve", "--tun", DEVICE, "--address", V4.ours, "--address", V6.ours, "--root", root,
             "--port", str(PORT), "--stats", "--quiet", *arguments], stdout=self.log, stderr=subprocess.STDOUT)
        until(lambda: "serving" in self.said() or self.process.poll() is not None, 10, "the server is ready")
        check(self.process.poll() is None, f"the server did not start:\n{self.said()}")

    def said(self):
        with open(self.log.name, encoding="utf-8") as log:
            return log.read()

    def stats(self):
        """What the server counts now, by name."""
        before = self.said().count("\nend of statistics")
        self.process.send_signal(signal.SIGUSR1)
        until(lambda: self.said().count("\nend of statistics") > before, 5, "the server tells its statistics")
        return self.parsed()

    def parsed(self):
        return {name: int(value) for name, value in re.findall(r"^  (\S.*?) +(\d+)$", self.said(), re.MULTILINE)}

    def stop(self):
        """Ends it as a user would; it must go in order."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=10)
        check(code == 0, f"the server ended with {code}:\n{self.said()}")
        return self.parsed()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            if kind is None:
                self.stop()
            else:
                self.process.kill()
        if kind is not None:
            print(f"--- the server said:\n{self.said()}", flush=True)


def kernel_states():
    """The kernel's connections over the device: their states."""
    lines = run("ss", "-Htan").splitlines()
    return [line.split()[0] for line in lines if (V4.ours in line or V6.ours in line) and "LISTEN" not in line]


def no_connection_left(server, seconds=10):
    """Neither side has a connection but in TIME-WAIT."""
    until(lambda: set(kernel_states()) <= {"TIME-WAIT"}, seconds, f"the kernel forgets its connections: {kernel_states()}")
    until(lambda: server.stats()["connections"] == 0, seconds, "our host forgets its connections")


def curl(*arguments):
    """Runs curl and answers how long the transfer took."""
    command = ["curl", "--silent", "--show-error", "--fail", "--globoff", "--noproxy", "*", *arguments]
    return float(run(*command, "--write-out", "%{time_total}").splitlines()[-1])
