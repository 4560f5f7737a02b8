"""A copy of a book whose wrong formulas are corrected.

Only the corrected cells change, and what is computed from them gets its new value, or none where
that is not understood; whoever opens the copy is asked to recalculate it all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from math import fsum, isfinite
from pathlib import Path

from gradbook.audit.copies.markup import edited, outline, place_after, prefix, tag, with_attributes
from gradbook.audit.copies.patch import Patch
from gradbook.audit.copies.sheet_xml import SheetXml, read_sheet, with_formulas, with_value
from gradbook.audit.findings.findings import BookReport, Finding, LossCurves
from gradbook.audit.formula.address import Address, cells_of, ranges, sheet_of
from gradbook.audit.formula.pattern import UnknownReference
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.evaluate import Evaluation
from gradbook.audit.workbook.flow import Flow
from gradbook.audit.workbook.package import package
from gradbook.audit.workbook.read import book_of, main_part

BEFORE_CALCULATION = """
fileVersion fileSharing workbookPr workbookProtection bookViews sheets functionGroups
externalReferences definedNames
"""  # what the format puts before calcPr
FEWEST = 2  # steps that make a curve


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
        done = _correct(patch, book, right_formulas(book, report.findings))
        patch.write(copy)
    content = copy.getvalue() if done else Path(path).read_bytes()
    return Fixed(content, len(done), tuple(_left(book, report.findings, done)))


def right_formulas(book: Book, findings: Iterable[Finding]) -> dict[Address, str]:
    """Each wrong cell with the formula that belongs there, without its =."""
    found: dict[Address, str] = {}
    for finding in findings:
        number = book.sheet_number(finding.sheet)
        if number is not None:
            for name, formula in finding.fixes.items():
                for cell in cells_of(name, number):
                    found.setdefault(cell, formula.removeprefix("="))
    return found


def _left(book: Book, findings: Iterable[Finding], done: set[Address]) -> Iterator[str]:
    for finding in findings:
        cells = list(cells_of(finding.cells, book.sheet_number(finding.sheet) or 0))
        rest = [cell for cell in cells if cell not in done]
        if rest or not cells:
            yield f"{ranges(rest) or finding.cells} ({finding.quantity})"


def _correct(patch: Patch, book: Book, wanted: Mapping[Address, str]) -> set[Address]:
    """Put the wanted formulas into the sheets, where possible; the cells that were corrected."""
    if not wanted:
        return set()
    sheets: dict[int, SheetXml] = {}
    for number in sorted({sheet_of(cell) for cell in (*book.patterns, *wanted)}):
        part = book.sheets[number].part
        here = (cell for cell in book.patterns if sheet_of(cell) == number)
        sheets[number] = read_sheet(patch.text(part), part, number, here)
    done = {cell for cell in wanted if not _is_in_array(sheets[sheet_of(cell)], book, cell)}
    right = {cell: book.reader.pattern(wanted[cell], cell) for cell in done}
    flow = Flow(book)
    numbers = Evaluation(book, flow, right)
    stale = _computed_from(book, flow, done) | done
    for number, sheet in sheets.items():
        values = {cell: numbers.value(cell) for cell in stale if sheet_of(cell) == number}
        formulas = {cell: wanted[cell] for cell in done if sheet_of(cell) == number}
        edits = list(with_formulas(sheet, formulas, values))
        for cell in values.keys() - done:
            if cell in sheet.cells:
                edits += with_value(sheet, sheet.cells[cell], values[cell])
        if edits:
            patch.put(book.sheets[number].part, edited(sheet.data, edits))
    if done:
        ask_to_calculate(patch)
    return done


def _is_in_array(sheet: SheetXml, book: Book, cell: Address) -> bool:
    """Whether a formula fills this cell together with others, or a table of what-ifs does."""
    there = sheet.cells.get(cell)
    formula = there.formula if there else None
    return cell in book.arrays or (formula is not None and formula.attribute("t") == "dataTable")


def _computed_from(book: Book, flow: Flow, cells: set[Address]) -> set[Address]:
    """What depends on the cells, and whatever may: formulas that aren't understood."""
    obscure = {
        cell
        for cell, pattern in book.patterns.items()
        if pattern.expression is None
        or any(isinstance(mention, UnknownReference) for mention in pattern.mentions.values())
        or re.search(r"\b(INDIRECT|OFFSET)\(", pattern.key, re.IGNORECASE)
    }
    return flow.below(cells | obscure) | obscure


def ask_to_calculate(patch: Patch) -> None:
    """Ask whoever opens the book to recalculate it, in an order of their own."""
    main = main_part(patch.parts)
    for relation in patch.relations(main):
        if relation.kind == "calcChain":
            patch.drop(relation.part, main)
    data = patch.text(main)
    found = outline(data, main)
    there = next((e for e in found if e.depth == 1 and e.tag == "calcPr"), None)
    if there is not None:
        edit = with_attributes(data, there, fullCalcOnLoad="1")
    else:
        place = place_after(found, BEFORE_CALCULATION)
        edit = place, place, tag(prefix(data, found[-1]), "calcPr", fullCalcOnLoad="1")
    patch.put(main, edited(data, [edit]))


# How the loss would go on ---------------------------------------------------


def loss_curve(
    book: Book, flow: Flow, loss: Sequence[Sequence[Address]], findings: Iterable[Finding]
) -> LossCurves | None:
    """The loss of each step as it is, and with every formula that is known to be right.

    None where nothing is known to correct, or too little of either can be computed.
    """
    right = right_formulas(book, findings)
    steps = [step for step in loss if step]
    if not right or len(steps) < FEWEST:
        return None
    made = tuple(_given(book, step) for step in steps)
    if not all(map(isfinite, made)):
        made = _losses(Evaluation(book, flow), steps)
    instead = {cell: book.reader.pattern(text, cell) for cell, text in right.items()}
    corrected = _losses(Evaluation(book, flow, instead), steps)
    enough = all(sum(map(isfinite, losses)) >= FEWEST for losses in (made, corrected))
    return LossCurves(made, corrected) if enough else None


def _given(book: Book, cells: Sequence[Address]) -> float:
    """What the file says the loss is."""
    values = [book.values.get(cell) for cell in cells]
    return fsum(v if isinstance(v, float) else float("nan") for v in values)


def _losses(numbers: Evaluation, steps: Sequence[Sequence[Address]]) -> tuple[float, ...]:
    return tuple(sum(numbers.value(cell) for cell in step) for step in steps)
