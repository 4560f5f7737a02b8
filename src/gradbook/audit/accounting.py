"""The places of a training's steps: each holds one formula, copied from step to step.

A place is a line of cells, such as a column, or every fourth cell of one. Each reference of its
formula moves on by the same distance from copy to copy, or stays. Most copies agree on both the
formula and the distances; a cell in which they differ isn't a copy. No meaning is needed for that.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from gradbook.audit.training.sheet_training import SheetTraining
from gradbook.cells.book import Book
from gradbook.cells.formula.address import Address, column_of, edit_cells, letters, row_of
from gradbook.cells.formula.pattern import Pattern

FEWEST = 4  # copies of a formula
MOST_FORMULAS = 24  # cells of one step in a line
TRIED = 240  # cells of a line in which its period is sought
AT_LEAST = 2 / 3  # the share of copies that agree on what is usual
BEGINNING = 2  # steps that may be another way, since memories begin in them
DISTANCES = 6  # that are tried for the references of one formula


@dataclass(frozen=True)
class CellContent:
    """What a cell contains: the shape of its formula and its references, or only a kind."""

    shape: str
    places: tuple[Address, ...] = ()
    is_formula: bool = True


BLANK, TYPED = CellContent("blank", (), False), CellContent("typed", (), False)
_KIND_OF_BLANK, _KIND_OF_TYPED = (BLANK.shape, 0), (TYPED.shape, 0)


def content(book: Book, cell: Address) -> CellContent:
    """What a cell contains, for a comparison with its copies."""
    pattern = book.patterns.get(cell)
    if pattern is None:
        return BLANK if book.values.get(cell) is None else TYPED
    if cell in book.typed:  # its references are computed: the text says more
        return CellContent(book.reader.pattern(book.typed[cell], cell).key)
    if len(pattern.places) < len(pattern.words):
        return CellContent(pattern.key)
    return CellContent(pattern.shape, tuple(_places(pattern, cell)))


def _places(pattern: Pattern, home: Address) -> list[Address]:
    return [corner.at(home) or 0 for corner in pattern.corners]


@dataclass(frozen=True)
class Usual:
    """The formula that most cells of a place have: where its references are, copy by copy."""

    shape: str
    start: tuple[Address, ...]  # in the copy with the number 0
    pace: tuple[int, ...]

    def at(self, number: int) -> CellContent:
        both = zip(self.start, self.pace, strict=True)
        return CellContent(self.shape, tuple([first + number * pace for first, pace in both]))


@dataclass(frozen=True)
class StepPlace:
    """One place of the steps: its cells in order, and which are copies of the usual formula."""

    book: Book
    cells: tuple[Address, ...]
    usual: Usual
    contents: tuple[CellContent, ...] = field(repr=False)
    settings: Set[Address] = field(default=frozenset(), repr=False)  # fixed, for all steps

    def is_copy(self, number: int) -> bool:
        return self.contents[number] == self.usual.at(number)

    def departing(self) -> list[int]:
        """The numbers of the cells that aren't copies, but for the beginning and blanks at the
        end."""
        count = len(self.cells)
        while count and self.contents[count - 1] == BLANK:
            count -= 1
        odd = [k for k in range(count) if not self.is_copy(k)]
        first = next((k for k in range(count) if self.is_copy(k)), count)
        return [k for k in odd if k >= first or first > BEGINNING or self._could_be_copy(k)]

    def _could_be_copy(self, number: int) -> bool:
        """Whether a cell is typed though the usual formula refers to no blank or heading, nor to a
        setting on its way, as a memory's does in the first step."""
        patterns, values = self.book.patterns, self.book.values
        both = zip(self.usual.at(number).places, self.usual.pace, strict=True)
        return self.contents[number] == TYPED and all(
            cell in patterns
            or (isinstance(values.get(cell), float) and not (pace and cell in self.settings))
            for cell, pace in both
        )

    def difference(self, number: int) -> object:
        """How a cell differs from the usual formula: equal for cells that differ alike."""
        own, meant = self.contents[number], self.usual.at(number)
        if own.shape != meant.shape or len(own.places) != len(meant.places):
            return own.shape
        return tuple([a - b for a, b in zip(own.places, meant.places, strict=True)])

    def right(self, number: int) -> Pattern | None:
        """The usual formula in one of the cells."""
        copies = [k for k in range(len(self.cells)) if self.is_copy(k)]
        home, meant = self.cells[number], self.usual.at(number)
        model = self.cells[min(copies, key=lambda k: abs(k - number))]
        text = self.book.patterns[model].text_at(model)
        reader = self.book.reader
        if model in self.book.typed:
            pattern = reader.pattern(self.book.typed[model], model)
            return reader.read_typed(pattern.text_at(home), home)
        moved = reader.read_typed(self.book.patterns[model].text_at(home), home)
        if tuple(_places(moved, home)) == meant.places:
            return moved
        places = iter(meant.places)

        def name(found: object) -> str:
            cell = next(places, 0)
            fixed = found["fix_column"], found["fix_row"]  # type: ignore[index]
            plain = f"{fixed[0]}{letters(column_of(cell))}{fixed[1]}{row_of(cell) + 1}"
            sheet, bang, _ = self.book.name_of(cell, home).rpartition("!")
            return sheet + bang + plain if found["sheet"] else plain  # type: ignore[index]

        moved = reader.read_typed(edit_cells(text, name), home)
        return moved if tuple(_places(moved, home)) == meant.places else None


