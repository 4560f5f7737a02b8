"""Edits tried in any column of a step, forward or backward: the one that most gradients want.

A gradient column can be right and what it is held against wrong: a sum that takes a wrong cell, an
error term that lacks its half.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np

from gradbook.audit.address import Address, column_of, row_of, sheet_of
from gradbook.audit.changes import (
    constants,
    exchanges,
    factors_more,
    groupings,
    omissions,
    other_operators,
    replacements,
    terms_more,
)
from gradbook.audit.judge import Bench
from gradbook.audit.meaning import NotUnderstood
from gradbook.audit.pattern import Pattern
from gradbook.audit.recover import Claim
from gradbook.audit.repair import Repair, anew, forward, mentioning, reference
from gradbook.audit.search import Batch, Choice, Offer, Trial, remembered
from gradbook.audit.slopes import POINTS, Slopes
from gradbook.audit.templates import Template, derived, differences, templates
from gradbook.graph.chain import gradients
from gradbook.graph.node import Node
from gradbook.graph.op import Array
from gradbook.targets.excel.grammar import Expression, Infix, Number, Reference, write

MOST_COLUMNS = 60
MOST_OFFERED = 60
MOST_DERIVED = 24  # cells whose functions may be missing
MOST_WRONG = 4  # weights that an edit is tried with first


@dataclass(frozen=True)
class Remedy:
    """One edit of a column: its cells in this step, and the gradients that it puts right."""

    cells: tuple[Address, ...]
    repair: Repair
    expressions: tuple[Expression, ...]  # the right one of every cell
    lanes: frozenset[int]


class Columns:
    """The columns of a step, and the edits that help its gradients."""

    def __init__(
        self, bench: Bench, claims: Mapping[int, Claim], wrong: Mapping[int, Claim]
    ) -> None:
        self.bench = bench
        self.wrong = wrong
        self.more = False  # whether to look for what is missing, not for what is another
        others = [j for j in sorted(claims) if j not in wrong]
        few = [*list(wrong)[:MOST_WRONG], *others[:: max(len(others) // 2, 1)][:2]]
        self.slopes = Slopes(bench, sorted(few), claims)
        self.owners = {claim.owner for claim in claims.values()}
        self.forward = forward(bench)

    @cached_property
    def idle(self) -> set[Address]:
        """The weights that the loss doesn't depend on."""
        found = set()
        for lane, node in self.bench.true.items():
            cell = self.bench.step.weights[lane]
            if cell is not None and np.all(self.bench.random.of(node, self.bench.leaves) == 0):
                found.add(cell)
        return found

    def remedies(self) -> Iterator[Remedy]:
        """Every edit that puts some gradients right and spoils none."""
        for cells in list(self.columns())[:MOST_COLUMNS]:
            yield from self._column(cells)

    def columns(self) -> Iterator[tuple[Address, ...]]:
        """The cells of the step in their columns; samples stand one below the other."""
        training = self.bench.training
        down = training.lanes[0].down
        gathered: defaultdict[object, list[Address]] = defaultdict(list)
        used = set(self.slopes.order)
        for cell, value in self.bench.made.known.items():
            pattern = training.book.patterns.get(cell)
            if (
                pattern is not None
                and isinstance(value, Node)
                and value in used
                and cell in self.bench.made.moving
                and cell not in training.stop
                and cell not in self.owners
                and (cell not in self.bench.foreign or cell in self.forward)
            ):
                line = column_of(cell) if down else row_of(cell)
                gathered[sheet_of(cell), line, pattern.shape].append(cell)
        serving = self._serving()
        for cells in gathered.values():
            if any(cell in serving for cell in cells):
                yield tuple(sorted(cells))

    def _serving(self) -> set[Address]:
        """The cells worth a trial: several wrong gradients come from them, or one alone does."""
        inside = [
            _inside(self.bench, self.wrong[j].owner) for j in self.slopes.lanes if j in self.wrong
        ]
        return self.forward.union(*inside)

    def _column(self, cells: Sequence[Address]) -> Iterator[Remedy]:
        book = self.bench.training.book
        typed = [book.reader.typed(book.patterns[c].text_at(c), c) for c in cells]
        if any(pattern.expression is None for pattern in typed):
            return
        offered = self._offers(cells)
        try:
            trials = [self._trial(c, p) for c, p in zip(cells, typed, strict=True)]
        except NotUnderstood:
            return
        nodes = [self.bench.made.known[cell] for cell in cells]
        batches = [self._batches(c, t, o) for c, t, o in zip(cells, trials, offered, strict=True)]
        for together in zip(*batches, strict=False):
            choices = together[0][0]
            if any(len(others) != len(choices) for others, _ in together):
                continue
            given = {
                node: np.asarray(values)
                for node, (_, values) in zip(nodes, together, strict=True)
                if isinstance(node, Node)
            }
            right = self.slopes.right(given)
            for k in self.helpful(len(choices), right):
                each = [choices[k] for choices, _ in together]
                yield self._remedy(cells, typed, each, right[k])

    def helpful(self, count: int, right: Array) -> Iterator[int]:
        """The edits, of so many, that put something right and spoil nothing."""
        spoilt = np.any(np.greater(self.slopes.before, right), axis=-1)
        good = self._mended(right).any(axis=-1) & np.logical_not(spoilt)
        yield from (k for k in map(int, np.flatnonzero(good)) if k < count)

    def _mended(self, right: Array) -> Array:
        found: Array = np.greater(right, self.slopes.before) & np.isin(
            self.slopes.lanes, list(self.wrong)
        )
        return found

    def _remedy(
        self,
        cells: Sequence[Address],
        typed: Sequence[Pattern],
        each: Sequence[Choice],
        right: Array,
    ) -> Remedy:
        lanes = frozenset(self.slopes.lanes[int(j)] for j in np.flatnonzero(self._mended(right)))
        expressions = tuple(
            choice.applied(pattern.expression)
            for choice, pattern in zip(each, typed, strict=True)
            if pattern.expression is not None
        )
        done = Repair(expressions[0], (each[0],))
        return Remedy(tuple(cells), done, expressions, lanes)

    def _trial(self, cell: Address, pattern: Pattern) -> Trial:
        assert pattern.expression is not None
        made = self.bench.made
        return Trial(
            pattern.expression,
            remembered(
                lambda part: self.slopes.value(
                    made.expression(part, cell, mentioning(self.bench, pattern, part))
                )
            ),
        )

    def _batches(self, cell: Address, trial: Trial, offered: Sequence[Offer]) -> Iterator[Batch]:
        numbers = constants((len(self.slopes.lanes), POINTS))
        if not self.more:
            yield from replacements(trial, [*offered, *numbers], Reference)
            yield from replacements(trial, numbers, Number)
            yield from _stacked(
                chain(other_operators(trial), exchanges(trial), groupings(trial), omissions(trial))
            )
            return
        more = [] if cell in self.forward else self._derived(cell, trial, offered)
        yield from factors_more(trial, [*offered, *more, *numbers])
        yield from terms_more(trial, [*offered, *self._products(cell, offered)])

    def _derived(self, cell: Address, trial: Trial, offered: Sequence[Offer]) -> list[Offer]:
        apart = differences(self.bench, cell)
        found = [Offer(said, trial.opaque(said)) for said in apart]
        return [*found, *derived(self._templates, offered[:MOST_DERIVED], trial.opaque)]

    @cached_property
    def _templates(self) -> list[Template]:
        return templates(self.bench)

    def _products(self, cell: Address, offered: Sequence[Offer]) -> list[Offer]:
        """What a sum lacks where a weight leads nowhere: it times some cell."""
        if cell not in self.forward or not self.idle:
            return []
        reader = self.bench.training.book.reader
        idle = [
            offer
            for offer in offered
            if isinstance(offer.said, Reference) and reader.cell(offer.said.text, cell) in self.idle
        ]
        return [
            Offer(Infix("*", weight.said, offer.said), weight.values * offer.values)
            for weight in idle
            for offer in offered
            if weight is not offer
        ]

    def _offers(self, cells: Sequence[Address]) -> list[list[Offer]]:
        """For each cell of a column the same things as seen from there."""
        training, made = self.bench.training, self.bench.made
        below = training.flow.below(cells, training.stop) | set(cells)
        own = {cell for cell in self.bench.step.weights if cell is not None}
        every = dict.fromkeys([*self.bench.step.cells, *own, *self.bench.unused])
        some = {
            self.bench.seen_from(cell, cells[0])
            for cell in every
            if cell not in below
            and (cell not in training.stop or cell in own)
            and cell not in self.bench.foreign
        }
        near = sorted(some, key=lambda c: (sheet_of(c) != sheet_of(cells[0]), abs(c - cells[0]), c))
        found: list[list[Offer]] = [[] for _ in cells]
        for seen in near:
            if len(cells) > 1 and self._is_of_another_sample(seen, cells, some):
                continue
            row: list[Offer] = []
            for home in cells:
                there = beside(self.bench, seen, home, home - cells[0])
                try:
                    node = made.node(there)
                except NotUnderstood:
                    break
                if node.is_constant():
                    break
                row.append(Offer(reference(self.bench, there, home), self.slopes.value(node)))
            if len(row) == len(cells):
                for list_, offer in zip(found, row, strict=True):
                    list_.append(offer)
            if len(found[0]) >= MOST_OFFERED:
                break
        return found

    def _is_of_another_sample(
        self, cell: Address, homes: Sequence[Address], some: Collection[Address]
    ) -> bool:
        """Whether a cell stands to another sample's as one that is offered does to the first's."""
        line, home = self.bench.line, homes[0]
        if sheet_of(cell) != sheet_of(home) or cell in self.bench.training.stop:
            return False
        if line(cell) == line(home):
            return False
        alike = (cell + home - other for other in homes[1:])
        return cell in self.bench.training.moving or any(
            c in some and line(c) == line(home) for c in alike
        )


