#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/requirements.md: each clause of RFC 9293 and of the extensions, and what becomes of it here.

    requirements.py write <build folder>     # writes docs/requirements.md
    requirements.py compare <build folder>   # fails if that would change it
    requirements.py check <build folder>     # prints the counts; fails if a clause is silent, untested or misspelt
    requirements.py missing <build folder>   # the clauses that no test shows yet

The clauses and their stances are in requirements.tsv; which tests show them is known to ctest (tested.py).
"""
import re
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
import tested  # noqa: E402

docs = Path(__file__).resolve().parents[1]
stances = ("shown", "caller", "otherwise", "not built")
# What RFC 9293 labels, and what it asks for without a label, as numbered in requirements.tsv.
census = {"MUST": 69, "SHLD": 31, "MAY": 18, "REC": 1, "UNL": 11, "LC": 15}
# What binds those around TCP alone. Every other MUST is the library's, and nothing but shown.
around = {"MUST-44", "MUST-51", "MUST-52", "MUST-53", "LC-12", "6528-2", "6928-6"}
# Tests that the machine may skip for want of a peer or of rights: what they show does not count.
elsewhere = {"interop", "packetdrill", "differential"}
skipped = 77


class clause(NamedTuple):
    chapter: tuple  # number or document, and title
    id: str
    level: str
    section: str
    stance: str
    text: str
    note: str = ""
    decision: str = ""

    @property
    def binds(self):
        """A MUST, of whatever kind."""
        return self.level.startswith("MUST") or self.level == "must"

    @property
    def extends(self):
        return self.chapter[0].startswith(("RFC", "draft"))


def load(file=None):
    """The clauses of the data file, in its order."""
    chapter, out = None, []
    for number, line in enumerate((file or docs / "generate/requirements.tsv").read_text().splitlines(), 1):
        fields = line.split("\t")
        if not line or line.startswith("#"):
            continue
        if fields[0] == "=":
            chapter = (fields[1], fields[2])
        elif 5 <= len(fields) <= 7:
            out.append(clause(chapter, *fields))
        else:
            raise SystemExit(f"requirements.tsv:{number}: {len(fields)} fields")
    return out


class evidence:
    """What tests, border.md, design.md and the examples say."""

    def __init__(self, build):
        self.tests = sorted(each for each in tested.tests(build) if not each.labels & elsewhere)
        self.by_label = tested.by_label(self.tests)
        self.sources = {name: "../tests/" + file for name, file in tested.sources(docs.parent / "tests").items()}
        for file in sorted((docs / "examples").glob("*/*.cpp")):
            for name in re.findall(r'"([^"\n]+)"', file.read_text()):
                self.sources.setdefault(f"examples/{file.parent.name}: {name}", file.relative_to(docs).as_posix())
        self.border = {}
        for line in (docs / "border.md").read_text().splitlines():
            for anchor in re.findall(r'<a id="([^"]+)"></a>', line):
                self.border[anchor] = line
        self.design = []  # (anchor of the heading, line)
        anchor = ""
        for line in (docs / "design.md").read_text().splitlines():
            if line.startswith("#"):
                anchor = re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
            self.design.append((anchor, line))

    def of(self, id):
        return self.by_label.get(id, [])

    def examples(self, id):
        return [each for each in self.of(id) if "examples" in each.labels]

    def decision(self, beginning):
        """The heading under which the line of design.md stands that begins so, or nothing."""
        return next((anchor for anchor, line in self.design if line.lstrip("|- ").startswith(beginning)), None)


def misspelt(label):
    """True for what looks like a clause's id, to tell a slip from a topic. Sections and figures do not look so."""
    if re.fullmatch(r"(RFC|figure|appendix) .*", label):
        return False
    return bool(re.fullmatch(r"[A-Za-z]{2,6}[-_ ]?\d+[a-z]?|\d{3,5}[-_]\d+[a-z]?", label))


def faults(clauses, known):
    """What is wrong, in sentences."""
    ids = Counter(each.id for each in clauses if each.stance != "not built")
    for id, times in ids.items():
        if times != 1:
            yield f"{id} stands {times} times in requirements.tsv"
    for kind, count in census.items():
        digits = 2 if kind in ("UNL", "LC") else 1
        for number in range(1, count + 1):
            if f"{kind}-{number:0{digits}}" not in ids:
                yield f"{kind}-{number:0{digits}} is silent: it is not in requirements.tsv"
    for each in clauses:
        if each.stance not in stances:
            yield f"{each.id}: '{each.stance}' is no stance"
        if each.stance == "shown" and not known.of(each.id):
            yield f"{each.id}: no test carries its tag"
        if each.stance == "caller":
            if each.binds and each.id not in around:
                yield f"{each.id}: a MUST that is the library's cannot be left to the caller"
            if each.id not in known.border:
                yield f"{each.id}: no line of docs/border.md is anchored by it"
            if not known.examples(each.id):
                yield f"{each.id}: no example does it"
        if each.stance in ("otherwise", "not built"):
            if each.binds:
                yield f"{each.id}: a MUST cannot be chosen otherwise"
            if not each.note:
                yield f"{each.id}: no reason is given"
        if each.decision and known.decision(each.decision) is None:
            yield f"{each.id}: no line of docs/design.md begins with '{each.decision}'"
    for anchor in known.border:
        if anchor not in ids:
            yield f"docs/border.md: {anchor} is no clause"
    for label in sorted(known.by_label):
        if misspelt(label) and label not in ids:
            yield f"the tag [{label}] is no clause: {known.by_label[label][0].name}"


