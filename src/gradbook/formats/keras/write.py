"""Writes a trained network as a Keras model: as Keras layers, else as operations.

Values have their channels last, as in Keras.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from gradbook.errors import TargetError
from gradbook.formats.keras.activation_names import ACTIVATION_KINDS, ACTIVATIONS
from gradbook.formats.keras.graph import KerasGraph, KerasLayer, KerasLink, keras_file, snake_case
from gradbook.formats.keras.op_words import SAYS, KerasOps, stepped
from gradbook.formats.keras.sequences import words_over_steps
from gradbook.formats.layer_ops import ops_of
from gradbook.formats.own_files import noted_network
from gradbook.graph.node import Array
from gradbook.graph.tensors import divisors
from gradbook.graph.window import SAME, Shape, Window, same_pad
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
from gradbook.layers.sequences import Embedding
from gradbook.layers.sums import Conv, Dense, TransposedConv, Upsample
from gradbook.layers.wiring import Concat, Dropout, Flatten, Product, Residual
from gradbook.net.trained import (
    ByFeature,
    ByStep,
    OneHot,
    ScaleShift,
    TrainedLayer,
    TrainedNet,
    with_answers,
    with_input_scaling,
    with_tokens,
)

__all__ = ["keras_bytes", "snake_case"]
NO_SUCH_SPREAD = (
    "{name} can't be written for Keras, whose transposed convolutions have no groups, nor stride "
    "and dilation together: use another layer or another format"
)
LOWEST = -1e30  # lower than any value in the padding of a maxpool


def keras_bytes(trained: TrainedNet, with_preparation: bool = False, noted: bool = True) -> bytes:
    """Return the content of a .keras file.

    Without preparation, its input and output are the network's own, channels last; with it, its
    input is image bytes (or a table's numbers) and its output probabilities (or the predicted
    number). Tokens are always read by their numbers. If `noted`, its metadata contain the network's
    text.
    """
    plain, trained = trained, with_tokens(trained)
    picture, notes = None, trained.notes(with_preparation or bool(trained.tokens))
    notes |= noted_network(plain, with_preparation) if noted else {}
    if with_preparation:
        picture = trained.picture
        trained = with_answers(with_input_scaling(trained, fills_in=False))
    return keras_file(trained.net.name, KerasLayers(trained, picture).write(), notes)


def channels_last(shape: Shape) -> Shape:
    return (*shape[1:], shape[0]) if len(shape) == 3 else shape


class KerasLayers:
    """The layers in order; `picture` is the input's shape if it differs from the network's."""

    def __init__(self, trained: TrainedNet, picture: Shape | None = None) -> None:
        self.input_shape = trained.input
        self.trained = trained if trained.net.laid_out else _as_maps(trained)
        self.picture = picture
        self.row = KerasGraph()

    def write(self) -> list[KerasLayer]:
        values = [self._input()]
        for place, layer in enumerate(self.trained.layers):
            values.append(self._layer(place, layer, [values[k] for k in layer.reads]))
        return self.row.layers

    def _input(self) -> KerasLayer:
        shape, is_sequence = self.input_shape, self.trained.net.laid_out
        settings = {"dtype": "int32"} if self.trained.tokens else {}
        stored = channels_last(self.picture or shape)
        first = self.row.add("InputLayer", "input", settings, (), stored)
        if len(shape) == 2 and not is_sequence:
            dims = {"dims": [2, 1]}
            turned = self.row.add("Permute", "input_turned", dims, [first], shape[::-1])
            return self.row.laid_out("input_map", turned, channels_last((*shape, 1)))
        if not self.picture or len(shape) == 3:
            return first
        flat = self.row.flat("input", first, self.picture)
        return flat if len(shape) == 1 else self.row.laid_out("input_steps", flat, shape)

    # Layers one by one; sequences stay steps x features if the layer reads them.

    def _layer(self, place: int, layer: TrainedLayer, sources: list[KerasLayer]) -> KerasLayer:
        x = sources[0]
        if isinstance(layer.layer, OneHot):
            return x if self._looks_up else self._one_hot(layer, layer.layer, x)
        if isinstance(layer.layer, ByFeature):
            return x
        if isinstance(layer.layer, Embedding) and self._looks_up and x is self.row.layers[0]:
            table = layer.tensors["weight"][..., 0, 0].T
            settings = {"input_dim": len(table), "output_dim": table.shape[1]}
            shape = (*x.shape, table.shape[1])
            return self.row.add("Embedding", layer.name, settings, [x], shape, [table])
        if isinstance(layer.layer, ByStep):
            return self._in_steps(layer.name, x)
        if words := words_over_steps(layer):
            x = self._in_steps(layer.name, x)
            shape = layer.output[::-2] if len(layer.output) == 3 else layer.output
            reads = [x, x] if words.kind == "MultiHeadAttention" else [x]
            return self.row.add_link(words, _layer_name(layer), reads, shape)
        stays = _fits_steps(layer) and all(source.is_in_steps for source in sources)
        if len(layer.input) == 3 and not stays:
            sources = [self._in_row(layer.name, x) for x in sources]
        return (
            self._with_weights(place, layer, sources[0])
            or self._windowed(layer, sources[0])
            or self._without_weights(place, layer, sources)
            or KerasOps(self.row).write(layer, ops_of(self.trained, layer, SAYS), sources)
        )

    @cached_property
    def _looks_up(self) -> bool:
        """Whether nothing reads the tokens but an embedding, which looks their vectors up, and
        whose weights no other layer of Keras shares."""
        first, layers = self.trained.layers[:3], self.trained.layers
        read_once = all(len(self.trained.readers(value)) == 1 for value in range(3))
        return (
            [type(layer.layer) for layer in first] == [OneHot, ByFeature, Embedding]
            and read_once
            and not any(layer.again == first[-1].name and not layer.layer.ties for layer in layers)
        )

    def _one_hot(self, layer: TrainedLayer, one_hot: OneHot, x: KerasLayer) -> KerasLayer:
        settings = {"num_classes": one_hot.tokens, "axis": -1, "dtype": "float32"}
        return self.row.add("nn.OneHot", layer.name, settings, [x], layer.output)

    def _in_steps(self, name: str, x: KerasLayer) -> KerasLayer:
        return x if x.is_in_steps else self.row.laid_out(f"{name}_steps", x, x.shape[1:])

    def _in_row(self, name: str, x: KerasLayer) -> KerasLayer:
        """Lay out the steps as the only row of an image."""
        return self.row.laid_out(f"{name}_row", x, (1, *x.shape)) if x.is_in_steps else x

    def _with_weights(self, place: int, trained: TrainedLayer, x: KerasLayer) -> KerasLayer | None:
        tensors, name = trained.tensors, _layer_name(trained)
        settings: dict[str, Any]
        match trained.layer:
            case Dense(width):
                settings = {"units": width, "use_bias": "bias" in tensors}
                return self.row.add("Dense", name, settings, [x], (width,), self._dense(place))
            case BatchNorm(epsilon):
                settings = {"axis": -1, "epsilon": epsilon, "momentum": 1 - RUNNING_SHARE}
                weights = [tensors[word] for word in ("scale", "shift", "mean", "variance")]
                return self.row.add(
                    "BatchNormalization", trained.name, settings, [x], x.shape, weights
                )
            case SampleNorm() | RmsNorm() as layer:
                return self._normalised(trained, layer, x)
            case PRelu(shared):  # shared slopes are given by the axes that share them
                axes = list(range(1, len(x.shape) + shared))
                slopes = tensors["slope"].reshape(*(1,) * (len(x.shape) - 1), -1)
                settings = {"shared_axes": axes} if axes else {}
                return self.row.add("PReLU", name, settings, [x], x.shape, [slopes])
            case Quantize() as layer:
                size = layer.with_numbers(tensors).level_step
                return self.row.chain(trained.name, x, *stepped(size, *layer.levels))
            case ScaleShift():
                arrays = [tensors["scale"], tensors["shift"]]
                if len(trained.input) == 2 and arrays[0].ndim == 1:  # for each step
                    arrays = [array[:, None] for array in arrays]
                if arrays[0].ndim == 3:  # for each value
                    arrays = [array.transpose(1, 2, 0) for array in arrays]
                settings = dict(zip(("scale", "offset"), map(_short, arrays), strict=True))
                return self.row.add("Rescaling", trained.name, settings, [x], x.shape)
        return None

    def _normalised(
        self, trained: TrainedLayer, layer: SampleNorm | RmsNorm, x: KerasLayer
    ) -> KerasLayer | None:
        settings: dict[str, Any] = {"axis": -1, "epsilon": layer.epsilon}
        weights = [trained.tensors.get("scale", np.ones(trained.input[0]))]
        weights += [trained.tensors["shift"]] if "shift" in trained.tensors else []
        match layer:
            case RmsNorm():
                kind = "RMSNormalization"
            case LayerNorm() | PlaceNorm():
                kind = "LayerNormalization"
                if isinstance(layer, LayerNorm) and len(trained.input) > 1:
                    settings["axis"] = list(range(1, len(trained.input) + 1))
                    weights = [array.reshape(trained.input) for array in weights]
                    if len(trained.input) == 3:
                        weights = [array.transpose(1, 2, 0) for array in weights]
            case _ if groups := layer.channel_groups(trained.input):
                kind, settings["groups"] = "GroupNormalization", groups
            case _:
                return None
        return self.row.add(kind, _layer_name(trained), settings, [x], x.shape, weights)

    def _without_weights(
        self, place: int, layer: TrainedLayer, sources: Sequence[KerasLayer]
    ) -> KerasLayer | None:
        """Write a layer that needs only its class and settings."""
        settings: dict[str, Any] = {}
        x, channels = sources[0], channels_last(layer.output)
        shape = layer.output[::-2] if len(layer.output) == 3 and x.is_in_steps else channels
        match layer.layer:
            case Dropout(rate, of_channels):
                settings = {"rate": rate}
                kind = "SpatialDropout2D" if of_channels and len(layer.input) == 3 else "Dropout"
            case Flatten():
                if place not in self._turned:
                    return self.row.flat(layer.name, x, layer.input)
                kind = "Flatten"
            case Residual():
                kind = "Add"
            case Product():
                kind, shape = "Multiply", channels
                sources = [self._for_all(layer, value) for value in sources]
            case Concat():
                kind, settings = "Concatenate", {"axis": -1}
            case Activation("leaky relu", {"slope": slope}) if slope >= 0:  # Keras has no others
                kind, settings = "LeakyReLU", {"negative_slope": slope}
            case Activation(name) if name in ACTIVATIONS:
                kind, settings = "Activation", {"activation": ACTIVATIONS[name][0]}
            case _:
                return None
        return self.row.add(kind, layer.name, settings, sources, shape)

    def _for_all(self, layer: TrainedLayer, x: KerasLayer) -> KerasLayer:
        """Reshape a value per channel to a 1 x 1 map, so that it can be multiplied."""
        if len(x.shape) < len(layer.output) and not x.is_in_steps:
            shape = (*(1,) * (len(layer.output) - 1), *x.shape)
            return self.row.laid_out(f"{layer.name}_gate", x, shape)
        return self._in_row(layer.name, x)

    # Windows.

    def _windowed(self, layer: TrainedLayer, x: KerasLayer) -> KerasLayer | None:
        shape = channels_last(layer.output)
        match layer.layer:
            case Conv() as conv:
                return self._convolved(layer, conv, x)
            case TransposedConv() as conv:
                return self._spread(layer, conv, x)
            case Pool(kind, None):
                word = {"max": "GlobalMaxPooling2D", "avg": "GlobalAveragePooling2D"}[kind]
                return self.row.add(word, layer.name, {"keepdims": True}, [x], shape)
            case Pool() as pool:
                return self._pooled(layer, pool, x)
            case Upsample(size):
                settings = {"size": list(size), "interpolation": "nearest"}
                return self.row.add("UpSampling2D", layer.name, settings, [x], shape)
        return None

    def _convolved(self, layer: TrainedLayer, conv: Conv, x: KerasLayer) -> KerasLayer:
        """Convolve; strides that Keras lacks are taken after a convolution of every place."""
        window, name, weight = conv.window(layer.input), _layer_name(layer), layer.tensors["weight"]
        by_channel = conv.groups == layer.input[0]  # one window for each channel, or several
        uneven = by_channel and window.stride[0] != window.stride[1]
        strides_later = uneven or (window.stride != (1, 1) and window.dilation != (1, 1))
        same = conv.pad == SAME and not strides_later
        unstrided = replace(window, stride=(1, 1)) if strides_later else window
        settings = _moves(layer, unstrided, "kernel_size", "same" if same else "valid")
        if by_channel:
            kind, settings["depth_multiplier"] = "DepthwiseConv2D", conv.channels // conv.groups
            kernel = weight.reshape(conv.groups, -1, *conv.kernel).transpose(2, 3, 0, 1)
        else:
            kind, settings["filters"], settings["groups"] = "Conv2D", conv.channels, conv.groups
            kernel = weight.transpose(2, 3, 1, 0)
        if not same:
            x = self.row.framed(layer.name, x, window.pad)
        shape = (*unstrided.places(layer.input[1:]), conv.channels)
        weights = [kernel, *_bias(layer)]
        if not strides_later:
            return self.row.add(kind, name, settings, [x], shape, weights)
        x = self.row.add(kind, f"{name}_every", settings, [x], shape, weights)
        return self.row.chain(layer.name, x, _steps(window, channels_last(layer.output)))

    def _spread(self, trained: TrainedLayer, layer: TransposedConv, x: KerasLayer) -> KerasLayer:
        """Write a transposed convolution, cropped if needed; Keras fixes its size by the stride."""
        window, name = layer.spreads(trained.input), _layer_name(trained)
        if layer.groups > 1 or (window.stride != (1, 1) and window.dilation != (1, 1)):
            raise TargetError(NO_SUCH_SPREAD.format(name=trained.name))
        padding = "same" if layer.pad == SAME else "valid"
        settings = {"filters": layer.channels}
        settings |= _moves(trained, window, "kernel_size", padding)
        weights = [trained.tensors["weight"].transpose(2, 3, 1, 0), *_bias(trained)]
        moves = zip(trained.input[1:], window.stride, window.span, strict=True)
        full = tuple(count * step + max(span - step, 0) for count, step, span in moves)
        shape = channels_last(trained.output)
        if layer.pad == SAME or full == trained.output[1:]:
            return self.row.add("Conv2DTranspose", name, settings, [x], shape, weights)
        whole_map = (*full, layer.channels)
        result = self.row.add("Conv2DTranspose", f"{name}_every", settings, [x], whole_map, weights)
        first = window.pad[:2]
        ends = zip(first, full, trained.output[1:], strict=True)
        cut = {"cropping": [[side, all - side - left] for side, all, left in ends]}
        return self.row.add("Cropping2D", trained.name, cut, [result], shape)

    def _pooled(self, layer: TrainedLayer, pool: Pool, x: KerasLayer) -> KerasLayer:
        """Use Keras's pools, or other layers if it has no such window."""
        window, shape = pool.window(layer.input), channels_last(layer.output)
        word = {"max": "MaxPooling2D", "avg": "AveragePooling2D"}[pool.kind]
        gaps, settings = window.dilation != (1, 1), _moves(layer, window, "pool_size")
        if not gaps and _is_same(pool, window, layer.input):
            return self.row.add(word, layer.name, settings | {"padding": "same"}, [x], shape)
        steps = [_steps(window, shape)] if gaps and window.stride != (1, 1) else []
        unstrided = replace(window, stride=(1, 1)) if gaps else window
        places = (*unstrided.places(layer.input[1:]), layer.input[0])
        if pool.kind == "max":
            before = Activation(ACTIVATION_KINDS[x.settings.get("activation", "linear")])
            lowest = max(before.lowest, LOWEST)
            x = self.row.framed(layer.name, x, window.pad, lowest)
            if not gaps:
                return self.row.add(word, layer.name, settings, [x], shape)
            return self._largest(layer.name, unstrided, x, places, steps)
        x = self.row.framed(layer.name, x, window.pad)
        link = KerasLink("of_all", word, settings, shape)
        if gaps:  # with equal weights that no training changes
            settings = _moves(layer, unstrided, "kernel_size")
            settings |= {"trainable": False, "depth_multiplier": 1}
            shares = np.full((*window.size, layer.input[0], 1), 1 / window.area)
            link = KerasLink("of_all", "DepthwiseConv2D", settings, places, [shares])
        counts = divisors(unstrided, layer.input[1:], pool.counted_padding(layer.input))
        scale = (window.area / np.maximum(counts, 1))[..., None]
        scaled = KerasLink("every", "Rescaling", {"scale": scale.tolist(), "offset": 0.0})
        return self.row.chain(layer.name, x, link, *[scaled] * bool((scale != 1).any()), *steps)

    def _largest(
        self, name: str, window: Window, x: KerasLayer, places: Shape, steps: Sequence[KerasLink]
    ) -> KerasLayer:
        """Take the maximum of x and shifted copies, one for each place of the window."""
        moved: list[KerasLayer] = []
        for tap in np.ndindex(window.size):
            first = [k * gap for k, gap in zip(tap, window.dilation, strict=True)]
            cut = [[k, span - 1 - k] for k, span in zip(first, window.span, strict=True)]
            word = self.row.unused(f"{name}_{len(moved) + 1}")
            moved.append(self.row.add("Cropping2D", word, {"cropping": cut}, [x], places))
        last = f"{name}_every" if steps else name
        largest = self.row.add("Maximum", last, {}, moved, places) if len(moved) > 1 else moved[0]
        return self.row.chain(name, largest, *steps) if steps else largest

    # From channels first to channels last.

    @cached_property
    def _turned(self) -> dict[int, int]:
        """Maps each flatten that only a dense layer reads to that layer, whose weights are permuted
        to the order in which Keras flattens. Before other flattens the values are permuted."""
        turned = {}
        for place, layer in enumerate(self.trained.layers):
            if isinstance(layer.layer, Dense) and not self.trained.is_shared(layer):
                source = self._flattened(layer.reads[0])
                if source is not None:
                    turned[source] = place
        return turned

    def _flattened(self, value: int) -> int | None:
        """Return the flatten that a value comes from, if everything in between is elementwise."""
        while value and len(self.trained.readers(value)) == 1:
            trained = self.trained.layers[value - 1]
            layer = trained.layer
            if isinstance(layer, Flatten):
                return value - 1 if len(trained.input) == 3 else None
            is_plain = isinstance(layer, Activation) and not layer.is_softmax
            if not is_plain and not isinstance(layer, Dropout):
                return None
            (value,) = trained.reads
        return None

    def _dense(self, place: int) -> list[Array]:
        """Return the weights, for inputs in the order in which they arrive."""
        layer = self.trained.layers[place]
        weight = layer.tensors["weight"]
        for flatten, dense in self._turned.items():
            if dense == place:
                blocks = weight.reshape(-1, *self.trained.layers[flatten].input)
                weight = blocks.transpose(0, 2, 3, 1).reshape(weight.shape)
        return [weight.T, *_bias(layer)]


