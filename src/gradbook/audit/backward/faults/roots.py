"""The first cells that are wrong: what comes back to them is right, and they themselves aren't."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from gradbook.audit.backward.cells.blocks import MatrixBlock, blocks
from gradbook.audit.backward.cells.cell_functions import PointValue
from gradbook.audit.backward.chain.backward_pass import BackwardPass
from gradbook.audit.formula.address import Address

FEW_SCALES = 3
FEW_CELLS = 4  # of a block that may belong to any cells
MOST_TRIED = 400  # meanings of a block
MANY = 2  # blocks that come right, where a right cell is blamed for them


@dataclass(frozen=True)
class WrongBlock:
    """Cells that should be derivatives by others, cell by cell."""

    block: MatrixBlock
    of: tuple[Address, ...]
    scale: float | None = None  # so many times; None: as the gradients of weights are
    gain: int = 0  # blocks that come right with it

    def values(self, back: BackwardPass) -> dict[Address, PointValue]:
        return {
            cell: back.wanted(cell, of, self.scale)
            for cell, of in zip(self.block.cells, self.of, strict=True)
        }


def put_right(back: BackwardPass, wrong: WrongBlock) -> BackwardPass:
    """The pass as it would be if those cells were right."""
    below = back.cells.flow.below(wrong.block.cells)
    values = back.values.with_values(wrong.values(back), below)
    return back.with_values(values, below.union(wrong.block.cells))


def first_wrong(back: BackwardPass) -> list[WrongBlock]:
    """The cells whose being right puts most others right; several where they put right as many."""
    every = list(blocks(back.cells.book, back.backward))
    found: list[WrongBlock] = []
    for hypothesis in islice(_hypotheses(back, every), MOST_TRIED):
        gain = _gain(back, hypothesis, every)
        if gain >= (1 if _is_wrong(back, hypothesis) else MANY):
            found.append(replace(hypothesis, gain=gain))
    best = max((wrong.gain for wrong in found), default=0)
    likely = [wrong for wrong in found if wrong.gain == best]
    return sorted(likely, key=lambda wrong: not _is_wrong(back, wrong))


def _hypotheses(back: BackwardPass, every: Sequence[MatrixBlock]) -> Iterator[WrongBlock]:
    for block in _suspects(back, every):
        for of, scale in _meanings(back, block):
            yield WrongBlock(block, of, scale)


def _is_wrong(back: BackwardPass, found: WrongBlock) -> bool:
    return not back.wrong.isdisjoint(found.block.cells)


def _suspects(back: BackwardPass, every: Sequence[MatrixBlock]) -> Iterator[MatrixBlock]:
    """The blocks that are wrong though all that they take is right, and those that they take."""
    flow, wrong = back.cells.flow, back.wrong
    behind_wrong = flow.below(wrong)
    first = wrong - behind_wrong
    taken = {source for cell in first for source in flow.sources(cell)}
    for block in every:
        if not (first | taken).isdisjoint(block.cells):
            yield block


def _meanings(
    back: BackwardPass, block: MatrixBlock
) -> Iterator[tuple[tuple[Address, ...], float]]:
    """The cells, as a block or across, of which a block may be meant to be the derivatives."""
    slopes, is_leaf = back.derivatives.slopes, back.cells.is_leaf
    computed = [cell for cell in slopes if not is_leaf(cell)]
    if len(block.cells) > FEW_CELLS:
        corners = {b.first for b in blocks(back.cells.book, computed)}
        computed = [cell for cell in computed if cell in corners]
    scales = [1.0, *_usual_scales(back, block)]
    for anchor in computed:
        for across in (False, True) if len(block.cells) > 1 else (False,):
            of = tuple(block.like(anchor, across))
            if all(cell in slopes and not is_leaf(cell) for cell in of):
                for scale in list(dict.fromkeys(scales))[:FEW_SCALES]:
                    yield of, scale


def _usual_scales(back: BackwardPass, block: MatrixBlock) -> list[float]:
    """How many times the loss's derivatives others are: those that a block takes, then all."""
    every = Counter(c.scale for cell in back.backward for c in back.claims(cell)[:1] if not c.by)
    taken = [c.scale for s in _taken(back, block) for c in back.claims(s)[:1] if not c.by]
    return [*taken, *(scale for scale, _ in every.most_common(2))]


def _taken(back: BackwardPass, block: MatrixBlock) -> list[Address]:
    return [s for s in dict.fromkeys(back.cells.flow.sources(block.first)) if s in back.inside]


def _gain(back: BackwardPass, hypothesis: WrongBlock, every: Sequence[MatrixBlock]) -> int:
    """How many blocks come right, less those that go wrong."""
    after = put_right(back, hypothesis)
    below = back.cells.flow.below(hypothesis.block.cells)
    gain = 0
    for block in every:
        if block is hypothesis.block:
            continue
        touched = [cell for cell in block.cells if cell in below]
        if touched:
            before = all(map(back.is_right, touched))
            now = all(map(after.is_right, touched))
            gain += now - before
    return gain
