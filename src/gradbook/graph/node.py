"""The graph: values as ops on earlier values, each distinct one stored once; and what an op is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gradbook.graph.names import Name
from gradbook.graph.window import Shape, Window

Array = NDArray[np.float64]
Scalars = NDArray[Any]  # an array of nodes: the elements of a small tensor
Attribute = float | int | str | tuple[int, ...] | Window


def same_shape(*shapes: Any) -> Shape:
    """The shape of an elementwise op's result: a single value fits any shape."""
    wide = {shape for shape in shapes if isinstance(shape, tuple) and shape}
    assert len(wide) <= 1, f"shapes {wide} side by side"
    return next(iter(wide), ())


def _no_derivative(d: Node, y: Node, *inputs: Node) -> Sequence[Node | None]:
    assert not inputs, f"{y.op.name} has no derivative: it is part of one"
    return ()


@dataclass(frozen=True, eq=False)
class Op:
    """One op. Arrays with a value per sample have the samples as their first axis.

    `value(*arrays, *attributes)` computes the result. `derivative(d, y, *inputs)` gets
    d = ∂E/∂y and returns ∂E/∂x for each input (None: 0); it may use the result y itself.
    `expansion(*inputs, *attributes)` writes the op with simpler ones, for targets without a name
    for it. `elements(*arrays of scalar nodes, *attributes)` expands a tensor op into ops on
    single values; an op without it works element by element.
    """

    name: str
    value: Callable[..., Array]
    derivative: Callable[..., Sequence[Node | None]] = _no_derivative
    shape: Callable[..., Shape] = same_shape
    expansion: Callable[..., Node] | None = None
    elements: Callable[..., Scalars] | None = None

    def __reduce__(self) -> tuple[Callable[[str], Op], tuple[str]]:
        """A copy or a pickle of it is itself, found by its name."""
        return op_called, (self.name,)


OPS: dict[str, Op] = {}
FOREIGN: dict[str, Op] = {}  # ops of others' formulas, which our networks don't use


def define(name: str, value: Callable[..., Any], **parts: Callable[..., Any]) -> None:
    assert name not in OPS, f"op {name} defined twice"
    OPS[name] = Op(name, value, **parts)


def define_foreign(name: str, value: Callable[..., Any], derivative: Callable[..., Any]) -> None:
    assert name not in OPS.keys() | FOREIGN.keys(), f"op {name} defined twice"
    FOREIGN[name] = Op(name, value, derivative)


def op_called(name: str) -> Op:
    return OPS.get(name) or FOREIGN[name]


OPERATORS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "^": "power"}


class Arithmetic:
    """Operators on values that remember how they are computed, and on such a value and a number."""

    def _operate(self, sign: str, a: Self | float, b: Self | float) -> Self:
        """The result of one of OPERATORS."""
        raise NotImplementedError

    def __add__(self, other: Self | float) -> Self:
        return self._operate("+", self, other)

    def __radd__(self, other: float) -> Self:
        return self._operate("+", other, self)

    def __sub__(self, other: Self | float) -> Self:
        return self._operate("-", self, other)

    def __rsub__(self, other: float) -> Self:
        return self._operate("-", other, self)

    def __mul__(self, other: Self | float) -> Self:
        return self._operate("*", self, other)

    def __rmul__(self, other: float) -> Self:
        return self._operate("*", other, self)

    def __truediv__(self, other: Self | float) -> Self:
        return self._operate("/", self, other)

    def __rtruediv__(self, other: float) -> Self:
        return self._operate("/", other, self)

    def __pow__(self, other: Self | float) -> Self:
        return self._operate("^", self, other)

    def __rpow__(self, other: float) -> Self:
        return self._operate("^", other, self)


@dataclass(frozen=True, eq=False, repr=False)
class Node(Arithmetic):
    """One value: an op on earlier nodes. `each` marks a value per sample, rather than per step."""

    graph: Graph
    index: int  # inputs have smaller indices, so increasing index is an order of computation
    op: Op
    inputs: tuple[Node, ...]
    attributes: tuple[Attribute, ...]
    shape: Shape
    each: bool

    @property
    def name(self) -> Name | None:
        return self.graph.names.get(self)

    @property
    def number(self) -> float:
        """A constant's value."""
        (value,) = self.attributes
        assert isinstance(value, (int, float))
        return float(value)

    def __repr__(self) -> str:
        """One level deep: the fully expanded value could be very long."""
        inputs = ", ".join(f"{x.op.name} {x.index}" for x in self.inputs)
        return f"<{self.name or self.index} = {self.op.name}({inputs})>"

    def is_constant(self, value: float | None = None) -> bool:
        return self.op.name == "constant" and value in (None, self.number)

    def _operate(self, sign: str, a: Node | float, b: Node | float) -> Node:
        return self.graph.make(OPERATORS[sign], a, b)

    def __neg__(self) -> Node:
        return self.graph.make("negate", self)


