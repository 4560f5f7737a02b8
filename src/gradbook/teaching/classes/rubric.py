"""A teacher's rubric: what each column is worth, what mistakes and late days cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from pathlib import Path
from typing import Any

from gradbook.audit.classes.marks import BookScore, MarkingRules, PartScore, in_numbers, score
from gradbook.audit.findings import KINDS, BookReport
from gradbook.errors import DataError, did_you_mean
from gradbook.language.message import Message, WrittenNumber, message_count
from gradbook.targets.excel.plan.columns import GRADIENTS
from gradbook.targets.excel.plan.columns import KINDS as ASKED
from gradbook.teaching.classes.folder import read_toml, shorten_value
from gradbook.teaching.classes.ledger import MOST

RUBRIC_TEXT = """\
# How the books of this class are marked. Change what you like and run 'gradbook class mark' again.
# A line that begins with # is a suggestion: take the # away.

out_of = 20            # points for a book with everything right

[points]               # what a column counts, by what it is or by its name; 1 without a line
# gradients = 1
# "∂E/∂w1" = 2

[follow_through]
carry = true           # right but for an earlier mistake of one's own is right
sign_credit = 0.5      # of a column whose only mistake is a sign that is wrong in all of them

[deductions]           # points off, once a book, by the kind of mistake (docs/check.md lists them)
# "pasted value" = 1

[late]
# due = 2026-12-01T23:59:00
# per_day = 2          # points off for each day that has begun
# at_most = 6
"""
TOPS = ("out_of", "points", "follow_through", "deductions", "late")
SECONDS_A_DAY = 86_400
EARLIEST, LATEST = 1971, 2999  # years, of which every system knows the seconds


USUAL = MarkingRules(carry=True, sign_credit=0.5)


@dataclass(frozen=True)
class Rubric:
    """What a book earns, by the teacher's choice."""

    out_of: float | None = None  # None: as many as the columns are worth
    points: Mapping[str, float] = field(default_factory=dict)  # of a column, by kind or quantity
    rules: MarkingRules = USUAL
    deductions: Mapping[str, float] = field(default_factory=dict)  # by the kind of mistake
    due: datetime | None = None
    per_day: float = 0.0
    at_most: float | None = None

    def worth(self, part: PartScore) -> float:
        column = part.mark.column
        kind = column.kind if column else GRADIENTS
        return self.points.get(part.mark.name, self.points.get(kind, 1.0))

    def days_late(self, handed_in: float) -> int:
        """Days that have begun since it was due, of a moment in seconds."""
        if self.due is None:
            return 0
        return max(0, ceil((handed_in - self.due.timestamp()) / SECONDS_A_DAY))


@dataclass(frozen=True)
class RubricMark:
    """What a book earns by a rubric, and what was taken off, in words."""

    score: BookScore  # as the rubric weighs it, before anything is taken off
    points: float | None  # None where nothing in it could be judged
    out_of: float
    worth: tuple[float, ...]  # of each part, in points
    taken_off: tuple[str, ...] = ()


def mark_by(rubric: Rubric, report: BookReport, days_late: int) -> RubricMark:
    """A book's points: each column's share of its worth, less deductions, less late days."""
    parts = score(report, None, rubric.rules).parts
    worth = [rubric.worth(part) for part in parts]
    whole = sum(worth)
    out_of = whole if rubric.out_of is None else rubric.out_of
    per_point = out_of / whole if whole else 0.0
    weighed = tuple(one * per_point for one in worth)
    scored = BookScore(parts, out_of)
    if not parts or not whole:
        return RubricMark(scored, None, out_of, weighed)
    earned = sum(part.share * one for part, one in zip(parts, weighed, strict=True))
    off = [
        (
            cost,
            Message(
                "{points} for {what}", points=WrittenNumber(in_numbers(cost)), what=Message(kind)
            ),
        )
        for kind, cost in rubric.deductions.items()
        if cost and any(finding.kind == kind for finding in report.findings)
    ]
    late = rubric.per_day * days_late
    late = late if rubric.at_most is None else min(late, rubric.at_most)
    if late:
        days = message_count("{count} day late", "{count} days late", days_late)
        points = WrittenNumber(in_numbers(late))
        off.append((late, Message("{points} for {what}", points=points, what=days)))
    left = max(0.0, earned - sum(cost for cost, _ in off))
    return RubricMark(scored, round(left, 2), out_of, weighed, tuple(said for _, said in off))


# Reading it ---------------------------------------------------------------------------


def read_rubric(path: Path) -> Rubric:
    """The rubric of a file; an error says which line's key can't be meant."""
    if not path.is_file():
        return Rubric()
    found = _Reader(read_toml(path), str(path))
    found.known("", TOPS)
    names = {**dict.fromkeys(ASKED), **dict.fromkeys(KINDS)}
    points, deductions = found.part("points"), found.part("deductions")
    for kind in deductions:
        if kind not in KINDS:
            raise found.error(f"[deductions] has no kind of mistake {kind!r}", kind, names)
    rules, late = found.part("follow_through"), found.part("late")
    found.known("follow_through", ("carry", "sign_credit"))
    found.known("late", ("due", "per_day", "at_most"))
    carry = rules.get("carry", True)
    if not isinstance(carry, bool):
        raise found.error("carry is true or false")
    sign_credit = found.number("follow_through", "sign_credit", rules.get("sign_credit", 0.5))
    if sign_credit > 1:
        raise found.error("sign_credit is a share from 0 to 1")
    due = late.get("due")
    if due is not None and not isinstance(due, datetime):
        raise found.error("due is a date and a time such as 2026-12-01T23:59:00")
    if due is not None and not EARLIEST <= due.year <= LATEST:
        raise found.error(f"due is in a year from {EARLIEST} to {LATEST}")
    top = found.found.get("out_of")
    most = late.get("at_most")
    return Rubric(
        out_of=None if top is None else found.number("", "out_of", top),
        points={name: found.number("points", name, value) for name, value in points.items()},
        rules=MarkingRules(carry, sign_credit),
        deductions={k: found.number("deductions", k, value) for k, value in deductions.items()},
        due=due,
        per_day=found.number("late", "per_day", late.get("per_day", 0)),
        at_most=None if most is None else found.number("late", "at_most", most),
    )


@dataclass(frozen=True)
class _Reader:
    """A file's values, and where an error is."""

    found: Mapping[str, Any]
    file: str

    def error(self, said: str, word: str = "", known: Any = ()) -> DataError:
        return DataError(said + (did_you_mean(word, known) if word else ""), file=self.file)

    def part(self, name: str) -> Mapping[str, Any]:
        found = self.found.get(name, {})
        if not isinstance(found, dict):
            raise self.error(f"{name} is a part of its own: write [{name}]")
        return found

    def known(self, part: str, keys: tuple[str, ...]) -> None:
        for key in self.part(part) if part else self.found:
            if key not in keys:
                where = f"[{part}] has" if part else "it has"
                raise self.error(f"{where} no key called {key!r}", key, keys)

    def number(self, part: str, key: str, value: object) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 0 <= value <= MOST:  # type: ignore[operator]
            where = f"[{part}] " if part else ""
            raise self.error(
                f"{where}{key} is a number from 0 to {MOST:,}, not {shorten_value(value)}"
            )
        return float(value)  # type: ignore[arg-type]
