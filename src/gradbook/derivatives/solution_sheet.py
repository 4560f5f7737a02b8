"""A copy of a workbook with the numbers of a solution, and a sheet that says how it was found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from gradbook.cells.added_sheets import NewSheet, add_sheet, ask_to_calculate, sheet_titles
from gradbook.cells.book import Book
from gradbook.cells.evaluate import Evaluation
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address, sheet_of
from gradbook.cells.package import WorkbookError, is_opendocument, package
from gradbook.cells.patch import CellEdit, Patch, free_title, read_sheet
from gradbook.cells.read import main_part
from gradbook.cells.solving import Solution
from gradbook.cells.styles import CellLook, Styles
from gradbook.derivatives.addition import require_other_file
from gradbook.derivatives.labels import label
from gradbook.derivatives.sheets import require_ending
from gradbook.files import whole_file
from gradbook.language import mark, tr
from gradbook.palette import ERROR, INPUT, QUIET

SOLUTION = mark("Solution")
PATTERN = "xl/worksheets/gradbook-solution{}.xml"
HEADINGS = (
    (mark("label"), 34),
    (mark("cell"), 16),
    (mark("before"), 14),
    (mark("after"), 14),
)


@dataclass(frozen=True)
class WrittenSolution:
    """What a copy says: a workbook's result, its solution, and the sentences about it."""

    book: Book
    flow: Flow
    result: Address
    solution: Solution
    sentences: Sequence[str]


def write_solution(source: Path, solved: WrittenSolution, out: Path) -> Path:
    """Write the copy of a workbook, completely or not at all."""
    require_other_file(source, out)
    with package(source) as parts:
        if is_opendocument(parts):
            raise WorkbookError(
                "a solution can only be written to an .xlsx file: save it as .xlsx and take that"
            )
        patch = Patch(parts)
        require_ending(patch, out.suffix)
        _put_numbers(patch, solved)
        styles = Styles(patch, main_part(parts))
        sheet = _sheet(solved, styles, free_title(tr(SOLUTION), sheet_titles(patch)))
        add_sheet(patch, sheet, PATTERN)
        styles.save()
        ask_to_calculate(patch)
        with whole_file(out) as copy, copy.open("wb") as file:
            patch.write(file)
    return out


def _put_numbers(patch: Patch, solved: WrittenSolution) -> None:
    """Put the numbers into their cells, and what follows from them into the formulas'."""
    book, numbers = solved.book, solved.solution.numbers
    after = Evaluation(book, solved.flow, numbers=numbers)
    edits: defaultdict[int, dict[Address, CellEdit]] = defaultdict(dict)
    for cell, number in numbers.items():
        edits[sheet_of(cell)][cell] = CellEdit(value=number)
    for cell in solved.flow.below(numbers):
        if book.is_kept(cell):
            edits[sheet_of(cell)][cell] = CellEdit(value=after.value(cell))
    for number, wanted in edits.items():
        part = book.sheets[number].part
        sheet = read_sheet(patch.text(part), part, number, wanted)
        there = {c: e for c, e in wanted.items() if c in numbers or c in sheet.cells}
        patch.edit(part, sheet.edits(there))


def _sheet(solved: WrittenSolution, styles: Styles, title: str) -> NewSheet:
    """The sheet with the sentences about the solution, and the cells before and after."""

    def style(**look: object) -> str:
        return styles.format(CellLook(**{"down": "center", **look}))  # type: ignore[arg-type]

    book, solution = solved.book, solved.solution
    sheet = NewSheet(title, INPUT.ink)
    sheet.widths = {k: width for k, (_, width) in enumerate(HEADINGS)}
    called = label(book, solved.result) or book.name_of(solved.result)
    heading = tr("Solved: {result}", result=called)
    sheet.put(0, 0, heading, style(size=18, bold=True))
    sheet.heights[0] = 28
    row = 1
    for sentence in solved.sentences:
        sheet.put(row, 0, sentence, style(ink=QUIET.ink))
        row += 1
    row += 1
    for column, (words, _) in enumerate(HEADINGS):
        look = {"bold": True, "ink": INPUT.ink, "fill": INPUT.fill, "line": INPUT.ink}
        sheet.put(row, column, tr(words), style(**look))
    rows: list[tuple[Address, float | None, float]] = [
        (solved.result, solution.start, solution.value)
    ]
    for cell, number in solution.numbers.items():
        typed = book.values.get(cell)
        rows.append((cell, typed if isinstance(typed, float) else None, number))
    link = style(ink=INPUT.ink, underlined=True)
    for cell, before, now in rows:
        row += 1
        tint = {"ink": ERROR.ink, "bold": True} if cell == solved.result else {}
        name = book.name_of(cell)
        sheet.put(row, 0, label(book, cell), style(**tint))
        sheet.put(row, 1, name, link)
        sheet.links[row, 1] = name
        sheet.put(row, 2, before if before is None or isfinite(before) else None, style(**tint))
        sheet.put(row, 3, now if isfinite(now) else None, style(**tint))
    return sheet
