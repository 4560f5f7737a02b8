"""Marks cells of an OpenDocument spreadsheet: fills, notes, and a sheet of rows behind the others.

All sheets stand in one part, in which cells and rows that are alike are said once: those that are
marked are taken out of their row of likes. Everything else keeps its bytes.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from gradbook.audit.copies.patch import (
    FORBIDDEN,
    TAG,
    ByteEdit,
    Element,
    apply_edits,
    elements,
    free_title,
)
from gradbook.audit.formula.address import MOST_COLUMNS, Address, column_of, row_of
from gradbook.audit.workbook.opendocument import ANOTHER_BOOKS, CONTENT
from gradbook.audit.workbook.package import WorkbookError

SHEETS_DEPTH = 3  # document, body, spreadsheet
CELLS = ("table-cell", "covered-table-cell")
WANTED = {"table", "table-row", "table-column", *CELLS, "style", "automatic-styles"}
PREFIXES = (b"office", b"table", b"text", b"style", b"fo")
LARGEST = 64 * 2**20  # bytes of rows that were said once and are to be told apart
OWN = "gradbook"  # what the names of our styles begin with
_NAME = re.compile(rb"""(\sstyle:name=)(?:"[^"]*"|'[^']*')""")
_FILL = re.compile(rb"""\sfo:background-color=(?:"[^"]*"|'[^']*')""")
_PROPERTIES = re.compile(rb"<style:table-cell-properties\b")
_NOTE_END = b"</office:annotation>"


@dataclass(frozen=True)
class CellMark:
    """What is to be shown in a cell."""

    note: str  # none where it is empty
    is_filled: bool


Wanted = Mapping[int, CellMark]  # by column