def _as_maps(trained: TrainedNet) -> TrainedNet:
    """The network with maps of one column instead of values of two axes, of which the first are
    channels: nothing reads them as a sequence."""

    def as_map(layer: TrainedLayer) -> TrainedLayer:
        shapes = [(*x, 1) if len(x) == 2 else x for x in (layer.input, layer.output)]
        if isinstance(layer.layer, ScaleShift) and shapes[0] != layer.input:
            tables = {name: x for name, x in layer.tensors.items() if x.ndim == 2}
            layer = layer.with_tensors(**{name: x[..., None] for name, x in tables.items()})
        return replace(layer, input=shapes[0], output=shapes[1])

    return replace(trained, layers=tuple(map(as_map, trained.layers)))


def _bias(layer: TrainedLayer) -> list[Array]:
    return [layer.tensors["bias"]] if "bias" in layer.tensors else []


def _moves(
    layer: TrainedLayer, window: Window, size: str, padding: str = "valid"
) -> dict[str, Any]:
    """Return a window's settings."""
    settings: dict[str, Any] = {size: list(window.size), "strides": list(window.stride)}
    settings["padding"] = padding
    if size == "kernel_size":
        settings["use_bias"] = "bias" in layer.tensors
        settings |= {"dilation_rate": list(window.dilation)} if window.dilation != (1, 1) else {}
    return settings


