"""Writes the .keras file of a trained network: its layers as JSON, its weights as HDF5, zipped."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook import __version__
from gradbook.archives import FIRST_DAY
from gradbook.errors import TargetError
from gradbook.formats.keras.sequences import Inner, KerasWords, words_over_steps
from gradbook.formats.keras.words import ACTIVATIONS, OPERATIONS, OPERATIONS_MODULE, OPERATORS, SAYS
from gradbook.graph.node import Array, Node
from gradbook.graph.tensors import divisors
from gradbook.graph.window import SAME, Both, Shape, Sides, Window, same_pad
from gradbook.layers.activations import Activation, PRelu, Quantize
from gradbook.layers.norms import (
    RUNNING_SHARE,
    BatchNorm,
    LayerNorm,
    PlaceNorm,
    RmsNorm,
    SampleNorm,
)
from gradbook.layers.pools import Pool
from gradbook.layers.sums import Conv, Dense, TransposedConv, Upsample
from gradbook.layers.wiring import Concat, Dropout, Flatten, Product, Residual
from gradbook.net.trained import (
    BothClasses,
    ByFeature,
    ByStep,
    ScaleShift,
    Shares,
    TrainedLayer,
    TrainedNet,
    with_answers,
    with_input_scaling,
)

NO_SUCH_SPREAD = (
    "{name} can't be written for Keras, whose transposed convolutions have no groups, nor steps "
    "and dilation together: use another layer or another format"
)


@dataclass(frozen=True, eq=False)
class KerasLayer:
    """One layer: its class, its settings, what it reads, the shape that it makes, its weights."""

    kind: str
    name: str
    settings: dict[str, Any]
    reads: tuple[KerasLayer, ...]
    shape: Shape  # channels last, without the images
    weights: tuple[NDArray[np.float32], ...] = ()
    called: int = 0  # how often the same layer was called before
    inner: Mapping[str, tuple[NDArray[np.float32], ...]] = field(default_factory=dict)
    calls: Mapping[str, Any] = field(default_factory=dict)  # what else it is called with


def _narrow(weights: Sequence[Array]) -> tuple[NDArray[np.float32], ...]:
    return tuple(np.ascontiguousarray(array, np.float32) for array in weights)


@dataclass
class KerasLayerList:
    """Layers so far; the first is the input."""

    made: list[KerasLayer] = field(default_factory=list)

    def add(
        self,
        kind: str,
        name: str,
        settings: dict[str, Any],
        reads: Sequence[KerasLayer],
        shape: Shape,
        weights: Sequence[Array] = (),
        inner: Inner | None = None,
        calls: Mapping[str, Any] | None = None,
    ) -> KerasLayer:
        called = sum(layer.name == name for layer in self.made)
        inside = {place: _narrow(own) for place, own in (inner or {}).items()}
        made = KerasLayer(kind, name, settings, tuple(reads), shape, _narrow(weights), called)
        self.made.append(replace(made, inner=inside, calls=calls or {}))
        return self.made[-1]

    def framed(self, name: str, x: KerasLayer, sides: Sides, value: float = 0.0) -> KerasLayer:
        """With so much around it of one value."""
        if not any(sides):
            return x
        top, left, below, right = sides
        rows, columns, channels = x.shape
        wider = (rows + top + below, columns + left + right, channels)
        even = top == left == below == right
        told = {"padding": top if even else [[top, below], [left, right]]}
        framed = self.add("ZeroPadding2D", f"{name}_pad", told, [x], wider)
        if not value:
            return framed
        frame = np.full((*wider[:2], 1), value)
        frame[top : top + rows, left : left + columns] = 0
        settings = {"scale": 1.0, "offset": frame.tolist()}
        return self.add("Rescaling", f"{name}_frame", settings, [framed], wider)

    def stepped(self, name: str, x: KerasLayer, stride: Both, shape: Shape) -> KerasLayer:
        """Only the places of such steps."""
        steps = {"pool_size": [1, 1], "strides": list(stride), "padding": "valid"}
        return self.add("MaxPooling2D", name, steps, [x], shape)


def channels_last(shape: Shape) -> Shape:
    return (*shape[1:], shape[0]) if len(shape) == 3 else shape


# Pools as Keras says them: by its own, or by other layers where those have no such window.

LOWEST = -1e30  # beside which nothing is larger in the padding of a maxpool


def write_pool(row: KerasLayerList, own: TrainedLayer, pool: Pool, x: KerasLayer) -> KerasLayer:
    """What a pool makes of a value."""
    word, shape = {"max": "Max", "avg": "Average"}[pool.kind], channels_last(own.makes)
    if pool.size is None:
        return row.add(f"Global{word}Pooling2D", own.name, {"keepdims": True}, [x], shape)
    window = pool.window(own.given)
    if window.dilation == (1, 1) and _is_same(pool, window, own.given):
        return row.add(f"{word}Pooling2D", own.name, _settings(window, "same"), [x], shape)
    if pool.kind == "avg":
        return _averaged(row, own, pool, row.framed(own.name, x, window.pad))
    x = row.framed(own.name, x, window.pad, 0.0 if _is_positive(x) else LOWEST)
    if window.dilation == (1, 1):
        return row.add("MaxPooling2D", own.name, _settings(window), [x], shape)
    return _largest_with_gaps(row, own, window, x)


def _settings(window: Window, padding: str = "valid") -> dict[str, Any]:
    return {
        "pool_size": list(window.size),
        "strides": list(window.stride),
        "padding": padding,
    }


def _averaged(row: KerasLayerList, own: TrainedLayer, pool: Pool, x: KerasLayer) -> KerasLayer:
    """Of zeros too, then scaled up where some of them don't count."""
    window, shape = pool.window(own.given), channels_last(own.makes)
    if window.dilation != (1, 1):
        return _averaged_with_gaps(row, own, pool, x)
    scale = _scale(window, own, pool)
    if scale is None:
        return row.add("AveragePooling2D", own.name, _settings(window), [x], shape)
    mean = row.add("AveragePooling2D", f"{own.name}_of_all", _settings(window), [x], shape)
    return _rescaled(row, own.name, mean, scale)


