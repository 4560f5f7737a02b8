"""What comes back from an error: which cells are which derivatives, and which are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from gradbook.audit.backward.cells.blocks import blocks
from gradbook.audit.backward.cells.cell_functions import PointValues
from gradbook.audit.backward.cells.outputs import Cells
from gradbook.audit.backward.chain.derivatives import DerivativeClaim, Derivatives, varies
from gradbook.audit.backward.chain.losses import StartingLoss
from gradbook.audit.formula.address import Address
from gradbook.audit.formula.expression import terms
from gradbook.graph.node import Array
from gradbook.targets.excel.language.grammar import Reference

MOST_FACTORS = 4  # typed numbers that a formula mentions, tried as a rate

Factor = tuple[float, Address | None]  # so many times, or by some cell


@dataclass(frozen=True, eq=False)
class BackwardPass:
    """The cells behind a loss, and those that come back from its error, with what they claim."""

    cells: Cells
    loss: StartingLoss
    values: PointValues
    derivatives: Derivatives
    known: dict[Address, list[DerivativeClaim]] = field(default_factory=dict, repr=False)
    fixed: Mapping[bool, Factor] = field(default_factory=dict)  # `common`, where it is settled
    excused: frozenset[Address] = frozenset()  # right for the numbers that the sheet has

    @classmethod
    def of(cls, cells: Cells, loss: StartingLoss) -> BackwardPass:
        return cls(cells, loss, cells.values, Derivatives(cells, loss, cells.values))

    def with_values(self, values: PointValues, changed: Iterable[Address]) -> BackwardPass:
        """The same forward pass with other cells behind it."""
        changed = set(changed)
        kept = {cell: said for cell, said in self.known.items() if cell not in changed}
        return replace(self, values=values, known=kept, fixed=self.settled).sharing(self)

    def excusing(self, some: Iterable[Address]) -> BackwardPass:
        """The same pass, some cells of which are taken for right."""
        return replace(self, excused=frozenset(some), fixed=self.settled).sharing(self)

    def sharing(self, other: BackwardPass) -> BackwardPass:
        """Itself, told what another pass with the same cells has found out about them."""
        shared = {"forward": other.forward, "backward": other.backward, "updates": other.updates}
        self.__dict__.update(shared)
        return self

    # Which cells they are ------------------------------------------------------------

    @cached_property
    def forward(self) -> set[Address]:
        """All that the loss is computed from; assumed, the outputs."""
        return self.cells.behind(self.loss.cells or [pair.output for pair in self.loss.pairs])

    @cached_property
    def backward(self) -> list[Address]:
        """The formulas that depend on an error and don't serve the loss, in their order."""
        shown = self.cells.flow.below(self.loss.cells)
        inside = self.cells.below_targets - self.forward - shown
        return [c for c in self.cells.order if c in inside and varies(self.values.number(c))]

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

    # What they claim -----------------------------------------------------------------

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
        found = [DerivativeClaim(of, scale) for of, scale in self.derivatives.recognised(value)]
        if not found:
            found = [
                DerivativeClaim(of, scale, factor)
                for factor in self._factors(cell)
                for of, scale in self._but(value, factor)
            ]
        base = self.updates.get(cell)
        return found if base is None else [claim for claim in found if claim.of == base]

    def _but(self, value: Array, factor: Address) -> list[tuple[Address, float]]:
        with np.errstate(all="ignore"):
            number = self.values.number(factor)
            return self.derivatives.recognised(value / number) or (
                self.derivatives.recognised(value * number)
            )

    def _factors(self, cell: Address) -> list[Address]:
        """The typed numbers outside of the forward pass that a formula mentions."""
        sources = dict.fromkeys(map(self.cells.flow.plain, self.cells.flow.sources(cell)))
        leaves = (s for s in sources if self.cells.is_leaf(s) and s not in self.cells.targets)
        return [leaf for leaf in leaves if leaf not in self.derivatives.slopes][:MOST_FACTORS]

    # Which of them are right ---------------------------------------------------------

    @cached_property
    def common(self) -> Mapping[bool, Factor]:
        """By what the gradients of weights are more than the loss's, those in updates apart: 1
        where some are exactly its gradients, else what most are. Nearest to the error, their sign
        is what was meant."""
        return {False: (1.0, None), True: (1.0, None), **self.settled}

    @cached_property
    def settled(self) -> Mapping[bool, Factor]:
        """What is known of that."""
        found = {either: self.fixed.get(either) or self._common(either) for either in (False, True)}
        return {either: factor for either, factor in found.items() if factor is not None}

    def _common(self, in_updates: bool) -> Factor | None:
        ends = [c for c in self.backward if (c in self.updates) is in_updates and self.is_end(c)]
        found: list[tuple[int, Factor]] = []
        for block in blocks(self.cells.book, ends):
            said = [c for c in self.claims(block.first) if self.cells.is_leaf(c.of)]
            if said:
                found.append((self._depth(block.first), (said[0].scale, said[0].by)))
        if not found:
            return None
        votes = Counter(factor for _, factor in found)
        nearest = min(depth for depth, _ in found)
        ups = sum(np.sign(factor[0]) for depth, factor in found if depth == nearest)
        meant = {factor: n for factor, n in votes.items() if (factor[0] > 0) == (ups >= 0)}
        meant = meant or votes
        exact = {factor: n for factor, n in meant.items() if abs(factor[0]) == 1}
        chosen = exact if exact and not in_updates else meant
        return max(chosen, key=lambda factor: (chosen[factor], -abs(factor[0])))

    def _depth(self, cell: Address) -> int:
        """How many cells of the pass lie between a cell and the error."""
        return len(self.cells.flow.behind([cell]) & self.inside)

    @cached_property
    def inside(self) -> set[Address]:
        return set(self.backward)

    def is_end(self, cell: Address) -> bool:
        """Whether nothing but updates uses a cell of the backward pass."""
        return all(user in self.updates for user in self.cells.flow.users.get(cell, ()))

    def is_right(self, cell: Address) -> bool:
        """Whether a cell is a derivative; of a weight, as many times as the others are."""
        if cell in self.excused:
            return True
        said = self.claims(cell)
        if not said or any(not self.cells.is_leaf(claim.of) for claim in said):
            return bool(said)
        scale, by = self.common[cell in self.updates]
        return any(claim.by == by and abs(claim.scale - scale) <= 1e-7 for claim in said)

    @cached_property
    def wrong(self) -> set[Address]:
        return {cell for cell in self.backward if not self.is_right(cell)}

    @cached_property
    def claimed_weights(self) -> dict[Address, list[Address]]:
        """The typed numbers of which some cell is the derivative, with those cells."""
        found: dict[Address, list[Address]] = {}
        for cell in self.backward:
            for claim in self.claims(cell) if self.is_right(cell) else ():
                if self.cells.is_leaf(claim.of):
                    found.setdefault(claim.of, []).append(cell)
        return found

    def wanted(self, cell: Address, of: Address, scale: float | None = None) -> Array:
        """What a cell should be worth to be the derivative by another."""
        common, by = self.common[cell in self.updates]
        is_weight = self.cells.is_leaf(of)
        slope = self.derivatives.slopes[of] * (
            common if scale is None and is_weight else scale or 1
        )
        if by is not None and is_weight:
            slope = slope * self.values.number(by)
        base = self.updates.get(cell)
        return slope if base is None else self.values.number(base) - slope
