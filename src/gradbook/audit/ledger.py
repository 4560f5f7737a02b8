"""The last word on a training: no cell of its steps is left without a part in them.

The judges examine the weights and the gradients that they recognise. Here every cell that a loss or
an update needs must have a part: it is a weight, computed from the step's own weights, a memory, or
doesn't depend on any. By position alone each is compared with its copies in the other steps. What
continues from the step before must be a weight that was examined, and a gradient that is computed
must be used.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from operator import add

from gradbook.audit.findings import ANOTHER_ROW, Finding, finding_in, typed_in
from gradbook.audit.judge.update_judgement import FROM_ANOTHER, KIND, update_like
from gradbook.audit.step.tested_step import StepUnderTest
from gradbook.audit.training.sheet_training import SheetTraining
from gradbook.audit.training.training_steps import SheetStep
from gradbook.audit.training.weight_columns import bases_of
from gradbook.cells.formula.address import (
    SHEET,
    Address,
    by_sheet,
    name_of,
    sheet_of,
)
from gradbook.cells.formula.formula_values import NotUnderstood
from gradbook.cells.formula.pattern import rename_cells_in
from gradbook.graph.chain import gradients
from gradbook.language.message import Message

NEAR = 1e-9  # relative
TINY = 1e-15
FEWEST = 2  # updates of a weight
MOST_LEAVES = 200  # cells of a step that may be weights


@dataclass(frozen=True)
class Ledger:
    """Cells that have no right part in the steps: findings, or notes on what isn't known."""

    findings: tuple[Finding, ...] = ()
    unaccounted: tuple[Message, ...] = ()


def ledger_of(
    training: SheetTraining, steps: Sequence[SheetStep], groups: Sequence[Sequence[SheetStep]]
) -> Ledger:
    """The last word on a training, after what the other judges found is mended."""
    strange: list[Finding | Message] = [*_typed_updates(training), *_repeated_updates(training)]
    strange += _strange_states(training, steps)
    findings = [one for one in strange if isinstance(one, Finding)]
    if not strange:
        strange = [one for group in groups[:1] for one in _unused_gradients(training, group[0])]
        findings += [one for one in strange if isinstance(one, Finding)]
    notes = dict.fromkeys(one for one in strange if isinstance(one, Message))
    return Ledger(tuple(findings), tuple(notes))


# Weights that are typed where others are updated ---------------------------------------------


def _typed_updates(training: SheetTraining) -> Iterator[Finding]:
    """The numbers of weights in steps in which most of the others are computed: where a training
    begins anew, all of them are typed."""
    book, weights = training.book, training.weights
    computed = Counter(k for w in weights for k, c in enumerate(w.cells) if c in book.patterns)
    for weight in weights:
        typed = [
            cell
            for k, cell in enumerate(weight.cells)
            if k
            and 2 * computed[k] > len(weights)
            and isinstance(book.values.get(cell), float)
            and cell not in book.patterns
        ]
        models = [cell for cell in weight.updates if cell in book.patterns]
        for cells in by_sheet(typed) if models else ():
            name = training.name_of(weight.start)
            kind, why = typed_in(book, cells[0], name)
            right = book.reader.read_typed(book.patterns[models[0]].text_at(cells[0]), cells[0])
            yield finding_in(book, cells, kind, name, why, name, right)


def _repeated_updates(training: SheetTraining) -> Iterator[Finding]:
    """Weights that go on, on a further sheet or beneath a note, from a state of an earlier run that
    its next step has updated already: what came after it is lost."""
    book = training.book
    for weight in training.weights:
        start, pattern = weight.start, book.patterns.get(weight.start)
        if pattern is None:
            continue
        for base in (place.at(start) for place in bases_of(pattern)):
            last = base and _end_of_run(training, base, weight.stride, start)
            if base is None or last is None or last == base:
                continue
            follow = _moved_to(training, base, last, start)
            right = book.reader.read_typed(rename_cells_in(pattern.text_at(start), follow), start)
            name = training.name_of(start)
            why = Message(
                "{cell} continues from {base}, as {next} does: {last} is the last before it",
                cell=name_of(start),
                base=book.name_of(base, start),
                next=book.name_of(base + weight.stride, start),
                last=book.name_of(last, start),
            )
            yield finding_in(book, [start], ANOTHER_ROW, name, why, name, right)


def _end_of_run(
    training: SheetTraining, base: Address, stride: int, start: Address
) -> Address | None:
    """Where the run ends that a start continues from a base; None if the start is another way to
    go on from there than that of the run."""
    book, flow, axis = training.book, training.flow, training.axis
    last, sources = base, flow.sources(start)
    while (cell := last + stride) != start and axis.beside(base) == axis.beside(start):
        pattern = book.patterns.get(cell)
        if pattern is None or last not in [place.at(cell) for place in bases_of(pattern)]:
            break
        both = list(zip(flow.sources(cell), sources, strict=False))
        moved = [(a, b) for a, b in both if a != b and axis.beside(a) != axis.beside(b)]
        if moved or pattern.shape != book.patterns[start].shape:
            return None
        last = cell
    return last