def step_places(training: SheetTraining, needed: Set[Address]) -> Iterator[StepPlace]:
    """The places of a training's steps that hold some needed cells that depend on weights."""
    axis, book = training.axis, training.book
    lines: defaultdict[tuple[int, int], list[Address]] = defaultdict(list)
    for cell in needed & training.varying:
        lines[axis.line(cell)].append(cell)
    stride = max(map(abs, training.strides))
    period = max(stride // axis.step, 1)
    end = max(axis.along(cell) for cell in training.weight_cells) + period
    own = {axis.line(cell)[0] for cell in training.weight_cells}
    for line, cells in sorted(lines.items()):
        first, last = min(cells), max(cells)
        while last + axis.step in needed and _leads_on(training, last + axis.step, needed):
            last += axis.step  # such as a number typed over the last formula
        count = (last - first) // axis.step + 1
        further = period
        if line[0] in own:
            further = min(further, max(end - axis.along(last) - 1, 0))
        row = [first + k * axis.step for k in range(count + further)]
        if all(cell in book.patterns or book.values.get(cell) is None for cell in row) and (
            len({book.patterns.get(cell) for cell in row}) == 1
        ):
            continue  # one formula in all
        known = {cell: content(book, cell) for cell in row}
        best = _period(row, known, period)
        for place in _split(row, best) if best else ():
            usual = place and _usual([known[cell] for cell in place])
            if usual:
                contents = tuple([known[cell] for cell in place])
                settings = training.fixed_references.keys()
                found = StepPlace(book, tuple(place), usual, contents, settings)
                if not set(cells).isdisjoint(place):
                    yield found


def _leads_on(training: SheetTraining, cell: Address, needed: Set[Address]) -> bool:
    """Whether a cell is needed for more than the beginning of its own line, which may continue from
    an earlier run's last memory."""
    axis, users = training.axis, training.flow.users.get(cell, ())
    others = (user for user in users if user in needed)
    return any(axis.line(o) != axis.line(cell) or axis.along(o) > axis.along(cell) for o in others)


def _split(row: Sequence[Address], period: int) -> list[list[Address]]:
    return [list(row[k::period]) for k in range(period)]


def _period(row: Sequence[Address], known: Mapping[Address, CellContent], first: int) -> int | None:
    """The number of cells from one copy to the next, with which most cells are copies."""
    some = row[:TRIED]
    best, most = None, 0.0
    kinds = {cell: (known[cell].shape, len(known[cell].places)) for cell in row}
    for period in dict.fromkeys([first, *range(1, MOST_FORMULAS + 1)]):
        if period * FEWEST > len(row):
            continue
        part = some if period * FEWEST <= len(some) else row
        own = [kinds[cell] for cell in part]
        filled = len(own) - own.count(_KIND_OF_BLANK)
        if not filled or _most_alike(own, period) / filled <= max(most + 1e-9, AT_LEAST - 1e-6):
            continue
        agreeing = sum(_agreeing([known[cell] for cell in place]) for place in _split(part, period))
        if agreeing / filled > most + 1e-9:
            best, most = period, agreeing / filled
        if most == 1:
            break
    return best if most >= AT_LEAST else None


def _most_alike(kinds: Sequence[object], period: int) -> int:
    """At most so many cells are copies with a period: quicker to count than those that are."""
    places = (kinds[k::period] for k in range(period))
    return sum(
        max(map(place.count, set(place) - {_KIND_OF_BLANK, _KIND_OF_TYPED}), default=0)
        + place.count(_KIND_OF_TYPED)
        for place in places
    )


def _agreeing(contents: Sequence[CellContent]) -> int:
    """How many are copies, or typed: in place of copies, if these are more."""
    typed = sum(content == TYPED for content in contents)
    usual = _usual(contents)
    copies = sum(c == usual.at(k) for k, c in enumerate(contents)) if usual else 0
    return copies + typed if copies > typed else max(copies, typed)


def _usual(contents: Sequence[CellContent]) -> Usual | None:
    """What most of the formulas are, if fewer cells are typed instead; None if they don't agree."""
    shapes = Counter(
        (content.shape, len(content.places)) for content in contents if content.is_formula
    )
    if not shapes:
        return None
    (shape, length), _ = shapes.most_common(1)[0]
    having = {
        k: content.places
        for k, content in enumerate(contents)
        if content.is_formula and content.shape == shape and len(content.places) == length
    }
    paces = Counter(
        tuple([b - a for a, b in zip(having[k], having[k + 1], strict=True)])
        for k in having
        if k + 1 in having
    )
    best, most = None, 0
    for pace, _ in paces.most_common(DISTANCES):
        starts = Counter(
            tuple([at - k * step for at, step in zip(places, pace, strict=True)])
            for k, places in having.items()
        )
        start, count = starts.most_common(1)[0]
        if count > most:
            best, most = Usual(shape, start, pace), count
    filled = sum(content not in (BLANK, TYPED) for content in contents[1:]) + bool(
        best and contents[0] == best.at(0)
    )
    typed = sum(content == TYPED for content in contents[1:])
    is_usual = most >= FEWEST - 1 and most >= AT_LEAST * filled
    return best if is_usual and most > typed else None
