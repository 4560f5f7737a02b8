"""Which hand-written loop does a heavy op, and what it needs beside it."""

from __future__ import annotations

from gradbook.graph.node import Node
from gradbook.targets.c import convolutions
from gradbook.targets.c.kernel import Kernel, literal
from gradbook.targets.c.machine import Machine
from gradbook.targets.c.slides import Places, places


def kernel(node: Node, machine: Machine, beside: Node | None = None) -> Kernel:
    """The loop of a heavy op, or of two that go together."""
    if beside is not None:
        return convolutions.gradients(node, beside, machine)
    return _KERNELS[node.op.name](node, machine)


def _window(node: Node) -> tuple[int, int, int]:
    """Its rows and columns, and how far each is from the last."""
    window, stride = node.attributes[:2]
    assert isinstance(window, tuple)
    assert isinstance(stride, int)
    return window[0], window[1], stride


def _pooling(node: Node, source: Places, result: Places) -> str:
    rows, columns, stride = _window(node)
    return literal("pooling", *source, *result[1:], rows, columns, stride)


def _pool(node: Node, machine: Machine) -> Kernel:
    source, result = places(node.inputs[0]), places(node)
    begin = "max_pool(at" if node.op.name == "maxpool" else "average_pool(at"
    noted = ", {winners}" if node.op.name == "maxpool" else ""
    rows, _, _ = _window(node)
    return Kernel(
        f"{begin}, {{reads}}, {{finish}}{noted}, {_pooling(node, source, result)});",
        rows * source[2] + result[2],
        node.inputs,
    )


def _pool_back(node: Node, machine: Machine) -> Kernel:
    source, result = places(node), places(node.inputs[0])
    word = "max_pool_back" if node.op.name == "maxpool_back" else "average_pool_back"
    _, _, stride = _window(node)
    tall = max(source[1], stride)
    return Kernel(
        f"{word}(at, {{reads}}, {{finish}}, {_pooling(node, source, result)});",
        2 * tall * source[2] + result[2],
        node.inputs,
    )


def _reshape(node: Node, machine: Machine) -> Kernel:
    source, result = places(node.inputs[0]), places(node)
    sizes = ", ".join(map(str, source + result))
    return Kernel(
        f"reshape(at, {{reads}}, {{finish}}, {sizes});",
        source[0] * source[1] * source[2],
        node.inputs,
    )


def _sum(node: Node, machine: Machine) -> Kernel:
    source = places(node.inputs[0])
    sizes = ", ".join(map(str, source))
    everything = int(not node.shape)
    return Kernel(
        f"sum_places(at, {{reads}}, {{finish}}, {sizes}, {everything});", source[2], node.inputs
    )


def _classes(node: Node, machine: Machine) -> Kernel:
    (classes,) = node.inputs[-1].shape
    return Kernel(
        f"{node.op.name}(at, {{reads}}, {{finish}}, {classes});", 2 * classes, node.inputs
    )


_KERNELS = {
    "conv": convolutions.conv,
    "conv_back": convolutions.conv_back,
    "conv_weights": convolutions.conv_weights,
    "linear": convolutions.linear,
    "linear_back": convolutions.linear_back,
    "outer": convolutions.outer,
    "maxpool": _pool,
    "avgpool": _pool,
    "maxpool_back": _pool_back,
    "avgpool_back": _pool_back,
    "reshape": _reshape,
    "sum": _sum,
    "log_sum_exp_all": _classes,
    "cross_entropy": _classes,
}
