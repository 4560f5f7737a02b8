"""A trained layer as ops, expanded to those that a format has names for.

Layers that a format lacks are written this way. Values that don't depend on the sample are computed
beforehand: the format stores them as tensors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
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
    """A layer's ops on a sample; its inputs are the values that it reads, by their numbers."""

    inputs: Mapping[int, Node]
    output: Node
    tensors: Mapping[Node, str]  # leaves, by the names of the layer's tensors
    arrays: Mapping[Node, Array]  # the leaves' numbers

    @cached_property
    def steps(self) -> list[Node]:
        """List the nodes that depend on the sample, in order of computation."""
        inputs = set(self.inputs.values())
        return [node for node in ancestors([self.output]) if node.each and node not in inputs]

    @cached_property
    def uses(self) -> Counter[Node]:
        """Count how often each value is read."""
        return Counter(x for node in self.steps for x in node.inputs) + Counter([self.output])

    def array(self, node: Node) -> Array:
        """Compute a constant node, with size 1 along axes on which it is only repeated."""
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
        """Compute a constant node in its full shape."""
        return np.broadcast_to(self.array(node), node.shape)

    def tensor(self, node: Node) -> str:
        """Return the name of the layer's tensor with these numbers; empty if they are computed."""
        while node.op.name in LAID_OUT:
            (node,) = node.inputs
        return self.tensors.get(node, "")


def as_slice(places: Sequence[int]) -> str:
    """Write places as Python indexes them: a run upwards as a slice, others as a list."""
    if list(places) == list(range(places[0], places[0] + len(places))):
        return f"{places[0]}:{places[-1] + 1}"
    return str(list(places))


def ops_of(trained: TrainedNet, applied: TrainedLayer, says: Vocabulary) -> LayerOps:
    layer, graph = _with_plain_sums(applied), Graph()
    inputs = {
        number: graph.leaf(Name("x", layer=number), trained.shape(number), each=True)
        for number in applied.reads
    }
    names = [spec.tensor for spec in layer.parameters(applied.input)] or [*applied.tensors]
    leaves = [graph.leaf(Name(name), applied.tensors[name].shape) for name in names]
    site = LayerSite(graph, 0, None, Name("y"), Name("x"), applied.output, 1, False, False)
    result = layer.ops(site, [inputs[number] for number in applied.reads], leaves)
    names += layer.statistics
    tensors = dict(zip([*leaves, *site.statistics], names, strict=True))
    arrays = {leaf: applied.tensors[name] for leaf, name in tensors.items()}
    return LayerOps(inputs, says.rewrite(result, applied.name, layer.text), tensors, arrays)


def _with_plain_sums(trained: TrainedLayer) -> Layer:
    """Return the layer with the weights that its sums read, and with a bias that was folded in."""
    layer: Any = trained.layer.in_other_words
    if layer.bits:
        layer = replace(layer, bits=Bits.ALL)
    if "bias" in trained.tensors and getattr(layer, "bias", None) is Bias.NONE and layer.sums:
        layer = replace(layer, bias=Bias.EACH)
    assert isinstance(layer, Layer)
    return layer


@dataclass
class OpWriter(Generic[Value]):
    """Writes the ops of a layer one by one; a format defines the calls and the type of a value.

    A value may have further axes of size 1, or size 1 along an axis on which it only repeats: all
    formats broadcast it.
    """

    layer: TrainedLayer = field(init=False)  # the current layer
    ops: LayerOps = field(init=False)
    written: dict[Node, tuple[Value, Shape]] = field(init=False)

    def tensor_of(self, node: Node, array: Array) -> Value:
        """Write a value that no sample changes."""
        raise NotImplementedError

    def fitted(self, x: Value, shape: Shape, wanted: Shape) -> Value:
        """Write a value in another shape: reshaped, or with its numbers repeated."""
        raise NotImplementedError

    def value(self, node: Node) -> Value:
        """Return a value in exactly its shape."""
        if not node.each:
            return self.tensor_of(node, self.ops.whole(node))
        x, shape = self.written[node]
        if shape != node.shape:
            x = self.fitted(x, shape, node.shape)
            self.written[node] = x, node.shape
        return x

    def beside(self, node: Node) -> tuple[list[Value], Shape]:
        """Return the inputs of an elementwise op, with equally many axes, and its shape."""
        varying = [x for x in node.inputs if x.each]
        present = [self.written[x][1] for x in varying]
        if node.shape not in present and prod(present[0]) < prod(node.shape):
            self.value(varying[0])
        before = [self.written[x][1] if x.each else self.ops.array(x).shape for x in node.inputs]
        rank = max(len(node.shape), *map(len, before))
        values, shapes = [], []
        for x, shape in zip(node.inputs, before, strict=True):
            wide = shape + (1,) * (rank - len(shape)) if shape or x.each else shape
            if not x.each:
                values.append(self.tensor_of(x, self.ops.array(x).reshape(wide)))
            else:
                name = self.written[x][0]
                values.append(name if wide == shape else self.fitted(name, shape, wide))
            shapes.append(wide)
        return values, np.broadcast_shapes(*shapes)
