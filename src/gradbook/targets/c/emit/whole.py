"""Formulas over values of the step as a whole, in C: weights, sums over the batch, what follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod

from gradbook.errors import TargetError
from gradbook.graph.node import Node
from gradbook.targets.c.emit.arrays import Arrays
from gradbook.targets.c.emit.names import Scope
from gradbook.targets.c.emit.rows import INFIX, literal
from gradbook.targets.c.emit.syntax import block, indented, loop, task
from gradbook.targets.c.kernels.loops import Kernel
from gradbook.targets.c.kernels.slides import places
from gradbook.targets.c.plan.plan import Plan
from gradbook.targets.c.plan.timing import WEIGHTS
from gradbook.targets.c.rewrite.simplify import reduced

CALLS = {"exp": "EXP", "log": "LOG", "tanh": "TANH", "sqrt": "SQRT"}


@dataclass
class Elements:
    """The formulas of one loop over k. `array(node)` is where a value lies, if it lies anywhere."""

    array: Callable[[Node], str | None]
    lines: list[str] = field(default_factory=list)
    said: dict[tuple[Node, str], str] = field(default_factory=dict)

    def value(self, node: Node, index: str = "k", make: bool = False) -> str:
        """The C expression of an element."""
        if node.is_constant():
            return literal(node.number)
        if not node.shape:
            index = "0"
        if (node, index) not in self.said:
            self.said[node, index] = self._value(node, index, make)
        return self.said[node, index]

    def _value(self, node: Node, index: str, make: bool) -> str:
        array = self.array(node)
        if array is not None and not make:
            return f"{array}[{index}]"
        name = node.op.name
        if name == "spread":
            (tail,) = node.attributes
            assert isinstance(tail, tuple)
            return self.value(node.inputs[0], f"({index}) / {prod(tail)}")
        if name in ("reshape", "repeat", "copy"):
            return self.value(node.inputs[0], index)
        return self._named(self._formula(node, index))

    def _formula(self, node: Node, index: str) -> str:
        name = node.op.name
        values = [self.value(source, index) for source in node.inputs]
        if name in INFIX:
            return f"{values[0]} {INFIX[name]} {values[1]}"
        if name == "negate":
            return f"-{values[0]}"
        if name == "power":
            if node.inputs[1].is_constant(2):
                return f"{values[0]} * {values[0]}"
            return f"POW({values[0]}, {values[1]})"
        if name == "choose":
            return f"{values[0]} > 0 ? {values[1]} : {values[2]}"
        if name == "relu":
            return f"{values[0]} > 0 ? {values[0]} : 0"
        if name in CALLS:
            return f"{CALLS[name]}({values[0]})"
        raise TargetError(f"the engine has no word for {name} of the step as a whole")

    def _named(self, text: str) -> str:
        name = f"t{len(self.lines)}"
        self.lines.append(f"const real {name} = {text};")
        return name


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


@dataclass(frozen=True)
class Ending:
    """`following` says what carried values become, `read` which arrays are read from outside."""

    scope: Scope
    arrays: Arrays
    between: Between
    following: Mapping[Node, Node]
    read: Mapping[str, Node]

    def texts(self) -> tuple[dict[str, str], list[str]]:
        """The functions that may run side by side, by name; what one thread does after them."""
        self.arrays.is_late = True
        changing = {leaf: node for leaf, node in self.following.items() if leaf is not node}
        wide = {leaf: node for leaf, node in changing.items() if leaf.shape}
        tasks: dict[str, str] = {}
        for group in self._groups(wide):
            lines = self._task(group, wide)
            if lines:
                name = self.scope.function("update", self._title(group), group[0])
                tasks[name] = task(name, lines)
        elements = Elements(self.arrays.array)
        values = [(name, elements.value(x)) for name, x in self.read.items() if not x.shape]
        values += [
            (self.arrays.states[leaf], elements.value(node))
            for leaf, node in changing.items()
            if not leaf.shape
        ]
        filled = self.arrays.asked_since(self.between.computed)
        stores = [f"at->e->{name}[0] = {value};" for name, value in values]
        return tasks, block([*filled, *elements.lines, *stores])

    def _groups(self, changing: Mapping[Node, Node]) -> list[list[Node]]:
        """Carried values that read each other, or the same late sums, change together."""
        owner: dict[Node, int] = {}
        groups: dict[int, list[Node]] = {}
        roots = [*changing.items(), *((x, x) for x in self.read.values() if x.shape)]
        for number, (leaf, node) in enumerate(roots):
            touched = {leaf} | {
                other
                for other in self._read_late(node)
                if other in changing or reduced(other) is not None
            }
            joined = sorted({owner[other] for other in touched if other in owner})
            groups[number] = [leaf]
            for old in joined:
                groups[number] += groups.pop(old)
            for other, own in list(owner.items()):
                if own in joined:
                    owner[other] = number
            owner.update(dict.fromkeys(touched, number))
        return [sorted(set(group), key=lambda n: n.index) for group in groups.values()]

    def _read_late(self, node: Node) -> list[Node]:
        """The leaves and the late sums that its formula reads."""
        found: dict[Node, None] = {}
        waiting = [node]
        while waiting:
            current = waiting.pop()
            if current in found or current in self.arrays.own:
                continue
            found[current] = None
            if reduced(current) is None:
                waiting.extend(current.inputs)
        return list(found)

    def _title(self, group: list[Node]) -> str:
        names = {**{node: name for name, node in self.read.items()}, **self.arrays.states}
        return min((names[node] for node in group if node in names), key=len)

    def _task(self, group: list[Node], changing: Mapping[Node, Node]) -> list[str]:
        names = {node: name for name, node in self.read.items()}
        states = self.arrays.states
        loops: list[str] = []
        for shape in dict.fromkeys(leaf.shape for leaf in group):
            elements = Elements(self.arrays.array)
            stores = []
            for leaf in group:
                if leaf.shape == shape and leaf in names:
                    stores.append((names[leaf], elements.value(leaf)))
                if leaf.shape == shape and leaf in changing:
                    stores.append((states[leaf], elements.value(changing[leaf])))
            lines = [f"at->e->{name}[k] = {value};" for name, value in stores]
            moved = [line for line in lines if not _stays(line)]
            if moved:
                loops += loop(prod(shape), [*elements.lines, *moved])
        return [*self.arrays.asked_since(self.between.computed), *loops]


def _stays(line: str) -> bool:
    """A value that lies where it is wanted."""
    target, value = line.rstrip(";").split(" = ", 1)
    return target == value
