"""What a book earns: full marks for a right gradient, part where only an earlier mistake is in it.

Every mistake is charged once. A wrong formula costs its own gradient. A mistake in a column that
several gradients are made of costs as much as one gradient, shared by those, for their formulas are
right given that column; so does whatever else is wrong with a training.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gradbook.audit.findings.findings import (
    CARRIED as CARRIED_ON,
)
from gradbook.audit.findings.findings import (
    COMMON_SIGN,
    RIGHT,
    TO_FILL_IN,
    AskedColumn,
    BookReport,
    Finding,
    SheetReport,
)
from gradbook.audit.findings.overview import GOOD, Mark, is_in, marks_of

CARRIED = 1 / 2  # what one earlier mistake costs at most of a gradient that it is carried into
FIRST_ROW = 1 / 2  # what a gradient earns whose first row is right, and a later one isn't
FREE = ("stale value",)  # the formula is right; the program that saved the book didn't compute it
AS_IT_SHOULD_BE, FIRST_ONLY = "right", "right in the first row"
OWN, BLANK, WRONG_SIGN = "wrong", "to fill in", "wrong by one sign in all"


@dataclass(frozen=True)
class Earned:
    """What one gradient earns, from 0 to 1, and why."""

    mark: Mark
    share: float
    why: str


@dataclass(frozen=True)
class BookScore:
    """What a book earns; no `parts` where nothing in it could be judged."""

    parts: tuple[Earned, ...]
    out_of: float

    @property
    def right(self) -> int:
        return sum(part.mark.state == GOOD for part in self.parts)

    @property
    def points(self) -> float | None:
        """Rounded to hundredths; None where nothing could be judged."""
        if not self.parts:
            return None
        earned = sum(part.share for part in self.parts)
        return round(self.out_of * earned / len(self.parts), 2)


@dataclass(frozen=True)
class MarkingRules:
    """What a teacher may choose: how our own exercises are marked."""

    carry: bool = False  # what is right but for an earlier mistake of one's own is right
    sign_credit: float = 0.0  # what a gradient earns that is wrong by the one sign that all share


USUAL_RULES = MarkingRules()


def score(
    report: BookReport, out_of: float | None = None, rules: MarkingRules = USUAL_RULES
) -> BookScore:
    """A book's points: one for each gradient, or so many for a book with all of them right."""
    parts = tuple(earned for sheet in report.sheets for earned in _sheet(sheet, rules))
    return BookScore(parts, float(len(parts)) if out_of is None else out_of)


class Scores(Sequence[BookScore]):
    """What each of some books earns, reckoned whenever it is asked for."""

    def __init__(
        self,
        reports: Sequence[BookReport],
        out_of: float | None = None,
        rules: MarkingRules = USUAL_RULES,
    ) -> None:
        self.reports, self.out_of, self.rules = reports, out_of, rules

    def __len__(self) -> int:
        return len(self.reports)

    def __getitem__(self, number: Any) -> Any:
        return score(self.reports[number], self.out_of, self.rules)


def in_points(score: BookScore) -> str:
    """6.5 of 8 points; nothing where nothing could be judged."""
    if score.points is None:
        return ""
    return f"{in_numbers(score.points)} of {in_numbers(score.out_of)} points"


def in_numbers(points: float) -> str:
    """6.5, 8: at most two decimals."""
    return f"{points:.2f}".rstrip("0").rstrip(".")


def _sheet(sheet: SheetReport, rules: MarkingRules) -> Iterator[Earned]:
    marks = list(marks_of(sheet))
    if any(column.state for column in sheet.asked):
        yield from _exercise(sheet, marks, rules)
        return
    names = [mark.name for mark in marks]
    own = {mark.name: [f for f in sheet.findings if _is_own(f, mark)] for mark in marks}
    charged = {id(finding) for findings in own.values() for finding in findings}
    others = [finding for finding in sheet.findings if id(finding) not in charged]
    costs: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for quantity, spoilt, first_only in _mistakes(others, names):
        cost = min(CARRIED, 1 / len(spoilt)) * (FIRST_ROW if first_only else 1)
        for name in spoilt:
            costs[name][quantity] = cost
    for mark in marks:
        yield _earned(mark, own[mark.name], costs[mark.name])


