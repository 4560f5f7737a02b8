"""A study's trials: as lines for a terminal and as a page. Knows their records, not the search."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from html import escape
from itertools import combinations
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
    Items,
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
    grid_line,
    points_svg,
    pt,
    svg_element,
    words_at,
)
from gradbook.report.page_shell import wide
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


def study_summary(
    records: Sequence[TrialRecord], best: TrialRecord | None, tests: Sequence[TrialRecord]
) -> TextLine:
    """One line: how many trials there were, and the best."""
    count = sum(record["state"] == "done" for record in records)
    others = len(records) - count
    summary = counted(count, "recipe") + " trained to the end"
    summary += f", {others} cut short or not allowed" if others else ""
    if best is None:
        return [Span(f"{summary}; none has a score")]
    score = f"; the best, trial {best['number']}: {percent(best['value'])} of what was held back"
    looked = f"; the test images were scored {counted(len(tests), 'time')}" if tests else ""
    return [Span(summary), Span(score, "bold"), Span(looked)]


# Charts -----------------------------------------------------------------------

INKS = ("#BE4C01", "#C27A09", "#879606", "#01A578", "#077DB3")  # from the worst fifth to the best
COST = "network_parameters"
MOST_TOLD = 1_000  # best trials whose curves and recipes are on the page
MOST_OTHERS = 1_000  # other trials that are drawn
MOST_PAIRED = 5  # settings that varied, shown in pairs
WIDE = Frame(width=860.0, height=300.0, left=58.0, right=58.0, top=40.0, bottom=30.0)
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
    """The trials that have a score, coloured by fifths of their ranking. Of very many, the best are
    drawn, and an even selection of the others."""

    def __init__(self, records: Sequence[TrialRecord]) -> None:
        self.records = [record for record in records if record["value"] is not None]
        order = best_first(self.records)
        worst = max(len(order) - 1, 0)
        count = max(len(order), 1)
        self.inks = {
            r["number"]: INKS[len(INKS) * (worst - k) // count] for k, r in enumerate(order)
        }
        best = [*order[:MOST_TOLD], *on_the_front(self.records)]
        self.told = {record["number"] for record in best}
        others = order[MOST_TOLD :: max(-(-(len(order) - MOST_TOLD) // MOST_OTHERS), 1)]
        drawn = {record["number"]: record for record in (*best, *others)}
        self.drawn = [drawn[number] for number in sorted(drawn)]

    def anchor(self, record: TrialRecord) -> str:
        """The anchor of its details, if the page has them."""
        return anchor(record) if record["number"] in self.told else ""

    def point(self, record: TrialRecord, x: float, y: float | None = None) -> Point:
        height = record["value"] if y is None else y
        ink = self.inks[record["number"]]
        return Point(x, height, trial_words(record), ink, self.anchor(record))


def history(ranked: RankedTrials) -> str:
    """The score of each trial, and the best so far."""
    best: list[tuple[float, float]] = []
    for record in ranked.records:
        if not best or record["value"] > best[-1][1]:
            best.append((record["number"], record["value"]))
    numbers = [record["number"] for record in ranked.records]
    best.append((numbers[-1], best[-1][1]))
    across = ValueAxis("trial", min(numbers), max(numbers))
    shown = [ranked.point(record, record["number"]) for record in ranked.drawn]
    return scores_svg(
        "Held-back accuracy, and the best so far", across, shown, path=best, steps=True
    )


def scores_svg(title: str, across: ValueAxis, points: Sequence[Point], **how: Any) -> str:
    """Points as high as their scores."""
    scores = ScaledAxis(TOWARDS, [point.y for point in points])
    return points_svg(title, across, scores, points, **how)


def front(ranked: RankedTrials, key: str = COST, words: str = "parameters") -> str:
    """Accuracy over cost; a line joins the trials on the front."""
    ends = [(record[key], record["value"]) for record in on_the_front(ranked.records, key)]
    costs = [record[key] for record in ranked.records]
    across = ValueAxis(words, min(costs), max(costs), log=max(costs) > 8 * min(costs) > 0)
    shown = [ranked.point(record, record[key]) for record in ranked.drawn]
    return scores_svg(f"Accuracy over {words}: the front", across, shown, path=ends, steps=True)


def on_the_front(records: Sequence[TrialRecord], key: str = COST) -> list[TrialRecord]:
    """The trials that are better than every cheaper one, from the cheapest on."""
    front: list[TrialRecord] = []
    for record in sorted(records, key=lambda r: (r[key], -r["value"])):
        if not front or record["value"] > front[-1]["value"]:
            front.append(record)
    return front


def names_of(records: Sequence[TrialRecord]) -> list[str]:
    return list(dict.fromkeys(name for record in records for name in record["parameters"]))


def slices(ranked: RankedTrials) -> Iterator[str]:
    """The score over each setting that varied."""
    for name in names_of(ranked.drawn):
        records = [record for record in ranked.drawn if name in record["parameters"]]
        across = _axis(name, records)
        shown = [ranked.point(record, _place(across, record, name)) for record in records]
        yield scores_svg(name, across, shown, frame=SMALL)


def pairs(ranked: RankedTrials, names: Sequence[str]) -> Iterator[str]:
    """Pairs of the most important settings, to show where good trials lie."""
    for across_name, up_name in combinations(names[:MOST_PAIRED], 2):
        records = [r for r in ranked.drawn if {across_name, up_name} <= r["parameters"].keys()]
        if not records:
            continue
        across, up = _axis(across_name, records), _axis(up_name, records)
        shown = [
            ranked.point(r, _place(across, r, across_name), _place(up, r, up_name)) for r in records
        ]
        yield points_svg(f"{up_name} over {across_name}", across, up, shown, frame=SMALL)


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


def parallel(ranked: RankedTrials) -> str:
    """One line per trial, through its chosen values to its score."""
    names = names_of(ranked.drawn)
    axes = [_axis(name, [r for r in ranked.drawn if name in r["parameters"]]) for name in names]
    scores = [record["value"] for record in ranked.drawn]
    last = ValueAxis("score", min(scores), max(scores))
    columns = [WIDE.x(k / max(len(names), 1)) for k in range(len(names) + 1)]
    parts: list[str] = []
    for x, axis in zip(columns, [*axes, last], strict=True):
        parts.append(grid_line(x, WIDE.y(1), x, WIDE.y(0)))
        parts.append(words_at(x, 16, axis.words, anchor="middle", kind="quiet axis"))
        for value, said in axis.ticks:
            shown = percent(value) if axis is last else said
            parts.append(words_at(x + 5, WIDE.y(axis.share(value)) + 4, shown))
    for record in sorted(ranked.drawn, key=lambda r: r["value"]):
        heights = [
            (x, axis.share(_place(axis, record, name)))
            for x, axis, name in zip(columns, axes, names, strict=False)
            if name in record["parameters"]
        ]
        heights.append((columns[-1], last.share(record["value"])))
        path = "L".join(f"{pt(x)} {pt(WIDE.y(y))}" for x, y in heights)
        drawn = (
            f'<path d="M{path}" fill="none" '
            f'stroke="{ranked.inks[record["number"]]}" stroke-width="1.3" stroke-opacity="0.7">'
            f"<title>{escape(trial_words(record))}</title></path>"
        )
        place = ranked.anchor(record)
        parts.append(f'<a href="#{place}" tabindex="-1">{drawn}</a>' if place else drawn)
    words = f"The values chosen in each of {len(scores)} trials, and its score"
    return svg_element(WIDE, words, parts, alone=False, role="group")


# The page ---------------------------------------------------------------------

TRIAL_FRAME = figures.Frame(width=420.0, height=220.0, left=62.0, right=20.0, top=34.0, bottom=46.0)


def study_report(
    name: str,
    records: Sequence[TrialRecord],
    importance: Mapping[str, float],
    tests: Sequence[TrialRecord],
    command: str = "",
) -> Report:
    """The report of a study as far as it has run."""
    ranked, order = RankedTrials(records), best_first(records)
    told = [r for k, r in enumerate(order) if k < MOST_TOLD or r["number"] in ranked.told]
    more = len(records) - len(told)
    left = [Passage(f"{more:,} more are in trials.csv.")] if more > 0 else []
    chapters = [Chapter("result", "What it found", _result(records, tests))]
    if ranked.records:
        drawn = [history(ranked), front(ranked)]
        chapters.append(Chapter("history", "How it went", _drawn(drawn)))
        chapters.append(Chapter("importance", "What mattered", _importance(importance)))
        slice_drawings = _drawn(slices(ranked), "small")
        chapters.append(Chapter("slices", "Each setting that varied", slice_drawings))
        by_weight = sorted(names_of(ranked.drawn), key=lambda n: -importance.get(n, 0.0))
        two = list(pairs(ranked, by_weight))
        if two:
            chapters.append(Chapter("pairs", "Settings in pairs", _drawn(two, "small")))
        together = PageOnly(lambda: wide(parallel(ranked)), is_chart=True)
        chapters.append(Chapter("parallel", "All settings at once", [together]))
    spent = duration(sum(record["seconds"] for record in records))
    lead = f"{counted(len(records), 'recipe')} drawn, {spent} of training."
    if len(ranked.drawn) < len(ranked.records):
        others = len(ranked.drawn) - MOST_TOLD
        lead += f" The charts show the best {MOST_TOLD:,} and {others:,} of the others."
    return Report(
        f"Study {name}",
        [*chapters, Chapter("trials", "Every trial", [*map(_trial, told), *left])],
        lead=[Passage(lead, "lead")],
        foot=made_with(command),
        styles=["study.css"],
    )


def _result(records: Sequence[TrialRecord], tests: Sequence[TrialRecord]) -> list[Block]:
    looked = "; the test images were never scored."
    if tests:
        looked = f". The test images were scored {counted(len(tests), 'time')}."
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
    chosen = Passage(f"Recipes were chosen by validation images alone{looked}")
    scores = [
        f"trial {it['trial']}: {percent(it['mean'])} ± {100 * it['deviation']:.3f} of the test "
        f"images, {counted(it['seeds'], 'seed')}"
        for it in tests
    ]
    return [headline, chosen, *([Items(scores)] if tests else [])]


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
        "How much each setting contributes to being among the best tenth, by Optuna's PED-ANOVA; "
        "only settings that occur in every trial are listed."
    )
    return [Passage(words), TextTable(columns, tuple(rows), has_row_heads=True)]


def _trial(record: TrialRecord) -> Fold:
    """A trial's line, which unfolds to its details."""
    cost = record["network_parameters"]
    told = percent(record["value"]) if record["value"] is not None else record["state"]
    summary = (
        Span(f"trial {record['number']}", tag="b"),
        *(Span(it, tag="span") for it in (told, f"{cost:,} parameters" * (cost is not None))),
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
