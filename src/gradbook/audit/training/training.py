"""Weights that learn together, and how far what is known of one step holds for the next ones."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import islice, takewhile
from operator import eq

from gradbook.audit.formula.address import ACROSS, DOWN, SHEET, Address, Axis, name_of, sheet_of
from gradbook.audit.formula.expression import SignedTerm, factors, once, references, terms
from gradbook.audit.formula.pattern import Pattern, rename_cells_in
from gradbook.audit.training.weight_columns import (
    WeightColumn,
    align_columns,
    change,
    columns_that_learn,
    companions,
    heading,
    join_columns,
    update_lines,
    with_strays,
)
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow, walk
from gradbook.audit.workbook.heading_words import RATE, calls
from gradbook.targets.excel.language import Call, Expression

NEAR = 6000  # cells to look through from one weight to others
SUMS = ("SUM", "AVERAGE")


@once
def mentioned_texts(expression: Expression) -> list[str]:
    """The references in an expression, in the order they are typed."""
    return [reference.text for reference in references(expression)]


@dataclass(eq=False)
class SheetTraining:
    """Weights that learn together."""

    book: Book
    flow: Flow
    weights: tuple[WeightColumn, ...]
    varying: set[Address]  # every cell that depends on a weight, the weights' own included
    rate: Address | None  # the cell of the learning rate

    right_claims: set[object] = field(init=False, default_factory=set, repr=False)
    """Claims that the judge has found right: what is true in one test is true in all."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What the sheet calls each weight; with its first cell where several are called so."""
        said = [heading(self.book, weight) for weight in self.weights]
        often = Counter(said)
        both = zip(said, self.weights, strict=True)
        return tuple(f"{s}[{name_of(w.start)}]" if often[s] > 1 else s for s, w in both)

    @cached_property
    def weight_cells(self) -> dict[Address, tuple[int, int]]:
        """Every weight's cells → which weight, and in which step."""
        return {
            cell: (j, k)
            for j, weight in enumerate(self.weights)
            for k, cell in enumerate(weight.cells)
        }

    @cached_property
    def update_cells(self) -> set[Address]:
        """Every formula that updates a weight."""
        return {cell for weight in self.weights for cell in weight.updates}

    @cached_property
    def computed_cells(self) -> set[Address]:
        """Every cell that depends on a weight and is none."""
        return self.varying.difference(self.weight_cells)

    @cached_property
    def ones(self) -> set[Address]:
        """Cells in which a 1 is typed, as wherever else a number is typed in their line."""
        lines: defaultdict[tuple[int, int], list[Address]] = defaultdict(list)
        for cell, value in self.book.values.items():
            if isinstance(value, float) and cell not in self.book.patterns:
                lines[self.axis.line(cell)].append(cell)
        values = self.book.values
        alike = (cells for cells in lines.values() if all(values[cell] == 1 for cell in cells))
        found = {cell for cells in alike for cell in cells}
        return found.difference(self.weight_cells, [self.rate])

    def label(self, cell: Address) -> str:
        """Return what stands above a cell, or before it where steps go across."""
        return self.book.label(cell, self.axis)

    def name_of(self, cell: Address) -> str:
        """Return what the sheet calls a cell, or else the cell as people write it."""
        return self.label(cell) or name_of(cell)

    @property
    def sheet(self) -> int:
        return Counter(sheet_of(weight.start) for weight in self.weights).most_common(1)[0][0]

    @property
    def axis(self) -> Axis:
        """Whether its steps go down the rows or across the columns."""
        return self.weights[0].axis

    @property
    def steps(self) -> int:
        """How many updates there are."""
        return max(len(weight.cells) for weight in self.weights) - 1

    def is_rate(self, cell: Address) -> bool:
        """Whether a cell is the learning rate, or a schedule's for some step."""
        rate, patterns = self.rate, self.book.patterns
        if rate is None or self.flow.plain(cell) == rate:
            return rate is not None
        if cell in self.varying or cell not in patterns:
            return cell in self._typed_rates
        scheduled = rate in patterns and any(
            (cell - rate) % stride == 0 and 0 <= (cell - rate) // stride <= self.steps
            for stride in self.strides
        )
        return scheduled or rate in self.flow.behind([cell])

    @cached_property
    def _typed_rates(self) -> set[Address]:
        """The rates that are typed for one step after another, under a heading that says so."""
        found: set[Address] = set()
        values, patterns = self.book.values, self.book.patterns
        for stride in self.strides if self.rate is not None else ():
            cell = self.rate or 0
            if not calls(RATE, str(values.get(cell - stride, ""))):
                continue
            while isinstance(values.get(cell), float) and cell not in patterns:
                found.add(cell)
                cell += stride
        return found - self.varying

    def plain(self, cell: Address) -> Address:
        """Return the cell or, where it depends on no weight and only repeats another one, that
        one."""
        return cell if cell in self.varying else self.flow.plain(cell, self.weight_cells)

    def varies(self, expression: Expression, home: Address) -> bool:
        return any(cell in self.varying for cell in self.cells_in(expression, home))

    def cells_in(
        self, expression: Expression, home: Address, pattern: Pattern | None = None
    ) -> Iterator[Address]:
        """The cells that a part of a cell's formula, or of another one's, mentions."""
        pattern = pattern or self.book.patterns[home]
        mentions = (pattern.mentions.get(text) for text in mentioned_texts(expression))
        return self.flow.mentioned_cells(mentions, home)

    def cell_of(self, reference: Expression, home: Address) -> Address | None:
        """The one cell that a reference stands for."""
        place = self.book.patterns[home].place_of(reference)
        return place.at(home) if place else None

    # Steps that go from sheet to sheet

    def repeats(self, cell: Address, first: Address) -> bool:
        """Whether a cell has another's formula; on another sheet, that sheet's."""
        own, usual = self.book.patterns.get(cell), self.book.patterns.get(first)
        if own is usual or own is None or usual is None or own.shape != usual.shape:
            return own is usual
        away = cell - first
        both = zip(self.flow.sources(cell), self.flow.sources(first), strict=False)
        return away % SHEET == 0 and all(here - there in (0, away) for here, there in both)

    def on_sheet_of(self, cell: Address, formula: Pattern) -> Pattern:
        """Return a formula as it belongs in a cell on another sheet, with the cells of that sheet's
        step."""
        book, away = self.book, (sheet_of(cell) - sheet_of(formula.home)) * SHEET
        if not away:
            return formula

        def follow(reference: str) -> str:
            at = book.reader.cell(reference, cell - away)
            elsewhere = "!" in reference and at in self.varying
            return book.name_of(at + away, cell) if at and elsewhere else reference

        return book.reader.read_typed(rename_cells_in(formula.text_at(cell), follow), cell)

    # What a cell was one step ago: velocities, running means

    @cached_property
    def strides(self) -> frozenset[int]:
        return frozenset(weight.stride for weight in self.weights)

    def before(self, cell: Address, other: Address) -> bool:
        """Whether `other` is what `cell` was one step ago: the cell above, or on the left."""
        return cell - other in self.strides and cell not in self.weight_cells

    @cached_property
    def looking_back(self) -> set[Address]:
        """The cells that go on from what they were one step ago: those that depend on a weight, and
        others with their formulas, which a mistake may have cut off from the weights."""
        patterns = self.book.patterns
        formulas = {patterns[cell] for cell in self.computed_cells if cell in patterns}
        return {
            cell
            for cell in self.flow.going_on(self.strides)
            if patterns[cell] in formulas and cell not in self.weight_cells
        }

    @cached_property
    def remembering(self) -> set[Address]:
        """The cells that go on from what they were, not in a single row, and what is made of those
        within the step."""
        back, few = self.looking_back, self.steps < 3
        several = {cell for cell in back if few or not back.isdisjoint(self._beside(cell))}
        return several | self.flow.below(several, self.weight_cells)

    def _beside(self, cell: Address) -> list[Address]:
        """What a cell is one step later, and was one step ago."""
        return [cell + sign * stride for stride in self.strides for sign in (1, -1)]


