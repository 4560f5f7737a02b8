"""The cells computed from an error: which of them are which derivatives, and which are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from gradbook.audit.backward.blocks import blocks
from gradbook.audit.backward.cell_functions import POINTS, PointValues
from gradbook.audit.backward.losses import StartingLoss
from gradbook.audit.backward.outputs import Cells
from gradbook.audit.formula.address import Address, sheet_of
from gradbook.audit.formula.expression import terms
from gradbook.audit.judge.numbers import CLOSE
from gradbook.audit.judge.omissions import MOST_PLACES, Chain, Omissions
from gradbook.graph.node import Array
from gradbook.targets.excel.language.grammar import Reference

MOST_FACTORS = 4  # typed numbers that a formula mentions, tried as a rate
ENOUGH = 3  # points at which both sides are numbers
EXACT = 1e-7  # of a factor

Factor = tuple[float, Address | None]  # so many times, or by some cell


# The chain rule --------------------------------------------------------------------------


@dataclass(frozen=True)
class DerivativeClaim:
    """A cell that is so many times the derivative by another; `by` is the cell of a factor."""

    of: Address
    scale: float
    by: Address | None = None


class Derivatives:
    """∂L/∂ every cell that leads to a loss, to be recognised by their numbers."""

    def __init__(self, cells: Cells, loss: StartingLoss) -> None:
        self.slopes = {
            cell: slope
            for cell, slope in cells.values.slopes(loss.seeds).items()
            if cell not in cells.targets and varies(slope)
        }
        self.cells = list(self.slopes)
        found = np.array([self.slopes[cell] for cell in self.cells]).reshape(-1, POINTS)
        self._finite = np.isfinite(found)
        self._numbers = np.where(self._finite, found, 0.0)

    def recognised(self, value: Array) -> list[tuple[Address, float]]:
        """The cells of which some numbers are the derivative, up to a factor."""
        if not varies(value):
            return []
        here = np.isfinite(value)
        own = np.where(here, value, 0.0)
        both = self._finite & here
        slopes = self._numbers * both
        with np.errstate(all="ignore"):
            scale = (slopes * own).sum(axis=1) / (slopes**2).sum(axis=1)
            off = np.abs(own * both - scale[:, None] * slopes).max(axis=1)
            good = off <= 10 * CLOSE * np.abs(own * both).max(axis=1)
        good &= (both.sum(axis=1) >= ENOUGH) & (np.count_nonzero(slopes, axis=1) >= ENOUGH)
        return [(self.cells[k], float(f"{scale[k]:.9g}")) for k in np.flatnonzero(good)]


def varies(values: Array) -> bool:
    some = values[np.isfinite(values)]
    return some.size >= ENOUGH and float(np.ptp(some)) > 1e-12 * float(np.abs(some).max())


# The cells -------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class PassCells:
    """The cells that a loss is computed from, and those computed from its error."""

    cells: Cells
    loss: StartingLoss
    derivatives: Derivatives

    @cached_property
    def forward(self) -> set[Address]:
        """All that the loss is computed from; assumed, the outputs."""
        return self.cells.behind(self.loss.cells or [pair.output for pair in self.loss.pairs])

    @cached_property
    def chain(self) -> Chain[Address] | None:
        """The cells from the loss back to what it is computed from; None where there are many."""
        values = self.cells.values
        slopes = values.slopes(self.loss.seeds).keys() - self.cells.targets
        computed = [cell for cell in reversed(self.cells.order) if cell in slopes]
        order = [*computed, *sorted(cell for cell in slopes if self.cells.is_leaf(cell))]
        if len(order) > MOST_PLACES:
            return None
        partials = {
            cell: {
                source: slope for source, slope in values.partials(cell).items() if source in slopes
            }
            for cell in computed
        }
        return Chain(order, partials, self.loss.seeds, {cell: cell for cell in computed})

    @cached_property
    def backward(self) -> list[Address]:
        """The formulas that depend on an error and don't serve the loss, in their order; none that
        stands where nobody sees it."""
        shown = self.cells.flow.below(self.loss.cells)
        inside = self.cells.below_targets - self.forward - shown
        value, sheets = self.cells.values.number, self.cells.book.sheets
        seen = (c for c in self.cells.order if c in inside and not sheets[sheet_of(c)].hidden)
        return [cell for cell in seen if varies(value(cell))]

    @cached_property
    def updates(self) -> dict[Address, Address]:
        """The cells that are a weight's next value, with that weight."""
        found = {cell: self._base(cell) for cell in self.backward}
        return {cell: base for cell, base in found.items() if base is not None}

    def _base(self, cell: Address) -> Address | None:
        pattern = self.cells.book.patterns[cell]
        parts = terms(pattern.expression) if pattern.expression else ()
        for sign, part in parts if len(parts) > 1 else ():
            place = pattern.place_of(part) if isinstance(part, Reference) else None
            base = place.at(cell) if place and sign > 0 else None
            if base in self.derivatives.slopes and self.cells.is_leaf(base):
                return base
        return None

    def is_end(self, cell: Address) -> bool:
        """Whether nothing but updates uses a cell of the backward pass."""
        return all(user in self.updates for user in self.cells.flow.users.get(cell, ()))

    def factors(self, cell: Address) -> list[Address]:
        """The typed numbers outside of the forward pass that a formula mentions."""
        sources = dict.fromkeys(map(self.cells.flow.plain, self.cells.flow.sources(cell)))
        leaves = (s for s in sources if self.cells.is_leaf(s) and s not in self.cells.targets)
        return [leaf for leaf in leaves if leaf not in self.derivatives.slopes][:MOST_FACTORS]

    @cached_property
    def inside(self) -> set[Address]:
        return set(self.backward)

    def depth(self, cell: Address) -> int:
        """How many cells of the pass lie between a cell and the error."""
        return len(self.cells.flow.behind([cell]) & self.inside)


