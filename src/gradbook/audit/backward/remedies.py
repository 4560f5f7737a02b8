"""Remedies for wrong cells: a small edit, a similar cell's formula, or a change of matrices.

Formulas with ranges have their own edits: a matrix transposed, two exchanged, one replaced.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import islice

import numpy as np

from gradbook.audit.backward.backward_pass import BackwardPass
from gradbook.audit.backward.cell_blocks import Block, rectangle
from gradbook.audit.backward.cells_at_points import Cells
from gradbook.audit.edits.formula_edits import (
    USUAL_TEMPLATES,
    Substitute,
    Substitutes,
    constants,
    edits_by_kind,
    fill_templates,
    matrix_edits,
)
from gradbook.audit.formulas.points import agree
from gradbook.audit.formulas.sampled_formulas import EvaluatedFormula
from gradbook.cells.book import Book, quote_title
from gradbook.cells.formula.address import ROW, Address, column_of, letters, pack, row_of, sheet_of
from gradbook.cells.formula.expression import Edit, EditKind
from gradbook.cells.formula.pattern import RangeReference, copy_formula
from gradbook.cells.formula.syntax import Infix, Reference, read, write
from gradbook.graph.node import Array

MOST_OFFERED = 120  # cells that may replace others
MOST_PAIRED = 24  # whose functions may be a missing factor
MOST_CELLS = 40  # of a block that are corrected one by one
MOST_PATHS = 12  # of the chain rule, one of which may be missing
MOST_EDITS_OF_A_KIND = 8  # edits of a kind, of which the first plausible one is chosen
SLOPES = ("x*(1-x)", "1-TANH(x)^2")  # of activations, in terms of their input or output
TEMPLATES = [read(said) for said in (*USUAL_TEMPLATES, *SLOPES)]
SLIPS = (EditKind.REFERENCE, EditKind.EXCHANGE)


@dataclass(frozen=True)
class Remedy:
    """The correction of a block: an edit of its first cell, and each cell's right formula."""

    edit: Edit
    formulas: Mapping[Address, str]  # without its =
    whole: str = ""  # the entire array formula, if it is one
    like: Address | None = None  # a cell with the corresponding formula of its own cells


