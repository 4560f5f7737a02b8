"""Charts on a page: one line through all of them reads every curve at an epoch.

    figure([Chart(…), Chart(…)], "how it trained")    HTML; `style` and `script` go with it

Without its script a figure says what each curve is at the end.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import isnan
from typing import Any

from gradbook.report.chart import svg
from gradbook.report.chart.curves import MOST_POINTS, Chart, Curve, few
from gradbook.report.page import resource, text

BESIDE = svg.Frame(width=400.0, height=270.0, left=52.0, right=10.0, top=34.0, bottom=42.0)
BELOW = svg.FRAME  # with each curve's name where it ends


def figure(charts: Sequence[Chart], what: str, *, labelled: bool = False) -> str:
    """The charts beside each other, or below each other and `labelled`, with the last readings.

    All have as many epochs. `what` says it to those who can't see it.
    """
    frame = BELOW if labelled else BESIDE
    epochs = [place + 1 for place in few(charts[0].epochs, MOST_POINTS)]
    data = {
        "epochs": epochs,
        "x": [[round(frame.x(chart.across(epoch)), 1) for epoch in epochs] for chart in charts],
        "charts": [
            [_readings(chart, it, epochs, frame) for it in chart.curves] for chart in charts
        ],
    }
    panels = "\n".join(_panel(chart, frame, labelled) for chart in charts)
    return (
        f'<figure class="charts{" labelled" * labelled}" tabindex="0" role="group" '
        f'aria-label="{text(what)}: walk through the epochs and the curves with the arrow keys">\n'
        f'<script type="application/json">{_harmless(data)}</script>\n{panels}\n</figure>'
    )


def style() -> str:
    return svg.style() + resource("chart.css")


def script() -> str:
    return resource("chart.js")


def swatch(colour: str) -> str:
    circle = f'<circle cx="5" cy="5" r="5" fill="{colour}"/>'
    return f'<svg class="swatch" viewBox="0 0 10 10" aria-hidden="true">{circle}</svg>'


def _harmless(data: dict[str, Any]) -> str:
    """JSON in which nothing ends the script that holds it."""
    return json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _panel(chart: Chart, frame: svg.Frame, labelled: bool) -> str:
    readings = "\n".join(
        f'<li><button type="button" aria-pressed="true">{swatch(curve.colour)}'
        f"<span>{text(curve.label)}</span><b>{_words(chart, curve, len(curve.values))}</b>"
        "</button></li>"
        for curve in chart.curves
    )
    hair = f'<line class="hair" y1="{frame.top:g}" y2="{frame.y(0):g}"/>'
    spots = "".join(_spot(chart, k, frame) for k in range(len(chart.curves)))
    drawn = svg.svg(chart, frame, alone=False, labelled=labelled, over=hair + spots)
    return (
        f'<div class="panel"><div class="plot">{drawn}</div><p class="at">at the end</p>\n'
        f'<ul class="readings" aria-label="Curves: show or hide">\n{readings}\n</ul></div>'
    )


def _spot(chart: Chart, k: int, frame: svg.Frame) -> str:
    """A dot where a curve ends."""
    curve = chart.curves[k]
    last = len(curve.values)
    y = _height(chart, curve, last, frame)
    return (
        f'<circle class="spot c{k}{" gone" * (y is None)}" r="4" fill="{curve.colour}" '
        f'cx="{frame.x(chart.across(last)):.1f}" cy="{y or 0}"/>'
    )


def _readings(
    chart: Chart, curve: Curve, epochs: Sequence[int], frame: svg.Frame
) -> dict[str, Any]:
    """A curve's height and value at these epochs; nothing where it has none."""
    return {
        "title": f"{chart.labels} {curve.label}".strip(),
        "measure": chart.measure,
        "y": [_height(chart, curve, epoch, frame) for epoch in epochs],
        "words": [_words(chart, curve, epoch) for epoch in epochs],
    }


def _height(chart: Chart, curve: Curve, epoch: int, frame: svg.Frame) -> float | None:
    if epoch > len(curve.values):
        return None
    height = chart.height(float(curve.values[epoch - 1]))
    return None if isnan(height) else round(frame.y(min(max(height, 0.0), 1.0)), 1)


def _words(chart: Chart, curve: Curve, epoch: int) -> str:
    """A curve's value in words; none where it has ended already."""
    return chart.spell(float(curve.values[epoch - 1])) if epoch <= len(curve.values) else ""
