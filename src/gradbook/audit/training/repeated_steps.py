"""For how many steps what was found out about the cells of one holds: tables repeat their rows.

Where a column goes on with the same formula, its references go on with it, one row or, where each
step has several samples, a block further. So what was asked of one step's cells needs no asking in
the steps after it, as far as the same can be said of the cells that stand there in their places.
That is looked up column by column, each being a range of addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import takewhile
from operator import eq

from gradbook.audit.formula.address import Address
from gradbook.audit.training.training import SheetTraining


class RepeatedSteps:
    """Cells of one step, how far away each is in the next, and for how many `steps` all of them
    repeat: for one, this one alone, where that can't be told."""

    def __init__(self, training: SheetTraining, away: Mapping[Address, int], steps: int) -> None:
        self.training = training
        self.away = dict(away)
        self.steps = steps
        self._seen: set[Address] = set()

    def follow(self, formulas: Iterable[Address]) -> None:
        """Cells whose formulas were read, each after one that leads to it, unless `away` has it."""
        for cell in formulas:
            if self.steps > 1:
                self._follow(cell)
        if self.steps > 1 and self._some_meet():
            self.steps = 1

    def cells(self, cell: Address) -> Sequence[Address]:
        """The cell of each of the steps that stands in this one's place."""
        return _line(cell, self.away[cell], self.steps)

    def while_same(self, answer: Callable[[Address], object], cell: Address) -> None:
        """Steps repeat as long as the answer is that of the first one."""
        cells = self.cells(cell)
        if len(set(map(answer, cells))) > 1:
            same = partial(eq, answer(cell))
            self.steps = sum(1 for _ in takewhile(same, map(answer, cells)))

    def _follow(self, home: Address) -> None:
        training, sources = self.training, self.training.flow.sources
        if home not in self.away:
            self.steps = 1
            return
        self._same_kind(home)
        self.while_same(self._shape, home)
        if self.steps < 2:
            return
        here, then = (sources(cell) for cell in self.cells(home)[:2])
        ways = [there - source for source, there in zip(here, then, strict=False)]
        self._while_moved(home, here, ways)
        if self.steps < 2:
            return
        for source, away in zip(here, ways, strict=True):
            if self.away.setdefault(source, away) != away:
                self.steps = 1
                return
            self._same_kind(source)
            if home not in training.weight_cells and self._may_look_back(home, source):
                self.steps = 1
                return

    def _while_moved(self, home: Address, here: Sequence[Address], ways: Sequence[int]) -> None:
        """Steps repeat as long as the formula's references go on as they do to the second one. Of
        copies the last one tells of all."""
        cells, sources = self.cells(home), self.training.flow.sources
        copies = len(set(map(self.training.book.patterns.get, cells))) == 1
        for k in (1, self.steps - 1) if copies else range(1, self.steps):
            there = [source + k * away for source, away in zip(here, ways, strict=False)]
            if list(sources(cells[k])) != there or len(there) != len(here):
                self.steps = 1 if copies else k
                return

    def _same_kind(self, cell: Address) -> None:
        """Steps repeat as long as it is a weight's, depends on one, goes on from what it was, has a
        formula, repeats another as in the first one."""
        if cell in self._seen or not self.away[cell]:
            return
        self._seen.add(cell)
        alike, column = self.training.alike, (cell, self.away[cell], self.steps)
        if column not in alike:
            self._look_along(cell)
            if self.steps < column[2]:
                return
            alike[column] = self._plain(cell)
        plain, away = alike[column]
        if away is None or self.away.setdefault(plain, away) != away:
            self.steps = 1

    def _look_along(self, cell: Address) -> None:
        training = self.training
        self.while_same(training.varying.__contains__, cell)
        if cell in training.varying:
            self.while_same(training.weight_cells.__contains__, cell)
            self.while_same(training.remembering.__contains__, cell)
        if cell in training.weight_cells:
            weight, step = training.weight_cells[cell]
            there = training.weights[weight].cells[step : step + self.steps]
            if there != tuple(self.cells(cell)):
                self.steps = 1
        else:
            self.while_same(self._readable, cell)

    def _shape(self, cell: Address) -> object:
        """What copies of a formula share, and those that go on in blocks."""
        pattern = self.training.book.patterns.get(cell)
        return pattern and pattern.shape

    def _readable(self, cell: Address) -> bool:
        pattern = self.training.book.patterns.get(cell)
        return pattern is not None and pattern.form is not None

    def _plain(self, cell: Address) -> tuple[Address, int | None]:
        """What the cell repeats, and how far away that is in the next step, if in each."""
        training, away = self.training, self.away[cell]
        if cell in training.varying or cell not in training.book.patterns or self.steps < 2:
            return cell, away
        plain = list(map(training.plain, self.cells(cell)))
        away = plain[1] - plain[0]
        return plain[0], away if plain == list(_line(plain[0], away, self.steps)) else None

    def _may_look_back(self, home: Address, source: Address) -> bool:
        """Whether a source is in some of the steps what the cell was one step ago."""
        return any(
            _meet(source + stride, self.away[source], home, self.away[home], self.steps)
            for stride in self.training.strides
        )

    def _some_meet(self) -> bool:
        """Whether two of the cells are the same one in some of the steps, and not in all."""
        for k in range(1, self.steps):
            cells = [cell + k * away for cell, away in self.away.items()]
            if len(set(cells)) < len(cells):
                return True
        return False


def _line(cell: Address, away: int, steps: int) -> Sequence[Address]:
    return range(cell, cell + steps * away, away) if away else [cell] * steps


def _meet(one: Address, away: int, other: Address, further: int, steps: int) -> bool:
    """Whether two cells, going on so far with each step, come to be the same one or cease to."""
    if away == further:
        return False
    after, rest = divmod(other - one, away - further)
    return rest == 0 and 0 <= after < steps
