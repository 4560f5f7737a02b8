"""A copy of a book whose wrong formulas are corrected; it is judged again before anyone gets it.

Only the corrected cells change. What is computed from them gets its new value, or none where that
is not understood; whoever opens the copy is asked to recalculate it all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import chain, groupby
from math import fsum, isfinite, nan
from pathlib import Path

from gradbook import limits
from gradbook.audit.copies.patch import (
    Patch,
    apply_edits,
    outline,
    place_after,
    prefix,
    tag,
    with_attributes,
)
from gradbook.audit.copies.sheet_xml import (
    NewFormula,
    SheetXml,
    read_sheet,
    with_formulas,
    with_value,
)
from gradbook.audit.findings import (
    RIGHT,
    STALE,
    TO_FILL_IN,
    UNREADABLE,
    BookReport,
    Finding,
    LossCurves,
    count_right,
    grade,
)
from gradbook.audit.formula.address import Address, cells_of, name_of, ranges, sheet_of
from gradbook.audit.formula.pattern import UnknownReference
from gradbook.audit.workbook.book import Book, quote_title
from gradbook.audit.workbook.evaluate import Evaluation
from gradbook.audit.workbook.flow import Flow
from gradbook.audit.workbook.package import package
from gradbook.audit.workbook.read import book_of, main_part
from gradbook.errors import GradbookError, one_line
from gradbook.files import read_bytes, write_whole
from gradbook.folders import temporary_folder
from gradbook.language.message import Message, joined, message_count, words_of

# Array formulas ---------------------------------------------------------------


def new_formulas(
    sheet: SheetXml, book: Book, wanted: Mapping[Address, str], wholes: Mapping[str, str]
) -> dict[Address, NewFormula]:
    """What is put into the sheet's cells: the wanted formulas, and those of the arrays around them.

    One cell of an array can't be changed alone: each cell gets a formula of its own, unless one is
    known that is right for all of them. `wholes` has those, by the cells that they fill.
    """
    found = {cell: NewFormula(text) for cell, text in wanted.items()}
    for first, area in _arrays(sheet, book):
        cells = tuple(cells_of(area, sheet_of(first)))
        if wanted.keys().isdisjoint(cells):
            continue
        if area in wholes:
            for cell in cells:
                found.pop(cell, None)
            found[first] = NewFormula(wholes[area], area)
        else:
            for cell in cells:
                text = wanted.get(cell) or book.patterns[cell].text_at(cell)
                found[cell] = NewFormula(text, name_of(cell))
    return found


def _arrays(sheet: SheetXml, book: Book) -> Iterator[tuple[Address, str]]:
    """The cell in which each array formula stands, and the cells that it fills."""
    for cell, there in sheet.cells.items():
        formula = there.formula
        if formula is not None and formula.attribute("t") == "array":
            yield cell, formula.attribute("ref") if cell in book.arrays else name_of(cell)


# The copy ---------------------------------------------------------------------

BEFORE_CALCULATION = """
fileVersion fileSharing workbookPr workbookProtection bookViews sheets functionGroups
externalReferences definedNames
"""  # what the format puts before calcPr
FEWEST = 2  # steps that make a curve


@dataclass(frozen=True)
class CorrectedCopy:
    """The copy, and what became of the wrong cells."""

    content: bytes
    cells: int  # how many were corrected
    leftovers: tuple[str, ...]  # the wrong ones that could not be, and why
    new_errors: tuple[str, ...] = ()  # what was a number and would be an error


def correct(path: str | Path, report: BookReport) -> CorrectedCopy:
    """The workbook at `path` with the right formulas that the report knows."""
    copy = BytesIO()
    with package(path) as parts:
        patch = Patch(parts)
        book = book_of(parts)
        old = set(_outdated(book, report.findings))
        done, lost = _correct(patch, book, report.findings, old)
        patch.write(copy)
    content = copy.getvalue() if done else read_bytes(path, limits.BOOK)
    return CorrectedCopy(content, len(done), tuple(_left(book, report.findings, done)), lost)


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


def _outdated(book: Book, findings: Iterable[Finding]) -> Iterator[Address]:
    """The cells whose formulas are right and whose values are old."""
    for finding in findings:
        number = book.sheet_number(finding.sheet)
        if finding.kind == STALE and number is not None:
            yield from (c for c in cells_of(finding.cells, number) if c in book.patterns)


def _left(book: Book, findings: Iterable[Finding], done: set[Address]) -> Iterator[str]:
    for finding in findings:
        cells = list(cells_of(finding.cells, book.sheet_number(finding.sheet) or 0))
        rest = [cell for cell in cells if cell not in done]
        if rest or not cells:
            yield Message(
                "no formula to put into {cells} ({name})",
                cells=ranges(rest) or finding.cells,
                name=finding.quantity,
            )


def _correct(
    patch: Patch, book: Book, findings: Sequence[Finding], old: set[Address]
) -> tuple[set[Address], tuple[str, ...]]:
    """Put the right formulas into the sheets, where possible, and new values for the old ones; the
    cells that were corrected, and which others would no longer be numbers."""
    wanted = right_formulas(book, findings)
    if not wanted and not old:
        return set(), ()
    sheets = _sheets(patch, book, wanted)
    done = {cell for cell in wanted if not _is_what_if(sheets[sheet_of(cell)], cell)}
    flow = Flow(book)
    numbers = Evaluation(book, flow, {c: book.reader.pattern(wanted[c], c) for c in done})
    stale = _computed_from(book, flow, done | old) | done | old
    for number, sheet in sheets.items():
        here = {cell: wanted[cell] for cell in done if sheet_of(cell) == number}
        wholes = {
            f.cells: f.array for f in findings if f.array and f.sheet == book.sheets[number].title
        }
        formulas = new_formulas(sheet, book, here, wholes)
        changed = {cell for cell in stale if sheet_of(cell) == number} | formulas.keys()
        values = {c: numbers.value(c) if book.is_kept(c) else nan for c in changed}
        edits = list(with_formulas(sheet, formulas, values))
        for cell in changed - formulas.keys():
            if cell in sheet.cells:
                edits += with_value(sheet, sheet.cells[cell], values[cell])
        if edits:
            patch.put(book.sheets[number].part, apply_edits(sheet.data, edits))
    ask_to_calculate(patch)
    return done | old, tuple(_lost(book, Evaluation(book, flow), numbers, stale))


def _sheets(patch: Patch, book: Book, wanted: Collection[Address]) -> dict[int, SheetXml]:
    """The sheets that have formulas, now or soon."""
    found: dict[int, SheetXml] = {}
    for number in sorted({sheet_of(cell) for cell in (*book.patterns, *wanted)}):
        part = book.sheets[number].part
        here = (cell for cell in chain(book.patterns, wanted) if sheet_of(cell) == number)
        found[number] = read_sheet(patch.text(part), part, number, here)
    return found


def _lost(
    book: Book, before: Evaluation, after: Evaluation, cells: Iterable[Address]
) -> Iterator[str]:
    """Cells, sheet by sheet, that are numbers and would be errors."""
    lost = sorted(
        cell
        for cell in cells
        if not isfinite(after.value(cell))
        and isinstance(book.values.get(cell), float | None)
        and isfinite(before.value(cell))
    )
    for number, here in groupby(lost, key=sheet_of):
        title = quote_title(book.sheets[number].title)
        yield from (f"{title}!{part}" for part in ranges(here).split(","))


def _is_what_if(sheet: SheetXml, cell: Address) -> bool:
    """Whether a table of what-ifs fills the cell, whose formula is none to be read or typed."""
    there = sheet.cells.get(cell)
    formula = there.formula if there else None
    return formula is not None and formula.attribute("t") == "dataTable"


def _computed_from(book: Book, flow: Flow, cells: set[Address]) -> set[Address]:
    """What depends on the cells, and whatever may: formulas that aren't understood."""
    obscure = {
        cell
        for cell, pattern in book.patterns.items()
        if pattern.form is None
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
    patch.put(main, apply_edits(data, [edit]))


# How the loss would go on -----------------------------------------------------


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


# The copy is judged again: one that is no better is not made ------------------


@dataclass(frozen=True)
class Correction:
    """What became of a book that was to be corrected."""

    report: BookReport
    content: bytes = b""  # of the copy; empty where there is none
    objection: str = ""  # why there is none, though something is wrong
    leftovers: tuple[str, ...] = ()  # what is said of wrong cells that stay

    @property
    def problems(self) -> list[str]:
        """That there is no copy though something is wrong."""
        book = self.report.book
        if not self.objection:
            return []
        return [Message("no corrected copy of {book}: {reason}", book=book, reason=self.objection)]

    @property
    def remarks(self) -> list[str]:
        """What else is to be said of it."""
        nothing = Message("nothing to correct, so no copy")
        is_any = self.content or self.objection
        return [
            joined(": ", (self.report.book, what))
            for what in (*[nothing] * (not is_any), *self.leftovers)
        ]


Checking = Callable[[Sequence[str]], Iterator[BookReport]]


def corrections(reports: Sequence[BookReport], checking: Checking) -> Iterator[Correction]:
    """A correction of each book, in their order; copies are judged by `checking`."""
    with temporary_folder() as folder:
        made = [_made(report, Path(folder, f"{k}.xlsx")) for k, report in enumerate(reports)]
        paths = [path for _, path in made if path.exists()]
        again = checking([str(path) for path in paths])
        for report, (copy, path) in zip(reports, made, strict=True):
            if not isinstance(copy, CorrectedCopy):
                yield Correction(report, objection=copy)
            elif not path.exists():
                yield Correction(report, objection=_nothing_done(report), leftovers=copy.leftovers)
            elif why := objection(report, next(again), copy):
                yield Correction(report, objection=why)
            else:
                content = read_bytes(path, limits.BOOK)
                yield Correction(report, content, leftovers=copy.leftovers)


def _made(report: BookReport, path: Path) -> tuple[CorrectedCopy | str, Path]:
    """The copy of a book, its content at `path` where anything changes; or what prevents it."""
    try:
        copy = correct(report.book, report)
    except GradbookError as error:
        return words_of(error), path
    except Exception as error:
        return one_line(f"an internal error in gradbook ({type(error).__name__}: {error})"), path
    if copy.cells:
        write_whole(path, copy.content)
    return CorrectedCopy(b"", copy.cells, copy.leftovers, copy.new_errors), path


def _nothing_done(report: BookReport) -> str:
    if any(finding.fixes for finding in report.findings):
        return Message("its mistakes are in cells that can't be changed one by one")
    if not report.findings:
        return ""
    return Message("no right formula is known for what is wrong in it")


def objection(before: BookReport, after: BookReport, copy: CorrectedCopy) -> str:
    """Why a copy isn't better than its book; '' where it is."""
    if after.verdict == UNREADABLE:
        return Message("judged again, it can't be read: {problem}", problem=after.problem)
    if copy.new_errors:
        return _no_numbers(*copy.new_errors)
    if any(sheet.is_half_judged for sheet in after.sheets):
        return Message("judging it again takes too long")
    still = [name for key, name in _weights(before).items() if key not in _weights(after)]
    if still:
        return Message(
            "{weights} would no longer learn in it", weights=", ".join(dict.fromkeys(still))
        )
    (right, _), (good, of) = _graded(before), _graded(after)
    if good < right:
        return message_count(
            "judged again, {good} of its {count} gradient are right, not {right}",
            "judged again, {good} of its {count} gradients are right, not {right}",
            of,
            good=good,
            right=right,
        )
    bad, left = _mistakes(before), _mistakes(after)
    if good == right and left >= bad and after.verdict != RIGHT:
        return message_count(
            "judged again, {left} of {count} finding would be left",
            "judged again, {left} of {count} findings would be left",
            bad,
            left=left,
        )
    if after.verdict != RIGHT and _goes_astray(before):
        return Message("its loss would rise instead of fall")
    return ""


def _no_numbers(first: str, *more: str) -> Message:
    if not more:
        return Message("{cells} would no longer be numbers", cells=first)
    return message_count(
        "{cells} and {count} more range would no longer be numbers",
        "{cells} and {count} more ranges would no longer be numbers",
        len(more),
        cells=first,
    )


def _weights(report: BookReport) -> dict[tuple[str, str], str]:
    return {(s.sheet, name): name for s in report.sheets for name in s.weights}


def _graded(report: BookReport) -> tuple[int, int]:
    """How many gradients are right, and of how many."""
    marks = grade(report)
    return count_right(marks), len(marks)


def _mistakes(report: BookReport) -> int:
    return sum(finding.kind != TO_FILL_IN for finding in report.findings)


def _goes_astray(report: BookReport) -> bool:
    """Whether a loss that falls as the book has it wouldn't, once it is corrected."""
    for sheet in report.sheets:
        if sheet.curve is not None:
            made, corrected = sheet.curve.made, sheet.curve.corrected
            falls = isfinite(made[-1]) and made[-1] < made[0]
            if falls and not corrected[-1] < corrected[0]:
                return True
    return False
