"""A column of the forward part that was pasted over with its values: the formula it had.

The weights behind it lead nowhere any more, but their gradients still say what led where: a sum is
put together again from those, an activation is one that the sheet uses elsewhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import reduce

import numpy as np

from gradbook.audit.formula.address import Address, sheet_of
from gradbook.audit.formula.edits import Edit, EditKind
from gradbook.audit.formula.expression import paths, put, references
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.judge.judge import Bench
from gradbook.audit.judge.numbers import agree
from gradbook.audit.repair.blame import put_right
from gradbook.audit.repair.column_offers import beside
from gradbook.audit.repair.evidence import behind
from gradbook.audit.repair.mentions import reference
from gradbook.audit.repair.remedy import Remedy
from gradbook.audit.repair.repair import Repair, forward
from gradbook.audit.repair.templates import template, templates
from gradbook.audit.training.claims import Claim
from gradbook.graph.chain import gradients
from gradbook.graph.node import Array
from gradbook.targets.excel.language.grammar import Expression, Infix, Number, Reference, write
from gradbook.targets.excel.language.reader import read

MOST_COLUMNS = 12
MOST_MENTIONED = 3  # cells of a formula that another may be like
NEARLY = 1e-9  # equal, but for the last bits
NEAR = 6  # cells that an activation may be of
USUAL = (
    "1/(1+EXP(-x))",
    "TANH(x)",
    "MAX(x,0)",
    "IF(x>0,x,0.01*x)",
    "LN(1+EXP(x))",
)

Formulas = tuple[Expression, ...]  # one for every cell of a column


def pasted_column(bench: Bench, wrong: Mapping[int, Claim], given: bool = False) -> Remedy | None:
    """The formulas of a pasted column, with which wrong gradients are right; with `given` only
    those that its values came from."""
    for cells in list(_columns(bench, wrong))[:MOST_COLUMNS]:
        freed = _freed(bench, cells)
        known = [(_gives(freed, cells, some), some) for some in _formulas(freed, cells, wrong)]
        for gives, formulas in sorted(known, key=lambda entry: not entry[0]):
            if given and not gives:
                break
            change = Edit(EditKind.FORMULA, ((),), Number(0.0), formulas[0])
            remedy = Remedy(cells, Repair(formulas[0], (change,)), formulas, frozenset())
            lanes = put_right(freed, remedy, wrong)
            if lanes:
                return replace(remedy, lanes=lanes)
    return None


def _columns(bench: Bench, wrong: Mapping[int, Claim]) -> Iterator[tuple[Address, ...]]:
    """Numbers that the loss or wrong gradients are made of and that change from step to step, by
    their column."""
    training, book = bench.training, bench.training.book
    if len(bench.like) < 2:
        return
    other = bench.like[-1]
    line = training.axis.line
    found: defaultdict[tuple[int, int], list[Address]] = defaultdict(list)
    for cell in sorted(forward(bench).union(*(behind(bench, lane) for lane in wrong))):
        if cell in book.patterns or cell in training.weight_cells:
            continue
        value, later = (book.values.get(c) for c in (cell, bench.there(cell, other)))
        if isinstance(value, float) and isinstance(later, float) and value != later:
            found[line(cell)].append(cell)
    yield from map(tuple, found.values())


def _gives(bench: Bench, cells: Sequence[Address], formulas: Formulas) -> bool:
    """Whether formulas give what stands in the cells, in every step: then they were there."""
    book = bench.training.book
    for home, formula in zip(cells, formulas, strict=True):
        given = [bench.value(bench.there(home, step)) for step in bench.like]
        try:
            node = bench.made.expression(formula, home, book.reader.typed(write(formula), home))
        except NotUnderstood:
            return False
        if not np.allclose(bench.sheet.of(node, bench.leaves), given, rtol=NEARLY, atol=0):
            return False
    return True


def _freed(bench: Bench, cells: Sequence[Address]) -> Bench:
    """The step with all that is computed from the cells as formulas, though no weight is in it."""
    training, book = bench.training, bench.training.book
    instead = {
        cell: book.reader.typed(book.patterns[cell].text_at(cell), cell)
        for cell in training.flow.below(cells, training.weight_cells)
        if cell in book.patterns and cell not in training.varying
    }
    freed = Bench(training, bench.step, {**instead, **bench.made.instead}, bench.like)
    for cell in bench.step.cells:
        with suppress(NotUnderstood):
            freed.made.node(cell)
    return freed


def _formulas(
    bench: Bench, cells: Sequence[Address], wrong: Mapping[int, Claim]
) -> Iterator[Formulas]:
    """What may have stood in a column: a function of another, or a weighted sum."""
    known = [*templates(bench), *map(template, map(read, USUAL))]
    for cell in _near(bench, cells[0]):
        for one in known:
            yield tuple(one(_seen(bench, cell, cells[0], home)) for home in cells)
    yield from _like_others(bench, cells)
    try:
        total = _sum(bench, cells, wrong)
    except NotUnderstood:
        return
    if total is not None:
        yield total


def _like_others(bench: Bench, cells: Sequence[Address]) -> Iterator[Formulas]:
    """The formula of another column with one of its cells exchanged for its like: e^(o1 − L) where
    e^(o2 − L) stands beside it."""
    book, first = bench.training.book, cells[0]
    below = bench.training.flow.below([first], bench.training.weight_cells) | {first}
    line = [
        cell
        for cell in bench.step.cells
        if cell in book.patterns and bench.line(cell) == bench.line(first) and cell not in below
    ]
    shown: set[str] = set()
    for like in line:
        shape = book.patterns[like].shape
        said = book.reader.typed(book.patterns[like].text_at(like), like).expression
        mentioned = list(dict.fromkeys(references(said))) if said is not None else []
        if said is None or shape in shown or not 1 < len(mentioned) <= MOST_MENTIONED:
            continue
        shown.add(shape)
        for old in mentioned:
            at = book.reader.cell(old.text, like)
            for new in line:
                if at in book.patterns and book.patterns[new].shape == book.patterns[at].shape:
                    yield tuple(
                        _exchanged(bench, said, old, (like, first), (new, home)) for home in cells
                    )


def _exchanged(
    bench: Bench,
    said: Expression,
    old: Reference,
    likes: tuple[Address, Address],
    news: tuple[Address, Address],
) -> Expression:
    """What a formula says as seen from another cell, another cell standing for one of its own."""
    like, first = likes
    new, home = news
    for path, part in paths(said):
        if isinstance(part, Reference):
            at = bench.training.book.reader.cell(part.text, like)
            meant = new if part == old else at
            if meant is not None:
                said = put(said, path, _seen(bench, meant, first, home))
    return said


def _seen(bench: Bench, cell: Address, first: Address, home: Address) -> Reference:
    """A cell as the formula in a column's other cell mentions its like."""
    return reference(bench, beside(bench, cell, home, home - first), home)


