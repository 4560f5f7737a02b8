"""A training: weights that are trained together, with their learning rate."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, islice

from gradbook.audit.heading_words import RATE, calls
from gradbook.audit.training.weight_columns import (
    LinesOfUpdates,
    WeightColumn,
    align_columns,
    cell_of,
    change,
    columns_that_learn,
    heading,
    join_columns,
    said_in,
    update_lines,
    with_strays,
)
from gradbook.cells.book import Book
from gradbook.cells.flow import Flow, walk
from gradbook.cells.formula.address import (
    ACROSS,
    DOWN,
    SHEET,
    Address,
    Axis,
    name_of,
    pack,
    sheet_of,
)
from gradbook.cells.formula.expression import SignedTerm, factors, once, references, terms
from gradbook.cells.formula.pattern import CellReference, Pattern, RangeReference, rename_cells_in
from gradbook.cells.formula.syntax import Expression

NEAR = 6000  # cells to search between one weight and others


@once
def mentioned_texts(expression: Expression) -> list[str]:
    """The references in an expression, in the order of the text."""
    return [reference.text for reference in references(expression)]


@dataclass(eq=False)
class SheetTraining:
    """Weights that are trained together."""

    book: Book
    flow: Flow
    weights: tuple[WeightColumn, ...]
    varying: set[Address]  # every cell that depends on a weight, including the weights
    rate: Address | None  # the cell of the learning rate

    right_claims: set[object] = field(init=False, default_factory=set, repr=False)
    """Claims that were found right: an identity that holds in one test holds in all."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The heading of each weight; with its first cell if several have the same heading."""
        said = [heading(self.book, weight) for weight in self.weights]
        often = Counter(said)
        both = zip(said, self.weights, strict=True)
        return tuple(f"{s}[{name_of(w.start)}]" if often[s] > 1 else s for s, w in both)

    @cached_property
    def weight_cells(self) -> dict[Address, tuple[int, int]]:
        """The cells of every weight, with the indices of the weight and of the step."""
        return {
            cell: (j, k)
            for j, weight in enumerate(self.weights)
            for k, cell in enumerate(weight.cells)
        }

    @cached_property
    def update_cells(self) -> set[Address]:
        return {cell for weight in self.weights for cell in weight.updates}

    @cached_property
    def computed_cells(self) -> set[Address]:
        """Every cell that depends on a weight, except the weights."""
        return self.varying.difference(self.weight_cells)

    @cached_property
    def needed(self) -> set[Address]:
        """The updates, and all that they are computed from."""
        return self.flow.behind(self.update_cells) | self.update_cells

    @cached_property
    def is_circular(self) -> bool:
        """Whether some cell that depends on a weight depends on itself."""
        flow = self.flow
        return not flow.levels and flow.in_order(sorted(self.varying))[1] is not None

    def kind(self, cell: Address) -> object:
        """The kind of a cell in its step, which is the same for its counterparts in other steps."""
        if cell in self.weight_cells:
            return self.weight_cells[cell][0]
        pattern = self.book.patterns.get(cell)
        readable = pattern is not None and pattern.form is not None
        return readable, cell in self.varying, cell in self.remembering

    @cached_property
    def ones(self) -> set[Address]:
        """Cells that contain a typed 1, if all other typed numbers in their line are 1, too."""
        lines: defaultdict[tuple[int, int], list[Address]] = defaultdict(list)
        values = self.book.values
        for cell in filter(self._is_typed_number, values):
            lines[self.axis.line(cell)].append(cell)
        alike = (cells for cells in lines.values() if all(values[cell] == 1 for cell in cells))
        return {*chain.from_iterable(alike)}.difference(self.weight_cells, [self.rate])

    def label(self, cell: Address) -> str:
        """Return the heading above a cell, or on its left if steps go across."""
        return self.book.label(cell, self.axis)

    def name_of(self, cell: Address) -> str:
        """Return the label of a cell or, if it has none, its address."""
        return self.label(cell) or name_of(cell)

    def place_of(self, *cells: Address) -> str:
        """Cells as ranges, for a remark on the training: with their sheet, if that is another."""
        return self.book.ranges(cells, pack(self.sheet, 0, 0))

    @property
    def sheet(self) -> int:
        return Counter(sheet_of(weight.start) for weight in self.weights).most_common(1)[0][0]

    @cached_property
    def content(self) -> frozenset[tuple[Address, object]] | None:
        """The content of its sheet without the learning rate, by position: equal for a copy of the
        sheet. None if it uses anything from another sheet."""
        book, sheet, corner = self.book, self.sheet, pack(self.sheet, 0, 0)
        patterns = {c: p for c, p in book.patterns.items() if sheet_of(c) == sheet}
        if not patterns.keys() >= self.update_cells or not all(
            map(_is_local, set(patterns.values()))
        ):
            return None
        typed = (c for c in book.values if sheet_of(c) == sheet and c not in patterns)
        values = {cell: book.values[cell] for cell in typed if cell != self.rate}
        keys = {cell: pattern.key for cell, pattern in patterns.items()}
        return frozenset((cell - corner, said) for cell, said in {**values, **keys}.items())

    @property
    def axis(self) -> Axis:
        """The direction of its steps, such as down the rows or across the columns."""
        return self.weights[0].axis

    @property
    def steps(self) -> int:
        """The number of updates."""
        return max(len(weight.cells) for weight in self.weights) - 1

    def is_rate(self, cell: Address) -> bool:
        """Whether a cell is the learning rate, or that of one step in a schedule."""
        rate, patterns = self.rate, self.book.patterns
        if rate is None or self.flow.plain(cell) == rate:
            return rate is not None
        if cell in self.varying or cell not in patterns:
            return cell in self._typed_rates
        on_its_line = self.axis.line(cell) == self.axis.line(rate) and any(
            (cell - rate) % stride == 0 for stride in self.strides
        )
        return (rate in patterns and on_its_line) or rate in self.flow.behind([cell])

    def is_rate_of_some(self, cell: Address) -> bool:
        """Whether a number is called a learning rate, and only updates use it: a rate of some
        weights alone."""
        users = self.flow.users.get(cell, ())
        is_theirs = bool(users) and self.update_cells.issuperset(users)
        return is_theirs and self._is_typed_number(cell) and is_called_rate(self.book, cell)

    @cached_property
    def schedule(self) -> tuple[Address, ...]:
        """The learning rates of consecutive steps, if most updates follow them, each in its own
        row: as many as there are updates."""
        found = Counter(cells for weight in self.weights for cells in self._rates_along(weight))
        (cells, count), *_ = found.most_common(1) or [((), 0)]
        return cells if 2 * count >= len(self.weights) else ()

    def _rates_along(self, weight: WeightColumn) -> Iterator[tuple[Address, ...]]:
        """The lines of rates that a weight's updates may follow, which no other cell needs."""
        each = [self.flow.sources(update) for update in weight.updates]
        for first in each[0] if len(each) > 1 else ():
            cells = tuple(first + k * weight.stride for k in range(len(each)))
            is_computed = is_called_rate(self.book, first) and self.book.patterns.keys() >= {*cells}
            needed = first in self.varying or not self.computed_cells.isdisjoint(
                self.flow.users.get(first, ())
            )
            both = zip(cells, each, strict=True)
            are_rates = is_computed or all(map(self.is_rate, cells))
            if are_rates and not needed and all(cell in sources for cell, sources in both):
                yield cells

    @cached_property
    def _typed_rates(self) -> set[Address]:
        """The rates that are typed for consecutive steps, under a heading for rates."""
        found: set[Address] = set()
        values = self.book.values
        for stride in self.strides if self.rate is not None else ():
            cell = self.rate or 0
            is_headed = calls(RATE, str(values.get(cell - stride, "")))
            while is_headed and self._is_typed_number(cell) and cell not in self.varying:
                found.add(cell)
                cell += stride
        return found

    def _is_typed_number(self, cell: Address) -> bool:
        return isinstance(self.book.values.get(cell), float) and cell not in self.book.patterns

    def plain(self, cell: Address) -> Address:
        """Return the cell or, if it depends on no weight and only repeats a cell, the original."""
        return cell if cell in self.varying else self.flow.plain(cell, self.weight_cells)

    def varies(self, expression: Expression, home: Address) -> bool:
        return any(cell in self.varying for cell in self.cells_in(expression, home))

    def cells_in(
        self, expression: Expression, home: Address, pattern: Pattern | None = None
    ) -> Iterator[Address]:
        """The cells that a part of a cell's formula, or of `pattern`, refers to."""
        pattern = pattern or self.book.patterns[home]
        mentions = (pattern.mentions.get(text) for text in mentioned_texts(expression))
        return self.flow.mentioned_cells(mentions, home)

    def cell_of(self, reference: Expression, home: Address) -> Address | None:
        """The cell that a reference refers to, if it is a single one."""
        return cell_of(self.book, reference, home)

    # Steps on consecutive sheets

    def repeats(self, cell: Address, first: Address) -> bool:
        """Whether a cell has another's formula, or its equivalent on another sheet."""
        own, usual = self.book.patterns.get(cell), self.book.patterns.get(first)
        if own is usual or own is None or usual is None or own.shape != usual.shape:
            return own is usual
        away = cell - first
        both = zip(self.flow.sources(cell), self.flow.sources(first), strict=False)
        return away % SHEET == 0 and all(here - there in (0, away) for here, there in both)

    def would_use_blank(self, cell: Address, other: Pattern) -> bool:
        """Whether another formula would use a blank in a cell, and its own doesn't: what the other
        continues begins there, or a list that it reads has ended."""
        book, flow = self.book, self.flow
        if not any(map(book.is_blank, flow.mentioned_cells(other.places, cell))):
            return False
        return cell in book.patterns and not any(map(book.is_blank, flow.sources(cell)))

    def on_sheet_of(self, cell: Address, formula: Pattern) -> Pattern:
        """Return a formula for a cell on another sheet, with references to that sheet's step."""
        book, away = self.book, (sheet_of(cell) - sheet_of(formula.home)) * SHEET
        if not away:
            return formula

        def follow(reference: str) -> str:
            at = book.reader.cell(reference, cell - away)
            elsewhere = "!" in reference and at in self.varying
            return book.name_of(at + away, cell) if at and elsewhere else reference

        return book.reader.read_typed(rename_cells_in(formula.text_at(cell), follow), cell)

    # A cell's value one step ago: velocities, running means

    @cached_property
    def strides(self) -> frozenset[int]:
        return frozenset(weight.stride for weight in self.weights)

    def before(self, cell: Address, other: Address) -> bool:
        """Whether `other` is the predecessor of `cell` in the previous step, or the velocity by
        which it looks ahead."""
        if cell in self.weight_cells:
            return False
        is_past = cell - other in self.strides or self.carried.get(other) == cell
        return is_past or other in self.ahead.get(cell, ())

    @cached_property
    def carried(self) -> dict[Address, Address]:
        """The cells that only repeat a memory of the previous step, such as an old velocity in a
        column of its own, with the cell of their own step that continues from them. They begin
        with what is typed before them."""
        patterns, found = self.book.patterns, dict[Address, Address]()
        for cell in self.computed_cells & patterns.keys():
            if patterns[cell].repeated_reference is not None:
                last = self.flow.plain(cell, self.weight_cells)
                following = {last + stride for stride in self.strides} - self.weight_cells.keys()
                for memory in following.intersection(self.flow.users.get(cell, ())):
                    found[cell] = memory
        for cell, memory in [*found.items()]:
            for stride in self.strides:
                first, begun = cell - stride, patterns.get(memory - stride)
                if begun is patterns[memory] and first not in self.computed_cells:
                    found.setdefault(first, memory - stride)
        return found

    @cached_property
    def _carrying(self) -> dict[Address, Address]:
        return {memory: cell for cell, memory in self.carried.items()}

    def past(self, memory: Address, stride: int) -> Address:
        """The cell from which a memory continues."""
        return self._carrying.get(memory, memory - stride)

    def continues(self, cell: Address, stride: int) -> Address:
        """The cell of the next step that continues from a cell, if it is a memory."""
        return self.carried.get(cell, cell + stride)

    @cached_property
    def ahead(self) -> dict[Address, set[Address]]:
        """The cells in which a weight is where its velocity would take it, as Nesterov has it, with
        the velocities of the previous step that they use. A velocity that goes on from another's
        by mistake is used by a formula like the others."""
        patterns, flow = self.book.patterns, self.flow
        found: dict[Address, set[Address]] = {}
        known: dict[tuple[Pattern, int], bool] = {}
        pasts = {cell - stride for cell in self.looking_back for stride in self.strides}
        for memory in pasts.union(self.carried):
            for cell in flow.users.get(memory, ()):
                if cell in self.weight_cells or self.weight_cells.keys().isdisjoint(
                    flow.sources(cell)
                ):
                    continue
                kind = patterns[cell], cell - memory
                if kind not in known:
                    following = {self.continues(memory, stride) for stride in self.strides}
                    known[kind] = any(self._leads_to(cell, later) for later in following)
        offsets: defaultdict[object, list[int]] = defaultdict(list)
        for (pattern, offset), is_ahead in known.items():
            offsets[pattern] += [offset] if is_ahead else []
        for cell in self.computed_cells & patterns.keys():
            for offset in offsets.get(patterns[cell], ()):
                found.setdefault(cell, set()).add(cell - offset)
        return found

    def _leads_to(self, cell: Address, memory: Address) -> bool:
        """Whether a memory of the same step is computed from a cell."""
        stop = self.weight_cells.keys() | self.looking_back

        def further(at: Address) -> Iterable[Address]:
            return () if at in stop else self.flow.sources(at)

        return memory in self.looking_back and cell in walk(self.flow.sources(memory), further)

    @cached_property
    def looking_back(self) -> set[Address]:
        """The cells that refer to their own predecessors: those that depend on a weight, and others
        with the same formulas, which a mistake may have disconnected from the weights."""
        patterns = self.book.patterns
        going_on = [*self.flow.going_on(self.strides), *self.carried.values()]
        computed = self.computed_cells.intersection(going_on)
        formulas = {patterns[cell] for cell in computed & self.needed}
        formulas |= {patterns[cell] for cell in computed - self.needed if self._advances(cell)}
        return {
            cell
            for cell in going_on
            if patterns[cell] in formulas and cell not in self.weight_cells
        }

    def _advances(self, cell: Address) -> bool:
        """Whether a cell depends on a later step than its predecessor. One that doesn't is beneath
        it in a table of something else, such as the values of a single step."""
        latest, sources = self._latest_steps, self.flow.sources(cell)
        each = (self.past(cell, stride) for stride in self.strides)
        before = (last for last in each if last in sources)
        return any(latest.get(other, -1) < latest.get(cell, -1) for other in before)

    @cached_property
    def _latest_steps(self) -> dict[Address, int]:
        """The last step on whose weights each cell depends."""
        latest = {cell: step for cell, (_, step) in self.weight_cells.items()}
        for cell in self.flow.in_order(sorted(self.computed_cells), latest.keys())[0]:
            if cell not in latest:
                behind = (latest.get(source, -1) for source in self.flow.sources(cell))
                latest[cell] = max(behind, default=-1)
        return latest

    @cached_property
    def remembering(self) -> set[Address]:
        """The cells that refer to their predecessors in more than a single row, and what is
        computed from them within the step."""
        back, few = self.looking_back, self.steps < 3
        away = [sign * stride for stride in self.strides for sign in (1, -1)]
        several = {c for c in back if few or not back.isdisjoint(c + further for further in away)}
        return several | self.flow.below(several, self.weight_cells.keys() | self.ahead.keys())

    @cached_property
    def fixed_references(self) -> dict[Address, Address]:
        """The cells to which formulas behind the updates refer by $ alone, with the first of
        these formulas."""
        patterns, found = self.book.patterns, dict[Address, Address]()
        for cell in sorted(self.needed & patterns.keys()):
            for place in patterns[cell].places:
                at = place.at(cell) if isinstance(place, CellReference) else None
                if at is not None and isinstance(place, CellReference) and not place.moves:
                    found.setdefault(at, cell)
        return found

    @cached_property
    def idle_coefficients(self) -> list[Address]:
        """The numbers between 0 and 1 beside those to which updates refer that no formula uses."""
        beside = {(axis, axis.line(at)) for at in self.fixed_references for axis in (DOWN, ACROSS)}
        return [
            at
            for at, value in self.book.values.items()
            if isinstance(value, float)
            and 0 < value < 1
            and at not in self.book.patterns
            and at not in self.weight_cells
            and not self.flow.users.get(at)
            and any((axis, axis.line(at)) in beside for axis in (DOWN, ACROSS))
            and self.label(at)
        ]


