"""Reads a sheet's rows: at once where they stand as programs usually write them, else as XML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from gradbook.audit.formula.address import MOST_ROWS, column_number
from gradbook.audit.workbook.cells import A1, MOST_CELLS, Cells, too_large
from gradbook.audit.workbook.package import Package, local, parse, parser
from gradbook.audit.workbook.usual_rows import Attributes, Row, usual_row

_NEVER = bytes(sorted({*range(32)} - set(b"\t\n")))  # and the parser mends ends of lines
_OTHER_ENCODING = re.compile(rb"""<\?xml[^>]*encoding=["'](?!utf-8["'])""", re.IGNORECASE)
_DECLARATION = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml[^>]*\?>")
_BEGIN, _END = "<row", b"</row>"
_VALUE, _SHORTEST = b"<v>", b"<c><v>0</v></c>"

WIDE = 4  # cells in a row, for which it is worth the trouble
LONGEST_ROW = 2**20  # bytes; a longer one is left to the parser


class SheetRows:
    """One sheet's XML, as it streams by. Rows that are written in the usual way are read by one
    expression, which is quicker; whatever else there is goes to the parser, in its place."""

    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        self.row = -1
        self.column = -1
        self.kind = ""
        self.form: Attributes | None = None
        self.formula = ""
        self.value: str | None = None
        self.text: list[str] = []
        self.listening = False

    def read(self, parts: Package, part: str) -> None:
        parts.refuse_very_many(part)
        _refuse_very_many_values(parts, part)
        made = parser()
        made.StartElementHandler = self.begin
        made.EndElementHandler = self.end
        made.CharacterDataHandler = self.characters
        parse(part, self.unusual(parts.chunks(part)), made)

    # As XML

    def characters(self, piece: str) -> None:
        if self.listening:
            self.text.append(piece)

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        if ":" in tag:
            tag = local(tag)
        if tag == "c":
            self.begin_cell(attributes)
        elif tag in ("v", "t", "f"):
            self.listening = True
            self.text.clear()
            if tag == "f":
                self.form = attributes
        elif tag == "row":
            self.begin_row(attributes)

    def begin_row(self, attributes: Attributes) -> None:
        self.row = _index(attributes.get("r"), self.row + 1, MOST_ROWS)
        self.column = -1

    def begin_cell(self, attributes: dict[str, str]) -> None:
        found = A1.fullmatch(attributes.get("r", ""))
        if found:
            self.row, self.column = int(found[2]) - 1, column_number(found[1])
        else:
            self.column += 1
        self.kind = attributes.get("t", "n")
        self.form, self.formula, self.value = None, "", None

    def end(self, tag: str) -> None:
        if ":" in tag:
            tag = local(tag)
        if tag == "c":
            self.cells.keep(self.row, self.column, self.kind, self.form, self.formula, self.value)
        elif tag == "f":
            self.formula = "".join(self.text)
            self.listening = False
        elif tag in ("v", "t"):
            self.value = (self.value or "") + "".join(self.text)
            self.listening = False

    # As usual

    def unusual(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """What the parser is to read: all but the rows that are written as usual.

        A comment or the like may hide what looks like a row: from the first on, it reads all.
        """
        first = next(pieces, b"")
        declared = _DECLARATION.match(first)
        usual = _OTHER_ENCODING.match(first) is None
        waiting = first[declared.end() :] if declared else first
        if declared:
            yield declared[0]
        for piece in chain([b""], pieces):
            waiting += piece
            ready = waiting[: waiting.rfind(_END) + len(_END)] if _END in waiting else b""
            if len(waiting) - len(ready) > LONGEST_ROW or not usual:
                ready = waiting
            waiting = waiting[len(ready) :]
            usual = usual and b"<!" not in ready and b"<?" not in ready
            if usual and ready:
                yield from self._but_usual_rows(ready)
            else:
                yield ready
        yield waiting

    def _but_usual_rows(self, ready: bytes) -> Iterator[bytes]:
        try:
            text = ready.decode()
        except UnicodeDecodeError:
            yield ready  # and it is said in which line
            return
        narrow = text.count("<c ") < WIDE * text.count(_BEGIN)
        if narrow or len(ready.translate(None, _NEVER)) < len(ready):
            yield ready
            return
        done = 0
        while (start := text.find(_BEGIN, done)) >= 0:
            if done < start:
                yield text[done:start].encode()
            row = usual_row(text, start)
            if row is None:
                done = text.find(_END.decode(), start) + len(_END)
                yield text[start:done].encode()
            else:
                done = row.end
                self._keep(row)
                if lines := text.count("\n", start, done):
                    yield b"\n" * lines  # so that faults have their lines
        if done < len(text):
            yield text[done:].encode()

    def _keep(self, row: Row) -> None:
        self.begin_row(row.attributes)
        for cell in row.cells:
            self.cells.keep(*cell)
        if row.cells:
            self.row, self.column = row.cells[-1][:2]


def _refuse_very_many_values(parts: Package, part: str) -> None:
    """Counting values costs little beside reading them."""
    if parts.size(part) > MOST_CELLS * len(_SHORTEST):
        values = sum(piece.count(_VALUE) for piece in parts.chunks(part))
        if values > MOST_CELLS:
            raise too_large()


def _index(text: str | None, otherwise: int, limit: int) -> int:
    if text is None or not text.isdigit() or len(text) > 8:
        return otherwise
    return min(int(text) - 1, limit)
