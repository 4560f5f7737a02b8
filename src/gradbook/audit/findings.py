"""The records of an audit: books, their sheets, findings, marks, and what a class has in common."""

from __future__ import annotations

import hashlib
import re
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import Any, Generic, TypeVar

from gradbook import limits
from gradbook.amounts import rough_percent
from gradbook.audit.origin import Origin
from gradbook.cells.book import Book, show_value
from gradbook.cells.formula.address import (
    DOWN,
    Address,
    Axis,
    cells_of,
    column_of,
    edit_cells,
    letters,
    name_of,
    ranges,
    row_of,
    sheet_of,
)
from gradbook.cells.formula.changes import said_change
from gradbook.cells.formula.expression import Edit
from gradbook.cells.formula.pattern import Pattern
from gradbook.files import read_bytes
from gradbook.language import mark
from gradbook.language.message import Message, WrittenNumber
from gradbook.looks import look

Result = TypeVar("Result")

# Books, sheets, findings ------------------------------------------------------

RIGHT, WRONG, FROZEN, UNFINISHED = (
    mark("right"),
    mark("wrong"),
    mark("frozen"),
    mark("unfinished"),
)
FORWARD_PASS, NO_NETWORK = mark("forward pass"), mark("no network")
UNREADABLE = mark("unreadable")
VERDICTS = {
    RIGHT: "every gradient is the derivative of the loss, and every weight is updated with it; or "
    "every update follows the perceptron rule",
    WRONG: "it contains mistakes: the findings say which",
    FROZEN: "it has values where formulas belong, or its learning rate is blank: nothing learns",
    UNFINISHED: "no weight is updated yet, gradients are still to be filled in, or a part of it "
    "isn't understood",
    FORWARD_PASS: "it computes a forward pass, and no weight is trained",
    NO_NETWORK: "it has no loss and no weight that is updated",
    UNREADABLE: "it isn't a workbook, is damaged, or exceeds the limits",
}
"""The verdicts on a book or a sheet, and what they mean."""

WORST_FIRST = (UNREADABLE, WRONG, FROZEN, UNFINISHED, RIGHT, FORWARD_PASS, NO_NETWORK)

