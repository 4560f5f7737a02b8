"""What a book earns: the one rubric, for a single book, for a class and for a page.

Every column asked for counts the same: the blank ones of an exercise, or the gradients of somebody
else's training. A column earns the share of its rows that are right. A value that is wrong only
because of an earlier mistake counts as right. A mistake is charged once, however often it is made:
it costs as much as one column, divided among the columns that contain it or, if it is in a column
that isn't asked for, among those computed from it. What can't be judged, was deleted, or was typed
where a formula belongs earns nothing, column by column. A teacher may set other costs.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import ceil

from gradbook.audit.findings import (
    CHANGED,
    GOOD,
    GRADIENTS,
    KINDS,
    STALE,
    SWAPPED_COLUMNS,
    TO_FILL_IN,
    TYPED_RIGHT,
    UNJUDGED,
    AskedColumn,
    BookReport,
    Finding,
    MappedReports,
    Mark,
    SheetReport,
    is_in,
    marks_of,
)
from gradbook.cells.formula.address import cells_of, ranges
from gradbook.language.message import Message, WrittenNumber, joined, message_count

# What a teacher may choose ------------------------------------------------------------

SECONDS_A_DAY = 86_400
A_HUNDREDTH = 0.01  # of a point: a book with a mistake never has all points


@dataclass(frozen=True)
class Rubric:
    """How books are marked; the values here are the defaults."""

    out_of: float | None = None  # points for a fully right book; None: one per column
    points: Mapping[str, float] = field(default_factory=dict)  # for a column, by kind or quantity
    repeated: float = 1.0  # columns that one mistake made in several costs at most
    accept_elsewhere: bool = False  # whether right formulas outside the cells asked for count
    typed: float = 0.0  # the share that right numbers earn where formulas belong
    deductions: Mapping[str, float] = field(default_factory=dict)  # by kind of mistake
    due: datetime | None = None
    per_day: float = 0.0
    at_most: float | None = None

    def weight(self, mark: Mark) -> float:
        """The weight of a column among the others."""
        kind = mark.column.kind if mark.column else GRADIENTS
        return self.points.get(mark.name, self.points.get(kind, 1.0))

    def days_late(self, handed_in: float) -> int:
        """The number of days late, rounded up, for a time in seconds."""
        if self.due is None:
            return 0
        return max(0, ceil((handed_in - self.due.timestamp()) / SECONDS_A_DAY))


USUAL = Rubric()


# What a book earns --------------------------------------------------------------------

FREE = (STALE, CHANGED)  # right once it is recalculated; or charged to the whole book
SLIPS = (
    *("wrong sign", "missing factor", "missing term", "one factor or term too many"),
    *("wrong operator", "wrong order", "wrong number", "wrong function", "parentheses"),
    *("pre-activation", "transposition", "frozen row", "adds the gradient", SWAPPED_COLUMNS),
    *("another slope", "wrong rate", "missing rate", "missing weight"),
)
"""Kinds that are one mistake in all columns in which the same edit corrects them."""
_PLACES = re.compile(r"(?<=[^\W\d])\d+(?:_\d+)*")  # in names such as a_h1, w2_1_3
AS_IT_SHOULD_BE, OWN = Message("right"), Message("wrong")
ABSENT = Message("it isn't in the workbook")


@dataclass(frozen=True)
class PartScore:
    """What one column earns, from 0 to 1, and why."""

    mark: Mark
    share: float
    why: str
    rows: float = 1.0  # the share of its rows that are right


@dataclass(frozen=True)
class BookScore:
    """What a book earns; `parts` is empty if nothing in it could be judged."""

    parts: tuple[PartScore, ...]
    out_of: float
    weights: tuple[float, ...] = ()  # of the parts; empty: all the same
    cost: float = 0.0  # points taken off
    taken_off: tuple[str, ...] = ()

    @property
    def right(self) -> float:
        """How many columns are right, with a fraction for one that is partly right."""
        right = round(sum((part.rows for part in self.parts), 0.0), 2)
        return int(right) if right.is_integer() else right

    @property
    def worth(self) -> tuple[float, ...]:
        """The worth of each part in points."""
        weights = self.weights or (1.0,) * len(self.parts)
        whole = sum(weights)
        return tuple(self.out_of * weight / whole if whole else 0.0 for weight in weights)

    @property
    def points(self) -> float | None:
        """The points, rounded to hundredths; None if nothing could be judged."""
        if not self.parts or not any(self.weights or (1.0,)):
            return None
        lost = [(1 - part.share) * one for part, one in zip(self.parts, self.worth, strict=True)]
        points = round(max(0.0, self.out_of - sum(lost) - self.cost), 2)
        is_whole = not any(lost) and not self.cost
        return points if is_whole or points < self.out_of else max(0.0, self.out_of - A_HUNDREDTH)


def score(
    report: BookReport,
    rubric: Rubric = USUAL,
    days_late: int = 0,
    absent: Sequence[AskedColumn] = (),
) -> BookScore:
    """A book's points: each column's share of its worth, minus deductions and late days; columns
    that were asked for and are absent from the book earn nothing."""
    parts = tuple(part for sheet in report.sheets for part in _parts(sheet, rubric))
    if parts:
        marks = (Mark("", TO_FILL_IN, replace(column, state=TO_FILL_IN)) for column in absent)
        parts += tuple(PartScore(mark, 0.0, ABSENT, 0.0) for mark in marks)
    weights = tuple(rubric.weight(part.mark) for part in parts)
    out_of = sum(weights) if rubric.out_of is None else rubric.out_of
    one = out_of / len(parts) if parts else 0.0
    off = list(_deductions(rubric, report, days_late, one))
    return BookScore(parts, out_of, weights, sum(cost for cost, _ in off), tuple(w for _, w in off))


def score_each(reports: Sequence[BookReport], rubric: Rubric = USUAL) -> Sequence[BookScore]:
    """The scores of some books, each computed when it is needed."""
    return MappedReports(reports, lambda report: score(report, rubric))


def in_points(score: BookScore) -> str:
    """6.5 of 8 points; empty if nothing could be judged."""
    if score.points is None:
        return ""
    return Message(
        "{points} of {out_of} points",
        points=WrittenNumber(in_numbers(score.points)),
        out_of=WrittenNumber(in_numbers(score.out_of)),
    )


def in_numbers(points: float) -> str:
    """6.5, 8: at most two decimals."""
    return f"{points:.2f}".rstrip("0").rstrip(".")


def _deductions(
    rubric: Rubric, report: BookReport, days_late: int, one: float
) -> Iterator[tuple[float, Message]]:
    """What is taken off, and why; changes of what was given cost as much as one column."""
    kinds = {finding.kind for finding in report.findings}
    costs = {CHANGED: one, **rubric.deductions}
    off = [(cost, Message(kind)) for kind, cost in costs.items() if kind in kinds]
    late = rubric.per_day * days_late
    late = late if rubric.at_most is None else min(late, rubric.at_most)
    off.append((late, message_count("{count} day late", "{count} days late", days_late)))
    for cost, what in off:
        if cost:
            points = WrittenNumber(in_numbers(cost))
            yield cost, Message("{points} for {what}", points=points, what=what)


# What each mistake costs --------------------------------------------------------------


@dataclass(frozen=True)
class _WrongColumn:
    """The columns charged for a finding: its own if that has a mark, or else those that are
    computed from it."""

    name: str
    rows: float  # the share of its rows in which it is
    spoilt: tuple[str, ...] = ()


def _parts(sheet: SheetReport, rubric: Rubric) -> Iterator[PartScore]:
    marks = list(marks_of(sheet))
    elsewhere = {
        mark.name: mark.column
        for mark in marks
        if rubric.accept_elsewhere and mark.column and mark.column.elsewhere
    }
    mistakes: defaultdict[object, list[_WrongColumn]] = defaultdict(list)
    for finding in sheet.findings:
        if finding.kind not in FREE:
            for column in _wrong_columns(sheet, finding, marks, rubric):
                if column.name not in elsewhere:
                    mistakes[_mistake_of(finding, column)].append(column)
    costs: defaultdict[str, float] = defaultdict(float)
    spoilt: defaultdict[str, dict[str, None]] = defaultdict(dict)
    repeated: dict[str, int] = {}
    for columns in mistakes.values():
        for name, cost in _charged(columns, rubric).items():
            costs[name] = min(1.0, costs[name] + cost)
        for column in columns:
            spoilt[column.name] |= dict.fromkeys(column.spoilt)
            repeated[column.name] = len({column.name for column in columns})
    through: defaultdict[str, list[str]] = defaultdict(list)
    for name, others in spoilt.items():
        for other in others:
            costs[other] += costs[name] / len(others)
            through[other].append(name)
    for mark in marks:
        if mark.name in elsewhere and mark.column is not None:
            share = mark.column.elsewhere_rows
            state = replace(mark, state=GOOD) if share == 1 else mark
            why: str = Message("right, in {cells}", cells=mark.column.elsewhere)
            yield PartScore(state, share, why, share)
        else:
            share = max(0.0, 1.0 - costs[mark.name])
            why = _why(sheet, mark, through[mark.name], repeated.get(mark.name, 1))
            rows = _right_rows(sheet, mark)
            yield PartScore(mark, share, why, rows)


def _wrong_columns(
    sheet: SheetReport, finding: Finding, marks: Sequence[Mark], rubric: Rubric
) -> Iterator[_WrongColumn]:
    own = [mark for mark in marks if _is_own(finding, mark)]
    lost = 1 - rubric.typed if TYPED_RIGHT in finding.edits else 1.0
    for mark in own:
        yield _WrongColumn(mark.name, lost * _rows(sheet, finding, mark))
    if own or finding.kind == TO_FILL_IN or not marks:
        return
    names = [mark.name for mark in marks]
    made_of = [m.name for m in marks if m.column and finding.quantity in m.column.made_of]
    weights = finding.spoils or (finding.weight,)
    concerned = {f"{finding.judges}{weight}" for weight in weights if weight}
    spoilt = made_of or [name for name in names if name in concerned] or names
    called = finding.quantity if finding.spoils else finding.kind
    yield _WrongColumn(called, _rows(sheet, finding), tuple(spoilt))


def _is_own(finding: Finding, mark: Mark) -> bool:
    """Whether a marked column is itself wrong, or missing."""
    if mark.column is not None:
        return is_in(finding, mark.column)
    is_own = finding.is_own or (finding.kind == TO_FILL_IN and not finding.spoils)
    return finding.weight == mark.weight and is_own


def _rows(sheet: SheetReport, finding: Finding, mark: Mark | None = None) -> float:
    """The share of a column's rows in which something is wrong."""
    wrong = set(cells_of(finding.cells, 0))
    if mark is not None and mark.column is not None:
        every = set(cells_of(mark.column.cells, 0))
        return len(wrong & every) / len(every)
    is_everywhere = not finding.first_step and len(wrong) >= sheet.steps - 1
    return 1.0 if is_everywhere or not sheet.steps else min(1.0, len(wrong) / sheet.steps)


