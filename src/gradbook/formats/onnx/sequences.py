"""Writes layers that read sequences as ONNX.

Recurrent ones are said by its own operators, attention by products of matrices.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from gradbook.formats.gates import ONNX, stack_gates
from gradbook.formats.onnx.nodes import OnnxNodes
from gradbook.layers import Attention, PositionEmbedding
from gradbook.layers.sequences import Gru, Recurrent, Unembedding
from gradbook.net.trained import ByFeature, TrainedLayer

LOWEST = -1e30  # a score beside which any other is so large that no share is left


def write_steps(content: OnnxNodes, own: TrainedLayer, x: str, made: str) -> None:
    match own.layer:
        case Recurrent() as layer:
            _recur(content, own, layer, x, made)
        case Attention() as layer:
            _attend(content, own, layer, x, made)
        case Unembedding():
            vectors = content.shared(own, "weight", own.tensors["weight"])
            content.node("ConvTranspose", [x, vectors], made, kernel_shape=[1, 1])
        case PositionEmbedding():
            places = content.shared(own, "bias", own.tensors["bias"].reshape(own.given))
            content.node("Add", [x, places], made)
        case _:
            _turn(content, own, x, made)


def _turn(content: OnnxNodes, own: TrainedLayer, x: str, made: str) -> None:
    """Steps x features as a row of steps for each feature, or back."""
    if isinstance(own.layer, ByFeature):
        x = content.node("Transpose", [x], f"{own.name}.turned", perm=[0, 2, 1])
        _shape(content, own, x, "row", [0, *own.makes], made)
    else:
        x = content.node("Transpose", [x], f"{own.name}.turned", perm=[0, 3, 1, 2])
        _shape(content, own, x, "steps", [0, *own.makes], made)


def _recur(content: OnnxNodes, own: TrainedLayer, layer: Recurrent, x: str, made: str) -> None:
    """By ONNX's operator, which reads (steps, samples, features)."""
    features, _, steps = own.given
    x = content.node("Transpose", [x], f"{own.name}.turned", perm=[3, 0, 1, 2])
    x = _shape(content, own, x, "steps", [steps, -1, features])
    gates = ONNX.of(layer)
    stack = stack_gates(own, gates)
    inputs = [x, content.shared(own, "weight", stack.fed[None])]
    inputs.append(content.shared(own, "recurrent_weight", stack.back[None]))
    if stack.bias is not None and stack.late is not None:
        both = np.concatenate([stack.bias, stack.late])[None]
        inputs.append(content.shared(own, "bias", both))
    told = {"hidden_size": layer.width}
    if isinstance(layer, Gru):
        told["linear_before_reset"] = int(not layer.reset_before)
    states = f"{own.name}.states"
    if layer.all:
        content.node(layer.word.upper(), inputs, states, **told)
        content.node("Transpose", [states], made, perm=[2, 3, 1, 0])
    else:
        content.node(layer.word.upper(), inputs, "", states, **told)
        _shape(content, own, states, "last", [-1, layer.width], made)


def _attend(content: OnnxNodes, own: TrainedLayer, layer: Attention, x: str, made: str) -> None:
    """Heads side by side: (samples, heads, steps, features of a head)."""
    features, _, steps = own.given
    wide = features // layer.heads

    def weighed(x: str, part: str, name: str) -> str:
        words = [f"{part}_{role}" for role in ("weight", "bias")]
        there = [
            content.shared(own, word, own.tensors[word]) for word in words if word in own.tensors
        ]
        return content.node("Conv", [x, *there], name, kernel_shape=[1, 1])

    def heads(part: str) -> str:
        sums = weighed(x, part, f"{own.name}.{part}")
        return _shape(content, own, sums, f"{part}s", [0, layer.heads, wide, steps])

    def turned(x: str, name: str) -> str:
        return content.node("Transpose", [x], f"{own.name}.{name}", perm=[0, 1, 3, 2])

    queries, keys, values = (heads(part) for part in layer.parts[:3])
    fits = content.node("MatMul", [turned(queries, "rows"), keys], f"{own.name}.fits")
    root = content.number(own, "root", sqrt(wide))
    scores = content.node("Div", [fits, root], f"{own.name}.scores")
    if layer.causal:
        seen = content.tensor(f"{own.name}.seen", np.tril(np.ones((steps, steps), bool)))
        lowest = content.number(own, "lowest", LOWEST)
        scores = content.node("Where", [seen, scores, lowest], f"{own.name}.masked")
    shares = content.node("Softmax", [scores], f"{own.name}.shares", axis=3)
    mixed = content.node("MatMul", [shares, turned(values, "given")], f"{own.name}.taken")
    row = _shape(content, own, turned(mixed, "mixed"), "row", [0, features, 1, steps])
    weighed(row, "output", made)


def _shape(
    content: OnnxNodes, own: TrainedLayer, x: str, name: str, sizes: list[int], made: str = ""
) -> str:
    """Laid out anew; where 0 stands for a size it stays as it is."""
    shape = content.tensor(f"{own.name}.{name}_shape", np.array(sizes, np.int64))
    return content.node("Reshape", [x, shape], made or f"{own.name}.{name}")
