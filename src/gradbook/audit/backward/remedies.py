"""What puts a wrong cell right: a small edit, the formula of a similar cell, a change of matrices.

Formulas with ranges have edits of their own: a matrix transposed, two exchanged, one replaced.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import islice

import numpy as np

from gradbook.audit.backward.backward_pass import BackwardPass
from gradbook.audit.backward.blocks import MatrixBlock
from gradbook.audit.backward.outputs import Cells
from gradbook.audit.edits.formula_edits import (
    USUAL_TEMPLATES,
    Substitute,
    Substitutes,
    constants,
    edits_by_kind,
    fill_templates,
    matrix_edits,
)
from gradbook.audit.formula.address import ROW, Address, column_of, letters, pack, row_of, sheet_of
from gradbook.audit.formula.expression import (
    Edit,
    EditKind,
    part_at,
    rename_cells,
)
from gradbook.audit.formula.pattern import RangeReference, copy_formula
from gradbook.audit.step.formulas import EvaluatedFormula, remember
from gradbook.audit.step.points import agree
from gradbook.audit.workbook.book import Book, quote_title
from gradbook.graph.node import Array
from gradbook.targets.excel.language import Expression, Infix, Number, Reference, read, write

MOST_OFFERED = 120  # cells that may stand in the place of others
MOST_PAIRED = 24  # of which functions may be a missing factor
MOST_CELLS = 40  # of a block that are put right one by one
MOST_PATHS = 12  # of the chain, one of which may be missing
FEW = 8  # edits of a kind, of which the first that means something is taken
SLOPES = ("x*(1-x)", "1-TANH(x)^2")  # of activations, by what they are of or what they say
TEMPLATES = [read(said) for said in (*USUAL_TEMPLATES, *SLOPES)]


@dataclass(frozen=True)
class WrongBlock:
    """Cells that should be derivatives by others, cell by cell."""

    block: MatrixBlock
    of: tuple[Address, ...]
    scale: float | None = None  # so many times; None: as the gradients of weights are

    def values(self, back: BackwardPass) -> dict[Address, Array]:
        """What they should be worth."""
        each = zip(self.block.cells, self.of, strict=True)
        return {cell: back.right_value(cell, of, self.scale) for cell, of in each}

    def put_right(
        self, back: BackwardPass, only: Collection[Address] | None = None
    ) -> BackwardPass:
        return back.with_values(self.values(back), only)


@dataclass(frozen=True)
class Remedy:
    """What puts a block right: an edit of its first cell, and each cell's right formula."""

    edit: Edit
    formulas: Mapping[Address, str]  # without its =
    whole: str = ""  # of an array formula, all of it
    like: Address | None = None  # a cell whose formula says the same of its own cells


def remedy(back: BackwardPass, wrong: WrongBlock, thorough: bool = True) -> Remedy | None:
    """The smallest change that puts every cell of a block right. A cell may be made of others of
    its block, as where time goes back, so each is held against its value once all are right."""
    if len(wrong.block.cells) > 1:
        back = wrong.put_right(back)
    values = wrong.values(back)
    of = zip(wrong.block.cells, wrong.of, strict=True)
    cells = [WrongCell(back, cell, o, values[cell]) for cell, o in of]
    found = _matrices(back, cells) or _cell_by_cell(cells, thorough)
    return _as_one(back, cells, found) if found else None


# A product of matrices -----------------------------------------------------------------


def _matrices(back: BackwardPass, cells: list[WrongCell]) -> Remedy | None:
    """The formula of a block with one matrix transposed, exchanged or replaced."""
    book, first = back.cells.book, cells[0].cell
    array = first in book.arrays
    home = _array_cells(book, first)[0]
    text = book.arrays.get(first) or book.patterns[first].text_at(first)
    expression = book.reader.read_typed(text, home).expression if ":" in text else None
    if expression is None:
        return None
    others = partial(other_ranges, back.cells, home=home)
    for edit in matrix_edits(expression, array, others):
        new = write(edit.apply_to(expression))
        said = {one.cell: _said_in(book, new, home, one.cell, array) for one in cells}
        if all(one.is_right(said[one.cell]) for one in cells):
            return Remedy(edit, said, new if array else "")
    return None


