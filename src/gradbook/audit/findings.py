"""What an audit says: books, their sheets, what is wrong where, and what that comes to."""

from __future__ import annotations

import hashlib
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import Any, Generic, TypeVar

from gradbook import limits
from gradbook.amounts import rough_percent
from gradbook.audit.formula.address import (
    DOWN,
    Address,
    Axis,
    cells_of,
    column_of,
    letters,
    name_of,
    ranges,
    row_of,
    sheet_of,
)
from gradbook.audit.formula.expression import Edit
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.workbook.book import Book, Origin, show_value
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
    FORWARD_PASS: "it computes a forward pass, and nothing in it trains",
    NO_NETWORK: "it has no loss and no weight that is updated",
    UNREADABLE: "it isn't a workbook, is damaged, or exceeds the limits below",
}
"""What a book or a sheet can be, and what that means."""

WORST_FIRST = (UNREADABLE, WRONG, FROZEN, UNFINISHED, RIGHT, FORWARD_PASS, NO_NETWORK)

TO_FILL_IN = mark("to fill in")
BLANK_RATE = mark("blank rate")
BLANK_REFERENCE = mark("blank reference")
PASTED = mark("pasted value")
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
KINDS = {
    mark("wrong reference"): mark("a cell is used where another belongs"),
    mark("swapped references"): mark("two cells are exchanged"),
    mark("pre-activation"): mark("one or more sums are used where their activations belong"),
    BLANK_REFERENCE: mark("a blank cell is used"),
    mark("text reference"): mark("a cell with text is used"),
    ANOTHER_ROW: mark("a cell is taken from another row or another step"),
    TIED: mark("a $ ties the formula to one row, so that every copy computes that row again"),
    mark("wrong number"): mark("a number isn't the one it should be"),
    mark("wrong operator"): mark("a product for a difference, a sum for a product"),
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
        "no small edit repairs it; the whole formula is shown if it is known"
    ),
    DEPARTING_ROW: mark("one row's formula differs from the rest of its column"),
    PASTED: mark("a typed number, or words, where a formula belongs"),
    NUMBER_TEXT: mark("a text that looks like a number, maybe with a decimal comma"),
    FORMULA_TEXT: mark("a formula is stored as text, so that nothing computes it"),
    BLANK_CELL: mark("a blank cell where the rest of the column has a formula"),
    STALE: mark("the value in the file isn't what the formula gives"),
    DRIFTING_RATE: mark(
        "the reference to the learning rate isn't anchored and moves with the rows"
    ),
    WRONG_RATE: mark("another cell is used for the learning rate"),
    BLANK_RATE: mark("the learning rate is blank or not a number"),
    OTHER_SLOPE: mark("the slope of another activation, as tanh's where sigmoid's belongs"),
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
    TO_FILL_IN: mark(
        "a gradient, or a column that formulas use, is still blank, as in an exercise"
    ),
}
"""What can be wrong, and what that means."""


GRADIENT, CHANGE = "∂E/∂", "Δ"
"""What is judged of each weight: its gradient or, by a rule that is none, what its update adds."""

RECORDED = "kind", "quantity", "weight", "cells", "formula", "expected", "why", "relative_error"
"""What --json says of each finding."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, in all the cells where it is."""

    kind: str  # what sort of mistake it is
    quantity: str  # ∂E/∂w3, w3, E_total, η
    weight: str  # w3
    cells: str  # Z33:Z100
    formula: str  # as it stands in the first of them
    expected: str  # the right one, in the sheet's own cells; '' where none is known
    why: str  # in a sentence
    relative_error: float | None = None
    sheet: str = ""
    fixes: Mapping[str, str] = field(default_factory=dict)  # cell → its right formula
    spoils: tuple[str, ...] = ()  # the weights whose gradients are wrong by it, if several are
    edits: tuple[str, ...] = ()  # what puts it right, with cells by name: the same in any table
    judges: str = GRADIENT  # of each weight
    first_step: int = 0  # in which it is made: the steps before it are right

    @property
    def is_own(self) -> bool:
        """Whether the formula of one weight's gradient is wrong itself, or of its change."""
        return not self.spoils and self.quantity.startswith(("∂", CHANGE))

    @property
    def array(self) -> str:
        """The right formula of all the cells at once, where one array formula fills them."""
        return self.expected[2:-1] if self.expected.startswith("{=") else ""

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
    """Something that is wrong in cells of one sheet, whose right formula may be known."""
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
    """What a cell holds that has no formula: the number 3."""
    value = book.values.get(cell)
    if isinstance(value, float):
        return Message("the number {number}", number=WrittenNumber(show_value(value)))
    return Message("nothing") if value is None else Message("a text")


RATE_LEFT_OUT = Message("the learning rate η is missing: η times the gradient is to be subtracted")


