"""Copies of workbooks with corrected formulas, which are judged again before anyone gets them.

Only the corrected cells change, and everything that the copy trains must be right. Cells that
depend on them get new values, or none if a formula isn't understood; the spreadsheet program is
told to recalculate all of them when it opens the copy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import chain, groupby
from math import fsum, isfinite, nan
from pathlib import Path

from gradbook import limits
from gradbook.audit.findings import RIGHT, STALE, UNREADABLE, BookReport, Finding, LossCurves
from gradbook.cells.added_sheets import ask_to_calculate
from gradbook.cells.book import Book, quote_title
from gradbook.cells.evaluate import Evaluation
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address, cells_of, name_of, ranges, sheet_of
from gradbook.cells.formula.pattern import UnknownReference
from gradbook.cells.package import WorkbookError, is_opendocument, package
from gradbook.cells.patch import CellEdit, NewFormula, Patch, SheetXml, read_sheet
from gradbook.cells.read import book_of
from gradbook.errors import GradbookError, one_line
from gradbook.files import read_bytes, write_whole
from gradbook.folders import temporary_folder
from gradbook.language.message import Message, joined, words_of

# Array formulas ---------------------------------------------------------------


def new_formulas(
    sheet: SheetXml, book: Book, wanted: Mapping[Address, str], wholes: Mapping[str, str]
) -> dict[Address, NewFormula]:
    """The formulas to put into a sheet's cells: the wanted ones, and others that must follow.

    Cells that share the old formula each get their own. A single cell of an array can't be
    changed: each gets its own formula, unless one is known that is right for all of them;
    `wholes` contains those, by the cells that they fill.
    """
    found = {cell: NewFormula(text) for cell, text in wanted.items()}
    for first, formula in sheet.formulas.items():
        if formula.attribute("t") != "array":
            continue
        area = formula.attribute("ref") if first in book.arrays else name_of(first)
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
    return {**dict(sheet.orphans(found)), **found}


# The copy ---------------------------------------------------------------------

FEWEST = 2  # steps for a curve
MOST_LEFT = 3  # places with a mistake that are listed
ROUNDING = 1e-12  # of the largest of the losses that are compared


@dataclass(frozen=True)
class CorrectedCopy:
    """A copy, and the result for the wrong cells."""

    content: bytes
    cells: int  # how many were corrected
    leftovers: tuple[str, ...]  # wrong cells that couldn't be corrected, and why
    new_errors: tuple[str, ...] = ()  # cells with numbers that would become errors


def correct(path: str | Path, report: BookReport) -> CorrectedCopy:
    """The workbook at `path` with all right formulas that the report contains."""
    copy = BytesIO()
    with package(path) as parts:
        if is_opendocument(parts):
            raise WorkbookError(
                "only .xlsx files can be corrected: save it as .xlsx and check that file"
            )
        patch, book = Patch(parts), book_of(parts)
        done, lost = _correct(patch, book, report.findings)
        patch.write(copy)
    content = copy.getvalue() if done else read_bytes(path, limits.BOOK)
    leftovers: list[str] = []
    for finding in report.findings:
        cells = _cells_of(book, finding)
        rest = [cell for cell in cells if cell not in done]
        if rest or not cells:
            left = Message(
                "no formula to put into {cells} ({name})",
                cells=ranges(rest) or finding.cells,
                name=finding.quantity,
            )
            leftovers.append(left)
    return CorrectedCopy(content, len(done), tuple(leftovers), lost)


def right_formulas(book: Book, findings: Iterable[Finding]) -> dict[Address, str]:
    """Each wrong cell with its right formula, without the =."""
    found: dict[Address, str] = {}
    for finding in findings:
        for name, formula in finding.fixes.items():
            for cell in _cells_of(book, finding, name):
                found.setdefault(cell, formula.removeprefix("="))
    return found


def _cells_of(book: Book, finding: Finding, cells: str = "") -> list[Address]:
    """A finding's cells, or some of them by name; empty if the sheet doesn't exist."""
    number = book.sheet_number(finding.sheet)
    return [] if number is None else list(cells_of(cells or finding.cells, number))


def _correct(
    patch: Patch, book: Book, findings: Sequence[Finding]
) -> tuple[set[Address], tuple[str, ...]]:
    """Put right formulas into the sheets where possible, and new values for outdated ones; return
    the corrected cells, and those that would no longer be numbers."""
    wanted = right_formulas(book, findings)
    stale = (f for f in findings if f.kind == STALE)
    old = {c for f in stale for c in _cells_of(book, f) if c in book.patterns}
    if not wanted and not old:
        return set(), ()
    sheets = _sheets(patch, book, wanted)
    done: set[Address] = set()
    for cell in wanted:
        formula = sheets[sheet_of(cell)].formulas.get(cell)
        if formula is None or formula.attribute("t") != "dataTable":
            done.add(cell)  # what a what-if table fills can't be read or typed
    flow = Flow(book)
    numbers = Evaluation(book, flow, {c: book.reader.pattern(wanted[c], c) for c in done})
    below = _computed_from(book, flow, done | old) | done | old
    for number, sheet in sheets.items():
        here = {cell: wanted[cell] for cell in done if sheet_of(cell) == number}
        title = book.sheets[number].title
        own = (finding.arrays for finding in findings if finding.sheet == title)
        wholes = {area: text for arrays in own for area, text in arrays.items()}
        formulas = new_formulas(sheet, book, here, wholes)
        changed = {cell for cell in below if sheet_of(cell) == number} | formulas.keys()
        values = {c: numbers.value(c) if book.is_kept(c) else nan for c in changed}
        there = formulas.keys() | (changed & sheet.cells.keys())
        edits = {c: CellEdit(formula=formulas.get(c), value=values[c]) for c in there}
        if edits:
            patch.edit(book.sheets[number].part, sheet.edits(edits))
    ask_to_calculate(patch)
    return done | old, tuple(_lost(book, Evaluation(book, flow), numbers, below))


def _sheets(patch: Patch, book: Book, wanted: Collection[Address]) -> dict[int, SheetXml]:
    """The sheets that contain formulas, before or after the correction."""
    found: dict[int, SheetXml] = {}
    for number in sorted({sheet_of(cell) for cell in (*book.patterns, *wanted)}):
        part = book.sheets[number].part
        here = (cell for cell in chain(book.patterns, wanted) if sheet_of(cell) == number)
        found[number] = read_sheet(patch.text(part), part, number, here)
    return found


def _lost(
    book: Book, before: Evaluation, after: Evaluation, cells: Iterable[Address]
) -> Iterator[str]:
    """The cells, sheet by sheet, that are numbers and would become errors."""
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


def _computed_from(book: Book, flow: Flow, cells: set[Address]) -> set[Address]:
    """All cells that depend on these, or may: formulas that aren't understood."""
    obscure = {
        cell
        for cell, pattern in book.patterns.items()
        if pattern.form is None
        or any(isinstance(mention, UnknownReference) for mention in pattern.mentions.values())
        or re.search(r"\b(INDIRECT|OFFSET)\(", pattern.key, re.IGNORECASE)
    }
    return flow.below(cells | obscure) | obscure


