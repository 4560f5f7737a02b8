"""Functions that decide: conditions, branches, and questions about a value.

What decides is held fixed. Where only values count, the branch that is taken is the meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from math import isnan

from gradbook.cells.formula.formula_values import (
    NO_ELSE,
    CellBlock,
    Meaning,
    MovedGraph,
    NoElse,
    NotUnderstood,
    NumberedGraph,
    OpenGraph,
    Single,
    aligned,
    as_block,
    error,
    has_cases,
    has_values_only,
    number,
    present,
    present_number,
    whole_number,
)
from gradbook.cells.formula.operators import if_positive, infix, one_of, truth
from gradbook.graph.node import Graph, Node
from gradbook.language.message import Message

# Conditions -----------------------------------------------------------------------


def _choice(graph: Graph, question: Meaning, *branches: Meaning) -> Meaning:
    """IF."""
    then = branches[0] if branches else graph.constant(1)
    if isinstance(question, CellBlock) and question.shape != (1, 1):
        return _choices(graph, question, then, branches[1] if len(branches) > 1 else NO_ELSE)
    otherwise = branches[1] if len(branches) > 1 else graph.constant(0)
    condition = truth(graph, question)
    if isinstance(graph, OpenGraph) and not (_is_number_now(then) and _is_number_now(otherwise)):
        present(condition)  # a text or a range: which of them, depends on the numbers
    if condition.is_constant() or isinstance(graph, NumberedGraph):
        decides = present(condition)
        if isnan(decides):
            return error(graph)
        return then if decides > 0 else otherwise
    if isinstance(then, str) or isinstance(otherwise, str):
        raise NotUnderstood(Message("an IF that may give a text"))
    return aligned(
        lambda a, b: if_positive(condition, number(graph, a), number(graph, b)), then, otherwise
    )


def _choices(graph: Graph, conditions: CellBlock, then: Meaning, otherwise: Meaning) -> Meaning:
    """IF element by element; where formulas are compared, which numbers are skipped isn't known."""
    is_partial = not has_values_only(graph) and isinstance(otherwise, NoElse)
    chosen = aligned(
        lambda c, a, b: _single(graph, _choice(graph, c, a, b)),
        *(conditions, then, graph.constant(0) if is_partial else otherwise),
    )
    has_gaps = is_partial or any(isinstance(x, CellBlock) and x.has_gaps for x in (then, otherwise))
    return replace(as_block(chosen), has_gaps=has_gaps)


def _is_number_now(value: Meaning) -> bool:
    return value is None or isinstance(value, Node)


def _single(graph: Graph, value: Meaning) -> Single:
    return number(graph, value) if isinstance(value, CellBlock) else value


def _is_true(graph: Graph, value: Meaning) -> bool:
    return present(truth(graph, value)) > 0


def _first_true(graph: Graph, *cases: Meaning) -> Meaning:
    """IFS: the value after the first condition that holds."""
    for condition, value in zip(cases[::2], cases[1::2], strict=True):
        if _is_true(graph, condition):
            return value
    return error(graph)


def _switch(graph: Graph, value: Meaning, *cases: Meaning) -> Meaning:
    """SWITCH: the value after the first key that is equal, otherwise the last one."""
    for k in range(0, len(cases) - 1, 2):
        if _is_true(graph, infix(graph, "=", value, cases[k])):
            return cases[k + 1]
    return cases[-1] if len(cases) % 2 else error(graph)


def _choose(graph: Graph, place: Meaning, *values: Meaning) -> Meaning:
    """CHOOSE; places in an array choose element by element, as in CHOOSE({1,2},A1:A9,B1:B9)."""
    if as_block(place).shape != (1, 1):
        return aligned(lambda *each: _single(graph, _choose(graph, *each)), place, *values)
    singles = [value for value in values if not isinstance(value, CellBlock)]
    if len(singles) == len(values) and has_cases(graph, number(graph, place), singles):
        return one_of(graph, number(graph, place), singles)
    index = whole_number(graph, place)
    return values[index - 1] if 1 <= index <= len(values) else error(graph)


