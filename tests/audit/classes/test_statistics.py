"""What a class comes to: its marks held against Python's own statistics, its mistakes counted."""

from __future__ import annotations

import json
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gradbook.audit.classes.marks import class_json, class_marks, common_mistakes
from gradbook.audit.classes.scoring import BookScore, PartScore
from gradbook.audit.findings import KINDS, RIGHT, WRONG, BookReport, Finding, Mark, SheetReport


def worth(shares: list[float], out_of: float) -> BookScore:
    return BookScore(tuple(PartScore(Mark("w", "right"), share, "") for share in shares), out_of)


def book(name: str, *mistakes: tuple[str, str]) -> BookReport:
    findings = tuple(Finding(kind, quantity, "", "A1", "", "", "") for kind, quantity in mistakes)
    verdict = WRONG if findings else RIGHT
    return BookReport(name, verdict, (SheetReport("One", verdict, findings=findings),))


@given(
    some.lists(some.floats(0, 1), min_size=1, max_size=40),
    some.sampled_from([1, 3, 5.5, 8, 10, 12, 15, 20, 33, 50, 60, 100, 1e-3, 1e6]),
)
def test_every_book_is_in_one_part_and_the_parts_cover_all(shares, out_of):
    scores = [worth([share], out_of) for share in shares]
    marks = class_marks(scores)
    points = [score.points for score in scores]
    assert sum(part.books for part in marks.parts) == len(shares) == marks.judged
    assert (marks.parts[0].low, marks.parts[-1].high) == (0, out_of)
    assert all(a.high == b.low for a, b in zip(marks.parts, marks.parts[1:], strict=False))
    assert len(marks.parts) <= 10
    assert marks.mean == pytest.approx(statistics.fmean(points))
    assert (marks.median, marks.lowest) == (statistics.median(points), min(points))
    for part in marks.parts:
        is_last = part is marks.parts[-1]
        inside = [p for p in points if part.low <= p < part.high or (is_last and p == out_of)]
        unsure = _on_an_edge(points, part.low) + _on_an_edge(points, part.high)
        assert part.books == pytest.approx(len(inside), abs=unsure)


def _on_an_edge(points: list[float], edge: float) -> int:
    """How many lie where rounding decides."""
    return sum(abs(p - edge) < 1e-9 * max(1, edge) for p in points)


def test_twenty_points_are_told_in_twos():
    marks = class_marks([worth([share], 20) for share in (0, 0.5, 0.5, 0.999, 1)])
    assert [(str(part), part.books) for part in marks.parts if part.books] == [
        ("0 to 2", 1),
        ("10 to 12", 2),
        ("18 to 20", 2),
    ]
    said = "mean 12 of 20 points, median 10, lowest 0, highest 20"
    assert str(marks) == said


def test_books_that_are_worth_different_points_are_told_in_per_cent():
    marks = class_marks([worth([1, 0], 2), worth([1, 1, 1, 0], 4), BookScore((), 0)])
    assert str(marks) == (
        "mean 62.5 %, median 62.5 %, lowest 50 %, highest 75 %; 1 workbook couldn't be judged"
    )


def test_of_books_that_cant_be_judged_there_are_no_marks():
    assert class_marks([BookScore((), 20)]) is None
    assert class_marks([]) is None


CLASS = [
    book("a", ("missing term", "∂E/∂w1"), ("missing term", "∂E/∂w2"), ("to fill in", "∂E/∂w9")),
    book("b", ("missing term", "∂E/∂w2"), ("wrong sign", "∂E/∂w5")),
    book("c", ("missing term", "∂E/∂w2"), ("missing term", "∂E/∂w2")),
    book("d"),
]


def test_a_mistake_counts_once_for_each_book_and_blanks_are_none():
    first, second = common_mistakes(CLASS)
    assert (first.kind, first.books) == ("missing term", 3)
    assert first.quantities == (("∂E/∂w2", 3), ("∂E/∂w1", 1))
    assert (second.kind, second.books, second.where()) == ("wrong sign", 1, "∂E/∂w5")


def test_the_record_has_both():
    scores = [worth([share], 20) for share in (0.5, 0.5, 0.75, 1)]
    found = json.loads("".join(class_json(CLASS, scores)))
    assert found["marks"]["median"] == 12.5
    assert sum(part["books"] for part in found["marks"]["parts"]) == 4
    assert found["mistakes"][0] == {
        "kind": "missing term",
        "what": KINDS["missing term"],
        "books": 3,
        "quantities": [{"quantity": "∂E/∂w2", "books": 3}, {"quantity": "∂E/∂w1", "books": 1}],
    }
    assert json.loads("".join(class_json([], [])))["marks"] is None
