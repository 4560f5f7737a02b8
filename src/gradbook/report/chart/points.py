"""Charts of single points: one value over another, some of them joined by a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import log10

from gradbook.report.chart.scale import TOWARDS, Scale, notch
from gradbook.report.chart.svg import Frame, element, line, pt, words_at

FRAME = Frame(width=400.0, height=270.0, left=58.0, right=14.0, top=34.0, bottom=46.0)
RADIUS, TICKS = 3.5, 5


@dataclass(frozen=True)
class Point:
    """A place, what is told of it, and how it looks."""

    x: float
    y: float
    told: str
    ink: str
    link: str = ""  # the part of the page that tells more


@dataclass(frozen=True)
class Across:
    """The horizontal axis: numbers, or words side by side."""

    words: str
    low: float
    high: float
    log: bool = False
    names: tuple[str, ...] = ()

    def share(self, x: float) -> float:
        if self.names:
            return (x + 0.5) / len(self.names)
        low, high, x = (log10(v) if self.log else v for v in (self.low, self.high, x))
        return 0.5 if high == low else 0.03 + 0.94 * (x - low) / (high - low)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        if self.names:
            return [(float(k), name or "nothing") for k, name in enumerate(self.names)]
        if self.high == self.low:
            return [(self.low, f"{self.low:g}")]
        if self.log:
            powers = [m * 10.0**e for e in range(-12, 13) for m in (1, 2, 5)]
            found = [x for x in powers if self.low * 0.999 <= x <= self.high * 1.001]
            return [(x, f"{x:g}") for x in found[:: max(1, -(-len(found) // TICKS))]]
        step = notch((self.high - self.low) / (TICKS - 1), down=False)
        first = -(-self.low // step) * step
        count = int((self.high - first) / step + 1e-9) + 1
        return [(first + k * step, f"{first + k * step:g}") for k in range(count)]


def chart(
    title: str,
    across: Across,
    points: Sequence[Point],
    *,
    path: Sequence[tuple[float, float]] = (),
    steps: bool = False,
    upwards: Scale = TOWARDS,
    ink: str = "#077DB3",
    frame: Frame = FRAME,
) -> str:
    """The points, with a line through `path`, which goes in steps or straight."""
    from numpy import array

    heights = array([point.y for point in points] or [0.5])
    low, high = upwards.ends(heights, [])

    def place(x: float, y: float) -> tuple[float, float]:
        return frame.x(across.share(x)), frame.y((upwards.place(y) - low) / (high - low))

    parts = [words_at(frame.left, 18, title, kind="ink")]
    for level in upwards.levels(low, high):
        y = place(0.0 if across.names else across.low, level)[1]
        parts += [line(frame.left, y, frame.x(1), y)]
        parts += [words_at(frame.left - 8, y + 4, upwards.tick(level)[0], anchor="end")]
    base = frame.y(0)
    parts.append(line(frame.left, base, frame.x(1), base))
    parts += [
        words_at(frame.x(across.share(x)), base + 18, said, anchor="middle")
        for x, said in across.ticks
    ]
    middle = (frame.left + frame.x(1)) / 2
    parts.append(words_at(middle, base + 38, across.words, anchor="middle", kind="quiet axis"))
    if path:
        parts.append(_path([place(*at) for at in path], steps, ink))
    parts += [_dot(point, *place(point.x, point.y)) for point in points]
    words = f"{title}: {len(points)} points over {across.words}"
    return element(frame, words, parts, alone=False, role="group")


def _path(places: Sequence[tuple[float, float]], steps: bool, ink: str) -> str:
    words = [f"M{pt(places[0][0])} {pt(places[0][1])}"]
    for x, y in places[1:]:
        words.append(f"H{pt(x)}V{pt(y)}" if steps else f"L{pt(x)} {pt(y)}")
    return f'<path d="{"".join(words)}" fill="none" stroke="{ink}" stroke-width="1.5"/>'


def _dot(point: Point, x: float, y: float) -> str:
    circle = (
        f'<circle cx="{pt(x)}" cy="{pt(y)}" r="{RADIUS}" fill="{point.ink}" '
        f'fill-opacity="0.8"><title>{escape(point.told)}</title></circle>'
    )
    return f'<a href="#{escape(point.link)}" tabindex="-1">{circle}</a>' if point.link else circle
