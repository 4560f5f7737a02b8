"""What one thread computes between two phases: sums over the tiles, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from gradbook.graph.node import Node
from gradbook.targets.c.arrays import Arrays
from gradbook.targets.c.fields import Scope
from gradbook.targets.c.kernel import Kernel
from gradbook.targets.c.kinds import WEIGHTS
from gradbook.targets.c.plan import Plan
from gradbook.targets.c.simplify import reduced
from gradbook.targets.c.slides import places
from gradbook.targets.c.syntax import block, indented, loop
from gradbook.targets.c.totals import Elements


@dataclass(frozen=True)
class Between:
    scope: Scope
    plan: Plan
    arrays: Arrays
    kernels: Callable[[Node], Kernel]

    def computed(self, node: Node) -> list[str]:
        """The lines that fill a value's array."""
        target = f"at->e->{self.arrays.own[node]}"
        x = reduced(node)
        if x is not None and x.each:
            return self._merged(node, x, target)
        elements = Elements(self.arrays.array)
        if node.op.name == "sum":
            return self._summed(node, elements, target)
        value = elements.value(node, make=True)
        return loop(prod(node.shape), [*elements.lines, f"{target}[k] = {value};"])

    def _summed(self, node: Node, elements: Elements, target: str) -> list[str]:
        inner = prod(node.inputs[0].shape) // prod(node.shape)
        value = elements.value(node.inputs[0], f"k * {inner} + j")
        return block(
            [
                f"for (int k = 0; k < {prod(node.shape)}; k++) {{",
                "    double sum = 0;",
                f"    for (int j = 0; j < {inner}; j++) {{",
                *indented([*elements.lines, f"sum += {value};"], by=2),
                "    }",
                f"    {target}[k] = (real)sum;",
                "}",
            ]
        )

    def _merged(self, node: Node, x: Node, target: str) -> list[str]:
        """The sum over the tiles, in their order."""
        if x.op.name in WEIGHTS:
            return self._weights(x, prod(node.shape), target)
        if node in self.plan.moments:
            return self._around(node, target)
        with_squares = {x: squares for squares, x in self.plan.moments.items()}
        if x in with_squares:
            part, area = self.scope.partial(with_squares[x]), prod(places(x)[1:])
            tile = f"at->e->{part}_mean[t][k] * {area} * lanes_of(at->e, t)"
            return loop(
                prod(node.shape),
                [
                    "double sum = 0;",
                    f"for (int t = 0; t < at->e->tiles; t++) sum += (double){tile};",
                    f"{target}[k] = (real)sum;",
                ],
            )
        return _tiles_summed(prod(node.shape), f"at->e->{self.scope.partial(node)}", target)

    def _weights(self, x: Node, size: int, target: str) -> list[str]:
        """A gradient of weights; some loops give it in other numbers, from which it is unpacked."""
        made, part = self.kernels(x), self.scope.partial(x)
        if not made.unpack:
            return _tiles_summed(size, f"at->e->{part}", target)
        points = f"{part}_points"
        self.scope.fields.engine.append(f"real {points}[{made.slopes}];")
        return [
            *_tiles_summed(made.slopes, f"at->e->{part}", f"at->e->{points}"),
            made.unpack.format(points=f"at->e->{points}", weights=target),
        ]

    def _around(self, node: Node, target: str) -> list[str]:
        """Σ(x − mean)², from the tiles' means and their sums around them."""
        part, area = self.scope.partial(node), prod(places(self.plan.moments[node])[1:])
        whole = self.arrays.required(self._sum_beside(node))
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

    def _sum_beside(self, squares: Node) -> Node:
        """Σ x for a Σ(x − mean)²."""
        x = self.plan.moments[squares]
        for made in self.plan.passes:
            for node in made.sums:
                if node not in self.plan.moments and self.plan.argument(node) is x:
                    return node
        raise AssertionError("a mean is made from its sum")


def _tiles_summed(size: int, parts: str, target: str) -> list[str]:
    return [f"sum_tiles({parts}[0], at->e->tiles, {size}, {target});"]
