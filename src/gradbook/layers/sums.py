"""Weighted sums: of all inputs, or of windows that slide over channels or spread their values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, ClassVar

from gradbook.arguments import one_of
from gradbook.errors import ShapeError, UsageError
from gradbook.graph.levels import Bits
from gradbook.graph.names import is_sequence
from gradbook.graph.node import Node
from gradbook.graph.window import (
    NOWHERE,
    SAME,
    Both,
    Pad,
    Shape,
    Window,
    a_pad,
    pad_words,
    places_in,
    same_pad,
    short,
)
from gradbook.language import mark, tr, tr_count
from gradbook.layers.card import (
    FLAT_ONLY,
    PER_STEP,
    Bias,
    Layer,
    LayerSite,
    ParameterSpec,
    Role,
    add_bias,
    require_channels,
    spell,
)
from gradbook.layers.fields import (
    BothField,
    OptionsField,
    PadOption,
    PairOption,
    PhraseField,
    StatementForm,
    WholeField,
    WholeOption,
)

OUT_OF_GROUPS = (
    "{channels} channels can't be split into {groups} equal groups: use a multiple of {groups}"
)
INTO_GROUPS = (
    "{given} input channels can't be split into {groups} equal groups: use a number that "
    "divides {given} and {channels}"
)
ONE_ROW = "{word}'s window has one row, not {size}"
LEAVES_NOTHING = "{word} with pad {pad} leaves nothing of its output for {shape}: use less padding"
DEPTHWISE = "depthwise takes channels x height x width, not {shape}"


@dataclass(frozen=True)
class BiasPhrase(PhraseField):
    """The biases of the sums: no bias."""

    def settle(self, word: str, value: Any) -> Bias:
        return Bias(one_of("bias", value, Bias))


@dataclass(frozen=True)
class BitsPhrase(PhraseField):
    """The numbers that weights are rounded to: bits 4."""

    def settle(self, word: str, value: Any) -> Bits:
        phrase = f"bits {value}" if isinstance(value, int) else value
        return Bits(one_of("bits", phrase, Bits))


BIAS = BiasPhrase("bias", "BIAS", tuple(Bias), Bias.EACH)
BITS = BitsPhrase("bits", "BITS", tuple(filter(None, Bits)), Bits.ALL)
BIAS_AND_BITS = (
    replace(BIAS, until=tuple(dict.fromkeys(phrase.split()[0] for phrase in BITS.among))),
    BITS,
)
MOVES = (
    PairOption("stride", "S", usual=(1, 1)),
    PadOption("pad", "P"),
    PairOption("dilation", "D", usual=(1, 1)),
)
GROUPS = WholeOption("groups", "G", 1, "number of groups")
KERNEL = BothField("kernel", "K", mark("window"), always_both=True)
CHANNELS = WholeField("channels", "N", mark("number of channels"))
WINDOWED = (CHANNELS, KERNEL, OptionsField("", options=(*MOVES, GROUPS)), *BIAS_AND_BITS)
ALONG = tuple(replace(move, row=True) for move in MOVES)  # a single row


def bias_specs(
    bias: Bias, width: int, places: int = 1, part: str = ""
) -> tuple[ParameterSpec, ...]:
    """The biases of `width` sums at each of so many places, if they have any."""
    if bias is Bias.NONE:
        return ()
    shape, uses = ((1,), width * places) if bias.shared else ((width,), places)
    return (ParameterSpec(Role.BIAS, shape, fixed=bias.fixed, part=part, uses=uses),)


@dataclass(frozen=True)
class Dense(Layer):
    """Weighted sums of all inputs: a fully connected layer.

    Args:
        width: The number of sums.
        bias: `gb.Bias.EACH`, `NONE`, `SHARED`, …
        bits: The bits of each weight, if weights are quantised.

    >>> import gradbook as gb
    >>> print(gb.Dense(3))
    dense 3
    """

    width: int
    bias: Bias = Bias.EACH
    bits: Bits = Bits.ALL
    word: ClassVar[str] = "dense"
    letter: ClassVar[str] = "h"
    last_letter: ClassVar[str] = "o"
    sums: ClassVar[bool] = True
    reads_all: ClassVar[bool] = True
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "dense",
            (WholeField("width", "N", mark("width")), *BIAS_AND_BITS),
            ("N weighted sums of all inputs",),
            ("fc", "linear"),
        ),
    )

    def ending_in(self, outputs: int) -> Dense:
        return replace(self, width=outputs)

    def output(self, shape: Shape, *others: Shape) -> Shape:
        if len(shape) != 1:
            is_row = len(shape) == 3 and is_sequence(shape)
            message = PER_STEP if is_row else FLAT_ONLY
            raise ShapeError(message.format(word="dense", shape=spell(shape), width=self.width))
        return (self.width,)

    def parameters(self, shape: Shape) -> tuple[ParameterSpec, ...]:
        weight = ParameterSpec(Role.WEIGHT, (self.width, shape[0]), (shape[0], self.width))
        return (weight, *bias_specs(self.bias, self.width))

    def words(self, shape: Shape) -> str:
        return tr_count("a weighted sum of those", "{count} weighted sums of those", self.width)

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        weights, *biases = parameters
        sums = site.make("linear", site.levelled(weights, self.bits), inputs[0])
        return add_bias(sums, biases)


def require_groups(conv: Conv | TransposedConv, shape: Shape) -> None:
    """Refuse inputs without channels, or whose channels can't be split into its groups."""
    require_channels(conv.word, shape)
    if shape[0] % conv.groups:
        counts = {"given": shape[0], "groups": conv.groups, "channels": conv.channels}
        raise ShapeError(INTO_GROUPS.format(**counts))


