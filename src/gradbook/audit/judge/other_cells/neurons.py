"""Neurons that stand beside each other and add up alike, and one that takes another's weight.

Where weights are trained, their gradients tell of it. This is for layers that nothing trains.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from gradbook.audit.findings.findings import Finding, finding_in
from gradbook.audit.formula.address import Address, by_sheet, written
from gradbook.audit.formula.edits import EditKind
from gradbook.audit.formula.expression import factors, once, references, terms
from gradbook.audit.formula.pattern import Pattern, relaid
from gradbook.audit.training.steps import SheetStep
from gradbook.audit.training.training import SheetTraining
from gradbook.targets.excel.language.grammar import Expression, Reference

FEWEST = 4  # neurons of a layer: two tell how its weights go on, a third confirms it
Sum = tuple[Address, ...]  # the cells that a neuron multiplies and adds up, in order


@dataclass(frozen=True)
class OddNeuron:
    """A neuron that takes one weight for another."""

    cell: Address
    taken: Address
    expected: Address


def neuron_findings(training: SheetTraining, steps: Sequence[SheetStep]) -> Iterator[Finding]:
    """The neurons that leave out a weight of their own, in all steps together."""
    losses = [cell for step in steps for cell in step.loss.cells]
    lines: defaultdict[object, dict[Address, OddNeuron]] = defaultdict(dict)
    for odd in _odd_ones(training, training.flow.behind(losses, training.weight_cells)):
        line = training.axis.line(odd.cell), odd.taken - odd.cell, odd.expected - odd.cell
        lines[line].setdefault(odd.cell, odd)
    for found in lines.values():
        for cells in by_sheet(found):
            yield _finding(training, [found[cell] for cell in cells])


def _finding(training: SheetTraining, odd: Sequence[OddNeuron]) -> Finding:
    book, first = training.book, odd[0]
    taken, expected = written(first.taken), written(first.expected)
    why = f"{taken} is another neuron's weight, and nothing uses {expected}, the one left over here"
    quantity = book.label(first.cell, training.axis) or written(first.cell)
    kind, right = EditKind.REFERENCE.value, _corrected(training, first)
    return finding_in(book, [one.cell for one in odd], kind, quantity, why, right=right)


def _corrected(training: SheetTraining, odd: OddNeuron) -> Pattern:
    book = training.book

    def follow(reference: str) -> str:
        taken = book.reader.cell(reference, odd.cell) == odd.taken
        return book.called(odd.expected, odd.cell) if taken else reference

    return book.reader.typed(relaid(book.patterns[odd.cell].text_at(odd.cell), follow), odd.cell)


def _odd_ones(training: SheetTraining, behind: Collection[Address]) -> Iterator[OddNeuron]:
    """Neurons whose weights don't go on as those of the others beside them do."""
    used = Counter(source for cell in behind for source in training.flow.sources(cell))
    for layer in _layers(training, behind):
        for place in range(len(layer[0][1])):
            for odd in _departing(layer, place):
                untrained = not {odd.taken, odd.expected} & training.weight_cells.keys()
                is_number = isinstance(training.book.values.get(odd.expected), float)
                if untrained and is_number and not used[odd.expected] and used[odd.taken] > 1:
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
