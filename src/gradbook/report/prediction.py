"""What was read in pictures: a line each for the terminal, a row each for a table, JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from gradbook.amounts import short, sureness
from gradbook.data.formats.pictures import SUFFIXES
from gradbook.errors import FORMULA_SIGNS, as_cell, one_line
from gradbook.lab.models.predict import Reading
from gradbook.report.media import csv_lines
from gradbook.report.words import Span, TableCell, TextLine

WIDEST_NAME, WIDEST_CLASS = 40, 20
SURE, UNSURE = 0.9, 0.6
MOST_NUMBERS, DIGITS = 6, 6  # of a line; of each
HEADINGS = ("file", "number", "reading", "confidence", "second", "second_confidence", "problem")


def line(reading: Reading, classes: Sequence[str], width: int) -> TextLine:
    """`six.png  6  99.8 %  or 0  0.1 %`; the name takes so many columns."""
    name = f"{_shortened(_name(reading), width):<{width}}  "
    if reading.problem:
        return [Span(name), Span(reading.problem, "yellow")]
    if reading.numbers:
        return [Span(name), *_numbers(reading, classes)]
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


def _numbers(reading: Reading, names: Sequence[str]) -> Iterator[Span]:
    """`y1 3.25   y2 −0.5`, as far as a line goes; files and programs are told all."""
    shown = [f"{_shown(n)} {short(x, DIGITS)}" for n, x in zip(names, reading.numbers, strict=True)]
    yield Span("   ".join(shown[:MOST_NUMBERS]), "bold")
    if len(shown) > MOST_NUMBERS:
        yield Span(f"   and {len(shown) - MOST_NUMBERS:,} more", "dim")


def together(readings: Iterable[Reading], classes: Sequence[str]) -> Iterator[TextLine]:
    """`number.jpg reads 6529330`: what the signs of each picture say together."""
    for file, own in groupby(readings, key=lambda one: one.file):
        said = [_shown(classes[one.ranking[0]]) for one in own if one.box is not None]
        if said:
            apart = "" if max(map(len, classes)) == 1 else " "
            yield [Span(f"{one_line(file)} reads "), Span(apart.join(said), "bold")]


def caption(reading: Reading, classes: Sequence[str]) -> str:
    """What stands below its image: `6 six.png`."""
    if reading.numbers:
        return _name(reading)
    return f"{_shown(classes[reading.ranking[0]])}: {_name(reading)}"


def width_of_names(files: Sequence[str], many: bool = False) -> int:
    """The columns for the names of what is in these files: of a folder it isn't known yet."""
    are_pictures = all(os.path.splitext(name)[1].lower() in SUFFIXES for name in files)
    longest = max(len(one_line(name)) for name in files) if are_pictures else WIDEST_NAME
    return min(longest + len(" [12]") * many, WIDEST_NAME)


def headings(numbers: Sequence[str] = ()) -> str:
    """Of a table of classes, or of numbers with these names."""
    return csv_lines([[_harmless(cell) for cell in _headings(numbers)]])


def _headings(numbers: Sequence[str]) -> tuple[str, ...]:
    return ("file", "number", *numbers, "problem") if numbers else HEADINGS


def row(reading: Reading, classes: Sequence[str], numbers: bool = False) -> str:
    """A line of a table for programs and spreadsheets."""
    said = record(reading, classes)
    cells: list[TableCell] = [said.get(heading) for heading in HEADINGS[1:]]
    if numbers:
        several = reading.numbers or (None,) * len(classes)
        cells = [said.get("number"), *several, said.get("problem")]
    return csv_lines([[_harmless_file(reading.file), *map(_harmless, cells)]])


def record(reading: Reading, classes: Sequence[str]) -> dict[str, Any]:
    """The same for programs."""
    found: dict[str, Any] = {"file": reading.file}
    if reading.number is not None:
        found["number"] = reading.number
    if reading.box is not None:
        found["box"] = list(reading.box)
    if reading.problem:
        return found | {"problem": one_line(reading.problem)}
    if reading.numbers:
        return found | {"numbers": dict(zip(classes, reading.numbers, strict=True))}
    ranking = reading.ranking
    for place, name in zip(ranking, ("", "second"), strict=False):
        found[name or "reading"] = classes[place]
        found[f"{name}_confidence".lstrip("_")] = reading.probabilities[place]
    probabilities = zip(classes, reading.probabilities, strict=True)
    return found | {"probabilities": dict(probabilities)}


def as_json(readings: Iterable[Reading], classes: Sequence[str], model: str) -> str:
    records = [record(reading, classes) for reading in readings]
    return json.dumps({"version": 1, "model": model, "readings": records}, indent=1) + "\n"


def _name(reading: Reading) -> str:
    number = "" if reading.number is None else f" [{reading.number}]"
    return one_line(reading.file) + number


def _shown(name: str) -> str:
    return _shortened(one_line(name), WIDEST_CLASS)


def _shortened(name: str, width: int) -> str:
    """Its end is what tells files apart."""
    return name if len(name) <= width else "…" + name[1 - width :]


def _harmless(cell: TableCell) -> TableCell:
    """A spreadsheet must not take a name for a formula."""
    return as_cell(cell) if isinstance(cell, str) else cell


def _harmless_file(name: str) -> str:
    """The same file by a name that begins otherwise."""
    return one_line(f"./{name}" if name.startswith(FORMULA_SIGNS) else name)
