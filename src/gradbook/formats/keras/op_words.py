"""How ops are written in Keras: as layers without weights, or as operations on values.

Layers that aren't elementwise are written with channels first, as gradbook's ops are.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np

from gradbook.formats.keras.graph import KerasGraph, KerasLayer, KerasLink
from gradbook.formats.layer_ops import LAID_OUT, LayerOps, OpWriter
from gradbook.graph.node import Array, Node
from gradbook.graph.window import Shape
from gradbook.lowering import OTHER_FORMAT, Vocabulary
from gradbook.net.trained import TrainedLayer

MERGING = {"add": "Add", "subtract": "Subtract", "multiply": "Multiply"}  # layers of two values
ACTIVATIONS = {
    "exp": "exponential",
    **{word: word for word in ("relu", "relu6", "elu", "sigmoid", "tanh", "softplus", "silu")},
}
OPERATIONS = {  # elementwise, in keras.ops; in keras.ops.numpy unless a module is named
    **MERGING,
    "divide": "Divide",
    "negate": "Negative",
    "log": "Log",
    "floor": "Floor",
    "sqrt": "Sqrt",
    "sin": "Sin",
    "cos": "Cos",
    "atan": "Arctan",
    "power": "Power",
    "largest": "Maximum",
}
OTHERS = ("choose", "normal_share", "concat", "linear", "conv", "step", "stack", "pick", "by_step")
SUMS = ("sum", "sum_channels", "log_sum_exp_all")
SAYS = Vocabulary(
    "Keras", frozenset({*ACTIVATIONS, *OPERATIONS, *OTHERS, *SUMS, *LAID_OUT}), OTHER_FORMAT
)


def stepped(size: float, lowest: float, highest: float) -> Sequence[KerasLink]:
    """Round to steps of this size, counted from the lowest number."""
    return (
        KerasLink("ratio", "Rescaling", {"scale": 1 / (size or 1), "offset": float(-lowest)}),
        KerasLink("inside", "ReLU", {"max_value": float(highest - lowest)}),
        KerasLink("above", "Rescaling", {"scale": 1.0, "offset": 0.5}),
        KerasLink("whole", "numpy.Floor", {}),
        KerasLink("", "Rescaling", {"scale": size, "offset": size * lowest}),
    )


class KerasOps(OpWriter[Any]):
    """Writes a layer as operations. A value is a Keras layer, a number or an array."""

    def __init__(self, row: KerasGraph) -> None:
        self.row = row

    def write(self, layer: TrainedLayer, ops: LayerOps, reads: Sequence[KerasLayer]) -> KerasLayer:
        """Write a layer; the values that it reads, and the result, have channels last."""
        self.layer, self.ops = layer, ops
        plain = layer.layer.elementwise and not layer.tensors
        values = dict(zip(layer.reads, reads, strict=True))
        self.written = {
            node: (values[k] if plain else self._channels_first(values[k], node.shape), node.shape)
            for k, node in ops.inputs.items()
        }
        for node in ops.steps:
            last = plain and node is ops.steps[-1]
            name = layer.name if last else self.row.unused(f"{layer.name}_{node.op.name}")
            self.written[node] = self._op(node, name)
        result = self.value(ops.output)
        return result if plain else self._permuted(layer.name, result, [2, 3, 1])

    def tensor_of(self, node: Node, array: Array) -> Any:
        return array.item() if array.size == 1 else np.asarray(array)

    def fitted(self, x: KerasLayer, shape: Shape, wanted: Shape) -> KerasLayer:
        if np.prod(shape) == np.prod(wanted):
            return self.row.laid_out(x.name, x, wanted)
        name = self.row.unused(f"{x.name}_layer_of_whole_value")
        return self.row.add("numpy.Multiply", name, {}, [x, np.ones(wanted)], wanted)

    def _channels_first(self, x: KerasLayer, shape: Shape) -> KerasLayer:
        return self._permuted(f"{self.layer.name}_given", x, [3, 1, 2]) if len(shape) == 3 else x

    def _permuted(self, name: str, x: KerasLayer, dims: list[int]) -> KerasLayer:
        if len(x.shape) != len(dims):
            return x
        shape = tuple(x.shape[k - 1] for k in dims)
        return self.row.add("Permute", self.row.unused(name), {"dims": dims}, [x], shape)

    def _op(self, node: Node, name: str) -> tuple[KerasLayer, Shape]:
        match node.op.name:
            case "copy":
                return self.written[node.inputs[0]]
            case "spread" | "spread_channels":
                x, shape = self.written[node.inputs[0]]
                wide = shape + (1,) * (len(node.shape) - len(shape))
                return (x if wide == shape else self.row.laid_out(name, x, wide)), wide
            case "sum" | "sum_channels" | "log_sum_exp_all":
                return self._summed(node, name)
            case "reshape" | "concat" | "linear" | "conv" | "step" | "stack" | "pick" | "by_step":
                return self._layer_of_whole_value(node, name), node.shape
        values, shape = self.beside(node)
        return self._of_each(node.op.name, name, values), shape

    def _summed(self, node: Node, name: str) -> tuple[KerasLayer, Shape]:
        """Sum over channels, or over the last axes, which stay with size 1."""
        full = node.inputs[0].shape
        axes = [*range(len(node.shape) + 1, len(full) + 1)] or [1]
        shape = tuple(1 if axis in axes else n for axis, n in enumerate(full, 1))
        kind = "math.Logsumexp" if node.op.name == "log_sum_exp_all" else "numpy.Sum"
        settings = {"axis": axes, "keepdims": True}
        return self.row.add(kind, name, settings, [self.value(node.inputs[0])], shape), shape

    def _layer_of_whole_value(self, node: Node, name: str) -> KerasLayer:
        add, shape = self.row.add, node.shape
        match node.op.name, [self.value(x) for x in node.inputs]:
            case "reshape", [x]:
                return self.row.laid_out(name, x, shape)
            case "concat", values:
                return add("Concatenate", name, {"axis": 1}, values, shape)
            case "linear", [w, x]:
                return add("numpy.Matmul", name, {}, [x, w.T], shape)
            case "step", [x]:
                column = (shape[0], 1)
                x = add("numpy.Take", f"{name}_taken", {"axis": 3}, [x, *node.attributes], column)
                return self.row.laid_out(name, x, shape)
            case "by_step", [x]:
                x = self.row.laid_out(f"{name}_features", x, shape[::-1])
                return add("Permute", name, {"dims": [2, 1]}, [x], shape)
            case "pick", [x]:
                return self._picked(node, name, x)
            case "stack", values:
                columns = [self.row.laid_out(f"{name}_1", x, (shape[0], 1, 1)) for x in values]
                return add("Concatenate", name, {"axis": 3}, columns, shape)
            case "conv", [w, x]:
                return self._convolved(node, name, w, x)
        raise AssertionError(node)

    def _picked(self, node: Node, name: str, x: KerasLayer) -> KerasLayer:
        """Take along an axis; blank places read zeros that are put beside it."""
        axis, places, _ = node.attributes
        assert isinstance(axis, int)
        assert isinstance(places, tuple)
        full = node.inputs[0].shape
        if min(places) < 0:
            of_one = (*full[:axis], 1, *full[axis + 1 :])
            first = self.row.add("numpy.Take", f"{name}_one", {"axis": axis + 1}, [x, [0]], of_one)
            zero = self.row.add("numpy.Multiply", f"{name}_zero", {}, [first, 0.0], of_one)
            wide = (*full[:axis], full[axis] + 1, *full[axis + 1 :])
            x = self.row.add("Concatenate", f"{name}_blank", {"axis": axis + 1}, [zero, x], wide)
            places = tuple(place + 1 for place in places)
        return self.row.add("numpy.Take", name, {"axis": axis + 1}, [x, [*places]], node.shape)

    def _convolved(self, node: Node, name: str, w: Array, x: KerasLayer) -> KerasLayer:
        """Convolve with channels last, the order that every Keras backend reads."""
        window: Any = node.attributes[0]
        x = self.row.framed(name, self._permuted(f"{name}_given", x, [2, 3, 1]), window.pad)
        settings: dict[str, Any] = {"padding": "valid", "data_format": "channels_last"}
        settings |= {"strides": list(window.stride), "dilation_rate": list(window.dilation)}
        shape = (*node.shape[1:], node.shape[0])
        inputs = [x, w.transpose(2, 3, 1, 0)]
        result = self.row.add("nn.Conv", f"{name}_last", settings, inputs, shape)
        return self._permuted(name, result, [3, 1, 2])

    def _of_each(self, op: str, name: str, values: list[Any]) -> KerasLayer:
        """Write an elementwise op, as a layer if there is one."""
        add = self.row.add
        shape = np.broadcast_shapes(*(getattr(x, "shape", ()) for x in values))
        together = [x for x in values if isinstance(x, KerasLayer) and x.shape == shape]
        if settings := _scale(op, values):
            return add("Rescaling", name, settings, together, shape)
        match op, values:
            case "power", [x, 2.0]:
                return add("Multiply", name, {}, [x, x], shape)
            case _ if op in MERGING and len(together) == 2:
                return add(MERGING[op], name, {}, values, shape)
            case _ if op in ACTIVATIONS:
                return add("Activation", name, {"activation": ACTIVATIONS[op]}, values, shape)
            case "choose", [condition, *choices]:
                above = add(
                    "numpy.Greater", f"{name}_chosen", {}, [condition, 0.0], condition.shape
                )
                return add("numpy.Where", name, {}, [above, *choices], shape)
            case "normal_share", [x]:  # (1 + erf(x/√2))/2
                half = {"scale": 0.5, "offset": 0.5}
                along = KerasLink("along", "Rescaling", {"scale": sqrt(0.5), "offset": 0.0})
                erf = KerasLink("erf", "math.Erf", {})
                return self.row.chain(name, x, along, erf, KerasLink("", "Rescaling", half))
        kind = f"numpy.{OPERATIONS[op]}"
        if len(values) == 1:
            return add(kind, name, {}, values, shape)
        first, *further = values
        for x in further:
            first = add(kind, self.row.unused(name), {}, [first, x], shape)
        result: KerasLayer = first
        return result


def _scale(op: str, values: list[Any]) -> dict[str, float] | None:
    """Return the scale and offset, if the op only multiplies by and adds constants."""
    match op, values:
        case "add", [KerasLayer(), float(number)] | [float(number), KerasLayer()]:
            scale, offset = 1.0, number
        case "multiply", [KerasLayer(), float(number)] | [float(number), KerasLayer()]:
            scale, offset = number, 0.0
        case "divide", [KerasLayer(), float(number)]:
            scale, offset = 1 / number, 0.0
        case "subtract", [KerasLayer(), float(number)]:
            scale, offset = 1.0, -number
        case "subtract", [float(number), KerasLayer()]:
            scale, offset = -1.0, number
        case "negate", [_]:
            scale, offset = -1.0, 0.0
        case _:
            return None
    return {"scale": scale, "offset": offset}
