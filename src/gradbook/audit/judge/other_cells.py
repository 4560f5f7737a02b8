"""Finds what gradients don't show: blanks, old values, untrained neurons, scales of levels.

A blank cell counts as 0, and gradients of a loss with a 0 in it are easily right, so an empty
column is reported before anything is judged. The neurons of a layer have similar sums; if nothing
trains their weights, no gradient shows that one uses another's weight. Values are old in a file
that was changed without being recalculated. The scale of quantised weights counts as a constant in
every gradient, so gradients agree with any scale: only its formula shows to which weights it
belongs.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, combinations, pairwise
from math import isclose

import numpy as np

from gradbook.audit.findings import (
    BLANK_REFERENCE,
    STALE,
    TO_FILL_IN,
    Finding,
    finding_in,
    typed_in,
)
from gradbook.audit.heading_words import LOSS, calls
from gradbook.audit.step.tested_step import StepUnderTest
from gradbook.audit.training.sheet_training import SheetTraining
from gradbook.audit.training.training_steps import SheetStep, inside_of
from gradbook.audit.training.weight_columns import rounds, said_in
from gradbook.cells.evaluate import Evaluation
from gradbook.cells.formula.address import ACROSS, DOWN, Address, by_sheet, name_of, sheet_of
from gradbook.cells.formula.elementwise import ROUNDING
from gradbook.cells.formula.expression import (
    EditKind,
    factors,
    once,
    references,
    replace_parts,
    terms,
)
from gradbook.cells.formula.formula_values import NotUnderstood
from gradbook.cells.formula.pattern import Pattern
from gradbook.cells.formula.rounding import SHOWN, level_in
from gradbook.cells.formula.syntax import Call, Expression, Number, Reference, write
from gradbook.graph.node import Node, ancestors
from gradbook.language.message import Message, enumerated

# Blank cells --------------------------------------------------------------------------


def blank_columns(training: SheetTraining) -> list[Finding]:
    """The blank columns of a training's own table that its formulas use as 0."""
    found = []
    for heading, cells in _columns(training):
        blank = list(filter(training.book.is_blank, cells))
        user = next((user for cell in blank for user in _users(training, cell)), None)
        what = None
        if blank == [cells[0]] and cells[0] in training.flow.sources(cells[1]):
            what = Message("{name} has no initial value", name=heading)
        elif user is not None and set(blank) >= set(cells[1:-1] or cells[:1]):
            what = Message("{cell} uses it as 0", cell=name_of(user))  # the ends may differ
        if what is not None:
            found.append(_blank_finding(training, blank, heading, what))
    return found


def blank_findings(
    training: SheetTraining, losses: Iterable[Sequence[Address]]
) -> Iterator[Finding]:
    """Findings for single blank cells, in columns of formulas, that others use as 0; for blank
    columns with a loss's heading that no formula uses; and for products with a blank cell."""
    book, users = training.book, training.flow.users
    empty = []
    for heading, cells in _columns(training):
        blank = [cell for cell in cells if book.is_blank(cell)]
        missed = [cell for cell in blank if any(_users(training, cell))]
        formulas = Counter(book.patterns[cell] for cell in cells if cell in book.patterns)
        if 0 < len(missed) < formulas.total():
            kind, why = typed_in(book, missed[0], heading)
            right = formulas.most_common(1)[0][0]
            yield finding_in(book, missed, kind, heading, why, right=right)
        if blank == cells and calls(LOSS, heading) and not any(map(users.get, cells)):
            empty.append(_blank_finding(training, cells, heading, Message("it is the loss")))
    yield from empty
    yield from _blank_factors(training, chain.from_iterable(losses))


def _blank_factors(training: SheetTraining, losses: Iterable[Address]) -> Iterator[Finding]:
    """Findings for formulas on the path to the losses that are a product with a blank cell, and so
    always 0: behind a ReLU every gradient agrees with that. A blank with a heading may be an input
    that is 0."""
    book = training.book

    def is_bare(cell: Address | None) -> bool:
        headings = (book.label(cell, axis) for axis in (DOWN, ACROSS)) if cell is not None else ()
        return cell is not None and book.is_blank(cell) and not any(headings)

    inside = set().union(*(inside_of(training, cell) for cell in losses))
    alike: defaultdict[Pattern, list[Address]] = defaultdict(list)
    for cell in sorted(inside & book.patterns.keys() - training.weight_cells.keys()):
        alike[book.patterns[cell]].append(cell)
    for pattern, cells in alike.items():
        said = terms(pattern.expression) if pattern.expression else ()
        parts = factors(said[0][1]).parts if len(said) == 1 else ()
        places = [pattern.place_of(factor.part) for factor in parts if len(parts) > 1]
        blank = (
            place.at(cells[0])
            for place in places
            if place and all(is_bare(place.at(cell)) for cell in cells)
        )
        first = next(blank, None)
        if first is not None:
            why = Message(
                "{cell} is blank: this product is 0 in every step",
                cell=book.name_of(first, cells[0]),
            )
            yield finding_in(book, cells, BLANK_REFERENCE, training.name_of(cells[0]), why)


