"""A study's trials: as lines for a terminal and as a page. Knows their records, not the search."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from gradbook.amounts import counted, duration, percent, short
from gradbook.lab.study.run_study import best_trial
from gradbook.palette import curve_colours
from gradbook.report import figures
from gradbook.report.charts import TOWARDS, Chart, Curve
from gradbook.report.document import (
    Block,
    Chapter,
    Figure,
    Fold,
    Listing,
    PageOnly,
    Passage,
    Report,
    made_with,
)
from gradbook.report.figures import (
    Frame,
    Point,
    ScaledAxis,
    ValueAxis,
    points_svg,
)
from gradbook.report.styled_text import QUIET, Span, TableColumn, TextLine, TextTable, bar

# In a terminal ----------------------------------------------------------------

TrialRecord = Mapping[str, Any]  # of one trial, as in JSON
MOST_DRAWN, LONG = 44, 10_000  # characters of what was chosen: in a terminal, on a page
COLUMNS = (
    TableColumn("trial", "number", width=5),
    TableColumn("held back", "value", spell=percent, width=9),
    TableColumn("parameters", "network_parameters", width=10),
    TableColumn("time", "seconds", spell=duration, width=7),
    TableColumn("", "said", words=True),
)


def study_heading() -> list[TextLine]:
    return list(TextTable(COLUMNS).heading())


def trial_line(record: TrialRecord, is_best: bool = False) -> TextLine:
    """The line of a finished trial."""
    shown = {**record, "said": drawn_words(record)}
    if record["state"] != "done":
        shown["said"] = f"{record['state']}: {record['why']}"
    table = TextTable.of(COLUMNS, [shown])
    colour = "green" if is_best else QUIET if record["state"] != "done" else ""
    return table.line(table.texts[0], colour)


def drawn_words(record: TrialRecord, most: int = MOST_DRAWN) -> str:
    """warm 0.25, batch 64, conv 1 8"""
    values = []
    for name, value in record["parameters"].items():
        number = short(value, digits=4) if isinstance(value, float) else str(value)
        values.append(f"{name} {number or 'nothing'}")
    words = ", ".join(values)
    return words if len(words) <= most else words[: most - 1].rstrip(", ") + "…"


def study_summary(records: Sequence[TrialRecord], best: TrialRecord | None) -> TextLine:
    """One line: how many trials there were, and the best."""
    count = sum(record["state"] == "done" for record in records)
    others = len(records) - count
    summary = counted(count, "recipe") + " trained to the end"
    summary += f", {others} cut short or not allowed" if others else ""
    if best is None:
        return [Span(f"{summary}; none has a score")]
    score = f"; the best, trial {best['number']}: {percent(best['value'])} of what was held back"
    return [Span(summary), Span(score, "bold")]


# Charts -----------------------------------------------------------------------

INKS = ("#BE4C01", "#C27A09", "#879606", "#01A578", "#077DB3")  # from the worst fifth to the best
MOST_TOLD = 1_000  # best trials that are on the page
SMALL = Frame(width=270.0, height=220.0, left=52.0, right=10.0, top=30.0, bottom=44.0)


def anchor(record: TrialRecord) -> str:
    return f"trial-{record['number']}"


def trial_words(record: TrialRecord) -> str:
    reached = percent(record["value"]) or record["state"]
    return f"trial {record['number']}: {reached} ({drawn_words(record, LONG)})"


def best_first(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Those without a score come last."""
    return sorted(records, key=lambda r: (r["value"] is None, -(r["value"] or 0.0), r["number"]))


