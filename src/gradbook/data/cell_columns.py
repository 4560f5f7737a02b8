"""The columns of a table as its rows are read, block by block: few numbers instead of much text.

A column with few different texts is kept as the number of each cell's text. Of any other column
its numbers are kept, as long as all are plain ones such as -1.5e3, and the evidence in its cells;
everything else about it is found by reading the rows again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from gradbook.data.formats.cells import (
    COMMA,
    MARKS,
    NUMBER,
    POINT,
    CellEvidence,
    CellRow,
    is_missing,
)

ROWS_AT_ONCE, CELLS_AT_ONCE = 5_000, 1_000_000
NUMBERS_AT_ONCE = 2**22  # 32 MiB, which the system gets back as soon as they aren't needed
FEW_TEXTS = 200  # different ones, in a column
MOST_KNOWN = 50_000  # texts whose numbers are remembered while rows are read again
Numbers = NDArray[np.float64]
CellReader = Callable[[str], float]  # inf for a cell that it can't read


def plain_numbers(cells: Sequence[str]) -> tuple[Numbers, str] | None:
    """The numbers in these cells, NaN if missing, and their decimal mark, if they have one; None if
    not all are plain: digits and one mark, as in programs."""
    if (plain := _all_plain(cells)) is not None:
        return plain
    known = [cell for cell in cells if not is_missing(cell)]
    if len(known) == len(cells) or (plain := _all_plain(known)) is None:
        return None
    numbers = np.full(len(cells), np.nan)
    numbers[[not is_missing(cell) for cell in cells]], mark = plain
    return numbers, mark


def _all_plain(cells: Sequence[str]) -> tuple[Numbers, str] | None:
    text = "".join(cells)
    mark = next((mark for mark in MARKS if mark in text), "")
    if not text.isascii() or "_" in text:  # which Python reads as numbers too
        return None
    if mark == POINT and COMMA in text:
        return None
    if mark == COMMA:
        cells = [cell.replace(COMMA, POINT) for cell in cells]
    try:
        numbers = np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        return None
    if not np.isfinite(numbers).all():
        return None
    if "e" in text or "E" in text:  # of too many digits
        powers = (cell for cell in cells if "e" in cell or "E" in cell)
        return (numbers, mark) if all(map(NUMBER.fullmatch, powers)) else None
    return numbers, mark


class Texts(dict[str, int]):
    """The number of each different text, from 0."""

    def __missing__(self, text: str) -> int:
        self[text] = number = len(self)
        return number


class NumberCache(dict[str, float]):
    """What a reader makes of each text, of which some are remembered."""

    def __init__(self, read: CellReader) -> None:
        super().__init__()
        self.read = read

    def __missing__(self, text: str) -> float:
        if len(self) >= MOST_KNOWN:
            self.clear()
        self[text] = number = self.read(text)
        return number


class CellColumn:
    """One column: of few texts, or else of numbers that are stored elsewhere."""

    __slots__ = ("_evidence", "codes", "firsts", "is_plain", "mark", "texts")

    def __init__(self) -> None:
        self.texts: Texts | None = Texts()
        self.firsts: list[int] = []  # the first row with each text
        self.codes = bytearray()
        self.is_plain = True  # all cells so far are plain numbers, or missing
        self.mark = ""  # the decimal mark of these
        self._evidence: CellEvidence | None = None

    @property
    def evidence(self) -> CellEvidence:
        if self._evidence is None:
            evidence = self._evidence = CellEvidence()
            counts = np.bincount(self.code_array, minlength=len(self.firsts)).tolist()
            for row, text, count in zip(self.firsts, self.texts or (), counts, strict=True):
                evidence.add(row, text, count)
        return self._evidence

    @property
    def is_blank(self) -> bool:
        return self.texts is not None and not any(self.texts)

    @property
    def code_array(self) -> NDArray[np.uint8]:
        return np.frombuffer(self.codes, np.uint8)

    def has_few(self, rows: Sequence[CellRow], cells: Sequence[str]) -> bool:
        """Whether it still has few different texts with these, which are then kept."""
        if self.texts is None:
            return False
        before = len(self.texts)
        codes = np.fromiter(map(self.texts.__getitem__, cells), np.intp, len(cells))
        if len(self.texts) > FEW_TEXTS:
            for text in list(self.texts)[before:]:
                del self.texts[text]
            return False
        news = range(before, len(self.texts))
        self.firsts += [rows[int((codes == code).argmax())].number for code in news]
        self.codes += codes.astype(np.uint8).tobytes()
        return True

    def settle(self) -> Numbers | None:
        """From now on it has many texts; the numbers of its cells so far, if all are plain."""
        evidence, texts = self.evidence, list(self.texts or ())
        plain, codes = plain_numbers(texts), self.code_array
        self.texts, self.firsts, self.codes, self._evidence = None, [], bytearray(), evidence
        if plain is None:
            self.is_plain = False
            return None
        numbers, self.mark = plain
        return numbers[codes]

    def add(self, rows: Sequence[CellRow], cells: Sequence[str]) -> Numbers | None:
        """The numbers of a block, if all of the column's are plain ones so far."""
        if (plain := plain_numbers(cells)) is not None:
            numbers, mark = plain
            present = len(cells) - int(np.isnan(numbers).sum())
            self.evidence.add_plain(rows, cells, present, mark)
            self.mark = self.mark or mark
            self.is_plain = self.is_plain and mark in ("", self.mark)
            return numbers if self.is_plain else None
        self.is_plain = False
        firsts = dict(zip(reversed(cells), reversed(rows), strict=True))
        for cell, count in Counter(cells).items():
            self.evidence.add(firsts[cell].number, cell, count)
        return None


