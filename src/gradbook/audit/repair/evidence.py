"""What speaks against a cell: it is unlike its kind, leads nowhere, or makes the loss deaf."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from gradbook.audit.formula.address import Address
from gradbook.audit.formula.edits import Edit
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.judge.judge import Bench
from gradbook.audit.judge.numbers import Numbers, agree
from gradbook.audit.repair.proper import is_made_proper
from gradbook.audit.repair.remedy import Remedy
from gradbook.audit.repair.repair import forward
from gradbook.graph.chain import gradients
from gradbook.graph.node import Array, Node
from gradbook.targets.excel.language.grammar import Reference, write


def hushes(bench: Bench, remedy: Remedy) -> bool:
    """Whether an edit on the way to the loss makes all slopes deaf to a number that it mentions:
    gradients that forget a target aren't the loss's fault."""
    if remedy.cells[0] not in forward(bench):
        return False
    training, after = bench.training, with_remedy(bench, remedy)
    mentioned = {training.plain(s) for cell in remedy.cells for s in training.flow.sources(cell)}
    typed = [
        c for c in mentioned if c not in training.book.patterns and c not in training.weight_cells
    ]
    return any(_hears(bench, cell) and not _hears(after, cell) for cell in typed)


def _hears(bench: Bench, cell: Address) -> bool:
    """Whether some slope depends on a number."""

    def leaf(other: Address) -> Array:
        return bench.random.leaf(other) + (0.37 if other == cell else 0)

    moved = Numbers(leaf)
    return any(
        not agree(moved.of(slope, bench.leaves), bench.random.of(slope, bench.leaves))
        for slope in bench.true.values()
    )


def leaves_out(bench: Bench, remedy: Remedy) -> bool:
    """Whether an edit on the way to the loss takes out the only use of a number: a target that
    the loss no longer counts."""
    if remedy.cells[0] not in forward(bench):
        return False
    return not _counted(bench, {}) <= _counted(bench, cured(bench, remedy))


def _counted(bench: Bench, instead: Mapping[Address, Pattern]) -> set[Address]:
    """The numbers that the loss is computed from, with other formulas in the place of some."""
    training, book = bench.training, bench.training.book
    seen: set[Address] = set()
    waiting = list(bench.step.loss)
    while waiting:
        cell = waiting.pop()
        cell = cell if cell in instead else training.plain(cell)
        if cell not in seen and cell not in training.weight_cells:
            seen.add(cell)
            other = instead.get(cell)
            sources = training.flow.sources(cell)
            waiting += sources if other is None else training.flow.mentioned(other.places, cell)
    return {c for c in seen if isinstance(book.values.get(c), float) and c not in book.patterns}


def any_astray(bench: Bench, remedy: Remedy) -> bool:
    """Whether a formula on the way to the loss mentions what leads astray."""
    inside = remedy.cells[0] in forward(bench)
    return inside and any(_is_astray(bench, remedy, change) for change in remedy.repair.changes)


def cured(bench: Bench, remedy: Remedy) -> dict[Address, Pattern]:
    """The formulas that a remedy puts in the place of others."""
    reader = bench.training.book.reader
    return {
        cell: reader.typed(write(right), cell)
        for cell, right in zip(remedy.cells, remedy.expressions, strict=True)
    }


def idle(bench: Bench) -> set[int]:
    """The weights that have no influence on the loss."""
    return {lane for lane in bench.true if bench.is_idle(lane)}


def with_remedy(bench: Bench, remedy: Remedy) -> Bench:
    """The step as a remedy makes it."""
    instead = {**bench.made.instead, **cured(bench, remedy)}
    return Bench(bench.training, bench.step, instead, bench.like)


def is_evident(bench: Bench, remedy: Remedy, lane: int) -> bool:
    """Whether the cell that a remedy changes is odd, so that the gradient isn't to blame."""
    if remedy.cells[0] not in forward(bench):
        return _becomes_derivative(bench, remedy)
    return (
        any(_is_astray(bench, remedy, change) for change in remedy.repair.changes)
        or lane in idle(bench)
        or is_made_proper(bench, remedy)
        or _looks_odd(bench, remedy)
        or _counts_more(bench, remedy)
        or _belongs_beside(bench, remedy)
    )


