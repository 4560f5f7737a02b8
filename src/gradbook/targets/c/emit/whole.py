"""Formulas over values of the step as a whole, in C: what one thread computes between two phases.

These are sums over the tiles and what follows from them, and the update.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import prod

from gradbook.errors import TargetError
from gradbook.graph.node import Node
from gradbook.targets.c.emit.scope import Scope
from gradbook.targets.c.emit.syntax import block, indent, literal, loop
from gradbook.targets.c.kernels.slides import places
from gradbook.targets.c.rewrite.patterns import sum_input
from gradbook.targets.c.words import WEIGHT_GRADIENTS, WORDS, word


@dataclass
class Elements:
    """The formulas of one loop over k."""

    scope: Scope
    lines: list[str] = field(default_factory=list)
    expressions: dict[tuple[Node, str], str] = field(default_factory=dict)

    def value(self, node: Node, index: str = "k", make: bool = False) -> str:
        """The C expression of an element; `make` computes it even where it has an array."""
        if node.is_constant():
            return literal(node.number)
        if not node.shape:
            index = "0"
        if (node, index) not in self.expressions:
            self.expressions[node, index] = self._value(node, index, make)
        return self.expressions[node, index]

    def _value(self, node: Node, index: str, make: bool) -> str:
        array = self.scope.array(node)
        if array is not None and not make:
            return f"{array}[{index}]"
        if node.op.name == "spread":
            (tail,) = node.attributes
            assert isinstance(tail, tuple)
            return self.value(node.inputs[0], f"({index}) / {prod(tail)}")
        if node.op.name in ("reshape", "repeat"):
            return self.value(node.inputs[0], index)
        if node.op.name not in WORDS:
            raise TargetError(f"C has no word for {node.op.name} of the step as a whole")
        values = [self.value(source, index) for source in node.inputs]
        name = f"t{len(self.lines)}"
        said = word(node).numbers or word(node).vectors
        self.lines.append(f"const real {name} = {said.format(*values)};")
        return name


# Arrays.


def fill_lines(nodes: Iterable[Node], scope: Scope) -> list[str]:
    """The lines that fill the arrays of these values."""
    return [line for node in nodes for line in _fill(node, scope)]


def _fill(node: Node, scope: Scope) -> list[str]:
    target, x = f"at->e->{scope.arrays[node]}", sum_input(node)
    if x is not None and x.each:
        return _fill_merged(node, x, target, scope)
    elements = Elements(scope)
    if node.op.name == "sum":
        return _fill_sum(node, elements, target)
    value = elements.value(node, make=True)
    return loop(prod(node.shape), [*elements.lines, f"{target}[k] = {value};"])


def _fill_sum(node: Node, elements: Elements, target: str) -> list[str]:
    inner = prod(node.inputs[0].shape) // prod(node.shape)
    value = elements.value(node.inputs[0], f"k * {inner} + j")
    return block(
        [
            f"for (int k = 0; k < {prod(node.shape)}; k++) {{",
            "    double sum = 0;",
            f"    for (int j = 0; j < {inner}; j++) {{",
            *indent([*elements.lines, f"sum += {value};"], by=2),
            "    }",
            f"    {target}[k] = (real)sum;",
            "}",
        ]
    )


def _fill_merged(node: Node, x: Node, target: str, scope: Scope) -> list[str]:
    """The sum over the tiles, in their order."""
    moments = scope.plan.moments
    size, area = prod(node.shape), prod(places(x)[1:])
    if x.op.name in WEIGHT_GRADIENTS:
        return _weights(x, size, target, scope)
    if node in moments:
        return _around(node, target, scope)
    squares = next((squares for squares, total in moments.items() if total is node), None)
    if squares is None:
        return _sum_tiles(size, f"at->e->{scope.partial(node)}", target)
    tile = f"at->e->{scope.partial(squares)}_mean[t][k] * {area} * lanes_of(at->e, t)"
    return loop(
        size,
        [
            "double sum = 0;",
            f"for (int t = 0; t < at->e->tiles; t++) sum += (double){tile};",
            f"{target}[k] = (real)sum;",
        ],
    )


def _weights(x: Node, size: int, target: str, scope: Scope) -> list[str]:
    """A gradient of weights; some loops give it in other numbers, from which it is unpacked."""
    kernel, parts = scope.kernels[x], f"at->e->{scope.partial(x)}"
    if not kernel.unpack:
        return _sum_tiles(size, parts, target)
    return [
        *_sum_tiles(kernel.gradients, parts, f"{parts}_points"),
        kernel.unpack.format(points=f"{parts}_points", weights=target),
    ]


def _around(node: Node, target: str, scope: Scope) -> list[str]:
    """Σ(x − mean)², from the tiles' means and their sums around them."""
    total = scope.plan.moments[node]
    part, whole = scope.partial(node), scope.array(total)
    x = sum_input(total)
    assert x is not None
    area = prod(places(x)[1:])
    return loop(
        prod(node.shape),
        [
            f"const double mean = (double){whole}[k] / ({area} * (double)at->e->count);",
            "double sum = 0;",
            "for (int t = 0; t < at->e->tiles; t++) {",
            f"    const double off = at->e->{part}_mean[t][k] - mean;",
            f"    const double values = {area} * lanes_of(at->e, t);",
            f"    sum += at->e->{part}_around[t][k] + values * off * off;",
            "}",
            f"{target}[k] = (real)sum;",
        ],
    )


def _sum_tiles(size: int, parts: str, target: str) -> list[str]:
    return [f"sum_tiles({parts}[0], at->e->tiles, {size}, {target});"]


# The end of a step.


def update_lines(scope: Scope) -> list[list[str]]:
    """The lines of each update; they may run side by side."""
    results = scope.plan.results
    changing, names = results.changing, defaultdict[Node, list[str]](list)
    for name, node in results.read.items():
        names[node].append(name)
    found = []
    for update in scope.plan.whole.updates:
        lines = fill_lines(update.arrays, scope)
        for shape in dict.fromkeys(leaf.shape for leaf in update.leaves):
            elements = Elements(scope)
            stores = []
            for leaf in update.leaves:
                if leaf.shape == shape and leaf in names:
                    stores += [(name, elements.value(leaf)) for name in names[leaf]]
                if leaf.shape == shape and leaf in changing:
                    stores.append((scope.arrays[leaf], elements.value(changing[leaf])))
            lines += _stored(stores, elements, shape)
        found.append(lines)
    return found


def _stored(
    stores: Iterable[tuple[str, str]], elements: Elements, shape: tuple[int, ...]
) -> list[str]:
    """Without a value that lies where it is wanted."""
    moved = [
        f"at->e->{name}[k] = {value};" for name, value in stores if value != f"at->e->{name}[k]"
    ]
    return loop(prod(shape), [*elements.lines, *moved]) if moved else []


def closing_lines(scope: Scope) -> list[str]:
    """What one thread does after all updates: single values."""
    results, elements = scope.plan.results, Elements(scope)
    values = [(name, elements.value(x)) for name, x in results.read.items() if not x.shape]
    values += [
        (scope.arrays[leaf], elements.value(node))
        for leaf, node in results.changing.items()
        if not leaf.shape
    ]
    stores = [f"at->e->{name}[0] = {value};" for name, value in values]
    return block([*fill_lines(scope.plan.whole.late, scope), *elements.lines, *stores])