def other_ranges(cells: Cells, part: Reference, home: Address) -> Iterator[Reference]:
    """The ranges of the same shape that other formulas mention, then those a row or a column away,
    with this one's anchors; none that the formula itself makes a part of."""
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
        made = {first + pack(0, row, column) for row in range(height) for column in range(width)}
        if first != own and made.isdisjoint(making):
            ends = first, first + pack(0, height - 1, width - 1)
            named = (f"{marks[0]}{letters(column_of(c))}{marks[1]}{row_of(c) + 1}" for c in ends)
            yield Reference(f"{title}{':'.join(named)}")


def _array_cells(book: Book, cell: Address) -> list[Address]:
    """The cells that a formula makes, in their order: its own, or all of an array's."""
    text = book.arrays.get(cell)
    return sorted(c for c, other in book.arrays.items() if other == text) if text else [cell]


def _said_in(book: Book, text: str, home: Address, cell: Address, array: bool) -> str:
    """A formula as it is in another cell of its block."""
    if not array:
        return copy_formula(text, home, cell)
    down, right = row_of(cell) - row_of(home), column_of(cell) - column_of(home)
    return book.reader.element(text, home, down, right)


def _as_one(back: BackwardPass, cells: list[WrongCell], found: Remedy) -> Remedy:
    """A remedy with an array formula's cells in one, where each cell in it becomes a range."""
    book, first, last = back.cells.book, cells[0].cell, cells[-1].cell
    expression = book.reader.read_typed(found.formulas[first], first).expression
    is_whole = first in book.arrays and _array_cells(book, first) == [one.cell for one in cells]
    if found.whole or expression is None or not is_whole:
        return found

    def widen(reference: Reference) -> str:
        text = reference.text
        corner = book.reader.cell(text, first)
        return text if corner is None else f"{text}:{copy_formula(text, first, last)}"

    whole = write(rename_cells(expression, widen))
    said = {one.cell: _said_in(book, whole, first, one.cell, True) for one in cells}
    is_right = all(one.is_right(said[one.cell]) for one in cells)
    return replace(found, formulas=said, whole=whole) if is_right else found


# Single cells --------------------------------------------------------------------------


def _cell_by_cell(cells: list[WrongCell], thorough: bool) -> Remedy | None:
    """The first cell's remedy, copied to the others where it helps, else one of their own."""
    first = cells[0]
    found = first.remedy(thorough)
    if found is None:
        return None
    formulas = dict(found.formulas)
    for one in cells[1:]:
        same = copy_formula(formulas[first.cell], first.cell, one.cell)
        if one.is_right(same):
            formulas[one.cell] = same
        elif len(cells) <= MOST_CELLS:
            own = one.remedy(thorough)
            formulas |= own.formulas if own else {}
    return replace(found, formulas=formulas)


