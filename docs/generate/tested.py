#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which tests carry which tag, as ctest knows them.

    from tested import tests, by_label, sources
    every = tests("build/test")                # [test(name="arrives/listen: ...", labels={"arrives", "MUST-41", ...})]
    by_label(every)["MUST-41"]                 # the same tests, by each of their labels, in ctest's order
    sources("tests")["arrives/listen: ..."]    # "arrives/listen.cpp": where the case is written, if it is one of Catch2's

Each case of a test program has its folder and its tags as labels; other ctests have what CMake gives them. A program
that has not been built has no cases: `tests` then raises `not_built`, so that nobody takes a part for the whole.

    tested.py <build folder> [<label>...]      # prints the tests of these labels, or all labels with their counts
"""
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple


class test(NamedTuple):
    name: str
    labels: frozenset


class not_built(Exception):
    """Some test program has not been built, so ctest does not know its cases."""


def tests(build, *which):
    """All ctests of a build folder, or those that these arguments of ctest choose: "-L", "^museum$"."""
    ctest = os.environ.get("TCPFSM_CTEST", "ctest")
    shown = subprocess.run([ctest, "--test-dir", str(build), "--show-only=json-v1", *which], check=True,
                           capture_output=True, text=True)
    found = []
    for each in json.loads(shown.stdout)["tests"]:
        if each["name"].endswith("_NOT_BUILT"):
            raise not_built(f"{each['name'][:-len('_NOT_BUILT')]} is not built in {build}")
        labels = [one["value"] for one in each.get("properties", []) if one["name"] == "LABELS"]
        found.append(test(each["name"], frozenset(labels[0] if labels else ())))
    return found


def by_label(some):
    """{label: [tests that carry it]}"""
    out = defaultdict(list)
    for each in some:
        for label in sorted(each.labels):
            out[label].append(each)
    return dict(out)


def sources(folder):
    """{name of a ctest: file in `folder` where the case of that name is written}"""
    out = {}
    for file in sorted(Path(folder).rglob("*.cpp")):
        where = file.relative_to(folder)
        for name in re.findall(r'\b[A-Z_]*TEST_CASE[A-Z_]*\(\s*"((?:[^"\\]|\\.)*)"', file.read_text()):
            out[f"{where.parts[0]}/" + name.replace('\\"', '"')] = where.as_posix()
    return out


def main(build, *labels):
    found = by_label(tests(build))
    for label in labels or sorted(found):
        if labels:
            for each in found.get(label, []):
                print(each.name)
        else:
            print(f"{len(found[label]):5} {label}")


if __name__ == "__main__":
    main(*sys.argv[1:])
