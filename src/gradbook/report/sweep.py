"""A sweep over learning rates: as charts, for a terminal, for programs, as a page, in a notebook.

Knows verdicts and losses; it doesn't know how a verdict is reached.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import isfinite
from typing import Any

from gradbook.amounts import counted, short, shortest
from gradbook.net.description import split
from gradbook.palette import curve_colours
from gradbook.rates.criteria import MEANINGS, Verdict
from gradbook.rates.sweep import DEFINITION, Sweep
from gradbook.rates.verdict import RateOutcome
from gradbook.report import figures
from gradbook.report.charts import Chart, Curve, chart_lines
from gradbook.report.page import (
    IN_A_NOTEBOOK,
    Section,
    badge,
    made_with,
    page,
    resource,
    table,
    text,
    wide,
)
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

LONGEST_LABEL = 8


def sweep_charts(sweep: Sweep) -> list[Chart]:
    """One chart or two; the rates go from gentle to violent in both."""
    inks = _colours(sweep)
    groups = zip(("gentle", "violent"), split(sweep.rates), strict=True)
    return [
        Chart(
            f"Loss at the {word} rates",
            tuple(Curve(_label(rate), sweep[rate].losses, inks[rate]) for rate in rates),
            labels="rate",
        )
        for word, rates in groups
        if rates
    ]


def _colours(sweep: Sweep) -> dict[float, str]:
    """Each rate's own."""
    return dict(zip(sweep.rates, curve_colours(len(sweep.rates)), strict=True))


def _label(rate: float) -> str:
    """The rate, in fewer digits where all of them would be long."""
    exact = shortest(rate)
    return exact if len(exact) <= LONGEST_LABEL else f"{rate:.5g}"


def _title(sweep: Sweep) -> str:
    return f"What the learning rate does: {sweep.net.name or 'a network'}"


def sweep_svg(sweep: Sweep) -> str:
    """The charts under each other as one SVG."""
    heading = f"{_title(sweep)}, {counted(sweep.epochs, 'epoch')}"
    return figures.stack_charts(sweep_charts(sweep), heading, sweep.finding)


# In a terminal and for programs -----------------------------------------------

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


def sweep_lines(sweep: Sweep, width: int, *, ascii_only: bool = False) -> Iterator[TextLine]:
    """The whole report in so many columns."""
    for line in _report(sweep, width):
        signs = ASCII if ascii_only else {}
        yield [Span(span.text.translate(signs), span.colour) for span in line]
    for chart in sweep_charts(sweep):
        yield []
        yield from chart_lines(chart, width, CHART_ROWS, ascii_only=ascii_only)


def sweep_text(sweep: Sweep) -> str:
    """The report without colours, for who only prints."""
    return plain(list(sweep_lines(sweep, TEXT_WIDTH))).rstrip()


def _report(sweep: Sweep, width: int) -> Iterator[TextLine]:
    yield [Span(_title(sweep), "bold")]
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


def sweep_json(sweep: Sweep) -> str:
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


def sweep_csv(sweep: Sweep) -> str:
    """A row for each epoch and a column for each rate; empty where the loss is NaN or infinite."""
    columns = zip(*(outcome.losses.tolist() for outcome in sweep.outcomes), strict=True)
    heading = ["epoch", *(f"rate {shortest(rate)}" for rate in sweep.rates)]
    rows = ([epoch, *map(_number, losses)] for epoch, losses in enumerate(columns, 1))
    return csv_lines([heading, *rows])


# A page -----------------------------------------------------------------------


def sweep_page(sweep: Sweep, command: str = "") -> str:
    """The page; `command` is what makes it again."""
    return page(
        _title(sweep),
        [
            Section(
                "curves", "Curves", figures.figure(sweep_charts(sweep), "Losses", labelled=True)
            ),
            Section("verdicts", "Verdicts", _verdicts(sweep)),
            Section("meanings", "What the verdicts mean", _meanings()),
            Section("how", "How it was measured", _how(sweep, command)),
        ],
        lead=_lead(sweep),
        style=figures.figure_style() + resource("sweep.css"),
        script=figures.figure_script(),
    )


def sweep_cell(sweep: Sweep) -> str:
    """A sweep as a notebook shows it: the curves, and below them what became of each rate."""
    head = ("rate", "loss at the end", "verdict", "why")
    rows = (
        (shortest(it.rate), short(it.end), text(it.verdict), text(it.reason))
        for it in sweep.outcomes
    )
    limit = f"<p>{text(sweep.finding)}</p>"
    lead = f"{_made_up(sweep)}{sweep_svg(sweep)}{limit}"
    return f"{lead}{table(head, rows, words=(2, 3), left=IN_A_NOTEBOOK)}"


def _lead(sweep: Sweep) -> str:
    rates = counted(len(sweep.outcomes), "learning rate")
    return (
        f'<p class="lead">One network, trained from the same start at {rates}, '
        f"{counted(sweep.epochs, 'epoch')} each.</p>\n"
        f'<p class="finding">{text(sweep.finding)}</p>\n{_made_up(sweep)}'
    )


def _made_up(sweep: Sweep) -> str:
    return "" if sweep.net.has_samples else f'<p class="made-up">{text(sweep.net.made_up())}</p>\n'


def _verdicts(sweep: Sweep) -> str:
    inks = _colours(sweep)
    rows = (
        (
            f"{figures.swatch(inks[it.rate])} {shortest(it.rate)}",
            *(short(it.end), short(it.lowest), "yes" if it.trains else "no"),
            f"{badge(it.verdict)} {text(it.reason)}",
        )
        for it in sweep.outcomes
    )
    head = ("rate", "at the end", "lowest", "trains", "verdict and why")
    return wide(table(head, rows, words=(4,), kind="verdicts", headed=True))


def _meanings() -> str:
    items = "\n".join(
        f"<dt>{badge(verdict)}</dt><dd>{text(words)}</dd>" for verdict, words in MEANINGS.items()
    )
    return f'<dl class="meanings">\n{items}\n</dl>'


def _how(sweep: Sweep, command: str) -> str:
    search = (
        f"<p>{text(DEFINITION)} To find up to which rate that is so, rates on a fixed logarithmic "
        "grid were tried: powers of ten from 1 on, then by halving to two neighbours of which one "
        "trains, then its neighbours and rates farther away, up to double and down to half. "
        f"{counted(sweep.limit.tried, 'rate')} were tried, the same ones in every sweep of this "
        "network over so many epochs.</p>"
    )
    losses = (
        "<p>Everything was computed in double precision. An epoch’s loss is the one before its "
        "update, so epoch 1 shows the start, and the last loss follows "
        f"{counted(sweep.epochs - 1, 'update')}. “On the way down” counts from the start, 0 %, to "
        "perfect outputs, 100 %, or to the loss at which the best of these rates settled.</p>"
    )
    network = f"<p>The network:</p>\n<pre><code>{text(str(sweep.net))}</code></pre>"
    return f"{search}\n{losses}\n{made_with(command)}\n{network}"