@dataclass(frozen=True, eq=False)
class WrongBlock:
    """Cells that should be derivatives with respect to others, cell by cell, and their remedy."""

    before: BackwardPass
    cells: Block
    of: Block
    scale: float | None = None  # the factor; None: the same as for the gradients of weights
    remedy: Remedy | None = None
    by_sums: bool = False  # inside the cells of which they are the derivatives

    @cached_property
    def right_values(self) -> dict[Address, Array]:
        each = zip(self.cells, self.of, strict=True)
        right = self.before.right_value
        return {cell: right(cell, of, self.scale, self.by_sums) for cell, of in each}

    @cached_property
    def after(self) -> BackwardPass:
        """The pass after the cells are corrected."""
        return self.before.with_values(self.right_values)

    @property
    def _back(self) -> BackwardPass:
        """The pass in which remedies are tried: if a block has several cells, after all of them are
        corrected, since they may depend on each other, as in backpropagation through time."""
        return self.after if len(self.cells) > 1 else self.before

    @property
    def _book(self) -> Book:
        return self.before.cells.book

    @property
    def is_slip(self) -> bool:
        return self.remedy is not None and self.remedy.edit.kind in SLIPS

    def mended(self) -> WrongBlock:
        """The same block with a remedy, if there is one; a search that failed isn't repeated. If
        only some of its cells are wrong, only these are kept."""
        back, in_vain = self.before, self.before.loss.in_vain
        case = (
            self.cells,
            self.of,
            self.scale,
            self.by_sums,
            back.cells.number(self.cells[0]).tobytes(),
        )
        known = None if case in in_vain else self._of_matrices() or self._cell_by_cell()
        if known is None:
            in_vain.add(case)
            return self
        some = dict(zip(self.cells, self.of, strict=True))
        odd = {cell: of for cell, of in some.items() if cell in back.wrong or cell in back.accepted}
        if not odd or len(odd) == len(some) or known.whole:
            return replace(self, remedy=known)
        kept = {cell: text for cell, text in known.formulas.items() if cell in odd}
        of = tuple(odd.values())
        return replace(self, cells=tuple(odd), of=of, remedy=replace(known, formulas=kept))

    def _is_right(self, cell: Address, text: str) -> bool:
        return agree(self._back.cells.value_of(text, cell), self.right_values[cell])

    # Products of matrices

    def _of_matrices(self) -> Remedy | None:
        """The formula of a block with one matrix transposed, exchanged or replaced."""
        first = self.cells[0]
        home, is_array = _array_cells(self._book, first)[0], first in self._book.arrays
        text = self._book.arrays.get(first) or self._book.patterns[first].text_at(first)
        expression = self._book.reader.read_typed(text, home).expression if ":" in text else None
        if expression is None:
            return None
        others = partial(other_ranges, self._back.cells, home=home)
        for edit in matrix_edits(expression, is_array, others):
            new = write(edit.apply_to(expression))
            formulas = self._in_each(new, home, is_array)
            if formulas:
                return Remedy(edit, formulas, new if is_array else "")
        return None

    def _in_each(self, text: str, home: Address, is_array: bool) -> dict[Address, str]:
        """The formula copied to each cell; empty if it doesn't correct all of them."""
        found: dict[Address, str] = {}
        for cell in self.cells:
            down, right = row_of(cell) - row_of(home), column_of(cell) - column_of(home)
            found[cell] = (
                self._book.reader.element(text, home, down, right)
                if is_array
                else copy_formula(text, home, cell)
            )
            if not self._is_right(cell, found[cell]):
                return {}
        return found

    # Single cells

    def _cell_by_cell(self) -> Remedy | None:
        """The first cell's edit or, if other cells are wrong because of it, another cell's formula;
        it is copied to the other cells if that corrects them, else they get their own edits."""
        first, *others = self.cells
        found = self._edited(first, self.of[0])
        if found is None and self.scale is not None:
            found = self._as_another(first, self.of[0])
        if found is None:
            return None
        formulas = dict(found.formulas)
        for cell, of in zip(others, self.of[1:], strict=True):
            same = copy_formula(formulas[first], first, cell)
            if self._is_right(cell, same):
                formulas[cell] = same
            elif len(others) < MOST_CELLS:
                own = self._edited(cell, of)
                formulas |= own.formulas if own else {}
        return replace(found, formulas=formulas)

    def _edited(self, cell: Address, of: Address) -> Remedy | None:
        """The likeliest edit, of the most common kind, that makes a cell the derivative with
        respect to a value."""
        expression, values = self._book.read_typed(cell).expression, self._back.cells
        if expression is None:
            return None
        formula = EvaluatedFormula(expression, lambda part: values.value_of(write(part), cell))
        wanted = self.right_values[cell]
        for edits in edits_by_kind(
            formula, self._substitutes(cell, of), wanted, MOST_EDITS_OF_A_KIND
        ):
            edit = edits[0]
            if edit.kind is EditKind.SIGN:  # rather one that removes a minus
                signs = [other for other in edits if other.kind is EditKind.SIGN]
                edit = min(signs, key=lambda other: len(write(other.apply_to(expression))))
            return Remedy(edit, {cell: write(edit.apply_to(expression))})
        return None

    def _as_another(self, home: Address, of: Address) -> Remedy | None:
        """The formula of a right cell that is the derivative with respect to a similar value, with
        the corresponding cells: the two values, those computed from them, and their targets."""
        back, users, forward = self._back, self.before.cells.flow.users, self.before.loss.forward
        targets = {pair.output: pair.target for pair in back.cells.pairs}
        right = (cell for cell in back.loss.backward if cell not in back.wrong)
        old = self._book.read_typed(home).expression
        for cell, there in ((c, claim.of) for c in right for claim in back.claims(c)[:1]):
            both = ([u for u in users.get(value, ()) if u in forward] for value in (there, of))
            instead = {there: of, **dict(zip(*both, strict=False))}
            pairs = [(a, b) for a, b in instead.items() if a in targets and b in targets]
            instead |= {targets[a]: targets[b] for a, b in pairs}
            new = back.cells.naming.rewrite(cell, home, instead)
            if old and new and self._is_right(home, write(new)):
                edit = Edit(EditKind.FORMULA, ((),), old, new)
                return Remedy(edit, {home: write(new)}, like=cell)
        return None

    def _substitutes(self, home: Address, of: Address) -> Substitutes:
        """What may be inserted into a cell's formula, or appended to it."""

        def mention(cell: Address) -> Reference:
            return Reference(self._back.cells.naming.reference(cell, home))

        def paths() -> Iterator[Substitute]:
            for cell, weight in self._paths(of):
                said = Infix("*", mention(cell), mention(weight))
                yield Substitute(said, number(cell) * number(weight))

        number = self._back.cells.number
        near = [cell for cell in self._near(home, of) if np.isfinite(number(cell)).any()]
        offered = [Substitute(mention(cell), number(cell)) for cell in near]
        every = [*offered, *constants((number(home).size,))]
        return Substitutes(
            every,
            every,
            lambda: [*every, *fill_templates(TEMPLATES, offered[:MOST_PAIRED])],
            lambda: [*every, *paths()],
        )

    def _paths(self, of: Address) -> Iterator[tuple[Address, Address]]:
        """The factors of one path of the chain rule: a later derivative, and a weight on the path
        to it."""
        back, users, forward = self._back, self.before.cells.flow.users, self._back.loss.forward
        further: defaultdict[Address, list[Address]] = defaultdict(list)
        for cell in back.loss.backward:
            for value in [*(claim.of for claim in back.claims(cell)), *back.inner_sums(cell)]:
                further[value].append(cell)
        near = (after for user in users.get(of, ()) for after in (user, *users.get(user, ())))
        for user in islice((user for user in near if user in forward), MOST_PATHS):
            for weight in filter(back.cells.is_leaf, self.before.cells.flow.sources(user)):
                yield from ((cell, weight) for cell in further[user])

    def _near(self, home: Address, of: Address) -> list[Address]:
        """The cells of both passes that don't depend on this one: first those related to the value
        whose derivative it should be, then by distance."""
        back, flow = self._back, self.before.cells.flow
        spoilt = flow.below(back.wrong)  # not a mean of derivatives, which needn't be one itself
        right = [cell for cell in back.loss.backward if cell not in back.wrong & spoilt]
        every = {*back.loss.slopes, *back.cells.targets, *right}
        every.update(pair.output for pair in back.cells.pairs)
        every.update(factor for _, factor in back.common.values() if factor is not None)
        about = {of, *flow.sources(of), *flow.users.get(of, ()), *flow.sources(home)}

        def distance(cell: Address) -> tuple[bool, bool, int, int]:
            return cell not in about, sheet_of(cell) != sheet_of(home), abs(cell - home), cell

        return sorted(every - flow.below([home]) - {home}, key=distance)[:MOST_OFFERED]


