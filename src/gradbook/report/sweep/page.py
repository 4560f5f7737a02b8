"""A sweep as one page: the finding, curves that can be pointed at, verdicts and their meaning."""

from __future__ import annotations

from gradbook.amounts import counted, short, shortest
from gradbook.rates.criteria import MEANINGS
from gradbook.rates.sweep import DEFINITION, Sweep
from gradbook.report import figures
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
from gradbook.report.sweep.charts import charts, colours, picture, title


def sweep_page(sweep: Sweep, command: str = "") -> str:
    """The page; `command` is what makes it again."""
    return page(
        title(sweep),
        [
            Section("curves", "Curves", figures.figure(charts(sweep), "Losses", labelled=True)),
            Section("verdicts", "Verdicts", _verdicts(sweep)),
            Section("meanings", "What the verdicts mean", _meanings()),
            Section("how", "How it was measured", _how(sweep, command)),
        ],
        lead=_lead(sweep),
        style=figures.figure_style() + resource("sweep.css"),
        script=figures.figure_script(),
    )


def cell(sweep: Sweep) -> str:
    """A sweep as a notebook shows it: the curves, and below them what became of each rate."""
    head = ("rate", "loss at the end", "verdict", "why")
    rows = (
        (shortest(it.rate), short(it.end), text(it.verdict), text(it.reason))
        for it in sweep.outcomes
    )
    limit = f"<p>{text(sweep.finding)}</p>"
    lead = f"{_made_up(sweep)}{picture(sweep)}{limit}"
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
    inks = colours(sweep)
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