def _averaged_with_gaps(
    row: KerasLayerList, own: TrainedLayer, pool: Pool, x: KerasLayer
) -> KerasLayer:
    """By weights that are all the same and that no training changes, at every place; of these
    places then only those that are asked for."""
    window, channels = pool.window(own.given), own.given[0]
    every = replace(window, stride=(1, 1))
    scale, stepping = _scale(every, own, pool), window.stride != (1, 1)
    settings = {
        "kernel_size": list(window.size),
        "strides": [1, 1],
        "padding": "valid",
        "dilation_rate": list(window.dilation),
        "depth_multiplier": 1,
        "use_bias": False,
        "trainable": False,
    }
    words = [
        f"{own.name}_of_all" if scale is not None or stepping else own.name,
        f"{own.name}_every" if stepping else own.name,
    ]
    shape = (*every.places(own.given[1:]), channels)
    shares = np.full((*window.size, channels, 1), 1 / window.area)
    made = row.add("DepthwiseConv2D", words[0], settings, [x], shape, [shares])
    if scale is not None:
        made = _rescaled(row, words[1], made, scale)
    return (
        row.stepped(own.name, made, window.stride, channels_last(own.makes)) if stepping else made
    )


def _scale(window: Window, own: TrainedLayer, pool: Pool) -> Array | None:
    """How many values a window has for each that counts, if it is ever more than one."""
    counts = divisors(window, own.given[1:], pool.counted_padding(own.given))
    return None if (counts == window.area).all() else window.area / np.maximum(counts, 1)


def _rescaled(row: KerasLayerList, name: str, x: KerasLayer, scale: Array) -> KerasLayer:
    told = {"scale": scale[..., None].tolist(), "offset": 0.0}
    return row.add("Rescaling", name, told, [x], x.shape)