def _steps(window: Window, shape: Shape) -> KerasLink:
    """Keep only every n-th place."""
    settings = {"pool_size": [1, 1], "strides": list(window.stride), "padding": "valid"}
    return KerasLink("steps", "MaxPooling2D", settings, shape)


def _is_same(pool: Pool, window: Window, size: Shape) -> bool:
    """Whether its padding equals Keras's 'same', whose zeros never count. If it is uneven, averages
    in PyTorch below Keras count the edge twice."""
    same = same_pad(window.size, window.stride, window.dilation, size[1:])
    if pool.kind == "avg" and same[:2] != same[2:]:
        return False
    return any(same) and window.pad == same and not pool.zeros


def _fits_steps(layer: TrainedLayer) -> bool:
    """Whether the Keras layer is the same for steps x features."""
    match layer.layer:
        case Dropout(channels=channels):
            return not channels
        case Activation() | BatchNorm() | PlaceNorm() | RmsNorm() | Residual() | Concat():
            return True
    return False


def _layer_name(layer: TrainedLayer) -> str:
    """Return the layer's name; for a layer applied again, that of its first use."""
    return layer.name if layer.layer.ties else layer.again or layer.name


def _short(numbers: Array) -> Any:
    """Write one number if all are equal."""
    first = numbers.flat[0]
    return float(first) if (numbers == first).all() else numbers.tolist()