def _columns(training: SheetTraining) -> Iterator[tuple[str, list[Address]]]:
    """The cells under each heading in the row of the weights' headings, from first to last step."""
    start, axis, book = training.weights[0].start, training.axis, training.book
    place = book.heading_place(start, axis)
    in_rows = all(abs(stride) == axis.step for stride in training.strides)
    if place is None or not in_rows or any(s.sheet == training.sheet for s in book.not_kept):
        return
    for cell, heading in book.headings(training.sheet, axis, place):
        first = cell + (axis.along(start) - place) * axis.step
        yield heading, [first + k * axis.step for k in range(training.steps + 1)]


def _users(training: SheetTraining, cell: Address) -> Iterator[Address]:
    """The formulas on a cell's own sheet that use it, other than updates: if one gradient is
    missing the rest can still be judged. Formulas on other sheets may only display it."""
    users = training.flow.users.get(cell, ())
    own = (user for user in users if sheet_of(user) == sheet_of(cell))
    return (user for user in own if user not in training.update_cells)


def _blank_finding(
    training: SheetTraining, cells: Sequence[Address], heading: str, what: str
) -> Finding:
    why = Message("{cell} is blank: {reason}", cell=name_of(cells[0]), reason=what)
    return finding_in(training.book, cells, TO_FILL_IN, heading, why)


# Neurons that nothing trains -----------------------------------------------------------

FEWEST = 4  # neurons of a layer: two give the distance of their weights, a third confirms it
Sum = tuple[Address, ...]  # the cells that a neuron multiplies and adds up, in order


def neuron_findings(training: SheetTraining, steps: Sequence[SheetStep]) -> Iterator[Finding]:
    """The neurons that use another's weight instead of one of their own, for all steps together."""
    book, line = training.book, training.axis.line
    lines: defaultdict[object, dict[Address, tuple[Address, Address]]] = defaultdict(dict)
    for cell, taken, right in _odd_neurons(training, steps):
        lines[line(cell), taken - cell, right - cell].setdefault(cell, (taken, right))
    for found in lines.values():
        for cells in by_sheet(found):
            taken, right = found[cells[0]]
            why = Message(
                "{taken} is another neuron's weight, and nothing uses {left_over}, which "
                "belongs here",
                taken=book.name_of(taken, cells[0]),
                left_over=book.name_of(right, cells[0]),
            )
            formula = book.with_another_cell(cells[0], taken, book.name_of(right, cells[0]))
            kind, quantity = EditKind.REFERENCE.value, training.name_of(cells[0])
            yield finding_in(book, cells, kind, quantity, why, right=formula)


def _odd_neurons(
    training: SheetTraining, steps: Sequence[SheetStep]
) -> Iterator[tuple[Address, Address, Address]]:
    """The neurons whose weights aren't at the same distance as their neighbours', the weight that
    each uses and its own. Neighbours are sums of a row that are equally long and evenly spaced."""
    losses = [cell for step in steps for cell in step.loss.cells]
    behind = training.flow.behind(losses, training.weight_cells)
    used = Counter(source for cell in behind for source in training.flow.sources(cell))
    layers: defaultdict[object, list[tuple[Address, Sum]]] = defaultdict(list)
    for cell in sorted(behind):
        added = _added(training, cell)
        if added:
            layers[len(added), training.axis.crossing(cell)].append((cell, added))
    for layer in layers.values():
        if len(layer) < FEWEST or len({b - a for (a, _), (b, _) in pairwise(layer)}) > 1:
            continue
        for weights in zip(*(added for _, added in layer), strict=True):
            k, right = _departing(weights) or (0, weights[0])
            untrained = not {weights[k], right} & training.weight_cells.keys()
            is_number = isinstance(training.book.values.get(right), float)
            if untrained and is_number and not used[right] and used[weights[k]] > 1:
                yield layer[k][0], weights[k], right


def _added(training: SheetTraining, cell: Address) -> Sum:
    """The cells of a sum of products, in order; () for any other formula."""
    pattern = training.book.patterns.get(cell)
    form = pattern.form if pattern else None
    words = (
        [pattern.word_for(part) for part in _products(form.expression)] if pattern and form else []
    )
    found = [training.cell_of(Reference(word), cell) for word in words]
    known = tuple(place for place in found if place is not None)
    return known if len(known) == len(found) > 2 else ()