def _right_rows(sheet: SheetReport, mark: Mark) -> float:
    """The share of a column's rows that are right by themselves."""
    if mark.state == GOOD:
        return 1.0
    own = [f for f in sheet.findings if f.kind not in FREE and _is_own(f, mark)]
    wrong = sum(_rows(sheet, finding, mark) for finding in own)
    return max(0.0, 1.0 - wrong) if own else 0.0


def _mistake_of(finding: Finding, column: _WrongColumn) -> object:
    """Equal for findings that are one mistake: the same slip and correction, in whatever units."""
    if finding.kind in SLIPS and finding.edits:
        is_named = finding.kind == SWAPPED_COLUMNS
        edits = (edit if is_named else _PLACES.sub("#", edit) for edit in finding.edits)
        return finding.kind, tuple(edits)
    return column.name if column.spoilt else (finding.kind, column.name, finding.cells)


def _charged(columns: Sequence[_WrongColumn], rubric: Rubric) -> dict[str, float]:
    """The cost of one mistake in each of its columns."""
    rows: defaultdict[str, float] = defaultdict(float)
    for column in columns:
        rows[column.name] = min(1.0, rows[column.name] + column.rows)
    whole, most = sum(rows.values()), max(rows.values())
    part = min(1.0, rubric.repeated * most / whole) if len(rows) > 1 and whole else 1.0
    return {name: share * part for name, share in rows.items()}


