"""Each layer as a statement: how help explains it, how it is read, how it is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gradbook.errors import UsageError, did_you_mean
from gradbook.graph.window import NOWHERE, SAME, Shape, pad_words, short
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
from gradbook.net.norms import GroupNorm, LayerNorm, PlaceNorm, SampleNorm
from gradbook.net.parameters import Bias
from gradbook.net.wiring import Concat, GoBack, Residual
from gradbook.statements import SECOND, Statement, digits

USAGE = """\
  dense N [BIAS]             N weighted sums of all inputs
  conv N K [stride S] [pad P] [dilation D] [groups G] [BIAS]
                             N windows of K slid over all channels, or with
                             groups each over its own group of channels
  depthwise K [stride S] [pad P] [dilation D] [BIAS]
                             one window for each channel: as many groups as channels
  maxpool K [stride S] [pad P] [dilation D] [ceil]
                             the largest value of each window
  avgpool K [stride S] [pad P] [dilation D] [ceil] [zeros]
                             its average; 'all' for K is one window over everything
  batchnorm [epsilon E]      each channel centred and scaled over the samples
  groupnorm G [epsilon E]    the same over G groups of channels of each sample by itself
  instancenorm [epsilon E]   groupnorm with as many groups as channels
  layernorm [epsilon E]      over all values of a sample, with a scale for each of them
  placenorm [epsilon E]      over the channels of each place by itself
  dropout RATE [channels]    while training, values set to 0 by chance, or whole channels
  flatten                    all values in one line, for dense
  add back N                 a skip connection: adds what went into the last N layers;
                             the shapes must be the same, and each line counts as a layer
  concat back N …            puts the channels so far side by side with those that went
                             into the last N layers, for each N in turn; a 0 among
                             these is where those so far stand, if not first
  go back N                  begins a branch: what comes next reads what went into the last
                             N layers; 'add back' or 'concat back' joins it to the others
  again N [back L]           the layers from the last conv or dense on, or the last L, are
                             applied N times in all, one after the other, with the same
                             weights; each use counts as so many layers
"""
"""What `gradbook help networks` says of each."""

WINDOW_USAGE = """\
  A window K is 3x3, rows by columns, and 3 stands for both; so are its steps S and
  the distance D between the rows, and columns, that it reads: 2, or 2x1. Its padding P
  is 1 on all sides, 1x0 for rows and columns, 0x0x1x1 above, left, below and right,
  or 'same': as many places as steps fit into what it reads. The padding of a conv is
  zeros. A pool leaves its padding out, and averages what is left; with 'zeros' an
  average counts the padding in. With 'ceil' a last window may end beyond what is read.
"""
"""And of windows."""


# Reading.

UNKNOWN_BIAS = "unknown {word!r}{hint}"
ONE_OF = ": expected one of {known}"
EXPECTED = "expected {phrase!r}"
DEPTHWISE = "depthwise takes channels x height x width, not {shape}"


def _bias(line: Statement, *others: str) -> Bias:
    """What is left of the line; `others` are words that could have stood in it."""
    start = line.used
    phrase = line.rest()
    if phrase not in ("", *Bias):
        known = [*others, *Bias]
        hint = did_you_mean(phrase, known) or ONE_OF.format(known=", ".join(known))
        line.fail(UNKNOWN_BIAS.format(word=phrase, hint=hint), at=start)
    return Bias(phrase or Bias.EACH)


def _dense(line: Statement, shape: Shape) -> Layer:
    return Dense(line.whole("dense's width"), _bias(line))


def _conv(line: Statement, shape: Shape) -> Layer:
    channels = line.whole("conv's number of channels")
    return _windows(line, channels, *MOVES, "groups")


def _depthwise(line: Statement, shape: Shape) -> Layer:
    if len(shape) != 3:
        raise UsageError(DEPTHWISE.format(shape=spell(shape)))
    return replace(_windows(line, shape[0], *MOVES), groups=shape[0])


def _windows(line: Statement, channels: int, *options: str) -> Conv:
    kernel = line.sizes(f"{line.words[0].group()}'s window", 2, "3x3")
    said = _options(line, *options)
    bias = _bias(line, *(f"{option} {option[0].upper()}" for option in options))
    return Conv(channels, (kernel[0], kernel[-1]), **said, bias=bias)


def _pool(kind: str) -> Callable[[Statement, Shape], Layer]:
    def read(line: Statement, shape: Shape) -> Layer:
        if line.option("all"):
            return Pool(kind, None)
        size = line.wholes(f"{kind}pool's size", PAIR, "2 or 2x3")
        return Pool(kind, (size[0], size[-1]), **_options(line, *MOVES, "ceil", *ZEROS[kind]))

    return read


MOVES = ("stride", "pad", "dilation")
ZEROS = {"max": (), "avg": ("zeros",)}
PAIR = (1, 2)


def _options(line: Statement, *options: str) -> dict[str, Any]:
    """What a window's options say, in any order."""
    said: dict[str, Any] = {}
    while line.next in options:
        if line.next in said:
            line.fail(SECOND.format(word=line.next))
        word = line.take()
        said[word] = _option(line, word)
    return said


