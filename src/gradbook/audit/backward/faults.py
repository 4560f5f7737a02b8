"""The faults of a backward pass: each is corrected before the search for the next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice, product

from gradbook.audit.backward.backward_pass import BackwardPass
from gradbook.audit.backward.cell_blocks import Block, blocks, likes
from gradbook.audit.backward.cells_at_points import Cells
from gradbook.audit.backward.remedies import WrongBlock
from gradbook.cells.formula.address import ROW, Address

MOST_FAULTS = 12
MOST_ROOTS = 4  # of equally good explanations, among which the first with a remedy is chosen
MOST_WEIGHTS = 10  # whose gradient a cell may be meant to be
MOST_TRIED = 400  # interpretations of a block
FEW_WAYS = 3  # relative places of gradients beside their weights
FEW_SCALES = 3
FEW_USERS = 6  # of a block's cells, to check first
FEW_CELLS = 4  # of a block; a larger one is only compared with whole blocks
ENOUGH_BLOCKS = 2  # blocks that must become right before a cell that looks right is blamed


def faults(back: BackwardPass, from_root: bool = False) -> Iterator[WrongBlock]:
    """All faults; among accepted cells, only simple slips.

    With `from_root`, the search ends at once unless the first fault makes other cells wrong.
    """
    last = back
    for fault in _one_after_the_other(back, from_root):
        yield fault
        last = fault.after
    if last.accepted and not (from_root and last is back):
        yield from (f for f in _one_after_the_other(last.accept({})) if f.is_slip)


def accept_right_here(back: BackwardPass) -> BackwardPass:
    """The pass with cells accepted that are right at any weights as long as the sheet's zeros and
    ones, such as a bias's input or a one-hot target, keep their values."""
    weights = {*back.claimed_weights, *back.loss.updates.values()}
    cells = Cells.at_random(back.cells.book, back.cells.flow, back.cells.pairs, weights)
    loss = replace(back.loss, cells=cells, uneven=())
    here = BackwardPass(loss, cells, given_factors=back.known_factors)
    ends = filter(back.loss.is_end, back.loss.backward)
    doubtful = here.loss.backward.keys() & back.wrong.union(ends)
    right = [c for c in doubtful if here.is_right(c) and not back.weights_of(c)]
    return back.accept({cell: here.weights_of(cell) for cell in right})


def _one_after_the_other(back: BackwardPass, from_root: bool = False) -> Iterator[WrongBlock]:
    ways = [_roots] if from_root else [_roots, _faults_by_themselves, _repeated]
    blamed = set[Block]()
    for _ in range(MOST_FAULTS):
        found = (fault for way in ways for fault in way(back))
        fault = next((fault for fault in found if fault.cells not in blamed), None)
        if fault is None:
            return
        yield fault
        blamed.add(fault.cells)
        back, ways = fault.after, [_roots, _faults_by_themselves, _repeated]


def is_called_derivative(back: BackwardPass, cell: Address) -> bool:
    """Whether a heading calls a cell a derivative, in general or with respect to a value (dx)."""
    naming = back.cells.naming
    by = {f"d{word}" for other in back.loss.slopes for word in naming.words(other)}
    return naming.calls_gradient(cell) or not by.isdisjoint(naming.words(cell))


# Cells that make others wrong ----------------------------------------------------------


def _roots(back: BackwardPass) -> Iterator[WrongBlock]:
    """The first wrong block; among equally good explanations, the first one with a remedy."""
    found = _first_wrong(back)
    mended = (wrong.mended() for wrong in found[:MOST_ROOTS])
    yield from (wrong for wrong in mended if wrong.remedy)
    yield from found[:1]


def _first_wrong(back: BackwardPass) -> list[WrongBlock]:
    """The blocks whose correction makes most other blocks right; if several tie, the likeliest
    first."""
    first = back.wrong - back.cells.flow.below(back.wrong)
    second = back.wrong - first
    second -= back.cells.flow.below(second)
    found = _explaining(back, first)  # which may be only a mean of derivatives, and none itself
    return found or _explaining(back, second)