class OpenPart:
    """The part with all sheets, and what is changed in it."""

    def __init__(self, data: bytes, colour: str, sheets: int) -> None:
        missing = next((p for p in PREFIXES if b"xmlns:%s=" % p not in data), None)
        if missing is not None:
            raise WorkbookError(f"it calls {missing.decode()} otherwise: save it again as .ods")
        self.data, self.colour = data, colour
        found = elements(data, CONTENT, lambda _, tag, __: tag in WANTED)
        self.elements = sorted(found, key=lambda e: e.start)
        self.sheets = [
            e
            for e in self.elements
            if (e.tag, e.depth) == ("table", SHEETS_DEPTH)
            and ANOTHER_BOOKS not in e.attribute("name")
        ]
        if len(self.sheets) != sheets:
            raise WorkbookError("its sheets lie within others: save it again as .ods")
        self.known = {
            e.attribute("name"): e
            for e in self.elements
            if e.tag == "style" and e.attribute("family") == "table-cell"
        }
        self.styles: dict[str, bytes] = {}  # those that are added
        self.edits: list[ByteEdit] = []

    # Styles ------------------------------------------------------------------

    def plain(
        self, *, size: float, ink: str, bold: bool = False, fill: str = "", middle: bool = False
    ) -> int:
        """The number of a style for words, or for numbers in the middle of their cells."""
        filled = f' fo:background-color="{fill}"' if fill else ""
        weight = ' fo:font-weight="bold"' if bold else ""
        look = (
            f'<style:table-cell-properties{filled} style:vertical-align="top"'
            ' fo:wrap-option="wrap" style:text-align-source="fix"/>'
            f'<style:paragraph-properties fo:text-align="{"center" if middle else "start"}"/>'
            f'<style:text-properties fo:font-size="{size:g}pt" fo:color="{ink}"{weight}/>'
        )
        if look not in self.styles:
            name = f'style:name="{self._own(len(self.styles))}" style:family="table-cell"'
            style = f'<style:style {name} style:parent-style-name="Default">{look}</style:style>'
            self.styles[look] = style.encode()
        return list(self.styles).index(look)

    @staticmethod
    def _own(number: int) -> str:
        return f"{OWN}{number}"

    def _filled(self, name: str) -> str:
        """The name of the style that is like another one, but filled."""
        key = f"filled {name}"
        if key not in self.styles:
            own = self._own(len(self.styles))
            self.styles[key] = self._copy(self.known.get(name), name, own)
        return self._own(list(self.styles).index(key))

    def _copy(self, style: Element | None, name: str, own: str) -> bytes:
        fill = f' fo:background-color="{self.colour}"'.encode()
        properties = b"<style:table-cell-properties%s/>" % fill
        if style is None:
            named = f' style:name="{own}" style:family="table-cell"'
            named += f' style:parent-style-name="{escape(name or "Default")}"'
            return f"<style:style{named}>".encode() + properties + b"</style:style>"
        opening = _NAME.sub(rb'\1"%s"' % own.encode(), self.data[style.start : style.inside])
        inside = self.data[style.inside : style.end]
        if style.is_empty():
            return opening[:-2] + b">" + properties + b"</style:style>"
        inside = _FILL.sub(b"", inside)
        if _PROPERTIES.search(inside):
            return opening + _PROPERTIES.sub(lambda found: found[0] + fill, inside, count=1)
        return opening + properties + inside

    # Cells -------------------------------------------------------------------

    def show(self, number: int, marks: Mapping[Address, CellMark]) -> None:
        """A sheet's marks; what lies beyond its last row is left out."""
        sheet, row = self.sheets[number], 0
        wanted: defaultdict[int, dict[int, CellMark]] = defaultdict(dict)
        for cell, mark in marks.items():
            wanted[row_of(cell)][column_of(cell)] = mark
        inside = [e for e in self.elements if sheet.inside <= e.start < sheet.close]
        usual: list[str] = []  # the styles of cells that have none of their own, by column
        for e in inside:
            if e.tag == "table-column" and len(usual) < MOST_COLUMNS:
                count = min(_repeated(e, "columns"), MOST_COLUMNS - len(usual))
                usual += [e.attribute("default-cell-style-name")] * count
        cells = [e for e in inside if e.tag in CELLS]
        starts = [cell.start for cell in cells]
        for line in (e for e in inside if e.tag == "table-row"):
            count = _repeated(line, "rows")
            hit = [number for number in wanted if row <= number < row + count]
            if hit:
                own = cells[bisect(starts, line.start) : bisect(starts, line.end)]
                rows = self._rows(line, own, {k - row: wanted[k] for k in hit}, usual)
                self.edits.append((line.start, line.end, rows))
            row += count

    def _rows(
        self, line: Element, cells: list[Element], hit: Mapping[int, Wanted], usual: list[str]
    ) -> bytes:
        """A row, or rows that are alike but for those that are marked."""
        whole = self.data[line.start : line.end]
        if len(hit) * len(whole) > LARGEST:
            raise WorkbookError("too much in it is alike to be marked: save it again as .ods")

        new: dict[int, bytes] = {}
        for row, wanted in hit.items():
            edits = self._cells(cells, wanted, usual)
            shifted = [(a - line.start, b - line.start, said) for a, b, said in edits]
            new[row] = _again(apply_edits(whole, shifted), "rows", 1)
        return _taken_apart(whole, "rows", _repeated(line, "rows"), new)

    def _cells(self, cells: list[Element], wanted: Wanted, usual: list[str]) -> Iterator[ByteEdit]:
        column = 0
        for cell in cells:
            count, whole = _repeated(cell, "columns"), self.data[cell.start : cell.end]
            new: dict[int, bytes] = {}
            for k in (k for k in wanted if column <= k < column + count):
                name = cell.attribute("style-name") or (usual[k] if k < len(usual) else "")
                new[k - column] = self._marked(_again(whole, "columns", 1), name, wanted[k])
            if new:
                yield cell.start, cell.end, _taken_apart(whole, "columns", count, new)
            column += count

    def _marked(self, cell: bytes, style: str, mark: CellMark) -> bytes:
        opening = cell[: _end_of_tag(cell)]
        rest = cell[len(opening) :]
        if mark.is_filled:
            bare = re.sub(rb"""\stable:style-name=(?:"[^"]*"|'[^']*')""", b"", opening)
            slash = b"/>" if bare.endswith(b"/>") else b">"
            named = f' table:style-name="{self._filled(style)}"'.encode()
            opening = bare[: -len(slash)] + named + slash
        if not mark.note:
            return opening + rest
        said = _paragraphs(mark.note)
        if _NOTE_END in rest:
            return opening + rest.replace(_NOTE_END, said + _NOTE_END, 1)
        added = b"<office:annotation>" + said + _NOTE_END
        if opening.endswith(b"/>"):
            name = re.match(rb"<([^\s/>]+)", opening)
            assert name
            return opening[:-2] + b">" + added + b"</" + name[1] + b">"
        return opening + added + rest

    # The sheet behind the others, and the whole ------------------------------

    def add_sheet(
        self, title: str, widths: Sequence[int], rows: Sequence[Sequence[tuple[str | float, int]]]
    ) -> None:
        """Rows of texts and numbers, each with the number of its style."""
        own = free_title(title, [e.attribute("name") for e in self.sheets])
        content = b""
        for k, letters in enumerate(widths):
            column = f'<table:table-column table:style-name="{OWN}-width{k}"/>'
            content += column.encode()
            self.styles[f"width {k}"] = (
                f'<style:style style:name="{OWN}-width{k}" style:family="table-column">'
                f'<style:table-column-properties style:column-width="{letters * 0.08:.2f}in"/>'
                "</style:style>"
            ).encode()
        content += b"".join(map(self._score_row, rows))
        whole = f'<table:table table:name="{escape(own)}">'.encode() + content + b"</table:table>"
        end = self.sheets[-1].end
        self.edits.append((end, end, whole))

    def _score_row(self, row: Sequence[tuple[str | float, int]]) -> bytes:
        cells = b"".join(self._score_cell(*cell) for cell in row)
        return b"<table:table-row>" + (cells or b"<table:table-cell/>") + b"</table:table-row>"

    def _score_cell(self, content: str | float, style: int) -> bytes:
        said = f' table:style-name="{self._own(style)}"'
        if isinstance(content, float):
            number = f' office:value-type="float" office:value="{content!r}"'
            return f"<table:table-cell{said}{number}/>".encode()
        opening = f'<table:table-cell{said} office:value-type="string">'.encode()
        return opening + _paragraphs(content) + b"</table:table-cell>"

    def text(self) -> bytes:
        added = b"".join(self.styles.values())
        styles = next((e for e in self.elements if e.tag == "automatic-styles"), None)
        if added and styles is None:
            raise WorkbookError("it has no styles of cells: save it again as .ods")
        if added and styles is not None:
            if styles.is_empty():
                whole = b"<office:automatic-styles>" + added + b"</office:automatic-styles>"
                self.edits.append((styles.start, styles.end, whole))
            else:
                self.edits.append((styles.close, styles.close, added))
        return apply_edits(self.data, self.edits)


