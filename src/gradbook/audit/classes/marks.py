"""A class's results: the distribution of its marks, and its commonest mistakes."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from math import ceil
from statistics import fmean, median
from typing import Protocol

from gradbook.audit.classes.scoring import BookScore, in_numbers
from gradbook.audit.classes.similar import similar_books
from gradbook.audit.findings import KINDS, TO_FILL_IN, BookReport, identical_files, record_of
from gradbook.errors import one_line
from gradbook.language.message import Message, WrittenNumber, joined, message_count, translate

# The results of a class -------------------------------------------------------

PERCENT = 100.0  # the scale if books are out of different numbers of points
MOST_PARTS = 10  # in a distribution
WIDTHS = (0.1, 0.2, 0.25, 0.5, 1, 2, 2.5, 5, 10, 20, 25, 50, 100)  # of a part, in points
SHOWN = 8  # quantities to name for a mistake


@dataclass(frozen=True)
class MarksPart:
    """The number of books in a range of points; a boundary belongs to the upper range."""

    low: float
    high: float
    books: int

    def __str__(self) -> str:
        return translate(
            Message(
                "{low} to {high}",
                low=WrittenNumber(in_numbers(self.low)),
                high=WrittenNumber(in_numbers(self.high)),
            )
        )


@dataclass(frozen=True)
class ClassMarks:
    """The marks of the books that could be judged: in points or, if the books are out of different
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
            "{number} workbook couldn't be judged",
            "{number} workbooks couldn't be judged",
            left,
            number=f"{left:,}",
        )
        return translate(joined("; ", [told, unjudged] if left else [told]))


class Graded(Protocol):
    """Something that earned points; None if nothing could be judged."""

    @property
    def points(self) -> float | None: ...

    @property
    def out_of(self) -> float: ...


def class_marks(scores: Iterable[Graded]) -> ClassMarks | None:
    """The distribution of a class's marks; None if nothing could be judged."""
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
    """A kind of mistake, the number of books that have it, and the quantities, commonest first."""

    kind: str
    books: int
    quantities: tuple[tuple[str, int], ...]

    @property
    def meaning(self) -> str:
        return Message(KINDS[self.kind])

    def where(self) -> str:
        """The quantities in which it is made, with the number of books if there are several; only
        the first if there are many."""
        shown = self.quantities[:SHOWN]
        named = ", ".join(
            f"{one_line(name)} ×{count:,}" if count > 1 else one_line(name) for name, count in shown
        )
        more = len(self.quantities) - SHOWN
        return (
            Message("{names} and {count} more", names=named, count=f"{more:,}")
            if more > 0
            else named
        )


def common_mistakes(reports: Iterable[BookReport]) -> list[CommonMistake]:
    """The kinds of mistakes in a class, the commonest first; blank cells don't count."""
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


# A class as JSON --------------------------------------------------------------

SAME_FILE = "the same file, byte for byte"
INSIDE = "  "  # two lists deep


def class_json(reports: Sequence[BookReport], scores: Sequence[BookScore]) -> Iterator[str]:
    """The text of the record in pieces, for there may be 100,000 books."""
    graded = zip(reports, scores, strict=True)
    books = (record_of(report) | _grade(report, score) for report, score in graded)
    marks = class_marks(scores)
    mistakes = (
        {
            "kind": mistake.kind,
            "what": mistake.meaning,
            "books": mistake.books,
            "quantities": [{"quantity": n, "books": count} for n, count in mistake.quantities],
        }
        for mistake in common_mistakes(reports)
    )
    yield '{\n "version": 1,\n "books": '
    yield from _listed(books)
    yield ',\n "similar": '
    yield from _listed(_similar(reports))
    yield f',\n "marks": {_as_json(marks and asdict(marks))},\n "mistakes": '
    yield from _listed(mistakes)
    yield "\n}\n"


def _listed(records: Iterable[dict[str, object]]) -> Iterator[str]:
    before = "[\n"
    for one in records:
        yield before + INSIDE + _as_json(one).replace("\n", f"\n{INSIDE}")
        before = ",\n"
    yield "[]" if before == "[\n" else "\n ]"


def _as_json(one: object) -> str:
    return json.dumps(one, ensure_ascii=False, indent=1, allow_nan=False)


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
