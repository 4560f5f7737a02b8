"""Roundings: whether levels of weights are multiples of their own scales; gradients cut short.

A scale counts as a constant in every gradient, so gradients agree with any. Of which weights one is
the scale shows in what it is made of: all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gradbook.audit.findings import Finding, finding_in
from gradbook.audit.formula.address import Address, by_sheet, name_of
from gradbook.audit.formula.expression import EditKind
from gradbook.audit.formula.meaning import ROUNDING, NotUnderstood
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.formula.rounding import level_in
from gradbook.audit.step.under_test import StepUnderTest
from gradbook.audit.training.steps import SheetStep
from gradbook.audit.training.training import SheetTraining
from gradbook.audit.training.weight_columns import rounds
from gradbook.graph.node import Node, ancestors
from gradbook.language.message import Message, enumerated
from gradbook.targets.excel.language import Call, Reference, write

KIND = EditKind.REFERENCE.value


@dataclass(frozen=True)
class WeightScale:
    """A cell that weights are rounded to multiples of."""

    cell: Address
    made_of: tuple[Address, ...]  # the weights that it is computed from, in their order
    levels: Mapping[Address, Address]  # each cell with a multiple of it, of which weight

    @property
    def weights(self) -> tuple[Address, ...]:
        """Those that it is the scale of."""
        return tuple(sorted(set(self.levels.values())))


def level_findings(
    training: SheetTraining, groups: Sequence[Sequence[SheetStep]]
) -> Iterator[Finding]:
    """Levels by another weight's scale, and scales that aren't made of all of their weights."""
    computed = training.computed_cells & training.book.patterns.keys()
    kinds = {training.book.patterns[cell]: cell for cell in computed}
    if not any(rounds(training.book, cell) for cell in kinds.values()):
        return
    lines: defaultdict[tuple[int, int], list[Address]] = defaultdict(list)
    said: dict[tuple[int, int], tuple[str, Pattern | None]] = {}
    for group in groups:
        tested = StepUnderTest.of(training, group)
        for cell, why, right in _wrong(tested, _scales(tested)):
            key = training.axis.line(cell)
            lines[key] += [tested.positions.there(cell, step) for step in group]
            said.setdefault(key, (why, right))
    for key, cells in lines.items():
        why, right = said[key]
        for own in by_sheet(cells):
            quantity = training.name_of(own[0])
            yield finding_in(training.book, own, KIND, quantity=quantity, why=why, right=right)


def rounded_gradients(training: SheetTraining, steps: Sequence[SheetStep]) -> Iterator[Finding]:
    """The few gradients that are rounded where most aren't: small steps are lost."""
    claims = steps[0].claims if steps else ()
    rounded = [j for j, own in enumerate(claims) if own and _is_rounded(training, own[0].owner)]
    for j in rounded if 2 * len(rounded) < len(claims) else ():
        cells = [step.claims[j][0].owner for step in steps if step.claims[j]]
        pattern = training.book.read_typed(cells[0])
        said = pattern.expression
        if isinstance(said, Call) and said.arguments and said.arguments[0] is not None:
            inside = training.book.reader.read_typed(write(said.arguments[0]), cells[0])
            name = training.names[j]
            for own in by_sheet(cells):
                yield finding_in(
                    training.book,
                    own,
                    EditKind.FUNCTION.value,
                    quantity=f"∂E/∂{name}",
                    why=Message(
                        "{part} is taken once too often: x itself belongs there",
                        part=write(replace(said, arguments=(Reference("x"), *said.arguments[1:]))),
                    ),
                    weight=name,
                    right=inside,
                )


def _is_rounded(training: SheetTraining, cell: Address) -> bool:
    pattern = training.book.patterns.get(cell)
    said = pattern.expression if pattern else None
    return isinstance(said, Call) and said.function in ROUNDING


def _scales(tested: StepUnderTest) -> list[WeightScale]:
    """The cells whose multiples weights become, if those are made of weights themselves."""
    known, flow = tested.graph.known, tested.training.flow
    leaves, own = tested.graph.leaf_cells, set(tested.step.own)
    levels: defaultdict[Address, dict[Address, Address]] = defaultdict(dict)
    try:
        assert tested.loss.index >= 0  # so that every cell on the way to it is known
    except NotUnderstood:
        return []
    for cell in sorted(tested.forward):
        node = known.get(cell)
        level = level_in(node) if isinstance(node, Node) else None
        weight = leaves.get(level.weight) if level else None
        if level is None or weight is None or weight not in own:
            continue
        scale = next((s for s in flow.sources(cell) if known.get(s) is level.scale), None)
        if scale is not None:
            levels[scale][cell] = weight
    found = []
    for cell, of in levels.items():
        node = known[cell]
        behind = ancestors([node]) if isinstance(node, Node) else ()
        made_of = {leaves[part] for part in behind if part in leaves} & own
        if made_of:
            found.append(WeightScale(cell, tuple(sorted(made_of)), of))
    return found


def _wrong(
    tested: StepUnderTest, scales: Sequence[WeightScale]
) -> Iterator[tuple[Address, str, Pattern | None]]:
    """What is wrong in which cell, and the right formula: levels whose weight another scale is made
    of, or else the scale."""
    names = dict(zip(tested.step.weights, tested.training.names, strict=True))
    for scale in scales:
        strange = {cell: w for cell, w in scale.levels.items() if w not in scale.made_of}
        others = {cell: _of_weight(w, scales) for cell, w in strange.items()}
        for cell, other in others.items() if all(others.values()) else ():
            why = Message(
                "{scale} isn't the scale of {weight}: it is made of other weights",
                scale=name_of(scale.cell),
                weight=names[strange[cell]],
            )
            instead = {scale.cell: other.cell} if other else {}
            yield cell, why, tested.training.book.renamed(cell, cell, instead)
        if not all(others.values()):
            why = Message(
                "{scale} is the scale of {weights}, but isn't made of all of them",
                scale=name_of(scale.cell),
                weights=enumerated([names[w] for w in scale.weights]),
            )
            yield scale.cell, why, _like(tested, scale, scales)


def _of_weight(weight: Address, scales: Sequence[WeightScale]) -> WeightScale | None:
    """The one scale that is made of a weight."""
    found = [scale for scale in scales if weight in scale.made_of]
    return found[0] if len(found) == 1 else None


def _like(
    tested: StepUnderTest, scale: WeightScale, scales: Sequence[WeightScale]
) -> Pattern | None:
    """The formula of a scale that is right, of these weights; None where there is none."""
    for other in scales:
        if other.made_of == other.weights and len(other.weights) == len(scale.weights):
            instead = dict(zip(other.weights, scale.weights, strict=True))
            return tested.training.book.renamed(other.cell, scale.cell, instead)
    return None
