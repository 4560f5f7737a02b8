"""Marks cells of an OpenDocument spreadsheet: fills, notes, and a sheet added after the others.

All sheets are in one part, which stores equal neighbouring cells and rows only once, with a count:
marked ones are separated from the others. All other bytes stay the same.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from gradbook.cells.formula.address import MOST_COLUMNS, Address, column_of, row_of
from gradbook.cells.opendocument import ANOTHER_BOOKS
from gradbook.cells.package import CONTENT, WorkbookError
from gradbook.cells.patch import (
    ByteEdit,
    Element,
    apply_edits,
    elements,
    free_title,
    opening_of,
    tag,
    with_attributes,
    with_content,
    words,
)

SHEETS_DEPTH = 3  # document, body, spreadsheet
CELLS = ("table-cell", "covered-table-cell")
WANTED = {"table", "table-row", "table-column", *CELLS, "style", "automatic-styles"}
PREFIXES = (b"office", b"table", b"text", b"style", b"fo")
LARGEST = 64 * 2**20  # bytes of repeated rows after they are separated
OWN = "gradbook"  # the prefix of our styles' names
_FILL = re.compile(rb"""\sfo:background-color=(?:"[^"]*"|'[^']*')""")
_PROPERTIES = re.compile(rb"""<style:table-cell-properties\b(?:[^<>"']|"[^"<]*"|'[^'<]*')*>""")
_NOTE_END = b"</office:annotation>"


@dataclass(frozen=True)
class CellMark:
    """The mark to show in a cell."""

    note: str  # empty: no note
    is_filled: bool


Wanted = Mapping[int, CellMark]  # by column


class OpenPart:
    """The part with all sheets, and the changes to it."""

    def __init__(self, data: bytes, colour: str, sheets: int) -> None:
        missing = next((p for p in PREFIXES if b"xmlns:%s=" % p not in data), None)
        if missing is not None:
            raise WorkbookError(f"it has no prefix {missing.decode()}: save it again as .ods")
        self.data, self.colour = data, colour
        self.elements = elements(data, CONTENT, lambda _, tag, __: tag in WANTED)
        self.sheets = [
            e
            for e in self.elements
            if (e.tag, e.depth) == ("table", SHEETS_DEPTH)
            and ANOTHER_BOOKS not in e.attribute("name")
        ]
        if len(self.sheets) != sheets:
            raise WorkbookError("its sheets are nested: save it again as .ods")
        self.known = {
            e.attribute("name"): e
            for e in self.elements
            if e.tag == "style" and e.attribute("family") == "table-cell"
        }
        self.names: dict[str, str] = {}  # of the added styles
        self.added = b""
        self.edits: list[ByteEdit] = []

    # Styles ------------------------------------------------------------------

    def plain(
        self, *, size: float, ink: str, bold: bool = False, fill: str = "", middle: bool = False
    ) -> str:
        """The name of a style for words, or for centred numbers."""
        filled = f' fo:background-color="{fill}"' if fill else ""
        weight = ' fo:font-weight="bold"' if bold else ""
        look = (
            f'<style:table-cell-properties{filled} style:vertical-align="top"'
            ' fo:wrap-option="wrap" style:text-align-source="fix"/>'
            f'<style:paragraph-properties fo:text-align="{"center" if middle else "start"}"/>'
            f'<style:text-properties fo:font-size="{size:g}pt" fo:color="{ink}"{weight}/>'
        )
        return self._style(look, lambda name: _style(name, "Default", look.encode()))

    def _filled(self, name: str) -> str:
        """The name of the style that equals another one, with a fill."""
        return self._style(
            f"filled {name}", lambda called: self._copy(self.known.get(name), name, called)
        )

    def _style(self, key: str, make: Callable[[str], bytes]) -> str:
        """The name of one of our styles, which is created when it is first needed."""
        if key not in self.names:
            self.names[key] = f"{OWN}{len(self.names)}"
            self.added += make(self.names[key])
        return self.names[key]

    def _copy(self, style: Element | None, name: str, called: str) -> bytes:
        fill = {"fo:background-color": self.colour}
        properties = tag(b"style:", "table-cell-properties", **fill)
        if style is None:
            return _style(called, name or "Default", properties)
        content = _FILL.sub(b"", style.content)
        if there := _PROPERTIES.search(content):
            filled = with_attributes(there[0], **fill)
            content = content[: there.start()] + filled + content[there.end() :]
        else:
            content = properties + content
        return with_content(with_attributes(style.opening, **{"style:name": called}), content)

    # Cells -------------------------------------------------------------------

    def show(self, number: int, marks: Mapping[Address, CellMark]) -> None:
        """Mark a sheet's cells; marks below its last row are left out."""
        sheet, row = self.sheets[number], 0
        wanted: defaultdict[int, dict[int, CellMark]] = defaultdict(dict)
        for cell, mark in marks.items():
            wanted[row_of(cell)][column_of(cell)] = mark
        inside = [e for e in self.elements if sheet.inside <= e.start < sheet.close]
        usual: list[str] = []  # the default styles of cells, by column
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
                of_line = cells[bisect(starts, line.start) : bisect(starts, line.end)]
                rows = self._rows(line, of_line, {k - row: wanted[k] for k in hit}, usual)
                self.edits.append((line.start, line.end, rows))
            row += count

    def _rows(
        self, line: Element, cells: list[Element], hit: Mapping[int, Wanted], usual: list[str]
    ) -> bytes:
        """A repeated row, with the marked rows separated from the others."""
        text = line.whole
        if len(hit) * len(text) > LARGEST:
            raise WorkbookError("it has too many repeated rows to mark: save it again as .ods")
        new: dict[int, bytes] = {}
        for row, wanted in hit.items():
            edits = self._cells(cells, wanted, usual)
            shifted = [(a - line.start, b - line.start, content) for a, b, content in edits]
            new[row] = _again(apply_edits(text, shifted), "rows", 1)
        return _taken_apart(text, "rows", _repeated(line, "rows"), new)

    def _cells(self, cells: list[Element], wanted: Wanted, usual: list[str]) -> Iterator[ByteEdit]:
        column = 0
        for cell in cells:
            count, text = _repeated(cell, "columns"), cell.whole
            new: dict[int, bytes] = {}
            for k in (k for k in wanted if column <= k < column + count):
                name = cell.attribute("style-name") or (usual[k] if k < len(usual) else "")
                new[k - column] = self._marked(_again(text, "columns", 1), name, wanted[k])
            if new:
                yield cell.start, cell.end, _taken_apart(text, "columns", count, new)
            column += count

    def _marked(self, cell: bytes, style: str, mark: CellMark) -> bytes:
        opening = opening_of(cell)
        rest = cell[len(opening) :]
        if mark.is_filled:
            opening = with_attributes(opening, **{"table:style-name": self._filled(style)})
        if not mark.note:
            return opening + rest
        paragraphs = _paragraphs(mark.note)
        if _NOTE_END in rest:
            return opening + rest.replace(_NOTE_END, paragraphs + _NOTE_END, 1)
        note = tag(b"office:", "annotation", paragraphs)
        return opening + note + rest if rest else with_content(opening, note)

    # The added sheet, and the whole part -------------------------------------

    def add_sheet(
        self, title: str, widths: Sequence[int], rows: Sequence[Sequence[tuple[str | float, str]]]
    ) -> None:
        """Add a sheet with rows of texts and numbers, each with the name of its style."""
        free = free_title(title, [e.attribute("name") for e in self.sheets])
        names = [self._style(f"width {width}", partial(_wide, width)) for width in widths]
        columns = (tag(b"table:", "table-column", **{"table:style-name": name}) for name in names)
        content = b"".join([*columns, *map(_row, rows)])
        end = self.sheets[-1].end
        self.edits.append((end, end, tag(b"table:", "table", content, **{"table:name": free})))

    def text(self) -> bytes:
        if self.added:
            styles = next((e for e in self.elements if e.tag == "automatic-styles"), None)
            if styles is None:
                raise WorkbookError("it has no cell styles: save it again as .ods")
            self.edits += styles.with_child(self.added)
        return apply_edits(self.data, self.edits)


