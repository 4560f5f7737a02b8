"""Reads a .keras file layer by layer, out of channels last into channel by channel."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gradbook.errors import GradbookError
from gradbook.formats.activations import ActivationSteps, ForeignStep, activation_from
from gradbook.formats.imported import (
    BOTH,
    REASONS,
    STEEPER,
    ImportedNet,
    NoLayer,
    NoReader,
    Refusals,
    assemble,
)
from gradbook.formats.keras.content import KerasContent, KerasEntry, read_content
from gradbook.formats.keras.steps import ALL_STEPS, OVER_STEPS, RECURRENT, read_over_steps
from gradbook.formats.keras.words import ANY, KINDS, OPERATIONS, SETTINGS, activation, relu
from gradbook.formats.layer_list import (
    BYTES,
    READ_BY_WINDOWS,
    LayerList,
    Padding,
    join_paddings,
    leave_out_zeros,
    lower_padding,
    pad_conv,
    pad_pool,
    resolve_same,
)
from gradbook.graph.node import OPS, Array
from gradbook.graph.window import NOWHERE, SAME, Both, Pad, Shape
from gradbook.layers.activations import Activation, PRelu
from gradbook.layers.card import spell
from gradbook.layers.norms import BatchNorm, GroupNorm, LayerNorm, PlaceNorm, RmsNorm, SampleNorm
from gradbook.layers.pools import Pool
from gradbook.layers.sequences import Embedding, PositionEmbedding
from gradbook.layers.sums import Conv, Dense, TransposedConv, Upsample
from gradbook.layers.wiring import Dropout

# What is known of one of Keras's values while layers are read: where it lies among ours.


@dataclass(frozen=True, eq=False)
class KerasValue:
    """One of Keras's values: which of ours it is, and how its places differ from ours."""

    number: int
    order: NDArray[np.intp] | None = None  # of a flat one: where in ours each of its values stands
    channels_first: bool = False  # it has its channels first already
    padding: Padding | None = None  # zeros around it, which a window takes in


def ours(given: Array, held: KerasValue) -> Array:
    """A number for each channel, in our order."""
    if held.order is None or given.size != held.order.size:
        return given
    found = np.empty_like(given)
    found[held.order] = given
    return found


def join_orders(several: Sequence[KerasValue], sizes: Sequence[int]) -> NDArray[np.intp] | None:
    """The order of values that stand side by side, so many of each."""
    if all(held.order is None for held in several):
        return None
    orders, first = [], 0
    for held, size in zip(several, sizes, strict=True):
        orders.append(first + (np.arange(size) if held.order is None else held.order))
        first += size
    return np.concatenate(orders)


# Normalisation within a sample, as Keras says it: by groups, place by place, or of all values.


def sample_norm(
    entry: KerasEntry, held: KerasValue, size: Shape
) -> tuple[SampleNorm, dict[str, Array]]:
    """The layer and its tensors, for values of this size."""
    layer = _layer(entry, held, size)
    given = _given(entry)
    (count,) = layer.parameters(size)[0].shape
    tensors = {"scale": np.ones(count), "shift": np.zeros(count)}
    for name, array in given.items():
        if array.size != count:
            raise NoLayer(
                f"it scales {count} values by {array.size} numbers: the counts must be equal"
            )
        tensors[name] = ours(_channels_first(array), held)
    return layer, tensors


def _layer(entry: KerasEntry, held: KerasValue, size: Shape) -> SampleNorm:
    told = entry.settings
    epsilon, axes = told["epsilon"], set(told["axis"])
    if entry.kind == "GroupNormalization":
        groups = size[0] if told["groups"] == -1 else told["groups"]
        if axes not in ({-1}, {len(size)}):
            raise NoLayer("only groups of channels in the last axis (axis -1) can be read")
        if held.order is not None and groups > 1:
            raise NoLayer("its groups need values with channels last: put it before Flatten")
        return GroupNorm(groups, epsilon)
    if told["rms_scaling"]:
        raise NoLayer("normalisation without the mean (rms_scaling) can't be read")
    last = {2} if size[1:2] == (1,) else {3}  # of steps x features
    if len(size) == 3 and axes in ({-1}, {3}, last) and size[0] > 1:
        return PlaceNorm(epsilon)
    whole = ({1, 2, 3}, {-1, -2, -3}, *(({1, 2},) if size[0] == 1 else ()))
    if axes not in (whole if len(size) == 3 else ({-1}, {1})):
        raise NoLayer(
            "it normalises rows or columns alone: only normalisation over channels or over all "
            "values can be read"
        )
    return LayerNorm(epsilon)


