#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Breaks the rules of RFC 9293 one by one, and sees which tests notice.

broken/*.toml lists breakages: the clauses that each breaks, how, and a change of the library's text. All of
them are compiled into one build (`--rewrite`): where the text was changed, the environment variable
TCPFSM_BROKEN decides at run time which of the texts is taken. A constant expression never takes a broken one,
so static_asserts hold. Then (`--programs`) everything must be green with nothing broken; and with each
breakage on, of the tests that carry a tag of its clauses, those that show the clause turn red.

It fails if a clause that tests carry as a tag has no breakage, if such a test stays green under all breakages
of the clause, or if a breakage turns nothing red. A MAY, or a contradiction in the RFC, is a choice: the test
shows which way was chosen, and the breakage goes the other way.

A breakage, in TOML:

    [[breakage]]
    clauses = ["MUST-13"]
    how = "TIME-WAIT lasts one MSL"
    file = "perform.hpp"                # below include/tcpfsm/
    old = "2 * P::msl"                  # occurs once in the file; else nth = 1, 2, ...
    new = "P::msl"                      # an expression for an expression, a statement for a statement
    also = [{file = "...", old = "...", new = "..."}]
    row = "closing | last_ack; rcv_rst; stay; {}; tell_closed"  # or: these cells of the table do this instead

`old` that ends in `;` is a statement (or more), else an expression. If `new` has the word BROKEN it replaces `old`
as it is, and the word is true iff this breakage is on. Breakages of the same text, and of text inside of
another's, may be combined.
"""

import argparse
import collections
import concurrent.futures
import html
import os
import pathlib
import re
import subprocess
import sys
import time
import tomllib
import zlib

HERE = pathlib.Path(__file__).resolve().parent
HEADERS = HERE.parent.parent / "include"
CLAUSE = re.compile(r"\[((?:MUST|SHLD|MAY|REC|UNL|LC)-\d+|bbr-\d+|\d{3,4}-\d+)\]")
SELECTED = "TCPFSM_BROKEN"

SWITCH = """// SPDX-License-Identifier: MIT
// broken.hpp: which breakage is on. Written by break.py.
#pragma once

#include <cstdlib>
#include <type_traits>

namespace tcpfsm_broken {

inline long selected() noexcept {
    static const long number = [] {
        const char* const text = std::getenv("%s");
        return text == nullptr ? 0 : std::strtol(text, nullptr, 10);
    }();
    return number;
}
constexpr bool is(long number) noexcept {
    if (std::is_constant_evaluated()) {
        return false;
    } else {
        return selected() == number;
    }
}

}  // namespace tcpfsm_broken
""" % SELECTED

CELL_FILE = "machine.hpp"
CELL_TEXT = "const cell c = table.at(at_, e);"


def fail(sentence):
    sys.exit(f"break.py: {sentence}")


class Breakage:
    def __init__(self, entry, where):
        try:
            self.clauses, self.how = entry["clauses"], entry["how"]
        except KeyError as missing:
            fail(f"{where.name}: a breakage without {missing}")
        # A number that stays when others are added, so that their headers need no compiling anew.
        self.number = zlib.crc32(self.how.encode()) & 0x7FFFFFFF
        self.row = entry.get("row")
        self.edits = [e for e in [entry, *entry.get("also", [])] if "file" in e]
        unknown = set(entry) - {"clauses", "how", "file", "old", "new", "nth", "also", "row"}
        if unknown or not self.clauses or not (self.edits or self.row):
            fail(f"{where.name}: \"{self.how}\": {', '.join(unknown) or 'nothing is changed'}?")

    def on(self):
        return f"::tcpfsm_broken::is({self.number})"


def load():
    found = [Breakage(entry, path) for path in sorted((HERE / "broken").glob("*.toml"))
             for entry in tomllib.loads(path.read_text())["breakage"]]
    twice = [text for text, n in collections.Counter(b.how for b in found).items() if n > 1]
    if twice or len({b.number for b in found}) != len(found):
        fail(f"two breakages have the same sentence: {twice}")
    return found


# --- Rewriting ---------------------------------------------------------------------------------------------


def place(text, edit, breakage):
    """Where `old` stands in the text of the file."""
    old, nth, at = edit["old"], edit.get("nth"), -1
    count = text.count(old)
    if count == 0 or (nth is None and count != 1) or (nth or 1) > count:
        fail(f"\"{breakage.how}\": \"{old}\" occurs {count} times in {edit['file']}")
    for _ in range(nth or 1):
        at = text.find(old, at + 1)
    return at, at + len(old)


def combine(text, start, end, changes):
    """text[start:end] with all changes inside of it; `changes` maps (start, end) to [(breakage, new)]."""
    inside = sorted((s for s in changes if start <= s[0] and s[1] <= end and s != (start, end)),
                    key=lambda s: (s[0], -s[1]))
    out, at = [], start
    for span in inside:
        if span[0] < at:
            continue  # inside of the last one, which has taken it
        out += [text[at:span[0]], combine(text, *span, changes)]
        at = span[1]
    old = "".join(out) + text[at:end]
    if (start, end) not in changes:
        return old
    here = changes[start, end]
    raw = [(b, new) for b, new in here if re.search(r"\bBROKEN\b", new)]
    if raw and (len(here) > 1 or inside):
        fail(f"\"{raw[0][0].how}\": other breakages change the same text")
    if raw:
        return re.sub(r"\bBROKEN\b", raw[0][0].on(), raw[0][1])
    if text[start:end].endswith(";"):
        return "".join(f"if ({b.on()}) {{ {new} }} else " for b, new in here) + "{ " + old + " }"
    return "(" + "".join(f"{b.on()} ? ({new}) : " for b, new in here) + f"({old}))"


def cells(breakages):
    """What `on` does instead of looking into the table alone."""
    lines = ["cell c = table.at(at_, e);", "{", "using enum state; using enum event; using enum action;",
             "using enum answer; using enum signal;", "constexpr auto dropped = saying::dropped();",
             "const auto take = [&](const row& r) {",
             "if (r.in.contains(at_) && r.on.contains(e)) c = cell{r.go_to.from(at_), r.doing, r.says}; };",
             "static_cast<void>(dropped);"]
    for b in breakages:
        if b.row is None:
            continue
        fields = [field.strip() for field in b.row.split(";")]
        if len(fields) not in (4, 5):
            fail(f"\"{b.how}\": a row is: in; on; go_to; doing; says")
        lines.append(f"if ({b.on()}) take(row{{{', '.join(fields[:4])}, {{}}, {fields[4] if len(fields) > 4 else '{}'}}});")
    return "\n".join(lines) + "\n}"


def rewritten(breakages):
    """The headers, by their path, with all breakages in them."""
    texts = {p.relative_to(HEADERS).as_posix(): p.read_text() for p in sorted(HEADERS.rglob("*.hpp"))}
    changes = collections.defaultdict(lambda: collections.defaultdict(list))
    for b in breakages:
        for edit in b.edits:
            name = "tcpfsm/" + edit["file"]
            if name not in texts:
                fail(f"\"{b.how}\": there is no {edit['file']}")
            changes[name][place(texts[name], edit, b)].append((b, edit["new"]))
    for name, all_of_it in changes.items():
        spans = sorted(all_of_it)
        for i, (start, end) in enumerate(spans):
            for other in spans[i + 1:]:
                if other[0] < end < other[1] and other[0] != start:
                    fail(f"{name}: two breakages cut through each other: \"{all_of_it[start, end][0][0].how}\"")
        text = texts[name]
        texts[name] = combine(text, 0, len(text), all_of_it)
    cell_file = "tcpfsm/" + CELL_FILE
    if texts[cell_file].count(CELL_TEXT) != 1:
        fail(f"{CELL_FILE} does not look into the table in one place")
    texts[cell_file] = texts[cell_file].replace(CELL_TEXT, cells(breakages))
    touched = set(changes) | {cell_file}
    for name in touched:
        texts[name] = texts[name].replace("#pragma once\n", "#pragma once\n\n#include <tcpfsm/broken.hpp>\n", 1)
    texts["tcpfsm/broken.hpp"] = SWITCH
    return texts


def rewrite(breakages, target):
    for name, text in rewritten(breakages).items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


# --- Running -----------------------------------------------------------------------------------------------

Test = collections.namedtuple("Test", "program name clauses where")
CASE = re.compile(r'<TestCase name="([^"]*)"((?: \w+="[^"]*")*)')
RESULT = re.compile(r'<OverallResult success="(true|false)"')


def run(program, selection, broken, seconds):
    """One run of a test program: [(name, tags, file:line, "green" or what else)]."""
    env = dict(os.environ, RC_PARAMS="seed=9293 noshrink=1", UBSAN_OPTIONS="halt_on_error=1")
    env[SELECTED] = str(broken)
    try:
        done = subprocess.run([program, selection, "-r", "xml"], env=env, timeout=seconds, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
        out, ended = done.stdout, "crash" if done.returncode < 0 else "red"
    except subprocess.TimeoutExpired as late:
        out, ended = late.stdout or b"", "timeout"
    cases = []
    for part in out.decode(errors="replace").split("<TestCase ")[1:]:
        part = "<TestCase " + part
        head = CASE.match(part)
        if not head:
            continue  # cut off in the middle
        fields = dict(re.findall(r'(\w+)="([^"]*)"', head[2]))
        verdict = RESULT.search(part)
        how = ended if not verdict else "green" if verdict[1] == "true" else "red"
        if "<FatalErrorCondition" in part:
            how = "crash"
        cases.append((html.unescape(head[1]), html.unescape(fields.get("tags", "")),
                      f"{pathlib.Path(fields.get('filename', '')).name}:{fields.get('line', '')}", how))
    return cases


def by_name(name):
    return re.sub(r'([\\,\["])', r"\\\1", name)


def verdicts(tests, breakage, seconds):
    """What becomes of these tests under the breakage: {test: "green", "red", "crash" or "timeout"}."""
    out = {}
    for program in {t.program for t in tests}:
        mine = [t for t in tests if t.program == program]
        selection = ",".join(f"[{c}]" for c in breakage.clauses)
        got = {name: how for name, _, _, how in run(program, selection, breakage.number, seconds)}
        for t in mine:
            if t.name not in got:  # a test before it has ended the run
                got[t.name] = next((how for name, _, _, how in run(program, by_name(t.name), breakage.number, seconds)
                                    if name == t.name), "crash")
            out[t] = got[t.name]
    return out


def known_tests(programs, seconds):
    """Runs everything with nothing broken; all must be green."""
    tests, wrong = [], []
    for program in programs:
        begun = time.monotonic()
        cases = run(program, "~[.]", 0, seconds)
        if not cases:
            fail(f"{program} ran no test")
        wrong += [f"{program.name}: {name}: {how}" for name, _, _, how in cases if how != "green"]
        tests += [Test(program, name, tuple(CLAUSE.findall(tags)), where) for name, tags, where, _ in cases]
        print(f"nothing broken: {program.name}, {len(cases)} tests, {time.monotonic() - begun:.1f} s", flush=True)
    if wrong:
        fail("not green with nothing broken:\n  " + "\n  ".join(wrong))
    return tests


def order(clause):
    kinds = ["MUST", "SHLD", "MAY", "REC", "UNL", "LC", "bbr"]
    kind, number = clause.rsplit("-", 1)
    return (kinds.index(kind) if kind in kinds else len(kinds) + int(kind), int(number))


def check(breakages, programs, only, jobs, seconds):
    tests = known_tests(programs, 10 * seconds)
    if only:
        breakages = [b for b in breakages if set(b.clauses) & set(only)]
    shown = {c for t in tests for c in t.clauses if not only or c in only}
    complaints, red, begun = [], collections.defaultdict(set), time.monotonic()
    for clause in sorted((shown | set(only)) - {c for b in breakages for c in b.clauses}, key=order):
        complaints.append(f"{clause}: no breakage, or unknown")
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        runs = {pool.submit(verdicts, [t for t in tests if set(t.clauses) & set(b.clauses)], b, seconds): b
                for b in breakages}
        for done, future in enumerate(concurrent.futures.as_completed(runs), 1):
            b, got = runs[future], future.result()
            noticed = {t: how for t, how in got.items() if how != "green"}
            for t in noticed:
                for c in b.clauses:
                    red[c].add(t)
            worse = collections.Counter(how for how in noticed.values() if how != "red")
            note = "".join(f", {how} {n}" for how, n in sorted(worse.items()))
            print(f"[{done:3}/{len(runs)}] {' '.join(b.clauses):24} red {len(noticed):3} of {len(got):3}{note}: {b.how}",
                  flush=True)
            if not noticed:
                complaints.append(f"{' '.join(b.clauses)}: nothing turns red: {b.how}")
            for c in b.clauses:
                if got and noticed and not any(c in t.clauses for t in noticed):
                    complaints.append(f"{c}: no test of its own turns red: {b.how}")
    print(f"\n{'clause':10} {'breakages':>9} {'tests':>6} {'red':>5}")
    for clause in sorted(shown, key=order):
        mine = [t for t in tests if clause in t.clauses]
        print(f"{clause:10} {sum(clause in b.clauses for b in breakages):9} {len(mine):6} "
              f"{sum(t in red[clause] for t in mine):5}")
        complaints += [f"{clause}: green under all its breakages: {t.where} \"{t.name}\"" for t in mine
                       if t not in red[clause]]
    print(f"\n{len(shown)} clauses, {len(breakages)} breakages, {len(tests)} tests, "
          f"{time.monotonic() - begun:.0f} s")
    if complaints:
        fail("\n  " + "\n  ".join(complaints))
    print("Every clause that is shown was broken, and every test that shows it has seen that.")


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--list", action="store_true", help="list the breakages and the numbers that switch them on")
    args.add_argument("--rewrite", type=pathlib.Path, metavar="DIR", help="write the broken headers to DIR")
    args.add_argument("--programs", type=pathlib.Path, nargs="+", metavar="FILE", help="run these test programs")
    args.add_argument("--only", nargs="+", default=[], metavar="CLAUSE", help="only these clauses, as MUST-13")
    args.add_argument("--jobs", type=int, default=os.cpu_count(), help="so many at a time")
    args.add_argument("--seconds", type=float, default=30, help="a run that takes longer is a timeout")
    given = args.parse_args()
    breakages = load()
    if given.list:
        for b in breakages:
            print(f"{b.number:10}  {' '.join(b.clauses):24} {b.how}")
    elif given.rewrite:
        rewrite(breakages, given.rewrite)
    elif given.programs:
        check(breakages, [p.resolve() for p in given.programs], given.only, given.jobs, given.seconds)
    else:
        args.error("one of --list, --rewrite, --programs")


if __name__ == "__main__":
    main()
