"""A sheet's element: its columns and rows, the cells in them, and what lies over these."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from gradbook.targets.excel.opendocument.charts import AN_INCH, OpenChart
from gradbook.targets.excel.opendocument.formulas import open_formula
from gradbook.targets.excel.opendocument.sheet import OpenCell, OpenFormat, OpenPicture, OpenSheet
from gradbook.targets.excel.opendocument.styles import tag

USUAL_WIDTH = 8.43  # characters
A_DIGIT = 7.4  # pixels
ERRORS = ("#NUM!", "#VALUE!", "#DIV/0!", "#REF!", "#NAME?", "#N/A", "#NULL!")
A_NOTES_WIDTH, A_NOTES_HEIGHT = 128, 74  # pixels, where nothing is said

Place = tuple[int, int]


def inches(characters: float) -> float:
    """How wide a column of so many digits is: in Excel one of Calibri 11 takes 7 pixels, and 5 are
    at the sides; LibreOffice doesn't round a digit's width.
    """
    return (characters + 5 / 7) * A_DIGIT / AN_INCH


class SheetWords(NamedTuple):
    """What the whole file calls what this sheet has."""

    cell_style: Callable[[OpenFormat], str]
    line_style: Callable[[str, float | None, bool], str]  # of a column or row: size, new page
    part: Callable[[OpenChart | OpenPicture], str]  # of the package, that holds it
    asked: Mapping[Place, str]
    master: str  # page


class SheetTable:
    """Writes one sheet."""

    def __init__(self, sheet: OpenSheet, words: SheetWords) -> None:
        self.sheet, self.words = sheet, words
        self.anchored: dict[int, set[int]] = {}
        for row, column in (*sheet.over, *sheet.notes, *words.asked):
            self.anchored.setdefault(row, set()).add(column)
        self.covered = {
            (row + y, column + x)
            for (row, column), (rows, columns) in sheet.merged.items()
            for y in range(rows)
            for x in range(columns)
            if y or x
        }

    def columns(self) -> str:
        used = max((column for row in self.sheet.rows.values() for column in row), default=0)
        last = max([used, *self.sheet.widths, *self.sheet.breaks["column"]])
        lines = [self._column(place) for place in range(last + 1)]
        return _grouped("column", lines, self.sheet.repeated.get("column"))

    def _column(self, place: int) -> str:
        width = inches(self.sheet.widths.get(place, USUAL_WIDTH))
        style = self.words.line_style("column", width, place in self.sheet.breaks["column"])
        return tag("table:table-column", {"table:style-name": style})

    def rows(self) -> Iterator[str]:
        sheet = self.sheet
        last = max([*sheet.rows, *sheet.heights, *self.anchored, *sheet.breaks["row"]], default=0)
        first, end = sheet.repeated.get("row", (-1, -1))
        for row in range(last + 1):
            if row == first:
                yield "<table:table-header-rows>"
            height, is_first = sheet.heights.get(row), row in sheet.breaks["row"]
            style = self.words.line_style("row", height, is_first)
            cells = "".join(self._cells(row)) or "<table:table-cell/>"
            yield f'<table:table-row table:style-name="{style}">{cells}</table:table-row>'
            if row == end:
                yield "</table:table-header-rows>"

    def _cells(self, row: int) -> Iterator[str]:
        own, following = self.sheet.rows.get(row, {}), 0
        for column in sorted({*own, *self.anchored.get(row, ())}):
            if column > following:
                yield f'<table:table-cell table:number-columns-repeated="{column - following}"/>'
            yield self._cell(row, column, own.get(column, OpenCell(None)))
            following = column + 1

    def _cell(self, row: int, column: int, cell: OpenCell) -> str:
        place = row, column
        said = f' table:style-name="{self.words.cell_style(cell.style)}"' if cell.style else ""
        if cell.formula:
            said += f" table:formula={quoteattr(open_formula(cell.formula))}"
        typed, content = _value(cell)
        said += typed
        if place in self.sheet.merged:
            rows, columns = self.sheet.merged[place]
            said += f' table:number-columns-spanned="{columns}" table:number-rows-spanned="{rows}"'
        if place in self.words.asked:
            said += f' table:content-validation-name="{self.words.asked[place]}"'
        if place in self.sheet.notes:
            content = self._note(place) + content
        if place in self.sheet.over:
            content += self._frame(self.sheet.over[place])
        name = "table:covered-table-cell" if place in self.covered else "table:table-cell"
        return f"<{name}{said}>{content}</{name}>" if content else f"<{name}{said}/>"

    def _note(self, place: Place) -> str:
        text, options = self.sheet.notes[place]
        size = {
            "svg:width": f"{options.get('x_scale', 1) * A_NOTES_WIDTH / AN_INCH:.3f}in",
            "svg:height": f"{options.get('height', A_NOTES_HEIGHT) / AN_INCH:.3f}in",
        }
        return tag("office:annotation", {"office:display": "false", **size}, _paragraphs(text))

    def _frame(self, over: OpenChart | OpenPicture) -> str:
        link = {
            "xlink:href": self.words.part(over),
            "xlink:type": "simple",
            "xlink:show": "embed",
            "xlink:actuate": "onLoad",
        }
        if isinstance(over, OpenChart):
            notify = {"draw:notify-on-update-of-ranges": " ".join(over.cells())}
            content, extent = tag("draw:object", notify | link), over.extent
        else:
            content, extent = tag("draw:image", link), _extent(over)
            content += f"<svg:title>{escape(over.options['description'])}</svg:title>"
        return tag("draw:frame", {**extent, "svg:x": "0in", "svg:y": "0in"}, content)


def _extent(picture: OpenPicture) -> dict[str, str]:
    """How large an image is shown, its own size (a PNG's, at 96 dots an inch) by its scale."""
    size = (picture.content[start : start + 4] for start in (16, 20))
    across, down = (int.from_bytes(pixels) / AN_INCH for pixels in size)
    return {
        "svg:width": f"{across * picture.options['x_scale']:.3f}in",
        "svg:height": f"{down * picture.options['y_scale']:.3f}in",
    }


def _value(cell: OpenCell) -> tuple[str, str]:
    """What a cell's attributes say of its value, and the text in it."""
    value = cell.value
    if value is None:
        return "", ""
    if isinstance(value, bool):
        word = "true" if value else "false"
        return f' office:value-type="boolean" office:boolean-value="{word}"', ""
    if isinstance(value, float):
        return f' office:value-type="float" office:value="{value!r}"', ""
    if cell.formula and value in ERRORS:
        said = ' office:value-type="string" office:string-value="" calcext:value-type="error"'
        return said, f"<text:p>{value}</text:p>"
    if cell.link:
        link = {"xlink:href": cell.link, "xlink:type": "simple"}
        return (
            ' office:value-type="string"',
            f"<text:p>{tag('text:a', link, escape(value))}</text:p>",
        )
    return ' office:value-type="string"', _paragraphs(value)


def _paragraphs(text: str) -> str:
    """Lines of words; several blanks in a row are said as such."""
    return "".join(f"<text:p>{_blanks(escape(line))}</text:p>" for line in text.split("\n"))


def _blanks(line: str) -> str:
    if "  " not in line and line.strip() == line:
        return line
    return line.replace(" ", "<text:s/>")


def _grouped(way: str, lines: list[str], repeated: tuple[int, int] | None) -> str:
    """The elements of all columns, those that are alike as one; some stand on every page."""
    if repeated is None:
        return _together(lines)
    first, last = repeated
    header = f"table:table-header-{way}s"
    middle = f"<{header}>{_together(lines[first : last + 1])}</{header}>"
    return _together(lines[:first]) + middle + _together(lines[last + 1 :])


def _together(lines: list[str]) -> str:
    content, place = [], 0
    while place < len(lines):
        end = place
        while end < len(lines) and lines[end] == lines[place]:
            end += 1
        many = f' table:number-columns-repeated="{end - place}"/>'
        content.append(lines[place].replace("/>", many) if end - place > 1 else lines[place])
        place = end
    return "".join(content)
