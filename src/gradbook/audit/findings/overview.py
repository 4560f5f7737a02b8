"""What reports come to: how many gradients are right, and what the books of a class share."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from gradbook.audit.findings.findings import (
    CHANGE,
    GRADIENT,
    RIGHT,
    TO_FILL_IN,
    UNFINISHED,
    AskedColumn,
    BookReport,
    Finding,
    SheetReport,
)
from gradbook.audit.formula.address import cells_of

GOOD, BAD, BLANK = "right", "wrong", "to fill in"
GRADIENTS = "gradients"  # a kind of what is asked for


@dataclass(frozen=True)
class Mark:
    """What became of one gradient, or of another column that an exercise asks for."""

    weight: str
    state: str
    column: AskedColumn | None = None
    judges: str = GRADIENT  # what of the weight

    @property
    def name(self) -> str:
        return self.column.quantity if self.column else f"{self.judges}{self.weight}"


def grade(report: BookReport) -> list[Mark]:
    """A mark for every gradient of a book; none where nothing could be checked."""
    return [mark for sheet in report.sheets for mark in marks_of(sheet)]


def right_ones(marks: Iterable[Mark]) -> int:
    return sum(mark.state == GOOD for mark in marks)


def marks_of(sheet: SheetReport) -> Iterator[Mark]:
    """A mark for every gradient of a training; for what is asked for, of an exercise.

    None where there was too much of it to judge it to the end.
    """
    if sheet.is_half_judged:
        return
    if any(column.state for column in sheet.asked):
        yield from map(partial(_judged, sheet), _counted(sheet))
        return
    asked = {column.quantity for column in sheet.asked}
    for mark in _gradients(sheet):
        if not asked or mark.name in asked:
            yield mark
    for column in _other_columns(sheet):
        yield Mark("", _state(sheet, column), column)


def _counted(sheet: SheetReport) -> list[AskedColumn]:
    """The columns of an exercise that have a mark each: where every gradient is asked for, those
    that they are made of have none."""
    others = {column.quantity for column in _other_columns(sheet)}
    gradients = {f"{GRADIENT}{weight}" for weight in sheet.weights}
    judged = (column for column in sheet.asked if column.state != UNFINISHED)
    return [column for column in judged if column.quantity in others | gradients]


def _judged(sheet: SheetReport, column: AskedColumn) -> Mark:
    """The mark of a column that was judged by itself."""
    state = {RIGHT: GOOD, TO_FILL_IN: BLANK}.get(column.state, BAD)
    weight = column.quantity.removeprefix(GRADIENT)
    is_gradient = column.quantity.startswith(GRADIENT) and weight in sheet.weights
    return Mark(weight, state) if is_gradient else Mark("", state, column)


def _gradients(sheet: SheetReport) -> Iterator[Mark]:
    blank = {f.weight for f in sheet.findings if f.kind == TO_FILL_IN}
    if not (sheet.loss or sheet.rule or blank):
        return
    wrong = {
        weight
        for finding in sheet.findings
        if finding.kind != TO_FILL_IN and (finding.spoils or finding.is_own)
        for weight in finding.spoils or (finding.weight,)
    }
    for weight in sheet.weights:
        state = BAD if weight in wrong else BLANK if weight in blank else GOOD
        yield Mark(weight, state, judges=CHANGE if sheet.rule else GRADIENT)


def _other_columns(sheet: SheetReport) -> list[AskedColumn]:
    """Columns that are asked for and are no weight's gradient.

    Where every gradient is asked for, those that they are made of aren't counted, too.
    """
    asked = [column.quantity for column in sheet.asked]
    gradients = {f"∂E/∂{weight}" for weight in sheet.weights}
    every = gradients <= set(asked)
    return [
        column
        for column in sheet.asked
        if column.quantity not in gradients and not (every and column.kind == GRADIENTS)
    ]


def _state(sheet: SheetReport, column: AskedColumn) -> str:
    kinds = {finding.kind for finding in sheet.findings if is_in(finding, column)}
    if not kinds:
        return GOOD
    return BLANK if kinds == {TO_FILL_IN} else BAD


def is_in(finding: Finding, column: AskedColumn) -> bool:
    """Whether something is wrong, or missing, in that column."""
    if finding.sheet.lower() != column.sheet.lower():
        return False
    own = set(cells_of(column.cells, 0))
    return any(cell in own for cell in cells_of(finding.cells, 0))


# Of a class -------------------------------------------------------------------


@dataclass(frozen=True)
class Shared:
    """Mistakes that the same books make, each with what the first of them says of it."""

    books: tuple[str, ...]
    findings: tuple[Finding, ...]


def shared_mistakes(reports: Sequence[BookReport]) -> list[Shared]:
    """What more than one book has wrong in the same way, what most have first.

    Kept are numbers alone, of mistakes and of books, for there may be 100,000 books.
    """
    names: list[str] = []
    books: defaultdict[int, array[int]] = defaultdict(_numbers)
    for number, report in enumerate(reports):
        names.append(report.book)
        for mistake in dict.fromkeys(map(_mistake, _wrong(report))):
            books[mistake].append(number)
    together: defaultdict[bytes, list[int]] = defaultdict(list)
    for mistake, numbers in books.items():
        if len(numbers) > 1:
            together[numbers.tobytes()].append(mistake)
    found = []
    for same in together.values():
        numbers = books[same[0]]
        example = {_mistake(finding): finding for finding in reversed(_wrong(reports[numbers[0]]))}
        findings = tuple(example[mistake] for mistake in same)
        found.append(Shared(tuple(names[k] for k in numbers), findings))
    return sorted(found, key=lambda shared: -len(shared.books))


def _numbers() -> array[int]:
    return array("q")


def _wrong(report: BookReport) -> list[Finding]:
    return [finding for finding in report.findings if finding.kind != TO_FILL_IN]


def _mistake(finding: Finding) -> int:
    """A number for it: wherever it stands, one mistake is of one kind, in one quantity, undone by
    the same edits, and the same value if that was pasted over a formula."""
    return hash((finding.kind, finding.quantity, finding.edits, _pasted(finding)))


def _pasted(finding: Finding) -> str:
    """The value of a single pasted cell; of a whole column, all are different."""
    formula = finding.formula.startswith(("=", "{="))
    return "" if formula or finding.spoils else finding.formula


def identical_files(reports: Iterable[BookReport]) -> list[tuple[str, ...]]:
    """Books whose files are equal to the last byte."""
    first: dict[str, str] = {}
    more: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for report in reports:
        if report.fingerprint and first.setdefault(report.fingerprint, report.book) != report.book:
            more[report.fingerprint][report.book] = None
    return [(name, *more[same]) for same, name in first.items() if same in more]
