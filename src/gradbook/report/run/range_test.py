"""A range test in the terminal: the loss at each rate as a bar, and the rate it suggests."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradbook.amounts import loss, short
from gradbook.lab.training.train import RangeTest
from gradbook.report.charts import few
from gradbook.report.run.epochs import GOOD
from gradbook.report.words import QUIET, Span, TextLine, fold

ROWS = 24
LONGEST = 36  # characters of a bar
HIGHEST = 1.25  # times the loss at the start: what is higher leaves the chart
BARS = "█", "#"
BEYOND = "▶", ">"


def lines(
    test: RangeTest, title: str, width: int, *, ascii_only: bool = False
) -> Iterator[TextLine]:
    """A row for some of the rates, then what follows from them all."""
    yield [Span(f"{title}: the loss of steps at ever higher rates", "bold")]
    yield []
    places = few(len(test.rates), ROWS)
    best = int(np.argmin([abs(np.log(test.rates[k] / test.suggested_rate)) for k in places]))
    top = HIGHEST * float(test.losses[0])
    for row, place in enumerate(places):
        rate, height = test.rates[place], float(test.losses[place])
        shown = min(height / top, 1.0)
        bar = BARS[ascii_only] * max(round(LONGEST * shown), 1)
        beyond = BEYOND[ascii_only] if height > top else ""
        aside = f"  about the rate suggested, {short(test.suggested_rate)}" if row == best else ""
        yield [
            Span(f"{short(rate):>9}  {loss(height):>8}  "),
            Span(bar + beyond, GOOD if row == best else "cyan" if not beyond else "red"),
            Span(aside, "bold"),
        ]
    yield []
    yield from fold(
        [Span(f"rate {short(test.suggested_rate)}", f"bold {GOOD}"), Span(f": {test.why}")], width
    )
    yield from fold([Span(f"take it with --rate {short(test.suggested_rate)}", QUIET)], width)
