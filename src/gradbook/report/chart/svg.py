"""Draws a chart as SVG: light colours in every shape, and a style that turns them dark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from importlib.util import find_spec
from math import isnan

from gradbook.amounts import counted
from gradbook.errors import UsageError
from gradbook.palette import PAPER, QUIET
from gradbook.report.chart.curves import MOST_POINTS, Chart, Curve, few, spread

FONT = "system-ui, Segoe UI, Roboto, Helvetica Neue, Liberation Sans, Arial, sans-serif"
SIZE, LINE = 12.0, 15.0  # of the letters; from one label to the next
FAR = 3.0  # times the chart's height: where a curve goes that leaves it
DISPLACED = 5.0  # points: from here on a label is tied to its curve


@dataclass(frozen=True)
class Frame:
    """Where the curves are drawn, in points."""

    width: float = 760.0
    height: float = 380.0
    left: float = 62.0
    right: float = 84.0
    top: float = 36.0
    bottom: float = 46.0

    def x(self, share: float) -> float:
        return self.left + share * (self.width - self.left - self.right)

    def y(self, height: float) -> float:
        shown = min(max(height, -FAR), 1 + FAR)
        return self.top + (1 - shown) * (self.height - self.top - self.bottom)


FRAME = Frame()
TONES = (("ink", "fill", PAPER.dark_ink), ("quiet", "fill", QUIET.dark_ink))
LINES = (("paper", "fill", PAPER.dark_fill), ("grid", "stroke", QUIET.dark_fill))


def style() -> str:
    """The rules that give charts the colours for dark paper on screens that ask for it."""
    rules = "".join(f".gb-chart .{name}{{{what}:{tone}}}" for name, what, tone in TONES + LINES)
    return f"@media screen and (prefers-color-scheme:dark){{{rules}}}"


def svg(
    chart: Chart, frame: Frame = FRAME, alone: bool = True, labelled: bool = True, over: str = ""
) -> str:
    """The chart as one SVG element; `alone` gives it its style, which a page says once.

    `labelled` names each curve where it ends; `over` is what is drawn over them all.
    """
    drawn = inside(chart, frame, labelled)
    return element(frame, _words(chart), [drawn, over] if over else [drawn], alone)


def stacked(charts: list[Chart], heading: str, finding: str = "") -> str:
    """Several charts under each other in one picture, with a heading; for who can't see it, with
    what was found as well."""
    frame, space = FRAME, 40.0
    parts = [
        f'<text class="ink" fill="{PAPER.ink}" x="{pt(frame.left)}" y="30" font-size="17" '
        f'font-weight="600">{escape(heading)}</text>'
    ]
    for k, chart in enumerate(charts):
        top = pt(space + k * frame.height)
        parts.append(f'<g transform="translate(0 {top})">\n{inside(chart, frame)}\n</g>')
    whole = Frame(frame.width, space + len(charts) * frame.height)
    words = "; ".join(map(_words, charts))
    return element(whole, f"{finding} {words}".lstrip(), parts)


def element(
    frame: Frame, words: str, parts: list[str], alone: bool = True, role: str = "img"
) -> str:
    """The SVG element; one with links in it is a `group`."""
    paper = (
        f'<rect class="paper" fill="{PAPER.fill}" width="{pt(frame.width)}" '
        f'height="{pt(frame.height)}" rx="10"/>'
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="gb-chart" '
            f'viewBox="0 0 {pt(frame.width)} {pt(frame.height)}" width="{pt(frame.width)}" '
            f'height="{pt(frame.height)}" role="{role}" aria-label="{escape(words)}" '
            f'font-family="{FONT}" font-size="{pt(SIZE)}">',
            *([f"<style>{style()}</style>", paper] if alone else []),
            *parts,
            "</svg>",
            "",
        ]
    )


def _words(chart: Chart) -> str:
    labels = ", ".join(curve.label for curve in chart.curves)
    scale = f", {chart.scale.words}" if chart.scale.words else ""
    return f"{chart.title}, over {counted(chart.epochs, 'epoch')}{scale}: {labels}"


def inside(chart: Chart, frame: Frame, labelled: bool = True) -> str:
    """Axes, curves and labels, without the SVG element around them."""
    room = int((frame.height - frame.top - frame.bottom) / SIZE) + 1
    named = few(len(chart.curves), room) if labelled else []
    return "\n".join(
        [
            words_at(frame.left, 18, chart.title, kind="ink"),
            *_levels(chart, frame),
            *_counts(chart, frame),
            f'<svg x="{pt(frame.left)}" y="{pt(frame.top)}" '
            f'width="{pt(frame.x(1) - frame.left)}" height="{pt(frame.y(0) - frame.top)}" '
            f'viewBox="{pt(frame.left)} {pt(frame.top)} {pt(frame.x(1) - frame.left)} '
            f'{pt(frame.y(0) - frame.top)}">',  # an inner element cuts off what leaves it
            *(
                f'<path class="curve c{k}" d="{_path(chart, curve, frame)}" fill="none" '
                f'stroke="{curve.colour}" stroke-width="2" stroke-linejoin="round" '
                'stroke-linecap="round"/>'
                for k, curve in enumerate(chart.curves)
            ),
            "</svg>",
            words_at(frame.x(1) + 14, 18, chart.labels, kind="quiet axis") if named else "",
            *_labels(chart, named, frame),
        ]
    )


def _levels(chart: Chart, frame: Frame) -> Iterator[str]:
    for level in chart.levels:
        y = frame.y(chart.height(level))
        yield line(frame.left, y, frame.x(1), y)
        base, power = chart.scale.tick(level)
        yield words_at(frame.left - 8, y + 4, base, anchor="end", power=power)


def _counts(chart: Chart, frame: Frame) -> Iterator[str]:
    base = frame.y(0)
    yield line(frame.left, base, frame.x(1), base)
    for count in chart.counts:
        yield words_at(frame.x(chart.across(count)), base + 18, str(count), anchor="middle")
    yield words_at(
        (frame.left + frame.x(1)) / 2, base + 38, "epoch", anchor="middle", kind="quiet axis"
    )


def _path(chart: Chart, curve: Curve, frame: Frame) -> str:
    words: list[str] = []
    pen_down = False
    for epoch, value in zip(*curve.points(MOST_POINTS), strict=True):
        height = chart.height(value)
        if isnan(height):
            pen_down = False
            continue
        x, y = frame.x(chart.across(epoch)), frame.y(height)
        words.append(f"{'L' if pen_down else 'M'}{pt(x)} {pt(y)}")
        pen_down = True
    if len(words) == 1:
        words.append("h0.01")  # a single point is a dot
    return "".join(words)


def _labels(chart: Chart, named: list[int], frame: Frame) -> Iterator[str]:
    """Each curve's name where it ends, tied to it by a line where that is not beside it."""
    low, high = frame.top + 4, frame.y(0)
    ends = [min(max(frame.y(chart.end(chart.curves[k])), low), high) for k in named]
    for k, end, y in zip(named, ends, spread(ends, LINE, low, high), strict=True):
        curve, x = chart.curves[k], frame.x(1)
        if abs(y - end) > DISPLACED:
            yield (
                f'<path class="tie c{k}" d="M{pt(x + 3)} {pt(end)}L{pt(x + 11)} {pt(y)}" '
                f'fill="none" stroke="{curve.colour}" stroke-width="1" opacity="0.6"/>'
            )
        yield (
            f'<text class="end c{k}" x="{pt(x + 14)}" y="{pt(y + 4)}" fill="{curve.colour}" '
            f'font-weight="600">{escape(chart.label(curve))}</text>'
        )


