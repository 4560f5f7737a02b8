"""A class as --json gives it: every book's findings, what it earns, and which books are alike."""

from __future__ import annotations

from collections.abc import Sequence

from gradbook.audit.classes.points import BookScore
from gradbook.audit.classes.similar import similar_books
from gradbook.audit.findings.findings import BookReport, record_of
from gradbook.audit.findings.overview import identical_files

SAME_FILE = "the same file to the last byte"


def class_record(reports: Sequence[BookReport], scores: Sequence[BookScore]) -> dict[str, object]:
    graded = zip(reports, scores, strict=True)
    return {
        "version": 1,
        "books": [record_of(report) | _grade(report, score) for report, score in graded],
        "similar": [
            *(
                {"books": list(books), "evidence": [SAME_FILE]}
                for books in identical_files(reports)
            ),
            *({"books": s.books, "evidence": s.evidence} for s in similar_books(reports)),
        ],
    }


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
