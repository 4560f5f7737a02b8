"""What speaks against a cell: it is unlike its kind, leads nowhere, or makes the loss deaf."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from gradbook.audit.formula.address import Address
from gradbook.audit.formula.edits import Edit
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.judge.numbers import Numbers, agree
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.repair.proper import is_made_proper
from gradbook.audit.repair.remedy import Remedy
from gradbook.graph.chain import gradients
from gradbook.graph.node import Array, Node
from gradbook.targets.excel.language.grammar import Reference, write


def hushes(tested: StepUnderTest, remedy: Remedy) -> bool:
    """Whether an edit on the way to the loss makes all slopes deaf to a number that it mentions:
    gradients that forget a target aren't the loss's fault."""
    if remedy.cells[0] not in tested.forward:
        return False
    training, after = tested.training, with_remedy(tested, remedy)
    mentioned = {training.plain(s) for cell in remedy.cells for s in training.flow.sources(cell)}
    typed = [
        c for c in mentioned if c not in training.book.patterns and c not in training.weight_cells
    ]
    return any(_hears(tested, cell) and not _hears(after, cell) for cell in typed)


def _hears(tested: StepUnderTest, cell: Address) -> bool:
    """Whether some slope depends on a number."""

    def leaf(other: Address) -> Array:
        return tested.random.leaf(other) + (0.37 if other == cell else 0)

    moved = Numbers(leaf, tested.graph.leaf_cells)
    return any(
        not agree(moved.of(slope), tested.random.of(slope)) for slope in tested.gradients.values()
    )


def leaves_out(tested: StepUnderTest, remedy: Remedy) -> bool:
    """Whether an edit on the way to the loss takes out the only use of a number: a target that
    the loss no longer counts."""
    if remedy.cells[0] not in tested.forward:
        return False
    return not _counted(tested, {}) <= _counted(tested, cured(tested, remedy))


def _counted(tested: StepUnderTest, instead: Mapping[Address, Pattern]) -> set[Address]:
    """The numbers that the loss is computed from, with other formulas in the place of some."""
    training, book = tested.training, tested.training.book
    seen: set[Address] = set()
    waiting = list(tested.step.loss)
    while waiting:
        cell = waiting.pop()
        cell = cell if cell in instead else training.plain(cell)
        if cell not in seen and cell not in training.weight_cells:
            seen.add(cell)
            other = instead.get(cell)
            sources = training.flow.sources(cell)
            waiting += sources if other is None else training.flow.mentioned(other.places, cell)
    return {c for c in seen if isinstance(book.values.get(c), float) and c not in book.patterns}


def any_astray(tested: StepUnderTest, remedy: Remedy) -> bool:
    """Whether a formula on the way to the loss mentions what leads astray."""
    inside = remedy.cells[0] in tested.forward
    return inside and any(_is_astray(tested, remedy, change) for change in remedy.repair.changes)


def cured(tested: StepUnderTest, remedy: Remedy) -> dict[Address, Pattern]:
    """The formulas that a remedy puts in the place of others."""
    reader = tested.training.book.reader
    return {
        cell: reader.typed(write(right), cell)
        for cell, right in zip(remedy.cells, remedy.expressions, strict=True)
    }


def with_remedy(tested: StepUnderTest, remedy: Remedy) -> StepUnderTest:
    """The step as a remedy makes it."""
    return tested.with_formulas(cured(tested, remedy))


def is_evident(tested: StepUnderTest, remedy: Remedy, lane: int) -> bool:
    """Whether the cell that a remedy changes is odd, so that the gradient isn't to blame."""
    if remedy.cells[0] not in tested.forward:
        return _becomes_derivative(tested, remedy)
    return (
        any(_is_astray(tested, remedy, change) for change in remedy.repair.changes)
        or lane in tested.without_influence
        or is_made_proper(tested, remedy)
        or _looks_odd(tested, remedy)
        or _counts_more(tested, remedy)
        or _belongs_beside(tested, remedy)
    )


