"""Functions of one cell that a sheet's own formulas are made with: 1−x, 1/(1+EXP(−x)), IF(x>0,1,0).

Where such a factor is missing, or a whole activation, it is one of these of some cell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import numpy as np

from gradbook.audit.formula.address import Address, sheet_of
from gradbook.audit.formula.expression import parts, references, renamed
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.repair.edits.alternatives import EvaluatedFormula, Substitute
from gradbook.graph.node import Array
from gradbook.targets.excel.language.grammar import (
    Expression,
    Infix,
    Prefix,
    Reference,
    read,
    write,
)

USUAL = ("1-x", "1-x^2", "IF(x>0,1,0)", "1/(1+EXP(-x))")
MOST = 10
LONGEST = 12  # parts
X = Reference("x")


def templates(tested: StepUnderTest) -> list[Expression]:
    """The functions that formulas of the step use, x standing for the cell, the commonest first."""
    votes: Counter[str] = Counter()
    book = tested.training.book
    patterns = (book.patterns[cell] for cell in tested.step.cells if cell in book.patterns)
    for pattern in dict.fromkeys(patterns):
        if pattern.expression is not None:
            said = map(write, _of_one_cell(pattern.expression))
            votes.update(list(dict.fromkeys(said)))
    known = dict.fromkeys([*USUAL, *(said for said, _ in votes.most_common())])
    return [read(said) for said in list(known)[: MOST + len(USUAL)]]


def _of_one_cell(expression: Expression) -> Iterator[Expression]:
    """The parts that mention one cell only, with x in its place."""
    for part in parts(expression):
        mentioned = {reference.text for reference in references(part)}
        if isinstance(part, Reference | Prefix) or len(mentioned) != 1 or ":" in mentioned.pop():
            continue
        match part:
            case Infix("+" | "*", _, Reference()):
                pass  # 2·x, x+1: edits of their own kinds find those
            case _ if len(list(parts(part))) <= LONGEST:
                yield filled(part, X)


def filled(template: Expression, cell: Reference) -> Expression:
    """A function of one cell for another one."""
    return renamed(template, lambda _: cell.text)


def derived(
    known: Sequence[Expression], offered: Sequence[Substitute], value: Callable[[Expression], Array]
) -> Iterator[Substitute]:
    """Those functions of every cell that is offered; of all cells at once where that is easy."""
    cells = [(one.said, one.values) for one in offered if isinstance(one.said, Reference)]
    if not cells:
        return
    stack = np.stack(np.broadcast_arrays(*(values for _, values in cells)))
    for template in known:
        worked = _worked(template, stack)
        for k, (cell, _) in enumerate(cells):
            said = filled(template, cell)
            if worked is not None:
                yield Substitute(said, worked[k])
                continue
            with suppress(NotUnderstood):
                yield Substitute(said, value(said))


def _worked(template: Expression, x: Array) -> Array | None:
    """The values of a function of x; None where it has parts that aren't known so."""

    def value_of(part: Expression) -> Array:
        if part == X:
            return x
        raise NotUnderstood("a part that isn't known by its pieces")

    try:
        found: Array = np.broadcast_to(EvaluatedFormula(template, value_of).whole, x.shape)
    except NotUnderstood:
        return None
    return found


def differences(tested: StepUnderTest, home: Address) -> list[Expression]:
    """The differences of two cells, an output and its target, that formulas beside a cell take, and
    the loss on another sheet."""
    reader, row = tested.training.book.reader, tested.positions.row
    cells = [cell for cell in tested.step.cells if cell in tested.training.book.patterns]
    near = [cell for cell in cells if sheet_of(cell) == sheet_of(home)]
    beside = [cell for cell in near if row(cell) == row(home)]
    elsewhere = [cell for cell in cells if cell in tested.forward and cell not in near]
    found: dict[tuple[Address, Address], None] = {}
    for cell in (*(beside or near), *elsewhere):
        pattern = tested.formula(cell)
        if pattern is None or pattern.expression is None:
            continue
        for part in parts(pattern.expression):
            match part:
                case Infix("-", Reference(a), Reference(b)):
                    one, other = reader.cell(a, cell), reader.cell(b, cell)
                    if one is not None and other is not None:
                        found |= {(one, other): None, (other, one): None}
    reference = tested.mentions.reference
    some = list(found)[:MOST]
    return [Infix("-", reference(one, home), reference(other, home)) for one, other in some]