def line(x: float, y: float, x_end: float, y_end: float) -> str:
    return (
        f'<path class="grid" d="M{pt(x)} {pt(y)}L{pt(x_end)} {pt(y_end)}" fill="none" '
        f'stroke="{QUIET.fill}" stroke-width="1"/>'
    )


def words_at(
    x: float, y: float, words: str, *, anchor: str = "start", power: str = "", kind: str = "quiet"
) -> str:
    tone, weight = (PAPER.ink, "600") if kind == "ink" else (QUIET.ink, "400")
    minus = power.replace("-", "−")
    raised = f'<tspan dy="-0.4em" font-size="0.75em">{minus}</tspan>' if power else ""
    return (
        f'<text class="{kind}" x="{pt(x)}" y="{pt(y)}" fill="{tone}" text-anchor="{anchor}" '
        f'font-weight="{weight}">{escape(words)}{raised}</text>'
    )


def pt(value: float) -> str:
    """A length with as few digits as do."""
    return f"{value:.1f}".removesuffix(".0")


SCALE = 2.0  # pixels for each point


def require_painter() -> None:
    """Complain where there is nothing here to paint with, best before any work is done."""
    if find_spec("vl_convert") is None:
        raise UsageError(
            "a PNG needs the extra 'plots': pip install 'gradbook[plots]', or write .svg instead"
        )


def png(svg: str) -> bytes:
    """The picture in light colours, two pixels for each point."""
    require_painter()
    from vl_convert import svg_to_png

    return bytes(svg_to_png(svg, scale=SCALE))
