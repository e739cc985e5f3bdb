#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes pictures and tables of what the programs beside it have measured.

report.py <folder>            reads the *.csv there, writes *.svg and tables.md beside them, prints the tables
report.py <folder> <docs>     also puts the tables into <docs>/performance.md and the pictures into <docs>/performance
"""

import csv
import os
import re
import shutil
import statistics
import sys
from collections import defaultdict

from svg import FAINT, INK, Picture, Plot, color, mix

RTTS, RATES = (1, 20, 100, 300), (10, 100, 1000)
LOSSES, LATES = (0, 100, 1000, 10000, 50000), (0, 10000, 100000)


def read(folder, name):
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def groups(rows, *keys):
    out = defaultdict(list)
    for row in rows:
        out[tuple(row[k] for k in keys)].append(row)
    return out


def median(rows, column):
    return statistics.median(float(r[column]) for r in rows)


def percent(ppm):
    return f"{int(ppm) / 1e4:g} %"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join("---" if i == 0 else "---:" for i in range(len(head))) + "|"]
    return "\n".join(lines + ["| " + " | ".join(str(c) for c in row) + " |" for row in rows])


def in_order(names, order):
    return sorted(names, key=lambda n: (next((i for i, o in enumerate(order) if o in n), len(order)), n))


ORDER = ("new_reno", "reno", "cubic", "bbr", "dctcp")


# --- The grid --------------------------------------------------------------------------------------------------

def heat_maps(folder, rows):
    """One map for each control: round trips and rates down, losses and lateness across."""
    plain = [r for r in rows if r["also"] == "none"]
    names = []
    for (control,), of in groups(plain, "control").items():
        cells = groups(of, "rtt_ms", "rate_mbit", "loss_ppm", "late_ppm")
        lines = [(t, r) for t in RTTS for r in RATES if any(k[0] == str(t) and k[1] == str(r) for k in cells)]
        left, top, w, h = 150, 96, 46, 26
        picture = Picture(left + w * 15 + 60, top + h * len(lines) + 14 * 4, f"{control}: share of the link")
        picture.text(16, 26, f"{control}: text delivered, in percent of the link's rate (median)", 15, font_weight="bold")
        for i, loss in enumerate(LOSSES):
            x = left + i * (3 * w + 8)
            picture.text(x + 1.5 * w, 56, f"{percent(loss)} lost", 12, "middle")
            for j, late in enumerate(LATES):
                picture.text(x + (j + 0.5) * w, 74, percent(late), 10, "middle", "#57606a")
        picture.text(left - 10, 74, "comes late:", 10, "end", "#57606a")
        y = top - 12
        for n, (rtt, rate) in enumerate(lines):
            if n and lines[n - 1][0] != rtt:
                y += 8
            picture.text(left - 10, y + 17, f"{rtt} ms, {rate} Mbit/s", 12, "end")
            for i, loss in enumerate(LOSSES):
                for j, late in enumerate(LATES):
                    cell = cells.get((str(rtt), str(rate), str(loss), str(late)))
                    x = left + i * (3 * w + 8) + j * w
                    if not cell:
                        picture.rect(x + 1, y + 1, w - 2, h - 2, "#f6f8fa")
                        continue
                    share = median(cell, "fraction")
                    picture.rect(x + 1, y + 1, w - 2, h - 2, mix("#f3f0e6", "#08415c", min(share / 0.965, 1)), rx=2)
                    shown = f"{100 * share:.0f}" if share >= 0.0995 else f"{100 * share:.1f}"
                    picture.text(x + w / 2, y + 17, shown, 11, "middle", "#ffffff" if share > 0.45 else INK)
            y += h
        picture.height = int(y + 16)
        picture.parts[0] = f"<rect width='{picture.width}' height='{picture.height}' fill='#ffffff'/>"
        name = f"grid-{control}.svg"
        picture.save(os.path.join(folder, name))
        names.append(name)
    return names


def grid_tables(rows):
    """Means over the grid by loss and lateness, the twists, and what the senders did needlessly."""
    plain = [r for r in rows if r["also"] == "none"]
    controls = in_order({r["control"] for r in rows}, ORDER)
    out = {}

    def mean(of):
        cells = groups(of, "rtt_ms", "rate_mbit", "loss_ppm", "late_ppm")
        return f"{statistics.fmean(median(c, 'fraction') for c in cells.values()):.3f}" if cells else ""

    head = ["lost, late", *controls]
    by = groups(plain, "loss_ppm", "late_ppm", "control")
    out["means"] = table(head, [[f"{percent(loss)}, {percent(late)}",
                                 *[mean(by.get((str(loss), str(late), c), [])) for c in controls]]
                                for loss in LOSSES for late in LATES])
    by = groups([r for r in rows if r["also"] != "none"], "also", "rtt_ms", "control")
    what = {"bursts": "1 % lost in bursts of 8", "doubles": "1 % comes twice", "codel": "CoDel instead of drop tail",
            "marks": "CoDel that marks (ECN)"}
    out["twists"] = table(["100 Mbit/s", *controls],
                          [[f"{what[also]}, {rtt} ms", *[f"{median(by[also, str(rtt), c], 'fraction'):.3f}" for c in controls]]
                           for also in what for rtt in (20, 100) if (also, str(rtt), controls[0]) in by])

    def share(of, part, whole):
        total = sum(int(r[whole]) for r in of)
        return f"{100 * sum(int(r[part]) for r in of) / total:.3f} %" if total else "-"

    lines = []
    for title, pick in (("all runs", lambda r: True),
                        ("loss, nothing late", lambda r: r["loss_ppm"] != "0" and r["late_ppm"] == "0"),
                        ("1 % late, no loss", lambda r: r["loss_ppm"] == "0" and r["late_ppm"] == "10000"),
                        ("10 % late, no loss", lambda r: r["loss_ppm"] == "0" and r["late_ppm"] == "100000")):
        for c in controls:
            of = [r for r in plain if r["control"] == c and pick(r)]
            lines.append([f"{c}, {title}", len(of), share(of, "again", "segments"), share(of, "needless", "segments"),
                          sum(int(r["timeouts"]) for r in of), sum(int(r["spurious"]) for r in of)])
    out["waste"] = table(["", "runs", "sent again", "needlessly", "timeouts", "spurious"], lines)
    return out


# --- Windows over time -----------------------------------------------------------------------------------------

def windows(folder, rows):
    """One picture for each path, one panel for each control."""
    names = []
    for (path,), of in groups(rows, "path").items():
        by = groups(of, "control")
        controls = in_order([k[0] for k in by], ORDER)
        panel, width, left = 170, 860, 70
        picture = Picture(width, 76 + (panel + 52) * len(controls), f"windows, {path}")
        rtt, rate, *_ = path.split("/")
        bdp = int(rtt[:-2]) * int(rate[:-4]) * 125
        picture.text(16, 26, f"Windows in kB: {words_of(path)}", 15, font_weight="bold")
        for x, name, stroke in ((16, "congestion window", None), (176, "in flight", "#8c959f"), (272, "ssthresh", "#8250df"),
                                (372, "queue", "#eac54f"), (452, "bandwidth-delay product", INK), (652, "timeout", "#cf222e")):
            dash = {"ssthresh": "5 3", "bandwidth-delay product": "2 4"}.get(name, "none")
            picture.line(x, 44, x + 20, 44, stroke or INK, 2.5 if stroke is None else 2, stroke_dasharray=dash)
            picture.text(x + 26, 48, name, 11)
        for i, control in enumerate(controls):
            data = by[(control,)]
            seconds = [float(r["seconds"]) for r in data]
            highest = max(bdp, *[int(r["window"]) for r in data if float(r["seconds"]) > 0] or [1])
            flights = max(int(r["flight"]) for r in data)
            highest = min(highest, max(4 * bdp, int(1.3 * flights)))
            y = 76 + i * (panel + 52)
            picture.text(left, y - 6, control, 13, font_weight="bold", fill=color(control))
            plot = Plot(picture, (left, y, width - left - 20, panel), (0, seconds[-1]), highest * 1.02,
                        "seconds" if i == len(controls) - 1 else "", "kB", 1000)
            base = y + panel
            column = lambda name: plot.points((t, float(r[name])) for t, r in zip(seconds, data))
            plot.picture.area(column("queue"), base, "#f8e8b0")
            plot.picture.line(left, plot.y(bdp), width - 20, plot.y(bdp), INK, 1, stroke_dasharray="2 4")
            plot.picture.path([(a, b) for (a, b), r in zip(column("threshold"), data) if float(r["threshold"]) <= plot.top],
                              "#8250df", 1, stroke_dasharray="5 3")
            plot.picture.path(column("flight"), "#8c959f", 1)
            plot.picture.path(column("window"), color(control), 1.8)
            for before, now in zip(data, data[1:]):
                if before["timeouts"] != now["timeouts"]:
                    at = plot.x(float(now["seconds"]))
                    plot.picture.line(at, y, at, base, "#cf222e", 1)
        name = f"windows-{path.replace('/', '-').replace('%', '')}.svg"
        picture.save(os.path.join(folder, name))
        names.append(name)
    return names


def words_of(path):
    rtt, rate, loss, late, *more = path.split("/")
    text = f"{rtt[:-2]} ms, {rate[:-4]} Mbit/s, {loss[:-1]} % lost, {late[:-1]} % late"
    return text + (f", {more[0]}" if more else "")


# --- Fairness --------------------------------------------------------------------------------------------------

def fairness_tables(rows):
    controls = in_order({r["by"] for r in rows if " and " not in r["by"]}, ORDER)
    by = groups(rows, "what", "by", "flows")
    out = {}
    lines = []
    for what, queue in (("share", "drop tail"), ("share codel", "CoDel")):
        for n in ("2", "8", "64"):
            of = [by.get((what, c, n), []) for c in controls]
            if any(of):
                lines.append([f"{n} flows, {queue}", *[f"{median(o, 'jain'):.3f}" if o else "-" for o in of]])
    out["jain"] = table(["Jain's index", *controls], lines)
    out["round_trips"] = table(["", "20 ms", "100 ms", "ratio"],
                               [[c, f"{median(o, 'even'):.1f}", f"{median(o, 'odd'):.1f}",
                                 f"{median(o, 'even') / max(median(o, 'odd'), 0.001):.1f}"]
                                for c in controls if (o := by.get(("round trips", c, "2")))])
    lines = []
    for c in controls:
        for o in [by.get(("join", c, "2"), [])]:
            if o:
                times = sorted(float(r["settled_s"]) if float(r["settled_s"]) >= 0 else 1e9 for r in o)
                middle = statistics.median_low(times)
                lines.append([c, f"{middle:.1f} s" if middle < 1e9 else "never", f"{median(o, 'jain'):.3f}"])
    out["join"] = table(["", "until the index is 0.9", "index in the second half"], lines)
    pairs = sorted(k for k in by if k[0] == "together")
    out["together"] = table(["", "flows", "first, Mbit/s", "second, Mbit/s"],
                            [[k[1], k[2], f"{median(by[k], 'even'):.1f}", f"{median(by[k], 'odd'):.1f}"] for k in pairs])
    return out


def joins(folder, rows):
    by = groups([r for r in rows if r["seed"] == "1"], "by")
    controls = in_order([k[0] for k in by], ORDER)
    panel, width, left = 120, 860, 70
    picture = Picture(width, 60 + (panel + 48) * len(controls), "a flow joins another")
    picture.text(16, 26, "A second flow joins after 20 seconds: Mbit/s of each (100 Mbit/s, 40 ms, queue of 1 BDP)", 15,
                 font_weight="bold")
    for i, control in enumerate(controls):
        data = by[(control,)]
        y = 60 + i * (panel + 48)
        picture.text(left, y - 6, control, 13, font_weight="bold", fill=color(control))
        plot = Plot(picture, (left, y, width - left - 20, panel), (0, float(data[-1]["seconds"])), 100,
                    "seconds" if i == len(controls) - 1 else "", "Mbit/s")
        picture.path(plot.points((float(r["seconds"]), float(r["first_mbit"])) for r in data), color(control), 1.8)
        picture.path(plot.points((float(r["seconds"]), float(r["second_mbit"])) for r in data), "#6e7781", 1.8)
    picture.save(os.path.join(folder, "join.svg"))
    return ["join.svg"]


# --- Others on the same path -----------------------------------------------------------------------------------

PATHS = (("clean", "no loss"), ("loss1", "1 % lost"), ("loss5", "5 % lost"), ("late5", "5 % late by 5 ms"))


def others(folder, rows):
    """Bars: 100 Mbit/s, 20 ms, 256 KiB; through the relay in real time, and simulated."""
    by = groups(rows, "who", "path")
    whos = list(dict.fromkeys(r["who"] for r in rows))
    width, left, each = 900, 60, 200
    picture = Picture(width, 340 + 18 * ((len(whos) + 3) // 4), "comparison")
    picture.text(16, 26, "Share of a link of 100 Mbit/s, 20 ms, 256 KiB drop tail (medians)", 15, font_weight="bold")
    x, y, w, h = left, 50, width - left - 20, 230
    for tick in range(0, 11, 2):
        at = y + h * (1 - tick / 10)
        picture.line(x, at, x + w, at, FAINT)
        picture.text(x - 6, at + 4, f"{tick / 10:g}", 11, "end")
    bar = min(26.0, (each - 30) / max(len(whos), 1))
    for i, (path, words) in enumerate(PATHS):
        start = x + 12 + i * each
        picture.text(start + bar * len(whos) / 2, y + h + 18, words, 12, "middle")
        for j, who in enumerate(whos):
            of = by.get((who, path))
            if not of:
                continue
            share = median(of, "fraction")
            fill, edge = style(who)
            picture.rect(start + j * bar + 1, y + h * (1 - share), bar - 2, h * share, fill, stroke=edge)
            at = (start + (j + 0.5) * bar + 3, y + h * (1 - share) - 3)
            turned = f"rotate(-90 {at[0]:.1f} {at[1]:.1f})"
            picture.text(*at, f"{share:.2f}"[1:], 8, transform=turned)
    for j, who in enumerate(whos):
        at = (x + (j % 4) * 205, y + h + 44 + 18 * (j // 4))
        fill, edge = style(who)
        picture.rect(at[0], at[1] - 9, 11, 11, fill, stroke=edge)
        picture.text(at[0] + 17, at[1], who, 11)
    picture.save(os.path.join(folder, "others.svg"))
    return ["others.svg"]


def style(who):
    """Ours is full, others are pale with a colored edge."""
    c = color(who)
    return (c, c) if who.startswith("tcpfsm") else (mix("#ffffff", c, 0.3 if who.startswith("Linux") else 0.08), c)


def others_table(rows):
    by = groups(rows, "who", "path")
    lines = []
    for who in dict.fromkeys(r["who"] for r in rows):
        line = [who]
        for path, _ in PATHS:
            of = sorted(float(r["fraction"]) for r in by.get((who, path), []))
            line.append(f"{statistics.median(of):.3f} ({of[0]:.3f} to {of[-1]:.3f})" if of else "-")
        lines.append(line)
    return {"others": table(["", *[words for _, words in PATHS]], lines)}


def relay_table(rows):
    lines = []
    for path, words in PATHS:
        of = [r for r in rows if r["path"] == path]
        if of:
            lines.append([words, len(of), *[f"{median(of, c):.0f}" for c in ("relay_mean_us", "relay_p99_us", "relay_max_us")],
                          f"{min(float(r['load']) for r in of):.1f} to {max(float(r['load']) for r in of):.1f}"])
    return {"relay": table(["", "runs", "mean, us", "99th percentile, us", "most, us", "load"], lines)}


def ns3_table(grid, rows):
    """Means over the paths that ns-3 was asked for, by loss."""
    asked = set(groups(rows, "rtt_ms", "rate_mbit", "loss_ppm"))
    mine = [r for r in grid if r["also"] == "none" and r["late_ppm"] == "0"
            and (r["rtt_ms"], r["rate_mbit"], r["loss_ppm"]) in asked]
    by = groups(mine + rows, "loss_ppm", "control")
    names = in_order({r["control"] for r in mine}, ORDER) + [n for n in dict.fromkeys(r["control"] for r in rows)]

    def mean(of):
        cells = groups(of, "rtt_ms", "rate_mbit")
        return f"{statistics.fmean(median(c, 'fraction') for c in cells.values()):.3f}" if cells else "-"

    return {"ns3": table(["lost", *[f"ns-3 {n}" if n.startswith("Tcp") else n for n in names]],
                         [[percent(loss), *[mean(by.get((str(loss), n), [])) for n in names]] for loss in LOSSES])}


def lwip_table(grid, rows):
    """Means over the paths that lwIP was asked for, by loss and lateness; and where ours is below it."""
    keys = ("rtt_ms", "rate_mbit", "loss_ppm", "late_ppm")
    theirs = {k: median(of, "fraction") for k, of in groups(rows, *keys).items()}
    mine = [r for r in grid if r["also"] == "none" and tuple(r[k] for k in keys) in theirs]
    controls = in_order({r["control"] for r in mine}, ORDER)
    ours = {k: median(of, "fraction") for k, of in groups(mine, "control", *keys).items()}
    name = rows[0]["control"]

    def mean(values, loss, late):
        cells = [v for k, v in values.items() if k[-2:] == (str(loss), str(late))]
        return f"{statistics.fmean(cells):.3f}" if cells else "-"

    lines = [[f"{percent(loss)}, {percent(late)}",
              *[mean({k: v for k, v in ours.items() if k[0] == c}, loss, late) for c in controls], mean(theirs, loss, late)]
             for loss in LOSSES for late in LATES if any(k[-2:] == (str(loss), str(late)) for k in theirs)]
    text = table(["lost, late", *controls, name], lines)
    for c in controls:
        at = [k for k in theirs if (c, *k) in ours]
        below = sorted((ours[(c, *k)] / theirs[k], k) for k in at if ours[(c, *k)] < theirs[k])
        told = "; ".join(f"{k[0]} ms, {k[1]} Mbit/s, {percent(k[2])} lost, {percent(k[3])} late: "
                         f"{ours[(c, *k)]:.3f} against {theirs[k]:.3f}" for _, k in below)
        text += f"\n{'' if c != controls[0] else chr(10)}- {c} delivers no less than {name} on {len(at) - len(below)} of {len(at)} paths" \
                + (f"; less: {told}." if told else ".")
    return {"lwip": text}


def timeouts_table(rows):
    """Retransmission timeouts of the simulated transfers over the four paths, and the spurious ones among them."""
    rows = [r for r in rows if "timeouts" in r]
    by = groups(rows, "who", "path")
    lines = []
    for who in dict.fromkeys(r["who"] for r in rows):
        of = [by.get((who, path), []) for path, _ in PATHS]
        lines.append([who.removeprefix("tcpfsm "), *[f"{sum(int(r['timeouts']) for r in o)}, {sum(int(r['spurious']) for r in o)}" for o in of]])
    runs = max(len(o) for o in by.values())
    return {"timeouts": table([f"timeouts, spurious; {runs} seeds", *[words for _, words in PATHS]], lines)}


def marking_table(rows):
    lines = []
    for (place, flows, who), of in groups(rows, "place", "flows", "who").items():
        lines.append([f"{place}, {flows} {'flow' if flows == '1' else 'flows'}: {who}",
                      *[f"{median(of, c):.3f}" for c in ("fraction", "jain")],
                      *[f"{median(of, c):.0f}" for c in ("wait_mean_us", "wait_p99_us", "marked", "overflowed", "timeouts")]])
    return {"marking": table(["", "share", "Jain", "wait, mean us", "99th percentile", "marked", "overflowed", "timeouts"], lines)}


# --- All of it -------------------------------------------------------------------------------------------------

def into_docs(folder, docs, tables, pictures):
    show = lambda kind: "\n".join(f"![{p[:-4]}](performance/{p})" for p in pictures if p.startswith(kind))
    tables = tables | {"heat maps": show("grid-"), "windows": show("windows-")}
    os.makedirs(os.path.join(docs, "performance"), exist_ok=True)
    for picture in pictures:
        shutil.copy(os.path.join(folder, picture), os.path.join(docs, "performance", picture))
    path = os.path.join(docs, "performance.md")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for name, made in tables.items():
        text, n = re.subn(rf"(<!-- {name}: begin -->\n).*?(<!-- {name}: end -->)", lambda m: m[1] + made + "\n" + m[2],
                          text, flags=re.S)
        if n != 1:
            sys.exit(f"{path} has no place for the table {name}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    folder = sys.argv[1]
    grid, trace, fair, series = (read(folder, f) for f in ("grid.csv", "trace.csv", "fairness.csv", "series.csv"))
    beside = [r for name in ("relay.csv", "simulated.csv", "ns3.csv", "lwip.csv") for r in read(folder, name)]
    pictures, tables = [], {}
    if grid:
        pictures += heat_maps(folder, grid)
        tables |= grid_tables(grid)
    if trace:
        pictures += windows(folder, trace)
    if fair:
        tables |= fairness_tables(fair)
    if series:
        pictures += joins(folder, series)
    ns3 = read(folder, "ns3grid.csv")
    if grid and ns3:
        tables |= ns3_table(grid, ns3)
    lwip = read(folder, "lwipgrid.csv")
    if grid and lwip:
        tables |= lwip_table(grid, lwip)
    if simulated := read(folder, "simulated.csv"):
        tables |= timeouts_table(simulated)
    if marking := read(folder, "marking.csv"):
        tables |= marking_table(marking)
    if beside:
        pictures += others(folder, beside)
        tables |= others_table(beside)
    if relay := read(folder, "relay.csv"):
        tables |= relay_table(relay)
    with open(os.path.join(folder, "tables.md"), "w", encoding="utf-8") as out:
        for name, made in tables.items():
            out.write(f"{name}\n\n{made}\n\n")
            print(f"\n{name}\n{made}")
    print(f"\n{len(pictures)} pictures in {folder}: {', '.join(pictures)}")
    if len(sys.argv) == 3:
        into_docs(folder, sys.argv[2], tables, pictures)


if __name__ == "__main__":
    main()
