"""Charts of training side by side, with one line through all of them to read any epoch by.

figure([Chart(…), Chart(…)], "how it trained")    HTML; `style` and `script` go with it
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib.resources import files
from math import isnan
from typing import Any

import numpy as np

from gradbook.lab.training.history import Epoch
from gradbook.palette import curve_colours
from gradbook.report.chart import svg as curve_svg
from gradbook.report.chart.curves import Chart, Curve, few
from gradbook.report.chart.scale import EVEN, LOG, TOWARDS, Scale
from gradbook.report.page.shell import text
from gradbook.report.run.epochs import loss, share

FRAME = curve_svg.Frame(width=400.0, height=270.0, left=52.0, right=10.0, top=34.0, bottom=42.0)
MOST_POINTS = 600  # of a curve, which can be read
TRAINING, VALIDATION, RATE = "#C27A09", "#077DB3", "#BC3E78"  # of palette.CURVES
SPELL: dict[Scale, Callable[[float], str]] = {
    LOG: loss,
    TOWARDS: share,
    EVEN: lambda rate: f"{rate:.3g}",
}
Histories = Sequence[tuple[str, Sequence[Epoch]]]


def of_run(history: Sequence[Epoch]) -> list[Chart]:
    """Loss and accuracy of training and of validation, and the rate."""
    loss_curves = [_curve("training", history, "train_loss", TRAINING)]
    accuracies = [_curve("training", history, "train_accuracy", TRAINING)]
    if _has(history, "validation_accuracy"):
        loss_curves.append(_curve("validation", history, "validation_loss", VALIDATION))
        accuracies.append(_curve("validation", history, "validation_accuracy", VALIDATION))
    return [
        Chart("Loss", tuple(loss_curves), scale=LOG),
        Chart("Read right", tuple(accuracies), scale=TOWARDS),
        Chart("Learning rate", (_curve("rate", history, "rate", RATE),), scale=EVEN),
    ]


def of_several(runs: Histories) -> list[Chart]:
    """The same of several runs, a colour for each; validation where all have it, else training."""
    validated = all(_has(history, "validation_accuracy") for _, history in runs)
    whose = "validation" if validated else "training"
    part = "validation" if validated else "train"
    told: list[tuple[str, str, Scale]] = [
        (f"{whose.capitalize()} loss", f"{part}_loss", LOG),
        (f"Read right, {whose}", f"{part}_accuracy", TOWARDS),
        ("Learning rate", "rate", EVEN),
    ]
    return [Chart(title, _curves(runs, column), scale=scale) for title, column, scale in told]


def _curves(runs: Histories, column: str) -> tuple[Curve, ...]:
    """One for each run, or one for all where all are the same."""
    inks = curve_colours(len(runs))
    curves = tuple(
        _curve(name, history, column, ink) for (name, history), ink in zip(runs, inks, strict=True)
    )
    if len({curve.values.tobytes() for curve in curves}) == 1 < len(curves):
        return (Curve("all", curves[0].values, RATE),)
    return curves


def _has(history: Sequence[Epoch], column: str) -> bool:
    return all(getattr(epoch, column) is not None for epoch in history)


def _curve(label: str, history: Sequence[Epoch], column: str, colour: str) -> Curve:
    values = [getattr(epoch, column) for epoch in history]
    return Curve(label, np.array(values, np.float64), colour)


def figure(charts: Sequence[Chart], what: str) -> str:
    """The charts, what each curve is at the last epoch, and what the script needs for the others.

    `what` says it to those who can't see it.
    """
    data = json.dumps(list(map(_readings, charts)), allow_nan=False, separators=(",", ":"))
    panels = "\n".join(map(_panel, charts))
    return (
        '<figure class="epochs" tabindex="0" role="group" '
        f'aria-label="{text(what)}: walk through the epochs with the arrow keys">\n'
        f'<script type="application/json">{data}</script>\n{panels}\n</figure>'
    )


def style() -> str:
    return curve_svg.style() + files("gradbook.report.run").joinpath("epochs.css").read_text(
        "utf-8"
    )


def script() -> str:
    return files("gradbook.report.run").joinpath("epochs.js").read_text("utf-8")


def _panel(chart: Chart) -> str:
    rows = "\n".join(
        f"<li>{swatch(curve.colour)}<span>{text(curve.label)}</span>"
        f"<b>{_reading(chart, curve, len(curve.values))}</b></li>"
        for curve in chart.curves
    )
    return (
        f'<div class="panel">{_drawn(chart)}'
        f'<p class="at">at the end</p>\n<ul class="readings">\n{rows}\n</ul></div>'
    )


def _drawn(chart: Chart) -> str:
    """The chart with a dot where each curve ends, and a line that isn't seen yet."""
    hair = f'<line class="hair" y1="{FRAME.top:g}" y2="{FRAME.y(0):g}"/>'
    over = hair + "".join(_spot(chart, curve) for curve in chart.curves)
    return curve_svg.svg(chart, FRAME, alone=False, labelled=False, over=over)


def _spot(chart: Chart, curve: Curve) -> str:
    last = len(curve.values)
    y = _height(chart, curve, last)
    kind, place = ("spot gone", 0.0) if y is None else ("spot", y)
    return (
        f'<circle class="{kind}" r="4" fill="{curve.colour}" cx="{_across(chart, last)}" '
        f'cy="{place}"/>'
    )


def _across(chart: Chart, epoch: int) -> float:
    return round(FRAME.x((epoch - 1) / max(chart.epochs - 1, 1)), 1)


def swatch(colour: str) -> str:
    circle = f'<circle cx="5" cy="5" r="5" fill="{colour}"/>'
    return f'<svg class="swatch" viewBox="0 0 10 10" aria-hidden="true">{circle}</svg>'


def _readings(chart: Chart) -> dict[str, Any]:
    """Where each epoch is, and each curve's height and value there; nothing where it is none."""
    epochs = [place + 1 for place in few(chart.epochs, MOST_POINTS)]
    curves = [
        {
            "y": [_height(chart, curve, epoch) for epoch in epochs],
            "words": [_reading(chart, curve, epoch) for epoch in epochs],
        }
        for curve in chart.curves
    ]
    return {
        "epochs": epochs,
        "x": [_across(chart, epoch) for epoch in epochs],
        "curves": curves,
    }


def _height(chart: Chart, curve: Curve, epoch: int) -> float | None:
    if epoch > len(curve.values):
        return None
    height = chart.height(float(curve.values[epoch - 1]))
    return None if isnan(height) else round(FRAME.y(min(max(height, 0.0), 1.0)), 1)


def _reading(chart: Chart, curve: Curve, epoch: int) -> str:
    """A curve's value in words; none where it has ended already."""
    if epoch > len(curve.values):
        return ""
    return SPELL[chart.scale](float(curve.values[epoch - 1]))
