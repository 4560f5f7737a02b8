"""Books that go back once, or update once: whether their gradients are those of their loss.

Knows no words.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, permutations
from typing import Any

import numpy as np

from gradbook.audit.cell_blocks import Block, blocks, likes
from gradbook.audit.core.implied_losses import CLASSES, LOSSES, SQUARES, TWO_CLASSES
from gradbook.audit.core.training_step import Objective
from gradbook.audit.sheets.state_chains import SheetChains
from gradbook.audit.sheets.way_back import (
    BookLoss,
    BookNumbers,
    HeldPair,
    SlopeModels,
    WayBack,
    times_of,
)
from gradbook.cells.formula.address import ACROSS, DOWN, Address

WORST_FIRST = ("wrong", "unknown", "right", "no training")
MOST_FORMULAS = 3000  # in a book of which all formulas are calls
MOST_CALLS = 60_000
MOST_TRIED = 120  # cells that may be the loss
MOST_LOSSES = 16
FEW_WEIGHTS = 2  # with exact gradients: enough to say that a book goes back
MORE_WEIGHTS = 3  # if they are exact only once a cell is corrected
MANY_WEIGHTS = 4  # with exact gradients, and nothing else: a linear network, not a plan
MOST_FAULTS = 8
MOST_HYPOTHESES = 400
MOST_MISTAKES = 300
FEW_TIMES = 3
FEW_WAYS = 3  # distances of gradients from their weights
FEW_USERS = 6  # of a block's cells, to look at first

CURVES = ("exp", "tanh", "op sigmoid")  # that no income statement has

TEN = float(np.log(10))
NEAR = 1e-3
FAINT = 1e-6  # what nudges leave of a constant slope

Array = Any


@dataclass(frozen=True)
class FaultyBlock:
    """Cells that should be slopes by others."""

    cells: Block
    of: tuple[int, ...]  # a value of the way forward for each of them
    why: str


@dataclass(frozen=True)
class JudgedSingle:
    word: str  # "right", "wrong", "unknown", "no training"
    way: WayBack | None = None
    faults: tuple[FaultyBlock, ...] = ()

    @property
    def blamed(self) -> tuple[Address, ...]:
        return tuple(dict.fromkeys(cell for fault in self.faults for cell in fault.cells))

    @property
    def why(self) -> str:
        return "; ".join(dict.fromkeys(fault.why for fault in self.faults))


NOTHING = JudgedSingle("no training")


def judge_single_step(chains: SheetChains) -> JudgedSingle:
    """Whether the gradients of a book that goes back once are those of its loss."""
    if chains.circle is not None or len(chains.order) > MOST_FORMULAS:
        return NOTHING
    with np.errstate(all="ignore"):
        numbers = BookNumbers(chains)
        if len(numbers.calls) > MOST_CALLS:
            return NOTHING
        judged = [_judged_network(numbers, pairs) for pairs in _networks(numbers)]
    return min(judged, key=lambda each: WORST_FIRST.index(each.word), default=NOTHING)


def _networks(numbers: BookNumbers) -> list[list[HeldPair]]:
    """Outputs with their targets, together if they depend on the same typed numbers."""
    networks: list[tuple[int, list[HeldPair]]] = []
    for pair in numbers.comparisons:
        bits, pairs = numbers.bits[pair.output] | numbers.bits[pair.target], [pair]
        for other in [each for each in networks if each[0] & bits]:
            networks.remove(other)
            bits, pairs = bits | other[0], other[1] + pairs
        networks.append((bits, pairs))
    return [pairs for _, pairs in networks]


def _judged_network(numbers: BookNumbers, pairs: Sequence[HeldPair]) -> JudgedSingle:
    ways: list[WayBack] = []
    others: set[int] = set()  # what leads to cells that may be losses
    for loss in islice(losses(numbers, pairs), MOST_LOSSES):
        way = WayBack(numbers, loss)
        if not loss.objective.is_assumed:
            others |= way.forward
        if way.cells and not any(loss.objective.is_assumed and way.repeats(w) for w in ways):
            ways.append(way)
    if not ways:
        return NOTHING
    best = _likeliest(ways)
    updating = best.updates.keys() & {c for cells in best.claimed.values() for c in cells}
    if len(best.claimed) >= FEW_WEIGHTS or (updating and len(best.updates) >= FEW_WEIGHTS):
        judged = _judged(best.with_kept(), others)
        is_other = judged.word == "right" and best.loss.objective.is_assumed
        if is_other and any(_has_all_outputs(way, best) for way in ways if way is not best):
            return replace(judged, word="unknown")
        return judged
    for way in sorted(ways, key=_likelihood, reverse=True):
        judged = _judged(way.with_kept(), others)
        last = judged.way
        if judged.faults and last and len(last.claimed) >= MORE_WEIGHTS and not last.wrong:
            return judged
    return NOTHING


def _has_all_outputs(stated: WayBack, best: WayBack) -> bool:
    """Whether a cell has a loss of all outputs, though its slopes are none of the gradients."""
    outputs = {pair.output for pair in best.loss.pairs}
    return not stated.loss.objective.is_assumed and outputs <= {
        pair.output for pair in stated.loss.pairs
    }


def _likeliest(ways: Sequence[WayBack]) -> WayBack:
    """By a loss that a cell has, unless only one that none has explains more."""
    stated = [way for way in ways if not way.loss.objective.is_assumed]
    assumed = [way for way in ways if way.loss.objective.is_assumed]
    best = [max(some, key=_likelihood) for some in (stated, assumed) if some]
    return max(best, key=lambda way: len(way.claimed))


def _likelihood(way: WayBack) -> tuple[Any, ...]:
    """How much of the way back a loss explains, with as many outputs as can be."""
    known = len(way.claimed)
    is_stated = not way.loss.objective.is_assumed
    count = len(way.loss.pairs) if known >= FEW_WEIGHTS else 0
    return count, known - len(way.wrong), is_stated


def _judged(way: WayBack, others: Collection[int]) -> JudgedSingle:
    faults: list[FaultyBlock] = []
    seen: set[Block] = set()
    last = way
    for _ in range(MOST_FAULTS):
        fault = _first_fault(last, seen)
        if fault is None:
            break
        faults.append(fault[0])
        seen.add(fault[0].cells)
        last = fault[1]
    faults += _climbing(last)
    faults += _of_another_logarithm(last)
    blamed = {cell for fault in faults for cell in fault.cells}
    result = way.numbers.result
    ends = [c for c in last.wrong - blamed if last.is_end(c) and result[c] not in others]
    is_updated = bool(faults and last.updates)
    if (len(ends) > len(last.claimed) and not is_updated) or not _is_of_network(last):
        return NOTHING
    if faults:
        return JudgedSingle("wrong", last, tuple(faults))
    is_known = not ends or not last.has_further_weights
    return JudgedSingle("right" if is_known else "unknown", last)


def _is_of_network(way: WayBack) -> bool:
    """Whether it isn't a business plan: those also hold numbers against typed ones."""
    if not way.loss.objective.is_assumed or way.updates:
        return True
    names = {way.numbers.calls[index].name for index in way.forward}
    outputs = {pair.output for pair in way.loss.pairs}
    slopes = ({claim.of for claim in way.claims(cell)} for cell in way.cells)
    between = set(range(len(way.numbers.calls))) - way.numbers.leaves.keys()
    is_through = any(of & between and not of & outputs for of in slopes)
    is_whole = not way.wrong and len(way.claimed) >= MANY_WEIGHTS
    return is_through or is_whole or not names.isdisjoint(CURVES)


