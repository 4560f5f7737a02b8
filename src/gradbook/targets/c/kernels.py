"""Which hand-written loop does a heavy op, with what block sizes, and what it needs beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradbook.graph.node import Node
from gradbook.targets.c import blocks
from gradbook.targets.c.machine import Machine
from gradbook.targets.c.slides import (
    Places,
    Slide,
    backward,
    flat,
    forward,
    places,
    winograd_size,
)

FEW = 4  # as in lanes.c


@dataclass(frozen=True)
class Packing:
    """Weights laid out as a kernel reads them, made anew before each step."""

    weights: Node
    size: int
    lines: Sequence[str]  # from `weights` to `packed`


@dataclass(frozen=True)
class Kernel:
    """`call` has the places {reads}, {leave}, {finish}, {packed} and {slopes} for the hooks and
    arrays.
    """

    call: str
    scratch: int  # vectors
    readers: Sequence[Node]
    packing: Packing | None = None
    slopes: int = 0  # numbers a tile gives that are summed over the tiles
    by_value: bool = False  # reads rows value by value
    unpack: str = ""  # from these sums to the weights' gradient, where it isn't the same


def kernel(node: Node, machine: Machine, beside: Node | None = None) -> Kernel:
    """The loop of a heavy op, or of two that go together."""
    if beside is not None:
        return _gradients(node, beside, machine)
    return _KERNELS[node.op.name](node, machine)


def _literal(kind: str, *numbers: int) -> str:
    """Its braces are doubled, since `call` is filled in."""
    return f"(struct {kind}){{{{{', '.join(map(str, numbers))}}}}}"


# Convolutions, and weighted sums as convolutions of single places.


def _sliding(slide: Slide) -> str:
    return _literal("sliding", *slide.numbers)


def _direct(slide: Slide, node: Node, machine: Machine, turned: bool) -> Kernel:
    block, wide = blocks.best(slide.own_outputs, slide.result[2], machine.registers)
    window, rows = slide.own_inputs * slide.area, slide.window[0]
    pack = f"pack_direct({{source}}, packed, {slide.result[0]}, {slide.groups}, {window}, {block});"
    return Kernel(
        f"direct_conv(at, {{reads}}, {{finish}}, {{packed}}, {_sliding(slide)}, {block}, {wide});",
        rows * slide.source[0] * slide.frame[1] + block * slide.result[2],
        node.inputs[1:],
        Packing(node.inputs[0], slide.weights, _packing(slide, pack, turned)),
    )


def _packing(slide: Slide, pack: str, turned: bool) -> list[str]:
    if not turned:
        return [pack.format(source="weights")]
    outputs, inputs = slide.source[0], slide.result[0]
    return [
        "real *turned = (real *)at->scratch;",
        f"turn_weights(weights, turned, {outputs}, {inputs}, {slide.groups}, "
        f"{slide.window[0]}, {slide.window[1]});",
        pack.format(source="turned"),
    ]


def _winograd_literal(slide: Slide, m: int) -> str:
    return _literal("winograd", m, *slide.result, *slide.source, slide.top)


def _slot(channels: int, tiles: int) -> int:
    return (channels * tiles) | 1


def _conv(node: Node, machine: Machine) -> Kernel:
    slide = forward(node)
    m = winograd_size(slide)
    return _winograd(slide, node, machine, m) if m else _direct(slide, node, machine, turned=False)


BAND_VECTORS = 13_000  # what may lie in the cache at once: 800 kB
GATHERING = 4  # what it costs to add a group of bands to a sum, in multiply-adds


def _bands(slide: Slide, m: int, channels: int, gathering: int = 0) -> int:
    """How many bands of m rows go together: the last of them should not be empty, and the more
    there are, the fewer times are sums gathered.
    """
    points, across, down = (m + 2) ** 2, -(-slide.result[2] // m), -(-slide.result[1] // m)
    most = max(1, min(down, BAND_VECTORS // (points * channels * across)))

    def cost(bands: int) -> tuple[int, int]:
        groups = -(-down // bands)
        return groups * (bands * across + gathering), -bands

    return min(range(1, most + 1), key=cost)


def _winograd(slide: Slide, node: Node, machine: Machine, m: int) -> Kernel:
    across, n = -(-slide.result[2] // m), m + 2
    outputs, inputs = slide.result[0], slide.source[0]
    most = max(outputs, inputs)
    bands = _bands(slide, m, most)
    block, wide = blocks.best(outputs, across * bands, machine.registers)
    pack = f"pack_winograd(weights, packed, {m}, {outputs}, {inputs}, {block}, 0);"
    return Kernel(
        f"winograd_conv(at, {{reads}}, {{finish}}, {{packed}}, "
        f"{_winograd_literal(slide, m)}, {bands}, {block}, {wide});",
        n * (across * m + 2) + (n * n + 1) * _slot(most, across * bands),
        node.inputs[1:],
        Packing(node.inputs[0], n * n * outputs * inputs, [pack]),
        by_value=True,
    )


def _conv_back(node: Node, machine: Machine) -> Kernel:
    return _direct(backward(node), node, machine, turned=True)


def _conv_weights(node: Node, machine: Machine) -> Kernel:
    return _weights(forward(node), node, machine)


GROUP_BYTES = 24 * 1024  # of rows that a gradient of weights goes through together


def _weights(slide: Slide, node: Node, machine: Machine) -> Kernel:
    (outputs, height, out_width), (inputs, _, _) = slide.result, slide.source
    row = inputs * slide.frame[1] * slide.stride + outputs * out_width
    group = max(1, min(height, GROUP_BYTES // (row * machine.vector_bytes)))
    block, deep, tall, taps = _weights_block(slide, machine)
    kept = (group - 1) * slide.stride + slide.window[0]
    return Kernel(
        f"direct_weights(at, {{reads}}, {{slopes}}, {_sliding(slide)}, {group}, {block}, {deep}, "
        f"{tall}, {taps});",
        kept * inputs * slide.frame[1]
        + group * outputs * out_width
        + -(-slide.weights * FEW // machine.lanes),
        node.inputs,
        slopes=slide.weights,
    )


def _weights_block(slide: Slide, machine: Machine) -> tuple[int, int, int, int]:
    """Outputs, inputs, rows and columns of the window that are summed at once."""
    rows, columns = slide.window
    free = machine.registers - blocks.SPARE - 1
    if slide.own_inputs == 1 and slide.area + 1 <= free:
        return min(slide.own_outputs, free // (slide.area + 1)), 1, rows, columns
    taps = min(columns, 5)
    block, deep = blocks.best(slide.own_outputs, slide.own_inputs, machine.registers, taps)
    return (block, deep, 1, taps) if block * deep * taps <= 32 else (1, 1, 1, taps)


def _gradients(node: Node, back: Node, machine: Machine) -> Kernel:
    """Of a convolution's weights and of its input."""
    slide = forward(node)
    m = winograd_size(slide)
    n, across = m + 2, -(-slide.result[2] // m)
    outputs, inputs = slide.result[0], slide.source[0]
    bands = _bands(slide, m, outputs + inputs, GATHERING)
    tiles = across * bands
    block, deep = blocks.best(outputs, inputs, machine.registers)
    block_back, wide_back = blocks.best(inputs, tiles, machine.registers)
    pack = f"pack_winograd(weights, packed, {m}, {inputs}, {outputs}, {block_back}, 1);"
    pairs = n * n * outputs * inputs
    return Kernel(
        f"winograd_gradients(at, {{reads}}, {{leave}}, {{finish}}, {{packed}}, {{slopes}}, "
        f"{_winograd_literal(slide, m)}, {bands}, {block}, {deep}, {block_back}, {wide_back});",
        (n + 2 * inputs) * (across * m + 2)
        + n * n * (_slot(inputs, tiles) + _slot(outputs, tiles))
        + -(-pairs * FEW // machine.lanes),
        node.inputs,
        Packing(back.inputs[0], pairs, [pack]),
        slopes=pairs,
        by_value=True,
        unpack=f"winograd_to_weights({{points}}, {{weights}}, {m}, {outputs * inputs});",
    )


def _linear(node: Node, machine: Machine) -> Kernel:
    return _direct(flat(node.inputs[1], node), node, machine, turned=False)


def _linear_back(node: Node, machine: Machine) -> Kernel:
    return _direct(flat(node.inputs[1], node), node, machine, turned=True)


def _outer(node: Node, machine: Machine) -> Kernel:
    outputs, inputs = node.shape
    return Kernel(
        f"outer_products(at, {{reads}}, {{slopes}}, {outputs}, {inputs});",
        outputs + inputs,
        node.inputs,
        slopes=outputs * inputs,
    )


# Pools and the rest.


def _window(node: Node) -> tuple[int, int, int]:
    """Its rows and columns, and how far each is from the last."""
    window, stride = node.attributes[:2]
    assert isinstance(window, tuple)
    assert isinstance(stride, int)
    return window[0], window[1], stride


def _pooling(node: Node, source: Places, result: Places) -> str:
    rows, columns, stride = _window(node)
    return _literal("pooling", *source, *result[1:], rows, columns, stride)


def _pool(node: Node, machine: Machine) -> Kernel:
    source, result = places(node.inputs[0]), places(node)
    word = "max_pool" if node.op.name == "maxpool" else "average_pool"
    rows, _, _ = _window(node)
    return Kernel(
        f"{word}(at, {{reads}}, {{finish}}, {_pooling(node, source, result)});",
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
    "conv": _conv,
    "conv_back": _conv_back,
    "conv_weights": _conv_weights,
    "linear": _linear,
    "linear_back": _linear_back,
    "outer": _outer,
    "maxpool": _pool,
    "avgpool": _pool,
    "maxpool_back": _pool_back,
    "avgpool_back": _pool_back,
    "reshape": _reshape,
    "sum": _sum,
    "log_sum_exp_all": _classes,
    "cross_entropy": _classes,
}
