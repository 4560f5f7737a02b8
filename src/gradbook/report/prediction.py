"""A model's predictions for pictures, rows of a table and recordings: as lines, tables, JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from gradbook.amounts import short, sureness
from gradbook.data.formats.cells import COMMA, POINT, CellRow, is_number
from gradbook.data.formats.pictures import SUFFIXES
from gradbook.data.signals import Windows
from gradbook.data.tables import ColumnTable, Numbers, table_remarks
from gradbook.errors import FORMULA_SIGNS, as_cell, one_line
from gradbook.lab.models.answers import likeliest_classes
from gradbook.lab.models.model import Model
from gradbook.lab.models.predict import Reading
from gradbook.lab.models.table_columns import filling_remark
from gradbook.lab.signals import PlacedWindow
from gradbook.layers.losses import HALF_SURE
from gradbook.report.media import csv_lines
from gradbook.report.styled_text import Span, TableCell, TextLine

# Pictures ---------------------------------------------------------------------

WIDEST_NAME, WIDEST_CLASS = 40, 20
SURE, UNSURE = 0.9, 0.6
MOST_NUMBERS, DIGITS = 6, 6  # in a line; digits of each
LINES_AT_ONCE = 5_000
HEADINGS = ("file", "number", "reading", "confidence", "second", "second_confidence", "problem")


def line(reading: Reading, classes: Sequence[str], width: int) -> TextLine:
    """`six.png  6  99.8 %  or 0  0.1 %`; the name is `width` columns wide."""
    name = f"{_shortened(_name(reading), width):<{width}}  "
    if reading.problem:
        return [Span(name), Span(reading.problem, "yellow")]
    if reading.numbers:
        pairs = zip(classes, reading.numbers, strict=True)
        shown = [f"{_shown(word)} {short(number, DIGITS)}" for word, number in pairs]
        spans = [Span(name), Span("   ".join(shown[:MOST_NUMBERS]), "bold")]
        if len(shown) > MOST_NUMBERS:  # files and programs get all of them
            spans.append(Span(f"   and {len(shown) - MOST_NUMBERS:,} more", "dim"))
        return spans
    first, *others = reading.ranking
    sure = reading.probabilities[first]
    colour = "green" if sure >= SURE else "yellow" if sure >= UNSURE else "red"
    wide = min(max(map(len, classes)), WIDEST_CLASS)
    spans = [
        Span(name),
        Span(f"{_shown(classes[first]):<{wide}}", f"bold {colour}"),
        Span(f"  {sureness(sure):>7}", colour),
    ]
    if others:
        second = f"   or {_shown(classes[others[0]]):<{wide}}"
        spans.append(Span(f"{second}  {sureness(reading.probabilities[others[0]]):>7}", "dim"))
    return spans


def caption(reading: Reading, classes: Sequence[str]) -> str:
    """The caption of a reading's image: `6: six.png`."""
    if reading.numbers:
        return _name(reading)
    return f"{_shown(classes[reading.ranking[0]])}: {_name(reading)}"


def width_of_names(files: Sequence[str]) -> int:
    """How many columns the names take; what is in a folder isn't known yet."""
    are_pictures = all(os.path.splitext(name)[1].lower() in SUFFIXES for name in files)
    longest = max(len(one_line(name)) for name in files) if are_pictures else WIDEST_NAME
    return min(longest, WIDEST_NAME)


def headings(numbers: Sequence[str] = ()) -> str:
    """The heading line of a table of classes, or of numbers with these names."""
    heads = ("file", "number", *numbers, "problem") if numbers else HEADINGS
    return csv_lines([list(map(_harmless, heads))])


def row(reading: Reading, classes: Sequence[str], numbers: bool = False) -> str:
    """A line of a table for programs and spreadsheets."""
    shown = record(reading, classes)
    cells: list[TableCell] = [shown.get(heading) for heading in HEADINGS[1:]]
    if numbers:
        several = reading.numbers or (None,) * len(classes)
        cells = [shown.get("number"), *several, shown.get("problem")]
    is_formula = reading.file.startswith(FORMULA_SIGNS)
    file = f"./{reading.file}" if is_formula else reading.file  # the same file
    return csv_lines([[one_line(file), *map(_harmless, cells)]])


def record(reading: Reading, classes: Sequence[str]) -> dict[str, Any]:
    """The same for programs."""
    entries: dict[str, Any] = {"file": reading.file}
    if reading.number is not None:
        entries["number"] = reading.number
    if reading.problem:
        return entries | {"problem": one_line(reading.problem)}
    if reading.numbers:
        return entries | {"numbers": dict(zip(classes, reading.numbers, strict=True))}
    ranking = reading.ranking
    for place, name in zip(ranking, ("", "second"), strict=False):
        entries[name or "reading"] = classes[place]
        entries[f"{name}_confidence".lstrip("_")] = reading.probabilities[place]
    probabilities = zip(classes, reading.probabilities, strict=True)
    return entries | {"probabilities": dict(probabilities)}


def as_json(readings: Iterable[Reading], classes: Sequence[str], model: str) -> str:
    records = [record(reading, classes) for reading in readings]
    return json.dumps({"version": 1, "model": model, "readings": records}, indent=1) + "\n"