TO_FILL_IN = mark("to fill in")
BLANK_RATE = mark("blank rate")
BLANK_REFERENCE = mark("blank reference")
PASTED = mark("pasted value")
TYPED_RIGHT = "right numbers typed"  # an edit: the same in every column that has them
NUMBER_TEXT = mark("number as text")
FORMULA_TEXT = mark("formula as text")
BLANK_CELL = mark("blank cell")
TIED = mark("frozen row")
OTHER_SLOPE = mark("another slope")
WRONG_RATE = mark("wrong rate")
NO_RATE = mark("missing rate")
NO_WEIGHT = mark("missing weight")
STALE = mark("stale value")
ANOTHER_ROW = mark("another row")
DEPARTING_ROW = mark("departing row")
DRIFTING_RATE = mark("drifting rate")
OTHER_GRADIENT = mark("another weight's gradient")
CHANGED = mark("changed cell")
SWAPPED_COLUMNS = mark("swapped columns")
CIRCULAR = mark("circular reference")
UNJUDGED = mark("can't be judged")
KINDS = {
    mark("wrong reference"): mark("a cell is used where another belongs"),
    mark("swapped references"): mark("two cells are exchanged"),
    mark("pre-activation"): mark("one or more sums are used where their activations belong"),
    BLANK_REFERENCE: mark("a blank cell is used"),
    mark("text reference"): mark("a cell with text is used"),
    ANOTHER_ROW: mark("a cell is taken from another row or another step"),
    TIED: mark("a $ ties the formula to one row, so that every copy computes that row again"),
    mark("wrong number"): mark("a number isn't the one it should be"),
    mark("wrong operator"): mark("an operator is wrong, such as a product instead of a difference"),
    mark("wrong order"): mark("a difference or quotient is reversed"),
    mark("wrong sign"): mark("a minus sign is missing or superfluous"),
    mark("wrong range"): mark(
        "the range of a SUM, AVERAGE or similar begins or ends in the wrong place"
    ),
    mark("wrong function"): mark(
        "LOG (base 10) instead of LN, or a function is applied once too often"
    ),
    mark("parentheses"): mark("parentheses are missing, superfluous or misplaced"),
    mark("transposition"): mark("a matrix should be transposed, or shouldn't"),
    mark("missing factor"): mark("a factor of the chain rule is left out"),
    mark("missing term"): mark("a path of the chain rule is left out"),
    mark("one factor or term too many"): mark("something is included that doesn't belong"),
    mark("wrong formula"): mark(
        "most of the formula is wrong; the whole right one is shown if it is known"
    ),
    DEPARTING_ROW: mark("one formula differs from its copies below or beside it"),
    PASTED: mark("a typed number or text where a formula belongs"),
    NUMBER_TEXT: mark("a text that looks like a number, maybe with a decimal comma"),
    FORMULA_TEXT: mark("a formula is stored as text, so that nothing computes it"),
    BLANK_CELL: mark("a blank cell where the rest of the column has a formula"),
    STALE: mark("the value in the file isn't the result of the formula"),
    DRIFTING_RATE: mark(
        "the reference to the learning rate isn't anchored and moves with the rows"
    ),
    WRONG_RATE: mark("another cell is used for the learning rate"),
    BLANK_RATE: mark("the learning rate is blank or not a number"),
    OTHER_SLOPE: mark("the slope of another activation, such as tanh's where sigmoid's belongs"),
    NO_RATE: mark("the update subtracts the gradient without the learning rate"),
    NO_WEIGHT: mark("the update is only the change: the old weight is missing"),
    OTHER_GRADIENT: mark(
        "the update uses the gradient of another weight, or the column contains it"
    ),
    SWAPPED_COLUMNS: mark("two columns of an exercise are exchanged"),
    CHANGED: mark("a given cell of an exercise was changed"),
    mark("adds the gradient"): mark("the update adds the gradient instead of subtracting it"),
    mark("wrong update"): mark(
        "the update isn't the weight minus rate times gradient: it has an extra factor or number"
    ),
    mark("loss without a term"): mark("the loss omits a term that the gradients include"),
    CIRCULAR: mark("a cell depends on itself"),
    UNJUDGED: mark(
        "a formula of an exercise that can't be followed, because of a function, a name or its form"
    ),
    TO_FILL_IN: mark(
        "a gradient, or a column that formulas use, is still blank, as in an exercise"
    ),
}
"""The kinds of mistakes, and what they mean."""


GRADIENT, CHANGE = "∂E/∂", "Δ"
"""What is judged for each weight: its gradient or, for a rule without one, its change."""

RECORDED = (
    *("kind", "quantity", "weight", "sheet", "cells", "formula", "change", "expected", "why"),
    "relative_error",
)
"""The fields of each finding in --json."""


@dataclass(frozen=True)
class Finding:
    """One mistake, with all the cells that contain it."""

    kind: str  # the kind of mistake
    quantity: str  # ∂E/∂w3, w3, E_total, η
    weight: str  # w3
    cells: str  # Z33:Z100
    formula: str  # in the first of those cells
    expected: str  # the right one, with the sheet's own cells; '' if unknown
    why: str  # a sentence
    relative_error: float | None = None
    sheet: str = ""
    fixes: Mapping[str, str] = field(default_factory=dict)  # cell → its right formula
    spoils: tuple[str, ...] = ()  # weights with wrong gradients because of it, if several
    edits: tuple[str, ...] = ()  # the correction, with cells by name: the same in any table
    judges: str = GRADIENT  # what is judged for each weight
    first_step: int = 0  # the first one with it: earlier steps are right
    arrays: Mapping[str, str] = field(default_factory=dict)  # the cells of an array → its formula

    def cells_in(self, book: Book) -> list[Address]:
        """Its cells in the book."""
        return list(cells_of(self.cells, book.sheet_number(self.sheet) or 0))

    @property
    def is_own(self) -> bool:
        """Whether the mistake is in the formula of one weight's gradient, or of its change."""
        return not self.spoils and self.quantity.startswith(("∂", CHANGE))

    @property
    def change(self) -> str:
        """The shortest change that makes the formula right, if that is shorter than the formula."""
        is_whole = self.formula.startswith("{") == self.expected.startswith("{")
        return said_change(self.formula, self.expected) if is_whole else ""

    def __post_init__(self) -> None:
        assert self.kind in KINDS, f"a finding of the kind {self.kind!r}, which nobody documented"


