#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""nginx.py <tcpfsm-tun> <v4|v6> <MiB> [bad]: our fetcher gets a file from nginx, or from Python if there is none."""

import os
import shutil
import socket
import subprocess
import sys
import time

import lab

program = lab.enter()
net = lab.family(sys.argv[2])
octets = int(sys.argv[3]) * lab.MIB
link = lab.BAD_LINK if sys.argv[4:] == ["bad"] else ()
where = f"{net.name}{' over a bad link' if link else ''}"

NGINX = """
daemon off; master_process off; worker_processes 1; pid {here}/pid; error_log {here}/error;
events {{ }}
http {{
    access_log off; client_body_temp_path {here}/body; proxy_temp_path {here}/proxy; fastcgi_temp_path {here}/fastcgi;
    uwsgi_temp_path {here}/uwsgi; scgi_temp_path {here}/scgi;
    server {{ listen 0.0.0.0:80; listen [::]:80; root {root}; }}
}}
"""


def command(root, here):
    if not shutil.which("nginx"):
        address = "::" if net is lab.V6 else "0.0.0.0"
        return "http.server", [sys.executable, "-m", "http.server", "--bind", address, "--directory", root, "80"]
    with open(f"{here}/nginx.conf", "w", encoding="utf-8") as out:
        out.write(NGINX.format(root=root, here=here))
    return "nginx", ["nginx", "-p", here, "-c", f"{here}/nginx.conf"]


def answers():
    try:
        socket.create_connection((net.kernel, 80), timeout=1).close()
        return True
    except OSError:
        return False


with lab.folder() as root, lab.folder() as here:
    lab.make_file(f"{root}/file", octets)
    os.chmod(f"{root}/file", 0o644)
    name, words = command(root, here)
    peer = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lab.until(answers, 10, f"{name} answers")
    begin = time.monotonic()
    fetch = subprocess.run(
        [program, "fetch", f"http://{net.peer}/file", "--tun", lab.DEVICE, "--address", net.ours, "--stats",
         "--output", f"{here}/file", *link], text=True, capture_output=True)
    lab.check(fetch.returncode == 0, f"the fetcher ended with {fetch.returncode}:\n{fetch.stderr}")
    lab.rate(f"{where}, we from {name}", octets, time.monotonic() - begin)
    lab.check_same("fetch", f"{root}/file", f"{here}/file")

    # What is not there, and who is not there.
    fetch = subprocess.run([program, "fetch", f"http://{net.peer}/none", "--tun", lab.DEVICE, "--address", net.ours],
                           text=True, capture_output=True)
    lab.check(fetch.returncode != 0 and "404" in fetch.stderr, f"a missing file: {fetch.returncode}, {fetch.stderr}")
    fetch = subprocess.run([program, "fetch", f"http://{net.peer}:9/", "--tun", lab.DEVICE, "--address", net.ours],
                           text=True, capture_output=True)
    lab.check(fetch.returncode != 0 and "reset" in fetch.stderr, f"a shut port: {fetch.returncode}, {fetch.stderr}")
    peer.kill()
    lab.until(lambda: set(lab.kernel_states()) <= {"TIME-WAIT"}, 10, "the kernel forgets its connections")
