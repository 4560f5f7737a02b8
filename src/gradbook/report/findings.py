"""A workbook's findings in words: which ones are shown, and how each book is described.

Root causes come first, with their repetitions folded below them. Knows findings, but neither how a
workbook is read nor where the words are shown.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import isfinite

from gradbook.audit.classes.scoring import BookScore, in_numbers
from gradbook.audit.classes.scoring import score as score_of
from gradbook.audit.findings import (
    DRIFTING_RATE,
    GRADIENT,
    NO_NETWORK,
    NO_RATE,
    RIGHT,
    STALE,
    TO_FILL_IN,
    BookReport,
    Finding,
    LossCurves,
    Mark,
    SheetReport,
    grade,
    marks_of,
)
from gradbook.cells.formula.address import row_and_column
from gradbook.cells.formula.pattern import move_formula
from gradbook.errors import GradbookError, one_line
from gradbook.language import numeral, tr, tr_count
from gradbook.language.message import translate, words_of

COLOURS = {
    "right": "green",
    "wrong": "red",
    "frozen": "magenta",
    "unfinished": "yellow",
    "forward pass": "",
    "no network": "",
    "unreadable": "red",
}
FEW_BOOKS = 12  # no more than these need no search, and each is shown unfolded
MOST_FINDINGS = 5  # findings of one sheet
MOST_RANGES = 3  # of one finding
MOST_PLACES = 3  # listed of a finding's repetitions
AFAR = 10_000  # rows and columns
SHEET_OF_A_STEP = re.compile(r"'[^']*\d'!|\b\w*\d!")  # as Epoch3 is of the third
MOST_SPOILT = 8  # gradients listed as wrong because of another mistake


@dataclass
class ShownFinding:
    """A finding, and the places where the same is found again."""

    finding: Finding
    again: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ShownSheet:
    """A training's findings as they are shown, and how many are left out."""

    sheet: SheetReport
    findings: Sequence[ShownFinding]
    left_out: int = 0


def shown_sheets(sheets: Sequence[SheetReport], everything: bool) -> Iterator[ShownSheet]:
    """All findings or, of each sheet, only a few root causes."""
    known: dict[object, ShownFinding] = {}
    room = {sheet.sheet: MOST_FINDINGS for sheet in sheets}  # for all the tables of one sheet
    for sheet, findings in [(sheet, _of(sheet, known, everything)) for sheet in sheets]:
        few = findings if everything else findings[: room[sheet.sheet]]
        room[sheet.sheet] -= len(few)
        yield ShownSheet(sheet, few, len(findings) - len(few))


def _of(
    sheet: SheetReport, known: dict[object, ShownFinding], everything: bool
) -> list[ShownFinding]:
    """A training's findings, those that affect most gradients first; repetitions are counted."""
    findings: list[ShownFinding] = []
    wrong = [finding for finding in sheet.findings if finding.kind != TO_FILL_IN]
    for finding in sorted(wrong, key=lambda f: (f.kind == STALE, -len(f.spoils))):
        shown = ShownFinding(finding)
        first = shown if everything else known.setdefault(_mistake(finding), shown)
        if first is shown:
            findings.append(shown)
        else:
            other = finding.sheet != first.finding.sheet
            first.again.append(f"{finding.sheet}!{finding.cells}" if other else finding.cells)
    return findings


def _mistake(finding: Finding) -> object:
    """A key that is equal for the same mistake in different places."""
    if finding.kind == STALE:
        return STALE
    if finding.kind in (DRIFTING_RATE, NO_RATE):  # one mistake for all weights
        return finding.kind, finding.why
    weight = finding.weight
    is_cell = "[" in weight or (weight.isupper() and row_and_column(weight) is not None)
    if is_cell or not finding.edits:  # it has no other name: C3, w[C3]
        quantity = finding.quantity.replace(finding.weight or finding.quantity, "")
        plain = SHEET_OF_A_STEP.sub("!", finding.formula)
        place = row_and_column(finding.cells.partition(":")[0].partition(",")[0])
        row, column = place or (0, 0)  # copies of a formula are equal as if in one cell, afar:
        from_afar = move_formula(plain, AFAR - row, AFAR - column)
        return finding.kind, quantity, finding.edits, from_afar
    return finding.kind, finding.quantity, finding.edits


def repetition(shown: ShownFinding) -> str:
    """The places of a finding's repetitions in words; '' if there are none."""
    again = sorted(shown.again, key=lambda place: list(map(int, re.findall(r"\d+", place))))
    named = [few_ranges(one_line(place), 1) for place in again[:MOST_PLACES]]
    more, places = len(shown.again) - len(named), ", ".join(named)
    if more:
        return tr_count(
            "the same in {places} and {count} more place",
            "the same in {places} and {count} more places",
            more,
            places=places,
        )
    return tr("the same in {places}", places=places) if named else ""


