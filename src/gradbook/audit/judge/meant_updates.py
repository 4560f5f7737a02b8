"""Reads updates as they were intended: with the learning rate, and from the previous weight.

An update that uses another cell for the rate, for example because the reference drifts from row to
row, or that starts from another weight, is reported and corrected, so that the rest can be judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from gradbook.audit.findings import BLANK_RATE, DRIFTING_RATE, WRONG_RATE, Finding, finding_in
from gradbook.audit.judge.update_judgement import UsualUpdate, alike, rate_place, usual_updates
from gradbook.audit.training.sheet_training import (
    SheetTraining,
    cells_that_depend,
    is_called_rate,
)
from gradbook.audit.training.training_steps import SheetStep
from gradbook.audit.training.weight_columns import change
from gradbook.cells.book import show_value
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import (
    ACROSS,
    DOWN,
    ROW,
    Address,
    name_of,
    row_of,
    sheet_of,
)
from gradbook.cells.formula.expression import Edit, EditKind
from gradbook.cells.formula.pattern import CellReference, Mention, Pattern, anchor
from gradbook.cells.formula.syntax import Reference
from gradbook.language.message import Message, WrittenNumber, joined

LR = "η"
USUAL_RATE = 0.5  # the usual rate in the exercise


# Another cell instead -----------------------------------------------------------------


def with_meant_updates(training: SheetTraining) -> tuple[SheetTraining, list[Finding]]:
    """The training with the learning rate in every formula that uses another cell for it, and the
    findings for these."""
    rates: list[Finding] = []
    instead: dict[Address, Pattern] = {}
    values = training.book.values
    for updates in usual_updates(training) if training.rate or training.schedule else ():
        for taken in (_rates_taken_apart(updates), _rates_taken(updates)):
            kept = {cell: at for cell, at in taken.items() if _is_rate(updates, at, cell)}
            wrong = {cell: at for cell, at in taken.items() if cell not in kept}
            same = {  # the number of the learning rate, too
                cell
                for cell, at in wrong.items()
                if at not in training.book.patterns
                and isinstance(values.get(at), float)
                and values.get(at) == values.get(_scheduled(updates, cell) or training.rate or 0)
            }
            if 2 * len(same) >= len(wrong):  # not by chance: each step may have a rate's copy
                wrong = {cell: at for cell, at in wrong.items() if cell not in same}
            if wrong:
                found, right = _corrected(updates, wrong, list(kept.values()))
                rates += found
                instead |= right
    return with_formulas(training, instead), rates


def with_formulas(training: SheetTraining, instead: Mapping[Address, Pattern]) -> SheetTraining:
    """The training with other formulas in some cells."""
    if not instead:
        return training
    book = training.book
    right = {c: book.reader.read_typed(pattern.text_at(c), c) for c, pattern in instead.items()}
    book = replace(book, patterns={**book.patterns, **right}, recalculates=True)
    flow = Flow(book)
    varying = cells_that_depend(flow, training.weights)
    return replace(training, book=book, flow=flow, varying=varying)


def _scheduled(updates: UsualUpdate, cell: Address) -> Address | None:
    """The learning rate of an update's own step, if the updates follow a schedule."""
    return dict(zip(updates.weight.updates, updates.training.schedule, strict=False)).get(cell)


def _rates_taken(updates: UsualUpdate) -> dict[Address, Address]:
    """The cell that each update uses as the learning rate, if that of a usual one is wrong."""
    training, usual, first = updates.training, updates.formula, updates.cells[0]
    patterns = training.book.patterns
    place = rate_place(training, usual, first, updates.before(first))
    if place is None:
        return {}
    found = _same_place(training, updates.cells, usual, place)
    if all(_is_rate(updates, at, cell) for cell, at in found.items()):
        return {}
    k, looks = usual.places.index(place), (usual.shape, len(usual.places))
    others = {c: patterns[c] for c in updates.weight.updates if c in patterns and c not in found}
    copies = {c: p.places[k] for c, p in others.items() if (p.shape, len(p.places)) == looks}
    return dict(sorted({**found, **_cells(copies)}.items()))


def _same_place(
    training: SheetTraining, cells: Iterable[Address], usual: Pattern, place: CellReference
) -> dict[Address, Address]:
    """The cell to which each formula refers where the usual one has this reference; a formula of
    another sheet may name the sheet."""
    k, patterns = usual.places.index(place), training.book.patterns
    own = {c: patterns[c].places for c in cells}
    alike = {c: p[k] if len(p) == len(usual.places) else place for c, p in own.items()}
    return _cells(alike)