# Exercises of ours, whose columns were judged one by one ------------------------------


def _exercise(sheet: SheetReport, marks: Sequence[Mark], rules: MarkingRules) -> Iterator[Earned]:
    """A column's own mistake costs its mark. One that has no mark of its own is charged to the
    gradients that it is carried into: shared by them or, where errors are carried, to the first."""
    columns = {column.quantity: column for column in sheet.asked}
    marked = {mark.name for mark in marks}
    costs: defaultdict[str, dict[str, float]] = defaultdict(dict)
    is_sign_charged = False
    for quantity, column in columns.items():
        names = [mark.name for mark in marks if quantity in columns[mark.name].made_of]
        is_sign = column.state == COMMON_SIGN
        if quantity in marked or not names or (is_sign and is_sign_charged):
            continue
        is_sign_charged |= is_sign
        whole = min(1.0, CARRIED * len(names)) * (FIRST_ROW if column.is_first_right else 1)
        whole *= 1 - (rules.sign_credit if is_sign else 0)
        for name in names[:1] if rules.carry else names:
            costs[name][quantity] = whole / (1 if rules.carry else len(names))
    for mark in marks:
        yield _of_column(mark, columns[mark.name], costs[mark.name], rules)


def _of_column(
    mark: Mark, column: AskedColumn, costs: dict[str, float], rules: MarkingRules
) -> Earned:
    first = FIRST_ROW if column.is_first_right else 0.0
    if column.state == COMMON_SIGN:
        return Earned(mark, max(first, rules.sign_credit), WRONG_SIGN)
    if column.state not in (RIGHT, CARRIED_ON):
        why = BLANK if column.state == TO_FILL_IN else OWN
        return Earned(mark, first, FIRST_ONLY if first else why)
    share = max(0.0, 1.0 - sum(costs.values()))
    through = ", ".join(column.made_of)
    if rules.carry:
        right = replace(mark, state=GOOD) if share == 1 else mark
        why = f"right, carried on from {through}" if through else AS_IT_SHOULD_BE
        return Earned(right, share, why if share == 1 else f"charged for {', '.join(costs)}")
    return Earned(mark, share, f"carried through from {through}" if through else AS_IT_SHOULD_BE)


# Other books ------------------------------------------------------------------------------


def _earned(mark: Mark, own: Sequence[Finding], costs: dict[str, float]) -> Earned:
    blank = all(finding.kind == TO_FILL_IN for finding in own)
    if own and min(finding.first_step for finding in own) == 0:
        return Earned(mark, 0.0, BLANK if blank else OWN)
    share = max(0.0, (FIRST_ROW if own else 1.0) - sum(costs.values()))
    carried = f"carried through from {', '.join(costs)}" if costs else ""
    first = FIRST_ONLY if own else ""
    return Earned(mark, share, ", ".join(filter(None, [first, carried])) or AS_IT_SHOULD_BE)


def _is_own(finding: Finding, mark: Mark) -> bool:
    """Whether what is marked is itself wrong, or missing."""
    if mark.column is not None:
        return is_in(finding, mark.column)
    is_own = finding.is_own or (finding.kind == TO_FILL_IN and not finding.spoils)
    return finding.weight == mark.weight and is_own


def _mistakes(
    findings: Iterable[Finding], names: Sequence[str]
) -> Iterator[tuple[str, list[str], bool]]:
    """Mistakes outside the gradients: what is wrong, which gradients that concerns, and whether the
    first row is right all the same.

    One column is one mistake, in whatever rows; so are updates that are wrong in the same way.
    """
    found: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.kind not in (*FREE, TO_FILL_IN):
            together = finding.quantity if finding.spoils else finding.kind
            found[together].append(finding)
    for what, same in found.items():
        concerned = {f"{f.judges}{name}" for f in same for name in f.spoils or (f.weight,) if name}
        spoilt = [name for name in names if name in concerned] or list(names)
        if spoilt:
            yield what, list(dict.fromkeys(spoilt)), min(f.first_step for f in same) > 0
