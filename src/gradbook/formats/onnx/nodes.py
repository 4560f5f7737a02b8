"""The nodes and tensors of an ONNX model as they are made, each under its name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gradbook.graph.node import Array
from gradbook.net.trained import TrainedLayer

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto


@dataclass
class OnnxNodes:
    """What stands there so far, and what adds to it."""

    nodes: list[NodeProto] = field(default_factory=list, kw_only=True)
    tensors: list[TensorProto] = field(default_factory=list, kw_only=True)

    def node(self, word: str, inputs: list[str], *made: str, **attributes: Any) -> str:
        """Of several values that it makes, the last is what goes on and the others are left out."""
        from onnx import helper

        self.nodes.append(helper.make_node(word, inputs, made, name=made[-1], **attributes))
        return made[-1]

    def owned(self, own: TrainedLayer) -> list[str]:
        """The layer's tensors in their order, which is ONNX's."""
        return [self.shared(own, name, array) for name, array in own.tensors.items()]

    def shared(self, own: TrainedLayer, name: str, array: Array) -> str:
        """A tensor of the layer, or of the one that it is again, which stands there already."""
        full = own.tensor_name(name)
        return full if self._is_there(full) else self.tensor(full, array)

    def _is_there(self, name: str) -> bool:
        return any(tensor.name == name for tensor in self.tensors)

    def across(self, own: TrainedLayer, name: str) -> str:
        """A number for each channel, beside values that have places after it; or for each value."""
        array = own.tensors[name]
        shape = own.given if array.shape == own.given else (-1, *(1,) * (len(own.given) - 1))
        if (array == array.flat[0]).all():
            array, shape = array.ravel()[:1], (1,) * len(own.given)
        return self.tensor(f"{own.name}.{name}", array.reshape(shape))

    def number(self, own: TrainedLayer, name: str, value: float) -> str:
        full = f"{own.name}.{name}"
        return full if self._is_there(full) else self.tensor(full, np.array(float(value)))

    def tensor(self, name: str, array: Array | np.ndarray[Any, Any]) -> str:
        from onnx import numpy_helper

        narrow = array.astype(np.float32) if array.dtype == np.float64 else array
        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(narrow), name))
        return name
