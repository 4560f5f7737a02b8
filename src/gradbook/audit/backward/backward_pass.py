"""A backward pass: the loss it starts from, and which derivative each of its cells claims to be.

The loss is one that a cell holds, or that only an error shows. Where nobody adds up the errors of
single outputs, one of them may be measured unlike the others.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from gradbook.audit.backward.blocks import blocks
from gradbook.audit.backward.outputs import POINTS, Cells, OutputPair, PointValues
from gradbook.audit.budget import spend
from gradbook.audit.formula.address import Address, sheet_of
from gradbook.audit.formula.expression import references, terms
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.step.omissions import MOST_PLACES, Chain, Omissions
from gradbook.audit.step.points import CLOSE, ENOUGH, agree, is_multiple
from gradbook.graph.node import Array
from gradbook.targets.excel.language import Reference, write

# Where the chain rule starts -----------------------------------------------------------

MOST_TRIED = 48  # cells that may be the loss


@dataclass(frozen=True, eq=False)
class StartingLoss:
    """Where the chain rule starts: ∂L/∂ some cells, and in which cells L stands."""

    seeds: Mapping[Address, Array]
    cells: tuple[Address, ...] = ()  # none where the loss is assumed
    assumption: str = ""  # what it is then
    pairs: frozenset[OutputPair] = field(default_factory=frozenset)


def losses(cells: Cells) -> Iterator[StartingLoss]:
    """What may be the loss: cells that hold it first, those that count most outputs before others,
    then what is usual."""
    calls = cells.naming.calls_loss
    held = sorted(_held(cells), key=lambda s: (-len(s.pairs), not any(map(calls, s.cells))))
    yield from _together(cells, held)
    yield from held
    yield from _assumed(cells)


def _held(cells: Cells) -> Iterator[StartingLoss]:
    """The cells that fall as outputs come nearer to their targets."""
    outputs = cells.flow.below(pair.output for pair in cells.pairs)
    both = [cell for cell in cells.order if cell in cells.below_targets and cell in outputs]
    named = [cell for cell in both if cells.naming.calls_loss(cell)]
    others = [cell for cell in both if cell not in set(named)]
    for cell in [*reversed(named), *others][:MOST_TRIED]:
        seeds = {cell: np.ones(POINTS)}
        slopes = cells.values.slopes(seeds)
        counted = frozenset(p for p in cells.pairs if p.output in slopes and p.target in slopes)
        if counted and all(_is_distance(cells, slopes, pair) for pair in counted):
            yield StartingLoss(seeds, (cell,), pairs=counted)


def _is_distance(cells: Cells, slopes: Mapping[Address, Array], pair: OutputPair) -> bool:
    """Whether a loss depends on the difference of an output and its target, or is an entropy."""
    by_output, by_target = slopes[pair.output], slopes[pair.target]
    if np.unique(by_target[np.isfinite(by_target)]).size < 2:
        return False  # a difference only
    with np.errstate(all="ignore"):
        output = cells.values.number(pair.output)
        log = np.log(output)
        if any(is_multiple(by_target, entropy) for entropy in (log, log - np.log(1 - output))):
            return True
        downhill = np.sign(by_output) * np.sign(output - cells.values.number(pair.target))
    return agree(by_target, -by_output) and bool(np.all(downhill[np.isfinite(downhill)] >= 0))


def _together(cells: Cells, held: Sequence[StartingLoss]) -> Iterator[StartingLoss]:
    """The losses of single outputs without a sum, where no cell counts all outputs."""
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
        yield StartingLoss(
            {cell: seed for loss in chosen for cell, seed in loss.seeds.items()},
            tuple(sorted(cell for loss in chosen for cell in loss.cells)),
            pairs=frozenset(pair for loss in chosen for pair in loss.pairs),
        )


def _assumed(cells: Cells) -> Iterator[StartingLoss]:
    """Squared error and, of outputs that are shares or probabilities, cross-entropy."""
    value = cells.values.number
    pairs = list({pair.output: pair for pair in cells.pairs}.values())
    shares = {pair for group in cells.groups for pair in group}
    with np.errstate(all="ignore"):
        errors = {pair.output: value(pair.output) - value(pair.target) for pair in pairs}
        yield StartingLoss(errors, assumption="½·Σ(o−t)²", pairs=frozenset(pairs))
        if shares:
            entropy = {p.output: -value(p.target) / value(p.output) for p in shares}
        elif all(np.all((value(p.output) > 0) & (value(p.output) < 1)) for p in pairs):
            entropy = {o: error / (value(o) * (1 - value(o))) for o, error in errors.items()}
        else:
            return
    yield StartingLoss(entropy, assumption="cross-entropy", pairs=frozenset(shares or pairs))


def again(cells: Cells, loss: StartingLoss) -> StartingLoss:
    """Return the same loss for other numbers."""
    if loss.assumption:
        return next((o for o in _assumed(cells) if o.assumption == loss.assumption), loss)
    return StartingLoss({c: np.ones(POINTS) for c in loss.cells}, loss.cells, pairs=loss.pairs)


# The chain rule ------------------------------------------------------------------------

MOST_FACTORS = 4  # typed numbers that a formula mentions, tried as a rate
EXACT = 1e-7  # of a factor

Factor = tuple[float, Address | None]  # so many times, or by some cell


@dataclass(frozen=True)
class DerivativeClaim:
    """A cell that is a multiple of the derivative by another; `by` is a cell with the factor."""

    of: Address
    scale: float
    by: Address | None = None


class Derivatives:
    """Derivatives by some cells, known by their numbers."""

    def __init__(self, slopes: Mapping[Address, Array]) -> None:
        self._cells = list(slopes)
        found = np.array([slopes[cell] for cell in self._cells]).reshape(-1, POINTS)
        self._finite = np.isfinite(found)
        self._numbers = np.where(self._finite, found, 0.0)

    def matches(self, value: Array) -> list[tuple[Address, float]]:
        """The cells of which some numbers are the derivative, up to a factor."""
        if not varies(value):
            return []
        spend(self._numbers.size, 2)
        here = np.isfinite(value)
        own = np.where(here, value, 0.0)
        both = self._finite & here
        slopes = self._numbers * both
        with np.errstate(all="ignore"):
            scale = (slopes * own).sum(axis=1) / (slopes**2).sum(axis=1)
            off = np.abs(own * both - scale[:, None] * slopes).max(axis=1)
            good = off <= 10 * CLOSE * np.abs(own * both).max(axis=1)
        good &= (both.sum(axis=1) >= ENOUGH) & (np.count_nonzero(slopes, axis=1) >= ENOUGH)
        return [(self._cells[k], float(f"{scale[k]:.9g}")) for k in np.flatnonzero(good)]


def varies(values: Array) -> bool:
    some = values[np.isfinite(values)]
    return some.size >= ENOUGH and float(np.ptp(some)) > 1e-12 * float(np.abs(some).max())


@dataclass(frozen=True, eq=False)
class PassCells:
    """The cells that a loss is computed from, and those computed from its error."""

    cells: Cells
    loss: StartingLoss

    @cached_property
    def slopes(self) -> Mapping[Address, Array]:
        """∂L/∂ every cell that leads to the loss, and is no target."""
        found = self.cells.values.slopes(self.loss.seeds)
        return {c: s for c, s in found.items() if c not in self.cells.targets and varies(s)}

    @cached_property
    def derivatives(self) -> Derivatives:
        return Derivatives(self.slopes)

    @cached_property
    def by_sums(self) -> Derivatives:
        """The derivatives by sums inside of cells, as those of activations that have no cell of
        their own."""
        inner = {cell: self.cells.values.slope_by_its_sum(cell) for cell in self.slopes}
        with np.errstate(all="ignore"):
            return Derivatives(
                {c: self.slopes[c] * by for c, by in inner.items() if by is not None}
            )

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
            cell: {s: slope for s, slope in values.partials(cell).items() if s in slopes}
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
        seen = (c for c in self.cells.order if c in inside and not sheets[sheet_of(c)].is_hidden)
        return [cell for cell in seen if varies(value(cell))]

    @cached_property
    def inside(self) -> set[Address]:
        return set(self.backward)

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
            if base is not None and base in self.slopes and self.cells.is_leaf(base):
                return base
        return None

    def is_end(self, cell: Address) -> bool:
        """Whether nothing but updates uses a cell of the backward pass."""
        return all(user in self.updates for user in self.cells.flow.users.get(cell, ()))

    def factors(self, cell: Address) -> list[Address]:
        """The typed numbers outside of the forward pass that a formula mentions."""
        sources = dict.fromkeys(map(self.cells.flow.plain, self.cells.flow.sources(cell)))
        leaves = (s for s in sources if self.cells.is_leaf(s) and s not in self.cells.targets)
        return [leaf for leaf in leaves if leaf not in self.slopes][:MOST_FACTORS]

    def depth(self, cell: Address) -> int:
        """How many cells of the pass lie between a cell and the error."""
        return len(self.cells.flow.behind([cell]) & self.inside)


# What they claim -----------------------------------------------------------------------


class BackwardPass:
    """What the cells computed from an error claim to be, given their values.

    `factors` are those of `common` that are known already; `accepted` are cells that are taken for
    right because they are so for the numbers in the sheet, with the weights that they are of.
    """

    def __init__(
        self,
        scope: PassCells,
        values: PointValues,
        claims: Mapping[Address, list[DerivativeClaim]] | None = None,
        factors: Mapping[bool, Factor] | None = None,
        accepted: Mapping[Address, list[Address]] | None = None,
    ) -> None:
        self.scope, self.values, self.accepted = scope, values, accepted or {}
        self.cells, self.loss = scope.cells, scope.loss
        self.slopes, self.backward, self.updates = scope.slopes, scope.backward, scope.updates
        self._claims = dict(claims or {})
        self._given_factors = factors or {}

    @classmethod
    def of(cls, cells: Cells, loss: StartingLoss) -> BackwardPass:
        return cls(PassCells(cells, loss), cells.values)

    def with_values(
        self, given: Mapping[Address, Array], only: Collection[Address] | None = None
    ) -> BackwardPass:
        """Return the same pass as it would be if some cells had other values, in all that is made
        of them or only in some of it."""
        below = self.cells.flow.below(given) if only is None else only
        kept = {c: some for c, some in self._claims.items() if c not in below and c not in given}
        values = self.values.with_values(given, below)
        return BackwardPass(self.scope, values, kept, self.known_factors, self.accepted)

    def accept(self, some: Mapping[Address, list[Address]]) -> BackwardPass:
        """Return the same pass with some cells taken for right."""
        return BackwardPass(self.scope, self.values, self._claims, self.known_factors, some)

    def possible_derivative(self, cell: Address) -> Array:
        """Return the value of a cell that may be a derivative: of an update, what it subtracts."""
        value = self.values.number(cell)
        base = self.updates.get(cell)
        return value if base is None else self.values.number(base) - value

    def claims(self, cell: Address) -> list[DerivativeClaim]:
        """The derivatives that a cell is; an update, those by its own weight."""
        if cell not in self._claims:
            value, base = self.possible_derivative(cell), self.updates.get(cell)
            matches = self.scope.derivatives.matches
            found = [DerivativeClaim(of, scale) for of, scale in matches(value)]
            for factor in () if found else self.scope.factors(cell):
                number = self.values.number(factor)
                with np.errstate(all="ignore"):
                    known = matches(value / number) or matches(value * number)
                found += [DerivativeClaim(of, scale, factor) for of, scale in known]
            self._claims[cell] = [claim for claim in found if base in (None, claim.of)]
        return self._claims[cell]

    def inner_sums(self, cell: Address) -> list[Address]:
        """The cells by whose inner sums a cell is the derivative, if it is no other."""
        if self.claims(cell) or cell in self.updates:
            return []
        return [
            of for of, scale in self.scope.by_sums.matches(self.values.number(cell)) if scale == 1
        ]

    # By which factor -------------------------------------------------------------------

    @cached_property
    def common(self) -> Mapping[bool, Factor]:
        """The factor between the gradients of weights and the loss's; for updates, their own."""
        return {False: (1.0, None), True: (1.0, None), **self.known_factors}

    @cached_property
    def known_factors(self) -> Mapping[bool, Factor]:
        """The factors that some gradients, or updates, tell."""
        both = {e: self._given_factors.get(e) or self._common(e) for e in (False, True)}
        return {either: factor for either, factor in both.items() if factor is not None}

    def _common(self, in_updates: bool) -> Factor | None:
        """Return 1 where some are exactly the gradients of a loss that a cell holds, else the
        factor that most have; its sign is that of most blocks nearest to the error. Updates go
        downhill by what most of them subtract."""
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
        scope = self.scope
        ends = [c for c in self.backward if (c in self.updates) is in_updates and scope.is_end(c)]
        for block in blocks(self.cells.book, ends):
            said = [c for c in self.claims(block.first) if self.cells.is_leaf(c.of)]
            if said:
                yield scope.depth(block.first), (said[0].scale, said[0].by)

    # Which of them are right -----------------------------------------------------------

    def is_right(self, cell: Address) -> bool:
        """Whether a cell is a derivative, by a sum inside of another cell, too; of a weight, as
        many times as the others are."""
        if cell in self.accepted or self.weights_of(cell):
            return True
        computed = [not self.cells.is_leaf(claim.of) for claim in self.claims(cell)]
        is_between = any(computed) and not (False in computed and self.scope.is_end(cell))
        return is_between or bool(self.inner_sums(cell))

    def weights_of(self, cell: Address) -> list[Address]:
        """The weights of which a cell is the gradient, as many times as the others are."""
        scale, by = self.common[cell in self.updates]
        found = [
            claim.of
            for claim in self.claims(cell)
            if self.cells.is_leaf(claim.of) and claim.by == by and abs(claim.scale - scale) <= EXACT
        ]
        return found or self.accepted.get(cell, [])

    def left_out(self, cell: Address, of: Address) -> Omissions[Address]:
        """The ways and slopes that a cell leaves out of the derivative by another, if that is all
        that is wrong with it."""
        scale, by = self.common[cell in self.updates]
        if self.scope.chain is None or by is not None:
            return ()
        return self.scope.chain.left_out(of, self.possible_derivative(cell) / scale)

    @cached_property
    def wrong(self) -> set[Address]:
        """The cells that are no right derivative, but for slopes by sums without a cell as long as
        all that is made of them is right."""
        odd = {cell for cell in self.backward if not self.is_right(cell)}
        users = {c: self.scope.inside.intersection(self.cells.flow.users.get(c, ())) for c in odd}
        return {cell for cell in odd if not users[cell] or not users[cell].isdisjoint(odd)}

    @cached_property
    def claimed_weights(self) -> dict[Address, list[Address]]:
        """The typed numbers of which some cell is the derivative, with those cells."""
        found: dict[Address, list[Address]] = {}
        for cell in self.backward:
            for weight in self.weights_of(cell):
                found.setdefault(weight, []).append(cell)
        return found

    def right_value(self, cell: Address, of: Address, scale: float | None = None) -> Array:
        """Return what a cell should be worth to be the derivative by another."""
        common, by = self.common[cell in self.updates]
        slope = self.slopes[of]
        if self.cells.is_leaf(of):
            factor = self.values.number(by) if by is not None else 1.0
            slope = slope * (common if scale is None else scale) * factor
        elif scale is not None:
            slope = slope * scale
        base = self.updates.get(cell)
        return slope if base is None else self.values.number(base) - slope