@dataclass(frozen=True)
class Conv(Layer):
    """Small windows of weights slid over all input channels: a convolution.

    Args:
        channels: The number of output channels.
        kernel: The window's rows and columns.
        stride: The distance from one window to the next.
        pad: The padding: above, left, below and right, or "same".
        bias: `gb.Bias.EACH`, `NONE`, `SHARED`, …
        groups: Each group of output channels reads its own group of input channels.
        dilation: The distance between the rows, or columns, that a window reads.
        row: Whether it slides over the steps of a sequence.
        bits: The bits of each weight, if weights are quantised.

    >>> import gradbook as gb
    >>> print(gb.Conv(8, (3, 3), pad="same"))
    conv 8 3x3 pad same
    """

    channels: int
    kernel: Both
    stride: Both = (1, 1)
    pad: Pad = NOWHERE
    bias: Bias = Bias.EACH
    groups: int = 1  # each group of output channels reads its own group of input channels
    dilation: Both = (1, 1)
    row: bool = False  # whether it slides over the steps of a sequence, which are a single row
    bits: Bits = Bits.ALL
    word: ClassVar[str] = "conv"
    letter: ClassVar[str] = "c"
    sums: ClassVar[bool] = True
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "conv",
            WINDOWED,
            (
                "N windows of size K slid over all channels, or with",
                "groups each over its own group of channels",
            ),
            ("conv2d",),
            preset={"row": False},
        ),
        StatementForm(
            "conv1d",
            (
                CHANNELS,
                replace(KERNEL, row=True),
                OptionsField("", options=(*ALONG, GROUPS)),
                *BIAS_AND_BITS,
            ),
            ("N windows of K steps slid over a sequence, all features",),
            preset={"row": True},
        ),
        StatementForm(
            "depthwise",
            (KERNEL, OptionsField("", options=MOVES), *BIAS_AND_BITS),
            ("one window for each channel: as many groups as channels",),
            per_channel=("channels", "groups"),
            takes=DEPTHWISE,
        ),
    )

    @property
    def reads_sequences(self) -> bool:  # type: ignore[override]
        return self.row

    def check(self) -> None:
        if self.row and self.kernel[0] > 1:
            raise UsageError(ONE_ROW.format(word=self.form().words, size=short(self.kernel)))
        if self.channels % self.groups:
            raise UsageError(OUT_OF_GROUPS.format(channels=self.channels, groups=self.groups))
        settle_pad(self, "conv's", self.kernel)

    def ending_in(self, outputs: int) -> Conv:
        return replace(self, channels=outputs)

    def fitted(self, shape: Shape) -> Conv:
        """The layer with a window that fits between edges no wider than the window."""
        window = self.window(shape)
        height, width = (
            min(size, (length + sum(window.edges(axis)) - 1) // window.dilation[axis] + 1)
            for axis, (size, length) in enumerate(zip(self.kernel, shape[1:], strict=True))
        )
        if self.pad == SAME:
            return replace(self, kernel=(height, width))
        top, left, below, right = (min(side, height - 1, width - 1) for side in window.pad)
        return replace(self, kernel=(height, width), pad=(top, left, below, right))

    def output(self, shape: Shape, *others: Shape) -> Shape:
        require_groups(self, shape)
        return (self.channels, *places_in("conv", self.window(shape), shape))

    def parameters(self, shape: Shape) -> tuple[ParameterSpec, ...]:
        area = prod(self.kernel)
        fans = (shape[0] // self.groups * area, self.channels // self.groups * area)
        weights = (self.channels, shape[0] // self.groups, *self.kernel)
        places = prod(self.window(shape).places(shape[1:]))
        return (
            ParameterSpec(Role.WEIGHT, weights, fans, uses=places),
            *bias_specs(self.bias, self.channels, places),
        )

    def window(self, shape: Shape) -> Window:
        return window_over(self.kernel, self.stride, self.pad, self.dilation, shape[1:])

    def words(self, shape: Shape) -> str:
        height, width = self.kernel
        if is_sequence(shape) and self.kernel == (1, 1):
            return tr(
                "{channels} weighted sums of the features at each step", channels=self.channels
            )
        planes = shape[0] // self.groups
        in_one = mark("weighted sums of {height} × {width} windows")
        in_several = mark("weighted sums of {height} × {width} windows in {planes} planes")
        sums = tr(in_several if planes > 1 else in_one, height=height, width=width, planes=planes)
        return with_moves(_in_groups(sums, self.groups), self.window(shape))

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        (x,), (weights, *biases) = inputs, parameters
        read = site.levelled(weights, self.bits)
        how = (self.window(x.shape), self.groups)
        return add_bias(site.make("conv", read, x, attributes=how), biases)


@dataclass(frozen=True)
class TransposedConv(Layer):
    """A transposed convolution: each value is spread, with weights, over a window of a larger map,
    and where windows overlap, their values are added.

    A convolution with this window would have turned its output's size into its input's.
    """

    channels: int
    kernel: Both
    stride: Both = (1, 1)
    pad: Pad = NOWHERE
    bias: Bias = Bias.EACH
    groups: int = 1
    dilation: Both = (1, 1)
    bits: Bits = Bits.ALL
    word: ClassVar[str] = "convtranspose"
    letter: ClassVar[str] = "c"
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "convtranspose",
            WINDOWED,
            ("spreads each value over a window of N larger channels", "(stride 2: twice as large)"),
            ("convtranspose2d", "conv2dtranspose", "conv_transpose", "deconv"),
        ),
    )

    def check(self) -> None:
        if self.channels % self.groups:
            raise UsageError(OUT_OF_GROUPS.format(channels=self.channels, groups=self.groups))
        settle_pad(self, f"{self.word}'s", self.kernel)

    def output(self, shape: Shape, *others: Shape) -> Shape:
        require_groups(self, shape)
        window, area = self.spreads(shape), self._area(shape)
        if min(area) < 1 or window.places(area) != shape[1:]:
            words = {"word": self.word, "pad": pad_words(self.pad), "shape": spell(shape)}
            raise ShapeError(LEAVES_NOTHING.format(**words))
        return (self.channels, *area)

    def spreads(self, shape: Shape) -> Window:
        sides = self.pad
        if sides == SAME:
            sides = same_pad(self.kernel, self.stride, self.dilation, self._area(shape))
        return Window(self.kernel, self.stride, sides, self.dilation)

    def _area(self, shape: Shape) -> Both:
        """The rows and columns of its output."""
        if self.pad == SAME:
            return shape[1] * self.stride[0], shape[2] * self.stride[1]
        window = self.spreads(shape)
        rows, columns = (
            (length - 1) * window.stride[axis] + window.span[axis] - sum(window.edges(axis))
            for axis, length in enumerate(shape[1:])
        )
        return rows, columns

    def parameters(self, shape: Shape) -> tuple[ParameterSpec, ...]:
        inputs, outputs = shape[0] // self.groups, self.channels // self.groups
        area = prod(self.kernel)
        summed = inputs * max(1, area // prod(self.stride))
        return (
            ParameterSpec(
                Role.WEIGHT,
                (shape[0], outputs, *self.kernel),
                (summed, outputs * area),
                uses=prod(shape[1:]),
            ),
            *bias_specs(self.bias, self.channels, prod(self._area(shape))),
        )

    def words(self, shape: Shape) -> str:
        height, width = self.kernel
        planes = self.channels // self.groups
        in_one = mark("those spread, with weights, over {height} × {width} windows")
        in_several = mark(
            "those spread, with weights, over {height} × {width} windows in {planes} planes"
        )
        sums = tr(in_several if planes > 1 else in_one, height=height, width=width, planes=planes)
        return with_moves(_in_groups(sums, self.groups), self.spreads(shape))

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        (x,), (weights, *biases) = inputs, parameters
        attributes = (self._area(x.shape), self.spreads(x.shape), self.groups)
        read = site.levelled(weights, self.bits, self.level_groups)
        sums = site.make("conv_back", read, x, attributes=attributes)
        return add_bias(sums, biases)

    @property
    def level_groups(self) -> int:
        return self.groups


@dataclass(frozen=True)
class Upsample(Layer):
    """Repeats each value so many times, down and across."""

    size: Both
    word: ClassVar[str] = "upsample"
    remark: ClassVar[str] = mark(
        "upsample repeats each value down and across; unupsample adds up the δ of these."
    )
    letter: ClassVar[str] = "r"
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "upsample",
            (BothField("size", "K", mark("size")),),
            ("each value K times down and across (nearest)",),
            ("upsampling2d",),
        ),
    )

    def output(self, shape: Shape, *others: Shape) -> Shape:
        require_channels(self.word, shape)
        channels, rows, columns = shape
        return (channels, rows * self.size[0], columns * self.size[1])

    def spreads(self, shape: Shape) -> Window:
        return Window(self.size, self.size)

    def words(self, shape: Shape) -> str:
        height, width = self.size
        return tr("each repeated {height} × {width} times", height=height, width=width)

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        (x,) = inputs
        return site.make("unpooled", x, attributes=(self.spreads(x.shape),))


