"""Cells that are neither gradients nor updates: blanks, old values, neurons that nothing trains.

A blank cell counts as 0, and gradients of a loss with a 0 in it are easily right, so an empty
column is reported before anything is judged. Neurons beside each other add up alike; where nothing
trains their weights, no gradient would tell that one takes another's weight. Values are old in a
file that was changed and not recalculated.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import combinations, pairwise
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
from gradbook.audit.formula.address import ACROSS, DOWN, Address, by_sheet, name_of, sheet_of
from gradbook.audit.formula.expression import EditKind, factors, once, references, terms
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.formula.rounding import SHOWN
from gradbook.audit.step.under_test import StepUnderTest
from gradbook.audit.training.steps import SheetStep, inside_of
from gradbook.audit.training.training import SheetTraining
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.evaluate import Evaluation
from gradbook.audit.workbook.heading_words import LOSS, calls
from gradbook.graph.node import Node
from gradbook.language.message import Message
from gradbook.targets.excel.language import Expression, Reference

# Blank cells --------------------------------------------------------------------------


def blank_columns(training: SheetTraining) -> list[Finding]:
    """The blank columns of a training's own table that its formulas take for 0."""
    found = []
    for heading, cells in _columns(training):
        blank = list(filter(training.book.is_blank, cells))
        user = next((user for cell in blank for user in _users(training, cell)), None)
        what = None
        if blank == [cells[0]] and cells[0] in training.flow.sources(cells[1]):
            what = Message("{name} has no value to begin with", name=heading)
        elif user is not None and set(blank) >= set(cells[1:-1] or cells[:1]):
            what = Message("{cell} takes it for 0", cell=name_of(user))  # the last row may lack it
        if what is not None:
            found.append(_blank_finding(training, blank, heading, what))
    return found


def blank_cells(training: SheetTraining) -> Iterator[Finding]:
    """Single blank cells in columns of formulas that others take for 0."""
    book = training.book
    for heading, cells in _columns(training):
        blank = [c for c in cells if book.is_blank(c) and any(_users(training, c))]
        formulas = Counter(book.patterns[cell] for cell in cells if cell in book.patterns)
        if 0 < len(blank) < formulas.total():
            kind, why = typed_in(book, blank[0], heading)
            right = formulas.most_common(1)[0][0]
            yield finding_in(book, blank, kind, heading, why, right=right)


def blank_losses(training: SheetTraining) -> list[Finding]:
    """Columns that are headed as a loss and blank, which no formula takes."""
    return [
        _blank_finding(training, cells, heading, Message("it is the loss"))
        for heading, cells in _columns(training)
        if all(map(training.book.is_blank, cells))
        and calls(LOSS, heading)
        and not any(training.flow.users.get(cell) for cell in cells)
    ]


def blank_factors(training: SheetTraining, losses: Iterable[Address]) -> Iterator[Finding]:
    """Formulas on the way to the losses that are a product with a blank cell, and so always 0:
    behind a ReLU every gradient agrees with that. A blank with a heading may be an input that is
    0."""
    book = training.book
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
            if place and all(_is_bare(book, place.at(cell)) for cell in cells)
        )
        first = next(blank, None)
        if first is not None:
            why = Message(
                "{cell} is blank: this product is 0 in every step",
                cell=book.name_of(first, cells[0]),
            )
            yield finding_in(book, cells, BLANK_REFERENCE, training.name_of(cells[0]), why)


def _is_bare(book: Book, cell: Address | None) -> bool:
    """Whether nothing stands in a cell, and no heading beside or above it."""
    if cell is None or not book.is_blank(cell):
        return False
    return not any(book.label(cell, axis) for axis in (DOWN, ACROSS))


def _columns(training: SheetTraining) -> Iterator[tuple[str, list[Address]]]:
    """What stands under each heading beside the weights' own, from the first row to the last."""
    start, axis, book = training.weights[0].start, training.axis, training.book
    place = book.heading_place(start, axis)
    in_rows = all(abs(stride) == axis.step for stride in training.strides)
    if place is None or not in_rows or any(s.sheet == training.sheet for s in book.not_kept):
        return
    for cell, heading in book.headings(training.sheet, axis, place):
        first = cell + (axis.along(start) - place) * axis.step
        yield heading, [first + k * axis.step for k in range(training.steps + 1)]


def _users(training: SheetTraining, cell: Address) -> Iterator[Address]:
    """The formulas on a cell's own sheet that use it, other than updates: with one gradient missing
    the rest can still be judged. Formulas on other sheets may only display it."""
    users = training.flow.users.get(cell, ())
    own = (user for user in users if sheet_of(user) == sheet_of(cell))
    return (user for user in own if user not in training.update_cells)


