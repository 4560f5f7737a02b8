"""The loops of convolutions and their gradients: which one it is, and its block sizes.

Weighted sums are convolutions of single places.
"""

from __future__ import annotations

from collections.abc import Iterable

from gradbook.graph.node import Node
from gradbook.targets.c import blocks
from gradbook.targets.c.kernel import Kernel, Packing, literal
from gradbook.targets.c.machine import Machine
from gradbook.targets.c.slides import Slide, backward, flat, forward
from gradbook.targets.c.tiling import POINTS, Tiling, shares, tiling

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


def conv(node: Node, machine: Machine) -> Kernel:
    slide = forward(node)
    tiles = tiling(slide)
    if tiles is None:
        return _direct(slide, node, machine, turned=False)
    return _winograd(slide, tiles, node, machine)


def _winograd_literal(slide: Slide, tiles: Tiling) -> str:
    bands = (tiles.tall, tiles.low, tiles.broad, tiles.narrow)
    return literal("winograd", *slide.result, *slide.source, slide.top, *bands)


def _slot(channels: int, groups: list[Tiling]) -> int:
    return (channels * max(group.tiles for group in groups)) | 1


def _together(tiles: Tiling, groups: list[Tiling]) -> str:
    """How many tall and low bands go together, and whether both do."""
    tall, low = max(g.tall for g in groups), max(g.low for g in groups)
    return f"{tall}, {low}, {int(groups == [tiles])}"


def _rest(counts: Iterable[int], wide: int) -> int:
    """A bit for each number of tiles that blocks of `wide` leave over."""
    return sum({1 << count % wide for count in counts} - {1})


def _winograd(slide: Slide, tiles: Tiling, node: Node, machine: Machine) -> Kernel:
    outputs, inputs = slide.result[0], slide.source[0]
    most = max(outputs, inputs)
    groups = tiles.groups(most)
    counts = shares(groups)
    block, wide = blocks.best(outputs, counts, machine.registers)
    pack = f"pack_winograd(weights, packed, {outputs}, {inputs}, {block}, 0);"
    return Kernel(
        f"winograd_conv(at, {{reads}}, {{finish}}, {{packed}}, "
        f"{_winograd_literal(slide, tiles)}, {_together(tiles, groups)}, {block}, {wide}, "
        f"{_rest(counts, wide)});",
        POINTS * (tiles.width + 2) + (POINTS**2 + 1) * _slot(most, groups),
        node.inputs[1:],
        Packing(node.inputs[0], POINTS**2 * outputs * inputs, [pack]),
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
    tiles = tiling(slide)
    assert tiles is not None  # or they would not go together
    outputs, inputs = slide.result[0], slide.source[0]
    groups = tiles.groups(outputs + inputs)
    counts = shares(groups)
    block, deep = blocks.best(outputs, inputs, machine.registers)
    block_back, wide_back = blocks.best(inputs, counts, machine.registers)
    pack = f"pack_winograd(weights, packed, {inputs}, {outputs}, {block_back}, 1);"
    pairs = POINTS**2 * outputs * inputs
    return Kernel(
        f"winograd_gradients(at, {{reads}}, {{leave}}, {{finish}}, {{packed}}, {{slopes}}, "
        f"{_winograd_literal(slide, tiles)}, {_together(tiles, groups)}, {block}, {deep}, "
        f"{block_back}, {wide_back}, {_rest(counts, wide_back)});",
        (POINTS + 2 * inputs) * (tiles.width + 2)
        + POINTS**2 * (_slot(inputs, groups) + _slot(outputs, groups))
        + -(-pairs * FEW // machine.lanes),
        node.inputs,
        Packing(back.inputs[0], pairs, [pack]),
        slopes=pairs,
        by_value=True,
        unpack=f"winograd_to_weights({{points}}, {{weights}}, {outputs * inputs});",
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
