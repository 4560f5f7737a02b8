"""What is wrong with a backward pass, one thing after the other: each put right before the next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from gradbook.audit.backward.backward_pass import EXACT, BackwardPass
from gradbook.audit.backward.blocks import MatrixBlock, blocks
from gradbook.audit.backward.losses import again
from gradbook.audit.backward.outputs import cells_of_sheet
from gradbook.audit.backward.remedies import Remedy, WrongBlock, remedy
from gradbook.audit.formula.address import Address, sheet_of
from gradbook.audit.formula.edits import EditKind

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
    """All faults; where a cell is right for the sheet's own numbers, only plain slips.

    With `from_root`, nothing is sought unless the first fault makes other cells wrong.
    """
    excused = _right_here(back)
    last = back.excusing(excused)
    if from_root and not _first_wrong(last):
        return
    for fault in _one_after_the_other(last):
        yield fault
        last = fault.after
    if excused:
        yield from (f for f in _one_after_the_other(last.excusing(())) if f.is_slip)


def _right_here(back: BackwardPass) -> set[Address]:
    """The wrong cells that are right at any weights as long as the sheet's zeros and ones, such as
    a bias's input or a one-hot target, stay what they are."""
    if not back.wrong:
        return set()
    weights = {*back.claimed_weights, *back.updates.values()}
    sheet = sheet_of(back.cells.pairs[0].output)
    cells = cells_of_sheet(back.cells.book, back.cells.flow, sheet, weights)
    if cells is None:
        return set()
    here = BackwardPass.of(cells, again(cells, back.loss))
    inside = set(here.backward)
    return {cell for cell in back.wrong if cell in inside and _is_exact(back, here, cell)}


def _is_exact(back: BackwardPass, here: BackwardPass, cell: Address) -> bool:
    """Whether a cell is exactly a derivative, or a weight's with the factor that all have."""
    scale, by = back.common[cell in back.updates]
    times = float(here.values.number(by)[0]) if by is not None else 1.0
    return any(
        abs(claim.scale - (scale * times if here.cells.is_leaf(claim.of) else 1.0)) < EXACT
        for claim in here.claims(cell)
        if claim.by is None
    )


def _one_after_the_other(back: BackwardPass) -> Iterator[BlockFault]:
    for _ in range(MOST_FAULTS):
        fault = _root(back) or next(_own(back), None) or next(_of_others(back), None)
        if fault is None:
            return
        yield fault
        back = fault.after


def _fault(back: BackwardPass, wrong: WrongBlock, known: Remedy | None) -> BlockFault:
    return BlockFault(wrong, known, back, wrong.put_right(back))


def unexplained(back: BackwardPass) -> Sequence[Address]:
    """The cells that a heading calls derivatives though they aren't recognised as any."""
    return [cell for cell in sorted(back.wrong) if back.cells.naming.calls_gradient(cell)]


# Cells from which others are wrong -------------------------------------------------------


def _root(back: BackwardPass) -> BlockFault | None:
    """The first wrong block: where explanations tie, one with a remedy."""
    found = _first_wrong(back)
    for wrong in found[:MOST_ROOTS]:
        known = remedy(back, wrong)
        if known is not None:
            return _fault(back, wrong, known)
    return _fault(back, found[0], None) if found else None


def _first_wrong(back: BackwardPass) -> list[WrongBlock]:
    """The blocks that, once right, put most others right; several where they tie."""
    every = list(blocks(back.cells.book, back.backward))
    found: list[tuple[int, WrongBlock]] = []
    for wrong in islice(_hypotheses(back, every), MOST_TRIED):
        gain = _gain(back, wrong, every)
        if gain >= (1 if _is_wrong(back, wrong) else MANY):
            found.append((gain, wrong))
    best = max((gain for gain, _ in found), default=0)
    likely = [wrong for gain, wrong in found if gain == best]
    known = {claim.of for c in back.backward if back.is_right(c) for claim in back.claims(c)}
    unclaimed = [wrong for wrong in likely if known.isdisjoint(wrong.of)] or likely

    def likelihood(wrong: WrongBlock) -> tuple[bool, bool]:
        is_called_so = back.cells.naming.mentions(wrong.block.first, wrong.of[0])
        return not _is_wrong(back, wrong), not is_called_so

    return sorted(unclaimed, key=likelihood)