def _explaining(back: BackwardPass, first: set[Address]) -> list[WrongBlock]:
    """The same among some cells and those that they are computed from."""
    every = list(blocks(back.cells.book, back.loss.backward))
    claimed = back.claimed(back.loss.backward)
    found: list[tuple[int, WrongBlock]] = []
    for wrong in islice(_hypotheses(back, every, first), MOST_TRIED):
        counts = [claimed[of] for of in back.claimed(wrong.cells)]
        is_double = min(counts, default=0) > 1
        is_double = is_double and not any(claimed[of] for of in wrong.of)
        is_blamable = is_double or not back.wrong.isdisjoint(wrong.cells)
        gain = _gain(wrong, every)
        below = back.cells.flow.below(wrong.cells)
        is_all = gain > 0 and below.isdisjoint(wrong.after.wrong)  # enough with what a label says
        is_blamable |= is_all and back.cells.naming.mentions(wrong.cells[0], wrong.of[0])
        if gain >= (1 if is_blamable else ENOUGH_BLOCKS):
            found.append((gain, wrong))
    best = max((gain for gain, _ in found), default=0)
    likely = [wrong for gain, wrong in found if gain == best]
    right = back.claimed(filter(back.is_right, back.loss.backward))
    own = {wrong: back.claimed(wrong.cells) for wrong in likely}
    unclaimed = [w for w in likely if not any(right[of] > own[w][of] for of in w.of)]

    def likelihood(wrong: WrongBlock) -> tuple[bool, ...]:
        is_called_so = back.cells.naming.mentions(wrong.cells[0], wrong.of[0])
        is_turned = wrong.of[-1] - wrong.of[0] != wrong.cells[-1] - wrong.cells[0]
        is_right = back.wrong.isdisjoint(wrong.cells)
        return is_right, wrong.of[0] not in own[wrong], not is_called_so, is_turned

    return sorted(unclaimed or likely, key=likelihood)


def _hypotheses(
    back: BackwardPass, every: Sequence[Block], first: set[Address]
) -> Iterator[WrongBlock]:
    """The blocks of some cells, and the blocks they depend on, each with its possible meanings."""
    likely = first.union(*map(back.cells.flow.sources, first))
    for block in every:
        if not likely.isdisjoint(block):
            scales = list(dict.fromkeys([1.0, *_usual_scales(back, block)]))[:FEW_SCALES]
            for of in _meant(back, block):
                yield from (WrongBlock(back, block, of, scale) for scale in scales)
                if back.loss.slopes_by_sums.keys() >= set(of):
                    yield WrongBlock(back, block, of, by_sums=True)


def _meant(back: BackwardPass, block: Block) -> Iterator[Block]:
    """The cells, in the block's shape or its transpose, whose derivatives it may be: weights alone
    are looked at elsewhere."""
    is_leaf, inside = back.cells.is_leaf, back.loss.slopes.keys() - back.cells.not_understood
    anchors = [cell for cell in inside if len(block) > 1 or not is_leaf(cell)]
    if len(block) > FEW_CELLS:
        computed = [cell for cell in inside if not is_leaf(cell)]
        anchors = [first for first, *_ in blocks(back.cells.book, computed)]
    for anchor in anchors:
        for of in likes(block, anchor):
            if inside >= set(of) and not all(map(is_leaf, of)):
                yield of


def _usual_scales(back: BackwardPass, block: Block) -> list[float]:
    """Factors between cells and the loss's derivatives: of the block's sources, then usual ones."""

    def scales(cells: Iterable[Address]) -> list[float]:
        first = (claim for cell in cells for claim in back.claims(cell)[:1])
        return [claim.scale for claim in first if claim.by is None]

    sources = dict.fromkeys(back.cells.flow.sources(block[0]))
    usual = Counter(scales(back.loss.backward)).most_common(2)
    return [*scales(s for s in sources if s in back.loss.backward), *(scale for scale, _ in usual)]


def _gain(wrong: WrongBlock, every: Sequence[Block]) -> int:
    """The number of blocks that become right minus those that become wrong; 0 if no user does."""
    back, flow = wrong.before, wrong.before.cells.flow
    users = (user for cell in wrong.cells for user in flow.users.get(cell, ()))
    near = list(islice((user for user in users if user in back.loss.backward), FEW_USERS))
    tried = back.with_values(wrong.right_values, near)
    if not any(_is_settled(tried, [c]) and not _is_settled(back, [c]) for c in near):
        return 0
    below = flow.below(wrong.cells)
    gain = 0
    for block in every:
        touched = [cell for cell in block if cell in below]
        if touched and block is not wrong.cells:
            gain += _is_settled(wrong.after, touched) - _is_settled(back, touched)
    return gain


