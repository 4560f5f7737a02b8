"""A backward pass: the loss it starts from, and which derivative each of its cells is.

The loss is in a cell, or is inferred from the error.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from gradbook.audit.backward.cell_blocks import blocks
from gradbook.audit.backward.cells_at_points import ONES, POINTS, Cells
from gradbook.audit.backward.output_pairs import OutputPair
from gradbook.audit.formulas.points import CLOSE, ENOUGH_POINTS, agree, is_multiple
from gradbook.audit.step.omissions import MOST_PLACES, Chain, Omissions
from gradbook.cells.budget import spend
from gradbook.cells.formula.address import Address, sheet_of
from gradbook.cells.formula.expression import terms
from gradbook.cells.formula.pattern import Pattern
from gradbook.cells.formula.syntax import Reference, write
from gradbook.graph.node import Array

# Derivatives, recognised by their numbers ----------------------------------------------

EXACT = 1e-7  # tolerance of a factor
NEARLY = 1e-6  # tolerance of the first test for a multiple


class KnownDerivatives:
    """Derivatives with respect to some cells, recognised by their numbers."""

    def __init__(self, slopes: Mapping[Address, Array]) -> None:
        self._cells = list(slopes)
        found = np.array([slopes[cell] for cell in self._cells]).reshape(-1, POINTS)
        finite = np.isfinite(found)
        self._numbers = np.where(finite, found, 0.0)
        self._finite, self._squares = finite.astype(float), self._numbers**2

    def matches(self, value: Array) -> list[tuple[Address, float]]:
        """The cells by which these numbers are the derivative, each with its factor."""
        if not varies(value):
            return []
        spend(self._numbers.size, 2)
        here = np.isfinite(value).astype(float)
        own = np.where(here, value, 0.0)
        found = []
        with np.errstate(all="ignore"):  # Cauchy–Schwarz: equal for multiples
            size = (self._squares @ here) * (self._finite @ own**2)
            for k in np.flatnonzero(~((self._numbers @ own) ** 2 < (1 - NEARLY) * size)):
                both = np.flatnonzero(self._finite[k] * here)
                slope, claimed = self._numbers[k][both], own[both]
                if len(both) >= ENOUGH_POINTS and np.count_nonzero(slope) >= ENOUGH_POINTS:
                    scale = (slope @ claimed) / (slope @ slope)
                    off = np.abs(claimed - scale * slope).max()
                    if off <= 10 * CLOSE * np.abs(claimed).max():
                        found.append((self._cells[k], float(f"{scale:.9g}")))
        return found


def varies(values: Array) -> bool:
    some = values[np.isfinite(values)]
    return some.size >= ENOUGH_POINTS and float(np.ptp(some)) > 1e-12 * float(np.abs(some).max())


# The start of the chain rule -----------------------------------------------------------

MOST_TRIED = 48  # cells that may be the loss
MOST_FACTORS = 4  # typed numbers in a formula that are tried as a rate
SQUARED_ERROR, CROSS_ENTROPY = "½·Σ(o−t)²", "cross-entropy"  # if no cell contains the loss


@dataclass(frozen=True, eq=False)
class UnevenError:
    """A cell that measures an output's error differently from most others."""

    cell: Address
    like: Address  # a cell that measures as most do
    right: Pattern
    factor: Array  # by which it should be multiplied