# Windows, which pools also have --------------------------------------------------


def settle_pad(layer: Any, whose: str, size: Both) -> None:
    """Give a layer with a window its padding in the canonical form."""
    object.__setattr__(layer, "pad", a_pad(whose, layer.pad, size, layer.dilation))


def window_over(size: Both, stride: Both, pad: Pad, dilation: Both, area: Shape) -> Window:
    """A window in numbers, for the rows and columns of an input."""
    sides = same_pad(size, stride, dilation, area) if pad == SAME else pad
    return Window(size, stride, sides, dilation)


def _in_groups(sums: str, groups: int) -> str:
    if groups == 1:
        return sums
    return tr("{sums}, in {count} separate groups of planes", sums=sums, count=groups)


def with_moves(words: str, window: Window, of_zeros: bool = False) -> str:
    """A description of windows, with dilation, stride and padding unless they are the default."""
    apart, every = (short(pair).replace("x", " × ") for pair in (window.dilation, window.stride))
    if window.dilation != (1, 1):
        words = tr("{windows}, dilation {places}", windows=words, places=apart)
    if window.stride != (1, 1):
        words = tr("{windows}, stride {places}", windows=words, places=every)
    if any(window.pad):
        plain, zeros = mark("{windows}, padding {edge}"), mark("{windows}, padding {edge} of zeros")
        words = tr(zeros if of_zeros else plain, windows=words, edge=pad_words(window.pad))
    return words