def departing_from_column(cell: Address) -> Message:
    """Why a row is no copy of those around it."""
    return Message("{cell} differs from the rest of its column", cell=name_of(cell))


MOST_SHOWN = 40  # characters of a text
DIGITS = frozenset("0123456789.,eE+-−'’ \u00a0%")


def typed_in(book: Book, cell: Address, name: str) -> tuple[str, str]:
    """The kind of what stands in a cell where the formula of something belongs, and why that is
    none: nothing, a number, a text that only looks like one or like a formula, or words."""
    value, here = book.values.get(cell), name_of(cell)
    if book.is_blank(cell):
        return BLANK_CELL, Message(
            "{cell} is blank where the formula of {name} belongs", cell=here, name=name
        )
    if not isinstance(value, str):
        return PASTED, Message(
            "{cell} holds {number}, a typed number, where the formula of {name} belongs",
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
            "{cell} holds {text}, a text that only looks like a number: the formula of {name} "
            "belongs there",
            cell=here,
            text=text,
            name=name,
        )
    return PASTED, Message(
        "{cell} holds the text {text} where the formula of {name} belongs",
        cell=here,
        text=text,
        name=name,
    )


TIED_DOWN = mark(
    "{cell} is right, and its $ keep every copy at row {place}: each computes {cell} again; leave "
    "out the $ before the row numbers"
)
TIED_ACROSS = mark(
    "{cell} is right, and its $ keep every copy at column {place}: each computes {cell} again; "
    "leave out the $ before the column letters"
)
TIED_STEPS = mark("the $ keeps every step at {cell}, though each computes its own: leave it out")


def tied(first: Address, to: Address, axis: Axis, computes_again: bool = True) -> Message:
    """That copies of a right formula stay at the row, or at the column, of some cell, and compute
    the first again or go on from it."""
    if not computes_again:
        return Message(TIED_STEPS, cell=name_of(to))
    if axis is DOWN:
        return Message(TIED_DOWN, cell=name_of(first), place=row_of(to) + 1)
    return Message(TIED_ACROSS, cell=name_of(first), place=letters(column_of(to)))


def only_the_change(weight: str) -> Message:
    """That an update lacks the old weight."""
    return Message(
        "this is only the change of {weight}: η·∂E/∂{weight} is to be subtracted from the "
        "old {weight}, in the row above",
        weight=weight,
    )


def is_formula_text(value: str) -> bool:
    return len(value) > 1 and value.lstrip(" '\u00a0").startswith("=")


def number_in(value: str) -> float | None:
    """The number that a text looks like to its reader, with either decimal mark."""
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
    """How far off something is, as `rough_percent` has it: 0.025 %, 101 times its size."""
    times = rough_percent(share).removesuffix(" times its size")
    if times != rough_percent(share):
        return Message("{times} times its size", times=WrittenNumber(times))
    return WrittenNumber(times)


@dataclass(frozen=True)
class LossCurves:
    """The loss of each step, as the sheet is made and as it would be with the right gradients."""

    made: tuple[float, ...]
    corrected: tuple[float, ...]


CARRIED = "carried"
"""What a column that is asked for can be besides right, wrong and to fill in: right but for a cell
of the student's own that it is made of."""


@dataclass(frozen=True)
class AskedColumn:
    """A column that an exercise leaves blank."""

    quantity: str
    sheet: str
    cells: str
    kind: str  # forward, loss, gradients, update
    state: str = ""  # where the column was judged by itself
    made_of: tuple[str, ...] = ()  # the columns whose mistakes are carried into it
    elsewhere: str = ""  # where its right formulas stand, if it is blank: 'My work'!C5:C24
    elsewhere_rows: float = 0.0  # the share of its rows that have one there


@dataclass(frozen=True)
class SheetReport:
    """One training: where it stands, and what is wrong with it."""

    sheet: str  # its title
    verdict: str  # as of the whole book
    loss: str = ""  # which loss it computes, and where
    rate: str = ""
    weights: tuple[str, ...] = ()  # their names
    rows: tuple[int, int] | None = None
    findings: tuple[Finding, ...] = ()  # what is wrong
    notes: tuple[str, ...] = ()  # what else is to be said of it
    curve: LossCurves | None = None
    asked: tuple[AskedColumn, ...] = ()  # by an exercise
    rule: str = ""  # by which it learns, where that is no gradient: perceptron
    updates: int = 0  # that were held to that rule
    is_half_judged: bool = False  # what isn't found wrong needn't be right
    steps: int = 0  # of a training, where a gradient has a cell in each