def _name(reading: Reading) -> str:
    number = "" if reading.number is None else f" [{reading.number}]"
    return one_line(reading.file) + number


def _shown(name: str) -> str:
    return _shortened(one_line(name), WIDEST_CLASS)


def _shortened(name: str, width: int) -> str:
    """The end of a name, which differs most between files."""
    return name if len(name) <= width else "…" + name[1 - width :]


def _harmless(cell: TableCell) -> TableCell:
    """A cell that a spreadsheet can't take for a formula, with six digits if it is a number."""
    if isinstance(cell, float):
        return _rounded(cell)
    return as_cell(cell) if isinstance(cell, str) else cell


# Rows of a table --------------------------------------------------------------


def reading_remarks(model: Model, table: ColumnTable, rows: Numbers) -> list[str]:
    """Remarks on how these rows were read, and on what replaces missing values."""
    columns = model.require_columns()
    remarks = list(table_remarks(columns.in_place(table), columns.inputs))
    if table.is_headed and (remark := columns.names_remark(table.names)):
        remarks.append(remark)
    if np.isnan(rows).any():
        remarks.append(filling_remark(columns.inputs, rows, model.instead_of_missing))
    return remarks


def row_records(model: Model, table: ColumnTable, answers: Numbers) -> list[dict[str, Any]]:
    """For programs: a record for each row."""
    return [
        {"row": row.number, **answer}
        for row, answer in zip(table.rows, _predictions(model, answers), strict=True)
    ]


def rows_csv(model: Model, table: ColumnTable, answers: Numbers) -> Iterator[str]:
    """The rows of the table with the answers beside them, as CSV with the table's own marks, in
    pieces of several rows."""
    what = "probability" if model.labels else "predicted"
    heads = [*table.names, *(f"{name}: {what}" for name in model.predicts)]
    heads += [f"{model.predicts[0]}: confidence"] if model.classes else []
    evidence = map(table.evidence, range(len(table.names)))
    commas = any(it.holds_numbers and COMMA in it.decided for it in evidence)
    mark = COMMA if commas and table.separator != COMMA else POINT

    def number(value: float) -> TableCell:
        shown = _rounded(value)
        return shown if mark == POINT else repr(shown).replace(POINT, mark)

    def line(row: CellRow, answer: Mapping[str, Any]) -> Sequence[TableCell]:
        cells = [it if is_number(it) else as_cell(it) for it in row.cells]  # never a formula
        if model.classes:
            sure = number(answer["probabilities"][answer["predicted"]])
            return [*cells, as_cell(answer["predicted"]), sure]
        values = answer["probabilities" if model.labels else "predicted"]
        several = values.values() if isinstance(values, dict) else [values]
        return [*cells, *map(number, several)]

    yield csv_lines([list(map(as_cell, heads))], table.separator)
    both = zip(table.rows, _predictions(model, answers), strict=True)
    while lines := [line(*pair) for pair in islice(both, LINES_AT_ONCE)]:
        yield csv_lines(lines, table.separator)


def _rounded(value: float) -> float:
    """With six digits, or all before its point; JSON has all."""
    return float(f"{value:.{DIGITS}g}") if abs(value) < 10**DIGITS else round(value, 0)


def _predictions(model: Model, answers: Numbers) -> Iterator[Mapping[str, Any]]:
    """The prediction for each row, with its probabilities."""
    best = likeliest_classes(model.net, answers).tolist() if model.classes else [0] * len(answers)
    for which, values in zip(best, map(np.ndarray.tolist, answers), strict=True):
        each = dict(zip(model.classes or model.predicts, values, strict=True))
        if model.classes:
            yield {"predicted": model.classes[which], "probabilities": each}
        elif model.labels:  # the labels that apply, and the probability of each
            holding = [name for name, sure in each.items() if sure >= HALF_SURE]
            yield {"predicted": holding, "probabilities": each}
        else:
            yield {"predicted": each if len(each) > 1 else values[0]}


# Windows of recordings --------------------------------------------------------

DECIMALS = 4


def window_records(
    model: Model, placed: Sequence[PlacedWindow], answers: Numbers
) -> list[dict[str, Any]]:
    """For programs: a record for each window, which says where it lies."""
    windows = windows_of(model)
    records = []
    for window, answer in zip(placed, _predictions(model, answers), strict=True):
        place: dict[str, Any] = {"recording": window.recording, "row": window.row}
        seconds = windows.seconds(window.first)
        if seconds is not None:
            place["seconds"] = round(seconds, DECIMALS)
        records.append({**place, **answer})
    return records


def windows_csv(model: Model, placed: Sequence[PlacedWindow], answers: Numbers) -> str:
    """One line per window: where it lies, its class and the confidence."""
    lines: list[Sequence[TableCell]] = []
    for record in window_records(model, placed, answers):
        shares, read = record.pop("probabilities"), record["predicted"]
        fields = {**record, "confidence": round(shares[read], DECIMALS)}
        lines += [] if lines else [list(fields)]
        lines.append(list(map(_harmless, fields.values())))
    return csv_lines(lines, ",")


def windows_of(model: Model) -> Windows:
    assert model.windows
    return model.windows
