"""Marks of cells that leave every format and every note of the user as it was.

A mark is a conditional format whose condition is always true and names gradbook, which other
formats and programs keep: so it is recognised after a file was saved and opened again. Marks are no
step of Undo. Knows ranges, styles and notes; it doesn't know why a cell is marked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from com.sun.star.beans import PropertyValue
from com.sun.star.sheet.ConditionOperator import FORMULA

from gradbook.report.in_spreadsheet import CellTint

SIGN = "gradbook"
CONDITION = 0  # com.sun.star.sheet.ConditionEntryType: a formula or a comparison
NOTE = f"{SIGN}: "
OURS = f'N("{SIGN}'
MADE_BY_FILES = ("ConditionalStyle", "ExtConditionalStyle")  # names that a read .xlsx gives


class Unrecorded:
    """Changes marks as no step of Undo, in a document that is as saved as it was, and whose rows
    are as high as they were.

    A class, for an office's error can't leave a context that is made of a generator.
    """

    def __init__(self, document: Any) -> None:
        self.document, self.was_modified = document, document.isModified()

    def __enter__(self) -> None:
        self.document.getUndoManager().lock()
        self.document.lockControllers()
        self.document.IsAdjustHeightEnabled = False

    def __exit__(self, *error: object) -> None:
        self.document.IsAdjustHeightEnabled = True
        self.document.unlockControllers()
        self.document.getUndoManager().unlock()
        if not self.was_modified:
            self.document.setModified(False)


def _lock_again(document: Any) -> None:
    """Let the next change be unrecorded, for the office unlocks Undo at almost every one."""
    document.getUndoManager().unlock()
    document.getUndoManager().lock()


def put_mark(document: Any, sheet: Any, areas: Sequence[str], mark: CellTint) -> None:
    """Mark the cells of a sheet, except where the user has a conditional format."""
    cells = document.createInstance("com.sun.star.sheet.SheetCellRanges")
    theirs = [it.Range for it in sheet.ConditionalFormats.getConditionalFormats()]
    for area in areas:
        cells.addRangeAddress(sheet.getCellRangeByName(area).getRangeAddress(), False)
    for address in [it for ranges in theirs for it in ranges.getRangeAddresses()]:
        for part in cells.queryIntersection(address).getRangeAddresses():
            cells.removeRangeAddress(part)
    if cells.getCount():
        always, style = f'{OURS} {mark.name}")=0', _style(document, mark)
        _set_condition(document, cells, Operator=FORMULA, Formula1=always, StyleName=style)


def _set_condition(document: Any, cells: Any, **condition: Any) -> None:
    """Give cells a conditional format, or none."""
    entries = cells.getPropertyValue("ConditionalFormat")
    entries.clear()
    if condition:
        entries.addNew(tuple(PropertyValue(Name=key, Value=it) for key, it in condition.items()))
    _lock_again(document)
    cells.setPropertyValue("ConditionalFormat", entries)
    if not condition:
        _lock_again(document)
        cells.setPropertyToDefault("ConditionalFormat")  # else an empty one is left


def put_note(document: Any, sheet: Any, areas: Sequence[str], words: str) -> None:
    """Write a note at the first of the cells that has none."""
    for area in areas:
        cells = sheet.getCellRangeByName(area)
        columns, rows = cells.getColumns().getCount(), cells.getRows().getCount()
        for place in range(min(columns * rows, 50)):
            cell = cells.getCellByPosition(place % columns, place // columns)
            if not cell.getAnnotation().getString():
                _lock_again(document)
                sheet.Annotations.insertNew(cell.getCellAddress(), NOTE + words)
                return


def clear_marks(document: Any) -> None:
    """Take away all marks and notes, also those that the file brought."""
    styles: set[str] = set()
    sheets = document.getSheets()
    for sheet in map(sheets.getByIndex, range(sheets.getCount())):
        for one in sheet.ConditionalFormats.getConditionalFormats():
            entries = [one.getByIndex(place) for place in range(one.getCount())]
            if entries and all(map(_is_ours, entries)):
                styles |= {entry.StyleName for entry in entries}
                _set_condition(document, one.Range)
        notes = sheet.Annotations
        for place in reversed(range(notes.getCount())):
            if notes.getByIndex(place).getString().startswith(NOTE):
                _lock_again(document)
                notes.removeByIndex(place)
    family = document.getStyleFamilies().getByName("CellStyles")
    for name in styles | {it for it in family.getElementNames() if it.startswith(f"{SIGN} ")}:
        if name.startswith((SIGN, *MADE_BY_FILES)) and family.hasByName(name):
            family.removeByName(name)


def _is_ours(entry: Any) -> bool:
    return bool(entry.getType() == CONDITION) and bool(entry.Formula1.startswith(OURS))


def _style(document: Any, mark: CellTint) -> str:
    """The name of the style, which is made if there is none."""
    name = f"{SIGN} {mark.name}"
    family = document.getStyleFamilies().getByName("CellStyles")
    if not family.hasByName(name):
        family.insertByName(name, document.createInstance("com.sun.star.style.CellStyle"))
        style = family.getByName(name)
        style.CellBackColor = int(mark.fill[1:], 16)
        style.CharColor = int(mark.ink[1:], 16)
    return name
