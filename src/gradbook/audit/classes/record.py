"""A class as --json gives it: every book's findings, what it earns, and which books are alike."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict

from gradbook.audit.classes.points import BookScore
from gradbook.audit.classes.similar import similar_books
from gradbook.audit.classes.statistics import class_marks, common_mistakes
from gradbook.audit.findings.findings import BookReport, record_of
from gradbook.audit.findings.overview import identical_files

SAME_FILE = "the same file to the last byte"
INSIDE = "  "  # two lists deep


def class_json(reports: Sequence[BookReport], scores: Sequence[BookScore]) -> Iterator[str]:
    """The text of the record, piece by piece, for there may be 100,000 books."""
    graded = zip(reports, scores, strict=True)
    books = (record_of(report) | _grade(report, score) for report, score in graded)
    yield '{\n "version": 1,\n "books": '
    yield from _listed(books)
    yield ',\n "similar": '
    yield from _listed(_similar(reports))
    yield f',\n "marks": {_said(_marks(scores))},\n "mistakes": '
    yield from _listed(_mistakes(reports))
    yield "\n}\n"


def _listed(records: Iterable[dict[str, object]]) -> Iterator[str]:
    before = "[\n"
    for one in records:
        yield before + INSIDE + _said(one).replace("\n", f"\n{INSIDE}")
        before = ",\n"
    yield "[]" if before == "[\n" else "\n ]"


def _said(one: object) -> str:
    return json.dumps(one, ensure_ascii=False, indent=1, allow_nan=False)


def _marks(scores: Sequence[BookScore]) -> dict[str, object] | None:
    marks = class_marks(scores)
    return None if marks is None else asdict(marks)


def _mistakes(reports: Sequence[BookReport]) -> Iterator[dict[str, object]]:
    for mistake in common_mistakes(reports):
        quantities = [{"quantity": name, "books": count} for name, count in mistake.quantities]
        named = {"kind": mistake.kind, "what": mistake.what}
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