def _is_local(pattern: Pattern) -> bool:
    """Whether a formula refers to cells of its own sheet only."""
    corners = (p.first if isinstance(p, RangeReference) else p for p in pattern.places)
    is_known = len(pattern.places) == len(pattern.words)
    return is_known and all(corner.sheet is None for corner in corners)


# Finding trainings in a workbook -----------------------------------------------------------


def find_trainings(
    book: Book, flow: Flow, known: Set[Address] = frozenset()
) -> list[SheetTraining]:
    """The trainings, in the order of the sheets; without those of weights that are `known`."""
    lines = list(update_lines(book))
    columns = align_columns(book, join_columns(book, columns_that_learn(book, flow, lines)))
    learning = {cell for column in columns for cell in column.cells}
    every = LinesOfUpdates(book, lines)
    groups = [group + every.companions(group, learning) for group in _together(flow, columns)]
    apart = [group for group in groups if all(map(known.isdisjoint, (w.cells for w in group)))]
    found = []
    for group in apart:
        training = _training(book, flow, group)
        weights = tuple(with_strays(book, flow, training.weights, training.rate, every))
        if weights != training.weights:
            varying = cells_that_depend(flow, weights)
            training = replace(training, weights=weights, varying=varying)
        found.append(training)
    return found


def trainings_of(book: Book, flow: Flow, columns: Sequence[WeightColumn]) -> list[SheetTraining]:
    """The trainings that some lines of cells would form if they were weights."""
    return [_training(book, flow, group) for group in _together(flow, columns)]


