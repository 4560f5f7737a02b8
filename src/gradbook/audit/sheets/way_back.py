"""The way back of a book: which of its cells are exact slopes of a loss, told by their numbers.

All formulas are calls, and all typed numbers move. Knows neither what is right nor any words.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gradbook.audit.cell_blocks import Block, blocks, likes
from gradbook.audit.core.training_step import ADDING, Objective
from gradbook.audit.sheets.sheet_steps import StepCalls, StepReader
from gradbook.audit.sheets.state_chains import SheetChains
from gradbook.cells.formula.address import ROW, Address, sheet_of
from gradbook.cells.formula.pattern import CellReference
from gradbook.recording.call_slopes import exact_slopes, pull
from gradbook.recording.calls import CallChange, CallChanges, Ref, Replay, Values, behind

POINTS = 48  # random numbers side by side: enough for two ReLUs to be open at some
ENOUGH_POINTS = 4  # at which both are numbers
NEAR = 1e-6
FACTOR = 1e-3  # two factors are the same

MOST_TYPED = 2000  # cells of a book in which unused numbers may be targets
LARGEST = 400  # cells of a range that may stand where another belongs

Array = Any


# Cells as calls ---------------------------------------------------------------


class WholeBookReader(StepReader):
    """All formulas of a book as calls; typed numbers, and blanks that are mentioned, are leaves."""

    def __init__(self, chains: SheetChains) -> None:
        super().__init__(chains, 0, ())
        self.leaves: dict[int, Address] = {}

    def read(self) -> StepCalls:
        for cell in sorted(self._blanks()):
            self._leaf(cell)
        for cell in self.chains.order:
            self.step.result[cell] = self._computed(cell)
        typed = sorted(self.book.values.keys() - self.chains.patterns.keys())
        for cell in typed if len(typed) <= MOST_TYPED else ():
            if cell not in self.step.result and self.chains.number(cell) is not None:
                self._leaf(cell)  # that no formula uses, perhaps by mistake
        return self.step

    def _blanks(self) -> set[Address]:
        """Numbers that nobody has typed yet."""
        mentioned = {
            place.at(cell)
            for cell, pattern in self.chains.patterns.items()
            for place in pattern.places
            if isinstance(place, CellReference)
        }
        return {cell for cell in mentioned if cell is not None and self._is_blank(cell)}

    def _is_blank(self, cell: Address) -> bool:
        return cell not in self.chains.patterns and self.book.values.get(cell) is None

    def _leaf(self, cell: Address, value: Array = None) -> int:
        if cell not in self.step.result and value is None:
            value = np.full(POINTS, self._shown(cell))
        index = super()._leaf(cell, value)
        self.leaves[index] = cell
        return index


# Numbers ----------------------------------------------------------------------


@dataclass(frozen=True)
class HeldPair:
    """An output and the typed number that a formula holds it against."""

    output: int
    target: int


class BookNumbers:
    """The calls of a book at random numbers of its typed cells."""

    def __init__(self, chains: SheetChains) -> None:
        reader = WholeBookReader(chains)
        self.chains, self.book = chains, chains.book
        self.step, self.leaves = reader.read(), reader.leaves
        self.calls = self.step.calls
        self.replay = Replay(self.calls, self.leaves, 0, len(self.calls) - 1)
        self.order = self.replay.needed(self.replay.moving)
        self.bits = self._dependence()
        self.result = self.step.result
        self.computed = [cell for cell in chains.order if cell in self.result]

    def _dependence(self) -> list[int]:
        """The typed numbers that each call depends on, as bits."""
        bits = [0] * len(self.calls)
        for place, leaf in enumerate(self.leaves):
            bits[leaf] = 1 << place
        for index, call in enumerate(self.calls):
            for operand in call.operands:
                bits[index] |= bits[operand]
        return bits

    def original(self, index: int) -> int:
        """What a call only repeats."""
        while self.calls[index].name == "positive":
            index = self.calls[index].operands[0]
        return index

    def is_computed(self, index: int) -> bool:
        return index not in self.leaves and self.bits[index].bit_count() > 1

    @cached_property
    def comparisons(self) -> list[HeldPair]:
        """The most frequent first; a target is nothing that an output depends on."""
        counts: Counter[HeldPair] = Counter()
        for call in self.calls:
            operands = [self.original(operand) for operand in call.operands]
            if len(operands) != 2 or call.name not in ("subtract", "multiply"):
                continue
            for one, other in (operands, operands[::-1]):
                target = self._without_sign(one)
                output = other if call.name == "subtract" else self._in_logarithm(other)
                if target not in self.leaves or output is None or not self.is_computed(output):
                    continue
                counts[HeldPair(output, target)] += 1
        counts = Counter(
            {
                pair: n
                for pair, n in counts.items()
                if not self.bits[pair.output] & self.bits[pair.target]
            }
        )
        behind = 0
        for pair in counts:
            behind |= self.bits[pair.output]
        return [pair for pair, _ in counts.most_common() if not self.bits[pair.target] & behind]

    def _without_sign(self, index: int) -> int:
        while self.calls[index].name in ("negative", "positive"):
            index = self.calls[index].operands[0]
        return index

    def _in_logarithm(self, index: int) -> int | None:
        """What a logarithm, perhaps times a number, is taken of."""
        while self.calls[index].name in ("negative", "positive", "divide", "multiply"):
            moving = [i for i in self.calls[index].operands if self.bits[i]]
            if len(moving) != 1:
                return None
            index = moving[0]
        call = self.calls[index]
        return self.original(call.operands[0]) if call.name == "log" else None

    def at_random(self, inside: Collection[int], kept: Collection[int] = ()) -> dict[int, Array]:
        """Numbers for all leaves: those inside vary, others, such as rates, are constant."""
        world = {}
        for index, cell in self.leaves.items():
            shown = self.chains.number(cell)
            random = np.random.default_rng(cell)
            drawn = random.normal(0, 0.8, POINTS)
            if index in kept and shown in (0.0, 1.0):
                drawn = np.full(POINTS, shown)
            elif index not in inside:
                drawn = np.full(POINTS, 0.0 if shown == 0 else random.uniform(0.3, 1.7))
            world[index] = drawn
        return world

    @cached_property
    def uses(self) -> dict[int, list[int]]:
        """The calls that use each leaf."""
        uses: defaultdict[int, list[int]] = defaultdict(list)
        for index, call in enumerate(self.calls):
            for operand in set(call.operands) & self.leaves.keys():
                uses[operand].append(index)
        return dict(uses)

    def place_of_use(self, use: int, leaf: int) -> int:
        """Beyond all calls: a number for a leaf's use in a call."""
        return len(self.calls) * (1 + self.calls[use].operands.index(leaf)) + use

    def behind(self, ends: Iterable[int]) -> set[int]:
        return behind(self.calls, ends)

    def slopes(
        self,
        objective: Objective,
        values: Mapping[int, Array],
        forward: Collection[int],
        changes: CallChanges | None = None,
    ) -> dict[int, Array]:
        """The exact slope of an objective by each value before it; changes have other slopes."""
        with np.errstate(all="ignore"):
            factors = objective.slopes([values[end] for end in objective.ends])
        seeds: dict[int, Array] = {}
        for end, factor in zip(objective.ends, factors, strict=True):
            seeds[end] = seeds.get(end, 0.0) + factor * np.ones(POINTS)
        order = [index for index in self.order if index in forward]
        return exact_slopes(self.replay, seeds, values, order, changes)  # type: ignore[arg-type]

    @cached_property
    def values(self) -> Values:
        """Where every typed number varies."""
        return self.replay.run(self.order, self.at_random(self.leaves.keys()))