def _climbing(way: WayBack) -> Iterator[FaultyBlock]:
    """All updates, if they go up a loss, or down a gain."""
    usual = way.common[True]
    if usual is not None and usual * way.loss.direction < 0:
        for block in way.blocks:
            if block[0] in way.updates and all(map(way.weights_of, block)):
                yield FaultyBlock(block, tuple(way.updates[cell] for cell in block), "climbs")


def _of_another_logarithm(way: WayBack) -> Iterator[FaultyBlock]:
    """The logarithms to the base 10 of a loss, where the gradients are those of natural ones."""
    times = abs(way.common[False] or 0.0) / TEN
    if way.loss.objective.is_assumed or not times:
        return
    if any(abs(part - round(part)) < NEAR and round(part) for part in (times, 1 / times)):
        step = way.numbers.step
        tens = {i for i in way.forward if not way.numbers.bits[i] and _is_ten(step.calls[i].value)}
        for cell in sorted({step.cells[index] for index in tens}):
            yield FaultyBlock((cell,), (step.result[cell],), "another logarithm")


def _is_ten(value: Array) -> bool:
    return bool(abs(float(value) - TEN) < NEAR)


def _first_fault(way: WayBack, seen: set[Block]) -> tuple[FaultyBlock, WayBack] | None:
    for find in (_root, _by_itself, _mistaken, _repeated, _of_no_weight):
        found = find(way, seen)
        if found is not None:
            return found
    return None


