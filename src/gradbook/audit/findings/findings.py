"""What an audit finds: books, their sheets, and what is wrong where; as Python and as JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from gradbook.audit.formula.address import Address, cells_of, ranges, sheet_of, written
from gradbook.audit.formula.expression import Edit
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.workbook.book import Book, Origin, shown

RIGHT, WRONG, FROZEN, UNFINISHED = "right", "wrong", "frozen", "unfinished"
NO_NETWORK, UNREADABLE = "no network", "unreadable"
VERDICTS = {
    RIGHT: "every gradient is the derivative of the loss, and every weight learns by it; or every "
    "update follows the perceptron rule",
    WRONG: "something in it is wrong: the findings say what",
    FROZEN: "it holds values where formulas belong, or its learning rate is blank: nothing learns",
    UNFINISHED: "no weight is updated yet, gradients are still to be filled in, or a part of it "
    "isn't understood",
    NO_NETWORK: "it has no loss and no weight that is updated",
    UNREADABLE: "it is no workbook, a damaged one, or larger than anyone would read",
}
"""What a book or a sheet can be, and what that means."""

WORST_FIRST = (UNREADABLE, WRONG, FROZEN, UNFINISHED, RIGHT, NO_NETWORK)

TO_FILL_IN, BLANK_RATE = "to fill in", "blank rate"
BLANK_REFERENCE = "blank reference"
PASTED, STALE = "pasted value", "stale value"
ANOTHER_ROW, DEPARTING_ROW = "another row", "departing row"
DRIFTING_RATE, OTHER_GRADIENT = "drifting rate", "another weight's gradient"
CHANGED, SWAPPED_COLUMNS = "changed cell", "swapped columns"
CIRCULAR = "circular reference"
KINDS = {
    "wrong reference": "a cell is used where another one belongs",
    "swapped references": "two cells stand in each other's places",
    "pre-activation": "a sum is used where its activation belongs, or several sums",
    BLANK_REFERENCE: "a blank cell is used",
    "text reference": "a cell with words in it is used",
    ANOTHER_ROW: "a cell is taken from another row or another step",
    "frozen row": "a $ ties the formula to one row",
    "wrong number": "a number isn't the one it should be",
    "wrong operator": "a product for a difference, a sum for a product",
    "wrong order": "a difference or a quotient the wrong way round",
    "wrong sign": "a minus too many or too few",
    "wrong range": "SUM, AVERAGE and the like take a range that begins or ends in the wrong place",
    "wrong function": "LOG, to the base 10, for LN; or a function is taken once too often",
    "parentheses": "parentheses are missing, superfluous or in another place",
    "transposition": "a matrix is to be transposed, or isn't",
    "missing factor": "a factor of the chain is left out",
    "missing term": "a path of the chain is left out",
    "one factor or term too many": "something is counted that doesn't belong there",
    "wrong formula": "no small change puts it right; the whole formula is given where one is known",
    DEPARTING_ROW: "one row's formula differs from the rest of its column",
    PASTED: "a number or nothing stands where the rest of the column has a formula",
    STALE: "the value in the file isn't what the formula gives",
    DRIFTING_RATE: "the learning rate isn't anchored and moves away with the rows",
    "wrong rate": "another cell is used for the learning rate",
    BLANK_RATE: "the learning rate is blank or no number",
    OTHER_GRADIENT: "the update takes the gradient of another weight, or its column holds it",
    SWAPPED_COLUMNS: "two columns of an exercise hold what belongs into each other",
    CHANGED: "a cell that an exercise gave isn't what it was",
    "adds the gradient": "the update climbs: it adds what it should subtract",
    "wrong update": "the update isn't the weight less its gradient: a factor around both, a number",
    "loss without a term": "the loss leaves out a term that the gradients count",
    CIRCULAR: "a cell is computed from itself",
    TO_FILL_IN: "a gradient is still blank, as in an exercise, or a column that formulas count on",
}
"""What can be wrong, and what that means."""


GRADIENT, CHANGE = "∂E/∂", "Δ"
"""What is judged of each weight: its gradient or, by a rule that is none, what its update adds."""

RECORDED = "kind", "quantity", "weight", "cells", "formula", "expected", "why", "relative_error"
"""What --json says of each finding."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, in all the cells where it is."""

    kind: str
    quantity: str  # ∂E/∂w3, w3, E_total, η
    weight: str
    cells: str  # Z33:Z100
    formula: str  # as it stands in the first of them
    expected: str  # the right one, in the sheet's own cells; '' where none is known
    why: str
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
        fixes={written(cell): f"={right.text_at(cell)}" for cell in cells} if right else {},
        edits=tuple(edit.said for edit in edits),
    )


def held(book: Book, cell: Address) -> str:
    """What a cell holds that has no formula: the number 3."""
    value = book.values.get(cell)
    what = "nothing" if value is None else "a text"
    return f"the number {shown(value)}" if isinstance(value, float) else what


@dataclass(frozen=True)
class LossCurves:
    """The loss of each step, as the sheet is made and as it would be with the right gradients."""

    made: tuple[float, ...]
    corrected: tuple[float, ...]


COMMON_SIGN, CARRIED = "wrong sign", "carried"
"""What a column that is asked for can be besides right, wrong and to fill in: wrong by the one sign
that all share; right but for a cell of the student's own that it is made of."""


@dataclass(frozen=True)
class AskedColumn:
    """A column that an exercise leaves blank."""

    quantity: str
    sheet: str
    cells: str
    kind: str  # forward, loss, gradients, update
    state: str = ""  # where the column was judged by itself
    made_of: tuple[str, ...] = ()  # the columns whose mistakes are carried into it
    is_first_right: bool = False  # of a column that isn't right, whether its first cell is


@dataclass(frozen=True)
class SheetReport:
    """One training: where it stands, and what is wrong with it."""

    sheet: str
    verdict: str
    loss: str = ""
    rate: str = ""
    weights: tuple[str, ...] = ()
    rows: tuple[int, int] | None = None
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    curve: LossCurves | None = None
    asked: tuple[AskedColumn, ...] = ()  # by an exercise
    rule: str = ""  # by which it learns, where that is no gradient: perceptron
    updates: int = 0  # that were held to that rule
    is_half_judged: bool = False  # what isn't found wrong needn't be right


@dataclass(frozen=True)
class BookReport:
    """One file."""

    book: str
    verdict: str
    sheets: tuple[SheetReport, ...] = ()
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
        from gradbook.report.audit.text import plain_report

        return plain_report(self)

    def _repr_html_(self) -> str:
        from gradbook.report.audit.page import cell

        return cell(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))


def fingerprint_of(path: str | PathLike[str]) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]


def record(reports: Sequence[BookReport]) -> dict[str, object]:
    """The reports as --json gives them."""
    return {"version": 1, "books": [record_of(report) for report in reports]}


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


def new_ones(found: Sequence[Finding], known: Sequence[Finding]) -> Iterator[Finding]:
    """The findings in cells of which nothing has been said."""
    told = {(one.sheet, cell) for one in known for cell in cells_of(one.cells, 0)}
    for one in found:
        if told.isdisjoint((one.sheet, cell) for cell in cells_of(one.cells, 0)):
            yield one