def _style(name: str, like: str, look: bytes) -> bytes:
    attributes = {"style:name": name, "style:family": "table-cell", "style:parent-style-name": like}
    return tag(b"style:", "style", look, **attributes)


def _wide(letters: int, name: str) -> bytes:
    """A style for a column of this width."""
    width = {"style:column-width": f"{letters * 0.08:.2f}in"}
    look = tag(b"style:", "table-column-properties", **width)
    attributes = {"style:name": name, "style:family": "table-column"}
    return tag(b"style:", "style", look, **attributes)


def _row(row: Sequence[tuple[str | float, str]]) -> bytes:
    cells = b"".join(_cell(*cell) for cell in row)
    return tag(b"table:", "table-row", cells or tag(b"table:", "table-cell"))


def _cell(content: str | float, style: str) -> bytes:
    attributes = {"table:style-name": style, "office:value-type": "string"}
    if isinstance(content, float):
        attributes |= {"office:value-type": "float", "office:value": repr(content)}
        return tag(b"table:", "table-cell", **attributes)
    return tag(b"table:", "table-cell", _paragraphs(content), **attributes)


def _repeated(element: Element, what: str) -> int:
    number = element.attribute(f"number-{what}-repeated")
    return max(int(number), 1) if number.isdecimal() and len(number) <= 8 else 1


def _taken_apart(text: bytes, what: str, count: int, new: Mapping[int, bytes]) -> bytes:
    """A repeated element, with some of the repetitions replaced."""
    pieces, done = list[bytes](), 0
    for place in sorted(new):
        pieces += [_again(text, what, place - done)] if place > done else []
        pieces.append(new[place])
        done = place + 1
    return b"".join([*pieces, *([_again(text, what, count - done)] if done < count else [])])


def _again(text: bytes, what: str, count: int) -> bytes:
    """An element with another number of repetitions."""
    opening = opening_of(text)
    many = {f"table:number-{what}-repeated": str(count) if count > 1 else None}
    return with_attributes(opening, **many) + text[len(opening) :]


def _paragraphs(note: str) -> bytes:
    return b"".join(tag(b"text:", "p", words(line)) for line in note.split("\n"))
