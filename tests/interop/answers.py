#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""answers.py <tcpfsm-tun>: what the server answers, sound requests and others."""

import http.client
import os
import socket

import lab

program = lab.enter()
net = lab.V4


def raw(request):
    """Everything that is answered to these octets, until the connection ends."""
    with socket.create_connection((net.ours, lab.PORT), timeout=10) as sock:
        sock.sendall(request)
        sock.shutdown(socket.SHUT_WR)
        got = b""
        while more := sock.recv(65536):
            got += more
        return got


def status(request):
    return int(raw(request).split(b" ")[1])


with lab.folder() as root, lab.folder() as outside:
    os.mkdir(f"{root}/sub")
    for path, text in ((f"{root}/file", b"text"), (f"{root}/sub/deep", b"deep"), (f"{root}/.hidden", b"no"),
                       (f"{root}/empty", b""), (f"{outside}/secret", b"secret")):
        with open(path, "wb") as out:
            out.write(text)
    os.symlink(f"{outside}/secret", f"{root}/link")
    os.symlink(outside, f"{root}/dir")
    with lab.Server(program, root) as server:
        # Many requests over one connection.
        conn = http.client.HTTPConnection(net.ours, lab.PORT, timeout=10)

        def ask(method, target, body=None, **fields):
            conn.request(method, target, body=body, headers=fields)
            answer = conn.getresponse()
            return answer.status, answer.read()

        lab.check(ask("GET", "/file") == (200, b"text"), "GET")
        lab.check(ask("GET", "/sub/deep?query") == (200, b"deep"), "GET in a folder")
        lab.check(ask("GET", "/%66ile") == (200, b"text"), "GET with an escape")
        lab.check(ask("GET", "/empty") == (200, b""), "GET of nothing")
        lab.check(ask("HEAD", "/file") == (200, b""), "HEAD")
        lab.check(ask("PUT", "/new", b"x" * 100000)[0] == 201, "PUT")
        lab.check(ask("GET", "/new") == (200, b"x" * 100000), "GET what was PUT")
        lab.check(ask("PUT", "/new", b"y")[0] == 204, "PUT over it")
        lab.check(ask("POST", "/sub/new", iter([b"a" * 10, b"b" * 70000]))[0] == 201, "POST in chunks")
        lab.check(ask("GET", "/sub/new") == (200, b"a" * 10 + b"b" * 70000), "GET what was POSTed")
        lab.check(ask("PUT", "/none/new", b"z")[0] == 403, "PUT where there is no folder")
        lab.check(ask("GET", "/none")[0] == 404, "GET of what is not there")
        lab.check(ask("DELETE", "/file")[0] == 405, "DELETE")
        for path in ("/../secret", "/sub/../file", "/.hidden", "/link", "/dir/secret", "//file", "/sub", "/sub/", "/",
                     "/%2e%2e/%2e%2e/etc/passwd", "/sub%2f..%2f..%2fetc/passwd"):
            lab.check(ask("GET", path)[0] == 404, f"GET of {path}")
        for path in ("/link", "/dir/new", "/../new", "/.hidden", "/sub"):
            lab.check(ask("PUT", path, b"z")[0] == 403, f"PUT of {path}")
        conn.close()
        lab.check(server.stats()["connections opened"] == 1, "all over one connection")

        get = b"GET /file HTTP/1.1\r\nHost: us\r\n"
        lab.check(raw(get + b"\r\n" + get + b"\r\n").count(b"200 OK") == 2, "two requests at once")
        lab.check(b"\r\n\r\ntext" in raw(b"GET /file HTTP/1.0\r\n\r\n"), "HTTP/1.0")
        for bad in (b"GET\r\n\r\n", b"GET /file\r\n\r\n", b"\x00\xff\r\n\r\n", get + b"no colon\r\n\r\n", get + b"a b: c\r\n\r\n",
                    get + b"Content-Length: -1\r\n\r\n", get + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
                    get + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", b"GET /%zz HTTP/1.1\r\n\r\n",
                    b"PUT /bad HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfive\r\nabcde\r\n0\r\n\r\n",
                    b"PUT /bad HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabcde\r\n0\r\n\r\n"):
            lab.check(status(bad) == 400, f"{bad!r} is answered {status(bad)}")
        lab.check(status(get + b"X: " + b"x" * 20000 + b"\r\n\r\n") == 431, "a head without end")
        lab.check(status(b"GET /file HTTP/2.0\r\n\r\n") == 505, "HTTP/2.0")
        lab.check(status(get + b"Transfer-Encoding: gzip\r\n\r\n") == 501, "a coding that is unknown")
        # Half an upload leaves nothing.
        raw(b"PUT /half HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf")
        lab.check(sorted(os.listdir(root)) == sorted([".hidden", "dir", "empty", "file", "link", "new", "sub"]),
                  f"the directory now holds {os.listdir(root)}")
        lab.no_connection_left(server)
print("ok")
