"""Which hand-written loop computes a heavy op, its block sizes, and what it needs besides.

Weighted sums are convolutions of single places.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gradbook.graph.node import Node
from gradbook.targets.c.kernels.machine import SPARE, Machine, best_block
from gradbook.targets.c.kernels.slides import Places, Slide, backward, flat, forward, places
from gradbook.targets.c.kernels.tiling import POINTS, Tiling, shares, tiling


@dataclass(frozen=True)
class Packing:
    """Weights laid out as a kernel reads them, made anew before each step."""

    weights: Node
    size: int
    lines: Sequence[str]  # from `weights` to `packed`


@dataclass(frozen=True)
class Kernel:
    """`call` has the places {reads}, {leave}, {finish}, {packed}, {slopes} and {winners} for the
    hooks and arrays.
    """

    call: str
    scratch: int  # vectors
    readers: Sequence[Node]
    packing: Packing | None = None
    slopes: int = 0  # numbers a tile gives that are summed over the tiles
    by_value: bool = False  # reads rows value by value
    unpack: str = ""  # from these sums to the weights' gradient, where it isn't the same


def literal(kind: str, *numbers: int) -> str:
    """Its braces are doubled, since `call` is filled in."""
    return f"(struct {kind}){{{{{', '.join(map(str, numbers))}}}}}"


FEW = 4  # as in lanes.c


def _sliding(slide: Slide) -> str:
    return literal("sliding", *slide.numbers)


def _direct(slide: Slide, node: Node, machine: Machine, turned: bool) -> Kernel:
    block, wide = best_block(slide.own_outputs, slide.result[2], machine.registers)
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
    block, wide = best_block(outputs, counts, machine.registers)
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
    free = machine.registers - SPARE - 1
    if slide.own_inputs == 1 and slide.area + 1 <= free:
        return min(slide.own_outputs, free // (slide.area + 1)), 1, rows, columns
    taps = min(columns, 5)
    block, deep = best_block(slide.own_outputs, slide.own_inputs, machine.registers, taps)
    return (block, deep, 1, taps) if block * deep * taps <= 32 else (1, 1, 1, taps)


def gradients(node: Node, back: Node, machine: Machine) -> Kernel:
    """Of a convolution's weights and of its input."""
    slide = forward(node)
    tiles = tiling(slide)
    assert tiles is not None  # or they would not go together
    outputs, inputs = slide.result[0], slide.source[0]
    groups = tiles.groups(outputs + inputs)
    counts = shares(groups)
    block, deep = best_block(outputs, inputs, machine.registers)
    block_back, wide_back = best_block(inputs, counts, machine.registers)
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


def kernel(node: Node, machine: Machine, beside: Node | None = None) -> Kernel:
    """The loop of a heavy op, or of two that go together."""
    if beside is not None:
        return gradients(node, beside, machine)
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
    "conv": conv,
    "conv_back": conv_back,
    "conv_weights": conv_weights,
    "linear": linear,
    "linear_back": linear_back,
    "outer": outer,
    "maxpool": _pool,
    "avgpool": _pool,
    "maxpool_back": _pool_back,
    "avgpool_back": _pool_back,
    "reshape": _reshape,
    "sum": _sum,
    "log_sum_exp_all": _classes,
    "cross_entropy": _classes,
}