def kind(each):
    """The column of the counts."""
    word = each.level.split(",")[0]
    if word != word.upper() or not word.isupper():
        return "others"
    return {"MUST NOT": "MUST", "SHOULD NOT": "SHOULD", "RECOMMENDED": "SHOULD"}.get(word, word)


def counts(clauses, known):
    """Lines of a table: how many clauses of which level have which stance."""
    kinds = ("MUST", "SHOULD", "MAY", "others")
    yield "| | " + " | ".join(kinds) + " | all |"
    yield "|---|" + "---:|" * (len(kinds) + 1)
    for title, some in (("RFC 9293", [c for c in clauses if not c.extends]), ("extensions", [c for c in clauses if c.extends])):
        for stance, words in (("shown", "shown"), ("caller", "the caller's"), ("otherwise", "chosen otherwise")):
            found = Counter(kind(each) for each in some if each.stance == stance)
            row = [found[each] for each in kinds]
            yield f"| {title}: {words} | " + " | ".join(str(n) for n in row) + f" | {sum(row)} |"
    names = {each.name for one in clauses for each in known.of(one.id)}
    yield ""
    yield f"{len(names)} tests carry the tag of a clause."


def cell(text):
    return text.replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;").replace("*", "\\*")


def named(each, known):
    """The name of a test, with a link to where it is written."""
    name = cell(each.name).replace("[", "\\[").replace("]", "\\]")
    source = known.sources.get(each.name)
    return f"[{name}]({source})" if source else name


def becomes(each, known):
    """What becomes of a clause, for the last column."""
    said = []
    if each.stance == "caller":
        said.append(f"**The caller's**: [the border](border.md#{each.id}).")
    if each.stance == "otherwise":
        said.append("**Otherwise.**")
    if each.note:
        said.append(cell(each.note) if each.note.endswith(".") else cell(each.note) + ".")
    if each.decision:
        said.append(f"[Decided](design.md#{known.decision(each.decision)}).")
    if each.stance == "shown" and each.id in known.border:
        said.append(f"With `connection` alone it is [the caller's](border.md#{each.id}).")
    if each.stance == "shown" and not known.of(each.id):
        said.append("**No test yet.**")
    return "<br>".join(([" ".join(said)] if said else []) + [named(one, known) for one in known.of(each.id)])


def page(clauses, known):
    """The document."""
    yield "# Requirements"
    yield ""
    yield "Generated from [requirements.tsv](generate/requirements.tsv) and from the tags of the tests; do not edit."
    yield ""
    yield "Each clause of RFC 9293, and of the extensions that are built, is one of these: *shown*, by the tests that carry its"
    yield "id as a tag (`ctest -L '^MUST-13$'` runs them); *the caller's*, who is told so by [the border](border.md) and shown how"
    yield "by [an example](examples/caller); or *chosen otherwise*, with the reason. MUST-1 to MUST-69, SHLD-1 to SHLD-31, MAY-1 to"
    yield "MAY-18 and REC-1 are the RFC's labels. UNL counts what it asks for in capitals without a label, LC what it asks for in"
    yield "small letters. Extensions are numbered here, such as 6298-5. A sentence is read after its level, \"MUST NOT: ...\"; the"
    yield "sentences are ours, those of the RFCs are what binds."
    yield ""
    yield from counts(clauses, known)
    yield from ("", "## RFC 9293")
    chapter, built = None, True
    for each in clauses:
        if each.chapter != chapter:
            if each.extends and not (chapter and chapter[0].startswith(("RFC", "draft"))):
                yield from ("", "## Extensions")
            chapter = each.chapter
            built = each.stance != "not built"
            yield ""
            if not built:
                yield "## Not built"
            elif each.extends:
                yield f"### {chapter[0]}: {chapter[1]}"
            else:
                yield f"### {chapter[0]} {chapter[1]}"
            yield ""
            yield from ("| clause | level | § | it asks for | here |", "|---|---|---|---|---|") if built else ()
        if built:
            yield f"| {each.id} | {each.level} | {each.section} | {cell(each.text)} | {becomes(each, known)} |"
        else:
            yield f"- {each.id}, {each.text}. {each.note}"
    yield ""


def main(what, build):
    clauses = load()
    try:
        known = evidence(build)
    except tested.not_built as why:
        sys.exit(f"{why}: build all test programs first")
    if not known.examples("MUST-44"):
        print("SKIP: the examples are not part of this build (TCPFSM_EXAMPLES)")
        sys.exit(skipped)
    out = docs / "requirements.md"
    if what == "write":
        out.write_text("\n".join(page(clauses, known)))
    elif what == "compare":
        if not out.exists() or out.read_text() != "\n".join(page(clauses, known)):
            sys.exit("The tests say something else than docs/requirements.md.\n"
                     "Run: cmake --build <build> --target regenerate_docs")
    elif what == "check":
        print("\n".join(counts(clauses, known)))
        found = list(faults(clauses, known))
        sys.exit("\n".join(found) if found else 0)
    elif what == "missing":
        for each in clauses:
            if each.stance == "shown" and not known.of(each.id):
                print(f"{each.id}\t{each.level}: {each.text}")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:]) if len(sys.argv) == 3 else sys.exit(__doc__)
