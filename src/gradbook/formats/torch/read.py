"""Reads a program that PyTorch exported, operator by operator."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from gradbook import limits
from gradbook.errors import DataError, GradbookError, TargetError
from gradbook.files import open_file
from gradbook.formats.imported import (
    CHANNELS_FIRST,
    CHANNELS_LAST,
    TURNED,
    ImportedNet,
    NoLayer,
    Refusals,
    assembled,
)
from gradbook.formats.layer_list import (
    BYTES,
    READ_BY_WINDOWS,
    LayerRow,
    Padding,
    by_channel,
    framed_conv,
    framed_pool,
    joined,
)
from gradbook.formats.torch.content import AtenCall, AtenContent, AtenValue, read_content
from gradbook.formats.torch.words import KINDS, OF_EACH_VALUE, activation_of, checked, padding_of
from gradbook.graph.node import Array
from gradbook.graph.window import Shape
from gradbook.layers.activations import Activation
from gradbook.layers.card import spell
from gradbook.layers.norms import BatchNorm, GroupNorm, LayerNorm, PlaceNorm, SampleNorm
from gradbook.layers.pools import Pool
from gradbook.layers.sums import Conv, Dense

# Where an operator of PyTorch puts the axes of what it reads, and which may read channels last.

TURNS = ("permute", "transpose", "movedim")
DROPS = ("dropout", "feature_dropout", "alpha_dropout")
PASSING = ("alias", "clone", "contiguous", "detach", "to")
SUMS = ("add", "sub", "mul", "div")  # of two values, or of one and constants
READ_TURNED = ("layer_norm", "linear", *SUMS, *TURNS, *DROPS, *PASSING, *OF_EACH_VALUE)
OF_WEIGHTS = (*TURNS, *PASSING, "view", "reshape", "_unsafe_view", "unsqueeze")


def laid_out(call: AtenCall, tensor: Array) -> Array:
    """A weight in the shape that a call gives it."""
    told = call.arguments
    match call.operator:
        case "view" | "reshape" | "_unsafe_view":
            return tensor.reshape(told["shape" if call.operator == "reshape" else "size"])
        case "unsqueeze":
            return np.expand_dims(tensor, told["dim"])
        case operator if operator in TURNS:
            axes = turned_axes(call, tensor.ndim)
            if not axes:
                raise NoLayer("it turns axes of a weight that aren't there")
            return tensor.transpose(axes)
    return tensor


def turned_axes(call: AtenCall, dimensions: int) -> Shape:
    """Where each axis of the result comes from; nothing where some of those told aren't there."""
    told, empty = call.arguments, np.empty(range(dimensions))  # each axis as long as its number
    try:
        match call.operator:
            case "permute":
                return tuple(axis % dimensions for axis in told["dims"])
            case "transpose":
                return np.swapaxes(empty, told["dim0"], told["dim1"]).shape
            case _:
                return np.moveaxis(empty, told["source"], told["destination"]).shape
    except ValueError:
        return ()


def sample_norm(call: AtenCall, size: Shape, turned: bool) -> SampleNorm:
    """`turned` says that the values have their channels last."""
    told = call.arguments
    epsilon = told["eps"]
    if call.operator == "instance_norm" and not told["use_input_stats"]:
        raise NoLayer("it takes the mean and variance of its training")
    if call.operator != "layer_norm":
        return GroupNorm(told["num_groups"] if call.operator == "group_norm" else size[0], epsilon)
    over = tuple(told["normalized_shape"])
    if turned and over == size[:1]:
        return PlaceNorm(epsilon)
    if turned or over != size:
        raise NoLayer(
            f"it normalises over {spell(over)} of {spell(size)}: all values of a sample are read, "
            "or with channels last those of each place"
        )
    return LayerNorm(epsilon)


TRAINING = "it is in training: call module.eval() before it is exported"


def read_pt2(path: str | os.PathLike[str]) -> ImportedNet:
    """The network in a .pt2 file; all that has no layer here is told at once."""
    with open_file(Path(path), limits.FOREIGN) as stream:
        content = read_content(stream, path)
    return _net(content, os.fspath(path))