@dataclass(frozen=True, eq=False)
class StartingLoss:
    """A loss, in the cells whose sum it is or only assumed, and the cells that depend on its
    error."""

    cells: Cells
    pairs: Collection[OutputPair]  # that it includes
    held_in: tuple[Address, ...] = ()
    assumption: str = ""
    uneven: Sequence[UnevenError] = ()  # corrected in the seeds

    @cached_property
    def in_vain(self) -> set[object]:
        """Remedies that were searched for without success in passes that start from this loss."""
        return set()

    # The forward pass

    @cached_property
    def seeds(self) -> Mapping[Address, Array]:
        """∂L/∂ the cells at which the chain rule starts."""
        found = dict.fromkeys(self.held_in, ONES)
        found |= {error.cell: error.factor for error in self.uneven}
        with np.errstate(all="ignore"):
            for pair in self.pairs if self.assumption else ():
                output, target = map(self.cells.number, (pair.output, pair.target))
                if self.assumption == SQUARED_ERROR:
                    found[pair.output] = output - target
                elif self.cells.groups:
                    found[pair.output] = -target / output
                else:
                    found[pair.output] = (output - target) / (output * (1 - output))
        return found

    @cached_property
    def slopes(self) -> Mapping[Address, Array]:
        """∂L/∂ each cell that affects the loss, targets excluded, if it varies."""
        found, targets = self.cells.slopes(self.seeds), self.cells.targets
        return {c: slope for c, slope in found.items() if c not in targets and varies(slope)}

    @cached_property
    def derivatives(self) -> KnownDerivatives:
        return KnownDerivatives(self.slopes)

    @cached_property
    def slopes_by_sums(self) -> Mapping[Address, Array]:
        """The derivatives with respect to sums inside cells, such as those of activations whose
        sums have no cells of their own."""
        inner = {cell: self.cells.slope_by_its_sum(cell) for cell in self.slopes}
        with np.errstate(all="ignore"):
            return {c: self.slopes[c] * s for c, s in inner.items() if s is not None}

    @cached_property
    def by_sums(self) -> KnownDerivatives:
        return KnownDerivatives(self.slopes_by_sums)

    @cached_property
    def forward(self) -> set[Address]:
        """All cells that the loss depends on; if it is assumed, those of the outputs."""
        ends = self.held_in or [pair.output for pair in self.pairs]
        return self.cells.flow.behind(ends).union(ends)

    @cached_property
    def chain(self) -> Chain[Address] | None:
        """The cells from the loss back to its sources; None if there are too many."""
        cells = self.cells
        slopes = cells.slopes(self.seeds).keys() - cells.targets
        computed = [cell for cell in reversed(cells.places) if cell in slopes]
        order = [*computed, *sorted(filter(cells.is_leaf, slopes))]
        if len(order) > MOST_PLACES:
            return None
        partials = {
            cell: {s: slope for s, slope in cells.partials(cell).items() if s in slopes}
            for cell in computed
        }
        return Chain(order, partials, self.seeds, {cell: cell for cell in computed})

    # The backward pass

    @cached_property
    def backward(self) -> Mapping[Address, int]:
        """The visible formulas that depend on an error and don't belong to the loss, in order, with
        the length of the longest chain of such formulas up to each."""
        cells, found = self.cells, dict[Address, int]()
        inside = cells.below_targets - self.forward - cells.flow.below(self.held_in)
        for cell in cells.places:
            is_seen = cell in inside and not cells.book.sheets[sheet_of(cell)].is_hidden
            if is_seen and varies(cells.number(cell)):
                before = (found.get(source, 0) for source in cells.flow.sources(cell))
                found[cell] = 1 + max(before, default=0)
        return found

    @cached_property
    def updates(self) -> dict[Address, Address]:
        """The cells with a weight's next value, each with that weight."""
        found = {cell: self._base(cell) for cell in self.backward}
        return {cell: base for cell, base in found.items() if base is not None}

    def _base(self, cell: Address) -> Address | None:
        pattern = self.cells.book.patterns[cell]
        parts = terms(pattern.expression) if pattern.expression else ()
        for sign, part in parts if len(parts) > 1 else ():
            place = pattern.place_of(part) if isinstance(part, Reference) else None
            base = place.at(cell) if place and sign > 0 else None
            if base is not None and base in self.slopes and self.cells.is_leaf(base):
                return base
        return None

    @cached_property
    def end_blocks(self) -> Sequence[Address]:
        """The first cells of the blocks that only updates use."""
        ends = set(filter(self.is_end, self.backward))
        of_updates, book = ends & self.updates.keys(), self.cells.book
        return [
            first for first, *_ in (*blocks(book, ends - of_updates), *blocks(book, of_updates))
        ]

    def is_end(self, cell: Address) -> bool:
        """Whether only updates use a cell of the backward pass."""
        return all(user in self.updates for user in self.cells.flow.users.get(cell, ()))

    def weight_updated_by(self, cell: Address) -> Address | None:
        """The weight of which a cell must be the gradient, since only its update uses the cell."""
        users = self.cells.flow.users.get(cell, ()) if cell not in self.updates else ()
        weights = {self.updates.get(user) for user in users}
        return weights.pop() if len(weights) == 1 else None

    def factors(self, cell: Address) -> list[Address]:
        """The typed numbers outside the forward pass that a formula mentions."""
        sources = dict.fromkeys(map(self.cells.flow.plain, self.cells.flow.sources(cell)))
        leaves = (s for s in sources if self.cells.is_leaf(s) and s not in self.cells.targets)
        return [leaf for leaf in leaves if leaf not in self.slopes][:MOST_FACTORS]


