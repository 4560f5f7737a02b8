"""Reads a sheet's rows: at once where they stand as programs usually write them, else as XML.

A row in the usual form is read by one expression, which is quicker than any XML parser. Nothing is
guessed: a row that has anything else in it is left to the parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from gradbook.audit.formula.address import MOST_ROWS, column_number, row_and_column
from gradbook.audit.workbook.cells import BookCells, EnoughRead
from gradbook.audit.workbook.package import Package, local, parse, parser
from gradbook.audit.workbook.row_texts import row_number

WIDE = 4  # cells in a row, for which it is worth the trouble
LONGEST_ROW = 2**20  # bytes; a longer one is left to the parser

Attributes = Mapping[str, str]
CellParts = tuple[int, int, str, Attributes | None, str, str | None]
"""Row, column, kind, the attributes of its formula if it has one, the formula, the value."""

_END = b"</row>"
_NEVER = bytes(sorted({*range(32)} - set(b"\t\n")))  # the parser mends line ends
_OTHER_ENCODING = re.compile(rb"""<\?xml[^>]*encoding=["'](?!utf-8["'])""", re.IGNORECASE)
_DECLARATION = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml[^>]*\?>")


class SheetRows:
    """One sheet's XML, as it streams by: its usual rows, and the rest by a parser, in its place."""

    def __init__(self, cells: BookCells) -> None:
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
        rest = self.unusual(parts.chunks(part))
        try:
            parse(part, rest, parser(), self.begin, self.end, self.characters)
            self.cells.end_row()
        except EnoughRead:
            self.cells.stop()

    # As XML

    def characters(self, piece: str) -> None:
        if self.listening:
            self.text.append(piece)

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        if ":" in tag:
            tag = local(tag)
        if tag == "c":
            next_one = self.row, self.column + 1
            self.row, self.column = row_and_column(attributes.get("r", "")) or next_one
            self.kind = attributes.get("t", "n")
            self.form, self.formula, self.value = None, "", None
        elif tag in ("v", "t", "f"):
            self.listening = True
            self.text.clear()
            if tag == "f":
                self.form = attributes
        elif tag == "row":
            self.begin_row(attributes)

    def begin_row(self, attributes: Attributes) -> None:
        number = attributes.get("r", "")
        known = number.isdecimal() and len(number) <= 8
        self.row = min(int(number) - 1, MOST_ROWS) if known else self.row + 1
        self.column = -1

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

    # In the usual form

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
            yield ready  # the parser says in which line
            return
        narrow = text.count("<c ") < WIDE * text.count("<row")
        if narrow or len(ready.translate(None, _NEVER)) < len(ready):
            yield ready
            return
        done = 0
        while (start := text.find("<row", done)) >= 0:
            if done < start:
                yield text[done:start].encode()
            repeated = self._end_of_repeated(text, start)
            if repeated:
                done = repeated
                continue
            row = usual_row(text, start)
            if row is None:
                done = text.find(_END_OF_ROW, start) + len(_END_OF_ROW)
                yield text[start:done].encode()
            else:
                done = row.end
                self._keep(row)
                self.cells.end_usual_row(text[start:done])
                if lines := text.count("\n", start, done):
                    yield b"\n" * lines  # so that the parser names the right line
        if done < len(text):
            yield text[done:].encode()

    def _end_of_repeated(self, text: str, start: int) -> int:
        """Where a row ends that repeats others, by its text; 0 where that isn't so."""
        number = row_number(text, start)
        if number is None or not self.cells.may_repeat:
            return 0
        end = text.find(_END_OF_ROW, start) + len(_END_OF_ROW)
        if not self.cells.repeats(number, text[start:end]):
            return 0
        self.row, self.column = number, -1
        return end

    def _keep(self, row: UsualRow) -> None:
        self.begin_row(row.attributes)
        for cell in row.cells:
            self.cells.keep(*cell)
        if row.cells:
            self.row, self.column = row.cells[-1][:2]


# A usual row ------------------------------------------------------------------

_END_OF_ROW = _END.decode()
ATTRIBUTES = r'((?:[ ][A-Za-z0-9:]++="[^"<&]*+")*+)'
_ROW = re.compile(rf"<row{ATTRIBUTES}[ ]?(/?)>")
_CELL = re.compile(
    rf"""
    (<c[ ]r="([A-Z]{{1,3}})([1-9][0-9]{{0,6}})"{ATTRIBUTES}[ ]?(?: /> | >
        (?: (<f){ATTRIBUTES}[ ]?(?: /> | >([^<]*+)</f> ))?
        (?: (<v>)([^<]*+)</v> | (<is>)<t(?:[ ]xml:space="preserve")?>([^<]*+)</t></is> )?
    </c> ))
    """,
    re.VERBOSE,
)
_ATTRIBUTE = re.compile(r' ([A-Za-z0-9:]+)="([^"]*)"')
_ENTITY = re.compile("&(amp|lt|gt|quot|apos);")
_CHARACTERS = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


class UsualRow(NamedTuple):
    attributes: Attributes
    cells: list[CellParts]
    end: int  # where it ends in the text


def usual_row(text: str, start: int) -> UsualRow | None:
    """The row that begins there; None where it isn't written as usual."""
    opening = _ROW.match(text, start)
    attributes = None if opening is None else _attributes(opening[1])
    if opening is None or attributes is None:
        return None
    if opening[2]:
        return UsualRow(attributes, [], opening.end())
    end = text.find(_END_OF_ROW, opening.end())
    found = _CELL.findall(text, opening.end(), end)
    if sum([len(cell[0]) for cell in found]) != end - opening.end():
        return None
    cells = [_cell(parts) for parts in found]
    if None in cells:
        return None
    return UsualRow(attributes, cells, end + len(_END_OF_ROW))  # type: ignore[arg-type]


def _cell(parts: Sequence[str]) -> CellParts | None:
    whole, letters, number, attributes, *formula_parts, is_value, value, is_text, text = parts
    is_formula, form, formula = formula_parts
    kinds, forms = _known(attributes), _known(form)
    if kinds is None or forms is None or "r" in kinds:
        return None
    if "&" in whole:
        plain = [_plain(piece) for piece in (formula, value, text)]
        if None in plain:
            return None
        formula, value, text = plain  # type: ignore[assignment]
    return (
        int(number) - 1,
        column_number(letters),
        kinds.get("t", "n"),
        forms if is_formula else None,
        formula,
        value if is_value else text if is_text else None,
    )


def _attributes(text: str) -> Attributes | None:
    """None where a name comes twice, which no XML may have."""
    found = _ATTRIBUTE.findall(text)
    names = dict(found)
    return names if len(names) == len(found) else None


_known = lru_cache(maxsize=1024)(_attributes)


def _plain(text: str) -> str | None:
    """A text with its entities replaced; None where there are others than the usual five."""
    plain, count = _ENTITY.subn(lambda found: _CHARACTERS[found[1]], text)
    return plain if count == text.count("&") else None