def torch_net(module: Any, example: Any) -> ImportedNet:
    """The network that a module is, by the file that PyTorch would write of it."""
    try:
        import torch
    except ImportError as error:
        raise TargetError(
            "PyTorch isn't installed, which exports its modules: pip install 'gradbook[torch]'"
        ) from error
    name, file = type(module).__name__, io.BytesIO()
    try:
        program = torch.export.export(module, example if isinstance(example, tuple) else (example,))
        torch.export.save(program, file)
    except Exception as error:  # of many kinds, by what the module does
        first = str(error).strip().partition("\n")[0] or type(error).__name__
        raise DataError(f"{name}: PyTorch can't export it ({first})") from error
    return _net(read_content(file, name), name)


def _net(content: AtenContent, file: str) -> ImportedNet:
    refusals = Refusals(file)
    size = content.shape if len(content.shape) != 2 else (1, *content.shape)
    reader = _AtenReader(
        content, refusals, LayerRow([size], prepares=content.notes.preparation is None)
    )
    reader.read()
    refusals.settle()
    row = reader.row
    remarks = (BYTES,) if row.takes_bytes else ()
    notes = content.notes
    preparation = row.preparation(row.takes_bytes) or notes.preparation
    return assembled(file, row.sizes[0], row.layers, preparation, notes, remarks)


