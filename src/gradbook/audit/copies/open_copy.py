"""Marks cells of an OpenDocument spreadsheet: fills, notes, and a sheet of rows behind the others.

All sheets stand in one part, in which cells and rows that are alike are said once: those that are
marked are taken out of their row of likes. Everything else keeps its bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from gradbook.audit.copies.patch import ByteEdit, Element, apply_edits, elements
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
Wanted = Mapping[int, tuple[str, bool]]  # column → a note, and whether the cell is filled


@dataclass(frozen=True)
class OpenMarks:
    """What is to be shown on one sheet."""

    notes: Mapping[Address, str]
    filled: frozenset[Address]

    def rows(self) -> dict[int, dict[int, tuple[str, bool]]]:
        found: dict[int, dict[int, tuple[str, bool]]] = {}
        for cell in {*self.notes, *self.filled}:
            shown = self.notes.get(cell, ""), cell in self.filled
            found.setdefault(row_of(cell), {})[column_of(cell)] = shown
        return found


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

    def show(self, number: int, marks: OpenMarks) -> None:
        """A sheet's marks; what lies beyond its last row is left out."""
        sheet, wanted, row = self.sheets[number], marks.rows(), 0
        inside = [e for e in self.elements if sheet.inside <= e.start < sheet.close]
        usual: list[str] = []  # the styles of cells that have none of their own, by column
        for e in inside:
            if e.tag == "table-column" and len(usual) < MOST_COLUMNS:
                count = min(_repeated(e, "columns"), MOST_COLUMNS - len(usual))
                usual += [e.attribute("default-cell-style-name")] * count
        cells = [e for e in inside if e.tag in CELLS]
        place = 0
        for line in (e for e in inside if e.tag == "table-row"):
            count = _repeated(line, "rows")
            while place < len(cells) and cells[place].start < line.start:
                place += 1
            own = []
            while place < len(cells) and cells[place].start < line.end:
                own.append(cells[place])
                place += 1
            hit = sorted(number for number in wanted if row <= number < row + count)
            if hit:
                pieces = self._rows(line, own, {k - row: wanted[k] for k in hit}, usual)
                self.edits.append((line.start, line.end, b"".join(pieces)))
            row += count

    def _rows(
        self, line: Element, cells: list[Element], hit: Mapping[int, Wanted], usual: list[str]
    ) -> Iterator[bytes]:
        """A row, or rows that are alike but for those that are marked."""
        count, done = _repeated(line, "rows"), 0  # of the rows that it stands for
        whole = self.data[line.start : line.end]
        if len(hit) * len(whole) > LARGEST:
            raise WorkbookError("too much in it is alike to be marked: save it again as .xlsx")
        for place, wanted in hit.items():
            if place > done:
                yield _again(whole, "rows", place - done)
            edits = list(self._cells(cells, wanted, usual))
            shifted = [(a - line.start, b - line.start, new) for a, b, new in edits]
            yield _again(apply_edits(whole, shifted), "rows", 1)
            done = place + 1
        if done < count:
            yield _again(whole, "rows", count - done)

    def _cells(self, cells: list[Element], wanted: Wanted, usual: list[str]) -> Iterator[ByteEdit]:
        column = 0
        for cell in cells:
            count = _repeated(cell, "columns")
            hit = sorted(k for k in wanted if column <= k < column + count)
            if hit:
                whole, done, pieces = self.data[cell.start : cell.end], column, list[bytes]()
                for k in hit:
                    pieces += [_again(whole, "columns", k - done)] if k > done else []
                    name = cell.attribute("style-name") or (usual[k] if k < len(usual) else "")
                    pieces.append(self._marked(_again(whole, "columns", 1), name, *wanted[k]))
                    done = k + 1
                rest = column + count - done
                pieces += [_again(whole, "columns", rest)] if rest else []
                yield cell.start, cell.end, b"".join(pieces)
            column += count

    def _marked(self, cell: bytes, style: str, note: str, is_filled: bool) -> bytes:
        opening = cell[: _end_of_tag(cell)]
        rest = cell[len(opening) :]
        if is_filled:
            bare = re.sub(rb"""\stable:style-name=(?:"[^"]*"|'[^']*')""", b"", opening)
            slash = b"/>" if bare.endswith(b"/>") else b">"
            named = f' table:style-name="{self._filled(style)}"'.encode()
            opening = bare[: -len(slash)] + named + slash
        if not note:
            return opening + rest
        said = _paragraphs(note)
        if _NOTE_END in rest:
            return opening + rest.replace(_NOTE_END, said + _NOTE_END, 1)
        added = b"<office:annotation>" + said + _NOTE_END
        if opening.endswith(b"/>"):
            name = re.match(rb"<([^\s/>]+)", opening)
            assert name
            return opening[:-2] + b">" + added + b"</" + name[1] + b">"
        return opening + added + rest

    # The sheet behind the others, and the whole ------------------------------

    def add_sheet(self, title: str, widths: Sequence[int], rows: Sequence[Sequence[Any]]) -> None:
        """Rows of texts and numbers, each with the number of its style."""
        called = {e.attribute("name").lower() for e in self.sheets}
        names = (title, *(f"{title} {k}" for k in range(2, len(called) + 3)))
        own = next(name for name in names if name.lower() not in called)
        content = b"".join(_column(k) for k in range(len(widths)))
        content += b"".join(self._score_row(row) for row in rows)
        for k, letters in enumerate(widths):
            self.styles[f"width {k}"] = (
                f'<style:style style:name="{OWN}-width{k}" style:family="table-column">'
                f'<style:table-column-properties style:column-width="{letters * 0.08:.2f}in"/>'
                "</style:style>"
            ).encode()
        whole = f'<table:table table:name="{escape(own)}">'.encode() + content + b"</table:table>"
        end = self.sheets[-1].end
        self.edits.append((end, end, whole))

    def _score_row(self, row: Sequence[Any]) -> bytes:
        cells = b"".join(self._score_cell(cell.content, cell.style) for cell in row)
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


def _column(number: int) -> bytes:
    return f'<table:table-column table:style-name="{OWN}-width{number}"/>'.encode()


def _repeated(element: Element, what: str) -> int:
    number = element.attribute(f"number-{what}-repeated")
    return max(int(number), 1) if number.isdecimal() and len(number) <= 8 else 1


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


_TAG = re.compile(rb"""<(?:[^>"']|"[^"]*"|'[^']*')*>""")


def _end_of_tag(whole: bytes) -> int:
    found = _TAG.match(whole)
    assert found, "it begins with a tag"
    return found.end()


_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _paragraphs(words: str) -> bytes:
    plain = _FORBIDDEN.sub("\ufffd", words)
    return "".join(
        f"<text:p>{escape(line, quote=False)}</text:p>" for line in plain.split("\n")
    ).encode()
