"""What is told of signals beside what is told of any table: windows, time, false alarms.

It doesn't know how recordings are read, nor how windows are cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gradbook.amounts import counted, duration
from gradbook.data.signals import Windows
from gradbook.data.tables import Numbers
from gradbook.errors import as_cell
from gradbook.lab.models.answers import likeliest_classes
from gradbook.lab.models.table_model import TableModel
from gradbook.lab.signals import PlacedWindow, SignalProblem
from gradbook.lab.tables import TableProblem
from gradbook.lab.training.train import Trained
from gradbook.report.document import Blocks, Passage
from gradbook.report.media import csv_lines
from gradbook.report.words import TableCell, TableColumn, TextTable

DECIMALS = 4
MANY = 100  # alarms an hour, from which decimals say nothing


def way_of(problem: TableProblem) -> str:
    """What is never split."""
    return problem.way if isinstance(problem, SignalProblem) else "row"


def in_time(trained: Trained) -> str:
    """How late an answer comes, and how often it is wrong where nothing happens; '' where nobody
    knows the time."""
    return " ".join(_in_time(trained.problem.figures(trained.test)))


def _in_time(told: Mapping[str, Any]) -> Iterator[str]:
    if latency := told.get("latency_seconds"):
        window, step = (told[what] / told["rows_a_second"] for what in ("window", "step"))
        yield (
            f"An answer comes at most {latency:.3g} s after something begins: a window of "
            f"{window:.3g} s and a step of {step:.3g} s."
        )
    if "background" not in told:
        return
    alarms, seconds = told["false_alarms"], told["background_seconds"]
    said = f"On '{told['background']}', {counted(alarms, 'false alarm')}"
    if not seconds:
        yield f"{said}; how many an hour isn't known without a time or --sample-rate."
        return
    hourly, most = told["false_alarms_an_hour"], told["false_alarms_an_hour_below"]
    yield (
        f"{said} in {duration(seconds)}: {_hourly(hourly)} an hour, and with 95 % confidence fewer "
        f"than {_hourly(most)}."
    )


def _hourly(count: float) -> str:
    return f"{count:,.0f}" if count >= MANY else f"{count:.3g}"


def windows_blocks(trained: Trained) -> Blocks:
    """Of each class: how many recordings and windows there are, and in which part."""
    problem = trained.problem
    assert isinstance(problem, SignalProblem)
    names = ("class", "recordings", "windows", "trained on", "held back", "test")
    first = TableColumn(names[0], words=True)
    columns = (first, *(TableColumn(name, spell=_count) for name in names[1:]))
    rows = tuple(problem.balance(trained.recipe.held_back))
    said = (
        f"Windows of one {problem.way} are never in two parts. Each channel is brought to mean 0 "
        "and deviation 1 by the windows trained on alone."
    )
    return [TextTable(columns, rows, has_row_heads=True), Passage(said)]


def _count(count: int) -> str:
    return f"{count:,}"


# What a model says of recordings.


def window_records(
    model: TableModel, placed: Sequence[PlacedWindow], answers: Numbers
) -> list[dict[str, Any]]:
    """For programs: a record for each window."""
    best = likeliest_classes(model.net, answers).tolist()
    return [
        {
            **_place(one, windows_of(model)),
            "predicted": model.classes[which],
            "probabilities": dict(zip(model.classes, said, strict=True)),
        }
        for one, which, said in zip(placed, best, answers.tolist(), strict=True)
    ]


def window_csv(model: TableModel, placed: Sequence[PlacedWindow], answers: Numbers) -> str:
    """A line for each window: where it lies, its class, how sure that is."""
    best = likeliest_classes(model.net, answers)
    sure = answers[np.arange(len(answers)), best].tolist()
    lines: list[tuple[TableCell, ...]] = []
    for one, which, share in zip(placed, best.tolist(), sure, strict=True):
        place = _place(one, windows_of(model))
        if not lines:
            lines.append((*place, "predicted", "confidence"))
        cells = (as_cell(v) if isinstance(v, str) else v for v in place.values())
        lines.append((*cells, as_cell(model.classes[which]), round(share, DECIMALS)))
    return csv_lines(lines, ",")


def windows_of(model: TableModel) -> Windows:
    assert model.windows
    return model.windows


def _place(one: PlacedWindow, windows: Windows) -> dict[str, Any]:
    found: dict[str, Any] = {"recording": one.recording, "row": one.row}
    seconds = windows.seconds(one.first)
    return found if seconds is None else found | {"seconds": round(seconds, DECIMALS)}
