#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs folders of packetdrill scripts against the guest stack, and prints a table of what passed.

What a script asks of its system is given to the guest where it can be: an MTU by --mtu in its options, sysctls as the
script sets them, anything by --so_flags. A script that names its --ip_version is run once. A suite whose scripts call
programs of its own for that (a folder `common` beside or above the scripts) is copied to a temporary folder.
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FAMILIES = {
    "ipv4": (["--ip_version=ipv4"], 1500),
    "ipv6": (["--ip_version=ipv6"], 1520),  # twenty octets more, so that the segments of a script fit both families
    "mapped": (["--ip_version=ipv4-mapped-ipv6"], 1500),
}
# What a socket of the family calls its errors.
ERRORS = {family: [f"-DCMSG_LEVEL_IP=SOL_{ip}", f"-DCMSG_TYPE_RECVERR={ip}_RECVERR"]
          for family, ip in (("ipv4", "IP"), ("ipv6", "IPV6"), ("mapped", "IPV6"))}
# For scripts that name none, the addresses of packetdrill's own run_all.py: scripts know the cookies (RFC 7413) that
# their suite's key makes of them.
ADDRESSES = {
    "ipv4": ("192.168.0.1", "192.0.2.1", "3021b9d889017eeb"),
    "ipv6": ("fd3d:0a0b:17d6::1", "fd3d:fa7b:d17d::1", "c1d1e9742a47a9bc"),
    "mapped": ("192.168.0.1", "192.0.2.1", "3021b9d889017eeb"),
}
SILENT_PROGRAMS = ("ip", "tc", "ethtool", "sockstat", "tcpdrop", "nstat", "modprobe")
NOTHING = "#!/bin/sh\nexit 0\n"
# Notes "name value" for the guest.
SYSCTL = """#!/bin/sh
for word; do
    case $word in
    *=*) name=${word%%=*}; echo "${name##*[./]} ${word#*=}" >> "FOLDER/$PACKETDRILL_PID" ;;
    esac
done
"""
RESTORES_NOTHING = SYSCTL + """
file=/tmp/sysctl_restore_$PACKETDRILL_PID.sh
printf '#!/bin/sh\\nrm -f %s\\n' "$file" > "$file"
chmod +x "$file"
"""


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a script, or a folder of scripts")
    p.add_argument("--packetdrill", default="packetdrill", help="the program (default: the one in PATH)")
    p.add_argument("--plugin", required=True, type=Path, help="libtcpfsm_packetdrill.so")
    p.add_argument("-j", "--jobs", type=int, default=os.cpu_count(), help="scripts at a time")
    p.add_argument("--ip", default="ipv4", help="families, comma separated: " + ", ".join(FAMILIES))
    p.add_argument("--flags", default="", help="--so_flags for all scripts, such as persona=bsd,strict_end=1")
    p.add_argument("-D", "--define", action="append", default=[], metavar="NAME=VALUE", help="a symbol of the scripts")
    p.add_argument("--timeout", type=float, default=60, help="seconds for one script")
    p.add_argument("--failed", action="store_true", help="print only the scripts that fail")
    args = p.parse_args()
    args.ip = args.ip.split(",")
    for family in args.ip:
        if family not in FAMILIES:
            p.error(f"--ip: {family} is none of {', '.join(FAMILIES)}")
    args.packetdrill = shutil.which(args.packetdrill)
    if not args.packetdrill:
        p.error("packetdrill was not found: say where it is with --packetdrill")
    args.plugin = args.plugin.resolve()
    for path in [args.plugin, *args.paths]:
        if not path.exists():
            p.error(f"{path} is not there")
    return args


