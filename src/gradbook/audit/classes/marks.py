"""What each book of a class earns, how the marks are distributed, which mistakes are the commonest.

A right gradient earns full marks, one that only has an earlier mistake in it a part of them. Every
mistake is charged once. A wrong formula costs its own gradient. A mistake in a column that several
gradients are made of costs as much as one gradient, shared by those, for their formulas are right
given that column; so does whatever else is wrong with a training.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from math import ceil
from statistics import fmean, median
from typing import Protocol

from gradbook.audit.classes.similar import similar_books
from gradbook.audit.findings import (
    CARRIED,
    COMMON_SIGN,
    GOOD,
    KINDS,
    RIGHT,
    TO_FILL_IN,
    AskedColumn,
    BookReport,
    Finding,
    MappedReports,
    Mark,
    SheetReport,
    identical_files,
    is_in,
    marks_of,
    record_of,
)
from gradbook.errors import one_line
from gradbook.language.message import Message, WrittenNumber, joined, message_count, said

# What a book earns ------------------------------------------------------------

CARRIED_COST = 1 / 2  # what one earlier mistake costs at most of a gradient that it is carried into
FIRST_ROW = 1 / 2  # what a gradient earns whose first row is right, and a later one isn't
FREE = ("stale value",)  # the formula is right; the program that saved the book didn't compute it
AS_IT_SHOULD_BE, FIRST_ONLY = Message("right"), Message("right in the first row")
OWN, BLANK = Message("wrong"), Message("to fill in")
WRONG_SIGN = Message("wrong by one sign in all")


@dataclass(frozen=True)
class PartScore:
    """What one gradient earns, from 0 to 1, and why."""

    mark: Mark
    share: float
    why: str


@dataclass(frozen=True)
class BookScore:
    """What a book earns; no `parts` where nothing in it could be judged."""

    parts: tuple[PartScore, ...]
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


def score_each(
    reports: Sequence[BookReport], out_of: float | None = None, rules: MarkingRules = USUAL_RULES
) -> Sequence[BookScore]:
    """What each of some books earns, computed whenever it is asked for."""
    return MappedReports(reports, lambda report: score(report, out_of, rules))


def in_points(score: BookScore) -> str:
    """6.5 of 8 points; nothing where nothing could be judged."""
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


def _sheet(sheet: SheetReport, rules: MarkingRules) -> Iterator[PartScore]:
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
        cost = min(CARRIED_COST, 1 / len(spoilt)) * (FIRST_ROW if first_only else 1)
        for name in spoilt:
            costs[name][quantity] = cost
    for mark in marks:
        yield _earned(mark, own[mark.name], costs[mark.name])


# Exercises of ours, whose columns were judged one by one ----------------------


def _exercise(
    sheet: SheetReport, marks: Sequence[Mark], rules: MarkingRules
) -> Iterator[PartScore]:
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
        whole = min(1.0, CARRIED_COST * len(names)) * (FIRST_ROW if column.is_first_right else 1)
        whole *= 1 - (rules.sign_credit if is_sign else 0)
        for name in names[:1] if rules.carry else names:
            costs[name][quantity] = whole / (1 if rules.carry else len(names))
    for mark in marks:
        yield _of_column(mark, columns[mark.name], costs[mark.name], rules)


def _of_column(
    mark: Mark, column: AskedColumn, costs: dict[str, float], rules: MarkingRules
) -> PartScore:
    first = FIRST_ROW if column.is_first_right else 0.0
    if column.state == COMMON_SIGN:
        return PartScore(mark, max(first, rules.sign_credit), WRONG_SIGN)
    if column.state not in (RIGHT, CARRIED):
        why = BLANK if column.state == TO_FILL_IN else OWN
        return PartScore(mark, first, FIRST_ONLY if first else why)
    share = max(0.0, 1.0 - sum(costs.values()))
    through = ", ".join(column.made_of)
    if rules.carry:
        right = replace(mark, state=GOOD) if share == 1 else mark
        if share != 1:
            charged = Message("charged for {columns}", columns=", ".join(costs))
            return PartScore(right, share, charged)
        carried = Message("right, carried on from {columns}", columns=through)
        return PartScore(right, share, carried if through else AS_IT_SHOULD_BE)
    carried = Message("carried through from {columns}", columns=through)
    return PartScore(mark, share, carried if through else AS_IT_SHOULD_BE)


# Other books ------------------------------------------------------------------


def _earned(mark: Mark, own: Sequence[Finding], costs: dict[str, float]) -> PartScore:
    blank = all(finding.kind == TO_FILL_IN for finding in own)
    if own and min(finding.first_step for finding in own) == 0:
        return PartScore(mark, 0.0, BLANK if blank else OWN)
    share = max(0.0, (FIRST_ROW if own else 1.0) - sum(costs.values()))
    through = Message("carried through from {columns}", columns=joined(", ", map(_called, costs)))
    reasons = [*[FIRST_ONLY] * bool(own), *[through] * bool(costs)]
    return PartScore(mark, share, joined(", ", reasons) or AS_IT_SHOULD_BE)


def _called(what: str) -> str:
    """A quantity, or a kind of mistake."""
    return Message(what) if what in KINDS else what


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


# What a class comes to --------------------------------------------------------

PERCENT = 100.0  # what books are out of that aren't all out of the same
MOST_PARTS = 10  # of a distribution
WIDTHS = (0.1, 0.2, 0.25, 0.5, 1, 2, 2.5, 5, 10, 20, 25, 50, 100)  # points in each
SHOWN = 8  # quantities of a mistake that are named


@dataclass(frozen=True)
class MarksPart:
    """How many books earn so much; what is exactly between two parts belongs to the upper one."""

    low: float
    high: float
    books: int

    def __str__(self) -> str:
        return said(
            Message(
                "{low} to {high}",
                low=WrittenNumber(in_numbers(self.low)),
                high=WrittenNumber(in_numbers(self.high)),
            )
        )


@dataclass(frozen=True)
class ClassMarks:
    """The marks of the books that could be judged: in points or, where they are out of different
    numbers of points, in per cent."""

    out_of: float
    in_percent: bool
    judged: int
    books: int
    mean: float
    median: float
    lowest: float
    highest: float
    parts: tuple[MarksPart, ...]

    def __str__(self) -> str:
        measures = ("mean", "median", "lowest", "highest")
        values = {name: WrittenNumber(in_numbers(getattr(self, name))) for name in measures}
        told = (
            Message(
                "mean {mean} %, median {median} %, lowest {lowest} %, highest {highest} %", **values
            )
            if self.in_percent
            else Message(
                "mean {mean} of {out_of} points, median {median}, lowest {lowest}, "
                "highest {highest}",
                out_of=WrittenNumber(in_numbers(self.out_of)),
                **values,
            )
        )
        left = self.books - self.judged
        unjudged = message_count(
            "{number} book couldn't be judged",
            "{number} books couldn't be judged",
            left,
            number=f"{left:,}",
        )
        return said(joined("; ", [told, unjudged] if left else [told]))


class Graded(Protocol):
    """What earned so many of so many points; no points where nothing could be judged."""

    @property
    def points(self) -> float | None: ...

    @property
    def out_of(self) -> float: ...


def class_marks(scores: Iterable[Graded]) -> ClassMarks | None:
    """The distribution of a class's marks; None where nothing could be judged."""
    books, points, worth = 0, [], []
    for score in scores:
        books += 1
        if score.points is not None:
            points.append(score.points)
            worth.append(score.out_of)
    if not points:
        return None
    in_percent = len(set(worth)) > 1
    marks = [PERCENT * p / w for p, w in zip(points, worth, strict=True)] if in_percent else points
    out_of = PERCENT if in_percent else worth[0]
    return ClassMarks(
        out_of,
        in_percent,
        len(marks),
        books,
        fmean(marks),
        median(marks),
        min(marks),
        max(marks),
        _parts(marks, out_of),
    )