# The way back -----------------------------------------------------------------


@dataclass(frozen=True)
class SlopeClaim:
    """A cell is so many times the slope by a value of the way forward."""

    of: int
    times: float


@dataclass(frozen=True)
class BookLoss:
    """What may be the loss, and which typed numbers are its targets."""

    objective: Objective
    pairs: tuple[HeldPair, ...]
    direction: int = 1  # -1: a gain, which is climbed


class World:
    """Numbers of all cells, and the slopes of a loss where typed numbers are these."""

    def __init__(
        self,
        numbers: BookNumbers,
        loss: BookLoss,
        forward: Collection[int],
        is_kept: Callable[[int], bool] = lambda _: False,
    ) -> None:
        inside = forward & numbers.leaves.keys()
        drawn = numbers.at_random(inside, set(filter(is_kept, inside)))
        self.numbers = numbers
        self.values = numbers.replay.run(numbers.order, drawn)
        shares = {i: v for i, v in self._shares(loss).items() if not is_kept(i)}
        if shares:
            self.values = numbers.replay.run(numbers.order, {**drawn, **shares})
        slopes = numbers.slopes(loss.objective, self.values, forward)
        targets = {pair.target for pair in loss.pairs}
        self.slopes = {i: s for i, s in slopes.items() if i not in targets and varies(s)}
        self.slopes |= self._by_uses(forward)
        self.models = SlopeModels(dict(self._different(loss)))
        self.known: dict[Address, list[SlopeClaim]] = {}

    def _different(self, loss: BookLoss) -> Iterator[tuple[int, Array]]:
        """The slopes, without those of operations that have another's."""
        numbers = self.numbers
        places = {*numbers.leaves, *numbers.result.values(), *(p.output for p in loss.pairs)}
        seen = {self.slopes[index].tobytes() for index in places & self.slopes.keys()}
        for index, slope in self.slopes.items():
            key = slope.tobytes()
            if index in places or key not in seen:
                seen.add(key)
                yield index, slope

    def _by_uses(self, forward: Collection[int]) -> dict[int, Array]:
        """The slopes by each single use of a typed number: in a sample, or a step of time."""
        numbers, by_uses = self.numbers, dict[int, Array]()
        for leaf, every in numbers.uses.items():
            uses = [use for use in every if use in forward and use in self.slopes]
            for use in uses if len(uses) > 1 and leaf in self.slopes else ():
                call, slope = numbers.calls[use], self.slopes[use]
                parts = dict(pull(numbers.replay, call, self.values, use, slope))
                if leaf in parts and varies(parts[leaf]):
                    by_uses[numbers.place_of_use(use, leaf)] = parts[leaf]
        return by_uses

    def _shares(self, loss: BookLoss) -> dict[int, Array]:
        """Numbers that sum to 1 for targets of outputs that do."""
        cells = {self.numbers.step.cells[pair.output]: pair for pair in loss.pairs}
        shares: dict[int, Array] = {}
        for line in _lines(cells):
            pairs = [cells[cell] for cell in line]
            if np.allclose(sum(self.values[pair.output] for pair in pairs), 1.0):
                drawn = [np.abs(self.values[pair.target]) + 0.1 for pair in pairs]
                shares |= {p.target: d / sum(drawn) for p, d in zip(pairs, drawn, strict=True)}
        return shares

    def with_values(self, values: Mapping[int, Array]) -> World:
        """The same with other values of some calls, and of what follows from them."""
        other = copy(self)
        numbers = self.numbers
        reached = numbers.replay.reach(values)
        order = [i for i in numbers.order if i in reached and i not in values]
        other.values = numbers.replay.run(order, {**self.values, **values})
        known = self.known.items()
        other.known = {c: claims for c, claims in known if numbers.result[c] not in reached}
        return other