class RankedTrials:
    """The best trials, in their order, coloured by fifths of their ranking."""

    def __init__(self, records: Sequence[TrialRecord]) -> None:
        order = [
            record for record in best_first(records)[:MOST_TOLD] if record["value"] is not None
        ]
        worst = len(order) - 1
        self.inks = {
            r["number"]: INKS[len(INKS) * (worst - k) // len(order)] for k, r in enumerate(order)
        }
        self.records = sorted(order, key=lambda record: record["number"])

    def point(self, record: TrialRecord, x: float) -> Point:
        ink = self.inks[record["number"]]
        return Point(x, record["value"], trial_words(record), ink, anchor(record))


def history(ranked: RankedTrials) -> str:
    """The score of each trial, and the best so far."""
    best: list[tuple[float, float]] = []
    for record in ranked.records:
        if not best or record["value"] > best[-1][1]:
            best.append((record["number"], record["value"]))
    numbers = [record["number"] for record in ranked.records]
    best.append((numbers[-1], best[-1][1]))
    across = ValueAxis("trial", min(numbers), max(numbers))
    shown = [ranked.point(record, record["number"]) for record in ranked.records]
    return scores_svg(
        "Held-back accuracy, and the best so far", across, shown, path=best, steps=True
    )


def scores_svg(title: str, across: ValueAxis, points: Sequence[Point], **how: Any) -> str:
    """Points as high as their scores."""
    scores = ScaledAxis(TOWARDS, [point.y for point in points])
    return points_svg(title, across, scores, points, **how)


def front(ranked: RankedTrials) -> str:
    """Accuracy over cost; a line joins the trials on the front."""
    costs = [record["network_parameters"] for record in ranked.records]
    across = ValueAxis("parameters", min(costs), max(costs), log=max(costs) > 8 * min(costs) > 0)
    shown = [ranked.point(*pair) for pair in zip(ranked.records, costs, strict=True)]
    ends: list[tuple[float, float]] = []
    for point in sorted(shown, key=lambda point: (point.x, -point.y)):
        if not ends or point.y > ends[-1][1]:
            ends.append((point.x, point.y))
    return scores_svg("Accuracy over parameters: the front", across, shown, path=ends, steps=True)


def slices(ranked: RankedTrials) -> Iterator[str]:
    """The score over each setting that varied."""
    for name in ranked.records[0]["parameters"]:
        across = _axis(name, ranked.records)
        shown = [ranked.point(record, _place(across, record, name)) for record in ranked.records]
        yield scores_svg(name, across, shown, frame=SMALL)


def _axis(name: str, records: Sequence[TrialRecord]) -> ValueAxis:
    values = [record["parameters"][name] for record in records]
    if any(isinstance(value, str) for value in values):
        return ValueAxis(name, 0, 0, names=tuple(sorted(set(map(str, values)), key=_by_number)))
    low, high = float(min(values)), float(max(values))
    return ValueAxis(name, low, high, log=low > 0 and high > 8 * low)


def _by_number(word: str) -> tuple[int, float, str]:
    try:
        return 0, float(word), word
    except ValueError:
        return 1, 0.0, word


def _place(across: ValueAxis, record: TrialRecord, name: str) -> float:
    value = record["parameters"][name]
    return float(across.names.index(str(value))) if across.names else float(value)


# The page ---------------------------------------------------------------------

TRIAL_FRAME = figures.Frame(width=420.0, height=220.0, left=62.0, right=20.0, top=34.0, bottom=46.0)


def study_report(
    name: str,
    records: Sequence[TrialRecord],
    importance: Mapping[str, float],
    command: str = "",
) -> Report:
    """The report of a study as far as it has run."""
    ranked, best = RankedTrials(records), best_first(records)[:MOST_TOLD]
    more = len(records) - len(best)
    left = [Passage(f"{more:,} more are in trials.csv.")] if more else []
    chapters = [Chapter("result", "What it found", _result(records))]
    if ranked.records:
        drawn = [history(ranked), front(ranked)]
        chapters.append(Chapter("history", "How it went", _drawn(drawn)))
        chapters.append(Chapter("importance", "What mattered", _importance(importance)))
        slice_drawings = _drawn(slices(ranked), "small")
        chapters.append(Chapter("slices", "Each setting that varied", slice_drawings))
    spent = duration(sum(record["seconds"] for record in records))
    lead = f"{counted(len(records), 'recipe')} drawn, {spent} of training."
    if more:
        lead += f" The charts show the best {MOST_TOLD:,}."
    return Report(
        f"Study {name}",
        [*chapters, Chapter("trials", "Every trial", [*map(_trial, best), *left])],
        lead=[Passage(lead, "lead")],
        foot=made_with(command),
        styles=["study.css"],
    )


def _result(records: Sequence[TrialRecord]) -> list[Block]:
    best = best_trial(records)
    headline = Passage("No recipe finished training.")
    if best is not None:
        result = (
            Span(percent(best["value"]), tag="b"),
            Span(" of the images held back, by "),
            Span(f"trial {best['number']}", link=anchor(best)),
            Span(f" with {best['network_parameters']:,} parameters"),
        )
        headline = Passage(result, "headline")
    chosen = Passage("Recipes were chosen by validation images alone; no test image was used.")
    return [headline, chosen]


def _drawn(drawn: Iterable[str], kind: str = "") -> list[Block]:
    each = [PageOnly(partial(str, picture), is_chart=True) for picture in drawn]
    return [Figure(each, f"study-charts {kind}".strip())]


def _importance(importance: Mapping[str, float]) -> list[Block]:
    if not importance:
        return [Passage("There are too few trials, or they differ too much, to say.")]
    rows = (
        (name, f"{100 * share:.0f} %", (bar(share, "importance"),))
        for name, share in sorted(importance.items(), key=lambda pair: -pair[1])
    )
    columns = (
        TableColumn("", words=True),
        TableColumn("share"),
        TableColumn("", words=True, is_drawn=True),
    )
    words = (
        "How much each setting contributes to being among the best tenth, by Optuna's PED-ANOVA."
    )
    return [Passage(words), TextTable(columns, tuple(rows), has_row_heads=True)]


def _trial(record: TrialRecord) -> Fold:
    """A trial's line, which unfolds to its details."""
    cost = record["network_parameters"]
    result = percent(record["value"]) if record["value"] is not None else record["state"]
    summary = (
        Span(f"trial {record['number']}", tag="b"),
        *(Span(it, tag="span") for it in (result, f"{cost:,} parameters" * (cost is not None))),
        Span(drawn_words(record), tag="small"),
    )
    blocks: list[Block] = [Passage(drawn_words(record, LONG))]
    if record["why"]:
        blocks.append(Passage(record["why"]))
    if record["accuracies"]:
        blocks.append(Figure([PageOnly(partial(_curve, record["accuracies"]), is_chart=True)]))
    return Fold(summary, [*blocks, Listing(record["recipe"])], anchor=anchor(record))


def _curve(accuracies: Sequence[float]) -> str:
    curve = Curve("held back", np.array(accuracies), curve_colours(1)[0])
    drawn = Chart("Held-back accuracy", (curve,), scale=TOWARDS, measure="accuracy", spell=percent)
    return figures.chart_svg(drawn, TRIAL_FRAME, alone=False, labelled=False)
