"""How hard each item of an exercise is, and how well it discriminates between students."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from statistics import StatisticsError, correlation, fmean

from gradbook.audit.classes.scoring import BookScore
from gradbook.audit.findings import TO_FILL_IN, BookReport, Finding

FEWEST = 5  # books that a meaningful correlation needs


@dataclass(frozen=True)
class ItemFigures:
    """How a class did on one item of an exercise."""

    name: str
    books: int
    difficulty: float  # the mean share that is earned: 1 is easy
    right: int  # books in which it earns all its points
    discrimination: float | None  # correlation with the points of other items; None: unknown


def item_figures(marks: Sequence[BookScore]) -> list[ItemFigures]:
    """In the order of the exercise; each item is correlated with the total of all others."""
    shares: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for mark in marks:
        worth = list(zip(mark.parts, mark.worth, strict=True))
        total = sum(part.share * points for part, points in worth)
        for part, points in worth:
            shares[part.mark.name].append((part.share, total - part.share * points))
    items = []
    for name, pairs in shares.items():
        earned, totals = zip(*pairs, strict=True)
        discrimination = None
        with suppress(StatisticsError):  # all earn the same
            discrimination = correlation(earned, totals) if len(earned) >= FEWEST else None
        right = sum(share == 1 for share in earned)
        items.append(ItemFigures(name, len(earned), fmean(earned), right, discrimination))
    return items


def examples(reports: Sequence[BookReport]) -> dict[str, tuple[BookReport, Finding]]:
    """The clearest example of each kind of mistake: one with a right formula, and a short one."""
    examples: dict[str, tuple[BookReport, Finding]] = {}
    for report in reports:
        for finding in report.findings:
            known = examples.get(finding.kind)
            if finding.kind != TO_FILL_IN and (known is None or _tells(finding) < _tells(known[1])):
                examples[finding.kind] = report, finding
    return examples


def _tells(finding: Finding) -> tuple[bool, int]:
    return not finding.expected, len(finding.formula)