class Graph:
    """Nodes in the order of their creation, each distinct one once, and the names of some."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.names: dict[Node, Name] = {}
        self._known: dict[object, Node] = {}
        self._taken: set[str] = set()

    @property
    def by_name(self) -> dict[str, Node]:
        """The nodes that have a name."""
        return {str(name): node for node, name in self.names.items()}

    def has(self, name: Name) -> bool:
        """Whether a value has this name."""
        return str(name) in self._taken

    def make(self, op: str, *inputs: Node | float, attributes: tuple[Attribute, ...] = ()) -> Node:
        """The node of this op on these inputs; numbers become constants."""
        nodes = tuple(x if isinstance(x, Node) else self.constant(x) for x in inputs)
        simpler = _simpler(op, nodes)
        if simpler is not None:
            return simpler
        shape = op_called(op).shape(*(node.shape for node in nodes), *attributes)
        each = op == "repeat" or (op != "total" and any(node.each for node in nodes))
        return self._add(op, nodes, attributes, shape, each)

    def constant(self, value: float) -> Node:
        return self._add("constant", (), (float(value),), (), False)

    def leaf(self, name: Name, shape: Shape = (), each: bool = False) -> Node:
        """A value from outside: an input, a weight, the learning rate."""
        node = self._add("leaf", (), (str(name),), shape, each)
        self._name(node, name)
        return node

    def named(self, node: Node, name: Name) -> Node:
        """The node with this name, or a copy if the node has another name or is a constant."""
        if self.names.get(node) == name:
            return node
        if node in self.names or node.is_constant():
            node = self.make("copy", node, attributes=(str(name),))
        self._name(node, name)
        return node

    def _name(self, node: Node, name: Name) -> None:
        text = str(name)
        assert text not in self._taken or node in self.names, f"two values named {name}"
        self._taken.add(text)
        self.names[node] = name

    def _add(
        self,
        op: str,
        inputs: tuple[Node, ...],
        attributes: tuple[Attribute, ...],
        shape: Shape,
        each: bool,
    ) -> Node:
        key = (op, inputs, attributes)
        if key not in self._known:
            node = Node(self, len(self.nodes), op_called(op), inputs, attributes, shape, each)
            self.nodes.append(node)
            self._known[key] = node
        return self._known[key]


def _simpler(op: str, inputs: tuple[Node, ...]) -> Node | None:
    """An equivalent, simpler node: 1·x is x, and minus a constant is a constant."""
    match op, inputs:
        case "multiply" | "divide" | "power", (x, one) if one.is_constant(1):
            return x
        case "multiply", (one, x) if one.is_constant(1):
            return x
        case "negate", (number,) if number.is_constant():
            return number.graph.constant(-number.number)
        case _:
            return None


def ancestors(
    outputs: Collection[Node],
    stop: Collection[Node] = (),
    sources: Callable[[Node], Iterable[Node]] = attrgetter("inputs"),
) -> list[Node]:
    """The outputs and all values they depend on, in an order of computation.

    The inputs of values in `stop` are left out, unless these are outputs themselves. `sources`
    returns the values that a value depends on, if they aren't its inputs.
    """
    seen: set[Node] = set()
    waiting = list(outputs)
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            if node not in stop or node in outputs:
                waiting.extend(sources(node))
    return sorted(seen, key=lambda node: node.index)


def named_inputs(node: Node, named: Container[Node] | None = None) -> list[Node]:
    """The named values that a node's formula refers to, in the order in which they are written.

    `named` contains the values that count as named; by default, those with a name in the graph.
    """
    named = node.graph.names if named is None else named
    reached: dict[Node, None] = {}
    waiting = list(reversed(node.inputs))
    seen: set[Node] = set()
    while waiting:
        part = waiting.pop()
        if part in named:
            reached[part] = None
        elif part not in seen:
            seen.add(part)
            waiting.extend(reversed(part.inputs))
    return list(reached)