def _cells(places: Mapping[Address, Mention]) -> dict[Address, Address]:
    """The cell to which each formula's reference refers."""
    both = ((c, place.at(c)) for c, place in places.items() if isinstance(place, CellReference))
    return {cell: at for cell, at in both if at is not None}


def _rates_taken_apart(updates: UsualUpdate) -> dict[Address, Address]:
    """The same for cells that compute separately what each step adds."""
    training, first = updates.training, updates.cells[0]
    patterns, formulas = training.book.patterns, training.varying & training.book.patterns.keys()
    inside = change(updates.formula, updates.before(first), first)
    place = updates.formula.place_of(inside[0][1]) if len(inside) == 1 else None
    if place is None:
        return {}
    apart = dict.fromkeys(_same_place(training, updates.cells, updates.formula, place).values())
    if not apart or not apart.keys() <= formulas:
        return {}
    last = next(reversed(apart))
    after = last + updates.weight.stride  # beside the last weights, which no update follows
    every = [*apart, after] if patterns.get(after) is patterns[last] else list(apart)
    groups = alike({cell: patterns[cell] for cell in every}).values()
    cells = max(groups, key=len)
    place = rate_place(training, patterns[cells[0]], cells[0], None)
    if place is None or 2 * len(cells) <= len(every):
        return {}
    return _same_place(training, cells, patterns[cells[0]], place)


def _corrected(
    updates: UsualUpdate, wrong: Mapping[Address, Address], rates: Sequence[Address]
) -> tuple[list[Finding], dict[Address, Pattern]]:
    """The findings for formulas that use wrong cells as the learning rate, where other formulas of
    the column use `rates`; and the corrected formulas."""
    training = updates.training
    rate = training.rate or training.schedule[0]
    book, steps = training.book, len(updates.weight.cells) - 1
    first, taken = next(iter(wrong.items()))
    where, what = book.name_of(taken, first), _content(training, taken)
    drifts = len(wrong) < steps or (len({*wrong.values(), *rates}) > 1 and steps > 1)
    if len(set(rates)) > 1 and rate not in book.patterns:
        rate = rates[-1]  # a rate is typed for each of the first steps
        why = Message(
            "the learning rates end with {last}: this formula uses {cell}, {content}",
            last=book.name_of(rate, first),
            cell=where,
            content=what,
        )
    elif drifts:
        why = Message(
            "the learning rate isn't anchored: it drifts to {cell}, {content}",
            cell=where,
            content=what,
        )
    elif training.schedule:
        why = Message(
            "{cell}, {content}, is the same in all steps, where other weights follow a schedule",
            cell=where,
            content=what,
        )
    else:
        why = Message("{cell}, {content}, isn't the learning rate", cell=where, content=what)
    each = {cell: None if drifts else _scheduled(updates, cell) for cell in wrong}
    names = {
        c: anchor(book.name_of(rate, c)) if at is None else book.name_of(at, c)
        for c, at in each.items()
    }
    right = {cell: book.with_another_cell(cell, at, names[cell]) for cell, at in wrong.items()}
    named = names[first]
    remedy = Message("use {cell}", cell=named)
    usual = right[first]
    copies = [c for c in wrong if training.on_sheet_of(c, usual).text_at(c) == right[c].text_at(c)]
    findings = updates.findings(
        copies,
        usual,
        DRIFTING_RATE if drifts else WRONG_RATE,
        joined("; ", [why, remedy, *_first_effect(training, wrong)]),
        [Edit(EditKind.REFERENCE, (), Reference(what), Reference(LR))],
    )
    return list(findings), right


def _first_effect(training: SheetTraining, wrong: Mapping[Address, Address]) -> Iterator[Message]:
    """A note on the step from which the used cell has another value, if that isn't the first."""
    values, rate = training.book.values, training.rate
    first = next(iter(wrong))
    blank = (c for c, at in wrong.items() if not isinstance(values.get(at), float))
    other = (c for c, at in wrong.items() if values.get(at) != values.get(rate or 0))
    cell = next(chain(blank, other), first)
    if cell != first:
        yield Message(
            "from {first} onwards the formula uses {cell}, {content}",
            first=name_of(cell),
            cell=training.book.name_of(wrong[cell], first),
            content=_content(training, wrong[cell]),
        )


