"""Runs side by side for a terminal and for programs: a table, differences, curves, CSV, JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from textwrap import wrap
from typing import Any

from gradbook.lab.runs.comparison import Compared, Misread, differences
from gradbook.report.chart.characters import chart_lines
from gradbook.report.run.charts import of_several
from gradbook.report.run.epochs import duration, share
from gradbook.report.words.lines import Piece, TextLine
from gradbook.report.words.table import Column, Table, comma_separated, fitted, text

VERSION = 1  # of the JSON
LEAST_HEIGHT = 10  # rows of a chart
LONGEST_WORDS = 3  # lines of what a recipe says


def table(runs: Sequence[Compared]) -> Table:
    """A row for each run; the spread where any has several seeds."""
    several = any(len(run.seeds) > 1 for run in runs)
    columns = [
        Column("run", "run", words=True),
        Column("recipe", "recipe", words=True, spare=3),
        Column("parameters", "parameters"),
        Column("epochs", "epochs", spare=1),
        Column("validation", "validation_accuracy", spare=2),
        Column("test", "test_accuracy"),
        *([Column("±", "test_deviation"), Column("lowest", "test_lowest")] if several else []),
        *([Column("seeds", "seeds", spare=4)] if several else []),
        Column("time", "seconds", spare=1),
    ]
    return Table(tuple(columns), tuple(_row(run, several) for run in runs))


def _row(run: Compared, several: bool) -> tuple[str | int | None, ...]:
    spread: list[str | int] = []
    if several:
        alone = len(run.seeds) == 1
        deviation = "" if alone else f"{100 * run.test.deviation:.3f}"
        spread = [deviation, "" if alone else share(run.test.lowest), len(run.seeds)]
    return (
        run.name,
        run.recipe.title,
        run.parameters,
        run.recipe.epochs,
        share(run.validation),
        share(run.test.mean),
        *spread,
        duration(run.seconds),
    )


def lines(
    runs: Sequence[Compared],
    misread: Misread | None,
    width: int,
    *,
    ascii_only: bool = False,
) -> Iterator[TextLine]:
    """All of it for a terminal that is so many characters wide."""
    shown, left_out = fitted(table(runs), width)
    rule = "-" if ascii_only else "─"
    head, *rows = text(shown).replace("─", rule).splitlines()
    yield [Piece(head, "bold")]
    yield from ([Piece(row)] for row in rows)
    if left_out:
        remark = f"not shown, for want of width: {', '.join(left_out)}"
        yield from ([Piece(line, "bright_black")] for line in wrap(remark, width))
    yield from _differences(runs, width)
    yield from _misread(runs, misread)
    yield from _chart(runs, width, ascii_only)


def _differences(runs: Sequence[Compared], width: int) -> Iterator[TextLine]:
    if len(runs) == 1:
        return
    found = differences(runs)
    yield []
    if not found:
        yield [Piece("Their recipes say the same.")]
        return
    yield [Piece("In which their recipes differ:", "bold")]
    for word, said in found.items():
        yield [Piece(f"  {word}", "cyan")]
        for words in dict.fromkeys(said):
            whose = [run.name for run, other in zip(runs, said, strict=True) if other == words]
            yield from _said(f"{', '.join(whose)}: {words or '-'}", width)


def _said(words: str, width: int) -> Iterator[TextLine]:
    """What some recipes say, cut where it takes too many lines."""
    folded = wrap(words, width, initial_indent=" " * 4, subsequent_indent=" " * 6)
    if len(folded) > LONGEST_WORDS:
        folded = [*folded[: LONGEST_WORDS - 1], folded[LONGEST_WORDS - 1][: width - 4] + " ..."]
    yield from ([Piece(line)] for line in folded)


def _misread(runs: Sequence[Compared], misread: Misread | None) -> Iterator[TextLine]:
    if misread is None or len(runs) == 1:
        return
    every = "both" if len(runs) == 2 else "all"
    yield []
    yield [Piece("Test images misread:", "bold")]
    yield [Piece(f"  by {every}: {len(misread.by_all):,}")]
    for k, run in enumerate(runs):
        yield [Piece(f"  only by {run.name}: {len(misread.only_by(k)):,}")]


def _chart(runs: Sequence[Compared], width: int, ascii_only: bool) -> Iterator[TextLine]:
    if not all(run.history for run in runs):
        return
    accuracy = of_several([(run.name, run.history) for run in runs])[1]
    yield []
    yield from chart_lines(accuracy, width, LEAST_HEIGHT, ascii_only=ascii_only)


# For programs.


def as_csv(runs: Sequence[Compared]) -> str:
    """A row for each run, plain numbers."""
    told = [record(run) for run in runs]
    keys = [key for key, value in told[0].items() if not isinstance(value, list | dict)]
    columns = tuple(Column(key, key) for key in keys)
    return comma_separated(Table(columns, tuple(tuple(row[key] for key in keys) for row in told)))


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