def _largest_with_gaps(
    row: KerasLayerList, own: TrainedLayer, window: Window, x: KerasLayer
) -> KerasLayer:
    """Of x and x moved: by rows first, then by columns; and of these places those asked for."""
    stepping = window.stride != (1, 1)
    axes = [axis for axis in (0, 1) if window.size[axis] > 1]
    for axis in axes:
        last = axis == axes[-1] and not stepping
        name = own.name if last else f"{own.name}_{('rows', 'columns')[axis]}"
        x = _largest_along(row, name, window, axis, x)
    if stepping:
        x = row.stepped(own.name, x, window.stride, channels_last(own.makes))
    return x


def _largest_along(
    row: KerasLayerList, name: str, window: Window, axis: int, x: KerasLayer
) -> KerasLayer:
    count, gap = window.size[axis], window.dilation[axis]
    shape = tuple(n - (axis == k) * (count - 1) * gap for k, n in enumerate(x.shape))
    moved = []
    for number in range(count):
        cut = [[0, 0], [0, 0]]
        cut[axis] = [number * gap, (count - 1 - number) * gap]
        word = f"{name}_{number + 1}"
        moved.append(row.add("Cropping2D", word, {"cropping": cut}, [x], shape))
    return row.add("Maximum", name, {}, moved, shape)


def _is_same(pool: Pool, window: Window, given: Shape) -> bool:
    """Whether its padding is what Keras's 'same' is: none of it counts there. Where it is uneven,
    means by PyTorch below Keras count the edge again."""
    same = same_pad(window.size, window.stride, window.dilation, given[1:])
    if pool.kind == "avg" and same[:2] != same[2:]:
        return False
    return any(same) and window.pad == same and not pool.zeros


def _is_positive(x: KerasLayer) -> bool:
    return x.settings.get("activation") in ("relu", "sigmoid", "softplus", "softmax")


# The layers of a Keras model, each with its settings and its weights, channels last.


