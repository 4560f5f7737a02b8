"""Formulas over values of the step as a whole, in C: weights, sums over the batch, what follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod

from gradbook.errors import TargetError
from gradbook.graph.node import Node
from gradbook.targets.c.rows import INFIX, literal

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
