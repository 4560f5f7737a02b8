"""What is wrong in a backward pass: each fault is put right before the next is looked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from gradbook.audit.backward.backward_pass import BackwardPass, PassCells, again
from gradbook.audit.backward.blocks import MatrixBlock, blocks
from gradbook.audit.backward.outputs import cells_of_sheet
from gradbook.audit.backward.remedies import Remedy, WrongBlock, remedy
from gradbook.audit.formula.address import ROW, Address, sheet_of
from gradbook.audit.formula.expression import EditKind

MOST_FAULTS = 12
MOST_ROOTS = 4  # explanations that explain equally much, of which the first with a remedy is taken
MOST_WEIGHTS = 10  # weights of which a cell may be meant to be the gradient
MOST_TRIED = 400  # meanings of a block
FEW_WAYS = 3  # in which gradients stand beside their weights
FEW_SCALES = 3
FEW_USERS = 6  # of a block's cells, that are looked at first
FEW_CELLS = 4  # of a block that may belong to any cells
MANY = 2  # blocks that come right, where a right cell is blamed for them
SLIPS = (EditKind.REFERENCE, EditKind.EXCHANGE)


@dataclass(frozen=True, eq=False)
class BlockFault:
    """Wrong cells, what puts them right, and the pass before that and after."""

    wrong: WrongBlock
    remedy: Remedy | None
    before: BackwardPass
    after: BackwardPass

    @property
    def is_slip(self) -> bool:
        return self.remedy is not None and self.remedy.edit.kind in SLIPS


def faults(back: BackwardPass, from_root: bool = False) -> Iterator[BlockFault]:
    """All faults; of the cells that are accepted, only plain slips.

    With `from_root`, nothing is sought unless the first fault makes other cells wrong.
    """
    if from_root and not _first_wrong(back):
        return
    last = back
    for fault in _one_after_the_other(back):
        yield fault
        last = fault.after
    yield from (f for f in _one_after_the_other(last.accept({})) if f.is_slip)


def accept_right_here(back: BackwardPass) -> BackwardPass:
    """A pass with those cells taken for right that are so at any weights as long as the sheet's
    zeros and ones, such as a bias's input or a one-hot target, stay what they are."""
    weights = {*back.claimed_weights, *back.updates.values()}
    sheet = sheet_of(back.cells.pairs[0].output)
    book, flow = back.cells.book, back.cells.flow
    cells = cells_of_sheet(book, flow, sheet, weights)
    assert cells is not None
    scope = PassCells(cells, again(cells, back.loss))
    here = BackwardPass(scope, cells.values, factors=back.known_factors)
    ends = filter(back.scope.is_end, back.backward)
    doubtful = scope.inside.intersection(back.wrong.union(ends))
    right = [c for c in doubtful if here.is_right(c) and not back.weights_of(c)]
    return back.accept({cell: here.weights_of(cell) for cell in right})


def _one_after_the_other(back: BackwardPass) -> Iterator[BlockFault]:
    for _ in range(MOST_FAULTS):
        ways = (_root, _own, _of_others, _of_neighbours)
        fault = next((fault for way in ways for fault in way(back)), None)
        if fault is None:
            return
        yield fault
        back = fault.after


def _fault(back: BackwardPass, wrong: WrongBlock, known: Remedy | None) -> BlockFault:
    """A block's fault; where only some of its cells are wrong, theirs."""
    some = dict(zip(wrong.block.cells, wrong.of, strict=True))
    odd = {cell: of for cell, of in some.items() if cell in back.wrong or cell in back.accepted}
    if odd and len(odd) < len(some) and known is not None and not known.whole:
        wrong = replace(wrong, block=MatrixBlock(tuple(odd)), of=tuple(odd.values()))
        kept = {cell: text for cell, text in known.formulas.items() if cell in odd}
        known = replace(known, formulas=kept)
    return BlockFault(wrong, known, back, wrong.put_right(back))


def is_called_derivative(back: BackwardPass, cell: Address) -> bool:
    """Whether a heading calls a cell a derivative, in general or by something (dx)."""
    naming = back.cells.naming
    by = {f"d{word}" for other in back.slopes for word in naming.words(other)}
    return naming.calls_gradient(cell) or not by.isdisjoint(naming.words(cell))


# Cells from which others are wrong -----------------------------------------------------


def _root(back: BackwardPass) -> Iterator[BlockFault]:
    """The first wrong block: where explanations tie, one with a remedy."""
    found = _first_wrong(back)
    both = ((wrong, remedy(back, wrong)) for wrong in found[:MOST_ROOTS])
    yield from (_fault(back, wrong, known) for wrong, known in both if known is not None)
    yield from (_fault(back, wrong, None) for wrong in found[:1])


