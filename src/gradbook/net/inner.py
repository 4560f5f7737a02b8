"""A layer by itself, on a graph of its own: what it makes, and what it names on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradbook.graph.node import Graph, Node, ancestors
from gradbook.layers.card import LayerSite
from gradbook.net.names import layer_names, number
from gradbook.net.network import Net


@dataclass(frozen=True)
class LayerAlone:
    """Its ops for one sample: a leaf for what it reads, one for each parameter, what it makes."""

    given: Node
    parameters: tuple[Node, ...]
    made: Node

    @classmethod
    def of(cls, net: Net, index: int) -> LayerAlone:
        """The layer there, which reads the values of one layer."""
        layer, names, graph = net.layers[index], layer_names(net), Graph()
        (read,) = layer.reads(index)
        given = graph.leaf(names[read], net.shapes[read])
        own = [graph.leaf(it.leaf, it.shape) for it in net.taken(index)]
        site = LayerSite(
            graph,
            index,
            number(net, index),
            names[index + 1],
            names[read],
            net.shapes[index + 1],
            samples=1,
            outside=False,
            training=True,
        )
        return cls(given, tuple(own), graph.named(layer.ops(site, [given], own), site.name))

    @property
    def values(self) -> Sequence[Node]:
        """Those that it names, in an order to compute in; all steps together aren't another."""
        named = (node for node in ancestors([self.made]) if node.name and node.inputs)
        return [node for node in named if node.op.name != "stack"]
