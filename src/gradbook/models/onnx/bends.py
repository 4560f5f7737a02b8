"""Which activation some nodes come to, told by what they make of many numbers.

GELU and SiLU are written in as many ways as there are writers; whichever way it is, the numbers are
the same. The two forms of GELU differ by at most 0.0005, a hundredth of which is told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gradbook.graph.node import OPS
from gradbook.models.onnx.content import OnnxGraph
from gradbook.net.layers import Activation

if TYPE_CHECKING:
    from onnx import NodeProto

EACH = (
    *("Abs", "Add", "Clip", "Div", "Elu", "Erf", "Exp", "Gelu", "HardSigmoid", "HardSwish", "Log"),
    *("Max", "Min", "Mish", "Mul", "Neg", "Pow", "Reciprocal", "Relu", "Selu", "Sigmoid"),
    *("Softplus", "Softsign", "Sqrt", "Sub", "Swish", "Tanh"),
)
KNOWN = (
    *("relu", "relu6", "elu", "sigmoid", "tanh", "softplus"),
    *("gelu", "exact gelu", "silu", "hard swish"),
)
PLACES = np.linspace(-8, 8, 401, dtype=np.float32)
MOST_NODES = 24


@dataclass(frozen=True, eq=False)
class BendNodes:
    """An activation, and the nodes that it is written with."""

    layer: Activation
    nodes: tuple[NodeProto, ...]


def bend_from(content: OnnxGraph, value: str) -> BendNodes | None:
    """The activation that begins at a value, if some nodes after it come to one.

    Of several the longest: x·σ(x) begins with a sigmoid, and is none.
    """
    longest: BendNodes | None = None
    inside: list[NodeProto] = []
    made = {value}
    for node in content.nodes:
        read = {name for name in node.input if name and name not in content.constants}
        if node.op_type not in EACH or not read or not read <= made or len(inside) == MOST_NODES:
            continue
        if any(content.constants[x].size != 1 for x in node.input if x in content.constants):
            continue
        inside.append(node)
        made.update(node.output)
        if _closed(content, inside):
            found = _same(content, value, inside)
            if found is not None:
                longest = BendNodes(found, tuple(inside))
    return longest


def _closed(content: OnnxGraph, inside: Sequence[NodeProto]) -> bool:
    """Whether only the last one's output is read elsewhere."""
    hidden = {name for node in inside[:-1] for name in node.output}
    outside = [node for node in content.nodes if node not in inside and node.op_type != "Shape"]
    return content.made not in hidden and not any(hidden & set(node.input) for node in outside)


def _same(content: OnnxGraph, value: str, inside: Sequence[NodeProto]) -> Activation | None:
    from onnx import TensorProto, helper, numpy_helper
    from onnx.reference import ReferenceEvaluator

    names = {name for node in inside for name in node.input if name in content.constants}
    tensors = [numpy_helper.from_array(content.constants[name], name) for name in names]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None])
        for name in (value, inside[-1].output[0])
    ]
    graph = helper.make_graph(list(inside), "bend", ends[:1], ends[1:], tensors)
    opsets = [helper.make_opsetid("", content.opset)]
    try:
        model = helper.make_model(graph, opset_imports=opsets)
        (found,) = ReferenceEvaluator(model).run(None, {value: PLACES})
    except Exception:  # whatever it can't work out is no activation of ours
        return None
    if not isinstance(found, np.ndarray) or found.shape != PLACES.shape:
        return None
    for kind in KNOWN:
        layer = Activation(kind)
        ours = OPS[layer.word].value(PLACES.astype(np.float64))
        if np.allclose(found, ours, rtol=1e-5, atol=1e-5):
            return layer
    return None
