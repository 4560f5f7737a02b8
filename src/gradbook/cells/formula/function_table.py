"""The table of functions: each name with its meaning as ops of the graph.

Functions of single values have their slopes as formulas, too. What decides (a position, a key, a
condition, a count, a date) is held fixed: it counts at the cells' present values, where those are
known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from gradbook.cells.budget import spend_exactly
from gradbook.cells.formula.cash_flows import CASH_FLOWS
from gradbook.cells.formula.decisions import DECISIONS
from gradbook.cells.formula.elementwise import ELEMENTWISE
from gradbook.cells.formula.formula_values import (
    CellBlock,
    Meaning,
    NotUnderstood,
    aligned,
    number,
)
from gradbook.cells.formula.lookups import LOOKUPS
from gradbook.cells.formula.matrices import MATRICES
from gradbook.cells.formula.texts_and_dates import HELD_FIXED
from gradbook.cells.formula.totals import TOTALS
from gradbook.cells.formula.units import convert
from gradbook.graph.node import Graph
from gradbook.language.message import Message, message_count

FUNCTIONS: Mapping[str, Callable[..., Meaning]] = {
    "PI": lambda graph: graph.constant(math.pi),
    **TOTALS,
    **MATRICES,
    **DECISIONS,
    **LOOKUPS,
    **CASH_FLOWS,
    **HELD_FIXED,
    "CONVERT": convert,
}
"""The functions of ranges, and of values that aren't numbers."""


def plain_name(function: str) -> str:
    """A function's name without the prefix that files give to newer ones."""
    return function.removeprefix("_XLFN.").removeprefix("_XLWS.")


def call(graph: Graph, function: str, args: Sequence[Meaning]) -> Meaning:
    """Apply a function to its arguments."""
    word = plain_name(function)
    spend_exactly(10 * sum(len(x.rows) * x.shape[1] for x in args if isinstance(x, CellBlock)))
    try:
        if word in ELEMENTWISE and args:
            meaning = ELEMENTWISE[word].meaning
            return aligned(lambda *each: meaning(*(number(graph, x) for x in each)), *args)
        if word in FUNCTIONS:
            return FUNCTIONS[word](graph, *args)
    except (TypeError, ValueError, IndexError) as error:
        what = Message("{function} with these arguments", function=word)
        if word in ELEMENTWISE:
            what = message_count(
                "{function} with {count} argument",
                "{function} with {count} arguments",
                len(args),
                function=word,
            )
        raise NotUnderstood(what) from error
    raise NotUnderstood(Message("the function {function}", function=function))