def _near(bench: Bench, home: Address) -> list[Address]:
    """Formulas of the same line: first those that nothing on the way to the loss uses, then those
    that serve something else, too."""
    training, book = bench.training, bench.training.book
    used = {source for cell in forward(bench) for source in training.flow.sources(cell)}
    line, across = bench.line(home), training.axis.beside
    below = training.flow.below([home], training.weight_cells)
    cells = [
        cell
        for cell in book.patterns
        if bench.line(cell) == line
        and cell in training.varying
        and cell not in below
        and cell not in training.weight_cells
    ]
    cells.sort(key=lambda cell: (abs(across(cell) - across(home)), cell))
    free = [cell for cell in cells if cell not in used]
    return free[:NEAR] + [cell for cell in cells if cell in used][:NEAR]


def _sum(bench: Bench, cells: Sequence[Address], wrong: Mapping[int, Claim]) -> Formulas | None:
    """Each weight times what its gradient has beside the slope of the column."""
    nodes = [bench.made.node(cell) for cell in cells]
    found = gradients(bench.loss, nodes)
    slopes = [bench.random.of(found[node], bench.leaves) for node in nodes]
    terms: list[Formulas] = []
    for lane, claim in wrong.items():
        weight = bench.step.weights[lane]
        missing = bench.claimed(claim) - bench.true[lane]
        beside_it = _factor(bench, cells, slopes, bench.random.of(missing, bench.leaves))
        if weight is not None and beside_it is not None:
            own = [reference(bench, weight, home) for home in cells]
            terms.append(
                tuple(
                    w if x == Number(1.0) else Infix("*", w, x)
                    for w, x in zip(own, beside_it, strict=True)
                )
            )
    if not terms:
        return None
    return tuple(reduce(lambda a, b: Infix("+", a, b), parts) for parts in zip(*terms, strict=True))


def _factor(
    bench: Bench, cells: Sequence[Address], slopes: Sequence[Array], missing: Array
) -> Formulas | None:
    """The cells of another column that, times the slopes, add up to what is missing; or 1."""
    first = cells[0]
    if agree(missing, np.sum(np.broadcast_arrays(*slopes), axis=0)):
        return tuple(Number(1.0) for _ in cells)
    near = sorted(bench.step.cells, key=lambda c: (sheet_of(c) != sheet_of(first), abs(c - first)))
    for cell in near:
        seen = bench.seen_from(cell, first)
        there = [beside(bench, seen, home, home - first) for home in cells]
        try:
            nodes = [bench.made.node(c) for c in there]
        except NotUnderstood:
            continue
        values = [bench.random.of(node, bench.leaves) for node in nodes]
        with np.errstate(all="ignore"):
            total = sum(slope * value for slope, value in zip(slopes, values, strict=True))
        if not nodes[0].is_constant() and agree(np.asarray(total), missing):
            return tuple(reference(bench, c, h) for c, h in zip(there, cells, strict=True))
    return None