def finding_in(
    book: Book,
    cells: Sequence[Address],
    kind: str,
    quantity: str,
    why: str,
    weight: str = "",
    right: Pattern | None = None,
    edits: Sequence[Edit] = (),
) -> Finding:
    """A finding for cells of one sheet, with the right formula if it is known."""
    return Finding(
        kind=kind,
        quantity=quantity,
        weight=weight,
        cells=ranges(cells),
        formula=book.content(cells[0]),
        expected=f"={right.text_at(cells[0])}" if right else "",
        why=why,
        sheet=book.sheets[sheet_of(cells[0])].title,
        fixes={name_of(cell): f"={right.text_at(cell)}" for cell in cells} if right else {},
        edits=tuple(edit.description for edit in edits),
    )


def content_of(book: Book, cell: Address) -> str:
    """The content of a cell without a formula: the number 3."""
    value = book.values.get(cell)
    if isinstance(value, float):
        return Message("the number {number}", number=WrittenNumber(show_value(value)))
    return Message("nothing") if value is None else Message("a text")


RATE_LEFT_OUT = Message("the learning rate η is missing: η times the gradient must be subtracted")


def departing_from_column(cell: Address) -> Message:
    """The message that a row isn't a copy of those around it."""
    return Message("{cell} differs from the rest of its column", cell=name_of(cell))


MOST_SHOWN = 40  # characters of a text
DIGITS = frozenset("0123456789.,eE+-−'’ \u00a0%")


def typed_in(book: Book, cell: Address, name: str) -> tuple[str, str]:
    """The kind and the reason of a finding for a cell without the formula that belongs there: it is
    blank, or contains a number, a text that looks like a number or a formula, or another text."""
    value, here = book.values.get(cell), name_of(cell)
    if book.is_blank(cell):
        return BLANK_CELL, Message(
            "{cell} is blank where the formula of {name} belongs", cell=here, name=name
        )
    if not isinstance(value, str):
        return PASTED, Message(
            "{cell} contains {number}, a typed number, where the formula of {name} belongs",
            cell=here,
            number=WrittenNumber(show_value(value)),
            name=name,
        )
    if is_formula_text(value):
        return FORMULA_TEXT, Message(
            "the formula in {cell} is stored as text, so nothing computes it: set the cell's "
            "format to General and enter the formula again, without an apostrophe",
            cell=here,
        )
    text = repr(value[:MOST_SHOWN])
    if number_in(value) is not None:
        if "," in value:
            text = Message("{text} (with a decimal comma)", text=text)
        return NUMBER_TEXT, Message(
            "{cell} contains {text}, a text that only looks like a number: the formula of {name} "
            "belongs there",
            cell=here,
            text=text,
            name=name,
        )
    return PASTED, Message(
        "{cell} contains the text {text} where the formula of {name} belongs",
        cell=here,
        text=text,
        name=name,
    )


TIED_DOWN = mark(
    "{cell} is right, but because of its $ every copy refers to row {place} and computes {cell} "
    "again: leave out the $ before the row numbers"
)
TIED_ACROSS = mark(
    "{cell} is right, but because of its $ every copy refers to column {place} and computes {cell} "
    "again: leave out the $ before the column letters"
)
TIED_STEPS = mark("the $ makes every step use {cell}, though each computes its own: leave it out")


def tied(first: Address, to: Address, axis: Axis, computes_again: bool = True) -> Message:
    """The message that copies of a right formula refer to the row, or column, of some cell, and
    compute the first result again or continue from it."""
    if not computes_again:
        return Message(TIED_STEPS, cell=name_of(to))
    if axis is DOWN:
        return Message(TIED_DOWN, cell=name_of(first), place=row_of(to) + 1)
    return Message(TIED_ACROSS, cell=name_of(first), place=letters(column_of(to)))