# Cells that make others wrong ---------------------------------------------------


@dataclass(frozen=True)
class MeantBlock:
    """A block may be meant as so many times the slopes by some values."""

    block: Block
    of: tuple[int, ...]
    times: float


def _root(way: WayBack, seen: set[Block]) -> tuple[FaultyBlock, WayBack] | None:
    """The block that makes most others right, once it is the slopes by some values."""
    claimed = Counter(claim.of for cell in way.cells for claim in way.claims(cell))
    best: tuple[tuple[Any, ...], MeantBlock, WayBack] | None = None
    for hypothesis in islice(_hypotheses(way, seen), MOST_HYPOTHESES):
        block = hypothesis.block
        after = way.with_slopes(dict(zip(block, hypothesis.of, strict=True)), hypothesis.times)
        gain = _gain(way, after, block) if after.worlds else 0
        is_blamable = not way.wrong.isdisjoint(block) or all(
            any(claimed[claim.of] > 1 for claim in way.claims(cell)) for cell in block
        )
        if gain < (1 if is_blamable else 2) or len(after.claimed) <= len(way.claimed):
            continue
        is_new = not any(claimed[index] for index in hypothesis.of)
        rank = gain, not way.wrong.isdisjoint(block), is_new
        if best is None or rank > best[0]:
            best = rank, hypothesis, after
    if best is None:
        return None
    _, hypothesis, after = best
    odd = tuple(cell for cell in hypothesis.block if cell in way.wrong) or hypothesis.block
    of = dict(zip(hypothesis.block, hypothesis.of, strict=True))
    return FaultyBlock(odd, tuple(of[cell] for cell in odd), "spoils others"), after


def _hypotheses(way: WayBack, seen: set[Block]) -> Iterator[MeantBlock]:
    """Wrong blocks that follow from no other wrong ones, and what these follow from."""
    below: set[Address] = set()
    for cell in way.cells:  # in order
        if not way.sources[cell].isdisjoint(way.wrong | below):
            below.add(cell)
    first = way.wrong - below
    likely = first.union(*(way.sources[cell] for cell in first))
    for block in way.blocks:
        if likely.isdisjoint(block) or block in seen or block[0] in way.updates:
            continue
        if not any(way.users[cell] for cell in block):
            continue
        updated = _updated_by(way, block)
        for of in (*([updated] if updated else ()), *way.alike(block)):
            for times in _usual_times(way, block):
                yield MeantBlock(block, of, times)


def _updated_by(way: WayBack, block: Block) -> tuple[int, ...] | None:
    """The weights that are updated by the cells of a block, if nothing else uses them."""
    of: list[int] = []
    for cell in block:
        weights = {way.updates.get(user, -1) for user in way.users[cell]}
        if len(weights) != 1 or -1 in weights or not weights.isdisjoint(way.weights_of(cell)):
            return None
        of += weights
    return tuple(of)


def _usual_times(way: WayBack, block: Block) -> list[float]:
    """How many times the slopes its sources are, and most cells."""

    def of(cells: Iterable[Address]) -> list[float]:
        first = (claim for cell in cells for claim in way.claims(cell)[:1])
        return [float(f"{claim.times:.6g}") for claim in first]

    usual = [times for times, _ in Counter(of(way.cells)).most_common(2)]
    return list(dict.fromkeys([*of(sorted(way.sources[block[0]])), 1.0, *usual]))[:FEW_TIMES]


def _gain(before: WayBack, after: WayBack, block: Block) -> int:
    """How many blocks become right, less those that become wrong; 0 if no user does."""
    users = [user for cell in block for user in before.users[cell]]
    near = list(dict.fromkeys(users))[:FEW_USERS]
    if not any(_is_settled(after, [c]) and not _is_settled(before, [c]) for c in near):
        return 0
    reached = before.numbers.replay.reach(before.numbers.result[cell] for cell in block)
    gain = 0
    for other in before.blocks:
        touched = [cell for cell in other if before.numbers.result[cell] in reached]
        if touched and other != block:
            gain += _is_settled(after, touched) - _is_settled(before, touched)
    return gain


