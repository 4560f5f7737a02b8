"""The nodes and tensors of an ONNX model as they are made, each under its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from gradbook.formats.layer_ops import LayerOps
from gradbook.graph.node import Array, Node
from gradbook.graph.window import Shape
from gradbook.net.trained import TrainedLayer

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto


@dataclass
class OnnxNodes:
    """What stands there so far, and what adds to it: layer by layer, the ops of one at a time."""

    opset: int
    own: TrainedLayer = field(init=False)  # the layer at hand
    ops: LayerOps = field(init=False)
    nodes: list[NodeProto] = field(default_factory=list)
    tensors: dict[str, TensorProto] = field(default_factory=dict)
    known: dict[Node, tuple[str, Shape]] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    merged: frozenset[Node] = frozenset()  # said together with what reads them

    def node(self, word: str, inputs: Sequence[str], *made: str, **attributes: Any) -> str:
        """Of several values that it makes, the last is what goes on and the others are left out."""
        from onnx import helper

        self.nodes.append(helper.make_node(word, inputs, made, name=made[-1], **attributes))
        self.taken.add(made[-1])
        return made[-1]

    def laid_out(self, x: str, shape: Shape, made: str) -> str:
        """The same values of each sample in another shape."""
        return self.node("Reshape", [x, self.sizes(made, "shape", [0, *shape])], made)

    # Values of the ops at hand.

    def value(self, node: Node) -> str:
        """The name of a value in just its shape."""
        if not node.each:
            return self.tensor_of(node, self.ops.whole(node))
        name, shape = self.known[node]
        if shape != node.shape:
            if prod(shape) == prod(node.shape):
                name = self.laid_out(name, node.shape, self.unused(f"{name}.flat"))
            else:
                sizes = self.sizes(name, "wide", [1, *node.shape])
                name = self.node("Expand", [name, sizes], self.unused(f"{name}.whole"))
            self.known[node] = name, node.shape
        return name

    def beside(self, node: Node) -> tuple[list[str], Shape]:
        """What an op on each value reads, all with as many axes; and how what it makes lies."""
        if not any(x.each and self.known[x][1] == node.shape for x in node.inputs):
            first = next(x for x in node.inputs if x.each)
            if prod(self.known[first][1]) < prod(node.shape):
                self.value(first)
        given = [(x, self.known[x][1] if x.each else self.ops.array(x).shape) for x in node.inputs]
        rank = max(len(node.shape), *(len(shape) for _, shape in given))
        names, shapes = [], []
        for x, shape in given:
            wide = shape + (1,) * (rank - len(shape)) if shape or x.each else shape
            if not x.each:
                names.append(self.tensor_of(x, self.ops.array(x).reshape(wide)))
            elif wide == shape:
                names.append(self.known[x][0])
            else:
                name = self.known[x][0]
                names.append(self.laid_out(name, wide, self.unused(f"{name}.wide")))
            shapes.append(wide)
        return names, np.broadcast_shapes(*shapes)

    # Tensors.

    def tensor_of(self, node: Node, array: Array) -> str:
        """What no sample changes: a tensor of the layer, or a number of the op."""
        if name := self.ops.tensor(node):
            return self.shared(name, array)
        if array.size == 1:
            return self.number(f"{array.item():g}", array.item())
        return self.tensor(self.unused(f"{self.own.name}.{node.op.name}"), array)

    def shared(self, name: str, array: Array) -> str:
        """A tensor of the layer, or of the one that it is again, which stands there already."""
        full = self.own.tensor_name(name)
        there = self.tensors.get(full)
        if there is None:
            return self.tensor(full, array)
        alike = tuple(there.dims) == array.shape
        return full if alike else self.tensor(self.unused(f"{self.own.name}.{name}"), array)

    def number(self, name: str, value: float) -> str:
        full = f"{self.own.name}.{name}"
        return full if full in self.tensors else self.tensor(full, np.array(float(value)))

    def sizes(self, made: str, word: str, sizes: Sequence[Any]) -> str:
        return self.tensor(f"{made}.{word}", np.array(sizes, np.int64))

    def tensor(self, name: str, array: Array | np.ndarray[Any, Any]) -> str:
        from onnx import numpy_helper

        narrow = array.astype(np.float32) if array.dtype == np.float64 else array
        self.taken.add(name)
        self.tensors[name] = numpy_helper.from_array(np.ascontiguousarray(narrow), name)
        return name

    def unused(self, name: str) -> str:
        """This name, or with a number after it."""
        stem, number = name, 2
        while name in self.taken:
            name, number = f"{stem}{number}", number + 1
        return name
