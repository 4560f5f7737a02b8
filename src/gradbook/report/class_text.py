"""What the books of a class share, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from gradbook.audit.findings.findings import BookReport, Curve, Finding
from gradbook.audit.findings.shared import Shared, identical_files, shared_mistakes
from gradbook.errors import one_line
from gradbook.report.curve_text import Line, Piece

MOST_DIGITS = 12  # to tell two losses apart with


def lines(reports: Sequence[BookReport], width: int) -> Iterator[Line]:
    """Mistakes that several books make and files that are the same; nothing where none is."""
    mistakes, files = shared_mistakes(reports), identical_files(reports)
    if mistakes:
        yield []
        yield [Piece("Shared mistakes", "bold")]
        for shared in mistakes:
            yield from _shared(shared, len(reports), width)
    if files:
        yield []
        yield [Piece("Identical files", "bold")]
        for names in files:
            yield from paragraph(" = ".join(map(one_line, names)), width, 2)


def _shared(shared: Shared, count: int, width: int) -> Iterator[Line]:
    names = ", ".join(map(one_line, shared.books))
    yield from paragraph(f"{len(shared.books)} of {count}: {names}", width, 2)
    for quantities, why in gathered(shared.findings):
        yield from paragraph(f"{quantities}: {why}", width, 4)


def gathered(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """Which quantities are wrong, and why: those with one reason together."""
    found: dict[str, list[str]] = {}
    for finding in findings:
        found.setdefault(one_line(finding.why), []).append(one_line(finding.quantity))
    return [(", ".join(dict.fromkeys(names)), why) for why, names in found.items()]


def learning(curve: Curve) -> str:
    """What the mistakes do to the loss, in one line."""
    updates = len(curve.made) - 1
    made, right = curve.made[-1], curve.corrected[-1]
    after = f"after {updates:,} update{'' if updates == 1 else 's'}"
    digits = next((d for d in range(4, MOST_DIGITS) if f"{made:.{d}g}" != f"{right:.{d}g}"), 4)
    return f"loss {after}: {made:.{digits}g} as made, {right:.{digits}g} corrected"


def paragraph(words: str, width: int, indent: int) -> Iterator[Line]:
    """Words in lines; the second and those below it stand a little further in."""
    room = max(width - indent - 2, 20)
    for k, line in enumerate(wrap(words, room, break_on_hyphens=False)):
        yield [Piece(" " * (indent + 2 * (k > 0)) + line)]