def _is_rate(updates: UsualUpdate, at: Address, cell: Address) -> bool:
    """Whether a cell is the learning rate, is computed from it, is called the rate of this weight
    alone, or is one of a column of rates, perhaps a step size that continues from the one before.
    Where rates follow a schedule, what that begins with isn't the rate of later steps.
    """
    training, rate = updates.training, updates.training.rate
    book, own = training.book, training.book.patterns.keys() & updates.weight.updates
    if _is_beginning(updates, at):
        return False
    if training.is_rate(at) or at in training.looking_back or at in training.schedule:
        return True
    if own == set(training.flow.users.get(at, ())) and isinstance(book.values.get(at), float):
        names = [{book.label(cell, axis) for axis in (DOWN, ACROSS)} for cell in (at, rate or at)]
        if is_called_rate(book, at) and names[0].isdisjoint(names[1] - {""}):
            return True
        words = [set(" ".join(labels).split()) for labels in names]
        if updates.name in words[0] - words[1] and words[0] & words[1]:
            return True  # "passo T" beside "passo offset", in a language that isn't known here
    rows = max(1, abs(updates.weight.stride) // ROW)  # from one step to the next
    beside = abs(row_of(at) - row_of(cell)) <= rows or sheet_of(at) != sheet_of(cell)
    top = min(row_of(weight.start) for weight in training.weights)
    own_row = rate is not None and row_of(rate) >= top and at not in training.varying
    return isinstance(training.book.values.get(at), float) and beside and own_row


def _is_beginning(updates: UsualUpdate, at: Address) -> bool:
    """Whether each update takes the rate of the first step, or the number from which later ones are
    computed, although other weights follow a schedule."""
    training, schedule = updates.training, updates.training.schedule
    flow, own = training.flow, updates.weight.updates
    if not schedule or at not in {schedule[0], *flow.behind(schedule[1:])}:
        return False
    follow = [w for w in training.weights if schedule[-1] in flow.sources(w.updates[-1])]
    is_one = len(training.weights) - len(follow) < max(len(follow), 2)
    return is_one and all(at in flow.sources(update) for update in own)


def _content(training: SheetTraining, cell: Address) -> str:
    value = training.book.values.get(cell)
    if value is None and cell not in training.book.patterns:
        return Message("which is blank")
    if isinstance(value, str):
        return Message("the text {text}", text=repr(value[:20]))
    name = training.label(cell)
    return Message("which is {name}", name=name) if name else Message("another cell")


# A blank instead -----------------------------------------------------------------------


def blank_rate(training: SheetTraining, steps: Sequence[SheetStep]) -> Iterator[Finding]:
    """A finding for a learning rate without a number."""
    cell, book = training.rate, training.book
    if cell is None or cell in book.patterns or isinstance(book.values.get(cell), float):
        return
    value = book.values.get(cell)
    kept = _rate_kept(training, steps[0])
    rate = USUAL_RATE if kept is None else kept
    shown = WrittenNumber(show_value(rate))
    remedy = (
        Message("any number above 0 works, such as {rate}", rate=shown)
        if kept is None
        else Message("the values in the file were made with {rate}", rate=shown)
    )
    why = (
        Message(
            "the learning rate {cell} is blank, so no weight ever changes: {remedy}",
            cell=name_of(cell),
            remedy=remedy,
        )
        if value is None
        else Message(
            "the learning rate {cell} is the text {text}, so no weight ever changes: {remedy}",
            cell=name_of(cell),
            text=repr(str(value)[:20]),
            remedy=remedy,
        )
    )
    right = book.reader.read_typed(show_value(rate), cell)
    yield finding_in(book, [cell], BLANK_RATE, quantity=LR, why=why, right=right)


def _rate_kept(training: SheetTraining, step: SheetStep) -> float | None:
    """The rate that explains the weights' values in the file; None if none does."""
    values, found = training.book.values, []
    for weight, options in zip(training.weights, step.claims, strict=True):
        for claim in options[:1] if options and options[0].whole else ():
            match [values.get(cell) for cell in (*weight.steps[0], claim.owner)]:
                case [float(before), float(after), float(slope)] if slope and before != after:
                    found.append((before - after) / slope / claim.sign)
    rate = float(np.median(found)) if found else 0.0
    agree = all(abs(other - rate) <= 1e-6 * abs(rate) for other in found)
    return float(f"{rate:.6g}") if agree and rate > 0 else None
