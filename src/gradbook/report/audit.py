"""What was found in workbooks: which findings are shown, in a terminal, and a class's grades.

Root causes come first, and what repeats them is folded beneath them. `audit_page` shows the same on
a page. Knows findings and the books of a class; it doesn't know how a workbook is read.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import StringIO
from itertools import chain
from math import ceil, isfinite

from gradbook.audit.classes.marks import class_marks, common_mistakes
from gradbook.audit.classes.rubric import BookScore, in_numbers, in_points
from gradbook.audit.classes.similar import similar_books
from gradbook.audit.findings import (
    GRADIENT,
    NO_NETWORK,
    RIGHT,
    STALE,
    TO_FILL_IN,
    BookReport,
    Finding,
    LossCurves,
    Mark,
    SharedMistakes,
    SheetReport,
    count_right,
    grade,
    identical_files,
    marks_of,
    off_by,
    shared_mistakes,
)
from gradbook.audit.formula.address import row_and_column
from gradbook.audit.formula.pattern import move_formula
from gradbook.errors import as_cell, one_line
from gradbook.language import numeral, tr, tr_count
from gradbook.language.columns import pad, text_width
from gradbook.language.message import said
from gradbook.report.words import TEXT_WIDTH, Span, TextLine, fold, plain

MOST = 5  # findings of one sheet
MOST_RANGES = 3  # of one finding
MOST_PLACES = 3  # that are named where the same is found again
AFAR = 10_000  # rows and columns
MOST_SPOILT = 8  # gradients that are named where they are wrong by another mistake


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
    """Everything or, of each sheet, the few findings that others follow from or repeat."""
    known: dict[object, ShownFinding] = {}
    room = {sheet.sheet: MOST for sheet in sheets}  # for all the tables of one sheet
    for sheet, own in [(sheet, _of(sheet, known, everything)) for sheet in sheets]:
        few = own if everything else own[: room[sheet.sheet]]
        room[sheet.sheet] -= len(few)
        yield ShownSheet(sheet, few, len(own) - len(few))


def _of(
    sheet: SheetReport, known: dict[object, ShownFinding], everything: bool
) -> list[ShownFinding]:
    """A training's findings, those that spoil most first, without those that are known already."""
    found: list[ShownFinding] = []
    wrong = [finding for finding in sheet.findings if finding.kind != TO_FILL_IN]
    for finding in sorted(wrong, key=lambda f: (f.kind == STALE, -len(f.spoils))):
        one = ShownFinding(finding)
        first = one if everything else known.setdefault(_mistake(finding), one)
        if first is one:
            found.append(one)
        else:
            other = finding.sheet != first.finding.sheet
            first.again.append(f"{finding.sheet}!{finding.cells}" if other else finding.cells)
    return found


def _mistake(finding: Finding) -> object:
    """What is the same of one mistake wherever it stands."""
    if finding.kind == STALE:
        return STALE
    if _has_no_name(finding.weight) or not finding.edits:
        quantity = finding.quantity.replace(finding.weight or finding.quantity, "")
        return finding.kind, quantity, finding.edits, _from_afar(finding)
    return finding.kind, finding.quantity, finding.edits


def _has_no_name(weight: str) -> bool:
    """Whether only its cell tells a weight from others: C3, w[C3]."""
    return "[" in weight or (weight.isupper() and row_and_column(weight) is not None)


def _from_afar(finding: Finding) -> str:
    """The formula as a copy of it would look in one and the same cell, wherever it stands."""
    place = row_and_column(finding.cells.partition(":")[0].partition(",")[0])
    row, column = place or (0, 0)
    return move_formula(finding.formula, AFAR - row, AFAR - column)


def repetition(found: ShownFinding) -> str:
    """Where the same is found again, in words; '' where it is not."""
    named = [few_ranges(one_line(place), 1) for place in found.again[:MOST_PLACES]]
    more, places = len(found.again) - len(named), ", ".join(named)
    if more:
        return tr_count(
            "the same in {places} and {count} more place",
            "the same in {places} and {count} more places",
            more,
            places=places,
        )
    return tr("the same in {places}", places=places) if named else ""


