"""Finds the smallest change of a formula that makes it the gradient; else writes it anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from gradbook.audit.address import Address, column_of, row_of, sheet_of, written
from gradbook.audit.book import quoted
from gradbook.audit.edits import at, put, regrouped, shortened, tidy
from gradbook.audit.judge import RIGHT, Bench
from gradbook.audit.meaning import NotUnderstood
from gradbook.audit.search import (
    Alternatives,
    Choice,
    Trial,
    constants,
    hits,
    missing_factors,
    other_operators,
    pairs,
    replacements,
)
from gradbook.audit.pattern import Pattern
from gradbook.errors import GradbookError
from gradbook.graph.node import Node
from gradbook.graph.op import Array
from gradbook.targets.excel.grammar import Expression, Infix, Number, Reference, write
from gradbook.targets.excel.spelling import Speller

MOST_OFFERED = 160  # cells that may stand in the place of others
MOST_PAIRED = 48
LONGEST = 4000  # characters of a formula that anyone would read
FEW = 12  # repairs of one kind to choose from


@dataclass(frozen=True)
class Change:
    """One edit: what stood there, and what belongs there."""

    kind: str  # reference, number, operator, sign, parentheses, missing, extra, formula
    old: Expression
    new: Expression


@dataclass(frozen=True)
class Repair:
    """A formula that is right, and the edits that lead to it."""

    expression: Expression
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Patient:
    """A formula that should be worth something else: a claim, or any other cell."""

    bench: Bench
    owner: Address
    pattern: Pattern  # read in the owner itself
    expression: Expression
    wanted: Array  # at the random points


def repair(patient: Patient, target: Node | None = None) -> Repair | None:
    """The smallest repair; where none is found, the target written in the sheet's cells."""
    trial = Trial(patient.expression, lambda part: _values(patient, part))
    cells = _offered(patient)
    found = _one(patient, trial, cells) or _two(patient, trial, cells)
    if found is not None or target is None:
        return found
    return _anew(patient, target)


def _one(patient: Patient, trial: Trial, cells: Alternatives) -> Repair | None:
    """One edit, of whatever kind."""
    offered = cells + constants()
    true = patient.wanted
    chosen = list(islice(replacements(trial, offered, true), FEW))
    if chosen:
        return _applied(patient, min(chosen, key=lambda c: _distance(patient, trial, c)))
    chosen = list(islice(other_operators(trial, true), FEW))
    if chosen:
        return _applied(patient, chosen[0])
    again = _regrouped(patient, true)
    if again is not None:
        return again
    for shorter, left_out in shortened(patient.expression):
        if hits(Trial(shorter, trial.opaque).values[()], true):
            return Repair(shorter, (Change("extra", left_out, Number(1.0)),))
    chosen = list(islice(missing_factors(trial, _with_complements(offered), true), FEW))
    if chosen:
        return _applied(patient, min(chosen, key=lambda c: _simplicity(trial, c)))
    return None


def _two(patient: Patient, trial: Trial, cells: Alternatives) -> Repair | None:
    """Two edits: parentheses and a reference, or two references."""
    offered = cells[:MOST_PAIRED] + constants()[:3]
    true = patient.wanted
    for grouped in _groupings(patient):
        other = Trial(grouped, trial.opaque)
        for choice in replacements(other, offered, true):
            second = _applied(replace(patient, expression=grouped), choice)
            last = Change("parentheses", patient.expression, second.expression)
            return Repair(second.expression, (*second.changes, last))
    both = list(islice(pairs(trial, offered, true), FEW))
    if both:
        pair = min(both, key=lambda two: sum(_distance(patient, trial, c)[1] for c in two))
        first_done = _applied(patient, pair[0])
        second = _applied(replace(patient, expression=first_done.expression), pair[1])
        return Repair(second.expression, first_done.changes + second.changes)
    return None


def _regrouped(patient: Patient, true: Array) -> Repair | None:
    for new in _groupings(patient):
        if hits(Trial(new, lambda part: _values(patient, part)).values[()], true):
            return Repair(new, (Change("parentheses", patient.expression, new),))
    return None


def _groupings(patient: Patient) -> Iterator[Expression]:
    yield from islice(dict.fromkeys(regrouped(patient.expression)), 400)


def _applied(patient: Patient, choice: Choice) -> Repair:
    expression = patient.expression
    old = at(expression, choice.paths[0])
    for path in choice.paths:
        expression = put(expression, path, choice.new)
    return Repair(expression, (Change(_kind(old, choice.new), old, choice.new),))


def _kind(old: Expression, new: Expression) -> str:
    match old, new:
        case Reference(), _:
            return "reference"
        case Number(), _:
            return "number"
        case Infix(a, left, right), Infix(b, x, y) if a != b and (left, right) == (x, y):
            return "operator"
        case Infix(a, left, right), Infix(b, x, y) if a == b and (left, right) == (y, x):
            return "order"
        case _, Infix("*" | "/", inside, _) if inside == old:
            return "missing"
    return "sign"


# What may stand in a formula ---------------------------------------------------


