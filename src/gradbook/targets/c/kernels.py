"""Which hand-written loop does a heavy op, with what block sizes, and what it needs beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradbook.graph.node import Node
from gradbook.targets.c import blocks
from gradbook.targets.c.machine import Machine
from gradbook.targets.c.plan import Places, places


@dataclass(frozen=True)
class Packing:
    """Weights laid out as a kernel reads them, made anew before each step."""

    weights: Node
    size: int
    lines: Sequence[str]  # from `weights` to `packed`


@dataclass(frozen=True)
class Kernel:
    """`call` has the places {reads}, {finish}, {packed} and {slopes} for the hooks and arrays."""

    call: str
    scratch: int  # vectors
    readers: Sequence[Node]
    packing: Packing | None = None
    slopes: int = 0  # numbers a tile gives that are summed over the tiles
    unpack: str = ""  # from these sums to the weights' gradient, where it isn't the same


def kernel(node: Node, machine: Machine) -> Kernel:
    return _KERNELS[node.op.name](node, machine)


def _literal(kind: str, *numbers: int) -> str:
    """Its braces are doubled, since `call` is filled in."""
    return f"(struct {kind}){{{{{', '.join(map(str, numbers))}}}}}"


# Convolutions, and weighted sums as convolutions of single places.


@dataclass(frozen=True)
class _Slide:
    """One convolution as the kernels see it: from `source` to `result`."""

    source: Places
    result: Places
    window: tuple[int, int]
    stride: int = 1
    top: int = 0
    left: int = 0
    spread: int = 1
    groups: int = 1

    @property
    def frame(self) -> tuple[int, int]:
        """Height and width of what the window slides over."""
        ends = (
            (self.top, self.source[1], self.result[1], self.window[0]),
            (self.left, self.source[2], self.result[2], self.window[1]),
        )
        height, width = (
            max((out - 1) * self.stride + window, before + (size - 1) * self.spread + 1)
            for before, size, out, window in ends
        )
        return height, width

    @property
    def literal(self) -> str:
        return _literal(
            "sliding",
            *self.result,
            *self.source,
            *self.window,
            self.stride,
            self.top,
            self.left,
            self.spread,
            *self.frame,
            self.groups,
        )

    @property
    def frame_size(self) -> int:
        # a row that is read side by side before it is spread may reach beyond the last row
        return self.frame[0] * self.frame[1] * self.source[0] + self.source[2]


def _area(slide: _Slide) -> int:
    return slide.window[0] * slide.window[1]


def _direct(slide: _Slide, node: Node, machine: Machine, turned: bool) -> Kernel:
    own = slide.result[0] // slide.groups
    block, wide = blocks.best(own, slide.result[2], machine.registers)
    size = slide.result[0] * slide.source[0] // slide.groups * _area(slide)
    window = slide.source[0] // slide.groups * _area(slide)
    pack = f"pack_direct({{source}}, packed, {slide.result[0]}, {slide.groups}, {window}, {block});"
    return Kernel(
        f"direct_conv(at, {{reads}}, {{finish}}, {{packed}}, {slide.literal}, {block}, {wide});",
        slide.frame_size + block * slide.result[2],
        node.inputs[1:],
        Packing(node.inputs[0], size, _packing(slide, pack, size, turned)),
    )


def _packing(slide: _Slide, pack: str, size: int, turned: bool) -> list[str]:
    if not turned:
        return [pack.format(source="weights")]
    outputs, inputs = slide.source[0], slide.result[0]
    return [
        f"real turned[{size}];",
        f"turn_weights(weights, turned, {outputs}, {inputs}, {slide.groups}, "
        f"{slide.window[0]}, {slide.window[1]});",
        pack.format(source="turned"),
    ]


WIDEST = 64  # as in winograd.c


def _winograd_size(slide: _Slide) -> int:
    """m of the cheapest Winograd, or 0 where it isn't one: by products and carrying."""
    channels = (slide.source[0], slide.result[0])
    plain = (
        slide.window == (3, 3)
        and slide.stride == slide.spread == slide.groups == 1
        and slide.top == slide.left <= 2
        and min(channels) >= 4
        and min(slide.result[1:]) >= 3
        and max(slide.source[2], slide.result[2]) <= WIDEST
    )
    if not plain:
        return 0
    costs = {0: 9 * slide.result[1] * slide.result[2] * channels[0] * channels[1]}
    for m in (3, 4):
        tiles = -(-slide.result[1] // m) * -(-slide.result[2] // m)
        points = (m + 2) ** 2
        carrying = points * 6 * (channels[0] + channels[1])
        costs[m] = tiles * (points * channels[0] * channels[1] + carrying)
    return min(costs, key=lambda m: costs[m])


def _winograd_literal(slide: _Slide, m: int) -> str:
    return _literal("winograd", m, *slide.result, *slide.source, slide.top)


def _points_size(channels: int, tiles: int) -> int:
    return (channels * tiles) | 1


def _winograd(slide: _Slide, node: Node, machine: Machine, m: int, turned: bool) -> Kernel:
    across, n = -(-slide.result[2] // m), m + 2
    outputs, inputs = slide.result[0], slide.source[0]
    block, wide = blocks.best(outputs, across, machine.registers)
    pack = f"pack_winograd({{source}}, packed, {m}, {outputs}, {inputs}, {block});"
    lines = n * (across * m + 2 + slide.source[2])
    points = n * n * (_points_size(inputs, across) + _points_size(outputs, across))
    return Kernel(
        f"winograd_conv(at, {{reads}}, {{finish}}, {{packed}}, "
        f"{_winograd_literal(slide, m)}, {block}, {wide});",
        lines + points,
        node.inputs[1:],
        Packing(
            node.inputs[0],
            n * n * outputs * inputs,
            _packing(slide, pack, outputs * inputs * 9, turned),
        ),
    )


def _convolution(slide: _Slide, node: Node, machine: Machine, turned: bool) -> Kernel:
    m = _winograd_size(slide)
    if m:
        return _winograd(slide, node, machine, m, turned)
    return _direct(slide, node, machine, turned)


def _conv(node: Node, machine: Machine) -> Kernel:
    stride, pad, groups = _numbers(node.attributes)
    window = (node.inputs[0].shape[2], node.inputs[0].shape[3])
    slide = _Slide(places(node.inputs[1]), places(node), window, stride, pad, pad, groups=groups)
    return _convolution(slide, node, machine, turned=False)


def _conv_back(node: Node, machine: Machine) -> Kernel:
    """Each gradient goes to its window: the window, turned, slides over spread gradients."""
    stride, pad, groups = _numbers(node.attributes[1:])
    rows, columns = node.inputs[0].shape[2:]
    slide = _Slide(
        places(node.inputs[1]),
        places(node),
        (rows, columns),
        1,
        rows - 1 - pad,
        columns - 1 - pad,
        stride,
        groups,
    )
    return _convolution(slide, node, machine, turned=True)


def _conv_weights(node: Node, machine: Machine) -> Kernel:
    stride, pad, groups = _numbers(node.attributes[1:])
    d, x = node.inputs
    window = (node.shape[2], node.shape[3])
    slide = _Slide(places(x), places(d), window, stride, pad, pad, groups=groups)
    m = _winograd_size(slide)
    return _winograd_weights(slide, node, machine, m) if m else _weights(slide, node, machine)


def _weights(slide: _Slide, node: Node, machine: Machine) -> Kernel:
    taps = min(slide.window[1], 5)
    own_outputs, own_inputs = slide.result[0] // slide.groups, slide.source[0] // slide.groups
    block, deep = blocks.best(own_outputs, own_inputs, machine.registers, taps)
    if block * deep * taps > 32:
        block, deep = 1, 1
    size = slide.result[0] * own_inputs * _area(slide)
    return Kernel(
        f"direct_weights(at, {{reads}}, {{slopes}}, {slide.literal}, {block}, {deep}, {taps});",
        slide.frame_size + slide.result[0] * slide.result[1] * slide.result[2],
        node.inputs,
        slopes=size,
    )


BAND_VECTORS = 14_000  # what may lie in the cache at once: 900 kB


def _winograd_weights(slide: _Slide, node: Node, machine: Machine, m: int) -> Kernel:
    n = m + 2
    outputs, inputs = slide.result[0], slide.source[0]
    across, down = -(-slide.result[2] // m), -(-slide.result[1] // m)
    fitting = [
        bands
        for bands in range(1, down + 1)
        if n * n * (outputs + inputs) * across * bands <= BAND_VECTORS
    ]
    bands = max(fitting, default=1)
    if bands < down:
        bands = -(-down // -(-down // bands))  # as even as can be
    tiles = across * bands
    block, deep = blocks.best(outputs, inputs, machine.registers)
    sums = outputs * inputs * (n * n if bands < down else 1)
    points = n * n * (_points_size(inputs, tiles) + _points_size(outputs, tiles))
    return Kernel(
        f"winograd_weights(at, {{reads}}, {{slopes}}, {_winograd_literal(slide, m)}, "
        f"{bands}, {block}, {deep});",
        n * (across * m + 2 + max(slide.source[2], slide.result[2])) + points + sums,
        node.inputs,
        slopes=n * n * outputs * inputs,
        unpack=f"winograd_to_weights({{points}}, {{weights}}, {m}, {outputs * inputs});",
    )


def _flat(source: Node, result: Node) -> _Slide:
    return _Slide(places(source), places(result), (1, 1))


def _linear(node: Node, machine: Machine) -> Kernel:
    return _direct(_flat(node.inputs[1], node), node, machine, turned=False)


def _linear_back(node: Node, machine: Machine) -> Kernel:
    return _direct(_flat(node.inputs[1], node), node, machine, turned=True)


def _outer(node: Node, machine: Machine) -> Kernel:
    d, x = node.inputs
    return _weights(_flat(x, d), node, machine)


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


def _numbers(attributes: Sequence[object]) -> list[int]:
    return [value for value in attributes if isinstance(value, int)]
