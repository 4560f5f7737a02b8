"""A sweep over learning rates: as charts, for a terminal, for programs, as a page, in a notebook.

Knows verdicts and losses; it doesn't know how a verdict is reached.
"""

from __future__ import annotations

from itertools import count
from typing import Any

from gradbook.amounts import short, shortest
from gradbook.language import in_language, mark, numeral, tr, tr_count
from gradbook.net.description import split
from gradbook.net.formulas import Formulas
from gradbook.palette import curve_colours
from gradbook.rates.criteria import MEANINGS, Verdict
from gradbook.rates.sweep import DEFINITION, Sweep, epochs_in_words
from gradbook.report import figures
from gradbook.report.charts import Chart, Curve
from gradbook.report.document import (
    Blocks,
    Chapter,
    Charts,
    Listing,
    Meanings,
    PageOnly,
    Passage,
    Report,
    made_with,
)
from gradbook.report.markup import report_cell
from gradbook.report.styled_text import Span, TableColumn, TextTable, swatch, verdict
from gradbook.report.terminal import report_text

LONGEST_LABEL = 8


def sweep_charts(sweep: Sweep) -> list[Chart]:
    """One chart or two, of low and of high rates."""
    inks = _colours(sweep)
    titles = mark("Loss at low rates"), mark("Loss at high rates")
    groups = zip(titles, split(sweep.rates), strict=True)
    return [
        Chart(
            tr(title),
            tuple(Curve(_label(rate), sweep[rate].losses, inks[rate]) for rate in rates),
            labels=tr("rate"),
        )
        for title, rates in groups
        if rates
    ]


def _colours(sweep: Sweep) -> dict[float, str]:
    """The colour of each rate."""
    return dict(zip(sweep.rates, curve_colours(len(sweep.rates)), strict=True))


def _label(rate: float) -> str:
    """The rate, rounded if all its digits would take too much space."""
    exact = shortest(rate)
    return numeral(exact if len(exact) <= LONGEST_LABEL else f"{rate:.5g}")


def _title(sweep: Sweep) -> str:
    if sweep.net.name:
        return tr("What the learning rate does: {network}", network=sweep.net.name)
    if isinstance(sweep.net, Formulas):
        return tr("What the learning rate does: formulas")
    return tr("What the learning rate does: a network")


def sweep_svg(sweep: Sweep) -> str:
    """The charts under each other as one SVG."""
    heading = tr("{title}, {epochs}", title=_title(sweep), epochs=epochs_in_words(sweep.epochs))
    return figures.stack_charts(sweep_charts(sweep), heading, sweep.finding)


# The report ---------------------------------------------------------------------

COLOURS = {  # others: yellow
    Verdict.GOOD: "green",
    Verdict.RECOVERS: "cyan",
    Verdict.DIVERGES: "red",
    Verdict.SATURATED: "magenta",
    Verdict.STUCK: "magenta",
}


def _coloured(which: Verdict) -> Span:
    return verdict(str(which), COLOURS.get(which, "yellow"))


def sweep_report(sweep: Sweep, command: str = "") -> Report:
    """The whole report; `command` makes the page again."""
    charts = Charts(sweep_charts(sweep), tr("Losses"), has_labels=True)
    made_up: Blocks = [] if sweep.net.has_samples else [Passage(sweep.net.made_up(), "made-up")]
    finding, verdicts = Passage((Span(sweep.finding, "bold"),), "finding"), _verdicts(sweep)
    meanings = [((_coloured(it),), tr(words)) for it, words in MEANINGS.items()]
    epochs = epochs_in_words(sweep.epochs)
    start = numeral(short(float(sweep.outcomes[0].losses[0])))
    lead = tr_count(
        "Trained from the same start at {number} learning rate, for {epochs} each.",
        "Trained from the same start at {number} learning rates, for {epochs} each.",
        len(sweep.outcomes),
        number=numeral(f"{len(sweep.outcomes):,}"),
        epochs=epochs,
    )
    begins = tr("{epochs} at each rate; the loss begins at {loss}", epochs=epochs, loss=start)
    brief: Blocks = [
        Passage((Span(_title(sweep), "bold"),)),
        Passage(begins),
        *made_up,
        verdicts,
        finding,
        Passage(tr(DEFINITION)),
        charts,
    ]
    rates = (TableColumn("", key=f"rate {shortest(rate)}") for rate in sweep.rates)
    losses = zip(count(1), *(it.losses.tolist() for it in sweep.outcomes), strict=False)
    return Report(
        _title(sweep),
        [
            Chapter("curves", tr("Curves"), [charts]),
            Chapter("verdicts", tr("Verdicts"), [verdicts]),
            Chapter("meanings", tr("What the verdicts mean"), [Meanings(meanings)]),
            Chapter("how", tr("How it was measured"), _how(sweep, command)),
        ],
        lead=[Passage(lead, "lead"), finding, *made_up],
        brief=brief,
        cell=[*made_up, PageOnly(lambda: sweep_svg(sweep)), Passage(sweep.finding), verdicts],
        rows=TextTable((TableColumn("", key="epoch"), *rates), tuple(losses)),
        record=_record(sweep),
        indent=None,
        styles=["sweep.css"],
    )


