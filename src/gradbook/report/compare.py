"""Several runs compared, for a terminal, for programs and as a page.

Knows the results of runs, not how they were trained.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from gradbook.amounts import counted, duration, percent, sureness
from gradbook.lab.models.answers import Places
from gradbook.lab.runs import Compared, Misread, differences
from gradbook.palette import curve_colours
from gradbook.report.document import (
    Block,
    Card,
    Chapter,
    Charts,
    Figure,
    Gallery,
    Passage,
    Report,
    Subheading,
    made_with,
)
from gradbook.report.markup import CHART_STYLE
from gradbook.report.mistakes import card, named
from gradbook.report.styled_text import Span, TableColumn, TextTable, swatch
from gradbook.report.training_report import STYLES
from gradbook.report.training_text import runs_charts

VERSION = 1  # of the JSON
LEAST_HEIGHT = 10  # rows of a chart
MOST_NAMES = 4  # in a title
MOST_CARDS = 40  # of a group
SAME = "Their recipes are identical."
TRAINED = "How they trained"
LONGEST_WORDS = 3  # lines of a recipe's values


COLUMNS = (  # the keys are those of `record`
    TableColumn("run", "run", words=True),
    TableColumn("recipe", "name", words=True, spare=3),
    TableColumn("parameters", "parameters"),
    TableColumn("epochs", "epochs", spare=1),
    TableColumn("validation", "validation_accuracy", spell=percent, spare=2),
    TableColumn("test", "test_accuracy", spell=percent),
    TableColumn("±", "test_deviation", spell=lambda it: "" if it is None else f"{100 * it:.3f}"),
    TableColumn("lowest", "test_lowest", spell=percent),
    TableColumn("seeds", "seeds", spell=lambda seeds: str(len(seeds)), spare=4),
    TableColumn("time", "seconds", spell=duration, spare=1),
)
OF_SEVERAL = ("test_deviation", "test_lowest", "seeds")


def compare_report(
    runs: Sequence[Compared], misread: Misread | None = None, command: str = ""
) -> Report:
    """The whole report; `misread` has the images, and `command` makes the page again."""
    data = " and ".join(dict.fromkeys(Path(run.recipe.data).name for run in runs))
    chapters = [Chapter("runs", "At a glance", [_glance(runs)])]
    brief = [_glance(runs), *_differences_in_short(runs)]
    trained: list[Block] = []
    if all(run.history for run in runs):
        charts = runs_charts([(run.name, run.recipe, run.history) for run in runs])
        chapters.append(Chapter("training", TRAINED, [Charts(charts, TRAINED)]))
        trained = [Charts([charts[1]], TRAINED, rows=LEAST_HEIGHT)]  # the accuracy
    if len(runs) > 1:
        chapters.append(Chapter("recipes", "How their recipes differ", [_differences(runs)]))
    if len(runs) > 1 and misread is not None:
        every = "both" if len(runs) == 2 else "all"
        groups = [(f"only by {run.name}", misread.only_by(k)) for k, run in enumerate(runs)]
        brief += [
            Subheading("Test images misread:"),
            Passage(f"by {every}: {len(misread.by_all):,}", indent=2),
            *(Passage(f"{whose}: {len(places):,}", indent=2) for whose, places in groups),
        ]
        images = _misread_images(runs, misread, [*groups, (f"by {every}", misread.by_all)])
        chapters.append(Chapter("misread", "Misread images", list(images)))
    records = [record(run) for run in runs]
    keys = [key for key, value in records[0].items() if not isinstance(value, list | dict)]
    return Report(
        " · ".join(run.name for run in runs) if len(runs) <= MOST_NAMES else "Runs compared",
        chapters,
        lead=[Passage(f"{counted(len(runs), 'run')} on {data}, side by side.", "lead")],
        foot=made_with(command),
        brief=[*brief, *trained],
        rows=TextTable.of([TableColumn("", key) for key in keys], records),
        record=_record(runs, misread),
        styles=[CHART_STYLE, *STYLES],
    )


def _glance(runs: Sequence[Compared]) -> Block:
    """One row per run, beginning with the colour of its curves; with the spread if any run has
    several seeds. The best is highlighted if all runs have the same data."""
    several = any(len(run.seeds) > 1 for run in runs)
    columns = (column for column in COLUMNS if several or column.key not in OF_SEVERAL)
    table = TextTable.of(columns, map(record, runs))
    is_contest = len(runs) > 1 and len({run.recipe.data for run in runs}) == 1
    best = max(runs, key=lambda run: run.test.mean) if is_contest else None
    kinds = tuple("best" if run is best else "" for run in runs)
    inks = curve_colours(len(runs))
    rows = tuple(
        ((swatch(ink), Span(run.name)), *row[1:])
        for run, ink, row in zip(runs, inks, table.rows, strict=True)
    )
    return replace(table, rows=rows, kind="runs", row_kinds=kinds)


def _differences_in_short(runs: Sequence[Compared]) -> Iterator[Block]:
    """Each line in which the recipes differ, with the runs that have each version."""
    by_word = differences(runs)
    if by_word:
        yield Subheading("Where their recipes differ:")
    elif len(runs) > 1:
        yield Passage(SAME)
    for word, values in by_word.items():
        yield Passage((Span(word, "cyan"),), indent=2)
        for words in dict.fromkeys(values):
            whose = [run.name for run, other in zip(runs, values, strict=True) if other == words]
            of_these = f"{', '.join(whose)}: {words or '-'}"
            yield Passage(of_these, indent=4, hang=6, most=LONGEST_WORDS)


def _differences(runs: Sequence[Compared]) -> Block:
    """The same as a table, with one line per layer."""
    by_word = differences(runs)
    if not by_word:
        return Passage(SAME)
    columns = (TableColumn(title, words=True) for title in ("", *(run.name for run in runs)))
    rows = []
    for word, values in by_word.items():
        words = [it.replace("; ", "\n") for it in values] if word == "layers" else values
        rows.append((word, *(it or "–" for it in words)))
    table = TextTable(tuple(columns), tuple(rows), kind="differences", has_row_heads=True)
    return Figure([table])


# For programs -----------------------------------------------------------------


def _record(runs: Sequence[Compared], misread: Misread | None) -> dict[str, Any]:
    return {
        "version": VERSION,
        "runs": [
            {**record(run), "recipe": str(run.recipe), "history": list(map(asdict, run.history))}
            for run in runs
        ],
        "differences": differences(runs),
        "misread": misread
        and {
            "by_all": misread.by_all.tolist(),
            "only_by": {run.name: misread.only_by(k).tolist() for k, run in enumerate(runs)},
        },
    }


def record(run: Compared) -> dict[str, Any]:
    """A run's figures."""
    several = len(run.seeds) > 1
    return {
        "run": run.name,
        "name": run.recipe.title,
        "data": run.recipe.data,
        "parameters": run.parameters,
        "epochs": run.recipe.epochs,
        "batch": run.recipe.batch,
        "seconds": run.seconds,
        "validation_accuracy": run.validation,
        "test_accuracy": run.test.mean,
        "test_deviation": run.test.deviation if several else None,
        "test_lowest": run.test.lowest if several else None,
        "seeds": list(run.seeds),
        "test_accuracies": list(run.test.values),
    }


# Images -----------------------------------------------------------------------


def _misread_images(
    runs: Sequence[Compared], misread: Misread, groups: Sequence[tuple[str, Places]]
) -> Iterator[Block]:
    for whose, places in groups:
        part = f", the first {MOST_CARDS}" if len(places) > MOST_CARDS else ""
        heading = whose[:1].upper() + whose[1:]
        yield Subheading(f"{heading}: {counted(len(places), 'test image')}{part}")
        yield Gallery([_card(runs, misread, int(place)) for place in places[:MOST_CARDS]])


def _card(runs: Sequence[Compared], misread: Misread, place: int) -> Card:
    """An image with its class, what each run read, and how sure it was."""
    test, classes = misread.dataset.test_for_reporting, misread.dataset.classes
    shown, inks = classes[int(test.labels[place])], curve_colours(len(runs))
    lines = [(named("is", shown), list[Span]())]
    for run, ink, vote in zip(runs, inks, misread.majorities, strict=True):
        read = named("read", classes[int(vote.read[place])])
        sure = [Span(sureness(float(vote.sure[place])))]
        lines.append(([swatch(ink, run.name), *read], sure))
    return card(test, place, shown, lines)
