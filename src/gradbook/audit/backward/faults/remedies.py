"""What puts a wrong cell right: a small edit, the formula of one like it, a matrix turned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np

from gradbook.audit.backward.cells.naming import Naming
from gradbook.audit.backward.chain.backward_pass import BackwardPass
from gradbook.audit.backward.faults.matrix_edits import rewritten
from gradbook.audit.backward.faults.roots import WrongBlock
from gradbook.audit.formula.address import ROW, Address, column_of, row_of, sheet_of
from gradbook.audit.formula.edits import Edit, EditKind, pointless_parts, tidy
from gradbook.audit.formula.expression import renamed
from gradbook.audit.formula.pattern import copied
from gradbook.audit.judge.numbers import agree
from gradbook.audit.repair.edits.alternatives import (
    EvaluatedFormula,
    Substitute,
    matching,
    remembered,
)
from gradbook.audit.repair.edits.formula_edits import EDITS, Substitutes, constants
from gradbook.audit.repair.edits.templates import USUAL, derived
from gradbook.graph.node import Array
from gradbook.targets.excel.language.grammar import Expression, Infix, Number, Reference, write
from gradbook.targets.excel.language.reader import read

MOST_OFFERED = 120  # cells that may stand in the place of others
MOST_PAIRED = 24  # of which functions may be a missing factor
MOST_CELLS = 40  # of a block that are put right one by one
FEW = 8  # edits of a kind, of which the first that means something is taken
SLOPES = ("x*(1-x)", "1-TANH(x)^2")  # of activations, by what they are of or what they say
SCALES = (2.0, 0.5, -1.0, -2.0, -0.5)
LIKE_ANOTHER = "like another"
TURNED = "transposition"


@dataclass(frozen=True)
class Remedy:
    """What puts a block right: the kind of mistake, the edit, and each cell's right formula."""

    kind: str
    edits: tuple[Edit, ...]
    formulas: Mapping[Address, str]  # without its =
    whole: str = ""  # of an array formula, all of it


@dataclass(frozen=True, eq=False)
class WrongCell:
    """One cell, and what it should be worth."""

    back: BackwardPass
    cell: Address
    of: Address
    wanted: Array

    @cached_property
    def expression(self) -> Expression | None:
        return _typed(self.back, self.cell)

    def value(self, part: Expression) -> Array:
        return self.said(write(part))

    def said(self, text: str) -> Array:
        pattern = self.back.cells.book.reader.typed(text, self.cell)
        return self.back.values.said(pattern, self.cell)

    @cached_property
    def offered(self) -> list[Substitute]:
        """The cells that the formula may mention, likely ones first."""
        back, naming = self.back, Naming(self.back.cells.book)
        found = {}
        for cell in _near(back, self.cell, self.of):
            values = back.values.number(cell)
            if np.isfinite(values).any():
                reference = Reference(naming.reference(cell, self.cell))
                found[cell] = Substitute(reference, values)
        return list(found.values())

    @cached_property
    def substitutes(self) -> Substitutes:
        every = [*self.offered, *constants(self.wanted.shape)]
        usual = [read(said) for said in (*USUAL, *SLOPES)]

        def factors() -> list[Substitute]:
            return [*every, *derived(usual, self.offered[:MOST_PAIRED], self.value)]

        return Substitutes(every, every, factors, lambda: every)


def _typed(back: BackwardPass, cell: Address) -> Expression | None:
    """A cell's formula with its references as they are typed there."""
    book = back.cells.book
    return book.reader.typed(book.patterns[cell].text_at(cell), cell).expression


def _near(back: BackwardPass, home: Address, of: Address) -> list[Address]:
    """The cells of both passes that don't depend on one: those about the value whose derivative it
    should be first, then the nearest."""
    cells, flow = back.cells, back.cells.flow
    below = flow.below([home])
    right = [cell for cell in back.backward if cell not in back.wrong]
    every = {*back.derivatives.slopes, *cells.targets, *right}
    every.update(pair.output for pair in cells.pairs)
    every.update(factor for _, factor in back.common.values() if factor is not None)
    about = {of, *flow.sources(of), *flow.users.get(of, ()), *flow.sources(home)}
    inside = [cell for cell in every if cell not in below and cell != home]
    ordered = sorted(
        inside, key=lambda c: (c not in about, sheet_of(c) != sheet_of(home), abs(c - home))
    )
    return ordered[:MOST_OFFERED]


# For a block ---------------------------------------------------------------------------


def remedy(back: BackwardPass, wrong: WrongBlock, thorough: bool = True) -> Remedy | None:
    """The smallest change that puts every cell of a block right."""
    turned = _matrices(back, wrong)
    if turned is not None:
        return turned
    cells = [_wrong_cell(back, wrong, k) for k in range(len(wrong.block.cells))]
    found = _of_one(cells[0], thorough)
    if found is None:
        return None
    kind, edits, text = found
    formulas = {cells[0].cell: text}
    for one in cells[1:]:
        same = copied(text, cells[0].cell, one.cell)
        if agree(one.said(same), one.wanted):
            formulas[one.cell] = same
        elif len(cells) <= MOST_CELLS:
            own = _of_one(one, thorough)
            if own is not None:
                formulas[one.cell] = own[2]
    return Remedy(kind, edits, formulas)