@dataclass
class KerasLayers:
    """The layers as they are made, in order; `begins` with the shape of what comes in."""

    trained: TrainedNet
    picture: Shape | None = None  # of what comes in, where it isn't what the network takes
    row: KerasLayerList = field(default_factory=KerasLayerList)

    def write(self) -> None:
        values = [self._input()]
        for place, own in enumerate(self.trained.layers):
            values.append(self._layer(place, own, [values[k] for k in own.reads]))

    def _input(self) -> KerasLayer:
        shape = channels_last(self.picture or self.trained.input)
        first = self.row.add("InputLayer", "input", {}, (), shape)
        if not self.picture or len(self.trained.input) == 3:
            return first
        flat = self._flat("input", first, self.picture)
        if len(shape := self.trained.input) == 1:
            return flat
        return self.row.add("Reshape", "input_steps", {"target_shape": list(shape)}, [flat], shape)

    # Layer by layer.

    def _layer(self, place: int, own: TrainedLayer, given: Sequence[KerasLayer]) -> KerasLayer:
        """What it makes of the values it reads: sequences stay steps x features where that fits."""
        if isinstance(own.layer, ByFeature):
            return given[0]
        if isinstance(own.layer, ByStep):
            return self._in_steps(own.name, given[0])
        if words := words_over_steps(own):
            return self._over_steps(own, words, given[0])
        if len(own.given) == 3 and not (_fits_steps(own) and all(map(_is_in_steps, given))):
            given = [self._in_row(own.name, x) for x in given]
        return self._as_layer(place, own, given)

    def _as_layer(self, place: int, own: TrainedLayer, given: Sequence[KerasLayer]) -> KerasLayer:
        x, shape = given[0], _shape_beside(own, given[0])
        match own.layer:
            case Dense(width):
                settings = {"units": width, "use_bias": "bias" in own.tensors}
                weights = self._dense(place)
                return self.row.add("Dense", _layer_name(own), settings, given, shape, weights)
            case Conv() | Pool() | TransposedConv() | Upsample():
                return self._windowed(own, x, shape)
            case BatchNorm(epsilon):
                known = {"axis": -1, "epsilon": epsilon, "momentum": 1 - RUNNING_SHARE}
                weights = [own.tensors[name] for name in ("scale", "shift", "mean", "variance")]
                return self.row.add("BatchNormalization", own.name, known, given, shape, weights)
            case SampleNorm() | RmsNorm():
                return self._samplenorm(own, own.layer, x)
            case Activation():
                return self._activation(own, own.layer, x)
            case PRelu(shared):
                return self._prelu(own, shared, x)
            case Quantize():
                return self._quantize(own, own.layer, x)
            case _:
                return self._without_weights(place, own, given)

    def _windowed(self, own: TrainedLayer, x: KerasLayer, shape: Shape) -> KerasLayer:
        match own.layer:
            case Conv() as conv:
                return self._conv(own, conv, x)
            case TransposedConv() as conv:
                return self._spread(own, conv, x)
            case Pool() as pool:
                return write_pool(self.row, own, pool, x)
            case Upsample(size):
                told = {"size": list(size), "interpolation": "nearest"}
                return self.row.add("UpSampling2D", own.name, told, [x], shape)
        raise AssertionError(own.name)

    def _over_steps(self, own: TrainedLayer, words: KerasWords, x: KerasLayer) -> KerasLayer:
        x = self._in_steps(own.name, x)
        shape = own.makes[::-2] if len(own.makes) == 3 else own.makes
        reads = [x, x] if words.calls is not None else [x]
        return self.row.add(
            words.kind,
            _layer_name(own),
            dict(words.settings),
            reads,
            shape,
            words.weights,
            words.inner,
            words.calls,
        )

    def _in_steps(self, name: str, x: KerasLayer) -> KerasLayer:
        if _is_in_steps(x):
            return x
        shape = x.shape[1:]
        return self.row.add("Reshape", f"{name}_steps", {"target_shape": list(shape)}, [x], shape)

    def _in_row(self, name: str, x: KerasLayer) -> KerasLayer:
        """With the steps as the one row of an image."""
        if not _is_in_steps(x):
            return x
        shape = (1, *x.shape)
        name = f"{name}_row{sum(layer.name.startswith(f'{name}_row') for layer in self.row.made)}"
        return self.row.add("Reshape", name, {"target_shape": list(shape)}, [x], shape)

    def _without_weights(
        self, place: int, own: TrainedLayer, given: Sequence[KerasLayer]
    ) -> KerasLayer:
        x, shape = given[0], _shape_beside(own, given[0])
        match own.layer:
            case Dropout(rate, channels):
                word = "SpatialDropout2D" if channels and len(own.given) == 3 else "Dropout"
                return self.row.add(word, own.name, {"rate": rate}, given, shape)
            case Flatten():
                if place in self._turned:
                    return self.row.add("Flatten", own.name, {}, given, shape)
                return self._flat(own.name, x, own.given)
            case Residual():
                return self.row.add("Add", own.name, {}, given, shape)
            case Product():
                factors = [self._for_all(own, value) for value in given]
                shape = channels_last(own.makes)
                return self.row.add("Multiply", own.name, {}, factors, shape)
            case Concat():
                return self.row.add("Concatenate", own.name, {"axis": -1}, given, shape)
            case _:
                return self._ending(own, x)

    def _conv(self, own: TrainedLayer, conv: Conv, x: KerasLayer) -> KerasLayer:
        window = conv.window(own.given)
        apart = _steps_apart(own, conv, window)
        words = "same" if conv.pad == SAME and not apart else "valid"
        if words == "valid":
            x = self.row.framed(own.name, x, window.pad)
        settings: dict[str, Any] = {
            "kernel_size": list(conv.kernel),
            "strides": [1, 1] if apart else list(window.stride),
            "padding": words,
            "use_bias": "bias" in own.tensors,
        }
        if window.dilation != (1, 1):
            settings["dilation_rate"] = list(window.dilation)
        weight = own.tensors["weight"]
        if conv.groups == own.given[0]:  # one window for each channel, or several
            kind, settings["depth_multiplier"] = "DepthwiseConv2D", conv.channels // conv.groups
            kernel = weight.reshape(conv.groups, -1, *conv.kernel).transpose(2, 3, 0, 1)
        else:
            kind, settings["filters"], settings["groups"] = "Conv2D", conv.channels, conv.groups
            kernel = weight.transpose(2, 3, 1, 0)
        weights = [kernel, *([own.tensors["bias"]] if "bias" in own.tensors else [])]
        shape = channels_last(own.makes)
        if not apart:
            return self.row.add(kind, _layer_name(own), settings, [x], shape, weights)
        every = (*replace(window, stride=(1, 1)).places(own.given[1:]), conv.channels)
        made = self.row.add(kind, f"{_layer_name(own)}_every", settings, [x], every, weights)
        return self.row.stepped(own.name, made, window.stride, shape)

    def _spread(self, own: TrainedLayer, layer: TransposedConv, x: KerasLayer) -> KerasLayer:
        """A transposed convolution, and what is left of it; Keras makes as many places as steps."""
        window, (rows, columns) = layer.spreads(own.given), own.given[1:]
        if layer.groups > 1 or (window.stride != (1, 1) and window.dilation != (1, 1)):
            raise TargetError(NO_SUCH_SPREAD.format(name=own.name))
        settings: dict[str, Any] = {
            "filters": layer.channels,
            "kernel_size": list(layer.kernel),
            "strides": list(window.stride),
            "padding": "same" if layer.pad == SAME else "valid",
            "use_bias": "bias" in own.tensors,
        }
        if window.dilation != (1, 1):
            settings["dilation_rate"] = list(window.dilation)
        weights = [own.tensors["weight"].transpose(2, 3, 1, 0)]
        weights += [own.tensors["bias"]] if "bias" in own.tensors else []
        whole = [
            count * step + max(span - step, 0)
            for count, step, span in zip((rows, columns), window.stride, window.span, strict=True)
        ]
        shape, name = channels_last(own.makes), _layer_name(own)
        if layer.pad == SAME or tuple(whole) == own.makes[1:]:
            return self.row.add("Conv2DTranspose", name, settings, [x], shape, weights)
        every = (*whole, layer.channels)
        made = self.row.add("Conv2DTranspose", f"{name}_every", settings, [x], every, weights)
        top, left, *_ = window.pad
        below, right = whole[0] - top - own.makes[1], whole[1] - left - own.makes[2]
        cut = {"cropping": [[top, below], [left, right]]}
        return self.row.add("Cropping2D", own.name, cut, [made], shape)

    def _for_all(self, own: TrainedLayer, x: KerasLayer) -> KerasLayer:
        """What is multiplied: a value of each channel as a map of a single place."""
        if len(x.shape) < len(own.makes) and not _is_in_steps(x):
            shape = (*(1,) * (len(own.makes) - 1), *x.shape)
            told = {"target_shape": list(shape)}
            return self.row.add("Reshape", f"{own.name}_gate", told, [x], shape)
        return self._in_row(own.name, x)

    def _samplenorm(
        self, own: TrainedLayer, layer: SampleNorm | RmsNorm, x: KerasLayer
    ) -> KerasLayer:
        known: dict[str, Any] = {"axis": -1, "epsilon": layer.epsilon}
        if isinstance(layer, RmsNorm):
            weights = [own.tensors.get("scale", np.ones(own.given[0]))]
            return self.row.add("RMSNormalization", _layer_name(own), known, [x], x.shape, weights)
        weights = [own.tensors["scale"], own.tensors["shift"]]
        if not isinstance(layer, LayerNorm | PlaceNorm):
            known["groups"] = layer.channel_groups(own.given)
            if not known["groups"]:
                raise TargetError(
                    f"{own.name} can't be written as a Keras layer: use another layer"
                )
            word, name = "GroupNormalization", _layer_name(own)
            return self.row.add(word, name, known, [x], x.shape, weights)
        if isinstance(layer, LayerNorm) and len(own.given) == 3:
            known["axis"] = [1, 2, 3]
            weights = [array.reshape(own.given).transpose(1, 2, 0) for array in weights]
        elif len(own.given) == 2:
            known["axis"], weights = [1, 2], [array.reshape(own.given) for array in weights]
        return self.row.add("LayerNormalization", _layer_name(own), known, [x], x.shape, weights)

    def _activation(self, own: TrainedLayer, layer: Activation, x: KerasLayer) -> KerasLayer:
        if layer.kind == "leaky relu":
            told = {"negative_slope": layer.slope}
            return self.row.add("LeakyReLU", own.name, told, [x], x.shape)
        if layer.kind in ACTIVATIONS:
            return self._activated(own.name, ACTIVATIONS[layer.kind][0], x)
        nodes = SAYS.steps(layer, own.name)
        known = {nodes[0]: x}
        for number, node in enumerate(nodes[1:], 1):
            if not node.is_constant():
                name = own.name if node is nodes[-1] else f"{own.name}_{node.op.name}_{number}"
                known[node] = self._operation(layer, name, node, known)
        return known[nodes[-1]]

    def _prelu(self, own: TrainedLayer, shared: bool, x: KerasLayer) -> KerasLayer:
        """With the slopes that several places share said by the axes along which they do."""
        axes = list(range(1, len(x.shape) + shared))
        alone = (1,) * (len(x.shape) - 1)
        slopes = own.tensors["slope"].reshape(*alone, -1)
        known = {"shared_axes": axes} if axes else {}
        return self.row.add("PReLU", _layer_name(own), known, [x], x.shape, [slopes])

    def _quantize(self, own: TrainedLayer, layer: Quantize, x: KerasLayer) -> KerasLayer:
        """In layers that Keras has, counted from the lowest of the whole numbers."""
        lowest, highest = layer.levels
        step = layer.with_numbers(own.tensors).level_step
        told: list[tuple[str, str, dict[str, Any]]] = [
            ("Rescaling", "_ratio", {"scale": 1 / (step or 1), "offset": float(-lowest)}),
            ("ReLU", "_inside", {"max_value": float(highest - lowest)}),
            ("Rescaling", "_above", {"scale": 1.0, "offset": 0.5}),
            (OPERATIONS["floor"], "_whole", {}),
            ("Rescaling", "", {"scale": step, "offset": step * lowest}),
        ]
        for kind, ending, settings in told:
            x = self.row.add(kind, f"{own.name}{ending}", settings, [x], x.shape)
        return x

    def _activated(self, name: str, word: str, x: KerasLayer) -> KerasLayer:
        return self.row.add("Activation", name, {"activation": word}, [x], x.shape)

    def _operation(
        self, layer: Activation, name: str, node: Node, known: Mapping[Node, KerasLayer]
    ) -> KerasLayer:
        """One of our ops on each value: on one and a number, it is scaled and shifted."""
        reads = [known[one] for one in node.inputs if one in known]
        if len(reads) == 2 and node.op.name != "divide":
            return self.row.add(OPERATORS[node.op.name], name, {}, reads, reads[0].shape)
        match node.op.name, [one.number if one.is_constant() else None for one in node.inputs]:
            case "add", [None, float(number)] | [float(number), None]:
                told = {"scale": 1.0, "offset": number}
            case "multiply", [None, float(number)] | [float(number), None]:
                told = {"scale": number, "offset": 0.0}
            case "divide", [None, float(number)]:
                told = {"scale": 1 / number, "offset": 0.0}
            case "subtract", [None, float(number)]:
                told = {"scale": 1.0, "offset": -number}
            case "subtract", [float(number), None]:
                told = {"scale": -1.0, "offset": number}
            case "negate", [None]:
                told = {"scale": -1.0, "offset": 0.0}
            case op, [None] if op in OPERATIONS:
                return self.row.add(OPERATIONS[op], name, {}, reads, reads[0].shape)
            case op, [None]:
                return self._activated(name, OPERATORS[op], reads[0])
            case op, _:
                raise TargetError(
                    f"{name}: {layer.kind} can't be written for Keras, because it needs {op} of "
                    "two values: use another activation or another format"
                )
        return self.row.add("Rescaling", name, told, reads, reads[0].shape)

    def _ending(self, own: TrainedLayer, x: KerasLayer) -> KerasLayer:
        match own.layer:
            case ScaleShift():
                scale, shift = own.tensors["scale"], own.tensors["shift"]
                if len(own.given) == 2 and scale.ndim == 1:  # of each step
                    scale, shift = scale[:, None], shift[:, None]
                settings = {"scale": _short(scale), "offset": _short(shift)}
                return self.row.add("Rescaling", own.name, settings, [x], x.shape)
            case BothClasses():
                turned = {"scale": -1.0, "offset": 1.0}
                other = self.row.add("Rescaling", f"{own.name}_other", turned, [x], x.shape)
                return self.row.add("Concatenate", own.name, {"axis": -1}, [other, x], own.makes)
            case Shares():
                raise TargetError(
                    "Keras has no layer that scales several sigmoids to a sum of 1: leave out "
                    "--with-preparation"
                )
            case _:
                raise TargetError(
                    f"{own.name}: gradbook can't write {own.layer.word} for Keras: use another "
                    "layer or another format"
                )

    # From channels first to channels last.

    @cached_property
    def _turned(self) -> dict[int, int]:
        """Each flatten whose values only a dense layer reads, and that dense layer, whose weights
        are put in the order that Keras flattens in. Others' values are turned before."""
        found = {}
        for place, own in enumerate(self.trained.layers):
            if isinstance(own.layer, Dense) and not self.trained.is_shared(own):
                source = self._flattened(own.reads[0])
                if source is not None:
                    found[source] = place
        return found

    def _flattened(self, value: int) -> int | None:
        """The flatten that a value comes from, if on the way each place is by itself."""
        while value and len(self.trained.readers(value)) == 1:
            own = self.trained.layers[value - 1]
            match own.layer:
                case Flatten():
                    return value - 1 if len(own.given) == 3 else None
                case Dropout():
                    (value,) = own.reads
                case Activation() as activation if not activation.is_softmax:
                    (value,) = own.reads
                case _:
                    return None
        return None

    def _dense(self, place: int) -> list[Array]:
        """The weights, for inputs in the order that they come in."""
        own = self.trained.layers[place]
        weight = own.tensors["weight"]
        for flatten, dense in self._turned.items():
            if dense == place:
                channels, rows, columns = self.trained.layers[flatten].given
                blocks = weight.reshape(-1, channels, rows, columns)
                weight = blocks.transpose(0, 2, 3, 1).reshape(weight.shape)
        return [weight.T, *([own.tensors["bias"]] if "bias" in own.tensors else [])]

    def _flat(self, name: str, x: KerasLayer, given: Shape) -> KerasLayer:
        """Values in one line, channel by channel."""
        if len(given) == 3 and given[0] > 1 and prod(given[1:]) > 1:
            x = self.row.add("Permute", f"{name}_turned", {"dims": [3, 1, 2]}, [x], given)
        return self.row.add("Flatten", f"{name}_flat", {}, [x], (prod(given),))


