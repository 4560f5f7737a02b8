"""Functions of one cell that a sheet's own formulas are made with: 1−x, 1/(1+EXP(−x)), IF(x>0,1,0).

Where such a factor is missing, or a whole activation, it is one of these of some cell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from gradbook.audit.formula.address import Address, sheet_of
from gradbook.audit.formula.expression import Path, paths, put, references
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.repair.edits.alternatives import Substitute
from gradbook.graph.node import Array
from gradbook.targets.excel.language.grammar import Expression, Infix, Prefix, Reference, write
from gradbook.targets.excel.language.reader import read

USUAL = ("1-x", "1-x^2", "IF(x>0,1,0)", "1/(1+EXP(-x))")
MOST = 10
LONGEST = 12  # parts
HOLE = "x"

Template = Callable[[Expression], Expression]


def templates(tested: StepUnderTest) -> list[Template]:
    """The functions that formulas of the step use, the commonest first."""
    votes: Counter[str] = Counter()
    book = tested.training.book
    patterns = (book.patterns[c] for c in tested.step.cells if c in book.patterns)
    for pattern in dict.fromkeys(patterns):
        if pattern.expression is not None:
            votes.update({write(said) for said in _unary(pattern.expression)})
    known = dict.fromkeys([*USUAL, *(said for said, _ in votes.most_common())])
    return [template(read(said)) for said in list(known)[: MOST + len(USUAL)]]


def _unary(expression: Expression) -> Iterator[Expression]:
    """The parts that mention one cell only, with a hole in its place."""
    for _, part in paths(expression):
        if isinstance(part, Reference | Prefix):
            continue
        mentioned = {reference.text for reference in references(part)}
        if len(mentioned) == 1 and ":" not in next(iter(mentioned)):
            inside = list(paths(part))
            if len(inside) <= LONGEST and not _is_bare_product(part):
                yield _filled(part, _holes(part), Reference(HOLE))


def _is_bare_product(part: Expression) -> bool:
    """2·x, x+1: edits of their own kinds find those."""
    return isinstance(part, Infix) and part.operator in "+*" and isinstance(part.right, Reference)


def _holes(part: Expression) -> list[Path]:
    return [path for path, inside in paths(part) if isinstance(inside, Reference)]


def _filled(part: Expression, holes: Sequence[Path], new: Expression) -> Expression:
    for path in holes:
        part = put(part, path, new)
    return part


def template(said: Expression) -> Template:
    """A formula as a function of the one cell that it mentions."""
    holes = _holes(said)
    return lambda new: _filled(said, holes, new)


def derived(
    known: Sequence[Template], offered: Sequence[Substitute], value: Callable[[Expression], Array]
) -> Iterator[Substitute]:
    """Those functions of every cell that is offered."""
    for template in known:
        for offer in offered:
            if isinstance(offer.said, Reference):
                said = template(offer.said)
                try:
                    yield Substitute(said, value(said))
                except NotUnderstood:
                    continue


def differences(tested: StepUnderTest, home: Address) -> list[Expression]:
    """The differences of two cells that formulas beside a cell take: an output and its target."""
    book, line = tested.training.book, tested.positions.row(home)
    cells = [cell for cell in tested.step.cells if cell in book.patterns]
    beside = [cell for cell in cells if tested.positions.row(cell) == line]
    found: dict[tuple[Address, Address], None] = {}
    for cell in beside or cells:
        pattern = book.reader.typed(book.patterns[cell].text_at(cell), cell)
        if pattern.expression is not None and sheet_of(cell) == sheet_of(home):
            for _, part in paths(pattern.expression):
                match part:
                    case Infix("-", Reference(a), Reference(b)):
                        one, other = book.reader.cell(a, cell), book.reader.cell(b, cell)
                        if one is not None and other is not None:
                            found |= {(one, other): None, (other, one): None}
    return [
        Infix("-", tested.mentions.reference(one, home), tested.mentions.reference(other, home))
        for one, other in list(found)[:MOST]
    ]
