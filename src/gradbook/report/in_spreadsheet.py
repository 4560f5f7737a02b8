"""What a spreadsheet program shows of its open workbook: findings and what a cell depends on.

Knows the words, the marks of cells and the formulas that correct them; it doesn't know which
program shows them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite

from gradbook.audit.findings import RIGHT, TO_FILL_IN, BookReport, Finding, SheetReport, off_by
from gradbook.cells.book import show_value
from gradbook.cells.formula.address import name_of, sheet_of
from gradbook.derivatives.public_book import Derivatives
from gradbook.derivatives.sensitivities import STRENGTHS, Sensitivity
from gradbook.errors import one_line
from gradbook.language import mark, numeral, tr, tr_count
from gradbook.language.message import translate
from gradbook.palette import ERROR, LOWERING, PAPER, RAISING, WEIGHT
from gradbook.report.audit import NOISE
from gradbook.report.findings import (
    place_of,
    shown_sheets,
    shown_text,
    spoilt,
    verdict_words,
)

MOST_INPUTS = 40  # of those that a cell depends on
LONGEST_FORMULA = 220

COMMANDS = {
    "check": mark("Check this workbook"),
    "next": mark("Next mistake"),
    "depends": mark("What does this cell depend on?"),
    "correct": mark("Correct this cell"),
    "correct-all": mark("Correct all"),
    "insert": mark("Insert derivatives"),
    "clear": mark("Clear marks"),
    "help": mark("Help"),
}
"""The commands of the menu."""

HELP = {
    "check": mark("Compares every gradient with the chain rule for the workbook's own loss."),
    "next": mark("Goes to the next wrong cell."),
    "depends": mark(
        "Lists the numbers behind the selected cell, and colours them by how much they matter."
    ),
    "correct": mark("Writes the right formulas into the cells that have the selected mistake."),
    "correct-all": mark("Writes all the right formulas; one Undo takes them back."),
    "insert": mark("Adds sheets with the selected cell's derivatives as live formulas."),
    "clear": mark("Takes away all colours and notes of gradbook."),
}
"""What each command does."""

CANCEL = mark("Cancel")
CANCELLED = mark("cancelled: nothing was changed")
WORKING = mark("gradbook is working …")
READ_ONLY = mark("this document is read-only: save it under another name first")
PROTECTED = mark("the sheet {sheet} is protected: nothing can be written or marked on it")
LOCKED = mark("sheets can't be added: the document's structure is protected")
NO_CELL = mark("select one cell first")
NO_MISTAKE = mark("no mistake is marked")
NO_CORRECTION = mark("no correction of {cell} is known")
REFUSED = mark("nothing was corrected: {reason}")
OUTDATED = mark("the workbook has changed since: check it again")
CLEARED = mark("the marks are gone")
INSERTED = mark("added: {sheets}")
LIMITS_KEPT = mark("limits that are kept: {count}")

SOLVER_TITLES = {
    "": mark("gradbook: exact derivatives"),
    "NonNegative": mark("Assume variables as non-negative"),
    "Timeout": mark("Solving time limit (seconds)"),
}
"""The solver in the spreadsheet program's own dialog, and its options."""


@dataclass(frozen=True)
class CellTint:
    """How a cell is coloured while it is marked."""

    name: str
    fill: str
    ink: str


WRONG_CELL = CellTint("wrong", ERROR.fill, ERROR.ink)
UNFINISHED_CELL = CellTint("to fill in", WEIGHT.fill, WEIGHT.ink)
RAISING_CELLS = tuple(
    CellTint(f"raises {level}", fill, PAPER.ink) for level, fill in enumerate(RAISING, 1)
)
LOWERING_CELLS = tuple(
    CellTint(f"lowers {level}", fill, PAPER.ink) for level, fill in enumerate(LOWERING, 1)
)


@dataclass(frozen=True)
class ShownEntry:
    """One line of what is shown, and the cells that it is about."""

    title: str
    words: str
    sheet: str
    cells: tuple[str, ...]  # Z33:Z100, AB3
    mark: CellTint | None = None
    note: str = ""  # for the first of the cells
    formulas: Mapping[str, str] = field(default_factory=dict)  # cell → what is right in it
    arrays: Mapping[str, str] = field(default_factory=dict)  # cells of one array → its formula
    finding: Finding | None = None  # what the entry shows


@dataclass(frozen=True)
class Shown:
    """What is shown beside a workbook."""

    heading: str
    entries: tuple[ShownEntry, ...] = ()
    remarks: tuple[str, ...] = ()
    is_good: bool = True
    is_current: bool = True  # said of the workbook as it is now
    report: BookReport | None = None  # what is shown of a check

    def __str__(self) -> str:
        lines = [f"{it.title}: {it.words}".replace("\n", "; ") for it in self.entries]
        return "\n".join([self.heading, *lines, *self.remarks])


def shown_check(report: BookReport) -> Shown:
    """The verdict, each mistake with its cells, and what wasn't judged."""
    sheets = shown_sheets(report.sheets, everything=True)
    entries = [_mistake(it.sheet, shown.finding) for it in sheets for shown in it.findings]
    entries += [
        _blank(sheet, finding)
        for sheet in report.sheets
        for finding in sheet.findings
        if finding.kind == TO_FILL_IN
    ]
    heading = f"{tr(report.verdict)}{verdict_words(report)}"
    notes = [note for sheet in report.sheets for note in sheet.notes]
    remarks = dict.fromkeys(map(shown_text, (*notes, *report.notes)))
    return Shown(
        heading,
        tuple(entries),
        tuple(words for words in remarks if words not in heading),
        is_good=report.verdict == RIGHT,
        report=report,
    )