def _is_in_steps(x: KerasLayer) -> bool:
    return len(x.shape) == 2


def _fits_steps(own: TrainedLayer) -> bool:
    """Whether Keras says it in the same words of steps x features."""
    match own.layer:
        case Dropout(channels=channels):
            return not channels
        case Activation() | BatchNorm() | PlaceNorm() | RmsNorm() | Residual() | Concat():
            return True
    return False


def _shape_beside(own: TrainedLayer, x: KerasLayer) -> Shape:
    """The shape that it makes, laid out as what it reads."""
    if len(own.makes) == 3 and _is_in_steps(x):
        return own.makes[::-2]
    return channels_last(own.makes)


def _layer_name(own: TrainedLayer) -> str:
    """Of a layer that is called again with the same weights the name that it had."""
    return own.name if own.layer.ties else own.again or own.name


def _short(numbers: Array) -> Any:
    """One number where all are the same."""
    first = numbers.flat[0]
    return float(first) if (numbers == first).all() else numbers.tolist()


def _steps_apart(own: TrainedLayer, conv: Conv, window: Window) -> bool:
    """Whether Keras takes such steps only after a convolution of every place."""
    beside_gaps = window.stride != (1, 1) and window.dilation != (1, 1)
    by_channel = conv.groups == own.given[0] and window.stride[0] != window.stride[1]
    return beside_gaps or by_channel