@dataclass(frozen=True)
class BookReport:
    """What a workbook's audit came to. Printed, it is the report."""

    book: str
    verdict: str  # right, wrong …: the worst of its sheets
    sheets: tuple[SheetReport, ...] = ()  # one for each training
    problem: str = ""  # why it could not be read
    fingerprint: str = ""  # equal for identical files
    formulas: int = 0
    notes: tuple[str, ...] = ()  # what wasn't looked at
    origin: Origin = field(default_factory=Origin)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong in any of its sheets."""
        return tuple(finding for sheet in self.sheets for finding in sheet.findings)

    def __str__(self) -> str:
        return look("BookReport as text", self)

    def _repr_html_(self) -> str:
        return look("BookReport as html", self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))


class MappedReports(Sequence[Result], Generic[Result]):
    """What a function makes of each of some reports, whenever it is asked for."""

    def __init__(self, reports: Sequence[BookReport], make: Callable[[BookReport], Result]) -> None:
        self.reports, self.make = reports, make

    def __len__(self) -> int:
        return len(self.reports)

    def __getitem__(self, number: Any) -> Any:
        return self.make(self.reports[number])


def fingerprint_of(path: str | PathLike[str]) -> str:
    return hashlib.sha256(read_bytes(path, limits.BOOK)).hexdigest()[:16]


def record_of(report: BookReport) -> dict[str, object]:
    """One book as --json gives it."""
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
        "notes": list(report.notes),
        "findings": [{name: getattr(f, name) for name in RECORDED} for f in report.findings],
    }


def new_findings(found: Sequence[Finding], known: Sequence[Finding]) -> Iterator[Finding]:
    """The findings in cells of which nothing has been said."""
    told = {(one.sheet, cell) for one in known for cell in cells_of(one.cells, 0)}
    for one in found:
        if told.isdisjoint((one.sheet, cell) for cell in cells_of(one.cells, 0)):
            yield one


# Marks ------------------------------------------------------------------------

GOOD, BAD, BLANK = "right", "wrong", mark("to fill in")
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


def count_right(marks: Iterable[Mark]) -> int:
    return sum(mark.state == GOOD for mark in marks)


def marks_of(sheet: SheetReport) -> Iterator[Mark]:
    """A mark for every gradient of a training; for what is asked for, of an exercise.

    None where there was too much of it to judge it to the end.
    """
    if sheet.is_half_judged:
        return
    if any(column.state for column in sheet.asked):
        yield from (_judged(sheet, c) for c in sheet.asked if c.state != UNFINISHED)
        return
    asked = {column.quantity for column in sheet.asked}
    gradients = {f"{GRADIENT}{weight}" for weight in sheet.weights}
    yield from (one for one in _gradients(sheet) if not asked or one.name in asked)
    for column in sheet.asked:
        if column.quantity not in gradients:
            yield Mark("", _state(sheet, column), column)


def _judged(sheet: SheetReport, column: AskedColumn) -> Mark:
    """The mark of a column that was judged by itself."""
    state = {RIGHT: GOOD, CARRIED: GOOD, TO_FILL_IN: BLANK}.get(column.state, BAD)
    weight = column.quantity.removeprefix(GRADIENT)
    return Mark(weight if weight in sheet.weights else "", state, column)


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


# What the books of a class share ----------------------------------------------


@dataclass(frozen=True)
class SharedMistakes:
    """Mistakes that the same books make, each with what the first of them says of it."""

    books: tuple[str, ...]
    findings: tuple[Finding, ...]


def shared_mistakes(reports: Sequence[BookReport]) -> list[SharedMistakes]:
    """Return the mistakes that several books make in the same way, the most frequent first.

    Only numbers of mistakes and of books are kept, for there may be 100,000 books.
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


# Hints: where a mistake is and of which kind, never what is right -------------

HINTS = {
    "wrong formula": mark("this isn't the gradient of the loss; derive it by the chain rule"),
    TO_FILL_IN: mark("this is still to be filled in"),
}
"""What to look for, where a kind's own words don't say it."""
SEVERAL = " … "  # stands in what is wrong of all gradients: ∂E/∂w1 … ∂E/∂w8
IN_ALL = dict.fromkeys(
    ("missing factor", "one factor or term too many", "wrong number"),
    mark("one and the same factor is too many or too few"),
)
HARMLESS = (STALE, BLANK_RATE, CHANGED, CIRCULAR)
"""Kinds of which the reason may be told: it says nothing of the right formula."""


def hint(finding: Finding) -> str:
    """What to look for."""
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
    """The report without any solution. What its findings have in common with others stays."""
    sheets = (
        replace(sheet, findings=tuple(map(_hinted, sheet.findings))) for sheet in report.sheets
    )
    return replace(report, sheets=tuple(sheets))


def _hinted(finding: Finding) -> Finding:
    return replace(finding, why=hint(finding), expected="", fixes={})