def _is_wrong(back: BackwardPass, found: WrongBlock) -> bool:
    return not back.wrong.isdisjoint(found.block.cells)


def _hypotheses(back: BackwardPass, every: Sequence[MatrixBlock]) -> Iterator[WrongBlock]:
    """The wrong blocks that take nothing wrong, and the blocks that those take, each with what it
    may be meant to be."""
    flow, wrong = back.cells.flow, back.wrong
    first = wrong - flow.below(wrong)
    taken = {source for cell in first for source in flow.sources(cell)}
    for block in every:
        if not (first | taken).isdisjoint(block.cells):
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
    taken = [scale for s in sources if s in back.passed.inside for scale in scales(s)]
    return [*taken, *(scale for scale, _ in every.most_common(2))]


def _gain(back: BackwardPass, wrong: WrongBlock, every: Sequence[MatrixBlock]) -> int:
    """How many blocks become right, less those that become wrong; 0 if no neighbour is mended."""
    users = (user for cell in wrong.block.cells for user in back.cells.flow.users.get(cell, ()))
    near = list(islice((user for user in users if user in back.passed.inside), FEW_USERS))
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
        back.is_right(cell) and bool(back.weights_of(cell) or not back.passed.is_end(cell))
        for cell in cells
    )


# Gradients that are wrong by themselves --------------------------------------------------


def _own(back: BackwardPass) -> Iterator[BlockFault]:
    """The wrong blocks that take nothing wrong, as gradients of likely weights."""
    behind = back.cells.flow.below(back.wrong)
    for block in blocks(back.cells.book, back.wrong):
        if not behind.isdisjoint(block.cells):
            continue
        is_update = block.first in back.updates
        likely = list(islice(_likely_weights(back, block), MOST_WEIGHTS))
        for of in likely:
            known = remedy(back, WrongBlock(block, of), thorough=is_update)
            if known is not None:
                yield _fault(back, WrongBlock(block, of), known)
                break
        else:
            incomplete = [of for of in likely if _is_incomplete(back, block, of)]
            is_sure = is_update or len(incomplete or likely) == 1
            if likely and is_sure and back.cells.naming.calls_gradient(block.first):
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


def _of_others(back: BackwardPass) -> Iterator[BlockFault]:
    """Cells that repeat another derivative where a weight has no gradient: of another weight, if a
    text or the place says which one is meant, or of a sum, if a text does."""
    lacking = sorted(c for c in back.slopes.keys() - back.claimed_weights if back.cells.is_leaf(c))
    naming, usual = back.cells.naming, _usual_ways(back)
    for cell in _ends_of_others(back):
        is_sum = not any(back.cells.is_leaf(claim.of) for claim in back.claims(cell))
        for of in lacking:
            is_said = naming.mentions(cell, of) and naming.calls_gradient(cell)
            if is_said or (not is_sum and of - cell in usual):
                wrong = WrongBlock(MatrixBlock((cell,)), (of,))
                fault = _fault(back, wrong, remedy(back, wrong, thorough=False))
                if fault.is_slip or (is_said and fault.remedy is not None):
                    yield fault


def _usual_ways(back: BackwardPass) -> set[int]:
    """The usual distances from a gradient to its weight."""
    away = Counter(of - cell for of, cells in back.claimed_weights.items() for cell in cells)
    return {distance for distance, count in away.most_common(FEW_WAYS) if count > 1}


def _ends_of_others(back: BackwardPass) -> list[Address]:
    """The cells that nothing uses and whose derivative another cell is, too."""
    said = Counter(claim.of for cell in back.backward for claim in back.claims(cell)[:1])
    return [
        cell
        for cell in back.backward
        if cell not in back.updates and back.passed.is_end(cell) and back.is_right(cell)
        if any(said[claim.of] > 1 for claim in back.claims(cell)[:1])
    ]