# Finding them in a workbook -----------------------------------------------------------------


def find_trainings(book: Book, flow: Flow) -> list[SheetTraining]:
    """The trainings, in the order of the sheets."""
    lines = list(update_lines(book))
    columns = align_columns(book, join_columns(book, columns_that_learn(book, flow, lines)))
    learning_cells = {cell for column in columns for cell in column.cells}
    others = [line for line in lines if learning_cells.isdisjoint(line.cells)]
    apart = [group + companions(book, group, others) for group in _together(flow, columns)]
    groups = _with_one_loss(book, flow, apart)
    return [_with_strays(_training(book, flow, group)) for group in groups]


def _with_strays(training: SheetTraining) -> SheetTraining:
    """The training with weights that are updated as none should be."""
    book, flow, weights = training.book, training.flow, training.weights
    every = tuple(with_strays(book, flow, weights, training.rate))
    if every == weights:
        return training
    return replace(training, weights=every, varying=cells_that_depend(flow, every))


def trainings_of(book: Book, flow: Flow, columns: Sequence[WeightColumn]) -> list[SheetTraining]:
    """The trainings that some lines of cells would be, if they were weights."""
    return [_training(book, flow, group) for group in _together(flow, columns)]


def cells_that_depend(
    flow: Flow, weights: Iterable[WeightColumn], others: Iterable[Address] = ()
) -> set[Address]:
    """All cells of some weights and what is computed from them, or from other cells."""
    cells = {cell for weight in weights for cell in weight.cells}
    return flow.below(cells.union(others)) | cells


