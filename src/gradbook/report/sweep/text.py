"""A sweep for the terminal: a verdict for each rate, up to which it trains, the curves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import isfinite
from typing import Any

from gradbook.amounts import counted, short, shortest
from gradbook.rates.criteria import Verdict
from gradbook.rates.sweep import DEFINITION, Sweep
from gradbook.rates.verdict import RateOutcome
from gradbook.report.charts import chart_lines
from gradbook.report.sweep.charts import charts, title
from gradbook.report.words import (
    TEXT_WIDTH,
    Span,
    TableColumn,
    TextLine,
    TextTable,
    csv_lines,
    fold,
    plain,
)

CHART_ROWS = 14
ASCII = str.maketrans({"−": "-", "≤": "<=", "²": "^2", "∞": "inf"})

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
        signs = ASCII if ascii_only else {}
        yield [Span(span.text.translate(signs), span.colour) for span in line]
    for chart in charts(sweep):
        yield []
        yield from chart_lines(chart, width, CHART_ROWS, ascii_only=ascii_only)


def plain_report(sweep: Sweep) -> str:
    """The report without colours, for who only prints."""
    return plain(list(lines(sweep, TEXT_WIDTH))).rstrip()


def _words(sweep: Sweep, width: int) -> Iterator[TextLine]:
    yield [Span(title(sweep), "bold")]
    start = short(float(sweep.outcomes[0].losses[0]))
    yield [Span(f"{counted(sweep.epochs, 'epoch')} at each rate; the loss begins at {start}")]
    if not sweep.net.has_samples:
        yield from fold(sweep.net.made_up(), width)
    yield []
    yield from _table(sweep, width)
    yield []
    yield from fold([Span(sweep.finding, "bold")], width)
    yield from fold(DEFINITION, width)


def _table(sweep: Sweep, width: int) -> Iterator[TextLine]:
    """The verdict stands beside the numbers, or under them where there is no room."""
    columns = (
        TableColumn("rate", spell=shortest),
        TableColumn("at the end", spell=short),
        TableColumn("lowest", spell=short),
        TableColumn("trains"),
    )
    found = sweep.outcomes
    rows = ((o.rate, o.end, o.lowest, "yes" if o.trains else "no") for o in found)
    notes = ([Span(o.verdict, COLOURS[o.verdict]), Span(f": {o.reason}")] for o in found)
    return TextTable(columns, tuple(rows)).with_notes(notes, width, "verdict and why")


VERSION = 1  # of the JSON; it goes up when a field is taken away or changes its meaning


def as_json(sweep: Sweep) -> str:
    """One object; a loss that is NaN or infinite is null.

    {"format": "gradbook sweep", "version": 1, "network": text, "made_up": text, "epochs": count,
     "rates": [{"rate", "verdict", "reason", "trains", "end", "lowest", "losses"}, …],
     "largest": {"rate", "reliable", "beyond", "failing", "tried", "words"}}

    `made_up` says that inputs and targets are, and is empty where samples are given. `losses` holds
    each epoch's loss before its update. `largest` is the search for the largest rate that still
    trains, the same whichever rates were asked for: every rate tried up to `reliable` trains,
    `beyond` is the next larger rate tried, which doesn't, and `failing` are those below it that
    don't either.
    """
    limit = sweep.limit
    whole = {
        "format": "gradbook sweep",
        "version": VERSION,
        "network": str(sweep.net),
        "made_up": sweep.net.made_up(),
        "epochs": sweep.epochs,
        "rates": list(map(_outcome, sweep.outcomes)),
        "largest": {
            "rate": limit.rate,
            "reliable": limit.reliable,
            "beyond": limit.beyond,
            "failing": limit.failing,
            "tried": limit.tried,
            "words": sweep.finding,
        },
    }
    return json.dumps(whole, ensure_ascii=False, allow_nan=False) + "\n"


def _outcome(outcome: RateOutcome) -> dict[str, Any]:
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
    """A row for each epoch and a column for each rate; empty where the loss is NaN or infinite."""
    columns = zip(*(outcome.losses.tolist() for outcome in sweep.outcomes), strict=True)
    heading = ["epoch", *(f"rate {shortest(rate)}" for rate in sweep.rates)]
    rows = ([epoch, *map(_number, losses)] for epoch, losses in enumerate(columns, 1))
    return csv_lines([heading, *rows])