def _parts(marks: Sequence[float], out_of: float) -> tuple[MarksPart, ...]:
    width = next((w for w in WIDTHS if out_of / w <= MOST_PARTS), out_of / MOST_PARTS)
    count = max(1, ceil(round(out_of / width, 9)))
    books = Counter(max(0, min(count - 1, int(round(mark / width, 9)))) for mark in marks)
    edges = [min(k * width, out_of) for k in range(count + 1)]
    return tuple(MarksPart(edges[k], edges[k + 1], books[k]) for k in range(count))


@dataclass(frozen=True)
class CommonMistake:
    """A kind of mistake, how many books make it, and in which quantities, what most have first."""

    kind: str
    books: int
    quantities: tuple[tuple[str, int], ...]

    @property
    def meaning(self) -> str:
        return Message(KINDS[self.kind])

    def where(self) -> str:
        """The quantities in which it is made, by how many; of many, the first."""
        shown = self.quantities[:SHOWN]
        named = ", ".join(f"{one_line(name)} ×{count:,}" for name, count in shown)
        more = len(self.quantities) - SHOWN
        return (
            Message("{names} and {count} more", names=named, count=f"{more:,}")
            if more > 0
            else named
        )


def common_mistakes(reports: Iterable[BookReport]) -> list[CommonMistake]:
    """The kinds of mistakes of a class, the commonest first; what is blank is none."""
    books: Counter[str] = Counter()
    quantities: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for report in reports:
        own = {(f.kind, f.quantity): None for f in report.findings if f.kind != TO_FILL_IN}
        books.update(list(dict.fromkeys(kind for kind, _ in own)))
        for kind, quantity in own:
            quantities[kind][quantity] += 1
    return [
        CommonMistake(kind, count, tuple(quantities[kind].most_common()))
        for kind, count in books.most_common()
    ]