def _belongs_beside(bench: Bench, remedy: Remedy) -> bool:
    """Whether formulas of the same shape on the way to the loss mention the cell that an edit
    brings in, and none of them the one that it takes out."""
    training, owner, change = bench.training, remedy.cells[0], remedy.repair.changes[0]
    shape = training.book.patterns[owner].shape
    beside = [
        cell
        for cell in forward(bench).difference(remedy.cells)
        if cell in training.book.patterns and training.book.patterns[cell].shape == shape
    ]
    mentioned = {source for cell in beside for source in training.flow.sources(cell)}
    if not isinstance(change.old, Reference) or not isinstance(change.new, Reference):
        return False
    old, new = (training.book.reader.cell(r.text, owner) for r in (change.old, change.new))
    return new in mentioned and old not in mentioned


def _counts_more(bench: Bench, remedy: Remedy) -> bool:
    """Whether the loss comes to count a number that so far only its wrong gradients count: an input
    that a sum has lost."""
    claimed = [c.owner for lane in remedy.lanes for c in bench.step.claims[lane]]
    more = _counted(bench, cured(bench, remedy)) - _counted(bench, {})
    return not more.isdisjoint(made_of(bench, claimed))


def _becomes_derivative(bench: Bench, remedy: Remedy) -> bool:
    """Whether a cell on the way back, once changed, is ∂loss/∂(some cell of the way there)."""
    after = with_remedy(bench, remedy)
    try:
        claimed = after.made.node(remedy.cells[0])
        known = [after.made.known.get(cell) for cell in forward(after)]
        nodes = [node for node in known if isinstance(node, Node) and not node.is_constant()]
        slopes = gradients(after.loss, list(dict.fromkeys(nodes)))
    except NotUnderstood:
        return False
    return any(after.same(claimed, slope, after.random) for slope in slopes.values())


def _is_astray(bench: Bench, remedy: Remedy, change: Edit) -> bool:
    """Whether a reference leads to a blank, a text, another step, or to what nobody else uses
    while what belongs there is used by nobody."""
    if not isinstance(change.old, Reference):
        return False
    training, owner = bench.training, remedy.cells[0]
    old = training.book.reader.cell(change.old.text, owner)
    if old is None:
        return True
    value = training.book.values.get(old)
    if old not in training.book.patterns and not isinstance(value, float):
        return True
    if old in training.weight_cells and old not in bench.step.weights:
        return True
    if not isinstance(change.new, Reference):
        return False
    new = training.book.reader.cell(change.new.text, owner)
    if new is None or training.plain(new) in forward(bench):
        return False
    return any(training.plain(new) in behind(bench, lane) for lane in remedy.lanes)


def behind(bench: Bench, lane: int) -> set[Address]:
    """The cells that the claims of a weight are computed from."""
    return made_of(bench, [claim.owner for claim in bench.step.claims[lane] if claim.whole])


def made_of(bench: Bench, cells: Iterable[Address]) -> set[Address]:
    """The cells that some are computed from within their step."""
    seen: set[Address] = set()
    waiting = list(cells)
    while waiting:
        for source in bench.training.flow.sources(waiting.pop()):
            at = bench.training.plain(source)
            if at not in seen:
                seen.add(at)
                waiting += [] if at in bench.training.weight_cells else [at]
    return seen


def _looks_odd(bench: Bench, remedy: Remedy) -> bool:
    """Whether the formula is like fewer others as it stands than it is once changed."""
    training = bench.training
    cells = {c for c in bench.step.cells if c in forward(bench) and c not in remedy.cells}
    patterns = (training.book.patterns.get(cell) for cell in cells)
    shapes = Counter(pattern.shape for pattern in patterns if pattern is not None)
    owner = remedy.cells[0]
    after = training.book.reader.typed(write(remedy.repair.expression), owner)
    return shapes[after.shape] > shapes[training.book.patterns[owner].shape]