def _option(line: Statement, word: str) -> Any:
    match word:
        case "ceil" | "zeros":
            return True
        case "groups":
            return line.whole(word)
        case "pad" if line.option(SAME):
            return SAME
        case "pad":
            return line.wholes(word, (1, 2, 4), "1, 1x0 or 0x0x1x1")
        case _:
            return line.wholes(word, PAIR, "2 or 2x1")


def _batchnorm(line: Statement, shape: Shape) -> Layer:
    return BatchNorm(**_epsilon(line))


def _epsilon(line: Statement) -> dict[str, float]:
    return {"epsilon": line.value("epsilon")} if line.option("epsilon") else {}


def _groupnorm(line: Statement, shape: Shape) -> Layer:
    return GroupNorm(line.whole("groupnorm's number of groups"), **_epsilon(line))


def _instancenorm(line: Statement, shape: Shape) -> Layer:
    return GroupNorm(shape[0], **_epsilon(line))


def _layernorm(line: Statement, shape: Shape) -> Layer:
    return LayerNorm(**_epsilon(line))


def _placenorm(line: Statement, shape: Shape) -> Layer:
    return PlaceNorm(**_epsilon(line))


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


def _go_back(line: Statement, shape: Shape) -> Layer:
    _second_words(line, "go back")
    return GoBack(line.whole("go back's number of layers"))


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
            line.fail(EXPECTED.format(phrase=phrase))


LAYERS: dict[str, Callable[[Statement, Shape], Layer]] = {
    "dense": _dense,
    "conv": _conv,
    "depthwise": _depthwise,
    "maxpool": _pool("max"),
    "avgpool": _pool("avg"),
    "batchnorm": _batchnorm,
    "groupnorm": _groupnorm,
    "instancenorm": _instancenorm,
    "layernorm": _layernorm,
    "placenorm": _placenorm,
    "dropout": _dropout,
    "flatten": lambda line, shape: Flatten(),
    "add": _residual,
    "concat": _concat,
    "go": _go_back,
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
            return f"conv {channels} {spell(kernel)}{_moves(layer)}{_bias_words(layer.bias)}"
        case Pool(kind, size):
            return f"{kind}pool {short(size) if size else 'all'}{_moves(layer)}"
        case BatchNorm() | SampleNorm():
            return _norm_words(layer)
        case Dropout(rate, channels):
            return f"dropout {digits(rate)}{' channels' if channels else ''}"
        case Flatten():
            return "flatten"
        case Residual() | Concat() | GoBack():
            return _back_words(layer)
        case Activation(kind, slope):
            leaning = kind == "leaky relu" and layer != Activation(kind)
            return f"{kind} {digits(slope)}" if leaning else kind
        case _:
            raise AssertionError(f"{layer} has no words in the text form")


def _moves(layer: Conv | Pool) -> str:
    """What a window is told besides its size, as far as it isn't usual."""
    said = []
    usual = (1, 1) if isinstance(layer, Conv) else None  # a pool moves on by its size
    if layer.stride and layer.stride != usual:
        said.append(f"stride {short(layer.stride)}")
    if layer.pad != NOWHERE:
        said.append(f"pad {pad_words(layer.pad)}")
    if layer.dilation != (1, 1):
        said.append(f"dilation {short(layer.dilation)}")
    if isinstance(layer, Conv):
        said += [f"groups {layer.groups}"] if layer.groups > 1 else []
    else:
        said += ["ceil"] * layer.ceil + ["zeros"] * layer.zeros
    return "".join(f" {words}" for words in said)


def _norm_words(layer: BatchNorm | SampleNorm) -> str:
    words = "batchnorm" if isinstance(layer, BatchNorm) else layer.word
    if isinstance(layer, GroupNorm):
        words += f" {layer.groups}"
    usual = layer.epsilon == BatchNorm().epsilon
    return words + ("" if usual else f" epsilon {digits(layer.epsilon)}")


def _back_words(layer: Residual | Concat | GoBack) -> str:
    if not isinstance(layer, Concat):
        return f"{'add' if isinstance(layer, Residual) else 'go'} back {layer.back}"
    first, *others = layer.back
    said = layer.back if first or 0 in others else others
    return f"concat back {' '.join(map(str, said))}"


def _bias_words(bias: Bias) -> str:
    return "" if bias is Bias.EACH else f" {bias}"