# A class as --json gives it ---------------------------------------------------

SAME_FILE = "the same file, byte for byte"
INSIDE = "  "  # two lists deep


def class_json(reports: Sequence[BookReport], scores: Sequence[BookScore]) -> Iterator[str]:
    """The text of the record, piece by piece, for there may be 100,000 books."""
    graded = zip(reports, scores, strict=True)
    books = (record_of(report) | _grade(report, score) for report, score in graded)
    yield '{\n "version": 1,\n "books": '
    yield from _listed(books)
    yield ',\n "similar": '
    yield from _listed(_similar(reports))
    yield f',\n "marks": {_said(_marks_record(scores))},\n "mistakes": '
    yield from _listed(_mistake_records(reports))
    yield "\n}\n"


def _listed(records: Iterable[dict[str, object]]) -> Iterator[str]:
    before = "[\n"
    for one in records:
        yield before + INSIDE + _said(one).replace("\n", f"\n{INSIDE}")
        before = ",\n"
    yield "[]" if before == "[\n" else "\n ]"


def _said(one: object) -> str:
    return json.dumps(one, ensure_ascii=False, indent=1, allow_nan=False)


def _marks_record(scores: Sequence[BookScore]) -> dict[str, object] | None:
    marks = class_marks(scores)
    return None if marks is None else asdict(marks)


def _mistake_records(reports: Sequence[BookReport]) -> Iterator[dict[str, object]]:
    for mistake in common_mistakes(reports):
        quantities = [{"quantity": name, "books": count} for name, count in mistake.quantities]
        named = {"kind": mistake.kind, "what": mistake.meaning}
        yield {**named, "books": mistake.books, "quantities": quantities}


def _similar(reports: Sequence[BookReport]) -> Iterator[dict[str, object]]:
    for books in identical_files(reports):
        yield {"books": list(books), "evidence": [SAME_FILE]}
    for similar in similar_books(reports):
        yield {"books": similar.books, "evidence": similar.evidence}


def _grade(report: BookReport, score: BookScore) -> dict[str, object]:
    judged = bool(score.parts)
    return {
        "student": report.origin.student or None,
        "right": score.right if judged else None,
        "of": len(score.parts) if judged else None,
        "points": score.points,
        "out_of": score.out_of if judged else None,
        "earned": [
            {"quantity": part.mark.name, "share": round(part.share, 4), "why": part.why}
            for part in score.parts
        ],
    }
