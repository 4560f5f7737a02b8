"""Charts as pictures: SVG of curves and of points, PNG, and the figures of a page.

Shapes have light colours; a style replaces them on dark screens. In a `figure`, a line through all
charts shows every curve's value at an epoch; without the script, the last values are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from importlib.util import find_spec
from math import isnan, log10
from typing import Any

import numpy as np

from gradbook.errors import UsageError
from gradbook.language import mark, numeral, tr, tr_count
from gradbook.palette import PAPER, QUIET
from gradbook.report.charts import MOST_POINTS, Chart, Curve, Scale, few, notch, spread_out
from gradbook.report.page_shell import data_element, text

FONT = "system-ui, Segoe UI, Roboto, Helvetica Neue, Liberation Sans, Arial, sans-serif"
SIZE, LINE = 12.0, 15.0  # of the font; between labels
FAR = 3.0  # times the chart's height: how far outside a curve is still drawn
DISPLACED = 5.0  # points: a label that is moved further is joined to its curve


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


def chart_style() -> str:
    """The style that gives charts dark colours on dark screens."""
    rules = "".join(f".gb-chart .{name}{{{what}:{tone}}}" for name, what, tone in TONES + LINES)
    return f"@media screen and (prefers-color-scheme:dark){{{rules}}}"


def chart_svg(
    chart: Chart, frame: Frame = FRAME, alone: bool = True, labelled: bool = True, over: str = ""
) -> str:
    """The chart as one SVG element; `alone` includes the style, which a page has once.

    `labelled` writes each curve's name at its end; `over` is drawn on top of all curves.
    """
    drawn = _inside(chart, frame, labelled)
    return svg_element(frame, _description(chart), [drawn, over] if over else [drawn], alone)


def stack_charts(charts: list[Chart], heading: str, finding: str = "") -> str:
    """Several charts below each other in one picture, with a heading; for screen readers, the
    description begins with the `finding`."""
    frame, space = FRAME, 40.0
    parts = [
        f'<text class="ink" fill="{PAPER.ink}" x="{pt(frame.left)}" y="30" font-size="17" '
        f'font-weight="600">{escape(heading)}</text>'
    ]
    for k, chart in enumerate(charts):
        top = pt(space + k * frame.height)
        parts.append(f'<g transform="translate(0 {top})">\n{_inside(chart, frame)}\n</g>')
    whole = Frame(frame.width, space + len(charts) * frame.height)
    words = "; ".join(map(_description, charts))
    return svg_element(whole, f"{finding} {words}".lstrip(), parts)


def svg_element(
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
            *([f"<style>{chart_style()}</style>", paper] if alone else []),
            *parts,
            "</svg>",
            "",
        ]
    )


def _description(chart: Chart) -> str:
    labels = ", ".join(curve.label for curve in chart.curves)
    epochs = chart.epochs
    over = tr_count(
        "{title}, over {number} epoch",
        "{title}, over {number} epochs",
        epochs,
        title=chart.title,
        number=numeral(f"{epochs:,}"),
    )
    if chart.scale.words:
        over = tr("{chart}, {scale}", chart=over, scale=tr(chart.scale.words))
    return tr("{chart}: {curves}", chart=over, curves=labels)


def _inside(chart: Chart, frame: Frame, labelled: bool = True) -> str:
    """Axes, curves and labels, without the SVG element around them."""
    room = int((frame.height - frame.top - frame.bottom) / SIZE) + 1
    named = few(len(chart.curves), room) if labelled else []
    return "\n".join(
        [
            words_at(frame.left, 18, chart.title, kind="ink"),
            *_axes(chart, frame),
            f'<svg x="{pt(frame.left)}" y="{pt(frame.top)}" '
            f'width="{pt(frame.x(1) - frame.left)}" height="{pt(frame.y(0) - frame.top)}" '
            f'viewBox="{pt(frame.left)} {pt(frame.top)} {pt(frame.x(1) - frame.left)} '
            f'{pt(frame.y(0) - frame.top)}">',  # an inner element clips the curves
            *(
                f'<path class="curve c{k}" d="{_path(chart, curve, frame)}" fill="none" '
                f'stroke="{curve.colour}" stroke-width="2" stroke-linejoin="round" '
                'stroke-linecap="round"/>'
                for k, curve in enumerate(chart.curves)
            ),
            "</svg>",
            words_at(frame.x(1) + 14, 18, chart.labels, kind="quiet axis") if named else "",
            *_end_labels(chart, named, frame),
        ]
    )


def _axes(chart: Chart, frame: Frame) -> Iterator[str]:
    for level in chart.levels:
        y = frame.y(chart.height(level))
        yield grid_line(frame.left, y, frame.x(1), y)
        base, power = chart.scale.tick(level)
        yield words_at(frame.left - 8, y + 4, numeral(base), anchor="end", power=power)
    counts = [(chart.across(count), str(count)) for count in chart.counts]
    yield from _lower_axis(frame, counts, tr("epoch"))


def _lower_axis(frame: Frame, ticks: Iterable[tuple[float, str]], words: str) -> Iterator[str]:
    base, middle = frame.y(0), (frame.left + frame.x(1)) / 2
    yield grid_line(frame.left, base, frame.x(1), base)
    for share, label in ticks:
        yield words_at(frame.x(share), base + 18, label, anchor="middle")
    yield words_at(middle, base + 38, words, anchor="middle", kind="quiet axis")


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


def _end_labels(chart: Chart, named: list[int], frame: Frame) -> Iterator[str]:
    """Each curve's name at its end, joined to it by a line if the name had to be moved."""
    low, high = frame.top + 4, frame.y(0)
    ends = [min(max(frame.y(chart.end(chart.curves[k])), low), high) for k in named]
    for k, end, y in zip(named, ends, spread_out(ends, LINE, low, high), strict=True):
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