@once
def _products(form: Expression) -> list[Reference]:
    """The factors of a sum of products, in order; none for any other formula."""
    found: list[Reference] = []
    for sign, term in terms(form):
        own = [part.part for part in factors(term).parts if part.above]
        alone = [part for part in own if isinstance(part, Reference)]
        if sign < 0 or len(own) > 2 or not len(alone) == len(own) == len(list(references(term))):
            return []
        found += alone
    return found


def _departing(weights: Sequence[Address]) -> tuple[int, Address] | None:
    """The index of the only weight that isn't evenly spaced, and the right weight."""
    for first, second in combinations(range(len(weights)), 2):
        pace, rest = divmod(weights[second] - weights[first], second - first)
        expected = [weights[first] + pace * (k - first) for k in range(len(weights))]
        odd = [k for k, cell in enumerate(weights) if cell != expected[k]]
        if pace and not rest and len(odd) == 1:
            return odd[0], expected[odd[0]]
    return None


# Typed numbers --------------------------------------------------------------------------


def types_the_same(training: SheetTraining, finding: Finding) -> bool:
    """Whether formulas only contain a typed number where a cell with that number belongs, the same
    cell in every step."""
    book, reader, used = training.book, training.book.reader, set[Address]()
    if finding.kind != EditKind.NUMBER.value or not finding.fixes:
        return False
    for cell in finding.cells_in(book):
        own = book.read_typed(cell).expression if cell in book.patterns else None
        right = reader.read_typed(finding.fixes[name_of(cell)].removeprefix("="), cell).expression
        if own is None or right is None:
            return False
        kept = {reference.text for reference in references(own)}
        new = {part.text for part in references(right)} - kept
        places = {text: at for text in new if (at := reader.cell(text, cell)) is not None}
        numbers: dict[Expression, Expression] = {
            Reference(text): Number(value)
            for text, at in places.items()
            if at not in training.varying and isinstance(value := book.values.get(at), float)
        }
        used.update(places.values())
        if write(replace_parts(right, numbers.get)) != write(own):
            return False
    return len(used) == 1


def note_of_typed(training: SheetTraining, finding: Finding) -> str:
    return Message(
        "{cells} contains a typed number that is the same as in {formula}: if the cell changes, "
        "the number doesn't",
        cells=training.place_of(*finding.cells_in(training.book)),
        formula=finding.expected,
    )


# Old values ---------------------------------------------------------------------------

NEAR = 1e-6  # relative: some programs store no more digits, and errors grow along a formula
FAINT = 1e-9  # relative to the summands: a difference of equal numbers is only noise
OLD_VALUE = Message(
    "the value in the file isn't the result of the formula: recalculate and save the workbook"
)


def stale_findings(training: SheetTraining, groups: Sequence[Sequence[SheetStep]]) -> list[Finding]:
    """Findings for old values, column by column, if recalculating changes them: cells that only
    seem to belong to one step don't change."""
    book, evaluation = training.book, Evaluation(training.book, training.flow)
    columns: defaultdict[tuple[int, int], list[Address]] = defaultdict(list)
    for group in () if book.recalculates else groups:
        for cell in _stale(StepUnderTest.of(training, group)):
            kept = book.values[cell]
            if not isinstance(kept, float) or not isclose(
                evaluation.value(cell), kept, rel_tol=NEAR
            ):
                columns[training.axis.line(cell)].append(cell)
    lines = (own for cells in columns.values() for own in by_sheet(cells))
    found = [finding_in(book, c, STALE, training.name_of(c[0]), OLD_VALUE) for c in lines]
    return [replace(finding, expected=finding.formula) for finding in found]


def _stale(tested: StepUnderTest) -> list[Address]:
    """Cells of similar steps whose values differ from what the step's weights give; none if a part
    of the step couldn't be computed, or the file has fewer digits of it."""
    graph = tested.graph
    with suppress(NotUnderstood):
        whole = [claim for options in tested.step.claims for claim in options[:1] if claim.whole]
        owners = [graph.node(claim.owner) for claim in whole]
        worked = [tested.loss, *map(tested.claim_node, whole), *owners]
        if worked and not any(node.op.name == SHOWN for node in graph.graph.nodes):
            formulas = tested.training.computed_cells & tested.training.book.patterns.keys()
            return [
                at
                for cell, node in list(graph.known.items())
                if isinstance(node, Node) and cell in formulas and cell in tested.positions.places
                for at in _old(tested, cell, node)
            ]
    return []