def _repeated(element: Element, what: str) -> int:
    number = element.attribute(f"number-{what}-repeated")
    return max(int(number), 1) if number.isdecimal() and len(number) <= 8 else 1


def _taken_apart(whole: bytes, what: str, count: int, new: Mapping[int, bytes]) -> bytes:
    """An element that stands for so many, of which some are others."""
    pieces, done = list[bytes](), 0
    for place in sorted(new):
        pieces += [_again(whole, what, place - done)] if place > done else []
        pieces.append(new[place])
        done = place + 1
    return b"".join([*pieces, *([_again(whole, what, count - done)] if done < count else [])])


def _again(whole: bytes, what: str, count: int) -> bytes:
    """An element that stands for so many, of itself alone."""
    end = _end_of_tag(whole)
    said = rb"""\stable:number-%s-repeated=(?:"[^"]*"|'[^']*')""" % what.encode()
    opening = re.sub(said, b"", whole[:end])
    if count > 1:
        slash = b"/>" if opening.endswith(b"/>") else b">"
        many = f' table:number-{what}-repeated="{count}"'.encode()
        opening = opening[: -len(slash)] + many + slash
    return opening + whole[end:]


def _end_of_tag(whole: bytes) -> int:
    found = TAG.match(whole)
    assert found, "it begins with a tag"
    return found.end()


def _paragraphs(words: str) -> bytes:
    plain = FORBIDDEN.sub("\ufffd", words)
    return "".join(
        f"<text:p>{escape(line, quote=False)}</text:p>" for line in plain.split("\n")
    ).encode()