# Other ranges --------------------------------------------------------------------------


def other_ranges(cells: Cells, part: Reference, home: Address) -> Iterator[Reference]:
    """Ranges of the same shape that other formulas mention, then those one row or column away, with
    the same anchors; none that contains the formula's own cells."""
    book = cells.book
    mention = book.reader.mention(part.text, home)
    corners = mention.corners(home) if isinstance(mention, RangeReference) else None
    if corners is None or not isinstance(mention, RangeReference):
        return
    sheet, top, left, bottom, right = corners
    height, width = bottom - top + 1, right - left + 1
    title = f"{quote_title(book.sheets[sheet].title)}!" if sheet != sheet_of(home) else ""
    marks = "$" * mention.first.column_fixed, "$" * mention.first.row_fixed
    own, making = pack(sheet, top, left), _array_cells(book, home)
    near = [own + 1, own + ROW, *([own - 1] if left else []), *([own - ROW] if top else [])]
    for first in dict.fromkeys([*cells.matrices.get((sheet, height, width), ()), *near]):
        made = rectangle(first, height, width)
        if first != own and set(made).isdisjoint(making):
            ends = made[0], made[-1]
            named = (f"{marks[0]}{letters(column_of(c))}{marks[1]}{row_of(c) + 1}" for c in ends)
            yield Reference(f"{title}{':'.join(named)}")


def _array_cells(book: Book, cell: Address) -> Block:
    """The cells that a formula fills, in order: only its own, or all of an array's."""
    text = book.arrays.get(cell)
    same = (c for c, other in book.arrays.items() if other == text)
    return tuple(sorted(same)) if text else (cell,)
