"""A layer by itself, on a graph of its own: what it makes, and what it names on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradbook.graph.names import Name
from gradbook.graph.node import Graph, Node, ancestors
from gradbook.layers.card import LayerSite
from gradbook.net.names import layer_names, number
from gradbook.net.network import Net


@dataclass(frozen=True)
class LayerAlone:
    """Its ops for one sample: leaves for what it reads and for its parameters, what it makes."""

    given: tuple[Node, ...]
    parameters: tuple[Node, ...]
    made: Node

    @classmethod
    def of(cls, net: Net, index: int) -> LayerAlone:
        """The layer there; what it reads twice has a leaf for each time."""
        layer, names, graph = net.layers[index], layer_names(net), Graph()
        reads = layer.reads(index)
        own_names = [names[read] for read in reads]
        given = [
            graph.leaf(Name("x", (k,)) if name in own_names[:k] else name, net.shapes[read])
            for k, (read, name) in enumerate(zip(reads, own_names, strict=True))
        ]
        own = [graph.leaf(it.leaf, it.shape) for it in net.taken(index)]
        site = LayerSite(
            graph,
            index,
            number(net, index),
            names[index + 1],
            own_names[0],
            net.shapes[index + 1],
            samples=1,
            outside=False,
            training=True,
        )
        made = graph.named(layer.ops(site, given, own), site.name)
        return cls(tuple(given), tuple(own), made)

    @property
    def values(self) -> Sequence[Node]:
        """Those that it names, in an order to compute in; all steps together aren't another."""
        named = (node for node in ancestors([self.made]) if node.name and node.inputs)
        return [node for node in named if node.op.name != "stack"]
