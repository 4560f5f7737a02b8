"""Edits tried in any column of a step, forward or backward: the one that most gradients want.

A gradient column can be right and what it is held against wrong: a sum that takes a wrong cell, an
error term that lacks its half.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain

import numpy as np

from gradbook.audit.formula.address import Address
from gradbook.audit.formula.edits import Edit
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.judge.slopes import POINTS, Slopes
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.repair.changes import (
    constants,
    exchanges,
    factors_more,
    groupings,
    omissions,
    other_operators,
    replacements,
    terms_more,
)
from gradbook.audit.repair.column_offers import column_offers
from gradbook.audit.repair.evidence import made_of
from gradbook.audit.repair.remedy import Remedy
from gradbook.audit.repair.repair import Repair, mentioning
from gradbook.audit.repair.search import Batch, Offer, Trial, remembered
from gradbook.audit.repair.templates import Template, derived, differences, templates
from gradbook.audit.training.claims import Claim
from gradbook.graph.node import Array, Node
from gradbook.targets.excel.language.grammar import Infix, Number, Reference

MOST_COLUMNS = 60
MOST_DERIVED = 24  # cells whose functions may be missing
MOST_WRONG = 4  # weights that an edit is tried with first


class Columns:
    """The columns of a step, and the edits that help its gradients."""

    def __init__(
        self, tested: StepUnderTest, claims: Mapping[int, Claim], wrong: Mapping[int, Claim]
    ) -> None:
        self.tested = tested
        self.wrong = wrong
        self.more = False  # whether to look for what is missing, not for what is another
        others = [j for j in sorted(claims) if j not in wrong]
        few = [*list(wrong)[:MOST_WRONG], *others[:: max(len(others) // 2, 1)][:2]]
        self.slopes = Slopes(tested, sorted(few), claims)
        self.owners = {claim.owner for claim in claims.values()}
        self.forward = tested.forward

    @cached_property
    def idle(self) -> set[Address]:
        """The weights that the loss doesn't depend on."""
        cells = (self.tested.step.weights[lane] for lane in self.tested.without_influence)
        return {cell for cell in cells if cell is not None}

    def remedies(self) -> Iterator[Remedy]:
        """Every edit that puts some gradients right and spoils none."""
        for cells in list(self.columns())[:MOST_COLUMNS]:
            yield from self._column(cells)

    def columns(self) -> Iterator[tuple[Address, ...]]:
        """The cells of the step in their columns; samples stand one below the other."""
        training = self.tested.training
        axis = training.axis
        gathered: defaultdict[object, list[Address]] = defaultdict(list)
        used = set(self.slopes.order)
        for cell, value in self.tested.graph.known.items():
            pattern = training.book.patterns.get(cell)
            if (
                pattern is not None
                and isinstance(value, Node)
                and value in used
                and cell in self.tested.graph.varying
                and cell not in training.weight_cells
                and cell not in self.owners
                and (cell not in self.tested.positions.of_other_steps or self._is_astray(cell))
            ):
                gathered[axis.line(cell), pattern.shape].append(cell)
        serving = self._serving()
        for cells in gathered.values():
            if any(cell in serving for cell in cells):
                yield tuple(sorted(cells))

    def _is_astray(self, cell: Address) -> bool:
        """Whether a cell on the way to the loss belongs to the step by where it stands, though
        another step's weights are all it is computed from."""
        return cell in self.forward and self.tested.positions.row(cell) in self.lines

    @cached_property
    def lines(self) -> set[tuple[int, int]]:
        """The rows in which the step's own cells stand."""
        tested = self.tested
        own = (
            c
            for c in tested.step.cells
            if c in tested.training.varying and c not in tested.positions.of_other_steps
        )
        return {
            tested.positions.row(c)
            for c in [*own, *tested.step.own]
            if c in tested.step.own or c not in tested.training.weight_cells
        }

    def _serving(self) -> set[Address]:
        """The cells worth a trial: several wrong gradients come from them, or one alone does."""
        inside = [
            made_of(self.tested, [self.wrong[j].owner])
            for j in self.slopes.lanes
            if j in self.wrong
        ]
        return self.forward.union(*inside)

    def _column(self, cells: Sequence[Address]) -> Iterator[Remedy]:
        book = self.tested.training.book
        typed = [book.reader.typed(book.patterns[c].text_at(c), c) for c in cells]
        if any(pattern.expression is None for pattern in typed):
            return
        offered = column_offers(self.tested, self.slopes, cells)
        try:
            trials = [self._trial(c, p) for c, p in zip(cells, typed, strict=True)]
        except NotUnderstood:
            return
        nodes = [self.tested.graph.known[cell] for cell in cells]
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
            right = np.logical_and(self.slopes.right(given), self._whole(given)[:, None])
            for k in self.helpful(len(choices), right):
                each = [choices[k] for choices, _ in together]
                yield self._remedy(cells, typed, each, right[k])

    def _whole(self, given: Mapping[Node, Array]) -> Array:
        """Which alternatives are numbers wherever the cells are: none divides by nothing."""
        whole = []
        for node, values in given.items():
            fine = np.logical_or(np.isfinite(values), ~np.isfinite(self.slopes.values[node]))
            whole.append(fine.reshape(len(fine), -1).all(axis=1))
        found: Array = np.all(np.broadcast_arrays(*whole), axis=0)
        return found

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
        each: Sequence[Edit],
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
        made = self.tested.graph
        return Trial(
            pattern.expression,
            remembered(
                lambda part: self.slopes.numbers.of(
                    made.expression(part, cell, mentioning(self.tested, pattern, part))
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
        if cell in self.forward:
            yield from factors_more(trial, [*offered, *numbers])
            yield from terms_more(trial, [*offered, *self._products(cell, offered)])
        else:
            yield from factors_more(
                trial, [*offered, *self._derived(cell, trial, offered), *numbers]
            )
            yield from terms_more(trial, [*offered, *numbers])

    def _derived(self, cell: Address, trial: Trial, offered: Sequence[Offer]) -> list[Offer]:
        apart = differences(self.tested, cell)
        found = [Offer(said, trial.opaque(said)) for said in apart]
        some = sorted(offered, key=lambda offer: not self._is_between(offer, cell))[:MOST_DERIVED]
        return [*found, *derived(self._templates, some, trial.opaque)]

    def _is_between(self, offer: Offer, home: Address) -> bool:
        """Whether something is computed on the way to the loss: slopes are of such cells."""
        training = self.tested.training
        if not isinstance(offer.said, Reference):
            return False
        cell = training.book.reader.cell(offer.said.text, home)
        return cell in self.forward and cell in training.computed

    @cached_property
    def _templates(self) -> list[Template]:
        return templates(self.tested)

    def _products(self, cell: Address, offered: Sequence[Offer]) -> list[Offer]:
        """What a sum lacks where a weight leads nowhere: it times some cell."""
        if not self.idle:
            return []
        reader = self.tested.training.book.reader
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


def _stacked(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Many single edits as one array."""
    choices: list[Edit] = []
    values: list[Array] = []
    for some, value in batches:
        choices += some
        values.append(np.asarray(value)[0])
    if choices:
        yield choices, np.stack(np.broadcast_arrays(*values))