def _moved_to(
    training: SheetTraining, base: Address, last: Address, home: Address
) -> Callable[[str], str]:
    """How a formula's references to one step become those to a later one."""
    book, along = training.book, training.axis.along
    varying = training.flow.below([base]) | {base}

    def follow(reference: str) -> str:
        at = book.reader.cell(reference, home)
        if at is None or at not in varying or along(at) != along(base):
            return reference
        return book.name_of(at + last - base, home)

    return follow


# Cells that continue from the step before, and are no weights ------------------------------


def _strange_states(
    training: SheetTraining, steps: Sequence[SheetStep]
) -> Iterator[Finding | Message]:
    """What is said of cells on the way to a loss that come from the weights of the step before,
    though they are no weights themselves: something updates them, perhaps another's update."""
    if training.steps < FEWEST or len(training.strides) > 1:
        return
    (stride,) = training.strides
    for step in steps[FEWEST : FEWEST + 1] or steps[1:2]:
        for cell in _edge(training, step):
            yield from _said_of_state(training, cell, stride)


def _edge(training: SheetTraining, step: SheetStep) -> list[Address]:
    """The cells that a step's loss uses, and that depend on weights, but not on its own."""
    if step.loss.assumption is not None:
        return []
    flow, weights = training.flow, training.weight_cells
    tested = StepUnderTest.of(training, [step])
    own = flow.below(step.own, weights)
    used = own | tested.loss_cells
    behind = flow.behind(tested.loss_cells, weights) & training.computed_cells - own
    return sorted(
        cell
        for cell in behind
        if any(user in used and not training.before(user, cell) for user in flow.users[cell])
    )


def _said_of_state(
    training: SheetTraining, cell: Address, stride: int
) -> Iterator[Finding | Message]:
    book, before = training.book, cell - stride
    update = training.flow.plain(cell, training.weight_cells)
    pattern = book.patterns.get(update)
    bases = [place.at(update) for place in bases_of(pattern)] if pattern else []
    if training.before(cell, before) and before in training.flow.sources(cell):
        return  # a memory
    name = training.name_of(cell)
    states = training.weight_cells, training.varying  # cells with a place in each step
    foreign = next((b for b in bases if b is not None and any(b in some for some in states)), None)
    if before in bases or foreign is None or pattern is None:
        yield _not_accounted(training, _line(training, cell, stride))
        return
    orphans = [
        other
        for other in training.flow.users.get(before, ())
        if other not in training.update_cells
        and not training.flow.users.get(other)
        and any(place.at(other) == before for place in bases_of(book.patterns[other]))
    ]
    if update != cell and orphans:
        wrong, taken, meant = cell, update, orphans[0]
    else:
        wrong, taken, meant = update, foreign, before
    right = book.with_another_cell(wrong, taken, book.name_of(meant, wrong))
    for cells in by_sheet(_line(training, wrong, stride)):
        away = (sheet_of(cells[0]) - sheet_of(wrong)) * SHEET
        why = Message(
            FROM_ANOTHER,
            cell=name_of(wrong),
            other=book.name_of(taken + away, wrong + away),
            own=book.name_of(meant + away, wrong + away),
        )
        there = training.on_sheet_of(cells[0], right)
        yield finding_in(book, cells, KIND, name, why, name, there)


def _line(training: SheetTraining, cell: Address, stride: int) -> list[Address]:
    """The cell's copies in all steps."""
    patterns, found = training.book.patterns, [cell]
    for pace in (-stride, stride):
        other = cell + pace
        while other in patterns and patterns[other].shape == patterns[cell].shape:
            found.append(other)
            other += pace
    return sorted(found)


def _not_accounted(training: SheetTraining, cells: Iterable[Address]) -> Message:
    sheets = by_sheet(cells)
    return Message(
        "not accounted for: {cells} ({name}) continues from the step before, but isn't a weight "
        "that was examined",
        cells=training.place_of(*sheets[0]),
        name=training.name_of(sheets[0][0]),
    )


# Gradients that nothing uses -----------------------------------------------------------------