# The loss with corrected formulas ---------------------------------------------


def loss_curve(
    book: Book,
    flow: Flow,
    loss: Sequence[Sequence[Address]],
    findings: Iterable[Finding],
    weights: Collection[Address] = (),
) -> LossCurves | None:
    """The loss of each step as it is, and with all formulas corrected.

    None if no correction is known, if too few of the losses can be computed, or if both come to
    the same but for rounding.
    """
    right = right_formulas(book, findings)
    steps = [step for step in loss if step]
    if not right or len(steps) < FEWEST:
        return None
    given = ([book.values.get(cell) for cell in step] for step in steps)  # the values in the file
    made = tuple(fsum(v if isinstance(v, float) else nan for v in step) for step in given)
    if not all(map(isfinite, made)):
        made = _losses(Evaluation(book, flow), steps)
    instead = {cell: book.reader.pattern(text, cell) for cell, text in right.items()}
    corrected = _losses(Evaluation(book, flow, instead), steps)
    enough = all(sum(map(isfinite, losses)) >= FEWEST for losses in (made, corrected))
    size = max(abs(losses[k]) for losses in (made, corrected) for k in (0, -1))
    alike = abs(made[-1] - corrected[-1]) <= ROUNDING * size
    of_loss = {*steps[0], *flow.behind(steps[0], weights)}
    is_other = weights and not of_loss.isdisjoint(right.keys() - weights)
    return LossCurves(made, corrected, bool(is_other)) if enough and not alike else None


def _losses(numbers: Evaluation, steps: Sequence[Sequence[Address]]) -> tuple[float, ...]:
    return tuple(sum(numbers.value(cell) for cell in step) for step in steps)


# A copy is judged again, and discarded if it isn't right ----------------------


