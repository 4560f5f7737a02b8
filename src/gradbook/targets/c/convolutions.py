"""The loops of convolutions and their gradients: which one it is, and its block sizes.

Weighted sums are convolutions of single places.
"""

from __future__ import annotations

from gradbook.graph.node import Node
from gradbook.targets.c import blocks
from gradbook.targets.c.kernel import Kernel, Packing, literal
from gradbook.targets.c.machine import Machine
from gradbook.targets.c.slides import Slide, backward, flat, forward, winograd_size

FEW = 4  # as in lanes.c


def _sliding(slide: Slide) -> str:
    return literal("sliding", *slide.numbers)


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
    return literal("winograd", m, *slide.result, *slide.source, slide.top)


def _slot(channels: int, tiles: int) -> int:
    return (channels * tiles) | 1


def conv(node: Node, machine: Machine) -> Kernel:
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


def conv_back(node: Node, machine: Machine) -> Kernel:
    return _direct(backward(node), node, machine, turned=True)


def conv_weights(node: Node, machine: Machine) -> Kernel:
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


def gradients(node: Node, back: Node, machine: Machine) -> Kernel:
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


def linear(node: Node, machine: Machine) -> Kernel:
    return _direct(flat(node.inputs[1], node), node, machine, turned=False)


def linear_back(node: Node, machine: Machine) -> Kernel:
    return _direct(flat(node.inputs[1], node), node, machine, turned=True)


def outer(node: Node, machine: Machine) -> Kernel:
    outputs, inputs = node.shape
    return Kernel(
        f"outer_products(at, {{reads}}, {{slopes}}, {outputs}, {inputs});",
        outputs + inputs,
        node.inputs,
        slopes=outputs * inputs,
    )
