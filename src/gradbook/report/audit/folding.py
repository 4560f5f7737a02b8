"""Which findings of a book are shown, and in what order: root causes first, repetitions folded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gradbook.amounts import counted
from gradbook.audit.findings import STALE, TO_FILL_IN, Finding, SheetReport
from gradbook.audit.formula.address import row_and_column
from gradbook.audit.formula.pattern import moved
from gradbook.errors import one_line

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


def shown(sheets: Sequence[SheetReport], everything: bool) -> Iterator[ShownSheet]:
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
    return moved(finding.formula, AFAR - row, AFAR - column)


def repeated(found: ShownFinding) -> str:
    """Where the same is found again, in words; '' where it is not."""
    named = [few_ranges(one_line(place), 1) for place in found.again[:MOST_PLACES]]
    more = len(found.again) - len(named)
    others = f" and {counted(more, 'more place')}" if more else ""
    return f"the same in {', '.join(named)}{others}" if named else ""


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
    return f"makes {few}{f' and {more} more' if more > 0 else ''} wrong" if names else ""


def few_ranges(cells: str, most: int = MOST_RANGES) -> str:
    """The ranges of a finding; of many, the first ones and how many there are besides."""
    ranges = cells.split(",")
    more = len(ranges) - most
    few = ", ".join(ranges[:most])
    return f"{few} and {counted(more, 'more range')}" if more > 0 else cells