def place_of(sheet: SheetReport, finding: Finding) -> str:
    """A finding's cells, with their sheet where a training's findings are on several."""
    cells = few_ranges(one_line(finding.cells))
    others = {other.sheet for other in sheet.findings} - {"", sheet.sheet}
    return f"{one_line(finding.sheet)}!{cells}" if others else cells


def spoilt(finding: Finding) -> str:
    """Which gradients are wrong by it, though their own formulas are right."""
    names = [n for n in finding.spoils if f"{finding.judges}{n}" != finding.quantity]
    few = ", ".join(f"{finding.judges}{one_line(name)}" for name in names[:MOST_SPOILT])
    more = len(names) - MOST_SPOILT
    if more > 0:
        return tr("makes {gradients} and {count} more wrong", gradients=few, count=more)
    return tr("makes {gradients} wrong", gradients=few) if names else ""


def few_ranges(cells: str, most: int = MOST_RANGES) -> str:
    """The ranges of a finding; of many, the first ones and how many there are besides."""
    ranges = cells.split(",")
    more = len(ranges) - most
    few = ", ".join(ranges[:most])
    if more <= 0:
        return cells
    return tr_count(
        "{ranges} and {count} more range", "{ranges} and {count} more ranges", more, ranges=few
    )


# In a terminal ----------------------------------------------------------------

COLOURS = {
    "right": "green",
    "wrong": "red",
    "frozen": "magenta",
    "unfinished": "yellow",
    "forward pass": "",
    "no network": "",
    "unreadable": "red",
}
INDENT = 4
LONGEST_FORMULA = 220
NOISE = 1e-12  # a value that was pasted is off by no more than this
MOST_DIGITS = 12  # to tell two losses apart with
MOST_NAMED = 100  # books that share something
MOST_MISTAKES = 8  # kinds of them
FULL_BLOCK, LONGEST_BAR = "█", 40


def audit_lines(
    reports: Sequence[BookReport],
    width: int,
    scores: Sequence[BookScore] = (),
    everything: bool = True,
) -> Iterator[TextLine]:
    """The whole report in so many columns, with what each book earns where scores are given;
    without `everything` only the findings of each sheet that count most."""
    for number, report in enumerate(reports):
        score = scores[number] if scores else None
        points = said(in_points(score)) if score else ""
        yield [
            Span(one_line(report.book), "bold"),
            Span(_aside(one_line(report.origin.student)) if report.origin.student else ""),
            Span(tr(": ")),
            Span(tr(report.verdict), COLOURS[report.verdict]),
            Span(verdict_words(report, score)),
            Span(tr(", ") + points if points else "", "bold"),
        ]
        for sheet in shown_sheets(report.sheets, everything):
            yield from _sheet(sheet, len(report.sheets) > 1, width, known=finding_words(report))
        for note in map(shown_text, report.notes):
            yield from fold(note, width, 2, INDENT) if note != finding_words(report) else ()
    if len(reports) > 1:
        yield []
        yield [Span(verdict_counts(reports), "bold")]
        yield from _statistics(reports, scores, width)
        yield from _class(reports, width)


def audit_text(report: BookReport) -> str:
    """One book's report without colours, for who only prints."""
    return plain(list(audit_lines([report], TEXT_WIDTH))).rstrip()


def verdict_words(report: BookReport, score: BookScore | None = None) -> str:
    """What there is to say of a book in half a line, behind its verdict."""
    found = finding_words(report)
    if report.verdict == RIGHT:
        return tr(", ") + found
    marks = marks_in(report, score)
    return tr(": ") + tr(", ").join(filter(None, [found, _graded(report, marks)]))


def marks_in(report: BookReport, score: BookScore | None) -> list[Mark]:
    """A mark for every gradient: as it counts for the points, where there are points."""
    return [part.mark for part in score.parts] if score else grade(report)