def place_of(sheet: SheetReport, finding: Finding) -> str:
    """A finding's cells, with their sheet if the training's findings are on several sheets."""
    cells = few_ranges(one_line(finding.cells))
    others = {other.sheet for other in sheet.findings} - {"", sheet.sheet}
    return f"{one_line(finding.sheet)}!{cells}" if others else cells


def spoilt(finding: Finding) -> str:
    """Which gradients are wrong because of it, though their own formulas are right."""
    is_own = finding.arrays and finding.quantity.startswith(finding.judges)
    spoilt = () if is_own else finding.spoils
    names = [name for name in spoilt if f"{finding.judges}{name}" != finding.quantity]
    few = ", ".join(f"{finding.judges}{one_line(name)}" for name in names[:MOST_SPOILT])
    more = len(names) - MOST_SPOILT
    if more > 0:
        return tr("makes {gradients} and {count} more wrong", gradients=few, count=more)
    return tr("makes {gradients} wrong", gradients=few) if names else ""


def few_ranges(cells: str, most: int = MOST_RANGES) -> str:
    """The ranges of a finding; of many, the first ones and the number of others."""
    ranges = cells.split(",")
    more = len(ranges) - most
    few = ", ".join(ranges[:most])
    if more <= 0:
        return cells
    return tr_count(
        "{ranges} and {count} more range", "{ranges} and {count} more ranges", more, ranges=few
    )


# A book in words ---------------------------------------------------------------

MOST_DIGITS = 12  # to tell two losses apart


def shown_text(words: str) -> str:
    """A report's text in the reader's language, on one line."""
    return one_line(translate(words))


def reason_of(error: Exception) -> str:
    """Why something couldn't be done, in words for a reader."""
    if isinstance(error, GradbookError):
        return words_of(error)
    return f"an internal error in gradbook ({one_line(f'{type(error).__name__}: {error}')})"


def in_brackets(remark: str) -> str:
    return tr(" ({remark})", remark=remark)


def verdict_words(report: BookReport, score: BookScore | None = None) -> str:
    """The half line about a book that follows its verdict."""
    words = finding_words(report)
    if report.verdict == RIGHT:
        return tr(", ") + words
    right = (score or score_of(report)).right
    graded = _graded(report, marks_in(report, score), right)
    return tr(": ") + tr(", ").join(filter(None, [words, graded]))


def marks_in(report: BookReport, score: BookScore | None) -> list[Mark]:
    """One mark per gradient: the ones that the points are given for, if there are points."""
    return [part.mark for part in score.parts] if score else grade(report)


def _graded(report: BookReport, marks: Sequence[Mark], right: float) -> str:
    """How many gradients are right, or how many weights follow their rule."""
    if not marks:
        return ""
    numbers = {"right": numeral(in_numbers(right)), "all": f"{len(marks):,}"}
    rules = {sheet.rule for sheet in report.sheets}
    if len(rules) == 1 and rules != {""}:
        return tr_count(
            "{right} of {all} weight right by the {rule} rule",
            "{right} of {all} weights right by the {rule} rule",
            len(marks),
            rule=tr(rules.pop()),
            **numbers,
        )
    count = len(marks)
    if all(mark.name.startswith(GRADIENT) for mark in marks):
        graded = tr_count(
            "{right} of {all} gradient right", "{right} of {all} gradients right", count, **numbers
        )
    else:
        graded = tr_count(
            "{right} of {all} column right", "{right} of {all} columns right", count, **numbers
        )
    return graded + _where(report)


def finding_words(report: BookReport) -> str:
    """What was found in a book."""
    if report.problem:
        return shown_text(report.problem)
    trained = [sheet for sheet in report.sheets if sheet.loss or sheet.rule]
    if not report.sheets and report.verdict != NO_NETWORK and report.notes:
        return shown_text(report.notes[0])
    if not report.sheets:
        return tr("no loss and no weight that is updated, so there is no gradient to check")
    if not trained and report.sheets[0].notes:
        return shown_text(report.sheets[0].notes[0])
    if report.verdict == RIGHT:
        return _checked(report, trained)
    kinds = [finding.kind for sheet in report.sheets for finding in sheet.findings]
    blank = kinds.count(TO_FILL_IN)
    shown = shown_sheets(report.sheets, everything=False)
    wrong = sum(len(sheet.findings) + sheet.left_out for sheet in shown)
    findings = tr_count("{number} finding", "{number} findings", wrong)
    waiting = tr_count("{number} to fill in", "{number} to fill in", blank)
    return ", ".join([*[findings] * bool(wrong), *[waiting] * bool(blank)])


