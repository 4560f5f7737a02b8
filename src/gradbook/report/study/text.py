"""A study for a terminal: a line for each trial, and what came of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gradbook.amounts import counted, duration, percent, short
from gradbook.report.words import QUIET, Span, TableColumn, TextLine, TextTable

Record = Mapping[str, Any]  # a trial's, as programs are told
MOST_DRAWN = 44  # columns for what was chosen
COLUMNS = (
    TableColumn("trial", "number", width=5),
    TableColumn("held back", "value", spell=percent, width=9),
    TableColumn("parameters", "network_parameters", width=10),
    TableColumn("time", "seconds", spell=duration, width=7),
    TableColumn("", "said", words=True),
)


def heading() -> list[TextLine]:
    return list(TextTable(COLUMNS).heading())


def row(record: Record, is_best: bool = False) -> TextLine:
    """One trial that is over."""
    said = {**record, "said": drawn_words(record)}
    if record["state"] != "done":
        said["said"] = f"{record['state']}: {record['why']}"
    table = TextTable.of(COLUMNS, [said])
    colour = "green" if is_best else QUIET if record["state"] != "done" else ""
    return table.line(table.texts[0], colour)


def drawn_words(record: Record, most: int = MOST_DRAWN) -> str:
    """warm 0.25, batch 64, conv 1 8"""
    said = ", ".join(f"{name} {value_words(value)}" for name, value in record["parameters"].items())
    return said if len(said) <= most else said[: most - 1].rstrip(", ") + "…"


def value_words(value: object) -> str:
    if isinstance(value, float):
        return short(value, digits=4)
    return str(value) or "nothing"


def summary(records: Sequence[Record], best: Record | None, tests: Sequence[Record]) -> TextLine:
    """In a line: what was tried, and the best."""
    count = sum(record["state"] == "done" for record in records)
    others = len(records) - count
    said = counted(count, "recipe") + " trained to the end"
    said += f", {others} cut short or not allowed" if others else ""
    if best is None:
        return [Span(f"{said}; none has a score")]
    score = f"; the best, trial {best['number']}: {percent(best['value'])} of what was held back"
    looked = f"; the test images were scored {counted(len(tests), 'time')}" if tests else ""
    return [Span(said), Span(score, "bold"), Span(looked)]
