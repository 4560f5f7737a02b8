"""The layers of a Keras model, each with its settings and its weights, channels last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any

from gradbook.errors import TargetError
from gradbook.graph.node import Array
from gradbook.graph.ops import GELU_CUBE, GELU_SCALE
from gradbook.graph.window import SAME, Shape, Window
from gradbook.net.layer_ops import RUNNING_SHARE
from gradbook.net.layers import Activation, BatchNorm, Conv, Dense, Dropout, Flatten, Pool
from gradbook.net.norms import GroupNorm, LayerNorm, SampleNorm
from gradbook.net.trained import BothClasses, ScaleShift, TrainedLayer, TrainedNet
from gradbook.net.wiring import Concat, Residual
from gradbook.targets.keras.pools import pooled
from gradbook.targets.keras.row import KerasLayer, KerasRow, channels_last

ACTIVATIONS = {
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "relu": "relu",
    "softplus": "softplus",
    "relu6": "relu6",
    "elu": "elu",
    "exact gelu": "gelu",
    "silu": "silu",
    "hard swish": "hard_silu",
    "identity": "linear",
    "softmax": "softmax",
    "log softmax": "log_softmax",
}


@dataclass
class KerasLayers:
    """The layers as they are made, in order; `begins` with the shape of what comes in."""

    trained: TrainedNet
    picture: Shape | None = None  # of what comes in, where it isn't what the network takes
    row: KerasRow = field(default_factory=KerasRow)

    def write(self) -> None:
        values = [self._input()]
        for place, own in enumerate(self.trained.layers):
            values.append(self._layer(place, own, [values[k] for k in own.reads]))

    def _input(self) -> KerasLayer:
        shape = channels_last(self.picture or self.trained.input)
        first = self.row.add("InputLayer", "input", {}, (), shape)
        if not self.picture or len(self.trained.input) == 3:
            return first
        return self._flat("input", first, self.picture)

    # Layer by layer.

    def _layer(self, place: int, own: TrainedLayer, given: Sequence[KerasLayer]) -> KerasLayer:
        """What it makes of the values it reads."""
        x, shape = given[0], channels_last(own.makes)
        match own.layer:
            case Dense(width):
                settings = {"units": width, "use_bias": "bias" in own.tensors}
                weights = self._dense(place)
                return self.row.add("Dense", _layer_name(own), settings, given, shape, weights)
            case Conv():
                return self._conv(own, own.layer, x)
            case Pool():
                return pooled(self.row, own, own.layer, x)
            case BatchNorm(epsilon):
                known = {"axis": -1, "epsilon": epsilon, "momentum": 1 - RUNNING_SHARE}
                weights = [own.tensors[name] for name in ("scale", "shift", "mean", "variance")]
                return self.row.add("BatchNormalization", own.name, known, given, shape, weights)
            case SampleNorm():
                return self._samplenorm(own, own.layer, x)
            case Activation(kind, slope):
                return self._activation(own, kind, slope, x)
            case _:
                return self._without_weights(place, own, given)

    def _without_weights(
        self, place: int, own: TrainedLayer, given: Sequence[KerasLayer]
    ) -> KerasLayer:
        x, shape = given[0], channels_last(own.makes)
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

    def _samplenorm(self, own: TrainedLayer, layer: SampleNorm, x: KerasLayer) -> KerasLayer:
        known: dict[str, Any] = {"axis": -1, "epsilon": layer.epsilon}
        weights = [own.tensors["scale"], own.tensors["shift"]]
        if isinstance(layer, GroupNorm):
            known["groups"] = layer.groups
            word, name = "GroupNormalization", _layer_name(own)
            return self.row.add(word, name, known, [x], x.shape, weights)
        if isinstance(layer, LayerNorm) and len(own.given) == 3:
            known["axis"] = [1, 2, 3]
            weights = [array.reshape(own.given).transpose(1, 2, 0) for array in weights]
        elif len(own.given) == 2:
            known["axis"], weights = [1, 2], [array.reshape(own.given) for array in weights]
        return self.row.add("LayerNormalization", _layer_name(own), known, [x], x.shape, weights)

    def _activation(self, own: TrainedLayer, kind: str, slope: float, x: KerasLayer) -> KerasLayer:
        if kind == "leaky relu":
            return self.row.add("LeakyReLU", own.name, {"negative_slope": slope}, [x], x.shape)
        if kind == "gelu":
            return self._gelu(own.name, x)
        return self.row.add("Activation", own.name, {"activation": ACTIVATIONS[kind]}, [x], x.shape)

    def _gelu(self, name: str, x: KerasLayer) -> KerasLayer:
        """x·σ(x·2·√(2/π)·(1 + 0.044715·x²)), which is the form with tanh; Keras's own has erf."""

        def step(kind: str, word: str, settings: dict[str, Any], *reads: KerasLayer) -> KerasLayer:
            return self.row.add(kind, f"{name}_{word}", settings, reads, x.shape)

        square = step("Multiply", "square", {}, x, x)
        bent = {"scale": 2 * GELU_SCALE * GELU_CUBE, "offset": 2 * GELU_SCALE}
        inner = step("Multiply", "inner", {}, x, step("Rescaling", "slope", bent, square))
        share = step("Activation", "share", {"activation": "sigmoid"}, inner)
        return self.row.add("Multiply", name, {}, [x, share], x.shape)

    def _ending(self, own: TrainedLayer, x: KerasLayer) -> KerasLayer:
        match own.layer:
            case ScaleShift():
                settings = {
                    "scale": _short(own.tensors["scale"]),
                    "offset": _short(own.tensors["shift"]),
                }
                return self.row.add("Rescaling", own.name, settings, [x], x.shape)
            case BothClasses():
                turned = {"scale": -1.0, "offset": 1.0}
                other = self.row.add("Rescaling", f"{own.name}_other", turned, [x], x.shape)
                return self.row.add("Concatenate", own.name, {"axis": -1}, [other, x], own.makes)
            case _:
                raise TargetError(
                    "Keras has no layer that makes shares of 1 of several sigmoids: leave out "
                    "--with-preparation"
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


def _layer_name(own: TrainedLayer) -> str:
    """Of a layer that is called again with the same weights the name that it had."""
    return own.again or own.name


def _short(numbers: Array) -> float | list[float]:
    """One number where all are the same."""
    return float(numbers[0]) if (numbers == numbers[0]).all() else numbers.tolist()


def _steps_apart(own: TrainedLayer, conv: Conv, window: Window) -> bool:
    """Whether Keras takes such steps only after a convolution of every place."""
    beside_gaps = window.stride != (1, 1) and window.dilation != (1, 1)
    by_channel = conv.groups == own.given[0] and window.stride[0] != window.stride[1]
    return beside_gaps or by_channel