def _graded(report: BookReport, marks: Sequence[Mark]) -> str:
    """How many gradients are right, or how many weights follow their rule."""
    if not marks:
        return ""
    several = len(marks)
    numbers = {"right": f"{count_right(marks):,}", "all": f"{several:,}"}
    rules = {sheet.rule for sheet in report.sheets}
    if len(rules) == 1 and rules != {""}:
        return tr_count(
            "{right} of {all} weight right by the {rule} rule",
            "{right} of {all} weights right by the {rule} rule",
            several,
            rule=tr(rules.pop()),
            **numbers,
        )
    if all(mark.name.startswith(GRADIENT) for mark in marks):
        counted_ones = tr_count(
            "{right} of {all} gradient right",
            "{right} of {all} gradients right",
            several,
            **numbers,
        )
    else:
        counted_ones = tr_count(
            "{right} of {all} column right", "{right} of {all} columns right", several, **numbers
        )
    return f"{counted_ones}{_where(report)}"


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
    wrong = sum(kind != TO_FILL_IN for kind in kinds)
    blank = len(kinds) - wrong
    findings = tr_count("{number} finding", "{number} findings", wrong, number=f"{wrong:,}")
    waiting = tr_count("{number} to fill in", "{number} to fill in", blank, number=f"{blank:,}")
    return ", ".join([*[findings] * bool(wrong), *[waiting] * bool(blank)])


def _checked(report: BookReport, trained: Sequence[SheetReport]) -> str:
    """What was checked in a book in which all is right."""
    names = [mark.name for sheet in trained if not sheet.rule for mark in marks_of(sheet)]
    gradients = len(names)
    checked = []
    if all(name.startswith(GRADIENT) for name in names) and names:
        number = f"{gradients:,}"
        checked.append(
            tr_count("{number} gradient", "{number} gradients", gradients, number=number)
        )
    elif names:
        number = f"{gradients:,}"
        checked.append(tr_count("{number} column", "{number} columns", gradients, number=number))
    for rule in dict.fromkeys(sheet.rule for sheet in trained if sheet.rule):
        updates = sum(sheet.updates for sheet in trained if sheet.rule == rule)
        checked.append(
            tr_count(
                "{number} update by the {rule} rule",
                "{number} updates by the {rule} rule",
                updates,
                number=f"{updates:,}",
                rule=tr(rule),
            )
        )
    done = tr("{parts} checked", parts=", ".join(checked))
    return f"{done}{_where(report) if gradients else ''}"


def _where(report: BookReport) -> str:
    """Where the gradients that are counted can be seen: in which rows, or on how many sheets."""
    trained = [sheet for sheet in report.sheets if sheet.rows]
    if len(trained) == 1 and trained[0].rows:
        first, last = trained[0].rows
        where = tr("rows {first} to {last}", first=first, last=last)
        return _aside(where)
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
    return _aside(where)


def _aside(remark: str) -> str:
    return tr(" ({remark})", remark=remark)


def verdict_counts(reports: Sequence[BookReport]) -> str:
    """How many books are what."""
    count = Counter(report.verdict for report in reports)
    each = tr(", ").join(f"{count[v]} {tr(v)}" for v in COLOURS if count[v])
    return book_count(len(reports)) + tr(": ") + each


def book_count(count: int) -> str:
    """1 book, 1,200 books."""
    return tr_count("{number} book", "{number} books", count, number=f"{count:,}")


def kind_count(count: int) -> str:
    """1 more kind of mistake, 3 more kinds."""
    return tr_count("and {number} more kind", "and {number} more kinds", count, number=f"{count:,}")


def shown_text(words: str) -> str:
    """What a report says, in the reader's language and in one line."""
    return one_line(said(words))


def _sheet(one: ShownSheet, several: bool, width: int, known: str) -> Iterator[TextLine]:
    """What there is to say of a sheet, but for what is known of its book."""
    sheet = one.sheet
    notes = [note for note in map(shown_text, sheet.notes) if note != known]
    blank = to_fill_in(sheet)
    if sheet.findings and not (one.findings or one.left_out or blank):
        return  # all of it is folded under what another sheet says
    if several and (sheet.findings or notes):
        yield [Span("  "), Span(one_line(sheet.sheet), "bold")]
    for found in one.findings:
        yield from _finding(found, place_of(sheet, found.finding), width)
    if one.left_out:
        left = tr_count(
            "{number} more finding here: with -v all are shown",
            "{number} more findings here: with -v all are shown",
            one.left_out,
            number=f"{one.left_out:,}",
        )
        yield [Span(f"  {left}")]
    if blank:
        yield from fold(tr("still to be filled in: {cells}", cells=blank), width, 2, INDENT)
    if sheet.curve:
        yield from fold(learning(sheet.curve), width, 2, INDENT)
    for note in notes if sheet.loss or several else ():
        yield from fold(note, width, 2, INDENT)


