"""A copy of a book whose wrong formulas are corrected.

Only the corrected cells change, and what is computed from them gets its new value, or none where
that is not understood; whoever opens the copy is asked to compute it all anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from math import fsum, isfinite
from pathlib import Path

from gradbook.audit.copies.annotate import cells_of
from gradbook.audit.copies.markup import edited
from gradbook.audit.copies.patch import Patch
from gradbook.audit.copies.sheet_xml import (
    SheetXml,
    ask_to_calculate,
    read_sheet,
    with_formulas,
    with_value,
)
from gradbook.audit.findings.findings import BookReport, Curve, Finding
from gradbook.audit.formula.address import Address, ranges, sheet_of
from gradbook.audit.formula.pattern import Pattern, UnknownReference
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.evaluate import Evaluation
from gradbook.audit.workbook.flow import Flow
from gradbook.audit.workbook.package import package
from gradbook.audit.workbook.read import book_of


@dataclass(frozen=True)
class Fixed:
    """The copy, how many cells were corrected, and which wrong ones could not be."""

    content: bytes
    cells: int
    left: tuple[str, ...]


def fixed(path: str | Path, report: BookReport) -> Fixed:
    """The workbook at `path` with the right formulas that the report knows."""
    copy = BytesIO()
    with package(path) as parts:
        patch = Patch(parts)
        book = book_of(parts)
        wanted = _wanted(book, report)
        done = _correct(patch, book, wanted)
        patch.write(copy)
    content = copy.getvalue() if done else Path(path).read_bytes()
    return Fixed(content, len(done), tuple(_left(book, report, done)))


def _wanted(book: Book, report: BookReport) -> dict[Address, str]:
    """Each cell's right formula."""
    found: dict[Address, str] = {}
    for sheet in report.sheets:
        for finding in sheet.findings:
            number = book.sheet_number(finding.sheet or sheet.sheet)
            if number is not None:
                for name, formula in finding.fixes.items():
                    for cell in cells_of(name, number):
                        found.setdefault(cell, formula.removeprefix("="))
    return found


def _left(book: Book, report: BookReport, done: set[Address]) -> Iterator[str]:
    for sheet in report.sheets:
        for finding in sheet.findings:
            number = book.sheet_number(finding.sheet or sheet.sheet)
            cells = list(cells_of(finding.cells, number or 0))
            rest = [cell for cell in cells if cell not in done]
            if rest or not cells:
                yield f"{ranges(rest) or finding.cells} ({finding.quantity})"


def _correct(patch: Patch, book: Book, wanted: Mapping[Address, str]) -> set[Address]:
    done: set[Address] = set()
    if not wanted:
        return done
    sheets = {
        number: _sheet(patch, book, number)
        for number in range(len(book.sheets))
        if any(sheet_of(cell) == number for cell in book.patterns)
        or any(sheet_of(cell) == number for cell in wanted)
    }
    for number, sheet in sheets.items():
        here = {c: f for c, f in wanted.items() if sheet_of(c) == number}
        done |= {cell for cell in here if not _is_in_array(sheet, book, cell)}
    right = {cell: book.reader.pattern(wanted[cell], cell) for cell in done}
    flow = Flow(book)
    numbers = Evaluation(book, flow, right)
    stale = _computed_from(book, flow, done) | done
    for number, sheet in sheets.items():
        values = {cell: numbers.value(cell) for cell in stale if sheet_of(cell) == number}
        edits = [
            *with_formulas(sheet, {c: wanted[c] for c in done if sheet_of(c) == number}, values)
        ]
        for cell in values.keys() - done:
            if cell in sheet.cells:
                edits += with_value(sheet, sheet.cells[cell], values[cell])
        if edits:
            patch.put(book.sheets[number].part, edited(sheet.data, edits))
    if done:
        ask_to_calculate(patch)
    return done


def _sheet(patch: Patch, book: Book, number: int) -> SheetXml:
    part = book.sheets[number].part
    cells = (cell for cell in book.patterns if sheet_of(cell) == number)
    return read_sheet(patch.text(part), part, number, cells)


def _is_in_array(sheet: SheetXml, book: Book, cell: Address) -> bool:
    """Whether a formula fills this cell together with others, or a table of what-ifs does."""
    there = sheet.cells.get(cell)
    formula = there.formula if there else None
    return cell in book.arrays or (formula is not None and formula.attribute("t") == "dataTable")


def _computed_from(book: Book, flow: Flow, cells: set[Address]) -> set[Address]:
    """What depends on the cells, and whatever may, its formula not being understood."""
    obscure = {
        cell
        for cell, pattern in book.patterns.items()
        if pattern.expression is None
        or any(isinstance(mention, UnknownReference) for mention in pattern.mentions.values())
        or re.search(r"\b(INDIRECT|OFFSET)\(", pattern.key, re.IGNORECASE)
    }
    return flow.below(cells | obscure) | obscure


FEWEST = 2  # steps that make a curve


def loss_curve(
    book: Book, flow: Flow, loss: Sequence[Sequence[Address]], findings: Iterable[Finding]
) -> Curve | None:
    """The loss of each step as it is, and with every formula that is known to be right.

    None where nothing is known to correct, or too little of either can be computed.
    """
    instead = right_formulas(book, findings)
    cells = [step for step in loss if step]
    if not instead or len(cells) < FEWEST:
        return None
    made = tuple(_given(book, step) for step in cells)
    if not all(map(isfinite, made)):
        made = _losses(Evaluation(book, flow), cells)
    corrected = _losses(Evaluation(book, flow, instead), cells)
    enough = all(sum(map(isfinite, losses)) >= FEWEST for losses in (made, corrected))
    return Curve(made, corrected) if enough else None


def right_formulas(book: Book, findings: Iterable[Finding]) -> dict[Address, Pattern]:
    """Each wrong cell with the formula that belongs there."""
    found: dict[Address, Pattern] = {}
    for finding in findings:
        number = book.sheet_number(finding.sheet)
        for name, formula in finding.fixes.items() if number is not None else ():
            for cell in cells_of(name, number or 0):
                found.setdefault(cell, book.reader.pattern(formula.removeprefix("="), cell))
    return found


def _given(book: Book, cells: Sequence[Address]) -> float:
    """What the file says the loss is."""
    values = [book.values.get(cell) for cell in cells]
    return fsum(v if isinstance(v, float) else float("nan") for v in values)


def _losses(numbers: Evaluation, steps: Sequence[Sequence[Address]]) -> tuple[float, ...]:
    return tuple(sum(numbers.value(cell) for cell in step) for step in steps)