def _first_wrong(back: BackwardPass) -> list[WrongBlock]:
    """The blocks that, once right, put most others right; several where they tie."""
    every = list(blocks(back.cells.book, back.backward))
    found: list[tuple[int, WrongBlock]] = []
    for wrong in islice(_hypotheses(back, every), MOST_TRIED):
        gain = _gain(back, wrong, every)
        if gain >= (1 if _is_wrong(back, wrong) or _is_double(back, wrong) else MANY):
            found.append((gain, wrong))
    best = max((gain for gain, _ in found), default=0)
    likely = [wrong for gain, wrong in found if gain == best]
    right = filter(back.is_right, back.backward)
    known = Counter(claim.of for cell in right for claim in back.claims(cell))
    own = {wrong: _claimed(back, wrong) for wrong in likely}
    unclaimed = [w for w in likely if not any(known[of] > own[w][of] for of in w.of)] or likely

    def likelihood(wrong: WrongBlock) -> tuple[bool, ...]:
        is_called_so = back.cells.naming.mentions(wrong.block.first, wrong.of[0])
        return not _is_wrong(back, wrong), wrong.of[0] not in own[wrong], not is_called_so

    return sorted(unclaimed, key=likelihood)


def _claimed(back: BackwardPass, found: WrongBlock) -> Counter[Address]:
    """The derivatives that the cells of a block are already, up to a factor."""
    return Counter(claim.of for cell in found.block.cells for claim in back.claims(cell))


def _is_wrong(back: BackwardPass, found: WrongBlock) -> bool:
    return not back.wrong.isdisjoint(found.block.cells)


def _is_double(back: BackwardPass, found: WrongBlock) -> bool:
    """Whether other cells are the same derivatives, and none is what these may be meant to be."""
    every = Counter(claim.of for cell in back.backward for claim in back.claims(cell))
    mine = _claimed(back, found)
    return bool(mine) and all(every[of] > 1 for of in mine) and not any(map(every.get, found.of))


def _hypotheses(back: BackwardPass, every: Sequence[MatrixBlock]) -> Iterator[WrongBlock]:
    """The wrong blocks that take nothing wrong, and the blocks that those take, each with what it
    may be meant to be."""
    flow, wrong = back.cells.flow, back.wrong
    first = wrong - flow.below(wrong)
    likely = first.union(*map(flow.sources, first))
    for block in every:
        if not likely.isdisjoint(block.cells):
            scales = list(dict.fromkeys([1.0, *_usual_scales(back, block)]))[:FEW_SCALES]
            for of in _meant(back, block):
                yield from (WrongBlock(block, of, scale) for scale in scales)


def _meant(back: BackwardPass, block: MatrixBlock) -> Iterator[tuple[Address, ...]]:
    """The computed cells, as a block or across, of which a block may be the derivatives."""
    computed = [cell for cell in back.slopes if not back.cells.is_leaf(cell)]
    inside = set(computed)
    if len(block.cells) > FEW_CELLS:
        corners = {b.first for b in blocks(back.cells.book, computed)}
        computed = [cell for cell in computed if cell in corners]
    for anchor in computed:
        yield from (of for of in block.likes(anchor) if inside.issuperset(of))


def _usual_scales(back: BackwardPass, block: MatrixBlock) -> list[float]:
    """By which factors cells are the loss's derivatives: those that a block takes, then most."""

    def scales(cell: Address) -> list[float]:
        return [claim.scale for claim in back.claims(cell)[:1] if claim.by is None]

    every = Counter(scale for cell in back.backward for scale in scales(cell))
    sources = dict.fromkeys(back.cells.flow.sources(block.first))
    taken = [scale for s in sources if s in back.scope.inside for scale in scales(s)]
    return [*taken, *(scale for scale, _ in every.most_common(2))]


def _gain(back: BackwardPass, wrong: WrongBlock, every: Sequence[MatrixBlock]) -> int:
    """How many blocks become right, less those that become wrong; 0 if no neighbour is mended."""
    users = (user for cell in wrong.block.cells for user in back.cells.flow.users.get(cell, ()))
    near = list(islice((user for user in users if user in back.scope.inside), FEW_USERS))
    tried = wrong.put_right(back, near)
    if not any(_is_settled(tried, [c]) and not _is_settled(back, [c]) for c in near):
        return 0
    after = wrong.put_right(back)
    below = back.cells.flow.below(wrong.block.cells)
    gain = 0
    for block in every:
        touched = [cell for cell in block.cells if cell in below]
        if touched and block is not wrong.block:
            gain += _is_settled(after, touched) - _is_settled(back, touched)
    return gain


def _is_settled(back: BackwardPass, cells: Sequence[Address]) -> bool:
    """Whether cells are right derivatives: by weights, or ones that others use."""
    return all(
        back.is_right(cell) and bool(back.weights_of(cell) or not back.scope.is_end(cell))
        for cell in cells
    )