def _is_settled(back: BackwardPass, cells: Sequence[Address]) -> bool:
    """Whether cells are right derivatives: of weights, or derivatives that others use."""
    return all(
        back.is_right(cell) and bool(back.weights_of(cell) or not back.loss.is_end(cell))
        for cell in cells
    )


# Gradients that are wrong on their own -------------------------------------------------


def _faults_by_themselves(back: BackwardPass) -> Iterator[WrongBlock]:
    """Wrong blocks that don't depend on other wrong ones, as gradients of likely weights."""
    behind = back.cells.flow.below(back.wrong)
    for block in blocks(back.cells.book, back.wrong):
        if not behind.isdisjoint(block):
            continue
        of = islice(_likely_weights(back, block), MOST_WEIGHTS)
        likely = [WrongBlock(back, block, weights) for weights in of]
        mended = (wrong.mended() for wrong in likely)
        yield from (wrong for wrong in mended if wrong.remedy)
        incomplete = [  # as the gradients of weights that have no others
            wrong
            for wrong in likely
            if all(
                of not in back.claimed_weights and back.left_out(cell, of)
                for cell, of in zip(wrong.cells, wrong.of, strict=True)
            )
        ]
        is_sure = block[0] in back.loss.updates or len(incomplete or likely) == 1
        if likely and is_sure and is_called_derivative(back, block[0]):
            yield [*incomplete, *likely][0]


def _likely_weights(back: BackwardPass, block: Block) -> Iterator[Block]:
    """The weights whose gradients a block may be meant to be, the likeliest first."""
    used = [back.loss.updates.get(c) or back.loss.weight_updated_by(c) for c in block]
    if block[0] in back.loss.updates or None not in used:
        yield tuple(weight for weight in used if weight is not None)
        return
    claimed, naming = back.claimed_weights, back.cells.naming
    leaves = {cell for cell in back.loss.slopes if back.cells.is_leaf(cell)}

    def likelihood(cell: Address) -> tuple[object, ...]:
        return cell in claimed, not naming.mentions(block[0], cell), abs(cell - block[0])

    for anchor in sorted(leaves, key=likelihood):
        yield from (of for of in likes(block, anchor) if leaves.issuperset(of))


# Cells that repeat another derivative --------------------------------------------------


def _repeated(back: BackwardPass) -> Iterator[WrongBlock]:
    """Cells that repeat another derivative while some value has none. The value meant is a weight
    that a text or the place suggests, or lies beside the value of a neighbour that is equal. Only
    slips of a reference count, unless a text names the derivative."""
    is_leaf, naming = back.cells.is_leaf, back.cells.naming
    first = {cell: back.claims(cell)[0] for cell in back.loss.backward if back.claims(cell)}
    said = Counter(claim.of for claim in first.values())
    known = back.claimed(back.loss.backward)
    lacking = sorted(c for c in back.loss.slopes.keys() - back.claimed_weights if is_leaf(c))
    away = Counter(of - cell for of, cells in back.claimed_weights.items() for cell in cells)
    usual = {distance for distance, count in away.most_common(FEW_WAYS) if count > 1}
    ends = [c for c in first if c not in back.loss.updates and back.loss.is_end(c)]
    twice = [c for c in ends if said[first[c].of] > 1 and back.is_right(c)]
    each = ((c, of, naming.mentions(c, of)) for c, of in product(twice, lacking))
    near = [(c, of, named) for c, of, named in each if named or of - c in usual]
    for cell, of, is_named in sorted(near, key=lambda option: -away[option[1] - option[0]]):
        is_said = is_named and naming.calls_gradient(cell)
        of_weight = any(is_leaf(claim.of) for claim in back.claims(cell))
        if is_said or (of_weight and of - cell in usual):
            mended = WrongBlock(back, (cell,), (of,)).mended()
            if mended.is_slip or (is_said and mended.remedy):
                yield mended
    for cell, claim in first.items():
        for side in (1, -1) if cell not in back.loss.updates else ():
            beside = [near for near in (cell - side, cell - side * ROW) if first.get(near) == claim]
            for of in (claim.of + side, claim.of + side * ROW) if beside else ():
                if of in back.loss.slopes and not known[of] and is_leaf(of) == is_leaf(claim.of):
                    mended = WrongBlock(back, (cell,), (of,), claim.scale).mended()
                    if mended.is_slip and mended.after.wrong <= back.wrong:
                        yield mended