def _old(tested: StepUnderTest, cell: Address, node: Node) -> list[Address]:
    """The counterparts of a cell in the similar steps, if their values are old."""
    values = tested.training.book.values
    there = [tested.positions.there(cell, step) for step in tested.alike]
    given = np.array([x if isinstance(x := values.get(at), float) else np.nan for at in there])
    computed = np.broadcast_to(tested.sheet.of(node), given.shape)
    with np.errstate(all="ignore"):
        largest = np.nanmax(tested.sheet.size(node), initial=0)
        apart = np.abs(given - computed) > NEAR * np.abs(computed) + FAINT * largest
    return [at for at, is_old in zip(there, apart & np.isfinite(computed), strict=True) if is_old]


# Roundings ----------------------------------------------------------------------------


@dataclass(frozen=True)
class WeightScale:
    """The scale of weights: a cell to multiples of which they are rounded."""

    cell: Address
    made_of: tuple[Address, ...]  # the weights that it is computed from, in order
    levels: Mapping[Address, Address]  # each cell with a multiple of it → the weight

    @property
    def weights(self) -> tuple[Address, ...]:
        """The weights that are rounded to its multiples."""
        return tuple(sorted(set(self.levels.values())))


def level_findings(
    training: SheetTraining, groups: Sequence[Sequence[SheetStep]]
) -> Iterator[Finding]:
    """Findings for levels with another weight's scale, and scales not computed from all weights."""
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
            kind, quantity = EditKind.REFERENCE.value, training.name_of(own[0])
            yield finding_in(training.book, own, kind, quantity, why, right=right)


def rounded_gradients(training: SheetTraining, steps: Sequence[SheetStep]) -> Iterator[Finding]:
    """Findings for a minority of gradients that are rounded, so that small steps are lost."""
    claims = steps[0].claims if steps else ()
    said = {j: said_in(training.book, own[0].owner) for j, own in enumerate(claims) if own}
    rounded = [
        j for j, call in said.items() if isinstance(call, Call) and call.function in ROUNDING
    ]
    for j in rounded if 2 * len(rounded) < len(claims) else ():
        cells, name = [s.claims[j][0].owner for s in steps if s.claims[j]], training.names[j]
        match training.book.read_typed(cells[0]).expression:
            case Call(function, (taken, *others)) if taken is not None:
                inside = training.book.reader.read_typed(write(taken), cells[0])
                why = Message(
                    "{part} is applied once too often: x itself belongs there",
                    part=write(Call(function, (Reference("x"), *others))),
                )
                for own in by_sheet(cells):
                    kind, quantity = EditKind.FUNCTION.value, f"∂E/∂{name}"
                    yield finding_in(training.book, own, kind, quantity, why, name, inside)


def _scales(tested: StepUnderTest) -> list[WeightScale]:
    """The scales of a step's weights, if they are computed from weights."""
    known, flow = tested.graph.known, tested.training.flow
    leaves, own = tested.graph.leaf_cells, set(tested.step.own)
    levels: defaultdict[Address, dict[Address, Address]] = defaultdict(dict)
    try:
        assert tested.loss.index >= 0  # computes every cell on the path to it
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
    """The wrong cells, with reasons and right formulas: levels whose weight belongs to another
    scale, or otherwise the scale."""
    names = dict(zip(tested.step.weights, tested.training.names, strict=True))
    for scale in scales:
        strange = {cell: w for cell, w in scale.levels.items() if w not in scale.made_of}
        others = {cell: [s for s in scales if w in s.made_of] for cell, w in strange.items()}
        is_known = all(len(found) == 1 for found in others.values())
        for cell, (other,) in others.items() if is_known else ():
            why = Message(
                "{scale} isn't the scale of {weight}: it is computed from other weights",
                scale=tested.training.book.name_of(scale.cell, cell),
                weight=names[strange[cell]],
            )
            yield cell, why, tested.training.book.renamed(cell, cell, {scale.cell: other.cell})
        if not is_known:
            why = Message(
                "{scale} is the scale of {weights}, but isn't computed from all of them",
                scale=name_of(scale.cell),
                weights=enumerated([names[w] for w in scale.weights]),
            )
            yield scale.cell, why, _like(tested, scale, scales)


def _like(
    tested: StepUnderTest, scale: WeightScale, scales: Sequence[WeightScale]
) -> Pattern | None:
    """The formula of a right scale, adapted to these weights; None if there is none."""
    for other in scales:
        if other.made_of == other.weights and len(other.weights) == len(scale.weights):
            instead = dict(zip(other.weights, scale.weights, strict=True))
            return tested.training.book.renamed(other.cell, scale.cell, instead)
    return None