def _wrong_cell(back: BackwardPass, wrong: WrongBlock, k: int) -> WrongCell:
    cell, of = wrong.block.cells[k], wrong.of[k]
    return WrongCell(back, cell, of, back.wanted(cell, of, wrong.scale))


Found = tuple[str, tuple[Edit, ...], str]


def _of_one(one: WrongCell, thorough: bool) -> Found | None:
    if one.expression is None:
        return None
    found = _one_edit(one, one.wanted)
    if found is None and thorough:
        found = _like_another(one) or _scaled(one)
    return found


def _one_edit(one: WrongCell, wanted: Array) -> Found | None:
    assert one.expression is not None
    evaluated = EvaluatedFormula(one.expression, remembered(one.value))
    before = pointless_parts(one.expression)
    for kind in EDITS:
        edits = matching(kind.propose(evaluated, one.substitutes), wanted)
        for edit in islice(edits, FEW):
            changed = edit.applied(one.expression)
            if pointless_parts(changed) <= before:
                return str(edit.kind.value), (edit,), write(changed)
    return None


def _scaled(one: WrongCell) -> Found | None:
    """An edit and a factor."""
    factors = [factor for _, factor in one.back.common.values() if factor is not None]
    scales: list[tuple[Expression, Array]] = [
        (Number(scale), np.full(one.wanted.shape, scale)) for scale in SCALES
    ]
    naming = Naming(one.back.cells.book)
    for factor in factors:
        reference = Reference(naming.reference(factor, one.cell))
        scales.append((reference, one.back.values.number(factor)))
    for said, scale in scales:
        with np.errstate(all="ignore"):
            found = _one_edit(one, one.wanted / scale)
        if found is not None:
            whole = tidy(Infix("*", said, read(found[2])))
            return EditKind.FORMULA.value, found[1], write(whole)
    return None


def _like_another(one: WrongCell) -> Found | None:
    """The formula of a right cell that is the derivative by a value of the same kind, said of what
    belongs here."""
    back, book = one.back, one.back.cells.book
    naming = Naming(book)
    assert one.expression is not None
    for cell in back.backward:
        of = next((claim.of for claim in back.claims(cell)), None)
        said_there = _typed(back, cell)
        if cell in back.wrong or of is None or said_there is None:
            continue
        pairs = dict(_counterparts(back, of, one.of))

        def follow(
            reference: Reference, home: Address = cell, to: Mapping[Address, Address] = pairs
        ) -> str:
            at = book.reader.cell(reference.text, home)
            if at is None:
                return reference.text
            return naming.reference(to[at], one.cell) if at in to else naming.kept(reference, at)

        said = renamed(said_there, follow)
        if agree(one.value(said), one.wanted):
            edit = Edit(EditKind.FORMULA, ((),), one.expression, said)
            return LIKE_ANOTHER, (edit,), write(said)
    return None


def _counterparts(
    back: BackwardPass, there: Address, here: Address
) -> Iterator[tuple[Address, Address]]:
    """What stands for what, where one value takes another's place: both, what is made of them, and
    the targets of that."""
    yield there, here
    forward, users = back.forward, back.cells.flow.users
    made = [[user for user in users.get(cell, ()) if user in forward] for cell in (there, here)]
    targets = {pair.output: pair.target for pair in back.cells.pairs}
    for a, b in zip(*made, strict=False):
        yield a, b
        if a in targets and b in targets:
            yield targets[a], targets[b]
    if there in targets and here in targets:
        yield targets[there], targets[here]


def _matrices(back: BackwardPass, wrong: WrongBlock) -> Remedy | None:
    """A product of matrices with one of them turned, exchanged or another."""
    book, first = back.cells.book, wrong.block.first
    array = book.arrays.get(first)
    pattern = book.patterns[first]
    text = array or pattern.text_at(first)
    if ":" not in text:
        return None
    home = _corner(book.arrays, first) if array else first
    wanted = [_wrong_cell(back, wrong, k) for k in range(len(wrong.block.cells))]
    for kind, edit, new in rewritten(book, read(text), home, bool(array)):
        said = {one.cell: _at(back, new, home, one.cell, bool(array)) for one in wanted}
        if all(agree(one.said(said[one.cell]), one.wanted) for one in wanted):
            return Remedy(kind, (edit,), said, new if array else "")
    return None


def _corner(arrays: Mapping[Address, str], cell: Address) -> Address:
    """Where an array formula is typed: its first cell."""
    while arrays.get(cell - 1) == arrays[cell]:
        cell -= 1
    while arrays.get(cell - ROW) == arrays[cell]:
        cell -= ROW
    return cell


def _at(back: BackwardPass, text: str, home: Address, cell: Address, array: bool) -> str:
    """What a formula says of one of its cells."""
    if not array:
        return copied(text, home, cell)
    down, right = row_of(cell) - row_of(home), column_of(cell) - column_of(home)
    return back.cells.book.reader.element(text, home, down, right)