def _given(entry: KerasEntry) -> dict[str, Array]:
    told = entry.settings
    names = [w for w, by in (("scale", "scale"), ("shift", "center")) if told[by]]
    if len(entry.weights) != len(names):
        raise NoLayer(f"it has {len(entry.weights)} tensors: {len(names)} are expected")
    return dict(zip(names, entry.weights, strict=True))


def _channels_first(array: Array) -> Array:
    """In one line, channel by channel."""
    return (array.transpose(2, 0, 1) if array.ndim == 3 else array).ravel()


def _activation_from(content: KerasContent, value: str) -> ActivationSteps | None:
    """The activation that begins at a value, if some layers after it come to one."""
    steps = [ForeignStep(entry, entry.reads, entry.name) for entry in content.entries]
    return activation_from(steps, value, {content.made}, _worked_out)


def _worked_out(step: ForeignStep, numbers: Mapping[str, Array]) -> Array | None:
    """What a layer makes of numbers, each by itself, if it is one of those."""
    entry, given = step.source, [numbers[name] for name in step.reads]
    told = entry.settings
    match entry.kind:
        case "Add":
            return np.asarray(sum(given))
        case "Multiply":
            return np.asarray(prod(given[1:], start=given[0]))
        case "Subtract":
            return given[0] - given[-1]
        case "Rescaling":
            scale, offset = told.get("scale", 1), told.get("offset", 0)
            if isinstance(scale, int | float) and isinstance(offset, int | float):
                return scale * given[0] + offset
        case "Activation" if told.get("activation") == "exponential":
            return np.exp(given[0])
        case "Activation" if isinstance(told.get("activation"), str):
            kind = KINDS.get(told["activation"], "softmax")
            if kind == "identity":
                return given[0]
            if not (layer := Activation(kind)).is_softmax:
                return np.asarray(OPS[layer.word].value(given[0]))
    op = next((op for op, theirs in OPERATIONS.items() if theirs == entry.kind), None)
    with np.errstate(all="ignore"):
        return None if op is None else np.asarray(OPS[op].value(given[0]))


PLACED = 3  # dimensions of what has a number for each place
LEFT_OUT = "layers that do nothing in inference are left out: {}"


def read_keras(path: str | os.PathLike[str]) -> ImportedNet:
    """The network in a .keras file; all that has no layer here is told at once."""
    content = read_content(Path(path))
    refusals = Refusals(os.fspath(path))
    if len(content.shape) > 3:
        refusals.add(f"input '{content.given}'", f"{spell(content.shape)} isn't an image's size")
        refusals.settle()
    reader = _KerasReader(
        content,
        refusals,
        LayerList(
            [_given_size(content, content.shape)],
            prepares=content.notes.preparation is None and not _reads_steps(content),
        ),
    )
    reader.read()
    refusals.settle()
    row, remarks = reader.row, []
    if row.takes_bytes and not content.is_bytes:
        remarks.append(BYTES)
    if reader.left_out:
        remarks.append(LEFT_OUT.format(", ".join(reader.left_out)))
    return assemble(
        refusals.file,
        row.sizes[0][::-2] if _reads_steps(content) else row.sizes[0],
        row.layers,
        row.preparation(content.is_bytes or row.takes_bytes) or content.notes.preparation,
        replace(content.notes, probabilities=content.both),
        tuple(remarks),
        tokens=reader.tokens,
    )


def _picture(shape: tuple[int, ...]) -> Shape:
    """Channels first; rows and columns alone are those of one channel."""
    return (shape[2] if len(shape) == 3 else 1, *shape[:2]) if len(shape) > 1 else shape


