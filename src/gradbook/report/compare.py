"""Runs side by side: for a terminal, for programs, as a page.

Knows several runs at once; it doesn't know how one was trained.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gradbook.amounts import counted, duration, percent, sureness
from gradbook.lab.runs import Compared, Misread, differences
from gradbook.palette import curve_colours
from gradbook.report import figures
from gradbook.report.charts import chart_lines
from gradbook.report.figures import swatch
from gradbook.report.images import card, cards, line
from gradbook.report.page import Section, columns_of_words, made_with, page, table, text, wide
from gradbook.report.run_report import style
from gradbook.report.training import runs_charts
from gradbook.report.words import (
    RULE,
    Span,
    TableColumn,
    TextLine,
    TextTable,
    csv_lines,
    fit,
    fold,
    not_shown,
)

VERSION = 1  # of the JSON
LEAST_HEIGHT = 10  # rows of a chart
LONGEST_WORDS = 3  # lines of what a recipe says


def _points(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.3f}"


COLUMNS = (  # a key is that of a run's record
    TableColumn("run", "run", words=True),
    TableColumn("recipe", "name", words=True, spare=3),
    TableColumn("parameters", "parameters"),
    TableColumn("epochs", "epochs", spare=1),
    TableColumn("validation", "validation_accuracy", spell=percent, spare=2),
    TableColumn("test", "test_accuracy", spell=percent),
    TableColumn("±", "test_deviation", spell=_points),
    TableColumn("lowest", "test_lowest", spell=percent),
    TableColumn("seeds", "seeds", spell=lambda seeds: str(len(seeds)), spare=4),
    TableColumn("time", "seconds", spell=duration, spare=1),
)
OF_SEVERAL = ("test_deviation", "test_lowest", "seeds")


def runs_table(runs: Sequence[Compared]) -> TextTable:
    """A row for each run; the spread where any has several seeds."""
    several = any(len(run.seeds) > 1 for run in runs)
    columns = (column for column in COLUMNS if several or column.key not in OF_SEVERAL)
    return TextTable.of(columns, map(record, runs))


def compare_lines(
    runs: Sequence[Compared], misread: Misread | None, width: int, *, ascii_only: bool = False
) -> Iterator[TextLine]:
    """All of it for a terminal that is so many characters wide."""
    shown, left_out = fit(runs_table(runs), width)
    yield from shown.lines("-" if ascii_only else RULE)
    for remark in not_shown(left_out):
        yield from fold([Span(remark, "bright_black")], width)
    yield from _differences(runs, width)
    yield from _misread(runs, misread)
    if all(run.history for run in runs):
        accuracy = runs_charts([(run.name, run.recipe, run.history) for run in runs])[1]
        yield []
        yield from chart_lines(accuracy, width, LEAST_HEIGHT, ascii_only=ascii_only)


def _differences(runs: Sequence[Compared], width: int) -> Iterator[TextLine]:
    found = differences(runs)
    if len(runs) > 1:
        heading = "Where their recipes differ:" if found else "Their recipes are the same."
        yield from ([], [Span(heading, "bold" if found else "")])
    for word, said in found.items():
        yield [Span(f"  {word}", "cyan")]
        for words in dict.fromkeys(said):
            whose = [run.name for run, other in zip(runs, said, strict=True) if other == words]
            yield from _folded_words(f"{', '.join(whose)}: {words or '-'}", width)


def _folded_words(words: str, width: int) -> Iterator[TextLine]:
    """What some recipes say, cut where it takes too many lines."""
    lines = list(fold(words, width, 4, 6))
    if len(lines) > LONGEST_WORDS:
        end = "".join(span.text for span in lines[LONGEST_WORDS - 1])
        lines = [*lines[: LONGEST_WORDS - 1], [Span(end[: width - 4] + " ...")]]
    yield from lines


def _misread(runs: Sequence[Compared], misread: Misread | None) -> Iterator[TextLine]:
    if misread is None or len(runs) == 1:
        return
    every = "both" if len(runs) == 2 else "all"
    yield []
    yield [Span("Test images misread:", "bold")]
    yield [Span(f"  by {every}: {len(misread.by_all):,}")]
    for k, run in enumerate(runs):
        yield [Span(f"  only by {run.name}: {len(misread.only_by(k)):,}")]


# For programs.


def compare_csv(runs: Sequence[Compared]) -> str:
    """A row for each run, plain numbers."""
    records = [record(run) for run in runs]
    keys = [key for key, value in records[0].items() if not isinstance(value, list | dict)]
    return csv_lines([keys, *([row[key] for key in keys] for row in records)])


def compare_json(runs: Sequence[Compared], misread: Misread | None) -> str:
    """One object: {"version", "runs": [...], "differences": {line: [each run's]}, "misread"}."""
    found: Mapping[str, Any] = {
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
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


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


# A page -----------------------------------------------------------------------

MOST_NAMES = 4  # in a title
MOST_CARDS = 40  # of a group


def compare_page(
    runs: Sequence[Compared], misread: Misread | None = None, command: str = ""
) -> str:
    """The page; `misread` brings the images, and `command` is what makes it again."""
    sections = [Section("runs", "At a glance", _glance(runs))]
    if all(run.history for run in runs):
        charts = runs_charts([(run.name, run.recipe, run.history) for run in runs])
        sections.append(
            Section("training", "How they trained", figures.figure(charts, "How they trained"))
        )
    if len(runs) > 1:
        sections.append(Section("recipes", "How their recipes differ", _differences_part(runs)))
    if misread is not None and len(runs) > 1:
        sections.append(Section("misread", "Misread images", _misread_part(runs, misread)))
    data = " and ".join(dict.fromkeys(Path(run.recipe.data).name for run in runs))
    lead = f"{counted(len(runs), 'run')} on {data}, side by side."
    return page(
        " · ".join(run.name for run in runs) if len(runs) <= MOST_NAMES else "Runs compared",
        sections,
        lead=f'<p class="lead">{text(lead)}</p>',
        foot=made_with(command),
        style=style(),
        script=figures.figure_script(),
    )


def _glance(runs: Sequence[Compared]) -> str:
    """A row for each run, which begins with the colour of its curves."""
    shown, best = runs_table(runs), _best(runs)
    rows = []
    for cells, ink in zip(shown.texts, curve_colours(len(runs)), strict=True):
        first, *others = map(text, cells)
        rows.append([swatch(ink) + first, *others])
    head = [text(column.title) for column in shown.columns]
    kinds = ["best" if k == best else "" for k in range(len(runs))]
    return wide(table(head, rows, columns_of_words(shown), kind="runs", row_kinds=kinds))


def _best(runs: Sequence[Compared]) -> int | None:
    """Where there is one: figures of different data sets can't be compared."""
    if len(runs) == 1 or len({run.recipe.data for run in runs}) > 1:
        return None
    return max(range(len(runs)), key=lambda k: runs[k].test.mean)


def _differences_part(runs: Sequence[Compared]) -> str:
    found = differences(runs)
    if not found:
        return "<p>Their recipes are the same.</p>"
    head = ["", *(text(run.name) for run in runs)]
    rows = [
        [text(word), *(_recipe_words(word, words) for words in said)]
        for word, said in found.items()
    ]
    shown = table(head, rows, range(len(head)), kind="differences", headed=True)
    return f"<figure>{wide(shown)}</figure>"


def _recipe_words(word: str, words: str) -> str:
    """One recipe's side; layers one below the other."""
    if word == "layers":
        return "<br>".join(map(text, words.split("; ")))
    return text(words) or "–"


def _misread_part(runs: Sequence[Compared], misread: Misread) -> str:
    every = "both" if len(runs) == 2 else f"all {len(runs)}"
    groups = [(f"Only by {run.name}", misread.only_by(k)) for k, run in enumerate(runs)]
    parts: list[str] = []
    for heading, places in [*groups, (f"By {every}", misread.by_all)]:
        part = f", the first {MOST_CARDS}" if len(places) > MOST_CARDS else ""
        shown = cards(_card(runs, misread, int(place)) for place in places[:MOST_CARDS])
        parts.append(
            f"<h3>{text(heading)}: {counted(len(places), 'test image')}{part}</h3>\n"
            + (f"<figure>{shown}</figure>" if shown else "")
        )
    return "\n".join(parts)


def _card(runs: Sequence[Compared], misread: Misread, place: int) -> str:
    test, classes = misread.dataset.test_for_reporting, misread.dataset.classes
    shown = classes[int(test.labels[place])]
    lines = [line("is", shown), *_lines(runs, misread, place)]
    return card(test.pixels[place], place, shown, lines)


def _lines(runs: Sequence[Compared], misread: Misread, place: int) -> Iterator[str]:
    """What each run read, and how sure it was."""
    inks = curve_colours(len(runs))
    for run, ink, vote in zip(runs, inks, misread.majorities, strict=True):
        read = misread.dataset.classes[int(vote.read[place])]
        mark = f'<span title="{text(run.name)}">{swatch(ink)}</span> '
        yield line("read", read, sureness(float(vote.sure[place])), mark)
