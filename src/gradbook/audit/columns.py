"""Edits tried in any column of a step, forward or backward: the one that most gradients want.

A gradient column can be right and what it is held against wrong: a sum that takes a wrong cell, an
error term that lacks its half. Every weight gets an axis of its own, with a small imaginary part in
that weight; what of it arrives in the loss is the slope, exact to the last digit.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from gradbook.audit.address import Address, column_of, row_of, sheet_of
from gradbook.audit.judge import Bench
from gradbook.audit.meaning import NotUnderstood
from gradbook.audit.numbers import CLOSE, FAINT
from gradbook.audit.pattern import Pattern
from gradbook.audit.recover import Claim
from gradbook.audit.repair import Repair, forward, reference
from gradbook.audit.search import (
    Batch,
    Choice,
    Offer,
    Trial,
    constants,
    factors_more,
    groupings,
    omissions,
    other_operators,
    remembered,
    replacements,
    terms_more,
)
from gradbook.graph.node import Node, needed
from gradbook.graph.op import Array
from gradbook.targets.excel.grammar import Expression, Number, Reference, write

TINY = 1e-40
NOTHING = 1e-12
POINTS = 6
MOST_COLUMNS = 60
MOST_OFFERED = 60
MOST_WRONG = 4  # weights that an edit is tried with first
SHORT = 12  # parts of a formula in which any cell may be missing


@dataclass(frozen=True)
class Remedy:
    """One edit of a column: its cells in this step, and the gradients that it puts right."""

    cells: tuple[Address, ...]
    repair: Repair
    expressions: tuple[Expression, ...]  # the right one of every cell
    lanes: frozenset[int]


class Columns:
    """A step with every weight nudged by itself."""

    def __init__(
        self, bench: Bench, claims: Mapping[int, Claim], wrong: Mapping[int, Claim]
    ) -> None:
        self.bench = bench
        self.wrong = wrong
        others = [j for j in sorted(claims) if j not in wrong]
        self.lanes = sorted([*list(wrong)[:MOST_WRONG], *others[:: max(len(others) // 2, 1)][:2]])
        self.claims = [bench.claimed(claims[j]) for j in self.lanes]
        self.owners = {claim.owner for claim in claims.values()}
        self.axis = {bench.step.weights[j]: k for k, j in enumerate(self.lanes)}
        self.values: dict[Node, Array] = {}
        self.outputs = [bench.loss, *self.claims]
        self.order = needed(self.outputs)
        for node in self.outputs:
            self.value(node)
        self.before = self.right({})[0]

    def value(self, node: Node) -> Array:
        leaves = self.bench.leaves
        with np.errstate(all="ignore"):
            for part in needed([node], self.values):
                if part not in self.values:
                    self.values[part] = (
                        self._leaf(leaves[part])
                        if part in leaves
                        else np.asarray(
                            part.op.value(*(self.values[s] for s in part.inputs), *part.attributes)
                        )
                    )
        return self.values[node]

    def _leaf(self, cell: Address) -> Array:
        values = np.array(self.bench.random.leaf(cell)[:POINTS], dtype=complex)
        values = np.repeat(values[None], len(self.lanes), axis=0)
        if cell in self.axis:
            values[self.axis[cell]] += 1j * TINY
        return values

    def right(self, given: Mapping[Node, Array]) -> Array:
        """Which gradients are right with other values at some nodes: (alternatives, weights)."""
        values: dict[Node, Array] = dict(given)
        with np.errstate(all="ignore"):
            for node in self.order:
                if node not in values and any(source in values for source in node.inputs):
                    inputs = [values.get(s, self.values[s]) for s in node.inputs]
                    values[node] = np.asarray(node.op.value(*inputs, *node.attributes))
        loss, *claimed = (values.get(node, self.values[node]) for node in self.outputs)
        found = []
        for k, claim in enumerate(claimed):
            with np.errstate(all="ignore"):
                slope = _at(loss, k).imag / TINY
            found.append(_equal(slope, _at(claim, k).real))
        return np.stack(np.broadcast_arrays(*found), axis=-1)

    def remedies(self) -> Iterator[Remedy]:
        """Every edit that puts some gradients right and spoils none."""
        for cells in list(self.columns())[:MOST_COLUMNS]:
            yield from self._column(cells)

    def columns(self) -> Iterator[tuple[Address, ...]]:
        """The cells of the step in their columns; samples stand one below the other."""
        training = self.bench.training
        down = training.lanes[0].down
        gathered: defaultdict[object, list[Address]] = defaultdict(list)
        used = set(self.order)
        for cell, value in self.bench.made.known.items():
            pattern = training.book.patterns.get(cell)
            if (
                pattern is not None
                and isinstance(value, Node)
                and value in used
                and cell in training.moving
                and cell not in training.stop
                and cell not in self.owners
                and cell not in self.bench.foreign
            ):
                line = column_of(cell) if down else row_of(cell)
                gathered[sheet_of(cell), line, pattern.shape].append(cell)
        serving = self._serving()
        for cells in gathered.values():
            if any(cell in serving for cell in cells):
                yield tuple(sorted(cells))

    def _serving(self) -> set[Address]:
        """The cells worth a trial: several wrong gradients come from them, or one alone does."""
        inside = [_inside(self.bench, self.wrong[j].owner) for j in self.lanes if j in self.wrong]
        before = forward(self.bench)
        if len(inside) == 1:
            return inside[0] - before
        counts = Counter(cell for cells in inside for cell in cells)
        return (
            before
            | {cell for cell, count in counts.items() if count > 1}
            | (set().union(*inside) - before)
        )

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
        batches = [self._batches(t, o) for t, o in zip(trials, offered, strict=True)]
        for together in zip(*batches, strict=False):
            choices = together[0][0]
            given = {
                node: np.asarray(values)
                for node, (_, values) in zip(nodes, together, strict=True)
                if isinstance(node, Node)
            }
            right = self.right(given)
            for k in self._helpful(choices, right):
                each = [choices[k] for choices, _ in together]
                yield self._remedy(cells, typed, each, right[k])

    def _helpful(self, choices: Sequence[Choice], right: Array) -> Iterator[int]:
        """The edits that put something right and spoil nothing."""
        spoilt = np.any(np.greater(self.before, right), axis=-1)
        good = self._mended(right).any(axis=-1) & np.logical_not(spoilt)
        yield from (k for k in map(int, np.flatnonzero(good)) if k < len(choices))

    def _mended(self, right: Array) -> Array:
        found: Array = np.greater(right, self.before) & np.isin(self.lanes, list(self.wrong))
        return found

    def _remedy(
        self,
        cells: Sequence[Address],
        typed: Sequence[Pattern],
        each: Sequence[Choice],
        right: Array,
    ) -> Remedy:
        lanes = frozenset(self.lanes[j] for j in np.flatnonzero(self._mended(right)))
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
            remembered(lambda part: self.value(made.expression(part, cell, pattern))),
        )

    def _batches(self, trial: Trial, offered: Sequence[Offer]) -> Iterator[Batch]:
        numbers = constants((len(self.lanes), POINTS))
        yield from replacements(trial, [*offered, *numbers], Reference)
        yield from replacements(trial, numbers, Number)
        yield from _stacked(chain(other_operators(trial), groupings(trial), omissions(trial)))
        few = len(trial.parts) > SHORT
        yield from factors_more(trial, [*(offered[:12] if few else offered), *numbers])
        yield from terms_more(trial, offered)

    def _offers(self, cells: Sequence[Address]) -> list[list[Offer]]:
        """For each cell of a column the same things as seen from there."""
        training, made = self.bench.training, self.bench.made
        below = training.flow.below(cells, training.stop) | set(cells)
        own = {cell for cell in self.bench.step.weights if cell is not None}
        near = sorted(
            (c for c in dict.fromkeys([*self.bench.step.cells, *own]) if c not in below),
            key=lambda c: (sheet_of(c) != sheet_of(cells[0]), abs(c - cells[0])),
        )
        found: list[list[Offer]] = [[] for _ in cells]
        for cell in near:
            if (cell in training.stop and cell not in own) or cell in self.bench.foreign:
                continue
            row: list[Offer] = []
            for home in cells:
                there = cell + (home - cells[0]) if _beside(cell, cells[0]) else cell
                try:
                    node = made.node(there)
                except NotUnderstood:
                    break
                if node.is_constant():
                    break
                row.append(Offer(reference(self.bench, there, home), self.value(node)))
            if len(row) == len(cells):
                for list_, offer in zip(found, row, strict=True):
                    list_.append(offer)
            if len(found[0]) >= MOST_OFFERED:
                break
        return found


def _beside(cell: Address, home: Address) -> bool:
    return sheet_of(cell) == sheet_of(home) and row_of(cell) == row_of(home)


def _at(values: Array, k: int) -> Array:
    """The k-th weight's share; the last two axes are weights and points."""
    if values.ndim < 2:
        return values[None] if values.ndim == 1 else values.reshape(1, 1)
    found: Array = values[..., k, :] if values.shape[-2] > 1 else values[..., 0, :]
    return found if found.ndim > 1 else found[None]