class CellColumns:
    """All columns of a table, from one pass over its rows."""

    def __init__(self, rows: Iterable[CellRow], width: int) -> None:
        self.columns = [CellColumn() for _ in range(width)]
        self.places = {place: place for place in range(width)}  # of columns, in the parts
        self.parts: list[Numbers] = []  # (columns, rows) each
        self.shape = width, -(-NUMBERS_AT_ONCE // max(width, 1))  # of a part
        self.read_as: dict[int, object] = {}  # the style of stored numbers that aren't plain
        self.wrong: dict[int, tuple[int, str]] = {}  # the first cell that isn't one in that style
        self.count = 0
        for block in _blocks(rows, width):
            for place, cells in enumerate(zip(*(row.cells for row in block), strict=True)):
                column = self.columns[place]
                if column.has_few(block, cells):
                    continue
                if column.texts is not None and (numbers := column.settle()) is not None:
                    self.store(place, 0, numbers)
                if (numbers := column.add(block, cells)) is not None:
                    self.store(place, self.count, numbers)
            self.count += len(block)

    @property
    def part_length(self) -> int:
        return self.shape[1]

    def store(self, place: int, first: int, numbers: Numbers) -> None:
        """Numbers of a column from this row on."""
        length, line = self.part_length, self.places[place]
        while len(numbers):
            which, start = divmod(first, length)
            while len(self.parts) <= which:
                self.parts.append(np.empty(self.shape))
            here = numbers[: length - start]
            self.parts[which][line, start : start + len(here)] = here
            first, numbers = first + len(here), numbers[len(here) :]

    def stored(self, place: int, first: int, end: int) -> Numbers:
        """Numbers that were stored; without a copy if they are in one part."""
        length, line = self.part_length, self.places[place]
        which = range(first // length, -(-end // length))
        lines = [self.parts[k][line, max(first - k * length, 0) : end - k * length] for k in which]
        return lines[0] if len(lines) == 1 else np.concatenate([*lines, np.empty(0)])

    def read_again(
        self, rows: Iterable[CellRow], readers: Mapping[int, CellReader]
    ) -> Iterator[tuple[int, Sequence[CellRow], int, Numbers]]:
        """For each block of rows and each of these columns: the place of the first row, the rows,
        the column's place and its numbers, by its reader."""
        caches, first = {place: NumberCache(read) for place, read in readers.items()}, 0
        for block in _blocks(rows, len(self.columns)):
            for place, numbers in caches.items():
                cells = (row.cells[place] for row in block)
                yield (
                    first,
                    block,
                    place,
                    np.fromiter(map(numbers.__getitem__, cells), float, len(block)),
                )
            first += len(block)

    def only(self, places: Sequence[int]) -> None:
        """Leave out all other columns."""
        self.columns = [self.columns[place] for place in places]
        self.places = {k: self.places[place] for k, place in enumerate(places)}


def _blocks(rows: Iterable[CellRow], width: int) -> Iterator[list[CellRow]]:
    count = min(ROWS_AT_ONCE, max(CELLS_AT_ONCE // max(width, 1), 1))
    every = iter(rows)
    while block := list(islice(every, count)):
        yield block
