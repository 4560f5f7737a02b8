"""The first judge: each step of a training is the same program, copied.

Every place of the steps has a formula that prevails. A cell that departs from it, and doesn't
compute the same whatever the weights are, is a mistake in this cell alone, and the prevailing
formula is its remedy: no derivative and no search is needed. All other judges read the steps with
their mistakes of this kind mended.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isclose, isnan
from random import Random

from gradbook.audit.accounting import StepPlace, step_places
from gradbook.audit.findings import (
    DEPARTING_ROW,
    Finding,
    departing_from_column,
    finding_in,
    typed_in,
)
from gradbook.audit.judge.loss import MOST_OF_THEM, find_loss
from gradbook.audit.judge.meant_updates import with_formulas
from gradbook.audit.training.claims import first_claims
from gradbook.audit.training.sheet_training import SheetTraining
from gradbook.cells.evaluate import Evaluation
from gradbook.cells.formula.address import Address, by_sheet, name_of
from gradbook.cells.formula.expression import references
from gradbook.cells.formula.pattern import Pattern, copy_formula
from gradbook.language.message import Message

NEAR = 1e-9  # relative
TINY = 1e-15
WORLDS = 6  # with other weights: enough for both sides of a kink
WIDTH = 1.1  # of the weights in them


@dataclass(frozen=True)
class OneProgram:
    """A training in which each step is the same program, and the cells that had to be mended."""

    training: SheetTraining
    findings: tuple[Finding, ...] = ()


def with_one_program(
    training: SheetTraining, losses: Collection[Address] = frozenset()
) -> OneProgram:
    """The training with the prevailing formulas in the cells that depart from them."""
    roots = training.update_cells.union(losses)
    needed = training.flow.behind(roots) | roots | set(training.weight_cells)
    findings: list[Finding] = []
    instead: dict[Address, Pattern] = {}
    worlds = Worlds(training)
    groups: defaultdict[object, dict[Address, Pattern]] = defaultdict(dict)
    for place in step_places(training, needed):
        for k, right in _departing(training, place):
            groups[training.axis.line(place.cells[k]), place.difference(k)][place.cells[k]] = right
    for rights in groups.values():
        if any(worlds.differ(cell, right) for cell, right in rights.items()):
            is_update = not training.update_cells.isdisjoint(rights)
            if is_update and find_loss(with_formulas(training, rights))[1] < find_loss(training)[1]:
                continue  # it explains fewer gradients of the first step: most are mistaken
            instead |= rights
            findings += (_finding(training, cells, rights) for cells in by_sheet(rights))
    return OneProgram(with_formulas(training, instead), tuple(findings))


def without_pasted_updates(training: SheetTraining) -> OneProgram:
    """The training with the first step's formulas in columns that are updated like weights although
    they begin with values computed from weights, if these explain the gradients: an update was
    pasted too far."""
    book, flow, starts = training.book, training.flow, {w.start for w in training.weights}
    pasted = [
        weight
        for weight in training.weights
        if weight.start in book.patterns
        and weight.updates == weight.cells[1:]
        and weight.start in flow.below(starts - {weight.start}, training.update_cells)
    ]
    kept = tuple(weight for weight in training.weights if weight not in pasted)
    if not pasted or not kept:
        return OneProgram(training)
    rights: dict[Address, dict[Address, Pattern]] = {}
    for weight in pasted:  # the formula of the first cell, copied into the others
        start, text = weight.start, book.patterns[weight.start].text_at(weight.start)
        copies = ((cell, copy_formula(text, start, cell)) for cell in weight.updates)
        rights[start] = {cell: book.reader.pattern(copy, cell) for cell, copy in copies}
    instead = {cell: right for each in rights.values() for cell, right in each.items()}
    program = with_formulas(replace(training, weights=kept), instead)
    if find_loss(program)[1] <= max(find_loss(training)[1], MOST_OF_THEM):
        return OneProgram(training)
    findings = [
        _pasted_too_far(training, start, cells, right)
        for start, right in rights.items()
        for cells in by_sheet(right)
    ]
    return OneProgram(program, tuple(findings))


def _pasted_too_far(
    training: SheetTraining,
    start: Address,
    cells: Sequence[Address],
    rights: Mapping[Address, Pattern],
) -> Finding:
    book, name = training.book, training.name_of(start)
    why = Message(
        "{cell} is updated like a weight, but {name} is computed from the weights, as in {first}: "
        "the update was pasted too far",
        cell=name_of(cells[0]),
        name=name,
        first=book.name_of(start, cells[0]),
    )
    return finding_in(book, cells, DEPARTING_ROW, name, why, right=rights[cells[0]])


def _departing(training: SheetTraining, place: StepPlace) -> Iterator[tuple[int, Pattern]]:
    """The cells of a place that aren't copies, by number, with the formulas that they should
    have. A blank that nothing uses is a gap."""
    book, flow, starts = training.book, training.flow, {w.start for w in training.weights}
    for k in place.departing():
        cell = place.cells[k]
        if book.is_blank(cell) and not flow.users.get(cell):
            continue
        if cell in starts and cell not in book.patterns:
            continue
        right = place.right(k)
        if right is not None and not training.would_use_blank(cell, right):
            yield k, right


def _finding(
    training: SheetTraining, cells: Sequence[Address], rights: Mapping[Address, Pattern]
) -> Finding:
    """A finding for cells of one sheet that differ from their copies in the same way."""
    book, first = training.book, cells[0]
    name, weight = _called(training, first)
    kind, why = typed_in(book, first, name)
    if first in book.patterns:
        kind, why = DEPARTING_ROW, _what_departs(training, first, rights[first])
    finding = finding_in(book, cells, kind, name, why, weight, rights[first])
    fixes = {name_of(cell): f"={rights[cell].text_at(cell)}" for cell in cells}
    return replace(finding, fixes=fixes)


def _what_departs(training: SheetTraining, cell: Address, right: Pattern) -> Message:
    """Say which of its cells a formula takes instead of another, if that is all."""
    has = training.book.read_typed(cell).expression
    meant = training.book.reader.read_typed(right.text_at(cell), cell).expression
    both = [[part.text for part in references(said)] if said else [] for said in (has, meant)]
    taken = [pair for pair in zip(*both, strict=False) if pair[0] != pair[1]]
    if len(both[0]) == len(both[1]) and len(taken) == 1:
        return Message(
            "{cell} uses {taken}, where its copies in the other steps use {meant}",
            cell=name_of(cell),
            taken=taken[0][0],
            meant=taken[0][1],
        )
    return departing_from_column(cell)


def _called(training: SheetTraining, cell: Address) -> tuple[str, str]:
    """What a cell contains, and the weight that it belongs to, if any."""
    if cell in training.weight_cells:
        name = training.names[training.weight_cells[cell][0]]
        return name, name
    line, both = training.axis.line, zip(training.weights, first_claims(training), strict=True)
    for (weight, options), name in zip(both, training.names, strict=True):
        for claim in options[:1]:
            is_copy = (cell - claim.owner) % weight.stride == 0 and line(claim.owner) == line(cell)
            if claim.whole and is_copy:
                return f"∂E/∂{name}", name
    return training.name_of(cell), ""


class Worlds:
    """The book's own numbers, and others of its weights: what is equal in all is the same."""

    def __init__(self, training: SheetTraining) -> None:
        book, flow = training.book, training.flow
        self.own = Evaluation(book, flow)
        self.typed = book.patterns
        self.others: list[Evaluation] = []
        for number in range(WORLDS):
            draw = Random(number)
            weights = {cell: draw.gauss(0, WIDTH) for cell in sorted(training.weight_cells)}
            first = self.others[0] if self.others else self.own
            self.others.append(first.with_numbers(weights, {}))

    def differ(self, cell: Address, right: Pattern) -> bool:
        """Whether a formula would give another number in a cell than it has."""
        instead, has = self.own.value_of(right, cell), self.own.value(cell)
        if isnan(instead) or isnan(has):
            return isnan(instead) != isnan(has)
        return not _is_close(instead, has) or any(
            not _is_close(*both) for both in self._elsewhere(cell, right)
        )

    def _elsewhere(self, cell: Address, right: Pattern) -> Iterator[tuple[float, float]]:
        pattern = self.own.book.patterns.get(cell)
        for world in self.others:
            has = world.book.values.get(cell) if pattern is None else world.value_of(pattern, cell)
            both = world.value_of(right, cell), has
            if isinstance(has, float) and not isnan(both[0]) and not isnan(has):
                yield both[0], has


def _is_close(a: float, b: float) -> bool:
    return isclose(a, b, rel_tol=NEAR, abs_tol=TINY)