# Writes the .keras file of a trained network: its layers as JSON, its weights as HDF5, zipped.

KERAS_VERSION = "3.6.0"  # the first that reads one input as one; later ones do too


def keras_bytes(trained: TrainedNet, with_preparation: bool = False) -> bytes:
    """The content of a .keras file.

    Without preparation it takes what the network takes, channels last, and says what the network
    says; with it, it takes the bytes of images (or a table's numbers) and says probabilities (or
    the number that is predicted).
    """
    picture, notes = None, trained.notes(with_preparation)
    if with_preparation:
        picture = trained.picture
        trained = with_answers(with_input_scaling(trained, fills_in=False))
    content = KerasLayers(trained, picture)
    content.write()
    ours = {"gradbook": __version__, "gradbook_notes": notes}
    members: dict[str, bytes | str] = {
        "metadata.json": json.dumps({"keras_version": KERAS_VERSION, **ours}),
        "config.json": json.dumps(_config(trained, content.row.made)),
        "model.weights.h5": _weights(content.row.made),
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, member in members.items():
            archive.writestr(zipfile.ZipInfo(name, FIRST_DAY), member)
    return file.getvalue()


# The layers.


def _config(trained: TrainedNet, layers: list[KerasLayer]) -> dict[str, Any]:
    settings = {
        "name": re.sub(r"\W+", "_", trained.net.name) or "network",
        "trainable": True,
        "layers": [_layer(layer, layers) for layer in layers if not layer.called],
        "input_layers": [layers[0].name, 0, 0],
        "output_layers": [layers[-1].name, layers[-1].called, 0],
    }
    return {
        "module": "keras.src.models.functional",  # as every Keras 3 writes it
        "class_name": "Functional",
        "config": settings,
        "registered_name": "Functional",
    }


def _layer(layer: KerasLayer, layers: list[KerasLayer]) -> dict[str, Any]:
    calls = [one for one in layers if one.name == layer.name and one.reads]
    settings = {"name": layer.name, "dtype": "float32", **layer.settings}
    if layer.kind == "InputLayer":
        settings["batch_shape"] = [None, *layer.shape]
    operation = layer.kind in OPERATIONS.values()
    return {
        "module": OPERATIONS_MODULE if operation else "keras.layers",
        "class_name": layer.kind,
        "config": {"name": layer.name} if operation else settings,
        "registered_name": layer.kind if operation else None,
        "name": layer.name,
        "inbound_nodes": [_call(one) for one in calls],
    }


def _call(layer: KerasLayer) -> dict[str, Any]:
    tensors = [_tensor(source) for source in layer.reads]
    merged = len(tensors) > 1 and layer.kind != "MultiHeadAttention"
    return {"args": [tensors] if merged else tensors, "kwargs": dict(layer.calls)}


def _tensor(source: KerasLayer) -> dict[str, Any]:
    return {
        "class_name": "__keras_tensor__",
        "config": {
            "shape": [None, *source.shape],
            "dtype": "float32",
            "keras_history": [source.name, source.called, 0],
        },
    }


# The weights.


def _weights(layers: list[KerasLayer]) -> bytes:
    """By the layer's kind and its number among those of that kind: layers/conv2d_1/vars/0."""
    try:
        import h5py
    except ImportError as error:
        raise TargetError(
            "writing a .keras file needs the package h5py, which isn't installed: "
            "pip install 'gradbook[keras]'"
        ) from error
    content = io.BytesIO()
    seen: dict[str, int] = {}
    with h5py.File(content, "w") as file:
        for layer in (one for one in layers if not one.called):
            word = snake_case(layer.kind)
            seen[word] = seen.get(word, -1) + 1
            place = f"layers/{word}_{seen[word]}" if seen[word] else f"layers/{word}"
            group = file.create_group(f"{place}/vars")
            group.attrs["name"] = layer.name
            for number, array in enumerate(layer.weights):
                group.create_dataset(str(number), data=array)
            for inside, weights in layer.inner.items():
                inner = file.create_group(f"{place}/{inside}/vars")
                for number, array in enumerate(weights):
                    inner.create_dataset(str(number), data=array)
    return content.getvalue()


def snake_case(word: str) -> str:
    """Keras's own way from a class to a place: Conv2D → conv2d, BatchNormalization → …"""
    name = re.sub(r"\W+", "", word)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
