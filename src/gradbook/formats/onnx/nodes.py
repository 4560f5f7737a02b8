"""The nodes and tensors of an ONNX model while it is built, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from gradbook.formats.layer_ops import OpWriter
from gradbook.graph.node import Array, Node
from gradbook.graph.window import Shape

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto


@dataclass
class OnnxNodes(OpWriter[str]):
    """The nodes and tensors so far, and the methods that add to them. A value is its name."""

    opset: int
    nodes: list[NodeProto] = field(default_factory=list)
    tensors: dict[str, TensorProto] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    merged: frozenset[Node] = frozenset()  # written together with the op that reads them

    def node(self, word: str, inputs: Sequence[str], *name: str, **attributes: Any) -> str:
        """Add a node; of several outputs, the last is used and the others are left out."""
        from onnx import helper

        self.nodes.append(helper.make_node(word, inputs, name, name=name[-1], **attributes))
        self.taken.add(name[-1])
        return name[-1]

    def laid_out(self, x: str, shape: Shape, name: str) -> str:
        """Reshape each sample's values."""
        return self.node("Reshape", [x, self.sizes(name, "shape", [0, *shape])], name)

    def fitted(self, x: str, shape: Shape, wanted: Shape) -> str:
        if prod(shape) == prod(wanted):
            return self.laid_out(x, wanted, self.unused(f"{x}.flat"))
        sizes = self.sizes(x, "wide", [1, *wanted])
        return self.node("Expand", [x, sizes], self.unused(f"{x}.whole"))

    # Tensors.

    def tensor_of(self, node: Node, array: Array) -> str:
        """Add a value that no sample changes: a tensor of the layer, or a number of the op."""
        if name := self.ops.tensor(node):
            return self.shared(name, array)
        if array.size == 1:
            return self.number(f"{array.item():g}", array.item())
        return self.tensor(self.unused(f"{self.layer.name}.{node.op.name}"), array)

    def shared(self, name: str, array: Array) -> str:
        """Add the layer's tensor, or reuse it if the layer is applied again."""
        full = self.layer.tensor_name(name)
        stored = self.tensors.get(full)
        if stored is None:
            return self.tensor(full, array)
        alike = tuple(stored.dims) == array.shape
        return full if alike else self.tensor(self.unused(f"{self.layer.name}.{name}"), array)

    def number(self, name: str, value: float) -> str:
        full = f"{self.layer.name}.{name}"
        return full if full in self.tensors else self.tensor(full, np.array(float(value)))

    def sizes(self, name: str, word: str, sizes: Sequence[Any]) -> str:
        return self.tensor(f"{name}.{word}", np.array(sizes, np.int64))

    def tensor(self, name: str, array: Array | np.ndarray[Any, Any]) -> str:
        from onnx import numpy_helper

        narrow = array.astype(np.float32) if array.dtype == np.float64 else array
        self.taken.add(name)
        self.tensors[name] = numpy_helper.from_array(np.ascontiguousarray(narrow), name)
        return name

    def unused(self, name: str) -> str:
        """Return this name, with a number appended if it is taken."""
        stem, number = name, 2
        while name in self.taken:
            name, number = f"{stem}{number}", number + 1
        return name
