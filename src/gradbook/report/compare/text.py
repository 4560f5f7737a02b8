"""Runs side by side for a terminal and for programs: a table, differences, curves, CSV, JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from gradbook.amounts import duration, percent
from gradbook.lab.runs import Compared, Misread, differences
from gradbook.report.charts import chart_lines
from gradbook.report.run.charts import of_several
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


def table(runs: Sequence[Compared]) -> TextTable:
    """A row for each run; the spread where any has several seeds."""
    several = any(len(run.seeds) > 1 for run in runs)
    columns = (column for column in COLUMNS if several or column.key not in OF_SEVERAL)
    return TextTable.of(columns, map(record, runs))


def lines(
    runs: Sequence[Compared], misread: Misread | None, width: int, *, ascii_only: bool = False
) -> Iterator[TextLine]:
    """All of it for a terminal that is so many characters wide."""
    shown, left_out = fit(table(runs), width)
    yield from shown.lines("-" if ascii_only else RULE)
    for remark in not_shown(left_out):
        yield from fold([Span(remark, "bright_black")], width)
    yield from _differences(runs, width)
    yield from _misread(runs, misread)
    if all(run.history for run in runs):
        accuracy = of_several([(run.name, run.recipe, run.history) for run in runs])[1]
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
            yield from _said(f"{', '.join(whose)}: {words or '-'}", width)


def _said(words: str, width: int) -> Iterator[TextLine]:
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


def as_csv(runs: Sequence[Compared]) -> str:
    """A row for each run, plain numbers."""
    records = [record(run) for run in runs]
    keys = [key for key, value in records[0].items() if not isinstance(value, list | dict)]
    return csv_lines([keys, *([row[key] for key in keys] for row in records)])


def as_json(runs: Sequence[Compared], misread: Misread | None) -> str:
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