@dataclass(frozen=True)
class Correction:
    """The result for a workbook that was to be corrected."""

    report: BookReport
    content: bytes = b""  # of the copy; empty if there is none
    objection: str = ""  # why there is no copy though something is wrong
    after: BookReport | None = None  # on the copy

    @property
    def problems(self) -> list[str]:
        """The message that there is no copy though something is wrong."""
        book = self.report.book
        if not self.objection:
            return []
        return [Message("no corrected copy of {book}: {reason}", book=book, reason=self.objection)]

    @property
    def remarks(self) -> list[str]:
        """The message that there is no copy because nothing is wrong."""
        is_any = self.content or self.objection
        nothing = Message("nothing to correct, so no copy")
        return [] if is_any else [joined(": ", (self.report.book, nothing))]


Checking = Callable[[Sequence[str]], Iterator[BookReport]]


def correction_of(
    report: BookReport, check: Callable[[str], BookReport], only: Finding | None = None
) -> Correction:
    """The correction of one workbook, or of only one finding in it; `check` judges the copy."""
    others = [it for it in report.findings if only is not None and it != only]
    sheets = (
        replace(sheet, findings=tuple(it for it in sheet.findings if it not in others))
        for sheet in report.sheets
    )
    wanted = replace(report, sheets=tuple(sheets))
    (made,) = corrections([wanted], lambda copies: map(check, copies), others)
    return made


def corrections(
    reports: Sequence[BookReport], checking: Checking, others: Collection[Finding] = ()
) -> Iterator[Correction]:
    """A correction of each workbook, in order; `checking` judges the copies, in which other
    findings than those of the reports may remain."""
    with temporary_folder() as folder:
        paths = [Path(folder, f"{number}.xlsx") for number in range(len(reports))]
        copies = list(map(_written, reports, paths))
        again = checking([str(path) for path in paths if path.exists()])
        for report, path, copy in zip(reports, paths, copies, strict=True):
            if isinstance(copy, str):
                yield Correction(report, objection=copy)
            elif not path.exists():
                yield Correction(report, objection=_nothing_done(report))
            else:
                after = next(again)
                why = objection(report, after, copy, others)
                content = b"" if why else read_bytes(path, limits.BOOK)
                yield Correction(report, content, why, after)


def _written(report: BookReport, path: Path) -> CorrectedCopy | str:
    """The copy of a workbook, written to `path` if anything changes; or the reason against it."""
    try:
        copy = correct(report.book, report)
    except GradbookError as error:
        return words_of(error)
    except Exception as error:
        return one_line(f"an internal error in gradbook ({type(error).__name__}: {error})")
    if copy.cells:
        write_whole(path, copy.content)
    return replace(copy, content=b"")


def _nothing_done(report: BookReport) -> str:
    if any(finding.fixes for finding in report.findings):
        return Message("its mistakes are in cells that can't be changed one by one")
    if not report.findings:
        return ""
    return Message("no right formula is known for what is wrong in it")


def objection(
    before: BookReport,
    after: BookReport,
    copy: CorrectedCopy,
    others: Collection[Finding] = (),
) -> str:
    """Why a copy isn't right in everything that its workbook trains, but for other findings, which
    weren't to be corrected; '' if it is."""
    if after.verdict == UNREADABLE:
        return Message("the copy can't be read: {problem}", problem=after.problem)
    if copy.new_errors:
        cells = ", ".join(copy.new_errors)
        return Message("{cells} would no longer be numbers", cells=cells)
    if any(sheet.is_half_judged for sheet in after.sheets):
        return Message("judging the copy takes too long")
    there = {(sheet.sheet, name) for sheet in after.sheets for name in sheet.weights}
    trained = ((sheet.sheet, name) for sheet in before.sheets for name in sheet.weights)
    still = dict.fromkeys(name for sheet, name in trained if (sheet, name) not in there)
    if still:
        return Message("{weights} would no longer be trained in the copy", weights=", ".join(still))
    known = {place for finding in others for place in _places(finding)}
    left = list(dict.fromkeys(f.cells for f in after.findings if not _places(f) <= known))
    if after.verdict == RIGHT or (others and not left):
        return ""
    if copy.leftovers:
        return joined("; ", copy.leftovers)
    if not after.findings:
        return Message("judged again, it is {verdict}", verdict=Message(after.verdict))
    few = ", ".join([*left[:MOST_LEFT], *["…"] * (len(left) > MOST_LEFT)])
    return Message("the copy would still be wrong in {cells}", cells=few)


def _places(finding: Finding) -> set[tuple[str, Address]]:
    return {(finding.sheet, cell) for cell in cells_of(finding.cells, 0)}