@dataclass(frozen=True, eq=False)
class WrongCell:
    """One cell, and what it should be worth."""

    back: BackwardPass
    cell: Address
    of: Address
    right_value: Array

    def is_right(self, text: str) -> bool:
        return agree(self.back.values.value_of(text, self.cell), self.right_value)

    def remedy(self, thorough: bool) -> Remedy | None:
        """An edit; or else, thoroughly, the formula of another cell."""
        expression = self.back.cells.book.read_typed(self.cell).expression
        if expression is None:
            return None
        edit, like = self._edit(expression, self.right_value), None
        if edit is None and thorough:
            new, like = self._of_another()
            edit = Edit(EditKind.FORMULA, ((),), expression, new) if new else None
        if edit is None:
            return None
        return Remedy(edit, {self.cell: write(edit.apply_to(expression))}, like=like)

    def _edit(self, expression: Expression, wanted: Array) -> Edit | None:
        evaluated = EvaluatedFormula(expression, remember(self._value))
        for edits in edits_by_kind(evaluated, self._substitutes, wanted, FEW):
            meant = [edit for edit in edits if not _is_omission(edit, expression)]
            if meant:
                return _plainest(meant, expression)
        return None

    def _of_another(self) -> tuple[Expression | None, Address | None]:
        """The formula of a right cell that is the derivative by a value of the same kind, said of
        what belongs here, and that cell."""
        back = self.back
        for cell in back.backward:
            of = next((claim.of for claim in back.claims(cell)), None)
            if cell in back.wrong or of is None:
                continue
            instead = dict(_counterparts(back, of, self.of))
            said = back.cells.naming.rewrite(cell, self.cell, instead)
            if said is not None and agree(self._value(said), self.right_value):
                return said, cell
        return None, None

    # What may stand in it

    def _mention(self, cell: Address) -> Reference:
        return Reference(self.back.cells.naming.reference(cell, self.cell))

    def _value(self, part: Expression) -> Array:
        return self.back.values.value_of(write(part), self.cell)

    @cached_property
    def _substitutes(self) -> Substitutes:
        numbers = ((cell, self.back.values.number(cell)) for cell in self._near())
        offered = [Substitute(self._mention(c), n) for c, n in numbers if np.isfinite(n).any()]
        every = [*offered, *constants(self.right_value.shape)]

        def factors() -> list[Substitute]:
            return [*every, *fill_templates(TEMPLATES, offered[:MOST_PAIRED])]

        return Substitutes(every, every, factors, lambda: [*every, *self._paths])

    @cached_property
    def _paths(self) -> list[Substitute]:
        """What one path of the chain adds: a derivative further on times a weight on the way."""
        back, number = self.back, self.back.values.number
        users, forward = back.cells.flow.users, back.scope.forward
        further: defaultdict[Address, list[Address]] = defaultdict(list)
        for cell in back.backward:
            for of in [*(claim.of for claim in back.claims(cell)), *back.inner_sums(cell)]:
                further[of].append(cell)
        near = (after for user in users.get(self.of, ()) for after in (user, *users.get(user, ())))
        return [
            Substitute(
                Infix("*", self._mention(cell), self._mention(weight)),
                number(cell) * number(weight),
            )
            for user in islice((user for user in near if user in forward), MOST_PATHS)
            for weight in back.cells.flow.sources(user)
            if back.cells.is_leaf(weight)
            for cell in further[user]
        ]

    def _near(self) -> list[Address]:
        """The cells of both passes that don't depend on this one: those about the value whose
        derivative it should be first, then the nearest."""
        back, home, flow = self.back, self.cell, self.back.cells.flow
        below = {*flow.below([home]), home}
        right = [cell for cell in back.backward if cell not in back.wrong]
        every = {*back.slopes, *back.cells.targets, *right}
        every.update(pair.output for pair in back.cells.pairs)
        every.update(factor for _, factor in back.common.values() if factor is not None)
        of = self.of
        about = {of, *flow.sources(of), *flow.users.get(of, ()), *flow.sources(home)}

        def distance(cell: Address) -> tuple[bool, bool, int, int]:
            return cell not in about, sheet_of(cell) != sheet_of(home), abs(cell - home), cell

        return sorted(every - below, key=distance)[:MOST_OFFERED]


def _plainest(edits: Sequence[Edit], expression: Expression) -> Edit:
    """The likeliest; of wrong signs, a minus too many rather than one too few."""
    signs = [edit for edit in edits if edit.kind is EditKind.SIGN]
    if edits[0] not in signs:
        return edits[0]
    return min(signs, key=lambda edit: len(write(edit.apply_to(expression))))


def _is_omission(edit: Edit, expression: Expression) -> bool:
    """Whether a factor becomes 1: one that doesn't belong there."""
    around = (part_at(expression, path[:-1]) for path in edit.paths if path)
    return edit.new == Number(1.0) and any(
        isinstance(part, Infix) and part.operator == "*" for part in around
    )


def _counterparts(
    back: BackwardPass, there: Address, here: Address
) -> Iterator[tuple[Address, Address]]:
    """Pair the cells that correspond when one value takes another's place: the two values, what is
    made of them, and the targets of that."""
    forward, users = back.scope.forward, back.cells.flow.users
    made = [[user for user in users.get(cell, ()) if user in forward] for cell in (there, here)]
    targets = {pair.output: pair.target for pair in back.cells.pairs}
    for a, b in [(there, here), *zip(*made, strict=False)]:
        yield a, b
        if a in targets and b in targets:
            yield targets[a], targets[b]
