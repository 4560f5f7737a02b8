"""An audit for the terminal: one line for each book, then what was found in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from gradbook.audit.findings.findings import (
    RIGHT,
    TO_FILL_IN,
    BookReport,
    Curve,
    Finding,
    SheetReport,
)
from gradbook.audit.findings.overview import GOOD, Shared, grade, identical_files, shared_mistakes
from gradbook.errors import one_line
from gradbook.report.words.lines import Piece, TextLine

COLOURS = {
    "right": "green",
    "wrong": "red",
    "frozen": "magenta",
    "unfinished": "yellow",
    "no network": "",
    "unreadable": "red",
}
INDENT = 4
LONGEST_FORMULA = 220


def lines(reports: Sequence[BookReport], width: int) -> Iterator[TextLine]:
    """The whole report in so many columns."""
    for report in reports:
        yield [
            Piece(one_line(report.book), "bold"),
            Piece(": "),
            Piece(report.verdict, COLOURS[report.verdict]),
            Piece(summary(report)),
        ]
        for sheet in report.sheets:
            yield from _sheet(sheet, len(report.sheets) > 1, width)
    if len(reports) > 1:
        yield []
        yield [Piece(counts(reports), "bold")]
        yield from _class(reports, width)


def summary(report: BookReport) -> str:
    """What there is to say of a book in half a line, behind its verdict."""
    said = found(report)
    if report.verdict == RIGHT:
        return f", {said}"
    return f": {', '.join(filter(None, [said, _graded(report)]))}"


def found(report: BookReport) -> str:
    """What was found in a book."""
    if report.problem:
        return one_line(report.problem)
    trained = [sheet for sheet in report.sheets if sheet.loss]
    if not report.sheets:
        return "no loss and no weight that is updated, so there is no gradient to check"
    if not trained and report.sheets[0].notes:
        return one_line(report.sheets[0].notes[0])
    if report.verdict == RIGHT:
        return f"{_many(sum(len(sheet.weights) for sheet in trained), 'gradient')} checked"
    kinds = [finding.kind for sheet in report.sheets for finding in sheet.findings]
    wrong = sum(kind != TO_FILL_IN for kind in kinds)
    blank = len(kinds) - wrong
    said = [_many(wrong, "finding")] if wrong else []
    return ", ".join([*said, f"{blank:,} to fill in"] if blank else said)


def _graded(report: BookReport) -> str:
    marks = grade(report)
    return f"{marks.count(GOOD):,} of {len(marks.marks):,} gradients right" if marks.marks else ""


def counts(reports: Sequence[BookReport]) -> str:
    """How many books are what."""
    verdicts = [report.verdict for report in reports]
    each = ", ".join(f"{verdicts.count(v)} {v}" for v in COLOURS if v in verdicts)
    return f"{_many(len(reports), 'book')}: {each}"


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _sheet(sheet: SheetReport, several: bool, width: int) -> Iterator[TextLine]:
    if several and sheet.findings:
        yield [Piece("  "), Piece(one_line(sheet.sheet), "bold")]
    for finding in sheet.findings:
        if finding.kind != TO_FILL_IN:
            yield from _finding(finding, width)
    blank = to_fill_in(sheet)
    if blank:
        yield from paragraph(f"still to be filled in: {blank}", width, INDENT - 2)
    if sheet.curve:
        yield [Piece(f"  {learning(sheet.curve)}")]
    for note in sheet.notes if sheet.loss else ():
        yield from paragraph(one_line(note), width, INDENT - 2)


def to_fill_in(sheet: SheetReport) -> str:
    """The gradients that are still blank, each with the first of its cells."""
    blank = [finding for finding in sheet.findings if finding.kind == TO_FILL_IN]
    return ", ".join(f"{one_line(f.quantity)} in {_first(one_line(f.cells))}" for f in blank)


def _first(cells: str) -> str:
    first, *more = cells.split(",")
    return f"{first} and {_many(len(more), 'more range')}" if more else first


def _finding(finding: Finding, width: int) -> Iterator[TextLine]:
    head = f"{one_line(finding.cells)} ({one_line(finding.quantity)}): "
    wrapped = wrap(head + one_line(finding.why), max(width - 2, 20), break_long_words=False)
    for k, words in enumerate(wrapped):
        if k == 0:
            yield [Piece("  "), Piece(words[: len(head)], "yellow"), Piece(words[len(head) :])]
        else:
            yield [Piece(" " * INDENT + words)]
    if finding.relative_error is not None:
        yield [Piece(" " * INDENT + f"off by {percent(finding.relative_error)}")]
    if finding.formula:
        yield [Piece(" " * INDENT + f"is      {_formula(finding.formula)}")]
    if finding.expected:
        yield [Piece(" " * INDENT + "rather  " + _formula(finding.expected), "green")]


def _formula(formula: str) -> str:
    shown = one_line(formula)
    return shown if len(shown) <= LONGEST_FORMULA else f"{shown[:LONGEST_FORMULA]}…"


def percent(share: float) -> str:
    """0.00025 is 0.025 %; what is very large is told in times."""
    if share >= 10:
        return f"{share + 1:.3g} times its size"
    if share >= 0.1:
        return f"{100 * share:.0f} %"
    return f"{100 * share:.2g} %"


MOST_DIGITS = 12  # to tell two losses apart with


def _class(reports: Sequence[BookReport], width: int) -> Iterator[TextLine]:
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


def _shared(shared: Shared, count: int, width: int) -> Iterator[TextLine]:
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


def paragraph(words: str, width: int, indent: int) -> Iterator[TextLine]:
    """Words in lines; the second and those below it stand a little further in."""
    room = max(width - indent - 2, 20)
    for k, line in enumerate(wrap(words, room, break_on_hyphens=False)):
        yield [Piece(" " * (indent + 2 * (k > 0)) + line)]