def _is_settled(way: WayBack, cells: Sequence[Address]) -> bool:
    """Whether cells are slopes by weights, or slopes that others use."""
    return all(
        way.is_right(cell) and bool(way.weights_of(cell) or not way.is_end(cell)) for cell in cells
    )


# Gradients that are wrong by themselves -----------------------------------------


def _by_itself(way: WayBack, seen: set[Block]) -> tuple[FaultyBlock, WayBack] | None:
    """A wrong block that only updates use, if it is known whose gradient it is meant to be."""
    for block in blocks(way.book, way.wrong):
        if block in seen or any(not way.sources[c].isdisjoint(way.wrong) for c in block):
            continue
        if not all(way.is_end(cell) for cell in block):
            continue
        of = _meant_weights(way, block)
        if of is not None:
            after = way.with_slopes(dict(zip(block, of, strict=True)), way.common[False] or 1.0)
            is_update = block[0] in way.updates
            return FaultyBlock(
                block, of, "update" if is_update else "gradient"
            ), way if is_update else after
    return None


def _meant_weights(way: WayBack, block: Block) -> tuple[int, ...] | None:
    if block[0] in way.updates:
        of = tuple(way.updates[cell] for cell in block)
        is_sure = all(map(way.every_claim, block)) or _is_like_right_ones(way, block)
        return of if is_sure and way.common[True] is not None else None
    if len(way.claimed) < FEW_WEIGHTS:
        return None
    scaled = [[c.of for c in way.claims(cell) if way.is_weight(c.of)] for cell in block]
    if all(scaled):
        return tuple(each[0] for each in scaled)  # another number of times the slope
    if len(block) == 1 and (named := _named_weight(way, block[0])) is not None:
        return (named,)
    return _placed_weights(way, block)


def _named_weight(way: WayBack, cell: Address) -> int | None:
    """The only weight without a gradient of which a label beside the cell has the name."""
    words = _labels(way, cell)
    named = [
        index
        for index in way.worlds[0].slopes.keys() & way.numbers.leaves.keys() - way.claimed.keys()
        if any(name in word for name in _labels(way, way.numbers.leaves[index]) for word in words)
    ]
    return named[0] if len(named) == 1 else None


def _labels(way: WayBack, cell: Address) -> set[str]:
    return {
        label.lower() for axis in (DOWN, ACROSS) if len(label := way.book.label(cell, axis)) > 1
    }


def _placed_weights(way: WayBack, block: Block) -> tuple[int, ...] | None:
    """Weights without gradients, as far from their cells as those of other gradients."""
    result, cells = way.numbers.result, way.numbers.step.cells
    away = Counter(
        cells[weight] - cell
        for weight, claiming in way.claimed.items()
        for cell in claiming
        if cell not in block and cell not in way.updates and way.is_end(cell)
    )
    for distance, count in away.most_common(FEW_WAYS):
        of = [result.get(cell + distance, -1) for cell in block]
        are_weights = all(w in way.worlds[0].slopes and way.is_weight(w) for w in of)
        if count > 1 and are_weights and way.claimed.keys().isdisjoint(of):
            return tuple(of)
    return None


def _is_like_right_ones(way: WayBack, block: Block) -> bool:
    """Whether formulas of the same shape, elsewhere, are right."""
    patterns = way.book.patterns
    shapes = {patterns[cell].shape for cells in way.claimed.values() for cell in cells}
    return all(patterns[cell].shape in shapes for cell in block)


def _mistaken(way: WayBack, seen: set[Block]) -> tuple[FaultyBlock, WayBack] | None:
    """Wrong gradients that are exact but for a slope, a path, or one value in place of another."""
    cells = [c for c in way.wrong if way.is_end(c) and way.sources[c].isdisjoint(way.wrong)]
    cells = [c for c in cells if c not in way.updates and not any(c in block for block in seen)]
    if not cells or len(way.claimed) < FEW_WEIGHTS:
        return None
    best: dict[Address, int] = {}
    for slopes in islice(way.mistaken(cells), MOST_MISTAKES):
        models = SlopeModels(slopes)
        of: dict[Address, int] = {}
        for cell in cells:
            claims = models.matches(way.worlds[0].values[way.numbers.result[cell]])
            if claims and way.is_usual(cell, claims[0].times):
                of[cell] = claims[0].of
        if len(of) > len(best):
            best = of
    if not best:
        return None
    after = way.with_slopes(best, way.common[False] or 1.0)
    return FaultyBlock(
        tuple(best), tuple(best.values()), "a slope left out, or another value"
    ), after