def executable(path, text):
    path.unlink(missing_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def suite_of(folder):
    """The outermost folder of the suite: the highest one, of a few, that has a folder `common`."""
    near = [folder, *folder.parents][:5]
    return next((up for up in reversed(near) if (up / "common").is_dir()), None)


class Workshop:
    """A temporary folder with the programs that do nothing, and with copies of suites."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.programs = self.folder / "bin"
        self.programs.mkdir()
        self.copies = {}
        for name in SILENT_PROGRAMS:
            executable(self.programs / name, NOTHING)
        self.sysctls = self.folder / "sysctls"
        self.sysctls.mkdir()
        executable(self.programs / "sysctl", SYSCTL.replace("FOLDER", str(self.sysctls)))
        self.environment = dict(os.environ, PATH=f"{self.programs}:{os.environ['PATH']}")

    def place(self, script):
        """Where the script is to be run."""
        suite = suite_of(script.parent)
        if suite is None:
            return script
        if suite not in self.copies:
            copy = self.folder / f"suite{len(self.copies)}"
            wanted = lambda at, names: [n for n in names if not (Path(at) / n).is_dir() and
                                        Path(n).suffix not in (".pkt", ".sh", ".py", ".inc")]
            shutil.copytree(suite, copy, ignore=wanted)
            for common in copy.rglob("common"):
                executable(common / "set_sysctls.py", RESTORES_NOTHING.replace("FOLDER", str(self.sysctls)))
            self.copies[suite] = copy
        return self.copies[suite] / script.relative_to(suite)


def option_of(text, name):
    found = re.search(rf'^--{name}=("?)(.*?)\1\s*$', text, re.M)
    return found[2] if found else None


def flags_of(text, family, workshop, flags):
    """What the script asks for; what the command line says comes last, and counts."""
    found = [f"mtu={option_of(text, 'mtu') or FAMILIES[family][1]}", f"sysctls={workshop.sysctls}"]
    return ",".join(filter(None, [*found, option_of(text, "so_flags"), flags]))


def run(script, family, args, workshop):
    """ok, FAIL or skip, and why."""
    text = script.read_text(errors="replace")
    named = [f"--ip_version={option_of(text, 'ip_version')}"]
    own = next((name for name, (options, _) in FAMILIES.items() if options == named), None)
    if own and family != args.ip[0]:
        return "-", ""
    family = own or family
    mtu = [] if option_of(text, "mtu") else [f"--mtu={FAMILIES[family][1]}"]
    local, remote, cookie = ADDRESSES[family]
    ends = [f"-DTFO_COOKIE={cookie}"]
    ends += [f"--{name}={ip}" for name, ip in (("local_ip", local), ("remote_ip", remote)) if not option_of(text, name)]
    command = [args.packetdrill, f"--so_filename={args.plugin}", f"--so_flags={flags_of(text, family, workshop, args.flags)}",
               *ERRORS[family], *ends, *(f"-D{d}" for d in args.define), *FAMILIES[family][0], *mtu, script.name]
    try:
        done = subprocess.run(command, cwd=script.parent, env=workshop.environment, timeout=args.timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return "FAIL", f"no end after {args.timeout:g} s"
    if done.returncode == 0:
        return "ok", ""
    said = done.stdout.decode(errors="replace").splitlines()
    if any("can't find getsockopt to get TCP info" in line for line in said):
        return "skip", "this packetdrill asks the system, not the guest, for what %{ }% looks at"
    ours = [line for line in said if line.startswith((script.name, "tcpfsm:", "AssertionError"))]
    return "FAIL", (ours or said or [f"exit code {done.returncode}"])[0]


def scripts_of(paths):
    for path in paths:
        path = path.resolve()
        yield from sorted(path.rglob("*.pkt")) if path.is_dir() else [path]


def main():
    args = arguments()
    scripts = list(dict.fromkeys(scripts_of(args.paths)))
    if not scripts:
        sys.exit("no script (*.pkt) is there")
    counts = {family: dict.fromkeys(("ok", "FAIL", "skip", "-"), 0) for family in args.ip}
    with tempfile.TemporaryDirectory(prefix="packetdrill-") as folder:
        workshop = Workshop(folder)
        places = {script: workshop.place(script) for script in scripts}

        def judge(script):
            begun = time.monotonic()
            results = {family: run(places[script], family, args, workshop) for family in args.ip}
            return results, time.monotonic() - begun

        last = None
        with concurrent.futures.ThreadPoolExecutor(max(1, args.jobs)) as pool:
            for script, (results, seconds) in zip(scripts, pool.map(judge, scripts)):
                for family, (mark, _) in results.items():
                    counts[family][mark] += 1
                if args.failed and all(mark != "FAIL" for mark, _ in results.values()):
                    continue
                if script.parent != last:
                    print(f"\n{script.parent}")
                last = script.parent
                marks = "  ".join(f"{family} {mark:<4}" for family, (mark, _) in results.items())
                why = next((why for _, why in results.values() if why), "")
                print(f"  {script.name:<56} {marks}  {seconds:5.1f} s  {why}".rstrip(), flush=True)
    print()
    for family, n in counts.items():
        print(f"{family}: {n['ok']} passed, {n['FAIL']} failed, {n['skip']} skipped, of {len(scripts) - n['-']}")
    sys.exit(1 if any(n["FAIL"] for n in counts.values()) else 0)


if __name__ == "__main__":
    main()