def _belongs_beside(tested: StepUnderTest, remedy: Remedy) -> bool:
    """Whether formulas of the same shape on the way to the loss mention the cell that an edit
    brings in, and none of them the one that it takes out."""
    training, owner, change = tested.training, remedy.cells[0], remedy.repair.changes[0]
    shape = training.book.patterns[owner].shape
    beside = [
        cell
        for cell in tested.forward.difference(remedy.cells)
        if cell in training.book.patterns and training.book.patterns[cell].shape == shape
    ]
    mentioned = {source for cell in beside for source in training.flow.sources(cell)}
    if not isinstance(change.old, Reference) or not isinstance(change.new, Reference):
        return False
    old, new = (training.book.reader.cell(r.text, owner) for r in (change.old, change.new))
    return new in mentioned and old not in mentioned


def _counts_more(tested: StepUnderTest, remedy: Remedy) -> bool:
    """Whether the loss comes to count a number that so far only its wrong gradients count: an input
    that a sum has lost."""
    claimed = [c.owner for lane in remedy.lanes for c in tested.step.claims[lane]]
    more = _counted(tested, cured(tested, remedy)) - _counted(tested, {})
    return not more.isdisjoint(made_of(tested, claimed))


def _becomes_derivative(tested: StepUnderTest, remedy: Remedy) -> bool:
    """Whether a cell on the way back, once changed, is ∂loss/∂(some cell of the way there)."""
    after = with_remedy(tested, remedy)
    try:
        claimed = after.graph.node(remedy.cells[0])
        known = [after.graph.known.get(cell) for cell in after.forward]
        nodes = [node for node in known if isinstance(node, Node) and not node.is_constant()]
        slopes = gradients(after.loss, list(dict.fromkeys(nodes)))
    except NotUnderstood:
        return False
    return any(after.same(claimed, slope) for slope in slopes.values())


def _is_astray(tested: StepUnderTest, remedy: Remedy, change: Edit) -> bool:
    """Whether a reference leads to a blank, a text, another step, or to what nobody else uses
    while what belongs there is used by nobody."""
    if not isinstance(change.old, Reference):
        return False
    training, owner = tested.training, remedy.cells[0]
    old = training.book.reader.cell(change.old.text, owner)
    if old is None:
        return True
    value = training.book.values.get(old)
    if old not in training.book.patterns and not isinstance(value, float):
        return True
    if old in training.weight_cells and old not in tested.step.weights:
        return True
    if not isinstance(change.new, Reference):
        return False
    new = training.book.reader.cell(change.new.text, owner)
    if new is None or training.plain(new) in tested.forward:
        return False
    return any(training.plain(new) in behind(tested, lane) for lane in remedy.lanes)


def behind(tested: StepUnderTest, lane: int) -> set[Address]:
    """The cells that the claims of a weight are computed from."""
    return made_of(tested, [claim.owner for claim in tested.step.claims[lane] if claim.whole])


def made_of(tested: StepUnderTest, cells: Iterable[Address]) -> set[Address]:
    """The cells that some are computed from within their step."""
    seen: set[Address] = set()
    waiting = list(cells)
    while waiting:
        for source in tested.training.flow.sources(waiting.pop()):
            at = tested.training.plain(source)
            if at not in seen:
                seen.add(at)
                waiting += [] if at in tested.training.weight_cells else [at]
    return seen


def _looks_odd(tested: StepUnderTest, remedy: Remedy) -> bool:
    """Whether the formula is like fewer others as it stands than it is once changed."""
    training = tested.training
    cells = {c for c in tested.step.cells if c in tested.forward and c not in remedy.cells}
    patterns = (training.book.patterns.get(cell) for cell in cells)
    shapes = Counter(pattern.shape for pattern in patterns if pattern is not None)
    owner = remedy.cells[0]
    after = training.book.reader.typed(write(remedy.repair.expression), owner)
    return shapes[after.shape] > shapes[training.book.patterns[owner].shape]