def _repeated(way: WayBack, seen: set[Block]) -> tuple[FaultyBlock, WayBack] | None:
    """A gradient that another cell is as well, where a weight in its place has none."""
    for weight, cells in way.claimed.items():
        ends = [c for c in cells if c not in way.updates and way.is_end(c)]
        ends = [c for c in ends if len(way.weights_of(c)) == 1 and (c,) not in seen]
        for cell in ends if len(ends) > 1 else ():
            named = _named_weight(way, cell)
            of = _placed_weights(way, (cell,)) or _beside(way, weight, cell, ends)
            of = of if named is None else (named,)
            if of is not None and weight not in of:
                after = way.with_slopes({cell: of[0]}, way.common[False] or 1.0)
                return FaultyBlock((cell,), of, "another gradient"), after
    return None


def _of_no_weight(way: WayBack, seen: set[Block]) -> tuple[FaultyBlock, WayBack] | None:
    """A slope by a value that nothing uses, where a weight has no gradient."""
    for cell in way.cells:
        if (cell,) in seen or cell in way.updates or not way.is_end(cell):
            continue
        if way.weights_of(cell) or not way.is_right(cell):
            continue
        of = _placed_weights(way, (cell,))
        if of is None and (named := _named_weight(way, cell)) is not None:
            of = (named,)
        if of is not None:
            after = way.with_slopes({cell: of[0]}, way.common[False] or 1.0)
            return FaultyBlock((cell,), of, "gradient"), after
    return None


def _beside(
    way: WayBack, weight: int, cell: Address, cells: Sequence[Address]
) -> tuple[int, ...] | None:
    """A weight without gradient that lies to another as a cell does to the other's gradient."""
    result, home = way.numbers.result, way.numbers.step.cells[weight]
    for other in cells:
        for place in likes((other, cell), home) if other != cell else ():
            index = result.get(place[1], -1)
            is_weight = index in way.worlds[0].slopes and way.is_weight(index)
            if is_weight and index not in way.claimed:
                return (index,)
    return None


def uses_targets(judged: JudgedSingle, states: Iterable[Address]) -> bool:
    """Whether some of these cells follow from what outputs are held against."""
    return judged.way is None or not judged.way.after_targets.isdisjoint(states)


# Losses -----------------------------------------------------------------------


def losses(numbers: BookNumbers, every: Sequence[HeldPair]) -> Iterator[BookLoss]:
    """What may be the loss: cells that say how near outputs are to targets, then the usual."""
    held = sorted(_held(numbers, every), key=lambda loss: -len(loss.pairs))
    yield from _together(every, held)
    yield from held
    pairs = _one_target_each(numbers, every)
    if pairs:
        yield _assumed(SQUARES, pairs)
    shares = [pair for pair in pairs if _is_share(numbers.values[pair.output])]
    if shares:
        yield _assumed(TWO_CLASSES, shares)
        yield _assumed(CLASSES, shares)


def _held(numbers: BookNumbers, pairs: Sequence[HeldPair]) -> Iterator[BookLoss]:
    bits = numbers.bits
    reaches: dict[int, int] = {}
    for cell in numbers.computed:
        index = numbers.result[cell]
        reaches[index] = sum(
            bool(bits[index] & bits[p.target]) and not bits[p.output] & ~bits[index] for p in pairs
        )
    likely = sorted(filter(reaches.get, reaches), key=lambda index: -reaches[index])
    for index in likely[:MOST_TRIED]:
        objective = Objective("", (index,), _ones, False, index)
        slopes = numbers.slopes(objective, numbers.values, numbers.behind([index]))
        targets = {p.target for p in pairs if p.target in slopes}
        counted: dict[int, tuple[HeldPair, int]] = {}
        for pair in pairs:
            if pair.output in slopes and pair.target in slopes and pair.target not in counted:
                direction = _direction(numbers, slopes, pair)
                if direction:
                    counted[pair.target] = pair, direction
        directions = {direction for _, direction in counted.values()}
        is_whole = bool(targets) and counted.keys() == targets and len(directions) == 1
        if is_whole and not _is_straight(numbers, objective, slopes, targets):
            yield BookLoss(objective, tuple(p for p, _ in counted.values()), directions.pop())