def reads_tokens(content: KerasContent) -> bool:
    """Whether what comes in are numbers that are looked up in a table."""
    looked_up = (entry for entry in content.entries if entry.kind == "Embedding")
    return len(content.shape) == 1 and any(content.given in one.reads for one in looked_up)


def _reads_steps(content: KerasContent) -> bool:
    return reads_tokens(content) or any(
        entry.kind in (*OVER_STEPS, *ALL_STEPS) for entry in content.entries
    )


def _given_size(content: KerasContent, shape: tuple[int, ...]) -> Shape:
    """Of steps x features as layers over them read these."""
    if reads_tokens(content):
        return (1, 1, shape[0])
    if len(shape) == 2 and _reads_steps(content):
        return (shape[1], 1, shape[0])
    return _picture(shape)


@dataclass
class _KerasReader:
    content: KerasContent
    refusals: Refusals
    row: LayerList
    values: dict[str, KerasValue] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def read(self) -> None:
        done: set[str] = set()
        for entry in self.content.entries:
            if entry.name in done:
                continue
            before = len(self.row.layers)
            try:
                done.update(taken := self._take(entry))
                self.row.note(before, [entry.folder])
                self.refusals.pass_on(entry.reads, taken)
            except (GradbookError, *REASONS) as error:
                self._refuse(entry, error)
        if self.refusals.found:
            return
        if self.content.both and self.row.sizes[-1] != (1,):
            self.refusals.add(f"output '{self.content.made}'", BOTH)
        last = self.values.get(self.content.made, KerasValue(-1))
        if last.number != len(self.row.layers) or last.order is not None or last.padding:
            self.refusals.add(
                f"output '{self.content.made}'",
                "it isn't the output of the last layer, or it has channels last: end in a dense "
                "layer",
            )

    def _refuse(self, entry: KerasEntry, error: Exception) -> None:
        """Go on as if it weren't there, so that what comes later is looked at too."""
        usual = "its settings aren't as Keras 3 writes them"
        self.refusals.refuse(entry.place, error, entry.reads, usual)
        self.refusals.unsure.add(entry.name)
        given = next((name for name in entry.reads if name in self.values), None)
        self.values[entry.name] = self.values[given] if given else KerasValue(0)

    def _take(self, entry: KerasEntry) -> list[str]:
        """Make layers of an entry, or of it and those that belong to it."""
        if entry.kind == "InputLayer":
            self.values[entry.name] = KerasValue(0)
            return [entry.name]
        if not entry.reads or any(name not in self.values for name in entry.reads):
            raise NoLayer("its input isn't known")
        if entry.kind in ("Multiply", "Activation", "Rescaling"):
            activation = _activation_from(self.content, entry.reads[0])
            if activation is not None and entry is activation.steps[0].source:
                held = self._plain(entry)
                made = self.row.add(activation.layer, held.number, entry.place)
                self.values[activation.steps[-1].made] = replace(held, number=made)
                return [step.made for step in activation.steps]
        take = TAKES.get(entry.kind)
        if take is None:
            raise NoReader("gradbook has no such layer")
        if entry.settings.get("data_format") not in (None, "channels_last"):
            raise NoLayer("only values with channels last (data_format) can be read")
        settings = SETTINGS.get(entry.kind, ANY).read(entry.settings)
        self.values[entry.name] = take(self, replace(entry, settings=settings))
        self._activate(entry)
        return [entry.name]

    def _activate(self, entry: KerasEntry) -> None:
        """What a layer's own activation makes of it."""
        told = entry.settings.get("activation")
        held = self.values[entry.name]
        if entry.kind in ("Activation", *RECURRENT) or told in (None, "linear"):
            return
        made = self.row.add(activation(told), held.number, entry.place)
        self.values[entry.name] = replace(held, number=made)

    def _given(self, entry: KerasEntry) -> KerasValue:
        return self.values[entry.reads[0]]

    def _plain(self, entry: KerasEntry) -> KerasValue:
        """The value it reads, with no padding around it and channels last."""
        held = self._given(entry)
        if held.padding or held.channels_first:
            raise NoLayer(f"{READ_BY_WINDOWS}, and Permute before Flatten")
        return held

    def _size(self, held: KerasValue) -> Shape:
        return self.row.sizes[held.number]

    # Layers with weights.

    def dense(self, entry: KerasEntry) -> KerasValue:
        held = self._plain(entry)
        kernel, *bias = self._weights(entry, 1)
        size = self._size(held)
        if len(size) == 3 and size[1] == 1 and _reads_steps(self.content):
            layer = Conv(kernel.shape[1], (1, 1), row=True)
            weight = np.ascontiguousarray(kernel.T[..., None, None])
            number = self.row.convolve(layer, held.number, entry.place, weight, *bias)
            return replace(held, number=number)
        if len(size) != 1:
            raise NoLayer("its input isn't flat")
        if kernel.ndim != 2 or len(kernel) != self._size(held)[0]:
            raise NoLayer(f"its weights are {spell(kernel.shape)}, which doesn't match its input")
        weight = np.empty_like(kernel.T)
        weight[:, slice(None) if held.order is None else held.order] = kernel.T
        tensors = dict(zip(("weight", "bias"), (weight, *bias), strict=False))
        return KerasValue(self.row.add(Dense(len(weight)), held.number, entry.place, tensors))

    def conv(self, entry: KerasEntry) -> KerasValue:
        kernel, *bias = self._weights(entry, 1)
        held, layer = self._windows(entry, kernel)
        layer = replace(layer, channels=kernel.shape[3], groups=entry.settings["groups"])
        weight = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
        return KerasValue(self.row.convolve(layer, held.number, entry.place, weight, *bias))

    def depthwise(self, entry: KerasEntry) -> KerasValue:
        kernel, *bias = self._weights(entry, 1)
        return KerasValue(self._depthwise(entry, kernel, *bias))

    def _depthwise(self, entry: KerasEntry, kernel: Array, *bias: Array) -> int:
        held, layer = self._windows(entry, kernel)
        rows, columns, groups, each = kernel.shape
        layer = replace(layer, channels=groups * each, groups=groups)
        weight = kernel.transpose(2, 3, 0, 1).reshape(groups * each, 1, rows, columns)
        fixed = entry.settings.get("trainable") is False
        return self.row.convolve(layer, held.number, entry.place, weight, *bias, fixed=fixed)

    def separable(self, entry: KerasEntry) -> KerasValue:
        """A depthwise convolution without a bias, and one of single places after it."""
        kernel, mix, *bias = self._weights(entry, 2)
        number = self._depthwise(entry, kernel)
        weight = np.ascontiguousarray(mix.transpose(3, 2, 0, 1))
        layer = Conv(len(weight), (1, 1))
        return KerasValue(self.row.convolve(layer, number, entry.place, weight, *bias))

    def _windows(self, entry: KerasEntry, kernel: Array) -> tuple[KerasValue, Conv]:
        """What a convolution reads and how its windows move."""
        held, told = self._given(entry), entry.settings
        if kernel.ndim != 4 or held.channels_first:
            raise NoLayer(
                "only windows over rows and columns of values with channels last can be read"
            )
        window, area = (kernel.shape[0], kernel.shape[1]), self._size(held)
        stride, gaps = told["strides"], told["dilation_rate"]
        layer = Conv(1, window, stride, self._padding(entry, window, stride, gaps), dilation=gaps)
        return replace(held, padding=None), pad_conv(layer, held.padding, area)

    def _padding(self, entry: KerasEntry, window: Both, stride: Both, gaps: Both) -> Pad:
        held = self._given(entry)
        if entry.settings["padding"] == "valid":
            return NOWHERE
        rows_and_columns = self._size(held)[1:]
        if held.padding or len(rows_and_columns) != 2:
            return SAME
        return resolve_same(window, stride, gaps, rows_and_columns)

    def normalise(self, entry: KerasEntry) -> KerasValue:
        held, told = self._plain(entry), entry.settings
        size = self._size(held)
        if told["renorm"] or told["axis"] not in ([-1], [len(size)]):
            raise NoLayer(
                "only normalisation channel by channel (axis -1) and without renorm can be read"
            )
        words = [w for w, by in (("scale", "scale"), ("shift", "center")) if told[by]]
        words += ["mean", "variance"]
        if len(entry.weights) != len(words):
            raise NoLayer(f"it has {len(entry.weights)} tensors: {len(words)} are expected")
        tensors = {"scale": np.ones(size[0]), "shift": np.zeros(size[0])}
        tensors |= {w: ours(array, held) for w, array in zip(words, entry.weights, strict=True)}
        layer = BatchNorm(told["epsilon"])
        return replace(held, number=self.row.add(layer, held.number, entry.place, tensors))

    def normalise_sample(self, entry: KerasEntry) -> KerasValue:
        held = self._plain(entry)
        layer, tensors = sample_norm(entry, held, self._size(held))
        return replace(held, number=self.row.add(layer, held.number, entry.place, tensors))

    def _weights(self, entry: KerasEntry, kernels: int) -> tuple[Array, ...]:
        count = kernels + entry.settings["use_bias"]
        if len(entry.weights) != count:
            raise NoLayer(f"it has {len(entry.weights)} tensors: {count} are expected")
        return entry.weights

    # Preparation.

    def rescale(self, entry: KerasEntry) -> KerasValue:
        scale, offset = entry.settings["scale"], entry.settings["offset"]
        held = self._given(entry)
        if offset.ndim == 2 and (scale == 1).all() and offset.shape == self._size(held)[::-2]:
            tensors = {"bias": np.ascontiguousarray(offset.T).ravel()}
            layer = PositionEmbedding()
            return replace(held, number=self.row.add(layer, held.number, entry.place, tensors))
        if max(scale.ndim, offset.ndim) == PLACED:
            return self._rescaled_by_place(entry, scale, offset)
        return self._scaled(entry, scale.reshape(-1), offset.reshape(-1))

    def _rescaled_by_place(self, entry: KerasEntry, scale: Array, offset: Array) -> KerasValue:
        """What makes padding of a frame that is never the largest, or of an average of zeros too
        one of what is there alone."""
        held = self._given(entry)
        if held.padding is not None and (scale == 1).all():
            return replace(
                held, padding=lower_padding(held.padding, offset[..., 0], self._size(held))
            )
        if held.number != len(self.row.layers) or not self.row.layers or offset.any():
            raise NoLayer("it scales the pixels of a channel differently")
        last = self.row.layers[-1]
        pool = leave_out_zeros(last.layer, scale[..., 0], self.row.sizes[last.reads[0]])
        self.row.layers[-1] = replace(last, layer=pool)
        return held

    def standardise(self, entry: KerasEntry) -> KerasValue:
        told = entry.settings
        if told["invert"] or told["axis"] not in ([-1], [3], [1]):
            raise NoLayer("only normalisation channel by channel (axis -1) can be read")
        given = entry.weights[:2] if told["mean"] is None else (told["mean"], told["variance"])
        if len(given) != 2 or given[1] is None:
            raise NoLayer("it has no mean and no variance yet: adapt it to data first")
        mean, variance = (array.reshape(-1) for array in given)
        deviation = np.maximum(np.sqrt(variance), 1e-7)  # as Keras does
        return self._scaled(entry, 1 / deviation, -mean / deviation)

    def _scaled(self, entry: KerasEntry, scale: Array, shift: Array) -> KerasValue:
        held = self._plain(entry)
        alone = all(self.content.reader_count(name) == 1 for name in self._names(held))
        number = self.row.scale(
            held.number, ours(scale, held), ours(shift, held), entry.place, alone
        )
        return replace(held, number=number)

    def _names(self, held: KerasValue) -> list[str]:
        """What Keras calls everything up to this value."""
        return [name for name, one in self.values.items() if one.number <= held.number]

    # Layers without weights.

    def pool(self, entry: KerasEntry) -> KerasValue:
        held, told = self._given(entry), entry.settings
        if held.channels_first:
            raise NoLayer("only pools of values with channels last can be read")
        kind, size = "max" if entry.kind.startswith("Max") else "avg", self._size(held)
        window = told["pool_size"]
        step = told["strides"] or window
        layer = Pool(kind, window, step, self._padding(entry, window, step, (1, 1)))
        layer = pad_pool(layer, held.padding, size, self.row.layers[: held.number])
        made = self.row.add(layer, held.number, entry.place)
        return replace(held, number=made, padding=None)

    def over_steps(self, entry: KerasEntry) -> KerasValue:
        held = self._plain(entry)
        layer, tensors = read_over_steps(entry, self._size(held))
        return KerasValue(self.row.add(layer, held.number, entry.place, tensors))

    def pool_all_steps(self, entry: KerasEntry) -> KerasValue:
        held = self._plain(entry)
        layer = Pool("max" if "Max" in entry.kind else "avg", None, row=True)
        number = self.row.add(layer, held.number, entry.place)
        if entry.settings["keepdims"]:
            return KerasValue(number)
        return KerasValue(self.row.flat(number, entry.place))

    def normalise_size(self, entry: KerasEntry) -> KerasValue:
        held = self._plain(entry)
        if entry.settings["axis"] not in ([-1], [2]):
            raise NoLayer("only features (axis -1) can be normalised by their size")
        tensors = dict(zip(("scale",), entry.weights, strict=True))
        layer = RmsNorm(entry.settings["epsilon"])
        return replace(held, number=self.row.add(layer, held.number, entry.place, tensors))

    def pool_all(self, entry: KerasEntry) -> KerasValue:
        held = self._plain(entry)
        kind = "max" if "Max" in entry.kind else "avg"
        number = self.row.add(Pool(kind, None), held.number, entry.place)
        return KerasValue(
            number if entry.settings["keepdims"] else self.row.flat(number, entry.place)
        )

    def pad(self, entry: KerasEntry) -> KerasValue:
        told, held = entry.settings["padding"], self._given(entry)
        if held.channels_first or len(self._size(held)) != 3:
            raise NoLayer("only padding around rows and columns can be read")
        both = (told, told) if isinstance(told, int) else tuple(told)
        (top, below), (left, right) = ((x, x) if isinstance(x, int) else x for x in both)
        return replace(
            held, padding=join_paddings(held.padding, Padding((top, left, below, right)))
        )

    def permute(self, entry: KerasEntry) -> KerasValue:
        held = self._plain(entry)
        if entry.settings["dims"] != [3, 1, 2] or len(self._size(held)) != 3:
            raise NoLayer(
                "the only permutation that can be read is the one that puts channels first "
                "(dims 3, 1, 2)"
            )
        return replace(held, channels_first=True)

    def flatten(self, entry: KerasEntry) -> KerasValue:
        held = self._given(entry)
        size = self._size(held)
        if held.padding:
            raise NoLayer(READ_BY_WINDOWS)
        number = self.row.flat(held.number, entry.place)
        if number == held.number or held.channels_first or size[0] == 1 or prod(size[1:]) == 1:
            return KerasValue(number, held.order)
        order = np.arange(prod(size)).reshape(size).transpose(1, 2, 0).ravel()
        return KerasValue(number, order)

    def reshape(self, entry: KerasEntry) -> KerasValue:
        held, target = self._plain(entry), tuple(entry.settings["target_shape"])
        size = self._size(held)
        if target in ((-1,), (prod(size),)):
            return self.flatten(entry)
        if len(size) == 3 and size[1] == 1 and target in ((1, *size[::-2]), size[::-2]):
            return held  # steps x features, as one row of an image or not
        plain = len(target) in (2, 3) and min(target) > 0 and prod(target) == prod(size)
        if size == (prod(target),) == target[-1:] and held.order is None:
            return held  # a value for each channel, as a map of a single place
        if held.number or self.row.layers or not plain or (len(size) == 3 and size[0] > 1):
            raise NoLayer(f"it reshapes values to {spell(target)}: only flattening can be read")
        self.row.sizes[0] = _given_size(self.content, target)
        return KerasValue(0)

    def drop(self, entry: KerasEntry) -> KerasValue:
        held = self._plain(entry)
        layer = Dropout(entry.settings["rate"], entry.kind.startswith("Spatial"))
        return replace(held, number=self.row.add(layer, held.number, entry.place))

    def pass_on(self, entry: KerasEntry) -> KerasValue:
        if entry.kind not in ("Identity", "Activation"):
            self.left_out.append(entry.name)
        return self._given(entry)

    def take_activation(self, entry: KerasEntry) -> KerasValue:
        """A layer that is an activation by itself."""
        held, told = self._plain(entry), entry.settings
        if entry.kind == "Activation" and told["activation"] == "linear":
            return held
        if entry.kind == "Softmax" and told["axis"] != [-1]:
            raise NoLayer("only a softmax over all classes in the last axis can be read")
        if entry.kind == "ELU" and told["alpha"] != 1:
            raise NoReader(STEEPER)
        layer = relu(told) if entry.kind in ("ReLU", "LeakyReLU") else None
        layer = layer or activation(told.get("activation", entry.kind.lower()))
        return replace(held, number=self.row.add(layer, held.number, entry.place))

    def prelu(self, entry: KerasEntry) -> KerasValue:
        held = self._plain(entry)
        (slopes,) = entry.weights
        shared, size = slopes.size == 1, self._size(held)
        if not shared and slopes.size != size[0]:
            raise NoLayer(
                "only one slope for each channel or one for all can be read: set shared_axes=[1, 2]"
            )
        tensors = {"slope": ours(slopes.reshape(-1), held)}
        return replace(held, number=self.row.add(PRelu(shared), held.number, entry.place, tensors))

    def add(self, entry: KerasEntry) -> KerasValue:
        both = [self.values[name] for name in entry.reads]
        if len(both) != 2 or any(held.padding or held.channels_first for held in both):
            raise NoLayer("only two values of the same shape can be added")
        orders = [held.order for held in both]
        same = all(o is None for o in orders) or all(o is not None for o in orders)
        if not same or (orders[0] is not None and (orders[0] != orders[1]).any()):
            raise NoLayer("the values that it adds have their channels in different places")
        return replace(both[0], number=self.row.sum(both[0].number, both[1].number, entry.place))

    def multiply(self, entry: KerasEntry) -> KerasValue:
        """Of two values of one shape, or of one with a value for each channel of the other."""
        both = [self.values[name] for name in entry.reads]
        if len(both) != 2 or any(
            held.padding or held.channels_first or held.order is not None for held in both
        ):
            raise NoLayer("only two values can be multiplied, with channels in the same places")
        return KerasValue(self.row.product(both[0].number, both[1].number, entry.place))

    def enlarge(self, entry: KerasEntry) -> KerasValue:
        held = self._plain(entry)
        made = self.row.add(Upsample(entry.settings["size"]), held.number, entry.place)
        return KerasValue(made)

    def conv_back(self, entry: KerasEntry) -> KerasValue:
        """A transposed convolution, of which Keras makes as many places as steps."""
        held, told = self._plain(entry), entry.settings
        kernel, *bias = self._weights(entry, 1)
        pad = SAME if told["padding"] == "same" else NOWHERE
        layer = TransposedConv(
            kernel.shape[2],
            (kernel.shape[0], kernel.shape[1]),
            told["strides"],
            pad,
            dilation=told["dilation_rate"],
        )
        window = layer.spreads(self._size(held))
        short = any(a < b for a, b in zip(window.span, window.stride, strict=True))
        if told["output_padding"] is not None or (short and pad != SAME):
            raise NoLayer("it makes rows or columns that nothing is spread over")
        tensors = {"weight": np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))}
        tensors |= dict(zip(("bias",), bias, strict=bool(bias)))
        return KerasValue(self.row.add(layer, held.number, entry.place, tensors))

    def crop(self, entry: KerasEntry) -> KerasValue:
        """What is cut off a transposed convolution is padding of its own."""
        held, told = self._plain(entry), entry.settings["cropping"]
        own = self.row.layers[held.number - 1] if held.number else None
        alone = self.content.reader_count(entry.reads[0]) == 1
        if own is None or not isinstance(own.layer, TransposedConv) or not alone:
            raise NoLayer("only what a transposed convolution makes can be cut")
        both = (told, told) if isinstance(told, int) else tuple(told)
        (top, below), (left, right) = ((x, x) if isinstance(x, int) else x for x in both)
        before = own.layer.spreads(self.row.sizes[own.reads[0]]).pad
        sides = (before[0] + top, before[1] + left, before[2] + below, before[3] + right)
        layer = replace(own.layer, pad=sides)
        self.row.layers.append(replace(own, layer=layer))
        self.row.sizes.append(layer.output(self.row.sizes[own.reads[0]]))
        return KerasValue(len(self.row.layers))

    def embed(self, entry: KerasEntry) -> KerasValue:
        """A row of a table for each token that comes in."""
        held = self._plain(entry)
        (table,) = self._weights(replace(entry, settings={"use_bias": False}), 1)
        if held.number or self.row.layers or not self.tokens or entry.settings["mask_zero"]:
            raise NoLayer("only the tokens that come in can be looked up, each once and unmasked")
        self.row.sizes[0] = (len(table), *self.row.sizes[0][1:])
        weight = np.ascontiguousarray(table.T)[..., None, None]
        layer = Embedding(table.shape[1])
        return KerasValue(self.row.add(layer, 0, entry.place, {"weight": weight}))

    @property
    def tokens(self) -> bool:
        return reads_tokens(self.content)

    def concat(self, entry: KerasEntry) -> KerasValue:
        several = [self.values[name] for name in entry.reads]
        if any(held.padding or held.channels_first for held in several):
            raise NoLayer(
                "padding can be read only before a convolution, and Permute only before Flatten"
            )
        if entry.settings["axis"] not in (-1, len(self._size(several[0]))):
            raise NoLayer("only channels (axis -1) can be concatenated")
        number = self.row.side_by_side([held.number for held in several], entry.place)
        sizes = [self._size(held)[0] for held in several]
        return KerasValue(number, join_orders(several, sizes))