def _training(book: Book, flow: Flow, columns: Iterable[WeightColumn]) -> SheetTraining:
    weights = tuple(sorted(columns, key=lambda column: column.start))
    varying = cells_that_depend(flow, weights)
    return SheetTraining(book, flow, weights, varying, _common_rate(book, flow, weights, varying))


def _together(flow: Flow, columns: Sequence[WeightColumn]) -> list[list[WeightColumn]]:
    """Columns whose changes depend on each other's cells, and those that start side by side."""
    owner = {cell: k for k, column in enumerate(columns) for cell in column.cells}
    group = list(range(len(columns)))

    def root(k: int) -> int:
        while group[k] != k:
            group[k] = group[group[k]]
            k = group[k]
        return k

    beside: dict[object, int] = {}
    for k, column in enumerate(columns):
        for other in {*_met(flow, column, owner), beside.setdefault((column.way, column.first), k)}:
            group[root(other)] = root(k)
    gathered: defaultdict[int, list[WeightColumn]] = defaultdict(list)
    for k, column in enumerate(columns):
        gathered[root(k)].append(column)
    return list(gathered.values())


def _with_one_loss(
    book: Book, flow: Flow, groups: Sequence[list[WeightColumn]]
) -> list[list[WeightColumn]]:
    """Groups whose errors one cell adds up, as of two outputs that share no weight, as one."""
    found: list[list[WeightColumn]] = []
    leading: list[set[Address]] = []  # where the first weights of each lead
    stop = {cell for group in groups for weight in group for cell in weight.cells}
    for group in groups if len(groups) > 1 else ():
        starts = {weight.start for weight in group}
        below = flow.below(starts, stop) | starts
        for k, other in enumerate(found):
            if _is_alike(group, other) and _added_up(book, flow, below, leading[k]):
                found[k] = [*other, *group]
                leading[k] |= below
                break
        else:
            found.append(group)
            leading.append(below)
    return found or list(groups)


def _is_alike(group: Sequence[WeightColumn], other: Sequence[WeightColumn]) -> bool:
    """Whether two groups take as many steps, equally far apart."""
    return {(w.way, len(w.cells)) for w in group} == {(w.way, len(w.cells)) for w in other}


def _added_up(book: Book, flow: Flow, one: set[Address], other: set[Address]) -> bool:
    """Whether some cell adds up what one and what the other lead to."""
    for cell in one & other:
        said = book.patterns[cell].expression
        from_each = [{s in one, s in other} == {True, False} for s in flow.sources(cell)]
        if said is not None and len(from_each) > 1 and all(from_each) and _is_sum(said):
            return True
    return False


def _is_sum(expression: Expression) -> bool:
    """Whether a formula adds up, or is a share of what does."""
    added = [terms(factor.part) for factor in factors(expression).parts if factor.above]
    return any(
        (len(parts) > 1 and all(sign > 0 for sign, _ in parts))
        or (isinstance(parts[0][1], Call) and parts[0][1].function.upper() in SUMS)
        for parts in added
    )


def _met(flow: Flow, column: WeightColumn, owner: Mapping[Address, int]) -> set[int]:
    """The columns that one's first changes depend on, not looking behind their cells."""
    changes = (source for cell in column.updates[:2] for source in flow.sources(cell))
    walked = walk(changes, lambda cell: () if cell in owner else flow.sources(cell), NEAR)
    return {owner[cell] for cell in walked if cell in owner}


# The learning rate -------------------------------------------------------------------


def _common_rate(
    book: Book, flow: Flow, weights: Iterable[WeightColumn], varying: Collection[Address]
) -> Address | None:
    """The cell that most updates multiply with, though it depends on no weight."""

    def holds_a_number(cell: Address) -> bool:
        return cell in book.patterns or isinstance(book.values.get(cell), float)

    mentioned = [_constant_cells(book, flow, weight, varying) for weight in weights]
    # an update by a blank or a text says nothing, unless all of them do
    heard = [some for some in mentioned if not some or any(map(holds_a_number, some))] or mentioned
    votes = Counter(cell for some in heard for cell in some)
    if not votes:
        return None
    fixed = {cell for some in heard for cell, is_fixed in some.items() if is_fixed}
    cell = max(votes, key=lambda cell: (votes[cell], cell in fixed, is_called_rate(book, cell)))
    if not holds_a_number(cell) and not is_called_rate(book, cell):
        unused = named_rate(book, flow)
        if unused is not None:
            return unused
    by_half = 2 * votes[cell] == len(heard) and is_called_rate(book, cell)
    return cell if by_half or 2 * votes[cell] > len(heard) or len(heard) == 1 else None


