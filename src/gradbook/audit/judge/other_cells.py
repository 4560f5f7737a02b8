"""Cells that are neither gradients nor updates: blanks, old values, neurons that nothing trains.

A blank cell counts as 0, and gradients of a loss with a 0 in it are easily right, so an empty
column is reported before anything is judged. Neurons beside each other add up alike; where nothing
trains their weights, no gradient would tell that one takes another's weight. Values are old in a
file that was changed and not recalculated.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

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
from gradbook.audit.formula.pattern import Pattern, rename_cells_in
from gradbook.audit.formula.rounding import SHOWN
from gradbook.audit.step.under_test import StepUnderTest
from gradbook.audit.training.steps import SheetStep, inside_of
from gradbook.audit.training.training import SheetTraining
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.heading_words import LOSS, calls
from gradbook.graph.node import Node
from gradbook.language.message import Message
from gradbook.targets.excel.language import Expression, Reference

# Blank cells --------------------------------------------------------------------------


def blank_columns(training: SheetTraining) -> list[Finding]:
    """The blank columns of a training's own table that its formulas take for 0."""
    return [found for column in _columns(training) for found in _taken(training, *column)]


def blank_cells(training: SheetTraining) -> Iterator[Finding]:
    """Single blank cells in columns of formulas that others take for 0."""
    book = training.book
    for heading, cells in _columns(training):
        blank = [c for c in cells if book.is_blank(c) and any(_users(training, c))]
        formulas = Counter(book.patterns[cell] for cell in cells if cell in book.patterns)
        if 0 < len(blank) < formulas.total():
            ((right, _),) = formulas.most_common(1)
            kind, why = typed_in(book, blank[0], heading)
            yield finding_in(book, blank, kind, quantity=heading, why=why, right=right)


def blank_factors(training: SheetTraining, losses: Iterable[Address]) -> Iterator[Finding]:
    """Formulas on the way to the losses that are a product with a blank cell, and so always 0:
    behind a ReLU every gradient agrees with that."""
    book = training.book
    inside = set().union(*(inside_of(training, cell) for cell in losses))
    alike: defaultdict[Pattern, list[Address]] = defaultdict(list)
    for cell in sorted(inside & book.patterns.keys() - training.weight_cells.keys()):
        alike[book.patterns[cell]].append(cell)
    for pattern, cells in alike.items():
        blank = _blank_factor(training, pattern, cells)
        if blank is not None:
            heading = training.name_of(cells[0])
            why = Message(
                "{cell} is blank: this product is 0 in every step",
                cell=book.name_of(blank, cells[0]),
            )
            yield finding_in(book, cells, BLANK_REFERENCE, quantity=heading, why=why)


def _blank_factor(
    training: SheetTraining, pattern: Pattern, cells: Sequence[Address]
) -> Address | None:
    """The first of the blank cells that one factor of a product is, in all these cells. One with a
    heading may be an input that is 0."""
    book = training.book
    if pattern.expression is None or len(terms(pattern.expression)) > 1:
        return None
    parts = factors(pattern.expression).parts
    for factor in parts if len(parts) > 1 else ():
        place = pattern.place_of(factor.part)
        found = [place.at(cell) for cell in cells] if place else []
        if found and all(at is not None and _is_bare(book, at) for at in found):
            return found[0]
    return None


def _is_bare(book: Book, cell: Address) -> bool:
    """Whether nothing stands in a cell, and no heading beside or above it."""
    return book.is_blank(cell) and not any(book.label(cell, axis) for axis in (DOWN, ACROSS))


def blank_losses(training: SheetTraining) -> list[Finding]:
    """Columns that are headed as a loss and blank, which no formula takes."""
    return [
        _blank_finding(training, cells, heading, Message("it is the loss"))
        for heading, cells in _columns(training)
        if all(map(training.book.is_blank, cells))
        and calls(LOSS, heading)
        and not any(training.flow.users.get(cell) for cell in cells)
    ]


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


def _taken(training: SheetTraining, heading: str, cells: Sequence[Address]) -> Iterator[Finding]:
    blank = list(filter(training.book.is_blank, cells))
    if blank == [cells[0]] and cells[0] in training.flow.sources(cells[1]):
        what = Message("{name} has no value to begin with", name=heading)
        yield _blank_finding(training, blank, heading, what)
    elif blank and set(blank) >= set(cells[1:-1] or cells[:1]):  # the last row may lack it
        user = next((user for cell in blank for user in _users(training, cell)), None)
        if user is not None:
            what = Message("{cell} takes it for 0", cell=name_of(user))
            yield _blank_finding(training, blank, heading, what)


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
    return finding_in(training.book, cells, TO_FILL_IN, quantity=heading, why=why)


# Neurons that nothing trains ----------------------------------------------------------

FEWEST = 4  # neurons of a layer: two tell how its weights go on, a third confirms it
Sum = tuple[Address, ...]  # the cells that a neuron multiplies and adds up, in order


@dataclass(frozen=True)
class OddNeuron:
    """A neuron that takes one weight for another."""

    cell: Address
    actual: Address
    right: Address


