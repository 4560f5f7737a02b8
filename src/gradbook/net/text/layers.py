"""Each layer as a line: how it is read, how it is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gradbook.errors import UsageError, did_you_mean
from gradbook.net.layers import (
    ACTIVATIONS,
    Activation,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    Layer,
    Pool,
    spell,
)
from gradbook.net.parameters import Bias, Shape
from gradbook.net.text.statement import Line, digits

# Layers: each reader is called with its own word taken, and with the shape it is given.


def _bias(line: Line, *others: str) -> Bias:
    """What is left of the line; `others` are words that could have stood in it."""
    start = line.used
    phrase = line.rest()
    if phrase not in ("", *Bias):
        known = [*others, *Bias]
        hint = did_you_mean(phrase, known) or f": expected one of {', '.join(known)}"
        line.fail(f"unknown {phrase!r}{hint}", at=start)
    return Bias(phrase or Bias.EACH)


def _dense(line: Line, shape: Shape) -> Layer:
    return Dense(line.whole("dense's width"), _bias(line))


def _conv(line: Line, shape: Shape) -> Layer:
    channels = line.whole("conv's number of channels")
    return _windows(line, channels, "stride", "pad", "groups")


def _depthwise(line: Line, shape: Shape) -> Layer:
    if len(shape) != 3:
        raise UsageError(f"depthwise takes channels x height x width, not {spell(shape)}")
    return replace(_windows(line, shape[0], "stride", "pad"), groups=shape[0])


def _windows(line: Line, channels: int, *options: str) -> Conv:
    kernel = line.sizes(f"{line.words[0].group()}'s window", 2, "3x3")
    steps: dict[str, int] = {}
    while line.next in options:
        if line.next in steps:
            line.fail(f"a second {line.next!r}: say it once")
        word = line.take()
        steps[word] = line.whole(word)
    bias = _bias(line, *(f"{option} {option[0].upper()}" for option in options))
    return Conv(channels, (kernel[0], kernel[-1]), **steps, bias=bias)


def _pool(kind: str) -> Callable[[Line, Shape], Layer]:
    def read(line: Line, shape: Shape) -> Layer:
        if line.option("all"):
            return Pool(kind, None)
        size = line.whole(f"{kind}pool's size")
        return Pool(kind, size, line.whole("stride") if line.option("stride") else None)

    return read


def _batchnorm(line: Line, shape: Shape) -> Layer:
    return BatchNorm(line.value("epsilon")) if line.option("epsilon") else BatchNorm()


def _dropout(line: Line, shape: Shape) -> Layer:
    return Dropout(line.value("dropout's rate"), line.option("channels"))


def _activation(kind: str) -> Callable[[Line, Shape], Layer]:
    def read(line: Line, shape: Shape) -> Layer:
        for word in kind.split()[1:]:
            if not line.option(word):
                line.fail(f"expected {kind!r}")
        if kind == "leaky relu" and line.next:
            return Activation(kind, line.value("the slope"))
        return Activation(kind)

    return read


LAYERS: dict[str, Callable[[Line, Shape], Layer]] = {
    "dense": _dense,
    "conv": _conv,
    "depthwise": _depthwise,
    "maxpool": _pool("max"),
    "avgpool": _pool("avg"),
    "batchnorm": _batchnorm,
    "dropout": _dropout,
    "flatten": lambda line, shape: Flatten(),
    **{kind.split()[0]: _activation(kind) for kind in ACTIVATIONS},
}


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
        case Activation(kind, slope):
            leaning = kind == "leaky relu" and layer != Activation(kind)
            return f"{kind} {digits(slope)}" if leaning else kind


def _steps(conv: Conv) -> str:
    said = (("stride", conv.stride, 1), ("pad", conv.pad, 0), ("groups", conv.groups, 1))
    return "".join(f" {word} {value}" for word, value, usual in said if value != usual)


def _bias_words(bias: Bias) -> str:
    return "" if bias is Bias.EACH else f" {bias}"