def to_fill_in(sheet: SheetReport) -> str:
    """The gradients that are still blank, each with the first of its cells."""
    blank = [finding for finding in sheet.findings if finding.kind == TO_FILL_IN]
    return tr(", ").join(
        tr("{name} in {cells}", name=one_line(f.quantity), cells=few_ranges(one_line(f.cells), 1))
        for f in blank
    )


def _finding(found: ShownFinding, where: str, width: int) -> Iterator[TextLine]:
    finding = found.finding
    head = f"{where}{_aside(one_line(finding.quantity))}{tr(': ')}"
    yield from fold([Span(head, "yellow"), Span(shown_text(finding.why))], width, 2, INDENT)
    if finding.relative_error is not None and finding.relative_error > NOISE:
        off = tr("off by {share}", share=said(off_by(finding.relative_error)))
        yield [Span(" " * INDENT + off)]
    found_word, right_word = tr("found"), tr("should be")
    room = max(text_width(found_word), text_width(right_word)) + 2
    if finding.formula:
        yield [Span(" " * INDENT + pad(found_word, room) + _formula(finding.formula))]
    if finding.expected:
        yield [Span(" " * INDENT + pad(right_word, room) + _formula(finding.expected), "green")]
    for consequence in filter(None, [spoilt(finding), repetition(found)]):
        yield from fold(consequence, width, INDENT, INDENT + 2)


def _formula(formula: str) -> str:
    shown = one_line(formula)
    return shown if len(shown) <= LONGEST_FORMULA else f"{shown[:LONGEST_FORMULA]}…"


def _statistics(
    reports: Sequence[BookReport], scores: Sequence[BookScore], width: int
) -> Iterator[TextLine]:
    """How the marks are distributed, where there are marks, and the commonest mistakes."""
    marks, mistakes = class_marks(scores), common_mistakes(reports)
    if marks is not None:
        yield []
        yield [Span(tr("Marks"), "bold")]
        yield from fold(str(marks), width, 2, 4)
        longest, most = max(len(str(p)) for p in marks.parts), max(p.books for p in marks.parts)
        room = min(LONGEST_BAR, max(width - longest - 12, 1))
        for part in marks.parts:
            bar = FULL_BLOCK * ceil(room * part.books / most)
            yield [Span(f"  {part!s:>{longest}}  "), Span(bar, "green"), Span(f" {part.books:,}")]
    if mistakes:
        yield []
        yield [Span(tr("Commonest mistakes"), "bold")]
        for mistake in mistakes[:MOST_MISTAKES]:
            told = tr(": ").join(
                [share_of_books(mistake.books, len(reports)), said(mistake.meaning)]
            )
            yield from fold(f"{told}{_aside(said(mistake.where()))}", width, 2, 4)
        if len(mistakes) > MOST_MISTAKES:
            yield [Span(f"  {kind_count(len(mistakes) - MOST_MISTAKES)}")]


def share_of_books(books: int, count: int) -> str:
    """3 of 40 books."""
    return tr_count(
        "{some} of {all} book", "{some} of {all} books", count, some=f"{books:,}", all=f"{count:,}"
    )


def _class(reports: Sequence[BookReport], width: int) -> Iterator[TextLine]:
    """Mistakes that several books make and files that are the same; nothing where none is."""
    mistakes, files = shared_mistakes(reports), identical_files(reports)
    if mistakes:
        yield []
        yield [Span(tr("Shared mistakes"), "bold")]
        for shared in mistakes:
            yield from _shared(shared, len(reports), width)
    alike = similar_books(reports)
    if alike:
        yield []
        yield [Span(tr("Similar books"), "bold")]
        for similar in alike:
            yield from fold(few_names(similar.books, " ~ "), width, 2, 4)
            for evidence in similar.evidence:
                yield from fold(shown_text(evidence), width, 4, 6)
    if files:
        yield []
        yield [Span(tr("Identical files"), "bold")]
        for names in files:
            yield from fold(few_names(names, " = "), width, 2, 4)