# In words -----------------------------------------------------------------------------


def _why(sheet: SheetReport, mark: Mark, through: Sequence[str], repeated: int) -> str:
    own = [f for f in sheet.findings if f.kind not in FREE and _is_own(f, mark)]
    carried = joined(", ", (Message(what) if what in KINDS else what for what in through))
    if not own:
        if through:
            return Message("carried through from {columns}", columns=carried)
        before = ", ".join(mark.column.made_of) if mark.column else ""
        if mark.state == GOOD and before:
            return Message("right, carried on from {columns}", columns=before)
        return AS_IT_SHOULD_BE
    reasons = [_of_rows(own, mark)]
    if repeated > 1:
        once = Message("the same mistake in {count} columns counts once", count=repeated)
        reasons.append(once)
    if through:
        reasons.append(Message("carried through from {columns}", columns=carried))
    return joined("; ", reasons)


def _of_rows(own: Sequence[Finding], mark: Mark) -> str:
    kinds = {finding.kind for finding in own}
    state = Message(kinds.pop()) if kinds in ({TO_FILL_IN}, {UNJUDGED}) else OWN
    if mark.column is None:
        return state
    every = set(cells_of(mark.column.cells, 0))
    wrong = every.intersection(cell for f in own for cell in cells_of(f.cells, 0))
    if wrong == every:
        return state
    return Message(
        "right in {right} of {all} rows, {state}: {cells}",
        right=len(every) - len(wrong),
        all=len(every),
        state=state,
        cells=ranges(sorted(wrong)),
    )