def _checked(report: BookReport, trained: Sequence[SheetReport]) -> str:
    """What was checked in a book without mistakes."""
    names = [mark.name for sheet in trained if not sheet.rule for mark in marks_of(sheet)]
    gradients, checked = len(names), []
    if names and all(name.startswith(GRADIENT) for name in names):
        checked.append(tr_count("{number} gradient", "{number} gradients", gradients))
    elif names:
        checked.append(tr_count("{number} column", "{number} columns", gradients))
    for rule in dict.fromkeys(sheet.rule for sheet in trained if sheet.rule):
        updates = sum(sheet.updates for sheet in trained if sheet.rule == rule)
        checked.append(
            tr_count(
                "{number} update by the {rule} rule",
                "{number} updates by the {rule} rule",
                updates,
                rule=tr(rule),
            )
        )
    done = tr("{parts} checked", parts=", ".join(checked))
    return f"{done}{_where(report) if gradients else ''}"


def _where(report: BookReport) -> str:
    """Where the counted gradients are: in which rows, or on how many sheets."""
    trained = [sheet for sheet in report.sheets if sheet.rows]
    if len(trained) == 1 and trained[0].rows:
        first, last = trained[0].rows
        where = tr("rows {first} to {last}", first=first, last=last)
        if trained[0].columns:
            left, right = trained[0].columns
            where = tr("columns {first} to {last}", first=left, last=right)
        elif first == last:
            where = tr("row {row}", row=first)
        return in_brackets(where)
    each = {len(sheet.weights) for sheet in trained}
    titles = {sheet.sheet for sheet in trained}
    if len(each) != 1:
        return ""
    where = (
        tr_count(
            "{each} on each of {count} sheets",
            "{each} on each of {count} sheets",
            len(titles),
            each=each.pop(),
        )
        if len(titles) == len(trained)
        else tr_count(
            "{each} on each of {count} tables",
            "{each} on each of {count} tables",
            len(trained),
            each=each.pop(),
        )
    )
    return in_brackets(where)


def to_fill_in(sheet: SheetReport) -> str:
    """The gradients that are still blank, each with the first of its cells."""
    blank = [finding for finding in sheet.findings if finding.kind == TO_FILL_IN]
    return tr(", ").join(
        tr("{name} in {cells}", name=one_line(f.quantity), cells=few_ranges(one_line(f.cells), 1))
        for f in blank
    )


def learning(curve: LossCurves) -> str:
    """What the mistakes do to the loss, in one line."""
    updates = len(curve.made) - 1
    as_made, right = curve.made[-1], curve.corrected[-1]
    after = tr_count("loss after {number} update", "loss after {number} updates", updates)
    if not isfinite(right) and isfinite(as_made):
        last = next(k for k, loss in enumerate(curve.corrected) if not isfinite(loss))
        return tr(
            "{loss}: {made} as made; corrected, it is not a number from update {number} on",
            loss=after,
            made=numeral(f"{as_made:.4g}"),
            number=last,
        )
    digits = next((d for d in range(4, MOST_DIGITS) if f"{as_made:.{d}g}" != f"{right:.{d}g}"), 4)
    losses = tr(
        "{loss}: {made} as made, {right} corrected",
        loss=after,
        made=numeral(f"{as_made:.{digits}g}") if isfinite(as_made) else tr("not a number"),
        right=numeral(f"{right:.{digits}g}"),
    )
    sign = -1 if curve.is_climbed else 1
    return _beside_worse_loss(curve, losses) if sign * as_made < sign * right else losses


def _beside_worse_loss(curve: LossCurves, losses: str) -> str:
    """The losses, and how it can be that the corrected one is worse."""
    first, *_, last = curve.corrected
    if curve.is_other_loss:
        return tr("{losses}: not to be compared, since the loss itself is corrected", losses=losses)
    way = [-loss for loss in curve.corrected] if curve.is_climbed else curve.corrected
    if all(after <= before for before, after in pairwise(way)):
        if curve.is_climbed:
            return tr("{losses}: lower, yet it grows with every update", losses=losses)
        return tr("{losses}: higher, yet it falls with every update", losses=losses)
    if way[-1] < way[0]:
        if curve.is_climbed:
            return tr("{losses}: lower, yet higher than at first", losses=losses)
        return tr("{losses}: higher, yet lower than at first", losses=losses)
    than_first = (
        tr("{losses}: lower than at first", losses=losses)
        if last < first
        else tr("{losses}: higher than at first", losses=losses)
    )
    return tr(
        "{than_first}, for the rate is too high for the right gradients", than_first=than_first
    )


# Of several books ----------------------------------------------------------------


def verdict_counts(reports: Sequence[BookReport]) -> str:
    """How many books have each verdict."""
    count = Counter(report.verdict for report in reports)
    each = tr(", ").join(f"{count[v]} {tr(v)}" for v in COLOURS if count[v])
    return book_count(len(reports)) + tr(": ") + each


def book_count(count: int) -> str:
    """1 book, 1,200 books."""
    return tr_count("{number} workbook", "{number} workbooks", count)


def share_of_books(books: int, count: int) -> str:
    """3 of 40 books."""
    return tr_count(
        "{some} of {all} workbook",
        "{some} of {all} workbooks",
        count,
        some=f"{books:,}",
        all=f"{count:,}",
    )