# Gradients that are wrong by themselves ------------------------------------------------


def _own(back: BackwardPass) -> Iterator[BlockFault]:
    """The wrong blocks that take nothing wrong, as gradients of likely weights."""
    behind = back.cells.flow.below(back.wrong)
    for block in blocks(back.cells.book, back.wrong):
        if not behind.isdisjoint(block.cells):
            continue
        is_update = block.first in back.updates
        likely = list(islice(_likely_weights(back, block), MOST_WEIGHTS))
        tried = (WrongBlock(block, of) for of in likely)
        both = ((wrong, remedy(back, wrong, thorough=is_update)) for wrong in tried)
        fault = next((_fault(back, wrong, known) for wrong, known in both if known), None)
        if fault is not None:
            yield fault
            continue
        incomplete = [of for of in likely if _is_incomplete(back, block, of)]
        is_sure = is_update or len(incomplete or likely) == 1
        if likely and is_sure and is_called_derivative(back, block.first):
            yield _fault(back, WrongBlock(block, [*incomplete, *likely][0]), None)


def _is_incomplete(back: BackwardPass, block: MatrixBlock, of: Sequence[Address]) -> bool:
    """Whether a block is the gradients of weights that have none, but for what it leaves out."""
    claimed = back.claimed_weights
    each = zip(block.cells, of, strict=True)
    return all(weight not in claimed and back.left_out(cell, weight) for cell, weight in each)


def _likely_weights(back: BackwardPass, block: MatrixBlock) -> Iterator[tuple[Address, ...]]:
    """The weights of which a block may be meant to be the gradients, the likeliest first."""
    if block.first in back.updates:
        yield tuple(back.updates[cell] for cell in block.cells)
        return
    claimed, naming = back.claimed_weights, back.cells.naming
    leaves = {cell for cell in back.slopes if back.cells.is_leaf(cell)}

    def likelihood(cell: Address) -> tuple[object, ...]:
        return cell in claimed, not naming.mentions(block.first, cell), abs(cell - block.first)

    for anchor in sorted(leaves, key=likelihood):
        yield from (of for of in block.likes(anchor) if leaves.issuperset(of))


# Cells that repeat another derivative --------------------------------------------------


def _of_others(back: BackwardPass) -> Iterator[BlockFault]:
    """Cells that nothing uses and that repeat another derivative where a weight has no gradient: of
    another weight, if a text or the place says which one is meant, or of a sum, if a text does."""
    is_leaf, naming = back.cells.is_leaf, back.cells.naming
    lacking = sorted(c for c in back.slopes.keys() - back.claimed_weights if is_leaf(c))
    away = Counter(of - cell for of, cells in back.claimed_weights.items() for cell in cells)
    usual = {distance for distance, count in away.most_common(FEW_WAYS) if count > 1}
    said = Counter(claim.of for cell in back.backward for claim in back.claims(cell)[:1])
    for cell in back.backward:
        claims = back.claims(cell)
        is_repeated = any(said[claim.of] > 1 for claim in claims[:1]) and back.is_right(cell)
        if not is_repeated or cell in back.updates or not back.scope.is_end(cell):
            continue
        of_weight = any(is_leaf(claim.of) for claim in claims)
        for of in lacking:
            is_said = naming.mentions(cell, of) and naming.calls_gradient(cell)
            if is_said or (of_weight and of - cell in usual):
                fault = _fault_of_cell(back, cell, of)
                if fault.is_slip or (is_said and fault.remedy is not None):
                    yield fault


def _of_neighbours(back: BackwardPass) -> Iterator[BlockFault]:
    """Cells that are the same derivative as the one beside them, by a slip of a reference, where
    the value beside that one has none."""
    known = {claim.of for cell in back.backward for claim in back.claims(cell)}
    first = {cell: back.claims(cell)[0] for cell in back.backward if back.claims(cell)}
    for cell, claim in first.items():
        for side in (1, -1):
            beside = [near for near in (cell - side, cell - side * ROW) if first.get(near) == claim]
            lacking = [of for of in (claim.of + side, claim.of + side * ROW) if of in back.slopes]
            for of in lacking if beside and cell not in back.updates else ():
                if of not in known and back.cells.is_leaf(of) == back.cells.is_leaf(claim.of):
                    fault = _fault_of_cell(back, cell, of, claim.scale)
                    if fault.is_slip and fault.after.wrong <= back.wrong:
                        yield fault


def _fault_of_cell(
    back: BackwardPass, cell: Address, of: Address, scale: float | None = None
) -> BlockFault:
    """The fault of one cell that should be another derivative."""
    wrong = WrongBlock(MatrixBlock((cell,)), (of,), scale)
    return _fault(back, wrong, remedy(back, wrong, thorough=False))