def with_sheets(shown: Shown) -> Shown:
    """The same with the sheet of every mistake."""
    entries = (
        it
        if it.finding is None or it.title.startswith(f"{one_line(it.sheet)}!")
        else replace(it, title=f"{one_line(it.sheet)}!{it.title}")
        for it in shown.entries
    )
    return replace(shown, entries=tuple(entries))


def outdated(shown: Shown) -> Shown:
    """The same as of a workbook that has changed since."""
    if not shown.is_current:
        return shown
    heading = f"{tr(OUTDATED)}\n{shown.heading}"
    return replace(shown, heading=heading, is_good=False, is_current=False)


def _mistake(sheet: SheetReport, finding: Finding) -> ShownEntry:
    why = shown_text(finding.why)
    is_off = finding.relative_error is not None and finding.relative_error > NOISE
    off = tr("off by {share}", share=translate(off_by(finding.relative_error or 0.0)))
    right = finding.expected or next(iter(finding.arrays.values()), "")
    lines = [
        off if is_off else "",
        f"{tr('found')}  {_short(finding.formula)}" if finding.formula else "",
        f"{tr('should be')}  {_short(right)}" if right else "",
        spoilt(finding),
    ]
    words = "\n".join(filter(None, [why, *lines]))
    quantity = one_line(finding.quantity)
    return ShownEntry(
        f"{place_of(sheet, finding)}  {quantity}",
        words,
        finding.sheet or sheet.sheet,
        tuple(finding.cells.split(",")),
        WRONG_CELL,
        f"{quantity}: {words}",
        finding.fixes,
        {area: f"={text.lstrip('=')}" for area, text in finding.arrays.items()},
        finding,
    )


def _blank(sheet: SheetReport, finding: Finding) -> ShownEntry:
    place, quantity = place_of(sheet, finding), one_line(finding.quantity)
    where, cells = finding.sheet or sheet.sheet, tuple(finding.cells.split(","))
    title, why = f"{place}  {quantity}", tr(TO_FILL_IN)
    return ShownEntry(title, why, where, cells, UNFINISHED_CELL, finding=finding)


def _short(formula: str) -> str:
    shown = one_line(formula)
    return shown if len(shown) <= LONGEST_FORMULA else f"{shown[:LONGEST_FORMULA]}…"


def corrected(count: int) -> str:
    return tr_count("{number} cell corrected", "{number} cells corrected", count)


# What a cell depends on -------------------------------------------------------


def shown_inputs(derivatives: Derivatives) -> Shown:
    """The numbers behind a result, the most sensitive first: the same as the command lists."""
    result, every = derivatives.result, derivatives.inputs
    listed = every[:MOST_INPUTS]
    named = f"{result.label} ({result.name})" if result.label else result.name
    value = numeral(show_value(result.value))
    heading = f"{tr('What {cell} depends on', cell=named)}: {value}"
    remarks = []
    if len(every) > len(listed):
        count = len(every) - len(listed)
        more = tr_count("{number} further input", "{number} further inputs", count)
        remarks.append(more)
    for why, cells in derivatives.slopes.fixed.items():
        some = ", ".join(map(derivatives.slopes.book.name_of, cells[:3]))
        remarks.append(f"{translate(why)}: {some}{' …' * (len(cells) > 3)}")
    titles = derivatives.result.book.sheets
    return Shown(heading, tuple(_inputs(listed, titles)), tuple(remarks))


def _inputs(listed: tuple[Sensitivity, ...], titles: list[str]) -> Iterator[ShownEntry]:
    for one in listed:
        percent = "–" if one.elasticity is None else _rounded(one.elasticity)
        numbers = (
            f"{percent} {tr('% per %')}",
            f"{tr('derivative')} {_rounded(one.slope)}",
            f"{tr('value')} {_rounded(one.value)}",
        )
        first, last = name_of(one.cells[0]), name_of(one.cells[-1])
        yield ShownEntry(
            " ".join(filter(None, [one.label, f"({one.name})"])),
            "\n".join(
                filter(None, [numbers[0], " · ".join(map(_unbroken, numbers[1:])), one.note])
            ),
            titles[sheet_of(one.cell)],
            (first if first == last else f"{first}:{last}",),
            _strength(one),
        )


def _strength(one: Sensitivity) -> CellTint | None:
    if one.header is not None or not isfinite(one.elasticity or 0.0):
        return None
    level = sum(abs(one.elasticity or 0.0) >= strength for strength in STRENGTHS)
    marks = RAISING_CELLS if one.slope > 0 else LOWERING_CELLS
    return marks[level - 1] if level else None


def _rounded(number: float) -> str:
    return numeral(f"{number:.5g}").replace("-", "−") if isfinite(number) else "–"


def _unbroken(words: str) -> str:
    return words.replace(" ", "\u00a0")


def with_remark(shown: Shown, words: str) -> Shown:
    """The same with a remark before the others."""
    return replace(shown, remarks=(words, *shown.remarks))


def shown_help() -> Shown:
    """What each command does."""
    entries = (ShownEntry(tr(COMMANDS[name]), tr(words), "", ()) for name, words in HELP.items())
    return Shown("gradbook", tuple(entries), is_current=False)