def _unused_gradients(training: SheetTraining, step: SheetStep) -> Iterator[Finding | Message]:
    """What is said of gradients of cells that no update changes: a weight that is only carried on,
    or stays as it is."""
    flow = training.flow
    tested = StepUnderTest.of(training, [step])
    if step.loss.assumption is not None:
        return
    unused: defaultdict[Address, list[list[Address]]] = defaultdict(list)
    claimed = {claim.owner for options in tested.step.claims for claim in options}
    with suppress(NotUnderstood):
        loss = tested.loss
        of_weights = {c for c in tested.step.weights if c is not None}
        leaves = {c: n for n, c in tested.graph.leaf_cells.items() if c not in of_weights}
        if not 0 < len(leaves) <= MOST_LEAVES:
            return
        slopes = gradients(loss, list(leaves.values()))
        needed = training.needed
        lines: defaultdict[object, list[Address]] = defaultdict(list)  # a sum's parts, by line
        for cell in tested.positions.unused_formulas:
            if cell not in claimed and cell not in needed:
                lines[training.axis.line(cell)].append(cell)
        for cells in lines.values():
            mentioned = set(chain.from_iterable(map(flow.sources, cells)))
            last = [cell for cell in cells if cell not in mentioned]  # such as a mean beneath them
            for some in dict.fromkeys(map(tuple, (cells, cells[:1], last))):
                computed = reduce(add, map(tested.graph.node, some))
                if tested.random.is_noise(computed):
                    continue
                for leaf, node in leaves.items():
                    if tested.same(computed, slopes[node]):
                        unused[leaf].append(list(some))
    patterns = training.book.patterns
    used = (cell for weight in training.weights for cell in flow.sources(weight.updates[0]))
    shapes = Counter(patterns[cell].shape for cell in used if cell in patterns)
    for leaf, each in unused.items():
        # a velocity may equal the gradient in the first step: that like which updates use
        likeliest = max(each, key=lambda cells: shapes[patterns[cells[0]].shape])
        yield from _said_of_unused(tested, likeliest, leaf)


def _said_of_unused(
    tested: StepUnderTest, gradients: Sequence[Address], leaf: Address
) -> Iterator[Finding | Message]:
    training, gradient = tested.training, gradients[0]
    name = training.name_of(leaf)
    book, carried = training.book, _carried(training, leaf)
    idle = (
        cell
        for cell in training.flow.users.get(gradient, ())
        if any(place.at(cell) == leaf for place in bases_of(book.patterns[cell]))
    )
    if not carried:
        yield Message(
            "not accounted for: {cell} is the gradient of {leaf} ({name}), and nothing uses it",
            cell=training.place_of(*gradients),
            leaf=training.place_of(leaf),
            name=name,
        )
        return
    update, stride = next(idle, None), carried[0] - leaf
    right = None if update is not None else update_like(tested, gradients, leaf, carried[0])
    for cells in by_sheet(carried):
        cell, before = cells[0], cells[0] - stride
        if update is not None:  # which is computed already, in each step
            right = book.reader.read_typed(book.name_of(update + before - leaf, cell), cell)
        why = Message(
            "{cell} only repeats {name}, though {gradient} is its gradient: the learning rate "
            "times the gradient must be subtracted",
            cell=name_of(cell),
            name=name if name != name_of(leaf) else book.name_of(before, cell),
            gradient=book.ranges(gradients, cell),
        )
        yield finding_in(book, cells, KIND, name, why, name, right)


def _carried(training: SheetTraining, leaf: Address) -> list[Address]:
    """The cells that repeat a number from step to step."""
    strides = training.strides
    found, (stride,) = [leaf], strides if len(strides) == 1 else (0,)
    patterns = training.book.patterns
    while stride and found[-1] + stride in patterns:
        cell = found[-1] + stride
        if training.flow.plain(cell) != leaf:
            break
        found.append(cell)
    return found[1:]


# What is beside the steps ------------------------------------------------------------------


def idle_notes(training: SheetTraining) -> Iterator[Message]:
    """Remarks on what a right training has no use for: memories of gradients, blank cells that its
    formulas take for 0, and coefficients beside those that it uses."""
    book, flow, line = training.book, training.flow, training.axis.line
    needed = training.needed
    memories: defaultdict[object, list[Address]] = defaultdict(list)
    for cell in training.looking_back:
        memories[line(cell)].append(cell)
    for cells in map(sorted, memories.values()):
        is_idle = len(cells) >= FEWEST and needed.isdisjoint(cells)
        if is_idle and not training.varying.isdisjoint(flow.sources(cells[0])):
            yield Message(
                "{cells} ({name}) is carried from step to step, but no update uses it",
                cells=training.place_of(*cells),
                name=training.name_of(cells[0]),
            )
    for at, cell in sorted(training.fixed_references.items()):
        if not book.is_blank(at) or training.label(at):
            continue
        yield Message(
            "{cell} is blank: it counts as 0 in {formula}, in every step",
            cell=training.place_of(at),
            formula=training.place_of(cell),
        )
    for at in training.idle_coefficients:
        yield Message(
            "no formula uses {cell} ({name})", cell=training.place_of(at), name=training.label(at)
        )