def truths(graph: Graph, args: Sequence[Meaning]) -> list[Node]:
    """Conditions; texts and blanks in ranges are skipped."""
    nodes: list[Node] = []
    for value in args:
        if isinstance(value, CellBlock):
            counting = (x for x in value.singles() if isinstance(x, Node | NoElse))
            nodes.extend(truth(graph, x) for x in counting)
        elif value is not None:
            nodes.append(truth(graph, value))
    return nodes


def _ones(graph: Graph, args: Sequence[Meaning]) -> Iterator[Node]:
    """1 for each condition that holds, else 0: an error in one is an error of all."""
    return (if_positive(condition, 1, 0) for condition in truths(graph, args))


def _all(graph: Graph, *args: Meaning) -> Meaning:
    return reduce(lambda a, b: a * b, _ones(graph, args))


def _any(graph: Graph, *args: Meaning) -> Meaning:
    return if_positive(reduce(lambda a, b: a + b, _ones(graph, args)), 1, 0)


def _odd_count(graph: Graph, *args: Meaning) -> Meaning:
    """XOR."""
    return graph.constant(sum(map(present, _ones(graph, args))) % 2)


# Errors ---------------------------------------------------------------------------


def is_error(graph: Graph, value: Single) -> bool:
    """Whether a value is an error; NotUnderstood if something isn't known."""
    if not isinstance(value, Node) or not isnan(present(value)):
        return False
    if isinstance(graph, NumberedGraph) and graph.is_doubtful:
        raise NotUnderstood(Message("an error that may come from something unknown"))
    return True


def _if_error(graph: Graph, value: Meaning, otherwise: Meaning) -> Meaning:
    """IFERROR and IFNA: the branch that is taken; a formula that is compared has no errors."""
    if not has_values_only(graph):
        return value
    if isinstance(graph, MovedGraph):
        is_number = 1 + 0 * number(graph, value)  # otherwise no number itself
        return if_positive(is_number, number(graph, value), number(graph, otherwise))
    if isinstance(value, CellBlock):
        return aligned(lambda a, b: b if is_error(graph, a) else a, value, otherwise)
    return otherwise if is_error(graph, value) else value


# Questions about a value ------------------------------------------------------------


def _question(answer: Callable[[Graph, Single], bool]) -> Callable[..., Meaning]:
    def ask(graph: Graph, value: Meaning) -> Meaning:
        return aligned(lambda x: graph.constant(float(answer(graph, x))), value)

    return ask


def _is_text(value: Single) -> bool:
    return isinstance(value, str) and not isinstance(value, NoElse)


def _is_number(graph: Graph, value: Single) -> bool:
    return isinstance(value, Node) and not is_error(graph, value)


def _remainder(wanted: int) -> Callable[[Graph, Single], bool]:
    return lambda graph, value: int(abs(present_number(graph, value))) % 2 == wanted


DECISIONS: Mapping[str, Callable[..., Meaning]] = {
    "IF": _choice,
    "IFS": _first_true,
    "SWITCH": _switch,
    "CHOOSE": _choose,
    "AND": _all,
    "OR": _any,
    "XOR": _odd_count,
    "TRUE": lambda graph: graph.constant(1),
    "FALSE": lambda graph: graph.constant(0),
    "NA": error,
    "IFERROR": _if_error,
    "IFNA": _if_error,
    "ISERROR": _question(is_error),
    "ISERR": _question(is_error),
    "ISNA": _question(is_error),
    "ISNUMBER": _question(_is_number),
    "ISBLANK": _question(lambda graph, value: value is None),
    "ISTEXT": _question(lambda graph, value: _is_text(value)),
    "ISNONTEXT": _question(lambda graph, value: not _is_text(value)),
    "ISEVEN": _question(_remainder(0)),
    "ISODD": _question(_remainder(1)),
}
