"""Expands ops that a target has no name for into ops that it has, for every target.

A target declares the ops that it can write in a `Vocabulary`. The expansion of any other op into
simpler ones is part of the op (`graph/node.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Container, Sequence
from dataclasses import dataclass

from gradbook.errors import TargetError
from gradbook.graph.names import Name
from gradbook.graph.node import Graph, Node, ancestors
from gradbook.layers import Layer

OTHER_FORMAT = "use another activation, or another format"


def expansion(node: Node, inputs: Sequence[Node] = ()) -> Node | None:
    """The op's result on these inputs, or on its own, written with simpler ops."""
    inputs = inputs or node.inputs
    if node.op.name == "power" and node.inputs[1].is_constant(2):
        return inputs[0] * inputs[0]
    return node.op.expansion and node.op.expansion(*inputs, *node.attributes)


def function_of_x(layer: Layer) -> tuple[Node, Node]:
    """A single value x, and the result of an elementwise layer for it."""
    x = Graph().leaf(Name("x"), each=True)
    return x, layer.at_a_place([x])


@dataclass(frozen=True)
class Vocabulary:
    """The ops that a target can write, its name, and the remedy for all others."""

    target: str
    ops: Container[str]
    remedy: str = "use another activation or loss"

    def simpler(self, node: Node, inputs: Sequence[Node] = ()) -> Node | None:
        """The expansion of an op that the target can't write; None for one that it can."""
        if node.op.name in self.ops:
            return None
        expanded = expansion(node, inputs)
        if expanded is None:
            raise TargetError(f"{self.target} can't write the op '{node.op.name}': {self.remedy}")
        return expanded

    def sources(self, node: Node) -> tuple[Node, ...]:
        """The nodes that a node is written with: its inputs, or its expansion."""
        simpler = self.simpler(node)
        return node.inputs if simpler is None else (simpler,)

    def complete(self, nodes: Sequence[Node]) -> list[Node]:
        """The nodes and those of their expansions, in an order of computation."""
        known = set(nodes)
        waiting = list(nodes)
        while waiting:
            simpler = self.simpler(waiting.pop())
            if simpler is not None:
                fresh = [part for part in ancestors([simpler], stop=known) if part not in known]
                known.update(fresh)
                waiting += fresh
        return sorted(known, key=lambda node: node.index)

    def steps(self, layer: Layer, place: str) -> list[Node]:
        """An elementwise layer, in ops of the target; `place` is its name.

        The value comes first, then constants and steps in an order of computation; the last one is
        the layer's output.
        """
        x, output = function_of_x(layer)
        rewritten = self.rewrite(output, place, layer.text)
        return [x, *(node for node in ancestors([rewritten]) if node is not x)]

    def rewrite(self, output: Node, place: str, text: str, stop: Collection[Node] = ()) -> Node:
        """The output of a layer of such a text, in ops of the target; the nodes of `stop`, and
        what is equal for all samples, stay."""
        known = {node: node for node in stop}

        def express(node: Node, beyond: Collection[Node] = stop) -> Node:
            for part in ancestors([node], stop=beyond):
                if part not in known:
                    known[part] = remake(part) if part.inputs and part.each else part
            return known[node]

        def remake(node: Node) -> Node:
            inputs = [known[x] for x in node.inputs]
            if node.op.name in self.ops:
                return node.graph.make(node.op.name, *inputs, attributes=node.attributes)
            simpler = expansion(node, inputs)
            if simpler is None:
                raise TargetError(
                    f"{place}: {self.target} can't write {text}, which needs "
                    f"{node.op.name}: {self.remedy}"
                )
            known.update((x, x) for x in inputs)
            return express(simpler, inputs)

        return express(output)