def losses(cells: Cells) -> Iterator[StartingLoss]:
    """The possible losses: first those in cells, with those that include most outputs before
    others, then the usual ones."""
    calls = cells.naming.calls_loss
    held = sorted(_held(cells), key=lambda s: (-len(s.pairs), not any(map(calls, s.held_in))))
    yield from _together(cells, held)
    yield from held
    pairs = list({pair.output: pair for pair in cells.pairs}.values())
    yield StartingLoss(cells, pairs, assumption=SQUARED_ERROR)
    shares = {pair for group in cells.groups for pair in group}
    outputs = [cells.number(pair.output) for pair in pairs]
    if shares or all(np.all((output > 0) & (output < 1)) for output in outputs):
        yield StartingLoss(cells, shares or pairs, assumption=CROSS_ENTROPY)


def _held(cells: Cells) -> Iterator[StartingLoss]:
    """The cells that decrease as outputs approach their targets."""
    outputs = cells.flow.below(pair.output for pair in cells.pairs)
    both = [cell for cell in cells.places if cell in cells.below_targets and cell in outputs]
    named = [cell for cell in both if cells.naming.calls_loss(cell)]
    others = [cell for cell in both if cell not in set(named)]
    for cell in [*reversed(named), *others][:MOST_TRIED]:
        slopes = cells.slopes({cell: ONES})
        counted = [p for p in cells.pairs if p.output in slopes and p.target in slopes]
        if counted and all(_is_distance(cells, slopes, pair) for pair in counted):
            yield StartingLoss(cells, counted, (cell,))


def _is_distance(cells: Cells, slopes: Mapping[Address, Array], pair: OutputPair) -> bool:
    """Whether a loss depends on the difference of an output and its target, or is an entropy."""
    by_output, by_target = slopes[pair.output], slopes[pair.target]
    if np.unique(by_target[np.isfinite(by_target)]).size < 2:
        return False  # a difference only
    with np.errstate(all="ignore"):
        output = cells.number(pair.output)
        log = np.log(output)
        if any(is_multiple(by_target, entropy) for entropy in (log, log - np.log(1 - output))):
            return True
        downhill = np.sign(by_output) * np.sign(output - cells.number(pair.target))
    return agree(by_target, -by_output) and bool(np.all(downhill[np.isfinite(downhill)] >= 0))


def _together(cells: Cells, held: Sequence[StartingLoss]) -> Iterator[StartingLoss]:
    """The losses of single outputs together, if no cell includes all outputs."""
    every = {pair.output for pair in cells.pairs}
    by_outputs: defaultdict[frozenset[Address], list[StartingLoss]] = defaultdict(list)
    for loss in held:
        by_outputs[frozenset(pair.output for pair in loss.pairs)].append(loss)
    chosen: list[StartingLoss] = []
    covered: set[Address] = set()
    for outputs, some in sorted(by_outputs.items(), key=lambda entry: len(entry[0])):
        if covered.isdisjoint(outputs):
            covered |= outputs
            chosen.append(some[0])
    if len(chosen) > 1 and covered >= every and not any(o >= every for o in by_outputs):
        pairs = {pair for loss in chosen for pair in loss.pairs}
        yield StartingLoss(cells, pairs, tuple(sorted(c for loss in chosen for c in loss.held_in)))


def even_out(loss: StartingLoss) -> StartingLoss:
    """The loss with each of its cells corrected to measure its output's error as most do, if no
    cell sums them."""
    cells, value = loss.cells, loss.cells.number
    pairs: dict[Address, OutputPair] = {}
    weights: dict[Address, Array] = {}  # how much each output's error counts
    for cell in loss.held_in:
        slopes = cells.slopes({cell: ONES})
        own = [pair for pair in loss.pairs if pair.output in slopes and pair.target in slopes]
        if len(own) == 1 and len(loss.held_in) > 1:
            pair = pairs[cell] = own[0]
            with np.errstate(all="ignore"):
                weights[cell] = slopes[pair.output] / (value(pair.output) - value(pair.target))
    if len(weights) < max(len(loss.held_in), 2):
        return loss

    def votes(cell: Address) -> tuple[int, int, int]:
        length = len(cells.book.patterns[cell].mentions)
        return sum(agree(weights[cell], other) for other in weights.values()), length, -cell

    usual = max(weights, key=votes)  # if two tie, the one with the longer formula
    found = []
    for cell, weight in weights.items():
        like, own_pair = pairs[usual], pairs[cell]
        instead = {like.output: own_pair.output, like.target: own_pair.target}
        said = cells.naming.rewrite(usual, cell, instead)
        if said is not None and not agree(weight, weights[usual]):
            with np.errstate(all="ignore"):
                factor = weights[usual] / weight
            right = cells.book.reader.read_typed(write(said), cell)
            if agree(cells.value_of(right.text, cell), value(cell) * factor):
                found.append(UnevenError(cell, usual, right, factor))
    return replace(loss, uneven=found)


