"""A sweep as one page: the finding, curves that can be pointed at, verdicts and their meaning."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from gradbook.lab.rates.limit import DEFINITION
from gradbook.lab.rates.sweep import Sweep
from gradbook.lab.rates.verdict import MEANINGS, Outcome, Verdict, figure
from gradbook.report.chart import svg as curve_svg
from gradbook.report.chart.curves import Chart, thinned
from gradbook.report.page.shell import Section, page, text, wide
from gradbook.report.sweep.charts import charts, colours, rate_text, title

FRAME = curve_svg.FRAME
MOST_POINTS = 1_500  # of a curve, which can be pointed at


def sweep_page(sweep: Sweep, command: str = "") -> str:
    """The page; `command` is what makes it again."""
    drawn = charts(sweep)
    data = json.dumps(list(map(_curves, drawn)), allow_nan=False, separators=(",", ":"))
    resources = files("gradbook.report.sweep")
    return page(
        title(sweep),
        [
            Section("curves-drawn", "Curves", "\n".join(map(_figure, drawn))),
            Section("verdicts", "Verdicts", _verdicts(sweep)),
            Section("meanings", "What the words mean", _meanings()),
            Section("how", "How it was made", _how(sweep, command)),
        ],
        lead=f'{_lead(sweep)}<script type="application/json" id="curves">{data}</script>',
        style=curve_svg.style() + resources.joinpath("sweep.css").read_text("utf-8"),
        script=resources.joinpath("sweep.js").read_text("utf-8"),
    )


def _lead(sweep: Sweep) -> str:
    count = len(sweep.outcomes)
    rates = "one learning rate" if count == 1 else f"{count} learning rates"
    return (
        f'<p class="lead">One network, trained from the same start at {rates}, '
        f"{sweep.epochs:,} epochs each.</p>\n"
        f'<p class="finding">{text(sweep.limit.words(sweep.epochs))}</p>\n'
    )


def _curves(chart: Chart) -> dict[str, Any]:
    """What the script needs to point at curves."""
    low, high = chart.ends
    box = {
        "left": FRAME.left,
        "top": FRAME.top,
        "width": FRAME.x(1) - FRAME.left,
        "height": FRAME.y(0) - FRAME.top,
    }
    curves = []
    for curve in chart.curves:
        epochs, losses = thinned(curve.values, MOST_POINTS)
        shown = [float(f"{loss:.6g}") if abs(loss) < float("inf") else None for loss in losses]
        part = {"label": curve.label, "colour": curve.colour, "epochs": epochs, "losses": shown}
        curves.append(part)
    return {"epochs": chart.epochs, "frame": box | {"low": low, "high": high}, "curves": curves}


def _figure(chart: Chart) -> str:
    items = "\n".join(
        f'<li><button type="button" aria-pressed="true">{_swatch(curve.colour)}'
        f"{text(curve.label)}</button></li>"
        for curve in chart.curves
    )
    picture = curve_svg.svg(chart, alone=False)
    walk = 'tabindex="0" aria-label="Curves: walk along them with the arrow keys"'
    plot = f'<div class="plot" {walk}>{picture}</div>'
    legend = f'<ul class="legend" aria-label="Rates: show or put away">\n{items}\n</ul>'
    return f'<figure class="chart">\n{plot}\n{legend}\n</figure>'


def _swatch(colour: str) -> str:
    circle = f'<circle cx="5" cy="5" r="5" fill="{colour}"/>'
    return f'<svg class="swatch" viewBox="0 0 10 10" aria-hidden="true">{circle}</svg>'


def _verdicts(sweep: Sweep) -> str:
    inks = colours(sweep)
    rows = "\n".join(_row(outcome, inks[outcome.rate]) for outcome in sweep.outcomes)
    return wide(
        '<table class="verdicts">\n<thead><tr><th>rate</th><th>at the end</th><th>lowest</th>'
        '<th>trains</th><th class="words">verdict and why</th>'
        f"</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"
    )


def _row(outcome: Outcome, colour: str) -> str:
    trains = "yes" if outcome.trains else "no"
    cells = (figure(outcome.end), figure(outcome.lowest), trains)
    return (
        f'<tr><th scope="row">{_swatch(colour)} {rate_text(outcome.rate)}</th>'
        f"{''.join(f'<td>{cell}</td>' for cell in cells)}"
        f'<td class="words">{_badge(outcome.verdict)} {text(outcome.reason)}</td></tr>'
    )


def _badge(verdict: Verdict) -> str:
    return f'<span class="verdict v-{verdict.split()[0]}">{verdict}</span>'


def _meanings() -> str:
    items = "\n".join(
        f"<dt>{_badge(verdict)}</dt><dd>{text(words)}</dd>" for verdict, words in MEANINGS.items()
    )
    return f'<dl class="meanings">\n{items}\n</dl>'


def _how(sweep: Sweep, command: str) -> str:
    limit = sweep.limit
    search = (
        f"<p>{text(DEFINITION)} The largest such rate was searched for by trying: from the largest "
        "rate that trains to the next one that doesn't, halving what lies between on a log scale, "
        f"then looking beyond the border. {limit.tried} rates were tried in all.</p>"
    )
    counted = (
        "<p>Every number was computed in double precision. The loss of an epoch is the one before "
        "its update, so epoch 1 is the start, and the last loss comes after "
        f"{sweep.epochs - 1:,} updates. On the way down 100% is perfect outputs, or the loss on "
        "which the best of these rates came to rest.</p>"
    )
    made = f"<p>Made with <code>{text(command)}</code></p>\n" if command else ""
    network = f"<p>The network:</p>\n<pre><code>{text(str(sweep.net))}</code></pre>"
    return f"{search}\n{counted}\n{made}{network}"
