"""Words and tables: coloured lines of text, and columns that know how their cells are written.

Knows widths and colours, but no subject.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import compress, groupby
from operator import is_not
from string import Formatter
from types import MappingProxyType
from typing import Any

from gradbook.language import tr
from gradbook.language.text_width import pad, text_width, wrap
from gradbook.palette import Colour

# Lines ------------------------------------------------------------------------

TEXT_WIDTH = 80  # columns, if the width isn't known
FIXED_SPACE = "\u00a0"  # a space at which no line breaks


@dataclass(frozen=True)
class Span:
    """Characters in one colour ('' is the terminal's own), and their element on a page."""

    text: str
    colour: str = ""
    tag: str = ""  # b, code and so on; joint, which is left out on a page; verdict, bar or swatch
    link: str = ""  # the anchor, or the file, that they lead to
    kind: str = ""  # their class; of a verdict the word that colours it, of a swatch its ink
    about: str = ""  # the tooltip
    share: float = 0.0  # the part of its width that a bar fills
    markup: str = ""  # HTML that a page shows instead


TextLine = list[Span]
Words = str | Sequence[Span]
LONGEST_BAR, BAR = 24, "━"  # columns in a terminal


def bar(share: float, kind: str = "", *, is_drawn: bool = False) -> Span:
    """A bar that fills this share of its width on a page and, if it `is_drawn`, in a terminal."""
    drawn = BAR * round(LONGEST_BAR * share) if is_drawn else ""
    return Span(drawn, "cyan", tag="bar", kind=kind, share=share)


def swatch(ink: str, about: str = "") -> Span:
    """A spot of a curve's colour, on a page."""
    return Span("", tag="swatch", kind=ink, about=about)


def verdict(word: str, colour: str = "") -> Span:
    """A verdict in the reader's language, and in the colour that it has in English."""
    return Span(tr(word), colour, tag="verdict", kind=word)


def as_spans(words: Words) -> TextLine:
    return [Span(words)] if isinstance(words, str) else list(words)


def plain_words(words: Words) -> str:
    """The words without drawn bars."""
    if isinstance(words, str):
        return words
    return "".join(span.text for span in words if span.tag != "bar")


def spans(message: str, **parts: Span | TextLine | str) -> TextLine:
    """A message in the reader's language, with its parts in their places."""
    line: TextLine = []
    for words, name, _, _ in Formatter().parse(message):
        line += [Span(words)] * bool(words)
        if name is not None:
            part = parts[name]
            line += [part] if isinstance(part, Span) else as_spans(part)
    return line


def plain(lines: list[TextLine]) -> str:
    """The lines without their colours."""
    return "".join("".join(span.text for span in line).rstrip() + "\n" for line in lines)


def fold(line: Words, width: int, first: int = 0, rest: int = 0) -> Iterator[TextLine]:
    """Break a line to fit the width; the first line and the rest have their own indentation.

    A word that is longer than the width, such as a path, stays whole, so that it can be copied.
    """
    spans = as_spans(line)
    words = "".join(span.text for span in spans)
    at = 0
    parts = wrap(
        words,
        max(width, 20),
        initial_indent=" " * first,
        subsequent_indent=" " * rest,
        expand_tabs=False,
        replace_whitespace=False,
        break_on_hyphens=False,
        break_long_words=False,
    )
    for k, part in enumerate(parts):
        indent = rest if k else first
        at = words.index(part[indent:], at)
        end = at + len(part) - indent
        yield [Span(" " * indent)] * (indent > 0) + _cut(spans, at, end)
        at = end


def _cut(spans: TextLine, start: int, end: int) -> TextLine:
    """The characters from `start` to `end` in their colours."""
    pieces: TextLine = []
    for span in spans:
        text = span.text[max(start, 0) : max(end, 0)].replace(FIXED_SPACE, " ")
        pieces += [replace(span, text=text)] * bool(text)
        start, end = start - len(span.text), end - len(span.text)
    return pieces


def keep_together(words: str) -> str:
    """Words that stay in one line."""
    return words.replace(" ", FIXED_SPACE)


# Tables -----------------------------------------------------------------------

TableCell = str | int | float | None
RichCell = TableCell | tuple[Span, ...]

RULE, GAP = "─", "  "
QUIET = "dim"
LEAST_NOTE = 30  # columns for words beside a row
INDENT = 4  # of words below it


def thousands(cell: TableCell) -> str:
    """12,345; empty for None."""
    return "" if cell is None else f"{cell:,}" if isinstance(cell, int) else str(cell)


@dataclass(frozen=True)
class TableColumn:
    """A heading, how its cells are written, and how early the column is dropped to save space."""

    title: str
    key: str = ""  # the heading for programs
    shown: Words = ""  # the title on a page, if it differs
    words: bool = False  # left-aligned, as words are; numbers are right-aligned
    spell: Callable[[Any], str] = thousands
    spare: int = 0  # the highest are dropped first; 0 is kept
    width: int = 0  # the least one, for rows that are printed one by one
    group: str = ""  # a heading shared with the columns beside it
    ink: str = ""
    meaning: str = ""  # for readers who don't know it
    tint: Colour | None = None  # of the heading on a page, and of the bars
    has_bars: bool = False  # its cells have bars on a page
    is_drawn: bool = False  # it contains only bars


@dataclass(frozen=True)
class TextTable:
    """Columns, rows of cells, and a last row of totals."""

    columns: tuple[TableColumn, ...]
    rows: tuple[tuple[RichCell, ...], ...] = ()
    total: tuple[RichCell, ...] = ()
    notes: tuple[Words, ...] = ()  # beside each row, or below it if there is no room
    note_title: str = ""
    kind: str = ""  # its class on a page, and those of its rows
    row_kinds: tuple[str, ...] = ()
    has_row_heads: bool = False  # whether rows begin with their heading

    @classmethod
    def of(
        cls,
        columns: Iterable[TableColumn],
        records: Iterable[Mapping[str, Any]],
        total: Mapping[str, TableCell] = MappingProxyType({}),
    ) -> TextTable:
        """A row for each record, which has a cell for each column's key, or none."""
        shown = tuple(columns)

        def row(record: Mapping[str, Any]) -> tuple[RichCell, ...]:
            return tuple(record.get(column.key) for column in shown)

        return cls(shown, tuple(map(row, records)), row(total) if total else ())

    @cached_property
    def texts(self) -> list[tuple[str, ...]]:
        """The rows, and the total if there is one, as text."""
        rows = [*self.rows, self.total] if self.total else self.rows

        def text(column: TableColumn, cell: RichCell) -> str:
            if isinstance(cell, tuple):
                return "".join(span.text for span in cell)
            return column.spell(cell)

        return [tuple(map(text, self.columns, row)) for row in rows]

    @cached_property
    def widths(self) -> list[int]:
        """The width of each column; one alone in its group has room for the group's name."""
        groups = [column.group for column in self.columns]
        heads = [(c.title, c.group if groups.count(c.group) == 1 else "") for c in self.columns]
        cells = [[*head, *(row[k] for row in self.texts)] for k, head in enumerate(heads)]
        return [
            max(c.width, *map(text_width, column_cells))
            for c, column_cells in zip(self.columns, cells, strict=True)
        ]

    @property
    def width(self) -> int:
        return sum(self.widths) + len(GAP) * (len(self.widths) - 1)

    def only(self, is_kept: Callable[[TableColumn], bool]) -> TextTable:
        """The table with these columns alone."""
        kept = list(map(is_kept, self.columns))

        def less(row: tuple[Any, ...]) -> tuple[Any, ...]:
            return tuple(compress(row, kept))

        rows = tuple(map(less, self.rows))
        return replace(self, columns=less(self.columns), rows=rows, total=less(self.total))

    def without_drawings(self) -> TextTable:
        """The table without drawn columns."""
        return self.only(lambda column: not column.is_drawn)

    def heading(self, rule: str = "") -> Iterator[TextLine]:
        """The groups if there are any, the titles, and a rule of that character below them."""
        if any(column.group for column in self.columns):
            yield [Span(self._groups(rule), QUIET)]
        yield [Span(span.text, "bold") for span in self.line([c.title for c in self.columns])]
        if rule:
            yield [Span(rule * self.width, QUIET)]

    def _groups(self, rule: str) -> str:
        texts: list[str] = []
        places = groupby(range(len(self.columns)), lambda k: self.columns[k].group or -k)
        for group, columns in places:
            widths = [self.widths[k] for k in columns]
            room = sum(widths) + len(GAP) * (len(widths) - 1)
            name = group if isinstance(group, str) else ""
            ruled = name and room > text_width(name) + 1
            centred = f" {name} ".center(room - text_width(name) + len(name), rule)
            texts.append(centred if ruled else pad(name, room, right=True))
        return GAP.join(texts).rstrip()

    def line(self, cells: Sequence[str], colour: str = "") -> TextLine:
        """A row of written cells; a colour replaces those of the columns."""
        spans: TextLine = []
        for cell, width, column in zip(cells, self.widths, self.columns, strict=True):
            padded = pad(cell, width, right=not column.words)
            gap = GAP if spans else ""
            ink = colour or column.ink
            spans += [Span(gap), Span(padded, ink)] if ink and gap else [Span(gap + padded, ink)]
        return spans

    def lines(self, rule: str = "") -> Iterator[TextLine]:
        """For a terminal: the heading, the rows, and the total in bold."""
        yield from self.heading(rule)
        last = len(self.rows)
        yield from (self.line(cells) for cells in self.texts[:last])
        if self.total:
            yield from [[Span(rule * self.width, QUIET)]] if rule else []
            yield self.line(self.texts[last], "bold")

    def lines_with_notes(self, width: int) -> Iterator[TextLine]:
        """Each row with its note beside it or, if there is no room, below it."""
        margin = self.width + len(GAP)
        beside = width - margin >= LEAST_NOTE
        for line in self.heading():
            titled = beside and self.note_title
            yield [*line, Span(GAP + self.note_title, "bold")] if titled else line
        for cells, note in zip(self.texts, self.notes, strict=True):
            indent = margin if beside else INDENT
            words = list(fold(note, width, indent, indent))
            row = self.line(cells)
            if beside and words:
                row = [*row, Span(GAP), *words.pop(0)[1:]]
            yield row
            yield from words


def fit(table: TextTable, width: int) -> tuple[TextTable, tuple[str, ...]]:
    """The table with as many columns as the width holds, and the titles of those left out."""
    left_out: list[str] = []
    while table.width > width:
        spare = [column.spare for column in table.columns]
        if not any(spare):
            break
        gone = table.columns[spare.index(max(spare))]
        left_out.insert(0, gone.title)
        table = table.only(partial(is_not, gone))
    return table, tuple(left_out)