def _blank_finding(
    training: SheetTraining, cells: Sequence[Address], heading: str, what: str
) -> Finding:
    why = Message("{cell} is blank: {reason}", cell=name_of(cells[0]), reason=what)
    return finding_in(training.book, cells, TO_FILL_IN, heading, why)


# Neurons that nothing trains ----------------------------------------------------------

FEWEST = 4  # neurons of a layer: two tell how its weights go on, a third confirms it
Sum = tuple[Address, ...]  # the cells that a neuron multiplies and adds up, in order


def neuron_findings(training: SheetTraining, steps: Sequence[SheetStep]) -> Iterator[Finding]:
    """The neurons that take another's weight and leave out one of their own, in all steps
    together."""
    book, line = training.book, training.axis.line
    lines: defaultdict[object, dict[Address, tuple[Address, Address]]] = defaultdict(dict)
    for cell, taken, right in _odd_neurons(training, steps):
        lines[line(cell), taken - cell, right - cell].setdefault(cell, (taken, right))
    for found in lines.values():
        for cells in by_sheet(found):
            taken, right = found[cells[0]]
            why = Message(
                "{taken} is another neuron's weight, and nothing uses {left_over}, the one left "
                "over here",
                taken=name_of(taken),
                left_over=name_of(right),
            )
            formula = book.with_another_cell(cells[0], taken, book.name_of(right, cells[0]))
            kind, quantity = EditKind.REFERENCE.value, training.name_of(cells[0])
            yield finding_in(book, cells, kind, quantity, why, right=formula)


def _odd_neurons(
    training: SheetTraining, steps: Sequence[SheetStep]
) -> Iterator[tuple[Address, Address, Address]]:
    """The neurons whose weights don't follow on as those of their neighbours do, the weight that
    each takes and its own. Neighbours are the sums of a row that are equally long and equally far
    from each other."""
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
    """The cells of a sum of products, in order; () of any other formula."""
    pattern = training.book.patterns.get(cell)
    if pattern is None or pattern.form is None:
        return ()
    words = map(pattern.word_for, _products(pattern.form.expression))
    found = [training.cell_of(Reference(word), cell) for word in words]
    known = tuple(place for place in found if place is not None)
    return known if len(known) == len(found) > 2 else ()


@once
def _products(form: Expression) -> list[Reference]:
    """What a sum of products multiplies, in order; nothing of any other formula."""
    found: list[Reference] = []
    for sign, term in terms(form):
        own = [part.part for part in factors(term).parts if part.above]
        alone = [part for part in own if isinstance(part, Reference)]
        if sign < 0 or len(own) > 2 or not len(alone) == len(own) == len(list(references(term))):
            return []
        found += alone
    return found


def _departing(weights: Sequence[Address]) -> tuple[int, Address] | None:
    """The one weight that isn't the next after its neighbour's, if it is one, and which is."""
    for first, second in combinations(range(len(weights)), 2):
        pace, rest = divmod(weights[second] - weights[first], second - first)
        expected = [weights[first] + pace * (k - first) for k in range(len(weights))]
        odd = [k for k, cell in enumerate(weights) if cell != expected[k]]
        if pace and not rest and len(odd) == 1:
            return odd[0], expected[odd[0]]
    return None


# Old values ---------------------------------------------------------------------------

NEAR = 1e-6  # of a value: some programs keep no more digits, and errors grow along a formula
FAINT = 1e-9  # of what it adds up: of a difference of equal numbers only noise is left
OLD_VALUE = Message(
    "the value in the file isn't what the formula gives: recalculate and save the workbook"
)


def stale_findings(training: SheetTraining, groups: Sequence[Sequence[SheetStep]]) -> list[Finding]:
    """The cells whose values are old, column by column, where recalculating changes them: what only
    seems to be of one step does not."""
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
    """Cells of like steps whose values differ from what their step's weights make of them; none
    where a part of the step couldn't be worked, or where the file has fewer digits of it."""
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
    """The cells that stand in this one's place in the steps, where their values are old."""
    values = tested.training.book.values
    there = [tested.positions.there(cell, step) for step in tested.alike]
    given = np.array([x if isinstance(x := values.get(at), float) else np.nan for at in there])
    computed = np.broadcast_to(tested.sheet.of(node), given.shape)
    with np.errstate(all="ignore"):
        largest = np.nanmax(tested.sheet.size(node), initial=0)
        apart = np.abs(given - computed) > NEAR * np.abs(computed) + FAINT * largest
    return [at for at, is_old in zip(there, apart & np.isfinite(computed), strict=True) if is_old]
