"""Numbers for testing identities: random ones and a sheet's own values; also their slopes.

A number may have a slope in its imaginary part, which is so small that its square vanishes.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np

from gradbook.cells.budget import spend
from gradbook.cells.formula.address import Address
from gradbook.cells.formula.special_functions import SPECIAL
from gradbook.graph.node import Array, Node, ancestors, op_called
from gradbook.graph.ops import BELL

# Numbers with slopes ------------------------------------------------------------------


def _power(x: Array, n: Array) -> Array:
    whole = np.real(n) == np.round(np.real(n))
    return np.where(whole | (np.real(x) > 0), np.power(x, n), np.nan)


def _normal_share(x: Array) -> Array:
    real, slope = np.real(x), np.imag(x)
    bell = BELL * np.exp(-(real**2) / 2)
    return np.asarray(op_called("normal_share").value(real) + 1j * slope * bell)


def _normal_quantile(p: Array) -> Array:
    real: Array = op_called("normal_quantile").value(np.real(p))
    return np.asarray(real + 1j * np.imag(p) / (BELL * np.exp(-(real**2) / 2)))


_WITH_SLOPES: dict[str, Callable[..., Any]] = {
    "log": lambda x: np.where(np.real(x) > 0, np.log(x), np.nan),
    "sqrt": lambda x: np.where(np.real(x) >= 0, np.sqrt(x), np.nan),
    "power": _power,
    "normal_share": _normal_share,
    "normal_quantile": _normal_quantile,
    "whole": lambda x: op_called("whole").value(np.real(x)) + 1j * np.imag(x),
    "straight": lambda value, through: np.real(value) + 1j * np.imag(through),
    "choose": lambda c, a, b: np.where(np.real(c) > 0, a, b),
    "largest": lambda *xs: reduce(lambda a, b: np.where(np.real(a) < np.real(b), b, a), xs),
}
"""The ops that need their own rule for imaginary parts, or don't accept them."""


def apply(name: str, inputs: Sequence[Array], attributes: Sequence[object] = ()) -> Array:
    """An op's value, with the slope that follows from those of its inputs."""
    op: Callable[..., Any] = op_called(name).value
    if any(map(np.iscomplexobj, inputs)):
        if name in SPECIAL:
            return _by_differences(op, inputs)
        op = _WITH_SLOPES.get(name, op)
    return np.asarray(op(*inputs, *attributes))


def _by_differences(op: Callable[..., Any], inputs: Sequence[Array]) -> Array:
    """A special function takes no imaginary parts: its slope along them is that of small steps."""
    centre = [np.real(x) for x in inputs]
    size = max(float(np.max(np.abs(np.imag(x)))) for x in inputs) or 1.0
    ways = [np.imag(x) / size for x in inputs]

    def at(steps: int) -> Array:
        moved = (x + steps * NUDGE * way for x, way in zip(centre, ways, strict=True))
        return np.asarray(op(*moved))

    slope = (at(-2) - 8 * at(-1) + 8 * at(1) - at(2)) / (12 * NUDGE)
    return np.asarray(op(*centre) + 1j * size * slope)


def work(nodes: Iterable[Node], values: dict[Node, Array]) -> None:
    """Compute the value of each node that has none; inputs come before the nodes that use them."""
    with np.errstate(all="ignore"):
        for node in nodes:
            if node not in values:
                inputs = [values[source] for source in node.inputs]
                values[node] = apply(node.op.name, inputs, node.attributes)


# Values of nodes ----------------------------------------------------------------------

NUDGE = 1e-3
POINTS = 24  # enough for both sides of a kink
CLOSE = 1e-9  # relative: the error of a true identity in double precision
FAINT = 1e-2  # relative to the usual size: smaller numbers may have lost digits by cancellation
NOISE = 1e-13  # relative to the summands: the most that rounding leaves of a sum that is 0
TINY = 1e-9  # the largest such rounding error for numbers drawn around 1
PASSING = ("add", "subtract", "multiply", "divide", "negate", "copy")
ENOUGH_POINTS = 3  # points at which both sides are finite