def _is_straight(
    numbers: BookNumbers, objective: Objective, slopes: Mapping[int, Array], targets: set[int]
) -> bool:
    """Whether a number is no loss but an error times something: targets bend nothing in it."""
    forward = numbers.behind(objective.ends)
    if any(numbers.calls[index].name == "log" for index in forward):
        return False  # an entropy
    moved = {target: numbers.values[target] + 0.5 for target in targets}
    order = [i for i in numbers.order if i in forward and i not in moved]
    others = numbers.replay.run(order, {**numbers.values, **moved})
    again = numbers.slopes(objective, others, forward)
    return all(np.allclose(slopes[t], again[t], equal_nan=True) for t in targets)


def _direction(numbers: BookNumbers, slopes: Mapping[int, Array], pair: HeldPair) -> int:
    """1 if a number falls as the output comes near its target; -1 if it rises; 0 if neither."""
    by_output, by_target = slopes[pair.output], slopes[pair.target]
    some = by_target[np.isfinite(by_target) & (by_target != 0)]
    if not some.size or np.ptp(some) <= FAINT * np.abs(some).max():
        return 0  # a difference only
    output, target = numbers.values[pair.output], numbers.values[pair.target]
    with np.errstate(all="ignore"):
        logarithm = np.log(output)
        for entropy in (logarithm, logarithm - np.log(1 - output)):
            times = times_of(by_target, entropy)
            if times:
                return -int(np.sign(times))
        downhill = np.sign(by_output * (output - target))
    downhill = downhill[np.isfinite(downhill) & (downhill != 0)]
    if times_of(by_target, by_output) is None or not downhill.size or np.ptp(downhill):
        return 0
    return int(downhill[0])


def _together(pairs: Sequence[HeldPair], held: Sequence[BookLoss]) -> Iterator[BookLoss]:
    """The losses of single outputs as one, if no cell has them all."""
    every = {pair.output for pair in pairs}
    chosen: list[BookLoss] = []
    covered: set[int] = set()
    for loss in sorted(held, key=lambda loss: len(loss.pairs)):
        outputs = {pair.output for pair in loss.pairs}
        if covered.isdisjoint(outputs):
            covered |= outputs
            chosen.append(loss)
        elif outputs >= every:
            return
    if len(chosen) > 1 and len({loss.direction for loss in chosen}) == 1:
        ends = tuple(end for loss in chosen for end in loss.objective.ends)
        both = tuple(pair for loss in chosen for pair in loss.pairs)
        yield BookLoss(Objective("", ends, _ones, False, ends[0]), both, chosen[0].direction)


def _one_target_each(numbers: BookNumbers, pairs: Sequence[HeldPair]) -> list[HeldPair]:
    """The outputs that have one target first; two that share one differ in place as they do."""
    options: defaultdict[int, list[HeldPair]] = defaultdict(list)
    for pair in pairs:
        options[pair.output].append(pair)
    chosen: dict[int, int] = {}
    for output, each in sorted(options.items(), key=lambda option: len(option[1])):
        free = (pair.target for pair in each if pair.target not in chosen.values())
        chosen[output] = next(free, each[0].target)
    cells, used = numbers.step.cells, {i for call in numbers.calls for i in call.operands}
    for one, other in permutations(sorted(chosen), 2):
        beside = numbers.result.get(cells[one] + cells[chosen[other]] - cells[other], -1)
        is_free = beside in numbers.leaves and beside not in used
        if chosen[one] == chosen[other] and is_free:
            chosen[one] = beside
    return [HeldPair(output, target) for output, target in sorted(chosen.items())]


def _is_share(values: Array) -> bool:
    return bool(np.all((values > 0) & (values < 1)))


def _assumed(words: str, pairs: Sequence[HeldPair]) -> BookLoss:
    """One of the losses that no cell has."""
    count = len(pairs)

    def slopes(values: Sequence[Any]) -> list[Any]:
        some = zip(values[:count], values[count:], strict=True)
        return [*(LOSSES[words](o, t) for o, t in some), *([0.0] * count)]

    ends = (*(pair.output for pair in pairs), *(pair.target for pair in pairs))
    return BookLoss(Objective(words, ends, slopes, True), tuple(pairs))


def _ones(values: Sequence[Any]) -> list[Any]:
    return [1.0 for _ in values]
