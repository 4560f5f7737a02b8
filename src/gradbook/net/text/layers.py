"""Each layer as a statement: how help explains it, how it is read, how it is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gradbook.errors import UsageError, did_you_mean
from gradbook.net.layers import (
    ACTIVATIONS,
    Activation,
    BatchNorm,
    Concat,
    Conv,
    Dense,
    Dropout,
    Flatten,
    Layer,
    Pool,
    Residual,
    spell,
)
from gradbook.net.parameters import Bias, Shape
from gradbook.net.text.statement import Statement, digits

USAGE = """\
  dense N [BIAS]             N weighted sums of all inputs
  conv N KxK [stride S] [pad P] [groups G] [BIAS]
                             N windows of K by K slid over all channels, or with
                             groups each over its own group of channels
  depthwise KxK [stride S] [pad P] [BIAS]
                             one window for each channel: as many groups as channels
  maxpool K [stride S]       the largest value of each K by K window
  avgpool K [stride S]       its average; 'all' for K is one window over everything
  batchnorm [epsilon E]      each channel centred and scaled over the samples
  dropout RATE [channels]    while training, values set to 0 by chance, or whole channels
  flatten                    all values in one line, for dense
  add back N                 a skip connection: adds what went into the last N layers;
                             the shapes must be the same, and each line counts as a layer
  concat back N …            puts the channels so far side by side with those that went
                             into the last N layers, for each N in turn; a 0 among
                             these is where those so far stand, if not first
"""
"""What `gradbook help networks` says of each."""


# Reading.


def _bias(line: Statement, *others: str) -> Bias:
    """What is left of the line; `others` are words that could have stood in it."""
    start = line.used
    phrase = line.rest()
    if phrase not in ("", *Bias):
        known = [*others, *Bias]
        hint = did_you_mean(phrase, known) or f": expected one of {', '.join(known)}"
        line.fail(f"unknown {phrase!r}{hint}", at=start)
    return Bias(phrase or Bias.EACH)


def _dense(line: Statement, shape: Shape) -> Layer:
    return Dense(line.whole("dense's width"), _bias(line))


def _conv(line: Statement, shape: Shape) -> Layer:
    channels = line.whole("conv's number of channels")
    return _windows(line, channels, "stride", "pad", "groups")


def _depthwise(line: Statement, shape: Shape) -> Layer:
    if len(shape) != 3:
        raise UsageError(f"depthwise takes channels x height x width, not {spell(shape)}")
    return replace(_windows(line, shape[0], "stride", "pad"), groups=shape[0])


def _windows(line: Statement, channels: int, *options: str) -> Conv:
    kernel = line.sizes(f"{line.words[0].group()}'s window", 2, "3x3")
    steps: dict[str, int] = {}
    while line.next in options:
        if line.next in steps:
            line.fail(f"a second {line.next!r}: say it once")
        word = line.take()
        steps[word] = line.whole(word)
    bias = _bias(line, *(f"{option} {option[0].upper()}" for option in options))
    return Conv(channels, (kernel[0], kernel[-1]), **steps, bias=bias)


def _pool(kind: str) -> Callable[[Statement, Shape], Layer]:
    def read(line: Statement, shape: Shape) -> Layer:
        if line.option("all"):
            return Pool(kind, None)
        size = line.whole(f"{kind}pool's size")
        return Pool(kind, size, line.whole("stride") if line.option("stride") else None)

    return read


def _batchnorm(line: Statement, shape: Shape) -> Layer:
    return BatchNorm(line.value("epsilon")) if line.option("epsilon") else BatchNorm()


def _dropout(line: Statement, shape: Shape) -> Layer:
    return Dropout(line.value("dropout's rate"), line.option("channels"))


def _residual(line: Statement, shape: Shape) -> Layer:
    _second_words(line, "add back")
    return Residual(line.whole("add back's number of layers"))


def _concat(line: Statement, shape: Shape) -> Layer:
    _second_words(line, "concat back")
    back = [line.whole("concat back's number of layers")]
    while line.next:
        back.append(line.whole("concat back's number of layers"))
    return Concat(tuple(back))


def _activation(kind: str) -> Callable[[Statement, Shape], Layer]:
    def read(line: Statement, shape: Shape) -> Layer:
        _second_words(line, kind)
        if kind == "leaky relu" and line.next:
            return Activation(kind, line.value("the slope"))
        return Activation(kind)

    return read


def _second_words(line: Statement, phrase: str) -> None:
    for word in phrase.split()[1:]:
        if not line.option(word):
            line.fail(f"expected {phrase!r}")


LAYERS: dict[str, Callable[[Statement, Shape], Layer]] = {
    "dense": _dense,
    "conv": _conv,
    "depthwise": _depthwise,
    "maxpool": _pool("max"),
    "avgpool": _pool("avg"),
    "batchnorm": _batchnorm,
    "dropout": _dropout,
    "flatten": lambda line, shape: Flatten(),
    "add": _residual,
    "concat": _concat,
    **{kind.split()[0]: _activation(kind) for kind in ACTIVATIONS},
}
"""By its first word what reads the rest of the statement, for the shape the layer is given."""


# Writing.


def layer_words(layer: Layer) -> str:
    """The layer as the text form says it: conv 2 3x3 no bias."""
    match layer:
        case Dense(width, bias):
            return f"dense {width}{_bias_words(bias)}"
        case Conv(channels, kernel):
            return f"conv {channels} {spell(kernel)}{_steps(layer)}{_bias_words(layer.bias)}"
        case Pool(kind, size, stride):
            return f"{kind}pool {size or 'all'}" + ("" if stride is None else f" stride {stride}")
        case BatchNorm(epsilon):
            return "batchnorm" + ("" if layer == BatchNorm() else f" epsilon {digits(epsilon)}")
        case Dropout(rate, channels):
            return f"dropout {digits(rate)}{' channels' if channels else ''}"
        case Flatten():
            return "flatten"
        case Residual() | Concat():
            return _back_words(layer)
        case Activation(kind, slope):
            leaning = kind == "leaky relu" and layer != Activation(kind)
            return f"{kind} {digits(slope)}" if leaning else kind
        case _:
            raise AssertionError(f"{layer} has no words in the text form")


def _steps(conv: Conv) -> str:
    said = (("stride", conv.stride, 1), ("pad", conv.pad, 0), ("groups", conv.groups, 1))
    return "".join(f" {word} {value}" for word, value, usual in said if value != usual)


def _back_words(layer: Residual | Concat) -> str:
    if isinstance(layer, Residual):
        return f"add back {layer.back}"
    said = layer.back[1:] if layer.back[0] == 0 else layer.back
    return f"concat back {' '.join(map(str, said))}"


def _bias_words(bias: Bias) -> str:
    return "" if bias is Bias.EACH else f" {bias}"
