"""What a class comes to: how its marks are distributed, and which mistakes are the commonest."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import fmean, median

from gradbook.amounts import counted
from gradbook.audit.classes.points import BookScore, in_numbers
from gradbook.audit.findings.findings import KINDS, TO_FILL_IN, BookReport
from gradbook.errors import one_line

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
        return f"{in_numbers(self.low)} to {in_numbers(self.high)}"


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
        unit = " %" if self.in_percent else ""
        worth = "" if self.in_percent else f" of {in_numbers(self.out_of)} points"
        left = self.books - self.judged
        unjudged = f"; {counted(left, 'book')} couldn't be judged" if left else ""
        return (
            f"mean {in_numbers(self.mean)}{unit or worth}, median {in_numbers(self.median)}{unit}, "
            f"lowest {in_numbers(self.lowest)}{unit}, highest {in_numbers(self.highest)}{unit}"
            f"{unjudged}"
        )


def class_marks(scores: Iterable[BookScore]) -> ClassMarks | None:
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
    def what(self) -> str:
        return KINDS[self.kind]

    def where(self) -> str:
        """The quantities in which it is made, by how many; of many, the first."""
        shown = self.quantities[:SHOWN]
        named = ", ".join(f"{one_line(name)} ×{count:,}" for name, count in shown)
        more = len(self.quantities) - SHOWN
        return f"{named} and {more:,} more" if more > 0 else named


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