# What they claim -------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class BackwardPass:
    """What the cells computed from an error claim to be, given their values."""

    passed: PassCells
    values: PointValues
    known: dict[Address, list[DerivativeClaim]] = field(default_factory=dict, repr=False)
    fixed: Mapping[bool, Factor] = field(default_factory=dict)  # `common`, where it is settled
    excused: frozenset[Address] = frozenset()  # right for the numbers that the sheet has

    @classmethod
    def of(cls, cells: Cells, loss: StartingLoss) -> BackwardPass:
        return cls(PassCells(cells, loss, Derivatives(cells, loss)), cells.values)

    def with_values(
        self, given: Mapping[Address, Array], only: Collection[Address] | None = None
    ) -> BackwardPass:
        """The same pass as it would be if some cells had other values, in all that is made of them
        or only in some of it."""
        below = self.cells.flow.below(given) if only is None else only
        kept = {c: said for c, said in self.known.items() if c not in below and c not in given}
        values = self.values.with_values(given, below)
        return replace(self, values=values, known=kept, fixed=self.settled)

    def excusing(self, some: Iterable[Address]) -> BackwardPass:
        """The same pass with some cells taken for right."""
        return replace(self, excused=frozenset(some), fixed=self.settled)

    @property
    def cells(self) -> Cells:
        return self.passed.cells

    @property
    def loss(self) -> StartingLoss:
        return self.passed.loss

    @property
    def slopes(self) -> Mapping[Address, Array]:
        return self.passed.derivatives.slopes

    @property
    def backward(self) -> Sequence[Address]:
        return self.passed.backward

    @property
    def updates(self) -> Mapping[Address, Address]:
        return self.passed.updates

    def said(self, cell: Address) -> Array:
        """What a cell says that may be a derivative: of an update, what it subtracts."""
        value = self.values.number(cell)
        base = self.updates.get(cell)
        return value if base is None else self.values.number(base) - value

    def claims(self, cell: Address) -> list[DerivativeClaim]:
        """The derivatives that a cell is."""
        if cell not in self.known:
            self.known[cell] = self._claims(self.said(cell), cell)
        return self.known[cell]

    def _claims(self, value: Array, cell: Address) -> list[DerivativeClaim]:
        recognised = self.passed.derivatives.recognised
        found = [DerivativeClaim(of, scale) for of, scale in recognised(value)]
        for factor in () if found else self.passed.factors(cell):
            number = self.values.number(factor)
            with np.errstate(all="ignore"):
                known = recognised(value / number) or recognised(value * number)
            found += [DerivativeClaim(of, scale, factor) for of, scale in known]
        base = self.updates.get(cell)
        return found if base is None else [claim for claim in found if claim.of == base]

    # Which of them are right ---------------------------------------------------------

    @cached_property
    def common(self) -> Mapping[bool, Factor]:
        """The factor between the gradients of weights and the loss's; for updates, their own."""
        return {False: (1.0, None), True: (1.0, None), **self.settled}

    @cached_property
    def settled(self) -> Mapping[bool, Factor]:
        """Those of the two factors that are known."""
        found = {either: self.fixed.get(either) or self._common(either) for either in (False, True)}
        return {either: factor for either, factor in found.items() if factor is not None}

    def _common(self, in_updates: bool) -> Factor | None:
        """1 where some are exactly the gradients of a loss that a cell holds, else what most are;
        their sign is that of most that are nearest to the error. Updates go downhill by what most
        subtract."""
        found = list(self._factors(in_updates))
        if not found:
            return None
        votes = Counter(factor for _, factor in found)
        nearest = min(depth for depth, _ in found)
        ups = sum(np.sign(factor[0]) for depth, factor in found if depth == nearest)
        is_up = in_updates or ups >= 0
        meant = {factor: n for factor, n in votes.items() if (factor[0] > 0) == is_up}
        meant = meant or {(-scale, by): n for (scale, by), n in votes.items()}
        exact = {factor: n for factor, n in meant.items() if abs(factor[0]) == 1}
        chosen = exact if exact and self.loss.cells and not in_updates else meant
        return max(chosen, key=lambda factor: (chosen[factor], -abs(factor[0])))

    def _factors(self, in_updates: bool) -> Iterator[tuple[int, Factor]]:
        """Each block's factor over the loss's gradients, and its distance from the error."""
        passed, updates = self.passed, self.updates
        ends = [c for c in self.backward if (c in updates) is in_updates and passed.is_end(c)]
        for block in blocks(self.cells.book, ends):
            said = [c for c in self.claims(block.first) if self.cells.is_leaf(c.of)]
            if said:
                yield passed.depth(block.first), (said[0].scale, said[0].by)

    def is_right(self, cell: Address) -> bool:
        """Whether a cell is a derivative; of a weight, as many times as the others are."""
        if cell in self.excused:
            return True
        return bool(self.claims(cell) if self._is_between(cell) else self.weights_of(cell))

    def _is_between(self, cell: Address) -> bool:
        """Whether a cell is the derivative by a computed value, for others to be made of."""
        computed = [not self.cells.is_leaf(claim.of) for claim in self.claims(cell)]
        return any(computed) and not (False in computed and self.passed.is_end(cell))

    def weights_of(self, cell: Address) -> list[Address]:
        """The weights of which a cell is the gradient, as many times as the others are."""
        scale, by = self.common[cell in self.updates]
        return [
            claim.of
            for claim in self.claims(cell)
            if self.cells.is_leaf(claim.of) and claim.by == by and abs(claim.scale - scale) <= EXACT
        ]

    def left_out(self, cell: Address, of: Address) -> Omissions[Address]:
        """The ways and slopes that a cell leaves out of the derivative by another, if that is all
        that is wrong with it."""
        scale, by = self.common[cell in self.updates]
        chain = self.passed.chain
        return (
            () if chain is None or by is not None else chain.left_out(of, self.said(cell) / scale)
        )

    @cached_property
    def wrong(self) -> set[Address]:
        return {cell for cell in self.backward if not self.is_right(cell)}

    @cached_property
    def claimed_weights(self) -> dict[Address, list[Address]]:
        """The typed numbers of which some cell is the derivative, with those cells."""
        found: dict[Address, list[Address]] = {}
        for cell in self.backward:
            for weight in self.weights_of(cell):
                found.setdefault(weight, []).append(cell)
        return found

    def wanted(self, cell: Address, of: Address, scale: float | None = None) -> Array:
        """What a cell should be worth to be the derivative by another."""
        common, by = self.common[cell in self.updates]
        slope = self.slopes[of]
        if self.cells.is_leaf(of):
            factor = self.values.number(by) if by is not None else 1.0
            slope = slope * (common if scale is None else scale) * factor
        elif scale is not None:
            slope = slope * scale
        base = self.updates.get(cell)
        return slope if base is None else self.values.number(base) - slope