class WayBack:
    """What the cells that follow from a loss's targets are."""

    def __init__(self, numbers: BookNumbers, loss: BookLoss) -> None:
        self.numbers, self.loss, self.book = numbers, loss, numbers.book
        self.forward = numbers.behind(loss.objective.ends)
        self.worlds = [World(numbers, loss, self.forward)]
        self.below = self._find_below()
        self.updates = self._find_updates()
        self.cells = self._find_cells()
        self._known_common: dict[bool, float] = {}

    def with_kept(self) -> WayBack:
        """The same; where zeros and ones that are no weights stay, a cell may be right as well."""
        weights = {*self.claimed, *self.updates.values()}
        other = copy(self)
        kept = World(self.numbers, self.loss, self.forward, lambda leaf: leaf not in weights)
        other.worlds = [*self.worlds, kept]
        other._forget()
        return other

    def with_slopes(self, of: Mapping[Address, int], times: float) -> WayBack:
        """The same where some cells are so many times the slopes by some values."""
        other = copy(self)
        result = self.numbers.result
        other.worlds = [
            world.with_values(
                {result[cell]: times * world.slopes[index] for cell, index in of.items()}
            )
            for world in self.worlds
            if all(index in world.slopes for index in of.values())
        ]
        other._known_common = {either: t for either, t in self.common.items() if t is not None}
        other._forget()
        return other

    def _forget(self) -> None:
        for name in ("wrong", "claimed", "steps", "common"):
            self.__dict__.pop(name, None)

    def repeats(self, other: WayBack) -> bool:
        """Whether the slopes by all typed numbers are so many times those of another loss."""
        one, two = self.worlds[0].slopes, other.worlds[0].slopes
        leaves = [index for index in one if index in self.numbers.leaves]
        times = [times_of(one[i], two[i]) if i in two else None for i in leaves]
        return all(t is not None and times[0] and abs(t / times[0] - 1) < FACTOR for t in times)

    # Which cells -----------------------------------------------------------------

    def _find_below(self) -> int:
        """All targets whose outputs depend on what this loss depends on, as bits."""
        bits, ends = self.numbers.bits, 0
        for end in self.loss.objective.ends:
            ends |= bits[end]
        below = 0
        for pair in self.numbers.comparisons:
            if bits[pair.output] & ends:
                below |= bits[pair.target]
        return below

    def _is_below(self, index: int) -> bool:
        return index not in self.forward and bool(self.numbers.bits[index] & self.below)

    @cached_property
    def after_targets(self) -> set[Address]:
        """All cells that follow from targets."""
        bits, result = self.numbers.bits, self.numbers.result
        return {cell for cell in self.numbers.computed if bits[result[cell]] & self.below}

    def _find_updates(self) -> dict[Address, int]:
        """The cells with a weight's next number, and that weight."""
        updates: dict[Address, int] = {}
        for cell in self.numbers.computed:
            index = self.numbers.result[cell]
            bases = list(self._bases(index, cell)) if self._is_below(index) else []
            if len(bases) == 1 and bases[0] not in map(updates.get, self._mentioned(cell)):
                updates[cell] = bases[0]
        return updates

    def _mentioned(self, cell: Address) -> Iterable[Address]:
        flow = self.numbers.chains.flow
        return map(flow.plain, flow.sources(cell))

    def _bases(self, index: int, cell: Address) -> Iterator[int]:
        """The typed numbers that a formula adds something to."""
        numbers = self.numbers
        todo = [index]
        is_sum = False
        while todo:
            index = todo.pop()
            call = numbers.calls[index]
            leaf = numbers.original(index)
            if leaf in numbers.leaves:
                if leaf in self.worlds[0].slopes and is_sum:
                    yield leaf
            elif numbers.step.cells[index] == cell and call.name in ADDING:
                is_sum |= call.name in ("add", "subtract")
                todo += call.operands[:1] if call.name == "subtract" else call.operands

    def _find_cells(self) -> list[Address]:
        """Those that follow from the targets, and neither belong to the loss nor follow from it."""
        numbers = self.numbers
        result, reach = numbers.result, numbers.replay.reach
        ends = () if self.loss.objective.is_assumed else self.loss.objective.ends
        news = {result[cell] for cell in self.updates}
        after = reach(ends) if ends else set()
        after |= reach(news) - numbers.behind(news) if news else set()
        return [
            cell
            for cell in numbers.computed
            if self._is_below(result[cell])
            and result[cell] not in after
            and not self.book.sheets[sheet_of(cell)].is_hidden
            and varies(self.worlds[0].values[result[cell]])
        ]

    @cached_property
    def sources(self) -> dict[Address, set[Address]]:
        """The cells of the way back that each of them is computed from."""
        cells = set(self.cells)
        flow = self.numbers.chains.flow
        return {cell: cells.intersection(flow.sources(cell)) - {cell} for cell in self.cells}

    @cached_property
    def users(self) -> dict[Address, set[Address]]:
        users: dict[Address, set[Address]] = {cell: set() for cell in self.cells}
        for cell, sources in self.sources.items():
            for source in sources:
                users[source].add(cell)
        return users

    def is_end(self, cell: Address) -> bool:
        """Whether only updates use it."""
        return self.users[cell] <= self.updates.keys()

    @cached_property
    def blocks(self) -> list[Block]:
        return list(blocks(self.book, self.cells))

    def alike(self, block: Block) -> Iterator[tuple[int, ...]]:
        """The computed values, in the block's shape or turned, by which it may be the slopes."""
        slopes, result = self.worlds[0].slopes, self.numbers.result
        seen: set[tuple[int, ...]] = set()
        rectangles = [cells for anchor in self.forward_cells for cells in likes(block, anchor)]
        whole = [tuple(result.get(cell, -1) for cell in cells) for cells in rectangles]
        for of in (*whole, *(of for cells in rectangles for of in self._within(cells))):
            if of not in seen and all(index in slopes for index in of):
                seen.add(of)
                yield of

    def _within(self, cells: Block) -> Iterator[tuple[int, ...]]:
        """The sums within the formulas of some cells, such as what an activation is taken of."""
        for parts in (self._sums, self._uses):
            each = [parts.get(cell, []) for cell in cells]
            if len({len(some) for some in each}) == 1:
                yield from zip(*each, strict=True)

    @cached_property
    def _sums(self) -> dict[Address, list[int]]:
        numbers = self.numbers
        sums: defaultdict[Address, list[int]] = defaultdict(list)
        for index in sorted(self.forward & self.worlds[0].slopes.keys()):
            cell = numbers.step.cells[index]
            if numbers.calls[index].name in ADDING and numbers.result.get(cell) != index:
                sums[cell].append(index)
        return sums

    @cached_property
    def _uses(self) -> dict[Address, list[int]]:
        numbers = self.numbers
        uses: defaultdict[Address, list[int]] = defaultdict(list)
        for index in sorted(self.worlds[0].slopes):
            if index >= len(numbers.calls):
                uses[numbers.step.cells[index % len(numbers.calls)]].append(index)
        return uses

    @cached_property
    def forward_cells(self) -> list[Address]:
        """Formulas of the way forward, the last ones first."""
        result = self.numbers.result
        return [cell for cell in reversed(self.numbers.computed) if result[cell] in self.forward]

    # What is left out of slopes, or taken for something else --------------------------

    def mistaken(self, cells: Collection[Address]) -> Iterator[dict[int, Array]]:
        """Slopes by weights where a cell has no slope, or that of one of its sources alone."""
        result, chains = self.numbers.result, self.numbers.chains
        for cell in self.forward_cells:
            index = result[cell]
            if index in self.loss.objective.ends:
                continue
            sources = {result.get(source, -1) for source in chains.flow.sources(cell)}
            inner = self._sums.get(cell, [])[-1:]
            for source in (None, *(sources & self.worlds[0].slopes.keys()), *inner):
                change = CallChange(_still, ()) if source is None else _passed_on(source)
                yield self._slopes_with(self.worlds[0].values, {index: change})
        for there, here in self._exchanged(cells):
            values = dict(self.worlds[0].values)
            pairs = zip(there, here, strict=True)
            values.update({a: self.worlds[0].values[b] for a, b in pairs})
            yield self._slopes_with(values, {})

    def _slopes_with(self, values: Mapping[int, Array], changes: CallChanges) -> dict[int, Array]:
        slopes = self.numbers.slopes(self.loss.objective, values, self.forward, changes)
        weights = self.numbers.leaves.keys() & self.worlds[0].slopes.keys() - self.claimed.keys()
        return {i: slopes[i] for i in weights if i in slopes and varies(slopes[i])}

    def _exchanged(
        self, cells: Collection[Address]
    ) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Values of the way forward that cells may use in place of others of the same shape."""
        result, flow = self.numbers.result, self.numbers.chains.flow
        seen: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()
        leaves = [self.numbers.leaves[i] for i in self.forward & self.numbers.leaves.keys()]
        for cell in cells:
            for place in self.book.patterns[cell].places:
                used = tuple(flow.mentioned_cells([place], cell))
                here = tuple(result.get(each, -1) for each in used)
                if not 0 < len(used) <= LARGEST or not self.forward.issuperset(here):
                    continue
                for anchor in (*self.forward_cells, *leaves):
                    for other in likes(used, anchor):
                        there = tuple(result.get(each, -1) for each in other)
                        is_new = there != here and (there, here) not in seen
                        if is_new and self.forward.issuperset(there):
                            seen.add((there, here))
                            yield there, here

    # What they are ---------------------------------------------------------------

    def every_claim(self, cell: Address, world: World | None = None) -> list[SlopeClaim]:
        """By which values a cell is the slope; an update, by how far the weight falls."""
        world = world or self.worlds[0]
        if cell not in world.known:
            value = world.values[self.numbers.result[cell]]
            base = self.updates.get(cell)
            value = value if base is None else world.values[base] - value
            world.known[cell] = world.models.matches(value)
        return world.known[cell]

    def claims(self, cell: Address, world: World | None = None) -> list[SlopeClaim]:
        """The same; of an update, by its own weight alone."""
        base = self.updates.get(cell)
        return [claim for claim in self.every_claim(cell, world) if base in (None, claim.of)]

    def is_weight(self, index: int) -> bool:
        return index in self.numbers.leaves

    @cached_property
    def common(self) -> dict[bool, float | None]:
        """How many times the slopes most gradients are, and most updates."""
        return {
            either: self._known_common.get(either) or self._most_common(either)
            for either in (False, True)
        }

    def _most_common(self, in_updates: bool) -> float | None:
        """How many times the slopes most gradients are, or most updates."""
        counts: Counter[float] = Counter()
        blocks = [block for block in self.blocks if (block[0] in self.updates) is in_updates]
        ends = [block for block in blocks if self.is_end(block[0])]
        for some in (ends, blocks):
            for block in some if not counts else ():
                claims = (claim for cell in block for claim in self.claims(cell))
                counts.update({_rounded(c.times) for c in claims if self.is_weight(c.of)})
        if not counts:
            return None
        exact = [times for times in counts if abs(times) == 1]
        if exact and not in_updates and not self.loss.objective.is_assumed:
            return max(exact, key=lambda times: counts[times])
        return max(counts, key=lambda t: (counts[t], abs(t) == 1, t * self.loss.direction > 0))

    def is_usual(self, cell: Address, times: float) -> bool:
        usual = self.common[cell in self.updates]
        return usual is not None and abs(times - usual) <= FACTOR * abs(usual)

    def weights_of(self, cell: Address) -> list[int]:
        """The weights whose gradient a cell is, as many times as most are."""
        for world in self.worlds:
            weights = [
                claim.of
                for claim in self.claims(cell, world)
                if self.is_weight(claim.of) and self.is_usual(cell, claim.times)
            ]
            if weights:
                return weights
        return []

    def is_right(self, cell: Address) -> bool:
        if self.weights_of(cell) or any(self._is_between(cell, world) for world in self.worlds):
            return True
        return any(
            claim.of in self.steps.get(_rounded(claim.times), ()) for claim in self.claims(cell)
        )

    @cached_property
    def steps(self) -> dict[float, set[int]]:
        """By other numbers of times, such as the rate: weights that have a gradient as well."""
        weights: defaultdict[float, set[int]] = defaultdict(set)
        for cell in self.cells:
            for claim in self.claims(cell) if cell not in self.updates else ():
                is_other = self.is_weight(claim.of) and not self.is_usual(cell, claim.times)
                if is_other and claim.of in self.claimed:
                    weights[_rounded(claim.times)].add(claim.of)
        return {times: some for times, some in weights.items() if len(some) > 1}

    def _is_between(self, cell: Address, world: World) -> bool:
        computed = [not self.is_weight(claim.of) for claim in self.claims(cell, world)]
        return any(computed) and not (False in computed and self.is_end(cell))

    @cached_property
    def wrong(self) -> set[Address]:
        """What is no slope; but not what only right cells follow from."""
        odd = {cell for cell in self.cells if not self.is_right(cell)}
        return {c for c in odd if not self.users[c] or not self.users[c].isdisjoint(odd)}

    @property
    def has_further_weights(self) -> bool:
        """Whether a number beside those that have gradients has none."""
        leaves = self.numbers.leaves
        claimed = {leaves[index] for index in self.claimed}
        others = {leaves[i] for i in self.worlds[0].slopes.keys() & leaves.keys()} - claimed
        return any(not others.isdisjoint((c - 1, c + 1, c - ROW, c + ROW)) for c in claimed)

    @cached_property
    def claimed(self) -> dict[int, list[Address]]:
        """The typed numbers by which some cell is the slope, with these cells."""
        claimed: dict[int, list[Address]] = {}
        for cell in self.cells:
            for weight in self.weights_of(cell):
                claimed.setdefault(weight, []).append(cell)
        return claimed


def _still() -> float:
    return 0.0


def _passed_on(source: int) -> CallChange:
    return CallChange(np.positive, (Ref(source),))


def _rounded(times: float) -> float:
    return float(f"{times:.4g}")


def varies(values: Array) -> bool:
    some = values[np.isfinite(values)]
    return some.size >= ENOUGH_POINTS and float(np.ptp(some)) > 1e-12 * float(np.abs(some).max())


class SlopeModels:
    """Slopes by values of the way forward, known by their numbers."""

    def __init__(self, slopes: Mapping[int, Array]) -> None:
        self.places = list(slopes)
        rows = np.array([slopes[i] for i in self.places], float).reshape(-1, POINTS)
        self.finite = np.isfinite(rows)
        self.rows = np.where(self.finite, rows, 0.0)
        self.weights, self.squares = self.finite.astype(float), self.rows**2

    def matches(self, value: Array) -> list[SlopeClaim]:
        if not varies(value):
            return []
        here = np.isfinite(value)
        some = np.where(here, value, 0.0)
        with np.errstate(all="ignore"):  # Cauchy and Schwarz: equal for multiples
            size = (self.squares @ here) * (self.weights @ some**2)
            near = np.flatnonzero((self.rows @ some) ** 2 >= (1 - NEAR) * size)
        found = []
        for place in near:
            both = self.finite[place] & here
            times = times_of(some[both], self.rows[place][both])
            if times:
                found.append(SlopeClaim(self.places[place], times))
        return found


def times_of(value: Array, model: Array) -> float | None:
    """The number that a model is multiplied by to be a value, if there is one."""
    both = np.isfinite(value) & np.isfinite(model)
    value, model = value[both], model[both]
    if np.count_nonzero(model) < ENOUGH_POINTS:
        return None
    times = float((model @ value) / (model @ model))
    return times if np.abs(value - times * model).max() <= NEAR * np.abs(value).max() else None


def _lines(cells: Collection[Address]) -> Iterator[list[Address]]:
    """Neighbours in a row, or in a column, as far as they go."""
    for step in (1, ROW):
        for first in sorted(cells):
            if first - step not in cells:
                line = [first]
                while line[-1] + step in cells:
                    line.append(line[-1] + step)
                if len(line) > 1:
                    yield line