def grid_line(x: float, y: float, x_end: float, y_end: float) -> str:
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
    """A length with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")


SCALE = 2.0  # pixels for each point


def require_painter() -> None:
    """Refuse if the painter isn't installed; call this before doing any work."""
    if find_spec("vl_convert") is None:
        raise UsageError(
            "a PNG needs the extra 'plots': pip install 'gradbook[plots]', or write .svg instead"
        )


def paint_png(svg: str) -> bytes:
    """The picture in light colours, two pixels for each point."""
    require_painter()
    from vl_convert import svg_to_png

    return bytes(svg_to_png(svg, scale=SCALE))


# Points -----------------------------------------------------------------------

POINTS_FRAME = Frame(width=400.0, height=270.0, left=58.0, right=14.0, top=34.0, bottom=46.0)
RADIUS, TICKS, LINE_INK = 3.5, 5, "#077DB3"


@dataclass(frozen=True)
class Point:
    """A point: its position, description and colour."""

    x: float
    y: float
    words: str
    ink: str
    link: str = ""  # the part of the page with more about it


@dataclass(frozen=True)
class ValueAxis:
    """An axis of numbers, or of names side by side."""

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
            within = [x for x in powers if self.low * 0.999 <= x <= self.high * 1.001]
            return [(x, f"{x:g}") for x in within[:: max(1, -(-len(within) // TICKS))]]
        step = notch((self.high - self.low) / (TICKS - 1), down=False)
        first = -(-self.low // step) * step
        count = int((self.high - first) / step + 1e-9) + 1
        return [(first + k * step, f"{first + k * step:g}") for k in range(count)]


class ScaledAxis:
    """An axis with the scale of a chart, long enough for these values."""

    def __init__(self, scale: Scale, values: Sequence[float]) -> None:
        self.scale = scale
        self.low, self.high = scale.ends(np.array(values), [])
        levels = scale.levels(self.low, self.high)
        self.ticks = [(level, scale.tick(level)[0]) for level in levels]

    def share(self, value: float) -> float:
        return (self.scale.place(value) - self.low) / (self.high - self.low)


def points_svg(
    title: str,
    across: ValueAxis,
    upwards: ValueAxis | ScaledAxis,
    points: Sequence[Point],
    *,
    path: Sequence[tuple[float, float]] = (),
    steps: bool = False,
    frame: Frame = POINTS_FRAME,
) -> str:
    """The points, with a line through `path`, which goes in steps or straight."""

    def place(x: float, y: float) -> tuple[float, float]:
        return frame.x(across.share(x)), frame.y(upwards.share(y))

    parts = [words_at(frame.left, 18, title, kind="ink")]
    for level, words in upwards.ticks:
        y = frame.y(upwards.share(level))
        parts += [grid_line(frame.left, y, frame.x(1), y)]
        parts += [words_at(frame.left - 8, y + 4, words, anchor="end")]
    ticks = [(across.share(x), label) for x, label in across.ticks]
    parts += _lower_axis(frame, ticks, across.words)
    if path:
        (x, y), *others = [place(*at) for at in path]
        turns = (f"H{pt(x)}V{pt(y)}" if steps else f"L{pt(x)} {pt(y)}" for x, y in others)
        line = f"M{pt(x)} {pt(y)}{''.join(turns)}"
        parts.append(f'<path d="{line}" fill="none" stroke="{LINE_INK}" stroke-width="1.5"/>')
    parts += [_dot(point, *place(point.x, point.y)) for point in points]
    words = f"{title}: {len(points)} points over {across.words}"
    return svg_element(frame, words, parts, alone=False, role="group")


def _dot(point: Point, x: float, y: float) -> str:
    circle = (
        f'<circle cx="{pt(x)}" cy="{pt(y)}" r="{RADIUS}" fill="{point.ink}" '
        f'fill-opacity="0.8"><title>{escape(point.words)}</title></circle>'
    )
    return f'<a href="#{escape(point.link)}" tabindex="-1">{circle}</a>' if point.link else circle


# Figures of a page ------------------------------------------------------------

BESIDE = Frame(width=400.0, height=270.0, left=52.0, right=10.0, top=34.0, bottom=42.0)
BELOW = FRAME  # with each curve's name where it ends


WALK = mark("{charts}: move through the epochs and the curves with the arrow keys")


def figure(charts: Sequence[Chart], what: str, *, labelled: bool = False) -> str:
    """The charts side by side or, if `labelled`, below each other, with each curve's last value.

    All have equally many epochs. `what` describes them for screen readers.
    """
    frame = BELOW if labelled else BESIDE
    epochs = [place + 1 for place in few(charts[0].epochs, MOST_POINTS)]
    data = {
        "epochs": epochs,
        "at": tr("epoch {epoch}"),
        "x": [[round(frame.x(chart.across(epoch)), 1) for epoch in epochs] for chart in charts],
        "charts": [
            [_readings(chart, it, epochs, frame) for it in chart.curves] for chart in charts
        ],
    }
    panels = "\n".join(_panel(chart, frame, labelled) for chart in charts)
    return (
        f'<figure class="charts{" labelled" * labelled}" tabindex="0" role="group" '
        f'aria-label="{text(tr(WALK, charts=what))}">\n'
        f"{data_element(data, '')}\n{panels}\n</figure>"
    )


def swatch(colour: str) -> str:
    circle = f'<circle cx="5" cy="5" r="5" fill="{colour}"/>'
    return f'<svg class="swatch" viewBox="0 0 10 10" aria-hidden="true">{circle}</svg>'


def _panel(chart: Chart, frame: Frame, labelled: bool) -> str:
    readings = "\n".join(
        f'<li><button type="button" aria-pressed="true">{swatch(curve.colour)}'
        f"<span>{text(curve.label)}</span><b>{_reading(chart, curve, len(curve.values))}</b>"
        "</button></li>"
        for curve in chart.curves
    )
    hair = f'<line class="hair" y1="{frame.top:g}" y2="{frame.y(0):g}"/>'
    spots = "".join(_spot(chart, k, frame) for k in range(len(chart.curves)))
    drawn = chart_svg(chart, frame, alone=False, labelled=labelled, over=hair + spots)
    at_the_end, hides = text(tr("at the end")), text(tr("Curves: show or hide"))
    return (
        f'<div class="panel"><div class="plot">{drawn}</div><p class="at">{at_the_end}</p>\n'
        f'<ul class="readings" aria-label="{hides}">\n{readings}\n</ul></div>'
    )


def _spot(chart: Chart, k: int, frame: Frame) -> str:
    """A dot where a curve ends."""
    curve = chart.curves[k]
    last = len(curve.values)
    y = _height(chart, curve, last, frame)
    return (
        f'<circle class="spot c{k}{" gone" * (y is None)}" r="4" fill="{curve.colour}" '
        f'cx="{frame.x(chart.across(last)):.1f}" cy="{y or 0}"/>'
    )


def _readings(chart: Chart, curve: Curve, epochs: Sequence[int], frame: Frame) -> dict[str, Any]:
    """A curve's height and value at these epochs; None and '' after its end."""
    return {
        "title": f"{chart.labels} {curve.label}".strip(),
        "measure": tr(chart.measure),
        "y": [_height(chart, curve, epoch, frame) for epoch in epochs],
        "words": [_reading(chart, curve, epoch) for epoch in epochs],
    }


def _height(chart: Chart, curve: Curve, epoch: int, frame: Frame) -> float | None:
    if epoch > len(curve.values):
        return None
    height = chart.height(float(curve.values[epoch - 1]))
    return None if isnan(height) else round(frame.y(min(max(height, 0.0), 1.0)), 1)


def _reading(chart: Chart, curve: Curve, epoch: int) -> str:
    """A curve's value as text; empty after its end."""
    return (
        numeral(chart.spell(float(curve.values[epoch - 1]))) if epoch <= len(curve.values) else ""
    )
