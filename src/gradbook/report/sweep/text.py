"""A sweep for the terminal: a verdict for each rate, the largest that trains, the curves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from math import isfinite
from textwrap import wrap
from typing import Any

from gradbook.lab.rates.limit import DEFINITION
from gradbook.lab.rates.sweep import Sweep
from gradbook.lab.rates.verdict import Outcome, Verdict, figure
from gradbook.report.chart.characters import chart_lines
from gradbook.report.sweep.charts import charts, rate_text, title
from gradbook.report.words.lines import Piece, TextLine

HEADINGS = ("rate", "at the end", "lowest", "trains")
LEAST_REASON = 30  # columns beside the numbers
INDENT = 4  # where the reason stands under them
CHART_ROWS = 14
ASCII = {"−": "-", "≤": "<=", "²": "^2"}

COLOURS = {
    Verdict.TOO_SLOW: "yellow",
    Verdict.GOOD: "green",
    Verdict.RECOVERS: "cyan",
    Verdict.OSCILLATES: "yellow",
    Verdict.DIVERGES: "red",
    Verdict.SATURATED: "magenta",
    Verdict.STUCK: "magenta",
}


def lines(sweep: Sweep, width: int, *, ascii_only: bool = False) -> Iterator[TextLine]:
    """The whole report in so many columns."""
    for line in _words(sweep, width):
        yield [
            Piece(_in_ascii(piece.text), piece.colour) if ascii_only else piece for piece in line
        ]
    for chart in charts(sweep):
        yield []
        yield from chart_lines(chart, width, CHART_ROWS, ascii_only=ascii_only)


def _words(sweep: Sweep, width: int) -> Iterator[TextLine]:
    yield [Piece(title(sweep), "bold")]
    start = figure(float(sweep.outcomes[0].losses[0]))
    yield [Piece(f"{sweep.epochs:,} epochs at each rate; the loss begins at {start}")]
    yield []
    yield from _table(sweep.outcomes, width)
    yield []
    yield from _paragraph(sweep.limit.words(sweep.epochs), width, "bold")
    yield from _paragraph(DEFINITION, width)


def _in_ascii(words: str) -> str:
    for sign, plain in ASCII.items():
        words = words.replace(sign, plain)
    return words


def _paragraph(words: str, width: int, style: str = "") -> Iterator[TextLine]:
    for line in wrap(words, width):
        yield [Piece(line, style)]


def _table(outcomes: Sequence[Outcome], width: int) -> Iterator[TextLine]:
    """The verdict stands beside the numbers, or under them where there is no room."""
    rows = [
        (rate_text(o.rate), figure(o.end), figure(o.lowest), "yes" if o.trains else "no")
        for o in outcomes
    ]
    widths = [max(map(len, column)) for column in zip(HEADINGS, *rows, strict=True)]
    used = sum(widths) + 2 * len(widths)
    beside = width - used >= LEAST_REASON
    margin = used if beside else INDENT
    yield [Piece(f"{_padded(HEADINGS, widths)}  {'verdict and why' if beside else ''}", "bold")]
    for row, outcome in zip(rows, outcomes, strict=True):
        cells = [Piece(f"{_padded(row, widths)}  ")]
        first, *more = _reason(outcome, width - margin)
        if beside:
            yield cells + first
        else:
            yield cells
            yield [Piece(" " * margin), *first]
        for line in more:
            yield [Piece(" " * margin), *line]


def _reason(outcome: Outcome, room: int) -> Iterator[TextLine]:
    first, *more = wrap(f"{outcome.verdict}: {outcome.reason}", room)
    verdict = outcome.verdict[: len(first)]
    yield [Piece(verdict, COLOURS[outcome.verdict]), Piece(first[len(verdict) :])]
    for line in more:
        yield [Piece(line)]


def _padded(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))


VERSION = 1  # of the JSON; it goes up when a field is taken away or changes its meaning


def as_json(sweep: Sweep) -> str:
    """One object; a loss that is no number is null.

    {"format": "gradbook sweep", "version": 1, "network": text, "epochs": count,
     "rates": [{"rate", "verdict", "reason", "trains", "end", "lowest", "losses"}, …],
     "largest": {"rate", "beyond", "failing", "tried", "words"}}

    `losses` holds each epoch's loss before its update. `largest` is the search for the largest
    rate that still trains: `beyond` is the next larger rate tried, which doesn't, and `failing`
    those below it that don't either.
    """
    limit = sweep.limit
    whole = {
        "format": "gradbook sweep",
        "version": VERSION,
        "network": str(sweep.net),
        "epochs": sweep.epochs,
        "rates": list(map(_outcome, sweep.outcomes)),
        "largest": {
            "rate": limit.rate,
            "beyond": limit.beyond,
            "failing": limit.failing,
            "tried": limit.tried,
            "words": limit.words(sweep.epochs),
        },
    }
    return json.dumps(whole, ensure_ascii=False, allow_nan=False) + "\n"


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "rate": outcome.rate,
        "verdict": outcome.verdict,
        "reason": outcome.reason,
        "trains": outcome.trains,
        "end": _number(outcome.end),
        "lowest": _number(outcome.lowest),
        "losses": [_number(loss) for loss in outcome.losses.tolist()],
    }


def _number(value: float) -> float | None:
    return value if isfinite(value) else None


def as_csv(sweep: Sweep) -> str:
    """A row for each epoch and a column for each rate; empty where the loss is no number."""
    return "\n".join(_rows(sweep)) + "\n"


def _rows(sweep: Sweep) -> Iterator[str]:
    yield ",".join(["epoch", *(f"rate {rate_text(rate)}" for rate in sweep.rates)])
    columns = zip(*(outcome.losses.tolist() for outcome in sweep.outcomes), strict=True)
    for epoch, losses in enumerate(columns, 1):
        yield ",".join([str(epoch), *(repr(loss) if isfinite(loss) else "" for loss in losses)])