# The claims of the cells that depend on the error --------------------------------------

Factor = tuple[float, Address | None]  # a number, and perhaps a cell


@dataclass(frozen=True)
class DerivativeClaim:
    """States that a cell is a multiple of a derivative; `by` is a cell with the factor."""

    of: Address
    scale: float
    by: Address | None = None


@dataclass(frozen=True, eq=False)
class BackwardPass:
    """The derivatives that the cells after an error are, given their values.

    `accepted` are cells that count as right because they are right for the numbers in the sheet,
    with the weights whose gradients they are.
    """

    loss: StartingLoss
    cells: Cells  # with their current values
    known_claims: dict[Address, list[DerivativeClaim]] = field(default_factory=dict)
    given_factors: Mapping[bool, Factor] = field(default_factory=dict)  # of `common`
    accepted: Mapping[Address, list[Address]] = field(default_factory=dict)

    @classmethod
    def of(cls, loss: StartingLoss) -> BackwardPass:
        return cls(loss, loss.cells)

    def with_values(
        self, given: Mapping[Address, Array], only: Collection[Address] | None = None
    ) -> BackwardPass:
        """Return the pass in which some cells have other values, and so have all cells that depend
        on them, or only some of these."""
        below = self.cells.flow.below(given) if only is None else only
        changed = {*below, *given}
        kept = {cell: some for cell, some in self.known_claims.items() if cell not in changed}
        cells = self.cells.with_values(given, below)
        return BackwardPass(self.loss, cells, kept, self.known_factors, self.accepted)

    def accept(self, some: Mapping[Address, list[Address]]) -> BackwardPass:
        """Return the same pass with some cells counted as right."""
        return replace(self, given_factors=self.known_factors, accepted=some)

    def possible_derivative(self, cell: Address) -> Array:
        """Return the value of a cell that may be a derivative; for an update, the difference."""
        value = self.cells.number(cell)
        base = self.loss.updates.get(cell)
        return value if base is None else self.cells.number(base) - value

    def claims(self, cell: Address) -> list[DerivativeClaim]:
        """The derivatives that a cell is; for an update, only those by its own weight."""
        if cell not in self.known_claims:
            value, base = self.possible_derivative(cell), self.loss.updates.get(cell)
            matches = self.loss.derivatives.matches
            found = [DerivativeClaim(of, scale) for of, scale in matches(value)]
            for factor in () if found else self.loss.factors(cell):
                number = self.cells.number(factor)
                with np.errstate(all="ignore"):
                    known = matches(value / number) or matches(value * number)
                found += [DerivativeClaim(of, scale, factor) for of, scale in known]
            own = [claim for claim in found if base in (None, claim.of)]
            self.known_claims[cell] = sorted(own, key=lambda claim: claim.scale != 1)
        return self.known_claims[cell]

    def claimed(self, cells: Iterable[Address]) -> Counter[Address]:
        """The number of these cells that claim each derivative."""
        return Counter(claim.of for cell in cells for claim in self.claims(cell))

    def inner_sums(self, cell: Address) -> list[Address]:
        """The cells whose inner sums a cell is the derivative by, if it is no other derivative."""
        if self.claims(cell) or cell in self.loss.updates:
            return []
        matches = self.loss.by_sums.matches(self.cells.number(cell))
        return [of for of, scale in matches if scale == 1]

    # The common factor

    @cached_property
    def common(self) -> Mapping[bool, Factor]:
        """The factor between the gradients of weights and the loss's; updates have their own."""
        return {False: (1.0, None), True: (1.0, None), **self.known_factors}

    @cached_property
    def known_factors(self) -> Mapping[bool, Factor]:
        """The factors that are known from some gradients, or updates."""
        both = {e: self.given_factors.get(e) or self._common(e) for e in (False, True)}
        return {either: factor for either, factor in both.items() if factor is not None}

    def _common(self, in_updates: bool) -> Factor | None:
        """The most common factor. The gradients nearest to the error decide its sign; an update
        subtracts. If a cell contains the loss, a factor of 1 or −1 is preferred for gradients."""
        loss, found = self.loss, list[tuple[int, Factor]]()
        for first in loss.end_blocks:
            claims = self.claims(first) if (first in self.loss.updates) is in_updates else ()
            said = [claim for claim in claims if self.cells.is_leaf(claim.of)]
            found += [(loss.backward[first], (claim.scale, claim.by)) for claim in said[:1]]
        if not found:
            return None
        votes = Counter(factor for _, factor in found)
        nearest = min(depth for depth, _ in found)
        ups = sum(np.sign(factor[0]) for depth, factor in found if depth == nearest)
        is_up = in_updates or ups >= 0
        meant = {factor: n for factor, n in votes.items() if (factor[0] > 0) == is_up}
        meant = meant or {(-scale, by): n for (scale, by), n in votes.items()}
        exact = {factor: n for factor, n in meant.items() if abs(factor[0]) == 1}
        chosen = exact if exact and loss.held_in and not in_updates else meant
        return max(chosen, key=lambda factor: (chosen[factor], -abs(factor[0])))

    # The verdicts on cells

    @cached_property
    def _verdicts(self) -> dict[Address, bool]:
        return {}

    def is_right(self, cell: Address) -> bool:
        """Whether a cell is a derivative, also with respect to a sum inside another cell; for a
        weight, with the common factor."""
        if cell not in self._verdicts:
            self._verdicts[cell] = self._is_right(cell)
        return self._verdicts[cell]

    def _is_right(self, cell: Address) -> bool:
        if cell in self.accepted or self.weights_of(cell):
            return True
        if self.loss.weight_updated_by(cell) is not None:
            return False
        computed = [not self.cells.is_leaf(claim.of) for claim in self.claims(cell)]
        is_between = any(computed) and not (False in computed and self.loss.is_end(cell))
        return is_between or bool(self.inner_sums(cell))

    def weights_of(self, cell: Address) -> list[Address]:
        """The weights whose gradient a cell is, with the common factor."""
        scale, by = self.common[cell in self.loss.updates]
        found = [
            claim.of
            for claim in self.claims(cell)
            if self.cells.is_leaf(claim.of) and claim.by == by and abs(claim.scale - scale) <= EXACT
        ]
        return found or self.accepted.get(cell, [])

    def left_out(self, cell: Address, of: Address) -> Omissions[Address]:
        """The paths and slopes that a cell omits from a derivative, if nothing else is wrong with
        it."""
        scale, by = self.common[cell in self.loss.updates]
        if self.loss.chain is None or by is not None:
            return ()
        return self.loss.chain.left_out(of, self.possible_derivative(cell) / scale)

    @cached_property
    def wrong(self) -> set[Address]:
        """The cells that aren't a right derivative, except for slopes with respect to inner sums if
        all cells that depend on them are right."""
        odd = {cell for cell in self.loss.backward if not self.is_right(cell)}
        inside, users = self.loss.backward.keys(), self.cells.flow.users
        used = {cell: inside & set(users.get(cell, ())) for cell in odd}
        return {cell for cell in odd if not used[cell] or not used[cell].isdisjoint(odd)}

    @cached_property
    def claimed_weights(self) -> dict[Address, list[Address]]:
        """The typed numbers whose derivative some cell is, with those cells."""
        found: dict[Address, list[Address]] = {}
        for cell in self.loss.backward:
            for weight in self.weights_of(cell):
                found.setdefault(weight, []).append(cell)
        return found

    def right_value(
        self, cell: Address, of: Address, scale: float | None = None, by_sum: bool = False
    ) -> Array:
        """Return the value with which a cell would be the derivative with respect to another, or to
        the sum inside it."""
        common, by = self.common[cell in self.loss.updates]
        if by_sum:
            return self.loss.slopes_by_sums[of] * (1.0 if scale is None else scale)
        slope = self.loss.slopes[of]
        if self.cells.is_leaf(of):
            factor = self.cells.number(by) if by is not None else 1.0
            slope = slope * (common if scale is None else scale) * factor
        elif scale is not None:
            slope = slope * scale
        base = self.loss.updates.get(cell)
        return slope if base is None else self.cells.number(base) - slope
