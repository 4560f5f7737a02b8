"""How ops are written in ONNX: elementwise ones by a table, any other by a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from math import prod, sqrt
from typing import Any

import numpy as np

from gradbook.formats.onnx.activation_names import ACTIVATIONS
from gradbook.formats.onnx.nodes import OnnxNodes
from gradbook.graph.node import Node
from gradbook.graph.tensors import divisors
from gradbook.graph.window import NOWHERE, Shape, Window
from gradbook.layers.activations import Activation
from gradbook.lowering import OTHER_FORMAT, Vocabulary

LOWEST = -1e30  # a masked score, so low that its share is 0
SAME = ("copy", "spread", "spread_channels")  # ONNX repeats values by itself
SUMS = ("conv", "conv_back", "linear")
AXES_AS_INPUT = {"ReduceSum": 13}  # the first opset that reads axes from an input; 18 for others
OPERATORS = {  # elementwise
    "add": "Add",
    "subtract": "Sub",
    "multiply": "Mul",
    "divide": "Div",
    "negate": "Neg",
    "exp": "Exp",
    "log": "Log",
    "sqrt": "Sqrt",
    "floor": "Floor",
    "sin": "Sin",
    "cos": "Cos",
    "atan": "Atan",
    **{
        Activation(kind).word: word.operator
        for kind, word in ACTIVATIONS.items()
        if not (word.settings or word.fields)
    },
    "largest": "Max",
    "power": "Pow",
    "prelu": "PRelu",
}
OF_EACH = ("leaky_relu", "relu6", "choose", "normal_share")  # several operators, or a setting
OpWord = Callable[[OnnxNodes, Node, str], Shape | None]
"""Writes an op under a name; returns its result's shape if it differs from the op's."""


def write_op(content: OnnxNodes, node: Node, name: str) -> tuple[str, Shape]:
    """Write the nodes of an op; return the name of its result, and a shape that broadcasts."""
    if node.op.name in SAME and node is not content.ops.output:
        source, shape = content.written[node.inputs[0]]
        if len(shape) == len(node.shape) or node.op.name == "copy":
            return source, shape
    if node.inputs[0] in content.merged:
        sums, other = node.inputs
        if node.op.name == "add":
            return name, _sum(content, sums, name, other)
        return name, _reduce("ReduceMean", content, sums, name)
    if node.op.name in WORDS:
        return name, WORDS[node.op.name](content, node, name) or node.shape
    if node.op.name == "power" and node.inputs[1].is_constant(2):
        node = node.inputs[0] * node.inputs[0]
    inputs, shape = content.beside(node)
    _write_of_each(content, node, inputs, name)
    return name, shape


def _write_of_each(content: OnnxNodes, node: Node, inputs: list[str], name: str) -> None:
    match node.op.name:
        case "leaky_relu":
            content.node("LeakyRelu", inputs, name, alpha=node.attributes[0])
        case "relu6":
            ends = [content.number("least", 0), content.number("most", 6)]
            content.node("Clip", [*inputs, *ends], name)
        case "choose":  # a if c > 0, else b
            zero = content.number("zero", 0)
            chosen = content.node("Greater", [inputs[0], zero], f"{name}.chosen")
            content.node("Where", [chosen, *inputs[1:]], name)
        case "normal_share":  # (1 + erf(x/√2))/2
            along = content.number("along", sqrt(0.5))
            scaled = content.node("Mul", [*inputs, along], f"{name}.scaled")
            erf = content.node("Erf", [scaled], f"{name}.erf")
            twice = content.node("Add", [erf, content.number("one", 1)], f"{name}.twice")
            content.node("Mul", [twice, content.number("half", 0.5)], name)
        case op:
            content.node(OPERATORS[op], inputs, name)


def _stepped(content: OnnxNodes, node: Node, name: str) -> None:
    x, limit = node.inputs
    lowest, highest = map(float, map(str, node.attributes))
    size = max(0.0, float(content.ops.array(limit).item())) / highest
    step = content.number("step", size)
    divisor = step if size else content.number("divisor", 1)
    ends = [content.number("lowest", lowest), content.number("highest", highest)]
    ratio = content.node("Div", [content.value(x), divisor], f"{name}.ratio")
    inside = content.node("Clip", [ratio, *ends], f"{name}.inside")
    above = content.node("Add", [inside, content.number("half", 0.5)], f"{name}.above")
    content.node("Mul", [content.node("Floor", [above], f"{name}.whole"), step], name)


# Values laid out in another shape.


def _spread(content: OnnxNodes, node: Node, name: str) -> Shape:
    source, shape = content.written[node.inputs[0]]
    shape += (1,) * (len(node.shape) - len(shape))
    content.laid_out(source, shape, name)
    return shape


def _laid_out(content: OnnxNodes, node: Node, name: str) -> None:
    inputs = [content.value(x) for x in node.inputs]
    match node.op.name:
        case "copy":
            content.node("Identity", inputs, name)
        case "reshape" if len(node.shape) == 1:
            content.node("Flatten", inputs, name, axis=1)
        case "reshape":
            content.laid_out(inputs[0], node.shape, name)
        case "concat":
            content.node("Concat", inputs, name, axis=1)
        case "by_feature" | "by_step":
            axes = [0, 2, 1] if node.op.name == "by_feature" else [0, 3, 1, 2]
            x = content.node("Transpose", inputs, f"{name}.turned", perm=axes)
            content.laid_out(x, node.shape, name)
        case "pick":
            _pick(content, node, inputs[0], name)
        case "step":
            step = content.sizes(name, "step", node.attributes)
            x = content.node("Gather", [*inputs, step], f"{name}.taken", axis=3)
            content.laid_out(x, node.shape, name)
        case "stack":
            column, shape = f"{name}.column", (node.shape[0], 1, 1)
            columns = [content.laid_out(x, shape, content.unused(column)) for x in inputs]
            content.node("Concat", columns, name, axis=3)
        case "unpooled":
            times = content.tensor(f"{name}.times", np.array([1, 1, *_window(node).size], float))
            nowhere = content.tensor(f"{name}.region", np.zeros(0))  # the whole region
            settings = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
            content.node("Resize", [*inputs, nowhere, times], name, mode="nearest", **settings)


def _pick(content: OnnxNodes, node: Node, x: str, name: str) -> None:
    """Gather along an axis; blank places read zeros that are put before the first one."""
    axis, places, axes = node.attributes
    assert isinstance(axis, int)
    assert isinstance(axes, int)
    assert isinstance(places, tuple)
    if min(places) < 0:
        places = tuple(place + 1 for place in places)
        begins = [int(k == axis + 1) for k in range(axes + 1)]
        pads = content.sizes(name, "pads", [*begins, *[0] * (axes + 1)])
        x = content.node("Pad", [x, pads], f"{name}.blank")
    content.node("Gather", [x, content.sizes(name, "places", places)], name, axis=axis + 1)


# Sums and windows.


def _sum(content: OnnxNodes, node: Node, name: str, bias: Node | None = None) -> Shape:
    weights, x = node.inputs
    array = content.ops.whole(weights)
    inputs = [content.value(x), content.tensor_of(weights, array)]
    if bias:
        flat = np.broadcast_to(content.ops.array(bias).ravel(), node.shape[:1])
        inputs.append(content.tensor_of(bias, flat))
    if node.op.name == "linear":
        content.node("Gemm", inputs, name, transB=1)
        return node.shape
    window, groups = _window(node), node.attributes[-1]
    settings = {"kernel_shape": window.size, **_moves(window), "pads": window.pad, "group": groups}
    if node.op.name == "conv":
        content.node("Conv", inputs, name, **settings)
    else:
        beyond = window.left_over(x.shape[1:], node.shape[1:])
        content.node("ConvTranspose", inputs, name, **settings, output_padding=beyond)
    return node.shape


def _reduce(word: str, content: OnnxNodes, node: Node, name: str) -> Shape:
    """Reduce over channels, or over the last axes, which stay with size 1."""
    (x,) = node.inputs
    axes = [*range(len(node.shape) + 1, len(x.shape) + 1)] or [1]
    if content.opset < AXES_AS_INPUT.get(word, 18):
        content.node(word, [content.value(x)], name, axes=axes)
    else:
        content.node(word, [content.value(x), content.sizes(name, "axes", axes)], name)
    return tuple(1 if axis in axes else n for axis, n in enumerate(x.shape, 1))


def _maxpool(content: OnnxNodes, node: Node, name: str) -> None:
    x, window = content.value(node.inputs[0]), _window(node)
    sides = window.pad
    if _is_wide(window):  # onnxruntime refuses padding that is wider than a window
        top, left, below, right = sides
        pads = content.sizes(name, "pads", [0, 0, top, left, 0, 0, below, right])
        lowest = content.number("lowest", -np.inf)  # which is never the largest
        x, sides = content.node("Pad", [x, pads, lowest], f"{name}.framed"), NOWHERE
    padding = {"pads": sides} if any(sides) else {}
    content.node("MaxPool", [x], name, kernel_shape=window.size, **_moves(window), **padding)


def _avgpool(content: OnnxNodes, node: Node, name: str) -> None:
    """Write AveragePool if all opsets count the padding alike, else a sum divided by counts."""
    (x,), window = node.inputs, _window(node)
    counted: Any = node.attributes[1]
    settings = {"kernel_shape": window.size, **_moves(window)}
    settings |= {"pads": window.pad} if any(window.pad) else {}
    plain = window.dilation == (1, 1) and counted in (NOWHERE, window.pad)
    if plain and not _is_wide(window):
        settings |= {"count_include_pad": 1} if any(counted) else {}
        content.node("AveragePool", [content.value(x)], name, **settings)
        return
    ones = content.tensor(f"{name}.ones", np.ones((x.shape[0], 1, *window.size)))
    inputs = [content.value(x), ones]
    summed = content.node("Conv", inputs, f"{name}.summed", group=x.shape[0], **settings)
    counts = divisors(window, x.shape[1:], counted)[None, None]
    content.node("Div", [summed, content.tensor(f"{name}.counts", counts)], name)


def _is_wide(window: Window) -> bool:
    return any(side >= n for side, n in zip(window.pad, window.size * 2, strict=True))


def _window(node: Node) -> Window:
    (window,) = (attribute for attribute in node.attributes if isinstance(attribute, Window))
    return window


def _moves(window: Window) -> dict[str, Any]:
    gaps = {"dilations": window.dilation} if window.dilation != (1, 1) else {}
    return {"strides": window.stride, **gaps}


# Attention, with heads side by side: (samples, heads, steps, features of a head).


def _heads(content: OnnxNodes, x: Node, heads: int, name: str) -> str:
    features, _, steps = x.shape
    return content.laid_out(content.value(x), (heads, features // heads, steps), name)


def _turned(content: OnnxNodes, x: str, name: str) -> str:
    return content.node("Transpose", [x], name, perm=[0, 1, 3, 2])


def _attend(content: OnnxNodes, node: Node, name: str) -> None:
    first, *others = node.inputs
    match node.op.name, others:
        case "scores", [keys]:
            rows = _heads(content, first, node.shape[0], f"{name}.queries")
            factors = [_turned(content, rows, f"{name}.rows")]
            factors.append(_heads(content, keys, node.shape[0], f"{name}.keys"))
            content.node("MatMul", factors, name)
        case "shares", _:
            scores = content.value(first)
            if node.attributes[0]:  # causal
                visible = content.tensor(f"{name}.seen", np.tril(np.ones(node.shape[1:], bool)))
                masked = [visible, scores, content.number("lowest", LOWEST)]
                scores = content.node("Where", masked, f"{name}.masked")
            content.node("Softmax", [scores], name, axis=3)
        case _, [values]:
            rows = _heads(content, values, first.shape[0], f"{name}.values")
            factors = [content.value(first), _turned(content, rows, f"{name}.given")]
            mixed = content.node("MatMul", factors, f"{name}.taken")
            content.laid_out(_turned(content, mixed, f"{name}.turned"), node.shape, name)


LAID_OUT = (
    *("copy", "reshape", "concat", "pick", "by_feature", "by_step", "step", "stack", "unpooled"),
)
WORDS: Mapping[str, OpWord] = {
    "stepped": _stepped,
    **dict.fromkeys(("spread", "spread_channels"), _spread),
    **dict.fromkeys(LAID_OUT, _laid_out),
    **dict.fromkeys(SUMS, _sum),
    **dict.fromkeys(("sum", "sum_channels"), partial(_reduce, "ReduceSum")),
    "log_sum_exp_all": partial(_reduce, "ReduceLogSumExp"),
    "maxpool": _maxpool,
    "avgpool": _avgpool,
    **dict.fromkeys(("scores", "shares", "weigh"), _attend),
}
SAYS = Vocabulary("ONNX", frozenset({*WORDS, *OPERATORS, *OF_EACH}), OTHER_FORMAT)


def is_one_operator(node: Node) -> bool:
    """Whether ONNX writes an op and its input as one: a sum with its bias, or a mean."""
    if len(node.inputs) != 2 or node.inputs[1].each:
        return False
    (sums, other), word = node.inputs, node.op.name
    if word == "divide" and sums.op.name in ("sum", "sum_channels"):
        return other.is_constant(prod(sums.inputs[0].shape) // max(1, prod(sums.shape)))
    return word == "add" and sums.op.name in SUMS and other.op.name in ("leaf", "spread")
