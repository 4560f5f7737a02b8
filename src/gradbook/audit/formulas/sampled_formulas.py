"""Formulas at a few points, also with other values of some parts; slopes of usual activations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache, reduce

import numpy as np

from gradbook.audit.formulas.points import agree, apply, work
from gradbook.cells.budget import spend
from gradbook.cells.formula.expression import Edit, Path, inner, paths, pointless_parts, rebuild
from gradbook.cells.formula.formula_values import NotUnderstood
from gradbook.cells.formula.formula_values import number as number_of
from gradbook.cells.formula.meaning import meaning
from gradbook.cells.formula.syntax import Call, Expression, Infix, Number, Reference
from gradbook.graph.chain import gradients
from gradbook.graph.names import Name
from gradbook.graph.node import OPERATORS, Array, Graph, Node, ancestors

MOST_FORMS = 1000  # cached forms of parts
MOST_OPERANDS = 30  # operands of a part
PLACES = [Reference(f"x{k}") for k in range(MOST_OPERANDS)]


class EvaluatedFormula:
    """A formula at a few points: its value, and its value if some parts have other values."""

    def __init__(self, expression: Expression, value_of: Callable[[Expression], Array]) -> None:
        self.expression = expression
        self.parts = dict(paths(expression))
        self.paths = {id(part): path for path, part in self.parts.items()}
        self.compute, self.of_references = value_of, cache(value_of)
        self.values: dict[Path, Array] = {}
        self.ranged: set[Path] = set()  # parts with the values of a range: SUMPRODUCT takes such
        self.totals: dict[Path, Expression] = {}  # calls that make a number of ranges
        spend(0, len(self.parts))
        for path in sorted(self.parts, key=len, reverse=True):
            part = self.parts[path]
            pieces = [self.values[*path, k] for k in range(len(inner(part)))]
            value = self._of_ranges(path)
            self.values[path] = self._made_of(part, pieces) if value is None else value

    @property
    def whole(self) -> Array:
        return self.values[()]

    def _made_of(self, part: Expression, pieces: Sequence[Array]) -> Array:
        if isinstance(part, Number):
            return np.asarray(part.value)
        found = combine(part, pieces)
        if found is None or (isinstance(part, Call) and np.all(np.isnan(found))):
            return self.value_of(part)  # such as a product of matrices, which are no numbers
        return found

    def _of_ranges(self, path: Path) -> Array | None:
        """The value of a part with ranges inside: NaN if it has many values; None for others."""
        part = self.parts[path]
        inside = any((*path, k) in self.ranged for k in range(len(inner(part))))
        if isinstance(part, Reference) and ":" in part.text:
            self.ranged.add(path)
        if not inside:
            return None
        value = self.value_of(part) if isinstance(part, Call) else np.full(1, np.nan)
        if np.isfinite(value).any():
            self.totals[path] = part
        else:
            self.ranged.add(path)
        return value

    def value_of(self, part: Expression) -> Array:
        """The value of a part that isn't made of its own parts' values."""
        return (self.of_references if isinstance(part, Reference) else self.compute)(part)

    def changed(self, edits: Iterable[Edit]) -> Expression:
        """The formula after some edits, one after the other."""
        return reduce(lambda said, edit: edit.apply_to(said), edits, self.expression)

    def is_pointless(self, edits: Iterable[Edit]) -> bool:
        """Whether edits leave a part of it without effect, which nobody intends."""
        return pointless_parts(self.changed(edits)) > pointless_parts(self.expression)

    def worth(self, new: Expression) -> Array:
        """Return the value of an expression that may reuse parts of this formula."""
        made: list[Expression] = []
        waiting = [new]
        while waiting:
            part = waiting.pop()
            if id(part) not in self.paths:
                made.append(part)
                waiting.extend(inner(part))
        values: dict[int, Array] = {}

        def value(piece: Expression) -> Array:
            path = self.paths.get(id(piece))
            return values[id(piece)] if path is None else self.values[path]

        with np.errstate(all="ignore"):
            for part in reversed(made):
                values[id(part)] = self._made_of(part, list(map(value, inner(part))))
        return value(new)

    def with_(self, given: Mapping[Path, Array]) -> Array:
        """Return the formula's value with other values at some paths; NaN where a part can't be
        computed again."""
        touched = {path[:k] for path in given for k in range(len(path))} - given.keys()
        values: dict[Path, Array] = {**self.values, **given}
        spend(max(value.size for value in given.values()), len(touched))
        for path in sorted(touched, key=len, reverse=True):
            part = self.parts[path]
            found = combine(part, [values[*path, k] for k in range(len(inner(part)))])
            if found is None:
                found = np.full(np.broadcast_shapes(*map(np.shape, given.values())), np.nan)
            values[path] = found
        return values[()]


def combine(part: Expression, pieces: Sequence[Array]) -> Array | None:
    """Return an expression's value from its parts' values; None if it needs more than those."""
    match part:  # whatever is substituted for the exponent
        case Infix("^", _, _) | Call("POWER" | "POW", (_, _)):
            return operate("^", *pieces)
        case Call(_, arguments):
            ranges = (isinstance(a, Reference) and ":" in a.text for a in arguments)
            if None in arguments or any(ranges):
                return None
    if not pieces or len(pieces) > MOST_OPERANDS:
        return None
    program = _program(rebuild(part, PLACES[: len(pieces)]))
    if program is None:
        return None
    nodes, leaves = program
    values = dict(zip(leaves, map(np.asarray, pieces), strict=False))
    work(nodes, values)
    return values[nodes[-1]]


@lru_cache(maxsize=MOST_FORMS)
def _program(form: Expression) -> tuple[Sequence[Node], Sequence[Node]] | None:
    """The ops and leaves of an expression of `PLACES`; None if it has no meaning."""
    graph = Graph()
    leaves = {place: graph.leaf(Name(place.text)) for place in PLACES}
    try:
        result = number_of(graph, meaning(graph, form, leaves.__getitem__))
    except NotUnderstood:
        return None
    return ancestors([result]), list(leaves.values())


def operate(operator: str, a: Array, b: Array) -> Array:
    with np.errstate(all="ignore"):
        return apply(OPERATORS[operator], [a, b])


# The slopes of the usual activations ----------------------------------------------------

USUAL_KINDS = {"sigmoid": "sigmoid", "tanh": "tanh", "relu": "ReLU"}
"""The activations whose slopes people know by heart, with their usual names."""


def slope_of(kind: str, x: Array, value: Array) -> Array:
    """The slope of an activation at x as it is usually written, with its value: a·(1 − a) for a
    sigmoid, even if a isn't the sigmoid of x."""
    given, made, slope = _slope(kind)
    return _worked(slope, {given: x, made: value})


def kind_with(x: Array, value: Array, slope: Array) -> str:
    """The usual activation with this value and this slope; '' if there is none."""
    for kind in USUAL_KINDS:
        given, made, _ = _slope(kind)
        if agree(_worked(made, {given: x}), value) and agree(slope_of(kind, x, value), slope):
            return kind
    return ""


@cache
def _slope(kind: str) -> tuple[Node, Node, Node]:
    """x, the activation of x, and its slope."""
    given = Graph().leaf(Name("x"))
    made = given.graph.make(kind, given)
    return given, made, gradients(made, [given], {given})[given]


def _worked(node: Node, known: dict[Node, Array]) -> Array:
    work(ancestors([node], known), known)
    return known[node]