def _equal(a: Array, b: Array) -> Array:
    a, b = np.broadcast_arrays(a, b)
    size = np.maximum(np.abs(a), np.abs(b))
    usual = np.max(size, axis=-1, keepdims=True, initial=0)
    with np.errstate(all="ignore"):
        good = np.abs(a - b) <= 10 * CLOSE * np.maximum(size, FAINT * usual)
    something = usual[..., 0] > NOTHING  # two sides that vanish prove nothing
    found: Array = np.all(good & np.isfinite(a) & np.isfinite(b), axis=-1) & something
    return found


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


def ranked(columns: Columns) -> list[Remedy]:
    """The edits that help, the likeliest first: what puts most right, and makes a formula that
    looks like others."""
    training, reader = columns.bench.training, columns.bench.training.book.reader
    cells = set(columns.bench.step.cells)
    shapes = Counter(
        pattern.shape for cell, pattern in training.book.patterns.items() if cell in cells
    )

    def merit(remedy: Remedy) -> tuple[int, int, int]:
        shape = reader.typed(write(remedy.repair.expression), remedy.cells[0]).shape
        kind = KINDS.index(remedy.repair.changes[0].kind)
        return -len(remedy.lanes), -shapes[shape], kind

    return sorted(columns.remedies(), key=merit)


KINDS = (
    "reference",
    "number",
    "operator",
    "parentheses",
    "order",
    "sign",
    "extra",
    "missing",
    "term",
)