def only_the_change(weight: str) -> Message:
    """The message that an update lacks the old weight."""
    return Message(
        "this is only the change of {weight}: η·∂E/∂{weight} must be subtracted from the "
        "old {weight}, in the row above",
        weight=weight,
    )


def is_formula_text(value: str) -> bool:
    return len(value) > 1 and value.lstrip(" '\u00a0").startswith("=")


def number_in(value: str) -> float | None:
    """The number that a text seems to contain, with a point or a comma as the decimal mark."""
    if len(value) > MOST_SHOWN or not DIGITS.issuperset(value):
        return None
    plain = "".join(c for c in value.replace("−", "-") if c not in "'’ \u00a0%")
    point, comma = plain.rfind("."), plain.rfind(",")
    plain = plain.replace("," if comma < point else ".", "") if min(point, comma) >= 0 else plain
    try:
        return float(plain.replace(",", "."))
    except ValueError:
        return None


def off_by(share: float) -> str:
    """The relative error in words: 0.025 %, 101 times its size."""
    times = rough_percent(share).removesuffix(" times its size")
    if times != rough_percent(share):
        return Message("{times} times its size", times=WrittenNumber(times))
    return WrittenNumber(times)


@dataclass(frozen=True)
class LossCurves:
    """The loss of each step, with the sheet's gradients and with the right ones."""

    made: tuple[float, ...]
    corrected: tuple[float, ...]
    is_climbed: bool = False  # whether it is to grow, as a likelihood does
    is_other_loss: bool = False  # whether formulas of the loss itself, or before it, are corrected


CARRIED = "carried"
"""A further state of a column in an exercise: right, except that it uses a wrong cell of the
student's own."""


@dataclass(frozen=True)
class AskedColumn:
    """A column that an exercise leaves blank."""

    quantity: str
    sheet: str
    cells: str
    kind: str  # forward, loss, gradients, update
    state: str = ""  # if the column was judged separately
    made_of: tuple[str, ...] = ()  # the columns whose mistakes carry over to it
    elsewhere: str = ""  # the place of its right formulas, if it is blank: 'My work'!C5:C24
    elsewhere_rows: float = 0.0  # the share of its rows with a right formula there


@dataclass(frozen=True)
class SheetReport:
    """One training: where it is, and what is wrong with it."""

    sheet: str  # its title
    verdict: str  # like that of the book
    loss: str = ""  # the loss, and its cell
    rate: str = ""
    weights: tuple[str, ...] = ()  # their names
    rows: tuple[int, int] | None = None
    findings: tuple[Finding, ...] = ()  # the mistakes, with their cells
    notes: tuple[str, ...] = ()  # further remarks
    curve: LossCurves | None = None
    asked: tuple[AskedColumn, ...] = ()  # in an exercise
    rule: str = ""  # the learning rule, if it has no gradient: perceptron
    updates: int = 0  # updates that were compared with the rule
    is_half_judged: bool = False  # without a finding, it may still be wrong
    steps: int = 0  # steps of a training; each has a cell for every gradient
    columns: tuple[str, str] | None = None  # if its steps go across