class Numbers:
    """Values of nodes at a few points, each computed once; values of leaves come from `leaf`."""

    def __init__(self, leaf: Callable[[Address], Array], cells: Mapping[Node, Address]) -> None:
        self.leaf = leaf
        self.cells = cells  # the leaves' cells
        self.values: dict[Node, Array] = {}
        self._sizes: dict[Node, Array] = {}

    def of(self, node: Node) -> Array:
        order = ancestors([node], self.values)
        missing = [part for part in order if part not in self.values]
        spend(POINTS, len(missing))
        self.values |= {part: self.leaf(self.cells[part]) for part in missing if part in self.cells}
        work(missing, self.values)
        return self.values[node]

    def size(self, node: Node) -> Array:
        """The size of a node if nothing that it adds up cancelled."""
        with np.errstate(all="ignore"):
            for part in ancestors([node], self._sizes, _parts):
                if part not in self._sizes:
                    self._sizes[part] = self._size(part)
        return self._sizes[node]

    def _size(self, node: Node) -> Array:
        match node.op.name, [self._sizes[part] for part in _parts(node)]:
            case "add" | "subtract", (a, b):
                return a + b
            case "multiply", (a, b):
                return a * b
            case "divide", (a, _):
                return a / np.abs(self.of(node.inputs[1]))
            case "negate" | "copy", (a,):
                return a
            case _:
                return np.abs(self.of(node))

    def same(self, a: Node, b: Node) -> bool:
        """Whether two nodes are equal at every point, or both are 0 apart from rounding errors."""
        return agree(self.of(a), self.of(b)) or (self.is_noise(a) and self.is_noise(b))

    def is_noise(self, node: Node) -> bool:
        """Whether a node is 0 at every point apart from rounding errors."""
        values = np.abs(self.of(node))
        return bool(np.all(values <= TINY) and np.all(values <= NOISE * self.size(node)))


def _parts(node: Node) -> tuple[Node, ...]:
    """The inputs that a node adds up or multiplies."""
    return node.inputs if node.op.name in PASSING else ()


def random_values(weights: Container[Address]) -> Callable[[Address], Array]:
    """Random values for leaves, always the same for a cell."""

    def leaf(cell: Address) -> Array:
        draw = np.random.default_rng(cell)
        if cell in weights:
            return draw.normal(0, 1.1, POINTS)
        return draw.uniform(0.15, 0.95, POINTS)

    return leaf


def is_multiple(a: Array, b: Array) -> bool:
    """Whether one is a constant multiple of the other, other than 0, wherever both are finite."""
    return constant_ratio(a, b, 2) != 0


def constant_ratio(a: Array, b: Array, fewest: int = 1) -> float:
    """The quotient of two values, if it is the same wherever it is finite; 0 if there is none."""
    with np.errstate(all="ignore"):
        return constant(a / b, fewest)


def constant(values: Array, fewest: int = 1) -> float:
    """The number that values are at all points where they are finite; 0 if there is none."""
    known = np.ravel(values)
    known = known[np.isfinite(known)]
    is_one = known.size >= fewest and agree(known, np.full_like(known, known[0]))
    return float(known[0]) if is_one else 0.0


def agree(a: Array, b: Array) -> bool:
    """Whether both sides are equal at every point where both are finite."""
    sure = np.isfinite(a) & np.isfinite(b)
    count = np.count_nonzero(sure)
    if count < min(ENOUGH_POINTS, sure.size):
        return False
    if count < sure.size or np.shape(a) != np.shape(b):
        a, b = (np.broadcast_to(side, sure.shape)[sure] for side in (a, b))
    size = np.maximum(np.abs(a), np.abs(b))
    apart = np.abs(a - b)
    if not np.any(apart > CLOSE * size):
        return True
    if np.any(apart > CLOSE * np.maximum(size, FAINT * np.max(size))):
        return False  # the median, which takes longer to compute, is no larger than the maximum
    return not np.any(apart > CLOSE * np.maximum(size, FAINT * np.median(size)))
