"""What is told of signals beside what is told of any table: windows, time, false alarms.

It doesn't know how recordings are read, nor how windows are cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gradbook.amounts import counted, duration
from gradbook.lab.signals import SignalProblem
from gradbook.lab.training.train import Trained
from gradbook.report.document import Blocks, Passage
from gradbook.report.words import TableColumn, TextTable

MANY = 100  # alarms an hour, from which decimals say nothing


def in_time(event: Mapping[str, Any]) -> str:
    """How late an answer comes, and how often it is wrong where nothing happens; '' where nobody
    knows the time."""
    return " ".join(_in_time(event))


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
    columns = (first, *map(TableColumn, names[1:]))
    rows = tuple(problem.balance(trained.recipe.held_back))
    said = (
        f"Windows of one {problem.way} are never in two parts. Each channel is brought to mean 0 "
        "and deviation 1 by the windows trained on alone."
    )
    return [TextTable(columns, rows, has_row_heads=True), Passage(said)]
