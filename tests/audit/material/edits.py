"""The mistakes people make inside one formula, drawn by chance."""

from __future__ import annotations

import random
from collections.abc import Callable

from gradbook.cells.formula.address import letters
from gradbook.cells.formula.expression import paths, put, regroup, shorten
from gradbook.cells.formula.syntax import (
    Call,
    Expression,
    Infix,
    Number,
    Prefix,
    Reference,
    write,
)
from tests.audit.material.tables import FIRST, HEADINGS, Columns

Edit = Callable[[Expression, random.Random, Columns], Expression | None]


def _references(expression: Expression) -> list[tuple[tuple[int, ...], Reference]]:
    """The cells of the formula's own sheet that it mentions."""
    return [
        (path, part)
        for path, part in paths(expression)
        if isinstance(part, Reference) and "!" not in part.text and ":" not in part.text
    ]


def _column(reference: Reference) -> str:
    return reference.text.rstrip("0123456789")


def reference(expression: Expression, draw: random.Random, columns: Columns) -> Expression | None:
    """Another cell of the row."""
    options = _references(expression)
    others = [
        f"{letters(c)}{FIRST + 1}"
        for c in columns.starting("w", "h", "a_", "o", "i", "t")
        if isinstance(columns.cells.get((FIRST, c)), str)
    ]
    if not options or not others:
        return None
    path, old = draw.choice(options)
    new = draw.choice(others)
    return None if new == old.text else put(expression, path, Reference(new))


def swapped(expression: Expression, draw: random.Random, columns: Columns) -> Expression | None:
    """Two cells, each where the other belongs."""
    different = list({part.text: (path, part) for path, part in _references(expression)}.values())
    if len(different) < 2:
        return None
    (p, x), (q, y) = draw.sample(different, 2)
    return put(put(expression, p, y), q, x)


def operator(expression: Expression, draw: random.Random, columns: Columns) -> Expression | None:
    options = [
        (path, part)
        for path, part in paths(expression)
        if isinstance(part, Infix) and part.operator in "+-*"
    ]
    if not options:
        return None
    path, part = draw.choice(options)
    new = draw.choice([sign for sign in "+-*" if sign != part.operator])
    return put(expression, path, Infix(new, part.left, part.right))


def parentheses(expression: Expression, draw: random.Random, columns: Columns) -> Expression | None:
    options = [e for e in regroup(expression) if write(e) != write(expression)]
    return draw.choice(options) if options else None


def sign(expression: Expression, draw: random.Random, columns: Columns) -> Expression | None:
    return Prefix("-", expression)


def factor(expression: Expression, draw: random.Random, columns: Columns) -> Expression | None:
    """A factor or a term left out."""
    options = [short for short, _ in shorten(expression)]
    return draw.choice(options) if options else None


def number(expression: Expression, draw: random.Random, columns: Columns) -> Expression | None:
    options = [(path, part) for path, part in paths(expression) if isinstance(part, Number)]
    if not options:
        return None
    path, part = draw.choice(options)
    return put(
        expression, path, Number(draw.choice([v for v in (1.0, 2.0, 0.5) if v != part.value]))
    )


def blank(expression: Expression, draw: random.Random, columns: Columns) -> Expression | None:
    return _instead(expression, draw, f"ZZ{FIRST + 1}")


def text(expression: Expression, draw: random.Random, columns: Columns) -> Expression | None:
    return _instead(expression, draw, f"B${HEADINGS + 1}")


def _instead(expression: Expression, draw: random.Random, new: str) -> Expression | None:
    options = _references(expression)
    return put(expression, draw.choice(options)[0], Reference(new)) if options else None


def frozen(expression: Expression, draw: random.Random, columns: Columns) -> Expression | None:
    """A cell that stays with the first row while the formula goes down."""
    turning = {letters(c) for c in columns.weights + columns.forward}
    options = [(path, part) for path, part in _references(expression) if _column(part) in turning]
    if not options:
        return None
    path, part = draw.choice(options)
    return put(expression, path, Reference(f"{_column(part)}${FIRST + 1}"))


def new_value(expression: Expression, draw: random.Random, columns: Columns) -> Expression | None:
    """A weight of the next row: as it is after the update, not before."""
    weights = {letters(c) for c in columns.weights}
    options = [(path, part) for path, part in _references(expression) if _column(part) in weights]
    if not options:
        return None
    path, part = draw.choice(options)
    return put(expression, path, Reference(f"{_column(part)}{FIRST + 2}"))


def pre_activation(
    expression: Expression, draw: random.Random, columns: Columns
) -> Expression | None:
    """A sum before its activation, where the activation belongs."""
    sums = {
        letters(column): letters(columns.names[name[2:]])
        for name, column in columns.names.items()
        if name.startswith(("a_h", "a_o")) and name[2:] in columns.names
    }
    options = [(path, part) for path, part in _references(expression) if _column(part) in sums]
    if not options:
        return None
    path, part = draw.choice(options)
    word = _column(part)
    return put(expression, path, Reference(sums[word] + part.text[len(word) :]))


def one_target(expression: Expression, draw: random.Random, columns: Columns) -> Expression | None:
    """One output's target used for another's."""
    targets = {letters(c) for c in columns.starting("t")}
    options = [(path, part) for path, part in _references(expression) if _column(part) in targets]
    if not options:
        return None
    path, part = draw.choice(options)
    others = [word for word in sorted(targets) if word != _column(part)]
    if not others:
        return None
    return put(expression, path, Reference(draw.choice(others) + part.text[len(_column(part)) :]))


def activation(expression: Expression, draw: random.Random, columns: Columns) -> Expression | None:
    """1/(1+e^−z) with its minus forgotten, or its parentheses."""
    match expression:
        case Infix("/", Number(1.0), Infix("+", Number(1.0), Call("EXP", (Prefix("-", z),)))):
            grown = Call("EXP", (z,))
            if draw.random() < 0.5:
                return Infix("/", Number(1.0), Infix("+", Number(1.0), grown))
            return Infix("+", Infix("/", Number(1.0), Number(1.0)), Call("EXP", (Prefix("-", z),)))
    return None


EDITS: dict[str, Edit] = {
    "reference": reference,
    "swapped": swapped,
    "operator": operator,
    "parentheses": parentheses,
    "sign": sign,
    "factor": factor,
    "number": number,
    "blank": blank,
    "text": text,
    "frozen": frozen,
    "new value": new_value,
    "pre-activation": pre_activation,
    "one target": one_target,
    "activation": activation,
}