def _values(patient: Patient, part: Expression) -> Array:
    bench = patient.bench
    try:
        node = bench.made.expression(part, patient.owner, patient.pattern)
        return bench.random.of(node, bench.leaves)
    except NotUnderstood:
        return np.full(1, np.nan)


def _offered(patient: Patient) -> Alternatives:
    """The cells of the step, nearest first: their references and their values."""
    bench, owner = patient.bench, patient.owner
    training = bench.training
    below = training.flow.below([owner], training.stop) | {owner}
    own = {cell for cell in bench.step.weights if cell is not None}
    cells = [
        cell
        for cell in dict.fromkeys([*own, *bench.step.cells])
        if cell not in below and (cell not in training.stop or cell in own)
    ]
    cells.sort(key=lambda cell: (sheet_of(cell) != sheet_of(owner), abs(cell - owner)))
    found: Alternatives = []
    for cell in cells[:MOST_OFFERED]:
        try:
            node = bench.made.node(cell)
        except NotUnderstood:
            continue
        if node.is_constant():
            continue  # a blank
        values = bench.random.of(node, bench.leaves)
        found.append((reference(bench, cell, owner), values))
    return found


def reference(bench: Bench, cell: Address, owner: Address) -> Reference:
    """A cell as a formula in another mentions it; fixed where it serves every step."""
    text = written(cell)
    other = bench.like[-1]
    if other is not bench.step and bench.there(cell, other) == cell:
        letters_ = text.rstrip("0123456789")
        text = f"${letters_}${text[len(letters_) :]}"
    if sheet_of(cell) != sheet_of(owner):
        text = f"{quoted(bench.training.book.sheets[sheet_of(cell)].title)}!{text}"
    return Reference(text)


def _with_complements(offered: Alternatives) -> Alternatives:
    """x, and 1−x too: the factor that is forgotten of a·(1−a)."""
    one = Number(1.0)
    return offered + [
        (Infix("-", one, said), 1 - values)
        for said, values in offered
        if isinstance(said, Reference)
    ]


def _distance(patient: Patient, trial: Trial, choice: Choice) -> tuple[int, float]:
    """Prefers cells to numbers, those of the same row, and near ones."""
    old = trial.parts[choice.paths[0]]
    mentions = patient.bench.training.book.reader
    new = choice.new
    if not isinstance(new, Reference) or not isinstance(old, Reference):
        return (isinstance(new, Reference) != isinstance(old, Reference), 0.0)
    a = mentions.cell(old.text, patient.owner)
    b = mentions.cell(new.text, patient.owner)
    if a is None or b is None:
        return 0, 1e9
    apart = abs(row_of(a) - row_of(b)) * 100 + abs(column_of(a) - column_of(b))
    return 0, float(apart + 1e6 * (sheet_of(a) != sheet_of(b)))


def _simplicity(trial: Trial, choice: Choice) -> tuple[object, ...]:
    """A factor is best put beside others, as near the end of the formula as may be."""
    part = trial.parts[choice.paths[0]]
    assert isinstance(choice.new, Infix)
    return (
        choice.new.operator == "/",
        not isinstance(choice.new.right, Reference),
        isinstance(part, Infix) and part.operator in "+-",
        len(choice.paths[0]),
    )


# A formula written anew --------------------------------------------------------


def _anew(patient: Patient, target: Node) -> Repair | None:
    """The target in the sheet's own cells, as the chain rule gives it."""
    bench = patient.bench
    forward = _forward(bench)
    cells: dict[Node, Address] = {}
    for cell in sorted(forward, key=lambda c: (sheet_of(c) != sheet_of(patient.owner), c)):
        value = bench.made.known.get(cell)
        if isinstance(value, Node) and not value.is_constant():
            cells.setdefault(value, cell)
    cells.update({node: cell for cell, node in bench.made.leaves.items()})
    speller = Speller(
        refer=lambda node: reference(bench, cells[node], patient.owner) if node in cells else None,
        block=lambda node: Reference("#N/A"),
    )
    try:
        expression = speller.formula(target) if target not in cells else speller.mention(target)
    except (GradbookError, AssertionError, KeyError):
        return None
    expression = tidy(expression)
    if len(write(expression)) > LONGEST:
        return None
    return Repair(expression, (Change("formula", patient.expression, expression),))


def _forward(bench: Bench) -> set[Address]:
    """The cells that the loss is computed from."""
    flow, stop = bench.training.flow, bench.training.stop
    seen: set[Address] = set()
    waiting = list(bench.step.loss)
    while waiting:
        cell = flow.plain(waiting.pop(), stop)
        if cell not in seen:
            seen.add(cell)
            if cell not in stop:
                waiting.extend(flow.sources(cell))
    return seen


def restores(bench: Bench, repaired: Repair, owner: Address, wanted: Node, sign: int) -> bool:
    """Whether the repaired formula, written and read again, is what is wanted."""
    pattern = bench.training.book.reader.typed(write(repaired.expression), owner)
    if pattern.expression is None:
        return False
    try:
        node = bench.made.expression(pattern.expression, owner, pattern)
    except NotUnderstood:
        return False
    return bench.compare(node if sign > 0 else -node, wanted) == RIGHT