def cells_that_depend(
    flow: Flow, weights: Iterable[WeightColumn], others: Iterable[Address] = ()
) -> set[Address]:
    """All cells of some weights, and what depends on them or on other cells."""
    cells = {cell for weight in weights for cell in weight.cells}
    return flow.below(cells.union(others)) | cells


def _training(book: Book, flow: Flow, columns: Iterable[WeightColumn]) -> SheetTraining:
    weights = tuple(sorted(columns, key=lambda column: column.start))
    varying = cells_that_depend(flow, weights)
    return SheetTraining(book, flow, weights, varying, _common_rate(book, flow, weights, varying))


def _together(flow: Flow, columns: Sequence[WeightColumn]) -> list[list[WeightColumn]]:
    """Groups of columns whose changes depend on each other, or that start side by side."""
    owner = {cell: k for k, column in enumerate(columns) for cell in column.cells}
    group = list(range(len(columns)))

    def root(k: int) -> int:
        while group[k] != k:
            group[k] = group[group[k]]
            k = group[k]
        return k

    beside: dict[object, int] = {}
    for k, column in enumerate(columns):
        # the columns that its first changes depend on, directly
        changes = (source for cell in column.updates[:2] for source in flow.sources(cell))
        walked = walk(changes, lambda at: () if at in owner else flow.sources(at), NEAR)
        met = {owner[cell] for cell in walked if cell in owner}
        for other in {*met, beside.setdefault((column.way, column.first), k)}:
            group[root(other)] = root(k)
    gathered: defaultdict[int, list[WeightColumn]] = defaultdict(list)
    for k, column in enumerate(columns):
        gathered[root(k)].append(column)
    return list(gathered.values())


