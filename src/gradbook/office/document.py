"""What is read from and written into an open document: a copy, formulas, added sheets.

Knows documents and their cells; it doesn't know what a formula means.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import uno
from com.sun.star.beans import PropertyValue
from com.sun.star.sheet.CellFlags import FORMULA

from gradbook.derivatives.excel_formulas import spelled_in_file

FILTERS = {".xlsx": "Calc MS Excel 2007 XML", ".ods": "calc8"}
EXCELS = 3  # com.sun.star.sheet.AddressConvention: as in .xlsx; 4 is another program's
COPIED = (
    *("CellBackColor", "IsCellBackgroundTransparent", "CharColor", "CharWeight", "CharPosture"),
    *("CharHeight", "CharUnderline", "HoriJustify", "VertJustify", "IsTextWrapped"),
    "BottomBorder",
)
"""What cells of an added sheet look like."""
READABLE = (".xlsx", ".xlsm", ".ods")
HEADING_ROWS = 8


def copy_document(document: Any, folder: Path, ending: str = "") -> Path:
    """A copy of what is on the screen, edits that aren't saved included; a document as it was saved
    is copied as a file, which stops nobody."""
    address = document.getURL()
    source = Path(uno.fileUrlToSystemPath(address)) if address.startswith("file:") else None
    suffix = source.suffix.lower() if source else ""
    as_saved = source is not None and not document.isModified() and source.is_file()
    is_secret = any(it.Name == "EncryptionData" for it in document.getArgs())
    endings = (ending,) if ending else READABLE
    if source and as_saved and not is_secret and suffix in endings:
        return Path(shutil.copy(source, folder / f"book{suffix}"))
    wanted = ending or (".ods" if suffix in (".ods", "") else ".xlsx")
    path = folder / f"book{wanted}"
    how = (PropertyValue(Name="FilterName", Value=FILTERS[wanted]),)
    document.storeToURL(uno.systemPathToFileUrl(str(path)), how)
    return path


def write_formulas(
    document: Any, sheet: Any, formulas: Mapping[str, str], arrays: Mapping[str, str]
) -> None:
    """Write formulas in the grammar of .xlsx, whatever this office's signs and names are."""
    parser = document.createInstance("com.sun.star.sheet.FormulaParser")
    parser.FormulaConvention, parser.CompileEnglish = EXCELS, True

    def tokens(formula: str, cell: Any) -> Any:
        return parser.parseFormula(spelled_in_file(formula[1:]), cell.getCellAddress())

    for area, formula in arrays.items():
        cells = sheet.getCellRangeByName(area)
        cells.setArrayTokens(tokens(formula, cells.getCellByPosition(0, 0)))
    for name, formula in formulas.items():
        cell = sheet.getCellRangeByName(name)
        if formula.startswith("="):
            cell.setTokens(tokens(formula, cell))
        else:
            cell.setFormula(formula)


# Added sheets -----------------------------------------------------------------


def add_sheets(document: Any, desktop: Any, path: Path) -> list[str]:
    """Add the sheets that a copy of the document has and the document hasn't: their titles."""
    hidden = (PropertyValue(Name="Hidden", Value=True), PropertyValue(Name="ReadOnly", Value=True))
    other = desktop.loadComponentFromURL(uno.systemPathToFileUrl(str(path)), "_blank", 0, hidden)
    try:
        sheets, theirs = document.getSheets(), other.getSheets()
        added = [it for it in theirs.getElementNames() if not sheets.hasByName(it)]
        for title in added:
            sheets.insertNewByName(title, sheets.getCount())
        _add_names(document, other)
        for title in added:
            _copy_sheet(document, sheets.getByName(title), other, theirs.getByName(title))
    finally:
        other.close(True)
    return added


def _add_names(document: Any, other: Any) -> None:
    names, theirs = document.NamedRanges, other.NamedRanges
    for name in theirs.getElementNames():
        if not names.hasByName(name):
            place = theirs.getByName(name).getReferencePosition()
            names.addNewByName(name, theirs.getByName(name).getContent(), place, 0)


def _copy_sheet(document: Any, sheet: Any, other: Any, source: Any) -> None:
    cursor = source.createCursor()
    cursor.gotoEndOfUsedArea(False)
    end = cursor.getRangeAddress()
    whole = (0, 0, end.EndColumn, end.EndRow)
    for column in range(end.EndColumn + 1):
        width = source.getColumns().getByIndex(column).Width
        sheet.getColumns().getByIndex(column).Width = width
    sheet.getCellRangeByPosition(*whole).setDataArray(
        source.getCellRangeByPosition(*whole).getDataArray()
    )
    for area in source.queryContentCells(FORMULA).getRangeAddresses():
        place = (area.StartColumn, area.StartRow, area.EndColumn, area.EndRow)
        _copy_formulas(sheet, source, place)
    _copy_looks(document, sheet, other, source)
    _merge(sheet, source, min(end.EndRow + 1, HEADING_ROWS))
    sheet.TabColor = source.TabColor


def _copy_formulas(sheet: Any, source: Any, place: tuple[int, int, int, int]) -> None:
    theirs = source.getCellRangeByPosition(*place)
    left, top, *_ = place
    # One by one, for the office dies of taking back what is set as a whole array.
    for down, row in enumerate(theirs.getFormulaArray()):
        for across, text in enumerate(row):
            cell = sheet.getCellByPosition(left + across, top + down)
            if text.startswith("{"):
                cell.setArrayFormula(text[1:-1])
            else:
                cell.setFormula(text)


def _copy_looks(document: Any, sheet: Any, other: Any, source: Any) -> None:
    index = sheet.getRangeAddress().Sheet
    formats, theirs = document.getNumberFormats(), other.getNumberFormats()
    groups = source.getUniqueCellFormatRanges()
    for number in range(groups.getCount()):
        group = groups.getByIndex(number)
        cells = document.createInstance("com.sun.star.sheet.SheetCellRanges")
        for address in group.getRangeAddresses():
            address.Sheet = index
            cells.addRangeAddress(address, False)
        digits = theirs.getByKey(group.NumberFormat)
        key = formats.queryKey(digits.FormatString, digits.Locale, False)
        if key < 0:
            key = formats.addNew(digits.FormatString, digits.Locale)
        looks = zip(COPIED, group.getPropertyValues(COPIED), strict=True)
        for name, value in (("NumberFormat", key), *looks):
            if value is not None:
                cells.setPropertyValue(name, value)


def _merge(sheet: Any, source: Any, rows: int) -> None:
    """Merge the cells that are merged in the first rows, where headings are."""
    for row in range(rows):
        cursor = source.createCursorByRange(source.getCellByPosition(0, row))
        cursor.collapseToMergedArea()
        columns = cursor.getColumns().getCount()
        if columns > 1:
            sheet.getCellRangeByPosition(0, row, columns - 1, row).merge(True)


def first_protected(document: Any, titles: Iterable[str]) -> str:
    """The title of the first of these sheets that is protected; '' if none is."""
    sheets = document.getSheets()
    there = (title for title in titles if sheets.hasByName(title))
    return next((title for title in there if sheets.getByName(title).isProtected()), "")