def _constant_cells(
    book: Book, flow: Flow, weight: WeightColumn, varying: Collection[Address]
) -> dict[Address, bool]:
    """The cells that the first update multiplies with, and whether it says so of all updates."""
    told = (step for step in weight.steps if (p := book.patterns.get(step[1])) and p.expression)
    base, cell = next(told, (weight.start, None))
    if cell is None:
        return {}
    parts = change(book.patterns[cell], base, cell)
    apart = _change_apart(book, parts, cell)
    said = book.patterns[apart].expression if apart in varying and apart in book.patterns else None
    if apart is None or said is None:
        return _multiplied(book, flow, parts, cell, varying)
    found = _multiplied(book, flow, terms(said), apart, varying)
    behind = walk(flow.sources(apart), lambda at: () if at in weight.cells else flow.sources(at))
    data = {flow.plain(s) for at in islice(behind, NEAR) if at in varying for s in flow.sources(at)}
    return {cell: fixed for cell, fixed in found.items() if cell not in data}


def _change_apart(book: Book, parts: Sequence[SignedTerm], cell: Address) -> Address | None:
    """The cell that holds all that an update adds, the learning rate included."""
    place = book.patterns[cell].place_of(parts[0][1]) if len(parts) == 1 else None
    return place.at(cell) if place else None


def _multiplied(
    book: Book,
    flow: Flow,
    parts: Sequence[SignedTerm],
    cell: Address,
    varying: Collection[Address],
) -> dict[Address, bool]:
    """The cells that terms are multiplied with, and whether they are the same for all cells."""
    found: dict[Address, bool] = {}
    for _, part in parts:
        for factor in factors(part).parts:
            place = book.patterns[cell].place_of(factor.part)
            at = place.at(cell) if place else None
            if place and at is not None and at not in varying:
                fixed = not place.moves or place.sheet is not None
                found[flow.plain(at)] = fixed or found.get(flow.plain(at), False)
    return found


def named_rate(book: Book, flow: Flow, updates: Collection[Address] = ()) -> Address | None:
    """The one number that is called a learning rate while no formula uses it, other than some
    updates."""
    called = [
        cell
        for cell, value in book.values.items()
        if isinstance(value, float)
        and cell not in book.patterns
        and not (flow.users.get(cell) and set(updates).isdisjoint(flow.users[cell]))
        and is_called_rate(book, cell)
    ]
    sheets = {sheet_of(cell) for cell in updates}
    beside = [cell for cell in called if sheet_of(cell) in sheets]
    several = beside if len(called) > 1 else called
    return several[0] if len(several) == 1 else None


def is_called_rate(book: Book, cell: Address) -> bool:
    """Whether a heading or a name calls a cell a learning rate."""
    named = (
        name for name in book.names if "!" not in name and book.reader.cell(name, cell) == cell
    )
    return calls(RATE, " ".join([book.label(cell, DOWN), book.label(cell, ACROSS), *named]))


# Steps that repeat each other ---------------------------------------------------------


SimilarColumns = dict[tuple[Address, int, int], tuple[Address, int | None]]
"""Columns whose cells are of one kind, and what the first cell of each repeats."""


class RepeatedSteps:
    """Cells of one step, how far away each is in the next, and for how many `steps` all of them
    repeat: just one where that can't be told.

    Where a column goes on with the same formula, its references go on with it: one row or, where
    each step has several samples, one block further. So what was asked of one step's cells needs no
    asking in the steps after it, as long as the cells in their places are of the same kind. That is
    looked up column by column, each being a range of addresses; `similar` keeps what was looked up.
    """

    def __init__(
        self,
        training: SheetTraining,
        away: Mapping[Address, int],
        steps: int,
        similar: SimilarColumns,
    ) -> None:
        self.training = training
        self.similar = similar
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
        """Shorten the run of steps to those for which the answer is the first one's."""
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
        column = cell, self.away[cell], self.steps
        if column not in self.similar:
            self._look_along(cell)
            if self.steps < column[2]:
                return
            self.similar[column] = self._plain(cell)
        plain, away = self.similar[column]
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
