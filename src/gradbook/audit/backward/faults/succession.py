"""What is wrong with a backward pass, one thing after the other: each put right before the next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from gradbook.audit.backward.cells.blocks import MatrixBlock, blocks
from gradbook.audit.backward.cells.naming import Naming
from gradbook.audit.backward.cells.outputs import cells_of_sheet
from gradbook.audit.backward.chain.backward_pass import BackwardPass
from gradbook.audit.backward.chain.losses import again
from gradbook.audit.backward.faults.remedies import Remedy, remedy
from gradbook.audit.backward.faults.roots import WrongBlock, first_wrong, put_right
from gradbook.audit.formula.address import Address, sheet_of
from gradbook.audit.formula.edits import EditKind

MOST_FAULTS = 12
FEW_WAYS = 3  # in which gradients stand beside their weights
MOST_ROOTS = 4  # explanations that put right as many cells, of which one with a remedy is taken
MOST_WEIGHTS = 10  # weights of which a cell may be meant to be the gradient
EXACT = 1e-7
SLIPS = (EditKind.REFERENCE.value, EditKind.EXCHANGE.value)


@dataclass(frozen=True, eq=False)
class BlockFault:
    """Wrong cells, what puts them right, and the pass before that."""

    wrong: WrongBlock
    remedy: Remedy | None
    before: BackwardPass
    after: BackwardPass


def faults(back: BackwardPass) -> list[BlockFault]:
    """All that is wrong; what is right for the sheet's own numbers only if it is a plain slip."""
    excused = _right_here(back)
    found = _one_after_the_other(back.excusing(excused))
    if excused & back.wrong and len(found) < MOST_FAULTS:
        last = found[-1].after if found else back
        slips = _one_after_the_other(last.excusing(()))
        found += [f for f in slips if f.remedy is not None and f.remedy.kind in SLIPS]
    return found


def _right_here(back: BackwardPass) -> set[Address]:
    """The wrong cells that are right where the sheet's noughts and ones, as those for a bias or of
    a one-hot target, stay what they are, at any weights."""
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
    """Whether a cell is a derivative as it is, or as many times as a weight's should be."""
    scale, by = back.common[cell in back.updates]
    times = float(here.values.number(by)[0]) if by is not None else 1.0
    return any(
        abs(claim.scale - (scale * times if here.cells.is_leaf(claim.of) else 1.0)) < EXACT
        for claim in here.claims(cell)
        if claim.by is None
    )


def _one_after_the_other(back: BackwardPass) -> list[BlockFault]:
    found: list[BlockFault] = []
    for _ in range(MOST_FAULTS):
        fault = _root(back) or next(_own(back), None) or next(_twice(back), None)
        if fault is None:
            break
        found.append(fault)
        back = fault.after
    return found


def _root(back: BackwardPass) -> BlockFault | None:
    """Cells from which others are wrong."""
    found = first_wrong(back)
    for wrong in found[:MOST_ROOTS]:
        known = remedy(back, wrong)
        if known is not None:
            return BlockFault(wrong, known, back, put_right(back, wrong))
    return BlockFault(found[0], None, back, put_right(back, found[0])) if found else None


def _own(back: BackwardPass) -> Iterator[BlockFault]:
    """Gradients that are wrong by themselves."""
    naming = Naming(back.cells.book)
    for block in _ends(back):
        likely = list(islice(_likely_weights(back, block), MOST_WEIGHTS))
        for of in likely:
            wrong = WrongBlock(block, of)
            known = remedy(back, wrong, thorough=block.first in back.updates)
            if known is not None:
                yield BlockFault(wrong, known, back, put_right(back, wrong))
                break
        else:
            sure = block.first in back.updates or len(likely) == 1
            if likely and sure and naming.calls_gradient(block.first):
                wrong = WrongBlock(block, likely[0])
                yield BlockFault(wrong, None, back, put_right(back, wrong))


def _twice(back: BackwardPass) -> Iterator[BlockFault]:
    """Gradients of a weight that has another, beside one that has none: as far from that as others
    are from theirs."""
    claimed = back.claimed_weights
    away = Counter(of - cell for of, cells in claimed.items() for cell in cells)
    for cells in claimed.values():
        ends = [cell for cell in cells if back.is_end(cell) and cell not in back.updates]
        for cell in ends if len(ends) > 1 else ():
            usual = {cell + distance for distance, count in away.most_common(FEW_WAYS) if count > 1}
            for of in usual & back.derivatives.slopes.keys() - claimed.keys():
                wrong = WrongBlock(MatrixBlock((cell,)), (of,))
                known = remedy(back, wrong, thorough=False)
                if known is not None and known.kind in SLIPS:
                    yield BlockFault(wrong, known, back, put_right(back, wrong))


def _ends(back: BackwardPass) -> Iterator[MatrixBlock]:
    """The wrong blocks that take nothing wrong."""
    behind = back.cells.flow.below(back.wrong)
    for block in blocks(back.cells.book, back.wrong):
        if behind.isdisjoint(block.cells):
            yield block


def _likely_weights(back: BackwardPass, block: MatrixBlock) -> Iterator[tuple[Address, ...]]:
    """The weights of which a block may be meant to be the gradients, the likeliest first."""
    if block.first in back.updates:
        yield tuple(back.updates[cell] for cell in block.cells)
        return
    slopes, is_leaf = back.derivatives.slopes, back.cells.is_leaf
    claimed, naming = back.claimed_weights, Naming(back.cells.book)
    leaves = {cell for cell in slopes if is_leaf(cell)}
    heading = naming.heading(block.first)
    anchors = sorted(
        leaves,
        key=lambda c: (c in claimed, not naming.fits(heading, c), abs(c - block.first)),
    )
    for anchor in anchors:
        for across in (False, True) if len(block.cells) > 1 else (False,):
            of = tuple(block.like(anchor, across))
            if leaves.issuperset(of):
                yield of


def unexplained(back: BackwardPass, naming: Naming) -> Sequence[Address]:
    """The cells that a heading calls derivatives though they are none, and nobody knows of what."""
    return [cell for cell in sorted(back.wrong) if naming.calls_gradient(cell)]
