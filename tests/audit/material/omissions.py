"""Parts of the chain rule left out, in one column or in all that have them: ways and slopes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from gradbook.cells.formula.expression import (
    Path,
    factors,
    paths,
    product,
    put,
    references,
    terms,
    total,
    with_sign,
)
from gradbook.cells.formula.syntax import Call, Expression, Infix, Number, Reference, read, write
from tests.audit.material.faults import in_row, planted
from tests.audit.material.made import Table
from tests.audit.material.tables import FIRST, Columns

Shortened = Iterator[tuple[str, Expression]]  # what is left out, and the formula without it


def without_ways(expression: Expression) -> Shortened:
    """The formula without one of the products that it adds up, known by the output or the sum that
    this comes through: the first cell that only it mentions."""
    for path, part in paths(expression):
        every = terms(part)
        if (
            len(every) < 2
            or _is_inside_sum(expression, path)
            or not all(_is_way(p) for _, p in every)
        ):
            continue
        for k, (_, term) in enumerate(every):
            others = {r.text for j, (_, p) in enumerate(every) if j != k for r in references(p)}
            own = [r.text for r in references(term) if r.text not in others]
            rest = total([*every[:k], *every[k + 1 :]])
            if own:
                yield own[0], put(expression, path, rest)


def _is_way(part: Expression) -> bool:
    return len(factors(part).parts) > 1


def _is_inside_sum(expression: Expression, path: Path) -> bool:
    above = dict(paths(expression)).get(path[:-1]) if path else None
    return isinstance(above, Infix) and above.operator in "+-"


def without_slopes(expression: Expression) -> Shortened:
    """The formula without the slope of one activation, known by the cell that this is said of."""
    for path, part in paths(expression):
        if not isinstance(part, Infix) or part.operator != "*":
            continue
        above = dict(paths(expression)).get(path[:-1]) if path else None
        if isinstance(above, Infix) and above.operator == "*":
            continue
        split = factors(part)
        for drop in _slopes([factor.part for factor in split.parts]):
            kept = [factor for k, factor in enumerate(split.parts) if k not in drop[1]]
            if kept:
                yield drop[0], put(expression, path, with_sign(split.sign, product(kept)))


def _slopes(every: list[Expression]) -> Iterator[tuple[str, set[int]]]:
    for k, part in enumerate(every):
        match part:
            case Infix("-", Number(1.0), Reference(cell)) if Reference(cell) in every:
                yield cell, {k, every.index(Reference(cell))}
            case Infix("-", Number(1.0), Infix("*", Reference(a), Reference(b))) if a == b:
                yield a, {k}
            case Infix("-", Number(1.0), Infix("^", Reference(a), Number(2.0))):
                yield a, {k}
            case Call("IF", (Infix(">", Reference(cell), _), _, _)):
                yield cell, {k}


@dataclass(frozen=True)
class Omitted:
    """A table in which a part of the chain rule is left out."""

    kind: str
    table: Table


def omitted(columns: Columns, draw: random.Random) -> Omitted | None:
    """A way or a slope left out of one column, or of every column that has it."""
    kind, ways = draw.choice([("missing term", without_ways), ("missing factor", without_slopes)])
    own = [*columns.deltas, *columns.gradients]
    options = {column: list(ways(read(columns.formula(FIRST, column)))) for column in own}
    possible = sorted({what for some in options.values() for what, _ in some})
    if not possible:
        return None
    what = draw.choice(possible)
    having = [column for column, some in options.items() if what in dict(some)]
    chosen = having if draw.random() < 0.6 else [draw.choice(having)]
    new = {column: dict(options[column])[what] for column in chosen}
    rows = {c: columns.rows(c) for c in chosen}

    contents = {
        (row, c): "=" + in_row(columns, c, row, write(new[c])) for c in chosen for row in rows[c]
    }
    table = planted(columns, contents)
    return None if table is None else Omitted(kind, table)
