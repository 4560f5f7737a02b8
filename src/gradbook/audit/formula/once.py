"""What was made of a formula, kept: the same few formulas are taken apart in every row."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from gradbook.targets.excel.language.grammar import Expression

MOST = 4096  # results that are kept
Result = TypeVar("Result")


def once(make: Callable[[Expression], Result]) -> Callable[[Expression], Result]:
    """The function, computed once for each expression.

    Expressions are known by their identity, for comparing two takes as long as walking them. Each
    is kept as long as its result, so that no other can take its place.
    """
    known: dict[int, tuple[Expression, Result]] = {}

    @wraps(make)
    def made(expression: Expression) -> Result:
        entry = known.get(id(expression))
        if entry is None:
            if len(known) >= MOST:
                known.clear()
            entry = known[id(expression)] = expression, make(expression)
        return entry[1]

    return made
