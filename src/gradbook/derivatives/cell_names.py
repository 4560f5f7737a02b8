"""Finds the cells that words mean: Model.B14, 'Model!B14', B14, a defined name, or a label.

An unquoted ! is the shell's, so a full stop may stand in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from gradbook.cells.book import Book
from gradbook.cells.formula.address import Address, pack, row_and_column, sheet_of
from gradbook.cells.formula.pattern import CellReference, RangeReference
from gradbook.derivatives.labels import label
from gradbook.errors import UsageError, did_you_mean

WIDEST = 20_000  # cells of a range that is named
SHOWN = 3  # cells that a message lists
MOST_KNOWN = 5_000  # labels that are compared with a word that none of them is
PARTS = re.compile(r"""(?:'(?:[^']|'')*'|[^,'])+""")  # of a list, with commas in quoted titles
TOGETHER = re.compile(r"sum\((.+)\)", re.IGNORECASE)


def find_cell(book: Book, words: str, near: int | None = None) -> Address:
    """The one cell that words mean; `near` is the sheet on which an A1 without a sheet is sought
    first."""
    cells = find_cells(book, words, near)
    if len(cells) > 1:
        shown = ", ".join(map(book.name_of, cells[:SHOWN]))
        more = " …" if len(cells) > SHOWN else ""
        raise UsageError(f"'{words}' means {len(cells):,} cells ({shown}{more}): name one of them")
    return cells[0]


def find_each(book: Book, words: str, near: int | None = None) -> tuple[Address, ...]:
    """The cells of a list such as E33:H33,M33:P33 or 'Rate,Spot price', each once, in its order."""
    return tuple(dict.fromkeys(chain.from_iterable(find_inputs(book, words, near))))


def find_inputs(book: Book, words: str, near: int | None = None) -> Iterator[tuple[Address, ...]]:
    """The inputs of such a list: each cell alone, but all cells of SUM(A66:A265) together."""
    for part in filter(None, map(str.strip, PARTS.findall(words))):
        together = TOGETHER.fullmatch(part)
        cells = find_cells(book, together[1] if together else part, near)
        if together:
            yield tuple(cells)
        else:
            yield from ((cell,) for cell in cells)


def find_cells(book: Book, words: str, near: int | None = None) -> Sequence[Address]:
    """The cells that one word, range, name or label means: at least one."""
    plain = words.strip()
    if plain[:1] == plain[-1:] == "'" and "'" not in plain[1:-1]:  # 'Model!B14', quotes and all
        plain = plain[1:-1]
    title, corners = _split(book, plain)
    if corners:
        return _in_range(book, title, corners, words, near)
    named = _defined(book, plain, near)
    if named:
        return named
    labels = dict(_labels(book))
    labelled = [cell for cell, beside in labels.items() if _alike(beside) == _alike(plain)]
    if labelled:
        return [cell for cell in labelled if sheet_of(cell) == near] or labelled
    known = dict.fromkeys((*book.names, *labels.values()))
    hint = did_you_mean(plain, islice(known, MOST_KNOWN))
    hint = hint or ": name a cell such as B14, a defined name or a label"
    raise UsageError(f"no cell is called '{words}'{hint}")


# References -------------------------------------------------------------------

Corners = Sequence[tuple[int, int]]  # one cell, or the first and the last of a range


def _split(book: Book, words: str) -> tuple[str, Corners]:
    """The sheet's title, if there is one, and the corners of a reference; none for other words."""
    corners = _corners(words)
    if corners:
        return "", corners
    for mark in "!.":
        title, _, cells = words.rpartition(mark)
        corners = _corners(cells)
        if title and corners:
            plain = title.removeprefix("$")
            if plain[:1] == plain[-1:] == "'":
                plain = plain[1:-1].replace("''", "'")
            if mark == "!" or book.sheet_number(plain) is not None or " " not in words:
                return plain, corners
    return "", ()


def _corners(text: str) -> Corners:
    ends = text.replace("$", "").split(":")
    corners = [row_and_column(end) for end in ends]
    known = [corner for corner in corners if corner is not None]
    return known if len(known) == len(ends) <= 2 else ()


def _in_range(
    book: Book, title: str, corners: Corners, words: str, near: int | None
) -> Sequence[Address]:
    (top, left), (bottom, right) = corners[0], corners[-1]
    top, bottom = sorted((top, bottom))
    left, right = sorted((left, right))
    if (bottom - top + 1) * (right - left + 1) > WIDEST:
        raise UsageError(f"'{words}' is more than {WIDEST:,} cells: name fewer")

    def on(sheet: int) -> list[Address]:
        every = (
            pack(sheet, row, column)
            for row in range(top, bottom + 1)
            for column in range(left, right + 1)
        )
        return [cell for cell in every if not book.is_blank(cell)]

    def has_number(cells: Sequence[Address]) -> bool:
        return any(isinstance(book.values.get(cell), float) for cell in cells)

    if title:
        sheet = book.sheet_number(title)
        if sheet is None:
            titles = [part.title for part in book.sheets]
            hint = did_you_mean(title, titles) or f": the sheets are {', '.join(titles)}"
            raise UsageError(f"there is no sheet '{title}'{hint}")
        chosen = on(sheet)
    else:
        order = sorted(range(len(book.sheets)), key=lambda k: (k != near, k))
        somewhere = [cells for cells in map(on, order) if cells]
        chosen = next(filter(has_number, somewhere), somewhere[0] if somewhere else [])
    if not chosen:
        raise UsageError(f"{words} is empty: name a cell with a formula or a number")
    return chosen


def _defined(book: Book, words: str, near: int | None) -> Sequence[Address]:
    """The cells of a defined name, if it is one; a sheet's own names come after its title."""
    for home in (pack(near or 0, 0, 0), *(pack(k, 0, 0) for k in range(len(book.sheets)))):
        mention = book.reader.mention(words, home)
        if isinstance(mention, CellReference):
            cell = mention.at(home)
            return [] if cell is None else [cell]
        if isinstance(mention, RangeReference):
            corners = mention.corners(home)
            if corners:
                sheet, top, left, bottom, right = corners
                title = book.sheets[sheet].title
                return _in_range(book, title, [(top, left), (bottom, right)], words, near)
    return []


# Labels -----------------------------------------------------------------------


def _labels(book: Book) -> Iterator[tuple[Address, str]]:
    """Every formula and number that has a label, in the order of the book."""
    numbers = (cell for cell, value in book.values.items() if isinstance(value, float))
    for cell in sorted({*book.patterns, *numbers}):
        beside = label(book, cell)
        if beside:
            yield cell, beside


def _alike(words: str) -> str:
    """A label without what people leave out when they type it."""
    return " ".join(words.strip(" :=").split()).casefold()
