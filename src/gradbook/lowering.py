"""What a target can't say, said in what it can: ops are taken apart here, for every target.

A target declares the ops that it says, a `Vocabulary`. How any other op is made of simpler ones
stands with the op: its expansion (`graph/node.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Container, Sequence
from dataclasses import dataclass

from gradbook.errors import TargetError
from gradbook.graph.names import Name
from gradbook.graph.node import Graph, Node, ancestors
from gradbook.layers import Layer

OTHER_FORMAT = "take another activation, or another format"


def expansion(node: Node, inputs: Sequence[Node] = ()) -> Node | None:
    """What simpler ops make of these inputs, or of the node's own, in place of its op."""
    inputs = inputs or node.inputs
    if node.op.name == "power" and node.inputs[1].is_constant(2):
        return inputs[0] * inputs[0]
    return node.op.expansion and node.op.expansion(*inputs, *node.attributes)


def function_of_x(layer: Layer) -> tuple[Node, Node]:
    """A single value x, and what a layer that works on each value alone makes of it."""
    x = Graph().leaf(Name("x"), each=True)
    return x, layer.at_a_place([x])


@dataclass(frozen=True)
class Vocabulary:
    """The ops that a target says, what it is called, and what helps where it lacks words."""

    target: str
    ops: Container[str]
    remedy: str = "use another activation or loss"

    def simpler(self, node: Node, inputs: Sequence[Node] = ()) -> Node | None:
        """The expansion of an op that the target doesn't say; None for one that it says."""
        if node.op.name in self.ops:
            return None
        made = expansion(node, inputs)
        if made is None:
            raise TargetError(f"{self.target} has no words for '{node.op.name}': {self.remedy}")
        return made

    def sources(self, node: Node) -> tuple[Node, ...]:
        """What a node is said with: its inputs, or the simpler way to make it."""
        simpler = self.simpler(node)
        return node.inputs if simpler is None else (simpler,)

    def complete(self, nodes: Sequence[Node]) -> list[Node]:
        """The nodes and what expansions say them with, in an order to compute in."""
        found = set(nodes)
        waiting = list(nodes)
        while waiting:
            simpler = self.simpler(waiting.pop())
            if simpler is not None:
                fresh = [part for part in ancestors([simpler], stop=found) if part not in found]
                found.update(fresh)
                waiting += fresh
        return sorted(found, key=lambda node: node.index)

    def steps(self, layer: Layer, place: str) -> list[Node]:
        """A layer that works on each value alone, in ops of the target; `place` is its name.

        The value comes first, then constants and steps in an order to compute in; the last is what
        the layer makes.
        """
        x, made = function_of_x(layer)
        said = self.rewrite(made, place, layer)
        return [x, *(node for node in ancestors([said]) if node is not x)]

    def rewrite(self, made: Node, place: str, layer: Layer) -> Node:
        """What a layer makes, in ops of the target, but for what no sample changes."""
        known: dict[Node, Node] = {}

        def express(node: Node, beyond: Collection[Node] = ()) -> Node:
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
                    f"{place}: {self.target} has no words for {layer.text}, which is made with "
                    f"{node.op.name}: {self.remedy}"
                )
            known.update((x, x) for x in inputs)
            return express(simpler, inputs)

        return express(made)
