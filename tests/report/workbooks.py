"""Reads, changes and fills in workbooks that we wrote, as a person at the sheet would."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.workbook import Workbook

NAMES_ROW, FIRST_ROW = 4, 5


@dataclass(frozen=True)
class Tables:
    """The columns of Training by name, one value an epoch; of Samples, a row of them an epoch."""

    columns: dict[str, np.ndarray]
    letters: dict[str, str]

    def cell(self, name: str, row: int = FIRST_ROW) -> str:
        return f"{self.letters[name]}{row}"


def tables(path: Path) -> Tables:
    book = load_workbook(path, data_only=True, read_only=True)
    columns: dict[str, np.ndarray] = {}
    letters: dict[str, str] = {}
    for sheet, counters in (("Training", 1), ("Samples", 2)):
        if sheet not in book.sheetnames:
            continue
        rows = list(book[sheet].iter_rows(min_row=NAMES_ROW, values_only=True))
        samples = max(row[1] for row in rows[1:]) if sheet == "Samples" else None
        for place, name in enumerate(rows[0][counters:], counters):
            array = np.array([np.nan if r[place] is None else r[place] for r in rows[1:]], float)
            columns[name] = array if samples is None else array.reshape(-1, samples)
            letters[name] = get_column_letter(place + 1)
    book.close()
    return Tables(columns, letters)


def change(source: Path, target: Path, values: Mapping[str, float]) -> Path:
    """The workbook with other numbers typed into named cells; nothing else is touched."""
    book = load_workbook(source, read_only=True)
    cells = {named(book, name): value for name, value in values.items()}
    parts = {f"xl/worksheets/sheet{k}.xml": name for k, name in enumerate(book.sheetnames, 1)}
    book.close()

    def edit(part: str, text: str) -> str:
        for (sheet, cell), value in cells.items():
            if parts.get(part) == sheet:
                text, found = re.subn(
                    rf'(<c r="{cell}"[^>]*><v>)[^<]*(</v>)', rf"\g<1>{value!r}\g<2>", text
                )
                assert found == 1, (sheet, cell)
        return text

    return edited(source, target, edit)


def retype(source: Path, target: Path, sheet: str, cell: str, formula: str) -> Path:
    """The workbook with another formula in one cell; `{}` stands for the one that is there."""
    book = load_workbook(source, read_only=True)
    number = book.sheetnames.index(sheet) + 1
    book.close()

    def edit(part: str, text: str) -> str:
        if part != f"xl/worksheets/sheet{number}.xml":
            return text
        place = re.search(rf'<c r="{cell}"[^>]*><f>([^<]*)</f>', text)
        return f"{text[: place.start(1)]}{formula.format(place[1])}{text[place.end(1) :]}"

    return edited(source, target, edit)


def edited(source: Path, target: Path, edit: Callable[[str, str], str]) -> Path:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for part in old.namelist():
            data = old.read(part)
            if part.startswith("xl/worksheets/sheet"):
                data = edit(part, data.decode()).encode()
            new.writestr(part, data, zipfile.ZIP_STORED)
    return target


def named(book: Workbook, name: str) -> tuple[str, str]:
    ((sheet, cell),) = book.defined_names[name].destinations
    return sheet, cell.replace("$", "")


def fill_in(exercise: Path, solution: Path, target: Path) -> Path:
    """The exercise with the solution's formulas in the cells that are to be filled in."""
    book, solved = load_workbook(exercise), load_workbook(solution)
    for sheet in ("Training", "Samples", "Rates work"):
        for row in book[sheet].iter_rows(min_row=FIRST_ROW) if sheet in book.sheetnames else ():
            for cell in row:
                if cell.value is None:
                    cell.value = solved[sheet][cell.coordinate].value
    book.save(target)
    return target


@dataclass(frozen=True)
class Verdicts:
    """What the sheet Check says in all, of all epochs, of each weight and of each epoch."""

    summary: str
    epochs: str
    of: dict[str, str]
    of_epoch: dict[int, str]


def verdicts(path: Path) -> Verdicts:
    book = load_workbook(path, data_only=True, read_only=True)
    rows = list(book["Check"].iter_rows(values_only=True))
    book.close()
    table = [(row[1], row[9]) for row in rows[7:] if isinstance(row[9], str)]
    heading = table.index(("epoch", "verdict"))
    return Verdicts(rows[3][4], rows[4][4], dict(table[:heading]), dict(table[heading + 1 :]))


def column(path: Path, sheet: str, place: int) -> list[object]:
    """What stands in one column, from the top; empty cells left out."""
    book = load_workbook(path, data_only=True, read_only=True)
    found = [row[place] for row in book[sheet].iter_rows(values_only=True) if len(row) > place]
    book.close()
    return [value for value in found if value is not None]
