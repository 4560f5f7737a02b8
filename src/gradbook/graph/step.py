"""One training step: (weights, samples, rate) → (new weights, loss), with every value between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gradbook.graph.node import Graph, Node
from gradbook.graph.op import Array
from gradbook.net.network import Net


@dataclass(frozen=True)
class Step:
    """The same for every target: the leaves, what is computed from them, and what comes next."""

    net: Net
    graph: Graph
    inputs: tuple[Node, ...]
    targets: tuple[Node, ...]
    outputs: tuple[Node, ...]
    loss: Node
    rate: Node
    data: Mapping[Node, Array]  # of inputs and targets; samples first where there are several
    start: Mapping[Node, Array]  # of weights and whatever else goes from step to step
    next: Mapping[Node, Node]  # what each of these is in the next step
    weights: tuple[Node, ...]  # the parameters, fixed ones included, in the order of their names
    gradients: Mapping[Node, Node]  # ∂loss/∂w of each weight that is trained
    adjoints: Mapping[Node, Node]  # ∂loss/∂v of every value on the way to one

    @property
    def samples(self) -> int:
        return next((len(values) for leaf, values in self.data.items() if leaf.each), 1)