# The learning rate -------------------------------------------------------------------


def _common_rate(
    book: Book, flow: Flow, weights: Iterable[WeightColumn], varying: Collection[Address]
) -> Address | None:
    """The cell by which most updates multiply, and that depends on no weight."""

    def holds_a_number(cell: Address) -> bool:
        return cell in book.patterns or isinstance(book.values.get(cell), float)

    mentioned = [_constant_cells(book, flow, weight, varying) for weight in weights]
    # an update with a blank or a text doesn't count, unless all are like that
    heard = [some for some in mentioned if not some or any(map(holds_a_number, some))] or mentioned
    votes = Counter(cell for some in heard for cell in some)
    if not votes:
        return None
    fixed = {cell for some in heard for cell, is_fixed in some.items() if is_fixed}
    cell = max(votes, key=lambda cell: (votes[cell], cell in fixed, is_called_rate(book, cell)))
    is_called = is_called_rate(book, cell)
    unused = None if is_called or holds_a_number(cell) else named_rate(book, flow)
    if unused is not None:
        return unused
    enough = len(heard) - is_called if len(heard) > 1 else 0  # half, if it is called so
    return cell if 2 * votes[cell] > enough else None


def _constant_cells(
    book: Book, flow: Flow, weight: WeightColumn, varying: Collection[Address]
) -> dict[Address, bool]:
    """The cells by which the first update multiplies, and whether all updates use the same cell.

    A cell may contain all that an update adds, including the rate. If a factor there is also used
    by the cells behind it, it is data.
    """
    step = next((step for step in weight.steps if said_in(book, step[1]) is not None), None)
    if step is None:
        return {}
    base, home = step
    parts: Sequence[SignedTerm] = change(book.patterns[home], base, home)
    apart = cell_of(book, parts[0][1], home) if len(parts) == 1 else None
    said = said_in(book, apart) if apart is not None and apart in varying else None
    data: set[Address] = set()
    if apart is not None and said is not None:
        own = weight.cells
        behind = walk(flow.sources(apart), lambda at: () if at in own else flow.sources(at))
        near = (at for at in islice(behind, NEAR) if at in varying)
        data = {flow.plain(source) for at in near for source in flow.sources(at)}
        parts, home = terms(said), apart
    found: dict[Address, bool] = {}
    for factor in chain.from_iterable(factors(part).parts for _, part in parts):
        place = book.patterns[home].place_of(factor.part)
        at = place.at(home) if place else None
        if place and at is not None and at not in varying and (cell := flow.plain(at)) not in data:
            found[cell] = found.get(cell, False) or not place.moves or place.sheet is not None
    return found


def named_rate(book: Book, flow: Flow, updates: Collection[Address] = ()) -> Address | None:
    """The only number with a learning rate's heading that nothing uses, or that updates use."""
    called = [
        cell
        for cell, value in book.values.items()
        if isinstance(value, float)
        and cell not in book.patterns
        and not (flow.users.get(cell) and set(updates).isdisjoint(flow.users[cell]))
        and is_called_rate(book, cell)
    ]
    if len(called) > 1:
        sheets = {sheet_of(cell) for cell in updates}
        called = [cell for cell in called if sheet_of(cell) in sheets]
    return called[0] if len(called) == 1 else None


def is_called_rate(book: Book, cell: Address) -> bool:
    """Whether a cell's heading or name is that of a learning rate."""
    named = (
        name for name in book.names if "!" not in name and book.reader.cell(name, cell) == cell
    )
    return calls(RATE, " ".join([book.label(cell, DOWN), book.label(cell, ACROSS), *named]))