@dataclass(frozen=True)
class BookReport:
    """The result of a workbook's audit. Printed, it is the report."""

    book: str
    verdict: str  # right, wrong …: the worst of its sheets
    sheets: tuple[SheetReport, ...] = ()  # one for each training
    problem: str = ""  # why it could not be read
    fingerprint: str = ""  # equal for identical files
    formulas: int = 0
    notes: tuple[str, ...] = ()  # such as parts that weren't examined
    origin: Origin = field(default_factory=Origin)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of all its sheets."""
        return tuple(finding for sheet in self.sheets for finding in sheet.findings)

    def __str__(self) -> str:
        return look("BookReport as text", self)

    def _repr_html_(self) -> str:
        return look("BookReport as html", self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))


class MappedReports(Sequence[Result], Generic[Result]):
    """The results of a function of each report, computed on access."""

    def __init__(self, reports: Sequence[BookReport], make: Callable[[BookReport], Result]) -> None:
        self.reports, self.make = reports, make

    def __len__(self) -> int:
        return len(self.reports)

    def __getitem__(self, number: Any) -> Any:
        return self.make(self.reports[number])


def fingerprint_of(path: str | PathLike[str]) -> str:
    return hashlib.sha256(read_bytes(path, limits.BOOK)).hexdigest()[:16]


def record_of(report: BookReport) -> dict[str, object]:
    """One book for --json."""
    more: dict[str, object] = {"problem": report.problem} if report.problem else {}
    if report.notes:
        more["notes"] = list(report.notes)
    sheets = [_sheet(sheet) for sheet in report.sheets]
    return {"book": report.book, "verdict": report.verdict, **more, "sheets": sheets}


def _sheet(report: SheetReport) -> dict[str, object]:
    return {
        "sheet": report.sheet,
        "verdict": report.verdict,
        "loss": report.loss or None,
        "rate": report.rate or None,
        "rule": report.rule or None,
        "updates": report.updates or None,
        "weights": list(report.weights),
        "rows": list(report.rows) if report.rows else None,
        "columns": list(report.columns) if report.columns else None,
        "notes": list(report.notes),
        "findings": [{name: getattr(f, name) for name in RECORDED} for f in report.findings],
    }


def new_findings(found: Sequence[Finding], known: Sequence[Finding]) -> Iterator[Finding]:
    """The findings in cells without earlier findings."""
    told = {(one.sheet, cell) for one in known for cell in cells_of(one.cells, 0)}
    for one in found:
        if told.isdisjoint((one.sheet, cell) for cell in cells_of(one.cells, 0)):
            yield one


# Marks ------------------------------------------------------------------------

GOOD, BAD, BLANK = "right", "wrong", mark("to fill in")
GRADIENTS = "gradients"  # a kind of column


@dataclass(frozen=True)
class Mark:
    """The result for one gradient, or another column of an exercise."""

    weight: str
    state: str
    column: AskedColumn | None = None
    judges: str = GRADIENT  # what is judged for the weight

    @property
    def name(self) -> str:
        return self.column.quantity if self.column else f"{self.judges}{self.weight}"


def grade(report: BookReport) -> list[Mark]:
    """A mark for every gradient of a book; none if nothing could be checked."""
    return [mark for sheet in report.sheets for mark in marks_of(sheet)]


def count_right(marks: Iterable[Mark]) -> int:
    return sum(mark.state == GOOD for mark in marks)


def marks_of(sheet: SheetReport) -> Iterator[Mark]:
    """A mark for every gradient of a training, or for every column of an exercise.

    None if the sheet is too large to be judged completely.
    """
    if sheet.is_half_judged:
        return
    if any(column.state for column in sheet.asked):  # each was judged separately
        for column in sheet.asked:
            state = {RIGHT: GOOD, CARRIED: GOOD, TO_FILL_IN: BLANK}.get(column.state, BAD)
            weight = column.quantity.removeprefix(GRADIENT)
            yield Mark(weight if weight in sheet.weights else "", state, column)
        return
    asked = {column.quantity for column in sheet.asked}
    gradients = {f"{GRADIENT}{weight}" for weight in sheet.weights}
    yield from (one for one in _gradients(sheet) if not asked or one.name in asked)
    for column in sheet.asked:
        if column.quantity not in gradients:
            kinds = {finding.kind for finding in sheet.findings if is_in(finding, column)}
            state = BLANK if kinds == {TO_FILL_IN} else BAD if kinds else GOOD
            yield Mark("", state, column)


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


def is_in(finding: Finding, column: AskedColumn) -> bool:
    """Whether a finding is in that column."""
    if finding.sheet.lower() != column.sheet.lower():
        return False
    own = set(cells_of(column.cells, 0))
    return any(cell in own for cell in cells_of(finding.cells, 0))


def is_untouched(report: BookReport) -> bool:
    """Whether a book is an exercise in which nobody has filled anything in."""
    findings = report.findings
    if not findings or any(finding.kind != TO_FILL_IN for finding in findings):
        return False
    blank, asked = (
        {(one.sheet.lower(), cell) for one in some for cell in cells_of(one.cells, 0)}
        for some in (findings, [column for sheet in report.sheets for column in sheet.asked])
    )
    return bool(asked) and asked <= blank


# What the books of a class share ----------------------------------------------


@dataclass(frozen=True)
class SharedMistakes:
    """Mistakes that the same books make, each with the finding of the first book."""

    books: tuple[str, ...]
    findings: tuple[Finding, ...]


def shared_mistakes(reports: Sequence[BookReport]) -> list[SharedMistakes]:
    """Return the mistakes that several books make in the same way, the most frequent first.

    Only the indices of mistakes and books are kept, since there may be 100,000 books.
    """
    names: list[str] = []
    books: defaultdict[int, array[int]] = defaultdict(lambda: array("q"))
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
        found.append(SharedMistakes(tuple(names[k] for k in numbers), findings))
    return sorted(found, key=lambda shared: -len(shared.books))


def _wrong(report: BookReport) -> list[Finding]:
    return [finding for finding in report.findings if finding.kind != TO_FILL_IN]


def _mistake(finding: Finding) -> int:
    """A key: in any place, a mistake has the same kind, quantity and edits, or change, and the same
    value if one was pasted over a formula."""
    what = finding.edits or _change(finding)
    is_formula = finding.formula.startswith(("=", "{="))
    pasted = "" if is_formula or finding.spoils else finding.formula  # in a column they differ
    return hash((finding.kind, finding.quantity, what, pasted))


def _change(finding: Finding) -> str:
    """A formula and the right one, with numbers for the cells that they refer to."""
    numbers: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        cell = found["column"] + found["row"]
        return f"[{numbers.setdefault(cell, len(numbers))}]"

    is_formula = finding.formula.startswith(("=", "{="))
    return edit_cells(f"{finding.formula} {finding.expected}", number) if is_formula else ""


def identical_files(reports: Iterable[BookReport]) -> list[tuple[str, ...]]:
    """Books with identical files, byte for byte."""
    first: dict[str, str] = {}
    more: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for report in reports:
        if report.fingerprint and first.setdefault(report.fingerprint, report.book) != report.book:
            more[report.fingerprint][report.book] = None
    return [(name, *more[same]) for same, name in first.items() if same in more]


# Hints: the place and the kind of a mistake, without the solution ------------------

HINTS = {
    "wrong formula": mark("this isn't the gradient of the loss; derive it by the chain rule"),
    TO_FILL_IN: mark("this is still to be filled in"),
}
"""What to look for, if the kind's own text doesn't tell."""
SEVERAL = " … "  # in the quantity of a mistake in all gradients: ∂E/∂w1 … ∂E/∂w8
IN_ALL = dict.fromkeys(
    ("missing factor", "one factor or term too many", "wrong number"),
    mark("the same factor is superfluous or missing in each"),
)
HARMLESS = (STALE, BLANK_RATE, CHANGED, CIRCULAR, UNJUDGED)
"""Kinds whose reasons may be shown: they don't give away the right formula."""


def hint(finding: Finding) -> str:
    """What the student should look for."""
    if finding.kind in HARMLESS:
        return finding.why
    what = Message(HINTS.get(finding.kind, KINDS[finding.kind]))
    if SEVERAL in finding.quantity:
        what = Message(
            "all of them are wrong in the same way: {meaning}",
            meaning=Message(IN_ALL.get(finding.kind, what)),
        )
    return Message("look again: {what}", what=what)


def with_hints(report: BookReport) -> BookReport:
    """The report without any solutions. What findings have in common with others is kept."""
    sheets: list[SheetReport] = []
    for sheet in report.sheets:
        hints = (replace(f, why=hint(f), expected="", fixes={}) for f in sheet.findings)
        sheets.append(replace(sheet, findings=tuple(hints)))
    return replace(report, sheets=tuple(sheets))