# Errors that aren't measured alike -----------------------------------------------------


@dataclass(frozen=True, eq=False)
class UnevenError:
    """An output's error that isn't measured as those of other outputs, and the right formula."""

    cell: Address
    like: Address  # one that is as most are
    right: Pattern


def even_out(cells: Cells, loss: StartingLoss) -> tuple[StartingLoss, list[UnevenError]]:
    """The loss as it would be if each of its cells measured its output as the others do."""
    pairs = {cell: pair for cell in loss.cells for pair in _own_pair(cells, loss, cell)}
    if len(pairs) < 2 or len(pairs) < len(loss.cells):
        return loss, []
    value = cells.values.number
    weights: dict[Address, Array] = {}  # how much each output's error counts
    for cell, pair in pairs.items():
        slope = cells.values.slopes({cell: np.ones(POINTS)}).get(pair.output, np.nan)
        with np.errstate(all="ignore"):
            weights[cell] = slope / (value(pair.output) - value(pair.target))

    def votes(cell: Address) -> tuple[int, int, int]:
        expression = cells.book.patterns[cell].expression
        said = len(list(references(expression))) if expression else 0
        return sum(agree(weights[cell], other) for other in weights.values()), said, -cell

    usual = max(weights, key=votes)  # where two tie, the one with the longer formula
    seeds, found = dict(loss.seeds), []
    for cell, weight in weights.items():
        like, own = pairs[usual], pairs[cell]
        instead = {like.output: own.output, like.target: own.target}
        said = cells.naming.rewrite(usual, cell, instead)
        if said is None or agree(weight, weights[usual]):
            continue
        with np.errstate(all="ignore"):
            factor = weights[usual] / weight
        right = cells.book.reader.read_typed(write(said), cell)
        if agree(cells.values.value_of(right.text, cell), value(cell) * factor):
            seeds[cell] = factor
            found.append(UnevenError(cell, usual, right))
    return replace(loss, seeds=seeds), found


def _own_pair(cells: Cells, loss: StartingLoss, cell: Address) -> list[OutputPair]:
    """The only pair that a cell is computed from."""
    behind = cells.flow.behind([cell])
    own = [p for p in loss.pairs if p.output in behind and p.target in behind]
    return own if len(own) == 1 else []