@dataclass
class _AtenReader:
    content: AtenContent
    refusals: Refusals
    row: LayerRow
    made: dict[str, int] = field(default_factory=dict)  # the number of each value
    frames: dict[str, Padding] = field(default_factory=dict)  # around some of them
    turned: set[str] = field(default_factory=set)  # those with channels last
    laid_out: dict[str, Array] = field(default_factory=dict)  # weights, in other shapes

    def read(self) -> None:
        self.made[self.content.given] = 0
        for call in self.content.calls:
            place = f"{call.operator} '{call.made}'"
            given = next((name for name in call.reads if name in self.made), self.content.given)
            number = self.made[given]
            before = len(self.row.layers)
            try:
                if self._lays_out_a_weight(call):
                    continue
                number = self._take(call, place)
                self.row.note(before, self._stored(call))
            except GradbookError as error:
                self.refusals.add(place, error.message)
            except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
                self.refusals.add(place, "its arguments aren't as PyTorch writes them")
            self.made[call.made] = number
            if call.changes:
                self.made[given] = number
        last = self.content.made
        if self.made.get(last) != len(self.row.layers) or last in self.turned:
            self.refusals.add(f"output '{self.content.made}'", "isn't what the last layer makes")

    def _lays_out_a_weight(self, call: AtenCall) -> bool:
        """Whether a call is about a weight alone, whose other shape is then known."""
        tensor = self._tensor(call.reads[0]) if len(call.reads) == 1 else None
        if tensor is None or call.operator not in OF_WEIGHTS:
            return False
        self.laid_out[call.made] = laid_out(checked(call), tensor)
        return True

    def _tensor(self, name: str) -> Array | None:
        """A weight, as it is stored or laid out since."""
        return self.laid_out.get(name, self.content.weights.get(name))

    def _take(self, call: AtenCall, place: str) -> int:
        take = TAKES.get(call.operator)
        if take is None:
            raise NoLayer("there is no such layer here")
        if call.operator not in WINDOWED and any(name in self.frames for name in call.reads):
            raise NoLayer(READ_BY_WINDOWS)
        turned = self._is_turned(call)
        if turned and call.operator not in READ_TURNED:
            raise NoLayer(TURNED)
        number = take(self, checked(call), place)
        if turned and call.operator not in TURNS:
            self.turned.add(call.made)
        return number

    def _given(self, call: AtenCall) -> int:
        """The number of the value that it reads first."""
        value = call.arguments.get("input", call.arguments.get("self"))
        if not isinstance(value, AtenValue) or value.name not in self.made:
            raise NoLayer("what it reads isn't known")
        return self.made[value.name]

    def _size(self, call: AtenCall) -> Shape:
        return self.row.sizes[self._given(call)]

    def _weight(self, call: AtenCall, name: str) -> Array | None:
        value = call.arguments.get(name)
        if value is None:
            return None
        found = self._tensor(value.name)
        if found is None:
            raise NoLayer(f"its {name} is reckoned, and only stored tensors can be weights")
        return found

    def _stored(self, call: AtenCall) -> list[str]:
        """The names of its weights, without statistics."""
        told = (value for name, value in call.arguments.items() if not name.startswith("running"))
        names = (value.name for value in told if isinstance(value, AtenValue))
        return [name for name in names if name in self.content.weights]

    def _tensors(self, call: AtenCall) -> dict[str, Array]:
        found = {name: self._weight(call, name) for name in ("weight", "bias")}
        return {name: tensor for name, tensor in found.items() if tensor is not None}

    # Operators with weights.

    def linear(self, call: AtenCall, place: str) -> int:
        tensors = self._tensors(call)
        if self._is_turned(call):  # of each place
            tensors["weight"] = tensors["weight"][:, :, None, None]
            layer = Conv(len(tensors["weight"]), (1, 1))
            return self.row.add(layer, self._given(call), place, tensors)
        if len(self._size(call)) != 1:
            raise NoLayer("it reads values that aren't flat")
        return self.row.add(Dense(len(tensors["weight"])), self._given(call), place, tensors)

    def conv(self, call: AtenCall, place: str) -> int:
        tensors, told = self._tensors(call), call.arguments
        channels, _, *kernel = tensors["weight"].shape
        size, shape = (kernel[0], kernel[1]), self._size(call)
        gaps = told["dilation"]
        pad = padding_of(told["padding"], size, gaps, shape)
        layer = Conv(channels, size, told["stride"], pad, groups=told["groups"], dilation=gaps)
        layer = framed_conv(layer, self._frame(call), shape)
        fixed = call.arguments["weight"].name in self.content.fixed
        return self.row.convolve(layer, self._given(call), place, *tensors.values(), fixed=fixed)

    def normalise(self, call: AtenCall, place: str) -> int:
        told, channels = call.arguments, self._size(call)[0]
        if told["training"]:
            raise NoLayer(TRAINING)
        tensors = {}
        for name, theirs, usual in (
            ("scale", "weight", np.ones(channels)),
            ("shift", "bias", np.zeros(channels)),
            ("mean", "running_mean", None),
            ("variance", "running_var", None),
        ):
            found = self._weight(call, theirs)
            tensor = usual if found is None else found
            if tensor is None:
                raise NoLayer("it keeps no running mean and variance")
            tensors[name] = tensor
        return self.row.add(BatchNorm(told["eps"]), self._given(call), place, tensors)

    def normalise_sample(self, call: AtenCall, place: str) -> int:
        """By groups of channels, over the channels of each place, or over all values."""
        size = self._size(call)
        layer = sample_norm(call, size, self._is_turned(call))
        shape = layer.parameters(size)[0].shape
        given = {"scale": self._weight(call, "weight"), "shift": self._weight(call, "bias")}
        usual = {"scale": np.ones(shape), "shift": np.zeros(shape)}
        tensors = {
            name: usual[name] if array is None else array.reshape(-1)
            for name, array in given.items()
        }
        return self.row.add(layer, self._given(call), place, tensors)

    # Pools.

    def pool(self, call: AtenCall, place: str) -> int:
        told, shape = call.arguments, self._size(call)
        kind = call.operator[:3]
        if told["divisor_override"]:
            raise NoLayer("an average has no divisor of its own here")
        size, pad = told["kernel_size"], told["padding"]
        zeros = kind == "avg" and told["count_include_pad"] and any(pad)
        layer = Pool(
            kind,
            size,
            told["stride"] or size,
            (*pad, *pad),
            told["dilation"],
            ceil=told["ceil_mode"],
            zeros=zeros,
        )
        given = self._given(call)
        layer = framed_pool(layer, self._frame(call), shape, self.row.layers[:given])
        return self.row.add(layer, given, place)

    def pad(self, call: AtenCall, place: str) -> int:
        """Kept until a window takes it in."""
        told, shape = call.arguments, self._size(call)
        pads: list[int] = told["pad"]
        if len(shape) != 3 or len(pads) % 2:
            raise NoLayer("one value is put around rows and columns, and nothing else")
        left, right, top, below, *others = (*pads, *(0,) * (4 - len(pads)))
        if any(others):
            raise NoLayer("padding goes around rows and columns alone")
        frame = Padding((top, left, below, right), told["value"])
        self.frames[call.made] = joined(self._frame(call), frame)
        return self._given(call)

    def _frame(self, call: AtenCall) -> Padding | None:
        value = call.arguments.get("input", call.arguments.get("self"))
        return self.frames.get(value.name) if isinstance(value, AtenValue) else None

    def pool_to(self, call: AtenCall, place: str) -> int:
        target, size = call.arguments["output_size"], self._size(call)
        kind, given = call.operator.split("_")[1], self._given(call)
        if target == (1, 1):
            return self.row.add(Pool(kind, None), given, place)
        if any(n % t for n, t in zip(size[1:], target, strict=True)):
            raise NoLayer(f"{spell(size[1:])} doesn't fall into {spell(target)} equal windows")
        rows, columns = (n // t for n, t in zip(size[1:], target, strict=True))
        return self.row.add(Pool(kind, (rows, columns)), given, place)

    def pool_all(self, call: AtenCall, place: str) -> int:
        told, size = call.arguments, self._size(call)
        if len(size) != 3 or sorted(axis % 4 for axis in told["dim"]) != [2, 3]:
            raise NoLayer("means are read over rows and columns together, and no others")
        kind = "max" if call.operator == "amax" else "avg"
        number = self.row.add(Pool(kind, None), self._given(call), place)
        return number if told["keepdim"] else self.row.flat(number, place)

    # Operators without weights.

    def flatten(self, call: AtenCall, place: str) -> int:
        told, dimensions = call.arguments, len(self._size(call)) + 1
        ends = (told["start_dim"] % dimensions, told["end_dim"] % dimensions)
        if ends != (1, dimensions - 1):
            raise NoLayer("all values of an image are laid out in one line, and no others")
        return self.row.flat(self._given(call), place)

    def reshape(self, call: AtenCall, place: str) -> int:
        told, size = call.arguments, self._size(call)
        first, *rest = told["shape" if call.operator == "reshape" else "size"]
        wanted = _settled(rest, prod(size)) if None not in rest else ()
        if first not in (None, -1, self.content.batch) or prod(wanted) != prod(size):
            raise NoLayer("it lays out values of several images together")
        if wanted == size:
            return self._given(call)
        if len(wanted) == 1:
            return self.row.flat(self._given(call), place)
        if self.row.layers or len(wanted) != 3:
            raise NoLayer(f"{spell(size)} is laid out as {spell(wanted)}: only flat is read")
        self.row.sizes[0] = wanted
        return self._given(call)

    def squeeze(self, call: AtenCall, place: str) -> int:
        if prod(self._size(call)[1:]) != 1 or self.content.batch == 1:
            raise NoLayer("only rows and columns of one value are left out")
        return self.row.flat(self._given(call), place)

    def turn(self, call: AtenCall, place: str) -> int:
        """To channels last, which few layers read, and back."""
        axes = turned_axes(call, 1 + len(self._size(call)))
        if axes != (CHANNELS_FIRST if self._is_turned(call) else CHANNELS_LAST):
            raise NoLayer(TURNED)
        if axes == CHANNELS_LAST:
            self.turned.add(call.made)
        return self._given(call)

    def _is_turned(self, call: AtenCall) -> bool:
        return any(name in self.turned for name in call.reads)

    def drop(self, call: AtenCall, place: str) -> int:
        if call.arguments["train"] or call.arguments["training"]:
            raise NoLayer(TRAINING)
        return self._given(call)

    def pass_on(self, call: AtenCall, place: str) -> int:
        return self._given(call)

    # Activations, sums and products.

    def activate(self, call: AtenCall, place: str) -> int:
        return self.row.add(activation_of(call), self._given(call), place)

    def softmax(self, call: AtenCall, place: str) -> int:
        if call.arguments["dim"] % (len(self._size(call)) + 1) != 1:
            raise NoLayer("shares are read over all classes, which stand second")
        return self.row.add(Activation(KINDS[call.operator]), self._given(call), place)

    def combine(self, call: AtenCall, place: str) -> int:
        """A sum of two values, or what a constant does to each channel."""
        call = self._with_the_value_first(call)
        other = call.arguments["other"]
        if isinstance(other, AtenValue) and other.name in self.made:
            if len({name in self.turned for name in call.reads}) > 1:
                raise NoLayer(TURNED)
            if call.operator != "add" or call.arguments["alpha"] != 1:
                raise NoLayer("of two values only the sum is read")
            return self.row.sum(self._given(call), self.made[other.name], place)
        given, size = self._given(call), self._size(call)
        numbers = self._constant(call, size) * call.arguments["alpha"]
        ones, zeros = np.ones_like(numbers), np.zeros_like(numbers)
        scale, shift = {
            "add": (ones, numbers),
            "sub": (ones, -numbers),
            "mul": (numbers, zeros),
            "div": (1 / np.where(numbers == 0, np.nan, numbers), zeros),
        }[call.operator]
        names = [name for name, number in self.made.items() if number <= given]
        alone = all(self.content.reader_count(name) == 1 for name in names)
        return self.row.scaled(given, scale, shift, place, alone)

    def _with_the_value_first(self, call: AtenCall) -> AtenCall:
        """A stored tensor times a value, or plus one, as the value times or plus that."""
        told = call.arguments
        first = told["self"]
        stored = isinstance(first, AtenValue) and self._tensor(first.name) is not None
        if not stored or call.operator not in ("add", "mul") or told["alpha"] != 1:
            return call
        return replace(call, arguments={**told, "self": told["other"], "other": told["self"]})

    def concat(self, call: AtenCall, place: str) -> int:
        given = call.arguments["tensors"]
        if any(value.name not in self.made for value in given):
            raise NoLayer("it puts constants beside values")
        numbers = [self.made[value.name] for value in given]
        if call.arguments["dim"] % (len(self.row.sizes[numbers[0]]) + 1) != 1:
            raise NoLayer("channels are put side by side (dim 1), and nothing else")
        return self.row.side_by_side(numbers, place)

    def _constant(self, call: AtenCall, size: Shape) -> Array:
        """A number for each channel, out of one that is broadcast."""
        other = call.arguments["other"]
        if not isinstance(other, AtenValue):
            return np.array([other])
        tensor = self._weight(call, "other")
        assert tensor is not None
        return by_channel(tensor, size, self._is_turned(call))


def _settled(sizes: list[int], count: int) -> Shape:
    """With the size that is left open (-1) worked out."""
    known = prod(size for size in sizes if size != -1)
    return tuple(count // max(known, 1) if size == -1 else size for size in sizes)


WINDOWED = ("conv2d", "max_pool2d", "avg_pool2d", "pad", "constant_pad_nd")  # may read framed ones
Take = Callable[[_AtenReader, AtenCall, str], int]


TAKES: Mapping[str, Take] = {
    "linear": _AtenReader.linear,
    "conv2d": _AtenReader.conv,
    "batch_norm": _AtenReader.normalise,
    **dict.fromkeys(("group_norm", "instance_norm", "layer_norm"), _AtenReader.normalise_sample),
    **dict.fromkeys(("max_pool2d", "avg_pool2d"), _AtenReader.pool),
    **dict.fromkeys(("pad", "constant_pad_nd"), _AtenReader.pad),
    **dict.fromkeys(("adaptive_avg_pool2d", "adaptive_max_pool2d"), _AtenReader.pool_to),
    **dict.fromkeys(("mean", "amax"), _AtenReader.pool_all),
    **dict.fromkeys(("cat", "concat", "concatenate"), _AtenReader.concat),
    "flatten": _AtenReader.flatten,
    **dict.fromkeys(("view", "reshape", "_unsafe_view"), _AtenReader.reshape),
    "squeeze": _AtenReader.squeeze,
    **dict.fromkeys(TURNS, _AtenReader.turn),
    **dict.fromkeys(DROPS, _AtenReader.drop),
    **dict.fromkeys(PASSING, _AtenReader.pass_on),
    **dict.fromkeys(OF_EACH_VALUE, _AtenReader.activate),
    **dict.fromkeys(("softmax", "log_softmax"), _AtenReader.softmax),
    **dict.fromkeys(("add", "sub", "mul", "div"), _AtenReader.combine),
}