NOTHING_AT_WORK = (
    *("ActivityRegularization", "AlphaDropout", "GaussianDropout", "GaussianNoise", "Identity"),
    *("RandomBrightness", "RandomContrast", "RandomFlip", "RandomRotation", "RandomTranslation"),
    "RandomZoom",
)
TAKES: Mapping[str, Callable[[_KerasReader, KerasEntry], KerasValue]] = {
    "Dense": _KerasReader.dense,
    "Conv2D": _KerasReader.conv,
    "DepthwiseConv2D": _KerasReader.depthwise,
    "SeparableConv2D": _KerasReader.separable,
    "BatchNormalization": _KerasReader.normalise,
    **dict.fromkeys(("GroupNormalization", "LayerNormalization"), _KerasReader.normalise_sample),
    **dict.fromkeys(OVER_STEPS, _KerasReader.over_steps),
    **dict.fromkeys(ALL_STEPS, _KerasReader.pool_all_steps),
    "RMSNormalization": _KerasReader.normalise_size,
    "Rescaling": _KerasReader.rescale,
    "Normalization": _KerasReader.standardise,
    **dict.fromkeys(("MaxPooling2D", "AveragePooling2D"), _KerasReader.pool),
    **dict.fromkeys(("GlobalMaxPooling2D", "GlobalAveragePooling2D"), _KerasReader.pool_all),
    "Multiply": _KerasReader.multiply,
    "UpSampling2D": _KerasReader.enlarge,
    "Conv2DTranspose": _KerasReader.conv_back,
    "Cropping2D": _KerasReader.crop,
    "Embedding": _KerasReader.embed,
    "ZeroPadding2D": _KerasReader.pad,
    "Permute": _KerasReader.permute,
    "Flatten": _KerasReader.flatten,
    "Reshape": _KerasReader.reshape,
    **dict.fromkeys(("Dropout", "SpatialDropout1D", "SpatialDropout2D"), _KerasReader.drop),
    **dict.fromkeys(
        ("Activation", "ReLU", "LeakyReLU", "ELU", "Softmax"), _KerasReader.take_activation
    ),
    "PReLU": _KerasReader.prelu,
    "Add": _KerasReader.add,
    "Concatenate": _KerasReader.concat,
    **dict.fromkeys(NOTHING_AT_WORK, _KerasReader.pass_on),
}
