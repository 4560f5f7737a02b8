"""Which hand-written loop computes a heavy op, its block sizes, and what it needs besides.

Weighted sums of flat values share their loops over all layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod

from gradbook.errors import TargetError
from gradbook.graph.levels import BY_ROWS, Bits
from gradbook.graph.node import Node
from gradbook.targets.c.convolutions import (
    POINTS,
    Roaming,
    Slide,
    Tiling,
    backward,
    backward_roaming,
    forward,
    forward_roaming,
    places,
    shares,
    tiling,
    window_of,
)
from gradbook.targets.c.machine import ROWS, Machine, best_block, registers_needed

FEW = 4  # as in lanes.c
FLAT = "flat"  # the file of C for weighted sums of flat values
ROAMING = "roaming"  # the file of C for windows with any stride, padding or dilation
LEVELS = "levels"  # and of weights of few bits
SEQUENCES = "sequences"  # and for loops that split and join steps
GROUP_BYTES = 24 * 1024  # of rows that a gradient of weights processes together


@dataclass(frozen=True)
class Packing:
    """Weights laid out as a kernel reads them, packed before each step."""

    weights: Node
    size: int
    lines: Sequence[str]  # from `weights` to `packed`
    levelled: int = 0  # how many weights of few bits there are, whose levels are computed first
    file: str = ""  # of C that only some networks need


@dataclass(frozen=True)
class Kernel:
    """`call` has the places {reads}, {leave}, {finish}, {packed}, {kept}, {gradients} and {winners}
    for the functions and arrays of a pass; {read0}, {read1}, … are its readers one by one.
    """

    call: str
    scratch: int = 1  # vectors
    packing: Packing | None = None
    gradients: int = 0  # numbers per group of tiles that are summed over the groups
    kept: int = 0  # vectors of each tile of a group
    by_value: bool = False  # reads rows value by value
    unpack: str = ""  # from these sums to the weights' gradient, if they differ
    gathers: Mapping[int, str] = field(default_factory=dict)  # calls that replace readers
    file: str = ""  # of C that only some networks need


def kernel(node: Node, machine: Machine, beside: Node | None = None) -> Kernel:
    """Choose the loop of a heavy op, or of two that share one."""
    if beside is not None:
        return _gradients(node, beside, machine)
    return KERNELS[node.op.name](node, machine)


def _call(loop: str, words: str, *arguments: object) -> str:
    """The call of a loop; the pass fills in the `words`."""
    places = [f"{{{word}}}" for word in words.split()]
    return f"{loop}(at, {', '.join([*places, *map(str, arguments)])});"


def _packed(weights: Node, size: int, *lines: str) -> Packing:
    if weights.op.name == "levelled":
        leaf = weights.inputs[0]
        return Packing(leaf, size, [*_levelling(weights), *lines], prod(leaf.shape), LEVELS)
    if weights.op.name != "leaf":
        raise TargetError("C convolves with weights that are leaves")
    return Packing(weights, size, lines)


def _levelling(node: Node) -> list[str]:
    """The lines that compute levels of weights of few bits, in the scratch."""
    levels, groups = node.attributes
    bits, shape = Bits(str(levels)), node.shape
    if groups == BY_ROWS:
        laid_out = (shape[0], 1, 1, prod(shape[1:]))
    else:
        assert isinstance(groups, int)
        laid_out = (groups, shape[0] // groups, shape[1], prod(shape[2:]))
    sizes = ", ".join(map(str, (*laid_out, bits.step, bits.highest, bits.of_mean)))
    return [
        "real *levelled = (real *)at->scratch;",
        f"level_weights(weights, levelled, {sizes});",
        "weights = levelled;",
    ]


def _struct(kind: str, *numbers: int) -> str:
    """A struct as a literal. Its braces are doubled, since the call is filled in later."""
    return f"(struct {kind}){{{{{', '.join(map(str, numbers))}}}}}"


# Convolutions, place by place -----------------------------------------------------


def _direct(slide: Slide, node: Node, machine: Machine, flipped: bool = False) -> Kernel:
    block, wide = best_block(slide.own_outputs, slide.result[2], machine.registers)
    area, first = prod(node.inputs[0].shape[2:]), 0
    inputs = slide.own_inputs * slide.area // area
    strides = inputs * area, area, 1
    if flipped:  # inputs and outputs change places, and windows turn round
        strides, first = (area, slide.own_outputs * area, -1), area - 1
    sizes = (slide.result[0], slide.groups, inputs, area, block, *strides)
    lines = [f"pack_direct(weights + {first}, packed, {', '.join(map(str, sizes))});"]
    sliding = _struct("sliding", *slide.numbers)
    return Kernel(
        _call("direct_conv", "reads finish packed", sliding, block, wide),
        slide.window[0] * slide.source[0] * slide.padded_size[1] + block * slide.result[2],
        _packed(node.inputs[0], slide.weights, *lines),
    )


def _conv(node: Node, machine: Machine) -> Kernel:
    slide = forward(node)
    tiles = tiling(slide)
    if tiles is None:
        return _gathering(_direct(slide, node, machine), forward_roaming(node), 0)
    return _winograd(slide, tiles, node, machine)


def _conv_back(node: Node, machine: Machine) -> Kernel:
    direct = _direct(backward(node), node, machine, flipped=True)
    return _gathering(direct, backward_roaming(node), 0)


def _gathering(kernel: Kernel, roaming: Roaming | None, reader: int) -> Kernel:
    """The kernel with rows gathered for one of its readers, if the window has gaps or jumps."""
    if roaming is None:
        return kernel
    how, apart = _struct("roaming", *roaming.numbers), _struct("apart", *roaming.apart)
    line = f"at->scratch + {kernel.scratch}"
    call = f"gather(at, {{read}}, h, c, room, {line}, {how}, {apart})"
    scratch = kernel.scratch + roaming.source[2]
    return replace(kernel, gathers={reader: call}, scratch=scratch, file=ROAMING)


def _conv_weights(node: Node, machine: Machine) -> Kernel:
    slide = forward(node)
    (outputs, height, out_width), (inputs, _, _) = slide.result, slide.source
    row = inputs * slide.padded_size[1] * slide.stride + outputs * out_width
    group = max(1, min(height, GROUP_BYTES // (row * machine.vector_bytes)))
    sizes = _weights_block(slide, machine)
    kept = (group - 1) * slide.stride + slide.window[0]
    sliding = _struct("sliding", *slide.numbers)
    direct = Kernel(
        _call("direct_weights", "reads gradients", sliding, group, *sizes),
        kept * inputs * slide.padded_size[1]
        + group * outputs * out_width
        + -(-slide.weights * FEW // machine.lanes),
        gradients=slide.weights,
    )
    return _gathering(direct, forward_roaming(node), 1)


def _weights_block(slide: Slide, machine: Machine) -> tuple[int, int, int, int]:
    """How many outputs, inputs, rows and columns of the window are summed at once."""
    rows, columns = slide.window
    if slide.own_inputs == 1 and registers_needed(slide.area, 1) <= machine.registers:
        most = (machine.registers - 1) // (slide.area + 1)
        return min(slide.own_outputs, most), 1, rows, columns
    taps = min(columns, 5)
    deep, block = best_block(slide.own_inputs, slide.own_outputs, machine.registers, taps)
    return (block, deep, 1, taps) if block * deep * taps <= 32 else (1, 1, 1, taps)


# Weighted sums of flat values ------------------------------------------------------


def _linear(node: Node, machine: Machine) -> Kernel:
    outputs, inputs = prod(node.shape), prod(node.inputs[1].shape)
    strides = (1, outputs) if node.op.name == "linear_back" else (inputs, 1)
    sizes = ", ".join(map(str, (outputs, inputs, *strides)))
    return Kernel(
        _call("weigh_flat", "reads finish packed", outputs, inputs),
        inputs + outputs,
        _packed(node.inputs[0], outputs * inputs, f"pack_flat(weights, packed, {sizes});"),
        file=FLAT,
    )


def _outer(node: Node, machine: Machine) -> Kernel:
    outputs, inputs = node.shape
    return Kernel(
        _call("outer_products", "reads kept gradients", outputs, inputs),
        gradients=outputs * inputs,
        kept=-(-outputs // ROWS) * ROWS + -(-inputs // machine.lanes) * machine.lanes,
        file=FLAT,
    )


# Convolutions by Winograd's tiles -------------------------------------------------


def _winograd(slide: Slide, tiles: Tiling, node: Node, machine: Machine) -> Kernel:
    outputs, inputs = slide.result[0], slide.source[0]
    most = max(outputs, inputs)
    groups = tiles.groups(most)
    counts = shares(groups)
    block, wide = best_block(outputs, counts, machine.registers)
    pack = f"pack_winograd(weights, packed, {outputs}, {inputs}, {block}, 0);"
    sizes = (*_bands(slide, tiles, groups), block, wide, _rest(counts, wide))
    return Kernel(
        _call("winograd_conv", "reads finish packed", *sizes),
        POINTS * (tiles.width + 2) + (POINTS**2 + 1) * _slot(most, groups),
        _packed(node.inputs[0], POINTS**2 * outputs * inputs, pack),
        by_value=True,
        file="winograd",
    )


def _gradients(node: Node, back: Node, machine: Machine) -> Kernel:
    """The loop that makes the gradients of a convolution's weights and of its input."""
    slide = forward(node)
    tiles = tiling(slide)
    assert tiles is not None  # or they would not be paired
    outputs, inputs = slide.result[0], slide.source[0]
    groups = tiles.groups(outputs + inputs)
    counts = shares(groups)
    blocks = best_block(outputs, inputs, machine.registers)
    block, wide = best_block(inputs, counts, machine.registers)
    pack = f"pack_winograd(weights, packed, {inputs}, {outputs}, {block}, 1);"
    pairs = POINTS**2 * outputs * inputs
    sizes = (*_bands(slide, tiles, groups), *blocks, block, wide, _rest(counts, wide))
    return Kernel(
        _call("winograd_gradients", "reads leave finish packed gradients", *sizes),
        (POINTS + 2 * inputs) * (tiles.width + 2)
        + POINTS**2 * (_slot(inputs, groups) + _slot(outputs, groups))
        + -(-pairs * FEW // machine.lanes),
        _packed(back.inputs[0], pairs, pack),
        gradients=pairs,
        by_value=True,
        file="winograd",
        unpack=f"winograd_to_weights({{points}}, {{weights}}, {outputs * inputs});",
    )


def _bands(slide: Slide, tiles: Tiling, groups: list[Tiling]) -> tuple[object, ...]:
    """The tiles, how many tall and low bands run together, and whether both kinds do."""
    bands = (tiles.tall, tiles.low, tiles.broad, tiles.narrow)
    layout = _struct("winograd", *slide.result, *slide.source, slide.top, *bands)
    tall, low = max(g.tall for g in groups), max(g.low for g in groups)
    return layout, tall, low, int(groups == [tiles])


def _slot(channels: int, groups: list[Tiling]) -> int:
    return (channels * max(group.tiles for group in groups)) | 1


def _rest(counts: Iterable[int], wide: int) -> int:
    """A bit for each number of tiles that is left over by blocks of `wide`."""
    return sum({1 << count % wide for count in counts} - {1})


# Loops over places without weights ------------------------------------------------


def _pool(node: Node, machine: Machine) -> Kernel:
    """Pools of either kind, and their gradients."""
    back = node.op.name.endswith("_back")
    source, result = places(node.inputs[0]), places(node)
    source, result = (result, source) if back else (source, result)
    window, largest = window_of(node), node.op.name.startswith("max")
    if any(window.pad) or not window.is_plain:
        return _roaming_pool(Roaming(window, source, result), node, largest)
    (rows, columns), (stride, _) = window.size, window.stride
    pooling = _struct("pooling", *source, *result[1:], rows, columns, stride)
    if back:
        read = "{reads}" if largest else "{reads}, NULL"
        scratch = 2 * max(source[1], stride) * source[2] + result[2]
        return Kernel(f"pool_back(at, {read}, {{finish}}, {pooling});", scratch)
    pooled = "largest_of, {winners}" if largest else "mean_of, NULL"
    call = f"pool(at, {{reads}}, {{finish}}, {pooled}, {pooling});"
    return Kernel(call, rows * source[2] + result[2])


def _roaming_pool(roaming: Roaming, node: Node, largest: bool) -> Kernel:
    (channels, height, width), rows = roaming.source, roaming.window.size[0]
    counted = (0, 0, 0, 0) if largest else node.attributes[1]
    assert isinstance(counted, tuple)
    moves = f"{_struct('roaming', *roaming.numbers)}, {_struct('counted', *counted)}"
    if node.op.name.endswith("_back"):
        read = "{reads}" if largest else "{reads}, NULL"
        call = f"pool_roaming_back(at, {read}, {{finish}}, {channels}, {moves});"
        return Kernel(call, 2 * height * width + roaming.result[2], file=ROAMING)
    call = f"pool_roaming(at, {{reads}}, {{finish}}, {channels}, {int(largest)}, {moves});"
    return Kernel(call, rows * width + roaming.result[2], file=ROAMING)


def _concat(node: Node, machine: Machine) -> Kernel:
    """One loop after the other: each copies what it reads to its own channels."""
    calls, first = [], 0
    for number, source in enumerate(node.inputs):
        sizes = (0, first, *places(source))
        calls.append(_call("copy_channels", f"read{number} finish", *sizes))
        first += source.shape[0]
    return Kernel(" ".join(calls), places(node)[2], file="channels")


def _part(node: Node, machine: Machine) -> Kernel:
    first, *_ = node.attributes
    call = _call("copy_channels", "reads finish", first, 0, *places(node))
    return Kernel(call, places(node)[2], file="channels")


def _pick(node: Node, machine: Machine) -> Kernel:
    axis, numbers, axes = node.attributes
    assert isinstance(axis, int)
    assert isinstance(axes, int)
    assert isinstance(numbers, tuple)
    # two axes are channels and columns, as rows of places have them
    along = 2 if axis == 1 and axes == 2 else axis
    listed = f"(const int[]){{{{{', '.join(map(str, numbers))}}}}}"
    width = places(node.inputs[0])[2]
    call = _call("pick", "reads finish", along, listed, *places(node), width)
    return Kernel(call, width + places(node)[2], file="channels")


# Sequences ------------------------------------------------------------------------


def _by_feature(node: Node, machine: Machine) -> Kernel:
    features, _, steps = places(node)
    return Kernel(_call("by_feature", "reads finish", steps, features), steps + 1, file=SEQUENCES)


def _by_step(node: Node, machine: Machine) -> Kernel:
    steps, features, _ = places(node)
    return Kernel(_call("by_step", "reads finish", steps, features), steps, file=SEQUENCES)


def _step(node: Node, machine: Machine) -> Kernel:
    features, _, steps = places(node.inputs[0])
    call = _call("take_step", "reads finish", *node.attributes, features)
    return Kernel(call, steps, file=SEQUENCES)


def _only_step(node: Node, machine: Machine) -> Kernel:
    step, steps = node.attributes
    call = _call("only_step", "reads finish", step, places(node)[0], steps)
    return Kernel(call, places(node)[2] + 1, file=SEQUENCES)


def _stack(node: Node, machine: Machine) -> Kernel:
    """One loop after the other: each puts its step into the rows that are then finished."""
    features, _, steps = places(node)
    calls = [_call("put_step", f"read{step}", step, features, steps) for step in range(steps)]
    calls.append(_call("finish_steps", "finish", features, steps))
    return Kernel(" ".join(calls), features * steps + 1, file=SEQUENCES)


def _scores(node: Node, machine: Machine) -> Kernel:
    heads, steps, _ = places(node)
    features = places(node.inputs[0])[0] // heads
    call = _call("scores", "reads finish", heads, features, steps)
    return Kernel(call, (2 * features + 1) * steps, file=SEQUENCES)


def _weigh(node: Node, machine: Machine) -> Kernel:
    heads, steps, _ = places(node.inputs[0])
    features = places(node)[0] // heads
    call = _call("weigh", "reads finish", heads, features, steps, *node.attributes)
    return Kernel(call, (steps + 2) * steps, file=SEQUENCES)


def _shares(node: Node, machine: Machine) -> Kernel:
    heads, steps, _ = places(node)
    call = _call(f"row_{node.op.name}", "reads finish", heads, steps, *node.attributes)
    return Kernel(call, 3 * steps, file=SEQUENCES)


# Values rearranged, and added up ---------------------------------------------------


def _reshape(node: Node, machine: Machine) -> Kernel:
    source, result = places(node.inputs[0]), places(node)
    call = _call("reshape", "reads finish", *source, *result)
    return Kernel(call, source[0] * source[1] * source[2])


def _sum(node: Node, machine: Machine) -> Kernel:
    source = places(node.inputs[0])
    return Kernel(_call("sum_places", "reads finish", *source, int(not node.shape)), source[2])


def _sum_channels(node: Node, machine: Machine) -> Kernel:
    source = places(node.inputs[0])
    call = _call("sum_channels", "reads finish", *source)
    return Kernel(call, 2 * source[2], file="channels")


def _classes(node: Node, machine: Machine) -> Kernel:
    """The loop over the classes of a sample, or of each step of a sequence."""
    *steps, classes = node.inputs[-1].shape
    call = _call(node.op.name, "reads finish", *(steps or [0]), classes)
    return Kernel(call, 2 * classes)


KERNELS: dict[str, Callable[[Node, Machine], Kernel]] = {
    "conv": _conv,
    "conv_back": _conv_back,
    "conv_weights": _conv_weights,
    "linear": _linear,
    "linear_back": _linear,
    "outer": _outer,
    "maxpool": _pool,
    "avgpool": _pool,
    "maxpool_back": _pool,
    "avgpool_back": _pool,
    "concat": _concat,
    "part": _part,
    "pick": _pick,
    "reshape": _reshape,
    "by_feature": _by_feature,
    "by_step": _by_step,
    "step": _step,
    "only_step": _only_step,
    "stack": _stack,
    "scores": _scores,
    "weigh": _weigh,
    "shares": _shares,
    "shares_back": _shares,
    "sum": _sum,
    "sum_channels": _sum_channels,
    "log_sum_exp_all": _classes,
    "cross_entropy": _classes,
}