def sweep_text(sweep: Sweep) -> str:
    """The report as text without colours."""
    return report_text(sweep_report(sweep)).rstrip()


def sweep_cell(sweep: Sweep) -> str:
    """A sweep in a notebook: the curves, and below them the verdict on each rate."""
    return report_cell(sweep_report(sweep))


def _verdicts(sweep: Sweep) -> TextTable:
    inks = _colours(sweep)
    columns = (
        TableColumn(tr("rate"), "rate"),
        TableColumn(tr("at the end"), "end", spell=lambda loss: numeral(short(loss))),
        TableColumn(tr("lowest"), "lowest", spell=lambda loss: numeral(short(loss))),
        TableColumn(tr("trains"), "trains"),
    )
    rows = (
        (
            (swatch(inks[it.rate]), Span(numeral(shortest(it.rate)))),
            it.end,
            it.lowest,
            tr("yes") if it.trains else tr("no"),
        )
        for it in sweep.outcomes
    )
    notes = (
        [
            _coloured(it.verdict),
            Span(tr(": "), tag="joint"),
            Span(it.reason),
        ]
        for it in sweep.outcomes
    )
    return TextTable(
        columns,
        tuple(rows),
        notes=tuple(notes),
        note_title=tr("verdict and why"),
        kind="verdicts",
        has_row_heads=True,
    )


VERSION = 1  # of the JSON; it rises when a field is removed or changes its meaning


def _record(sweep: Sweep) -> dict[str, Any]:
    """One object; a loss that is NaN or infinite is null.

    {"format": "gradbook sweep", "version": 1, "network": text, "made_up": text, "epochs": count,
     "rates": [{"rate", "verdict", "reason", "trains", "end", "lowest", "losses"}, …],
     "largest": {"rate", "reliable", "beyond", "failing", "tried", "words"}}

    `made_up` is a remark if inputs and targets are made up, and otherwise empty. `losses` contains
    each epoch's loss before its update. `largest` is the search for the largest rate that still
    trains, the same whichever rates were asked for: every rate tried up to `reliable` trains,
    `beyond` is the next larger rate tried, which doesn't, and `failing` are lower rates that don't
    either.
    """
    fields = ("rate", "verdict", "reason", "trains", "end", "lowest")
    limit = ("rate", "reliable", "beyond", "failing", "tried")
    with in_language("en"):  # whatever the reader's language is
        return {
            "format": "gradbook sweep",
            "version": VERSION,
            "network": str(sweep.net),
            "made_up": sweep.net.made_up(),
            "epochs": sweep.epochs,
            "rates": [
                {**{key: getattr(it, key) for key in fields}, "losses": it.losses.tolist()}
                for it in sweep.outcomes
            ],
            "largest": {
                **{key: getattr(sweep.limit, key) for key in limit},
                "words": sweep.finding,
            },
        }


def _how(sweep: Sweep, command: str) -> Blocks:
    search = tr_count(
        "{definition} To find the highest such rate, rates on a fixed logarithmic grid were "
        "tried: powers of ten from 1 on, then by bisection down to two neighbours of which one "
        "trains, then its neighbours and rates farther away, from half to double. "
        "{number} rate was tried, the same in every sweep of this network over as many "
        "epochs.",
        "{definition} To find the highest such rate, rates on a fixed logarithmic grid were "
        "tried: powers of ten from 1 on, then by bisection down to two neighbours of which one "
        "trains, then its neighbours and rates farther away, from half to double. "
        "{number} rates were tried, the same in every sweep of this network over as many "
        "epochs.",
        sweep.limit.tried,
        definition=tr(DEFINITION),
        number=numeral(f"{sweep.limit.tried:,}"),
    )
    losses = tr_count(
        "Everything was computed in double precision. An epoch’s loss is the one before its "
        "update, so epoch 1 shows the start, and the last loss follows {number} update. The "
        "“possible reduction” runs from the loss at the start, 0 %, to that of perfect outputs, "
        "100 %, or to the loss at which the best of these rates settled.",
        "Everything was computed in double precision. An epoch’s loss is the one before its "
        "update, so epoch 1 shows the start, and the last loss follows {number} updates. The "
        "“possible reduction” runs from the loss at the start, 0 %, to that of perfect outputs, "
        "100 %, or to the loss at which the best of these rates settled.",
        sweep.epochs - 1,
        number=numeral(f"{sweep.epochs - 1:,}"),
    )
    heading = tr("The formulas:") if isinstance(sweep.net, Formulas) else tr("The network:")
    network: Blocks = [Passage(heading), Listing(str(sweep.net))]
    return [Passage(search), Passage(losses), *made_with(command), *network]