def _shared(shared: SharedMistakes, count: int, width: int) -> Iterator[TextLine]:
    names = few_names(shared.books)
    head = tr("{some} of {all}: {books}", some=len(shared.books), all=count, books=names)
    yield from fold(head, width, 2, 4)
    for quantities, why in by_reason(shared.findings):
        yield from fold(quantities + tr(": ") + why, width, 4, 6)


def few_names(books: Sequence[str], joint: str = ", ") -> str:
    """The books; of very many the first, and how many there are besides."""
    named = joint.join(map(one_line, books[:MOST_NAMED]))
    more = len(books) - MOST_NAMED
    return tr("{names} and {count} more", names=named, count=f"{more:,}") if more > 0 else named


def by_reason(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """Which quantities are wrong, and why: those with one reason together."""
    found: dict[str, list[str]] = {}
    for finding in findings:
        found.setdefault(shown_text(finding.why), []).append(one_line(finding.quantity))
    return [(", ".join(dict.fromkeys(names)), why) for why, names in found.items()]


def learning(curve: LossCurves) -> str:
    """What the mistakes do to the loss, in one line."""
    updates = len(curve.made) - 1
    made, right = curve.made[-1], curve.corrected[-1]
    after = tr_count(
        "loss after {number} update", "loss after {number} updates", updates, number=f"{updates:,}"
    )
    if not isfinite(right) and isfinite(made):
        last = next(k for k, loss in enumerate(curve.corrected) if not isfinite(loss))
        return tr(
            "{loss}: {made} as made; corrected, it is no number from update {number} on",
            loss=after,
            made=numeral(f"{made:.4g}"),
            number=last,
        )
    digits = next((d for d in range(4, MOST_DIGITS) if f"{made:.{d}g}" != f"{right:.{d}g}"), 4)
    told = tr(
        "{loss}: {made} as made, {right} corrected",
        loss=after,
        made=numeral(f"{made:.{digits}g}") if isfinite(made) else tr("no number"),
        right=numeral(f"{right:.{digits}g}"),
    )
    if made < right < curve.corrected[0]:
        return tr(
            "{losses}: higher, for a wrong step may lead further down than the right one",
            losses=told,
        )
    return tr("{losses}: higher than it was at first", losses=told) if made < right else told


# Grades -----------------------------------------------------------------------

HEAD = (
    *("file", "student", "right", "of", "points", "out of", "verdict", "first finding"),
    "kinds of mistakes",
)
UTF8_MARK = "\ufeff"  # without it Excel takes ∂ for two other letters


def grades_csv(reports: Sequence[BookReport], scores: Sequence[BookScore]) -> str:
    """A row for each book, in their order. What could not be judged has no points."""
    return "".join(grades(reports, scores))


def grades(reports: Sequence[BookReport], scores: Sequence[BookScore]) -> Iterator[str]:
    """The same, row by row."""
    yield UTF8_MARK
    text = StringIO()
    table = csv.writer(text)
    for row in chain([HEAD], map(_grades_row, reports, scores)):
        table.writerow(row)
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def _grades_row(report: BookReport, score: BookScore) -> list[str]:
    judged = score.points is not None
    return [
        as_cell(report.book),
        as_cell(report.origin.student),
        str(score.right) if judged else "",
        str(len(score.parts)) if judged else "",
        in_numbers(score.points) if score.points is not None else "",
        in_numbers(score.out_of) if judged else "",
        report.verdict,
        as_cell(first_finding(report)),
        as_cell("; ".join(dict.fromkeys(f.kind for f in report.findings if f.kind != TO_FILL_IN))),
    ]


def first_finding(report: BookReport) -> str:
    """The first thing that is wrong in a book, else what is missing or why it isn't judged."""
    wrong = [finding for finding in report.findings if finding.kind != TO_FILL_IN]
    if wrong:
        first = wrong[0]
        return f"{first.cells} ({first.quantity}): {first.why}"
    waiting = ", ".join(filter(None, map(to_fill_in, report.sheets)))
    if waiting:
        return f"to fill in: {waiting}"
    return "" if report.verdict == RIGHT else finding_words(report)