def neuron_findings(training: SheetTraining, steps: Sequence[SheetStep]) -> Iterator[Finding]:
    """The neurons that leave out a weight of their own, in all steps together."""
    losses = [cell for step in steps for cell in step.loss.cells]
    lines: defaultdict[object, dict[Address, OddNeuron]] = defaultdict(dict)
    for odd in _odd_ones(training, training.flow.behind(losses, training.weight_cells)):
        line = training.axis.line(odd.cell), odd.actual - odd.cell, odd.right - odd.cell
        lines[line].setdefault(odd.cell, odd)
    for found in lines.values():
        for cells in by_sheet(found):
            yield _neuron_finding(training, [found[cell] for cell in cells])


def _neuron_finding(training: SheetTraining, odd: Sequence[OddNeuron]) -> Finding:
    book, first = training.book, odd[0]
    taken, expected = name_of(first.actual), name_of(first.right)
    why = Message(
        "{taken} is another neuron's weight, and nothing uses {left_over}, the one left over here",
        taken=taken,
        left_over=expected,
    )
    quantity = training.name_of(first.cell)
    kind, right = EditKind.REFERENCE.value, _corrected(training, first)
    return finding_in(book, [one.cell for one in odd], kind, quantity, why, right=right)


def _corrected(training: SheetTraining, odd: OddNeuron) -> Pattern:
    book = training.book

    def follow(reference: str) -> str:
        taken = book.reader.cell(reference, odd.cell) == odd.actual
        return book.name_of(odd.right, odd.cell) if taken else reference

    return book.reader.read_typed(
        rename_cells_in(book.patterns[odd.cell].text_at(odd.cell), follow), odd.cell
    )


def _odd_ones(training: SheetTraining, behind: Collection[Address]) -> Iterator[OddNeuron]:
    """Yield the neurons whose weights don't follow on as those of their neighbours do."""
    used = Counter(source for cell in behind for source in training.flow.sources(cell))
    for layer in _layers(training, behind):
        for place in range(len(layer[0][1])):
            for odd in _departing(layer, place):
                untrained = not {odd.actual, odd.right} & training.weight_cells.keys()
                is_number = isinstance(training.book.values.get(odd.right), float)
                if untrained and is_number and not used[odd.right] and used[odd.actual] > 1:
                    yield odd


def _layers(
    training: SheetTraining, behind: Collection[Address]
) -> Iterator[list[tuple[Address, Sum]]]:
    """The sums of a row that are equally long, with equal distances from each to the next."""
    alike: defaultdict[object, list[tuple[Address, Sum]]] = defaultdict(list)
    for cell in sorted(behind):
        added = _added(training, cell)
        if added:
            alike[len(added), training.axis.crossing(cell)].append((cell, added))
    for neurons in alike.values():
        apart = {b - a for (a, _), (b, _) in pairwise(neurons)}
        if len(neurons) >= FEWEST and len(apart) == 1:
            yield neurons


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


def _departing(layer: Sequence[tuple[Address, Sum]], place: int) -> Iterator[OddNeuron]:
    """The one neuron whose weight at a place isn't the next after its neighbour's, if it is one."""
    taken = [added[place] for _, added in layer]
    for first, second in combinations(range(len(layer)), 2):
        pace, rest = divmod(taken[second] - taken[first], second - first)
        if rest or not pace:
            continue
        expected = [taken[first] + pace * (k - first) for k in range(len(layer))]
        odd = [k for k in range(len(layer)) if taken[k] != expected[k]]
        if len(odd) == 1:
            yield OddNeuron(layer[odd[0]][0], taken[odd[0]], expected[odd[0]])
            return


# Old values ---------------------------------------------------------------------------

NEAR = 1e-6  # of a value: some programs keep no more digits, and errors grow along a formula
FAINT = 1e-9  # of what it adds up: of a difference of equal numbers only noise is left
OLD_VALUE = Message(
    "the value in the file isn't what the formula gives: recalculate and save the workbook"
)


def stale_findings(training: SheetTraining, groups: Sequence[Sequence[SheetStep]]) -> list[Finding]:
    """The cells whose values are old, column by column."""
    if training.book.recalculates:
        return []
    columns: defaultdict[tuple[int, int], list[Address]] = defaultdict(list)
    for group in groups:
        for cell in _stale(StepUnderTest.of(training, group)):
            columns[training.axis.line(cell)].append(cell)
    lines = (own for cells in columns.values() for own in by_sheet(cells))
    return [_stale_finding(training, cells) for cells in lines]


def _stale_finding(training: SheetTraining, cells: Sequence[Address]) -> Finding:
    quantity = training.name_of(cells[0])
    found = finding_in(training.book, cells, STALE, quantity=quantity, why=OLD_VALUE)
    return replace(found, expected=found.formula)


def _stale(tested: StepUnderTest) -> list[Address]:
    """Cells of like steps whose values differ from what their step's weights make of them."""
    if not _could_be_worked(tested):
        return []
    if any(node.op.name == SHOWN for node in tested.graph.graph.nodes):
        return []  # the file has fewer digits of it
    computed = tested.training.computed_cells & tested.training.book.patterns.keys()
    return [
        at
        for cell, node in list(tested.graph.known.items())
        if isinstance(node, Node) and cell in computed and cell in tested.positions.places
        for at in _old(tested, cell, node)
    ]


def _could_be_worked(tested: StepUnderTest) -> bool:
    """Whether the whole step, its claims included, could be worked as a graph."""
    try:
        return all(
            tested.loss is not tested.claim_node(claim)
            and tested.graph.node(claim.owner) is not None
            for options in tested.step.claims
            for claim in options[:1]
            if claim.whole
        )
    except NotUnderstood:
        return False


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
