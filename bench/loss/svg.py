# SPDX-License-Identifier: MIT
"""A picture as SVG, from rectangles, lines and words. No more than the report needs."""

from html import escape

INK = "#24292f"
FAINT = "#d0d7de"
COLORS = {"new_reno": "#0072b2", "cubic_paced": "#e69f00", "cubic": "#d55e00", "bbr": "#009e73", "dctcp": "#aa4499"}
FONT = "font-family='DejaVu Sans, Verdana, sans-serif'"


def color(name):
    """The color of a congestion control, whoever built it."""
    for key, value in COLORS.items():
        if key in name:
            return value
    return COLORS["new_reno"] if "reno" in name else "#6e7781"


def mix(a, b, share):
    """The color that lies `share` of the way from `a` to `b`."""
    parts = [[int(c[i:i + 2], 16) for i in (1, 3, 5)] for c in (a, b)]
    return "#" + "".join(f"{round(x + (y - x) * share):02x}" for x, y in zip(*parts))


class Picture:
    def __init__(self, width, height, title):
        self.width, self.height, self.title = width, height, title
        self.parts = [f"<rect width='{width}' height='{height}' fill='#ffffff'/>"]

    def rect(self, x, y, w, h, fill, **more):
        self.parts.append(f"<rect x='{x:.1f}' y='{y:.1f}' width='{w:.1f}' height='{h:.1f}' fill='{fill}'"
                          f"{attributes(more)}/>")

    def line(self, x1, y1, x2, y2, stroke=FAINT, width=1, **more):
        self.parts.append(f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' stroke='{stroke}' "
                          f"stroke-width='{width}'{attributes(more)}/>")

    def path(self, points, stroke, width=1.5, **more):
        if points:
            line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            self.parts.append(f"<polyline points='{line}' fill='none' stroke='{stroke}' stroke-width='{width}'"
                              f" stroke-linejoin='round'{attributes(more)}/>")

    def area(self, points, base, fill):
        if points:
            line = " ".join(f"{x:.1f},{y:.1f}" for x, y in [(points[0][0], base), *points, (points[-1][0], base)])
            self.parts.append(f"<polygon points='{line}' fill='{fill}'/>")

    def text(self, x, y, words, size=12, anchor="start", fill=INK, **more):
        self.parts.append(f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' text-anchor='{anchor}' fill='{fill}' "
                          f"{FONT}{attributes(more)}>{escape(str(words))}</text>")

    def save(self, path):
        with open(path, "w", encoding="utf-8") as out:
            out.write(f"<svg xmlns='http://www.w3.org/2000/svg' width='{self.width}' height='{self.height}' "
                      f"viewBox='0 0 {self.width} {self.height}' role='img'>\n<title>{escape(self.title)}</title>\n")
            out.write("\n".join(self.parts) + "\n</svg>\n")


def attributes(more):
    return "".join(f" {name.replace('_', '-')}='{value}'" for name, value in more.items())


def steps(highest, about=4):
    """Round numbers from zero to no less than `highest`."""
    if highest <= 0:
        return [0, 1]
    unit = 1.0
    while unit * about > highest:
        unit /= 10
    while unit * about * 10 <= highest:
        unit *= 10
    unit *= min((1, 2, 2.5, 5, 10), key=lambda m: abs(highest / (unit * m) - about))
    count = int(highest / unit - 1e-9) + 1
    return [unit * i for i in range(count + 1)]


class Plot:
    """Axes within a picture."""

    def __init__(self, picture, box, x_range, y_highest, x_label="", y_label="", unit=1):
        self.picture, self.box, self.x_range, self.unit = picture, box, x_range, unit
        x, y, w, h = box
        ticks = steps(y_highest / unit)
        self.top = ticks[-1] * unit
        for tick in ticks:
            at = self.y(tick * unit)
            picture.line(x, at, x + w, at)
            picture.text(x - 6, at + 4, f"{tick:g}", 11, "end")
        for tick in steps(x_range[1] - x_range[0], 6):
            if tick <= x_range[1] - x_range[0] + 1e-9:
                picture.text(self.x(x_range[0] + tick), y + h + 15, f"{x_range[0] + tick:g}", 11, "middle")
        picture.line(x, y + h, x + w, y + h, INK)
        picture.text(x + w / 2, y + h + 30, x_label, 12, "middle")
        picture.text(x - 44, y + h / 2, y_label, 12, "middle", transform=f"rotate(-90 {x - 44} {y + h / 2})")

    def x(self, value):
        low, high = self.x_range
        return self.box[0] + (value - low) / (high - low) * self.box[2]

    def y(self, value):
        return self.box[1] + self.box[3] * (1 - min(value, self.top) / self.top)

    def points(self, pairs):
        return [(self.x(a), self.y(b)) for a, b in pairs]
