"""A trained layer as the ops that it is made of, in those that a format has words for.

Whatever a format has no layer of its own for is written so. What no sample changes is worked out
beforehand: a format keeps it as a tensor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any, Generic, TypeVar

import numpy as np

from gradbook.graph.levels import Bits
from gradbook.graph.names import Name
from gradbook.graph.node import Array, Graph, Node, ancestors, same_shape
from gradbook.graph.window import Shape
from gradbook.layers.card import Bias, Layer, LayerSite
from gradbook.lowering import Vocabulary
from gradbook.net.trained import TrainedLayer, TrainedNet

Value = TypeVar("Value")
LAID_OUT = ("copy", "reshape", "spread", "spread_channels")  # the same numbers in another shape


@dataclass(frozen=True, eq=False)
class LayerOps:
    """What a layer makes of a sample; of the values that it reads, each has its number."""

    given: Mapping[int, Node]
    made: Node
    tensors: Mapping[Node, str]  # leaves, by the names of the layer's tensors
    arrays: Mapping[Node, Array]  # of these leaves

    @cached_property
    def steps(self) -> list[Node]:
        """All that a sample changes, in an order to compute in; the last is what is made."""
        given = set(self.given.values())
        return [node for node in ancestors([self.made]) if node.each and node not in given]

    @cached_property
    def uses(self) -> Counter[Node]:
        """How often each value is read."""
        return Counter(x for node in self.steps for x in node.inputs) + Counter([self.made])

    def array(self, node: Node) -> Array:
        """What no sample changes, with 1 in place of an axis along which it is only repeated."""
        if node in self.arrays:
            return self.arrays[node]
        inputs = [self.array(x) for x in node.inputs]
        match node.op.name:
            case "copy" | "spread_channels":
                return inputs[0]
            case "spread":
                (tail,) = node.attributes
                assert isinstance(tail, tuple)
                return inputs[0].reshape(inputs[0].shape + (1,) * len(tail))
        if node.op.shape is not same_shape:
            pairs = zip(inputs, node.inputs, strict=True)
            inputs = [np.broadcast_to(array, x.shape) for array, x in pairs]
        return np.asarray(node.op.value(*inputs, *node.attributes))

    def whole(self, node: Node) -> Array:
        """The same with every number of its shape."""
        return np.broadcast_to(self.array(node), node.shape)

    def tensor(self, node: Node) -> str:
        """The layer's tensor whose numbers these are; nothing where they are worked out."""
        while node.op.name in LAID_OUT:
            (node,) = node.inputs
        return self.tensors.get(node, "")


def ops_of(trained: TrainedNet, own: TrainedLayer, says: Vocabulary) -> LayerOps:
    layer, graph = _with_plain_sums(own), Graph()
    given = {
        number: graph.leaf(Name("x", layer=number), trained.shape(number), each=True)
        for number in own.reads
    }
    names = [spec.tensor for spec in layer.parameters(own.given)] or [*own.tensors]
    leaves = [graph.leaf(Name(name), own.tensors[name].shape) for name in names]
    site = LayerSite(graph, 0, None, Name("y"), Name("x"), own.makes, 1, False, False)
    made = layer.ops(site, [given[number] for number in own.reads], leaves)
    names += layer.statistics
    tensors = dict(zip([*leaves, *site.statistics], names, strict=True))
    arrays = {leaf: own.tensors[name] for leaf, name in tensors.items()}
    return LayerOps(given, says.rewrite(made, own.name, layer.text), tensors, arrays)


def _with_plain_sums(own: TrainedLayer) -> Layer:
    """The layer with the weights that its sums read, and with a bias where one was folded in."""
    layer: Any = own.layer.in_other_words
    if layer.bits:
        layer = replace(layer, bits=Bits.ALL)
    if "bias" in own.tensors and getattr(layer, "bias", None) is Bias.NONE and layer.sums:
        layer = replace(layer, bias=Bias.EACH)
    assert isinstance(layer, Layer)
    return layer


@dataclass
class OpWriter(Generic[Value]):
    """Writes the ops of one layer after the other; a format says how, and what a value is there.

    Values may lie with further axes of a single place, or with one place for all that are the
    same, as all formats take them beside larger ones.
    """

    own: TrainedLayer = field(init=False)  # the layer at hand
    ops: LayerOps = field(init=False)
    known: dict[Node, tuple[Value, Shape]] = field(init=False)

    def tensor_of(self, node: Node, array: Array) -> Value:
        """What no sample changes."""
        raise NotImplementedError

    def fitted(self, x: Value, shape: Shape, wanted: Shape) -> Value:
        """A value in another shape: laid out anew, or with its numbers repeated."""
        raise NotImplementedError

    def value(self, node: Node) -> Value:
        """A value in just its shape."""
        if not node.each:
            return self.tensor_of(node, self.ops.whole(node))
        x, shape = self.known[node]
        if shape != node.shape:
            x = self.fitted(x, shape, node.shape)
            self.known[node] = x, node.shape
        return x

    def beside(self, node: Node) -> tuple[list[Value], Shape]:
        """What an op on each value reads, all with as many axes; and how what it makes lies."""
        each = [x for x in node.inputs if x.each]
        lying = [self.known[x][1] for x in each]
        if node.shape not in lying and prod(lying[0]) < prod(node.shape):
            self.value(each[0])
        given = [(x, self.known[x][1] if x.each else self.ops.array(x).shape) for x in node.inputs]
        rank = max(len(node.shape), *(len(shape) for _, shape in given))
        values, shapes = [], []
        for x, shape in given:
            wide = shape + (1,) * (rank - len(shape)) if shape or x.each else shape
            if not x.each:
                values.append(self.tensor_of(x, self.ops.array(x).reshape(wide)))
            else:
                own = self.known[x][0]
                values.append(own if wide == shape else self.fitted(own, shape, wide))
            shapes.append(wide)
        return values, np.broadcast_shapes(*shapes)