def beside(bench: Bench, cell: Address, home: Address, by: int) -> Address:
    """The cell that stands to another sample's as this one stands to the first sample's."""
    training, known = bench.training, bench.made.known
    there = cell + by
    if not by or cell in training.stop or sheet_of(cell) != sheet_of(home):
        return cell
    if there in training.stop:
        return cell
    if training.plain(there) not in known and there not in bench.unused:
        return cell
    a, b = (training.book.patterns.get(c) for c in (cell, there))
    alike = a is b or (a is not None and b is not None and a.shape == b.shape)
    return there if alike else cell


def _stacked(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Many single edits as one array."""
    choices: list[Choice] = []
    values: list[Array] = []
    for some, value in batches:
        choices += some
        values.append(np.asarray(value)[0])
    if choices:
        yield choices, np.stack(np.broadcast_arrays(*values))


def _inside(bench: Bench, cell: Address) -> set[Address]:
    """The cells of the step that a cell is computed from."""
    training = bench.training
    seen: set[Address] = set()
    waiting = [cell]
    while waiting:
        for source in training.flow.sources(waiting.pop()):
            at = training.plain(source)
            if at not in seen and at in training.moving:
                seen.add(at)
                waiting += [] if at in training.stop else [at]
    return seen


def rewritten(columns: Columns) -> Iterator[Remedy]:
    """A column on the way back written anew: as the slope of some column on the way there."""
    bench, slopes = columns.bench, columns.slopes
    for cells in columns.columns():
        nodes = [bench.made.known[cell] for cell in cells]
        if cells[0] in columns.forward or not all(isinstance(node, Node) for node in nodes):
            continue
        for start in sorted(columns.forward & bench.made.known.keys()):
            if bench.line(start) != bench.line(cells[0]):
                continue
            there = [beside(bench, start, home, home - cells[0]) for home in cells]
            ends = [bench.made.node(cell) for cell in there]
            targets = list(gradients(bench.loss, ends).values())
            if len(targets) != len(cells):
                continue
            values = [slopes.value(target)[None] for target in targets]
            given = {n: v for n, v in zip(nodes, values, strict=True) if isinstance(n, Node)}
            for _ in columns.helpful(1, slopes.right(given)):
                found = [
                    anew(bench, cell, Reference("x"), target)
                    for cell, target in zip(cells, targets, strict=True)
                ]
                kept = [repair for repair in found if repair is not None]
                if len(kept) == len(cells):
                    formulas = tuple(repair.expression for repair in kept)
                    yield Remedy(cells, kept[0], formulas, frozenset())


def ranked(columns: Columns, more: bool) -> list[Remedy]:
    """The edits that help, the likeliest first: what puts most right, and makes a formula that
    looks like more of the others than it does. First something is another than it should be; with
    `more` it is missing."""
    columns.more = more

    def merit(remedy: Remedy) -> tuple[int, int, int]:
        kind = KINDS.index(remedy.repair.changes[0].kind)
        return -len(remedy.lanes), -likeness(columns.bench, remedy), kind

    return sorted(columns.remedies(), key=merit)


def likeness(bench: Bench, remedy: Remedy) -> int:
    """How many more formulas of the step a formula looks like once it is changed."""
    book, owner = bench.training.book, remedy.cells[0]
    others = (book.patterns.get(c) for c in bench.step.cells if c not in remedy.cells)
    shapes = Counter(pattern.shape for pattern in others if pattern is not None)
    after = book.reader.typed(write(remedy.repair.expression), owner).shape
    before = book.patterns[owner].shape if owner in book.patterns else ""
    return shapes[after] - shapes[before]


KINDS = (
    "reference",
    "swapped",
    "number",
    "operator",
    "parentheses",
    "order",
    "sign",
    "extra",
    "missing",
    "term",
)
